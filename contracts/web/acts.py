"""How a view calls a use case: with the request's session, whoever asks, and the present instant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from flask import current_app

from contracts import clock
from contracts.extensions import db
from contracts.web.guard import current_actor

T = TypeVar("T")


def asked(use_case: Callable[..., T], **given: Any) -> T:
    """Ask what ``use_case`` tells whoever is signed in."""
    return use_case(db.session, actor=current_actor(), **given)


def acted(use_case: Callable[..., T], **given: Any) -> T:
    """Do an act, now if no instant is given; whoever calls commits it."""
    return asked(use_case, **({"now": datetime.now(UTC)} | given))


def done(use_case: Callable[..., T], **given: Any) -> T:
    """Do an act now and commit it; what it raises leaves nothing behind."""
    try:
        result = acted(use_case, **given)
    except BaseException:
        db.session.rollback()
        raise
    db.session.commit()
    return result


def today() -> date:
    """Give today's date, or the day the example takes for today."""
    return clock.today(db.session, example_mode=current_app.config["EXAMPLE_MODE"], now=datetime.now(UTC))


def instant() -> datetime:
    """Give the present instant, or the same time of day on the example's own today."""
    return clock.instant(db.session, example_mode=current_app.config["EXAMPLE_MODE"], now=datetime.now(UTC))
