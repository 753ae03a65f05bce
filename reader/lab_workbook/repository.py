"""
All experiments of a folder or a bucket.

>>> repository = ExperimentRepository("s3://my-bucket/experiments/")
>>> repository[-1]
<Experiment: 201602122149-PMJ8a76csB>
>>> loss, options = repository["201602122149-PMJ8a76csB"]["Training loss.csv", "options.json"]

Without arguments it is the place that the environment or ``~/.lab-workbook-config`` names, where the
writers put their experiments too.
"""

from __future__ import annotations

import contextlib
import operator
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from lab_workbook import config
from lab_workbook.completion import Completion
from lab_workbook.errors import AmbiguousTag, ConfigurationError, ExperimentNotFound, StoreError
from lab_workbook.experiment import Experiment
from lab_workbook.near import near
from lab_workbook.overview import rows
from lab_workbook.overview.catalogue import Catalogue
from lab_workbook.protocol import _spec, names, redaction
from lab_workbook.protocol.prefix import Prefix
from lab_workbook.store import Annotates
from lab_workbook.store.cache_folder import CacheFolder

if TYPE_CHECKING:
    import pandas as pd
    from dask.dataframe import DataFrame

    from lab_workbook.compare.meld import How

_TAGS_SHOWN = 3
_WHOLE_TAG = re.compile(_spec.TAG_PATTERN)


