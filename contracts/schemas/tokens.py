"""Tokens as the API tells them, and how a new one, another secret and the end of one are asked for."""

from __future__ import annotations

from marshmallow import fields, validate

from contracts.schemas.answers import INSTANT, PageSchema
from contracts.schemas.fields import CODE, IsoText, TermsSchema, Text, Whole, of

STATES = ("active", "expired", "revoked")
_SHORT = validate.Length(max=200, error="too_long: At most 200 characters.")
_YEAR = validate.Range(1, 365, error="out_of_range: A token lives from 1 to 365 days.")


class NewTokenSchema(TermsSchema):
    """A token to be made; without ``acts`` it may do all that its role grants."""

    name = Text(required=True, validate=_SHORT, metadata={"description": "Which program uses it."})
    role = Text(required=True, validate=_SHORT)
    trust = Text(load_default=None, allow_none=True, validate=CODE, metadata={"description": "`null`: all trusts."})
    acts = fields.List(Text(validate=_SHORT), load_default=None, allow_none=True, validate=validate.Length(max=200))
    days = Whole(load_default=365, validate=_YEAR)


class RotationSchema(TermsSchema):
    """Another secret, which lives ``days``; the former one opens for ``former_days`` more."""

    days = Whole(load_default=365, validate=_YEAR)
    former_days = Whole(
        load_default=0,
        validate=validate.Range(0, 30, error="out_of_range: A former secret lives on for 30 days at most."),
    )


class TokenSchema(TermsSchema):
    """A token; of its secret nothing is told. Without ``expires_at`` it is from before tokens ended."""

    id = fields.String(required=True, attribute="public_id")
    name = fields.String(required=True)
    role = fields.String(required=True, attribute="grant.role")
    trust = fields.String(required=True, allow_none=True, attribute="grant.trust")
    acts = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        attribute=of(lambda token: None if token.acts is None else sorted(token.acts)),
    )
    created_at = IsoText(required=True, metadata=INSTANT)
    created_by = fields.String(required=True)
    expires_at = IsoText(required=True, allow_none=True, metadata=INSTANT)
    last_used_on = IsoText(required=True, allow_none=True, metadata={"format": "date"}, attribute="last_on")
    state = fields.String(required=True, validate=validate.OneOf(STATES))


class TokenPageSchema(PageSchema):
    """Tokens, newest first."""

    items = fields.List(fields.Nested(TokenSchema), required=True)


class IssuedTokenSchema(TokenSchema):
    """A token with its secret, which is told this once: a repeated request gets ``null``."""

    secret = fields.String(required=True, allow_none=True)
