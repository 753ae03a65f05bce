"""
Cases that run side by side: what comes of them is what comes of them one after the other.
"""

import sys
import threading

import pytest
from lab_workbook_conformance import certify
from lab_workbook_conformance.case import Case, Finding

RIGHT = [sys.executable, "-m", "lab_workbook_conformance.wrong"]


def cases(plays):
    return [Case(name, ("series.row",), "core", "writer", play) for name, play in plays.items()]


def test_two_cases_run_at_a_time_each_with_its_own_adapter():
    """
    Each of them waits for the other, which one after the other would take for ever.
    """
    both, pids = threading.Barrier(2, timeout=60), set()

    def play(bench):
        pids.add(bench.adapter.pid)
        both.wait()
        return []

    report = certify.run(RIGHT, cases=cases({"a": play, "b": play}), jobs=2)

    assert report.counts == {"passed": 2}
    assert len(pids) == 2


def test_the_results_are_in_the_order_of_the_cases():
    """
    Those that Hypothesis makes up run first, in the thread of the caller, and are reported in their place.
    """
    threads = {}

    def play(name):
        def noted(_):
            threads[name] = threading.current_thread() is threading.main_thread()
            return [Finding("series.row", "wrong")] if name == "b" else []

        return noted

    names = ["a", "depth.x", "b", "depth.y", "c"]
    report = certify.run(RIGHT, cases=cases({name: play(name) for name in names}), jobs=2)

    assert [result.case.name for result in report.results] == names
    assert [result.verdict for result in report.results] == ["passed", "passed", "failed", "passed", "passed"]
    assert [threads["depth.x"], threads["depth.y"]] == [True, True]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_a_case_ends_the_run(jobs):
    """
    A fault of the kit is raised, in whichever thread it was.
    """

    def play(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        certify.run(RIGHT, cases=cases({"a": play, "b": play}), jobs=jobs)


def test_one_at_a_time_runs_in_order():
    """
    So `--fail-fast` stops at the same case each time.
    """
    run = []

    def play(name):
        return lambda _: run.append(name) or []

    certify.run(RIGHT, cases=cases({name: play(name) for name in ("b", "depth.a", "c")}))

    assert run == ["b", "depth.a", "c"]
