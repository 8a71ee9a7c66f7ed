"""API of the workflow: options, activations, their dossiers, approvals, budgets and certificates.

A case answers with the steps that could come next, each with whether the asker may take it and everything that refuses it.
A step is a POST to its ``transitions``; one that is refused answers 409 with each guard that refuses and its numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request

from contracts import agreements, ceiling, documents
from contracts.cases import Case, CaseId, find_case, list_cases
from contracts.errors import NotFound, Refused
from contracts.extensions import db
from contracts.models.base import LARGEST_ID
from contracts.options import approvals, catalogue, dossier, funding
from contracts.options import letters as correspondence
from contracts.options import steps as options
from contracts.options.steps import Request
from contracts.schemas import options as shapes
from contracts.schemas.answers import (
    AgreementQuerySchema,
    ListQuerySchema,
    OptionItemSchema,
    OptionPageSchema,
    PageQuerySchema,
)
from contracts.schemas.fields import load
from contracts.terms.workflow import ITEM_FACTS, OSLO
from contracts.web import api, layout
from contracts.web.acts import acted, asked, instant
from contracts.web.api import document_body, file_body, from_cursor, json_answer, json_body, to_cursor, uploaded
from contracts.web.conditional import require_match
from contracts.web.guard import API_PREFIX, current_actor
from contracts.web.problems import problem
from contracts.web.resources import Resource

resource = Resource(
    "workflow", __name__, url_prefix=api.PREFIX, description="Options and activations: what may be done, and doing it."
)
TYPES = tuple(sorted(set(documents.MEDIA_TYPES.values())))
FILE = file_body(*TYPES, description="The document, as the body itself or in the part `file`; kept byte for byte.")
EVENT = document_body(
    shapes.TransitionSchema,
    description="The event and what comes with it.",
    examples={"review": {"event": "review"}, "approve": {"event": "approve", "data": {"comment": "Within budget"}}},
)


def changes(path: str, act: str, told: str, body: Any, **more: Any) -> Callable[[Any], Any]:
    """Declare an act on a case: it needs If-Match, and answers with the case as it is then."""
    return resource.writes(
        path, act, shapes.CaseSchema, told, body=body, match=True, **{"query": AgreementQuerySchema} | more
    )


@resource.app_errorhandler(Refused)
def on_refused(error: Refused) -> Any:
    """Answer a refused step with what refuses it, on pages too."""
    if not request.path.startswith(API_PREFIX):
        return layout.error_page(409, details=[refusal.detail for refusal in error.refusals])
    errors = [{"pointer": "#/event", **shapes.RefusalSchema().dump(refusal)} for refusal in error.refusals]
    return problem(409, error.code, error.detail, errors)


@resource.reads(
    "/options/<code:trust>", shapes.CaseSchema, "The option, and what could come next.", query=AgreementQuerySchema
)
def show_option(query: dict[str, Any], trust: str) -> Response:
    """Give a trust's option"""
    return _answer(_case(query, CaseId("option", trust)))


@changes("/options/<code:trust>/transitions", "read", "The step is taken.", EVENT)
def step_option(query: dict[str, Any], trust: str) -> Response:
    """Take a step in a trust's option"""
    return _step(query, CaseId("option", trust))


@changes(
    "/options/<code:trust>/dossier",
    "activation.draft",
    "The document is offered.",
    FILE,
    query=shapes.DossierQuerySchema,
)
def offer_for_option(query: dict[str, Any], trust: str) -> Response:
    """File a document in an option's dossier"""
    return _offer(query, CaseId("option", trust))


@changes(
    "/options/<code:trust>/dossier/judgements",
    "activation.draft",
    "The item is accepted or refused.",
    document_body(shapes.JudgementSchema),
)
def judge_for_option(query: dict[str, Any], trust: str) -> Response:
    """Accept or refuse an item of an option's dossier"""
    return _judge(query, CaseId("option", trust))


@resource.reads(
    "/options/<code:trust>/letters",
    shapes.LetterPageSchema,
    "Letters and confirmations, oldest first.",
    query=AgreementQuerySchema,
)
def list_option_letters(query: dict[str, Any], trust: str) -> Response:
    """List the letters about a trust's option"""
    return _letters(query, CaseId("option", trust))


