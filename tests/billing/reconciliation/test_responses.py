"""Answers to the vendor: one Peppol Invoice Response for each thing that happened to an invoice, each one valid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import mockeinvoice
import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.causes import CODES, REASONS
from billing.payments import payments
from billing.reconciliation import dispute_terms, responses
from billing.reconciliation.responses import InvoiceResponse
from contracts.errors import Denied, NotFound
from contracts.extensions import db
from contracts.people.access import Actor
from contracts.web import formatting
from tests.reconciled import (
    CONTROLLER,
    NOW,
    TODAY,
    VIKEN,
    approve,
    attest,
    beside,
    check_sample,
    dispute,
    invoice,
    keys_of,
    line,
    person,
    record_quarters,
    run,
    seen,
    step,
    take_in,
)


def answers(agreement_id: int, invoice_id: int, actor: Actor = CONTROLLER) -> tuple[InvoiceResponse, ...]:
    with db.read() as session:
        return responses.list_responses(
            session, agreement_id=agreement_id, invoice_id=invoice_id, write=formatting, actor=actor
        )


def document_of(agreement_id: int, invoice_id: int, number: int) -> bytes:
    with db.read() as session:
        _, content = responses.write_response(
            session,
            agreement_id=agreement_id,
            invoice_id=invoice_id,
            number=number,
            write=formatting,
            actor=CONTROLLER,
        )
    return content


def pay(agreement_id: int, invoice_id: int, amount: Decimal) -> None:
    with db.write() as session:
        payments.record_payment(
            session,
            agreement_id=agreement_id,
            invoice_id=invoice_id,
            paid_on=date(2024, 7, 30),
            amount=amount,
            reference=f"B-{amount}",
            actor=CONTROLLER,
            now=NOW,
            today=TODAY,
        )


def statuses(agreement_id: int, invoice_id: int) -> list[str]:
    return [each.response.status for each in answers(agreement_id, invoice_id)]


def test_a_right_invoice_is_received_checked_accepted_and_paid(app: Flask) -> None:
    agreement_id = record_quarters()
    document = invoice(agreement_id)
    taken = take_in(agreement_id, document)
    assert taken.id is not None
    assert statuses(agreement_id, taken.id) == ["AB"]
    run(agreement_id)
    check_sample(agreement_id)
    attest(agreement_id)
    assert statuses(agreement_id, taken.id) == ["AB", "IP"]
    approve(agreement_id)
    assert statuses(agreement_id, taken.id) == ["AB", "IP", "AP"]
    assert document.totals.payable is not None
    pay(agreement_id, taken.id, Decimal("100.00"))
    pay(agreement_id, taken.id, document.totals.payable - Decimal("100.00"))
    told = answers(agreement_id, taken.id)
    assert [each.response.status for each in told] == ["AB", "IP", "AP", "PD", "PD"]
    for each in told:
        content = document_of(agreement_id, taken.id, each.number)
        _, report = mockeinvoice.validate_response(content)
        assert report.verdict == "valid", report.findings
        assert content == document_of(agreement_id, taken.id, each.number)


def test_a_part_payment_says_that_it_is_one(app: Flask) -> None:
    agreement_id = record_quarters()
    taken = take_in(agreement_id, invoice(agreement_id))
    assert taken.id is not None
    pay(agreement_id, taken.id, Decimal("100.00"))
    last = answers(agreement_id, taken.id)[-1].response
    assert [(each.list, each.code) for each in last.clarifications] == [("OPStatusReason", "PPD")]


def disputed(agreement_id: int) -> tuple[int, str]:
    document = invoice(agreement_id)
    wrong = beside(document, line("Oppstart", "500.00", trust=VIKEN))
    taken = take_in(agreement_id, wrong)
    assert taken.id is not None
    run(agreement_id)
    return taken.id, dispute(agreement_id, keys_of(seen(agreement_id))).number


def test_a_dispute_is_told_with_its_causes_and_what_is_wanted_and_again_when_it_is_over(app: Flask) -> None:
    agreement_id = record_quarters()
    invoice_id, number = disputed(agreement_id)
    assert statuses(agreement_id, invoice_id) == ["AB", "IP"]
    sent = step(agreement_id, number, "sent")
    told = answers(agreement_id, invoice_id)[-1]
    assert (told.dispute, told.response.status) == (number, dispute_terms.response_status(sent.wanted, "sent"))
    by_list = {each.list: each.code for each in told.response.clarifications}
    assert by_list["OPStatusAction"] == dispute_terms.ACTIONS[sent.wanted]
    assert by_list["OPStatusReason"] in {dispute_terms.reason_of(each.finding.code) for each in sent.findings}
    _, report = mockeinvoice.validate_response(document_of(agreement_id, invoice_id, told.number))
    assert report.verdict == "valid"
    step(agreement_id, number, "withdrawn", comment="Vi tok feil.")
    assert statuses(agreement_id, invoice_id)[-1] == "AP"


@pytest.mark.parametrize("code", CODES)
def test_every_cause_has_a_reason_that_the_code_list_knows(code: str) -> None:
    assert dispute_terms.reason_of(code) in REASONS


def test_a_reader_of_one_trust_sees_no_answers(app: Flask) -> None:
    agreement_id = record_quarters()
    taken = take_in(agreement_id, invoice(agreement_id))
    assert taken.id is not None
    with pytest.raises((Denied, NotFound)):
        answers(agreement_id, taken.id, person("per", "trust_reader", trust=VIKEN))
    with pytest.raises(NotFound):
        document_of(agreement_id, taken.id, 2)


def test_the_page_and_the_api_and_the_command_give_the_same_document(
    app: Flask, sign_in_as: Callable[..., FlaskClient]
) -> None:
    agreement_id = record_quarters()
    taken = take_in(agreement_id, invoice(agreement_id))
    assert taken.id is not None
    wanted = document_of(agreement_id, taken.id, 1)
    client = sign_in_as("finance_controller")
    assert f"/avstemming/faktura/{taken.id}/svar/1" in client.get(f"/avstemming/faktura/{taken.id}").text
    assert client.get(f"/avstemming/faktura/{taken.id}/svar/1").data == wanted
    result = app.test_cli_runner().invoke(args=["invoice", "response", str(taken.id)])
    assert result.exit_code == 0
    assert result.stdout_bytes == wanted
