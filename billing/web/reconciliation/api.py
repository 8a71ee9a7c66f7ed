"""API: reconciliations: a quarter as it stands, its runs, lines and findings, and the decisions about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Response

from billing.quarters.closing import parse_quarter
from billing.reconciliation import report as reconciliation_report
from billing.reconciliation import runs as reconciliation
from billing.reconciliation.lines import Selection, lines_of
from billing.reconciliation.report import Report
from billing.schemas import reconciliation_answers as shapes
from billing.schemas.reconciliation_answers import FoundSchema, ReconciliationSchema
from billing.schemas.reconciliation_requests import (
    AsKnownQuerySchema,
    AsRunQuerySchema,
    DecisionSchema,
    FindingsQuerySchema,
    LinesQuerySchema,
    PlacingSchema,
    ReasonSchema,
    load_decision,
    load_placing,
    load_reason,
)
from billing.web.reconciliation import files as reconciliation_files
from contracts.agreements import find_agreement, lock_agreement
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema
from contracts.web import api
from contracts.web.acts import acted, asked, today
from contracts.web.api import document_body, from_cursor, json_answer, json_body, to_cursor
from contracts.web.conditional import etag_of, require_match
from contracts.web.resources import Resource

resource = Resource(
    "reconciliations",
    __name__,
    url_prefix=f"{api.PREFIX}/reconciliations",
    description="Quarters whose invoices are held against what was due.",
)
CHANGED = "The quarter's reconciliation as it is now."


@resource.reads("", shapes.QuarterRowPageSchema, "The quarters, newest first.", query=AsKnownQuerySchema)
def list_reconciliations(query: dict[str, Any]) -> Any:
    """List the quarters with their course and the figures of their last runs"""
    return asked(
        reconciliation_report.list_quarters,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        today=today(),
        known_at=query["known_at"],
    )


@resource.reads(
    "/<quarter>",
    shapes.ReconciliationSchema,
    "The document of `reconcile --json`; its ETag is what a change sends.",
    query=AsRunQuerySchema,
)
def show_reconciliation(query: dict[str, Any], quarter: str) -> Response:
    """Give a quarter's reconciliation, as it is known or as a run froze it"""
    return report_answer(read_report(quarter, query), 200)


@resource.reads_file(
    "/<quarter>/runs/<int(max=2147483647):run>",
    query=AgreementQuerySchema,
    responses={200: {"description": "The frozen document, byte for byte.", "content": {"application/json": {}}}},
    etag=True,
)
def show_frozen_run(query: dict[str, Any], quarter: str, run: int) -> Response:
    """Give the document that a run froze"""
    found, content = asked(
        reconciliation_report.run_bytes,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        quarter=known_quarter(quarter),
        run=run,
    )
    response = Response(content, content_type="application/json")
    response.set_etag(found.sha256)
    return response


@resource.writes(
    "/<quarter>/runs",
    reconciliation.ACT,
    shapes.ReconciliationSchema,
    "A new run is frozen.",
    also={200: "Nothing has changed: the last run stands."},
    query=AgreementQuerySchema,
    problems=(404, 409),
    match=True,
)
def run_reconciliation(query: dict[str, Any], quarter: str) -> Response:
    """Match, explain and freeze what is known now; the same knowledge gives the same run"""
    agreement_id, before = seen(quarter, query)
    report = acted(reconciliation.record_run, agreement_id=agreement_id, quarter=quarter, today=today())
    return report_answer(report, 201 if len(report.runs) > len(before.runs) else 200)


@resource.reads("/<quarter>/lines", shapes.ReconciledLinePageSchema, "The lines.", query=LinesQuerySchema)
def list_lines(query: dict[str, Any], quarter: str) -> Response:
    """List what was held against what: invoice lines beside expected lines"""
    selection = Selection(query["differences"], query["trust"], query["code"], query["order"])
    rows = selection.of(lines_of(read_report(quarter, query)))
    return page_answer(rows, query, shapes.ReconciledLineSchema().dump, lambda row: str(row.key))


@resource.reads("/<quarter>/findings", shapes.FoundPageSchema, "The findings.", query=FindingsQuerySchema)
def list_findings(query: dict[str, Any], quarter: str) -> Response:
    """List the causes of the differences, document by document, then what was not invoiced"""
    rows = [
        each
        for each in read_report(quarter, query).found
        if query["trust"] in (None, each.finding.trust) and query["code"] in (None, each.finding.code)
    ]
    return page_answer(rows, query, FoundSchema().dump, lambda each: str(each.key))


@resource.reads_file("/<quarter>/lines.<table:suffix>", query=AsRunQuerySchema, etag=True)
def list_lines_as_table(query: dict[str, Any], quarter: str, suffix: str) -> Response:
    """List the lines as CSV or Excel"""
    return reconciliation_files.lines_file(read_report(quarter, query), suffix)


