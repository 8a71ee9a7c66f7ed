"""Make random valid price requests that reach every rule of the definition.

Everything comes from the given random generator, so a seed names a request for good. A request keeps what a price
book's check asks: structure (scope, window, model, `per`, `every`, bounds of a volume charge) changes only where both
the old and the new window start, and a charge with a limit or an interval leaves only where that window starts.

`contested=True` adds what the definition can be read in two ways about: a minimum in a shorter window than the
maximum's, a limit that leaves a charge inside its window, and fixed or one-off charges whose algorithms change.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from .evaluator import Span, Terms, add_months, day_of, terms_of, whole_window

Document = dict[str, Any]

TRUSTS = ["akershus", "oslo", "sorlandet", "sykehuset-ostfold", "vestre-viken", "nord-norge"]
ALGORITHMS = ["ct-lung-nodules", "ct-pe", "mr-ms-followup", "xray-chest", "xray-skeletal"]
SCOPES = ["activation", "trust", "agreement"]
INTERVALS = ["month", "quarter", "calendar_year", "agreement_year"]
WINDOWS = [*INTERVALS, "agreement"]
DISCOUNTS = ["0", "0.1", "0.125", "0.25", "0.30", "0.3333", "0.5", "0.75", "1"]
CALENDAR_WINDOWS = {"month", "quarter", "calendar_year"}


@dataclass(frozen=True, slots=True)
class Setting:
    """Hold what the parts of one request have in common."""

    rng: random.Random
    terms: Terms
    trusts: list[str]
    algorithms: list[str]
    contested: bool

    @property
    def agreement(self) -> Span:
        return self.terms.agreement

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def starts(self, window: str, day: date) -> bool:
        return whole_window(self.terms, window, day).start == day


def random_request(rng: random.Random, *, contested: bool = False) -> Document:
    """Make one valid price request of 6 to 36 months, 2 to 4 trusts, 1 to 4 algorithms and 1 to 4 charges.

    With `contested`, also what the definition leaves open (see the module).
    """
    agreement = random_agreement(rng)
    setting = Setting(
        rng=rng,
        terms=Terms(agreement, {}, [], [], [], []),
        trusts=rng.sample(TRUSTS, rng.randint(2, 4)),
        algorithms=rng.sample(ALGORITHMS, rng.randint(1, 4)),
        contested=contested,
    )
    activations = random_activations(setting)
    request: Document = {
        "agreement": {"start": agreement.start.isoformat(), "end": agreement.stop.isoformat(), "currency": "NOK"},
        "period": {"from": agreement.start.isoformat(), "to": agreement.stop.isoformat()},
        "price_book": random_price_book(setting),
        "activations": activations,
        "usage": random_usage(setting, activations),
    }
    if setting.chance(0.5):
        periods = terms_of(request).periods
        first, last = sorted(rng.choices(range(len(periods)), k=2))
        request["period"] = Span(periods[first].start, periods[last].stop).to_document()
    return request


def random_agreement(rng: random.Random) -> Span:
    start = date(2023, 1, 1) + timedelta(days=rng.randrange(730))
    if rng.random() < 0.5:
        start = start.replace(day=1)
    elif rng.random() < 0.4:
        start = add_months(start.replace(day=1), 1) - timedelta(days=1)
    stop = add_months(start, rng.choice([6, 9, 12, 12, 18, 24, 30, 36]))
    if rng.random() < 0.2:
        stop -= timedelta(days=rng.randrange(1, 25))
    return Span(start, stop)


def random_day(setting: Setting, span: Span) -> date:
    """Pick a day of a span; every third is moved to the start of a month, quarter or year, or to a month's end."""
    day = span.start + timedelta(days=setting.rng.randrange(max(1, (span.stop - span.start).days)))
    if setting.chance(0.35):
        moved = whole_window(setting.terms, setting.rng.choice(INTERVALS), max(day, setting.agreement.start)).start
        if setting.chance(0.2):
            moved -= timedelta(days=1)
        if moved in span:
            return moved
    return day


# --- Activations and usage ------------------------------------------------------------------------------------------


