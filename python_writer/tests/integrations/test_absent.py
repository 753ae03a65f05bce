"""A framework that is not installed is a sentence."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.util import find_spec

import pytest
from lab_workbook_writer.integrations.absent import needs

MODULES = {
    "lightning": "lightning",
    "transformers": "transformers",
    "accelerate": "accelerate",
    "ignite": "ignite",
    "keras": "keras",
    "hydra": "hydra",
}


@pytest.mark.parametrize("module", MODULES)
def test_the_sentence_says_what_to_install(module: str):
    """
    And it is the whole error, without another one behind it.
    """
    if find_spec(MODULES[module]) is not None:
        pytest.skip(f"{module} is installed here")

    with pytest.raises(ModuleNotFoundError, match=rf"pip install 'lab-workbook\[{module}\]'$") as caught:
        importlib.import_module(f"lab_workbook_writer.integrations.{module}")

    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None
    assert caught.value.name is not None
    assert caught.value.name.startswith(MODULES[module])


def test_what_a_framework_lacks_itself_is_its_own_error():
    with (
        pytest.raises(ModuleNotFoundError, match="No module named 'lightning_utilities'"),
        needs("lightning", "LabWorkbookLogger", extra="lightning"),
    ):
        raise ModuleNotFoundError("No module named 'lightning_utilities'", name="lightning_utilities")


def test_the_front_for_tensorboard_needs_no_torch():
    """
    Nor TensorBoard, nor numpy before there is a picture.
    """
    code = (
        "import sys, lab_workbook_writer.integrations.tensorboard\n"
        "heavy = ('torch', 'tensorboard', 'numpy', 'pandas', 'matplotlib')\n"
        "print([name for name in heavy if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
