"""
Where things lie inside an experiment, and what may be listed.

>>> is_hidden(".lab-workbook/begin.json")
True
>>> content_type("Training loss.csv")
'text/csv; charset=utf-8'
"""

from __future__ import annotations

from lab_workbook.protocol import _spec

# The first suffix that fits wins; none is a suffix of another.
CONTENT_TYPES = {
    _spec.KIND_JSON_SUFFIX: _spec.KIND_JSON_CONTENT_TYPE,
    _spec.KIND_SERIES_SUFFIX: _spec.KIND_SERIES_CONTENT_TYPE,
    _spec.KIND_TORCH7_SUFFIX: _spec.KIND_TORCH7_CONTENT_TYPE,
    _spec.KIND_PYTORCH_SUFFIX: _spec.KIND_PYTORCH_CONTENT_TYPE,
    _spec.KIND_GIT_COMMIT_SUFFIX: _spec.KIND_GIT_COMMIT_CONTENT_TYPE,
    _spec.KIND_GIT_PATCH_SUFFIX: _spec.KIND_GIT_PATCH_CONTENT_TYPE,
}

# Readers ignore the Content-Type, but browsers and consoles show what they know.
_OTHER_TYPES = {
    ".txt": _spec.KIND_TEXT_CONTENT_TYPE,
    ".md": _spec.KIND_TEXT_CONTENT_TYPE,
    ".log": _spec.KIND_TEXT_CONTENT_TYPE,
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
}


# What a script ran in.
ENVIRONMENT = _spec.ENVIRONMENT_DEFAULT_NAME + _spec.KIND_JSON_SUFFIX


def is_hidden(name: str) -> bool:
    """Say whether a name belongs to the protocol itself, so that no listing shows it."""
    return name.partition("/")[0] == _spec.LAYOUT_RESERVED


def is_parameters(name: str) -> bool:
    """Say whether an artifact has parameters or results in it, and not what the source or the machine was."""
    is_known = name == ENVIRONMENT or name.endswith(_spec.GIT_STATE_SUFFIX)
    return name.endswith(_spec.KIND_JSON_SUFFIX) and not is_known


def content_type(name: str) -> str:
    """Return the Content-Type that an artifact of this name is put with."""
    for suffix, kind in (CONTENT_TYPES | _OTHER_TYPES).items():
        if name.endswith(suffix):
            return kind
    return _spec.KIND_FILE_CONTENT_TYPE
