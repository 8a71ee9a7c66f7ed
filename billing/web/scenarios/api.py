"""API: saved scenarios, whose revisions never change and are answered once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from flask import Response

from billing.scenarios import scenarios
from billing.scenarios.scenarios import Revision
from billing.schemas import scenarios as shapes
from billing.web.charges.api import SCENARIO
from billing.work import scenario_answers
from contracts.agreements import find_agreement, lock_agreement
from contracts.errors import Finding, InvalidInput
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema
from contracts.web import api
from contracts.web.acts import asked, today
from contracts.web.api import document_body, json_answer, json_body
from contracts.web.conditional import etag_of, require_match
from contracts.web.guard import current_actor
from contracts.web.resources import Resource
from contracts.work import jobs

resource = Resource(
    "scenario_api",
    __name__,
    url_prefix=f"{api.PREFIX}/scenarios",
    description="Saved scenarios: the same address gives the same amounts later.",
)
NEW: Final = {"name": "CT PE in Vestfold from March", "scenario": SCENARIO | {"draws": 500, "seed": 42}}


@resource.reads("", shapes.ScenarioPageSchema, "The newest revision of each.", query=AgreementQuerySchema)
def list_scenarios(query: dict[str, Any]) -> Response:
    """List the scenarios that you may read"""
    listed = asked(scenarios.list_scenarios, agreement_id=find_agreement(db.session, query["agreement"]).id)
    return json_answer({"items": [shapes.dump_summary(each) for each in listed], "next": None})


@resource.writes(
    "",
    "read",
    shapes.RevisionSchema,
    "Saved; with many draws a job answers it (`state` is `running`).",
    body=document_body(shapes.NewScenarioSchema, examples={"activation": NEW}),
    query=AgreementQuerySchema,
    etag=True,
)
def save_scenario(query: dict[str, Any]) -> Response:
    """Save a scenario with its answer

    Within one trust it is that trust's, and names no other one.
    """
    return _saved(find_agreement(db.session, query["agreement"]).id, None)


@resource.reads("/<string(maxlength=20):code>", shapes.SavedScenarioSchema, "The scenario.", query=AgreementQuerySchema)
def show_scenario(query: dict[str, Any], code: str) -> Response:
    """Give a scenario with its revisions"""
    return _scenario(query, code)


@resource.reads(
    "/<string(maxlength=20):code>/revisions",
    shapes.ScenarioPageSchema,
    "The revisions, the newest first.",
    query=AgreementQuerySchema,
)
def list_revisions(query: dict[str, Any], code: str) -> Response:
    """List the revisions of a scenario"""
    found = _found(find_agreement(db.session, query["agreement"]).id, code)
    response = json_answer({"items": [shapes.dump_summary(each) for each in found], "next": None})
    response.set_etag(_tag(found[0]))
    return response


@resource.writes(
    "/<string(maxlength=20):code>/revisions",
    "read",
    shapes.RevisionSchema,
    "The next revision is saved.",
    body=document_body(shapes.NewScenarioSchema, examples={"activation": NEW}),
    query=AgreementQuerySchema,
    match=True,
)
def save_revision(query: dict[str, Any], code: str) -> Response:
    """Save the next revision of a scenario"""
    return _saved(find_agreement(db.session, query["agreement"]).id, code)


@resource.reads(
    "/<string(maxlength=20):code>/revisions/<int(max=2147483647):number>",
    shapes.RevisionSchema,
    "The revision with its document and its answer.",
    query=shapes.RevisionQuerySchema,
)
def show_revision(query: dict[str, Any], code: str, number: int) -> Response:
    """Give a revision, and on demand answer it again"""
    revision = asked(
        scenarios.find_revision,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        code=code,
        number=number,
    )
    again = None
    if query["recompute"] and revision.answer is not None:
        again = scenario_answers.reproduced(db.session, revision, actor=current_actor())
    return json_answer(_written(revision, again))


def _saved(agreement_id: int, code: str | None) -> Response:
    name, document = shapes.load_new_scenario(json_body())
    actor, now = current_actor(), datetime.now(UTC)
    common: dict[str, Any] = {"agreement_id": agreement_id, "actor": actor, "today": today()}
    # Simulated before anything is written, so that nobody waits for the write lock meanwhile.
    db.session.rollback()
    try:
        with db.read() as session:
            if code is not None:
                require_match(_tag(scenarios.find(session, agreement_id=agreement_id, code=code, actor=actor)[0]))
            asked = scenario_answers.read(session, **common, document=document, as_of=None)
            answer = (
                None
                if asked.long
                else scenario_answers.answered(
                    session, **common, document=asked.document, trust=asked.trust, known_at=now
                )
            )
    except InvalidInput as refusal:
        raise InvalidInput(tuple(_within_scenario(error) for error in refusal.errors)) from refusal
    if code is not None:
        lock_agreement(db.session, agreement_id)
        require_match(_tag(_found(agreement_id, code)[0]))
    saved = scenario_answers.save_answered(
        db.session, **common, name=name, asked=asked, answer=answer, known_at=now, now=now, code=code
    )
    if answer is None:
        jobs.submit(
            db.session,
            kind=scenarios.JOB,
            params={"revision": saved.id, "by": actor.id},
            trust=None,
            actor=actor,
            now=now,
        )
    revision = scenarios.find_revision(
        db.session, agreement_id=agreement_id, code=saved.code, number=saved.number, actor=actor
    )
    response = json_answer(_written(revision), 201)
    response.set_etag(_tag(revision))
    return response


def _within_scenario(error: Finding) -> Finding:
    """Say where in the body an error of the scenario's document stands."""
    return Finding(error.pointer.replace("#", "#/scenario", 1), error.code, error.detail)


def _scenario(query: dict[str, Any], code: str) -> Response:
    found = _found(find_agreement(db.session, query["agreement"]).id, code)
    response = json_answer(shapes.dump_scenario(found))
    response.set_etag(_tag(found[0]))
    return response


def _found(agreement_id: int, code: str) -> list[Revision]:
    return asked(scenarios.find, agreement_id=agreement_id, code=code)


def _written(revision: Revision, again: bool | None = None) -> dict[str, Any]:
    return shapes.dump_revision(
        revision,
        prices_changed=scenarios.prices_changed(db.session, revision),
        job=scenarios.job_of(db.session, revision) if revision.answer is None else None,
        reproduced=again,
    )


def _tag(newest: Revision) -> str:
    return etag_of(newest.code, newest.number)
