"""
A model is fetched when it is asked for, whole, and never as code.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import lab_workbook
import numpy as np
import pytest
from lab_workbook import (
    ArtifactNotFound,
    ExperimentRepository,
    LabWorkbookError,
    Model,
    Unreadable,
    kinds,
    t7,
)

WEIGHTS = {"weight": np.arange(6, dtype="f4").reshape(2, 3), "epoch": 3.0}
DATA = t7.dumps(WEIGHTS)


@pytest.fixture(autouse=True)
def forget_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test teaches the reader, the next does not know."""
    monkeypatch.setattr(kinds, "_processors", [])


def listed(data: bytes) -> dict[str, Any]:
    return {"files": {"model.t7": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}}}


@pytest.fixture(params=["folder", "s3"])
def put(request: pytest.FixtureRequest, folder: Path) -> Any:
    """A function that makes the experiment A of files, in a folder or in S3, and opens it."""
    if request.param == "folder":
        return request.getfixturevalue("make")
    client, prefix = request.getfixturevalue("s3_client"), request.getfixturevalue("bucket_prefix")
    make = request.getfixturevalue("make")

    def made(**given: Any) -> lab_workbook.Experiment:
        make("A", **given)
        for path in (folder / "A").rglob("*.*"):
            if path.is_file():
                key = f"exp/{path.relative_to(folder)}"
                client.put_object(Bucket=prefix.split("/")[2], Key=key, Body=path.read_bytes())
        return ExperimentRepository(prefix)["A"]

    return made


def test_a_model_of_torch_is_loaded(put: Any) -> None:
    """
    From a folder and from a bucket, compared with what end.json lists.
    """
    model = put(files={"model.t7": DATA}, end=listed(DATA))["model.t7"]

    assert model.load()["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert list(model.state_dict()) == ["weight"]
    assert (model.name, model.size) == ("model.t7", len(DATA))
    assert model.sha256 == hashlib.sha256(DATA).hexdigest()
    assert bytes(model) == model.read_bytes() == DATA


def test_a_model_is_saved_to_a_file(put: Any, tmp_path: Path) -> None:
    target = tmp_path / "copy.pt"
    target.write_bytes(b"an older one")

    put(files={"model.pt": b"any bytes" * 100_000})["model.pt"].save(target)

    assert target.read_bytes() == b"any bytes" * 100_000
    assert not list(tmp_path.glob("*.part"))


def test_looking_at_a_model_does_not_fetch_it(make: Any) -> None:
    """
    A repr has the name and the size; the file may be gone by then.
    """
    experiment = make(files={"a\x1b[31m.t7": bytes(1234567), "a": b"x"})
    (model,) = (experiment[name] for name in experiment if name.endswith(".t7"))
    (Path(experiment.where.removeprefix("file://")) / model.name).unlink()

    with pytest.raises(ArtifactNotFound, match="is gone"):
        model.load()
    assert repr(model) == r"<Model: a\x1b[31m.t7, 1,234,567 bytes>"


@pytest.mark.parametrize("change", [DATA[:-1], DATA + b"more", DATA[:-1] + b"\1", b""])
def test_a_model_that_was_changed_is_unreadable(put: Any, change: bytes, tmp_path: Path) -> None:
    """
    Whichever way it is read, and a file that it was to be saved to is not there.
    """
    experiment = put(files={"model.t7": change}, end=listed(DATA))
    model = experiment["model.t7"]

    for read in (
        model.load,
        model.read_bytes,
        lambda: model.save(tmp_path / "x"),
        lambda: model.open().read(),
    ):
        with pytest.raises(Unreadable, match=r"model\.t7"):
            read()
    assert not list(tmp_path.glob("x*"))
    assert experiment.read_bytes("model.t7") == change


def test_the_end_of_a_stream_is_checked_even_if_it_is_not_needed(make: Any) -> None:
    """
    An object may end before its file does.
    """
    model = make(files={"model.t7": DATA + b"more"}, end=listed(DATA + b"MORE"))["model.t7"]

    with pytest.raises(Unreadable, match="other bytes"):
        model.load()


def test_a_missing_model_lists_what_there_is(put: Any) -> None:
    """
    Also one whose name another begins with.
    """
    experiment = put(files={"model.t7.json": b"1"})

    with pytest.raises(ArtifactNotFound, match=r"'model\.t7\.json'"):
        _ = experiment["model.t7"]


def test_a_processor_may_still_read_models_its_own_way(make: Any) -> None:
    @lab_workbook.artifact_processor
    def size(name: str, contents: bytes) -> Any:
        return len(contents) if name.endswith(".t7") else None

    experiment = make(files={"a.t7": b"abc", "a.pt": b"abc"})

    assert experiment["a.t7"] == size("a.t7", b"abc") == 3
    assert bytes(experiment["a.pt"]) == b"abc"


def test_a_t7_of_another_machine_is_told_its_format(make: Any) -> None:
    model = make(files={"model.t7": t7.dumps(WEIGHTS, format="ascii")})["model.t7"]

    with model.open() as stream:
        assert t7.load(stream, format="ascii")["epoch"] == 3
    with pytest.raises(Unreadable, match=r"model\.t7: .*format="):
        model.load()


def test_a_large_model_is_in_memory_once(make: Any) -> None:
    """
    What is read is the arrays, and no copy of the file beside them.
    """
    import tracemalloc

    data = t7.dumps(np.zeros(2**24, "u1"))
    model = make(files={"model.t7": data}, end=listed(data))["model.t7"]

    tracemalloc.start()
    value = model.load()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert value.nbytes == 2**24
    # One element more than asked for is how a bytearray grows.
    assert peak < 1.5 * len(data)


def test_safetensors_are_arrays(put: Any) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    arrays = {"0.weight": np.arange(6, dtype="f4").reshape(2, 3), "0.bias": np.zeros(2, "f2")}

    model = put(files={"model.safetensors": numpy.save(arrays)})["model.safetensors"]

    assert {name: array.tolist() for name, array in model.load().items()} == {
        name: array.tolist() for name, array in arrays.items()
    }
    assert sorted(model.state_dict()) == ["0.bias", "0.weight"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        (2**62).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (20).to_bytes(8, "little") + json.dumps({"a": 1}).encode(),
    ],
)
def test_broken_safetensors_are_unreadable(make: Any, data: bytes) -> None:
    pytest.importorskip("safetensors")
    model = make(files={"model.safetensors": data})["model.safetensors"]

    with pytest.raises(Unreadable, match=r"model\.safetensors cannot be read by safetensors"):
        model.load()


