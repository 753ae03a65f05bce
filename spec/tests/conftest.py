"""
Writers that steps can be played to: the Python writer, and the rock in every Lua that lupa carries.
"""

import json
from pathlib import Path

import lab_workbook
import pytest
from lab_workbook.config import snake_case
from lab_workbook_conformance import notation

ROOT = Path(__file__).resolve().parents[2]
LUAS = ("lua51", "lua52", "lua53", "lua54", "luajit20", "luajit21")


class PythonWriter:
    """Plays steps to `lab_workbook.new_experiment`."""

    has_integers = True

    def __init__(self, prefix, scratch):
        self.prefix, self.scratch = prefix, scratch
        self.workbook, self.logs = None, {}

    def do(self, verb, *spelled):
        """Do one step; raises what the writer raises."""
        arguments = [notation.value(argument) for argument in spelled]
        if verb == "newExperiment":
            options = {snake_case(key): value for key, value in arguments[0].items()}
            self.workbook = lab_workbook.new_experiment(bucket_prefix=str(self.prefix), **options)
        elif verb == "newTimeSeriesLog":
            name, fields, *save_every = arguments
            options = {"save_every": save_every[0]} if save_every else {}
            self.logs[name] = self.workbook.new_time_series_log(name, fields, **options)
        elif verb == "log":
            self.logs[arguments[0]](arguments[1])
        elif verb == "saveFile":
            self.scratch.write_bytes(arguments[1].encode("utf-8", "surrogateescape"))
            self.workbook.save_file(arguments[0], self.scratch)
        else:
            getattr(self.workbook, {"saveJSON": "save_json"}.get(verb) or snake_case(verb))(*arguments)


class LuaWriter:
    """Plays steps to `require 'lab-workbook'` by writing one line of Lua for each."""

    def __init__(self, version, prefix, scratch):
        lupa = pytest.importorskip(f"lupa.{version}")
        self.lua = lupa.LuaRuntime(encoding="latin-1")
        self.prefix, self.scratch = prefix, scratch
        self.lua.execute(f"package.path = '{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua'")
        self.lua.execute("labWorkbook, logs = require 'lab-workbook', {}")
        self.has_integers = self.lua.eval("math.type ~= nil")

    def do(self, verb, *spelled):
        arguments = [in_lua(argument) for argument in spelled]
        if verb == "newExperiment":
            options = {"bucketPrefix": str(self.prefix), **spelled[0]}
            self.lua.execute(f"workbook = labWorkbook:newExperiment({in_lua(options)})")
        elif verb == "newTimeSeriesLog":
            self.lua.execute(f"logs[{arguments[0]}] = workbook:newTimeSeriesLog({', '.join(arguments)})")
        elif verb == "log":
            self.lua.execute(f"logs[{arguments[0]}]({arguments[1]})")
        elif verb == "saveFile":
            self.scratch.write_bytes(notation.value(spelled[1]).encode("utf-8", "surrogateescape"))
            self.lua.execute(f"workbook:saveFile({arguments[0]}, {in_lua(str(self.scratch))})")
        else:
            self.lua.execute(f"workbook:{verb}({', '.join(arguments)})")


def in_lua(spelled):
    """Return a value of a case as a Lua expression."""
    if isinstance(spelled, str):
        return text_in_lua(spelled.encode())
    if isinstance(spelled, list):
        return "{" + ", ".join(map(in_lua, spelled)) + "}"
    if isinstance(spelled, dict):
        ((key, content),) = spelled.items() if len(spelled) == 1 else ((None, None),)
        if key in FORMS:
            return FORMS[key](content)
        return "{" + ", ".join(f"[{in_lua(key)}] = {in_lua(item)}" for key, item in spelled.items()) + "}"
    return "nil" if spelled is None else json.dumps(spelled)


def text_in_lua(data):
    return "'" + "".join(f"\\{byte:03d}" for byte in data) + "'"


def float_in_lua(text):
    # Lua 5.1 takes the constants 0 and -0 for one and the same, so the text is read at run time.
    special = {"nan": "(0/0)", "inf": "(1/0)", "-inf": "(-1/0)"}
    return special.get(text) or f"tonumber('{float(text)!r}')"


FORMS = {
    "$float": float_in_lua,
    # As tonumber reads it: an integer where the language has such, else the nearest number.
    "$int": lambda digits: f"tonumber('{digits}')",
    "$bytes": lambda digits: text_in_lua(bytes.fromhex(digits)),
    "$repeat": lambda pair: f"({in_lua(pair[0])}):rep({pair[1]})",
    "$nested": lambda depth: f"(function() local t = 1 for _ = 1, {depth} do t = {{t}} end return t end)()",
    "$cycle": lambda _: "(function() local t = {} t[1] = t return t end)()",
    "$pairs": lambda pairs: "{" + ", ".join(f"[{in_lua(k)}] = {in_lua(v)}" for k, v in pairs) + "}",
    "$function": lambda _: "print",
}


@pytest.fixture(params=["python", *LUAS])
def writer(request, tmp_path):
    """A writer that has not begun: ``writer.do(verb, *arguments)`` plays one step to it."""
    prefix, scratch = tmp_path / "experiments", tmp_path / "to be saved"
    return (
        PythonWriter(prefix, scratch)
        if request.param == "python"
        else LuaWriter(request.param, prefix, scratch)
    )
