"""
A Dask cluster of two processes, which know no more than workers on other machines would.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conftest import S3Server

ENDPOINT = "AWS_ENDPOINT_URL_S3"


# Of a module, because a client that lives is the one that Dask takes, whichever a page has made.
@pytest.fixture(scope="module")
def cluster(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of two workers, with credentials and a home of their own, who do not know the server's URL."""
    distributed = pytest.importorskip("dask.distributed", reason="`make test-dask` installs dask")
    home = tmp_path_factory.mktemp("worker")
    environment = {**s3_server.environment, ENDPOINT: "", "HOME": str(home)}
    started = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "dashboard_address": "127.0.0.1:0",
        "env": environment,
    }
    with distributed.LocalCluster(**started) as local, distributed.Client(local) as client:
        yield client
