"""
Which files differ from the commit, and which of them are left out, and why.

Everything is decided by name and size before a byte is read: a dataset that nobody has ignored must neither
be hashed nor end up in a bucket, and neither must a key.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from lab_workbook.protocol.secret_names import is_secret_file

from lab_workbook_writer.capture.git import Git, GitFailed, TooSlow

# Source files are small, and the largest notebook with pictures in it still fits.
FILE_BYTES: Final = 8 * 2**20
# In all: it is sent with every experiment, and a thousand experiments must not cost a disk.
TOTAL_BYTES: Final = 32 * 2**20
# A folder of small pictures fits into the bytes, and is no source.
UNTRACKED_FILES: Final = 2_000
# Looking through a tree of millions of files must not use up the time for what git does know.
LISTING_SECONDS: Final = 20.0

# Reading more than this, to see that a large file is the one that Git LFS has, takes too long.
_HASHED_BYTES: Final = 2 * 2**30

_TAGGED: Final = re.compile(rb"^(.) (\d+) ([0-9a-f]+) \d\t(.*)$", re.DOTALL)
_POINTER: Final = re.compile(
    rb"^version https://git-lfs[^\n]*\n(?:[^\n]*\n)*?oid sha256:([0-9a-f]{64})\nsize (\d+)\n"
)
# What openssl puts before what it has enciphered, in base64 too.
_CIPHERS: Final = (b"Salted__", b"U2FsdGVk", b"\0GITCRYPT")


Head = Callable[[bytes], bytes | None]


class LeftOut(NamedTuple):
    """A file that differs and is not in the patch."""

    path: bytes
    size: int | None
    why: str


class Changes(NamedTuple):
    """
    What to put into an index of the commit to get the files as they are.

    ``modules`` are submodules by their paths, with the commits that the index has for them.
    """

    present: list[bytes]
    gone: list[bytes]
    modules: dict[bytes, str]
    untracked: int
    left_out: list[LeftOut]
    problems: list[str]


def changes(git: Git, root: str, index: str, head: Head) -> Changes:
    """
    Return what differs from the commit in a working tree.

    ``index`` is a copy of the user's, and ``head`` gives what the commit has under a path.

    Raises:
        NotRecorded: git cannot say.
    """
    users = Git(git.deadline, git.folder, git.where | {"GIT_INDEX_FILE": index})
    staged = _names(users.ask("diff-index", "--cached", "--name-only", "--no-renames", "-z", "HEAD"))
    # By the times of the files alone, so that nothing is read, and no filter is asked.
    touched = _names(users.ask("diff-files", "--name-only", "--ignore-submodules=all", "-z"))
    modules, hidden = _listed(users)
    unstaged, problems = _untracked(users)
    tree = _Tree(os.fsencode(root))
    for path in dict.fromkeys([*staged, *touched, *hidden]):
        if path in modules:
            continue
        facts = tree.look(path)
        if facts is not None:
            tree.take(path, facts)
        elif path not in hidden:
            tree.gone.append(path)
    # The smallest first: they are the source.
    seen = ((path, tree.look(path.rstrip(b"/"))) for path in unstaged)
    sized = [(path, facts) for path, facts in seen if facts is not None or path.endswith(b"/")]
    count = 0
    for path, facts in sorted(sized, key=lambda pair: (pair[1].st_size if pair[1] else 0, pair[0])):
        if path.endswith(b"/"):
            tree.left_out.append(LeftOut(path, None, "another repository"))
        elif facts is not None:
            count += tree.take(path, facts, is_one_too_many=count >= UNTRACKED_FILES)
    present = list(_unfiltered(git, tree, head))
    return Changes(present, tree.gone, modules, count, tree.left_out, problems)


class _Tree:
    """A working tree, file by file."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._links: dict[bytes, bool] = {b"": False}
        self._total = 0
        self.present: dict[bytes, os.stat_result] = {}
        self.gone: list[bytes] = []
        self.left_out: list[LeftOut] = []

    def path(self, path: bytes) -> bytes:
        """Return where a file lies."""
        return os.path.join(self._root, path)

    def look(self, path: bytes) -> os.stat_result | None:
        """Return what a file or link is; None for anything else, and for what lies behind a link."""
        if self._is_behind_link(os.path.dirname(path)):
            return None
        try:
            found = os.lstat(self.path(path))
        except OSError:
            return None
        return found if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode) else None

    def take(self, path: bytes, facts: os.stat_result, *, is_one_too_many: bool = False) -> bool:
        """Take a file into the patch, or say why not."""
        why = self._fault(path, facts)
        if is_one_too_many and not why:
            why = f"more than {UNTRACKED_FILES:,} untracked files"
        if why:
            self.left_out.append(LeftOut(path, facts.st_size, why))
            return False
        self._total += facts.st_size
        self.present[path] = facts
        return True

    def _fault(self, path: bytes, facts: os.stat_result) -> str:
        if is_secret_file(os.fsdecode(path)):
            return "secret by its name"
        if facts.st_size > FILE_BYTES:
            return f"larger than {FILE_BYTES:,} bytes"
        if self._total + facts.st_size > TOTAL_BYTES:
            return f"more than {TOTAL_BYTES:,} bytes in all"
        if stat.S_ISREG(facts.st_mode) and not os.access(self.path(path), os.R_OK):
            return "unreadable"
        return ""

    def _is_behind_link(self, folder: bytes) -> bool:
        if folder not in self._links:
            parent = self._is_behind_link(os.path.dirname(folder))
            self._links[folder] = parent or os.path.islink(self.path(folder))
        return self._links[folder]


