"""What a script's user is told of deliveries, from Lua: the same lines as from Python."""

from __future__ import annotations

import json
import random
import re

import pytest
from lab_workbook_writer.uploader.journal import Journal

OVER = "lab-workbook: deliveries to the bucket work again"


@pytest.fixture
def news(lua, tmp_path):
    """The news of a journal: give it events and a time."""
    path = tmp_path / "journal"
    path.touch()
    lua.execute(
        f"journal = require 'lab-workbook.journal'.open({json.dumps(str(path))})"
        " news = require 'lab-workbook.news'.new(journal)"
    )

    def news(now, *events):
        with path.open("a") as journal:
            journal.writelines(json.dumps(event) + "\n" for event in events)
        lua.execute(f"news:read({now}) news:tell({now})")

    return news


def trouble(message="no route"):
    return {"event": "trouble", "message": message}


def test_trouble_is_told_once_and_so_is_its_end(news, capfd):
    """
    With the reason, and that nobody has to do anything.
    """
    news(10, trouble('no "route" to the bücket'))
    for second in range(11, 90):
        news(second)
    news(90, {"event": "recovered"})
    news(91)

    first, *rest = capfd.readouterr().err.splitlines()
    assert first.startswith('lab-workbook: nothing reaches the bucket just now (no "route" to the bücket); ')
    assert rest == [OVER]


def test_a_hiccup_is_not_worth_a_line(news, capfd):
    """
    Trouble that is over within two seconds was never there.
    """
    news(10, trouble())
    news(11)
    news(12, {"event": "recovered"})
    news(90)

    assert capfd.readouterr().err == ""


def test_a_network_that_comes_and_goes_costs_two_lines_a_minute(news, capfd):
    """
    An outage that still lasts when the minute is over is told then.
    """
    for second in range(0, 600, 10):
        news(second, trouble())
        news(second + 5)
        news(second + 6, {"event": "recovered"})

    lines = capfd.readouterr().err.splitlines()
    assert 10 <= len(lines) <= 20
    assert set(lines[1::2]) == {OVER}


def test_a_refusal_is_told_at_once(news, capfd):
    """
    Nothing will mend it by itself.
    """
    news(1, trouble())
    news(2, {"event": "refused", "reason": "taken", "message": "the tag is taken"})
    news(99)

    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("lab-workbook: nothing will reach the bucket any more (the tag is taken); ")


def test_half_a_line_waits_for_its_other_half(news, tmp_path, capfd):
    """
    The uploader may be in the middle of a word.
    """
    news(1)
    with (tmp_path / "journal").open("a") as journal:
        journal.write('{"event": "trou')
    news(2)
    with (tmp_path / "journal").open("a") as journal:
        journal.write('ble", "message": "no route"}\n')
    news(3)
    news(6)

    assert capfd.readouterr().err.count("no route") == 1


def test_a_claim_without_an_answer_is_not_reported_as_recovered(lua, news, capfd):
    """
    The writer reported that nothing has arrived; the server has to answer before deliveries work again.
    """
    lua.execute("news:wasSaid(5)")
    for second in range(5, 100):
        news(second)
    news(100, trouble())
    news(190)
    silent = capfd.readouterr().err
    news(200, {"event": "claimed"})

    assert (silent, capfd.readouterr().err) == ("", OVER + "\n")


@pytest.mark.parametrize("seed", range(3))
def test_a_journal_that_is_compacted_tells_the_same(lua, tmp_path, capfd, seed):
    """
    However rarely the script looks, what it may have missed is repeated. Of several artifacts that were lost
    since the last look, any may be the one that is named.
    """
    draw = random.Random(seed)
    journals = {}
    for name, size in (("whole", None), ("short", 500)):
        path = json.dumps(str(tmp_path / name))
        lua.execute(f"{name} = require 'lab-workbook.news'.new(require 'lab-workbook.journal'.open({path}))")
        journals[name] = Journal(str(tmp_path / name), compact_at=size)
        journals[name].say("claimed")
    told = {"whole": [], "short": []}

    for look in range(60):
        for _ in range(draw.choice([1, 2, 40])):
            name = f"{draw.randrange(5)}.txt"
            event, more = draw.choice(
                [
                    ("published", {"name": name, "bytes": 1, "outbox": "1", "sha256": "aa"}),
                    ("lost", {"name": name, "message": "gone"}),
                    ("trouble", {"message": "no route"}),
                    ("recovered", {}),
                    ("started", {"pid": draw.randrange(9)}),
                ]
            )
            for journal in journals.values():
                journal.say(event, **more)
        for name in journals:
            # Trouble that lasts is told two seconds later.
            lua.execute(f"{name}:read({100 * look}) {name}:tell({100 * look + 5})")
            state = lua.eval(
                f"{name}.uploader .. ' ' .. tostring({name}.journal.isClaimed) .. tostring({name}.trouble)"
                if lua.eval(f"{name}.uploader")
                else "''"
            )
            lost = {number for number in range(5) if lua.eval(f"{name}.lost['{number}.txt'] == true")}
            err = capfd.readouterr().err
            named = set(re.findall(r"lost \('([0-9])\.txt'", err))
            assert name == "whole" or named <= set(map(str, lost))
            told[name].append((state, lost, re.sub(r"'[0-9]\.txt'", "'...'", err)))

    assert told["short"] == told["whole"]
    assert "no route" in str(told)
