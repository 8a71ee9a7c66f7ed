"""Reports: the read side of the pages, as frozen values made from the rating's lines.

Each use case gathers the terms once, rates once and adds lines up; no page adds anything. A reader within one trust gets
that trust's figures, and the others together where `charging` allows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.charges.charging import Charges, Standing, charges_of
from billing.figures.counts import is_whole
from billing.forecasting.daily_rates import Plan
from billing.projection.plan_costs import plan_cost
from billing.projection.projection import Course, Month, Projection
from billing.quarters import coverage
from billing.quarters.coverage import Counted
from billing.rating.captions import tier_interval, tier_intervals
from billing.rating.lines import Line
from billing.rating.price_list import RampToday, VersionPrices, charge_on, price_list, ramps_on, tiers_of
from billing.reconciliation.report import QuarterRow, newest_quarter
from contracts import agreements
from contracts.agreements import AgreementSummary, readable_trust
from contracts.people.access import Actor
from contracts.terms.agreement import Extension, MarketplaceAlgorithm, OptionHolder
from contracts.terms.money import ZERO
from contracts.terms.period import Period, add_months, previous_day
from contracts.terms.price_book import Activation, PriceBook
from contracts.terms.price_model import Charge, UsageCharge

QUARTERS_SHOWN = 12
EXERCISED = "exercised"


@dataclass(frozen=True, slots=True)
class Cost:
    """Lines added up: what is paid at full price and in a ramp-up, what the ramp took off, and how many examinations."""

    full: Decimal = ZERO
    discounted: Decimal = ZERO
    discount: Decimal = ZERO
    examinations: int = 0

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Cost:
        """Add lines up; a line in a phase with a discount counts as discounted."""
        full = discounted = discount = ZERO
        examinations = 0
        for line in lines:
            if line.discount_rate_e4:
                discounted += line.net
            else:
                full += line.net
            discount += line.discount
            if line.kind == "usage" and line.why in (None, "outside"):
                examinations += line.quantity or 0
        return cls(full, discounted, discount, examinations)

    @property
    def total(self) -> Decimal:
        """Give what is paid, in kroner excluding VAT."""
        return self.full + self.discounted

    @property
    def gross(self) -> Decimal:
        """Give what it would cost without the ramp's discount."""
        return self.total + self.discount

    @property
    def per_examination(self) -> Decimal | None:
        """Give the cost per examination, fixed amounts included; ``None`` where there is no examination."""
        return self.total / self.examinations if self.examinations else None

    def share_of(self, whole: Cost) -> Decimal | None:
        """Give this cost's share of another's, ``None`` where that is nothing."""
        return self.total / whole.total if whole.total else None


@dataclass(frozen=True, slots=True)
class Part:
    """The cost of a quarter, a month, a trust or an algorithm: what it is of, and how many algorithms run there.

    ``under_way`` is a period whose counts are not all in: what it has cost so far, which compares with no whole one.
    """

    key: str
    cost: Cost
    algorithms: int = 0
    under_way: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a counter stands, and how many examinations still fit below the next tier.

    ``tier`` is the tier it stands in: what is left to say where the count itself would tell one other trust's volume.
    """

    standing: Standing
    charge: Charge | None
    tier: int | None

    @property
    def told(self) -> bool:
        """Tell whether the reader may be told the count."""
        return self.standing.position is not None

    @property
    def units_left(self) -> int | None:
        """Count the units that are left before the next tier; ``None`` in the last one, and where the count is not told."""
        following, count = self.standing.next_tier_at, self.standing.position
        return None if following is None or count is None else following - count - 1


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the front page shows; ``year`` is the calendar year up to the day that the counts are in to.

    Where no month is counted in full yet, it is that of the newest count, up to the end of its month. ``before`` is the cost
    of the same months the year before; ``since_start`` and ``ceiling_share`` are ``None`` for a reader within one trust.
    """

    agreement: AgreementSummary
    data_until: date | None
    counted: Counted
    version: date | None
    scope: str | None
    year: Period
    this_year: Cost
    before: Cost
    quarters: tuple[Part, ...]
    trusts: tuple[Part, ...]
    others: Decimal | None
    whole: Cost
    since_start: Decimal | None
    ceiling_share: Decimal | None
    places: tuple[Place, ...]
    latest_quarter: QuarterRow | None
    options: tuple[OptionHolder, ...]

    @property
    def year_before(self) -> int:
        """Give the year that this one is compared with."""
        return self.year.start.year - 1

    @property
    def exercised(self) -> int:
        """Count the options that are exercised."""
        return sum(holder.state == EXERCISED for holder in self.options)

    @property
    def own_option(self) -> OptionHolder | None:
        """Give the option of the trust the reader is kept to."""
        return next((holder for holder in self.options if holder.party.code == self.scope), None)


