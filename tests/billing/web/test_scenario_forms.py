"""The builder's fields and a scenario's document say the same, in both directions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from flask import Flask

from billing.schemas.projections import load_scenario
from billing.web.scenarios.forms import can_say, read_form, template_values, to_query

DOCUMENT: dict[str, Any] = {
    "from": "2026-10",
    "to": "2028-01",
    "draws": 500,
    "seed": 7,
    "growth": {"annual": "-0.025", "spread": "0.03"},
    "index": {"annual": "0.031", "spread": "0"},
    "end": "all_extensions",
    "noise": None,
    "activations": [
        {"trust": "oslo", "algorithm": "ct-pe", "go_live": "2027-03-01", "monthly_volume": 80, "adoption_months": 6},
        {
            "trust": "akershus",
            "algorithm": "ct-pe",
            "go_live_between": ["2027-01", "2027-06"],
            "monthly_volume": 90,
            "adoption_months": 0,
        },
    ],
    "base": {"price_draft": 3, "scope": "trust", "model": "volume", "ramp_units": False},
}


@pytest.fixture(autouse=True)
def _request(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        yield


def test_a_document_comes_back_from_the_address_it_is_written_as() -> None:
    form = read_form(to_query(DOCUMENT, "A name"), trust=None)
    assert form.errors == []
    assert form.document == DOCUMENT
    assert form.values["navn"] == "A name"


def test_within_a_trust_every_activation_is_its_own() -> None:
    form = read_form(to_query(DOCUMENT), trust="oslo")
    assert {each["trust"] for each in form.document["activations"]} == {"oslo"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, True),
        ({"usage": []}, False),
        ({"noise": {"trust": "0.05", "algorithm": "0", "common": "0", "rho": "0"}}, False),
        ({"noise": {"trust": "0", "algorithm": "0", "common": "0", "rho": "0"}}, True),
        ({"activations": [DOCUMENT["activations"][0] | {"end": "2027-09-01"}]}, False),
        ({"activations": [DOCUMENT["activations"][0] | {"go_live": "2027-03-09"}]}, False),
        ({"activations": [DOCUMENT["activations"][0]] * 13}, False),
    ],
    ids=["all of it", "usage", "noise", "no noise", "an end", "inside a month", "too many"],
)
def test_what_the_builder_cannot_say_is_not_offered_for_change(change: dict[str, Any], said: bool) -> None:
    assert can_say(DOCUMENT | change) is said


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"antall1": "many"}, "antall1"),
        ({"start1": "2027-13"}, "start1"),
        ({"start1": "2027-01/2027-03/2027-05"}, "start1"),
        ({"alg1": ""}, "alg1"),
        ({"vekst": "1e3"}, "vekst"),
        ({"vekst": "0,125"}, "vekst"),
        ({"indeksspredning": "-1"}, "indeksspredning"),
        ({"trekk": "0"}, "trekk"),
        ({"rader": "13"}, "rader"),
    ],
    ids=lambda value: str(value),
)
def test_an_error_stands_at_its_field(values: dict[str, str], field: str) -> None:
    form = read_form(to_query(DOCUMENT) | values, trust=None)
    assert field in [place for place, _ in form.errors]


@pytest.mark.parametrize("kind", ["drift", "en", "alle"])
def test_a_template_is_a_scenario_whose_activations_start_before_the_agreement_ends(kind: str) -> None:
    end = date(2028, 1, 1)
    trusts = [f"trust-{number}" for number in range(9)]
    values = template_values(
        kind, first=date(2026, 10, 1), end=end, trusts=trusts, running={"trust-3": {"a"}}, products=["a", "b"]
    )
    form = read_form(values, trust=None)
    assert form.errors == []
    scenario = load_scenario(form.document, as_of=date(2026, 10, 1))
    assert len(scenario.plans) == {"drift": 0, "en": 1, "alle": 9}[kind]
    assert all(plan.activation.go_live < end for plan in scenario.plans)


def test_where_everything_runs_already_the_template_of_one_activation_is_an_empty_row() -> None:
    values = template_values(
        "en",
        first=date(2026, 10, 1),
        end=date(2028, 1, 1),
        trusts=["oslo"],
        running={"oslo": {"ct-pe"}},
        products=["ct-pe"],
    )
    form = read_form(values, trust=None)
    assert not form.errors
    assert not form.document.get("activations")
