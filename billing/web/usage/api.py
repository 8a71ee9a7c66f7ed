"""API: the buyer's own count: take a file in, read the daily counts, correct one."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import IO, Any, Final

from flask import Response, request
from werkzeug.datastructures import FileStorage

from billing.charges import import_effect
from billing.charges.import_effect import ReversalEffect
from billing.quarters import corrections
from billing.schemas import answers as shapes
from billing.schemas.answers import EntrySchema
from billing.schemas.usage import CorrectionSchema, dump_import, load_correction
from billing.schemas.usage_imports import (
    UsageCheckSchema,
    UsageDeliveryPageSchema,
    UsageReceiptSchema,
    UsageReversalEffectSchema,
    UsageReversalSchema,
    dump_check,
    load_reversal,
)
from billing.usage import cells as usage_cells
from billing.usage import deliveries, metering
from billing.usage import receipts as usage_receipts
from billing.usage import reversals as usage_upkeep
from billing.usage import sources as usage_sources
from billing.usage import uploads as usage_uploads
from billing.usage.cells import Cell
from billing.usage.errors import errors_table
from billing.usage.readings import Reading
from billing.usage.receipts import Receipt
from contracts.agreements import find_agreement, lock_agreement
from contracts.errors import Finding, InvalidInput, NotFound
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema, PageQuerySchema
from contracts.schemas.documents import parse_json
from contracts.schemas.fields import read_day
from contracts.schemas.jobs import JobSchema
from contracts.web import api
from contracts.web.acts import acted, asked
from contracts.web.api import (
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
from contracts.web.conditional import etag_of, require_match
from contracts.web.exports import table_answer
from contracts.web.exports.excel import XLSX
from contracts.web.guard import current_actor, requires
from contracts.web.i18n import current_language
from contracts.web.idempotency import once
from contracts.web.problems import problem
from contracts.web.resources import Page, Resource
from contracts.web.work.jobs_api import accepted

resource = Resource("usage", __name__, url_prefix=api.PREFIX, description="The buyer's own count.")

ASYNC_FROM: Final = 4 * 1024 * 1024
MEDIA_TYPES: Final = ("text/csv", "text/plain", XLSX, "application/vnd.apache.parquet")
CSV = "trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2026-07-01,12\n"
CORRECTION = {
    "trust": "vestre-viken",
    "algorithm": "xray-skeletal",
    "on": "2026-07-01",
    "change": -2,
    "reason": "Two examinations were counted twice.",
    "reason_code": "counted_twice",
}


@resource.url_value_preprocessor
def allow_large_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Take a form's file as large as an import may be: it is spooled to disk, which a bare body is not."""
    if endpoint == "usage.import_usage" and request.mimetype == "multipart/form-data":
        request.max_content_length = usage_uploads.LARGEST + 1024 * 1024


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
    responses={
        202: {
            "description": "The file is taken in by a job; its result names the check, which tells what was found.",
            "content": {api.JSON: {"schema": JobSchema}},
        }
    },
    body=file_body(
        *MEDIA_TYPES,
        description="CSV with one of the three plain headers, or a workbook; `multipart/form-data` may bring a "
        "`reading` (JSON as `usage source` takes it) beside the `file`.",
        example=CSV,
    ),
)
@once
@resource.arguments(shapes.ImportQuerySchema, location="query")
def import_usage(query: dict[str, Any]) -> Response:
    """Take in a file of events or of daily or monthly counts, all of it or nothing

    A refused file answers 422 with every error; `result` then is the document of `usage import --json`. With
    `Prefer: respond-async`, and for a file of more than 4 MB, the answer is 202 with a job instead.
    """
    agreement_id, actor = find_agreement(db.session, query["agreement"]).id, current_actor()
    reading, dry_run = _reading(), query["dry_run"] == "true"
    if reading is not None and query["source"] is not None:
        raise InvalidInput((Finding("#/reading", "twice", "name a source or send a reading, not both"),))
    file = request.files.get("file")
    if _async(file):
        filename, stream = _stream(file)
        return _hand_in(agreement_id, filename, stream, reading, query["source"], dry_run)
    filename, content = uploaded(*MEDIA_TYPES, usual_name="usage.csv")
    result = metering.import_usage(
        db.session,
        agreement_id=agreement_id,
        filename=filename,
        content=content,
        actor=actor,
        now=datetime.now(UTC),
        dry_run=dry_run,
        source=query["source"],
        reading=reading,
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


def _async(file: FileStorage | None) -> bool:
    """Tell whether the file is to be a job: because it was asked for, or because it is large."""
    if "respond-async" in [each.strip() for each in request.headers.get("Prefer", "").split(",")]:
        return True
    if file is None:
        return len(request.get_data()) > ASYNC_FROM
    size = file.stream.seek(0, 2)
    file.stream.seek(0)
    return size > ASYNC_FROM


def _stream(file: FileStorage | None) -> tuple[str, IO[bytes]]:
    if file is not None and len(request.files) == 1:
        return api.plain_name(file.filename) or "usage.csv", file.stream
    filename, content = uploaded(*MEDIA_TYPES, usual_name="usage.csv")
    return filename, io.BytesIO(content)


def _hand_in(
    agreement_id: int, filename: str, stream: IO[bytes], reading: Reading | None, source: str | None, dry_run: bool
) -> Response:
    actor, now = current_actor(), datetime.now(UTC)
    if source is not None:
        reading = usage_sources.find_source(db.session, agreement_id=agreement_id, name=source).reading
    upload = usage_uploads.begin(
        db.session, agreement_id=agreement_id, filename=filename, stream=stream, actor=actor, now=now
    )
    usage_uploads.choose_known(db.session, upload_id=upload.id, reading=reading, source=source, actor=actor)
    hand_in = usage_uploads.check if dry_run else usage_uploads.import_unseen
    return accepted(hand_in(db.session, upload_id=upload.id, actor=actor, now=now))


def _reading() -> Reading | None:
    """Read the form's part ``reading``, if it has one."""
    text = request.form.get("reading")
    if text is None:
        return None
    document = parse_json(text.encode())
    if not isinstance(document, dict):
        raise InvalidInput((Finding("#/reading", "not_an_object", "a reading is a JSON object"),))
    return usage_sources.from_document(document)


@resource.reads("/usage-imports", UsageDeliveryPageSchema, "The files taken in, newest first.", query=PageQuerySchema)
def list_imports(query: dict[str, Any]) -> Any:
    """List the files that were taken in"""
    (before,) = from_cursor(query["after"], api.whole) or (None,)
    found = asked(deliveries.list_deliveries, agreement_id=find_agreement(db.session, query["agreement"]).id)
    rows = [each for each in found if before is None or each.id < before]
    shown = rows[: query["limit"]]
    more = len(rows) > len(shown)
    return Page(shown, to_cursor(shown[-1].id) if more else None)


@resource.reads("/usage-imports/<int:import_id>", UsageReceiptSchema, "The receipt.", query=AgreementQuerySchema)
def show_import(query: dict[str, Any], import_id: int) -> Any:
    """Give the receipt of a file that was taken in"""
    agreement_id = find_agreement(db.session, query["agreement"]).id
    return _receipt(agreement_id, import_id)


@resource.reads(
    "/usage-imports/<int:import_id>/reversal-effect",
    UsageReversalEffectSchema,
    "What taking it back would change.",
    act="usage.correct",
    query=AgreementQuerySchema,
)
def show_reversal_effect(query: dict[str, Any], import_id: int) -> Any:
    """Say what taking an import back would change, in examinations and kroner"""
    agreement_id = find_agreement(db.session, query["agreement"]).id
    return _effect(agreement_id, import_id)


@resource.writes(
    "/usage-imports/<int:import_id>/reversals",
    "usage.correct",
    UsageReversalEffectSchema,
    "The import is taken back whole; what that changed.",
    body=document_body(UsageReversalSchema, description="Why.", examples={"wrong": {"reason": "The wrong file."}}),
    query=AgreementQuerySchema,
)
def reverse_import(query: dict[str, Any], import_id: int) -> Any:
    """Take a whole import back by signed entries"""
    wanted = load_reversal(json_body())
    agreement_id = find_agreement(db.session, query["agreement"]).id
    lock_agreement(db.session, agreement_id)
    effect = _effect(agreement_id, import_id)
    acted(usage_upkeep.reverse_import, agreement_id=agreement_id, import_id=import_id, reason=wanted.reason)
    return effect


@resource.reads(
    "/usage-imports/checks/<int:check_id>",
    UsageCheckSchema,
    "What is known of the file by now.",
    act="usage.import",
    problems=(404,),
)
def show_check(check_id: int) -> Response:
    """Say what a job found in a file of your own"""
    found = asked(usage_uploads.find, upload_id=check_id)
    return json_answer(dump_check(found, "en"))


@resource.reads_file(
    "/usage-imports/checks/<int:check_id>/errors.<table:suffix>",
    act="usage.import",
    problems=(401, 403, 404),
    told="All errors, one a row: row, column, code, error.",
    etag=True,
)
def list_errors(check_id: int, suffix: str) -> Response:
    """Give all errors of a file of your own as a file"""
    found = asked(usage_uploads.find, upload_id=check_id)
    errors = () if found.outcome is None else found.outcome.errors
    return table_answer(suffix, f"errors-{check_id}", errors_table(errors, current_language()))


def _receipt(agreement_id: int, import_id: int) -> Receipt:
    return asked(usage_receipts.find_receipt, agreement_id=agreement_id, import_id=import_id)


def _effect(agreement_id: int, import_id: int) -> ReversalEffect:
    return asked(import_effect.reversal_effect, agreement_id=agreement_id, import_id=import_id)


@resource.reads(
    "/usage", shapes.CellPageSchema, "Daily counts by day, trust and algorithm.", query=shapes.UsageQuerySchema
)
def list_usage(query: dict[str, Any]) -> Response:
    """List daily counts"""
    after = from_cursor(query["after"], read_day, api.text, api.text)
    cells = asked(
        usage_cells.list_cells,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
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
            "items": [shapes.UsageSchema().dump(cell) | {"etag": _tag(cell)} for cell in shown],
            "next": to_cursor(shown[-1].on.isoformat(), shown[-1].trust, shown[-1].algorithm) if more else None,
        }
    )


@resource.reads(
    "/usage/<code:trust>/<code:algorithm>/<on>",
    shapes.CellWithEntriesSchema,
    "The day's count and its entries, oldest first.",
    query=AgreementQuerySchema,
)
def show_usage(query: dict[str, Any], trust: str, algorithm: str, on: str) -> Response:
    """Give one day's count with the entries it is the sum of"""
    agreement_id = find_agreement(db.session, query["agreement"]).id
    return _cell_answer(agreement_id, trust, algorithm, _day(on), 200)


@resource.writes(
    "/corrections",
    "usage.correct",
    shapes.CellWithEntriesSchema,
    "The correction is recorded; the day's new count.",
    body=document_body(CorrectionSchema, description="What to add to a day's count.", examples={"less": CORRECTION}),
    query=AgreementQuerySchema,
    match=True,
)
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
    cell, entries = asked(usage_cells.find_cell, agreement_id=agreement_id, trust=trust, algorithm=algorithm, on=on)
    document = shapes.UsageSchema().dump(cell) | {
        "etag": _tag(cell),
        "entries": [EntrySchema().dump(entry) for entry in entries],
    }
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
