"""What day it is: the calendar's in production, the example's own in example mode, settable by its readers."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import audit
from contracts.models import Setting
from contracts.people.access import Actor

OSLO = ZoneInfo("Europe/Oslo")
EXAMPLE_TODAY = date(2026, 10, 15)
_KEY = "example.today"


def today(session: Session, *, example_mode: bool, now: datetime) -> date:
    """Give today's date in Oslo, or the day the example takes for today."""
    if not example_mode:
        return now.astimezone(OSLO).date()
    chosen = session.scalar(select(Setting.value).where(Setting.key == _KEY).order_by(Setting.id.desc()).limit(1))
    return EXAMPLE_TODAY if chosen is None else date.fromisoformat(chosen)


def set_example_today(session: Session, *, day: date, actor: Actor, now: datetime) -> None:
    """Make ``day`` the example's today from now on."""
    actor.require("example.set_today")
    session.add(Setting(key=_KEY, value=day.isoformat(), recorded_at=now, recorded_by=actor.id))
    audit.record(session, "example.set_today", "setting:example.today", {"day": day.isoformat()}, actor.id, now)


def instant(session: Session, *, example_mode: bool, now: datetime) -> datetime:
    """Give the instant that deadlines are held against: now, or the same time of day on the example's own today."""
    if not example_mode:
        return now
    day = today(session, example_mode=True, now=now)
    local = now.astimezone(OSLO)
    return datetime.combine(day, local.time(), tzinfo=OSLO)
