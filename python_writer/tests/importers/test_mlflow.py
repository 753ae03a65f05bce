"""A tree of MLflow, as its own client wrote it, and as a stranger might."""

from __future__ import annotations

import math
import os

import pytest
from lab_workbook.errors import Unreadable
from lab_workbook_writer import importers

from python_writer.tests.importers.conftest import FIXTURES

TREE = FIXTURES / "mlruns"
RUN = "993485857127020088/2780c8a19bdf4a338cbf75f6efa0cdea"
FIRST = "digits/first try"


def test_each_run_becomes_an_experiment(imported):
    """
    With its metrics, their times, its parameters with their types, its tags and its artifacts.
    """
    runs = imported("mlflow", TREE)

    assert sorted(runs) == [FIRST, "digits/second"]
    run = runs[FIRST]
    table = run["metrics.csv"]
    assert table["loss"].tolist() == pytest.approx([1, 0.1, 1 / 3, math.nan, math.inf], abs=0, nan_ok=True)
    assert table["val/accuracy"].tolist() == [1 / 3, 1 / 4, 1 / 5, 1 / 6, 1 / 7]
    assert table["wall time"].tolist() == [1700000001 + step / 1000 for step in range(5)]
    assert run["metrics-2.csv"]["once"].to_dict() == {-1: 7.0}
    assert run["params.json"] == {"lr": 0.1, "model/kind": "resnet"}
    assert run["tags.json"]["mlflow.note.content"] == "half the\nrate"
    assert run["artifacts/plots/curve.txt"] == "a curve\n"


def test_where_it_comes_from_is_told(imported):
    runs = imported("mlflow", TREE)

    origin = runs[FIRST]["import.json"]
    assert origin["run"] == RUN.partition("/")[2]
    assert (origin["started"], origin["ended"]) == (1700000000.123, 1700000003.0)
    assert [runs[name]["import.json"]["status"] for name in sorted(runs)] == ["finished", "failed"]
    assert runs[FIRST].tag.startswith("202311142213-")
    assert runs[FIRST].note == "imported from mlflow: digits/first try"
    assert runs["digits/second"].list_artifacts() == ["import.json", "tags.json"]


@pytest.mark.parametrize("inside", ["", RUN.partition("/")[0], RUN])
def test_a_run_has_one_tag_from_wherever_it_is_seen(inside):
    found = {each.name: each.tag for each in importers.find("mlflow", str(TREE / inside))}

    assert found[FIRST] == "202311142213-ocJRW1D3sD"


def test_deleted_runs_stay_where_they_are(source):
    meta = source / "mlruns" / RUN / "meta.yaml"
    meta.write_text(meta.read_text().replace("active", "deleted"))

    assert [each.name for each in importers.find("mlflow", str(source))] == ["digits/second"]


def test_links_are_not_followed(source, tmp_path, imported):
    """
    Neither to files nor to folders, whose bytes are those of whoever imports.
    """
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "mine").write_text("1700000001000 42.0 0\n")
    run = source / "mlruns" / RUN
    (run / "artifacts/copy").symlink_to(secret / "mine")
    (run / "artifacts/all").symlink_to(secret)
    (run / "metrics/mine").symlink_to(secret / "mine")
    (run / "params/mine").symlink_to(secret / "mine")
    os.mkfifo(run / "artifacts/pipe")

    experiment = imported("mlflow", run)[FIRST]

    assert experiment["import.json"]["leftOut"] == {"links": 5}
    assert "mine" not in experiment.metrics()
    assert "mine" not in experiment["params.json"]
    assert [name for name in experiment.list_artifacts() if name.startswith("artifacts")] == [
        "artifacts/plots/curve.txt"
    ]


def test_a_folder_that_is_a_link_is_no_folder(source, tmp_path, imported):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/loss").write_text("1 42 0\n")
    run = source / "mlruns" / RUN
    for kind in ("metrics", "artifacts"):
        (run / kind).rename(run / f"{kind}-before")
        (run / kind).symlink_to(tmp_path / "elsewhere")

    experiment = imported("mlflow", run)[FIRST]

    assert experiment.list_artifacts() == ["import.json", "params.json", "tags.json"]


