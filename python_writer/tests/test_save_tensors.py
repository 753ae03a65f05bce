"""`Workbook.save_tensors`: numbers by name that anyone may read. torch's own are in ``tests/frameworks``."""

import errno
import resource
import sys

import numpy as np
import pytest
from lab_workbook import ExperimentRepository, InvalidName, InvalidValue


@pytest.fixture
def loaded(workbook, prefix):
    """What comes back of what was saved."""

    def load(tensors):
        workbook.save_tensors("model", tensors)
        return ExperimentRepository(prefix)[workbook.tag]["model.safetensors"].load()

    return load


def test_arrays_come_back(loaded):
    """
    Of any type and shape; also those that lie in memory in another order.
    """
    arrays = {
        "layer.weight": np.arange(6.0).reshape(2, 3),
        "transposed": np.arange(6, dtype="int8").reshape(2, 3).T,
        "backwards": np.arange(4, dtype="float16")[::-1],
        "flag": np.array(True),
        "empty": np.zeros((0, 3), "uint8"),
        "scalar": np.float32(0.5),
    }

    found = loaded(arrays)

    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[name], array)


def test_no_tensors_are_tensors_too(loaded):
    assert loaded({}) == {}


@pytest.mark.parametrize(
    "value", [None, [np.zeros(3)], {"a": 1}, {"a": [1, 2]}, {3: np.zeros(3)}, np.zeros(3)]
)
def test_what_is_no_tensor_by_name_is_refused(workbook, home_of, value):
    """
    Before any file is made.
    """
    with pytest.raises(InvalidValue, match="such as a state_dict"):
        workbook.save_tensors("model", value)

    assert [path.name for path in home_of(workbook).iterdir()] == [".lab-workbook"]


def test_a_name_is_looked_at_first(workbook):
    with pytest.raises(InvalidName):
        workbook.save_tensors("../model", None)


def test_without_the_library_the_message_says_what_to_install(workbook, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "safetensors"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "safetensors", None)

    with pytest.raises(ImportError, match=r"pip install 'lab-workbook\[models\]'"):
        workbook.save_tensors("model", {"a": np.zeros(3)})


def test_what_the_library_refuses_leaves_what_was_there(workbook, loaded):
    """
    A type that the format does not have is the caller's mistake.
    """
    before = loaded({"a": np.ones(2)})

    with pytest.raises(Exception, match=r"complex|object|dtype"):
        workbook.save_tensors("model", {"a": np.array([object()])})

    np.testing.assert_array_equal(loaded({"a": np.ones(2)})["a"], before["a"])


def test_a_full_disk_loses_it_and_no_more(workbook, home_of, capsys):
    """
    The library calls it an error of its own; training goes on.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        workbook.save_tensors("model", {"a": np.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    said = capsys.readouterr().err
    assert "an artifact was lost ('model.safetensors'" in said
    assert f"Errno {errno.EFBIG}" in said
    assert [path.name for path in (home_of(workbook) / ".lab-workbook/tmp").iterdir()] == ["reserve"]
