"""The price models, each in a file of its own; whoever needs to know one asks it, through `MODELS`.

A new model is a file here, its place in `MODELS`, and a file of the same name in `billing/rating/models`.
"""

from __future__ import annotations

from typing import Final

from contracts.terms.price_models.allowance import Allowance
from contracts.terms.price_models.graduated import Graduated
from contracts.terms.price_models.model import (
    Boundary,
    Field,
    FieldKind,
    PriceModel,
    Reading,
    Tier,
    TieredModel,
    last_units,
)
from contracts.terms.price_models.package import Package
from contracts.terms.price_models.volume import Volume

__all__ = [
    "MODELS",
    "READINGS",
    "Boundary",
    "Field",
    "FieldKind",
    "Graduated",
    "Package",
    "PriceModel",
    "Reading",
    "Tier",
    "TieredModel",
    "Volume",
    "fields_of_models",
    "last_units",
    "misread",
    "read_as",
]

# By their names in a price book, in the order in which they are offered.
MODELS: Final[dict[str, type[PriceModel]]] = {model.NAME: model for model in (Graduated, Volume, Package, Allowance)}
# The ways to read the same tiers.
READINGS: Final[dict[str, type[TieredModel]]] = {
    name: model for name, model in MODELS.items() if issubclass(model, TieredModel)
}


def fields_of_models() -> tuple[Field, ...]:
    """Return the fields of all models, those that several have in common once."""
    return tuple({field.name: field for model in MODELS.values() for field in model.FIELDS}.values())


def read_as(model: PriceModel, reading: str) -> PriceModel:
    """Return a model's tiers in another reading; a model that is no reading of tiers stays as it is."""
    return READINGS[reading](model.tiers) if isinstance(model, TieredModel) else model


def misread(model: PriceModel) -> PriceModel | None:
    """Return the other reading that a vendor takes tiers for most easily, None where a model is no reading of tiers."""
    names = list(READINGS)
    return read_as(model, names[names.index(model.NAME) - 1]) if model.NAME in READINGS else None
