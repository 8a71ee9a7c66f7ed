"""How fast a simulation is, measured against the same model written out as whole arrays and against its random numbers alone.

All sides run in this process on one thread, in turns, and each pair's ratio counts; the figure is their median. The written-out
form is first shown to come to the same costs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from statistics import median

import numpy as np
from numpy.typing import NDArray

from billing.forecasting.draws import CHUNK, stream
from billing.forecasting.simulate import Cell, Spread, VolumePlan, simulate
from billing.rating.rate import CompiledTerms, compile_terms
from contracts.terms.period import add_months
from contracts.terms.price_book import Activation, AgreementTerm, IndexAdjustment, PriceBook, PriceBookVersion
from contracts.terms.price_model import Counter, RampPhase, RampUp, UsageCharge
from contracts.terms.price_models import Graduated, Package, PriceModel, Tier, Volume
from contracts.terms.working_days import working_days
from tests.measure import Row

DRAWS = 10_000
PAIRS = 5
SEED = 42
START = date(2026, 1, 1)
TERM = AgreementTerm(START, date(2036, 1, 1))
TRUSTS = [f"trust-{i}" for i in range(9)]
ALGORITHMS = [f"algorithm-{i:02}" for i in range(20)]
BOUNDS = (5_000, 20_000, 60_000, 150_000)
PRICES = ("60.00", "45.50", "33.25", "28.10", "20.125")
TIERS = tuple(Tier(bound, Decimal(price)) for bound, price in zip((*BOUNDS, None), PRICES, strict=True))
MODELS: dict[str, PriceModel] = {
    "graduated": Graduated(TIERS),
    "volume": Volume(TIERS),
    "package": Package(1_000, Decimal("41000.00")),
}
SPREAD = Spread(trust=Decimal("0.06"), algorithm=Decimal("0.06"), rho=Decimal("0.5"))


def go_live(trust: int, algorithm: int) -> date:
    """Let activations start in the first two years, a few each month."""
    return add_months(START, (trust * 7 + algorithm * 5) % 24)


@cache
def compiled(model: str) -> CompiledTerms:
    """Compile a book with a pool over the trusts per algorithm, ramps and an index each year."""
    ramp = RampUp((RampPhase(Decimal("0.60"), months=3), RampPhase(Decimal("0.30"), months=3)))
    charges = tuple(
        UsageCharge(f"u-{name}", "7.1", (name,), MODELS[model], Counter("agreement", "calendar_year"), ramp)
        for name in ALGORITHMS
    )
    index = tuple(IndexAdjustment(date(START.year + i, 1, 1), Decimal("1.02"), "7.3") for i in range(1, 10))
    activations = [Activation(t, a, go_live(i, j)) for i, t in enumerate(TRUSTS) for j, a in enumerate(ALGORITHMS)]
    return compile_terms(
        TERM, PriceBook(index_adjustments=index, versions=(PriceBookVersion(START, "B", charges),)), activations
    )


@cache
def plan() -> VolumePlan:
    """Give every activation an expected volume a month, from its go-live on."""
    random = np.random.default_rng(20_260_101)
    level = np.round(random.uniform(100, 2_000, (len(TRUSTS), len(ALGORITHMS))), 2)
    cells = []
    for month in TERM.period.months():
        days = tuple(working_days(month))
        for i, trust in enumerate(TRUSTS):
            for j, algorithm in enumerate(ALGORITHMS):
                if go_live(i, j) <= month.start:
                    cells.append(Cell(trust, algorithm, days, Decimal(str(level[i, j]))))
    return VolumePlan(START, (), tuple(cells))


Floats = NDArray[np.float64]


def written_out(at_once: int, draws: int) -> Floats:
    """Return each draw's total in øre from whole arrays of draws × trusts × algorithms × months, so many draws at once.

    The same factors, whole volumes, tiers, ramps and index; a ramp takes its discount off the counter's average price.
    """
    months = TERM.period.months()
    base, paid = np.zeros((9, 20, 120)), np.ones((9, 20, 120))
    for i in range(9):
        for j in range(20):
            begun = (go_live(i, j).year - START.year) * 12 + go_live(i, j).month - 1
            paid[i, j, begun : begun + 3], paid[i, j, begun + 3 : begun + 6] = 0.4, 0.7
    for cell in plan().cells:
        month = (cell.days[0].year - START.year) * 12 + cell.days[0].month - 1
        base[TRUSTS.index(cell.trust), ALGORITHMS.index(cell.algorithm), month] = float(cell.volume)
    price = np.zeros((5, 120))
    for number, month in enumerate(months):
        for tier, text in enumerate(PRICES):
            level = Decimal("1.02") ** (month.start.year - START.year)
            indexed = (
                Decimal(text) if level == 1 else (Decimal(text) * level).quantize(Decimal("0.01"), "ROUND_HALF_UP")
            )
            price[tier, number] = float(indexed * 100)
    bounds = (0, *BOUNDS)
    totals = []
    for first in range(0, draws, at_once):
        trust = np.stack([_wander(f"trust:{name}", first, at_once) for name in TRUSTS], axis=1)
        algorithm = np.stack([_wander(f"algorithm:{name}", first, at_once) for name in ALGORITHMS], axis=1)
        volume = np.floor(base[None] * trust[:, :, None, :] * algorithm[:, None, :, :] + 0.5)
        pool = volume.sum(axis=1).reshape(at_once, 20, 10, 12)
        after = pool.cumsum(axis=3)
        before = after - pool
        gross = np.zeros_like(pool)
        steps = np.diff(price, axis=0, prepend=0).reshape(5, 10, 12)
        for tier, bound in enumerate(bounds):
            gross += (np.maximum(after - bound, 0) - np.maximum(before - bound, 0)) * steps[tier]
        average = (gross / np.maximum(pool, 1)).reshape(at_once, 20, 120)
        cost = volume * average[:, None, :, :] * paid[None]
        totals.append(cost.sum(axis=(1, 2, 3)))
    return np.concatenate(totals)


def _wander(name: str, first: int, at_once: int) -> Floats:
    """Return a factor for whole chunks of draws: draws × months."""
    chunks = []
    for chunk in range(first // CHUNK, (first + at_once) // CHUNK):
        normal = stream(SEED, name, chunk).standard_normal((120, CHUNK))
        deviation = np.empty_like(normal)
        deviation[0] = 0.06 * normal[0]
        for month in range(1, 120):
            deviation[month] = 0.5 * deviation[month - 1] + 0.06 * np.sqrt(0.75) * normal[month]
        chunks.append(np.exp(deviation - 0.06**2 / 2).T)
    return np.concatenate(chunks)


def numbers_alone(draws: int) -> None:
    """Draw the random numbers of a simulation into a reused buffer."""
    buffer = np.empty((len(TRUSTS) + len(ALGORITHMS), CHUNK))
    names = [*(f"trust:{name}" for name in TRUSTS), *(f"algorithm:{name}" for name in ALGORITHMS)]
    for chunk in range(-(-draws // CHUNK)):
        streams = [stream(SEED, name, chunk) for name in names]
        for _ in range(120):
            for row, each in zip(buffer, streams, strict=True):
                each.standard_normal(out=row)


def project(model: str, draws: int) -> object:
    """Simulate the whole term on one thread."""
    return simulate(compiled(model), plan(), SPREAD, TERM.period, draws=draws, seed=SEED)


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of one call: all sides run on one thread, so on a free machine it is what the clock shows."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def peak() -> float:
    """Return the megabytes that a simulation needs above a process that has imported everything, its plan and terms included."""
    script = (
        "import json, resource; from tests.bench import projection_bench as bench; "
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; bench.project('graduated', bench.DRAWS); "
        "print(json.dumps((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return float(json.loads(told.stdout))


def run() -> list[Row]:
    """Measure a simulation of 10 000 draws × 9 × 20 × 120."""
    check = simulate(compiled("graduated"), plan(), SPREAD, TERM.period, draws=CHUNK, seed=SEED).totals
    other = written_out(CHUNK, CHUNK)
    # In the months in which a counter both meets a ramp and crosses a tier the written-out form does not share whole units.
    apart = float(np.max(np.abs(check / other - 1)))
    assert apart < 1e-6, apart
    size = f"{DRAWS} draws × 9 × 20 × 120"
    against_arrays, against_numbers = [], []
    volume, package, taken = [], [], []
    for _ in range(PAIRS):
        ours = seconds(lambda: project("graduated", DRAWS))
        against_arrays.append(seconds(lambda: written_out(CHUNK, DRAWS)) / ours)
        against_numbers.append(ours / seconds(lambda: numbers_alone(DRAWS)))
        volume.append(seconds(lambda: project("volume", DRAWS)) / ours)
        package.append(seconds(lambda: project("package", DRAWS)) / ours)
        taken.append(ours)
    took = f"{size}, {median(taken):.2f} s on one thread; costs apart by {apart:.1e}"
    return [
        Row("simulation against the same model as whole arrays", median(against_arrays), 4, "at_least", took),
        Row("simulation against its random numbers alone", median(against_numbers), 2.5, "at_most", size),
        Row("simulation of a volume book against graduated", median(volume), 4, "at_most", size),
        Row("simulation of a package book against graduated", median(package), 2, "at_most", size),
        Row("simulation: megabytes above imports", peak(), 150, "at_most", size),
    ]
