"""Writers that are wrong about the documents of the protocol: how an experiment begins and ends."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong.store import Folder
from lab_workbook_conformance.wrong.table import Right, instead_of
from lab_workbook_conformance.wrong.writer import Workbook

_LAYOUT = SPEC["layout"]


def _changed(data: bytes, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> bytes:
    document = json.loads(data)
    return json.dumps({**document, **change(document)}).encode()


def _without(data: bytes, key: str) -> bytes:
    return json.dumps({each: value for each, value in json.loads(data).items() if each != key}).encode()


@instead_of("begin.document", Workbook, "begin_document")
def no_runtime(right: Right, *given: Any) -> Any:
    """begin.json does not tell the runtime."""
    return _without(right(*given), "runtime")


@instead_of("begin.document-2", Workbook, "begin_document")
def seconds(right: Right, *given: Any) -> Any:
    """The beginning is a number of seconds."""
    return _changed(right(*given), lambda _: {"started": 1455313740})


@instead_of("begin.document-3", Workbook, "begin_document")
def another_tag(right: Right, *given: Any) -> Any:
    """begin.json has another tag than the folder."""
    return _changed(right(*given), lambda begin: {"tag": begin["tag"] + "x"})


@instead_of("begin.document-4", Workbook, "begin_document")
def an_old_beginning(right: Right, *given: Any) -> Any:
    """The beginning is always the same."""
    return _changed(right(*given), lambda _: {"started": "2016-02-12T21:49:00Z"})


@instead_of("begin.optional", Workbook, "begin_document")
def text_for_pid(right: Right, *given: Any) -> Any:
    """The process id is a text."""
    return _changed(right(*given), lambda begin: {"pid": str(begin["pid"])})


@instead_of("begin.optional-2", Workbook, "begin_document")
def snake_case(right: Right, *given: Any) -> Any:
    """A key of its own is in snake case."""
    return _changed(right(*given), lambda _: {"gpu_count": 8})


@instead_of("begin.optional-3", Workbook, "begin_document")
def note_dropped(right: Right, book: Workbook, _about: Mapping[str, Any]) -> Any:
    """A note is not recorded."""
    return right(book, {})


@instead_of("begin.optional-4", Workbook, "check_about")
def note_of_any_type(right: Right, book: Workbook, about: Mapping[str, Any]) -> Any:
    """A note may be of any type."""
    right(book, {key: value for key, value in about.items() if isinstance(value, str)})


@instead_of("begin.optional-5", Workbook, "begin_document")
def pid_of_another(right: Right, *given: Any) -> Any:
    """The process id is that of whoever started it."""
    return _changed(right(*given), lambda _: {"pid": os.getppid()})


@instead_of("begin.optional-6", Workbook, "begin_document")
def image_of_another(right: Right, *given: Any) -> Any:
    """The program of the process is another one."""
    # No remainder is as large.
    return _changed(right(*given), lambda _: {"pidImage": str(SPEC["begin"]["image_divisor"])})


@instead_of("begin.document-5", Workbook, "begin_document")
def next_major(right: Right, *given: Any) -> Any:
    """It says that it writes protocol 2.0."""
    return _changed(right(*given), lambda _: {"protocol": "lab-workbook 2.0"})


@instead_of("begin.document-6", Workbook, "begin_document")
def later_minor(right: Right, *given: Any) -> Any:
    """It says that it writes protocol 1.7."""
    return _changed(right(*given), lambda _: {"protocol": "lab-workbook 1.7"})


@instead_of("end.document", Workbook, "end_document")
def no_time(right: Right, *given: Any) -> Any:
    """end.json does not tell the time."""
    return _without(right(*given), "ended")


@instead_of("end.document-2", Workbook, "end_document")
def error_as_text(right: Right, *given: Any) -> Any:
    """The error is a text."""
    return _changed(right(*given), lambda end: {"error": end["error"] and end["error"]["message"]})


@instead_of("end.document-3", Workbook, "end_document")
def no_error(right: Right, *given: Any) -> Any:
    """end.json has an error only where there was one."""
    data = right(*given)
    return data if json.loads(data)["error"] else _without(data, "error")


@instead_of("end.document-4", Workbook, "end_document")
def an_old_end(right: Right, *given: Any) -> Any:
    """The end is always the same."""
    return _changed(right(*given), lambda _: {"ended": "2016-02-12T22:49:00Z"})


@instead_of("end.outcome", Workbook, "outcome")
def crashed(right: Right, *given: Any) -> Any:
    """After an exception the outcome is `crashed`."""
    outcome = right(*given)
    return "crashed" if outcome == SPEC["outcome"]["failed"] else outcome


@instead_of("end.outcome-2", Workbook, "outcome")
def always_finished(_: Right, *_given: Any) -> Any:
    """The outcome is always `finished`."""
    return SPEC["outcome"]["finished"]


@instead_of("end.outcome-3", Workbook, "outcome")
def never_sure(right: Right, *given: Any) -> Any:
    """A script that closed its workbook has `ended`."""
    outcome = right(*given)
    return SPEC["outcome"]["ended"] if outcome == SPEC["outcome"]["finished"] else outcome


@instead_of("end.outcome-4", Workbook, "let_go")
def finished_without_close(_: Right, book: Workbook) -> Any:
    """A script that never closed its workbook has `finished`."""
    book.end(SPEC["outcome"]["finished"], None)


@instead_of("end.lost", Workbook, "end_document")
def nothing_lost(right: Right, *given: Any) -> Any:
    """Losses are not counted."""
    return _changed(right(*given), lambda _: {"lost": {}})


@instead_of("end.lost-2", Workbook, "end_document")
def words_for_losses(right: Right, *given: Any) -> Any:
    """Losses are told in words."""
    return _changed(right(*given), lambda _: {"lost": {"rows": "none"}})


@instead_of("end.lost-3", Workbook, "end_document")
def some_lost(right: Right, *given: Any) -> Any:
    """One text too many is counted."""
    return _changed(
        right(*given), lambda end: {"lost": {**end["lost"], "texts": end["lost"].get("texts", 0) + 1}}
    )


@instead_of("end.files", Workbook, "published")
def no_begin(right: Right, book: Workbook) -> Any:
    """begin.json is not among the files."""
    return {path: each for path, each in right(book).items() if path != _LAYOUT["begin"]}


@instead_of("end.files-2", Workbook, "published")
def no_texts(right: Right, book: Workbook) -> Any:
    """Only artifacts with a suffix are among the files."""
    return {path: each for path, each in right(book).items() if "." in path}


@instead_of("end.files-3", Workbook, "published")
def capital_digits(right: Right, book: Workbook) -> Any:
    """Sums are in capital letters."""
    return {path: {**each, "sha256": each["sha256"].upper() + "A"} for path, each in right(book).items()}


@instead_of("end.files-4", Workbook, "published")
def no_sizes(right: Right, book: Workbook) -> Any:
    """Sizes are left out."""
    return {path: {"sha256": each["sha256"]} for path, each in right(book).items()}


@instead_of("end.files-6", Workbook, "published")
def no_sums(right: Right, book: Workbook) -> Any:
    """Sums are left out."""
    return {path: {"bytes": each["bytes"]} for path, each in right(book).items()}


@instead_of("end.files-5", Workbook, "published")
def one_more(right: Right, book: Workbook) -> Any:
    """A file is named that is not there."""
    return {**right(book), "model.bin": {"bytes": 3}}


@instead_of("end.delivery", Workbook, "end_document")
def one_number(right: Right, *given: Any) -> Any:
    """Requests are counted in one number."""
    return _changed(right(*given), lambda _: {"delivery": {"requests": 1, "bytes": 0}})


@instead_of("end.last", Folder, "end")
def one_byte_more(right: Right, store: Folder) -> Any:
    """A line feed is added to each JSON document when all is done."""
    right(store)
    for name in store.names():
        if not name.startswith(_LAYOUT["reserved"]) and name.endswith(".json") and _is_document(store, name):
            store.append(name, b"\n")


def _is_document(store: Folder, name: str) -> bool:
    with open(store.place(name), "rb") as file:
        return file.read(1) in (b"{", b"[")


# Whoever is killed leaves one that names no artifact.
@instead_of("end.last-2", Workbook, "begin", also=("end.files", "end.outcome"))
def end_at_once(right: Right, book: Workbook, about: Mapping[str, Any]) -> Any:
    """end.json is there from the beginning, and is replaced at the end."""
    right(book, about)
    book.store.replace(_LAYOUT["end"], book.end_document(SPEC["outcome"]["ended"], None))


@instead_of("end.last-3", Workbook, "published")
def size_before_last_row(right: Right, book: Workbook) -> Any:
    """The size of a series is that of its header."""
    files = right(book)
    return {path: {**each, "bytes": 16} if path.endswith(".csv") else each for path, each in files.items()}


@instead_of("notes.name", Folder, "end")
def named_note(right: Right, store: Folder) -> Any:
    """A note that the writer adds has a name in words."""
    note = {"time": "2016-02-13T08:15:00Z", "text": "looks good", "author": "me"}
    store.replace(_LAYOUT["notes"] + "looks good.json", json.dumps(note).encode())
    right(store)


@instead_of("notes.document", Folder, "end")
def bare_note(right: Right, store: Folder) -> Any:
    """A note that the writer adds is a bare text."""
    store.replace(_LAYOUT["notes"] + "20160213T081500Z-x7Rk2a.json", b'"looks good"')
    right(store)


@instead_of("heartbeat.document", Workbook, "begin")
def bare_heartbeat(right: Right, book: Workbook, about: Mapping[str, Any]) -> Any:
    """A heartbeat does not say whether it is the first one."""
    right(book, about)
    book.store.replace(_LAYOUT["heartbeat"], b'{"time": "2016-02-12T22:17:34Z"}')


@instead_of("segments.key", Folder, "end")
def short_key(right: Right, store: Folder) -> Any:
    """A segment has a key without zeros."""
    store.replace(_LAYOUT["segments"] + "loss.csv/6-0", b"x,Date")
    right(store)


@instead_of("segments.rows", Folder, "end")
def half_a_row(right: Right, store: Folder) -> Any:
    """A segment ends in a row."""
    store.replace(f"{_LAYOUT['segments']}loss.csv/{3:015}-{0:015}", b"x,D")
    right(store)
