"""
Delivering what was left behind: ``lab-workbook push``.

Any number may run at once, and again: a spool has one lock, and its journal knows what has arrived.

>>> push(Spool("~/.local/state/lab-workbook/201602122149-PMJ8a76csB.9f2kQ0aX"))
Report(text='201602122149-PMJ8a76csB: delivered to s3://…', is_fine=True)
"""

from __future__ import annotations

import os
from typing import NamedTuple

from lab_workbook.errors import LabWorkbookError
from lab_workbook.protocol import _spec, jsontext, tags

from lab_workbook_writer.uploader.delivery import Delivery, Result
from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.pipe import LifePipe
from lab_workbook_writer.uploader.spool import Spool


class Report(NamedTuple):
    """What became of a spool, in one line; ``is_fine`` if nobody needs to do anything about it."""

    text: str
    is_fine: bool


def push(spool: Spool, *, tag: str | None = None, idle_seconds: float) -> Report:
    """
    Deliver a spool, as far as it goes: one whose script lives is not sealed.

    ``tag`` is a new one, for a spool whose own was taken. Gives up after ``idle_seconds`` in which
    nothing moved.
    """
    name = os.path.basename(str(spool))
    if not os.path.exists(spool.file(_spec.LAYOUT_QUEUE)):
        return Report(f"{name}: there is no spool at {spool}", is_fine=False)
    with spool.locked() as held:
        if not held:
            return Report(f"{name}: is being delivered by another process", is_fine=True)
        try:
            if tag is not None:
                _retag(spool, tag)
            return _deliver(spool, idle_seconds)
        except LabWorkbookError as error:
            return Report(f"{name}: {error}", is_fine=False)


def _deliver(spool: Spool, idle_seconds: float) -> Report:
    life = LifePipe(None)
    delivery = Delivery(spool, life, stays=False, idle_seconds=idle_seconds)
    result = delivery.run()
    life.close()
    text = f"{delivery.tag}: {result.value}"
    if result is Result.ENDED:
        return Report(f"{text} to {delivery.where}", is_fine=True)
    if result is Result.CAUGHT_UP:
        return Report(text, is_fine=True)
    advice = f"; deliver it by `lab-workbook push --tag NEW {spool}`" if delivery.is_taken else ""
    return Report(f"{text}: {delivery.reason}{advice}", is_fine=False)


def _retag(spool: Spool, tag: str) -> None:
    """Give the experiment another tag, as long as no other process can have seen it under its own."""
    tags.check(tag)
    journal = Journal(spool.file(_spec.LAYOUT_JOURNAL))
    journal.close()
    if journal.is_claimed or journal.refusal != "taken":
        raise LabWorkbookError("its tag was not taken by another experiment: push it without --tag")
    _, begin = spool.begin()
    spool.rewrite_begin(jsontext.encode({**begin, "tag": tag}, lambda _kind: None))
