"""What is closed is closed for prices too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from billing.charges import basis
from billing.quarters import closing as quarters
from billing.quarters import runs as closings
from contracts import agreements, price_books
from contracts.errors import Conflict
from contracts.extensions import db
from contracts.people.access import Actor, Grant
from contracts.prices import drafts as price_drafts
from contracts.prices import indexation
from contracts.prices.drafts import Content

CONTROLLER = Actor("person:closer@example.org", "Closer", (Grant("finance_controller"),))
APPROVER = Actor("person:approver@example.org", "Approver", (Grant("approver"),))
TODAY = date(2027, 6, 1)
NOW = datetime(2027, 6, 1, 9, tzinfo=UTC)


def test_an_adjustment_approved_late_never_reaches_into_closed_quarters(example_app: Flask) -> None:
    with db.write() as session:
        agreement = agreements.find_agreement(session)
        request = next(one for one in indexation.list_requests(session, agreement.id) if one.state == "requested")
        assert request.effective_from == date(2027, 1, 1)
        for label in ("2026-Q3", "2026-Q4", "2027-Q1"):
            quarters.close(
                session,
                agreement_id=agreement.id,
                quarter=label,
                actor=CONTROLLER,
                now=NOW,
                today=TODAY,
                accept_missing=True,
            )
        assert closings.first_open_day(session, agreement.id) == date(2027, 4, 1)
    with db.write() as session, pytest.raises(Conflict, match="before 2027-04-01 is closed"):
        indexation.approve(
            session, request_id=request.id, actor=APPROVER, now=NOW, today=TODAY, retroactive=True, reason="late"
        )
    with db.read() as session:
        book = basis.gather(session, agreement_id=agreement.id).price_book
    assert all(adjustment.effective_from < date(2027, 1, 1) for adjustment in book.index_adjustments)


def test_a_version_approved_late_never_reaches_into_closed_quarters(example_app: Flask) -> None:
    manager = replace(CONTROLLER, id="person:manager@example.org", grants=(Grant("contract_manager"),))
    with db.write() as session:
        agreement = agreements.find_agreement(session)
        assert closings.first_open_day(session, agreement.id) == date(2026, 7, 1)
        charges = price_books.price_book(session, agreement.id).versions[-1].charges
        draft = price_drafts.create_draft(
            session,
            agreement_id=agreement.id,
            content=Content(date(2026, 7, 1), "Endringsavtale 2", charges),
            based_on=None,
            actor=manager,
            now=NOW,
        )
        price_drafts.submit_draft(session, draft_id=draft.id, seen=1, actor=manager, now=NOW)
        quarters.close(
            session,
            agreement_id=agreement.id,
            quarter="2026-Q3",
            actor=CONTROLLER,
            now=NOW,
            today=TODAY,
            accept_missing=True,
        )
    with db.write() as session, pytest.raises(Conflict, match="before 2026-10-01 is closed"):
        price_drafts.approve_draft(
            session, draft_id=draft.id, seen=1, actor=APPROVER, now=NOW, today=TODAY, retroactive=True
        )
    with db.read() as session:
        assert len(price_books.price_book(session, agreement.id).versions) == 2


def test_nothing_is_closed_where_no_quarter_is(app: Flask) -> None:
    with db.read() as session:
        assert closings.first_open_day(session, 1) is None
