"""
A patch, taken apart and put together again.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lab_workbook_writer.capture import patch, source

from tests.source.repositories import File, Repository, build, git, repositories, tree, write
from tests.source.test_edges import start

DIFF = ("diff", "--cached", "--binary", "--full-index", "--no-renames", "HEAD")


def cut(data: bytes) -> tuple[bytes, int]:
    """Cut a word, and the line feeds around it, so that lines disappear."""
    return data.replace(b"secret\n\n", b"[x]").replace(b"secret", b"[x]"), data.count(b"secret")


@settings(max_examples=8)
@given(drawn=repositories())
def test_what_needs_no_change_is_as_git_has_put_it(
    tmp_path_factory: pytest.TempPathFactory, drawn: Repository
) -> None:
    """
    Byte for byte; and counted anew, it says the same.
    """
    folder = build(drawn._replace(module=None, noise=""), tmp_path_factory.mktemp("p"))
    git(folder, "add", "-A")
    text = git(folder, *DIFF)
    files = tree(folder)

    parts = list(patch.sections(text))

    assert b"".join(part.raw for part in parts) == text
    git(folder, "reset", "-q", "--hard")
    anew = [part.text() if part.hunks else patch.redacted(part.raw, cut, bytes)[0] for part in parts]
    (folder.parent / "p").write_bytes(b"".join(anew))
    if text:
        git(folder, "apply", "--index", "--whitespace=nowarn", str(folder.parent / "p"))
    assert tree(folder) == files


LINES = st.lists(st.sampled_from([b"x", b"", b"secret", b"y", b"@@ -1 +1 @@", b"\\ No newline"]), max_size=40)


@settings(max_examples=10)
@given(old=LINES, new=LINES)
@example(old=[b"x"] * 30, new=[b"secret", b"", *[b"x"] * 30, b"y"])
def test_lines_that_disappear_leave_the_others_in_their_places(
    tmp_path_factory: pytest.TempPathFactory, old: list[bytes], new: list[bytes]
) -> None:
    """
    A key of ten lines becomes one mark, and what comes after it still fits.
    """
    folder = tmp_path_factory.mktemp("p") / "source"
    before = [line for line in old if line != b"secret"]
    start(folder, {b"a": File(b"".join(line + b"\n" for line in before) + b"end\n")})
    write(folder, {b"a": File(b"".join(line + b"\n" for line in new) + b"end\n")})
    git(folder, "add", "-A")
    text = git(folder, *DIFF)

    made, count = patch.redacted(text, cut, lambda _: b"")

    assert b"secret" not in made
    assert count == text.split(b"\n").count(b"+secret")
    for section in patch.sections(made):
        shift = 0
        for hunk in section.hunks:
            assert hunk.new == hunk.old + shift
            shift += sum(line.startswith(b"+") for line in hunk.lines)
            shift -= sum(line.startswith(b"-") for line in hunk.lines)
    git(folder, "reset", "-q", "--hard")
    (folder.parent / "p").write_bytes(made)
    if made:
        git(folder, "apply", str(folder.parent / "p"))


def test_names_that_git_cannot_tell_apart(tmp_path: Path) -> None:
    """
    An empty file has no line that names it once more.
    """
    folder = tmp_path / "source"
    start(folder, {b"a": File(b"")})
    write(folder, {b"a /b c": File(b""), b"d e": File(b"\0"), b'"f /g': File(b"")})

    parts = dict(source.capture("Source", str(folder)).parts)

    (tmp_path / "p").write_bytes(parts[".git-patch"])
    files = tree(folder)
    git(folder, "clean", "-fdq")
    git(folder, "reset", "-q", "--hard")
    git(folder, "apply", str(tmp_path / "p"))
    assert tree(folder) == files
