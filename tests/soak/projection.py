"""Proofs about the projection that take long: calibration in other worlds, draws rated exactly, orders, steps found."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from billing.forecasting.counts import Calendar, Counts
from billing.forecasting.exhaustion import exhaustion
from billing.forecasting.methods import Hindsight
from billing.forecasting.models.graduated import NEGLIGIBLE
from billing.forecasting.simulate import Cell, Spread, VolumePlan, simulate, written_book, written_usage
from billing.forecasting.spread import estimate_spread
from billing.forecasting.steps import find_steps
from billing.rating.lines import Line, Rating
from billing.rating.rate import CompiledTerms, PriceRequest, compile_terms, rate_compiled
from billing.schemas.price import load_price_request
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation, AgreementTerm, PriceBook, PriceBookVersion, Usage
from contracts.terms.price_model import Counter, UsageCharge
from contracts.terms.price_models import Graduated, Tier
from contracts.terms.working_days import public_holidays, working_days
from tests.measure import Row
from tests.oracle.generator import random_request
from tests.soak._worlds import ALGORITHMS, END, HISTORY_FROM, HISTORY_TO, TRUSTS, World, world

NOISE = Spread(trust=Decimal("0.3"), algorithm=Decimal("0.25"), common=Decimal("0.1"), rho=Decimal("0.5"))
WORLDS = 1_000
DRAWS = 500
TIERS = (Tier(8_000, Decimal("60.00")), Tier(25_000, Decimal("45.50")), Tier(None, Decimal("33.25")))
TERM = AgreementTerm(HISTORY_TO, END)

Place = Literal["before", "inside", "after"]


def terms() -> CompiledTerms:
    """Compile a book with a pool per algorithm and year."""
    charges = tuple(
        UsageCharge(name, "7.1", (name,), Graduated(TIERS), Counter("agreement", "calendar_year"))
        for name in ALGORITHMS
    )
    activations = [Activation(trust, algorithm, HISTORY_FROM) for trust in TRUSTS for algorithm in ALGORITHMS]
    return compile_terms(TERM, PriceBook(versions=(PriceBookVersion(HISTORY_TO, "B", charges),)), activations)


COMPILED = terms()


def monthly(lived: World, period: Period) -> NDArray[np.float64]:
    """Add a world's counts up by month."""
    first = lived.days[0]
    return np.array(
        [
            lived.counts[:, (month.start - first).days : (month.end - first).days].sum(axis=1)
            for month in period.months()
        ],
        dtype=np.float64,
    ).T


def placed(seed: int) -> tuple[Place, date | None, Decimal]:
    """Tell where a world's exhaustion falls in what was projected from its first 24 months, by day."""
    lived = world(seed)
    calendar = Calendar.of(HISTORY_FROM, 48, public_holidays)
    trusts, algorithms = tuple(trust for trust, _ in lived.keys), tuple(algorithm for _, algorithm in lived.keys)
    counts = Counts(HISTORY_FROM, trusts, algorithms, monthly(lived, Period(HISTORY_FROM, HISTORY_TO)), calendar)
    expected = Hindsight(counts).expected(counts.months, ahead=24)
    estimate = estimate_spread(counts)
    cells = []
    for number, month in enumerate(TERM.period.months()):
        days = tuple(working_days(month))
        cells += [Cell(*key, days, Decimal(str(round(expected[row, number], 4)))) for row, key in enumerate(lived.keys)]
    plan = VolumePlan(HISTORY_TO, (), tuple(cells))
    simulation = simulate(COMPILED, plan, estimate.spread, TERM.period, draws=DRAWS, seed=seed)
    share = Decimal(str(random.Random(seed).uniform(0.3, 1.05)))
    ceiling = int(np.median(simulation.totals) * float(share))
    found = exhaustion(simulation, ceiling)
    actual = actually_exhausted(lived, ceiling)
    late = date.max
    low, high, came = found.p10 or late, found.p90 or late, actual or late
    return ("before" if came < low else "after" if came > high else "inside"), actual, share


def actually_exhausted(lived: World, ceiling: int) -> date | None:
    """Rate what came to pass and find the day on which it had used the ceiling up; a month's cost falls with its counts."""
    offset = (HISTORY_TO - HISTORY_FROM).days
    usage = [
        Usage(*key, day, int(count))
        for row, key in enumerate(lived.keys)
        for day, count in zip(lived.days[offset:], lived.counts[row, offset:], strict=True)
        if count
    ]
    spent = 0
    by_month: dict[date, int] = {}
    for line in rate_compiled(COMPILED, usage, TERM.period).lines:
        by_month[line.period.start] = by_month.get(line.period.start, 0) + line.net_ore
    for month, cost in by_month.items():
        if spent + cost < ceiling:
            spent += cost
            continue
        first = (month - HISTORY_FROM).days
        days = lived.counts[:, first : first + (add_months(month, 1) - month).days].sum(axis=0)
        reached = spent + np.cumsum(days) / days.sum() * cost
        return lived.days[first + int(np.argmax(reached >= ceiling))]
    return None


WEEKDAYS = np.array([1.1, 1.15, 1.1, 1.05, 0.95, 0.35, 0.3])


def daily_counts(random: np.random.Generator, monthly: float, days: int, step: float = 0.0, at: int = 0) -> list[int]:
    """Draw daily counts with a weekday pattern from January 2024 on, with a lasting step from day `at` on."""
    first = date(2024, 1, 1)
    dates = [first + timedelta(days=number) for number in range(days)]
    kinds = [6 if day in public_holidays(day.year) else day.weekday() for day in dates]
    level = (WEEKDAYS / WEEKDAYS.mean())[kinds] * monthly / 30.4
    level[at:] *= 1 + step
    return [int(count) for count in random.poisson(level)]


