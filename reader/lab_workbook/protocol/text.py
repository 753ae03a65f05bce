"""
Text that is safe to write.

A log must not stop a training run because a caption held half a character, so a text that is not
valid UTF-8, or holds NUL, is written with U+FFFD in those places (rule ``text.mended``).
"""

from __future__ import annotations

from collections.abc import Callable

from lab_workbook.protocol import _spec


def mended(text: str, report: Callable[[str], None], *, keep_nul: bool = False) -> str:
    """
    Return the text as it may be written, and report ``"texts"`` if it had to be changed.

    ``keep_nul`` is for JSON, which has a spelling for NUL, and for text that is an artifact of its own.
    """
    valid = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if not keep_nul:
        valid = valid.replace("\0", _spec.TEXT_REPLACEMENT)
    if valid != text:
        report(_spec.LOSS_TEXTS)
    return valid


def sound(text: str) -> str:
    r"""
    Return a text that any file, table or page can hold: halves of characters are replaced.

    >>> sound("half \ud800")
    'half \ufffd'
    """
    return text if is_utf8(text) else mended(text, lambda _kind: None, keep_nul=True)


def printable(text: str) -> str:
    r"""
    Return a text as one line that is safe to print.

    >>> printable("loss\x1b[31m.csv")
    'loss\\x1b[31m.csv'
    """
    # Nearly all are, and then this is quick.
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


def is_utf8(text: str) -> bool:
    """Say whether a text can be written as UTF-8 as it is: it holds no half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
