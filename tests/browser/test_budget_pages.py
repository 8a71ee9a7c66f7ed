"""Drivers, budgets, frozen forecasts and steps in a browser: accessible, on a phone too, and a budget recorded by its form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from tests.browser.conftest import NARROW, Look
from tests.browser.walking import sign_in

pytestmark = pytest.mark.browser

CONTROLLER = "ingrid.solbakken@eksempel.no"


@pytest.fixture(scope="module")
def live_app(example_copy: Flask) -> Any:
    """Look at the example."""
    return example_copy


ADDRESSES = [
    "/prognoser/drivere?aar=2026",
    "/prognoser/treff",
    "/budsjett",
    "/budsjett/ny?hf=oslo&aar=2026",
    "/volum/avvik",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_is_accessible_and_fits_a_phone(
    look: Look, address: str, assert_accessible: Callable[[Page], None], assert_no_overflow: Callable[[Page], None]
) -> None:
    page = look(CONTROLLER, address, "nb")
    assert_accessible(page)
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert_no_overflow(page)


def test_a_controller_revises_a_budget_and_sees_the_former_one(page: Page) -> None:
    sign_in(page, CONTROLLER)
    page.goto("/budsjett?aar=2027")
    page.get_by_role("link", name="4480").click()
    assert page.locator("#amount").input_value() == "850000,00"
    page.locator("#amount").fill("900 000")
    page.locator("#reference").fill("Styresak 1/2027")
    page.get_by_role("button", name="Registrer").click()
    page.wait_for_url("**/budsjett?aar=2027")
    rows = page.locator("table:has(#revision-table) tbody tr")
    assert "900" in rows.nth(0).inner_text()
    assert "gjelder" in rows.nth(0).inner_text()
    assert page.locator("table:has(#revision-table)").get_by_text("erstattet").count() == 1
