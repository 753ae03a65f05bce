"""Any sequence of verbs, against a model of the folder."""

import json
import os

import lab_workbook
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from lab_workbook import InvalidName, InvalidSeries

words = st.sampled_from(["a", "b", "a/c", "B", "loss"])


class Workbooks(RuleBasedStateMachine):
    """
    Any sequence of verbs: what the workbook took is in the folder, byte by byte, and nothing else.
    """

    def __init__(self):
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.workbook = lab_workbook.new_experiment(bucket_prefix=self.folder.name)
        self.home = os.path.join(self.folder.name, self.workbook.tag)
        self.files = {}
        self.logs = {}

    @rule(name=words, value=st.integers())
    @precondition(lambda self: self.workbook)
    def save_json(self, name, value):
        self.take(name + ".json", lambda: self.workbook.save_json(name, value), str(value).encode())

    @rule(name=words, text=st.text("ab\n", max_size=5))
    def save_text(self, name, text):
        self.take(name, lambda: self.workbook.save_text(name, text), text.encode())

    @rule(name=words)
    def open_series(self, name):
        def verb():
            self.logs[name] = self.workbook.new_time_series_log(name, ["x"])

        if name in self.logs:
            with pytest.raises(InvalidSeries):
                verb()
        else:
            self.take(name + ".csv", verb, b"x,Date\n")

    @rule(name=words, x=st.integers(-5, 5))
    @precondition(lambda self: self.logs)
    def log(self, name, x):
        if name in self.logs:
            self.logs[name](x=x)
            row = self.read(name + ".csv")[len(self.files[name + ".csv"]) :]
            assert row.startswith(f"{x},2".encode())
            assert row.endswith(b"Z\n")
            self.files[name + ".csv"] += row

    @rule()
    def flush(self):
        assert self.workbook.flush()

    def take(self, name, verb, data):
        try:
            verb()
        except InvalidName:
            folded = {other.lower() for other in self.files if other != name}
            assert any(
                name.lower() == other
                or other.startswith(name.lower() + "/")
                or name.lower().startswith(other + "/")
                for other in folded
            )
        else:
            self.files[name] = data

    def read(self, name):
        with open(os.path.join(self.home, name), "rb") as file:
            return file.read()

    @invariant()
    def the_folder_is_what_was_saved(self):
        there = {
            os.path.relpath(os.path.join(folder, name), self.home)
            for folder, _, names in os.walk(self.home)
            for name in names
        }
        assert there - {".lab-workbook/begin.json", ".lab-workbook/tmp/reserve"} == set(self.files)
        for name, data in self.files.items():
            assert self.read(name) == data

    def teardown(self):
        self.workbook.close()
        with open(os.path.join(self.home, ".lab-workbook", "end.json"), "rb") as file:
            assert set(json.load(file)["files"]) == {*self.files, ".lab-workbook/begin.json"}
        self.folder.cleanup()


Workbooks.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestAnySequenceOfVerbs = Workbooks.TestCase
