"""Read an EHF file: bytes in, a `Document` out.

What can be read is read, however wrong it is: a fault in a document is a finding for a person, not a refusal. Only
what is no EHF document at all is refused, with a code, a line and a reason (`UnreadableDocument`).

The file comes from outside, so the parser resolves no entity, opens no network and no DTD, and keeps libxml2's
limits on depth and text; a document type declaration, which UBL never has, is refused outright. Comments and
processing instructions are dropped while parsing, so that "12<!-- -->34" is 1234 here as it is to every other reader.

Each element's children are sorted by name once and looked up from there, so the work grows with what a document
holds and not with what it could hold.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from lxml import etree

from billing.ehf.document import (
    Address,
    AllowanceCharge,
    Attachment,
    BillingReference,
    Contact,
    Document,
    Fault,
    Identifier,
    ItemProperty,
    Kind,
    Line,
    Party,
    PaymentMeans,
    Period,
    Price,
    Tax,
    TaxRegistration,
    TaxSubtotal,
    TaxTotal,
    Totals,
)

SIZE_LIMIT: Final = 20 * 1024 * 1024
DIGIT_LIMIT: Final = 30
A_NUMBER: Final = "a decimal number, as 1234.50"
A_DATE: Final = "a date, as 2026-09-30"
A_FLAG: Final = "true or false"

UBL: Final = "urn:oasis:names:specification:ubl:schema:xsd:"
CBC: Final = f"{UBL}CommonBasicComponents-2"
CAC: Final = f"{UBL}CommonAggregateComponents-2"
ROOTS: Final[dict[str, Kind]] = {
    f"{{{UBL}Invoice-2}}Invoice": "invoice",
    f"{{{UBL}CreditNote-2}}CreditNote": "credit_note",
}

Refusal = Literal["empty", "too_large", "doctype", "encoding", "truncated", "not_xml", "wrong_root"]
Children = dict[str, list[etree._Element]]

_SPACE: Final = " \t\r\n"
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_DATE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?")
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}

# libxml2's error numbers that mean something else than "this is not XML".
_EMPTY, _NOT_CLOSED, _RESOURCES = 4, 77, 114
_ENCODINGS: Final = frozenset({31, 32, 79, 81, 6003})


class UnreadableDocument(ValueError):
    """Say why a file is no EHF document: a code, the line (where there is one) and a sentence."""

    def __init__(self, code: Refusal, line: int | None, detail: str) -> None:
        self.code: Refusal = code
        self.line = line
        self.detail = detail
        super().__init__(f"line {line}: {detail}" if line else detail)


def parse(data: bytes, *, limit: int = SIZE_LIMIT) -> Document:
    """Read an invoice or credit note.

    Raise `UnreadableDocument` for what is larger than `limit` bytes, is not XML, is cut off, has a document type
    declaration or bytes that do not fit its encoding, or is another kind of document.
    """
    root = read_tree(data, limit=limit)
    return _Reader(ROOTS[root.tag]).document(root)


def read_tree(data: bytes, *, limit: int = SIZE_LIMIT) -> etree._Element:
    """Parse the bytes safely and give the root element; refuse as `parse` does."""
    root = read_xml(data, limit=limit)
    if root.tag not in ROOTS:
        found = etree.QName(root)
        space = f"in the namespace {found.namespace}" if found.namespace else "in no namespace"
        raise UnreadableDocument(
            "wrong_root",
            line_of(root),
            f"the root element is {found.localname} {space}, not a UBL 2.1 Invoice or CreditNote",
        )
    return root


def read_xml(data: bytes, *, limit: int = SIZE_LIMIT) -> etree._Element:
    """Parse any XML from outside safely and give its root element; refuse as `parse` does, but for the kind."""
    if len(data) > limit:
        raise UnreadableDocument("too_large", None, f"the file has {len(data)} bytes, and the limit is {limit}")
    if not data.strip():
        raise UnreadableDocument("empty", None, "the file is empty")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _refusal(data, error) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype(data)
    return root


def _refusal(data: bytes, error: etree.XMLSyntaxError) -> UnreadableDocument:
    """Name the reason behind a parser error; the words after the colon are libxml2's own."""
    # UTF-16 has a zero byte beside each ASCII letter: without them both encodings look alike.
    plain = data.replace(b"\0", b"").strip()
    if b"<!DOCTYPE" in plain[: 64 * 1024]:
        return _doctype(data)
    reason: Any = error  # the number stands in `code`, which the published types leave out
    code, line = reason.code, error.lineno or None
    said = (error.msg or "").partition(", line ")[0].strip()
    if code == _RESOURCES:
        return UnreadableDocument("too_large", line, f"the document is beyond the parser's limits: {said}")
    if code in _ENCODINGS:
        return UnreadableDocument("encoding", line, f"the bytes do not fit the document's encoding: {said}")
    if code == _NOT_CLOSED or (plain.startswith(b"<") and not plain.endswith(b">")):
        return UnreadableDocument("truncated", line, f"the document ends before its root element is closed: {said}")
    return UnreadableDocument("not_xml", line, f"the file is not well-formed XML: {said}")


