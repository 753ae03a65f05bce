"""
Level core, for readers: the refusing examples of SPEC.md, each in an experiment beside a sound artifact.

A file that breaks a rule of writers may be read as near as possible or be an error. Everything else of its
experiment has to be given all the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from lab_workbook_conformance import answers, judges, notation
from lab_workbook_conformance.bench import TAG, Bench, write
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import Example, examples
from lab_workbook_conformance.levels.given import Findings, begin, experiment, saw, says_error, shows

_LAYOUT, _STATUS = SPEC["layout"], SPEC["status"]
_RULE = "kind.damaged"
_SOUND = "sound.json"
# The rules of JSON without which a text is not JSON at all, or is more than a parser has to take.
_NOT_JSON = ("json.strict",)
_WORKING_STATUSES = tuple(_STATUS[word] for word in ("running", "lost", "open"))


def cases() -> Iterator[Case]:
    """Yield a case for each refusing example that a reader can meet: for its file, or for each line."""
    for example in examples():
        if example.accepts:
            continue
        rule, play = _OF_FILES.get(example.subject, ("", None))
        if play and example.rule != "begin.version":
            rules = tuple(dict.fromkeys((example.rule, rule)))
            yield Case(f"{example.name}-read", rules, "core", "reader", partial(play, example=example))
        for name, line in example.numbered("name", "tag", "fresh-tag", "prefix"):
            yield from _of_line(f"{name}-read", example.subject, line)


def _of_line(name: str, subject: str, line: Any) -> Iterator[Case]:
    text = notation.value(line)
    if subject == "prefix":
        yield Case(name, ("prefix.form",), "core", "reader", partial(_prefix, prefix=text))
    elif subject == "name" and _fits_in_a_folder(text):
        yield Case(name, ("name.reading",), "core", "reader", partial(_name, name=text))
    elif subject in ("tag", "fresh-tag") and _fits_in_a_folder(text) and "/" not in text:
        yield Case(name, ("tag.reading",), "core", "reader", partial(_tag, tag=text))


def _fits_in_a_folder(name: str) -> bool:
    """Return whether a name that writers refuse can be that of a file, and of an artifact."""
    broken = set(judges.name(name)) - {"name.characters", "name.edges"}
    return not broken and "\0" not in name


def _beside(files: Mapping[str, bytes], bench: Bench) -> Iterator[Finding]:
    """Read these files of one experiment and a sound artifact, and find that this one is not given."""
    answer = bench.read({_LAYOUT["begin"]: begin(), **files, _SOUND: b'{"rate": 1}'})
    yield from shows(answer, _SOUND, "value", {"rate": 1}, _RULE, bench=bench)


def _csv(bench: Bench, example: Example) -> Findings:
    """Read a damaged series: as rows, as a plain table, or as an error."""
    yield from _beside({"x.csv": notation.to_bytes(example.text)}, bench)


def _json(bench: Bench, example: Example) -> Findings:
    """Read damaged JSON; what is not JSON at all has to be an error."""
    data = notation.to_bytes(example.text)
    files = {"x.json": data}
    yield from _beside(files, bench)
    if _is_json(data):
        return
    answer = bench.read(experiment(files))
    for finding in says_error(answer, "x.json", "", _RULE):
        yield finding._replace(message="a text that is not JSON should be an error", logged=shown(data))


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data.decode("utf-8-sig", "surrogateescape"))
    except ValueError:
        return False
    return True


def _begin(bench: Bench, example: Example) -> Findings:
    data = notation.to_bytes(example.text)
    # Of a document without a protocol nobody knows which version it is.
    if isinstance(json.loads(data), dict):
        yield from _beside({_LAYOUT["begin"]: data}, bench)


def _document(bench: Bench, example: Example) -> Findings:
    yield from _beside({_PLACES[example.subject]: notation.to_bytes(example.text)}, bench)


def _heartbeat(bench: Bench, example: Example) -> Findings:
    """Read an experiment whose heartbeat cannot be understood: its status is one of those without an end."""
    files = {_LAYOUT["heartbeat"]: notation.to_bytes(example.text)}
    yield from _beside(files, bench)
    answer = bench.read(experiment(files))
    if answer[0] == "saw" and answer[1]["status"] not in _WORKING_STATUSES:
        message = f"the status is one of {', '.join(_WORKING_STATUSES)}"
        yield Finding("status.answer", message, example.text, shown(answer[1]["status"]))


def _tree(bench: Bench, example: Example) -> Findings:
    """Read an experiment with files that should not be there, or not together."""
    names = example.text.splitlines()
    folded = {name for name in names if any(other.startswith(f"{name}/") for other in names)}
    # A folder cannot hold a file and a folder of one name.
    if folded or any(".." in name.split("/") for name in names):
        return
    contents = {"json": b"{}", "series": b"x,Date\n"}
    files = {name: contents.get(answers.kind(name), b"x") for name in names}
    if _LAYOUT["begin"] in files:
        files[_LAYOUT["begin"]] = begin()
    answer = bench.read(files)
    yield from saw(answer, _RULE)
    right = sorted(filter(answers.is_listed, names))
    if answer[0] == "saw" and sorted(answer[1]["listed"]) != right:
        yield Finding(
            _RULE, "other artifacts are listed than there are", shown(right), shown(answer[1]["listed"])
        )


def _name(bench: Bench, name: str) -> Findings:
    answer = bench.read(experiment({name: b"\0\xff"}))
    yield from shows(answer, name, "bytes", "00ff", "name.reading", bench=bench)


def _tag(bench: Bench, tag: str) -> Findings:
    answer = bench.read(experiment({_SOUND: b"[]"}), tag=tag)
    yield from shows(answer, _SOUND, "value", [], "tag.reading", bench=bench)


def _prefix(bench: Bench, prefix: str) -> Findings:
    """Ask for an experiment under a prefix that is none, in the place where a careless reader would look."""
    place = os.path.normpath(os.path.join(bench.home, prefix.lstrip("/").replace("\0", "")))
    if prefix and place.startswith(bench.home):
        write(os.path.join(place, TAG), experiment({_SOUND: b"[]"}))
    answer, said = bench.read_only(prefix, TAG)
    if answer == "saw":
        yield Finding(
            "prefix.form", "a reader found an experiment under what is no prefix", prefix, shown(said)
        )


_PLACES = {"end": _LAYOUT["end"], "note": f"{_LAYOUT['notes']}20160213T081500Z-x7Rk2a.json"}
# By the subject of an example: the rule of readers that it is about, and what plays it.
_OF_FILES: dict[str, tuple[str, Callable[..., Findings] | None]] = {
    "csv": (_RULE, _csv),
    "json": (_RULE, _json),
    "begin": (_RULE, _begin),
    "end": (_RULE, _document),
    "note": (_RULE, _document),
    "heartbeat": ("status.answer", _heartbeat),
    "tree": (_RULE, _tree),
}
