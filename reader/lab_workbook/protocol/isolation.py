"""
Loops over items that strangers wrote: a problem with one is reported beside the results of the others.

>>> problems = []
>>> options = [attempt(lambda each=each: each["options.json"], problems.append) for each in repository]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from lab_workbook.errors import (
    BucketNotFound,
    CredentialsMissing,
    LabWorkbookError,
    Unreachable,
)
from lab_workbook.protocol.text import sound

_T = TypeVar("_T")

# Without a bucket, credentials or a network, no item can be read.
_OF_ALL: Final = (BucketNotFound, CredentialsMissing, Unreachable)
_LONGEST: Final = 2_000


def attempt(read: Callable[[], _T], report: Callable[[str], object]) -> _T | None:
    """
    Return what ``read`` returns for one item; None if it raises, and then ``report`` gets the reason.

    >>> attempt(lambda: experiment["options.json"], problems.append)
    {'learning rate': 0.1}

    Raises:
        StoreError: the bucket, the credentials or the network are missing, for all items alike.
    """
    try:
        return read()
    except _OF_ALL:
        raise
    except LabWorkbookError as error:
        report(sound(str(error))[:_LONGEST])
    except Exception as error:  # noqa: BLE001 - an error that nobody expected must not hide the other items
        report(sound(f"cannot be read: {type(error).__name__}: {error}")[:_LONGEST])
    return None