@resource.writes(
    "/options/<code:trust>/confirmations",
    "option.exercise",
    shapes.LetterPageSchema,
    "The confirmation is filed.",
    body=FILE,
    query=shapes.ConfirmationQuerySchema,
)
def confirm_option(query: dict[str, Any], trust: str) -> Response:
    """Record the vendor's confirmation of an option's notice"""
    return _confirm(query, CaseId("option", trust))


@resource.reads("/activations", OptionPageSchema, "Activations in the order they were recorded.", query=PageQuerySchema)
def list_activations(query: dict[str, Any]) -> Response:
    """List the activations with their states"""
    found = agreements.find_agreement(db.session, query["agreement"])
    (after,) = from_cursor(query["after"], api.whole) or (0,)
    cases = [
        case
        for case in asked(list_cases, agreement_id=found.id)
        if case.kind == "activation" and int(case.id.name) > after
    ]
    shown = cases[: query["limit"]]
    following = to_cursor(int(shown[-1].id.name)) if len(cases) > len(shown) else None
    return json_answer({"items": OptionItemSchema(many=True).dump(shown), "next": following})


@resource.writes(
    "/activations",
    "activation.draft",
    shapes.CaseSchema,
    "The activation is drafted.",
    body=document_body(
        shapes.NewActivationSchema,
        description="What is asked for.",
        examples={
            "draft": {
                "trust": "akershus",
                "algorithm": "ct-pe",
                "starts_on": "2027-02-01",
                "monthly_quantity": 400,
                "intended_use": "Triage of suspected pulmonary embolism",
            }
        },
    ),
    query=AgreementQuerySchema,
    etag=True,
)
def draft_activation(query: dict[str, Any]) -> Response:
    """Ask for an algorithm at a trust"""
    body = load(shapes.NewActivationSchema(), json_body(), "#")
    found = agreements.find_agreement(db.session, query["agreement"])
    case = acted(options.draft_activation, agreement_id=found.id, **body)
    return _answer(case, 201, {"Location": f"{api.PREFIX}/activations/{case.id.name}"})


@resource.reads(
    "/activations/<int:number>",
    shapes.CaseSchema,
    "The activation, and what could come next.",
    query=AgreementQuerySchema,
)
def show_activation(query: dict[str, Any], number: int) -> Response:
    """Give an activation"""
    return _answer(_case(query, _activation(number)))


@changes(
    "/activations/<int:number>/plan",
    "activation.draft",
    "The plan is changed; approvals of the former one are void.",
    document_body(shapes.NewPlanSchema, description="The plan, whole."),
    method="PUT",
)
def plan_activation(query: dict[str, Any], number: int) -> Response:
    """Change what is asked for"""
    body = load(shapes.NewPlanSchema(), json_body(), "#")
    case = _locked(query, _activation(number))
    changed = acted(options.plan_again, case=case, **body)
    answer = _answer(changed)
    db.session.commit()
    return answer


@changes("/activations/<int:number>/transitions", "read", "The step is taken.", EVENT)
def step_activation(query: dict[str, Any], number: int) -> Response:
    """Take a step in an activation"""
    return _step(query, _activation(number))


@changes(
    "/activations/<int:number>/dossier",
    "activation.draft",
    "The document is offered.",
    FILE,
    query=shapes.DossierQuerySchema,
)
def offer_for_activation(query: dict[str, Any], number: int) -> Response:
    """File a document in an activation's dossier"""
    return _offer(query, _activation(number))


@changes(
    "/activations/<int:number>/dossier/judgements",
    "activation.draft",
    "The item is accepted or refused.",
    document_body(shapes.JudgementSchema),
)
def judge_for_activation(query: dict[str, Any], number: int) -> Response:
    """Accept or refuse an item of an activation's dossier"""
    return _judge(query, _activation(number))


