"""Sums of EN 16931: lines, allowances, charges, tax and totals add up.

The arithmetic follows the published tests: exact decimals; sums are rounded to two decimals with a tie going up,
towards positive infinity, as XPath does (-2.345 is -2.34); a total that is not there equals nothing, so a rule about
it fails rather than passes.
"""

from collections.abc import Iterable, Iterator
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from lxml import etree

from billing.ehf.document import Document, Totals
from billing.ehf.parse import CAC, line_of
from billing.ehf.rules.asking import Failure, Reading, Rule, of_document, place

_PRICE: Final = f"{{{CAC}}}Price"


def cents(amount: Decimal) -> Decimal:
    """Round to two decimals, a tie going up towards positive infinity.

    >>> cents(Decimal("2.345")), cents(Decimal("-2.345"))
    (Decimal('2.35'), Decimal('-2.34'))
    """
    return (amount * 100 + Decimal("0.5")).to_integral_value(ROUND_FLOOR) / 100


def added(amounts: Iterable[Decimal | None]) -> Decimal:
    """Add up what is there; nothing adds up to zero."""
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def shown(amount: Decimal | None) -> str:
    """Write an amount as it stands, or say that it does not."""
    return "missing or unreadable" if amount is None else f"{amount:f}"


def mismatch(what: str, stated: Decimal | None, basis: str, expected: Decimal | None) -> str:
    """Say what stands, beside what it should be and by what."""
    return f"{what} is {shown(stated)}, {basis} is {shown(expected)}"


def _has_totals(document: Document) -> bool:
    return document.totals != Totals()


def _line_sum(document: Document) -> Iterator[Failure]:
    totals, expected = document.totals, cents(added(line.net for line in document.lines))
    if _has_totals(document) and totals.line_sum != expected:
        yield totals.line, mismatch("the sum of the lines", totals.line_sum, "the lines added up", expected)


def _side_sum(document: Document, stated: Decimal | None, *, charges: bool) -> Iterator[Failure]:
    each = [one for one in document.allowances if one.is_charge is charges]
    expected = cents(added(one.amount for one in each))
    if not _has_totals(document) or stated == expected or (stated is None and not each):
        return
    what = "charges" if charges else "allowances"
    yield document.totals.line, mismatch(f"the total of {what}", stated, f"the document's {what} added up", expected)


def _allowance_sum(document: Document) -> Iterator[Failure]:
    return _side_sum(document, document.totals.allowance, charges=False)


def _charge_sum(document: Document) -> Iterator[Failure]:
    return _side_sum(document, document.totals.charge, charges=True)


def _tax_exclusive(document: Document) -> Iterator[Failure]:
    totals = document.totals
    expected = totals.line_sum
    if expected is not None and (totals.allowance is not None or totals.charge is not None):
        expected = cents(expected - (totals.allowance or 0) + (totals.charge or 0))
    if _has_totals(document) and (expected is None or totals.tax_exclusive != expected):
        basis = "line sum less allowances plus charges"
        yield totals.line, mismatch("the total without tax", totals.tax_exclusive, basis, expected)


def _tax_sum(document: Document) -> Iterator[Failure]:
    for total in document.tax_totals:
        expected = cents(added(each.amount for each in total.subtotals))
        if total.subtotals and total.amount != expected:
            yield (
                total.line,
                mismatch("the total of tax", total.amount, "the tax of the categories added up", expected),
            )


def _tax_inclusive(document: Document) -> Iterator[Failure]:
    totals = document.totals
    own = [each for each in document.tax_totals if each.currency == document.currency]
    if document.currency is None:
        return
    if len(own) != 1:
        yield totals.line, f"there are {len(own)} totals of tax in the document's currency {document.currency}"
        return
    tax = own[0].amount
    expected = None if totals.tax_exclusive is None or tax is None else cents(totals.tax_exclusive + tax)
    if expected is None or totals.tax_inclusive != expected:
        basis = "the total without tax plus tax"
        yield totals.line, mismatch("the total with tax", totals.tax_inclusive, basis, expected)


def _payable(document: Document) -> Iterator[Failure]:
    totals = document.totals
    expected = totals.tax_inclusive
    if expected is not None and (totals.prepaid is not None or totals.rounding is not None):
        expected = cents(expected - (totals.prepaid or 0) + (totals.rounding or 0))
    if _has_totals(document) and (expected is None or totals.payable != expected):
        basis = "the total with tax less prepaid plus rounding"
        yield totals.line, mismatch("the amount to pay", totals.payable, basis, expected)


def _category_tax(document: Document) -> Iterator[Failure]:
    for total in document.tax_totals:
        for each in total.subtotals:
            rate = each.tax.percent or Decimal(0)
            expected = None if each.taxable is None else cents(abs(each.taxable) * rate / 100)
            if each.amount is None or expected is None or abs(abs(each.amount) - expected) >= 1:
                yield each.line, mismatch("the tax", each.amount, f"{rate:f} % of {shown(each.taxable)}", expected)


def _more_than_two_decimals(reading: Reading) -> Iterator[Failure]:
    """A price may have any number of decimals, with its gross price and its discount."""
    for name, found in reading.named.items():
        if name.startswith("cbc:") and name.endswith("Amount") and not name.endswith("PriceAmount"):
            for node in found:
                if len((node.text or "").partition(".")[2]) > 2 and not _on_a_price(node):
                    yield line_of(node), f"an amount has more than two decimals: {place(node)}"


def _on_a_price(node: etree._Element) -> bool:
    return any(above.tag == _PRICE for above in node.iterancestors())


SUMS: Final[tuple[Rule, ...]] = (
    Rule(
        "UBL-DT-01",
        "fatal",
        "Et beløp har mer enn to desimaler.",
        "An amount has more than two decimals.",
        _more_than_two_decimals,
    ),
    of_document("BR-CO-10", _line_sum, "Summen av linjene stemmer ikke.", "The sum of the lines does not add up."),
    of_document(
        "BR-CO-11", _allowance_sum, "Summen av rabattene stemmer ikke.", "The sum of the allowances does not add up."
    ),
    of_document(
        "BR-CO-12", _charge_sum, "Summen av tilleggene stemmer ikke.", "The sum of the charges does not add up."
    ),
    of_document(
        "BR-CO-13", _tax_exclusive, "Totalen uten mva. stemmer ikke.", "The total excluding VAT does not add up."
    ),
    of_document(
        "BR-CO-14",
        _tax_sum,
        "Samlet merverdiavgift er ikke summen av avgiften per sats.",
        "The VAT in all is not the sum of the VAT per rate.",
    ),
    of_document(
        "BR-CO-15", _tax_inclusive, "Totalen med mva. stemmer ikke.", "The total including VAT does not add up."
    ),
    of_document("BR-CO-16", _payable, "Beløpet å betale stemmer ikke.", "The amount to pay does not add up."),
    of_document(
        "BR-CO-17",
        _category_tax,
        "Merverdiavgiften stemmer ikke med satsen og grunnlaget.",
        "The VAT is not the rate of what it is for.",
    ),
)
