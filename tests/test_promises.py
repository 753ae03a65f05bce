"""
docs/promises.md names the proof of each promise; each must be there.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "function"), re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", PAGE))
def test_a_named_proof_is_there(path, function):
    """
    A promise whose test was renamed or removed is noticed.
    """
    source = (ROOT / path).read_text(encoding="utf-8")

    assert not function or f"def {function}(" in source


def test_every_promise_has_a_proof():
    """
    Each names at least one test, in the order of their numbers.
    """
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]

    numbers = [int(section.partition(":")[0].removeprefix("P")) for section in sections]
    assert numbers == sorted(numbers)
    assert {*range(1, 9), 10} <= {*numbers}
    assert all(re.search(r"`[\w/]+\.py", section) for section in sections)
