"""Level s3, for writers: settings that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable

from lab_workbook_conformance import verdicts
from lab_workbook_conformance.bench import Bench
from lab_workbook_conformance.case import Case, Finding
from lab_workbook_conformance.constants import SPEC
from lab_workbook_conformance.levels.examples import NEW

Findings = Iterable[Finding]

_RULE = "config.grammar"
_VARIABLE = f"{SPEC['config']['environment_prefix']}UPLOAD_EVERY"
_CONFIG = SPEC["config"]["file"].removeprefix("~/")
# It is never asked for anything, because the setting is refused first.
_PREFIX = "s3://lab-workbook-settings/experiments/"


def cases() -> Iterable[Case]:
    """Yield the case."""
    yield Case("config.grammar-seconds", (_RULE,), "s3", "writer", _refuse_seconds)


def _refuse_seconds(bench: Bench) -> Findings:
    """Set uploadEvery to what is not a number of seconds, in the environment and in the file."""
    for value in ("ten", "-1", "nan", "5 s"):
        with bench.another(environment={_VARIABLE: value}) as fresh:
            yield from _refuse(fresh, value)
    with bench.another(home={_CONFIG: b"uploadEvery = soon\n"}) as fresh:
        yield from _refuse(fresh, "soon")


def _refuse(fresh: Bench, value: str) -> Findings:
    found = fresh.record([NEW], prefix=_PREFIX)
    for finding in verdicts.refused(found, _RULE, may_name_none=True):
        yield finding._replace(logged=f"uploadEvery = {value}")
    message = found.said.get("message", "")
    if found.answer == "refused" and "uploadEvery" not in message and _VARIABLE not in message:
        yield Finding(_RULE, "the error does not name uploadEvery", f"uploadEvery = {value}", message)
