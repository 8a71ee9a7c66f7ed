"""Default deny, asked of every route the app has: nothing is served without a rule, and no answer tells of another trust."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import IntegerConverter, Rule

from billing.charges import basis
from contracts import agreements
from contracts.extensions import db
from contracts.people import access
from contracts.terms.period import Period
from contracts.web.guard import API_PREFIX, PUBLIC, SIGNED_IN, declared_rule
from tests.conftest import make_app, sign_in
from tests.tokens import bearer

# Values with which every address can be built; they name things of the example.
PLACES: dict[str, Any] = {
    "quarter": "2026-Q2",
    "code": "ra-2024-ki",
    "line_id": "0123456789abcdef",
    "invoice_id": 1,
    "trust": "vestre-viken",
    "algorithm": "xray-skeletal",
    "on": "2026-07-01",
    "suffix": "csv",
}
TRUSTS = (
    "vestre-viken",
    "sykehuset-i-vestfold",
    "sykehuset-telemark",
    "sykehuset-ostfold",
    "akershus",
    "sykehuset-innlandet",
    "sorlandet",
    "oslo",
    "nord-norge",
)
OWN, OTHER = "vestre-viken", "akershus"


def figures_in(answer: Any) -> set[str]:
    """Give every amount and every count in an answer, as it is written."""
    return set(re.findall(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w.-])", answer.text))


def figures_of_one_other() -> set[str]:
    """Give what one other trust pays or uses, by line, charge, month and quarter, where it is no figure of the own trust.

    Small figures are left out, and counts that are years: they may stand for anything.
    """
    with db.read() as session:
        terms = basis.gather(session, agreement_id=agreements.find_agreement(session).id)
    lines = terms.rate(terms.agreement.term.period).lines
    amounts: dict[tuple[str | None, str, str], Decimal] = defaultdict(Decimal)
    counts: dict[tuple[str | None, str, str], int] = defaultdict(int)
    for line in lines:
        if line.kind != "usage":
            continue  # a fixed amount is agreed, the same for all
        for span in (f"{line.period.start:%Y-%m}", Period.quarter(line.period.start).label(), line.id):
            for charge in ("", line.charge):
                amounts[line.trust, span, charge] += line.net
                counts[line.trust, span, charge] += line.quantity or 0
    figures: dict[bool, set[str]] = {True: set(), False: set()}
    for (trust, *_), amount in amounts.items():
        if amount >= 1000:
            figures[trust == OWN].add(str(amount))
    for use in terms.usage:  # what the own trust used before the agreement is on no line
        counts[use.trust, f"used {use.on:%Y-%m}", use.algorithm] += use.quantity if use.trust == OWN else 0
    # A forecast is scored by the own algorithms that ran when it was made: each month's sum over those of any such day.
    began = sorted((row.go_live, row.algorithm) for row in terms.activations if row.trust == OWN)
    for use in terms.usage:
        for number, (_, newest) in enumerate(began if use.trust == OWN else ()):
            if use.algorithm in {algorithm for _, algorithm in began[: number + 1]}:
                counts[OWN, f"run together {use.on:%Y-%m}", newest] += use.quantity
    for (trust, *_), count in counts.items():
        if count >= 1000 and count not in range(2020, 2031):
            figures[trust == OWN].add(str(count))
    return figures[False] - figures[True]


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield rule, method


def values_of(rule: Rule, **places: Any) -> dict[str, Any]:
    """Give a value for each part of an address: of the example where we know one, else one that its converter takes."""
    named = PLACES | places
    return {
        name: named.get(name, 1 if isinstance(rule._converters[name], IntegerConverter) else "unknown")
        for name in rule.arguments
    }


def api_routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Give every API address with its method and its rule, but those that are open to all."""
    addresses = app.url_map.bind("localhost")
    for rule, method in routes(app):
        declared = declared_rule(app, rule.endpoint, method)
        if rule.rule.startswith(API_PREFIX) and declared != PUBLIC:
            assert declared is not None, rule
            yield addresses.build(rule.endpoint, values_of(rule)), method, declared


def test_every_route_declares_a_rule_for_every_method(app: Flask) -> None:
    found = list(routes(app))
    missing = [f"{method} {rule.rule}" for rule, method in found if declared_rule(app, rule.endpoint, method) is None]
    assert len(found) > 40
    assert missing == []


