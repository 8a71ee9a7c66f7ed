"""Hold the oracle itself: against worked examples from elsewhere, the definition's own example, and its own laws."""

from __future__ import annotations

import copy
import json
import random
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from . import evaluator
from .compare import LINE_IDENTITY, differences, identified
from .evaluator import add_months, day_of, evaluate, packages_started, rooms_of, rounded, terms_of, whole_window
from .generator import random_request

Document = dict[str, Any]

seeds = st.integers(min_value=0, max_value=10**9)


def read(folder: Path, name: str) -> list[Document]:
    cases: list[Document] = json.loads((folder / name).read_text(encoding="utf-8"))
    return cases


def test_it_agrees_with_the_totals_of_other_billing_engines(pricing_samples: Path) -> None:
    cases = read(pricing_samples, "engines.json")
    given_totals = {case["id"]: evaluate(case["request"])["total"] for case in cases}
    assert given_totals == {case["id"]: case["expected_total"] for case in cases}
    assert len(given_totals) == 57


def test_it_agrees_with_the_totals_and_lines_of_the_worked_agreements(pricing_samples: Path) -> None:
    cases = read(pricing_samples, "agreements.json")
    found = {}
    for case in cases:
        answer = evaluate(case["request"])
        keys = {key for line in case["expected_lines"] for key in line}
        lines = [{key: line[key] for key in keys} for line in answer["lines"]]
        nothing: Document = {"currency": "NOK", "excluded": [], "positions": []}
        found[case["id"]] = differences(
            {**nothing, "total": case["expected_total"], "lines": case["expected_lines"]},
            {**nothing, "total": answer["total"], "lines": lines},
        )
    assert {name: said for name, said in found.items() if said} == {}
    assert len(found) == 55


def two_trusts_in_one_pool() -> Document:
    return {
        "agreement": {"start": "2024-01-01", "end": "2028-01-01", "currency": "NOK"},
        "period": {"from": "2024-01-01", "to": "2024-07-01"},
        "price_book": {
            "conventions": {
                "boundary": "inclusive",
                "zero_usage": "no_charge",
                "price_decimals": 2,
                "rounding": "half_up",
                "minimum_applies": "after_discount",
            },
            "index_adjustments": [{"effective_from": "2025-01-01", "factor": "1.031", "clause": "7.3"}],
            "versions": [
                {
                    "valid_from": "2024-01-01",
                    "clause": "Bilag 7",
                    "charges": [
                        {
                            "code": "analysis",
                            "kind": "usage",
                            "clause": "7.1",
                            "algorithms": ["xray-skeletal"],
                            "model": "graduated",
                            "counter": {"scope": "agreement", "window": "calendar_year"},
                            "tiers": [
                                {"up_to": 200, "unit_price": "60.00", "flat_fee": "0.00"},
                                {"up_to": None, "unit_price": "45.00", "flat_fee": "0.00"},
                            ],
                            "ramp_up": {
                                "starts": "go_live",
                                "counts_towards_tiers": True,
                                "phases": [{"months": 3, "discount": "0.50"}],
                            },
                        }
                    ],
                }
            ],
        },
        "activations": [
            {
                "trust": "vestre-viken",
                "algorithm": "xray-skeletal",
                "validation_from": None,
                "go_live": "2024-01-01",
                "end": None,
            },
            {
                "trust": "sykehuset-ostfold",
                "algorithm": "xray-skeletal",
                "validation_from": None,
                "go_live": "2023-09-01",
                "end": None,
            },
        ],
        "usage": [
            {"trust": "vestre-viken", "algorithm": "xray-skeletal", "on": "2024-01-10", "quantity": 100},
            {"trust": "sykehuset-ostfold", "algorithm": "xray-skeletal", "on": "2024-01-20", "quantity": 201},
        ],
    }


