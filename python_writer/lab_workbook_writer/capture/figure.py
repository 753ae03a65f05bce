"""
Pictures of the libraries that make them: matplotlib, plotly, Pillow.

They are told apart by what they can do, so none of them is imported here.
"""

from __future__ import annotations

import os
from typing import Any, Final

from lab_workbook.errors import InvalidValue

from lab_workbook_writer.capture.sink import sink
from lab_workbook_writer.place import Fill, write_file

DEFAULT: Final = ".png"

_SUFFIXES: Final = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp", ".html")
# Pillow has a name of its own for this one.
_OTHER_NAMES: Final = {"jpg": "jpeg"}


def suffix(name: Any) -> str:
    """Return the suffix of a picture that a name has already, if it has one."""
    found = os.path.splitext(name)[1] if isinstance(name, str) else ""
    return found if found.lower() in _SUFFIXES else ""


def saves(figure: Any, suffix: str) -> Fill:
    """
    Return what writes a figure to a path, in the format of a suffix.

    Raises:
        InvalidValue: this is no figure.
    """
    form = suffix[1:].lower()
    if callable(getattr(figure, "savefig", None)):
        return lambda path: _into_sink(path, lambda file: figure.savefig(file, format=form))
    if callable(getattr(figure, "to_html", None)) and callable(getattr(figure, "to_image", None)):
        if form == "html":
            return lambda path: write_file(path, figure.to_html().encode())
        return lambda path: write_file(path, figure.to_image(format=form))
    if callable(getattr(figure, "save", None)) and hasattr(figure, "getbands"):
        form = _OTHER_NAMES.get(form, form)
        return lambda path: _into_sink(path, lambda file: figure.save(file, format=form))
    kind = type(figure)
    raise InvalidValue(
        "kind.suffix",
        f"save_figure saves figures of matplotlib or plotly and images of Pillow, not"
        f" {kind.__module__}.{kind.__qualname__}: save_file copies a file",
    )


def _into_sink(path: str, write: Any) -> None:
    with sink(path) as file:
        write(file)
