"""
docs/dask.md runs, with a cluster of its own.
"""

from __future__ import annotations

from typing import Any

import lab_workbook
import pytest

from tests import pages
from tests.test_pages import TAGS

pytest.importorskip("dask", reason="`make test-dask` installs dask")
pytestmark = pytest.mark.soak

PAGE = "docs/dask.md"


@pytest.mark.usefixtures("s3")
def test_the_page_runs(s3_client: Any) -> None:
    """
    From top to bottom, on a bucket of the name that it shows.
    """
    prefix = "s3://my-bucket/experiments/"
    s3_client.create_bucket(Bucket="my-bucket")
    for tag, rate in TAGS.items():
        with lab_workbook.new_experiment(bucket_prefix=prefix, tag=tag) as workbook:
            workbook.save_json("options", {"learningRate": rate})
            log = workbook.new_time_series_log("Training loss", ["epoch", "loss"])
            for epoch in range(1, 51) if rate == 0.1 else range(41, 61):
                log(epoch=epoch, loss=round(rate * 10 / epoch, 4))
    namespace: dict[str, Any] = {}

    try:
        pages.run_python(PAGE, pages.read(PAGE, "python", "pycon"), namespace)
    finally:
        namespace["client"].close()


def test_every_block_is_run_or_is_an_installation() -> None:
    found = {block.language for block in pages.read(PAGE)}

    assert found == {"python", "pycon", "sh"}
    assert [block.text for block in pages.read(PAGE, "sh")] == ["pip install 'lab-workbook[dask]'\n"]
