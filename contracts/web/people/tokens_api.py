"""API of tokens: those there are, a new one, another secret, the end of one. A secret is answered once and kept nowhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response

from contracts.errors import Finding, InvalidInput
from contracts.people import access
from contracts.people.access import Grant, IssuedToken, TokenView
from contracts.schemas.fields import load
from contracts.schemas.tokens import IssuedTokenSchema, NewTokenSchema, RotationSchema, TokenPageSchema, TokenSchema
from contracts.web import api
from contracts.web.acts import acted
from contracts.web.api import answers, described, document_body, json_answer, json_body
from contracts.web.conditional import ETAG_HEADER, etag_of, needs_match, require_match
from contracts.web.guard import requires
from contracts.web.idempotency import keep_instead, once
from contracts.web.resources import Resource

resource = Resource("tokens_api", __name__, url_prefix=f"{api.PREFIX}/tokens", description="Keys of programs.")


@resource.reads("", TokenPageSchema, "All tokens, newest first.", act="people.manage", problems=())
def list_tokens() -> Any:
    """List the tokens"""
    return acted(access.list_tokens)


@resource.writes(
    "",
    "people.manage",
    IssuedTokenSchema,
    "The token is made.",
    body=document_body(NewTokenSchema),
    problems=(400, 409, 415, 422),
    etag=True,
)
def create() -> Response:
    """Make a token"""
    now = datetime.now(UTC)
    body = load(NewTokenSchema(), json_body(), "#")
    try:
        issued = acted(
            access.create_token,
            name=body["name"],
            grant=Grant(body["role"], body["trust"]),
            acts=body["acts"],
            lifetime=timedelta(days=body["days"]),
            now=now,
        )
    except InvalidInput as error:
        raise InvalidInput(tuple(_placed(one) for one in error.errors)) from None
    return _issued(issued, now)


@resource.reads("/<code:public_id>", TokenSchema, "The token.", act="people.manage", problems=(404,))
def show(public_id: str) -> Response:
    """Give a token"""
    found = acted(access.find_token, public_id=public_id)
    response = json_answer(TokenSchema().dump(found))
    response.set_etag(_etag(found))
    return response


@resource.route("/<code:public_id>/rotations", methods=["POST"])
@requires("people.manage")
@answers(IssuedTokenSchema, status=201, description="It has another secret.", problems=(400, 404, 409, 415, 422))
@described(body=document_body(RotationSchema), headers=ETAG_HEADER)
@needs_match
@once
def rotate(public_id: str) -> Response:
    """Give a token another secret"""
    now = datetime.now(UTC)
    body = load(RotationSchema(), json_body(), "#")
    _require_state(public_id, now)
    issued = acted(
        access.rotate_token,
        public_id=public_id,
        former_until=now + timedelta(days=body["former_days"]),
        lifetime=timedelta(days=body["days"]),
        now=now,
    )
    return _issued(issued, now)


@resource.route("/<code:public_id>/revocations", methods=["POST"])
@requires("people.manage")
@answers(TokenSchema, status=201, description="It opens nothing from now on.", problems=(404, 409))
@described(headers=ETAG_HEADER)
@needs_match
@once
def revoke(public_id: str) -> Response:
    """Revoke a token"""
    now = datetime.now(UTC)
    _require_state(public_id, now)
    acted(access.revoke_token, public_id=public_id, now=now)
    return _answer(public_id, now)


def _issued(issued: IssuedToken, now: datetime) -> Response:
    """Answer with the secret, and have the same answer kept without it."""
    keep_instead(_answer(issued.public_id, now, secret=None).get_data())
    return _answer(issued.public_id, now, secret=issued.secret)


def _answer(public_id: str, now: datetime, **more: Any) -> Response:
    found = acted(access.find_token, public_id=public_id, now=now)
    response = json_answer(TokenSchema().dump(found) | more, 201)
    response.set_etag(_etag(found))
    return response


def _require_state(public_id: str, now: datetime) -> None:
    held = acted(access.find_token, public_id=public_id, now=now, hold=True)
    require_match(_etag(held))


def _etag(token: TokenView) -> str:
    return etag_of(token.public_id, token.secrets, token.state, token.last_on)


def _placed(finding: Finding) -> Finding:
    """Point at the member of the body that a finding about the role and its trust is about."""
    if finding.pointer != "#/roles/0":
        return finding
    place = "#/role" if finding.code == "unknown_role" else "#/trust"
    return Finding(place, finding.code, finding.detail)
