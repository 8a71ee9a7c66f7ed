"""Figures as they are told: under one id on each page, and the same in exports and the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.crawl.offered import Page
from tests.crawl.walking import figures_in, figures_of_rows
from tests.tokens import bearer

CONTROLLER = "ingrid.solbakken@eksempel.no"
MANAGER = "jonas.myrvold@eksempel.no"
READER = "randi.haugerud@eksempel.no"
YEAR, CHANGE = "year:2026", "change:2026,2027"


@pytest.fixture
def as_person(example_app: Flask) -> Callable[[str], FlaskClient]:
    def sign_in(email: str) -> FlaskClient:
        client = example_app.test_client()
        assert client.post("/logg-inn", data={"person": email}).status_code == 302
        return client

    return sign_in


def page(client: FlaskClient, address: str) -> Page:
    answer = client.get(address)
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    return Page(address, answer.get_data(as_text=True))


def test_a_budget_is_the_same_on_the_page_in_the_export_and_in_the_api(as_person: Callable[[str], FlaskClient]) -> None:
    client = as_person(CONTROLLER)
    told = dict(page(client, "/budsjett?aar=2026").figures)
    exported = dict(figures_of_rows(client.get("/budsjett.csv?aar=2026").get_data()))
    answered = dict(
        figures_in(client.get("/api/v1/budgets/course?year=2026", headers=bearer("finance_controller")).json)
    )
    by_centre = {id for id in told if id.startswith("budget:")}
    assert YEAR in told
    assert by_centre
    assert {id: told[id] for id in (YEAR, *by_centre)}.items() <= answered.items()
    assert exported.items() <= answered.items()
    for id in by_centre:
        months = [
            int(value) for month, value in exported.items() if month.startswith(id.removesuffix("2026")) and value
        ]
        assert sum(months) == int(told[id] or 0)


def test_a_trusts_year_is_the_same_for_itself_and_for_the_controller(as_person: Callable[[str], FlaskClient]) -> None:
    own = dict(page(as_person(READER), "/budsjett?aar=2026").figures)
    asked = dict(page(as_person(CONTROLLER), "/budsjett?aar=2026&hf=vestre-viken").figures)
    assert own[f"{YEAR},vestre-viken"] == asked[f"{YEAR},vestre-viken"]


def test_the_change_between_years_is_told_only_where_nothing_is_assumed(
    as_person: Callable[[str], FlaskClient],
) -> None:
    client = as_person(CONTROLLER)
    told = dict(page(client, "/prognoser/drivere?aar=2027").figures)
    by_trust = dict(figures_of_rows(client.get("/prognoser/drivere.csv?aar=2027").get_data()))
    assert CHANGE in told
    assert {f"{CHANGE},vestre-viken", f"{CHANGE},oslo"} <= by_trust.keys()
    assert CHANGE not in dict(page(client, "/prognoser/drivere?aar=2027&vekst=3").figures)


def test_the_ceiling_tells_what_is_left_committed_and_when_it_is_used_up(
    as_person: Callable[[str], FlaskClient],
) -> None:
    client = as_person(CONTROLLER)
    told = page(client, "/avtaler/ra-2024-ki/ramme").figures
    answered = client.get("/api/v1/agreements/ra-2024-ki/ceiling", headers=bearer("finance_controller")).json
    for id, field in (("headroom", "headroom"), ("committed", "committed")):
        assert {value for each, value in told if each == id} == {answered[field]["amount"].replace(".", "")}


def test_nobody_is_offered_a_dispute_who_may_not_open_one(as_person: Callable[[str], FlaskClient]) -> None:
    offered = {
        person: [form.action for form in page(as_person(person), "/avstemming/2026-Q3").forms]
        for person in (CONTROLLER, MANAGER)
    }
    assert "/avstemming/2026-Q3/reklamasjon/ny" in offered[CONTROLLER]
    assert "/avstemming/2026-Q3/reklamasjon/ny" not in offered[MANAGER]


@pytest.mark.parametrize("person", [CONTROLLER, READER])
def test_the_catalogue_leads_to_a_what_if_with_the_algorithm_chosen(
    as_person: Callable[[str], FlaskClient], person: str
) -> None:
    client = as_person(person)
    offered = [each for each in page(client, "/katalog/ct-lung-nodules").links if each.startswith("/prognoser/hva-om")]
    assert offered == ["/prognoser/hva-om?alg=ct-lung-nodules"]
    chosen = [
        each.value
        for form in page(client, f"{offered[0]}&hf=vestre-viken").forms
        for each in form.fields
        if each.name == "alg"
    ]
    assert chosen == ["ct-lung-nodules"]
