"""Explanation: why an amount is what it is, as a walk over the lines of the rating and the terms they name.

Nothing is computed a second time. The amounts are the rating's own lines, the counter's position is the rating's own, the
dates of a ramp come from the function that rated it; what is added here is only which of the terms each of them rests on.
What one more examination would cost, and what pooling saved, are differences between two ratings of the same function.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.charges.told import pool_told
from billing.rating.captions import tier_intervals
from billing.rating.compile import compile_activations
from billing.rating.lines import Line, Rating
from billing.rating.price_list import charge_on, factors_in_force, tiers_of
from billing.rating.ramp_up import Ramp
from billing.rating.rate import compile_terms, marginal, rate_compiled
from billing.rating.run import live_days
from contracts.agreements import AgreementSummary, readable_trust
from contracts.errors import NotFound
from contracts.people.access import Actor
from contracts.terms.agreement import ActivationRow
from contracts.terms.money import ZERO
from contracts.terms.period import Period, add_months, whole_window
from contracts.terms.price_book import IndexAdjustment, PriceBookVersion, Usage, covers
from contracts.terms.price_model import Charge, Conventions, FixedCharge, RampPhase, Scope, UsageCharge


@dataclass(frozen=True, slots=True)
class TierOfCharge:
    """A tier as agreed: the units ``first`` to ``last`` (``None``: open), both included, its price before any index."""

    number: int
    first: int
    last: int | None
    unit_price: Decimal
    flat_fee: Decimal


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """A phase of a ramp with the days it covers (``until`` exclusive; both ``None`` where it is counted in units)."""

    number: int
    phase: RampPhase
    since: date | None
    until: date | None
    current: bool


@dataclass(frozen=True, slots=True)
class RampWalk:
    """The ramp of the line's activation; ``month`` of ``months`` is where the pricing period begins in it."""

    go_live: date
    phases: tuple[PhaseSpan, ...]
    month: int | None
    months: int | None
    counts_towards_tiers: bool


@dataclass(frozen=True, slots=True)
class CounterWalk:
    """What decides the tier: units in the counter before, in and after the pricing period, and where the next tier is.

    The three counts are ``None`` where they would tell one other trust's volume (`charging.pool_told`).
    """

    scope: Scope
    window: Period
    before: int | None
    units: int | None
    after: int | None
    next_tier_at: int | None

    @property
    def told(self) -> bool:
        """Tell whether the reader may be told the counts."""
        return self.after is not None

    @property
    def first(self) -> int | None:
        """Give the number of the period's first unit."""
        return None if self.before is None else self.before + 1

    @property
    def pooled(self) -> bool:
        """Tell whether all trusts share the counter."""
        return self.scope == "agreement"

    @property
    def units_left(self) -> int | None:
        """Count the units that still fit below the next tier."""
        return None if self.next_tier_at is None or self.after is None else self.next_tier_at - self.after - 1


@dataclass(frozen=True, slots=True)
class IntervalWalk:
    """The interval of a fixed charge (unclipped), the day it fell due, and the live days where it is prorated."""

    interval: Period
    due: date
    live_days: int | None


@dataclass(frozen=True, slots=True)
class OneMore:
    """What one more examination of the line's activation on the day ``on`` would add to its pricing period, in kroner.

    All charges are in it, with the ramp's discount of that day; periods after this one are not. ``agreement`` is the
    difference for all trusts together, ``None`` for a reader kept to one trust: less the trust's own, it is others' figures.
    """

    on: date
    trust: Decimal
    agreement: Decimal | None


@dataclass(frozen=True, slots=True)
class Pooling:
    """What one charge costs the line's trust in a pool of all trusts, and what it would cost with its own units alone.

    ``pooled`` and ``alone`` are for the pricing period, those of ``window`` for its days so far, from the start of the
    counting window to the pricing period's end. Lines that stand on no trust are in neither. Both are the trust's own.
    """

    pooled: Decimal
    alone: Decimal
    window: Period
    pooled_in_window: Decimal
    alone_in_window: Decimal

    @property
    def saved(self) -> Decimal:
        """Give what the pool saved the trust in the pricing period; negative where it cost more."""
        return self.alone - self.pooled

    @property
    def saved_in_window(self) -> Decimal:
        """Give what the pool saved the trust since the counting window began; negative where it cost more."""
        return self.alone_in_window - self.pooled_in_window


