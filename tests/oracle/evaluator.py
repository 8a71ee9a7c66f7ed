"""Evaluate a price request the slow way, unit by unit and day by day.

The order here is the order of the definition: pricing periods, slices, counters, the models, shared money,
zero usage, maximum, minimum, then fixed and one-off charges. Every amount is a `Fraction` until it is rounded, so no
rounding happens that the definition does not name. A pricing period has one price version and one index, so "the first
day of the period" is all that is needed to ask for a price.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

Document = dict[str, Any]
ONE_DAY = timedelta(days=1)
# Units are placed one at a time up to here. Above, nobody can wait: a run of units is placed by its bounds instead,
# and the tests hold the two ways against each other.
MOST_UNITS_ONE_BY_ONE = 20_000


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Hold the days from `start` up to, not including, `stop`."""

    start: date
    stop: date

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.stop

    def to_document(self) -> Document:
        return {"from": self.start.isoformat(), "to": self.stop.isoformat()}


@dataclass(frozen=True, slots=True)
class Key:
    """Name who a counter, a fee or a limit belongs to: the agreement, a trust, or a (trust, algorithm)."""

    trust: str | None = None
    algorithm: str | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """Hold one algorithm switched on at one trust."""

    trust: str
    algorithm: str
    validation_from: date | None
    go_live: date
    end: date | None

    def is_live_on(self, day: date) -> bool:
        return self.go_live <= day and (self.end is None or day < self.end)

    def is_validating_on(self, day: date) -> bool:
        return self.validation_from is not None and self.validation_from <= day < self.go_live

    def is_live_in(self, window: Span) -> bool:
        return self.go_live < window.stop and (self.end is None or self.end > window.start)


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one line of the answer; amounts are exact fractions that already are whole øre."""

    charge: Document
    key: Key
    period: Span
    why: str | None
    gross: Fraction
    discount_rate: Fraction
    discount: Fraction
    tier: int | None = None
    phase: int | None = None
    quantity: int | None = None
    unit_price: Fraction | None = None
    reprices: Span | None = None

    @property
    def net(self) -> Fraction:
        return self.gross - self.discount


@dataclass(frozen=True, slots=True)
class Slice:
    """Hold the units of one (trust, algorithm) in one ramp phase of one pricing period."""

    trust: str
    algorithm: str
    phase: int | None
    discount_rate: Fraction
    units: int
    period: Span

    @property
    def turn(self) -> tuple[str, str, float]:
        """Order slices for ties: trust, algorithm, phase; the ordinary price comes last."""
        return (self.trust, self.algorithm, float("inf") if self.phase is None else self.phase)

    @property
    def key(self) -> Key:
        return Key(self.trust, self.algorithm)


@dataclass(slots=True)
class Counter:
    """Hold what has happened under one charge, scope key and window so far."""

    position: int = 0
    units_outside: int = 0
    opened_tiers: set[int] = field(default_factory=set)
    volume_tier: int | None = None
    priced: list[Slice] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Terms:
    """Hold the request in the shape the evaluation asks about."""

    agreement: Span
    conventions: Document
    adjustments: list[tuple[date, Fraction]]
    versions: list[tuple[date, dict[str, Document]]]
    activations: list[Activation]
    periods: list[Span]


def evaluate(request: Document) -> Document:
    """Give the answer document of a valid price request.

    Amounts are decimal strings excluding VAT; the order of lines, exclusions and positions says nothing.
    Errors are not looked for: what an invalid request gives is undefined.
    """
    asked = Span(day_of(request["period"]["from"]), day_of(request["period"]["to"]))
    terms = terms_of(request)
    billable, excluded = usage_by_day(terms, request["usage"], asked)
    lines: list[Line] = []
    positions: list[Document] = []
    for code in charge_codes(terms):
        usage_lines, counters = lines_of_usage_charge(terms, code, billable, asked.stop)
        lines += usage_lines
        lines += lines_of_fixed_charge(terms, code)
        lines += lines_of_one_off_charge(terms, code)
        positions += positions_of(terms, code, counters, asked.stop - ONE_DAY)
    lines = [line for line in lines if asked.start <= line.period.start and line.period.stop <= asked.stop]
    return {
        "currency": request["agreement"]["currency"],
        "total": money_text(sum((line.net for line in lines), Fraction(0))),
        "lines": [line_document(line) for line in lines],
        "excluded": excluded,
        "positions": positions,
    }


# --- The calendar ---------------------------------------------------------------------------------------------------


def day_of(text: str) -> date:
    return date.fromisoformat(text)


def add_months(day: date, months: int) -> date:
    """Give the same day of the month so many months on, or that month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for number in (day.day, 30, 29, 28):
        if number <= day.day:
            try:
                return date(year, month + 1, number)
            except ValueError:
                continue
    raise AssertionError(day)


