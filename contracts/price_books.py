"""Price books: what was agreed about prices, as versions that are never edited once they are in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import models
from contracts.models.base import known
from contracts.schemas.price_book import dump_price_book, dump_version, load_price_book
from contracts.terms.price_book import IndexAdjustment, PriceBook, PriceBookVersion


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
