"""
What a script prints, kept as a series: ``new_experiment(capture_output=True)``.

``output.csv`` has a row for each line of ``sys.stdout`` and ``sys.stderr``: its number, its stream and its
text. What is printed appears on the terminal as before, and first. It is Python's streams that are watched:
what a library in C, a child process or ``sys.stdout.buffer`` writes passes by.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from lab_workbook.protocol.redaction import is_secret_name, redacted_text

from lab_workbook_writer import forks
from lab_workbook_writer.guard import absorbing

NAME: Final = "output"
FIELDS: Final = ("line", "stream", "text")

# A progress bar that never ends its line must not fill the memory.
_LONGEST_LINE: Final = 8192
# Colours, movements of the cursor, titles of windows: they mean something to a terminal alone.
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_KEY_BEGIN: Final = re.compile("-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")

Log = Callable[[dict[str, object]], None]


class OutputCapture:
    """
    The lines of both streams on their way into a series.

    ``log`` appends a row, ``report`` counts secrets, and ``lose`` is called for a line that cannot be kept.

    A thread that prints while it is in here, as our own warnings do when a row is lost, is printed only.
    """

    def __init__(self, log: Log, report: Callable[[int], None], lose: Callable[[str], None]) -> None:
        self._log = log
        self._report = report
        self._lose = lose
        self._number = 0
        self._rests = {"stdout": "", "stderr": ""}
        # The first line of the private key that is being printed, and whether it is counted.
        self._keys = {"stdout": "", "stderr": ""}
        self._is_counted = {"stdout": False, "stderr": False}
        # The secret's name at the end of the last line, or an empty text.
        self._names = {"stdout": "", "stderr": ""}
        self._lock = threading.RLock()
        self._inside = threading.local()
        self._tees: list[_Tee] = []
        self.is_active = True

    def start(self) -> None:
        """Put a tee into the place of each stream that there is."""
        for name in self._rests:
            stream = getattr(sys, name)
            if stream is not None:
                tee = _Tee(stream, name, self)
                self._tees.append(tee)
                setattr(sys, name, tee)

    def stop(self) -> None:
        """Keep what has no end of line yet, and put the streams back, where nobody has replaced ours."""
        if not self.is_active:
            return
        for name in self._rests:
            self.feed(name, "\n" if self._rests[name] else "")
        self._restore()

    def forget(self) -> None:
        """Stop in a forked child, whose parent keeps the series; its lock may be held by no thread here."""
        self._lock = threading.RLock()
        self._restore()

    def feed(self, name: str, text: str) -> None:
        """Take a text that was written to a stream."""
        forks.check()
        if not self.is_active or not text or getattr(self._inside, "is_busy", False):
            return
        self._inside.is_busy = True
        try:
            # A print that works without us must not fail because a line of it cannot be kept.
            with absorbing(self._lose), self._lock:
                *lines, rest = (self._rests[name] + text).split("\n")
                # Of what returns to the beginning of its line, as a progress bar does, the last is left.
                self._rests[name] = rest if len(rest) < 256 else _last_state(rest)
                if len(self._rests[name]) > _LONGEST_LINE:
                    lines.append(self._rests[name])
                    self._rests[name] = ""
                for line in lines:
                    self._keep(name, line)
        finally:
            self._inside.is_busy = False

    def _keep(self, name: str, line: str) -> None:
        self._number += 1
        text, count = self._redacted(name, _ESCAPES.sub("", _last_state(line)))
        if count:
            self._report(count)
        self._log({"line": self._number, "stream": name, "text": text})

    def _redacted(self, name: str, text: str) -> tuple[str, int]:
        """Cut the secrets of a line; the lines of a private key are looked at together with its first."""
        begin = _KEY_BEGIN.search(text)
        if begin:
            self._keys[name], self._is_counted[name] = f"{text[begin.start() :]}\n", False
            return redacted_text(text)
        first = self._keys[name]
        if first:
            whole, count = redacted_text(first + text)
            if count and whole.startswith(first):
                count, self._is_counted[name] = int(not self._is_counted[name]), True
                return whole[len(first) :], count
            self._keys[name] = ""
        # `name: DB_PASSWORD` may stand in the line before its value.
        before, self._names[name] = self._names[name], _last_name(text)
        if not before:
            return redacted_text(text)
        whole, count = redacted_text(f"{before}\n{text}")
        return whole.partition("\n")[2], count

    def _restore(self) -> None:
        self.is_active = False
        for tee in self._tees:
            if getattr(sys, tee.capture_name) is tee:
                setattr(sys, tee.capture_name, tee.capture_stream)


class _Tee:
    """A stream that tells what is written to it; in all else it is the stream it stands for."""

    def __init__(self, stream: Any, name: str, capture: OutputCapture) -> None:
        self.capture_stream = stream
        self.capture_name = name
        self._capture = capture

    def write(self, text: str) -> Any:
        written = self.capture_stream.write(text)
        self._capture.feed(self.capture_name, text)
        return written

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.capture_stream, name)

    def __enter__(self) -> Any:
        return self.capture_stream.__enter__()

    def __exit__(self, *arguments: object) -> Any:
        return self.capture_stream.__exit__(*arguments)

    def __iter__(self) -> Any:
        return iter(self.capture_stream)


def started(
    new_time_series_log: Callable[[str, tuple[str, ...]], Any],
    report: Callable[[int], None],
    lose: Callable[[str], None],
) -> OutputCapture:
    """
    Start to keep what is printed, in a series of this workbook; the callbacks are those of `OutputCapture`.

    Raises:
        InvalidSeries: the workbook has an ``output`` already.
    """
    log = new_time_series_log(NAME, FIELDS)

    def keep(row: dict[str, object]) -> None:
        log(row)

    capture = OutputCapture(keep, report, lose)
    capture.start()
    return capture


def _last_name(line: str) -> str:
    word = line.rstrip().rpartition(" ")[2].strip("\"',:")
    return word if is_secret_name(word) else ""


def _last_state(line: str) -> str:
    """Return what a terminal shows of a line in the end: what stands after the last return to its start."""
    return line.rstrip("\r").rpartition("\r")[2]