def days_of(span: Span) -> Iterator[date]:
    day = span.start
    while day < span.stop:
        yield day
        day += ONE_DAY


def whole_window(terms: Terms, kind: str, day: date) -> Span:
    """Give the window that holds the day, not clipped to the agreement."""
    if kind == "month":
        first = day.replace(day=1)
        return Span(first, add_months(first, 1))
    if kind == "quarter":
        first = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
        return Span(first, add_months(first, 3))
    if kind == "calendar_year":
        return Span(date(day.year, 1, 1), date(day.year + 1, 1, 1))
    if kind == "agreement_year":
        years = 0
        while add_months(terms.agreement.start, 12 * (years + 1)) <= day:
            years += 1
        return Span(add_months(terms.agreement.start, 12 * years), add_months(terms.agreement.start, 12 * (years + 1)))
    assert kind == "agreement", kind
    return terms.agreement


def window_of(terms: Terms, kind: str, day: date) -> Span:
    """Give the window that holds the day, clipped to the agreement."""
    whole = whole_window(terms, kind, day)
    return Span(max(whole.start, terms.agreement.start), min(whole.stop, terms.agreement.stop))


# --- The terms ------------------------------------------------------------------------------------------------------


def terms_of(request: Document) -> Terms:
    agreement = Span(day_of(request["agreement"]["start"]), day_of(request["agreement"]["end"]))
    book = request["price_book"]
    versions = [
        (day_of(version["valid_from"]), {charge["code"]: charge for charge in version["charges"]})
        for version in sorted(book["versions"], key=lambda version: str(version["valid_from"]))
    ]
    adjustments = [
        (day_of(each["effective_from"]), Fraction(each["factor"])) for each in book.get("index_adjustments") or []
    ]
    activations = [
        Activation(
            trust=each["trust"],
            algorithm=each["algorithm"],
            validation_from=day_of(each["validation_from"]) if each.get("validation_from") else None,
            go_live=day_of(each["go_live"]),
            end=day_of(each["end"]) if each.get("end") else None,
        )
        for each in request["activations"]
    ]
    terms = Terms(agreement, book.get("conventions") or {}, adjustments, versions, activations, [])
    terms.periods.extend(pricing_periods(terms))
    return terms


def pricing_periods(terms: Terms) -> list[Span]:
    """Cut the agreement at months, price versions, index adjustments and agreement years."""
    cuts = {terms.agreement.start, terms.agreement.stop}
    cuts |= {valid_from for valid_from, _ in terms.versions}
    cuts |= {effective_from for effective_from, _ in terms.adjustments}
    for day in days_of(terms.agreement):
        if day.day == 1 or whole_window(terms, "agreement_year", day).start == day:
            cuts.add(day)
    bounds = sorted(cut for cut in cuts if terms.agreement.start <= cut <= terms.agreement.stop)
    return [Span(start, stop) for start, stop in pairwise(bounds)]


def charge_codes(terms: Terms) -> list[str]:
    return sorted({code for _, charges in terms.versions for code in charges})


def version_on(terms: Terms, day: date) -> tuple[date, dict[str, Document]]:
    """Give the price version in force; before the first one there is no charge."""
    in_force = (date.min, dict[str, Document]())
    for valid_from, charges in terms.versions:
        if valid_from <= day:
            in_force = (valid_from, charges)
    return in_force


def charge_on(terms: Terms, code: str, day: date, kind: str) -> Document | None:
    charge = version_on(terms, day)[1].get(code)
    return charge if charge is not None and charge["kind"] == kind else None


def covers(charge: Document, algorithm: str) -> bool:
    algorithms = charge.get("algorithms")
    return algorithms is None or algorithms == "all" or algorithm in algorithms


def convention(terms: Terms, charge: Document, name: str) -> Any:
    defaults = {
        "boundary": "inclusive",
        "zero_usage": "no_charge",
        "price_decimals": 2,
        "rounding": "half_up",
        "minimum_applies": "after_discount",
    }
    return {**defaults, **terms.conventions, **(charge.get("conventions") or {})}[name]


