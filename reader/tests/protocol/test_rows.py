"""Where rows end."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st
from lab_workbook.protocol import rows

texts = st.text(st.sampled_from('a,"\n\r'), max_size=6)
tables = st.lists(st.lists(texts, min_size=2, max_size=2), min_size=1, max_size=6)


def written(table):
    """The bytes of a table, and where each of its rows ends."""
    buffer, ends = io.StringIO(newline=""), []
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in table:
        writer.writerow(row)
        ends.append(buffer.tell())
    return buffer.getvalue().encode(), ends


@given(table=tables, data=st.data())
def test_the_end_of_the_rows_is_that_of_the_last_whole_one(table, data):
    """
    Wherever a file is cut, also inside of a quoted line feed.
    """
    whole, ends = written(table)
    cut = data.draw(st.integers(0, len(whole)))

    assert rows.end_of_rows(whole[:cut]) == max([end for end in ends if end <= cut], default=0)


@given(tables)
def test_rows_are_counted_and_not_lines(table):
    """
    A text may have many lines.
    """
    whole, _ = written(table)

    assert rows.count_rows(whole) == len(table)


def test_nothing_has_no_rows():
    """
    Not even a header.
    """
    assert rows.end_of_rows(b"") == 0
    assert rows.end_of_rows(b"epoch,loss") == 0
    assert rows.count_rows(b"") == 0
