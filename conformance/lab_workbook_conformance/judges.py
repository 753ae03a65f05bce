"""
Judges: each takes what a writer left behind and returns the ids of the rules that it breaks.

>>> tree([".lab-workbook/begin.json", "Loss.csv", "loss.csv"])
['name.unique']

They are written from the spec alone and import nothing of lab-workbook, so that they judge from
outside. `experiment` is all of them at once; `case` runs one example of SPEC.md.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lab_workbook_conformance import answers, jsontext, notation, series
from lab_workbook_conformance.case import Violation
from lab_workbook_conformance.constants import SPEC, schema

_LAYOUT = SPEC["layout"]
BEGIN: str = _LAYOUT["begin"]
_FOLDER = f"{_LAYOUT['reserved']}/"
_WORKING = tuple(_LAYOUT[key] for key in ("tmp", "queue", "outbox", "journal", "lock", "log"))
_SETTING = re.compile("([A-Za-z][A-Za-z0-9]*)[ \\t]*=[ \\t]*(?![ \\t'\"]).*")
_BEGIN = schema("begin").schema
_OPTIONAL = ["propertyNames", *(_BEGIN["properties"].keys() - _BEGIN["required"])]
# The rule of each key, or keyword of the schema, that a complaint may be about; then the rule of all others.
_RULES_OF_KEYS: dict[str, tuple[dict[str, str], str]] = {
    "begin": ({"protocol": "begin.version", **dict.fromkeys(_OPTIONAL, "begin.optional")}, "begin.document"),
    "end": ({key: f"end.{key}" for key in ("outcome", "lost", "files", "delivery")}, "end.document"),
    "heartbeat": ({}, "heartbeat.document"),
    "note": ({}, "notes.document"),
}
_SEGMENT = re.compile(
    f"(.+)/([0-9]{{{SPEC['segment']['digits']}}})-([0-9]{{{SPEC['segment']['digits']}}})", re.DOTALL
)
_NOTE = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9A-Za-z]{6}\.json")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def fresh_tag(tag: str) -> list[str]:
    """Judge a tag that a writer made."""
    return [] if re.fullmatch(SPEC["tag"]["pattern"], tag) else ["tag.shape"]


def tag(tag: str) -> list[str]:
    """Judge a tag that the caller chose."""
    too_long = len(tag.encode("utf-8", "surrogateescape")) > SPEC["tag"]["max_bytes"]
    return ["tag.explicit"] if "/" in tag or too_long or name(tag) else []


def name(name: str) -> list[str]:
    """Judge the name of an artifact."""
    data = name.encode("utf-8", "surrogateescape")
    parts = data.split(b"/")
    folded = name.translate(_ASCII_LOWER)
    limits = SPEC["name"]
    checks = {
        "name.utf8": re.search("[\ud800-\udfff]", name),
        "name.parts": {b"", b".", b".."} & set(parts),
        "name.characters": re.search("[\0-\x1f\x7f-\x9f\\\\]", name),
        "name.edges": any(
            part != part.strip(b" ") or (part.endswith(b".") and part not in (b".", b"..")) for part in parts
        ),
        "name.length": max(map(len, parts)) > limits["part_max_bytes"] or len(data) > limits["max_bytes"],
        "name.reserved": folded.partition("/")[0] == _LAYOUT["reserved"],
    }
    return [rule for rule, found in checks.items() if found]


def prefix(text: str) -> list[str]:
    """Judge a prefix as the caller spells it."""
    return ["prefix.form"] if answers.prefix(text) is None else []


def config(data: bytes) -> list[str]:
    """Judge the text of a configuration file."""
    seen: set[str] = set()
    for line in data.decode("utf-8-sig").split("\n"):
        text = line.strip(" \t\r")
        if not text or text[0] in "#;":
            continue
        setting = _SETTING.fullmatch(text)
        if setting is None or setting[1] in seen:
            return ["config.grammar"]
        seen.add(setting[1])
    return []


def begin(data: bytes) -> list[str]:
    """Judge a begin.json."""
    return _document(data, "begin")


def end(data: bytes) -> list[str]:
    """Judge an end.json."""
    return _document(data, "end")


def note(data: bytes) -> list[str]:
    """Judge a note that was added later."""
    return _document(data, "note")


def heartbeat(data: bytes) -> list[str]:
    """Judge a heartbeat.json."""
    return _document(data, "heartbeat")


def _segment(path: str, data: bytes) -> list[str]:
    found = _SEGMENT.fullmatch(path)
    # A wrong key is the tree's affair.
    if found is None:
        return []
    is_whole = data.endswith(b"\n") and len(data) == int(found[2]) - int(found[3])
    return [] if is_whole else ["segments.rows"]


def _document(data: bytes, kind: str) -> list[str]:
    return sorted({rule for rule, _ in complaints(data, kind)})


def complaints(data: bytes, kind: str) -> Iterator[tuple[str, str]]:
    """
    Yield what a schema complains about in a document: the rule, and the member with what is wrong with it.

    The rule is that of the member, or of the schema's keyword where it is about no member.
    """
    rules, other = _RULES_OF_KEYS[kind]
    for rule in jsontext.broken_rules(data):
        yield other, f"it is not a JSON document ({rule})"
        return
    for error in schema(kind).iter_errors(json.loads(data)):
        complaint = (error.absolute_path or error.absolute_schema_path)[0]
        member = "".join(f"[{key!r}]" for key in error.absolute_path)
        yield rules.get(str(complaint), other), f"{member or 'it'}: {error.message}"


def tree(names: Sequence[str]) -> list[str]:
    """Judge the names of everything that lies in one experiment, relative to it."""
    broken = {"layout.working" for path in names if path.startswith(_WORKING)}
    if not all(map(_NOTE.fullmatch, _below("notes", names))):
        broken.add("notes.name")
    if not all(map(_is_segment, _below("segments", names))):
        broken.add("segments.key")
    if _LAYOUT["begin"] not in names:
        broken.add("begin.first")
    artifacts = [path for path in names if not path.startswith(_FOLDER)]
    for path in artifacts:
        broken.update(name(path))
    folded = {path.translate(_ASCII_LOWER) for path in artifacts}
    folders = {path[: slash.start()] for path in folded for slash in re.finditer("/", path)}
    if len(folded) < len(artifacts) or folded & folders:
        broken.add("name.unique")
    return sorted(broken)


def _below(folder: str, names: Sequence[str]) -> list[str]:
    return [path.removeprefix(_LAYOUT[folder]) for path in names if path.startswith(_LAYOUT[folder])]


def _is_segment(path: str) -> bool:
    found = _SEGMENT.fullmatch(path)
    return found is not None and int(found[3]) < int(found[2]) and not name(found[1])


def experiment(files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Judge a whole experiment: return (name, rule) for each rule that one of its files breaks."""
    return list(dict.fromkeys((each.name, each.rule) for each in violations(files)))


