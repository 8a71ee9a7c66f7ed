"""The vendor's invoice of the example, as the vendor's own system would have made it: nearly right.

The vendor rates its own counts under the same price book. It counted a week twice at one trust and lost a week at
another, and it forgot the ramp-up discount of one activation. Everything else is as agreed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from billing.charging import Terms
from billing.ehf.document import Contact, ItemProperty, Party, PaymentMeans
from billing.ehf.document import Period as WrittenPeriod
from billing.ehf.write import Discount, Draft, DraftLine, norwegian_party, write_invoice
from billing.rating.lines import Line
from contracts.terms.agreement import MarketplaceAlgorithm, OptionHolder
from contracts.terms.period import Period, previous_day
from contracts.terms.price_book import Usage

NUMBER = "20261042"
FILENAME = f"faktura-{NUMBER}.xml"
QUARTER = Period(date(2026, 7, 1), date(2026, 10, 1))
ISSUED_ON = date(2026, 10, 8)

COUNTED_TWICE = ("akershus", "xray-skeletal", Period(date(2026, 9, 7), date(2026, 9, 14)))
LOST = ("sykehuset-innlandet", "mr-ms-followup", Period(date(2026, 8, 17), date(2026, 8, 24)))
WITHOUT_RAMP = ("oslo", "xray-skeletal")

REFERENCE = "Avtaleforvaltning"
ORDER = "4500218861"
ACCOUNT = "12345670007"
_HUNDRED = Decimal(100)


def vendor_invoice(
    terms: Terms, holders: tuple[OptionHolder, ...], algorithms: tuple[MarketplaceAlgorithm, ...]
) -> bytes:
    """Write the invoice for the third quarter of 2026 from the terms and usage that we know, with the vendor's faults.

    One line per charge line, the ramp discount as its allowance; the same terms give the same bytes.
    """
    trusts = {holder.party.code: holder.party.name for holder in holders}
    products = {algorithm.code: algorithm.product for algorithm in algorithms}
    billed = replace(terms, usage=tuple(_as_counted_by_the_vendor(terms.usage))).rate(QUARTER)
    lines = tuple(_draft_line(_as_discounted_by_the_vendor(line), trusts, products) for line in billed.lines)
    agreement = terms.agreement
    return write_invoice(
        Draft(
            number=NUMBER,
            issue_date=ISSUED_ON,
            due_date=ISSUED_ON + timedelta(days=agreement.payment_days),
            seller=_seller(agreement.vendor.name, agreement.vendor.organisation_number),
            buyer=norwegian_party(
                agreement.buyer.name, agreement.buyer.organisation_number, postal_code="0484", city="Oslo"
            ),
            lines=lines,
            currency=billed.currency,
            payment_terms=f"Netto {agreement.payment_days} dager",
            payment_means=(PaymentMeans(code="30", payment_id=NUMBER, account=ACCOUNT),),
            buyer_reference=REFERENCE,
            order=ORDER,
            contract=agreement.reference,
            period=_written(QUARTER),
            note="Eksempeldata. KI-analyser i tredje kvartal 2026 etter Bilag 7.",
        )
    )


def _as_counted_by_the_vendor(usage: tuple[Usage, ...]) -> Iterator[Usage]:
    for cell in usage:
        if _is_in(cell, LOST):
            continue
        yield replace(cell, quantity=2 * cell.quantity) if _is_in(cell, COUNTED_TWICE) else cell


def _is_in(cell: Usage, place: tuple[str, str, Period]) -> bool:
    trust, algorithm, period = place
    return (cell.trust, cell.algorithm) == (trust, algorithm) and period.contains(cell.on)


def _as_discounted_by_the_vendor(line: Line) -> Line:
    if (line.trust, line.algorithm) == WITHOUT_RAMP:
        return replace(line, discount_rate_e4=0, discount_ore=0)
    return line


def _draft_line(line: Line, trusts: dict[str, str], products: dict[str, str]) -> DraftLine:
    trust = trusts.get(line.trust or "", "Rammeavtalen")
    product = products.get(line.algorithm or "", "Plattform")
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
