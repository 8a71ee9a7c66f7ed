"""Break a valid document in every way that one hand can: element by element, attribute by attribute, value by value.

Nothing here knows the rules. Each mutation is one change, named by what was done; whether the document is still valid
is for a judge to say. `everything` is a valid invoice in which nearly every element of EN 16931 stands, so that rules
about rare elements have something to break.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Final

from lxml import etree

from billing.ehf.parse import CAC, CBC

GOLDEN: Final = Path(__file__).parents[2] / "data" / "ehf" / "percent-allowance.xml"
CATEGORIES: Final = ("S", "Z", "E", "AE", "K", "G", "O", "L", "M", "B")
CODES: Final = ("XQX", "1", "380", "381", "384", "49", "NO", "NOK", "SEK")
SCHEMES: Final = ("0088", "0192", "0184", "0208", "0007", "0151", "0096", "0198", "0037", "XQX")
AMOUNTS: Final = ("Amount", "Quantity", "Percent", "Numeric")
CODED: Final = ("ID", "ChargeIndicator", "EndpointID", "CompanyID", "ProfileID", "CustomizationID")


def mutations(data: bytes, within: Sequence[str] = ("",)) -> Iterator[tuple[str, bytes]]:
    """Give every single change of a document, named, as bytes; `within` keeps to paths with one of the names in them."""
    base = etree.fromstring(data)
    tree = base.getroottree()
    paths = [tree.getelementpath(each) for each in base.iterdescendants()]
    for path in [path for path in paths if any(name in path for name in within)]:
        for what, change in _changes(_at(base, path)):
            root = deepcopy(base)
            change(_at(root, path))
            yield what, etree.tostring(root)
    for code in CATEGORIES:
        for percent in ("0", "25", None):
            root = deepcopy(base)
            for each in root.iter(f"{{{CAC}}}TaxCategory", f"{{{CAC}}}ClassifiedTaxCategory"):
                _recode(each, code, percent)
            yield f"everything in VAT category {code} at {percent}", etree.tostring(root)


def _at(root, path):
    return root.getroottree().find(path)


def _recode(category, code, percent):
    category.find(f"{{{CBC}}}ID").text = code
    rate = category.find(f"{{{CBC}}}Percent")
    if rate is not None and percent is None:
        category.remove(rate)
    elif rate is not None:
        rate.text = percent


def _changes(element):
    name, said = etree.QName(element).localname, element.text or ""
    yield f"no {name}", lambda each: each.getparent().remove(each)
    yield f"{name} twice", lambda each: each.addnext(deepcopy(each))
    for attribute in element.attrib:
        values = SCHEMES if attribute == "schemeID" else ("XQX", "SEK")
        yield f"{name} without {attribute}", lambda each, attribute=attribute: each.attrib.pop(attribute)
        for value in values:
            yield f"{attribute} of {name} {value}", lambda each, key=attribute, value=value: each.set(key, value)
    if len(element):
        return
    values = ["", "  "]
    if name.endswith(AMOUNTS):
        values += [said + "1" if "." in said else said + ".001", "-" + said, "0", "7.77", "99999999.99"]
    elif "Date" in name:
        values += ["1999-01-01", "2099-01-01"]
    elif name == "TaxExemptionReasonCode":
        values += [f"VATEX-EU-{each}" for each in ("G", "O", "IC", "AE", "D", "F", "I", "J", "XQX")]
    elif name.endswith("Code") or name in CODED:
        values += CATEGORIES if etree.QName(element.getparent()).localname.endswith("TaxCategory") else CODES
    elif name in ("Name", "RegistrationName", "Note"):
        values += ["#XQX#"]
    for value in values:
        yield f"{name} '{value}'", lambda each, value=value: setattr(each, "text", value)


def everything() -> bytes:
    """Build a valid invoice of a golden file and of what `PUT_IN` puts into it."""
    root = etree.fromstring(GOLDEN.read_bytes())
    for anchor, fragments in PUT_IN:
        _put_in(root, anchor, fragments)
    return etree.tostring(root, pretty_print=True)


def additions(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Put into a document what may not stand there, or not beside what stands there already."""
    for anchor, fragments in TOO_MUCH:
        root = etree.fromstring(data)
        if root.find(anchor, {"cac": CAC, "cbc": CBC}) is not None:
            _put_in(root, anchor, fragments)
            yield f"{fragments} after {anchor}", etree.tostring(root)


