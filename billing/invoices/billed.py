"""From an EHF document to what it bills, in the words of the agreement: the one bridge between the file and the causes.

Amounts get their effect here (a credit note's are negative), a line's allowances less its charges become one amount, and
what each line is about comes from its reading under the vendor's mapping. Nothing is put right: a line that does not add up
still says what it says. Only what is finer than an øre, which nobody can pay, is rounded; the rule it breaks is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, get_args

from billing.causes.billed import ONE, ZERO, BilledDocument, BilledLine, TaxPart
from billing.ehf.document import AllowanceCharge, Document, Line
from billing.invoices.line_reading import LineReading, whole_days
from billing.rating.lines import Why
from contracts.terms.period import Period, add_months, first_of_month

HUNDRED: Final = Decimal(100)
REASONS: Final = frozenset(get_args(Why))
# Nobody bills this much: such an amount counts as 0.00 and such a count as none, and the document is told of.
TOO_MUCH: Final = Decimal(10**12)
BEYOND_MEASURE: Final = "TOO_LARGE"
NEVER_BROKEN: Final = frozenset({"INVOICE_DUP", "ACCOUNT_CHANGED"})


def to_billed(document: Document, readings: Sequence[LineReading], rules: Iterable[str] = ()) -> BilledDocument:
    """Give what a document bills; ``readings`` are those of its lines, in their order, ``rules`` the ids it breaks.

    An amount that cannot be read counts as 0.00: the rule it breaks is among ``rules``. So does one beyond 10¹² kr, which is
    told as the rule ``TOO_LARGE``.
    """
    told = [*rules, BEYOND_MEASURE] if _is_beyond_measure(document) else [*rules]
    ids = Counter(line.id for line in document.lines)
    lines = tuple(
        _line(line, reading, document, place, is_once=ids[line.id] == 1)
        for place, (line, reading) in enumerate(zip(document.lines, readings, strict=True), start=1)
    )
    sign = document.sign
    tax = next((each for each in document.tax_totals if each.currency == document.currency), None)
    return BilledDocument(
        number=document.number or "",
        kind=document.kind,
        currency=document.currency or "",
        lines=lines,
        issued_on=document.issue_date,
        due_on=document.due_date,
        period=whole_days(document.period),
        seller=document.seller.organisation_number,
        buyer=document.buyer.organisation_number,
        buyer_reference=document.buyer_reference,
        order_reference=next(iter(document.orders), None),
        contract_reference=document.contract,
        accounts=document.accounts,
        credits=tuple(dict.fromkeys(each.number for each in document.preceding)),
        line_sum=_signed(sign, document.totals.line_sum),
        tax_exclusive=_signed(sign, document.totals.tax_exclusive),
        allowances=sign * _taken_off(document.allowances),
        tax=_signed(sign, None if tax is None else tax.amount),
        tax_parts=()
        if tax is None
        else tuple(
            TaxPart(sign * _ore(part.taxable), sign * _ore(part.amount), (part.tax.percent or ZERO) / HUNDRED)
            for part in tax.subtotals
            if part.taxable is not None and part.amount is not None
        ),
        rules=tuple(dict.fromkeys(rule for rule in told if rule not in NEVER_BROKEN)),
    )


def _line(line: Line, reading: LineReading, document: Document, place: int, *, is_once: bool) -> BilledLine:
    sign = document.sign
    why = line.property_value("why")
    # A line without an id, or with another one's, is known by its place in the document; so is one whose id looks like a place.
    is_own = line.id is not None and line.id != "" and not line.id.startswith("#")
    own = line.id if is_own and is_once else None
    # A price that is negative, which no rule allows, is a quantity that takes off.
    price, quantity = line.price.amount, line.quantity
    if price is not None and price < 0:
        price, quantity = -price, None if quantity is None else -quantity
    base = line.price.base_quantity if line.price.base_quantity is not None else ONE
    if price is not None and base and abs(price / base) >= TOO_MUCH:
        price = None
    if quantity is not None and abs(quantity) >= TOO_MUCH:
        quantity = None
    return BilledLine(
        id=own or f"#{place}",
        net=sign * _ore(line.net or ZERO),
        quantity=None if quantity is None else sign * quantity,
        price=price,
        base_quantity=base,
        allowance=sign * _taken_off(line.allowances),
        text=" ".join(part for part in (line.name, line.description, line.note) if part),
        item=line.seller_item or (line.standard_item.value if line.standard_item else None) or line.buyer_item,
        trust=reading.trust,
        algorithm=reading.algorithm,
        charge=line.property_value("charge"),
        period=reading.period,
        tier=reading.tier,
        phase=reading.phase,
        why=why if why in REASONS else None,
        reference=line.property_value("credit") or line.property_value("reference") or line.order_line,
    )


def _taken_off(allowances: Iterable[AllowanceCharge]) -> Decimal:
    """Sum allowances less charges: positive is less to pay; one that does not say which it is counts as an allowance."""
    taken = sum((-(each.amount or ZERO) if each.is_charge else each.amount or ZERO for each in allowances), ZERO)
    return _ore(taken)


def _ore(amount: Decimal) -> Decimal:
    return ZERO if abs(amount) >= TOO_MUCH else amount.quantize(ZERO, ROUND_HALF_UP)


def _is_beyond_measure(document: Document) -> bool:
    totals, allowances = document.totals, [*document.allowances]
    amounts = [totals.line_sum, totals.tax_exclusive, *(total.amount for total in document.tax_totals)]
    for line in document.lines:
        allowances += line.allowances
        amounts += [line.net, line.quantity, line.price.amount]
    amounts += [each.amount for each in allowances]
    return any(amount is not None and abs(amount) >= TOO_MUCH for amount in amounts)


def _signed(sign: int, amount: Decimal | None) -> Decimal | None:
    return None if amount is None else sign * _ore(amount)


def quarters_of(document: BilledDocument) -> tuple[Period, ...]:
    """Give the quarters that a document's lines bill, in time order; of one that names none, that of its day of issue.

    An invoice in arrears for a quarter is issued after it, so a document without any period belongs to the quarter before
    its issue.
    """
    starts = {_quarter_of(line, document) for line in document.lines}
    found = sorted(start for start in starts if start is not None)
    if not found and (home := _home(document)) is not None:
        found = [home]
    return tuple(Period.quarter(start) for start in found)


def part_of(document: BilledDocument, quarter: Period) -> BilledDocument | None:
    """Give the part of a document that bills a quarter, None where no part does.

    Lines go by the first day of their own period, else by the document's. What belongs to no line (allowances of the whole
    document, a total that does not add up, VAT) stays with the first quarter's part; the parts add up to the document.
    """
    quarters = quarters_of(document)
    if quarter not in quarters:
        return None
    if len(quarters) == 1:
        return document
    lines = tuple(
        line for line in document.lines if (_quarter_of(line, document) or quarters[0].start) == quarter.start
    )
    net = sum((line.net for line in lines), ZERO)
    if quarter != quarters[0]:
        return replace(
            document, lines=lines, line_sum=None, tax_exclusive=net, allowances=ZERO, tax=None, tax_parts=(), rules=()
        )
    rest = document.net - sum((line.net for line in document.lines), ZERO)
    return replace(document, lines=lines, line_sum=None, tax_exclusive=net + rest, tax=None, tax_parts=())


def _quarter_of(line: BilledLine, document: BilledDocument) -> date | None:
    period = line.period or document.period
    return None if period is None else _quarter_start(period)


def _quarter_start(period: Period) -> date | None:
    return Period.quarter(period.start).start


def _home(document: BilledDocument) -> date | None:
    if document.period is not None:
        return _quarter_start(document.period)
    if document.issued_on is None:
        return None
    return Period.quarter(add_months(first_of_month(document.issued_on), -3)).start
