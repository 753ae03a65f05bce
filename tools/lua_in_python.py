"""
Run a Lua script in a Lua runtime that the Python package lupa carries, for machines without Lua.

    python tools/lua_in_python.py SCRIPT [ARGUMENT...]
"""

import sys

from lupa.luajit21 import LuaRuntime


def main(script: str, *arguments: str) -> None:
    """Run the script as ``luajit SCRIPT ARGUMENT...`` would."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.globals().arg = lua.table_from({0: script, **dict(enumerate(arguments, 1))})
    lua.execute("dofile(arg[0])")


if __name__ == "__main__":
    main(*sys.argv[1:])
