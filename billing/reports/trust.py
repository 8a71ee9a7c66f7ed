"""A trust's year: its months, its algorithms and where its counters stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from billing.charges.basis import gather
from billing.charges.charging import charges_of
from billing.charges.costs import Cost, grouped
from billing.quarters import coverage
from billing.rating.price_list import RampToday, ramps_on
from billing.reports.parts import Part, Place, places, year_to
from contracts import agreements
from contracts.agreements import AgreementSummary, readable_trust
from contracts.people.access import Actor
from contracts.terms.agreement import OptionHolder
from contracts.terms.period import Period, previous_day


@dataclass(frozen=True, slots=True)
class AlgorithmAtTrust:
    """One algorithm at one trust: where it stands today and what it cost this year."""

    today: RampToday
    cost: Cost


@dataclass(frozen=True, slots=True)
class TrustReport:
    """A trust's year: cost per month, its algorithms, what else it pays (``other``: fixed amounts), and its option."""

    agreement: AgreementSummary
    holder: OptionHolder
    year: Period
    months: tuple[Part, ...]
    algorithms: tuple[AlgorithmAtTrust, ...]
    other: Cost
    cost: Cost
    places: tuple[Place, ...]
    data_until: date | None
    version: date | None


def trust_report(
    session: Session, *, agreement_id: int, trust: str, actor: Actor, today: date, known_at: datetime | None = None
) -> TrustReport:
    """Report a trust's year so far; `NotFound` for a trust that is no option holder or outside the actor's scope."""
    readable_trust(session, agreement_id, actor, trust)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    data_until = terms.data_until
    counted = coverage.counted(session, agreement_id=agreement_id, today=today, known_at=known_at)
    year = year_to(counted.through or previous_day(Period.month(data_until or today).end))
    charges = charges_of(terms, terms.rate(year), year, trust, actor.scope("read"), known_at)
    by_month = dict(grouped(charges.lines, lambda line: f"{line.period.start:%Y-%m}"))
    own = sorted((row for row in terms.activations if row.trust == trust), key=lambda row: row.go_live)
    holder = next(
        each for each in agreements.option_holders(session, agreement_id, known_at) if each.party.code == trust
    )
    running = {row.algorithm for row in own}
    return TrustReport(
        agreement=terms.agreement,
        holder=holder,
        year=year,
        months=tuple(Part(month.label(), Cost.of(by_month.get(month.label(), ()))) for month in year.months()),
        algorithms=tuple(
            AlgorithmAtTrust(
                ramp, Cost.of(line for line in charges.lines if line.algorithm == ramp.activation.algorithm)
            )
            for ramp in ramps_on(terms.price_book, own, today)
        ),
        other=Cost.of(line for line in charges.lines if line.algorithm not in running),
        cost=Cost.of(charges.lines),
        places=places(terms, charges),
        data_until=data_until,
        version=charges.version,
    )
