"""What is closed is closed for prices too."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from billing import charging, closings, quarters
from contracts import agreements, indexation
from contracts.access import Actor, Grant
from contracts.errors import Conflict
from contracts.extensions import db

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
        book = charging.gather(session, agreement_id=agreement.id).price_book
    assert all(adjustment.effective_from < date(2027, 1, 1) for adjustment in book.index_adjustments)


def test_nothing_is_closed_where_no_quarter_is(app: Flask) -> None:
    with db.read() as session:
        assert closings.first_open_day(session, 1) is None
