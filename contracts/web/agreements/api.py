"""API of what was agreed: agreements, trusts, algorithms, options.

Within one trust a reader gets that trust's own entry in the closed list, its own activations, and what is common to all:
the terms and the prices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Response

from contracts import agreements
from contracts.agreements import AgreementSummary
from contracts.cases import list_cases
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.people.access import Actor
from contracts.schemas import answers as shapes
from contracts.schemas.agreement import AlgorithmSchema, PartySchema, dump_agreement, load_agreement
from contracts.schemas.parties import dump_money
from contracts.terms.agreement import AgreementDocument
from contracts.terms.money import format_rate
from contracts.web import api
from contracts.web.acts import acted, asked
from contracts.web.api import document_body, from_cursor, json_answer, json_body, to_cursor
from contracts.web.guard import current_actor
from contracts.web.resources import Resource

agreement_resource = Resource(
    "agreements", __name__, url_prefix=f"{api.PREFIX}/agreements", description="Agreements, whole."
)
parties = Resource("parties", __name__, url_prefix=api.PREFIX, description="Who may join and what may be bought.")


@agreement_resource.reads(
    "", shapes.AgreementPageSchema, "The agreements, oldest record first.", query=shapes.ListQuerySchema, problems=()
)
def list_agreements(query: dict[str, Any]) -> Response:
    """List the agreements"""
    return _page([_summary(one) for one in agreements.readable(db.session, current_actor())], query)


@agreement_resource.writes(
    "",
    "agreement.import",
    shapes.ImportedAgreementSchema,
    "The agreement is recorded.",
    also={200: "The very same document is recorded already; nothing was done."},
    body=document_body(shapes.AgreementAnswerSchema, description="The document of `agreement import`."),
    problems=(400, 409, 415, 422),
)
def import_agreement() -> Response:
    """Take in an agreement, whole or not at all"""
    done = acted(agreements.import_agreement, document=load_agreement(json_body()))
    fresh = done.status == "imported"
    headers = {"Location": f"{api.PREFIX}/agreements/{done.code}"}
    return json_answer({"agreement": done.code, "status": done.status}, 201 if fresh else 200, headers)


@agreement_resource.reads(
    "/<code:code>",
    shapes.AgreementAnswerSchema,
    "The document that `agreement import` reads.",
    query=shapes.KnownQuerySchema,
    problems=(404,),
)
def export_agreement(query: dict[str, Any], code: str) -> Response:
    """Give an agreement whole, as it was known at an instant"""
    found = agreements.find_agreement(db.session, code)
    document = agreements.export_agreement(db.session, agreement_id=found.id, known_at=query["known_at"])
    return json_answer(dump_agreement(_within(document, current_actor())))


@parties.reads(
    "/trusts", shapes.TrustPageSchema, "The option holders in the agreement's own order.", query=shapes.PageQuerySchema
)
def list_trusts(query: dict[str, Any]) -> Response:
    """List the trusts on the agreement's closed list"""
    found = agreements.find_agreement(db.session, query["agreement"])
    scope = current_actor().scope("read")
    holders = agreements.option_holders(db.session, found.id)
    return _page([PartySchema().dump(holder.party) for holder in holders if scope in (None, holder.party.code)], query)


@parties.reads(
    "/algorithms", shapes.AlgorithmPageSchema, "The products on the marketplace list.", query=shapes.PageQuerySchema
)
def list_algorithms(query: dict[str, Any]) -> Response:
    """List the algorithms that may be activated"""
    found = agreements.find_agreement(db.session, query["agreement"])
    return _page([AlgorithmSchema().dump(one) for one in agreements.marketplace(db.session, found.id)], query)


@parties.reads(
    "/options", shapes.OptionPageSchema, "The document of `option list --json`, by pages.", query=shapes.PageQuerySchema
)
def list_options(query: dict[str, Any]) -> Response:
    """List the options and activations with their states"""
    found = agreements.find_agreement(db.session, query["agreement"])
    cases = asked(list_cases, agreement_id=found.id)
    return _page(shapes.OptionItemSchema(many=True).dump(cases), query)


def _page(rows: Sequence[dict[str, Any]], query: dict[str, Any]) -> Response:
    """Cut a short, fixed list at a place in it: lists of a contract only grow at their end."""
    (start,) = from_cursor(query["after"], api.whole) or (0,)
    end = start + query["limit"]
    return json_answer({"items": rows[start:end], "next": to_cursor(end) if end < len(rows) else None})


def _within(document: AgreementDocument, actor: Actor) -> AgreementDocument:
    """Keep of an agreement what a reader within one trust may see; `NotFound` where the trust is no option holder."""
    scope = actor.scope("read")
    if scope is None:
        return document
    own = tuple(holder for holder in document.option_holders if holder.party.code == scope)
    if not own:
        raise NotFound(f"there is no agreement '{document.code}'")
    return replace(
        document,
        option_holders=own,
        activations=tuple(activation for activation in document.activations if activation.trust == scope),
    )


def _summary(agreement: AgreementSummary) -> dict[str, Any]:
    term = agreement.term
    return {
        "code": agreement.code,
        "name": agreement.name,
        "reference": agreement.reference,
        "example": agreement.example,
        "buyer": PartySchema().dump(agreement.buyer),
        "vendor": PartySchema().dump(agreement.vendor),
        "start": term.start.isoformat(),
        "end": term.end.isoformat(),
        "currency": term.currency,
        "estimated_value": dump_money(agreement.estimated_value, term.currency),
        "maximum_value": dump_money(agreement.maximum_value, term.currency),
        "vat_rate": format_rate(agreement.vat_rate),
        "payment_days": agreement.payment_days,
        "recorded_at": agreement.recorded_at.isoformat(),
    }