@pytest.mark.parametrize(
    ("name", "package"), [("m.pt", "torch"), ("m.safetensors", r"lab-workbook\[models\]")]
)
def test_a_missing_package_is_named(make: Any, name: str, package: str) -> None:
    """
    Without it the bytes are there all the same.
    """
    model = make(files={name: b"abc"})[name]

    with pytest.MonkeyPatch.context() as patch:
        for module in ("torch", "safetensors", "safetensors.numpy"):
            patch.setitem(sys.modules, module, None)  # type: ignore[arg-type]
        with pytest.raises(LabWorkbookError, match=f"pip install '{package}'"):
            model.load()

    assert bytes(model) == b"abc"


OLD_TORCH = """
__version__ = "2.5.1+cu124"
def load(*_, **__):
    raise SystemExit("this torch must not be asked")
"""
STAND_IN = """
import pickle
__version__ = "2.6.0"
def load(path, *, map_location, weights_only):
    assert (map_location, weights_only) == ("cpu", True)
    with open(path, "rb") as file:
        data = file.read()
    if not data.startswith(b"weights "):
        raise pickle.UnpicklingError("Weights only load failed\\nmany more lines")
    return {"weight": data}
"""


def loaded_by(torch: str, where: Path, tmp_path: Path) -> str:
    """Load a model in a process of its own, by a torch that is this text; return what that prints."""
    (tmp_path / "torch.py").write_text(torch)
    script = """
    import sys, lab_workbook
    try:
        print(lab_workbook.ExperimentRepository(sys.argv[1])["A"]["model.pt"].load())
    except lab_workbook.LabWorkbookError as error:
        print(type(error).__name__, error)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(where)]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout


def test_pytorch_is_asked_for_weights_only(make: Any, folder: Path, tmp_path: Path) -> None:
    """
    And on the CPU, where every machine can hold them.
    """
    make(files={"model.pt": b"weights of a model"})

    assert "weights of a model" in loaded_by(STAND_IN, folder, tmp_path)


def test_what_weights_only_refuses_is_unreadable(make: Any, folder: Path, tmp_path: Path) -> None:
    make(files={"model.pt": pickle.dumps(print)})

    said = loaded_by(STAND_IN, folder, tmp_path)

    assert said.startswith("Unreadable model.pt cannot be read by torch.load with weights_only=True")
    assert "'Weights only load failed'" in said
    assert "many more lines" not in said


def test_an_old_torch_is_not_asked(make: Any, folder: Path, tmp_path: Path) -> None:
    """
    Before 2.6 what `weights_only` let through could run code.
    """
    make(files={"model.pt": b"weights"})

    assert "torch 2.6 or newer" in loaded_by(OLD_TORCH, folder, tmp_path)


def test_a_model_is_a_public_type() -> None:
    assert isinstance(kinds.decode("a.t7", b""), Model)
    assert io.BytesIO(bytes(kinds.decode("a.t7", b"abc"))).read() == b"abc"
