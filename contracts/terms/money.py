"""Money as exact decimal kroner at the edges and as whole øre inside.

An amount is written with at most two decimals, a unit price with at most six and a discount or an index factor with at
most four. What has more is refused where it is read: nothing is ever rounded on its way in, and no amount passes through
a binary float. Calculations run on integers (øre, 10⁻⁶ kr, 10⁻⁴) and round once, where pricing.md §2.3 §2.4 §4.9 say so.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from functools import lru_cache
from typing import Final

AMOUNT_DECIMALS = 2
UNIT_PRICE_DECIMALS = 6
RATE_DECIMALS = 4

# What a sum of amounts starts from, so that an empty one is written 0.00.
ZERO: Final = Decimal("0.00")

MICRO = 10**UNIT_PRICE_DECIMALS
RATE = 10**RATE_DECIMALS

# Twelve digits before the point hold every price of this world; a longer text is an attack or an accident.
_WRITTEN = re.compile(r"-?[0-9]{1,12}(?:\.([0-9]{1,12}))?", re.ASCII)
# The default context has 28 digits and a sum must never meet its rounding.
_EXACT = Context(prec=100)


def parse_amount(text: str, places: int) -> Decimal:
    """Read a decimal as it is written, with at most `places` decimals.

    Refuses exponents, NaN, infinities, signs other than one minus, blanks and more decimals than `places`.

    >>> parse_amount("60.00", 2)
    Decimal('60.00')

    Raises ValueError; never rounds (pricing.md §1.5).
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ValueError("is not a plain decimal number")
    if len(written[1] or "") > places:
        raise ValueError(f"has more than {places} decimals")
    return Decimal(text)


def scaled(value: Decimal, places: int) -> int:
    """Return the whole number of 10⁻ᵖˡᵃᶜᵉˢ in a decimal; ValueError where it is not whole."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("is not a finite number")
    magnitude = int("".join(map(str, digits)))
    shift = exponent + places
    if shift < 0:
        magnitude, rest = divmod(magnitude, int("1" + "0" * -shift))
        if rest:
            raise ValueError(f"has more than {places} decimals")
    else:
        magnitude *= int("1" + "0" * shift)
    return -magnitude if sign else magnitude


def ore(amount: Decimal) -> int:
    """Return an amount of kroner in øre; ValueError where it is not whole øre."""
    return scaled(amount, AMOUNT_DECIMALS)


def kroner(whole_ore: int) -> Decimal:
    """Return øre as kroner with two decimals.

    >>> kroner(-5)
    Decimal('-0.05')
    """
    return Decimal(whole_ore).scaleb(-AMOUNT_DECIMALS, _EXACT)


@lru_cache(maxsize=1024)  # an agreement has a handful of prices, and thousands of lines have them
def unit_price(micro: int) -> Decimal:
    """Return a unit price from 10⁻⁶ kr."""
    return Decimal(micro).scaleb(-UNIT_PRICE_DECIMALS, _EXACT)


def rate(ten_thousandths: int) -> Decimal:
    """Return a discount from ten-thousandths."""
    return Decimal(ten_thousandths).scaleb(-RATE_DECIMALS, _EXACT)


def round_half_up(numerator: int, denominator: int) -> int:
    """Divide two integers and round half away from zero, for negative amounts too.

    >>> round_half_up(5, 2), round_half_up(-5, 2)
    (3, -3)
    """
    if numerator >= 0:
        return (2 * numerator + denominator) // (2 * denominator)
    return -((denominator - 2 * numerator) // (2 * denominator))


def round_half_even(numerator: int, denominator: int) -> int:
    """Divide two integers and round half to the even neighbour.

    >>> round_half_even(5, 2), round_half_even(7, 2), round_half_even(-5, 2)
    (2, 4, -2)
    """
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def format_amount(amount: Decimal) -> str:
    """Write an amount with exactly two decimals and a point.

    >>> format_amount(Decimal("1234.5"))
    '1234.50'
    """
    return f"{amount:.2f}"


def format_unit_price(price: Decimal) -> str:
    """Write a unit price with at least two decimals and no more than needed.

    >>> format_unit_price(Decimal("60.000000")), format_unit_price(Decimal("4.1250"))
    ('60.00', '4.125')
    """
    whole, _, decimals = f"{price:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def format_rate(rate: Decimal) -> str:
    """Write a rate without trailing zeros.

    >>> format_rate(Decimal("0.50")), format_rate(Decimal("0.0000"))
    ('0.5', '0')
    """
    text = f"{rate:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
