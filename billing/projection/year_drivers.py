"""Why the next year costs something else than the last: two years rated from the same terms, and the steps between them.

What is known is taken as it is, and what lies ahead as the forecast has it, with growth, index and planned activations as
assumed. A correction counts in the year in which it was recorded, with its effect on the years before; the year that it
corrects is told without it, as it was known at its end. The steps and their order are those of `rating.drivers`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.figures import Figure, years
from billing.forecasting.daily_rates import Plan, daily_rates, forecast
from billing.forecasting.drivers import Activated, Drivers, Year, drivers
from billing.models import Correction
from billing.projection.bound import bound_plans, with_rows
from billing.projection.projection import Scenario, plan_findings, with_assumed_terms
from billing.rating.lines import Line
from contracts.agreements import AgreementSummary, readable_trust
from contracts.errors import Finding, invalid
from contracts.models import Algorithm, Organisation
from contracts.models.base import recorded_by_then
from contracts.people.access import Actor
from contracts.terms import money
from contracts.terms.period import Period
from contracts.terms.price_book import Usage

_OSLO: Final = ZoneInfo("Europe/Oslo")


@dataclass(frozen=True, slots=True)
class TrustDrivers:
    """One trust's part of the steps; ``trust`` None is what stands on the agreement."""

    trust: str | None
    drivers: Drivers


@dataclass(frozen=True, slots=True)
class YearDrivers:
    """The steps from the calendar year ``last`` to the one after it, in kroner excluding VAT.

    ``by_trust`` sums to ``drivers``, driver by driver. Usage before ``as_of`` is recorded, from there on it is forecast;
    ``examinations`` are the billable ones of the two years.
    """

    agreement: AgreementSummary
    scope: str | None
    last: Period
    coming: Period
    as_of: date
    data_until: date | None
    drivers: Drivers
    by_trust: tuple[TrustDrivers, ...]
    examinations: tuple[int, int]
    annual_growth: Decimal
    annual_index: Decimal
    planned: tuple[Plan, ...]

    def change(self, part: TrustDrivers | None = None) -> Figure | None:
        """Give how much more the coming year costs, of a trust's part where one is given; None where anything is assumed."""
        if self.annual_growth or self.annual_index:
            return None
        of = self.drivers if part is None else part.drivers
        scope = self.scope if part is None else part.trust
        return years.change(self.last, self.coming, money.kroner(of.next_ore - of.last_ore), scope)


@dataclass(frozen=True, slots=True)
class _Corrected:
    usage: Usage
    recorded_on: date


