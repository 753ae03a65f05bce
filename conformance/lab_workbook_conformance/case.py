"""
What one case of the kit is, and what it finds.

A case plays something to the adapter and looks at what came of it. Its name lasts for ever, like the ids
of the rules that it proves; a known failure and a replay are named by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from lab_workbook_conformance.bench import Bench

# A megabyte of a wrong file helps nobody.
_SHOWN = 300


class Finding(NamedTuple):
    """A rule that was broken: what is wrong, what was logged or asked, and what was written or said."""

    rule: str
    message: str
    logged: str = ""
    written: str = ""


class Violation(NamedTuple):
    """A rule that an experiment breaks: the file (empty: the whole), the rule, and what differs."""

    name: str
    rule: str
    why: str = ""


class Case(NamedTuple):
    """One thing that a writer or a reader has to get right."""

    name: str
    rules: tuple[str, ...]
    level: str
    role: str
    play: Callable[[Bench], Iterable[Finding]]

    @property
    def example(self) -> str:
        """
        The name of the example that this case plays one line of; else the case's own name.

        >>> Case("prefix.form-2.7", (), "core", "writer", print).example
        'prefix.form-2'
        """
        return re.sub(r"(-[0-9]+(?:-read)?)\.[0-9]+$", r"\1", self.name)


def shown(value: Any) -> str:
    r"""
    Return a value or bytes as people read them, and not too much of it.

    >>> shown(b"epoch,Date\n")
    'epoch,Date\n'
    """
    if isinstance(value, bytes):
        is_text = not any(byte < 9 for byte in value[:_SHOWN])
        value = value.decode("utf-8", "backslashreplace") if is_text else repr(value[:_SHOWN])
    text = value if isinstance(value, str) else repr(value)
    # Half of a surrogate pair stands for a byte that is no UTF-8, and no terminal prints it.
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
