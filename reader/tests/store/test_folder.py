"""
A folder is a store of plain files, and nothing in it leads out of it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from lab_workbook import AccessDenied, StoreError
from lab_workbook.store.folder import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    for name, text in (("A/a.txt", "abc"), ("A/b/c.txt", "d"), ("A/b.txt", ""), ("B/x", "x")):
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return FolderStore(f"{tmp_path}/root/")


def test_a_file_is_read_by_its_key(store: FolderStore) -> None:
    blob = store.get("A/a.txt")

    assert blob.data == b"abc"
    assert blob.modified.tzinfo is timezone.utc
    assert timedelta(0) <= blob.now - blob.modified < timedelta(hours=1)
    assert blob.now <= datetime.now(timezone.utc)


@pytest.mark.parametrize(("start", "rest"), [(1, b"bc"), (3, b""), (9, b"")])
def test_the_rest_of_a_file_can_be_read(store: FolderStore, start: int, rest: bytes) -> None:
    """
    Past the end there is nothing, which is no error: the file has not grown yet.
    """
    assert store.get("A/a.txt", start=start).data == rest


def test_keys_come_in_the_order_of_their_bytes(store: FolderStore) -> None:
    """
    As S3 lists them: a folder's slash sorts after the dot of its neighbour.
    """
    found = [(entry.key, entry.size) for entry in store.keys("A/")]

    assert found == [("A/a.txt", 3), ("A/b.txt", 0), ("A/b/c.txt", 1)]
    assert [entry.key for entry in store.keys("A/b")] == ["A/b.txt", "A/b/c.txt"]
    assert [entry.key for entry in store.keys("A/", after="A/b.txt")] == ["A/b/c.txt"]
    assert [entry.key for entry in store.keys("")] == ["A/a.txt", "A/b.txt", "A/b/c.txt", "B/x"]
    assert list(store.keys("C/")) == []


@pytest.mark.parametrize("change", ["other bytes", "another file", "more bytes"])
def test_a_version_is_another_one_when_the_bytes_are(store: FolderStore, tmp_path: Path, change: str) -> None:
    """
    In a listing as in what is read; also for a file of the same size that was renamed into place.
    """
    path = tmp_path / "root/A/a.txt"
    os.utime(path, (1e9, 1e9))
    before = version(store)

    if change == "another file":
        (tmp_path / "new").write_text("xyz")
        os.utime(tmp_path / "new", (1e9, 1e9))
        (tmp_path / "new").rename(path)
    else:
        path.write_text("xyz" if change == "other bytes" else "more")
        os.utime(path, (1e9 + 1, 1e9 + 1))

    assert before
    assert version(store) not in ("", before)


def test_the_version_of_a_file_that_has_just_changed_is_not_known(store: FolderStore, tmp_path: Path) -> None:
    """
    It could change again without its time showing it.
    """
    os.utime(tmp_path / "root/A/a.txt")

    assert version(store) == ""


def version(store: FolderStore) -> str:
    (entry,) = store.keys("A/a.txt")
    assert store.get("A/a.txt").etag == entry.etag
    return entry.etag


def test_a_listing_tells_how_old_a_file_is(store: FolderStore, tmp_path: Path) -> None:
    os.utime(tmp_path / "root/A/a.txt", (1e9, 1e9))

    (entry,) = store.keys("A/a.txt")

    assert entry.age is not None
    assert abs(time.time() - 1e9 - entry.age) < 60


def test_a_large_file_is_read_in_pieces(store: FolderStore, tmp_path: Path) -> None:
    data = os.urandom(3 * 2**20 + 1)
    (tmp_path / "root/A/model.pt").write_bytes(data)

    pieces = list(store.chunks("A/model.pt"))

    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 2**20
    with pytest.raises(KeyError):
        list(store.chunks("A/nothing"))


def test_folders_are_those_with_something_in_them(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "root/empty/deep").mkdir(parents=True)

    assert list(store.folders("")) == ["A", "B"]
    assert list(store.folders("A/")) == ["b"]
    assert list(store.folders("C/")) == []
    assert list(store.folders("A")) == ["A"]
    assert list(store.folders("A/b")) == ["b"]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "A",
        "A/",
        "A/none",
        "A/a.txt/b",
        "../secret",
        "A/../../secret",
        "/etc/passwd",
        "A//a.txt",
        "A/a\0",
        "A/a\\b",
    ],
)
def test_a_key_that_is_no_file_in_the_folder_is_not_there(
    store: FolderStore, tmp_path: Path, key: str
) -> None:
    (tmp_path / "secret").write_text("secret")

    with pytest.raises(KeyError):
        store.get(key)


@pytest.mark.parametrize("prefix", ["../", "A/../../", "//", "/etc/"])
def test_nothing_outside_the_folder_is_listed(store: FolderStore, tmp_path: Path, prefix: str) -> None:
    (tmp_path / "neighbour").mkdir()
    (tmp_path / "neighbour/secret").write_text("secret")

    assert list(store.keys(prefix)) == []
    assert list(store.folders(prefix)) == []


@pytest.mark.parametrize("target", ["../../secret", "a.txt"])
def test_a_link_to_a_file_is_not_followed(store: FolderStore, tmp_path: Path, target: str) -> None:
    """
    An archive from a stranger may link to a key of ours; so no link is followed at all.
    """
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "root/A/link").symlink_to(target)

    with pytest.raises(KeyError):
        store.get("A/link")
    assert "A/link" not in [entry.key for entry in store.keys("")]


def test_a_link_to_a_folder_is_not_followed(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    (tmp_path / "root/A/link").symlink_to(tmp_path / "outside")
    (tmp_path / "root/L").symlink_to(tmp_path / "outside")

    for key in ("A/link/secret", "L/secret"):
        with pytest.raises(KeyError):
            store.get(key)
    assert [entry.key for entry in store.keys("")] == ["A/a.txt", "A/b.txt", "A/b/c.txt", "B/x"]
    assert list(store.keys("A/link/")) == []
    assert list(store.folders("")) == ["A", "B"]


def test_the_folder_itself_may_be_a_link(store: FolderStore, tmp_path: Path) -> None:
    """
    The user named it, and many homes lie on another disk.
    """
    (tmp_path / "link").symlink_to(tmp_path / "root")

    assert FolderStore(f"{tmp_path}/link/").get("A/a.txt").data == store.get("A/a.txt").data


def test_pipes_sockets_and_devices_are_not_opened(store: FolderStore, tmp_path: Path) -> None:
    """
    Reading a pipe that nobody writes to would wait for ever.
    """
    os.mkfifo(tmp_path / "root/A/pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(tmp_path / "root/A", os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{here}/socket")
        os.close(here)

    for key in ("A/pipe", "A/socket"):
        with pytest.raises(KeyError):
            store.get(key)
    assert [entry.key for entry in store.keys("A/")] == ["A/a.txt", "A/b.txt", "A/b/c.txt"]


def test_a_name_that_is_no_text_is_not_seen(store: FolderStore, tmp_path: Path) -> None:
    """
    What is listed can be asked for by that name.
    """
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/root/A/latin\xe9")).write_text("")

    assert [entry.key for entry in store.keys("A/")] == ["A/a.txt", "A/b.txt", "A/b/c.txt"]


def test_names_that_nobody_may_give_are_read(store: FolderStore, tmp_path: Path) -> None:
    """
    They were allowed once, and somebody may have copied them here from a bucket (rule name.reading).
    """
    for name in ("back\\slash", "tab\there"):
        (tmp_path / "root/A" / name).write_text("x")

    keys = {entry.key for entry in store.keys("A/")}

    assert {"A/back\\slash", "A/tab\there"} < keys
    assert store.get("A/tab\there").data == b"x"


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    store = FolderStore(f"{tmp_path}/none/")

    assert (list(store.keys("")), list(store.folders(""))) == ([], [])
    with pytest.raises(KeyError):
        store.get("a")


def test_a_file_in_place_of_the_folder_is_empty(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert list(FolderStore(f"{tmp_path}/file/").folders("")) == []


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """A process that may not read everything, also where root runs the tests."""
    user = os.geteuid()
    os.seteuid(65534 if user == 0 else user)
    yield
    os.seteuid(user)


def test_a_folder_that_may_not_be_read_is_named(
    store: FolderStore, tmp_path: Path, unprivileged: None
) -> None:
    del unprivileged
    if os.getuid() != 0:
        (tmp_path / "root/A").chmod(0)

    for ask in (lambda: list(store.keys("A/")), lambda: store.get("A/a.txt")):
        with pytest.raises(AccessDenied, match=r"root/A.* may not be read: .*ls -ld"):
            ask()


def nest(folder: Path, depth: int, name: str = "d") -> None:
    """Make folders inside of each other, deeper than a path can say, and a file in the last one."""
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT, dir_fd=here))
    os.close(here)


def test_a_deep_folder_hides_nothing_and_is_named(
    store: FolderStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [entry.key for entry in store.keys("")]
    nest(tmp_path / "root/deep", 1100)

    found = [entry.key for entry in store.keys("")], list(store.folders(""))
    # What cleans up after the tests goes into folders by recursion.
    subprocess.run(["rm", "-rf", tmp_path / "root/deep"], check=True)

    assert found == (before, ["A", "B"])
    assert capsys.readouterr().err.count("root/deep/d/d") == 2


def test_as_deep_as_a_name_can_be_is_listed(store: FolderStore, tmp_path: Path) -> None:
    """
    A name has at most 500 bytes, so that 249 folders can be around a file.
    """
    nest(tmp_path / "root/deep", 249)
    key = "deep/" + "d/" * 249 + "file"

    assert [entry.key for entry in store.keys("deep/")] == [key]
    assert "deep" in list(store.folders(""))
    assert store.get(key).data == b""


def test_a_tree_is_walked_with_few_descriptors(tmp_path: Path) -> None:
    nest(tmp_path / "root", 240)
    program = f"""
