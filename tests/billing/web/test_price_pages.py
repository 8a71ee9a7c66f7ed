"""The life of a price book in the browser's terms: pages, forms without scripts, two persons, a workbook."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from billing.prices.review import require_told, review
from billing.web.prices import forms as price_forms
from contracts.errors import Conflict
from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from contracts.price_books import price_book, record_version
from contracts.prices import drafts as price_drafts
from contracts.terms.price_model import UsageCharge
from contracts.terms.price_models import Graduated

LISTS = "/avtaler/ra-2024-ki/prislister"
NEW = f"{LISTS}/kladd"


def signed_in(app: Flask, email: str) -> FlaskClient:
    client = app.test_client()
    assert client.post("/logg-inn", data={"person": email}).status_code == 302
    return client


@pytest.fixture
def manager(example_app: Flask) -> FlaskClient:
    """Jonas, who writes price lists."""
    return signed_in(example_app, "jonas.myrvold@eksempel.no")


@pytest.fixture
def approver(example_app: Flask) -> FlaskClient:
    """Solveig, who approves them."""
    return signed_in(example_app, "solveig.brekke@eksempel.no")


@pytest.fixture
def reader(example_app: Flask) -> FlaskClient:
    """Randi, who reads within one trust."""
    return signed_in(example_app, "randi.haugerud@eksempel.no")


def begin(client: FlaskClient, **form: str) -> str:
    answer = client.post(NEW, data={"gjelder_fra": "2027-01-01", "klausul": "Endringsavtale 2"} | form)
    assert answer.status_code == 302, answer.text
    return answer.location


def text_of(client: FlaskClient, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.text
    return re.sub(r"[\u00a0\s]+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def fields(client: FlaskClient, url: str) -> dict[str, Any]:
    """Give what a browser would send of the only large form on a page, without the buttons."""
    page = client.get(url).text
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name = re.search(r'name="([^"]*)"', tag)
        kind = (re.search(r'type="([^"]*)"', tag) or [None, "text"])[1]
        if (
            not name
            or name[1] in ("csrf_token", "day", "next")
            or (kind in ("radio", "checkbox") and "checked" not in tag)
        ):
            continue
        value = (re.search(r'value="([^"]*)"', tag) or [None, ""])[1]
        if kind == "checkbox":
            sent.setdefault(name[1], []).append(value)
        else:
            sent[name[1]] = value
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        sent[name] = chosen[1] if chosen else ""
    return sent


def test_the_versions_are_listed_with_what_is_in_force(manager: FlaskClient) -> None:
    page = text_of(manager, LISTS)
    assert "Versjon fra 01.01.2026" in page
    assert page.index("Gjeldende") < page.index("Erstattet")
    assert "1,031 fra 01.01.2025" in page


def test_a_volume_is_tried_in_both_readings(manager: FlaskClient) -> None:
    page = text_of(manager, f"{LISTS}/2026-01-01?prisledd=xray-skeletal&antall=80%20000")
    # 25 000 × 14,40 + 50 000 × 11,30 + 5 000 × 8,50; as volume 80 000 × 8,50
    assert "80 000 undersøkelser koster 967 500,00 kr" in page
    assert "680 000,00" in page
    assert "25 001" in page
    answer = manager.get(f"{LISTS}/2026-01-01?prisledd=xray-skeletal&antall=mange")
    assert answer.status_code == 422
    assert manager.get(f"{LISTS}/2026-01-01?antal=1").status_code == 400


def test_versions_are_compared_with_their_effect(manager: FlaskClient, reader: FlaskClient) -> None:
    page = text_of(manager, f"{LISTS}/2024-01-01..2026-01-01")
    assert "14,43" in page
    assert "Oslo universitetssykehus" in page
    own = text_of(reader, f"{LISTS}/2024-01-01..2026-01-01")
    assert "14,43" in own
    assert "Oslo universitetssykehus" not in own
    assert manager.get(f"{LISTS}/2026-01-01..2024-01-01").status_code == 404
    assert manager.get(f"{LISTS}/2025-01-01").status_code == 404


def test_a_price_list_comes_into_force_without_anybody_seeing_json(
    manager: FlaskClient, approver: FlaskClient, example_app: Flask
) -> None:
    draft = begin(manager)
    assert "Kladd" in text_of(manager, draft)
    # A price is changed, a tier added and another removed, by plain forms.
    url = f"{draft}/prisledd/1"
    sent = fields(manager, url)
    assert (sent["tier-0-unit_price"], sent["tier-2-up_to"], sent["tiers"]) == ("14,40", "150000", "4")
    more = manager.post(url, data={**sent, "action": "add-tier"})
    assert more.status_code == 200
    assert 'name="tier-4-unit_price" value="6,90"' in more.text
    assert 'name="tier-3-unit_price" value=""' in more.text
    saved = manager.post(url, data={**sent, "tier-0-unit_price": "13,90", "action": "save"})
    assert saved.status_code == 302
    page = text_of(manager, draft)
    assert "13,90" in page
    assert "mindre" in page
    # It is simulated, sent and approved by another person.
    assert "Sykehuset Innlandet" in text_of(manager, f"{draft}/simulering")
    assert "mindre" in text_of(manager, f"{draft}/send")
    assert manager.post(f"{draft}/godkjenning", data={"revision": "2", "action": "approve"}).status_code == 403
    assert manager.post(f"{draft}/send", data={"revision": "2", "comment": "Klar"}).status_code == 302
    assert "Hva det koster fram til avtalens slutt" in text_of(manager, f"{draft}/godkjenning")
    assert 'value="approve"' not in manager.get(f"{draft}/godkjenning").text
    assert "mindre" in text_of(approver, f"{draft}/godkjenning")
    back = approver.post(f"{draft}/godkjenning", data={"revision": "2", "action": "return", "comment": ""})
    assert back.status_code == 422
    done = approver.post(f"{draft}/godkjenning", data={"revision": "2", "action": "approve", "comment": ""})
    assert done.status_code == 302
    assert "Versjon fra 01.01.2027" in text_of(manager, LISTS)
    assert "Solveig Brekke" in text_of(manager, LISTS)
    with db.read() as session:
        version = price_book(session, 1).versions[-1]
        draft_now = price_drafts.find_draft(session, draft_id=int(draft.rsplit("/", 1)[1]), actor=COMMAND_LINE)
    skeletal = version.charges[0]
    assert isinstance(skeletal, UsageCharge)
    assert isinstance(skeletal.model, Graduated)
    assert skeletal.model.tiers[0].unit_price == Decimal("13.90")
    told = draft_now.steps[-1].consequence
    assert told is not None
    assert told.change < 0
    assert "i prislisten" in text_of(manager, draft)


def test_what_the_check_refuses_is_said_with_its_place(manager: FlaskClient) -> None:
    draft = begin(manager)
    sent = fields(manager, f"{draft}/prisledd/1")
    assert (
        manager.post(f"{draft}/prisledd/1", data={**sent, "tier-1-up_to": "100", "action": "save"}).status_code == 302
    )
    page = text_of(manager, draft)
    assert "xray-skeletal, trinn 2, øvre grense" in page
    assert "Den øvre grensen må ligge over" in page
    sending = text_of(manager, f"{draft}/send")
    assert "kan ikke sendes" in sending
    assert manager.post(f"{draft}/send", data={"revision": "2"}).status_code == 302
    assert "Kontrollen avviser" in text_of(manager, draft)


def test_wrong_fields_keep_what_was_written_and_say_what_is_wrong(manager: FlaskClient) -> None:
    draft = begin(manager)
    url = f"{draft}/prisledd/1"
    sent = fields(manager, url) | {"tier-0-unit_price": "fjorten", "tier-1-unit_price": "1,234", "code": ""}
    answer = manager.post(url, data={**sent, "action": "save"})
    assert answer.status_code == 422
    for piece in ('value="fjorten"', 'value="1,234"', 'id="tier-0-unit_price-error"', 'id="tier-1-unit_price-error"'):
        assert piece in answer.text
    answer = manager.post(url, data={**fields(manager, url), "code": "xray-chest", "action": "save"})
    assert answer.status_code == 422
    assert "code-error" in answer.text


@pytest.mark.parametrize("kind", price_forms.TYPES)
def test_a_charge_of_every_kind_is_added_and_opened_again(manager: FlaskClient, kind: str) -> None:
    draft = begin(manager)
    new = f"{draft}/prisledd/0"
    sent = fields(manager, f"{new}?type={kind}") | {
        "code": "extra",
        "clause": "7.1.9",
        "tier-0-up_to": "100",
        "tier-0-unit_price": "60",
        "tier-1-unit_price": "45,50",
        "tier-1-flat_fee": "10",
        "package_size": "50",
        "package_price": "990,00",
        "free_units": "50",
        "unit_price": "45,50",
        "amount": "1 500,00",
        "minimum-amount": "5",
        "convention-rounding": "half_even",
    }
    if kind != "one_off":
        grown = manager.post(new, data={**sent, "action": "add-phase"})
        assert 'name="phase-0-discount"' in grown.text
        sent |= {"phases": "1", "phase-0-length": "3", "phase-0-discount": "12,5", "ramp_unit": "months"}
    saved = manager.post(new, data={**sent, "action": "save"})
    assert saved.status_code == 302, saved.text
    again = fields(manager, f"{draft}/prisledd/7")
    assert again["code"] == "extra"
    assert again["convention-rounding"] == "half_even"
    if kind != "one_off":
        assert (again["phase-0-length"], again["phase-0-discount"]) == ("3", "12,5")
    if kind in ("graduated", "volume"):
        assert (again["tier-0-up_to"], again["tier-1-unit_price"], again["tier-1-flat_fee"]) == ("100", "45,50", "10")
    # Saved unchanged it is the same draft: nothing is lost on the way through the form.
    assert manager.post(f"{draft}/prisledd/7", data={**again, "action": "save"}).status_code == 302
    assert "Revisjon 3" not in text_of(manager, draft)


def test_a_charge_is_taken_out(manager: FlaskClient) -> None:
    draft = begin(manager)
    assert manager.post(f"{draft}/prisledd/5/fjern", data={"revision": "1"}).status_code == 302
    page = text_of(manager, draft)
    assert "Ingen forbrukspris dekker Lesjonsspor" in page


def test_a_tier_preview_shows_both_readings_and_names_the_cliff(manager: FlaskClient) -> None:
    draft = begin(manager)
    sent = fields(manager, f"{draft}/prisledd/0?type=volume") | {
        "code": "extra",
        "tier-0-up_to": "100",
        "tier-0-unit_price": "60",
        "tier-1-unit_price": "45",
    }
    answer = manager.post(f"{draft}/prisledd/0", data={**sent, "action": "preview"})
    page = re.sub(r"[\u00a0\s]+", " ", re.sub(r"<[^>]+>", " ", answer.text))
    assert answer.status_code == 200
    assert "76 til 100 undersøkelser koster mer enn 101 undersøkelser, inntil 1 455,00 kr mer" in page
    assert "Revisjon 2" not in text_of(manager, draft)


def test_a_stale_form_shows_both_and_lets_its_writer_choose(manager: FlaskClient) -> None:
    draft = begin(manager)
    sent = fields(manager, f"{draft}/prisledd/1")
    assert (
        manager.post(f"{draft}/prisledd/1", data={**sent, "tier-0-unit_price": "14,00", "action": "save"}).status_code
        == 302
    )
    late = manager.post(f"{draft}/prisledd/1", data={**sent, "tier-0-unit_price": "13,00", "action": "save"})
    assert late.status_code == 409
    assert "13,00" in late.text
    assert "14,00" in late.text
    kept = fields_of_conflict(late.text)
    assert kept["revision"] == "2"
    assert manager.post(f"{draft}/prisledd/1", data=kept).status_code == 302
    assert fields(manager, f"{draft}/prisledd/1")["tier-0-unit_price"] == "13,00"


def fields_of_conflict(page: str) -> dict[str, str]:
    return {
        name: value
        for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)
        if name not in ("csrf_token", "next")
    }


def test_a_workbook_goes_out_and_comes_back(manager: FlaskClient) -> None:
    draft = begin(manager)
    answer = manager.get(f"{draft}/prisliste.xlsx")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    same = {"revision": "1", "fil": (io.BytesIO(answer.data), "prisliste.xlsx")}
    assert manager.post(f"{draft}/prisliste.xlsx", data=same).status_code == 302
    assert "Revisjon 2" not in text_of(manager, draft)
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    book["tiers"]["C2"] = 13.75
    changed = io.BytesIO()
    book.save(changed)
    sent = {"revision": "1", "fil": (io.BytesIO(changed.getvalue()), "prisliste.xlsx")}
    assert manager.post(f"{draft}/prisliste.xlsx", data=sent).status_code == 302
    assert "13,75" in text_of(manager, draft)
    book["tiers"]["C2"] = "omtrent 14"
    book["charges"]["F2"] = "landet"
    broken = io.BytesIO()
    book.save(broken)
    answer = manager.post(
        f"{draft}/prisliste.xlsx", data={"revision": "2", "fil": (io.BytesIO(broken.getvalue()), "x.xlsx")}
    )
    assert answer.status_code == 422
    assert "Ark tiers, rad 2, kolonne unit_price" in answer.text
    assert manager.post(f"{draft}/prisliste.xlsx", data={"revision": "2"}).status_code == 422


def test_who_wrote_a_draft_is_told_that_another_decides(example_app: Flask) -> None:
    with db.write() as session:
        access.add_person(
            session,
            email="begge@eksempel.no",
            name="Begge Deler",
            password=None,
            grants=[Grant("contract_manager"), Grant("approver")],
            actor=COMMAND_LINE,
            now=datetime.now(UTC),
            example=True,
        )
    both = signed_in(example_app, "begge@eksempel.no")
    draft = begin(both)
    assert both.post(f"{draft}/send", data={"revision": "1"}).status_code == 302
    assert "en annen person" in text_of(both, f"{draft}/godkjenning")
    assert both.post(f"{draft}/godkjenning", data={"revision": "1", "action": "approve"}).status_code == 409
    assert both.post(f"{draft}/trekk", data={"revision": "1"}).status_code == 302
    assert "Oppgitt" in text_of(both, draft)


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_page_speaks_both_languages(manager: FlaskClient, approver: FlaskClient, language: str) -> None:
    draft = begin(manager)
    pages = [LISTS, NEW, f"{LISTS}/2026-01-01", f"{LISTS}/2024-01-01..2026-01-01", draft]
    pages += [f"{draft}/prisledd/{number}" for number in range(7)] + [f"{draft}/simulering", f"{draft}/send"]
    for url in pages:
        answer = manager.get(url, query_string={"lang": language}, follow_redirects=True)
        assert answer.status_code == 200, url
        assert f'<html lang="{language}"' in answer.text
    assert (
        approver.get(f"{draft}/godkjenning", query_string={"lang": language}, follow_redirects=True).status_code == 200
    )


def test_a_reader_within_one_trust_sees_versions_and_no_drafts(reader: FlaskClient, manager: FlaskClient) -> None:
    draft = begin(manager)
    page = text_of(reader, LISTS)
    assert "Versjon fra 01.01.2026" in page
    assert "Kladd" not in page
    assert reader.get(draft).status_code == 404
    assert reader.get(NEW).status_code == 403
    assert reader.post(NEW).status_code == 403


def test_a_stale_first_day_is_shown_again_and_not_lost(manager: FlaskClient) -> None:
    draft = begin(manager)
    head = {"revision": "1", "gjelder_fra": "2027-01-01", "klausul": "Endringsavtale 3", "merknad": "Etter møtet"}
    assert manager.post(f"{draft}/grunnlag", data=head).status_code == 302
    late = manager.post(f"{draft}/grunnlag", data={**head, "klausul": "Endringsavtale 4"})
    assert late.status_code == 409
    assert "Endringsavtale 4" in late.text
    assert "Endringsavtale 3" in manager.get(draft).text
    wrong = manager.post(f"{draft}/grunnlag", data={**head, "revision": "2", "gjelder_fra": "1. januar"})
    assert wrong.status_code == 422
    assert "gjelder_fra-error" in wrong.text


def test_days_gone_by_change_only_where_the_approver_says_so(
    manager: FlaskClient, approver: FlaskClient, example_app: Flask
) -> None:
    draft = begin(manager, gjelder_fra="2026-10-01")
    assert manager.post(f"{draft}/send", data={"revision": "1"}).status_code == 302
    page = text_of(approver, f"{draft}/godkjenning")
    assert "01.10.2026 er passert" in page
    assert fields(approver, f"{draft}/godkjenning")["retroactive"] == "no"
    for said in ({}, {"retroactive": "no"}):
        sent = {"revision": "1", "action": "approve", "comment": "Etter avtale", **said}
        refused = approver.post(f"{draft}/godkjenning", data=sent)
        assert refused.status_code == 422
        assert "retroactive-error" in refused.text
        assert "Etter avtale" in refused.text
    with db.read() as session:
        assert len(price_book(session, 1).versions) == 2
    sent = {"revision": "1", "action": "approve", "retroactive": "yes"}
    assert approver.post(f"{draft}/godkjenning", data=sent).status_code == 302
    with db.read() as session:
        assert len(price_book(session, 1).versions) == 3


def test_a_draft_for_days_to_come_asks_nothing_about_days_gone_by(manager: FlaskClient, approver: FlaskClient) -> None:
    draft = begin(manager)
    manager.post(f"{draft}/send", data={"revision": "1"})
    assert "retroactive" not in fields(approver, f"{draft}/godkjenning")


def test_a_draft_that_reaches_into_a_closed_quarter_is_told_so_and_not_sent(manager: FlaskClient) -> None:
    draft = begin(manager, gjelder_fra="2026-04-01")
    assert "i et lukket kvartal" in text_of(manager, draft)
    manager.post(f"{draft}/send", data={"revision": "1"})
    assert "Venter på godkjenning" not in text_of(manager, draft)


def test_the_approver_sees_what_changes_and_nothing_else(manager: FlaskClient, approver: FlaskClient) -> None:
    draft = begin(manager)
    sent = fields(manager, f"{draft}/prisledd/1")
    manager.post(f"{draft}/prisledd/1", data={**sent, "tier-0-unit_price": "13,90", "action": "save"})
    manager.post(f"{draft}/send", data={"revision": "2"})
    page = approver.get(f"{draft}/godkjenning").text
    table = page[page.index('id="change-table"') : page.index("</table>", page.index('id="change-table"'))]
    assert table.count("<tr>") == 3  # the header, the one price, the sum
    assert "13,90" in table


def test_a_draft_begins_with_indexed_prices_or_with_none(manager: FlaskClient) -> None:
    between = begin(manager, gjelder_fra="2025-07-01")
    assert fields(manager, f"{between}/prisledd/1")["tier-0-unit_price"] == "14,43"
    empty = begin(manager, innhold="tom")
    assert "Versjonen har ingen prisledd" in text_of(manager, empty)
    assert manager.get(f"{empty}/prisledd/1").status_code == 404


def test_a_page_of_an_earlier_moment_shows_no_later_draft_and_no_later_revision(
    manager: FlaskClient, approver: FlaskClient
) -> None:
    draft = begin(manager)
    for page in ("", "/prisliste.xlsx", "/simulering"):
        assert manager.get(f"{draft}{page}?kjent=2024-06-01").status_code == 404
        assert manager.get(f"{draft}{page}").status_code == 200
    assert "Kladd 1" not in text_of(manager, f"{LISTS}?kjent=2024-06-01")
    assert "Kladd 1" in text_of(manager, LISTS)
    then = datetime.now(UTC).isoformat().replace("+", "%2B")
    sent = fields(manager, f"{draft}/prisledd/1")
    manager.post(f"{draft}/prisledd/1", data={**sent, "tier-0-unit_price": "13,90", "action": "save"})
    manager.post(f"{draft}/send", data={**fields(manager, f"{draft}/send"), "comment": "Klar"})
    approver.post(f"{draft}/godkjenning", data={**fields(approver, f"{draft}/godkjenning"), "action": "approve"})
    before = text_of(manager, f"{draft}?kjent={then}")
    assert "Revisjon 1" in before
    assert "Revisjon 2" not in before
    assert "13,90" not in before
    assert "Oppgi kladden" not in before
    assert "Kladd 1" in text_of(manager, f"{LISTS}?kjent={then}")
    assert "Solveig Brekke" not in text_of(manager, f"{LISTS}?kjent={then}")


@pytest.mark.parametrize("page", ["/prisledd/1", "/send"])
def test_a_form_is_not_asked_as_of_an_earlier_day(manager: FlaskClient, page: str) -> None:
    draft = begin(manager)
    assert manager.get(f"{draft}{page}?kjent=2026-10-15").status_code == 400
    assert manager.get(f"{NEW}?kjent=2026-10-15").status_code == 400


@contextmanager
def another_holds_the_write_lock(app: Flask) -> Iterator[None]:
    """Hold SQLite's only write lock, with everybody else refused after a moment instead of after twenty seconds."""

    def impatient(connection: Any, _branch: Any = None) -> None:
        connection.execute("PRAGMA busy_timeout=100")

    engine = app.extensions["trinnvis_engine"]
    engine.dispose()
    event.listen(engine, "connect", impatient)
    with db.write():
        yield
    event.remove(engine, "connect", impatient)
    engine.dispose()


