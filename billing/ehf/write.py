"""Write an EHF file: the pro-forma of what we expect to be billed, a credit note, or any `Document` back to bytes.

`write_invoice` takes a draft whose lines are already rated: quantity, unit price and net amount come from the one
place that multiplies a price by a quantity, and here they are only added up. The sum of the lines is the sum of
rounded lines; tax is computed once per category and rate, on that rate's sum, never per line.

    quantity 1200 at 60.00, less 25 %    base 72000.00, allowance 18000.00, net 54000.00
    quantity -1 at 1500.00               net -1500.00 (an amount of money: EN 16931 knows no negative price)
    sum of the lines 52500.00, tax 25 % of it 13125.00, to pay 65625.00

A graduated charge is one line per tier and a ramp discount is the line's allowance (reason code 95), so that every
line adds up by itself (PEPPOL-EN16931-R120). The same draft gives the same bytes. What is written has passed `check`
with no fatal finding, else `InvalidDraft` is raised: a pro-forma that breaks the rules never leaves the house.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final

from lxml import etree

from billing.ehf.document import (
    VAT_SCHEME,
    Address,
    AllowanceCharge,
    Attachment,
    BillingReference,
    Contact,
    Document,
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
from billing.ehf.parse import CAC, CBC, UBL, parse
from billing.ehf.rules import ORGANISATION_SCHEME, PRECISION, Finding, check

CUSTOMIZATION: Final = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROFILE: Final = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
TYPE_CODES: Final[dict[Kind, str]] = {"invoice": "380", "credit_note": "381"}
DISCOUNT_CODE: Final = "95"
ONE: Final = "C62"
"""The unit code of a thing counted; "EA" means the same, and not every reader knows it."""
ORE: Final = Decimal("0.01")
STANDARD_VAT: Final = Tax("S", Decimal(25))


class InvalidDraft(ValueError):
    """Say why a draft cannot be written: the fatal findings its document would have."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(f"{each.rule}: {each.detail}" for each in findings))


@dataclass(frozen=True, slots=True)
class Discount:
    """A line's discount: `percent` (60 is sixty per cent) of `base` is `amount`, rounded to øre by the rating."""

    percent: Decimal
    base: Decimal
    amount: Decimal
    reason: str | None = None
    reason_code: str = DISCOUNT_CODE


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A rated line: `net` is quantity times unit price (for `base_quantity` units), less the discount.

    Amounts have two decimals at most; a unit price is never negative. `vat` is the draft's where it is `None`.
    """

    name: str
    quantity: Decimal
    unit_price: Decimal
    net: Decimal
    item_id: str | None = None
    unit: str = ONE
    base_quantity: Decimal | None = None
    discount: Discount | None = None
    period: Period | None = None
    properties: tuple[ItemProperty, ...] = ()
    note: str | None = None
    description: str | None = None
    order_line: str | None = None
    accounting_cost: str | None = None
    vat: Tax | None = None

    @classmethod
    def from_amount(
        cls,
        name: str,
        amount: Decimal,
        *,
        item_id: str | None = None,
        period: Period | None = None,
        properties: tuple[ItemProperty, ...] = (),
    ) -> "DraftLine":
        """Make the line of an amount of money (a fee, a minimum): quantity 1, or -1 where the amount is negative."""
        quantity = Decimal(-1 if amount < 0 else 1)
        return cls(name, quantity, abs(amount), amount, item_id=item_id, period=period, properties=properties)


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice or credit note to be written; a credit note's amounts are positive where they take money off."""

    number: str
    issue_date: date
    seller: Party
    buyer: Party
    lines: tuple[DraftLine, ...]
    kind: Kind = "invoice"
    type_code: str | None = None
    currency: str = "NOK"
    due_date: date | None = None
    payment_terms: str | None = None
    payment_means: tuple[PaymentMeans, ...] = ()
    buyer_reference: str | None = None
    order: str | None = None
    contract: str | None = None
    accounting_cost: str | None = None
    billing_references: tuple[BillingReference, ...] = ()
    period: Period | None = None
    note: str | None = None
    attachments: tuple[Attachment, ...] = ()
    vat: Tax = field(default=STANDARD_VAT)
    rounding: str = ROUND_HALF_UP


