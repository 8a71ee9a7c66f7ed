"""Corrections: change one day's count by a signed entry, with a reason, an author and the evidence; and list them.

The entry itself stands in the metering beside what was imported; what is kept here is why, by whose evidence, and what it
did to the expected charges. An agreement that is taken over midway gets *opening entries*: usage of days before the
take-over, so that counters stand where they stood and the ramp by units goes on. They are corrections of kind ``opening``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.models import Correction
from billing.quarters import runs as closings
from billing.usage import metering
from contracts import agreements, ceiling, documents
from contracts.documents import FiledDocument
from contracts.errors import Conflict, Finding, NotFound, invalid
from contracts.models import Algorithm, Organisation
from contracts.models.base import recorded_by_then
from contracts.people import access
from contracts.people.access import Actor
from contracts.terms.money import kroner
from contracts.terms.period import Period
from contracts.terms.price_book import Usage

Kind = Literal["correction", "opening"]

REASONS = (
    "counted_twice",
    "not_counted",
    "wrong_trust",
    "wrong_algorithm",
    "wrong_day",
    "validation_run",
    "not_billable",
    "other",
)
OPENING: Literal["opening"] = "opening"
EVIDENCE = "evidence"
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file handed in with a correction, under the title people know it by."""

    title: str
    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class RecordedCorrection:
    """A correction with what it did: ``before`` and ``after`` are the day's counts, ``effect`` is kroner excluding VAT.

    ``after_close`` names the run that did not know of it, where its quarter was closed.
    """

    id: int
    kind: Kind
    trust: str
    algorithm: str
    on: date
    before: int
    change: int
    reason_code: str
    reason: str
    effect: Decimal
    evidence: FiledDocument | None
    evidence_version: int | None
    recorded_at: datetime
    recorded_by: str
    author: str
    after_close: int | None

    @property
    def after(self) -> int:
        """Give the day's count after the correction."""
        return self.before + self.change


@dataclass(frozen=True, slots=True)
class OpeningEntry:
    """Examinations of one trust and algorithm used up to a day before the take-over."""

    trust: str
    algorithm: str
    on: date
    quantity: int


