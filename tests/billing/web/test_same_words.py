"""One thing is told in one way: what two pages, or two places of a page, say of the same paper is the same."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from lxml import html

from contracts.terms.workflow import CertificateFacts
from contracts.web.options.catalogue import certificate_state

ON = date(2026, 10, 15)
PAST = CertificateFacts("A", "IIa", date(2020, 1, 1), date(2026, 10, 14), False)
NEAR = CertificateFacts("B", "IIa", date(2021, 1, 1), date(2027, 3, 31), False)
FAR = CertificateFacts("C", "IIa", date(2021, 1, 1), date(2029, 3, 31), False)
COMING = CertificateFacts("D", "IIa", date(2026, 10, 16), date(2031, 3, 31), False)
RESEARCH = CertificateFacts("E", "IIa", date(2021, 1, 1), date(2031, 3, 31), True)


def signed_in(app: Flask, email: str) -> FlaskClient:
    client = app.test_client()
    client.get("/logg-inn?lang=en")
    client.post("/logg-inn", data={"person": email})
    return client


def page_of(client: FlaskClient, address: str) -> Any:
    return html.fromstring(client.get(address).data)


def rows_of(client: FlaskClient, address: str, table: str) -> list[list[str]]:
    page = page_of(client, address)
    rows = page.xpath(f"//table[caption/@id='{table}']//tbody/tr")
    return [[" ".join(cell.text_content().split()) for cell in row.xpath("./th|./td")] for row in rows]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ((), "None given"),
        ((PAST,), "Expired"),
        ((NEAR,), "Expires within a year"),
        ((NEAR, FAR), "Valid"),
        ((COMING,), "To come"),
        ((PAST, COMING), "Expired"),
        ((RESEARCH,), "For research only"),
        ((PAST, RESEARCH), "Expired"),
    ],
)
def test_a_product_stands_as_the_certificate_that_it_rests_on(
    app: Flask, held: tuple[CertificateFacts, ...], said: str
) -> None:
    with app.test_request_context(), force_locale("en"):
        assert certificate_state(held, ON)[0] == said


def test_a_certificate_stands_in_its_table_as_the_product_stands(example_app: Flask) -> None:
    reader = signed_in(example_app, "ingrid.solbakken@eksempel.no")
    assert [row[4] for row in rows_of(reader, "/katalog/ct-pe", "certificate-table")] == ["Expires within a year"]


def test_what_a_later_step_needs_is_due_later_wherever_the_waiting_case_is_shown(example_app: Flask) -> None:
    reader = signed_in(example_app, "ingrid.solbakken@eksempel.no")
    documents = {row[0]: row[1] for row in rows_of(reader, "/godkjenning/activation:3", "document-table")}
    assert documents["Signed call-off form"] == "Due later"
    case = page_of(reader, "/opsjoner/activation:3")
    item = page_of(reader, "/opsjoner/activation:3/dokument/call_off_form")
    told = " ".join(case.xpath("//main")[0].text_content().split())
    assert told.count("Due later") == 4
    assert "Missing" not in told
    assert "Due later" in item.xpath("//*[@id='standing']/..")[0].text_content()
