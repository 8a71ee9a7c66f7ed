"""What is due, written as a vendor of a habit writes it: where lines are cut, where the discount stands, what they are named by.

A cut is a function of due lines to billed ones. A billed line is plain: `net`, `quantity`, `price` for `base` units,
`allowance`, whose and what it is for, the months it covers, and `why` for what the vendor itself calls it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from .agreements import PRODUCTS, TRUSTS, Agreed

Document = dict[str, Any]
Lines = list[Document]
ORE = Decimal("0.01")
ZERO = Decimal("0.00")
HALF_UP = "ROUND_HALF_UP"

MONTHS = (
    "januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember",
)  # fmt: skip
AMOUNTS = {
    "fixed": "Driftsavgift", "one_off": "Etablering", "minimum": "Minstebeløp", "maximum": "Avkorting til maksimum",
    "flat_fee": "Fast trinnbeløp", "package": "Pakker", "adjustment": "Etterberegning",
}  # fmt: skip


@dataclass(slots=True)
class Bill:
    """Hold an invoice: its lines, what is taken off the whole of it, and what its header says otherwise."""

    lines: Lines
    allowance: Decimal = ZERO
    header: Document = field(default_factory=dict)
    statement: Lines | None = None
    earlier: list[Bill] = field(default_factory=list)

    @property
    def net(self) -> Decimal:
        """Return the document's total, excluding VAT."""
        return sum((line["net"] for line in self.lines), ZERO) - self.allowance

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """Return what tells two bills apart."""
        lines = sorted(repr({name: value for name, value in line.items() if name != "of"}) for line in self.lines)
        before = [part for each in self.earlier for part in each.fingerprint]
        return (*lines, str(self.allowance), repr(sorted(self.header.items())), *before)


def _line(due: Document) -> Document:
    """Write one due line as itself."""
    is_amount = due["quantity"] is None
    gross, discount = Decimal(due["gross"]), Decimal(due["discount"])
    return {
        "trust": due["trust"], "algorithm": due["algorithm"], "charge": due["charge"], "kind": due["kind"],
        "from": due["period"]["from"], "to": due["period"]["to"], "tier": due["tier"], "phase": due["phase"],
        "why": due["why"], "quantity": Decimal(-1 if gross < 0 else 1) if is_amount else Decimal(due["quantity"]),
        "price": abs(gross) if is_amount else Decimal(due["unit_price"]), "base": Decimal(1), "allowance": discount,
        "net": Decimal(due["net"]), "reprices": (due["reprices"] or {}).get("from"), "gross": gross,
    }  # fmt: skip


def by_tier(due: Lines, agreed: Agreed) -> Lines:
    """Write one line per trust, algorithm, month and tier, the discount as the line's allowance."""
    return [_line(each) for each in due]


def net_price(due: Lines, agreed: Agreed) -> Lines:
    """Write the same with the ramp discount inside the unit price."""
    return [_discount_inside(_line(each)) for each in due]


def _discount_inside(line: Document) -> Document:
    if not line["allowance"]:
        return line
    rate = (line["allowance"] / line["gross"]).quantize(Decimal("0.0001")) if line["gross"] else ZERO
    price = (line["price"] * (1 - rate)).normalize()
    net = (line["quantity"] * price).quantize(ORE, HALF_UP)
    return line | {"price": price, "allowance": ZERO, "net": net}


def per_hundred(due: Lines, agreed: Agreed) -> Lines:
    """Write prices for a hundred examinations."""
    return [
        line | {"price": line["price"] * 100, "base": Decimal(100)} if line["tier"] is not None else line
        for line in map(_line, due)
    ]


def gross_first(due: Lines, agreed: Agreed) -> Lines:
    """Write lines without discount, and each discount as a line of its own that takes off."""
    lines = []
    for line in map(_line, due):
        lines.append(line | {"allowance": ZERO, "net": line["gross"]})
        if line["allowance"]:
            off = line["allowance"]
            minus = {"quantity": Decimal(-1), "price": off, "net": -off, "allowance": ZERO, "tier": None, "why": None}
            lines.append(line | minus | {"name": "Innfasingsrabatt"})
    return lines