def test_every_declared_rule_is_an_act_that_somebody_may_do(app: Flask) -> None:
    declared = {declared_rule(app, rule.endpoint, method) for rule, method in routes(app)}
    assert declared - {PUBLIC, SIGNED_IN} <= set(access.RULES)


def test_a_view_without_a_rule_is_served_to_nobody(sqlite_url: str, tmp_path: Path) -> None:
    own = make_app(sqlite_url, tmp_path)
    own.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    own.add_url_rule("/api/v1/forgotten", "forgotten_api", lambda: "secret")
    with own.app_context():
        assert sign_in(own, "finance_controller").get("/forgotten").status_code == 403
        assert own.test_client().get("/api/v1/forgotten", headers=bearer("finance_controller")).status_code == 403
    own.extensions["trinnvis_engine"].dispose()


def test_the_only_open_api_route_is_the_description(app: Flask) -> None:
    open_routes = {
        rule.rule
        for rule, method in routes(app)
        if rule.rule.startswith(API_PREFIX) and declared_rule(app, rule.endpoint, method) == PUBLIC
    }
    assert open_routes == {"/api/v1/openapi.json"}


def test_the_api_asks_everybody_for_a_token(app: Flask, client: FlaskClient) -> None:
    answers = {(method, url): client.open(url, method=method) for url, method, _ in api_routes(app)}
    assert len(answers) > 20
    assert {key: answer.status_code for key, answer in answers.items() if answer.status_code != 401} == {}
    assert all("WWW-Authenticate" in answer.headers for answer in answers.values())
    assert all(
        answer.content_type == "application/problem+json" for (method, _), answer in answers.items() if method != "HEAD"
    )


def test_the_cookie_of_the_pages_never_counts_for_the_api(app: Flask, sign_in_as: Callable[..., FlaskClient]) -> None:
    client = sign_in_as("finance_controller")
    assert client.get("/").status_code == 200
    assert {url for url, method, _ in api_routes(app) if client.open(url, method=method).status_code != 401} == set()


@pytest.mark.each_case_on_both
@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("Bearer nobody.secret", id="unknown-token"),
        pytest.param("Bearer", id="no-token"),
        pytest.param("Bearer \u00e6.\u00f8", id="not-ascii"),
        pytest.param("Basic " + b64encode(b"\x00:\x00").decode(), id="nul-characters"),
        pytest.param("Basic !!", id="no-base64"),
        pytest.param("Digest username=x", id="another-scheme"),
    ],
)
def test_what_is_no_token_is_nobody(database: Flask, authorization: str) -> None:
    answer = database.test_client().get("/api/v1/agreements", headers={"Authorization": authorization})
    assert answer.status_code == 401


def test_a_wrong_secret_is_nobody(app: Flask) -> None:
    token = bearer("auditor")["Authorization"]
    answer = app.test_client().get("/api/v1/agreements", headers={"Authorization": token[:-1] + ("A" * 2)})
    assert answer.status_code == 401


def test_basic_with_id_and_secret_is_the_same_token(app: Flask) -> None:
    public_id, _, secret = bearer("auditor")["Authorization"].removeprefix("Bearer ").partition(".")
    assert app.test_client().get("/api/v1/agreements", auth=(public_id, secret)).status_code == 200


def test_a_role_without_the_act_is_denied_at_every_route(app: Flask, client: FlaskClient) -> None:
    outsiders = {act: sorted(set(access.ROLES) - roles) for act, roles in access.RULES.items()}
    tokens = {role: bearer(role, None) for role in access.ROLES if role not in access.TRUST_ROLES}
    wrong, asked = [], 0
    for url, method, act in api_routes(app):
        for role in outsiders.get(act, []):  # what needs a token only is denied to no role
            if role in tokens:
                asked += 1
                answer = client.open(url, method=method, headers=tokens[role])
                if answer.status_code != 403:
                    wrong.append((method, url, role, answer.status_code))
    assert asked > 40
    assert wrong == []


@pytest.fixture
def scoped(example_app: Flask) -> Callable[..., Any]:
    """Ask the example as a reader within one trust."""
    headers = {role: bearer(role, OWN) for role in ("trust_reader", "trust_requester", "service")}

    def ask(url: str, method: str = "GET", role: str = "trust_reader", **options: Any) -> Any:
        options["headers"] = headers[role] | options.get("headers", {})
        return example_app.test_client().open(url, method=method, **options)

    return ask


