"""
What an experiment costs, from what its end.json counted.
"""

import json

import pytest
from click.testing import CliRunner
from lab_workbook import cost
from lab_workbook.cli import main

COUNTED = {"delivery": {"requests": {"PUT": 2000, "GET": 1000, "DELETE": 500, "LIST": 1}, "bytes": 4000}}


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def test_each_kind_of_request_has_its_price():
    """
    Two thousand PUTs and a listing at half a cent, a thousand GETs at 0.04 cents, deleting for nothing.
    """
    found = cost.of(COUNTED["delivery"]["requests"], stored=2 * 10**9)

    assert found.once == pytest.approx(2.001 * 0.005 + 0.0004)
    assert found.month == pytest.approx(2 * 0.023)


def test_the_cost_of_an_experiment_and_of_all(make, folder):
    """
    A tag names one, a prefix all of them, with their sum.
    """
    make("A", {"a.txt": b"12345"}, end=COUNTED)
    make("B", {"b.txt": b"1"}, end=COUNTED)

    one = json.loads(run("cost", "A", "--prefix", str(folder), "--json").stdout)
    both = json.loads(run("cost", str(folder), "--json").stdout)

    assert one["experiments"]["A"]["storedBytes"] == 5
    assert list(both["experiments"]) == ["A", "B"]
    assert both["total"]["requests"]["PUT"] == 4000
    assert both["total"]["sendingDollars"] == pytest.approx(2 * one["total"]["sendingDollars"])


def test_the_prices_can_be_given(make, folder):
    """
    Other regions, other servers and other years have others.
    """
    make("A", end=COUNTED)

    told = run("cost", "A", "--prefix", str(folder), "--write", "1", "--read", "0", "--json")

    found = json.loads(told.stdout)
    assert found["total"]["sendingDollars"] == pytest.approx(2.001)
    assert found["prices"] == {"write": 1.0, "read": 0.0, "month": 0.023}


def test_whose_prices_they_are_is_said(make, folder):
    """
    With their region and date; not of prices that somebody gave.
    """
    make("A", end=COUNTED)

    listed = run("cost", "A", "--prefix", str(folder))
    given = run("cost", "A", "--prefix", str(folder), "--write", "1")

    assert "list prices for S3 Standard in us-east-1, of November 2026" in listed.stderr
    assert given.stderr == ""


def test_what_is_not_known_is_not_called_free(make, folder):
    """
    An experiment that goes on, or went to a folder, has counted nothing yet.
    """
    make("A")

    result = run("cost", str(folder))

    assert result.stdout.splitlines()[1].split() == [
        "A",
        "not",
        "known",
        "0.0",
        "MB",
        "$0.000000",
        "$0.000000",
    ]


@pytest.mark.parametrize("told", [None, 3, {}, {"requests": 3}, {"requests": {"PUT": "x"}, "bytes": "y"}])
def test_a_strange_count_stops_nothing(make, folder, told):
    """
    What a stranger wrote is read with care.
    """
    make("A", end={"delivery": told})

    assert run("cost", str(folder)).exit_code == 0
    assert run("show", "A", "--prefix", str(folder)).exit_code == 0


def test_show_says_what_was_sent(make, folder):
    make("A", end=COUNTED)

    shown = run("show", "A", "--prefix", str(folder))

    assert "2,000 PUT, 1,000 GET, 500 DELETE, 1 LIST, 4,000 bytes sent" in shown.stdout
    told = json.loads(run("show", "A", "--prefix", str(folder), "--json").stdout)
    assert told["delivery"] == COUNTED["delivery"]