@resource.reads_file("/<quarter>/findings.<table:suffix>", query=AsRunQuerySchema, etag=True)
def list_findings_as_table(query: dict[str, Any], quarter: str, suffix: str) -> Response:
    """List the findings as CSV or Excel"""
    return reconciliation_files.findings_file(read_report(quarter, query), suffix)


@resource.writes(
    "/<quarter>/findings/decisions",
    reconciliation.ACT,
    shapes.ReconciliationSchema,
    CHANGED,
    body=document_body(
        DecisionSchema, examples={"note": {"findings": ["0123456789abcdef0123"], "decision": "noted", "comment": ""}}
    ),
    query=AgreementQuerySchema,
    match=True,
)
def decide_findings(query: dict[str, Any], quarter: str) -> Response:
    """Decide about findings, or about lines of the sample, by their ids"""
    body = load_decision(json_body())
    agreement_id, _before = seen(quarter, query)
    report = acted(
        reconciliation.decide,
        agreement_id=agreement_id,
        quarter=quarter,
        keys=body["findings"],
        decision=body["decision"],
        comment=body["comment"],
        today=today(),
    )
    return report_answer(report, 201)


@resource.writes(
    "/<quarter>/placings",
    reconciliation.ACT,
    shapes.ReconciliationSchema,
    CHANGED,
    body=document_body(
        PlacingSchema,
        examples={"trust": {"document": "0" * 64, "lines": ["4"], "trust": "oslo", "comment": "By phone."}},
    ),
    query=AgreementQuerySchema,
    match=True,
)
def place_invoice_lines(query: dict[str, Any], quarter: str) -> Response:
    """Say what invoice lines are about, or that they are matched rightly as they are"""
    sha256, lines, place, comment = load_placing(json_body())
    agreement_id, _before = seen(quarter, query)
    report = acted(
        reconciliation.place_lines,
        agreement_id=agreement_id,
        quarter=quarter,
        sha256=sha256,
        lines=lines,
        place=place,
        comment=comment,
        today=today(),
    )
    return report_answer(report, 201)


@resource.writes(
    "/<quarter>/reopenings",
    reconciliation.ACT,
    shapes.ReconciliationSchema,
    CHANGED,
    body=document_body(ReasonSchema, examples={"late": {"reason": "A credit note came late."}}),
    query=AgreementQuerySchema,
    match=True,
)
def reopen_reconciliation(query: dict[str, Any], quarter: str) -> Response:
    """Open a signed reconciliation again, with a reason; its run and signatures stay readable"""
    reason = load_reason(json_body())
    agreement_id, _before = seen(quarter, query)
    report = acted(reconciliation.reopen, agreement_id=agreement_id, quarter=quarter, reason=reason, today=today())
    return report_answer(report, 201)


def read_report(quarter: str, query: dict[str, Any]) -> Report:
    """Read a quarter's reconciliation as a query asks for it."""
    return asked(
        reconciliation_report.report,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        quarter=known_quarter(quarter),
        today=today(),
        known_at=query.get("known_at"),
        run=query.get("run"),
    )


def seen(quarter: str, query: dict[str, Any]) -> tuple[int, Report]:
    """Take the lock that keeps the state, then see whether it is the one that the caller saw."""
    agreement_id = find_agreement(db.session, query["agreement"]).id
    lock_agreement(db.session, agreement_id)
    report = read_report(quarter, query)
    require_match(_tag(report))
    return agreement_id, report


def report_answer(report: Report, status: int) -> Response:
    """Answer with a reconciliation and the tag of its state."""
    response = json_answer(ReconciliationSchema().dump(report), status)
    response.set_etag(_tag(report))
    return response


def page_answer(
    rows: Sequence[Any], query: dict[str, Any], dump: Callable[[Any], Any], key_of: Callable[[Any], str]
) -> Response:
    """Answer with the part of a listing that a query asks for; a row is known by its key."""
    after = from_cursor(query["after"], api.text)
    start = 0
    if after is not None:
        start = next((place for place, row in enumerate(rows, start=1) if key_of(row) == after[0]), len(rows))
    shown = rows[start : start + query["limit"]]
    more = start + len(shown) < len(rows)
    return json_answer(
        {"items": [dump(row) for row in shown], "next": to_cursor(key_of(shown[-1])) if more and shown else None}
    )


def known_quarter(quarter: str) -> str:
    """Give the quarter's label; what is no quarter is not there."""
    try:
        parse_quarter(quarter)
    except InvalidInput:
        raise NotFound(f"there is no quarter '{quarter}'") from None
    return quarter


def _tag(report: Report) -> str:
    return etag_of(report.version, ReconciliationSchema().dump(report))
