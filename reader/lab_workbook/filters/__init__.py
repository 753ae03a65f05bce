"""
Filters: conditions on the table of experiments, written as text and evaluated without running it.

>>> condition = parse('options.rate < 0.1 and status == "finished"')
>>> condition.columns
('options.rate', 'status')
>>> table[condition.apply(table)]

A filter may come from a colleague's message or a URL. So `tokens` replaces every name, number and text by
a placeholder before Python's parser sees the filter, `syntax` builds a tree from a fixed list of node types,
and `tree` evaluates that tree on the cells of a table. The grammar is a table in docs/filters.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab_workbook.errors import InvalidQuery
from lab_workbook.filters import cells, columns, syntax
from lab_workbook.filters.tokens import Problem
from lab_workbook.filters.tree import Condition

if TYPE_CHECKING:
    import pandas as pd


class Filter:
    """
    A parsed filter.

    ``columns`` has the names of the columns that the filter uses, each once, in order of appearance.
    """

    def __init__(self, text: str, condition: Condition, columns: dict[str, int]) -> None:
        self.text = text
        self.columns = tuple(columns)
        self._positions = columns
        self._condition = condition

    def __repr__(self) -> str:
        return f"<Filter: {self.text}>"

    def apply(self, frame: pd.DataFrame) -> pd.Series[bool]:
        """
        Return a boolean for each row of a table: whether the filter holds for it.

        >>> table[parse("options.rate < 0.1").apply(table)]

        The name of the index counts as a column, unless a column has that name.

        Raises:
            InvalidQuery: the table lacks one of the columns; or a column is used as a condition and has no
                booleans; or a column of times or durations is compared with a text that cannot be one.
        """
        import pandas as pd

        try:
            columns = {name: cells.plain(self._column(frame, name)) for name in self.columns}
            found = self._condition.mask(columns, len(frame))
        except Problem as problem:
            raise problem.explained(self.text) from None
        mask: pd.Series[bool] = pd.Series(found, index=frame.index, dtype=bool)
        return mask

    def _column(self, frame: pd.DataFrame, name: str) -> Any:
        try:
            return columns.find(frame, name)
        except InvalidQuery as error:
            raise Problem(self._positions[name], str(error)) from None


def parse(text: str) -> Filter:
    """
    Parse a filter.

    >>> parse('status == "failed" or `train.lowest loss` is missing').columns
    ('status', 'train.lowest loss')

    Raises:
        InvalidQuery: the text is not a filter; the message has the position, the reason and what to write.
    """
    try:
        return Filter(text, *syntax.parse(text))
    except Problem as problem:
        raise problem.explained(text) from None
