"""Quarters: close one so that its charges stand for good, open it again with a reason, and show what came later.

Closing takes the agreement's lock first, freezes what is known under it (`frozen_quarter`), keeps the document by its hash
and adds a run that points at it. Two people closing one quarter make one run: the second is told that it is closed. A run is
never changed; opening a quarter again takes its run out of force, and the next close makes the next run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.charges.basis import gather
from billing.models import Correction, QuarterClosing, QuarterReopening, UsageEntry
from billing.quarters import coverage
from billing.quarters import runs as closings
from billing.quarters.coverage import CoverageCell
from billing.quarters.frozen import FrozenQuarter
from billing.quarters.later import Cell, Later, later_than
from billing.quarters.runs import Run
from billing.rating.lines import Line
from contracts import agreements, audit, ceiling, documents, price_books
from contracts.agreements import AgreementSummary, readable_trust
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models import Activation, AgreementTerms, Algorithm, IndexAdjustment, Organisation, PriceBookVersion
from contracts.people.access import Actor
from contracts.terms.money import ZERO
from contracts.terms.period import Period, add_months, previous_day

ACT = "quarter.close"
LONGEST_REASON = 200

State = Literal["not_over", "open", "closed", "reopened"]


# What is closed is closed for prices too: no version or index adjustment approved later reaches back into it.
price_books.respect(closings.first_open_day)

# What others do with every closing, in its transaction: agreement, who closes, now and today.
WhenClosed = Callable[[Session, int, Actor, datetime, date], None]
_WHEN_CLOSED: list[WhenClosed] = []


def when_closed(then: WhenClosed) -> None:
    """Let something be done with every closing, in the same transaction; the same function is taken once."""
    if then not in _WHEN_CLOSED:
        _WHEN_CLOSED.append(then)


@dataclass(frozen=True, slots=True)
class QuarterState:
    """A quarter of an agreement and its runs, oldest first; it can be closed from ``over_on`` on."""

    quarter: str
    period: Period
    state: State
    runs: tuple[Run, ...]

    @property
    def over_on(self) -> date:
        """Give the first day on which the quarter is over."""
        return self.period.end

    @property
    def standing(self) -> Run | None:
        """Give the run that stands, ``None`` where the quarter is open."""
        return self.runs[-1] if self.state == "closed" else None

    @property
    def version(self) -> tuple[Any, ...]:
        """Give plain values that name this state of the quarter's course."""
        return (self.quarter, self.state, len(self.runs))


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing did: ``closed`` (a new run) or ``already_closed`` (the run that stands)."""

    status: Literal["closed", "already_closed"]
    run: Run
    frozen: FrozenQuarter
    missing: tuple[CoverageCell, ...]


@dataclass(frozen=True, slots=True)
class QuarterReport:
    """A quarter for one reader: its course, the frozen lines of the run asked for, and what came after it.

    Within one trust ``lines`` and ``later`` are that trust's; ``total`` is the sum of the lines shown.
    """

    agreement: AgreementSummary
    state: QuarterState
    run: Run | None
    frozen: FrozenQuarter | None
    lines: tuple[Line, ...]
    later: Later | None
    scope: str | None

    @property
    def total(self) -> Decimal:
        """Give the sum of the frozen lines shown, in kroner excluding VAT."""
        return sum((line.net for line in self.lines), ZERO)


def parse_quarter(text: str) -> Period:
    """Read ``2026-Q3``; `InvalidInput` for anything else, a month or a year included."""
    try:
        period = Period.parse(text)
    except ValueError:
        period = None
    if period is None or period != Period.quarter(period.start):
        invalid([Finding("#/quarter", "not_a_quarter", f"'{text}' is not a quarter such as 2026-Q3")])
    assert period is not None
    return period


def close(
    session: Session,
    *,
    agreement_id: int,
    quarter: str,
    actor: Actor,
    now: datetime,
    today: date,
    accept_missing: bool = False,
) -> Closed:
    """Freeze the expected charges of a quarter that is over.

    Closing it again changes nothing and gives the same run. Raises `Conflict` where the quarter is not over yet (by
    ``today`` in Europe/Oslo), and where counts are missing altogether and ``accept_missing`` does not say that this is known;
    `InvalidInput` where the quarter lies outside the agreement.
    """
    require_all_trusts(actor, ACT)
    period = parse_quarter(quarter)
    agreements.lock_agreement(session, agreement_id)
    state = _state(session, agreement_id, period, today, None)
    if state.standing is not None:
        return Closed("already_closed", state.standing, closings.frozen(session, state.standing), ())
    terms = gather(session, agreement_id=agreement_id)
    common = _within_term(terms.agreement, period)
    if state.state == "not_over":
        raise Conflict(
            "not_over", f"{quarter} is not over: its last day is {previous_day(period.end)}, it can be closed after it"
        )
    missing = tuple(
        cell
        for cell in coverage.covered_cells(session, agreement_id=agreement_id, period=common, today=today)
        if cell.status == "missing"
    )
    if missing and not accept_missing:
        raise Conflict("coverage_missing", _missing_sentence(quarter, missing))
    frozen = FrozenQuarter.freeze(terms.agreement.code, quarter, terms.to_request(common))
    kept = documents.put(
        session,
        content=frozen.to_bytes(),
        filename=f"{terms.agreement.code}-{quarter}.json",
        media_type="application/json",
        recorded_by=actor.id,
        now=now,
    )
    mark = session.scalar(select(func.max(Correction.id)).where(Correction.agreement_id == agreement_id))
    row = QuarterClosing(
        agreement_id=agreement_id,
        quarter=quarter,
        run=len(state.runs) + 1,
        document_id=kept.id,
        known_at=_cut_off(session, agreement_id, now),
        correction_mark=mark or 0,
        total=frozen.total,
        lines=len(frozen.lines),
        missing=len(missing),
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        "quarter.close",
        f"quarter:{terms.agreement.code}/{quarter}",
        {
            "run": row.run,
            "sha256": kept.sha256,
            "total": format(frozen.total, "f"),
            "known_at": row.known_at.isoformat(),
            "missing": len(missing),
        },
        actor.id,
        now,
    )
    ceiling.moved(session, agreement_id=agreement_id, recorded_by=actor.id, now=now)
    for then in _WHEN_CLOSED:
        then(session, agreement_id, actor, now, today)
    run = closings.runs(session, agreement_id, quarter)[-1]
    return Closed("closed", run, frozen, missing)


def reopen(
    session: Session, *, agreement_id: int, quarter: str, reason: str, actor: Actor, now: datetime, today: date
) -> QuarterState:
    """Take the standing run of a closed quarter out of force, with a reason; the run stays readable.

    Raises `InvalidInput` without a reason, `Conflict` where the quarter is not closed.
    """
    require_all_trusts(actor, ACT)
    period = parse_quarter(quarter)
    findings = []
    if not reason.strip():
        findings.append(Finding("#/reason", "missing", "opening a closed quarter again needs a reason"))
    elif len(reason.strip()) > LONGEST_REASON:
        findings.append(Finding("#/reason", "too_long", f"at most {LONGEST_REASON} characters"))
    invalid(findings)
    agreements.lock_agreement(session, agreement_id)
    agreement = agreements.agreement_summary(session, agreement_id)
    state = _state(session, agreement_id, period, today, None)
    if state.standing is None:
        raise Conflict("not_closed", f"{quarter} is not closed")
    session.add(
        QuarterReopening(closing_id=state.standing.id, reason=reason.strip(), recorded_at=now, recorded_by=actor.id)
    )
    audit.record(
        session,
        "quarter.reopen",
        f"quarter:{agreement.code}/{quarter}",
        {"run": state.standing.number, "reason": reason.strip()},
        actor.id,
        now,
    )
    session.flush()
    ceiling.moved(session, agreement_id=agreement_id, recorded_by=actor.id, now=now)
    return _state(session, agreement_id, period, today, None)


def list_quarters(
    session: Session, *, agreement_id: int, actor: Actor, today: date, known_at: datetime | None = None
) -> list[QuarterState]:
    """List the quarters of the agreement that have begun, newest first."""
    actor.require("read")
    term = agreements.agreement_summary(session, agreement_id, known_at).term
    by_quarter: dict[str, list[Run]] = defaultdict(list)
    for run in closings.runs(session, agreement_id, None, known_at):
        by_quarter[run.quarter].append(run)
    listed = []
    start = Period.quarter(min(max(today, term.start), previous_day(term.end))).start
    while start >= Period.quarter(term.start).start:
        period = Period.quarter(start)
        listed.append(_of_runs(period, by_quarter[period.label()], today))
        start = add_months(start, -3)
    return listed


def quarter_report(
    session: Session,
    *,
    agreement_id: int,
    quarter: str,
    actor: Actor,
    today: date,
    trust: str | None = None,
    run: int | None = None,
    known_at: datetime | None = None,
) -> QuarterReport:
    """Show a quarter: the run that stands (or the one asked for) with its lines, and what came after it.

    What came later is told for the newest run only. Raises `NotFound` for a quarter outside the agreement, a run that is not
    there, and a trust outside the reader's scope.
    """
    scope = readable_trust(session, agreement_id, actor, trust)
    period = parse_quarter(quarter)
    agreement = agreements.agreement_summary(session, agreement_id, known_at)
    if period.overlap(Period(agreement.term.start, agreement.term.end)) is None:
        raise NotFound(f"{quarter} lies outside the agreement")
    state = _state(session, agreement_id, period, today, known_at)
    shown = state.runs[-1] if state.runs else None
    if run is not None:
        shown = next((each for each in state.runs if each.number == run), None)
        if shown is None:
            raise NotFound(f"{quarter} has no run {run}")
    if shown is None:
        return QuarterReport(agreement, state, None, None, (), None, scope)
    frozen = closings.frozen(session, shown)
    later = _later(session, agreement_id, shown, frozen, known_at) if shown == state.runs[-1] else None
    lines = frozen.lines
    if scope is not None:
        lines = tuple(line for line in lines if line.trust == scope)
        later = None if later is None else later.within(scope)
    return QuarterReport(agreement, state, shown, frozen, lines, later, scope)


def run_bytes(
    session: Session, *, agreement_id: int, quarter: str, run: int, actor: Actor, known_at: datetime | None = None
) -> tuple[Run, bytes]:
    """Give the document that a run froze, byte for byte; it holds every trust's lines, so it is for readers of all."""
    actor.require("read")
    parse_quarter(quarter)
    found = next((each for each in closings.runs(session, agreement_id, quarter, known_at) if each.number == run), None)
    if found is None or actor.scope("read") is not None:
        raise NotFound(f"{quarter} has no run {run}")
    return found, closings.frozen_bytes(session, found)


