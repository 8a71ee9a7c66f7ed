"""The shell and every component, looked at in a real browser: accessible, within 360 pixels, within the content policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.component_pages import create_app

pytestmark = pytest.mark.browser

PAGES = ["/", "/skjema", "/skjema?feil=1", "/melding", "/feil/404", "/feil/500", "/logg-inn"]


@pytest.fixture(scope="module")
def live_app() -> Any:
    return create_app()


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_fits_a_phone_and_keeps_to_the_policy(
    page: Page,
    path: str,
    language: str,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
    csp_errors: Callable[[Page], list[str]],
) -> None:
    page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
    assert page.locator("html").get_attribute("lang") == language
    assert "lang=" not in page.url
    assert_accessible(page)
    assert_no_overflow(page)
    assert_accessible(page)
    assert csp_errors(page) == []


@pytest.mark.parametrize("menu", ["Endre dagens dato", "Kari Nordli"])
def test_an_open_menu_is_accessible_fits_a_phone_and_closes_by_escape(
    page: Page, menu: str, assert_accessible: Callable[[Page], None], assert_no_overflow: Callable[[Page], None]
) -> None:
    page.goto("/skjema")
    page.get_by_text(menu).click()
    panel = page.locator(".tv-menu[open] .tv-menu__panel")
    expect(panel).to_be_visible()
    assert_accessible(page)
    assert_no_overflow(page)
    panel.locator("button").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".tv-menu[open]")).to_have_count(0)
    expect(page.get_by_text(menu)).to_be_focused()


def test_a_click_beside_an_open_menu_closes_it(page: Page) -> None:
    page.goto("/skjema")
    page.get_by_text("Endre dagens dato").click()
    page.locator("h1").click()
    expect(page.locator(".tv-menu[open]")).to_have_count(0)


def test_a_chart_is_drawn_and_its_table_can_be_opened(page: Page) -> None:
    page.goto("/")
    figure = page.locator("#cost-by-quarter")
    expect(figure.locator("[data-drawn]")).to_be_visible()
    assert figure.locator(".bars .point path").count() >= 10
    expect(figure.get_by_role("table")).to_be_hidden()
    figure.get_by_text("Tallene som tabell").click()
    expect(figure.get_by_role("table")).to_be_visible()
    expect(figure.get_by_role("table")).to_contain_text("3 090 800,00")


def test_hovering_over_a_bar_says_what_the_formatter_wrote(page: Page) -> None:
    page.goto("/")
    page.locator("#cost-by-quarter [data-drawn]").wait_for()
    page.locator("#cost-by-quarter-chart").scroll_into_view_if_needed()
    bar = page.locator("#cost-by-quarter .bars .point").first.bounding_box()
    assert bar is not None
    page.mouse.move(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    expect(page.locator("#cost-by-quarter .hoverlayer")).to_contain_text("1 850 300,50 kr")


@pytest.mark.parametrize("path", PAGES)
def test_without_scripts_a_page_says_everything(browser: Browser, live_url: str, path: str) -> None:
    context = browser.new_context(base_url=live_url, java_script_enabled=False)
    page = context.new_page()
    page.goto(path)
    for table in page.locator("figure table").all():
        expect(table).to_be_visible()
    for chart in page.locator(".tv-chart").all():
        expect(chart).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()
    context.close()


def test_when_the_chart_library_does_not_load_the_table_opens(page: Page, observed: Any) -> None:
    page.route("**/plotly-basic*", lambda route: route.abort())
    page.goto("/")
    expect(page.locator("#cost-by-quarter table")).to_be_visible()
    expect(page.locator("#cost-by-quarter-chart")).to_be_hidden()


def test_the_first_stop_of_the_tab_key_leads_past_the_menus(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    expect(skip).to_have_text("Hopp til hovedinnhold")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_every_stop_of_the_tab_key_is_seen(page: Page) -> None:
    page.goto("/")
    page.locator("#cost-by-quarter [data-drawn]").wait_for()
    stops = 0
    for _ in range(60):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
                const at = document.activeElement;
                if (!at || at === document.body) return null;
                const style = getComputedStyle(at);
                const box = at.getBoundingClientRect();
                return [at.outerHTML.slice(0, 120), style.outlineStyle, parseFloat(style.outlineWidth), box.width * box.height];
            }"""
        )
        if seen is None:
            break
        stops += 1
        assert seen[1] != "none", f"no focus ring: {seen}"
        assert seen[2] >= 2, f"focus ring too thin: {seen}"
        assert seen[3] > 4, f"focus on something that cannot be seen: {seen}"
    assert 15 <= stops < 60


def test_errors_in_a_form_take_the_focus_and_lead_to_their_fields(page: Page) -> None:
    page.goto("/skjema?feil=1")
    assert page.title().startswith("Feil: ")
    expect(page.locator(".ds-error-summary")).to_be_focused()
    page.locator(".ds-error-summary a").first.click()
    expect(page.locator("#volume")).to_be_focused()
    assert page.locator("#volume").get_attribute("aria-describedby") == "volume-hint volume-error"
    assert page.locator("#volume").input_value() == "tolv"


def test_the_result_of_an_action_takes_the_focus(page: Page) -> None:
    page.goto("/melding")
    expect(page.get_by_role("status")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("Fakturaen er lagret.")


def test_figures_differ_between_languages_in_their_marks_only(page: Page) -> None:
    page.goto("/?lang=nb")
    norwegian = page.locator("#cost-by-quarter table tbody").text_content() or ""
    page.goto("/?lang=en")
    english = page.locator("#cost-by-quarter table tbody").text_content() or ""

    def digits(text: str) -> str:
        return "".join(character for character in text if character.isdigit())

    assert norwegian != english
    assert digits(norwegian) == digits(english)
