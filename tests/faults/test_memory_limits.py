"""
Scripts and uploaders that get too little memory: from a control group, or from `ulimit -v`.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import lab_workbook
import pytest

from tests.faults.recording import assert_whole, rows_of, spool_of, uploaders, wait_until

_LIMIT_BYTES = 256 << 20

# Ever more memory, from the 500th row on.
MORE = {
    "python": {"after": "held = []", "row": "held += [b'x' * (1 << 20)] if step > 500 else []"},
    "luajit": {
        "after": "local held = {}",
        "row": "if step > 500 then held[#held + 1] = ('x'):rep(2^20) .. step end",
    },
}
MORE |= dict.fromkeys(("lua5.1", "lua5.4"), MORE["luajit"])

# Each takes seconds, and many seconds where other tests use the processors.
pytestmark = pytest.mark.soak

LANGUAGES = ["python", "luajit", "lua5.1", "lua5.4"]


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group that limits memory, and in which the kernel kills one process at a time."""
    for parent, limit in (
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        ("/sys/fs/cgroup", "memory.max"),
    ):
        group = Path(parent) / f"lab-workbook-{uuid.uuid4().hex[:8]}"
        try:
            group.mkdir()
            (group / limit).write_text(str(_LIMIT_BYTES))
            break
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
    else:
        pytest.skip("this user may not make a control group for memory")
    yield group
    processes = group / "cgroup.procs"
    for process in processes.read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(process), signal.SIGKILL)
    wait_until(lambda: not processes.read_text())
    group.rmdir()


def limited(kilobytes: int) -> tuple[str, ...]:
    """Return a command that limits the memory of the next one; the limit can be lifted again."""
    return ("sh", "-c", f'ulimit -S -v {kilobytes}; exec "$@"', "sh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_script_that_the_kernel_kills_for_its_memory_loses_no_row(
    language, group, place, record, spool_dir
):
    """
    Its uploader is smaller, lives on in the same group, and delivers the end.
    """
    enter = ("sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh")
    script = record(language, command=enter, **MORE[language])

    assert script.process.wait(120) == -signal.SIGKILL
    in_bucket = place.startswith("s3")
    if in_bucket:
        wait_until(lambda: not list(spool_dir.glob("T.*")), lambda: os.listdir(spool_dir))

    assert script.promised > 500
    assert_whole(place, script.promised, "interrupted" if in_bucket else "lost")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_script_whose_memory_is_limited_loses_no_row(language, place, record):
    """
    The script gets an error at the limit, and ends of it.
    """
    script = record(language, command=limited(500_000), **MORE[language])

    assert script.process.wait(120) == 1

    assert script.promised > 500
    experiment = assert_whole(place, script.promised, "failed" if language == "python" else "ended")
    assert experiment.end


@pytest.mark.parametrize(
    ("language", "kilobytes"),
    [
        ("python", 90_000),
        ("python", 120_000),
        ("python", 160_000),
        ("python", 200_000),
        ("luajit", 30_000),
        ("luajit", 90_000),
        ("lua5.1", 10_000),
        ("lua5.4", 60_000),
    ],
)
def test_an_uploader_without_memory_is_not_waited_for(  # noqa: PLR0917 - fixtures
    language, kilobytes, bucket_prefix, record, spool_dir, push
):
    """
    It is started anew twice at most, at the end; the script prints the command that delivers all of it.
    """
    script = record(
        language,
        command=limited(kilobytes),
        variables={"LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix, "LAB_WORKBOOK_EXIT_TIMEOUT": "2"},
    )
    script.record()
    script.stop()
    assert script.process.wait(10) == 0, script.said

    if spools := list(spool_dir.glob("T.*")):
        assert any("lab-workbook push" in line for line in script.said), script.said
        assert len(uploaders(spools[0])) <= 3
        assert (spools[0] / ".lab-workbook/log").stat().st_size < 100_000
        # One that still tries holds the lock.
        for process in uploaders(spools[0]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        pushed = push()
        assert pushed.returncode == 0, pushed.stdout
    assert_whole(bucket_prefix, script.promised)


@pytest.mark.parametrize("kilobytes", [60_000, 90_000, 120_000, 160_000])
def test_an_uploader_goes_on_once_there_is_memory(kilobytes, bucket_prefix, record, spool_dir):
    """
    Whether it stayed or ended; nothing that it could not load is remembered as missing.
    """
    script = record(
        "python",
        command=limited(kilobytes),
        variables={"LAB_WORKBOOK_BUCKET_PREFIX": bucket_prefix},
    )
    script.record()
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    for process in [script.process.pid, *uploaders(spool_of(spool_dir))]:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process, resource.RLIMIT_AS, unlimited)

    wait_until(lambda: rows_of(bucket_prefix) > 0, lambda: script.said)
    script.stop()

    assert_whole(bucket_prefix, script.promised)
    assert lab_workbook.ExperimentRepository(bucket_prefix)["T"].end["ended"]
