"""
Secrets in a text that are recognized without a name: by a shape of their own, in a URL, in a private key.

Each search begins with a rare literal and each repetition is bounded, so the time is linear in the length of
the
text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from lab_workbook.protocol import _spec
from lab_workbook.protocol.secret_values import is_placeholder

_MARK: Final = _spec.SECRET_MARK


def cut_shapes(text: str) -> tuple[str, int]:
    """Cut secrets that have a shape of their own, such as ``ghp_…`` or ``AKIA…``."""
    count = 0
    for begin, characters, least, holds, front in _spec.SECRET_SHAPES:
        if begin in text:
            text, found = _cut_shape(text, _shape(begin, characters, least, front), begin, holds)
            count += found
    return text, count


def _cut_shape(text: str, pattern: re.Pattern[str], begin: str, holds: str) -> tuple[str, int]:
    # A beginning that ends with one of these only leads to the secret, and shows what was cut.
    kept = begin if begin[-1] in " =/" else ""
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        if holds not in match[0]:
            return match[0]
        count += 1
        return kept + _MARK

    return pattern.sub(replace, text), count


@lru_cache(maxsize=256)
def _shape(begin: str, characters: str, least: int, front: str) -> re.Pattern[str]:
    literal = re.escape(begin)
    # The beginning comes first, because `re` finds a literal quickly; then the character before it is tested.
    # In a text within a text, a line may begin after the two characters of `\\n`.
    is_alone = f"(?<![0-9A-Za-z_]{literal})|(?<=\\\\[nrt]{literal})"
    before = f"(?<=[{front}]{literal})" if front else f"(?:{is_alone})"
    return re.compile(f"{literal}{before}[{characters}]{{{least},}}")


def cut_urls(text: str) -> tuple[str, int]:
    """Cut the password of each URL, ``scheme://user:password@host``, and a long user without a password."""
    if "://" not in text:
        return text, 0
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        user, colon, password = match[1].partition(":")
        secret = password if colon else user
        if is_placeholder(secret) or (not colon and len(user) < 20) or (colon and _is_port(user, password)):
            return match[0]
        count += 1
        return f"://{user}:{_MARK}@" if colon else f"://{_MARK}@"

    return _userinfo().sub(replace, text), count


def _is_port(user: str, password: str) -> bool:
    """Return whether ``user:password`` is a host and its port, as in a malformed ``http://localhost:8080@x``."""
    is_host = user == "localhost" or "." in user
    return is_host and len(password) <= 5 and not password.strip("0123456789")


@lru_cache(maxsize=1)
def _userinfo() -> re.Pattern[str]:
    return re.compile(r"""://([^\s/?#"'<>`\\]{1,512})@""", re.ASCII)


def cut_keys(text: str) -> tuple[str, int]:
    """
    Cut the body of each private key between ``-----BEGIN … PRIVATE KEY-----`` and its end.

    The number of lines stays, and so does what a patch has before each of them.
    """
    if "PRIVATE KEY" not in text or "-----BEGIN" not in text:
        return text, 0
    pieces, done, count = [], 0, 0
    for begin in _key_begin().finditer(text):
        if begin.end() < done:
            continue
        body_end = _body_end(text, begin.end())
        body = text[begin.end() : body_end]
        # Within bounds, because a text may be one line.
        line_start = text.rfind("\n", max(0, begin.start() - 200), begin.start()) + 1
        is_patch = 0 < begin.start() - line_start <= 200 and text[line_start] in "+- "
        marked = _marked_lines(body, is_patch=is_patch)
        if marked != body:
            count += 1
            pieces += [text[done : begin.end()], marked]
            done = body_end
    return "".join([*pieces, text[done:]]), count


@lru_cache(maxsize=1)
def _key_begin() -> re.Pattern[str]:
    return re.compile("-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")


# With what comments, texts and patches put around a line; as JSON has it, all lines are one with `\\n` in it.
_LEAD: Final = r"""[+\- \t"'#*/]{0,40}"""
_BODY: Final = _LEAD + r"""(?:[0-9A-Za-z+/=]|\\[nr])*[ \t"',;+\\]{0,10}\r?"""
_HEADER: Final = _LEAD + "(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset): [^\n]{0,200}"
_END: Final = _LEAD + "?(?=-----END)"


def _body_end(text: str, start: int) -> int:
    """Return where the body of a key ends, which may be cut off by the end of a hunk or of the text."""
    at = start
    end_pattern, header, body = map(re.compile, (_END, _HEADER, _BODY))
    for _ in range(_spec.SECRET_KEY_MAX_LINES):
        end = end_pattern.match(text, at)
        if end:
            return end.end()
        line = header.match(text, at) or body.match(text, at)
        stop = line.end() if line else at
        if stop == len(text) or text.startswith("-----END", stop):
            return stop
        if text[stop] != "\n":
            return at
        at = stop + 1
    return at


def _marked_lines(body: str, *, is_patch: bool) -> str:
    return "\n".join(_marked_line(line, is_patch=is_patch) for line in body.split("\n"))


def _marked_line(line: str, *, is_patch: bool) -> str:
    kept = line[:1] if is_patch and line[:1] in ("+", "-", " ") else ""
    rest = line[len(kept) :]
    # Short pieces are a quote, an indent, or the last letters of a key that tell nothing without the rest.
    if len(rest.strip(" \t\r\"'+-,;\\")) < 8 or _MARK in rest:
        return line
    return kept + _MARK + ("\r" if rest.endswith("\r") else "")