def test_the_definitions_own_example_comes_out_as_by_hand() -> None:
    answer = evaluate(two_trusts_in_one_pool())
    assert answer["total"] == "13800.00"
    assert {
        (line["trust"], line["tier"], line["phase"], line["quantity"], line["net"]) for line in answer["lines"]
    } == {
        ("sykehuset-ostfold", 1, None, 134, "8040.00"),
        ("sykehuset-ostfold", 2, None, 67, "3015.00"),
        ("vestre-viken", 1, 1, 66, "1980.00"),
        ("vestre-viken", 2, 1, 34, "765.00"),
    }
    assert {
        "charge": "analysis",
        "kind": "usage",
        "clause": "7.1",
        "trust": "sykehuset-ostfold",
        "algorithm": "xray-skeletal",
        "period": {"from": "2024-01-01", "to": "2024-02-01"},
        "tier": 1,
        "phase": None,
        "quantity": 134,
        "unit_price": "60.00",
        "gross": "8040.00",
        "discount_rate": "0",
        "discount": "0.00",
        "net": "8040.00",
        "why": None,
        "reprices": None,
    } in answer["lines"]
    assert answer["positions"] == [
        {
            "charge": "analysis",
            "scope": "agreement",
            "trust": None,
            "algorithm": None,
            "window": {"from": "2024-01-01", "to": "2025-01-01"},
            "position": 301,
            "next_tier_at": None,
        }
    ]
    assert answer["excluded"] == []


def priced(
    versions: dict[str, list[Document]], live: list[tuple[str, str, str | None]], used: dict[tuple[str, str], int]
) -> str:
    """Give 2024's total at one trust: versions by day, (algorithm, go-live, end) and units by (algorithm, day)."""
    answer = evaluate(
        {
            "agreement": {"start": "2024-01-01", "end": "2025-01-01", "currency": "NOK"},
            "period": {"from": "2024-01-01", "to": "2025-01-01"},
            "price_book": {
                "conventions": {},
                "index_adjustments": [],
                "versions": [{"valid_from": day, "charges": charges} for day, charges in versions.items()],
            },
            "activations": [
                {"trust": "oslo", "algorithm": algorithm, "validation_from": None, "go_live": go_live, "end": end}
                for algorithm, go_live, end in live
            ],
            "usage": [
                {"trust": "oslo", "algorithm": algorithm, "on": day, "quantity": quantity}
                for (algorithm, day), quantity in used.items()
            ],
        }
    )
    return str(answer["total"])


def units_at(model: str, *tiers: tuple[int | None, str], **more: Any) -> Document:
    charge: Document = {
        "code": "analysis",
        "kind": "usage",
        "clause": "7.1",
        "algorithms": "all",
        "model": model,
        "counter": {"scope": "agreement", "window": "calendar_year"},
        "tiers": [{"up_to": up_to, "unit_price": price, "flat_fee": "0.00"} for up_to, price in tiers],
    }
    return charge | more


def fee_of(kind: str, amount: str, **more: Any) -> Document:
    return {"code": "fee", "kind": kind, "clause": "8", "amount": amount, "per": "trust", **more}


def ramp(*phases: Document) -> Document:
    return {"starts": "go_live", "counts_towards_tiers": True, "phases": list(phases)}


ALWAYS = [("pe", "2024-01-01", None)]
NO_CHARGE: list[Document] = []


