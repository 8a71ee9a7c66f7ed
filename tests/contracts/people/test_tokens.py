"""Tokens: their end, other secrets, narrower acts, revocation, and the day they were last used; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from contracts import audit
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import Token, TokenTerms
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Actor, Grant, IssuedToken
from tests.tokens import bearer

NOW = datetime(2026, 10, 15, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def make(role: str = "finance_controller", **more: Any) -> IssuedToken:
    with db.write() as session:
        return access.create_token(session, name="ERP", grant=Grant(role), actor=COMMAND_LINE, now=NOW, **more)


def opens(token: IssuedToken, now: datetime) -> Actor | None:
    with db.read() as session:
        return access.actor_of_token(session, token.public_id, token.secret, now=now)


def rotate(token: IssuedToken, now: datetime, **more: Any) -> IssuedToken:
    with db.write() as session:
        return access.rotate_token(session, public_id=token.public_id, actor=COMMAND_LINE, now=now, **more)


def state(now: datetime) -> str:
    with db.read() as session:
        return access.list_tokens(session, actor=COMMAND_LINE, now=now)[0].state


def test_a_token_opens_until_its_last_instant(database: Flask) -> None:
    token = make(lifetime=timedelta(days=30))
    assert opens(token, NOW + timedelta(days=30) - SECOND) is not None
    assert opens(token, NOW + timedelta(days=30)) is None
    assert (state(NOW), state(NOW + timedelta(days=30))) == ("active", "expired")


def test_a_token_without_a_lifetime_of_its_own_ends_after_a_year(app: Flask) -> None:
    token = make()
    assert opens(token, NOW + timedelta(days=365) - SECOND) is not None
    assert opens(token, NOW + timedelta(days=365)) is None


@pytest.mark.parametrize("days", [0, -1, 366])
def test_no_token_lives_longer_than_a_year_or_not_at_all(app: Flask, days: int) -> None:
    with pytest.raises(InvalidInput, match="#/days"):
        make(lifetime=timedelta(days=days))
    token = make()
    with pytest.raises(InvalidInput, match="#/days"):
        rotate(token, NOW, lifetime=timedelta(days=days))


def test_another_secret_ends_the_former_one_at_once(database: Flask) -> None:
    token = make()
    later = NOW + timedelta(days=5)
    other = rotate(token, later)
    assert (opens(token, later), opens(other, later) is not None) == (None, True)
    assert opens(other, later + timedelta(days=364)) is not None


def test_the_former_secret_may_live_on_until_a_chosen_instant(database: Flask) -> None:
    token = make()
    until = NOW + timedelta(days=7)
    other = rotate(token, NOW, former_until=until)
    assert opens(token, until - SECOND) is not None
    assert opens(token, until) is None
    assert opens(other, until) is not None
    third = rotate(other, NOW + timedelta(days=1))
    assert opens(token, NOW + timedelta(days=1)) is None, "only the secret just before lives on"
    assert opens(third, until) is not None


def test_a_former_secret_does_not_outlive_its_own_end_or_thirty_days(app: Flask) -> None:
    token = make(lifetime=timedelta(days=3))
    rotate(token, NOW + timedelta(days=2), former_until=NOW + timedelta(days=10))
    assert opens(token, NOW + timedelta(days=3) - SECOND) is not None
    assert opens(token, NOW + timedelta(days=3)) is None
    for instant in (NOW - SECOND, NOW + timedelta(days=30, seconds=1)):
        with pytest.raises(InvalidInput, match="#/former_until"):
            rotate(token, NOW, former_until=instant)


def test_a_revoked_token_opens_nothing_with_either_secret_and_stays_revoked(database: Flask) -> None:
    token = make()
    other = rotate(token, NOW, former_until=NOW + timedelta(days=7))
    with db.write() as session:
        access.revoke_token(session, public_id=token.public_id, actor=COMMAND_LINE, now=NOW)
    assert (opens(token, NOW), opens(other, NOW), state(NOW)) == (None, None, "revoked")
    with db.read() as session:
        assert access.find_actor(session, f"token:{token.public_id}") is None
    with pytest.raises(Conflict):
        rotate(token, NOW)
    with db.write() as session, pytest.raises(Conflict):
        access.revoke_token(session, public_id=token.public_id, actor=COMMAND_LINE, now=NOW)


def test_a_token_may_be_narrower_than_its_role(database: Flask) -> None:
    token = make(acts=["read"])
    for holder in (token, rotate(token, NOW, former_until=NOW + SECOND)):
        actor = opens(holder, NOW)
        assert actor is not None
        assert (actor.may("read"), actor.may("usage.import"), actor.scope("read")) == (True, False, None)
        with pytest.raises(Denied):
            actor.require("usage.import")
        with pytest.raises(Denied):
            actor.scope("usage.import")
    with db.read() as session:
        later = access.find_actor(session, f"token:{token.public_id}")
    assert later is not None
    assert not later.may("usage.import")


@pytest.mark.parametrize("acts", [["people.manage"], ["read", "no.such.act"], []], ids=["beyond", "unknown", "none"])
def test_a_token_is_never_wider_than_its_role(app: Flask, acts: list[str]) -> None:
    with pytest.raises(InvalidInput, match="#/acts"):
        make(acts=acts)


def test_a_token_from_before_tokens_ended_still_opens_until_it_gets_another_secret(database: Flask) -> None:
    old = IssuedToken("0123456789ab", "secret of long ago")
    with db.write() as session:
        session.add(
            Token(
                public_id=old.public_id,
                name="old",
                secret_hash=access._secret_hash(old.secret),
                role="auditor",
                recorded_at=NOW,
                recorded_by="test",
            )
        )
    far = NOW + timedelta(days=2000)
    assert opens(old, far) is not None
    other = rotate(old, far, former_until=far + SECOND)
    assert opens(old, far) is not None
    assert opens(old, far + SECOND) is None
    assert opens(other, far + SECOND) is not None


def test_only_an_administrator_makes_tokens_and_nothing_of_a_secret_is_told(app: Flask) -> None:
    token = make()
    auditor = Actor("person:a", "A", (Grant("auditor"),))
    with db.write() as session:
        for act in (
            lambda: access.list_tokens(session, actor=auditor, now=NOW),
            lambda: access.rotate_token(session, public_id=token.public_id, actor=auditor, now=NOW),
            lambda: access.revoke_token(session, public_id=token.public_id, actor=auditor, now=NOW),
        ):
            with pytest.raises(Denied):
                act()
        with pytest.raises(NotFound):
            access.revoke_token(session, public_id="nobody", actor=COMMAND_LINE, now=NOW)
    rotate(token, NOW)
    with db.read() as session:
        told = [event.action for event in audit.list_events(session, audit.Filter(subject="token"))]
        assert told == ["token.rotate", "token.create"]
        kept = repr(audit.list_events(session, audit.Filter(subject="token"))[0].data)
        assert all(row.secret_hash not in kept for row in session.scalars(select(TokenTerms)))
        assert token.secret not in repr(access.list_tokens(session, actor=COMMAND_LINE, now=NOW))


def test_the_day_of_use_is_kept_once_a_request_was_let_in(app: Flask) -> None:
    headers = bearer("admin")
    wrong = {"Authorization": headers["Authorization"] + "x"}
    with db.read() as session:
        name = session.scalars(select(Token.public_id)).one()
    for sent, kept in ((wrong, None), (headers, datetime.now(UTC).date())):
        app.test_client().get("/api/v1/jobs", headers=sent)
        with db.read() as session:
            assert access.used_on(session, name) == kept
