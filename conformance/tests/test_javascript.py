"""
The third writer, which somebody wrote who had read the specification and nothing else, speaks the protocol.
"""

import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from lab_workbook_conformance import certify

FOLDER = Path(__file__).parents[1] / "writers" / "javascript"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed: apt-get install nodejs")

# A text of JavaScript is UTF-16, so there are bytes that none can hold.
ODD_BYTES = {"name.utf8", "text.mended"}
# A script that goes on after such a name is refused is not played either.
GOES_ON = {"misuse.trace"}


def test_the_writer_and_the_reader_in_javascript_speak_the_protocol():
    """
    No rule of its levels is broken, and nothing is left out but bytes that no text of JavaScript holds.
    """
    report = certify.run([NODE, str(FOLDER / "adapter.mjs")])

    assert report.broken == set()
    assert report.exit_code == 0, report.counts
    left_out = [result.case for result in report.results if result.verdict == "unsupported"]
    assert {rule for case in left_out for rule in case.rules} <= ODD_BYTES | GOES_ON
    assert {result.case.role for result in report.results} == {"writer", "reader"}


@pytest.fixture
def script(tmp_path):
    """
    A function that runs a script in JavaScript, and returns its status and what its end.json says.
    """

    def run(source):
        opening = f"import {{ newExperiment }} from '{(FOLDER / 'lab-workbook.mjs').as_uri()}';"
        began = f"const workbook = newExperiment({{ bucketPrefix: '{tmp_path}', tag: 'T' }});"
        command = [NODE, "--input-type=module", "--eval", f"{opening}\n{began}\n{source}"]
        ran = subprocess.run(command, capture_output=True, timeout=60, check=False)
        return ran.returncode, json.loads((tmp_path / "T/.lab-workbook/end.json").read_bytes())

    return run


@pytest.mark.parametrize(
    ("source", "status", "outcome"),
    [
        pytest.param("workbook.saveText('a', 'b');", 0, "ended", id="runs to its end"),
        pytest.param("process.exit(3);", 3, "failed", id="exits with a status"),
        pytest.param("throw new RangeError('too far');", 1, "failed", id="throws"),
        pytest.param("await Promise.reject(new RangeError('too far'));", 1, "failed", id="rejects"),
        pytest.param("workbook.close(); process.exit(3);", 3, "finished", id="closes first"),
    ],
)
def test_the_outcome_says_how_a_script_in_javascript_ended(script, source, status, outcome):
    """
    Node tells how a process ends, so the writer need not guess.
    """
    returned, end = script(source)

    assert (returned, end["outcome"]) == (status, outcome)
    assert (end["error"] or {}).get("message", "too far") in ("too far", "the script exited with 3")


def test_a_signal_interrupts_a_script_in_javascript_and_still_kills_it(script):
    """
    The writer says `interrupted`, and then gets out of the way of the signal.
    """
    returned, end = script("process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);")

    assert returned == -signal.SIGTERM
    assert end["outcome"] == "interrupted"


def test_a_signal_that_a_script_in_javascript_handles_is_its_own(script):
    """
    A script that catches the signal goes on, logs, and ends as it likes.
    """
    returned, end = script(
        "process.once('SIGTERM', () => { workbook.saveText('last', 'words'); process.exit(0); });"
        "process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);"
    )

    assert returned == 0
    assert end["outcome"] == "ended"
    assert "last" in end["files"]


def test_a_series_in_javascript_goes_on_behind_a_full_disk(tmp_path):
    """
    A row that the disk refused in the middle is removed, the next one stands whole, and the loss is counted.
    """
    source = (
        f"import {{ newExperiment }} from '{(FOLDER / 'lab-workbook.mjs').as_uri()}';"
        f"const workbook = newExperiment({{ bucketPrefix: '{tmp_path}', tag: 'T' }});"
        "const log = workbook.newTimeSeriesLog('notes', ['note']);"
        "log({ note: 'short' }); log({ note: 'x'.repeat(5000) }); log({ note: 'after' }); workbook.close();"
    )
    # A limit on the size of files refuses the middle of a row as a full disk does; Node ignores SIGXFSZ.
    command = ["bash", "-c", 'ulimit -f 4; exec "$0" --input-type=module --eval "$1"', NODE, source]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    cells = [line.split(",")[0] for line in (tmp_path / "T/notes.csv").read_text().splitlines()]
    end = json.loads((tmp_path / "T/.lab-workbook/end.json").read_bytes())
    assert cells == ["note", '"short"', '"after"']
    assert end["lost"] == {"rows": 1}
    assert ran.stderr.count("is lost") == 1
