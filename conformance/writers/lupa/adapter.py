"""
The adapter of the rock inside this process: ``lab-workbook certify -- python adapter.py lua51``.

It is ``lua/adapter.lua``, run by the Lua that is named: one of lupa's.
"""

from __future__ import annotations

import importlib
import sys
from importlib import metadata
from pathlib import Path

_ADAPTER = Path(__file__).resolve().parent.parent / "lua/adapter.lua"


def main(runtime: str) -> None:
    """Run the adapter in a Lua, and close the Lua as a script's end does."""
    lua = importlib.import_module(f"lupa.{runtime}").LuaRuntime(encoding=None)
    host = f"lupa {metadata.version('lupa')}"
    lua.eval(b"function(path, host) assert(loadfile(path))(host) end")(bytes(_ADAPTER), host.encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
