"""Flush and close: what is certain afterwards."""

import hashlib
import json

import lab_workbook
import pytest
from lab_workbook import Misuse


def test_flush_in_a_folder_has_arrived(workbook):
    """
    With a time or without one.
    """
    workbook.new_time_series_log("loss", ["epoch"])(epoch=1)
    workbook.save_text("a/b/c", "")

    assert workbook.flush() is True
    assert workbook.flush(5) is True
    assert workbook.flush(0) is True


def test_end_json_lists_every_file_with_its_checksum(workbook, home_of):
    """
    And nothing else lies in the folder.
    """
    workbook.save_json("options", {})
    workbook.new_time_series_log("sub/loss", ["epoch"])(epoch=1)

    workbook.close()

    home = home_of(workbook)
    end = json.loads((home / ".lab-workbook" / "end.json").read_bytes())
    there = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    assert there - set(end["files"]) == {".lab-workbook/end.json"}
    for name, facts in end["files"].items():
        data = (home / name).read_bytes()
        assert facts == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_a_second_close_does_nothing(workbook, home_of):
    """
    So a script may close what a ``with`` closes again.
    """
    workbook.close()
    first = (home_of(workbook) / ".lab-workbook" / "end.json").stat()
    workbook.close()

    assert (home_of(workbook) / ".lab-workbook" / "end.json").stat() == first


def test_flush_after_close_does_nothing(workbook):
    """
    A loop that flushes once more at its end is right, too.
    """
    assert workbook.close() is True

    assert workbook.flush() is True
    assert workbook.flush(1) is True


def test_a_close_that_could_not_store_everything_says_so_each_time(workbook, home_of, capfd):
    """
    A second close, or a flush, does not turn an end that could not be written into one that was.
    """
    (home_of(workbook) / ".lab-workbook" / "end.json").mkdir()

    answers = [workbook.close(), workbook.close(), workbook.flush(), workbook.flush(1)]

    assert answers == [False] * 4
    assert "could not be written" in capfd.readouterr().err


def test_a_refused_row_counts_nothing(workbook, home_of):
    """
    A text that was mended or redacted in a row which is refused afterwards was never written.
    """
    log = workbook.new_time_series_log("loss", ["note", "password", "loss"])
    secret = {"password": "correct horse battery"}
    for row in ({"note": "caf\udce9", "loss": [], **secret}, {"note": "a\0", "los": 1, **secret}):
        with pytest.raises(Misuse):
            log(row)
    with pytest.raises(Misuse):
        log.all_of([{"note": "a\0", "loss": 1, **secret}, {"note": "b", "loss": []}])
    log({"note": "a\0b", "loss": 1, **secret})
    workbook.close()

    home = home_of(workbook)
    lost = json.loads((home / ".lab-workbook" / "end.json").read_bytes())["lost"]
    assert (lost["texts"], lost["secrets"]) == (1, 1)
    assert len((home / "loss.csv").read_text().splitlines()) == 2


def test_a_closed_workbook_says_so(workbook):
    """
    Every verb does that would add something.
    """
    workbook.close()

    for verb in (
        lambda: workbook.save_json("options", {}),
        lambda: workbook.save_text("text", ""),
        lambda: workbook.save_file("file", __file__),
        lambda: workbook.save_torch("model", 1),
        lambda: workbook.save_t7("model", 1),
        workbook.save_git_status,
        lambda: workbook.new_time_series_log("loss", ["epoch"]),
    ):
        with pytest.raises(Misuse, match=rf"{workbook.tag} is closed.*end.last"):
            verb()


def test_losses_are_told(workbook, home_of, capsys):
    """
    A reader of the experiment may want to know that a caption was mended.
    """
    workbook.save_text("caption", "half \udc80")
    workbook.new_time_series_log("loss", ["n"])(n=2**70)
    workbook.close()

    end = json.loads((home_of(workbook) / ".lab-workbook" / "end.json").read_bytes())
    assert end["lost"] == {"rows": 0, "artifacts": 0, "texts": 1, "integers": 1, "secrets": 0}
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_folder_that_vanishes_stops_nothing(workbook, home_of, capsys):
    """
    It is warned of once for each kind of loss.
    """
    import shutil

    log = workbook.new_time_series_log("loss", ["epoch"])
    shutil.rmtree(home_of(workbook))
    (home_of(workbook)).write_text("a file in its place")
    for epoch in range(3):
        log(epoch=epoch)
        workbook.save_json("options", {})
    workbook.flush()
    workbook.close()

    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(set(said)) <= 5
    assert any("3 rows cannot be restored" in line for line in said)


def test_the_end_syncs_no_longer_than_exit_max(prefix, tmp_path, capsys):
    """
    What was not synced is reported once, and the experiment is complete.
    """
    workbook = lab_workbook.new_experiment(bucket_prefix=prefix, tag="T", exit_max=0.000001)
    for number in range(10):
        workbook.save_text(f"text-{number}", "x")

    assert workbook.close() is True

    told = capsys.readouterr().err
    assert told.count("might not survive a power loss") == 1
    assert "more files and folders would take longer than exitMax, which is 1e-06 s" in told
    end = json.loads((tmp_path / "runs/T/.lab-workbook/end.json").read_bytes())
    assert len(end["files"]) == 11
