"""
What can go wrong:

Refused        misuse, or an experiment that must not be read; names the rule
Unsupported    this writer cannot do that
"""

from __future__ import annotations


class Refused(Exception):
    """Something breaks a rule: its id, and what to do about it in words."""

    def __init__(self, rule: str | None, message: str) -> None:
        super().__init__(f"{message} (rule {rule})" if rule else message)
        self.rule = rule


class Unsupported(Exception):
    """There is no such verb or value here."""
