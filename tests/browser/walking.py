"""Walk through pages of the example as the people of the example."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from playwright.sync_api import Page, expect

CONTROLLER = "ingrid.solbakken@eksempel.no"
READER = "randi.haugerud@eksempel.no"


def sign_in(page: Page, email: str, language: str = "nb") -> None:
    """Sign in by the first page's button, in a language, whoever was signed in before."""
    page.context.clear_cookies()
    page.goto(f"/logg-inn?lang={language}")
    page.locator(f'button[value="{email}"]').click()
    expect(page.locator("nav.tv-nav")).to_be_visible()


def open_from_more(page: Page, name: str) -> None:
    """Choose an entry of the navigation that stands behind "More"."""
    page.locator("nav.tv-nav summary").click()
    page.locator("nav.tv-nav").get_by_role("link", name=name, exact=True).click()


def walk(page: Page, stops: Iterable[tuple[str, str]], language: str, *checks: Callable[[Page], None]) -> None:
    """Open each (person, address) in turn, signed in as that person, and hold every check against it."""
    person = None
    for wanted, address in stops:
        if wanted != person:
            sign_in(page, wanted, language)
            person = wanted
        page.goto(address)
        for check in checks:
            check(page)
