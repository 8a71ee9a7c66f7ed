"""Matching: the stages in order, many to one, names for codes, and never across trusts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.causes.billed import BilledLine
from billing.causes.matching import SURE, MatchGroup, match, quantity_and_price
from billing.causes.naming import Names, Reader, Register, words
from billing.rating.lines import Line
from contracts.terms.period import Period
from tests.billing.rating.notation import active, book, rated, usage_charge, used
from tests.soak.reconciliation import matched

JULY = Period(date(2024, 7, 1), date(2024, 8, 1))
QUARTER = Period(date(2024, 7, 1), date(2024, 10, 1))
NAMES = Names(
    trusts=(("Sykehuset Østfold HF", "ostfold"), ("Sykehuset Innlandet HF", "innlandet"), ("Vestre Viken HF", "vv")),
    algorithms=(("Lungeemboli", "ct-pe"), ("MS-oppfølging", "mr-ms-followup")),
    charges=(("Plattformleie", "platform"),),
)


def due(*usage: tuple[str, str, int]) -> tuple[Line, ...]:
    """Rate usage of the third quarter of 2024, tiers 100@60 and 45 pooled by month."""
    trusts = dict.fromkeys(trust for trust, _, _ in usage)
    lines = rated(
        book(usage_charge("100@60, *@45", window="month")),
        [active(trust) for trust in trusts],
        [used(trust, on, quantity) for trust, on, quantity in usage],
        start="2024-07-01",
        end="2024-10-01",
    )
    return lines.lines


def billed(line: Line, number: str = "1", **changed: object) -> BilledLine:
    """Bill a line as due, but for what is changed."""
    quantity, price = quantity_and_price(line)
    same = BilledLine(
        number, line.net, quantity=quantity, price=price, allowance=line.discount, trust=line.trust, algorithm=line.algorithm,
        period=line.period, tier=line.tier, phase=line.phase,
    )  # fmt: skip
    return replace(same, **changed)  # type: ignore[arg-type]


def briefly(groups: tuple[MatchGroup, ...]) -> list[tuple[list[str], list[int | None], str]]:
    """Return each group's billed ids, expected quantities and stage."""
    return [([line.id for line in g.billed], [line.quantity for line in g.expected], g.stage) for g in groups]


TIERED = due(("ostfold", "2024-07-10", 140))


@pytest.mark.parametrize(
    ("changed", "stage"),
    [
        pytest.param({}, "exact", id="everything equal"),
        pytest.param({"quantity": Decimal(99)}, "exact", id="another quantity at the same tier and price"),
        pytest.param({"tier": None}, "without_tier", id="no tier named"),
        pytest.param({"price": Decimal("61.00")}, "other_price", id="another price"),
        pytest.param({"tier": None, "price": Decimal("61.00")}, "grain", id="neither tier nor price"),
    ],
)
def test_a_line_is_matched_at_the_narrowest_stage_that_has_it(changed: dict[str, object], stage: str) -> None:
    (first, *_) = match([billed(TIERED[0], **changed)], TIERED[:1])
    assert first.stage == stage
    assert first.expected == TIERED[:1]
    assert first.is_sure


def test_a_line_of_a_quarter_stands_for_all_its_months_and_tiers() -> None:
    lines = due(("ostfold", "2024-07-10", 140), ("ostfold", "2024-08-10", 20), ("ostfold", "2024-09-10", 30))
    whole = BilledLine("1", Decimal("1.00"), trust="ostfold", algorithm="ct-pe", period=QUARTER)
    assert briefly(match([whole], lines)) == [(["1"], [100, 40, 20, 30], "grain")]


def test_a_line_of_a_trust_stands_for_everything_of_that_trust_and_nothing_of_another() -> None:
    lines = due(("ostfold", "2024-07-10", 14), ("innlandet", "2024-07-10", 15))
    one = BilledLine("1", Decimal("1.00"), trust="ostfold", period=QUARTER)
    assert briefly(match([one], lines)) == [(["1"], [14], "grain"), ([], [15], "unmatched")]


def test_a_pooled_line_stands_for_all_trusts_where_no_line_names_one() -> None:
    lines = due(("ostfold", "2024-07-10", 14), ("innlandet", "2024-07-10", 15))
    pool = BilledLine("1", Decimal("1.00"), algorithm="ct-pe", period=QUARTER)
    (group,) = match([pool], lines)
    assert len(group.expected) == 2
    assert group.is_sure


def test_a_line_without_a_trust_among_lines_that_name_theirs_is_left_to_a_person() -> None:
    lines = due(("ostfold", "2024-07-10", 14), ("innlandet", "2024-07-10", 15))
    of_ostfold = next(line for line in lines if line.trust == "ostfold")
    groups = match([billed(of_ostfold), BilledLine("2", Decimal("1.00"), algorithm="ct-pe", period=JULY)], lines)
    (doubtful,) = [group for group in groups if any(line.id == "2" for line in group.billed)]
    assert doubtful.confidence < SURE


def test_a_line_billed_twice_joins_the_match_and_is_flagged() -> None:
    line = billed(TIERED[0])
    groups = match([line, replace(line, id="2"), billed(TIERED[1], "3")], TIERED)
    assert briefly(groups) == [(["1", "2"], [100], "exact"), (["3"], [40], "exact")]
    assert groups[0].duplicates == ("2",)