@pytest.mark.parametrize("role", ["trust_reader", "trust_requester", "service"])
def test_no_listing_names_another_trust(scoped: Callable[..., Any], example_app: Flask, role: str) -> None:
    queries = {
        "/api/v1/charges": "?quarter=2026-Q3",
        "/api/v1/accruals": "?month=2026-09",
        "/api/v1/accruals.csv": "?month=2026-09",
        "/api/v1/cost-allocations": "?quarter=2026-Q3",
        "/api/v1/cost-allocations.csv": "?quarter=2026-Q3",
        "/api/v1/coverage": "?quarter=2026-Q3",
        "/api/v1/coverage.csv": "?quarter=2026-Q3",
        "/api/v1/invoices/expected": "?quarter=2026-Q3",
        "/api/v1/price-books/diff": "?from=2024-01-01&to=2026-01-01",
        "/api/v1/usage": "?limit=500&from=2026-06-01",
    }
    addresses = example_app.url_map.bind("localhost")
    secret = figures_of_one_other()
    seen = 0
    for rule, method in routes(example_app):
        if method != "GET" or not rule.rule.startswith(API_PREFIX) or rule.endpoint == "api-docs.openapi_json":
            continue
        url = addresses.build(rule.endpoint, values_of(rule, trust=OWN))
        answer = scoped(url + queries.get(url, ""), role=role)
        assert answer.status_code in (200, 403, 404), (url, answer.status_code, answer.text[:300])
        seen += answer.status_code == 200
        assert [trust for trust in TRUSTS if trust != OWN and trust in answer.text] == [], url
        assert figures_in(answer) & secret == set(), url
    assert seen >= 7


def test_the_figures_looked_for_are_those_that_readers_of_all_trusts_are_shown(example_app: Flask) -> None:
    client, auditor = example_app.test_client(), bearer("auditor")
    shown = figures_in(client.get("/api/v1/charges?quarter=2026-Q3", headers=auditor))
    own = figures_in(client.get(f"/api/v1/charges?quarter=2026-Q3&trust={OWN}", headers=auditor))
    secret = figures_of_one_other()
    assert len(shown & secret) > 40
    assert own & secret == set()


def test_no_explanation_of_an_own_amount_tells_one_other_trusts_volume(scoped: Callable[..., Any]) -> None:
    """What a pool held, less what was told of it before and less the own part, is never what one other trust had."""
    told, hidden = 0, 0
    # One other alone has chest X-rays then; in skeletal ones a second one begins in February.
    spring = Period(date(2025, 1, 1), date(2025, 5, 1))
    with db.read() as session:
        terms = basis.gather(session, agreement_id=agreements.find_agreement(session).id)
    lines = terms.rate(terms.agreement.term.period).lines
    pooled: dict[tuple[str, str], dict[str, int]] = {}
    asked_of: set[tuple[str, Period]] = set()
    for line in lines:
        where = (line.charge, line.period)
        if line.trust == OWN and line.kind == "usage" and line.period in spring.months() and where not in asked_of:
            asked_of.add(where)
            asked = f"/api/v1/charges/{line.id}/explanation?quarter={Period.quarter(line.period.start).label()}"
            counter = scoped(asked).json["counter"]
            if counter["scope"] == "agreement":
                points = pooled.setdefault((line.charge, counter["window"]["from"]), {counter["window"]["from"]: 0})
                hidden += counter["before"] is None
                if counter["before"] is not None:
                    told += 1
                    points[line.period.start.isoformat()] = counter["before"]
                    points[line.period.end.isoformat()] = counter["after"]
    leaks = []
    for (charge, _), points in pooled.items():
        for since, until in combinations(sorted(points), 2):
            units: dict[str, int] = defaultdict(int)
            for line in lines:
                if line.charge == charge and line.why is None and since <= line.period.start.isoformat() < until:
                    units[line.trust or ""] += line.quantity or 0
            rest = points[until] - points[since] - units.pop(OWN, 0)
            assert rest == sum(units.values())
            if rest and rest in units.values():
                leaks.append((charge, since, until))
    assert leaks == []
    assert told >= 3
    assert hidden >= 3


@pytest.mark.parametrize("unknown", ["no-such-trust", OTHER])
@pytest.mark.parametrize(
    "url",
    [
        "/api/v1/charges?quarter=2026-Q3&trust={trust}",
        "/api/v1/coverage?quarter=2026-Q3&trust={trust}",
        "/api/v1/corrections?trust={trust}",
        "/api/v1/quarters/2026-Q2?trust={trust}",
        "/api/v1/usage?trust={trust}",
        "/api/v1/usage/{trust}/xray-skeletal/2026-07-01",
    ],
)
def test_another_trust_is_as_unknown_as_one_that_does_not_exist(
    scoped: Callable[..., Any], url: str, unknown: str
) -> None:
    answer = scoped(url.format(trust=unknown))
    assert answer.status_code == 404
    assert answer.json["detail"] == f"there is no trust '{unknown}' in this agreement"


