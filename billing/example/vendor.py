"""The vendor's invoices of the example, as the vendor's own system would have made them: mostly right.

The vendor rates its own counts under the same price book, with the faults of each quarter. The third quarter of 2026 has six
different ones and one in the buyer's favour; the second has one, which was disputed and credited; those before are right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from billing.charges.basis import Terms
from billing.ehf.document import BillingReference, Contact, ItemProperty, Party, PaymentMeans
from billing.ehf.document import Period as WrittenPeriod
from billing.ehf.write import Discount, Draft, DraftLine, norwegian_party, write_invoice
from billing.rating.lines import Line
from contracts.terms.agreement import MarketplaceAlgorithm, OptionHolder
from contracts.terms.period import Period, previous_day
from contracts.terms.price_book import PriceBook, Usage
from contracts.terms.price_model import UsageCharge

QUARTER: Final = Period(date(2026, 7, 1), date(2026, 10, 1))
SECOND: Final = Period(date(2026, 4, 1), date(2026, 7, 1))

Week = tuple[str, str, Period]


@dataclass(frozen=True, slots=True)
class Extra:
    """A line that bills what was never due: ``trust`` and ``algorithm`` where it names them."""

    name: str
    quantity: int
    price: Decimal
    period: Period
    item: str
    trust: str | None = None


@dataclass(frozen=True, slots=True)
class Faults:
    """What the vendor does wrong in a quarter.

    ``counted_twice`` and ``lost`` are weeks of one trust's algorithm; ``without_ramp`` forgets a discount; ``by_trust`` counts a
    pooled charge per trust; ``twice`` bills one month's lines of a trust's algorithm two times; ``extra`` are lines out of nowhere.
    """

    counted_twice: Week | None = None
    lost: Week | None = None
    without_ramp: tuple[str, str] | None = None
    by_trust: str | None = None
    twice: Week | None = None
    extra: tuple[Extra, ...] = ()


@dataclass(frozen=True, slots=True)
class VendorInvoice:
    """An invoice of the example: its number, its quarter, the day it was issued, and the vendor's faults in it."""

    number: str
    quarter: Period
    issued_on: date
    faults: Faults = Faults()

    @property
    def filename(self) -> str:
        """Give the file's name."""
        return f"faktura-{self.number}.xml"


LATEST: Final = VendorInvoice(
    "20261042",
    QUARTER,
    date(2026, 10, 8),
    Faults(
        counted_twice=("akershus", "xray-skeletal", Period(date(2026, 9, 7), date(2026, 9, 14))),
        lost=("sykehuset-innlandet", "mr-ms-followup", Period(date(2026, 8, 17), date(2026, 8, 24))),
        without_ramp=("oslo", "xray-skeletal"),
        by_trust="ct-thorax",
        twice=("sykehuset-i-vestfold", "xray-chest", Period.month(date(2026, 8, 1))),
        extra=(
            Extra(
                "Rundsyn Lunge, Sykehuset Østfold HF",
                64,
                Decimal("74.00"),
                Period.month(date(2026, 9, 1)),
                "ct-lung-nodules",
                "sykehuset-ostfold",
            ),
            Extra(
                "Oppgraderingsgebyr for mottaksserver",
                1,
                Decimal("12500.00"),
                Period.month(date(2026, 7, 1)),
                "upgrade",
            ),
        ),
    ),
)
DISPUTED: Final = VendorInvoice(
    "20260711",
    SECOND,
    date(2026, 7, 8),
    Faults(counted_twice=("sykehuset-ostfold", "xray-skeletal", Period(date(2026, 5, 18), date(2026, 5, 25)))),
)
RIGHT: Final = (
    VendorInvoice("20260117", Period(date(2025, 10, 1), date(2026, 1, 1)), date(2026, 1, 14)),
    VendorInvoice("20260409", Period(date(2026, 1, 1), date(2026, 4, 1)), date(2026, 4, 13)),
)
CREDIT_NOTE: Final = "20260814"
CREDITED_ON: Final = date(2026, 8, 14)

NUMBER, FILENAME, ISSUED_ON = LATEST.number, LATEST.filename, LATEST.issued_on
REFERENCE = "Avtaleforvaltning"
ORDER = "4500218861"
ACCOUNT = "12345670007"
_HUNDRED = Decimal(100)


def vendor_invoice(
    terms: Terms,
    holders: tuple[OptionHolder, ...],
    algorithms: tuple[MarketplaceAlgorithm, ...],
    invoice: VendorInvoice = LATEST,
) -> bytes:
    """Write an invoice from the terms and usage that we know, with the vendor's faults; the same terms give the same bytes.

    One line per charge line, the ramp discount as its allowance.
    """
    names = _names(holders, algorithms)
    lines = tuple(_draft_line(line, names) for line in _billed(terms, invoice.quarter, invoice.faults))
    lines += tuple(_extra_line(each) for each in invoice.faults.extra)
    return write_invoice(_draft(terms, invoice, lines))


def credit_note(
    terms: Terms, holders: tuple[OptionHolder, ...], algorithms: tuple[MarketplaceAlgorithm, ...]
) -> tuple[str, bytes]:
    """Write the credit note for the disputed invoice: what its fault billed too much, line by line; with its file's name."""
    names = _names(holders, algorithms)
    right = {line.id: line for line in terms.rate(DISPUTED.quarter).lines}
    billed = _billed(terms, DISPUTED.quarter, DISPUTED.faults)
    lines = []
    for line in billed:
        due = right.get(line.id)
        net = line.net - (due.net if due else Decimal(0))
        if net:
            drafted = _draft_line(line, names)
            lines.append(
                DraftLine.from_amount(
                    drafted.name, net, item_id=drafted.item_id, period=drafted.period, properties=drafted.properties
                )
            )
    draft = _draft(terms, DISPUTED, tuple(lines))
    credit = replace(
        draft,
        number=CREDIT_NOTE,
        kind="credit_note",
        issue_date=CREDITED_ON,
        due_date=None,
        note="Eksempeldata. Kreditnota for dobbelttelling i mai 2026.",
        billing_references=(BillingReference(DISPUTED.number, DISPUTED.issued_on),),
    )
    return f"kreditnota-{CREDIT_NOTE}.xml", write_invoice(credit)


