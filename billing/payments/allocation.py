"""Cost allocation: what each trust bears of a period's expected charges or of an invoice, and where it is booked.

Charge lines stand per trust already; what stands on the agreement is shared (`rating.allocation`). VAT follows who pays:
the buyer is billed one tax on the whole sum, which is shared by net amounts; trusts that pay themselves are each billed
their own. All amounts sum to the charges, or to the invoice, to the øre.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.invoices import expected as expected_invoice
from billing.invoices import invoices
from billing.invoices.invoices import InvoiceSummary
from billing.models import Invoice
from billing.rating.lines import Line
from billing.rating.sharing import Amount, Key, Portion, allocate, share
from contracts import agreements, cost_centres, payers
from contracts.agreements import AgreementSummary
from contracts.cost_centres import Booking, Register
from contracts.errors import Conflict, Denied, NotFound
from contracts.people.access import Actor
from contracts.terms.agreement import Payer
from contracts.terms.money import kroner, ore, round_half_up, scaled
from contracts.terms.period import Period

ZERO: Final = Decimal("0.00")
RATE_PLACES: Final = 4


@dataclass(frozen=True, slots=True)
class AllocatedAmount:
    """What a trust bears of an algorithm (None: of no algorithm) and where it is booked (None: nobody has said)."""

    trust: str
    algorithm: str | None
    booking: Booking | None
    net: Decimal
    tax: Decimal

    @property
    def gross(self) -> Decimal:
        """Give the amount including VAT."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class SharedAmount:
    """An amount that stood on no trust, and the key it was shared by."""

    charge: str | None
    algorithm: str | None
    period: Period
    net: Decimal
    key: Key


@dataclass(frozen=True, slots=True)
class Allocation:
    """The proposal for booking: amounts by trust, algorithm and booking; ``run`` is that of a closed quarter.

    ``invoice`` is None for expected charges. Amounts of a credit note are negative.
    """

    agreement: AgreementSummary
    period: Period
    source: Literal["expected", "invoice"]
    payer: Payer
    amounts: tuple[AllocatedAmount, ...]
    shared: tuple[SharedAmount, ...]
    invoice: InvoiceSummary | None = None
    run: int | None = None

    @property
    def net(self) -> Decimal:
        """Give the sum excluding VAT."""
        return sum((each.net for each in self.amounts), ZERO)

    @property
    def tax(self) -> Decimal:
        """Give the sum of VAT."""
        return sum((each.tax for each in self.amounts), ZERO)

    @property
    def gross(self) -> Decimal:
        """Give the sum including VAT."""
        return self.net + self.tax

    @property
    def by_trust(self) -> tuple[tuple[str, Decimal, Decimal], ...]:
        """Give net and tax by trust, in the trusts' order."""
        sums: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
        for each in self.amounts:
            sums[each.trust][0] += each.net
            sums[each.trust][1] += each.tax
        return tuple((trust, net, tax) for trust, (net, tax) in sums.items())

    @property
    def unbooked(self) -> tuple[str, ...]:
        """Give the trusts with an amount that has no cost centre."""
        return tuple(dict.fromkeys(each.trust for each in self.amounts if each.booking is None))


def allocate_charges(
    session: Session, *, agreement_id: int, period: Period, actor: Actor, known_at: datetime | None = None
) -> Allocation:
    """Allocate the expected charges of a quarter or month; those of a closed quarter are the frozen ones.

    For readers of all trusts. Raises `NotFound` where the period lies outside the agreement.
    """
    require_reader(actor)
    due = expected_invoice.due_in(session, agreement_id, period, known_at)
    portions = portions_of(session, agreement_id, due.lines, due.period, known_at)
    payer = payers.payer_on(session, agreement_id, due.period.start, known_at)
    register = cost_centres.register(session, agreement_id, known_at)
    net = sum(line.net_ore for line in due.lines)
    tax = tax_of(net, due.agreement.vat_rate) if payer == "buyer_recharges" else None
    return Allocation(
        agreement=due.agreement,
        period=due.period,
        source="expected",
        payer=payer,
        amounts=_booked(portions, register, tax, due.agreement.vat_rate),
        shared=_shared(portions),
        run=due.run,
    )


def allocate_invoice(
    session: Session, *, agreement_id: int, invoice_id: int, actor: Actor, known_at: datetime | None = None
) -> Allocation:
    """Allocate a recorded invoice or credit note: its lines by the trust they name, the rest by the expected charges' shares.

    VAT is the document's own. Raises `Conflict` for a document in another currency than the agreement's, or that names no
    period to be booked in.
    """
    require_reader(actor)
    found = invoices.find_invoice(
        session, agreement_id=agreement_id, invoice_id=invoice_id, actor=actor, known_at=known_at
    )
    agreement = agreements.agreement_summary(session, agreement_id, known_at)
    summary = found.summary
    if summary.currency != agreement.term.currency:
        raise Conflict(
            "other_currency", f"the invoice is in {summary.currency}, the agreement in {agreement.term.currency}"
        )
    period = summary.period
    if period is None:
        raise Conflict("no_period", "the invoice names no period: its amounts cannot be placed")
    reference = expected_portions(session, agreement_id, period, known_at)
    portions = invoice_portions(session, agreement_id, found, reference, known_at)
    register = cost_centres.register(session, agreement_id, known_at)
    tax = None if summary.tax is None else summary.sign * ore(summary.tax)
    return Allocation(
        agreement=agreement,
        period=period,
        source="invoice",
        payer=payers.payer_on(session, agreement_id, period.start, known_at),
        amounts=_booked(portions, register, tax, agreement.vat_rate),
        shared=_shared(portions),
        invoice=summary,
    )