def random_activations(setting: Setting) -> list[Document]:
    activations = [
        activation
        for trust in setting.trusts
        for algorithm in setting.algorithms
        if setting.chance(0.75)
        for activation in random_course(setting, trust, algorithm)
    ]
    if not activations:
        activations = random_course(setting, setting.trusts[0], setting.algorithms[0])
    setting.rng.shuffle(activations)
    return activations


def random_course(setting: Setting, trust: str, algorithm: str) -> list[Document]:
    """Give one activation, or an ended one and the one or two after it."""
    rng, agreement = setting.rng, setting.agreement
    course: list[Document] = []
    earliest = agreement.start - timedelta(days=rng.choice([0, 0, 200]))
    go_live = agreement.start if setting.chance(0.25) else random_day(setting, Span(earliest, agreement.stop))
    if setting.chance(0.15):
        go_live = min(add_months(go_live.replace(day=1), 1), agreement.stop) - timedelta(days=1)
    validation_from = go_live - timedelta(days=rng.randrange(1, 60)) if setting.chance(0.35) else None
    while True:
        end = random_end(setting, go_live) if setting.chance(0.35) else None
        course.append(
            {
                "trust": trust,
                "algorithm": algorithm,
                "validation_from": validation_from.isoformat() if validation_from else None,
                "go_live": go_live.isoformat(),
                "end": end.isoformat() if end else None,
            }
        )
        if end is None or len(course) == 3 or setting.chance(0.3):
            return course
        go_live = end + timedelta(days=rng.choice([0, rng.randrange(1, 20), rng.randrange(1, 120)]))
        if go_live >= agreement.stop:
            return course
        gap = (go_live - end).days
        validation_from = go_live - timedelta(days=rng.randint(1, gap)) if gap and setting.chance(0.4) else None


def random_end(setting: Setting, go_live: date) -> date:
    """Pick an end 5 to 320 days on; every third falls where a month, quarter or year starts."""
    end = go_live + timedelta(days=setting.rng.randrange(5, 320))
    if setting.chance(0.35) and end >= setting.agreement.start:
        end = whole_window(setting.terms, setting.rng.choice(INTERVALS), end).stop
    return end


def random_usage_day(setting: Setting, span: Span) -> date:
    """Pick a day of a span; every fourth is one of the last days of a month, where ramps that began late then end."""
    day = random_day(setting, span)
    if setting.chance(0.25):
        late = add_months(day.replace(day=1), 1) - timedelta(days=setting.rng.randint(1, 3))
        if late in span:
            return late
    return day


def random_usage(setting: Setting, activations: list[Document]) -> list[Document]:
    """Spread signed entries over the days of each activation, inside the agreement; no day's sum is below zero."""
    usage: list[Document] = []
    for activation in activations:
        start = max(day_of(activation["validation_from"] or activation["go_live"]), setting.agreement.start)
        stop = setting.agreement.stop
        if activation["end"]:
            stop = min(stop, day_of(activation["end"]))
        if stop <= start or setting.chance(0.12):
            continue
        largest = setting.rng.choice([3, 30, 30, 120])
        for _ in range(setting.rng.randint(0, 22)):
            on = random_usage_day(setting, Span(start, stop))
            quantity = setting.rng.randint(0, largest)
            entry = {"trust": activation["trust"], "algorithm": activation["algorithm"], "on": on.isoformat()}
            usage.append({**entry, "quantity": quantity})
            if quantity and setting.chance(0.12):
                taken_back = quantity if setting.chance(0.3) else setting.rng.randint(1, quantity)
                usage.append({**entry, "quantity": -taken_back})
    setting.rng.shuffle(usage)
    return usage


# --- The price book -------------------------------------------------------------------------------------------------


