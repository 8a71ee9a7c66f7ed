"""VAT by category (UNTDID 5305): what each asks of the rate, the breakdown, the parties and the reason.

    S standard   Z zero   E exempt   AE reverse charge   K intra-community   G export   O outside the scope
    L Canary Islands   M Ceuta and Melilla   B split payment (Italy)

The rules are the same ten of every category, with another answer each; the table has the answers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from lxml import etree

from billing.ehf.document import Document
from billing.ehf.parse import line_of
from billing.ehf.rules.asking import (
    ALLOWANCE,
    CHARGE,
    LINE,
    NAMESPACES,
    VAT,
    Failure,
    Reading,
    Rule,
    nodes,
    place,
    said,
    wherever,
)
from billing.ehf.rules.sums import added, cents, mismatch


@dataclass(frozen=True, slots=True)
class Category:
    """A VAT category: its code, the prefix of its rules, its name, and what it asks.

    `rate` is the rate's condition; where `by_rate` is true the breakdown has a row per rate and a krone's tolerance;
    `parties` says whose registrations are wanted; `reason` whether a reason of exemption must or may not stand.
    """

    code: str
    prefix: str
    nb: str
    en: str
    rate: Literal["positive", "not negative", "zero", "none"]
    parties: Literal["seller", "seller's VAT", "both", "both by VAT", "nobody"]
    by_rate: bool = False
    reason: bool = True


CATEGORIES: Final = (
    Category("S", "S", "ordinær sats", "standard rate", "positive", "seller", by_rate=True, reason=False),
    Category("Z", "Z", "nullsats", "zero rate", "zero", "seller", reason=False),
    Category("E", "E", "fritatt", "exempt", "zero", "seller"),
    Category("AE", "AE", "omvendt avgiftsplikt", "reverse charge", "zero", "both"),
    Category("K", "IC", "handel innen EU", "intra-community supply", "zero", "both by VAT"),
    Category("G", "G", "eksport", "export", "zero", "seller's VAT"),
    Category("O", "O", "utenfor avgiftsområdet", "outside the scope of VAT", "none", "nobody"),
    Category("L", "AF", "Kanariøyene", "Canary Islands", "not negative", "seller", by_rate=True, reason=False),
    Category("M", "AG", "Ceuta og Melilla", "Ceuta and Melilla", "not negative", "seller", by_rate=True, reason=False),
)

_SUBTOTALS: Final = "//cac:TaxTotal/cac:TaxSubtotal"
_REASON: Final = "(cbc:TaxExemptionReason or cbc:TaxExemptionReasonCode)"
_RATES: Final = {
    "positive": ("cbc:Percent > 0", "over null", "above zero"),
    "not negative": ("cbc:Percent >= 0", "null eller mer", "zero or more"),
    "zero": ("cbc:Percent = 0", "null", "zero"),
    "none": ("not(cbc:Percent)", "ikke oppgitt", "not given"),
}
_SELLER_ANY: Final = "//cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID"
_SELLER_VAT: Final = f"//cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme{VAT}/cbc:CompanyID"
_AGENT_VAT: Final = f"//cac:TaxRepresentativeParty/cac:PartyTaxScheme{VAT}/cbc:CompanyID"
_BUYER_VAT: Final = f"//cac:AccountingCustomerParty/cac:Party/cac:PartyTaxScheme{VAT}/cbc:CompanyID"
_BUYER_ENTITY: Final = "//cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:CompanyID"
_PARTIES: Final = {
    "seller": (f"({_SELLER_ANY} or {_AGENT_VAT})", "selgerens avgiftsnummer", "the seller's tax number"),
    "seller's VAT": (f"({_SELLER_VAT} or {_AGENT_VAT})", "selgerens mva-nummer", "the seller's VAT number"),
    "both": (
        f"({_SELLER_ANY} or {_AGENT_VAT}) and ({_BUYER_VAT} or {_BUYER_ENTITY})",
        "selgerens og kjøperens nummer",
        "the seller's and the buyer's number",
    ),
    "both by VAT": (
        f"({_SELLER_VAT} or {_AGENT_VAT}) and {_BUYER_VAT}",
        "selgerens og kjøperens mva-nummer",
        "the seller's and the buyer's VAT number",
    ),
    "nobody": (
        f"not({_SELLER_VAT} or {_AGENT_VAT} or {_BUYER_VAT})",
        "at ingen av partene har mva-nummer",
        "that neither party has a VAT number",
    ),
}


def _is(code: str) -> str:
    return f"[normalize-space(cbc:ID) = '{code}']{VAT}"


def _where_used(code: str) -> Iterator[tuple[str, str, str, str]]:
    """Give the rules' last digits with where a category is used: on lines, allowances and charges."""
    on_lines, beside = f"cac:ClassifiedTaxCategory{_is(code)}", f"cac:TaxCategory{_is(code)}"
    yield "2", "5", f"//{on_lines}", f"{LINE}/cac:Item/{on_lines}"
    for of_parties, of_rate, kind in (("3", "6", ALLOWANCE), ("4", "7", CHARGE)):
        where = f"//cac:AllowanceCharge{kind}/{beside}"
        yield of_parties, of_rate, where, where


