"""
How an experiment ended, or whether it goes on: rule ``status.answer``, which never guesses.

>>> of({}, None, is_alive=None)
'unknown'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab_workbook.protocol import _spec, jsontext


def of(begin: Mapping[str, Any], outcome: str | None, *, is_alive: bool | None) -> str:
    """
    Return the status by what begin.json says, the outcome of end.json, and whether the script lives.

    Whether it lives is to be asked before end.json is, because a writer puts that before it goes.
    """
    if outcome is not None:
        return outcome
    if not begin:
        return _spec.STATUS_UNKNOWN
    if is_alive is None:
        return _spec.STATUS_OPEN
    return _spec.STATUS_RUNNING if is_alive else _spec.STATUS_LOST


def is_young(age: float) -> bool:
    """Say whether a heartbeat of this age, in seconds, is of a script that lives."""
    return age < _spec.TIMING_LOST_SECONDS


def is_first(heartbeat: bytes) -> bool:
    """
    Say whether a heartbeat is as it was created.

    In a bucket that refuses overwrites it stays so, and says nothing once it is old.
    """
    try:
        document = jsontext.decode(heartbeat)
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("first") is True
