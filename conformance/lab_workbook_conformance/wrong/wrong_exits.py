"""Writers that are wrong about scripts that end without closing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong import exits
from lab_workbook_conformance.wrong.table import Right, instead_of
from lab_workbook_conformance.wrong.writer import Workbook

_LAYOUT, _OUTCOME = SPEC["layout"], SPEC["outcome"]


@instead_of("end.outcome-5", exits, "of_status")
def no_word_at_exit(right: Right, code: object) -> Any:
    """A script that reaches its last line without closing leaves no end.json."""
    if code is None:
        os._exit(0)
    return right(code)


@instead_of("end.outcome-6", exits, "of_status")
def status_ignored(_: Right, _code: object) -> Any:
    """A script that exits with a status other than 0 has `ended`."""
    return _OUTCOME["ended"]


@instead_of("end.outcome-7", exits, "of_status")
def good_status(right: Right, code: object) -> Any:
    """A script that exits with status 0 has `finished`, though it closed nothing."""
    return _OUTCOME["finished"] if code == 0 and code is not None else right(code)


@instead_of("end.outcome-8", exits, "of_error")
def error_unheard(_: Right) -> Any:
    """A script that is left by an error has `ended`."""
    return _OUTCOME["ended"]


@instead_of("end.document-7", exits, "end_open")
def error_forgotten(right: Right, outcome: str, _error: BaseException | None) -> Any:
    """The error that a script is left by is not recorded."""
    right(outcome, None)


@instead_of("end.outcome-9", Workbook, "begin")
def finished_by_a_signal(right: Right, book: Workbook, about: Mapping[str, Any]) -> Any:
    """A script that gets SIGTERM has `finished`."""
    right(book, about)

    def end(*_: object) -> None:
        book.end(_OUTCOME["finished"], None)
        sys.exit(1)

    signal.signal(signal.SIGTERM, end)


@instead_of("end.outcome-10", Workbook, "save_text")
def end_beforehand(right: Right, book: Workbook, *given: Any) -> Any:
    """Once a text is saved, end.json is there, and is replaced at the end."""
    right(book, *given)
    book.store.replace(_LAYOUT["end"], book.end_document(_OUTCOME["ended"], None))


class _Closed:
    """A workbook that was closed, and ends again where its script fails."""

    def __init__(self, book: Workbook) -> None:
        self._book = book

    def end(self, outcome: str, error: BaseException | None) -> None:
        """Write another end.json after a failure."""
        if outcome == _OUTCOME["failed"]:
            self._book.store.replace(_LAYOUT["end"], self._book.end_document(outcome, error))
            self._book.store.end()


@instead_of("end.outcome-11", Workbook, "close")
def failed_after_close(right: Right, book: Workbook, *given: Any) -> Any:
    """A script that fails after it has closed its workbook has `failed`."""
    right(book, *given)
    exits.opened(_Closed(book))
