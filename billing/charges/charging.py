"""Charging: the expected charges of a period, rated from the terms and the usage as they were known.

Everything that shows a krone asks here: the dashboard, the explanation, the invoice check. There is one rating function
(`billing.rating.rate`); this module only gathers what it reads.

What a reader within one trust is told of the others is decided in `billing.charges.told`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.charges.told import others_told, pool_told
from billing.rating.rate import Excluded, Line, Rating
from contracts.agreements import AgreementSummary, readable_trust
from contracts.people.access import Actor
from contracts.terms.money import ZERO
from contracts.terms.period import Period
from contracts.terms.price_model import Scope


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a counter stands at the end of a period, as one reader may be told; counts are examinations.

    ``position`` is ``None`` where it would tell one other trust's volume; ``next_tier_at`` is the number of the next
    tier's first unit, ``None`` in the last tier and for packages.
    """

    charge: str
    scope: Scope
    trust: str | None
    algorithm: str | None
    window: Period
    position: int | None
    next_tier_at: int | None


@dataclass(frozen=True, slots=True)
class Charges:
    """The expected charges of ``period``: amounts in kroner excluding VAT, ``total`` the sum of the rounded lines.

    ``others`` is what the trusts outside the reader's scope pay together, in the cells where at least two of them pay
    something (see the module); ``None`` where the reader sees all or asks as of an earlier moment, or where there is no
    such cell.
    """

    agreement: AgreementSummary
    period: Period
    lines: tuple[Line, ...]
    excluded: tuple[Excluded, ...]
    positions: tuple[Standing, ...]
    others: Decimal | None = None
    data_until: date | None = None
    version: date | None = None

    @property
    def total(self) -> Decimal:
        """The sum of the lines shown."""
        return sum((line.net for line in self.lines), ZERO)

    @property
    def discount(self) -> Decimal:
        """What the ramp-up took off these lines."""
        return sum((line.discount for line in self.lines), ZERO)


def expected_charges(
    session: Session,
    *,
    agreement_id: int,
    period: Period,
    actor: Actor,
    trust: str | None = None,
    known_at: datetime | None = None,
) -> Charges:
    """Give the expected charge lines of ``period``, for the whole agreement or for one trust.

    ``period`` is clipped to the agreement's term; its bounds are those of months. Raises `NotFound` for a trust that is
    no option holder, or that lies outside the actor's scope.
    """
    scope = readable_trust(session, agreement_id, actor, trust)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    return charges_of(terms, terms.rate(period), period, scope, actor.scope("read"), known_at)


def charges_of(
    terms: Terms,
    rating: Rating,
    period: Period,
    trust: str | None,
    scope: str | None,
    known_at: datetime | None,
) -> Charges:
    """Keep what a reader may see of a rating: the lines of ``trust`` where one is asked for, and of the scope.

    ``known_at`` is the moment the terms were gathered as of: within one trust the others are told as known now only
    (see the module).
    """
    lines = tuple(line for line in rating.lines if trust is None or line.trust == trust)
    others = None
    if scope is not None and known_at is None:
        told = others_told(rating.lines, scope)
        others = sum((line.net for line in told), ZERO) if told else None
    data_until = terms.data_until
    version = terms.price_book.version_on(period.end - timedelta(days=1))
    return Charges(
        agreement=terms.agreement,
        period=period,
        lines=lines,
        excluded=tuple(entry for entry in rating.excluded if trust is None or entry.trust == trust),
        positions=_standings(terms, rating, period, trust, scope, known_at),
        others=others,
        data_until=data_until,
        version=None if version is None else version.valid_from,
    )


def _standings(
    terms: Terms, rating: Rating, period: Period, trust: str | None, scope: str | None, known_at: datetime | None
) -> tuple[Standing, ...]:
    end = min(period.end, terms.agreement.term.end)
    windows = {place.window for place in rating.positions if place.trust is None} if scope and known_at is None else ()
    ratings = {window: terms.rate(Period(window.start, end)) for window in windows}
    return tuple(
        Standing(
            place.charge,
            place.scope,
            place.trust,
            place.algorithm,
            place.window,
            place.position
            if place.trust is not None
            or pool_told(terms, place.charge, place.window, (end,), scope, known_at, ratings.get(place.window))
            else None,
            place.next_tier_at,
        )
        for place in rating.positions
        if trust is None or place.trust in (None, trust)
    )