def _breakdown(category: Category) -> Rule:
    """Ask for one row of the breakdown where a category is used, or one per rate; and none where it is not."""
    code = category.code
    rows = f"{_SUBTOTALS}/cac:TaxCategory{_is(code)}"
    on_lines, beside = f"//cac:ClassifiedTaxCategory{_is(code)}", f"//cac:AllowanceCharge/cac:TaxCategory{_is(code)}"
    if category.by_rate:
        broken = f"({on_lines} or {beside}) != boolean({rows})"
    else:
        broken = f"(//cac:TaxCategory{_is(code)} or {on_lines}) and count({rows}) != 1"
    return wherever(
        f"BR-{category.prefix}-01",
        f"/*[{broken}]",
        f"Avgiftskategori {code} ({category.nb}) er ikke spesifisert slik den er brukt.",
        f"VAT category {code} ({category.en}) is not broken down as it is used.",
    )


def _amount(node: etree._Element | None) -> Decimal | None:
    try:
        return None if node is None else Decimal(said(node))
    except InvalidOperation:
        return None


def _number(node: etree._Element, path: str) -> Decimal | None:
    return _amount(node.find(path, NAMESPACES))


def _rows(code: str) -> Callable[[Reading], list[etree._Element]]:
    return nodes(f"{_SUBTOTALS}[cac:TaxCategory{_is(code)}]")


def _taxed(document: Document, code: str, rate: Decimal | None) -> list[Decimal]:
    """Give the amounts of lines, charges and (negative) allowances of a category, and of a rate where one is given."""
    amounts = [(line.tax, line.net) for line in document.lines]
    for one in document.allowances:
        if one.tax is not None:
            amounts.append((one.tax, one.amount if one.is_charge or one.amount is None else -one.amount))
    return [
        amount or Decimal(0)
        for tax, amount in amounts
        if tax.category == code and (rate is None or tax.percent == rate)
    ]


def _taxable(category: Category) -> Rule:
    select = _rows(category.code)

    def failures(reading: Reading) -> Iterator[Failure]:
        for row in select(reading):
            rate = _number(row, "cac:TaxCategory/cbc:Percent") if category.by_rate else None
            if category.by_rate and rate is None:
                continue
            amounts = _taxed(reading.document, category.code, rate)
            stated, expected = _number(row, "cbc:TaxableAmount"), added(amounts)
            nothing = category.code == "S" and not amounts
            near = Decimal(1) if category.by_rate else Decimal("0.001")
            if nothing or stated is None or abs(stated - expected) >= near:
                basis = f"what stands at category {category.code}" + ("" if rate is None else f" and {rate:f} %")
                yield line_of(row), mismatch("the taxable amount", stated, basis, expected)

    return Rule(
        f"BR-{category.prefix}-08",
        "fatal",
        f"Avgiftsgrunnlaget er ikke summen av det som står i kategori {category.code} ({category.nb}).",
        f"What the VAT is computed of is not the sum of what stands at category {category.code} ({category.en}).",
        failures,
    )


def _tax(category: Category) -> Rule:
    select = _rows(category.code)

    def failures(reading: Reading) -> Iterator[Failure]:
        for row in select(reading):
            stated, basis = _number(row, "cbc:TaxAmount"), _number(row, "cbc:TaxableAmount")
            if not category.by_rate:
                if stated != 0:
                    yield line_of(row), mismatch("the tax", stated, f"category {category.code} bears", Decimal(0))
                continue
            rate = _number(row, "cac:TaxCategory/cbc:Percent")
            expected = None if rate is None or basis is None else cents(abs(basis) * rate / 100)
            if stated is None or expected is None or abs(abs(stated) - expected) >= 1:
                yield line_of(row), mismatch("the tax", stated, f"the rate of {place(row)}", expected)

    return Rule(
        f"BR-{category.prefix}-09",
        "fatal",
        f"Avgiftsbeløpet stemmer ikke for kategori {category.code} ({category.nb}).",
        f"The amount of tax is not right for category {category.code} ({category.en}).",
        failures,
    )


