"""What stands accrued is what is expected and not invoiced; vouchers lead there entry by entry, and files sum to 0.00."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from billing.charges import charging
from billing.ehf.document import Period as EhfPeriod
from billing.models import Invoice
from billing.payments import accruals
from billing.payments.accruals import Accruals, Standing, Voucher, entries_between
from billing.payments.voucher_files import USUAL, Template, TemplateColumn, VoucherRow, template_findings, write_voucher
from billing.rating.sharing import Portion
from contracts import agreements
from contracts.cost_centres import Booking
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.people.access import Actor, Grant
from contracts.terms.period import Period
from tests.billing.invoices.test_invoice_intake import LINE, document, take_in
from tests.billing.payments.test_allocation import BOOKINGS, CONTROLLER, set_up, with_fee
from tests.recorded import record_usage

NOW = datetime(2024, 4, 15, 8, tzinfo=UTC)
TODAY = date(2024, 9, 2)
JANUARY, FEBRUARY, MARCH, APRIL = (Period.month(date(2024, month, 1)) for month in (1, 2, 3, 4))
ZERO = Decimal("0.00")


def at(agreement_id: int, month: Period, **more: Any) -> Accruals:
    with db.read() as session:
        return accruals.accruals(
            session,
            agreement_id=agreement_id,
            month=month,
            actor=CONTROLLER,
            accepted=more.pop("accepted", accruals.every_recorded_invoice),
            **more,
        )


def book(agreement_id: int, month: Period, actor: Actor = CONTROLLER) -> Voucher:
    with db.write() as session:
        return accruals.book(
            session,
            agreement_id=agreement_id,
            month=month,
            actor=actor,
            now=NOW,
            accepted=accruals.every_recorded_invoice,
            today=TODAY,
        )


def by_month(found: Accruals) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for each in found.months:
        sums[each.month.label()] += each.accrued
    return dict(sums)


def test_all_that_is_expected_stands_accrued_until_an_invoice_comes(database: Flask) -> None:
    agreement_id = set_up()
    found = at(agreement_id, MARCH)
    with db.read() as session:
        charges = charging.expected_charges(
            session, agreement_id=agreement_id, period=Period.quarter(date(2024, 1, 1)), actor=CONTROLLER
        )
    assert found.total == charges.total
    assert by_month(found) == {
        "2024-01": Decimal("14800.01"),
        "2024-02": Decimal("1000.01"),
        "2024-03": Decimal("1000.01"),
    }
    assert sum((each.accrued for each in found.months), ZERO) == found.total
    assert {each.booking for each in found.standing} == {BOOKINGS["sykehuset-ostfold"], BOOKINGS["vestre-viken"]}


def test_an_invoice_reverses_what_it_bears_on_from_the_month_it_is_issued_in(app: Flask) -> None:
    agreement_id = set_up()
    take_in(agreement_id, document())  # Vestre Viken's X-rays of January, issued on 10 April
    assert at(agreement_id, MARCH).total == Decimal("16800.03")
    found = at(agreement_id, APRIL)
    january = {each.trust: each for each in found.months if each.month == JANUARY}
    assert january["vestre-viken"].invoiced == Decimal("6000.00")
    assert january["vestre-viken"].accrued == Decimal("198.92"), "the fee names no algorithm and is not invoiced yet"
    assert january["sykehuset-ostfold"].invoiced is None
    assert january["sykehuset-ostfold"].accrued == january["sykehuset-ostfold"].expected


def test_an_invoice_of_one_line_bears_on_everything_where_no_fixed_amount_is_expected(app: Flask) -> None:
    agreement_id = set_up(with_fee() | {"price_book": _without_fee()})
    lump = replace(
        LINE, name="Første kvartal", item_id=None, properties=(), period=EhfPeriod(date(2024, 1, 1), date(2024, 3, 31))
    )
    take_in(agreement_id, document(lump))
    assert at(agreement_id, MARCH).total == Decimal("13800.00")
    found = at(agreement_id, APRIL)
    assert found.total == 0
    assert sum((each.invoiced or ZERO for each in found.months), ZERO) == Decimal("6000.00")


def _without_fee() -> dict[str, Any]:
    from tests import examples

    return examples.price_book()


def test_what_counts_as_accepted_can_be_said_by_somebody_else(app: Flask) -> None:
    agreement_id = set_up()
    take_in(agreement_id, document())
    assert at(agreement_id, APRIL, accepted=lambda *_: frozenset()).total == Decimal("17800.04")


def test_an_invoice_that_is_not_approved_reverses_nothing_and_a_credit_note_is_approved_with_its_quarter(
    example_app: Flask,
) -> None:
    october = Period.month(date(2026, 10, 1))
    with db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        accepted = accruals.in_approved_quarters(session, agreement_id, None)
        numbers = set(session.scalars(select(Invoice.number).where(Invoice.id.in_(accepted))))
    assert numbers == {"20260117", "20260409", "20260711", "20260814"}
    months = by_month(at(agreement_id, october, accepted=accruals.in_approved_quarters))
    assert {month for month, accrued in months.items() if accrued} == {"2026-07", "2026-08", "2026-09", "2026-10"}
    assert {month for month, accrued in by_month(at(agreement_id, october)).items() if accrued} == {"2026-10"}


def test_a_voucher_books_the_change_since_the_one_before_it_and_nothing_twice(database: Flask) -> None:
    agreement_id = set_up()
    first = book(agreement_id, MARCH)
    assert (first.number, first.total) == (1, Decimal("16800.03"))
    assert {entry.kind for entry in first.entries} == {"accrual"}
    with pytest.raises(Conflict, match="nothing has changed"):
        book(agreement_id, MARCH)
    take_in(agreement_id, document())
    second = book(agreement_id, APRIL)
    assert [(entry.kind, entry.trust, entry.month, entry.amount) for entry in second.entries] == [
        # January's X-rays and fee stand on one cost centre: reversed whole, and the fee accrued anew. Nobody has used
        # anything in April yet, so its fee is shared equally.
        ("reversal", "vestre-viken", JANUARY, Decimal("-2943.92")),
        ("accrual", "vestre-viken", JANUARY, Decimal("198.92")),
        ("accrual", "sykehuset-ostfold", APRIL, Decimal("500.01")),
        ("accrual", "vestre-viken", APRIL, Decimal("500.00")),
    ]
    assert second.total == first.total + sum((entry.amount for entry in second.entries), ZERO)
    with pytest.raises(Conflict, match="2024-04 is booked"):
        book(agreement_id, MARCH)


def test_late_usage_reverses_the_old_expectation_and_accrues_the_new_one(app: Flask) -> None:
    agreement_id = set_up()
    book(agreement_id, FEBRUARY)
    record_usage(agreement_id, b"trust,algorithm,date,quantity\nsykehuset-ostfold,xray-skeletal,2024-02-12,10\n")
    second = book(agreement_id, FEBRUARY)
    assert ("reversal", "sykehuset-ostfold", FEBRUARY) in {
        (each.kind, each.trust, each.month) for each in second.entries
    }
    assert second.total == at(agreement_id, FEBRUARY).total


def test_a_booked_voucher_stays_what_it_was(app: Flask) -> None:
    agreement_id = set_up()
    first = book(agreement_id, MARCH)
    take_in(agreement_id, document())
    book(agreement_id, APRIL)
    with db.read() as session:
        again = accruals.find_voucher(session, agreement_id=agreement_id, number=1, actor=CONTROLLER)
        assert again == first
        with pytest.raises(NotFound):
            accruals.find_voucher(session, agreement_id=agreement_id, number=3, actor=CONTROLLER)


def test_a_voucher_needs_a_cost_centre_for_every_trust_with_an_amount(app: Flask) -> None:
    agreement_id = set_up(bookings={"vestre-viken": BOOKINGS["vestre-viken"]})
    assert at(agreement_id, MARCH).unbooked == ("sykehuset-ostfold",)
    with pytest.raises(Conflict, match="sykehuset-ostfold"):
        book(agreement_id, MARCH)


def test_a_month_that_has_not_begun_or_lies_outside_the_agreement_is_refused(app: Flask) -> None:
    agreement_id = set_up()
    with pytest.raises(Conflict, match="not begun"):
        book(agreement_id, Period.month(date(2024, 10, 1)))
    with pytest.raises(NotFound):
        at(agreement_id, Period.month(date(2028, 1, 1)))


def test_only_a_controller_of_all_trusts_books(app: Flask) -> None:
    agreement_id = set_up()
    for grant in (Grant("auditor"), Grant("approver"), Grant("finance_controller", "akershus")):
        with pytest.raises(Denied):
            book(agreement_id, MARCH, Actor("person:x", "X", (grant,)))


standings = st.lists(
    st.builds(
        Standing,
        trust=st.sampled_from(("akershus", "oslo")),
        month=st.sampled_from((JANUARY, FEBRUARY)),
        booking=st.sampled_from((BOOKINGS["akershus"], BOOKINGS["nord-norge"])),
        amount=st.integers(-(10**9), 10**9).map(lambda ore: Decimal(ore).scaleb(-2)),
    ),
    unique_by=lambda each: (each.trust, each.month, each.booking),
)


@given(standings, standings)
def test_entries_lead_from_what_stood_to_what_shall_stand(before: list[Standing], after: list[Standing]) -> None:
    sums: dict[Any, Decimal] = defaultdict(lambda: ZERO)
    for each in before:
        sums[each.trust, each.month, each.booking] += each.amount
    for entry in entries_between(before, after):
        sums[entry.trust, entry.month, entry.booking] += entry.amount
    for each in after:
        sums[each.trust, each.month, each.booking] -= each.amount
    assert set(sums.values()) <= {ZERO}
    assert entries_between(after, after) == ()


def test_the_file_holds_what_the_page_shows_and_every_voucher_sums_to_nothing(app: Flask) -> None:
    agreement_id = set_up()
    book(agreement_id, MARCH)
    with db.read() as session:
        name, content = accruals.voucher_file(session, agreement_id=agreement_id, number=1, actor=CONTROLLER)
    rows = list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=";"))
    amounts = [(row["account"], Decimal(row["amount"].replace(",", "."))) for row in rows]
    assert name == "ra-test-avsetning-1.csv"
    assert sum((amount for account, amount in amounts if account == "6790"), ZERO) == at(agreement_id, MARCH).total
    assert sum((amount for _account, amount in amounts), ZERO) == 0
    assert {row["date"] for row in rows} == {"2024-03-31"}


def test_the_file_is_written_by_the_template_in_force(app: Flask) -> None:
    agreement_id = set_up()
    book(agreement_id, JANUARY)
    template = Template(
        (TemplateColumn("Art", "account"), TemplateColumn("Firma", "=72"), TemplateColumn("D", "debit"),
         TemplateColumn("K", "credit"), TemplateColumn("Dato", "date")),
        delimiter="\t", decimal_mark=".", dates="norwegian", header=False,
    )  # fmt: skip
    with db.write() as session:
        accruals.set_template(session, agreement_id=agreement_id, template=template, actor=CONTROLLER, now=NOW)
    with db.read() as session:
        _name, content = accruals.voucher_file(session, agreement_id=agreement_id, number=1, actor=CONTROLLER)
        assert accruals.template_in_force(session, agreement_id)[0] == template
    assert content.decode().splitlines()[:2] == [
        "6790\t72\t11856.09\t\t31.01.2024", "2960\t72\t\t11856.09\t31.01.2024",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("template", "pointer", "code"),
    [
        (Template(()), "#/columns", "too_many"),
        (Template((TemplateColumn("a", "amount"), TemplateColumn("b", "price"))), "#/columns/1/value", "unknown_field"),
        (Template((TemplateColumn("a", "account"),)), "#/columns", "no_amount"),
        (Template((TemplateColumn("a" * 61, "amount"),)), "#/columns/0", "too_long"),
        (replace(USUAL, delimiter="|"), "#/delimiter", "invalid_choice"),
        (replace(USUAL, delimiter=","), "#/delimiter", "same_mark"),
        (replace(USUAL, dates="us"), "#/dates", "invalid_choice"),
    ],
)
def test_a_template_that_cannot_be_written_by_is_refused(
    app: Flask, template: Template, pointer: str, code: str
) -> None:
    assert (pointer, code) in [(each.pointer, each.code) for each in template_findings(template)]
    agreement_id = set_up()
    with db.write() as session, pytest.raises(InvalidInput):
        accruals.set_template(session, agreement_id=agreement_id, template=template, actor=CONTROLLER, now=NOW)


def test_a_template_reads_back_equal_and_cells_with_its_marks_are_quoted() -> None:
    assert Template.from_document(USUAL.to_document()) == USUAL
    row = VoucherRow(
        1, TODAY, "2024-01", "accrual", "oslo", "Oslo; HF", "1", "6790", "44", None, None, Decimal("-1.50"), "t"
    )
    template = Template((TemplateColumn("Navn", "trust_name"), TemplateColumn("Sum", "amount")))
    assert write_voucher([row], template) == b'Navn;Sum\r\n"Oslo; HF";-1,50\r\n'


@pytest.mark.parametrize(
    ("portion", "expected"),
    [
        pytest.param((None, MARCH, 10), {(MARCH, "oslo", None): 10}, id="fixed-amounts-first"),
        pytest.param((None, JANUARY, 10), {(JANUARY, "oslo", "ct-pe"): 10}, id="else-everything-of-the-months"),
        pytest.param(("ct-pe", Period(JANUARY.start, MARCH.end), 30),
                     {(JANUARY, "oslo", "ct-pe"): 10, (FEBRUARY, "oslo", "ct-pe"): 20}, id="spread-by-what-was-expected"),
        pytest.param(("xray", Period(JANUARY.start, FEBRUARY.end), 3),
                     {(JANUARY, "oslo", "xray"): 2, (FEBRUARY, "oslo", "xray"): 1}, id="not-expected-at-all"),
    ],
)  # fmt: skip
def test_an_invoiced_amount_bears_on(portion: tuple[str | None, Period, int], expected: dict[Any, int]) -> None:
    due = {(JANUARY, "oslo", "ct-pe"): 100, (FEBRUARY, "oslo", "ct-pe"): 200, (MARCH, "oslo", None): 5}
    algorithm, period, ore = portion
    given_portion = Portion("oslo", algorithm, None, period, ore, "own")
    assert dict(accruals.bears_on(given_portion, due)) == expected


def test_a_booking_of_another_algorithm_is_an_entry_of_its_own() -> None:
    before = [Standing("oslo", JANUARY, Booking("1", "2", "3"), Decimal("5.00"))]
    after = [Standing("oslo", JANUARY, Booking("9", "2", "3"), Decimal("5.00"))]
    assert [(entry.kind, entry.booking.cost_centre) for entry in entries_between(before, after)] == [
        ("reversal", "1"), ("accrual", "9"),
    ]  # fmt: skip
