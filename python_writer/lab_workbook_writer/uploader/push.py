"""
Delivering what was left behind: ``lab-workbook push``.

Any number may run at once, and again: a spool has one lock, and its journal knows what has arrived. A spool
whose script may live on another host is helped, and neither sealed nor removed (`helping`).

>>> push(Spool("~/.local/state/lab-workbook/201602122149-PMJ8a76csB.9f2kQ0aX"), idle_seconds=30)
Report(text='201602122149-PMJ8a76csB: delivered to s3://…', is_fine=True)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from lab_workbook.errors import LabWorkbookError
from lab_workbook.protocol import _spec, jsontext, tags
from lab_workbook.protocol.locks import Lock

from lab_workbook_writer.uploader import helping, sealing
from lab_workbook_writer.uploader.delivery import Delivery, Result
from lab_workbook_writer.uploader.journal import Journal
from lab_workbook_writer.uploader.pipe import LifePipe
from lab_workbook_writer.uploader.queue import Line, Queue, destination
from lab_workbook_writer.uploader.script import Life, Script, has_ended
from lab_workbook_writer.uploader.spool import Spool


class Report(NamedTuple):
    """What became of a spool, in one line; ``is_fine`` if nobody needs to do anything about it."""

    text: str
    is_fine: bool


def push(spool: Spool, *, tag: str | None = None, seals: bool = False, idle_seconds: float) -> Report:
    """
    Deliver a spool, as far as it goes: one whose script lives, or may live, is not sealed.

    ``tag`` is a new one, for a spool whose own was taken. ``seals`` is a person's word that the script is
    dead. Gives up after ``idle_seconds`` in which nothing moved.
    """
    name = os.path.basename(str(spool))
    try:
        if spool.is_set_aside:
            return _set_aside(spool)
        if not os.path.exists(spool.file(_spec.LAYOUT_QUEUE)):
            return Report(f"{name}: there is no spool at {spool}", is_fine=False)
        script, lines = _script(spool)
        life = script.life()
        if seals and life is Life.ALIVE:
            return Report(f"{name}: is not sealed, because {script} is running", is_fine=False)
        if life is Life.UNKNOWN and not seals and not has_ended(lines, spool.root):
            return _help(spool, script, idle_seconds)
        with spool.locked(by_force=seals) as lock:
            if not lock.is_held:
                trouble = _journal(spool).trouble if lock.is_busy else ""
                why = f", and nothing arrives just now: {trouble}" if trouble else ""
                return Report(
                    f"{name}: {lock.problem}{why}", is_fine=lock.is_busy and not seals and not trouble
                )
            if tag is not None:
                _retag(spool, tag)
            return _deliver(spool, lock, idle_seconds, seals=seals)
    except (LabWorkbookError, OSError) as error:
        return Report(f"{name}: {error}", is_fine=False)


def discard(spool: Spool) -> Iterator[Report]:
    """Remove a spool whose experiment is sealed, or whose script is dead; name what was not delivered."""
    name = os.path.basename(str(spool))
    try:
        script, lines = _script(spool)
        if not spool.is_set_aside and script.life() is not Life.DEAD:
            yield Report(f"{name}: is kept, because {script} may live: push --seal it first", is_fine=False)
            return
        with spool.locked() as lock:
            if not lock.is_held:
                yield Report(f"{name}: {lock.problem}", is_fine=False)
                return
            for each in sealing.beyond(spool, lines, _sealed_sizes(spool)):
                yield Report(f"{name}: {each} was not delivered, and is deleted", is_fine=True)
            spool.remove()
        yield Report(f"{name}: removed", is_fine=True)
    except (LabWorkbookError, OSError) as error:
        yield Report(f"{name}: {error}", is_fine=False)


def _help(spool: Spool, script: Script, idle_seconds: float) -> Report:
    done = helping.help_along(spool, idle_seconds=idle_seconds)
    advice = f"not sealed, because {script} may live; if it is dead: lab-workbook push --seal {spool}"
    return Report(f"{done.text}; {advice}", is_fine=done.is_complete)


def _deliver(spool: Spool, lock: Lock, idle_seconds: float, *, seals: bool) -> Report:
    life = LifePipe(None)
    delivery = Delivery(spool, life, lock, stays=False, idle_seconds=idle_seconds, is_declared_dead=seals)
    result = delivery.run()
    life.close()
    text = f"{delivery.tag}: {result.value}"
    if result is Result.ENDED:
        return Report(f"{text} to {delivery.where}", is_fine=True)
    if result is Result.SEALED:
        return _set_aside(spool)
    if result is Result.CAUGHT_UP:
        return Report(text, is_fine=True)
    advice = f"; deliver it by `lab-workbook push --tag NEW {spool}`" if delivery.is_taken else ""
    return Report(f"{text}: {delivery.reason}{advice}", is_fine=False)


def _set_aside(spool: Spool) -> Report:
    """Report on an experiment that is sealed, and whose spool is kept because its script may live."""
    script, lines = _script(spool)
    name = os.path.basename(str(spool))
    left = list(sealing.beyond(spool, lines, _sealed_sizes(spool)))
    if not left and script.life() is Life.DEAD:
        with spool.locked() as lock:
            if lock.is_held:
                spool.remove()
                return Report(f"{name}: was sealed before, holds nothing else, and is removed", is_fine=True)
    what = f"and holds what came later: {', '.join(left)}" if left else "and holds nothing else so far"
    advice = f"lab-workbook push --discard {spool} removes it"
    return Report(f"{name}: is sealed, {what}; {script} may live; {advice}", is_fine=not left)


def _script(spool: Spool) -> tuple[Script, list[Line]]:
    name = _spec.LAYOUT_SEALED if spool.is_set_aside else _spec.LAYOUT_QUEUE
    lines = Queue(spool.file(name)).read()
    return Script(spool.begin()[1], spool.root, destination(lines, str(spool)).file_system), lines


def _sealed_sizes(spool: Spool) -> dict[str, int] | None:
    journal = _journal(spool)
    return journal.sealed_sizes if journal.is_sealed else {n: s.bytes for n, s in journal.published.items()}


def _journal(spool: Spool) -> Journal:
    """Return what the journal says; it is closed, and nothing is appended."""
    journal = Journal(spool.file(_spec.LAYOUT_JOURNAL))
    journal.close()
    return journal


def _retag(spool: Spool, tag: str) -> None:
    """Give the experiment another tag, as long as no other process can have seen it under its own."""
    tags.check(tag)
    journal = _journal(spool)
    if journal.is_claimed or journal.refusal != "taken":
        raise LabWorkbookError("its tag was not taken by another experiment: push it without --tag")
    _, begin = spool.begin()
    spool.rewrite_begin(jsontext.encode({**begin, "tag": tag}, lambda _kind: None))
