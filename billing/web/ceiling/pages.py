"""The ceiling: what is used of the maximum value, when it is used up, and since when that is known.

For readers of all trusts; within one trust the sum would tell what the others' is.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from flask import Blueprint, flash, redirect, request
from flask_babel import gettext as _
from markupsafe import Markup

from billing.ceiling.burn_down import COMMITTED_DRAWS, RUNNING, BurnDown, LevelReached, burn_down
from billing.figures.ceiling import exhaustion
from billing.forecasting.exhaustion import Exhaustion
from billing.payments.files import read_amount
from billing.web.charts import Figure
from billing.web.figures import tell
from billing.web.projection import charts as charts_projection
from billing.web.projection.band_record import worth_of
from billing.web.query import Query, read_query
from contracts import ceiling, ceiling_history
from contracts.ceiling import Standing
from contracts.ceiling_history import Passed, Posted
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.people import access
from contracts.terms.period import Period, previous_day
from contracts.web import formatting
from contracts.web.guard import requires
from contracts.web.i18n import N_, current_language

blueprint = Blueprint("ceiling_pages", __name__)

ACT: Final = "ceiling.take_over"
SHOWN: Final = 25
# The level, in per cent, at which the maximum value is used up.
WHOLE: Final = 100
KINDS = {
    "opening": N_("Taken over"),
    "invoiced": N_("Invoiced"),
    "accrued": N_("Accrued"),
    "committed": N_("Committed"),
}
# Who acts without being a person.
PROGRAMS = {"scheduler": N_("Daily posting"), "command-line": N_("Command line")}


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A level as the page tells it: since when it is known to be reached, and when what is spent gets there."""

    reached: LevelReached
    used: Passed | None
    foreseen: Passed | None
    when: str


@blueprint.get("/avtaler/<code>/ramme")
@requires("read")
def show(code: str) -> str:
    """Show the ledger's figures, the burn-down, the levels, the proof and the entries."""
    return _page(_query(code))


@blueprint.post("/avtaler/<code>/ramme")
@requires(ACT)
def take_over(code: str) -> Any:
    """Record what was used before the agreement was taken over."""
    query = _query(code)
    errors: list[tuple[str | None, str]] = []
    amount = _amount(request.form.get("belop", ""))
    reference = request.form.get("grunnlag", "").strip()
    if amount is None or amount < 0:
        errors.append(("belop", _("Write an amount in kroner of at least 0, like 1 250 000,00.")))
    if not 0 < len(reference) <= ceiling.LONGEST_TEXT:
        errors.append(("grunnlag", _("Say where the amount is from, in at most 2 000 characters.")))
    if errors or amount is None:
        return _page(query, errors), 422
    written = query.done(ceiling.take_over, amount=amount, reference=reference)
    flash(_("What was taken over is recorded.") if written else _("That amount stood already; nothing was done."))
    return redirect(query.link("ceiling_pages.show", code=code, agreement=None), 303)


def _query(code: str) -> Query:
    query = read_query("fra", code=code)
    if query.actor.scope("read") is not None:
        raise NotFound(_("There is no such page."))
    return query


