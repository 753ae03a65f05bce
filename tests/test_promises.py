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
    P1 to P8 each name at least one test.
    """
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]

    assert [section[:2] for section in sections] == [f"P{number}" for number in range(1, 9)]
    assert all(re.search(r"`[\w/]+\.py", section) for section in sections)
