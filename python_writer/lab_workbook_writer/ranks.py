"""
Which process of a distributed training this is, as its launcher says.

>>> of({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "3", "MASTER_PORT": "29500"})
Rank(number=3, is_near=True, group='MASTER_PORT=29500')

A training on eight GPUs runs one script eight times. One of them, rank 0, owns the experiment; the others
must not claim one each.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from lab_workbook.errors import Misuse

# torchrun and accelerate say the rank of all, and that counts alone.
_RANK: Final = "RANK"
# Lightning's own launcher says the rank on this host only; it may run inside a task of SLURM or MPI.
_LOCAL_RANK: Final = "LOCAL_RANK"
_LOCAL_SIZE: Final = "LOCAL_WORLD_SIZE"
_TASKS: Final = ("SLURM_PROCID", "SLURM_NTASKS")
_OTHERS: Final = ("OMPI_COMM_WORLD_RANK", "PMI_RANK")
_HOSTS: Final = ("GROUP_RANK", "NODE_RANK", "SLURM_NODEID")

# What the processes of one training have in common, and those of another on this host have not.
_COMMON: Final = (
    *("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT"),
    *("SLURM_JOB_ID", "SLURM_STEP_ID", "PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"),
)


class Rank(NamedTuple):
    """One process of several: its number, whether rank 0 is on this host, and what they have in common."""

    number: int
    is_near: bool
    group: str


def of(environment: Mapping[str, str], given: int | None = None) -> Rank | None:
    """
    Return which process this is, or None if it is the only one; ``given`` overrules the environment.

    Raises:
        Misuse: what is given is no rank.
    """
    number = _number(environment) if given is None else _checked(given)
    if number is None or (given is None and environment.get("WORLD_SIZE") == "1"):
        return None
    is_near = not any(_whole(environment.get(host)) for host in _HOSTS) and _is_on_first_host(environment)
    common = [f"{name}={environment[name]}" for name in _COMMON if environment.get(name)]
    # Whoever starts such processes by hand starts all of them.
    return Rank(number, is_near, " ".join(common) or f"parent={os.getppid()}")


def _checked(given: object) -> int:
    if type(given) is not int or given < 0:
        raise Misuse("tag.claim", f"rank is a whole number from 0, not {given!r}")
    return given


def _number(environment: Mapping[str, str]) -> int | None:
    rank = _whole(environment.get(_RANK))
    if rank is not None:
        return rank
    found = [_whole(environment.get(name)) for name in _OTHERS]
    if (_whole(environment.get(_TASKS[1])) or 0) > 1:
        found.append(_whole(environment.get(_TASKS[0])))
    local = _whole(environment.get(_LOCAL_RANK))
    if local is not None:
        host = _whole(environment.get("NODE_RANK")) or 0
        found.append(host * (_whole(environment.get(_LOCAL_SIZE)) or 1) + local)
    return _highest(found)


def _highest(numbers: Iterable[int | None]) -> int | None:
    # A launcher inside of another starts more processes, of which the outer one only counts the first.
    return max((number for number in numbers if number is not None), default=None)


def _is_on_first_host(environment: Mapping[str, str]) -> bool:
    rank, local = _whole(environment.get(_RANK)), _whole(environment.get(_LOCAL_RANK))
    return rank is None or local is None or rank == local


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