def require_all_trusts(actor: Actor, act: str) -> None:
    """Raise `Denied` unless the actor may do this for all trusts."""
    actor.require(act)
    if actor.scope(act) is not None:
        raise Denied("a quarter is that of all trusts: this needs a role that is not kept to one")


def _state(session: Session, agreement_id: int, period: Period, today: date, known_at: datetime | None) -> QuarterState:
    return _of_runs(period, closings.runs(session, agreement_id, period.label(), known_at), today)


def _of_runs(period: Period, runs: list[Run], today: date) -> QuarterState:
    state: State = "open"
    if runs:
        state = "closed" if runs[-1].reopening is None else "reopened"
    elif today < period.end:
        state = "not_over"
    return QuarterState(period.label(), period, state, tuple(runs))


def _within_term(agreement: AgreementSummary, period: Period) -> Period:
    common = period.overlap(Period(agreement.term.start, agreement.term.end))
    if common is None:
        invalid([Finding("#/quarter", "outside", f"{period.label()} lies outside the agreement")])
    assert common is not None
    return common


def _cut_off(session: Session, agreement_id: int, now: datetime) -> datetime:
    """Give the instant up to which the run knows everything: now, or that of a fact recorded by a clock that is ahead."""
    newest = [
        session.scalar(select(func.max(row.recorded_at)).where(row.agreement_id == agreement_id))
        for row in (UsageEntry, Correction, Activation, AgreementTerms, PriceBookVersion, IndexAdjustment)
    ]
    return max([now, *(each for each in newest if each is not None)])


