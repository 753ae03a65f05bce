"""
Numbers that were written down as text: which texts are numbers again?

A parameter ``0.1`` is worth more as a number, by which experiments are found. But ``007`` and ``1e3`` may be
names, and would not come back as they were.
"""

from __future__ import annotations

import math


def number(text: str) -> int | float | None:
    """
    Return the number that a text spells, or None.

    >>> [number(text) for text in ("3", " 5.0000e-01", "-nan", "1_000", "x")]
    [3, 0.5, nan, None, None]
    """
    # Python would read 1_000 as a thousand, and the digits of every script.
    if "_" in text or not text.isascii():
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None


def typed(text: str) -> bool | int | float | str:
    """
    Return the value whose text in Python is this one, or the text itself where there is none.

    >>> [typed(text) for text in ("0.1", "3", "True", "007", "1e3")]
    [0.1, 3, True, '007', '1e3']
    """
    if text in ("True", "False"):
        return text == "True"
    value = number(text)
    # "nan" and "inf" may be names.
    return value if value is not None and math.isfinite(value) and repr(value) == text else text
