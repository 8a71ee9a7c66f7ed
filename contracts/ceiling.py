"""The agreement's maximum value: what counts against it, what is left, and who allowed more.

The ledger holds, for each kind and source, the newest amount that source told; billing posts to it, and nothing is
overwritten, so that it can be asked when an overrun became known. What is *open* is never posted: it is the frozen P90 of
the activations that are submitted and not decided on. All amounts exclude VAT.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, get_args

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from contracts import agreements, audit
from contracts.cases import Case
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models import (
    CeilingEntry,
    CeilingOverride,
    CeilingOverrideDecision,
    WorkflowCase,
    WorkflowEvent,
    WorkflowSubmission,
)
from contracts.models.base import recorded_by_then
from contracts.people.access import Actor
from contracts.terms.money import format_amount

EntryKind = Literal["opening", "invoiced", "accrued", "committed"]
KINDS: Final[tuple[EntryKind, ...]] = get_args(EntryKind)
LONGEST_TEXT: Final = 2000
# The source of the opening entry.
TAKEN_OVER: Final = "taken_over"
_ZERO: Final = Decimal(0)

# (session, agreement_id, who moved it, when)
Post = Callable[[Session, int, str, datetime], None]
_posts: list[Post] = []


@dataclass(frozen=True, slots=True)
class Standing:
    """The ceiling's figures as known. ``maximum`` is ``None`` where no maximum value is known."""

    maximum: Decimal | None
    opening: Decimal
    invoiced: Decimal
    accrued: Decimal
    committed: Decimal
    open: Decimal

    @property
    def used(self) -> Decimal:
        """Give what counts as used: taken over, invoiced, accrued and committed."""
        return self.opening + self.invoiced + self.accrued + self.committed

    @property
    def headroom(self) -> Decimal | None:
        """Give what is left, ``None`` where no maximum is known."""
        return None if self.maximum is None else self.maximum - self.used - self.open


@dataclass(frozen=True, slots=True)
class Override:
    """A request to go beyond the maximum for one plan of one activation, and what an approver said of it."""

    id: int
    plan_id: int
    reason: str
    request: Decimal
    headroom: Decimal
    by: str
    known_at: datetime
    decision: str | None
    decided_by: str | None


def register_posts(post: Post) -> None:
    """Let ``post`` compute and post what counts whenever something `moved`. Raises ValueError for a second one."""
    if _posts and _posts[0] is not post:
        raise ValueError("the posts of the ceiling are registered already")
    _posts[:] = [post]


def moved(session: Session, *, agreement_id: int, recorded_by: str, now: datetime) -> None:
    """Have the ledger posted after an act that moves what is used, in the act's own transaction, under the agreement's lock.

    Without a registered half that rates (a test of this half alone) nothing is posted.
    """
    for each in _posts:
        each(session, agreement_id, recorded_by, now)


def take_over(
    session: Session, *, agreement_id: int, amount: Decimal, reference: str, actor: Actor, now: datetime
) -> bool:
    """Record what was used of the maximum value before the agreement was taken over; the newest amount stands.

    ``reference`` says where the amount is from. Gives whether it changed anything. Raises `InvalidInput` for an amount below
    0 or without a reference.
    """
    actor.require("ceiling.take_over")
    findings = []
    if amount < 0:
        findings.append(Finding("#/amount", "out_of_range", "what was used is at least 0.00"))
    if not reference.strip() or len(reference.strip()) > LONGEST_TEXT:
        findings.append(
            Finding("#/reference", "missing", f"say where it is from, in at most {LONGEST_TEXT} characters")
        )
    invalid(findings)
    agreements.lock_agreement(session, agreement_id)
    written = post(
        session,
        agreement_id=agreement_id,
        kind="opening",
        source=TAKEN_OVER,
        amount=amount,
        recorded_by=actor.id,
        now=now,
    )
    if written:
        code = agreements.agreement_summary(session, agreement_id).code
        audit.record(
            session,
            "ceiling.take_over",
            f"agreement:{code}",
            {"amount": format_amount(amount), "reference": reference.strip()},
            actor.id,
            now,
        )
        moved(session, agreement_id=agreement_id, recorded_by=actor.id, now=now)
    return written


