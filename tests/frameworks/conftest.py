"""What the tests of frameworks share: a place to train in, and what was recorded there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from lab_workbook import Experiment, ExperimentRepository

HERE = os.path.dirname(__file__)
FRAMEWORKS = ("lightning", "transformers", "accelerate", "ignite", "keras", "hydra")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let frameworks warn of what they like, and skip what is not installed, with a sentence."""
    missing = [name for name in FRAMEWORKS if find_spec(name) is None]
    for item in items:
        if str(item.path).startswith(HERE):
            item.add_marker(pytest.mark.filterwarnings("ignore"))
            if missing:
                reason = f"`make test-frameworks` installs {', '.join(missing)}"
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def work(isolation: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository to train in; what is recorded goes to the home, as without any settings."""
    folder = isolation / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    # What is downloaded is a mistake: each model here is made on the spot.
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (folder / "train.py").write_text("rate = 0.1\n")
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "First steps"]):
        subprocess.run(["git", *who, *words], check=True)
    return folder


@pytest.fixture
def recorded(work: Path) -> Callable[[], list[Experiment]]:
    """All experiments that were recorded in this test, in their order."""
    return lambda: list(ExperimentRepository(work.parent / "lab-workbook")[:])


@pytest.fixture
def closing(work: Path) -> Iterator[Callable[[type[Any]], Callable[..., Any]]]:
    """Give what makes objects of a class, each of which is closed when the test is over."""
    assert work
    made: list[Any] = []

    def of(kind: type[Any]) -> Callable[..., Any]:
        def make(**given: Any) -> Any:
            made.append(kind(**given))
            return made[-1]

        return make

    yield of
    for each in made:
        each.close()


@pytest.fixture
def run(work: Path) -> Callable[..., Any]:
    """Run a script of Python; gives what it has printed."""

    def run_script(*words: str, status: int = 0, **environment: str) -> Any:
        done = subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            cwd=work,
            env={**os.environ, **environment},
        )
        assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
        return done

    return run_script
