"""Payments by hand and by file, reversals, duplicates; what is open afterwards, and that it always adds up."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from billing.ehf.document import BillingReference
from billing.payments import late_interest, payments
from billing.payments.files import read_payments
from billing.payments.open_items import Rate
from billing.payments.payments import ImportedPayments, OpenItems, RegisteredPayment
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.people.access import Actor, Grant
from tests.billing.invoices.test_invoice_intake import LINE, document, take_in
from tests.recorded import record_agreement

NOW = datetime(2024, 9, 2, 8, tzinfo=UTC)
TODAY = date(2024, 9, 2)
CONTROLLER = Actor("person:c", "C", (Grant("finance_controller"),))
RATE = Rate(date(2024, 1, 1), Decimal("12.50"), Decimal("470.00"), "example")
HEADER = b"invoice,date,amount,reference\n"


def invoice(agreement_id: int, number: str = "10045", net: str = "6000.00", **more: Any) -> int:
    line = replace(LINE, quantity=Decimal(1), unit_price=Decimal(net), net=Decimal(net))
    reading = take_in(agreement_id, document(line, number=number, **more))
    assert reading.id is not None
    return reading.id


def credit(agreement_id: int, of: str, net: str, number: str = "K1") -> int:
    return invoice(
        agreement_id, number, net, kind="credit_note", due_date=None, issue_date=date(2024, 5, 2),
        billing_references=(BillingReference(of),),
    )  # fmt: skip


def pay(
    agreement_id: int, invoice_id: int, amount: str, on: date = date(2024, 5, 10), **more: Any
) -> RegisteredPayment:
    with db.write() as session:
        return payments.record_payment(
            session, agreement_id=agreement_id, invoice_id=invoice_id, paid_on=on, amount=Decimal(amount),
            reference=more.pop("reference", "B-1"), actor=more.pop("actor", CONTROLLER), now=NOW, today=TODAY,
        )  # fmt: skip


def reverse(agreement_id: int, payment_id: int, on: date = TODAY, reason: str = "Feil faktura") -> RegisteredPayment:
    with db.write() as session:
        return payments.reverse_payment(
            session, agreement_id=agreement_id, payment_id=payment_id, on=on, reason=reason, actor=CONTROLLER, now=NOW,
            today=TODAY,
        )  # fmt: skip


def take_file(agreement_id: int, content: bytes) -> ImportedPayments:
    with db.write() as session:
        return payments.import_payments(
            session, agreement_id=agreement_id, filename="betalt.csv", content=content, actor=CONTROLLER, now=NOW,
            today=TODAY,
        )  # fmt: skip


def opened(agreement_id: int, on: date = TODAY) -> OpenItems:
    with db.read() as session:
        return payments.open_items(session, agreement_id=agreement_id, actor=CONTROLLER, on=on)


def test_an_invoice_is_open_until_it_is_paid_and_again_when_the_payment_is_taken_back(database: Flask) -> None:
    agreement_id = record_agreement()
    number = invoice(agreement_id)
    assert [(item.billed, item.open) for item in opened(agreement_id).items] == [(Decimal("7500.00"),) * 2]
    first = pay(agreement_id, number, "2500.00")
    second = pay(agreement_id, number, "5000.00")
    assert opened(agreement_id).open == 0
    taken_back = reverse(agreement_id, first.id)
    assert (taken_back.amount, taken_back.reverses) == (Decimal("-2500.00"), first.id)
    assert opened(agreement_id).open == Decimal("2500.00")
    assert opened(agreement_id, TODAY - timedelta(days=1)).open == 0
    with pytest.raises(Conflict, match="taken back"):
        reverse(agreement_id, first.id)
    with pytest.raises(Conflict, match="taken back"):
        reverse(agreement_id, taken_back.id)
    with db.read() as session:
        listed = payments.list_payments(session, agreement_id=agreement_id, actor=CONTROLLER)
    assert [(each.id, each.reversed_by) for each in listed] == [
        (taken_back.id, None), (second.id, None), (first.id, taken_back.id),
    ]  # fmt: skip


def test_the_same_payment_twice_is_a_conflict_unless_the_first_was_taken_back(app: Flask) -> None:
    agreement_id = record_agreement()
    number = invoice(agreement_id)
    first = pay(agreement_id, number, "2500.00")
    with pytest.raises(Conflict, match=f"number {first.id}"):
        pay(agreement_id, number, "2500.00")
    reverse(agreement_id, first.id)
    assert pay(agreement_id, number, "2500.00").id != first.id


@pytest.mark.parametrize(
    ("amount", "on", "reference", "pointer", "code"),
    [
        ("0.00", TODAY, "", "#/amount", "out_of_range"),
        ("1.005", TODAY, "", "#/amount", "too_many_decimals"),
        ("1000000000000", TODAY, "", "#/amount", "out_of_range"),
        ("1.00", TODAY + timedelta(days=1), "", "#/paid_on", "in_future"),
        ("1.00", TODAY, "x" * 121, "#/reference", "too_long"),
        ("1.00", TODAY, "a\x07", "#/reference", "too_long"),
    ],
)
def test_a_payment_that_cannot_be_is_refused_at_its_field(
    app: Flask, amount: str, on: date, reference: str, pointer: str, code: str
) -> None:
    agreement_id = record_agreement()
    number = invoice(agreement_id)
    with pytest.raises(InvalidInput) as refused:
        pay(agreement_id, number, amount, on, reference=reference)
    assert [(each.pointer, each.code) for each in refused.value.errors] == [(pointer, code)]


def test_a_taking_back_needs_a_reason_and_a_day_between_the_payment_and_today(app: Flask) -> None:
    agreement_id = record_agreement()
    first = pay(agreement_id, invoice(agreement_id), "2500.00")
    with pytest.raises(InvalidInput) as refused:
        reverse(agreement_id, first.id, on=date(2024, 5, 9), reason=" ")
    assert [each.pointer for each in refused.value.errors] == ["#/reason", "#/on"]


def test_a_credit_note_that_names_an_invoice_takes_off_it_and_another_stands_alone(app: Flask) -> None:
    agreement_id = record_agreement()
    number = invoice(agreement_id)
    credit(agreement_id, "10045", "1000.00")
    credit(agreement_id, "99999", "100.00", "K2")
    found = opened(agreement_id)
    assert [(item.number, item.billed, item.credited, item.open) for item in found.items] == [
        ("10045", Decimal("7500.00"), Decimal("1250.00"), Decimal("6250.00")),
        ("K2", Decimal("-125.00"), Decimal("0.00"), Decimal("-125.00")),
    ]
    pay(agreement_id, number, "6250.00")
    assert opened(agreement_id).open == Decimal("-125.00")
    with db.read() as session:
        assert payments.accounts(session, agreement_id=agreement_id, on=TODAY)[0][number].open == 0
        assert payments.accounts(session, agreement_id=agreement_id, on=date(2024, 5, 9))[0][number].open


def test_a_file_is_all_or_nothing_and_twice_is_once(database: Flask) -> None:
    agreement_id = record_agreement()
    invoice(agreement_id)
    content = HEADER + b"10045,2024-05-10,2500.00,B-1\n10045,2024-05-11,5000.00,B-2\n"
    done = take_file(agreement_id, content)
    assert (done.status, done.rows, done.accepted, done.duplicates) == ("imported", 2, 2, 0)
    again = take_file(agreement_id, content)
    assert (again.status, again.id, again.accepted) == ("already_imported", done.id, 2)
    with pytest.raises(InvalidInput) as refused:
        take_file(agreement_id, HEADER + b"10045,2024-05-12,1.00,B-3\n10046,2024-05-12,1.00,B-4\n")
    assert [(each.pointer, each.code) for each in refused.value.errors] == [("#/line/3/invoice", "unknown_invoice")]
    assert opened(agreement_id).open == 0


def test_duplicates_of_a_file_are_told_row_by_row_and_not_registered(app: Flask) -> None:
    agreement_id = record_agreement()
    first = pay(agreement_id, invoice(agreement_id), "2500.00")
    done = take_file(
        agreement_id,
        HEADER + b"10045,2024-05-10,2500.00,B-1\n10045,2024-05-11,10.00,B-2\n\n10045,2024-05-11,10.00,B-2\n",
    )
    assert (done.accepted, done.duplicates) == (1, 2)
    assert [(row.line, row.payment, row.same_as) for row in done.told] == [(2, first.id, None), (5, None, 3)]


def test_a_number_that_several_documents_have_is_registered_by_hand(app: Flask) -> None:
    agreement_id = record_agreement()
    invoice(agreement_id)
    invoice(agreement_id, note="Samme nummer")
    with pytest.raises(InvalidInput) as refused:
        take_file(agreement_id, HEADER + b"10045,2024-05-10,1.00,\n10045,2024-12-10,1.00,\n")
    assert [(each.pointer, each.code) for each in refused.value.errors] == [
        ("#/line/2/invoice", "ambiguous_invoice"),
        ("#/line/3/date", "in_future"),
        ("#/line/3/invoice", "ambiguous_invoice"),
    ]


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (HEADER + b"1,2024-05-10,-1.50,\r\n", ("1", "2024-05-10", "-1.50", "")),
        ("\ufeffFakturanummer;Dato;Beløp;Referanse\n1;10.05.2024;1234,50;a;\n".encode()[:-2] + b"\n",
         ("1", "2024-05-10", "1234.50", "a")),
        (b'invoice;date;amount;reference\n1;2024-05-10;1234.50;"a;b"\n', ("1", "2024-05-10", "1234.50", "a;b")),
    ],
    ids=["plain", "norwegian", "quoted"],
)  # fmt: skip
def test_both_ways_of_writing_a_file_are_read(content: bytes, read: tuple[str, ...]) -> None:
    (row,) = read_payments(content)
    assert (row.invoice, row.paid_on.isoformat(), str(row.amount), row.reference) == read


@pytest.mark.parametrize(
    ("content", "pointer", "code"),
    [
        (b"", "#/line/1", "unknown_header"),
        (HEADER, "#", "empty"),
        (b"number,date\n", "#/line/1", "unknown_header"),
        (b"\xff\xfe", "#", "not_utf8"),
        (HEADER + b"1\0,2024-05-10,1,\n", "#", "not_text"),
        (HEADER + b"1,2024-05-10,1\n", "#/line/2", "wrong_width"),
        (HEADER + b",2024-05-10,1,\n", "#/line/2/invoice", "missing"),
        (HEADER + b"1,10/05/2024,1,\n", "#/line/2/date", "not_a_date"),
        (HEADER + b"1,2024-02-30,1,\n", "#/line/2/date", "not_a_date"),
        (HEADER + b"1,0024-02-20,1,\n", "#/line/2/date", "not_a_date"),
        (HEADER + b'1,2024-05-10,"1,50",\n', "#/line/2/amount", "not_an_amount"),
        (HEADER + b"1,2024-05-10,1.005,\n", "#/line/2/amount", "not_an_amount"),
        (HEADER + b"1,2024-05-10,1e5,\n", "#/line/2/amount", "not_an_amount"),
        (HEADER + b"1,2024-05-10,0.00,\n", "#/line/2/amount", "not_an_amount"),
        (HEADER + b"1,2024-05-10,NaN,\n", "#/line/2/amount", "not_an_amount"),
        (HEADER + b'1,2024-05-10,1,"a\n', "#/line/2", "not_csv"),
        (HEADER + b"1,2024-05-10,1," + b"x" * 121 + b"\n", "#/line/2/reference", "too_long"),
        (b"x" * (5 * 1024 * 1024 + 1), "#", "too_large"),
    ],
)  # fmt: skip
def test_each_error_of_a_file_has_its_row_and_column(content: bytes, pointer: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_payments(content)
    assert [(each.pointer, each.code) for each in refused.value.errors] == [(pointer, code)]


def test_a_file_tells_fifty_errors_at_most() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_payments(HEADER + b",,,\n1,x,y,\n" * 100)
    assert len(refused.value.errors) == 50


def test_late_interest_and_compensation_run_from_the_recorded_rates(app: Flask) -> None:
    agreement_id = record_agreement()
    number = invoice(agreement_id, net="29200.00")
    with db.write() as session:
        late_interest.set_rate(session, rate=RATE, actor=CONTROLLER, now=NOW)
    pay(agreement_id, number, "36500.00", date(2024, 5, 20))
    (item,) = opened(agreement_id).items
    # Due on 10 May, paid on 20 May: ten days of 12.50 a day.
    assert (item.late.days, item.late.interest, item.late.compensation) == (
        10, Decimal("125.00"), Decimal("470.00"),
    )  # fmt: skip
    with db.write() as session:
        late_interest.set_rate(session, rate=replace(RATE, percent=Decimal("25.0")), actor=CONTROLLER, now=NOW)
    (item,) = opened(agreement_id).items
    assert item.late.interest == Decimal("250.00")
    with db.read() as session:
        assert [rate.percent for rate in late_interest.rates(session)] == [Decimal("25.0")]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"percent": Decimal("100.01")}, "#/percent"),
        ({"percent": Decimal("-1")}, "#/percent"),
        ({"percent": Decimal("1.00001")}, "#/percent"),
        ({"compensation": Decimal("-1")}, "#/compensation"),
        ({"source": " "}, "#/source"),
    ],
)
def test_a_rate_that_cannot_be_is_refused(app: Flask, changes: dict[str, Any], pointer: str) -> None:
    with db.write() as session, pytest.raises(InvalidInput) as refused:
        late_interest.set_rate(session, rate=replace(RATE, **changes), actor=CONTROLLER, now=NOW)
    assert [each.pointer for each in refused.value.errors] == [pointer]


def test_only_a_controller_of_all_trusts_registers_and_only_readers_of_all_trusts_read(app: Flask) -> None:
    agreement_id = record_agreement()
    number = invoice(agreement_id)
    for grant in (Grant("approver"), Grant("auditor"), Grant("finance_controller", "akershus")):
        with pytest.raises(Denied):
            pay(agreement_id, number, "1.00", actor=Actor("person:x", "X", (grant,)))
    reader = Actor("person:r", "R", (Grant("trust_reader", "akershus"),))
    with db.read() as session, pytest.raises(NotFound):
        payments.list_payments(session, agreement_id=agreement_id, actor=reader)


def test_whatever_happens_the_items_sum_to_the_newest_closing_and_each_quarter_adds_up(app: Flask) -> None:
    rng = random.Random(20261125)
    agreement_id = record_agreement()
    ids, standing = [], list[int]()
    for step in range(60):
        act = rng.random()
        if act < 0.3 or not ids:
            issued = date(2024, 1, 1) + timedelta(days=rng.randrange(240))
            net = f"{rng.randrange(1, 10**6)}.{rng.randrange(100):02d}"
            ids.append(invoice(agreement_id, f"F{step}", net, issue_date=issued, due_date=issued + timedelta(days=30)))
        elif act < 0.45:
            credit(
                agreement_id, rng.choice([f"F{n}" for n in range(step)]), f"{rng.randrange(1, 10**5)}.50", f"K{step}"
            )
        elif act < 0.85 or not standing:
            amount = f"{rng.choice((-1, 1)) * rng.randrange(1, 10**6)}.{rng.randrange(100):02d}"
            on = date(2024, 1, 1) + timedelta(days=rng.randrange(244))
            standing.append(pay(agreement_id, rng.choice(ids), amount, on, reference=str(step)).id)
        else:
            reverse(agreement_id, standing.pop(rng.randrange(len(standing))))
        if step % 10 == 9:
            found = opened(agreement_id)
            assert found.open == found.rolls[-1].closing
            for roll in found.rolls:
                assert roll.opening + roll.invoiced - roll.credited - roll.paid == roll.closing
