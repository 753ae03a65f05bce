"""What a verb raises and what it does not; `tests/system_calls` makes each system call fail in each verb."""

from __future__ import annotations

import inspect
import json
import os
import sys

import lab_workbook
import pytest
from lab_workbook import ConfigurationError, InvalidValue


class Figure:
    """A figure whose drawing runs into an error."""

    def __init__(self, error):
        self.error = error

    def savefig(self, file, format):  # noqa: A002, ARG002 - as matplotlib calls it
        file.write(b"half")
        raise self.error


def lost(home_of, workbook):
    workbook.close()
    return json.loads((home_of(workbook) / ".lab-workbook/end.json").read_text())["lost"]


@pytest.mark.parametrize("error", [ValueError("no axes"), RuntimeError("no backend"), RecursionError()])
def test_an_error_of_the_callers_own_code_is_the_callers(workbook, home_of, error):
    """
    A figure that cannot be drawn is a bug of the script, which must not look like a full disk.
    """
    with pytest.raises(type(error)) as caught:
        workbook.save_figure("figure", Figure(error))

    assert caught.value is error
    assert not (home_of(workbook) / "figure.png").exists()
    assert lost(home_of, workbook)["artifacts"] == 0


@pytest.mark.parametrize(
    "error",
    [
        OSError(5, "Input/output error"),
        BlockingIOError(),
        MemoryError(),
        ImportError("no module 'backend_svg'"),
    ],
)
def test_a_fault_of_the_machine_is_a_loss_whoever_runs_into_it(workbook, home_of, capsys, error):
    """
    No disk, no memory, no installed file: the script is not to blame for any of it.
    """
    workbook.save_figure("figure", Figure(error))

    assert not (home_of(workbook) / "figure.png").exists()
    assert lost(home_of, workbook)["artifacts"] == 1
    assert capsys.readouterr().err.count("an artifact was lost ('figure.png': ") == 1


def test_arguments_that_do_not_fit_raise_as_of_any_function(workbook):
    """
    The guard is no part of what a caller sees.
    """
    with pytest.raises(TypeError, match="save_json"):
        workbook.save_json()
    with pytest.raises(TypeError, match="move_it"):
        workbook.save_file("file", "path", move_it=True)

    assert list(inspect.signature(workbook.save_json).parameters) == ["name", "value", "allow"]


@pytest.mark.parametrize("path", [5, None, "half\0"])
def test_what_is_not_a_path_is_misuse(workbook, path):
    with pytest.raises(InvalidValue, match=r"kind\.replace"):
        workbook.save_file("file", path)


def test_a_list_of_allowed_keys_is_one(workbook):
    with pytest.raises(InvalidValue, match=r"json\.secrets"):
        workbook.save_json("options", {"token": "hunter22"}, allow=5)


@pytest.mark.parametrize("seconds", ["soon", -1, float("nan")])
def test_flush_takes_seconds(workbook, seconds):
    with pytest.raises(ConfigurationError, match="flush"):
        workbook.flush(seconds)


def test_a_path_that_is_at_fault_is_raised(workbook, tmp_path):
    """
    With the error that Python has for it.
    """
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("x")
    at_fault = {
        "nowhere": FileNotFoundError,
        "": IsADirectoryError,
        "file/inside": NotADirectoryError,
        "loop": OSError,
        "x" * 300: OSError,
    }

    for path, error in at_fault.items():
        with pytest.raises(error):
            workbook.save_file("copy", tmp_path / path)

    if os.geteuid() != 0:
        (tmp_path / "file").chmod(0)
        with pytest.raises(PermissionError):
            workbook.save_file("copy", tmp_path / "file")


def test_a_verb_does_not_raise_because_calls_are_nested_deeply(script):
    """
    It needs more nested calls than are left, and the script, which needs 20, still has them.
    """
    ran = script.run(
        """
        workbook = lab_workbook.new_experiment(tag="T", capture_output=True)
        log = workbook.new_time_series_log("loss", ["step"])
        verbs = [lambda: log(step=1), lambda: workbook.log({"loss": 1}), lambda: print("x"),
                 lambda: workbook.save_json("options", {"a": [1]}), lambda: workbook.save_text("text", "x")]

        def nested(calls):
            return calls and nested(calls - 1)

        def dive(verb):
            nested(20)
            try:
                verb()
            except RecursionError:
                sys.__stderr__.write("raised")
            dive(verb)

        for verb in verbs:
            try:
                dive(verb)
            except RecursionError:
                pass
        """
    )

    assert ran.status == 0, ran.stderr
    assert "raised" not in ran.stderr


def test_a_script_without_memory_goes_on(script):
    """
    Each allocation of each verb fails once; only what comes before the verb's first line is the script's.
    """
    pytest.importorskip("_testcapi", reason="a Python without its own test modules")
    ran = script.run(
        """
        import _testcapi

        workbook = lab_workbook.new_experiment(tag="T")
        log = workbook.new_time_series_log("loss", ["step", "loss"])
        number = 0

        def attempt(verb, nth):
            global number
            number += 1
            name = f"name{number}"
            arguments = {"row": {"step": number}, "log": {"loss": 0.5}, "text": name}
            call = {
                "row": lambda: log(step=number, loss=0.5),
                "log": lambda: workbook.log({"loss": 0.5}),
                "save_json": lambda: workbook.save_json(name, {"n": [number]}),
                "save_text": lambda: workbook.save_text(name, "x"),
                "flush": lambda: workbook.flush(),
            }[verb]
            _testcapi.set_nomemory(nth, nth + 1)
            try:
                call()
            except MemoryError as error:
                return error.__traceback__
            finally:
                _testcapi.remove_mem_hooks()

        for verb in ("row", "log", "save_json", "save_text", "flush"):
            attempt(verb, 1_000_000)
            for nth in range(1, 150):
                traceback = attempt(verb, nth)
                while traceback and traceback.tb_next:
                    traceback = traceback.tb_next
                    if "lab_workbook" in traceback.tb_frame.f_code.co_filename:
                        sys.exit(f"{verb}: allocation {nth} in {traceback.tb_frame.f_code}")
        """
    )

    assert ran.status == 0, ran.stderr[-2000:]
    assert ran.end["lost"]["artifacts"] > 0


def test_the_guard_names_the_package_that_has_gone(script):
    """
    So that somebody who upgrades in the middle of a run learns what that has cost.
    """
    ran = script.run(
        """
        workbook = lab_workbook.new_experiment(tag="T")
        sys.modules["lab_workbook_writer.capture.environment"] = None
        workbook.save_environment()
        """
    )

    assert ran.status == 0
    assert "the package was removed or replaced since this script has started" in ran.stderr
    assert ran.end["lost"]["artifacts"] == 1


@pytest.mark.usefixtures("workbook")
def test_the_modules_of_ordinary_verbs_are_loaded_at_the_start():
    """
    Those of the others are not, because each experiment would start later by what they cost.
    """
    needed = {
        "handover",
        "capture.plain",
        "capture.figure",
        "capture.model",
        "capture.tensors",
    }

    assert {f"lab_workbook_writer.{name}" for name in needed} <= set(sys.modules)
    assert {lab_workbook.__name__, "lab_workbook.protocol.redaction"} <= set(sys.modules)
