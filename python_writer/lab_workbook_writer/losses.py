"""
What did not reach the disk, or not as it was given: said once, counted, and told in end.json.

A training script is never stopped for any of it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from lab_workbook.errors import warn
from lab_workbook.protocol import _spec

_SENTENCES = {
    _spec.LOSS_ROWS: "a row was lost",
    _spec.LOSS_ARTIFACTS: "an artifact was lost",
    _spec.LOSS_TEXTS: "a text was not valid UTF-8 or held NUL, and was written with U+FFFD in those places",
    _spec.LOSS_INTEGERS: "an integer beyond 64 bits was written as the nearest floating-point number",
    _spec.LOSS_SECRETS: f"what looks like a secret was written as {_spec.SECRET_MARK}",
}


class Losses:
    """The losses of one workbook, each kind warned of once; ``after`` ends the warning."""

    def __init__(self, after: str = "; all such are counted in end.json, said only once") -> None:
        self._after = after
        self._counts = dict.fromkeys(_SENTENCES, 0)
        # Reentrant, because a signal handler may lose a row as well.
        self._lock = threading.RLock()
        self._said: set[str] = set()
        # Rows and artifacts that are not stored: the kind, and the name of an artifact to be saved again.
        self._lost: set[tuple[str, str]] = set()

    @property
    def is_whole(self) -> bool:
        """Whether no row was lost, and every artifact that was lost has been saved again."""
        return not self._lost

    def add(self, kind: str, why: object = "", count: int = 1, *, name: str = "") -> None:
        """
        Count losses of one of `_spec`'s ``LOSS_*``.

        ``why`` is in the warning of the first of its kind, and ``name`` is the artifact that was not saved.
        """
        with self._lock:
            self._counts[kind] += count
            if kind in (_spec.LOSS_ROWS, _spec.LOSS_ARTIFACTS):
                self._lost.add((kind, name))
        reason = f" ({why})" if why else ""
        self.say_once(kind, f"{_SENTENCES[kind]}{reason}{self._after}")

    def note_saved(self, name: str) -> None:
        """Note that an artifact is stored: an earlier version that was lost is replaced."""
        self._lost.discard((_spec.LOSS_ARTIFACTS, name))

    def add_secrets(self, where: str, names: Sequence[str], advice: str = "") -> None:
        """Count secrets that were cut, and say once below which names; ``advice`` tells how to keep them."""
        if not names:
            return
        with self._lock:
            self._counts[_spec.LOSS_SECRETS] += len(names)
        told = list(dict.fromkeys(name[:80] for name in names if name))
        more = f" and {len(told) - 8} more" if len(told) > 8 else ""
        under = f" ({', '.join(map(repr, told[:8]))}{more})" if told else ""
        self.say_once(
            f"secrets {where} {told}", f"{_SENTENCES[_spec.LOSS_SECRETS]} in {where}{under}{advice}"
        )

    def say_once(self, about: str, message: str) -> None:
        """Warn, if nothing was said about this before."""
        with self._lock:
            if about in self._said:
                return
            self._said.add(about)
        warn(message)

    def counts(self) -> dict[str, int]:
        """Return how many of each kind there were."""
        with self._lock:
            return dict(self._counts)

    def after_fork(self) -> None:
        """Take a new lock: the thread that held the old one may not exist in this process."""
        self._lock = threading.RLock()
