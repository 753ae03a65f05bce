r"""
Where the rows of a series end.

A row ends at a line feed outside quotes. Whatever follows the last row end is a row that is still
being written, or was torn, and is never read, uploaded or counted.

>>> end_of_rows(b'epoch,note,Date\n1,"two\nlines",2016-02-12T22:17:34Z\n2,"to')
51
"""

from __future__ import annotations


def end_of_rows(data: bytes) -> int:
    """Return the length of the whole rows at the start of a series (0: not even the header is whole)."""
    if b'"' not in data:
        return data.rfind(b"\n") + 1
    quotes_before = data.count(b'"')
    end = len(data)
    while True:
        line_feed = data.rfind(b"\n", 0, end)
        if line_feed < 0:
            return 0
        quotes_before -= data.count(b'"', line_feed, end)
        if quotes_before % 2 == 0:
            return line_feed + 1
        end = line_feed


def first_row_end(data: bytes, start: int = 0) -> int:
    """Return where the row that begins at ``start`` ends: behind its LF, or at the end of the bytes."""
    quotes, at = 0, start
    while (line_feed := data.find(b"\n", at)) >= 0:
        quotes += data.count(b'"', at, line_feed)
        if quotes % 2 == 0:
            return line_feed + 1
        at = line_feed + 1
    return len(data)


def count_rows(data: bytes) -> int:
    """Return how many rows end in bytes that begin where a row begins."""
    # Quotes split the text into pieces that are in turn outside and inside of them.
    return sum(piece.count(b"\n") for piece in data.split(b'"')[::2])
