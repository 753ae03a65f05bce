"""
The setting ``redact``: patterns of secrets of one's own, read alike by both languages.
"""

import json
import os
import subprocess
import sys

import pytest
from lab_workbook import config
from lab_workbook.errors import ConfigurationError
from lab_workbook.protocol import _spec, redaction, secret_patterns

from tests.secrets.test_corpus import RUNTIMES, Lua, Python

MARK = _spec.SECRET_MARK
KNOWN = [
    (r"ACME-\d{8}", "use ACME-12345678 now", f"use {MARK} now"),
    (r"ACME-\d{8}", "ACME-1234567 is too short", "ACME-1234567 is too short"),
    ("tok_[0-9a-f]{4,}|key:[^ ]+", "tok_0a1b2c, key:x/y z", f"{MARK}, {MARK} z"),
    (r"a\.b\|c", "a.b|c axb", f"{MARK} axb"),
    (r"[\w.]+@example\.org", "ann.b@example.org", MARK),
    ("é".encode().hex() + "?x{2}", "c3axx c3a9xx", f"{MARK} {MARK}"),
    (r"x[^\d]y", "x1y xay xéy", f"x1y {MARK} xéy"),
    (r"[a-c\]]{2,3}!", "ab]! zab!", f"{MARK} z{MARK}"),
    (r"a.{0,5}b%", "a--b% a------b%", f"{MARK} a------b%"),
    (r"\s\[k\]", "x [k]", f"x{MARK}"),
]
REFUSED = [
    "(ab)+",
    "a**",
    "^ab",
    "ab$",
    r"\bab",
    "a{1000}",
    "a{0,100}b",
    "",
    "a*",
    "[",
    "[]",
    "ab|",
    "é",
    "[z-a]",
    r"ab\\"[:-1],
]


@pytest.fixture(params=("python", *RUNTIMES))
def writer(request):
    """The functions of a writer, without patterns of other tests."""
    redaction._own.clear()
    yield Python() if request.param == "python" else Lua(request.param)
    redaction._own.clear()


@pytest.mark.parametrize(("redact", "text", "left"), KNOWN)
def test_a_pattern_is_redacted(writer, redact, text, left):
    """
    Each sign of the subset, in the words of both languages.
    """
    writer.patterns(redact)

    assert writer.text(text) == (left, left.count(MARK))


@pytest.mark.parametrize("redact", REFUSED)
def test_what_is_not_in_the_subset_is_refused(writer, redact):
    """
    By both, because a pattern that only one of them knows would protect half of the experiments.
    """
    with pytest.raises(ValueError, match=r"\w"):
        secret_patterns.parse(redact)
    if not isinstance(writer, Python):
        with pytest.raises(ValueError, match=r"\w"):
            writer.patterns(redact)


def test_a_faulty_setting_is_refused_with_its_reason():
    """
    Before anything is recorded.
    """
    with pytest.raises(ConfigurationError, match=r"redact = '\(a\)': .* docs/secrets.md"):
        config.load({"redact": "(a)"})


@pytest.mark.parametrize("language", ["python", "lua5.1"])
def test_the_setting_counts_for_every_text(tmp_path, language):
    """
    Given in the environment, as the file gives it too.
    """
    prefix = json.dumps(f"{tmp_path}/experiments/")
    if language == "python":
        script = (
            f"import lab_workbook as l; l.new_experiment(bucket_prefix={prefix}, note='for ACME-12345678')"
        )
        command = [sys.executable, "-c", script]
    else:
        script = (
            f"require('lab-workbook'):newExperiment{{bucketPrefix = {prefix}, note = 'for ACME-12345678'}}"
        )
        command = [language, "-e", script]
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    environment = dict(os.environ) | {
        "LUA_PATH": f"{root}/lua/?.lua;{root}/lua/?/init.lua;;",
        "LAB_WORKBOOK_REDACT": r"ACME-\d{8}",
    }
    run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)

    (experiment,) = (tmp_path / "experiments").iterdir()
    assert json.loads((experiment / _spec.LAYOUT_BEGIN).read_text())["note"] == f"for {MARK}"
    assert json.loads((experiment / _spec.LAYOUT_END).read_text())["lost"]["secrets"] == 1
    assert "in the note" in run.stderr
