"""The example's adjustment comes out of its request exactly, and one request is open."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from flask import Flask

from billing.example.agreement import agreement_document
from billing.example.index import TABLE, values_csv
from contracts import agreements, deadlines
from contracts.extensions import db
from contracts.prices import index_values, indexation
from contracts.schemas.index_values import ReadAs, read_index_values
from contracts.schemas.price_book import dump_price_book


def test_the_examples_adjustment_comes_out_of_its_request_exactly(example_app: Flask) -> None:
    with db.read() as session:
        agreement = agreements.find_agreement(session)
        approved, asked = indexation.list_requests(session, agreement.id)
        book = agreements.export_agreement(session, agreement_id=agreement.id).price_book
    assert dump_price_book(book)["index_adjustments"] == agreement_document()["price_book"]["index_adjustments"]
    assert (approved.state, approved.factor, approved.effective_from) == (
        "approved",
        Decimal("1.0310"),
        date(2025, 1, 1),
    )
    exact = 1 + Fraction("0.85") * (Fraction("136.4") / Fraction("131.6") - 1)
    assert abs(Fraction(approved.exact_factor) - exact) < Fraction(1, 10**10)
    assert approved.requested_by != approved.decided_by
    assert approved.requested_on <= approved.deadline_on
    assert (asked.state, asked.effective_from) == ("requested", date(2027, 1, 1))


def test_the_examples_index_is_marked_as_invented_and_never_retrieved_before_it_was_out(example_app: Flask) -> None:
    assert "EKSEMPEL" in TABLE
    with db.read() as session:
        values = index_values.values_of(session, TABLE, "TOTAL")
    assert len(values) == len(read_index_values(values_csv((2026, 9)), ReadAs()).values) == 45
    assert all(value.month < value.retrieved_on.replace(day=1) for value in values)
    assert {value.base_year for value in values} == {2015}


def test_the_examples_windows_are_those_of_its_two_open_options(example_app: Flask) -> None:
    with db.read() as session:
        listed = deadlines.upcoming(session, agreements.find_agreement(session).id, date(2026, 10, 15))
    assert [(one.key, one.due_on) for one in listed if one.source == "option"] == [
        ("sorlandet", date(2026, 12, 31)),
        ("sykehuset-telemark", date(2027, 6, 30)),
    ]
