"""The page, the API and the command show the same charges, to the øre."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape

from flask import Flask

from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant

QUARTER = "2026-Q3"
LINE_LINK = re.compile(r'href="/forklaring/([0-9a-f]{16})[^"]*"[^>]*>(.*?)</a>', re.DOTALL)
TAGS = re.compile(r"<[^>]+>")


def amounts_on(page: str) -> dict[str, Decimal]:
    """Read each line's amount off a page in bokmål, by the id its link to the explanation names."""
    found = {}
    for line_id, text in LINE_LINK.findall(page):
        # A screen reader is told what the amount is of; the figure comes first.
        figure = re.match(r"[\s]*([−\d\s]+,\d\d)", unescape(TAGS.sub("", text)).replace("\xa0", " "))
        if figure:
            found[line_id] = Decimal(figure[1].replace(" ", "").replace("−", "-").replace(",", "."))
    return found


def test_page_api_and_command_show_the_same_charges(example_app: Flask) -> None:
    command = json.loads(example_app.test_cli_runner().invoke(args=["charges", QUARTER, "--json"]).stdout)
    with db.write() as session:
        issued = access.create_token(
            session, name="test", grant=Grant("auditor"), actor=COMMAND_LINE, now=datetime.now(UTC)
        )
        controller = next(one for one in access.example_people(session) if one.grants[0].role == "finance_controller")
    client = example_app.test_client()
    bearer = {"Authorization": f"Bearer {issued.bearer}"}
    api = client.get(f"/api/v1/charges?quarter={QUARTER}", headers=bearer).get_json()
    client.post("/logg-inn", data={"person": controller.email})
    page = client.get(f"/kostnader?periode={QUARTER}").get_data(as_text=True)

    assert api == command
    on_page = amounts_on(page)
    assert on_page == {line["id"]: Decimal(line["net"]) for line in command["lines"]}
    assert sum(on_page.values()) == Decimal(command["total"])
    shown_total = f"{Decimal(command['total']):,.2f}".replace(",", "\xa0").replace(".", ",")
    assert shown_total in unescape(page)
