"""The catalogue of single faults: every code with the ways a vendor comes to it, and how two of them combine.

A fault changes what the vendor rates (its price list, its count), the lines that come of it, the lines as written, the header,
or what was sent before; the slow evaluator rates the rest. A fault is of the catalogue only where it changes the document.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tests.oracle.evaluator import add_months

from .documents import ZERO, Invoice, invoice_for, invoice_lines
from .worlds import PRODUCTS, TRUSTS, World, due_lines, live_days, random_world

Document = dict[str, Any]
Lines = list[Document]
ORE = Decimal("0.01")
WINDOWS = ("month", "quarter", "calendar_year", "agreement_year", "agreement")
SCOPES = ("activation", "trust", "agreement")
HEADER_CODES = ("WRONG_BUYER", "REF_WRONG", "CURRENCY", "VAT", "TERMS", "ACCOUNT_CHANGED", "CEILING", "DOCUMENT")


def _same_request(request: Document) -> Document:
    return request


def _same_lines(lines: Lines) -> Lines:
    return lines


def _same_header(header: Document) -> Document:
    return header


@dataclass(frozen=True, slots=True)
class Fault:
    """Hold one fault: its code, what it is, and what it changes."""

    code: str
    name: str
    on_request: Callable[[Document], Document] = _same_request
    on_due: Callable[[Lines], Lines] = _same_lines
    on_lines: Callable[[Lines], Lines] = _same_lines
    on_header: Callable[[Document], Document] = _same_header
    sent_before: Callable[[Invoice], list[Invoice]] | None = None


@dataclass(slots=True)
class Sent:
    """Hold what the vendor sent: the document and those before it."""

    invoice: Invoice
    earlier: list[Invoice] = field(default_factory=list)

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """Return what tells two sendings apart."""
        return (*self.invoice.fingerprint, tuple(each.fingerprint for each in self.earlier))


def send(world: World, grain: str, *faults: Fault) -> Sent:
    """Write the world's quarter as a vendor with these faults would."""
    request = world.request
    for fault in faults:
        request = fault.on_request(request)
    due = list(_right_lines(world.seed)) if request is world.request else due_lines(request)
    for fault in faults:
        due = fault.on_due(due)
    lines = invoice_lines(world, due, grain)
    with_credit = world.seed % 3 == 0
    if with_credit:
        lines = [*lines, credit_line(world, Decimal(world.credit["amount"]))]
    for fault in faults:
        lines = fault.on_lines(lines)
    lines = [{**line, "id": str(number)} for number, line in enumerate(lines, start=1)]
    invoice = invoice_for(world, lines)
    if with_credit:
        invoice.header["agreed_credits"] = [world.credit]
    for fault in faults:
        invoice.header = fault.on_header(dict(invoice.header))
    hidden = any(charge["model"] == "package" for _, charge in _usage_charges(world))
    # Amounts of packages and sums per trust show no count: nobody accepts them without the vendor's own.
    if grain == "trust" or hidden or world.seed % 2 == 0:
        invoice.statement = _statement(world, request)
    earlier = [earlier_invoice(world.seed, grain)]
    for fault in faults:
        if fault.sent_before is not None:
            earlier += fault.sent_before(invoice)
    return Sent(invoice, earlier)


def _statement(world: World, request: Document) -> list[Document]:
    """Count what the vendor holds to be billable, by month."""
    months: dict[tuple[str, str, str], int] = {}
    for entry in request["usage"]:
        on = date.fromisoformat(entry["on"])
        if not world.quarter[0] <= on < world.quarter[1]:
            continue
        for each in request["activations"]:
            live = (each["trust"], each["algorithm"]) == (entry["trust"], entry["algorithm"])
            if live and each["go_live"] <= entry["on"] and (each["end"] is None or entry["on"] < each["end"]):
                key = (entry["trust"], entry["algorithm"], entry["on"][:7] + "-01")
                months[key] = months.get(key, 0) + entry["quantity"]
    return [
        {"trust": trust, "algorithm": algorithm, "on": on, "quantity": quantity}
        for (trust, algorithm, on), quantity in months.items()
    ]


@lru_cache(maxsize=4)
def _right_lines(seed: int) -> tuple[Document, ...]:
    """Return the lines that are due in a world, for all the faults that leave them so."""
    return tuple(due_lines(random_world(seed).request))


