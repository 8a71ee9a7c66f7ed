"""Packages on arrays: those that the counter's units start."""

from __future__ import annotations

import numpy as np

from billing.forecasting.draws import Floats
from billing.forecasting.models import Arrays, Moved
from billing.forecasting.state import State, Tally


class _Package(Arrays):
    def price(self, state: State, moved: Moved, tally: Tally) -> tuple[Floats, Floats]:
        """Price the packages that the units start."""
        size = moved.bounds[0]
        packages: Floats = np.ceil(moved.after / size) - np.ceil(moved.before / size)
        packages *= moved.amounts[0]
        return packages, moved.each(packages)


ARRAYS = _Package()
