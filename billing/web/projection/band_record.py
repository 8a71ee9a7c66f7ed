"""What a band is worth, in one sentence: whatever page tells a band says it with this."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flask_babel import gettext as _

from billing.projection.bands import Horizon, HorizonRecord, band_record
from billing.web.query import Query
from contracts.extensions import db
from contracts.web.i18n import N_

HORIZONS: Final[dict[Horizon, str]] = {
    "month": N_("the next month"),
    "quarter": N_("the next three months"),
    "year_end": N_("the rest of the year"),
}


def worth(record: Iterable[HorizonRecord], horizon: Horizon = "year_end") -> str:
    """Say how often what came lay within earlier bands of a horizon, or that too few have come to say it."""
    found = next((each for each in record if each.horizon == horizon), HorizonRecord(horizon, 0, 0))
    said = {"inside": found.inside, "of": found.of, "what": _(HORIZONS[horizon])}
    if not found.of:
        return _(
            "What the band is worth is not known: no earlier forecast of %(what)s can be held against what came yet.",
            **said,
        )
    if not found.enough:
        return _(
            "Earlier forecasts of %(what)s held what came within their 8 of 10 in %(inside)s of %(of)s cases: too few to say what the band is worth.",
            **said,
        )
    return _("Earlier forecasts of %(what)s held what came within their 8 of 10 in %(inside)s of %(of)s cases.", **said)


def worth_of(query: Query, horizon: Horizon = "year_end") -> str:
    """Say it of the bands that the reader's agreement has had, of all trusts or of the reader's own."""
    record = band_record(
        db.session,
        agreement_id=query.agreement.id,
        today=query.today,
        scope=query.actor.scope("read"),
        known_at=query.known_at,
    )
    return worth(record, horizon)