def expected_portions(
    session: Session, agreement_id: int, period: Period, known_at: datetime | None = None
) -> tuple[Portion, ...]:
    """Give what each trust bears of the expected charges of a period; nothing where it lies outside the agreement."""
    try:
        due = expected_invoice.due_in(session, agreement_id, period, known_at)
    except NotFound:
        return ()
    return portions_of(session, agreement_id, due.lines, due.period, known_at)


def portions_of(
    session: Session, agreement_id: int, lines: Iterable[Line], period: Period, known_at: datetime | None = None
) -> tuple[Portion, ...]:
    """Allocate charge lines over the trusts, each in the calendar month it stands in."""
    amounts = [
        Amount(line.trust, line.algorithm, line.charge, Period.month(line.period.start), line.net_ore) for line in lines
    ]
    return allocate(amounts, bearers(session, agreement_id, period, known_at))


def invoice_portions(
    session: Session,
    agreement_id: int,
    found: invoices.RecordedInvoice,
    reference: Sequence[Portion],
    known_at: datetime | None = None,
) -> tuple[Portion, ...]:
    """Allocate an invoice's lines and what stands on the document alone; a credit note's amounts are negative."""
    summary = found.summary
    period = summary.period
    assert period is not None
    buyer = _buyer(session, agreement_id, summary.id)
    amounts = [
        Amount(line.trust or buyer, line.algorithm, None, line.period or period, summary.sign * ore(line.net or ZERO))
        for line in found.lines
    ]
    if summary.tax_exclusive is not None:
        on_document = summary.sign * ore(summary.tax_exclusive) - sum(each.net_ore for each in amounts)
        if on_document:
            amounts.append(Amount(buyer, None, None, period, on_document))
    return allocate(amounts, bearers(session, agreement_id, period, known_at), reference)


def bearers(session: Session, agreement_id: int, period: Period, known_at: datetime | None = None) -> tuple[str, ...]:
    """List who bears what nobody pays a share of: the trusts with an activation in the period, else all holders."""
    live = {
        row.trust
        for row in agreements.activations(session, agreement_id, known_at)
        if row.running.overlap(period) is not None
    }
    holders = [holder.party.code for holder in agreements.option_holders(session, agreement_id, known_at)]
    return tuple(sorted(live or holders))


def tax_of(net_ore: int, vat_rate: Decimal) -> int:
    """Give the VAT of a sum in øre, rounded half up (BR-S-09: on the sum, never per line)."""
    return round_half_up(net_ore * scaled(vat_rate, RATE_PLACES), 10**RATE_PLACES)


def require_reader(actor: Actor) -> None:
    """Raise `Denied` unless the actor reads the amounts of all trusts: an allocation tells each one's."""
    actor.require("read")
    if actor.scope("read") is not None:
        raise Denied("an allocation shows every trust's amounts: this needs a role that is not kept to one")


def _booked(
    portions: Iterable[Portion], register: Register, tax_ore: int | None, vat_rate: Decimal
) -> tuple[AllocatedAmount, ...]:
    """Add portions up by trust, algorithm and booking, and share the tax: one of all, or each trust's own (None)."""
    sums: dict[tuple[str, str | None, Booking | None], int] = defaultdict(int)
    for each in portions:
        sums[each.trust, each.algorithm, register.booking(each.trust, each.algorithm, each.period.start)] += (
            each.net_ore
        )
    keys = sorted(sums, key=lambda key: (key[0], key[1] or "~", key[2].cost_centre if key[2] else ""))
    taxes: dict[tuple[str, str | None, Booking | None], int] = {}
    groups = (
        [keys] if tax_ore is not None else [[key for key in keys if key[0] == trust] for trust in {k[0] for k in keys}]
    )
    for group in groups:
        whole = tax_of(sum(sums[key] for key in group), vat_rate) if tax_ore is None else tax_ore
        if group:
            taxes |= dict(zip(group, share(whole, [sums[key] for key in group]), strict=True))
    return tuple(AllocatedAmount(*key, kroner(sums[key]), kroner(taxes[key])) for key in keys)


def _shared(portions: Iterable[Portion]) -> tuple[SharedAmount, ...]:
    sums: dict[tuple[str | None, str | None, Period, Key], int] = defaultdict(int)
    for each in portions:
        if each.key != "own":
            sums[each.charge, each.algorithm, each.period, each.key] += each.net_ore
    return tuple(
        SharedAmount(charge, algorithm, period, kroner(amount), key)
        for (charge, algorithm, period, key), amount in sums.items()
    )


def _buyer(session: Session, agreement_id: int, invoice_id: int) -> str | None:
    """Give the trust that an invoice is addressed to, None where it is to the buyer of the agreement or to a stranger."""
    number = session.scalar(select(Invoice.buyer_number).where(Invoice.id == invoice_id))
    holders = agreements.option_holders(session, agreement_id)
    return next((each.party.code for each in holders if each.party.organisation_number == number), None)
