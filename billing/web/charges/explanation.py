"""Why this amount? The page that every amount leads to, and the same as JSON."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify
from flask_babel import gettext as _

from billing.charges import explanation
from billing.rating.price_list import tiers_of
from billing.schemas.answers import ExplanationSchema
from billing.web import words
from billing.web.query import Query, read_query
from contracts.web import formatting
from contracts.web.guard import requires
from contracts.web.i18n import current_language

blueprint = Blueprint("explanation", __name__)


@blueprint.get("/forklaring/<line_id>")
@requires("read")
def show(line_id: str) -> Any:
    """Explain a charge line."""
    query = read_query("periode")
    walk = _explain(query, line_id)
    names = query.names()
    language = current_language()
    captions = {tier.number: formatting.tier_range(tier.first, tier.last, language) for tier in walk.tiers}
    return query.page(
        "billing/charges/explanation.html",
        as_of=walk.data_until,
        version=walk.version.valid_from,
        walk=walk,
        names=names,
        words=words,
        captions=captions,
        has_tiers=bool(tiers_of(walk.charge)),
        answer=words.answer(walk, names),
        lead=_(
            "%(what)s, %(trust)s, %(period)s",
            what=names.full(walk.line.algorithm) if walk.line.algorithm else names.charge(walk.charge),
            trust=names.trust(walk.line.trust),
            period=words.period_text(walk.line.period.start, walk.line.period.end),
        ),
        rounding=words.rounding_sentence(walk.conventions),
    )


@blueprint.get("/forklaring/<line_id>.json")
@requires("read")
def document(line_id: str) -> Any:
    """Give the explanation of a charge line as JSON."""
    return jsonify(ExplanationSchema().dump(_explain(read_query("periode"), line_id)))


def _explain(query: Query, line_id: str) -> explanation.Explanation:
    return query.asked(explanation.explain, line_id=line_id, period=query.period(), known_at=query.known_at)
