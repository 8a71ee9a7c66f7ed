"""Saved scenarios: what was assumed, under a code and a number for good, and the one answer it was given.

A revision never changes. It keeps its document, the moment as of which everything is known, the day that counted as today and
the engine, so that whoever asks again gets the same øre; the answer is kept beside it with its hash, so that this can be held
against it. A scenario made within one trust is that trust's: it holds its own figures and of the others what it may be told.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.charges.told import cells_told, others_told
from billing.models import Scenario, ScenarioAnswer, ScenarioRevision
from contracts import agreements, audit, price_books
from contracts.errors import Conflict, Finding, NotFound, invalid
from contracts.models import Job, Organisation
from contracts.people import access
from contracts.people.access import Actor
from contracts.terms.money import ZERO
from contracts.terms.period import Period, first_of_month

# The way from a document to its answer; another number where the same document may be answered otherwise.
ENGINE: Final = "2026.1"
JOB: Final = "scenario.answer"
LONGEST_NAME: Final = 120
_CODE_LETTERS: Final = 6


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision as saved; ``answer`` is None until its run is over. ``by`` is who saved it."""

    id: int
    agreement_id: int
    code: str
    trust: str | None
    number: int
    name: str
    document: dict[str, Any]
    known_at: datetime
    today: date
    engine: str
    by: str
    by_name: str
    saved_at: datetime
    answer: dict[str, Any] | None
    sha256: str | None

    @property
    def label(self) -> str:
        """Give what it is asked for by: code and number."""
        return f"{self.code}@{self.number}"

    @property
    def months(self) -> Period:
        """Give the months it looks at."""
        return Period(Period.parse(self.document["from"]).start, Period.parse(self.document["to"]).start)


def save(
    session: Session,
    *,
    agreement_id: int,
    name: str,
    document: Mapping[str, Any],
    trust: str | None,
    known_at: datetime,
    today: date,
    actor: Actor,
    now: datetime,
    code: str | None = None,
) -> Revision:
    """Save a scenario, or under ``code`` its next revision, whose answer is still to come.

    ``trust`` is the trust it is kept to. Whoever may read what is in it may save it. Raises `InvalidInput` for a name that is
    empty or too long, `NotFound` for a scenario that the reader does not know, `Conflict` for a revision kept to another scope.
    """
    _require(actor, trust)
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or any(ord(letter) < 32 for letter in name):
        invalid([Finding("#/name", "name", f"a name of 1 to {LONGEST_NAME} characters on one line is needed")])
    agreements.lock_agreement(session, agreement_id)
    stamp: dict[str, Any] = {"recorded_at": now, "recorded_by": actor.id}
    if code is None:
        row = Scenario(
            agreement_id=agreement_id,
            code=_new_code(session, agreement_id, actor, now),
            trust_id=_trust_id(session, trust),
            **stamp,
        )
        session.add(row)
        session.flush()
        number = 1
    else:
        newest = find(session, agreement_id=agreement_id, code=code, actor=actor)[0]
        if newest.trust != trust:
            raise Conflict("other_scope", "a revision has the scope of its scenario: save a copy instead")
        row = session.scalars(select(Scenario).where(Scenario.code == newest.code)).one()
        number = newest.number + 1
    revision = ScenarioRevision(
        scenario_id=row.id,
        number=number,
        name=name,
        document=dict(document),
        known_at=known_at,
        today=today,
        engine=ENGINE,
        **stamp,
    )
    session.add(revision)
    session.flush()
    audit.record(
        session,
        "scenario.save",
        f"scenario:{row.code}",
        {"revision": number, "known_at": known_at.isoformat(), "engine": ENGINE},
        actor.id,
        now,
    )
    return _revision(row, revision, trust, actor.name, None)


def keep_answer(session: Session, *, revision_id: int, answer: Mapping[str, Any], actor: Actor, now: datetime) -> str:
    """Keep the answer to a revision and give its hash; an answer that is there already stays."""
    kept = session.scalar(select(ScenarioAnswer).where(ScenarioAnswer.revision_id == revision_id))
    if kept is not None:
        return kept.sha256
    digest = sha256_of(answer)
    session.add(
        ScenarioAnswer(
            revision_id=revision_id, answer=dict(answer), sha256=digest, recorded_at=now, recorded_by=actor.id
        )
    )
    session.flush()
    return digest


