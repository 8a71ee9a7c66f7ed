"""The front page says what is to be done today, by whom and by when, and every row leads to where it is done."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import sign_in

ROW = re.compile(r'<tr>\s*<th scope="row"[^>]*><a class="ds-link" href="([^"]+)">([^<]+)</a>(.*?)</tr>', re.S)


def today(client: FlaskClient, part: str) -> list[tuple[str, str, str]]:
    """Give address, sentence and the rest of each row of a table of today's section."""
    page = client.get("/").text
    _, _, table = page.partition(f'id="{part}"')
    return [(url, what, rest) for url, what, rest in ROW.findall(table.partition("</table>")[0])]


def test_the_controller_is_told_what_to_decide_how_much_hangs_on_it_and_until_when(example_app: Flask) -> None:
    client = sign_in(example_app, "finance_controller")
    rows = today(client, "today-own")
    (row,) = [each for each in rows if "differanser" in each[1]]
    assert row[0] == "/avstemming/2026-Q3"
    quarter = client.get(row[0]).text
    value = re.search(r'<data data-figure="undecided:2026-Q3" value="(\d+)"', row[2])
    assert value is not None
    assert f'data-figure="undecided:2026-Q3" value="{value[1]}"' in quarter
    assert "dager igjen" in row[2]
    assert len(rows) <= 6


@pytest.mark.parametrize(
    "role", ["finance_controller", "contract_manager", "approver", "auditor", "trust_reader", "trust_requester"]
)
def test_every_row_leads_to_a_page_that_its_reader_may_open(example_app: Flask, role: str) -> None:
    client = sign_in(example_app, role, "vestre-viken" if role.startswith("trust_") else None)
    for part in ("today-own", "today-others"):
        for url, what, _ in today(client, part):
            assert client.get(url, follow_redirects=True).status_code == 200, what


def test_who_may_not_do_a_thing_sees_it_wait_for_others(example_app: Flask) -> None:
    auditor = sign_in(example_app, "auditor")
    assert not [row for row in today(auditor, "today-own") if "differanser" in row[1]]
    assert [row for row in today(auditor, "today-others") if "differanser" in row[1]]


def test_as_known_on_an_earlier_day_nothing_is_to_be_done(example_app: Flask) -> None:
    assert 'id="today"' not in sign_in(example_app, "finance_controller").get("/?kjent=2026-07-15").text
