"""The expected invoice: the charges of a period as a valid EHF document, before the vendor's own arrives.

One line per charge line, the ramp discount as the line's allowance, so the document adds up to the charges to the øre. A
closed quarter is written from its frozen lines and terms. The document holds no clock time: it is dated the first day after
the period, so two people who write it get the same bytes, on every machine and every database.

It is a pro-forma and says so: it names no account, and nobody is to pay by it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Final, Literal

from sqlalchemy.orm import Session

from billing.charges import basis
from billing.ehf.document import Address, Identifier, ItemProperty, Party, Tax
from billing.ehf.document import Period as WrittenPeriod
from billing.ehf.rules import ORGANISATION_SCHEME
from billing.ehf.write import Discount, Draft, DraftLine, norwegian_party, write_invoice
from billing.invoices import setup as invoice_setup
from billing.invoices.setup import Recipient
from billing.quarters import runs as closings
from billing.quarters.frozen import FrozenQuarter
from billing.rating.lines import Line
from contracts import agreements
from contracts.agreements import AgreementSummary
from contracts.errors import Conflict, NotFound
from contracts.people.access import Actor
from contracts.terms.money import ZERO, format_rate, format_unit_price
from contracts.terms.period import Period, previous_day

HUNDRED: Final = Decimal(100)
RAMP: Final = "Innfasingsrabatt"
WHOLE_AGREEMENT: Final = "Rammeavtalen"

# What an amount of money stands for, in the words of the agreement's language.
_WHY: Final = {
    "adjustment": "Omregning av tidligere måneder",
    "outside": "Innfasing som ikke teller mot trinnene",
    "flat_fee": "Fastbeløp for trinnet",
    "package": "Pakker",
    "zero_usage": "Beløp uten bruk",
    "minimum": "Minstevederlag",
    "maximum": "Reduksjon til høyeste vederlag",
    "fixed": "Fast beløp",
    "one_off": "Engangsbeløp",
}


@dataclass(frozen=True, slots=True)
class ExpectedInvoice:
    """The pro-forma of ``period`` for the framework (``trust`` None) or one trust; ``total`` excludes VAT.

    ``run`` is the closed quarter's run that it was written from, None where the quarter is open.
    """

    number: str
    filename: str
    period: Period
    trust: str | None
    run: int | None
    issued_on: date
    due_on: date
    currency: str
    lines: tuple[Line, ...]
    content: bytes

    @property
    def total(self) -> Decimal:
        """Give the sum of the lines in kroner."""
        return sum((line.net for line in self.lines), ZERO)

    @property
    def sha256(self) -> str:
        """Give the document's hash, 64 hex digits."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Parties:
    """Who sends, who receives, and what trusts and products are called."""

    seller: Recipient
    buyer: Recipient
    trusts: dict[str, str]
    products: dict[str, str]


@dataclass(frozen=True, slots=True)
class Due:
    """What is due in a period: the lines, and the run they were frozen in (None: computed from what is known)."""

    agreement: AgreementSummary
    period: Period
    lines: tuple[Line, ...]
    rounding: str
    run: int | None


def expected_invoice(
    session: Session,
    *,
    agreement_id: int,
    period: Period,
    actor: Actor,
    trust: str | None = None,
    known_at: datetime | None = None,
    run: int | None = None,
) -> ExpectedInvoice:
    """Write the expected invoice of a period for the framework, or for one trust (its own lines only).

    A reader within one trust gets that trust's. Without ``run``, the run that stands at ``known_at`` is taken where the period
    is a closed quarter. Raises `NotFound` for a trust outside the reader's scope and a run that does not exist, `Conflict`
    where nothing is due: a document without lines is none.
    """
    scope = agreements.readable_trust(session, agreement_id, actor, trust)
    due = due_in(session, agreement_id, period, known_at, run)
    lines = tuple(line for line in due.lines if scope is None or line.trust == scope)
    if not lines:
        raise Conflict("nothing_due", f"nothing is due in {period.label()}: there is no invoice to expect")
    listed = {
        each.code: each for each in invoice_setup.recipients(session, agreement_id=agreement_id, known_at=known_at)
    }
    agreement = due.agreement
    parties = Parties(
        seller=listed[agreement.vendor.code],
        buyer=listed[scope or agreement.buyer.code],
        trusts={each.code: each.name for each in listed.values()},
        products={each.code: each.product for each in agreements.marketplace(session, agreement_id)},
    )
    draft = draft_of(agreement, parties, due.period, period.label(), scope, lines, due.rounding)
    assert draft.due_date is not None
    return ExpectedInvoice(
        number=draft.number,
        filename=f"{draft.number}.xml",
        period=period,
        trust=scope,
        run=due.run,
        issued_on=draft.issue_date,
        due_on=draft.due_date,
        currency=draft.currency,
        lines=lines,
        content=write_invoice(draft),
    )


