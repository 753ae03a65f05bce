"""How a script ends is what its experiment says; each end here is a real process."""

import json
import signal
import subprocess
import sys
import textwrap

import pytest

OPEN = "workbook = lab_workbook.new_experiment(tag='T')\n"


def test_a_script_that_never_closes_has_ended(script):
    """
    At exit a workbook ends by itself; whether the script got to where it wanted only the script knows.
    """
    ran = script.run(OPEN + "workbook.save_json('options', {})")

    assert (ran.status, ran.stderr) == (0, "")
    assert (ran.end["outcome"], ran.end["error"]) == ("ended", None)
    assert set(ran.end["files"]) == {".lab-workbook/begin.json", "options.json"}


@pytest.mark.parametrize(
    "code",
    [
        OPEN + "workbook.close()",
        OPEN + "workbook.close()\nraise SystemExit(3)",
        "with lab_workbook.new_experiment(tag='T'): pass",
        "with lab_workbook.new_experiment(tag='T'): sys.exit(0)",
    ],
)
def test_a_script_that_closes_has_finished(script, code):
    """
    By `close`, or by the end of a ``with``; what happens later is not the experiment's.
    """
    ran = script.run(code)

    assert (ran.end["outcome"], ran.end["error"]) == ("finished", None)


def test_an_exception_that_nobody_catches_has_failed(script):
    """
    The outcome names the exception, and Python shows its traceback as ever.
    """
    ran = script.run(OPEN + "raise RuntimeError('loss is nan')")

    assert ran.status == 1
    assert "RuntimeError: loss is nan" in ran.stderr
    assert ran.end["outcome"] == "failed"
    assert ran.end["error"] == {"type": "RuntimeError", "message": "loss is nan"}


def test_an_exception_of_a_library_is_named_with_its_module(script):
    """
    ``JSONDecodeError`` alone would not say whose it is.
    """
    ran = script.run(OPEN + "import json; json.loads('{')")

    assert ran.end["error"]["type"] == "json.decoder.JSONDecodeError"


def test_an_exception_that_the_script_catches_is_no_failure(script):
    """
    Also when the script shows it with the very hook that we listen at. Nor is it a success: nobody closed.
    """
    ran = script.run(
        OPEN
        + """
try:
    raise RuntimeError("tried, and lived")
except RuntimeError:
    sys.excepthook(*sys.exc_info())
"""
    )

    assert "tried, and lived" in ran.stderr
    assert (ran.end["outcome"], ran.end["error"]) == ("ended", None)


def test_a_status_given_to_exit_has_failed(script):
    """
    ``sys.exit(3)`` ends with 3, and the experiment says so.
    """
    ran = script.run(OPEN + "sys.exit(3)")

    assert ran.status == 3
    assert ran.end["outcome"] == "failed"
    assert ran.end["error"] == {"type": "SystemExit", "message": "3"}


def test_a_message_given_to_exit_has_failed(script):
    """
    ``sys.exit("no data")`` prints the text and ends with 1, as without us.
    """
    ran = script.run(OPEN + "sys.exit('no data')")

    assert (ran.status, ran.stderr) == (1, "no data\n")
    assert ran.end["error"] == {"type": "SystemExit", "message": "no data"}


def test_exit_with_nothing_or_zero_is_no_failure(script):
    """
    Many scripts end with ``sys.exit(main())``, where ``main`` returns nothing or 0; that closes nothing.
    """
    for status in ("", "None", "0", "False"):
        ran = script.run(f"workbook = lab_workbook.new_experiment(tag='T{status}'); sys.exit({status})")
        end = ran._replace(home=ran.home.with_name(f"T{status}")).end

        assert ran.status == 0
        assert (end["outcome"], end["error"]) == ("ended", None)


def test_exit_is_seen_in_every_way_to_run_a_script(script):
    """
    With ``-m`` and ``-c`` as well as by its path.
    """
    for number, options in enumerate((["-Bm", "train"], ["-Bc", "import train"])):
        ran = script.run(f"lab_workbook.new_experiment(tag='T{number}'); sys.exit(4)", *options)

        assert ran.status == 4
        assert ran._replace(home=ran.home.with_name(f"T{number}")).end["error"]["message"] == "4"