class ExperimentRepository:
    """
    The experiments under a prefix.

    ``repository["TAG"]`` is an experiment and ``repository["A", "B"]`` a tuple of them; of a tag the
    beginning is enough, if no other begins so. ``repository[-1]`` is the last by its tag,
    ``repository[:]`` the list of all. The bucket or folder is not asked before something in it is.

    Two arguments are a bucket and a prefix in it, as they were in 2016.

    Raises:
        ConfigurationError: there is no such kind of prefix.
    """

    def __init__(
        self,
        bucket_prefix: str | os.PathLike[str] | None = None,
        s3prefix: str | None = None,
        *,
        bucket: str | None = None,
        endpoint_url: str | None = None,
        profile: str | None = None,
        region: str | None = None,
        addressing_style: str | None = None,
    ) -> None:
        self._config = config.load(
            {
                "bucket_prefix": _given_prefix(bucket_prefix, s3prefix, bucket),
                "endpoint_url": endpoint_url,
                "profile": profile,
                "region": region,
                "addressing_style": addressing_style,
            }
        )
        redaction.add_patterns(self._config.redact)
        self._opened: Annotates | None = None
        self._ipython_key_completions_ = Completion(self._sorted_tags)

    def __repr__(self) -> str:
        return f"<ExperimentRepository: {self.where}>"

    def _repr_html_(self) -> str:
        from lab_workbook.html import notebook

        return notebook.repository(self)

    @property
    def where(self) -> str:
        """The URL of the prefix."""
        return str(self._config.bucket_prefix)

    @overload
    def __getitem__(self, key: str | SupportsIndex) -> Experiment: ...
    @overload
    def __getitem__(self, key: tuple[str, ...]) -> tuple[Experiment, ...]: ...
    @overload
    def __getitem__(self, key: slice) -> list[Experiment]: ...
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._found(key)
        if isinstance(key, tuple):
            return tuple(self[each] for each in key)
        if isinstance(key, slice):
            return self.list_experiments()[key]
        return self._at(operator.index(key))

    def __iter__(self) -> Iterator[Experiment]:
        return iter(self.list_experiments())

    def __contains__(self, tag: object) -> bool:
        return any(tag in (experiment, experiment.tag) for experiment in self)

    def list_experiments(self) -> list[Experiment]:
        """Return all experiments, sorted by their tags, which begin with the minute of their start."""
        return [self._experiment(tag) for tag in self._sorted_tags()]

    def table(self, *, series: bool | str | Collection[str] = False) -> pd.DataFrame:
        """
        Return a table with a row for each experiment, by its tag.

        >>> table = repository.table(series=["Training loss.csv"])
        >>> table[["status", "options.learning rate", "Training loss.loss.min"]]

        Its columns are ``status``, ``started``, ``ended``, ``duration`` (of those that have ended),
        ``host``, ``language``, ``note`` (the newest) and the parameters: what is in the JSON artifacts of
        at most 64 KiB that hold an object, nested with dots, as in ``options.optimizer.rate``. For the
        ``series`` that are named, or all for True, it has the last, lowest and highest value of each
        column. An experiment that cannot be read has the status ``unreadable``, and its note says why.

        What was read is kept in the cache, so that only what has changed is read the next time.
        """
        from lab_workbook.overview import frame, summaries

        catalogue = Catalogue(self._cache, self._store.url(""))
        found = rows.read(self._store, catalogue)
        wanted = (series,) if isinstance(series, str) else series
        if wanted is False:
            return frame.frame(found, [{}] * len(found))
        names = None if wanted is True else wanted
        summed = summaries.read(lambda tag, name: self._experiment(tag)[name], found, names, catalogue)
        return frame.frame(found, summed)

    def find(self, query: str | None = None, /, **values: Any) -> list[Experiment]:
        """
        Return the experiments for which a filter holds, and which have these values.

        >>> repository.find('`options.learning rate` < 0.1 and status == "finished"', language="Lua")
        [<Experiment: 201602122149-PMJ8a76csB>]

        Both are about the columns of `table`. A filter compares columns with numbers, texts, times and
        lists; names with spaces or other signs stand in backticks, and nothing in it is run.
        docs/filters.md has the grammar. Values of such columns are given as
        ``**{"options.learning rate": 0.1}``; None finds the experiments that have no value.

        Raises:
            InvalidQuery: the query is not a filter, or there is no such column.
        """
        from lab_workbook.overview import select

        return [self._experiment(tag) for tag in select.tags(self.table(), query, values)]

    def meld_csv(
        self,
        labels: Mapping[str, str],
        artifact: str,
        column: str,
        *,
        x: str | None = None,
        how: How = "outer",
    ) -> pd.DataFrame:
        """
        Put one column of several experiments side by side, with a label for each tag.

        >>> repository.meld_csv({"TAG1": "slow", "TAG2": "fast"}, "Training loss.csv", "loss").plot()
        >>> repository.meld_csv(labels, "Training loss.csv", "loss", x="elapsed", how="interpolate")

        Rows are matched by ``x``: the first field unless another one is named, such as ``"Date"``.
        ``"elapsed"`` is the seconds since the experiment has begun, or since its first row where protocol
        1.0 does not say; a field of that name comes first. A value of x that comes several times is matched
        in its order: the first with the first.

        Where an experiment has no value there is a hole, and it stays with ``how="outer"``;
        ``"interpolate"`` draws a line by x between the values on either side, and ``"ffill"`` goes on with
        the value before. Neither goes beyond the values that an experiment has. To smooth is pandas' task:
        ``meld_csv(...).ewm(span=20).mean()``.

        Raises:
            NotComparable: there is no tag, or one label for two of them, or no such column, or what is to
                be interpolated are no numbers.
            ArtifactNotFound: an experiment has no such artifact.
        """
        from lab_workbook.compare import meld

        labelled = {self[tag]: label for tag, label in labels.items()}
        return meld.meld_csv(labelled, artifact, column, x=x, how=how)

    def dask_csv(
        self,
        name: str,
        experiments: Iterable[str | Experiment] | None = None,
        *,
        dtypes: Mapping[str, Any] | None = None,
        tag_column: str = "tag",
    ) -> DataFrame:
        """
        Return one series of many experiments as a DataFrame of Dask, which is read when it is computed.

        >>> losses = repository.dask_csv("Training loss.csv")
        >>> losses.groupby("tag").loss.min().compute()
        >>> repository.dask_csv(
        ...     "Training loss.csv", repository.find(status="finished"), dtypes={"loss": "float64"}
        ... )

        ``experiments`` are tags or experiments of this repository, each of which counts once; without them
        it is all that have such a series. Each is a partition, in their order: index, columns and types are
        those of ``experiment[name]``, and the last column, ``tag_column``, has the tag as text.

        The first series that has rows is read at once, and decides the columns and types for all. Another
        one may lack a column, which is then all holes, or have another type, if each of its values can be
        had in the type of the first: a column of integers where the first has floats. ``dtypes`` gives
        other types, also for the index, and more columns: ``{"epoch": "float64", "rate": "float64"}``.

        Each worker reads with this package and credentials of its own. It is told the prefix, and endpoint,
        region and profile (its name) if they were given or configured here; all else, such as
        ``AWS_ENDPOINT_URL_S3``, is the worker's. Of an experiment that runs, it reads the rows that are
        there then.

        Raises:
            LabWorkbookError: Dask is not installed.
            ArtifactNotFound: some of the experiments have no such series; it lists them.
            NotComparable: there is no experiment, or one of another repository, or no such type; and when
                it is computed: a series does not fit.
        """
        from lab_workbook import cluster

        if experiments is None:
            tags = cluster.having(self._store, name)
        else:
            tags = cluster.chosen(self, experiments, name)
        place = cluster.Place(*(getattr(self._config, field) for field in cluster.Place._fields))
        return cluster.frame(place, tags, name, dtypes=dtypes or {}, tag_column=tag_column)

    def _found(self, tag: str) -> Experiment:
        # Of a whole tag there is no need to ask whether it is the beginning of another.
        if _WHOLE_TAG.fullmatch(tag) or "/" in tag or not names.is_safe_path(tag):
            return self._experiment(tag)
        found = list(self._store.folders(tag))
        if tag in found or not found or self._is_begun(tag):
            return self._experiment(tag)
        if len(found) > 1:
            shown = ", ".join(map(repr, found[:_TAGS_SHOWN]))
            more = f" and {len(found) - _TAGS_SHOWN:,} more" if len(found) > _TAGS_SHOWN else ""
            raise AmbiguousTag(
                f"{len(found):,} experiments begin with {tag!r}: {shown}{more}. Give more of the tag"
            )
        return self._experiment(found[0])

    def _is_begun(self, tag: str) -> bool:
        """Return whether exactly this tag was claimed, which a listing that lags behind may not show."""
        try:
            self._store.get(f"{tag}/{_spec.LAYOUT_BEGIN}")
        except KeyError:
            return False
        return True

    def _experiment(self, tag: str) -> Experiment:
        return Experiment(self._store, tag, f"{self.where}{tag}/", explain=self._explain)

    def _at(self, index: int) -> Experiment:
        experiments = self.list_experiments()
        try:
            return experiments[index]
        except IndexError:
            raise ExperimentNotFound(
                f"{self.where} has {len(experiments)} experiments, and none at [{index}]"
            ) from None

    @property
    def _store(self) -> Annotates:
        if self._opened is None:
            self._opened = self._open(self._config.bucket_prefix)
        return self._opened

    def _open(self, prefix: Prefix) -> Annotates:
        if prefix.kind == "folder":
            from lab_workbook.store.folder import FolderStore

            return FolderStore(prefix.path)
        # boto3 takes half a second to import.
        from lab_workbook.store.cache import CachedStore
        from lab_workbook.store.put_options import PutOptions
        from lab_workbook.store.s3 import S3Store

        store = S3Store(
            prefix,
            endpoint_url=self._config.endpoint_url,
            profile=self._config.profile,
            region=self._config.region,
            addressing_style=self._config.addressing_style,
            # For notes, which a bucket may ask to be encrypted as all else.
            options=PutOptions(
                server_side_encryption=self._config.server_side_encryption,
                kms_key_id=self._config.kms_key_id,
                storage_class=self._config.storage_class,
                acl=self._config.acl,
            ),
        )
        return CachedStore(store, self._cache)

    @property
    def _cache(self) -> CacheFolder:
        return CacheFolder(self._config.cache_dir, self._config.cache_bytes)

    def _rows(self) -> list[rows.Row]:
        return rows.read(self._store, Catalogue(self._cache, self._store.url("")))

    def _sorted_tags(self) -> list[str]:
        return sorted(self._tags())

    def _tags(self) -> list[str]:
        return [name for name in self._store.folders("") if name]

    def _explain(self, tag: str) -> str:
        """Return why there is no experiment of this tag, and what to ask for instead."""
        where = self.where
        glued = self._glued(tag)
        if glued:
            return glued
        tags = self._tags()
        similar = near(tag, tags, count=_TAGS_SHOWN)
        if similar:
            return f"there is no experiment {tag!r} at {where}. Did you mean {', '.join(map(repr, similar))}?"
        last = f"; the last of {len(tags)} is {max(tags)!r}" if tags else ", which is empty"
        return f"there is no experiment {tag!r} at {where}{last}"

    def _glued(self, tag: str) -> str | None:
        """Look for what protocol 1.0 wrote under a prefix without a final slash: ``exp<tag>``."""
        prefix = self._config.bucket_prefix
        parent, _, last = prefix.path.rstrip("/").rpartition("/")
        place = prefix._replace(path=f"{parent}/" if parent or prefix.kind == "folder" else "")
        with contextlib.suppress(StoreError):
            if last and any(True for _ in self._open(place).keys(f"{last}{tag}/")):
                return (
                    f"there is no experiment {tag!r} at {prefix}, but protocol 1.0 glued its tag to a prefix"
                    f" without a final '/': ExperimentRepository('{place}')['{last}{tag}'] has it"
                )
        return None


def _given_prefix(
    bucket_prefix: str | os.PathLike[str] | None, s3prefix: str | None, bucket: str | None
) -> str | os.PathLike[str] | None:
    if s3prefix is None and bucket is None:
        return bucket_prefix
    name = bucket if bucket is not None else bucket_prefix
    if name is None:
        raise ConfigurationError("s3prefix needs a bucket: ExperimentRepository('s3://bucket/prefix/')")
    return f"s3://{os.fspath(name)}/{(s3prefix or '').lstrip('/')}"
