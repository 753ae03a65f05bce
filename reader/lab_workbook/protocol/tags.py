"""
Names of experiments.

A tag such as ``201602122149-PMJ8a76csB`` is a UTC minute and ten random characters. People copy
tags into notebooks by hand, so a tag is all that anyone needs to find a run again.
"""

from __future__ import annotations

import os
import time

from lab_workbook.errors import InvalidName, InvalidTag
from lab_workbook.protocol import _spec, names

# The largest multiple of 62 that fits a byte: bytes above it would make some characters likelier.
_UNBIASED = 256 - 256 % len(_spec.TAG_ALPHABET)


def new() -> str:
    """
    Return a fresh tag.

    >>> new()
    '201602122149-PMJ8a76csB'

    The characters come from the system's random source, so neither the program's own `random` nor
    a seed that two jobs share has any say in them.

    Raises:
        NotImplementedError: the system has no random source.
    """
    minute = time.strftime(_spec.TAG_TIME_FORMAT, time.gmtime())
    return f"{minute}-{random_text(_spec.TAG_RANDOM_LENGTH)}"


def random_text(length: int) -> str:
    """Return so many unbiased characters of ``0-9A-Za-z`` from the system's random source."""
    text = ""
    while len(text) < length:
        text += "".join(
            _spec.TAG_ALPHABET[byte % len(_spec.TAG_ALPHABET)]
            for byte in os.urandom(2 * length)
            if byte < _UNBIASED
        )
    return text[:length]


def check(tag: object) -> str:
    """
    Return a tag that the caller chose, if it is one valid part of a name.

    Raises:
        InvalidTag: it is not (rule ``tag.explicit``).
    """
    try:
        name = names.check(tag)
    except InvalidName as error:
        raise InvalidTag("tag.explicit", f"the tag {tag!r} cannot be used: {error.problem}") from None
    if "/" in name or len(name.encode()) > _spec.TAG_MAX_BYTES:
        raise InvalidTag(
            "tag.explicit",
            f"the tag {name!r} must be one part, without '/', of at most {_spec.TAG_MAX_BYTES} bytes",
        )
    return name
