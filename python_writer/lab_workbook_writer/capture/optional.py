"""Libraries that one verb needs and a script can do without: torch, safetensors."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import Any

from lab_workbook_writer.guard import for_caller


def load(module: str, advice: str) -> Any:
    """
    Return a module of a library, which is imported if the script has not done so.

    Raises:
        ImportError: the library is not installed; the message is ``advice``.
        OSError: the folders of installed packages cannot be read now.
    """
    with contextlib.suppress(ImportError):
        return sys.modules.get(module) or importlib.import_module(module)
    # A module that cannot be looked for is "not found" as well: by a fault that has passed, or by one that
    # these folders show.
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module)
    except ImportError as error:
        _check_folders()
        raise for_caller(ImportError(advice)) from error


def _check_folders() -> None:
    for folder in sys.path:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.stat(folder or os.curdir)