@dataclass(frozen=True, slots=True)
class ChargeGroup:
    """The lines of one trust and algorithm in a period, with their sum."""

    trust: str | None
    algorithm: str | None
    lines: tuple[Line, ...]
    cost: Cost


@dataclass(frozen=True, slots=True)
class TrustCharges:
    """A trust's charges of a period (``None``: what stands on the agreement), by algorithm."""

    trust: str | None
    groups: tuple[ChargeGroup, ...]
    cost: Cost


@dataclass(frozen=True, slots=True)
class ChargeList:
    """The charges of a period by trust and algorithm; the trusts' sums are the total of the rounded lines."""

    charges: Charges
    book: PriceBook
    trusts: tuple[TrustCharges, ...]
    cost: Cost
    periods: tuple[Period, ...]

    @property
    def due_later(self) -> Decimal:
        """Give what of the total falls in pricing periods that begin after the last day counted: fixed amounts."""
        until = self.charges.data_until
        return sum((line.net for line in self.charges.lines if until is not None and line.period.start > until), ZERO)


@dataclass(frozen=True, slots=True)
class AgreementOverview:
    """An agreement as the reader may see it, with its price list and where each activation stands on ``today``."""

    agreement: AgreementSummary
    extensions: tuple[Extension, ...]
    holders: tuple[OptionHolder, ...]
    shown_holders: tuple[OptionHolder, ...]
    algorithms: tuple[MarketplaceAlgorithm, ...]
    book: PriceBook
    versions: tuple[VersionPrices, ...]
    charges: tuple[Charge, ...]
    activations: tuple[RampToday, ...]
    today: date
    data_until: date | None
    version: date | None

    def running(self, trust: str) -> int:
        """Count the algorithms that run at a trust today."""
        return sum(
            each.activation.trust == trust and each.state in ("ramp_up", "ordinary") for each in self.activations
        )


@dataclass(frozen=True, slots=True)
class AlgorithmAtTrust:
    """One algorithm at one trust: where it stands today and what it cost this year."""

    today: RampToday
    cost: Cost


@dataclass(frozen=True, slots=True)
class TrustReport:
    """A trust's year: cost per month, its algorithms, what else it pays (``other``: fixed amounts), and its option."""

    agreement: AgreementSummary
    holder: OptionHolder
    year: Period
    months: tuple[Part, ...]
    algorithms: tuple[AlgorithmAtTrust, ...]
    other: Cost
    cost: Cost
    places: tuple[Place, ...]
    data_until: date | None
    version: date | None


@dataclass(frozen=True, slots=True)
class WhatIfMonth:
    """A month of a what-if: expected examinations, and the added cost for the trust, the others and the framework.

    ``others`` and ``framework`` are ``None`` in a month in which they would tell one other trust's.
    """

    month: Month
    examinations: int
    others: Decimal | None
    framework: Decimal | None


@dataclass(frozen=True, slots=True)
class RampEnd:
    """The step at the ramp's end: the last month with a discount, and the first without one."""

    last: Month
    first: Month

    @property
    def step(self) -> Decimal:
        """Give what the month without a discount costs more."""
        return self.first.cost - self.last.cost