def random_price_book(setting: Setting) -> Document:
    rng, agreement = setting.rng, setting.agreement
    inside = Span(agreement.start + timedelta(days=1), agreement.stop)
    dates = sorted({random_day(setting, inside) for _ in range(rng.choice([0, 0, 1, 1, 2, 3]))})
    first = agreement.start - timedelta(days=rng.choice([0] * 9 + [100]))
    charges = {f"c{number}": random_charge(setting, f"c{number}") for number in range(rng.randint(1, 4))}
    if len(charges) == 4 or not dates:
        later: dict[str, Document] = {}
    else:
        later = {"late": random_charge(setting, "late")} if setting.chance(0.4) else {}
    versions = [{"valid_from": first.isoformat(), "clause": "Bilag 7", "charges": list(charges.values())}]
    absent = dict(later)
    for number, valid_from in enumerate(dates, start=1):
        charges, absent = next_version(setting, charges, absent, valid_from)
        versions.append(
            {"valid_from": valid_from.isoformat(), "clause": f"Endring {number}", "charges": list(charges.values())}
        )
    if setting.chance(0.2):
        rng.shuffle(versions)
    return {
        "conventions": random_conventions(setting),
        "index_adjustments": random_index_adjustments(setting, [first, *dates]),
        "versions": versions,
    }


def random_index_adjustments(setting: Setting, version_dates: list[date]) -> list[Document]:
    around = Span(setting.agreement.start - timedelta(days=150), setting.agreement.stop + timedelta(days=60))
    adjustments = {}
    for _ in range(setting.rng.choice([0, 1, 1, 2, 3, 4])):
        day = setting.rng.choice(version_dates) if setting.chance(0.1) else random_day(setting, around)
        factor = "1" if setting.chance(0.05) else decimal_text(setting.rng.randint(9300, 11200), 4)
        adjustments[day] = {"effective_from": day.isoformat(), "factor": factor, "clause": "7.3"}
    return list(adjustments.values())


def random_conventions(setting: Setting) -> Document:
    rng = setting.rng
    return {
        "boundary": rng.choice(["inclusive", "exclusive"]),
        "zero_usage": rng.choice(["no_charge", "first_flat_fee"]),
        "price_decimals": rng.randint(2, 6),
        "rounding": rng.choice(["half_up", "half_even"]),
        "minimum_applies": rng.choice(["after_discount", "before_discount"]),
    }


def some_conventions(setting: Setting) -> Document:
    chosen = random_conventions(setting)
    return {name: chosen[name] for name in setting.rng.sample(sorted(chosen), setting.rng.randint(1, 3))}


def next_version(
    setting: Setting, charges: dict[str, Document], absent: dict[str, Document], day: date
) -> tuple[dict[str, Document], dict[str, Document]]:
    """Change, drop and bring back charges as a price version that begins on this day may."""
    kept: dict[str, Document] = {}
    gone: dict[str, Document] = {}
    for code, charge in charges.items():
        if setting.chance(0.2) and may_leave(setting, charge, day):
            gone[code] = charge
        else:
            kept[code] = changed_charge(setting, charge, day)
    for code, charge in absent.items():
        if setting.chance(0.5):
            kept[code] = repriced(setting, copy.deepcopy(charge))
        else:
            gone[code] = charge
    if not kept:
        code = setting.rng.choice(sorted(charges))
        kept[code] = changed_charge(setting, charges[code], day)
        gone.pop(code, None)
    return kept, gone


def limits_of(charge: Document) -> list[Document]:
    return [charge[name] for name in ("minimum", "maximum") if charge.get(name)]


def may_leave(setting: Setting, charge: Document, day: date) -> bool:
    windows = [limit["window"] for limit in limits_of(charge)]
    if charge["kind"] == "fixed":
        windows.append(charge["every"])
    return all(setting.starts(window, day) for window in windows)


def may_change_structure(setting: Setting, charge: Document, day: date) -> bool:
    return may_leave(setting, charge, day) and (
        charge["kind"] != "usage" or setting.starts(charge["counter"]["window"], day)
    )


