"""
How a script ends, and what that says about its experiment.

A ``with`` block sees its own exceptions. For a workbook without one, this module listens while it is
open, and passes everything on to whoever listened before:

- `sys.excepthook` sees what nobody caught: ``failed``, or ``interrupted`` for Ctrl-C;
- `sys.exit` raises a `SystemExit` whose ``code`` knows when the interpreter itself asks for it, which
  happens only when nobody caught it: a status other than 0 is ``failed``;
- `atexit` closes what is still open: ``finished`` if none of these spoke.

A bare ``raise SystemExit(3)`` outside of ``with`` passes all three by. Only that it came, and not
its status, shows in a script: then the outcome is ``ended``, which claims nothing.

A forked child must not touch its parent's experiment; `forks` tells each workbook.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NamedTuple

from lab_workbook.protocol import _spec

from lab_workbook_writer import forks


class Ended(NamedTuple):
    """An outcome, and the error that led to it."""

    outcome: str
    error: dict[str, str] | None = None


class Watch:
    """One open workbook: how to end it, and what it does in a forked child."""

    def __init__(self, end: Callable[[Ended], object], after_fork: Callable[[], None]) -> None:
        self.end = end
        self.after_fork = after_fork

    def start(self) -> None:
        """Listen from now on."""
        # Else what this process opens would count as its parent's.
        forks.check()
        for hook in _hooks:
            hook.install()
        _open.append(self)

    def stop(self) -> None:
        """Stop to listen; the last one puts back what was there before."""
        with contextlib.suppress(ValueError):
            _open.remove(self)
        if not _open:
            for hook in _hooks:
                hook.restore()


def of_exception(error: BaseException | None) -> Ended:
    """Return what an exception that nobody caught says about the experiment."""
    if error is None:
        return Ended(_spec.OUTCOME_FINISHED)
    if isinstance(error, KeyboardInterrupt):
        return Ended(_spec.OUTCOME_INTERRUPTED, _described(error))
    if isinstance(error, SystemExit):
        return _of_status(error.code)
    return Ended(_spec.OUTCOME_FAILED, _described(error))


# A message may hold a whole batch; end.json is read with every listing.
_LONGEST_MESSAGE: Final = 2000

_open: list[Watch] = []


def _described(error: BaseException) -> dict[str, str]:
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    try:
        message = str(error)
    except Exception as second:  # noqa: BLE001 - a faulty __str__ of the user's may raise anything
        message = f"(its message cannot be shown: {type(second).__name__})"
    return {"type": module + kind.__qualname__, "message": message[:_LONGEST_MESSAGE]}


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
    forks.check()
    ended = _last_word.ended or Ended(_outcome_of_silence())
    for watch in _open.copy():
        # Ctrl-C ends the wait for one delivery; the others are still to be ended.
        with contextlib.suppress(KeyboardInterrupt):
            watch.end(ended)


def _outcome_of_silence() -> str:
    """Return ``ended`` where a `SystemExit` came that we could not see, else ``finished``."""
    # CPython takes __file__ away from a script that has run to its end, but not from one that a
    # SystemExit has left. A module run with -m keeps it always, and has a spec.
    main = sys.modules.get("__main__")
    left = getattr(main, "__file__", None) is not None and getattr(main, "__spec__", None) is None
    return _spec.OUTCOME_ENDED if left else _spec.OUTCOME_FINISHED


def _after_fork() -> None:
    forked, _open[:] = list(_open), []
    _last_word.ended = None
    for watch in forked:
        watch.after_fork()


forks.listen(_after_fork)
# This cannot be taken back; with nothing open it does nothing.
atexit.register(_end_all)
