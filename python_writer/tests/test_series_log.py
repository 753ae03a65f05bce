"""Time-series logs: what is called in the training loop, and what is in the file then."""

import csv
import datetime as dt
import io
import math
import threading
from collections import OrderedDict
from types import MappingProxyType

import lab_workbook
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook import InvalidName, InvalidRow, InvalidSeries, InvalidValue


@pytest.fixture
def rows_of(workbook, home_of):
    """The rows of a series, without its header and its dates."""

    def rows(name="loss.csv"):
        lines = (home_of(workbook) / name).read_text().splitlines()
        return [line.rpartition(",")[0] for line in lines[1:]]

    return rows


def test_a_row_is_a_call_with_the_names_of_its_fields(workbook, rows_of):
    """
    As keywords, in any order.
    """
    log = workbook.new_time_series_log("loss", ["epoch", "loss"])

    log(loss=0.25, epoch=1)

    assert rows_of() == ["1,0.25"]


def test_a_row_can_be_a_mapping_where_a_name_is_no_keyword(workbook, rows_of):
    """
    A dictionary, or anything that is one in spirit; more keywords may follow.
    """
    log = workbook.new_time_series_log("loss", ["epoch", "training loss"])

    log({"epoch": 1, "training loss": 0.5})
    log(OrderedDict({"training loss": 0.25}), epoch=2)
    log(MappingProxyType({"epoch": 3}))

    assert rows_of() == ["1,0.5", "2,0.25", "3,nil"]


def test_a_field_left_out_is_missing(workbook, rows_of):
    """
    The cell is ``nil``, and so is None.
    """
    log = workbook.new_time_series_log("loss", ["epoch", "loss", "norm"])

    log(epoch=1)
    log(epoch=2, loss=None)
    log()

    assert rows_of() == ["1,nil,nil", "2,nil,nil", "nil,nil,nil"]


def test_a_field_that_is_not_there_is_named_beside_those_that_are(workbook, rows_of):
    """
    A misspelt name must not make a column of holes; nothing is written.
    """
    log = workbook.new_time_series_log("loss", ["epoch", "loss"])

    for row in ({"epoch": 1, "los": 0.5}, {"los": 1}, {"epoch": 1, "loss": 2, "los": 3}):
        with pytest.raises(InvalidRow, match=r"no field 'los'; it has: epoch, loss \(rule series.row\)"):
            log(**row)

    assert rows_of() == []


def test_a_series_of_one_field_is_no_special_case(workbook, rows_of):
    """
    It takes and refuses the same.
    """
    log = workbook.new_time_series_log("loss", ["loss"])

    log(loss=1)
    log()
    with pytest.raises(InvalidRow, match="no field 'x'"):
        log(loss=1, x=2)

    assert rows_of() == ["1", "nil"]


@pytest.mark.parametrize("row", [None, 5, "epoch", [1, 2], ("epoch", 1)])
def test_a_row_that_is_no_table_is_refused(workbook, row):
    """
    The message shows what a row looks like.
    """
    log = workbook.new_time_series_log("loss", ["epoch"])

    with pytest.raises(InvalidRow, match=r"such as \{'epoch': 1\}"):
        log(row)


def test_a_field_given_twice_is_refused(workbook):
    """
    Which of the two was meant, nobody knows.
    """
    log = workbook.new_time_series_log("loss", ["epoch"])

    with pytest.raises(InvalidRow, match="'epoch' twice"):
        log({"epoch": 1}, epoch=2)


@pytest.mark.parametrize("value", [b"bytes", dt.date(2016, 2, 12), np.zeros(3), object(), [1], 1j])
def test_a_value_without_a_rule_writes_nothing(workbook, rows_of, value):
    """
    It is refused with its type and what is possible, and the series goes on.
    """
    log = workbook.new_time_series_log("loss", ["epoch", "loss"])

    with pytest.raises(InvalidValue, match=r"series.value"):
        log(epoch=1, loss=value)
    log(epoch=2, loss=0.5)

    assert rows_of() == ["2,0.5"]


def test_scalars_of_numpy_are_the_numbers_they_hold(workbook, rows_of):
    """
    So are arrays of one element, which is what a tensor of a loss is.
    """
    log = workbook.new_time_series_log("loss", ["a", "b", "c", "d"])

    log(a=np.float64(0.1), b=np.int64(7), c=np.bool_(True), d=np.array(2.5))
    log(a=np.float32(0.1), b=np.array([3]), c=np.str_("x"), d=np.uint64(2**64 - 1))

    assert rows_of() == ["0.1,7,true,2.5", '0.10000000149011612,3,"x",1.8446744073709552e+19']


cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
)


def spelled(cell):
    """The text of a cell that is not a text."""
    if cell is None:
        return "nil"
    return str(cell).lower() if isinstance(cell, bool) else repr(cell)


@given(rows=st.lists(st.tuples(cells, cells, cells), max_size=8))
def test_every_cell_reads_back_as_it_went(tmp_path_factory, rows):
    """
    Text quoted and everything else not, so that no text is ever taken for a number.
    """
    folder = tmp_path_factory.mktemp("runs")
    with lab_workbook.new_experiment(bucket_prefix=folder) as workbook:
        log = workbook.new_time_series_log("all", ["x", "y", "z"])
        for x, y, z in rows:
            log(x=x, y=y, z=z)
    text = (folder / workbook.tag / "all.csv").read_bytes().decode()

    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))

    assert read[0] == ["x", "y", "z", "Date"]
    assert [row[:3] for row in read[1:]] == [
        [cell if isinstance(cell, str) else spelled(cell) for cell in row] for row in rows
    ]
    for row in rows:
        for cell in row:
            if isinstance(cell, float):
                back = float(spelled(cell))
                assert back == cell or math.isnan(cell)


