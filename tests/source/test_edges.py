"""
What is saved of the source, and what is not, in the states and with the settings that repositories have.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lab_workbook
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_workbook import NotRestorable
from lab_workbook_writer.capture import changes, index, source, unpushed
from lab_workbook_writer.capture.git import NotRecorded

from tests.source.repositories import File, git, gits, tree, write

# Fakes; in two halves, so that nobody's search for secrets stops here.
TOKEN = b"ghp_" + b"A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
STATE = "Source.git-state.json"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose one commit has reached its remote, and the working directory in it."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "source"
    start(folder, {b"train.py": File(b"rate = 0.1\nepochs = 3\n")})
    monkeypatch.chdir(folder)
    return folder


def start(folder: Path, files: dict[bytes, File], *options: str) -> None:
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main", *options)
    commit(folder, files)
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")


def commit(folder: Path, files: dict[bytes, File]) -> None:
    for path, file in files.items():
        place = folder / os.fsdecode(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Files")


def pushed(folder: Path, files: dict[bytes, File]) -> None:
    commit(folder, files)
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")


@pytest.fixture
def save(tmp_path: Path) -> Callable[[], Any]:
    """Save the source, and return the experiment."""

    def save() -> Any:
        with lab_workbook.new_experiment(bucket_prefix=str(tmp_path / "runs")) as workbook:
            workbook.save_git_status()
        return lab_workbook.ExperimentRepository(str(tmp_path / "runs"))[workbook.tag]

    return save


def patch_of(experiment: Any) -> bytes:
    """Return the patch, and beside it what its binaries hold, unpacked."""
    data = experiment.read_bytes("Source.git-patch")
    unpacked = []
    for body in re.findall(rb"^literal \d+\n((?:[A-Za-z][^\n ]+\n)+)\n", data, re.MULTILINE):
        lines = body.splitlines()
        sizes = [line[0] - (64 if line[:1].isupper() else 70) for line in lines]
        parts = [base64.b85decode(line[1:])[:size] for line, size in zip(lines, sizes, strict=True)]
        unpacked.append(zlib.decompress(b"".join(parts)))
    return data + b"".join(unpacked)


def left_out(experiment: Any) -> dict[str, str]:
    return {each["path"]: each["why"] for each in experiment[STATE]["leftOut"]}


@pytest.mark.parametrize("where", ["added", "untracked", "removed", "beside", "deleted"])
def test_a_secret_stays_out_and_the_patch_applies(
    folder: Path, save: Any, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    """
    Where it was added it is cut; where it is in the commit, nothing of it is told.
    """
    with_it = b"import os\ntoken = '" + TOKEN + b"'\nrate = 0.1\n"
    (folder / "a.py").write_bytes(b"import os\nrate = 0.1\n" if where == "added" else with_it)
    if where != "untracked":
        pushed(folder, {})
    changed = {"added": with_it, "removed": b"import os\nrate = 0.2\n", "beside": with_it + b"epochs = 4\n"}
    if where in changed:
        (folder / "a.py").write_bytes(changed[where])
    elif where == "deleted":
        (folder / "a.py").unlink()

    experiment = save()

    assert TOKEN not in patch_of(experiment)
    assert experiment[STATE]["redactions"] >= 1
    assert capsys.readouterr().err.count("secret(s) cut") == 1
    experiment.checkout(folder.parent / "back", repository=folder)
    expected = {
        name: (data.replace(TOKEN, b"[redacted]"), kind) for name, (data, kind) in tree(folder).items()
    }
    assert tree(folder.parent / "back") == expected


SECRETS = st.lists(
    st.sampled_from(
        [
            b"x = 1",
            b"",
            b"y = 2\r",
            b"token = '" + TOKEN + b"'",
            b"# " + TOKEN,
            b"password = 'hunter2andmore'",
            b"-----BEGIN RSA PRIVATE KEY-----",
            b"MIIEow" + b"A1b2" * 14,
            b"-----END RSA PRIVATE KEY-----",
        ]
    ),
    max_size=9,
).map(b"\n".join)


@settings(max_examples=10)
@given(before=SECRETS, after=SECRETS, new=SECRETS)
def test_no_secret_leaves_by_any_patch(
    tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes, new: bytes
) -> None:
    """
    Wherever they stand, and however many lines they take; and the patch was tried.
    """
    folder = tmp_path_factory.mktemp("secrets") / "source"
    start(folder, {b"a.py": File(before)})
    write(folder, {b"a.py": File(after), b"new.py": File(new)})

    captured = source.capture("Source", str(folder))

    parts = dict(captured.parts)
    assert not [note for note in captured.notes if "secret" not in note]
    assert TOKEN not in parts[".git-patch"]
    assert b"hunter2" not in parts[".git-patch"]
    if before != after or new:
        clone = folder.parent / "clone"
        git(folder.parent, "clone", "-q", str(folder), str(clone))
        (folder.parent / "p").write_bytes(parts[".git-patch"])
        if parts[".git-patch"]:
            git(clone, "apply", "--whitespace=nowarn", str(folder.parent / "p"))


def test_keys_and_what_is_ignored_are_not_read(folder: Path, save: Any) -> None:
    """
    By their names alone, also where git tracks them.
    """
    pushed(folder, {b".env": File(b"A=1\n"), b".gitignore": File(b"data/\n")})
    for name in (".env", "server.pem", "id_rsa", "data/huge.bin", "keep.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("changed\n")

    experiment = save()

    assert set(left_out(experiment).values()) == {"secret by its name"}
    assert set(left_out(experiment)) == {".env", "server.pem", "id_rsa"}
    assert re.findall(rb"^diff --git a/(\S+)", patch_of(experiment), re.MULTILINE) == [b"keep.py"]


@pytest.mark.parametrize("limit", ["files", "bytes"])
def test_what_is_large_is_listed_and_never_stored(
    folder: Path, save: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], limit: str
) -> None:
    """
    One by one, in all, and by their number; the smallest come along.
    """
    monkeypatch.setattr(changes, "FILE_BYTES", 1_000)
    monkeypatch.setattr(changes, "TOTAL_BYTES", 9_000 if limit == "files" else 2_000)
    monkeypatch.setattr(changes, "UNTRACKED_FILES", 4 if limit == "files" else 9)
    for name, size in {"big": 1_001, "a": 900, "b": 989, "c": 999, "s1": 1, "s2": 2, "s3": 3}.items():
        (folder / name).write_bytes(b"x" * size)

    experiment = save()

    told = left_out(experiment)
    assert told.pop("big") == "larger than 1,000 bytes"
    why = {"files": "more than 4 untracked files", "bytes": "more than 2,000 bytes in all"}[limit]
    assert told == dict.fromkeys(["b", "c"] if limit == "files" else ["c"], why)
    assert experiment[STATE]["leftOut"][-1]["bytes"] == 1_001
    assert experiment[STATE]["untracked"] == 6 - len(told)
    assert "left out of the patch" in capsys.readouterr().err


@pytest.mark.parametrize("becomes", ["small", "link", "gone", "program"])
def test_what_was_large_before_makes_no_large_patch(
    folder: Path, save: Any, monkeypatch: pytest.MonkeyPatch, becomes: str
) -> None:
    """
    Its old content is in the commit, and need not be told again.
    """
    monkeypatch.setattr(index, "FILE_BYTES", 10_000)
    large = os.urandom(10_001)
    pushed(folder, {b"model.bin": File(large)})
    (folder / "model.bin").unlink()
    if becomes == "link":
        (folder / "model.bin").symlink_to("train.py")
    elif becomes != "gone":
        (folder / "model.bin").write_bytes(b"\0small")
        (folder / "model.bin").chmod(0o755 if becomes == "program" else 0o644)

    experiment = save()

    assert len(experiment.read_bytes("Source.git-patch")) < 1_000
    experiment.checkout(folder.parent / "back", repository=folder)
    assert tree(folder.parent / "back") == tree(folder)


def test_no_program_of_the_users_is_started(folder: Path, save: Any, tmp_path: Path) -> None:
    """
    Filters, hooks, monitors, external diffs: all there, and none is called; what LFS keeps is not copied.
    """
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $0 $@ >> '{tmp_path}/ran'\nexec cat\n")
    program.chmod(0o755)
    pointer = (
        b"version https://git-lfs.github.com/spec/v1\n"
        b"oid sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\nsize 1\n"
    )
    attributes = b"*.lfs filter=lfs diff=lfs -text\n*.nb filter=strip\n*.crypt filter=crypt\n"
    files = {b".gitattributes": attributes, b"same.lfs": pointer, b"other.lfs": pointer, b"a.nb": b"{}\n"}
    pushed(folder, {path: File(data) for path, data in files.items()} | {b"key.crypt": File(b"\0GITCRYPT\0")})
    git(folder, "config", "core.fsmonitor", str(program))
    git(folder, "config", "diff.external", str(program))
    git(folder, "config", "diff.lfs.textconv", str(program))
    for name in ("lfs", "strip", "crypt"):
        for kind in ("clean", "smudge", "process"):
            git(folder, "config", f"filter.{name}.{kind}", str(program))
        git(folder, "config", f"filter.{name}.required", "true")
    for hook in ("post-index-change", "pre-commit", "reference-transaction"):
        shutil.copy(program, folder / ".git" / "hooks" / hook)
    (tmp_path / "ran").unlink(missing_ok=True)
    for name, text in {"same.lfs": "x", "other.lfs": "y", "a.nb": "{1}\n", "key.crypt": "open"}.items():
        (folder / name).write_text(text)
    before = gits(folder)

    experiment = save()

    assert not (tmp_path / "ran").exists()
    assert gits(folder) == before
    changed = re.findall(rb"^diff --git a/(\S+)", experiment.read_bytes("Source.git-patch"), re.MULTILINE)
    assert changed == [b"a.nb", b"other.lfs"]
    assert b"open" not in patch_of(experiment)
    assert left_out(experiment) == {"key.crypt": "what the filter crypt makes of it is not known"}


def test_files_that_git_was_told_not_to_look_at(folder: Path, save: Any) -> None:
    """
    They ran all the same.
    """
    pushed(folder, {b"a.py": File(b"1\n"), b"b.py": File(b"1\n"), b"sparse.py": File(b"1\n")})
    git(folder, "update-index", "--assume-unchanged", "a.py")
    git(folder, "update-index", "--skip-worktree", "b.py", "sparse.py")
    for name in ("a.py", "b.py"):
        (folder / name).write_text("2\n")
    (folder / "sparse.py").unlink()

    save().checkout(folder.parent / "back", repository=folder)

    restored = tree(folder.parent / "back")
    assert restored[b"a.py"] == restored[b"b.py"] == (b"2\n", "")
    assert restored[b"sparse.py"] == (b"1\n", "")


@pytest.mark.parametrize("kind", ["sha256", "worktree", "split", "shallow", "locked", "conflict", "many"])
def test_repositories_of_every_kind(
    folder: Path, save: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """
    Other ids, another folder of the same repository, half an index, half a history, a git at work in it.
    """
    work = folder
    if kind == "sha256":
        work = folder.parent / "sha256"
        start(work, {b"train.py": File(b"rate = 0.1\n"), b"gone.py": File(b"1\n")}, "--object-format=sha256")
    elif kind == "worktree":
        work = folder.parent / "worktree"
        git(folder, "worktree", "add", "-q", str(work), "-b", "other")
    elif kind == "split":
        git(folder, "update-index", "--split-index")
    elif kind == "shallow":
        pushed(folder, {b"more.py": File(b"1\n")})
        work = folder.parent / "shallow"
        git(folder.parent, "clone", "-q", "--depth=1", f"file://{folder}", str(work))
    elif kind == "locked":
        (folder / ".git" / "index.lock").touch()
    elif kind == "conflict":
        git(folder, "checkout", "-q", "-b", "side")
        commit(folder, {b"train.py": File(b"rate = 0.5\n")})
        git(folder, "checkout", "-q", "main")
        commit(folder, {b"train.py": File(b"rate = 0.7\n")})
        with pytest.raises(AssertionError):
            git(folder, "merge", "side")
    elif kind == "many":
        head = git(folder, "rev-parse", "HEAD").decode()
        packed = "".join(f"{head.strip()} refs/remotes/origin/b{number}\n" for number in range(5_000))
        (folder / ".git" / "packed-refs").write_text(packed)
    monkeypatch.chdir(work)
    (work / "new.py").write_text("new\n")
    (work / "gone.py").unlink(missing_ok=True)
    if kind != "conflict":
        (work / "train.py").write_text("rate = 0.2\n")
    before = gits(folder)

    experiment = save()

    assert gits(folder) == before
    assert experiment[STATE]["problems"] == []
    experiment.checkout(folder.parent / "back", repository=work)
    assert tree(folder.parent / "back") == tree(work)


def test_what_lies_behind_a_link_or_in_another_repository(folder: Path, save: Any, tmp_path: Path) -> None:
    """
    A folder that became a link leads elsewhere, and another repository is not ours to save.
    """
    pushed(folder, {b"data/a.txt": File(b"1\n")})
    shutil.rmtree(folder / "data")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.txt").write_text("not ours\n")
    (folder / "data").symlink_to(tmp_path / "elsewhere")
    start(folder / "nested", {b"x.py": File(b"1\n")})

    experiment = save()

    assert b"not ours" not in patch_of(experiment)
    assert left_out(experiment) == {"nested/": "another repository"}
    experiment.checkout(tmp_path / "back", repository=folder)
    assert (tmp_path / "back" / "data").is_symlink()


def slow_git(folder: Path, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a git before the real one that hangs when it is asked something."""
    real = shutil.which("git")
    (folder / "bin").mkdir()
    script = f'#!/bin/sh\ncase "$*" in *{words}*) sleep 60.0625 & wait; esac\nexec {real} "$@"\n'
    (folder / "bin" / "git").write_text(script)
    (folder / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")


def test_a_git_that_hangs_is_ended_with_all_that_it_has_started(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    In seconds, and training goes on.
    """
    slow_git(tmp_path, "rev-parse", monkeypatch)
    started = time.monotonic()

    with pytest.raises(NotRecorded, match="took more than"):
        source.capture("Source", seconds=0.5)

    assert time.monotonic() - started < 5
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 60.0625" not in listed
    assert folder.exists()


@pytest.mark.parametrize(("words", "kept"), [("--others", True), ("diff-files", False)])
def test_what_git_is_too_slow_for_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, *, kept: bool
) -> None:
    """
    Without a list of untracked files there is still a patch; without a patch there is still the commit.
    """
    (folder / "train.py").write_text("rate = 0.2\n")
    (folder / "new.py").write_text("new\n")
    slow_git(tmp_path, words, monkeypatch)
    monkeypatch.setattr(changes, "LISTING_SECONDS", 0.5)
    with lab_workbook.new_experiment(tag="T", bucket_prefix=str(tmp_path / "runs")) as workbook:
        monkeypatch.setattr(source.capture, "__kwdefaults__", {"seconds": 2.0})
        workbook.save_git_status()
    experiment = lab_workbook.ExperimentRepository(str(tmp_path / "runs"))["T"]

    assert ("Source.git-patch" in experiment.list_artifacts()) is kept
    (problem,) = experiment[STATE]["problems"]
    assert "took more than" in problem
    if not kept:
        with pytest.raises(NotRestorable, match=r"could not be saved when it ran.*patch=False"):
            experiment.checkout(tmp_path / "back")


def test_a_bundle_builds_on_what_the_remote_has(folder: Path, save: Any) -> None:
    """
    The history that is to be had elsewhere is not sent with every experiment.
    """
    data = os.urandom(25_000).hex().encode()
    pushed(folder, {b"data.txt": File(data)})
    git(folder.parent, "clone", "-q", "--bare", str(folder), "remote.git")
    commit(folder, {b"data.txt": File(data + b"\nand one line\n")})

    experiment = save()

    assert experiment[STATE]["unpushed"] == 1
    assert experiment.artifact_sizes()["Source.git-bundle"] < 5_000
    experiment.checkout(folder.parent / "back", repository=folder.parent / "remote.git")
    assert tree(folder.parent / "back") == tree(folder)


def test_commits_that_are_too_large_to_keep_are_said(
    folder: Path, save: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(unpushed, "BUNDLE_BYTES", 1_000)
    commit(folder, {b"data.bin": File(os.urandom(2_000))})

    experiment = save()

    assert "Source.git-bundle" not in experiment.list_artifacts()
    assert (experiment[STATE]["unpushed"], experiment[STATE]["bundle"]) == (1, False)
    assert "1 commits that no remote has are not kept" in capsys.readouterr().err


def test_where_it_stands_is_told_without_the_token(folder: Path, save: Any) -> None:
    git(folder, "remote", "add", "origin", "https://me:" + TOKEN.decode() + "@github.com/me/it.git")
    git(folder, "config", "branch.main.remote", "origin")
    git(folder, "config", "branch.main.merge", "refs/heads/main")

    state = save()[STATE]

    assert (state["branch"], state["upstream"], state["unpushed"]) == ("main", "origin/main", 0)
    assert state["remotes"] == {"origin": "https://me:[redacted]@github.com/me/it.git"}
    assert re.fullmatch(r"lab-workbook-python \S+", state["program"])
    assert state["git"][0].isdigit()
