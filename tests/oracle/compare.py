"""Say in words where two answers to a price request differ.

Lines, exclusions and positions are multisets: their order says nothing, their number does.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

Document = dict[str, Any]

LINE_IDENTITY = ("charge", "trust", "algorithm", "period", "phase", "tier", "why", "reprices")
EXCLUDED_IDENTITY = ("trust", "algorithm", "on")
POSITION_IDENTITY = ("charge", "scope", "trust", "algorithm", "window")


def differences(expected: Document, actual: Document) -> list[str]:
    """List every difference between two answers, one sentence each; an empty list means they are equal.

    Where a row of the same identity is on both sides, only the fields that differ are named.
    """
    found = [
        f"{name}: expected {expected.get(name)!r}, got {actual.get(name)!r}"
        for name in ("currency", "total")
        if expected.get(name) != actual.get(name)
    ]
    found += row_differences("line", expected["lines"], actual["lines"], LINE_IDENTITY)
    found += row_differences("excluded", expected["excluded"], actual["excluded"], EXCLUDED_IDENTITY)
    found += row_differences("position", expected["positions"], actual["positions"], POSITION_IDENTITY)
    return found


def row_differences(
    name: str, expected: list[Document], actual: list[Document], identity: tuple[str, ...]
) -> list[str]:
    """List the rows that are on one side only, pairing those that have the same identity."""
    wanted = Counter(frozen(row) for row in expected)
    given = Counter(frozen(row) for row in actual)
    missing = [thawed(row) for row in (wanted - given).elements()]
    surplus = [thawed(row) for row in (given - wanted).elements()]
    found = []
    for row in missing:
        partner = next((other for other in surplus if identified(other, identity) == identified(row, identity)), None)
        if partner is None:
            found.append(f"{name} missing: {described(row, identity)}")
            continue
        surplus.remove(partner)
        fields = sorted(key for key in row.keys() | partner.keys() if row.get(key) != partner.get(key))
        if not fields:
            fields = sorted(row.keys() ^ partner.keys())
        changes = ", ".join(f"{key} expected {row.get(key)!r}, got {partner.get(key)!r}" for key in fields)
        found.append(f"{name} differs: {'/'.join(identified(row, identity))}: {changes}")
    found += [f"{name} too many: {described(row, identity)}" for row in surplus]
    return sorted(found)


def frozen(row: Document) -> str:
    return json.dumps(row, sort_keys=True)


def thawed(text: str) -> Document:
    row: Document = json.loads(text)
    return row


def identified(row: Document, identity: tuple[str, ...]) -> list[str]:
    return [shown(row.get(key)) for key in identity]


def described(row: Document, identity: tuple[str, ...]) -> str:
    rest = ", ".join(f"{key} {shown(row[key])}" for key in sorted(row) if key not in identity)
    return f"{'/'.join(identified(row, identity))}: {rest}"


def shown(value: object) -> str:
    if isinstance(value, dict) and set(value) == {"from", "to"}:
        return f"{value['from']}..{value['to']}"
    return "-" if value is None else str(value)
