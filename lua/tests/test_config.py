"""The configuration and the prefix: both languages read them alike."""

import os
import pwd
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lab_workbook import config
from lab_workbook.errors import ConfigurationError
from lab_workbook.protocol import prefix

LINES = st.lists(
    st.sampled_from(
        [
            "bucketPrefix = s3://b/",
            "bucketPrefix=~/x",
            "# c",
            "; c",
            "",
            "  \t",
            "[general]",
            "a: b",
            "tag = 2016",
            "x = a = b",
            "x = 'q'",
            'y = "',
            "region =",
            " region = eu ",
            "=x",
            "a b = c",
            "ä = b",
            "x = ä # no",
            "1a = b",
        ]
    )
    | st.text(st.sampled_from("ab =#;'\"[]:\t\r\0ä")),
    max_size=6,
)


@given(lines=LINES, end=st.sampled_from(["\n", "\r\n"]), mark=st.sampled_from(["", "\ufeff"]))
def test_a_configuration_gives_the_same_in_both_languages(lua, lines, end, mark):
    """
    The same values, or an error that names the same line and says the same.
    """
    content = mark + end.join(lines)
    try:
        expected = config.parse(content, "file")
    except ConfigurationError as error:
        expected = str(error)

    values, message = _pair(lua.eval("require('lab-workbook.config').parse")(content.encode(), b"file"))

    if message is None:
        assert {key.decode(): value.decode() for key, value in values.items()} == expected
    else:
        assert _unquoted(message.decode()) == _unquoted(expected)


PLACES = [
    "s3://bucket", "s3://bucket/", "s3://bucket/a/b", "s3://bucket/a//", "s3://b", "s3:///x", "s3://b%20c/x",
    "S3://bucket", "s3://bucket/%41 é/", "gs://b/x", "http://x", "a://b", "a\nb", "",
    "file:///abs", "file:///abs/", "file:///a/../b/./c//d", "file://~/x", "file://~", "file://rel", "file://h/x",
    "~/x", "~", "~other/x", "/abs", "/", "//", "//x", "///x", "rel/x", "./x", "..",
]  # fmt: skip


@given(text=st.sampled_from(PLACES) | st.text(st.sampled_from("sfile3:/.~ab")))
@example("//..")
@example("s3://-ab/")
def test_a_prefix_means_the_same_in_both_languages(lua, text):
    """
    The same place, or both refuse it for the same reason.
    """
    try:
        expected = str(prefix.parse(text))
    except ConfigurationError as error:
        expected = str(error)

    place, message = _pair(lua.eval("require('lab-workbook.prefix').parse")(text.encode()))

    if message is None:
        assert lua.eval("tostring")(place).decode() == expected
    else:
        assert _unquoted(message.decode()) == _unquoted(expected)


def test_every_setting_has_its_variable(lua):
    """
    bucketPrefix is LAB_WORKBOOK_BUCKET_PREFIX, as in Python.
    """
    keys = lua.eval("require('lab-workbook.config').keys()").values()

    variables = {
        key.decode(): lua.eval("require('lab-workbook.config').variable")(key).decode() for key in keys
    }

    assert variables == {
        key: "LAB_WORKBOOK_" + config.snake_case(key).upper() for key in config._spec.CONFIG_DEFAULTS
    }


@pytest.mark.parametrize("key", ["bucketPrefix", "region", "spoolDir"])
def test_an_empty_argument_is_refused(run, key):
    """
    It is a mistake of the script, and a default would hide it.
    """
    script = f"require('lab-workbook'):newExperiment{{{key} = ''}}"

    done = run(script, bare=True, check=False)

    assert "empty" in done.stderr


def test_argument_beats_environment_beats_file(run, tmp_path):
    """
    And an empty variable is unset.
    """
    home = tmp_path / "home"
    home.mkdir()
    (home / ".lab-workbook-config").write_text(f"bucketPrefix = {tmp_path}/file\nregion = eu\ntag = 2016\n")
    script = (
        "local lab = require 'lab-workbook' lab:newExperiment{tag = 'A', bucketPrefix = '~/argument'}"
        " lab:newExperiment{tag = 'B'}"
    )

    first = run(script, bare=True, HOME=str(home), LAB_WORKBOOK_BUCKET_PREFIX=str(tmp_path / "environment"))
    run(script.replace("'A'", "'C'"), bare=True, HOME=str(home), LAB_WORKBOOK_BUCKET_PREFIX="")

    assert sorted(os.listdir(home / "argument")) == ["A", "C"]
    assert os.listdir(tmp_path / "environment") == ["B"]
    assert os.listdir(tmp_path / "file") == ["B"]
    assert first.stderr.count("unknown key 'tag' sets nothing") == 1


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"LAB_WORKBOOK_UPLOAD_EVERY": "soon"},
            "LAB_WORKBOOK_UPLOAD_EVERY = 'soon': it must be a number of seconds",
        ),
        ({"LAB_WORKBOOK_UPLOAD_EVERY": "-1"}, "it must be a number of seconds, 0 or more"),
        ({"LAB_WORKBOOK_UPLOADER": "ftp"}, "it is one of auto, lab-workbook, aws"),
        ({"LAB_WORKBOOK_BUCKET_PREFIX": "gs://x"}, "gs:// is not supported, only s3:// and file://"),
    ],
)
def test_a_setting_that_cannot_be_used_says_where_it_was_set(run, variables, message):
    """
    And the experiment does not start.
    """
    done = run("", check=False, **variables)

    assert done.returncode == 1
    assert message in done.stderr


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_a_home_that_of_the_user_counts(run, home):
    """
    As in Python, and no setting needs it that is not used.
    """
    print_folders = "local c = require('lab-workbook.config').load{} print(c.spoolDir, c.cacheDir)"

    done = run(print_folders, bare=True, HOME=home)

    users = pwd.getpwuid(os.getuid()).pw_dir
    assert done.stdout == f"{users}/.local/state/lab-workbook/\t{users}/.cache/lab-workbook/\n"


def test_a_broken_line_is_named(run, tmp_path):
    """
    With the file, its number and what to do.
    """
    (tmp_path / ".lab-workbook-config").write_text("# fine\n[general]\n")

    done = run("", check=False, HOME=str(tmp_path))

    assert f"{tmp_path}/.lab-workbook-config, line 2: '[general]' is not `key = value`" in done.stderr


def _pair(result):
    return result if isinstance(result, tuple) else (result, None)


def _unquoted(message):
    # The two languages quote odd texts in their own manner.
    return re.sub(r"(: |prefix )(['\"]).*\2(?=( is|:| cannot))", r"\1…", message.split("file, line 0")[0])


@pytest.mark.parametrize(
    ("line", "is_fine"),
    [
        ("cacheBytes = 5000000000", True),
        ("cacheBytes = 0", True),
        ("cacheBytes = -1", False),
        ("cacheDir = ~/copies", True),
    ],
)
def test_what_is_for_readers_is_known_to_writers(lua, isolation, line, is_fine):
    """
    One file is read by both, so a setting of the other side is no unknown key; and it is checked alike.
    """
    (isolation / ".lab-workbook-config").write_text(f"{line}\n")
    try:
        expected = config.load()
    except ConfigurationError:
        expected = None

    is_loaded = lua.eval("pcall(require('lab-workbook.config').load, {})")

    assert (is_loaded if isinstance(is_loaded, bool) else is_loaded[0]) == (expected is not None) == is_fine
