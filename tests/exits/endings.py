"""
The ways in which a training script ends: the rows of docs/exits.md.

Each script records ten rows and a document and flushes them, is told to go on, records ten more rows
and another document, and then ends as its first argument says.
"""

from __future__ import annotations

import signal
from typing import NamedTuple

PYTHON = """
import os, sys, time, lab_workbook
workbook = lab_workbook.new_experiment(tag="T")
log = workbook.new_time_series_log("loss", ["step", "loss"])
for part in range(2):
    for step in range(10):
        log(step=10 * part + step, loss=step / 3)
    workbook.save_json(f"part {part}", {"part": part})
    if part == 0:
        print("flushed", workbook.flush(60), flush=True)
        assert sys.stdin.readline() == "go on\\n"
print("ready", flush=True)
how = sys.argv[1]
if how == "close":
    workbook.close()
if how == "exception":
    raise ValueError("no such batch")
if how == "exit 0":
    sys.exit(0)
if how == "exit 3":
    sys.exit(3)
if how == "leave":
    os._exit(0)
if how == "wait":
    time.sleep(600)
"""

LUA = """
local workbook = require('lab-workbook'):newExperiment{tag = 'T'}
local log = workbook:newTimeSeriesLog('loss', {'step', 'loss'})
io.stdout:setvbuf('no')
for part = 0, 1 do
   for step = 0, 9 do
      log{step = 10 * part + step, loss = step / 3}
   end
   workbook:saveJSON('part ' .. part, {part = part})
   if part == 0 then
      print('flushed', workbook:flush(60))
      assert(io.read() == 'go on')
   end
end
print('ready')
local how = arg[1]
if how == 'close' then workbook:close() end
if how == 'exception' then error('no such batch') end
if how == 'exit 0' then os.exit(0) end
if how == 'exit 3' then os.exit(3) end
if how == 'wait' then
   for _ = 1, 6000 do
      local pipe = io.popen('sleep 0.1')
      pipe:read('*a')
      pipe:close()
   end
end
"""


class Ending(NamedTuple):
    """
    One row: what the table calls it, the writer, and how it is brought about.

    ``signals`` go to the group of the script once it is ready, each after the one before had its effect;
    those of ``late`` once it waits for its uploader. ``kills`` says who gets SIGKILL. An ``is_abrupt``
    one gives the script no time to wait.
    """

    title: str
    writer: str
    how: str = "wait"
    signals: tuple[signal.Signals, ...] = ()
    late: tuple[signal.Signals, ...] = ()
    kills: tuple[str, ...] = ()
    stalls: bool = False
    is_abrupt: bool = False
    patience: float = 30
    place: str = ""
    section: str = ""


def _both(title: str, how: str = "wait", **more: object) -> list[Ending]:
    return [Ending(title, writer, how, **more) for writer in ("Python", "Lua")]


# The script gives up after a second without progress, so that nobody waits for a test.
_IMPATIENT = {"stalls": True, "patience": 1}

_THE_NETWORK_WORKS = [
    *_both("the script ends without `close`", "end"),
    Ending("`workbook.close()`, and the script ends", "Python", "close"),
    Ending("`workbook:close()`, and the script ends", "Lua", "close"),
    *_both("an error that nobody catches", "exception"),
    Ending("`sys.exit(0)`", "Python", "exit 0"),
    Ending("`sys.exit(3)`", "Python", "exit 3"),
    Ending("`os._exit(0)`", "Python", "leave", is_abrupt=True),
    Ending("`os.exit(0)`", "Lua", "exit 0", is_abrupt=True),
    Ending("`os.exit(3)`", "Lua", "exit 3", is_abrupt=True),
    *_both("Ctrl-C", signals=(signal.SIGINT,)),
    *_both("SIGTERM to the group", signals=(signal.SIGTERM,), is_abrupt=True),
    *_both("SIGHUP to the group: the terminal is closed", signals=(signal.SIGHUP,), is_abrupt=True),
    *_both("SIGKILL of the script", kills=("script",), is_abrupt=True),
    Ending("SIGKILL of the uploader, and `workbook.close()`", "Python", "close", kills=("uploader",)),
    Ending("SIGKILL of the uploader, and `workbook:close()`", "Lua", "close", kills=("uploader",)),
    *_both("SIGKILL of both", kills=("uploader", "script")),
    Ending("into a pipe: `train` to `cat`", "Python", "close", place="cat"),
    Ending("into a pipe: `train` to `cat`", "Lua", "close", place="cat"),
]

_THE_SERVER_IS_SILENT = [
    Ending("`workbook.close()`, and the script ends", "Python", "close", **_IMPATIENT),
    Ending("`workbook:close()`, and the script ends", "Lua", "close", **_IMPATIENT),
    Ending("an error that nobody catches", "Python", "exception", **_IMPATIENT),
    Ending("Ctrl-C once, while it waits at its end", "Python", "end", late=(signal.SIGINT,), stalls=True),
    Ending("Ctrl-C once, while it waits at its end", "Lua", "close", late=(signal.SIGINT,), stalls=True),
    *_both(
        "Ctrl-C twice: in training, and while it waits",
        signals=(signal.SIGINT,),
        late=(signal.SIGINT,),
        stalls=True,
    ),
    Ending("SIGTERM while it waits at its end", "Python", "end", late=(signal.SIGTERM,), stalls=True),
    Ending("SIGTERM while it waits at its end", "Lua", "close", late=(signal.SIGTERM,), stalls=True),
    *_both("SIGKILL of both", kills=("uploader", "script"), stalls=True),
    Ending("into a pipe: `train` to `cat`", "Python", "close", place="cat", **_IMPATIENT),
    Ending("into a pipe: `train` to `cat`", "Lua", "close", place="cat", **_IMPATIENT),
]

_IN_A_CONTAINER = [
    Ending("`workbook.close()`, and the script ends", "Python", "close", place="container"),
    Ending("`workbook:close()`, and the script ends", "Lua", "close", place="container"),
    *_both("SIGKILL of the script, and so of all", kills=("script",), place="container"),
    Ending(
        "the script ends without `close`, and the server is silent",
        "Python",
        "end",
        place="container",
        stalls=True,
        patience=1,
    ),
]

# In these rows one writer does what the other does as well: `make exits` tries them, `make test` does not.
TWINS = {
    ("network", "Python", "`sys.exit(0)`"),
    ("network", "Python", "SIGHUP to the group: the terminal is closed"),
    ("network", "Lua", "an error that nobody catches"),
    ("network", "Lua", "`os.exit(3)`"),
    ("network", "Lua", "SIGTERM to the group"),
    ("network", "Lua", "SIGHUP to the group: the terminal is closed"),
    ("network", "Lua", "SIGKILL of the script"),
    ("network", "Lua", "SIGKILL of both"),
    ("network", "Lua", "into a pipe: `train` to `cat`"),
    ("silence", "Python", "an error that nobody catches"),
    ("silence", "Lua", "SIGKILL of both"),
    ("silence", "Lua", "SIGTERM while it waits at its end"),
    ("container", "Lua", "`workbook:close()`, and the script ends"),
    ("container", "Lua", "SIGKILL of the script, and so of all"),
}

SECTIONS = {
    section: [ending._replace(section=section) for ending in endings]
    for section, endings in (
        ("network", _THE_NETWORK_WORKS),
        ("silence", _THE_SERVER_IS_SILENT),
        ("container", _IN_A_CONTAINER),
    )
}