def _rules_of(category: Category) -> Iterator[Rule]:
    code, prefix = category.code, category.prefix
    rate, rate_nb, rate_en = _RATES[category.rate]
    parties, parties_nb, parties_en = _PARTIES[category.parties]
    yield _breakdown(category)
    for of_parties, of_rate, anywhere, rated in _where_used(code):
        yield wherever(
            f"BR-{prefix}-0{of_parties}",
            f"/*[{anywhere}][not({parties})]",
            f"Avgiftskategori {code} ({category.nb}) krever {parties_nb}.",
            f"VAT category {code} ({category.en}) asks for {parties_en}.",
        )
        yield wherever(
            f"BR-{prefix}-0{of_rate}",
            f"{rated}[not({rate})]",
            f"Satsen i avgiftskategori {code} ({category.nb}) skal være {rate_nb}.",
            f"The rate of VAT category {code} ({category.en}) is to be {rate_en}.",
        )
    yield _taxable(category)
    yield _tax(category)
    yield wherever(
        f"BR-{prefix}-10",
        f"{_SUBTOTALS}/cac:TaxCategory{_is(code)}[{f'not{_REASON}' if category.reason else _REASON}]",
        f"Avgiftskategori {code} ({category.nb}) skal {'' if category.reason else 'ikke '}ha en fritaksgrunn.",
        f"VAT category {code} ({category.en}) is to have {'a' if category.reason else 'no'} reason of exemption.",
    )


def _where_it_stands(code: str, rule: Rule) -> Rule:
    """Ask a category's rule of the documents alone in which the category stands: most have one or two of the nine."""

    def failures(reading: Reading) -> Iterator[Failure]:
        if any(said(node) == code for node in _select_codes(reading)):
            yield from rule.failures(reading)

    return replace(rule, failures=failures)


_select_codes = nodes("//(cac:TaxCategory|cac:ClassifiedTaxCategory)/cbc:ID")

_WITH_O: Final = f"/*[cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory{_is('O')}]"
_NOT_O: Final = f"[normalize-space(cbc:ID) != 'O']{VAT}"
_MIXED_NB: Final = "Noe er utenfor avgiftsområdet, og annet er det ikke."
_MIXED_EN: Final = "Some is outside the scope of VAT, and some is not."
_WITH_K: Final = f"/*[cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory{_is('K')}]"
_OF: Final = "(//cac:TaxCategory[cbc:ID = '{0}'] or //cac:ClassifiedTaxCategory[cbc:ID = '{0}'])"

TAX: Final[tuple[Rule, ...]] = (
    *(_where_it_stands(category.code, rule) for category in CATEGORIES for rule in _rules_of(category)),
    wherever("BR-O-11", f"{_WITH_O}[cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory{_NOT_O}]", _MIXED_NB, _MIXED_EN),
    wherever("BR-O-12", f"{_WITH_O}[//cac:ClassifiedTaxCategory{_NOT_O}]", _MIXED_NB, _MIXED_EN),
    wherever("BR-O-13", f"{_WITH_O}[//cac:AllowanceCharge{ALLOWANCE}/cac:TaxCategory{_NOT_O}]", _MIXED_NB, _MIXED_EN),
    wherever("BR-O-14", f"{_WITH_O}[//cac:AllowanceCharge{CHARGE}/cac:TaxCategory{_NOT_O}]", _MIXED_NB, _MIXED_EN),
    wherever(
        "BR-IC-11",
        f"{_WITH_K}[not(string-length(cac:Delivery/cbc:ActualDeliveryDate) > 1 or cac:InvoicePeriod/*)]",
        "Handel innen EU krever leveringsdato eller periode.",
        "Intra-community supply asks for a day of delivery or a period.",
    ),
    wherever(
        "BR-IC-12",
        f"{_WITH_K}[not(string-length(cac:Delivery/cac:DeliveryLocation/cac:Address/cac:Country/"
        "cbc:IdentificationCode) > 1)]",
        "Handel innen EU krever landet det er levert til.",
        "Intra-community supply asks for the country delivered to.",
    ),
    _where_it_stands(
        "B",
        wherever(
            "BR-B-01",
            f"/*[{_OF.format('B')}][//cbc:IdentificationCode != 'IT']",
            "Delt betaling brukes bare mellom parter i Italia.",
            "Split payment is used between parties in Italy only.",
        ),
    ),
    _where_it_stands(
        "B",
        wherever(
            "BR-B-02",
            f"/*[{_OF.format('B')}][{_OF.format('S')}]",
            "Delt betaling og ordinær sats står i samme dokument.",
            "Split payment and the standard rate stand in one document.",
        ),
    ),
)
