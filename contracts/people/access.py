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
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Literal

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
    TokenRevocation,
    TokenTerms,
    TokenUse,
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

# Rules: act → roles that may do it, all within their scope.
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
    "gain.observe": frozenset(_READERS) - {"auditor"},
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
LONGEST_TOKEN = timedelta(days=365)
# How long a secret may live on beside the one that took its place.
LONGEST_FORMER = timedelta(days=30)
ANSWERS_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, for all trusts (``trust`` is ``None``) or within the one named by its code."""

    role: str
    trust: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody (or some program) who acts: a stable name for the log, and what was granted.

    ``acts`` narrows what the roles grant to some acts, as a token may be; ``None`` leaves it as wide as the roles.

    >>> controller = Actor("person:kari@example.org", "Kari", (Grant("finance_controller"),))
    >>> controller.may("invoice.receive"), controller.may("people.manage")
    (True, False)
    >>> Actor("person:ola@example.org", "Ola", (Grant("trust_reader", "oslo"),)).may("read", "akershus")
    False
    """

    id: str
    name: str
    grants: tuple[Grant, ...] = ()
    acts: frozenset[str] | None = None

    def may(self, act: str, trust: str | None = None) -> bool:
        """Tell whether a rule grants ``act``, for ``trust`` where one is named; an unknown act is never granted."""
        allowed = self._roles_for(act)
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
        trusts = {grant.trust for grant in self.grants if grant.role in self._roles_for(act)}
        if None in trusts:
            return None
        if len(trusts) != 1:
            raise Denied(f"your roles do not allow this: {act}")
        return trusts.pop()

    def _roles_for(self, act: str) -> frozenset[str]:
        """Give the roles that grant an act; none where it is outside what this actor is narrowed to."""
        return frozenset() if self.acts is not None and act not in self.acts else RULES.get(act, frozenset())


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


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as people see it; ``acts`` ``None`` is all that its role grants, ``expires_at`` ``None`` is from long ago.

    ``secrets`` counts those it has had.
    """

    public_id: str
    name: str
    grant: Grant
    acts: frozenset[str] | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_on: date | None
    state: Literal["active", "expired", "revoked"]
    secrets: int


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
        "person.add",
        f"person:{address}",
        {"roles": [f"{grant.role}@{grant.trust or '*'}" for grant in granted]},
        actor.id,
        now,
    )
    session.flush()
    session.refresh(person, ["grants"])
    return person


def create_token(
    session: Session,
    *,
    name: str,
    grant: Grant,
    acts: Iterable[str] | None = None,
    lifetime: timedelta = LONGEST_TOKEN,
    actor: Actor,
    now: datetime,
) -> IssuedToken:
    """Make a token with one role and scope, narrowed to ``acts`` where some are named; the secret is only in the result.

    It ends after ``lifetime``, 365 days at most. Raises `InvalidInput` for an unknown role or trust, an act that the role
    does not grant, a name or a lifetime that cannot be.
    """
    actor.require("people.manage")
    wanted = None if acts is None else sorted(set(acts))
    findings = _grant_findings(session, (grant,)) + _lifetime_findings(lifetime)
    if not name.strip() or len(name) > 200 or not name.isprintable():
        findings.append(Finding("#/name", "bad_name", "a name has 1 to 200 printable characters"))
    for number, act in enumerate(wanted or ()):
        if grant.role not in RULES.get(act, frozenset()):
            detail = f"the role {grant.role} does not grant the act '{act}'"
            findings.append(Finding(f"#/acts/{number}", "act_not_granted", detail))
    if wanted is not None and not wanted:
        findings.append(Finding("#/acts", "no_acts", "a token that is narrowed names at least one act"))
    invalid(findings)
    issued = IssuedToken(public_id=secrets.token_hex(6), secret=secrets.token_urlsafe(32))
    token = Token(
        public_id=issued.public_id,
        name=name,
        secret_hash=_secret_hash(issued.secret),
        role=grant.role,
        trust_id=None if grant.trust is None else _trust(session, grant.trust).id,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(token)
    session.flush()
    session.add(
        TokenTerms(
            token_id=token.id,
            secret_hash=token.secret_hash,
            expires_at=now + lifetime,
            acts=" ".join(wanted or ()),
            former_until=None,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    told = {"name": name, "role": grant.role, "trust": grant.trust, "acts": wanted}
    _log_token(session, "token.create", token, told | {"expires_at": (now + lifetime).isoformat()}, actor, now)
    return issued


def rotate_token(
    session: Session,
    *,
    public_id: str,
    former_until: datetime | None = None,
    lifetime: timedelta = LONGEST_TOKEN,
    actor: Actor,
    now: datetime,
) -> IssuedToken:
    """Give a token another secret and a new end. The former secret opens until ``former_until``, or no longer at once.

    Raises `NotFound` for an unknown token, `Conflict` for a revoked one, `InvalidInput` for a former secret that would live
    longer than 30 days more.
    """
    actor.require("people.manage")
    token = _token(session, public_id)
    if _revoked(session, token):
        raise Conflict("revoked", "this token is revoked: make a new one")
    findings = _lifetime_findings(lifetime)
    if former_until is not None and not now <= former_until <= now + LONGEST_FORMER:
        detail = f"a former secret lives on for {LONGEST_FORMER.days} days at most"
        findings.append(Finding("#/former_until", "out_of_range", detail))
    invalid(findings)
    terms = _terms(session, token)
    secret = secrets.token_urlsafe(32)
    session.add(
        TokenTerms(
            token_id=token.id,
            secret_hash=_secret_hash(secret),
            expires_at=now + lifetime,
            acts=terms[0].acts if terms else "",
            former_until=former_until or now,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    told = {"expires_at": (now + lifetime).isoformat(), "former_until": (former_until or now).isoformat()}
    _log_token(session, "token.rotate", token, told, actor, now)
    return IssuedToken(public_id, secret)


def revoke_token(session: Session, *, public_id: str, actor: Actor, now: datetime) -> None:
    """Let a token open nothing from now on; `Conflict` where it is revoked already."""
    actor.require("people.manage")
    token = _token(session, public_id)
    if _revoked(session, token):
        raise Conflict("revoked", "this token is revoked already")
    session.add(TokenRevocation(token_id=token.id, recorded_at=now, recorded_by=actor.id))
    _log_token(session, "token.revoke", token, {}, actor, now)


def list_tokens(session: Session, *, actor: Actor, now: datetime) -> list[TokenView]:
    """List the tokens, newest first; of a secret nothing is told."""
    actor.require("people.manage")
    return _views(session, list(session.scalars(select(Token).order_by(Token.id.desc()))), now)


def find_token(session: Session, *, public_id: str, actor: Actor, now: datetime, hold: bool = False) -> TokenView:
    """Give one token as people see it, kept as it is until the transaction ends where ``hold``; `NotFound` for none."""
    actor.require("people.manage")
    if hold:
        session.execute(select(Token.id).where(Token.public_id == public_id).with_for_update())
    return _views(session, [_token(session, public_id)], now)[0]


def _views(session: Session, tokens: list[Token], now: datetime) -> list[TokenView]:
    terms: dict[int, list[TokenTerms]] = {}
    for row in session.scalars(select(TokenTerms).order_by(TokenTerms.id)):
        terms.setdefault(row.token_id, []).append(row)
    revoked = set(session.scalars(select(TokenRevocation.token_id)))
    used = {use.token_id: use.last_on for use in session.scalars(select(TokenUse))}
    listed = []
    for token in tokens:
        given = terms.get(token.id, [])
        newest = given[-1] if given else None
        expires_at = None if newest is None else newest.expires_at
        over = expires_at is not None and now >= expires_at
        listed.append(
            TokenView(
                public_id=token.public_id,
                name=token.name,
                grant=_grant_of(token),
                acts=_acts_of(newest),
                created_at=token.recorded_at,
                created_by=token.recorded_by,
                expires_at=expires_at,
                last_on=used.get(token.id),
                state="revoked" if token.id in revoked else "expired" if over else "active",
                secrets=max(len(given), 1),
            )
        )
    return listed


def note_use(session: Session, *, public_id: str, on: date) -> None:
    """Keep the last day on which a token opened something."""
    token = _token(session, public_id)
    use = session.get(TokenUse, token.id)
    if use is None:
        session.add(TokenUse(token_id=token.id, last_on=on))
    else:
        use.last_on = max(use.last_on, on)


def used_on(session: Session, public_id: str) -> date | None:
    """Give the last day on which a token is known to have opened something."""
    return session.scalar(
        select(TokenUse.last_on).join(Token, Token.id == TokenUse.token_id).where(Token.public_id == public_id)
    )


def actor_of_token(session: Session, public_id: str, secret: str, *, now: datetime) -> Actor | None:
    """Give the actor that a token's id and secret stand for now, or ``None`` when they do not match or are over."""
    token = session.scalar(select(Token).where(Token.public_id == public_id))
    given = _secret_hash(secret)
    if token is None:
        secrets.compare_digest(_secret_hash(""), given)
        return None
    terms = _terms(session, token)
    if not terms:
        opens = secrets.compare_digest(token.secret_hash, given)
    else:
        newest, former = terms[0], terms[1] if len(terms) > 1 else None
        opens = secrets.compare_digest(newest.secret_hash, given) and now < newest.expires_at
        former_hash = token.secret_hash if former is None else former.secret_hash
        lives = newest.former_until is not None and now < newest.former_until
        lives = lives and (former is None or now < former.expires_at)
        opens = (secrets.compare_digest(former_hash, given) and lives) or opens
    if not opens or _revoked(session, token):
        return None
    return _actor_of(token, terms[0] if terms else None)