def steps_found(series: int, seed: int, smallest: float = 200, largest: float = 2_000) -> tuple[float, float]:
    """Return the share of 30 % steps, half of them down, told within 31 days, and false alarms per 100 series-months.

    Series have 200 to 2 000 examinations a month, evenly by size; false alarms are counted on as many without a step.
    """
    random = np.random.default_rng([seed, series])
    first, told, alarms, months = date(2024, 1, 1), 0, 0, 0.0
    for number in range(series):
        monthly = float(np.exp(random.uniform(np.log(smallest), np.log(largest))))
        quiet = daily_counts(random, monthly, 730)
        alarms += len(find_steps(first, quiet, public_holidays))
        months += 730 / 30.4
        at = int(random.integers(200, 690))
        stepped = daily_counts(random, monthly, at + 31, 0.3 if number % 2 else -0.3, at)
        told += any((found.found_on - first).days >= at for found in find_steps(first, stepped, public_holidays))
    return told / series, 100 * alarms / months


def random_terms(seed: int) -> tuple[PriceRequest, CompiledTerms]:
    """Give a random agreement as the rating's own proof uses them."""
    request = load_price_request(random_request(random.Random(seed), contested=seed % 10 == 0))
    return request, compile_terms(request.agreement, request.price_book, request.activations)


def random_plan(seed: int, request: PriceRequest) -> VolumePlan:
    """Keep the usage of the first third of the term as known and expect random volumes after it."""
    rng = random.Random(f"plan {seed}")
    term = request.agreement
    start = min(add_months(term.start.replace(day=1), 1 + (term.end - term.start).days // 90), term.end)
    known = tuple(entry for entry in request.usage if entry.on < start)
    cells = []
    for month in Period(start, term.end).months() if start < term.end else ():
        days: dict[tuple[str, str], set[date]] = {}
        for activation in request.activations:
            for day in working_days(month):
                if activation.begins <= day and (activation.end is None or day < activation.end):
                    days.setdefault((activation.trust, activation.algorithm), set()).add(day)
        level = rng.choice([3, 30, 300])
        cells += [
            Cell(*key, tuple(sorted(own)), Decimal(rng.randrange(level * 100)) / 100)
            for key, own in sorted(days.items())
            if rng.random() < 0.9
        ]
    return VolumePlan(start, known, tuple(cells))


def bound(rating: Rating) -> float:
    """Return what a simulation may be off a rating at most, in øre, as the engine states it.

    It is an øre a line, and where units of several discounts cross tiers of a charge in a period, the negligible share of their
    list price for each tier crossed. The counters of a charge are taken together, so it is never less than the engine says.
    """
    together: dict[tuple[str, Period], list[Line]] = {}
    for line in rating.lines:
        if line.tier is not None and line.why is None:
            together.setdefault((line.charge, line.period), []).append(line)
    crossed = sum(
        (len({line.tier for line in lines}) - 1) * sum(line.gross_ore for line in lines)
        for lines in together.values()
        if len({line.discount_rate_e4 for line in lines}) > 1
    )
    return len(rating.lines) + NEGLIGIBLE * crossed


def off_by(seed: int, draws: int) -> list[tuple[float, float]]:
    """Rate draws of a random agreement written out: (difference in øre, its bound)."""
    request, compiled = random_terms(seed)
    plan, term = random_plan(seed, request), request.agreement.period
    assumed = frozenset(one.effective_from for one in request.price_book.index_adjustments)
    spread = (
        Spread(NOISE.trust, NOISE.algorithm, NOISE.common, NOISE.rho, Decimal("0.1"), Decimal("0.02"), assumed)
        if seed % 3 == 0
        else NOISE
    )
    simulation = simulate(compiled, plan, spread, term, draws=draws, seed=seed)
    found = []
    for draw in range(draws):
        prices = written_book(request.price_book, spread, seed, draw)
        exact = compile_terms(request.agreement, prices, request.activations)
        rating = rate_compiled(exact, written_usage(plan, spread, seed, draw), term)
        difference = float(abs(int(simulation.totals[draw]) - rating.total_ore))
        found.append((difference, bound(rating)))
    return found


def farthest_draw(agreements: int, first_seed: int = 0, draws: int = 20) -> float:
    """Rate draws written out: the largest difference, as a share of its bound."""
    return max(
        difference / max(most, 1)
        for seed in range(first_seed, first_seed + agreements)
        for difference, most in off_by(seed, draws)
    )


def run(count: float) -> list[Row]:
    """Live through 1 000 × ``count`` worlds, find steps in as many series, rate 20 draws of 300 × ``count`` agreements."""
    worlds = max(100, int(WORLDS * count))
    places = [placed(seed)[0] for seed in range(worlds)]
    inside = 100 * places.count("inside") / worlds
    detail = f"{worlds} worlds; before P10 {places.count('before')}, after P90 {places.count('after')}"
    series = max(100, int(500 * count))
    found, false = steps_found(series, 77)
    smallest, _ = steps_found(series, 78, 200, 200.001)
    agreements = max(20, int(300 * count))
    farthest = farthest_draw(agreements)
    return [
        Row("projection: exhaustion inside P10–P90, per cent, at least", inside, 75, "at_least", detail),
        Row("projection: exhaustion inside P10–P90, per cent, at most", inside, 85, "at_most", detail),
        Row(
            "projection: 30 % steps told within 31 days",
            found,
            0.9,
            "at_least",
            f"{series} series; {smallest:.2f} at exactly 200 a month",
        ),
        Row("projection: false alarms per 100 series-months", false, 1, "at_most", f"{series} series of two years"),
        Row(
            "projection: draws rated exactly, difference as a share of its bound",
            farthest,
            1,
            "at_most",
            f"{agreements} agreements × 20 draws",
        ),
    ]
