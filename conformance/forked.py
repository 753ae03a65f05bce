"""
Start the example, or a wrong one, as a fork of this process, which has loaded it already.

The kit starts an adapter twenty times for each of two hundred wrong ones; Python and its modules would take
more time than what they are started for. What the kit talks to is a process of its own all the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab_workbook_conformance.adapter import Start
from lab_workbook_conformance.wrong import __main__ as program


def forking(name: str | None) -> Start:
    """Return what starts the wrong one of this name; None: the right one."""

    def start(command: Sequence[str], *, env: Mapping[str, str], **options: Any) -> Any:
        with warnings.catch_warnings():
            # The threads that it warns of are timers of the kit, and hold nothing.
            warnings.simplefilter("ignore", DeprecationWarning)
            # It never comes to the command.
            return subprocess.Popen(command, preexec_fn=lambda: _become(name, env), **options)  # noqa: PLW1509, S603

    return start


def _become(name: str | None, environment: Mapping[str, str]) -> None:
    """Be the adapter from here on; the folder and the standard files are its own already."""
    # Among them the pipe by which Popen waits to hear that the command runs.
    os.closerange(3, min(65536, os.sysconf("SC_OPEN_MAX")))
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - as long as it lives
    _exit_after(lambda: program.main(name))


def _exit_after(play: Callable[[], None]) -> None:
    code = 1
    try:
        play()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # What the process that was forked had to do at its end is not done here.
        os._exit(code)
