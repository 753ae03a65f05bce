"""What the tests of importers share: real runs of other programs, and their experiments."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab_workbook import ExperimentRepository
from lab_workbook_writer import importers
from lab_workbook_writer.importers import record

FIXTURES = Path(__file__).resolve().parent / "fixtures"

Imported = Callable[..., dict[str, Any]]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of all fixtures, to be spoilt."""
    return Path(shutil.copytree(FIXTURES, tmp_path / "source"))


@pytest.fixture
def imported(tmp_path: Path) -> Imported:
    """Import all at a path; returns the experiments by the names of their runs."""

    def imported(kind: str, path: object) -> dict[str, Any]:
        prefix = f"file://{tmp_path}/runs/"
        made = {
            found.name: record.as_experiment(found, bucket_prefix=prefix)
            for found in importers.find(kind, str(path))
        }
        repository = ExperimentRepository(prefix)
        return {name: repository[each.tag] for name, each in made.items()}

    return imported
