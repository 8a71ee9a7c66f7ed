"""Who may do what, for which trust: roles, scope, people, tokens and sign-in.

Access is denied unless a rule grants it. The rules are one table (`RULES`); routes name an act from it, and the use
cases ask again with the trust in hand. A scope is all trusts or one: within one trust a reader gets that trust's own
figures, the pool, and the others *together* where at least two others are in it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, aliased

from contracts import audit
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models import (
    IdempotencyKey,
    Organisation,
    Person,
    RoleGrant,
    SessionEvent,
    SignInAttempt,
    Token,
)
from contracts.models.base import known
from contracts.terms import workflow

ROLES = (
    "finance_controller",
    "contract_manager",
    "trust_reader",
    "trust_requester",
    "approver",
    "auditor",
    "admin",
    "service",
)
TRUST_ROLES = frozenset({"trust_reader", "trust_requester"})
_CENTRAL = ("finance_controller", "contract_manager", "approver", "auditor", "service")
_READERS = (*_CENTRAL, "trust_reader", "trust_requester")

Act = Literal[
    "read",
    "rate",
    "usage.import",
    "usage.correct",
    "agreement.import",
    "price_book.draft",
    "price_book.approve",
    "amendment.draft",
    "amendment.approve",
    "index.draft",
    "index.approve",
    "invoice.receive",
    "mapping.draft",
    "quarter.close",
    "cost_centres.set",
    "accruals.book",
    "payments.record",
    "reconcile",
    "reconciliation.attest",
    "reconciliation.approve",
    "tolerance.draft",
    "tolerance.approve",
    "people.manage",
    "example.set_today",
    "activation.draft",
    "ceiling.override",
    "ceiling.decide",
    "ceiling.take_over",
    "approval.delegate",
    "budget.set",
    "catalogue.record",
    "gain.describe",
    "gain.observe",
    "settings.change",
    "audit.read",
]

# Rules: act → roles that may do it, all within their scope (`interfaces.md` §4).
RULES: dict[str, frozenset[str]] = {
    "read": frozenset(_READERS),
    "rate": frozenset(_READERS),
    "usage.import": frozenset({"finance_controller", "trust_requester", "service"}),
    "usage.correct": frozenset({"finance_controller", "trust_requester"}),
    "agreement.import": frozenset({"contract_manager"}),
    "price_book.draft": frozenset({"contract_manager"}),
    "price_book.approve": frozenset({"approver"}),
    "amendment.draft": frozenset({"contract_manager"}),
    "amendment.approve": frozenset({"approver"}),
    "index.draft": frozenset({"contract_manager"}),
    "index.approve": frozenset({"approver"}),
    "mapping.draft": frozenset({"contract_manager"}),
    "invoice.receive": frozenset({"finance_controller", "service"}),
    "quarter.close": frozenset({"finance_controller"}),
    "cost_centres.set": frozenset({"finance_controller"}),
    "accruals.book": frozenset({"finance_controller"}),
    "payments.record": frozenset({"finance_controller"}),
    "reconcile": frozenset({"finance_controller"}),
    "reconciliation.attest": frozenset({"finance_controller"}),
    "reconciliation.approve": frozenset({"approver"}),
    "tolerance.draft": frozenset({"contract_manager"}),
    "tolerance.approve": frozenset({"approver"}),
    "people.manage": frozenset({"admin"}),
    "example.set_today": frozenset({*_READERS, "admin"}),
    "activation.draft": frozenset({"trust_requester", "contract_manager"}),
    "ceiling.override": frozenset({"contract_manager"}),
    "ceiling.decide": frozenset({"approver"}),
    "ceiling.take_over": frozenset({"contract_manager"}),
    "approval.delegate": frozenset({"approver"}),
    "budget.set": frozenset({"finance_controller"}),
    "catalogue.record": frozenset({"contract_manager"}),
    "gain.describe": frozenset({"trust_requester", "contract_manager"}),
    # The owner alone, whom the case names: what they read decides that they may be named.
    "gain.observe": frozenset(_READERS),
    "settings.change": frozenset({"admin"}),
    "audit.read": frozenset({"finance_controller", "contract_manager", "approver", "auditor"}),
}
# The steps of options and activations, each as an act of its own: "option.exercise", "activation.go_live".
RULES |= {f"{rule.kind}.{rule.event}": rule.roles for rule in workflow.RULES}

ATTEMPTS_BEFORE_PAUSE = 5
PAUSE = timedelta(minutes=5)
# Which family of advisory locks queues the attempts on one address.
_ATTEMPTS = 0x7369676E
LONGEST_SESSION = timedelta(days=7)
MINIMUM_PASSWORD_LENGTH = 12
ANSWERS_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, for all trusts (``trust`` is ``None``) or within the one named by its code."""

    role: str
    trust: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody (or some program) who acts: a stable name for the log, and what was granted.

    >>> controller = Actor("person:kari@example.org", "Kari", (Grant("finance_controller"),))
    >>> controller.may("invoice.receive"), controller.may("people.manage")
    (True, False)
    >>> Actor("person:ola@example.org", "Ola", (Grant("trust_reader", "oslo"),)).may("read", "akershus")
    False
    """

    id: str
    name: str
    grants: tuple[Grant, ...] = ()

    def may(self, act: str, trust: str | None = None) -> bool:
        """Tell whether a rule grants ``act``, for ``trust`` where one is named; an unknown act is never granted."""
        allowed = RULES.get(act, frozenset())
        return any(
            grant.role in allowed and (trust is None or grant.trust is None or grant.trust == trust)
            for grant in self.grants
        )

    def require(self, act: str, trust: str | None = None) -> None:
        """Raise `Denied` unless ``act`` is granted. The message never tells what another trust has."""
        if not self.may(act, trust):
            raise Denied(f"your roles do not allow this: {act}")

    def scope(self, act: str = "read") -> str | None:
        """Give the one trust that ``act`` is granted for, or ``None`` where it is granted for all.

        Raises `Denied` where it is not granted at all, or for several single trusts (nobody is given that).
        """
        trusts = {grant.trust for grant in self.grants if grant.role in RULES.get(act, frozenset())}
        if None in trusts:
            return None
        if len(trusts) != 1:
            raise Denied(f"your roles do not allow this: {act}")
        return trusts.pop()


COMMAND_LINE = Actor(
    "command-line",
    "Command line",
    tuple(Grant(role) for role in ROLES if role not in TRUST_ROLES),
)

# Who lapses an option when its last day is over. No person and no token is ever granted this role.
CALENDAR = Actor("calendar", "Calendar", (Grant(workflow.CALENDAR),))


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token: ``public_id`` names it, ``secret`` is shown this once. A program sends ``public_id.secret``."""

    public_id: str
    secret: str = field(repr=False)

    @property
    def bearer(self) -> str:
        """What stands after ``Authorization: Bearer``."""
        return f"{self.public_id}.{self.secret}"


