"""The letter that answers an index request: one a decision, with the prices before and after, filed by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from billing.decisions import index_letters
from contracts import documents, price_books
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.prices import indexation
from contracts.terms.indexation import IndexRequest
from contracts.web import formatting
from tests.contracts.prices.test_indexation import APPROVER, approve, ask, decline, with_clause


@pytest.fixture(autouse=True)
def _letters(database: Flask) -> None:
    index_letters.register(formatting)


def letter_of(request: IndexRequest) -> tuple[bytes, str]:
    """Give the filed letter's bytes, and the hash that the event of the answer tells."""
    with db.read() as session:
        filed = index_letters.filed(session, request, APPROVER)
        assert filed is not None
        _, content = documents.version_bytes(session, filed.id, filed.newest.number, actor=APPROVER)
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    return content, event.data["letter"]


def test_a_request_that_waits_has_no_letter() -> None:
    request = ask(with_clause())
    with db.read() as session:
        assert index_letters.filed(session, request, APPROVER) is None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda agreement_id: approve(ask(agreement_id).id), id="approved"),
        pytest.param(lambda agreement_id: decline(ask(agreement_id).id), id="declined"),
        pytest.param(lambda agreement_id: ask(agreement_id, today=date(2024, 12, 1)), id="lapsed"),
    ],
)
def test_each_answer_files_its_letter_in_the_step_and_names_its_hash(answer: Callable[[int], IndexRequest]) -> None:
    content, told = letter_of(answer(with_clause()))
    assert content.startswith(b"%PDF")
    assert hashlib.sha256(content).hexdigest() == told


def test_an_approval_lists_every_price_before_and_after_as_the_price_book_has_them() -> None:
    agreement_id = with_clause()
    request = approve(ask(agreement_id).id)
    with db.read() as session:
        letter = index_letters.index_answer(session, request, APPROVER)
        book = price_books.price_book(session, agreement_id)
    assert letter.prices
    assert (letter.answer, letter.factor) == ("approved", Decimal("1.0310"))
    for change in letter.prices:
        assert abs(change.after - change.before * request.factor) <= Decimal("0.005"), change
    assert request.effective_from in {one.effective_from for one in book.index_adjustments}


def test_a_declined_request_says_why_and_changes_no_price() -> None:
    request = decline(ask(with_clause()).id, reason="Beregnet av feil måned.")
    with db.read() as session:
        letter = index_letters.index_answer(session, request, APPROVER)
    assert (letter.answer, letter.reason, letter.prices, letter.factor) == (
        "declined", "Beregnet av feil måned.", (), None,
    )  # fmt: skip
    assert letter.asked_factor == request.factor


def test_a_late_request_is_answered_at_once() -> None:
    request = ask(with_clause(), today=date(2024, 12, 1))
    with db.read() as session:
        letter = index_letters.index_answer(session, request, APPROVER)
    assert letter.answer == "lapsed"
    assert letter.received_on > letter.deadline
    assert request.state == indexation.LAPSED
