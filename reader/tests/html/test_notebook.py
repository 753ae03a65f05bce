"""
A notebook shows what an experiment is, and nothing that its writer has smuggled in.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from lab_workbook import Experiment, ExperimentRepository
from lab_workbook.html import notebook, visible

from reader.tests.html import hostile


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    """A real IPython, without a home and a history."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.Completer.use_jedi = False
    return InteractiveShell(config=config)


def html_of(shell: InteractiveShell, value: object) -> str:
    formats, _ = shell.display_formatter.format(value)
    return str(formats["text/html"])


def texts_of(page: str) -> str:
    return " ".join(" ".join(hostile.Elements(page).texts).split())


def test_ipython_shows_an_experiment(shell: Any, make: Any) -> None:
    """
    Status, times, notes, parameters, artifacts with their sizes and a curve of each series.
    """
    made = make(
        "A",
        {
            "options.json": b'{"rate": 0.1, "net": {"layers": [3, 4]}}',
            "log.csv": b"epoch,loss,Date\n1,0.5,2016-02-12T22:17:34Z\n2,0.25,2016-02-12T22:17:35Z\n",
            "model.t7": bytes(4_200_000),
        },
        begin={"note": "half the rate", "host": "gpu7"},
        end={"outcome": "failed", "error": {"type": "ValueError", "message": "no"}},
    )

    page = html_of(shell, made)

    shown = texts_of(page)
    assert "A failed 2016-02-12 21:49:00 to 2016-02-12 22:17:34 UTC half the rate ValueError: no" in shown
    assert "log.csv · loss 0.25 0.25 to 0.5, 2 rows" in shown
    assert "parameters 2 options.rate 0.1 options.net.layers [3, 4]" in shown
    assert "model.t7 4.2 MB" in shown
    assert "gpu7" in shown
    assert 'points="0,0 160,24"' in page


def test_a_large_document_is_no_parameter(shell: Any, make: Any) -> None:
    """
    A result of a megabyte is an artifact, and is not even read.
    """
    made = make("A", {"result.json": json.dumps({"a": "x" * 70_000}).encode(), "small.json": b'{"b": 1}'})

    shown = texts_of(html_of(shell, made))

    assert "parameters 1 small.b 1" in shown
    assert "result.json 70.0 kB" in shown


