"""Slots on the clock of Oslo: both daylight-saving nights, and years of days without a gap or a double."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.terms.slots import OSLO, Daily, Every

SECONDS = st.integers(0, 7 * 365 * 86_400)
MOMENTS = SECONDS.map(lambda seconds: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
TIMES = st.times().map(lambda at: at.replace(microsecond=0))

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


@pytest.mark.parametrize(
    ("at", "day", "instant"),
    [
        (time(2, 30), SPRING, "2026-03-29T01:30"),  # half past two does not exist: half past three
        (time(2, 0), SPRING, "2026-03-29T01:00"),
        (time(1, 59), SPRING, "2026-03-29T00:59"),
        (time(3, 0), SPRING, "2026-03-29T01:00"),
        (time(2, 30), AUTUMN, "2026-10-25T00:30"),  # comes twice: the first time
        (time(2, 0), AUTUMN, "2026-10-25T00:00"),
        (time(3, 0), AUTUMN, "2026-10-25T02:00"),
        (time(3, 0), date(2026, 7, 1), "2026-07-01T01:00"),
        (time(3, 0), date(2026, 1, 1), "2026-01-01T02:00"),
    ],
)
def test_a_daily_slot_is_one_instant_also_when_the_clock_changes(at: time, day: date, instant: str) -> None:
    noon = datetime.combine(day, time(12), tzinfo=OSLO)
    assert Daily(at).latest(noon) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize("day", [SPRING, AUTUMN, date(2026, 7, 1)], ids=str)
def test_through_a_night_looked_at_every_minute_a_daily_slot_comes_once(day: date) -> None:
    daily = Daily(time(2, 30))
    start = datetime.combine(day, time(12), tzinfo=OSLO) - timedelta(days=1)
    seen = {daily.latest(start.astimezone(UTC) + timedelta(minutes=minute)) for minute in range(24 * 60)}
    assert len(seen - {daily.latest(start.astimezone(UTC))}) == 1


def test_six_years_of_days_have_a_slot_each_and_none_twice() -> None:
    daily = Daily(time(2, 30))
    now, slots = datetime(2026, 1, 1, tzinfo=UTC), []
    while len(slots) < 6 * 365:
        now = daily.following(now)
        slots.append(now)
    days = [slot.astimezone(OSLO).date() for slot in slots]
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]


@given(at=TIMES, now=MOMENTS)
def test_now_lies_between_the_latest_daily_slot_and_the_following_one(at: time, now: datetime) -> None:
    daily = Daily(at)
    assert daily.latest(now) <= now < daily.following(now)
    assert daily.latest(daily.following(now)) == daily.following(now)
    assert daily.following(daily.latest(now)) == daily.following(now)


@given(minutes=st.sampled_from([1, 5, 15, 60, 720, 1440]), now=MOMENTS)
def test_now_lies_between_the_latest_step_and_the_following_one(minutes: int, now: datetime) -> None:
    every = Every(timedelta(minutes=minutes))
    assert every.latest(now) <= now < every.following(now)
    assert every.following(now) - every.latest(now) == timedelta(minutes=minutes)


def test_a_step_that_does_not_divide_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="does not divide a day"):
        Every(timedelta(minutes=7))
