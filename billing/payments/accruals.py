"""Accruals: the expected charges of months that no invoice covers yet, by trust, and the vouchers that book them.

An algorithm's month at a trust counts as invoiced when an accepted invoice issued by the day asked for bears on it; then its
whole accrual is reversed, since the invoice itself is booked in its place. An amount that names no algorithm bears on the fixed
amounts of its months, and where none are expected on everything of the trust in them. What was booked stands in vouchers: each holds what stands accrued
after it and the entries that lead there from the voucher before, so that a changed expectation is a reversal and a new accrual,
never a changed one. Months before the first recorded invoice's are taken to be settled elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.charges import basis
from billing.invoices import invoices
from billing.models import AccrualVoucher, Invoice, VoucherTemplate
from billing.payments import allocation, voucher_files
from billing.payments.approved import approved_by_quarter
from billing.payments.voucher_files import Template, VoucherRow
from billing.quarters import runs as closings
from billing.rating.sharing import Portion, share
from contracts import agreements, audit, cost_centres, documents
from contracts.agreements import AgreementSummary
from contracts.cost_centres import Booking
from contracts.errors import Conflict, Denied, NotFound, invalid
from contracts.models.base import known, recorded_by_then
from contracts.people.access import Actor
from contracts.terms.money import format_amount, kroner
from contracts.terms.period import Period, first_of_month, previous_day

ACT: Final = "accruals.book"
ZERO: Final = Decimal("0.00")
ONE_DAY: Final = timedelta(days=1)

# A month, a trust, and an algorithm (None: amounts of no algorithm).
Cell = tuple[Period, str, str | None]
# What counts as accepted: given the agreement, the ids of its invoices and credit notes that are booked as they are.
Accepted = Callable[[Session, int, datetime | None], frozenset[int]]


@dataclass(frozen=True, slots=True)
class TrustMonth:
    """A trust's month, excluding VAT: expected, invoiced (None: no accepted invoice bears on it), and what stands accrued.

    The accrued amount is the expectation of the algorithms on which no invoice bears yet.
    """

    trust: str
    month: Period
    expected: Decimal
    invoiced: Decimal | None
    accrued: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """An amount that stands accrued, and where it is booked (None: nobody has said)."""

    trust: str
    month: Period
    booking: Booking | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Entry:
    """A change of what stands accrued: positive for an accrual (expense in debit), negative for its reversal."""

    kind: Literal["accrual", "reversal"]
    trust: str
    month: Period
    booking: Booking
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Voucher:
    """A booked voucher: what stands after it and the entries that led there."""

    number: int
    month: Period
    sha256: str
    total: Decimal
    standing: tuple[Standing, ...]
    entries: tuple[Entry, ...]
    known_at: datetime
    booked_at: datetime
    booked_by: str


@dataclass(frozen=True, slots=True)
class Accruals:
    """What is to stand accrued at the end of ``month``, and the entries that lead there from the newest voucher."""

    agreement: AgreementSummary
    month: Period
    months: tuple[TrustMonth, ...]
    standing: tuple[Standing, ...]
    entries: tuple[Entry, ...]
    last: Voucher | None

    @property
    def total(self) -> Decimal:
        """Give the sum of what is to stand accrued."""
        return sum((each.amount for each in self.standing), ZERO)

    @property
    def unbooked(self) -> tuple[str, ...]:
        """Give the trusts with an accrued amount that has no cost centre."""
        return tuple(dict.fromkeys(each.trust for each in self.standing if each.booking is None))


def every_recorded_invoice(session: Session, agreement_id: int, known_at: datetime | None) -> frozenset[int]:
    """Take every recorded document as accepted, for whoever does not reconcile here."""
    query = select(Invoice.id).where(Invoice.agreement_id == agreement_id)
    return frozenset(session.scalars(recorded_by_then(query, Invoice, known_at)))


def in_approved_quarters(session: Session, agreement_id: int, known_at: datetime | None) -> frozenset[int]:
    """Take the documents as accepted whose quarters are all approved for payment, credit notes included."""
    approved = approved_by_quarter(session, agreement_id, known_at)
    query = select(Invoice).where(Invoice.agreement_id == agreement_id)
    return frozenset(
        row.id
        for row in session.scalars(recorded_by_then(query, Invoice, known_at))
        if row.period_from is not None
        and row.period_to is not None
        and row.period_from <= row.period_to
        and {
            Period.quarter(part.start).label() for part in Period(row.period_from, row.period_to + ONE_DAY).months()
        }.issubset(approved)
    )


def accruals(
    session: Session,
    *,
    agreement_id: int,
    month: Period,
    actor: Actor,
    known_at: datetime | None = None,
    accepted: Accepted = in_approved_quarters,
) -> Accruals:
    """Give what is to stand accrued at the end of a month, by trust and month, and what a voucher would book now.

    For readers of all trusts. Documents issued after the month's last day do not count yet. Raises `NotFound` for a month
    outside the agreement.
    """
    allocation.require_reader(actor)
    agreement = agreements.agreement_summary(session, agreement_id, known_at)
    if month.overlap(agreement.term.period) is None:
        raise NotFound(f"{month.label()} lies outside the agreement")
    counted = _documents(session, agreement_id, accepted(session, agreement_id, known_at), actor, known_at)
    first = max(_first_billed(session, agreement_id, known_at) or agreement.term.start, agreement.term.start)
    portions = _expected(session, agreement_id, Period(min(first, month.start), month.end), known_at)
    billed = _billed(
        session,
        agreement_id,
        [each for each in counted if (each.summary.issued_on or each.summary.recorded_at.date()) < month.end],
        portions,
        known_at,
    )
    register = cost_centres.register(session, agreement_id, known_at)
    open_sums: dict[tuple[Period, str, Booking | None], int] = defaultdict(int)
    for each in portions:
        if (each.period, each.trust, each.algorithm) not in billed:
            booking = register.booking(each.trust, each.algorithm, each.period.start)
            open_sums[each.period, each.trust, booking] += each.net_ore
    months = _trust_months(portions, billed, open_sums, month.end)
    standing = tuple(
        Standing(trust, period, booking, kroner(amount))
        for (period, trust, booking), amount in sorted(open_sums.items(), key=_order)
        if amount
    )
    last = newest_voucher(session, agreement_id, known_at)
    return Accruals(agreement, month, months, standing, entries_between(last.standing if last else (), standing), last)


def entries_between(before: Iterable[Standing], after: Iterable[Standing]) -> tuple[Entry, ...]:
    """Give the entries that lead from what stood accrued to what shall: whole reversals first, then new accruals.

    What is the same on both sides has no entry. Amounts without a booking have none either: they cannot be booked.
    """
    was, shall = _by_place(before), _by_place(after)
    reversals, new = [], []
    for (trust, month, booking), amount in was.items():
        if shall.get((trust, month, booking)) != amount:
            reversals.append(Entry("reversal", trust, month, booking, -amount))
    for (trust, month, booking), amount in shall.items():
        if was.get((trust, month, booking)) != amount:
            new.append(Entry("accrual", trust, month, booking, amount))
    return (*reversals, *new)


def book(
    session: Session,
    *,
    agreement_id: int,
    month: Period,
    actor: Actor,
    now: datetime,
    today: date,
    accepted: Accepted = in_approved_quarters,
) -> Voucher:
    """Book what is to stand accrued at the end of a month as the next voucher, frozen.

    Raises `Conflict` where the month has not begun, a voucher of a later month is booked, a trust has no cost centre, or
    nothing has changed since the newest voucher.
    """
    actor.require(ACT)
    if actor.scope(ACT) is not None:
        raise Denied("accruals are booked for all trusts: this needs a role that is not kept to one")
    agreements.lock_agreement(session, agreement_id)
    if month.start > today:
        raise Conflict("not_begun", f"{month.label()} has not begun")
    found = accruals(session, agreement_id=agreement_id, month=month, actor=actor, accepted=accepted)
    if found.last is not None and found.last.month.start > month.start:
        raise Conflict("later_voucher", f"a voucher of {found.last.month.label()} is booked already")
    if found.unbooked:
        raise Conflict("no_cost_centre", f"there is no cost centre for {', '.join(found.unbooked)}")
    if not found.entries:
        raise Conflict("nothing_to_book", "nothing has changed since the newest voucher")
    number = 1 if found.last is None else found.last.number + 1
    document = {
        "agreement": found.agreement.code,
        "voucher": number,
        "month": month.label(),
        "standing": [_dump(each) for each in found.standing],
        "entries": [{"kind": each.kind, **_dump(each)} for each in found.entries],
    }
    kept = documents.put(
        session,
        content=(json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode(),
        filename=f"{found.agreement.code}-avsetning-{number}.json",
        media_type="application/json",
        recorded_by=actor.id,
        now=now,
    )
    session.add(
        AccrualVoucher(
            agreement_id=agreement_id,
            number=number,
            month=month.label(),
            document_id=kept.id,
            known_at=now,
            total=found.total,
            entries=len(found.entries),
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    audit.record(
        session,
        "accruals.book",
        f"agreement:{found.agreement.code}/accruals/{number}",
        {"month": month.label(), "total": format(found.total, "f"), "sha256": kept.sha256},
        actor.id,
        now,
    )
    return list_vouchers(session, agreement_id=agreement_id, actor=actor)[0]


def list_vouchers(
    session: Session, *, agreement_id: int, actor: Actor, known_at: datetime | None = None
) -> list[Voucher]:
    """List the booked vouchers, newest first; for readers of all trusts."""
    allocation.require_reader(actor)
    return _vouchers(session, agreement_id, known_at)


def find_voucher(
    session: Session, *, agreement_id: int, number: int, actor: Actor, known_at: datetime | None = None
) -> Voucher:
    """Find a booked voucher by its number."""
    listed = list_vouchers(session, agreement_id=agreement_id, actor=actor, known_at=known_at)
    found = next((each for each in listed if each.number == number), None)
    if found is None:
        raise NotFound(f"there is no voucher {number}")
    return found


def newest_voucher(session: Session, agreement_id: int, known_at: datetime | None = None) -> Voucher | None:
    """Give the newest booked voucher, if there is one."""
    return next(iter(_vouchers(session, agreement_id, known_at)), None)


def voucher_rows(session: Session, *, agreement_id: int, voucher: Voucher) -> tuple[VoucherRow, ...]:
    """Give a voucher as rows, two for each entry: the expense, and the liability with the opposite amount."""
    holders = {each.party.code: each.party for each in agreements.option_holders(session, agreement_id)}
    on = previous_day(voucher.month.end)
    rows = []
    for entry in voucher.entries:
        party, booking = holders[entry.trust], entry.booking
        text = f"{'Avsetning' if entry.kind == 'accrual' else 'Tilbakeføring'} {entry.month.label()} {party.name}"
        for account, amount in ((booking.account, entry.amount), (booking.accrual_account, -entry.amount)):
            rows.append(
                VoucherRow(
                    voucher=voucher.number,
                    on=on,
                    month=entry.month.label(),
                    kind=entry.kind,
                    trust=entry.trust,
                    trust_name=party.name,
                    organisation_number=party.organisation_number,
                    account=account,
                    cost_centre=booking.cost_centre,
                    project=booking.project,
                    vat_code=booking.vat_code,
                    amount=amount,
                    text=text,
                )
            )
    return tuple(rows)


def voucher_file(session: Session, *, agreement_id: int, number: int, actor: Actor) -> tuple[str, bytes]:
    """Write a booked voucher by the template in force: its file name and its bytes."""
    voucher = find_voucher(session, agreement_id=agreement_id, number=number, actor=actor)
    template, _row = template_in_force(session, agreement_id)
    code = agreements.agreement_summary(session, agreement_id).code
    rows = voucher_rows(session, agreement_id=agreement_id, voucher=voucher)
    return f"{code}-avsetning-{number}.csv", voucher_files.write_voucher(rows, template)


def template_in_force(
    session: Session, agreement_id: int, known_at: datetime | None = None
) -> tuple[Template, int | None]:
    """Give the template by which voucher files are written and its row, None where nobody has set one."""
    row = session.scalar(
        select(VoucherTemplate).where(VoucherTemplate.agreement_id == agreement_id, known(VoucherTemplate, known_at))
    )
    return (voucher_files.USUAL, None) if row is None else (Template.from_document(row.content), row.id)


def set_template(session: Session, *, agreement_id: int, template: Template, actor: Actor, now: datetime) -> Template:
    """Record how voucher files are written from now on; `InvalidInput` for columns and marks that do not exist."""
    actor.require(ACT)
    if actor.scope(ACT) is not None:
        raise Denied("the template is the same for all trusts: this needs a role that is not kept to one")
    agreements.lock_agreement(session, agreement_id)
    invalid(voucher_files.template_findings(template))
    before, row = template_in_force(session, agreement_id)
    if before == template:
        return template
    session.add(
        VoucherTemplate(
            agreement_id=agreement_id,
            content=template.to_document(),
            void=False,
            supersedes_id=row,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    audit.record(
        session,
        "voucher_template.set",
        f"agreement:{agreements.agreement_summary(session, agreement_id).code}",
        template.to_document(),
        actor.id,
        now,
    )
    return template


def _documents(
    session: Session, agreement_id: int, ids: frozenset[int], actor: Actor, known_at: datetime | None
) -> list[invoices.RecordedInvoice]:
    """Read the documents that count: those of the agreement's currency that name a period."""
    currency = agreements.agreement_summary(session, agreement_id).term.currency
    found = [
        invoices.find_invoice(session, agreement_id=agreement_id, invoice_id=id_, actor=actor, known_at=known_at)
        for id_ in sorted(ids)
    ]
    return [each for each in found if each.summary.period is not None and each.summary.currency == currency]


