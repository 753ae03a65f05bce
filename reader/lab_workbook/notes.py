"""
What people note about an experiment later on: small files that are added and never changed.

>>> add(store, "201602122149-PMJ8a76csB", "diverged: the rate was too high", author="ann")
{'time': '2016-02-13T08:15:00Z', 'text': 'diverged: the rate was too high', 'author': 'ann'}
>>> [note["text"] for note in read(store, "201602122149-PMJ8a76csB")]
['diverged: the rate was too high']
"""

from __future__ import annotations

import getpass
import io
from typing import Any, Final

from lab_workbook.errors import InvalidValue
from lab_workbook.protocol import _spec, documents, jsontext, redaction, tags
from lab_workbook.store import Annotates, Reads

Note = dict[str, Any]

# A note is what a person types; more than that was not meant to be one, and would fill the memory.
_MAX_BYTES: Final = 2**20
_RANDOM_LENGTH: Final = 6


def add(store: Annotates, tag: str, text: str, *, author: str | None = None) -> Note:
    """
    Add a note to an experiment that is there, and return it as it was written: without secrets.

    Raises:
        InvalidValue: there is no text, or more than a megabyte of it (rule ``notes.document``).
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidValue("notes.document", f"a note is a text that says something, and not {text!r}")
    given = {"text": text, "author": _user() if author is None else str(author)}
    shown = {key: redaction.redacted_text(value)[0] for key, value in given.items()}
    note = {"time": documents.now(), **shown}
    data = jsontext.encode(note, report=lambda _: None)
    if len(data) > _MAX_BYTES:
        raise InvalidValue(
            "notes.document", f"a note has at most {_MAX_BYTES:,} bytes, and not {len(data):,}"
        )
    moment = note["time"].replace("-", "").replace(":", "")
    name = f"{_spec.LAYOUT_NOTES}{moment}-{tags.random_text(_RANDOM_LENGTH)}.json"
    store.create(f"{tag}/{name}", io.BytesIO(data))
    # As it was written, which for half a character is not as it was given.
    written: Note = jsontext.decode(data)
    return written


def read(store: Reads, tag: str) -> list[Note]:
    """
    Return the notes of an experiment, oldest first, each with the texts ``time``, ``text`` and ``author``.

    What is no note is left out, for one stray file must not hide the others.
    """
    entries = store.keys(f"{tag}/{_spec.LAYOUT_NOTES}")
    found = [_read(store, entry.key, entry.etag) for entry in entries if entry.size <= _MAX_BYTES]
    return [note for note in found if note is not None]


def _read(store: Reads, key: str, etag: str) -> Note | None:
    try:
        note = jsontext.decode(store.get(key, etag=etag).data)
    except (KeyError, ValueError):
        return None
    if not isinstance(note, dict) or not isinstance(note.get("text"), str):
        return None
    # A remark of which nobody knows the time or the author is still a remark.
    known = {key: note[key] if isinstance(note.get(key), str) else "" for key in ("time", "author")}
    return {**note, **known}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
