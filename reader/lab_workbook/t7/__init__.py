"""
Torch's own file format, ``.t7``, as numpy arrays and plain Python; no Torch is needed, and no code is run.

>>> from lab_workbook import t7
>>> with open("model.t7", "rb") as file:
...     model = t7.load(file)
>>> model
<Record 'nn.Sequential': '_type', 'gradInput', 'modules', 'output'>
>>> model["modules"][0]["weight"].shape
(4, 3)
>>> t7.state_dict(model).keys()
dict_keys(['0.weight', '0.bias', '2.weight', '2.bias'])

| in Torch | in Python |
| --- | --- |
| nil, a boolean | None, a bool |
| a number | a float, because all of Lua's numbers are doubles |
| a string | a str; what is not UTF-8 in it is kept: ``text.encode(errors="surrogateescape")`` is its bytes |
| a table whose keys are 1 to n | a list |
| any other table, ``{}`` too | a dict; a key that is neither number nor text is a `Key` |
| a tensor | a numpy array, a view of its storage, so that what shares memory in Torch shares it here |
| a tensor without elements | an array of shape ``(0,)``, because Torch keeps no other size of it |
| a storage that stands alone | a `Storage`, with the ``array`` |
| an object of any other class | a `Record`: the name of its class, and its fields |
| a function | a `Function`: its byte code, which nobody runs |
| ``tds.Hash``, ``tds.Vec`` | a dict, a list |

A tensor on a GPU was saved with its class, and is read as the same type on the CPU. What is one table or
one tensor in Torch is one object here, also in a circle.

`dump` writes all of this but functions, and what it has written reads back as it was, with these words
on what Python tells apart and Lua does not: an empty list comes back as ``{}``, a tuple as a list, a dict
whose keys are 1 to n as a list, bytes as a str, and an int as a float.
"""

from __future__ import annotations

from lab_workbook.t7.modules import state_dict
from lab_workbook.t7.reading import load, loads
from lab_workbook.t7.spelling import Format
from lab_workbook.t7.values import Function, Key, Record, Storage
from lab_workbook.t7.writing import dump, dumps

__all__ = ["Format", "Function", "Key", "Record", "Storage", "dump", "dumps", "load", "loads", "state_dict"]
