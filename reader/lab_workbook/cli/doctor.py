"""The verb ``doctor``: would recording work here?"""

from __future__ import annotations

import json

import click

from lab_workbook import config, doctor
from lab_workbook.cli import _options, _text

_COLOURS = {
    doctor.Level.OK: "green",
    doctor.Level.NOTE: None,
    doctor.Level.WARNING: "yellow",
    doctor.Level.PROBLEM: "red",
}
_WIDTH = max(len(level.value) for level in doctor.Level)


@click.command("doctor")
@_options.place
@_options.as_json("a JSON list")
def command(prefix: str | None, *, as_json: bool) -> None:
    """
    Try all that a writer does with a folder or a bucket, and say what does not work.

    Without PREFIX it is the place that the environment or ~/.lab-workbook-config names. The exit code is
    1 if a writer would fail.
    """
    given = {"bucket_prefix": prefix}
    findings = []
    for finding in doctor.examine(config.load(given), config.sources(given)):
        findings.append(finding)
        if not as_json:
            level = finding.level.value.ljust(_WIDTH)
            click.echo(f"{click.style(level, fg=_COLOURS[finding.level])}  {_text.safe(finding.text)}")
    if as_json:
        told = [{"check": name, "level": level.value, "text": text} for name, level, text in findings]
        click.echo(json.dumps(told, indent=2))
    if any(finding.level is doctor.Level.PROBLEM for finding in findings):
        raise SystemExit(1)
