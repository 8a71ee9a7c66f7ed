"""API: prices of a request, expected charges and why, projections."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from flask import Response, current_app

from billing.charges import charging, explanation
from billing.projection import projection
from billing.rating.rate import rate
from billing.scenarios.answer import answer
from billing.schemas import answers as shapes
from billing.schemas.answers import ChargesSchema, ExplanationSchema, PriceAnswerSchema
from billing.schemas.price import load_price_request
from billing.schemas.projections import ScenarioSchema, dump_projection, load_scenario, refuse_other_trusts
from billing.schemas.simulations import dump_answer
from contracts import clock
from contracts.agreements import find_agreement
from contracts.errors import InvalidInput
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema, ProblemSchema
from contracts.schemas.problems import problem_of
from contracts.terms.period import Period
from contracts.web import api
from contracts.web.acts import asked
from contracts.web.api import ApiBlueprint, answers, described, document_body, json_answer, json_body
from contracts.web.guard import current_actor, requires
from contracts.web.resources import Resource

prices = ApiBlueprint(
    "price", __name__, url_prefix=f"{api.PREFIX}/price", description="What usage costs under a price book."
)
charges = Resource("charges", __name__, url_prefix=f"{api.PREFIX}/charges", description="Expected charges, and why.")
projections = Resource(
    "projections", __name__, url_prefix=f"{api.PREFIX}/projections", description="What it will cost."
)

PRICE_REQUEST: Final = {
    "agreement": {"start": "2024-01-01", "end": "2028-01-01", "currency": "NOK"},
    "period": {"from": "2024-01-01", "to": "2024-02-01"},
    "price_book": {
        "versions": [
            {
                "valid_from": "2024-01-01",
                "clause": "Bilag 7",
                "charges": [
                    {
                        "code": "analysis",
                        "kind": "usage",
                        "clause": "7.1",
                        "algorithms": ["xray-skeletal"],
                        "model": "graduated",
                        "counter": {"scope": "agreement", "window": "calendar_year"},
                        "tiers": [
                            {"up_to": 200, "unit_price": "60.00", "flat_fee": "0.00"},
                            {"up_to": None, "unit_price": "45.00", "flat_fee": "0.00"},
                        ],
                    }
                ],
            }
        ]
    },
    "activations": [{"trust": "vestre-viken", "algorithm": "xray-skeletal", "go_live": "2024-01-01"}],
    "usage": [{"trust": "vestre-viken", "algorithm": "xray-skeletal", "on": "2024-01-10", "quantity": 301}],
}
SCENARIO: Final = {
    "from": "2026-10",
    "to": "2028-01",
    "as_of": "2026-10-01",
    "draws": 1,
    "activations": [
        {
            "trust": "sykehuset-i-vestfold",
            "algorithm": "ct-pe",
            "go_live": "2027-03-01",
            "monthly_volume": 300,
            "adoption_months": 6,
        }
    ],
}
ONE_OR_MANY_REQUESTS: Final = {
    "anyOf": [shapes.PriceRequestSchema, {"type": "array", "items": shapes.PriceRequestSchema}]
}
ONE_OR_MANY_ANSWERS: Final = {
    "anyOf": [
        shapes.PriceAnswerSchema,
        {
            "type": "array",
            "items": {
                "anyOf": [
                    shapes.PriceAnswerSchema,
                    {"type": "object", "required": ["error"], "properties": {"error": ProblemSchema}},
                ]
            },
        },
    ]
}


@prices.route("", methods=["POST"])
@requires("rate")
@answers(
    ONE_OR_MANY_ANSWERS,
    description="The lines; for an array an array in the same order, with `{error: problem}` in an invalid one's place.",
    problems=(400, 415, 422),
)
@described(
    body=document_body(
        ONE_OR_MANY_REQUESTS, description="A price request, or an array of them.", examples={"one": PRICE_REQUEST}
    )
)
def price() -> Response:
    """Rate a price request, or an array of them

    Stateless: everything that the amounts depend on stands in the request.
    """
    document = json_body()
    if isinstance(document, list):
        return json_answer(list(_rated(document)))
    return json_answer(PriceAnswerSchema().dump(rate(load_price_request(document))))


def _rated(requests: list[Any]) -> Iterator[dict[str, Any]]:
    for request in requests:
        try:
            yield PriceAnswerSchema().dump(rate(load_price_request(request)))
        except InvalidInput as error:
            yield {"error": problem_of(error)}


@charges.reads("", shapes.ChargesSchema, "The document of `charges --json`.", query=shapes.ChargeQuerySchema)
def list_charges(query: dict[str, Any]) -> Response:
    """Give the expected charge lines of a quarter"""
    expected = asked(
        charging.expected_charges,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        period=Period.parse(query["quarter"]),
        trust=query["trust"],
        known_at=query["known_at"],
    )
    return json_answer(ChargesSchema().dump(expected))


@charges.reads(
    "/<line_id>/explanation",
    shapes.ExplanationSchema,
    "The line and every term it rests on.",
    query=shapes.ExplanationQuerySchema,
)
def explain_charge(query: dict[str, Any], line_id: str) -> Response:
    """Say why a charge line is what it is"""
    explained = asked(
        explanation.explain,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        line_id=line_id,
        period=Period.parse(query["quarter"]) if query["quarter"] else None,
        known_at=query["known_at"],
    )
    return json_answer(ExplanationSchema().dump(explained))


@projections.writes(
    "",
    "read",
    shapes.ProjectionSchema,
    "Cost by month, with and without the planned activations.",
    status=200,
    body=document_body(ScenarioSchema, description="A scenario.", examples={"activation": SCENARIO}),
    query=AgreementQuerySchema,
    once=False,
)
def project(query: dict[str, Any]) -> Response:
    """Project a scenario

    Within one trust the answer is the expected course: the own cost and that of the others together, as far as it may be told.
    """
    document, actor = json_body(), current_actor()
    with db.read() as session:
        today = clock.today(session, example_mode=current_app.config["EXAMPLE_MODE"], now=datetime.now(UTC))
        scenario = load_scenario(document, as_of=today)
        refuse_other_trusts(scenario, actor.scope("read"))
        agreement = find_agreement(session, query["agreement"])
        if actor.scope("read") is None:
            found = answer(session, agreement_id=agreement.id, scenario=scenario, actor=actor, today=today)
            return json_answer(dump_answer(found))
        result = projection.project(session, agreement_id=agreement.id, scenario=scenario, actor=actor)
    return json_answer(dump_projection(result, actor))