def _first_billed(session: Session, agreement_id: int, known_at: datetime | None) -> date | None:
    """Give the first day of the month from which on there are documents, accepted or not."""
    query = select(Invoice.period_from).where(Invoice.agreement_id == agreement_id)
    days = [day for day in session.scalars(recorded_by_then(query, Invoice, known_at)) if day is not None]
    return first_of_month(min(days)) if days else None


def _expected(session: Session, agreement_id: int, period: Period, known_at: datetime | None) -> tuple[Portion, ...]:
    """Allocate the expected charges of a period, quarter by quarter: frozen lines where a quarter is closed."""
    closed = closings.standing(session, agreement_id, known_at)
    terms = basis.gather(session, agreement_id=agreement_id, known_at=known_at)
    rated = terms.rate(period).lines
    by_quarter: dict[Period, list[Any]] = defaultdict(list)
    for line in rated:
        by_quarter[Period.quarter(line.period.start)].append(line)
    for label, run in closed.items():
        quarter = Period.parse(label)
        if quarter.overlap(period) is not None:
            lines = closings.frozen(session, run).lines
            by_quarter[quarter] = [line for line in lines if period.contains(line.period.start)]
    portions: list[Portion] = []
    for quarter in sorted(by_quarter):
        portions += allocation.portions_of(session, agreement_id, by_quarter[quarter], quarter, known_at)
    return tuple(portions)


