"""Price books: what was agreed about prices, as versions that are never edited once they are in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts.models import IndexAdjustment, PriceBookCharge, PriceBookConventions, PriceBookVersion
from contracts.models.base import known
from contracts.schemas.price_book import dump_price_book, load_price_book
from contracts.terms.price_book import PriceBook


def record_price_book(
    session: Session, agreement_id: int, book: PriceBook, *, recorded_at: datetime, recorded_by: str
) -> None:
    """Write a whole price book: conventions, versions with their charges as data, index adjustments."""
    stamp: dict[str, Any] = {"recorded_at": recorded_at, "recorded_by": recorded_by}
    written = dump_price_book(book)
    session.add(PriceBookConventions(agreement_id=agreement_id, terms=written["conventions"], void=False, **stamp))
    for agreed, version in zip(book.versions, written["versions"], strict=True):
        row = PriceBookVersion(
            agreement_id=agreement_id,
            valid_from=agreed.valid_from,
            clause=version["clause"],
            void=False,
            **stamp,
        )
        session.add(row)
        session.flush()
        for position, charge in enumerate(version["charges"]):
            session.add(
                PriceBookCharge(
                    version_id=row.id,
                    position=position,
                    code=charge["code"],
                    kind=charge["kind"],
                    clause=charge["clause"],
                    terms=charge,
                    **stamp,
                )
            )
    for adjustment in book.index_adjustments:
        session.add(
            IndexAdjustment(
                agreement_id=agreement_id,
                effective_from=adjustment.effective_from,
                factor=adjustment.factor,
                clause=adjustment.clause,
                void=False,
                **stamp,
            )
        )
        session.flush()


def price_book(session: Session, agreement_id: int, known_at: datetime | None = None) -> PriceBook:
    """Give the price book of an agreement as it was known at ``known_at`` (``None``: now)."""
    conventions = session.scalar(
        select(PriceBookConventions).where(
            PriceBookConventions.agreement_id == agreement_id, known(PriceBookConventions, known_at)
        )
    )
    versions = session.scalars(
        select(PriceBookVersion)
        .where(PriceBookVersion.agreement_id == agreement_id, known(PriceBookVersion, known_at))
        .order_by(PriceBookVersion.id)
    )
    adjustments = session.scalars(
        select(IndexAdjustment)
        .where(IndexAdjustment.agreement_id == agreement_id, known(IndexAdjustment, known_at))
        .order_by(IndexAdjustment.id)
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
