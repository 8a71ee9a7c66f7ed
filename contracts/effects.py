"""Acts on a whole agreement under guard: their cost to the end, what they go over, who allowed that, how many must approve.

An extension, an amendment, a price version and an index adjustment are weighed here, by the page that shows them and, under the
agreement's lock, by the use case that decides. What is decided takes effect only when enough people have approved exactly
this: another wording, or a higher cost than somebody was told, needs their approval again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import audit
from contracts.errors import Conflict, Denied, Finding, InvalidInput, Refused, invalid
from contracts.models import ActApproval, ActOverride
from contracts.people import approval_limit, stand_ins
from contracts.people.access import Actor
from contracts.terms.effect import Change, Effect, own_decision, refusals
from contracts.terms.money import ZERO
from contracts.terms.workflow import Decided, Refusal

LONGEST_TEXT: Final = 2000

# (session, agreement_id, change, today)
Measure = Callable[[Session, int, Change, date], Effect]
_measures: list[Measure] = []


@dataclass(frozen=True, slots=True)
class Act:
    """An act on a whole agreement that waits for approval: what it says, what it changes, and who had a hand in it.

    ``subject`` names it as the audit does, ``says`` is everything that an approval is of, ``approval`` the act of the access
    rules that approves it. ``value`` is what it says itself that it adds, in kroner excluding VAT.
    """

    agreement_id: int
    subject: str
    says: Mapping[str, Any]
    change: Change
    authors: frozenset[str]
    approval: str
    value: Decimal = ZERO

    @property
    def content(self) -> str:
        """Give the hash of what it says."""
        return hashlib.sha256(json.dumps(dict(self.says), sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Override:
    """What somebody asked to let an act go over, and why."""

    id: int
    reason: str
    codes: frozenset[str]
    p90: Decimal
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Weighed:
    """An act with its effect (None: it cannot be computed, or nobody does), what refuses it and what was said of it so far.

    ``override`` is the one that covers all that refuses it; it still takes an approver who allows it. ``needed`` is how many
    people must approve, ``approvals`` are those that count.
    """

    effect: Effect | None
    refusals: tuple[Refusal, ...]
    warnings: tuple[Refusal, ...]
    override: Override | None
    approvals: tuple[Decided, ...]
    needed: int


def register_measure(measure: Measure) -> None:
    """Let ``measure`` compute what a change costs to the end. Raises ValueError for a second one."""
    if _measures and _measures[0] is not measure:
        raise ValueError("the measure of effects is registered already")
    _measures[:] = [measure]


def effect_of(session: Session, agreement_id: int, change: Change, today: date) -> Effect | None:
    """Compute what a change would cost to the end; None where a price is missing, or where nobody computes it."""
    if _measures:
        with suppress(InvalidInput):
            return _measures[0](session, agreement_id, change, today)
    return None


def weigh(session: Session, act: Act, today: date) -> Weighed:
    """Hold an act against everything that guards it, by the decision that `approve` asks."""
    effect = effect_of(session, act.agreement_id, act.change, today)
    said = tuple(refusals(effect)) if _measures else ()
    refusing = tuple(one for one in said if not one.warning)
    asked = _override(session, act, effect, refusing)
    p90 = ZERO if effect is None else effect.p90
    return Weighed(
        effect=effect,
        refusals=refusing,
        warnings=tuple(one for one in said if one.warning),
        override=asked,
        approvals=_approvals(session, act, p90),
        needed=approval_limit.needed(session, max(p90, act.value)),
    )


def ask_override(session: Session, act: Act, *, reason: str, actor: Actor, now: datetime, today: date) -> Override:
    """Ask to let an act go over what refuses it; an approver who had no hand in it may allow that.

    The caller holds the agreement's lock. Raises `InvalidInput` without a reason, `Conflict` where nothing refuses the act.
    """
    actor.require("ceiling.override")
    if actor.scope("ceiling.override") is not None:
        raise Denied("this is for all trusts: it needs a role that is not kept to one")
    text = reason.strip()
    if not text or len(text) > LONGEST_TEXT:
        invalid([Finding("#/reason", "missing", f"say why, in at most {LONGEST_TEXT} characters")])
    weighed = weigh(session, act, today)
    if not weighed.refusals:
        raise Conflict("nothing_to_override", "nothing stands in its way")
    row = ActOverride(
        agreement_id=act.agreement_id,
        subject=act.subject,
        content=act.content,
        reason=text,
        codes=sorted({one.code for one in weighed.refusals}),
        effect=_written(weighed.effect),
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    facts = {"override": row.id, "reason": text, "codes": row.codes, **row.effect}
    audit.record(session, "effect.ask_override", act.subject, facts, actor.id, now)
    return _to_override(row)


def approve(
    session: Session,
    act: Act,
    weighed: Weighed,
    *,
    delegation: int | None,
    allow_over: bool,
    comment: str,
    actor: Actor,
    now: datetime,
    today: date,
) -> bool:
    """Approve an act, in one's own place or a principal's, and tell whether enough people have.

    The caller has weighed it under the agreement's lock. ``allow_over`` lets it go over what its override was asked for. Raises `Denied` and `Refused` with every guard that refuses.
    """
    principal = stand_ins.principal_of(
        session, act=act.approval, trust=None, delegation_id=delegation, actor=actor, on=today
    )
    override = weighed.override if allow_over else None
    authors = act.authors if override is None else act.authors | {override.by}
    refusing = [
        *own_decision({actor.id, principal}, authors, weighed.approvals),
        *(weighed.refusals if override is None else ()),
    ]
    if refusing:
        raise Refused(tuple(refusing))
    row = ActApproval(
        agreement_id=act.agreement_id,
        subject=act.subject,
        content=act.content,
        principal=principal,
        comment=comment.strip(),
        override_id=None if override is None else override.id,
        effect=None if weighed.effect is None else weighed.effect.to_written(),
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    number = len(weighed.approvals) + 1
    enough = number >= weighed.needed
    if not enough or override is not None or principal != actor.id:  # what takes effect has an event of its own
        facts = {
            "number": number,
            "needed": weighed.needed,
            "principal": None if principal == actor.id else principal,
            "override": row.override_id,
            **_written(weighed.effect),
        }
        audit.record(session, "effect.approve", act.subject, facts, actor.id, now)
    return enough


def _override(session: Session, act: Act, effect: Effect | None, refusing: tuple[Refusal, ...]) -> Override | None:
    """Find the newest override asked for that covers everything that refuses the act as it stands."""
    if not refusing:
        return None
    rows = session.scalars(
        select(ActOverride)
        .where(ActOverride.agreement_id == act.agreement_id, ActOverride.subject == act.subject)
        .order_by(ActOverride.id.desc())
    )
    codes, p90 = {one.code for one in refusing}, ZERO if effect is None else effect.p90
    found = (_to_override(row) for row in rows if row.content == act.content)
    return next((one for one in found if codes <= one.codes and p90 <= one.p90), None)


def _approvals(session: Session, act: Act, p90: Decimal) -> tuple[Decided, ...]:
    """Give the approvals that count: of exactly this, and told a cost not below what it is now."""
    rows = session.scalars(
        select(ActApproval)
        .where(ActApproval.agreement_id == act.agreement_id, ActApproval.subject == act.subject)
        .order_by(ActApproval.id)
    )
    return tuple(
        Decided(row.recorded_by, row.principal)
        for row in rows
        if row.content == act.content and p90 <= _told(row.effect)
    )


def _written(effect: Effect | None) -> dict[str, Any]:
    return {} if effect is None else effect.to_written()


def _told(written: Mapping[str, Any] | None) -> Decimal:
    return Decimal(written["p90"]) if written else ZERO


def _to_override(row: ActOverride) -> Override:
    return Override(row.id, row.reason, frozenset(row.codes), _told(row.effect), row.recorded_by, row.recorded_at)
