"""Forecasts as they were frozen on the day they were made; they are scored when the counts have come."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, Fact


class ForecastVintage(Fact, Base):
    """A forecast of the twelve months from ``first_month`` on, of counts up to ``data_until``.

    ``forecast`` holds counts by trust, algorithm and month with their interval, and the cost by trust and month in kroner.
    """

    __tablename__ = "forecast_vintages"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    kind: Mapped[str]
    first_month: Mapped[date]
    made_on: Mapped[date]
    data_until: Mapped[date]
    method: Mapped[str]
    forecast: Mapped[dict[str, Any]]
    sha256: Mapped[str]

    __table_args__ = (
        CheckConstraint("kind IN ('quarter_close', 'month', 'by_hand')", name="kind_known"),
        UniqueConstraint("agreement_id", "first_month", "kind"),
    )
