"""What counts as rounding, from which day on: drafted by one person, approved by another.

Until a tolerance is approved the law's own counts: a line ±0.02 (Peppol R120), an invoice its lines × 0.02 and at most 5.00,
VAT ±1.00 (BR-CO-17). Unit prices and quantities have no tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, cast, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.causes import Tolerance
from billing.models import ToleranceDecision, ToleranceDraft
from contracts import agreements, audit
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.people.access import Actor

DRAFT: Final = "tolerance.draft"
APPROVE: Final = "tolerance.approve"
LONGEST: Final = 1000
MOST: Final = Decimal("1000.00")

ToleranceState = Literal["drafted", "approved", "declined"]
ToleranceDecided = Literal["approved", "declined"]
DECISIONS: Final[tuple[ToleranceDecided, ...]] = get_args(ToleranceDecided)


@dataclass(frozen=True, slots=True)
class AgreedTolerance:
    """A tolerance with who wants it from when, and what became of it."""

    id: int
    valid_from: date
    tolerance: Tolerance
    clause: str
    reason: str
    drafted_by: str
    drafted_at: datetime
    state: ToleranceState
    decided_by: str | None = None
    decided_at: datetime | None = None
    comment: str | None = None

    @property
    def version(self) -> tuple[object, ...]:
        """Give plain values that name this state."""
        return (self.id, self.state)


def list_tolerances(
    session: Session, *, agreement_id: int, actor: Actor, known_at: datetime | None = None
) -> list[AgreedTolerance]:
    """List the tolerances, newest draft first; for readers whose scope is all trusts."""
    actor.require("read")
    if actor.scope("read") is not None:
        raise NotFound("there are no such tolerances")
    return _rows(session, agreement_id, known_at)


def tolerance_on(
    session: Session, agreement_id: int, day: date, known_at: datetime | None = None
) -> tuple[Tolerance, date | None]:
    """Give the tolerance in force on a day and the day from which it is, None where none was ever approved.

    Of two from the same day the one approved last counts.
    """
    approved = [
        each for each in _rows(session, agreement_id, known_at) if each.state == "approved" and each.valid_from <= day
    ]
    if not approved:
        return Tolerance(), None
    newest = max(approved, key=lambda each: (each.valid_from, each.decided_at or each.drafted_at, each.id))
    return newest.tolerance, newest.valid_from


def draft_tolerance(
    session: Session,
    *,
    agreement_id: int,
    valid_from: date,
    tolerance: Tolerance,
    clause: str,
    reason: str,
    actor: Actor,
    now: datetime,
) -> AgreedTolerance:
    """Draft a tolerance from a day on; it counts once somebody else has approved it.

    Raises `InvalidInput` for negative amounts, amounts beyond 1 000.00 and a missing reason.
    """
    _require_all_trusts(actor, DRAFT)
    findings = [
        Finding(f"#/{name}", "out_of_range", f"an amount from 0.00 to {MOST}, in whole øre")
        for name, amount in (("line", tolerance.line), ("invoice", tolerance.invoice), ("tax", tolerance.tax))
        if not Decimal(0) <= amount <= MOST or amount != round(amount, 2)
    ]
    if not 0 < len(reason.strip()) <= LONGEST:
        findings.append(Finding("#/reason", "missing", f"a reason of 1 to {LONGEST} characters"))
    if len(clause.strip()) > 200:
        findings.append(Finding("#/clause", "too_long", "at most 200 characters"))
    invalid(findings)
    agreements.lock_agreement(session, agreement_id)
    row = ToleranceDraft(
        agreement_id=agreement_id,
        valid_from=valid_from,
        line=round(tolerance.line, 2),
        invoice=round(tolerance.invoice, 2),
        tax=round(tolerance.tax, 2),
        clause=clause.strip(),
        reason=reason.strip(),
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    _log(session, "tolerance.draft", row, {}, actor, now)
    return _find(session, agreement_id, row.id)


def decide_tolerance(
    session: Session,
    *,
    agreement_id: int,
    draft_id: int,
    decision: ToleranceDecided,
    comment: str,
    actor: Actor,
    now: datetime,
) -> AgreedTolerance:
    """Approve or decline a draft; whoever drafted it may not, and a quarter that was signed off keeps its own.

    Raises `Conflict` where it was decided already, `InvalidInput` for an unknown decision and for declining without a reason.
    """
    _require_all_trusts(actor, APPROVE)
    findings = []
    if decision not in DECISIONS:
        findings.append(Finding("#/decision", "unknown", f"one of {', '.join(DECISIONS)}"))
    if decision == "declined" and not comment.strip():
        findings.append(Finding("#/comment", "missing", "declining needs a reason"))
    if len(comment.strip()) > LONGEST:
        findings.append(Finding("#/comment", "too_long", f"at most {LONGEST} characters"))
    invalid(findings)
    agreements.lock_agreement(session, agreement_id)
    draft = _find(session, agreement_id, draft_id)
    if draft.state != "drafted":
        raise Conflict("decided_already", f"the tolerance was {draft.state} already")
    if draft.drafted_by == actor.id:
        raise Denied("whoever drafted a tolerance does not approve it")
    session.add(
        ToleranceDecision(
            draft_id=draft.id,
            decision=decision,
            comment=comment.strip(),
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    row = session.get_one(ToleranceDraft, draft.id)
    _log(session, f"tolerance.{decision}", row, {}, actor, now)
    return _find(session, agreement_id, draft.id)


def _rows(session: Session, agreement_id: int, known_at: datetime | None) -> list[AgreedTolerance]:
    query = (
        select(ToleranceDraft, ToleranceDecision)
        .outerjoin(ToleranceDecision, ToleranceDecision.draft_id == ToleranceDraft.id)
        .where(ToleranceDraft.agreement_id == agreement_id)
        .order_by(ToleranceDraft.id.desc())
    )
    if known_at is not None:
        query = query.where(ToleranceDraft.recorded_at <= known_at)
    listed = []
    for draft, decided in session.execute(query):
        known = decided if decided is not None and (known_at is None or decided.recorded_at <= known_at) else None
        listed.append(
            AgreedTolerance(
                draft.id,
                draft.valid_from,
                Tolerance(draft.line, draft.invoice, draft.tax),
                draft.clause,
                draft.reason,
                draft.recorded_by,
                draft.recorded_at,
                "drafted" if known is None else cast(ToleranceState, known.decision),
                None if known is None else known.recorded_by,
                None if known is None else known.recorded_at,
                None if known is None else known.comment,
            )
        )
    return listed


def _find(session: Session, agreement_id: int, draft_id: int) -> AgreedTolerance:
    found = next((each for each in _rows(session, agreement_id, None) if each.id == draft_id), None)
    if found is None:
        raise NotFound("there is no such tolerance")
    return found


def _require_all_trusts(actor: Actor, act: str) -> None:
    actor.require(act)
    if actor.scope(act) is not None:
        raise Denied("a tolerance is for all trusts: this needs a role that is not kept to one")


def _log(session: Session, action: str, row: ToleranceDraft, data: dict[str, str], actor: Actor, now: datetime) -> None:
    audit.record(
        session,
        action,
        f"tolerance:{row.id}",
        {
            "valid_from": row.valid_from.isoformat(),
            "line": format(row.line, "f"),
            "invoice": format(row.invoice, "f"),
            "tax": format(row.tax, "f"),
        }
        | data,
        actor.id,
        now,
    )
