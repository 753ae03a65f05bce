"""Event files of TensorBoard, written by tensorboardX and by TensorBoard itself."""

from __future__ import annotations

import contextlib
import io
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_workbook.errors import Unreadable
from lab_workbook_writer import importers
from lab_workbook_writer.importers import tensorboard, tensors
from lab_workbook_writer.importers.crc32c import crc32c, masked
from lab_workbook_writer.importers.wire import Malformed

from python_writer.tests.importers.conftest import FIXTURES

X = FIXTURES / "tensorboard/x/events.out.tfevents.1795441248.vm"


def record(data):
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", masked(head)) + data + struct.pack("<I", masked(data))


def field(number, content):
    """Return a field of a message: bytes, an integer, or a float of 8 bytes."""
    if isinstance(content, bytes):
        return bytes([number << 3 | 2, len(content)]) + content
    if isinstance(content, float):
        return bytes([number << 3 | 1]) + struct.pack("<d", content)
    return bytes([number << 3, content])


def event(value, step=0):
    return record(field(1, 1700000000.0) + field(2, step) + field(5, field(1, value)))


@pytest.fixture
def values(tmp_path):
    """Write an event file of these events, and return what is read."""

    def values(*events):
        (tmp_path / "run.tfevents.1").write_bytes(b"".join(events))
        (found,) = importers.find("tensorboard", str(tmp_path))
        return found.load()

    return values


def test_every_scalar_comes_back_at_its_step(imported):
    """
    Also nan, infinity, and the steps that come twice; metrics of the same steps share a series.
    """
    runs = imported("tensorboard", FIXTURES / "tensorboard")

    assert list(runs) == ["tf2/train", "x", "x/h"]
    table = runs["x"]["metrics.csv"]
    assert table.index.tolist() == [0, 1, 2, 3, 4, 3]
    # float32, as they were written.
    loss = [1.0, 0.10000000149011612, 0.3333333432674408, math.nan, math.inf, 0.5]
    assert table["train/loss"].tolist() == pytest.approx(loss, abs=0, nan_ok=True)
    assert list(table.columns) == ["train/loss", "train/error", "wall time", "Date"]
    assert runs["x"]["metrics-2.csv"]["validation_loss"].tolist() == [0.25, 4.25]
    assert runs["tf2/train"]["metrics.csv"]["loss"].tolist() == [
        0.3333333432674408,
        0.25,
        0.20000000298023224,
    ]
    joined = runs["x"].metrics()
    assert joined.index.tolist() == [0, 1, 2, 3, 3, 4]
    assert joined["validation_loss"].dropna().tolist() == [0.25, 4.25]


def test_times_hyperparameters_and_texts_are_kept(imported):
    """
    And pictures are counted.
    """
    runs = imported("tensorboard", FIXTURES / "tensorboard")

    assert runs["x"]["metrics.csv"]["wall time"].iloc[0] == 1795441248.7837043
    assert runs["x/h"]["hparams.json"] == {"lr": 0.1, "model": "resnet", "nesterov": True}
    (remark,) = runs["x"]["texts.json"]["remarks/text_summary"]
    assert (remark["step"], remark["text"]) == (4, "the loss jumps")
    origin = runs["x"]["import.json"]
    assert origin["leftOut"] == {"histograms": 1, "images": 1}
    assert origin["sources"][0]["bytes"] == X.stat().st_size
    assert len(origin["sources"][0]["sha256"]) == 64
    assert runs["x"].note == "imported from tensorboard: x"


def test_a_tag_says_when_the_run_began_and_does_not_follow_its_place(source):
    """
    So that a run is imported once, wherever it has been moved to, and while it grows.
    """
    path = source / "tensorboard/x"
    tags = {each.name: each.tag for each in importers.find("tensorboard", str(source))}
    moved = path.rename(source / "elsewhere").rename(source / "x")
    with open(moved / X.name, "ab") as file:
        file.write(X.read_bytes())

    found = {each.name: each.tag for each in importers.find("tensorboard", str(moved))}

    assert found["x"] == tags["tensorboard/x"]
    assert found["h"] == tags["tensorboard/x/h"]
    assert found["x"].startswith("202611231340-")
    assert len(set(tags.values())) == 3


def test_a_file_alone_is_a_run(imported):
    """
    With the tag of its folder, if it is the first one there.
    """
    (folder,) = (each.tag for each in importers.find("tensorboard", str(X.parent)) if each.name == "x")

    run = imported("tensorboard", X)["x"]

    assert run.tag == folder
    assert len(run["metrics.csv"]) == 6


def test_several_files_of_a_folder_are_one_story(source, imported):
    """
    In the order of their names, which begin with their times.
    """
    folder = source / "tensorboard/x"
    (folder / f"{X.name}.restarted").write_bytes(X.read_bytes())

    (table,) = (run["metrics.csv"] for name, run in imported("tensorboard", folder).items() if name == "x")

    assert table.index.tolist() == [0, 1, 2, 3, 4, 3] * 2


