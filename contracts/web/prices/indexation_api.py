"""API of index adjustment and deadlines: the clause, index values, requests and their decision, what is due when."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Response

from contracts import deadlines
from contracts.agreements import find_agreement, lock_agreement
from contracts.extensions import db
from contracts.prices import index_clauses, index_values, indexation
from contracts.reminders import reminders
from contracts.reminders.reminders import Reminded
from contracts.schemas import indexation as shapes
from contracts.schemas.answers import AgreementQuerySchema, PageQuerySchema
from contracts.schemas.deadlines import DeadlinePageSchema, ReminderPageSchema, dump_deadline
from contracts.schemas.effects import WeighedSchema
from contracts.schemas.fields import load, read_day
from contracts.schemas.index_values import ReadAs
from contracts.terms.indexation import IndexRequest
from contracts.web import api
from contracts.web.acts import acted, done, today
from contracts.web.agreements.effects_api import weighed_answer
from contracts.web.api import document_body, file_body, from_cursor, json_answer, json_body, to_cursor, uploaded
from contracts.web.conditional import etag_of, require_match
from contracts.web.guard import current_actor
from contracts.web.resources import Page, Resource

resource = Resource(
    "index_adjustment", __name__, url_prefix=api.PREFIX, description="Index adjustment: clause, values, requests."
)
due = Resource("due", __name__, url_prefix=api.PREFIX, description="What must be done by when.")

CSV = "table,series,base_year,month,value\n03013,TOTAL,2015,2024-09,136.4\n"
CLAUSE = {
    "index_name": "KPI",
    "table": "03013",
    "series": "TOTAL",
    "reading": "twelve_month",
    "base_month": None,
    "comparison_month": 9,
    "average_months": 1,
    "share": "0.85",
    "floor": None,
    "cap": "0.04",
    "limits_on": "price_change",
    "symmetric": False,
    "first_effective": "2025-01-01",
    "notice": 2,
    "notice_unit": "months",
    "clause": "7.3",
}


@resource.reads(
    "/agreements/<code:code>/index-clause", shapes.AgreedClauseSchema, "The index clause that stands.", problems=(404,)
)
def show_clause(code: str) -> Response:
    """Give what an agreement says about index adjustment"""
    return _clause_answer(code)


@resource.writes(
    "/agreements/<code:code>/index-clause",
    "index.draft",
    shapes.AgreedClauseSchema,
    "The clause is proposed; it stands once somebody else approves it.",
    method="PUT",
    body=document_body(shapes.IndexClauseSchema, description="The clause, whole.", examples={"clause": CLAUSE}),
    problems=(400, 404, 415, 422),
    match=True,
)
def propose_clause(code: str) -> Response:
    """Propose what an agreement shall say about index adjustment

    The former clause stays what it was for requests made under it.
    """
    clause = shapes.load_clause(json_body())
    agreement = find_agreement(db.session, code)
    lock_agreement(db.session, agreement.id)
    require_match(_clause_tag(agreement.id))
    done(index_clauses.propose, agreement_id=agreement.id, clause=clause)
    return _clause_answer(code)


@resource.writes(
    "/agreements/<code:code>/index-clause/decisions",
    "index.approve",
    shapes.AgreedClauseSchema,
    "It is decided; an approved clause stands.",
    body=document_body(
        shapes.ClauseDecisionSchema,
        description="What is decided.",
        examples={"approve": {"proposal": 1, "event": "approve"}},
    ),
    etag=True,
)
def decide_clause(code: str) -> Response:
    """Decide on a proposed index clause

    Whoever proposed it does not decide.
    """
    body = load(shapes.ClauseDecisionSchema(), json_body(), "#")
    acted(
        index_clauses.decide,
        agreement_id=find_agreement(db.session, code).id,
        proposal_id=body["proposal"],
        decision="approved" if body["event"] == "approve" else "declined",
        reason=body["reason"],
    )
    return _clause_answer(code, 201)


@resource.reads(
    "/index-values",
    shapes.IndexValuePageSchema,
    "Index values as retrieved last.",
    query=shapes.IndexValueQuerySchema,
    problems=(),
)
def list_values(query: dict[str, Any]) -> Any:
    """List index values"""
    after = from_cursor(query["after"], api.text, api.text, api.whole, read_day)
    found = index_values.list_values(
        db.session,
        table=query["table"],
        series=query["series"],
        base_year=query["base_year"],
        after=None if after is None else (after[0], after[1], after[2], after[3]),
        limit=query["limit"] + 1,
    )
    shown = found[: query["limit"]]
    last = shown[-1] if len(found) > len(shown) else None
    following = None if last is None else to_cursor(last.table, last.series, last.base_year, last.month.isoformat())
    return Page(shown, following)


@resource.writes(
    "/index-values",
    "index.draft",
    shapes.ImportedValuesSchema,
    "The values are recorded.",
    also={200: "The very same file is in already; nothing was done."},
    body=file_body(
        "text/csv",
        "application/json",
        description="CSV in UTF-8 with the header `table,series,base_year,month,value` or `table,base_year,month,value`, or a JSON-stat2 dataset.",
        example=CSV,
    ),
    query=shapes.ImportValuesQuerySchema,
    problems=(400, 409, 415, 422),
)
def import_values(query: dict[str, Any]) -> Response:
    """Take in a file of index values, all of it or nothing"""
    filename, content = uploaded("text/csv", "application/json", usual_name="index-values")
    day = today()
    done = acted(
        index_values.import_values,
        filename=filename,
        content=content,
        retrieved_on=query["retrieved_on"] or day,
        given=ReadAs(query["table"], query["base_year"]),
        today=day,
    )
    return json_answer(asdict(done) | {"ignored": list(done.ignored)}, 201 if done.status == "imported" else 200)


@resource.reads(
    "/index-requests",
    shapes.IndexRequestPageSchema,
    "Requests in the order they were made.",
    query=shapes.IndexRequestQuerySchema,
)
def list_requests(query: dict[str, Any]) -> Any:
    """List requests for index adjustment"""
    (after,) = from_cursor(query["after"], api.whole) or (0,)
    found = [
        one
        for one in indexation.list_requests(db.session, find_agreement(db.session, query["agreement"]).id)
        if one.id > after
    ]
    shown = found[: query["limit"]]
    following = to_cursor(shown[-1].id) if len(found) > len(shown) else None
    return Page(shown, following)


@resource.writes(
    "/index-requests",
    "index.draft",
    shapes.IndexRequestSchema,
    "The request is recorded: `requested`, or `lapsed` where it came after its deadline.",
    body=document_body(
        shapes.NewIndexRequestSchema,
        description="From which day.",
        examples={"new-year": {"effective_from": "2027-01-01"}},
    ),
    query=AgreementQuerySchema,
)
def request_adjustment(query: dict[str, Any]) -> Response:
    """Request an index adjustment with the values that are known now"""
    body = load(shapes.NewIndexRequestSchema(), json_body(), "#")
    made = acted(
        indexation.request_adjustment,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        effective_from=body["effective_from"],
        today=today(),
    )
    return _request_answer(made, 201, {"Location": f"{api.PREFIX}/index-requests/{made.id}"})


@resource.reads(
    "/index-requests/<int:request_id>", shapes.IndexRequestSchema, "The request with all it rests on.", problems=(404,)
)
def show_request(request_id: int) -> Response:
    """Give a request"""
    return _request_answer(indexation.find_request(db.session, request_id), 200)


@resource.reads(
    "/index-requests/<int:request_id>/effect",
    WeighedSchema,
    "What it costs to the end, and every guard that decides.",
    problems=(404,),
)
def effect(request_id: int) -> Response:
    """Weigh an index request that waits for approval"""
    return weighed_answer(indexation.weigh(db.session, request_id=request_id, today=today()))


@resource.writes(
    "/index-requests/<int:request_id>/transitions",
    "read",
    shapes.IndexRequestSchema,
    "The request is decided; an approved one stands in the price book.",
    body=document_body(
        shapes.IndexDecisionSchema, description="What is decided.", examples={"approve": {"event": "approve"}}
    ),
    match=True,
)
def decide(request_id: int) -> Response:
    """Approve or decline a request

    Whoever requested does not decide. A lapsed request is never approved. 409 where its cost to the end meets a guard, with
    every guard that refuses; a contract manager may ask to let it go over.
    """
    body = load(shapes.IndexDecisionSchema(), json_body(), "#")
    found = indexation.find_request(db.session, request_id)
    lock_agreement(db.session, found.agreement_id)
    require_match(_request_tag(indexation.find_request(db.session, request_id)))
    common: dict[str, Any] = {
        "request_id": request_id,
        "reason": body["reason"],
        "actor": current_actor(),
        "now": datetime.now(UTC),
        "today": today(),
    }
    if body["event"] == "approve":
        approval = {name: body[name] for name in ("retroactive", "delegation", "allow_over")}
        done = indexation.approve(db.session, **approval, **common)
    elif body["event"] == "ask_override":
        indexation.ask_override(db.session, **common)
        done = indexation.find_request(db.session, request_id)
    else:
        done = indexation.decline(db.session, **common)
    return _request_answer(done, 201)


@due.reads(
    "/deadlines", DeadlinePageSchema, "What is still to be done and what passed unmet, by date.", query=PageQuerySchema
)
def list_deadlines(query: dict[str, Any]) -> Response:
    """List the deadlines of an agreement"""
    day = today()
    listed = deadlines.upcoming(
        db.session,
        find_agreement(db.session, query["agreement"]).id,
        day,
        trust=current_actor().scope("read"),
    )
    after = from_cursor(query["after"], read_day, api.text, api.text)
    rest = [one for one in listed if after is None or (one.due_on, one.source, one.key) > after]
    shown = rest[: query["limit"]]
    more = len(rest) > len(shown)
    following = to_cursor(shown[-1].due_on.isoformat(), shown[-1].source, shown[-1].key) if more else None
    return json_answer({"items": [dump_deadline(one, day) for one in shown], "next": following})


@due.reads(
    "/reminders", ReminderPageSchema, "What was told of deadlines, to whom, newest first.", query=PageQuerySchema
)
def list_reminders(query: dict[str, Any]) -> Response:
    """List the reminders of an agreement's deadlines"""
    after = from_cursor(query["after"], api.whole)
    found = reminders.list_reminders(
        db.session,
        find_agreement(db.session, query["agreement"]).id,
        trust=current_actor().scope("read"),
        before=None if after is None else after[0],
        limit=query["limit"] + 1,
    )
    shown = found[: query["limit"]]
    following = to_cursor(shown[-1].id) if len(found) > len(shown) else None
    return json_answer({"items": [_reminder(one) for one in shown], "next": following})


