"""`Workbook.save_json`: options as scripts hold them, made plain before the rules of JSON apply."""

import argparse
import collections
import dataclasses
import datetime as dt
import enum
import json
import pathlib
import types

import numpy as np
import pytest
from lab_workbook import InvalidValue

pydantic = pytest.importorskip("pydantic")


class Phase(enum.Enum):
    WARM_UP = pathlib.PurePosixPath("warm/up")
    TRAIN = 7


class Strategy(str, enum.Enum):
    STEPS = "steps"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Optimizer:
    rate: float
    phase: Phase
    hidden: dataclasses.InitVar[int] = 0
    kind: str = dataclasses.field(default="sgd", repr=False)


class Model(pydantic.BaseModel):
    width: int
    token: pydantic.SecretStr
    started: dt.date
    inner: "Model | None" = None


class Old:
    """As a model of pydantic was before version 2."""

    __fields__ = ("width",)

    def dict(self):
        return {"width": 5}


@pytest.fixture
def saved(workbook, home_of):
    """What `save_json` makes of a value."""

    def save(value):
        workbook.save_json("value", value)
        return json.loads((home_of(workbook) / "value.json").read_text())

    return save


UTC = dt.timezone.utc


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (argparse.Namespace(rate=0.1, out=pathlib.Path("runs/a")), {"rate": 0.1, "out": "runs/a"}),
        (types.SimpleNamespace(a=types.SimpleNamespace(b=1)), {"a": {"b": 1}}),
        (Optimizer(0.5, Phase.TRAIN), {"rate": 0.5, "phase": 7, "kind": "sgd"}),
        ([Phase.WARM_UP, Strategy.STEPS, Level.HIGH], ["warm/up", "steps", 3]),
        ({Strategy.STEPS: 1, Level.HIGH: 2}, {"steps": 1, "3": 2}),
        (types.MappingProxyType({"a": collections.ChainMap({"b": 1})}), {"a": {"b": 1}}),
        (Old(), {"width": 5}),
        ({"b", "a", "c"}, ["a", "b", "c"]),
        (frozenset({2, "a", None}), [None, 2, "a"]),
        (dt.date(2016, 2, 12), "2016-02-12"),
        (dt.datetime(2016, 2, 12, 22, 17, 34, tzinfo=UTC), "2016-02-12T22:17:34+00:00"),
        (dt.time(22, 17), "22:17:00"),
        (dt.timedelta(minutes=1, milliseconds=500), 60.5),
        (np.datetime64("2016-02-12T22:17"), "2016-02-12T22:17"),
        (np.array(["2016-02-12"], "M8[ns]"), ["2016-02-12T00:00:00.000000000"]),
        (np.float32(0.1), 0.10000000149011612),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([0.5, np.nan]), [0.5, "NaN"]),
        (np.array([3]), [3]),
        (np.array(3), 3),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([{"a": pathlib.Path("x")}], object), [{"a": "x"}]),
        (np.zeros((0, 3)), []),
    ],
)
def test_a_value_of_a_library_becomes_a_plain_one(saved, value, expected):
    """
    As the table of the module says, at any depth.
    """
    assert saved(value) == expected
    assert saved({"deep": [value]}) == {"deep": [expected]}


def test_a_secret_of_pydantic_stays_one(saved):
    """
    And what is in a model is looked through further.
    """
    model = Model(width=3, token="hunter2", started=dt.date(2016, 2, 12))

    assert saved(Model(width=4, token="x", started=dt.date(2016, 1, 1), inner=model)) == {
        "width": 4,
        "token": "**********",
        "started": "2016-01-01",
        "inner": {"width": 3, "token": "**********", "started": "2016-02-12", "inner": None},
    }


@pytest.mark.parametrize(
    "value",
    [
        argparse.Namespace(func=print),
        Optimizer,
        Phase,
        Model,
        np.zeros(1001),
        np.array([1], "m8[ns]"),
        np.timedelta64(1, "ns"),
        np.longdouble(1),
        1j,
        b"bytes",
        object(),
        iter([1]),
        {pathlib.Path("a"): 1},
    ],
)
def test_what_has_no_rule_is_still_refused(saved, value):
    """
    A class is not its instance, and an array of a thousand numbers and one is no option.
    """
    with pytest.raises(InvalidValue, match=r"rule json\.(value|keys)"):
        saved(value)


def test_a_thousand_elements_are_an_option_yet(saved):
    assert saved(np.arange(1000).reshape(10, 100)) == np.arange(1000).reshape(10, 100).tolist()


def test_a_namespace_that_contains_itself_comes_to_an_end(saved):
    """
    As any cycle does.
    """
    cycle = types.SimpleNamespace()
    cycle.self = cycle

    with pytest.raises(InvalidValue, match=r"json\.depth"):
        saved(cycle)


def test_the_value_of_the_caller_is_left_alone(saved):
    options = argparse.Namespace(sizes={1, 2}, path=pathlib.Path("a"))

    saved(options)

    assert vars(options) == {"sizes": {1, 2}, "path": pathlib.Path("a")}
