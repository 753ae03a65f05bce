"""
Processes that are stopped for an hour while another experiment starts on the same spool folder.

The hour is one for all that looks at files: their times are set back, so that the spool seems to be forsaken.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import lab_workbook
import pytest

from tests.faults.recording import Recording, assert_whole, rows_of, spool_of, uploaders, wait_until
from tests.ownership.hosts import Host, age, needs_namespaces

# Other experiments come and go meanwhile, which takes seconds.
pytestmark = pytest.mark.soak

LANGUAGES = ["python", "luajit", "lua5.1"]


def parts(who: str, script: Recording, spool: Path) -> list[int]:
    """Return the processes that are stopped."""
    chosen = {"script": [script.process.pid], "uploader": uploaders(spool)}
    return chosen.get(who, [script.process.pid, *uploaders(spool)])


def try_to_help(tmp_path: Path, push, *, is_apart: bool) -> list[str]:
    """Let another experiment come and go, and a person push; returns what the person read."""
    other = Host("python", tmp_path, "other", apart=is_apart)
    try:
        other.do("start", tag="other")
        other.do("series")
        other.do("rows", first=0, last=5)
        assert other.do("flush") == "True"
        other.do("close")
    finally:
        other.end()
    return push(is_apart=is_apart).stdout.splitlines()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("who", ["both", "script", "uploader"])
@pytest.mark.parametrize(
    "is_apart",
    [pytest.param(True, id="another node", marks=needs_namespaces), pytest.param(False, id="this node")],
)
def test_nobody_ends_an_experiment_whose_processes_are_stopped(  # noqa: PLR0917 - fixtures
    language, who, is_apart, bucket_prefix, record, spool_dir, push, tmp_path, monkeypatch
):
    """
    Others may bring rows into the bucket; afterwards script and uploader go on as if nothing had happened.
    """
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", bucket_prefix)
    script = record(language)
    wait_until(lambda: rows_of(bucket_prefix) > 0, lambda: script.said)
    spool = spool_of(spool_dir)
    before = uploaders(spool)

    stopped = parts(who, script, spool)
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    age(spool)
    said = try_to_help(tmp_path, push, is_apart=is_apart)
    assert lab_workbook.ExperimentRepository(bucket_prefix)["T"].end == {}, said
    for process in stopped:
        os.kill(process, signal.SIGCONT)
    seen = rows_of(bucket_prefix)
    wait_until(lambda: rows_of(bucket_prefix) > seen, lambda: script.said)
    assert uploaders(spool) == before
    script.stop()

    assert_whole(bucket_prefix, script.promised)
    wait_until(lambda: not spool.exists())
    assert not [line for line in script.said if "experiment T in" not in line]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "is_apart",
    [
        pytest.param(True, id="another node", marks=needs_namespaces),
        pytest.param(False, id="this node"),
    ],
)
def test_a_stopped_script_whose_uploader_is_killed_loses_no_row(  # noqa: PLR0917 - fixtures
    language, is_apart, bucket_prefix, record, spool_dir, push, tmp_path, monkeypatch
):
    """
    Nothing shows any more that the script lives, but its process; a push or its own end delivers the rest.
    """
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", bucket_prefix)
    script = record(language)
    wait_until(lambda: rows_of(bucket_prefix) > 0, lambda: script.said)
    spool = spool_of(spool_dir)

    os.kill(script.process.pid, signal.SIGSTOP)
    for process in uploaders(spool):
        os.kill(process, signal.SIGKILL)
    age(spool)
    said = try_to_help(tmp_path, push, is_apart=is_apart)
    assert script.promised <= rows_of(bucket_prefix) <= script.promised + 1, said
    assert lab_workbook.ExperimentRepository(bucket_prefix)["T"].end == {}, said
    os.kill(script.process.pid, signal.SIGCONT)
    script.record()
    script.stop()

    assert_whole(bucket_prefix, script.promised)
    wait_until(lambda: not spool.exists())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stopped_script_in_a_folder_is_running(language, record, tmp_path, monkeypatch):
    """
    However long it is quiet, and although another experiment is recorded beside it.
    """
    place = f"{tmp_path}/runs/"
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", place)
    script = record(language)
    script.record()

    os.kill(script.process.pid, signal.SIGSTOP)
    age(tmp_path / "runs")
    with lab_workbook.new_experiment(tag="other") as other:
        other.save_text("note", "x")
    assert lab_workbook.ExperimentRepository(place)["T"].status == "running"
    os.kill(script.process.pid, signal.SIGCONT)
    script.record()
    script.stop()

    assert_whole(place, script.promised)
