"""API: the buyer's own count: take a file in, read the daily counts, correct one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from flask import Response

from billing import corrections, metering, usage_cells
from billing.schemas import answers as shapes
from billing.schemas.usage import CorrectionSchema, dump_cell, dump_entry, dump_import, load_correction
from billing.usage_cells import Cell
from contracts.agreements import find_agreement, lock_agreement
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema
from contracts.schemas.fields import read_day
from contracts.web import api
from contracts.web.api import (
    ApiBlueprint,
    answers,
    described,
    document_body,
    file_body,
    from_cursor,
    json_answer,
    json_body,
    to_cursor,
    uploaded,
)
from contracts.web.conditional import ETAG_HEADER, etag_of, etagged, needs_match, require_match
from contracts.web.guard import current_actor, requires
from contracts.web.idempotency import once
from contracts.web.problems import problem

resource = ApiBlueprint("usage", __name__, url_prefix=api.PREFIX, description="The buyer's own count.")

CSV = "trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2026-07-01,12\n"
CORRECTION = {
    "trust": "vestre-viken",
    "algorithm": "xray-skeletal",
    "on": "2026-07-01",
    "change": -2,
    "reason": "Two examinations were counted twice.",
    "reason_code": "counted_twice",
}


@resource.route("/usage-imports", methods=["POST"])
@requires("usage.import")
@answers(
    shapes.UsageImportSchema,
    status=201,
    description="The file was taken in whole.",
    also={200: "The very same file was taken in before, or it was only checked (`dry_run`); nothing was done."},
    problems=(400, 404, 409, 415, 422),
)
@described(
    body=file_body(
        "text/csv",
        description="CSV in UTF-8 with the header `trust,algorithm,date,quantity` or `trust,algorithm,month,quantity`.",
        example=CSV,
    )
)
@once
@resource.arguments(shapes.ImportQuerySchema, location="query")
def import_usage(query: dict[str, Any]) -> Response:
    """Take in a file of daily or monthly counts, all of it or nothing

    A refused file answers 422 with every error; `result` then is the document of `usage import --json`.
    """
    filename, content = uploaded("text/csv", "text/plain", usual_name="usage.csv")
    result = metering.import_usage(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        filename=filename,
        content=content,
        actor=current_actor(),
        now=datetime.now(UTC),
        dry_run=query["dry_run"] == "true",
    )
    document = dump_import(result)
    if result.status != "refused":
        return json_answer(document, 201 if result.status == "imported" else 200)
    errors = [
        {"pointer": f"#/line/{error.row}/{error.column}" if error.column else f"#/line/{error.row}"} | each
        for error, each in zip(result.errors, document["errors"], strict=True)
    ]
    count = len(errors)
    detail = f"the file has {count} error{'' if count == 1 else 's'}; nothing of it was taken in"
    return problem(422, "refused", detail, errors=errors, result=document)


@resource.route("/usage", methods=["GET"])
@requires("read")
@answers(shapes.CellPageSchema, description="Daily counts by day, trust and algorithm.", problems=(404, 409))
@etagged
@resource.arguments(shapes.UsageQuerySchema, location="query")
def list_usage(query: dict[str, Any]) -> Response:
    """List daily counts"""
    after = from_cursor(query["after"], read_day, api.text, api.text)
    cells = usage_cells.list_cells(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        actor=current_actor(),
        trust=query["trust"],
        algorithm=query["algorithm"],
        from_on=query["from_on"],
        to_on=query["to_on"],
        after=None if after is None else (after[0], after[1], after[2]),
        limit=query["limit"] + 1,
    )
    shown = cells[: query["limit"]]
    more = len(cells) > len(shown)
    return json_answer(
        {
            "items": [dump_cell(cell) | {"etag": _tag(cell)} for cell in shown],
            "next": to_cursor(shown[-1].on.isoformat(), shown[-1].trust, shown[-1].algorithm) if more else None,
        }
    )


@resource.route("/usage/<code:trust>/<code:algorithm>/<on>", methods=["GET"])
@requires("read")
@answers(
    shapes.CellWithEntriesSchema, description="The day's count and its entries, oldest first.", problems=(404, 409)
)
@etagged
@resource.arguments(AgreementQuerySchema, location="query")
def show_usage(query: dict[str, Any], trust: str, algorithm: str, on: str) -> Response:
    """Give one day's count with the entries it is the sum of"""
    agreement_id = find_agreement(db.session, query["agreement"]).id
    return _cell_answer(agreement_id, trust, algorithm, _day(on), 200)


@resource.route("/corrections", methods=["POST"])
@requires("usage.correct")
@answers(
    shapes.CellWithEntriesSchema,
    status=201,
    description="The correction is recorded; the day's new count.",
    problems=(400, 404, 409, 415, 422),
)
@described(
    body=document_body(CorrectionSchema, description="What to add to a day's count.", examples={"less": CORRECTION}),
    headers=ETAG_HEADER,
)
@once
@needs_match
@resource.arguments(AgreementQuerySchema, location="query")
def correct_usage(query: dict[str, Any]) -> Response:
    """Correct a day's count by a signed entry

    If-Match is the `etag` of the day's count. Nothing is overwritten: the entries before stay what they are.
    """
    wanted, actor = load_correction(json_body()), current_actor()
    agreement_id = find_agreement(db.session, query["agreement"]).id
    lock_agreement(db.session, agreement_id)
    cell, _ = usage_cells.find_cell(
        db.session, agreement_id=agreement_id, actor=actor, trust=wanted.trust, algorithm=wanted.algorithm, on=wanted.on
    )
    require_match(etag_of(*_state(cell)))
    corrections.record_correction(
        db.session,
        agreement_id=agreement_id,
        trust=wanted.trust,
        algorithm=wanted.algorithm,
        on=wanted.on,
        change=wanted.change,
        reason_code=wanted.reason_code,
        reason=wanted.reason,
        evidence_id=wanted.evidence,
        actor=actor,
        now=datetime.now(UTC),
    )
    return _cell_answer(agreement_id, wanted.trust, wanted.algorithm, wanted.on, 201)


def _cell_answer(agreement_id: int, trust: str, algorithm: str, on: date, status: int) -> Response:
    cell, entries = usage_cells.find_cell(
        db.session, agreement_id=agreement_id, actor=current_actor(), trust=trust, algorithm=algorithm, on=on
    )
    document = dump_cell(cell) | {"etag": _tag(cell), "entries": [dump_entry(entry) for entry in entries]}
    response = json_answer(document, status)
    response.set_etag(etag_of(*_state(cell)))
    return response


def _state(cell: Cell) -> tuple[Any, ...]:
    """Name a state of a cell: entries are only added, so their number tells two states of the same sum apart."""
    return cell.trust, cell.algorithm, cell.on.isoformat(), cell.quantity, cell.entries


def _tag(cell: Cell) -> str:
    return f'"{etag_of(*_state(cell))}"'


def _day(text: str) -> date:
    try:
        return read_day(text)
    except ValueError:
        raise NotFound(f"there is no day '{text}'") from None
