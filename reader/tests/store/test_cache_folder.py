"""
A folder of copies gives back what was put there, whole or not at all.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook.store import cache_folder
from lab_workbook.store.cache_folder import CacheFolder, Copy

LIMIT = 1_000_000


@pytest.fixture
def folder(tmp_path: Path) -> CacheFolder:
    return CacheFolder(f"{tmp_path}/cache/", LIMIT)


def files(path: Path) -> list[Path]:
    return [each for each in path.rglob("*") if each.is_file()]


@given(puts=st.lists(st.tuples(st.sampled_from("abc\n\ud800"), st.text(), st.binary()), max_size=9))
def test_what_was_put_last_under_a_name_comes_back(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[str, str, bytes]]
) -> None:
    folder = CacheFolder(f"{tmp_path_factory.mktemp('cache')}/", LIMIT)
    last = {}

    for name, etag, data in puts:
        folder.put(name, etag, 1e9, data)
        last[name] = Copy(etag, 1e9, data)

    assert {name: folder.get(name) for name in "abc\n\ud800"} == {
        name: last.get(name) for name in "abc\n\ud800"
    }
    assert folder.usage().files == len(last)


@given(data=st.binary(min_size=1), damage=st.data())
def test_a_damaged_or_torn_copy_is_as_if_it_were_not_there(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, damage: st.DataObject
) -> None:
    """
    Whichever byte was flipped, and wherever the file was cut.
    """
    path = tmp_path_factory.mktemp("cache")
    folder = CacheFolder(f"{path}/", LIMIT)
    folder.put("name", "etag", 1e9, data)
    (file,) = files(path)
    whole = file.read_bytes()
    at = damage.draw(st.integers(0, len(whole) - 1))
    flipped = bytes([whole[at] ^ damage.draw(st.integers(1, 255))])

    file.write_bytes(damage.draw(st.sampled_from([whole[:at], whole[:at] + flipped + whole[at + 1 :]])))

    assert folder.get("name") is None
    folder.put("name", "etag", 1e9, data)
    assert folder.get("name") == Copy("etag", 1e9, data)


def test_a_copy_under_another_name_is_none(folder: CacheFolder, tmp_path: Path) -> None:
    """
    As when somebody renames files; what it says is of another object.
    """
    folder.put("one", "etag", 1e9, b"1")
    folder.put("two", "etag", 1e9, b"2")
    first, second = files(tmp_path)

    first.write_bytes(second.read_bytes())

    assert {folder.get("one"), folder.get("two")} in (
        {None, Copy("etag", 1e9, b"1")},
        {None, Copy("etag", 1e9, b"2")},
    )


def test_nobody_else_can_look_into_it(folder: CacheFolder, tmp_path: Path) -> None:
    folder.put("name", "etag", 1e9, b"secret")

    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert [each.stat().st_mode & 0o777 for each in files(tmp_path)] == [0o600]


@pytest.mark.parametrize("size", [1_000, 20_000, LIMIT // 5])
def test_it_stays_about_as_small_as_it_was_told(
    folder: CacheFolder, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Also by many small files, whose blocks on the disk count.
    """
    monkeypatch.setattr(cache_folder, "_chance", random.Random(1))

    for number in range(4 * LIMIT // max(size, 4096)):
        folder.put(str(number), "etag", 1e9, b"x" * size)

    assert LIMIT / 2 < folder.usage().bytes <= LIMIT * 1.2


def test_what_was_used_last_stays(folder: CacheFolder, tmp_path: Path) -> None:
    """
    Reading counts as use.
    """
    for number in range(10):
        folder.put(str(number), "etag", 1e9, b"x" * (LIMIT // 10 - 8192))
    for file in files(tmp_path):
        os.utime(file, (time.time() - 86_400,) * 2)
    os.utime(folder._place("3"), (1e9, 1e9))

    folder.get("3")
    folder.put("new", "etag", 1e9, b"x" * (LIMIT // 5))
    folder.prune()

    assert folder.get("3") is not None
    assert folder.get("new") is not None
    assert sum(folder.get(str(number)) is None for number in range(10)) > 0


def test_one_object_may_not_drive_out_all_others(folder: CacheFolder) -> None:
    folder.put("large", "etag", 1e9, b"x" * (LIMIT // 4))

    assert folder.usage() == (0, 0)


def test_a_limit_of_nothing_leaves_nothing(tmp_path: Path) -> None:
    folder = CacheFolder(f"{tmp_path}/cache/", 0)

    folder.put("name", "etag", 1e9, b"")

    assert folder.get("name") is None
    assert not (tmp_path / "cache").exists()


def test_clearing_deletes_copies_and_nothing_else(folder: CacheFolder, tmp_path: Path) -> None:
    """
    Somebody may have named their home as the place of the cache.
    """
    folder.put("name", "etag", 1e9, b"1")
    others = [
        tmp_path / "cache/thesis.tex",
        tmp_path / "cache/ab/notes.txt",
        tmp_path / "cache/other/" / ("0" * 62),
    ]
    for other in others:
        other.parent.mkdir(exist_ok=True)
        other.write_text("")

    cleared = folder.clear()

    assert cleared.files == 1
    assert folder.usage().files == 0
    assert set(files(tmp_path)) == set(others)


def test_half_a_file_that_a_killed_process_left_is_swept_up(folder: CacheFolder, tmp_path: Path) -> None:
    """
    After an hour; before that somebody may still be writing it.
    """
    folder.put("name", "etag", 1e9, b"1")
    (shard,) = (tmp_path / "cache").iterdir()
    old, new = shard / f"partial-{'0' * 16}", shard / f"partial-{'1' * 16}"
    old.write_text("")
    new.write_text("")
    os.utime(old, (1e9, 1e9))

    folder.prune()

    assert (old.exists(), new.exists()) == (False, True)
    assert folder.get("name") is not None


_WRITE = """
import itertools, sys
from lab_workbook.store.cache_folder import CacheFolder
folder = CacheFolder(sys.argv[1], 10**9)
print(flush=True)
for number in itertools.count():
    folder.put(str(number % 3), "etag", 1e9, (b"%d" % number) * 100_000)
"""


def test_many_processes_and_a_kill_leave_whole_copies(tmp_path: Path) -> None:
    """
    All write the same names, and none of them ends of itself.
    """
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITE, f"{tmp_path}/cache/"], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.read(1)
    folder = CacheFolder(f"{tmp_path}/cache/", 10**9)
    seen = 0

    for writer in writers:
        for _ in range(100):
            for name in "012":
                copy = folder.get(name)
                if copy is not None:
                    seen += 1
                    assert copy.data == copy.data[: len(copy.data) // 100_000] * 100_000
        writer.send_signal(signal.SIGKILL)
        writer.communicate()

    assert seen
    assert all(folder.get(name) is not None for name in "012")


@pytest.mark.parametrize("place", ["/proc/no-such-folder/", "/dev/null/cache/"])
def test_where_nothing_can_be_written_that_is_said_once(
    place: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        folder = CacheFolder(place, LIMIT)
        folder.put("name", "etag", 1e9, b"1")
        assert folder.get("name") is None
        assert folder.usage() == (0, 0)

    said = capfd.readouterr().err
    assert said.count(f"nothing is kept in {place}") == 1
    assert "cacheDir" in said


def test_a_full_disk_is_said_once_and_leaves_nothing(tmp_path: Path) -> None:
    """
    A file system of its own is the way to have one.
    """
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    (tmp_path / "disk").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(tmp_path / "disk")], check=False
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        folder = CacheFolder(f"{tmp_path}/disk/", LIMIT)
        folder.put("name", "etag", 1e9, b"x" * 100_000)

        assert files(tmp_path) == []
    finally:
        subprocess.run(["umount", str(tmp_path / "disk")], check=True)


def test_a_folder_that_others_may_write_to_is_not_trusted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """
    What somebody else put there would be taken for an experiment.
    """
    ours = CacheFolder(f"{tmp_path}/cache/", LIMIT)
    ours.put("name", "etag", 1e9, b"1")
    (tmp_path / "cache").chmod(0o777)

    assert CacheFolder(f"{tmp_path}/cache/", LIMIT).get("name") is None
    assert "others may write there" in capfd.readouterr().err
