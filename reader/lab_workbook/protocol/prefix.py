"""
Where experiments lie: a folder, or a prefix in a bucket.

>>> parse("s3://my-bucket/experiments")
Prefix(kind='s3', bucket='my-bucket', path='experiments/')
>>> parse("~/runs")
Prefix(kind='folder', bucket='', path='/home/me/runs/')
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from lab_workbook.errors import ConfigurationError

# Patterns are compiled where they are needed: a folder, the default, asks for none of them, and
# compiling took a fifth of the time of a whole new_experiment.
_BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}"


class Prefix(NamedTuple):
    """
    A place for experiments.

    ``path`` is the key prefix in the bucket (empty, or ending with ``/``), or the absolute path of
    the folder, ending with ``/``.
    """

    kind: str
    bucket: str
    path: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.path}" if self.kind == "s3" else f"file://{self.path}"


def parse(text: str) -> Prefix:
    """
    Read a prefix as the configuration spells it; nothing in it is percent-decoded.

    Raises:
        ConfigurationError: it is of no form that the rule ``prefix.form`` knows.
    """
    if not text or any(character < " " or character == "\x7f" for character in text):
        raise _misspelt(text, "it is empty or has control characters in it")
    name, mark, rest = text.partition("://")
    if not mark or not re.fullmatch("[A-Za-z][A-Za-z0-9+.-]*", name):
        return _folder(text, text)
    if name == "s3":
        return _bucket(rest, text)
    if name == "file":
        if not rest.startswith(("/", "~/")) and rest != "~":
            raise _misspelt(text, "after file:// comes an absolute path or ~/")
        return _folder(rest, text)
    raise _misspelt(text, f"{name}:// is not supported, only s3:// and file://")


def _bucket(rest: str, text: str) -> Prefix:
    bucket, _, key = rest.partition("/")
    if not re.fullmatch(_BUCKET, bucket):
        raise _misspelt(text, f"{bucket!r} is no bucket name")
    return Prefix("s3", bucket, f"{key}/" if key and not key.endswith("/") else key)


def _folder(path: str, text: str) -> Prefix:
    if path == "~" or path.startswith("~/"):
        home = os.environ.get("HOME", "")
        if not home.startswith("/"):
            raise _misspelt(text, "HOME is not set, so '~' means nothing here")
        path = home + path[1:]
    elif path.startswith("~"):
        raise _misspelt(text, "write the whole path instead of '~user'")
    # Fixed now: a script that changes its working directory later must not split its experiment.
    try:
        return Prefix("folder", "", os.path.join(os.path.abspath(path), ""))
    except FileNotFoundError:
        raise _misspelt(text, "it is relative, and the working directory is gone") from None


def _misspelt(text: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"the bucket prefix {text!r} cannot be used: {why}", rule="prefix.form")
