"""Peppol BIS Billing 3.0: what it asks beyond EN 16931, of the head, of tax totals, allowances, prices and periods.

PEPPOL-EN16931-R040 adds its two cents in decimals, where the published test adds them in binary floating point.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from billing.ehf.document import AllowanceCharge, Document, Period
from billing.ehf.parse import A_DATE, A_FLAG, line_of
from billing.ehf.rules.asking import (
    BUYER,
    LINE,
    NAMESPACES,
    SELLER,
    Failure,
    Reading,
    Rule,
    of_document,
    place,
    wherever,
)
from billing.ehf.rules.codes import AMOUNTS
from billing.ehf.rules.sums import added, cents, mismatch, shown

TWO_CENTS: Final = Decimal("0.02")
CUSTOMIZATION: Final = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
INVOICE_TYPES: Final = (
    "71 80 82 84 102 218 219 326 331 380 382 383 384 386 388 393 395 553 575 623 780 817 870 875 876 877"
)
CREDIT_NOTE_TYPES: Final = "81 83 381 396 532"
EXEMPTIONS: Final = (
    ("P0104", "VATEX-EU-G", "G"),
    ("P0105", "VATEX-EU-O", "O"),
    ("P0106", "VATEX-EU-IC", "K"),
    ("P0107", "VATEX-EU-AE", "AE"),
    ("P0108", "VATEX-EU-D", "E"),
    ("P0109", "VATEX-EU-F", "E"),
    ("P0110", "VATEX-EU-I", "E"),
    ("P0111", "VATEX-EU-J", "E"),
)
"""The reasons of exemption that belong to one VAT category each."""

_UPPER: Final = "'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'"


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
        stated = f"{', '.join(map(shown, own)) or 'missing'} and {', '.join(map(shown, other)) or 'missing'}"
        yield document.totals.line, f"the totals of tax in the two currencies differ in sign: {stated}"


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
            yield one.line, mismatch("the amount", one.amount, f"{one.percent:f} % of {one.base:f}", expected)


def _percent_has_base(document: Document) -> Iterator[Failure]:
    for one in _all_allowances(document):
        if one.percent is not None and one.base is None:
            yield one.line, f"{one.percent:f} % of no base amount"


def _base_has_percent(document: Document) -> Iterator[Failure]:
    for one in _all_allowances(document):
        if one.base is not None and one.percent is None:
            yield one.line, f"a base amount of {one.base:f} without a percentage"


def _net_price(document: Document) -> Iterator[Failure]:
    for line in document.lines:
        price = line.price
        if price.gross is None:
            continue
        expected = None if price.discount is None else price.gross - price.discount
        if expected is None or price.amount != expected:
            basis = f"{price.gross:f} less {shown(price.discount)}"
            yield price.line, f"line {line.id}: {mismatch('the net price', price.amount, basis, expected)}"


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
        charges = cents(added(one.amount for one in line.allowances if one.is_charge is True))
        allowances = cents(added(one.amount for one in line.allowances if one.is_charge is False))
        expected = rated + charges - allowances
        if abs((line.net or 0) - expected) > TWO_CENTS:
            basis = "quantity times price with charges and allowances"
            yield line.line, f"line {line.id}: {mismatch('the amount', line.net, basis, cents(expected))}"


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


def _several_currencies(reading: Reading) -> Iterator[Failure]:
    """Every amount is in the document's currency but a total of tax without categories, which has a rule of its own."""
    currency = reading.root.findtext("cbc:DocumentCurrencyCode", None, NAMESPACES)
    beside = {total for total in reading.every(["cac:TaxTotal"]) if total.find("cac:TaxSubtotal", NAMESPACES) is None}
    for node in reading.every(AMOUNTS):
        if node.get("currencyID") != currency and node.getparent() not in beside:
            yield line_of(node), f"in {node.get('currencyID')}, the document in {currency}: {place(node)}"


def _unknown_process(reading: Reading) -> Iterator[Failure]:
    process = " ".join((reading.root.findtext("cbc:ProfileID", "", NAMESPACES)).split())
    if not re.fullmatch(r"urn:fdc:peppol\.eu:2017:poacc:billing:[0-9]{2}:1\.0", process):
        yield 0, f"the business process is '{process[:80]}'"


