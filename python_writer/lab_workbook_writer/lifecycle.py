"""
How a script ends, and what that says about its experiment.

Only the script can know that its experiment has ``finished``: it calls `close`, leaves a ``with`` block
without an exception, or its framework reports the end of a training. For a workbook that is never closed,
this module listens while it is open, and passes everything on to the functions that were there before:

- `sys.excepthook` is called for an uncaught exception: ``failed``, or ``interrupted`` for Ctrl-C;
- `sys.exit` raises a `SystemExit` whose ``code`` knows when the interpreter itself asks for it, which
  happens only when nobody caught it: a status other than 0 is ``failed``;
- `atexit` ends all that is still open: ``ended`` if none of these was called.

A bare ``raise SystemExit(3)`` outside of ``with`` passes all of them by, and is ``ended``. So is a session at
a prompt, which goes on after an exception: ``error`` then has the last one.

A forked child must not touch its parent's experiment; `forks` tells each workbook.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
from collections.abc import Callable, Hashable
from functools import partial
from types import TracebackType
from typing import Any, Final, NamedTuple

from lab_workbook.errors import warn
from lab_workbook.protocol import _spec
from lab_workbook.protocol.redaction import redacted_beginning

from lab_workbook_writer import ends, forks, session


class Ended(NamedTuple):
    """An outcome, and the error that led to it."""

    outcome: str
    error: dict[str, str] | None = None


class Watch:
    """
    One open workbook: how to end it, and what it does in a forked child.

    ``start_end`` writes the end, given an outcome and when the end began, by `time.monotonic`.
    ``reported`` is how a framework has ended the training; it counts where the script closes nothing.
    ``replaced`` is how the experiment would have ended when the next one of the same ``run`` began.
    """

    def __init__(
        self, start_end: Callable[[Ended, float], ends.Wait], after_fork: Callable[[], None]
    ) -> None:
        self._start_end = start_end
        self.after_fork = after_fork
        self.run: Hashable = None
        self.tag = ""
        self.reported: Ended | None = None
        self.replaced: Ended | None = None
        self._number = session.new_number()

    def end(self, ended: Ended) -> None:
        """End the workbook and wait for its delivery."""
        ends.end_all([self.starter(ended)])

    def starter(self, ended: Ended) -> ends.Start:
        """Return what writes the end."""
        return partial(self._start_end, ended)

    def start(self) -> None:
        """Listen from now on."""
        # Else what this process opens would count as its parent's.
        forks.check()
        for hook in _hooks:
            hook.install()
        _open.append(self)

    def belongs_to(self, run: Hashable, tag: str) -> None:
        """
        Note the script or cell that the experiment ``tag`` belongs to, of `session.current_run`.

        Experiments of the same one that are still open are warned of, once in a process. No later exception
        is theirs.
        """
        for other in _open:
            if other.run == run and other.replaced is None:
                other.replaced = other.unasked()
                _warn_of_open(other.tag)
        self.run, self.tag = run, tag

    def unasked(self) -> Ended:
        """Return how the experiment ends if nobody closes it."""
        if self.reported is not None and self.reported.outcome != _spec.OUTCOME_FINISHED:
            return self.reported
        if self.replaced is None and _last_word.ended is not None:
            return _last_word.ended._replace(error=self._session_error() or _last_word.ended.error)
        return self.reported or self.replaced or Ended(_spec.OUTCOME_ENDED, self._session_error())

    def _session_error(self) -> dict[str, str] | None:
        """Return the last exception that nobody caught since the experiment began."""
        error = session.error_since(self._number)
        return None if error is None else _described(error)

    def stop(self) -> None:
        """Stop to listen; the last one puts back what was there before."""
        with contextlib.suppress(ValueError):
            _open.remove(self)
        if not _open:
            for hook in _hooks:
                hook.restore()


def of_exception(error: BaseException | None) -> Ended:
    """Return how an experiment ends that is closed, by an exception if there is one."""
    if error is None:
        return Ended(_spec.OUTCOME_FINISHED)
    if isinstance(error, KeyboardInterrupt):
        return Ended(_spec.OUTCOME_INTERRUPTED, _described(error))
    if isinstance(error, SystemExit):
        return _of_status(error.code)
    return Ended(_spec.OUTCOME_FAILED, _described(error))


def _warn_of_open(tag: str) -> None:
    if not _Said.of_open:
        _Said.of_open = True
        warn(
            f"the experiment {tag} is still open in this process, and will not count as finished:"
            " end each one with workbook.close() or a with block before the next one starts (warned of once)"
        )


class _Said:
    """What this process was warned of."""

    of_open = False


# A message may contain a whole batch; end.json is read with every listing.
_LONGEST_MESSAGE: Final = 2000

_open: list[Watch] = []


def _described(error: BaseException) -> dict[str, str]:
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    try:
        message = str(error)
    except Exception as second:  # noqa: BLE001 - a faulty __str__ of the user's may raise anything
        message = f"(its message cannot be shown: {type(second).__name__})"
    return {"type": module + kind.__qualname__, "message": redacted_beginning(message, _LONGEST_MESSAGE)[0]}


def _of_status(code: object) -> Ended:
    if code is None or code == 0:
        return Ended(_spec.OUTCOME_FINISHED)
    return Ended(_spec.OUTCOME_FAILED, _described(SystemExit(code)))


class _Exit(SystemExit):
    """
    A `SystemExit` that notices when the interpreter asks for its code.

    Everyone else asks from a Python frame, and then it is somebody's who has caught it.
    """

    def __init__(self, *status: object) -> None:
        super().__init__(*status)
        self._status = SystemExit(*status).code

    @property  # a property, because it is the reading that tells
    def code(self) -> Any:
        try:
            sys._getframe(1)  # noqa: SLF001 - the only way to ask whether there is a caller
        except ValueError:
            if self._status not in (None, 0):
                _last_word.ended = _of_status(self._status)
        return self._status

    @code.setter
    def code(self, status: Any) -> None:
        self._status = status


class _LastWord:
    """What the interpreter has said about the end of the script, if anything."""

    ended: Ended | None = None


class _Hook:
    """A function of `sys` that is ours while a workbook is open."""

    def __init__(self, name: str, ours: Callable[..., Any]) -> None:
        self._name = name
        self._ours = ours
        self._is_installed = False
        self.before: Callable[..., Any] = getattr(sys, name)

    def install(self) -> None:
        if not self._is_installed:
            self.before = getattr(sys, self._name)
            setattr(sys, self._name, self._ours)
            self._is_installed = True

    def restore(self) -> None:
        # Whoever came after us keeps us in the chain, where we only pass on.
        if getattr(sys, self._name) is self._ours:
            setattr(sys, self._name, self.before)
            self._is_installed = False


def _on_exception(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    # The interpreter sets last_value before it calls the hook; a script that only wants to show an
    # exception it has caught does not. At a prompt (ps1) the session goes on.
    if getattr(sys, "last_value", None) is error and not hasattr(sys, "ps1"):
        _last_word.ended = of_exception(error)
    _hooks[0].before(kind, error, traceback)


def _on_exit(*status: object) -> None:
    # In a thread a SystemExit ends that thread alone, and is recognised there by its exact type.
    if len(status) <= 1 and threading.current_thread() is threading.main_thread():
        raise _Exit(*status)
    _hooks[1].before(*status)


_last_word = _LastWord()
_hooks = (_Hook("excepthook", _on_exception), _Hook("exit", _on_exit))


def _end_all() -> None:
    # Ctrl-C ends the wait.
    with contextlib.suppress(KeyboardInterrupt):
        ends.end_all([watch.starter(watch.unasked()) for watch in _open])


def _after_fork() -> None:
    forked, _open[:] = list(_open), []
    _last_word.ended = None
    for watch in forked:
        watch.after_fork()


forks.listen(_after_fork)
# This cannot be taken back; with nothing open it does nothing.
atexit.register(_end_all)