def _doctype(data: bytes) -> UnreadableDocument:
    before = data.replace(b"\0", b"").partition(b"<!DOCTYPE")[0]
    return UnreadableDocument(
        "doctype", before.count(b"\n") + 1, "the document has a document type declaration (DOCTYPE), which is not read"
    )


class _ShortTags(dict[str, str]):
    """Know qualified tags with UBL's usual prefixes; a tag of another namespace stays as it is."""

    def __missing__(self, tag: str) -> str:
        space, _, name = tag[1:].rpartition("}")
        short = f"cbc:{name}" if space == CBC else f"cac:{name}" if space == CAC else tag
        # A document may make up any number of tags: those of UBL are some hundreds.
        if len(self) < _MOST_TAGS:
            self[tag] = short
        return short


_MOST_TAGS: Final = 2048
_SHORT: Final = _ShortTags()


def short_name(element: etree._Element) -> str:
    """Name an element with UBL's usual prefix, as `cbc:ID`; one of another namespace by its whole tag."""
    return _SHORT[element.tag]


def _children(element: etree._Element) -> Children:
    found: Children = {}
    for child in element:
        name = _SHORT[child.tag]
        if name in found:
            found[name].append(child)
        else:
            found[name] = [child]
    return found


def _text(element: etree._Element) -> str | None:
    return (element.text or "").strip(_SPACE) or None


def _said(children: Children, name: str) -> str | None:
    """Give the text of the first child of that name, or `None` where it is missing or empty."""
    found = children.get(name)
    return (found[0].text or "").strip(_SPACE) or None if found else None


def _within(children: Children, *path: str) -> Children:
    """Follow first children by name; what is not there has no children."""
    for name in path:
        found = children.get(name)
        if not found:
            return {}
        children = _children(found[0])
    return children


def _currency(children: Children, name: str) -> str | None:
    found = children.get(name)
    return found[0].get("currencyID") if found else None


def line_of(element: etree._Element) -> int:
    """Give the line of the file that an element starts on."""
    line: Any = element.sourceline
    return int(line or 0)


