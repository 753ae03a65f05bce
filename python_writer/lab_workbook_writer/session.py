"""
The script, or the cell of a notebook, that runs now, and the last exception of an interactive session.

IPython and Python's own prompt go on after an exception, and keep it in `sys.last_value`.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Hashable
from typing import Any, Final

# An attribute of an exception: the first experiment that is younger than it.
_YOUNGER: Final = "_lab_workbook_younger"

_numbers = itertools.count(1)


def current_run() -> Hashable:
    """
    Return what two runs of one script in this process have in common: its arguments, and in IPython the cell.

    JupyterLab and others give a cell an id, which stays the same when it is edited. Elsewhere it is known by
    its text.
    """
    shell = _shell()
    return tuple(map(str, getattr(sys, "argv", ()))), None if shell is None else _cell(shell)


def new_number() -> int:
    """Return the number of an experiment that begins now, for `error_since`."""
    number, error = next(_numbers), _last_error()
    if error is not None:
        # Noted in the exception, because keeping it would keep all that its traceback leads to.
        vars(error).setdefault(_YOUNGER, number)
    return number


def error_since(number: int) -> BaseException | None:
    """Return the last exception that nobody caught, if it came after the experiment of a number had begun."""
    error = _last_error()
    return None if error is None or vars(error).get(_YOUNGER, number + 1) <= number else error


def _last_error() -> BaseException | None:
    error = getattr(sys, "last_value", None)
    return error if isinstance(error, BaseException) else None


def _shell() -> Any:
    """Return the running IPython, without importing it."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _cell(shell: Any) -> str:
    try:
        parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
        name = parent.get("metadata", {}).get("cellId")
        return str(name or shell.history_manager.input_hist_raw[-1])
    except Exception:  # noqa: BLE001 - whatever another program keeps there, it must not end a training
        return ""
