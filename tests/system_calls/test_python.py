"""
System calls fail, one after the other, inside of every public verb of the Python writer.

Whatever fails, nothing but documented misuse is raised; what was not stored is counted in end.json; and once
the fault is gone, everything is stored again.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.system_calls import attack

ROOT = Path(__file__).resolve().parents[2]
ATTACK = attack.__file__
# What a caller's file may be the reason of, as save_file documents it.
ABOUT_THE_PATH = ("FileNotFoundError", "NotADirectoryError", "IsADirectoryError", "PermissionError")
DEEP = bool(os.environ.get("LAB_WORKBOOK_DEEP_CALLS"))


def run(verbs: str, library: Path, folder: Path, most: int, **settings: str) -> list[dict[str, Any]]:
    """Attack verbs in a process of its own, which ends as if nothing had failed; returns what was seen."""
    result = folder.parent / "result.json"
    done = subprocess.run(
        [sys.executable, ATTACK, verbs, str(result), str(most)],
        cwd=folder,
        env={**os.environ, "LD_PRELOAD": str(library), "LAB_WORKBOOK_BUCKET_PREFIX": f"{folder.parent}/runs"}
        | settings,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen: list[dict[str, Any]] = json.loads(result.read_text())
    assert any(each["failed"] for each in seen) or verbs == "shown"
    return seen


def is_documented(each: dict[str, Any]) -> bool:
    """Return whether it is the source of save_file that could not be opened because of its path."""
    return each["verb"].startswith("save_file") and each["raised"].startswith(ABOUT_THE_PATH)


def assert_it_adds_up(seen: list[dict[str, Any]]) -> None:
    for each in seen:
        if each["raised"]:
            assert is_documented(each), each
            assert not any(each["counted"].values()), each
        elif each["verb"] == "save_git_status":
            assert each["counted"]["artifacts"] >= each["missing"]["artifacts"], each
        else:
            assert {"rows": 0, "artifacts": 0} | each["missing"] == each["counted"], each


def assert_it_is_in_end_json(seen: list[dict[str, Any]]) -> None:
    counted: dict[str, Counter[str]] = {}
    for each in seen:
        counted.setdefault(each["root"], Counter()).update(each["counted"])
    for root, end in ends(seen).items():
        assert {kind: end["lost"][kind] for kind in ("rows", "artifacts")} == counted[root]
    assert ends(seen).keys() == counted.keys()


def ends(seen: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the end.json of each experiment by its folder, as far as there is one."""
    paths = {each["root"]: Path(each["root"], ".lab-workbook/end.json") for each in seen}
    return {root: json.loads(path.read_text()) for root, path in paths.items() if path.exists()}


# In so many places of each kind a call fails; the first three start processes or read everything there is.
PLACES = {"save_git_status": 1, "save_environment": 1, "sample_system": 2}
# These are about end.json itself.
ENDING = {"close", "leave"}


@pytest.mark.parametrize("verb", sorted(attack.VERBS.keys() - ENDING))
def test_a_failing_call_never_leaves_a_verb(verb, failing_calls, repository):
    """
    What the verb could not store is counted, in the word that it belongs to, and no more than that.
    """
    seen = run(verb, failing_calls, repository, 60 if DEEP else PLACES.get(verb, 4))

    assert_it_adds_up(seen)
    assert_it_is_in_end_json(seen)