def test_each_row_ends_with_its_time_in_utc(workbook, home_of):
    """
    To the second, as the rule says.
    """
    log = workbook.new_time_series_log("loss", ["epoch"])
    before = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)

    log(epoch=1)

    cell = (home_of(workbook) / "loss.csv").read_text().splitlines()[1].split(",")[1]
    date = dt.datetime.strptime(cell, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.timezone.utc)
    assert before <= date <= dt.datetime.now(dt.timezone.utc)


def test_what_the_rules_must_mend_is_said_once_and_counted(workbook, rows_of, capsys):
    """
    Half a character, NUL, an integer of 65 bits: the data's fault, and no reason to stop a training.
    """
    log = workbook.new_time_series_log("loss", ["a", "b"])
    capsys.readouterr()

    for _ in range(3):
        log(a="half \udc80, \0", b=2**64)

    assert rows_of() == ['"half \ufffd, \ufffd",1.8446744073709552e+19'] * 3
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "U+FFFD" in said[0]
    assert "64 bits" in said[1]


def test_the_header_quotes_only_where_it_must(workbook, home_of):
    """
    Names with commas, quotes and line feeds are names.
    """
    workbook.new_time_series_log("loss", ["step", "a,b", 'say "x"', "two\nlines", " wide "])

    assert (home_of(workbook) / "loss.csv").read_bytes() == (
        b'step,"a,b","say ""x""","two\nlines"," wide ",Date\n'
    )


def test_the_fields_are_copied(workbook, home_of):
    """
    One list may serve two logs, and may change afterwards.
    """
    fields = ["epoch", "loss"]
    first = workbook.new_time_series_log("training", fields)
    workbook.new_time_series_log("test", fields)
    fields.append("norm")

    first(epoch=1)

    assert (home_of(workbook) / "test.csv").read_text() == "epoch,loss,Date\n"
    assert (home_of(workbook) / "training.csv").read_text().startswith("epoch,loss,Date\n1,nil,")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ([], "at least one"),
        ("epoch", "a list of texts, not str"),
        (None, "a list of texts"),
        ({"epoch": 1}, "a list of texts"),
        (["epoch", "Date"], "'Date' is added by the workbook"),
        (["epoch", "epoch"], "'epoch' is there twice"),
        (["epoch", ""], "is empty"),
        (["epoch", 3], "is a int, not a text"),
        (["\udc80"], "not valid UTF-8"),
    ],
)
def test_fields_that_cannot_head_a_table_are_refused(workbook, home_of, fields, why):
    """
    At once, with the rule, and without leaving a file.
    """
    with pytest.raises(InvalidSeries, match=why) as refused:
        workbook.new_time_series_log("loss", fields)

    assert refused.value.rule == "series.fields"
    assert not (home_of(workbook) / "loss.csv").exists()


@pytest.mark.parametrize("save_every", [0, -1, 2.5, 2.0, True, "2", [1]])
def test_save_every_is_a_whole_number_of_at_least_one(workbook, save_every):
    """
    0 and 2.5 once meant never, and without a word.
    """
    with pytest.raises(InvalidSeries, match="whole number of at least 1") as refused:
        workbook.new_time_series_log("loss", ["epoch"], save_every=save_every)

    assert refused.value.rule == "series.save-every"


def test_save_every_may_come_from_numpy(workbook):
    """
    It is often computed from a batch size.
    """
    workbook.new_time_series_log("loss", ["epoch"], save_every=np.int64(100))


def test_a_series_is_opened_once(workbook):
    """
    Two writers of one file would be two half files.
    """
    workbook.new_time_series_log("loss", ["epoch"])

    with pytest.raises(InvalidSeries, match=r"'loss.csv' is there already.*series.once"):
        workbook.new_time_series_log("loss", ["epoch"])


def test_a_series_does_not_replace_a_file(workbook):
    """
    Nor the other way round.
    """
    workbook.save_text("table.csv", "a,b\n")

    with pytest.raises(InvalidSeries, match=r"series.once"):
        workbook.new_time_series_log("table", ["epoch"])


def test_a_name_that_no_file_can_have_is_refused(workbook):
    """
    Before any file is made.
    """
    with pytest.raises(InvalidName, match=r"name.parts"):
        workbook.new_time_series_log("../loss", ["epoch"])


def test_threads_may_log_at_once(workbook, rows_of):
    """
    Every row arrives, whole.
    """
    log = workbook.new_time_series_log("loss", ["who", "step", "note"])

    def train(who):
        for step in range(300):
            log(who=who, step=step, note="x" * 100)

    threads = [threading.Thread(target=train, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    note = '"' + "x" * 100 + '"'
    assert sorted(rows_of()) == sorted(f"{who},{step},{note}" for who in range(4) for step in range(300))


def test_a_closed_series_says_so(workbook):
    """
    What end.json lists never changes.
    """
    log = workbook.new_time_series_log("loss", ["epoch"])
    workbook.close()

    with pytest.raises(lab_workbook.Misuse, match=r"is closed.*end.last"):
        log(epoch=1)
