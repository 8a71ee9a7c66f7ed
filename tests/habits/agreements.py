"""Agreements that a quarter is billed under: own and pooled counters, all models, ramps by months and by units, index, fees."""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tests.oracle.evaluator import add_months, evaluate

Document = dict[str, Any]

TRUSTS = {
    "akershus": ("Akershus universitetssykehus HF", "983971636"),
    "sykehuset-telemark": ("Sykehuset Telemark HF", "983975267"),
    "sykehuset-i-vestfold": ("Sykehuset i Vestfold HF", "983975259"),
    "oslo": ("Oslo universitetssykehus HF", "993467049"),
    "nord-norge": ("Universitetssykehuset Nord-Norge HF", "983974899"),
}
PRODUCTS = {
    "ct-pe": "Fjordlys Embolus",
    "ct-lung-nodules": "Fjordlys Nodule",
    "xray-chest": "Havblikk Brystkasse",
    "xray-skeletal": "Havblikk Brudd",
    "ct-pulmonary-metastases": "Fjordlys Metastase",
}


@dataclass(frozen=True, slots=True)
class Agreed:
    """Hold an agreement and a quarter of it, and what is known beside it."""

    seed: int
    request: Document
    quarter: tuple[date, date]
    resent: list[Document]
    unbillable: list[Document]
    late: list[Document]

    def due(self) -> list[Document]:
        """Return what is due, by the oracle."""
        return rated(self.request)

    @property
    def months(self) -> list[date]:
        """Return the firsts of the quarter's months."""
        return [add_months(self.quarter[0], n) for n in range(3)]

    def live(self, activation: Document) -> list[date]:
        """Return the days of the quarter on which an activation is live."""
        return [day for day in days(*self.quarter) if is_live(activation, day)]

    def counted(self, activation: Document, first: date, until: date) -> list[Document]:
        """Return the billable examinations of an activation in [first, until)."""
        return [
            each
            for each in self.request["usage"]
            if (each["trust"], each["algorithm"]) == (activation["trust"], activation["algorithm"])
            and first.isoformat() <= each["on"] < until.isoformat()
            and is_live(activation, date.fromisoformat(each["on"]))
        ]


def days(first: date, until: date) -> list[date]:
    """List the days of [first, until)."""
    return [first + timedelta(days=n) for n in range((until - first).days)]


def is_live(activation: Document, day: date) -> bool:
    """Tell whether an activation is in operation on a day."""
    return activation["go_live"] <= day.isoformat() and (
        activation["end"] is None or day.isoformat() < activation["end"]
    )


def rated(request: Document) -> list[Document]:
    """Rate a request slowly."""
    lines: list[Document] = evaluate(request)["lines"]
    return lines


def agreed(seed: int) -> Agreed:
    """Make an agreement from a seed."""
    rng = random.Random(f"habits {seed}")
    start = date(2024, rng.choice([1, 2, 5, 9]), 1)
    first = date(2025, rng.choice([1, 4, 7, 10]), 1)
    quarter = (first, add_months(first, 3))
    trusts = rng.sample(sorted(TRUSTS), rng.choice([2, 3, 3, 4]))
    algorithms = rng.sample(sorted(PRODUCTS), rng.choice([2, 2, 3]))
    activations = [
        _activation(rng, trust, algorithm, start, quarter)
        for trust in trusts
        for algorithm in algorithms
        if rng.random() < 0.75 or algorithm == algorithms[0]
    ]
    request: Document = {
        "agreement": {"start": start.isoformat(), "end": "2027-01-01", "currency": "NOK"},
        "period": {"from": quarter[0].isoformat(), "to": quarter[1].isoformat()},
        "price_book": _book(rng, start, quarter, algorithms),
        "activations": activations,
        "usage": [entry for each in activations for entry in _usage(rng, start, quarter, each)],
    }
    made = Agreed(seed, request, quarter, [], [], [])
    for each in activations:
        live = made.live(each)
        if live and rng.random() < 0.5:
            made.resent.append(_entry(each, rng.choice(live), rng.randint(3, 14)) | {"reason": "duplicate"})
        if live and rng.random() < 0.5:
            reason = rng.choice(["failed", "repeated"])
            made.unbillable.append(_entry(each, rng.choice(live), rng.randint(2, 11)) | {"reason": reason})
        before = [day for day in days(max(start, add_months(first, -3)), first) if is_live(each, day)]
        if live and before and rng.random() < 0.5:
            made.late.append(_entry(each, rng.choice(before), rng.randint(2, 15)))
    return made


