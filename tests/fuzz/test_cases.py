"""What fuzzing has found stays found, and each target can read what it starts from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import CASES, TARGETS

KEPT = sorted(CASES.glob("*/*"))


@pytest.mark.parametrize("name", list(TARGETS))
def test_a_target_reads_its_seeds(name: str) -> None:
    """
    At least one of them without an error, or fuzzing would see the first check of the parser alone.
    """
    target = TARGETS[name]
    read = []
    for seed in target.seeds:
        try:
            target.call(seed)
        except target.documented:
            continue
        read.append(seed)

    assert read


@pytest.mark.parametrize("path", KEPT, ids=[f"{path.parent.name} {path.name}" for path in KEPT])
def test_an_input_that_was_a_finding_is_read_or_refused(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_each_case_has_its_target() -> None:
    assert {path.parent.name for path in KEPT} <= set(TARGETS)
