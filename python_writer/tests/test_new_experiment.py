"""Starting an experiment: the tag, its claim, and what is said."""

import errno
import json
import os
import sys
import threading
from importlib.metadata import version

import lab_workbook
import pytest
from lab_workbook import InvalidTag, Misuse, TagTaken
from lab_workbook_writer import WRITER, __version__
from lab_workbook_writer import opening as writing


def test_the_tag_and_the_place_are_said_on_stdout(prefix, capsys):
    """
    In plain text, where stdout is no terminal.
    """
    workbook = lab_workbook.new_experiment(bucket_prefix=prefix)

    assert workbook.where == f"{prefix}{workbook.tag}/"
    assert capsys.readouterr().out == f"lab-workbook: experiment {workbook.tag} in {workbook.where}\n"
    workbook.close()


def test_a_terminal_gets_the_tag_in_colour(prefix, capsys, monkeypatch):
    """
    Unless ``NO_COLOR`` asks for none.
    """
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    lab_workbook.new_experiment(bucket_prefix=prefix, tag="red").close()
    monkeypatch.setenv("NO_COLOR", "1")
    lab_workbook.new_experiment(bucket_prefix=prefix, tag="grey").close()

    coloured, plain = capsys.readouterr().out.splitlines()

    assert "\x1b[1;32mred\x1b[0m" in coloured
    assert "\x1b" not in plain


def test_a_broken_stdout_stops_nothing(prefix, monkeypatch):
    """
    It is closed, or was never there, under some schedulers.
    """
    for stdout in (None, open(os.devnull)):  # noqa: SIM115 - closed below
        monkeypatch.setattr(sys, "stdout", stdout)
        lab_workbook.new_experiment(bucket_prefix=prefix).close()
        if stdout:
            stdout.close()
            lab_workbook.new_experiment(bucket_prefix=prefix).close()


def test_begin_json_says_who_writes(prefix, home_of):
    """
    The protocol, the writer, the process, and what the caller says of the experiment.
    """
    with lab_workbook.new_experiment(
        bucket_prefix=prefix, note="twice the momentum", resumes="older"
    ) as workbook:
        begin = json.loads((home_of(workbook) / ".lab-workbook" / "begin.json").read_bytes())

    assert begin["protocol"] == "lab-workbook 1.1"
    assert begin["writer"] == WRITER == f"lab-workbook-python {version('lab-workbook')}"
    assert __version__ == version("lab-workbook")
    assert begin["pid"] == os.getpid()
    assert (begin["tag"], begin["note"], begin["resumes"]) == (
        workbook.tag,
        "twice the momentum",
        "older",
    )


def test_a_tag_is_claimed_once(prefix):
    """
    The second experiment of the same tag is refused, and the first is not touched.
    """
    with lab_workbook.new_experiment(bucket_prefix=prefix, tag="baseline") as workbook:
        workbook.save_text("remarks.txt", "first")

        with pytest.raises(TagTaken, match=r"exists and is not empty.*tag.claim"):
            lab_workbook.new_experiment(bucket_prefix=prefix, tag="baseline")


