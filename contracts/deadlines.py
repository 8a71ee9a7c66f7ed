"""Deadlines: days by which something must be done, computed from the contract's facts and never stored.

Each part of the product registers what it knows (`register`), billing too; the list is made anew each time it is read. A
deadline that was met is not in it; one that passed unmet stays, so that it is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from sqlalchemy.orm import Session

from contracts import agreements
from contracts.terms import amendment
from contracts.terms.agreement import SETTLED_OPTIONS
from contracts.terms.deadline import CENTRAL, Deadline

__all__ = ["Compute", "Deadline", "audience", "register", "upcoming"]

Compute = Callable[[Session, int, date, datetime | None], list[Deadline]]

# Who is reminded where a source names nobody else.
USUAL_AUDIENCE = ("contract_manager", "finance_controller")

_sources: dict[str, Compute] = {}
_audiences: dict[str, frozenset[str]] = {}


def register(source: str, compute: Compute, roles: Iterable[str] = USUAL_AUDIENCE) -> None:
    """Let ``compute(session, agreement_id, today, known_at)`` tell the deadlines of ``source``, also those passed unmet.

    ``roles`` are reminded of them. Raises ValueError where another function has taken the name.
    """
    if _sources.setdefault(source, compute) is not compute:
        raise ValueError(f"the deadlines of {source!r} are registered already")
    _audiences[source] = frozenset(roles)


def audience(source: str) -> frozenset[str]:
    """Give the roles that are reminded of a source's deadlines."""
    return _audiences.get(source, frozenset(USUAL_AUDIENCE))


def upcoming(
    session: Session, agreement_id: int, today: date, *, trust: str | None = None, known_at: datetime | None = None
) -> list[Deadline]:
    """List what must still be done and what passed unmet, by date; within ``trust`` without other trusts' own.

    ``known_at`` (``None``: now) says from which facts; ``today`` alone says what has passed.
    """
    found = [deadline for compute in _sources.values() for deadline in compute(session, agreement_id, today, known_at)]
    seen = [deadline for deadline in found if trust is None or deadline.params.get("trust", trust) == trust]
    return sorted(seen, key=lambda deadline: (deadline.due_on, deadline.source, deadline.key))


def option_windows(
    session: Session, agreement_id: int, today: date, known_at: datetime | None = None
) -> list[Deadline]:
    """Give the last day of each option that is neither exercised nor given up: never later than the agreement's own."""
    return [
        Deadline(
            "option",
            holder.party.code,
            holder.deadline,
            holder.clause,
            "option_window",
            {"trust": holder.party.code, "trust_name": holder.party.name, "state": holder.state},
        )
        for holder in agreements.option_holders(session, agreement_id, known_at)
        if holder.state not in SETTLED_OPTIONS
    ]


def unused_extensions(
    session: Session, agreement_id: int, today: date, known_at: datetime | None = None
) -> list[Deadline]:
    """Give the last day of notice of the extension that would follow the term as it stands, counted from its current end.

    One that would begin only after another has none of its own yet: it gets it when the term has come so far.
    """
    end = agreements.agreement_summary(session, agreement_id, known_at).term.end
    return [
        Deadline(
            "extension",
            extension.start.isoformat(),
            amendment.notice_deadline(end, extension.notice_months),
            extension.clause,
            "extension_unused",
            {"from": end.isoformat(), "to": extension.end.isoformat()},
        )
        for extension in agreements.extensions(session, agreement_id, known_at)
        if extension.taken_up_on is None and extension.start <= end < extension.end
    ]


def announcements(session: Session, agreement_id: int, today: date, known_at: datetime | None = None) -> list[Deadline]:
    """Give the last day of announcing each amendment in force that must be, until it is."""
    return [
        Deadline(
            "amendment",
            str(one.number),
            one.announce_by,
            f"§ 28-1 ({amendment.LETTERS[one.basis]})",
            "amendment_announce",
            {"number": str(one.number), "title": one.title, "trust": CENTRAL},
        )
        for one in agreements.amendments(session, agreement_id, known_at)
        if one.approved_on is not None and one.announce_by is not None and one.announced_on is None
    ]


register("option", option_windows, roles=("contract_manager", "trust_requester"))
register("extension", unused_extensions, roles=("contract_manager", "approver"))
register("amendment", announcements, roles=("contract_manager",))
