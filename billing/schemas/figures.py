"""Headline figures on the wire: the id under which a figure is the same everywhere, and its exact value beside it."""

from __future__ import annotations

from marshmallow import fields

from contracts.schemas.fields import TermsSchema


class FigureSchema(TermsSchema):
    """A figure: ``value`` is whole øre, an ISO day or a word; empty where it is not known."""

    id = fields.String(required=True)
    value = fields.String(required=True, attribute="wire")
