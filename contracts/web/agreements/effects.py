"""What an act on a whole agreement costs to its end, as pages tell it before it is decided: figures, guards, who approved."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from flask import request
from flask_babel import gettext as _

from contracts import agreements
from contracts.effects import Weighed
from contracts.errors import Refused
from contracts.extensions import db
from contracts.people import access, stand_ins
from contracts.terms.workflow import Refusal
from contracts.web import formatting
from contracts.web.guard import current_actor
from contracts.web.i18n import N_, current_language

_SENTENCES: Final = {
    "figures_missing": N_("What it costs to the agreement's end cannot be computed: a price is missing."),
    "above_ceiling": N_("At P90 it costs %(request)s, and %(headroom)s is left of the maximum value %(maximum)s."),
    "maximum_unknown": N_("The agreement has no known maximum value to hold %(request)s against."),
    "year_not_funded": N_(
        "%(trust)s, cost centre %(cost_centre)s: %(cost)s more in %(year)s, and no budget is approved."
    ),
    "funding_below_cost": N_(
        "%(trust)s, cost centre %(cost_centre)s: %(cost)s more in %(year)s. Of the budget of %(funded)s, %(bound)s is used or promised already: %(cover)s is left after it."
    ),
    "beyond_four_years": N_("The term would be %(from)s to %(to)s, longer than four years (until %(most)s)."),
    "own_request": N_("Whoever had a hand in this does not decide on it, nor a deputy of theirs."),
    "approved_already": N_("You have approved this already, in person or through a deputy; it takes somebody else."),
}
_MONEY: Final = frozenset({"request", "headroom", "maximum", "cost", "funded", "bound", "cover"})


def shown(agreement_id: int, weighed: Weighed, approval: str, today: date) -> dict[str, Any]:
    """Give what the section about an act's effect is made of; ``approval`` is the act of the access rules that approves it."""
    actor = current_actor()
    names = {one.party.code: one.party.name for one in agreements.option_holders(db.session, agreement_id)}
    people = {one.by for one in weighed.approvals} | {one.principal for one in weighed.approvals}
    if weighed.override is not None:
        people.add(weighed.override.by)
    may = stand_ins.allows(actor, approval, None) if actor.may(approval) else False
    held = stand_ins.list_stand_ins(db.session, deputy=actor.id, on=today)
    principals = stand_ins.principals(db.session, act=approval, trust=None, actor=actor, on=today)
    places = [(str(one.id), one.principal) for one in held if one.principal in principals]
    people |= {principal for _id, principal in places}
    asks = actor.may("ceiling.override") and actor.scope("ceiling.override") is None
    return {
        "weighed": weighed,
        "trust_names": names,
        "people": access.names_of(db.session, people),
        "refusing": [sentence(one, names) for one in weighed.refusals],
        "warning": [sentence(one, names) for one in weighed.warnings if one.guard != "budget"],
        "short": sum(one.guard == "budget" for one in weighed.warnings),
        "may_approve": may or bool(places),
        "places": [*([("", _("My own"))] if may else []), *((id, principal) for id, principal in places)],
        "may_ask": asks and bool(weighed.refusals) and weighed.override is None,
    }


def sentence(refusal: Refusal, names: dict[str, str]) -> str:
    """Say what a guard says, with its numbers; a code without words stands as it was written."""
    words = _SENTENCES.get(refusal.code)
    if words is None:
        return refusal.detail
    return _(words, **{name: _written(name, text, names) for name, text in refusal.numbers.items()})


def refused_sentences(error: Refused, agreement_id: int) -> list[tuple[str | None, str]]:
    """Say what refused an approval, as errors of its form."""
    names = {one.party.code: one.party.name for one in agreements.option_holders(db.session, agreement_id)}
    return [(None, sentence(one, names)) for one in error.refusals]


def said() -> dict[str, Any]:
    """Read what a form says of an approval: in whose place, and whether it may go over."""
    place = request.form.get("delegation", "")
    delegation = int(place) if place.isascii() and place.isdigit() and len(place) < 18 else None
    return {"delegation": delegation, "allow_over": request.form.get("allow_over") == "yes"}


def _written(name: str, text: str, names: dict[str, str]) -> Any:
    language = current_language()
    if name in _MONEY:
        return formatting.money(Decimal(text), language)
    if name == "from":
        return formatting.day(date.fromisoformat(text), language)
    if name in ("to", "most"):
        return formatting.day(date.fromisoformat(text) - timedelta(days=1), language)
    if name == "trust":
        return names.get(text, text)
    return text or _("not named")