def _missing_sentence(quarter: str, missing: Iterable[CoverageCell]) -> str:
    listed = [f"{cell.trust}, {cell.algorithm}, {cell.month.label()}" for cell in missing]
    shown = "; ".join(listed[:5]) + ("" if len(listed) <= 5 else f"; and {len(listed) - 5} more")
    count = "1 count is" if len(listed) == 1 else f"{len(listed)} counts are"
    return f"{count} missing in {quarter}: {shown}. Close it all the same by saying that you know (accept_missing)"


def _later(
    session: Session, agreement_id: int, run: Run, frozen: FrozenQuarter, known_at: datetime | None
) -> Later | None:
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    common = run.period.overlap(Period(terms.agreement.term.start, terms.agreement.term.end))
    if common is None:
        return None
    return later_than(frozen, terms.to_request(common), terms.usage, _corrected(session, agreement_id, run, known_at))


def _corrected(session: Session, agreement_id: int, run: Run, known_at: datetime | None) -> dict[Cell, int]:
    """Sum what corrections recorded after a run add to each cell."""
    query = (
        select(Organisation.code, Algorithm.code, Correction.on, func.sum(Correction.change))
        .join(Organisation, Organisation.id == Correction.trust_id)
        .join(Algorithm, Algorithm.id == Correction.algorithm_id)
        .where(Correction.agreement_id == agreement_id, Correction.id > run.correction_mark)
        .group_by(Organisation.code, Algorithm.code, Correction.on)
    )
    if known_at is not None:
        query = query.where(Correction.recorded_at <= known_at)
    return {(trust, algorithm, on): int(change) for trust, algorithm, on, change in session.execute(query)}