def test_an_exit_that_the_script_catches_is_no_failure(script):
    """
    Libraries of commands and of tests call ``sys.exit`` and catch it again, and look at its code.
    """
    ran = script.run(
        OPEN
        + """
def main():
    try:
        sys.exit(3)
    except SystemExit as exit:
        assert exit.code == 3 and exit.args == (3,)
main()
"""
    )

    assert (ran.status, ran.stderr) == (0, "")
    assert (ran.end["outcome"], ran.end["error"]) == ("ended", None)


def test_an_exit_in_a_thread_ends_that_thread_alone(script):
    """
    It is quiet there, as without us, and no failure of the script.
    """
    ran = script.run(
        OPEN
        + """
import threading
thread = threading.Thread(target=sys.exit, args=(3,))
thread.start()
thread.join()
"""
    )

    assert (ran.status, ran.stderr) == (0, "")
    assert (ran.end["outcome"], ran.end["error"]) == ("ended", None)


def test_a_bare_system_exit_claims_nothing(script):
    """
    Its status cannot be seen from outside of a ``with`` block, so the outcome is ``ended``.
    """
    ran = script.run(OPEN + "raise SystemExit(3)")

    assert ran.status == 3
    assert (ran.end["outcome"], ran.end["error"]) == ("ended", None)


def test_a_with_block_sees_every_exit(script):
    """
    There, a bare ``SystemExit`` is told as it is.
    """
    ran = script.run("with lab_workbook.new_experiment(tag='T'):\n    raise SystemExit(3)")

    assert ran.status == 3
    assert ran.end["error"] == {"type": "SystemExit", "message": "3"}


def test_a_with_block_that_an_exception_leaves_has_failed(script):
    """
    Even if the script catches the exception afterwards: the experiment did not come to its end.
    """
    ran = script.run(
        """
        try:
            with lab_workbook.new_experiment(tag='T'):
                raise ValueError("no such optimizer")
        except ValueError:
            pass
        """
    )

    assert ran.status == 0
    assert ran.end["error"] == {"type": "ValueError", "message": "no such optimizer"}


def test_a_long_message_is_cut(script):
    """
    An exception may carry a whole batch in its message; end.json is read with every listing.
    """
    ran = script.run(OPEN + "raise ValueError('x' * 10_000_000)")

    assert len(ran.end["error"]["message"]) == 2000


def test_a_message_that_cannot_be_shown_does_not_hide_the_failure(script):
    """
    Exceptions with a broken ``__str__`` exist.
    """
    ran = script.run(
        OPEN
        + """
class Broken(Exception):
    def __str__(self):
        raise KeyError("oh")
raise Broken
"""
    )

    assert ran.end["outcome"] == "failed"
    assert ran.end["error"]["type"] == "__main__.Broken"


def test_ctrl_c_has_interrupted(script):
    """
    A user who stops a training is no error of the script.
    """
    process = script.start(OPEN + "import time\nprint('ready', flush=True)\nwhile True: time.sleep(0.01)")
    lines = iter(process.stdout.readline, "")
    assert "ready\n" in lines
    process.send_signal(signal.SIGINT)
    ran = script.finish(process)

    assert ran.status == -signal.SIGINT
    assert (ran.end["outcome"], ran.end["error"]["type"]) == ("interrupted", "KeyboardInterrupt")


def test_a_process_that_vanishes_says_nothing(script):
    """
    After ``os._exit`` or SIGKILL there is no end.json, and every row is there.
    """
    ran = script.run(
        OPEN
        + """
log = workbook.new_time_series_log("loss", ["step"])
for step in range(100):
    log(step=step)
os._exit(0)
"""
    )

    assert ran.end is None
    assert ran.text("loss.csv").count("\n") == 101


