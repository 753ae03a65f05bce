"""
``make mutants``: does the kit notice when a writer changes?

Mutants of the modules of both writers are judged by levels core and git. What survives is a gap in the kit,
to be closed by a case, or is explained in explained.json.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from conformance.mutants import explained, making
from conformance.mutants.judging import Court, Verdict
from conformance.mutants.mutant import Mutant

_LEAST_SHARE = 0.95
_KILLED, _OPEN = "killed", "open"
_COLUMNS = (_KILLED, explained.EQUIVALENT, explained.UNSEEN, _OPEN)
_AT_ONCE = 2


def main() -> int:
    """Try them; return 1 where too many survive, or one without an explanation."""
    options = _parser().parse_args()
    began = time.monotonic()
    reasons = explained.load()
    chosen = making.sample(options.mutants, options.seed, options.only)
    known, problems = explained.mutants(reasons, options.only)
    _say(f"seed {options.seed}: {len(chosen)} mutants\n")
    with Court(timeout=options.timeout) as court:
        every = {each.source: each for each in [*chosen, *known]}.values()
        faults = court.hear({Path(each.module).suffix for each in every})
        if faults:
            _say("the writers as they are do not pass:\n" + "\n".join(faults) + "\n")
            return 2
        verdicts = list(judged(court, every))
    problems += [
        f"explained, and killed by {each.case}: {each.mutant}"
        for each in verdicts
        if _is_wrong(each, reasons)
    ]
    sampled = {each.source for each in chosen}
    code = report([each for each in verdicts if each.mutant.source in sampled], reasons)
    _say("".join(f"{problem}\n" for problem in problems))
    _say(f"{(time.monotonic() - began) / 60:.0f} minutes\n")
    return 1 if problems else code


def _is_wrong(verdict: Verdict, reasons: dict[explained.Key, str]) -> bool:
    return bool(verdict.case) and explained.key(verdict.mutant) in reasons


def judged(court: Court, mutants: Iterable[Mutant]) -> Iterator[Verdict]:
    """Judge mutants, two at a time, and say what became of each."""
    # A fresh process, because a fork of this one would carry its threads' locks.
    with ProcessPoolExecutor(_AT_ONCE, mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(court.judge, mutant) for mutant in mutants]):
            verdict = future.result()
            _say("." if verdict.case else f"\nsurvived: {verdict.mutant}\n")
            yield verdict
    _say("\n")


def report(verdicts: list[Verdict], reasons: dict[explained.Key, str]) -> int:
    """Print a table of modules; return 1 where it is not good enough."""
    counts = Counter((each.mutant.module, _column(each, reasons)) for each in verdicts)
    _row("module", _COLUMNS)
    for module in sorted({each.mutant.module for each in verdicts}):
        _row(module, [counts[module, column] for column in _COLUMNS])
    totals = Counter(_column(each, reasons) for each in verdicts)
    _row("in all", [totals[column] for column in _COLUMNS])
    counted = len(verdicts) - totals[explained.EQUIVALENT]
    share = totals[_KILLED] / max(1, counted)
    _say(f"killed: {100 * share:.1f} % of the {counted} that are not equivalent\n")
    return int(share < _LEAST_SHARE or totals[_OPEN] > 0)


def _column(verdict: Verdict, reasons: dict[explained.Key, str]) -> str:
    return _KILLED if verdict.case else reasons.get(explained.key(verdict.mutant), _OPEN)


def _row(name: str, cells: Iterable[object]) -> None:
    _say(f"{name:56}" + "".join(f"{cell:>12}" for cell in cells) + "\n")


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make mutants", description="Try the kit on mutants of our writers."
    )
    parser.add_argument("--mutants", type=int, default=200, metavar="N", help="how many (200)")
    parser.add_argument("--seed", type=int, default=1, help="chooses among all (1)")
    parser.add_argument("--only", default="", metavar="PATH", help="modules whose path holds this")
    parser.add_argument("--timeout", type=float, default=10, metavar="SECONDS", help="for each answer (10)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