def year_drivers(
    session: Session,
    *,
    agreement_id: int,
    year: int,
    as_of: date,
    actor: Actor,
    trust: str | None = None,
    annual_growth: Decimal = Decimal(0),
    annual_index: Decimal = Decimal(0),
    plans: tuple[Plan, ...] = (),
    known_at: datetime | None = None,
) -> YearDrivers:
    """Explain why ``year`` costs something else than the year before it.

    ``annual_growth`` and ``annual_index`` are shares per year, as in a scenario. Raises `InvalidInput` for a year that, with the
    one before it, does not lie within the agreement, and for plans that `project` would refuse; `NotFound` for a trust
    that the reader does not know.
    """
    scope = readable_trust(session, agreement_id, actor, trust)
    known = gather(session, agreement_id=agreement_id, known_at=known_at)
    last, coming = _years(known.agreement, year)
    scenario = Scenario(coming, as_of, plans, annual_growth, annual_index)
    invalid(plan_findings(session, known, scenario))
    bound = bound_plans(session, known, as_of, without=scenario.pairs, known_at=known_at)
    terms = _with_forecast(session, known, scenario, last, bound)
    corrected = _corrections(session, agreement_id, known_at)
    told = [_told(terms, period, last, corrected, scope) for period in (last, coming)]
    trusts = sorted(
        {line.trust for each in told for line in (*each.lines, *each.unindexed)}, key=lambda code: code or "~"
    )
    return YearDrivers(
        agreement=known.agreement,
        scope=scope,
        last=last,
        coming=coming,
        as_of=as_of,
        data_until=max((entry.on for entry in known.usage if entry.on < as_of), default=None),
        drivers=drivers(told[0].year(), told[1].year()),
        by_trust=tuple(TrustDrivers(one, drivers(told[0].year(one), told[1].year(one))) for one in trusts),
        examinations=(sum(told[0].units.values()), sum(told[1].units.values())),
        annual_growth=annual_growth,
        annual_index=annual_index,
        planned=plans,
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """A year as the reader may see it, with what it corrects of the years before by trust."""

    lines: tuple[Line, ...]
    unindexed: tuple[Line, ...]
    units: dict[Activated, int]
    corrections_ore: dict[str | None, int]

    def year(self, *trusts: str | None) -> Year:
        """Give the year, of all that is told or of some trusts (None: what stands on the agreement)."""
        if not trusts:
            return Year(self.lines, self.unindexed, self.units, sum(self.corrections_ore.values()))
        return Year(
            tuple(line for line in self.lines if line.trust in trusts),
            tuple(line for line in self.unindexed if line.trust in trusts),
            self.units,
            sum(self.corrections_ore.get(trust, 0) for trust in trusts),
        )


def _years(agreement: AgreementSummary, year: int) -> tuple[Period, Period]:
    term = agreement.term.period
    if not 2000 <= year <= 2999:
        invalid([Finding("#/year", "out_of_range", "years run from 2000 to 2999")])
    last, coming = Period.year(date(year - 1, 1, 1)), Period.year(date(year, 1, 1))
    if last.overlap(term) is None or coming.overlap(term) is None:
        detail = f"the agreement runs from {term.start.isoformat()} to {term.end.isoformat()}"
        invalid([Finding("#/year", "outside_agreement", f"{year} or the year before it is outside: {detail}")])
    return last, coming


def _with_forecast(session: Session, known: Terms, scenario: Scenario, last: Period, bound: tuple[Plan, ...]) -> Terms:
    """Give the terms as assumed, with the recorded usage up to the scenario's day and the forecast after it.

    What is bound is coming in it as what is planned is.
    """
    terms = with_assumed_terms(session, known, scenario)
    recorded = tuple(entry for entry in terms.usage if entry.on < scenario.as_of)
    running = tuple(row.to_term() for row in terms.activations)
    plans = (*bound, *scenario.plans)
    coming: list[Usage] = []
    if scenario.as_of < scenario.period.end:
        ahead = Period(max(scenario.as_of, last.start), scenario.period.end)
        rates = daily_rates(recorded, running, scenario.as_of)
        coming = forecast(rates, running, plans, ahead, scenario.annual_growth)
    return with_rows(replace(terms, usage=(*recorded, *coming)), plans)


def _told(terms: Terms, period: Period, last: Period, corrected: list[_Corrected], scope: str | None) -> _Told:
    # What was found out about the year after its end belongs to the year in which it was found out.
    later = [each.usage for each in corrected if period.contains(each.usage.on) and each.recorded_on >= period.end]
    own = _without(terms, later)
    book = terms.price_book
    settled = tuple(each for each in book.index_adjustments if each.effective_from <= last.start)
    unindexed = replace(own, price_book=replace(book, index_adjustments=settled))
    rated = own.rate(period)
    left_out = {(each.trust, each.algorithm, each.on) for each in rated.excluded}
    units: dict[Activated, int] = defaultdict(int)
    common = period.overlap(terms.agreement.term.period)
    for entry in own.to_request(common).usage if common is not None else ():
        told = scope in (None, entry.trust) and period.contains(entry.on)
        if told and (entry.trust, entry.algorithm, entry.on) not in left_out:
            units[entry.trust, entry.algorithm] += entry.quantity
    return _Told(
        _seen(rated.lines, scope),
        _seen(unindexed.rate(period).lines, scope),
        dict(units),
        _effects(terms, period, corrected, scope),
    )


def _effects(terms: Terms, period: Period, corrected: list[_Corrected], scope: str | None) -> dict[str | None, int]:
    """Rate the years before with and without what was found out about them in this one."""
    found = [each for each in corrected if period.contains(each.recorded_on) and each.usage.on < period.start]
    if not found or period.start <= terms.agreement.term.start:
        return {}
    before = Period(terms.agreement.term.start, period.start)
    unknown = [each.usage for each in corrected if each.recorded_on >= period.end and each.usage.on < period.start]
    effects: dict[str | None, int] = defaultdict(int)
    for sign, left_out in ((1, unknown), (-1, [*unknown, *(each.usage for each in found)])):
        for line in _seen(_without(terms, left_out).rate(before).lines, scope):
            effects[line.trust] += sign * line.net_ore
    return dict(effects)


def _seen(lines: Iterable[Line], scope: str | None) -> tuple[Line, ...]:
    return tuple(line for line in lines if scope in (None, line.trust))


def _without(terms: Terms, corrections: Iterable[Usage]) -> Terms:
    """Give the terms as if corrections had not been recorded."""
    changes: dict[tuple[str, str, date], int] = defaultdict(int)
    for entry in corrections:
        changes[entry.trust, entry.algorithm, entry.on] -= entry.quantity
    if not changes:
        return terms
    kept = []
    for entry in terms.usage:
        quantity = entry.quantity + changes.pop((entry.trust, entry.algorithm, entry.on), 0)
        if quantity > 0:
            kept.append(replace(entry, quantity=quantity))
    kept += [Usage(*key, quantity) for key, quantity in changes.items() if quantity > 0]
    return replace(terms, usage=tuple(kept))


def _corrections(session: Session, agreement_id: int, known_at: datetime | None) -> list[_Corrected]:
    rows = session.execute(
        recorded_by_then(
            select(Correction, Organisation.code, Algorithm.code)
            .join(Organisation, Organisation.id == Correction.trust_id)
            .join(Algorithm, Algorithm.id == Correction.algorithm_id)
            .where(Correction.agreement_id == agreement_id, Correction.kind == "correction")
            .order_by(Correction.id),
            Correction,
            known_at,
        )
    )
    return [
        _Corrected(Usage(trust, algorithm, row.on, row.change), row.recorded_at.astimezone(_OSLO).date())
        for row, trust, algorithm in rows
    ]


def share_of_last(found: YearDrivers, amount: Decimal) -> Decimal | None:
    """Give an amount as a share of the last year's cost, None where that was nothing."""
    return amount / money.kroner(found.drivers.last_ore) if found.drivers.last_ore else None
