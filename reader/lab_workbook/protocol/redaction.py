"""
Redaction: the one gate for every text that is stored and is not the user's own artifact.

A value is redacted by its name (``api_key``, ``dbPassword``) or by its own shape (``ghp_…``), a text by both.
Each secret becomes ``[redacted]`` and is counted. This is a net, not a proof: a password without a name looks
like any word.

>>> redacted_value({"learning rate": 0.1, "wandb_api_key": "0123456789abcdef", "use_cls_token": "yes"})
({'learning rate': 0.1, 'wandb_api_key': '[redacted]', 'use_cls_token': 'yes'}, 1)
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from lab_workbook.protocol import _spec, secret_assignments, secret_texts
from lab_workbook.protocol.secret_names import NONE, STRONG, is_secret_file, is_secret_name, strength_of_name
from lab_workbook.protocol.secret_values import could_be_secret, is_placeholder, looks_random

__all__ = [
    "add_patterns",
    "is_secret_file",
    "is_secret_name",
    "redacted_arguments",
    "redacted_beginning",
    "redacted_bytes",
    "redacted_cell",
    "redacted_keys",
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
    secret_assignments.cut_named,
)
# No secret is shorter, with a name beside it or a shape of its own.
_SHORT: Final = 9


# The patterns of the configuration. They count for the whole process, also after another experiment began
# without
# them: too many secrets redacted are better than one too few.
_own: dict[str, tuple[re.Pattern[str], ...]] = {}


def add_patterns(redact: str | None) -> None:
    r"""
    Redact what matches the setting ``redact`` from now on, in the whole process.

    >>> add_patterns(r"ACME-\d{8}")

    Raises:
        ValueError: it is not a pattern of `secret_patterns`.
    """
    if redact:
        # Few scripts have one, and the others need not wait for its module.
        from lab_workbook.protocol import secret_patterns

        _own[redact] = secret_patterns.parse(redact)


def redacted_text(text: str) -> tuple[str, int]:
    """
    Return a text without its secrets, and how many were redacted.

    >>> redacted_text("curl -u me https://me:hunter2@example.org/data")
    ('curl -u me https://me:[redacted]@example.org/data', 1)
    """
    if text.isascii():
        return _redacted(text)
    # Lengths are counted in bytes, as in Lua; all that is searched for is ASCII.
    redacted, count = _redacted(text.encode("utf-8", "surrogatepass").decode("latin-1"))
    return (redacted.encode("latin-1").decode("utf-8", "surrogatepass"), count) if count else (text, 0)


def _redacted(text: str) -> tuple[str, int]:
    count = 0
    # What was redacted may have been between a name and its value. The number of rounds is limited, so that
    # no
    # text hangs us.
    for _ in range(_spec.SECRET_ROUNDS):
        found = 0
        for cut in _CUTS:
            text, number = cut(text)
            found += number
        for pattern in itertools.chain.from_iterable(_own.values()):
            text, number = pattern.subn(_MARK, text)
            found += number
        count += found
        if not found:
            break
    return text, count


def redacted_beginning(text: str, longest: int) -> tuple[str, int]:
    """
    Return at most ``longest`` characters of a text, without secrets, and how many were redacted.

    >>> redacted_beginning("password='hunter2' and many more words", 30)
    ("password='[redacted]' and many", 1)
    """
    window = text[: 2 * longest]
    redacted, count = redacted_text(window)
    if len(window) < len(text):
        # The end of the window may be a part of a secret.
        redacted = redacted[: -max(1, longest // 2)]
    return redacted[:longest], count


def redacted_bytes(data: bytes) -> tuple[bytes, int]:
    r"""
    Return a patch without its secrets, and how many were redacted; everything else stays byte for byte.

    The number of lines and their first characters stay too, so that the patch applies, and so do the
    changes of binary files, which are compressed.

    >>> redacted_bytes(b"+password = 'hunter2'\n")
    (b"+password = '[redacted]'\n", 1)
    """
    # In Latin-1 every byte is a character.
    text, count = data.decode("latin-1"), 0
    pieces = []
    for index, piece in enumerate(re.split(_BINARY, text)):
        redacted, found = (piece, 0) if index % 2 else _redacted(piece)
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

    Over http a user without a password is a token as well; ``ssh://git@host`` keeps its user.
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
    Return a command line without its secrets, and how many were redacted.

    >>> redacted_arguments(["train.py", "--api-key", "12345678", "db.password=hunter2", "--num_tokens", "5"])
    (['train.py', '--api-key', '[redacted]', 'db.password=[redacted]', '--num_tokens', '5'], 2)
    """
    kept, count, option = [], 0, ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        is_option = _OPTION.issuperset(name) and is_secret_name(name)
        found = 1
        if option and not argument.startswith("-") and _is_secret(option, argument):
            shown = _MARK
        elif is_option and equals and _is_secret(name, value):
            shown = f"{name}={_MARK}"
        else:
            shown, found = redacted_text(argument)
        option = name if is_option and not equals and name.startswith("-") else ""
        kept.append(shown)
        count += found
    return kept, count


