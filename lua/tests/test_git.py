"""The git status: a patch that applies, whatever the user has configured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def git(folder, *arguments):
    """Run git and return what it says."""
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True).stdout


@pytest.fixture
def repository(tmp_path):
    """A repository around the script's folder, with one commit and changes of several kinds since."""
    git(tmp_path, "init", "-q")
    (tmp_path / "sub").mkdir()
    (tmp_path / "train.lua").write_text("".join(f"line {number}\n" for number in range(30)))
    (tmp_path / "sub/é.bin").write_bytes(bytes(range(256)))
    (tmp_path / "gone.txt").write_text("gone\n")
    (tmp_path / "model.lua").write_text("".join(f"line {number}\n" for number in range(30)))
    git(tmp_path, "add", "train.lua", "sub", "gone.txt", "model.lua")
    git(tmp_path, "commit", "-q", "-m", "first")
    (tmp_path / "train.lua").write_text("".join(f"line {number}\r\n" for number in range(0, 30, 2)))
    (tmp_path / "sub/é.bin").write_bytes(bytes(range(255, -1, -1)))
    (tmp_path / "gone.txt").unlink()
    lines = [f"line {number}\n" for number in range(30)]
    (tmp_path / "model.lua").write_text("".join([*lines[:10], "new\n", *lines[10:]]))
    return tmp_path


SETTINGS = {
    "color.ui": "always",
    "diff.noprefix": "true",
    "diff.mnemonicPrefix": "true",
    "diff.context": "0",
    "diff.external": "false",
    "diff.relative": "true",
    "log.showSignature": "true",
    "log.decorate": "full",
    "format.pretty": "oneline",
}


def programs(tmp_path, *, ours: bool) -> str:
    """A PATH with or without our program."""
    folder = tmp_path / "programs"
    folder.mkdir()
    if ours:
        (folder / "lab-workbook").symlink_to(Path(sys.executable).parent / "lab-workbook")
        return f"{folder}:{os.environ['PATH']}"
    others = [each for each in os.environ["PATH"].split(":") if not (Path(each) / "lab-workbook").exists()]
    return ":".join(others)


@pytest.mark.parametrize("ours", [True, False], ids=["by our program", "by git"])
def test_the_patch_restores_the_tree(run, repository, prefix, tmp_path, ours):
    """
    On a clean clone of the commit that is named beside it, from whatever folder the script ran.
    """
    path = programs(tmp_path, ours=ours)
    for key, value in SETTINGS.items():
        git(repository, "config", key, value)

    done = run("w:saveGitStatus() w:saveGitStatus('again')", folder="sub", PATH=path)

    state = json.loads((prefix / "T/Source.git-state.json").read_bytes())
    assert state["program"].startswith("lab-workbook-python" if ours else "lab-workbook-lua")
    assert done.stderr.count("lab-workbook is not on the PATH") == (0 if ours else 1)
    commit = (prefix / "T/Source.git-current-commit").read_bytes()
    assert commit == (prefix / "T/again.git-current-commit").read_bytes()
    name = commit.split()[1].decode()
    assert commit.startswith(b"commit ")
    assert b"    first\n" in commit
    clone = tmp_path / "clone"
    git(repository, "clone", "-q", str(repository), str(clone))
    git(clone, "checkout", "-q", name)
    git(clone, "apply", str(prefix / "T/Source.git-patch"))
    for path in ("train.lua", "sub/é.bin", "model.lua"):
        assert (clone / path).read_bytes() == (repository / path).read_bytes()
    assert not (clone / "gone.txt").exists()


def test_outside_of_a_repository_it_only_warns(run, prefix):
    """
    Nothing is saved, rather than two empty artifacts that look like a clean tree.
    """
    done = run("w:saveGitStatus() w:saveGitStatus('again')")

    assert done.stderr.count("saveGitStatus: nothing is recorded: fatal: not a git repository") == 1
    assert list((prefix / "T").glob("*.git-*")) == []


def test_before_the_first_commit_it_only_warns(run, tmp_path):
    """
    There is nothing that a patch could start from.
    """
    git(tmp_path, "init", "-q")

    done = run("w:saveGitStatus()")

    assert "does not have any commits yet" in done.stderr


def test_without_git_it_only_warns(run, tmp_path):
    """
    And the script goes on.
    """
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "mkdir", "ls", "readlink", "ln", "rm", "sync", "xargs", "sha256sum"):
        (programs / name).symlink_to(f"/usr/bin/{name}")

    done = run("w:saveGitStatus() print('on')", PATH=str(programs))

    assert "saveGitStatus: nothing is recorded: git is not installed" in done.stderr
    assert "on" in done.stdout


@pytest.mark.parametrize("ours", [True, False], ids=["by our program", "by git"])
def test_secrets_stay_out(run, repository, prefix, tmp_path, ours):
    """
    Those of added lines, and the files of keys; the patch applies.
    """
    token = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
    (repository / ".env").write_text("A=1\n")
    git(repository, "add", "-f", ".env")
    git(repository, "commit", "-q", "-m", "second", "--", ".env")
    (repository / ".env").write_text("A=2\n")
    (repository / "model.lua").write_text(f"+++ b/x\ntoken = '{token}'\n")

    run("w:saveGitStatus()", PATH=programs(tmp_path, ours=ours))

    patch = (prefix / "T/Source.git-patch").read_text()
    assert token not in patch
    assert "+token = '[redacted]'" in patch
    assert ".env" not in patch
    clone = tmp_path / "clone"
    git(repository, "clone", "-q", str(repository), str(clone))
    git(clone, "apply", str(prefix / "T/Source.git-patch"))
    assert (clone / "model.lua").read_text() == "+++ b/x\ntoken = '[redacted]'\n"


def test_our_program_takes_what_git_alone_does_not(run, repository, prefix, tmp_path):
    """
    Untracked files and commits that no remote has, under a name with a quote in it.
    """
    (repository / "new.lua").write_text("new\n")

    run('w:saveGitStatus("it\'s")', PATH=programs(tmp_path, ours=True), TMPDIR=str(tmp_path / "programs"))

    state = json.loads((prefix / "T/it's.git-state.json").read_bytes())
    assert (state["bundle"], state["problems"]) == (True, [])
    assert b"+new" in (prefix / "T/it's.git-patch").read_bytes()
    assert (prefix / "T/it's.git-bundle").stat().st_size > 0
    assert os.listdir(tmp_path / "programs") == ["lab-workbook"]


@pytest.mark.parametrize("program", ["echo part 1 .git-patch; kill -9 $$", "true"])
@pytest.mark.usefixtures("repository")
def test_a_program_that_fails_gives_way_to_git(run, prefix, tmp_path, program):
    """
    One that is older, or broken: it is said once, and nothing of what it began is kept.
    """
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "lab-workbook").write_text(f"#!/bin/sh\n{program}\n")
    (folder / "lab-workbook").chmod(0o755)

    done = run("w:saveGitStatus()", PATH=f"{folder}:{os.environ['PATH']}", TMPDIR=str(folder))

    assert done.stderr.count("lab-workbook capture-source did not answer") == 1
    assert (prefix / "T/Source.git-patch").stat().st_size > 0
    assert json.loads((prefix / "T/Source.git-state.json").read_bytes())["program"].startswith(
        "lab-workbook-lua"
    )
    assert os.listdir(folder) == ["lab-workbook"]