def _billed(
    session: Session,
    agreement_id: int,
    counted: Sequence[invoices.RecordedInvoice],
    expected: Sequence[Portion],
    known_at: datetime | None,
) -> dict[Cell, int]:
    """Give what is invoiced by month, trust and algorithm."""
    due: dict[Cell, int] = defaultdict(int)
    for each in expected:
        due[each.period, each.trust, each.algorithm] += each.net_ore
    billed: dict[Cell, int] = defaultdict(int)
    for found in counted:
        for portion in allocation.invoice_portions(session, agreement_id, found, expected, known_at):
            for cell, amount in bears_on(portion, due):
                billed[cell] += amount
    return billed


def bears_on(portion: Portion, due: Mapping[Cell, int]) -> list[tuple[Cell, int]]:
    """Spread an invoiced amount over the months and algorithms it bears on, by what was expected of them, in øre.

    Where nothing was expected it stands on the algorithm it names, equally over its months.
    """
    months = [Period.month(part.start) for part in portion.period.months()]
    own = [(month, portion.trust, portion.algorithm) for month in months]
    cells = [cell for cell in own if due.get(cell, 0) > 0]
    if not cells and portion.algorithm is None:
        wanted = set(months)
        found = [cell for cell in due if cell[0] in wanted and cell[1] == portion.trust and due[cell] > 0]
        cells = sorted(found, key=lambda cell: (cell[0], cell[2] or "~"))
    weights = [due.get(cell, 0) for cell in cells or own]
    return [
        (cell, amount) for cell, amount in zip(cells or own, share(portion.net_ore, weights), strict=True) if amount
    ]


