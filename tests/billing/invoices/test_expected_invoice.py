"""The expected invoice is valid, adds up to the charges to the øre, and is the same bytes wherever it is written."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.ehf.document import Document
from billing.ehf.parse import parse
from billing.invoices import expected as expected_invoice
from billing.invoices import invoices
from billing.invoices import setup as invoice_setup
from billing.invoices.setup import TEN_DIGITS, References
from billing.quarters import closing as quarters
from contracts.errors import Conflict, NotFound
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period
from tests import examples
from tests.billing.ehf.examples import verdict
from tests.conftest import ROOT
from tests.expected_documents import digest, random_document
from tests.recorded import record_agreement, record_usage

Q1 = Period.parse("2024-Q1")
NOW = datetime(2024, 4, 15, 8, tzinfo=UTC)
WRITTEN_HASH = "0a750eb338cab90406b30cec8e41dcf20203f02fb37a4b3834172fd89d2353ed"
MANAGER = Actor("person:m", "M", (Grant("contract_manager"),))


def written(agreement_id: int, period: Period = Q1, **options: Any) -> expected_invoice.ExpectedInvoice:
    with db.read() as session:
        return expected_invoice.expected_invoice(
            session, agreement_id=agreement_id, period=period, actor=options.pop("actor", COMMAND_LINE), **options
        )


def recorded() -> int:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    return agreement_id


def refer(agreement_id: int, code: str, references: References) -> None:
    with db.write() as session:
        invoice_setup.set_references(
            session, agreement_id=agreement_id, code=code, references=references, actor=MANAGER, now=NOW
        )


@pytest.mark.parametrize("first", range(0, 40, 8))
def test_documents_of_random_agreements_are_valid_and_add_up_to_the_charges(first: int) -> None:
    documents = 0
    for seed in range(first, first + 8):
        rating, content = random_document(seed)
        if content is None:
            continue
        documents += 1
        document = parse(content)
        assert verdict(content) == [], seed
        assert [line.net for line in document.lines] == [line.net for line in rating.lines], seed
        assert document.totals.tax_exclusive == rating.total, seed
        for line, charge in zip(document.lines, rating.lines, strict=True):
            assert line.property_value("trust") == charge.trust
            assert line.seller_item == (charge.algorithm or charge.charge)
            assert [each.amount for each in line.allowances] == ([charge.discount] if charge.discount_rate else [])
    assert documents > 0


def test_the_same_agreements_give_the_same_bytes_under_every_hash_seed() -> None:
    here = digest(range(6))
    for seed in ("0", "1"):
        told = subprocess.run(
            [sys.executable, "-m", "tests.expected_documents", "6"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout == here


def test_a_framework_s_invoice_says_what_the_agreement_says(database: Flask) -> None:
    agreement_id = recorded()
    found = written(agreement_id)
    document = parse(found.content)
    assert (found.number, found.total, found.run) == ("PF-ra-test-2024-Q1", Decimal("13800.00"), None)
    assert (document.issue_date, document.due_date) == (date(2024, 4, 1), date(2024, 5, 1))
    assert (document.contract, document.buyer_reference, document.order) == ("2024/118", "2024/118", None)
    assert (document.seller.name, document.buyer.name) == ("Bildeklok AS", "Sykehuspartner HF")
    assert document.seller.country == "NO"
    assert document.totals.payable == Decimal("17250.00")
    assert document.payment_means == ()
    assert "Pro forma" in document.notes[0]
    assert {line.property_value("tier") for line in document.lines} == {"1", "2"}
    ramp = next(line for line in document.lines if line.allowances)
    [allowance] = ramp.allowances
    assert (allowance.reason_code, allowance.percent, allowance.base) == ("95", Decimal("50"), Decimal("3960.00"))
    assert verdict(found.content) == []
    # Whichever database it was read from, and whoever wrote it: these very bytes.
    assert found.sha256 == hashlib.sha256(found.content).hexdigest() == WRITTEN_HASH


def test_example_data_say_so(app: Flask) -> None:
    agreement_id = record_agreement(examples.agreement() | {"example": True})
    record_usage(agreement_id)
    assert parse(written(agreement_id).content).notes[0].startswith("Eksempeldata. ")


def test_the_trusts_invoices_add_up_to_the_framework_s(app: Flask) -> None:
    agreement_id = recorded()
    refer(
        agreement_id,
        "sykehuset-ostfold",
        References("RAD-7", "4500218861", TEN_DIGITS, "914637651", None, "1714", "Grålum"),
    )
    parts = [written(agreement_id, trust=trust) for trust in ("vestre-viken", "sykehuset-ostfold")]
    assert sum(part.total for part in parts) == written(agreement_id).total
    document: Document = parse(parts[1].content)
    assert document.buyer.organisation_number == "983971768"
    assert document.buyer.endpoint is not None
    assert document.buyer.endpoint.value == "914637651"
    assert (document.order, document.buyer_reference) == ("4500218861", "RAD-7")
    assert document.buyer.address is not None
    assert document.buyer.address.city == "Grålum"
    assert all(line.property_value("trust") == "sykehuset-ostfold" for line in document.lines)
    assert [verdict(part.content) for part in parts] == [[], []]


def test_a_closed_quarter_is_written_from_what_was_frozen_and_is_the_same_bytes_as_before(app: Flask) -> None:
    agreement_id = recorded()
    before = written(agreement_id)
    with db.write() as session:
        quarters.close(
            session,
            agreement_id=agreement_id,
            quarter="2024-Q1",
            actor=COMMAND_LINE,
            now=NOW,
            today=date(2024, 4, 15),
            accept_missing=True,
        )
    closed = written(agreement_id)
    assert (closed.run, closed.content) == (1, before.content)
    record_usage(agreement_id, b"trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-02-10,50\n", now=NOW)
    assert written(agreement_id).content == before.content
    assert written(agreement_id, run=1).content == before.content
    with pytest.raises(NotFound, match="run 2"):
        written(agreement_id, run=2)


def test_what_we_write_is_read_back_as_the_very_charges(app: Flask) -> None:
    agreement_id = recorded()
    found = written(agreement_id)
    with db.write() as session:
        taken = invoices.import_invoice(
            session, agreement_id=agreement_id, filename="pf.xml", content=found.content, actor=COMMAND_LINE, now=NOW
        )
    assert taken.id is not None
    with db.read() as session:
        comparison = invoices.compare(session, agreement_id=agreement_id, invoice_id=taken.id, actor=COMMAND_LINE)
        recorded_invoice = invoices.find_invoice(
            session, agreement_id=agreement_id, invoice_id=taken.id, actor=COMMAND_LINE
        )
    assert comparison.findings == ()
    assert all(group.difference == 0 for group in comparison.groups)
    read = [(line.trust, line.algorithm, line.period, line.tier, line.phase) for line in recorded_invoice.lines]
    assert read == [(line.trust, line.algorithm, line.period, line.tier, line.phase) for line in found.lines]


def test_nothing_due_is_no_document(app: Flask) -> None:
    agreement_id = recorded()
    with pytest.raises(Conflict, match="nothing is due in 2024-Q3"):
        written(agreement_id, Period.parse("2024-Q3"))
    with pytest.raises(NotFound, match="outside"):
        written(agreement_id, Period.parse("2040-Q1"))


def test_a_reader_within_a_trust_gets_that_trust_s_and_no_other(app: Flask) -> None:
    agreement_id = recorded()
    reader = Actor("person:l", "L", (Grant("trust_reader", "vestre-viken"),))
    own = written(agreement_id, actor=reader)
    assert (own.trust, {line.trust for line in own.lines}) == ("vestre-viken", {"vestre-viken"})
    with pytest.raises(NotFound):
        written(agreement_id, actor=reader, trust="sykehuset-ostfold")


def test_command_api_and_page_give_the_same_bytes(
    app: Flask, client: FlaskClient, token_for: Any, sign_in_as: Any
) -> None:
    agreement_id = recorded()
    content = written(agreement_id).content
    told = app.test_cli_runner().invoke(args=["invoice", "expected", "2024-Q1"])
    assert told.exit_code == 0, told.output
    assert told.stdout_bytes == content
    answer = client.get("/api/v1/invoices/expected?quarter=2024-Q1", headers=token_for("auditor"))
    assert (answer.status_code, answer.data, answer.mimetype) == (200, content, "application/xml")
    again = client.get(
        "/api/v1/invoices/expected?quarter=2024-Q1",
        headers={**token_for("auditor"), "If-None-Match": answer.headers["ETag"]},
    )
    assert again.status_code == 304
    page = sign_in_as("finance_controller").get("/kostnader/forventet-faktura.xml?periode=2024-Q1")
    assert page.data == content
    assert page.headers["Content-Disposition"] == "attachment; filename=PF-ra-test-2024-Q1.xml"
    listed = sign_in_as("trust_reader", "vestre-viken").get("/kostnader?periode=2024-Q1")
    assert "/kostnader/forventet-faktura.xml?periode=2024-Q1" in listed.text


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("quarter=2024-Q9", 422, "invalid_input"), ("", 422, "invalid_input"), ("quarter=2024-Q3", 409, "nothing_due")],
    ids=["no quarter", "none named", "nothing due"],
)
def test_the_api_says_what_is_wrong(
    app: Flask, client: FlaskClient, token_for: Any, query: str, status: int, code: str
) -> None:
    recorded()
    answer = client.get(f"/api/v1/invoices/expected?{query}", headers=token_for("auditor"))
    assert (answer.status_code, answer.json["code"]) == (status, code)
