"""
One series of many experiments as one table, larger than any memory: a DataFrame of Dask.

>>> losses = repository.dask_csv("Training loss.csv")
>>> losses.groupby("tag").loss.min().compute()

Dask is the engine; we only say what its tasks are. Each reads the series of one experiment, exactly as
``experiment[name]`` would, on the machine where it is needed. So a worker needs this package and a way to
the experiments of its own: a task carries names and types, and never a credential.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from lab_workbook import _columns, kinds
from lab_workbook.errors import ArtifactNotFound, LabWorkbookError, NotComparable
from lab_workbook.experiment import Experiment
from lab_workbook.fitting import Types
from lab_workbook.overview import listing
from lab_workbook.protocol import _spec
from lab_workbook.protocol.prefix import Prefix
from lab_workbook.store import Reads, parallel

if TYPE_CHECKING:
    from dask.dataframe import DataFrame

    from lab_workbook.repository import ExperimentRepository

# An error that lists more tags than this hides what it has to say.
_TAGS_SHOWN: Final = 20
# A worker serves few repositories, and a client of S3 costs it a tenth of a second.
_REPOSITORIES: Final = 8


class Place(NamedTuple):
    """Where the experiments are, for a machine that knows nothing of them: no more than names."""

    bucket_prefix: Prefix
    endpoint_url: str | None = None
    profile: str | None = None
    region: str | None = None
    addressing_style: str | None = None


def having(store: Reads, name: str) -> list[str]:
    """Return the tags of all experiments that have a series, sorted."""
    return sorted(listed.tag for listed in listing.experiments(store) if name in listed.series())


def chosen(repository: ExperimentRepository, given: Iterable[str | Experiment], name: str) -> list[str]:
    """
    Return the tags of experiments that were given by tag or as they are, each once.

    Raises:
        ArtifactNotFound: some have no such series; it lists them.
        NotComparable: one is of another repository.
    """
    # One tag is a collection of letters too.
    several = [given] if isinstance(given, str) else given
    experiments = dict.fromkeys(repository[each] if isinstance(each, str) else each for each in several)
    for experiment in experiments:
        if experiment.where != f"{repository.where}{experiment.tag}/":
            raise NotComparable(
                f"{experiment.where} is not in {repository.where}: call dask_csv of each repository,"
                " and put both together by dask.dataframe.concat"
            )
    looked = dict(parallel.each(lambda each: name in each, experiments, "experiments"))
    without = sorted(experiment.tag for experiment, has_it in looked.items() if not has_it)
    if without:
        shown = ", ".join(map(repr, without[:_TAGS_SHOWN]))
        more = f" and {len(without) - _TAGS_SHOWN:,} more" if len(without) > _TAGS_SHOWN else ""
        raise ArtifactNotFound(
            f"{len(without):,} of {len(looked):,} experiments have no {name!r}: {shown}{more}."
            f" Leave them out by [each for each in experiments if {name!r} in each]"
        )
    return [experiment.tag for experiment in experiments]


def frame(
    place: Place, tags: list[str], name: str, *, dtypes: Mapping[str, Any], tag_column: str
) -> DataFrame:
    """
    Return a lazy table with a partition for each tag, as `ExperimentRepository.dask_csv` tells.

    Raises:
        LabWorkbookError: Dask is not installed.
        NotComparable: ``dtypes`` cannot be had, or ``tag_column`` is a column of the series.
    """
    if not name.endswith(_spec.KIND_SERIES_SUFFIX):
        raise NotComparable(f"{name!r} is no series, whose name ends with {_spec.KIND_SERIES_SUFFIX!r}")
    try:
        import dask
        from dask.dataframe import from_map
    except ImportError as error:
        raise LabWorkbookError(
            f"dask_csv needs Dask ({error}): `pip install 'lab-workbook[dask]'` brings it along"
        ) from error
    types = _first_types(place, tags, name).changed(dtypes)
    if tag_column in (types.index_name, *types.columns):
        raise NotComparable(
            f"{name} has a column {tag_column!r} of its own: give the tags another, tag_column='experiment'"
        )
    part = Part(place, name, types, tag_column)
    meta = part.tagged(types.empty(), "")
    # Dask would make texts of all objects, also of those that are none.
    with dask.config.set({"dataframe.convert-string": False}):
        table: DataFrame = from_map(part, tags, meta=meta, label="lab-workbook", enforce_metadata=False)
    return table


# Dask looks into tuples for tasks of its own.
@dataclass(frozen=True)
class Part:
    """A task without its tag: what to read, and what it has to look like."""

    place: Place
    name: str
    types: Types
    tag_column: str
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __dask_tokenize__(self) -> str:
        """Return another token each time, so that no cluster answers with what it has read before."""
        return self.token

    def __call__(self, tag: str) -> pd.DataFrame:
        """
        Return the series of one experiment with its tag.

        Raises:
            NotComparable: it does not fit the types; the message says where and what to do.
        """
        try:
            fitted = self.types.fitted(_read(self.place, tag, self.name))
        except NotComparable as error:
            raise NotComparable(
                f"{self.name} of {tag} does not fit those before it: {error}. Give a type that fits all by"
                " dtypes={name: 'float64'}, or 'Int64', 'boolean' or 'object', or read it on its own"
            ) from None
        return self.tagged(fitted, tag)

    def tagged(self, table: pd.DataFrame, tag: str) -> pd.DataFrame:
        """Return a table with a last column that has the tag in each row."""
        tags = _columns.array([tag] * len(table), _columns.TEXT)
        tagged: pd.DataFrame = table.assign(**{self.tag_column: tags})
        return tagged


def _first_types(place: Place, tags: list[str], name: str) -> Types:
    """Return the types of the first series that has rows, for columns without any have no type yet."""
    first: Types | None = None
    for tag in tags:
        table = _read(place, tag, name)
        if len(table):
            return Types.of(table)
        first = first or Types.of(table)
    if first is None:
        raise NotComparable("there is nothing to read: give at least one experiment")
    return first


def _read(place: Place, tag: str, name: str) -> pd.DataFrame:
    """Return a series as ``experiment[name]`` does, whatever functions of the user there are here."""
    experiment = _repository(place)[tag]
    table: pd.DataFrame = kinds.own(name, experiment.read_checked(name), is_legacy=not experiment.begin)
    return table


@functools.lru_cache(_REPOSITORIES)
def _repository(place: Place) -> ExperimentRepository:
    from lab_workbook.repository import ExperimentRepository

    return ExperimentRepository(**place._asdict())