@dataclass(frozen=True, slots=True)
class TierStep:
    """From a month on the activation's last examinations of each month fall in a tier, at a price before any discount.

    ``first`` and ``last`` are the numbers of the tier's units as the counter counts them; ``last`` None is the open tier.
    """

    month: Period
    charge: str
    tier: int
    first: int
    last: int | None
    unit_price: Decimal | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What an activation adds, by month: with minus without; ``months`` end with the agreement, at ``until``.

    ``others_by_trust`` names who else pays more or less, for readers of all trusts only. For readers within one trust
    ``others`` and ``framework`` add up the months in which at least two others have lines of every charge that the
    activation touches, or none has; they are ``None`` where there is no such month, and ``partial`` where one is left out.
    """

    projection: Projection
    trust: str
    own: Course
    until: date
    months: tuple[WhatIfMonth, ...]
    others_by_trust: tuple[tuple[str, Course], ...]
    others: Course | None
    framework: Course | None
    ramp_end: RampEnd | None
    partial: bool = False
    tiers: tuple[TierStep, ...] = ()

    @property
    def next_tier(self) -> TierStep | None:
        """Give the first step into a dearer or cheaper tier above the one that the activation begins in."""
        steps = zip(self.tiers, self.tiers[1:], strict=False)
        return next(
            (after for before, after in steps if after.charge == before.charge and after.tier > before.tier), None
        )

    @property
    def list_price(self) -> Decimal:
        """Give what the trust's months would cost without the ramp's discount."""
        return sum((month.list_price for month in self.own.months), ZERO)

    @property
    def discount(self) -> Decimal:
        """Give what the ramp takes off the trust's months."""
        return sum((month.discount for month in self.own.months), ZERO)

    @property
    def examinations(self) -> int:
        """Count the examinations that are expected over all months."""
        return sum(month.examinations for month in self.months)

    @property
    def per_examination(self) -> Decimal | None:
        """Give the trust's added cost per examination over all months."""
        return self.own.total / self.examinations if self.examinations else None


def dashboard(
    session: Session, *, agreement_id: int, actor: Actor, today: date, known_at: datetime | None = None
) -> Dashboard:
    """Add up an agreement's cost so far for the front page: up to the day that the counts are in to, and what is under way."""
    scope = readable_trust(session, agreement_id, actor, None)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    term, data_until = terms.agreement.term, _data_until(terms)
    until = Period.month(data_until).end if data_until else Period.month(term.start).end
    counted = coverage.counted(session, agreement_id=agreement_id, today=today, known_at=known_at)
    so_far = Period(term.start, max(until, Period.month(term.start).end))
    rating = terms.rate(so_far)
    charges = charges_of(terms, rating, so_far, scope, scope, known_at)
    year = _year_to(counted.through or previous_day(until))
    lines = _within(charges.lines, year)
    this_year = _within(rating.lines, year)
    others = charges_of(terms, terms.rate(year), year, scope, scope, known_at).others
    since_start = None if scope else rating.total
    maximum = terms.agreement.maximum_value
    return Dashboard(
        agreement=terms.agreement,
        data_until=data_until,
        counted=counted,
        version=charges.version,
        scope=scope,
        year=year,
        this_year=Cost.of(lines),
        before=Cost.of(_within(charges.lines, Period(add_months(year.start, -12), add_months(year.end, -12)))),
        quarters=tuple(
            Part(quarter, Cost.of(own), under_way=not is_whole(Period.parse(quarter), counted.through))
            for quarter, own in _by(charges.lines, _quarter_of)[-QUARTERS_SHOWN:]
        ),
        trusts=_trust_parts(terms, lines, previous_day(year.end)),
        others=others,
        whole=Cost.of(this_year if scope is None else lines),
        since_start=since_start,
        ceiling_share=None if since_start is None or not maximum else since_start / maximum,
        places=_places(terms, charges),
        latest_quarter=None
        if scope
        else newest_quarter(session, agreement_id=agreement_id, actor=actor, today=today, known_at=known_at),
        options=agreements.option_holders(session, agreement_id, known_at),
    )


def charge_list(
    session: Session,
    *,
    agreement_id: int,
    period: Period | None,
    actor: Actor,
    trust: str | None = None,
    known_at: datetime | None = None,
) -> ChargeList:
    """List the expected charges of ``period`` by trust and algorithm; ``None`` is the quarter of the newest usage."""
    scope = readable_trust(session, agreement_id, actor, trust)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    term = terms.agreement.term
    newest = _data_until(terms) or term.start
    period = period or Period.quarter(newest)
    charges = charges_of(terms, terms.rate(period), period, scope, actor.scope("read"), known_at)
    trusts = []
    for name, own in _by(charges.lines, lambda line: line.trust or ""):
        groups = tuple(
            ChargeGroup(name or None, algorithm or None, tuple(lines), Cost.of(lines))
            for algorithm, lines in _by(own, lambda line: line.algorithm or "")
        )
        trusts.append(TrustCharges(name or None, groups, Cost.of(own)))
    quarters = []
    start = Period.quarter(min(max(newest, term.start), previous_day(term.end))).start
    while start >= Period.quarter(term.start).start:
        quarters.append(Period.quarter(start))
        start = add_months(start, -3)
    return ChargeList(charges, terms.price_book, tuple(trusts), Cost.of(charges.lines), tuple(quarters))


