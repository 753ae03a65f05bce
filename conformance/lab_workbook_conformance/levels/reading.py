"""Readers: the kit writes an experiment, and compares what the reader sees in it with what is there."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from lab_workbook_conformance import notation
from lab_workbook_conformance.bench import TAG, Bench, write
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import Example, examples
from lab_workbook_conformance.levels.given import (
    DATE,
    Findings,
    as_table,
    begin,
    end,
    experiment,
    saw,
    says_error,
    says_status,
    shows,
    statuses,
    table,
    with_facts,
)

_LAYOUT = SPEC["layout"]


def cases() -> Iterator[Case]:
    """Yield the examples of SPEC.md that a reader can be asked, and what they cannot show."""
    for each in examples():
        # A reader that gives the answer of a refusing example is wrong; the right answer is known.
        example = each.corrected() if each.subject == "answer" and not each.accepts else each
        play = _player(example)
        if play:
            # Readers and writers may be asked about the same example, in two cases.
            name = f"{example.name}-read" if example.subject in ("csv", "json") else example.name
            yield Case(name, (example.rule,), "core", "reader", partial(play, example=example))
    for name, rules, play in _MORE:
        yield Case(name, rules, "core", "reader", play)


def _player(example: Example) -> Any:
    """Return what asks about an example; None where a reader cannot be asked, or not in a folder."""
    if example.subject == "begin" and (example.accepts or example.rule == "begin.version"):
        return _begin if example.accepts else _refused_begin
    if not example.accepts:
        return None
    # Half a thousand lists in lists are more than many parsers take from a pipe.
    if example.subject in ("csv", "json") and example.rule != "json.depth":
        return _csv if example.subject == "csv" else _json
    return next((play for question, play in _QUESTIONS.items() if example.asked(question)), None)


# The examples.


def _rows(bench: Bench, example: Example) -> Findings:
    """Read each text as a series; rule series.duplicates is about those of 1.0, which have no begin.json."""
    lines = example.asked("rows")
    texts = {f"{at}.csv": text.encode() for at, (_, text, _) in enumerate(lines)}
    is_old = example.rule == "series.duplicates"
    answer = bench.read(texts if is_old else experiment(texts))
    for at, (_, _, spelled) in enumerate(lines):
        right = notation.value(spelled)
        yield from _table_shown(answer, f"{at}.csv", right and as_table(right), example.rule, bench=bench)


def _table_shown(
    answer: tuple[str, Any], name: str, right: Any, rule: str, *, bench: Bench
) -> Iterator[Finding]:
    if right is None:
        yield from shows(answer, name, "plain", True, rule, bench=bench)
    else:
        yield from shows(answer, name, "rows", right, rule, bench=bench)


def _csv(bench: Bench, example: Example) -> Findings:
    data = notation.to_bytes(example.text)
    answer = bench.read(experiment({"x.csv": data}))
    yield from _table_shown(answer, "x.csv", table(data.decode()), example.rule, bench=bench)


def _json(bench: Bench, example: Example) -> Findings:
    data = notation.to_bytes(example.text)
    answer = bench.read(experiment({"x.json": data}))
    yield from shows(answer, "x.json", "value", json.loads(data), example.rule, bench=bench)


def _values(bench: Bench, example: Example) -> Findings:
    lines = example.asked("value")
    answer = bench.read(experiment({f"{at}.json": text.encode() for at, (_, text, _) in enumerate(lines)}))
    for at, (_, _, value) in enumerate(lines):
        yield from shows(answer, f"{at}.json", "value", notation.value(value), example.rule, bench=bench)


def _kinds(bench: Bench, example: Example) -> Findings:
    lines = example.asked("kind")
    # Nothing of it is what its suffix says, because nothing else than the suffix counts.
    answer = bench.read(experiment({name: b"1" for _, name, _ in lines}))
    yield from saw(answer, example.rule)
    artifacts = answer[1].get("artifacts", {})
    for _, name, kind in lines:
        found = artifacts.get(name, {}).get("kind")
        if answer[0] == "saw" and found != kind:
            yield Finding(example.rule, f"{name} is of kind {kind}", name, shown(str(found)))


def _listed(bench: Bench, example: Example) -> Findings:
    lines = example.asked("listed")
    own = {_LAYOUT["begin"]: begin(), _LAYOUT["end"]: end({_LAYOUT["begin"]: begin()})}
    files = {name: own.get(name, b"{}") for _, name, _ in lines}
    answer = bench.read(experiment(files) | {_LAYOUT["begin"]: begin()})
    yield from saw(answer, example.rule)
    if answer[0] == "saw":
        listed = answer[1]["listed"]
        for _, name, is_listed in lines:
            if (name in listed) != is_listed:
                message = f"{name} is {'an' if is_listed else 'no'} artifact"
                yield Finding(example.rule, message, name, shown(", ".join(listed)))


def _statuses(bench: Bench, example: Example) -> Findings:
    for facts, status in statuses(example):
        prefix = bench.scratch()
        write(os.path.join(prefix, TAG), with_facts(facts))
        if facts["heartbeat"] is not None:
            then = time.time() - facts["heartbeat"]
            os.utime(os.path.join(prefix, TAG, _LAYOUT["heartbeat"]), (then, then))
        yield from says_status(bench.read_only(prefix, TAG), facts, status, example.rule)


def _begin(bench: Bench, example: Example) -> Findings:
    data = notation.to_bytes(example.text)
    answer = bench.read({_LAYOUT["begin"]: data, "options.json": b"{}"})
    yield from shows(answer, "options.json", "value", {}, example.rule, bench=bench)


def _refused_begin(bench: Bench, example: Example) -> Findings:
    data = notation.to_bytes(example.text)
    answer, said = bench.read({_LAYOUT["begin"]: data, "options.json": b"{}"})
    if answer == "saw":
        yield Finding(
            example.rule, "an experiment of an unknown major version was read", shown(data), shown(said)
        )
    elif said.get("rule") != example.rule:
        yield Finding(example.rule, "the refusal does not name the rule", shown(data), shown(said["message"]))


# What no example shows.


def _torn(bench: Bench) -> Findings:
    """Read one series, cut off at each of its bytes after the header."""
    text = f'epoch,note,Date\n1,"two\nlines ""é""",{DATE}\n2,nil,{DATE}\n'
    data = text.encode()
    first = data.index(b"\n") + 1
    texts = {f"{at:03}.csv": data[:at] for at in range(first, len(data) + 1)}
    answer = bench.read(experiment(texts))
    yield from saw(answer, "series.row-end")
    if answer[0] != "saw":
        return
    for name, cut in texts.items():
        right = table(cut.decode("utf-8", "surrogateescape"))
        yield from _table_shown(answer, name, right, "series.row-end", bench=bench)


