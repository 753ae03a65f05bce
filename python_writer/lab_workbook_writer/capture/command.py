"""
The command line of a script, as begin.json and the environment tell it: without secrets, and bounded.

>>> redacted_command()
['python3', 'train.py', '--epochs', '10', '--api-key', '[redacted]']
"""

from __future__ import annotations

import sys
from typing import Final

from lab_workbook.protocol import _spec
from lab_workbook.protocol.redaction import redacted_arguments

# A shell can give two megabytes, for a list of files; begin.json is read whenever an experiment is listed.
_MOST: Final = _spec.BEGIN_COMMAND_MAX_ARGUMENTS
_LONGEST: Final = _spec.BEGIN_COMMAND_MAX_ARGUMENT
_CUT: Final = _spec.BEGIN_COMMAND_CUT


def redacted_command() -> list[str]:
    """Return what was run: the interpreter, its options, the script and its arguments."""
    # As it was given, with -m and -c; argv has lost them, and belongs to the script, which may change it.
    whole = sys.orig_argv
    # Cut only after that, because a part of a secret does not look like one.
    shown, _ = redacted_arguments([argument[: 2 * _LONGEST] for argument in whole[:_MOST]])
    arguments = [_cut(text, len(given) > 2 * _LONGEST) for text, given in zip(shown, whole, strict=False)]
    return arguments + ([_CUT] if len(whole) > _MOST else [])


def _cut(argument: str, is_window: bool) -> str:  # noqa: FBT001 - of one caller
    if is_window:
        # The end of a window may be a part of a secret.
        argument = argument[: -_LONGEST // 2]
    return argument if len(argument) <= _LONGEST and not is_window else argument[:_LONGEST] + _CUT
