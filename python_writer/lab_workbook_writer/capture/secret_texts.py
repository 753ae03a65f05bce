"""
Secrets within a text: by their own shape, in a URL, in a private key, or beside a name that tells them.

All that is looked for begins with something rare, so that ten megabytes take a fraction of a second, and
whatever is repeated is bounded, so that no text takes longer than its length says.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from lab_workbook.protocol import _spec

from lab_workbook_writer.capture.secret_names import is_secret_name

_MARK: Final = _spec.SECRET_MARK


def cut_shapes(text: str) -> tuple[str, int]:
    """Cut what is a secret by its own shape, such as ``ghp_…`` or ``AKIA…``."""
    count = 0
    for begin, characters, least, holds in _spec.SECRET_SHAPES:
        if begin in text:
            text, found = _cut_shape(text, begin, characters, least, holds)
            count += found
    return text, count


def _cut_shape(text: str, begin: str, characters: str, least: int, holds: str) -> tuple[str, int]:
    # What ends like this only leads to the secret, and tells what was cut.
    kept = begin if begin[-1] in " =/" else ""
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        if holds not in match[0]:
            return match[0]
        count += 1
        return kept + _MARK

    return _shape(begin, characters, least).sub(replace, text), count


@lru_cache(maxsize=128)
def _shape(begin: str, characters: str, least: int) -> re.Pattern[str]:
    literal = re.escape(begin)
    # The beginning comes first, because `re` finds a literal quickly; what stands before it is asked then.
    return re.compile(f"{literal}(?<![0-9A-Za-z_]{literal})[{characters}]{{{least},}}")


def cut_urls(text: str) -> tuple[str, int]:
    """Cut the password of each URL, ``scheme://user:password@host``, and a long user that stands alone."""
    if "://" not in text:
        return text, 0
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        user, colon, password = match[1].partition(":")
        secret = password if colon else user
        if _is_placeholder(secret) or (not colon and len(user) < 20):
            return match[0]
        count += 1
        return f"://{user}:{_MARK}@" if colon else f"://{_MARK}@"

    return _userinfo().sub(replace, text), count


@lru_cache(maxsize=1)
def _userinfo() -> re.Pattern[str]:
    return re.compile(r"""://([^\s/?#"'<>`\\]{1,512})@""", re.ASCII)


def cut_named(text: str) -> tuple[str, int]:
    """Cut what a name beside it tells to be a secret: ``api_key = "…"``, ``"password": "…"``, ``TOKEN=…``."""
    lower = text.lower()
    # A text without any of these, as most are, needs no pattern.
    if not any(sign in lower for sign in "=:") or not any(hint in lower for hint in _HINTS):
        return text, 0
    count = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        lead, quote, value = match.groups()
        if _is_placeholder(value) or not (quote or _may_be_bare(match)):
            return match[0]
        name, front = _name_before(match.string[max(0, match.start() - 120) : match.start()], lead[0])
        is_query = lead == "=" and front in ("?", "&")
        if not is_secret_name(name) or not (quote or is_query or _is_bare_secret(name, match)):
            return match[0]
        count += 1
        return f"{lead}{quote}{_MARK}{quote}"

    for pattern in _named():
        text = pattern.sub(replace, text)
    return text, count


# What all names of secrets hold one of.
_HINTS: Final = (
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "auth",
    "credential",
    "cookie",
    "bearer",
    "connection",
    "sid",
    "session",
    "signature",
)


@lru_cache(maxsize=1)
def _named() -> tuple[re.Pattern[str], re.Pattern[str]]:
    # What is between quotes, and what stands bare; a bare one has an equals sign at its end only.
    return (
        re.compile(r"""([:=]>?[ \t]{0,3})(["'])([^\s"'\\]{6,512})\2""", re.ASCII),
        re.compile(
            r"""([:=]>?[ \t]{0,3})()([^\s"'`()\[\]{}<>,;&$\\:=]{4,512}(?:={1,2}(?![^\s"'&,;)]))?)""", re.ASCII
        ),
    )


def _name_before(text: str, separator: str) -> tuple[str, str]:
    """Return the name at the end of a text, without its quotes or its type in Python, and what is before."""
    text = text.rpartition("\n")[2]
    if separator == "=" and ":" in text:
        text = re.sub(_ANNOTATION, "", text)
    backwards = re.match(_NAME_BACKWARDS, text[::-1])
    if not backwards:
        return "", ""
    return backwards[1][::-1], text[-backwards.end() - 1 : -backwards.end()]


# `re` compiles these when they are first needed, and remembers them.
_ANNOTATION: Final = r":\s{0,3}(?:str|bytes|Optional\[str\]|str \| None)\s{0,3}$"
_NAME_BACKWARDS: Final = r"""[ \t]{0,12}["']?([0-9A-Za-z_.-]+)"""
_HEX: Final = "[0-9a-f]{32,}"


def _may_be_bare(match: re.Match[str]) -> bool:
    """Say so before the name is looked for, which takes longer: most of a program is names and signs."""
    return match[1] == "=" or len(match[3]) >= 16


def _is_bare_secret(name: str, match: re.Match[str]) -> bool:
    value, after = match[3], match.string[match.end() : match.end() + 1]
    # NAME=value, as a shell or a .env file has it.
    if name == name.upper() and match[1] == "=" and after in ("", "\n", "\r", " ", "\t", "&"):
        return True
    # Anything else could be a line of a program, whose names are no secrets: only what looks random.
    if re.fullmatch(_HEX, value):
        return not value.isdigit()
    kinds = (any(low <= character <= high for character in value) for low, high in ("09", "AZ", "az"))
    return len(value) >= 16 and "." not in value and all(kinds)


def _is_placeholder(value: str) -> bool:
    """Say whether a program or a template puts the secret there later, or we have cut it before."""
    return _MARK in value or value[:1] in "{$%<*" or set(value) <= set("*x.-")


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