def record_correction(
    session: Session,
    *,
    agreement_id: int,
    trust: str,
    algorithm: str,
    on: date,
    change: int,
    reason_code: str,
    reason: str,
    actor: Actor,
    now: datetime,
    evidence: Evidence | None = None,
    evidence_id: int | None = None,
) -> RecordedCorrection:
    """Change one day's count by a signed entry and keep why, with its evidence: a new file, or a document filed before.

    Raises `InvalidInput` for no change, an unknown reason, no sentence, a day below zero or evidence that is not taken;
    `NotFound` for what the actor does not know.
    """
    actor.require("usage.correct", trust)
    findings = []
    if change == 0:
        findings.append(Finding("#/change", "no_change", "a change of 0 corrects nothing"))
    elif abs(change) > metering.LARGEST_QUANTITY:
        findings.append(Finding("#/change", "out_of_range", f"at most {metering.LARGEST_QUANTITY}"))
    if reason_code not in REASONS:
        findings.append(Finding("#/reason_code", "unknown_reason", f"'{reason_code}' is none of {', '.join(REASONS)}"))
    if len(reason.strip()) > LONGEST_REASON:
        findings.append(Finding("#/reason", "too_long", f"at most {LONGEST_REASON} characters"))
    invalid(findings)
    agreements.lock_agreement(session, agreement_id)
    terms = gather(session, agreement_id=agreement_id)
    after = metering.correct_usage(
        session,
        agreement_id=agreement_id,
        trust=trust,
        algorithm=algorithm,
        on=on,
        change=change,
        reason=reason,
        actor=actor,
        now=now,
    )
    filed = _evidence(session, evidence, evidence_id, terms.agreement.code, trust, on, actor, now)
    row = Correction(
        agreement_id=agreement_id,
        kind="correction",
        trust_id=_id(session, Organisation, trust),
        algorithm_id=_id(session, Algorithm, algorithm),
        on=on,
        before=after - change,
        change=change,
        reason_code=reason_code,
        reason=reason.strip(),
        effect=_effect(terms, [Usage(trust, algorithm, on, change)]),
        evidence_id=None if filed is None else filed.id,
        evidence_version=None if filed is None else filed.newest.number,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    ceiling.moved(session, agreement_id=agreement_id, recorded_by=actor.id, now=now)
    return find_correction(session, agreement_id=agreement_id, correction_id=row.id, actor=actor)


def record_opening(
    session: Session,
    *,
    agreement_id: int,
    taken_over_on: date,
    entries: Sequence[OpeningEntry],
    evidence: Evidence,
    actor: Actor,
    now: datetime,
) -> list[RecordedCorrection]:
    """Record what was used before the agreement was taken over, all entries or none.

    Each entry is dated before ``taken_over_on`` on a day on which its activation ran; a cell that has usage already is
    refused, so nothing counts twice. Counters, tiers and ramps by units then stand as they would have stood.
    """
    actor.require("usage.correct")
    findings = [
        Finding(f"#/entries/{number}", code, detail)
        for number, entry in enumerate(entries)
        for code, detail in _opening_errors(entry, taken_over_on)
    ]
    if not entries:
        findings.append(Finding("#/entries", "empty", "at least one entry is needed"))
    invalid(findings)
    for trust in {entry.trust for entry in entries}:
        actor.require("usage.correct", trust)
    agreements.lock_agreement(session, agreement_id)
    code = agreements.agreement_summary(session, agreement_id).code
    taken = {(each.trust, each.algorithm, each.on) for each in metering.daily_usage(session, agreement_id=agreement_id)}
    for entry in entries:
        if (entry.trust, entry.algorithm, entry.on) in taken:
            detail = f"{entry.trust}, {entry.algorithm}, {entry.on} has usage already"
            raise Conflict("cell_taken", detail)
        taken.add((entry.trust, entry.algorithm, entry.on))
    filed = documents.add_document(
        session,
        kind=EVIDENCE,
        title=evidence.title,
        subject=f"opening:{code}/{taken_over_on.isoformat()}",
        trust=None,
        filename=evidence.filename,
        content=evidence.content,
        actor=actor,
        now=now,
    )
    ids = []
    reason = f"opening entry: in use before {taken_over_on.isoformat()}"
    terms = gather(session, agreement_id=agreement_id)
    added = [Usage(entry.trust, entry.algorithm, entry.on, entry.quantity) for entry in entries]
    period = _period_of(terms, added)
    before = _net_ore(terms, period)
    for number, entry in enumerate(entries, 1):
        metering.correct_usage(
            session,
            agreement_id=agreement_id,
            trust=entry.trust,
            algorithm=entry.algorithm,
            on=entry.on,
            change=entry.quantity,
            reason=reason,
            actor=actor,
            now=now,
            source=OPENING,
        )
        after = _net_ore(_with(terms, added[:number]), period)
        row = Correction(
            agreement_id=agreement_id,
            kind=OPENING,
            trust_id=_id(session, Organisation, entry.trust),
            algorithm_id=_id(session, Algorithm, entry.algorithm),
            on=entry.on,
            before=0,
            change=entry.quantity,
            reason_code=OPENING,
            reason=reason,
            effect=kroner(after - before),
            evidence_id=filed.id,
            evidence_version=1,
            recorded_at=now,
            recorded_by=actor.id,
        )
        session.add(row)
        session.flush()
        ids.append(row.id)
        before = after
    ceiling.moved(session, agreement_id=agreement_id, recorded_by=actor.id, now=now)
    return [find_correction(session, agreement_id=agreement_id, correction_id=id_, actor=actor) for id_ in ids]


def list_corrections(
    session: Session,
    *,
    agreement_id: int,
    actor: Actor,
    period: Period | None = None,
    trust: str | None = None,
    known_at: datetime | None = None,
) -> list[RecordedCorrection]:
    """List the corrections the reader may see, newest first: of days in ``period``, of one trust where it is named."""
    actor.require("read")
    scope = actor.scope("read")
    if scope is not None and trust not in (None, scope):
        raise NotFound(f"there is no trust '{trust}' in this agreement")
    query = _query(agreement_id)
    wanted = scope or trust
    if wanted is not None:
        query = query.where(Organisation.code == wanted)
    if period is not None:
        query = query.where(Correction.on >= period.start, Correction.on < period.end)
    rows = session.execute(recorded_by_then(query, Correction, known_at).order_by(Correction.id.desc())).all()
    marks = _marks(session, agreement_id, known_at)
    people = access.names_of(session, {row.recorded_by for row, *_ in rows})
    return [_recorded(session, row, trust_, algorithm, actor, marks, people) for row, trust_, algorithm in rows]


def find_correction(
    session: Session, *, agreement_id: int, correction_id: int, actor: Actor, known_at: datetime | None = None
) -> RecordedCorrection:
    """Find a correction; one of a trust outside the reader's scope is as unknown as one that does not exist."""
    actor.require("read")
    scope = actor.scope("read")
    query = recorded_by_then(_query(agreement_id).where(Correction.id == correction_id), Correction, known_at)
    found = session.execute(query).first()
    if found is None or (scope is not None and found[1] != scope):
        raise NotFound(f"there is no correction {correction_id} in this agreement")
    marks = _marks(session, agreement_id, known_at)
    row, trust, algorithm = found
    people = access.names_of(session, {row.recorded_by})
    return _recorded(session, row, trust, algorithm, actor, marks, people)


def _query(agreement_id: int) -> Select[Correction, str, str]:
    return (
        select(Correction, Organisation.code, Algorithm.code)
        .join(Organisation, Organisation.id == Correction.trust_id)
        .join(Algorithm, Algorithm.id == Correction.algorithm_id)
        .where(Correction.agreement_id == agreement_id)
    )


def _opening_errors(entry: OpeningEntry, taken_over_on: date) -> list[tuple[str, str]]:
    errors = []
    if entry.on >= taken_over_on:
        errors.append(("not_before", f"{entry.on} is not before the take-over on {taken_over_on}"))
    if not 0 < entry.quantity <= metering.LARGEST_QUANTITY:
        errors.append(("out_of_range", f"{entry.quantity} examinations: 1 to {metering.LARGEST_QUANTITY}"))
    return errors


def _evidence(
    session: Session,
    evidence: Evidence | None,
    evidence_id: int | None,
    agreement: str,
    trust: str,
    on: date,
    actor: Actor,
    now: datetime,
) -> FiledDocument | None:
    if evidence is not None:
        return documents.add_document(
            session,
            kind=EVIDENCE,
            title=evidence.title,
            subject=f"usage:{agreement}/{trust}/{on.isoformat()}",
            trust=trust,
            filename=evidence.filename,
            content=evidence.content,
            actor=actor,
            now=now,
        )
    if evidence_id is None:
        return None
    filed = documents.find_document(session, evidence_id, actor=actor)
    if filed.trust not in (None, trust):
        raise NotFound("there is no such document")
    return filed


def _effect(terms: Terms, added: Sequence[Usage]) -> Decimal:
    """Say what usage added to what is known changes in the charges from its quarter to the last month with usage."""
    period = _period_of(terms, added)
    return kroner(_net_ore(_with(terms, added), period) - _net_ore(terms, period))


def _period_of(terms: Terms, added: Sequence[Usage]) -> Period:
    first = Period.quarter(min(each.on for each in added)).start
    return Period(first, Period.month(max(each.on for each in (*terms.usage, *added))).end)


def _with(terms: Terms, added: Sequence[Usage]) -> Terms:
    cells: dict[tuple[str, str, date], int] = defaultdict(int)
    for each in (*terms.usage, *added):
        cells[each.trust, each.algorithm, each.on] += each.quantity
    return replace(terms, usage=tuple(Usage(*cell, quantity) for cell, quantity in sorted(cells.items())))


def _net_ore(terms: Terms, period: Period) -> int:
    return sum(line.net_ore for line in terms.rate(period).lines)


def _marks(session: Session, agreement_id: int, known_at: datetime | None) -> list[tuple[Period, int, int]]:
    """Give the days, the number and the last known correction of every run, newest first."""
    return [
        (run.period, run.number, run.correction_mark)
        for run in reversed(closings.runs(session, agreement_id, None, known_at))
    ]


def _recorded(
    session: Session,
    row: Correction,
    trust: str,
    algorithm: str,
    actor: Actor,
    marks: list[tuple[Period, int, int]],
    people: dict[str, str],
) -> RecordedCorrection:
    evidence = None
    if row.evidence_id is not None:
        try:
            evidence = documents.find_document(session, row.evidence_id, actor=actor)
        except NotFound:
            evidence = None  # what belongs to all trusts is not shown within one
    return RecordedCorrection(
        id=row.id,
        kind="opening" if row.kind == OPENING else "correction",
        trust=trust,
        algorithm=algorithm,
        on=row.on,
        before=row.before,
        change=row.change,
        reason_code=row.reason_code,
        reason=row.reason,
        effect=row.effect,
        evidence=evidence,
        evidence_version=row.evidence_version,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        author=people[row.recorded_by],
        after_close=next((number for days, number, mark in marks if days.contains(row.on) and row.id > mark), None),
    )


def _id(session: Session, row: type[Organisation] | type[Algorithm], code: str) -> int:
    return session.scalars(select(row.id).where(row.code == code)).one()
