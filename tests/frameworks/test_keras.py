"""A real model of Keras, on PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

INPUTS = np.linspace(-1, 1, 32).reshape(-1, 1)


@pytest.fixture
def model(work: Any) -> Any:
    import keras

    assert work
    made = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    made.compile(optimizer=keras.optimizers.SGD(0.125), loss="mse", metrics=["mae"])
    return made


@pytest.fixture
def callback(closing: Any) -> Any:
    from lab_workbook_writer.integrations.keras import LabWorkbookCallback

    return closing(LabWorkbookCallback)


def fit(model: Any, *callbacks: Any, **more: Any) -> Any:
    given: dict[str, Any] = {"epochs": 3, "batch_size": 4, "verbose": 0, **more}
    return model.fit(INPUTS, 2 * INPUTS, callbacks=list(callbacks), **given)


def test_it_records_the_history(model, callback, recorded):
    """
    Number for number, and goes on where a second fit begins; a test comes after it.
    """
    recorder = callback()
    history = fit(model, recorder, validation_split=0.25).history
    second = fit(model, recorder, validation_split=0.25, epochs=4, initial_epoch=3).history
    scores = model.evaluate(INPUTS, INPUTS, callbacks=[recorder], verbose=0, return_dict=True)

    (experiment,) = recorded()
    rows = experiment["metrics.csv"]
    for name, values in history.items():
        assert rows[name].tolist() == [*values, *second[name]]
    assert rows["epoch"].tolist() == [0, 1, 2, 3]
    assert rows.index.tolist() == [6, 12, 18, 24]
    assert experiment["metrics-2.csv"].test_loss.tolist() == [scores["loss"]]


def test_it_saves_what_the_model_is(model, callback, recorded):
    fit(model, callback())

    (experiment,) = recorded()
    assert experiment["options.json"]["loss"] == "mse"
    assert experiment["options.json"]["optimizer"]["config"]["learning_rate"] == 0.125
    assert experiment["model.json"]["class_name"] == "Sequential"
    assert "Source.git-current-commit" in experiment.list_artifacts()


def test_batches_are_recorded_if_wanted(model, callback, recorded):
    """
    Every third, over the border of an epoch; all of an epoch are 8.
    """
    fit(model, callback(every_batches=3), epochs=2)

    rows = recorded()[0]["metrics.csv"]
    assert rows.index.tolist() == [3, 6, 9, 12, 15]
    assert list(rows.columns) == ["batch/loss", "batch/mae", "Date"]


def test_a_number_of_batches_below_one_is_a_mistake(callback):
    with pytest.raises(ValueError, match="at least 1"):
        callback(every_batches=0)


SCRIPT = """
import keras, numpy
from lab_workbook_writer.integrations.keras import LabWorkbookCallback

class Broken(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise ValueError("the loss is nan")

inputs = numpy.linspace(-1, 1, 32).reshape(-1, 1)
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(loss="mse")
recorder = LabWorkbookCallback()
def fit(*more):
    model.fit(inputs, inputs, verbose=0, callbacks=[recorder, *more])
def evaluate():
    model.evaluate(inputs, inputs, verbose=0, callbacks=[recorder])
"""


@pytest.mark.parametrize(
    ("stages", "outcome"),
    [
        ("fit()", "finished"),
        ("fit(); evaluate()", "finished"),
        ("evaluate()", "finished"),
        ("recorder.workbook", "ended"),
        ("try: fit(Broken())\nexcept ValueError: pass", "ended"),
        ("fit()\ntry: fit(Broken())\nexcept ValueError: pass", "ended"),
    ],
)
def test_the_outcome_is_how_keras_ended(run, recorded, stages, outcome):
    """
    The script closes nothing.
    """
    run("-c", SCRIPT + stages)

    assert [each.status for each in recorded()] == [outcome]


def test_a_closed_experiment_stops_no_training(model, callback, capsys):
    recorder = callback()
    recorder.workbook.close()

    assert len(fit(model, recorder).history["loss"]) == 3

    assert "training goes on" in capsys.readouterr().err
