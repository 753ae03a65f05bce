"""
What is said where a framework is not installed: a sentence with the command that helps.

>>> with needs("keras", "LabWorkbookCallback", extra="keras"):
...     import keras
Traceback (most recent call last):
ModuleNotFoundError: ... needs keras, which is not installed: pip install 'lab-workbook[keras]'
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def needs(package: str, whose: str, *, extra: str) -> Iterator[None]:
    """
    Turn the error of an import that finds no such package into a sentence.

    A package that is there and lacks something of its own keeps its own error.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if not f"{error.name}.".startswith(f"{package}."):
            raise
        sentence = f"{whose} needs {package}, which is not installed: pip install 'lab-workbook[{extra}]'"
        raise ModuleNotFoundError(sentence, name=error.name) from None