def _put_in(root, anchor, fragments):
    after = root.find(anchor, {"cac": CAC, "cbc": CBC})
    wrapped = etree.fromstring(f'<x xmlns:cac="{CAC}" xmlns:cbc="{CBC}">{fragments}</x>')
    for fragment in reversed(wrapped):
        after.addnext(fragment)


def in_category(code: str) -> bytes:
    """Write the invoice of a golden file in another VAT category, valid: rates, sums, registrations and reason follow."""
    space = {"cac": CAC, "cbc": CBC}
    root = etree.fromstring(GOLDEN.read_bytes())
    taxed = code in ("S", "L", "M")
    for each in root.iter(f"{{{CAC}}}TaxCategory", f"{{{CAC}}}ClassifiedTaxCategory"):
        _recode(each, code, "25" if taxed else None if code == "O" else "0")
    if not taxed:
        for path in ("cac:TaxTotal/cbc:TaxAmount", "cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount"):
            root.find(path, space).text = "0.00"
        for name in ("TaxInclusiveAmount", "PayableAmount"):
            root.find(f"cac:LegalMonetaryTotal/cbc:{name}", space).text = "33080.00"
    if code in REASONS:
        category = root.find("cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory", space)
        reason = etree.SubElement(category, f"{{{CBC}}}TaxExemptionReasonCode")
        reason.text = f"VATEX-EU-{REASONS[code]}"
        category.insert(category.index(category.find("cac:TaxScheme", space)), reason)
    # One registration is enough; out of VAT's scope there is none.
    for registration in root.findall(".//cac:PartyTaxScheme", space):
        if code == "O" or registration.findtext("cac:TaxScheme/cbc:ID", "", space) == "TAX":
            registration.getparent().remove(registration)
    for reason in root.findall(".//cbc:AllowanceChargeReason", space):
        reason.getparent().remove(reason)
    if code == "K":
        delivery = f"<cac:Delivery xmlns:cac='{CAC}' xmlns:cbc='{CBC}'><cac:DeliveryLocation><cac:Address>{NORWAY}"
        root.find("cac:AccountingCustomerParty", space).addnext(
            etree.fromstring(f"{delivery}</cac:Address></cac:DeliveryLocation></cac:Delivery>")
        )
    return etree.tostring(root)


REASONS: Final = {"E": "132", "AE": "AE", "K": "IC", "G": "G", "O": "O"}


def _identified(scheme: str, number: str) -> str:
    return f'<cac:PartyIdentification><cbc:ID schemeID="{scheme}">{number}</cbc:ID></cac:PartyIdentification>'


NAMED: Final = "<cac:PartyName><cbc:Name>{}</cbc:Name></cac:PartyName>"
NORWAY: Final = "<cac:Country><cbc:IdentificationCode>NO</cbc:IdentificationCode></cac:Country>"
VAT: Final = "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"