@changes(
    "/activations/<int:number>/dossier/reuse",
    "activation.draft",
    "The document is offered.",
    document_body(shapes.ReuseSchema),
)
def reuse_for_activation(query: dict[str, Any], number: int) -> Response:
    """Offer another dossier's accepted document as the basis of an item"""
    body = load(shapes.ReuseSchema(), json_body(), "#")
    case = _locked(query, _activation(number))
    acted(
        dossier.reuse,
        case=case,
        item=body["item"],
        basis_id=body["basis"],
        facts=body["facts"],
        comment=body["comment"],
    )
    return _answer(_again(case), 201)


@resource.reads(
    "/activations/<int:number>/letters",
    shapes.LetterPageSchema,
    "Letters and confirmations, oldest first.",
    query=AgreementQuerySchema,
)
def list_activation_letters(query: dict[str, Any], number: int) -> Response:
    """List the letters about an activation"""
    return _letters(query, _activation(number))


@resource.writes(
    "/activations/<int:number>/confirmations",
    "activation.order",
    shapes.LetterPageSchema,
    "The confirmation is filed.",
    body=FILE,
    query=shapes.ConfirmationQuerySchema,
)
def confirm_activation(query: dict[str, Any], number: int) -> Response:
    """Record the vendor's confirmation of an order"""
    return _confirm(query, _activation(number))


@changes(
    "/activations/<int:number>/overrides",
    "ceiling.override",
    "The override waits for an approver.",
    document_body(shapes.NewOverrideSchema),
)
def ask_override(query: dict[str, Any], number: int) -> Response:
    """Ask to go beyond the maximum value"""
    body = load(shapes.NewOverrideSchema(), json_body(), "#")
    case = _locked(query, _activation(number))
    acted(ceiling.ask_override, case=case, **body)
    return _answer(_again(case), 201)


@changes(
    "/activations/<int:number>/overrides/<int:override>/decision",
    "ceiling.decide",
    "The override is decided.",
    document_body(shapes.OverrideDecisionSchema),
)
def decide_override(query: dict[str, Any], number: int, override: int) -> Response:
    """Allow an override, or do not"""
    body = load(shapes.OverrideDecisionSchema(), json_body(), "#")
    case = _locked(query, _activation(number))
    if override >= LARGEST_ID:
        raise NotFound(f"there is no override {override} in this case")
    acted(ceiling.decide_override, case=case, override_id=override, **body)
    return _answer(_again(case), 201)


@resource.reads("/approvals", shapes.AwaitingPageSchema, "Oldest submission first.", query=AgreementQuerySchema)
def list_approvals(query: dict[str, Any]) -> Response:
    """List what waits for your decision"""
    found = agreements.find_agreement(db.session, query["agreement"])
    actor = current_actor()
    cases = list_cases(db.session, agreement_id=found.id, actor=actor)
    waiting = approvals.awaiting(db.session, cases, actor, on=instant().astimezone(OSLO).date())
    items = []
    for case in waiting:
        sent = case.submission
        if sent is None:  # taken over in the middle of its course: what was submitted was never recorded here
            continue
        items.append(
            {
                "id": str(case.id),
                "kind": case.kind,
                "trust": case.trust,
                "algorithm": case.algorithm,
                "p90": None if sent.figures is None else sent.figures.told(actor.scope("read")).to_written()["p90"],
                "approvals": len(case.approvals),
                "approvals_needed": approvals.needed(db.session, sent.figures),
                "submitted_by": sent.by,
                "submitted_at": sent.at.isoformat(),
            }
        )
    return json_answer({"items": sorted(items, key=lambda one: str(one["submitted_at"])), "next": None})


@resource.reads("/budgets", shapes.BudgetPageSchema, "Approved funding.", query=ListQuerySchema, problems=())
def list_budgets(query: dict[str, Any]) -> Response:
    """List approved funding"""
    rows = [shapes.dump_budget(one) for one in funding.list_budgets(db.session, trust=current_actor().scope("read"))]
    (start,) = from_cursor(query["after"], api.whole) or (0,)
    end = start + query["limit"]
    return json_answer({"items": rows[start:end], "next": to_cursor(end) if end < len(rows) else None})


