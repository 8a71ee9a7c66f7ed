"""Mistakes of callers as answers: a problem document (RFC 9457) under the API, a page elsewhere. One place for both."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import Any

from flask import Flask, Response, current_app, request
from sqlalchemy.exc import DataError, OperationalError, ProgrammingError
from werkzeug.exceptions import HTTPException

from contracts import schema_versions
from contracts.errors import Conflict, Denied, Finding, InvalidInput, NotFound
from contracts.extensions import db
from contracts.schemas.fields import findings_of
from contracts.schemas.problems import problem_of
from contracts.web import layout
from contracts.web.guard import API_PREFIX

TITLES = {
    400: "Bad request",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    412: "Changed in the meantime",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid input",
    428: "A precondition is needed",
    429: "Too many attempts",
    500: "Internal error",
    503: "Not available",
}


def problem(
    status: int, code: str, detail: str, errors: Iterable[Finding | dict[str, Any]] = (), **more: Any
) -> Response:
    """Make a problem document with ``code`` and, for invalid input, every error with its JSON pointer.

    An error given as a dict has further members beside ``pointer``, ``code`` and ``detail``.
    """
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    listed = [
        {"pointer": error.pointer, "code": error.code, "detail": error.detail} if isinstance(error, Finding) else error
        for error in errors
    ]
    if listed:
        body["errors"] = listed
    response = Response(
        json.dumps(body, ensure_ascii=False) + "\n", status=status, content_type="application/problem+json"
    )
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="trinnvis", Basic realm="trinnvis"'
    return response


def invalid_input(error: InvalidInput) -> Response:
    """Make the 422 of invalid input."""
    document = problem_of(error)
    return problem(422, document["code"], document["detail"], errors=error.errors)


def register(app: Flask) -> None:
    """Map each kind of mistake to its status, for pages and API alike."""

    def answer(status: int, code: str, detail: str, errors: Iterable[Finding] = ()) -> Any:
        db.end()
        if request.path.startswith(API_PREFIX):
            return problem(status, code, detail, errors)
        sentences = [f"{error.detail} ({error.pointer})" for error in errors] or ([detail] if status < 500 else [])
        return layout.error_page(status, details=sentences)

    @app.errorhandler(InvalidInput)
    def on_invalid_input(error: InvalidInput) -> Any:
        if request.path.startswith(API_PREFIX):
            return invalid_input(error)
        return answer(422, "invalid_input", str(error), error.errors)

    @app.errorhandler(NotFound)
    def on_not_found(error: NotFound) -> Any:
        db.end()
        if request.path.startswith(API_PREFIX):
            return problem(404, "not_found", str(error))
        # What is told of it is the API's English; the page's own sentence says as much in the reader's language.
        return layout.error_page(404)

    @app.errorhandler(DataError)
    @app.errorhandler(OverflowError)
    def on_impossible_value(_error: Exception) -> Any:
        # A number or text that no row can hold names nothing that is recorded here.
        current_app.logger.warning("a value beyond any row path=%s", request.path)
        return answer(404, "not_found", "nothing recorded here can be called that")

    @app.errorhandler(Denied)
    def on_denied(error: Denied) -> Any:
        return answer(403, "denied", str(error))

    @app.errorhandler(Conflict)
    def on_conflict(error: Conflict) -> Any:
        return answer(409, error.code, error.detail)

    @app.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> Any:
        db.end()
        if not request.path.startswith(API_PREFIX):
            return layout.http_error_page(error)
        status = error.code or 500
        messages = getattr(error, "data", {}).get("messages") if status == 422 else None
        if messages:
            findings = [
                Finding(finding.pointer.replace("#/json", "#", 1), finding.code, finding.detail)
                for finding in findings_of(messages, "#")
            ]
            return invalid_input(InvalidInput(tuple(findings)))
        code = {401: "unauthorized", 403: "denied", 404: "not_found"}.get(status, (error.name or "error").lower())
        said = error.description if error.description != type(error).description else None
        answered = problem(status, code.replace(" ", "_"), said or TITLES.get(status, "Error"))
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            answered.headers["Allow"] = ", ".join(sorted(allowed))
        return answered

    @app.errorhandler(OperationalError)
    @app.errorhandler(ProgrammingError)
    def on_database(error: Exception) -> Any:
        lacking = schema_versions.lacking(db.engine)
        if lacking is None:
            return on_unforeseen(error)
        current_app.logger.error("no database path=%s: %s", request.path, lacking)
        if request.path.startswith(API_PREFIX):
            return problem(503, "no_database", lacking)
        return layout.error_page(503)

    @app.errorhandler(Exception)
    def on_unforeseen(error: Exception) -> Any:
        reference = secrets.token_hex(4)
        current_app.logger.exception("unforeseen reference=%s path=%s", reference, request.path)
        db.end()
        if current_app.testing:
            raise error
        if request.path.startswith(API_PREFIX):
            return problem(500, "internal_error", "something went wrong with us", reference=reference)
        return layout.error_page(500, reference=reference)
