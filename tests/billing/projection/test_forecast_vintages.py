"""A forecast is frozen once, never changes, and is scored by what is counted afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, update
from sqlalchemy.exc import DatabaseError

from billing import jobs
from billing.ceiling.budgets import budget_course
from billing.charges.basis import gather
from billing.models import ForecastVintage
from billing.projection.bands import ENOUGH, Band, HorizonRecord, Outcomes, record_of
from billing.projection.kept_forecasts import Vintages, freeze, vintages, year_forecasts
from billing.quarters import closing as quarters
from billing.web.projection.band_record import worth
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.people.access import Actor, Grant
from contracts.terms.period import Period, add_months
from contracts.terms.working_days import working_days
from tests.recorded import record_agreement, record_usage

CONTROLLER = Actor("person:c", "C", (Grant("finance_controller"),))
FROZEN = datetime(2024, 4, 15, 8, tzinfo=UTC)
LATER = datetime(2024, 7, 5, 8, tzinfo=UTC)


def counts(months: range, first: int = 210, second: int = 126) -> bytes:
    rows = [
        f"{trust},xray-skeletal,2024-{month:02},{quantity}\n"
        for month in months
        for trust, quantity in (("vestre-viken", first), ("sykehuset-ostfold", second))
    ]
    return ("trust,algorithm,month,quantity\n" + "".join(rows)).encode()


def set_up() -> int:
    agreement_id = record_agreement()
    assert record_usage(agreement_id, counts(range(1, 4))).status == "imported"
    return agreement_id


def frozen(agreement_id: int, now: datetime = FROZEN, kind: Any = "month") -> int | None:
    with db.write() as session:
        made = freeze(session, agreement_id=agreement_id, kind=kind, recorded_by="scheduler", now=now, today=now.date())
        return None if made is None else made.id


def scored(agreement_id: int, actor: Actor = CONTROLLER, **more: Any) -> Vintages:
    with db.read() as session:
        return vintages(session, agreement_id=agreement_id, actor=actor, today=date(2024, 7, 5), **more)


def test_a_forecast_is_frozen_once_for_each_month_that_is_counted(app: Flask) -> None:
    agreement_id = set_up()
    assert frozen(agreement_id) is not None
    assert frozen(agreement_id) is None
    assert frozen(agreement_id, LATER) is None
    record_usage(agreement_id, counts(range(4, 5)), now=LATER)
    assert frozen(agreement_id, LATER) is not None
    assert [each.first_month.label() for each in scored(agreement_id).listed] == ["2024-05", "2024-04"]


def test_without_counts_nothing_is_frozen(app: Flask) -> None:
    assert frozen(record_agreement()) is None


def test_the_score_is_the_error_over_the_counts(app: Flask) -> None:
    agreement_id = set_up()
    frozen(agreement_id)
    (before,) = scored(agreement_id).listed
    assert (before.scored, before.wape, before.coverage, before.cost_error) == (0, None, None, None)
    # Twice as many as before: whatever the working days, the error is about half of what came.
    assert record_usage(agreement_id, counts(range(4, 6), 420, 252), now=LATER).status == "imported"
    (after,) = scored(agreement_id).listed
    rate = {trust: Decimal(quantity * 3) / 62 for trust, quantity in (("vv", 210), ("so", 126))}
    days = [len(working_days(Period.parse(month))) for month in ("2024-04", "2024-05")]
    expected = [
        sum(((each * number).quantize(Decimal("0.1")) for each in rate.values()), Decimal(0)) for number in days
    ]
    assert [one.expected for one in after.months[:2]] == expected
    assert [one.counted for one in after.months[:3]] == [672, 672, None]
    assert after.scored == 2
    error = (2 * 672 - sum(expected, Decimal(0))) / (2 * 672)
    assert after.wape == error.quantize(Decimal("0.0001"))
    assert after.cost_error is not None
    assert after.cost_error < 0
    assert after.sha256 == before.sha256


def test_right_forecasts_have_no_error_of_cost(app: Flask) -> None:
    agreement_id = set_up()
    frozen(agreement_id)
    (made,) = scored(agreement_id).listed
    whole = {one.month.label(): one.expected for one in made.months}
    with db.read() as session:
        course = budget_course(session, agreement_id=agreement_id, year=2024, actor=CONTROLLER, today=date(2024, 4, 15))
        told = year_forecasts(session, agreement_id=agreement_id, year=2024, scope=None)
    assert [one.cost for one in told] == [course.whole.expected]
    assert made.year_cost == course.whole.expected
    assert len(whole) == 12


def test_the_bands_of_cost_are_held_against_what_came(app: Flask) -> None:
    agreement_id = set_up()
    frozen(agreement_id)
    (before,) = scored(agreement_id).listed
    ends = {"month": "2024-04", "quarter": "2024-06", "year_end": "2024-12"}
    assert {band.horizon: f"{add_months(band.period.end, -1):%Y-%m}" for band in before.bands} == ends
    assert all(band.low < band.high and band.inside is None for band in before.bands)
    assert [(each.inside, each.of, each.enough) for each in scored(agreement_id).record] == [(0, 0, False)] * 3
    record_usage(agreement_id, counts(range(4, 5), 216, 130), now=LATER)
    record_usage(agreement_id, counts(range(5, 7), 2100, 1260), now=LATER)
    after = scored(agreement_id)
    month, quarter, year = after.listed[0].bands
    assert (month.inside, quarter.inside, year.inside) == (True, False, None)
    assert month.came == sum(one.actual_cost or 0 for one in after.listed[0].months[:1])
    assert quarter.came == sum(one.actual_cost or 0 for one in after.listed[0].months[:3])
    assert [(each.inside, each.of) for each in after.record] == [(1, 1), (0, 1), (0, 0)]


def test_what_is_activated_later_is_told_beside_the_record(app: Flask) -> None:
    agreement_id = set_up()
    record_usage(agreement_id, counts(range(4, 5)), now=LATER)
    with db.read() as session:
        outcomes = Outcomes(gather(session, agreement_id=agreement_id), date(2024, 5, 1), None)
    april = date(2024, 4, 1)
    both = outcomes.by_month(
        {"activations": [["vestre-viken", "xray-skeletal"], ["sykehuset-ostfold", "xray-skeletal"]]}
    )
    alone = outcomes.by_month({"activations": [["vestre-viken", "xray-skeletal"]]})
    assert both == outcomes.by_month({})
    assert 0 < alone[april] < both[april]


def test_a_period_told_twice_counts_once_and_a_short_record_is_not_enough() -> None:
    quarter = Period.parse("2024-Q2")
    band = Band("quarter", quarter, Decimal(1), Decimal(3), Decimal(2))
    outside = Band("quarter", Period.parse("2024-Q3"), Decimal(1), Decimal(3), Decimal(4))
    record = {each.horizon: each for each in record_of([(band,), (band, outside)])}
    assert (record["quarter"].inside, record["quarter"].of, record["quarter"].share) == (1, 2, Decimal("0.5000"))
    assert not record["quarter"].enough
    assert record["month"].share is None
    assert HorizonRecord("quarter", 8, ENOUGH).enough


@pytest.mark.parametrize(
    ("inside", "of", "said"),
    [(0, 0, "ikke kjent"), (2, 3, "2 av 3 tilfeller: for få"), (21, 27, "21 av 27 tilfeller.")],
    ids=["none", "too few", "enough"],
)
def test_a_band_is_told_with_what_its_record_is_worth(app: Flask, inside: int, of: int, said: str) -> None:
    with app.test_request_context("/"):
        assert said in worth([HorizonRecord("year_end", inside, of)])


def test_a_frozen_forecast_cannot_be_changed_or_removed(database: Flask) -> None:
    frozen(set_up())
    for statement in (update(ForecastVintage).values(method="another"), delete(ForecastVintage)):
        with pytest.raises(DatabaseError), db.write() as session:
            session.execute(statement)


def test_closing_a_quarter_freezes_a_forecast_in_the_same_transaction(app: Flask) -> None:
    agreement_id = set_up()
    with db.write() as session:
        quarters.close(
            session, agreement_id=agreement_id, quarter="2024-Q1", actor=CONTROLLER, now=FROZEN, today=FROZEN.date()
        )
        session.rollback()
    assert scored(agreement_id).listed == ()
    with db.write() as session:
        quarters.close(
            session, agreement_id=agreement_id, quarter="2024-Q1", actor=CONTROLLER, now=FROZEN, today=FROZEN.date()
        )
    assert [each.kind for each in scored(agreement_id).listed] == ["quarter_close"]


def test_the_scheduler_freezes_what_is_due(app: Flask) -> None:
    agreement_id = set_up()
    assert jobs.freeze_forecasts(FROZEN) == 1
    assert jobs.freeze_forecasts(FROZEN) == 0
    assert [each.kind for each in scored(agreement_id).listed] == ["month"]


def test_a_trust_is_told_its_own_part(app: Flask) -> None:
    agreement_id = set_up()
    frozen(agreement_id)
    reader = Actor("person:r", "R", (Grant("trust_reader", "vestre-viken"),))
    (own,), (whole,) = scored(agreement_id, reader).listed, scored(agreement_id).listed
    assert own.months[0].expected < whole.months[0].expected
    assert own.months == scored(agreement_id, trust="vestre-viken").listed[0].months
    with pytest.raises(NotFound):
        scored(agreement_id, reader, trust="sykehuset-ostfold")
    record_usage(agreement_id, counts(range(4, 6), 300, 77), now=LATER)
    (own,) = scored(agreement_id, reader).listed
    assert [one.counted for one in own.months[:3]] == [300, 300, None]


def test_page_file_and_api_tell_the_same(
    app: Flask, sign_in_as: Callable[..., FlaskClient], client: FlaskClient, token_for: Callable[..., dict[str, str]]
) -> None:
    agreement_id = set_up()
    number = frozen(agreement_id)
    record_usage(agreement_id, counts(range(4, 6)), now=LATER)
    told = client.get("/api/v1/projections/vintages", headers=token_for("auditor")).get_json()["items"]
    assert told[0]["wape"] == str(scored(agreement_id).listed[0].wape)
    controller = sign_in_as("finance_controller")
    assert controller.get(f"/prognoser/treff?nr={number}").status_code == 200
    assert controller.get("/prognoser/treff?nr=99").status_code == 404
    rows = controller.get("/prognoser/treff.csv").data.decode("utf-8-sig").splitlines()
    assert len(rows) == 1 + 12
