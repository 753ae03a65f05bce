"""
What TAB offers behind a bracket: ``repository["2016<TAB>``.

A person who presses TAB waits, and presses it again. So the names are bounded, remembered for some seconds,
and a store that does not answer is not asked again at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_MOST = 1_000
_SECONDS = 10.0


class Completion:
    """
    The newest names of something, as ``_ipython_key_completions_`` gives them.

    >>> Completion(experiment.list_artifacts)()
    ['Training loss.csv', 'options.json']

    ``clock`` returns seconds.
    """

    def __init__(
        self, names: Callable[[], list[str]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._names = names
        self._clock = clock
        self._until = float("-inf")
        self._found: list[str] = []

    def __call__(self) -> list[str]:
        """Return at most the last 1,000 names; none where there is any error, for IPython shows none."""
        if self._clock() >= self._until:
            try:
                self._found = self._names()[-_MOST:]
            except Exception:  # noqa: BLE001 - whatever it is, TAB is not the place to say it
                self._found = []
            self._until = self._clock() + _SECONDS
        return list(self._found)
