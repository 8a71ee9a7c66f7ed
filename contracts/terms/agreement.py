"""A framework agreement as one document: the parties, the term, who may join, what may be bought at what prices.

The values here are what `agreement import` reads and `agreement export` writes; nothing in them is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from contracts.terms.amendment import Amendment
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, PriceBook

OPTION_STATES = (
    "listed",
    "under_review",
    "submitted",
    "approved",
    "exercised",
    "declined",
    "withdrawn",
    "lapsed",
    "ended",
)

# An option in one of these states has been used or given up by somebody: its last day binds nobody any more.
SETTLED_OPTIONS: Final = frozenset({"exercised", "declined", "withdrawn", "ended"})

Payer = Literal["buyer_recharges", "each_trust"]
BUYER_RECHARGES: Final = "buyer_recharges"
PAYERS: Final[tuple[Payer, ...]] = (BUYER_RECHARGES, "each_trust")


@dataclass(frozen=True, slots=True)
class Party:
    """A legal unit; ``organisation_number`` is nine digits with a mod-11 check digit."""

    code: str
    name: str
    organisation_number: str
    region: str


@dataclass(frozen=True, slots=True)
class OptionStep:
    """A state that an option came into on a date."""

    state: str
    on: date


@dataclass(frozen=True, slots=True)
class OptionHolder:
    """A trust named in the agreement, its option's last day (inclusive) and how it came to its present state."""

    party: Party
    deadline: date
    clause: str
    states: tuple[OptionStep, ...]

    @property
    def state(self) -> str:
        """The present state."""
        return self.states[-1].state


def option_deadline(own: date, state: str, last_day: date) -> date:
    """Give the last day (inclusive) of an option in a state: its own, and never later than the agreement's last day.

    An agreement that ends takes its open options with it; one that is prolonged gives them their own day back.

    >>> option_deadline(date(2027, 12, 31), "listed", date(2026, 2, 28))
    datetime.date(2026, 2, 28)
    >>> option_deadline(date(2027, 12, 31), "exercised", date(2026, 2, 28))
    datetime.date(2027, 12, 31)
    """
    return own if state in SETTLED_OPTIONS else min(own, last_day)


@dataclass(frozen=True, slots=True)
class Extension:
    """An agreed right to prolong the term over ``[start, end)``; ``taken_up_on`` is ``None`` while unused.

    ``notice_months`` (``None``: none are agreed) is how long before the end of the term the vendor must have notice.
    """

    start: date
    end: date
    clause: str
    taken_up_on: date | None
    notice_months: int | None = None


@dataclass(frozen=True, slots=True)
class MarketplaceAlgorithm:
    """A product that serves one need, with its CE class and the year of the marking."""

    code: str
    product: str
    vendor_name: str
    need_nb: str
    need_en: str
    modality: str
    ce_class: str
    ce_year: int | None

    @property
    def need(self) -> dict[str, str]:
        """Give what the product is for, by language."""
        return {"nb": self.need_nb, "en": self.need_en}


@dataclass(frozen=True, slots=True)
class PayerStep:
    """Who pays the vendor from a day (inclusive) on: the buyer, who recharges the trusts, or each trust itself."""

    start: date
    who: Payer


@dataclass(frozen=True, slots=True)
class AgreementDocument:
    """Everything agreed, whole. ``term.end`` is exclusive and includes the extensions taken up.

    ``estimated_value`` and ``maximum_value`` are kroner excluding VAT; an unknown maximum is ``None``, never the
    estimate. ``vat_rate`` is a share (``0.25``). ``payer`` is empty where the buyer pays and recharges throughout;
    ``amendments`` are those in force, and the rest of the document is what they made of it.
    """

    code: str
    name: str
    reference: str
    example: bool
    buyer: Party
    vendor: Party
    term: AgreementTerm
    extensions: tuple[Extension, ...]
    estimated_value: Decimal | None
    maximum_value: Decimal | None
    vat_rate: Decimal
    payment_days: int
    option_holders: tuple[OptionHolder, ...]
    algorithms: tuple[MarketplaceAlgorithm, ...]
    price_book: PriceBook
    activations: tuple[Activation, ...]
    payer: tuple[PayerStep, ...] = ()
    amendments: tuple[Amendment, ...] = ()


@dataclass(frozen=True, slots=True)
class ActivationRow:
    """An activation with the names a reader knows."""

    id: int
    trust: str
    trust_name: str
    algorithm: str
    product: str
    validation_from: date | None
    go_live: date
    end: date | None

    @property
    def running(self) -> Period:
        """Give the days on which it runs, validation included."""
        return Period(self.validation_from or self.go_live, self.end or date.max)

    def to_term(self) -> Activation:
        """Give the activation as the rating reads it."""
        return Activation(
            trust=self.trust,
            algorithm=self.algorithm,
            validation_from=self.validation_from,
            go_live=self.go_live,
            end=self.end,
        )
