"""What the reader's tests share: experiments made of plain files, without a writer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from lab_workbook import Experiment, ExperimentRepository

_BEGIN = {
    "protocol": "lab-workbook 1.1",
    "tag": "A",
    "writer": "a test",
    "runtime": "Lua 5.4",
    "started": "2016-02-12T21:49:00Z",
}
_END = {"ended": "2016-02-12T22:17:34Z", "outcome": "finished", "error": None, "lost": {}, "files": {}}

Make = Callable[..., Experiment]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a repository."""
    path = tmp_path / "experiments"
    path.mkdir()
    return path


@pytest.fixture
def repository(folder: Path) -> ExperimentRepository:
    """The repository of `folder`."""
    return ExperimentRepository(folder)


@pytest.fixture
def make(folder: Path, repository: ExperimentRepository) -> Make:
    """
    A function that makes an experiment of files: ``make("TAG", {"a.txt": b"..."}, begin={"note": "hi"})``.

    What ``begin`` and ``end`` give is added to a begin.json and an end.json; None leaves the file out.
    """

    def made(
        tag: str = "A",
        files: dict[str, bytes] | None = None,
        begin: Mapping[str, Any] | None = MappingProxyType({}),
        end: Mapping[str, Any] | None = None,
    ) -> Experiment:
        own = {}
        for name, usual, given in (("begin.json", _BEGIN, begin), ("end.json", _END, end)):
            if given is not None:
                own[f".lab-workbook/{name}"] = json.dumps({**usual, **given}).encode()
        for name, data in (own | (files or {})).items():
            path = folder / tag / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return repository[tag]

    return made