@dataclass(frozen=True, slots=True)
class DayCount:
    """The examinations of one day; those of a validation run are not billable."""

    on: date
    quantity: int
    billable: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """An amount and everything it rests on; kroner excluding VAT.

    ``lines`` are all lines of the same charge, trust, algorithm and pricing period, in the rating's order; they sum to
    ``total``, and ``line`` is the one that was asked about.
    """

    agreement: AgreementSummary
    line: Line
    lines: tuple[Line, ...]
    charge: Charge
    version: PriceBookVersion
    conventions: Conventions
    tiers: tuple[TierOfCharge, ...]
    adjustments: tuple[IndexAdjustment, ...]
    ramp: RampWalk | None
    counter: CounterWalk | None
    interval: IntervalWalk | None
    one_more: OneMore | None
    pooling: Pooling | None
    usage: tuple[DayCount, ...]
    data_until: date | None
    known_at: datetime | None

    @property
    def total(self) -> Decimal:
        """Give the sum of the group's lines."""
        return sum((line.net for line in self.lines), ZERO)

    @property
    def gross(self) -> Decimal:
        """Give the sum of the group's lines before the ramp's discount."""
        return sum((line.gross for line in self.lines), ZERO)

    @property
    def discount(self) -> Decimal:
        """Give what the ramp takes off the group."""
        return sum((line.discount for line in self.lines), ZERO)

    @property
    def units(self) -> int:
        """Count the units that the group prices; a repricing of earlier units is not counted again."""
        return sum(line.quantity or 0 for line in self.lines if line.kind == "usage" and line.why in (None, "outside"))

    @property
    def billable(self) -> int:
        """Count the billable examinations of the usage behind the group."""
        return sum(day.quantity for day in self.usage if day.billable)

    def tier(self, number: int | None) -> TierOfCharge | None:
        """Give the tier with a number."""
        return next((tier for tier in self.tiers if tier.number == number), None)


def explain(
    session: Session,
    *,
    agreement_id: int,
    line_id: str,
    actor: Actor,
    period: Period | None = None,
    known_at: datetime | None = None,
) -> Explanation:
    """Explain the charge line with ``line_id``; ``period`` says where to look, ``None`` looks through the whole term.

    A line of a trust outside the actor's scope is as unknown as one that does not exist: `NotFound`.
    """
    scope = readable_trust(session, agreement_id, actor, None)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    rating = terms.rate(period or terms.agreement.term.period)
    line = next((each for each in rating.lines if each.id == line_id), None)
    if line is None or (scope is not None and line.trust != scope):
        raise NotFound(f"there is no charge line '{line_id}' in this period")
    walk = _explanation(terms, line, known_at)
    counter, bounds = walk.counter, (line.period.start, line.period.end)
    if (
        counter is not None
        and counter.pooled
        and not pool_told(terms, line.charge, counter.window, bounds, scope, known_at)
    ):
        # What one more would cost jumps where the common count meets a bound, and so would tell it too.
        walk = replace(walk, counter=replace(counter, before=None, units=None, after=None), one_more=None)
    if scope is not None and walk.one_more is not None:
        walk = replace(walk, one_more=replace(walk.one_more, agreement=None))
    return walk