def keys_live_in(terms: Terms, charge: Document, per: str, window: Span) -> set[Key]:
    """Give the keys with a covered activation that went live before the window's end and had not ended by its start."""
    if per == "agreement":
        return {Key()}
    return {
        key_of(per, activation.trust, activation.algorithm)
        for activation in terms.activations
        if covers(charge, activation.algorithm) and activation.is_live_in(window)
    }


def key_of(per: str, trust: str, algorithm: str) -> Key:
    if per == "agreement":
        return Key()
    if per == "trust":
        return Key(trust)
    return Key(trust, algorithm)


# --- Rounding, index, money -----------------------------------------------------------------------------------------


def rounded(amount: Fraction, decimals: int, rounding: str) -> Fraction:
    """Round to so many decimals; a half goes away from zero (half_up) or to the even neighbour (half_even)."""
    scaled = abs(amount) * 10**decimals
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    twice = 2 * rest
    if twice > scaled.denominator or (twice == scaled.denominator and (rounding == "half_up" or whole % 2 == 1)):
        whole += 1
    return Fraction(whole if amount >= 0 else -whole, 10**decimals)


def index_on(terms: Terms, day: date) -> Fraction | None:
    """Multiply the factors since the version in force began; None when no adjustment applies."""
    valid_from, _ = version_on(terms, day)
    index: Fraction | None = None
    for effective_from, factor in terms.adjustments:
        if valid_from < effective_from <= day:
            index = factor if index is None else index * factor
    return index


def unit_price_of(terms: Terms, charge: Document, tier: int, day: date) -> Fraction:
    return indexed_price(terms, charge, charge["tiers"][tier - 1].get("unit_price") or "0", day)


def indexed_price(terms: Terms, charge: Document, written: str, day: date) -> Fraction:
    price = Fraction(written)
    index = index_on(terms, day)
    if index is None:
        return price
    return rounded(price * index, convention(terms, charge, "price_decimals"), "half_up")


def amount_of(terms: Terms, charge: Document, amount: str, day: date, share: Fraction = Fraction(1)) -> Fraction:
    """Index an amount of money, take a share of it, and round once to øre."""
    index = index_on(terms, day)
    return to_ore(terms, charge, Fraction(amount) * (Fraction(1) if index is None else index) * share)


def to_ore(terms: Terms, charge: Document, amount: Fraction) -> Fraction:
    return rounded(amount, 2, convention(terms, charge, "rounding"))


def unit_line(
    terms: Terms,
    charge: Document,
    piece: Slice,
    period: Span,
    *,
    quantity: int,
    unit_price: Fraction,
    tier: int,
    why: str | None = None,
    reprices: Span | None = None,
) -> Line:
    gross = to_ore(terms, charge, quantity * unit_price)
    return Line(
        charge=charge,
        key=piece.key,
        period=period,
        why=why,
        gross=gross,
        discount_rate=piece.discount_rate,
        discount=to_ore(terms, charge, gross * piece.discount_rate),
        tier=tier,
        phase=piece.phase,
        quantity=quantity,
        unit_price=unit_price,
        reprices=reprices,
    )


def amount_line(charge: Document, key: Key, period: Span, why: str, amount: Fraction) -> list[Line]:
    """Give a line for an amount without discount, or none when the amount is nil."""
    if amount == 0:
        return []
    return [Line(charge, key, period, why, gross=amount, discount_rate=Fraction(0), discount=Fraction(0))]


