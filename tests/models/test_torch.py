"""
Real PyTorch: what it saves is loaded, with weights only; what it trained goes to Torch by `save_t7`.

Run by `make test-models`, because torch is large.
"""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import lab_workbook
import numpy as np
import pytest
from lab_workbook import ExperimentRepository, Unreadable, t7

pytestmark = pytest.mark.soak


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.fixture
def model(torch: Any) -> Any:
    """A small network, with tied weights and statistics."""
    layers = [torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU(), torch.nn.Linear(4, 4)]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(4, 4, bias=False))
    network[4].weight = network[3].weight
    network(torch.ones(2, 3))
    return network


def saved(tmp_path: Path, save: Any) -> lab_workbook.Experiment:
    """Return the experiment that ``save(workbook)`` was done in."""
    with lab_workbook.new_experiment(bucket_prefix=tmp_path) as workbook:
        save(workbook)
    return ExperimentRepository(tmp_path)[workbook.tag]


def test_a_state_dict_comes_back(tmp_path: Path, torch: Any, model: Any) -> None:
    """
    As `load_state_dict` wants it, and by the names that `state_dict` of ours gives.
    """
    artifact = saved(tmp_path, lambda workbook: workbook.save_torch("model", model.state_dict()))["model.pt"]

    model.load_state_dict(artifact.load())
    found = artifact.state_dict()

    assert list(found) == list(model.state_dict())
    assert all(torch.equal(found[name], tensor) for name, tensor in model.state_dict().items())


def test_a_checkpoint_names_what_is_in_it(tmp_path: Path, model: Any) -> None:
    checkpoint = {"epoch": 3, "model": model.state_dict()}

    artifact = saved(tmp_path, lambda workbook: workbook.save_torch("last", checkpoint))["last.pt"]

    assert artifact.load()["epoch"] == 3
    assert list(artifact.state_dict()) == [f"model.{name}" for name in model.state_dict()]


def test_a_whole_module_is_refused(tmp_path: Path, model: Any) -> None:
    """
    It would have to be unpickled, class by class.
    """
    artifact = saved(tmp_path, lambda workbook: workbook.save_torch("model", model))["model.pt"]

    with pytest.raises(Unreadable, match="weights_only=True: UnpicklingError"):
        artifact.load()


class Attack:
    """What runs a command when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("shape", ["zip", "plain", "checkpoint"])
def test_a_hostile_model_runs_nothing(tmp_path: Path, torch: Any, shape: str) -> None:
    """
    In each of the shapes that torch reads.
    """
    target, file = tmp_path / "was here", tmp_path / "attack.pt"
    if shape == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(Attack(target)))
            archive.writestr("archive/version", "3\n")
    elif shape == "plain":
        file.write_bytes(pickle.dumps(Attack(target)))
    else:
        torch.save({"weight": torch.ones(1), "more": Attack(target)}, file)
    artifact = saved(tmp_path / "runs", lambda workbook: workbook.save_file("model.pt", file))["model.pt"]

    with pytest.raises(Unreadable, match=r"model\.pt cannot be read"):
        artifact.load()

    assert not target.exists()


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"\x80\2", b"torch" * 100, bytes(1000)])
def test_what_is_no_model_is_unreadable(tmp_path: Path, torch: Any, data: bytes) -> None:
    assert torch
    (tmp_path / "file").write_bytes(data)
    experiment = saved(tmp_path / "runs", lambda workbook: workbook.save_file("m.pt", tmp_path / "file"))

    with pytest.raises(Unreadable, match=r"m\.pt cannot be read"):
        experiment["m.pt"].load()


def test_a_model_on_another_device_is_loaded_on_the_cpu(tmp_path: Path, torch: Any) -> None:
    """
    As `meta` shows, which has no memory at all: a notebook needs no GPU.
    """
    value = {"weight": torch.ones(2), "shape": torch.empty(3, device="meta")}

    loaded = saved(tmp_path, lambda workbook: workbook.save_torch("m", value))["m.pt"].load()

    assert loaded["weight"].device.type == "cpu"


def test_what_pytorch_trained_goes_to_torch(tmp_path: Path, torch: Any, model: Any) -> None:
    """
    Names, values and tied weights; a count of batches is a number.
    """
    artifact = saved(tmp_path, lambda workbook: workbook.save_t7("model", model.state_dict()))["model.t7"]

    found = artifact.load()

    assert list(found) == list(model.state_dict())
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(found[name], tensor.numpy())
    assert np.shares_memory(found["3.weight"], found["4.weight"])
    assert found["1.num_batches_tracked"] == 1
    assert torch.from_numpy(found["0.weight"]).equal(model[0].weight)


def test_a_tensor_on_its_way_through_autograd_is_an_array(torch: Any) -> None:
    """
    Whether it wants a gradient, steps through memory, or is half as precise.
    """
    base = torch.arange(12.0).reshape(3, 4)
    values = {"grad": torch.ones(2, requires_grad=True) * 2, "column": base[:, 1], "half": base.half()}

    read = t7.loads(t7.dumps(values))

    assert read["grad"].tolist() == [2, 2]
    assert read["column"].tolist() == [1, 5, 9]
    assert (read["half"].dtype, read["half"].tolist()) == (np.float16, base.tolist())


def test_safetensors_of_pytorch_are_arrays(tmp_path: Path, torch: Any, model: Any) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    safetensors.save_file(state, tmp_path / "m.safetensors")

    experiment = saved(
        tmp_path / "runs", lambda workbook: workbook.save_file("m.safetensors", tmp_path / "m.safetensors")
    )

    found = experiment["m.safetensors"].state_dict()
    assert {name: array.tolist() for name, array in found.items()} == {
        name: tensor.tolist() for name, tensor in state.items()
    }
    assert torch.from_numpy(found["0.weight"]).equal(state["0.weight"])


def test_bfloat16_says_what_reads_it(tmp_path: Path, torch: Any) -> None:
    """
    numpy has no such type.
    """
    safetensors = pytest.importorskip("safetensors.torch")
    safetensors.save_file({"w": torch.ones(2, dtype=torch.bfloat16)}, tmp_path / "m.safetensors")
    experiment = saved(
        tmp_path / "runs", lambda workbook: workbook.save_file("m.safetensors", tmp_path / "m.safetensors")
    )

    with pytest.raises(Unreadable, match=r"\.save\(path\)"):
        experiment["m.safetensors"].load()
