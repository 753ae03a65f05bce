"""Level core, for writers: what no example of SPEC.md can show."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from typing import Any

from lab_workbook_conformance import jsontext, judges, notation, series, verdicts
from lab_workbook_conformance.bench import Bench, experiments_in
from lab_workbook_conformance.case import Case, Finding, shown
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.core import finished
from lab_workbook_conformance.levels.examples import CLOSE, NEW, PAUSE

Findings = Iterable[Finding]

_INFINITE = {"huge": SPEC["json"]["infinity"], "low": SPEC["json"]["negative_infinity"]}


def cases() -> Iterator[Case]:
    """Yield the cases, each with a play of its own."""
    for name, rules, play in _CASES:
        yield Case(name, rules, "core", "writer", play)


def _fresh_tags(bench: Bench) -> Findings:
    """Let the writer make tags, in one process and in another."""
    found = [bench.record([NEW, CLOSE]) for _ in range(20)]
    with bench.another() as other:
        found += [other.record([NEW, CLOSE]) for _ in range(2)]
    for recording in found:
        yield from verdicts.recording(recording, "tag.shape", integers=bench.integers)
        yield from verdicts.fresh_tag(recording)
    # Of a tag of another shape nobody knows which of its characters are random.
    tags = [recording.tag for recording in found if not judges.fresh_tag(recording.tag)]
    random = {tag[-SPEC["tag"]["random_length"] :] for tag in tags}
    if len(random) < len(tags):
        yield Finding("tag.random", "the same random characters came again", "", ", ".join(tags))
    if len(tags) > 1 and any(len(set(column)) == 1 for column in zip(*random, strict=False)):
        yield Finding("tag.random", "a place has the same character in each tag", "", ", ".join(tags))
    # Of 220 characters that are drawn from 62 about 60 differ; by chance it is never fewer than 40.
    if len(tags) == len(found) and len(set("".join(random))) < len(SPEC["tag"]["alphabet"]) * 2 / 3:
        yield Finding("tag.random", "some of the characters never come", "", ", ".join(tags))


def _claimed_before(bench: Bench) -> Findings:
    """Ask for a tag whose folder somebody else has begun."""
    prefix = bench.scratch()
    steps = [["newExperiment", {"tag": "baseline", "note": "first"}], CLOSE]
    first = bench.record(steps, prefix=prefix)
    yield from verdicts.recording(first, "tag.claim", integers=bench.integers)
    with bench.another() as other:
        second = other.record([["newExperiment", {"tag": "baseline", "note": "second"}]], prefix=prefix)
    # Both left their files in one folder, so it is the first look that says what there has to be.
    yield from verdicts.refused(second._replace(experiments={}), "tag.claim")
    if second.experiments != first.experiments:
        yield Finding("tag.claim", "whoever came second changed the experiment", shown(second.steps))


def _seen_growing(bench: Bench) -> Findings:
    """Look at a series after each call: born whole, each row at its end, and what was there stays."""
    prefix, looks = bench.scratch(), {}
    rows = [["log", "loss", {"epoch": epoch, "note": "two\nlines"}] for epoch in range(5)]
    born = ["newTimeSeriesLog", "loss", ["epoch", "note"]]
    steps = [NEW, PAUSE, born, PAUSE, *rows[:2], PAUSE, *rows[2:], CLOSE]

    def look(step: int) -> None:
        if steps[step] != PAUSE:
            looks[step] = next((files for files in experiments_in(prefix).values()), {})

    found = bench.record(steps, prefix=prefix, on_ack=look)
    yield from verdicts.recording(found, "series.append", integers=bench.integers)
    yield from _begun_first(looks.get(0, {}))
    # What comes after the last pause may be over when the kit hears of it.
    paused = max(at for at, step in enumerate(steps) if step == PAUSE)
    if any(SPEC["layout"]["end"] in files for step, files in looks.items() if step < paused):
        yield Finding("end.last", "there is an end.json while the script lives")
    before = b""
    for step in [at for at in looks if at]:
        data = looks[step].get("loss.csv")
        if data is None:
            yield Finding(
                "series.birth", "the series is not there when the call has returned", shown(steps[step])
            )
            return
        if steps[step] == born and not data.endswith(b"\n"):
            yield Finding(
                "series.birth", "its header is not whole when the call has returned", "", shown(data)
            )
        whole = _whole(before)
        if not data.startswith(whole):
            yield Finding("series.append", "whole rows have changed", shown(whole), shown(data))
        before = data


def _begun_first(files: dict[str, bytes]) -> Findings:
    if SPEC["layout"]["begin"] not in files:
        yield Finding(
            "begin.first", "there is no begin.json when newExperiment has returned", "", ", ".join(files)
        )


def _whole(data: bytes) -> bytes:
    """Return a series up to the end of its last whole row."""
    text = data.decode("utf-8", "surrogateescape")
    return text[: len(text) - len(series.tail(text))].encode("utf-8", "surrogateescape")


def _lost_texts(bench: Bench) -> Findings:
    """Give three texts that have to be mended, and some that have not."""
    # Surrogates, because a text of any language can hold them.
    texts = [{"$bytes": "61EDA08062"}, "a\0b", "sound", {"$bytes": "EDB080EDA080"}]
    rows = [["log", "notes", {"note": text}] for text in texts]
    found = bench.record([NEW, ["newTimeSeriesLog", "notes", ["note"]], *rows, CLOSE])
    yield from verdicts.recording(found, "text.mended", integers=bench.integers)
    yield from verdicts.lost(found, {"texts": 3, "rows": 0, "artifacts": 0})


def _lost_integers(bench: Bench) -> Findings:
    """
    Log an integer that no cell can hold.

    A language whose integers end at 64 bits never sees it, and then there is nothing to count; what it makes
    of the same number in JSON shows which it is.
    """
    large = 2**64 + 1
    spelled = {"$int": str(large)}
    steps = [["newTimeSeriesLog", "n", ["n"]], ["log", "n", {"n": spelled}], ["log", "n", {"n": 1}]]
    found = bench.record([NEW, *steps, ["saveJSON", "n", spelled], CLOSE])
    yield from verdicts.played(found, "series.beyond")
    yield from verdicts.sound(found)
    if found.is_done and "n.json" in found.files:
        is_exact = json.loads(found.files["n.json"]) == large
        yield from verdicts.lost(found, {"integers": 1 if is_exact else 0})


def _huge_integers(bench: Bench) -> Findings:
    """Save integers that no double comes near; without integers they are infinities from the start."""
    digits = f"1{'0' * 400}"
    given = {"huge": {"$int": digits}, "low": {"$int": f"-{digits}"}}
    rows = [["log", "x", {"x": value}] for value in given.values()]
    steps = [NEW, ["newTimeSeriesLog", "x", ["x"]], *rows, ["saveJSON", "n", given], CLOSE]
    found = bench.record(steps)
    yield from verdicts.played(found, "json.numbers")
    yield from verdicts.sound(found)
    if found.is_done and bench.integers:
        yield from verdicts.lost(found, {"integers": 4})
    data = found.files.get("n.json", b"")
    if found.is_done and not jsontext.broken_rules(data) and json.loads(data) != _INFINITE:
        yield Finding("json.numbers", "they are no infinities", shown(given), shown(data))
    cells = [row[0] for row in series.raw_rows(found.files.get("x.csv", b""))[1:]]
    for value, cell in zip(notation.value(list(given.values())), cells, strict=False):
        for rule in series.broken_by(value, cell, integers=bench.integers):
            yield Finding(rule, "it is no infinity", shown(given), cell)


def _nothing_lost(bench: Bench) -> Findings:
    """End an experiment in which all went well: nothing is counted."""
    steps = [
        NEW,
        ["newTimeSeriesLog", "loss", ["epoch"]],
        ["log", "loss", {"epoch": 1}],
        ["saveText", "a", "é"],
        CLOSE,
    ]
    found = bench.record(steps)
    yield from verdicts.recording(found, "end.lost", integers=bench.integers)
    yield from verdicts.lost(found, dict.fromkeys(SPEC["loss"].values(), 0))


def _failed(bench: Bench) -> Findings:
    """End by an exception, and let the program exit."""
    prefix = bench.scratch()
    with bench.another() as other:
        found = other.record([NEW, ["saveText", "notes", "x"], ["fail", "loss is nan"]], prefix=prefix)
        other.end()
    found = found._replace(experiments=experiments_in(prefix))
    yield from verdicts.played(found, "end.outcome")
    yield from verdicts.sound(found)
    end = verdicts.document(found.files, "end")
    if end is None:
        yield Finding("end.outcome", "a program that has exited left no end.json", "", ", ".join(found.files))
    elif end.get("outcome") not in ("failed", "ended"):
        yield Finding(
            "end.outcome", "the script ended by an exception", shown(found.steps[-1]), str(end.get("outcome"))
        )


def _left_open(bench: Bench) -> Findings:
    """Let the program exit without a call of close."""
    prefix = bench.scratch()
    with bench.another() as other:
        found = other.record([NEW, ["saveText", "notes", "x"]], prefix=prefix)
        other.end()
    found = found._replace(experiments=experiments_in(prefix))
    yield from verdicts.played(found, "end.outcome")
    yield from verdicts.sound(found)
    outcome = (verdicts.document(found.files, "end") or {}).get("outcome", "nothing")
    if outcome != SPEC["outcome"]["ended"]:
        yield Finding("end.outcome", "the script never closed its workbook", shown(found.steps), str(outcome))


def _options(bench: Bench) -> Findings:
    """Give what newExperiment takes, and find it in begin.json."""
    tag = {"$repeat": ["t", 128]}
    found = bench.record([["newExperiment", {"tag": tag, "note": "wider “layers”"}], CLOSE])
    yield from verdicts.recording(found, "begin.document", integers=bench.integers)
    begin = verdicts.document(found.files, "begin") or {}
    if found.is_done and begin.get("tag") != "t" * 128:
        yield Finding(
            "begin.document", "its tag is another one", shown(found.steps[0]), shown(str(begin.get("tag")))
        )
    if found.is_done and begin.get("note") != "wider “layers”":
        yield Finding(
            "begin.optional", "the note is not there", shown(found.steps[0]), shown(str(begin.get("note")))
        )


def _flushed(bench: Bench) -> Findings:
    """Flush in between, which changes nothing in a folder."""
    steps = [
        ["newTimeSeriesLog", "loss", ["epoch"]],
        ["log", "loss", {"epoch": 1}],
        ["flush"],
        ["log", "loss", {"epoch": 2}],
    ]
    yield from finished(bench, [NEW, *steps], "end.last")


def _headers(bench: Bench) -> Findings:
    """Start series whose fields have to be quoted in the header, and some that must not."""
    fields = [
        "epoch",
        "train loss (%)",
        "a,b",
        'say "hi"',
        " padded",
        "tab\t",
        "\u00a0",
        "two\nlines",
        "\ufeff",
        "Größe",
    ]
    steps = [["newTimeSeriesLog", f"{at}", [field, *fields]] for at, field in enumerate(["\ufeffx", "x"])]
    yield from finished(bench, [NEW, *steps], "series.names")


def _spaces(bench: Bench) -> Findings:
    """Start series whose fields begin or end with each white space, and with what lies beside it."""
    spaces = "\t\v\f \x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    spaces += "".join(map(chr, range(0x2000, 0x200B)))
    others = (
        "!~\x84\x86\x9f\xa1\u167f\u1681\u180e\u1fff\u200b\u2027\u202a\u202e\u2030\u205e\u2060\u2fff\u3001"
    )
    fields = {"before": [f"{mark}x" for mark in spaces], "after": [f"x{mark}" for mark in spaces]}
    fields |= {"within": [f"x{mark}x" for mark in spaces], "none": [f"{mark}x{mark}" for mark in others]}
    steps = [["newTimeSeriesLog", name, ["x", *each]] for name, each in fields.items()]
    yield from finished(bench, [NEW, *steps], "series.names")


def _decades(bench: Bench) -> Findings:
    """Log numbers of 15, 16 and 17 digits, of all sizes that people meet and some beyond."""
    digits = (
        "1.23456789012345",
        "-9.876543210987654",
        "1.234567890123456",
        "2.2345678901234567",
        "-1",
        "9.5",
    )
    rows = [
        ["log", "x", {"x": {"$float": f"{each}e{decade}"}}] for decade in range(-9, 24) for each in digits
    ]
    yield from finished(bench, [NEW, ["newTimeSeriesLog", "x", ["x"]], *rows], "series.float")


def _sums(bench: Bench) -> Findings:
    """Look whether end.json has the sums, where the system has the command that makes them."""
    found = bench.record([NEW, ["saveText", "notes", "x"], CLOSE])
    yield from verdicts.recording(found, "end.files", integers=bench.integers)
    listed = (verdicts.document(found.files, "end") or {}).get("files", {})
    missing = [name for name, facts in listed.items() if "sha256" not in facts]
    if missing and shutil.which("sha256sum"):
        yield Finding("end.files", "the sha256 is missing, and could be had", "", ", ".join(missing))


def _number_keys(bench: Bench) -> Findings:
    """Save a table with a number and a text for keys, which is an object with texts for keys."""
    table = {"$pairs": [[100, "a"], ["x", 1]]}
    yield from finished(bench, [NEW, ["saveJSON", "counts", table]], "json.keys")


def _folded(bench: Bench) -> Findings:
    """Save what differs in more than the case of ASCII letters, and then what does not."""
    names = ["Éclair.txt", "éclair.txt", "loss", "loss.txt", "K", "\u212a", "x[", "x{", "x@", "x`"]
    yield from finished(bench, [NEW, *(["saveText", name, "x"] for name in names)], "name.unique")
    for first, second in (("A", "a"), ("x", "x/y"), ("x/y", "x"), ("X/y", "x")):
        steps = [NEW, ["saveText", first, "1"], ["saveText", second, "2"]]
        yield from verdicts.refused(bench.record(steps), "name.unique")


_CASES: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("tag.shape-fresh", ("tag.shape", "tag.random"), _fresh_tags),
    ("tag.claim-before", ("tag.claim",), _claimed_before),
    ("series.append-seen", ("series.append", "series.birth", "begin.first", "series.date"), _seen_growing),
    ("series.names-quoted", ("series.names", "series.header"), _headers),
    ("series.names-spaces", ("series.names",), _spaces),
    ("series.float-decades", ("series.float", "series.integral"), _decades),
    ("name.unique-folded", ("name.unique",), _folded),
    ("begin.document-options", ("begin.document", "begin.optional"), _options),
    ("end.lost-texts", ("end.lost", "text.mended"), _lost_texts),
    ("end.lost-integers", ("end.lost", "series.beyond"), _lost_integers),
    ("json.numbers-huge", ("json.numbers", "series.beyond", "end.lost"), _huge_integers),
    ("json.keys-numbers", ("json.keys",), _number_keys),
    ("end.files-sums", ("end.files",), _sums),
    ("end.lost-nothing", ("end.lost",), _nothing_lost),
    ("end.last-flushed", ("end.last",), _flushed),
    ("end.outcome-left", ("end.outcome",), _left_open),
    ("end.outcome-failed", ("end.outcome",), _failed),
)
