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
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from lab_workbook import artifact, kinds, live, models
from lab_workbook.account import Account
from lab_workbook.artifact import Artifact
from lab_workbook.completion import Completion
from lab_workbook.errors import ArtifactNotFound, ExperimentNotFound, Unreadable
from lab_workbook.protocol import _spec, layout
from lab_workbook.store import Annotates

if TYPE_CHECKING:
    import pandas as pd

    from lab_workbook.checkout import Checkout
    from lab_workbook.compare.diff import Diff
    from lab_workbook.growing import Growing
    from lab_workbook.models import Model
    from lab_workbook.verify import Verification
    from lab_workbook.watch import Watch


class Experiment(Account):
    """
    What lies under one tag; made by an `ExperimentRepository`.

    ``experiment["name"]`` is an artifact and ``experiment["a", "b"]`` a tuple of them;
    ``experiment[0]`` and ``experiment[:]`` are names. ``tag`` names the experiment, and ``where`` is
    the URL under which its files lie.
    """

    def __init__(
        self, store: Annotates, tag: str, where: str, *, explain: Callable[[str], str] | None = None
    ) -> None:
        super().__init__(store, tag)
        self.where = where
        self._explain = explain or (lambda tag: f"there is no experiment {tag!r} at {where}")
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
        if not found and self._document(_spec.LAYOUT_BEGIN) is None:
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
        Checkout(directory='/home/me/as-it-ran', commit='5f2c…', changed=('train.py',), missing=())

        The commit comes from ``repository``, a path or a URL, or else from the git repository of the working
        directory; what no remote had comes from the experiment. ``name`` is that of `save_git_status`;
        without ``patch`` it is the commit alone. The folder is a git repository of its own, in which
        ``git diff HEAD`` shows what differed. Nothing is run, so of what Git LFS keeps there are the
        pointers, and a submodule that is not to be had on this machine stays empty: ``missing`` names it.

        Raises:
            ArtifactNotFound: the script did not save its git status.
            NotRestorable: the folder is in use, the commit is not to be had, or the patch does not fit;
                then the folder is left as it was.
        """
        from lab_workbook import captured, checkout

        return checkout.restore(captured.read(self, name, patch=patch), directory, repository=repository)

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

        return stitch.stitch(self, name, operator.itemgetter(name), self._beside, raw=raw)

    def metrics(self, *, rank: int = 0, stitch: bool = False, raw: bool = False) -> pd.DataFrame:
        """
        Return what was logged by `workbook.log`, a row for each step and a column for each key.

        >>> experiment.metrics().plot(y=["loss", "validation/loss"])

        The index is ``step``, in its order; what was not logged at a step is missing. A key that was logged
        at one step several times has several rows there, the first with the first. ``Date`` is when the
        first value of the row was logged. Of an experiment that still runs it is all there is so far.

        ``rank`` is that of another process of a distributed training. With ``stitch`` the metrics of the
        experiments that this one resumes come before, as `Experiment.stitch` joins a series.

        Raises:
            ArtifactNotFound: no metrics were logged; the message lists what there is.
            NotComparable: a series under one of these names has steps that are no whole numbers.
        """
        from lab_workbook import metrics

        if stitch or raw:
            from lab_workbook.compare import stitch as stitching

            what = "metrics"
            return stitching.stitch(self, what, lambda each: metrics.read(each, rank), self._beside, raw=raw)
        return metrics.read(self, rank)

    def _model(self, name: str, end: Mapping[str, Any]) -> Model:
        found = models.find(self._store, self.tag, name, end)
        if found is None:
            raise self._missing(name)
        return found

    def _check_exists(self) -> None:
        self.artifact_sizes()

    def _grows_no_more(self) -> None:
        self.__dict__.pop("_growing", None)

    def _growing_series(self, name: str) -> Any:
        """Return a series of which the rows that were read before need not be read again."""
        table = self._growing.read(
            name, lambda start: live.read(self._store, f"{self.tag}/", name, start=start)
        )
        if table is not None:
            return table
        try:
            data = self.read_bytes(name)
        except (ArtifactNotFound, Unreadable):
            # A listing that lags behind shows none of the rows that were read before, or some of them.
            table = self._growing.known(name)
            if table is None or self._document(_spec.LAYOUT_BEGIN) is None:
                raise
            return table
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

    def _missing(self, name: str) -> ArtifactNotFound:
        return artifact.missing(self.tag, name, self.list_artifacts(), self.end)