def test_of_many_at_once_one_gets_the_tag(prefix):
    """
    Threads here, jobs of one array in life.
    """
    outcomes = []

    def claim():
        try:
            outcomes.append(lab_workbook.new_experiment(bucket_prefix=prefix, tag="same"))
        except TagTaken:
            outcomes.append(None)

    threads = [threading.Thread(target=claim) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (winner,) = [outcome for outcome in outcomes if outcome]
    winner.close()


def test_an_empty_folder_of_that_name_is_no_obstacle(prefix, tmp_path):
    """
    Some schedulers make the folder of a job beforehand.
    """
    (tmp_path / "runs" / "job-17").mkdir(parents=True)

    lab_workbook.new_experiment(bucket_prefix=prefix, tag="job-17").close()


@pytest.mark.parametrize("tag", ["", "a/b", "..", "x" * 129, "a\n", 5])
def test_a_tag_that_cannot_name_a_folder_is_refused(prefix, tmp_path, tag):
    """
    Before anything is written.
    """
    with pytest.raises(InvalidTag, match=r"tag.explicit"):
        lab_workbook.new_experiment(bucket_prefix=prefix, tag=tag)

    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_made_is_named_with_a_way_out(tmp_path):
    """
    A file stands where the folder should be, for one.
    """
    (tmp_path / "file").write_text("")

    with pytest.raises(
        lab_workbook.StoreError, match=r"file/runs/.*Not a directory.*LAB_WORKBOOK_BUCKET_PREFIX"
    ):
        lab_workbook.new_experiment(bucket_prefix=tmp_path / "file" / "runs")


@pytest.mark.parametrize("argument", ["note", "resumes"])
def test_a_note_is_a_text(prefix, argument):
    """
    A number would be refused by every reader's schema.
    """
    with pytest.raises(Misuse, match=f"{argument} is a text in UTF-8, not 5"):
        lab_workbook.new_experiment(bucket_prefix=prefix, **{argument: 5})


@pytest.mark.parametrize("resumes", ["a/b", "..", "", "x" * 129])
def test_what_is_resumed_is_named_by_a_tag(prefix, tmp_path, resumes):
    """
    Before anything is claimed.
    """
    with pytest.raises(InvalidTag, match=r"tag\.explicit"):
        lab_workbook.new_experiment(bucket_prefix=prefix, resumes=resumes)
    with pytest.raises(Misuse, match="'T' cannot resume itself"):
        lab_workbook.new_experiment(bucket_prefix=prefix, tag="T", resumes="T")

    assert list(tmp_path.iterdir()) == []


def test_an_experiment_that_is_not_there_cannot_be_stitched(prefix, capsys):
    """
    So a tag that was mistyped is said to be at once, in a folder; the training goes on.
    """
    with lab_workbook.new_experiment(bucket_prefix=prefix) as first:
        pass
    assert capsys.readouterr().err == ""

    lab_workbook.new_experiment(bucket_prefix=prefix, resumes=first.tag).close()
    assert capsys.readouterr().err == ""

    lab_workbook.new_experiment(bucket_prefix=prefix, resumes=first.tag[:-1]).close()
    assert f"'{first.tag[:-1]}', which this experiment resumes, is not in " in capsys.readouterr().err


def test_the_callers_random_numbers_are_left_alone(prefix):
    """
    Recording a run must not change it.
    """
    import random

    state = random.getstate()

    lab_workbook.new_experiment(bucket_prefix=prefix).close()

    assert random.getstate() == state


def test_a_file_system_without_links_will_do(prefix, monkeypatch):
    """
    FAT, and some network file systems.
    """

    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)

    lab_workbook.new_experiment(bucket_prefix=prefix, tag="usb").close()
    with pytest.raises(TagTaken):
        lab_workbook.new_experiment(bucket_prefix=prefix, tag="usb")


def test_every_verb_accepts_what_is_valid_and_does_nothing(tmp_path, monkeypatch, capsys):
    """
    A test suite of the user's sets one variable, and is rid of us.
    """
    monkeypatch.setenv("LAB_WORKBOOK_DISABLED", "1")
    monkeypatch.setitem(sys.modules, "torch", None)
    with lab_workbook.new_experiment(bucket_prefix=tmp_path / "runs") as workbook:
        assert writing.tags.check(workbook.tag)
        workbook.save_json("options", {})
        workbook.save_text("text", "")
        workbook.save_file("file", __file__)
        workbook.save_torch("model", 1)
        workbook.save_t7("model", 1)
        workbook.save_git_status()
        log = workbook.new_time_series_log("loss", ["epoch"])
        log(epoch=1)
        with pytest.raises(lab_workbook.InvalidRow):
            log(epoc=1)
        assert workbook.flush(1)

    assert capsys.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
