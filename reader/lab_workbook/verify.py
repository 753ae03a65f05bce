"""
Is everything still as it was when the experiment ended?

>>> repository["201602122149-PMJ8a76csB"].verify()
<Verification of 201602122149-PMJ8a76csB: sound, 5 files, 8412 bytes>

Each file that end.json lists is read anew from where it lies, never from a copy, and its size and SHA-256
are compared. end.json vouches for all the others, and nothing in the experiment vouches for end.json: who
wants to be sure of that too keeps its sum, ``end_sha256``, in another place.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from lab_workbook.errors import ExperimentNotFound, Unreadable
from lab_workbook.protocol import _spec, documents
from lab_workbook.store import Reads, parallel

# What may lie beside the files that end.json lists, and changes or comes after it.
_BESIDE: Final = (_spec.LAYOUT_END, _spec.LAYOUT_HEARTBEAT, _spec.LAYOUT_SEGMENTS, _spec.LAYOUT_NOTES)


@dataclasses.dataclass(frozen=True, repr=False)
class Verification:
    """
    What `verify` found of the experiment ``tag``.

    ``problems`` says what is wrong, by the name of the file. ``files`` and ``bytes`` count what was found
    as it was. Of those in ``without_sum``, which plain Lua may write, only the size could be compared.
    ``is_sealed`` says whether there is an end.json; without it there is nothing to compare with, and
    nothing can be sound.
    """

    tag: str
    is_sealed: bool
    problems: Mapping[str, str]
    files: int = 0
    bytes: int = 0
    without_sum: tuple[str, ...] = ()
    end_sha256: str | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the experiment has ended, and all is as it was then."""
        return self.is_sealed and not self.problems

    def __bool__(self) -> bool:
        return self.is_sound

    def __repr__(self) -> str:
        return f"<Verification of {self.tag}: {self.verdict}>"

    @property
    def verdict(self) -> str:
        """The result in a few words."""
        if not self.is_sealed:
            return f"cannot be verified: it has no {_spec.LAYOUT_END}, which is written when a script ends"
        found = f"{self.files} {'file' if self.files == 1 else 'files'}, {self.bytes} bytes"
        if self.problems:
            return f"{len(self.problems)} wrong; {found} as they were"
        sums = f" ({len(self.without_sum)} by their size alone)" if self.without_sum else ""
        return f"sound, {found}{sums}"


class _Listed(NamedTuple):
    """What end.json says of a file; None is what it does not say."""

    name: str
    size: int | None
    sha256: str | None


def verify(store: Reads, tag: str) -> Verification:
    """
    Compare every file of an experiment with what end.json lists, in memory that does not grow with them.

    Raises:
        ExperimentNotFound: nothing lies under this tag.
        StoreError: the folder or the bucket gave no answer, so nothing can be said.
    """
    prefix = f"{tag}/"
    sizes = {entry.key[len(prefix) :]: entry.size for entry in store.keys(prefix)}
    try:
        end = b"".join(store.chunks(prefix + _spec.LAYOUT_END))
    except KeyError:
        if not sizes:
            raise ExperimentNotFound(f"there is no experiment {tag!r} here") from None
        return Verification(tag, is_sealed=False, problems={})
    try:
        files = documents.read_end(end)["files"]
    except Unreadable as error:
        return Verification(tag, is_sealed=True, problems={_spec.LAYOUT_END: f"cannot be read: {error}"})
    listed = [_listed(name, told) for name, told in files.items()]
    problems = dict.fromkeys(_unlisted(sizes, listed), "is there, and end.json does not list it")
    for each, problem in parallel.each(lambda file: _problem(store, prefix, file, sizes), listed, "files"):
        if problem:
            problems[each.name] = problem
    good = [each for each in listed if each.name not in problems]
    return Verification(
        tag,
        is_sealed=True,
        problems=dict(sorted(problems.items())),
        files=len(good),
        bytes=sum(each.size or 0 for each in good),
        without_sum=tuple(each.name for each in good if each.sha256 is None),
        end_sha256=hashlib.sha256(end).hexdigest(),
    )


def _listed(name: str, told: Any) -> _Listed:
    told = told if isinstance(told, dict) else {}
    size, sha256 = told.get("bytes"), told.get("sha256")
    return _Listed(name, size if type(size) is int else None, sha256 if isinstance(sha256, str) else None)


def _unlisted(sizes: Mapping[str, int], listed: list[_Listed]) -> list[str]:
    known = {each.name for each in listed}
    return [
        name
        for name, size in sizes.items()
        # A console of S3 makes folders visible by empty objects whose keys end with a slash.
        if name not in known and not name.startswith(_BESIDE) and (size or not name.endswith("/"))
    ]


def _problem(store: Reads, prefix: str, file: _Listed, sizes: Mapping[str, int]) -> str:
    """Return what is wrong with a file; nothing if nothing is."""
    if file.size is None:
        return "cannot be compared: end.json does not give its size"
    try:
        # A listing may lag behind, so what is read counts; but a file without a sum is not read for its size.
        if file.sha256 is None and file.name in sizes:
            size, digest = sizes[file.name], None
        else:
            size, digest = _read(store, prefix + file.name)
    except KeyError:
        return "is gone"
    if size != file.size:
        return f"has {size} bytes, and had {file.size}"
    if file.sha256 is None or digest == file.sha256:
        return ""
    return "has other bytes than when the experiment ended"


def _read(store: Reads, key: str) -> tuple[int, str]:
    """Return the size and the SHA-256 sum of an object."""
    size, digest = 0, hashlib.sha256()
    for piece in store.chunks(key):
        size += len(piece)
        digest.update(piece)
    return size, digest.hexdigest()
