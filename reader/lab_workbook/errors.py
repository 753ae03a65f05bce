"""
What can go wrong:

LabWorkbookError
  ConfigurationError        a setting that cannot be used; names where it was set
  Misuse                    the program asked for what the protocol has no rule for; carries the rule's id
    InvalidTag              rules tag.*
    InvalidName             rules name.*
    InvalidSeries           rules series.* about a series: its fields, its saveEvery, its name
    InvalidRow              rule series.row: an unknown field, or no mapping at all
    InvalidValue            rules series.value, json.*: a value of a type that has no rule
  NotFound
    ExperimentNotFound
    ArtifactNotFound        lists the names that do exist
    AmbiguousTag            several experiments begin like this; lists them
  NotComparable             these experiments cannot be put in one table like this
  NotRestorable             the source cannot be put back as it ran; says what is missing
  InvalidQuery              not a filter (docs/filters.md), or about a column that no experiment has
  Unreadable                a file is not what its name says; names the artifact and what to do
    UnsupportedProtocol     written by a newer major version
  Unwritable                Torch has nothing like this value, so that no .t7 file can hold it
  StoreError                the folder or the bucket said no
    AlreadyExists           create-only, and it is there
    BucketNotFound
    AccessDenied
    CredentialsMissing
      CredentialsExpired    they were good once; the uploader waits for new ones
    Unreachable             no answer, or an answer that asks to try again
  TagTaken                  another experiment has claimed this tag
  DeliveryRefused           the bucket said no for good; names the spool that was kept
"""

from __future__ import annotations

import contextlib
import sys

__all__ = [
    "AccessDenied",
    "AlreadyExists",
    "AmbiguousTag",
    "ArtifactNotFound",
    "BucketNotFound",
    "ConfigurationError",
    "CredentialsExpired",
    "CredentialsMissing",
    "DeliveryRefused",
    "ExperimentNotFound",
    "InvalidName",
    "InvalidQuery",
    "InvalidRow",
    "InvalidSeries",
    "InvalidTag",
    "InvalidValue",
    "LabWorkbookError",
    "Misuse",
    "NotComparable",
    "NotFound",
    "NotRestorable",
    "StoreError",
    "TagTaken",
    "Unreachable",
    "Unreadable",
    "UnsupportedProtocol",
    "Unwritable",
    "warn",
]


def warn(message: str) -> None:
    """Say one line on stderr. A closed or full stderr must not stop a training run, so it never raises."""
    with contextlib.suppress(Exception):
        sys.stderr.write(f"lab-workbook: {message}\n")
        sys.stderr.flush()


class LabWorkbookError(Exception):
    """Base class of every error that this library raises."""


class ConfigurationError(LabWorkbookError, ValueError):
    """A setting cannot be used. The message says where it was set; ``rule`` is the one it breaks, if any."""

    def __init__(self, message: str, *, rule: str | None = None) -> None:
        super().__init__(f"{message} (rule {rule})" if rule else message)
        self.rule = rule


class Misuse(LabWorkbookError, ValueError):
    """
    The program asked for something that the protocol has no rule for.

    ``rule`` is the id of the rule in ``spec/v1/SPEC.md``, such as ``"name.characters"``, and ``problem`` the
    message without it.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(f"{message} (rule {rule})")
        self.rule = rule
        self.problem = message


class InvalidTag(Misuse):
    """The tag cannot name an experiment."""


class InvalidName(Misuse):
    """The name cannot name an artifact."""


class InvalidSeries(Misuse):
    """The series cannot be opened like this."""


class InvalidRow(Misuse):
    """The row does not fit its series."""


class InvalidValue(Misuse, TypeError):
    """The value is of a type that has no rule."""


class NotFound(LabWorkbookError, KeyError):
    """What was asked for is not there. Also a `KeyError`, because users ask by ``[]``."""

    # KeyError shows the repr of its argument, which would quote the whole sentence.
    __str__ = Exception.__str__


class ExperimentNotFound(NotFound):
    """No experiment has this tag."""


class ArtifactNotFound(NotFound):
    """The experiment has no artifact of this name."""


class AmbiguousTag(NotFound):
    """The beginning of a tag that was given fits several experiments."""


class InvalidQuery(LabWorkbookError, ValueError):
    """A text is not a filter, or names a column that the table of experiments does not have."""


class NotComparable(LabWorkbookError, ValueError):
    """These experiments cannot be put in one table like this."""


class NotRestorable(LabWorkbookError):
    """The source of an experiment cannot be put back as it ran."""


class Unreadable(LabWorkbookError, ValueError):
    """The bytes of an artifact are not what its name says."""


class UnsupportedProtocol(Unreadable):
    """A newer major version of the protocol wrote this experiment."""


class Unwritable(LabWorkbookError, TypeError):
    """Torch has nothing like this value, so that no ``.t7`` file can hold it."""


class StoreError(LabWorkbookError, OSError):
    """The folder or the bucket did not do what it was asked."""


class AlreadyExists(StoreError):
    """The object was to be created, and is there already."""


class BucketNotFound(StoreError):
    """There is no such bucket."""


class AccessDenied(StoreError):
    """These credentials may not do this."""


class CredentialsMissing(StoreError):
    """No credentials were found, or they are not valid."""


class CredentialsExpired(CredentialsMissing):
    """The credentials were good once, and have to be renewed."""


class Unreachable(StoreError):
    """The store gave no answer, or asked to try again later."""


class TagTaken(LabWorkbookError):
    """Another experiment has already claimed this tag."""


class DeliveryRefused(LabWorkbookError):
    """The bucket refused for good. The message names the spool that was kept."""