def norwegian_party(
    name: str,
    organisation_number: str,
    *,
    street: str | None = None,
    postal_code: str | None = None,
    city: str | None = None,
    contact: Contact | None = None,
    vat_registered: bool = True,
    in_register: bool = False,
) -> Party:
    """Make a party with an organisation number, reached at that number (scheme 0192).

    `in_register` adds "Foretaksregisteret" (NO-R-002), which a Norwegian company states as a seller.
    """
    own = Identifier(organisation_number, ORGANISATION_SCHEME)
    registrations = [TaxRegistration(f"NO{organisation_number}MVA", VAT_SCHEME)] if vat_registered else []
    if in_register:
        registrations.append(TaxRegistration("Foretaksregisteret", "TAX"))
    return Party(
        legal_name=name,
        organisation=own,
        endpoint=own,
        registrations=tuple(registrations),
        address=Address("NO", street=street, postal_code=postal_code, city=city),
        contact=contact,
    )


def write_invoice(draft: Draft) -> bytes:
    """Write the draft as an EHF file that breaks no fatal rule; raise `InvalidDraft` where it would.

    A `ValueError` is raised too for an amount with more than two decimals and for text that XML cannot hold.
    """
    data = to_bytes(compose(draft))
    fatal = [finding for finding in check(parse(data), data) if finding.severity == "fatal"]
    if fatal:
        raise InvalidDraft(fatal)
    return data


def compose(draft: Draft) -> Document:
    """Make the document of a draft: number the lines, add them up, put tax on the sum per category and rate."""
    with localcontext(prec=PRECISION):
        lines = tuple(_line(draft, position, line) for position, line in enumerate(draft.lines, start=1))
        subtotals = tuple(_subtotals(draft))
        line_sum = sum((line.net for line in lines if line.net is not None), Decimal("0.00"))
        tax = sum((each.amount for each in subtotals if each.amount is not None), Decimal("0.00"))
    credit = draft.kind == "credit_note"
    return Document(
        kind=draft.kind,
        number=draft.number,
        issue_date=draft.issue_date,
        type_code=draft.type_code or TYPE_CODES[draft.kind],
        due_date=draft.due_date,
        customization=CUSTOMIZATION,
        profile=PROFILE,
        currency=draft.currency,
        buyer_reference=draft.buyer_reference,
        order=draft.order,
        contract=draft.contract,
        accounting_cost=draft.accounting_cost,
        billing_references=draft.billing_references,
        period=draft.period,
        seller=draft.seller,
        buyer=draft.buyer,
        # UBL has no due date on a credit note itself: it stands with the payment means.
        payment_means=tuple(replace(each, due_date=draft.due_date) if credit else each for each in draft.payment_means),
        payment_terms=draft.payment_terms,
        tax_totals=(TaxTotal(tax, draft.currency, subtotals),),
        totals=Totals(
            line_sum=line_sum,
            tax_exclusive=line_sum,
            tax_inclusive=line_sum + tax,
            payable=line_sum + tax,
            currency=draft.currency,
        ),
        lines=lines,
        attachments=draft.attachments,
        notes=(draft.note,) if draft.note else (),
    )


def _money(amount: Decimal) -> Decimal:
    """Write an amount with two decimals; one with more of them is a caller's mistake, not something to round."""
    written = amount.quantize(ORE)
    if written != amount:
        raise ValueError(f"{amount} has more than two decimals")
    return written


def _line(draft: Draft, position: int, line: DraftLine) -> Line:
    vat = line.vat or draft.vat
    discount = line.discount
    allowances: tuple[AllowanceCharge, ...] = ()
    if discount is not None:
        allowances = (
            AllowanceCharge(
                is_charge=False,
                amount=_money(discount.amount),
                percent=discount.percent,
                base=_money(discount.base),
                reason=discount.reason,
                reason_code=discount.reason_code,
                currency=draft.currency,
            ),
        )
    return Line(
        id=str(position),
        quantity=line.quantity,
        net=_money(line.net),
        name=line.name,
        unit=line.unit,
        price=Price(
            line.unit_price,
            line.base_quantity,
            None if line.base_quantity is None else line.unit,
            currency=draft.currency,
        ),
        tax=Tax(vat.category, vat.percent),
        allowances=allowances,
        period=line.period,
        order_line=line.order_line,
        accounting_cost=line.accounting_cost,
        note=line.note,
        description=line.description,
        seller_item=line.item_id,
        properties=line.properties,
        currency=draft.currency,
    )


