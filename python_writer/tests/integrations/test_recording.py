"""What every integration stands on: it opens late, and never stops a training."""

from __future__ import annotations

import copy
import pickle
import subprocess
from typing import Any

import lab_workbook
import pytest
from lab_workbook import ExperimentRepository
from lab_workbook_writer.integrations.recording import Recording


@pytest.fixture
def recording(prefix: str) -> Any:
    """An experiment that is not open yet."""
    made = Recording(bucket_prefix=prefix, capture=False)
    yield made
    made.close()


def experiment(prefix: str) -> Any:
    return ExperimentRepository(prefix)[-1]


def test_it_opens_when_it_is_needed(recording, prefix, tmp_path):
    """
    So that a logger which is only made costs nothing.
    """
    recording.flush()
    assert not recording.is_open
    assert not (tmp_path / "runs").exists()

    recording.log({"loss": 0.5}, step=1)

    assert recording.is_open
    assert experiment(prefix)["metrics.csv"].loss.tolist() == [0.5]


def test_it_saves_the_state_of_the_source_once(prefix, tmp_path, monkeypatch):
    """
    With the environment, unless ``capture`` says no.
    """
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "First"]):
        subprocess.run(["git", *who, *words], check=True, cwd=tmp_path)
    monkeypatch.chdir(tmp_path)
    recording = Recording(bucket_prefix=prefix)

    recording.log({"loss": 0.5}, step=1)
    recording.close()

    saved = experiment(prefix).list_artifacts()
    assert {"Source.git-current-commit", "environment.json"} <= set(saved)


def test_an_open_workbook_stays_open(workbook, home_of):
    """
    It is its owner's to close, and to capture what it wants.
    """
    recording = Recording(workbook)

    recording.log({"loss": 0.5}, step=1)
    recording.close()
    workbook.save_text("remark.txt", "still open")

    assert {path.name for path in home_of(workbook).iterdir()} == {
        ".lab-workbook",
        "metrics.csv",
        "remark.txt",
    }


def test_a_workbook_with_settings_is_a_mistake(workbook):
    with pytest.raises(TypeError, match="note"):
        Recording(workbook, note="none")


def test_what_is_wrong_with_settings_is_raised():
    """
    Before the first step: whoever asked for a record should know that there will be none.
    """
    with pytest.raises(lab_workbook.ConfigurationError):
        Recording(bucket_prefix="ftp://nowhere/").open()


def test_what_no_row_can_hold_is_left_out_and_said_once(recording, prefix, capsys):
    for step in range(3):
        recording.log({"loss": 0.5, "image": [[1]], "Date": 7, "step": step, "": 1}, step=step)
        recording.log({"loss": 0.5, "image": [[1]], "Date": 7, "step": step}, step=step)

    rows = experiment(prefix)["metrics.csv"]
    assert rows["Date_"].tolist() == [7, 7, 7]
    assert rows["step_"].tolist() == [0, 1, 2]
    said = capsys.readouterr().err
    assert said.count("'image' is no number") == 1
    assert said.count("a row of metrics could not be recorded") == 1


def test_no_series_is_begun_for_what_has_no_place_in_one(recording, prefix):
    """
    There are only so many.
    """
    recording.log({"loss": 0.5, "image": [[1]]}, step=1)

    assert experiment(prefix).list_artifacts() == ["metrics.csv"]
    assert experiment(prefix)["metrics.csv"].loss.tolist() == [0.5]


def test_a_row_that_is_not_like_those_before_keeps_what_it_can(recording, prefix):
    recording.log({"loss": 0.5, "norm": 1.5}, step=1)
    recording.log({"loss": 0.25, "norm": [1, 2]}, step=2)
    recording.log({"loss": 0.125, "norm": 0.5}, step=3)

    metrics = experiment(prefix).metrics()

    assert metrics.loss.tolist() == [0.5, 0.25, 0.125]
    assert metrics.norm.dropna().tolist() == [1.5, 0.5]


def test_nothing_is_raised_when_recording_fails(recording, capsys):
    """
    Whatever it is: here the experiment is closed already. It is said once.
    """
    recording.open().close()

    for step in range(3):
        recording.log({"loss": 0.5}, step=step)
        recording.save_options({"rate": 0.1})
        recording.save_checkpoint("/nowhere/at all.pt")
        recording.flush()
    recording.close()

    said = capsys.readouterr().err.splitlines()
    # `flush` after the end is no mistake.
    assert len(said) == 3
    assert all("training goes on" in line for line in said)


