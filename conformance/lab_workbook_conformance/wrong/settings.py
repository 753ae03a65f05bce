"""What was set, and the prefix that comes of it."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.wrong.errors import Refused

_CONFIG = SPEC["config"]
_LINE = re.compile("([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(?![ \t'\"])(.*)")


def is_disabled() -> bool:
    """Say whether every verb is to do nothing."""
    return os.environ.get(_CONFIG["disabled"], "") not in ("", "0")


def setting(key: str, argument: str | None) -> str:
    """Return what counts: the nearer to the run, the better it is known."""
    # A variable or a line that is empty is not set; an empty argument is a mistake, and is refused later.
    if argument is not None:
        return argument
    return next(filter(None, candidates(key, argument)))


def check_seconds(key: str, value: Any) -> None:
    """Refuse a setting that is not a number of seconds."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", str(value)):
        raise Refused("config.grammar", f"{key} = {value!r} is not a number of seconds")


def candidates(key: str, argument: str | None) -> list[str | None]:
    """Return the values of a key, in the order in which they count."""
    return [argument, from_environment(key), from_file().get(key), _CONFIG["defaults"][key]]


def from_environment(key: str) -> str | None:
    """Return a setting of the environment: `LAB_WORKBOOK_BUCKET_PREFIX` for `bucketPrefix`."""
    name = re.sub("([A-Z])", r"_\1", key).upper()
    return os.environ.get(_CONFIG["environment_prefix"] + name)


def from_file() -> dict[str, str]:
    """Return the settings of the configuration file that are known."""
    try:
        with open(os.path.expanduser(_CONFIG["file"]), encoding="utf-8-sig", newline="") as file:
            given = parsed(file.read())
    except FileNotFoundError:
        return {}
    for key in given.keys() - _CONFIG["defaults"].keys():
        warn_once(f"{_CONFIG['file']}: nobody knows the key {key}, which sets nothing")
    return {key: value for key, value in given.items() if key in _CONFIG["defaults"]}


def parsed(text: str) -> dict[str, str]:
    """Return the keys and values of a configuration."""
    given: dict[str, str] = {}
    for at, line in enumerate(text.split("\n"), start=1):
        bare = line.strip(" \t\r")
        if not bare or bare[0] in "#;":
            continue
        found = _LINE.fullmatch(bare)
        if found is None or found[1] in given:
            raise Refused(
                "config.grammar", f"line {at} is no `key = value`, or its key is there twice: {bare}"
            )
        given[found[1]] = found[2]
    return given


def warn(message: str) -> None:
    """Say something that is no reason to stop."""
    sys.stderr.write(f"{message}\n")


_WARNED: set[str] = set()


def warn_once(message: str) -> None:
    """Say something that this process has not said before."""
    if message not in _WARNED:
        _WARNED.add(message)
        warn(message)


def location(prefix: str) -> str:
    """Return a prefix as it is read: absolute, and with a slash at its end."""
    found = re.fullmatch(r"(?:(s3|file)://)?([^\x00-\x1f\x7f]*)", prefix)
    if found is None or not prefix or re.match("[A-Za-z][A-Za-z0-9+.-]*://", found[2]):
        raise Refused(
            "prefix.form", f"{prefix!r} is no prefix: s3://bucket/key/, file:///folder/ or a path is one"
        )
    scheme, rest = found.groups()
    if scheme == "s3":
        return bucket_and_key(rest)
    if (rest.startswith("~") and not re.match("~(/|$)", rest)) or (scheme and not re.match("[/~]", rest)):
        raise Refused("prefix.form", f"{prefix!r} is no prefix: only / and ~/ are known")
    # Resolved now, and never again: the script may go elsewhere.
    return ended(os.path.abspath(os.path.expanduser(rest)) if not rest.startswith("/") else rest)


def bucket_and_key(rest: str) -> str:
    """Return a place in S3."""
    if not re.match("[A-Za-z0-9][A-Za-z0-9._-]{1,62}(/|$)", rest):
        raise Refused("prefix.form", f"s3://{rest} names no bucket")
    return f"s3://{ended(rest)}"


def ended(path: str) -> str:
    """Return a prefix with the slash at its end."""
    return path.rstrip("/") + "/"
