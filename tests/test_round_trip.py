"""
What either writer writes, the reader gives back: rows, names and JSON values, types included.

The stated limits are those of the languages: among floats an integer comes back as the float that
pandas makes of it, and a Lua without integers has one number for 1 and 1.0, exact up to 2^53.
"""

import importlib
import io
import itertools
import math
from pathlib import Path

import lab_workbook
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_workbook_conformance import strategies

ROOT = Path(__file__).resolve().parent.parent

WITH_INTEGERS = ("lua53", "lua54")
RUNTIMES = ("lua51", "lua52", *WITH_INTEGERS, "luajit20", "luajit21")

# One experiment holds many examples, each under a number of its own.
numbers = itertools.count()

many = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path)


@pytest.fixture
def experiment(prefix):
    return lab_workbook.ExperimentRepository(prefix)["round"]


@pytest.fixture
def workbook(prefix):
    with lab_workbook.new_experiment(bucket_prefix=prefix, tag="round") as workbook:
        yield workbook


class LuaWorkbook:
    """The rock under one of lupa's runtimes, called from Python."""

    def __init__(self, runtime: str, prefix: str) -> None:
        module = importlib.import_module(f"lupa.{runtime}")
        self.lua = module.LuaRuntime(unpack_returned_tuples=True, encoding=None)
        self.has_integers = runtime in WITH_INTEGERS
        self.lua.globals()[b"prefix"] = prefix.encode()
        self.lua.execute(
            f"package.path = '{ROOT}/lua/?.lua;{ROOT}/lua/?/init.lua;' .. package.path\n"
            "labWorkbook = require 'lab-workbook'\n"
            "workbook = labWorkbook:newExperiment{bucketPrefix = prefix, tag = 'round'}".encode()
        )
        self.new_log = self.lua.eval(b"function(n, f) return workbook:newTimeSeriesLog(n, f) end")
        self.save_json = self.lua.eval(b"function(n, v) workbook:saveJSON(n, v) end")
        self.save_text = self.lua.eval(b"function(n, v) workbook:saveText(n, v) end")
        self.null, self.empty_array = self.lua.eval(b"{labWorkbook.null, labWorkbook.emptyArray}").values()

    def value(self, value):
        """Return a Python value as Lua has it."""
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, dict):
            return self.lua.table_from({key.encode(): self.value(item) for key, item in value.items()})
        if isinstance(value, list):
            return self.lua.table_from([self.inside(item) for item in value]) if value else self.empty_array
        return value

    def inside(self, value):
        # A nil would end the list, so JSON's null has a value of its own.
        return self.null if value is None else self.value(value)


@pytest.fixture(params=RUNTIMES)
def lua(request, prefix):
    workbook = LuaWorkbook(request.param, prefix)
    yield workbook
    workbook.lua.execute(b"workbook:close()")


def is_same(read, written, kinds) -> bool:
    """Say whether a cell came back as it went, given the kinds of values in its column."""
    if written is None:
        return bool(pd.isna(read))
    if float in kinds and kinds <= {int, float}:
        written = float(written)
    if isinstance(written, float):
        is_float = isinstance(read, (float, np.floating))
        if math.isnan(written):
            return is_float and math.isnan(read)
        return is_float and read == written and math.copysign(1, read) == math.copysign(1, written)
    types = {bool: (bool, np.bool_), int: (int, np.integer), str: (str,)}[type(written)]
    return (
        isinstance(read, types)
        and isinstance(read, bool | np.bool_) == (types[0] is bool)
        and read == written
    )


def assert_same(frame, table, same=is_same) -> None:
    index = table.fields[0]
    assert [frame.index.name, *frame.columns] == [*table.fields, "Date"]
    assert len(frame) == len(table.rows)
    for field in table.fields:
        written = [row[field] for row in table.rows]
        kinds = {type(value) for value in written} - {type(None)}
        read = list(frame.index) if field == index else list(frame[field])
        assert all(map(same, read, written, itertools.repeat(kinds))), (field, read, written)


def assert_plain_pandas_loads(path: Path) -> None:
    """The ancestor's reader called pandas like this; it must load every file of ours."""
    frame = pd.read_csv(path, index_col=0, parse_dates=["Date"], na_values=["nil"])
    assert "Date" in frame.columns or frame.index.name == "Date"


@many
@given(table=strategies.tables())
def test_rows_written_in_python_come_back(workbook, experiment, prefix, table):
    name = f"series {next(numbers)}"

    log = workbook.new_time_series_log(name, table.fields)
    for row in table.rows:
        log(row)

    assert_same(experiment[f"{name}.csv"], table)
    assert_plain_pandas_loads(Path(prefix) / f"round/{name}.csv")


