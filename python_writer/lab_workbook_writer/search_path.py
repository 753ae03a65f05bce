"""The module search path of a script, for the Python processes that its writer starts."""

from __future__ import annotations

import contextlib
import os
import sys


def absolute_search_path() -> list[str]:
    """Return `sys.path` with absolute paths; relative ones are left out if the working directory is gone."""
    paths = []
    for path in sys.path:
        # The folder in which an interactive Python was started may have been removed since.
        with contextlib.suppress(FileNotFoundError):
            paths.append(os.path.abspath(path))
    return paths
