"""
``lab-workbook certify -- COMMAND``: try a writer or a reader, case by case.

>>> report = run(["lua5.4", "adapter.lua"], levels=["core"])
>>> report.broken
set()
"""

from __future__ import annotations

import argparse
import contextlib
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
from lab_workbook_conformance.certification import Requirements
from lab_workbook_conformance.levels import depth, pins
from lab_workbook_conformance.queueing import Queue
from lab_workbook_conformance.report import (
    FAILED,
    PASSED,
    TROUBLE,
    UNSUPPORTED,
    Report,
    Result,
    badge,
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
    is_whole: bool = False,
    jobs: int = 1,
    on_result: Callable[[Result], None] = lambda _: None,
    start: Start = subprocess.Popen,
) -> Report:
    """
    Try the adapter of this command.

    ``cases`` default to all but those of ``levels.depth``, which chance makes up, ``levels`` and ``roles`` to
    those that the adapter says it has. ``is_whole`` says that the given cases are all of their levels, so the
    program can be certified. ``again`` are options that a replay needs. ``jobs`` cases run at a time, each
    with an adapter of its own. A server is started without ``s3_endpoint``. ``start`` is how the command
    becomes a process.

    Raises:
        AdapterTrouble: it did not even say hello.
        NoServer: level s3 has none.
    """
    with contextlib.ExitStack() as benches:
        bench = benches.enter_context(Bench(command, timeout=timeout, s3_endpoint=s3_endpoint, start=start))
        report = Report(list(command), bench.hello, again=list(again))
        of_levels, of_roles = levels or bench.hello["levels"], roles or roles_of(bench.hello["verbs"])
        to_run = chosen(cases, of_levels, of_roles)
        if is_whole or cases is None:
            report.requirements = Requirements(bench.hello, list(of_levels), list(of_roles), to_run)
        troubles = 0

        def done(result: Result) -> bool:
            """Add a result to the report; return whether others are wanted."""
            nonlocal troubles
            report.results.append(result)
            on_result(result)
            troubles = troubles + 1 if result.verdict in _VERDICTS.values() else 0
            if troubles == _TROUBLES_IN_A_ROW:
                report.stopped = "Stopped: the adapter was in trouble three times in a row."
            return not (report.stopped or (fail_fast and result.verdict == FAILED))

        queue = Queue(to_run, judge, done)
        queue.work_off([bench, *(benches.enter_context(bench.another()) for _ in range(jobs - 1))])
    order = {id(case): number for number, case in enumerate(to_run)}
    report.results.sort(key=lambda result: order[id(result.case)])
    return report


def chosen(cases: Iterable[Case] | None, of_levels: Collection[str], roles: Collection[str]) -> list[Case]:
    """Return the cases of these levels and roles."""
    found = levels.cases() if cases is None else cases
    return [case for case in found if case.level in of_levels and case.role in roles]


def roles_of(verbs: Collection[str]) -> list[str]:
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

    findings: list[Finding] = []
    try:
        findings.extend(case.play(bench))
    except Unsupported as error:
        # What one part of a case shows is true, whether or not the adapter can play the next part.
        return result(FAILED if findings else UNSUPPORTED, str(error), tuple(findings))
    except AdapterTrouble as error:
        return result(_VERDICTS[type(error)], str(error), tuple(findings))
    return result(FAILED if findings else PASSED, findings=tuple(findings))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    options = _parser().parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    try:
        every = _every(options)
    except pins.BadPins as error:
        return _say(str(error), _USAGE)
    names = {name for case in every for name in (case.name, case.example)}
    problem = _usage_problem(options, every, has_command=bool(command))
    if problem:
        return _say(problem, _USAGE)
    if options.list:
        sys.stdout.writelines(f"{line}\n" for line in _listing(_selected(options, every)))
        return 0
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
    if options.badge:
        sys.stdout.write(f"{badge(report)}\n")
    return report.exit_code


def _usage_problem(options: argparse.Namespace, every: list[Case], *, has_command: bool) -> str | None:
    """Return what is wrong with the options, before anything is run."""
    unknown_cases = set(options.case) - {name for case in every for name in (case.name, case.example)}
    if unknown_cases:
        return f"there is no case {', '.join(sorted(unknown_cases))}; --list shows all"
    unknown_rules = set(options.rule) - {rule for case in every for rule in case.rules}
    if unknown_rules:
        return f"there is no case for the rule {', '.join(sorted(unknown_rules))}; --list shows all"
    if not has_command and not options.list:
        return "say after -- which command starts the adapter"
    # A run of minutes must not be lost because its report has no place.
    try:
        for path in filter(None, (options.json, options.junit)):
            with open(path, "a", encoding="utf-8"):
                pass
    except OSError as error:
        return f"the report cannot be written: {error}"
    return None


def _selected(options: argparse.Namespace, every: list[Case]) -> list[Case]:
    """Return the cases that --case, --rule, --level and --role choose; all of them without these."""
    names, rules = set(options.case), set(options.rule)
    is_named = bool(names or rules)
    return [
        case
        for case in every
        if (not is_named or {case.name, case.example} & names or set(case.rules) & rules)
        and (not options.level or case.level in options.level)
        and (not options.role or case.role in options.role)
    ]


def _listing(cases: Iterable[Case]) -> Iterable[str]:
    """Yield a line for each case: its name, level, role and rules, separated by tabs."""
    return ("\t".join((case.name, case.level, case.role, " ".join(case.rules))) for case in cases)


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
    """Run what the options choose; a case that is named is run whatever the adapter's hello has."""
    is_named = bool(options.case or options.rule)
    return run(
        command,
        cases=_selected(options, every),
        levels=options.level or (LEVELS if is_named else ()),
        roles=options.role or (ROLES if is_named else ()),
        timeout=options.timeout,
        fail_fast=options.fail_fast,
        s3_endpoint=options.s3_endpoint,
        again=_again(options),
        is_whole=not is_named,
        # What stops at the first fault stops at the same one each time.
        jobs=1 if options.fail_fast else options.jobs,
    )


def _again(options: argparse.Namespace) -> list[str]:
    """Return the options without which a case would not come out as it did."""
    given = {"--examples": options.examples, "--seed": options.seed, "--pinned": options.pinned}
    usual = {"--examples": depth.EXAMPLES, "--seed": 0, "--pinned": None}
    return [word for name in given if given[name] != usual[name] for word in (name, str(given[name]))]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab-workbook certify",
        description="Certify a writer or a reader of the lab-workbook protocol.",
        epilog="Exit codes: 0 certified; 1 a rule is violated or a level is incomplete; 2 wrong usage; "
        "3 the adapter gave no answers.",
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
    parser.add_argument(
        "--rule", action="append", default=[], metavar="ID", help="only cases of this rule; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="list the cases with level, role and rules")
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
    parser.add_argument(
        "--jobs", type=int, choices=range(1, 9), default=2, metavar="N", help="run N cases at a time (2)"
    )
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first broken rule")
    parser.add_argument("--known", metavar="FILE", help="a JSON list of failures that have an issue")
    parser.add_argument("--badge", action="store_true", help="print the verdict as a badge, in Markdown")
    parser.add_argument("--json", metavar="FILE", help="write what came of each case and rule")
    parser.add_argument("--junit", metavar="FILE", help="the same for CI services")
    return parser