def _trust_months(
    portions: Iterable[Portion],
    billed: Mapping[Cell, int],
    open_sums: Mapping[tuple[Period, str, Booking | None], int],
    end: date,
) -> tuple[TrustMonth, ...]:
    expected: dict[tuple[Period, str], int] = defaultdict(int)
    invoiced: dict[tuple[Period, str], int] = defaultdict(int)
    accrued: dict[tuple[Period, str], int] = defaultdict(int)
    for each in portions:
        expected[each.period, each.trust] += each.net_ore
    for (period, trust, _algorithm), amount in billed.items():
        if period.end <= end:
            invoiced[period, trust] += amount
    for (period, trust, _booking), amount in open_sums.items():
        accrued[period, trust] += amount
    return tuple(
        TrustMonth(
            key[1],
            key[0],
            kroner(expected[key]),
            kroner(invoiced[key]) if key in invoiced else None,
            kroner(accrued[key]),
        )
        for key in sorted(expected.keys() | invoiced.keys())
    )


def _by_place(standing: Iterable[Standing]) -> dict[tuple[str, Period, Booking], Decimal]:
    return {
        (each.trust, each.month, each.booking): each.amount
        for each in standing
        if each.booking is not None and each.amount
    }


def _order(item: tuple[tuple[Period, str, Booking | None], int]) -> tuple[Period, str, str, str]:
    (period, trust, booking), _amount = item
    return period, trust, booking.cost_centre if booking else "", booking.account if booking else ""