def _torn_old(bench: Bench) -> Findings:
    """Read a series of 1.0, in which a quote quotes nothing."""
    text = f'epoch,note,Date\n1,say "hi,{DATE}\n2,there,{DATE}\n3,x'
    answer = bench.read({"loss.csv": text.encode()})
    yield from saw(answer, "series.row-end")
    found = answer[1].get("artifacts", {}).get("loss.csv", {})
    if answer[0] == "saw" and len(found.get("rows", ())) != 3:
        yield Finding("series.row-end", "it has two rows: nothing is quoted in 1.0", text, shown(repr(found)))


def _typed(bench: Bench) -> Findings:
    """Read columns of one kind, with holes, and of several."""
    columns = {
        # Ascending, because it is not the order of the rows that this is about.
        "NA": ["1", "2", "3"],
        "integers": ["9007199254740993", "-9223372036854775808", "0"],
        "holes": ["9007199254740993", "nil", "7"],
        "floats": ["0.5", "1e+100", "-0.0"],
        "both": ["1", "nil", "0.25"],
        "booleans": ["true", "false", "true"],
        "unsure": ["true", "nil", "false"],
        "texts": ['"007"', '"nil"', '"NA"'],
        "dates": [f'"{DATE}"', '""', '" "'],
        "mixed": ["1", '"1"', "true"],
        "none": ["nil", "nil", "nil"],
        "special": ["nan", "inf", "-inf"],
    }
    rows = [",".join([*cells, DATE]) for cells in zip(*columns.values(), strict=True)]
    text = "\n".join([",".join([*columns, "Date"]), *rows, ""])
    answer = bench.read(experiment({"loss.csv": text.encode()}, outcome="finished"))
    yield from shows(answer, "loss.csv", "rows", table(text), "series.types", bench=bench)


