"""Documents of the store on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from contracts.schemas.answers import INSTANT
from contracts.schemas.fields import CODE, IsoText, TermsSchema, Text
from contracts.terms.filed_document import LONGEST


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
    file = fields.String(required=True, attribute="filename")
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True, metadata={"pattern": "^[0-9a-f]{64}$"})
    note = fields.String(required=True, allow_none=True)
    recorded_at = IsoText(required=True, metadata=INSTANT)
    recorded_by = fields.String(required=True)


class FiledDocumentSchema(TermsSchema):
    """A titled document with its versions, oldest first."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    trust = fields.String(required=True, allow_none=True)
    versions = fields.List(fields.Nested(DocumentVersionSchema), required=True)