def _explanation(terms: Terms, line: Line, known_at: datetime | None) -> Explanation:
    book = terms.price_book
    day = line.period.start
    version, charge = book.version_on(day), charge_on(book, line.charge, day)
    if version is None or charge is None:
        raise AssertionError(f"the line of {day} names the charge {line.charge}, which its version does not have")
    rating = terms.rate(line.period)
    conventions = charge.conventions.over(book.conventions)
    return Explanation(
        agreement=terms.agreement,
        line=line,
        lines=tuple(
            each
            for each in rating.lines
            if (each.charge, each.trust, each.algorithm) == (line.charge, line.trust, line.algorithm)
        ),
        charge=charge,
        version=version,
        conventions=conventions,
        tiers=tuple(
            TierOfCharge(number, first, last, tier.unit_price, tier.flat_fee)
            for number, (tier, (first, last)) in enumerate(
                zip(tiers_of(charge), tier_intervals(charge, conventions.boundary), strict=True), start=1
            )
        ),
        adjustments=factors_in_force(book, day),
        ramp=_ramp(terms, charge, line),
        counter=_counter(terms, charge, line, rating),
        interval=_interval(terms, charge, line),
        one_more=_one_more(terms, line),
        pooling=_pooling(terms, charge, line),
        usage=_usage(terms, line, rating),
        data_until=terms.data_until,
        known_at=known_at,
    )


def _ramp(terms: Terms, charge: Charge, line: Line) -> RampWalk | None:
    rule = getattr(charge, "ramp_up", None)
    ramp = Ramp.of(rule)
    activation = _activation(terms, charge, line)
    if rule is None or ramp is None or activation is None:
        return None
    ends = () if ramp.by_units else ramp.ends(activation.go_live)
    # Days from go-live to a later start belong to the first phase.
    starts = (activation.go_live, *ends[:-1])
    spans = tuple(
        PhaseSpan(
            number,
            phase,
            None if ramp.by_units else starts[number - 1],
            None if ramp.by_units else ends[number - 1],
            number == line.phase,
        )
        for number, phase in enumerate(rule.phases, start=1)
    )
    month = months = None
    if not ramp.by_units:
        months = ramp.lengths[-1]
        start = replace(ramp, lengths=(0,)).ends(activation.go_live)[0]
        first = max(line.period.start, activation.go_live)
        month = next((n for n in range(1, months + 1) if first < add_months(start, n)), None)
    return RampWalk(activation.go_live, spans, month, months, rule.counts_towards_tiers)


def _activation(terms: Terms, charge: Charge, line: Line) -> ActivationRow | None:
    """Find the activation whose ramp the line is in: of its own algorithm, or the trust's first one for a fixed charge."""
    if line.trust is None:
        return None
    own = [
        row
        for row in terms.activations
        if row.trust == line.trust
        and (row.algorithm == line.algorithm if line.algorithm is not None else covers(charge, row.algorithm))
        and row.go_live < line.period.end
    ]
    if line.algorithm is None:
        return min(own, key=lambda row: row.go_live, default=None)
    running = [row for row in own if row.end is None or row.end > line.period.start]
    return max(running or own, key=lambda row: row.go_live, default=None)


def _counter(terms: Terms, charge: Charge, line: Line, rating: Rating) -> CounterWalk | None:
    if not isinstance(charge, UsageCharge) or line.trust is None or line.algorithm is None:
        return None
    scope = charge.counter.scope
    key = {"agreement": (None, None), "trust": (line.trust, None), "activation": (line.trust, line.algorithm)}[scope]
    place = next(
        (each for each in rating.positions if each.charge == line.charge and (each.trust, each.algorithm) == key), None
    )
    if place is None:
        return None

    def counts(trust: str | None, algorithm: str | None) -> bool:
        return key[0] in (None, trust) and key[1] in (None, algorithm)

    if not charge.model.LINES_HAVE_UNITS:
        # Such a line has no quantity of its own: its units are those of the days behind it.
        left_out = {(each.trust, each.algorithm, each.on) for each in rating.excluded}
        units = sum(
            each.quantity
            for each in terms.to_request(line.period).usage
            if line.period.contains(each.on)
            and covers(charge, each.algorithm)
            and counts(each.trust, each.algorithm)
            and (each.trust, each.algorithm, each.on) not in left_out
        )
    else:
        units = sum(
            each.quantity or 0
            for each in rating.lines
            if each.charge == line.charge and each.why is None and counts(each.trust, each.algorithm)
        )
    return CounterWalk(scope, place.window, place.position - units, units, place.position, place.next_tier_at)


