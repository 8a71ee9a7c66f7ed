"""API: which counts are in, and the corrections that were recorded."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.quarters import corrections
from billing.quarters import coverage as usage_coverage
from billing.quarters.coverage import Coverage
from billing.schemas.corrections import CorrectionPageSchema, CorrectionQuerySchema, RecordedCorrectionSchema
from billing.schemas.coverage import CoverageQuerySchema, CoverageSchema
from billing.web.quarters.coverage import cells_answer
from billing.web.query import today
from contracts.agreements import find_agreement
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema
from contracts.terms.period import Period
from contracts.web import api
from contracts.web.api import ApiBlueprint, answers, described, from_cursor, json_answer, to_cursor
from contracts.web.conditional import etagged
from contracts.web.guard import current_actor, requires
from contracts.web.table_files import XLSX

coverage = ApiBlueprint("coverage", __name__, url_prefix=api.PREFIX, description="Which counts are in.")
corrected = ApiBlueprint(
    "corrections", __name__, url_prefix=f"{api.PREFIX}/corrections", description="Corrections of the buyer's own count."
)


@coverage.route("/coverage", methods=["GET"])
@requires("read")
@answers(CoverageSchema, description="The document of `usage coverage --json`.", problems=(404, 409))
@etagged
@coverage.arguments(CoverageQuerySchema, location="query")
def show_coverage(query: dict[str, Any]) -> Response:
    """Say which counts of a quarter are in, and who must deliver the others"""
    return json_answer(CoverageSchema().dump(_found(query)))


@coverage.route("/coverage.<any(csv,xlsx):suffix>", methods=["GET"])
@requires("read")
@described(
    responses={
        200: {
            "description": "Every cell of the quarter, one a row.",
            "content": {"text/csv": {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string"}}},
        }
    },
    problems=(401, 403, 404, 409),
)
@etagged
@coverage.arguments(CoverageQuerySchema, location="query")
def list_coverage(query: dict[str, Any], suffix: str) -> Response:
    """Give the cells of a quarter as a file"""
    return cells_answer(_found(query).cells, suffix, f"coverage-{query['quarter']}")


def _found(query: dict[str, Any]) -> Coverage:
    return usage_coverage.coverage(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        period=Period.parse(query["quarter"]),
        actor=current_actor(),
        today=today(),
        trust=query["trust"],
        known_at=query["known_at"],
    )


@corrected.route("", methods=["GET"])
@requires("read")
@answers(CorrectionPageSchema, description="The corrections, newest first.", problems=(404, 409))
@etagged
@corrected.arguments(CorrectionQuerySchema, location="query")
def list_corrections(query: dict[str, Any]) -> Response:
    """List the corrections"""
    before = from_cursor(query["after"], api.whole)
    found = corrections.list_corrections(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        actor=current_actor(),
        trust=query["trust"],
        known_at=query["known_at"],
    )
    rows = [each for each in found if before is None or each.id < before[0]]
    shown = rows[: query["limit"]]
    more = len(rows) > len(shown)
    return json_answer(
        {
            "items": [RecordedCorrectionSchema().dump(each) for each in shown],
            "next": to_cursor(shown[-1].id) if more else None,
        }
    )


@corrected.route("/<int:correction_id>", methods=["GET"])
@requires("read")
@answers(RecordedCorrectionSchema, description="The correction.", problems=(404, 409))
@etagged
@corrected.arguments(AgreementQuerySchema, location="query")
def show_correction(query: dict[str, Any], correction_id: int) -> Response:
    """Give one correction"""
    found = corrections.find_correction(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        correction_id=correction_id,
        actor=current_actor(),
    )
    return json_answer(RecordedCorrectionSchema().dump(found))
