"""
A patch as git writes it, taken apart, so that no secret leaves with it and it still applies.

What was added is redacted where it stands. What was there before is in the commit, and git looks for it
word for word: where that holds a secret, the file's changes are put as git puts those of a binary, by its
whole new content, in which nothing of the old one appears.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

Redact = Callable[[bytes], tuple[bytes, int]]

_HUNK: Final = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$", re.DOTALL)
_INDEX: Final = re.compile(rb"^index ([0-9a-f]+)\.\.([0-9a-f]+)( \d+)?\n$")
# git's lines of base85 hold as many bytes.
_BYTES_A_LINE: Final = 52
_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass
class Hunk:
    """
    A place that changed: where, the words beside it, and its lines with their marks.

    ``added`` is how many lines the new file had there before anything was cut.
    """

    old: int
    new: int
    added: int
    heading: bytes
    lines: list[bytes] = field(default_factory=list)


@dataclass
class Section:
    """
    What a patch says of one file; either ``hunks`` or ``rest`` (of a binary) has something.

    ``raw`` is how git has put it.
    """

    head: list[bytes]
    hunks: list[Hunk] = field(default_factory=list)
    rest: list[bytes] = field(default_factory=list)
    raw: bytes = b""

    @property
    def new_id(self) -> str:
        """The id of the new content; zeros where the file is gone."""
        return next((found[2].decode() for line in self.head if (found := _INDEX.match(line))), "")

    def text(self) -> bytes:
        """Return the section as it stands in a patch."""
        parts = [*self.head]
        shift = 0
        for hunk in self.hunks:
            old = sum(line[:1] in b" -" for line in hunk.lines)
            new = sum(line[:1] in b" +" for line in hunk.lines)
            parts.append(b"@@ -%d,%d +%d,%d @@%b" % (hunk.old, old, hunk.new + shift, new, hunk.heading))
            parts += hunk.lines
            shift += new - hunk.added
        return b"".join([*parts, *self.rest])


def redacted(patch: bytes, redact: Redact, content: Callable[[str], bytes]) -> tuple[bytes, int]:
    r"""
    Return a patch without secrets, and how many were cut; ``content`` gives the bytes of an id.

    >>> redacted(patch, redaction.redacted_bytes, read_blob)
    (b'diff --git a/train.py b/train.py\n…', 2)
    """
    parts, count = [], 0
    for section in sections(patch):
        text, cut = _redacted(section, redact, content)
        parts.append(text)
        count += cut
    return b"".join(parts), count


def sections(patch: bytes) -> Iterator[Section]:
    """Take a patch apart."""
    lines = _lines(patch)
    section: Section | None = None
    place = start = 0
    while place < len(lines):
        line = lines[place]
        place += 1
        if line.startswith(b"diff --git "):
            if section is not None:
                section.raw = b"".join(lines[start : place - 1])
                yield section
            section, start = Section([line]), place - 1
        elif section is None:
            raise ValueError("a patch begins with the name of a file")
        elif found := _HUNK.match(line):
            hunk, place = _hunk(found, lines, place)
            section.hunks.append(hunk)
        elif section.rest or line == b"GIT binary patch\n":
            section.rest.append(line)
        else:
            section.head.append(line)
    if section is not None:
        section.raw = b"".join(lines[start:])
        yield section


def _lines(text: bytes) -> list[bytes]:
    # bytes.splitlines also ends a line at a bare CR, where git does not.
    *whole, last = text.split(b"\n")
    return [line + b"\n" for line in whole] + ([last] if last else [])


def _hunk(found: re.Match[bytes], lines: list[bytes], place: int) -> tuple[Hunk, int]:
    old, new = (int(found[number]) if found[number] is not None else 1 for number in (2, 4))
    hunk = Hunk(int(found[1]), int(found[3]), new, found[5])
    # Counted, because a line of a file may look like any line of a patch.
    while place < len(lines) and (old > 0 or new > 0 or lines[place].startswith(b"\\")):
        line = lines[place]
        old -= line[:1] in b" -"
        new -= line[:1] in b" +"
        hunk.lines.append(line)
        place += 1
    return hunk, place


def _redacted(section: Section, redact: Redact, content: Callable[[str], bytes]) -> tuple[bytes, int]:
    if not section.hunks:
        # Without the lines that name the file once more, git does not find the end of `a /b`.
        section.head[0] = _unambiguous(section.head[0])
        return section.text(), 0
    before = sum(redact(_side(hunk, b" -"))[1] for hunk in section.hunks)
    if before:
        is_gone = not section.new_id.strip("0")
        data, cut = (b"", 0) if is_gone else redact(content(section.new_id))
        return _whole(section, data, is_gone=is_gone), before + cut
    # The heading is a line of the old file, and only people read it.
    count = 0
    for hunk in section.hunks:
        heading, cut = redact(hunk.heading)
        hunk.heading = heading.rstrip(b"\n") + b"\n"
        count += cut + _redact_added(hunk, redact)
    return (section.text(), count) if count else (section.raw, 0)


def _unambiguous(line: bytes) -> bytes:
    """Return the first line of a section with its two names in quotes, if there is a space in them."""
    names = line[len(b"diff --git ") : -1]
    middle = len(names) // 2
    one, other = names[:middle], names[middle + 1 :]
    if b" " not in one or one[2:] != other[2:] or one.startswith(b'"'):
        return line
    return _first_line(one[2:])


def _first_line(path: bytes) -> bytes:
    quoted = b"".join(
        b"\\%03o" % byte if byte in b'"\\' or not 32 <= byte < 127 else b"%c" % byte for byte in path
    )
    return b'diff --git "a/%b" "b/%b"\n' % (quoted, quoted)


def _side(hunk: Hunk, marks: bytes) -> bytes:
    return b"".join(line[1:] for line in hunk.lines if line[:1] in marks)


def _redact_added(hunk: Hunk, redact: Redact) -> int:
    """Redact each run of added lines as one text; a key of many lines may become one."""
    count = 0
    made: list[bytes] = []
    run: list[bytes] = []

    def close() -> int:
        if not run:
            return 0
        text, cut = redact(b"".join(run))
        if cut and run[-1].endswith(b"\n") and not text.endswith(b"\n"):
            text += b"\n"
        made.extend(b"+" + line for line in (_lines(text) if cut else run))
        run.clear()
        return cut

    for line in hunk.lines:
        if line[:1] == b"+":
            run.append(line[1:])
        else:
            count += close()
            made.append(line)
    count += close()
    hunk.lines = made
    return count


def _whole(section: Section, data: bytes, *, is_gone: bool) -> bytes:
    """Put the changes of a file by its whole new content."""
    first, *more = section.head
    head = [_unambiguous(first), *(line for line in more if not line.startswith((b"--- ", b"+++ ")))]
    for number, line in enumerate(head):
        if found := _INDEX.match(line):
            new = found[2] if is_gone else blob_id(data, len(found[1])).encode()
            head[number] = b"index %b..%b%b\n" % (found[1], new, found[3] or b"")
    return b"".join(head) + literal(data)


def blob_id(data: bytes, digits: int = 40) -> str:
    """Return the id that git gives to a content."""
    algorithm = hashlib.sha256 if digits == 64 else hashlib.sha1
    return algorithm(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def literal(data: bytes) -> bytes:
    """Return a content as git writes that of a binary; without the way back, which nobody goes."""
    packed = zlib.compress(data)
    lines = [b"GIT binary patch\nliteral %d\n" % len(data)]
    for start in range(0, len(packed), _BYTES_A_LINE):
        part = packed[start : start + _BYTES_A_LINE]
        lines.append(_LETTERS[len(part) - 1 : len(part)] + base64.b85encode(part, pad=True) + b"\n")
    return b"".join([*lines, b"\n"])


def whole_file(path: bytes, old: tuple[str, str], new: tuple[str, str], data: bytes) -> bytes:
    """
    Return a section that puts a file by its whole content; ``old`` and ``new`` are a mode and an id.

    A mode of zeros says that there is no such file.
    """
    (before, was), (after, becomes) = old, new
    if not after.strip("0"):
        lines = [f"deleted file mode {before}"]
    elif not before.strip("0"):
        lines = [f"new file mode {after}"]
    else:
        lines = [f"old mode {before}", f"new mode {after}"] if before != after else []
    mode = f" {after}" if before == after else ""
    head = "".join(f"{line}\n" for line in [*lines, f"index {was}..{becomes}{mode}"])
    return _first_line(path) + head.encode() + literal(data)