@pytest.mark.parametrize("action", ["preview", "add-tier", "remove-tier-1", "something else"])
def test_what_only_shows_a_form_again_waits_for_nobody_who_writes(
    manager: FlaskClient, example_app: Flask, action: str
) -> None:
    draft = begin(manager)
    sent = fields(manager, f"{draft}/prisledd/1")
    with another_holds_the_write_lock(example_app):
        answer = manager.post(f"{draft}/prisledd/1", data={**sent, "action": action})
    assert answer.status_code == 200
    assert "Revisjon 2" not in text_of(manager, draft)


def test_nobody_decides_on_another_consequence_than_the_page_showed(
    manager: FlaskClient, approver: FlaskClient, example_app: Flask
) -> None:
    draft = begin(manager)
    sent = fields(manager, f"{draft}/prisledd/1")
    manager.post(f"{draft}/prisledd/1", data={**sent, "tier-0-unit_price": "13,90", "action": "save"})
    form = fields(manager, f"{draft}/send")
    period, _slash, amounts = form["consequence"].rpartition("/")
    refused = manager.post(f"{draft}/send", data={**form, "consequence": f"{period}/{Decimal(amounts) + 1}"})
    assert refused.status_code == 409
    assert "ikke lenger den du ble vist" in refused.text
    assert manager.post(f"{draft}/send", data=form).status_code == 302
    # While the approver reads, a further version from a later day comes into the book.
    shown = fields(approver, f"{draft}/godkjenning")
    with db.write() as session:
        book = price_book(session, 1)
        later = replace(book.versions[-1], valid_from=date(2026, 12, 1), clause="Endringsavtale 1")
        record_version(session, 1, later, recorded_at=datetime.now(UTC), recorded_by="test")
    refused = approver.post(f"{draft}/godkjenning", data={**shown, "consequence": "", "action": "approve"})
    assert refused.status_code == 409
    with db.read() as session:
        assert len(price_book(session, 1).versions) == 3
    assert (
        approver.post(f"{draft}/godkjenning", data={**shown, "action": "return", "comment": "Nei"}).status_code == 302
    )


def test_a_book_that_moves_between_the_examination_and_the_lock_refuses_the_decision(
    manager: FlaskClient, example_app: Flask
) -> None:
    draft = begin(manager)
    with db.read() as session:
        found = price_drafts.find_draft(session, draft_id=int(draft.rsplit("/", 1)[1]), actor=COMMAND_LINE)
        examined = review(session, found)
    require_told(examined, examined.book, as_shown=True)
    moved = replace(examined.book, versions=examined.book.versions[:-1])
    for book, as_shown in ((moved, True), (examined.book, False)):
        with pytest.raises(Conflict) as refused:
            require_told(examined, book, as_shown=as_shown)
        assert refused.value.code == "consequence_changed"
