"""
``make certify``: the kit on every program of ours, at every level that it has.

What came of each is in ``conformance/results``, for people to compare and for CI to keep.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lab_workbook_conformance import certify

from conformance.programs import PROGRAMS

_RESULTS = Path(__file__).resolve().parent / "results"


def main() -> int:
    """Certify them one after the other; return 1 if one of them is not green."""
    _RESULTS.mkdir(exist_ok=True)
    codes = []
    for program in PROGRAMS:
        if not program.is_here:
            sys.stdout.write(f"{program.name}: skipped, because {program.command[0]} is not installed\n")
            continue
        sys.stdout.write(f"{program.name}: ")
        sys.stdout.flush()
        result = str(_RESULTS / f"{program.slug}.json")
        codes.append(certify.main(["--json", result, "--timeout", "120", "--", *program.command]))
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