@lru_cache(maxsize=12)
def earlier_invoice(seed: int, grain: str) -> Invoice:
    """Write the invoice of the quarter before, as due."""
    world = random_world(seed)
    first = max(add_months(world.quarter[0], -3), date.fromisoformat(world.request["agreement"]["start"]))
    if first >= world.quarter[0]:
        return invoice_for(world, [], number="20250701")
    request = {**world.request, "period": {"from": first.isoformat(), "to": world.quarter[0].isoformat()}}
    before = World(
        world.seed, request, (first, world.quarter[0]), world.unbillable, world.resent, world.late, world.credit
    )
    return invoice_for(world, invoice_lines(before, due_lines(request), grain), number="20250701")


def credit_line(world: World, amount: Decimal) -> Document:
    """Write the line that takes an agreed credit off."""
    return {
        "id": "0",
        "trust": world.credit["trust"],
        "algorithm": None,
        "charge": None,
        "name": f"Kreditering {world.credit['id']}",
        "period": None,
        "tier": None,
        "phase": None,
        "why": None,
        "quantity": Decimal(-1),
        "price": amount,
        "base": Decimal(1),
        "allowance": ZERO,
        "net": -amount,
        "covers": [],
        "reference": world.credit["id"],
    }


def catalogue(world: World, code: str, grain: str) -> list[Fault]:
    """List the faults of a code that a world's document at a grain can have; some have no effect there."""
    rng = random.Random(f"{world.seed} {code} {grain}")
    return list(_CATALOGUE[code](world, grain, rng))


def stated(world: World, code: str, params: dict[str, Any]) -> list[Fault]:
    """Make the fault that a finding names by its own number: a factor, a phase's discount, a count."""
    if code == "INDEX_WRONG" and "factor" in params:
        day, factor = params["effective_from"].isoformat(), str(params["factor"])

        def other(each: Lines) -> Lines:
            return [{**one, "factor": factor} if one["effective_from"] == day else one for one in each]

        return [Fault(code, f"factor {factor}", _change_index(other))]
    if code == "QTY_DIFF" and params.get("from") and params.get("difference"):
        entry = {"trust": params["counted_at"], "algorithm": params["algorithm"], "on": params["from"].isoformat()}
        more = int(params["difference"])
        return [
            Fault(code, f"{more} at {entry['trust']}/{entry['algorithm']}", _add_usage([{**entry, "quantity": more}]))
        ]
    if code == "RAMP_RATE" and params.get("change") == "OtherRate" and params.get("phase"):
        faults = []
        number, rate = params["phase"] - 1, str(params["rate"])
        for charge in _charges(world):

            def other_rate(each: Document) -> None:
                if each.get("ramp_up") and number < len(each["ramp_up"]["phases"]):
                    each["ramp_up"]["phases"][number]["discount"] = rate

            faults.append(Fault(code, f"{charge} phase {number + 1} at {rate}", _change_charge(charge, other_rate)))
        return faults
    return []


def codes() -> list[str]:
    """Return every code of the catalogue."""
    return list(_CATALOGUE)


def single(world: World, code: str, grain: str) -> tuple[Fault, Sent] | None:
    """Pick a fault of a code that changes the document, None where the world has none.

    A fault of the price or the count that moves the amount of no line, or of no group of lines, is none: nothing is billed
    wrongly.
    """
    right = send(world, grain)
    faults = catalogue(world, code, grain)
    random.Random(f"pick {world.seed} {code} {grain}").shuffle(faults)
    for fault in faults[:6]:
        sent = send(world, grain, fault)
        if sent.fingerprint != right.fingerprint and (
            sent.invoice.header != right.invoice.header
            or sent.fingerprint[-1] != right.fingerprint[-1]
            or (sent.invoice.amounts() != right.invoice.amounts() and sent.invoice.nets() != right.invoice.nets())
        ):
            return fault, sent
    return None


# --- Faults of the price list -----------------------------------------------------------------------------------------


def _charges(world: World) -> list[str]:
    return sorted(
        {charge["code"] for version in world.request["price_book"]["versions"] for charge in version["charges"]}
    )


def _change_charge(code: str, change: Callable[[Document], None]) -> Callable[[Document], Document]:
    def on_request(request: Document) -> Document:
        changed = copy.deepcopy(request)
        for version in changed["price_book"]["versions"]:
            for charge in version["charges"]:
                if charge["code"] == code:
                    change(charge)
        return changed

    return on_request


