"""The front page: what it has cost so far, how much of the ceiling that is, and what the latest quarter differs by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.charges.charging import charges_of
from billing.charges.costs import Cost, grouped, within
from billing.figures.counts import is_whole
from billing.quarters import coverage
from billing.quarters.coverage import Counted
from billing.rating.lines import Line
from billing.reconciliation.report import QuarterRow, newest_quarter
from billing.reports.parts import Part, Place, places, year_to
from contracts import agreements
from contracts.agreements import AgreementSummary, readable_trust
from contracts.people.access import Actor
from contracts.terms.agreement import OptionHolder
from contracts.terms.period import Period, add_months, previous_day

QUARTERS_SHOWN = 12
EXERCISED = "exercised"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the front page shows; ``year`` is the calendar year up to the day that the counts are in to.

    Where no month is counted in full yet, it is that of the newest count, up to the end of its month. ``before`` is the cost
    of the same months the year before; ``since_start`` and ``ceiling_share`` are ``None`` for a reader within one trust.
    """

    agreement: AgreementSummary
    data_until: date | None
    counted: Counted
    version: date | None
    scope: str | None
    year: Period
    this_year: Cost
    before: Cost
    quarters: tuple[Part, ...]
    trusts: tuple[Part, ...]
    others: Decimal | None
    whole: Cost
    since_start: Decimal | None
    ceiling_share: Decimal | None
    places: tuple[Place, ...]
    latest_quarter: QuarterRow | None
    options: tuple[OptionHolder, ...]

    @property
    def year_before(self) -> int:
        """Give the year that this one is compared with."""
        return self.year.start.year - 1

    @property
    def exercised(self) -> int:
        """Count the options that are exercised."""
        return sum(holder.state == EXERCISED for holder in self.options)

    @property
    def own_option(self) -> OptionHolder | None:
        """Give the option of the trust the reader is kept to."""
        return next((holder for holder in self.options if holder.party.code == self.scope), None)


def dashboard(
    session: Session, *, agreement_id: int, actor: Actor, today: date, known_at: datetime | None = None
) -> Dashboard:
    """Add up an agreement's cost so far for the front page: up to the day that the counts are in to, and what is under way."""
    scope = readable_trust(session, agreement_id, actor, None)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    term, data_until = terms.agreement.term, terms.data_until
    until = Period.month(data_until).end if data_until else Period.month(term.start).end
    counted = coverage.counted(session, agreement_id=agreement_id, today=today, known_at=known_at)
    so_far = Period(term.start, max(until, Period.month(term.start).end))
    rating = terms.rate(so_far)
    charges = charges_of(terms, rating, so_far, scope, scope, known_at)
    year = year_to(counted.through or previous_day(until))
    lines = within(charges.lines, year)
    this_year = within(rating.lines, year)
    others = charges_of(terms, terms.rate(year), year, scope, scope, known_at).others
    since_start = None if scope else rating.total
    maximum = terms.agreement.maximum_value
    return Dashboard(
        agreement=terms.agreement,
        data_until=data_until,
        counted=counted,
        version=charges.version,
        scope=scope,
        year=year,
        this_year=Cost.of(lines),
        before=Cost.of(within(charges.lines, Period(add_months(year.start, -12), add_months(year.end, -12)))),
        quarters=tuple(
            Part(quarter, Cost.of(own), under_way=not is_whole(Period.parse(quarter), counted.through))
            for quarter, own in grouped(charges.lines, _quarter_of)[-QUARTERS_SHOWN:]
        ),
        trusts=_trust_parts(terms, lines, previous_day(year.end)),
        others=others,
        whole=Cost.of(this_year if scope is None else lines),
        since_start=since_start,
        ceiling_share=None if since_start is None or not maximum else since_start / maximum,
        places=places(terms, charges),
        latest_quarter=None
        if scope
        else newest_quarter(session, agreement_id=agreement_id, actor=actor, today=today, known_at=known_at),
        options=agreements.option_holders(session, agreement_id, known_at),
    )


def _quarter_of(line: Line) -> str:
    return Period.quarter(line.period.start).label()


def _trust_parts(terms: Terms, lines: list[Line], day: date) -> tuple[Part, ...]:
    parts = [
        Part(
            trust,
            Cost.of(own),
            len(
                {
                    row.algorithm
                    for row in terms.activations
                    if row.trust == trust and row.go_live <= day and (row.end is None or row.end > day)
                }
            ),
        )
        for trust, own in grouped(lines, lambda line: line.trust or "")
    ]
    return tuple(sorted(parts, key=lambda part: (-part.cost.total, part.key)))
