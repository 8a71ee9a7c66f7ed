"""API: why a year costs something else than the one before it, and how well forecasts have hit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from billing.projection.kept_forecasts import vintages
from billing.projection.year_drivers import year_drivers
from billing.schemas import year_drivers as shapes
from billing.schemas.forecast_vintages import VintagePageSchema, VintageQuerySchema
from billing.usage import metering
from contracts.agreements import find_agreement
from contracts.extensions import db
from contracts.web import api
from contracts.web.acts import asked, today
from contracts.web.resources import Resource

resource = Resource(
    "drivers",
    __name__,
    url_prefix=f"{api.PREFIX}/projections",
    description="Why the next year differs, and how well forecasts have hit.",
)


@resource.reads(
    "/drivers",
    shapes.YearDriversSchema,
    "The steps from one year to the next.",
    query=shapes.DriverQuerySchema,
    problems=(404, 409, 422),
)
def show_drivers(query: dict[str, Any]) -> Any:
    """Explain why a year costs something else than the one before it

    Volume, activations, ramp ends, tiers, index, corrections, in that order; they sum to the difference exactly.
    """
    agreement = find_agreement(db.session, query["agreement"])
    day = today()
    last = metering.last_day(db.session, agreement.id, query["known_at"])
    as_of = query["as_of"] or (day if last is None else last + timedelta(days=1))
    return asked(
        year_drivers,
        agreement_id=agreement.id,
        year=query["year"] or as_of.year + 1,
        as_of=as_of,
        trust=query["trust"],
        annual_growth=query["growth"],
        annual_index=query["index"],
        known_at=query["known_at"],
    )


@resource.reads("/vintages", VintagePageSchema, "The frozen forecasts, newest first.", query=VintageQuerySchema)
def list_vintages(query: dict[str, Any]) -> Any:
    """List the forecasts as they were frozen, each held against what came"""
    return asked(
        vintages,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        today=today(),
        trust=query["trust"],
        known_at=query["known_at"],
    )
