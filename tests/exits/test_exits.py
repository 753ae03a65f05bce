"""How a script can end, and what then is in the bucket: each row of docs/exits.md, as it is printed there."""

import shutil

import pytest
from lab_workbook_conformance.s3.proxy import Proxy

from tests.exits import table
from tests.exits.endings import TWINS
from tests.exits.run import Run


def endings():
    for ending in table.endings():
        marks = []
        if ending.writer == "Lua" and not any(map(shutil.which, ("luajit", "lua5.4", "lua5.1"))):
            marks = [pytest.mark.skip(reason="no Lua is installed: make setup-lua")]
        if ending.place == "container" and not table.can_make_containers():
            marks = [pytest.mark.skip(reason="making a namespace of process ids needs root")]
        if (ending.section, ending.writer, ending.title) in TWINS:
            marks.append(pytest.mark.soak)
        yield pytest.param(ending, id=f"{ending.section}-{ending.writer}-{ending.title}", marks=marks)


@pytest.mark.s3
@pytest.mark.parametrize("ending", list(endings()))
def test_a_script_ends_as_the_table_in_the_docs_says(ending, tmp_path, bucket_prefix, s3):
    """
    Exit status, what is in the bucket when the script is gone, who delivers the rest, and the outcome.
    """
    with Proxy(s3) as proxy:
        seen = Run(ending, tmp_path, bucket_prefix, proxy).observe()

    table.record(ending, seen)
    assert table.promised(ending) == table.cells(seen)


def test_the_table_has_the_rows_that_are_tested():
    """
    `make exits` writes it.
    """
    assert table.is_complete()