def sha256_of(answer: Mapping[str, Any]) -> str:
    """Hash an answer: its JSON with sorted keys and no spaces."""
    text = json.dumps(answer, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def find(session: Session, *, agreement_id: int, code: str, actor: Actor) -> list[Revision]:
    """Give all revisions of a scenario, the newest first; `NotFound` also where the reader may not know of it."""
    found = _revisions(session, agreement_id, actor, code)
    if not found:
        raise NotFound(f"there is no scenario '{code}'")
    return found


def find_revision(session: Session, *, agreement_id: int, code: str, number: int, actor: Actor) -> Revision:
    """Give one revision, or `NotFound`."""
    listed = find(session, agreement_id=agreement_id, code=code, actor=actor)
    found = next((revision for revision in listed if revision.number == number), None)
    if found is None:
        raise NotFound(f"there is no revision {number} of scenario '{code}'")
    return found


def find_by_id(session: Session, *, revision_id: int, actor: Actor) -> Revision:
    """Give a revision by its row, for who works on it later."""
    row = session.get(ScenarioRevision, revision_id)
    scenario = None if row is None else session.get(Scenario, row.scenario_id)
    if row is None or scenario is None:
        raise NotFound("there is no such revision")
    return find_revision(
        session, agreement_id=scenario.agreement_id, code=scenario.code, number=row.number, actor=actor
    )


def list_scenarios(session: Session, *, agreement_id: int, actor: Actor) -> list[Revision]:
    """List the newest revision of every scenario that the reader may know of, the latest saved first."""
    newest: dict[str, Revision] = {}
    for revision in _revisions(session, agreement_id, actor, None):
        newest.setdefault(revision.code, revision)
    return list(newest.values())


def prices_changed(session: Session, revision: Revision) -> bool:
    """Tell whether the price book is another now than the revision was answered with."""
    then = price_books.price_book(session, revision.agreement_id, revision.known_at)
    return then != price_books.price_book(session, revision.agreement_id)


def job_of(session: Session, revision: Revision) -> int | None:
    """Give the newest job that answers a revision, None where there is none."""
    jobs = session.execute(select(Job.id, Job.params).where(Job.kind == JOB).order_by(Job.id.desc()).limit(500))
    return next((row.id for row in jobs if row.params.get("revision") == revision.id), None)


def actual_by_month(
    session: Session, *, agreement_id: int, period: Period, trust: str | None, known_at: datetime | None = None
) -> dict[Period, Decimal]:
    """Give what whole months with usage did cost, in kroner excluding VAT, as known.

    Within ``trust`` it is the own cost and, of the others', what may be told, as a projection tells it.
    """
    return actual_of(gather(session, agreement_id=agreement_id, known_at=known_at), period, trust)


def actual_of(terms: Terms, period: Period, trust: str | None) -> dict[Period, Decimal]:
    """Give what the whole months of a period did cost under terms that are gathered already."""
    cut_off = terms.data_until
    term = terms.agreement.term
    if cut_off is None:
        return {}
    first = max(period.start, term.start)
    last = min(period.end, term.end, _first_open(cut_off))
    if first.day != 1 or first >= last:
        return {}
    lines = terms.rate(Period(first, last)).lines
    if trust is not None:
        own = [line for line in lines if line.trust == trust]
        lines = (*own, *others_told(lines, trust, cells_told(lines, trust)))
    months = dict.fromkeys(Period(first, first_of_month(last)).months(), ZERO)
    for line in lines:
        month = Period.month(line.period.start)
        if month in months:
            months[month] += line.net
    return months


def _first_open(cut_off: date) -> date:
    """Give the first day of the month that is not known whole yet."""
    month = Period.month(cut_off)
    return month.end if Period(cut_off, month.end).days == 1 else month.start


def _revisions(session: Session, agreement_id: int, actor: Actor, code: str | None) -> list[Revision]:
    actor.require("read")
    scope = actor.scope("read")
    query = (
        select(ScenarioRevision, Scenario, Organisation.code, ScenarioAnswer)
        .join(Scenario, Scenario.id == ScenarioRevision.scenario_id)
        .outerjoin(Organisation, Organisation.id == Scenario.trust_id)
        .outerjoin(ScenarioAnswer, ScenarioAnswer.revision_id == ScenarioRevision.id)
        .where(Scenario.agreement_id == agreement_id)
        .order_by(ScenarioRevision.id.desc())
    )
    if code is not None:
        query = query.where(Scenario.code == code)
    if scope is not None:
        query = query.where(Organisation.code == scope)
    rows = session.execute(query).all()
    names = access.names_of(session, [revision.recorded_by for revision, *_ in rows])
    return [
        _revision(scenario, revision, trust, names[revision.recorded_by], answer)
        for revision, scenario, trust, answer in rows
    ]


def _revision(
    scenario: Scenario, row: ScenarioRevision, trust: str | None, by_name: str, answer: ScenarioAnswer | None
) -> Revision:
    return Revision(
        id=row.id,
        agreement_id=scenario.agreement_id,
        code=scenario.code,
        trust=trust,
        number=row.number,
        name=row.name,
        document=row.document,
        known_at=row.known_at,
        today=row.today,
        engine=row.engine,
        by=row.recorded_by,
        by_name=by_name,
        saved_at=row.recorded_at,
        answer=None if answer is None else answer.answer,
        sha256=None if answer is None else answer.sha256,
    )


def _require(actor: Actor, trust: str | None) -> None:
    """Let nobody save what they may not read."""
    actor.require("read")
    scope = actor.scope("read")
    if scope is not None and trust != scope:
        raise NotFound(f"there is no trust '{trust}'")


def _trust_id(session: Session, trust: str | None) -> int | None:
    if trust is None:
        return None
    found = session.scalar(select(Organisation.id).where(Organisation.code == trust))
    if found is None:
        raise NotFound(f"there is no trust '{trust}'")
    return found


def _new_code(session: Session, agreement_id: int, actor: Actor, now: datetime) -> str:
    """Give a short code that no scenario has: letters and digits that are not taken for each other."""
    taken = session.scalar(select(func.count()).select_from(Scenario)) or 0
    for attempt in range(100):
        seed = f"{agreement_id}|{taken}|{attempt}|{actor.id}|{now.isoformat()}"
        code = "SC-" + b32encode(hashlib.sha256(seed.encode()).digest()).decode()[:_CODE_LETTERS]
        if session.scalar(select(Scenario.id).where(Scenario.code == code)) is None:
            return code
    raise Conflict("no_code", "no free code was found")
