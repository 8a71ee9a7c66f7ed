"""The ground every row stands on: column types, naming, and what "recorded, never overwritten" means.

Money is a whole number of øre, a unit price a whole number of millionths of a krone; both come out as ``Decimal``.
(SQLAlchemy's ``Numeric`` is a binary float on SQLite and therefore never used.) Instants are aware UTC on both
databases. A fact is never changed: a correction is a new row that points at the row it supersedes, so every reader can
ask for the facts *as they were known* at an instant.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    Select,
    String,
    and_,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, declared_attr, mapped_column
from sqlalchemy.types import JSON, TypeDecorator

# What a row's id can be below; an address may hold a larger number.
LARGEST_ID = 2**63

S = TypeVar("S", bound="Select[*tuple[Any, ...]]")
R = TypeVar("R", bound="Revisable")

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite only numbers rows by itself for INTEGER PRIMARY KEY, PostgreSQL wants room for more than 2^31 of them.
RowId = BigInteger().with_variant(Integer(), "sqlite")


class Scaled(TypeDecorator[Decimal]):
    """Store a decimal exactly as a whole number of 10⁻ⁿ units.

    A value with more than ``places`` decimals is an error, never rounded: rounding belongs to the rating.
    """

    impl = BigInteger
    cache_ok = True

    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"a Decimal is needed, not {type(value).__name__}")
        scaled = value.scaleb(self.places)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value} has more than {self.places} decimals")
        return int(scaled)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(int(value)).scaleb(-self.places)


class Money(Scaled):
    """An amount in kroner, stored as øre; always two decimals when read."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(2)


class Written(TypeDecorator[Decimal]):
    """A decimal that is no amount (a factor, a rate), kept with the digits it was written with."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else format(value, "f")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware on the way in, aware UTC on the way out, on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of the project; knows no app."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it once, from the class
        datetime: UtcDateTime(),
        date: Date(),
        str: String(200),
        dict[str, Any]: JSON(),
    }


class Fact:
    """A row that says something about the world, when we learnt it and from whom. Never updated, never deleted."""

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(index=True)
    recorded_by: Mapped[str] = mapped_column(String(120))


class Revisable(Fact):
    """A fact that a later row may correct (``supersedes_id``) or take back (``void``)."""

    void: Mapped[bool] = mapped_column(Boolean, default=False)

    @declared_attr
    def supersedes_id(cls) -> Mapped[int | None]:
        table = cls.__tablename__  # type: ignore[attr-defined]
        return mapped_column(ForeignKey(f"{table}.id"), unique=True)


def known(entity: type[Revisable], known_at: datetime | None) -> ColumnElement[bool]:
    """Give the condition under which a row of ``entity`` counted as true at ``known_at`` (``None``: now).

    A row counts when it was recorded by then, is not a taking back, and nothing recorded by then supersedes it.
    """
    later, superseded = _superseding(entity)  # type: ignore[arg-type] # a class is hashable, whatever its instances are
    if known_at is None:
        return and_(entity.void.is_(False), ~superseded.exists())
    return and_(
        entity.void.is_(False),
        entity.recorded_at <= known_at,
        ~superseded.where(later.recorded_at <= known_at).exists(),
    )


@cache
def _superseding(entity: type[R]) -> tuple[type[R], Select[int]]:
    """Name the rows that supersede one of ``entity``; made once, for making an alias takes longer than most queries."""
    later = aliased(entity)
    return later, select(later.id).where(later.supersedes_id == entity.id)


def recorded_by_then(query: S, entity: type[Fact], known_at: datetime | None) -> S:
    """Keep only what was recorded at ``known_at`` or before."""
    return query if known_at is None else query.where(entity.recorded_at <= known_at)
