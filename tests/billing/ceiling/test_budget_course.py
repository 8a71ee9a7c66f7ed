"""A year of budgets is held against what it costs: the parts sum to the charges, the months to the year, each reader sees own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from billing.ceiling.budgets import TERTIALS, Amounts, BudgetCourse, budget_course
from billing.charges import charging
from contracts import cost_centres
from contracts.cost_centres import Booking
from contracts.errors import Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.options import funding
from contracts.people.access import Actor, Grant
from contracts.terms.period import Period
from tests import desk, examples
from tests.billing.payments.test_allocation import with_fee
from tests.recorded import record_agreement, record_usage

NOW = datetime(2024, 4, 15, 8, tzinfo=UTC)
TODAY = date(2024, 4, 15)
CONTROLLER = Actor("person:c", "C", (Grant("finance_controller"),))
ZERO = Decimal("0.00")
COUNTS = ("trust,algorithm,month,quantity\n" + "".join(
    f"{trust},xray-skeletal,2024-0{month},{quantity}\n"
    for month in (1, 2, 3)
    for trust, quantity in (("vestre-viken", 210), ("sykehuset-ostfold", 126))
)).encode()  # fmt: skip


def set_up(document: dict[str, Any] | None = None) -> int:
    agreement_id = record_agreement(document or with_fee())
    assert record_usage(agreement_id, COUNTS).status == "imported"
    with db.write() as session:
        for number, trust in enumerate(examples.TRUSTS):
            cost_centres.add_cost_centre(
                session,
                agreement_id=agreement_id,
                trust=trust,
                algorithm=None,
                valid_from=date(2024, 1, 1),
                booking=Booking(f"44{number}0", "6790", "2960"),
                actor=CONTROLLER,
                now=NOW,
            )
    return agreement_id


def centre_of(trust: str) -> str:
    return f"44{list(examples.TRUSTS).index(trust)}0"


def budget(trust: str, amount: str, months: list[Decimal] | None = None, year: int = 2024) -> funding.Funding:
    with db.write() as session:
        return funding.set_budget(
            session,
            trust=trust,
            cost_centre=centre_of(trust),
            year=year,
            amount=Decimal(amount),
            approved_on=date(2023, 11, 20),
            reference="Styresak 12/2023",
            actor=CONTROLLER,
            now=NOW,
            months=months,
        )


def course(agreement_id: int, year: int = 2024, actor: Actor = CONTROLLER, **more: Any) -> BudgetCourse:
    with db.read() as session:
        return budget_course(session, agreement_id=agreement_id, year=year, actor=actor, today=TODAY, **more)


def test_what_is_actual_is_what_is_charged_for_the_months_with_counts(app: Flask) -> None:
    agreement_id = set_up()
    found = course(agreement_id)
    with db.read() as session:
        charges = charging.expected_charges(
            session, agreement_id=agreement_id, period=Period.parse("2024-Q1"), actor=CONTROLLER
        )
    assert found.whole.actual == charges.total
    assert found.actual_until == date(2024, 4, 1)
    assert all(one.forecast == ZERO and one.actual > 0 for one in found.months[:3])
    assert all(one.actual == ZERO and one.forecast > 0 for one in found.months[3:])
    assert found.whole.committed == ZERO


def test_what_is_approved_and_not_yet_running_is_committed_at_what_it_costs_when_it_comes(app: Flask) -> None:
    agreement_id = desk.open_desk(akershus="exercised")
    now = desk.NOW
    committed: dict[str, Decimal] = {}

    def year(session: Session, actor: Actor = CONTROLLER) -> BudgetCourse:
        return budget_course(session, agreement_id=agreement_id, year=2026, actor=actor, today=now.date())

    with db.write() as session:
        at_desk = desk.Desk(session, agreement_id)
        case_id = at_desk.prepared(monthly_quantity=200)
        committed["draft"] = year(session).whole.committed
        for event, who in (
            ("submit", desk.REQUESTER),
            ("approve", desk.APPROVER),
            ("order", desk.MANAGER),
            ("start_validation", desk.REQUESTER),
        ):
            at_desk.act(case_id, event, who)
            committed[event] = year(session).whole.committed
        found = year(session)
        elsewhere = Actor("person:r", "R", (Grant("trust_reader", desk.OTHER),))
        told_elsewhere = year(session, elsewhere)
        at_desk.act(case_id, "go_live", desk.REQUESTER, on=desk.START)
        committed["go_live"] = year(session).whole.committed
    counts = "".join(f"{desk.TRUST},{desk.ALGORITHM},2026-{month},200\n" for month in (11, 12))
    content = f"trust,algorithm,month,quantity\n{counts}".encode()
    assert record_usage(agreement_id, content, now=datetime(2027, 1, 4, 8, tzinfo=UTC)).status == "imported"
    with db.read() as session:
        charged = charging.expected_charges(
            session, agreement_id=agreement_id, period=Period.year(desk.START), actor=CONTROLLER
        ).total
        assert year(session).whole.committed == ZERO
    assert charged > 0
    assert committed == {
        "draft": ZERO, "submit": ZERO, "approve": charged, "order": charged, "start_validation": charged,
        "go_live": charged,
    }  # fmt: skip
    assert [month.committed > 0 for month in found.months] == [False] * 10 + [True] * 2
    assert (found.whole.actual, found.whole.forecast, found.planned) == (ZERO, ZERO, 1)
    assert (told_elsewhere.whole.committed, told_elsewhere.planned) == (ZERO, 0)


def test_months_tertials_and_cost_centres_each_sum_to_the_year(app: Flask) -> None:
    agreement_id = set_up()
    budget("vestre-viken", "50000.00")
    budget("sykehuset-ostfold", "100.01")
    found = course(agreement_id)
    for parts in (found.months, found.tertials, [centre.year for centre in found.centres]):
        assert Amounts.summed(parts) == found.whole
    for centre in found.centres:
        assert Amounts.summed(centre.months) == Amounts.summed(centre.tertials) == centre.year
    assert found.whole.budget == Decimal("50100.01")
    assert found.whole.left == Decimal("50100.01") - found.whole.expected
    assert [last - first for first, last in TERTIALS] == [3, 3, 3]


@pytest.mark.parametrize("factor", [Decimal(1), Decimal("1.2"), Decimal("0.1")], ids=["as it costs", "more", "less"])
def test_a_budget_without_months_has_fixed_fees_where_they_are_billed(app: Flask, factor: Decimal) -> None:
    document = with_fee()
    fee = document["price_book"]["versions"][0]["charges"][-1]
    fee |= {"every": "quarter", "amount": "30000.00", "per": "trust", "proration": "days"}
    agreement_id = set_up(document)
    cost = next(one for one in course(agreement_id).centres if one.trust == "vestre-viken").year.expected
    budget("vestre-viken", str((cost * factor).quantize(Decimal("0.01"))))
    months = next(one for one in course(agreement_id).centres if one.trust == "vestre-viken").months
    parts = [one.budget or ZERO for one in months]
    assert sum(parts) == (cost * factor).quantize(Decimal("0.01"))
    billed, others = (
        [parts[number] for number in (0, 3, 6, 9)],
        [parts[number] for number in (1, 2, 4, 5, 7, 8, 10, 11)],
    )
    assert min(billed) > max(others)
    assert max(billed) - min(billed) <= Decimal("0.02")
    if factor > 1:
        assert all(one.left is not None and one.left >= 0 for one in months if one.forecast)


def test_a_budget_is_spread_as_it_says_and_evenly_where_it_says_nothing(app: Flask) -> None:
    agreement_id = set_up()
    parts = [Decimal(number * 100) for number in range(12)]
    budget("vestre-viken", "6600.00", parts)
    budget("sykehuset-ostfold", "100.00")
    found = {centre.trust: centre for centre in course(agreement_id).centres}
    assert [one.budget for one in found["vestre-viken"].months] == parts
    assert [one.budget for one in found["vestre-viken"].tertials] == [Decimal(600), Decimal(2200), Decimal(3800)]
    assert [one.budget for one in found["sykehuset-ostfold"].months] == [Decimal("8.34")] * 4 + [Decimal("8.33")] * 8


@given(st.decimals("0", "99999999", places=2))
def test_an_even_spread_sums_to_the_amount_and_no_month_differs_by_more_than_an_ore(amount: Decimal) -> None:
    parts = funding.evenly(amount)
    assert len(parts) == 12
    assert sum(parts) == amount
    assert max(parts) - min(parts) <= Decimal("0.01")


def test_a_revision_counts_and_the_one_before_stays_readable(app: Flask) -> None:
    agreement_id = set_up()
    first = budget("vestre-viken", "50000.00")
    second = budget("vestre-viken", "60000.00", [Decimal(5000)] * 12)
    found = course(agreement_id)
    assert found.whole.budget == Decimal("60000.00")
    assert [(one.id, one.former) for one in found.revisions] == [(first.id, None), (second.id, first.id)]
    assert [one.phased for one in found.revisions] == [False, True]


@pytest.mark.parametrize(
    ("months", "code"),
    [
        ([Decimal(1)] * 11, "not_twelve"),
        ([Decimal(2)] * 11 + [Decimal(-10)], "not_twelve"),
        ([Decimal(1)] * 12, "do_not_sum"),
    ],
    ids=["eleven", "below zero", "another sum"],
)
def test_months_that_are_no_budget_are_refused(app: Flask, months: list[Decimal], code: str) -> None:
    set_up()
    with pytest.raises(InvalidInput) as refused:
        budget("vestre-viken", "13.00", months)
    assert [error.code for error in refused.value.errors] == [code]


def test_a_reader_within_one_trust_sees_that_trust_alone(app: Flask) -> None:
    agreement_id = set_up()
    budget("sykehuset-ostfold", "100.00")
    reader = Actor("person:r", "R", (Grant("trust_reader", "vestre-viken"),))
    found = course(agreement_id, actor=reader)
    assert [centre.trust for centre in found.centres] == ["vestre-viken"]
    assert found.revisions == ()
    (own,) = (centre for centre in course(agreement_id).centres if centre.trust == "vestre-viken")
    with db.read() as session:
        charges = charging.expected_charges(
            session, agreement_id=agreement_id, period=Period.parse("2024-Q1"), actor=reader
        )
    # The fee of the whole agreement is shared by what each pays: a share of it would tell what the others pay.
    assert found.whole.actual == charges.total < own.year.actual
    with pytest.raises(NotFound):
        course(agreement_id, actor=reader, trust="sykehuset-ostfold")


@pytest.mark.parametrize("year", [1999, 2023, 2099])
def test_a_year_outside_the_agreement_is_refused(app: Flask, year: int) -> None:
    with pytest.raises(InvalidInput):
        course(set_up(), year=year)


def test_only_a_finance_controller_sets_a_budget(app: Flask, sign_in_as: Callable[..., FlaskClient]) -> None:
    set_up()
    manager = Actor("person:m", "M", (Grant("contract_manager"),))
    with pytest.raises(Denied), db.write() as session:
        funding.set_budget(
            session, trust="vestre-viken", cost_centre="4400", year=2024, amount=ZERO, approved_on=TODAY, reference="x",
            actor=manager, now=NOW,
        )  # fmt: skip
    assert sign_in_as("contract_manager").get("/budsjett/ny").status_code == 403


def test_the_form_records_what_the_page_file_and_api_then_show(
    app: Flask, sign_in_as: Callable[..., FlaskClient], client: FlaskClient, token_for: Callable[..., dict[str, str]]
) -> None:
    agreement_id = set_up()
    controller = sign_in_as("finance_controller")
    typed = {"trust": "vestre-viken", "cost_centre": centre_of("vestre-viken"), "year": "2024", "amount": "12 000,00",
             "approved_on": "2023-11-20", "reference": "Styresak 12/2023", "months": "1000\n" * 12}  # fmt: skip
    assert controller.post("/budsjett/ny", data=typed | {"amount": "x"}).status_code == 422
    assert controller.post("/budsjett/ny", data=typed | {"months": "1000\n"}).status_code == 422
    assert controller.post("/budsjett/ny", data=typed | {"trust": "ukjent"}).status_code == 422
    assert controller.post("/budsjett/ny", data=typed).status_code == 303
    found = course(agreement_id)
    assert found.whole.budget == Decimal("12000.00")
    assert "12 000,00" in controller.get("/budsjett?aar=2024").text.replace("\u00a0", " ")
    rows = controller.get("/budsjett.csv?aar=2024").data.decode("utf-8-sig").splitlines()
    assert len(rows) == 1 + 12 * len(found.centres)
    told = client.get("/api/v1/budgets/course?year=2024", headers=token_for("auditor")).get_json()
    assert told["total"]["budget"] == "12000.00"
    assert told["total"]["expected"] == str(found.whole.expected)
    listed = client.get("/api/v1/budgets", headers=token_for("auditor")).get_json()["items"]
    assert listed[0]["months"] == ["1000.00"] * 12
    assert controller.get("/budsjett?aar=1999").status_code == 404