def _entry(activation: Document, on: date, quantity: int) -> Document:
    own = {name: activation[name] for name in ("trust", "algorithm")}
    return own | {"on": on.isoformat(), "quantity": quantity}


def _activation(rng: random.Random, trust: str, algorithm: str, start: date, quarter: tuple[date, date]) -> Document:
    match rng.choice(["old", "ramping", "ramping", "inside", "inside_month_start"]):
        case "old":
            go_live = start + timedelta(days=rng.randrange(0, 60))
        case "ramping":
            go_live = quarter[0] - timedelta(days=rng.randrange(10, 140))
        case "inside":
            go_live = quarter[0] + timedelta(days=rng.randrange(2, 75))
        case _:
            go_live = add_months(quarter[0], rng.choice([0, 1]))
    go_live = max(go_live, start)
    validated = max(start, go_live - timedelta(days=rng.choice([14, 30, 45]))) if rng.random() < 0.4 else go_live
    ends = quarter[0] + timedelta(days=rng.randrange(25, 85)) if rng.random() < 0.08 else None
    return {
        "trust": trust,
        "algorithm": algorithm,
        "validation_from": validated.isoformat() if validated < go_live else None,
        "go_live": go_live.isoformat(),
        "end": ends.isoformat() if ends is not None and ends > go_live else None,
    }


def _usage(rng: random.Random, start: date, quarter: tuple[date, date], activation: Document) -> list[Document]:
    begins = date.fromisoformat(activation["validation_from"] or activation["go_live"])
    until = date.fromisoformat(activation["end"]) if activation["end"] else add_months(quarter[1], 1)
    size = rng.choice([4, 12, 30])
    first = max(begins, start, add_months(quarter[0], -14))
    return [
        _entry(activation, day, max(1, int(rng.gauss(size, size / 3))))
        for day in days(first, until)
        if day.weekday() < 5 and rng.random() < 0.3
    ]


# -- the price book --------------------------------------------------------------------------------------------------


def _book(rng: random.Random, start: date, quarter: tuple[date, date], algorithms: list[str]) -> Document:
    if rng.random() < 0.5:
        usage = [_usage_charge(rng, "analyse", algorithms)]
    else:
        usage = [_usage_charge(rng, f"analyse-{each}", [each]) for each in algorithms]
    fees: list[Document] = []
    if rng.random() < 0.7:
        fees.append(
            {
                "code": "driftsavgift", "kind": "fixed", "clause": "6.1", "amount": f"{rng.randrange(2_000, 30_000)}.00",
                "per": rng.choice(["agreement", "trust", "activation"]), "every": rng.choice(["month", "quarter"]),
                "proration": rng.choice(["none", "days"]),
            }
        )  # fmt: skip
    if rng.random() < 0.4:
        fees.append(
            {
                "code": "etablering", "kind": "one_off", "clause": "6.2",
                "amount": f"{rng.randrange(5_000, 60_000)}.00", "per": rng.choice(["trust", "activation"]),
            }
        )  # fmt: skip
    versions = [{"valid_from": start.isoformat(), "clause": "Bilag 3", "charges": [*usage, *fees]}]
    charges: list[Document] = [*usage, *fees]
    for number, months in enumerate(rng.choice([[], [-6], [0], [-3, 3], [0, 6], [1]]), start=2):
        day = add_months(quarter[0], months)
        # Only where a window starts may tiers be others: prices alone change here.
        if day > start:
            charges = [_dearer(charge, percent) for charge in charges for percent in [rng.choice([93, 104, 109, 118])]]
            versions.append(
                {
                    "valid_from": day.isoformat(), "clause": f"Bilag 3, utgave {number}",
                    "charges": charges,
                }
            )  # fmt: skip
    index = []
    for months in rng.choice([[], [-9], [-2, 1], [0], [-4, 3], [2]]):
        day = add_months(quarter[0], months)
        if day > start:
            index.append(
                {"effective_from": day.isoformat(), "factor": f"1.{rng.randrange(12, 70):03d}", "clause": "6.9"}
            )
    return {
        "conventions": {
            "boundary": rng.choice(["inclusive", "exclusive"]), "zero_usage": "no_charge",
            "price_decimals": rng.choice([2, 2, 3]), "rounding": "half_up",
            "minimum_applies": rng.choice(["after_discount", "before_discount"]),
        },
        "index_adjustments": index,
        "versions": versions,
    }  # fmt: skip


