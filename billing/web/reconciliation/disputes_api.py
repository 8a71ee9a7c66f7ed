"""API: disputes of a quarter, its signatures and the protocol."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from billing.reconciliation import disputes, sign_offs
from billing.reconciliation import runs as reconciliation
from billing.reconciliation.dispute_records import RecordedDispute, list_disputes
from billing.reconciliation.disputes import File
from billing.schemas import reconciliation_answers as shapes
from billing.schemas.reconciliation_answers import DisputeSchema
from billing.schemas.reconciliation_requests import (
    AsKnownQuerySchema,
    NewDisputeSchema,
    NewStepSchema,
    SignatureSchema,
    load_dispute,
    load_signature,
    load_step,
)
from billing.web.files import file_answer
from billing.web.reconciliation.api import known_quarter, read_report, report_answer, seen
from contracts.agreements import find_agreement, lock_agreement
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema
from contracts.web import api, formatting
from contracts.web.acts import acted, asked, today
from contracts.web.api import document_body, json_answer, json_body
from contracts.web.conditional import etag_of, require_match
from contracts.web.guard import current_actor
from contracts.web.resources import Resource

resource = Resource(
    "disputes",
    __name__,
    url_prefix=f"{api.PREFIX}/reconciliations",
    description="What is put to the vendor, and who signed a quarter.",
)
DISPUTE = {
    "findings": ["0123456789abcdef0123"],
    "wanted": "credit_part",
    "hold": "part",
    "language": "nb",
    "reply_by": "2026-10-29",
    "message": "",
}
PDF = {
    200: {
        "description": "The paper as it was made (PDF/A).",
        "content": {"application/pdf": {"schema": {"type": "string"}}},
    }
}
CSV = {
    200: {"description": "The evidence as it was made.", "content": {"text/csv": {"schema": {"type": "string"}}}},
}


@resource.reads(
    "/<quarter>/disputes", shapes.DisputePageSchema, "The disputes of the quarter.", query=AsKnownQuerySchema
)
def list_quarter_disputes(query: dict[str, Any], quarter: str) -> Any:
    """List the disputes of a quarter with their course"""
    agreement_id = _readable(query)
    return list_disputes(db.session, agreement_id, known_quarter(quarter), query["known_at"])


@resource.writes(
    "/<quarter>/disputes",
    reconciliation.ACT,
    shapes.DisputeSchema,
    "The dispute is open; nothing is sent by itself.",
    body=document_body(NewDisputeSchema, examples={"credit": DISPUTE}),
    query=AgreementQuerySchema,
    match=True,
)
def open_dispute(query: dict[str, Any], quarter: str) -> Response:
    """Put findings of one invoice to the vendor, with letter and evidence

    `If-Match` is the ETag of the quarter's reconciliation; the answer's is that of the dispute.
    """
    body = load_dispute(json_body())
    agreement_id, _before = seen(quarter, query)
    dispute = acted(
        disputes.open_dispute, agreement_id=agreement_id, quarter=quarter, **body, write=formatting, today=today()
    )
    return _dispute_answer(dispute, 201)


@resource.reads("/<quarter>/disputes/<number>", shapes.DisputeSchema, "The dispute.", query=AsKnownQuerySchema)
def show_dispute(query: dict[str, Any], quarter: str, number: str) -> Response:
    """Give a dispute with its findings and steps"""
    return _dispute_answer(_dispute(query, quarter, number), 200)


@resource.writes(
    "/<quarter>/disputes/<number>/steps",
    reconciliation.ACT,
    shapes.DisputeSchema,
    "The step is recorded.",
    body=document_body(NewStepSchema, examples={"sent": {"step": "sent", "on": "2026-10-15"}}),
    query=AgreementQuerySchema,
    match=True,
)
def take_dispute_step(query: dict[str, Any], quarter: str, number: str) -> Response:
    """Record that a dispute was sent, answered, credited or withdrawn"""
    body = load_step(json_body())
    agreement_id = find_agreement(db.session, query["agreement"]).id
    lock_agreement(db.session, agreement_id)
    require_match(_tag(_dispute(query, quarter, number)))
    dispute = acted(disputes.take_step, agreement_id=agreement_id, number=number, **body, today=today())
    return _dispute_answer(dispute, 201)


@resource.reads_file("/<quarter>/disputes/<number>/letter", query=AgreementQuerySchema, responses=PDF, etag=True)
def show_letter(query: dict[str, Any], quarter: str, number: str) -> Response:
    """Give the letter of a dispute (PDF, the evidence attached)"""
    _dispute(query, quarter, number)
    return _file(asked(disputes.letter, agreement_id=_readable(query), number=number))


@resource.reads_file("/<quarter>/disputes/<number>/evidence", query=AgreementQuerySchema, responses=CSV, etag=True)
def show_evidence(query: dict[str, Any], quarter: str, number: str) -> Response:
    """Give the evidence of a dispute (CSV)"""
    _dispute(query, quarter, number)
    return _file(asked(disputes.evidence, agreement_id=_readable(query), number=number))


@resource.reads(
    "/<quarter>/sign-offs",
    shapes.SignaturePageSchema,
    "The signatures of the quarter's runs.",
    query=AsKnownQuerySchema,
)
def list_sign_offs(query: dict[str, Any], quarter: str) -> Response:
    """List who attested and approved the quarter, and with which words"""
    report = read_report(quarter, query)
    return json_answer({"items": shapes.dump_signatures(report.runs), "next": None})


@resource.writes(
    "/<quarter>/sign-offs",
    "read",
    shapes.ReconciliationSchema,
    "The quarter is signed; with `approve` its protocol is filed.",
    body=document_body(SignatureSchema, examples={"attest": {"kind": "attest", "statement": "Checked."}}),
    query=AgreementQuerySchema,
    match=True,
)
def sign_quarter(query: dict[str, Any], quarter: str) -> Response:
    """Attest a quarter, or approve it for payment; nobody approves what they attested themselves

    403 `denied` for whoever lacks the role, and for the attester who approves.
    """
    kind, statement = load_signature(json_body())
    actor = current_actor()
    actor.require(sign_offs.ATTEST if kind == "attest" else sign_offs.APPROVE)
    agreement_id, _before = seen(quarter, query)
    common: dict[str, Any] = {
        "agreement_id": agreement_id,
        "quarter": quarter,
        "statement": statement,
        "actor": actor,
        "now": datetime.now(UTC),
        "today": today(),
    }
    if kind == "attest":
        return report_answer(sign_offs.attest(db.session, **common), 201)
    return report_answer(sign_offs.approve(db.session, write=formatting, **common), 201)


@resource.reads_file("/<quarter>/protocol", query=AgreementQuerySchema, responses=PDF, etag=True)
def show_protocol(query: dict[str, Any], quarter: str) -> Response:
    """Give the protocol that was filed when the quarter was approved (PDF/A, the lines attached)"""
    return _file(asked(sign_offs.protocol, agreement_id=_readable(query), quarter=known_quarter(quarter), run=None))


def _readable(query: dict[str, Any]) -> int:
    """Give the agreement to a reader of all trusts; to others there is no such thing."""
    if current_actor().scope("read") is not None:
        raise NotFound("there is no such reconciliation")
    return find_agreement(db.session, query["agreement"]).id


def _dispute(query: dict[str, Any], quarter: str, number: str) -> RecordedDispute:
    found = asked(disputes.find_dispute, agreement_id=_readable(query), number=number, known_at=query.get("known_at"))
    if found.quarter != known_quarter(quarter):
        raise NotFound("there is no such dispute in this quarter")
    return found


def _dispute_answer(dispute: RecordedDispute, status: int) -> Response:
    response = json_answer(DisputeSchema().dump(dispute), status)
    response.set_etag(_tag(dispute))
    return response


def _tag(dispute: RecordedDispute) -> str:
    return etag_of(DisputeSchema().dump(dispute))


def _file(file: File) -> Response:
    return file_answer(file.content, file.media_type, file.filename)
