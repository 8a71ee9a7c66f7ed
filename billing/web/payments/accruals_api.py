"""API: cost allocation, accruals, their vouchers and the template of voucher files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from flask import Response, current_app

from billing.payments import accruals, allocation
from billing.payments.accruals import ACT, Accruals
from billing.payments.allocation import Allocation
from billing.payments.voucher_files import USUAL
from billing.schemas import accruals as shapes
from billing.schemas.payments import KnownAgreementQuerySchema
from billing.web.files import file_answer
from billing.web.tables import accrual_table, allocation_table
from contracts import clock
from contracts.agreements import find_agreement, lock_agreement
from contracts.errors import Finding, InvalidInput
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema
from contracts.terms.period import Period
from contracts.web import api
from contracts.web.acts import acted, asked, done
from contracts.web.api import document_body, json_answer, json_body
from contracts.web.conditional import etag_of, require_match
from contracts.web.exports import table_answer
from contracts.web.guard import current_actor
from contracts.web.resources import Resource

resource = Resource(
    "accruals", __name__, url_prefix=api.PREFIX, description="What each trust bears, and what stands accrued."
)

_VOUCHER: Final = "/accrual-vouchers/<int(max=2147483647):number>"


@resource.reads(
    "/cost-allocations",
    shapes.CostAllocationSchema,
    "The proposal for booking.",
    query=shapes.AllocationQuerySchema,
    problems=(404, 409, 422),
)
def show_allocation(query: dict[str, Any]) -> Any:
    """Share the expected charges of a quarter, or an invoice, over the trusts

    Lines stand on their trust; what stands on none is shared by what the trusts pay, to the øre.
    """
    return _allocation(query)


@resource.reads_file(
    "/cost-allocations.<table:suffix>", query=shapes.AllocationQuerySchema, problems=(401, 403, 404, 409, 422)
)
def export_allocation(query: dict[str, Any], suffix: str) -> Response:
    """Give a proposal for booking as a file (csv, xlsx)"""
    return table_answer(suffix, "fordeling", allocation_table(_allocation(query)))


@resource.reads(
    "/accruals",
    shapes.AccrualsSchema,
    "What is to stand accrued.",
    query=shapes.AccrualQuerySchema,
    problems=(404, 409, 422),
)
def show_accruals(query: dict[str, Any]) -> Any:
    """Give what is to stand accrued at the end of a month, and what the next voucher would book"""
    return _accruals(query)


@resource.reads_file("/accruals.<table:suffix>", query=shapes.AccrualQuerySchema, problems=(401, 403, 404, 409, 422))
def export_accruals(query: dict[str, Any], suffix: str) -> Response:
    """Give what is to stand accrued as a file (csv, xlsx)"""
    return table_answer(suffix, "avsetning", accrual_table(_accruals(query)))


@resource.reads(
    "/accrual-vouchers", shapes.AccrualVoucherPageSchema, "The vouchers, newest first.", query=KnownAgreementQuerySchema
)
def list_vouchers(query: dict[str, Any]) -> Any:
    """List the booked vouchers"""
    return asked(
        accruals.list_vouchers,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        known_at=query["known_at"],
    )


@resource.writes(
    "/accrual-vouchers",
    ACT,
    shapes.AccrualVoucherSchema,
    "The voucher is booked.",
    body=document_body(shapes.NewAccrualVoucherSchema, description="The month.", examples={"a": {"month": "2026-09"}}),
    query=AgreementQuerySchema,
)
def book_voucher(query: dict[str, Any]) -> Response:
    """Book what is to stand accrued at the end of a month

    Only what has changed since the newest voucher has entries. 409 where a trust has no cost centre or nothing has changed.
    """
    month = _month(shapes.load_month(json_body()), "#/month")
    now = datetime.now(UTC)
    booked = acted(
        accruals.book,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        month=month,
        now=now,
        today=clock.today(db.session, example_mode=current_app.config["EXAMPLE_MODE"], now=now),
    )
    return json_answer(
        shapes.AccrualVoucherSchema().dump(booked), 201, {"Location": f"{api.PREFIX}/accrual-vouchers/{booked.number}"}
    )


@resource.reads(_VOUCHER, shapes.AccrualVoucherSchema, "The voucher.", query=AgreementQuerySchema)
def show_voucher(query: dict[str, Any], number: int) -> Any:
    """Give a booked voucher"""
    return asked(accruals.find_voucher, agreement_id=find_agreement(db.session, query["agreement"]).id, number=number)


@resource.reads_file(
    f"{_VOUCHER}/file",
    query=AgreementQuerySchema,
    responses={200: {"description": "The file, by the template in force.", "content": {"text/csv": {"schema": {}}}}},
)
def voucher_file(query: dict[str, Any], number: int) -> Response:
    """Give a voucher as a file for an accounting system"""
    name, content = asked(
        accruals.voucher_file, agreement_id=find_agreement(db.session, query["agreement"]).id, number=number
    )
    return file_answer(content, "text/csv", name)


@resource.reads("/voucher-template", shapes.VoucherTemplateSchema, "The template in force.", query=AgreementQuerySchema)
def show_template(query: dict[str, Any]) -> Response:
    """Give how voucher files are written"""
    return _template(find_agreement(db.session, query["agreement"]).id)


@resource.writes(
    "/voucher-template",
    ACT,
    shapes.VoucherTemplateSchema,
    "The template is in force.",
    method="PUT",
    body=document_body(
        shapes.VoucherTemplateSchema, description="The template, whole.", examples={"usual": USUAL.to_document()}
    ),
    query=AgreementQuerySchema,
    match=True,
)
def set_template(query: dict[str, Any]) -> Response:
    """Record how voucher files are written

    A column's value is one of the fields voucher, date, month, kind, trust, trust_name, organisation_number, account,
    cost_centre, project, vat_code, amount, debit, credit and text, or a fixed text written =TEXT.
    """
    template = shapes.load_template(json_body())
    agreement_id = find_agreement(db.session, query["agreement"]).id
    lock_agreement(db.session, agreement_id)
    require_match(etag_of("voucher_template", accruals.template_in_force(db.session, agreement_id)[1]))
    done(accruals.set_template, agreement_id=agreement_id, template=template)
    return _template(agreement_id)


def _template(agreement_id: int) -> Response:
    allocation.require_reader(current_actor())
    template, row = accruals.template_in_force(db.session, agreement_id)
    answer = json_answer(template.to_document())
    answer.set_etag(etag_of("voucher_template", row))
    return answer


def _allocation(query: dict[str, Any]) -> Allocation:
    agreement_id = find_agreement(db.session, query["agreement"]).id
    if (query["quarter"] is None) == (query["invoice"] is None):
        raise InvalidInput((Finding("#/query/quarter", "one_of_two", "name a quarter or an invoice"),))
    if query["invoice"] is not None:
        return asked(
            allocation.allocate_invoice,
            agreement_id=agreement_id,
            invoice_id=query["invoice"],
            known_at=query["known_at"],
        )
    return asked(
        allocation.allocate_charges,
        agreement_id=agreement_id,
        period=_period(query["quarter"], "#/query/quarter"),
        known_at=query["known_at"],
    )


def _accruals(query: dict[str, Any]) -> Accruals:
    return asked(
        accruals.accruals,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        month=_month(query["month"], "#/query/month"),
        known_at=query["known_at"],
    )


def _period(text: str, pointer: str) -> Period:
    try:
        return Period.parse(text)
    except ValueError as error:
        raise InvalidInput((Finding(pointer, "not_a_period", str(error)),)) from None


def _month(text: str, pointer: str) -> Period:
    period = _period(text, pointer)
    if period != Period.month(period.start):
        raise InvalidInput((Finding(pointer, "not_a_month", "a month such as 2026-09 is expected"),))
    return period
