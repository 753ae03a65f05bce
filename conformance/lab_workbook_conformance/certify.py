"""
``lab-workbook certify -- COMMAND``: try a writer or a reader, case by case.

>>> report = run(["lua5.4", "adapter.lua"], levels=["core"])
>>> report.broken
set()
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from lab_workbook_conformance import known, levels
from lab_workbook_conformance.adapter import (
    AdapterDied,
    AdapterNonsense,
    AdapterSilent,
    AdapterTrouble,
    Start,
)
from lab_workbook_conformance.bench import Bench, Unsupported
from lab_workbook_conformance.case import Case, Finding
from lab_workbook_conformance.levels import depth, pins
from lab_workbook_conformance.report import (
    FAILED,
    PASSED,
    TROUBLE,
    UNSUPPORTED,
    Report,
    Result,
    show,
    write_json,
    write_junit,
)
from lab_workbook_conformance.s3.server import NoServer

_USAGE = 2
LEVELS = ("core", "git", "models", "s3")
ROLES = ("writer", "reader")
# An adapter that never answers would otherwise take its whole time for each case.
_TROUBLES_IN_A_ROW = 3


def run(
    command: Sequence[str],
    *,
    cases: Iterable[Case] | None = None,
    levels: Collection[str] = (),
    roles: Collection[str] = (),
    timeout: float = 30,
    fail_fast: bool = False,
    s3_endpoint: str | None = None,
    again: Collection[str] = (),
    on_result: Callable[[Result], None] = lambda _: None,
    start: Start = subprocess.Popen,
) -> Report:
    """
    Try the adapter of this command.

    ``cases`` default to all but those of ``levels.depth``, which chance makes up, ``levels`` and ``roles`` to
    those that the adapter says it has. ``again`` are options that a replay needs. A server is started without
    ``s3_endpoint``. ``start`` is how the command becomes a process.

    Raises:
        AdapterTrouble: it did not even say hello.
        NoServer: level s3 has none.
    """
    with Bench(command, timeout=timeout, s3_endpoint=s3_endpoint, start=start) as bench:
        report = Report(list(command), bench.hello, again=list(again))
        troubles = 0
        for case in chosen(cases, levels or bench.hello["levels"], roles or _roles(bench.hello["verbs"])):
            result = judge(case, bench)
            report.results.append(result)
            on_result(result)
            troubles = troubles + 1 if result.verdict in _VERDICTS.values() else 0
            if troubles == _TROUBLES_IN_A_ROW:
                report.stopped = "Stopped: the adapter was in trouble three times in a row."
            if report.stopped or (fail_fast and result.verdict == FAILED):
                break
    return report


def chosen(cases: Iterable[Case] | None, of_levels: Collection[str], roles: Collection[str]) -> list[Case]:
    """Return the cases of these levels and roles."""
    found = levels.cases() if cases is None else cases
    return [case for case in found if case.level in of_levels and case.role in roles]


def _roles(verbs: Collection[str]) -> list[str]:
    """Return what an adapter is, by what it can do."""
    writer = ["writer"] if "newExperiment" in verbs else []
    return [*writer, *(["reader"] if "read" in verbs else [])]


_VERDICTS: dict[type[AdapterTrouble], str] = {
    AdapterSilent: "silent",
    AdapterDied: "died",
    AdapterNonsense: "nonsense",
}


def judge(case: Case, bench: Bench) -> Result:
    """Play one case and return what came of it."""
    began = time.monotonic()

    def result(verdict: str, message: str = "", findings: tuple[Finding, ...] = ()) -> Result:
        return Result(case, verdict, findings, message, time.monotonic() - began)

    try:
        findings = tuple(case.play(bench))
    except Unsupported as error:
        return result(UNSUPPORTED, str(error))
    except AdapterTrouble as error:
        return result(_VERDICTS[type(error)], str(error))
    return result(FAILED if findings else PASSED, findings=findings)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    options = _parser().parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    try:
        every = _every(options)
    except pins.BadPins as error:
        return _say(str(error), _USAGE)
    names = {case.name for case in every}
    if not command:
        return _say("say after -- which command starts the adapter", _USAGE)
    if set(options.case) - names:
        return _say(f"there is no case {', '.join(sorted(set(options.case) - names))}", _USAGE)
    if options.pin:
        return _pin(options, command, names)
    try:
        failures = known.load(options.known, names) if options.known else {}
        report = _run(options, command, every)
    except (known.BadKnownFile, NoServer) as error:
        return _say(str(error), _USAGE)
    except AdapterTrouble as error:
        return _say(f"the adapter cannot be used: {error}", TROUBLE)
    report.results = known.applied(report.results, failures)
    if options.json:
        write_json(report, options.json)
    if options.junit:
        write_junit(report, options.junit)
    show(report)
    return report.exit_code


def _every(options: argparse.Namespace) -> list[Case]:
    """Return all cases: the fixed ones, those that chance makes up, and those of a file."""
    of_file = pins.load(options.pinned) if options.pinned else []
    return [*levels.cases(), *depth.cases(options.examples, options.seed), *map(pins.case, of_file)]


def _pin(options: argparse.Namespace, command: list[str], names: set[str]) -> int:
    """Look for an example that fails, and keep the smallest under the name that was given."""
    if not options.to or options.pin in names:
        return _say("--pin needs a name that no case has, and --to FILE", _USAGE)
    try:
        with Bench(command, timeout=options.timeout) as bench:
            found = depth.first_failure(bench, options.case, examples=options.examples, seed=options.seed)
        if found is None:
            return _say("no example fails, so there is nothing to pin", 1)
        pins.keep({"name": options.pin, **found.pin}, options.to)
    except (pins.BadPins, AdapterTrouble) as error:
        return _say(str(error), TROUBLE if isinstance(error, AdapterTrouble) else _USAGE)
    sys.stdout.write(f"{options.pin} is about {', '.join(found.pin['rules'])}:\n{depth.story(found.pin)}\n")
    return 0


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"certify: {message}\n")
    return code


def _run(options: argparse.Namespace, command: list[str], every: list[Case]) -> Report:
    """Run what the options choose; a case that is named is played whatever the adapter says it has."""
    is_named = bool(options.case)
    return run(
        command,
        cases=[case for case in every if case.name in options.case or not is_named],
        levels=options.level or (LEVELS if is_named else ()),
        roles=options.role or (ROLES if is_named else ()),
        timeout=options.timeout,
        fail_fast=options.fail_fast,
        s3_endpoint=options.s3_endpoint,
        again=_again(options),
    )


def _again(options: argparse.Namespace) -> list[str]:
    """Return the options without which a case would not come out as it did."""
    given = {"--examples": options.examples, "--seed": options.seed, "--pinned": options.pinned}
    usual = {"--examples": depth.EXAMPLES, "--seed": 0, "--pinned": None}
    return [word for name in given if given[name] != usual[name] for word in (name, str(given[name]))]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab-workbook certify",
        description="Try whether a writer or a reader speaks the lab-workbook protocol.",
        epilog="Exit codes: 0 it does; 1 a rule is broken; 2 wrong usage; 3 the adapter gave no answers.",
        allow_abbrev=False,
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="starts the adapter")
    parser.add_argument(
        "--level", action="append", choices=LEVELS, default=[], help="only this; may be repeated"
    )
    parser.add_argument("--role", action="append", choices=ROLES, default=[], help="only writer or reader")
    parser.add_argument(
        "--case", action="append", default=[], metavar="NAME", help="only this; may be repeated"
    )
    parser.add_argument("--timeout", type=float, default=30, metavar="SECONDS", help="for each answer (30)")
    parser.add_argument(
        "--s3-endpoint",
        metavar="URL",
        help="the server of level s3, with AWS_ACCESS_KEY_ID, … in the environment; else moto's is started",
    )
    parser.add_argument(
        "--examples",
        type=int,
        default=depth.EXAMPLES,
        metavar="N",
        help=f"so many of each kind that chance makes up ({depth.EXAMPLES})",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="make up others (0)")
    parser.add_argument("--pinned", metavar="FILE", help="play the cases of this file too")
    parser.add_argument("--pin", metavar="NAME", help="keep the first made-up example that fails, as a case")
    parser.add_argument("--to", metavar="FILE", help="the file to keep it in")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first broken rule")
    parser.add_argument("--known", metavar="FILE", help="a JSON list of failures that have an issue")
    parser.add_argument("--json", metavar="FILE", help="write what came of each case and rule")
    parser.add_argument("--junit", metavar="FILE", help="the same for CI services")
    return parser
