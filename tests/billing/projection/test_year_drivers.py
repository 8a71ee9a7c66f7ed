"""The steps from one year to the next sum to the difference to the øre, each trust's steps to those of all."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.charges import charging
from billing.forecasting.daily_rates import Plan
from billing.forecasting.drivers import DRIVERS
from billing.projection.year_drivers import YearDrivers, year_drivers
from billing.quarters import corrections
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.money import kroner
from contracts.terms.period import Period
from contracts.terms.price_book import Activation
from tests.recorded import record_agreement, record_usage

AS_OF = date(2024, 10, 1)
CONTROLLER = Actor("person:c", "C", (Grant("finance_controller"),))


def counts(*months: tuple[int, int], first: int = 210, second: int = 126) -> bytes:
    rows = [
        f"{trust},xray-skeletal,{year}-{month:02},{quantity}\n"
        for year, month in months
        for trust, quantity in (("vestre-viken", first), ("sykehuset-ostfold", second))
    ]
    return ("trust,algorithm,month,quantity\n" + "".join(rows)).encode()


def recorded(content: bytes | None = None) -> int:
    agreement_id = record_agreement()
    content = content or counts(*((2024, month) for month in range(1, 10)))
    assert record_usage(agreement_id, content, now=datetime(2025, 1, 3, 9, tzinfo=UTC)).status == "imported"
    return agreement_id


def asked(
    agreement_id: int, year: int = 2025, as_of: date = AS_OF, actor: Actor = CONTROLLER, **more: Any
) -> YearDrivers:
    with db.read() as session:
        return year_drivers(session, agreement_id=agreement_id, year=year, as_of=as_of, actor=actor, **more)


def sums(found: YearDrivers) -> None:
    """Check that the steps lead from the one year to the other, and that the trusts' steps are the steps."""
    steps = found.drivers
    assert steps.last_ore + sum(steps.amounts_ore.values()) == steps.next_ore
    for driver in DRIVERS:
        assert sum(each.drivers.amounts_ore[driver] for each in found.by_trust) == steps.amounts_ore[driver]
    assert sum(each.drivers.next_ore for each in found.by_trust) == steps.next_ore


def test_the_last_year_is_what_is_charged_for_it(app: Flask) -> None:
    agreement_id = recorded(counts(*((2024, month) for month in range(1, 13))))
    found = asked(agreement_id, as_of=date(2025, 1, 1))
    with db.read() as session:
        charges = charging.expected_charges(
            session, agreement_id=agreement_id, period=Period.parse("2024"), actor=CONTROLLER
        )
    assert kroner(found.drivers.last_ore) == charges.total
    assert found.examinations[0] == 12 * (210 + 126)
    sums(found)


@given(
    growth=st.decimals("-0.5", "0.9", places=4),
    index=st.decimals("-0.2", "0.2", places=4),
    planned=st.integers(0, 900),
)
@settings(max_examples=15, deadline=None)
def test_the_steps_sum_exactly_whatever_is_assumed(growth: Decimal, index: Decimal, planned: int) -> None:
    agreement_id = _AGREEMENT["id"]
    plan = Plan(Activation("akershus", "xray-skeletal", date(2025, 3, 1)), planned)
    found = asked(agreement_id, annual_growth=growth, annual_index=index, plans=(plan,))
    sums(found)


_AGREEMENT: dict[str, int] = {}


@pytest.fixture(autouse=True)
def _shared(request: pytest.FixtureRequest) -> None:
    """Record the agreement once for the property, which hypothesis asks many times of one database."""
    if request.node.name.startswith("test_the_steps_sum_exactly"):
        request.getfixturevalue("app")
        _AGREEMENT["id"] = recorded()


def test_an_index_adjustment_is_its_own_step_and_moves_no_other(app: Flask) -> None:
    agreement_id = recorded()
    plain, indexed = (asked(agreement_id, 2026, annual_index=Decimal(index)) for index in ("0", "0.03"))
    assert indexed.drivers.amounts_ore["index"] > plain.drivers.amounts_ore["index"]
    others = [driver for driver in DRIVERS if driver != "index"]
    assert [indexed.drivers.amounts_ore[each] for each in others] == [
        plain.drivers.amounts_ore[each] for each in others
    ]


