"""
Values of real libraries: tensors, containers of OmegaConf, models of pydantic, options of transformers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import lab_workbook
import pytest
from lab_workbook import Experiment

pytestmark = [pytest.mark.soak, pytest.mark.usefixtures("work")]


@pytest.fixture
def workbook(work: Any) -> Iterator[Any]:
    del work
    with lab_workbook.new_experiment() as workbook:
        yield workbook


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


Recorded = Callable[[], list[Experiment]]


def test_tensors_of_torch_come_back(workbook: Any, recorded: Recorded, torch: Any) -> None:
    """
    Tied, transposed, of half precision, part of a graph, and beside arrays of numpy.
    """
    import numpy as np
    from safetensors.torch import load

    weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    tensors = {
        "weight": weight,
        "tied": weight,
        "transposed": weight.T,
        "part": weight[:1],
        "half": torch.ones(3, dtype=torch.bfloat16),
        "scalar": torch.tensor(7),
        "numpy": np.arange(3),
    }

    workbook.save_tensors("model", tensors)

    found = load(recorded()[0].read_bytes("model.safetensors"))
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(found[name], torch.as_tensor(tensor))


def test_a_whole_module_is_hinted_at_once(workbook: Any, torch: Any, capsys: Any) -> None:
    """
    And a state dict is not, whatever plain values stand beside it.
    """
    model = torch.nn.Linear(2, 2)
    capsys.readouterr()

    workbook.save_torch("state", {"model": model.state_dict(), "epoch": 3, "rng": torch.get_rng_state()})
    assert capsys.readouterr().err == ""
    workbook.save_torch("model", model)
    workbook.save_torch("again", model)

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "'model.pt' holds more than tensors and plain values" in said[0]
    assert "model.state_dict()" in said[0]


def test_tensors_are_options_and_metrics_too(workbook: Any, recorded: Recorded, torch: Any) -> None:
    workbook.save_json(
        "options",
        {
            "weights": torch.tensor([0.25, 0.75], requires_grad=True),
            "size": torch.ones(2, 3).shape,
            "dtype": torch.bfloat16,
            "device": torch.device("cuda", 1),
            "seed": torch.tensor(7),
            "half": torch.tensor(0.5, dtype=torch.bfloat16),
        },
    )
    workbook.log({"loss": torch.tensor(0.5, requires_grad=True)}, step=torch.tensor(3))

    assert recorded()[0]["options.json"] == {
        "weights": [0.25, 0.75],
        "size": [2, 3],
        "dtype": "torch.bfloat16",
        "device": "cuda:1",
        "seed": 7,
        "half": 0.5,
    }
    assert recorded()[0].metrics()["loss"].to_dict() == {3: 0.5}
    with pytest.raises(lab_workbook.InvalidValue, match="no rule in JSON"):
        workbook.save_json("large", torch.zeros(1001))


def test_containers_of_omegaconf_stay_unresolved(
    workbook: Any, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    So what an interpolation would fetch from the environment is not written.
    """
    omegaconf = pytest.importorskip("omegaconf")
    monkeypatch.setenv("HUB", "hunter2")
    config = omegaconf.OmegaConf.create({"hub": "${oc.env:HUB}", "sizes": [1, 2], "left": "???"})

    workbook.save_json("config", {"of hydra": config, "part": config.sizes})

    assert recorded()[0]["config.json"] == {
        "of hydra": {"hub": "${oc.env:HUB}", "sizes": [1, 2], "left": "???"},
        "part": [1, 2],
    }


def test_arguments_of_transformers_are_plain(workbook: Any, recorded: Recorded) -> None:
    """
    A dataclass with enumerations, paths, devices and objects of its own.
    """
    transformers = pytest.importorskip("transformers")
    arguments = transformers.TrainingArguments(output_dir="out", report_to="none", use_cpu=True)

    workbook.save_json("arguments", arguments)

    found = recorded()[0]["arguments.json"]
    assert found["output_dir"] == "out"
    assert found["lr_scheduler_type"] == "linear"
    assert found["learning_rate"] == arguments.learning_rate


def test_models_of_pydantic_are_plain(workbook: Any, recorded: Recorded) -> None:
    pydantic = pytest.importorskip("pydantic")

    class Settings(pydantic.BaseModel):
        started: dt.datetime
        rates: dict[str, float]

    workbook.save_json("settings", Settings(started="2016-02-12T22:17:34Z", rates={"a": "0.5"}))

    assert recorded()[0]["settings.json"] == {"started": "2016-02-12T22:17:34+00:00", "rates": {"a": 0.5}}
