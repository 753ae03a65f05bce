"""What was found, in one sentence that says what to do."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Level(enum.Enum):
    """How much a finding matters; only with a problem would a writer fail."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(NamedTuple):
    """One thing that was looked at, under a name for programs."""

    name: str
    level: Level
    text: str
