"""API: payments, what is open, and the rates of late interest."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from billing.payments import late_interest, payments
from billing.payments.payments import ACT
from billing.schemas import payments as shapes
from billing.web.tables import open_item_table, payment_table
from contracts.agreements import AgreementSummary, find_agreement
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema, KnownQuerySchema
from contracts.web import api
from contracts.web.acts import acted, asked, today
from contracts.web.api import document_body, file_body, json_answer, json_body, uploaded
from contracts.web.exports import table_answer
from contracts.web.resources import Resource

resource = Resource("payments", __name__, url_prefix=api.PREFIX, description="Payments and what is open.")

PAYMENT: Final = {"invoice_id": 1, "paid_on": "2026-11-05", "amount": "515431.88", "reference": "Bilag 20418"}
RATE: Final = {
    "valid_from": "2025-01-01",
    "percent": "12.50",
    "compensation": "470.00",
    "source": "FOR-2024-12-19-3279",
}
CSV: Final = "invoice,date,amount,reference\n20261042,2026-11-05,515431.88,Bilag 20418\n"
_ONE: Final = "/payments/<int(max=9223372036854775807):payment_id>"


@resource.reads(
    "/payments", shapes.PaymentPageSchema, "Payments and reversals.", query=shapes.KnownAgreementQuerySchema
)
def list_payments(query: dict[str, Any]) -> Response:
    """List the registered payments, newest first"""
    agreement = _agreement(query)
    listed = asked(payments.list_payments, agreement_id=agreement.id, known_at=query["known_at"])
    items = [shapes.dump_payment(each, agreement.term.currency) for each in listed]
    return json_answer({"items": items, "next": None})


@resource.reads_file("/payments.<table:suffix>", query=shapes.KnownAgreementQuerySchema)
def export_payments(query: dict[str, Any], suffix: str) -> Response:
    """Give the registered payments as a file (csv, xlsx)"""
    listed = asked(payments.list_payments, agreement_id=_agreement(query).id, known_at=query["known_at"])
    return table_answer(suffix, "betalinger", payment_table(listed))


@resource.writes(
    "/payments",
    ACT,
    shapes.PaymentSchema,
    "The payment is registered.",
    body=document_body(shapes.NewPaymentSchema, description="The payment.", examples={"whole": PAYMENT}),
    query=AgreementQuerySchema,
)
def record_payment(query: dict[str, Any]) -> Response:
    """Register a payment on an invoice"""
    body = shapes.load_payment(json_body())
    agreement = _agreement(query)
    registered = acted(payments.record_payment, agreement_id=agreement.id, **body, today=today())
    headers = {"Location": f"{api.PREFIX}/payments/{registered.id}"}
    return json_answer(shapes.dump_payment(registered, agreement.term.currency), 201, headers)


@resource.reads(_ONE, shapes.PaymentSchema, "The payment.", query=AgreementQuerySchema)
def show_payment(query: dict[str, Any], payment_id: int) -> Response:
    """Give one payment"""
    agreement = _agreement(query)
    found = asked(payments.find_payment, agreement_id=agreement.id, payment_id=payment_id)
    return json_answer(shapes.dump_payment(found, agreement.term.currency))


@resource.writes(
    f"{_ONE}/reversals",
    ACT,
    shapes.PaymentSchema,
    "The payment is taken back.",
    body=document_body(
        shapes.PaymentReversalSchema,
        description="On which day, and why.",
        examples={"wrong": {"on": "2026-11-06", "reason": "Ført på feil faktura"}},
    ),
    query=AgreementQuerySchema,
    problems=(400, 404, 405, 409, 415, 422),
)
def reverse_payment(query: dict[str, Any], payment_id: int) -> Response:
    """Take a payment back by one of the opposite amount"""
    body = shapes.load_reversal(json_body())
    agreement = _agreement(query)
    made = acted(payments.reverse_payment, agreement_id=agreement.id, payment_id=payment_id, **body, today=today())
    return json_answer(shapes.dump_payment(made, agreement.term.currency), 201)


@resource.writes(
    "/payment-files",
    ACT,
    shapes.ImportedPaymentsSchema,
    "The file is taken in; duplicates are told and not registered again.",
    also={200: "The very same file was taken in before; nothing was done."},
    body=file_body(
        "text/csv", "application/xml", description="Payments, one a row, or a bank's notice (camt.054).", example=CSV
    ),
    query=AgreementQuerySchema,
)
def import_payments(query: dict[str, Any]) -> Response:
    """Take in a file of payments from an accounting system

    One row that is wrong (an unknown invoice number, say) refuses the file; every error names its row and column.
    """
    filename, content = uploaded("text/csv", "application/xml", usual_name="payments.csv")
    done = acted(
        payments.import_payments, agreement_id=_agreement(query).id, filename=filename, content=content, today=today()
    )
    return json_answer(shapes.ImportedPaymentsSchema().dump(done), 201 if done.status == "imported" else 200)


@resource.reads(
    "/open-items", shapes.OpenItemsSchema, "What is open, and the roll-forward.", query=shapes.OpenItemsQuerySchema
)
def show_open_items(query: dict[str, Any]) -> Response:
    """Give what is open on a day: opening + invoiced − credited − paid = closing, by vendor and quarter"""
    agreement = _agreement(query)
    return json_answer(shapes.dump_open_items(_open(agreement, query), agreement.term.currency))


@resource.reads_file("/open-items.<table:suffix>", query=shapes.OpenItemsQuerySchema)
def export_open_items(query: dict[str, Any], suffix: str) -> Response:
    """Give what is open as a file (csv, xlsx)"""
    return table_answer(suffix, "apne-poster", open_item_table(_open(_agreement(query), query).items))


@resource.reads(
    "/late-interest-rates",
    shapes.LateInterestRatePageSchema,
    "The rates in time order.",
    query=KnownQuerySchema,
    problems=(),
)
def list_rates(query: dict[str, Any]) -> Any:
    """List the rates of late interest that people recorded"""
    return asked(late_interest.list_rates, known_at=query["known_at"])


@resource.writes(
    "/late-interest-rates",
    ACT,
    shapes.LateInterestRateSchema,
    "The rate stands.",
    body=document_body(shapes.LateInterestRateSchema, description="The rate of a half-year.", examples={"2025": RATE}),
    problems=(400, 409, 415, 422),
)
def set_rate() -> Any:
    """Record the rate of a half-year, or correct the one that begins on the same day"""
    return acted(late_interest.set_rate, rate=shapes.load_rate(json_body()))


def _open(agreement: AgreementSummary, query: dict[str, Any]) -> payments.OpenItems:
    return asked(payments.open_items, agreement_id=agreement.id, on=query["on"] or today(), known_at=query["known_at"])


def _agreement(query: dict[str, Any]) -> AgreementSummary:
    return find_agreement(db.session, query["agreement"])
