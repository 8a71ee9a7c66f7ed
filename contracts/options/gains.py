"""Expected gains of a case: what each examination saves or improves, by whose account, and what was observed afterwards.

A gain is described while the case is a draft, so that what is decided on names it. Its value in kroner may be unknown; then
no sum is made of the others either, because a sum of what happens to be known reads as the whole. Who owns a gain enters
what was observed; the expectation stands beside it as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import agreements, audit
from contracts.cases import Case, find_case
from contracts.errors import Conflict, Denied, Finding, InvalidInput, NotFound, invalid
from contracts.models import ExpectedGain, ObservedGain
from contracts.models.base import LARGEST_ID, known
from contracts.models.evidence import LONG, LONGEST_TEXT
from contracts.people import access
from contracts.people.access import Actor
from contracts.terms.evidence import GAIN_KINDS
from contracts.terms.money import format_amount

LARGEST: Final = Decimal(100_000)
_PLACES: Final = 4


@dataclass(frozen=True, slots=True)
class Observed:
    """What the owner observed per examination over ``[first, until)``."""

    first: date
    until: date
    per_examination: Decimal | None
    note: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Gain:
    """An expected gain per examination: minutes, days of waiting, or words alone; ``value`` is kroner a unit where known."""

    id: int
    kind: str
    description: str
    per_examination: Decimal | None
    value: Decimal | None
    source: str
    owner: str
    observed: tuple[Observed, ...] = ()

    @property
    def worth(self) -> Decimal | None:
        """Give what one examination gains in kroner, unrounded; ``None`` where an amount or its value is unknown."""
        if self.per_examination is None or self.value is None:
            return None
        return self.per_examination * self.value

    def per_year(self, examinations: int) -> Decimal | None:
        """Give a year's gain in kroner, rounded half up to whole øre, ``None`` where unknown.

        >>> Gain(1, "minutes", "Faster reading", Decimal("1.5"), Decimal("12.00"), "", "").per_year(1000)
        Decimal('18000.00')
        """
        worth = self.worth
        return None if worth is None else (worth * examinations).quantize(Decimal("0.01"), ROUND_HALF_UP)


def worth_of(gains: Iterable[Gain]) -> Decimal | None:
    """Give what one examination gains by all of them, in kroner; ``None`` where one is unknown or there is none."""
    listed = [gain.worth for gain in gains]
    known_ones = [worth for worth in listed if worth is not None]
    return sum(known_ones, Decimal(0)) if listed and len(known_ones) == len(listed) else None


def list_gains(session: Session, case: Case, known_at: datetime | None = None) -> tuple[Gain, ...]:
    """List a case's gains as known, in the order in which they were described, each with what was observed."""
    if case.row_id is None:
        return ()
    rows = session.scalars(
        select(ExpectedGain)
        .where(ExpectedGain.case_id == case.row_id, known(ExpectedGain, known_at))
        .order_by(ExpectedGain.id)
    ).all()
    return tuple(_gain(session, row, known_at) for row in rows)