def _subtotals(draft: Draft) -> list[TaxSubtotal]:
    """Put tax on the sum of each category and rate, in the order they first appear."""
    sums: dict[Tax, Decimal] = {}
    for line in draft.lines:
        vat = line.vat or draft.vat
        sums[vat] = sums.get(vat, Decimal("0.00")) + _money(line.net)
    return [
        TaxSubtotal(
            taxable=taxable,
            amount=(taxable * (vat.percent or Decimal(0)) / 100).quantize(ORE, draft.rounding),
            tax=vat,
            currency=draft.currency,
        )
        for vat, taxable in sums.items()
    ]


# -- bytes ---------------------------------------------------------------------


def to_bytes(document: Document) -> bytes:
    """Write a document as it stands, right or wrong: reading it back gives the same document.

    What is empty is left out. A credit note's due date is that of its payment means.
    """
    invoice = document.kind == "invoice"
    name = "Invoice" if invoice else "CreditNote"
    space = f"{UBL}{name}-2"
    prefixes: dict[Any, str] = {None: space, "cac": CAC, "cbc": CBC}
    root = etree.Element(f"{{{space}}}{name}", nsmap=prefixes)
    _head(root, document)
    _references(root, document)
    for wrapper, party in (("AccountingSupplierParty", document.seller), ("AccountingCustomerParty", document.buyer)):
        _party(_group(_group(root, wrapper), "Party"), party)
    for wrapper, other in (("PayeeParty", document.payee), ("TaxRepresentativeParty", document.tax_representative)):
        if other is not None:
            _party(_group(root, wrapper), other)
    if document.delivered_on is not None:
        _value(_group(root, "Delivery"), "ActualDeliveryDate", document.delivered_on)
    for means in document.payment_means:
        _payment_means(_group(root, "PaymentMeans"), means)
    if document.payment_terms:
        _value(_group(root, "PaymentTerms"), "Note", document.payment_terms)
    for one in document.allowances:
        _allowance(root, one)
    for total in document.tax_totals:
        _tax_total(_group(root, "TaxTotal"), total)
    _totals(_group(root, "LegalMonetaryTotal"), document.totals)
    for line in document.lines:
        _document_line(root, line, invoice=invoice)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def _group(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{CAC}}}{name}")


def _value(
    parent: etree._Element, name: str, value: str | Decimal | date | None, **attributes: str | None
) -> etree._Element | None:
    """Add an element with a text, unless there is none: Peppol forbids empty elements (R008)."""
    text = f"{value:f}" if isinstance(value, Decimal) else value.isoformat() if isinstance(value, date) else value
    if text is None or not text.strip():
        return None
    element = etree.SubElement(parent, f"{{{CBC}}}{name}")
    element.text = text
    for key, given in attributes.items():
        if given is not None:
            element.set(key, given)
    return element


def _identifier(parent: etree._Element, name: str, identifier: Identifier | None) -> None:
    if identifier is not None:
        _value(parent, name, identifier.value, schemeID=identifier.scheme)


def _within(parent: etree._Element, group: str, name: str, value: str | Decimal | date | None) -> None:
    """Add a group that holds one value, or nothing where the value is missing."""
    if value is not None:
        _value(_group(parent, group), name, value)


def _head(root: etree._Element, document: Document) -> None:
    invoice = document.kind == "invoice"
    _value(root, "CustomizationID", document.customization)
    _value(root, "ProfileID", document.profile)
    _value(root, "ID", document.number)
    _value(root, "IssueDate", document.issue_date)
    if invoice:
        _value(root, "DueDate", document.due_date)
        _value(root, "InvoiceTypeCode", document.type_code)
    else:
        _value(root, "TaxPointDate", document.tax_point_date)
        _value(root, "CreditNoteTypeCode", document.type_code)
    for note in document.notes:
        _value(root, "Note", note)
    if invoice:
        _value(root, "TaxPointDate", document.tax_point_date)
    _value(root, "DocumentCurrencyCode", document.currency)
    _value(root, "TaxCurrencyCode", document.tax_currency)
    _value(root, "AccountingCost", document.accounting_cost)
    _value(root, "BuyerReference", document.buyer_reference)
    _period(root, document.period)


