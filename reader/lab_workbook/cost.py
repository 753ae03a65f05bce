"""
What an experiment costs in S3: the requests of its delivery, and a month of keeping it.

>>> cost.of({"PUT": 2012, "DELETE": 1998}, stored=8_400_000).once
0.01006

The prices are AWS's list prices in dollars, without the discounts and free tiers that an account may
have. They are arguments, because they change, and differ between regions, storage classes and servers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from lab_workbook.protocol import _spec


class Prices(NamedTuple):
    """
    Dollars: ``write`` for 1,000 of PUT, POST and LIST, ``read`` for 1,000 of GET and HEAD.

    ``month`` is for a GB (10^9 bytes) kept for a month. DELETE is free, and so is what is sent into S3.
    """

    write: float
    read: float
    month: float


# S3 Standard in us-east-1 (N. Virginia), the first 50 TB; looked up in November 2026.
# https://aws.amazon.com/s3/pricing/
US_EAST_1 = Prices(write=0.005, read=0.0004, month=0.023)
US_EAST_1_NAME = "AWS's list prices for S3 Standard in us-east-1, of November 2026"


class Cost(NamedTuple):
    """``once`` for the requests, ``month`` for keeping ``stored`` bytes; in dollars."""

    requests: dict[str, int]
    stored: int
    once: float
    month: float


_FREE = frozenset({"DELETE"})
_READS = frozenset({"GET", "HEAD"})


def of(requests: Mapping[str, int], stored: int, prices: Prices = US_EAST_1) -> Cost:
    """Return what some requests cost, and some stored bytes."""
    once = sum(count * _price(kind, prices) / 1000 for kind, count in requests.items())
    return Cost(dict(requests), stored, once, stored / 1e9 * prices.month)


def total(costs: Iterable[Cost]) -> Cost:
    """Return the sum of several costs."""
    requests: dict[str, int] = {}
    stored, once, month = 0, 0.0, 0.0
    for cost in costs:
        for kind, count in cost.requests.items():
            requests[kind] = requests.get(kind, 0) + count
        stored, once, month = stored + cost.stored, once + cost.once, month + cost.month
    return Cost(requests, stored, once, month)


def delivery(end: Mapping[str, object]) -> tuple[dict[str, int], int] | None:
    """Return requests by kind and bytes sent from an end.json (rule ``end.delivery``), if it has them."""
    told = end.get("delivery")
    if not isinstance(told, dict) or not isinstance(told.get("requests"), dict):
        return None
    requests = {str(kind): _count(count) for kind, count in told["requests"].items()}
    known = {kind: count for kind, count in requests.items() if count is not None}
    return known, _count(told.get("bytes")) or 0


def _count(value: Any) -> int | None:
    # More than 64 bits are no count of anything, and no float either.
    return value if type(value) is int and 0 <= value <= _spec.SERIES_INTEGER_MAX else None


def _price(kind: str, prices: Prices) -> float:
    if kind in _FREE:
        return 0.0
    return prices.read if kind in _READS else prices.write
