"""A real Trainer of transformers, and a BERT of a few thousand weights."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def trainer(work: Any) -> Any:
    """Make a trainer with these callbacks; more arguments are those of the training."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    words = torch.randint(0, 32, (32, 8), generator=torch.Generator().manual_seed(1))
    data = [{"input_ids": each, "labels": each[0] % 2} for each in words]
    config = BertConfig(
        vocab_size=32, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )

    def make(*callbacks: Any, **more: Any) -> Any:
        given: dict[str, Any] = {"max_steps": 6, "logging_steps": 2, "save_strategy": "no"}
        given |= {"output_dir": str(work / "trained"), "use_cpu": True, "disable_tqdm": True, **more}
        return Trainer(
            model=BertForSequenceClassification(config),
            args=TrainingArguments(**given),
            train_dataset=data,
            eval_dataset=data,
            callbacks=list(callbacks),
        )

    return make


@pytest.fixture
def callback(closing: Any) -> Any:
    from lab_workbook_writer.integrations.transformers import LabWorkbookCallback

    return closing(LabWorkbookCallback)


def test_it_records_what_the_trainer_keeps(trainer, callback, recorded):
    """
    Each number of its own history, by its own steps; then the scores of an evaluation and of a prediction.
    """
    recorder = callback()
    training = trainer(recorder, eval_strategy="steps", eval_steps=3)

    training.train()
    training.evaluate()
    scores = training.predict(training.eval_dataset).metrics

    (experiment,) = recorded()
    rows = [
        each
        for name in experiment.list_artifacts()
        if name.startswith("metrics")
        for each in experiment[name].reset_index().drop(columns="Date").to_dict("records")
    ]
    history = [dict(each) for each in training.state.log_history]
    assert len(history) >= 6
    for each in [*history, {"step": 6, **scores}]:
        assert each in rows
    assert len(rows) == len(history) + 1


def test_it_saves_arguments_and_configuration(trainer, callback, recorded, capsys):
    """
    Without a word about tokens, which the trainer itself leaves out.
    """
    trainer(callback(), learning_rate=0.125, hub_token="hunter2").train()

    (experiment,) = recorded()
    assert "hub_token" not in experiment["options.json"]
    assert "secret" not in capsys.readouterr().err
    assert experiment["options.json"]["learning_rate"] == 0.125
    assert experiment["model.json"]["hidden_size"] == 8
    assert "Source.git-current-commit" in experiment.list_artifacts()


def test_checkpoints_are_copied_if_wanted(trainer, callback, recorded, work):
    for chosen in (True, False):
        trainer(callback(checkpoints=chosen, note=str(chosen)), save_strategy="steps", save_steps=3).train()

    none, kept = sorted(recorded(), key=lambda each: each.note)
    names = [name for name in kept.list_artifacts() if name.startswith("checkpoints/")]
    assert {name.split("/")[1] for name in names} == {"checkpoint-3", "checkpoint-6"}
    weights = "checkpoint-3/model.safetensors"
    assert kept[f"checkpoints/{weights}"].read_bytes() == (work / "trained" / weights).read_bytes()
    assert not [name for name in none.list_artifacts() if name.startswith("checkpoints/")]


def test_a_process_that_is_not_zero_records_nothing(trainer, callback, recorded):
    """
    As in a world of several.
    """
    training = trainer(callback())
    training.state.is_world_process_zero = False
    for event in ("on_log", "on_train_begin", "on_predict", "on_save", "on_train_end"):
        more = {"logs": {"loss": 1}} if event == "on_log" else {"metrics": {"loss": 1}}
        getattr(callback(), event)(training.args, training.state, training.control, **more)

    assert recorded() == []


def test_each_trial_of_a_search_is_an_experiment(trainer, callback, recorded):
    """
    The trainer begins anew with the same callback, and says that it searches.
    """
    recorder = callback()
    training = trainer(recorder)
    for number in range(2):
        training.state.is_hyper_param_search = True
        training.state.trial_name, training.state.trial_params = f"trial {number}", {"rate": number}
        recorder.on_train_begin(training.args, training.state, training.control, model=training.model)
        recorder.on_log(training.args, training.state, training.control, logs={"loss": number})
        recorder.on_train_end(training.args, training.state, training.control)

    first, second = sorted(recorded(), key=lambda each: each["options.json"]["trial"])
    assert (first["options.json"]["trial_params"], first.status) == ({"rate": 0}, "finished")
    assert second["metrics.csv"].loss.tolist() == [1]


def test_a_trial_that_raised_has_not_finished(trainer, callback, recorded):
    """
    The search catches the exception, and goes on with the next trial.
    """
    recorder = callback()
    training = trainer(recorder)
    training.state.is_hyper_param_search = True
    for _ in range(2):
        recorder.on_train_begin(training.args, training.state, training.control, model=training.model)

    assert sorted(each.status for each in recorded()) == ["ended", "running"]


SCRIPT = """
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
from lab_workbook_writer.integrations.transformers import LabWorkbookCallback

data = [{"input_ids": torch.arange(8), "labels": 0}] * 8
config = BertConfig(
    vocab_size=32, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
)
model, recorder = BertForSequenceClassification(config), LabWorkbookCallback()
args = TrainingArguments("trained", max_steps=2, use_cpu=True, save_strategy="no", report_to="none")
trainer = Trainer(model=model, args=args, train_dataset=data, eval_dataset=data, callbacks=[recorder])

def break_model():
    model.register_forward_pre_hook(lambda *_: 1 / 0)
"""


@pytest.mark.parametrize(
    ("stages", "outcome"),
    [
        ("trainer.train()", "finished"),
        ("trainer.train(); trainer.evaluate()", "finished"),
        ("trainer.evaluate()", "finished"),
        ("recorder.workbook", "ended"),
        ("break_model()\ntry: trainer.train()\nexcept ZeroDivisionError: pass", "ended"),
        ("trainer.train(); break_model()\ntry: trainer.train()\nexcept ZeroDivisionError: pass", "ended"),
    ],
)
def test_the_outcome_is_how_the_trainer_ended(run, recorded, stages, outcome):
    """
    The script closes nothing.
    """
    run("-c", SCRIPT + stages)

    assert [each.status for each in recorded()] == [outcome]


def test_a_closed_experiment_stops_no_training(trainer, callback, capsys):
    recorder = callback()
    recorder.workbook.close()
    training = trainer(recorder, save_strategy="steps", save_steps=3)

    training.train()

    assert training.state.global_step == 6
    assert "training goes on" in capsys.readouterr().err