def agreement_overview(
    session: Session, *, agreement_id: int, actor: Actor, today: date, known_at: datetime | None = None
) -> AgreementOverview:
    """Show an agreement's terms, prices, options and activations; within one trust only its own option and activations."""
    scope = readable_trust(session, agreement_id, actor, None)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    book = terms.price_book
    holders = agreements.option_holders(session, agreement_id, known_at)
    version = book.version_on(today) or min(book.versions, key=lambda each: each.valid_from, default=None)
    own = [row for row in terms.activations if scope in (None, row.trust)]
    return AgreementOverview(
        agreement=terms.agreement,
        extensions=agreements.extensions(session, agreement_id, known_at),
        holders=holders,
        shown_holders=tuple(holder for holder in holders if scope in (None, holder.party.code)),
        algorithms=agreements.marketplace(session, agreement_id),
        book=book,
        versions=price_list(book),
        charges=() if version is None else version.charges,
        activations=ramps_on(book, sorted(own, key=lambda row: (row.trust_name, row.go_live)), today),
        today=today,
        data_until=_data_until(terms),
        version=None if version is None else version.valid_from,
    )


def trust_report(
    session: Session, *, agreement_id: int, trust: str, actor: Actor, today: date, known_at: datetime | None = None
) -> TrustReport:
    """Report a trust's year so far; `NotFound` for a trust that is no option holder or outside the actor's scope."""
    readable_trust(session, agreement_id, actor, trust)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    data_until = _data_until(terms)
    counted = coverage.counted(session, agreement_id=agreement_id, today=today, known_at=known_at)
    year = _year_to(counted.through or previous_day(Period.month(data_until or today).end))
    charges = charges_of(terms, terms.rate(year), year, trust, actor.scope("read"), known_at)
    by_month = dict(_by(charges.lines, lambda line: f"{line.period.start:%Y-%m}"))
    own = sorted((row for row in terms.activations if row.trust == trust), key=lambda row: row.go_live)
    holder = next(
        each for each in agreements.option_holders(session, agreement_id, known_at) if each.party.code == trust
    )
    running = {row.algorithm for row in own}
    return TrustReport(
        agreement=terms.agreement,
        holder=holder,
        year=year,
        months=tuple(Part(month.label(), Cost.of(by_month.get(month.label(), ()))) for month in year.months()),
        algorithms=tuple(
            AlgorithmAtTrust(
                ramp, Cost.of(line for line in charges.lines if line.algorithm == ramp.activation.algorithm)
            )
            for ramp in ramps_on(terms.price_book, own, today)
        ),
        other=Cost.of(line for line in charges.lines if line.algorithm not in running),
        cost=Cost.of(charges.lines),
        places=_places(terms, charges),
        data_until=data_until,
        version=charges.version,
    )


def what_if(
    session: Session,
    *,
    agreement_id: int,
    trust: str,
    algorithm: str,
    go_live: date,
    monthly_volume: int,
    adoption_months: int,
    today: date,
    actor: Actor,
    as_of: date | None = None,
) -> WhatIf:
    """Answer what an activation adds for the trust, the others and the framework, month by month to the agreement's end."""
    plan = Plan(Activation(trust, algorithm, go_live), monthly_volume, adoption_months)
    cost = plan_cost(session, agreement_id=agreement_id, plan=plan, today=today, as_of=as_of, actor=actor)
    projection, own = cost.projection, cost.own
    rest = [(code, course) for code, course in projection.marginal_by_trust.items() if code != trust]
    all_trusts = actor.scope("read") is None
    reads = cost.told(actor.scope("read"))
    framework, told = reads.whole, reads.months
    others = framework.minus(own) if framework is not None else None
    shown = [month for month in own.months if not month.after_end]
    return WhatIf(
        projection=projection,
        trust=trust,
        own=own,
        until=min(projection.scenario.period.end, projection.agreement.term.end),
        months=tuple(
            WhatIfMonth(
                month,
                projection.examinations.get(month.month, 0),
                None if others is None or month.month not in told else others.months[number].cost,
                None if framework is None or month.month not in told else framework.months[number].cost,
            )
            for number, month in enumerate(shown)
        ),
        others_by_trust=tuple((code, course) for code, course in rest if course.total) if all_trusts else (),
        others=others,
        framework=framework,
        ramp_end=_ramp_end(own),
        partial=framework is not None and any(month.month not in told for month in shown),
        tiers=_tier_steps(projection.price_book, projection.lines, trust, algorithm),
    )


