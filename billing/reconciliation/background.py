"""What lies behind a row of a reconciliation: the counts day by day, the files they came from, the quarter before.

The counts are those that the reconciliation was computed from, as it froze them; where they came from is told as recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.causes import GroupExplanation
from billing.causes.billed import ZERO, BilledLine
from billing.models import UsageEntry, UsageImport
from billing.quarters import runs as closings
from billing.rating.lines import Line
from billing.reconciliation import report as reconciliation_report
from billing.reconciliation.lines import ReconciledLine
from billing.reconciliation.report import Report
from contracts.models import Algorithm, Organisation
from contracts.terms.period import Period, add_months


@dataclass(frozen=True, slots=True)
class DayCounted:
    """A day's billable examinations and those set apart from them (validation, failed and repeated runs)."""

    on: date
    counted: int
    set_apart: int


@dataclass(frozen=True, slots=True)
class Origin:
    """What one file, or the corrections, hold of the counts; ``quantity`` is signed, ``filename`` None for a correction."""

    source: str
    import_id: int | None
    filename: str | None
    quantity: int
    first_on: date
    last_on: date
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one algorithm at one trust over the days of a row; ``stated`` is the vendor's own, None without one."""

    trust: str
    algorithm: str
    period: Period
    days: tuple[DayCounted, ...]
    origins: tuple[Origin, ...]
    stated: int | None

    @property
    def counted(self) -> int:
        """Give the sum of the billable examinations."""
        return sum(day.counted for day in self.days)

    @property
    def set_apart(self) -> int:
        """Give the sum of those set apart."""
        return sum(day.set_apart for day in self.days)


@dataclass(frozen=True, slots=True)
class QuarterBefore:
    """The same trusts and algorithms in the quarter before; ``invoiced`` is None where that was never reconciled."""

    quarter: Period
    expected: Decimal
    invoiced: Decimal | None
    quantity: int
    codes: tuple[str, ...]


def counts_behind(session: Session, report: Report, row: ReconciledLine, agreement_id: int) -> tuple[Counts, ...]:
    """Give the counts behind a row, place by place: those of its expected lines, or of what its invoice lines name."""
    spans: dict[tuple[str, str], list[Period]] = {}
    lines: list[Line | BilledLine] = [*row.due, *row.billed]
    for line in lines:
        if line.trust is not None and line.algorithm is not None and line.period is not None:
            spans.setdefault((line.trust, line.algorithm), []).append(line.period)
    return tuple(
        _counts(session, report, agreement_id, trust, algorithm, _around(periods))
        for (trust, algorithm), periods in spans.items()
    )


def _around(periods: Iterable[Period]) -> Period:
    listed = list(periods)
    return Period(min(each.start for each in listed), max(each.end for each in listed))


def _counts(session: Session, report: Report, agreement_id: int, trust: str, algorithm: str, period: Period) -> Counts:
    inputs = report.frozen.inputs
    counted: dict[date, int] = {}
    apart: dict[date, int] = {}
    for usage in inputs.charges.request.usage:
        if (usage.trust, usage.algorithm) == (trust, algorithm) and period.contains(usage.on):
            counted[usage.on] = counted.get(usage.on, 0) + usage.quantity
    for excluded in inputs.charges.excluded:
        if (excluded.trust, excluded.algorithm) == (trust, algorithm) and period.contains(excluded.on):
            counted[excluded.on] = counted.get(excluded.on, 0) - excluded.quantity
            apart[excluded.on] = apart.get(excluded.on, 0) + excluded.quantity
    for each in inputs.set_apart:
        if (each.trust, each.algorithm) == (trust, algorithm) and period.contains(each.on):
            apart[each.on] = apart.get(each.on, 0) + each.quantity
    stated = None
    if inputs.statement is not None:
        own = (u for u in inputs.statement if (u.trust, u.algorithm) == (trust, algorithm) and period.contains(u.on))
        stated = sum(usage.quantity for usage in own)
    days = tuple(DayCounted(on, counted.get(on, 0), apart.get(on, 0)) for on in sorted({*counted, *apart}))
    return Counts(trust, algorithm, period, days, _origins(session, agreement_id, trust, algorithm, period), stated)


def _origins(session: Session, agreement_id: int, trust: str, algorithm: str, period: Period) -> tuple[Origin, ...]:
    query = (
        select(
            UsageEntry.source,
            UsageEntry.import_id,
            UsageImport.filename,
            func.sum(UsageEntry.quantity),
            func.min(UsageEntry.on),
            func.max(UsageEntry.on),
            func.min(UsageEntry.recorded_at),
        )
        .join(Organisation, Organisation.id == UsageEntry.trust_id)
        .join(Algorithm, Algorithm.id == UsageEntry.algorithm_id)
        .outerjoin(UsageImport, UsageImport.id == UsageEntry.import_id)
        .where(
            UsageEntry.agreement_id == agreement_id,
            Organisation.code == trust,
            Algorithm.code == algorithm,
            UsageEntry.on >= period.start,
            UsageEntry.on < period.end,
        )
        .group_by(UsageEntry.source, UsageEntry.import_id, UsageImport.filename)
        .order_by(func.min(UsageEntry.id))
    )
    return tuple(
        Origin(source, import_id, filename, int(quantity), first_on, last_on, recorded_at)
        for source, import_id, filename, quantity, first_on, last_on, recorded_at in session.execute(query)
    )


def quarter_before(session: Session, report: Report, row: ReconciledLine, agreement_id: int) -> QuarterBefore | None:
    """Give the same trusts and algorithms in the quarter before: as last reconciled, else as its charges were frozen.

    None where the row names no trust and algorithm, and where the quarter before was neither reconciled nor closed.
    """
    trusts, algorithms = set(row.trusts), set(row.algorithms)
    if row.kind == "document" or None in algorithms:
        return None
    before = Period.quarter(add_months(report.quarter.start, -3))
    runs = reconciliation_report.list_runs(session, agreement_id, before.label())
    if runs and runs[-1].reopened is None:
        earlier = reconciliation_report.frozen_of(session, runs[-1])
        groups = [
            group
            for document in earlier.documents
            for group in document.explanation.groups
            if _is_about(group, trusts, algorithms)
        ]
        missing = [each for each in earlier.not_invoiced if each.trust in trusts and each.algorithm in algorithms]
        if groups or missing:
            return QuarterBefore(
                before,
                sum((group.expected_amount for group in groups), ZERO) - sum((f.amount for f in missing), ZERO),
                sum((group.invoiced_amount for group in groups), ZERO),
                sum(line.quantity or 0 for group in groups for line in group.expected if line.kind == "usage"),
                tuple(dict.fromkeys(f.code for f in (*(f for g in groups for f in g.findings), *missing))),
            )
        return None
    standing = closings.standing(session, agreement_id).get(before.label())
    if standing is None:
        return None
    lines = [
        line
        for line in closings.frozen(session, standing).lines
        if line.trust in trusts and line.algorithm in algorithms
    ]
    if not lines:
        return None
    quantity = sum(line.quantity or 0 for line in lines if line.kind == "usage")
    return QuarterBefore(before, sum((line.net for line in lines), ZERO), None, quantity, ())


def _is_about(group: GroupExplanation, trusts: set[str | None], algorithms: set[str | None]) -> bool:
    lines: list[Line | BilledLine] = [*group.expected, *group.billed]
    return any(line.trust in trusts and line.algorithm in algorithms for line in lines)