def _first_charge(world: World, code: str) -> Document:
    for version in world.request["price_book"]["versions"]:
        for charge in version["charges"]:
            if charge["code"] == code:
                found: Document = charge
                return found
    raise KeyError(code)


def _usage_charges(world: World) -> list[tuple[str, Document]]:
    own = [(code, _first_charge(world, code)) for code in _charges(world)]
    return [(code, charge) for code, charge in own if charge["kind"] == "usage"]


def _tier_mode(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for code, charge in _usage_charges(world):
        if charge["model"] in ("graduated", "volume") and len(charge["tiers"]) > 1:
            other = {"graduated": "volume", "volume": "graduated"}[charge["model"]]

            def change(each: Document, other: str = other) -> None:
                each["model"] = other

            if charge["model"] == "graduated" or not charge.get("ramp_up"):
                yield Fault("TIER_MODE", f"{code} as {other}", _change_charge(code, change))


def _tier_scope(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for code, charge in _usage_charges(world):
        for scope in SCOPES:
            if charge["counter"]["scope"] != scope:

                def change(each: Document, scope: str = scope) -> None:
                    each["counter"]["scope"] = scope

                yield Fault("TIER_SCOPE", f"{code} per {scope}", _change_charge(code, change))


def _tier_reset(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for code, charge in _usage_charges(world):
        for window in WINDOWS:
            if charge["counter"]["window"] != window:

                def change(each: Document, window: str = window) -> None:
                    each["counter"]["window"] = window

                yield Fault("TIER_RESET", f"{code} by {window}", _change_charge(code, change))


def _tier_wrong(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    boundary = world.request["price_book"]["conventions"]["boundary"]
    other = {"inclusive": "exclusive", "exclusive": "inclusive"}[boundary]
    for code, charge in _usage_charges(world):
        if charge["model"] == "package":
            continue

        def bound(each: Document) -> None:
            each["conventions"] = {**(each.get("conventions") or {}), "boundary": other}

        yield Fault("TIER_WRONG", f"{code} {other}", _change_charge(code, bound))
        for number in range(len(charge["tiers"])):

            def one_tier(each: Document, number: int = number) -> None:
                each["tiers"] = [{**tier, "unit_price": each["tiers"][number]["unit_price"]} for tier in each["tiers"]]

            yield Fault("TIER_WRONG", f"{code} all in tier {number + 1}", _change_charge(code, one_tier))


def _ramp_missing(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for code in _charges(world):
        if _first_charge(world, code).get("ramp_up"):
            yield Fault(
                "RAMP_MISSING", f"{code} without ramp", _change_charge(code, lambda each: each.pop("ramp_up", None))
            )
    for activation in world.request["activations"]:

        def undiscounted(lines: Lines, activation: Document = activation) -> Lines:
            return [
                {**line, "discount_rate": "0", "discount": "0.00", "net": line["gross"]}
                if _is_of(line, activation)
                else line
                for line in lines
            ]

        yield Fault("RAMP_MISSING", f"no discount for {_label(activation)}", on_due=undiscounted)


def _is_of(line: Document, activation: Document) -> bool:
    return (line["trust"], line["algorithm"]) == (activation["trust"], activation["algorithm"])


def _label(activation: Document) -> str:
    return f"{activation['trust']}/{activation['algorithm']}"


def _ramp_expired(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for code in _charges(world):
        ramp = _first_charge(world, code).get("ramp_up")
        if not ramp:
            continue
        for months in (1, 2, 3, 1200):

            def longer(each: Document, months: int = months) -> None:
                if each.get("ramp_up"):
                    each["ramp_up"]["phases"][-1]["months"] += months

            yield Fault("RAMP_EXPIRED", f"{code} {months} months longer", _change_charge(code, longer))


def _ramp_rate(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for code in _charges(world):
        ramp = _first_charge(world, code).get("ramp_up")
        if not ramp:
            continue

        def other_start(each: Document) -> None:
            if each.get("ramp_up"):
                starts = each["ramp_up"]["starts"]
                each["ramp_up"]["starts"] = {"go_live": "next_month", "next_month": "go_live"}[starts]

        yield Fault("RAMP_RATE", f"{code} ramp starts otherwise", _change_charge(code, other_start))
        for number, phase in enumerate(ramp["phases"]):
            rate = f"0.{rng.randrange(5, 95, 5):02d}"
            if Decimal(rate) == Decimal(phase["discount"]):
                continue

            def other_rate(each: Document, number: int = number, rate: str = rate) -> None:
                if each.get("ramp_up"):
                    each["ramp_up"]["phases"][number]["discount"] = rate

            yield Fault("RAMP_RATE", f"{code} phase {number + 1} at {rate}", _change_charge(code, other_rate))


def _in_force(world: World, day: date) -> Document | None:
    versions = [each for each in world.request["price_book"]["versions"] if each["valid_from"] <= day.isoformat()]
    return max(versions, key=lambda each: each["valid_from"], default=None)


def _change_versions(change: Callable[[Lines], Lines]) -> Callable[[Document], Document]:
    def on_request(request: Document) -> Document:
        changed = copy.deepcopy(request)
        changed["price_book"]["versions"] = change(changed["price_book"]["versions"])
        return changed

    return on_request


def _price_version(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    now = _in_force(world, world.quarter[0])
    assert now is not None
    for version in world.request["price_book"]["versions"]:
        if version["valid_from"] == now["valid_from"]:
            continue
        if version["valid_from"] < now["valid_from"]:

            def stays(versions: Lines, version: Document = version) -> Lines:
                late = world.quarter[1].isoformat()
                return [
                    each
                    for each in versions
                    if each["valid_from"] <= version["valid_from"] or each["valid_from"] >= late
                ]

            yield Fault("PRICE_VERSION", f"{version['clause']} stays", _change_versions(stays))
            continue

        def early(versions: Lines, version: Document = version) -> Lines:
            first = world.quarter[0].isoformat()
            kept = [each for each in versions if each["valid_from"] not in (first, version["valid_from"])]
            return [*kept, {**version, "valid_from": first}]

        yield Fault("PRICE_VERSION", f"{version['clause']} early", _change_versions(early))
    if world.quarter[0].isoformat() <= now["valid_from"]:
        later = add_months(world.quarter[0], 1).isoformat()

        def late(versions: Lines) -> Lines:
            return [
                {**each, "valid_from": later} if each["valid_from"] == now["valid_from"] else each for each in versions
            ]

        adjusted = [each["effective_from"] for each in world.request["price_book"]["index_adjustments"]]
        # An adjustment in between would be lost with the version: that would be two faults.
        lost = any(now["valid_from"] < day <= later for day in adjusted)
        if (
            not lost
            and len(world.request["price_book"]["versions"]) > 1
            and now != world.request["price_book"]["versions"][0]
        ):
            yield Fault("PRICE_VERSION", "used from a month later", _change_versions(late))


def _price_unit(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    if grain == "trust":
        return
    for code, charge in _usage_charges(world):
        if charge["model"] == "package":
            continue
        for number in range(len(charge["tiers"])):
            factor = rng.choice([Decimal("0.93"), Decimal("1.07"), Decimal("1.12"), Decimal("1.31")])

            def mistyped(lines: Lines, code: str = code, number: int = number, factor: Decimal = factor) -> Lines:
                return [
                    _at_price(line, (Decimal(line["unit_price"]) * factor).quantize(ORE))
                    if line["charge"] == code and line["tier"] == number + 1 and line["why"] is None
                    else line
                    for line in lines
                ]

            if grain == "tier":
                yield Fault("PRICE_UNIT", f"{code} tier {number + 1} × {factor}", on_due=mistyped)
        keys = sorted({(each["trust"], each["algorithm"]) for each in world.request["activations"]})
        trust, algorithm = rng.choice(keys)
        factor = rng.choice([Decimal("1.07"), Decimal("1.19")])

        def one_place(lines: Lines, trust: str = trust, algorithm: str = algorithm, factor: Decimal = factor) -> Lines:
            return [
                _at_price(line, (Decimal(line["unit_price"]) * factor).quantize(ORE))
                if (line["trust"], line["algorithm"]) == (trust, algorithm)
                and line["kind"] == "usage"
                and line["why"] is None
                else line
                for line in lines
            ]

        yield Fault("PRICE_UNIT", f"{trust}/{algorithm} × {factor}", on_due=one_place)


def _at_price(line: Document, price: Decimal) -> Document:
    gross = (line["quantity"] * price).quantize(ORE, "ROUND_HALF_UP")
    discount = (gross * Decimal(line["discount_rate"])).quantize(ORE, "ROUND_HALF_UP")
    return {
        **line,
        "unit_price": str(price),
        "gross": str(gross),
        "discount": str(discount),
        "net": str(gross - discount),
    }


def _change_index(change: Callable[[Lines], Lines]) -> Callable[[Document], Document]:
    def on_request(request: Document) -> Document:
        changed = copy.deepcopy(request)
        changed["price_book"]["index_adjustments"] = change(changed["price_book"]["index_adjustments"])
        return changed

    return on_request


def _index_early(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for adjustment in world.request["price_book"]["index_adjustments"]:
        for months in range(3):
            day = add_months(world.quarter[0], months).isoformat()
            if day < adjustment["effective_from"]:

                def early(each: Lines, day: str = day, of: str = adjustment["effective_from"]) -> Lines:
                    return [{**one, "effective_from": day} if one["effective_from"] == of else one for one in each]

                yield Fault("INDEX_EARLY", f"from {day}", _change_index(early))


def _index_wrong(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for adjustment in world.request["price_book"]["index_adjustments"]:
        agreed = Decimal(adjustment["factor"])
        for factor in (str(agreed * agreed), f"1.{rng.randrange(61, 99):03d}"):

            def other(each: Lines, factor: str = factor, of: str = adjustment["effective_from"]) -> Lines:
                return [{**one, "factor": factor} if one["effective_from"] == of else one for one in each]

            yield Fault("INDEX_WRONG", f"factor {factor}", _change_index(other))


def _index_missing(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for adjustment in world.request["price_book"]["index_adjustments"]:

        def without(each: Lines, of: str = adjustment["effective_from"]) -> Lines:
            return [one for one in each if one["effective_from"] != of]

        yield Fault("INDEX_MISSING", f"without {adjustment['effective_from']}", _change_index(without))


def _fixed_fee(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for code in _charges(world):
        charge = _first_charge(world, code)
        if charge["kind"] == "fixed":

            def otherwise(each: Document) -> None:
                each["proration"] = {"none": "days", "days": "none"}[each["proration"]]

            yield Fault("FIXED_FEE", f"{code} prorated otherwise", _change_charge(code, otherwise))
        if charge["kind"] != "usage" and grain != "trust":
            more = Decimal(rng.randrange(1_000, 90_000)) / 100

            def dearer(lines: Lines, code: str = code, more: Decimal = more) -> Lines:
                own = [line for line in lines if line["charge"] == code]
                return [_with_amount(line, Decimal(line["net"]) + more) if line in own[:1] else line for line in lines]

            yield Fault("FIXED_FEE", f"{code} dearer by {more}", on_due=dearer)


def _with_amount(line: Document, amount: Decimal) -> Document:
    changed = {**line, "gross": str(amount), "discount": "0.00", "discount_rate": "0", "net": str(amount)}
    return {**changed, "unit_price": str(abs(amount))} if line["unit_price"] is not None else changed


def _minimum_wrong(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for code, charge in _usage_charges(world):
        for limit in ("minimum", "maximum"):
            if not charge.get(limit):
                continue

            def without(each: Document, limit: str = limit) -> None:
                each.pop(limit, None)

            yield Fault("MINIMUM_WRONG", f"{code} without {limit}", _change_charge(code, without))
            for per in SCOPES:
                if charge[limit]["per"] != per:

                    def otherwise(each: Document, limit: str = limit, per: str = per) -> None:
                        each[limit] = {**each[limit], "per": per}

                    yield Fault("MINIMUM_WRONG", f"{code} {limit} per {per}", _change_charge(code, otherwise))


# --- Faults of the count ----------------------------------------------------------------------------------------------


def _add_usage(entries: Lines) -> Callable[[Document], Document]:
    def on_request(request: Document) -> Document:
        own = [{name: each[name] for name in ("trust", "algorithm", "on", "quantity")} for each in entries]
        return {**request, "usage": [*request["usage"], *own]}

    return on_request


def _qty_diff(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for activation in world.request["activations"]:
        days = live_days(activation, world.quarter)
        if not days:
            continue
        entry = {"trust": activation["trust"], "algorithm": activation["algorithm"]}
        more = {**entry, "on": rng.choice(days).isoformat(), "quantity": rng.randint(3, 40)}
        yield Fault("QTY_DIFF", f"{more['quantity']} more at {_label(activation)}", _add_usage([more]))
        counted = [each for each in _own_usage(world, activation) if each["quantity"] > 3]
        if counted:
            less = rng.choice(counted)
            taken = {**entry, "on": less["on"], "quantity": -rng.randint(1, less["quantity"] - 1)}
            yield Fault("QTY_DIFF", f"{taken['quantity']} at {_label(activation)}", _add_usage([taken]))


def _own_usage(world: World, activation: Document, span: tuple[date, date] | None = None) -> Lines:
    first, last = span or world.quarter
    days = {day.isoformat() for day in live_days(activation, (first, last))}
    return [each for each in world.request["usage"] if _is_of(each, activation) and each["on"] in days]


def _qty_dup(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for activation in world.request["activations"]:
        resent = [each for each in world.resent if _is_of(each, activation)]
        if resent:
            yield Fault("QTY_DUP", f"re-sent at {_label(activation)}", _add_usage(resent))
        for months in range(3):
            first = add_months(world.quarter[0], months)
            own = _own_usage(world, activation, (first, add_months(first, 1)))
            if own:
                yield Fault("QTY_DUP", f"{first:%Y-%m} twice at {_label(activation)}", _add_usage(own))
            weeks: dict[int, Lines] = {}
            for each in own:
                weeks.setdefault(date.fromisoformat(each["on"]).isocalendar()[1], []).append(each)
            for week, counted in weeks.items():
                if sum(each["quantity"] for each in counted) < 3:
                    continue  # that two were counted twice says no more than that two are too many
                yield Fault("QTY_DUP", f"week {week} twice at {_label(activation)}", _add_usage(counted))


def _qty_period(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for activation in world.request["activations"]:
        entry = {"trust": activation["trust"], "algorithm": activation["algorithm"]}
        for months in range(3):
            first = add_months(world.quarter[0], months)
            span = (first, add_months(first, 1))
            days = live_days(activation, span)
            if not days:
                continue
            own = [{**each, "quantity": -each["quantity"]} for each in _own_usage(world, activation, span)]
            for shift, which in ((-1, "before"), (1, "after")):
                other = _own_usage(world, activation, (add_months(first, shift), add_months(first, shift + 1)))
                total = sum(each["quantity"] for each in other)
                if total:
                    moved = [{**entry, "on": days[-1].isoformat(), "quantity": total}]
                    where = f"{first:%Y-%m} at {_label(activation)}"
                    yield Fault("QTY_PERIOD", f"the month {which} too in {where}", _add_usage(moved))
                    yield Fault("QTY_PERIOD", f"the month {which} for {where}", _add_usage([*own, *moved]))


def _qty_late(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for activation in world.request["activations"]:
        late = [each for each in world.late if _is_of(each, activation)]
        days = live_days(activation, world.quarter)
        if late and days:
            moved = [{**each, "on": days[0].isoformat()} for each in late]
            yield Fault("QTY_LATE", f"late ones at {_label(activation)}", _add_usage(moved))


def _qty_nonbillable(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for number, activation in enumerate(world.request["activations"]):
        own = [each for each in world.unbillable if _is_of(each, activation)]
        if own:
            yield Fault("QTY_NONBILLABLE", f"{own[0]['reason']} at {_label(activation)}", _add_usage(own))
        begins = activation["validation_from"]
        if begins and any(
            _is_of(each, activation)
            and begins <= each["on"] < activation["go_live"]
            and world.quarter[0].isoformat() <= each["on"] < world.quarter[1].isoformat()
            for each in world.request["usage"]
        ):

            def validated(request: Document, number: int = number, begins: str = begins) -> Document:
                changed = copy.deepcopy(request)
                changed["activations"][number] |= {"go_live": begins, "validation_from": None}
                return changed

            yield Fault("QTY_NONBILLABLE", f"validation at {_label(activation)}", validated)


# --- Faults of the lines and the header -------------------------------------------------------------------------------


def _not_active(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    if grain == "trust":
        return
    live = {
        (each["trust"], each["algorithm"]) for each in world.request["activations"] if live_days(each, world.quarter)
    }
    testing = {
        (each["trust"], each["algorithm"])
        for each in world.request["activations"]
        if each["validation_from"] and each["validation_from"] < world.quarter[1].isoformat()
    }
    for trust in sorted(TRUSTS):
        for algorithm in sorted(PRODUCTS):
            if (trust, algorithm) in live | testing:
                continue
            first = add_months(world.quarter[0], rng.randrange(3))
            quantity, price = rng.randint(2, 60), Decimal(rng.randrange(3000, 15000)) / 100
            line: Document = {
                "charge": "analysis", "kind": "usage", "clause": "7.1", "trust": trust, "algorithm": algorithm,
                "period": {"from": first.isoformat(), "to": add_months(first, 1).isoformat()},
                "tier": 1, "phase": None, "quantity": quantity, "unit_price": str(price),
                "gross": str(quantity * price), "discount_rate": "0", "discount": "0.00", "net": str(quantity * price),
                "why": None, "reprices": None,
            }  # fmt: skip

            def with_it(lines: Lines, line: Document = line) -> Lines:
                return [*lines, line]

            yield Fault("NOT_ACTIVE", f"{quantity} at {trust}/{algorithm}", on_due=with_it)


def _extra_line(name: str, amount: Decimal, **more: object) -> Document:
    return {
        "id": "0", "trust": None, "algorithm": None, "charge": None, "name": name, "period": None, "tier": None,
        "phase": None, "why": None, "quantity": Decimal(1), "price": amount, "base": Decimal(1), "allowance": ZERO,
        "net": amount, "covers": [], **more,
    }  # fmt: skip


def _unknown_item(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    amount = Decimal(rng.randrange(10_000, 900_000)) / 100
    for name in ("Konsulenttimer", "Reisekostnader", "Lagring"):
        yield Fault("UNKNOWN_ITEM", name, on_lines=lambda lines, name=name: [*lines, _extra_line(name, amount)])  # type: ignore[misc]


def _invoice_dup(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    def same(invoice: Invoice) -> list[Invoice]:
        return [Invoice(invoice.lines, dict(invoice.header))]

    def other_number(invoice: Invoice) -> list[Invoice]:
        return [Invoice(invoice.lines, {**invoice.header, "number": "20250930"})]

    yield Fault("INVOICE_DUP", "the same number", sent_before=same)
    yield Fault("INVOICE_DUP", "the same content", sent_before=other_number)


def _line_dup(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    place = rng.random()

    def twice(lines: Lines) -> Lines:
        own = [
            line
            for line in lines
            if line["net"] and line["reference" if "reference" in line else "id"] and line["covers"]
        ]
        return [*lines, own[int(place * len(own))]] if own else lines

    yield Fault("LINE_DUP", "a line twice", on_lines=twice)
    before = [line for line in earlier_invoice(world.seed, grain).lines if line["net"]]
    if before:
        again = before[int(place * len(before))]
        yield Fault(
            "LINE_DUP", "a line of the quarter before", on_lines=lambda lines: [*lines, {**again, "covers": []}]
        )


def _arithmetic(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    place, off = rng.random(), Decimal(rng.choice([-1, 1]) * rng.randrange(5, 90_000)) / 100

    def wrong(lines: Lines) -> Lines:
        number = int(place * len(lines))
        return [{**line, "net": line["net"] + off} if n == number else line for n, line in enumerate(lines)]

    yield Fault("ARITHMETIC", f"a line off by {off}", on_lines=wrong)

    def wrong_sum(header: Document) -> Document:
        net = header["tax_exclusive"] + off + (1 if off > 0 else -1)
        tax = (net * Decimal("0.25")).quantize(ORE, "ROUND_HALF_UP")
        return {**header, "tax_exclusive": net, "tax_base": net, "tax": tax}

    yield Fault("ARITHMETIC", f"the sum off by {off}", on_header=wrong_sum)


def _missing_line(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    place = rng.random()

    def without(lines: Lines) -> Lines:
        own = [number for number, line in enumerate(lines) if line["net"] and line["covers"]]
        gone = own[int(place * len(own))] if own else -1
        return [line for number, line in enumerate(lines) if number != gone]

    yield Fault("MISSING_LINE", "a line left out", on_lines=without)


def _rounding(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    place, off = rng.random(), Decimal(rng.choice(["-0.02", "-0.01", "0.01", "0.02"]))

    def nearly(lines: Lines) -> Lines:
        number = int(place * len(lines))
        return [
            {**line, "net": line["net"] + off} if n == number and line["covers"] else line
            for n, line in enumerate(lines)
        ]

    yield Fault("ROUNDING", f"a line off by {off}", on_lines=nearly)


def _with_credit(world: World, header: Document) -> Document:
    return {**header, "agreed_credits": [world.credit]}


def _without_credit(lines: Lines) -> Lines:
    return [line for line in lines if "reference" not in line]


def _credit_pending(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    yield Fault(
        "CREDIT_PENDING",
        "the agreed credit is not there",
        on_lines=_without_credit,
        on_header=lambda header: _with_credit(world, header),
    )


def _credit_wrong(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    amount = (Decimal(world.credit["amount"]) * rng.choice([Decimal("0.5"), Decimal("0.8"), Decimal("1.25")])).quantize(
        ORE
    )
    yield Fault(
        "CREDIT_WRONG",
        f"{amount} for {world.credit['amount']}",
        on_lines=lambda lines: [*_without_credit(lines), credit_line(world, amount)],
        on_header=lambda header: _with_credit(world, header),
    )


def _header(code: str, *changes: Document) -> Callable[[World, str, random.Random], Iterator[Fault]]:
    def faults(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
        for change in changes:

            def on_header(header: Document, change: Document = change) -> Document:
                return {**header, **change}

            yield Fault(code, repr(change), on_header=on_header)

    return faults


def _vat(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    def lower(header: Document) -> Document:
        rate = Decimal("0.15")
        return {**header, "tax_rate": rate, "tax": (header["tax_base"] * rate).quantize(ORE, "ROUND_HALF_UP")}

    def off(header: Document) -> Document:
        return {**header, "tax": header["tax"] + Decimal("12.50")}

    yield Fault("VAT", "15 per cent", on_header=lower)
    yield Fault("VAT", "12.50 too much", on_header=off)


def _ceiling(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    def beyond(header: Document) -> Document:
        return {**header, "maximum_value": "1"} if header["tax_exclusive"] > 1 else header

    yield Fault("CEILING", "beyond the maximum", on_header=beyond)


def _terms(world: World, grain: str, rng: random.Random) -> Iterator[Fault]:
    for days in (14, 20):
        due = world.quarter[1] + timedelta(days=7 + days)
        yield from _header("TERMS", {"due_on": due})(world, grain, rng)


_CATALOGUE: dict[str, Callable[[World, str, random.Random], Iterator[Fault]]] = {
    "NOT_ACTIVE": _not_active,
    "UNKNOWN_ITEM": _unknown_item,
    "WRONG_BUYER": _header("WRONG_BUYER", {"buyer": "993467049"}, {"buyer": None}),
    "REF_WRONG": _header(
        "REF_WRONG", {"order_reference": None}, {"contract_reference": "RA-2019-77"}, {"buyer_reference": "Ola"}
    ),
    "CURRENCY": _header("CURRENCY", {"currency": "EUR"}, {"currency": "XXX"}),
    "INVOICE_DUP": _invoice_dup,
    "LINE_DUP": _line_dup,
    "QTY_DIFF": _qty_diff,
    "QTY_DUP": _qty_dup,
    "QTY_PERIOD": _qty_period,
    "QTY_LATE": _qty_late,
    "QTY_NONBILLABLE": _qty_nonbillable,
    "TIER_MODE": _tier_mode,
    "TIER_SCOPE": _tier_scope,
    "TIER_RESET": _tier_reset,
    "TIER_WRONG": _tier_wrong,
    "RAMP_MISSING": _ramp_missing,
    "RAMP_EXPIRED": _ramp_expired,
    "RAMP_RATE": _ramp_rate,
    "PRICE_VERSION": _price_version,
    "PRICE_UNIT": _price_unit,
    "INDEX_EARLY": _index_early,
    "INDEX_WRONG": _index_wrong,
    "INDEX_MISSING": _index_missing,
    "FIXED_FEE": _fixed_fee,
    "MINIMUM_WRONG": _minimum_wrong,
    "ARITHMETIC": _arithmetic,
    "VAT": _vat,
    "CREDIT_PENDING": _credit_pending,
    "CREDIT_WRONG": _credit_wrong,
    "MISSING_LINE": _missing_line,
    "TERMS": _terms,
    "ACCOUNT_CHANGED": _header("ACCOUNT_CHANGED", {"accounts": ["98765432103"]}, {"accounts": ["12345670007", "1503"]}),
    "CEILING": _ceiling,
    "DOCUMENT": _header("DOCUMENT", {"rules": ["BR-CO-15"]}, {"rules": ["PEPPOL-EN16931-R003", "NO-R-001"]}),
    "ROUNDING": _rounding,
}
