"""The reader: what lies in a folder, and what it says."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Sequence
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong import parsing, process, settings
from lab_workbook_conformance.wrong.errors import Refused

_LAYOUT, _STATUS, _SEGMENT = SPEC["layout"], SPEC["status"], SPEC["segment"]
_SUFFIXES = {kind["suffix"]: name for name, kind in SPEC["kind"].items() if kind["suffix"]}
_NUMBER = f"([0-9]{{{_SEGMENT['digits']}}})"


class Experiment:
    """One experiment, as it is now."""

    def __init__(self, prefix: str, tag: str) -> None:
        self._location, self._tag = settings.location(prefix), tag
        self._folder = folder(self._location, tag)
        self.look()
        self._begin = self.document(_LAYOUT["begin"])
        if self._begin is not None:
            check_version(self._begin)
        self._end = self.document(_LAYOUT["end"])

    def look(self) -> None:
        """Refuse what is not there."""
        if not os.path.isdir(self._folder):
            raise Refused(None, missing(self._location, self._tag))

    def document(self, name: str) -> Any:
        """Return a document of the protocol; None where there is none."""
        data = self.get(name)
        return None if data is None else json.loads(data)

    def get(self, name: str) -> bytes | None:
        """Return a file; None where there is none."""
        path = self._folder + name
        if not is_inside(name) or not os.path.isfile(path):
            return None
        with open(path, "rb") as file:
            return file.read()

    def names(self) -> list[str]:
        """Return the names of all files."""
        found = []
        for path, _, files in os.walk(self._folder):
            below = os.path.relpath(path, self._folder)
            found += [os.path.normpath(os.path.join(below, file)) for file in files]
        return found

    def listed(self) -> list[str]:
        """Return the names of the artifacts that exist."""
        every = self.names()
        growing = {series for series, _, _ in self.segments(every)} if self._end is None else set()
        return sorted({name for name in every if not is_hidden(name)} | growing)

    def status(self) -> str:
        """Return what can be known: an outcome, or whether the script lives."""
        if self._end is not None:
            return str(self._end["outcome"])
        if self._begin is None:
            return str(_STATUS["unknown"])
        alive = process.is_alive(self._begin)
        if alive is None:
            alive = self.beats()
        return str(_STATUS["open" if alive is None else "running" if alive else "lost"])

    def beats(self) -> bool | None:
        """Say whether the last heartbeat is young; None: it says nothing."""
        heartbeat = self.document(_LAYOUT["heartbeat"])
        if heartbeat is None:
            return None
        if self.age() < SPEC["timing"]["lost_seconds"]:
            return True
        return None if heartbeat.get("first") else False

    def age(self) -> float:
        """Return how old the heartbeat is, by the clock of the place where it lies."""
        return time.time() - os.path.getmtime(self._folder + _LAYOUT["heartbeat"])

    def artifact(self, name: str) -> dict[str, Any]:
        """Return the kind of an artifact, and what it says."""
        try:
            data = self.data(name)
            if data is None:
                return {"kind": kind(name), "error": self.gone(name)}
            return {"kind": kind(name), **self.said(name, data)}
        except ValueError as error:
            return {"kind": kind(name), "error": f"{name} cannot be read: {error}"}

    def said(self, name: str, data: bytes) -> dict[str, Any]:
        """Return what the bytes of an artifact say, by its kind."""
        if kind(name) == "json":
            return {"value": json_value(data)}
        if kind(name) != "series":
            return {"bytes": data.hex()}
        rows = parsing.series(data.decode("utf-8", "surrogateescape"), has_quotes=self._begin is not None)
        return {"plain": True} if rows is None else {"rows": rows}

    def gone(self, name: str) -> str:
        """Say that an artifact is not there, and whether it was once."""
        if self._end is not None and name in self._end.get("files", {}):
            return f"{name} is listed in end.json, but gone"
        return f"there is no {name}"

    def data(self, name: str) -> bytes | None:
        """Return the bytes of an artifact; those of a series that grows come from its segments as well."""
        data = self.get(name)
        if self._end is None:
            return self.grown(name, data)
        if data is not None and not self.is_as_promised(name, data):
            data = self.grown(name, b"")
            if data is None or not self.is_as_promised(name, data):
                raise ValueError("it is not what end.json says of it")
        return data

    def is_as_promised(self, name: str, data: bytes) -> bool:
        """Say whether an artifact is as end.json says, where it does."""
        promised = self._end.get("files", {}).get(name, {})
        found = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        return all(found.get(key, value) == value for key, value in promised.items())

    def grown(self, name: str, data: bytes | None) -> bytes | None:
        """Return the artifact and the rows behind it; None where there is nothing of it."""
        every = [each for each in self.segments(self.names()) if each[0] == name]
        while ahead := [each for each in every if each[2] > len(data or b"")]:
            data = data or b""
            series, start, end = furthest([each for each in ahead if each[1] <= len(data)])
            rows = self.get(segment_name(series, start, end)) or b""
            if len(rows) != end - start:
                raise ValueError(f"the segment from {start} to {end} has {len(rows)} bytes")
            data += rows[len(data) - start :]
        return data

    def segments(self, every: Sequence[str]) -> list[tuple[str, int, int]]:
        """Return the segments among these names: their series, where they start and where they end."""
        pattern = re.compile(f"{re.escape(_LAYOUT['segments'])}(.+)/{_NUMBER}-{_NUMBER}", re.DOTALL)
        found = [each for each in map(pattern.fullmatch, every) if each]
        return [(each[1], int(each[3]), int(each[2])) for each in found if int(each[3]) < int(each[2])]


def segment_name(series: str, start: int, end: int) -> str:
    """Return where a segment lies."""
    width = _SEGMENT["digits"]
    return f"{_LAYOUT['segments']}{series}/{end:0{width}}-{start:0{width}}"


def furthest(segments: Sequence[tuple[str, int, int]]) -> tuple[str, int, int]:
    """Return the segment that reaches furthest of those that go on from what is there."""
    if not segments:
        raise ValueError("rows are missing in between")
    return max(segments, key=lambda each: each[2])


def folder(location: str, tag: str) -> str:
    """Return where an experiment lies; any name of a folder is a tag."""
    if "/" in tag or tag in ("", ".", ".."):
        raise Refused("tag.explicit", f"{tag!r} is no name of a folder")
    return f"{location}{tag}/"


def missing(location: str, tag: str) -> str:
    """Say that there is no such experiment, and what it may be that there is."""
    parent, last = os.path.split(location.rstrip("/"))
    glued = (
        [name for name in os.listdir(parent) if name.startswith(last + tag)] if os.path.isdir(parent) else []
    )
    hint = (
        f"; but there is {os.path.join(parent, glued[0])}, which 1.0 wrote under a prefix without /"
        if glued
        else ""
    )
    return f"there is no experiment {tag} in {location}{hint}"


def check_version(begin: dict[str, Any]) -> None:
    """Refuse an unknown major version; an unknown minor one only adds."""
    name, _, version = str(begin.get("protocol")).partition(" ")
    if name != SPEC["protocol"]["name"] or version.partition(".")[0] != str(SPEC["protocol"]["major"]):
        raise Refused("begin.version", f"this is {begin.get('protocol')!r}, which nobody here knows")


def is_inside(name: str) -> bool:
    """Say whether a name stays in its experiment."""
    return not name.startswith("/") and ".." not in name.split("/")


def is_hidden(name: str) -> bool:
    """Say whether a file is the protocol's."""
    return name.startswith(f"{_LAYOUT['reserved']}/")


def kind(name: str) -> str:
    """Return the kind of an artifact, by the last suffix of its name."""
    return next((kind for suffix, kind in _SUFFIXES.items() if name.endswith(suffix)), "file")


def json_value(data: bytes) -> Any:
    """Return the value of any JSON, also of what Python and Windows make of it."""
    return json.loads(data.decode("utf-8-sig", "surrogateescape"))