def largest_remainder(total: int, weights: list[int]) -> list[int]:
    """Share a whole number in proportion to weights; what is left goes one by one to the largest remainders.

    Equal remainders are served in the order given.
    """
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    shares = [share.numerator // share.denominator for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: shares[i] - exact[i])
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def shared_money(amount: Fraction, slices: list[Slice]) -> list[Fraction]:
    """Share an amount over slices by units, in øre; a negative amount is shared as its size, then negated."""
    ore = abs(amount) * 100
    assert ore.denominator == 1, amount
    sign = -1 if amount < 0 else 1
    return [Fraction(sign * share, 100) for share in largest_remainder(ore.numerator, [each.units for each in slices])]


# --- Usage and its slices -------------------------------------------------------------------------------------------

Usage = dict[tuple[str, str], list[tuple[date, int, Activation]]]


def usage_by_day(terms: Terms, entries: list[Document], asked: Span) -> tuple[Usage, list[Document]]:
    """Add the signed entries up by day; give the billable days in order, and the excluded ones of the asked period."""
    sums: dict[tuple[str, str, date], int] = {}
    for entry in entries:
        cell = (entry["trust"], entry["algorithm"], day_of(entry["on"]))
        sums[cell] = sums.get(cell, 0) + entry["quantity"]
    billable: Usage = {}
    excluded: list[Document] = []
    for (trust, algorithm, day), quantity in sorted(sums.items()):
        if day >= asked.stop or quantity == 0:
            continue
        own = [each for each in terms.activations if (each.trust, each.algorithm) == (trust, algorithm)]
        live = [each for each in own if each.is_live_on(day)]
        if live:
            billable.setdefault((trust, algorithm), []).append((day, quantity, live[0]))
        elif any(each.is_validating_on(day) for each in own) and day in asked:
            excluded.append(
                {
                    "trust": trust,
                    "algorithm": algorithm,
                    "on": day.isoformat(),
                    "quantity": quantity,
                    "reason": "validation",
                }
            )
    return billable, excluded


def phase_of(ramp_up: Document | None, go_live: date, day: date, unit_number: int) -> int | None:
    """Give the number of the ramp phase of a unit (by its day, or by its number since go-live), None past the ramp."""
    if not ramp_up:
        return None
    start = go_live
    if ramp_up.get("starts", "go_live") == "next_month" and go_live.day != 1:
        start = add_months(go_live.replace(day=1), 1)
    so_far = 0
    for number, phase in enumerate(ramp_up["phases"], start=1):
        if "months" in phase and phase["months"] is not None:
            so_far += phase["months"]
            if day < add_months(start, so_far):
                return number
        else:
            so_far += phase["units"]
            if unit_number <= so_far:
                return number
    return None


def discount_of(ramp_up: Document | None, phase: int | None) -> Fraction:
    return Fraction(0) if not ramp_up or phase is None else Fraction(ramp_up["phases"][phase - 1]["discount"])


def phases_of_units(
    ramp_up: Document | None, go_live: date, day: date, before: int, count: int
) -> dict[int | None, int]:
    """Tell how many of an activation's units before+1 … before+count fall in each phase of a ramp by units."""
    assert ramp_up is not None
    ramp_length = sum(phase["units"] for phase in ramp_up["phases"])
    one_by_one = min(count, max(0, ramp_length - before))
    phases: dict[int | None, int] = {}
    for unit_number in range(before + 1, before + one_by_one + 1):
        phase = phase_of(ramp_up, go_live, day, unit_number)
        phases[phase] = phases.get(phase, 0) + 1
    if count > one_by_one:
        phases[None] = count - one_by_one
    return phases


def slices_of(
    charge: Document, period: Span, billable: Usage, billed_since_go_live: dict[Activation, int]
) -> list[Slice]:
    """Give the slices of a charge in a pricing period, in the order of the tie rule."""
    ramp_up = charge.get("ramp_up")
    by_months = ramp_up is None or any(phase.get("months") is not None for phase in ramp_up["phases"])
    units: dict[tuple[str, str, int | None], int] = {}
    for (trust, algorithm), days in billable.items():
        if not covers(charge, algorithm):
            continue
        for day, quantity, activation in days:
            if day not in period:
                continue
            before = billed_since_go_live.get(activation, 0)
            billed_since_go_live[activation] = before + quantity
            if by_months:
                cell = (trust, algorithm, phase_of(ramp_up, activation.go_live, day, 0))
                units[cell] = units.get(cell, 0) + quantity
                continue
            for phase, count in phases_of_units(ramp_up, activation.go_live, day, before, quantity).items():
                cell = (trust, algorithm, phase)
                units[cell] = units.get(cell, 0) + count
    slices = [
        Slice(trust, algorithm, phase, discount_of(ramp_up, phase), count, period)
        for (trust, algorithm, phase), count in units.items()
    ]
    return sorted(slices, key=lambda each: each.turn)


# --- Usage charges --------------------------------------------------------------------------------------------------

CounterKey = tuple[Span, str, Key]


def lines_of_usage_charge(
    terms: Terms, code: str, billable: Usage, until: date
) -> tuple[list[Line], dict[CounterKey, Counter]]:
    """Rate one usage charge from the agreement's start up to a day; give its lines and its counters."""
    lines: list[Line] = []
    counters: dict[CounterKey, Counter] = {}
    billed_since_go_live: dict[Activation, int] = {}
    for period in terms.periods:
        charge = charge_on(terms, code, period.start, "usage")
        if charge is None or period.start >= until:
            continue
        scope = charge["counter"]["scope"]
        window = window_of(terms, charge["counter"]["window"], period.start)
        sharing: dict[Key, list[Slice]] = {}
        for piece in slices_of(charge, period, billable, billed_since_go_live):
            sharing.setdefault(key_of(scope, piece.trust, piece.algorithm), []).append(piece)
        for key, slices in sharing.items():
            counter = counters.setdefault((window, scope, key), Counter())
            lines += lines_of_counter(terms, charge, period, counter, slices)
        if period.stop == window.stop:
            lines += zero_usage_lines(terms, charge, period, window, counters)
        lines += maximum_lines(terms, charge, period, lines)
        lines += minimum_lines(terms, charge, period, lines)
    return lines, counters


def lines_of_counter(terms: Terms, charge: Document, period: Span, counter: Counter, slices: list[Slice]) -> list[Line]:
    """Rate the slices that share a counter in one pricing period, and move the counter on."""
    counts = (charge.get("ramp_up") or {}).get("counts_towards_tiers", True)
    outside = [each for each in slices if each.discount_rate > 0 and counts is False]
    inside = [each for each in slices if each not in outside]
    lines = []
    for piece in outside:
        price = unit_price_of(terms, charge, 1, period.start)
        lines.append(
            unit_line(terms, charge, piece, period, quantity=piece.units, unit_price=price, tier=1, why="outside")
        )
        counter.units_outside += piece.units
    if inside:
        model = {"graduated": graduated, "volume": volume, "package": package, "allowance": allowance}[charge["model"]]
        lines += model(terms, charge, period, counter, inside)
        counter.position += sum(each.units for each in inside)
    return lines


def tier_of(terms: Terms, charge: Document, position: int) -> int:
    """Give the number of the tier that the unit at this position (the first is 1) falls in."""
    inclusive = convention(terms, charge, "boundary") == "inclusive"
    for number, tier in enumerate(charge["tiers"], start=1):
        up_to = tier["up_to"]
        if up_to is None or position < up_to or (inclusive and position == up_to):
            return number
    raise AssertionError("the last tier is open")


def rooms_of(terms: Terms, charge: Document, before: int, count: int) -> dict[int, int]:
    """Tell how many of the units before+1 … before+count fall in each tier."""
    rooms: dict[int, int] = {}
    if count <= MOST_UNITS_ONE_BY_ONE:
        for position in range(before + 1, before + count + 1):
            tier = tier_of(terms, charge, position)
            rooms[tier] = rooms.get(tier, 0) + 1
        return rooms
    inclusive = convention(terms, charge, "boundary") == "inclusive"
    reached = before
    for number, tier in enumerate(charge["tiers"], start=1):
        last = before + count
        if tier["up_to"] is not None:
            last = min(last, tier["up_to"] if inclusive else tier["up_to"] - 1)
        if last > reached:
            rooms[number] = last - reached
            reached = last
    return rooms


def packages_started(size: int, before: int, count: int) -> int:
    """Tell how many packages the units before+1 … before+count start; a package is started by its first unit."""
    if count <= MOST_UNITS_ONE_BY_ONE:
        return sum((position - 1) % size == 0 for position in range(before + 1, before + count + 1))
    return -(-(before + count) // size) - -(-before // size)


def graduated(terms: Terms, charge: Document, period: Span, counter: Counter, slices: list[Slice]) -> list[Line]:
    rooms = rooms_of(terms, charge, counter.position, sum(each.units for each in slices))
    lines: list[Line] = []
    fees = Fraction(0)
    unplaced = [each.units for each in slices]
    for tier, room in sorted(rooms.items()):
        price = unit_price_of(terms, charge, tier, period.start)
        placed = largest_remainder(room, unplaced)
        for piece, quantity in zip(slices, placed, strict=True):
            if quantity:
                lines.append(unit_line(terms, charge, piece, period, quantity=quantity, unit_price=price, tier=tier))
        unplaced = [before - quantity for before, quantity in zip(unplaced, placed, strict=True)]
        if tier not in counter.opened_tiers:
            counter.opened_tiers.add(tier)
            fees += flat_fee_of(terms, charge, tier, period)
    assert not any(unplaced)
    return lines + flat_fee_lines(charge, period, fees, slices)


def volume(terms: Terms, charge: Document, period: Span, counter: Counter, slices: list[Slice]) -> list[Line]:
    tier = tier_of(terms, charge, counter.position + sum(each.units for each in slices))
    former = counter.volume_tier
    price = unit_price_of(terms, charge, tier, period.start)
    lines = [
        unit_line(terms, charge, each, period, quantity=each.units, unit_price=price, tier=tier) for each in slices
    ]
    fee = Fraction(0)
    if former is None:
        fee = flat_fee_of(terms, charge, tier, period)
    elif former != tier:
        fee = flat_fee_of(terms, charge, tier, period) - flat_fee_of(terms, charge, former, period)
        for earlier in counter.priced:
            charge_then = charge_on(terms, charge["code"], earlier.period.start, "usage")
            assert charge_then is not None
            difference = unit_price_of(terms, charge_then, tier, earlier.period.start) - unit_price_of(
                terms, charge_then, former, earlier.period.start
            )
            if difference:
                lines.append(
                    unit_line(
                        terms,
                        charge,
                        earlier,
                        period,
                        quantity=earlier.units if difference > 0 else -earlier.units,
                        unit_price=abs(difference),
                        tier=tier,
                        why="adjustment",
                        reprices=earlier.period,
                    )
                )
    counter.volume_tier = tier
    counter.priced += slices
    return lines + flat_fee_lines(charge, period, fee, slices)


def package(terms: Terms, charge: Document, period: Span, counter: Counter, slices: list[Slice]) -> list[Line]:
    started = packages_started(charge["package_size"], counter.position, sum(each.units for each in slices))
    amount = started * amount_of(terms, charge, charge["package_price"], period.start)
    lines = []
    for piece, share in zip(slices, shared_money(amount, slices), strict=True):
        if share:
            discount = to_ore(terms, charge, share * piece.discount_rate)
            lines.append(
                Line(charge, piece.key, period, "package", share, piece.discount_rate, discount, phase=piece.phase)
            )
    return lines


def allowance(terms: Terms, charge: Document, period: Span, counter: Counter, slices: list[Slice]) -> list[Line]:
    """Give away the units that still fit into the window's free ones, shared in whole units; the rest has its price."""
    count = sum(each.units for each in slices)
    free = max(0, min(charge["free_units"] - counter.position, count))
    given = largest_remainder(free, [each.units for each in slices]) if free else [0] * len(slices)
    price = indexed_price(terms, charge, charge["unit_price"], period.start)
    lines = []
    for piece, own in zip(slices, given, strict=True):
        for tier, quantity, at in ((1, own, Fraction(0)), (2, piece.units - own, price)):
            if quantity:
                lines.append(unit_line(terms, charge, piece, period, quantity=quantity, unit_price=at, tier=tier))
    return lines


def flat_fee_of(terms: Terms, charge: Document, tier: int, period: Span) -> Fraction:
    return amount_of(terms, charge, charge["tiers"][tier - 1].get("flat_fee") or "0", period.start)


def flat_fee_lines(charge: Document, period: Span, amount: Fraction, slices: list[Slice]) -> list[Line]:
    return [
        Line(charge, piece.key, period, "flat_fee", share, Fraction(0), Fraction(0), phase=piece.phase)
        for piece, share in zip(slices, shared_money(amount, slices), strict=True)
        if share
    ]


def zero_usage_lines(
    terms: Terms, charge: Document, period: Span, window: Span, counters: dict[CounterKey, Counter]
) -> list[Line]:
    """Charge the first flat fee for every live key without a billable unit, in the window's last pricing period."""
    if "tiers" not in charge or convention(terms, charge, "zero_usage") != "first_flat_fee":
        return []
    scope = charge["counter"]["scope"]
    lines = []
    for key in keys_live_in(terms, charge, scope, window):
        counter = counters.get((window, scope, key), Counter())
        if counter.position == 0 and counter.units_outside == 0:
            lines += amount_line(charge, key, period, "zero_usage", flat_fee_of(terms, charge, 1, period))
    return lines


# --- Minimum and maximum --------------------------------------------------------------------------------------------


def counts_for(line: Line, key: Key) -> bool:
    """Tell whether a line belongs to a key: lines with no trust only to the agreement, with no algorithm not below."""
    return (key.trust is None or line.key.trust == key.trust) and (
        key.algorithm is None or line.key.algorithm == key.algorithm
    )


def compared(terms: Terms, charge: Document, line: Line) -> Fraction:
    return line.gross if convention(terms, charge, "minimum_applies") == "before_discount" else line.net


def limit_of(terms: Terms, charge: Document, limit: Document, period: Span) -> Fraction:
    if limit.get("indexed"):
        return amount_of(terms, charge, limit["amount"], period.start)
    return to_ore(terms, charge, Fraction(limit["amount"]))


def maximum_lines(terms: Terms, charge: Document, period: Span, so_far: list[Line]) -> list[Line]:
    limit = charge.get("maximum")
    if not limit:
        return []
    window = window_of(terms, limit["window"], period.start)
    earlier = [line for line in so_far if line.period.start in window]
    keys = {
        key_of(limit["per"], line.key.trust or "", line.key.algorithm or "")
        for line in earlier
        if limit["per"] == "agreement"
        or (limit["per"] == "trust" and line.key.trust is not None)
        or line.key.algorithm is not None
    }
    lines = []
    for key in keys:
        own = [line for line in earlier if counts_for(line, key)]
        total = sum((compared(terms, charge, line) for line in own if line.why != "maximum"), Fraction(0))
        running = sum((compared(terms, charge, line) for line in own), Fraction(0))
        aim = min(total, limit_of(terms, charge, limit, period))
        lines += amount_line(charge, key, period, "maximum", aim - running)
    return lines


def minimum_lines(terms: Terms, charge: Document, period: Span, so_far: list[Line]) -> list[Line]:
    limit = charge.get("minimum")
    if not limit:
        return []
    window = window_of(terms, limit["window"], period.start)
    if period.stop != window.stop:
        return []
    earlier = [line for line in so_far if line.period.start in window]
    lines = []
    for key in keys_live_in(terms, charge, limit["per"], window):
        total = sum((compared(terms, charge, line) for line in earlier if counts_for(line, key)), Fraction(0))
        missing = limit_of(terms, charge, limit, period) - total
        if missing > 0:
            lines += amount_line(charge, key, period, "minimum", missing)
    return lines


# --- Fixed and one-off charges --------------------------------------------------------------------------------------


def payers_live_on(terms: Terms, charge: Document, day: date) -> set[Key]:
    if charge["per"] == "agreement":
        return {Key()}
    return {
        key_of(charge["per"], each.trust, each.algorithm)
        for each in terms.activations
        if each.is_live_on(day) and covers(charge, each.algorithm)
    }


def lines_of_fixed_charge(terms: Terms, code: str) -> list[Line]:
    """Walk the agreement's days; a payer pays on the first day of an interval on which it is live."""
    lines: list[Line] = []
    paid: set[tuple[Key, Span]] = set()
    for period in terms.periods:
        charge = charge_on(terms, code, period.start, "fixed")
        if charge is None:
            continue
        interval = whole_window(terms, charge["every"], period.start)
        for day in days_of(period):
            for payer in payers_live_on(terms, charge, day):
                if (payer, interval) not in paid:
                    paid.add((payer, interval))
                    lines += fixed_line(terms, charge, payer, period, interval, day)
    return lines


def fixed_line(terms: Terms, charge: Document, payer: Key, period: Span, interval: Span, due_on: date) -> list[Line]:
    share = Fraction(1)
    if charge.get("proration", "none") == "days":
        live_days = 0
        for day in days_of(Span(due_on, min(interval.stop, terms.agreement.stop))):
            charge_then = charge_on(terms, charge["code"], day, "fixed")
            live_days += charge_then is not None and payer in payers_live_on(terms, charge_then, day)
        share = Fraction(live_days, (interval.stop - interval.start).days)
    amount = amount_of(terms, charge, charge["amount"], due_on, share)
    phase = None
    ramp_up = charge.get("ramp_up")
    if ramp_up:
        phase = phase_of(ramp_up, ramp_of_payer(terms, charge, payer, due_on), due_on, 0)
    return fee_line(terms, charge, payer, period, "fixed", amount, phase)


def ramp_of_payer(terms: Terms, charge: Document, payer: Key, due_on: date) -> date:
    """Give the go-live a payer's ramp counts from: its activation's on that day, or the trust's first covered one."""
    if payer.algorithm is None:
        return min(
            each.go_live for each in terms.activations if each.trust == payer.trust and covers(charge, each.algorithm)
        )
    return next(
        each.go_live
        for each in terms.activations
        if (each.trust, each.algorithm) == (payer.trust, payer.algorithm) and each.is_live_on(due_on)
    )


def fee_line(
    terms: Terms, charge: Document, payer: Key, period: Span, why: str, amount: Fraction, phase: int | None
) -> list[Line]:
    if amount == 0:
        return []
    rate = discount_of(charge.get("ramp_up"), phase)
    discount = to_ore(terms, charge, amount * rate)
    return [Line(charge, payer, period, why, amount, rate, discount, phase=phase, quantity=1, unit_price=amount)]


def lines_of_one_off_charge(terms: Terms, code: str) -> list[Line]:
    """Bill a key on its first go-live, if that is inside the agreement and the charge is in that day's version."""
    lines: list[Line] = []
    paid: set[Key] = set()
    for period in terms.periods:
        charge = charge_on(terms, code, period.start, "one_off")
        if charge is None:
            continue
        first: dict[Key, date] = {}
        for each in terms.activations:
            if covers(charge, each.algorithm):
                key = key_of(charge["per"], each.trust, each.algorithm)
                first[key] = min(first.get(key, date.max), each.go_live)
        for key, go_live in first.items():
            if go_live in period and key not in paid:
                paid.add(key)
                amount = amount_of(terms, charge, charge["amount"], period.start)
                lines += fee_line(terms, charge, key, period, "one_off", amount, None)
    return lines


# --- The answer -----------------------------------------------------------------------------------------------------


def positions_of(terms: Terms, code: str, counters: dict[CounterKey, Counter], last_day: date) -> list[Document]:
    """Give the counters of the window that holds the last day asked about, live keys without units included."""
    charge = charge_on(terms, code, last_day, "usage")
    if charge is None:
        return []
    scope = charge["counter"]["scope"]
    window = window_of(terms, charge["counter"]["window"], last_day)
    keys = keys_live_in(terms, charge, scope, window)
    keys |= {key for (span, kind, key), counter in counters.items() if (span, kind) == (window, scope)}
    return [
        {
            "charge": code,
            "scope": scope,
            "trust": key.trust,
            "algorithm": key.algorithm,
            "window": window.to_document(),
            "position": counters.get((window, scope, key), Counter()).position,
            "next_tier_at": next_tier_at(terms, charge, counters.get((window, scope, key), Counter()).position),
        }
        for key in sorted(keys, key=lambda key: (key.trust or "", key.algorithm or ""))
    ]


def next_tier_at(terms: Terms, charge: Document, position: int) -> int | None:
    """Give the number of the first unit of the tier after the one reached; None in the last one and for packages."""
    if charge["model"] == "package":
        return None
    if charge["model"] == "allowance":
        return charge["free_units"] + 1 if position <= charge["free_units"] else None
    inclusive = convention(terms, charge, "boundary") == "inclusive"
    for tier in charge["tiers"][:-1]:
        opens_at: int = tier["up_to"] + 1 if inclusive else tier["up_to"]
        if opens_at > position:
            return opens_at
    return None


def decimal_of(amount: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return Decimal(amount.numerator) / Decimal(amount.denominator)


def money_text(amount: Fraction) -> str:
    return f"{decimal_of(amount):.2f}"


def price_text(price: Fraction) -> str:
    """Write a unit price with at least two decimals and no more than needed."""
    text = f"{decimal_of(price):.6f}"
    while text.endswith("0") and len(text.split(".")[1]) > 2:
        text = text[:-1]
    return text


def rate_text(rate: Fraction) -> str:
    text = f"{decimal_of(rate):.4f}"
    return text.rstrip("0").rstrip(".")


def line_document(line: Line) -> Document:
    return {
        "charge": line.charge["code"],
        "kind": line.charge["kind"],
        "clause": line.charge["clause"],
        "trust": line.key.trust,
        "algorithm": line.key.algorithm,
        "period": line.period.to_document(),
        "tier": line.tier,
        "phase": line.phase,
        "quantity": line.quantity,
        "unit_price": None if line.unit_price is None else price_text(line.unit_price),
        "gross": money_text(line.gross),
        "discount_rate": rate_text(line.discount_rate),
        "discount": money_text(line.discount),
        "net": money_text(line.net),
        "why": line.why,
        "reprices": None if line.reprices is None else line.reprices.to_document(),
    }
