"""Charging: the expected charges of a period, rated from the terms and the usage as they were known.

Everything that shows a krone asks here: the dashboard, the explanation, the invoice check. There is one rating function
(`billing.rating.rate`); this module only gathers what it reads. A reader within one trust gets that trust's lines; the
others come together, and only where at least two others are in it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from billing import metering
from billing.rating.rate import Excluded, Line, Position, PriceRequest, Rating, rate
from contracts import agreements, price_books
from contracts.access import Actor
from contracts.agreements import AgreementSummary
from contracts.errors import NotFound
from contracts.terms.agreement import ActivationRow
from contracts.terms.period import Period
from contracts.terms.price_book import PriceBook, Usage

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Charges:
    """The expected charges of ``period``: amounts in kroner excluding VAT, ``total`` the sum of the rounded lines.

    ``others`` is what the trusts outside the reader's scope pay together; ``None`` where the reader sees all, or where
    fewer than two others are in it (one alone could be told from the sum).
    """

    agreement: AgreementSummary
    period: Period
    lines: tuple[Line, ...]
    excluded: tuple[Excluded, ...]
    positions: tuple[Position, ...]
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


@dataclass(frozen=True, slots=True)
class Terms:
    """What an agreement's amounts are computed from, gathered once: terms, prices, activations and usage, as known."""

    agreement: AgreementSummary
    price_book: PriceBook
    activations: tuple[ActivationRow, ...]
    usage: tuple[Usage, ...]

    def to_request(self, period: Period) -> PriceRequest:
        """Give the price request for ``period``; usage of days without an activation is left to the metering."""
        term = Period(self.agreement.term.start, self.agreement.term.end)
        running: dict[tuple[str, str], list[Period]] = defaultdict(list)
        for row in self.activations:
            running[row.trust, row.algorithm].append(row.running)
        return PriceRequest(
            agreement=self.agreement.term,
            period=period,
            price_book=self.price_book,
            activations=tuple(row.to_term() for row in self.activations),
            usage=tuple(
                usage
                for usage in self.usage
                if term.contains(usage.on)
                and any(days.contains(usage.on) for days in running[usage.trust, usage.algorithm])
            ),
        )

    def rate(self, period: Period) -> Rating:
        """Rate ``period``, clipped to the agreement's term; an empty rating where they do not meet."""
        term = Period(self.agreement.term.start, self.agreement.term.end)
        common = period.overlap(term)
        if common is None:
            return Rating(self.agreement.term.currency, (), (), ())
        return rate(self.to_request(common))


def gather(session: Session, *, agreement_id: int, known_at: datetime | None = None) -> Terms:
    """Gather what an agreement's amounts are computed from, as known at ``known_at`` (``None``: now)."""
    return Terms(
        agreement=agreements.agreement_summary(session, agreement_id, known_at),
        price_book=price_books.price_book(session, agreement_id, known_at),
        activations=tuple(agreements.activations(session, agreement_id, known_at)),
        usage=tuple(metering.daily_usage(session, agreement_id=agreement_id, known_at=known_at)),
    )


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
    return charges_of(terms, terms.rate(period), period, scope, actor.scope("read"))


def charges_of(terms: Terms, rating: Rating, period: Period, trust: str | None, scope: str | None) -> Charges:
    """Keep what a reader may see of a rating: the lines of ``trust`` where one is asked for, and of the scope."""
    lines = tuple(line for line in rating.lines if trust is None or line.trust == trust)
    others = None
    if scope is not None:
        outside = [line for line in rating.lines if line.trust not in (None, scope)]
        if len({line.trust for line in outside}) >= 2:
            others = sum((line.net for line in outside), ZERO)
    data_until = max((usage.on for usage in terms.usage), default=None)
    version = terms.price_book.version_on(period.end - timedelta(days=1))
    return Charges(
        agreement=terms.agreement,
        period=period,
        lines=lines,
        excluded=tuple(entry for entry in rating.excluded if trust is None or entry.trust == trust),
        positions=tuple(place for place in rating.positions if trust is None or place.trust in (None, trust)),
        others=others,
        data_until=data_until,
        version=None if version is None else version.valid_from,
    )


def readable_trust(session: Session, agreement_id: int, actor: Actor, trust: str | None) -> str | None:
    """Give the trust whose figures a reader asks for, or must be kept to; ``None`` is the whole agreement.

    A trust outside the reader's scope is as unknown to them as one that does not exist.
    """
    actor.require("read")
    scope = actor.scope("read")
    if trust is not None:
        holders = {holder.party.code for holder in agreements.option_holders(session, agreement_id)}
        if trust not in holders or (scope is not None and trust != scope):
            raise NotFound(f"there is no trust '{trust}' in this agreement")
        return trust
    return scope
