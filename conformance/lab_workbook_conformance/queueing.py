"""A queue of cases for several threads, each with its own adapter: while one case sleeps, others run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import final

from lab_workbook_conformance.bench import Bench
from lab_workbook_conformance.case import Case
from lab_workbook_conformance.report import Result


@final
class Queue:
    """
    The cases that are still to be run.

    ``judge`` runs a case on a bench. ``done`` gets each result, one at a time, and returns whether the other
    cases are wanted.
    """

    def __init__(
        self,
        cases: Iterable[Case],
        judge: Callable[[Case, Bench], Result],
        done: Callable[[Result], bool],
    ) -> None:
        self._cases = list(cases)
        self._judge = judge
        self._done = done
        self._lock = threading.Lock()

    def work_off(self, benches: Sequence[Bench]) -> None:
        """Run all cases: on the first bench in this thread, on each other bench in a thread of its own."""
        first, *others = benches
        with ThreadPoolExecutor(max(len(others), 1)) as threads:
            helpers = [threads.submit(self._run, bench, self._next_shared) for bench in others]
            try:
                self._run(first, self._next_own if others else self._next)
            finally:
                self._clear()
            for helper in helpers:
                helper.result()

    def _run(self, bench: Bench, following: Callable[[], Case | None]) -> None:
        while case := following():
            result = self._judge(case, bench)
            with self._lock:
                if not self._done(result):
                    self._cases.clear()

    def _next(self) -> Case | None:
        return self._take(lambda _: True)

    def _next_own(self) -> Case | None:
        """Take a case that no other thread can run, while there are any."""
        return self._take(_is_for_first) or self._next()

    def _next_shared(self) -> Case | None:
        return self._take(lambda case: not _is_for_first(case))

    def _take(self, is_wanted: Callable[[Case], bool]) -> Case | None:
        with self._lock:
            found = next(filter(is_wanted, self._cases), None)
            if found:
                self._cases.remove(found)
            return found

    def _clear(self) -> None:
        with self._lock:
            self._cases.clear()


def _is_for_first(case: Case) -> bool:
    """Return whether a case needs the server of the first bench, or Hypothesis, which has global state."""
    return case.level == "s3" or case.name.startswith("depth.")
