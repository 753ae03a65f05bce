"""
`Experiment.checkout` puts the source back as it ran, or leaves everything as it was.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_workbook import ArtifactNotFound, ExperimentRepository, NotRestorable, Unreadable
from lab_workbook.captured import Captured
from lab_workbook.checkout import restore

COMMIT = "Source.git-current-commit"
PATCH = "Source.git-patch"
DIFF = ("diff", "--binary", "--full-index", "HEAD")


def git(folder: Path, *arguments: str) -> bytes:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)
    return done.stdout


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return all files of a tree with their modes; a link as where it leads."""
    return {
        str(path.relative_to(folder)): (os.readlink(path).encode(), 0)
        if path.is_symlink()
        else (path.read_bytes(), path.stat().st_mode & 0o111)
        for path in folder.rglob("*")
        if ".git" not in path.parts and (path.is_symlink() or path.is_file())
    }


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two commits, and the working directory in it."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "train.py").write_text("".join(f"line {number}\n" for number in range(40)))
    (folder / "sub" / "data.bin").write_bytes(bytes(range(256)))
    (folder / "latin.txt").write_bytes(b"caf\xe9\r\n")
    (folder / "link").symlink_to("train.py")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "First")
    (folder / "train.py").chmod(0o755)
    git(folder, "commit", "-qam", "Second")
    monkeypatch.chdir(folder)
    return folder


def change(folder: Path) -> None:
    """Touch text, a binary, bytes of another encoding, a link, a mode, and the index; delete and rename."""
    (folder / "train.py").write_text("line 0\nno line feed at the end")
    (folder / "sub" / "data.bin").write_bytes(bytes(range(255, -1, -1)))
    (folder / "latin.txt").rename(folder / "renamed \u00e9.txt")
    (folder / "link").unlink()
    (folder / "link").symlink_to("sub/data.bin")
    (folder / "new.sh").write_text("staged\n")
    (folder / "new.sh").chmod(0o755)
    git(folder, "add", "-A")


@pytest.fixture
def experiment(make: Any, source: Path) -> Any:
    """An experiment that ran in the repository after it was changed."""
    change(source)
    return make("A", {COMMIT: git(source, "log", "-n", "1"), PATCH: git(source, *DIFF)})


def test_the_source_comes_back_as_it_ran(experiment: Any, source: Path, tmp_path: Path) -> None:
    """
    Every file, byte and mode; and git shows the same changes on the same commit.
    """
    ran, diff, commit = state(source), git(source, *DIFF), git(source, "rev-parse", "HEAD").decode().strip()
    git(source, "reset", "-q", "--hard", "HEAD~1")

    found = experiment.checkout(tmp_path / "back")

    assert state(tmp_path / "back") == ran
    assert git(tmp_path / "back", *DIFF) == diff
    assert (found.directory, found.commit) == (str(tmp_path / "back"), commit)
    assert found.changed[-3:] == ("renamed \u00e9.txt", "sub/data.bin", "train.py")


@pytest.mark.usefixtures("experiment")
def test_from_a_bucket_too(
    source: Path, folder: Path, bucket_prefix: str, s3_client: Any, tmp_path: Path
) -> None:
    """
    The artifacts are the same there.
    """
    bucket, _, path = bucket_prefix.removeprefix("s3://").partition("/")
    for name in (COMMIT, PATCH, ".lab-workbook/begin.json"):
        s3_client.put_object(Bucket=bucket, Key=f"{path}A/{name}", Body=(folder / "A" / name).read_bytes())

    ExperimentRepository(bucket_prefix)["A"].checkout(tmp_path / "back")

    assert state(tmp_path / "back") == state(source)


def test_without_the_patch_it_is_the_commit(experiment: Any, source: Path, tmp_path: Path) -> None:
    found = experiment.checkout(tmp_path / "back", patch=False)

    git(source, "reset", "-q", "--hard")
    assert state(tmp_path / "back") == state(source)
    assert found.changed == ()