def _page(query: Query, errors: list[tuple[str | None, str]] | None = None) -> str:
    agreement, known_at = query.agreement, query.known_at
    standing = ceiling.standing(db.session, agreement.id, known_at)
    entries = ceiling_history.entries(db.session, agreement.id, known_at)[::-1]
    passed = {(one.figure, one.level): one for one in ceiling_history.passed(db.session, agreement.id, known_at)}
    foreseen = ceiling_history.foreseen(db.session, agreement.id, known_at)
    try:
        course = burn_down(db.session, agreement_id=agreement.id, today=query.today, known_at=known_at)
    except InvalidInput:  # a price is missing: the ledger is told all the same
        course = None
    first = _first(query, len(entries))
    shown = entries[first : first + SHOWN]
    overrun = ceiling_history.overrun_known(db.session, agreement.id, known_at)
    people = access.names_of(db.session, {one.by for one in shown} | {one.cause.by for one in overrun if one.cause})
    return query.page(
        "billing/ceiling/ceiling.html",
        as_of=query.counted().through,
        version=None,
        agreement=agreement,
        last_day=previous_day(agreement.term.end),
        standing=standing,
        worth=worth_of(query),
        waiting=sum(
            (
                amount
                for source, amount in ceiling.committed_by_source(db.session, agreement.id, known_at).items()
                if source != RUNNING
            ),
            Decimal("0.00"),
        ),
        share=standing.used / standing.maximum if standing.maximum else None,
        foreseen=foreseen,
        overrun=[(one, _proof(one, people)) for one in overrun],
        level_rows=[] if course is None else [_level(each, passed) for each in course.levels],
        sentence=None if course is None else _exhaustion(course, query),
        figure=None if course is None else _figure(course, standing),
        computable=course is not None,
        entries=[(one, _(KINDS[one.kind]), _source(one), _who(one.by, people)) for one in shown],
        number=len(entries),
        first=first,
        shown=SHOWN,
        may_take_over=query.actor.may(ACT) and known_at is None,
        form=request.form,
        errors=errors or [],
        kjent=request.args.get("kjent", "") if len(request.args.get("kjent", "")) == 10 else "",
    )


def _first(query: Query, number: int) -> int:
    text = query.values.get("fra") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise NotFound(_("There is no such page."))
    return int(text) if int(text) < max(number, 1) else 0


def _amount(text: str) -> Decimal | None:
    try:
        return read_amount("".join(text.split()), comma=True)
    except ValueError:
        return None


def frequency(share: Decimal, draws: int) -> tuple[int, int]:
    """Give a share as so many of ten simulations; where that would round to none or all, as so many of the draws."""
    tenths = int((share * 10).quantize(Decimal(1), ROUND_HALF_UP))
    if tenths in (0, 10) and share not in (0, 1):
        return int((share * draws).quantize(Decimal(1), ROUND_HALF_UP)), draws
    return tenths, 10


def _exhaustion(course: BurnDown, query: Query) -> str | None:
    """Say in natural frequencies whether, and when, the maximum value is used up before the agreement's end."""
    full = course.levels[-1] if course.levels else None
    if full is None or course.figures.maximum == 0:
        return None
    language = current_language()
    if full.spent_in is not None:
        return _("The maximum value was used up in %(month)s.", month=_month(full.spent_in))
    if full.days is None:
        return None
    end = formatting.day(previous_day(query.agreement.term.end), language)
    days = full.days
    if days.never == 1:
        return _(
            "In none of %(draws)d simulations is the maximum value used up before the agreement ends on %(end)s.",
            draws=COMMITTED_DRAWS,
            end=end,
        )
    number, of = frequency(1 - days.never, COMMITTED_DRAWS)
    said = {"number": number, "of": of, "end": end}
    if days.p50 is None:
        return _(
            "In %(number)d of %(of)d simulations the maximum value is used up before the agreement ends on %(end)s.",
            **said,
        )
    said |= _days(days)
    if days.p90 is None:
        return Markup(  # noqa: S704  # the catalogue's own sentence, with figures as they are told
            _(
                "In %(number)d of %(of)d simulations the maximum value is used up before the agreement ends on %(end)s: most likely about %(likely)s, in 1 of 10 by %(early)s already.",
                **said,
            )
        )
    return Markup(  # noqa: S704  # the same
        _(
            "In %(number)d of %(of)d simulations the maximum value is used up before the agreement ends on %(end)s: most likely about %(likely)s, in 8 of 10 between %(early)s and %(late)s.",
            **said,
        )
    )


def _days(days: Exhaustion) -> dict[str, Markup]:
    """Tell the days by which the maximum value is used up, each under its id."""
    told = {"likely": tell(exhaustion("p50", days.p50)), "early": tell(exhaustion("p10", days.p10 or days.p50))}
    return told if days.p90 is None else told | {"late": tell(exhaustion("p90", days.p90))}


