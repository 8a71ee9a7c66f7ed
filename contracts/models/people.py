"""People, what they may do and for whom, tokens for programs, and the settings people change."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models.agreements import Organisation
from contracts.models.base import Base, Fact, Revisable


class Person(Fact, Base):
    """Somebody who signs in with an e-mail address and a password (argon2id hash; null: no password sign-in)."""

    __tablename__ = "people"
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    example: Mapped[bool] = mapped_column(default=False)

    grants: Mapped[list[RoleGrant]] = relationship(lazy="selectin")


class RoleGrant(Revisable, Base):
    """A role somebody holds, for all trusts (``trust_id`` null) or within one."""

    __tablename__ = "role_grants"
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    role: Mapped[str]
    trust_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))

    trust: Mapped[Organisation | None] = relationship(lazy="joined")


class Token(Fact, Base):
    """A program's key: the secret is shown once and kept as a SHA-256 hash (it is random, 256 bits)."""

    __tablename__ = "tokens"
    public_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    secret_hash: Mapped[str]
    role: Mapped[str]
    trust_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))

    trust: Mapped[Organisation | None] = relationship(lazy="joined")


class TokenTerms(Fact, Base):
    """What a token's secret is from ``recorded_at`` on, its last instant, and the acts it is narrowed to (none: all).

    The newest row counts; the secret before it opens until ``former_until``. A token without a row is from before tokens
    ended.
    """

    __tablename__ = "token_terms"
    token_id: Mapped[int] = mapped_column(ForeignKey("tokens.id"), index=True)
    secret_hash: Mapped[str]
    expires_at: Mapped[datetime]
    acts: Mapped[str] = mapped_column(String(2000))
    former_until: Mapped[datetime | None]


class TokenRevocation(Fact, Base):
    """A token opens nothing from ``recorded_at`` on."""

    __tablename__ = "token_revocations"
    token_id: Mapped[int] = mapped_column(ForeignKey("tokens.id"), unique=True)


class TokenUse(Base):
    """The last day on which a token opened something. Not a fact: it is kept in place."""

    __tablename__ = "token_uses"
    token_id: Mapped[int] = mapped_column(ForeignKey("tokens.id"), primary_key=True, autoincrement=False)
    last_on: Mapped[date]


class SignInAttempt(Fact, Base):
    """A try to sign in; counted so that guessing is slowed down over all processes."""

    __tablename__ = "sign_in_attempts"
    email: Mapped[str]
    succeeded: Mapped[bool]

    __table_args__ = (Index("ix_sign_in_attempts_email_recorded_at", "email", "recorded_at"),)


class SessionEvent(Fact, Base):
    """A sign-in session begins, and ends at sign-out; its key is in the cookie only and kept here as a SHA-256 hash."""

    __tablename__ = "session_events"
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    key_hash: Mapped[str]
    event: Mapped[str]

    __table_args__ = (
        UniqueConstraint("key_hash", "event"),
        CheckConstraint("event IN ('begun', 'ended')", name="event_known"),
    )


class Setting(Fact, Base):
    """A setting's value from ``recorded_at`` on; the newest row counts."""

    __tablename__ = "settings"
    key: Mapped[str]
    value: Mapped[str]

    __table_args__ = (Index("ix_settings_key_id", "key", "id"),)


class IdempotencyKey(Base):
    """The answer given to a POST with this key, so that a repeated request gets it again.

    ``status`` is null while the first request is in flight. Not a fact: it is completed in place.
    """

    __tablename__ = "idempotency_keys"
    principal: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    created_at: Mapped[datetime]
    status: Mapped[int | None]
    headers: Mapped[str | None] = mapped_column(Text)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (CheckConstraint("(status IS NULL) = (body IS NULL)", name="answered_whole"),)
