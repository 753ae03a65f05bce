"""
Secrets stay out: what looks like one is replaced by a mark, ``[redacted]``, and counted.

A value goes by the name that it has (``api_key``, ``dbPassword``) and by its own shape (``ghp_…``); a text
by all that stands in it. This is a net, and no proof: a password of one's own making, without a name that
tells it, looks like any word.

>>> redacted_value({"learning rate": 0.1, "wandb_api_key": "0123456789abcdef", "use_cls_token": "yes"})
({'learning rate': 0.1, 'wandb_api_key': '[redacted]', 'use_cls_token': 'yes'}, 1)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from lab_workbook.protocol import _spec

from lab_workbook_writer.capture import secret_texts
from lab_workbook_writer.capture.secret_names import is_secret_file, is_secret_name

__all__ = [
    "is_secret_file",
    "is_secret_name",
    "redacted_arguments",
    "redacted_bytes",
    "redacted_text",
    "redacted_url",
    "redacted_value",
    "redactions",
]

_MARK: Final = _spec.SECRET_MARK
_CUTS: Final = (
    secret_texts.cut_keys,
    secret_texts.cut_urls,
    secret_texts.cut_shapes,
    secret_texts.cut_named,
)


def redacted_text(text: str) -> tuple[str, int]:
    """
    Return a text without the secrets in it, and how many were cut.

    >>> redacted_text("curl -u me https://me:hunter2@example.org/data")
    ('curl -u me https://me:[redacted]@example.org/data', 1)
    """
    count = 0
    # What was cut may have stood between a name and its value; twice is enough, and no text may hang us.
    for _ in range(_spec.SECRET_ROUNDS):
        found = 0
        for cut in _CUTS:
            text, number = cut(text)
            found += number
        count += found
        if not found:
            break
    return text, count


def redacted_bytes(data: bytes) -> tuple[bytes, int]:
    r"""
    Return a patch without the secrets in it, and how many were cut; all else stays byte for byte.

    The number of lines and what stands before them stay too, so that the patch applies, and so do the
    changes of binary files, which are compressed.

    >>> redacted_bytes(b"+password = 'hunter2'\n")
    (b"+password = '[redacted]'\n", 1)
    """
    # All that is looked for is ASCII, and in Latin-1 every byte is a character of its own.
    text, count = data.decode("latin-1"), 0
    pieces = []
    for index, piece in enumerate(re.split(_BINARY, text)):
        redacted, found = (piece, 0) if index % 2 else redacted_text(piece)
        pieces.append(redacted)
        count += found
    return "".join(pieces).encode("latin-1"), count


# Up to the empty line after the second of the two directions that git writes.
_BINARY: Final = r"(?m)^(GIT binary patch\n(?:(?:literal|delta) [0-9]+\n(?:[A-Za-z][^\n ]+\n)*\n){1,2})"


def redacted_url(url: str) -> tuple[str, int]:
    """
    Return a URL without the password or token before its host, and without secrets in its query.

    >>> redacted_url("https://x-oauth:abc@github.com/me/it.git")
    ('https://x-oauth:[redacted]@github.com/me/it.git', 1)

    Over http a user alone is a token as well; ``ssh://git@host`` keeps its user.
    """
    count = 0
    alone = re.match(r"(https?://)([^/?#@:]+)@", url, re.IGNORECASE)
    if alone and alone[2] not in ("git", _MARK):
        url, count = f"{alone[1]}{_MARK}@{url[alone.end() :]}", 1
    start, question, query = url.partition("?")
    parts = query.split("&")
    for index, part in enumerate(parts):
        name, equals, value = part.partition("=")
        if value and value != _MARK and is_secret_name(name):
            parts[index], count = f"{name}{equals}{_MARK}", count + 1
    text, found = redacted_text(start + question + "&".join(parts))
    return text, count + found


def redacted_arguments(arguments: Sequence[str]) -> tuple[list[str], int]:
    """
    Return a command line without the secrets in it, and how many were cut.

    >>> redacted_arguments(["train.py", "--api-key", "12345678", "db.password=hunter2", "--num_tokens", "5"])
    (['train.py', '--api-key', '[redacted]', 'db.password=[redacted]', '--num_tokens', '5'], 2)
    """
    kept, count, is_next = [], 0, False
    for argument in arguments:
        is_value = is_next and not argument.startswith("-")
        name, equals, value = argument.partition("=")
        is_option = is_secret_name(name) and _OPTION.issuperset(name)
        is_next = is_option and not equals and name.startswith("-")
        if is_value and argument not in _HARMLESS:
            argument, found = _MARK, 1  # noqa: PLW2901 - the argument as it is told
        elif is_option and equals and value not in _HARMLESS:
            argument, found = f"{name}={_MARK}", 1  # noqa: PLW2901
        else:
            argument, found = redacted_text(argument)  # noqa: PLW2901
        kept.append(argument)
        count += found
    return kept, count


_OPTION: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_./-+~")
_HARMLESS: Final = ("", "true", "false", "True", "False", "null", "None", "none", _MARK)


def redacted_value(value: Any, *, allow: Collection[str] = ()) -> tuple[Any, int]:
    """
    Return a value as JSON has them without the secrets in it, and how many texts were cut.

    A text is one if its key says so, or a key above it, or its own shape. Numbers, booleans and empty
    texts stay. What is below a key in ``allow`` is left as it is.

    >>> redacted_value({"token": 7, "auth": {"user": "me"}, "hub_token": "left"}, allow=["hub_token"])
    ({'token': 7, 'auth': {'user': '[redacted]'}, 'hub_token': 'left'}, 1)
    """
    redacted, names = redactions(value, allow=allow)
    return redacted, len(names)


def redactions(value: Any, *, allow: Collection[str] = ()) -> tuple[Any, list[str]]:
    """
    Return a value without its secrets, and for each the key that it was found under.

    >>> redactions({"db": {"password": "hunter2"}})
    ({'db': {'password': '[redacted]'}}, ['password'])
    """
    allow = (allow,) if isinstance(allow, str) else allow
    holder: list[Any] = [None]
    names: list[str] = []
    # A list of what is still to be done, because values may be nested as deeply as Python's calls.
    todo: list[tuple[Any, Any, Any, str, bool]] = [(holder, 0, value, "", False)]
    while todo:
        place, key, item, name, is_secret = todo.pop()
        if isinstance(item, dict):
            place[key] = dict.fromkeys(item)
            for child_key, child in item.items():
                if not (isinstance(child_key, str) and child_key in allow):
                    child_name = child_key if isinstance(child_key, str) else name
                    secret = is_secret or (isinstance(child_key, str) and is_secret_name(child_key))
                    todo.append((place[key], child_key, child, child_name, secret))
                else:
                    place[key][child_key] = child
        elif isinstance(item, (list, tuple)):
            place[key] = [None] * len(item)
            todo += [(place[key], index, child, name, is_secret) for index, child in enumerate(item)]
        elif isinstance(item, str) and item:
            place[key], found = _redacted_leaf(item, is_secret=is_secret)
            names += [name] * found
        else:
            place[key] = item
    return holder[0], names


# Numbers that JSON has to write as texts are numbers all the same.
_NO_SECRETS: Final = (_MARK, _spec.JSON_NAN, _spec.JSON_INFINITY, _spec.JSON_NEGATIVE_INFINITY)


def _is_no_secret(text: str) -> bool:
    """Say so of a number, of what another library has masked, and of where a secret is to be found."""
    is_reference = text.startswith("${") and text.endswith("}")
    return text in _NO_SECRETS or not text.strip("*") or is_reference


def _redacted_leaf(text: str, *, is_secret: bool) -> tuple[str, int]:
    if is_secret:
        return (text, 0) if _is_no_secret(text) else (_MARK, 1)
    # Most texts are short words, and no secret is shorter.
    return redacted_text(text) if len(text) > 9 else (text, 0)
