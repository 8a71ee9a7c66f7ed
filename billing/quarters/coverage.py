"""Coverage: which counts are in, for each trust, algorithm and month, and who must deliver what is not.

What to expect is what the forecast expected when the month began (`daily_rates`), on the working days of it on which the
activation is live. A month is judged once it is over (see `judge`): a count that is short without a
reason is far more often a file that did not come than a hospital that stood still.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from billing.figures import Figure
from billing.figures.counts import SeriesMonth, counted_through
from billing.forecasting.counts import HISTORY_MONTHS
from billing.forecasting.daily_rates import rates_before
from billing.models import UsageEntry, UsageImport
from billing.quarters import runs as closings
from billing.quarters.later import covered
from billing.usage import metering
from contracts import agreements
from contracts.agreements import readable_trust
from contracts.clock import OSLO
from contracts.models import Algorithm, Organisation, Person, RoleGrant
from contracts.models.base import known, recorded_by_then
from contracts.people.access import Actor
from contracts.terms.agreement import ActivationRow
from contracts.terms.period import Period, add_months, first_of_month
from contracts.terms.price_book import Usage
from contracts.terms.working_days import spread, working_days

Status = Literal["complete", "partial", "missing", "not_live", "not_due", "corrected_after_close"]
STATUSES: tuple[Status, ...] = ("missing", "partial", "corrected_after_close", "complete", "not_due", "not_live")

# Nine of ten working days: one day without a count in ten is a closed laboratory or a quiet Friday, a week is a lost file.
DAYS_EXPECTED = Decimal("0.90")
# Below this mean, days without any examination are ordinary (at 5 a day, fewer than one in a hundred).
BUSY_PER_DAY = Decimal(5)
# July is a quarter below the spring without anything missing; what is below three fifths is not the season.
VOLUME_EXPECTED = Decimal("0.60")
# A count of n varies by chance by about √n; a shortfall within three times that says nothing.
CHANCE = 3

Place = tuple[str, str, date]


@dataclass(frozen=True, slots=True)
class CoverageCell:
    """One trust, algorithm and month; ``expected`` is ``None`` where there is no history to expect anything from.

    ``working_days`` are those on which the activation is live, ``days_counted`` those of them with a count.
    """

    trust: str
    algorithm: str
    month: Period
    status: Status
    quantity: int = 0
    expected: int | None = None
    working_days: int = 0
    days_counted: int = 0
    corrected: bool = False
    source: str | None = None
    filename: str | None = None
    received_at: datetime | None = None

    @property
    def due(self) -> bool:
        """Tell whether a count of this month must be there by now."""
        return self.status not in ("not_live", "not_due")

    @property
    def to_deliver(self) -> bool:
        """Tell whether somebody must deliver something."""
        return self.status in ("missing", "partial")

    @property
    def deviation(self) -> Decimal | None:
        """Give how far the count is from what was expected, as a share of it; ``None`` where nothing was."""
        if not self.expected or not self.due:
            return None
        return (Decimal(self.quantity - self.expected) / self.expected).quantize(Decimal("0.0001"), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one trust must deliver, and the people who may."""

    trust: str
    people: tuple[str, ...]
    cells: tuple[CoverageCell, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The coverage of a period as known, ordered by trust, algorithm (as the agreement lists them) and month."""

    period: Period
    cells: tuple[CoverageCell, ...]
    deliveries: tuple[Delivery, ...]
    data_until: date | None

    @property
    def due(self) -> int:
        """Count the cells that must be there by now."""
        return sum(cell.due for cell in self.cells)

    def count(self, status: Status) -> int:
        """Count the cells with a status."""
        return Counter(cell.status for cell in self.cells)[status]

    @property
    def to_deliver(self) -> tuple[CoverageCell, ...]:
        """Give the cells that are missing or partial."""
        return tuple(cell for cell in self.cells if cell.to_deliver)


def judge(*, quantity: int, days_counted: int, working: int, rate: Decimal | None) -> Status:
    """Say whether a month that is over is complete, partial or missing; ``rate`` is what was expected per working day.

    Missing is a month without a single count. Partial is one with a count on fewer than nine of ten working days, where at
    least five examinations a day are usual; or with less than three fifths of what was expected, where chance alone does
    not explain it.

    >>> judge(quantity=200, days_counted=16, working=21, rate=Decimal(12))
    'partial'
    >>> judge(quantity=250, days_counted=20, working=21, rate=Decimal(12))
    'complete'
    """
    if not days_counted and not quantity:
        return "missing"
    if not working:
        return "complete"
    usual = rate if rate is not None else Decimal(quantity) / max(days_counted, 1)
    if usual >= BUSY_PER_DAY and days_counted < DAYS_EXPECTED * working:
        return "partial"
    if rate is not None:
        expected = rate * working
        short = expected - quantity
        if quantity < VOLUME_EXPECTED * expected and short * short > CHANCE * CHANCE * expected:
            return "partial"
    return "complete"


def coverage(
    session: Session,
    *,
    agreement_id: int,
    period: Period,
    actor: Actor,
    today: date,
    trust: str | None = None,
    known_at: datetime | None = None,
) -> Coverage:
    """Give the coverage of the months of ``period``, for all trusts or for one.

    Raises `NotFound` for a trust that is no option holder or lies outside the actor's scope.
    """
    scope = readable_trust(session, agreement_id, actor, trust)
    cells = covered_cells(
        session, agreement_id=agreement_id, period=period, today=today, trust=scope, known_at=known_at
    )
    wanting: dict[str, list[CoverageCell]] = defaultdict(list)
    for cell in cells:
        if cell.to_deliver:
            wanting[cell.trust].append(cell)
    people = _deliverers(session, known_at) if wanting else {}
    deliveries = tuple(
        Delivery(code, tuple(people.get(code) or people.get(None) or ()), tuple(own)) for code, own in wanting.items()
    )
    return Coverage(period, cells, deliveries, metering.last_day(session, agreement_id, known_at))


@dataclass(frozen=True, slots=True)
class Counted:
    """How far the counts are in: the figure, and what lacks of the months after it that are over."""

    figure: Figure
    lacking: tuple[CoverageCell, ...] = ()

    @property
    def through(self) -> date | None:
        """Give the last day up to which every count is in, None where the first month lacks some already."""
        return self.figure.value if isinstance(self.figure.value, date) else None


def counted(session: Session, *, agreement_id: int, today: date, known_at: datetime | None = None) -> Counted:
    """Find how far the counts are in. A closed quarter is: who closed it knew what was missing in it."""
    term = agreements.agreement_summary(session, agreement_id, known_at).term
    if known_at is not None:
        today = min(today, known_at.astimezone(OSLO).date())
    closed = {run.period.start for run in closings.standing(session, agreement_id, known_at).values()}
    start = Period.quarter(term.start).start
    while start in closed:
        start = add_months(start, 3)
    begun = Period(term.start, min(term.end, today)).months() if today > term.start else []
    over = [each for each in begun if Period.month(each.start).end <= today or each.end == term.end]
    asked = [each for each in over if each.start >= start]
    cells: tuple[CoverageCell, ...] = ()
    if asked:
        period = Period(asked[0].start, asked[-1].end)
        cells = covered_cells(
            session, agreement_id=agreement_id, period=period, today=max(today, period.end), known_at=known_at
        )
    figure = counted_through(
        (
            SeriesMonth(cell.trust, cell.algorithm, cell.month, not cell.to_deliver or _is_closed(cell.month, closed))
            for cell in cells
            if cell.due
        ),
        over,
    )
    return Counted(figure, tuple(cell for cell in cells if cell.to_deliver and not _is_closed(cell.month, closed)))


def with_expected(
    usage: Iterable[Usage], lacking: Iterable[CoverageCell], activations: Iterable[ActivationRow]
) -> tuple[Usage, ...]:
    """Put what was expected in the place of the counts that lack, spread over the working days; a higher count stays."""
    short = {
        (cell.trust, cell.algorithm, cell.month.start): cell
        for cell in lacking
        if cell.expected is not None and cell.expected > cell.quantity
    }
    kept = [each for each in usage if (each.trust, each.algorithm, first_of_month(each.on)) not in short]
    running = list(activations)
    for cell in short.values():
        own = [row for row in running if (row.trust, row.algorithm) == (cell.trust, cell.algorithm)]
        live = [common for row in own if (common := Period(row.go_live, row.end or date.max).overlap(cell.month))]
        days = [day for period in live for day in working_days(period)]
        spread_out = spread(cell.expected or 0, days)
        kept += [Usage(cell.trust, cell.algorithm, day, quantity) for day, quantity in spread_out.items() if quantity]
    return tuple(sorted(kept, key=lambda each: (each.on, each.trust, each.algorithm)))


def _is_closed(month: Period, closed: set[date]) -> bool:
    return Period.quarter(month.start).start in closed


def covered_cells(
    session: Session,
    *,
    agreement_id: int,
    period: Period,
    today: date,
    trust: str | None = None,
    known_at: datetime | None = None,
) -> tuple[CoverageCell, ...]:
    """Judge every cell of ``period``; who may see it is the caller's rule."""
    agreement = agreements.agreement_summary(session, agreement_id, known_at)
    holders = [holder.party.code for holder in agreements.option_holders(session, agreement_id, known_at)]
    products = [algorithm.code for algorithm in agreements.marketplace(session, agreement_id)]
    rows: dict[tuple[str, str], list[ActivationRow]] = defaultdict(list)
    for row in agreements.activations(session, agreement_id, known_at):
        rows[row.trust, row.algorithm].append(row)
    history = Period(add_months(Period.month(period.start).start, -HISTORY_MONTHS), period.end)
    usage = metering.daily_usage(session, agreement_id=agreement_id, period=history, known_at=known_at)
    days: dict[Place, dict[date, int]] = defaultdict(dict)
    for each in usage:
        if each.on >= period.start:
            days[each.trust, each.algorithm, first_of_month(each.on)][each.on] = each.quantity
    sources = _sources(session, agreement_id, period, known_at)
    changed = _changed_since_close(session, agreement_id, period, usage, known_at)
    months = [Period.month(month.start) for month in period.months()]
    term = Period(agreement.term.start, agreement.term.end)
    ever = [row.to_term() for own in rows.values() for row in own]
    rates = rates_before(usage, ever, [month.start for month in months])
    cells = []
    for code in holders:
        for algorithm in products:
            if trust is not None and code != trust:
                continue
            for month in months:
                cell = _cell(
                    (code, algorithm, month.start),
                    month,
                    [_live(row, term) for row in rows[code, algorithm]],
                    days[code, algorithm, month.start],
                    rates[month.start].of(code, algorithm, month.start),
                    today,
                    sources,
                    changed,
                )
                cells.append(cell)
    return tuple(cells)


def _cell(
    place: Place,
    month: Period,
    live: list[Period | None],
    in_month: dict[date, int],
    rate: Decimal | None,
    today: date,
    sources: dict[Place, tuple[str, str | None, datetime]],
    changed: set[Place],
) -> CoverageCell:
    trust, algorithm, _ = place
    parts = [common for each in live if each is not None and (common := each.overlap(month)) is not None]
    source, filename, received_at = sources.get(place, (None, None, None))
    if not parts:
        # What stands here was counted before go-live: a validation run, which nobody waits for.
        return CoverageCell(
            trust,
            algorithm,
            month,
            "not_live",
            sum(in_month.values()),
            source=source,
            filename=filename,
            received_at=received_at,
        )
    working = [day for part in parts for day in working_days(part)]
    counted = {on for on in in_month if any(part.contains(on) for part in parts)}
    quantity = sum(in_month[on] for on in counted)
    days_counted = sum(day in counted and in_month[day] > 0 for day in working)
    if month.end > today:
        status: Status = "not_due"
    elif not counted:
        status = "missing"
    else:
        # A month that is there as one count of nothing is complete: somebody said that there was nothing.
        status = judge(quantity=quantity, days_counted=max(days_counted, 1), working=len(working), rate=rate)
        if not quantity and not rate:
            status = "complete"
    corrected = place in changed
    if status == "complete" and corrected:
        status = "corrected_after_close"
    expected = None if rate is None else int((rate * len(working)).quantize(Decimal(1), ROUND_HALF_UP))
    return CoverageCell(
        trust=trust,
        algorithm=algorithm,
        month=month,
        status=status,
        quantity=quantity,
        expected=expected,
        working_days=len(working),
        days_counted=days_counted,
        corrected=corrected,
        source=source,
        filename=filename,
        received_at=received_at,
    )


def _live(row: ActivationRow, term: Period) -> Period | None:
    end = row.end or date.max
    return Period(row.go_live, end).overlap(term) if end > row.go_live else None


def _sources(
    session: Session, agreement_id: int, period: Period, known_at: datetime | None
) -> dict[Place, tuple[str, str | None, datetime]]:
    """Give the newest delivery of each cell: what it was made from, its file and when it came."""
    query: Select[*tuple[Any, ...]] = (
        select(
            Organisation.code,
            Algorithm.code,
            UsageEntry.on,
            UsageEntry.source,
            UsageImport.filename,
            UsageEntry.recorded_at,
        )
        .join(Organisation, Organisation.id == UsageEntry.trust_id)
        .join(Algorithm, Algorithm.id == UsageEntry.algorithm_id)
        .outerjoin(UsageImport, UsageImport.id == UsageEntry.import_id)
        .where(UsageEntry.agreement_id == agreement_id, UsageEntry.on >= period.start, UsageEntry.on < period.end)
        .order_by(UsageEntry.recorded_at, UsageEntry.id)
    )
    found: dict[Place, tuple[str, str | None, datetime]] = {}
    for trust, algorithm, on, source, filename, received_at in session.execute(
        recorded_by_then(query, UsageEntry, known_at)
    ):
        place = (trust, algorithm, Period.month(on).start)
        if filename is not None or place not in found:
            found[place] = (source, filename, received_at)
    return found


def _changed_since_close(
    session: Session, agreement_id: int, period: Period, usage: Iterable[Usage], known_at: datetime | None
) -> set[Place]:
    """Find the months whose counts are others than those their closed quarter froze."""
    known_now = list(usage)
    changed: set[Place] = set()
    for run in closings.standing(session, agreement_id, known_at).values():
        common = run.period.overlap(period)
        if common is not None:
            request = closings.frozen(session, run).request
            now = covered(known_now, request.activations, request.agreement, common.end)
            then, there = _by_day(request.usage, common), _by_day(now, common)
            for cell in then.keys() | there.keys():
                if then.get(cell, 0) != there.get(cell, 0):
                    changed.add((cell[0], cell[1], Period.month(cell[2]).start))
    return changed


def _by_day(usage: Iterable[Usage], period: Period) -> dict[Place, int]:
    cells: dict[Place, int] = defaultdict(int)
    for each in usage:
        if period.contains(each.on):
            cells[each.trust, each.algorithm, each.on] += each.quantity
    return cells


def _deliverers(session: Session, known_at: datetime | None) -> dict[str | None, list[str]]:
    """Give the people who deliver usage for each trust; under ``None`` those who do it for all."""
    rows = session.execute(
        select(Person.name, Organisation.code)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .outerjoin(Organisation, Organisation.id == RoleGrant.trust_id)
        .where(RoleGrant.role.in_(("trust_requester", "finance_controller")), known(RoleGrant, known_at))
        .order_by(Person.id)
    )
    people: dict[str | None, list[str]] = defaultdict(list)
    for name, trust in rows:
        people[trust].append(name)
    return people
