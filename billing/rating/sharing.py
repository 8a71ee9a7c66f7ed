"""Sharing amounts over trusts: what stands on a trust stays there, what stands on none is shared to the øre.

An amount on no trust (a fee of the whole agreement, a pooled minimum, an invoice's allowance) is shared by what the trusts
pay themselves: of the same charge and period, else in the same period, else at all; where nobody pays anything, equally.
Shares are whole øre by largest remainder, ties to the first trust by code (pricing.md §4.7), so they always sum to the amount.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.terms.period import Period

Key = Literal["own", "reference", "charge", "period", "all", "equal"]


@dataclass(frozen=True, slots=True)
class Amount:
    """Hold an amount to be allocated, in øre: on a trust, or on none; ``charge`` and ``algorithm`` where it names them."""

    trust: str | None
    algorithm: str | None
    charge: str | None
    period: Period
    net_ore: int


@dataclass(frozen=True, slots=True)
class Portion:
    """Hold what a trust bears of an amount, in øre, and by which key it came there (``own``: it stood on the trust)."""

    trust: str
    algorithm: str | None
    charge: str | None
    period: Period
    net_ore: int
    key: Key


def allocate(
    amounts: Iterable[Amount], trusts: Sequence[str], reference: Sequence[Portion] = ()
) -> tuple[Portion, ...]:
    """Allocate amounts over ``trusts``; the portions sum to the amounts, each amount by its own key.

    ``reference`` are portions whose shares go before the amounts' own (the expected charges, for an invoice): those of the
    same algorithm and of overlapping periods where there are any. A portion of 0 øre is left out. Raises ValueError where
    there is an amount on no trust and no trust to bear it.

    >>> from datetime import date
    >>> month = Period.month(date(2026, 9, 1))
    >>> fee = Amount(None, None, "platform", month, 1000)
    >>> own = [Amount("akershus", "ct-pe", "analysis", month, 200), Amount("oslo", "ct-pe", "analysis", month, 100)]
    >>> [(each.trust, each.net_ore) for each in allocate([fee], ["oslo", "akershus"])]
    [('akershus', 500), ('oslo', 500)]
    >>> [(each.trust, each.net_ore, each.key) for each in allocate([*own, fee], ["oslo", "akershus"])][2:]
    [('akershus', 667, 'period'), ('oslo', 333, 'period')]
    """
    listed = list(amounts)
    own = [each for each in listed if each.trust is not None]
    keys: dict[tuple[str | None, str | None, Period], tuple[Key, dict[str, int]]] = {}
    portions = []
    for each in listed:
        if each.trust is not None:
            portions.append(Portion(each.trust, each.algorithm, each.charge, each.period, each.net_ore, "own"))
            continue
        about = each.algorithm, each.charge, each.period
        if about not in keys:
            keys[about] = _key(each, own, trusts, reference)
        key, weights = keys[about]
        shares = share(each.net_ore, list(weights.values()))
        portions += [
            Portion(trust, each.algorithm, each.charge, each.period, part, key)
            for trust, part in zip(weights, shares, strict=True)
            if part
        ]
    return tuple(portions)


def share(whole: int, weights: Sequence[int]) -> list[int]:
    """Share a whole number over signed weights in proportion, by largest remainder; ties go to the earlier weight.

    Weights may be negative (a trust that is credited more than it pays); where they sum to 0 the shares are equal.

    >>> share(100, [1, 1, 1]), share(-1, [1, 1]), share(25, [150, -50]), share(7, [1, -1])
    ([34, 33, 33], [-1, 0], [38, -13], [4, 3])
    """
    if whole < 0:
        return [-part for part in share(-whole, weights)]
    total = sum(weights)
    if total < 0:
        return share(whole, [-weight for weight in weights])
    if total == 0:
        weights, total = [1] * len(weights), len(weights)
    if not weights:
        if whole:
            raise ValueError("there is nobody to bear the amount")
        return []
    parts = [divmod(whole * weight, total) for weight in weights]
    left_over = whole - sum(part for part, _rest in parts)
    first = sorted(range(len(parts)), key=lambda i: -parts[i][1])[:left_over]
    return [part + (i in first) for i, (part, _rest) in enumerate(parts)]


def _key(
    amount: Amount, own: Sequence[Amount], trusts: Sequence[str], reference: Sequence[Portion]
) -> tuple[Key, dict[str, int]]:
    for key, bearing in _candidates(amount, own, reference):
        weights: dict[str, int] = defaultdict(int)
        for each in bearing:
            if each.trust is not None:
                weights[each.trust] += each.net_ore
        paying = {trust: weights[trust] for trust in sorted(weights) if weights[trust] > 0}
        if paying:
            return key, paying
    return "equal", dict.fromkeys(sorted(trusts), 1)


def _candidates(
    amount: Amount, own: Sequence[Amount], reference: Sequence[Portion]
) -> Iterator[tuple[Key, Iterable[Amount | Portion]]]:
    near = [each for each in reference if each.period.overlap(amount.period) is not None]
    if amount.algorithm is not None:
        yield "reference", [each for each in near if each.algorithm == amount.algorithm]
    yield "reference", near
    same = [each for each in own if each.period.overlap(amount.period) is not None]
    if amount.charge is not None:
        yield "charge", [each for each in same if each.charge == amount.charge]
    yield "period", same
    yield "all", own
