"""
New rows come as they land: each once, and whole.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from lab_workbook import ArtifactNotFound, Experiment, ExperimentRepository, Unreadable
from lab_workbook.protocol import process
from lab_workbook.store import Blob
from lab_workbook.store.folder import FolderStore
from traitlets.config import Config

DATE = "2016-02-12T22:17:34Z"
HEADER = b"step,note,Date\n"


def rows(*steps: int) -> bytes:
    return "".join(f'{step},"a\n""b""",{DATE}\n' for step in steps).encode()


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what has to come within a minute."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@given(st.lists(st.integers(0, 300), max_size=12))
def test_each_row_is_given_once_and_whole(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    """
    Wherever the file ends at a look, the rows that were given are those of the file.
    """
    whole = HEADER + rows(*range(10))
    folder = tmp_path_factory.mktemp("watched")
    (folder / "A/.lab-workbook").mkdir(parents=True)
    (folder / "A/.lab-workbook/begin.json").write_bytes(b'{"protocol": "lab-workbook 1.1"}')
    watch = ExperimentRepository(folder)["A"].watch("log.csv", every=0, timeout=0)
    given_rows: list[int] = []

    for cut in [*sorted(cuts), len(whole)]:
        (folder / "A/log.csv").write_bytes(whole[:cut])
        given_rows += [step for part in watch for step in part.index]
        assert given_rows == list(range(max(whole[:cut].count(DATE.encode() + b"\n"), 0)))


def test_what_is_there_comes_first_and_the_end_is_the_end(make: Any) -> None:
    """
    An experiment that has ended gives all its rows, and nothing is waited for.
    """
    experiment = make(files={"log.csv": HEADER + rows(1, 2)}, end={})

    parts = list(experiment.watch("log.csv", every=600))

    assert [part.index.tolist() for part in parts] == [[1, 2]]
    pd.testing.assert_frame_equal(parts[0], experiment["log.csv"])


class Finishing(FolderStore):
    """A folder in which the experiment ends between two questions: when its heartbeat is asked for."""

    def __init__(self, folder: Path, finish: Callable[[], object]) -> None:
        super().__init__(f"{folder}/")
        self._finish = finish

    def get(self, key: str, *, start: int = 0, etag: str = "") -> Blob:
        if key.endswith("heartbeat.json"):
            self._finish()
        return super().get(key, start=start, etag=etag)


def test_a_series_that_does_not_exist_yet_is_waited_for(make: Any, folder: Path) -> None:
    """
    And its last rows come, although they and the end land just after a look.
    """
    make()
    store = Finishing(folder, lambda: make(files={"log.csv": HEADER + rows(1, 2, 3)}, end={}))

    watch = Experiment(store, "A", "file:///").watch("log.csv", every=0.01)

    assert [step for part in watch for step in part.index] == [1, 2, 3]


@pytest.mark.parametrize("end", [None, {}])
def test_a_series_that_never_was_is_an_error_at_the_end_alone(make: Any, end: Any) -> None:
    """
    While the experiment runs it may still come; then the name was wrong, and the error lists the others.
    """
    experiment = make(files={"loss.csv": HEADER}, end=end)
    watch = experiment.watch("lose.csv", every=0.01, timeout=0.05)

    if end is None:
        assert list(watch) == []
    else:
        with pytest.raises(ArtifactNotFound, match=r"Did you mean 'loss\.csv'"):
            list(watch)


def test_what_is_no_series_cannot_be_watched(make: Any) -> None:
    with pytest.raises(Unreadable, match=r"a\.json of A is no series"):
        list(make(files={"a.json": b"1"}).watch("a.json"))


def test_a_script_that_has_gone_without_a_word_is_waited_for_no_longer(make: Any) -> None:
    """
    In a folder nothing comes any more once its process is gone.
    """
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as script:
        started, image = process._started(script.pid), process._image(script.pid)
        begin = process.identity() | {"pid": script.pid, "pidStarted": started, "pidImage": image}
        watch = make(files={"log.csv": HEADER + rows(1)}, begin=begin).watch("log.csv", every=0.01)
        first = next(watch)
        script.kill()
        rest = list(watch)

    assert (first.index.tolist(), rest) == ([1], [])


@pytest.fixture
def shell() -> Iterator[None]:
    """An IPython, without a history that it would write at exit."""
    InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    yield
    InteractiveShell.clear_instance()


@pytest.mark.usefixtures("shell")
def test_a_notebook_shows_one_picture_that_is_renewed(make: Any, folder: Path) -> None:
    """
    In the same place, as often as rows come; afterwards the axes are there to be worked on.
    """
    experiment = make(files={"log.csv": f"step,loss,Date\n1,0.5,{DATE}\n2,0.25,{DATE}\n".encode()})

    def train(captured: Any) -> None:
        wait_until(lambda: len(captured.outputs) == 1)
        with (folder / "A/log.csv").open("a") as file:
            file.write(f"3,0.125,{DATE}\n")
        wait_until(lambda: len(captured.outputs) == 2)
        make(end={})

    with capture_output() as captured:
        script = threading.Thread(target=train, args=[captured])
        script.start()
        axes = experiment.watch("log.csv", every=0.01).plot(y="loss", logy=True)
        script.join()

    pictures = [output.data["image/png"] for output in captured.outputs]
    assert len(pictures) == 2
    assert [output.update for output in captured.outputs] == [False, True]
    assert axes.get_title() == "log.csv"
    assert axes.get_lines()[0].get_xydata().tolist() == [[1, 0.5], [2, 0.25], [3, 0.125]]
