"""
Tensors by name, as safetensors holds them: nothing but numbers, which anyone may read.

The library is Hugging Face's (the extra ``models``), and arrives when `save_tensors` is called.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from lab_workbook.errors import InvalidValue

from lab_workbook_writer.capture.optional import load
from lab_workbook_writer.place import Fill, remove

# How Rust ends what it says when the system has refused.
_SYSTEM_ERROR: Final = r"\(os error ([0-9]+)\)"


def saves(tensors: Any) -> Fill:
    """
    Return what writes the tensors to a path.

    Raises:
        InvalidValue: these are no tensors by name.
        ImportError: safetensors is not installed.
    """
    if not isinstance(tensors, Mapping):
        raise _no_tensors(f"not {type(tensors).__name__}")
    for name, tensor in tensors.items():
        if not isinstance(name, str):
            raise _no_tensors(f"and {name!r} is no name")
        if not (hasattr(tensor, "dtype") and hasattr(tensor, "shape")):
            raise _no_tensors(f"and {name!r} is a {type(tensor).__name__}")
    torch = sys.modules.get("torch")
    is_torch = torch is not None and any(isinstance(tensor, torch.Tensor) for tensor in tensors.values())
    library = load(
        f"safetensors.{'torch' if is_torch else 'numpy'}",
        "save_tensors needs safetensors, and it is not installed: pip install 'lab-workbook[models]'",
    )

    def fill(path: str) -> None:
        found = _of_torch(torch, tensors) if is_torch else _of_numpy(tensors)
        try:
            library.save_file(found, path)
        except Exception as error:
            # What it has written so far is of no use to anyone.
            remove(path)
            refused = re.search(_SYSTEM_ERROR, str(error))
            if not refused:
                raise
            raise OSError(int(refused[1]), str(error)) from error

    return fill


def _of_torch(torch: Any, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tensors as the format needs them: each whole, and none in the memory of another."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        plain = torch.as_tensor(tensor).detach().cpu().contiguous()
        place = plain.untyped_storage().data_ptr()
        # Tied weights are written once for each of their names.
        found[name] = plain.clone() if place in seen else plain
        seen.add(place)
    return found


def _of_numpy(tensors: Mapping[str, Any]) -> dict[str, Any]:
    import numpy as np

    # The library writes the memory as it lies there, transposed or backwards.
    return {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}


def _no_tensors(why: str) -> InvalidValue:
    return InvalidValue(
        "kind.suffix", f"save_tensors saves tensors or arrays by name, such as a state_dict(), {why}"
    )
