"""
Answers: what a right writer or reader says when it is asked.

A case of the subject ``answer`` is a question, what it is about, and an answer:
``["kind", "Training loss.csv", "series"]``. The functions here are the right answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from lab_workbook_conformance import comparison, jsontext, series
from lab_workbook_conformance.constants import SPEC

_KINDS = {name: kind for name, kind in SPEC["kind"].items() if kind["suffix"]}
_VERBS = {
    "saveJSON": ("json",),
    "newTimeSeriesLog": ("series",),
    "saveGitStatus": ("git_commit", "git_patch"),
    "saveText": ("text",),
    "saveFile": ("file",),
}


def broken_by(line: list[Any], rule: str) -> list[str]:
    """Return the rules that an answer breaks; a plain question blames the rule of its case."""
    question, *about, answer = line
    if question == "cell":
        return series.broken_by(about[0], answer)
    if question == "json":
        return jsontext.broken_by(about[0], answer.encode())
    return [] if comparison.is_same(right(question, *about), answer) else [rule]


def right(question: str, *about: Any) -> Any:
    """Return the right answer to a plain question."""
    return _QUESTIONS[question](*about)


def kind(name: str) -> str:
    """Return the kind of an artifact, by the last suffix of its name."""
    return next((known for known, kind in _KINDS.items() if name.endswith(kind["suffix"])), "file")


def content_type(name: str) -> str:
    """Return the Content-Type that an artifact of a known kind has in a bucket."""
    return str(SPEC["kind"][kind(name)]["content_type"])


def files(step: list[Any]) -> list[str]:
    """Return the names of the files that a verb makes."""
    verb, name = (*step, SPEC["git"]["default_name"])[:2]
    return [name + SPEC["kind"][kind]["suffix"] for kind in _VERBS[verb]]


def prefix(text: str) -> str | None:
    """Return a prefix as it is read, for a user whose home is /home/me; None where it is no prefix."""
    found = re.fullmatch(r"(?:(s3|file)://)?([^\x00-\x1f\x7f]*)", text)
    if not found or not text or re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", found[2]):
        return None
    scheme, path = found.groups()
    if scheme == "s3":
        bucket, _, key = path.partition("/")
        key = f"{key}/" if key and not key.endswith("/") else key
        return f"s3://{bucket}/{key}" if re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]{1,62}", bucket) else None
    if path == "~" or path.startswith("~/"):
        path = f"/home/me{path[1:]}"
    elif path.startswith("~") or (scheme and not path.startswith("/")):
        return None
    # A path that is not absolute begins where the script was when the experiment started.
    path = path if path.startswith("/") else f"/home/me/{path}"
    return f"file://{path.rstrip('/')}/"


def place(prefix_text: str, tag: str, name: str) -> str:
    """Return where an artifact lies."""
    return f"{prefix(prefix_text)}{tag}/{name}"


def is_listed(name: str) -> bool:
    """Say whether a reader lists a file of an experiment as an artifact."""
    return bool(name.partition("/")[0] != SPEC["layout"]["reserved"])


def status(facts: dict[str, Any]) -> str:
    """Return the status of an experiment: what is known of it, and never a guess."""
    if facts["end"] is not None:
        return str(facts["end"])
    if not facts["begin"]:
        return str(SPEC["status"]["unknown"])
    alive, age = facts["alive"], facts["heartbeat"]
    if alive is None and age is not None:
        is_young = age < SPEC["timing"]["lost_seconds"]
        alive = True if is_young else None if facts.get("first") else False
    word = {True: "running", False: "lost", None: "open"}[alive]
    return str(SPEC["status"][word])


def segment(ends: list[int]) -> list[int]:
    """Return what the segment after the last of these publications holds."""
    span, base = 1, SPEC["segment"]["base"]
    while len(ends) % (span * base) == 0:
        span *= base
    return [[0, *ends][len(ends) - span], ends[-1]]


def live(there: dict[str, Any]) -> list[list[int]] | None:
    """Return the segments that a reader gets, in order; None where rows are missing in between."""
    position, read = there["artifact"] or 0, []
    while ahead := [each for each in there["segments"] if each[1] > position]:
        following = [each for each in ahead if each[0] <= position]
        if not following:
            return None
        read.append(max(following, key=lambda each: int(each[1])))
        position = read[-1][1]
    return read


def setting(argument: Any, environment: Any, file: Any) -> Any:
    """Return which of the values of `uploadEvery` counts; null where it was not given."""
    given = (value for value in (argument, environment, file) if value not in (None, ""))
    return next(given, SPEC["config"]["defaults"]["uploadEvery"])


_QUESTIONS: dict[str, Callable[..., Any]] = {
    "content-type": content_type,
    "files": files,
    "kind": kind,
    "listed": is_listed,
    "place": place,
    "prefix": prefix,
    "rows": series.read,
    "setting": setting,
    "segment": segment,
    "live": live,
    "status": status,
    "value": lambda text: json.loads(text.encode().decode("utf-8-sig")),
}
