"""The git status: a patch that applies, whatever the user has configured."""

from __future__ import annotations

import subprocess

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


def test_the_patch_restores_the_tree(run, repository, prefix, tmp_path):
    """
    On a clean clone of the commit that is named beside it, from whatever folder the script ran.
    """
    for key, value in SETTINGS.items():
        git(repository, "config", key, value)

    run("w:saveGitStatus() w:saveGitStatus('again')", folder="sub")

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
