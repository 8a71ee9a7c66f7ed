"""Where a vendor writes the discount: on the line, inside its unit price, or taken off the whole document.

Expected lines carry it on the line. So that what a rated line comes to can be held against what such a vendor would bill to the
øre, a rated line is read here as the vendor would write it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.causes.billed import BilledDocument, BilledLine
from billing.causes.matching import MatchGroup, Subject, quantity_and_price
from billing.rating.lines import Line

ORE = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Style:
    """Hold where the discount stands: `in_price` inside the unit prices, `below` under all the lines, else on each line."""

    in_price: bool = False
    below: bool = False

    def net_ore(self, line: Line) -> int:
        """Return what a rated line comes to as this vendor writes it, in øre; a discount below the lines is not in it.

        A price that holds the discount is rounded once with its quantity, half up, where a line's own discount is rounded by
        itself: the two may differ by an øre.
        """
        if not line.discount_ore:
            return line.net_ore
        if self.below:
            return line.gross_ore
        if self.in_price and line.quantity is not None and line.unit_price is not None:
            amount = line.quantity * self.unit_price(line)
            return int((amount / ORE).to_integral_value("ROUND_HALF_UP"))
        return line.net_ore

    def unit_price(self, line: Line) -> Decimal:
        """Return a rated line's unit price as this vendor writes it."""
        price = quantity_and_price(line)[1]
        if self.in_price and line.discount_rate_e4 and line.quantity is not None:
            return price * (1 - line.discount_rate)
        return price

    def discount(self, line: Line) -> Decimal:
        """Return what this vendor's line shows as its discount."""
        return Decimal("0.00") if self.in_price or self.below else line.discount


def style_of(
    document: BilledDocument, matches: Sequence[MatchGroup], subjects: Sequence[Subject], *, has_ramp: bool
) -> Style:
    """Tell where a document has its discounts: on its lines where any line has one, or is one."""
    on_lines = any(line.allowance for line in document.lines) or any(each.sort == "discount" for each in subjects)
    if not has_ramp or on_lines:
        return Style()
    if document.allowances:
        return Style(below=True)
    # Nobody takes a discount off a price that is lower than the list's but who has it in there, whatever discount it is.
    alone = ((group.billed[0], group.expected[0]) for group in matches if len(group.billed) == len(group.expected) == 1)
    return Style(in_price=any(due.discount_ore and _is_below(line, due) for line, due in alone))


def _is_below(line: BilledLine, due: Line) -> bool:
    prices = line.unit_price, due.unit_price
    return prices[0] is not None and prices[1] is not None and not line.is_sum and prices[0] < prices[1]


def is_price_of(line: BilledLine, due: Line, style: Style) -> bool:
    """Tell whether a line's unit price is that of an expected line, to as many decimals as it shows."""
    if line.unit_price is None:
        return False
    price = style.unit_price(due)
    if line.unit_price == price:
        return True
    exponent = line.unit_price.normalize().as_tuple().exponent
    decimals = max(2, -exponent) if isinstance(exponent, int) else 2
    return style.in_price and price.quantize(Decimal(1).scaleb(-decimals), "ROUND_HALF_UP") == line.unit_price
