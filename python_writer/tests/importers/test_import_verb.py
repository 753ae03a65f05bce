"""The command ``lab-workbook import``: each run once, what went wrong said, and the right exit code."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from lab_workbook import ExperimentRepository, cli
from lab_workbook_writer import importers
from lab_workbook_writer.workbook import Workbook

from python_writer.tests.importers.conftest import FIXTURES

TREE = FIXTURES / "mlruns"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command, with experiments in a folder of their own."""
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", str(tmp_path / "runs"))
    return lambda *words: CliRunner().invoke(cli.main, ["import", *map(str, words)])


def test_every_kind_is_offered():
    """
    The verb keeps its own list, so that --help loads none of them.
    """
    from lab_workbook.cli import import_

    assert sorted(importers.KINDS) == list(import_._KINDS)


def test_a_tree_is_imported_once(run, tmp_path):
    """
    A second time adds what is new, and says what is there.
    """
    first, second = run("mlflow", TREE), run("mlflow", TREE)

    assert first.exit_code == second.exit_code == 0
    assert first.stdout.splitlines() == [
        "202311142215-oBGHYIcK7n  imported  digits/second  0 series, 0 rows",
        "202311142213-ocJRW1D3sD  imported  digits/first try  2 series, 6 rows",
    ]
    assert second.stdout.count("there already") == 2
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_json_is_all_that_stands_on_stdout(run):
    """
    Where the writer says what it makes.
    """
    done = run("tensorboard", FIXTURES / "tensorboard/x/h", "--json", "--note", "mine")

    (line,) = json.loads(done.stdout)
    assert line == {
        "tag": line["tag"],
        "name": "h",
        "status": "imported",
        "series": 1,
        "rows": 1,
        "leftOut": {},
        "problems": [],
    }
    assert ExperimentRepository()[line["tag"]].note == "mine (imported from tensorboard: h)"


def test_a_rank_of_a_distributed_training_imports_as_well(run, monkeypatch):
    """
    Where `new_experiment` would leave the experiment to rank 0.
    """
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")

    assert run("optim-logger", FIXTURES / "optim/test.log", "--tag", "mine").exit_code == 0
    assert len(ExperimentRepository()["mine"]["metrics.csv"]) == 4


def test_a_tag_of_ones_own_is_for_one_run(run):
    good = run("optim-logger", FIXTURES / "optim/test.log", "--tag", "mine")
    again = run("optim-logger", FIXTURES / "optim/test.log", "--tag", "mine")
    bad = run("mlflow", TREE, "--tag", "mine")

    assert good.stdout == "mine  imported  test.log  1 series, 4 rows\n"
    assert again.stdout == "mine  there already  test.log\n"
    assert (good.exit_code, again.exit_code, bad.exit_code) == (0, 0, 2)
    assert "--tag names one experiment, and 2 runs are in" in bad.stderr


def test_a_run_that_cannot_be_read_is_told_and_the_others_come(run, source):
    """
    With the exit code for a problem.
    """
    (source / "mlruns/993485857127020088/244a85a472a143aa99f58d38753c4dea/meta.yaml").write_text("[")

    done = run("mlflow", source)

    assert done.exit_code == 1
    assert "  imported  digits/first try" in done.stdout
    assert "  failed  244a85a472a143aa99f58d38753c4dea" in done.stdout
    assert "is no YAML that can be read" in done.stderr
    assert len(list(ExperimentRepository())) == 1


def test_damage_is_told_with_the_exit_code_for_a_problem(run, source):
    path = source / "tensorboard/tf2/train/events.out.tfevents.1795441248.vm.29992.0"
    path.write_bytes(path.read_bytes()[:-3] + b"xxx")

    done = run("tensorboard", path.parent)

    assert done.exit_code == 1
    assert "imported  train  1 series, 2 rows" in done.stdout
    assert "Warning: train: events.out" in done.stderr


def test_an_import_that_was_cut_short_is_not_taken_for_whole(run, monkeypatch):
    """
    It says what to do; nothing is overwritten.
    """
    with monkeypatch.context() as patch:
        patch.setattr(Workbook, "save_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run("mlflow", TREE).exit_code == 1

    done = run("mlflow", TREE)

    assert done.exit_code == 1
    assert "its import was cut short, it is interrupted: delete file://" in done.stderr
    assert done.stdout.count("imported") == 1


def test_rows_that_the_disk_did_not_take_are_told(run, monkeypatch):
    from lab_workbook_writer.append_file import AppendFile

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AppendFile, "append", full)

    done = run("optim-logger", FIXTURES / "optim/test.log", "--tag", "mine")

    assert done.exit_code == 1
    assert "4 rows were lost" in done.stderr


def test_what_cannot_be_done_is_one_line(run, tmp_path, monkeypatch):
    """
    And makes no experiment.
    """
    nothing, missing = run("wandb", tmp_path), run("wandb", tmp_path / "missing")
    monkeypatch.setenv("LAB_WORKBOOK_DISABLED", "1")
    off = run("mlflow", TREE)

    assert (nothing.exit_code, missing.exit_code, off.exit_code) == (1, 2, 1)
    assert nothing.stderr.startswith("Error: there is no run of W&B")
    assert "does not exist" in missing.stderr
    assert "switched off by LAB_WORKBOOK_DISABLED" in off.stderr
    assert not (tmp_path / "runs").exists()


def test_names_of_strangers_cannot_move_the_cursor(run, source):
    folder = source / "tensorboard/x/h"
    folder.rename(folder.parent / "\x1b[31m")

    done = run("tensorboard", source / "tensorboard")

    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert r"x/\x1b[31m" in done.stdout


@pytest.mark.s3
def test_into_a_bucket(run, bucket_prefix):
    """
    Each run once there, too.
    """
    first = run("optim-logger", FIXTURES / "optim/test.log", "--prefix", bucket_prefix)
    second = run("optim-logger", FIXTURES / "optim/test.log", "--prefix", bucket_prefix)

    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert "there already" in second.stdout
    (experiment,) = ExperimentRepository(bucket_prefix)
    assert len(experiment["metrics.csv"]) == 4
