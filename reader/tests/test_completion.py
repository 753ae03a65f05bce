"""
TAB is quick, and quiet.
"""

from __future__ import annotations

from lab_workbook import ExperimentRepository
from lab_workbook.completion import Completion


def test_names_are_asked_for_again_after_some_seconds_only() -> None:
    """
    TAB pressed twice is one listing; an experiment that begins is offered soon.
    """
    now, asked = [100.0], []

    def names() -> list[str]:
        asked.append(now[0])
        return [str(len(asked))]

    offered = Completion(names, clock=lambda: now[0])

    assert (offered(), offered()) == (["1"], ["1"])
    now[0] += 9
    assert offered() == ["1"]
    now[0] += 2
    assert offered() == ["2"]


def test_the_newest_thousand_are_offered() -> None:
    names = [f"{number:05}" for number in range(5_000)]

    assert Completion(lambda: names)() == names[-1_000:]


def test_what_is_offered_may_be_changed() -> None:
    offered = Completion(lambda: ["a"])

    offered().clear()

    assert offered() == ["a"]


def test_an_error_is_no_name() -> None:
    """
    A bucket that nobody serves offers nothing, and TAB does not raise.
    """

    def refused() -> list[str]:
        raise OSError("no route to host")

    assert Completion(refused)() == []
    nowhere = ExperimentRepository("/no/such/folder")

    assert nowhere._ipython_key_completions_() == []
    assert nowhere["A"]._ipython_key_completions_() == []
