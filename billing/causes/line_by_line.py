"""Read off the lines what differs in them: quantity, then price, then discount, each at the agreed value of those after it.

This names what no changed fact of the agreement reproduces: another quantity, a price of no version, a discount of no ramp.
It adds up by itself, for each step starts where the one before it ended.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from billing.causes.billed import ZERO, BilledLine
from billing.causes.declared import Code
from billing.causes.facts import Facts
from billing.causes.findings import Value
from billing.causes.matching import Subject, quantity_and_price
from billing.causes.style import Style, is_price_of
from billing.rating.charge_terms import UsageTerms
from billing.rating.compile import compile_book
from billing.rating.lines import Line
from contracts.terms.money import kroner, unit_price

Part = tuple[Code, int, dict[str, Value]]

ORE = Decimal("0.01")
_OWN_CENTS = Decimal("0.02")
# An average price is only ever shown.
_AVERAGE = Decimal("0.0001")


def read_off(
    lines: Sequence[BilledLine],
    subjects: Sequence[Subject],
    all_billed: Sequence[BilledLine],
    expected: Sequence[Line],
    facts: dict[str, Facts],
    left: int,
    style: Style,
) -> list[Part] | None:
    """Split what is left of a cell over its lines, None where they cannot be held against expected ones."""
    if not lines or not expected:
        return None
    subject_of = {id(line): subject for line, subject in zip(all_billed, subjects, strict=True)}
    lines = _with_own_discounts(lines, expected, subject_of)
    paired = _paired(lines, expected, subject_of)
    parts: list[Part] = []
    if paired is not None:
        for line, due in paired:
            parts += _pair(line, due, facts, style)
    elif len(lines) == 1:
        parts = _sum_line(lines[0], expected)
    else:
        parts = _units(lines, expected, facts, left)
    merged = _merged(parts)
    return merged if merged and sum(ore for _, ore, _ in merged) == left else None


def _with_own_discounts(
    lines: Sequence[BilledLine], expected: Sequence[Line], subject_of: dict[int, Subject]
) -> Sequence[BilledLine]:
    """Put discounts that have lines of their own on the lines they are nearest to be for, at the agreed rates."""
    rates = {due.discount_rate for due in expected if due.discount_rate_e4}
    taken = [line for line in lines if line.is_sum and line.net < 0 and subject_of[id(line)].sort in (None, "discount")]
    units = [line for line in lines if not line.is_sum and not line.allowance and line.net > 0]
    if not rates or not taken or not units or len(taken) > len(units):
        return lines
    kept = {id(line): line for line in lines}
    for off in sorted(taken, key=lambda line: line.net):
        nearest = min(units, key=lambda line: min(abs(line.net * rate + off.net) for rate in rates))
        units.remove(nearest)
        whole = replace(nearest, allowance=-off.net, net=nearest.net + off.net)
        subject_of[id(whole)] = subject_of[id(nearest)]
        kept[id(nearest)] = whole
        del kept[id(off)]
    return list(kept.values())


def _paired(
    lines: Sequence[BilledLine], expected: Sequence[Line], subject_of: dict[int, Subject]
) -> list[tuple[BilledLine, Line]] | None:
    if len(lines) != len(expected):
        return None
    left = list(expected)
    pairs = []
    for line in sorted(lines, key=lambda each: subject_of[id(each)].tier is None):
        subject = subject_of[id(line)]

        def apart(due: Line, line: BilledLine = line, subject: Subject = subject) -> tuple[bool, ...]:
            quantity, price = quantity_and_price(due)
            return (
                subject.period is not None and subject.period.overlap(due.period) is None,
                (line.why or None) != due.why and line.why is not None,
                subject.tier != due.tier and subject.tier is not None,
                quantity != line.quantity,
                subject.phase != due.phase,
                price != line.unit_price,
            )

        nearest = min(left, key=apart)
        if apart(nearest)[0]:
            return None
        left.remove(nearest)
        pairs.append((line, nearest))
    return pairs


def _net(line: BilledLine) -> Decimal:
    """Return what a line comes to by itself, or as billed where that is the same but for rounding."""
    own = line.own_net
    return line.net if own is None or abs(line.net - own) <= _OWN_CENTS else own


def _pair(line: BilledLine, due: Line, facts: dict[str, Facts], style: Style) -> list[Part]:
    quantity, price = quantity_and_price(due)[0], style.unit_price(due)
    due_net = kroner(style.net_ore(due))
    rate = due.discount_rate if style.discount(due) else ZERO
    net = _net(line)
    detail: dict[str, Value] = {
        "billed": line.unit_price,
        "expected": price,
        "billed_quantity": line.quantity,
        "quantity": quantity,
        "tier": due.tier,
    }
    if line.is_sum and due.kind == "usage" and due.quantity not in (None, 1, -1):
        return []
    if due.quantity is None or due.kind != "usage" or line.quantity is None or line.unit_price is None:
        code = _amount_code(due)
        amounts: dict[str, Value] = {"billed": net, "expected": due_net}
        if code == "PRICE_UNIT":
            amounts = {"amount_billed": net, "amount_due": due_net}
        return [(code, _ore(net - due_net), amounts)] if net != due_net else []
    parts: list[Part] = []
    at_quantity = due_net if line.quantity == quantity else _rounded(line.quantity, price, rate)
    if line.quantity != quantity:
        counts: dict[str, Value] = {"billed": line.quantity, "own": quantity, "difference": line.quantity - quantity}
        parts.append(("QTY_DIFF", _ore(at_quantity - due_net), counts))
    at_price = at_quantity
    if not is_price_of(line, due, style):
        at_price = _rounded(line.quantity, line.unit_price, rate)
        listed = (
            line.unit_price / (1 - due.discount_rate) if style.in_price and due.discount_rate != 1 else line.unit_price
        )
        tier = _tier_of(listed, due, facts)
        code = "PRICE_UNIT" if tier is None else "TIER_WRONG"
        if style.in_price and due.discount_rate_e4 and line.unit_price == due.unit_price:
            code = "RAMP_MISSING"
            detail = {"billed": ZERO, "expected": due.discount_rate, "phase": due.phase}
        parts.append((code, _ore(at_price - at_quantity), {**detail, "billed_tier": tier}))
    if net != at_price:
        gross = line.own_gross or ZERO
        due_allowance = (gross * rate).quantize(ORE, "ROUND_HALF_UP")
        rates: dict[str, Value] = {"billed": line.rate, "expected": due.discount_rate, "phase": due.phase}
        if abs(line.allowance - due_allowance) <= _OWN_CENTS:
            parts.append(("ROUNDING", _ore(net - at_price), {"amount": net - at_price}))
        elif not line.allowance:
            parts.append(("RAMP_MISSING", _ore(net - at_price), rates))
        elif not due.discount_rate_e4:
            parts.append(("RAMP_EXPIRED", _ore(net - at_price), rates))
        else:
            parts.append(("RAMP_RATE", _ore(net - at_price), rates))
    return parts


def _amount_code(due: Line) -> Code:
    if due.kind in ("fixed", "one_off"):
        return "FIXED_FEE"
    return "MINIMUM_WRONG" if due.why in ("minimum", "maximum") else "PRICE_UNIT"


def _rounded(quantity: Decimal, price: Decimal, rate: Decimal) -> Decimal:
    gross = (quantity * price).quantize(ORE, "ROUND_HALF_UP")
    return gross - (gross * rate).quantize(ORE, "ROUND_HALF_UP")


def _ore(amount: Decimal) -> int:
    return int((amount / ORE).to_integral_value())


def _tier_of(price: Decimal, due: Line, facts: dict[str, Facts]) -> int | None:
    """Return the number of another tier with this price, at the line's own version and index level."""
    own = facts.get(due.charge)
    if own is None:
        return None
    book = compile_book(own.agreement, own.book)
    for course in book.courses:
        terms = course.terms[bisect_right(book.starts, due.period.start) - 1]
        if isinstance(terms, UsageTerms):
            for number, micro in enumerate(getattr(terms.model, "prices", ()), start=1):
                if unit_price(micro) == price and number != due.tier:
                    return number
    return None


