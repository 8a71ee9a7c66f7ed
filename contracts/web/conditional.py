"""One mechanism for "has it changed?": ETag with If-None-Match on reads, If-Match on writes.

A read is made conditional by `@etagged`. A write is guarded by `@needs_match`, which answers 428 where the header is
missing, and by `require_match` inside the write's own transaction, which answers 412 where the thing is no longer what the
caller saw.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from flask import Response, request
from werkzeug.exceptions import PreconditionFailed, PreconditionRequired

from contracts.web.api import described

View = TypeVar("View", bound=Callable[..., Any])

ETAG_HEADER: Final = {
    "ETag": {"description": "Names this state of the thing.", "required": True, "schema": {"type": "string"}}
}
IF_NONE_MATCH: Final = {
    "in": "header",
    "name": "If-None-Match",
    "description": "The ETag of the state you have; 304 where it still is the state.",
    "schema": {"type": "string"},
}
IF_MATCH: Final = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "The ETag of the state you change; 412 where it is another by now.",
    "schema": {"type": "string"},
}


def etag_of(*state: Any) -> str:
    """Give the opaque tag of a state made of plain values, without quotes."""
    return hashlib.sha256(json.dumps(state, default=str).encode()).hexdigest()[:32]


def etagged(view: View) -> View:
    """Give a view's answer an ETag (its own, else one of its bytes) and answer 304 to whoever has it already."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Response:
        response: Response = view(*args, **kwargs)
        if response.status_code == 200:
            response.add_etag()
            response.make_conditional(request)
        return response

    unchanged = {304: {"description": "Not Modified"}}
    declared: View = described(parameters=[IF_NONE_MATCH], responses=unchanged, headers=ETAG_HEADER)(answer)
    return declared


def needs_match(view: View) -> View:
    """Refuse a write without If-Match before anything else is looked at; the view calls `require_match`."""

    @wraps(view)
    def write(*args: Any, **kwargs: Any) -> Any:
        if "If-Match" not in request.headers:
            raise PreconditionRequired("send If-Match with the ETag of the state you change")
        return view(*args, **kwargs)

    declared: View = described(parameters=[IF_MATCH], problems=(412, 428))(write)
    return declared


def require_match(etag: str) -> None:
    """Raise `PreconditionFailed` unless the request's If-Match names the present state ``etag`` (strong comparison).

    Call it inside the transaction that writes, after the lock that keeps the state.
    """
    if not request.if_match.contains(etag):
        raise PreconditionFailed("it was changed in the meantime: read it again and decide on what it is now")