# After which element what is put in.
PUT_IN: Final = (
    ("cbc:InvoiceTypeCode", "<cbc:Note>#AAI#Tredje kvartal</cbc:Note><cbc:TaxPointDate>2026-09-30</cbc:TaxPointDate>"),
    ("cbc:DocumentCurrencyCode", "<cbc:TaxCurrencyCode>EUR</cbc:TaxCurrencyCode>"),
    ("cac:TaxTotal", '<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">706.84</cbc:TaxAmount></cac:TaxTotal>'),
    (
        "cac:InvoicePeriod",
        "<cac:OrderReference><cbc:ID>4500012345</cbc:ID><cbc:SalesOrderID>SO-9</cbc:SalesOrderID></cac:OrderReference>"
        "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>PF-2026-Q2-01</cbc:ID>"
        "<cbc:IssueDate>2026-07-08</cbc:IssueDate></cac:InvoiceDocumentReference></cac:BillingReference>"
        "<cac:DespatchDocumentReference><cbc:ID>FS-1</cbc:ID></cac:DespatchDocumentReference>"
        "<cac:ReceiptDocumentReference><cbc:ID>MO-1</cbc:ID></cac:ReceiptDocumentReference>"
        "<cac:OriginatorDocumentReference><cbc:ID>KG-1</cbc:ID></cac:OriginatorDocumentReference>",
    ),
    (
        "cac:ContractDocumentReference",
        '<cac:AdditionalDocumentReference><cbc:ID schemeID="AAA">objekt-1</cbc:ID>'
        "<cbc:DocumentTypeCode>130</cbc:DocumentTypeCode></cac:AdditionalDocumentReference>"
        "<cac:AdditionalDocumentReference><cbc:ID>bruk</cbc:ID>"
        "<cbc:DocumentDescription>Brukstall</cbc:DocumentDescription><cac:Attachment>"
        '<cbc:EmbeddedDocumentBinaryObject mimeCode="text/csv" filename="bruk.csv">YQ==</cbc:EmbeddedDocumentBinaryObject>'
        "</cac:Attachment></cac:AdditionalDocumentReference>"
        "<cac:ProjectReference><cbc:ID>P-7</cbc:ID></cac:ProjectReference>",
    ),
    (
        "cac:AccountingCustomerParty",
        f"<cac:PayeeParty>{_identified('0192', '319900144')}"
        "<cac:PartyName><cbc:Name>Innkreving Eksempel AS</cbc:Name></cac:PartyName>"
        '<cac:PartyLegalEntity><cbc:CompanyID schemeID="0192">319900144</cbc:CompanyID></cac:PartyLegalEntity>'
        "</cac:PayeeParty><cac:TaxRepresentativeParty>"
        "<cac:PartyName><cbc:Name>Representant Eksempel AS</cbc:Name></cac:PartyName>"
        f"<cac:PostalAddress><cac:AddressLine><cbc:Line>Bakgården</cbc:Line></cac:AddressLine>{NORWAY}</cac:PostalAddress>"
        f"<cac:PartyTaxScheme><cbc:CompanyID>NO319900144MVA</cbc:CompanyID>{VAT}</cac:PartyTaxScheme>"
        "</cac:TaxRepresentativeParty><cac:Delivery><cbc:ActualDeliveryDate>2026-09-30</cbc:ActualDeliveryDate>"
        '<cac:DeliveryLocation><cbc:ID schemeID="0088">5790000436057</cbc:ID><cac:Address>'
        f"{NORWAY}</cac:Address></cac:DeliveryLocation><cac:DeliveryParty><cac:PartyName>"
        "<cbc:Name>Poliklinikken</cbc:Name></cac:PartyName></cac:DeliveryParty></cac:Delivery>",
    ),
    (
        "cac:PaymentMeans/cbc:PaymentID",
        "<cac:CardAccount><cbc:PrimaryAccountNumberID>1234</cbc:PrimaryAccountNumberID>"
        "<cbc:NetworkID>KORT</cbc:NetworkID></cac:CardAccount>",
    ),
    (
        "cac:PaymentMeans/cac:PayeeFinancialAccount",
        "<cac:PaymentMandate><cbc:ID>fullmakt-1</cbc:ID></cac:PaymentMandate>",
    ),
    (
        "cac:AccountingSupplierParty/cac:Party/cbc:EndpointID",
        _identified("0088", "5790000436057") + NAMED.format("Bildelys"),
    ),
    (
        "cac:AccountingCustomerParty/cac:Party/cbc:EndpointID",
        _identified("0088", "5790000436064") + NAMED.format("Sykehuset"),
    ),
    (
        "cac:AccountingSupplierParty/cac:Party/cac:PartyLegalEntity/cbc:CompanyID",
        "<cbc:CompanyLegalForm>AS</cbc:CompanyLegalForm>",
    ),
    ("cac:InvoiceLine/cbc:ID", "<cbc:Note>Trinn 2</cbc:Note>"),
    (
        "cac:InvoiceLine/cbc:LineExtensionAmount",
        "<cac:InvoicePeriod><cbc:StartDate>2026-08-01</cbc:StartDate><cbc:EndDate>2026-08-31</cbc:EndDate>"
        "</cac:InvoicePeriod><cac:OrderLineReference><cbc:LineID>4</cbc:LineID></cac:OrderLineReference>"
        '<cac:DocumentReference><cbc:ID schemeID="AAA">objekt-2</cbc:ID>'
        "<cbc:DocumentTypeCode>130</cbc:DocumentTypeCode></cac:DocumentReference>"
        "<cac:AllowanceCharge><cbc:ChargeIndicator>true</cbc:ChargeIndicator>"
        "<cbc:AllowanceChargeReasonCode>ABL</cbc:AllowanceChargeReasonCode>"
        '<cbc:Amount currencyID="NOK">0.00</cbc:Amount></cac:AllowanceCharge>',
    ),
    (
        "cac:InvoiceLine/cac:Item/cac:SellersItemIdentification",
        '<cac:StandardItemIdentification><cbc:ID schemeID="0160">07038010000065</cbc:ID></cac:StandardItemIdentification>'
        "<cac:OriginCountry><cbc:IdentificationCode>NO</cbc:IdentificationCode></cac:OriginCountry>"
        '<cac:CommodityClassification><cbc:ItemClassificationCode listID="STI">85</cbc:ItemClassificationCode>'
        "</cac:CommodityClassification>",
    ),
    (
        "cac:InvoiceLine/cac:Item/cac:ClassifiedTaxCategory",
        "<cac:AdditionalItemProperty><cbc:Name>Trinn</cbc:Name><cbc:Value>2</cbc:Value></cac:AdditionalItemProperty>",
    ),
    (
        "cac:InvoiceLine/cac:Price/cbc:PriceAmount",
        '<cbc:BaseQuantity unitCode="C62">1</cbc:BaseQuantity><cac:AllowanceCharge>'
        "<cbc:ChargeIndicator>false</cbc:ChargeIndicator>"
        '<cbc:Amount currencyID="NOK">6.00</cbc:Amount><cbc:BaseAmount currencyID="NOK">30.00</cbc:BaseAmount>'
        "</cac:AllowanceCharge>",
    ),
)

