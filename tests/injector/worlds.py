"""Make random agreements of the kind that is reconciled: a few trusts, a marketplace, pooled tiers, ramps, an index, a quarter.

Narrower than the oracle's generator, which reaches every rule of the definition, and fuller where vendors go wrong: every
world has a quarter with something before it, examinations that are not billable, re-sent ones and late ones, an agreed
credit, and an invoice before this one. A seed names a world for good.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tests.oracle.evaluator import add_months, evaluate

Document = dict[str, Any]

TRUSTS = {
    "akershus": "Akershus universitetssykehus HF",
    "oslo": "Oslo universitetssykehus HF",
    "sykehuset-ostfold": "Sykehuset Østfold HF",
    "sykehuset-innlandet": "Sykehuset Innlandet HF",
    "vestre-viken": "Vestre Viken HF",
    "sorlandet": "Sørlandet sykehus HF",
}
PRODUCTS = {
    "ct-lung-nodules": "Nordskinn Lungeknute",
    "ct-pe": "Nordskinn Lungeemboli",
    "mr-ms-followup": "Fjellview MS",
    "xray-chest": "Fjellview Thorax",
    "xray-skeletal": "Strålesyn Skjelett",
}
FEES = {"platform": "Plattformleie", "start": "Etablering", "support": "Brukerstøtte"}
# A minimum or maximum that belongs to no algorithm is written with the charge's own caption.
CAPTIONS = {
    "analysis": "KI-analyser, alle",
    "analysis-other": "KI-analyser, øvrige",
    **{f"analysis-{code}": f"KI-analyser {product}" for code, product in PRODUCTS.items()},
    **FEES,
}
DISCOUNTS = ["0.1", "0.25", "0.3", "0.4", "0.5", "0.75"]


@dataclass(frozen=True, slots=True)
class World:
    """Hold an agreement and a quarter of it: the price request that is right, and what stands beside it."""

    seed: int
    request: Document
    quarter: tuple[date, date]
    unbillable: list[Document]
    resent: list[Document]
    late: list[Document]
    credit: Document

    @property
    def trusts(self) -> list[str]:
        """Return the trusts with activations."""
        return sorted({each["trust"] for each in self.request["activations"]})

    def due(self) -> list[Document]:
        """Return the lines that are due, by the slow evaluator."""
        return due_lines(self.request)


def due_lines(request: Document) -> list[Document]:
    """Evaluate a request and put its lines in the order of an invoice."""
    lines: list[Document] = evaluate(request)["lines"]
    return sorted(
        lines,
        key=lambda line: (
            line["trust"] or "",
            line["algorithm"] or "",
            line["period"]["from"],
            line["charge"],
            line["why"] or "",
            line["tier"] or 0,
            line["phase"] or 99,
            (line["reprices"] or {}).get("from", ""),
        ),
    )


def random_world(seed: int) -> World:
    """Make a world from a seed."""
    rng = random.Random(seed)
    start = date(2024, rng.choice([1, 1, 4, 7]), 1)
    agreement = (start, date(2027, 1, 1))
    first = add_months(date(2025, 1, 1), 3 * rng.randrange(4))
    quarter = (first, add_months(first, 3))
    trusts = rng.sample(sorted(TRUSTS), rng.randint(2, 4))
    algorithms = rng.sample(sorted(PRODUCTS), rng.randint(2, 4))
    activations = _activations(rng, agreement[0], quarter, trusts, algorithms)
    request: Document = {
        "agreement": {"start": start.isoformat(), "end": agreement[1].isoformat(), "currency": "NOK"},
        "period": {"from": quarter[0].isoformat(), "to": quarter[1].isoformat()},
        "price_book": _price_book(rng, start, quarter, algorithms),
        "activations": activations,
        "usage": _usage(rng, start, quarter, activations),
    }
    return World(
        seed,
        request,
        quarter,
        unbillable=_beside(rng, request, quarter, rng.choice(["failed", "repeated"])),
        resent=_beside(rng, request, quarter, "duplicate"),
        late=_late(rng, request, quarter),
        credit={
            "id": f"K{seed}",
            "trust": rng.choice(activations)["trust"],
            "amount": f"{rng.randrange(20_000, 900_000) / 100:.2f}",
        },
    )


def _activations(
    rng: random.Random, start: date, quarter: tuple[date, date], trusts: list[str], algorithms: list[str]
) -> list[Document]:
    made = []
    for trust in trusts:
        for algorithm in rng.sample(algorithms, rng.randint(1, len(algorithms))):
            how = rng.random()
            if how < 0.4:
                go_live = add_months(quarter[0], -rng.randint(0, 8))  # its ramp runs in or near the quarter
            elif how < 0.6:
                go_live = quarter[0] + timedelta(days=rng.randrange(1, 80))
            else:
                go_live = start + timedelta(days=rng.randrange(0, max(1, (quarter[0] - start).days)))
            go_live = max(go_live, start)
            validation = go_live - timedelta(days=rng.randrange(5, 45)) if rng.random() < 0.5 else None
            if validation is not None and validation < start:
                validation = None
            end = quarter[0] + timedelta(days=rng.randrange(20, 200)) if rng.random() < 0.12 else None
            if end is not None and end <= go_live:
                end = None
            made.append(
                {
                    "trust": trust,
                    "algorithm": algorithm,
                    "validation_from": validation.isoformat() if validation else None,
                    "go_live": go_live.isoformat(),
                    "end": end.isoformat() if end else None,
                }
            )
    return made


def _usage(rng: random.Random, start: date, quarter: tuple[date, date], activations: list[Document]) -> list[Document]:
    usage = []
    for activation in activations:
        begins = date.fromisoformat(activation["validation_from"] or activation["go_live"])
        stops = date.fromisoformat(activation["end"]) if activation["end"] else quarter[1] + timedelta(days=31)
        monthly = rng.choice([8, 25, 25, 60])
        month = max(begins, start, add_months(quarter[0], -15)).replace(day=1)
        while month < min(stops, quarter[1] + timedelta(days=31)):
            for day in sorted(rng.sample(range(28), rng.randint(2, 5))):
                on = month + timedelta(days=day)
                if max(begins, start) <= on < stops:
                    usage.append(_count(activation, on, rng.randint(1, monthly)))
            month = add_months(month, 1)
    return usage


def _count(activation: Document, on: date, quantity: int) -> Document:
    return {
        "trust": activation["trust"],
        "algorithm": activation["algorithm"],
        "on": on.isoformat(),
        "quantity": quantity,
    }


def live_days(activation: Document, span: tuple[date, date]) -> list[date]:
    """Return the days of a span on which an activation is live."""
    first = max(date.fromisoformat(activation["go_live"]), span[0])
    last = min(date.fromisoformat(activation["end"]) if activation["end"] else span[1], span[1])
    return [first + timedelta(days=n) for n in range(max(0, (last - first).days))]


def _beside(rng: random.Random, request: Document, quarter: tuple[date, date], reason: str) -> list[Document]:
    """Count what is not billable on a day or two of some activations."""
    found = []
    for activation in request["activations"]:
        days = live_days(activation, quarter)
        if days and rng.random() < 0.6:
            found += [
                {**_count(activation, on, rng.randint(2, 9)), "reason": reason}
                for on in rng.sample(days, min(len(days), rng.randint(1, 2)))
            ]
    return found


def _late(rng: random.Random, request: Document, quarter: tuple[date, date]) -> list[Document]:
    found = []
    for activation in request["activations"]:
        days = live_days(activation, (add_months(quarter[0], -3), quarter[0]))
        days = [day for day in days if day.isoformat() >= request["agreement"]["start"]]
        if days and rng.random() < 0.6:
            found.append(_count(activation, rng.choice(days), rng.randint(2, 12)))
    return found


# --- The price book -------------------------------------------------------------------------------------------------


def _price_book(rng: random.Random, start: date, quarter: tuple[date, date], algorithms: list[str]) -> Document:
    shape = rng.choice(["per_algorithm", "per_algorithm", "shared", "mixed"])
    charges: list[Document] = []
    if shape == "shared":
        charges.append(_usage_charge(rng, "analysis", algorithms))
    elif shape == "mixed" and len(algorithms) > 1:
        charges.append(_usage_charge(rng, "analysis", algorithms[:-1]))
        charges.append(_usage_charge(rng, "analysis-other", algorithms[-1:]))
    else:
        charges += [_usage_charge(rng, f"analysis-{algorithm}", [algorithm]) for algorithm in algorithms]
    if rng.random() < 0.6:
        charges.append(
            {
                "code": "platform",
                "kind": "fixed",
                "clause": "7.4",
                "amount": f"{rng.randrange(50_000, 2_500_000) / 100:.2f}",
                "per": rng.choice(["agreement", "trust", "activation"]),
                "every": rng.choice(["month", "quarter"]),
                "proration": rng.choice(["none", "days"]),
            }
        )
    if rng.random() < 0.5:
        charges.append(
            {
                "code": "start",
                "kind": "one_off",
                "clause": "7.5",
                "amount": f"{rng.randrange(100_000, 3_000_000) / 100:.2f}",
                "per": "activation",
            }
        )
    versions = [{"valid_from": start.isoformat(), "clause": "Bilag 7", "charges": charges}]
    days = sorted(
        {
            add_months(quarter[0], -rng.choice([0, 0, 3, 6])),
            *([add_months(quarter[0], 3 + rng.choice([0, 3]))] if rng.random() < 0.5 else []),
        }
    )
    for number, day in enumerate(days if rng.random() < 0.8 else []):
        if day > start:
            versions.append(
                {
                    "valid_from": day.isoformat(),
                    "clause": f"Endring {number + 1}",
                    "charges": [_repriced(rng, charge) for charge in charges],
                }
            )
    index = []
    for day in (add_months(quarter[0], -rng.choice([0, 3])), add_months(quarter[0], rng.choice([1, 2, 3, 6]))):
        if rng.random() < 0.75 and day > start:
            factor = f"1.{rng.randrange(8, 60):03d}"
            index.append({"effective_from": day.isoformat(), "factor": factor, "clause": "7.3"})
    return {
        "conventions": {
            "boundary": rng.choice(["inclusive", "inclusive", "exclusive"]),
            "zero_usage": "no_charge",
            "price_decimals": rng.choice([2, 2, 4]),
            "rounding": "half_up",
            "minimum_applies": "after_discount",
        },
        "index_adjustments": index,
        "versions": versions,
    }


def _usage_charge(rng: random.Random, code: str, algorithms: list[str]) -> Document:
    charge: Document = {
        "code": code,
        "kind": "usage",
        "clause": "7.1",
        "algorithms": list(algorithms),
        "model": rng.choices(["graduated", "volume", "package"], weights=[7, 2, 1])[0],
        "counter": {
            "scope": rng.choices(["agreement", "trust", "activation"], weights=[5, 2, 1])[0],
            "window": rng.choice(["calendar_year", "calendar_year", "agreement_year", "quarter"]),
        },
    }
    if charge["model"] == "package":
        charge |= {
            "package_size": rng.choice([10, 25, 50]),
            "package_price": f"{rng.randrange(20_000, 200_000) / 100:.2f}",
        }
    else:
        price = rng.randrange(4_000, 15_000)
        bounds: list[int | None] = [*sorted(rng.sample(range(40, 900, 5), rng.choice([1, 2, 2, 3]))), None]
        tiers = []
        for bound in bounds:
            tiers.append({"up_to": bound, "unit_price": f"{price / 100:.2f}", "flat_fee": "0.00"})
            price = price * rng.randrange(65, 92) // 100
        if rng.random() < 0.15:
            tiers[0]["flat_fee"] = f"{rng.randrange(50_000, 400_000) / 100:.2f}"
        charge["tiers"] = tiers
    if rng.random() < 0.75:
        phases = [{"months": rng.choice([2, 3, 3, 6]), "discount": rng.choice(DISCOUNTS)}]
        if rng.random() < 0.5:
            phases.append({"months": rng.choice([2, 3]), "discount": rng.choice(DISCOUNTS[:3])})
        counts = charge["model"] == "package" or rng.random() < 0.8
        charge["ramp_up"] = {
            "starts": rng.choice(["go_live", "go_live", "next_month"]),
            "counts_towards_tiers": counts,
            "phases": phases,
        }
    if rng.random() < 0.3:
        charge["minimum"] = {
            "amount": f"{rng.randrange(100_000, 4_000_000) / 100:.2f}",
            "per": rng.choice(["trust", "agreement"]),
            "window": "quarter",
        }
    elif rng.random() < 0.2:
        charge["maximum"] = {
            "amount": f"{rng.randrange(300_000, 4_000_000) / 100:.2f}",
            "per": rng.choice(["trust", "agreement"]),
            "window": "quarter",
        }
    return charge


def _repriced(rng: random.Random, charge: Document) -> Document:
    """Give a charge of the next version: other prices, the same structure."""
    factor = rng.randrange(80, 125)

    def again(text: str) -> str:
        return f"{int(text.replace('.', '')) * factor // 100 / 100:.2f}"

    changed = copy.deepcopy(charge)
    if "tiers" in charge:
        changed["tiers"] = [{**tier, "unit_price": again(tier["unit_price"])} for tier in charge["tiers"]]
    for name in ("amount", "package_price"):
        if name in charge:
            changed[name] = again(charge[name])
    return changed
