"""Several agreements as one house: pages that are about none answer, and the chosen one stays through the menu."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import examples
from tests.conftest import sign_in
from tests.recorded import record_agreement


@pytest.fixture
def reader(app: Flask) -> FlaskClient:
    """A contract manager before two agreements."""
    record_agreement()
    record_agreement(examples.agreement(code="ra-other"))
    return sign_in(app, "contract_manager")


@pytest.mark.parametrize("address", ["/frister", "/kalender", "/indeksverdier"])
def test_pages_about_no_single_agreement_answer_with_and_without_one(reader: FlaskClient, address: str) -> None:
    assert reader.get(address).status_code == 200
    assert reader.get(address, query_string={"agreement": "ra-other"}, follow_redirects=True).status_code == 200


def test_the_deadlines_of_all_agreements_stand_on_one_page(reader: FlaskClient) -> None:
    page = reader.get("/frister").text
    assert {"/avtaler/ra-test/frister", "/avtaler/ra-other/frister"} <= set(re.findall(r'href="([^"]+)"', page))


@pytest.mark.parametrize(
    "address", ["/avtaler/ra-other/frister", "/frister?agreement=ra-other", "/kalender?agreement=ra-other"]
)
def test_the_chosen_agreement_stays_through_the_menu(reader: FlaskClient, address: str) -> None:
    page = reader.get(address, follow_redirects=True)
    menu = re.findall(r"<nav.*?</nav>", page.text, re.S)
    links = [one for part in menu for one in re.findall(r'href="(/[^"]*)"', part)]
    kept = [one for one in links if "agreement=ra-other" in one]
    assert kept
    for one in kept:
        assert reader.get(one.replace("&amp;", "&"), follow_redirects=True).status_code == 200, one


def test_with_one_agreement_no_link_names_it(app: Flask) -> None:
    record_agreement()
    page = sign_in(app, "contract_manager").get("/avtaler/ra-test/frister").text
    assert "agreement=ra-test" not in page


@pytest.mark.parametrize(
    "address",
    [
        "/avtaler/ra-other/prislister",
        "/avtaler/ra-other/frister",
        "/avtaler/ra-other/endringer",
        "/avtaler/ra-other/indeks",
        "/volum?agreement=ra-other",
        "/kostnader?agreement=ra-other",
    ],
)
def test_a_trust_reads_nothing_of_an_agreement_it_is_no_party_to(app: Flask, address: str) -> None:
    record_agreement()
    record_agreement(examples.agreement(code="ra-other", trusts=("vestre-viken", "sykehuset-ostfold")))
    assert sign_in(app, "contract_manager").get(address, follow_redirects=True).status_code == 200
    requester = sign_in(app, "trust_requester", "akershus")
    assert requester.get(address, follow_redirects=True).status_code == 404
    assert "ra-other" not in requester.get("/frister", follow_redirects=True).text
    assert sign_in(app, "trust_requester", "vestre-viken", 2).get("/avtaler/ra-other/frister").status_code == 200
