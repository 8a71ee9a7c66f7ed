"""One mechanism for "do it once": the Idempotency-Key of a POST, kept per token with the answer it got.

The key is claimed in a transaction of its own before the work begins, so a second request sees that the first is in
flight. The work and its answer are then committed together: there is no moment in which one is there without the other,
and a process that dies in between has done nothing. Such a left-over claim may be taken over after `LEASE`; whoever holds
it then is the only one that can commit.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, Final, TypeVar

from flask import Response, g, request
from sqlalchemy import CursorResult, delete, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from contracts.errors import Conflict, Finding, InvalidInput
from contracts.extensions import db
from contracts.models import IdempotencyKey
from contracts.web.api import described
from contracts.web.guard import current_actor

View = TypeVar("View", bound=Callable[..., Any])

HEADER: Final = "Idempotency-Key"
LEASE: Final = timedelta(minutes=5)
KEPT_HEADERS: Final = ("Content-Type", "ETag", "Location")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)

PARAMETER: Final = {
    "in": "header",
    "name": HEADER,
    "description": "Your own key for this one act; send it again with the same request to get the first answer again.",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]+$", "minLength": 1, "maxLength": 200},
}


def once(view: View) -> View:
    """Do what a POST asks for once per key and token, and commit it together with its answer.

    The view works in `db.session`, returns a response and does not commit. An answer below 400 is committed and kept; any
    other rolls back and frees the key. Without a key the request is simply done. What the view gave to `keep_instead` is
    kept in place of the answer's body.
    """

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Response:
        key = _key()
        if key is None:
            response: Response = view(*args, **kwargs)
            _end(db.session, response.status_code)
            return response
        principal, fingerprint = current_actor().id, request_fingerprint()
        claimed_at, kept = _claim(principal, key, fingerprint, datetime.now(UTC))
        if kept is not None:
            return kept
        try:
            response = view(*args, **kwargs)
            if response.status_code < 400:
                _keep(db.session, principal, key, claimed_at, response)
            _end(db.session, response.status_code)
        except BaseException:
            db.session.rollback()
            _free(principal, key, claimed_at)
            raise
        if response.status_code >= 400:
            _free(principal, key, claimed_at)
        return response

    declared: View = described(parameters=[PARAMETER], problems=(409, 422))(answer)
    return declared


def keep_instead(body: bytes) -> None:
    """Have ``body`` kept instead of the body that is answered: a secret is shown once and stored nowhere."""
    g.trinnvis_kept_body = body


def request_fingerprint() -> str:
    """Hash what a request asks for: method, address and content; a form by its parts, whose boundary may differ."""
    digest = hashlib.sha256()

    def add(part: bytes) -> None:
        digest.update(len(part).to_bytes(8, "big") + part)

    add(request.method.encode())
    add(request.path.encode())
    add(request.query_string)
    add(request.mimetype.encode())
    if request.mimetype == "multipart/form-data":
        for name, value in request.form.items(multi=True):
            add((name or "").encode())
            add(value.encode())
        for name, file in request.files.items(multi=True):
            add((name or "").encode())
            add((file.filename or "").encode())
            digest.update(file.seek(0, 2).to_bytes(8, "big"))
            file.seek(0)
            while block := file.read(1 << 20):  # a large file is hashed without being held whole
                digest.update(block)
            file.seek(0)
    else:
        add(request.get_data())
    return digest.hexdigest()


def _key() -> str | None:
    text = request.headers.get(HEADER)
    if text is not None and _KEY.fullmatch(text) is None:
        detail = "a key is 1 to 200 visible ASCII characters"
        raise InvalidInput((Finding(f"#/header/{HEADER}", "invalid_key", detail),))
    return text


def _claim(principal: str, key: str, fingerprint: str, now: datetime) -> tuple[datetime, Response | None]:
    """Claim a key, or give the answer kept under it. Raises `Conflict` while another request holds it."""
    known = _known(principal, key)
    if known is None:
        try:
            with db.write() as session:
                session.execute(
                    insert(IdempotencyKey).values(
                        principal=principal, key=key, request_hash=fingerprint, created_at=now
                    )
                )
            return now, None
        except IntegrityError:
            known = _known(principal, key)
    if known is None:
        raise _in_flight()  # claimed and freed again within this instant: its request was refused, ask again
    if known.request_hash != fingerprint:
        detail = "this key was used for another request; use a new key for a new act"
        raise InvalidInput((Finding(f"#/header/{HEADER}", "key_used_otherwise", detail),))
    if known.status is not None:
        return now, _kept_answer(known)
    if known.created_at > now - LEASE or not _take_over(known, now):
        raise _in_flight()
    return now, None


def _known(principal: str, key: str) -> IdempotencyKey | None:
    with db.read() as session:
        return session.get(IdempotencyKey, (principal, key))


def _take_over(known: IdempotencyKey, now: datetime) -> bool:
    with db.write() as session:
        taken = _held(session, known.principal, known.key, known.created_at, created_at=now)
    return taken


def _keep(session: Session, principal: str, key: str, claimed_at: datetime, response: Response) -> None:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    values = {
        "status": response.status_code,
        "headers": json.dumps(headers),
        "body": g.pop("trinnvis_kept_body", response.get_data()),
    }
    if not _held(session, principal, key, claimed_at, **values):
        raise _in_flight()  # the lease ran out and another request took the key over: this one must not count too


def _held(session: Session, principal: str, key: str, claimed_at: datetime, **values: Any) -> bool:
    """Change the claim made at ``claimed_at``, if it still stands unanswered, and tell whether it did."""
    result = session.execute(
        update(IdempotencyKey)
        .where(
            IdempotencyKey.principal == principal,
            IdempotencyKey.key == key,
            IdempotencyKey.created_at == claimed_at,
            IdempotencyKey.status.is_(None),
        )
        .values(**values)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _free(principal: str, key: str, claimed_at: datetime) -> None:
    with db.write() as session:
        session.execute(
            delete(IdempotencyKey).where(
                IdempotencyKey.principal == principal,
                IdempotencyKey.key == key,
                IdempotencyKey.created_at == claimed_at,
                IdempotencyKey.status.is_(None),
            )
        )


def _kept_answer(known: IdempotencyKey) -> Response:
    response = Response(known.body, status=known.status)
    response.headers.update(json.loads(known.headers or "{}"))
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _in_flight() -> Conflict:
    return Conflict("in_flight", "the first request with this key is still being worked on; ask again in a moment")


def _end(session: Session, status: int) -> None:
    if status < 400:
        session.commit()
    else:
        session.rollback()
