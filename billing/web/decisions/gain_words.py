"""Expected gains in words."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import gettext as _
from markupsafe import Markup

from billing.decisions.gains import Balance
from billing.figures import plans
from billing.web.figures import tell
from contracts.options.gains import Gain
from contracts.web import formatting
from contracts.web.i18n import N_, current_language

KINDS = {
    "minutes": N_("Minutes saved"),
    "waiting": N_("Waiting avoided"),
    "quality": N_("Quality"),
}


def size(kind: str, amount: Decimal | None) -> str:
    """Say how much an examination gains."""
    if amount is None:
        return _("Not quantified")
    number = formatting.number(amount, current_language(), max(0, -int(amount.normalize().as_tuple().exponent)))
    if kind == "minutes":
        return _("%(number)s minutes per examination", number=number)
    if kind == "waiting":
        return _("%(number)s days per examination", number=number)
    return _("%(number)s per examination", number=number)


def balance_text(key: str, balance: Balance, gains: tuple[Gain, ...]) -> str:
    """Say what gains and cost of a year come to, or which of it is unknown."""
    locale = current_language()
    if balance.gain_per_year is None:
        unknown = [gain.description for gain in gains if gain.worth is None]
        return _(
            "The net per year is not computed, because no amount in kroner is known of: %(gains)s.",
            gains="; ".join(unknown),
        )
    if balance.net_per_year is None:
        return _("The net per year is not computed, because no cost can be rated for this case.")
    values = {
        "gain": formatting.money(balance.gain_per_year, locale),
        "cost": formatting.money(balance.year_cost or 0, locale),
        "net": tell(plans.gain(key, balance.net_per_year, balance.scope)),
    }
    assert balance.year is not None
    values["first"] = formatting.day(balance.year.start, locale)
    sentence = _(
        "A whole year at ordinary prices, rated from %(first)s, gains %(gain)s and costs %(cost)s: net %(net)s."
    )
    told = Markup(sentence) % values  # noqa: S704  # the catalogue's own sentence
    if balance.scope is not None:
        told += " " + _("What it changes for one other trust alone is not counted.")
    if balance.break_even is None:
        return told + " " + _("The gains never cover the cost: at no volume up to a hundred times the planned one.")
    volume = formatting.quantity(balance.break_even, locale)
    return told + " " + _("The gains cover the cost from %(volume)s examinations a year.", volume=volume)