def _sums(due: Lines, key: Callable[[Document], tuple[object, ...]], agreed: Agreed, *, counted: bool) -> Lines:
    """Add due lines up by a key of (trust, algorithm, charge, from, to)."""
    parts: dict[tuple[object, ...], Lines] = {}
    for each in due:
        parts.setdefault(key(each), []).append(_line(each))
    lines = []
    for (trust, algorithm, charge, first, until), own in parts.items():
        net = sum((line["net"] for line in own), ZERO)
        units = sum(line["quantity"] for line in own if line["tier"] is not None and line["why"] != "adjustment")
        whys = {line["why"] for line in own}
        shown = counted and units > 0 and net > 0 and all(line["kind"] == "usage" for line in own)
        gross = sum((line["gross"] for line in own), ZERO)
        shown = shown and gross > 0 and whys <= {None, "outside", "adjustment"}
        lines.append(
            {
                "trust": trust, "algorithm": algorithm, "charge": charge, "kind": own[0]["kind"], "from": first,
                "to": until, "tier": None, "phase": None, "why": whys.pop() if len(whys) == 1 else None,
                "quantity": units if shown else Decimal(-1 if net < 0 else 1),
                "price": gross if shown else abs(net), "base": units if shown else Decimal(1),
                "allowance": gross - net if shown else ZERO, "net": net, "reprices": None, "gross": gross,
            }
        )  # fmt: skip
    return lines


def _is_fee(each: Document) -> bool:
    return each["kind"] != "usage" or each["why"] in ("minimum", "maximum") or each["algorithm"] is None


def _month(each: Document) -> tuple[str, str]:
    first = date.fromisoformat(each["period"]["from"]).replace(day=1)
    until = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first.isoformat(), until.isoformat()


def _quarter(agreed: Agreed) -> tuple[str, str]:
    return agreed.quarter[0].isoformat(), agreed.quarter[1].isoformat()


def _cut(whose: str, when: str, *, counted: bool, fees_inside: bool = False) -> Callable[[Lines, Agreed], Lines]:
    """Make a cut: lines per trust, algorithm, both or neither, by month or quarter; fees apart or in the sums."""

    def write(due: Lines, agreed: Agreed) -> Lines:
        def key(each: Document) -> tuple[object, ...]:
            span = _month(each) if when == "month" else _quarter(agreed)
            if _is_fee(each) and not fees_inside:
                return (each["trust"], each["algorithm"], each["charge"], *span)
            trust = each["trust"] if "trust" in whose else None
            return (trust, each["algorithm"] if "algorithm" in whose else None, None, *span)

        return _sums(due, key, agreed, counted=counted)

    return write


CUTS: dict[str, Callable[[Lines, Agreed], Lines]] = {
    "tier": by_tier,
    "net_price": net_price,
    "per_hundred": per_hundred,
    "gross_first": gross_first,
    "document_allowance": by_tier,
    "average_month": _cut("trust+algorithm", "month", counted=True),
    "algorithm_at_trust": _cut("trust+algorithm", "quarter", counted=True),
    "trust_month": _cut("trust", "month", counted=False, fees_inside=True),
    "trust": _cut("trust", "quarter", counted=False, fees_inside=True),
    "trust_fees_apart": _cut("trust", "quarter", counted=False),
    "algorithm": _cut("algorithm", "quarter", counted=True),
    "month": _cut("neither", "month", counted=False, fees_inside=True),
}
WORDINGS = ("ids", "properties", "names", "dates_in_text", "charge_ids")
# Cuts whose lines do not show how many examinations they bill.
UNCOUNTED = frozenset({"trust", "trust_month", "trust_fees_apart", "month"})


def bill(agreed: Agreed, due: Lines, cut: str) -> Bill:
    """Write an invoice of due lines."""
    lines = CUTS[cut](due, agreed)
    allowance = ZERO
    if cut == "document_allowance":
        allowance = sum((line["allowance"] for line in lines), ZERO)
        lines = [line | {"allowance": ZERO, "net": line["gross"]} for line in lines]
    return Bill([line | {"of": number} for number, line in enumerate(lines)], allowance)


def name_of(line: Document) -> str:
    """Name a line as a person would: what, for whom."""
    if "name" in line and line["algorithm"] is None and line["trust"] is None:
        return str(line["name"])
    what = PRODUCTS.get(line["algorithm"] or "", "")
    label = line.get("name") or (AMOUNTS.get(line["why"] or "", "") if line["why"] else "")
    if not what and not label:
        label = "KI-tjenester radiologi"
    whose = TRUSTS[line["trust"]][0] if line["trust"] else ""
    return ", ".join(part for part in (f"{label} {what}".strip(), whose) if part)


def when_of(line: Document) -> str:
    """Write a line's period in words."""
    first, until = date.fromisoformat(line["from"]), date.fromisoformat(line["to"])
    if (until - first).days > 40:
        return f"{(first.month + 2) // 3}. kvartal {first.year}"
    return f"{MONTHS[first.month - 1]} {first.year}"


def shuffled(bill: Bill, rng: random.Random) -> Bill:
    """Put the lines in another order."""
    lines = list(bill.lines)
    rng.shuffle(lines)
    bill.lines = lines
    return bill
