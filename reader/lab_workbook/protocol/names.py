"""
Names of artifacts.

A name becomes an object key in S3 and a path in a folder, on any system, so it is checked once when
it is written and again when it comes from a bucket: `check` says whether it may be written,
`is_safe_path` whether it may become a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lab_workbook.errors import InvalidName
from lab_workbook.protocol import _spec
from lab_workbook.protocol.text import is_utf8

# C0, DEL and C1 control characters, and the other system's separator.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\\\\]")


def check(name: object) -> str:
    """
    Return the name of an artifact, or say which rule it breaks.

    >>> check("train/loss.csv")
    'train/loss.csv'

    Raises:
        InvalidName: it breaks one of the rules ``name.*``.
    """
    if not isinstance(name, str):
        raise InvalidName("name.utf8", f"a name is a text, not {type(name).__name__}: {name!r}")
    for rule, broken, why in _RULES:
        if broken(name):
            raise InvalidName(rule, f"{_shown(name)} cannot be a name: {why}")
    return name


def is_safe_path(name: str) -> bool:
    """Say whether a name, also one that nobody may give, stays inside the folder it is joined to."""
    return not (_not_utf8(name) or _bad_parts(name) or "\0" in name)


class Register:
    """
    The names of one experiment, which must not collide on any file system.

    >>> register = Register()
    >>> register.add("loss.csv")
    >>> register.add("Loss.csv")
    Traceback (most recent call last):
    lab_workbook.errors.InvalidName: 'Loss.csv' and 'loss.csv' differ only in letter case ...
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, name: str) -> None:
        """
        Take a name into use; the same name may be added again.

        Raises:
            InvalidName: it collides with one in use (rule ``name.unique``).
        """
        key = _folded(name)
        other = self._names.get(key, name)
        if other != name:
            raise InvalidName("name.unique", f"{name!r} and {other!r} differ only in letter case: rename one")
        folders = [key[: at.start()] for at in re.finditer("/", key)]
        inside = self._folders.get(key) or next(
            (self._names[folder] for folder in folders if folder in self._names), None
        )
        if inside is not None:
            raise InvalidName(
                "name.unique", f"{name!r} and {inside!r}: one would be a folder of the other: rename one"
            )
        self._names[key] = name
        for folder in folders:
            self._folders.setdefault(folder, name)


def _folded(name: str) -> str:
    # ASCII only: file systems disagree about every other alphabet.
    return name.translate(_LOWER)


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _shown(name: str) -> str:
    shown = ascii(name) if _not_utf8(name) else repr(name)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _not_utf8(name: str) -> bool:
    return not is_utf8(name)


def _bad_parts(name: str) -> bool:
    return any(part in ("", ".", "..") for part in name.split("/"))


def _bad_edges(name: str) -> bool:
    return any(part != part.strip(" ") or part.endswith(".") for part in name.split("/"))


def _too_long(name: str) -> bool:
    longest = max(len(part.encode()) for part in name.split("/"))
    return longest > _spec.NAME_PART_MAX_BYTES or len(name.encode()) > _spec.NAME_MAX_BYTES


def _reserved(name: str) -> bool:
    return _folded(name.partition("/")[0]) == _spec.LAYOUT_RESERVED


_RULES: tuple[tuple[str, Callable[[str], object], str], ...] = (
    ("name.utf8", _not_utf8, "it is not valid UTF-8"),
    ("name.parts", _bad_parts, "the parts between slashes must not be empty, '.' or '..'"),
    ("name.characters", _FORBIDDEN.search, "control characters and backslashes are not allowed"),
    ("name.edges", _bad_edges, "a part must not begin or end with a space, nor end with a dot"),
    (
        "name.length",
        _too_long,
        f"at most {_spec.NAME_PART_MAX_BYTES} bytes a part and {_spec.NAME_MAX_BYTES} in all",
    ),
    ("name.reserved", _reserved, f"{_spec.LAYOUT_RESERVED}/ is the protocol's own folder"),
)
