"""The index clause of an agreement: one person proposes it, another decides, and only then it stands.

A proposal is of the clause that stood when it was made; where that has changed since, or a newer proposal was made, it is void.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import agreements, audit, models
from contracts.errors import Conflict, Denied, Finding, invalid
from contracts.models.base import recorded_by_then
from contracts.people import stand_ins
from contracts.people.access import Actor
from contracts.prices.indexation import LONGEST_REASON, AgreedClause, standing_clause
from contracts.schemas.indexation import dump_clause, load_clause
from contracts.terms import indexation as rules
from contracts.terms.indexation import IndexClause

Decision = Literal["approved", "declined"]


@dataclass(frozen=True, slots=True)
class ProposedClause:
    """A clause that waits for another person's decision."""

    id: int
    terms: IndexClause
    by: str
    at: datetime


def propose(
    session: Session, *, agreement_id: int, clause: IndexClause, actor: Actor, now: datetime
) -> ProposedClause | None:
    """Propose what an agreement shall say about index adjustment; None where it says so already.

    It takes the place of a proposal that waits. Raises `InvalidInput` with what cannot be meant.
    """
    _require(actor, "index.draft")
    invalid(rules.check_clause(clause))
    agreements.lock_agreement(session, agreement_id)
    standing = standing_clause(session, agreement_id)
    if standing is not None and standing.terms == clause:
        return None
    row = models.IndexClauseProposal(
        agreement_id=agreement_id,
        former_id=None if standing is None else standing.id,
        terms=dump_clause(clause),
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    facts = {"agreement": agreement_id, "clause": clause.clause, "index": clause.index_name, "table": clause.table}
    audit.record(session, "index_clause.propose", f"index-clause-proposal:{row.id}", facts, actor.id, now)
    return _proposed(row)


def decide(
    session: Session,
    *,
    agreement_id: int,
    proposal_id: int,
    decision: Decision,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> AgreedClause | None:
    """Approve a proposal, so that it stands from now on, or decline it with the reason; never whoever proposed it.

    Gives the clause that stands. Raises `Denied`, `Conflict` (``no_proposal``) where another one waits, or none, and
    `InvalidInput`.
    """
    _require(actor, "index.approve")
    agreements.lock_agreement(session, agreement_id)
    proposed = waiting(session, agreement_id)
    if proposed is None or proposed.id != proposal_id:
        raise Conflict("no_proposal", "this proposal does not wait for a decision: read again what does")
    if proposed.by == actor.id:
        raise Denied("who proposed a clause does not decide on it: another approver does")
    if len(reason) > LONGEST_REASON:
        invalid([Finding("#/reason", "too_long", f"a reason has at most {LONGEST_REASON} characters")])
    if decision == "declined" and not reason.strip():
        invalid([Finding("#/reason", "empty", "say why the proposal is declined")])
    standing = standing_clause(session, agreement_id)
    if decision == "approved":
        row = models.IndexClause(
            agreement_id=agreement_id,
            **asdict(proposed.terms),
            void=False,
            supersedes_id=None if standing is None else standing.id,
            recorded_at=now,
            recorded_by=actor.id,
        )
        session.add(row)
        session.flush()
        standing = AgreedClause(row.id, proposed.terms, now, actor.id)
    session.add(
        models.IndexClauseDecision(
            proposal_id=proposal_id,
            decision=decision,
            reason=reason.strip(),
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    facts = {"proposed_by": proposed.by, "reason": reason.strip(), "clause": proposed.terms.clause}
    audit.record(session, f"index_clause.{decision}", f"index-clause-proposal:{proposal_id}", facts, actor.id, now)
    return standing


def waiting(session: Session, agreement_id: int, known_at: datetime | None = None) -> ProposedClause | None:
    """Give the proposal that waits for a decision, as known."""
    query = select(models.IndexClauseProposal).where(models.IndexClauseProposal.agreement_id == agreement_id)
    newest = session.scalar(
        recorded_by_then(query, models.IndexClauseProposal, known_at)
        .order_by(models.IndexClauseProposal.id.desc())
        .limit(1)
    )
    if newest is None:
        return None
    decided = select(models.IndexClauseDecision.id).where(models.IndexClauseDecision.proposal_id == newest.id)
    if session.scalar(recorded_by_then(decided, models.IndexClauseDecision, known_at)) is not None:
        return None
    standing = standing_clause(session, agreement_id, known_at)
    return _proposed(newest) if newest.former_id == (None if standing is None else standing.id) else None


def _proposed(row: models.IndexClauseProposal) -> ProposedClause:
    return ProposedClause(row.id, load_clause(row.terms), row.recorded_by, row.recorded_at)


def _require(actor: Actor, act: str) -> None:
    actor.require(act)
    if not stand_ins.allows(actor, act, None):
        raise Denied("an index clause is for all trusts: this needs a role that is not kept to one")
