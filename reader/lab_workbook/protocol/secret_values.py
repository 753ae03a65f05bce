"""
Values beside a secret's name: which of them could be a secret.

>>> could_be_secret("api_key", "hunter2"), could_be_secret("api_key", "YOUR_API_KEY"), looks_random("ses-01")
(True, False, False)

Everything here is counted in integers on ASCII characters, so that the Lua writer gets the same answers.
"""

from __future__ import annotations

from typing import Final

from lab_workbook.protocol import _spec
from lab_workbook.protocol.secret_names import NONE, STRONG, strength_of_name, words_of_name

# Without the module `string`, which costs a starting script milliseconds.
_DIGITS: Final = frozenset("0123456789")
_LOWER: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
_UPPER: Final = frozenset(letter.upper() for letter in _LOWER)
_LETTERS: Final = _UPPER | _LOWER
_HEX: Final = frozenset("0123456789abcdef")
# The alphabets of base 64, in both spellings, of JSON Web Tokens and of passwords that a program has drawn.
_RANDOM: Final = _LETTERS | _DIGITS | frozenset("+/=_.~-")
_HARMLESS: Final = frozenset(_spec.SECRET_HARMLESS)
# What a person reads has words; a password of several words has none of these.
_TOPICS: Final = ("pass", "key", "token", "secret", "login", "auth")
_LONGEST: Final = _spec.SECRET_VALUE_MAX
_SHORTEST: Final = 3


def could_be_secret(name: str, value: str) -> bool:
    """
    Return whether a value could be the secret that its name announces.

    False for one or two characters, a word such as ``none``, a placeholder, a label, a sentence, a path and
    the name of a variable.
    """
    value = without_scheme(value.strip(" \t\r\n"))
    return not (
        len(value) < _SHORTEST
        or is_placeholder(value)
        or value.lower() in _HARMLESS
        or _is_reference(name, value)
        or _is_sentence(value)
        or _is_path(value)
    )


def without_scheme(value: str) -> str:
    """
    Return the value of a header without ``Bearer `` and the like.

    >>> without_scheme("Token abc")
    'abc'
    """
    scheme, space, rest = value.partition(" ")
    return rest if space and scheme in _spec.SECRET_SCHEMES else value


def is_placeholder(value: str) -> bool:
    """Return whether a program or a person puts the secret there later, or it was redacted before."""
    return (
        not value
        or _spec.SECRET_MARK in value
        or value[0] in "{$%<*"
        or "..." in value
        or "${" in value
        or value[:4].lower() == "your"
        or value.startswith("env:")
        or not value.strip("*xX.-_")
    )


def looks_random(value: str) -> bool:
    """
    Return whether a value looks drawn by a program: kinds of characters change often in it.

    >>> [looks_random(text) for text in ("x7Gk29QpLz41", "run3-fold2-seed42", "cross_entropy_v2")]
    [True, False, False]
    """
    length = len(value)
    if not 12 <= length <= _LONGEST or not _RANDOM.issuperset(value):
        return False
    if _is_hex(value.replace("-", "")):
        return True
    changes = 0
    before = ""
    for now in value:
        is_change = (
            (now in _DIGITS and before in _LETTERS)
            or (now in _LETTERS and before in _DIGITS)
            or (now in _UPPER and before in _LOWER)
        )
        changes += is_change
        before = now
    return changes * 4 >= length


def looks_made_up(value: str) -> bool:
    """
    Return whether a value looks like a password and not like a word or a name of a program.

    >>> [looks_made_up(text) for text in ("hunter2", "Tr0ub4dor&3", "validation", "layer_2", "a.b1")]
    [True, True, False, False, False]
    """
    characters = set(value)
    if not 6 <= len(value) <= _LONGEST or not characters & _LETTERS:
        return False
    is_name = (_LETTERS | _DIGITS | frozenset("_.")).issuperset(characters)
    if is_name and characters & {"_", "."}:
        return looks_random(value) and "." not in value
    return bool(characters & _DIGITS) or bool(characters & set("!#%&+^~@"))


def _is_hex(value: str) -> bool:
    characters = set(value)
    is_one_case = _HEX.issuperset(characters) or (_UPPER | _DIGITS).issuperset(characters)
    if len(value) < 32 or not is_one_case or not _HEX.issuperset(value.lower()):
        return False
    return bool(characters & _DIGITS) and bool(characters & _LETTERS)


def _is_reference(name: str, value: str) -> bool:
    """Return whether a value is the name of a variable that holds the secret, or repeats its own name."""
    if "_" in value and (_UPPER | _DIGITS | {"_"}).issuperset(value):
        return strength_of_name(value) == STRONG
    if not (_LETTERS | frozenset(" _-")).issuperset(value):
        return False
    return words_of_name(name).endswith(words_of_name(value)) and strength_of_name(value) != NONE


def _is_sentence(value: str) -> bool:
    if " " not in value or set(value) & _DIGITS:
        return False
    lower = value.lower()
    return value[0] in _UPPER or any(topic in lower for topic in _TOPICS)


def _is_path(value: str) -> bool:
    is_start = value.startswith(("~/", "./", "../")) or (
        value[0] == "/" and ("/" in value[1:] or "." in value)
    )
    return is_start and not looks_random(value)
