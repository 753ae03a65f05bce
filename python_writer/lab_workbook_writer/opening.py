"""
How an experiment begins: its tag is claimed, its begin.json written, and it is said where it lies.

>>> workbook = new_experiment(note="twice the momentum")
lab-workbook: experiment 201602122149-PMJ8a76csB in file:///home/ann/lab-workbook/201602122149-PMJ8a76csB/

Of a training on several processes, rank 0 owns the experiment, and each other one is a guest there.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

from lab_workbook import config
from lab_workbook.errors import Misuse
from lab_workbook.protocol import _spec, documents, process, redaction, tags
from lab_workbook.protocol.text import is_utf8

from lab_workbook_writer import WRITER, ranks, session
from lab_workbook_writer.capture import command
from lab_workbook_writer.folder import Folder
from lab_workbook_writer.place import Nowhere
from lab_workbook_writer.workbook import Workbook

if TYPE_CHECKING:
    from lab_workbook_writer.host import Host
    from lab_workbook_writer.spool import Spool


def new_experiment(
    *,
    tag: str | None = None,
    note: str | None = None,
    resumes: str | None = None,
    rank: int | None = None,
    capture_output: bool = False,
    system_metrics: float | None = None,
    **settings: Any,
) -> Workbook:
    """
    Start an experiment; `lab_workbook.new_experiment` says everything about it.

    Raises:
        ConfigurationError: a setting cannot be used.
        InvalidTag: the tag cannot name an experiment.
        TagTaken: another experiment has claimed the tag.
        StoreError: the folder cannot be written, or the bucket refuses.
    """
    chosen = tags.new() if tag is None else tags.check(tag)
    _check_texts(chosen, note, resumes)
    if config.is_disabled():
        return Workbook(chosen, Nowhere("disabled:", lambda: None))
    loaded = config.load(settings)
    redaction.add_patterns(loaded.redact)
    shown, secrets = (None, 0) if note is None else redaction.redacted_text(note)
    begin = _begin(chosen, shown, resumes)
    own_rank = ranks.of(os.environ, rank)
    if own_rank is not None and own_rank.number:
        guest = _as_guest(chosen, own_rank, loaded)
        return guest.capture_output() if capture_output else guest
    place: Folder | Spool
    if loaded.bucket_prefix.kind == "s3":
        from lab_workbook_writer.spool import Spool

        place = Spool(loaded, begin, explicit=tag is not None)
    else:
        place = Folder(loaded.bucket_prefix, begin, loaded.exit_max)
        place.look_for(resumes)
    _announce(chosen, place.where)
    workbook = Workbook(chosen, place, host=_as_host(chosen, own_rank, place, loaded))
    workbook.add_secrets("the note", secrets)
    workbook.watch.belongs_to(session.current_run(), chosen)
    if system_metrics is not None:
        workbook.sample_system(system_metrics)
    return workbook.capture_output() if capture_output else workbook


def _as_guest(tag: str, rank: ranks.Rank, settings: config.Config) -> Workbook:
    from lab_workbook_writer.guest import Guest
    from lab_workbook_writer.rendezvous import Meeting

    guest = Guest(Meeting(rank, settings.required_spool_dir()))
    return Workbook(tag, guest, guest=guest)


def _as_host(
    tag: str, rank: ranks.Rank | None, place: Folder | Spool, settings: config.Config
) -> Host | None:
    if rank is None:
        return None
    from lab_workbook_writer.host import Host
    from lab_workbook_writer.rendezvous import Meeting, Run

    return Host(Meeting(rank, settings.required_spool_dir()), Run(tag, place.where, place.root))


def _check_texts(tag: str, note: object, resumes: object) -> None:
    for argument, value in (("note", note), ("resumes", resumes)):
        if value is not None and not (isinstance(value, str) and is_utf8(value)):
            raise Misuse("begin.optional", f"{argument} is a text in UTF-8, not {value!r}")
    if resumes is not None and tags.check(resumes) == tag:
        raise Misuse("begin.optional", f"{tag!r} cannot resume itself")


def _begin(tag: str, note: str | None, resumes: str | None) -> documents.Document:
    # By the nonce we know our own claim again, where its answer was lost.
    nonce = tags.random_text(_spec.BEGIN_NONCE_LENGTH)
    known = {"nonce": nonce, **process.identity(), "command": command.redacted_command()}
    optional = {**known, "note": note, "resumes": resumes}
    return documents.begin(tag, WRITER, f"Python {sys.version.split()[0]}", optional)


def _announce(tag: str, where: str) -> None:
    """Say on stdout what the experiment is called and where it lies."""
    # A stdout that is closed, full or no file at all must not stop a training run.
    with contextlib.suppress(Exception):
        is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        shown = f"\033[1;32m{tag}\033[0m" if is_coloured else tag
        sys.stdout.write(f"lab-workbook: experiment {shown} in {where}\n")
        sys.stdout.flush()
