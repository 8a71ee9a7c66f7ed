"""A version stands at its own level: a factor from the same day would change nothing, and nobody may think it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from billing.charges import basis
from contracts import agreements, price_books
from contracts.errors import Conflict
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.prices import drafts as price_drafts
from contracts.prices import indexation
from contracts.prices.drafts import Content

APPROVER = Actor("person:approver@example.org", "Approver", (Grant("approver"),))
TODAY = date(2026, 10, 15)
NOW = datetime(2026, 10, 15, 9, tzinfo=UTC)
DAY = date(2027, 1, 1)


@pytest.mark.parametrize(("begins", "warned"), [(DAY, True), (date(2027, 1, 2), False)], ids=["same day", "next day"])
def test_a_draft_from_the_day_of_an_awaited_adjustment_is_warned_of(
    example_app: Flask, begins: date, warned: bool
) -> None:
    with db.write() as session:
        agreement_id = agreements.find_agreement(session).id
        charges = basis.gather(session, agreement_id=agreement_id).price_book.versions[-1].charges
        content = Content(valid_from=begins, clause="Endring 2", charges=charges, note="")
        draft = price_drafts.create_draft(
            session, agreement_id=agreement_id, content=content, based_on=None, actor=COMMAND_LINE, now=NOW
        )
        found = {finding.code: finding.severity for finding in price_drafts.check_draft(session, draft, TODAY)}
    assert found.get("index_taken_over") == ("warning" if warned else None)


def test_an_adjustment_from_the_day_a_version_begins_is_not_approved(example_app: Flask) -> None:
    with db.write() as session:
        agreement_id = agreements.find_agreement(session).id
        request = next(one for one in indexation.list_requests(session, agreement_id) if one.state == "requested")
        assert request.effective_from == DAY
        latest = basis.gather(session, agreement_id=agreement_id).price_book.versions[-1]
        price_books.record_version(
            session, agreement_id, replace(latest, valid_from=DAY), recorded_at=NOW, recorded_by="test"
        )
    with db.write() as session, pytest.raises(Conflict, match="would change no price"):
        indexation.approve(session, request_id=request.id, actor=APPROVER, now=NOW, today=TODAY)
