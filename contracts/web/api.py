"""The API under `/api/v1`: what every resource shares, and its description at `/api/v1/openapi.json` (OpenAPI 3.1).

Resources are thin: read the request, one use case, write the answer. Bodies are read by the schemas that the commands use,
so an error has the same JSON pointer here and there: `#/…` points into the body, `#/query/…` at a query parameter,
`#/header/…` at a header. Errors are problem documents made in `contracts.web.problems` and nowhere else.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from http import HTTPStatus
from typing import Any, Final

import flask_smorest
from flask import Flask, Response, abort, request
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.routing import BaseConverter

from contracts.errors import Finding, InvalidInput
from contracts.schemas import fields as terms_fields
from contracts.schemas import price_book
from contracts.schemas.answers import ProblemSchema
from contracts.schemas.documents import parse_json
from contracts.web.exports import FORMATS, TableFormat
from contracts.web.guard import public
from contracts.web.problems import problem

PREFIX: Final = "/api/v1"
PROBLEM: Final = "application/problem+json"
JSON: Final = "application/json"

DESCRIPTION: Final = """\
What was agreed and what it costs. A token comes as `Authorization: Bearer <id>.<secret>`, or by Basic with its id as the
user name and its secret as the password (for spreadsheets). The cookie of the pages never counts here.

* **Errors** are problem documents (RFC 9457) with `code` and, for invalid input, every error as `{pointer, code, detail}`.
  A pointer `#/…` leads into the body, in a file `#/line/7/column`, `#/query/…` to a query parameter, `#/header/…` to a
  header. Unknown query parameters
  and members are refused.
* **Money** is `{"amount": "1234.50", "currency": "NOK"}`; inside price answers, charges, projections and readings of
  invoices amounts are plain strings. All amounts exclude VAT unless they are called tax or payable.
* **Periods** are half-open: `from` is the first day, `to` the first day after. Quarters are written `2026-Q3`.
* **Pages** are `{"items", "next"}`: send `next` as `after` to get what follows; `null` is the end.
* **ETag**: every answer to GET has one and heeds `If-None-Match`. Where a write needs `If-Match`, it answers 428 without it
  and 412 where the thing has changed in the meantime.
* **Idempotency-Key** (1–200 visible ASCII characters, your own for each act): the same key with the same request gets the
  first answer again (`Idempotency-Replayed: true`); with another request 422; while the first is in flight 409. A refused
  request changed nothing and leaves its key free. Answers are kept for seven days.
* **Agreement**: with one agreement recorded, `agreement` may be left out.
* A token within one trust gets that trust's own figures; what belongs to another trust is as unknown as what does not exist.
"""


class CodeConverter(BaseConverter):
    """A code in an address; anything else is an address that does not exist."""

    regex = "[a-z0-9]+(?:-[a-z0-9]+)*"


class StrictParser(FlaskParser):
    """Read query parameters as strictly as bodies: none unknown, none twice."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}  # noqa: RUF012 - as above

    def load_querystring(self, req: Any, schema: Schema) -> Any:
        """Give the query's parameters, each once."""
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            raise ValidationError({name: ["twice: The parameter is given more than once."] for name in repeated})
        return super().load_querystring(req, schema)


class ApiBlueprint(flask_smorest.Blueprint):
    """A resource of the API, documented from what its views declare (`answers`, `described`, `arguments`)."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_declared_doc)


class ProblemApi(flask_smorest.Api):
    """The API's registry and description; the app's own error handlers stand."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Leave errors to `contracts.web.problems`."""

    def _register_pagination_header(self) -> None:
        """Leave the library's pagination out of the description; pages are `{items, next}`."""

    @public
    def _openapi_json(self) -> Response:
        """Serve the description; it holds no data and needs no token."""
        response = json_answer(self.spec.to_dict())
        response.add_etag()
        response.make_conditional(request)
        return response


