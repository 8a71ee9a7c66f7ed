"""The example's cost centres, payments and accruals: where the nine trusts book, what was paid, what stood accrued.

The rates of late interest are those of half-years found in public sources, as examples; later ones are left for people to record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.example.vendor import DISPUTED, RIGHT
from billing.models import Invoice
from billing.payments import accruals, late_interest, payments
from billing.payments.open_items import Rate
from contracts import agreements, cost_centres
from contracts.cost_centres import Booking
from contracts.people.access import Actor
from contracts.terms.agreement import AgreementDocument
from contracts.terms.period import Period

_OSLO: Final = ZoneInfo("Europe/Oslo")

Happening = tuple[datetime, Callable[[datetime], object]]

REGISTERED_ON, MOVED_ON = date(2024, 1, 8), date(2026, 1, 5)
ACCRUED_ON, ACCRUED = date(2026, 10, 7), Period(date(2026, 9, 1), date(2026, 10, 1))
# The disputed invoice was paid in two parts, when its credit note had come.
PARTS: Final = (date(2026, 8, 24), date(2026, 8, 27))
FIRST_PART: Final = Decimal("0.6")
PAID_ON: Final = (date(2026, 2, 12), date(2026, 5, 12))
RATES: Final = (
    Rate(date(2022, 7, 1), Decimal("9.25"), Decimal("400.00"), "Eksempel"),
    Rate(date(2023, 1, 1), Decimal("10.75"), Decimal("410.00"), "Eksempel"),
    Rate(date(2025, 1, 1), Decimal("12.50"), Decimal("470.00"), "Eksempel: FOR-2024-12-19-3279"),
)


@dataclass(frozen=True, slots=True)
class Paying:
    """The course of the example's bookings and payments, as the happenings that they are made of."""

    session: Session
    agreement_id: int
    document: AgreementDocument
    controller: Actor

    def happenings(self) -> Iterator[Happening]:
        """Give what happened, each with its instant."""
        yield _at(REGISTERED_ON, 9), self.register
        yield _at(MOVED_ON, 9), self.move
        for invoice, day in zip(RIGHT, PAID_ON, strict=True):
            yield _at(day, 14), partial(self.pay, invoice.number, day, Decimal(1))
        yield _at(PARTS[0], 14), partial(self.pay, DISPUTED.number, PARTS[0], FIRST_PART)
        yield _at(PARTS[1], 14), partial(self.pay, DISPUTED.number, PARTS[1], Decimal(1))
        yield _at(ACCRUED_ON, 10), self.accrue

    def register(self, now: datetime) -> None:
        """Record where the trusts book, and the rates of late interest that are known."""
        for number, holder in enumerate(self.document.option_holders, start=1):
            booking = Booking(f"44{number}0", "6790", "2960", f"KI-{number:02d}", "1")
            self._set(holder.party.code, None, self.document.term.start, booking, now)
        for rate in RATES:
            late_interest.set_rate(self.session, rate=rate, actor=self.controller, now=now)

    def move(self, now: datetime) -> None:
        """Let one trust book X-rays elsewhere from 2026 on."""
        self._set("vestre-viken", "xray-skeletal", date(2026, 1, 1), Booking("5210", "6790", "2960", "KI-VV", "1"), now)

    def _set(self, trust: str, algorithm: str | None, start: date, booking: Booking, now: datetime) -> None:
        cost_centres.add_cost_centre(
            self.session,
            agreement_id=self.agreement_id,
            trust=trust,
            algorithm=algorithm,
            valid_from=start,
            booking=booking,
            actor=self.controller,
            now=now,
        )

    def pay(self, number: str, day: date, share: Decimal, now: datetime) -> None:
        """Pay a share of what is open of an invoice, in whole kroner where it is not all of it."""
        invoice_id = self.session.scalars(
            select(Invoice.id).where(Invoice.agreement_id == self.agreement_id, Invoice.number == number)
        ).one()
        found = payments.open_items(self.session, agreement_id=self.agreement_id, actor=self.controller, on=day)
        left = next(item.open for item in found.items if item.invoice_id == invoice_id)
        payments.record_payment(
            self.session,
            agreement_id=self.agreement_id,
            invoice_id=invoice_id,
            paid_on=day,
            amount=left if share == 1 else (left * share).quantize(Decimal(1)).quantize(Decimal("0.01")),
            reference=f"Bilag {day:%y%m%d}",
            actor=self.controller,
            now=now,
            today=day,
        )

    def accrue(self, now: datetime) -> None:
        """Book the accruals of the third quarter, whose invoice had not come yet."""
        accruals.book(
            self.session,
            agreement_id=self.agreement_id,
            month=ACCRUED,
            actor=self.controller,
            now=now,
            today=now.astimezone(_OSLO).date(),
        )


def example_payments(session: Session, agreement_id: int, controller: Actor) -> Iterator[Happening]:
    """Give the example's bookings and payments for an agreement that is recorded as the example is."""
    document = agreements.export_agreement(session, agreement_id=agreement_id)
    return Paying(session, agreement_id, document, controller).happenings()


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=_OSLO)
