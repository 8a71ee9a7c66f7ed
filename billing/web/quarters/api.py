"""API: quarters: their course, close one, open it again, the document that a run froze."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.quarters import closing as quarters
from billing.quarters.closing import QuarterReport
from billing.schemas.quarters import (
    ClosedSchema,
    CloseSchema,
    QuarterPageSchema,
    QuarterQuerySchema,
    QuarterReportSchema,
    QuarterStateSchema,
    ReopenSchema,
    RunQuerySchema,
    dump_closed,
    dump_report,
    dump_state,
    load_close,
    load_reason,
)
from contracts.agreements import find_agreement, lock_agreement
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema
from contracts.web import api
from contracts.web.acts import acted, asked, today
from contracts.web.api import document_body, json_answer, json_body
from contracts.web.conditional import etag_of, require_match
from contracts.web.guard import current_actor
from contracts.web.resources import Resource

resource = Resource(
    "quarters", __name__, url_prefix=f"{api.PREFIX}/quarters", description="Quarters that close and stand."
)


@resource.reads("", QuarterPageSchema, "The quarters that have begun, newest first.", query=QuarterQuerySchema)
def list_quarters(query: dict[str, Any]) -> Response:
    """List the quarters with their runs"""
    actor = current_actor()
    states = quarters.list_quarters(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        actor=actor,
        today=today(),
        known_at=query["known_at"],
    )
    whole = actor.scope("read") is None
    return json_answer({"items": [dump_state(state, total=whole) for state in states], "next": None})


@resource.reads("/<quarter>", QuarterReportSchema, "The quarter; its ETag is what a close sends.", query=RunQuerySchema)
def show_quarter(query: dict[str, Any], quarter: str) -> Response:
    """Give a quarter's course, the frozen lines and what came later"""
    report = _report(
        quarter,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        trust=query["trust"],
        known_at=query["known_at"],
    )
    return _answer(dump_report(report), 200)


@resource.reads_file(
    "/<quarter>/runs/<int:run>",
    query=AgreementQuerySchema,
    responses={200: {"description": "The frozen document, byte for byte.", "content": {"application/json": {}}}},
    etag=True,
)
def show_run(query: dict[str, Any], quarter: str, run: int) -> Response:
    """Give the document that a run froze"""
    found, content = asked(
        quarters.run_bytes,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        quarter=_known(quarter),
        run=run,
    )
    response = Response(content, content_type="application/json")
    response.set_etag(found.sha256)
    return response


@resource.writes(
    "/<quarter>/closings",
    quarters.ACT,
    ClosedSchema,
    "The quarter is closed: a new run.",
    also={200: "It was closed already; nothing was done."},
    body=document_body(CloseSchema, examples={"all_in": {}}),
    query=AgreementQuerySchema,
    etag=False,
    match=True,
)
def close_quarter(query: dict[str, Any], quarter: str) -> Response:
    """Freeze the expected charges of a quarter that is over

    409 `coverage_missing` where counts are missing and `accept_missing` does not say that this is known.
    """
    accepted = load_close(json_body())
    agreement_id = find_agreement(db.session, query["agreement"]).id
    _require_state(quarter, agreement_id)
    closed = acted(quarters.close, agreement_id=agreement_id, quarter=quarter, today=today(), accept_missing=accepted)
    return json_answer(dump_closed(closed), 201 if closed.status == "closed" else 200)


@resource.writes(
    "/<quarter>/reopenings",
    quarters.ACT,
    QuarterStateSchema,
    "The run that stood is out of force.",
    body=document_body(ReopenSchema, examples={"late": {"reason": "The file for September came late."}}),
    query=AgreementQuerySchema,
    match=True,
)
def reopen_quarter(query: dict[str, Any], quarter: str) -> Response:
    """Open a closed quarter again, with a reason; its run stays readable"""
    reason = load_reason(json_body())
    agreement_id = find_agreement(db.session, query["agreement"]).id
    _require_state(quarter, agreement_id)
    acted(quarters.reopen, agreement_id=agreement_id, quarter=quarter, reason=reason, today=today())
    report = _report(quarter, agreement_id=agreement_id)
    response = json_answer(dump_state(report.state), 201)
    response.set_etag(etag_of(dump_report(report)))
    return response


def _report(quarter: str, **options: Any) -> QuarterReport:
    return asked(quarters.quarter_report, quarter=_known(quarter), today=today(), **options)


def _require_state(quarter: str, agreement_id: int) -> None:
    """Take the lock that keeps the state, then see whether it is the one that the caller saw."""
    lock_agreement(db.session, agreement_id)
    require_match(etag_of(dump_report(_report(quarter, agreement_id=agreement_id))))


def _answer(document: dict[str, Any], status: int) -> Response:
    response = json_answer(document, status)
    response.set_etag(etag_of(document))
    return response


def _known(quarter: str) -> str:
    try:
        quarters.parse_quarter(quarter)
    except InvalidInput:
        raise NotFound(f"there is no quarter '{quarter}'") from None
    return quarter
