"""How a script ends is what its experiment says; each end here is a real process."""

import signal

OPEN = "workbook = lab_workbook.new_experiment(tag='T')\n"


def test_a_script_that_runs_to_its_end_has_finished(script):
    """
    Nobody needs to close a workbook: at exit it closes itself.
    """
    ran = script.run(OPEN + "workbook.save_json('options', {})")

    assert (ran.status, ran.stderr) == (0, "")
    assert (ran.end["outcome"], ran.end["error"]) == ("finished", None)
    assert set(ran.end["files"]) == {".lab-workbook/begin.json", "options.json"}


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
    Also when the script shows it with the very hook that we listen at.
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
    assert ran.end["outcome"] == "finished"


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


def test_exit_with_nothing_or_zero_has_finished(script):
    """
    Many scripts end with ``sys.exit(main())``, where ``main`` returns nothing or 0.
    """
    for status in ("", "None", "0", "False"):
        ran = script.run(f"workbook = lab_workbook.new_experiment(tag='T{status}'); sys.exit({status})")
        end = ran._replace(home=ran.home.with_name(f"T{status}")).end

        assert ran.status == 0
        assert end["outcome"] == "finished"


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
    assert ran.end["outcome"] == "finished"


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
    assert ran.end["outcome"] == "finished"


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


def test_several_open_workbooks_are_all_closed(script):
    """
    A script that runs five folds has five experiments open, and no fold is forgotten.
    """
    ran = script.run("folds = [lab_workbook.new_experiment(tag=f'T{fold}') for fold in range(3)]")

    for fold in range(3):
        assert ran._replace(home=ran.home.with_name(f"T{fold}")).end["outcome"] == "finished"


def test_functions_registered_for_the_exit_later_can_still_log(script):
    """
    They run before ours, as Python promises.
    """
    ran = script.run(OPEN + "import atexit; atexit.register(lambda: workbook.save_text('last words', 'bye'))")

    assert ran.stderr == ""
    assert ran.text("last words") == "bye"
