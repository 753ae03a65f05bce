"""
What a row costs in Lua, on every Lua that is here; ``lua_row.lua`` measures and explains.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LUAS = {
    "luajit": "LuaJIT",
    "lua5.1": "Lua 5.1",
    "lua5.2": "Lua 5.2",
    "lua5.3": "Lua 5.3",
    "lua5.4": "Lua 5.4",
}


def run() -> list[tuple[str, float, float]]:
    """Measure; gives the name of each case, our seconds a row and the floor's."""
    return [
        (f"{name} row, {case}", float(ours), float(floor))
        for program, name in LUAS.items()
        if shutil.which(program)
        for case, ours, floor in _measured(program)
    ]


def _measured(program: str) -> list[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [program, str(ROOT / "benchmarks" / "lua_row.lua"), folder],
            env={**os.environ, "LUA_PATH": f"{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;;"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    # The other lines tell the tag.
    return [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]


if __name__ == "__main__":
    for name, ours, floor in run():
        print(f"{name:<24}{ours * 1e6:8.2f} us {floor * 1e6:8.2f} us {ours / floor:6.2f}x")
