"""Documents of the store on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from contracts.schemas.answers import INSTANT
from contracts.schemas.fields import CODE, TermsSchema, Text
from contracts.terms.filed_document import LONGEST, FiledDocument, Version


class FileQuerySchema(TermsSchema):
    """What a document is called, and whose it is."""

    title = Text(required=True, validate=validate.Length(max=LONGEST, error=f"too_long: At most {LONGEST} characters."))
    trust = fields.String(
        load_default=None,
        validate=CODE,
        metadata={"description": "Whose document it is; left out: that of all trusts."},
    )


class DocumentVersionSchema(TermsSchema):
    """A version of a document; its bytes are at `/documents/{id}/versions/{number}`."""

    number = fields.Integer(required=True)
    file = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True, metadata={"pattern": "^[0-9a-f]{64}$"})
    note = fields.String(required=True, allow_none=True)
    recorded_at = fields.String(required=True, metadata=INSTANT)
    recorded_by = fields.String(required=True)


class FiledDocumentSchema(TermsSchema):
    """A titled document with its versions, oldest first."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    trust = fields.String(required=True, allow_none=True)
    versions = fields.List(fields.Nested(DocumentVersionSchema), required=True)


def dump_document(filed: FiledDocument) -> dict[str, Any]:
    """Write a titled document with its versions, oldest first."""
    return {
        "id": filed.id,
        "kind": filed.kind,
        "title": filed.title,
        "trust": filed.trust,
        "versions": [dump_version(version) for version in filed.versions],
    }


def dump_version(version: Version) -> dict[str, Any]:
    """Write one version of a document."""
    return {
        "number": version.number,
        "file": version.filename,
        "media_type": version.media_type,
        "size": version.size,
        "sha256": version.sha256,
        "note": version.note,
        "recorded_at": version.recorded_at.isoformat(),
        "recorded_by": version.recorded_by,
    }
