"""
``make certify-wrong``: the kit on each of the wrong ones, which it has to call wrong in that one thing.

All of them by every case of the levels core and git; by those of level s3 the ones that are wrong only in a
bucket, and all readers. A table says what the kit named; its last column is empty where that is the rule that
was broken and what is declared beside it.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from multiprocessing import get_context
from typing import NamedTuple

from lab_workbook_conformance import certify, levels
from lab_workbook_conformance.case import Case
from lab_workbook_conformance.s3 import server
from lab_workbook_conformance.wrong import table, untold, wrong_bucket

from conformance.forked import forking

COMMAND = (sys.executable, "-m", "lab_workbook_conformance.wrong")
# All of them wait now and then, those of a bucket most of the time.
_A_CORE = 2
_OF_BUCKETS = 6
# Of these each takes longer than all others together, so they are for those who break their rules.
_LONG = ("heartbeat.beat-minute", "end.missing-many")


class Seen(NamedTuple):
    """What the kit named of a wrong one; ``trouble`` is what it could not judge."""

    name: str
    named: frozenset[str]
    trouble: str = ""


def in_folders() -> list[Case]:
    """Return all that can be asked without a server."""
    return [case for case in levels.cases() if case.level in ("core", "git")]


def in_a_bucket(name: str) -> list[Case]:
    """Return all of level s3 that a wrong one is asked."""
    wrong = table.load()[name]
    cases = [case for case in levels.cases() if case.level == "s3" and case.role == wrong.role]
    return [case for case in cases if case.name not in _LONG or wrong.rule in case.rules]


def seen(name: str, cases: Sequence[Case], *, s3_endpoint: str | None = None) -> Seen:
    """Try a wrong one by these cases; an empty name is the right one. A fork is quicker than a start."""
    start = {} if s3_endpoint else {"start": forking(name or None)}
    report = certify.run(
        [*COMMAND, *([name] if name else [])],
        cases=cases,
        levels=certify.LEVELS,
        roles=certify.ROLES,
        s3_endpoint=s3_endpoint,
        **start,
    )
    troubles = [
        f"{each.case.name}: {each.verdict}: {each.message}"
        for each in report.results
        if each.verdict not in ("passed", "failed", "unsupported")
    ]
    named = {finding.rule for each in report.results for finding in each.findings}
    return Seen(name, frozenset(named), "; ".join([*troubles, report.stopped]).strip("; "))


def _in_folders(name: str) -> Seen:
    return seen(name, in_folders())


def _step_back() -> None:
    """Let those go first that look at the clock."""
    os.nice(5)


def _in_a_bucket(name: str, endpoint: str) -> Seen:
    return seen(name, in_a_bucket(name), s3_endpoint=endpoint)


def every(only: Sequence[str]) -> Iterator[Seen]:
    """Try all, or those that are named, as they become done."""
    wrong = {name: each for name, each in table.load().items() if name in only or not only}
    remote = [name for name in wrong if name in wrong_bucket.PLAYED or wrong[name].role == "reader"]
    os.environ.update(server.ENVIRONMENT)
    # What is there now need not be copied for each fork.
    gc.freeze()
    with (
        ProcessPoolExecutor(_A_CORE * (os.cpu_count() or 1), get_context("fork"), _step_back) as pool,
        ThreadPoolExecutor(_OF_BUCKETS) as threads,
        server.running() as moto,
    ):
        tried = {pool.submit(_in_folders, name): name for name in wrong}
        tried |= {threads.submit(_in_a_bucket, name, moto.url): name for name in remote}
        for future in as_completed(tried):
            error = future.exception()
            yield Seen(tried[future], frozenset(), repr(error)) if error else future.result()


def expected(name: str) -> frozenset[str]:
    """Return what the kit has to name."""
    wrong = table.load()[name]
    return frozenset({wrong.rule, *wrong.also})


def allowed(name: str) -> frozenset[str]:
    """Return what the kit may name: what it has to, and what a moment decides."""
    return expected(name) | frozenset(table.load()[name].perhaps)


def _declared(wrong: table.Wrong) -> str:
    return " ".join([*wrong.also, *(f"({rule})" for rule in wrong.perhaps)])


def rows(found: Sequence[Seen]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the table: wrong one, its rule, what goes with it, what was named, what is wrong with that."""
    for name, wrong in sorted(table.load().items()):
        mine = [each for each in found if each.name == name]
        if not mine:
            continue
        named = frozenset().union(*(each.named for each in mine))
        missing, more = expected(name) - named, named - allowed(name)
        faults = [f"-{rule}" for rule in sorted(missing)] + [f"+{rule}" for rule in sorted(more)]
        faults += [each.trouble for each in mine if each.trouble]
        yield name, wrong.rule, _declared(wrong), " ".join(sorted(named)), " ".join(faults)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try them, print the table, and return 1 where the kit named too much or too little."""
    parser = argparse.ArgumentParser(prog="certify-wrong", description="Try the kit on the wrong ones.")
    parser.add_argument("names", nargs="*", help="only these")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    found = []
    for each in every(options.names):
        found.append(each)
        more = each.named - allowed(each.name)
        if each.trouble or more:
            sys.stderr.write(f"{each.name}: {' '.join(more)} {each.trouble}\n")
    table_rows = list(rows(found))
    for row in table_rows:
        sys.stdout.write(f"| {' | '.join(row)} |\n")
    wrong = sum(bool(row[-1]) for row in table_rows)
    rules = {row[1] for row in table_rows}
    sys.stdout.write(
        f"{len(table_rows)} wrong ones, {len(rules)} rules, {len(untold.UNTOLD)} rules that nobody breaks; "
        f"{wrong} not named as they should be; {(time.monotonic() - began) / 60:.1f} minutes\n"
    )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
