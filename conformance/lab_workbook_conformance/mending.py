"""The ways in which a text that is not valid Unicode may be written (rule ``text.mended``)."""

from __future__ import annotations

import re

from lab_workbook_conformance.constants import SPEC

_REPLACEMENT: str = SPEC["text"]["replacement"]
_SURROGATE = re.compile("[\ud800-\udfff]")
# The three bytes that would be a surrogate if UTF-8 had them, each as Python keeps what it cannot decode.
_HALF_OF_A_PAIR = re.compile("\udced[\udca0-\udcbf][\udc80-\udcbf]")


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
    # Where texts are UTF-16, half of a pair is one piece and not three bytes.
    spelled = {text, _HALF_OF_A_PAIR.sub(_REPLACEMENT, text)}
    return {way(each) for each in spelled for way in (_by_byte, _by_piece)}


def _by_byte(text: str) -> str:
    return _SURROGATE.sub(_REPLACEMENT, text)


def _by_piece(text: str) -> str:
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:
        # A surrogate that stands for no byte, which only the strings of some languages can hold.
        return _by_byte(text)
