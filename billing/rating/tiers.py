"""Sharing whole things and finding tiers: the two small pieces of arithmetic every model uses."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

# The last unit of an open tier: beyond any sum of quantities a request may hold.
NO_BOUND = 10**60


def shares(whole: int, weights: Sequence[int]) -> list[int]:
    """Share a whole number over weights in proportion, by largest remainder; ties go to the earlier weight.

    A negative whole is shared as its size, then negated (pricing.md §4.4, §4.7).

    >>> shares(200, [201, 100])
    [134, 66]
    >>> shares(-1, [1, 1])
    [-1, 0]
    """
    if whole < 0:
        return [-share for share in shares(-whole, weights)]
    total = sum(weights)
    given = []
    remainders = []
    for weight in weights:
        share, remainder = divmod(whole * weight, total)
        given.append(share)
        remainders.append(remainder)
    left_over = whole - sum(given)
    if left_over:
        by_remainder = sorted(range(len(given)), key=remainders.__getitem__, reverse=True)
        for i in by_remainder[:left_over]:
            given[i] += 1
    return given


def tier_at(last_units: Sequence[int], unit: int) -> int:
    """Return the index of the tier that unit number `unit` falls in.

    >>> tier_at((100, NO_BOUND), 100), tier_at((100, NO_BOUND), 101)
    (0, 1)
    """
    return bisect_left(last_units, unit)


def next_tier_at(last_units: Sequence[int], position: int) -> int | None:
    """Return the number of the first unit of the tier after the one a counter stands in, None in the last one.

    >>> next_tier_at((200, NO_BOUND), 200), next_tier_at((200, NO_BOUND), 201)
    (201, None)
    """
    last = last_units[bisect_left(last_units, max(position, 1))]
    return None if last == NO_BOUND else last + 1