def describe(
    session: Session,
    *,
    case: Case,
    kind: str,
    description: str,
    per_examination: Decimal | None = None,
    value: Decimal | None = None,
    source: str,
    owner: str,
    actor: Actor,
    now: datetime,
) -> Gain:
    """Describe a gain that a draft expects. ``owner`` is the e-mail address of a registered person who reads this trust.

    Raises `Conflict` where the case is no draft of an activation, `InvalidInput` for what cannot be.
    """
    actor.require("gain.describe", case.trust)
    agreements.lock_agreement(session, case.agreement_id)
    row_id = _draft(session, case)
    address = owner.strip().lower()
    findings = _findings(kind, description, per_examination, value, source)
    named = access.find_actor(session, f"person:{address}") if address else None
    if named is None or not named.may("gain.observe", case.trust):
        findings.append(
            Finding("#/owner", "unknown_person", "nobody who reads this trust is registered with this address")
        )
    invalid(findings)
    row = ExpectedGain(
        case_id=row_id,
        kind=kind,
        description=description.strip(),
        per_examination=per_examination,
        value=value,
        source=source.strip(),
        owner=f"person:{address}",
        void=False,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    facts = {
        "gain": row.id,
        "kind": kind,
        "per_examination": None if per_examination is None else format(per_examination, "f"),
        "value": None if value is None else format_amount(value),
        "owner": row.owner,
    }
    audit.record(session, "gain.describe", str(case.id), facts, actor.id, now)
    return _gain(session, row, None)


def take_back(session: Session, *, case: Case, gain_id: int, actor: Actor, now: datetime) -> None:
    """Take a gain out of a draft."""
    actor.require("gain.describe", case.trust)
    agreements.lock_agreement(session, case.agreement_id)
    _draft(session, case)
    row = _row(session, case, gain_id)
    session.add(
        ExpectedGain(
            case_id=row.case_id,
            kind=row.kind,
            description=row.description,
            per_examination=row.per_examination,
            value=row.value,
            source=row.source,
            owner=row.owner,
            void=True,
            supersedes_id=row.id,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    audit.record(session, "gain.take_back", str(case.id), {"gain": row.id}, actor.id, now)


def observe(
    session: Session,
    *,
    case: Case,
    gain_id: int,
    first: date,
    until: date,
    per_examination: Decimal | None,
    note: str,
    actor: Actor,
    now: datetime,
) -> Gain:
    """Enter what was observed of a gain over ``[first, until)``; its owner alone does, once the activation runs.

    Raises `Denied` for anybody else, `Conflict` before anything could be observed.
    """
    actor.require("gain.observe", case.trust)
    row = _row(session, case, gain_id)
    if row.owner != actor.id:
        raise Denied("only the owner of a gain enters what was observed")
    if case.activation is None or case.activation.void:
        raise Conflict("not_running", "nothing can be observed before the activation is live")
    findings = []
    if first >= until:
        findings.append(Finding("#/to", "empty_period", "the first day after it lies after the first day"))
    elif first < case.activation.go_live_on:
        detail = f"it went live on {case.activation.go_live_on.isoformat()}"
        findings.append(Finding("#/from", "before_go_live", detail))
    if row.kind != "quality" and per_examination is None:
        findings.append(Finding("#/per_examination", "missing", "say how much was observed per examination"))
    findings += _amount_findings(per_examination)
    if len(note) > LONGEST_TEXT or (row.kind == "quality" and not note.strip()):
        findings.append(Finding("#/note", "missing", f"say what was observed, in at most {LONGEST_TEXT} characters"))
    invalid(findings)
    session.add(
        ObservedGain(
            gain_id=row.id,
            from_on=first,
            to_on=until,
            per_examination=per_examination,
            note=note.strip(),
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    facts = {
        "gain": row.id,
        "from": first.isoformat(),
        "to": until.isoformat(),
        "per_examination": None if per_examination is None else format(per_examination, "f"),
    }
    audit.record(session, "gain.observe", str(case.id), facts, actor.id, now)
    return _gain(session, row, None)


def _draft(session: Session, case: Case) -> int:
    standing = find_case(session, agreement_id=case.agreement_id, case_id=case.id)
    if standing.kind != "activation" or standing.state != "draft" or standing.row_id is None:
        raise Conflict("wrong_state", f"the {standing.kind} is {standing.state}: its expected gains stand")
    return standing.row_id


def _row(session: Session, case: Case, gain_id: int) -> ExpectedGain:
    row = session.get(ExpectedGain, gain_id) if 0 < gain_id < LARGEST_ID else None
    standing = row is not None and session.scalar(
        select(ExpectedGain.id).where(ExpectedGain.id == row.id, known(ExpectedGain, None))
    )
    if row is None or not standing or row.case_id != case.row_id:
        raise NotFound("there is no such gain in this case")
    return row


def _findings(
    kind: str, description: str, per_examination: Decimal | None, value: Decimal | None, source: str
) -> list[Finding]:
    findings = []
    if kind not in GAIN_KINDS:
        raise InvalidInput((Finding("#/kind", "unknown_kind", f"'{kind}' is none of {', '.join(GAIN_KINDS)}"),))
    for name, text in (("description", description), ("source", source)):
        if not text.strip() or len(text) > LONG:
            findings.append(Finding(f"#/{name}", "missing", f"this is needed, with at most {LONG} characters"))
    findings += _amount_findings(per_examination)
    if value is not None and per_examination is None:
        findings.append(Finding("#/per_examination", "missing", "a value needs the amount that it is the value of"))
    if value is not None and not (0 <= value <= LARGEST and value == value.quantize(Decimal("0.01"))):
        findings.append(Finding("#/value", "out_of_range", f"a value is 0.00 to {LARGEST}, in whole øre"))
    return findings


def _amount_findings(amount: Decimal | None) -> list[Finding]:
    if amount is None:
        return []
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_PLACES or not -LARGEST <= amount <= LARGEST:
        detail = f"an amount per examination is at most {LARGEST}, with at most {_PLACES} decimals"
        return [Finding("#/per_examination", "out_of_range", detail)]
    return []


def _gain(session: Session, row: ExpectedGain, known_at: datetime | None) -> Gain:
    query = select(ObservedGain).where(ObservedGain.gain_id == row.id).order_by(ObservedGain.id)
    if known_at is not None:
        query = query.where(ObservedGain.recorded_at <= known_at)
    observed = tuple(
        Observed(one.from_on, one.to_on, one.per_examination, one.note, one.recorded_by, one.recorded_at)
        for one in session.scalars(query)
    )
    return Gain(row.id, row.kind, row.description, row.per_examination, row.value, row.source, row.owner, observed)
