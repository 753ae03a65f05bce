"""
The bytes of one artifact, and whether they are those that end.json lists.

>>> read(store, "201602122149-PMJ8a76csB", "options.json", end)
Artifact(data=b'{"rate": 0.1}', difference='')
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from lab_workbook import live
from lab_workbook.errors import ArtifactNotFound, Unreadable
from lab_workbook.near import near
from lab_workbook.protocol import _spec
from lab_workbook.store import Reads

# An error that lists more names than this hides what it has to say.
_NAMES_SHOWN: Final = 20


class Artifact(NamedTuple):
    """What was read, and in words how it differs from what is listed; empty if it does not."""

    data: bytes
    difference: str


def read(store: Reads, tag: str, name: str, end: Mapping[str, Any]) -> Artifact | None:
    """
    Return an artifact, a series that is not settled put together from its segments; None if there is none.

    Raises:
        Unreadable: rows are missing in between.
    """
    is_series = name.endswith(_spec.KIND_SERIES_SUFFIX)
    found = _get(store, tag, name, end) if end or not is_series else None
    # Before the end rows may lie beside the artifact; after it they do where a request that was given
    # up on has put an older version in place of the whole one.
    if is_series and (found is None or found.difference):
        return _assembled(store, tag, name, end, found)
    return found


def listed_bytes(end: Mapping[str, Any], name: str) -> int | None:
    """Return how many bytes end.json lists for an artifact; None where it lists none."""
    listed = end.get("files", {}).get(name)
    count = listed.get("bytes") if isinstance(listed, dict) else None
    return count if type(count) is int else None


def missing(tag: str, name: str, existing: list[str], end: Mapping[str, Any]) -> ArtifactNotFound:
    """Return the error of an artifact that is not there; it names those that are."""
    if listed_bytes(end, name) is not None:
        return ArtifactNotFound(f"{name!r} of {tag} is gone: end.json lists it, and it is not there any more")
    similar = near(str(name), existing)
    hint = f" Did you mean {similar[0]!r}?" if similar else ""
    shown = ", ".join(map(repr, existing[:_NAMES_SHOWN])) or "no artifacts yet"
    more = f" and {len(existing) - _NAMES_SHOWN} more" if len(existing) > _NAMES_SHOWN else ""
    return ArtifactNotFound(f"{tag} has no {name!r}.{hint}\nIt has: {shown}{more}.")


def _get(store: Reads, tag: str, name: str, end: Mapping[str, Any]) -> Artifact | None:
    try:
        data = store.get(f"{tag}/{name}").data
    except KeyError:
        return None
    return Artifact(data, _difference(end, name, data))


def _assembled(
    store: Reads, tag: str, name: str, end: Mapping[str, Any], found: Artifact | None
) -> Artifact | None:
    """Return a series put together from its segments, or ``found`` where that is not better."""
    try:
        data = live.read(store, f"{tag}/", name)
    except KeyError:
        return found
    except Unreadable:
        if end:
            return found
        raise
    return found if _difference(end, name, data) else Artifact(data, "")


def _difference(end: Mapping[str, Any], name: str, data: bytes) -> str:
    expected = listed_bytes(end, name)
    if expected is None:
        return ""
    if expected != len(data):
        return f"has {len(data)} bytes, and had {expected}"
    # A request that was long given up on may have put an older version of the same size there.
    digest = end["files"][name].get("sha256")
    if isinstance(digest, str) and digest != hashlib.sha256(data).hexdigest():
        return "has other bytes than"
    return ""
