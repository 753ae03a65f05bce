"""
A spool as the place of an experiment: the same tree as in a folder, and a queue for the uploader.

``docs/spool.md`` is the contract that this module keeps. Whatever is saved goes to a fresh number in
the outbox, so that a delivery under way never sees its file change.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Collection, Mapping

from lab_workbook.config import Config
from lab_workbook.errors import AccessDenied, BucketNotFound, CredentialsMissing, StoreError, TagTaken
from lab_workbook.protocol import _spec, documents, file_systems, jsontext
from lab_workbook.protocol.private import make_folders

from lab_workbook_writer import reserve
from lab_workbook_writer.append_file import AppendFile
from lab_workbook_writer.delivery import Delivery
from lab_workbook_writer.descriptors import GROWING, NO_FILE, identity_at, open_regular
from lab_workbook_writer.ends import Wait
from lab_workbook_writer.place import Discard, Ending, Fill, Tree, refused, remove, twice
from lab_workbook_writer.restorer import Restorer
from lab_workbook_writer.spelling import Speller

_ADVICE = "give spool_dir=..., or set LAB_WORKBOOK_SPOOL_DIR, to use another folder"

_REFUSALS: dict[object, type[StoreError | TagTaken]] = {
    "taken": TagTaken,
    "bucket": BucketNotFound,
    "access": AccessDenied,
    "credentials": CredentialsMissing,
}


class Spool(Tree):
    """The place of an experiment with an ``s3://`` prefix."""

    def __init__(self, config: Config, begin: documents.Document, *, explicit: bool) -> None:
        """
        Make the spool, start the uploader and claim the tag; ``explicit`` if the caller chose it.

        Raises:
            ConfigurationError: there is no folder for spools.
            TagTaken, BucketNotFound, AccessDenied, CredentialsMissing: the claim was refused.
            StoreError: the spool cannot be written.
        """
        parent = config.required_spool_dir()
        super().__init__(os.path.join(parent, f"{begin['tag']}.{begin['nonce']}", ""))
        self.where = f"{config.bucket_prefix}{begin['tag']}/"
        self._outbox = itertools.count(1)
        self._flushes = itertools.count(1)
        self._queue = AppendFile(self._open_queue, is_known=True)
        self._series: set[str] = set()
        # By the names of truncated series, those of the series that have the later rows.
        self._later: dict[str, str] = {}
        self._speller = Speller(self.root)
        # The lines of the queue without which no other line means anything.
        self._announced: list[bytes] = []
        # The latest line for each artifact.
        self._puts: dict[str, bytes] = {}
        data = jsontext.encode(begin, lambda _kind: None)
        try:
            make_folders(parent)
            os.mkdir(self.root, mode=0o700)
            self.make()
            self.create(_spec.LAYOUT_BEGIN, data)
            self._restorer = Restorer(
                self,
                data,
                make_folders=self._make_again,
                on_restored=self._follow_uploader,
                rename_cut=self._rename_cut,
            )
            self._delivery = Delivery(
                self.root, config.exit_timeout, config.exit_max, keep=self._restorer.look
            )
            self._announce("destination", **_destination(config, begin["tag"], explicit=explicit))
            self._restorer.keep(_spec.LAYOUT_QUEUE, self._queue)
            self._restorer.keep(_spec.LAYOUT_JOURNAL, self._delivery.journal)
        except OSError as error:
            raise refused(self.root, error, _ADVICE) from error
        self._claim()

    def open_series(self, name: str, header: bytes, save_every: int | None) -> int:
        name = self._later.get(name, name)
        if name in self._series:
            return self.reopen_series(name)
        self._speller.check(name)
        descriptor = self.create_series(name, header)
        try:
            self._announce("series", name=name, saveEvery=save_every)
        except BaseException:
            os.close(descriptor)
            raise
        self._series.add(name)
        return descriptor

    def keep(self, name: str, file: AppendFile) -> None:
        self._restorer.keep(name, file)

    def save(self, name: str, fill: Fill, discard: Discard = remove) -> None:
        self._restorer.prepare()
        temporary = self.write_temporary(fill)
        try:
            reserve.check(temporary, name)
        except OSError:
            discard(temporary)
            raise
        number = str(next(self._outbox))
        self.replace(_spec.LAYOUT_OUTBOX + number, temporary, discard)
        try:
            self._tell("put", name=name, outbox=number)
            self._puts[name] = _line("put", {"name": name, "outbox": number})
        except OSError:
            # Nobody will ever send it, and the disk is full as it is.
            discard(self.root + _spec.LAYOUT_OUTBOX + number)
            raise

    def restore(self) -> None:
        self._restorer.check()

    def flush(self, seconds: float | None) -> bool:
        number = next(self._flushes)
        self._tell("flush", id=number)
        self.sync()
        self._queue.sync()
        if seconds is None:
            has_arrived = not self._delivery.is_sealed
        else:
            has_arrived = self._delivery.wait_for_flush(number, seconds)
        return has_arrived and not self._delivery.lost_artifacts and self._restorer.check()

    def look(self) -> None:
        self._delivery.look()

    def adopt(self, names: Collection[str]) -> None:
        for name in names:
            # Whoever made it has told the uploader, unless it came too late to be heard.
            self._announce("series", name=name, saveEvery=None)
            self._series.add(name)

    def end(self, ending: Ending, began: float) -> Wait:  # noqa: ARG002 - as in Place
        is_whole = self._restorer.settle(ending.lost)
        try:
            end = _line("end", {**ending._asdict(), "sizes": self._sizes()})
            # Without this line, what was lost is not counted anywhere.
            twice(lambda: self._queue.append(end, rows=0))
            self._delivery.look()
            self._delivery.begin_wait()
        except BaseException:
            self._delivery.say_how_to_push()
            raise
        return Wait(self._delivery.is_over, lambda: self._conclude() and is_whole)

    def after_fork(self) -> None:
        self._delivery.let_go()

    def _conclude(self) -> bool:
        """Say how to deliver what is left; return whether nothing is, and no artifact was lost."""
        if not self._delivery.has_arrived:
            self._delivery.say_how_to_push()
        return self._delivery.has_arrived and not self._delivery.lost_artifacts

    def _sizes(self) -> dict[str, int]:
        """Return how many bytes each series has, for hosts that may see the end before they see all rows."""
        sizes = {}
        for name in self._series:
            with contextlib.suppress(OSError):
                sizes[name] = os.stat(self.root + name).st_size
        return sizes

    def _make_again(self) -> None:
        make_folders(self.root)
        self.make()

    def _follow_uploader(self, restored: Collection[str]) -> None:
        # The uploader leaves when its own files are other ones.
        if _spec.LAYOUT_QUEUE in restored or _spec.LAYOUT_JOURNAL in restored:
            self._delivery.expect_another_uploader()

    def _open_queue(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return open_regular(self.root + _spec.LAYOUT_QUEUE, GROWING)
        return self.create_series(_spec.LAYOUT_QUEUE, b"".join([*self._announced, *self._puts.values()]))

    def _rename_cut(self, name: str) -> str:
        """
        Return a new name for the rows that follow a truncation.

        Published segments stay, so no other rows may be published for the same bytes of the same series.
        """
        if name == _spec.LAYOUT_QUEUE:
            return name
        original = next((first for first, later in self._later.items() if later == name), name)
        stem = original.removesuffix(_spec.KIND_SERIES_SUFFIX)
        numbered = (f"{stem} ({number}){_spec.KIND_SERIES_SUFFIX}" for number in itertools.count(2))
        self._later[original] = next(
            each for each in numbered if each not in self._series and identity_at(self.root + each) == NO_FILE
        )
        return self._later[original]

    def _announce(self, verb: str, **more: object) -> None:
        """Write a line of the queue that a queue made anew begins with, too."""
        self._tell(verb, **more)
        self._announced.append(_line(verb, more))

    def _tell(self, verb: str, **more: object) -> None:
        self._queue.append(_line(verb, more), rows=0)
        self._delivery.look()

    def _claim(self) -> None:
        refusal = self._delivery.start()
        if refusal is None:
            return
        self._delivery.let_go()
        import shutil

        shutil.rmtree(self.root, ignore_errors=True)
        error, message = _REFUSALS.get(refusal.get("reason"), StoreError), str(refusal.get("message"))
        raise error(f"{message} (rule tag.claim)" if error is TagTaken else message)


def _line(verb: str, more: Mapping[str, object]) -> bytes:
    return json.dumps({"verb": verb, **more}, allow_nan=False).encode() + b"\n"


def _destination(config: Config, tag: str, *, explicit: bool) -> dict[str, object]:
    return {
        "prefix": str(config.bucket_prefix),
        "tag": tag,
        "explicit": explicit,
        "endpointUrl": config.endpoint_url,
        "region": config.region,
        "profile": config.profile,
        "addressingStyle": config.addressing_style,
        "serverSideEncryption": config.server_side_encryption,
        "kmsKeyId": config.kms_key_id,
        "storageClass": config.storage_class,
        "acl": config.acl,
        "uploadEvery": config.upload_every,
        "rereadsJournal": True,
        "fileSystem": file_systems.identify(config.required_spool_dir()),
    }
