"""
An index of the commit that becomes one of the files as they are, and the patch from the one to the other.

It lies in a scratch repository, and the patch is tried there: it is put on the commit once more, and has to
lead to the same tree.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from lab_workbook.protocol import redaction

from lab_workbook_writer.capture import patch
from lab_workbook_writer.capture.changes import FILE_BYTES, Changes, LeftOut
from lab_workbook_writer.capture.git import GitFailed, TooSlow
from lab_workbook_writer.capture.repository import Scratch, keep

_DIFF: Final = (
    *("diff-index", "--patch", "--cached", "--binary", "--full-index", "--no-color", "--no-ext-diff"),
    *("--no-textconv", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "HEAD"),
)
# The modes of a submodule, and of nothing.
_GITLINK: Final = "160000"
_NONE: Final = "000000"


class Entry(NamedTuple):
    """What an index has under a path."""

    mode: str
    blob: str


class Patch(NamedTuple):
    """A patch that was tried, and the tree that it leads to."""

    text: bytes
    tree: str
    redactions: int
    untracked: int


class Index:
    """An index of the commit, which becomes one of the files as they are."""

    def __init__(self, scratch: Scratch, digits: int) -> None:
        self._scratch = scratch
        self._nothing = Entry(_NONE, "0" * digits)
        self._git = scratch.reads
        self._git.ask("read-tree", "HEAD")
        entries = self._git.ask("ls-files", "-s", "-z").split(b"\0")[:-1]
        pairs = (entry.partition(b"\t")[::2] for entry in entries)
        self._head = {path: Entry(*facts.decode().split()[:2]) for facts, path in pairs}

    def content_of(self, path: bytes) -> bytes | None:
        """Return what the commit has under a path; None if that is no file."""
        entry = self._head.get(path)
        return None if entry is None or entry.mode == _GITLINK else self._content(entry.blob)

    def fill(self, todo: Changes, modules: Mapping[bytes, str]) -> list[LeftOut]:
        """Put the changes in; returns what git refuses."""
        self._keep_old([*todo.present, *todo.gone])
        self._set((path, self._nothing) for path in todo.gone)
        refused = list(self._add(todo.present))
        self._set((path, Entry(_GITLINK, commit)) for path, commit in modules.items())
        return refused

    def patch(self, untracked: int) -> Patch:
        """Return what leads from the commit to this index."""
        tree = self._tree()
        heavy = list(self._heavy())
        self._set((path, old) for path, old, _ in heavy)
        text, cut = patch.redacted(self._git.ask(*_DIFF), self._redact, self._content)
        self._git.ask("read-tree", "HEAD")
        try:
            if text:
                self._scratch.writes.ask("apply", "--cached", "--whitespace=nowarn", "-", given=text)
        except GitFailed as problem:
            raise GitFailed(f"it does not apply to its own commit ({problem})") from None
        for path, old, new in heavy:
            section, found = self._whole(path, old, new)
            text += section
            cut += found
        made = self._tree()
        if not cut and made != tree:
            raise GitFailed("it does not lead to the files as they are")
        return Patch(text, made, cut, untracked)

    def _keep_old(self, paths: Iterable[bytes]) -> None:
        """Copy what the commit has of files; git looks at it for their line ends, and to try the patch."""
        entries = (self._head[path] for path in paths if path in self._head)
        blobs = {entry.blob for entry in entries if entry.mode != _GITLINK}
        small = [blob for blob, size in self._sizes(blobs).items() if size <= FILE_BYTES]
        answer = self._git.ask("cat-file", "--batch", given="".join(f"{blob}\n" for blob in small).encode())
        place = 0
        for blob in small:
            end = answer.index(b"\n", place)
            size = int(answer[place:end].split()[2])
            keep(self._scratch.folder, blob, answer[end + 1 : end + 1 + size])
            place = end + size + 2

    def _sizes(self, blobs: Iterable[str]) -> dict[str, int]:
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        lines = self._git.ask("cat-file", "--batch-check", given=asked).decode().splitlines()
        words = (line.split() for line in lines)
        return {each[0]: int(each[2]) for each in words if len(each) == 3}

    def _set(self, entries: Iterable[tuple[bytes, Entry]]) -> None:
        lines = [f"{entry.mode} {entry.blob}\t".encode() + path + b"\0" for path, entry in entries]
        self._git.ask("update-index", "--add", "--replace", "-z", "--index-info", given=b"".join(lines))

    def _add(self, paths: list[bytes]) -> Iterator[LeftOut]:
        """Add files, all at once; where git refuses one of them, by halves."""
        if not paths:
            return
        words = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
        strict = ("-c", "core.protectHFS=true", "-c", "core.protectNTFS=true")
        try:
            self._scratch.writes.ask(*strict, *words, given=b"".join(path + b"\0" for path in paths))
        except GitFailed as problem:
            if len(paths) == 1:
                yield LeftOut(paths[0], None, f"git refuses it: {problem}")
                return
            half = len(paths) // 2
            yield from self._add(paths[:half])
            yield from self._add(paths[half:])

    def _tree(self) -> str:
        return self._scratch.writes.ask("write-tree", "--missing-ok").decode().strip()

    def _heavy(self) -> Iterator[tuple[bytes, Entry, Entry]]:
        """Yield the files, as they were and as they are, whose old content is too large to be quoted."""
        raw = self._git.ask("diff-index", "--cached", "--raw", "--no-renames", "--no-abbrev", "-z", "HEAD")
        words = raw.split(b"\0")[:-1]
        entries = [
            (path, facts.decode()[1:].split()) for facts, path in zip(words[0::2], words[1::2], strict=True)
        ]
        there = [(path, facts) for path, facts in entries if facts[0] not in (_NONE, _GITLINK)]
        sizes = self._sizes({facts[2] for _, facts in there})
        for path, (before, after, old, new, _) in there:
            if sizes.get(old, 0) > FILE_BYTES:
                yield path, Entry(before, old), Entry(after, new)

    def _whole(self, path: bytes, old: Entry, new: Entry) -> tuple[bytes, int]:
        """Return what a patch says of a heavy file, and put that into the index."""
        if new.mode in (_NONE, _GITLINK):
            self._set([(path, new)])
            return patch.whole_file(path, old, self._nothing, b""), 0
        data, cut = self._redact(self._content(new.blob))
        new = Entry(new.mode, patch.blob_id(data, len(old.blob)))
        self._set([(path, new)])
        if old.mode[:3] == new.mode[:3]:
            return patch.whole_file(path, old, new, data), cut
        # A file that is a link now, or the other way round, goes and comes.
        gone = patch.whole_file(path, old, self._nothing, b"")
        return gone + patch.whole_file(path, self._nothing, new, data), cut

    def _redact(self, data: bytes) -> tuple[bytes, int]:
        # A patch of a million hunks takes a while.
        if time.monotonic() > self._git.deadline:
            raise TooSlow("looking for secrets in the patch took too long")
        return redaction.redacted_bytes(data)

    def _content(self, blob: str) -> bytes:
        return self._git.ask("cat-file", "blob", blob)


def shown(path: bytes) -> str:
    """Return a path as text; bytes that are none in UTF-8 as escapes."""
    return path.decode("utf-8", "backslashreplace")