def _references(root: etree._Element, document: Document) -> None:
    if document.order or document.sales_order:
        order = _group(root, "OrderReference")
        _value(order, "ID", document.order)
        _value(order, "SalesOrderID", document.sales_order)
    _preceding(root, document.billing_references)
    _within(root, "ContractDocumentReference", "ID", document.contract)
    for attachment in document.attachments:
        _attachment(_group(root, "AdditionalDocumentReference"), attachment)
    _within(root, "ProjectReference", "ID", document.project)


def _preceding(group: etree._Element, references: Sequence[BillingReference]) -> None:
    for reference in references:
        billed = _group(_group(group, "BillingReference"), "InvoiceDocumentReference")
        _value(billed, "ID", reference.number)
        _value(billed, "IssueDate", reference.issued_on)


def _attachment(group: etree._Element, attachment: Attachment) -> None:
    _value(group, "ID", attachment.id)
    _value(group, "DocumentTypeCode", attachment.type_code)
    _value(group, "DocumentDescription", attachment.description)
    if attachment.content is None and attachment.uri is None:
        return
    holder = _group(group, "Attachment")
    if attachment.content is not None:
        inside = base64.b64encode(attachment.content).decode("ascii")
        _value(holder, "EmbeddedDocumentBinaryObject", inside, mimeCode=attachment.mime, filename=attachment.filename)
    _within(holder, "ExternalReference", "URI", attachment.uri)


def _period(parent: etree._Element, period: Period | None) -> None:
    if period is not None:
        group = _group(parent, "InvoicePeriod")
        _value(group, "StartDate", period.start)
        _value(group, "EndDate", period.end)


def _party(group: etree._Element, party: Party) -> None:
    _identifier(group, "EndpointID", party.endpoint)
    for each in party.identifiers:
        _identifier(_group(group, "PartyIdentification"), "ID", each)
    _within(group, "PartyName", "Name", party.trading_name)
    if party.address is not None:
        _address(_group(group, "PostalAddress"), party.address)
    for registration in party.registrations:
        scheme = _group(group, "PartyTaxScheme")
        _value(scheme, "CompanyID", registration.company_id)
        _within(scheme, "TaxScheme", "ID", registration.scheme)
    if party.legal_name or party.organisation or party.legal_form:
        legal = _group(group, "PartyLegalEntity")
        _value(legal, "RegistrationName", party.legal_name)
        _identifier(legal, "CompanyID", party.organisation)
        _value(legal, "CompanyLegalForm", party.legal_form)
    if party.contact is not None:
        contact = _group(group, "Contact")
        _value(contact, "Name", party.contact.name)
        _value(contact, "Telephone", party.contact.telephone)
        _value(contact, "ElectronicMail", party.contact.email)


def _address(group: etree._Element, address: Address) -> None:
    _value(group, "StreetName", address.street)
    _value(group, "AdditionalStreetName", address.additional_street)
    _value(group, "CityName", address.city)
    _value(group, "PostalZone", address.postal_code)
    _value(group, "CountrySubentity", address.subdivision)
    _within(group, "AddressLine", "Line", address.extra_line)
    _within(group, "Country", "IdentificationCode", address.country)


def _payment_means(group: etree._Element, means: PaymentMeans) -> None:
    _value(group, "PaymentMeansCode", means.code)
    _value(group, "PaymentDueDate", means.due_date)
    _value(group, "PaymentID", means.payment_id)
    if means.account is not None:
        account = _group(group, "PayeeFinancialAccount")
        _value(account, "ID", means.account)
        _value(account, "Name", means.account_name)
        _within(account, "FinancialInstitutionBranch", "ID", means.bank)


