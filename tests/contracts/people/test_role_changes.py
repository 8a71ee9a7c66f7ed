"""Roles given and taken back: added facts, never to oneself, never so that nobody is left who can; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from contracts import audit
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import Person, RoleGrant
from contracts.people import access, role_changes
from contracts.people.access import COMMAND_LINE, ROLES, TRUST_ROLES, Actor, Grant
from tests.recorded import record_agreement

NOW = datetime(2026, 10, 15, 8, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def add(name: str, *grants: Grant, password: str | None = "steg for steg for steg") -> int:
    with db.write() as session:
        person = access.add_person(
            session,
            email=f"{name}@example.org",
            name=name,
            password=password,
            grants=grants,
            actor=COMMAND_LINE,
            now=NOW,
        )
        return person.id


def actor_of(person_id: int) -> Actor:
    with db.read() as session:
        person = session.get(Person, person_id)
        assert person is not None
        return access.actor_of_person(session, person)


def give(person_id: int, grant: Grant, actor: Actor = COMMAND_LINE) -> None:
    with db.write() as session:
        role_changes.give(session, person_id=person_id, grant=grant, actor=actor, now=LATER)


def take(person_id: int, role: str, actor: Actor = COMMAND_LINE) -> None:
    with db.write() as session:
        person = role_changes.find_person(session, person_id, actor=COMMAND_LINE)
        held = role_changes.roles_of(session, person, actor=COMMAND_LINE)
        grant_id = next(each.id for each in held if each.grant.role == role)
        role_changes.take(session, person_id=person_id, grant_id=grant_id, actor=actor, now=LATER)


def facts() -> tuple[int, int]:
    with db.read() as session:
        return (
            session.scalar(select(func.count()).select_from(RoleGrant)) or 0,
            len(audit.list_events(session, audit.Filter(subject="person"))),
        )


def test_a_role_is_given_taken_back_and_given_again_and_all_of_it_is_kept(database: Flask) -> None:
    record_agreement()
    kari = add("kari", Grant("auditor"))
    give(kari, Grant("approver"))
    assert actor_of(kari).may("ceiling.decide")
    take(kari, "approver")
    assert not actor_of(kari).may("ceiling.decide")
    give(kari, Grant("approver"))
    assert actor_of(kari).grants == (Grant("auditor"), Grant("approver"))
    with db.read() as session:
        person = role_changes.find_person(session, kari, actor=COMMAND_LINE)
        held = role_changes.roles_of(session, person, actor=COMMAND_LINE)
        done = [one.action for one in audit.list_events(session, audit.Filter(subject="person:kari@example.org"))]
    assert [(each.grant.role, each.taken_at) for each in held] == [
        ("approver", None),
        ("approver", LATER),
        ("auditor", None),
    ]
    assert done == ["person.give_role", "person.take_role", "person.give_role", "person.add"]


def test_nobody_gives_a_role_to_themselves(app: Flask) -> None:
    admin = add("admin", Grant("admin"))
    before = facts()
    for role in sorted(set(ROLES) - TRUST_ROLES):
        with pytest.raises(Conflict, match="themselves"):
            give(admin, Grant(role), actor_of(admin))
    assert facts() == before


def test_the_last_administrator_stays_until_there_is_another_who_can_sign_in(database: Flask) -> None:
    first = add("first", Grant("admin"), Grant("auditor"))
    add("without-password", Grant("admin"), password=None)
    before = facts()
    for actor in (COMMAND_LINE, actor_of(first)):
        with pytest.raises(Conflict, match="last administrator"):
            take(first, "admin", actor)
    assert facts() == before
    second = add("second", Grant("admin"))
    take(first, "admin", actor_of(second))
    assert not actor_of(first).may("people.manage")
    with pytest.raises(Conflict, match="last administrator"):
        take(second, "admin", actor_of(second))


def test_an_administrator_may_give_up_the_role_where_another_has_it(app: Flask) -> None:
    first, second = add("first", Grant("admin")), add("second", Grant("admin"))
    take(first, "admin", actor_of(first))
    assert (actor_of(first).grants, actor_of(second).grants) == ((), (Grant("admin"),))


@pytest.mark.parametrize("role", sorted(set(ROLES) - TRUST_ROLES - {"admin"}))
def test_no_other_role_changes_roles(app: Flask, role: str) -> None:
    record_agreement()
    kari, other = add("kari", Grant("auditor")), add("other", Grant(role))
    before = facts()
    with pytest.raises(Denied):
        give(kari, Grant("approver"), actor_of(other))
    with pytest.raises(Denied):
        take(kari, "auditor", actor_of(other))
    assert facts() == before


@pytest.mark.parametrize(
    ("grant", "code"),
    [
        pytest.param(Grant("owner"), "unknown_role", id="unknown-role"),
        pytest.param(Grant("calendar"), "unknown_role", id="role-of-no-person"),
        pytest.param(Grant("trust_reader"), "trust_needed", id="trust-missing"),
        pytest.param(Grant("approver", "nowhere"), "unknown_trust", id="unknown-trust"),
    ],
)
def test_a_role_that_cannot_be_is_refused(app: Flask, grant: Grant, code: str) -> None:
    kari = add("kari", Grant("auditor"))
    with pytest.raises(InvalidInput) as refused:
        give(kari, grant)
    assert [one.code for one in refused.value.errors] == [code]


def test_a_role_held_already_or_within_another_trust_is_refused(app: Flask) -> None:
    record_agreement()
    kari = add("kari", Grant("trust_reader", "vestre-viken"))
    with pytest.raises(Conflict, match="held already"):
        give(kari, Grant("trust_reader", "vestre-viken"))
    with pytest.raises(Conflict, match="within one"):
        give(kari, Grant("trust_requester", "akershus"))
    give(kari, Grant("trust_requester", "vestre-viken"))
    assert actor_of(kari).scope() == "vestre-viken"


def test_a_role_is_taken_back_once_and_from_whoever_held_it(app: Flask) -> None:
    kari, other = add("kari", Grant("auditor")), add("other", Grant("approver"))
    take(kari, "auditor")
    with pytest.raises(Conflict, match="already"):
        take(kari, "auditor")
    with db.write() as session:
        person = role_changes.find_person(session, other, actor=COMMAND_LINE)
        (held,) = role_changes.roles_of(session, person, actor=COMMAND_LINE)
        for grant_id in (held.id, 0, 2**64):
            with pytest.raises(NotFound):
                role_changes.take(session, person_id=kari, grant_id=grant_id, actor=COMMAND_LINE, now=LATER)
        with pytest.raises(NotFound):
            role_changes.find_person(session, 2**64, actor=COMMAND_LINE)
