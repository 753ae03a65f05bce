"""save_git_status, in real repositories with every configuration that once broke a patch."""

import os
import subprocess

import pytest


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one commit, and the working directory in it."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    git(folder, "init", "-q")
    git(folder, "config", "user.name", "Ada")
    git(folder, "config", "user.email", "ada@example.org")
    (folder / "train.py").write_text("".join(f"line {number}\n" for number in range(40)))
    (folder / "sub" / "data.bin").write_bytes(bytes(range(256)))
    (folder / "latin.txt").write_bytes(b"caf\xe9\r\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Train höher")
    monkeypatch.chdir(folder)
    return folder


def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
    return done.stdout


def change(folder):
    """Touch text, a binary, bytes of another encoding, a mode, and the index."""
    text = (folder / "train.py").read_text()
    (folder / "train.py").write_text(text.replace("line 7\n", "line seven\n") + "no line feed at the end")
    (folder / "sub" / "data.bin").write_bytes(bytes(range(255, -1, -1)))
    (folder / "latin.txt").write_bytes(b"th\xe9\r\n")
    (folder / "train.py").chmod(0o755)
    (folder / "new.txt").write_text("staged\n")
    git(folder, "add", "new.txt")


def state(folder):
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o111)
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def restored(repository, home, name="Source"):
    """What a clean checkout of the commit is after the patch."""
    clone = repository.parent / "clone"
    git(repository.parent, "clone", "-q", str(repository), str(clone))
    patch = home / f"{name}.git-patch"
    if patch.stat().st_size:
        git(clone, "apply", "--index", str(patch))
    return state(clone)


HOSTILE = {
    "plain": {},
    "colours": {"color.ui": "always", "log.decorate": "full"},
    "no prefix": {"diff.noprefix": "true"},
    "odd prefixes": {"diff.mnemonicPrefix": "true"},
    "no context": {"diff.context": "0", "diff.interHunkContext": "9"},
    "tools": {"diff.external": "/bin/false", "core.pager": "/bin/false", "diff.submodule": "log"},
    "relative": {"diff.relative": "true", "diff.renames": "copies"},
    "log": {
        "format.pretty": "oneline",
        "log.date": "unix",
        "log.showSignature": "true",
        "log.diffMerges": "on",
    },
}


@pytest.mark.parametrize("settings", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_patch_restores_the_tree_whatever_the_configuration(workbook, home_of, repository, settings):
    """
    From a sub-folder too; the log is the same text as ever.
    """
    plain = git(repository, "log", "-n", "1")
    change(repository)
    for key, value in settings.items():
        git(repository, "config", key, value)
    os.chdir(repository / "sub")

    workbook.save_git_status()

    home = home_of(workbook)
    assert (home / "Source.git-current-commit").read_bytes() == plain
    for key in settings:
        git(repository, "config", "--unset", key)
    assert restored(repository, home) == state(repository)


def test_a_text_conversion_of_the_users_does_not_reach_the_patch(workbook, home_of, repository):
    """
    It shows binaries as text, in a form that nothing can apply.
    """
    (repository / ".gitattributes").write_text("*.bin diff=hex\n")
    git(repository, "add", ".gitattributes")
    git(repository, "commit", "-qm", "Show binaries")
    git(repository, "config", "diff.hex.textconv", "od -c")
    change(repository)

    workbook.save_git_status()

    assert restored(repository, home_of(workbook)) == state(repository)


@pytest.mark.usefixtures("repository")
def test_a_clean_tree_has_an_empty_patch(workbook, home_of):
    """
    Under the name that was given.
    """
    workbook.save_git_status("library/Source")

    assert (home_of(workbook) / "library" / "Source.git-patch").read_bytes() == b""
    assert (home_of(workbook) / "library" / "Source.git-current-commit").read_bytes().startswith(b"commit ")


@pytest.mark.usefixtures("repository")
def test_variables_of_a_hook_do_not_lead_to_another_repository(workbook, home_of, tmp_path, monkeypatch):
    """
    Under ``git rebase --exec`` and in hooks, GIT_DIR and GIT_INDEX_FILE are set.
    """
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "no index"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "/bin/false")

    workbook.save_git_status()

    assert (home_of(workbook) / "Source.git-patch").read_bytes() == b""


@pytest.mark.parametrize("place", ["no repository", "no commit", "no git"])
def test_where_there_is_nothing_to_record_it_is_said_once(workbook, tmp_path, monkeypatch, capsys, place):
    """
    Training goes on, and no empty artifact pretends to be a state.
    """
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    if place == "no commit":
        git(empty, "init", "-q")
    if place == "no git":
        monkeypatch.setenv("PATH", str(empty))
    capsys.readouterr()

    workbook.save_git_status()
    workbook.save_git_status()

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lab-workbook: save_git_status:")
    assert not list(tmp_path.glob("runs/*/Source*"))


def test_a_working_directory_that_is_gone_is_no_reason_to_stop(workbook, tmp_path, monkeypatch, capsys):
    """
    A job's folder may be cleaned up while it runs.
    """
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        workbook.save_git_status()
    finally:
        os.chdir(tmp_path)

    assert "save_git_status" in capsys.readouterr().err
