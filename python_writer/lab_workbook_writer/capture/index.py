"""
An index of the commit that becomes one of the files as they are, and the patch from the one to the other.

It lies in a scratch repository, and the patch is tried there: it is put on the commit once more, and has to
lead to the same tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from lab_workbook_writer.capture import patch, redaction
from lab_workbook_writer.capture.changes import FILE_BYTES, Changes, LeftOut
from lab_workbook_writer.capture.git import Git, GitFailed

_DIFF: Final = (
    *("diff-index", "--patch", "--cached", "--binary", "--full-index", "--no-color", "--no-ext-diff"),
    *("--no-textconv", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "HEAD"),
)
# The modes of a submodule, and of nothing.
_GITLINK: Final = "160000"
_NONE: Final = "000000"


class Patch(NamedTuple):
    """A patch that was tried, and the tree that it leads to; None where it does not apply."""

    text: bytes
    tree: str | None
    redactions: int
    untracked: int


class Index:
    """An index of the commit, which becomes one of the files as they are."""

    def __init__(self, git: Git) -> None:
        self._git = git
        git.ask("read-tree", "HEAD")

    def fill(self, todo: Changes, modules: dict[bytes, str]) -> list[LeftOut]:
        """Put the changes in; returns what git refuses."""
        gone = [b"0 %s\t%s\0" % (b"0" * 40, path) for path in todo.gone]
        self._git.ask("update-index", "-z", "--index-info", given=b"".join(gone))
        refused = list(self._add(todo.present))
        links = [
            b"%s %s\t%s\0" % (_GITLINK.encode(), commit.encode(), path) for path, commit in modules.items()
        ]
        self._git.ask("update-index", "--replace", "-z", "--index-info", given=b"".join(links))
        return refused

    def _add(self, paths: list[bytes]) -> Iterator[LeftOut]:
        """Add files, all at once; where git refuses one of them, by halves."""
        if not paths:
            return
        words = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
        strict = ("-c", "core.protectHFS=true", "-c", "core.protectNTFS=true")
        try:
            self._git.ask(*strict, *words, given=b"".join(path + b"\0" for path in paths))
        except GitFailed as problem:
            if len(paths) == 1:
                yield LeftOut(paths[0], None, f"git refuses it: {problem}")
                return
            half = len(paths) // 2
            yield from self._add(paths[:half])
            yield from self._add(paths[half:])

    def patch(self, untracked: int) -> Patch:
        """Return what leads from the commit to this index."""
        tree = self._git.word("write-tree", "--missing-ok")
        heavy = b"".join(self._heavy())
        diff = self._git.ask(*_DIFF)
        text, cut = patch.redacted(diff + heavy, redaction.redacted_bytes, self._content)
        self._git.ask("read-tree", "HEAD")
        try:
            if text:
                self._git.ask("apply", "--cached", "--whitespace=nowarn", "-", given=text)
            made = self._git.word("write-tree", "--missing-ok")
        except GitFailed as problem:
            raise GitFailed(f"it does not apply to its own commit ({problem})") from None
        if not cut and made != tree:
            raise GitFailed("it does not lead to the files as they are")
        return Patch(text, made, cut, untracked)

    def _heavy(self) -> Iterator[bytes]:
        """Yield what is said of files that were too large to be quoted, and take them out of the index."""
        raw = self._git.ask("diff-index", "--cached", "--raw", "--no-renames", "--no-abbrev", "-z", "HEAD")
        words = raw.split(b"\0")[:-1]
        pairs = zip(words[0::2], words[1::2], strict=True)
        entries = [(path, facts.decode().lstrip(":").split()) for facts, path in pairs]
        there = [entry for entry in entries if entry[1][0] not in (_NONE, _GITLINK)]
        asked = "".join(f"{facts[2]}\n" for _, facts in there).encode()
        sizes = self._git.ask("cat-file", "--batch-check=%(objectsize)", given=asked).split(b"\n")
        for (path, (before, after, old, new, _)), size in zip(there, sizes, strict=False):
            if not size.isdigit() or int(size) <= FILE_BYTES:
                continue
            back = f"{before} {old}\t".encode() + path + b"\0"
            self._git.ask("update-index", "--replace", "-z", "--index-info", given=back)
            data = b"" if after == _NONE else self._content(new)
            if before[:3] == after[:3] or after == _NONE:
                yield patch.whole_file(path, (before, old), (after, new), data)
                continue
            # A file that is a link now, or the other way round, goes and comes.
            nothing = (_NONE, "0" * len(old))
            yield patch.whole_file(path, (before, old), nothing, b"")
            yield patch.whole_file(path, nothing, (after, new), data)

    def _content(self, blob: str) -> bytes:
        return self._git.ask("cat-file", "blob", blob)


def shown(path: bytes) -> str:
    """Return a path as text; bytes that are none in UTF-8 as escapes."""
    return path.decode("utf-8", "backslashreplace")