def _level(each: LevelReached, passed: dict[Any, Passed]) -> LevelRow:
    language = current_language()
    if each.spent_in is not None:
        when = _("Reached in %(month)s", month=_month(each.spent_in))
    elif each.days is None or each.days.never == 1:
        when = _("Not before the agreement ends")
    elif each.days.p50 is None:
        number, of = frequency(1 - each.days.never, COMMITTED_DRAWS)
        when = _("In %(number)d of %(of)d simulations before the agreement ends", number=number, of=of)
    else:
        days = each.days
        listed = {"likely": days.p50, "early": days.p10 or days.p50, "late": days.p90}
        said = {name: formatting.day(day, language) for name, day in listed.items() if day is not None}
        said |= _days(days) if each.level == WHOLE else {}
        when = Markup(  # noqa: S704  # the same
            _("About %(likely)s; in 1 of 10 by %(early)s", **said)
            if days.p90 is None
            else _("About %(likely)s; in 8 of 10 between %(early)s and %(late)s", **said)
        )
    return LevelRow(each, passed.get(("used", each.level)), passed.get(("forecast", each.level)), when)


def _proof(one: Passed, people: dict[str, str]) -> str:
    """Say when an overrun became known, of what, and by which entry."""
    language = current_language()
    said = {
        "moment": formatting.moment(one.at, language),
        "amount": formatting.money(one.amount, language),
        "maximum": formatting.money(one.maximum, language),
    }
    if one.figure == "forecast":
        return _(
            "It was foreseen from %(moment)s on: then the middle of the simulations came to %(amount)s, more than the maximum value of %(maximum)s.",
            **said,
        )
    if one.cause is None:
        return _(
            "It became known at %(moment)s, by other terms of the agreement: used and committed were %(amount)s, more than the maximum value of %(maximum)s.",
            **said,
        )
    said |= {
        "number": str(one.cause.id),
        "kind": _(KINDS[one.cause.kind]),
        "change": formatting.money(one.cause.change, language),
        "who": _who(one.cause.by, people),
    }
    return _(
        "It became known at %(moment)s, by entry %(number)s (%(kind)s, %(change)s more, %(who)s): used and committed were then %(amount)s, more than the maximum value of %(maximum)s.",
        **said,
    )


def _source(one: Posted) -> str:
    if one.kind == "opening":
        return _("Before the agreement was taken over")
    if one.source == RUNNING:
        return _("What runs, to the agreement's end")
    if one.kind in ("invoiced", "accrued"):
        try:
            return formatting.quarter(one.source, current_language())
        except ValueError:
            return one.source
    return _("Activation %(number)s, as approved", number=one.source.partition(":")[2] or one.source)


def _who(by: str, people: dict[str, str]) -> str:
    return _(PROGRAMS[by]) if by in PROGRAMS else people.get(by, by)


def _figure(course: BurnDown, standing: Standing) -> Figure:
    """Draw what was spent, what it may come to, and the maximum value over both."""
    language = current_language()
    months = [charts_projection.FanMonth(month.label(), actual=amount) for month, amount in course.spent]
    fans = course.cumulative()
    if course.simulation is not None:
        months += [
            charts_projection.FanMonth(
                month.label(), charts_projection.Band(fan.p10, fan.p25, fan.p50, fan.p75, fan.p90)
            )
            for month, fan in zip(course.simulation.months, fans, strict=True)
        ]
    levels = []
    if standing.maximum is not None:
        levels.append(charts_projection.Level(_("Maximum value"), [standing.maximum] * len(months)))
    if not fans:
        title = _("%(spent)s is spent", spent=formatting.money_large(course.spent_before, language))
    else:
        title = _(
            "%(spent)s is spent; about %(likely)s by the agreement's end",
            spent=formatting.money_large(course.spent_before, language),
            likely=formatting.money_large(fans[-1].p50, language),
        )
    return charts_projection.fan(
        "burn-down",
        title,
        months,
        language,
        caption=_("Spent at the end of each month, excluding VAT"),
        levels=levels,
        actual_name=_("Spent"),
    )


def _month(month: Period) -> str:
    return formatting.month(month.start, current_language())
