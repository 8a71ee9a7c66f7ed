"""How a newly activated algorithm reaches its full volume: evenly, or slowly at first and at the end."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, assert_never

Shape = Literal["linear", "s_curve"]


def adopted(lived: int, over: int, shape: Shape = "linear") -> Decimal:
    """Return the share of the full volume in month number `lived` (1 is that of go-live) of an adoption over `over` months.

    The last month of the adoption, and all after it, have the full volume; the curve is 3x² − 2x³.

    >>> adopted(1, 4), adopted(2, 4, "s_curve"), adopted(9, 4)
    (Decimal('0.25'), Decimal('0.5'), Decimal('1'))
    """
    if lived >= over:
        return Decimal(1)
    share = Decimal(max(lived, 0)) / over
    match shape:
        case "linear":
            return share
        case "s_curve":
            return (3 * share**2 - 2 * share**3).normalize()
        case unknown:
            assert_never(unknown)
