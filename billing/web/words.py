"""Terms, lines and amounts in words: the sentences that more than one page says.

A sentence is a template with its values, never glued together from parts, so that each language can order it its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from billing.charges.explanation import Explanation, OneMore, Pooling
from billing.rating.captions import tier_interval
from billing.rating.lines import Line
from billing.rating.price_list import RampToday, tiers_of
from contracts.terms.agreement import MarketplaceAlgorithm, OptionHolder
from contracts.terms.period import Period
from contracts.terms.price_book import IndexAdjustment, PriceBook
from contracts.terms.price_model import (
    Charge,
    Conventions,
    FixedCharge,
    OneOffCharge,
    RampPhase,
    UsageCharge,
)
from contracts.terms.price_models import FieldKind
from contracts.web import formatting
from contracts.web.i18n import N_, current_language

WINDOWS = {
    "month": N_("Counting starts over every month."),
    "quarter": N_("Counting starts over every quarter."),
    "calendar_year": N_("Counting starts over every calendar year."),
    "agreement_year": N_("Counting starts over every agreement year."),
    "agreement": N_("Counting runs on through the whole agreement."),
}
SCOPES = {
    "agreement": N_("Tiers are counted on the examinations of all trusts together: %(what)s."),
    "trust": N_("Tiers are counted for each trust by itself: %(what)s."),
    "activation": N_("Tiers are counted for each algorithm at each trust by itself: %(what)s."),
}
INTERVALS = {
    "month": N_("month"),
    "quarter": N_("quarter"),
    "calendar_year": N_("calendar year"),
    "agreement_year": N_("agreement year"),
    "agreement": N_("agreement"),
}
PAYERS = {
    "agreement": N_("for the agreement"),
    "trust": N_("per trust"),
    "activation": N_("per algorithm at a trust"),
}
STATES = {
    "listed": (N_("Not exercised"), "neutral"),
    "under_review": (N_("Under review"), "info"),
    "submitted": (N_("For approval"), "warning"),
    "approved": (N_("Approved"), "info"),
    "exercised": (N_("Exercised"), "success"),
    "declined": (N_("Declined"), "neutral"),
    "withdrawn": (N_("Withdrawn"), "neutral"),
    "lapsed": (N_("Lapsed"), "danger"),
    "ended": (N_("Ended"), "neutral"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What trusts and algorithms are called, by their codes; a code nobody names stands for itself."""

    trusts: dict[str, str]
    products: dict[str, str]
    needs: dict[str, str]

    @classmethod
    def of(cls, holders: Iterable[OptionHolder], algorithms: Iterable[MarketplaceAlgorithm]) -> Names:
        """Gather the names of an agreement in the reader's language."""
        listed = list(algorithms)
        norwegian = current_language() == "nb"
        return cls(
            {holder.party.code: holder.party.name for holder in holders},
            {each.code: each.product for each in listed},
            {each.code: each.need_nb if norwegian else each.need_en for each in listed},
        )

    def trust(self, code: str | None) -> str:
        """Name a trust; ``None`` is the agreement itself."""
        return _("The agreement") if code is None else self.trusts.get(code, code)

    def product(self, code: str | None) -> str:
        """Name an algorithm by its product; ``None`` is an amount that belongs to no algorithm."""
        return _("Fixed amounts") if code is None else self.products.get(code, code)

    def need(self, code: str | None) -> str:
        """Name the need that an algorithm serves."""
        return "" if code is None else self.needs.get(code, "")

    def full(self, code: str | None) -> str:
        """Name an algorithm by its product and its need."""
        need = self.need(code)
        return f"{self.product(code)} ({need})" if need else self.product(code)

    def charge(self, charge: Charge) -> str:
        """Name a charge by what it prices."""
        if isinstance(charge, UsageCharge):
            if charge.algorithms is None:
                return _("All algorithms")
            return ", ".join(self.product(code) for code in charge.algorithms)
        return charge.code.replace("-", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A term in one sentence, with the clauses it comes from."""

    topic: str
    text: str
    clauses: tuple[str, ...]


def scope_sentences(charges: Iterable[Charge], names: Names) -> list[str]:
    """Say what the tiers are counted on: one sentence per scope, the widest first."""
    listed = [charge for charge in charges if isinstance(charge, UsageCharge) and tiers_of(charge)]
    sentences = []
    for scope, template in SCOPES.items():
        own = [charge for charge in listed if charge.counter.scope == scope]
        if own:
            sentences.append(_(template, what=", ".join(names.charge(charge) for charge in own)))
    return sentences


def term_sentences(
    charges: Iterable[Charge], adjustments: Iterable[IndexAdjustment], conventions: Conventions, names: Names
) -> list[Sentence]:
    """Say each term of a price-book version in one sentence; the same sentence is said once, with all its clauses."""
    listed = list(charges)
    said: dict[tuple[str, str], list[str]] = {}

    def say(topic: str, text: str, clause: str = "") -> None:
        clauses = said.setdefault((topic, text), [])
        if clause and clause not in clauses:
            clauses.append(clause)

    for charge in listed:
        if isinstance(charge, UsageCharge):
            if tiers_of(charge):
                what = ", ".join(names.charge(each) for each in listed if _counted_alike(each, charge))
                for each in listed:
                    if _counted_alike(each, charge):
                        say(_("Counting"), _(SCOPES[charge.counter.scope], what=what), each.clause)
                say(_("Counting"), _(WINDOWS[charge.counter.window]), charge.clause)
            say(_("Price"), model_sentence(charge), charge.clause)
            if charge.ramp_up is not None:
                say(_("Ramp-up"), ramp_sentence(charge), charge.clause)
            for limit, template in (
                (charge.minimum, N_("At least %(amount)s %(payer)s and %(interval)s.")),
                (charge.maximum, N_("At most %(amount)s %(payer)s and %(interval)s.")),
            ):
                if limit is not None:
                    values = {
                        "amount": _money(limit.amount),
                        "payer": _(PAYERS[limit.per]),
                        "interval": _(INTERVALS[limit.window]),
                    }
                    say(_("Limit"), _(template, **values), charge.clause)
        else:
            say(_("Fixed amount"), fixed_sentence(charge, names), charge.clause)
    for adjustment in adjustments:
        say(_("Index"), index_sentence(adjustment), adjustment.clause)
    say(_("Rounding"), rounding_sentence(conventions))
    topics = list(dict.fromkeys(topic for topic, _text in said))
    return [
        Sentence(topic, text, tuple(clauses))
        for topic in topics
        for (said_of, text), clauses in said.items()
        if said_of == topic
    ]


def _counted_alike(one: Charge, other: UsageCharge) -> bool:
    return isinstance(one, UsageCharge) and bool(tiers_of(one)) and one.counter.scope == other.counter.scope


def model_sentence(charge: UsageCharge) -> str:
    """Say how units become money."""
    model = charge.model
    own = {
        field.name: _FIELDS[field.kind](getattr(model, field.name)) for field in model.FIELDS if field.kind in _FIELDS
    }
    return _(model.SENTENCE, **own)


def ramp_sentence(charge: UsageCharge | FixedCharge) -> str:
    """Say the ramp's discounts and whether discounted examinations count towards the tiers."""
    ramp = charge.ramp_up
    assert ramp is not None
    phases = ", ".join(phase_text(phase) for phase in ramp.phases)
    if ramp.by_units:
        return _("Counted from go-live: %(phases)s.", phases=phases)
    if not ramp.counts_towards_tiers:
        return _("Counted from go-live: %(phases)s; these examinations do not count towards the tiers.", phases=phases)
    if ramp.starts == "next_month":
        return _(
            "Counted from the first month after go-live: %(phases)s; the examinations count towards the tiers.",
            phases=phases,
        )
    return _("Counted from go-live: %(phases)s; the examinations count towards the tiers.", phases=phases)


def phase_text(phase: RampPhase) -> str:
    """Say one phase: how long, and at which discount."""
    rate = formatting.percent_short(phase.discount, current_language())
    if phase.months is not None:
        return ngettext(
            "%(num)d month at %(rate)s discount", "%(num)d months at %(rate)s discount", phase.months, rate=rate
        )
    return _("%(units)s examinations at %(rate)s discount", units=_quantity(phase.units or 0), rate=rate)


def fixed_sentence(charge: FixedCharge | OneOffCharge, names: Names) -> str:
    """Say a fixed or one-off amount."""
    values = {"name": names.charge(charge), "amount": _money(charge.amount), "payer": _(PAYERS[charge.per])}
    if isinstance(charge, OneOffCharge):
        return _("%(name)s: %(amount)s %(payer)s, once, at the first go-live.", **values)
    values["interval"] = _(INTERVALS[charge.every])
    if charge.proration == "days":
        return _("%(name)s: %(amount)s %(payer)s and %(interval)s, by days where only a part of it runs.", **values)
    return _("%(name)s: %(amount)s %(payer)s and %(interval)s, in full also where only a part of it runs.", **values)


def index_sentence(adjustment: IndexAdjustment) -> str:
    """Say an index adjustment."""
    return _(
        "Prices agreed before %(day)s are multiplied by %(factor)s from that day.",
        day=_day(adjustment.effective_from),
        factor=formatting.factor(adjustment.factor, current_language()),
    )


def rounding_sentence(conventions: Conventions) -> str:
    """Say how an amount is rounded."""
    if conventions.rounding == "half_even":
        return _(
            "A price that an index has touched is rounded to %(n)d decimals; quantity × price and the discount are each rounded to øre, half to even, line by line.",
            n=conventions.price_decimals,
        )
    return _(
        "A price that an index has touched is rounded to %(n)d decimals; quantity × price and the discount are each rounded to øre, half up, line by line.",
        n=conventions.price_decimals,
    )


def tier_caption(book: PriceBook, charge: Charge, number: int) -> str:
    """Write the units of a tier, as `25 001–75 000`."""
    first, last = tier_interval(charge, number, charge.conventions.over(book.conventions).boundary)
    return formatting.tier_range(first, last, current_language())


def line_text(line: Line, caption: str | None = None) -> str:
    """Say what a line is: its tier, or what else it is about."""
    match line.why:
        case None:
            if caption is None:
                return _("Tier %(n)s", n=line.tier)
            return _("Tier %(n)s: %(units)s", n=line.tier, units=caption)
        case "outside":
            return _("Outside the tiers, at the price of tier 1")
        case "adjustment":
            assert line.reprices is not None
            return _(
                "Repricing of %(period)s to tier %(n)s",
                period=period_text(line.reprices.start, line.reprices.end),
                n=line.tier,
            )
        case "flat_fee":
            return _("Fee for opening a tier")
        case "package":
            return _("Packages")
        case "zero_usage":
            return _("Fee without usage")
        case "minimum":
            return _("Up to the agreed minimum")
        case "maximum":
            return _("Down to the agreed maximum")
        case "fixed":
            return _("Fixed amount")
        case "one_off":
            return _("One-off amount")


def answer(walk: Explanation, names: Names) -> str:
    """Say in one sentence why a line is what it is."""
    line = walk.line
    language = current_language()
    values: dict[str, Any] = {
        "what": names.product(line.algorithm) if line.algorithm else line.charge,
        "trust": names.trust(line.trust),
        "period": period_text(line.period.start, line.period.end),
        "gross": _money(line.gross),
        "net": _money(line.net),
        "discount": _money(line.discount),
        "rate": formatting.percent_short(line.discount_rate, language),
        "quantity": _quantity(abs(line.quantity or 0)),
        "price": "" if line.unit_price is None else formatting.unit_price(line.unit_price, language),
        "tier": line.tier,
    }
    if line.why in (None, "outside"):
        if line.discount_rate_e4:
            return _(
                "%(quantity)s examinations in tier %(tier)s at %(price)s are %(gross)s; the ramp-up discount of %(rate)s takes %(discount)s off, which leaves %(net)s.",
                **values,
            )
        return _("%(quantity)s examinations in tier %(tier)s at %(price)s are %(net)s.", **values)
    if line.why == "adjustment":
        assert line.reprices is not None
        values["earlier"] = period_text(line.reprices.start, line.reprices.end)
        return _(
            "The counter reached tier %(tier)s, so %(quantity)s examinations of %(earlier)s are repriced by %(price)s each: %(net)s.",
            **values,
        )
    values["kind"] = line_text(line)
    interval = walk.interval
    if interval is not None and interval.live_days not in (None, interval.interval.days):
        values["days"], values["of"] = interval.live_days, interval.interval.days
        values["interval"] = period_text(interval.interval.start, interval.interval.end)
        return _(
            "%(kind)s for %(days)s of the %(of)s days of %(interval)s, from the day it fell due: %(gross)s.", **values
        )
    if line.discount_rate_e4:
        return _("%(kind)s of %(gross)s, less the ramp-up discount of %(rate)s: %(net)s.", **values)
    return _("%(kind)s of %(net)s.", **values)


def one_more_sentence(more: OneMore, trust: str) -> str:
    """Say what one more examination would cost the trust, and all trusts together where the reader may know."""
    values = {"day": _day(more.on), "trust": trust, "cost": _money(more.trust)}
    if more.agreement is None:
        return _("One more examination on %(day)s would cost %(trust)s %(cost)s.", **values)
    return _(
        "One more examination on %(day)s would cost %(trust)s %(cost)s, and all trusts together %(all)s.",
        all=_money(more.agreement),
        **values,
    )


def pooling_sentence(pooling: Pooling, trust: str) -> str:
    """Say what counting all trusts together saved the trust, against counting its own examinations alone."""
    values = {"trust": trust, "size": _money(abs(pooling.saved_in_window)), "day": _day(pooling.window.start)}
    if pooling.saved_in_window > 0:
        return _(
            "Because the examinations of all trusts are counted together, %(trust)s has paid %(size)s less for this price since %(day)s than it would have with its own examinations alone.",
            **values,
        )
    if pooling.saved_in_window < 0:
        return _(
            "Because the examinations of all trusts are counted together, %(trust)s has paid %(size)s more for this price since %(day)s than it would have with its own examinations alone.",
            **values,
        )
    return _(
        "Since %(day)s %(trust)s has paid the same for this price as it would have with its own examinations alone.",
        **values,
    )


def ramp_status(ramp: RampToday) -> tuple[str, str]:
    """Say where an activation stands today, with the tone of its tag."""
    rate = formatting.percent_short(ramp.discount, current_language())
    match ramp.state:
        case "ended":
            return _("Ended"), "neutral"
        case "validation":
            return _("In validation"), "info"
        case "planned":
            return _("Planned"), "info"
        case "ramp_up":
            return _("Ramp-up, %(rate)s discount", rate=rate), "warning"
    if ramp.by_units:
        return _("In operation, ramp-up by units"), "info"
    return _("Ordinary price"), "success"


def next_change(ramp: RampToday) -> str | None:
    """Say when an activation's discount changes next and to what; ``None`` where it does not."""
    if ramp.until is None:
        return None
    if ramp.next_discount:
        rate = formatting.percent_short(ramp.next_discount, current_language())
        return _("%(day)s: %(rate)s discount", day=_day(ramp.until), rate=rate)
    return _("%(day)s: full price", day=_day(ramp.until))


def period_text(start: date, until: date) -> str:
    """Write a month or a quarter by its name, another period by its first and last day."""
    period, language = Period(start, until), current_language()
    if period == Period.month(start):
        return formatting.month(start, language)
    if period == Period.quarter(start):
        return formatting.quarter(start, language)
    if period == Period.year(start):
        return str(start.year)
    return formatting.period(start, until, language)


def _money(value: Any) -> str:
    return formatting.money(value, current_language())


def _quantity(value: int) -> str:
    return formatting.quantity(value, current_language())


def _unit_price(value: Any) -> str:
    return formatting.unit_price(value, current_language())


# How the fields of a price model are written in its sentence.
_FIELDS: dict[FieldKind, Callable[[Any], str]] = {"whole": _quantity, "unit_price": _unit_price, "amount": _money}


def _day(value: date) -> str:
    return formatting.day(value, current_language())
