"""
The two corpora of data/: secrets in all the ways in which they are written, and what only looks like one.

>>> next(planted())
Planted(kind='aws access key', text='AKIA…', secrets=('…',))
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_DATA = Path(__file__).with_name("data")
_ALPHABETS = {
    "b62": string.ascii_letters + string.digits,
    "url": string.ascii_letters + string.digits + "_-",
    "b64": string.ascii_letters + string.digits + "+/",
    "hex": "0123456789abcdef",
    "up": string.ascii_uppercase + string.digits,
    "up32": string.ascii_uppercase + "234567",
    "low": string.ascii_lowercase + string.digits,
    "dig": string.digits,
}
# What a person makes up; without a word of a name in it, so that nothing but its place tells it.
_MADE_UP = "Tr0ub4dor&3x"


class Planted(NamedTuple):
    """A text, and the part of it that must not be left."""

    kind: str
    text: str
    secret: str


def _lines(name: str) -> list[str]:
    lines = (_DATA / name).read_text().split("\n")
    return [line for line in lines if line and not line.startswith("# ")]


def _part(part: str, drawn: random.Random) -> str:
    alphabet, star, count = part.partition("*")
    if not star:
        return part.replace("·", " ")
    # Uniform, apart from the ends: a sign at an end may be taken for what stands around the secret.
    letters = _ALPHABETS[alphabet]
    middle = "".join(drawn.choices(letters, k=int(count) - 2))
    first, last = (drawn.choice([each for each in letters if each.isalnum()]) for _ in "ab")
    return first + middle + last


def tokens() -> dict[str, tuple[str, str]]:
    """Return for each kind of secret with a shape of its own: a fake one, and the part that has to go."""
    found = {}
    for line in _lines("tokens.txt"):
        kind, parts = line.split(" | ")
        drawn = random.Random(kind)
        made = [_part(part, drawn) for part in parts.split(" ")]
        # The longest random part is the secret.
        secret = max(
            (piece for piece, part in zip(made, parts.split(" "), strict=True) if "*" in part), key=len
        )
        found[kind] = "".join(made), secret
    return found


def planted() -> Iterator[Planted]:
    """Yield each secret of the corpus in the text that it stands in."""
    for kind, (token, secret) in tokens().items():
        yield Planted(kind, token, secret)
    for line in _lines("carriers.txt"):
        drawn = random.Random(line)
        made = _part("b62*28", drawn)
        for mark, secret in (("SECRET", made), ("SECRET", _MADE_UP), ("RANDOM", made)):
            if mark in line:
                written = "made up" if secret == _MADE_UP else "random"
                text = line.replace("\\n  value", "\n  value").replace(mark, secret)
                yield Planted(f"{line} ({written})", text, secret)


def innocent_parameters() -> list[dict[str, Any]]:
    """Return parameters that are no secrets."""
    return [json.loads(line) for line in _lines("innocent_parameters.txt")]


def innocent_lines() -> list[str]:
    """Return lines of programs that hold no secret."""
    return _lines("innocent_lines.txt")


def places(text: str) -> Iterator[tuple[str, str]]:
    """Yield a text in the places where a recorded text has it."""
    yield "alone", text
    yield "after a line", f"first line\n{text}\nlast line"
    yield "in a sentence", f"cannot go on: {text}"
    yield "in JSON", json.dumps({"cell": ["import os\n", f"{text}\n"]})
    yield "beyond ASCII", f"é {text} 名前"


def mixtures(lines: list[str], drawn: random.Random, count: int) -> Iterator[str]:
    """Yield pieces of these lines, put together at random."""
    signs = ["", "", " ", "=", ": ", "\n", '"', "\\", "\\n", "'", ", ", "(", ";", "&", "é", "\0"]
    for _ in range(count):
        pieces = []
        for _ in range(drawn.randrange(1, 5)):
            line = drawn.choice(lines)
            start = drawn.randrange(len(line))
            pieces += [line[start : start + drawn.randrange(1, 60)], drawn.choice(signs)]
        yield "".join(pieces)
