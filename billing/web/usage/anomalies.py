"""Steps in the counts: which series has changed level, since when, from what to what."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response

from billing.usage.anomalies import Anomalies, anomalies
from billing.web.query import Query, read_query
from contracts.terms.table import Table, columns
from contracts.web.exports import table_answer
from contracts.web.guard import requires

blueprint = Blueprint("anomaly_pages", __name__)

COLUMNS: Final = (
    columns("text", "trust", "algorithm")
    | columns("day", "found_on", "since")
    | columns("number", "before", "after", "change")
)


@blueprint.get("/volum/avvik")
@requires("read")
def index() -> Any:
    """List the steps that were told lately, those of one series alone first."""
    query = read_query("hf")
    found = _found(query)
    return query.page(
        "billing/usage/anomalies.html",
        as_of=found.data_until,
        version=None,
        found=found,
        own=[step for step in found.steps if not step.common],
        common=[step for step in found.steps if step.common],
        asked=query.values,
        holders=query.readable_holders(),
        names=query.names(),
    )


@blueprint.get("/volum/avvik.<table:suffix>")
@requires("read")
def export(suffix: str) -> Response:
    """Give the steps as a file."""
    return table_answer(suffix, "avvik", anomaly_table(_found(read_query("hf"))))


def anomaly_table(found: Anomalies) -> Table:
    """Give the steps as rows of a file."""
    rows = [(*(getattr(step, name) for name in COLUMNS), "yes" if step.common else "no") for step in found.steps]
    return Table(COLUMNS | columns("text", "common"), rows)


def new_steps(query: Query) -> int:
    """Count the steps that somebody who keeps the books should look at; none for others, and none as of earlier."""
    if query.known_at is not None or not query.actor.may("reconcile"):
        return 0
    return len(query.asked(anomalies).new)


def _found(query: Query) -> Anomalies:
    return query.asked(anomalies, trust=query.values.get("hf") or None, known_at=query.known_at)
