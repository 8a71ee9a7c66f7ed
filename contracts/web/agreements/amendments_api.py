"""API of an agreement's amendments: drafts, their decision, what has to be announced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from contracts import amendments
from contracts.agreements import find_agreement, lock_agreement
from contracts.errors import Finding, invalid
from contracts.extensions import db
from contracts.schemas import amendments as shapes
from contracts.schemas.answers import ListQuerySchema
from contracts.schemas.effects import WeighedSchema
from contracts.schemas.fields import load
from contracts.terms.amendment import Recorded
from contracts.web import api
from contracts.web.acts import acted, today
from contracts.web.agreements.effects_api import weighed_answer
from contracts.web.api import document_body, from_cursor, json_answer, json_body, to_cursor
from contracts.web.conditional import etag_of, require_match
from contracts.web.guard import current_actor
from contracts.web.resources import Page, Resource

resource = Resource(
    "amendments_api", __name__, url_prefix=f"{api.PREFIX}/agreements", description="What changes an agreement."
)
NEW = {
    "kind": "change",
    "basis": "supplementary",
    "title": "Endringsavtale 2",
    "reason": "Flere undersøkelser enn ventet.",
    "signed_on": "2026-10-12",
    "new_maximum": "16800000.00",
}


@resource.reads(
    "/<code:code>/amendments",
    shapes.AmendmentPageSchema,
    "The amendments by number, drafts included.",
    query=ListQuerySchema,
    problems=(404,),
)
def list_amendments(query: dict[str, Any], code: str) -> Any:
    """List the amendments of an agreement"""
    (after,) = from_cursor(query["after"], api.whole) or (0,)
    found = [
        one
        for one in amendments.list_amendments(db.session, find_agreement(db.session, code).id)
        if one.amendment.number > after
    ]
    shown = found[: query["limit"]]
    following = to_cursor(shown[-1].amendment.number) if len(found) > len(shown) else None
    return Page(shown, following)


@resource.writes(
    "/<code:code>/amendments",
    "amendment.draft",
    shapes.AmendmentAnswerSchema,
    "The change is drafted; somebody else approves it.",
    body=document_body(shapes.NewAmendmentSchema, description="What is to change.", examples={"maximum": NEW}),
)
def draft(code: str) -> Response:
    """Draft a change of an agreement"""
    proposal = load(shapes.NewAmendmentSchema(), json_body(), "#")
    made = acted(amendments.draft, agreement_id=find_agreement(db.session, code).id, proposal=proposal, today=today())
    place = f"{api.PREFIX}/agreements/{code}/amendments/{made.amendment.number}"
    return _answer(code, made, 201, {"Location": place})


@resource.reads(
    "/<code:code>/amendments/<int:number>", shapes.AmendmentAnswerSchema, "The change with its course.", problems=(404,)
)
def show(code: str, number: int) -> Response:
    """Give an amendment"""
    return _answer(code, amendments.find(db.session, find_agreement(db.session, code).id, number), 200)


@resource.reads(
    "/<code:code>/amendments/<int:number>/effect",
    WeighedSchema,
    "What it costs to the end, and every guard that decides.",
    problems=(404,),
)
def effect(code: str, number: int) -> Response:
    """Weigh an amendment that waits for approval"""
    agreement_id = find_agreement(db.session, code).id
    return weighed_answer(amendments.weigh(db.session, agreement_id=agreement_id, number=number, today=today()))


@resource.writes(
    "/<code:code>/amendments/<int:number>/transitions",
    "read",
    shapes.AmendmentAnswerSchema,
    "What was asked for has happened.",
    body=document_body(
        shapes.AmendmentEventSchema, description="What is to happen.", examples={"approve": {"event": "approve"}}
    ),
    match=True,
)
def act(code: str, number: int) -> Response:
    """Approve, reject, take back or announce a change

    An approver who did not draft it approves or rejects; a contract manager takes it back, asks for an override or records its
    announcement. 409 where its cost to the end meets a guard, with every guard that refuses.
    """
    body = load(shapes.AmendmentEventSchema(), json_body(), "#")
    agreement_id = find_agreement(db.session, code).id
    lock_agreement(db.session, agreement_id)
    require_match(_tag(code, amendments.find(db.session, agreement_id, number)))
    common: dict[str, Any] = {
        "agreement_id": agreement_id,
        "number": number,
        "actor": current_actor(),
        "now": datetime.now(UTC),
        "today": today(),
    }
    if body["event"] == "approve":
        approval = {name: body[name] for name in ("reason", "given_in_time", "delegation", "allow_over")}
        done = amendments.approve(db.session, **approval, **common)
    elif body["event"] == "ask_override":
        amendments.ask_override(db.session, reason=body["reason"], **common)
        done = amendments.find(db.session, agreement_id, number)
    elif body["event"] == "reject":
        done = amendments.reject(db.session, reason=body["reason"], **common)
    elif body["event"] == "withdraw":
        done = amendments.withdraw(db.session, **common)
    else:
        if body["on"] is None:
            invalid([Finding("#/on", "missing", "say on which day it was announced")])
        done = amendments.announce(db.session, on=body["on"], reference=body["reason"], **common)
    return _answer(code, done, 201)


def _answer(code: str, found: Recorded, status: int, headers: dict[str, str] | None = None) -> Response:
    response = json_answer(shapes.AmendmentAnswerSchema().dump(found), status, headers)
    response.set_etag(_tag(code, found))
    return response


def _tag(code: str, found: Recorded) -> str:
    return etag_of("amendment", code, found.version)