def violations(files: Mapping[str, bytes]) -> Iterator[Violation]:
    """Judge a whole experiment that a writer has left; yield each rule that a file breaks, and why."""
    for path, data in files.items():
        kind = _document_kind(path)
        if kind == "begin":
            yield from _begun(path, data)
        elif kind:
            yield from (Violation(path, rule, why) for rule, why in complaints(data, kind))
    yield from itertools.starmap(Violation, _others(files))


def _document_kind(path: str) -> str | None:
    """Return which schema a file has to follow; None: none."""
    if path.startswith(_LAYOUT["notes"]):
        return "note"
    return next((kind for kind in ("begin", "end", "heartbeat") if path == _LAYOUT[kind]), None)


def _begun(path: str, data: bytes) -> Iterator[Violation]:
    """
    Judge the begin.json of a writer, which has to name this version of the protocol.

    Rule ``begin.version`` is that of readers, who meet other versions.
    """
    found = list(complaints(data, "begin"))
    for rule, why in found:
        yield Violation(path, "begin.document" if rule == "begin.version" else rule, why)
    said = None if found else json.loads(data)["protocol"]
    right = f"{SPEC['protocol']['name']} {SPEC['protocol']['version']}"
    if said not in (None, right):
        yield Violation(path, "begin.document", f"['protocol']: it is {said!r}, not {right!r}")


def _others(files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Judge the names of all files, and those that are not documents of the protocol."""
    broken = [("", rule) for rule in tree(list(files))]
    for path, data in files.items():
        if _document_kind(path):
            continue
        if path.startswith(_LAYOUT["segments"]):
            broken += [(path, rule) for rule in _segment(path, data)]
        elif answers.kind(path) == "json":
            broken += [(path, rule) for rule in jsontext.broken_rules(data)]
        elif answers.kind(path) == "series":
            # A table that somebody saved as a file is no series, so it is theirs alone.
            is_table = series.read(data.decode("utf-8", "surrogateescape")) is None
            broken += [] if is_table else [(path, rule) for rule in series.broken_rules(data)]
    if _LAYOUT["end"] in files and not end(files[_LAYOUT["end"]]):
        broken += _published(json.loads(files[_LAYOUT["end"]])["files"], files)
    return broken


def _published(listed: Mapping[str, Mapping[str, Any]], files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    own = {path for path in files if path == _LAYOUT["begin"] or not path.startswith(_FOLDER)}
    broken = [(path, "end.files") for path in sorted(own ^ listed.keys())]
    for path in sorted(own & listed.keys()):
        found = {"bytes": len(files[path]), "sha256": hashlib.sha256(files[path]).hexdigest()}
        if any(found[key] != promised for key, promised in listed[path].items() if key in found):
            broken.append((path, "end.last"))
    return broken


def case(example: Mapping[str, Any]) -> list[list[str]]:
    """
    Run one case of SPEC.md; return what each of its texts or lines breaks.

    Steps are not judged here: somebody has to play them to a writer first.
    """
    subject, text, rule = example["subject"], example["text"], example["rule"]
    if subject in _OF_BYTES:
        return [_OF_BYTES[subject](notation.to_bytes(text))]
    if subject == "tree":
        return [tree(text.splitlines())]
    if subject == "answer":
        return [answers.broken_by(line, rule) for line in notation.values(text)]
    return [_OF_LINES[subject](line) for line in notation.values(text)]


_OF_BYTES: dict[str, Callable[[bytes], list[str]]] = {
    "begin": begin,
    "config": config,
    "csv": series.broken_rules,
    "end": end,
    "heartbeat": heartbeat,
    "json": jsontext.broken_rules,
    "note": note,
}
_OF_LINES: dict[str, Callable[[str], list[str]]] = {
    "fresh-tag": fresh_tag,
    "name": name,
    "prefix": prefix,
    "tag": tag,
}