def _draft(terms: Terms, invoice: VendorInvoice, lines: tuple[DraftLine, ...]) -> Draft:
    agreement = terms.agreement
    return Draft(
        number=invoice.number,
        issue_date=invoice.issued_on,
        due_date=invoice.issued_on + timedelta(days=agreement.payment_days),
        seller=_seller(agreement.vendor.name, agreement.vendor.organisation_number),
        buyer=norwegian_party(
            agreement.buyer.name, agreement.buyer.organisation_number, postal_code="0484", city="Oslo"
        ),
        lines=lines,
        currency=agreement.term.currency,
        payment_terms=f"Netto {agreement.payment_days} dager",
        payment_means=(PaymentMeans(code="30", payment_id=invoice.number, account=ACCOUNT),),
        buyer_reference=REFERENCE,
        order=ORDER,
        contract=agreement.reference,
        period=_written(invoice.quarter),
        note=f"Eksempeldata. KI-analyser i {invoice.quarter.label()} etter Bilag 7.",
    )


def _billed(terms: Terms, quarter: Period, faults: Faults) -> list[Line]:
    counted = replace(terms, usage=tuple(_as_counted(terms.usage, faults)))
    lines = list(counted.rate(quarter).lines)
    if faults.by_trust is not None:
        alone = replace(counted, price_book=_counted_by_trust(terms.price_book, faults.by_trust))
        theirs = [line for line in alone.rate(quarter).lines if line.charge == faults.by_trust]
        lines = [line for line in lines if line.charge != faults.by_trust] + theirs
    lines = [_as_discounted(line, faults) for line in lines]
    if faults.twice is not None:
        trust, algorithm, month = faults.twice
        lines += [line for line in lines if (line.trust, line.algorithm, line.period) == (trust, algorithm, month)]
    return lines


def _counted_by_trust(book: PriceBook, code: str) -> PriceBook:
    return replace(
        book,
        versions=tuple(
            replace(
                version,
                charges=tuple(
                    replace(charge, counter=replace(charge.counter, scope="trust"))
                    if charge.code == code and isinstance(charge, UsageCharge)
                    else charge
                    for charge in version.charges
                ),
            )
            for version in book.versions
        ),
    )


def _as_counted(usage: tuple[Usage, ...], faults: Faults) -> Iterator[Usage]:
    for cell in usage:
        if faults.lost is not None and _is_in(cell, faults.lost):
            continue
        twice = faults.counted_twice is not None and _is_in(cell, faults.counted_twice)
        yield replace(cell, quantity=2 * cell.quantity) if twice else cell


def _is_in(cell: Usage, place: Week) -> bool:
    trust, algorithm, period = place
    return (cell.trust, cell.algorithm) == (trust, algorithm) and period.contains(cell.on)


def _as_discounted(line: Line, faults: Faults) -> Line:
    if (line.trust, line.algorithm) == faults.without_ramp:
        return replace(line, discount_rate_e4=0, discount_ore=0)
    return line


@dataclass(frozen=True, slots=True)
class _Names:
    trusts: dict[str, str]
    products: dict[str, str]


def _names(holders: tuple[OptionHolder, ...], algorithms: tuple[MarketplaceAlgorithm, ...]) -> _Names:
    return _Names(
        {holder.party.code: holder.party.name for holder in holders},
        {algorithm.code: algorithm.product for algorithm in algorithms},
    )


def _draft_line(line: Line, names: _Names) -> DraftLine:
    trust = names.trusts.get(line.trust or "", "Rammeavtalen")
    product = names.products.get(line.algorithm or "", "Plattform")
    properties = [
        ItemProperty(name, str(value))
        for name, value in (("trust", line.trust), ("tier", line.tier), ("phase", line.phase))
        if value is not None
    ]
    name, item, period = f"{product}, {trust}", line.algorithm or line.charge, _written(line.period)
    if line.quantity is None or line.unit_price is None:
        return DraftLine.from_amount(name, line.net, item_id=item, period=period, properties=tuple(properties))
    discount = None
    if line.discount:
        discount = Discount(line.discount_rate * _HUNDRED, line.gross, line.discount, reason="Innfasingsrabatt")
    return DraftLine(
        name=name,
        quantity=Decimal(line.quantity),
        unit_price=line.unit_price,
        net=line.net,
        item_id=item,
        discount=discount,
        period=period,
        properties=tuple(properties),
    )


def _extra_line(each: Extra) -> DraftLine:
    return DraftLine(
        name=each.name,
        quantity=Decimal(each.quantity),
        unit_price=each.price,
        net=each.quantity * each.price,
        item_id=each.item,
        period=_written(each.period),
        properties=() if each.trust is None else (ItemProperty("trust", each.trust),),
    )


def _seller(name: str, organisation_number: str) -> Party:
    return norwegian_party(
        name,
        organisation_number,
        street="Eksempelveien 1",
        postal_code="0150",
        city="Oslo",
        contact=Contact(name="Fakturaavdelingen", email="faktura@nordskinn.eksempel.no"),
        in_register=True,
    )


def _written(period: Period) -> WrittenPeriod:
    """An invoice's period holds both its days."""
    return WrittenPeriod(period.start, previous_day(period.end))
