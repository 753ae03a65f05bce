"""Writers that are wrong after a call that they have refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab_workbook_conformance.wrong import names, spelling
from lab_workbook_conformance.wrong.errors import Refused
from lab_workbook_conformance.wrong.table import Right, instead_of
from lab_workbook_conformance.wrong.writer import Workbook


@instead_of("misuse.trace", Workbook, "log")
def half_a_row(right: Right, book: Workbook, name: str, values: Mapping[str, Any]) -> Any:
    """The cells before one that is refused are written."""
    try:
        right(book, name, values)
    except Refused as error:
        if error.rule == "series.value":
            book.store.append(book.with_suffix("series", name), b"1,")
        raise


@instead_of("misuse.trace-2", Workbook, "new_time_series_log")
def name_is_taken(right: Right, book: Workbook, name: str, *given: Any) -> Any:
    """A series whose fields are refused is open all the same."""
    try:
        right(book, name, *given)
    except Refused as error:
        if error.rule in ("series.fields", "series.save-every"):
            book.series[book.claim(book.with_suffix("series", name))] = ["x"]
        raise


@instead_of("misuse.trace-3", Workbook, "save_json")
def emptied(right: Right, book: Workbook, name: str, value: Any) -> Any:
    """The file of JSON is truncated before its value is checked."""
    try:
        right(book, name, value)
    except Refused as error:
        if (error.rule or "").startswith("json."):
            book.keep(book.with_suffix("json", name), b"")
        raise


@instead_of("misuse.trace-4", Workbook, "check_row")
def counted_as_lost(right: Right, book: Workbook, fields: Sequence[str], values: Mapping[str, Any]) -> Any:
    """A row that is refused counts as lost."""
    try:
        right(book, fields, values)
    except Refused as error:
        book.lose("rows", error)
        raise


@instead_of("misuse.trace-5", Workbook, "claim")
def closes(right: Right, book: Workbook, path: str) -> Any:
    """An experiment ends at the first name that is refused."""
    try:
        return right(book, path)
    except Refused:
        book.close()
        raise


@instead_of("misuse.trace-6", Workbook, "__init__")
def folder_of_a_refused_one(
    right: Right, book: Workbook, store: Any, tag: str, about: Mapping[str, Any]
) -> Any:
    """An experiment whose note is refused has a folder."""
    try:
        right(book, store, tag, about)
    except Refused as error:
        if error.rule == "begin.optional":
            store.replace("notes", b"")
        raise


@instead_of("misuse.trace-7", Workbook, "log")
def rest_of_a_row(right: Right, book: Workbook, name: str, values: Mapping[str, Any]) -> Any:
    """A row with a field that the series has not is refused, and written without it."""
    try:
        right(book, name, values)
    except Refused as error:
        if error.rule == "series.row" and isinstance(values, dict):
            fields = book.series[book.with_suffix("series", name)]
            right(book, name, {field: values[field] for field in fields if field in values})
        raise


@instead_of("misuse.trace-8", names, "check_unique")
def taken_by_a_refused_one(right: Right, name: str, taken: dict[str, str]) -> Any:
    """A name is taken before it is checked against others."""
    taken.setdefault(names.folded(name), name)
    right(name, taken)


@instead_of("misuse.trace-9", Workbook, "check_once")
def opened_anew(right: Right, book: Workbook, path: str) -> Any:
    """A series that is opened again is refused, and has lost its rows."""
    try:
        right(book, path)
    except Refused:
        book.store.replace(path, spelling.header(book.series[path]).encode())
        raise


@instead_of("misuse.trace-10", Workbook, "save_text")
def counted_before_the_name(right: Right, book: Workbook, name: str, text: str) -> Any:
    """Text is mended and counted before its name is checked."""
    try:
        right(book, name, text)
    except Refused:
        if spelling.mended(text, spelling.Lost()) != text:
            book.lose("texts", "a text was not UTF-8")
        raise