def test_hooks_of_others_go_on_working(script):
    """
    Whoever listened to exceptions before or after us still does, and afterwards all is as it was.
    """
    ran = script.run(
        """
        sys.excepthook = lambda *exception: print("before", exception[1])
        before, exit = sys.excepthook, sys.exit
        workbook = lab_workbook.new_experiment(tag='T')
        assert sys.excepthook is not before
        workbook.close()
        assert sys.excepthook is before and sys.exit is exit
        workbook = lab_workbook.new_experiment(tag='T2')
        ours = sys.excepthook
        sys.excepthook = lambda *exception: (print("after"), ours(*exception))
        workbook.close()
        lab_workbook.new_experiment(tag='T3')
        raise RuntimeError("oh")
        """
    )

    assert ran.stdout.splitlines()[-2:] == ["after", "before oh"]
    assert ran._replace(home=ran.home.with_name("T3")).end["outcome"] == "failed"


def test_several_open_workbooks_are_all_ended(script):
    """
    A script that runs five folds has five experiments open, and no fold is forgotten.
    """
    ran = script.run("folds = [lab_workbook.new_experiment(tag=f'T{fold}') for fold in range(3)]")

    for fold in range(3):
        assert ran._replace(home=ran.home.with_name(f"T{fold}")).end["outcome"] == "ended"


STILL_OPEN = "lab-workbook: the experiment {} is still open in this process"


def test_an_experiment_that_was_forgotten_is_warned_of_once(script):
    """
    When the next one of the same script starts; the warning names the first and says how to close.
    """
    ran = script.run("for run in range(3): workbook = lab_workbook.new_experiment(tag=f'T{run}')")

    (line,) = ran.stderr.splitlines()
    assert line.startswith(STILL_OPEN.format("T0"))
    assert "workbook.close()" in line
    assert "with" in line


@pytest.mark.parametrize(
    "code",
    [
        "for run in range(2): lab_workbook.new_experiment(tag=f'T{run}').close()",
        "for run in range(2):\n    with lab_workbook.new_experiment(tag=f'T{run}'): pass",
        # As a launcher does that runs several jobs in one process.
        "for run in range(2): sys.argv[1:] = [str(run)]; lab_workbook.new_experiment(tag=f'T{run}')",
        "os.environ['LAB_WORKBOOK_DISABLED'] = '1'\nfor run in 0, 1: lab_workbook.new_experiment()",
        "lab_workbook.new_experiment(tag='T0')\nif not os.fork(): lab_workbook.new_experiment(tag='T1')",
    ],
)
def test_nothing_is_warned_of_where_nothing_was_forgotten(script, code):
    """
    Closed, of other arguments, switched off, or another process's.
    """
    assert script.run(code).stderr == ""


def test_a_run_of_a_sweep_that_raised_has_not_finished(script):
    """
    Its exception was caught, and its ``close`` was never reached.
    """
    ran = script.run(
        """
        for run in range(3):
            try:
                workbook = lab_workbook.new_experiment(tag=f"T{run}")
                if run == 1:
                    raise ValueError("loss is nan")
                workbook.close()
            except ValueError:
                pass
        """
    )

    ends = [ran._replace(home=ran.home.with_name(f"T{run}")).end for run in range(3)]
    assert [end["outcome"] for end in ends] == ["finished", "ended", "finished"]
    assert ran.stderr.startswith(STILL_OPEN.format("T1"))


def test_an_experiment_that_was_replaced_did_not_fail_by_a_later_one(script):
    """
    A sweep that forgets to close, and whose last run raises, has one failure.
    """
    ran = script.run(
        "for run in range(3): lab_workbook.new_experiment(tag=f'T{run}')\nraise ValueError('oh')"
    )

    ends = [ran._replace(home=ran.home.with_name(f"T{run}")).end for run in range(3)]
    assert [end["outcome"] for end in ends] == ["ended", "ended", "failed"]
    assert [end["error"] for end in ends] == [None, None, {"type": "ValueError", "message": "oh"}]


