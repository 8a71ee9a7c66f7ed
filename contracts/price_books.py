"""Price books: what was agreed about prices, as versions that are never edited once they are in force.

Whatever comes into force later, a version or an index adjustment, stays out of days that somebody closed (`respect`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import models
from contracts.errors import Conflict
from contracts.models.base import known
from contracts.schemas.price_book import dump_price_book, dump_version, load_price_book
from contracts.terms.price_book import IndexAdjustment, PriceBook, PriceBookVersion

ClosedUntil = Callable[[Session, int], date | None]

_closed_until: list[ClosedUntil] = []


def respect(closed_until: ClosedUntil) -> None:
    """Let ``closed_until(session, agreement_id)`` tell the first day that is still open, ``None`` where nothing is closed.

    No approval of prices reaches back before it, said on purpose or not.
    """
    _closed_until.append(closed_until)


def first_open_day(session: Session, agreement_id: int) -> date | None:
    """Give the first day whose prices may still change, ``None`` where nothing is closed."""
    told = (closed_until(session, agreement_id) for closed_until in _closed_until)
    return max((day for day in told if day is not None), default=None)


def require_open(session: Session, agreement_id: int, day: date) -> None:
    """Raise `Conflict` (``closed_past``) where prices from ``day`` on would reach into days that are closed."""
    first_open = first_open_day(session, agreement_id)
    if first_open is not None and day < first_open:
        detail = f"everything before {first_open.isoformat()} is closed; prices from {day.isoformat()} on reach into it"
        raise Conflict("closed_past", detail)


def digest(book: PriceBook) -> str:
    """Give the hash of everything that a price book says."""
    written = json.dumps(dump_price_book(book), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def record_price_book(
    session: Session, agreement_id: int, book: PriceBook, *, recorded_at: datetime, recorded_by: str
) -> None:
    """Write a whole price book: conventions, versions with their charges as data, index adjustments."""
    stamp: dict[str, Any] = {"recorded_at": recorded_at, "recorded_by": recorded_by}
    written = dump_price_book(book)
    session.add(
        models.PriceBookConventions(agreement_id=agreement_id, terms=written["conventions"], void=False, **stamp)
    )
    for version in book.versions:
        record_version(session, agreement_id, version, recorded_at=recorded_at, recorded_by=recorded_by)
    for adjustment in book.index_adjustments:
        record_adjustment(session, agreement_id, adjustment, recorded_at=recorded_at, recorded_by=recorded_by)


def record_adjustment(
    session: Session, agreement_id: int, adjustment: IndexAdjustment, *, recorded_at: datetime, recorded_by: str
) -> int:
    """Write one more index adjustment of a price book, and give its row's id; no other row is touched."""
    row = models.IndexAdjustment(
        agreement_id=agreement_id,
        effective_from=adjustment.effective_from,
        factor=adjustment.factor,
        clause=adjustment.clause,
        void=False,
        recorded_at=recorded_at,
        recorded_by=recorded_by,
    )
    session.add(row)
    session.flush()
    return row.id


def record_version(
    session: Session, agreement_id: int, version: PriceBookVersion, *, recorded_at: datetime, recorded_by: str
) -> int:
    """Write one more version of a price book with its charges as data, and give its row's id; no other row is touched."""
    stamp: dict[str, Any] = {"recorded_at": recorded_at, "recorded_by": recorded_by}
    row = models.PriceBookVersion(
        agreement_id=agreement_id, valid_from=version.valid_from, clause=version.clause, void=False, **stamp
    )
    session.add(row)
    session.flush()
    for position, charge in enumerate(dump_version(version)["charges"]):
        session.add(
            models.PriceBookCharge(
                version_id=row.id,
                position=position,
                code=charge["code"],
                kind=charge["kind"],
                clause=charge["clause"],
                terms=charge,
                **stamp,
            )
        )
    session.flush()
    return row.id


def price_book(session: Session, agreement_id: int, known_at: datetime | None = None) -> PriceBook:
    """Give the price book of an agreement as it was known at ``known_at`` (``None``: now)."""
    conventions = session.scalar(
        select(models.PriceBookConventions).where(
            models.PriceBookConventions.agreement_id == agreement_id, known(models.PriceBookConventions, known_at)
        )
    )
    versions = session.scalars(
        select(models.PriceBookVersion)
        .where(models.PriceBookVersion.agreement_id == agreement_id, known(models.PriceBookVersion, known_at))
        .order_by(models.PriceBookVersion.id)
    )
    adjustments = session.scalars(
        select(models.IndexAdjustment)
        .where(models.IndexAdjustment.agreement_id == agreement_id, known(models.IndexAdjustment, known_at))
        .order_by(models.IndexAdjustment.id)
    )
    return load_price_book(
        {
            "conventions": {} if conventions is None else conventions.terms,
            "versions": [
                {
                    "valid_from": version.valid_from.isoformat(),
                    "clause": version.clause,
                    "charges": [charge.terms for charge in version.charges],
                }
                for version in versions
            ],
            "index_adjustments": [
                {
                    "effective_from": adjustment.effective_from.isoformat(),
                    "factor": format(adjustment.factor, "f"),
                    "clause": adjustment.clause,
                }
                for adjustment in adjustments
            ],
        }
    )