def changed_charge(setting: Setting, charge: Document, day: date) -> Document:
    changed = copy.deepcopy(charge)
    if charge["kind"] != "one_off" and may_change_structure(setting, charge, day) and setting.chance(0.4):
        other = random_charge(setting, charge["code"], kind=charge["kind"])
        if may_change_structure(setting, other, day):
            return other
    if setting.chance(0.7):
        repriced(setting, changed)
    if setting.chance(0.2) and (charge["kind"] == "usage" or setting.contested):
        changed["algorithms"] = random_algorithms(setting)
    if charge["kind"] == "usage":
        change_usage_terms(setting, changed, day)
    elif charge["kind"] == "fixed" and charge["per"] != "agreement" and setting.chance(0.15):
        changed["ramp_up"] = random_ramp_up(setting, by="months")
    return changed


def change_usage_terms(setting: Setting, charge: Document, day: date) -> None:
    """Change what may change inside a window: bounds of tiers, package size, free units, ramp, conventions, limits."""
    if charge["model"] == "graduated" and setting.chance(0.25):
        charge["tiers"] = random_tiers(setting)
    if charge["model"] == "package" and setting.chance(0.2):
        charge["package_size"] = random_package_size(setting)
    if charge["model"] == "allowance" and setting.chance(0.25):
        charge["free_units"] = random_free_units(setting)
    if setting.chance(0.15):
        charge["ramp_up"] = random_ramp_up(setting)
        settle_ramp_up(charge)
    if setting.chance(0.2):
        conventions = some_conventions(setting)
        if charge["model"] == "volume":
            # The boundary moves a volume charge's bounds, which may not happen inside a window.
            conventions.pop("boundary", None)
            if "boundary" in (charge.get("conventions") or {}):
                conventions["boundary"] = charge["conventions"]["boundary"]
        charge["conventions"] = conventions
    for name in ("minimum", "maximum"):
        limit = charge.get(name)
        if limit and setting.chance(0.1) and (setting.contested or setting.starts(limit["window"], day)):
            del charge[name]


def repriced(setting: Setting, charge: Document) -> Document:
    for tier in charge.get("tiers", []):
        tier["unit_price"] = random_unit_price(setting)
        tier["flat_fee"] = random_flat_fee(setting)
    for name in ("package_price", "amount"):
        if name in charge:
            charge[name] = random_money(setting, 10, 3000)
    if "unit_price" in charge:
        charge["unit_price"] = random_unit_price(setting)
    if not (charge.get("minimum") and charge.get("maximum")):
        for limit in limits_of(charge):
            limit["amount"] = random_money(setting, 50, 9000)
    return charge


# --- Charges --------------------------------------------------------------------------------------------------------


def random_charge(setting: Setting, code: str, kind: str | None = None) -> Document:
    rng = setting.rng
    kind = kind or rng.choices(["usage", "fixed", "one_off"], weights=[70, 18, 12])[0]
    charge: Document = {"code": code, "kind": kind, "clause": f"7.{code}"}
    if kind == "usage":
        return random_usage_charge(setting, charge)
    charge["amount"] = random_money(setting, 10, 3000)
    if setting.chance(0.4):
        charge["algorithms"] = random_algorithms(setting)
    if kind == "one_off":
        charge["per"] = rng.choice(["trust", "activation"])
    else:
        charge |= {
            "per": rng.choice(SCOPES),
            "every": rng.choice(INTERVALS),
            "proration": rng.choice(["none", "days"]),
        }
        if charge["per"] != "agreement" and setting.chance(0.5):
            charge["ramp_up"] = random_ramp_up(setting, by="months")
    if setting.chance(0.25):
        charge["conventions"] = some_conventions(setting)
    return charge


def random_usage_charge(setting: Setting, charge: Document) -> Document:
    rng = setting.rng
    charge |= {
        "algorithms": random_algorithms(setting),
        "model": rng.choice(["graduated", "volume", "package", "allowance"]),
        "counter": {"scope": rng.choice(SCOPES), "window": rng.choice(WINDOWS)},
    }
    if charge["model"] == "package":
        charge |= {"package_size": random_package_size(setting), "package_price": random_money(setting, 50, 2000)}
    elif charge["model"] == "allowance":
        charge |= {"free_units": random_free_units(setting), "unit_price": random_unit_price(setting)}
    else:
        charge["tiers"] = random_tiers(setting)
    if setting.chance(0.6):
        charge["ramp_up"] = random_ramp_up(setting)
        settle_ramp_up(charge)
    add_limits(setting, charge)
    if setting.chance(0.3):
        charge["conventions"] = some_conventions(setting)
    return charge


