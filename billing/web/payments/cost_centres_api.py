"""API: the register of cost centres, and who pays."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from billing.schemas.payments import KnownAgreementQuerySchema
from billing.web.tables import cost_centre_table
from contracts import cost_centres, payers
from contracts.agreements import find_agreement, lock_agreement
from contracts.cost_centres import ACT, Booking, CostCentreEntry
from contracts.extensions import db
from contracts.schemas import cost_centres as shapes
from contracts.schemas.agreement import PayerStepSchema
from contracts.schemas.answers import AgreementQuerySchema
from contracts.schemas.fields import CODE, Text
from contracts.web import api
from contracts.web.acts import acted, asked, done
from contracts.web.api import described, document_body, json_answer, json_body
from contracts.web.conditional import etag_of, needs_match, require_match
from contracts.web.exports import table_answer
from contracts.web.guard import requires
from contracts.web.resources import Resource

resource = Resource(
    "cost_centres", __name__, url_prefix=api.PREFIX, description="Where the trusts' amounts are booked, and who pays."
)

ENTRY: Final = {
    "trust": "akershus",
    "algorithm": None,
    "valid_from": "2024-01-01",
    "cost_centre": "4410",
    "account": "6790",
    "accrual_account": "2960",
    "project": "KI-24",
    "vat_code": None,
}
CORRECTED: Final = {name: value for name, value in ENTRY.items() if name not in ("trust", "algorithm")}
_ONE: Final = "/cost-centres/<int(max=9223372036854775807):entry_id>"


class CostCentreQuerySchema(KnownAgreementQuerySchema):
    """Which entries."""

    trust = Text(load_default=None, validate=CODE, metadata={"description": "Only this trust's entries."})


@resource.reads("/cost-centres", shapes.CostCentrePageSchema, "The entries that stand.", query=CostCentreQuerySchema)
def list_entries(query: dict[str, Any]) -> Response:
    """List where the trusts' amounts are booked"""
    items = [shapes.dump_cost_centre(entry) for entry in _listed(query)]
    return json_answer({"items": items, "next": None})


@resource.reads_file("/cost-centres.<table:suffix>", query=CostCentreQuerySchema)
def export_entries(query: dict[str, Any], suffix: str) -> Response:
    """Give the entries as a file (csv, xlsx)"""
    return table_answer(suffix, "koststeder", cost_centre_table(_listed(query)))


@resource.writes(
    "/cost-centres",
    ACT,
    shapes.CostCentreSchema,
    "The entry stands; the very same one that stood already is given again.",
    body=document_body(shapes.NewCostCentreSchema, description="The entry.", examples={"trust": ENTRY}),
    query=AgreementQuerySchema,
)
def add_entry(query: dict[str, Any]) -> Response:
    """Record where a trust's amounts are booked from a day on"""
    body = shapes.load_cost_centre(json_body())
    added = acted(
        cost_centres.add_cost_centre,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        trust=body.pop("trust"),
        algorithm=body.pop("algorithm"),
        valid_from=body.pop("valid_from"),
        booking=Booking(**body),
    )
    return _answer(added, 201)


@resource.reads(_ONE, shapes.CostCentreSchema, "The entry.", query=AgreementQuerySchema)
def show_entry(query: dict[str, Any], entry_id: int) -> Response:
    """Give one entry"""
    return _answer(_found(query, entry_id))


@resource.writes(
    _ONE,
    ACT,
    shapes.CostCentreSchema,
    "The corrected entry, which has a number of its own.",
    method="PUT",
    body=document_body(shapes.CostCentreBookingSchema, description="What is right.", examples={"corrected": CORRECTED}),
    query=AgreementQuerySchema,
    problems=(400, 404, 405, 409, 415, 422),
    match=True,
)
def correct_entry(query: dict[str, Any], entry_id: int) -> Response:
    """Correct an entry that was wrong; as of before it stays what it was"""
    body = shapes.load_booking(json_body())
    agreement = find_agreement(db.session, query["agreement"])
    lock_agreement(db.session, agreement.id)
    require_match(_etag(_found(query, entry_id)))
    corrected = done(
        cost_centres.correct_cost_centre,
        agreement_id=agreement.id,
        entry_id=entry_id,
        valid_from=body.pop("valid_from"),
        booking=Booking(**body),
    )
    return _answer(corrected)


@resource.route(_ONE, methods=["DELETE"])
@requires(ACT)
@described(responses={204: {"description": "The entry counts no more."}}, problems=(401, 403, 404, 405, 409))
@needs_match
@resource.arguments(AgreementQuerySchema, location="query")
def take_back_entry(query: dict[str, Any], entry_id: int) -> Response:
    """Take an entry back; as of before it stays readable"""
    agreement = find_agreement(db.session, query["agreement"])
    lock_agreement(db.session, agreement.id)
    require_match(_etag(_found(query, entry_id)))
    done(cost_centres.take_back_cost_centre, agreement_id=agreement.id, entry_id=entry_id)
    return Response(status=204)


@resource.reads("/agreements/<code:code>/payers", shapes.PayerPageSchema, "Who pays from when.", problems=(404,))
def list_payers(code: str) -> Response:
    """Tell who pays the vendor"""
    return _payers(find_agreement(db.session, code).id)


@resource.writes(
    "/agreements/<code:code>/payers",
    ACT,
    shapes.PayerPageSchema,
    "Who pays from when.",
    body=document_body(
        PayerStepSchema, description="Who pays.", examples={"each": {"from": "2026-01-01", "who": "each_trust"}}
    ),
)
def set_payer(code: str) -> Response:
    """Record who pays the vendor from a day on"""
    step = shapes.load_payer(json_body())
    agreement_id = find_agreement(db.session, code).id
    acted(cost_centres.set_payer, agreement_id=agreement_id, start=step.start, who=step.who)
    return _payers(agreement_id, 201)


def _listed(query: dict[str, Any]) -> tuple[CostCentreEntry, ...]:
    return asked(
        cost_centres.list_cost_centres,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        trust=query["trust"],
        known_at=query["known_at"],
    )


def _found(query: dict[str, Any], entry_id: int) -> CostCentreEntry:
    return asked(
        cost_centres.find_cost_centre, agreement_id=find_agreement(db.session, query["agreement"]).id, entry_id=entry_id
    )


def _answer(entry: CostCentreEntry, status: int = 200) -> Response:
    answer = json_answer(shapes.dump_cost_centre(entry), status, {"Location": f"{api.PREFIX}/cost-centres/{entry.id}"})
    answer.set_etag(_etag(entry))
    return answer


def _etag(entry: CostCentreEntry) -> str:
    return etag_of("cost_centre", entry.id)


def _payers(agreement_id: int, status: int = 200) -> Response:
    steps = payers.payer_steps(db.session, agreement_id)
    items = [{"from": step.start.isoformat(), "who": step.who} for step in steps]
    return json_answer({"items": items, "next": None}, status)
