"""Numbers and days as people write them in forms and sheets, brought to the plain form that terms are read from.

Digits may be grouped by spaces; the decimals follow a point or a comma. Nothing is guessed: a comma before exactly three
digits may be a thousand or a decimal, and a price that is a thousand times too large is not found by looking at it, so such a
number is refused with the two ways to write it.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Literal

from contracts.terms.period import in_calendar

Language = Literal["nb", "en"]

_SPACES = " \u00a0\u202f\u2009"
_GROUPED = re.compile(rf"-?(?:[0-9]+|[0-9]{{1,3}}(?:[{_SPACES}][0-9]{{3}})+)(?:[.,][0-9]+)?", re.ASCII)
_AMBIGUOUS = re.compile(r".*,[0-9]{3}", re.ASCII)
# What a double tells apart: a decimal of at most so many digits comes back from its double unharmed.
_DIGITS_OF_A_DOUBLE = 15


def read_day(text: str) -> date:
    """Read an ISO day; ValueError for another writing, and for a day outside the years that agreements are of.

    >>> read_day("2026-10-15")
    datetime.date(2026, 10, 15)
    """
    return in_calendar(date.fromisoformat(text))


class NotANumber(ValueError):
    """Refuse a text or a cell that is no decimal number; ``code`` names why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def plain_number(text: str) -> str:
    """Return a number without its grouping and with a point; NotANumber where it is none or could be two.

    >>> plain_number("1 234,50"), plain_number("14.4"), plain_number("−3")
    ('1234.50', '14.4', '-3')
    """
    written = text.strip().replace("\u2212", "-")
    if _GROUPED.fullmatch(written) is None:
        raise NotANumber("not_a_decimal", f"{text!r} is not a number.")
    bare = re.sub(f"[{_SPACES}]", "", written)
    if _AMBIGUOUS.fullmatch(bare):
        whole, _, decimals = bare.partition(",")
        detail = f"{text!r} may be a thousand or a decimal: write {whole}{decimals} or {whole},{decimals}0."
        raise NotANumber("ambiguous_number", detail)
    return bare.replace(",", ".")


def plain_double(value: float) -> str:
    """Return the decimal that a spreadsheet's double stands for; NotANumber where it cannot be one that was written.

    A decimal of at most 15 digits and its double belong to each other; one that needs more is the result of arithmetic.

    >>> plain_double(14.4), plain_double(25000.0)
    ('14.4', '25000')
    """
    exact = Decimal(repr(value))
    if not exact.is_finite() or len(exact.normalize().as_tuple().digits) > _DIGITS_OF_A_DOUBLE:
        detail = f"The cell holds the binary number {value!r}, which is no decimal that was written: write it as text."
        raise NotANumber("binary_number", detail)
    return format(exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact, "f")


def N_(msgid: str) -> str:
    """Mark a source string that lies in data and is translated where it is shown."""
    return msgid
