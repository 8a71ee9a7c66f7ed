"""What is to be done today, for the reader of the front page: what, how much, by when and whose turn it is.

Nothing is computed here: each row is what another page lists already, and leads to it. First comes what has no day and holds
up the counts, then by day; a reader who may not do a thing sees it under "waiting for others".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Final

from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from billing.reports.overview import Dashboard
from billing.web.decisions import pages as approvals
from billing.web.figures import tell
from billing.web.query import Query
from billing.web.usage import anomalies
from contracts import deadlines
from contracts.extensions import db
from contracts.terms.deadline import Deadline
from contracts.web import formatting
from contracts.web.i18n import current_language
from contracts.web.reminders.deadlines import sentences, state_of

ROWS: Final = 6
# Deadlines further ahead are on their own page.
DAYS_AHEAD: Final = 90


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done: its sentence, where, the kroner that hang on it, its last day, and whether the reader may do it."""

    what: str
    url: str
    amount: str | Markup | None = None
    until: date | None = None
    is_own: bool = True

    def stands(self, today: date) -> tuple[str, str]:
        """Say how many days are left, and its tone; ("", "neutral") where it has no day."""
        if self.until is None:
            return "", "neutral"
        return state_of(Deadline("", "", self.until, "", ""), today)


def tasks(query: Query, board: Dashboard) -> tuple[list[Task], list[Task]]:
    """Give the reader's tasks and what waits for others, each by day, what has none first, since it holds up today; `ROWS` are shown."""
    found = [*_reconciliation(query, board), *_decisions(query), *_counts(query, board), *_deadlines(query)]
    found.sort(key=lambda each: each.until or date.min)
    return [each for each in found if each.is_own], [each for each in found if not each.is_own]


def _reconciliation(query: Query, board: Dashboard) -> Iterator[Task]:
    row = board.latest_quarter
    if row is None or not row.to_decide:
        return
    sentence = ngettext(
        "Decide %(num)d difference of %(quarter)s",
        "Decide %(num)d differences of %(quarter)s",
        row.to_decide,
        quarter=formatting.quarter_short(row.quarter.label(), current_language()),
    )
    url = query.link("reconciliation_pages.show", quarter=row.quarter.label())
    yield Task(sentence, url, tell(row.undecided), row.due_on, query.actor.may("reconcile"))


def _decisions(query: Query) -> Iterator[Task]:
    for one in approvals.waiting_for(query):
        what, url = approvals.told(query, one)
        sentence = _("Decide on: %(what)s", what=what)
        yield Task(sentence, url or query.link("approval_pages.index"), _kroner(one.amount), one.day)


def _counts(query: Query, board: Dashboard) -> Iterator[Task]:
    lacking = [each for each in board.counted.lacking if board.scope in (None, each.trust)]
    may = query.actor.may("usage.import", board.scope) if board.scope else query.actor.may("usage.import")
    if lacking:
        sentence = ngettext("Get %(num)d count that is missing", "Get %(num)d counts that are missing", len(lacking))
        yield Task(sentence, query.link("coverage_pages.show"), is_own=may)
    steps = anomalies.new_steps(query)
    if steps:
        sentence = ngettext(
            "Look at %(num)d count that changed level alone", "Look at %(num)d counts that changed level alone", steps
        )
        yield Task(sentence, query.link("anomaly_pages.index"), is_own=may)


def _deadlines(query: Query) -> Iterator[Task]:
    scope = query.actor.scope("read")
    roles = {grant.role for grant in query.actor.grants}
    listed = [
        one
        for one in deadlines.upcoming(db.session, query.agreement.id, query.today, trust=scope)
        if (one.due_on - query.today).days <= DAYS_AHEAD and not one.code.startswith("approval_")
    ]
    url = query.link("deadlines.show", code=query.agreement.code, agreement=None)
    # What is due of several trusts on one day is one row; the page of deadlines has them all.
    for _key, group in groupby(listed, key=lambda one: (one.due_on, one.source, one.code)):
        first, *more = group
        sentence = sentences(first)[0]
        if more:
            sentence = ngettext(
                "%(what)s; and %(num)d like it", "%(what)s; and %(num)d like it", len(more), what=sentence
            )
        yield Task(sentence, url, None, first.due_on, bool(roles & deadlines.audience(first.source)))


def _kroner(amount: Decimal | None) -> str | None:
    return None if amount is None else formatting.money(amount, current_language())