def _numbers(bench: Bench) -> Findings:
    """Read numbers of JSON that look alike, and are not."""
    text = '[0, -0.0, 0.0, 1, 1.0, true, false, null, "1", 9007199254740993, 1e-7, 5e-324, {"": -0.0}, []]'
    answer = bench.read(experiment({"x.json": text.encode()}))
    yield from shows(answer, "x.json", "value", json.loads(text), "json.reading", bench=bench)


def _bytes(bench: Bench) -> Findings:
    """Read what has no kind, or one whose bytes are everything."""
    files = {"notes": "Größe\r\n".encode(), "model.bin": bytes(range(256)), "Source.git-patch": b"+caf\xe9\n"}
    answer = bench.read(experiment(files, outcome="finished"))
    yield from saw(answer, "kind.reading")
    for name, data in files.items() if answer[0] == "saw" else ():
        found = answer[1]["artifacts"].get(name, {})
        if bytes.fromhex(found.get("bytes", "")) != data:
            yield Finding("kind.reading", f"the bytes of {name} are others", shown(data), shown(repr(found)))


def _tags(bench: Bench) -> Findings:
    """Read experiments of the tags that 1.0 made, or that people choose."""
    for tag in ("201601141709-56THQt7", "baseline.old", " my run ", "100%", "Größe 雪", "a\\b"):
        answer = bench.read(experiment({"options.json": b"{}"}), tag=tag)
        for finding in shows(answer, "options.json", "value", {}, "tag.reading", bench=bench):
            yield finding._replace(logged=f"the tag {tag!r}")


def _names(bench: Bench) -> Findings:
    """Read artifacts whose names nobody may give any more, and ask for one outside of the experiment."""
    names = [
        "with space.json",
        "trailing .json",
        "per%20cent.json",
        "back\\slash.json",
        "line\nfeed.json",
        "雪/é.json",
    ]
    names += ["~.json", "$HOME.json", "a?b*.json", "#1.json", "x..json", '"quoted".json', "-rf.json"]
    prefix = bench.scratch()
    write(os.path.join(prefix, "other"), experiment({"secret.json": b'"told"'}))
    outside = ["../other/secret.json", "a/../../other/secret.json", f"{prefix}/other/secret.json"]
    answer = bench.read(experiment(dict.fromkeys(names, b"{}")), prefix=prefix, names=outside)
    for name in names:
        yield from shows(answer, name, "value", {}, "name.reading", bench=bench)
    for name in outside if answer[0] == "saw" else ():
        found = answer[1]["artifacts"].get(name, {})
        if "error" not in found:
            yield Finding("name.reading", "a name leads out of the experiment", name, shown(repr(found)))


def _future(bench: Bench) -> Findings:
    """Read an experiment of a later minor version, with files that nobody knows yet."""
    files = experiment({"options.json": b'{"rate": 1}'})
    files[_LAYOUT["begin"]] = begin(protocol="lab-workbook 1.99", invented=[1])
    files[".lab-workbook/invented/later.json"] = b"?"
    answer = bench.read(files)
    yield from shows(answer, "options.json", "value", {"rate": 1}, "begin.version", bench=bench)
    if answer[0] == "saw" and answer[1]["listed"] != ["options.json"]:
        yield Finding("layout.hidden", "only options.json is an artifact", "", shown(answer[1]["listed"]))


