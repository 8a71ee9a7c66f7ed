"""How invoices are read, in the browser and by the API: words in both languages, roles, and what changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

from billing.ehf.document import Attachment, PaymentMeans
from billing.ehf.rules import RULE_VERSION, RULES, SCHEMA_RULE
from billing.invoices import invoices
from billing.invoices import setup as invoice_setup
from billing.web.invoices import rule_words
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from tests.billing.invoices.test_invoice_intake import ACCOUNT, DAILY, LINE, VENDOR, document, person_number, replace
from tests.conftest import ROOT
from tests.recorded import record_agreement, record_usage

NOW = datetime(2024, 4, 15, 8, tzinfo=UTC)
SETUP = "/avstemming/oppsett"


def test_every_rule_has_a_sentence_in_both_languages() -> None:
    assert [
        rule.id for rule in RULES if not (rule.nb.endswith(".") and rule.en.endswith(".")) or rule.nb == rule.en
    ] == []
    assert set(rule_words.OWN) >= {SCHEMA_RULE, "INVOICE_DUP", "ACCOUNT_CHANGED", "PERSON_ID"}
    path = ROOT / "contracts/web/translations/nb/LC_MESSAGES/messages.po"
    with path.open("rb") as file:
        catalogue = read_po(file)
    sentences = [*rule_words.OWN.values(), *rule_words.REFUSALS.values()]
    assert [text for text in sentences if text not in catalogue or not catalogue[text].string] == []


def take_in(agreement_id: int, content: bytes) -> int:
    with db.write() as session:
        reading = invoices.import_invoice(
            session, agreement_id=agreement_id, filename="f.xml", content=content, actor=COMMAND_LINE, now=NOW
        )
    assert reading.id is not None
    return reading.id


def test_findings_stand_in_norwegian_with_the_rule_s_name_and_the_check_s_own_words(
    app: Flask, sign_in_as: Callable[..., FlaskClient]
) -> None:
    agreement_id = record_agreement()
    content = document().replace(
        b'"NOK">6000.00</cbc:LineExtensionAmount>', b'"NOK">6000.50</cbc:LineExtensionAmount>', 1
    )
    invoice_id = take_in(agreement_id, content)
    client = sign_in_as("finance_controller")
    page = client.get(f"/avstemming/faktura/{invoice_id}").text
    assert RULE_VERSION in page
    assert "BR-CO-10" in page
    assert "Summen av linjene stemmer ikke." in page
    assert '<span class="tv-muted" lang="en">the sum of the lines is' in page
    client.get("/?lang=en")
    assert "The sum of the lines does not add up." in client.get(f"/avstemming/faktura/{invoice_id}").text


def test_a_person_s_number_stands_on_no_page_and_in_no_answer(
    app: Flask, client: FlaskClient, sign_in_as: Callable[..., FlaskClient], token_for: Callable[..., dict[str, str]]
) -> None:
    agreement_id = record_agreement()
    number = person_number()
    invoice_id = take_in(agreement_id, document(replace(LINE, name=f"Pasient {number}", note=number)))
    controller = sign_in_as("finance_controller")
    pages = [controller.get(path) for path in ("/avstemming", f"/avstemming/faktura/{invoice_id}")]
    headers = token_for("auditor")
    pages += [
        client.get(path, headers=headers)
        for path in (f"/api/v1/invoices/{invoice_id}", f"/api/v1/invoices/{invoice_id}/comparison")
    ]
    assert [page.status_code for page in pages] == [200] * 4
    assert [number in page.text for page in pages] == [False] * 4
    assert "Pasient ***********" in pages[1].text
    assert "fødselsnummer" in pages[1].text
    assert number in client.get(f"/api/v1/invoices/{invoice_id}/original", headers=headers).text


def test_files_inside_are_offered_and_a_usage_file_is_compared(
    app: Flask, client: FlaskClient, sign_in_as: Callable[..., FlaskClient], token_for: Callable[..., dict[str, str]]
) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    files = (
        Attachment("a", "Bilag", "bilag.pdf", "application/pdf", b"%PDF-1.7"),
        Attachment("b", "Bruk", "bruk.csv", "text/csv", DAILY.encode()),
        Attachment("c", "Portal", uri="https://portal.example.no/"),
    )
    invoice_id = take_in(agreement_id, document(attachments=files))
    controller = sign_in_as("finance_controller")
    page = controller.get(f"/avstemming/faktura/{invoice_id}").text
    assert f"/avstemming/faktura/{invoice_id}/vedlegg/2/telling" in page
    assert "Sammenlign med vår telling" in page
    pdf = controller.get(f"/avstemming/faktura/{invoice_id}/vedlegg/1")
    assert (pdf.data, pdf.mimetype) == (b"%PDF-1.7", "application/pdf")
    assert pdf.headers["Content-Disposition"] == "attachment; filename=bilag.pdf"
    assert controller.get(f"/avstemming/faktura/{invoice_id}/vedlegg/3").status_code == 404
    told = controller.get(f"/avstemming/faktura/{invoice_id}/vedlegg/2/telling").text
    assert "Flere enn våre" in told
    assert "Vestre Viken HF" in told
    headers = token_for("auditor")
    statement = client.get(f"/api/v1/invoices/{invoice_id}/attachments/2/statement", headers=headers)
    assert (statement.json["stated"], statement.json["counted"], len(statement.json["rows"])) == (105, 301, 2)
    recorded = client.get(f"/api/v1/invoices/{invoice_id}", headers=headers).json
    assert [(each["file"], each["statement"]) for each in recorded["attachments"]] == [
        ("bilag.pdf", False),
        ("bruk.csv", True),
        (None, False),
    ]


def test_a_contract_manager_changes_how_invoices_are_read(app: Flask, sign_in_as: Callable[..., FlaskClient]) -> None:
    agreement_id = record_agreement()
    manager = sign_in_as("contract_manager")
    form = {
        "row": "",
        "trust": "property:kunde\nbuyer",
        "algorithm": "seller_item",
        "period": "line_period",
        "trust_names": "Ahus = akershus",
    }
    wrong = manager.post(f"{SETUP}/tolking/{VENDOR}", data={**form, "trust": "farge"})
    assert (wrong.status_code, "Det finnes ikke noe slikt felt her." in wrong.text) == (422, True)
    no_code = manager.post(f"{SETUP}/tolking/{VENDOR}", data={**form, "trust_names": "Ahus"})
    assert (no_code.status_code, "farge" in no_code.text) == (422, False)
    assert manager.post(f"{SETUP}/tolking/{VENDOR}", data=form).status_code == 303
    # The same form again was made from what is there no more.
    assert manager.post(f"{SETUP}/tolking/{VENDOR}", data=form).status_code == 409
    page = manager.get(SETUP).text
    assert "Vareegenskapen «kunde»" in page
    assert "Ahus" in page
    with db.read() as session:
        mapping = invoice_setup.mapping_in_force(session, agreement_id=agreement_id, vendor_number=VENDOR).mapping
    assert (mapping.trust, mapping.tier) == (("property:kunde", "buyer"), ())


def test_a_contract_manager_changes_references_and_accounts(app: Flask, sign_in_as: Callable[..., FlaskClient]) -> None:
    record_agreement()
    manager = sign_in_as("contract_manager")
    form = {"row": "", "order_number": "45-1", "order_pattern": "##########"}
    wrong = manager.post(f"{SETUP}/mottaker/akershus", data=form)
    assert wrong.status_code == 422
    assert "Bestillingsnummeret er ikke skrevet slik mønsteret sier." in wrong.text
    form["order_number"] = "4500218861"
    assert manager.post(f"{SETUP}/mottaker/akershus", data=form).status_code == 303
    assert manager.post(f"{SETUP}/konto", data={"account": "1", "checked": ""}).status_code == 422
    assert manager.post(f"{SETUP}/konto", data={"account": ACCOUNT, "checked": "Ringt"}).status_code == 303
    page = manager.get(SETUP).text
    assert "4500218861" in page
    assert ACCOUNT in page
    assert manager.post(f"{SETUP}/konto/1/fjern").status_code == 303
    assert ACCOUNT not in manager.get(SETUP).text
    assert manager.get(f"{SETUP}/mottaker/ingen").status_code == 404


@pytest.mark.parametrize(
    ("role", "trust", "looks", "changes"),
    [
        ("contract_manager", None, 200, 200),
        ("finance_controller", None, 200, 403),
        ("auditor", None, 200, 403),
        ("approver", None, 200, 403),
        ("trust_reader", "vestre-viken", 404, 403),
        ("admin", None, 403, 403),
    ],
)
def test_who_sees_and_who_changes(
    app: Flask, sign_in_as: Callable[..., FlaskClient], role: str, trust: str | None, looks: int, changes: int
) -> None:
    record_agreement()
    client = sign_in_as(role, trust)
    assert client.get(SETUP).status_code == looks
    assert client.get(f"{SETUP}/tolking/{VENDOR}").status_code == changes
    assert client.get(f"{SETUP}/mottaker/akershus").status_code == changes


def test_the_api_keeps_mappings_references_and_accounts(
    app: Flask, client: FlaskClient, token_for: Callable[..., dict[str, str]]
) -> None:
    record_agreement()
    manager = token_for("contract_manager")
    address = f"/api/v1/vendor-mappings/{VENDOR}"
    before = client.get(address, headers=manager)
    assert before.json["recorded_at"] is None
    body: dict[str, Any] = {name: before.json[name] for name in ("algorithm", "period", "tier", "phase")}
    body |= {"trust": ["property:kunde"], "trust_names": {"Ahus": "akershus"}}
    assert client.put(address, json=body, headers=manager).status_code == 428
    matched = {**manager, "If-Match": before.headers["ETag"]}
    changed = client.put(address, json=body, headers=matched)
    assert (changed.status_code, changed.json["trust"]) == (200, ["property:kunde"])
    assert client.put(address, json=body, headers=matched).status_code == 412
    wrong = client.put(
        address, json=body | {"trust": ["farge"]}, headers={**manager, "If-Match": changed.headers["ETag"]}
    )
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "#/trust/0")
    assert client.get("/api/v1/vendor-mappings", headers=manager).json["items"][0] == changed.json

    references = client.get("/api/v1/invoice-references/akershus", headers=manager)
    put = client.put(
        "/api/v1/invoice-references/akershus",
        json={"order_number": "4500218861", "order_pattern": "##########"},
        headers={**manager, "If-Match": references.headers["ETag"]},
    )
    assert (put.status_code, put.json["order_number"]) == (200, "4500218861")
    listed = client.get("/api/v1/invoice-references", headers=manager).json["items"]
    assert [each["organisation"] for each in listed][:2] == ["sykehuspartner", "vestre-viken"]

    account = {"vendor": VENDOR, "account": ACCOUNT, "checked": "Ringt"}
    assert client.post("/api/v1/vendor-accounts", json=account, headers=manager).status_code == 201
    assert client.get("/api/v1/vendor-accounts", headers=manager).json["items"][0]["account"] == ACCOUNT
    controller = token_for("finance_controller")
    assert client.post("/api/v1/vendor-accounts", json=account, headers=controller).status_code == 403
    reader = token_for("trust_reader", "vestre-viken")
    for path in (address, "/api/v1/vendor-mappings", "/api/v1/invoice-references", "/api/v1/vendor-accounts"):
        assert client.get(path, headers=reader).status_code == 404, path


def test_a_changed_account_is_told_on_the_page(app: Flask, sign_in_as: Callable[..., FlaskClient]) -> None:
    agreement_id = record_agreement()
    take_in(agreement_id, document(payment_means=(PaymentMeans("30", account=ACCOUNT),)))
    changed = take_in(agreement_id, document(number="2", payment_means=(PaymentMeans("30", account="12345678903"),)))
    page = sign_in_as("finance_controller").get(f"/avstemming/faktura/{changed}").text
    assert "ACCOUNT_CHANGED" in page
    assert "Ikke betal før den er kontrollert." in page


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_pages_speak_both_languages(app: Flask, sign_in_as: Callable[..., FlaskClient], language: str) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    invoice_id = take_in(
        agreement_id, document(attachments=(Attachment("b", "B", "b.csv", "text/csv", DAILY.encode()),))
    )
    client = sign_in_as("contract_manager")
    client.get(f"/?lang={language}")
    headings = {
        "nb": ("Hvordan fakturaer leses", "Fakturaer til Akershus", "skriver hva", "Leverandørens telling"),
        "en": ("How invoices are read", "Invoices to Akershus", "writes what", "The vendor's count"),
    }[language]
    paths = (
        SETUP,
        f"{SETUP}/mottaker/akershus",
        f"{SETUP}/tolking/{VENDOR}",
        f"/avstemming/faktura/{invoice_id}/vedlegg/1/telling",
    )
    for path, heading in zip(paths, headings, strict=True):
        page = client.get(path)
        assert page.status_code == 200, path
        assert heading in page.text, path