class _Reader:
    """Read one document; what cannot be read gathers in `faults`."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.faults: list[Fault] = []
        # Prices, rates and days come again on line after line: each text is read once.
        self._numbers: dict[str | None, Decimal] = {}
        self._days: dict[str | None, date] = {}

    # -- values

    def fault(self, element: etree._Element, expected: str) -> None:
        parent = element.getparent()
        above = "" if parent is None else f"{_SHORT[parent.tag]}/" if parent.getparent() is not None else ""
        text = (element.text or "").strip(_SPACE)
        self.faults.append(Fault(f"{above}{_SHORT[element.tag]}", text[:80], expected, line_of(element)))

    def number(self, children: Children, name: str) -> Decimal | None:
        found = children.get(name)
        if not found:
            return None
        written = found[0].text
        if (known := self._numbers.get(written)) is not None:
            return known
        text = (written or "").strip(_SPACE)
        if not _NUMBER.fullmatch(text):
            self.fault(found[0], A_NUMBER)
        elif len(text) > DIGIT_LIMIT:
            self.fault(found[0], f"a number of at most {DIGIT_LIMIT} characters")
        else:
            return self._numbers.setdefault(written, Decimal(text))
        return None

    def day(self, children: Children, name: str) -> date | None:
        found = children.get(name)
        if not found:
            return None
        written = found[0].text
        if (known := self._days.get(written)) is not None:
            return known
        match = _DATE.fullmatch((written or "").strip(_SPACE))
        try:
            read = date.fromisoformat(match[1]) if match else None
        except ValueError:
            read = None
        if read is None or not match or match[2]:
            self.fault(found[0], A_DATE)
        elif written is not None:
            self._days[written] = read
        return read

    def flag(self, children: Children, name: str) -> bool | None:
        found = children.get(name)
        if not found:
            return None
        text = (found[0].text or "").strip(_SPACE)
        if text not in ("true", "false"):
            self.fault(found[0], A_FLAG)
        return _FLAGS.get(text)

    def content(self, element: etree._Element) -> bytes | None:
        try:
            return base64.b64decode("".join((element.text or "").split()), validate=True)
        except (binascii.Error, ValueError):
            self.fault(element, "a file in base64")
            return None

    # -- groups

    def period(self, children: Children) -> Period | None:
        found = children.get("cac:InvoicePeriod")
        if not found:
            return None
        each = _children(found[0])
        return Period(self.day(each, "cbc:StartDate"), self.day(each, "cbc:EndDate"), line_of(found[0]))

    def tax(self, children: Children) -> Tax:
        return Tax(
            _said(children, "cbc:ID"),
            self.number(children, "cbc:Percent"),
            _said(children, "cbc:TaxExemptionReason"),
            _said(children, "cbc:TaxExemptionReasonCode"),
        )

    def identifiers(self, elements: list[etree._Element]) -> Iterator[Identifier]:
        for element in elements:
            text = _text(element)
            if text is not None:
                yield Identifier(text, element.get("schemeID"), line_of(element))

    def identifier(self, children: Children, name: str) -> Identifier | None:
        return next(self.identifiers(children.get(name, [])), None)

    def registrations(self, elements: list[etree._Element]) -> Iterator[TaxRegistration]:
        for element in elements:
            each = _children(element)
            company = _said(each, "cbc:CompanyID")
            if company is not None:
                scheme = _said(_within(each, "cac:TaxScheme"), "cbc:ID")
                yield TaxRegistration(company, scheme, line_of(element))

    def address(self, children: Children) -> Address | None:
        if "cac:PostalAddress" not in children:
            return None
        each = _within(children, "cac:PostalAddress")
        return Address(
            country=_said(_within(each, "cac:Country"), "cbc:IdentificationCode"),
            street=_said(each, "cbc:StreetName"),
            additional_street=_said(each, "cbc:AdditionalStreetName"),
            extra_line=_said(_within(each, "cac:AddressLine"), "cbc:Line"),
            city=_said(each, "cbc:CityName"),
            postal_code=_said(each, "cbc:PostalZone"),
            subdivision=_said(each, "cbc:CountrySubentity"),
        )

    def contact(self, children: Children) -> Contact | None:
        if "cac:Contact" not in children:
            return None
        each = _within(children, "cac:Contact")
        return Contact(_said(each, "cbc:Name"), _said(each, "cbc:Telephone"), _said(each, "cbc:ElectronicMail"))

    def party(self, element: etree._Element) -> Party:
        each = _children(element)
        legal = _within(each, "cac:PartyLegalEntity")
        marks = [mark for one in each.get("cac:PartyIdentification", []) for mark in _children(one).get("cbc:ID", [])]
        return Party(
            legal_name=_said(legal, "cbc:RegistrationName"),
            trading_name=_said(_within(each, "cac:PartyName"), "cbc:Name"),
            organisation=self.identifier(legal, "cbc:CompanyID"),
            endpoint=self.identifier(each, "cbc:EndpointID"),
            identifiers=tuple(self.identifiers(marks)),
            registrations=tuple(self.registrations(each.get("cac:PartyTaxScheme", []))),
            address=self.address(each),
            contact=self.contact(each),
            legal_form=_said(legal, "cbc:CompanyLegalForm"),
            line=line_of(element),
        )

    def party_at(self, children: Children, *path: str) -> Party | None:
        *above, name = path
        found = _within(children, *above).get(name)
        return self.party(found[0]) if found else None

    def payment_means(self, elements: list[etree._Element]) -> Iterator[PaymentMeans]:
        for element in elements:
            each = _children(element)
            account = _within(each, "cac:PayeeFinancialAccount")
            yield PaymentMeans(
                code=_said(each, "cbc:PaymentMeansCode"),
                payment_id=_said(each, "cbc:PaymentID"),
                account=_said(account, "cbc:ID"),
                account_name=_said(account, "cbc:Name"),
                bank=_said(_within(account, "cac:FinancialInstitutionBranch"), "cbc:ID"),
                due_date=self.day(each, "cbc:PaymentDueDate"),
                line=line_of(element),
            )

    def billing_references(self, elements: list[etree._Element]) -> Iterator[BillingReference]:
        for element in elements:
            each = _within(_children(element), "cac:InvoiceDocumentReference")
            number = _said(each, "cbc:ID")
            if number is not None:
                yield BillingReference(number, self.day(each, "cbc:IssueDate"), line_of(element))

    def allowances(self, elements: list[etree._Element]) -> Iterator[AllowanceCharge]:
        for element in elements:
            each = _children(element)
            category = each.get("cac:TaxCategory")
            yield AllowanceCharge(
                is_charge=self.flag(each, "cbc:ChargeIndicator"),
                amount=self.number(each, "cbc:Amount"),
                percent=self.number(each, "cbc:MultiplierFactorNumeric"),
                base=self.number(each, "cbc:BaseAmount"),
                reason=_said(each, "cbc:AllowanceChargeReason"),
                reason_code=_said(each, "cbc:AllowanceChargeReasonCode"),
                tax=self.tax(_children(category[0])) if category else None,
                currency=_currency(each, "cbc:Amount"),
                line=line_of(element),
            )

    def tax_totals(self, elements: list[etree._Element]) -> Iterator[TaxTotal]:
        for element in elements:
            each = _children(element)
            yield TaxTotal(
                self.number(each, "cbc:TaxAmount"),
                _currency(each, "cbc:TaxAmount"),
                tuple(self.subtotals(each.get("cac:TaxSubtotal", []))),
                line_of(element),
            )

    def subtotals(self, elements: list[etree._Element]) -> Iterator[TaxSubtotal]:
        for element in elements:
            each = _children(element)
            yield TaxSubtotal(
                taxable=self.number(each, "cbc:TaxableAmount"),
                amount=self.number(each, "cbc:TaxAmount"),
                tax=self.tax(_within(each, "cac:TaxCategory")),
                currency=_currency(each, "cbc:TaxAmount"),
                line=line_of(element),
            )

    def totals(self, children: Children) -> Totals:
        found = children.get("cac:LegalMonetaryTotal")
        if not found:
            return Totals()
        each = _children(found[0])
        return Totals(
            line_sum=self.number(each, "cbc:LineExtensionAmount"),
            tax_exclusive=self.number(each, "cbc:TaxExclusiveAmount"),
            tax_inclusive=self.number(each, "cbc:TaxInclusiveAmount"),
            allowance=self.number(each, "cbc:AllowanceTotalAmount"),
            charge=self.number(each, "cbc:ChargeTotalAmount"),
            prepaid=self.number(each, "cbc:PrepaidAmount"),
            rounding=self.number(each, "cbc:PayableRoundingAmount"),
            payable=self.number(each, "cbc:PayableAmount"),
            currency=_currency(each, "cbc:PayableAmount"),
            line=line_of(found[0]),
        )

    def price(self, children: Children) -> Price:
        found = children.get("cac:Price")
        if not found:
            return Price()
        each = _children(found[0])
        base = each.get("cbc:BaseQuantity")
        rebate = _within(each, "cac:AllowanceCharge")
        return Price(
            amount=self.number(each, "cbc:PriceAmount"),
            base_quantity=self.number(each, "cbc:BaseQuantity"),
            base_unit=base[0].get("unitCode") if base else None,
            gross=self.number(rebate, "cbc:BaseAmount"),
            discount=self.number(rebate, "cbc:Amount"),
            currency=_currency(each, "cbc:PriceAmount"),
            has_charge=bool(self.flag(rebate, "cbc:ChargeIndicator")),
            line=line_of(found[0]),
        )

    def properties(self, elements: list[etree._Element]) -> Iterator[ItemProperty]:
        for element in elements:
            # A line has several of them: the first text of each name is all there is to read.
            said = {_SHORT[child.tag]: child.text or "" for child in reversed(element)}
            yield ItemProperty(said.get("cbc:Name", "").strip(_SPACE), said.get("cbc:Value", "").strip(_SPACE))

    def lines(self, elements: list[etree._Element]) -> Iterator[Line]:
        counted = "cbc:InvoicedQuantity" if self.kind == "invoice" else "cbc:CreditedQuantity"
        for element in elements:
            each = _children(element)
            item = _within(each, "cac:Item")
            quantity = each.get(counted)
            yield Line(
                id=_said(each, "cbc:ID"),
                quantity=self.number(each, counted),
                net=self.number(each, "cbc:LineExtensionAmount"),
                name=_said(item, "cbc:Name"),
                unit=quantity[0].get("unitCode") if quantity else None,
                price=self.price(each),
                tax=self.tax(_within(item, "cac:ClassifiedTaxCategory")),
                allowances=tuple(self.allowances(each.get("cac:AllowanceCharge", []))),
                period=self.period(each),
                order_line=_said(_within(each, "cac:OrderLineReference"), "cbc:LineID"),
                order=_said(_within(each, "cac:OrderLineReference", "cac:OrderReference"), "cbc:ID"),
                preceding=tuple(self.billing_references(each.get("cac:BillingReference", []))),
                accounting_cost=_said(each, "cbc:AccountingCost"),
                note=_said(each, "cbc:Note"),
                description=_said(item, "cbc:Description"),
                seller_item=_said(_within(item, "cac:SellersItemIdentification"), "cbc:ID"),
                buyer_item=_said(_within(item, "cac:BuyersItemIdentification"), "cbc:ID"),
                standard_item=self.identifier(_within(item, "cac:StandardItemIdentification"), "cbc:ID"),
                properties=tuple(self.properties(item.get("cac:AdditionalItemProperty", []))),
                currency=_currency(each, "cbc:LineExtensionAmount"),
                line=line_of(element),
            )

    def attachments(self, elements: list[etree._Element]) -> Iterator[Attachment]:
        for element in elements:
            each = _children(element)
            attached = _within(each, "cac:Attachment")
            inside = attached.get("cbc:EmbeddedDocumentBinaryObject")
            yield Attachment(
                id=_said(each, "cbc:ID"),
                description=_said(each, "cbc:DocumentDescription"),
                filename=inside[0].get("filename") if inside else None,
                mime=inside[0].get("mimeCode") if inside else None,
                content=self.content(inside[0]) if inside else None,
                uri=_said(_within(attached, "cac:ExternalReference"), "cbc:URI"),
                type_code=_said(each, "cbc:DocumentTypeCode"),
                line=line_of(element),
            )

    def document(self, root: etree._Element) -> Document:
        each = _children(root)
        order = _within(each, "cac:OrderReference")
        means = tuple(self.payment_means(each.get("cac:PaymentMeans", [])))
        due = self.day(each, "cbc:DueDate") or next((one.due_date for one in means if one.due_date), None)
        code, line = (
            ("cbc:InvoiceTypeCode", "cac:InvoiceLine")
            if self.kind == "invoice"
            else ("cbc:CreditNoteTypeCode", "cac:CreditNoteLine")
        )
        return Document(
            kind=self.kind,
            number=_said(each, "cbc:ID"),
            issue_date=self.day(each, "cbc:IssueDate"),
            type_code=_said(each, code),
            due_date=due,
            tax_point_date=self.day(each, "cbc:TaxPointDate"),
            customization=_said(each, "cbc:CustomizationID"),
            profile=_said(each, "cbc:ProfileID"),
            currency=_said(each, "cbc:DocumentCurrencyCode"),
            tax_currency=_said(each, "cbc:TaxCurrencyCode"),
            buyer_reference=_said(each, "cbc:BuyerReference"),
            order=_said(order, "cbc:ID"),
            sales_order=_said(order, "cbc:SalesOrderID"),
            contract=_said(_within(each, "cac:ContractDocumentReference"), "cbc:ID"),
            project=_said(_within(each, "cac:ProjectReference"), "cbc:ID"),
            accounting_cost=_said(each, "cbc:AccountingCost"),
            billing_references=tuple(self.billing_references(each.get("cac:BillingReference", []))),
            period=self.period(each),
            seller=self.party_at(each, "cac:AccountingSupplierParty", "cac:Party") or Party(),
            buyer=self.party_at(each, "cac:AccountingCustomerParty", "cac:Party") or Party(),
            payee=self.party_at(each, "cac:PayeeParty"),
            tax_representative=self.party_at(each, "cac:TaxRepresentativeParty"),
            delivered_on=self.day(_within(each, "cac:Delivery"), "cbc:ActualDeliveryDate"),
            payment_means=means,
            payment_terms=_said(_within(each, "cac:PaymentTerms"), "cbc:Note"),
            allowances=tuple(self.allowances(each.get("cac:AllowanceCharge", []))),
            tax_totals=tuple(self.tax_totals(each.get("cac:TaxTotal", []))),
            totals=self.totals(each),
            lines=tuple(self.lines(each.get(line, []))),
            attachments=tuple(self.attachments(each.get("cac:AdditionalDocumentReference", []))),
            notes=tuple(text for one in each.get("cbc:Note", []) if (text := _text(one))),
            faults=tuple(self.faults),
        )
