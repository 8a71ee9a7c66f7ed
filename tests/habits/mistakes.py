"""What a vendor of any habit may do wrong: each mistake has the code of the cause it is, and what it changes.

A mistake changes what the vendor rates (its price list, its count), the lines that come of that, the lines as cut, the header, or
what was sent before. It is one only where it moves an amount or says something wrong: `made` leaves out those without effect.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

from tests.oracle.evaluator import add_months

from .agreements import PRODUCTS, TRUSTS, Agreed, Document, agreed, rated
from .cuts import CUTS, HALF_UP, ORE, UNCOUNTED, ZERO, Bill, Lines, bill

WINDOWS = ("month", "quarter", "calendar_year", "agreement_year", "agreement")
SCOPES = ("activation", "trust", "agreement")


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Mistake:
    """Hold one mistake."""

    code: str
    name: str
    on_request: Callable[[Document], Document] = _same
    on_due: Callable[[Lines], Lines] = _same
    on_lines: Callable[[Lines], Lines] = _same
    on_bill: Callable[[Bill], None] | None = None


def made(known: Agreed, cut: str, *mistakes: Mistake, statement: bool = False) -> Bill:
    """Write the quarter as a vendor of a habit with these mistakes does."""
    request = known.request
    for each in mistakes:
        request = each.on_request(request)
    due = list(_rated(known.seed, tuple(m.name for m in mistakes if m.on_request is not _same), request))
    for each in mistakes:
        due = each.on_due(due)
    found = bill(known, due, cut)
    for each in mistakes:
        found.lines = each.on_lines(found.lines)
    for each in mistakes:
        if each.on_bill is not None:
            each.on_bill(found)
    if statement:
        found.statement = _statement(known, request)
    return found


class _Asked:
    """Hold a request where the cache needs something that can be hashed."""

    request: ClassVar[Document] = {}


@lru_cache(maxsize=512)
def _remembered(seed: int, names: tuple[str, ...]) -> tuple[Document, ...]:
    return tuple(rated(_Asked.request))


def _rated(seed: int, names: tuple[str, ...], request: Document) -> tuple[Document, ...]:
    _Asked.request = request
    return _remembered(seed, names)


def _statement(known: Agreed, request: Document) -> Lines:
    """Count what the vendor holds for billable, by month."""
    months: dict[tuple[str, str, str], int] = {}
    spans = [(a["trust"], a["algorithm"], a["go_live"], a["end"] or "9999") for a in request["activations"]]
    for entry in request["usage"]:
        if known.quarter[0].isoformat() <= entry["on"] < known.quarter[1].isoformat() and any(
            (trust, algorithm) == (entry["trust"], entry["algorithm"]) and begins <= entry["on"] < ends
            for trust, algorithm, begins, ends in spans
        ):
            key = (entry["trust"], entry["algorithm"], entry["on"][:7] + "-01")
            months[key] = months.get(key, 0) + entry["quantity"]
    return [dict(zip(("trust", "algorithm", "on", "quantity"), (*key, n), strict=True)) for key, n in months.items()]


def catalogue(known: Agreed, code: str, cut: str) -> list[Mistake]:
    """List the mistakes of a code that a bill of this habit may have."""
    return list(_CATALOGUE[code](known, cut, random.Random(f"{known.seed} {code}")))


def codes() -> list[str]:
    """Return the codes of the catalogue."""
    return list(_CATALOGUE)


def one_of(known: Agreed, code: str, cut: str, statement: bool) -> tuple[Mistake, Bill] | None:
    """Pick a mistake of a code that moves something on the bill, None where there is none."""
    right = made(known, cut)
    possible = catalogue(known, code, cut)
    random.Random(f"one {known.seed} {code} {cut}").shuffle(possible)
    for each in possible[:8]:
        found = made(known, cut, each, statement=statement)
        if found.fingerprint != right.fingerprint and (
            found.header or found.earlier or sorted(_nets(found)) != sorted(_nets(right))
        ):
            return each, found
    return None


def _nets(found: Bill) -> list[Decimal]:
    return [*(line["net"] for line in found.lines), found.allowance]


# -- the price list --------------------------------------------------------------------------------------------------


def _charges(known: Agreed) -> list[Document]:
    first: dict[str, Document] = {}
    for version in known.request["price_book"]["versions"]:
        for charge in version["charges"]:
            first.setdefault(charge["code"], charge)
    return list(first.values())


def _usage(known: Agreed) -> list[Document]:
    return [charge for charge in _charges(known) if charge["kind"] == "usage"]


def _tiered(known: Agreed) -> list[Document]:
    return [charge for charge in _usage(known) if len(charge.get("tiers", ())) > 1]


def _otherwise(code: str, change: Callable[[Document], None]) -> Callable[[Document], Document]:
    def on_request(request: Document) -> Document:
        changed = copy.deepcopy(request)
        for version in changed["price_book"]["versions"]:
            for charge in version["charges"]:
                if charge["code"] == code:
                    change(charge)
        return changed

    return on_request


def _set(name: str, value: Any, inside: str | None = None) -> Callable[[Document], None]:
    def change(charge: Document) -> None:
        target = charge if inside is None else charge.setdefault(inside, {})
        target[name] = value

    return change


def _drop(name: str) -> Callable[[Document], None]:
    def change(charge: Document) -> None:
        charge.pop(name, None)

    return change


def _tier_mode(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for charge in _tiered(known):
        other = "volume" if charge["model"] == "graduated" else "graduated"
        yield Mistake("TIER_MODE", f"{charge['code']} {other}", _otherwise(charge["code"], _set("model", other)))


def _tier_scope(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for charge in _usage(known):
        for scope in SCOPES:
            if scope != charge["counter"]["scope"]:
                change = _set("scope", scope, "counter")
                yield Mistake("TIER_SCOPE", f"{charge['code']} per {scope}", _otherwise(charge["code"], change))


def _tier_reset(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for charge in _usage(known):
        for window in WINDOWS:
            if window != charge["counter"]["window"]:
                change = _set("window", window, "counter")
                yield Mistake("TIER_RESET", f"{charge['code']} by {window}", _otherwise(charge["code"], change))


def _tier_wrong(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    bound = known.request["price_book"]["conventions"]["boundary"]
    other = "exclusive" if bound == "inclusive" else "inclusive"
    for charge in _tiered(known):
        change = _set("boundary", other, "conventions")
        yield Mistake("TIER_WRONG", f"{charge['code']} {other}", _otherwise(charge["code"], change))
        for number in (0, len(charge["tiers"]) - 1):

            def flat(each: Document, number: int = number) -> None:
                price = each["tiers"][number]["unit_price"]
                for tier in each["tiers"]:
                    tier["unit_price"] = price

            yield Mistake("TIER_WRONG", f"{charge['code']} all in {number + 1}", _otherwise(charge["code"], flat))


def _phases(known: Agreed) -> list[Document]:
    return [charge for charge in _usage(known) if charge.get("ramp_up")]


def _ramp_missing(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for charge in _phases(known):
        without = _otherwise(charge["code"], _drop("ramp_up"))
        yield Mistake("RAMP_MISSING", f"{charge['code']} without ramp", without)
    for each in known.request["activations"]:

        def undiscounted(lines: Lines, own: Document = each) -> Lines:
            return [
                line | {"discount": "0.00", "discount_rate": "0", "net": line["gross"]} if _of(line, own) else line
                for line in lines
            ]

        yield Mistake("RAMP_MISSING", f"no discount at {_label(each)}", on_due=undiscounted)


def _of(line: Document, activation: Document) -> bool:
    return (line["trust"], line["algorithm"]) == (activation["trust"], activation["algorithm"])


def _label(activation: Document) -> str:
    return f"{activation['trust']}/{activation['algorithm']}"


def _ramp_expired(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for charge in _phases(known):
        for more in (1, 2, 600):

            def longer(each: Document, more: int = more) -> None:
                last = each["ramp_up"]["phases"][-1]
                if "months" in last:
                    last["months"] += more
                else:
                    last["units"] += more * 50

            yield Mistake("RAMP_EXPIRED", f"{charge['code']} {more} longer", _otherwise(charge["code"], longer))


def _ramp_rate(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for charge in _phases(known):
        starts = "next_month" if charge["ramp_up"]["starts"] == "go_live" else "go_live"
        change = _set("starts", starts, "ramp_up")
        yield Mistake("RAMP_RATE", f"{charge['code']} from {starts}", _otherwise(charge["code"], change))
        for number, phase in enumerate(charge["ramp_up"]["phases"]):
            rate = rng.choice([each for each in ("0.1", "0.3", "0.4", "0.45", "0.55") if each != phase["discount"]])

            def other(each: Document, number: int = number, rate: str = rate) -> None:
                each["ramp_up"]["phases"][number]["discount"] = rate

            name = f"{charge['code']} phase {number + 1} at {rate}"
            yield Mistake("RAMP_RATE", name, _otherwise(charge["code"], other))


def _versions(change: Callable[[Lines], Lines]) -> Callable[[Document], Document]:
    def on_request(request: Document) -> Document:
        changed = copy.deepcopy(request)
        changed["price_book"]["versions"] = change(changed["price_book"]["versions"])
        return changed

    return on_request


def _without_version(day: str) -> Callable[[Lines], Lines]:
    return lambda each: [version for version in each if version["valid_from"] != day]


def _price_version(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    versions = known.request["price_book"]["versions"]
    first, until = known.quarter[0].isoformat(), known.quarter[1].isoformat()
    now = max((v for v in versions if v["valid_from"] <= first), key=lambda v: v["valid_from"], default=versions[0])
    before = [v for v in versions if v["valid_from"] < now["valid_from"]]
    if before:
        gone = now["valid_from"]
        yield Mistake("PRICE_VERSION", "the old one stays", _versions(_without_version(gone)))
    for later in (v for v in versions if v["valid_from"] > first):
        if later["valid_from"] < until:
            day = later["valid_from"]
            yield Mistake(
                "PRICE_VERSION",
                f"never from {day}",
                _versions(_without_version(day)),
            )

        def early(each: Lines, day: str = later["valid_from"]) -> Lines:
            kept = [v for v in each if v["valid_from"] not in (first, day)]
            return [*kept, {**next(v for v in each if v["valid_from"] == day), "valid_from": first}]

        if later["valid_from"] > first:
            yield Mistake("PRICE_VERSION", f"early of {later['valid_from']}", _versions(early))


def _index(change: Callable[[Lines], Lines]) -> Callable[[Document], Document]:
    def on_request(request: Document) -> Document:
        changed = copy.deepcopy(request)
        changed["price_book"]["index_adjustments"] = change(changed["price_book"]["index_adjustments"])
        return changed

    return on_request


def _index_early(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for each in known.request["price_book"]["index_adjustments"]:
        for month in known.months:
            if month.isoformat() < each["effective_from"]:

                def early(those: Lines, of: str = each["effective_from"], day: str = month.isoformat()) -> Lines:
                    return [one | {"effective_from": day} if one["effective_from"] == of else one for one in those]

                yield Mistake("INDEX_EARLY", f"{each['effective_from']} from {month}", _index(early))


def _index_wrong(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for each in known.request["price_book"]["index_adjustments"]:
        factor = Decimal(each["factor"])
        for other in (
            str(factor * factor),
            f"1.{rng.randrange(5, 75):03d}",
            f"1.0{each['factor'][-1]}{each['factor'][-2]}",
        ):
            if Decimal(other) == factor:
                continue

            def wrong(those: Lines, of: str = each["effective_from"], other: str = other) -> Lines:
                return [one | {"factor": other} if one["effective_from"] == of else one for one in those]

            yield Mistake("INDEX_WRONG", f"{each['effective_from']} by {other}", _index(wrong))


def _index_missing(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for each in known.request["price_book"]["index_adjustments"]:

        def without(those: Lines, of: str = each["effective_from"]) -> Lines:
            return [one for one in those if one["effective_from"] != of]

        yield Mistake("INDEX_MISSING", f"without {each['effective_from']}", _index(without))


def _price_unit(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    if cut in UNCOUNTED or cut == "algorithm":
        return
    for each in known.request["activations"]:
        for factor in ("1.03", "1.125", "0.93"):

            def dearer(lines: Lines, own: Document = each, factor: str = factor) -> Lines:
                return [_priced(line, Decimal(factor)) if _of(line, own) and line["tier"] else line for line in lines]

            yield Mistake("PRICE_UNIT", f"{_label(each)} × {factor}", on_due=dearer)


def _priced(line: Document, factor: Decimal) -> Document:
    price = (Decimal(line["unit_price"]) * factor).quantize(ORE, HALF_UP)
    gross = (line["quantity"] * price).quantize(ORE, HALF_UP)
    discount = (gross * Decimal(line["discount_rate"])).quantize(ORE, HALF_UP)
    return line | {
        "unit_price": str(price),
        "gross": str(gross),
        "discount": str(discount),
        "net": str(gross - discount),
    }


def _extra(name: str, amount: Decimal, known: Agreed, **more: Any) -> Document:
    return {
        "trust": None, "algorithm": None, "charge": None, "kind": "fixed", "from": known.quarter[0].isoformat(),
        "to": known.quarter[1].isoformat(), "tier": None, "phase": None, "why": None, "quantity": Decimal(1),
        "price": amount, "base": Decimal(1), "allowance": ZERO, "net": amount, "reprices": None, "gross": amount,
        "name": name, "of": -1,
    } | more  # fmt: skip


def _added(line: Document) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines, line]


def _fixed_fee(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for charge in _charges(known):
        if charge["kind"] == "fixed":
            other = "days" if charge["proration"] == "none" else "none"
            yield Mistake("FIXED_FEE", f"proration {other}", _otherwise(charge["code"], _set("proration", other)))
            for per in SCOPES:
                if per != charge["per"]:
                    yield Mistake("FIXED_FEE", f"per {per}", _otherwise(charge["code"], _set("per", per)))
        if charge["kind"] != "usage" and cut not in UNCOUNTED:
            more = rng.choice([50, 125, 1000])

            def dearer(lines: Lines, code: str = charge["code"], more: int = more) -> Lines:
                return [_raised(line, more) if line["charge"] == code else line for line in lines]

            yield Mistake("FIXED_FEE", f"{charge['code']} dearer by {more}", on_due=dearer)
    if cut not in ("month", "trust", "trust_month"):
        trust = rng.choice(known.request["activations"])["trust"]
        amount = Decimal(rng.choice([1500, 2750, 4000]))
        for name in ("Supportavgift", "Miljøgebyr", "Lisensavgift"):
            line = _extra(name, amount, known, trust=trust)
            yield Mistake("FIXED_FEE", f"{name} at {trust}", on_lines=_added(line))


def _raised(line: Document, more: int) -> Document:
    price, net = Decimal(line["unit_price"]) + more, Decimal(line["net"]) + more
    return line | {
        "unit_price": str(price),
        "gross": str(net),
        "discount": "0.00",
        "discount_rate": "0",
        "net": str(net),
    }


def _minimum_wrong(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for charge in _usage(known):
        for limit in ("minimum", "maximum"):
            if limit not in charge:
                continue
            yield Mistake(
                "MINIMUM_WRONG",
                f"no {limit}",
                _otherwise(charge["code"], _drop(limit)),
            )
            for per in SCOPES:
                if per != charge[limit]["per"]:
                    change = _set("per", per, limit)
                    yield Mistake("MINIMUM_WRONG", f"{limit} per {per}", _otherwise(charge["code"], change))
            change = _set("indexed", not charge[limit]["indexed"], limit)
            yield Mistake("MINIMUM_WRONG", f"{limit} indexed otherwise", _otherwise(charge["code"], change))
            window = "month" if charge[limit]["window"] == "quarter" else "quarter"
            change = _set("window", window, limit)
            yield Mistake("MINIMUM_WRONG", f"{limit} by {window}", _otherwise(charge["code"], change))


# -- the count -------------------------------------------------------------------------------------------------------


def _more(entries: Lines) -> Callable[[Document], Document]:
    own = [{name: each[name] for name in ("trust", "algorithm", "on", "quantity")} for each in entries]
    return lambda request: {**request, "usage": [*request["usage"], *own]}


def _quantity(known: Agreed) -> Iterator[tuple[Document, list[date]]]:
    for each in known.request["activations"]:
        if live := known.live(each):
            yield each, live


def _at(activation: Document, on: date, quantity: int) -> Document:
    return {
        "trust": activation["trust"],
        "algorithm": activation["algorithm"],
        "on": on.isoformat(),
        "quantity": quantity,
    }


def _qty_diff(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for each, live in _quantity(known):
        more = rng.randint(2, 60)
        yield Mistake("QTY_DIFF", f"{more} more at {_label(each)}", _more([_at(each, rng.choice(live), more)]))
        if own := [e for e in known.counted(each, *known.quarter) if e["quantity"] > 4]:
            less = rng.choice(own)
            yield Mistake(
                "QTY_DIFF",
                f"fewer at {_label(each)}",
                _more([less | {"quantity": -rng.randint(2, less["quantity"] - 1)}]),
            )


def _qty_dup(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for each, _ in _quantity(known):
        if again := [entry for entry in known.resent if _of(entry, each)]:
            yield Mistake("QTY_DUP", f"re-sent at {_label(each)}", _more(again))
        for month in known.months:
            own = known.counted(each, month, add_months(month, 1))
            if not own:
                continue
            yield Mistake("QTY_DUP", f"{month} twice at {_label(each)}", _more(own))
            busiest = max(own, key=lambda entry: (entry["quantity"], entry["on"]))
            yield Mistake("QTY_DUP", f"{busiest['on']} twice at {_label(each)}", _more([busiest]))
            monday = date.fromisoformat(busiest["on"]) - timedelta(days=date.fromisoformat(busiest["on"]).weekday())
            week = known.counted(each, max(monday, month), min(monday + timedelta(days=7), add_months(month, 1)))
            yield Mistake("QTY_DUP", f"week of {monday} twice at {_label(each)}", _more(week))


def _qty_period(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for each, _ in _quantity(known):
        for month in known.months:
            live = [day for day in known.live(each) if month <= day < add_months(month, 1)]
            before = known.counted(each, add_months(month, -1), month)
            if not live or not before:
                continue
            moved = [_at(each, live[-1], sum(entry["quantity"] for entry in before))]
            own = [
                entry | {"quantity": -entry["quantity"]} for entry in known.counted(each, month, add_months(month, 1))
            ]
            yield Mistake("QTY_PERIOD", f"{month} with the one before at {_label(each)}", _more(moved))
            yield Mistake("QTY_PERIOD", f"the one before {month} at {_label(each)}", _more([*own, *moved]))
            after = known.counted(each, add_months(month, 1), add_months(month, 2))
            early = [_at(each, live[-1], sum(entry["quantity"] for entry in after))]
            yield Mistake("QTY_PERIOD", f"the one after {month} at {_label(each)}", _more([*own, *early]))


def _qty_late(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for each, live in _quantity(known):
        if late := [entry for entry in known.late if _of(entry, each)]:
            moved = [entry | {"on": live[0].isoformat()} for entry in late]
            yield Mistake("QTY_LATE", f"late at {_label(each)}", _more(moved))


def _qty_nonbillable(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for number, each in enumerate(known.request["activations"]):
        if own := [entry for entry in known.unbillable if _of(entry, each)]:
            yield Mistake("QTY_NONBILLABLE", f"{own[0]['reason']} at {_label(each)}", _more(own))
        begins = each["validation_from"]
        if begins and each["go_live"] > known.quarter[0].isoformat() and each["go_live"] < known.quarter[1].isoformat():

            def validated(request: Document, number: int = number, begins: str = begins) -> Document:
                changed = copy.deepcopy(request)
                changed["activations"][number] |= {"go_live": begins, "validation_from": None}
                return changed

            yield Mistake("QTY_NONBILLABLE", f"validation at {_label(each)}", validated)


# -- lines and header ------------------------------------------------------------------------------------------------


def _not_active(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    if cut in UNCOUNTED or cut == "algorithm":
        return
    begun = {
        (each["trust"], each["algorithm"])
        for each in known.request["activations"]
        if (each["validation_from"] or each["go_live"]) < known.quarter[1].isoformat()
    }
    for trust in sorted(TRUSTS):
        for algorithm in sorted(PRODUCTS):
            if (trust, algorithm) not in begun:
                month, quantity = rng.choice(known.months), Decimal(rng.randint(5, 80))
                price = Decimal(rng.randrange(40, 120))
                line = _extra("", quantity * price, known) | {
                    "trust": trust, "algorithm": algorithm, "from": month.isoformat(), "quantity": quantity,
                    "to": add_months(month, 1).isoformat(), "price": price, "tier": 1, "kind": "usage",
                }  # fmt: skip
                yield Mistake("NOT_ACTIVE", f"{quantity} at {trust}/{algorithm}", on_lines=_added(line))


def _unknown_item(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for name in ("Opplæring på stedet", "Reise og opphold", "Integrasjonsarbeid"):
        amount = Decimal(rng.randrange(100_000, 2_000_000)) / 100
        yield Mistake("UNKNOWN_ITEM", name, on_lines=_added(_extra(name, amount, known, dated=False)))
        yield Mistake("UNKNOWN_ITEM", f"{name} in the quarter", on_lines=_added(_extra(name, amount, known)))


def _line_dup(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for _ in range(3):
        place = rng.random()

        def twice(lines: Lines, place: float = place) -> Lines:
            own = [line for line in lines if line["net"] > 0]
            return [*lines, own[int(place * len(own))] | {"of": -2}] if own else lines

        yield Mistake("LINE_DUP", f"the line at {place:.3f}", on_lines=twice)


def _missing_line(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for _ in range(3):
        place = rng.random()

        def without(lines: Lines, place: float = place) -> Lines:
            own = [n for n, line in enumerate(lines) if line["net"] > 0 and "name" not in line]
            gone = own[int(place * len(own))] if own else -1
            return [line for n, line in enumerate(lines) if n != gone]

        yield Mistake("MISSING_LINE", f"the line at {place:.3f}", on_lines=without)


def _arithmetic(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    for _ in range(2):
        place, off = rng.random(), Decimal(rng.choice([-1, 1]) * rng.randrange(10, 40_000)) / 100

        def wrong(lines: Lines, place: float = place, off: Decimal = off) -> Lines:
            gone = int(place * len(lines))
            return [line | {"net": line["net"] + off} if n == gone else line for n, line in enumerate(lines)]

        yield Mistake("ARITHMETIC", f"a line off by {off}", on_lines=wrong)

        def wrong_sum(found: Bill, off: Decimal = off) -> None:
            found.header["tax_exclusive"] = found.net + off + (6 if off > 0 else -6)

        yield Mistake("ARITHMETIC", f"the sum off by {off}", on_bill=wrong_sum)


def _invoice_dup(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    def sent(found: Bill) -> None:
        found.earlier.append(Bill(found.lines, found.allowance, {"number": "6999"}))

    def again(found: Bill) -> None:
        found.earlier.append(Bill(found.lines, found.allowance))

    yield Mistake("INVOICE_DUP", "under another number", on_bill=sent)
    yield Mistake("INVOICE_DUP", "the same", on_bill=again)


def _in_header(change: Document) -> Callable[[Bill], None]:
    return lambda found: found.header.update(change)


def _header(code: str, *changes: Document) -> Callable[[Agreed, str, random.Random], Iterator[Mistake]]:
    def mistakes(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
        for change in changes:
            yield Mistake(code, repr(change), on_bill=_in_header(change))

    return mistakes


def _vat(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    def lower(found: Bill) -> None:
        tax = (found.net * Decimal("0.15")).quantize(ORE, HALF_UP)
        found.header |= {"tax_percent": Decimal(15), "tax": tax}

    yield Mistake("VAT", "15 per cent", on_bill=lower)


def _terms(known: Agreed, cut: str, rng: random.Random) -> Iterator[Mistake]:
    due = known.quarter[1] + timedelta(days=5 + 14)
    yield Mistake("TERMS", "14 days", on_bill=_in_header({"due": due}))


_CATALOGUE: dict[str, Callable[[Agreed, str, random.Random], Iterator[Mistake]]] = {
    "NOT_ACTIVE": _not_active,
    "UNKNOWN_ITEM": _unknown_item,
    "WRONG_BUYER": _header("WRONG_BUYER", {"buyer": "889640782"}),
    "REF_WRONG": _header("REF_WRONG", {"order": None}, {"buyer_reference": "Kari"}, {"contract": "RA-KI-42"}),
    "CURRENCY": _header("CURRENCY", {"currency": "SEK"}),
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
    "MISSING_LINE": _missing_line,
    "TERMS": _terms,
    "ACCOUNT_CHANGED": _header(
        "ACCOUNT_CHANGED",
        {"account": "15032080119"},
        {"seller": "998877660", "seller_name": "Fjordlys Services AS", "account": "15032080119"},
    ),
    "CEILING": _header("CEILING", {"maximum_value": "1"}),
}
HEADER = frozenset({"WRONG_BUYER", "REF_WRONG", "CURRENCY", "VAT", "TERMS", "ACCOUNT_CHANGED", "CEILING"})
EVERY_CUT = tuple(CUTS)


@lru_cache(maxsize=64)
def known_agreement(seed: int) -> Agreed:
    """Make an agreement once."""
    return agreed(seed)
