"""When scheduled work falls due: slots on the clock of Oslo, told as instants.

A task does everything that is due up to now, so of several slots that went by only the last one is run. On the night when
the clock goes forward a time that does not exist falls one hour later; on the night when it goes back a time that comes
twice is meant the first time. A slot is therefore one instant, and every day has exactly one of each daily slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

OSLO = ZoneInfo("Europe/Oslo")


class Trigger(Protocol):
    """Says which instants are slots; each is aware UTC."""

    def latest(self, now: datetime) -> datetime:
        """Give the last slot at or before ``now``."""
        ...

    def following(self, now: datetime) -> datetime:
        """Give the first slot after ``now``."""
        ...


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a day at a time of day in Oslo.

    >>> Daily(time(3)).latest(datetime(2026, 10, 15, 0, 59, tzinfo=UTC)).isoformat()
    '2026-10-14T01:00:00+00:00'
    """

    at: time

    def latest(self, now: datetime) -> datetime:
        """Give the last slot at or before ``now``."""
        day = now.astimezone(OSLO).date() + timedelta(days=1)
        while self._slot(day) > now:
            day -= timedelta(days=1)
        return self._slot(day)

    def following(self, now: datetime) -> datetime:
        """Give the first slot after ``now``."""
        day = now.astimezone(OSLO).date() - timedelta(days=1)
        while self._slot(day) <= now:
            day += timedelta(days=1)
        return self._slot(day)

    def _slot(self, day: date) -> datetime:
        # A time in the hour that is left out is read with the offset before the change, which is one hour later.
        return datetime.combine(day, self.at, tzinfo=OSLO).replace(fold=0).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Every:
    """At a fixed step that divides a day, counted in UTC: the clock in Oslo neither skips nor repeats one.

    >>> Every(timedelta(minutes=15)).latest(datetime(2026, 10, 15, 12, 29, tzinfo=UTC)).isoformat()
    '2026-10-15T12:15:00+00:00'
    """

    step: timedelta

    def __post_init__(self) -> None:
        if self.step <= timedelta(0) or timedelta(days=1) % self.step:
            raise ValueError(f"{self.step} does not divide a day")

    def latest(self, now: datetime) -> datetime:
        """Give the last slot at or before ``now``."""
        epoch = datetime(2000, 1, 1, tzinfo=UTC)
        return epoch + (now.astimezone(UTC) - epoch) // self.step * self.step

    def following(self, now: datetime) -> datetime:
        """Give the first slot after ``now``."""
        return self.latest(now) + self.step