def _sum_line(line: BilledLine, expected: Sequence[Line]) -> list[Part]:
    """Hold a line that stands for many against their sums: its units, its gross, its allowance."""
    gross = sum((each.gross for each in expected), ZERO)
    discount = sum((each.discount for each in expected), ZERO)
    units = sum(each.quantity or 0 for each in expected if each.kind == "usage" and each.why in (None, "outside"))
    own = line.own_gross
    if own is None or line.quantity is None:
        return []
    if line.quantity == units and units > 1:
        own = own.quantize(ORE, "ROUND_HALF_UP")
        parts: list[Part] = []
        if line.allowance != discount and (line.allowance or own == gross):
            # The discount at the line's own gross is what should have been taken off.
            due = discount if own == gross or not gross else (own * discount / gross).quantize(ORE, "ROUND_HALF_UP")
            rates: dict[str, Value] = {"discount": line.allowance, "agreed_discount": due}
            code: Code = "RAMP_RATE"
            if not line.allowance:
                code = "RAMP_MISSING"
            elif not discount:
                code = "RAMP_EXPIRED"
            if own == gross or code != "RAMP_RATE":
                parts.append((code, _ore(due - line.allowance), rates))
        rest = _ore(_net(line) - (gross - discount)) - sum(ore for _, ore, _ in parts)
        if rest:
            prices: dict[str, Value] = {
                "average_billed": (own / units).quantize(_AVERAGE),
                "average": (gross / units).quantize(_AVERAGE),
                "quantity": line.quantity,
            }
            parts.append(("PRICE_UNIT", rest, prices))
        return parts
    if all(each.kind in ("fixed", "one_off") for each in expected):
        amounts: dict[str, Value] = {"billed": _net(line), "expected": gross - discount}
        return [("FIXED_FEE", _ore(_net(line) - (gross - discount)), amounts)]
    return []


def _units(lines: Sequence[BilledLine], expected: Sequence[Line], facts: dict[str, Facts], left: int) -> list[Part]:
    """Name a tier or a price where as many units are billed on other lines than expected."""
    units = [line for line in expected if line.kind == "usage" and line.why in (None, "outside")]
    own = sum(line.quantity or 0 for line in units)
    if not units or len(units) != len(expected) or sum(line.quantity or 0 for line in lines) != own:
        return []
    due = units[0]
    prices = {line.unit_price for line in units}
    for line in lines:
        if line.unit_price is None:
            return []
        if line.unit_price not in prices and _tier_of(line.unit_price, due, facts) is None:
            detail: dict[str, Value] = {"billed": line.unit_price, "expected": due.unit_price, "quantity": own}
            return [("PRICE_UNIT", left, detail)]
    return [("TIER_WRONG", left, {"billed": lines[0].unit_price, "expected": due.unit_price, "quantity": own})]


def _merged(parts: list[Part]) -> list[Part]:
    """Add up what has the same cause; what comes to nothing stands only where nothing else does."""
    merged: dict[Code, Part] = {}
    for code, ore, params in parts:
        before = merged.get(code)
        merged[code] = (code, ore + (before[1] if before else 0), before[2] if before else params)
    found = [part for part in merged.values() if part[1]]
    return found or [part for part in merged.values() if part[0] != "ROUNDING"][:1]
