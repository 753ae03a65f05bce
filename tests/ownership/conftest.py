"""Scripts that share a spoolDir, each in a namespace of its own, and the command that people use."""

from __future__ import annotations

import os
import subprocess
import sys

import lab_workbook
import pytest

from tests.ownership.hosts import NAMESPACE, Host, age


@pytest.fixture
def spool_dir(tmp_path, bucket_prefix, monkeypatch):
    """The folder of all spools, which every script of a test shares."""
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", bucket_prefix)
    monkeypatch.setenv("LAB_WORKBOOK_SPOOL_DIR", str(tmp_path / "spools"))
    return tmp_path / "spools"


@pytest.fixture
def host(tmp_path, spool_dir):
    """Start a script in a namespace of its own; it ends with the test."""
    started = []

    def start(language, name, **more):
        started.append(Host(language, tmp_path, name, LAB_WORKBOOK_SPOOL_DIR=str(spool_dir), **more))
        return started[-1]

    yield start
    for each in started:
        each.end()


@pytest.fixture
def rows(bucket_prefix):
    """The steps of a series that a reader finds in the bucket."""

    def of(tag):
        try:
            return list(lab_workbook.ExperimentRepository(bucket_prefix)[tag]["loss.csv"].index)
        except KeyError:
            return []

    return of


@pytest.fixture
def quiet(host, spool_dir):
    """A script with 10 rows, 5 of them in the bucket, quiet for an hour, whose uploader is dead."""

    def make(language):
        script = host(language, "A")
        script.do("start", tag="A")
        script.do("series")
        script.do("rows", first=0, last=5)
        assert script.do("flush").lower() == "true"
        (spool,) = spool_dir.glob("A.*")
        script.do("kill the uploader", journal=str(spool / ".lab-workbook/journal"))
        script.do("rows", first=5, last=10)
        age(spool)
        return script, spool

    return make


@pytest.fixture
def push(spool_dir):
    """Run `lab-workbook push`, here or in a namespace of its own."""

    def run(*arguments, is_apart=False, **environment):
        start = [sys.executable, "-c", "from lab_workbook.cli import main; main()", "push", *arguments]
        return subprocess.run(
            [*(NAMESPACE if is_apart else []), *start],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "LAB_WORKBOOK_SPOOL_DIR": str(spool_dir), **environment},
        )

    return run
