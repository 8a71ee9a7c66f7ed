"""The shell: languages by address, navigation by what exists, static files by their content, errors that tell no secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, abort, render_template_string
from flask.testing import FlaskClient

from contracts.web import formatting, i18n, layout, security_headers

PAGE = """{% extends "layout/base.html" %}
{% import "components.html" as ui with context %}
{% set title = "Agreement" %}
{% block content %}{{ 1234 | qty }}|{{ "0.5" | pct_short }}|{{ none | day }}|{{ ui.money(-5) }}
{{ ui.data_table("Facts", [{"label": "Trust"}, {"label": "Amount", "numeric": true, "unit": "kr"}],
                 [["<b>A</b>", "1"], ["B", none]], foot=["Sum", "1"]) }}
{{ ui.data_table("None", [{"label": "Trust"}], []) }}{% endblock %}"""


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.secret_key = "test"
    layout.register(app)
    i18n.register(app)
    formatting.register(app)
    security_headers.register(app)

    @app.get("/", endpoint="front")
    @app.get("/avtaler/<name>", endpoint="agreement")
    @app.get("/avtaler", endpoint="agreements")
    def page(name: str = "") -> str:
        return render_template_string(PAGE)

    @app.get("/feil", endpoint="wrong")
    def wrong() -> Any:
        return render_template_string(PAGE, errors=[("volume", "Write a number")]), 422

    @app.get("/forbudt")
    def forbidden() -> Any:
        abort(403)

    app.register_error_handler(403, layout.http_error_page)
    layout.add_nav(app, 30, i18n.N_("Options"), "not.there")
    layout.add_nav(app, 20, i18n.N_("Agreement"), "agreements")
    layout.add_nav(app, 10, i18n.N_("Overview"), "front")
    layout.add_nav(app, 40, i18n.N_("Forecasts"), "front", visible=lambda: False)
    return app


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as client:
        yield client


def links(html: str) -> list[tuple[str, str]]:
    nav = re.search(r'<nav class="tv-nav".*?</nav>', html, re.DOTALL)
    assert nav
    return re.findall(r'<a href="[^"]*"(?: aria-current="(\w+)")?>(\w+)</a>', nav[0])


def test_bokmal_is_the_default_and_the_choice_of_english_stays(client: FlaskClient) -> None:
    assert '<html lang="nb"' in client.get("/").text
    chosen = client.get("/avtaler?per=2026-09-30&lang=en&hf=a&hf=b")
    assert chosen.status_code == 303
    assert chosen.location == "/avtaler?per=2026-09-30&hf=a&hf=b"
    assert "SameSite=Lax" in chosen.headers["Set-Cookie"]
    assert "HttpOnly" in chosen.headers["Set-Cookie"]
    assert '<html lang="en"' in client.get("/").text


def test_an_unknown_language_is_refused_and_an_old_cookie_of_one_is_ignored(client: FlaskClient) -> None:
    assert client.get("/?lang=de").status_code == 400
    client.set_cookie("lang", "de")
    assert '<html lang="nb"' in client.get("/").text


def test_the_language_switch_never_leads_to_another_host(client: FlaskClient) -> None:
    answer = client.get("//evil.example/x?lang=en")
    assert not answer.headers.get("Location", "").startswith("//")


def test_a_constant_in_a_template_is_written_in_each_readers_language(client: FlaskClient) -> None:
    assert "1\u00a0234|50\u00a0%|mangler" in client.get("/").text
    client.get("/?lang=en")
    assert "1,234|50%|missing" in client.get("/").text
    client.get("/?lang=nb")
    assert "1\u00a0234|50\u00a0%|mangler" in client.get("/").text


def test_the_navigation_has_the_pages_that_exist_in_order_and_marks_where_one_is(client: FlaskClient) -> None:
    assert links(client.get("/").text) == [("page", "Oversikt"), ("", "Avtale")]
    assert links(client.get("/avtaler").text) == [("", "Oversikt"), ("page", "Avtale")]
    assert links(client.get("/avtaler/RA-1").text) == [("", "Oversikt"), ("true", "Avtale")]


def test_entries_behind_more_stand_in_a_menu_of_their_own(app: Flask, client: FlaskClient) -> None:
    assert "<summary>Mer</summary>" not in client.get("/").text
    layout.add_nav(app, 15, i18n.N_("Jobs"), "agreements", more=True)
    html = client.get("/").text
    assert links(html) == [("page", "Oversikt"), ("", "Avtale"), ("", "Jobber")]
    assert html.index("<summary>Mer</summary>") < html.index(">Jobber</a>")


def test_the_navigation_is_hidden_from_who_is_not_signed_in(app: Flask) -> None:
    app.context_processor(lambda: {"current_user": SimpleNamespace(is_authenticated=False)})
    assert "tv-nav" not in app.test_client().get("/").text


def test_the_title_says_page_and_system_and_begins_with_error_when_there_is_one(client: FlaskClient) -> None:
    right = client.get("/").text
    assert "<title>Agreement – Trinnvis</title>" in right
    assert "Eksempeldata" not in right
    wrong = client.get("/feil").text
    assert "<title>Feil: Agreement – Trinnvis</title>" in wrong
    assert '<a class="ds-link" href="#volume">Write a number</a>' in wrong


def test_the_example_says_so_on_every_page_and_what_day_it_has(app: Flask) -> None:
    app.context_processor(lambda: {"example": SimpleNamespace(today=date(2026, 10, 15))})
    client = app.test_client()
    assert "Eksempeldata" in client.get("/").text
    assert "15.\u00a0oktober 2026" in client.get("/").text
    client.get("/?lang=en")
    assert "Example data" in client.get("/").text


def test_a_table_names_its_rows_and_columns_escapes_and_leaves_no_cell_empty(client: FlaskClient) -> None:
    html = client.get("/").text
    assert '<th scope="row">&lt;b&gt;A&lt;/b&gt;</th>' in html
    assert '<th scope="col" class="tv-num">Amount <span class="tv-unit">(kr)</span></th>' in html
    assert '<td class="tv-num">mangler</td>' in html
    assert re.search(r"<tfoot>\s*<tr>\s*<th scope=\"row\">Sum</th>", html)
    assert "Her er det ingenting å vise." in html
    assert '<span class="tv-num">−5,00\u00a0kr</span>' in html


def test_pages_have_no_inline_style_script_or_handler(client: FlaskClient) -> None:
    html = client.get("/").text
    assert "<style" not in html
    assert " style=" not in html
    assert not re.search(r"\son\w+=", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))


def test_static_files_are_kept_for_good_under_a_name_that_changes_with_their_content(client: FlaskClient) -> None:
    addresses = re.findall(r'(?:href|src|data-plotly)="(/assets/[^"]+)"', client.get("/").text)
    assert len(addresses) >= 9
    for address in addresses:
        assert re.search(r"\?v=[0-9a-f]{12}$|\.[0-9a-f]{12}\.\w+$", address), address
        answer = client.get(address, headers={"Accept-Encoding": "br"})
        assert answer.status_code == 200, f"{address}: run `npm ci` and `python -m contracts.web.assets`"
        assert "max-age=31536000" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if "plotly-basic" in address:
            assert answer.headers["Content-Encoding"] == "br"
            assert int(answer.headers["Content-Length"]) < 400_000
        answer.close()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 418, 503])
@pytest.mark.parametrize("language", ["nb", "en"])
def test_an_error_page_says_what_to_do_in_the_readers_language(app: Flask, status: int, language: str) -> None:
    with app.test_request_context("/", headers={"Cookie": f"lang={language}"}):
        html, code = layout.error_page(status, reference="abc123")
    assert code == status
    title, advice = layout.ERRORS.get(status, layout.ERRORS[400 if status < 500 else 500])
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", html)
    assert heading
    assert (heading[1] == title) == (language == "en")
    assert (advice in html) == (language == "en")
    assert "abc123" in html


def test_an_error_of_the_framework_is_shown_without_its_words(client: FlaskClient) -> None:
    answer = client.get("/forbudt")
    assert answer.status_code == 403
    assert "Du har ikke tilgang" in answer.text
    assert "permission" not in answer.text


def test_without_the_installed_files_a_page_still_answers(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(layout, "VENDOR", tmp_path)
    assert client.get("/").status_code == 200
