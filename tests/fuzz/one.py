"""Fuzz one target in this process, by Atheris: `python -m tests.fuzz.one NAME [options of libFuzzer]`."""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    """Import the parsers with instructions that tell Atheris which branches ran, and start."""
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["lab_workbook", "lab_workbook_writer"]):
        from tests.fuzz.targets import TARGETS
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
