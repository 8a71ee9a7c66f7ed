"""Every single mutation of valid documents: the judge and we find the same documents valid.

The test of every pass tries each fifteenth of them.
"""

from __future__ import annotations

from tests.billing.ehf.test_mutations import MUTATED, contradictions, sample
from tests.measure import Row


def run(count: float) -> list[Row]:
    """Try all mutations (with COUNT below 1 each 1/COUNT-th of them)."""
    step = max(1, round(1 / count))
    told = [contradictions(sample(name, step)) for name in MUTATED]
    contradicted = [each for _, found in told for each in found]
    detail = "; ".join(contradicted[:5]) or f"{sum(tried for tried, _ in told)} documents"
    return [Row("documents: mutations on which the judge and we differ", len(contradicted), 0, "at_most", detail)]