def test_ipython_shows_a_repository(shell: Any, make: Any, repository: Any) -> None:
    """
    The newest ten, the newest first, and how many more there are.
    """
    for number in range(12):
        make(f"2016{number:02}", begin={"note": f"try {number}"}, end={})

    shown = texts_of(html_of(shell, repository))

    assert "12 experiments, the newest first" in shown
    assert "201611 finished 2016-02-12 21:49:00 try 11 201610 finished" in shown
    assert "try 2" in shown
    assert "try 1 " not in shown
    assert "and 2 more" in shown
    assert repr(repository) == f"<ExperimentRepository: {repository.where}>"


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> ExperimentRepository:
    """A repository in a bucket at an address where nobody listens."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return ExperimentRepository("s3://bucket/exp/", endpoint_url="http://127.0.0.1:9")


def test_plain_representations_are_one_line_and_ask_nobody(nowhere: Any) -> None:
    """
    `print` must not wait for a bucket.
    """
    assert repr(nowhere) == "<ExperimentRepository: s3://bucket/exp/>"
    assert repr(nowhere["201602122149-PMJ8a76csB"]) == "<Experiment: 201602122149-PMJ8a76csB>"


def test_what_cannot_be_read_is_said_in_its_place(shell: Any, make: Any, repository: Any) -> None:
    """
    A damaged artifact does not hide the rest of the experiment, nor a damaged experiment the others.
    """
    damaged = {"bad.json": b"{", "bad.csv": b"a,Date\n1,2,3\n", "good.json": b'{"a": 1}'}
    some = make("A", damaged)
    make("B", begin={"protocol": "lab-workbook 9.0"})

    shown = texts_of(html_of(shell, some))

    assert "bad.json is not JSON" in shown
    assert "bad.csv, row 1 cannot be read" in shown
    assert "parameters 1 good.a 1" in shown
    assert "pip install -U lab-workbook" in texts_of(html_of(shell, repository["B"]))
    assert "B unreadable" in texts_of(html_of(shell, repository))
    assert "A open" in texts_of(html_of(shell, repository))


@pytest.mark.parametrize("tag", ["GONE", "<script>alert(1)</script>"])
def test_what_is_not_there_is_said_too(shell: Any, repository: Any, make: Any, tag: str) -> None:
    """
    A representation that raises would fill the notebook with IPython's own lines.
    """
    make("A")

    page = html_of(shell, repository[tag])

    assert f"there is no experiment '{tag}'" in hostile.Elements(page).text
    assert not any(tag == "script" for tag, *_ in hostile.Elements(page).found)


def test_a_bucket_that_does_not_answer_is_said_too(shell: Any, nowhere: Any) -> None:
    assert "s3://bucket/exp/" in html_of(shell, nowhere)
    assert shell.display_formatter.format(nowhere)[0]["text/plain"] == repr(nowhere)


def test_an_empty_repository_is_shown(shell: Any, repository: Any) -> None:
    assert "0 experiments" in html_of(shell, repository)


def test_a_notebook_is_bounded_whatever_the_experiment_holds(shell: Any, make: Any) -> None:
    """
    A hundred thousand parameters, notes as long as books and a thousand artifacts stay a page.
    """
    many = {str(number): "x" * 100 for number in range(500)}
    files = {f"{number}.json": json.dumps(many).encode() for number in range(40)}
    files |= {f"{number}.txt": b"" for number in range(1_000)}
    made = make("A", files, begin={"note": "n" * 1_000_000})

    assert len(html_of(shell, made)) < 400_000


@given(text=hostile.texts())
def test_no_text_becomes_an_element(text: str) -> None:
    """
    Whatever a name, a note, a parameter, an error or a host says, it stays text; the invisible is seen.
    """
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        shown = hostile.experiment(Path(first), text)
        harmless = hostile.experiment(Path(second), "harmless")

        pages = [(notebook.experiment(each), notebook.repository(_of(each))) for each in (shown, harmless)]

    for page, expected in zip(*pages, strict=True):
        elements = hostile.Elements(page)
        assert elements.found == hostile.Elements(expected).found
        assert visible(text).strip() in elements.text or _is_folded(text, elements.text)
        assert not set(page) & set("\x00\x1b\x85\u200f\u202e\u2066")
        page.encode()


def _of(shown: Experiment) -> ExperimentRepository:
    return ExperimentRepository(shown.where.removesuffix("A/"))


def _is_folded(text: str, shown: str) -> bool:
    """Say whether a text is there but for its white space, of which a parser keeps what it likes."""
    return "".join(visible(text).split()) in "".join(shown.split())


@given(text=st.text())
def test_text_is_changed_only_where_it_is_invisible(text: str) -> None:
    """
    Letters of any language, signs and emoji are shown as they are.
    """
    kept = "".join(each for each in text if visible(each) == each)

    assert visible(kept) == kept
    visible(text).encode()
    assert visible(visible(text)) == visible(text)
    assert visible("žluťoučký кот 猫 🐈\n\t«quoted»") == "žluťoučký кот 猫 🐈\n\t«quoted»"


def completions(shell: InteractiveShell, code: str) -> set[str]:
    with provisionalcompleter():
        return {each.text for each in shell.Completer.completions(code, len(code))}


def test_tab_completes_tags_and_names(shell: Any, make: Any, repository: Any) -> None:
    """
    What is typed in IPython behind a bracket is completed from what exists.
    """
    some = make("201602122149-PMJ8a76csB", {"Training loss.csv": b"a,Date\n", "options.json": b"{}"})
    make("201701010000-PMJ8a76csB")
    shell.push({"repository": repository, "some": some})

    assert any("201602122149-PMJ8a76csB" in each for each in completions(shell, 'repository["2016'))
    assert not any("201701010000" in each for each in completions(shell, 'repository["2016'))
    assert any("Training loss.csv" in each for each in completions(shell, 'some["Tr'))
