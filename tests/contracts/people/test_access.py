"""Roles, scope, tokens and sign-in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from time import sleep

import pytest
from flask import Flask

from contracts.errors import Denied
from contracts.extensions import db
from contracts.models import Person, SessionEvent, SignInAttempt
from contracts.people import access
from contracts.people.access import COMMAND_LINE, ROLES, RULES, Actor, Grant
from tests.recorded import record_agreement

NOW = datetime(2026, 10, 15, 8, tzinfo=UTC)
PASSWORD = "steg for steg for steg"


def person(password: str | None = PASSWORD) -> None:
    with db.write() as session:
        access.add_person(
            session,
            email="Kari@Example.org",
            name="Kari",
            password=password,
            grants=[Grant("auditor")],
            actor=COMMAND_LINE,
            now=NOW,
        )


def try_to_sign_in(password: str, now: datetime = NOW, email: str = "kari@example.org") -> bool:
    with db.read() as session:
        found = access.check_password(session, email=email, password=password, now=now)
    with db.write() as session:
        return access.admit(session, email=email, checked=found is not None, now=now)


def test_an_act_without_a_rule_is_granted_to_nobody() -> None:
    everybody = Actor("x", "X", tuple(Grant(role) for role in ROLES))
    assert not everybody.may("no.such.act")
    assert all(set(roles) <= {*ROLES, "calendar"} for roles in RULES.values())


def test_an_auditor_changes_nothing_and_an_administrator_reads_no_amounts() -> None:
    reads = {"read", "rate", "audit.read", "example.set_today"}
    assert {act for act, roles in RULES.items() if "auditor" in roles} <= reads
    assert "admin" not in RULES["read"] | RULES["rate"]


@pytest.mark.parametrize(
    ("grants", "scope"),
    [
        pytest.param((Grant("auditor"),), None, id="all trusts"),
        pytest.param((Grant("trust_reader", "oslo"),), "oslo", id="one trust"),
        pytest.param((Grant("trust_reader", "oslo"), Grant("approver")), None, id="the wider one"),
        pytest.param((Grant("trust_reader", "oslo"), Grant("trust_requester", "oslo")), "oslo", id="one trust twice"),
    ],
)
def test_a_scope_is_all_trusts_or_one(grants: tuple[Grant, ...], scope: str | None) -> None:
    assert Actor("x", "X", grants).scope("read") == scope


def test_nobody_reads_without_a_grant_or_for_several_single_trusts() -> None:
    for grants in ((), (Grant("admin"),), (Grant("trust_reader", "oslo"), Grant("trust_reader", "akershus"))):
        with pytest.raises(Denied):
            Actor("x", "X", grants).scope("read")


def test_a_person_signs_in_with_address_and_password(database: Flask) -> None:
    person()
    assert try_to_sign_in(PASSWORD, email=" KARI@example.org ")
    assert not try_to_sign_in("something else")
    assert not try_to_sign_in(PASSWORD, email="ola@example.org")


def test_a_password_is_kept_as_an_argon2id_hash(app: Flask) -> None:
    person()
    with db.read() as session:
        kept = session.query(Person).one().password_hash
    assert kept is not None
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


def test_nobody_signs_in_as_a_person_without_a_password(app: Flask) -> None:
    person(password=None)
    assert not try_to_sign_in("")


def test_after_five_failures_even_the_right_password_waits(app: Flask) -> None:
    person()
    for second in range(5):
        assert not try_to_sign_in("guess", NOW + timedelta(seconds=second))
    assert not try_to_sign_in(PASSWORD, NOW + timedelta(minutes=1))
    assert try_to_sign_in(PASSWORD, NOW + timedelta(minutes=5, seconds=5))


def test_a_token_stands_for_its_role_and_trust_and_only_with_its_secret(database: Flask) -> None:
    record_agreement()
    with db.write() as session:
        issued = access.create_token(
            session, name="Excel", grant=Grant("trust_reader", "akershus"), actor=COMMAND_LINE, now=NOW
        )
    with db.read() as session:
        actor = access.actor_of_token(session, issued.public_id, issued.secret, now=NOW)
        assert actor is not None
        assert actor.grants == (Grant("trust_reader", "akershus"),)
        assert access.actor_of_token(session, issued.public_id, issued.secret[:-1], now=NOW) is None
        assert access.actor_of_token(session, "nobody", issued.secret, now=NOW) is None
    assert issued.secret not in repr(issued)


def test_only_an_administrator_adds_people_and_tokens(app: Flask) -> None:
    manager = Actor("person:m", "M", (Grant("contract_manager"),))
    with db.write() as session:
        with pytest.raises(Denied):
            access.create_token(session, name="x", grant=Grant("auditor"), actor=manager, now=NOW)
        with pytest.raises(Denied):
            access.add_person(
                session, email="a@example.org", name="A", password=None, grants=[], actor=manager, now=NOW
            )


def test_attempts_made_at_once_do_not_pass_the_limit_of_five(database: Flask) -> None:
    person()
    together = Barrier(12)

    def attempt(_number: int) -> bool:
        with database.app_context():
            together.wait(timeout=20)
            with db.write() as session:
                return access.admit(session, email="kari@example.org", checked=False, now=NOW)

    with ThreadPoolExecutor(12) as pool:
        assert not any(pool.map(attempt, range(12)))
    with db.write() as session:
        assert not access.admit(session, email="kari@example.org", checked=True, now=NOW)
        assert access.admit(session, email="kari@example.org", checked=True, now=NOW + access.PAUSE)
        assert session.query(SignInAttempt).count() == 14


def test_of_right_passwords_sent_at_once_with_wrong_ones_none_is_let_in_after_the_fifth_failure(
    database: Flask,
) -> None:
    person()
    for second in range(4):
        assert not try_to_sign_in("guess", NOW + timedelta(seconds=second))
    at = NOW + timedelta(minutes=1)
    first_counts = Event()

    def fail_slowly() -> None:
        with database.app_context(), db.write() as session:
            access.admit(session, email="kari@example.org", checked=False, now=at)
            first_counts.set()
            sleep(0.3)  # a commit that takes its time: whoever comes next must wait for what it says

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(fail_slowly)
        assert first_counts.wait(timeout=20)
        with db.write() as session:
            assert not access.admit(session, email="kari@example.org", checked=True, now=at)
        slow.result()


def test_a_password_is_hashed_without_a_lock_and_writes_nothing(app: Flask) -> None:
    person()
    with db.write() as _writing, db.read() as reading:
        found = access.check_password(reading, email="kari@example.org", password=PASSWORD, now=NOW)
    assert found is not None
    with db.read() as session:
        assert session.query(SignInAttempt).count() == 0


def test_a_session_lasts_until_it_is_ended_or_a_week_old_and_is_kept_as_a_hash(database: Flask) -> None:
    person()
    with db.write() as session:
        kari = session.query(Person).one()
        first, second = (access.begin_session(session, kari, now=NOW) for _ in range(2))
    with db.write() as session:
        access.end_session(session, first, now=NOW + timedelta(hours=1))
        access.end_session(session, first, now=NOW + timedelta(hours=2))
        access.end_session(session, "no key", now=NOW)
    with db.read() as session:
        assert access.person_of_session(session, first, now=NOW + timedelta(hours=1)) is None
        found = access.person_of_session(session, second, now=NOW + timedelta(days=6))
        assert found is not None
        assert found.email == "kari@example.org"
        assert access.person_of_session(session, second, now=NOW + timedelta(days=7)) is None
        assert access.person_of_session(session, "1", now=NOW) is None
        kept = session.query(SessionEvent).all()
    assert [row.event for row in kept] == ["begun", "begun", "ended"]
    assert not {first, second} & {row.key_hash for row in kept}