_OPTION: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_./-+~")


def _is_secret(name: str, value: str) -> bool:
    return could_be_secret(name, value) if strength_of_name(name) == STRONG else looks_random(value)


def redacted_value(value: Any, *, allow: Collection[str] = ()) -> tuple[Any, int]:
    """
    Return a JSON value without its secrets, and how many texts were redacted.

    A text is redacted because of its key, of a key above it, or of its own shape. Numbers, booleans and empty
    texts stay. What is below a key in ``allow`` is left as it is.

    >>> redacted_value({"token": 7, "secrets": {"user": "ann"}, "hub_token": "left"}, allow=["hub_token"])
    ({'token': 7, 'secrets': {'user': '[redacted]'}, 'hub_token': 'left'}, 1)
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
    # A list of what is still to be done, because values may be nested as deeply as Python's calls. Beside
    # each
    # value are the key below which it is, and the strongest name at or above it.
    todo: list[tuple[Any, Any, Any, str, str]] = [(holder, 0, value, "", "")]
    while todo:
        place, key, item, name, secret = todo.pop()
        if isinstance(item, dict):
            kept = dict(zip(item, _redacted_json_keys(item, allow, names), strict=True))
            place[key] = dict.fromkeys(kept.values())
            for child_key, child in item.items():
                is_text = isinstance(child_key, str)
                if is_text and child_key in allow:
                    place[key][kept[child_key]] = child
                else:
                    child_name = child_key if is_text else name
                    todo.append(
                        (place[key], kept[child_key], child, child_name, _stronger(secret, child_key))
                    )
        elif isinstance(item, (list, tuple)):
            place[key] = [None] * len(item)
            todo += [(place[key], index, child, name, secret) for index, child in enumerate(item)]
        elif isinstance(item, str) and item:
            place[key], found = redacted_cell(secret, item)
            names += [name] * found
        else:
            place[key] = item
    return holder[0], names


def _stronger(above: str, key: object) -> str:
    if not isinstance(key, str):
        return above
    return key if strength_of_name(key) > strength_of_name(above) else above


def _redacted_json_keys(item: dict[Any, Any], allow: Collection[str], names: list[str]) -> list[Any]:
    is_text = [isinstance(key, str) and key not in allow for key in item]
    texts, count = redacted_keys([key for key, wanted in zip(item, is_text, strict=True) if wanted])
    names += [""] * count
    left = iter(texts)
    return [next(left) if wanted else key for key, wanted in zip(item, is_text, strict=True)]


def redacted_keys(keys: Iterable[str]) -> tuple[list[str], int]:
    """
    Return keys or names of fields without the secrets in them, still distinct, and how many were redacted.

    >>> redacted_keys(["loss", "https://me:hunter2@host"])
    (['loss', 'https://me:[redacted]@host'], 1)
    """
    keys = list(keys)
    shown = [redacted_text(key) if len(key) > _SHORT else (key, 0) for key in keys]
    total = sum(count for _, count in shown)
    if not total:
        return keys, 0
    used = {text for text, count in shown if not count}
    distinct = []
    numbers: dict[str, int] = {}
    for text, count in shown:
        name = text
        while count and name in used:
            numbers[text] = numbers.get(text, 1) + 1
            name = f"{text}-{numbers[text]}"
        used.add(name)
        distinct.append(name)
    return distinct, total


# Numbers that JSON has to write as texts are numbers all the same.
_NUMBERS: Final = (_spec.JSON_NAN, _spec.JSON_INFINITY, _spec.JSON_NEGATIVE_INFINITY)


def redacted_cell(name: str, text: str) -> tuple[str, int]:
    """
    Return the text that a name belongs to without its secrets, and how many were redacted.

    >>> redacted_cell("api_key", "hunter2"), redacted_cell("model", "resnet50")
    (('[redacted]', 1), ('resnet50', 0))
    """
    if (
        strength_of_name(name) != NONE
        and text not in _NUMBERS
        and not is_placeholder(text)
        and _is_secret(name, text)
    ):
        return _MARK, 1
    return redacted_text(text) if len(text) > _SHORT else (text, 0)
