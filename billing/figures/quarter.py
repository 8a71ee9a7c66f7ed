"""The sums of a quarter: what it costs, what is billed, what differs, and what may be paid of it today.

Amounts are kroner. Those of the comparison exclude VAT; what is paid and what is open include it, as the money moves. A part of
what was paid that falls on a quarter is told excluding VAT by the share of the invoice that is still open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing.figures.figure import Figure, Meaning, means
from contracts.terms.money import ZERO, kroner, ore, round_half_up
from contracts.terms.period import Period

_QUARTER: Final = ("quarter",)


@dataclass(frozen=True, slots=True)
class BilledInvoice:
    """What decides how much of an invoice may be paid; ``billed``, ``credited`` and ``withheld`` exclude VAT, in the quarter.

    ``owed`` is the whole document with VAT, credits taken off, ``left`` what payments leave of it; ``undecided`` counts its
    differences that nobody has decided.
    """

    billed: Decimal
    credited: Decimal
    withheld: Decimal
    owed: Decimal
    left: Decimal
    undecided: int


EXPECTED: Final = Meaning(
    "expected",
    _QUARTER,
    "amount",
    sign="positive: to pay",
    cut_off="the close where the quarter is closed, else what is known now",
    readers="all trusts",
    nb="Det avtalen og tellingene sier at kvartalet koster, uten mva., mindre kreditt avtalt på dets faktura; frosset når det er lukket.",
    en="What agreement and counts say the quarter costs, excluding VAT, less credit agreed on its invoice; frozen once it is closed.",
)


@means(EXPECTED)
def expected(quarter: Period, charges: Decimal) -> Figure:
    """Give what a quarter costs: the sum of its charges."""
    return EXPECTED.of(charges, quarter.label())


BILLED: Final = Meaning(
    "billed",
    _QUARTER,
    "amount",
    sign="positive: asked for",
    cut_off="the signed run where there is one, else the documents received",
    readers="all trusts",
    nb="Det leverandøren vil ha for kvartalet: linjene som gjelder det, kreditnotaer trukket fra, uten mva.",
    en="What the vendor wants for the quarter: the lines that bear on it, credit notes taken off, excluding VAT.",
)


@means(BILLED)
def billed(quarter: Period, documents: Iterable[Decimal]) -> Figure:
    """Sum what the documents bill of a quarter; a credit note is negative, and never compared alone."""
    return BILLED.of(sum(documents, ZERO), quarter.label())


DIFFERENCE: Final = Meaning(
    "difference",
    _QUARTER,
    "amount",
    sign="positive: billed too much",
    cut_off="as billed and expected",
    readers="all trusts",
    nb="Fakturert minus forventet; summen av årsakene, på øret.",
    en="Billed less expected; the sum of the causes, to the øre.",
)


@means(DIFFERENCE)
def difference(quarter: Period, invoiced: Figure, due: Figure) -> Figure:
    """Give billed less expected."""
    return DIFFERENCE.of(invoiced.amount - due.amount, quarter.label())


UNDECIDED: Final = Meaning(
    "undecided",
    _QUARTER,
    "amount",
    sign="never negative",
    cut_off="decisions made by now",
    readers="all trusts",
    nb="Summen av forskjellene som ingen har avgjort, hver regnet som positiv.",
    en="The sum of the differences that nobody has decided, each taken as positive.",
)


@means(UNDECIDED)
def undecided(quarter: Period, open_differences: Iterable[Decimal]) -> Figure:
    """Sum the sizes of the differences that nobody has decided."""
    return UNDECIDED.of(sum((abs(each) for each in open_differences), ZERO), quarter.label())


DISPUTED: Final = Meaning(
    "disputed",
    _QUARTER,
    "amount",
    sign="positive: billed too much",
    cut_off="the disputes' steps by now",
    readers="all trusts",
    nb="Det som er bestridt og ennå ikke kreditert, trukket eller godtatt.",
    en="What is disputed and not yet credited, withdrawn or accepted.",
)


@means(DISPUTED)
def disputed(quarter: Period, open_disputes: Iterable[Decimal]) -> Figure:
    """Sum the disputes that are open."""
    return DISPUTED.of(sum(open_disputes, ZERO), quarter.label())


PAYABLE: Final = Meaning(
    "payable",
    _QUARTER,
    "amount",
    sign="never negative",
    cut_off="decisions, signatures and payments by today",
    readers="all trusts",
    nb="Det som kan betales i dag, uten mva.: ingenting før alt er avgjort, attestert og anvist; så fakturert minus kreditert, holdt "
    "tilbake og betalt.",
    en="What may be paid today, excluding VAT: nothing until all is decided, attested and approved; then billed less credited, "
    "withheld and paid.",
)


@means(PAYABLE)
def payable(quarter: Period, invoices: Iterable[BilledInvoice], unplaced_credits: Decimal, approved: bool) -> Figure:
    """Give what may be paid of a quarter today; ``unplaced_credits`` are those of notes that name no invoice of it."""
    total = ZERO
    for each in invoices if approved else ():
        if not each.undecided:
            total += max(_left(each) - each.withheld, ZERO)
    return PAYABLE.of(max(total - unplaced_credits, ZERO), quarter.label())


def _left(invoice: BilledInvoice) -> Decimal:
    """Give what payments leave of the invoice's part in the quarter, excluding VAT: by the share of the whole that is open."""
    part = max(invoice.billed - invoice.credited, ZERO)
    if not invoice.owed or invoice.left >= invoice.owed:
        return part if invoice.left else ZERO
    return kroner(round_half_up(ore(part) * max(ore(invoice.left), 0), ore(invoice.owed)))


PAID: Final = Meaning(
    "paid",
    _QUARTER,
    "amount",
    sign="positive: to the vendor",
    cut_off="payments not reversed by today",
    readers="all trusts",
    nb="Det som er betalt på kvartalets dokumenter til i dag, med mva.; tilbakeførte betalinger regnes ikke.",
    en="What is paid on the quarter's documents by today, with VAT; reversed payments do not count.",
)


@means(PAID)
def paid(quarter: Period, payments: Iterable[Decimal]) -> Figure:
    """Sum what is paid on the documents that bill a quarter, each document whole."""
    return PAID.of(sum(payments, ZERO), quarter.label())


OPEN: Final = Meaning(
    "open",
    _QUARTER,
    "amount",
    sign="positive: owed to the vendor",
    cut_off="documents and payments by today",
    readers="all trusts",
    nb="Fakturert med mva. minus betalt og kreditert på kvartalets dokumenter.",
    en="Billed with VAT less paid and credited, on the quarter's documents.",
)


@means(OPEN)
def open_amount(quarter: Period, owed: Iterable[Decimal]) -> Figure:
    """Sum what is left of the documents that bill a quarter, each document whole."""
    return OPEN.of(sum(owed, ZERO), quarter.label())
