r"""
Experiments as HTML: in a notebook, and as a report that stands alone.

Names, notes, parameters and patches come from whoever wrote the experiment. So all HTML is made by templates
that escape whatever they are given, and none is put together by hand.

>>> "<script>" in render("message.html", title="<script>", message="…")
False
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

# Controls, halves of characters, and what makes a browser write backwards: a note could look like another.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def visible(value: object) -> str:
    r"""
    Return a text with its invisible characters spelled out; tabs and line feeds stay.

    >>> visible("loss\u202e\x00")
    'loss\\u202e\\x00'
    """
    return _INVISIBLE.sub(lambda found: ascii(found[0])[1:-1], str(value))


def render(template: str, **values: Any) -> str:
    """Return a template of ours, filled in: every value is made visible and escaped."""
    return _environment().get_template(template).render(**values)


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lab_workbook", "html/templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["bytes"] = in_bytes
    return environment


def _finalized(value: Any) -> Any:
    # What has __html__ was made by a template of ours.
    return value if hasattr(value, "__html__") else visible(value)


def in_bytes(count: int) -> str:
    """
    Return a number of bytes as people read it.

    >>> in_bytes(4_200_000)
    '4.2 MB'
    """
    if count < 1000:
        return f"{count} bytes"
    size, units = float(count), iter(("kB", "MB", "GB", "TB"))
    unit = "bytes"
    while size >= 1000 and (larger := next(units, None)):
        size, unit = size / 1000, larger
    return f"{size:.{0 if size >= 100 else 1}f} {unit}"
