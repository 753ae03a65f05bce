"""
Where the files of an experiment go in S3: a bucket, to which a thread of the script itself delivers.

A writer for people would use another process, which outlives the script; nothing in the protocol asks for it.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from typing import Any

from lab_workbook_conformance import answers
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.s3.client import Client, S3Error
from lab_workbook_conformance.wrong import settings

_LAYOUT, _TIMING, _SEGMENT = SPEC["layout"], SPEC["timing"], SPEC["segment"]
_TICK = 0.1
_ATTEMPTS = 20
_CREATE = {"If-None-Match": "*"}


class Growing:
    """A series: its rows so far, and how far they are in the bucket."""

    def __init__(self, every: int | None) -> None:
        self.every = every
        self.data = b""
        self.ends: list[int] = []
        self.refreshed = 0
        self.waiting: list[float] = []
        self.published = 0.0

    def segment(self) -> tuple[int, int]:
        """Return what the segment of a publication holds that ends now."""
        self.ends.append(len(self.data))
        start, end = answers.segment(self.ends)
        return start, end

    def is_due(self, now: float, upload_every: float) -> bool:
        """Say whether waiting rows are to be published."""
        if not self.waiting or now - self.published < _TIMING["publish_seconds"]:
            return False
        is_full = self.every is not None and len(self.waiting) >= self.every
        return is_full or now - self.waiting[0] >= upload_every

    def is_to_be_refreshed(self) -> bool:
        """Say whether the artifact is to be put again."""
        size = self.ends[-1]
        return size <= _SEGMENT["refresh_bytes"] or size >= 2 * self.refreshed


class Bucket:
    """An experiment in a bucket, with the verbs of a `Store`."""

    def __init__(self, client: Client, bucket: str, folder: str) -> None:
        self._client, self._bucket, self._folder = client, bucket, folder
        self._upload_every = float(settings.setting("uploadEvery", None))
        # Held by whoever sends, so that no older version is sent beside a newer one.
        self._lock = threading.RLock()
        self._waiting: dict[str, bytes] = {}
        self._series: dict[str, Growing] = {}
        self._there: set[str] = set()
        self._superseded: dict[str, float] = {}
        self.sent: Counter[str] = Counter()
        self.bytes = 0
        self.may_replace = False
        self._beaten = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._deliver, daemon=True)

    def create(self, name: str, data: bytes) -> None:
        """Claim the tag, and begin to deliver."""
        self.put(name, data, self.first_headers())
        self.live()

    def live(self) -> None:
        """Beat for the first time, and deliver from now on."""
        self.beat(time.monotonic())
        self._thread.start()

    def grows(self, name: str, every: int | None) -> None:
        """Take note that a series begins."""
        with self._lock:
            self._series[name] = Growing(every)

    def replace(self, name: str, data: bytes) -> None:
        """Keep an artifact until it may be sent; what comes after the end is the end."""
        with self._lock:
            if name in self._series:
                self._series[name].data = data
            elif self._is_over.is_set():
                self.send(name, data)
            else:
                self._waiting[name] = data

    def append(self, name: str, data: bytes) -> None:
        """Add a row to a series."""
        with self._lock:
            series = self._series[name]
            series.data += data
            series.waiting.append(time.monotonic())

    def flush(self) -> None:
        """Send all there is, as far as it may be sent."""
        with self._lock:
            for name, series in self._series.items():
                if series.waiting:
                    self.publish(name, series)
            self.save()

    def settle(self) -> None:
        """Send what is left, before end.json is written."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            # Now each is put once more at most, so it does not matter who may replace what.
            self.may_replace = True
            self.save()
            for name, series in self._series.items():
                if self.is_unfinished(series):
                    self.refresh(name, series)

    def is_unfinished(self, series: Growing) -> bool:
        """Say whether the artifact is not all of the series."""
        return series.refreshed < len(series.data)

    def delivery(self) -> dict[str, Any]:
        """Return what was sent so far, as end.json counts it."""
        return {"requests": dict(self.sent), "bytes": self.bytes}

    def end(self) -> None:
        """Do nothing: all of it is the reader's."""

    def publish(self, name: str, series: Growing) -> None:
        """End a publication: one segment, and now and then the artifact."""
        start, end = series.segment()
        digits = _SEGMENT["digits"]
        path = f"{_LAYOUT['segments']}{name}/{end:0{digits}}-{start:0{digits}}"
        self.send(path, series.data[start:end])
        series.waiting, series.published = [], time.monotonic()
        self._superseded.setdefault(path, float("inf"))
        if self.may_replace and series.is_to_be_refreshed():
            self.refresh(name, series)

    def refresh(self, name: str, series: Growing) -> None:
        """Put all rows under the name of the artifact; its segments may go when a reader has had its time."""
        self.send(name, series.data)
        series.refreshed = len(series.data)
        for path, due in self._superseded.items():
            if path.startswith(f"{_LAYOUT['segments']}{name}/"):
                self._superseded[path] = min(due, time.monotonic() + self.patience())

    def patience(self) -> float:
        """Return for how long somebody may still read what was superseded."""
        return float(_SEGMENT["delete_seconds"]) + 1

    def save(self) -> None:
        """Put the artifacts that wait, once it is known that they can be replaced."""
        if self.may_save():
            for name in list(self._waiting):
                self.send(name, self._waiting.pop(name))

    def may_save(self) -> bool:
        """Say whether an artifact may be put."""
        return self.may_replace

    def _deliver(self) -> None:
        """Send what is due, until the script ends."""
        while not self._is_over.wait(_TICK):
            with self._lock:
                now = time.monotonic()
                self.beat(now)
                for name, series in self._series.items():
                    if series.is_due(now, self._upload_every):
                        self.publish(name, series)
                self.save()
                self.delete(now)

    def beat(self, now: float) -> None:
        """Beat when it is time; the second beat shows whether the bucket lets anything be replaced."""
        is_first = _LAYOUT["heartbeat"] not in self._there
        if is_first:
            self.send(_LAYOUT["heartbeat"], self.heartbeat(is_first=True))
        if is_first or (self.may_replace and now - self._beaten >= _TIMING["heartbeat_seconds"]):
            self._beaten = now
            self.may_replace = self.send(_LAYOUT["heartbeat"], self.heartbeat(is_first=False))

    def heartbeat(self, *, is_first: bool) -> bytes:
        """Return the document."""
        now = time.strftime(SPEC["series"]["date_format"], time.gmtime())
        return json.dumps({"time": now, "first": is_first}).encode()

    def delete(self, now: float) -> None:
        """Delete what nobody needs any more."""
        for path in [path for path, due in self._superseded.items() if due <= now]:
            del self._superseded[path]
            self.sent["DELETE"] += 1
            self._client.delete(self._bucket, self._folder + path)

    def send(self, name: str, data: bytes) -> bool:
        """Put an object, created if it is not there; return whether the bucket took it."""
        headers = self.first_headers() if name not in self._there else {}
        try:
            self.put(name, data, headers)
        except FileExistsError:
            return True
        except PermissionError:
            return False
        return True

    def first_headers(self) -> dict[str, str]:
        """Return what the first put of an object has in its head."""
        return _CREATE

    def put(self, name: str, data: bytes, headers: dict[str, str]) -> None:
        """Put an object, again and again where no answer comes."""
        headers = {**headers, "Content-Type": content_type(name)}
        for attempt in range(_ATTEMPTS):
            self.count(data)
            try:
                self._client.put(self._bucket, self._folder + name, data, headers)
            except S3Error as error:
                if error.status == 412 and not (self.may_be_ours(attempt) and self.holds(name, data)):
                    raise FileExistsError(name) from error
                if error.status == 403:
                    raise PermissionError(name) from error
                if error.status not in (409, 412) and error.status < 500:
                    raise
                if error.status == 412:
                    break
            except OSError:
                time.sleep(_TICK)
                continue
            else:
                break
        self._there.add(name)

    def may_be_ours(self, attempt: int) -> bool:
        """Say whether what is there may have come by an earlier attempt, whose answer was lost."""
        return attempt > 0

    def holds(self, name: str, data: bytes) -> bool:
        """Say whether an object is this one; no two claims are the same."""
        self.sent["GET"] += 1
        return self._client.get(self._bucket, self._folder + name) == data

    def count(self, data: bytes) -> None:
        """Count a put."""
        self.sent["PUT"] += 1
        self.bytes += len(data)


def content_type(name: str) -> str:
    """Return the Content-Type of a kind."""
    return answers.content_type(name)