def _reminder(one: Reminded) -> dict[str, Any]:
    return {
        "id": one.id,
        "deadline": f"{one.deadline.source}:{one.deadline.key}",
        "code": one.deadline.code,
        "due_on": one.deadline.due_on.isoformat(),
        "step": one.step,
        "on": one.on.isoformat(),
        "passed_over": one.passed_over,
        "told": [
            {
                "name": message.name,
                "address": message.address,
                "message_id": message.message_id,
                "state": message.state,
                "attempts": message.attempts,
                "repeats": message.repeats,
                "at": message.at.isoformat(),
            }
            for message in one.messages
        ],
    }


def _clause_answer(code: str, status: int = 200) -> Response:
    agreement = find_agreement(db.session, code)
    standing = indexation.standing_clause(db.session, agreement.id)
    told = {
        "agreement": agreement.code,
        "clause": None if standing is None else standing.terms,
        "proposed": index_clauses.waiting(db.session, agreement.id),
    }
    response = json_answer(shapes.AgreedClauseSchema().dump(told), status)
    response.set_etag(_clause_tag(agreement.id))
    return response


def _clause_tag(agreement_id: int) -> str:
    standing = indexation.standing_clause(db.session, agreement_id)
    proposed = index_clauses.waiting(db.session, agreement_id)
    return etag_of("index-clause", agreement_id, *(None if one is None else one.id for one in (standing, proposed)))


def _request_answer(request: IndexRequest, status: int, headers: dict[str, str] | None = None) -> Response:
    response = json_answer(shapes.IndexRequestSchema().dump(request), status, headers)
    response.set_etag(_request_tag(request))
    return response


def _request_tag(request: IndexRequest) -> str:
    return etag_of("index-request", request.id, request.state)
