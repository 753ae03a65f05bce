"""A file that grows by whole pieces, on a disk that refuses some; the limit on file sizes plays the disk."""

import os
import resource
import signal
import threading
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook_writer.append_file import AppendFile


def opener(path):
    return lambda: os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@contextmanager
def room_for(size):
    """Let no file grow beyond a size: what does not fit is written in part, or refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_piece_is_in_the_file_when_append_returns(tmp_path):
    """
    Nothing is kept in this process, where it would die with it.
    """
    path = tmp_path / "grows"
    file = AppendFile(opener(path))

    file.append(b"one\n")

    assert path.read_bytes() == b"one\n"


def test_a_piece_that_did_not_fit_leaves_nothing(tmp_path):
    """
    The part that was written is cut off again.
    """
    path = tmp_path / "grows"
    file = AppendFile(opener(path))
    file.append(b"one\n")

    with room_for(6), pytest.raises(OSError, match="No space"):
        file.append(b"three\n")

    assert path.read_bytes() == b"one\n"


def test_pieces_follow_again_when_there_is_room(tmp_path):
    """
    A disk that was full for a while costs the pieces of that while.
    """
    path = tmp_path / "grows"
    file = AppendFile(opener(path))
    with room_for(2), pytest.raises(OSError, match="No space"):
        file.append(b"one\n")

    file.append(b"two\n")

    assert path.read_bytes() == b"two\n"


def test_nothing_follows_a_torn_piece_until_it_is_cut(tmp_path, monkeypatch):
    """
    Where even the cut is refused, the next piece cuts first or is refused too.
    """
    path = tmp_path / "grows"
    file = AppendFile(opener(path))
    file.append(b"one\n")
    cut = os.ftruncate

    def refuse(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "ftruncate", refuse)
    with room_for(6), pytest.raises(OSError, match="Input/output"):
        file.append(b"three\n")
    with pytest.raises(OSError, match="Input/output"):
        file.append(b"four\n")
    torn = path.read_bytes()
    monkeypatch.setattr(os, "ftruncate", cut)
    file.append(b"five\n")

    assert torn == b"one\nth"
    assert path.read_bytes() == b"one\nfive\n"


@given(sizes=st.lists(st.integers(1, 40), max_size=30), limits=st.lists(st.integers(0, 200), min_size=1))
def test_only_whole_pieces_are_ever_there(tmp_path_factory, sizes, limits):
    """
    However the room changes, the file is the pieces whose append returned, in order.
    """
    path = tmp_path_factory.mktemp("grows") / "grows"
    file = AppendFile(opener(path))
    file.open()
    taken = []

    for number, size in enumerate(sizes):
        piece = (str(number % 10) * size + "\n").encode()
        with room_for(limits[number % len(limits)]):
            try:
                file.append(piece)
                taken.append(piece)
            except OSError:
                pass

    assert path.read_bytes() == b"".join(taken)
    file.close()


def test_an_opener_that_fails_is_asked_again(tmp_path):
    """
    The folder may come back.
    """
    path = tmp_path / "later" / "grows"
    file = AppendFile(opener(path))
    with pytest.raises(FileNotFoundError):
        file.append(b"one\n")
    path.parent.mkdir()

    file.append(b"two\n")

    assert path.read_bytes() == b"two\n"


def test_threads_do_not_mix_their_pieces(tmp_path):
    """
    Each piece is whole, whoever writes beside it.
    """
    path = tmp_path / "grows"
    file = AppendFile(opener(path))

    def write(letter):
        for _ in range(200):
            file.append(letter * 500 + b"\n")

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = path.read_bytes().splitlines()
    assert sorted(lines) == [letter * 500 for letter in (b"a", b"b", b"c") for _ in range(200)]


def test_a_signal_handler_may_append(tmp_path):
    """
    It interrupts its own thread, perhaps in the middle of an append, and must not wait for itself.
    """
    path = tmp_path / "grows"
    file = AppendFile(opener(path))
    before = signal.signal(signal.SIGALRM, lambda *_: file.append(b"signal\n"))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        for _ in range(3000):
            file.append(b"loop\n")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert path.read_bytes().count(b"loop\n") == 3000
    assert set(path.read_bytes().splitlines()) <= {b"loop", b"signal"}