def interactive(script, command, lines=""):
    """Run a session that is given lines, and return what it has left."""
    done = subprocess.run(
        [sys.executable, *command],
        input=textwrap.dedent(lines),
        env={**script.environment, "PYTHONSTARTUP": ""},
        cwd=script.path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return script.home.parent, done


def end_of(home, tag="T"):
    return json.loads((home / tag / ".lab-workbook/end.json").read_bytes())


SESSION = """
import lab_workbook
workbook = lab_workbook.new_experiment(tag="T")
raise KeyError("seen before it")
raise ValueError("loss is nan")
print("the session goes on")
"""


@pytest.mark.parametrize("command", [["-i", "-q"], ["-m", "IPython", "--simple-prompt", "--no-banner"]])
def test_the_last_exception_of_a_session_is_kept(script, command):
    """
    At a prompt an exception ends nothing, so the outcome stays `ended`; `error` says which was the last.
    """
    home, done = interactive(script, command, SESSION)

    assert "the session goes on" in done.stdout
    end = end_of(home)
    assert (end["outcome"], end["error"]) == ("ended", {"type": "ValueError", "message": "loss is nan"})


def test_an_exception_before_the_experiment_is_not_its_own(script):
    """
    Nor is there one, if none came while it was open.
    """
    home, _ = interactive(
        script,
        ["-m", "IPython", "--simple-prompt", "--no-banner"],
        """
        import lab_workbook
        raise KeyError("before")
        workbook = lab_workbook.new_experiment(tag="T")
        """,
    )

    assert (end_of(home)["outcome"], end_of(home)["error"]) == ("ended", None)


def test_an_experiment_that_is_closed_after_an_exception_has_finished(script):
    """
    Somebody has looked at it, and says so.
    """
    home, _ = interactive(script, ["-m", "IPython", "--simple-prompt"], SESSION + "workbook.close()\n")

    assert (end_of(home)["outcome"], end_of(home)["error"]) == ("finished", None)


def test_a_command_of_ipython_that_raises_has_failed(script):
    """
    ``ipython -c`` exits with a status that is not 0, and the exception says more than that.
    """
    code = "import lab_workbook; workbook = lab_workbook.new_experiment(tag='T'); 1 / 0"
    home, done = interactive(script, ["-m", "IPython", "-c", code])

    assert done.returncode == 1
    assert (end_of(home)["outcome"], end_of(home)["error"]["type"]) == ("failed", "ZeroDivisionError")


@pytest.fixture
def run_notebook(script, monkeypatch):
    """Run cells in a real kernel, which ends afterwards; an exception of a cell does not stop the others."""
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    import nbformat

    for name, value in script.environment.items():
        monkeypatch.setenv(name, value)

    def run_notebook(*cells):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        client = nbclient.NotebookClient(notebook, allow_errors=True, kernel_name="python3")
        client.execute(cwd=str(script.path.parent))
        outputs = [output for cell in notebook.cells for output in cell.outputs]
        return "".join(output.text for output in outputs if output.get("name") == "stderr")

    return run_notebook


OPEN_CELL = "import lab_workbook\nworkbook = lab_workbook.new_experiment()"


def ends_of(script):
    return [
        json.loads((home / ".lab-workbook/end.json").read_bytes())
        for home in sorted(script.home.parent.iterdir())
    ]


def test_a_notebook_whose_training_cell_raised_has_not_finished(script, run_notebook):
    """
    The kernel ends, and nobody has closed the experiment.
    """
    run_notebook(OPEN_CELL, "raise RuntimeError('out of memory')", "print(1)")

    (end,) = ends_of(script)
    assert (end["outcome"], end["error"]) == ("ended", {"type": "RuntimeError", "message": "out of memory"})


def test_a_cell_that_is_run_again_leaves_an_experiment_that_has_ended(script, run_notebook):
    """
    With the exception that was its last, and a warning with its tag; the new one is closed.
    """
    errors = run_notebook(OPEN_CELL, "raise RuntimeError('first')", OPEN_CELL, "1 / 0", "workbook.close()")

    ends = {end["outcome"]: end["error"] for end in ends_of(script)}
    assert ends == {"ended": {"type": "RuntimeError", "message": "first"}, "finished": None}
    assert errors.count("is still open in this process") == 1


def test_two_cells_may_have_an_experiment_each(run_notebook):
    """
    Such as one to compare with.
    """
    errors = run_notebook(
        OPEN_CELL, "other = lab_workbook.new_experiment()", "other.close(); workbook.close()"
    )

    assert errors == ""


def test_functions_registered_for_the_exit_later_can_still_log(script):
    """
    They run before ours, as Python promises.
    """
    ran = script.run(OPEN + "import atexit; atexit.register(lambda: workbook.save_text('last words', 'bye'))")

    assert ran.stderr == ""
    assert ran.text("last words") == "bye"
