"""
One damaged or hostile experiment never hides the others, and ends in no error that is not documented.

A good experiment has a hostile one beside it. Each command of the reader is asked for both, and has to give
what is known of the good one.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lab_workbook
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_workbook import ExperimentRepository, LabWorkbookError
from lab_workbook.cli import main

BEGIN = {
    "protocol": "lab-workbook 1.1",
    "tag": "A",
    "writer": "a test",
    "runtime": "Lua 5.4",
    "started": "2016-02-12T21:49:00Z",
}
END = {"ended": "2016-02-12T22:17:34Z", "outcome": "finished", "error": None, "lost": {}, "files": {}}
ROW = b",2016-02-12T22:17:34Z\n"
SERIES = b"epoch,loss,Date\n1,0.5" + ROW
GOOD, BAD = "GOOD", "HOSTILE"

HUGE = int("9" * 400)
HALF = "half \ud800 of a character"
DEEP: Any = 1
for _ in range(700):
    DEEP = [DEEP]


def begin(**more: Any) -> dict[str, bytes]:
    return {".lab-workbook/begin.json": json.dumps({**BEGIN, **more}).encode()}


def end(**more: Any) -> dict[str, bytes]:
    return {**begin(), ".lab-workbook/end.json": json.dumps({**END, **more}).encode()}


def delivery(**told: Any) -> dict[str, bytes]:
    return end(delivery=told)


HOSTILE: dict[str, dict[str, bytes]] = {
    "half a character in the note": begin(note=HALF),
    "half a character in the host": begin(host=HALF),
    "half a character in all": begin(
        **dict.fromkeys(("writer", "runtime", "started", "command", "resumes"), HALF)
    ),
    "half a character in the outcome": end(outcome=HALF, error={"type": HALF, "message": HALF}),
    "half a character in a later note": {
        **begin(),
        ".lab-workbook/notes/20160213T081500Z-abcdef.json": json.dumps(
            {"text": HALF, "author": HALF}
        ).encode(),
    },
    "huge count of requests": delivery(requests={"PUT": HUGE}, bytes=1),
    "huge count of bytes": delivery(requests={"PUT": 1}, bytes=HUGE),
    "negative and odd counts": delivery(requests={"PUT": -1, "GET": True, "\x1b[31m": 5, "x": 1.5}, bytes=-1),
    "huge sizes": end(files={"loss.csv": {"bytes": HUGE, "sha256": HUGE}, "\ud800": {"bytes": 1}, "..": 5}),
    "huge losses": end(lost={"rows": HUGE, "texts": [HUGE]}),
    "huge pid": begin(pid=HUGE, pidStarted="1", bootId="x", pidNamespace=HALF),
    "deep command": begin(command=DEEP),
    "deep error": end(error={"type": DEEP}),
    "deep parameters": {**begin(), "o.json": json.dumps({"a": DEEP}).encode()},
    "odd times": end(ended="0000-99-99T99:99:99Z"),
    "times far apart": {**end(ended="2262-01-01T00:00:00Z"), **begin(started="1678-01-01T00:00:00Z")},
    "times at the edges": {**end(ended="9999-12-31T23:59:59Z"), **begin(started="0001-01-01T00:00:00Z")},
    "other types": {
        **end(ended=[], error=5, lost=[], outcome="x"),
        **begin(started={}, host=[], note=5, command={}, runtime=1, resumes=[1]),
    },
    "a newer protocol": begin(protocol="lab-workbook 99.0"),
    "no protocol": {".lab-workbook/begin.json": b"[]"},
    "no JSON": {".lab-workbook/begin.json": b"{", ".lab-workbook/end.json": b"\xff"},
    "a number of 5,000 digits": {
        ".lab-workbook/end.json": b'{"outcome": "x", "n": ' + b"9" * 5000 + b"}",
        **begin(),
    },
    "parameters of all kinds": {
        **begin(),
        "o.json": json.dumps(
            {"huge": HUGE, HALF: HALF, "nan": float("nan"), "list": [HUGE, HALF, None]}
        ).encode(),
        "p.json": json.dumps({"mixed": 10**30, "inf": float("inf"), "\x00": "\x00"}).encode(),
        "q.json": b'{"a": 1e999, "b": -0.0, "c": 123456789012345678901234567890.5}',
    },
    "a huge integer and a text": {
        **begin(),
        "loss.csv": b'epoch,loss,Date\n1,%d%b2,"a"%b' % (HUGE, ROW, ROW),
    },
    "huge integers alone": {
        **begin(),
        "loss.csv": b"epoch,loss,Date\n1,%d%b2,%d%b" % (HUGE, ROW, -HUGE, ROW),
    },
    "a huge first field": {**begin(), "loss.csv": b"epoch,loss,Date\n%d,1%b%d,2%b" % (HUGE, ROW, HUGE, ROW)},
    "huge exponents": {**begin(), "loss.csv": b'epoch,loss,Date\n1,1e99999%b2,"a"%b' % (ROW, ROW)},
    "beyond 64 bits": {**begin(), "loss.csv": b"epoch,loss,Date\n1,%d%b2,nil%b" % (2**64, ROW, ROW)},
    "a torn series": {**begin(), "loss.csv": b'epoch,loss,Date\n1,"a\n2,3'},
    "wide rows": {**begin(), "loss.csv": b"epoch,loss,Date\n1,2,3,4,5" + ROW},
    "no dates": {**begin(), "loss.csv": b"epoch,loss,Date\n1,2,yesterday\n"},
    "dates far away": {
        **begin(),
        "loss.csv": b"epoch,loss,Date\n1,2,0001-01-01T00:00:00Z\n2,3,9999-12-31T00:00:00Z\n",
    },
    "control characters": {**begin(note="\x1b[31m\x00"), "loss.csv": b'epoch,"lo\x00ss\x1b",Date\n1,2' + ROW},
    "a series of 2016": {"loss.csv": b"epoch,loss,Date\n1,%d%b2,a%b" % (HUGE, ROW, ROW)},
    "a source": {
        **begin(),
        "Source.git-current-commit": b"commit \xff\n",
        "Source.git-patch": b"\xff\xfe\x00",
        "Source.git-state.json": json.dumps({"commit": HALF, "problems": [DEEP]}).encode(),
    },
    "models": {**begin(), "a.t7": b"\xff" * 9, "b.pt": b"", "c.safetensors": b"\xff" * 8},
}

GOOD_FILES = {**end(), **begin(host="gpu7"), "options.json": b'{"rate": 0.1}', "loss.csv": SERIES}

# Each command, and what it has to print of the good experiment.
COMMANDS: dict[str, tuple[list[str], str]] = {
    "ls": (["ls"], GOOD),
    "ls --json": (["ls", "--json"], GOOD),
    "table": (["table"], GOOD),
    "table --json": (["table", "--json", "--series", "loss.csv"], '"loss.loss.last": 0.5'),
    "find": (["table", "options.rate < 1 and host == 'gpu7'", "--column", "host"], GOOD),
    "verify": (["verify", "--all"], GOOD),
    "verify --json": (["verify", "--all", "--json"], GOOD),
    "cost": (["cost"], GOOD),
    "cost --json": (["cost", "--json"], GOOD),
    "report": (["report", GOOD, BAD, "-o", "page.html"], "page.html"),
    "show": (["show", BAD], ""),
    "show --json": (["show", BAD, "--json"], ""),
    "tail": (["tail", BAD, "loss.csv"], ""),
    "tail --json": (["tail", BAD, "loss.csv", "--json"], ""),
    "diff": (["diff", GOOD, BAD], ""),
    "diff --json": (["diff", GOOD, BAD, "--json"], ""),
    "note": (["note", BAD], ""),
}
# What they may fail with; the commands about one experiment may say that it cannot be read.
CODES = (0, 1)


def put(folder: Path, tag: str, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / tag / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def run(folder: Path, words: list[str]) -> Any:
    result = CliRunner().invoke(main, [*words, "--prefix", str(folder)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in CODES, result.output
    result.output.encode()
    return result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "experiments", GOOD, GOOD_FILES)
    return tmp_path / "experiments"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_experiment_hides_no_other(folder: Path, case: str, command: str) -> None:
    put(folder, BAD, HOSTILE[case])
    words, expected = COMMANDS[command]

    result = run(folder, words)

    assert expected in result.stdout
    # One that cannot be read is named beside the others.
    if command in ("ls", "table", "verify", "cost"):
        assert BAD in result.output


@pytest.mark.parametrize("case", HOSTILE)
def test_python_gives_all_that_is_known_of_both(folder: Path, case: str) -> None:
    put(folder, BAD, HOSTILE[case])
    repository = ExperimentRepository(folder)

    table = repository.table(series=True)

    assert list(table.index) == [GOOD, BAD]
    # Not each kind of column can hold half of a character.
    for column in table.columns:
        str([column, *table[column]]).encode()
        "".join(each for each in table[column] if isinstance(each, str)).encode()
    assert table.loc[GOOD, "loss.loss.last"] == 0.5
    assert repository.find("options.rate == 0.1")[0].tag == GOOD
    lab_workbook.report([repository[GOOD], repository[BAD]], "page.html")
    page = Path("page.html").read_text(encoding="utf-8")
    assert BAD in page
    assert GOOD in page
    assert GOOD in repository._repr_html_()
    assert isinstance(repository[BAD]._repr_html_(), str)


# What the fuzz below puts into documents.
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([HUGE, -HUGE, HALF, "\x00", "", "2016-02-12T21:49:00Z", 2**63, 2**64, 1.5])
    | st.floats()
    | st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
KEYS = [
    *BEGIN,
    "host",
    "note",
    "pid",
    "bootId",
    "command",
    "resumes",
    "ended",
    "outcome",
    "error",
    "lost",
    "files",
]
DOCUMENTS = st.dictionaries(
    st.sampled_from([*KEYS, "delivery", "text", "author", "time"]), VALUES, max_size=6
)
CELLS = st.sampled_from(
    [
        *(
            "nil",
            "nan",
            "inf",
            "-inf",
            "true",
            "false",
            "0",
            "1.5",
            "-0",
            "1e999",
            '"a"',
            '""',
            '"a""b"',
            "",
            "a",
        ),
        *(str(HUGE), str(2**63), str(-(2**63)), str(2**64), "007", "\x00", "\x02", "é", '"'),
        "2016-02-12T22:17:34Z",
    ]
)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=5)


@st.composite
def experiments(draw: Any) -> dict[str, bytes]:
    files = {
        ".lab-workbook/begin.json": json.dumps({**BEGIN, **draw(DOCUMENTS)}).encode(),
        "options.json": json.dumps(draw(VALUES)).encode(),
    }
    if draw(st.booleans()):
        files[".lab-workbook/end.json"] = json.dumps({**END, **draw(DOCUMENTS)}).encode()
    if draw(st.booleans()):
        files[".lab-workbook/notes/20160213T081500Z-abcdef.json"] = json.dumps(draw(DOCUMENTS)).encode()
    rows = [",".join([*row, "2016-02-12T22:17:34Z"]) for row in draw(ROWS)]
    files["loss.csv"] = "\n".join(["epoch,loss,Date", *rows, ""]).encode()
    changed = draw(st.sampled_from(sorted(files)))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(files[changed])))
        files[changed] = files[changed][:at] + draw(st.binary(max_size=4)) + files[changed][at + 1 :]
    return files


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(files=experiments(), command=st.sampled_from(sorted(COMMANDS)))
def test_any_experiment_ends_in_documented_errors_only(
    folder: Path, files: dict[str, bytes], command: str
) -> None:
    shutil.rmtree(folder / BAD, ignore_errors=True)
    put(folder, BAD, files)
    words, expected = COMMANDS[command]

    assert expected in run(folder, words).stdout


Ask = Callable[[ExperimentRepository], object]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(files=experiments())
def test_any_experiment_raises_documented_errors_only(folder: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(folder / BAD, ignore_errors=True)
    put(folder, BAD, files)
    bad = ExperimentRepository(folder)[BAD]
    asked: list[Callable[[], object]] = [
        *(lambda name=name: bad[name] for name in bad.list_artifacts()),
        *(
            lambda name=name: getattr(bad, name)
            for name in ("status", "started", "ended", "note", "error", "notes")
        ),
        bad.metrics,
        lambda: bad.stitch("loss.csv"),
        lambda: ExperimentRepository(folder).meld_csv({BAD: "x"}, "loss.csv", "loss"),
    ]

    for ask in asked:
        with contextlib.suppress(LabWorkbookError):
            ask()