import resource
from lab_workbook.store.folder import FolderStore
store = FolderStore({str(tmp_path / "root")!r} + "/")
resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
(entry,) = store.keys("")
print(len(store.get(entry.key).data), list(store.folders("")))
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.stdout == "0 ['d']\n", done.stderr


def test_a_folder_that_may_not_be_read_hides_no_other(
    capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    # Folders of pytest are for their owner alone.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        for name in ("A/a.txt", "A/b/c.txt", "B/x"):
            Path(place, name).parent.mkdir(parents=True, exist_ok=True)
            Path(place, name).write_text("x")
        for closed in ("B", "A/b"):
            Path(place, closed).chmod(0)
        store = FolderStore(f"{place}/")
        request.getfixturevalue("unprivileged")

        assert [entry.key for entry in store.keys("")] == ["A/a.txt"]
        assert list(store.folders("")) == ["A", "B"]
        assert f"{place}/B is left out: Permission denied" in capsys.readouterr().err
        with pytest.raises(AccessDenied, match="A/"):
            list(store.keys("A/"))
        os.seteuid(os.getuid())
        for closed in ("B", "A/b"):
            Path(place, closed).chmod(0o755)


def test_a_folder_that_fails_is_a_store_error() -> None:
    """
    Whatever the system says, the message names the place.
    """
    with pytest.raises(StoreError, match="/proc/self/mem cannot be read"):
        FolderStore("/proc/self/").get("mem")
