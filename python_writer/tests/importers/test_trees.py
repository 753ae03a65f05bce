"""Folders of strangers: what is opened is a plain file, whatever happens between two calls."""

from __future__ import annotations

import os

import pytest
from lab_workbook.errors import Unreadable
from lab_workbook_writer.importers import trees


def fail(name, why):
    raise AssertionError((name, why))


def test_a_link_is_not_opened_even_if_it_was_a_file_before(tmp_path):
    (tmp_path / "mine").write_text("secret")
    (tmp_path / "link").symlink_to("mine")

    with pytest.raises(Unreadable, match="cannot be read: Too many levels of symbolic links"):
        trees.opened(str(tmp_path / "link"))


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(Unreadable, match="is no plain file"):
        trees.opened(str(tmp_path / "pipe"))


def test_folders_come_in_one_order_with_their_names(tmp_path):
    """
    Also where one of them is above itself by a link.
    """
    (tmp_path / "b/c").mkdir(parents=True)
    (tmp_path / "a").mkdir()
    (tmp_path / "b/up").symlink_to(tmp_path)
    (tmp_path / "b/f").write_text("")

    assert [name for _, name in trees.folders(str(tmp_path), fail)] == [".", "a", "b", "b/c"]
    assert [each.name for each in trees.all_files(str(tmp_path), fail)] == ["b/f"]
    assert trees.others(str(tmp_path)) == 1


def test_a_folder_that_cannot_be_listed_is_told(tmp_path):
    with pytest.raises(Unreadable, match="cannot be listed: No such file or directory"):
        trees.files(str(tmp_path / "gone"))
