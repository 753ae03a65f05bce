"""
What the bytes of an artifact mean, by the last suffix of its name.

| suffix | value |
| --- | --- |
| ``.json`` | the value |
| ``.csv`` | a pandas DataFrame |
| ``.t7``, ``.pt``, ``.safetensors`` | a `Model`, which is fetched when it is asked for |
| ``.git-current-commit``, ``.git-patch`` | text |
| others | text if it is UTF-8 without NUL, else bytes |

What is not UTF-8 in a text of git is kept: ``text.encode(errors="surrogateescape")`` gives its bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lab_workbook import models
from lab_workbook.errors import Unreadable
from lab_workbook.protocol import _spec, jsontext

Processor = Callable[[str, bytes], Any]
_P = TypeVar("_P", bound=Processor)

_processors: list[Processor] = []


def artifact_processor(function: _P) -> _P:
    """
    Teach the reader another kind of artifact, or to read one of ours differently.

    >>> @lab_workbook.artifact_processor
    ... def image(name, contents):
    ...     if name.endswith(".png"):
    ...         return PIL.Image.open(io.BytesIO(contents))

    The function is called with a name and bytes, before anything else is tried. What it returns is the
    value; None says that it is for others to read. Of several functions the first registered is asked
    first. Of a series that still grows they are asked once, and models are fetched for them.
    """
    _processors.append(function)
    return function


def decode(name: str, data: bytes, *, is_legacy: bool = False) -> Any:
    """
    Return the value of an artifact; ``is_legacy`` says that protocol 1.0 wrote it.

    Raises:
        Unreadable: the bytes are not what the name says.
    """
    value = taught(name, data)
    return own(name, data, is_legacy=is_legacy) if value is None else value


def taught(name: str, data: bytes) -> Any:
    """Return what a function of the user makes of an artifact, or None."""
    for processor in _processors:
        value = processor(name, data)
        if value is not None:
            return value
    return None


def is_lazy(name: str) -> bool:
    """Say whether an artifact has a value before its bytes are there."""
    return models.is_model(name) and not _processors


def own(name: str, data: bytes, *, is_legacy: bool = False) -> Any:
    """Return the value of an artifact as it is without the user's functions; raises as `decode` does."""
    if name.endswith(_spec.KIND_JSON_SUFFIX):
        return _json(name, data)
    if name.endswith(_spec.KIND_SERIES_SUFFIX):
        return _series(name, data, is_legacy=is_legacy)
    if models.is_model(name):
        return models.of_bytes(name, data)
    if name.endswith((_spec.KIND_GIT_COMMIT_SUFFIX, _spec.KIND_GIT_PATCH_SUFFIX)):
        return data.decode(errors="surrogateescape")
    return _text_or_bytes(data)


def _json(name: str, data: bytes) -> Any:
    try:
        return jsontext.decode(data)
    except ValueError as error:
        why = "it is empty" if not data else str(error)
        raise Unreadable(
            f"{name} is not JSON: {why}. `experiment.read_bytes({name!r})` gives it as it is"
        ) from None


def _series(name: str, data: bytes, *, is_legacy: bool) -> Any:
    # pandas takes most of a second to import.
    from lab_workbook import series

    return series.read_legacy(data, name) if is_legacy else series.read(data, name)


def _text_or_bytes(data: bytes) -> str | bytes:
    if b"\0" in data:
        return data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