def draft_of(
    agreement: AgreementSummary,
    parties: Parties,
    period: Period,
    label: str,
    trust: str | None,
    lines: tuple[Line, ...],
    rounding: str = ROUND_HALF_UP,
) -> Draft:
    """Give the draft of lines that are due, from the agreement's terms and what its parties want on an invoice."""
    percent = agreement.vat_rate * HUNDRED
    wanted = parties.buyer.references
    example = "Eksempeldata. " if agreement.example else ""
    return Draft(
        number="-".join(part for part in ("PF", agreement.code, label.replace("/", "-"), trust) if part),
        issue_date=period.end,
        due_date=period.end + timedelta(days=agreement.payment_days),
        seller=_party(parties.seller, in_register=True),
        buyer=_party(parties.buyer),
        lines=tuple(_draft_line(line, parties) for line in lines),
        currency=agreement.term.currency,
        payment_terms=f"Netto {agreement.payment_days} dager",
        buyer_reference=wanted.buyer_reference or (None if wanted.order_number else agreement.reference),
        order=wanted.order_number,
        contract=agreement.reference,
        period=_written(period),
        note=f"{example}Pro forma, ikke til betaling: det vi venter å bli fakturert for {label}.",
        # One rate on the sum (pricing.md §4.11). Zero is the zero rate: every other way to pay no VAT needs a reason that the agreement does not hold.
        vat=Tax("S" if percent else "Z", Decimal(format_rate(percent))),
        rounding=rounding,
    )


def due_in(
    session: Session, agreement_id: int, period: Period, known_at: datetime | None = None, run: int | None = None
) -> Due:
    """Give the lines that are due in a period: frozen ones of a closed quarter, else rated from what is known.

    Raises `NotFound` for a run that does not exist and a period outside the agreement.
    """
    label = period.label()
    wanted = closings.standing(session, agreement_id, known_at).get(label)
    if run is not None:
        listed = closings.runs(session, agreement_id, label, known_at)
        wanted = next((each for each in listed if each.number == run), None)
        if wanted is None:
            raise NotFound(f"{label} has no run {run}")
    if wanted is not None:
        frozen = closings.frozen(session, wanted)
        # The terms as the run knew them: what was agreed later is not what was due.
        agreement = agreements.agreement_summary(session, agreement_id, wanted.known_at)
        return Due(agreement, frozen.request.period, frozen.lines, _rounding(frozen), wanted.number)
    terms = basis.gather(session, agreement_id=agreement_id, known_at=known_at)
    common = period.overlap(Period(terms.agreement.term.start, terms.agreement.term.end))
    if common is None:
        raise NotFound(f"{label} lies outside the agreement")
    frozen = FrozenQuarter.freeze(terms.agreement.code, label, terms.to_request(common))
    return Due(terms.agreement, common, frozen.lines, _rounding(frozen), None)


def _rounding(frozen: FrozenQuarter) -> Literal["ROUND_HALF_EVEN", "ROUND_HALF_UP"]:
    return ROUND_HALF_EVEN if frozen.request.price_book.conventions.rounding == "half_even" else ROUND_HALF_UP


def _draft_line(line: Line, parties: Parties) -> DraftLine:
    trust = parties.trusts.get(line.trust or "", WHOLE_AGREEMENT)
    product = parties.products.get(line.algorithm or "", line.algorithm or line.charge)
    quantity, price = _counted(line)
    discount = None
    if line.discount_rate_e4:
        percent = Decimal(format_rate(line.discount_rate * HUNDRED))
        discount = Discount(percent, line.gross, line.discount, reason=RAMP)
    named = (
        ("trust", line.trust),
        ("algorithm", line.algorithm),
        ("charge", line.charge),
        ("tier", line.tier),
        ("phase", line.phase),
        ("why", line.why),
    )
    return DraftLine(
        name=f"{product}, {trust}",
        quantity=quantity,
        unit_price=price,
        net=line.net,
        item_id=line.algorithm or line.charge,
        discount=discount,
        period=_written(line.period),
        properties=tuple(ItemProperty(name, str(value)) for name, value in named if value is not None),
        description=_description(line),
    )


def _counted(line: Line) -> tuple[Decimal, Decimal]:
    """Give quantity and unit price; an amount of money is one piece of it, or minus one where it takes off."""
    if line.quantity is None or line.unit_price is None:
        return Decimal(-1 if line.gross_ore < 0 else 1), abs(line.gross)
    return Decimal(line.quantity), Decimal(format_unit_price(line.unit_price))


def _description(line: Line) -> str:
    parts = [_WHY.get(line.why or "", ""), f"trinn {line.tier}" if line.tier else "", f"klausul {line.clause}"]
    if line.reprices is not None:
        parts.append(f"gjelder {line.reprices.label()}")
    text = ", ".join(part for part in parts if part and part != "klausul ")
    return text[:1].upper() + text[1:]


def _party(recipient: Recipient, *, in_register: bool = False) -> Party:
    known = recipient.references
    party = norwegian_party(
        recipient.name,
        recipient.organisation_number,
        street=known.street,
        postal_code=known.postal_code,
        city=known.city,
        in_register=in_register,
    )
    if known.endpoint is None:
        return party
    return Party(
        legal_name=party.legal_name,
        organisation=party.organisation,
        endpoint=Identifier(known.endpoint, ORGANISATION_SCHEME),
        registrations=party.registrations,
        address=party.address or Address("NO"),
    )


def _written(period: Period) -> WrittenPeriod:
    return WrittenPeriod(period.start, previous_day(period.end))