def register(app: Flask) -> ProblemApi:
    """Give the app its API, to which both halves `add` their resources."""
    app.url_map.converters["code"] = CodeConverter
    app.config.update(
        API_TITLE="Trinnvis",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = ProblemApi(
        app,
        spec_kwargs={
            "info": {"description": DESCRIPTION},
            "servers": [{"url": "/"}],
            "security": [{"bearer": []}, {"basic": []}],
        },
    )
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.spec.components.security_scheme("basic", {"type": "http", "scheme": "basic"})
    api.register_converter(CodeConverter, lambda _converter: {"type": "string", "pattern": f"^{CodeConverter.regex}$"})
    api.register_converter(TableFormat, lambda _converter: {"type": "string", "enum": [*FORMATS]})
    api.register_field(terms_fields.Text, "string", None)
    api.register_field(terms_fields.Clause, "string", None)
    api.register_field(terms_fields.Day, "string", "date")
    api.register_field(terms_fields.Whole, "integer", None)
    api.register_field(terms_fields.Number, "string", None)
    api.register_field(terms_fields.Flag, "boolean", None)
    api.ma_plugin.converter.add_attribute_function(_written_properties)
    return api


def add(app: Flask, *blueprints: ApiBlueprint) -> None:
    """Add resources. They are exempt from the pages' CSRF check: a token is no cookie that a browser sends by itself."""
    api: ProblemApi = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
        app.extensions["csrf"].exempt(blueprint)


def answers(
    schema: type[Schema] | Schema | Mapping[str, Any],
    *,
    status: int = 200,
    description: str = "",
    also: Mapping[int, str] | None = None,
    problems: Iterable[int] = (),
    example: Any = None,
) -> Callable[[Any], Any]:
    """Declare what a view answers: its usual status and shape, ``also`` others of the same shape, and its problems."""

    def body(text: str) -> dict[str, Any]:
        content: dict[str, Any] = {"schema": schema}
        if example is not None:
            content["example"] = example
        return {"description": text, "content": {JSON: content}}

    responses = {status: body(description or HTTPStatus(status).phrase)}
    responses |= {other: body(text) for other, text in (also or {}).items()}
    return described(responses=responses, problems=(401, 403, *problems))


def described(
    *,
    parameters: Sequence[Mapping[str, Any]] = (),
    responses: Mapping[int, Mapping[str, Any]] | None = None,
    problems: Iterable[int] = (),
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, Any] | None = None,
) -> Callable[[Any], Any]:
    """Declare a part of a view's description; decorators that add behaviour add theirs."""

    def declare(view: Any) -> Any:
        view._apidoc = deepcopy(getattr(view, "_apidoc", {}))
        parts = view._apidoc.setdefault("declared", {"parameters": [], "responses": {}, "headers": {}, "body": None})
        parts["parameters"] += list(parameters)
        parts["responses"].update(responses or {})
        parts["headers"].update(headers or {})
        parts["body"] = body or parts["body"]
        for status in problems:
            parts["responses"].setdefault(status, {"problem": True})
        return view

    return declare


