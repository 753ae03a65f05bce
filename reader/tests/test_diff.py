"""
What differs between two experiments, and nothing else.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import lab_workbook
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_workbook import ExperimentNotFound, ExperimentRepository
from lab_workbook.cli import main
from lab_workbook_conformance import strategies

PATCH = (
    "diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-rate = 0.1\n+rate = {}\n"
)


@pytest.fixture
def pair(make: Any) -> Any:
    """Two experiments that differ in everything."""
    a = make(
        "A",
        {
            "options.json": b'{"rate": 0.1, "layers": [3, 4], "same": 1, "old": true}',
            "Source.git-current-commit": b"commit 1111\nAuthor: ann\n",
            "Source.git-patch": PATCH.format("0.5").encode(),
            "a.txt": b"",
        },
        begin={"host": "gpu1", "command": ["train.py"], "pid": 1, "nonce": "x"},
    )
    b = make(
        "B",
        {
            "options.json": b'{"rate": 0.01, "layers": [3, 4], "same": 1, "new": null, "deep": {"x": "y"}}',
            "Source.git-current-commit": b"commit 2222\n",
            "Source.git-patch": PATCH.format("0.25").encode(),
            "b.txt": b"",
        },
        begin={"host": "gpu2", "command": ["train.py"], "pid": 2, "nonce": "y"},
    )
    return a, b


def test_each_part_has_only_what_differs(pair: Any) -> None:
    """
    Parameters as a table names them, the environment without what is another in every run, commit and patch.
    """
    found = lab_workbook.diff(*pair)

    assert found.tags == ("A", "B")
    assert found.parameters == {
        "options.rate": (0.1, 0.01),
        "options.old": (True, None),
        "options.deep.x": (None, "y"),
    }
    assert found.environment == {"host": ("gpu1", "gpu2")}
    assert found.source["Source"].commits == ("1111", "2222")
    assert found.source["Source"].patch[-2:] == ["-+rate = 0.5", "++rate = 0.25"]
    assert found.only == (["a.txt"], ["b.txt"])
    assert found.problems == []
    assert found
    assert repr(found) == "<Diff of A and B: different>"


def test_packages_and_machine_are_environment_and_no_parameters(
    make: Any, repository: ExperimentRepository
) -> None:
    """
    What was captured of a machine is compared, and fills no columns of the table.
    """
    told = '{{"captured": "{}", "host": "gpu1", "packages": {{"torch": "{}", "numpy": "2.4"}}}}'
    a, b = (
        make(tag, {"environment.json": told.format(tag, torch).encode()}, begin={"host": "gpu1"})
        for tag, torch in (("A", "2.12"), ("B", "2.13"))
    )

    found = lab_workbook.diff(a, b)

    assert found.environment == {"environment.packages.torch": ("2.12", "2.13")}
    assert found.parameters == {}
    assert not [column for column in repository.table() if column.startswith("environment")]


def test_the_text_says_it_all(pair: Any) -> None:
    assert str(pair[0].diff(pair[1])) == (
        "a  A\n"
        "b  B\n"
        "\n"
        "parameters      a     b\n"
        "options.rate    0.1   0.01\n"
        "options.old     true\n"
        "options.deep.x        y\n"
        "\n"
        "environment  a     b\n"
        "host         gpu1  gpu2\n"
        "\n"
        "source Source  a     b\n"
        "commit         1111  2222\n"
        "\n"
        "patch Source\n"
        "--- a\n"
        "+++ b\n"
        "@@ -3,4 +3,4 @@\n"
        " +++ b/train.py\n"
        " @@ -1 +1 @@\n"
        " -rate = 0.1\n"
        "-+rate = 0.5\n"
        "++rate = 0.25\n"
        "\n"
        "only in a\n"
        "a.txt\n"
        "\n"
        "only in b\n"
        "b.txt"
    )


def test_an_experiment_does_not_differ_from_itself(pair: Any) -> None:
    found = pair[0].diff(pair[0])

    assert not found
    assert str(found) == "a  A\nb  A\n\nnothing differs"


documents = st.dictionaries(st.text("ab", min_size=1, max_size=2), strategies.json_values(), max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(a=documents, b=documents)
def test_a_diff_is_empty_for_the_same_parameters_and_turns_round(make: Any, a: Any, b: Any) -> None:
    """
    Whatever the JSON holds; and what it says of two it says of them in the other order.
    """
    one = make("A", {"o.json": json.dumps(a).encode()})
    other = make("B", {"o.json": json.dumps(b).encode()})
    same = make("C", {"o.json": json.dumps(a).encode()})

    found, back = one.diff(other), other.diff(one)

    assert not one.diff(same)
    assert found.parameters == {name: (after, before) for name, (before, after) in back.parameters.items()}
    assert json.loads(json.dumps(found.as_json()))["parameters"].keys() == found.parameters.keys()


@pytest.mark.parametrize(("one", "other"), [("1", "1.0"), ("1", "true"), ("0", "false"), ('"1"', "1")])
def test_values_that_python_takes_for_equal_differ(make: Any, one: str, other: str) -> None:
    a, b = (make(tag, {"o.json": f'{{"x": {value}}}'.encode()}) for tag, value in (("A", one), ("B", other)))

    assert list(a.diff(b).parameters) == ["o.x"]


def test_what_cannot_be_read_or_is_too_large_hides_nothing_else(make: Any) -> None:
    """
    It is named, and the rest is compared.
    """
    long = b"x\n" * 5000
    a = make("A", {"bad.json": b"{", "o.json": b'{"x": 1}', "s.git-patch": long, "t.git-patch": b"x" * 2**20})
    b = make("B", {"bad.json": b"[]", "o.json": b'{"x": 2}', "s.git-patch": b"", "t.git-patch": b""})

    found = a.diff(b)

    assert found.parameters == {"o.x": (1, 2)}
    assert [re.sub(" is not JSON.*", "", problem) for problem in found.problems] == [
        "bad.json",
        "t.git-patch of A has 1,048,576 bytes, too much to compare",
        "the patches of s differ, and are too long to say where",
    ]


HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e\"'&"


@pytest.fixture
def hostile(make: Any) -> Any:
    """Two experiments of a stranger."""
    patch = f"+{HOSTILE}\n".encode()
    parameters = json.dumps({HOSTILE: HOSTILE}).encode()
    a = make("A", {"o.json": parameters, f"{HOSTILE.replace('/', '')}.txt": b"", "s.git-patch": patch})
    return a, make("B", {"o.json": b"{}"}, begin={"host": HOSTILE})


def test_nothing_of_a_stranger_reaches_the_terminal_or_the_page(hostile: Any) -> None:
    found = hostile[0].diff(hostile[1])
    tags: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            del attrs
            tags.append(tag)

    page = found._repr_html_()
    Tags().feed(page)

    assert not [each for each in str(found) if not each.isprintable() and each != "\n"]
    assert "script" not in tags
    assert not {"\x1b", "\u202e"} & set(page)
    assert "alert(1)" in page


def test_a_notebook_shows_the_same(pair: Any) -> None:
    page = pair[0].diff(pair[1])._repr_html_()

    for text in ("options.rate", "0.01", "gpu2", "2222", "++rate = 0.25", "a.txt", "only in b"):
        assert text in page
    assert "nothing differs" in pair[0].diff(pair[0])._repr_html_()


def test_the_command_prints_it(pair: Any, folder: Path) -> None:
    """
    As a text, in colours on a terminal alone, and for programs as JSON.
    """

    def run(*arguments: str, **more: Any) -> Any:
        return CliRunner().invoke(main, ["diff", "A", "B", "--prefix", str(folder), *arguments], **more)

    found = pair[0].diff(pair[1])
    coloured = run(color=True).stdout

    assert run().stdout == f"{found}\n"
    assert "\x1b[32m++rate = 0.25\x1b[0m" in coloured
    assert re.sub("\x1b\\[[0-9]+m", "", coloured) == f"{found}\n"
    assert json.loads(run("--json").stdout) == json.loads(json.dumps(found.as_json()))


def test_an_experiment_that_is_not_there_is_said(pair: Any, repository: ExperimentRepository) -> None:
    with pytest.raises(ExperimentNotFound):
        pair[0].diff(repository["nothing"])
