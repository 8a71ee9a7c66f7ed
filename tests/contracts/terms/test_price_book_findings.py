"""Where the check looks, what it leaves alone, and the sentences it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from contracts.terms.price_book import (
    LONGEST_TERM_YEARS,
    Activation,
    AgreementTerm,
    Finding,
    InvalidInput,
    PriceBook,
    PriceBookVersion,
    check,
)
from contracts.terms.price_model import (
    Charge,
    Counter,
    FixedCharge,
    Limit,
    OneOffCharge,
    RampPhase,
    RampUp,
    UsageCharge,
)
from contracts.terms.price_models import Graduated, Package, Tier, Volume

TERM = AgreementTerm(date(2024, 1, 1), date(2028, 1, 1))
MID = date(2024, 5, 10)
TWO_TIERS = (Tier(100, Decimal(60)), Tier(None, Decimal(45)))
USAGE = UsageCharge("u", "7.1", None, Graduated(TWO_TIERS), Counter("agreement", "calendar_year"))
VOLUME = replace(USAGE, model=Volume(TWO_TIERS))
FIXED = FixedCharge("f", "8", Decimal(100), "trust", "quarter")
LIMITED = replace(
    USAGE, minimum=Limit(Decimal(1), "trust", "quarter"), maximum=Limit(Decimal(9), "trust", "calendar_year")
)
ZERO, HALF = Decimal(0), Decimal("0.5")


def book(*versions: tuple[date, tuple[Charge, ...]]) -> PriceBook:
    return PriceBook(versions=tuple(PriceBookVersion(day, f"Versjon {day}", charges) for day, charges in versions))


def places(price_book: PriceBook, term: AgreementTerm = TERM) -> list[tuple[str, str]]:
    findings = check(price_book, term)
    return [(finding.pointer.removeprefix("#/price_book/versions"), finding.code) for finding in findings]


def sentences(price_book: PriceBook) -> list[str]:
    return [finding.detail for finding in check(price_book, TERM)]


def test_a_refusal_says_every_place_and_sentence() -> None:
    errors = (Finding("#/a", "x", "One."), Finding("#/b/0", "y", "Two."))
    assert str(InvalidInput(errors)) == "#/a: One.; #/b/0: Two."
    assert InvalidInput(errors).errors == errors


def test_the_longest_term_is_a_century() -> None:
    assert LONGEST_TERM_YEARS == 100


def test_errors_come_before_warnings_and_else_in_the_order_of_the_document() -> None:
    first = (replace(USAGE, code=""), replace(FIXED, amount=Decimal(-1)), replace(FIXED, code="g", ramp_up=RampUp(())))
    late = book((MID, first), (date(2024, 7, 2), (replace(FIXED, every="month"),)))
    findings = check(late, TERM, [Activation("oslo", "ct", date(2024, 5, 11))])
    assert [(finding.severity, finding.code) for finding in findings] == [
        ("error", "empty"),
        ("error", "negative_amount"),
        ("error", "phases_empty"),
        ("error", "change_inside_window"),
        ("error", "charge_leaves_inside_window"),
        ("warning", "version_gap"),
        ("warning", "full_interval"),
        ("warning", "full_interval"),
    ]


@pytest.mark.parametrize("end", [TERM.start, date(2023, 1, 1)], ids=["no day", "before its start"])
def test_a_book_is_checked_also_where_the_agreement_has_no_days(end: date) -> None:
    bad = book((MID, (replace(USAGE, code=""),)))  # and no gap is told of, for no day is without a version
    assert places(bad, AgreementTerm(TERM.start, end)) == [("/0/charges/0/code", "empty")]


def test_a_gap_is_named_up_to_the_first_version_and_is_none_from_its_day_on() -> None:
    late = book((date(2025, 1, 1), (USAGE,)), (MID, (USAGE,)))
    assert sentences(late) == ["No version is valid from 2024-01-01 to 2024-05-10."]
    assert places(book((TERM.start, (USAGE,)))) == []


@pytest.mark.parametrize(
    ("tiers", "found"),
    [
        pytest.param((None, 9, 8, None), [("0", "tier_open_not_last"), ("2", "tiers_not_rising")], id="open, falling"),
        pytest.param((9, 5, 7, None), [("1", "tiers_not_rising"), ("2", "tiers_not_rising")], id="below one before"),
        pytest.param((1, 2, None), [], id="from one on"),
        pytest.param((9, 10), [("1", "tier_last_not_open")], id="rising and closed"),
    ],
)
def test_every_bound_is_looked_at(tiers: tuple[int | None, ...], found: list[tuple[str, str]]) -> None:
    charge = replace(USAGE, model=Graduated(tuple(Tier(up_to, Decimal(1)) for up_to in tiers)))
    expected = [(f"/0/charges/0/tiers/{place}/up_to", code) for place, code in found]
    assert places(book((TERM.start, (charge,)))) == expected


def test_the_sentence_of_a_bound_names_the_bound_below() -> None:
    def of(*bounds: int | None) -> list[str]:
        tiers = tuple(Tier(bound, Decimal(1)) for bound in bounds)
        return sentences(book((TERM.start, (replace(USAGE, model=Graduated(tiers)),))))

    assert of(0, None) == ["A bound is at least 1."]
    assert of(9, 4, None) == ["The bound 4 is not above 9."]


@pytest.mark.parametrize(
    ("charge", "place", "code"),
    [
        pytest.param(
            replace(USAGE, ramp_up=RampUp((RampPhase(Decimal("-0.5"), 1),))),
            "ramp_up/phases/0/discount",
            "out_of_range",
            id="a surcharge",
        ),
        pytest.param(
            replace(USAGE, ramp_up=RampUp((RampPhase(HALF, 1, 1),))),
            "ramp_up/phases/0",
            "phase_length",
            id="both lengths",
        ),
        pytest.param(replace(FIXED, ramp_up=RampUp(())), "ramp_up/phases", "phases_empty", id="a fixed charge's ramp"),
        pytest.param(
            replace(FIXED, ramp_up=RampUp((RampPhase(HALF, 1), RampPhase(Decimal(2), 1)))),
            "ramp_up/phases/1/discount",
            "out_of_range",
            id="a fixed charge's second phase",
        ),
        pytest.param(
            replace(USAGE, model=Package(1, Decimal(-1))), "package_price", "negative_amount", id="package price < 0"
        ),
    ],
)
def test_a_charge_that_is_refused(charge: Charge, place: str, code: str) -> None:
    assert places(book((TERM.start, (charge,)))) == [(f"/0/charges/0/{place}", code)]


@pytest.mark.parametrize(
    "charge",
    [
        replace(USAGE, model=Package(1, ZERO)),
        replace(USAGE, model=Graduated((Tier(None, ZERO, ZERO),)), minimum=Limit(ZERO, "trust", "month")),
        replace(FIXED, amount=ZERO, ramp_up=RampUp((RampPhase(HALF, 1),))),
        OneOffCharge("o", "9", ZERO, "trust"),
    ],
    ids=["package", "graduated", "fixed", "one_off"],
)
def test_nothing_may_be_a_price(charge: Charge) -> None:
    assert places(book((TERM.start, (charge,)))) == []


def test_a_change_is_said_in_a_sentence_that_begins_with_a_capital() -> None:
    changed = replace(USAGE, counter=Counter("trust", "calendar_year"))
    assert sentences(book((TERM.start, (USAGE,)), (MID, (changed,)))) == [
        "Counter/scope of 'u' changes on 2024-05-10, which is not where a window starts."
    ]


def test_a_charge_that_leaves_is_said_with_the_window_it_leaves_inside() -> None:
    price_book = book((TERM.start, (LIMITED, FIXED)), (MID, ()))
    assert places(price_book) == [("/1/charges", "charge_leaves_inside_window")] * 3
    assert sentences(price_book) == [
        "The charge 'f' leaves the book inside the quarter of its interval.",
        "The charge 'u' leaves the book inside the quarter of its minimum.",
        "The charge 'u' leaves the book inside the calendar_year of its maximum.",
    ]


def test_a_charge_leaves_once_and_only_the_others_are_looked_at_after_it() -> None:
    april, moved = date(2024, 4, 1), replace(USAGE, counter=Counter("trust", "calendar_year"))
    price_book = book((TERM.start, (FIXED, USAGE)), (april, (USAGE,)), (MID, (moved,)))
    assert places(price_book) == [("/2/charges/0/counter/scope", "change_inside_window")]


def test_a_window_that_ends_on_the_day_before_is_over() -> None:
    monthly = replace(FIXED, every="month")
    assert places(book((TERM.start, (monthly,)), (date(2024, 5, 1), ()))) == []
    for day in (date(2024, 5, 2), date(2024, 5, 31)):
        assert places(book((TERM.start, (monthly,)), (day, ()))) == [("/1/charges", "charge_leaves_inside_window")]


@pytest.mark.parametrize(
    ("old", "new", "on", "allowed"),
    [
        pytest.param("month", "quarter", date(2024, 5, 1), False, id="inside the new window"),
        pytest.param("quarter", "month", date(2024, 5, 1), False, id="inside the old window"),
        pytest.param("month", "quarter", date(2024, 7, 1), True, id="where both begin"),
    ],
)
def test_both_the_old_and_the_new_window_begin_where_one_changes(old: str, new: str, on: date, allowed: bool) -> None:
    before, after = (replace(FIXED, every=every) for every in (old, new))  # type: ignore[arg-type]
    expected = [] if allowed else [("/1/charges/0/every", "change_inside_window")]
    assert places(book((TERM.start, (before,)), (on, (after,)))) == expected


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param(LIMITED, replace(LIMITED, maximum=None), [], id="a maximum goes"),
        pytest.param(replace(LIMITED, minimum=None), LIMITED, [], id="a minimum comes"),
        pytest.param(VOLUME, replace(VOLUME, model=Package(10, Decimal(5))), ["model"], id="volume becomes package"),
        pytest.param(replace(USAGE, model=Package(10, Decimal(5))), VOLUME, ["model"], id="package becomes volume"),
        pytest.param(
            replace(USAGE, model=Graduated((Tier(None, Decimal(1)),))), VOLUME, ["model"], id="graduated becomes volume"
        ),
        pytest.param(
            LIMITED,
            replace(LIMITED, minimum=Limit(Decimal(1), "agreement", "month")),
            ["minimum/per", "minimum/window"],
            id="a minimum for another key and window",
        ),
    ],
)
def test_what_changes_inside_a_window_is_told_of_field_by_field(
    before: Charge, after: Charge, found: list[str]
) -> None:
    expected = [(f"/1/charges/0/{place}", "change_inside_window") for place in found]
    assert places(book((TERM.start, (before,)), (MID, (after,)))) == expected


MONTHLY = replace(FIXED, every="month")
# Its first and last days lie inside every window, so that whatever is compared is told of.
INSIDE = AgreementTerm(date(2024, 4, 2), date(2026, 5, 10))


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        pytest.param([(date(2023, 5, 5), MONTHLY), (INSIDE.start, FIXED)], [], id="over on the first day"),
        pytest.param(
            [(date(2023, 5, 5), MONTHLY), (date(2024, 4, 3), FIXED)],
            ["/1/charges/0/every"],
            id="over on the second day",
        ),
        pytest.param([(INSIDE.start, FIXED), (INSIDE.end, MONTHLY)], [], id="begins when the agreement ends"),
        pytest.param([(INSIDE.start, FIXED), (date(2026, 6, 7), MONTHLY)], [], id="begins after the agreement"),
        pytest.param(
            [(INSIDE.start, FIXED), (date(2026, 5, 9), MONTHLY)], ["/1/charges/0/every"], id="begins on the last day"
        ),
        pytest.param(
            [(date(2023, 2, 2), FIXED), (date(2023, 5, 5), MONTHLY), (date(2024, 3, 3), FIXED), (MID, MONTHLY)],
            ["/3/charges/0/every"],
            id="two that were never in force and two that are",
        ),
    ],
)
def test_only_versions_in_force_are_compared(versions: list[tuple[date, Charge]], found: list[str]) -> None:
    price_book = book(*((day, (charge,)) for day, charge in versions))
    errors = [(place, code) for place, code in places(price_book, INSIDE) if code != "version_gap"]
    assert errors == [(place, "change_inside_window") for place in found]


LATER = AgreementTerm(date(2024, 4, 2), date(2026, 4, 1))


@pytest.mark.parametrize(
    ("charge", "go_live", "warned"),
    [
        pytest.param(FIXED, date(2024, 7, 2), True, id="inside a quarter"),
        pytest.param(FIXED, date(2024, 7, 1), False, id="where a quarter begins"),
        pytest.param(FIXED, date(2024, 4, 2), True, id="with the agreement, inside a quarter"),
        pytest.param(FIXED, date(2024, 4, 1), False, id="the day before the agreement"),
        pytest.param(FIXED, date(2024, 2, 2), False, id="before the agreement"),
        pytest.param(FIXED, date(2026, 3, 31), True, id="on the agreement's last day"),
        pytest.param(FIXED, date(2026, 4, 2), False, id="after the agreement"),
        pytest.param(replace(FIXED, every="agreement_year"), date(2026, 4, 1), False, id="on the day after it"),
        pytest.param(replace(FIXED, per="agreement"), date(2024, 7, 2), False, id="per agreement"),
        pytest.param(replace(FIXED, algorithms=("ct",)), date(2024, 7, 2), True, id="this algorithm"),
        pytest.param(replace(FIXED, algorithms=("mr",)), date(2024, 7, 2), False, id="another algorithm"),
        pytest.param(USAGE, date(2024, 7, 2), False, id="a usage charge"),
    ],
)
def test_a_full_interval_is_warned_of_for_a_late_start(charge: Charge, go_live: date, warned: bool) -> None:
    findings = check(
        book((LATER.start, (OneOffCharge("o", "9", ZERO, "trust"), charge))), LATER, [Activation("oslo", "ct", go_live)]
    )
    expected = [("#/price_book/versions/0/charges/1/proration", "full_interval", "warning")] if warned else []
    assert [(finding.pointer, finding.code, finding.severity) for finding in findings] == expected


def test_a_late_start_is_warned_of_under_the_version_of_its_day_and_for_each_activation() -> None:
    other = replace(FIXED, every="month")
    price_book = book((TERM.start, (FIXED,)), (date(2024, 7, 1), (other, USAGE)))
    activations = [
        Activation("akershus", "ct", date(2024, 4, 1)),
        Activation("bergen", "ct", date(2024, 5, 1)),
        Activation("fonna", "ct", date(2024, 8, 1)),
        Activation("oslo", "ct", date(2024, 8, 2)),
    ]
    assert [
        (finding.pointer.removeprefix("#/price_book/versions"), finding.detail.partition(" ")[0])
        for finding in check(price_book, TERM, activations)
    ] == [
        ("/0/charges/0/proration", "bergen"),
        ("/1/charges/0/proration", "oslo"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "twice"),
    [
        pytest.param(None, None, True, id="all and all"),
        pytest.param(None, ("ct-pe",), True, id="all and one"),
        pytest.param(("ct-pe", "xray-chest"), ("xray-chest",), True, id="one in both"),
        pytest.param(("ct-pe",), ("xray-chest",), False, id="apart"),
    ],
)
def test_two_usage_charges_of_one_algorithm_are_warned_of(
    first: tuple[str, ...] | None, second: tuple[str, ...] | None, twice: bool
) -> None:
    charges = (replace(USAGE, algorithms=first), FIXED, replace(USAGE, code="v", algorithms=second))
    warned = check(book((TERM.start, charges)), TERM)
    assert [(one.pointer.removeprefix("#/price_book/versions"), one.code, one.severity) for one in warned] == (
        [("/0/charges/2/algorithms", "algorithm_covered_twice", "warning")] if twice else []
    )
