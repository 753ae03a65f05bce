"""
The guard around public calls: faults of the environment are reported and counted, and never raised.

Every public method of a workbook that touches the system is decorated with `verb`, and the call of a series
asks `absorbs`. Three kinds of errors reach the caller:

- misuse, such as a name that no file can have (`Misuse`, `ConfigurationError`, `Unwritable`);
- errors that a docstring lists and `for_caller` has marked, such as a path that does not exist;
- errors that were raised inside the caller's own code, such as a figure that cannot draw itself.

Everything else is a fault of the environment: a full disk, no descriptors, no memory, a process that cannot
be started, a package that was removed while the script runs.

>>> class Workbook:
...     @verb(_spec.LOSS_ARTIFACTS)
...     def save_text(self, name, text): ...
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from lab_workbook.errors import LabWorkbookError

_P = ParamSpec("_P")
_Self = TypeVar("_Self", bound=Any)
_Result = TypeVar("_Result")
_Error = TypeVar("_Error", bound=Exception)

_PACKAGES: Final = frozenset({"lab_workbook", "lab_workbook_writer"})
# Always faults of the environment, whoever's code runs into them.
FAULTS: Final = (OSError, MemoryError, ImportError)
_MARK: Final = "_lab_workbook_is_for_caller"


def verb(
    loss: str = "", otherwise: Callable[..., Any] = lambda *_args, **_kwargs: None
) -> Callable[[Callable[Concatenate[_Self, _P], _Result]], Callable[Concatenate[_Self, _P], _Result]]:
    """
    Decorate a public method of an object with ``_losses``: faults of the environment do not leave it.

    ``loss`` is the kind of `_spec`'s ``LOSS_*`` that is counted when it fails; without one it is only warned
    of. What ``otherwise`` makes of the same arguments is returned then.
    """

    def decorate(
        method: Callable[Concatenate[_Self, _P], _Result],
    ) -> Callable[Concatenate[_Self, _P], _Result]:
        name = method.__name__

        @wraps(method)
        def guarded(self: _Self, /, *args: _P.args, **kwargs: _P.kwargs) -> _Result:
            try:
                return method(self, *args, **kwargs)
            except Exception as error:
                call = f"{name}({args[0]!r})" if args and isinstance(args[0], str) else name
                if _is_wrong_call(error) or not absorbs(error, lambda why: report(self, loss, call, why)):
                    raise
                return otherwise(self, *args, **kwargs)  # type: ignore[no-any-return]

        return guarded

    return decorate


def report(holder: Any, loss: str, call: str, why: str) -> None:
    """Count a loss of an object with ``_losses``, or only warn where ``loss`` is empty."""
    if loss:
        holder._losses.add(loss, f"{call}: {why}")  # noqa: SLF001 - of the object whose method it is
    else:
        holder._losses.say_once(call, f"{call} failed: {why}; training goes on")  # noqa: SLF001


class absorbing:  # noqa: N801 - used like a function, as contextlib.suppress
    """
    Report faults of the environment in a ``with`` block and go on after it; other errors pass.

    ``tell`` is called with the reason.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return isinstance(error, Exception) and absorbs(error, self._tell)


def absorbs(error: Exception, tell: Callable[[str], object]) -> bool:
    """
    Return whether an error is a fault of the environment, and call ``tell`` with the reason if it is one.

    If it is not, the caller should see it.
    """
    if _is_for_caller(error):
        return False
    if isinstance(error, ImportError):
        # A folder that could not be looked at once is skipped for ever otherwise.
        importlib.invalidate_caches()
    # Where there is no room for a warning, the caller's code still goes on.
    with contextlib.suppress(MemoryError, RecursionError):
        tell(_described(error))
    return True


def for_caller(error: _Error) -> _Error:
    """Mark an error that a verb raises by its documentation, and return it."""
    setattr(error, _MARK, True)
    return error


def _is_for_caller(error: Exception) -> bool:
    if hasattr(error, _MARK):
        return True
    if isinstance(error, FAULTS):
        return False
    if isinstance(error, LabWorkbookError):
        return True
    return _is_raised_outside(error.__traceback__)


def _is_wrong_call(error: Exception) -> bool:
    """Return whether nothing of a method has run, because its arguments do not fit."""
    traceback = error.__traceback__
    return isinstance(error, TypeError) and traceback is not None and traceback.tb_next is None


def _is_raised_outside(traceback: TracebackType | None) -> bool:
    """Return whether code took part that is neither ours nor of the standard library."""
    while traceback is not None:
        package = str(traceback.tb_frame.f_globals.get("__name__")).partition(".")[0]
        if package not in _PACKAGES and package not in sys.stdlib_module_names:
            return True
        traceback = traceback.tb_next
    return False


def _described(error: Exception) -> str:
    if isinstance(error, OSError):
        return str(error)
    described = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] in _PACKAGES:
        return f"{described}; the package was removed or replaced since this script has started"
    return described
