"""Expected charges on the wire: what `charges --json` prints and the API answers, and why a line is what it is."""

from __future__ import annotations

from typing import Any

from billing.charges.charging import Charges
from billing.rating.lines import Line
from billing.schemas.price import dump_line
from contracts.terms.money import format_amount


def dump_charges(charges: Charges) -> dict[str, Any]:
    """Write the expected charges of a period: its name, the total excluding VAT, and every line with its id."""
    return {
        "quarter": charges.period.label(),
        "total": format_amount(charges.total),
        "lines": [dump_charge(line) for line in charges.lines],
    }


def dump_charge(line: Line) -> dict[str, Any]:
    """Write a line as a price answer does, with its stable id first."""
    return {"id": line.id} | dump_line(line)
