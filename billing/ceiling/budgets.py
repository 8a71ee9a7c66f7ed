"""Budget against what it costs: by trust, cost centre, month and tertial, with actual, forecast and committed beside each other.

A tertial is four months (January to April, May to August, September to December). Costs are booked where the register of cost
centres says, those of an activation that is approved and not counted yet where its funding decision says; a cost that is booked
nowhere stands under no cost centre, and a budget without costs is there too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from billing.figures import Figure, years
from billing.projection.months import ExpectedCourse, MonthCost, expected_course
from billing.rating.sharing import share
from contracts import cost_centres
from contracts.agreements import AgreementSummary, readable_trust
from contracts.cases import Case, list_cases
from contracts.errors import Finding, invalid
from contracts.options import dossier, funding
from contracts.options import steps as options
from contracts.options.funding import Funding
from contracts.people.access import Actor
from contracts.terms.money import ZERO, kroner, ore
from contracts.terms.period import Period
from contracts.terms.workflow import COMMITTED

TERTIALS: Final = ((1, 4), (5, 8), (9, 12))


def register() -> None:
    """Let the guard of budgets ask what is bound already."""
    options.register_bound(bound_by_year)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What is budgeted (None: nothing is), and what it costs, in kroner excluding VAT."""

    budget: Decimal | None
    actual: Decimal
    forecast: Decimal
    committed: Decimal

    @property
    def expected(self) -> Decimal:
        """Give what is to be expected: actual, forecast and committed."""
        return self.actual + self.forecast + self.committed

    @property
    def left(self) -> Decimal | None:
        """Give what is left of the budget; below zero it does not reach."""
        return None if self.budget is None else self.budget - self.expected

    @classmethod
    def summed(cls, parts: Iterable[Amounts]) -> Amounts:
        """Add amounts up; the budgets of those that have one."""
        listed = list(parts)
        budgets = [part.budget for part in listed if part.budget is not None]
        return cls(
            sum(budgets, ZERO) if budgets else None,
            sum((part.actual for part in listed), ZERO),
            sum((part.forecast for part in listed), ZERO),
            sum((part.committed for part in listed), ZERO),
        )


@dataclass(frozen=True, slots=True)
class CentreCourse:
    """The twelve months of one cost centre (None: nobody has said where the trust books)."""

    trust: str
    cost_centre: str | None
    funding: Funding | None
    months: tuple[Amounts, ...]

    @property
    def year(self) -> Amounts:
        """Give the year."""
        return Amounts.summed(self.months)

    def budgeted(self, whole: Period, month: date | None = None) -> Figure:
        """Give what is budgeted for a month of the year, or for all of it."""
        amounts = self.year if month is None else self.months[month.month - 1]
        return years.budget(self.trust, self.cost_centre, whole, month, amounts.budget)

    @property
    def tertials(self) -> tuple[Amounts, ...]:
        """Give the three tertials."""
        return tuple(Amounts.summed(self.months[first - 1 : last]) for first, last in TERTIALS)


@dataclass(frozen=True, slots=True)
class BudgetCourse:
    """A calendar year of budgets for one reader; ``actual_until`` is the first day that is forecast."""

    agreement: AgreementSummary
    scope: str | None
    year: Period
    actual_until: date
    data_until: date | None
    centres: tuple[CentreCourse, ...]
    revisions: tuple[Funding, ...]
    planned: int

    @property
    def cost(self) -> Figure:
        """Give what the year costs."""
        return years.year(self.year, self.whole.expected, self.scope)

    def figures(self) -> tuple[Figure, ...]:
        """List what the year costs, and what is budgeted by cost centre and month."""
        months = self.year.months()
        budgets = [
            centre.budgeted(self.year, month)
            for centre in self.centres
            for month in (None, *(each.start for each in months))
        ]
        return (self.cost, *budgets)

    @property
    def months(self) -> tuple[Amounts, ...]:
        """Give the months of all cost centres together."""
        return tuple(Amounts.summed(centre.months[number] for centre in self.centres) for number in range(12))

    @property
    def whole(self) -> Amounts:
        """Give the year of all cost centres together."""
        return Amounts.summed(centre.year for centre in self.centres)

    @property
    def tertials(self) -> tuple[Amounts, ...]:
        """Give the tertials of all cost centres together."""
        return tuple(Amounts.summed(self.months[first - 1 : last]) for first, last in TERTIALS)


