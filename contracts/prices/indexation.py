"""Index adjustment: the clause, a request with the values it rests on, and an approval that puts its factor in the book.

An adjustment never comes by itself. It is requested in time, or the request lapses for good: a late one is recorded as
lapsed and cannot be approved. Somebody else than who requested approves, and only then stands the factor in the price
book, as one more row; nothing in force is edited. A request keeps the values it used, so that a later revision of the
index changes nothing in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import agreements, audit, ceiling, deadlines, effects, models, price_books
from contracts.deadlines import Deadline
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models.base import known, recorded_by_then
from contracts.people.access import Actor
from contracts.prices import index_values
from contracts.terms import indexation as rules
from contracts.terms.effect import Change
from contracts.terms.indexation import (
    APPROVED,
    DECLINED,
    LAPSED,
    REQUESTED,
    Calculation,
    Comparison,
    IndexClause,
    IndexRequest,
    Obstacle,
    StandingValue,
    UsedValue,
    shown,
)
from contracts.terms.money import format_rate
from contracts.terms.period import add_months
from contracts.terms.price_book import IndexAdjustment, PriceBook, check, errors_of

LONGEST_REASON = 1000

# (session, the request as answered, who answered) -> hash of the letter that tells the vendor
Answer = Callable[[Session, IndexRequest, Actor], str]
_answers: list[Answer] = []

# Each obstacle as one English sentence; pages have them in the reader's language.
SENTENCES = {
    "before_first_date": "prices may be adjusted from {first} at the earliest",
    "too_soon": "the last adjustment took effect on {last}; the next may from {earliest} at the earliest",
    "outside_term": "the agreement runs from {start} to {end}",
    "already": "a request for {effective_from} is recorded already; it is {state}",
    "in_the_book": "the price book holds an adjustment from {effective_from} already",
    "nothing_to_compare": "the compared month {current} does not follow the base month {base}",
    "values_missing": "there is no index value for {months}",
    "base_years_differ": "{base} and {current} are known in different base years only ({base_years}); a ratio across base "
    "years is never taken: import both months in one",
}


@dataclass(frozen=True, slots=True)
class AgreedClause:
    """The clause that stands, and since when it is recorded by whom."""

    id: int
    terms: IndexClause
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Worked:
    """A computation of one reading, or the ``obstacle`` that stands in its way."""

    reading: str
    compared: Comparison
    base_year: int | None
    used: tuple[UsedValue, ...]
    calculation: Calculation | None
    obstacle: Obstacle | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a request would say today: its deadline, its computation, the other reading beside it, and what is odd.

    With any of ``obstacles`` there is nothing to request; ``late`` says that a request would lapse.
    """

    clause: IndexClause
    effective_from: date
    deadline_on: date
    late: bool
    worked: Worked
    other: Worked
    obstacles: tuple[Obstacle, ...]
    warnings: tuple[Obstacle, ...]


def register_answer(answer: Answer) -> None:
    """Let ``answer`` file the letter of each request that is approved, declined or late; the last one registered does."""
    _answers[:] = [answer]


def standing_clause(session: Session, agreement_id: int, known_at: datetime | None = None) -> AgreedClause | None:
    """Give the index clause of an agreement as known, or ``None`` where it has none."""
    row = session.scalar(
        select(models.IndexClause).where(
            models.IndexClause.agreement_id == agreement_id, known(models.IndexClause, known_at)
        )
    )
    return None if row is None else AgreedClause(row.id, _terms(row), row.recorded_at, row.recorded_by)


def preview(session: Session, *, agreement_id: int, effective_from: date, today: date) -> Preview:
    """Compute what a request for ``effective_from`` would say, in the clause's reading and in the other one.

    Raises `NotFound` where the agreement has no index clause.
    """
    agreed = _clause(session, agreement_id)
    clause = agreed.terms
    requests = list_requests(session, agreement_id)
    book = price_books.price_book(session, agreement_id)
    last = _last_approved(requests, effective_from)
    other_reading: rules.Reading = "annual" if clause.reading == "twelve_month" else "twelve_month"
    worked = _work(session, clause, effective_from, last)
    other = _work(session, replace(clause, reading=other_reading, average_months=1), effective_from, last)
    obstacles = [*_dates(session, agreement_id, clause, effective_from, requests, book)]
    if worked.obstacle is not None:
        obstacles.append(worked.obstacle)
    deadline = rules.notice_deadline(clause, effective_from)
    return Preview(
        clause=clause,
        effective_from=effective_from,
        deadline_on=deadline,
        late=deadline < today,
        worked=worked,
        other=other,
        obstacles=tuple(obstacles),
        warnings=tuple(_warnings(clause, effective_from, requests, book, today)),
    )


