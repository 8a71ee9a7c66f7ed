"""API: tolerances: what counts as rounding, drafted by one person and approved by another."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.reconciliation import tolerances
from billing.reconciliation.tolerances import AgreedTolerance
from billing.schemas import reconciliation_answers as shapes
from billing.schemas.reconciliation_requests import (
    AsKnownQuerySchema,
    NewToleranceSchema,
    ToleranceDecisionSchema,
    load_tolerance,
    load_tolerance_decision,
)
from contracts.agreements import find_agreement, lock_agreement
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema
from contracts.web import api
from contracts.web.acts import acted, asked
from contracts.web.api import document_body, json_answer, json_body
from contracts.web.conditional import etag_of, require_match
from contracts.web.resources import Resource

resource = Resource(
    "tolerances",
    __name__,
    url_prefix=f"{api.PREFIX}/reconciliations/tolerances",
    description="What counts as rounding, from which day on.",
)
TOLERANCE = {
    "valid_from": "2027-01-01",
    "line": "0.02",
    "invoice": "5.00",
    "tax": "1.00",
    "clause": "9.4",
    "reason": "Agreed in the quarterly meeting.",
}


@resource.reads("", shapes.AgreedTolerancePageSchema, "The tolerances, newest draft first.", query=AsKnownQuerySchema)
def list_agreed_tolerances(query: dict[str, Any]) -> Any:
    """List the tolerances with who drafted and who decided"""
    return asked(
        tolerances.list_tolerances,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        known_at=query["known_at"],
    )


@resource.writes(
    "",
    tolerances.DRAFT,
    shapes.AgreedToleranceSchema,
    "The draft waits for approval.",
    body=document_body(NewToleranceSchema, examples={"peppol": TOLERANCE}),
    query=AgreementQuerySchema,
    etag=True,
)
def draft_tolerance(query: dict[str, Any]) -> Response:
    """Draft a tolerance from a day on"""
    valid_from, tolerance, clause, reason = load_tolerance(json_body())
    drafted = acted(
        tolerances.draft_tolerance,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        valid_from=valid_from,
        tolerance=tolerance,
        clause=clause,
        reason=reason,
    )
    return _answer(drafted, 201)


@resource.reads(
    "/<int(max=2147483647):tolerance_id>", shapes.AgreedToleranceSchema, "The tolerance.", query=AgreementQuerySchema
)
def show_tolerance(query: dict[str, Any], tolerance_id: int) -> Response:
    """Give a tolerance"""
    return _answer(_found(find_agreement(db.session, query["agreement"]).id, tolerance_id), 200)


@resource.writes(
    "/<int(max=2147483647):tolerance_id>/decisions",
    tolerances.APPROVE,
    shapes.AgreedToleranceSchema,
    "The tolerance is decided.",
    body=document_body(ToleranceDecisionSchema, examples={"approve": {"decision": "approved"}}),
    query=AgreementQuerySchema,
    match=True,
)
def decide_tolerance(query: dict[str, Any], tolerance_id: int) -> Response:
    """Approve or decline a tolerance that somebody else drafted"""
    body = load_tolerance_decision(json_body())
    agreement_id = find_agreement(db.session, query["agreement"]).id
    lock_agreement(db.session, agreement_id)
    require_match(_tag(_found(agreement_id, tolerance_id)))
    decided = acted(tolerances.decide_tolerance, agreement_id=agreement_id, draft_id=tolerance_id, **body)
    return _answer(decided, 201)


def _found(agreement_id: int, tolerance_id: int) -> AgreedTolerance:
    listed = asked(tolerances.list_tolerances, agreement_id=agreement_id)
    found = next((each for each in listed if each.id == tolerance_id), None)
    if found is None:
        raise NotFound("there is no such tolerance")
    return found


def _answer(tolerance: AgreedTolerance, status: int) -> Response:
    response = json_answer(shapes.AgreedToleranceSchema().dump(tolerance), status)
    response.set_etag(_tag(tolerance))
    return response


def _tag(tolerance: AgreedTolerance) -> str:
    return etag_of(tolerance.version)
