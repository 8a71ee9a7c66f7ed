"""What an answer to a what-if costs the server, against the rating alone of the counters that it tells of.

The answer is a whole request: the reader's rights, terms and usage from the database, the forecast, both courses, the chart, the
page. Beside it stand the two ratings that it rests on, every counter with the activation and without it, from what lies ready
in memory. Processor time of one thread, in turns; the figure is the median of the pairs' ratios.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median

from flask.testing import FlaskClient

from billing.charges.basis import Terms, gather
from billing.example.load import load_example
from billing.forecasting.daily_rates import Plan, daily_rates, forecast
from billing.projection.bound import planned_row
from contracts import schema_versions
from contracts.agreements import find_agreement
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.period import Period
from contracts.terms.price_book import Activation
from contracts.web import formatting
from tests.conftest import make_app
from tests.measure import Row

PAIRS = 15
READER = "ingrid.solbakken@eksempel.no"
ADDRESS = "/prognoser/hva-om?hf=oslo&alg=ct-pe&maaned=2026-11&antall=300&tilvenning=6"
PLAN = Plan(Activation("oslo", "ct-pe", date(2026, 11, 1)), 300, 6)
KNOWN_UNTIL = date(2026, 10, 1)
MONTHS = Period(PLAN.activation.go_live, date(2028, 11, 1))


def run() -> list[Row]:
    """Measure the what-if of the example."""
    with tempfile.TemporaryDirectory() as folder:
        app = make_app(f"sqlite:///{folder}/example.db", Path(folder))
        with app.app_context():
            schema_versions.upgrade(db.engine)
            with db.write() as session:
                load_example(session, actor=COMMAND_LINE, now=datetime.now(UTC), write=formatting)
            with db.read() as session:
                known = gather(session, agreement_id=find_agreement(session).id)
        client = app.test_client()
        client.post("/logg-inn", data={"person": READER})
        without, with_plan = _courses(known)
        ratios, taken = [], []
        _answer(client)
        for _pair in range(PAIRS):
            answer = seconds(lambda: _answer(client))
            rating = seconds(lambda: (without.rate(MONTHS), with_plan.rate(MONTHS)))
            ratios.append(answer / rating)
            taken.append(answer)
        app.extensions["trinnvis_engine"].dispose()
    detail = f"{len(known.usage)} days of usage known, {1000 * median(taken):.0f} ms of the server"
    return [Row("what-if answer against rating its counters with and without", median(ratios), 3, "at_most", detail)]


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of one call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _answer(client: FlaskClient) -> None:
    answer = client.get(ADDRESS)
    assert answer.status_code == 200, answer.status_code


def _courses(known: Terms) -> tuple[Terms, Terms]:
    activations = tuple(row.to_term() for row in known.activations)
    rates = daily_rates(known.usage, activations, KNOWN_UNTIL)
    coming = Period(KNOWN_UNTIL, MONTHS.end)
    usage = (*known.usage, *forecast(rates, activations, (), coming, Decimal(0)))
    planned = forecast(None, (), (PLAN,), coming, Decimal(0))
    without = replace(known, usage=usage)
    added = planned_row(PLAN.activation)
    return without, replace(known, activations=(*known.activations, added), usage=(*usage, *planned))