def _tax_category(group: etree._Element, tax: Tax) -> None:
    _value(group, "ID", tax.category)
    _value(group, "Percent", tax.percent)
    _value(group, "TaxExemptionReasonCode", tax.exemption_code)
    _value(group, "TaxExemptionReason", tax.exemption_reason)
    _value(_group(group, "TaxScheme"), "ID", VAT_SCHEME)


def _allowance(parent: etree._Element, one: AllowanceCharge) -> None:
    group = _group(parent, "AllowanceCharge")
    if one.is_charge is not None:
        _value(group, "ChargeIndicator", "true" if one.is_charge else "false")
    _value(group, "AllowanceChargeReasonCode", one.reason_code)
    _value(group, "AllowanceChargeReason", one.reason)
    _value(group, "MultiplierFactorNumeric", one.percent)
    _value(group, "Amount", one.amount, currencyID=one.currency)
    _value(group, "BaseAmount", one.base, currencyID=one.currency)
    if one.tax is not None:
        _tax_category(_group(group, "TaxCategory"), one.tax)


def _tax_total(group: etree._Element, total: TaxTotal) -> None:
    _value(group, "TaxAmount", total.amount, currencyID=total.currency)
    for each in total.subtotals:
        subtotal = _group(group, "TaxSubtotal")
        _value(subtotal, "TaxableAmount", each.taxable, currencyID=each.currency)
        _value(subtotal, "TaxAmount", each.amount, currencyID=each.currency)
        _tax_category(_group(subtotal, "TaxCategory"), each.tax)


def _totals(group: etree._Element, totals: Totals) -> None:
    for name, amount in (
        ("LineExtensionAmount", totals.line_sum),
        ("TaxExclusiveAmount", totals.tax_exclusive),
        ("TaxInclusiveAmount", totals.tax_inclusive),
        ("AllowanceTotalAmount", totals.allowance),
        ("ChargeTotalAmount", totals.charge),
        ("PrepaidAmount", totals.prepaid),
        ("PayableRoundingAmount", totals.rounding),
        ("PayableAmount", totals.payable),
    ):
        _value(group, name, amount, currencyID=totals.currency)


def _document_line(root: etree._Element, line: Line, *, invoice: bool) -> None:
    group = _group(root, "InvoiceLine" if invoice else "CreditNoteLine")
    _value(group, "ID", line.id)
    _value(group, "Note", line.note)
    _value(group, "InvoicedQuantity" if invoice else "CreditedQuantity", line.quantity, unitCode=line.unit)
    _value(group, "LineExtensionAmount", line.net, currencyID=line.currency)
    _value(group, "AccountingCost", line.accounting_cost)
    _period(group, line.period)
    if line.order_line is not None or line.order is not None:
        ordered = _group(group, "OrderLineReference")
        _value(ordered, "LineID", line.order_line)
        _within(ordered, "OrderReference", "ID", line.order)
    _preceding(group, line.preceding)
    for one in line.allowances:
        _allowance(group, one)
    _item(_group(group, "Item"), line)
    _price(group, line.price)


def _item(group: etree._Element, line: Line) -> None:
    _value(group, "Description", line.description)
    _value(group, "Name", line.name)
    _within(group, "BuyersItemIdentification", "ID", line.buyer_item)
    _within(group, "SellersItemIdentification", "ID", line.seller_item)
    if line.standard_item is not None:
        _identifier(_group(group, "StandardItemIdentification"), "ID", line.standard_item)
    if line.tax.category is not None:
        _tax_category(_group(group, "ClassifiedTaxCategory"), line.tax)
    for each in line.properties:
        one = _group(group, "AdditionalItemProperty")
        _value(one, "Name", each.name)
        _value(one, "Value", each.value)


def _price(parent: etree._Element, price: Price) -> None:
    if price.amount is None:
        return
    group = _group(parent, "Price")
    _value(group, "PriceAmount", price.amount, currencyID=price.currency)
    _value(group, "BaseQuantity", price.base_quantity, unitCode=price.base_unit)
    if price.discount is not None or price.gross is not None:
        rebate = _group(group, "AllowanceCharge")
        _value(rebate, "ChargeIndicator", "true" if price.has_charge else "false")
        _value(rebate, "Amount", price.discount, currencyID=price.currency)
        _value(rebate, "BaseAmount", price.gross, currencyID=price.currency)
