"""The end of a script that has not closed its workbooks: how it was left is the outcome."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from lab_workbook_conformance.constants import SPEC

_OUTCOME = SPEC["outcome"]


class Open(Protocol):
    """An experiment that has not ended."""

    def end(self, outcome: str, error: BaseException | None) -> None:
        """End it."""


_open: list[Open] = []


def opened(workbook: Open) -> None:
    """Remember a workbook until it has ended."""
    _open.append(workbook)


def ended(workbook: Open) -> None:
    """Forget a workbook."""
    _open.remove(workbook)


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Run a script, and end what it leaves open."""
    try:
        yield
    except SystemExit as left:
        end_open(of_status(left.code), None)
        raise
    except Exception as error:
        end_open(of_error(), error)
        raise
    else:
        end_open(_OUTCOME["ended"], None)


def of_status(code: object) -> str:
    """Return the outcome of a script that exits with this status."""
    return str(_OUTCOME["failed"] if code else _OUTCOME["ended"])


def of_error() -> str:
    """Return the outcome of a script that is left by an error."""
    return str(_OUTCOME["failed"])


def end_open(outcome: str, error: BaseException | None) -> None:
    """End all that is open."""
    for workbook in [*_open]:
        workbook.end(outcome, error)
