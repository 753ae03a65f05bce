"""Writers that are wrong about series: the header, the rows and when they are written."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong import spelling, writer
from lab_workbook_conformance.wrong.store import Folder
from lab_workbook_conformance.wrong.table import Right, instead_of
from lab_workbook_conformance.wrong.writer import Workbook

_END = SPEC["layout"]["end"]


@instead_of("series.csv", spelling, "header")
def byte_order_mark(right: Right, fields: Sequence[str]) -> Any:
    """A series begins with a byte order mark."""
    return "\ufeff" + right(fields)


@instead_of("series.csv-2", spelling, "row")
def carriage_returns(right: Right, *given: Any) -> Any:
    """Rows end with CR LF."""
    return right(*given)[:-1] + "\r\n"


@instead_of("series.csv-3", spelling, "quoted")
def undoubled_quotes(_: Right, value: str) -> Any:
    """Quotes in a text are escaped by a backslash, as in C."""
    return '"' + value.replace('"', '\\"') + '"'


@instead_of("series.header", spelling, "header")
def no_date(right: Right, fields: Sequence[str]) -> Any:
    """The header does not name the date."""
    return right(fields).removesuffix(",Date\n") + "\n"


@instead_of("series.header-2", spelling, "header")
def sorted_header(right: Right, fields: Sequence[str]) -> Any:
    """The fields of the header are sorted."""
    return right(sorted(fields))


@instead_of("series.header-3", spelling, "header")
def small_date(right: Right, fields: Sequence[str]) -> Any:
    """The last field is `date`."""
    return right(fields).removesuffix("Date\n") + "date\n"


@instead_of("series.names", spelling, "field")
def quoted_fields(_: Right, name: str) -> Any:
    """Every field of the header is quoted."""
    return spelling.quoted(name)


@instead_of("series.names-2", spelling, "field")
def bare_spaces(right: Right, name: str) -> Any:
    """A field with a space at its edge is not quoted."""
    return name if name.strip() and right(name.strip()) == name.strip() else right(name)


@instead_of("series.names-3", spelling, "field")
def spaces_quoted(right: Right, name: str) -> Any:
    """A field with a space in it is quoted."""
    return right(name) if " " not in name.strip() else spelling.quoted(name)


@instead_of("series.fields", Workbook, "check_fields")
def no_fields(right: Right, book: Workbook, fields: Sequence[str]) -> Any:
    """A series may have no fields at all."""
    right(book, fields or ["x"])


@instead_of("series.fields-2", Workbook, "check_fields")
def the_same_field(right: Right, book: Workbook, fields: Sequence[str]) -> Any:
    """A field may be there twice."""
    right(book, list(dict.fromkeys(fields)))


@instead_of("series.fields-3", Workbook, "check_fields")
def date_of_the_caller(right: Right, book: Workbook, fields: Sequence[str]) -> Any:
    """A field may be `Date`."""
    right(book, [field.lower() for field in fields])


@instead_of("series.fields-4", Workbook, "check_fields")
def empty_field(right: Right, book: Workbook, fields: Sequence[str]) -> Any:
    """A field may be empty."""
    right(book, [field or "empty" for field in fields])


@instead_of("series.fields-5", Workbook, "check_fields")
def no_small_date(right: Right, book: Workbook, fields: Sequence[str]) -> Any:
    """Also `date` is refused."""
    right(book, ["Date" if field == "date" else field for field in fields])


class _LateHeaders(Folder):
    """A folder in which the headers of series wait for the first row, or for the end."""

    def __init__(self, path: str, *, are_files_late: bool) -> None:
        super().__init__(path)
        self._are_files_late = are_files_late
        self._headers: dict[str, bytes] = {}

    def replace(self, name: str, data: bytes) -> None:
        if not name.endswith(".csv"):
            for each in list(self._headers) if name == _END else []:
                self.append(each, b"")
            super().replace(name, data)
            return
        self._headers[name] = data
        if not self._are_files_late:
            super().replace(name, b"")

    def append(self, name: str, data: bytes) -> None:
        header = self._headers.pop(name, b"")
        if header:
            super().replace(name, b"")
        super().append(name, header + data)


@instead_of("series.birth", writer, "Folder", perhaps=("series.kept",))
def empty_at_birth(_: Right, path: str) -> Any:
    """A series is born empty, and its header comes with the first row."""
    return _LateHeaders(path, are_files_late=False)


@instead_of("series.birth-2", writer, "Folder", perhaps=("series.kept",))
def born_with_a_row(_: Right, path: str) -> Any:
    """A series is born with its first row."""
    return _LateHeaders(path, are_files_late=True)


class _NoHeaders(_LateHeaders):
    """A folder in which a series without rows never gets a file."""

    def __init__(self, path: str) -> None:
        super().__init__(path, are_files_late=True)
        self._series: set[str] = set()

    def grows(self, name: str, every: int | None) -> None:
        super().grows(name, every)
        self._series.add(name)

    def replace(self, name: str, data: bytes) -> None:
        if name == _END:
            self._headers.clear()
        if name in self._series:
            super().replace(name, data)
        else:
            Folder.replace(self, name, data)


# A file that end.json names is not there, and a call that ought to make one makes none.
@instead_of("series.birth-3", writer, "Folder", also=("end.files", "kind.suffix"), perhaps=("series.kept",))
def born_with_a_row_or_never(_: Right, path: str) -> Any:
    """A series is born with its first row, and without one never."""
    return _NoHeaders(path)


@instead_of("series.once", Workbook, "check_once")
def opened_again(_: Right, _book: Workbook, _path: str) -> Any:
    """A series may be opened again, which begins it anew."""


@instead_of("series.once-2", Workbook, "check_once")
def saved_over(right: Right, book: Workbook, path: str) -> Any:
    """A text may be saved over a series."""
    if not path.startswith("training"):
        right(book, path)


class _FirstBytesLate(Folder):
    """A folder in which the first byte of a row is written with the next row, or at the end."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._late: dict[str, tuple[int, bytes]] = {}

    def replace(self, name: str, data: bytes) -> None:
        for each in list(self._late) if name == _END else []:
            self._correct(each)
        super().replace(name, data)

    def append(self, name: str, data: bytes) -> None:
        self._correct(name)
        self._late[name] = (os.path.getsize(self.place(name)), data[:1])
        super().append(name, b"0" + data[1:])

    def _correct(self, name: str) -> None:
        at, byte = self._late.pop(name, (0, b""))
        with open(self.place(name), "r+b") as file:
            file.seek(at)
            file.write(byte)