@pytest.mark.parametrize(
    ("versions", "live", "used", "by_hand"),
    [
        pytest.param(
            {
                "2024-01-01": [units_at("graduated", (10, "10"), (None, "1"))],
                "2024-02-01": NO_CHARGE,
                "2024-03-01": [units_at("graduated", (10, "10"), (None, "1"))],
            },
            ALWAYS,
            {("pe", "2024-01-05"): 8, ("pe", "2024-02-05"): 100, ("pe", "2024-03-05"): 4},
            "102.00",  # 8 × 10, nothing, then 2 × 10 and 2 × 1
            id="a charge that returns continues, and units while it was absent never count",
        ),
        pytest.param(
            {"2024-01-01": [units_at("graduated", (None, "10"), ramp_up=ramp({"units": 5, "discount": "0.5"}))]},
            [("pe", "2024-01-01", "2024-02-01"), ("pe", "2024-03-01", None)],
            {("pe", "2024-01-05"): 6, ("pe", "2024-03-05"): 6},
            "70.00",  # twice 5 × 5 and 1 × 10
            id="a re-activation starts its ramp anew",
        ),
        pytest.param(
            {
                "2024-01-01": [
                    units_at(
                        "graduated",
                        (None, "10"),
                        ramp_up=ramp({"months": 1, "discount": "1"}, {"months": 1, "discount": "0.5"}),
                    )
                ]
            },
            [("pe", "2024-01-31", None)],
            {("pe", "2024-02-28"): 1, ("pe", "2024-02-29"): 1, ("pe", "2024-03-30"): 1, ("pe", "2024-03-31"): 1},
            "20.00",  # 0 + 5 + 5 + 10
            id="ramp months are counted from the start, not from the former phase",
        ),
        pytest.param(
            {
                "2024-01-01": [units_at("volume", (10, "10"), (None, "6"))],
                "2024-02-01": [units_at("volume", (10, "20"), (None, "15"), algorithms=["chest"])],
            },
            [*ALWAYS, ("chest", "2024-01-01", None)],
            {("pe", "2024-01-05"): 8, ("pe", "2024-02-05"): 50, ("chest", "2024-02-05"): 4},
            "108.00",  # 8 × 10, 4 × 15, less 8 × (10 − 6)
            id="a slice is repriced also where the charge no longer covers its algorithm, at its own version's prices",
        ),
        pytest.param(
            {
                "2024-01-01": [
                    units_at(
                        "graduated",
                        (None, "10"),
                        minimum={"amount": "30.00", "per": "trust", "window": "quarter"},
                        maximum={"amount": "50.00", "per": "trust", "window": "quarter"},
                    )
                ]
            },
            ALWAYS,
            {("pe", "2024-01-05"): 4, ("pe", "2024-02-05"): 4, ("pe", "2024-04-05"): 1},
            "140.00",  # 50 at most, then three quarters of 30 at least
            id="a quarter costs its minimum at least and its maximum at most",
        ),
        pytest.param(
            {"2024-01-01": [fee_of("fixed", "310.00", every="month", proration="days")], "2024-02-01": NO_CHARGE},
            [("pe", "2024-01-03", "2024-01-11"), ("chest", "2024-01-09", "2024-01-13"), ("pe", "2024-01-21", None)],
            {},
            "210.00",  # 3–12 and 21–31 January: 21 of 31 days
            id="a prorated fee pays live days with the gaps left out",
        ),
        pytest.param(
            {"2024-01-01": [fee_of("one_off", "500.00")]},
            [("pe", "2023-12-31", None), ("chest", "2024-02-01", None)],
            {},
            "0.00",
            id="a go-live before the agreement makes nothing due, nor does the trust's second",
        ),
    ],
)
def test_a_rule_gives_what_a_hand_gives(
    versions: dict[str, list[Document]],
    live: list[tuple[str, str, str | None]],
    used: dict[tuple[str, str], int],
    by_hand: str,
) -> None:
    assert priced(versions, live, used) == by_hand


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        pytest.param("2024-01-31", 1, "2024-02-29", id="short month of a leap year"),
        pytest.param("2023-01-31", 1, "2023-02-28", id="short month"),
        pytest.param("2024-01-31", 3, "2024-04-30", id="counted from the start"),
        pytest.param("2024-11-15", 2, "2025-01-15", id="over the year"),
        pytest.param("2024-02-29", 12, "2025-02-28", id="leap day, a year on"),
    ],
)
def test_months_are_added_to_the_same_day_or_the_months_last(day: str, months: int, expected: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("amount", "rounding", "expected"),
    [
        pytest.param("0.005", "half_up", "0.01", id="half goes up"),
        pytest.param("-0.005", "half_up", "-0.01", id="a negative half goes away from zero"),
        pytest.param("0.005", "half_even", "0.00", id="half goes to the even øre below"),
        pytest.param("0.015", "half_even", "0.02", id="half goes to the even øre above"),
        pytest.param("-0.025", "half_even", "-0.02", id="a negative half goes to the even øre"),
        pytest.param("0.00499", "half_up", "0.00", id="below a half goes down"),
    ],
)
def test_money_is_rounded_at_the_half_as_the_convention_says(amount: str, rounding: str, expected: str) -> None:
    assert rounded(Fraction(amount), 2, rounding) == Fraction(expected)


