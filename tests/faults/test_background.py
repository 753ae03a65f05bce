"""
Scripts that detach themselves: two forks, a session of their own, the folder /, a umask, closed streams.
"""

from __future__ import annotations

import os

import lab_workbook
import pytest

from tests.faults.recording import assert_whole, wait_until

# Only what a daemon does after its forks; a script may do the same without them, in the middle of a run.
LEAVE = {
    "python": """
os.chdir("/")
os.umask(0o777)
os.closerange(0, 3)
""",
    "luajit": """
local ffi = require 'ffi'
ffi.cdef 'int chdir(const char *path); unsigned umask(unsigned mask); int close(int file);'
ffi.cdef 'int setsid(); int fork(); void _exit(int code);'
ffi.C.chdir('/')
ffi.C.umask(511)
for file = 0, 2 do ffi.C.close(file) end
""",
}

FORK_TWICE = {
    "python": """
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
os.chdir("/")
os.umask(0o077)
os.closerange(0, 3)
""",
    "luajit": LEAVE["luajit"].replace(
        "ffi.C.chdir",
        "if ffi.C.fork() > 0 then ffi.C._exit(0) end ffi.C.setsid()"
        " if ffi.C.fork() > 0 then ffi.C._exit(0) end ffi.C.chdir",
    ),
}

# As a shell makes a daemon of a program that cannot fork.
DETACH = ("sh", "-c", 'cd /; umask 077; (setsid "$@" <&- >&- 2>&- &)', "sh")

JIT = pytest.param("luajit", marks=pytest.mark.soak)


@pytest.mark.parametrize("language", ["python", JIT])
def test_a_script_may_leave_everything_it_was_started_with(language, record, tmp_path, where, monkeypatch):
    """
    A prefix and a spool folder that were given relative to the first working directory stay where they are.
    """
    monkeypatch.setenv("LAB_WORKBOOK_SPOOL_DIR", "spools")
    script = record(language, after=LEAVE[language])
    script.record()
    script.stop()
    assert script.process.wait(60) == 0

    assert_whole(where, script.promised)
    assert not os.path.exists("/runs")
    assert not os.path.exists("/spools")
    assert not list((tmp_path / "spools").glob("T.*"))


@pytest.mark.parametrize("language", ["python", JIT])
def test_a_daemon_of_two_forks_records_as_any_other_script(language, record, place):
    """
    Its parent is process 1, and nobody waits for it.
    """
    script = record(language, before=FORK_TWICE[language])
    assert script.process.wait(60) == 0
    script.record()
    script.stop()

    assert_whole(place, script.promised)


@pytest.mark.soak
@pytest.mark.parametrize("language", ["python", "luajit", "lua5.1", "lua5.4"])
def test_a_daemon_of_a_shell_records_as_any_other_script(language, record, place):
    """
    So is the uploader that it starts: it has no standard files to inherit.
    """
    script = record(language, command=DETACH)
    assert script.process.wait(60) == 0
    script.record()
    script.stop()

    assert_whole(place, script.promised)


@pytest.mark.soak
@pytest.mark.parametrize("language", ["python", JIT])
def test_a_daemon_that_is_killed_is_delivered(language, record, bucket_prefix, spool_dir, monkeypatch):
    """
    Its uploader sees that the script has gone, although it was never its child.
    """
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", bucket_prefix)
    pid = {
        "python": "open(here + '/pid', 'w').write(str(os.getpid()))",
        "luajit": "local file = io.open(here .. '/pid', 'w')"
        " file:write(io.open('/proc/self/stat'):read('*n')) file:close()",
    }
    script = record(language, before=FORK_TWICE[language], after=pid[language])
    script.process.wait(60)
    script.record()

    os.kill(int((script.folder / "pid").read_text()), 9)
    wait_until(lambda: not list(spool_dir.glob("T.*")))

    assert_whole(bucket_prefix, script.promised, "interrupted")


@pytest.mark.soak
@pytest.mark.parametrize("language", ["python", JIT])
def test_a_child_in_the_background_records_nothing_for_its_parent(language, record, place, spool_dir):
    """
    The parent has ended; the rows that its child logs are not stored, and its closing ends nothing.
    """
    script = record(language, after=FORK_TWICE[language])
    assert script.process.wait(60) == 0
    script.record()
    script.stop()
    wait_until(lambda: not list(spool_dir.glob("T.*")))

    experiment = lab_workbook.ExperimentRepository(place)["T"]
    assert experiment.status == ("interrupted" if place.startswith("s3") else "lost")
    assert "loss.csv" not in experiment or len(experiment["loss.csv"]) == 0


@pytest.fixture(params=["folder", "s3"])
def where(request, tmp_path, monkeypatch):
    """A prefix that is found again from another folder; scripts know it as a relative one."""
    if request.param == "s3":
        prefix = request.getfixturevalue("bucket_prefix")
        monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", prefix)
        return prefix
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", "runs/")
    return f"{tmp_path}/runs/"
