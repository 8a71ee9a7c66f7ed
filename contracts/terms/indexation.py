"""Index adjustment as contracts have it: a clause, the months it compares, and the factor that comes of them.

A price index says how a price level moved: 131.6 in one month and 136.4 in another is a change of 4.8/131.6. Contracts
let the supplier ask for a share of that change, not below a floor nor above a cap, once a year at the earliest, and only
when the request comes in time. Two readings give two right answers for the same year: the **twelve-month change**
compares one month (or the average of a few) with the same of a year before, the **annual change** compares the average
of a calendar year with that of an earlier one.

Everything is an exact fraction until the factor, which is rounded once, half up to four decimals, because that is what
stands in the price book (pricing.md §5). A ratio is only ever taken inside one base year: an index that stands at 100 in
2015 and one that stands at 100 in 2025 are two yardsticks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal, get_args

from contracts.terms.money import RATE, RATE_DECIMALS, rate, round_half_up
from contracts.terms.period import add_months, first_of_month
from contracts.terms.price_book import Finding

Reading = Literal["twelve_month", "annual"]
READINGS: tuple[Reading, ...] = get_args(Reading)
LimitsOn = Literal["price_change", "index_change"]
LIMITS_ON: tuple[LimitsOn, ...] = get_args(LimitsOn)
NoticeUnit = Literal["months", "days"]
NOTICE_UNITS: tuple[NoticeUnit, ...] = get_args(NoticeUnit)
Limited = Literal["floor", "cap", "not_below_zero"]

REQUESTED, LAPSED, APPROVED, DECLINED = "requested", "lapsed", "approved", "declined"
STATES = (REQUESTED, LAPSED, APPROVED, DECLINED)

VALUE_DECIMALS = 4
SHOWN_DECIMALS = 10
LARGEST_CHANGE = Decimal(10)
YEAR = 12


@dataclass(frozen=True, slots=True)
class IndexClause:
    """What an agreement says about index adjustment.

    ``base_month`` is the first of the month that the agreed prices stand at; each later adjustment starts from where the
    last approved one ended, so that a year without a request is caught up. Without it the base is always the same a year
    before, and a year without a request is lost. ``comparison_month`` (1–12) is the calendar month compared; of it the
    last one before the month of effect counts. ``average_months`` averages that many months, ending with the month.
    ``share``, ``floor`` and ``cap`` are shares (``0.85``); floor and cap limit the price's change, after the share, or
    the index's, before it (``limits_on``). Not ``symmetric``: prices never fall. A request is made at least ``notice``
    months or days before its effect.
    """

    index_name: str
    table: str
    series: str
    reading: Reading
    base_month: date | None
    comparison_month: int
    average_months: int
    share: Decimal
    floor: Decimal | None
    cap: Decimal | None
    limits_on: LimitsOn
    symmetric: bool
    first_effective: date
    notice: int
    notice_unit: NoticeUnit
    clause: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The months that an adjustment compares, each side as the firsts of its months in time order."""

    base: tuple[date, ...]
    current: tuple[date, ...]

    @property
    def months(self) -> tuple[date, ...]:
        """Return all months needed, each once, in time order."""
        return tuple(sorted({*self.base, *self.current}))