def test_the_name_is_that_of_the_saved_status(make: Any, source: Path, tmp_path: Path) -> None:
    log = git(source, "log", "-n", "1")
    experiment = make("A", {"library.git-current-commit": log, "library.git-patch": b""})

    experiment.checkout(tmp_path / "back", name="library")

    assert state(tmp_path / "back") == state(source)


@pytest.mark.parametrize("kind", ["path", "relative", "file://"])
def test_the_commit_comes_from_any_repository(
    experiment: Any, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """
    Named by a path or a URL, from wherever the user stands.
    """
    ran = state(source)
    monkeypatch.chdir(tmp_path)
    named = {"path": source, "relative": "source", "file://": f"file://{source}"}[kind]

    experiment.checkout("back", repository=named)

    assert state(tmp_path / "back") == ran


def test_the_history_can_be_had_afterwards(experiment: Any, tmp_path: Path) -> None:
    """
    The folder holds one commit, and knows where there are more.
    """
    experiment.checkout(tmp_path / "back")

    git(tmp_path / "back", "fetch", "-q", "--unshallow", "origin")

    assert git(tmp_path / "back", "rev-list", "--count", "HEAD") == b"2\n"


def test_into_an_empty_folder_that_is_here(
    experiment: Any, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")

    experiment.checkout(".", repository=source)

    assert state(tmp_path / "empty") == state(source)


def test_a_folder_in_use_is_left_alone(experiment: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")

    for place in (tmp_path / "mine", tmp_path / "mine" / "thesis.txt"):
        with pytest.raises(NotRestorable, match=r"in use|cannot be made"):
            experiment.checkout(place)

    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"
    assert len(list((tmp_path / "mine").iterdir())) == 1


def test_a_commit_that_is_not_here_says_where_to_look(
    experiment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    In another repository, or in none, and in one that was named; nothing is left behind.
    """
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(other)
    with pytest.raises(NotRestorable, match=r"no git repository here.*repository="):
        experiment.checkout(tmp_path / "back")
    git(other, "init", "-q")
    with pytest.raises(NotRestorable, match=r"has no commit \w{40}; `git fetch"):
        experiment.checkout(tmp_path / "back")
    with pytest.raises(NotRestorable, match=r"does not give commit"):
        experiment.checkout(tmp_path / "back", repository=other)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    "log",
    [
        b"",
        b"commit 12345\n",
        b"--upload-pack=touch /tmp/x\n",
        b"commit " + b"a" * 41,
        b"commit " + b"A" * 40,
        b"commit ../" + b"a" * 37,
    ],
)
@pytest.mark.usefixtures("source")
def test_what_is_no_id_is_no_commit(make: Any, tmp_path: Path, log: bytes) -> None:
    """
    Nothing else of the artifact ever reaches git.
    """
    experiment = make("A", {COMMIT: log, PATCH: b""})

    with pytest.raises(NotRestorable, match="no commit was recorded"):
        experiment.checkout(tmp_path / "back")


@pytest.mark.parametrize(
    "form", [("--color=always", "--decorate"), ("--oneline", "--no-abbrev"), ("--format=%H",)]
)
def test_a_log_of_2016_may_be_of_any_form(make: Any, source: Path, tmp_path: Path, form: Any) -> None:
    """
    It was shaped by the user's settings then.
    """
    experiment = make("A", {COMMIT: git(source, "log", "-n", "1", *form), PATCH: b""}, begin=None)

    experiment.checkout(tmp_path / "back")

    assert state(tmp_path / "back") == state(source)


def test_a_patch_that_does_not_fit_writes_nothing(make: Any, source: Path, tmp_path: Path) -> None:
    """
    One of 2016 cannot carry a binary; git says which file, and the message how to go on.
    """
    log = git(source, "log", "-n", "1")
    change(source)
    experiment = make("A", {COMMIT: log, PATCH: git(source, "diff", "HEAD")}, begin=None)
    (tmp_path / "empty").mkdir()

    for name in ("back", "empty"):
        with pytest.raises(NotRestorable, match=r"without full index line.*patch=False"):
            experiment.checkout(tmp_path / name)

    assert not (tmp_path / "back").exists()
    assert list((tmp_path / "empty").iterdir()) == []


def new_file(name: str, mode: str = "100644", line: str = "evil") -> bytes:
    """Return a patch that makes a file."""
    head = f"diff --git a/{name} b/{name}\nnew file mode {mode}\n--- /dev/null\n+++ b/{name}\n"
    return f"{head}@@ -0,0 +1 @@\n+{line}\n".encode()


HOSTILE = {
    "above": new_file("../evil"),
    "far above": new_file("sub/../../evil"),
    "absolute": new_file("/tmp/evil"),
    "hook": new_file(".git/hooks/post-checkout", "100755"),
    "config": new_file(".git/config"),
    "config in capitals": new_file(".GIT/config"),
    "config for a Mac": new_file(".g\u200cit/config"),
    "config for Windows": new_file("git~1/config"),
    "through its own link": new_file("out", "120000", "..") + new_file("out/evil"),
    "through a link of the commit": new_file("out/evil"),
}


@pytest.mark.parametrize("patch", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_patch_leads_nowhere(make: Any, source: Path, tmp_path: Path, patch: bytes) -> None:
    """
    Not above the folder, not into git's own, and not through a link.
    """
    if patch == HOSTILE["through a link of the commit"]:
        (source / "out").symlink_to("..")
        git(source, "add", "out")
        git(source, "commit", "-qm", "Out")
    experiment = make("A", {COMMIT: git(source, "log", "-n", "1"), PATCH: patch})
    before = set(tmp_path.rglob("*"))

    with pytest.raises(NotRestorable):
        experiment.checkout(tmp_path / "back")

    assert set(tmp_path.rglob("*")) == before
    assert not Path("/tmp/evil").exists()


def test_nothing_of_the_users_settings_is_run_or_changes_a_byte(
    experiment: Any, source: Path, tmp_path: Path, isolation: Path
) -> None:
    """
    Hooks, templates, filters, file system monitors: all there, and none is called; line ends stay.
    """
    marker = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{marker}'\ncat\n")
    program.chmod(0o755)
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc"):
        (hooks / name).symlink_to(program)
    (isolation / ".gitconfig").write_text(
        f"[core]\nhooksPath = {hooks}\nfsmonitor = {program}\nautocrlf = true\neol = crlf\n"
        f"attributesFile = {tmp_path}/attributes\n"
        f'[init]\ntemplateDir = {hooks.parent}\n[filter "x"]\nsmudge = {program}\nclean = {program}\n'
        "required = true\n[apply]\nwhitespace = error\nignoreWhitespace = change\n[diff]\nnoprefix = true\n"
    )
    (tmp_path / "attributes").write_text("* filter=x\n")

    experiment.checkout(tmp_path / "back")

    (isolation / ".gitconfig").unlink()
    assert not marker.exists()
    assert state(tmp_path / "back") == state(source)


def test_the_variables_of_a_hook_do_not_lead_to_another_repository(
    experiment: Any, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Under `git rebase --exec` and in hooks they are set.
    """
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))

    experiment.checkout(tmp_path / "back")

    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE"):
        monkeypatch.delenv(name)
    assert state(tmp_path / "back") == state(source)
    assert not (tmp_path / "elsewhere").exists()


def test_a_program_as_the_address_of_a_repository_is_not_started(
    experiment: Any, tmp_path: Path, isolation: Path
) -> None:
    """
    Not even where the user's settings allow it; nor is an option taken for an address.
    """
    (isolation / ".gitconfig").write_text('[protocol]\nallow = always\n[protocol "ext"]\nallow = always\n')

    for address in (f"ext::touch {tmp_path}/ran", f"--upload-pack=touch {tmp_path}/ran"):
        with pytest.raises(NotRestorable):
            experiment.checkout(tmp_path / "back", repository=address)

    assert not (tmp_path / "ran").exists()


def test_a_patch_that_was_changed_since_is_not_applied(make: Any, source: Path, tmp_path: Path) -> None:
    log = git(source, "log", "-n", "1")
    listed = {PATCH: {"bytes": 0}}
    experiment = make("A", {COMMIT: log, PATCH: new_file("evil")}, end={"files": listed})

    with pytest.raises(Unreadable, match="and had 0 when the experiment ended"):
        experiment.checkout(tmp_path / "back")


def test_an_experiment_without_a_git_status_says_so(make: Any, tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFound, match="git-current-commit"):
        make("A", {"a.txt": b"a"}).checkout(tmp_path / "back")


def test_a_submodule_stays_empty(make: Any, source: Path, tmp_path: Path) -> None:
    """
    What it was changed to is in the index; getting it would ask an address that the commit names.
    """
    allow = ("-c", "protocol.file.allow=always")
    git(source, "clone", "-q", str(source), str(tmp_path / "library"))
    git(source, *allow, "submodule", "add", "-q", str(tmp_path / "library"), "library")
    git(source, "commit", "-qm", "Library")
    git(source / "library", "commit", "-q", "--allow-empty", "-m", "Newer")
    experiment = make("A", {COMMIT: git(source, "log", "-n", "1"), PATCH: git(source, *DIFF)})

    found = experiment.checkout(tmp_path / "back")

    assert found.changed == ("library",)
    assert list((tmp_path / "back" / "library").iterdir()) == []


STATE = "Source.git-state.json"


def stated(commit: bytes, **facts: Any) -> bytes:
    return json.dumps({"format": 1, "commit": commit.decode().strip(), "patch": True, **facts}).encode()


@pytest.mark.parametrize(
    "said",
    [
        b"no JSON",
        b"[]",
        b'{"commit": 5}',
        b'{"commit": "other", "tree": "other", "patch": false}',
        b'{"submodules": 7, "tree": []}',
    ],
)
def test_a_state_that_says_nothing_of_use_is_passed_over(
    make: Any, source: Path, tmp_path: Path, said: bytes
) -> None:
    experiment = make("A", {COMMIT: git(source, "log", "-n", "1"), PATCH: b"", STATE: said})

    experiment.checkout(tmp_path / "back")

    assert state(tmp_path / "back") == state(source)


def test_another_tree_than_the_one_that_was_saved_is_not_written(
    make: Any, source: Path, tmp_path: Path
) -> None:
    """
    A patch that fits may still not be the one that was saved.
    """
    commit = git(source, "rev-parse", "HEAD")
    tree = git(source, "rev-parse", "HEAD^{tree}").decode().strip()
    files = {COMMIT: git(source, "log", "-n", "1"), STATE: stated(commit, tree=tree)}

    make("A", {**files, PATCH: b""}).checkout(tmp_path / "right")
    with pytest.raises(NotRestorable, match=r"other files than those that were saved.*patch=False"):
        make("B", {**files, PATCH: new_file("evil")}).checkout(tmp_path / "back")

    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    "path",
    [
        "../evil",
        "../outside",
        ".git",
        "sub",
        "",
        ".",
        "/tmp/evil",
        "nowhere",
        "link",
        ".git/modules/x",
        "sub/../sub",
    ],
)
def test_a_submodule_is_put_only_where_the_commit_has_one(
    make: Any, source: Path, tmp_path: Path, path: str
) -> None:
    (tmp_path / "outside").mkdir()
    commit = git(source, "rev-parse", "HEAD")
    log = git(source, "log", "-n", "1")
    git(source, "bundle", "create", "-q", str(tmp_path / "bundle"), "HEAD")
    module = {"path": path, "commit": commit.decode().strip(), "name": "Source.submodule-1"}
    own = {"Source.submodule-1.git-current-commit": log, "Source.submodule-1.git-patch": new_file("evil")}
    own["Source.submodule-1.git-bundle"] = (tmp_path / "bundle").read_bytes()
    module |= {"patch": True, "bundle": True}
    files = {COMMIT: log, PATCH: b"", STATE: stated(commit, submodules=[module]), **own}

    found = make("A", files).checkout(tmp_path / "back")

    assert found.missing == (path,)
    assert state(tmp_path / "back") == state(source)
    assert not list(tmp_path.rglob("evil"))
    assert list((tmp_path / "outside").iterdir()) == []


BUNDLES = {
    "no bundle": b"x",
    "empty": b"",
    "an option as a commit": b"# v2 git bundle\n---upload-pack=touch ran\n\nPACK",
    "nothing in it": b"# v2 git bundle\n" + b"a" * 40 + b" HEAD\n\nPACK\0\0\0\2\0\0\0\0",
    "builds on what nobody has": b"# v2 git bundle\n-" + b"b" * 40 + b"\n" + b"a" * 40 + b" HEAD\n\nPACK",
}


@pytest.mark.parametrize("bundle", BUNDLES.values(), ids=BUNDLES.keys())
def test_a_bundle_that_brings_nothing_writes_nothing(
    make: Any, source: Path, tmp_path: Path, bundle: bytes
) -> None:
    commit = b"a" * 40
    files = {COMMIT: b"commit " + commit, PATCH: b"", STATE: stated(commit, bundle=True)}
    before = state(source)

    with pytest.raises(NotRestorable):
        make("A", {**files, "Source.git-bundle": bundle}).checkout(tmp_path / "back")

    assert not (tmp_path / "back").exists()
    assert state(source) == before


@settings(max_examples=25)
@given(
    contents=st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=40)), min_size=1, max_size=4),
    name=st.text(
        st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=("Cc",)),
        min_size=1,
        max_size=9,
    ),
)
def test_any_bytes_under_any_name_come_back(
    tmp_path_factory: pytest.TempPathFactory, contents: list[tuple[bytes, bytes]], name: str
) -> None:
    """
    What git can commit and diff, a checkout restores.
    """
    root = tmp_path_factory.mktemp("any")
    source = root / "source"
    source.mkdir()
    git(source, "init", "-q")
    for which in range(2):
        for number, data in enumerate(contents):
            (source / f"x{name}{number}").write_bytes(data[which])
        git(source, "add", "-A")
        if which == 0:
            git(source, "commit", "-q", "-m", "First")

    restore(Captured(git(source, "log", "-n", "1"), git(source, *DIFF)), root / "back", repository=source)

    assert state(root / "back") == state(source)


@pytest.fixture
def ignored_children() -> Iterator[None]:
    """SIGCHLD is ignored, as by some supervisors, so that the kernel keeps no exit status."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGCHLD, before)


@pytest.mark.usefixtures("ignored_children")
def test_a_repository_that_is_missing_is_noticed_while_children_are_ignored(
    experiment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without exit statuses, git seems to succeed in a folder that is not in a repository.
    """
    monkeypatch.chdir(tmp_path)

    with pytest.raises(NotRestorable, match="there is no git repository here"):
        experiment.checkout(tmp_path / "back")

    assert not (tmp_path / "back").exists()
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN


@pytest.mark.usefixtures("ignored_children")
def test_a_thread_does_not_restore_while_children_are_ignored(experiment: Any, tmp_path: Path) -> None:
    """
    Only the main thread can make the kernel keep exit statuses.
    """
    with ThreadPoolExecutor(1) as threads, pytest.raises(NotRestorable, match="in the main thread"):
        threads.submit(experiment.checkout, tmp_path / "back").result()
