"""Two well-known automatic methods to stand beside the product's, where the package that has them is installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from billing.forecasting.backtest import Predict, Predicted
from billing.forecasting.counts import Counts
from billing.forecasting.methods import AHEAD

_PACKAGE = "statsforecast"
_SEASON = 12
_LEVEL = 80


def references() -> Mapping[str, Predict]:
    """Return AutoTheta and AutoETS on the rate per working day, or nothing where the package is not installed."""
    if find_spec(_PACKAGE) is None:
        return {}
    models: Any = import_module(f"{_PACKAGE}.models")
    return {"AutoTheta": _of(models.AutoTheta), "AutoETS": _of(models.AutoETS)}


def _of(model: Any) -> Predict:
    def predict(counts: Counts) -> Predicted:
        known = counts.months
        before, coming = counts.calendar.working[:known], counts.calendar.working[known : known + AHEAD]
        made = [model(season_length=_SEASON).forecast(y=one / before, h=AHEAD, level=[_LEVEL]) for one in counts.values]
        return Predicted(*(np.array([one[name] for one in made]) * coming for name in ("mean", "lo-80", "hi-80")))

    return predict