def add_person(
    session: Session,
    *,
    email: str,
    name: str,
    password: str | None,
    grants: Iterable[Grant],
    actor: Actor,
    now: datetime,
    example: bool = False,
) -> Person:
    """Add a person with roles. Without a password nobody signs in as them but through the example door.

    Raises `InvalidInput` for a bad address, a short password or an unknown role or trust, `Conflict` for a known
    address.
    """
    actor.require("people.manage")
    address = email.strip().lower()
    granted = tuple(grants)
    findings = _grant_findings(session, granted)
    if "@" not in address:
        findings.append(Finding("#/email", "not_an_address", f"'{email}' is not an e-mail address"))
    if password is not None and len(password) < MINIMUM_PASSWORD_LENGTH:
        findings.append(
            Finding("#/password", "too_short", f"a password has at least {MINIMUM_PASSWORD_LENGTH} characters")
        )
    invalid(findings)
    if session.scalar(select(Person.id).where(Person.email == address)):
        raise Conflict("known_address", f"{address} is registered already")
    person = Person(
        email=address,
        name=name,
        password_hash=None if password is None else _hasher().hash(password),
        example=example,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(person)
    session.flush()
    for grant in granted:
        trust = None if grant.trust is None else _trust(session, grant.trust).id
        session.add(
            RoleGrant(
                person_id=person.id, role=grant.role, trust_id=trust, void=False, recorded_at=now, recorded_by=actor.id
            )
        )
    audit.record(
        session,
        action="person.add",
        subject=f"person:{address}",
        data={"roles": [f"{grant.role}@{grant.trust or '*'}" for grant in granted]},
        actor=actor.id,
        now=now,
    )
    session.flush()
    session.refresh(person, ["grants"])
    return person


def create_token(session: Session, *, name: str, grant: Grant, actor: Actor, now: datetime) -> IssuedToken:
    """Make a token with one role and scope; the secret exists only in what is returned.

    Raises `InvalidInput` for an unknown role or trust.
    """
    actor.require("people.manage")
    invalid(_grant_findings(session, (grant,)))
    issued = IssuedToken(public_id=secrets.token_hex(6), secret=secrets.token_urlsafe(32))
    session.add(
        Token(
            public_id=issued.public_id,
            name=name,
            secret_hash=_secret_hash(issued.secret),
            role=grant.role,
            trust_id=None if grant.trust is None else _trust(session, grant.trust).id,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    audit.record(
        session,
        action="token.create",
        subject=f"token:{issued.public_id}",
        data={"name": name, "role": grant.role, "trust": grant.trust},
        actor=actor.id,
        now=now,
    )
    return issued


def actor_of_token(session: Session, public_id: str, secret: str) -> Actor | None:
    """Give the actor that a token's id and secret stand for, or ``None`` when they do not match."""
    token = session.scalar(select(Token).where(Token.public_id == public_id))
    expected = token.secret_hash if token else _secret_hash("")
    if not secrets.compare_digest(expected, _secret_hash(secret)) or token is None:
        return None
    trust = token.trust.code if token.trust else None
    return Actor(f"token:{token.public_id}", token.name, (Grant(token.role, trust),))


def check_password(session: Session, *, email: str, password: str, now: datetime) -> Person | None:
    """Give the person whom an address and a password belong to, or ``None``; write nothing.

    Hashing takes long, so it is done before any lock is held. Whoever is found has not signed in yet: `admit` says that.
    """
    address = _address(email)
    if _paused(session, address, now):
        return None
    candidate = session.scalar(select(Person).where(Person.email == address))
    # An unknown address costs as much time as a wrong password, so that nobody learns which it was.
    stored = candidate.password_hash if candidate and candidate.password_hash else _hash_of_nothing()
    return candidate if _matches(stored, password) and candidate and candidate.password_hash else None


def admit(session: Session, *, email: str, checked: bool, now: datetime) -> bool:
    """Count an attempt whose password was ``checked`` right or wrong, and tell whether it is let in.

    After five failures within five minutes every further attempt on the address fails until they are past, however many
    are made at once: attempts on one address are counted one after another.
    """
    address = _address(email)
    if session.get_bind().dialect.name == "postgresql":
        # There may be no row of that address to lock. On SQLite the writing session holds the only write lock.
        digest = hashlib.sha256(address.encode()).digest()
        key = int.from_bytes(digest[:4], "big", signed=True)
        session.execute(select(func.pg_advisory_xact_lock(_ATTEMPTS, key)))
    admitted = checked and not _paused(session, address, now)
    session.add(SignInAttempt(email=address, succeeded=admitted, recorded_at=now, recorded_by="sign-in"))
    session.flush()
    return admitted


def _paused(session: Session, address: str, now: datetime) -> bool:
    failures = session.scalar(
        select(func.count())
        .select_from(SignInAttempt)
        .where(
            SignInAttempt.email == address,
            SignInAttempt.succeeded.is_(False),
            SignInAttempt.recorded_at > now - PAUSE,
        )
    )
    return (failures or 0) >= ATTEMPTS_BEFORE_PAUSE


def begin_session(session: Session, person: Person, *, now: datetime) -> str:
    """Begin a sign-in session and give its key, which exists only in what is returned."""
    key = secrets.token_urlsafe(32)
    _session_event(session, person.id, key, "begun", f"person:{person.email}", now)
    return key


def end_session(session: Session, key: str, *, now: datetime) -> None:
    """End a session for good; a key that is unknown or has ended already is left alone."""
    person = person_of_session(session, key, now=now)
    if person is not None:
        _session_event(session, person.id, key, "ended", f"person:{person.email}", now)


def person_of_session(session: Session, key: str, *, now: datetime) -> Person | None:
    """Give the person of a session that has begun, has not ended and is younger than seven days."""
    ended = aliased(SessionEvent)
    return session.scalar(
        select(Person)
        .join(SessionEvent, SessionEvent.person_id == Person.id)
        .where(
            SessionEvent.key_hash == _secret_hash(key),
            SessionEvent.event == "begun",
            SessionEvent.recorded_at > now - LONGEST_SESSION,
            ~select(ended.id).where(ended.key_hash == SessionEvent.key_hash, ended.event == "ended").exists(),
        )
    )


def _session_event(session: Session, person_id: int, key: str, event: str, by: str, now: datetime) -> None:
    session.add(
        SessionEvent(person_id=person_id, key_hash=_secret_hash(key), event=event, recorded_at=now, recorded_by=by)
    )
    session.flush()


def forget_answers(session: Session, *, now: datetime) -> int:
    """Drop the answers kept under idempotency keys older than seven days, and give how many there were."""
    old = IdempotencyKey.created_at < now - ANSWERS_KEPT
    count = session.scalar(select(func.count()).select_from(IdempotencyKey).where(old)) or 0
    session.execute(delete(IdempotencyKey).where(old))
    return count


def names_of(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Give the names of those who recorded something, by the id their acts carry; who is no person stands by the id."""
    wanted = set(ids)
    addresses = [each.removeprefix("person:") for each in wanted if each.startswith("person:")]
    people = session.execute(select(Person.email, Person.name).where(Person.email.in_(addresses)))
    return {each: each for each in wanted} | {f"person:{email}": name for email, name in people}


def example_people(session: Session) -> list[Person]:
    """List the people of the example, who may be chosen without a password in example mode only."""
    return list(session.scalars(select(Person).where(Person.example.is_(True)).order_by(Person.id)))


def actor_of_person(session: Session, person: Person) -> Actor:
    """Give what a person may do now, from the grants that stand."""
    grants = session.scalars(
        select(RoleGrant).where(RoleGrant.person_id == person.id, known(RoleGrant, None)).order_by(RoleGrant.id)
    )
    return Actor(
        f"person:{person.email}",
        person.name,
        tuple(Grant(grant.role, grant.trust.code if grant.trust else None) for grant in grants),
    )


def find_actor(session: Session, actor_id: str) -> Actor | None:
    """Give who stands behind the id that an act carries, with what they may do now: for work done on their behalf later."""
    kind, _, name = actor_id.partition(":")
    if actor_id == COMMAND_LINE.id:
        return COMMAND_LINE
    if kind == "person":
        person = session.scalar(select(Person).where(Person.email == name))
        return None if person is None else actor_of_person(session, person)
    token = session.scalar(select(Token).where(Token.public_id == name)) if kind == "token" else None
    if token is None:
        return None
    return Actor(actor_id, token.name, (Grant(token.role, token.trust.code if token.trust else None),))


def _grant_findings(session: Session, grants: tuple[Grant, ...]) -> list[Finding]:
    findings = []
    for number, grant in enumerate(grants):
        if grant.role not in ROLES:
            findings.append(
                Finding(f"#/roles/{number}", "unknown_role", f"'{grant.role}' is none of {', '.join(ROLES)}")
            )
        elif grant.role in TRUST_ROLES and grant.trust is None:
            findings.append(Finding(f"#/roles/{number}", "trust_needed", f"the role {grant.role} needs a trust"))
        if grant.trust is not None and not session.scalar(
            select(Organisation.id).where(Organisation.code == grant.trust)
        ):
            findings.append(Finding(f"#/roles/{number}", "unknown_trust", f"there is no trust '{grant.trust}'"))
    return findings


def _trust(session: Session, code: str) -> Organisation:
    trust = session.scalar(select(Organisation).where(Organisation.code == code))
    if trust is None:
        raise NotFound(f"there is no trust '{code}'")
    return trust


def _address(email: str) -> str:
    return email.strip().lower()[:200]


def _secret_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _hash_of_nothing() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
