"""What an EHF invoice or credit note says, as values.

EHF Billing 3.0 is Peppol BIS Billing 3.0: UBL 2.1 under the rules of EN 16931. A `Document` holds every field
that reconciliation lives on, as the sender wrote it: amounts and prices are `Decimal` with the sender's own number
of decimals, text is trimmed and otherwise untouched, and nothing is computed, so that two documents can be told
apart by what they say and not by what we made of them.

A field that is not there is `None` or an empty tuple. A field that is there but cannot be read (a price of "12,5")
is `None` too, and stands in `Document.faults` with its line. `line` is the line of the file an element starts on;
it takes no part in comparison, so the same document laid out in another way is equal.

Amounts carry the sender's sign. A credit note of 100.00 takes 100.00 off, a negative invoice of -100.00 does the
same: multiply by `Document.sign` to add documents up.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

Kind = Literal["invoice", "credit_note"]

VAT_SCHEME = "VAT"
"""The tax scheme of a VAT registration (BT-31, BT-48); every other scheme is another tax registration (BT-32)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that is not written as it should be; where it cannot be read at all, the field is `None`.

    `path` is the element's place, as `cac:Price/cbc:PriceAmount`; `expected` says in words what the text is not.
    """

    path: str
    text: str
    expected: str
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Period:
    """Hold a period as the document writes it: both days belong to it (BG-14, BG-26)."""

    start: date | None = None
    end: date | None = None
    line: int = field(default=0, compare=False)

    @classmethod
    def from_half_open(cls, start: date, until: date) -> "Period":
        """Write `[start, until)` with its last day: `until` is the first day after the period."""
        return cls(start, until - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier and the scheme it belongs to: "0192" is the Norwegian register of legal entities."""

    value: str
    scheme: str | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TaxRegistration:
    """A registration for tax: scheme "VAT" with "NO...MVA", or "TAX" with "Foretaksregisteret"."""

    company_id: str
    scheme: str | None = VAT_SCHEME
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; EN 16931 asks for the country alone (two letters, ISO 3166-1)."""

    country: str | None = None
    street: str | None = None
    additional_street: str | None = None
    extra_line: str | None = None
    city: str | None = None
    postal_code: str | None = None
    subdivision: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """The person or office to ask (BG-6, BG-9)."""

    name: str | None = None
    telephone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """A seller, buyer, payee or tax representative.

    `legal_name` is the registered name (BT-27), `trading_name` the name in daily use (BT-28); many senders write
    only one of them, so show `name`.
    """

    legal_name: str | None = None
    trading_name: str | None = None
    organisation: Identifier | None = None
    endpoint: Identifier | None = None
    identifiers: tuple[Identifier, ...] = ()
    registrations: tuple[TaxRegistration, ...] = ()
    address: Address | None = None
    contact: Contact | None = None
    legal_form: str | None = None
    line: int = field(default=0, compare=False)

    @property
    def name(self) -> str | None:
        """Give the legal name, or the trading name where that is all there is."""
        return self.legal_name or self.trading_name

    @property
    def organisation_number(self) -> str | None:
        """Give the number of the legal entity (BT-30, BT-47), else the endpoint's if that is of scheme 0192."""
        if self.organisation is not None:
            return self.organisation.value
        if self.endpoint is not None and self.endpoint.scheme == "0192":
            return self.endpoint.value
        return None

    @property
    def vat_id(self) -> str | None:
        """Give the VAT identifier (BT-31, BT-48), as "NO987654325MVA"."""
        return next((each.company_id for each in self.registrations if each.scheme == VAT_SCHEME), None)

    @property
    def country(self) -> str | None:
        """Give the country code of the address."""
        return None if self.address is None else self.address.country


@dataclass(frozen=True, slots=True)
class BillingReference:
    """The invoice a document corrects or credits (BG-3)."""

    number: str
    issued_on: date | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class PaymentMeans:
    """Where to pay: `payment_id` is the KID (BT-83), `account` the bank account (BT-84)."""

    code: str | None = None
    payment_id: str | None = None
    account: str | None = None
    account_name: str | None = None
    bank: str | None = None
    due_date: date | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Tax:
    """A VAT category and its rate in percent: "S" 25, "E" 0 (BT-151, BT-152)."""

    category: str | None = None
    percent: Decimal | None = None
    exemption_reason: str | None = None
    exemption_code: str | None = None


