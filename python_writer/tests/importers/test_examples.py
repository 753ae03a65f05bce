"""The examples in the importers' own words are true."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["crc32c", "grouping", "numerals", "run", "wire"])
def test_the_examples_give_what_they_show(name):
    found = doctest.testmod(importlib.import_module(f"lab_workbook_writer.importers.{name}"))

    assert found.failed == 0 < found.attempted
