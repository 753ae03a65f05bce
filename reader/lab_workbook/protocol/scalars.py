"""
Numbers that a numerical library wraps: numpy's scalars, tensors of one element.

Their ``.item()`` gives the Python value that they hold, so no library needs to be imported here.
"""

from __future__ import annotations

from typing import Any

_PLAIN = (float, int, str, bool, type(None))


def held(value: Any) -> Any:
    """
    Return the plain value that a scalar holds.

    Raises:
        TypeError: it holds none: no ``.item()``, several elements, or an object that has no rule.
    """
    # numpy gives a date in nanoseconds as a bare integer, which nobody could tell from a count.
    if getattr(getattr(value, "dtype", None), "kind", "") in ("m", "M"):
        raise TypeError("dates have no rule")
    try:
        item = value.item()
    except (AttributeError, TypeError, ValueError, RuntimeError):
        raise TypeError("no single value") from None
    # numpy's long double gives itself again, which would never come to an end.
    if type(item) not in _PLAIN:
        raise TypeError("no plain value")
    return item
