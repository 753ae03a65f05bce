"""
Marks in the text cells of a series.

A parser drops the quotes that tell a text from a number, so each quoted cell gets one more byte: the
mark stays at the front of its text, where no bare cell has one.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

MARK = "\x02"


def find_words(data: bytes, start: int, words: Sequence[str]) -> set[str]:
    """
    Return which of the words, all of one first letter, may be bare cells from ``start`` on.

    A text that holds ``,nil`` counts as well; that costs time and nothing else.
    """
    letter = ord(words[0][0])
    if data.find(letter, start) < 0:
        return set()
    source = np.frombuffer(data, np.uint8)
    places = np.flatnonzero(source[start:] == letter) + start
    before = source[places - 1]
    places = places[(before == ord(",")) | (before == ord("\n"))]
    seconds = source[places[places + 1 < len(source)] + 1]
    return {word for word in words if (seconds == ord(word[1])).any()}


def mark(data: bytes, start: int) -> tuple[io.BytesIO, int]:
    """Return the rows with a mark in each quoted cell from ``start`` on, and how many there are."""
    if data.find(b'"', start) < 0:
        return io.BytesIO(data), 0
    source = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(source[start:] == ord('"')) + start
    opening, closing = quotes[::2], quotes[1::2]
    # A quote that follows a closing one at once is the second half of a doubled quote.
    is_first = np.ones(len(opening), np.bool_)
    is_first[1:] = opening[1:] != closing[: len(opening) - 1] + 1
    places = opening[is_first] + 1
    places += np.arange(len(places))
    is_source = np.ones(len(source) + len(places), np.bool_)
    is_source[places] = False
    marked = np.empty(len(is_source), np.uint8)
    marked[is_source] = source
    marked[places] = ord(MARK)
    return io.BytesIO(marked.tobytes()), len(places)