def test_units_moved_to_another_tier_stay_with_their_month() -> None:
    moved = billed(TIERED[0], quantity=Decimal(140), net=Decimal("8400.00"))
    groups = match([moved], TIERED)
    assert {line.quantity for group in groups for line in group.expected} == {100, 40}
    third = billed(TIERED[1], tier=3, price=Decimal("30.00"), quantity=Decimal(40))
    groups = match([billed(TIERED[0]), replace(third, id="2")], TIERED)
    assert briefly(groups)[1] == (["2"], [40], "grain")


def test_what_bills_nothing_due_matches_nothing() -> None:
    stray = BilledLine("9", Decimal("1.00"), text="Konsulenttimer")
    other = BilledLine("8", Decimal("1.00"), trust="ostfold", algorithm="xray-chest", period=JULY)
    assert briefly(match([stray, other], TIERED))[:2] == [(["9"], [], "unmatched"), (["8"], [], "unmatched")]


@pytest.mark.parametrize(
    ("text", "trust", "algorithm"),
    [
        pytest.param("Lungeemboli, Sykehuset Østfold HF", "ostfold", "ct-pe", id="whole names"),
        pytest.param("LUNGEEMBOLI – SYKEHUSET ØSTFOLD", "ostfold", "ct-pe", id="capitals, no HF"),
        pytest.param("lungemboli sykehuset innlandet", "innlandet", "ct-pe", id="a slip of the pen"),
        pytest.param("MS-oppfølging Vestre Viken", "vv", "mr-ms-followup", id="a part of the name"),
        pytest.param("Lungeemboli, Sykehuset", None, "ct-pe", id="a word that two trusts have names neither"),
    ],
)
def test_names_are_read_as_codes(text: str, trust: str | None, algorithm: str) -> None:
    said = Register(NAMES.trusts).recognise(words(text))
    assert (said.code if said else None) == trust
    product = Register(NAMES.algorithms).recognise(words(text))
    assert product is not None
    assert product.code == algorithm


def test_a_line_with_names_only_is_matched_and_says_so() -> None:
    lines = due(("ostfold", "2024-07-10", 14), ("innlandet", "2024-07-10", 15))
    of_innlandet = next(line for line in lines if line.trust == "innlandet")
    spoken = billed(
        of_innlandet, trust=None, algorithm=None, tier=None, text="Lungeemboli, Sykehuset Innlandet HF, trinn 1"
    )
    (group, _) = match([spoken], lines, NAMES)
    assert group.expected == (of_innlandet,)
    assert "name" in group.reason
    assert group.confidence < 1


@pytest.mark.parametrize(
    ("text", "label", "tier"),
    [
        ("Analyse 2026-07, trinn 2", "2026-07", 2),
        ("Analyses July 2026 tier 3", "2026-07", 3),
        ("Analyser K3 2026", "2026-Q3", None),
        ("Analyser 2026-Q3 i mars 2026", "2026-03", None),
        ("Analyser", None, None),
    ],
)
def test_months_quarters_and_tiers_are_read_in_words(text: str, label: str | None, tier: int | None) -> None:
    place = Reader().place(text)
    assert (place.period.label() if place.period else None, place.tier) == (label, tier)


lines_of_anything = st.builds(
    BilledLine,
    id=st.text(max_size=2),
    net=st.decimals(-100, 100, places=2),
    quantity=st.none() | st.decimals(-5, 5, places=1),
    price=st.none() | st.decimals(0, 100, places=2),
    base_quantity=st.sampled_from([Decimal(1), Decimal(0), Decimal(100)]),
    text=st.sampled_from(["", "Lungeemboli", "Østfold", "Plattformleie"]),
    trust=st.sampled_from([None, "ostfold", "innlandet", "nowhere"]),
    algorithm=st.sampled_from([None, "ct-pe", "nothing"]),
    charge=st.sampled_from([None, "analysis", "platform"]),
    period=st.sampled_from([None, JULY, QUARTER, Period(date(2024, 7, 3), date(2024, 9, 9))]),
    tier=st.sampled_from([None, 1, 2, 9]),
)


@given(st.lists(lines_of_anything, max_size=8))
@settings(max_examples=150, deadline=None)
def test_every_line_stands_in_exactly_one_group_and_trusts_never_mix(lines: list[BilledLine]) -> None:
    expected = due(("ostfold", "2024-07-10", 140), ("innlandet", "2024-08-10", 15))
    groups = match(lines, expected, NAMES)
    assert sorted(map(id, lines)) == sorted(id(line) for group in groups for line in group.billed)
    assert sorted(line.id for line in expected) == sorted(line.id for group in groups for line in group.expected)
    for group in groups:
        for line in group.billed:
            if line.trust is not None:
                assert {other.trust for other in group.expected} <= {line.trust}


@pytest.mark.slow
def test_generated_sets_of_three_grains_are_matched() -> None:
    for (grain, how), found in matched(40_000, 12).items():
        assert found.f1 >= 0.97, (grain, how)
        assert found.across == 0, (grain, how)
