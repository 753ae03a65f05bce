"""begin.json and end.json, written by us and read from strangers."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook.errors import Unreadable, UnsupportedProtocol
from lab_workbook.protocol import documents

BEGIN = {
    "protocol": "lab-workbook 1.1",
    "tag": "T",
    "writer": "w",
    "runtime": "r",
    "started": "2016-02-12T21:49:00Z",
}
END = {"ended": "2016-02-12T22:49:00Z", "outcome": "finished", "error": None, "lost": {}, "files": {}}


def encoded(document):
    return json.dumps(document).encode()


def test_what_is_written_reads_back():
    """
    Optional keys that have no value are left out.
    """
    begin = documents.begin("T", "writer 1", "Python 3", {"note": "hi", "resumes": None})
    end = documents.end("finished", None, {"rows": 1}, {"b": {"bytes": 1}, "a": {"bytes": 2}})

    assert documents.read_begin(encoded(begin)) == begin
    assert documents.read_end(encoded(end)) == end
    assert "resumes" not in begin
    assert list(end["files"]) == ["a", "b"]


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.99", "1"])
def test_every_minor_version_is_read(version):
    """
    With keys that this reader does not know.
    """
    begin = {**BEGIN, "protocol": f"lab-workbook {version}", "gpuCount": 8}

    assert documents.read_begin(encoded(begin)) == begin


@pytest.mark.parametrize("version", ["2.0", "0.9", "10.1", "9" * 5000])
def test_another_major_version_is_refused_with_what_to_do(version):
    """
    What it means is not known here.
    """
    with pytest.raises(UnsupportedProtocol, match="pip install -U lab-workbook"):
        documents.read_begin(encoded({**BEGIN, "protocol": f"lab-workbook {version}"}))


@pytest.mark.parametrize(
    "protocol", [None, 5, "", "lab-workbook", "other 1.1", "lab-workbook x", ["lab-workbook 1.1"]]
)
def test_another_protocol_is_no_experiment_of_ours(protocol):
    """
    The message has the name that was found.
    """
    with pytest.raises(Unreadable, match="does not say which protocol"):
        documents.read_begin(encoded({**BEGIN, "protocol": protocol}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        encoded({**END, "files": []}),
        encoded({**END, "lost": 3}),
        encoded({**END, "outcome": 3}),
        encoded({"ended": "x"}),
    ],
)
def test_an_ending_that_is_none_is_named(data):
    """
    It may come from anyone.
    """
    with pytest.raises(Unreadable, match=r"end\.json"):
        documents.read_end(data)


@given(st.binary())
def test_any_bytes_are_read_or_refused(data):
    """
    Nothing else ever comes out.
    """
    for read in (documents.read_begin, documents.read_end):
        with contextlib.suppress(Unreadable):
            assert isinstance(read(data), dict)