def test_no_verb_needs_a_descriptor(repository):
    """
    Not by a library that pretends it: all are in use while each verb is called, and when the script ends.
    """
    program = [sys.executable, "-m", "tests.system_calls.descriptors", str(repository.parent / "result.json")]

    done = subprocess.run(
        program,
        cwd=repository,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "LAB_WORKBOOK_BUCKET_PREFIX": str(repository.parent / "runs")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    seen = json.loads((repository.parent / "result.json").read_text())
    assert {each["verb"] for each in seen} == attack.VERBS.keys()
    assert [each for each in seen if each["raised"]] == []
    assert_it_adds_up([each for each in seen if each["verb"] not in ENDING])
    assert_it_is_in_end_json(seen)


@pytest.mark.parametrize("verb", sorted(ENDING))
def test_a_failing_call_does_not_cost_the_end(verb, failing_calls, repository):
    """
    Only if the call goes on failing is there no end.json; and files that cannot be read again are counted.
    """
    seen = run(verb, failing_calls, repository, 60 if DEEP else 4)

    written = ends(seen)
    assert {each["raised"] for each in seen} == {None}
    assert {each["case"][3] for each in seen if each["root"] not in written} <= {-1}
    for root, end in written.items():
        there = {"loss.csv", "text", ".lab-workbook/begin.json"}
        assert end["files"].keys() <= there
        assert end["lost"]["artifacts"] == len(there - end["files"].keys()), root


def test_a_failing_call_never_leaves_a_verb_that_writes_to_a_spool(failing_calls, repository):
    """
    With the server away: the queue has a line for each artifact that was not counted as lost.
    """
    verbs = "flush,save_json,save_text,save_file_moved,save_figure,new_time_series_log,first_row,row,rows,log"
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}"

        seen = run(
            verbs,
            failing_calls,
            repository,
            60 if DEEP else 3,
            LAB_WORKBOOK_BUCKET_PREFIX="s3://bucket/exp/",
            LAB_WORKBOOK_ENDPOINT_URL=endpoint,
            LAB_WORKBOOK_EXIT_TIMEOUT="0",
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="secret",
        )

    assert_it_adds_up(seen)
    for root in {each["root"] for each in seen}:
        queue = [json.loads(line) for line in Path(root, ".lab-workbook/queue").read_text().splitlines()]
        lost = Counter[str]()
        for each in seen:
            lost.update(each["counted"] if each["root"] == root else {})
        assert queue[-1]["verb"] == "end"
        assert {kind: queue[-1]["lost"][kind] for kind in ("rows", "artifacts")} == lost


WITHOUT_NEW_NAMES = """
import ctypes, os, sys, lab_workbook
disk = sys.argv[1]
ctypes.CDLL(None).getenv(b"fail link 1 1 -1")
workbook = lab_workbook.new_experiment(bucket_prefix=f"file://{disk}/", tag="full")
log = workbook.new_time_series_log("loss", ["step"])
for number in range(200):
    workbook.save_text(f"text-{number}", "")
with open(f"{disk}/ballast", "wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 4096)
    except OSError:
        pass
for step in range(1000):
    log(step=step)
workbook.close()
"""


def test_a_full_disk_without_hard_links_needs_no_second_copy_of_the_ending(failing_calls, tmp_path):
    """
    Neither link nor renameat2 can make a new name, and the disk has room for one end.json.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        subprocess.run(
            [sys.executable, "-c", WITHOUT_NEW_NAMES, str(disk)],
            env={**os.environ, "LD_PRELOAD": str(failing_calls)},
            check=True,
        )

        end = json.loads((disk / "full/.lab-workbook/end.json").read_text())
        assert end["outcome"] == "finished"
        assert end["lost"]["rows"] > 0
        assert len(end["files"]) == 202
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


SYNCS = """
import lab_workbook
from tests.system_calls.attack import fail
workbook = lab_workbook.new_experiment(tag="T")
log = workbook.new_time_series_log("loss", ["step"])
log(step=1)
for number in range(10):
    workbook.save_text(f"group/text-{number}", "x")
fail()
for verb in (workbook.flush, workbook.flush, workbook.close):
    verb()
    print(fail().get("sync"))
"""


def test_nothing_is_synced_twice(failing_calls, tmp_path):
    """
    First begin.json, the series, 10 texts and 4 folders; then the series; at last it, end.json, 3 folders.
    """
    done = subprocess.run(
        [sys.executable, "-c", SYNCS],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(failing_calls), "LAB_WORKBOOK_BUCKET_PREFIX": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split()[-3:] == ["16", "1", "5"], done.stdout
