"""The start of a file as a file, and the sum of what was sent of it."""

import hashlib
import os

import pytest
from lab_workbook_writer.uploader.section import Section

DATA = os.urandom(700_001)


@pytest.fixture
def section(tmp_path):
    """Return a section of a file that goes on behind it."""
    path = tmp_path / "file"
    path.write_bytes(DATA + b"more, written while we send")
    descriptor = os.open(path, os.O_RDONLY)
    yield lambda size, moved=lambda _: None: Section(descriptor, size, moved)
    os.close(descriptor)


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145, len(DATA)])
def test_it_ends_where_it_was_told_to(section, size):
    part = section(size)

    assert part.buffered().read() == DATA[:size]
    assert part.sha256() == hashlib.sha256(DATA[:size]).hexdigest()


@pytest.mark.parametrize("read", [1, 100, 300_000, len(DATA)])
def test_a_second_sending_counts_afresh(section, read):
    """
    A library that gets no answer begins again, wherever it was; it asks for the size first.
    """
    part = section(len(DATA))
    file = part.buffered()
    assert file.seek(0, os.SEEK_END) == len(DATA)
    file.seek(0)
    file.read(read)

    file.seek(0)
    again = b"".join(iter(lambda: file.read(8192), b""))

    assert again == DATA
    assert part.sha256() == hashlib.sha256(DATA).hexdigest()


def test_a_sum_of_less_than_all_is_refused(section):
    """
    A wrong sum in end.json would be worse than another sending.
    """
    part = section(len(DATA))
    part.buffered().read(5)

    with pytest.raises(OSError, match="of 700001 bytes were sent"):
        part.sha256()


def test_a_file_that_is_shorter_than_promised_is_refused(tmp_path):
    (tmp_path / "short").write_bytes(b"123")
    descriptor = os.open(tmp_path / "short", os.O_RDONLY)

    with pytest.raises(OSError, match="5 bytes were promised"):
        Section(descriptor, 5, lambda _: None).buffered().read()
    os.close(descriptor)


def test_only_bytes_that_are_read_for_the_first_time_are_progress(section):
    """
    A request that fails at the same place again and again goes nowhere.
    """
    positions = []
    part = section(len(DATA), positions.append)
    for _ in range(3):
        file = part.buffered()
        file.seek(0)
        file.read(300_000)
        file.detach()

    assert positions == sorted(set(positions))


def test_the_sum_is_of_the_last_sending(tmp_path):
    """
    Whatever happened to the file in between, end.json says what the bucket was given.
    """
    path = tmp_path / "file"
    path.write_bytes(b"a" * 600_000)
    descriptor = os.open(path, os.O_RDONLY)
    part = Section(descriptor, 600_000, lambda _: None)
    file = part.buffered()
    file.read()
    path.write_bytes(b"b" * 600_000)
    file.seek(0)

    sent = file.read()
    os.close(descriptor)

    assert part.sha256() == hashlib.sha256(sent).hexdigest()
    assert sent == b"b" * 600_000
