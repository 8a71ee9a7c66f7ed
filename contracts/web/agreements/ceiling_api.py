"""API of the ceiling: what counts against an agreement's maximum value, its ledger, and what was taken over.

It is for readers of all trusts: within one trust the sum would tell what the others' is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask import Response

from contracts import agreements, ceiling, ceiling_history
from contracts.agreements import AgreementSummary
from contracts.ceiling import Standing
from contracts.ceiling_history import LEVELS, Days, Figure, Foreseen, Passed, Posted
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.schemas import ceiling as shapes
from contracts.schemas.answers import KnownQuerySchema, ListQuerySchema
from contracts.schemas.fields import load
from contracts.schemas.parties import dump_money
from contracts.terms.money import format_rate
from contracts.web import api
from contracts.web.acts import acted
from contracts.web.api import document_body, from_cursor, json_answer, json_body, to_cursor
from contracts.web.guard import current_actor
from contracts.web.resources import Resource

resource = Resource(
    "ceiling",
    __name__,
    url_prefix=f"{api.PREFIX}/agreements",
    description="The maximum value: what is used of it, and when that became known.",
)


@resource.reads(
    "/<code:code>/ceiling",
    shapes.CeilingSchema,
    "The figures as they were known.",
    query=KnownQuerySchema,
    problems=(404,),
)
def show_ceiling(query: dict[str, Any], code: str) -> Response:
    """Give what counts against an agreement's maximum value, its levels, and when an overrun became known"""
    return json_answer(_ceiling(_readable(code), query["known_at"]))


@resource.reads(
    "/<code:code>/ceiling/entries",
    shapes.CeilingEntryPageSchema,
    "In the order in which they became known.",
    query=ListQuerySchema,
    problems=(404,),
)
def list_entries(query: dict[str, Any], code: str) -> Response:
    """List the entries of an agreement's ledger"""
    found = _readable(code)
    (start,) = from_cursor(query["after"], api.whole) or (0,)
    end = start + query["limit"]
    listed = ceiling_history.entries(db.session, found.id)
    items = [_dump_entry(one, found.term.currency) for one in listed[start:end]]
    return json_answer({"items": items, "next": to_cursor(end) if end < len(listed) else None})


@resource.writes(
    "/<code:code>/ceiling/opening",
    "ceiling.take_over",
    shapes.CeilingSchema,
    "The amount counts as used from now on; the newest one stands.",
    body=document_body(
        shapes.TakenOverSchema,
        description="What was used before the agreement was taken over.",
        examples={"opening": {"amount": "1250000.00", "reference": "Handover minutes, 12 March 2026"}},
    ),
    problems=(400, 404, 415, 422),
)
def take_over(code: str) -> Response:
    """Record what was used of the maximum value before an agreement was taken over"""
    body = load(shapes.TakenOverSchema(), json_body(), "#")
    found = _readable(code)
    acted(ceiling.take_over, agreement_id=found.id, amount=body["amount"], reference=body["reference"])
    return json_answer(_ceiling(found, None), 201)


def _readable(code: str) -> AgreementSummary:
    found = agreements.find_agreement(db.session, code)
    if current_actor().scope("read") is not None:
        raise NotFound(f"there is no agreement '{code}'")
    return found


def _ceiling(found: AgreementSummary, known_at: datetime | None) -> dict[str, Any]:
    passed = {(one.figure, one.level): one for one in ceiling_history.passed(db.session, found.id, known_at)}
    figures: tuple[Figure, Figure] = ("used", "forecast")
    return _dump_ceiling(
        ceiling.standing(db.session, found.id, known_at),
        ceiling_history.foreseen(db.session, found.id, known_at),
        {level: (passed.get((figures[0], level)), passed.get((figures[1], level))) for level in LEVELS},
        ceiling_history.overrun_known(db.session, found.id, known_at),
        found.term.currency,
    )


def _dump_ceiling(
    standing: Standing,
    foreseen: Foreseen | None,
    levels: Mapping[int, tuple[Passed | None, Passed | None]],
    overrun: list[Passed],
    currency: str,
) -> dict[str, Any]:
    """Write the ceiling; ``levels`` has, for each one, since when what is used and the forecast have reached it."""
    days: Mapping[int, Days] = {} if foreseen is None else foreseen.levels
    figures = ("maximum", "opening", "invoiced", "accrued", "committed", "used", "open", "headroom")
    return {
        **{name: dump_money(getattr(standing, name), currency) for name in figures},
        "forecast": None if foreseen is None else _forecast(foreseen, currency),
        "levels": [
            {
                "level": level,
                "used_known_at": None if used is None else used.at.isoformat(),
                "forecast_known_at": None if forecast is None else forecast.at.isoformat(),
                "reached": _days(days[level]) if level in days else None,
            }
            for level, (used, forecast) in levels.items()
        ],
        "overrun": [
            {
                "figure": one.figure,
                "known_at": one.at.isoformat(),
                "amount": dump_money(one.amount, currency),
                "maximum": dump_money(one.maximum, currency),
                "entry": None if one.cause is None else _dump_entry(one.cause, currency),
            }
            for one in overrun
        ],
    }


def _dump_entry(one: Posted, currency: str) -> dict[str, Any]:
    """Write an entry of the ledger."""
    return {
        "id": one.id,
        "kind": one.kind,
        "source": one.source,
        "amount": dump_money(one.amount, currency),
        "change": dump_money(one.change, currency),
        "known_at": one.known_at.isoformat(),
        "by": one.by,
    }


def _forecast(foreseen: Foreseen, currency: str) -> dict[str, Any]:
    return {
        "until": foreseen.until.isoformat(),
        **{name: dump_money(getattr(foreseen, name), currency) for name in ("spent", "p10", "p50", "p90")},
        "known_at": foreseen.known_at.isoformat(),
    }


def _days(days: Days) -> dict[str, str | None]:
    return {
        "p10": _day(days.p10),
        "p50": _day(days.p50),
        "p90": _day(days.p90),
        "never": format_rate(days.never),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
