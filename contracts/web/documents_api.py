"""API of the document store: file a document, add a version, read what is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, request

from contracts import documents
from contracts.errors import Denied
from contracts.extensions import db
from contracts.schemas.filed_documents import FiledDocumentSchema, FileQuerySchema
from contracts.web import api
from contracts.web.api import file_body, json_answer, uploaded
from contracts.web.conditional import etag_of, require_match
from contracts.web.guard import current_actor
from contracts.web.resources import Resource

resource = Resource("documents", __name__, url_prefix=f"{api.PREFIX}/documents", description="Documents as evidence.")
TYPES = tuple(sorted(set(documents.MEDIA_TYPES.values())))
BODY = file_body(*TYPES, description="The file, as the body itself or in the part `file`; it is kept byte for byte.")


@resource.writes(
    "",
    "usage.correct",
    FiledDocumentSchema,
    "The document is filed as its version 1.",
    body=BODY,
    query=FileQuerySchema,
)
def file_document(query: dict[str, Any]) -> Response:
    """File a document as evidence"""
    actor = current_actor()
    actor.require("usage.correct", query["trust"])
    if query["trust"] is None and actor.scope("usage.correct") is not None:
        raise Denied("name the trust whose document it is")
    filename, content = uploaded(*TYPES, usual_name=_usual_name())
    filed = documents.add_document(
        db.session,
        kind="evidence",
        title=query["title"],
        subject="usage",
        trust=query["trust"],
        filename=filename,
        content=content,
        actor=actor,
        now=datetime.now(UTC),
    )
    return json_answer(FiledDocumentSchema().dump(filed), 201, {"Location": f"{api.PREFIX}/documents/{filed.id}"})


@resource.reads("/<int:document_id>", FiledDocumentSchema, "The document with its versions.", problems=(404,))
def show_document(document_id: int) -> Response:
    """Give a document with its versions"""
    filed = documents.find_document(db.session, document_id, actor=current_actor())
    response = json_answer(FiledDocumentSchema().dump(filed))
    response.set_etag(_tag(filed))
    return response


@resource.writes(
    "/<int:document_id>/versions",
    "usage.correct",
    FiledDocumentSchema,
    "The file is the newest version; the newest version's bytes again change nothing.",
    body=BODY,
    etag=False,
    match=True,
)
def add_version(document_id: int) -> Response:
    """Add a version to a document"""
    actor = current_actor()
    filed = documents.find_document(db.session, document_id, actor=actor)
    actor.require("usage.correct", filed.trust)
    require_match(_tag(filed))
    filename, content = uploaded(*TYPES, usual_name=_usual_name())
    newer = documents.add_version(
        db.session,
        document_id=document_id,
        filename=filename,
        content=content,
        note=None,
        actor=actor,
        now=datetime.now(UTC),
    )
    response = json_answer(FiledDocumentSchema().dump(newer), 201)
    response.set_etag(_tag(newer))
    return response


@resource.reads_file(
    "/<int:document_id>/versions/<int:number>",
    problems=(401, 403, 404),
    responses={200: {"description": "The bytes as they came.", "content": {"application/octet-stream": {}}}},
    etag=True,
)
def show_version(document_id: int, number: int) -> Response:
    """Give a version's bytes as they came"""
    version, content = documents.version_bytes(db.session, document_id, number, actor=current_actor())
    response = Response(content, content_type="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=version.filename)
    response.set_etag(version.sha256)
    return response


def _tag(filed: documents.FiledDocument) -> str:
    return etag_of(filed.id, len(filed.versions), filed.newest.sha256)


def _usual_name() -> str:
    ending = next((name for name, kind in documents.MEDIA_TYPES.items() if kind == request.mimetype), "txt")
    return f"document.{ending}"
