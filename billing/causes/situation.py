"""Everything an explanation may draw on: what was agreed and counted, what was billed, and what is known beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from billing.causes.billed import BilledDocument
from billing.causes.naming import NO_NAMES, Names
from billing.rating.lines import Line
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, PriceBook, Usage

SetApartReason = Literal["validation", "failed", "repeated", "duplicate"]


@dataclass(frozen=True, slots=True)
class SetApart:
    """Hold examinations of a day that were counted and are not billable, and why; `duplicate` is a re-sent one."""

    trust: str
    algorithm: str
    on: date
    quantity: int
    reason: SetApartReason


@dataclass(frozen=True, slots=True)
class AgreedCredit:
    """Hold what the vendor has agreed to take off, as a positive amount excluding VAT, and has not taken off yet.

    `invoice` is the number of the document it corrects; with `on_next_invoice` it comes as a line of this one, else as a
    credit note.
    """

    id: str
    amount: Decimal
    trust: str | None = None
    algorithm: str | None = None
    invoice: str | None = None
    on_next_invoice: bool = False


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Hold what is rounding, in kroner: per line, per line of an invoice up to a most, and for VAT."""

    line: Decimal = Decimal("0.02")
    invoice: Decimal = Decimal("5.00")
    tax: Decimal = Decimal("1.00")


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """Hold what a document's header is held against; an empty tuple or None is not known and not checked.

    Of each kind of reference any one of those known is right, and `sellers` are the organisation numbers that may bill.
    `accepted` is what was accepted before, excluding VAT.
    """

    buyers: tuple[str, ...] = ()
    buyer_references: tuple[str, ...] = ()
    order_references: tuple[str, ...] = ()
    contract_references: tuple[str, ...] = ()
    currency: str = "NOK"
    payment_days: int | None = None
    accounts: tuple[str, ...] = ()
    vat_rate: Decimal | None = None
    maximum_value: Decimal | None = None
    accepted: Decimal = Decimal("0.00")
    sellers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """Hold one document and everything it is explained by.

    `usage` is our own count, from the agreement's start on; what of it fell in a validation run is set apart by rating.
    `late` are examinations of periods that were closed before they were recorded: they are not in `usage`. `statement` is the
    vendor's own count, by day or by month, None where there is none. `earlier` are documents received before this one, and
    `taken` the ids of expected lines that they billed already. `expected` are the expected lines of `period` as frozen; None
    rates them anew.
    """

    document: BilledDocument
    period: Period
    agreement: AgreementTerm
    price_book: PriceBook
    activations: tuple[Activation, ...]
    usage: tuple[Usage, ...]
    expected: tuple[Line, ...] | None = None
    names: Names = NO_NAMES
    set_apart: tuple[SetApart, ...] = ()
    late: tuple[Usage, ...] = ()
    statement: tuple[Usage, ...] | None = None
    earlier: tuple[BilledDocument, ...] = ()
    taken: frozenset[str] = frozenset()
    credits: tuple[AgreedCredit, ...] = ()
    tolerance: Tolerance = field(default_factory=Tolerance)
    facts: AgreementFacts = field(default_factory=AgreementFacts)