@resource.writes(
    "/budgets",
    "budget.set",
    shapes.BudgetSchema,
    "The funding is recorded.",
    body=document_body(shapes.BudgetSchema),
)
def set_budget() -> Response:
    """Record approved funding"""
    body = load(shapes.BudgetSchema(), json_body(), "#")
    made = acted(funding.set_budget, **body)
    return json_answer(shapes.dump_budget(made), 201)


@resource.reads(
    "/algorithms/<code:algorithm>/certificates", shapes.CertificatePageSchema, "The first to expire first.", problems=()
)
def list_certificates(algorithm: str) -> Any:
    """List a product's certificates"""
    return catalogue.certificates(db.session, algorithm)


@resource.writes(
    "/algorithms/<code:algorithm>/certificates",
    "catalogue.record",
    shapes.CertificateSchema,
    "The certificate is recorded.",
    body=document_body(shapes.NewCertificateSchema),
)
def record_certificate(algorithm: str) -> Any:
    """Record a product's certificate"""
    body = load(shapes.NewCertificateSchema(), json_body(), "#")
    return acted(catalogue.record_certificate, algorithm=algorithm, **body)


def _activation(number: int) -> CaseId:
    return CaseId.parse(f"activation:{number}")


def _case(query: dict[str, Any], case_id: CaseId) -> Case:
    found = agreements.find_agreement(db.session, query["agreement"])
    return asked(find_case, agreement_id=found.id, case_id=case_id)


def _again(case: Case) -> Case:
    return find_case(db.session, agreement_id=case.agreement_id, case_id=case.id)


def _locked(query: dict[str, Any], case_id: CaseId) -> Case:
    """Take the agreement's lock and give the case as it is now, if it is what the caller had seen."""
    case = _case(query, case_id)
    agreements.lock_agreement(db.session, case.agreement_id)
    case = _again(case)
    require_match(case.version)
    return case


def _step(query: dict[str, Any], case_id: CaseId) -> Response:
    read = shapes.load_transition(json_body())
    case = _case(query, case_id)
    done = acted(
        options.act,
        agreement_id=case.agreement_id,
        case_id=case_id,
        event=read.event,
        request=Request(read.on, read.comment, read.document, read.delegation),
        seen=_match,
        at=instant(),
    )
    return _answer(done, 201)


def _match(case: Case) -> None:
    require_match(case.version)


def _offer(query: dict[str, Any], case_id: CaseId) -> Response:
    filename, content = uploaded(*TYPES, usual_name=_usual_name())
    case = _locked(query, case_id)
    names = ITEM_FACTS.get(query["item"], ())
    acted(
        dossier.offer,
        case=case,
        item=query["item"],
        filename=filename,
        content=content,
        facts={name: query[name] for name in names if query[name] is not None},
        comment=query["comment"],
    )
    return _answer(_again(case), 201)


def _judge(query: dict[str, Any], case_id: CaseId) -> Response:
    body = load(shapes.JudgementSchema(), json_body(), "#")
    case = _locked(query, case_id)
    acted(dossier.judge, case=case, **body)
    return _answer(_again(case), 201)


def _letters(query: dict[str, Any], case_id: CaseId, status: int = 200) -> Response:
    found = correspondence.correspondence(db.session, _case(query, case_id), current_actor())
    return json_answer({"items": [shapes.LetterSchema().dump(one) for one in found], "next": None}, status)


def _confirm(query: dict[str, Any], case_id: CaseId) -> Response:
    filename, content = uploaded(*TYPES, usual_name=_usual_name())
    acted(
        correspondence.confirm,
        case=_case(query, case_id),
        received_on=query["received_on"],
        filename=filename,
        content=content,
        today=instant().astimezone(OSLO).date(),
    )
    return _letters(query, case_id, 201)


def _usual_name() -> str:
    ending = next((name for name, kind in documents.MEDIA_TYPES.items() if kind == request.mimetype), "txt")
    return f"document.{ending}"


def _answer(case: Case, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    actor = current_actor()
    scope = actor.scope("read")
    document = shapes.dump_case(
        case,
        dossier.items(db.session, case),
        ceiling.overrides(db.session, case) if scope is None else (),
        options.choices(db.session, case, actor, at=instant()),
        scope,
    )
    response = json_answer(document, status, headers)
    response.set_etag(case.version)
    return response
