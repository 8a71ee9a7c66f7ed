"""What the scheduler runs: each job calls one use case, and does everything due up to now, so a missed run catches up."""

from __future__ import annotations

from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from contracts import access
from contracts.extensions import db


def start(app: Flask) -> BackgroundScheduler:
    """Start the scheduler inside this process; jobs are code and live in memory, what is due lives in tables."""
    scheduler = BackgroundScheduler(timezone="Europe/Oslo")
    scheduler.add_job(lambda: forget_answers(app), "cron", hour=3, id="forget_answers", coalesce=True, max_instances=1)
    scheduler.start()
    return scheduler


def forget_answers(app: Flask) -> int:
    """Forget the answers kept for repeated requests once nobody repeats them any more; give how many."""
    with app.app_context(), db.write() as session:
        return access.forget_answers(session, now=datetime.now(UTC))