@dataclass(frozen=True, slots=True)
class Calculation:
    """How a factor comes about, exactly; ``factor`` is rounded half up to four decimals, nothing before it is.

    ``index_change`` is what the index did, ``price_change`` what the price may do; ``limited`` names what held it.
    """

    base_value: Fraction
    current_value: Fraction
    index_change: Fraction
    price_change: Fraction
    limited: Limited | None
    exact_factor: Fraction
    factor: Decimal


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why there is nothing to compute or to request: a code, and what the sentence about it names."""

    code: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StandingValue:
    """A value as published and as retrieved last; ``month`` is its first day."""

    id: int
    table: str
    series: str
    base_year: int
    month: date
    value: Decimal
    retrieved_on: date
    revisions: int


@dataclass(frozen=True, slots=True)
class UsedValue:
    """A value that a computation rests on: on which side, the row it stands in, and when it was retrieved."""

    side: str
    month: date
    value: Decimal
    id: int
    retrieved_on: date


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """A request as recorded: values and changes written with ten decimals, ``factor`` with the book's four.

    ``answered_at`` is when its state was recorded; while it waits, that is when it was requested.
    """

    id: int
    agreement_id: int
    clause: IndexClause
    effective_from: date
    requested_on: date
    deadline_on: date
    requested_by: str
    recorded_at: datetime
    base_year: int
    used: tuple[UsedValue, ...]
    base_value: Decimal
    current_value: Decimal
    index_change: Decimal
    price_change: Decimal
    limited: str | None
    exact_factor: Decimal
    factor: Decimal
    state: str
    answered_at: datetime
    decided_on: date | None
    decided_by: str | None
    reason: str

    def months(self, side: str) -> tuple[date, ...]:
        """Give the months of one side, in time order."""
        return tuple(value.month for value in self.used if value.side == side)


def check_clause(clause: IndexClause, pointer: str = "#") -> tuple[Finding, ...]:
    """Say what cannot be meant by a clause; findings point below ``pointer``."""
    found = []

    def unless(holds: bool, place: str, code: str, detail: str) -> None:
        if not holds:
            found.append(Finding(f"{pointer}/{place}", code, detail))

    unless(1 <= clause.comparison_month <= YEAR, "comparison_month", "out_of_range", "a month is 1 to 12")
    unless(1 <= clause.average_months <= YEAR, "average_months", "out_of_range", "1 to 12 months are averaged")
    unless(0 < clause.share <= 1, "share", "out_of_range", "the share of the change is above 0 and at most 1")
    unless(0 <= clause.notice <= 366, "notice", "out_of_range", "the notice is 0 to 366")
    for place, limit in (("floor", clause.floor), ("cap", clause.cap)):
        unless(
            limit is None or -1 < limit <= LARGEST_CHANGE, place, "out_of_range", "a limit is above −1 and at most 10"
        )
    unless(
        clause.floor is None or clause.cap is None or clause.floor <= clause.cap,
        "floor",
        "floor_above_cap",
        "the floor is above the cap",
    )
    unless(
        clause.symmetric or clause.cap is None or clause.cap >= 0,
        "cap",
        "cap_below_zero",
        "where prices never fall the cap is not below zero",
    )
    unless(
        clause.reading != "annual" or clause.average_months == 1,
        "average_months",
        "annual_averages_years",
        "the annual reading averages calendar years; an average of months belongs to the twelve-month reading",
    )
    unless(
        clause.base_month is None or clause.base_month.day == 1,
        "base_month",
        "not_first_of_month",
        "a month is named by its first day",
    )
    return tuple(found)


def notice_deadline(clause: IndexClause, effective_from: date) -> date:
    """Return the last day on which a request for ``effective_from`` counts, that whole day in Oslo included.

    >>> from datetime import date
    >>> from dataclasses import replace
    >>> notice_deadline(replace(_EXAMPLE, notice=2, notice_unit="months"), date(2025, 1, 1))
    datetime.date(2024, 11, 1)
    """
    if clause.notice_unit == "months":
        return add_months(effective_from, -clause.notice)
    return effective_from - timedelta(days=clause.notice)


def effective_dates(clause: IndexClause, end: date) -> tuple[date, ...]:
    """Return the days from which prices may be adjusted: the first, and each a year later, before ``end``."""
    days: list[date] = []
    while (day := add_months(clause.first_effective, YEAR * len(days))) < end:
        days.append(day)
    return tuple(days)


def comparison(clause: IndexClause, effective_from: date, last_current: date | None = None) -> Comparison:
    """Return the months compared for an adjustment from ``effective_from``.

    ``last_current`` is the last month that the last approved adjustment compared; it is the base where the clause goes
    on from there.
    """
    current = _month_before(effective_from, clause.comparison_month)
    if clause.reading == "annual":
        year = current.year if current.month == YEAR else current.year - 1
        base_year = year - 1
        if clause.base_month is not None:
            base_year = clause.base_month.year if last_current is None else last_current.year
        return Comparison(_ending_with(date(base_year, YEAR, 1), YEAR), _ending_with(date(year, YEAR, 1), YEAR))
    base = add_months(current, -YEAR)
    if clause.base_month is not None:
        base = clause.base_month if last_current is None else last_current
    return Comparison(_ending_with(base, clause.average_months), _ending_with(current, clause.average_months))


def not_before(compared: Comparison) -> Obstacle | None:
    """Say that there is nothing to compare where the compared months do not follow the base."""
    if compared.current[-1] > compared.base[-1]:
        return None
    return Obstacle(
        "nothing_to_compare", {"base": f"{compared.base[-1]:%Y-%m}", "current": f"{compared.current[-1]:%Y-%m}"}
    )


def choose_base_year(available: Mapping[int, Iterable[date]], needed: Comparison) -> int | Obstacle:
    """Choose the base year in which every needed month is known, the newest where there are several.

    Where none holds them all it says so: which months are missing, or that they only exist in different base years.
    """
    months = {year: set(known) for year, known in available.items()}
    whole = [year for year, known in months.items() if known.issuperset(needed.months)]
    if whole:
        return max(whole)
    anywhere = set().union(*months.values())
    missing = [month for month in needed.months if month not in anywhere]
    if missing:
        return Obstacle("values_missing", {"months": ", ".join(f"{month:%Y-%m}" for month in missing)})
    years = " / ".join(f"{year}=100" for year in sorted(months))
    return Obstacle(
        "base_years_differ",
        {"base": f"{needed.base[-1]:%Y-%m}", "current": f"{needed.current[-1]:%Y-%m}", "base_years": years},
    )


def calculate(clause: IndexClause, compared: Comparison, values: Mapping[date, Decimal]) -> Calculation:
    """Compute the factor from values of one base year, which the caller sees to; every needed month has one.

    The factor is 1 + the price's change, rounded half up to four decimals.

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> compared = comparison(_EXAMPLE, date(2025, 1, 1))
    >>> values = {date(2023, 9, 1): Decimal("131.6"), date(2024, 9, 1): Decimal("136.4")}
    >>> calculate(_EXAMPLE, compared, values).factor, shown(calculate(_EXAMPLE, compared, values).exact_factor)
    (Decimal('1.0310'), Decimal('1.0310030395'))
    """
    base = _average(values[month] for month in compared.base)
    current = _average(values[month] for month in compared.current)
    index_change = current / base - 1
    limited: Limited | None = None
    if clause.limits_on == "index_change":
        held, limited = _held(clause, index_change)
        price_change = held * Fraction(clause.share)
    else:
        price_change, limited = _held(clause, index_change * Fraction(clause.share))
    if not clause.symmetric and price_change < 0:
        price_change, limited = Fraction(0), "not_below_zero"
    exact = 1 + price_change
    factor = rate(round_half_up(exact.numerator * RATE, exact.denominator))
    return Calculation(base, current, index_change, price_change, limited, exact, factor)


def shown(value: Fraction, decimals: int = SHOWN_DECIMALS) -> Decimal:
    """Write a fraction as a decimal, rounded half up; for showing, never for computing on."""
    return Decimal(round_half_up(value.numerator * 10**decimals, value.denominator)).scaleb(-decimals)


def _held(clause: IndexClause, change: Fraction) -> tuple[Fraction, Limited | None]:
    if clause.cap is not None and change > Fraction(clause.cap):
        return Fraction(clause.cap), "cap"
    if clause.floor is not None and change < Fraction(clause.floor):
        return Fraction(clause.floor), "floor"
    return change, None


def _average(values: Iterable[Decimal]) -> Fraction:
    fractions = [Fraction(value) for value in values]
    return sum(fractions, Fraction(0)) / len(fractions)


def _month_before(day: date, calendar_month: int) -> date:
    """Return the first of the last such calendar month that is over when ``day`` begins."""
    first = date(day.year, calendar_month, 1)
    return first if first < first_of_month(day) else date(day.year - 1, calendar_month, 1)


def _ending_with(month: date, count: int) -> tuple[date, ...]:
    return tuple(add_months(month, -back) for back in reversed(range(count)))


# The clause of the examples above: 85 % of the twelve-month change of September.
_EXAMPLE = IndexClause(
    index_name="KPI",
    table="03013",
    series="TOTAL",
    reading="twelve_month",
    base_month=None,
    comparison_month=9,
    average_months=1,
    share=Decimal("0.85"),
    floor=None,
    cap=None,
    limits_on="price_change",
    symmetric=True,
    first_effective=date(2025, 1, 1),
    notice=2,
    notice_unit="months",
    clause="7.3",
)
assert RATE_DECIMALS == 4, "the price book's factor has four decimals"