def add_limits(setting: Setting, charge: Document) -> None:
    if setting.chance(0.35):
        charge["minimum"] = random_limit(setting, 50, 4000)
    if setting.chance(0.35):
        charge["maximum"] = random_limit(setting, 500, 12000)
    if "minimum" not in charge or "maximum" not in charge:
        return
    lower, upper = charge["minimum"], charge["maximum"]
    lower["amount"], upper["amount"] = sorted([lower["amount"], upper["amount"]], key=Decimal)
    nested = lower["window"] == "agreement" or (upper["window"] == "month" and lower["window"] in CALENDAR_WINDOWS)
    if not nested and not setting.contested:
        lower["window"] = upper["window"]


def random_limit(setting: Setting, low: int, high: int) -> Document:
    limit: Document = {
        "amount": random_money(setting, low, high),
        "per": setting.rng.choice(SCOPES),
        "window": setting.rng.choice(WINDOWS),
    }
    if setting.chance(0.5):
        limit["indexed"] = setting.chance(0.7)
    return limit


def random_algorithms(setting: Setting) -> list[str] | str:
    if setting.chance(0.4):
        return "all"
    return setting.rng.sample(setting.algorithms, setting.rng.randint(1, len(setting.algorithms)))


def random_tiers(setting: Setting) -> list[Document]:
    count = setting.rng.choices([1, 2, 3, 4], weights=[1, 4, 4, 2])[0]
    reach = setting.rng.choice([12, 60, 250, 900])
    bounds: list[int | None] = [*sorted(setting.rng.sample(range(2, reach + 2), count - 1)), None]
    with_fees = setting.chance(0.6)
    only_fees = with_fees and setting.chance(0.15)
    return [
        {
            "up_to": bound,
            "unit_price": "0.00" if only_fees else random_unit_price(setting),
            "flat_fee": random_flat_fee(setting) if with_fees else "0.00",
        }
        for bound in bounds
    ]


def random_ramp_up(setting: Setting, by: str | None = None) -> Document:
    by = by or setting.rng.choice(["months", "units"])
    longest = 6 if by == "months" else 60
    return {
        "starts": setting.rng.choice(["go_live", "next_month"]),
        "counts_towards_tiers": setting.chance(0.6),
        "phases": [
            {by: setting.rng.randint(1, longest), "discount": setting.rng.choice(DISCOUNTS)}
            for _ in range(setting.rng.randint(1, 3))
        ],
    }


def settle_ramp_up(charge: Document) -> None:
    """Keep units outside the tiers to the models that have tiers."""
    if "tiers" not in charge:
        charge["ramp_up"]["counts_towards_tiers"] = True


def random_package_size(setting: Setting) -> int:
    return setting.rng.choice([1, 2, 7, 10, 25, 50, 100])


def random_free_units(setting: Setting) -> int:
    return setting.rng.choice([1, 7, 30, 120, 500])


def random_unit_price(setting: Setting) -> str:
    if setting.chance(0.05):
        return "0"
    decimals = setting.rng.choice([2, 2, 2, 2, 0, 1, 3, 4, 6])
    return decimal_text(setting.rng.randrange(1, 150 * 10**decimals), decimals)


def random_flat_fee(setting: Setting) -> str:
    return "0.00" if setting.chance(0.4) else random_money(setting, 0, 1500)


def random_money(setting: Setting, low: int, high: int) -> str:
    return decimal_text(setting.rng.randint(low * 100 + 1, high * 100), 2)


def decimal_text(units: int, decimals: int) -> str:
    """Write a whole number of the last decimal's units with its point."""
    digits = str(units).rjust(decimals + 1, "0")
    return digits if decimals == 0 else f"{digits[:-decimals]}.{digits[-decimals:]}"
