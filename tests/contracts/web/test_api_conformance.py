"""The API against its own description: generated requests, every answer as described, none an internal error."""

from __future__ import annotations

import os
from typing import Any

import hypothesis
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.tokens import bearer

# `CONFORMANCE_EXAMPLES=n` asks n times as many.
TIMES = int(os.environ.get("CONFORMANCE_EXAMPLES", "1"))
EXAMPLES = {GenerationMode.POSITIVE: 4 * TIMES, GenerationMode.NEGATIVE: 2 * TIMES}
AS_DESCRIBED = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
]
# What one role may not do another one asks.
ROLE_OF = {
    "POST /api/v1/agreements": "contract_manager",
    "GET /api/v1/tokens": "admin",
    "POST /api/v1/tokens": "admin",
    "GET /api/v1/tokens/{public_id}": "admin",
    "POST /api/v1/tokens/{public_id}/rotations": "admin",
    "POST /api/v1/tokens/{public_id}/revocations": "admin",
}


@pytest.mark.slow
@pytest.mark.parametrize("mode", EXAMPLES, ids=lambda mode: mode.value)
def test_generated_requests_are_answered_as_described(example_app: Flask, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", example_app)
    schema.validate()
    tokens = {role: bearer(role) for role in ("finance_controller", "contract_manager", "admin")}
    asked: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if mode is GenerationMode.NEGATIVE and not operation.body and not operation.query:
            continue

        @hypothesis.settings(
            max_examples=EXAMPLES[mode],
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            asked.append(case.operation.label)
            headers = tokens[ROLE_OF.get(case.operation.label, "finance_controller")]
            case.validate_response(case.call(headers=headers), checks=AS_DESCRIBED)

        ask()
    assert len(set(asked)) >= 12