def test_another_trusts_charge_line_has_no_explanation(scoped: Callable[..., Any], example_app: Flask) -> None:
    everything = example_app.test_client().get("/api/v1/charges?quarter=2026-Q3", headers=bearer("auditor")).json
    other = next(line["id"] for line in everything["lines"] if line["trust"] == OTHER)
    own = next(line["id"] for line in everything["lines"] if line["trust"] == OWN)
    assert scoped(f"/api/v1/charges/{own}/explanation?quarter=2026-Q3").status_code == 200
    refused = scoped(f"/api/v1/charges/{other}/explanation?quarter=2026-Q3")
    missing = scoped("/api/v1/charges/0123456789abcdef/explanation?quarter=2026-Q3")
    assert (refused.status_code, missing.status_code) == (404, 404)
    assert refused.text.replace(other, "x") == missing.text.replace("0123456789abcdef", "x")


@pytest.mark.parametrize("trust", ["no-such-trust", OTHER])
def test_another_trusts_count_is_neither_imported_nor_corrected(scoped: Callable[..., Any], trust: str) -> None:
    row = f"trust,algorithm,date,quantity\n{trust},xray-skeletal,2026-10-01,5\n"
    imported = scoped(
        "/api/v1/usage-imports", "POST", "trust_requester", data=row, headers={"Content-Type": "text/csv"}
    )
    assert imported.status_code == 422
    assert imported.json["errors"][0]["code"] == "other_trust"
    corrected = scoped(
        "/api/v1/corrections",
        "POST",
        "trust_requester",
        json={"trust": trust, "algorithm": "xray-skeletal", "on": "2026-07-01", "change": 1, "reason": "why not"},
        headers={"If-Match": "*"},
    )
    assert (corrected.status_code, corrected.json["detail"]) == (404, f"there is no trust '{trust}' in this agreement")


@pytest.mark.parametrize("trust", ["no-such-trust", OTHER])
def test_a_scenario_about_another_trust_is_refused_without_telling_whether_it_exists(
    scoped: Callable[..., Any], trust: str
) -> None:
    plan = {"trust": trust, "algorithm": "xray-skeletal", "go_live": "2027-01-01", "monthly_volume": 10}
    document = {"from": "2026-10", "to": "2027-01", "activations": [plan]}
    answer = scoped("/api/v1/projections", "POST", json=document)
    assert answer.status_code == 422
    assert answer.json["errors"] == [
        {"pointer": "#/activations/0/trust", "code": "unknown_trust", "detail": f"there is no trust '{trust}'"}
    ]


def test_a_projection_within_one_trust_shows_the_others_together_only(scoped: Callable[..., Any]) -> None:
    answer = scoped("/api/v1/projections", "POST", json={"from": "2026-10", "to": "2027-01"})
    assert answer.status_code == 200
    assert [(row["trust"], row.get("others", False)) for row in answer.json["by_trust"]] == [(OWN, False), (None, True)]
    assert answer.json["by_algorithm"] == []
    assert [trust for trust in TRUSTS if trust != OWN and trust in answer.text] == []


@pytest.mark.parametrize("role", ["finance_controller", "service"])
def test_an_invoice_is_received_only_by_roles_for_all_trusts(example_app: Flask, role: str) -> None:
    answer = example_app.test_client().post(
        "/api/v1/invoices", data="<Invoice/>", content_type="application/xml", headers=bearer(role, OWN)
    )
    assert answer.status_code == 403


def test_an_agreement_is_imported_only_by_roles_for_all_trusts(example_app: Flask) -> None:
    client = example_app.test_client()
    document = client.get("/api/v1/agreements/ra-2024-ki", headers=bearer("contract_manager")).json
    answer = client.post("/api/v1/agreements", json=document, headers=bearer("contract_manager", OWN))
    assert answer.status_code == 403


def test_no_answer_of_the_api_is_kept_by_shared_caches(example_app: Flask) -> None:
    answer = example_app.test_client().get("/api/v1/agreements", headers=bearer("auditor"))
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert json.loads(answer.text)["items"]