@given(
    bounds=st.lists(st.integers(1, 60), unique=True, max_size=4).map(sorted),
    boundary=st.sampled_from(["inclusive", "exclusive"]),
    before=st.integers(0, 80),
    count=st.integers(1, 80),
    size=st.integers(1, 12),
)
@settings(max_examples=100, deadline=None)
def test_placing_a_run_by_its_bounds_gives_what_placing_unit_by_unit_gives(
    bounds: list[int], boundary: str, before: int, count: int, size: int
) -> None:
    terms = terms_of(two_trusts_in_one_pool())
    charge = {"tiers": [{"up_to": bound} for bound in [*bounds, None]], "conventions": {"boundary": boundary}}
    with pytest.MonkeyPatch.context() as patch:
        one_by_one = rooms_of(terms, charge, before, count), packages_started(size, before, count)
        patch.setattr(evaluator, "MOST_UNITS_ONE_BY_ONE", 0)
        assert (rooms_of(terms, charge, before, count), packages_started(size, before, count)) == one_by_one


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_request_says_nothing(seed: int) -> None:
    request = random_request(random.Random(seed), contested=True)
    shuffled = copy.deepcopy(request)
    book = shuffled["price_book"]
    for rows in (shuffled["usage"], shuffled["activations"], book["versions"], book["index_adjustments"]):
        random.Random(seed + 1).shuffle(rows)
    assert differences(evaluate(request), evaluate(shuffled)) == []


@pytest.mark.slow
@given(seeds)
@settings(max_examples=25, deadline=None)
def test_two_halves_of_a_period_have_the_lines_of_the_whole(seed: int) -> None:
    request = random_request(random.Random(seed), contested=True)
    asked = request["period"]
    for cut in {period.start.isoformat() for period in terms_of(request).periods[::5]}:
        if asked["from"] < cut < asked["to"]:
            halves = [
                evaluate({**request, "period": {"from": asked["from"], "to": cut}}),
                evaluate({**request, "period": {"from": cut, "to": asked["to"]}}),
            ]
            whole = evaluate(request)
            joined = {
                **whole,
                "lines": halves[0]["lines"] + halves[1]["lines"],
                "excluded": halves[0]["excluded"] + halves[1]["excluded"],
                "positions": halves[1]["positions"],
            }
            assert differences(whole, joined) == []


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_a_line_is_known_by_its_identity_and_adds_up(seed: int) -> None:
    answer = evaluate(random_request(random.Random(seed), contested=True))
    identities = [str(identified(line, LINE_IDENTITY)) for line in answer["lines"]]
    assert len(identities) == len(set(identities))
    for line in answer["lines"]:
        assert Fraction(line["gross"]) - Fraction(line["discount"]) == Fraction(line["net"])
        assert line["unit_price"] is None or Fraction(line["unit_price"]) >= 0
        assert line["quantity"] is not None or Fraction(line["gross"]) != 0
    assert Fraction(answer["total"]) == sum(Fraction(line["net"]) for line in answer["lines"])


@given(seeds)
@settings(max_examples=50, deadline=None)
def test_a_random_request_is_valid(seed: int) -> None:
    request = random_request(random.Random(seed))
    json.dumps(request)
    terms = terms_of(request)
    assert {period.start.isoformat() for period in terms.periods} >= {request["period"]["from"]}
    assert {period.stop.isoformat() for period in terms.periods} >= {request["period"]["to"]}
    sums: dict[tuple[str, str, str], int] = {}
    for entry in request["usage"]:
        cell = (entry["trust"], entry["algorithm"], entry["on"])
        sums[cell] = sums.get(cell, 0) + entry["quantity"]
    for (trust, algorithm, on), quantity in sums.items():
        day = day_of(on)
        own = [each for each in terms.activations if (each.trust, each.algorithm) == (trust, algorithm)]
        assert quantity >= 0
        assert day in terms.agreement
        assert sum(each.is_live_on(day) or each.is_validating_on(day) for each in own) == 1