def test_a_torn_end_is_no_problem():
    """
    A run that was killed has one.
    """
    whole = list(tensorboard.records(io.BytesIO(X.read_bytes())))

    for size in (0, 5, 11, 12, 30, X.stat().st_size - 1):
        found = list(tensorboard.records(io.BytesIO(X.read_bytes()[:size])))
        assert found == whole[: len(found)]
        assert len(found) < len(whole)


@settings(max_examples=60)
@given(st.data())
def test_no_damage_goes_unseen(data):
    """
    Each byte of a file is under a checksum, so what is read was written.
    """
    good = X.read_bytes()[:1200]
    whole = list(tensorboard.records(io.BytesIO(good)))
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    found = []

    try:
        found.extend(tensorboard.records(io.BytesIO(bad)))
        is_told = False
    except tensorboard.Damaged:
        is_told = True

    # Only in the record that is cut off anyway it does not matter.
    assert found == whole[: len(found)]
    assert is_told or found == whole


def test_what_comes_before_damage_is_imported_and_told(source, imported):
    path = source / "tensorboard/tf2/train/events.out.tfevents.1795441248.vm.29992.0"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)

    run = imported("tensorboard", path.parent)["train"]

    assert len(run["metrics.csv"]) == 2
    (problem,) = run["import.json"]["problems"]
    assert "is damaged; what comes before it is imported" in problem


def test_a_record_that_is_no_event_ends_the_file(values):
    """
    Its checksum is right, so a stranger wrote it.
    """
    good = event(field(1, b"loss") + b"\x15" + struct.pack("<f", 0.5))

    run = values(good, record(b"\xff\xff"), good)

    assert run.metrics["loss"].values.tolist() == [0.5]
    assert "what comes before it is imported" in run.problems[0]


def test_a_record_that_claims_to_be_huge_takes_no_memory():
    head = struct.pack("<Q", 1 << 40)

    with pytest.raises(tensorboard.Damaged):
        list(tensorboard.records(io.BytesIO(head + struct.pack("<I", masked(head)))))


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_messages_of_strangers_never_crash(data):
    loader = tensorboard._Loader([])

    for value in (data, field(5, field(1, data[:100])), field(5, field(1, field(8, data[:100])))):
        with contextlib.suppress(Malformed):
            loader._event(value)


def tensor(kind, *fields, shape=b""):
    return field(1, kind) + field(2, shape) + b"".join(fields)


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (tensor(1, field(5, struct.pack("<f", 0.5))), 0.5),
        (tensor(1, field(4, struct.pack("<f", 0.25))), 0.25),
        (tensor(2, field(6, struct.pack("<d", 0.1))), 0.1),
        (tensor(3, field(7, 7)), 7),
        (tensor(9, field(10, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), -1),
        (tensor(10, field(11, 1)), True),
        (tensor(19, field(13, b"\x80\x70")), 0.5),
        (tensor(14, field(4, b"\x80\x3f")), 1.0),
        (tensor(19, field(4, b"\x00\x38")), 0.5),
        (tensor(1), 0.0),
        (tensor(1, shape=field(2, b"")), None),
        (tensor(1, field(5, struct.pack("<ff", 1, 2))), None),
        (tensor(3, field(7, b"\x01\x02")), None),
        (tensor(7, field(8, b"text")), None),
        (tensor(1, field(4, b"abc")), None),
    ],
)
def test_one_number_of_a_tensor(data, number):
    """
    In the list of its type or as bytes; several are none, and so is a text.
    """
    assert tensors.scalar(data) == number
    assert type(tensors.scalar(data)) is type(number)


def test_tensors_of_other_plugins_are_counted(values):
    """
    The plugin is named with the first value of a tag alone.
    """
    plugin = field(9, field(1, field(1, b"histograms")))
    lot = field(8, tensor(1, field(5, struct.pack("<ff", 1, 2))))

    run = values(
        event(field(1, b"w") + lot + plugin),
        event(field(1, b"w") + lot),
        event(field(1, b"w") + field(8, tensor(1, field(5, struct.pack("<f", 1))))),
        event(field(1, b"x") + lot),
    )

    # One number alone may be a histogram as well.
    assert run.left_out == {"histograms": 3, "tensors": 1}
    assert run.metrics == {}


def test_where_there_is_nothing_it_is_said(tmp_path):
    with pytest.raises(Unreadable, match=r"no event files of TensorBoard, \*tfevents\*"):
        list(importers.find("tensorboard", str(tmp_path)))


@pytest.mark.parametrize(("data", "value"), [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA)])
def test_the_checksum_is_that_of_the_standard(data, value):
    """
    The last is in RFC 3720, B.4.
    """
    assert crc32c(data) == value
