"""A real browser on a real server: what every browser test needs, and what it may not leave behind.

A test module says which application it looks at by a fixture `live_app`, of module or session scope, that returns a WSGI
application. `page` is a fresh browser page; when the test is over, a script error, a breach of the content policy or a
request to anywhere but the server fails it.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from waitress.server import create_server

from tests.browser.walking import sign_in
from tests.conftest import app_on

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NARROW = {"width": 360, "height": 800}
WIDE = {"width": 1360, "height": 900}


@pytest.fixture(scope="module")
def live_app() -> Any:
    """Return the application that the module's tests look at. Each module overrides this."""
    raise NotImplementedError("a browser test module defines its own fixture live_app")


@pytest.fixture(scope="module")
def example_copy(example_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An app on the module's own copy of the example, forms protected as in production."""
    with on_the_example(example_database, tmp_path_factory.mktemp("pages")) as made:
        yield made


@contextmanager
def on_the_example(example_database: Path, folder: Path) -> Iterator[Flask]:
    """Open a copy of the example in the one app that a run's tests share, forms protected as in production."""
    path = folder / "example.db"
    shutil.copyfile(example_database, path)
    with app_on(f"sqlite:///{path}", folder) as made:
        made.config["WTF_CSRF_ENABLED"] = True
        yield made


@pytest.fixture(scope="module")
def live_url(live_app: Any) -> Iterator[str]:
    """Serve the module's application on a free port of this machine and yield its address."""
    with serving(live_app) as address:
        yield address


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an application on a free port of this machine while the block runs, and give its address."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"

    def close_all() -> None:
        for dispatcher in list(server._map.values()):
            dispatcher.close()

    # Closed from inside its own loop: a socket closed under the loop would be an error in it.
    server.trigger.pull_trigger(close_all)
    thread.join(timeout=10)
    server.task_dispatcher.shutdown()


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright_driver: Playwright) -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert executable, "the browser tests need Chromium: install the system's package"
    browser = playwright_driver.chromium.launch(executable_path=executable, args=FLAGS)
    yield browser
    browser.close()


class Observed:
    """What a page said and asked for while a test looked at it."""

    def __init__(self, page: Page, home: str) -> None:
        self.console: list[str] = []
        self.script_errors: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.script_errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url, home))

    def _note(self, url: str, home: str) -> None:
        if not url.startswith((home, "data:", "blob:")):
            self.foreign.append(url)

    def forget(self) -> None:
        """Begin anew for another test."""
        for kept in (self.console, self.script_errors, self.foreign):
            kept.clear()

    @property
    def policy_breaches(self) -> list[str]:
        return [text for text in self.console if "Content Security Policy" in text]


Look = Callable[[str, str, str], Page]


class ReadingRoom:
    """A page on which people look at one thing after another, each signed in once in each language."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.observed = Observed(page, home)
        self._cookies: dict[tuple[str, str], list[Any]] = {}

    def look(self, email: str, address: str, language: str) -> Page:
        """Open an address as somebody in a language."""
        self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        if (email, language) not in self._cookies:
            sign_in(self.page, email, language)
            self._cookies[email, language] = list(self.page.context.cookies())
        self.page.context.clear_cookies()
        self.page.context.add_cookies(self._cookies[email, language])
        self.page.goto(address)
        return self.page


@pytest.fixture
def observed() -> dict[Page, Observed]:
    return {}


@pytest.fixture
def page(browser: Browser, live_url: str, observed: dict[Page, Observed]) -> Iterator[Page]:
    """Yield a fresh page, wide, in bokmål, whose relative addresses lead to the module's application."""
    context = browser.new_context(base_url=live_url, viewport=WIDE, locale="nb-NO", reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    seen = observed[page] = Observed(page, live_url)
    yield page
    context.close()
    assert seen.policy_breaches == []
    assert seen.script_errors == []
    assert seen.foreign == []


@pytest.fixture(scope="module")
def reading_room(browser: Browser, live_url: str) -> Iterator[ReadingRoom]:
    """The module's one page for tests that only look: what a browser keeps, and who has signed in, outlives a test."""
    context = browser.new_context(base_url=live_url, viewport=WIDE, locale="nb-NO", reduced_motion="reduce")  # type: ignore[arg-type]
    yield ReadingRoom(context.new_page(), live_url)
    context.close()


@pytest.fixture
def look(reading_room: ReadingRoom, observed: dict[Page, Observed]) -> Iterator[Look]:
    """Open an address, wide, as somebody in a language, and give the page. A test that acts or waits for one takes `page`."""
    seen = observed[reading_room.page] = reading_room.observed
    seen.forget()
    yield reading_room.look
    assert seen.policy_breaches == []
    assert seen.script_errors == []
    assert seen.foreign == []


@pytest.fixture
def csp_errors(observed: dict[Page, Observed]) -> Callable[[Page], list[str]]:
    """Return what the content policy refused on the page so far."""
    return lambda page: observed[page].policy_breaches


@pytest.fixture
def assert_accessible() -> Callable[[Page], None]:
    """Check the page with axe against WCAG 2.0, 2.1 and 2.2, A and AA, and the frame that every page must have.

    Contrast, half of what axe computes, is asked of the Norwegian page alone: both have the same elements and styles.
    """

    def check(page: Page) -> None:
        draw_charts(page)
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(Axe().axe_script)
        violations = page.evaluate(
            "options => axe.run(options).then(results => results.violations)",
            {
                "runOnly": WCAG,
                "resultTypes": ["violations"],
                "rules": {"color-contrast": {"enabled": page.locator("html").get_attribute("lang") == "nb"}},
            },
        )
        found = [f"{violation['id']}: {node['html'][:200]}" for violation in violations for node in violation["nodes"]]
        assert found == [], f"{page.url}: " + "\n".join(found)
        assert page.locator("h1").count() == 1, f"{page.url} has not exactly one h1"
        assert page.title().endswith("Trinnvis")
        assert page.locator("html").get_attribute("lang") in {"nb", "en"}
        assert page.get_by_text("Share chart").count() == 0

    return check


@pytest.fixture
def assert_no_overflow() -> Callable[[Page], None]:
    """Check that the page needs no sideways scrolling at a width of 360 pixels, and leave it wide again."""

    def check(page: Page) -> None:
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        draw_charts(page)
        beyond = page.evaluate(
            """() => {
                const width = document.documentElement.clientWidth;
                if (document.documentElement.scrollWidth <= width) return [];
                return [...document.querySelectorAll("body *")]
                    .filter((element) => element.getBoundingClientRect().right > width + 1)
                    .map((element) => element.outerHTML.slice(0, 120));
            }"""
        )
        scroll = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        assert scroll <= 0, f"{page.url} is {scroll} pixels too wide at 360: {beyond[:5]}"

    return check


def draw_charts(page: Page) -> None:
    """Wait until every chart on the page stands."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-chart]')].every((place) => place.dataset.drawn || place.hidden)"
    )
