"""
What a store lists, one experiment after the other.

One listing of everything takes a request for a thousand objects, and shows of which experiments
something has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from lab_workbook.protocol import _spec, layout, segments
from lab_workbook.store import Entry, Reads

# Parameters are short; a JSON artifact that is larger is a result.
PARAMETERS_MAX_BYTES = 64 * 1024
_NOTE_MAX_BYTES = 64 * 1024


class Listed(NamedTuple):
    """The files of one experiment, by their names in it."""

    tag: str
    files: dict[str, Entry]

    def facts(self) -> dict[str, Entry]:
        """
        Return the files that a row is made of; it changes if and only if one of them does.

        The heartbeat is one of them when it is so old that it has to be asked whether it is the first.
        """
        chosen = {name: entry for name, entry in self.files.items() if _is_parameters(name, entry)}
        for name in (_spec.LAYOUT_BEGIN, _spec.LAYOUT_END, self._newest_note(), self._old_heartbeat()):
            if name in self.files:
                chosen[name] = self.files[name]
        return chosen

    def series(self) -> dict[str, str]:
        """Return what changes with the rows of each series, by its name; empty where that is not known."""
        found = {
            name: [entry.etag]
            for name, entry in self.files.items()
            if name.endswith(_spec.KIND_SERIES_SUFFIX) and not layout.is_hidden(name)
        }
        # After the end, what is left of the segments says nothing any more.
        for path in () if _spec.LAYOUT_END in self.files else self.files:
            segment = segments.parse(path)
            if segment is not None:
                found.setdefault(segment.name, [""]).append(str(segment))
        return {name: " ".join(parts) for name, parts in found.items()}

    @property
    def heartbeat_age(self) -> float | None:
        """How old the last sign of life is, in seconds."""
        heartbeat = self.files.get(_spec.LAYOUT_HEARTBEAT)
        return None if heartbeat is None else heartbeat.age

    def _newest_note(self) -> str:
        notes = (
            name
            for name, entry in self.files.items()
            if name.startswith(_spec.LAYOUT_NOTES) and entry.size <= _NOTE_MAX_BYTES
        )
        return max(notes, default="")

    def _old_heartbeat(self) -> str:
        has_ended = _spec.LAYOUT_END in self.files
        age = self.heartbeat_age
        is_old = age is not None and age >= _spec.TIMING_LOST_SECONDS
        return _spec.LAYOUT_HEARTBEAT if is_old and not has_ended else ""


def experiments(store: Reads) -> Iterator[Listed]:
    """Yield the experiments of a store, in the order of the bytes of their tags."""
    for tag, entries in groupby(store.keys(""), lambda entry: entry.key.partition("/")[0]):
        cut = len(tag) + 1
        files = {entry.key[cut:]: entry for entry in entries if len(entry.key) >= cut}
        # What lies beside the folders is no experiment.
        if tag and files:
            yield Listed(tag, files)


def one(store: Reads, tag: str) -> Listed:
    """Return the files of one experiment as they are now."""
    cut = len(tag) + 1
    return Listed(tag, {entry.key[cut:]: entry for entry in store.keys(f"{tag}/")})


def _is_parameters(name: str, entry: Entry) -> bool:
    is_one = layout.is_parameters(name) and not layout.is_hidden(name)
    return is_one and entry.size <= PARAMETERS_MAX_BYTES
