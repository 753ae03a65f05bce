"""The examples of SPEC.md, and the names that they have as cases."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from lab_workbook_conformance import answers, constants, notation

NEW = ["newExperiment", {}]
CLOSE = ["close"]
# Time for the kit to look at what was done before it.
PAUSE = ["sleep", 1]


class Example(NamedTuple):
    """A block of SPEC.md: ``name`` is its rule and its number among that rule's blocks."""

    name: str
    rule: str
    accepts: bool
    subject: str
    text: str

    @property
    def lines(self) -> list[Any]:
        """Its lines, where each is one JSON value."""
        return [json.loads(line) for line in self.text.splitlines()]

    def numbered(self, *subjects: str) -> Iterator[tuple[str, Any]]:
        """Yield its lines, where it is about one of these subjects, each with its name as a case."""
        if self.subject in subjects:
            for number, line in enumerate(self.lines, start=1):
                yield f"{self.name}.{number}", line

    def asked(self, *questions: str) -> list[Any]:
        """Return its answers to these questions, each with the question in front."""
        return [line for line in self.lines if line[0] in questions] if self.subject == "answer" else []

    def corrected(self) -> Example:
        """Return an example of wrong answers with the right ones instead; cells and JSON have several."""
        lines = [
            [question, *about, notation.spelled(answers.right(question, *about))]
            for question, *about, _ in self.lines
            if question not in ("cell", "json")
        ]
        return self._replace(accepts=True, text="\n".join(map(json.dumps, lines)))

    @property
    def steps(self) -> list[Any]:
        """Its steps, with the first one that stands there unwritten."""
        steps = self.lines
        return steps if steps[0][0] == NEW[0] else [NEW, *steps]


def examples() -> Iterator[Example]:
    """Yield every block of SPEC.md, in its order."""
    count: Counter[str] = Counter()
    for case in constants.cases():
        count[case["rule"]] += 1
        name = f"{case['rule']}-{count[case['rule']]}"
        yield Example(name, case["rule"], case["expect"] == "accept", case["subject"], case["text"])