def _usage_charge(rng: random.Random, code: str, algorithms: list[str]) -> Document:
    model = rng.choice(["graduated"] * 6 + ["volume"] * 2 + ["package"])
    charge: Document = {
        "code": code, "kind": "usage", "clause": "5.2", "algorithms": list(algorithms), "model": model,
        "counter": {
            "scope": rng.choice(["agreement", "agreement", "trust", "activation"]),
            "window": rng.choice(["calendar_year", "agreement_year", "quarter", "month", "agreement"]),
        },
    }  # fmt: skip
    if model == "package":
        charge |= {"package_size": rng.choice([20, 100]), "package_price": f"{rng.randrange(900, 6000)}.00"}
    else:
        price = rng.randrange(38, 140) * 100 + rng.choice([0, 0, 50, 25])
        bounds: list[int | None] = [*sorted(rng.sample(range(50, 1500, 25), rng.choice([1, 2, 3]))), None]
        charge["tiers"] = []
        for bound in bounds:
            tier = {"up_to": bound, "unit_price": f"{price // 100}.{price % 100:02d}", "flat_fee": "0.00"}
            charge["tiers"].append(tier)
            price = price * rng.choice([70, 80, 85, 90]) // 100
    if rng.random() < 0.8:
        by_units = rng.random() < 0.25
        lengths = [
            rng.choice([100, 200, 400]) if by_units else rng.choice([1, 3, 4, 6]) for _ in range(rng.choice([1, 2]))
        ]
        rates = sorted(rng.sample(["0.6", "0.5", "0.35", "0.25", "0.2", "0.15"], len(lengths)), reverse=True)
        unit = "units" if by_units else "months"
        charge["ramp_up"] = {
            "starts": rng.choice(["go_live", "next_month"]), "counts_towards_tiers": True,
            "phases": [{unit: length, "discount": rate} for length, rate in zip(lengths, rates, strict=True)],
        }  # fmt: skip
    if rng.random() < 0.3:
        limit = rng.choice(["minimum", "minimum", "maximum"])
        amount = rng.randrange(20, 90) * (1000 if limit == "minimum" else 4000)
        per = rng.choice(["trust", "agreement", "activation"])
        charge[limit] = {
            "amount": f"{amount}.00", "per": per, "window": rng.choice(["quarter", "month"]),
            "indexed": rng.choice([True, False]),
        }  # fmt: skip
    return charge


def _dearer(charge: Document, percent: int) -> Document:
    changed = copy.deepcopy(charge)

    def again(amount: str) -> str:
        ore = int(amount.replace(".", "")) * percent // 100
        return f"{ore // 100}.{ore % 100:02d}"

    for tier in changed.get("tiers", ()):
        tier["unit_price"] = again(tier["unit_price"])
    for name in ("amount", "package_price"):
        if name in changed:
            changed[name] = again(changed[name])
    return changed
