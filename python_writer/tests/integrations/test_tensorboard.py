"""The front that is shaped like TensorBoard's SummaryWriter."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from lab_workbook import ExperimentRepository
from lab_workbook_writer.integrations.png import png
from lab_workbook_writer.integrations.tensorboard import SummaryWriter


@pytest.fixture
def writer(prefix: str) -> Any:
    with SummaryWriter(capture=False, bucket_prefix=prefix) as made:
        yield made


def experiment(prefix: str) -> Any:
    return ExperimentRepository(prefix)[-1]


def test_scalars_are_metrics(writer, prefix):
    """
    Exact, each with its step; several at once are a row.
    """
    for step in range(3):
        writer.add_scalar("loss/train", 1 / (step + 3), step)
        writer.add_scalars("error", {"top1": step, "top5": 0.5}, global_step=np.int64(step))

    metrics = experiment(prefix).metrics()

    assert metrics["loss/train"].tolist() == [1 / 3, 1 / 4, 1 / 5]
    assert metrics["error/top1"].tolist() == [0, 1, 2]


def test_texts_are_a_series(writer, prefix):
    writer.add_text("remark", 'It "learns".\n', 3)
    writer.add_text("remark", "No step.")

    texts = experiment(prefix)["texts.csv"]

    assert texts.text.tolist() == ['It "learns".\n', "No step."]
    assert texts.tag.tolist() == ["remark", "remark"]


def test_hparams_are_saved_each_time(writer, prefix):
    writer.add_hparams({"rate": 0.1, "act": max}, {"accuracy": 0.9})
    writer.add_hparams({"rate": 0.2}, {"accuracy": 0.8}, run_name="second", global_step=1)

    found = experiment(prefix)

    assert found["hparams.json"] == {"rate": 0.1, "act": "builtins.max"}
    assert found["hparams-2.json"] == {"rate": 0.2}
    assert found.metrics()["accuracy"].tolist() == [0.9, 0.8]


def test_a_histogram_is_a_row(writer, prefix):
    """
    What is not finite is counted among all, and in no bin.
    """
    writer.add_histogram("weights", np.array([[0.0, 1.0, 3.0], [np.nan, np.inf, -np.inf]]), 7, bins=3)
    writer.add_histogram("weights", np.array([]), 8, bins="tensorflow")

    rows = experiment(prefix)["histograms.csv"]

    first = rows.iloc[0]
    assert (first["count"], first["min"], first["max"]) == (6, 0.0, 3.0)
    assert json.loads(first["edges"]) == [0.0, 1.0, 2.0, 3.0]
    assert json.loads(first["counts"]) == [1, 1, 1]
    assert rows.iloc[1]["count"] == 0


def test_an_image_is_a_picture(writer, prefix, home_of):
    """
    With its channels first, as torch has them.
    """
    image = np.zeros((3, 2, 4))
    image[0] = 1.0

    writer.add_image("weights/first layer", image, 5)

    path = home_of(writer.workbook) / "images" / "weights" / "first layer-5.png"
    assert decoded(path.read_bytes()).tolist() == [[[255, 0, 0]] * 4] * 2
    assert experiment(prefix).list_artifacts() == ["images/weights/first layer-5.png"]


def test_a_figure_is_a_picture(writer, home_of, monkeypatch):
    """
    And is closed, as TensorBoard does.
    """
    monkeypatch.setenv("MPLBACKEND", "Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    before = pyplot.get_fignums()
    figures = [pyplot.figure(figsize=(1, 1)) for _ in range(2)]

    writer.add_figure("curve", figures[0], 2)
    assert len(pyplot.get_fignums()) == len(before) + 1
    writer.add_figure("curves", figures)
    assert pyplot.get_fignums() == before

    folder = home_of(writer.workbook) / "figures"
    assert sorted(path.name for path in folder.iterdir()) == ["curve-2.png", "curves-0.png", "curves-1.png"]
    assert (folder / "curve-2.png").read_bytes().startswith(b"\x89PNG")


def test_what_has_no_place_is_said_once(writer, capsys):
    for _ in range(3):
        writer.add_graph(object())
        writer.add_audio("sound", [0.1], 1, sample_rate=8000)

    said = capsys.readouterr().err
    assert said.count("add_graph") == 1
    assert said.count("add_audio") == 1


def test_what_it_never_had_is_an_error(writer):
    with pytest.raises(AttributeError, match="ad_scalar"):
        _ = writer.ad_scalar


def test_a_broken_picture_stops_nothing(writer, prefix, capsys):
    writer.add_image("wrong", np.zeros((7, 2, 2)), 1)
    writer.add_histogram("wrong", ["a"], 1)
    writer.add_figure("wrong", object(), 1, close=False)
    writer.add_text("wrong", "text", global_step="late")
    writer.add_scalar("loss", 0.5, 1)

    assert experiment(prefix)["metrics.csv"].loss.tolist() == [0.5]
    assert capsys.readouterr().err.count("training goes on") == 4


def test_it_takes_the_arguments_of_tensorboard(prefix):
    writer = SummaryWriter(
        "runs/line", " half the rate", 3, 20, 60, ".v2", capture=False, bucket_prefix=prefix
    )
    writer.flush()
    assert writer.get_logdir() == writer.workbook.where
    writer.close()

    found = experiment(prefix)
    assert (found.note, found.status) == ("runs/line half the rate", "finished")


def test_an_error_in_the_block_is_the_outcome(prefix):
    with pytest.raises(RuntimeError), SummaryWriter(capture=False, bucket_prefix=prefix):
        raise RuntimeError("the loss is nan")

    assert experiment(prefix).status == "failed"


def decoded(data: bytes) -> Any:
    """Return the pixels of a PNG, as matplotlib reads them."""
    image = pytest.importorskip("matplotlib.image")
    return (image.imread(io.BytesIO(data), format="png") * 255).round().astype(int)


_SHAPES = st.tuples(st.sampled_from([1, 3, 4]), st.integers(1, 5), st.integers(1, 5))


@given(image=arrays.arrays("uint8", _SHAPES), axes=st.permutations("CHW").map("".join))
@settings(max_examples=40)
def test_every_pixel_of_a_picture_comes_back(image: Any, axes: str):
    """
    Whatever the order of its axes.
    """
    given_as = image.transpose(["CHW".index(axis) for axis in axes])

    pixels = decoded(png(given_as, axes))

    expected = image.transpose(1, 2, 0)
    assert pixels.tolist() == (expected[..., 0] if len(image) == 1 else expected).tolist()


def test_numbers_between_0_and_1_are_shades():
    """
    What is beyond is cut, and not-a-number is black.
    """
    image = np.array([[-1.0, 0.5], [2.0, np.nan]])

    assert decoded(png(image, "HW")).tolist() == [[0, 128], [255, 0]]


@pytest.mark.parametrize(
    ("shape", "axes"), [((2, 2), "CHW"), ((2, 2, 2), "HW"), ((5, 2, 2), "CHW"), ((2, 2), "XY")]
)
def test_what_is_no_picture_is_refused(shape: tuple[int, ...], axes: str):
    with pytest.raises(ValueError, match="dataformats"):
        png(np.zeros(shape), axes)
