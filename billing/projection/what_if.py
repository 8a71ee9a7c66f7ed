"""What one activation would add: for its trust, the others and the framework, month by month to the agreement's end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.forecasting.daily_rates import Plan
from billing.projection.plan_costs import plan_cost
from billing.projection.projection import Course, Month, Projection
from billing.rating.captions import tier_interval
from billing.rating.lines import Line
from billing.rating.price_list import tiers_of
from contracts.people.access import Actor
from contracts.terms.money import ZERO
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, PriceBook
from contracts.terms.price_model import UsageCharge


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


def _ramp_end(course: Course) -> RampEnd | None:
    for last, first in reversed(list(zip(course.months, course.months[1:], strict=False))):
        if last.discount and not first.discount and not first.after_end:
            return RampEnd(last, first)
    return None
