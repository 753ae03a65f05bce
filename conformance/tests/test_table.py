"""
No rule without a test, and no test without a rule.
"""

from collections import Counter

import pytest
from lab_workbook_conformance import certify, levels, table
from lab_workbook_conformance.constants import rules

CASES = list(levels.cases())


def test_the_kit_says_of_every_rule_how_it_is_tested():
    proofs = table.how(CASES)

    assert proofs.keys() == rules().keys()
    assert [rule for rule, proof in proofs.items() if not proof.is_tested and not proof.untested] == []


def test_what_is_judged_in_every_recording_are_rules():
    assert not table.JUDGED - rules().keys()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_names_its_rules_and_has_a_name_of_its_own(case):
    """
    A name is said once and begins with a rule, so that it can stay what it is.
    """
    assert case.rules
    assert set(case.rules) <= rules().keys()
    assert case.name.rpartition("-")[0] or case.name
    assert case.level in certify.LEVELS
    assert case.role in certify.ROLES
    assert Counter(each.name for each in CASES)[case.name] == 1


def test_a_table_has_a_line_for_each_rule():
    lines = list(table.lines(CASES))

    assert len(lines) == len(rules())
    assert any(line.startswith("series.caller: untested: no file shows it") for line in lines)
