"""Write due lines as a vendor's invoice, at the vendor's grain and with or without item ids.

An invoice line is a plain document; `covers` are the numbers of the due lines it stands for, which only the proof may read.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from .worlds import CAPTIONS, FEES, PRODUCTS, TRUSTS, World

Document = dict[str, Any]
GRAINS = ("tier", "algorithm", "trust")
ZERO = Decimal("0.00")
Group = tuple[object, ...]


def group_of(line: Document) -> Group:
    """Return the group a line of an invoice belongs to: whose, what and from when."""
    what = line["algorithm"] or line["charge"] or line["name"]
    return line["trust"], what, (line["period"] or {}).get("from")


@dataclass(slots=True)
class Invoice:
    """Hold a document as the vendor sends it; `statement` is the vendor's own count where it sends one along."""

    lines: list[Document]
    header: Document = field(default_factory=dict)
    statement: list[Document] | None = None

    def amounts(self) -> dict[Group, Decimal]:
        """Return what each group of lines comes to."""
        found: dict[Group, Decimal] = {}
        for line in self.lines:
            group = group_of(line)
            found[group] = found.get(group, ZERO) + line["net"]
        return found

    def nets(self) -> list[Decimal]:
        """Return the amounts of the lines, whosever they are."""
        return sorted(line["net"] for line in self.lines)

    @property
    def fingerprint(self) -> tuple[tuple[str, ...], str]:
        """Return what tells two documents apart: every amount of every line, and the header."""
        lines = sorted(
            repr(
                (
                    *(line[name] for name in ("trust", "algorithm", "charge", "name", "tier", "phase", "why")),
                    sorted((line["period"] or {}).items()),
                    *(f"{line[name].normalize():f}" for name in ("quantity", "price", "base", "allowance", "net")),
                )
            )
            for line in self.lines
        )
        return tuple(lines), repr(sorted(self.header.items()))


def invoice_for(world: World, lines: list[Document], number: str = "20251001") -> Invoice:
    """Write the header that belongs to lines: everything as agreed."""
    issued = world.quarter[1] + timedelta(days=7)
    net = sum((line["net"] for line in lines), ZERO)
    header: Document = {
        "number": number,
        "currency": "NOK",
        "issued_on": issued,
        "due_on": issued + timedelta(days=30),
        "seller": "912345678",
        "buyer": "987654325",
        "buyer_reference": "Avtaleforvaltning",
        "order_reference": "4500218861",
        "contract_reference": "RA-2024-01",
        "accounts": ["12345670007"],
        "maximum_value": "100000000",
        "tax_rate": Decimal("0.25"),
        "tax_exclusive": net,
        "tax_base": net,
        "tax": (net * Decimal("0.25")).quantize(Decimal("0.01"), "ROUND_HALF_UP"),
    }
    return Invoice(lines, header)


def invoice_lines(world: World, due: list[Document], grain: str) -> list[Document]:
    """Write due lines at a grain: a line per tier, per algorithm and quarter, or per trust."""
    if grain == "tier":
        lines = [_line_of(line, [number]) for number, line in enumerate(due)]
    else:
        whose = _of_algorithm if grain == "algorithm" else _of_trust
        parts: dict[tuple[str | None, str | None, str | None], list[int]] = {}
        for number, line in enumerate(due):
            parts.setdefault(whose(line), []).append(number)
        lines = [_sum_of(world, key, [due[n] for n in numbers], numbers, grain) for key, numbers in parts.items()]
    return [{"id": str(number), **line} for number, line in enumerate(lines, start=1)]


def _of_algorithm(line: Document) -> tuple[str | None, str | None, str | None]:
    return line["trust"], line["algorithm"], None if line["kind"] == "usage" and line["algorithm"] else line["charge"]


def _of_trust(line: Document) -> tuple[str | None, str | None, str | None]:
    return line["trust"], None, None if line["trust"] else line["charge"]


def named(trust: str | None, algorithm: str | None, charge: str | None) -> str:
    """Return a line's name as a vendor writes it."""
    what = PRODUCTS.get(algorithm or "", CAPTIONS.get(charge or "", "KI-tjenester"))
    if algorithm and charge in FEES:
        what = f"{FEES[charge]} {what}"
    return f"{what}, {TRUSTS[trust]}" if trust else what


def _line_of(line: Document, covers: list[int]) -> Document:
    amount = line["quantity"] is None
    gross = Decimal(line["gross"])
    return {
        "trust": line["trust"],
        "algorithm": line["algorithm"],
        "charge": line["charge"] if line["algorithm"] is None or line["kind"] != "usage" else None,
        "name": named(
            line["trust"],
            line["algorithm"],
            line["charge"] if line["kind"] != "usage" or not line["algorithm"] else None,
        ),
        "period": dict(line["period"]),
        "tier": line["tier"],
        "phase": line["phase"],
        "why": line["why"],
        "quantity": Decimal(-1 if gross < 0 else 1) if amount else Decimal(line["quantity"]),
        "price": abs(gross) if amount else Decimal(line["unit_price"]),
        "base": Decimal(1),
        "allowance": Decimal(line["discount"]),
        "net": Decimal(line["net"]),
        "covers": covers,
    }


def _sum_of(
    world: World,
    key: tuple[str | None, str | None, str | None],
    lines: list[Document],
    covers: list[int],
    grain: str,
) -> Document:
    trust, algorithm, charge = key
    units = sum(line["quantity"] for line in lines if line["quantity"] and line["why"] in (None, "outside"))
    gross = sum((Decimal(line["gross"]) for line in lines), ZERO)
    discount = sum((Decimal(line["discount"]) for line in lines), ZERO)
    # A line of one trust, and a line of amounts alone, counts nothing: it is one of a sum.
    counted = grain == "algorithm" and units > 0 and gross >= 0 and all(line["kind"] == "usage" for line in lines)
    return {
        "trust": trust,
        "algorithm": algorithm,
        "charge": charge,
        "name": named(trust, algorithm, charge),
        "period": {"from": world.quarter[0].isoformat(), "to": world.quarter[1].isoformat()},
        "tier": None,
        "phase": None,
        "why": None,
        "quantity": Decimal(units) if counted else Decimal(-1 if gross - discount < 0 else 1),
        "price": gross if counted else abs(gross - discount),
        "base": Decimal(units) if counted else Decimal(1),
        "allowance": discount if counted else ZERO,
        "net": gross - discount,
        "covers": covers,
    }


def by_names_only(lines: list[Document], rng: random.Random) -> list[Document]:
    """Take every code from the lines and leave names, as vendors spell them, with the tier in words."""
    spoken: list[Callable[[str], str]] = [str, str.upper, str.lower, lambda text: text.replace(" HF", "")]
    written = []
    for line in lines:
        text = rng.choice(spoken)(line["name"])
        if line["tier"]:
            text += f", trinn {line['tier']}"
        if line["phase"]:
            text += f", fase {line['phase']}"
        written.append(
            {
                **line,
                "name": text,
                "trust": None,
                "algorithm": None,
                "charge": None,
                "tier": None,
                "phase": None,
                "why": None,
            }
        )
    return written


def shuffled(lines: list[Document], rng: random.Random) -> list[Document]:
    """Put lines in another order, with other ids."""
    mixed = list(lines)
    rng.shuffle(mixed)
    return [{**line, "id": str(number)} for number, line in enumerate(mixed, start=1)]
