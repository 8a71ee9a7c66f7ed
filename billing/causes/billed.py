"""What a vendor's document bills, in the words of the agreement and apart from any file format.

A document is read elsewhere; here its lines already name trust, algorithm and charge by their codes, as far as the document
names them at all. What it does not name is None. Amounts carry their effect: a credit note's are negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from contracts.terms.period import Period

ZERO = Decimal("0.00")
ONE = Decimal(1)

DocumentKind = Literal["invoice", "credit_note"]


@dataclass(frozen=True, slots=True)
class BilledLine:
    """Hold one billed line, excluding VAT.

    `price` is for `base_quantity` units and without sign; `allowance` is what the line's own allowances less its charges take
    off (positive is less to pay) and `rate` the share they are of quantity × price, where the line says so. `net` is the line
    as billed, whatever it should have been. `period` is half-open. `why` is the kind of line (`adjustment`, `flat_fee`, …)
    where the line names one. `text` is every word of the line that may name something.
    """

    id: str
    net: Decimal
    quantity: Decimal | None = None
    price: Decimal | None = None
    base_quantity: Decimal = ONE
    allowance: Decimal = ZERO
    text: str = ""
    item: str | None = None
    trust: str | None = None
    algorithm: str | None = None
    charge: str | None = None
    period: Period | None = None
    tier: int | None = None
    phase: int | None = None
    why: str | None = None
    reference: str | None = None

    @property
    def unit_price(self) -> Decimal | None:
        """Return the price of one unit, None where there is none or its base is no number to divide by."""
        if self.price is None or not self.base_quantity:
            return None
        return self.price / self.base_quantity

    @property
    def own_gross(self) -> Decimal | None:
        """Return quantity × price, unrounded; None where the line has not both."""
        price = self.unit_price
        return None if price is None or self.quantity is None else self.quantity * price

    @property
    def own_net(self) -> Decimal | None:
        """Return quantity × price less allowances, rounded half up to øre: what the line should come to by itself."""
        gross = self.own_gross
        return None if gross is None else gross.quantize(ZERO, "ROUND_HALF_UP") - self.allowance

    @property
    def rate(self) -> Decimal:
        """Return the share of quantity × price that the allowances take off, to four decimals; 0 where there is none."""
        gross = self.own_gross
        return ZERO if not gross or not self.allowance else (self.allowance / gross).quantize(Decimal("0.0001"))

    @property
    def is_sum(self) -> bool:
        """Tell whether the line is one of a sum, which shows no count and no price: quantity 1 or −1, and no tier named."""
        return self.quantity in (1, -1) and self.tier is None

    @property
    def identity(self) -> tuple[object, ...]:
        """Return what two lines share that bill the same thing twice."""
        return (
            self.trust,
            self.algorithm,
            self.charge,
            self.period,
            self.tier,
            self.phase,
            self.why,
            self.quantity,
            self.unit_price,
            self.net,
            self.text.casefold(),
        )


@dataclass(frozen=True, slots=True)
class TaxPart:
    """Hold the VAT of one rate in a document; `rate` is a share (0.25)."""

    taxable: Decimal
    amount: Decimal
    rate: Decimal


@dataclass(frozen=True, slots=True)
class BilledDocument:
    """Hold one invoice or credit note; amounts carry their effect, negative where they take off.

    `tax_exclusive` is the document's own total and may differ from the sum of its lines; `allowances` are those of the whole
    document less its charges (positive is less to pay). `rules` are the ids of the document rules it breaks.
    """

    number: str
    kind: DocumentKind
    currency: str
    lines: tuple[BilledLine, ...]
    issued_on: date | None = None
    due_on: date | None = None
    period: Period | None = None
    seller: str | None = None
    buyer: str | None = None
    buyer_reference: str | None = None
    order_reference: str | None = None
    contract_reference: str | None = None
    accounts: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()
    line_sum: Decimal | None = None
    tax_exclusive: Decimal | None = None
    allowances: Decimal = ZERO
    tax: Decimal | None = None
    tax_parts: tuple[TaxPart, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def net(self) -> Decimal:
        """Return the document's total excluding VAT: its own, else what its lines and allowances come to."""
        return self.tax_exclusive if self.tax_exclusive is not None else self.own_net

    @property
    def own_net(self) -> Decimal:
        """Return the sum of the lines as billed less the document's allowances."""
        return sum((line.net for line in self.lines), ZERO) - self.allowances

    @property
    def content(self) -> tuple[tuple[str, ...], ...]:
        """Return what the lines say, whatever their order and ids: equal in two documents that bill the same."""
        return tuple(sorted(tuple(str(part) for part in line.identity) for line in self.lines))
