"""
JSON artifacts as columns: of ``options.json``, ``{"sgd": {"rate": 0.1}}`` is ``options.sgd.rate``.

What anyone wrote is bounded here: a number of parameters, the length of a name, and no name holds a
character that a terminal could take for a command.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from lab_workbook.protocol import _spec
from lab_workbook.protocol.numbering import Numbering, dotted
from lab_workbook.protocol.text import printable, sound

MAX_COUNT: Final = 1000
_NAME_MAX: Final = 500


class Parameters:
    """
    The parameters of one experiment, from its JSON artifacts.

    >>> parameters = Parameters()
    >>> parameters.add("options.json", {"layers": [64, 10], "stages": [{"rate": 0.1}, {"rate": 0.01}]})
    >>> parameters.values
    {'options.layers': [64, 10], 'options.stages.0.rate': 0.1, 'options.stages.1.rate': 0.01}

    A list is one value, unless it holds lists or objects. Of two parameters that would have one name, the
    second is numbered, as pandas does it. ``omitted`` counts those that were too many, or too deep.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.omitted = 0
        self._numbering = Numbering(dotted)

    def add(self, artifact: str, document: dict[str, Any]) -> None:
        """Take in a JSON object."""
        # A list of what is still to be done, because a stranger's JSON may be very deep.
        todo: list[tuple[str, Any]] = [(printable(artifact.removesuffix(_spec.KIND_JSON_SUFFIX)), document)]
        while todo:
            name, value = todo.pop()
            children = _children(value)
            if len(name) > _NAME_MAX or (children is None and len(self.values) >= MAX_COUNT):
                self.omitted += 1
            elif children is None:
                self.values[self._numbering.free(name)] = _mended(value)
            else:
                todo += [(f"{name}.{printable(str(key))}", child) for key, child in children][::-1]


def _children(value: Any) -> Iterable[tuple[Any, Any]] | None:
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, list) and any(isinstance(each, (dict, list)) for each in value):
        return enumerate(value)
    return None


def _mended(value: Any) -> Any:
    if isinstance(value, list):
        return [_mended(each) for each in value]
    # No table can hold half a character.
    return sound(value) if isinstance(value, str) else value