def _actor_of(token: Token, terms: TokenTerms | None) -> Actor:
    return Actor(f"token:{token.public_id}", token.name, (_grant_of(token),), _acts_of(terms))


def _grant_of(token: Token) -> Grant:
    return Grant(token.role, token.trust.code if token.trust else None)


def _acts_of(terms: TokenTerms | None) -> frozenset[str] | None:
    return frozenset(terms.acts.split()) if terms is not None and terms.acts else None


def _terms(session: Session, token: Token) -> list[TokenTerms]:
    """Give a token's newest terms and those before them."""
    query = select(TokenTerms).where(TokenTerms.token_id == token.id).order_by(TokenTerms.id.desc()).limit(2)
    return list(session.scalars(query))


def _revoked(session: Session, token: Token) -> bool:
    query = select(TokenRevocation.id).where(TokenRevocation.token_id == token.id)
    return session.scalar(query) is not None


def _token(session: Session, public_id: str) -> Token:
    token = session.scalar(select(Token).where(Token.public_id == public_id))
    if token is None:
        raise NotFound(f"there is no token '{public_id}'")
    return token


def _lifetime_findings(lifetime: timedelta) -> list[Finding]:
    if timedelta(0) < lifetime <= LONGEST_TOKEN:
        return []
    return [Finding("#/days", "out_of_range", f"a token lives from 1 to {LONGEST_TOKEN.days} days")]


def _log_token(session: Session, action: str, token: Token, told: dict[str, Any], actor: Actor, now: datetime) -> None:
    audit.record(session, action, f"token:{token.public_id}", told, actor.id, now)


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
    if _revoked(session, token):
        return None
    terms = _terms(session, token)
    return _actor_of(token, terms[0] if terms else None)


def check_grant(session: Session, grant: Grant) -> None:
    """Raise `InvalidInput` for an unknown role or trust, or a role that needs a trust and has none."""
    invalid(_grant_findings(session, (grant,)))


def trust_id(session: Session, code: str | None) -> int | None:
    """Give the id of the trust with a code, ``None`` for all trusts; `NotFound` for an unknown one."""
    return None if code is None else _trust(session, code).id


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