_PAY: Final = "<cac:PaymentMeans><cbc:PaymentMeansCode{}>{}</cbc:PaymentMeansCode>{}</cac:PaymentMeans>"
_OF_TYPE: Final = (
    "<cac:AdditionalDocumentReference><cbc:ID>{0}</cbc:ID><cbc:DocumentTypeCode>50</cbc:DocumentTypeCode>"
    "</cac:AdditionalDocumentReference>"
)
_POINT: Final = "<cbc:DescriptionCode>{}</cbc:DescriptionCode>"

# What is too much, and after which element it is put.
TOO_MUCH: Final = (
    ("cac:InvoicePeriod/cbc:EndDate", _POINT.format("35")),
    ("cac:InvoicePeriod/cbc:EndDate", _POINT.format("99")),
    ("cac:InvoicePeriod/cbc:EndDate", _POINT.format("35") * 2),
    ("cac:InvoicePeriod", "<cac:InvoicePeriod><cbc:Description>Høsten</cbc:Description></cac:InvoicePeriod>"),
    ("*/cbc:LineExtensionAmount/../cac:InvoicePeriod", f"<cac:InvoicePeriod>{_POINT.format('35')}</cac:InvoicePeriod>"),
    ("cac:AdditionalDocumentReference/cbc:DocumentTypeCode", "<cbc:DocumentDescription>X</cbc:DocumentDescription>"),
    (
        "cac:AdditionalDocumentReference/cbc:DocumentTypeCode",
        "<cac:Attachment><cac:ExternalReference><cbc:URI>https://example.no</cbc:URI></cac:ExternalReference></cac:Attachment>",
    ),
    ("cac:ContractDocumentReference", _OF_TYPE.format("P-1") + _OF_TYPE.format("P-2")),
    ("cac:AccountingSupplierParty/cac:Party/cbc:EndpointID", _identified("SEPA", "A") + _identified("SEPA", "B")),
    ("cac:PaymentMeans", _PAY.format("", "10", "")),
    ("cac:PaymentMeans", _PAY.format("", "30", "<cbc:PaymentID>999</cbc:PaymentID>")),
    ("cac:PaymentMeans", _PAY.format(' name="a"', "10", "") + _PAY.format(' name="b"', "10", "")),
    ("*/cac:Item/cbc:Name", "<cbc:Description>A</cbc:Description><cbc:Description>B</cbc:Description>"),
)
