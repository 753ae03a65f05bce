"""
What was different about the source is seen at once.
"""

from __future__ import annotations

from typing import Any

from lab_workbook.html import facts, source

PATCH = b"diff --git a/a.lua b/a.lua\n--- a/a.lua\n+++ b/a.lua\n@@ -1 +1 @@\n-rate = 1\n+rate = %b\n"


def of(*experiments: Any) -> list[source.Source]:
    return source.beside([source.of(each, facts.of(each)) for each in experiments])


def ran(make: Any, tag: str, commit: bytes, rate: bytes) -> Any:
    return make(tag, {"Source.git-current-commit": commit + b"\n", "Source.git-patch": PATCH % rate})


def test_what_ran_the_same_is_shown_once(make: Any) -> None:
    """
    Twenty experiments of one commit are one patch, with the tags of all.
    """
    found = of(ran(make, "A", b"c1", b"2"), ran(make, "B", b"c1", b"3"), ran(make, "C", b"c1", b"2"))

    assert [each.numbers for each in found] == [[0, 2], [1]]
    assert found[0].commit == "c1"
    assert found[0].difference is None


def test_patches_are_compared_with_the_first(make: Any) -> None:
    one, other = of(ran(make, "A", b"c1", b"2"), ran(make, "B", b"c2", b"3"))

    assert [each.text for each in one.patch if each.kind == "added"] == ["+rate = 2"]
    assert [each.kind for each in one.patch] == ["head", "head", "head", "place", "removed", "added"]
    assert [each.text for each in other.difference or [] if each.kind in ("added", "removed")] == [
        "-+rate = 2",
        "++rate = 3",
    ]


def test_another_commit_with_the_same_patch_has_no_difference(make: Any) -> None:
    _, other = of(ran(make, "A", b"c1", b"2"), ran(make, "B", b"c2", b"2"))

    assert other.difference == []


def test_what_is_too_much_to_read_is_cut_and_said(make: Any) -> None:
    """
    A data file in a patch does not fill the page.
    """
    long = make("A", {"Source.git-patch": b"+line\n" * 10_000})
    huge = make("B", {"Source.git-patch": b"+line\n" * 1_000_000})
    told = facts.of(huge)

    assert of(long)[0].left == 6_000
    assert source.of(huge, told)[0].patch == ""
    assert told.problems == ["Source.git-patch has 6,000,000 bytes, which is too much to show here"]


def test_an_experiment_without_git_has_no_source(make: Any) -> None:
    assert of(make("A")) == []