@instead_of("series.append", writer, "Folder", also=("series.kept",))
def first_bytes_late(_: Right, path: str) -> Any:
    """The first byte of a row is written when the next row comes."""
    return _FirstBytesLate(path)


class _Waiting(Folder):
    """A folder in which rows wait in memory until there are many, or the end comes."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._waiting: dict[str, list[bytes]] = {}

    def replace(self, name: str, data: bytes) -> None:
        for each in list(self._waiting) if name == _END else []:
            self._write(each)
        super().replace(name, data)

    def append(self, name: str, data: bytes) -> None:
        self._waiting.setdefault(name, []).append(data)
        # So many that a kill seldom comes just when none waits.
        if len(self._waiting[name]) == 64:
            self._write(name)

    def _write(self, name: str) -> None:
        super().append(name, b"".join(self._waiting.pop(name)))


@instead_of("series.kept", writer, "Folder")
def rows_wait(_: Right, path: str) -> Any:
    """Rows wait in memory until there are 64."""
    return _Waiting(path)


@instead_of("series.row", Workbook, "check_row")
def any_field(_: Right, _book: Workbook, _fields: Sequence[str], _values: Mapping[str, Any]) -> Any:
    """A field that the series has not is dropped."""


@instead_of("series.row-2", spelling, "row")
def short_row(right: Right, fields: Sequence[str], values: Mapping[str, Any], *more: Any) -> Any:
    """What a row leaves out has no cell."""
    return right([field for field in fields if field in values], values, *more)


@instead_of("series.date", Workbook, "date")
def local_time(_: Right, _book: Workbook) -> Any:
    """The time of a row is local."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


@instead_of("series.date-2", Workbook, "date")
def milliseconds(right: Right, book: Workbook) -> Any:
    """The time of a row has milliseconds."""
    return right(book)[:-1] + ".123Z"


@instead_of("series.date-3", Workbook, "date")
def a_space_for_t(right: Right, book: Workbook) -> Any:
    """The time of a row has a space in place of T."""
    return right(book).replace("T", " ")


@instead_of("series.date-4", Workbook, "date")
def beginning_of_the_year(_: Right, _book: Workbook) -> Any:
    """The time of a row is that of the beginning of its year."""
    return time.strftime("%Y-01-01T00:00:00Z")


@instead_of("series.save-every", Workbook, "check_save_every")
def any_number(_: Right, _book: Workbook, _save_every: float | None) -> Any:
    """Any saveEvery will do."""


@instead_of("series.save-every-2", Workbook, "check_save_every")
def fractions(right: Right, book: Workbook, save_every: float | None) -> Any:
    """A saveEvery with a fraction is rounded."""
    right(book, None if save_every is None else round(save_every))


@instead_of("series.save-every-3", Workbook, "check_save_every")
def small_ones(right: Right, book: Workbook, save_every: float | None) -> Any:
    """A saveEvery of more than ten is refused."""
    right(book, 0 if save_every and save_every > 10 else save_every)
