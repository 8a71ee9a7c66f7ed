"""How fast the one rating function is, measured against the least that can be done for the same lines.

Both sides of every ratio run in this process, interleaved, and each pair's ratio counts; the figure is their median. What is
compared is first shown to be equal.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from statistics import median

from billing.rating.rate import Line, compile_terms, marginal, rate_compiled
from contracts.terms.period import Period
from contracts.terms.price_book import (
    Activation,
    AgreementTerm,
    IndexAdjustment,
    PriceBook,
    PriceBookVersion,
    Usage,
)
from contracts.terms.price_model import Counter, RampPhase, RampUp, UsageCharge
from contracts.terms.price_models import Graduated, Tier
from tests.measure import Row

PAIRS = 7
TRUSTS = [f"trust-{i}" for i in range(9)]
ALGORITHMS = [f"algorithm-{i:02}" for i in range(20)]
START = date(2020, 1, 1)
TIERS = (
    Tier(5_000, Decimal("60.00")),
    Tier(20_000, Decimal("45.50")),
    Tier(80_000, Decimal("33.25")),
    Tier(None, Decimal("20.125")),
)
RAMP = RampUp((RampPhase(Decimal("0.50"), months=3), RampPhase(Decimal("0.25"), months=3)))


def agreement(years: int) -> AgreementTerm:
    """Return a term of so many years."""
    return AgreementTerm(START, date(START.year + years, 1, 1))


def pooled_per_algorithm() -> PriceBook:
    """Return a book with one charge per algorithm, pooled over the trusts, and an index each year."""
    charges = tuple(
        UsageCharge(
            f"u-{algorithm}", "7.1", (algorithm,), Graduated(TIERS), Counter("agreement", "calendar_year"), RAMP
        )
        for algorithm in ALGORITHMS
    )
    index = tuple(IndexAdjustment(date(START.year + i, 1, 1), Decimal("1.02"), "7.3") for i in range(1, 10))
    return PriceBook(index_adjustments=index, versions=(PriceBookVersion(START, "Bilag 7", charges),))


ACTIVATIONS = tuple(Activation(trust, algorithm, START) for trust in TRUSTS for algorithm in ALGORITHMS)


def counts(months: list[Period]) -> list[Usage]:
    """Return the same random counts every time: one a month for each trust and algorithm."""
    generator = random.Random(20_240_101)
    return [
        Usage(trust, algorithm, month.start, generator.randint(20, 170))
        for month in months
        for trust in TRUSTS
        for algorithm in ALGORITHMS
    ]


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of one call."""
    gc.collect()
    gc.disable()
    try:
        begun = time.process_time()
        work()
        return time.process_time() - begun
    finally:
        gc.enable()


def ratio_of(numerator: Callable[[], object], denominator: Callable[[], object], pairs: int = PAIRS) -> float:
    """Return the median ratio of the times of two pieces of work, run in turns."""
    return median(seconds(numerator) / seconds(denominator) for _ in range(pairs))


def event_by_event(usage: list[Usage], term: AgreementTerm) -> Decimal:
    """Price every single examination in Decimal, the way it used to be done; without rounding to lines."""
    total = Decimal(0)
    position: dict[tuple[str, int], int] = {}
    for entry in usage:
        level = Decimal("1.02") ** (entry.on.year - START.year)
        prices = [
            (price.unit_price * level).quantize(Decimal("0.01"), "ROUND_HALF_UP") if level != 1 else price.unit_price
            for price in TIERS
        ]
        months = (entry.on.year - START.year) * 12 + entry.on.month - 1
        payable = 1 - (Decimal("0.50") if months < 3 else Decimal("0.25") if months < 6 else Decimal(0))
        counter = (entry.algorithm, entry.on.year)
        for _ in range(entry.quantity):
            position[counter] = unit = position.get(counter, 0) + 1
            number = next(i for i, tier in enumerate(TIERS) if tier.up_to is None or unit <= tier.up_to)
            total += prices[number] * payable
    return total


def run() -> list[Row]:
    """Measure every ratio of rating."""
    long, short = agreement(10), agreement(1)
    usage, one_year = counts(long.period.months()), counts(short.period.months())
    price_book = pooled_per_algorithm()
    compiled = compile_terms(long, price_book, ACTIVATIONS)
    compiled_short = compile_terms(short, price_book, ACTIVATIONS)
    rating = rate_compiled(compiled, usage, long.period)
    ready = [
        tuple(getattr(line, name) for name in Line.__dataclass_fields__)  # ready numbers, shared periods and texts
        for line in rating.lines
    ]

    def build() -> tuple[Line, ...]:
        return tuple(Line(*numbers) for numbers in ready)

    assert build() == rating.lines

    def whole() -> object:
        return rate_compiled(compile_terms(long, price_book, ACTIVATIONS), usage, long.period)

    def compiled_already() -> object:
        return rate_compiled(compiled, usage, long.period)

    more = [*usage, *(Usage(TRUSTS[0], ALGORITHMS[0], month.start, 90) for month in long.period.months())]
    difference = marginal(compiled, usage, more, long.period)
    assert difference.total == rate_compiled(compiled, more, long.period).total - rating.total
    assert rate_compiled(compiled_short, one_year, short.period).total > 0

    events = sum(entry.quantity for entry in one_year)
    old = event_by_event(one_year, short)
    new = rate_compiled(compiled_short, one_year, short.period)
    assert abs(old - new.total) <= Decimal("0.01") * len(new.lines)

    cells = f"{len(usage)} cells, {len(ready)} lines"
    return [
        Row("rating against building its lines", ratio_of(build, compiled_already), 0.25, "at_least", cells),
        Row(
            "compiling and rating against building its lines",
            ratio_of(build, whole),
            0.25,
            "at_least",
            f"{cells}, terms compiled anew each time",
        ),
        Row(
            "rating, ten times the cells",
            ratio_of(compiled_already, lambda: rate_compiled(compiled_short, one_year, short.period)),
            12,
            "at_most",
            f"{len(usage)} cells against {len(one_year)}",
        ),
        Row(
            "what-if against a full rating",
            ratio_of(lambda: marginal(compiled, usage, more, long.period), compiled_already),
            1 / 3,
            "at_most",
            "one activation of a book pooled per algorithm; equal to the øre",
        ),
        Row(
            "rating against Decimal per single event",
            ratio_of(
                lambda: event_by_event(one_year, short),
                lambda: rate_compiled(compiled_short, one_year, short.period),
                pairs=3,
            ),
            10,
            "at_least",
            f"{events} events in {len(one_year)} cells; the totals differ by the rounding of lines only",
        ),
    ]
