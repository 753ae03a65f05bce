"""When rows go to the bucket, on a clock that the test turns."""

import pytest
from lab_workbook_writer.uploader.publications import Series

HEADER = b"epoch,note,Date\n"
ROW = b'1,"a",2016-02-12T22:17:34Z\n'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "loss.csv"


@pytest.fixture
def make(path):
    path.write_bytes(HEADER)

    def run(save_every=None, *, published=0):
        return Series(str(path), "loss.csv", save_every, published=published, upload_every=10)

    return run


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


def look(series, now):
    series.look(now)
    return series.is_due(now)


def test_rows_are_due_upload_every_seconds_after_the_first_of_them(make, path):
    series = make(published=len(HEADER))
    assert not look(series, 0)
    append(path, ROW)
    assert not look(series, 100)
    append(path, ROW)
    assert not look(series, 109)

    assert look(series, 110)
    assert series.take(110) == len(HEADER + ROW + ROW)
    assert not look(series, 200)


def test_rows_are_due_when_enough_of_them_are_waiting(make, path):
    series = make(3)
    append(path, ROW + ROW)
    assert not look(series, 100)
    append(path, ROW)

    assert look(series, 101)


def test_rows_are_due_at_most_once_a_second(make, path):
    series = make(1)
    append(path, ROW)
    assert look(series, 100)
    series.take(100)
    append(path, ROW)

    assert not look(series, 100.5)
    assert look(series, 101)


def test_a_header_alone_is_no_row_but_is_published_in_time(make):
    series = make(1)

    assert not look(series, 0)
    assert look(series, 10)
    assert series.take(10) == len(HEADER)


def test_a_row_that_is_not_whole_waits(make, path):
    series = make(1, published=len(HEADER))
    append(path, b'1,"half\n')
    assert not look(series, 0)
    append(path, b'lines",2016-02-12T22:17:34Z\n')

    assert look(series, 1)
    assert series.take(1) == path.stat().st_size


def test_a_file_that_was_cut_and_grew_to_less_is_seen(make, path):
    """
    The row that replaces a torn one may be shorter.
    """
    series = make(1, published=len(HEADER))
    append(path, b"1,0.123456789012345678901234567890")
    assert not look(series, 0)
    path.write_bytes(HEADER + ROW)

    assert look(series, 1)


def test_what_an_earlier_uploader_published_is_not_due_again(make, path):
    append(path, ROW)
    series = make(1, published=len(HEADER + ROW))

    assert not look(series, 100)
    assert not series.is_waiting()


def test_a_series_larger_than_a_chunk_is_read_whole(make, path):
    append(path, ROW * 100_000)
    series = make(100_000)

    assert look(series, 0)
    assert series.take(0) == len(HEADER) + 100_000 * len(ROW)


def test_a_series_whose_file_is_gone_is_never_due(make, path):
    series = make(1)
    path.unlink()

    assert not look(series, 100)
