"""Prefixes: where experiments lie."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_workbook.errors import ConfigurationError
from lab_workbook.protocol import prefix


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("s3://bucket", "s3://bucket/"),
        ("s3://bucket/", "s3://bucket/"),
        ("s3://bucket/a/b", "s3://bucket/a/b/"),
        ("s3://bucket/a%20b#c?d/", "s3://bucket/a%20b#c?d/"),
        ("file:///data/runs", "file:///data/runs/"),
        ("/data//runs/../x", "file:///data/x/"),
        ("/", "file:///"),
        ("/a:b://c", "file:///a:b:/c/"),
    ],
)
def test_a_prefix_ends_with_a_slash_and_is_otherwise_as_given(text, parsed):
    """
    Nothing is percent-decoded, and no character has a meaning.
    """
    assert str(prefix.parse(text)) == parsed
    assert prefix.parse(parsed) == prefix.parse(text)


@pytest.mark.parametrize(
    ("text", "rest"), [("~", ""), ("~/x", "x/"), ("file://~/x/", "x/"), ("file://~", "")]
)
def test_a_tilde_is_the_home_of_the_user(text, rest, isolation):
    """
    As HOME says, which is what a shell does.
    """
    assert prefix.parse(text).path == f"{isolation}/{rest}"


def test_a_relative_path_is_fixed_at_once(tmp_path, monkeypatch):
    """
    A script that changes its working directory must not split its experiment.
    """
    monkeypatch.chdir(tmp_path)

    parsed = prefix.parse("runs")

    assert parsed.path == f"{tmp_path}/runs/"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("a\nb", "control characters"),
        ("/a\x7f", "control characters"),
        ("gs://bucket/x", "gs:// is not supported, only s3:// and file://"),
        ("S3://bucket/x", "S3:// is not supported"),
        ("s3://", "'' is no bucket name"),
        ("s3://b", "'b' is no bucket name"),
        ("s3:///x", "'' is no bucket name"),
        ("s3://-bucket", "no bucket name"),
        ("file://relative", "comes an absolute path"),
        ("file://~user/x", "comes an absolute path"),
        ("~user/x", "whole path instead of '~user'"),
    ],
)
def test_what_cannot_be_a_prefix_is_refused(text, why):
    """
    With the text in the message.
    """
    with pytest.raises(ConfigurationError, match=why) as refused:
        prefix.parse(text)

    assert repr(text) in str(refused.value)


def test_a_tilde_without_a_home_is_refused(monkeypatch):
    """
    Some cron jobs have none.
    """
    monkeypatch.delenv("HOME")

    with pytest.raises(ConfigurationError, match="HOME is not set"):
        prefix.parse("~/runs")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_every_absolute_path_is_a_folder(text):
    """
    Reading what was read changes nothing.
    """
    parsed = prefix.parse("/" + text)

    assert parsed.kind == "folder"
    assert os.path.isabs(parsed.path)
    assert parsed.path.endswith("/")
    assert prefix.parse(parsed.path) == parsed
