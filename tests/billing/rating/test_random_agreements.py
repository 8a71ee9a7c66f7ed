"""The one rating function and the slow evaluator of the tests agree on random agreements, line by line.

The long proof is `tests.soak.rating`.
"""

from __future__ import annotations

import pytest

from tests.soak.rating import disagreements


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", range(0, 300, 100))
def test_random_agreements_are_rated_as_the_slow_evaluator_rates_them(first_seed: int) -> None:
    assert disagreements(first_seed, 100) == []