def _old(bench: Bench) -> Findings:
    """Read an experiment without begin.json, which is one of 1.0."""
    text = f"epoch,loss,Date\n1,0.5,{DATE}\n"
    answer = bench.read({"options.json": b"[]", "loss.csv": text.encode()})
    yield from shows(answer, "options.json", "value", [], "begin.version", bench=bench)
    yield from shows(answer, "loss.csv", "rows", table(text), "begin.version", bench=bench)
    if answer[0] == "saw" and answer[1]["status"] != SPEC["status"]["unknown"]:
        yield Finding(
            "status.answer", "nothing is known of an experiment of 1.0", "", shown(answer[1]["status"])
        )


def _missing(bench: Bench) -> Findings:
    """Take away a file that end.json lists."""
    files = experiment({"notes.json": b"1", "model.t7": b"4\n1\n"}, outcome="finished")
    del files["model.t7"]
    answer = bench.read(files, names=["model.t7"])
    yield from shows(answer, "notes.json", "value", 1, "end.missing", bench=bench)
    yield from says_error(answer, "model.t7", "model.t7", "end.missing")
    listed = answer[1].get("listed", [])
    if answer[0] == "saw" and ("model.t7" in listed or "notes.json" not in listed):
        yield Finding("end.missing", "what exists is listed, and no more", "notes.json", shown(listed))


def _changed(bench: Bench) -> Findings:
    """Change artifacts after the end: to others of the same length, and of another one."""
    artifacts = {
        "same.json": b"1",
        "longer.json": b"1",
        "loss.csv": f"epoch,Date\n1,{DATE}\n".encode(),
        "a": b"x",
    }
    files = experiment(artifacts, outcome="finished")
    files |= {"same.json": b"2", "longer.json": b"11", "a": b"y"}
    files["loss.csv"] = files["loss.csv"].replace(b"\n1,", b"\n2,")
    answer = bench.read(files)
    for name in artifacts:
        yield from says_error(answer, name, name, "end.reading")


def _glued(bench: Bench) -> Findings:
    """Ask for an experiment of which 1.0 has glued the tag to the prefix."""
    prefix = os.path.join(bench.scratch(), "exp")
    write(f"{prefix}201601141709-56THQt7", {"options.json": b"{}"})
    os.makedirs(prefix)
    answer, said = bench.read_only(prefix, "201601141709-56THQt7")
    if answer == "saw" or "exp201601141709-56THQt7" not in said["message"]:
        message = "the error should name exp201601141709-56THQt7"
        yield Finding("prefix.reading", message, f"{prefix}/201601141709-56THQt7", shown(said))


_QUESTIONS: dict[str, Any] = {
    "rows": _rows,
    "value": _values,
    "kind": _kinds,
    "listed": _listed,
    "status": _statuses,
}
_MORE: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("series.row-end-torn", ("series.row-end",), _torn),
    ("series.row-end-old", ("series.row-end",), _torn_old),
    ("series.types-columns", ("series.types",), _typed),
    ("json.reading-numbers", ("json.reading",), _numbers),
    ("kind.reading-bytes", ("kind.reading",), _bytes),
    ("tag.reading-odd", ("tag.reading",), _tags),
    ("name.reading-odd", ("name.reading",), _names),
    ("begin.version-minor", ("begin.version", "layout.hidden"), _future),
    ("begin.version-none", ("begin.version", "status.answer"), _old),
    ("end.missing-one", ("end.missing",), _missing),
    ("end.reading-changed", ("end.reading",), _changed),
    ("prefix.reading-glued", ("prefix.reading",), _glued),
)
