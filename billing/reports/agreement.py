"""An agreement as its reader may see it: terms, price list, options and where each activation stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from billing.charges.basis import gather
from billing.rating.price_list import RampToday, VersionPrices, price_list, ramps_on
from contracts import agreements
from contracts.agreements import AgreementSummary, readable_trust
from contracts.people.access import Actor
from contracts.terms.agreement import Extension, MarketplaceAlgorithm, OptionHolder
from contracts.terms.price_book import PriceBook
from contracts.terms.price_model import Charge


@dataclass(frozen=True, slots=True)
class AgreementOverview:
    """An agreement as the reader may see it, with its price list and where each activation stands on ``today``."""

    agreement: AgreementSummary
    extensions: tuple[Extension, ...]
    holders: tuple[OptionHolder, ...]
    shown_holders: tuple[OptionHolder, ...]
    algorithms: tuple[MarketplaceAlgorithm, ...]
    book: PriceBook
    versions: tuple[VersionPrices, ...]
    charges: tuple[Charge, ...]
    activations: tuple[RampToday, ...]
    today: date
    data_until: date | None
    version: date | None

    def running(self, trust: str) -> int:
        """Count the algorithms that run at a trust today."""
        return sum(
            each.activation.trust == trust and each.state in ("ramp_up", "ordinary") for each in self.activations
        )


def agreement_overview(
    session: Session, *, agreement_id: int, actor: Actor, today: date, known_at: datetime | None = None
) -> AgreementOverview:
    """Show an agreement's terms, prices, options and activations; within one trust only its own option and activations."""
    scope = readable_trust(session, agreement_id, actor, None)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    book = terms.price_book
    holders = agreements.option_holders(session, agreement_id, known_at)
    version = book.version_on(today) or min(book.versions, key=lambda each: each.valid_from, default=None)
    own = [row for row in terms.activations if scope in (None, row.trust)]
    return AgreementOverview(
        agreement=terms.agreement,
        extensions=agreements.extensions(session, agreement_id, known_at),
        holders=holders,
        shown_holders=tuple(holder for holder in holders if scope in (None, holder.party.code)),
        algorithms=agreements.marketplace(session, agreement_id),
        book=book,
        versions=price_list(book),
        charges=() if version is None else version.charges,
        activations=ramps_on(book, sorted(own, key=lambda row: (row.trust_name, row.go_live)), today),
        today=today,
        data_until=terms.data_until,
        version=None if version is None else version.valid_from,
    )
