"""
One experiment: its artifacts by name, and what it says of itself.

>>> experiment = repository["201602122149-PMJ8a76csB"]
>>> experiment[:]
['Source.git-patch', 'Training loss.csv', 'options.json']
>>> experiment["options.json"]
{'learning rate': 0.1}
>>> experiment.status
'finished'

Nothing is read before it is asked for. An experiment that still runs shows more each time, for nothing is
remembered but what never changes: begin.json, end.json, and the rows of series that it has read.
"""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from lab_workbook import artifact, kinds, live, models, status
from lab_workbook.artifact import Artifact
from lab_workbook.completion import Completion
from lab_workbook.errors import ArtifactNotFound, ExperimentNotFound, Unreadable
from lab_workbook.protocol import _spec, documents, layout, process
from lab_workbook.protocol.documents import Document
from lab_workbook.store import Annotates

if TYPE_CHECKING:
    import pandas as pd

    from lab_workbook.checkout import Checkout
    from lab_workbook.compare.diff import Diff
    from lab_workbook.growing import Growing
    from lab_workbook.models import Model
    from lab_workbook.verify import Verification
    from lab_workbook.watch import Watch


class Experiment:
    """
    What lies under one tag; made by an `ExperimentRepository`.

    ``experiment["name"]`` is an artifact and ``experiment["a", "b"]`` a tuple of them;
    ``experiment[0]`` and ``experiment[:]`` are names. ``tag`` names the experiment, and ``where`` is
    the URL under which its files lie.
    """

    def __init__(
        self, store: Annotates, tag: str, where: str, *, explain: Callable[[str], str] | None = None
    ) -> None:
        self.tag = tag
        self.where = where
        self._store = store
        self._explain = explain or (lambda tag: f"there is no experiment {tag!r} at {where}")
        self._begin: Document | None = None
        self._end: Document | None = None
        self._ipython_key_completions_ = Completion(self.list_artifacts)

    def __repr__(self) -> str:
        return f"<Experiment: {self.tag}>"

    def _repr_html_(self) -> str:
        from lab_workbook.html import notebook

        return notebook.experiment(self)

    def __eq__(self, other: object) -> bool:
        return self.where == other.where if isinstance(other, Experiment) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.where)

    @overload
    def __getitem__(self, key: str) -> Any: ...
    @overload
    def __getitem__(self, key: tuple[str, ...]) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, key: slice) -> list[str]: ...
    @overload
    def __getitem__(self, key: SupportsIndex) -> str: ...
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self.get(key)
        if isinstance(key, tuple):
            return tuple(self[each] for each in key)
        if isinstance(key, slice):
            return self.list_artifacts()[key]
        return self.list_artifacts()[operator.index(key)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.list_artifacts())

    def __contains__(self, name: object) -> bool:
        return name in self.list_artifacts()

    def list_artifacts(self) -> list[str]:
        """
        Return the names of the artifacts, those in sub-folders whole.

        Raises:
            ExperimentNotFound: nothing lies under this tag.
        """
        return list(self.artifact_sizes())

    def artifact_sizes(self) -> dict[str, int]:
        """Return how many bytes each artifact has, by name, as `list_artifacts` orders them."""
        prefix = f"{self.tag}/"
        found = {entry.key[len(prefix) :]: entry.size for entry in self._store.keys(prefix)}
        if not found:
            raise ExperimentNotFound(self._explain(self.tag))
        # A console of S3 makes folders visible by empty objects whose keys end with a slash.
        sizes = {
            name: size
            for name, size in found.items()
            if not layout.is_hidden(name) and (size or not (name.endswith("/") or not name))
        }
        for name, size in live.sizes({} if _spec.LAYOUT_END in found else found).items():
            sizes[name] = max(size, sizes.get(name, 0))
        return dict(sorted(sizes.items(), key=lambda item: item[0].encode()))

    def get(self, name: str) -> Any:
        """
        Return an artifact as `lab_workbook.kinds` reads it: a table, a JSON value, a `Model`, text or bytes.

        Raises:
            ArtifactNotFound: there is none of this name; the message lists those that exist.
            Unreadable: it is not what its name says, or not what was written.
        """
        end = self.end
        if not end and name.endswith(_spec.KIND_SERIES_SUFFIX) and self.begin:
            return self._growing_series(name)
        if kinds.is_lazy(name):
            return self._model(name, end)
        return kinds.decode(name, self._written(name, end), is_legacy=not self.begin)

    def read_bytes(self, name: str) -> bytes:
        """
        Return the bytes of an artifact as they are, also where `get` cannot make sense of them.

        Raises:
            ArtifactNotFound: there is none of this name; the message lists those that exist.
        """
        return self._read(name, self.end).data

    def read_checked(self, name: str) -> bytes:
        """
        Return the bytes of an artifact, if they are those that were written.

        Raises:
            ArtifactNotFound: there is none of this name; the message lists those that exist.
            Unreadable: they are not what end.json lists.
        """
        return self._written(name, self.end)

    def watch(self, name: str, *, every: float = 2.0, timeout: float | None = None) -> Watch:
        """
        Return an iterator over the new rows of a series as they land, each time as a DataFrame.

        >>> for rows in experiment.watch("Training loss.csv"):
        ...     print(rows)

        First comes what is there. It looks ``every`` so many seconds, waits for a series that does not
        exist yet, and ends when the experiment has ended, or is lost, and all rows were given; or when
        ``timeout`` seconds have passed without a row. ``experiment.watch(...).plot(y="loss")`` draws them.
        It raises what `get` does; that there is no such series, only when the experiment is over.
        """
        from lab_workbook.watch import Watch

        return Watch(self, name, every=every, timeout=timeout)

    def checkout(
        self,
        directory: str | os.PathLike[str],
        *,
        repository: str | os.PathLike[str] | None = None,
        name: str = _spec.GIT_DEFAULT_NAME,
        patch: bool = True,
    ) -> Checkout:
        """
        Put the source back as it ran, into a new or empty folder: the commit, and what differed from it.

        >>> experiment.checkout("as-it-ran")
        Checkout(directory='/home/me/as-it-ran', commit='5f2c…', changed=('train.py',))

        The commit comes from ``repository``, a path or a URL, or else from the git repository of the working
        directory. ``name`` is that of `save_git_status`; without ``patch`` it is the commit alone. The folder
        is a git repository of its own, in which ``git diff HEAD`` shows what differed. Nothing is run, so
        submodules stay empty, and of what Git LFS keeps there are the pointers.

        Raises:
            ArtifactNotFound: the script did not save its git status.
            NotRestorable: the folder is in use, the commit is not to be had, or the patch does not fit;
                then the folder is left as it was.
        """
        from lab_workbook import checkout

        log = self.read_checked(name + _spec.KIND_GIT_COMMIT_SUFFIX)
        changes = self.read_checked(name + _spec.KIND_GIT_PATCH_SUFFIX) if patch else b""
        return checkout.restore(log, changes, directory, repository=repository)

    def verify(self) -> Verification:
        """
        Compare every file with what end.json lists: present, the same bytes, and nothing beside them.

        >>> experiment.verify()
        <Verification of 201602122149-PMJ8a76csB: sound, 5 files, 8412 bytes>
        >>> assert experiment.verify(), experiment.verify().problems

        Each file is read anew, whatever the cache has, and never whole into memory.

        Raises:
            ExperimentNotFound: nothing lies under this tag.
        """
        from lab_workbook import verify

        return verify.verify(self._store, self.tag)

    def diff(self, other: Experiment) -> Diff:
        """Return what differs from another experiment; see `lab_workbook.diff`."""
        from lab_workbook.compare.diff import diff

        return diff(self, other)

    def stitch(self, name: str, *, raw: bool = False) -> pd.DataFrame:
        """
        Return a series as one, of this experiment and of those that it resumes.

        >>> repository["201602131007-Cq2m7RkXa1"].stitch("Training loss.csv")

        Where attempts overlap, the rows of the later one count: of an earlier one those stay whose first
        field is less than that of the first row of each later attempt. With ``raw`` all stay, and the
        column ``attempt`` gives the tag of each. An attempt without such a series is passed over.

        Raises:
            NotFound: an experiment that is resumed is not there, or no attempt has such a series.
            NotComparable: the attempts go in a circle, or their first fields are others, or no numbers.
        """
        from lab_workbook.compare import stitch

        return stitch.stitch(self, name, self._beside, raw=raw)

    @property
    def begin(self) -> Mapping[str, Any]:
        """What begin.json says; empty for protocol 1.0, which had none."""
        if self._begin is None:
            data = self._document(_spec.LAYOUT_BEGIN)
            if data is None:
                # Asked for its error, where there is nothing at all.
                self.artifact_sizes()
            self._begin = {} if data is None else documents.read_begin(data)
        return self._begin

    @property
    def end(self) -> Mapping[str, Any]:
        """What end.json says; empty until the experiment has ended."""
        if self._end is None:
            data = self._document(_spec.LAYOUT_END)
            if data is None:
                return {}
            self._end = documents.read_end(data)
            # It grows no more.
            self.__dict__.pop("_growing", None)
        return self._end

    @property
    def status(self) -> str:
        """
        How it ended, or whether it goes on; never a guess.

        ``finished``, ``failed``, ``interrupted`` or ``ended`` say how it ended. Before that it is
        ``running`` or ``lost`` where that can be known, and otherwise ``open``. Experiments of protocol
        1.0 are ``unknown``.
        """
        # Asked in this order, because a writer puts end.json before it goes.
        is_alive = None if self._end else self._is_alive()
        if self.end:
            return str(self.end["outcome"])
        return status.of(self.begin, None, is_alive=is_alive)

    @property
    def started(self) -> datetime | None:
        """When it began, in UTC; None where protocol 1.0 does not say."""
        return documents.moment(self.begin.get("started"))

    @property
    def ended(self) -> datetime | None:
        """When it ended, in UTC; None before that."""
        return documents.moment(self.end.get("ended"))

    @property
    def note(self) -> str | None:
        """What its writer noted when it began."""
        note = self.begin.get("note")
        return note if isinstance(note, str) else None

    @property
    def notes(self) -> list[Mapping[str, Any]]:
        """The notes that were added later, oldest first, each with ``time``, ``text`` and ``author``."""
        from lab_workbook import notes

        return list(notes.read(self._store, self.tag))

    def add_note(self, text: str, *, author: str | None = None) -> Mapping[str, Any]:
        """
        Add a note, at any time, also long after the end, and return it.

        >>> experiment.add_note("diverged at epoch 30: the rate was too high")
        {'time': '2016-02-13T08:15:00Z', 'text': 'diverged at …', 'author': 'ann'}

        The author is the user's name in the system, unless another is given. A note is never changed,
        nor is any other file of the experiment; who may put objects into a bucket may add notes there.

        Raises:
            InvalidValue: there is no text (rule ``notes.document``).
            ExperimentNotFound: nothing lies under this tag.
            AccessDenied: the folder or the bucket is there for reading only.
        """
        from lab_workbook import notes

        # Asked for its error, so that a misspelt tag does not become an experiment.
        self.artifact_sizes()
        return notes.add(self._store, self.tag, text, author=author)

    @property
    def error(self) -> Mapping[str, str] | None:
        """The ``type`` and ``message`` of what made it fail."""
        error = self.end.get("error")
        return error if isinstance(error, dict) else None

    def _model(self, name: str, end: Mapping[str, Any]) -> Model:
        found = models.find(self._store, self.tag, name, end)
        if found is None:
            raise self._missing(name)
        return found

    def _growing_series(self, name: str) -> Any:
        """Return a series of which the rows that were read before need not be read again."""
        table = self._growing.read(
            name, lambda start: live.read(self._store, f"{self.tag}/", name, start=start)
        )
        if table is not None:
            return table
        data = self.read_bytes(name)
        value = kinds.taught(name, data)
        return self._growing.remember(name, data, kinds.own(name, data)) if value is None else value

    @functools.cached_property
    def _growing(self) -> Growing:
        # pandas takes most of a second to import.
        from lab_workbook.growing import Growing

        return Growing()

    def _beside(self, tag: str) -> Experiment:
        where = self.where.removesuffix(f"{self.tag}/")
        return Experiment(self._store, tag, f"{where}{tag}/", explain=self._explain)

    def _is_alive(self) -> bool | None:
        is_alive = process.is_alive(self.begin)
        if is_alive is not None:
            return is_alive
        try:
            heartbeat = self._store.get(f"{self.tag}/{_spec.LAYOUT_HEARTBEAT}")
        except KeyError:
            return None
        if status.is_young((heartbeat.now - heartbeat.modified).total_seconds()):
            return True
        return None if status.is_first(heartbeat.data) else False

    def _written(self, name: str, end: Mapping[str, Any]) -> bytes:
        """Return the bytes of an artifact, if they are those that ``end`` lists."""
        found = self._read(name, end)
        if found.difference:
            raise Unreadable(
                f"{name} of {self.tag} {found.difference} when the experiment ended:"
                f" it was changed or not copied whole. `experiment.read_bytes({name!r})` gives it as it is"
            )
        return found.data

    def _read(self, name: str, end: Mapping[str, Any]) -> Artifact:
        found = artifact.read(self._store, self.tag, name, end)
        if found is None:
            raise self._missing(name)
        return found

    def _document(self, name: str) -> bytes | None:
        try:
            return self._store.get(f"{self.tag}/{name}").data
        except KeyError:
            return None

    def _missing(self, name: str) -> ArtifactNotFound:
        return artifact.missing(self.tag, name, self.list_artifacts(), self.end)
