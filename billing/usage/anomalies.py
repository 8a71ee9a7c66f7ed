"""Steps in recorded usage: a trust's counts of an algorithm that have changed level for good, told within a month.

They are found anew from what is known each time (`rating.anomalies`), so a correction or a late file takes back what it
explains. A step that at least three other series and a third of all take in the same direction within a month is marked as
common: a season, a holiday or a working pattern moves many departments at once, a fault in one delivery moves one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from sqlalchemy.orm import Session

from billing.forecasting.steps import LEARNING_DAYS, MEMORY_DAYS, StepFound, find_steps
from billing.usage import metering
from contracts import agreements
from contracts.agreements import AgreementSummary, readable_trust
from contracts.people.access import Actor
from contracts.terms.agreement import ActivationRow
from contracts.terms.period import Period
from contracts.terms.working_days import public_holidays, working_days

SHOWN_DAYS: Final = 92
NEW_DAYS: Final = 31
_TOGETHER: Final = timedelta(days=31)
_LEAST_TOGETHER: Final = 3
_SHARE_TOGETHER: Final = 3
_HUNDREDTH: Final = Decimal("0.01")
# What is looked at before the days shown: a year to learn from, and the time that learning takes.
_HISTORY: Final = timedelta(days=MEMORY_DAYS + 2 * LEARNING_DAYS + SHOWN_DAYS)

Series = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A step: told on ``found_on``, taken to have begun on ``since``; levels are examinations per working day.

    ``change`` is after over before, less one, with four decimals.
    """

    trust: str
    algorithm: str
    found_on: date
    since: date
    before: Decimal
    after: Decimal
    change: Decimal
    common: bool


@dataclass(frozen=True, slots=True)
class Anomalies:
    """The steps told in the last 92 days of counts, newest first, for one reader."""

    agreement: AgreementSummary
    scope: str | None
    data_until: date | None
    steps: tuple[Anomaly, ...]

    @property
    def new(self) -> tuple[Anomaly, ...]:
        """Give those of one series alone that were told in the last 31 days of counts: what somebody should look at."""
        if self.data_until is None:
            return ()
        earliest = self.data_until - timedelta(days=NEW_DAYS)
        return tuple(step for step in self.steps if not step.common and step.found_on > earliest)


def anomalies(
    session: Session, *, agreement_id: int, actor: Actor, trust: str | None = None, known_at: datetime | None = None
) -> Anomalies:
    """Find the steps of every series, as known; a reader within one trust is told that trust's."""
    scope = readable_trust(session, agreement_id, actor, trust)
    counts: dict[Series, dict[date, int]] = defaultdict(dict)
    for entry in metering.daily_usage(session, agreement_id=agreement_id, known_at=known_at):
        counts[entry.trust, entry.algorithm][entry.on] = entry.quantity
    until = max((max(days) for days in counts.values()), default=None)
    summary = agreements.agreement_summary(session, agreement_id, known_at)
    if until is None:
        return Anomalies(summary, scope, None, ())
    found: dict[Series, list[StepFound]] = {}
    for row in agreements.activations(session, agreement_id, known_at):
        series = _series(row, counts.get((row.trust, row.algorithm), {}), until)
        if series is not None:
            found.setdefault((row.trust, row.algorithm), []).extend(find_steps(*series, public_holidays))
    earliest = until - timedelta(days=SHOWN_DAYS)
    told = [
        _told(key, step, found)
        for key, steps in found.items()
        for step in steps
        if step.found_on > earliest and scope in (None, key[0])
    ]
    told.sort(key=lambda step: (-step.found_on.toordinal(), step.trust, step.algorithm))
    return Anomalies(summary, scope, until, tuple(told))


def _series(row: ActivationRow, counts: dict[date, int], until: date) -> tuple[date, list[int]] | None:
    """Give the counts from go-live on, one a day, up to the last day that is counted or the activation's end."""
    first = max(row.go_live, until - _HISTORY)
    last = until if row.end is None else min(until, row.end - timedelta(days=1))
    if last < first:
        return None
    return first, [counts.get(first + timedelta(days=number), 0) for number in range((last - first).days + 1)]


def _told(key: Series, step: StepFound, found: dict[Series, list[StepFound]]) -> Anomaly:
    alike = sum(
        any(abs(other.since - step.since) <= _TOGETHER and (other.change > 0) == (step.change > 0) for other in steps)
        for series, steps in found.items()
        if series != key
    )
    days = Period(step.since, step.found_on + timedelta(days=1))
    at_work = max(len(working_days(days)), 1)
    before, after = (
        (level * days.days / at_work).quantize(_HUNDREDTH, ROUND_HALF_UP) for level in (step.before, step.after)
    )
    common = alike >= _LEAST_TOGETHER and alike * _SHARE_TOGETHER >= len(found) - 1
    return Anomaly(*key, step.found_on, step.since, before, after, step.change, common)
