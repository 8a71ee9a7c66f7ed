"""What an agreement's amounts are computed from, gathered once: terms, prices, activations and usage, as known."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from billing.rating.rate import PriceRequest, Rating, rate
from billing.usage import metering
from contracts import agreements, price_books
from contracts.agreements import AgreementSummary
from contracts.terms.agreement import ActivationRow
from contracts.terms.period import Period
from contracts.terms.price_book import PriceBook, Usage


@dataclass(frozen=True, slots=True)
class Terms:
    """What an agreement's amounts are computed from, gathered once: terms, prices, activations and usage, as known."""

    agreement: AgreementSummary
    price_book: PriceBook
    activations: tuple[ActivationRow, ...]
    usage: tuple[Usage, ...]

    @property
    def data_until(self) -> date | None:
        """Give the last day with a count."""
        return max((entry.on for entry in self.usage), default=None)

    def to_request(self, period: Period) -> PriceRequest:
        """Give the price request for ``period``; usage of days without an activation is left to the metering."""
        term = Period(self.agreement.term.start, self.agreement.term.end)
        running: dict[tuple[str, str], list[Period]] = defaultdict(list)
        for row in self.activations:
            days = row.running.overlap(term)
            if days is not None:
                running[row.trust, row.algorithm].append(days)
        covered = []
        for entry in self.usage:
            for days in running.get((entry.trust, entry.algorithm), ()):
                if days.start <= entry.on < days.end:
                    covered.append(entry)
                    break
        return PriceRequest(
            agreement=self.agreement.term,
            period=period,
            price_book=self.price_book,
            activations=tuple(row.to_term() for row in self.activations),
            usage=tuple(covered),
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