def test_names_that_no_artifact_has_are_changed_or_left_out(source, imported):
    """
    And two that would be one on some file system are not mixed.
    """
    artifacts = source / "mlruns" / RUN / "artifacts"
    for name in ("a\nb", " c. ", "Plot.txt", "plot.txt"):
        (artifacts / name).write_text(name)

    experiment = imported("mlflow", source / "mlruns" / RUN)[FIRST]

    origin = experiment["import.json"]
    assert origin["files"]["artifacts/a_b"] == "artifacts/a\nb"
    assert experiment.read_checked("artifacts/c") == b" c. "
    assert origin["leftOut"] == {"files": 1}
    assert "differ only in letter case" in origin["problems"][0]


def test_secrets_stay_out(source, imported):
    """
    Parameters by their names, and files that hold nothing else.
    """
    run = source / "mlruns" / RUN
    (run / "params/api_key").write_text("0123456789abcdef")
    (run / "artifacts/.env").write_text("PASSWORD=hunter2")

    experiment = imported("mlflow", run)[FIRST]

    assert experiment["params.json"]["api_key"] == "[redacted]"
    assert "artifacts/.env" not in experiment
    assert experiment["import.json"]["leftOut"] == {"secrets": 1, "secret files": 1}


@pytest.mark.parametrize("line", ["x", "1 2 3.5", "1700000001000", "1 1 " + "9" * 30, "\x00"])
def test_a_line_that_is_no_value_is_told(source, imported, line):
    """
    With what stands before it imported.
    """
    with open(source / "mlruns" / RUN / "metrics/once", "a") as file:
        file.write(f"\n{line}\n")

    experiment = imported("mlflow", source / "mlruns" / RUN)[FIRST]

    assert experiment["metrics-2.csv"]["once"].tolist() == [7.0]
    assert experiment["import.json"]["problems"] == ["once: line 2 is no value, and what follows is left out"]


def test_lines_with_a_data_set_behind_them_have_their_step(source, imported):
    (source / "mlruns" / RUN / "metrics/once").write_text("1700000001000 0.5 17 digits 2780c8a1\n")

    assert imported("mlflow", source / "mlruns" / RUN)[FIRST]["metrics-2.csv"]["once"].to_dict() == {17: 0.5}


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nrun_id: [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "it has aliases"),
        ("run_id: !!python/object/apply:os.system ['touch /tmp/x']\n", "could not determine a constructor"),
        ("run_id: !!binary aGVsbG8=\n", "could not determine a constructor"),
        ("- 1\n", "holds no table"),
        ("run_id: [\n", "is no YAML that can be read"),
        ("x" * (1 << 20) + "x", "has more than 1048576 bytes"),
    ],
)
def test_a_run_that_cannot_be_read_does_not_hide_the_others(source, text, why):
    """
    And nothing in it is run.
    """
    (source / "mlruns" / RUN / "meta.yaml").write_text(text)

    found = {each.name: each for each in importers.find("mlflow", str(source))}

    assert "digits/second" in found
    with pytest.raises(Unreadable, match=why):
        found[RUN.partition("/")[2]].load()


def test_times_that_no_calendar_has_are_the_beginning_of_1970(source):
    meta = source / "mlruns" / RUN / "meta.yaml"
    for time in ("9" * 400, ".nan", "-5", "hello", "1e300", "true"):
        meta.write_text(f"run_id: abc\nstart_time: {time}\nend_time: {time}\n")

        (found,) = importers.find("mlflow", str(meta.parent))

        assert found.tag.startswith("197001010000-"), time
        assert found.load().origin["started"] == 0.0


def test_artifacts_that_look_like_runs_are_none(source):
    folder = source / "mlruns" / RUN / "artifacts/copy"
    folder.mkdir()
    (folder / "meta.yaml").write_text("run_id: abc\n")

    assert len(list(importers.find("mlflow", str(source)))) == 2


def test_where_there_is_nothing_it_is_said(tmp_path):
    with pytest.raises(Unreadable, match=r"no run of MLflow, a folder with meta\.yaml"):
        list(importers.find("mlflow", str(tmp_path)))
