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
from contracts.agreements import find_agreement
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema
from contracts.terms.period import Period
from contracts.web import api
from contracts.web.acts import asked, today
from contracts.web.api import from_cursor, to_cursor
from contracts.web.resources import Page, Resource

coverage = Resource("coverage", __name__, url_prefix=api.PREFIX, description="Which counts are in.")
corrected = Resource(
    "corrections", __name__, url_prefix=f"{api.PREFIX}/corrections", description="Corrections of the buyer's own count."
)


@coverage.reads("/coverage", CoverageSchema, "The document of `usage coverage --json`.", query=CoverageQuerySchema)
def show_coverage(query: dict[str, Any]) -> Any:
    """Say which counts of a quarter are in, and who must deliver the others"""
    return _found(query)


@coverage.reads_file(
    "/coverage.<table:suffix>",
    query=CoverageQuerySchema,
    told="Every cell of the quarter, one a row.",
    etag=True,
)
def list_coverage(query: dict[str, Any], suffix: str) -> Response:
    """Give the cells of a quarter as a file"""
    return cells_answer(_found(query).cells, suffix, f"coverage-{query['quarter']}")


def _found(query: dict[str, Any]) -> Coverage:
    return asked(
        usage_coverage.coverage,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        period=Period.parse(query["quarter"]),
        today=today(),
        trust=query["trust"],
        known_at=query["known_at"],
    )


@corrected.reads("", CorrectionPageSchema, "The corrections, newest first.", query=CorrectionQuerySchema)
def list_corrections(query: dict[str, Any]) -> Any:
    """List the corrections"""
    before = from_cursor(query["after"], api.whole)
    found = asked(
        corrections.list_corrections,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        trust=query["trust"],
        known_at=query["known_at"],
    )
    rows = [each for each in found if before is None or each.id < before[0]]
    shown = rows[: query["limit"]]
    more = len(rows) > len(shown)
    return Page(shown, to_cursor(shown[-1].id) if more else None)


@corrected.reads("/<int:correction_id>", RecordedCorrectionSchema, "The correction.", query=AgreementQuerySchema)
def show_correction(query: dict[str, Any], correction_id: int) -> Any:
    """Give one correction"""
    return asked(
        corrections.find_correction,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        correction_id=correction_id,
    )