def request_adjustment(
    session: Session, *, agreement_id: int, effective_from: date, actor: Actor, now: datetime, today: date
) -> IndexRequest:
    """Request an adjustment from a day, with the index values that are known now.

    After its notice deadline (that day itself is in time) the request is recorded as lapsed. Raises `InvalidInput` with
    every obstacle, `Conflict` where the day has a request that stands or an adjustment already.
    """
    _require(actor, "index.draft")
    agreements.lock_agreement(session, agreement_id)
    agreed = _clause(session, agreement_id)
    seen = preview(session, agreement_id=agreement_id, effective_from=effective_from, today=today)
    for obstacle in seen.obstacles:
        if obstacle.code in ("already", "in_the_book"):
            raise Conflict(f"index_{obstacle.code}", sentence(obstacle))
    invalid(Finding("#/effective_from", obstacle.code, sentence(obstacle)) for obstacle in seen.obstacles)
    worked = seen.worked
    calculation = worked.calculation
    assert calculation is not None
    assert worked.base_year is not None
    row = models.IndexRequest(
        agreement_id=agreement_id,
        clause_id=agreed.id,
        effective_from=effective_from,
        requested_on=today,
        deadline_on=seen.deadline_on,
        base_year=worked.base_year,
        used=[_dump_used(value) for value in worked.used],
        base_value=shown(calculation.base_value),
        current_value=shown(calculation.current_value),
        index_change=shown(calculation.index_change),
        price_change=shown(calculation.price_change),
        limited=calculation.limited,
        exact_factor=shown(calculation.exact_factor),
        factor=calculation.factor,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    state = LAPSED if seen.late else REQUESTED
    _step(session, row, 0, state, actor, now, today)
    return find_request(session, row.id)


def approve(
    session: Session,
    *,
    request_id: int,
    actor: Actor,
    now: datetime,
    today: date,
    retroactive: bool = False,
    reason: str = "",
    delegation: int | None = None,
    allow_over: bool = False,
) -> IndexRequest:
    """Approve a request; once enough people have, its factor stands in the price book from its day on.

    ``delegation`` is in whose place the actor approves, ``allow_over`` lets it go over what an override was asked for; what its
    cost to the end meets otherwise raises `Refused`. Somebody else than who requested approves. A lapsed request is never approved. Where the day lies before ``today``,
    amounts of days gone by would change: that needs ``retroactive`` said on purpose, and days that are closed
    (`price_books.respect`) never change. Raises `Denied`, `Conflict` where the request is decided or lapsed, the book
    adjusted already, a version beginning on that day or the past closed, and `InvalidInput`.
    """
    row = _open(session, request_id, actor, reason, deputy=delegation is not None)
    if row.recorded_by == actor.id:
        raise Denied("who requested an adjustment does not approve it: another approver does")
    price_books.require_open(session, row.agreement_id, row.effective_from)
    if row.effective_from < today and not retroactive:
        day = row.effective_from.isoformat()
        detail = f"prices from {day} on would change for days gone by: say retroactive to approve that"
        invalid([Finding("#/retroactive", "retroactive", detail)])
    book = price_books.price_book(session, row.agreement_id)
    if any(adjustment.effective_from == row.effective_from for adjustment in book.index_adjustments):
        raise Conflict("index_in_the_book", _in_the_book(row.effective_from))
    if any(version.valid_from == row.effective_from for version in book.versions):
        day = row.effective_from.isoformat()
        detail = f"a price version begins on {day} and stands at its own level: the factor would change no price"
        raise Conflict("version_begins", detail)
    act = _act(row)
    adjustment = act.change.adjustment
    assert adjustment is not None
    term = agreements.agreement_summary(session, row.agreement_id).term
    invalid(errors_of(check(replace(book, index_adjustments=(*book.index_adjustments, adjustment)), term)))
    weighed = effects.weigh(session, act, today)
    if not effects.approve(
        session,
        act,
        weighed,
        delegation=delegation,
        allow_over=allow_over,
        comment=reason,
        actor=actor,
        now=now,
        today=today,
    ):
        return find_request(session, row.id)
    adjustment_id = price_books.record_adjustment(
        session, row.agreement_id, adjustment, recorded_at=now, recorded_by=actor.id
    )
    _step(session, row, 1, APPROVED, actor, now, today, reason, adjustment_id)
    ceiling.moved(session, agreement_id=row.agreement_id, recorded_by=actor.id, now=now)
    return find_request(session, row.id)


def weigh(session: Session, *, request_id: int, today: date) -> effects.Weighed:
    """Give what a request costs to the agreement's end and every guard that decides on it, as `approve` asks them."""
    return effects.weigh(session, _act(_row(session, request_id)), today)


def ask_override(
    session: Session, *, request_id: int, reason: str, actor: Actor, now: datetime, today: date
) -> effects.Override:
    """Ask to let a request go over what refuses it, and say why. Raises as `effects.ask_override` does."""
    row = _waiting(session, request_id)
    return effects.ask_override(session, _act(row), reason=reason, actor=actor, now=now, today=today)


def _act(row: models.IndexRequest) -> effects.Act:
    adjustment = IndexAdjustment(row.effective_from, Decimal(format_rate(row.factor)), row.agreed.clause)
    return effects.Act(
        agreement_id=row.agreement_id,
        subject=f"index-request:{row.id}",
        says={"from": adjustment.effective_from, "factor": format_rate(adjustment.factor)},
        change=Change(adjustment=adjustment),
        authors=frozenset({row.recorded_by}),
        approval="index.approve",
    )


def decline(
    session: Session, *, request_id: int, reason: str, actor: Actor, now: datetime, today: date
) -> IndexRequest:
    """Decline a request, with the reason. Raises as `approve` does; a reason is needed."""
    row = _open(session, request_id, actor, reason)
    if row.recorded_by == actor.id:
        raise Denied("who requested an adjustment does not decide on it: another approver does")
    if not reason.strip():
        invalid([Finding("#/reason", "empty", "say why the request is declined")])
    _step(session, row, 1, DECLINED, actor, now, today, reason)
    return find_request(session, row.id)


def list_requests(session: Session, agreement_id: int, known_at: datetime | None = None) -> list[IndexRequest]:
    """List the requests of an agreement in the order they were made, each in its state as known."""
    query = select(models.IndexRequest).where(models.IndexRequest.agreement_id == agreement_id)
    rows = session.scalars(recorded_by_then(query.order_by(models.IndexRequest.id), models.IndexRequest, known_at))
    return [_request(row, known_at) for row in rows]


def find_request(session: Session, request_id: int, known_at: datetime | None = None) -> IndexRequest:
    """Find a request in its state as known; `NotFound` where there is none, or was none yet."""
    row = _row(session, request_id)
    if known_at is not None and row.recorded_at > known_at:
        raise NotFound(f"there is no index request {request_id}")
    session.refresh(row, ["course"])
    return _request(row, known_at)


def notice_deadlines(
    session: Session, agreement_id: int, today: date, known_at: datetime | None = None
) -> list[Deadline]:
    """Give the last day of notice for each day from which prices may be adjusted and for which nobody asked in time.

    A day on which a version of the price book begins has none: a version stands at its own level.
    """
    agreed = standing_clause(session, agreement_id, known_at)
    if agreed is None:
        return []
    clause = agreed.terms
    book = price_books.price_book(session, agreement_id, known_at)
    settled = {version.valid_from for version in book.versions}
    settled |= {adjustment.effective_from for adjustment in book.index_adjustments}
    requests = list_requests(session, agreement_id, known_at)
    settled |= {request.effective_from for request in requests if request.state != LAPSED}
    end = agreements.agreement_summary(session, agreement_id, known_at).term.end
    return [
        Deadline(
            "index",
            day.isoformat(),
            rules.notice_deadline(clause, day),
            clause.clause,
            "index_request",
            {"effective_from": day.isoformat(), "index": clause.index_name},
        )
        for day in rules.effective_dates(clause, end)
        if day not in settled
    ]


def sentence(obstacle: Obstacle) -> str:
    """Write an obstacle as one English sentence."""
    return SENTENCES[obstacle.code].format(**obstacle.params)


def _dates(
    session: Session,
    agreement_id: int,
    clause: IndexClause,
    effective_from: date,
    requests: Iterable[IndexRequest],
    book: PriceBook,
) -> Iterable[Obstacle]:
    term = agreements.agreement_summary(session, agreement_id).term
    day = effective_from.isoformat()
    if not term.start <= effective_from < term.end:
        yield Obstacle("outside_term", {"start": term.start.isoformat(), "end": term.end.isoformat()})
    if effective_from < clause.first_effective:
        yield Obstacle("before_first_date", {"first": clause.first_effective.isoformat()})
    # What came too late, or was declined, keeps no right claim from the same day.
    standing = (one for one in requests if one.effective_from == effective_from)
    taken = next((one for one in standing if one.state not in (DECLINED, LAPSED)), None)
    if taken is not None:
        yield Obstacle("already", {"effective_from": day, "state": taken.state})
        return
    adjusted = [adjustment.effective_from for adjustment in book.index_adjustments]
    if effective_from in adjusted:
        yield Obstacle("in_the_book", {"effective_from": day})
        return
    last = max((earlier for earlier in adjusted if earlier < effective_from), default=None)
    if last is not None and effective_from < (earliest := add_months(last, rules.YEAR)):
        yield Obstacle("too_soon", {"last": last.isoformat(), "earliest": earliest.isoformat()})


def _warnings(
    clause: IndexClause, effective_from: date, requests: Iterable[IndexRequest], book: PriceBook, today: date
) -> Iterable[Obstacle]:
    """Name what is allowed and yet worth a second look."""
    if effective_from < today:
        yield Obstacle("retroactive", {"effective_from": effective_from.isoformat()})
    if any(version.valid_from == effective_from for version in book.versions):
        yield Obstacle("version_begins", {"effective_from": effective_from.isoformat()})
    if clause.base_month is None:
        return
    last = _last_approved(requests, effective_from)
    since = clause.first_effective if last is None else last.effective_from
    levels = [version.valid_from for version in book.versions] + [
        adjustment.effective_from for adjustment in book.index_adjustments
    ]
    moved = max((day for day in levels if since < day < effective_from), default=None)
    if moved is not None:
        # Going on from an older month would count a change twice that these prices hold already.
        yield Obstacle("level_moved", {"day": moved.isoformat()})


def _work(session: Session, clause: IndexClause, effective_from: date, last: IndexRequest | None) -> Worked:
    compared = rules.comparison(clause, effective_from, None if last is None else last.months("current")[-1])
    obstacle = rules.not_before(compared)
    values: dict[int, dict[date, StandingValue]] = {}
    for value in index_values.values_of(session, clause.table, clause.series):
        values.setdefault(value.base_year, {})[value.month] = value
    chosen = obstacle or rules.choose_base_year(values, compared)
    if isinstance(chosen, Obstacle):
        return Worked(clause.reading, compared, None, (), None, chosen)
    of_year = values[chosen]
    used = tuple(
        UsedValue(side, month, of_year[month].value, of_year[month].id, of_year[month].retrieved_on)
        for side, months in (("base", compared.base), ("current", compared.current))
        for month in months
    )
    calculation = rules.calculate(clause, compared, {month: of_year[month].value for month in compared.months})
    return Worked(clause.reading, compared, chosen, used, calculation, None)


def _last_approved(requests: Iterable[IndexRequest], before: date) -> IndexRequest | None:
    approved = [one for one in requests if one.state == APPROVED and one.effective_from < before]
    return max(approved, key=lambda one: one.effective_from, default=None)


def _require(actor: Actor, act: str) -> None:
    actor.require(act)
    if actor.scope(act) is not None:
        raise Denied("an index adjustment is for all trusts: this needs a role that is not kept to one")


def _clause(session: Session, agreement_id: int) -> AgreedClause:
    agreed = standing_clause(session, agreement_id)
    if agreed is None:
        raise NotFound("the agreement has no index clause")
    return agreed


def _row(session: Session, request_id: int) -> models.IndexRequest:
    row = session.get(models.IndexRequest, request_id) if 0 < request_id < 2**63 else None
    if row is None:
        raise NotFound(f"there is no index request {request_id}")
    return row


def _open(session: Session, request_id: int, actor: Actor, reason: str, *, deputy: bool = False) -> models.IndexRequest:
    if not deputy:
        _require(actor, "index.approve")
    row = _waiting(session, request_id)
    if len(reason) > LONGEST_REASON:
        invalid([Finding("#/reason", "too_long", f"a reason has at most {LONGEST_REASON} characters")])
    return row


def _waiting(session: Session, request_id: int) -> models.IndexRequest:
    """Give a request that waits for a decision, with its agreement's lock held."""
    row = _row(session, request_id)
    agreements.lock_agreement(session, row.agreement_id)
    session.refresh(row, ["course"])
    state = row.course[-1].state
    if state == LAPSED:
        raise Conflict("index_lapsed", f"the request came after {row.deadline_on.isoformat()} and has lapsed")
    if state != REQUESTED:
        raise Conflict("index_decided", f"the request is {state} already")
    return row


def _step(
    session: Session,
    row: models.IndexRequest,
    position: int,
    state: str,
    actor: Actor,
    now: datetime,
    today: date,
    reason: str = "",
    adjustment_id: int | None = None,
) -> None:
    session.add(
        models.IndexRequestState(
            request_id=row.id,
            position=position,
            state=state,
            on=today,
            reason=reason.strip(),
            adjustment_id=adjustment_id,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    data = {"effective_from": row.effective_from.isoformat(), "factor": f"{row.factor:f}", "reason": reason.strip()}
    if state != REQUESTED and _answers:
        data["letter"] = _answers[0](session, find_request(session, row.id), actor)
    audit.record(session, f"index_request.{state}", f"index-request:{row.id}", data, actor.id, now)
    session.flush()


def _in_the_book(day: date) -> str:
    return sentence(Obstacle("in_the_book", {"effective_from": day.isoformat()}))


def _terms(row: models.IndexClause) -> IndexClause:
    return IndexClause(**{name: getattr(row, name) for name in IndexClause.__slots__})


def _request(row: models.IndexRequest, known_at: datetime | None = None) -> IndexRequest:
    course = [step for step in row.course if known_at is None or step.recorded_at <= known_at]
    last = course[-1]
    decided = last.position > 0
    return IndexRequest(
        id=row.id,
        agreement_id=row.agreement_id,
        clause=_terms(row.agreed),
        effective_from=row.effective_from,
        requested_on=row.requested_on,
        deadline_on=row.deadline_on,
        requested_by=row.recorded_by,
        recorded_at=row.recorded_at,
        base_year=row.base_year,
        used=tuple(_load_used(value) for value in row.used),
        base_value=row.base_value,
        current_value=row.current_value,
        index_change=row.index_change,
        price_change=row.price_change,
        limited=row.limited,
        exact_factor=row.exact_factor,
        factor=row.factor,
        state=last.state,
        answered_at=last.recorded_at,
        decided_on=last.on if decided else None,
        decided_by=last.recorded_by if decided else None,
        reason=last.reason,
    )


def _dump_used(value: UsedValue) -> dict[str, Any]:
    return {
        "side": value.side,
        "month": value.month.isoformat(),
        "value": f"{value.value:f}",
        "id": value.id,
        "retrieved_on": value.retrieved_on.isoformat(),
    }


def _load_used(written: dict[str, Any]) -> UsedValue:
    return UsedValue(
        written["side"],
        date.fromisoformat(written["month"]),
        Decimal(written["value"]),
        written["id"],
        date.fromisoformat(written["retrieved_on"]),
    )


deadlines.register("index", notice_deadlines, roles=("contract_manager",))