def budget_course(
    session: Session,
    *,
    agreement_id: int,
    year: int,
    actor: Actor,
    today: date,
    trust: str | None = None,
    known_at: datetime | None = None,
) -> BudgetCourse:
    """Hold the budgets of a calendar year against what its months cost and are expected to cost.

    Raises `InvalidInput` for a year outside the agreement, `NotFound` for a trust that the reader does not know.
    """
    scope = readable_trust(session, agreement_id, actor, trust)
    period = Period.year(date(year, 1, 1)) if 2000 <= year <= 2999 else None
    course = (
        None
        if period is None
        else expected_course(session, agreement_id=agreement_id, period=period, today=today, known_at=known_at)
    )
    if period is None or course is None or period.overlap(course.terms.agreement.term.period) is None:
        invalid([Finding("#/year", "outside_agreement", f"{year} lies outside the agreement")])
    assert period is not None
    assert course is not None
    costs: dict[tuple[str, str | None], list[list[int]]] = defaultdict(lambda: [[0, 0, 0, 0] for _ in range(12)])
    for key, each in booked(session, course, known_at):
        if not each.within(scope):
            continue
        sums = costs[key][each.month.month - 1]
        for place, amount in enumerate((each.actual_ore, each.forecast_ore, each.committed_ore, each.own_fixed_ore)):
            sums[place] += amount
    budgets = {
        (one.trust, one.cost_centre): one
        for one in funding.list_budgets(session, trust=scope, known_at=known_at)
        if one.year == year
    }
    keys = sorted({*costs, *budgets}, key=lambda key: (key[0], key[1] or "~"))
    return BudgetCourse(
        agreement=course.terms.agreement,
        scope=scope,
        year=period,
        actual_until=course.as_of,
        data_until=course.data_until,
        centres=tuple(_centre(key, budgets.get((key[0], key[1] or "")), costs.get(key)) for key in keys),
        revisions=tuple(funding.revisions(session, year=year, trust=scope, known_at=known_at)),
        planned=sum(scope in (None, plan.activation.trust) for plan in course.committed),
    )


def bound_by_year(
    session: Session, case: Case, cost_centre: str, years: Iterable[int], today: date
) -> dict[int, Decimal]:
    """Give what of a cost centre's years is actual, forecast and committed without a case's own plan, kroner excluding VAT.

    What is left of the budget after it and after the plan is the plan's cover: `cover:P`.
    """
    listed = sorted(years)
    if not listed:
        return {}
    course = expected_course(
        session,
        agreement_id=case.agreement_id,
        period=Period(date(listed[0], 1, 1), date(listed[-1] + 1, 1, 1)),
        today=today,
        without=((case.trust, case.algorithm or ""),),
    )
    sums = dict.fromkeys(listed, 0)
    for key, each in booked(session, course, None):
        if key == (case.trust, cost_centre) and each.month.year in sums:
            sums[each.month.year] += each.actual_ore + each.forecast_ore + each.committed_ore
    return {year: kroner(amount) for year, amount in sums.items()}


def booked(
    session: Session, course: ExpectedCourse, known_at: datetime | None
) -> Iterator[tuple[tuple[str, str | None], MonthCost]]:
    """Give the months of a course, each with the trust and cost centre that it is booked on (None: nowhere)."""
    agreement_id = course.terms.agreement.id
    register = cost_centres.register(session, agreement_id, known_at)
    decided = _decided_on(session, course, known_at)
    for each in course.months:
        booking = register.booking(each.trust, each.algorithm, each.month)
        found = decided.get((each.trust, each.algorithm), None if booking is None else booking.cost_centre)
        yield (each.trust, found), each


def _decided_on(
    session: Session, course: ExpectedCourse, known_at: datetime | None
) -> dict[tuple[str, str | None], str]:
    """Give the cost centres that the funding decisions of committed activations name."""
    pairs = {(plan.activation.trust, plan.activation.algorithm) for plan in course.committed}
    named = {}
    for case in list_cases(session, agreement_id=course.terms.agreement.id, known_at=known_at) if pairs else ():
        if (case.trust, case.algorithm) in pairs and case.state in COMMITTED:
            centre = dossier.cost_centre(session, case, known_at)
            if centre is not None:
                named[case.trust, case.algorithm] = centre
    return named


def _centre(key: tuple[str, str | None], budget: Funding | None, costs: list[list[int]] | None) -> CentreCourse:
    listed = costs or [[0, 0, 0, 0]] * 12
    budgeted = [None] * 12 if budget is None else _spread(budget, [month[3] for month in listed])
    months = [
        Amounts(part, *(kroner(amount) for amount in month[:3])) for part, month in zip(budgeted, listed, strict=True)
    ]
    return CentreCourse(key[0], key[1], budget, tuple(months))


def _spread(budget: Funding, fixed: list[int]) -> Sequence[Decimal]:
    """Spread a budget over its months as the booking falls: the trust's own fixed fees (øre) where they are billed, the rest evenly.

    What the trust bears of fees on the whole agreement is in the rest, so that it is spread alike for every reader. One that names its months is spread as it says. Where it does not reach for the fees, it is spread in proportion to them.
    """
    due = [max(amount, 0) for amount in fixed]
    if budget.phased or not any(due):
        return budget.months
    fees = min(ore(budget.amount), sum(due))
    rest = funding.evenly(budget.amount - kroner(fees))
    return [kroner(fee) + part for fee, part in zip(share(fees, due), rest, strict=True)]
