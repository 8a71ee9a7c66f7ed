"""What a reader within one trust is told of the others: no way of asking leads, by subtraction, to a single one of them."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from flask import Flask

from billing.charges import basis, charging
from billing.decisions import activation_costs
from billing.forecasting.daily_rates import Plan
from billing.projection import projection
from billing.projection.projection import MonthlyUsage, Scenario
from billing.projection.what_if import what_if
from billing.rating.lines import Line
from billing.reports.overview import dashboard
from billing.schemas.projections import dump_projection
from billing.usage import metering
from contracts import agreements
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.cost_figures import CostFigures
from contracts.terms.period import Period
from contracts.terms.price_book import Activation
from tests import examples
from tests.recorded import COUNTED, record_agreement, record_usage

OWN = "vestre-viken"
READER = Actor("person:r", "R", (Grant("trust_reader", OWN),))
NORTH = Actor("person:n", "N", (Grant("trust_reader", "nord-norge"),))
MARCH = Period.parse("2024-03")


def charges(period: Period, actor: Actor = READER, **more: Any) -> charging.Charges:
    with db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        return charging.expected_charges(session, agreement_id=agreement_id, period=period, actor=actor, **more)


def lines_of_all() -> tuple[Line, ...]:
    with db.read() as session:
        terms = basis.gather(session, agreement_id=agreements.find_agreement(session).id)
    return terms.rate(terms.agreement.term.period).lines


def subsets(months: list[Period]) -> Iterator[tuple[Period, ...]]:
    for size in range(1, len(months) + 1):
        yield from combinations(months, size)


@pytest.mark.parametrize("year", ["2024", "2025", "2026"])
def test_no_year_less_any_of_its_parts_is_what_one_other_trust_pays(example_app: Flask, year: str) -> None:
    whole = Period.parse(year)
    months = whole.months()
    ore: dict[Period, dict[str, int]] = {month: defaultdict(int) for month in months}
    for line in lines_of_all():
        if whole.contains(line.period.start) and line.trust not in (None, OWN):
            ore[Period.month(line.period.start)][line.trust or ""] += line.net_ore
    told = {month: int(100 * (charges(month).others or 0)) for month in months}
    for asked in (whole, *(Period.parse(f"{year}-Q{number}") for number in (1, 2, 3, 4))):
        inside = [month for month in months if asked.contains(month.start)]
        together = int(100 * (charges(asked).others or 0))
        for left_out in ((), *subsets(inside)):
            rest = [month for month in inside if month not in left_out]
            remainder = together - sum(told[month] for month in left_out)
            singles = {
                sum(ore[month].get(trust, 0) for month in rest)
                for trust in set().union(*(ore[month] for month in rest))
            }
            assert not remainder or remainder not in singles, (asked, rest)


def test_the_others_of_a_month_with_one_of_them_are_in_no_sum(example_app: Flask) -> None:
    january, year = Period.parse("2025-01"), Period.parse("2025")
    assert charges(january).others is None
    assert {line.trust for line in charges(january, COMMAND_LINE).lines} == {OWN, "akershus"}
    months = [charges(month).others for month in year.months()]
    assert charges(year).others == sum((amount for amount in months if amount is not None), Decimal(0))


def test_the_others_are_told_as_known_now_only(app: Flask) -> None:
    document = three_in_one_pool()
    agreement_id = record_agreement(document)
    record_usage(agreement_id, examples.USAGE_CSV + b"akershus,xray-skeletal,2024-01-21,10\n")
    with db.write() as session:
        metering.correct_usage(
            session,
            agreement_id=agreement_id,
            trust="akershus",
            algorithm="xray-skeletal",
            on=date(2024, 1, 21),
            change=-4,
            reason="counted twice",
            actor=COMMAND_LINE,
            now=COUNTED + timedelta(days=30),
        )
    quarter = Period.parse("2024-Q1")
    now = charges(quarter)
    assert now.others is not None
    assert now.positions[0].position == 100 + 201 + 6
    for moment in (COUNTED, COUNTED + timedelta(days=60)):
        earlier = charges(quarter, known_at=moment)
        assert earlier.others is None
        assert earlier.positions[0].position is None
        assert earlier.positions[0].next_tier_at is None
        assert earlier.lines
        assert charges(quarter, COMMAND_LINE, known_at=moment).positions[0].position is not None


def three_in_one_pool() -> dict[str, Any]:
    document = examples.agreement()
    document["activations"].append({**document["activations"][0], "trust": "akershus"})
    return document


POOLS = [
    pytest.param({}, [100, 100], id="nobody-else"),
    pytest.param({1: ["sykehuset-ostfold"]}, [None, None], id="one-other"),
    pytest.param({1: ["sykehuset-ostfold", "akershus"]}, [120, 120], id="two-others"),
    pytest.param({1: ["sykehuset-ostfold"], 2: ["akershus"]}, [None, 120], id="a-second-one-later"),
    pytest.param({1: ["sykehuset-ostfold", "akershus"], 2: ["akershus"]}, [120, None], id="one-goes-on-alone"),
]  # fmt: skip


@pytest.mark.parametrize(("months", "expected"), POOLS)
def test_the_pool_is_told_where_two_others_fed_it_since_it_was_told_last(
    app: Flask, months: dict[int, list[str]], expected: list[int | None]
) -> None:
    rows = ["trust,algorithm,date,quantity", f"{OWN},xray-skeletal,2024-01-10,100"]
    rows += [f"{trust},xray-skeletal,2024-0{month}-15,10" for month, trusts in months.items() for trust in trusts]
    agreement_id = record_agreement(three_in_one_pool())
    record_usage(agreement_id, ("\n".join(rows) + "\n").encode())
    found = [charges(Period.parse(f"2024-0{month}")).positions[0] for month in (1, 2)]
    assert [place.position for place in found] == expected
    whole = charges(Period.parse("2024-02"), COMMAND_LINE).positions[0]
    assert whole.position == 100 + 10 * sum(map(len, months.values()))


def test_a_package_share_of_nothing_still_feeds_the_pool(app: Flask) -> None:
    document = three_in_one_pool()
    charge = document["price_book"]["versions"][0]["charges"][0]
    del charge["tiers"]
    charge |= {"model": "package", "package_size": 1000, "package_price": "100.00"}
    agreement_id = record_agreement(document)
    record_usage(
        agreement_id,
        b"trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-01-10,100\nakershus,xray-skeletal,2024-02-15,10\n",
    )
    places = [charges(Period.parse(f"2024-0{month}")).positions[0].position for month in (1, 2)]
    assert places == [100, None]


def two_pools(ends: str | None) -> int:
    """Østfold alone in the X-ray pool from ``ends`` of Vestre Viken on, Akershus in another pool; Nord-Norge in none."""
    document = examples.agreement()
    charge = copy.deepcopy(document["price_book"]["versions"][0]["charges"][0])
    document["price_book"]["versions"][0]["charges"].append(charge | {"code": "embolism", "algorithms": ["ct-pe"]})
    document["activations"][0]["end"] = ends
    document["activations"].append(
        {**document["activations"][0], "trust": "akershus", "algorithm": "ct-pe", "end": None}
    )
    agreement_id = record_agreement(document)
    rows = b"vestre-viken,xray-skeletal,%s,100\nsykehuset-ostfold,xray-skeletal,%s,201\nakershus,ct-pe,%s,50\n"
    content = b"trust,algorithm,date,quantity\n"
    for day in (b"2024-01-10", b"2024-02-12"):
        content += rows % (day, day, day)
    record_usage(agreement_id, content)
    return agreement_id


@pytest.mark.parametrize(
    ("ends", "told"),
    [pytest.param("2024-03-01", False, id="one-other-in-the-pool"), pytest.param(None, True, id="two-others-in-it")],
)
def test_a_what_if_tells_the_others_where_two_of_them_are_in_the_pool_it_touches(
    app: Flask, ends: str | None, told: bool
) -> None:
    agreement_id = two_pools(ends)
    with db.read() as session:
        options: dict[str, Any] = {
            "agreement_id": agreement_id,
            "trust": "nord-norge",
            "algorithm": "xray-skeletal",
            "go_live": MARCH.start,
            "monthly_volume": 300,
            "adoption_months": 0,
            "today": MARCH.start,
            "as_of": MARCH.start,
        }
        within = what_if(session, actor=NORTH, **options)
        whole = what_if(session, actor=COMMAND_LINE, **options)
    assert whole.others is not None
    assert whole.others.total != 0
    assert (within.others is not None, within.framework is not None) == (told, told)
    assert {month.others is not None for month in within.months} == {told}
    assert within.own == whole.own
    if told:
        assert within.others == whole.others
        assert not within.partial


@pytest.mark.parametrize(
    ("ends", "told"),
    [pytest.param("2024-03-01", False, id="one-other-in-the-pool"), pytest.param(None, True, id="two-others-in-it")],
)
def test_a_draft_tells_within_the_trust_what_the_what_if_tells(app: Flask, ends: str | None, told: bool) -> None:
    agreement_id = two_pools(ends)
    with db.read() as session:
        within = what_if(
            session,
            agreement_id=agreement_id,
            trust="nord-norge",
            algorithm="xray-skeletal",
            go_live=MARCH.start,
            monthly_volume=300,
            adoption_months=0,
            today=MARCH.start,
            actor=NORTH,
        )
        plan = (agreement_id, "nord-norge", "xray-skeletal", MARCH.start, None, 300, MARCH.start)
        frozen = activation_costs.estimate(session, *plan)
    assert frozen.others != 0
    shown = CostFigures.from_written(frozen.to_written()).told("nord-norge")
    assert shown.own == within.own.total
    assert shown.others == (None if within.others is None else within.others.total)
    assert [each.others for each in shown.by_month] == [month.others for month in within.months]
    assert (shown.expected is None, shown.p90 is None, shown.partial_to is None) == (not told, not told, told)
    if not told:
        assert shown.first_year == within.own.first_year
    whole = frozen.told(None)
    assert (whole.others, whole.expected, whole.p90) == (frozen.others, frozen.expected, frozen.p90)


@pytest.mark.parametrize("planned", [False, True], ids=["as-it-is", "with-an-activation"])
@pytest.mark.parametrize("ends", ["2024-03-01", None], ids=["one-other", "two-others"])
def test_no_figure_of_a_projection_less_the_own_part_is_one_other_trusts(
    app: Flask, ends: str | None, planned: bool
) -> None:
    agreement_id = two_pools(ends)
    plans = (Plan(Activation("nord-norge", "xray-skeletal", MARCH.start), 300),) if planned else ()
    scenario = Scenario(Period(MARCH.start, date(2024, 6, 1)), MARCH.start, plans)
    with db.read() as session:
        result = projection.project(session, agreement_id=agreement_id, scenario=scenario, actor=NORTH)
    document = dump_projection(result, NORTH)
    own, *others = document["by_trust"]
    assert (own["trust"], bool(others)) == ("nord-norge", ends is None)
    assert Decimal(document["total"]["mean"]) == sum(Decimal(row["total"]["mean"]) for row in document["by_trust"])
    singles = {Decimal(0)}
    for lines in (result.lines, result.base):
        for trust in {"vestre-viken", "sykehuset-ostfold", "akershus"}:
            of_trust = [line for line in lines if line.trust == trust]
            for span in (scenario.period, *scenario.period.months()):
                singles.add(sum((line.net for line in of_trust if span.contains(line.period.start)), Decimal(0)))
    singles |= {course.total for trust, course in result.marginal_by_trust.items() if trust != "nord-norge"}
    own_course = {
        month: sum(
            (line.net for line in result.lines if line.trust == "nord-norge" and month.contains(line.period.start)),
            Decimal(0),
        )
        for month in scenario.period.months()
    }
    rests = {Decimal(month["mean"]) for month in document["without"]["months"]} | {
        Decimal(document["total"]["mean"]) - sum(own_course.values()),
        Decimal(document["marginal"]["total"]["mean"]) - sum(own_course.values()),
    }
    for kind in ("months", "marginal"):
        months = document[kind] if kind == "months" else document[kind]["months"]
        rests |= {Decimal(each["mean"]) - amount for each, amount in zip(months, own_course.values(), strict=True)}
    assert rests & (singles - {Decimal(0)}) == set()
    if ends is not None:
        assert rests == {Decimal(0)}, "one other in each pool: nothing but the own part is told"


def test_a_scenario_of_own_quantities_over_a_past_month_tells_nothing_of_the_only_other(example_app: Flask) -> None:
    scenario = Scenario(
        Period(date(2025, 1, 1), date(2025, 2, 1)),
        date(2025, 1, 1),
        usage=(MonthlyUsage(OWN, "xray-skeletal", Period.parse("2025-01"), 100),),
    )
    with db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        result = projection.project(session, agreement_id=agreement_id, scenario=scenario, actor=READER)
    document = dump_projection(result, READER)
    assert [row["trust"] for row in document["by_trust"]] == [OWN]
    assert document["total"] == document["by_trust"][0]["total"]


def test_the_front_page_tells_no_pool_that_one_other_feeds(example_app: Flask) -> None:
    with db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        early = datetime(2025, 3, 1, tzinfo=UTC)
        board = dashboard(session, agreement_id=agreement_id, actor=READER, today=date(2026, 10, 15))
        past = dashboard(session, agreement_id=agreement_id, actor=READER, today=date(2026, 10, 15), known_at=early)
    assert {place.standing.charge for place in board.places if not place.told} == set()
    pooled = [place for place in past.places if place.standing.trust is None]
    assert pooled
    assert [(place.standing.position, place.units_left) for place in pooled] == [(None, None)] * len(pooled)
    assert all(place.tier for place in pooled)


def test_the_page_of_an_amount_in_a_pool_with_one_other_shows_the_tier_and_no_count(example_app: Flask) -> None:
    line = next(
        each
        for each in lines_of_all()
        if (each.charge, each.trust, each.period.start) == ("xray-chest", OWN, date(2025, 4, 1))
    )
    client = example_app.test_client()
    client.post("/logg-inn", data={"person": "randi.haugerud@eksempel.no"})
    page = client.get(f"/forklaring/{line.id}?periode=2025-Q2").text
    assert "vises bare trinnet" in page
    assert "20 001" in page.replace("\u00a0", " ")
    assert "Talt før" not in page
    counter = client.get(f"/forklaring/{line.id}.json?periode=2025-Q2").get_json()["counter"]
    assert (counter["before"], counter["units"], counter["after"], counter["next_tier_at"]) == (
        None,
        None,
        None,
        20_001,
    )
    client.post("/logg-inn", data={"person": "ingrid.solbakken@eksempel.no"})
    assert client.get(f"/forklaring/{line.id}.json?periode=2025-Q2").get_json()["counter"]["before"] > 0


@pytest.mark.parametrize("address", ["/", f"/hf/{OWN}", "/kostnader?periode=2026-Q3"])
def test_a_page_as_known_earlier_shows_own_figures_and_nothing_of_the_others(example_app: Flask, address: str) -> None:
    client = example_app.test_client()
    client.post("/logg-inn", data={"person": "randi.haugerud@eksempel.no"})
    now, earlier = (
        client.get(f"{address}{mark}").text for mark in ("", f"{'&' if '?' in address else '?'}kjent=2026-10-14")
    )
    assert ("samlet:" in now) is (not address.startswith("/hf"))
    assert "De andre helseforetakene samlet" not in earlier
    if "periode" not in address:
        assert "vises ikke" in earlier
        assert "vises ikke" not in now