@settings(parent=many, max_examples=40)
@given(table=strategies.tables())
def test_rows_written_in_lua_come_back(lua, experiment, prefix, table):
    name = f"series {next(numbers)}"

    log = lua.new_log(name.encode(), lua.lua.table_from([field.encode() for field in table.fields]))
    for row in table.rows:
        log(lua.lua.table_from({f.encode(): lua.value(v) for f, v in row.items() if v is not None}))

    assert_same(experiment[f"{name}.csv"], table, is_same if lua.has_integers else is_same_number)
    assert_plain_pandas_loads(Path(prefix) / f"round/{name}.csv")


def is_same_number(read, written, kinds) -> bool:
    """As `is_same`, for a Lua that has one kind of number, a double."""
    if isinstance(written, (int, float)) and not isinstance(written, bool):
        if math.isnan(written):
            return bool(pd.isna(read))
        return not isinstance(read, bool | np.bool_ | str) and float(read) == float(written)
    return is_same(read, written, kinds)


@many
@given(value=strategies.json_values())
def test_json_written_in_python_comes_back(workbook, experiment, value):
    name = f"value {next(numbers)}"

    workbook.save_json(name, value)

    assert experiment[f"{name}.json"] == value
    assert repr(experiment[f"{name}.json"]) == repr(value)


@settings(parent=many, max_examples=40)
@given(data=st.data())
def test_json_written_in_lua_comes_back(lua, experiment, data):
    exact = st.integers(-(2**53), 2**53) if not lua.has_integers else strategies.integers()
    numbers_of_lua = st.one_of(exact, st.floats(allow_nan=False, allow_infinity=False))
    value = data.draw(strategies.json_values(numbers=numbers_of_lua).filter(has_no_null_in_a_table))
    name = f"value {next(numbers)}"

    lua.save_json(name.encode(), lua.inside(value))

    # 1 == 1.0 in Python too, so this compares what a Lua without integers can tell.
    assert experiment[f"{name}.json"] == value
    if lua.has_integers:
        assert flat(experiment[f"{name}.json"]) == flat(value)


def has_no_null_in_a_table(value) -> bool:
    # In Lua a key whose value is nil is no key.
    if isinstance(value, dict):
        return all(item is not None and has_no_null_in_a_table(item) for item in value.values())
    return all(map(has_no_null_in_a_table, value)) if isinstance(value, list) else True


def flat(value):
    """Return the value with its types, and with keys in one order: Lua's tables have none."""
    if isinstance(value, dict):
        return sorted((key, flat(item)) for key, item in value.items())
    if isinstance(value, list):
        return ["list", *map(flat, value)]
    return type(value).__name__, value


@many
@given(names=st.lists(strategies.names(), max_size=5))
def test_names_written_in_python_come_back(names):
    check_names(names, PythonNames())


@settings(parent=many, max_examples=30)
@given(names=st.lists(strategies.names(), max_size=5))
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_names_written_in_lua_come_back(runtime, names):
    check_names(names, LuaNames(runtime))


class PythonNames:
    def start(self, prefix):
        self.workbook = lab_workbook.new_experiment(bucket_prefix=prefix, tag="round")

    def save(self, name):
        try:
            self.workbook.save_text(name, name)
        except lab_workbook.LabWorkbookError as error:
            return str(error)
        return None

    def close(self):
        self.workbook.close()


class LuaNames:
    def __init__(self, runtime):
        self.runtime = runtime

    def start(self, prefix):
        self.workbook = LuaWorkbook(self.runtime, prefix)

    def save(self, name):
        pcall = self.workbook.lua.eval(
            b"function(f, n) local ok, e = pcall(f, n, n) return ok, tostring(e) end"
        )
        ok, message = pcall(self.workbook.save_text, name.encode())
        return None if ok else message.decode()

    def close(self):
        self.workbook.lua.execute(b"workbook:close()")


def check_names(names, writer) -> None:
    """Save each name, unless it collides with one before, and find exactly those again."""
    import tempfile

    with tempfile.TemporaryDirectory() as prefix:
        writer.start(prefix)
        refused = {name: writer.save(name) for name in names}
        writer.close()
        experiment = lab_workbook.ExperimentRepository(prefix)["round"]

        saved = {name for name, message in refused.items() if message is None}
        assert all("name.unique" in message for message in refused.values() if message)
        assert set(experiment.list_artifacts()) == saved
        assert all(io.BytesIO(experiment.read_bytes(name)).read() == name.encode() for name in saved)
