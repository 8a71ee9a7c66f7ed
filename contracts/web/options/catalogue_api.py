"""API of the catalogue, of a case's expected gains, of stand-ins and of the limit for two approvers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Response

from contracts import agreements
from contracts.cases import Case, CaseId, find_case
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.models.base import LARGEST_ID
from contracts.options import catalogue, gains
from contracts.people import approval_limit, stand_ins
from contracts.schemas import catalogue as shapes
from contracts.schemas.answers import AgreementQuerySchema
from contracts.schemas.fields import load
from contracts.web import api
from contracts.web.acts import acted, asked
from contracts.web.api import document_body, json_answer, json_body
from contracts.web.conditional import require_match
from contracts.web.guard import current_actor
from contracts.web.resources import Resource

resource = Resource(
    "catalogue", __name__, url_prefix=api.PREFIX, description="What is known of the products, and what cases gain."
)


@resource.reads(
    "/algorithms/<code:algorithm>", shapes.ProductSchema, "All that is known of it.", query=AgreementQuerySchema
)
def show_algorithm(query: dict[str, Any], algorithm: str) -> Any:
    """Give a product with its evidence"""
    found = agreements.find_agreement(db.session, query["agreement"])
    return catalogue.find_product(db.session, found.id, algorithm)


@resource.writes(
    "/algorithms/<code:algorithm>/references",
    "catalogue.record",
    shapes.ReferenceSchema,
    "The reference is recorded.",
    body=document_body(shapes.NewReferenceSchema),
)
def record_reference(algorithm: str) -> Any:
    """Record a reference for validation or clinical testing"""
    return _record(shapes.NewReferenceSchema(), catalogue.record_reference, algorithm)


@resource.writes(
    "/algorithms/<code:algorithm>/descriptions",
    "catalogue.record",
    shapes.DescriptionSchema,
    "The description is recorded.",
    body=document_body(shapes.DescriptionSchema),
)
def describe_algorithm(algorithm: str) -> Any:
    """Record what a product is meant for"""
    return _record(shapes.DescriptionSchema(), catalogue.describe, algorithm)


@resource.writes(
    "/algorithms/<code:algorithm>/versions",
    "catalogue.record",
    shapes.ProductVersionSchema,
    "The version is recorded.",
    body=document_body(shapes.ProductVersionSchema),
)
def record_version(algorithm: str) -> Any:
    """Record a version that the maker released"""
    return _record(shapes.ProductVersionSchema(), catalogue.record_version, algorithm)


@resource.writes(
    "/algorithms/<code:algorithm>/scores",
    "catalogue.record",
    shapes.ScoreSchema,
    "The score is recorded.",
    body=document_body(shapes.ScoreSchema),
)
def score_need(algorithm: str) -> Any:
    """Score the need that a product serves"""
    return _record(shapes.ScoreSchema(), catalogue.score_need, algorithm)


@resource.reads(
    "/activations/<int:number>/gains",
    shapes.GainPageSchema,
    "In the order in which they were described.",
    query=AgreementQuerySchema,
)
def list_gains(query: dict[str, Any], number: int) -> Any:
    """List the gains that an activation expects"""
    return gains.list_gains(db.session, _case(query, number))


@resource.writes(
    "/activations/<int:number>/gains",
    "gain.describe",
    shapes.GainSchema,
    "The gain is described.",
    body=document_body(shapes.NewGainSchema),
    query=AgreementQuerySchema,
    etag=True,
)
def describe_gain(query: dict[str, Any], number: int) -> Any:
    """Describe a gain that a draft expects"""
    body = load(shapes.NewGainSchema(), json_body(), "#")
    return acted(gains.describe, case=_case(query, number), **body)


@resource.writes(
    "/activations/<int:number>/gains/<int:gain>/withdrawal",
    "gain.describe",
    shapes.GainPageSchema,
    "The gain is taken out.",
    query=AgreementQuerySchema,
)
def withdraw_gain(query: dict[str, Any], number: int, gain: int) -> Any:
    """Take a gain out of a draft"""
    case = _case(query, number)
    acted(gains.take_back, case=case, gain_id=gain)
    return gains.list_gains(db.session, case)


@resource.writes(
    "/activations/<int:number>/gains/<int:gain>/observations",
    "gain.observe",
    shapes.GainSchema,
    "The observation is recorded.",
    body=document_body(shapes.NewObservationSchema),
    query=AgreementQuerySchema,
)
def observe_gain(query: dict[str, Any], number: int, gain: int) -> Any:
    """Enter what was observed of a gain, as its owner"""
    body = load(shapes.NewObservationSchema(), json_body(), "#")
    return acted(gains.observe, case=_case(query, number), gain_id=gain, **body)


@resource.reads("/approvals/delegations", shapes.StandInPageSchema, "Oldest first.", problems=())
def list_delegations() -> Any:
    """List your delegations and those to you"""
    actor = current_actor().id
    return [one for one in stand_ins.list_stand_ins(db.session) if actor in (one.principal, one.deputy)]


@resource.writes(
    "/approvals/delegations",
    "approval.delegate",
    shapes.StandInSchema,
    "The stand-in is recorded.",
    body=document_body(shapes.NewStandInSchema),
)
def delegate() -> Any:
    """Let somebody decide in your place; programs have nobody stand in for them"""
    body = load(shapes.NewStandInSchema(), json_body(), "#")
    return acted(stand_ins.delegate, **body)


@resource.writes(
    "/approvals/delegations/<int:number>/withdrawal",
    "approval.delegate",
    shapes.StandInPageSchema,
    "The stand-in is taken back.",
)
def withdraw_delegation(number: int) -> Any:
    """Take a delegation of yours back"""
    if number >= LARGEST_ID:
        raise NotFound("there is no such delegation of yours")
    actor = current_actor()
    stand_ins.take_back(db.session, delegation_id=number, actor=actor, now=datetime.now(UTC))
    return [one for one in stand_ins.list_stand_ins(db.session) if actor.id in (one.principal, one.deputy)]


@resource.reads(
    "/approvals/limit", shapes.ApprovalLimitSchema, "The limit in force.", act="settings.change", problems=()
)
def show_limit() -> Response:
    """Give the amount from which on two people must approve"""
    return _limit()


@resource.writes(
    "/approvals/limit",
    "settings.change",
    shapes.ApprovalLimitSchema,
    "The limit is set.",
    method="PUT",
    body=document_body(shapes.ApprovalLimitSchema),
    match=True,
)
def set_limit() -> Response:
    """Set the amount from which on two people must approve"""
    body = load(shapes.ApprovalLimitSchema(), json_body(), "#")
    require_match(_version())
    acted(approval_limit.set_two_from, **body)
    answer = _limit()
    db.session.commit()
    return answer


def _limit() -> Response:
    response = json_answer({"amount": f"{approval_limit.two_from(db.session):.2f}"})
    response.set_etag(_version())
    return response


def _version() -> str:
    return f"limit-{len(approval_limit.limits(db.session))}"


def _record(schema: Any, use_case: Callable[..., Any], algorithm: str) -> Any:
    body = load(schema, json_body(), "#")
    return acted(use_case, algorithm=algorithm, **body)


def _case(query: dict[str, Any], number: int) -> Case:
    if number >= LARGEST_ID:
        raise NotFound(f"there is no activation '{number}'")
    found = agreements.find_agreement(db.session, query["agreement"])
    return asked(find_case, agreement_id=found.id, case_id=CaseId("activation", str(number)))
