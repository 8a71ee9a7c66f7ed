"""Codes: each is one of its published list, read from the official stylesheet.

The lists: UNTDID 1001 (type), 1153 (object), 2005 (tax point), 4451 (note), 4461 (means of payment), 5189 and 7161
(allowance, charge), 5305 (VAT category), 7143 (class); ISO 4217, 3166-1 and 6523; UN/ECE Recommendations 20 and 21
(units); the Commission's lists of electronic addresses (EAS) and reasons of exemption (VATEX); file types.
"""

from collections.abc import Callable, Iterator
from typing import Final

from lxml import etree

from billing.ehf.parse import line_of
from billing.ehf.rules.asking import ALLOWANCE, CHARGE, Failure, Reading, Rule, nodes, place, said
from billing.ehf.rules.published import code_lists

AMOUNTS: Final = tuple(
    f"cbc:{name}Amount"
    for name in [
        "",
        "Base",
        "Price",
        "Tax",
        "Taxable",
        "LineExtension",
        "TaxExclusive",
        "TaxInclusive",
        "AllowanceTotal",
        "ChargeTotal",
        "Prepaid",
        "PayableRounding",
        "Payable",
    ]
)
"""The amounts of EN 16931."""

_OBJECT: Final = "cbc:DocumentTypeCode = '130'"

# The rule, the elements, the attribute that holds the code ("" is the text), and what the code is of.
_CODES: Final = (
    ("BR-CL-03", f"//({'|'.join(AMOUNTS)})", "currencyID", "valutaen på et beløp", "the currency of an amount"),
    ("BR-CL-04", "//cbc:DocumentCurrencyCode", "", "valutaen", "the currency"),
    ("BR-CL-05", "//cbc:TaxCurrencyCode", "", "regnskapsvalutaen", "the accounting currency"),
    ("BR-CL-06", "//cac:InvoicePeriod/cbc:DescriptionCode", "", "avgiftstidspunktet", "the tax point"),
    (
        "BR-CL-07",
        f"//(cac:AdditionalDocumentReference|cac:DocumentReference)[{_OBJECT}]/cbc:ID[@schemeID]",
        "schemeID",
        "det fakturerte objektet",
        "the invoiced object",
    ),
    ("BR-CL-10", "//cac:PartyIdentification/cbc:ID[@schemeID]", "schemeID", "et nummer", "a party's number"),
    ("BR-CL-11", "//cac:PartyLegalEntity/cbc:CompanyID[@schemeID]", "schemeID", "et organisasjonsnummer", "a company"),
    (
        "BR-CL-13",
        "//cac:CommodityClassification/cbc:ItemClassificationCode[@listID]",
        "listID",
        "varegruppens liste",
        "the list of an item's class",
    ),
    ("BR-CL-14", "//cac:Country/cbc:IdentificationCode", "", "landet", "the country"),
    ("BR-CL-15", "//cac:OriginCountry/cbc:IdentificationCode", "", "opphavslandet", "the country of origin"),
    ("BR-CL-16", "//cac:PaymentMeans/cbc:PaymentMeansCode", "", "betalingsmåten", "the means of payment"),
    ("BR-CL-17", "//cac:TaxCategory/cbc:ID", "", "avgiftskategorien", "the VAT category"),
    ("BR-CL-18", "//cac:ClassifiedTaxCategory/cbc:ID", "", "linjens avgiftskategori", "the VAT category of a line"),
    (
        "BR-CL-19",
        f"//cac:AllowanceCharge{ALLOWANCE}/cbc:AllowanceChargeReasonCode",
        "",
        "rabattgrunnen",
        "the reason of an allowance",
    ),
    (
        "BR-CL-20",
        f"//cac:AllowanceCharge{CHARGE}/cbc:AllowanceChargeReasonCode",
        "",
        "tilleggsgrunnen",
        "the reason of a charge",
    ),
    (
        "BR-CL-21",
        "//cac:StandardItemIdentification/cbc:ID[@schemeID]",
        "schemeID",
        "varenummerets register",
        "the scheme of an item's number",
    ),
    ("BR-CL-22", "//cbc:TaxExemptionReasonCode", "", "fritaksgrunnen", "the reason of exemption"),
    (
        "BR-CL-23",
        "//(cbc:InvoicedQuantity|cbc:CreditedQuantity|cbc:BaseQuantity)[@unitCode]",
        "unitCode",
        "enheten",
        "the unit",
    ),
    ("BR-CL-24", "//cbc:EmbeddedDocumentBinaryObject[@mimeCode]", "mimeCode", "filtypen", "the type of a file"),
    ("BR-CL-25", "//cbc:EndpointID[@schemeID]", "schemeID", "den elektroniske adressen", "an electronic address"),
    (
        "BR-CL-26",
        "//cac:DeliveryLocation/cbc:ID[@schemeID]",
        "schemeID",
        "leveringsstedets register",
        "the scheme of a place of delivery",
    ),
)