def structure_of(charge: Document) -> tuple[object, ...]:
    limits = [charge.get(name) or {} for name in ("minimum", "maximum")]
    bounds = [tier["up_to"] for tier in charge["tiers"]] if charge.get("model") == "volume" else None
    counter = charge.get("counter") or {}
    kept = [(limit.get("per"), limit.get("window")) for limit in limits]
    return (counter, charge.get("model"), charge.get("per"), charge.get("every"), bounds, kept)


def windows_of(charge: Document) -> set[str]:
    counter = [charge["counter"]["window"]] if charge["kind"] == "usage" else []
    return {*counter, *leaving_windows_of(charge)}


def leaving_windows_of(charge: Document) -> set[str]:
    limits = [charge[name]["window"] for name in ("minimum", "maximum") if charge.get(name)]
    return {*limits, *([charge["every"]] if charge["kind"] == "fixed" else [])}


@given(seeds)
@settings(max_examples=50, deadline=None)
def test_a_random_price_book_changes_its_structure_only_where_windows_start(seed: int) -> None:
    terms = terms_of(random_request(random.Random(seed)))
    for (_, before), (day, after) in zip(terms.versions, terms.versions[1:], strict=False):
        assert after
        for code, charge in before.items():
            if code not in after:
                windows = leaving_windows_of(charge)
            elif structure_of(after[code]) == structure_of(charge):
                windows = set()
            elif structure_of({**after[code], "minimum": None, "maximum": None}) == structure_of(
                {**charge, "minimum": None, "maximum": None}
            ):
                # Only a limit went away: that concerns the limit's window alone.
                gone = [name for name in ("minimum", "maximum") if charge.get(name) and not after[code].get(name)]
                windows = {charge[name]["window"] for name in gone}
            else:
                windows = windows_of(charge) | windows_of(after[code])
            assert {window for window in windows if whole_window(terms, window, day).start != day} == set()


def test_random_requests_reach_every_kind_of_line() -> None:
    lines = [line for seed in range(150) for line in evaluate(random_request(random.Random(seed)))["lines"]]
    assert {line["why"] for line in lines} == {
        None,
        "adjustment",
        "outside",
        "flat_fee",
        "package",
        "zero_usage",
        "minimum",
        "maximum",
        "fixed",
        "one_off",
    }
    signs = {(line["why"], Fraction(line["gross"]) < 0) for line in lines}
    assert signs >= {(why, below) for why in ("adjustment", "flat_fee", "maximum") for below in (False, True)}


def test_the_same_seed_makes_the_same_request() -> None:
    assert random_request(random.Random(7)) == random_request(random.Random(7))
    assert random_request(random.Random(7)) != random_request(random.Random(8))


@pytest.mark.parametrize(
    ("place", "changed", "said"),
    [
        pytest.param("lines", {"quantity": 135}, "line differs: analysis/sykehuset-ostfold", id="another quantity"),
        pytest.param("lines", {"trust": "oslo"}, "line missing: analysis/sykehuset-ostfold", id="another trust"),
        pytest.param("lines", {"trust": "oslo"}, "line too many: analysis/oslo", id="a line too many"),
        pytest.param("positions", {"position": 300}, "position expected 301, got 300", id="another position"),
    ],
)
def test_a_difference_is_named(place: str, changed: Document, said: str) -> None:
    expected = evaluate(two_trusts_in_one_pool())
    actual = copy.deepcopy(expected)
    actual[place][0].update(changed)
    assert any(said in difference for difference in differences(expected, actual))
    assert differences(expected, expected) == []


def test_a_line_twice_is_a_difference() -> None:
    expected = evaluate(two_trusts_in_one_pool())
    actual = {**expected, "lines": [*expected["lines"], expected["lines"][0]]}
    assert len(differences(expected, actual)) == 1


def test_another_total_is_a_difference() -> None:
    expected = evaluate(two_trusts_in_one_pool())
    assert differences(expected, {**expected, "total": "13800.01"}) == ["total: expected '13800.00', got '13800.01'"]