def _declared_doc(doc: dict[str, Any], doc_info: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    declared = doc_info.get("declared", {"parameters": [], "responses": {}, "headers": {}, "body": None})
    responses: dict[str, Any] = {}
    for status, response in sorted(declared["responses"].items()):
        if "problem" in response:
            content = {PROBLEM: {"schema": ProblemSchema}}
            responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
        else:
            responses[str(status)] = dict(response)
            if declared["headers"] and status < 400:
                responses[str(status)]["headers"] = declared["headers"]
    if doc.get("parameters"):
        # Query parameters are read strictly, so every operation that has some may find them invalid.
        responses.setdefault(
            "422", {"description": HTTPStatus(422).phrase, "content": {PROBLEM: {"schema": ProblemSchema}}}
        )
    doc["parameters"] = [*doc.get("parameters", []), *declared["parameters"]]
    doc["responses"] = responses
    if declared["body"]:
        doc["requestBody"] = declared["body"]
    return doc


def _written_properties(self: Any, field: Any, **_kwargs: Any) -> dict[str, Any]:
    """Describe the fields of terms: an amount's decimals, a choice's words, a charge of any kind."""
    if isinstance(field, terms_fields.Number):
        return {"pattern": rf"^-?[0-9]{{1,12}}(\.[0-9]{{1,{field.places}}})?$"}
    if isinstance(field, terms_fields.Text):
        return {"minLength": 1}
    if isinstance(field, terms_fields.Choice):
        words = all(isinstance(choice, str) for choice in field.choices)
        kind = "string" if words else "integer"
        if field.allow_none:
            return {"type": [kind, "null"], "enum": [*field.choices, None]}
        return {"type": kind, "enum": list(field.choices)}
    if isinstance(field, price_book.Algorithms):
        return {"oneOf": [{"const": price_book.ALL}, {"type": "array", "items": {"type": "string", "minLength": 1}}]}
    if isinstance(field, price_book.ChargeField):
        kinds = (price_book.UsageChargeSchema, price_book.FixedChargeSchema, price_book.OneOffChargeSchema)
        return {"anyOf": [self.resolve_nested_schema(kind) for kind in kinds]}
    return {}


def json_answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Make an answer of a document."""
    return Response(
        json.dumps(document, ensure_ascii=False) + "\n", status=status, content_type=JSON, headers=dict(headers or {})
    )


def json_body() -> Any:
    """Give the request's JSON document; 415 for another media type, 400 with its place where it is no JSON."""
    if not request.is_json:
        raise UnsupportedMediaType("send a JSON document with Content-Type: application/json")
    try:
        return parse_json(request.get_data())
    except InvalidInput as error:
        reason = error.errors[0]
        abort(problem(400, reason.code, reason.detail, errors=error.errors))


def uploaded(*media_types: str, usual_name: str) -> tuple[str, bytes]:
    """Give an uploaded file's name and content: the body itself, or the part `file` of a multipart form."""
    if request.mimetype == "multipart/form-data":
        file = request.files.get("file")
        if file is None or len(request.files) > 1:
            raise InvalidInput((Finding("#/file", "missing", "the form has one file, in its part 'file'"),))
        return plain_name(file.filename) or usual_name, file.read()
    if request.mimetype not in media_types:
        raise UnsupportedMediaType(f"send {' or '.join(media_types)}, or multipart/form-data with a part 'file'")
    content = request.get_data()
    if not content:
        raise BadRequest("the body is empty")
    return usual_name, content


def file_body(*media_types: str, description: str, example: str | None = None) -> dict[str, Any]:
    """Describe the body that `uploaded` reads."""
    plain: dict[str, Any] = {"schema": {"type": "string"}}
    if example is not None:
        plain["example"] = example
    form = {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
        }
    }
    content = dict.fromkeys(media_types, plain) | {"multipart/form-data": form}
    return {"description": description, "required": True, "content": content}


def document_body(schema: Any, *, description: str = "", examples: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Describe a JSON body."""
    content: dict[str, Any] = {"schema": schema}
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"description": description, "required": True, "content": {JSON: content}}


def to_cursor(*key: Any) -> str:
    """Write a row's key as the opaque text that `next` is."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def from_cursor(text: str | None, *kinds: Callable[[Any], Any]) -> tuple[Any, ...] | None:
    """Read the key in an `after`; `InvalidInput` where it is no cursor of this listing."""
    if text is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(key, list) or len(key) != len(kinds):
            raise ValueError
        return tuple(kind(part) for kind, part in zip(kinds, key, strict=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        detail = "this is no `next` of this listing"
        raise InvalidInput((Finding("#/query/after", "not_a_cursor", detail),)) from None


def whole(part: Any) -> int:
    """Read a cursor's part that is a count or an id."""
    if not isinstance(part, int) or isinstance(part, bool) or not 0 <= part < 2**63:
        raise ValueError(part)
    return part


def text(part: Any) -> str:
    """Read a cursor's part that is a code or a date."""
    if not isinstance(part, str) or not part.isprintable():
        raise ValueError(part)
    return part


def plain_name(name: str | None) -> str:
    """Keep a file name's last part without control characters: it is shown again, never used as a path."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable())[:200]