PEPPOL: Final[tuple[Rule, ...]] = (
    wherever(
        "PEPPOL-EN16931-R001",
        "/*[not(cbc:ProfileID)]",
        "Dokumentet oppgir ikke hvilken forretningsprosess det hører til.",
        "The document does not name the business process it belongs to.",
    ),
    wherever(
        "PEPPOL-EN16931-R003",
        "/*[not(cbc:BuyerReference) and not(cac:OrderReference/cbc:ID)]",
        "Verken kjøperens referanse eller bestillingsnummer er oppgitt.",
        "Neither a buyer reference nor an order number is given.",
    ),
    wherever(
        "PEPPOL-EN16931-R004",
        f"/*[not(starts-with(normalize-space(cbc:CustomizationID), '{CUSTOMIZATION}'))"
        " or contains(cbc:CustomizationID, '::')]",
        "Dokumentet følger ikke reglene for EHF Billing 3.0.",
        "The document does not follow the rules of EHF Billing 3.0.",
    ),
    wherever(
        "PEPPOL-EN16931-R005",
        "//cbc:TaxCurrencyCode[normalize-space(.) = normalize-space(../cbc:DocumentCurrencyCode)]",
        "Regnskapsvalutaen er den samme som dokumentets.",
        "The accounting currency is the document's own.",
    ),
    Rule(
        "PEPPOL-EN16931-R007",
        "fatal",
        "Forretningsprosessen er ingen av Peppols.",
        "The business process is none of Peppol's.",
        _unknown_process,
    ),
    wherever(
        "PEPPOL-EN16931-R008",
        "//*[not(*) and not(normalize-space(.))]",
        "Et felt er tomt.",
        "A field is empty.",
    ),
    wherever(
        "PEPPOL-EN16931-R010",
        f"{BUYER}/cac:Party[not(cbc:EndpointID)]",
        "Kjøperens elektroniske adresse mangler.",
        "The buyer's electronic address is missing.",
    ),
    wherever(
        "PEPPOL-EN16931-R020",
        f"{SELLER}/cac:Party[not(cbc:EndpointID)]",
        "Selgerens elektroniske adresse mangler.",
        "The seller's electronic address is missing.",
    ),
    wherever(
        "PEPPOL-EN16931-R044",
        "//cac:Price/cac:AllowanceCharge[normalize-space(cbc:ChargeIndicator) != 'false']",
        "En pris har et tillegg, og det er ikke tillatt.",
        "A price has a charge on it, which is not allowed.",
    ),
    Rule(
        "PEPPOL-EN16931-R051",
        "fatal",
        "Beløpene er i flere valutaer.",
        "The amounts are in several currencies.",
        _several_currencies,
    ),
    wherever(
        "PEPPOL-EN16931-R061",
        "//cac:PaymentMeans[normalize-space(cbc:PaymentMeansCode) = '49' or "
        "normalize-space(cbc:PaymentMeansCode) = '59'][not(cac:PaymentMandate/cbc:ID)]",
        "Det skal trekkes fra konto, og fullmakten mangler.",
        "It is to be drawn from an account, and the mandate is missing.",
    ),
    wherever(
        "PEPPOL-EN16931-R101",
        f"{LINE}[cac:DocumentReference and not(cac:DocumentReference/cbc:DocumentTypeCode = '130')]",
        "En linje viser til noe annet enn et fakturert objekt.",
        "A line refers to something else than an invoiced object.",
    ),
    wherever(
        "PEPPOL-EN16931-P0100",
        f"//cbc:InvoiceTypeCode[not(contains(' {INVOICE_TYPES} ', concat(' ', normalize-space(.), ' ')))]",
        "Typekoden er ingen av fakturaenes.",
        "The type code is none of an invoice's.",
    ),
    wherever(
        "PEPPOL-EN16931-P0101",
        f"//cbc:CreditNoteTypeCode[not(contains(' {CREDIT_NOTE_TYPES} ', concat(' ', normalize-space(.), ' ')))]",
        "Typekoden er ingen av kreditnotaenes.",
        "The type code is none of a credit note's.",
    ),
    wherever(
        "PEPPOL-EN16931-P0112",
        "//cbc:InvoiceTypeCode[normalize-space(.) = '326' or normalize-space(.) = '384']"
        f"[not({SELLER}/cac:Party/cac:PostalAddress/cac:Country/cbc:IdentificationCode = 'DE' and "
        f"{BUYER}/cac:Party/cac:PostalAddress/cac:Country/cbc:IdentificationCode = 'DE')]",
        "Typekoden brukes bare mellom parter i Tyskland.",
        "The type code is used between parties in Germany only.",
    ),
    *(
        wherever(
            f"PEPPOL-EN16931-{identifier}",
            f"//cac:TaxCategory[translate(cbc:TaxExemptionReasonCode, {_UPPER}) = '{reason}']"
            f"[normalize-space(cbc:ID) != '{category}']",
            f"Fritaksgrunnen {reason} hører til avgiftskategori {category}.",
            f"The reason of exemption {reason} belongs to VAT category {category}.",
        )
        for identifier, reason, category in EXEMPTIONS
    ),
    of_document(
        "PEPPOL-EN16931-R040",
        _percent_of_base,
        "En rabatt er ikke prosenten av grunnlaget sitt.",
        "An allowance is not the percentage of its basis.",
    ),
    of_document(
        "PEPPOL-EN16931-R041",
        _percent_has_base,
        "En rabatt har prosent uten grunnlag.",
        "An allowance has a percentage without a basis.",
    ),
    of_document(
        "PEPPOL-EN16931-R042",
        _base_has_percent,
        "En rabatt har grunnlag uten prosent.",
        "An allowance has a basis without a percentage.",
    ),
    of_document(
        "PEPPOL-EN16931-R043",
        _flags_well_formed,
        "Det står ikke om et beløp er rabatt eller tillegg.",
        "It is not said whether an amount is an allowance or a charge.",
    ),
    of_document(
        "PEPPOL-EN16931-R046",
        _net_price,
        "En nettopris er ikke bruttoprisen minus rabatten.",
        "A net price is not the gross price less its discount.",
    ),
    of_document(
        "PEPPOL-EN16931-R053",
        _one_breakdown,
        "Merverdiavgiften er ikke spesifisert nøyaktig én gang.",
        "The VAT is broken down more or less than once.",
    ),
    of_document(
        "PEPPOL-EN16931-R054",
        _accounting_total,
        "Merverdiavgiften i regnskapsvalutaen er oppgitt feil.",
        "The VAT in the accounting currency is given wrongly.",
    ),
    of_document(
        "PEPPOL-EN16931-R055",
        _same_sign,
        "Merverdiavgiften har ulikt fortegn i de to valutaene.",
        "The VAT in the two currencies has different signs.",
    ),
    of_document(
        "PEPPOL-EN16931-R110",
        _starts_within,
        "En linje begynner før dokumentets periode.",
        "A line begins before the document's period.",
    ),
    of_document(
        "PEPPOL-EN16931-R111",
        _ends_within,
        "En linje slutter etter dokumentets periode.",
        "A line ends after the document's period.",
    ),
    of_document(
        "PEPPOL-EN16931-R120",
        _line_amount,
        "Et linjebeløp er ikke antall ganger pris minus rabatter.",
        "A line's amount is not quantity times price less allowances.",
    ),
    of_document(
        "PEPPOL-EN16931-R121",
        _base_quantity_positive,
        "En pris gjelder et antall enheter som ikke er over null.",
        "A price is for a number of units that is not above zero.",
    ),
    of_document(
        "PEPPOL-EN16931-R130",
        _base_quantity_unit,
        "En pris gjelder en annen enhet enn linjas.",
        "A price is per another unit than the line's.",
    ),
    of_document(
        "PEPPOL-EN16931-F001",
        _dates_well_formed,
        "En dato er ikke skrevet slik den skal.",
        "A date is not written as it should be.",
    ),
)