def _tier_steps(book: PriceBook, lines: Iterable[Line], trust: str, algorithm: str) -> tuple[TierStep, ...]:
    """Tell in which tier an activation's own lines of each month end, and leave out months that say the same again."""
    highest: dict[tuple[str, Period], Line] = {}
    for line in lines:
        if (
            (line.trust, line.algorithm) != (trust, algorithm)
            or line.tier is None
            or line.reprices
            or not line.quantity
        ):
            continue
        key = (line.charge, Period.month(line.period.start))
        if key not in highest or line.tier > (highest[key].tier or 0):
            highest[key] = line
    steps: list[TierStep] = []
    for (code, month), line in sorted(highest.items(), key=lambda each: (each[0][0], each[0][1].start)):
        version = book.version_on(line.period.start)
        charge = next((one for one in (() if version is None else version.charges) if one.code == code), None)
        if charge is None or line.tier is None or len(tiers_of(charge)) < 2:
            continue
        boundary = (
            charge.conventions.over(book.conventions).boundary if isinstance(charge, UsageCharge) else "inclusive"
        )
        step = TierStep(month, code, line.tier, *tier_interval(charge, line.tier, boundary), line.unit_price)
        if not steps or replace(step, month=steps[-1].month) != steps[-1]:
            steps.append(step)
    return tuple(steps)


def _places(terms: Terms, charges: Charges) -> tuple[Place, ...]:
    last = previous_day(charges.period.end)
    places = []
    for each in charges.positions:
        charge = charge_on(terms.price_book, each.charge, last)
        places.append(Place(each, charge, None if charge is None else _tier_below(terms, charge, each.next_tier_at)))
    return tuple(places)


def _tier_below(terms: Terms, charge: Charge, next_tier_at: int | None) -> int | None:
    """Give the number of the tier that ends before ``next_tier_at``, the last one before ``None``; none without tiers."""
    lasts = (last for _, last in tier_intervals(charge, charge.conventions.over(terms.price_book.conventions).boundary))
    wanted = None if next_tier_at is None else next_tier_at - 1
    return next((number for number, last in enumerate(lasts, start=1) if last == wanted), None)


def _year_to(day: date) -> Period:
    """Give the calendar year of a day, up to and with it."""
    return Period(date(day.year, 1, 1), day + timedelta(days=1))


def _data_until(terms: Terms) -> date | None:
    return max((usage.on for usage in terms.usage), default=None)


def _within(lines: Iterable[Line], period: Period) -> list[Line]:
    return [line for line in lines if period.contains(line.period.start)]


def _quarter_of(line: Line) -> str:
    return Period.quarter(line.period.start).label()


def _by(lines: Iterable[Line], key: Callable[[Line], str]) -> list[tuple[str, list[Line]]]:
    grouped: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        grouped[key(line)].append(line)
    return sorted(grouped.items(), key=lambda entry: (not entry[0], entry[0]))


def _trust_parts(terms: Terms, lines: list[Line], day: date) -> tuple[Part, ...]:
    parts = [
        Part(
            trust,
            Cost.of(own),
            len(
                {
                    row.algorithm
                    for row in terms.activations
                    if row.trust == trust and row.go_live <= day and (row.end is None or row.end > day)
                }
            ),
        )
        for trust, own in _by(lines, lambda line: line.trust or "")
    ]
    return tuple(sorted(parts, key=lambda part: (-part.cost.total, part.key)))


def _ramp_end(course: Course) -> RampEnd | None:
    for last, first in reversed(list(zip(course.months, course.months[1:], strict=False))):
        if last.discount and not first.discount and not first.after_end:
            return RampEnd(last, first)
    return None