_NOT_IN_PEPPOL: Final = frozenset(
    [
        "0037",
        "0147",
        "0154",
        "0170",
        "0177",
        "0193",
        "0194",
        "0202",
        "0203",
        "0205",
        "0212",
        "0213",
        "0215",
        "0217",
        "0219",
        "0220",
        "AN",
        "AQ",
        "AS",
        "AU",
        "EM",
    ]
)
"""Electronic addresses of the Commission's list that Peppol does not route to (Peppol BIS Billing 3.0.21)."""


def _coded(node: etree._Element, attribute: str) -> str:
    return " ".join((node.get(attribute) or "").split()) if attribute else said(node)


def _outside(
    path: str, attribute: str, codes: Callable[[etree._Element], frozenset[str]]
) -> Callable[[Reading], Iterator[Failure]]:
    select = nodes(path)

    def failures(reading: Reading) -> Iterator[Failure]:
        for node in select(reading):
            code = _coded(node, attribute)
            if code not in codes(node):
                yield line_of(node), f"'{code[:40]}' is none of the published codes: {place(node)}"

    return failures


def _of_list(identifier: str, path: str, attribute: str, nb: str, en: str) -> Rule:
    def codes(node: etree._Element) -> frozenset[str]:
        return code_lists()[identifier][0]

    return Rule(
        identifier,
        "fatal",
        f"En kode er ikke i den offentlige listen: {nb}.",
        f"A code is not in the published list: {en}.",
        _outside(path, attribute, codes),
    )


def _type_codes(node: etree._Element) -> frozenset[str]:
    invoices, credit_notes = code_lists()["BR-CL-01"]
    return invoices if etree.QName(node).localname == "InvoiceTypeCode" else credit_notes


def _addresses(node: etree._Element) -> frozenset[str]:
    return code_lists()["BR-CL-25"][0] - _NOT_IN_PEPPOL


_select_notes = nodes("//cbc:Note[not(ancestor::cac:*)]")


def _note_subjects(reading: Reading) -> Iterator[Failure]:
    """A note may begin with `#AAI#`: the code of what it is about."""
    [subjects] = code_lists()["BR-CL-08"]
    for node in _select_notes(reading):
        parts = (node.text or "").split("#")
        if len(parts) > 2 and len(parts[1]) == 3 and parts[1] not in subjects:
            yield line_of(node), f"'{parts[1]}' is none of the published codes: {place(node)}"


CODES: Final[tuple[Rule, ...]] = (
    Rule(
        "BR-CL-01",
        "fatal",
        "Typekoden er ikke i den offentlige listen.",
        "The type code is not in the published list.",
        _outside("//(cbc:InvoiceTypeCode|cbc:CreditNoteTypeCode)", "", _type_codes),
    ),
    Rule(
        "BR-CL-08",
        "fatal",
        "En merknads emnekode er ikke i den offentlige listen.",
        "The subject code of a note is not in the published list.",
        _note_subjects,
    ),
    *(_of_list(*each) for each in _CODES),
    Rule(
        "PEPPOL-EN16931-CL008",
        "fatal",
        "Den elektroniske adressen er fra et register som Peppol ikke bruker.",
        "The electronic address is of a scheme that Peppol does not use.",
        _outside("//cbc:EndpointID[@schemeID]", "schemeID", _addresses),
    ),
)