def _vouchers(session: Session, agreement_id: int, known_at: datetime | None) -> list[Voucher]:
    query = select(AccrualVoucher).where(AccrualVoucher.agreement_id == agreement_id)
    rows = session.scalars(recorded_by_then(query, AccrualVoucher, known_at).order_by(AccrualVoucher.number.desc()))
    return [_voucher(session, row) for row in rows]


def _voucher(session: Session, row: AccrualVoucher) -> Voucher:
    content = documents.bytes_of(session, row.document_id)
    document = json.loads(content)
    return Voucher(
        number=row.number,
        month=Period.parse(row.month),
        sha256=hashlib.sha256(content).hexdigest(),
        total=row.total,
        standing=tuple(Standing(**_load(each)) for each in document["standing"]),
        entries=tuple(Entry(each["kind"], **_load(each)) for each in document["entries"]),
        known_at=row.known_at,
        booked_at=row.recorded_at,
        booked_by=row.recorded_by,
    )


def _dump(each: Standing | Entry) -> dict[str, Any]:
    return {
        "trust": each.trust,
        "month": each.month.label(),
        "booking": None if each.booking is None else asdict(each.booking),
        "amount": format_amount(each.amount),
    }


def _load(document: Mapping[str, Any]) -> dict[str, Any]:
    booking = document["booking"]
    return {
        "trust": document["trust"],
        "month": Period.parse(document["month"]),
        "booking": None if booking is None else Booking(**booking),
        "amount": Decimal(document["amount"]),
    }