def test_growth_is_volume_and_a_new_activation_is_an_activation(app: Flask) -> None:
    agreement_id = recorded()
    plan = Plan(Activation("akershus", "xray-skeletal", date(2025, 3, 1)), 100)
    plain, grown = asked(agreement_id), asked(agreement_id, annual_growth=Decimal("0.10"))
    assert grown.drivers.amounts_ore["volume"] > plain.drivers.amounts_ore["volume"]
    planned = asked(agreement_id, plans=(plan,))
    assert plain.drivers.amounts_ore["activations"] == 0 < planned.drivers.amounts_ore["activations"]
    (own,) = (each for each in planned.by_trust if each.trust == "akershus")
    assert own.drivers.last_ore == 0
    amounts = own.drivers.amounts_ore
    assert amounts["activations"] + amounts["index"] == own.drivers.next_ore


def test_a_correction_counts_in_the_year_it_was_recorded_in(app: Flask) -> None:
    agreement_id = recorded(counts(*((2024, month) for month in range(1, 13))))
    before = asked(agreement_id, as_of=date(2025, 1, 1))
    with db.write() as session:
        made = corrections.record_correction(
            session,
            agreement_id=agreement_id,
            trust="vestre-viken",
            algorithm="xray-skeletal",
            on=date(2024, 11, 4),
            change=-7,
            reason_code="counted_twice",
            reason="Talt to ganger.",
            actor=CONTROLLER,
            now=datetime(2025, 2, 3, 9, tzinfo=UTC),
        )
    after = asked(agreement_id, as_of=date(2025, 1, 1))
    assert made.effect < 0
    assert after.drivers.amounts()["corrections"] == made.effect
    assert after.drivers.last_ore == before.drivers.last_ore
    assert after.examinations[0] == before.examinations[0]
    sums(after)


def test_a_trust_is_told_its_own_steps_and_nobody_elses(app: Flask) -> None:
    agreement_id = recorded()
    reader = Actor("person:r", "R", (Grant("trust_reader", "vestre-viken"),))
    found = asked(agreement_id, actor=reader)
    assert [each.trust for each in found.by_trust] == ["vestre-viken"]
    (own,) = (each for each in asked(agreement_id).by_trust if each.trust == "vestre-viken")
    assert found.drivers == own.drivers
    with pytest.raises(NotFound):
        asked(agreement_id, actor=reader, trust="sykehuset-ostfold")


@pytest.mark.parametrize("year", [1999, 2024, 2999], ids=["no year", "none before it", "long after"])
def test_a_year_that_cannot_be_explained_is_refused(app: Flask, year: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        asked(recorded(), year=year)
    assert [error.pointer for error in refused.value.errors] == ["#/year"]


def test_page_file_api_and_command_tell_the_same(
    app: Flask, sign_in_as: Callable[..., FlaskClient], token_for: Callable[..., dict[str, str]], client: FlaskClient
) -> None:
    agreement_id = recorded()
    found = asked(agreement_id, annual_index=Decimal("0.03"))
    address = "/api/v1/projections/drivers?year=2025&as_of=2024-10-01&index=0.03"
    answer = client.get(address, headers=token_for("auditor"))
    assert answer.status_code == 200
    told = answer.get_json()
    assert {step["driver"]: Decimal(step["amount"]) for step in told["steps"]} == found.drivers.amounts()
    assert Decimal(told["next"]) == kroner(found.drivers.next_ore)
    printed = app.test_cli_runner().invoke(args=["forecast", "drivers", "--year", "2025", "--index", "0.03", "--json"])
    assert printed.exit_code == 0, printed.output
    assert json.loads(printed.stdout)["steps"] == told["steps"]
    controller = sign_in_as("finance_controller")
    page = controller.get("/prognoser/drivere?aar=2025&indeks=3")
    assert page.status_code == 200
    rows = controller.get("/prognoser/drivere.csv?aar=2025&indeks=3").data.decode("utf-8-sig").splitlines()
    assert len(rows) == 1 + len(found.by_trust)
    assert controller.get("/prognoser/drivere?aar=2025&indeks=x").status_code == 422
    assert controller.get("/prognoser/drivere?aar=1999").status_code == 422
    assert client.get("/api/v1/projections/drivers", headers=token_for("admin")).status_code == 403


def test_without_counts_there_is_nothing_to_explain(app: Flask) -> None:
    found = asked(record_agreement(), actor=COMMAND_LINE)
    assert found.drivers.next_ore == found.drivers.last_ore == 0
    assert found.data_until is None
