"""
Mutants of our writers, as a test of the kit: `make mutants` tries hundreds, and here a few show how.
"""

import importlib.util

import pytest

from conformance.mutants import explained, making
from conformance.mutants.__main__ import report
from conformance.mutants.judging import Court, Verdict
from conformance.mutants.mutant import Mutant

LUA = "lua/lab-workbook/"
PYTHON = "reader/lab_workbook/protocol/"
needs_cosmic_ray = pytest.mark.skipif(
    importlib.util.find_spec("cosmic_ray") is None, reason="cosmic-ray is installed by make mutants"
)


@pytest.fixture(scope="module")
def court():
    with Court(timeout=30) as court:
        yield court


def changed(module, was, becomes):
    """A mutant made by hand."""
    source = making.source(module)
    assert source.count(was) == 1
    return Mutant(module, 1, was, becomes, source.replace(was, becomes))


@pytest.mark.parametrize(
    ("module", "was", "becomes"),
    [
        (f"{LUA}cells.lua", "return '\"' .. value .. '\"'", "return '\"' .. value .. ''"),
        (f"{LUA}names.lua", "self.names[key] = name", ""),
        (
            f"{PYTHON}cells.py",
            """value.replace('"', '""') + '"'\n\n    def _item""",
            """value + '"'\n\n    def _item""",
        ),
        (f"{PYTHON}text.py", "if not keep_nul:", "if keep_nul:"),
    ],
    ids=["a quote", "a register", "two quotes", "a condition"],
)
def test_a_mutant_is_killed(court, module, was, becomes):
    """
    A writer that has changed in what it writes is found, by a case that has a name.
    """
    verdict = court.judge(changed(module, was, becomes))

    assert verdict.case
    assert verdict.how == "failed"


def test_a_mutant_that_never_answers_is_killed():
    """
    An endless loop is noticed after the time that an answer has.
    """
    with Court(timeout=2) as court:
        verdict = court.judge(changed(f"{LUA}tag.lua", "while #characters < length do", "while true do"))

    assert verdict.how == "silent"


def test_a_mutant_that_writes_the_same_survives_and_is_reported(court, capsys):
    """
    What no case finds counts as open, until it is explained.
    """
    mutant = changed(f"{PYTHON}text.py", "if valid != text:", "if not valid == text:")
    verdict = court.judge(mutant)
    assert not verdict.case

    assert report([verdict], {}) == 1
    table = capsys.readouterr().out
    assert table.splitlines()[1].split() == [mutant.module, "0", "0", "0", "1"]
    assert "killed: 0.0 % of the 1" in table


def test_at_least_95_percent_are_killed_and_the_rest_is_explained():
    """
    What writes the same in any case does not count; what only the kit cannot see does.
    """
    mutant = changed(f"{PYTHON}text.py", "if valid != text:", "if not valid == text:")
    survivor, killed = Verdict(mutant, "", ""), Verdict(mutant, "series.row-1", "failed")
    equivalent, unseen = ({explained.key(mutant): what} for what in (explained.EQUIVALENT, explained.UNSEEN))

    assert report([survivor, *[killed] * 99], {}) == 1
    assert report([survivor, killed], equivalent) == 0
    assert report([survivor, *[killed] * 19], unseen) == 0
    assert report([survivor, *[killed] * 18], unseen) == 1


def test_a_seed_chooses_the_same_mutants_again():
    """
    Who is told of a survivor can make it.
    """
    chosen = making.sample(8, 3, languages=[making.LUA])

    assert len({mutant.source for mutant in chosen}) == 8
    assert making.sample(8, 3, languages=[making.LUA]) == chosen
    assert making.sample(8, 4, languages=[making.LUA]) != chosen


@needs_cosmic_ray
def test_each_writer_gives_as_many():
    """
    And what they differ in is shown as it stands in the file.
    """
    chosen = making.sample(8, 3)

    assert [mutant.module.endswith(".lua") for mutant in chosen] == [False] * 4 + [True] * 4
    for mutant in chosen:
        assert mutant.was != mutant.becomes
        assert mutant.was in " ".join(line.strip() for line in making.source(mutant.module).splitlines())


def test_nothing_that_speaks_to_people_is_mutated():
    """
    Another word in a message is no other writer.
    """
    sites = list(making.sites(making.LUA, "names.lua"))

    source = making.source(sites[0].module)
    sentence = "%s cannot be a name: %s"
    assert sentence in source
    assert all(sentence in site.change(source) for site in sites)


@needs_cosmic_ray
def test_each_explanation_is_about_a_mutant_that_exists():
    """
    One whose code has changed since is no explanation.
    """
    _, gone = explained.mutants(explained.load())

    assert gone == []
