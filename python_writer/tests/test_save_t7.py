"""What a Python run saves for Torch to read."""

import subprocess
import sys

import lab_workbook
import numpy as np
import pytest
from lab_workbook import ExperimentRepository, Unwritable, t7


def test_arrays_and_tables_are_saved_for_torch(workbook, home_of):
    """
    Under the suffix of Torch, and the reader gives them back.
    """
    weight = np.arange(6, dtype="float32").reshape(2, 3)

    workbook.save_t7("model", {"weight": weight, "transposed": weight.T, "classes": ["cat", "dog"]})

    data = (home_of(workbook) / "model.t7").read_bytes()
    assert data == t7.dumps({"weight": weight, "transposed": weight.T, "classes": ["cat", "dog"]})
    read = t7.loads(data)
    assert read["weight"].tolist() == weight.tolist()
    assert np.shares_memory(read["weight"], read["transposed"])


def test_it_is_listed_in_the_end_and_read_by_name(prefix):
    with lab_workbook.new_experiment(bucket_prefix=prefix) as workbook:
        workbook.save_t7("model", [1, 2])

    model = ExperimentRepository(prefix)[workbook.tag]["model.t7"]

    assert model.load() == [1, 2]
    assert model.sha256


def test_what_torch_has_nothing_like_leaves_what_was_there(workbook, home_of):
    """
    It raises at once, and there is never half a file.
    """
    workbook.save_t7("model", 1)

    with pytest.raises(Unwritable, match=r"builtins\.object"):
        workbook.save_t7("model", [np.zeros(100_000), object()])

    assert t7.loads((home_of(workbook) / "model.t7").read_bytes()) == 1
    assert [path.name for path in (home_of(workbook) / ".lab-workbook/tmp").iterdir()] == ["reserve"]


class Tensor:
    """What PyTorch's tensors are asked."""

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.array


def test_tensors_of_pytorch_are_arrays(workbook, home_of):
    """
    Tied weights stay tied, and a tensor without dimensions is its number.
    """
    weight = np.ones((2, 2), "float32")

    workbook.save_t7("model", {"a": Tensor(weight), "b": Tensor(weight), "batches": Tensor(np.array(7))})

    read = t7.loads((home_of(workbook) / "model.t7").read_bytes())
    assert np.shares_memory(read["a"], read["b"])
    assert read["batches"] == 7


def test_numpy_comes_only_when_it_is_needed():
    """
    A script that saves no arrays does not pay for it.
    """
    ours = "lab_workbook_writer.workbook, lab_workbook_writer.capture.model"
    code = f"import sys, {ours}; print('numpy' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
