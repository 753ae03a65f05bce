"""The module search path of a script, for the Python processes that its writer starts."""

from __future__ import annotations

import contextlib
import os
import sys


def absolute_search_path() -> list[str]:
    """Return the entries of `sys.path` as absolute paths; relative ones are left out where there is no working directory."""
    paths = []
    for path in sys.path:
        # The folder in which an interactive Python was started may have been removed since.
        with contextlib.suppress(FileNotFoundError):
            paths.append(os.path.abspath(path))
    return paths