@dataclass(frozen=True, slots=True)
class AllowanceCharge:
    """An allowance, or a charge, on the document (BG-20, BG-21) or on a line (BG-27, BG-28).

    `amount` is without sign: an allowance is taken off. `percent` of `base` gives it (60 is sixty per cent).
    """

    is_charge: bool | None
    amount: Decimal | None
    percent: Decimal | None = None
    base: Decimal | None = None
    reason: str | None = None
    reason_code: str | None = None
    tax: Tax | None = None
    currency: str | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TaxSubtotal:
    """The tax of one category and rate (BG-23)."""

    taxable: Decimal | None
    amount: Decimal | None
    tax: Tax = field(default_factory=Tax)
    currency: str | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """A total of tax in one currency: a document may have a second one in its tax currency (BT-110, BT-111)."""

    amount: Decimal | None
    currency: str | None = None
    subtotals: tuple[TaxSubtotal, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Totals:
    """The document's totals (BG-22), each as written."""

    line_sum: Decimal | None = None
    tax_exclusive: Decimal | None = None
    tax_inclusive: Decimal | None = None
    allowance: Decimal | None = None
    charge: Decimal | None = None
    prepaid: Decimal | None = None
    rounding: Decimal | None = None
    payable: Decimal | None = None
    currency: str | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ItemProperty:
    """A named property of an item (BG-32), as trust, tier or ramp phase."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a line (BG-29): `amount` net, for `base_quantity` units (one where that is not written).

    `gross` less `discount` is `amount`.
    """

    amount: Decimal | None = None
    base_quantity: Decimal | None = None
    base_unit: str | None = None
    gross: Decimal | None = None
    discount: Decimal | None = None
    currency: str | None = None
    has_charge: bool = False
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice or credit note (BG-25).

    `order` and `preceding` are the line's own, where one document is for several orders or corrects several invoices.
    """

    id: str | None
    quantity: Decimal | None
    net: Decimal | None
    name: str | None
    unit: str | None = None
    price: Price = field(default_factory=Price)
    tax: Tax = field(default_factory=Tax)
    allowances: tuple[AllowanceCharge, ...] = ()
    period: Period | None = None
    order_line: str | None = None
    order: str | None = None
    preceding: tuple[BillingReference, ...] = ()
    accounting_cost: str | None = None
    note: str | None = None
    description: str | None = None
    seller_item: str | None = None
    buyer_item: str | None = None
    standard_item: Identifier | None = None
    properties: tuple[ItemProperty, ...] = ()
    currency: str | None = None
    line: int = field(default=0, compare=False)

    def property_value(self, name: str) -> str | None:
        """Give the first item property of that name, whatever its case."""
        wanted = name.casefold()
        for each in self.properties:
            if each.name.casefold() == wanted:
                return each.value
        return None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A supporting document (BG-24): inside the file (`content`), elsewhere (`uri`), or only named."""

    id: str | None
    description: str | None = None
    filename: str | None = None
    mime: str | None = None
    content: bytes | None = None
    uri: str | None = None
    type_code: str | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or a credit note, as read.

    `due_date` is the document's own, or where there is none that of the payment means, which is where a credit note
    has it (a credit note with one of its own is read, and the schema check says that it does not belong there).
    """

    kind: Kind
    number: str | None
    issue_date: date | None
    type_code: str | None = None
    due_date: date | None = None
    tax_point_date: date | None = None
    customization: str | None = None
    profile: str | None = None
    currency: str | None = None
    tax_currency: str | None = None
    buyer_reference: str | None = None
    order: str | None = None
    sales_order: str | None = None
    contract: str | None = None
    project: str | None = None
    accounting_cost: str | None = None
    billing_references: tuple[BillingReference, ...] = ()
    period: Period | None = None
    seller: Party = field(default_factory=Party)
    buyer: Party = field(default_factory=Party)
    payee: Party | None = None
    tax_representative: Party | None = None
    delivered_on: date | None = None
    payment_means: tuple[PaymentMeans, ...] = ()
    payment_terms: str | None = None
    allowances: tuple[AllowanceCharge, ...] = ()
    tax_totals: tuple[TaxTotal, ...] = ()
    totals: Totals = field(default_factory=Totals)
    lines: tuple[Line, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def orders(self) -> tuple[str, ...]:
        """Give the orders named, each once: the document's own, then its lines' in their order."""
        named = (self.order, *(line.order for line in self.lines))
        return tuple(dict.fromkeys(each for each in named if each))

    @property
    def preceding(self) -> tuple[BillingReference, ...]:
        """Give the invoices that are corrected or credited, each once, the document's own first."""
        return tuple(
            dict.fromkeys((*self.billing_references, *(each for line in self.lines for each in line.preceding)))
        )

    @property
    def sign(self) -> int:
        """Give -1 for a credit note and 1 for an invoice; a negative invoice has its sign in its amounts."""
        return -1 if self.kind == "credit_note" else 1

    @property
    def tax(self) -> Decimal | None:
        """Give the tax in the document's own currency; a total in the tax currency is never added to it."""
        return next((each.amount for each in self.tax_totals if each.currency == self.currency), None)

    @property
    def accounts(self) -> tuple[str, ...]:
        """Give the bank accounts named, each once, in the order they stand."""
        return tuple(dict.fromkeys(each.account for each in self.payment_means if each.account))
