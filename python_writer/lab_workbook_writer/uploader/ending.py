"""
What end.json says of a delivered experiment.

The queue was written by the script and is read as it would be from a stranger, so that whatever
stands there, readers find a document of the right shape.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from lab_workbook.protocol import _spec, documents
from lab_workbook.store.wire import Traffic

from lab_workbook_writer.uploader.journal import Sent

_OUTCOMES = (_spec.OUTCOME_FINISHED, _spec.OUTCOME_FAILED, _spec.OUTCOME_INTERRUPTED, _spec.OUTCOME_ENDED)
_LOSSES = (
    *(_spec.LOSS_ROWS, _spec.LOSS_ARTIFACTS, _spec.LOSS_TEXTS, _spec.LOSS_INTEGERS, _spec.LOSS_SECRETS),
)


def end_document(
    line: Mapping[str, Any] | None,
    *,
    begin: bytes,
    published: Mapping[str, Sent],
    lost: Mapping[str, int],
    last_change: float,
    traffic: Traffic,
) -> documents.Document:
    """
    Return end.json, from the ``end`` line of the queue or from its absence.

    A script that vanished is taken to have ended when it last wrote something. ``traffic`` is what was
    sent before this document.
    """
    if line is None:
        vanished = time.strftime(_spec.SERIES_DATE_FORMAT, time.gmtime(last_change))
        line = {"outcome": _spec.OUTCOME_INTERRUPTED, "ended": vanished}
    outcome, ended, error = line.get("outcome"), line.get("ended"), line.get("error")
    return documents.end(
        outcome if outcome in _OUTCOMES else _spec.OUTCOME_ENDED,
        error if isinstance(error, dict) else None,
        _losses(line.get("lost"), lost),
        _files(begin, published),
        ended=ended if isinstance(ended, str) else None,
        delivery={"requests": traffic.requests, "bytes": traffic.bytes},
    )


def _losses(told: Any, found: Mapping[str, int]) -> dict[str, int]:
    told = told if isinstance(told, dict) else {}
    return {key: _count(told.get(key)) + found.get(key, 0) for key in _LOSSES}


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _files(begin: bytes, published: Mapping[str, Sent]) -> dict[str, dict[str, Any]]:
    files = {name: _listed(sent) for name, sent in published.items()}
    files[_spec.LAYOUT_BEGIN] = {"bytes": len(begin), "sha256": hashlib.sha256(begin).hexdigest()}
    return files


def _listed(sent: Sent) -> dict[str, Any]:
    return {"bytes": sent.bytes, **({"sha256": sent.sha256} if sent.sha256 else {})}