def _one_more(terms: Terms, line: Line) -> OneMore | None:
    """Rate the line's pricing period with and without one more examination on the last day its activation is live."""
    if line.kind != "usage" or line.trust is None or line.algorithm is None:
        return None
    last_days = [
        min(row.end or line.period.end, line.period.end) - timedelta(days=1)
        for row in terms.activations
        if (row.trust, row.algorithm) == (line.trust, line.algorithm)
    ]
    day = max((day for day in last_days if _is_live(terms, line.trust, line.algorithm, day)), default=None)
    if day is None or day < line.period.start:
        return None
    request = terms.to_request(line.period)
    compiled = compile_terms(request.agreement, request.price_book, request.activations)
    more = (*request.usage, Usage(line.trust, line.algorithm, day, 1))
    difference = marginal(compiled, request.usage, more, line.period)
    return OneMore(day, difference.by_trust().get(line.trust, ZERO), difference.total)


def _is_live(terms: Terms, trust: str, algorithm: str, day: date) -> bool:
    return any(
        row.go_live <= day and (row.end is None or day < row.end)
        for row in terms.activations
        if (row.trust, row.algorithm) == (trust, algorithm)
    )


def _pooling(terms: Terms, charge: Charge, line: Line) -> Pooling | None:
    """Rate the counting window so far as it is, and with the activations and units of the line's trust alone."""
    if not isinstance(charge, UsageCharge) or charge.counter.scope != "agreement" or line.trust is None:
        return None
    term = terms.agreement.term.period
    window = whole_window(charge.counter.window, line.period.start, term)
    so_far = Period(max(window.start, term.start), line.period.end)
    request = terms.to_request(so_far)
    compiled = compile_terms(request.agreement, request.price_book, request.activations)
    own = [each for each in request.activations if each.trust == line.trust]
    own_usage = [each for each in request.usage if each.trust == line.trust]
    pooled = rate_compiled(compiled, request.usage, so_far)
    alone = rate_compiled(compile_activations(compiled.book, own), own_usage, so_far)

    def costs(rating: Rating, period: Period) -> Decimal:
        return sum(
            (
                each.net
                for each in rating.lines
                if (each.charge, each.trust) == (line.charge, line.trust) and period.contains(each.period.start)
            ),
            ZERO,
        )

    return Pooling(
        pooled=costs(pooled, line.period),
        alone=costs(alone, line.period),
        window=so_far,
        pooled_in_window=costs(pooled, so_far),
        alone_in_window=costs(alone, so_far),
    )


def _interval(terms: Terms, charge: Charge, line: Line) -> IntervalWalk | None:
    if not isinstance(charge, FixedCharge):
        return None
    term = terms.agreement.term.period
    interval = whole_window(charge.every, line.period.start, term)
    if line.trust is None:
        days = (min(interval.end, term.end) - line.period.start).days
        return IntervalWalk(interval, line.period.start, days if charge.proration == "days" else None)
    live = [
        row.to_term()
        for row in terms.activations
        if row.trust == line.trust
        and (row.algorithm == line.algorithm if line.algorithm is not None else covers(charge, row.algorithm))
    ]
    due = min(
        max(row.go_live, line.period.start)
        for row in live
        if row.go_live < line.period.end and (row.end is None or max(row.go_live, line.period.start) < row.end)
    )
    prorated = charge.proration == "days"
    return IntervalWalk(interval, due, live_days(live, due, min(interval.end, term.end)) if prorated else None)


def _usage(terms: Terms, line: Line, rating: Rating) -> tuple[DayCount, ...]:
    if line.kind != "usage" or line.trust is None or line.algorithm is None:
        return ()
    left_out = {each.on for each in rating.excluded if (each.trust, each.algorithm) == (line.trust, line.algorithm)}
    return tuple(
        DayCount(each.on, each.quantity, each.on not in left_out)
        for each in terms.to_request(line.period).usage
        if (each.trust, each.algorithm) == (line.trust, line.algorithm) and line.period.contains(each.on)
    )
