"""The ways in which a text that is not valid Unicode may be written (rule ``text.mended``)."""

from __future__ import annotations

import re

from lab_workbook_conformance.constants import SPEC

_REPLACEMENT: str = SPEC["text"]["replacement"]
_SURROGATE = re.compile("[\ud800-\udfff]")


def is_sound(text: str) -> bool:
    """Say whether a text may be written as it is; bytes that are not UTF-8 are lone surrogates in it."""
    return not _SURROGATE.search(text)


def mended(text: str, *, keep_nul: bool) -> set[str]:
    r"""
    Return the texts that may stand for this one: a U+FFFD for each odd byte, or for each odd piece.

    >>> mended("a\udce2\udc82b", keep_nul=False) == {"a\ufffdb", "a\ufffd\ufffdb"}
    True
    """
    text = text if keep_nul else text.replace("\0", _REPLACEMENT)
    by_byte = _SURROGATE.sub(_REPLACEMENT, text)
    try:
        by_piece = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        # A surrogate that stands for no byte, which only the strings of some languages can hold.
        by_piece = by_byte
    return {by_byte, by_piece}
