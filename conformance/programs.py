"""
The programs that are certified here: each writer and reader of this repository, on each of its runtimes.

A real interpreter that is not installed is skipped. What lupa carries runs inside a Python process, so it is
always there.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

_WRITERS = Path(__file__).resolve().parent / "writers"
_LUA = str(_WRITERS / "lua/adapter.lua")
_LUPA = str(_WRITERS / "lupa/adapter.py")


class Program(NamedTuple):
    """One program: its name for people, and the command that starts its adapter."""

    name: str
    command: tuple[str, ...]

    @property
    def is_here(self) -> bool:
        """Whether this machine has what it runs on."""
        if self.command[1] == _LUPA and importlib.util.find_spec(f"lupa.{self.command[2]}") is None:
            return False
        return shutil.which(self.command[0]) is not None

    @property
    def slug(self) -> str:
        """The name as a part of a file's name."""
        return self.name.lower().replace(" ", "-").replace(",", "")


OURS = (
    Program("Python", (sys.executable, str(_WRITERS / "python/adapter.py"))),
    Program("LuaJIT", ("luajit", _LUA)),
    Program("Lua 5.1", ("lua5.1", _LUA)),
    Program("Lua 5.2", ("lua5.2", _LUA)),
    Program("Lua 5.3", ("lua5.3", _LUA)),
    Program("Lua 5.4", ("lua5.4", _LUA)),
    Program("LuaJIT 2.0, in lupa", (sys.executable, _LUPA, "luajit20")),
    Program("LuaJIT 2.1, in lupa", (sys.executable, _LUPA, "luajit21")),
    Program("Lua 5.1, in lupa", (sys.executable, _LUPA, "lua51")),
    Program("Lua 5.2, in lupa", (sys.executable, _LUPA, "lua52")),
    Program("Lua 5.3, in lupa", (sys.executable, _LUPA, "lua53")),
    Program("Lua 5.4, in lupa", (sys.executable, _LUPA, "lua54")),
    Program("Lua 5.5, in lupa", (sys.executable, _LUPA, "lua55")),
)
THIRD = Program("JavaScript", ("node", str(_WRITERS / "javascript/adapter.mjs")))
PROGRAMS = (*OURS, THIRD)