def _unfiltered(git: Git, tree: _Tree, head: Head) -> Iterator[bytes]:
    """
    Yield what can be taken as it lies on the disk.

    A filter is a program of the user's, and never started here: it may be slow, write into the repository,
    or be missing. What Git LFS keeps elsewhere is taken whole. What another filter keeps is enciphered
    perhaps, and is taken only where the commit shows that it is not.
    """
    large = [each for each in tree.left_out if each.size is not None]
    filters = _filters(git, [*tree.present, *(each.path for each in large)])
    for each in large:
        # A model that was only touched is no change.
        if filters.get(each.path) == b"lfs" and _is_pointer_to(head, tree, each.path, each.size or 0):
            tree.left_out.remove(each)
    for path, facts in tree.present.items():
        name = filters.get(path)
        if name is None or not stat.S_ISREG(facts.st_mode):
            yield path
        elif name == b"lfs":
            if not _is_pointer_to(head, tree, path, facts.st_size):
                yield path
        elif _is_enciphered(head(path)):
            why = f"what the filter {name.decode(errors='replace')} makes of it is not known"
            tree.left_out.append(LeftOut(path, facts.st_size, why))
        else:
            yield path


def _is_enciphered(kept: bytes | None) -> bool:
    return kept is None or b"\0" in kept[:8000] or kept.startswith(_CIPHERS)


def _filters(git: Git, paths: Iterable[bytes]) -> dict[bytes, bytes]:
    given = b"".join(path + b"\0" for path in paths)
    if not given:
        return {}
    words = git.ask("check-attr", "-z", "--stdin", "filter", given=given).split(b"\0")
    triples = zip(words[0::3], words[2::3], strict=False)
    return {path: value for path, value in triples if value not in (b"unspecified", b"unset", b"set")}


def _is_pointer_to(head: Head, tree: _Tree, path: bytes, size: int) -> bool:
    """Say whether what the commit has is Git LFS's word for just this file."""
    found = _POINTER.match((head(path) or b"")[:1024])
    if found is None or int(found[2]) != size or size > _HASHED_BYTES:
        return False
    digest = hashlib.sha256()
    with contextlib.suppress(OSError), open(tree.path(path), "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest().encode() == found[1]


def _listed(git: Git) -> tuple[dict[bytes, str], list[bytes]]:
    """Return the submodules, and the files that git was told not to look at."""
    modules: dict[bytes, str] = {}
    hidden: list[bytes] = []
    for entry in git.ask("ls-files", "-s", "-v", "-z").split(b"\0")[:-1]:
        found = _TAGGED.match(entry)
        if found is None:
            continue
        tag, mode, commit, path = found.groups()
        if mode == b"160000":
            modules[path] = commit.decode()
        elif tag == b"S" or tag.islower():
            hidden.append(path)
    return modules, hidden


def _untracked(git: Git) -> tuple[list[bytes], list[str]]:
    try:
        answer = git.ask("ls-files", "--others", "--exclude-standard", "-z", seconds=LISTING_SECONDS)
    except (TooSlow, GitFailed) as problem:
        return [], [f"no untracked file is in the patch: {problem}"]
    return _names(answer), []


def _names(answer: bytes) -> list[bytes]:
    return answer.split(b"\0")[:-1]