def post(
    session: Session,
    *,
    agreement_id: int,
    kind: EntryKind,
    source: str,
    amount: Decimal,
    recorded_by: str,
    now: datetime,
) -> bool:
    """Post what a source knows now; the same amount again is no news and writes nothing. Tell whether it was written.

    The caller holds the agreement's lock.
    """
    standing = session.scalar(
        select(CeilingEntry.amount)
        .where(CeilingEntry.agreement_id == agreement_id, CeilingEntry.kind == kind, CeilingEntry.source == source)
        .order_by(CeilingEntry.id.desc())
        .limit(1)
    )
    if (standing or _ZERO) == amount:
        return False
    session.add(
        CeilingEntry(
            agreement_id=agreement_id, kind=kind, source=source, amount=amount, recorded_at=now, recorded_by=recorded_by
        )
    )
    session.flush()
    return True


def standing(session: Session, agreement_id: int, known_at: datetime | None = None) -> Standing:
    """Give the ceiling's figures as known at ``known_at`` (``None``: now)."""
    newest = (
        recorded_by_then(
            select(func.max(CeilingEntry.id)).where(CeilingEntry.agreement_id == agreement_id), CeilingEntry, known_at
        )
        .group_by(CeilingEntry.kind, CeilingEntry.source)
        .scalar_subquery()
    )
    sums = dict.fromkeys(KINDS, _ZERO)
    for entry in session.scalars(select(CeilingEntry).where(CeilingEntry.id.in_(newest))):
        sums[entry.kind] += entry.amount  # type: ignore[index]  # the table's check keeps other words out
    return Standing(
        maximum=agreements.agreement_summary(session, agreement_id, known_at).maximum_value,
        open=_open(session, agreement_id, known_at),
        **sums,
    )


def committed_by_source(session: Session, agreement_id: int, known_at: datetime | None = None) -> dict[str, Decimal]:
    """Give what each source told last of what is committed: what runs, and each activation that the workflow posted."""
    query = select(CeilingEntry).where(CeilingEntry.agreement_id == agreement_id, CeilingEntry.kind == "committed")
    rows = session.scalars(recorded_by_then(query, CeilingEntry, known_at).order_by(CeilingEntry.id))
    return {row.source: row.amount for row in rows}


def _open(session: Session, agreement_id: int, known_at: datetime | None) -> Decimal:
    """Add up what `open_of` gives for every activation of an agreement, without reading the cases whole."""
    states = _states(session, agreement_id, known_at)
    submitted = [case_id for case_id, state in states.items() if state == "submitted"]
    sent = select(WorkflowSubmission).where(WorkflowSubmission.case_id.in_(submitted)).order_by(WorkflowSubmission.id)
    figures = {
        row.case_id: row.figures for row in session.scalars(recorded_by_then(sent, WorkflowSubmission, known_at))
    }
    return sum((Decimal(one["p90"]) for one in figures.values() if one is not None), _ZERO)


def _states(session: Session, agreement_id: int, known_at: datetime | None) -> dict[int, str]:
    """Give the state of each activation to which something happened, by its case's row."""
    course = (
        select(WorkflowEvent.case_id, WorkflowEvent.state)
        .join(WorkflowCase, WorkflowCase.id == WorkflowEvent.case_id)
        .where(WorkflowCase.agreement_id == agreement_id, WorkflowCase.kind == "activation")
        .order_by(WorkflowEvent.case_id, WorkflowEvent.number)
    )
    return {row[0]: row[1] for row in session.execute(recorded_by_then(course, WorkflowEvent, known_at))}


def open_of(case: Case) -> Decimal:
    """Give what a case reserves: the frozen P90 of an activation that is submitted and not decided on."""
    if case.kind != "activation" or case.state != "submitted" or case.submission is None:
        return _ZERO
    return _ZERO if case.submission.figures is None else case.submission.figures.p90


@dataclass(frozen=True, slots=True)
class Share:
    """What is left under the ceiling before a case, what the case takes of it, and what is left after; None: no maximum known."""

    before: Decimal | None
    takes: Decimal
    is_taken: bool

    @property
    def headroom(self) -> Decimal | None:
        """Give what is left as it stands."""
        return self.after if self.is_taken else self.before

    @property
    def after(self) -> Decimal | None:
        """Give what is left after it."""
        return None if self.before is None else self.before - self.takes


