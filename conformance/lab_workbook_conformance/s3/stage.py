"""
A stage: a proxy of its own before the bucket, and a key under which nothing is yet.

>>> with Stage(bench) as stage:
...     story = stage.play([NEW, ["saveText", "notes", "x"], CLOSE])
...     [write.name for write in story.puts()]
['.lab-workbook/begin.json', '.lab-workbook/heartbeat.json', 'notes', '.lab-workbook/end.json']
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, final

from lab_workbook_conformance.adapter import AdapterDied
from lab_workbook_conformance.bench import Bench, Recording
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.s3.proxy import Proxy
from lab_workbook_conformance.s3.story import ASKED, Story

_END = SPEC["layout"]["end"]
# How long somebody may deliver after the script has ended.
_PATIENCE = 20
# Rows are published so often that a case sees it.
_UPLOAD_EVERY = SPEC["config"]["environment_prefix"] + "UPLOAD_EVERY"


@final
class Stage:
    """A context manager; ``prefix`` is what adapters are given, and ``proxy`` what they talk to."""

    def __init__(self, bench: Bench, folder: str = "exp") -> None:
        self._bench = bench
        self.bucket = bench.bucket
        self.folder = f"{uuid.uuid4().hex[:8]}/{folder}/"
        self.prefix = f"s3://{self.bucket.name}/{self.folder}"
        self.proxy = Proxy(self.bucket.url)

    def __enter__(self) -> Stage:
        self.proxy.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.proxy.__exit__(kind, error, trace)

    def another(self, environment: Mapping[str, str] | None = None) -> Bench:
        """Return a bench with a fresh adapter whose server is behind the proxy."""
        world = {**self.bucket.environment, "AWS_ENDPOINT_URL_S3": self.proxy.url, _UPLOAD_EVERY: "1"}
        return self._bench.another(environment={**world, **(environment or {})})

    def play(
        self,
        steps: Sequence[Any],
        *,
        environment: Mapping[str, str] | None = None,
        on_ack: Callable[[int], None] = lambda _: None,
        continues: bool = False,
    ) -> Story:
        """Play steps in a fresh adapter, let it exit, and return what happened."""
        with self.another(environment) as bench:
            return self.play_with(bench, steps, on_ack=on_ack, continues=continues)

    def play_with(
        self,
        bench: Bench,
        steps: Sequence[Any],
        *,
        on_ack: Callable[[int], None] = lambda _: None,
        continues: bool = False,
    ) -> Story:
        """Play steps in this adapter, let it exit, and return what happened."""
        acks = {ASKED: time.monotonic()}

        def note(step: int) -> None:
            acks[step] = time.monotonic()
            on_ack(step)

        found = bench.record(steps, prefix=self.prefix, on_ack=note, continues=continues)
        bench.end()
        return self._story(found, acks)

    def play_until(self, steps: Sequence[Any], step: int, look: Callable[[], None]) -> Story:
        """Kill the adapter and its process group when it has said that a step is done."""
        began = int(time.time())
        acks: dict[int, float] = {}

        def kill(at: int) -> None:
            acks[at] = time.monotonic()
            if at == step:
                look()
                os.killpg(bench.adapter.pid, signal.SIGKILL)

        with self.another() as bench:
            with contextlib.suppress(AdapterDied):
                bench.record(steps, prefix=self.prefix, on_ack=kill)
            tag = steps[0][1]["tag"]
            found = Recording(list(steps), "died", {"tag": tag}, {}, (began, 0))
            return self._story(found, acks)

    def there(self, tag: str) -> dict[str, bytes]:
        """Return the files of an experiment, as they are now."""
        return self.bucket.experiments(self.folder).get(tag, {})

    def _story(self, found: Recording, acks: dict[int, float]) -> Story:
        """Wait until the experiment has ended, or nobody delivers it any more, and look at what is there."""
        deadline = time.monotonic() + _PATIENCE
        end = f"{self.folder}{found.tag}/{_END}"
        while not self.proxy.puts(end.translate({ord("["): "?", ord("*"): "?"})):
            if time.monotonic() > deadline or found.answer == "refused":
                break
            time.sleep(0.1)
        experiments = self.bucket.experiments(self.folder)
        window = (found.window[0], int(time.time()) + 1)
        seen = sorted(self.proxy.seen, key=lambda seen: seen.at)
        return Story(found._replace(experiments=experiments, window=window), self.folder, seen, acks)
