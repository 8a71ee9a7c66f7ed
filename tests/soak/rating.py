"""The product's rating against the slow evaluator on random agreements: totals, lines, exclusions and positions."""

from __future__ import annotations

import random

from billing.rating.rate import rate
from billing.schemas.answers import PriceAnswerSchema
from billing.schemas.price import load_price_request
from tests.measure import Row
from tests.oracle.compare import differences
from tests.oracle.evaluator import evaluate
from tests.oracle.generator import random_request

FULL = 50_000


def disagreements(first_seed: int, agreements: int) -> list[str]:
    """Rate so many random agreements both ways and describe each that differs, by its seed."""
    told = []
    for seed in range(first_seed, first_seed + agreements):
        # Every tenth one holds the readings that the page leaves to be understood.
        request = random_request(random.Random(seed), contested=seed % 10 == 0)
        found = differences(evaluate(request), PriceAnswerSchema().dump(rate(load_price_request(request))))
        if found:
            told.append(f"seed {seed}: {found[0]}")
    return told


def run(count: float) -> list[Row]:
    """Rate 50 000 × ``count`` random agreements."""
    agreements = max(1000, int(FULL * count))
    told = disagreements(0, agreements)
    detail = f"{agreements} random agreements" + "".join(f"; {line}" for line in told[:3])
    return [Row("rating: agreements that differ from the slow evaluator", len(told), 0, "at_most", detail)]