def share_of(session: Session, case: Case, request: Decimal | None = None) -> Share:
    """Tell what a case takes under the ceiling: once, whether it is reserved (P90), committed (expected) or still a draft.

    ``request`` is the P90 of what is about to be submitted (None: of the newest submission). What is left after a case that reserves or commits is the headroom as it stands.
    """
    if request is None:
        frozen = None if case.submission is None else case.submission.figures
        request = _ZERO if frozen is None else frozen.p90
    left = standing(session, case.agreement_id).headroom
    held = open_of(case) + committed_by_source(session, case.agreement_id).get(str(case.id), _ZERO)
    before = None if left is None else left + held
    return Share(before, held or request, bool(held))


def ask_override(
    session: Session, *, case: Case, request: Decimal, reason: str, actor: Actor, now: datetime
) -> Override:
    """Ask to go beyond the maximum value for a case's present plan; who else may allow it is an approver.

    Raises `InvalidInput` without a reason, `Conflict` where nothing is short or the case has no plan.
    """
    actor.require("ceiling.override", case.trust)
    text = reason.strip()
    if not text or len(text) > LONGEST_TEXT:
        invalid([Finding("#/reason", "missing", f"say why, in at most {LONGEST_TEXT} characters")])
    agreements.lock_agreement(session, case.agreement_id)
    figures = standing(session, case.agreement_id)
    left = figures.headroom
    if case.plan is None or case.row_id is None or left is None:
        raise Conflict("nothing_to_override", "there is no plan, or no maximum value that it could exceed")
    left += open_of(case)
    if request <= left and figures.maximum != 0:
        raise Conflict("nothing_to_override", f"{request} fits in the {left} that is left")
    row = CeilingOverride(
        case_id=case.row_id,
        plan_id=case.plan.id,
        reason=text,
        request=request,
        headroom=left,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        "ceiling.override",
        str(case.id),
        {
            "override": row.id,
            "reason": text,
            "request": format_amount(request),
            "headroom": format_amount(left),
            "used": format_amount(figures.used),
            "open": format_amount(figures.open),
        },
        actor.id,
        now,
    )
    return _override(row, None)


def decide_override(
    session: Session, *, case: Case, override_id: int, decision: str, comment: str, actor: Actor, now: datetime
) -> Override:
    """Allow an override (``approved``) or not (``declined``); never by whoever asked or had a hand in the case."""
    actor.require("ceiling.decide", case.trust)
    agreements.lock_agreement(session, case.agreement_id)
    row = session.get(CeilingOverride, override_id)
    if row is None or row.case_id != case.row_id:
        raise NotFound(f"there is no override {override_id} in this case")
    if actor.id == row.recorded_by or actor.id in case.requesters:
        raise Denied("who asked for an override, or had a hand in the case, does not decide on it")
    if decision not in ("approved", "declined"):
        invalid([Finding("#/decision", "invalid_choice", "One of approved, declined is expected.")])
    if session.scalar(select(CeilingOverrideDecision.id).where(CeilingOverrideDecision.override_id == row.id)):
        raise Conflict("decided_already", "this override is decided")
    decided = CeilingOverrideDecision(
        override_id=row.id,
        decision=decision,
        comment=comment.strip()[:LONGEST_TEXT],
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(decided)
    session.flush()
    audit.record(
        session,
        f"ceiling.override_{decision}",
        str(case.id),
        {"override": row.id, "request": format_amount(row.request), "comment": decided.comment},
        actor.id,
        now,
    )
    return _override(row, decided)


def overrides(session: Session, case: Case) -> list[Override]:
    """List the overrides asked for in a case, oldest first."""
    found = session.execute(
        select(CeilingOverride, CeilingOverrideDecision)
        .outerjoin(CeilingOverrideDecision, CeilingOverrideDecision.override_id == CeilingOverride.id)
        .where(CeilingOverride.case_id == case.row_id)
        .order_by(CeilingOverride.id)
    )
    return [_override(row, decision) for row, decision in found]


def allowed(session: Session, case: Case, request: Decimal) -> bool:
    """Tell whether an override was allowed that covers a request under the case's present plan."""
    return case.plan is not None and any(
        one.decision == "approved" and one.plan_id == case.plan.id and request <= one.request
        for one in overrides(session, case)
    )


def _override(row: CeilingOverride, decision: CeilingOverrideDecision | None) -> Override:
    return Override(
        row.id,
        row.plan_id,
        row.reason,
        row.request,
        row.headroom,
        row.recorded_by,
        row.recorded_at,
        None if decision is None else decision.decision,
        None if decision is None else decision.recorded_by,
    )
