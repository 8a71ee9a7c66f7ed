"""The price models, ready for rating: how a counter's units of one pricing period become lines.

Each is a file of the name that its model has in a price book, with a function `compile_model`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from billing.rating.charge_terms import Level, ModelTerms
from contracts.terms.price_models import MODELS, PriceModel

_COMPILE: Final[dict[type[PriceModel], Callable[[Any, Level], ModelTerms]]] = {
    model: import_module(f"{__name__}.{name}").compile_model for name, model in MODELS.items()
}


def compile_model(model: PriceModel, level: Level) -> ModelTerms:
    """Return a price model at an index level, in integers."""
    return _COMPILE[type(model)](model, level)
