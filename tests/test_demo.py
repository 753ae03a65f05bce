"""
The demo, as ``make demo`` runs it after its set-up, with fewer epochs.
"""

import hashlib
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lab_workbook import Experiment, ExperimentRepository

ROOT = Path(__file__).resolve().parent.parent
EPOCHS = 2
BATCHES = (1797 - 450) // 32


def run_demo(prefix: str, picture: Path, path: str | None = None) -> str:
    """Run tools/demo and return what it printed."""
    environment = {
        **os.environ,
        "LAB_WORKBOOK_BUCKET_PREFIX": prefix,
        "DEMO_PICTURE": str(picture),
        "PATH": path or f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(picture.parent),
    }
    command = [str(ROOT / "tools" / "demo"), str(EPOCHS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def by_script(prefix: str) -> dict[str, Experiment]:
    """Return the experiments of the demo by the script that made them."""
    return {
        experiment["parameters.json"]["script"]: experiment for experiment in ExperimentRepository(prefix)
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo has run: its experiments, and demo.png."""
    folder = tmp_path_factory.mktemp("demo")
    run_demo(f"file://{folder}/experiments/", folder / "demo.png")
    return folder


def test_both_scripts_record_the_same_experiment(folder):
    """
    Whatever the language, the reader finds the same artifacts and the same columns.
    """
    experiments = by_script(f"file://{folder}/experiments/")

    lua, python = experiments["train.lua"], experiments["train.py"]

    assert lua.status == python.status == "finished"
    assert lua.list_artifacts() == python.list_artifacts()
    assert {**lua["parameters.json"], "script": "train.py"} == python["parameters.json"]
    for name in ("Training loss.csv", "Testing error.csv"):
        assert lua[name].index.equals(python[name].index)
        assert (lua[name].dtypes == python[name].dtypes).all()


@pytest.mark.parametrize("script", ["train.lua", "train.py"])
def test_the_model_learns(folder, script):
    """
    The examples train for real: each minibatch has its row, and the held-out digits are mostly told apart.
    """
    experiment = by_script(f"file://{folder}/experiments/")[script]

    losses, errors = experiment["Training loss.csv"], experiment["Testing error.csv"]

    assert len(losses) == EPOCHS * BATCHES
    assert list(errors.index) == [1, 2]
    assert losses.loss.iloc[-10:].mean() < losses.loss.iloc[:10].mean() / 2
    assert errors.error.iloc[-1] < 0.3
    assert len(experiment["model.json"]["hidden"]) == experiment["parameters.json"]["hidden"]


def test_the_picture_shows_both_curves(folder):
    """
    demo.png is a picture, and what is drawn in it are two melded losses without a hole.
    """
    repository = ExperimentRepository(f"file://{folder}/experiments/")
    labels = {
        experiment.tag: script for script, experiment in by_script(f"file://{folder}/experiments/").items()
    }

    figure = runpy.run_path(str(ROOT / "examples" / "look.py"))["draw"](repository, labels)

    curves = {line.get_label(): line for line in figure.axes[0].lines if line.get_label() in labels.values()}
    assert sorted(curves) == ["train.lua", "train.py"]
    assert {len(curve.get_ydata()) for curve in curves.values()} == {EPOCHS * BATCHES}
    assert (folder / "demo.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.skipif(
    "LAB_WORKBOOK_TEST_S3_PUT_ONLY" in os.environ,
    reason="the demo looks at what it recorded, which takes a reader",
)
def test_the_demo_runs_on_s3_with_one_variable_set(bucket_prefix, tmp_path):
    """
    Only the prefix differs, and what the reader finds in the bucket is what it finds in a folder.
    """
    output = run_demo(bucket_prefix, tmp_path / "demo.png")

    experiments = by_script(bucket_prefix)
    assert sorted(experiments) == ["train.lua", "train.py"]
    assert {experiment.status for experiment in experiments.values()} == {"finished"}
    assert {len(experiment["Training loss.csv"]) for experiment in experiments.values()} == {EPOCHS * BATCHES}
    assert all(experiment.tag in output for experiment in experiments.values())
    assert (tmp_path / "demo.png").exists()


def test_a_machine_without_lua_runs_the_lua_script_in_python(tmp_path):
    """
    Where no Lua is installed, the demo says so and lupa's runtime stands in.
    """
    tools = tmp_path / "bin"
    tools.mkdir()
    for folder in map(Path, ("/usr/bin", "/bin")):
        for tool in folder.iterdir():
            if not tool.name.startswith("lua") and not (tools / tool.name).exists():
                (tools / tool.name).symlink_to(tool)
    path = f"{Path(sys.executable).parent}:{tools}"
    assert shutil.which("lua", path=path) is None

    output = run_demo(f"file://{tmp_path}/experiments/", tmp_path / "demo.png", path)

    assert "no Lua on this machine" in output
    assert sorted(by_script(f"file://{tmp_path}/experiments/")) == ["train.lua", "train.py"]


def test_the_data_are_those_that_their_page_describes():
    """
    The checksum beside source and licence is the file's own.
    """
    folder = ROOT / "examples" / "data"

    checksum = hashlib.sha256((folder / "digits.csv").read_bytes()).hexdigest()

    assert checksum in (folder / "README.md").read_text()
    assert checksum in (folder / "prepare.py").read_text()