def test_an_error_of_any_kind_stays_inside(recording, capsys):
    """
    Also one that no rule speaks of, as an object that fails when it is looked at.
    """

    class Broken(dict[str, Any]):
        def items(self) -> Any:
            raise ZeroDivisionError("broken")

        keys = __iter__ = __contains__ = items

    recording.log(Broken(), step=1)
    recording.save_options(Broken(a=1))

    assert capsys.readouterr().err.count("ZeroDivisionError: broken") == 2


def test_ctrl_c_is_no_fault_of_recording(recording):
    with pytest.raises(KeyboardInterrupt), recording.going_on("this"):
        raise KeyboardInterrupt


def test_options_add_up(recording, prefix):
    """
    A framework gives them piece by piece; what has no rule is told as a text.
    """
    recording.save_options({"rate": 0.1, "layers": 3})
    recording.save_options({"rate": 0.2, 7: max})

    assert experiment(prefix)["options.json"] == {"rate": 0.2, "layers": 3, "7": "builtins.max"}


def test_a_checkpoint_is_a_file_or_a_folder(recording, prefix, tmp_path):
    folder = tmp_path / "checkpoint-3"
    (folder / "inner").mkdir(parents=True)
    (folder / "weights").write_bytes(b"1")
    (folder / "inner" / "state").write_bytes(b"2")

    recording.save_checkpoint(folder)
    recording.save_checkpoint(folder / "weights")

    found = [name for name in experiment(prefix).list_artifacts() if name.startswith("checkpoints/")]
    assert found == [
        "checkpoints/checkpoint-3/inner/state",
        "checkpoints/checkpoint-3/weights",
        "checkpoints/weights",
    ]


def test_an_error_is_the_outcome(recording, prefix):
    recording.open()

    recording.close(RuntimeError("the loss is nan"))

    assert experiment(prefix).status == "failed"


def test_the_end_that_a_framework_reports_is_the_outcome_of_a_trial(recording, prefix):
    """
    The next one begins without a close. A training whose end is not reported has not finished.
    """
    for report in (
        recording.report_end,
        lambda: recording.report_end(RuntimeError("the loss is nan")),
        lambda: (recording.report_end(), recording.report_start()),
    ):
        recording.open()
        report()
        recording.reopen()

    found = sorted(each.status for each in ExperimentRepository(prefix))
    assert found == ["ended", "failed", "finished"]


def test_a_workbook_that_is_not_ours_is_its_owners_to_end(workbook):
    """
    What a framework reports changes nothing.
    """
    Recording(workbook).report_end()

    assert workbook.watch.unasked().outcome == "ended"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_of_an_open_one_is_silent(recording, prefix, tmp_path, capsys, copied):
    """
    Frameworks send their objects to other processes; the experiment stays with the one that opened it.
    """
    recording.log({"loss": 0.5}, step=1)

    other = copied(recording)
    other.log({"loss": 0.25}, step=2)
    other.save_options({"rate": 0.1})
    other.close()
    recording.log({"loss": 0.125}, step=3)

    assert len(list((tmp_path / "runs").iterdir())) == 1
    assert experiment(prefix)["metrics.csv"].loss.tolist() == [0.5, 0.125]
    assert experiment(prefix).status == "running"
    assert capsys.readouterr().err.count("this is a copy") == 1


def test_a_copy_of_one_that_is_not_open_is_as_good(recording, prefix):
    """
    As where a framework starts its processes before it trains.
    """
    other = pickle.loads(pickle.dumps(recording))
    other.log({"loss": 0.25}, step=2)
    other.close()

    assert experiment(prefix)["metrics.csv"].loss.tolist() == [0.25]


def test_the_next_run_is_an_experiment_of_its_own(recording, prefix):
    recording.save_options({"rate": 0.1})
    recording.reopen()
    recording.save_options({"layers": 3})
    recording.close()

    found = [each["options.json"] for each in ExperimentRepository(prefix)[:]]
    assert sorted(map(str, found)) == ["{'layers': 3}", "{'rate': 0.1}"]


def test_a_fault_of_the_machine_is_counted(recording, prefix, capsys):
    """
    As one that comes in a verb of the workbook; what a framework gives wrongly is only warned of.
    """
    recording.log({"loss": 0.5}, step=1)

    with recording.going_on("a picture"):
        raise OSError(24, "Too many open files")
    with recording.going_on("another picture"):
        raise ValueError("an image has 1 to 4 channels")
    recording.close()

    said = capsys.readouterr().err
    assert experiment(prefix).end["lost"]["artifacts"] == 1
    assert "an artifact was lost (a picture: [Errno 24] Too many open files)" in said
    assert "another picture could not be recorded (ValueError: an image has 1 to 4 channels)" in said
