"""Tags: unbiased, distinct, and made without the program's own random numbers."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROCK = Path(__file__).resolve().parent.parent


def test_a_tag_is_a_utc_minute_and_ten_characters(lua):
    """
    As the rule tag.shape says.
    """
    assert re.fullmatch(rb"[0-9]{12}-[0-9A-Za-z]{10}", lua.eval("require('lab-workbook.tag').new()"))


def test_1000_tags_of_processes_started_at_once_are_distinct(interpreter, tmp_path):
    """
    The ancestor gave all processes of one second the same tag.
    """
    script = tmp_path / "tag.lua"
    script.write_text(
        f"package.path = '{ROCK}/?.lua;' .. package.path print(require('lab-workbook.tag').new())"
    )

    # Fifty start at a time, each the moment another has ended: all share a few seconds.
    done = subprocess.run(
        ["xargs", "-P", "50", "-n", "1", interpreter, str(script), "--"],
        input="x\n" * 1000,
        capture_output=True,
        text=True,
        check=True,
    )

    tags = done.stdout.split()
    assert (len(tags), len(set(tags))) == (1000, 1000)


def test_all_characters_are_equally_likely(lua):
    """
    62 does not divide 256; a byte too many would favour eight of them by a quarter.
    """
    text = lua.eval("require('lab-workbook.tag').randomText(62000)").decode()

    counts = Counter(text)

    # Six standard deviations: once in several million runs.
    assert len(counts) == 62
    assert all(abs(count - 1000) < 6 * 1000**0.5 for count in counts.values())


def test_no_random_source_raises(lua):
    """
    Better no experiment than a tag that two jobs share.
    """
    random_text = lua.eval("require('lab-workbook.tag').randomText")

    for source in (b"/nonexistent", b"/dev/null"):
        with pytest.raises(lua.error, match="no tag can be made without a random source"):
            random_text(10, source)


def test_the_programs_random_numbers_are_left_alone(run):
    """
    The same seed gives the same numbers, with and without an experiment.
    """
    draw = (
        "math.randomseed(42) {} local t = {{}} for i = 1, 5 do t[i] = math.random() end"
        " print(table.concat(t, ' '))"
    )

    without = run(draw.format(""), bare=True)
    experiment = run(
        draw.format("local w = require('lab-workbook'):newExperiment{} w:saveJSON('a', {1}) w:close()"),
        bare=True,
    )

    assert experiment.stdout.splitlines()[-1] == without.stdout.splitlines()[-1]


@pytest.mark.parametrize("tag", [b"a/b", b"", b"..", b"x" * 129, b"a\n", b"\xff"])
def test_an_explicit_tag_is_one_valid_part(lua, tag):
    """
    Of at most 128 bytes.
    """
    with pytest.raises(lua.error, match=r"rule tag\.explicit"):
        lua.eval("require('lab-workbook.tag').check")(tag)
