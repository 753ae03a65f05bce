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
from collections.abc import Collection

from lab_workbook.config import Config
from lab_workbook.errors import AccessDenied, BucketNotFound, CredentialsMissing, StoreError, TagTaken
from lab_workbook.protocol import _spec, documents, file_systems, jsontext

from lab_workbook_writer import dying, reserve
from lab_workbook_writer.append_file import AppendFile
from lab_workbook_writer.delivery import Delivery
from lab_workbook_writer.place import Discard, Ending, Fill, Tree, refused, remove

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
        self._queue = AppendFile(self._open_queue)
        self._series: set[str] = set()
        self._delivery = Delivery(self.root, config.exit_timeout, config.exit_max)
        try:
            os.makedirs(parent, mode=0o700, exist_ok=True)
            os.mkdir(self.root, mode=0o700)
            self.make()
            self.create(_spec.LAYOUT_BEGIN, jsontext.encode(begin, lambda _kind: None))
            self._tell("destination", **_destination(config, begin["tag"], explicit=explicit))
        except OSError as error:
            raise refused(self.root, error, _ADVICE) from error
        self._claim()

    def open_series(self, name: str, header: bytes, save_every: int | None) -> int:
        if name in self._series:
            return self.reopen_series(name)
        descriptor = self.create_series(name, header)
        try:
            self._tell("series", name=name, saveEvery=save_every)
        except BaseException:
            os.close(descriptor)
            raise
        self._series.add(name)
        return descriptor

    def save(self, name: str, fill: Fill, discard: Discard = remove) -> None:
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
        except OSError:
            # Nobody will ever send it, and the disk is full as it is.
            discard(self.root + _spec.LAYOUT_OUTBOX + number)
            raise

    def flush(self, seconds: float | None) -> bool:
        number = next(self._flushes)
        self._tell("flush", id=number)
        self.sync()
        self._queue.sync()
        if seconds is None:
            return not self._delivery.is_sealed
        return self._delivery.wait_for_flush(number, seconds)

    def look(self) -> None:
        self._delivery.look()

    def adopt(self, names: Collection[str]) -> None:
        for name in names:
            # Whoever made it has told the uploader, unless it came too late to be heard.
            self._tell("series", name=name, saveEvery=None)
            self._series.add(name)

    def end(self, ending: Ending) -> bool:
        arrived = False
        with dying.after_last_words():
            try:
                self._tell("end", **ending._asdict(), sizes=self._sizes())
                arrived = self._delivery.wait_for_end()
            finally:
                # Also when Ctrl-C ends the wait.
                if not arrived:
                    self._delivery.say_how_to_push()
        return arrived

    def after_fork(self) -> None:
        self._delivery.let_go()

    def _sizes(self) -> dict[str, int]:
        """Return how many bytes each series has, for hosts that may see the end before they see all rows."""
        sizes = {}
        for name in self._series:
            with contextlib.suppress(OSError):
                sizes[name] = os.stat(self.root + name).st_size
        return sizes

    def _open_queue(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(self.root + _spec.LAYOUT_QUEUE, flags, 0o600)

    def _tell(self, verb: str, **more: object) -> None:
        line = json.dumps({"verb": verb, **more}, allow_nan=False)
        self._queue.append(line.encode() + b"\n")
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
        "fileSystem": file_systems.identify(config.spool_dir),
    }
