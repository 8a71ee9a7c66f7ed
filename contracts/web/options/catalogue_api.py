"""API of the catalogue, of a case's expected gains, of stand-ins and of the limit for two approvers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response

from contracts import agreements
from contracts.cases import LARGEST_ID, Case, CaseId, find_case
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.options import approvals, catalogue, gains
from contracts.schemas import catalogue as shapes
from contracts.schemas.answers import AgreementQuerySchema
from contracts.schemas.fields import load
from contracts.web import api
from contracts.web.api import ApiBlueprint, answers, described, document_body, json_answer, json_body
from contracts.web.conditional import ETAG_HEADER, etagged, needs_match, require_match
from contracts.web.guard import current_actor, requires
from contracts.web.idempotency import once

resource = ApiBlueprint(
    "catalogue", __name__, url_prefix=api.PREFIX, description="What is known of the products, and what cases gain."
)
STEP_PROBLEMS = (400, 404, 409, 415, 422)


def register(app: Flask) -> None:
    """Give the API the catalogue and what stands beside approvals."""
    api.add(app, resource)


@resource.route("/algorithms/<code:algorithm>", methods=["GET"])
@requires("read")
@answers(shapes.ProductSchema, description="All that is known of it.", problems=(404, 409))
@etagged
@resource.arguments(AgreementQuerySchema, location="query")
def show_algorithm(query: dict[str, Any], algorithm: str) -> Response:
    """Give a product with its evidence"""
    found = agreements.find_agreement(db.session, query["agreement"])
    return json_answer(shapes.ProductSchema().dump(catalogue.find_product(db.session, found.id, algorithm)))


@resource.route("/algorithms/<code:algorithm>/references", methods=["POST"])
@requires("catalogue.record")
@answers(shapes.ReferenceSchema, status=201, description="The reference is recorded.", problems=STEP_PROBLEMS)
@described(body=document_body(shapes.NewReferenceSchema))
@once
def record_reference(algorithm: str) -> Response:
    """Record a reference for validation or clinical testing"""
    made = _record(shapes.NewReferenceSchema(), catalogue.record_reference, algorithm)
    return json_answer(shapes.ReferenceSchema().dump(made), 201)


@resource.route("/algorithms/<code:algorithm>/descriptions", methods=["POST"])
@requires("catalogue.record")
@answers(shapes.DescriptionSchema, status=201, description="The description is recorded.", problems=STEP_PROBLEMS)
@described(body=document_body(shapes.DescriptionSchema))
@once
def describe_algorithm(algorithm: str) -> Response:
    """Record what a product is meant for"""
    made = _record(shapes.DescriptionSchema(), catalogue.describe, algorithm)
    return json_answer(shapes.DescriptionSchema().dump(made), 201)


@resource.route("/algorithms/<code:algorithm>/versions", methods=["POST"])
@requires("catalogue.record")
@answers(shapes.ProductVersionSchema, status=201, description="The version is recorded.", problems=STEP_PROBLEMS)
@described(body=document_body(shapes.ProductVersionSchema))
@once
def record_version(algorithm: str) -> Response:
    """Record a version that the maker released"""
    return json_answer(
        shapes.ProductVersionSchema().dump(_record(shapes.ProductVersionSchema(), catalogue.record_version, algorithm)),
        201,
    )


@resource.route("/algorithms/<code:algorithm>/scores", methods=["POST"])
@requires("catalogue.record")
@answers(shapes.ScoreSchema, status=201, description="The score is recorded.", problems=STEP_PROBLEMS)
@described(body=document_body(shapes.ScoreSchema))
@once
def score_need(algorithm: str) -> Response:
    """Score the need that a product serves"""
    return json_answer(shapes.ScoreSchema().dump(_record(shapes.ScoreSchema(), catalogue.score_need, algorithm)), 201)


@resource.route("/activations/<int:number>/gains", methods=["GET"])
@requires("read")
@answers(shapes.GainPageSchema, description="In the order in which they were described.", problems=(404, 409))
@etagged
@resource.arguments(AgreementQuerySchema, location="query")
def list_gains(query: dict[str, Any], number: int) -> Response:
    """List the gains that an activation expects"""
    listed = gains.list_gains(db.session, _case(query, number))
    return json_answer({"items": [shapes.GainSchema().dump(one) for one in listed], "next": None})


@resource.route("/activations/<int:number>/gains", methods=["POST"])
@requires("gain.describe")
@answers(shapes.GainSchema, status=201, description="The gain is described.", problems=STEP_PROBLEMS)
@described(body=document_body(shapes.NewGainSchema), headers=ETAG_HEADER)
@once
@resource.arguments(AgreementQuerySchema, location="query")
def describe_gain(query: dict[str, Any], number: int) -> Response:
    """Describe a gain that a draft expects"""
    body = load(shapes.NewGainSchema(), json_body(), "#")
    made = gains.describe(db.session, case=_case(query, number), actor=current_actor(), now=datetime.now(UTC), **body)
    return json_answer(shapes.GainSchema().dump(made), 201)


@resource.route("/activations/<int:number>/gains/<int:gain>/withdrawal", methods=["POST"])
@requires("gain.describe")
@answers(shapes.GainPageSchema, status=201, description="The gain is taken out.", problems=STEP_PROBLEMS)
@once
@resource.arguments(AgreementQuerySchema, location="query")
def withdraw_gain(query: dict[str, Any], number: int, gain: int) -> Response:
    """Take a gain out of a draft"""
    case = _case(query, number)
    gains.take_back(db.session, case=case, gain_id=gain, actor=current_actor(), now=datetime.now(UTC))
    return json_answer(
        {"items": [shapes.GainSchema().dump(one) for one in gains.list_gains(db.session, case)], "next": None}, 201
    )


@resource.route("/activations/<int:number>/gains/<int:gain>/observations", methods=["POST"])
@requires("gain.observe")
@answers(shapes.GainSchema, status=201, description="The observation is recorded.", problems=STEP_PROBLEMS)
@described(body=document_body(shapes.NewObservationSchema))
@once
@resource.arguments(AgreementQuerySchema, location="query")
def observe_gain(query: dict[str, Any], number: int, gain: int) -> Response:
    """Enter what was observed of a gain, as its owner"""
    body = load(shapes.NewObservationSchema(), json_body(), "#")
    made = gains.observe(
        db.session,
        case=_case(query, number),
        gain_id=gain,
        actor=current_actor(),
        now=datetime.now(UTC),
        **body,
    )
    return json_answer(shapes.GainSchema().dump(made), 201)


@resource.route("/approvals/delegations", methods=["GET"])
@requires("read")
@answers(shapes.StandInPageSchema, description="Oldest first.")
@etagged
def list_delegations() -> Response:
    """List your delegations and those to you"""
    actor = current_actor().id
    listed = [one for one in approvals.stand_ins(db.session) if actor in (one.principal, one.deputy)]
    return json_answer({"items": [shapes.StandInSchema().dump(one) for one in listed], "next": None})


@resource.route("/approvals/delegations", methods=["POST"])
@requires("approval.delegate")
@answers(shapes.StandInSchema, status=201, description="The stand-in is recorded.", problems=STEP_PROBLEMS)
@described(body=document_body(shapes.NewStandInSchema))
@once
def delegate() -> Response:
    """Let somebody decide in your place; programs have nobody stand in for them"""
    body = load(shapes.NewStandInSchema(), json_body(), "#")
    made = approvals.delegate(db.session, actor=current_actor(), now=datetime.now(UTC), **body)
    return json_answer(shapes.StandInSchema().dump(made), 201)


@resource.route("/approvals/delegations/<int:number>/withdrawal", methods=["POST"])
@requires("approval.delegate")
@answers(shapes.StandInPageSchema, status=201, description="The stand-in is taken back.", problems=STEP_PROBLEMS)
@once
def withdraw_delegation(number: int) -> Response:
    """Take a delegation of yours back"""
    if number >= LARGEST_ID:
        raise NotFound("there is no such delegation of yours")
    actor = current_actor()
    approvals.take_back(db.session, delegation_id=number, actor=actor, now=datetime.now(UTC))
    listed = [one for one in approvals.stand_ins(db.session) if actor.id in (one.principal, one.deputy)]
    return json_answer({"items": [shapes.StandInSchema().dump(one) for one in listed], "next": None}, 201)


@resource.route("/approvals/limit", methods=["GET"])
@requires("settings.change")
@answers(shapes.ApprovalLimitSchema, description="The limit in force.")
@etagged
def show_limit() -> Response:
    """Give the amount from which on two people must approve"""
    return _limit()


@resource.route("/approvals/limit", methods=["PUT"])
@requires("settings.change")
@answers(shapes.ApprovalLimitSchema, description="The limit is set.", problems=STEP_PROBLEMS)
@described(body=document_body(shapes.ApprovalLimitSchema), headers=ETAG_HEADER)
@needs_match
def set_limit() -> Response:
    """Set the amount from which on two people must approve"""
    body = load(shapes.ApprovalLimitSchema(), json_body(), "#")
    require_match(_version())
    approvals.set_two_from(db.session, actor=current_actor(), now=datetime.now(UTC), **body)
    answer = _limit()
    db.session.commit()
    return answer


def _limit() -> Response:
    response = json_answer({"amount": f"{approvals.two_from(db.session):.2f}"})
    response.set_etag(_version())
    return response


def _version() -> str:
    return f"limit-{len(approvals.limits(db.session))}"


def _record(schema: Any, use_case: Callable[..., Any], algorithm: str) -> Any:
    body = load(schema, json_body(), "#")
    return use_case(db.session, algorithm=algorithm, actor=current_actor(), now=datetime.now(UTC), **body)


def _case(query: dict[str, Any], number: int) -> Case:
    if number >= LARGEST_ID:
        raise NotFound(f"there is no activation '{number}'")
    found = agreements.find_agreement(db.session, query["agreement"])
    return find_case(
        db.session, agreement_id=found.id, case_id=CaseId("activation", str(number)), actor=current_actor()
    )
