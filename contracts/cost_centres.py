"""Cost centres: where a trust's amounts are booked, from which day, for all its algorithms or for one of them.

The register is made of facts: a change from a later day is a further entry, a correction supersedes the entry it corrects,
a taking back leaves the one before it in force. The entry of an algorithm goes before that of the whole trust.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import agreements, audit, payers
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models import Algorithm, CostCentre, Organisation
from contracts.models.base import known
from contracts.people.access import Actor
from contracts.terms.agreement import Payer, PayerStep

ACT: Final = "cost_centres.set"
LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Booking:
    """Where an amount is booked: cost centre, the expense's account, the liability's until the invoice is accepted.

    ``project`` and ``vat_code`` are the trust's own dimensions, None where it has none.
    """

    cost_centre: str
    account: str
    accrual_account: str
    project: str | None = None
    vat_code: str | None = None


@dataclass(frozen=True, slots=True)
class CostCentreEntry:
    """An entry of the register: whose, for which algorithm (None: all), from which day (inclusive) on, and where."""

    id: int
    trust: str
    algorithm: str | None
    valid_from: date
    booking: Booking
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Register:
    """The entries that stand, for looking up where an amount is booked."""

    entries: tuple[CostCentreEntry, ...]

    def booking(self, trust: str, algorithm: str | None, day: date) -> Booking | None:
        """Give where an amount of a trust and an algorithm (None: of no algorithm) is booked on a day, if anywhere."""
        for wanted in dict.fromkeys((algorithm, None)):
            valid = [
                entry
                for entry in self.entries
                if entry.trust == trust and entry.algorithm == wanted and entry.valid_from <= day
            ]
            if valid:
                return max(valid, key=lambda entry: entry.valid_from).booking
        return None


def list_cost_centres(
    session: Session,
    *,
    agreement_id: int,
    actor: Actor,
    trust: str | None = None,
    known_at: datetime | None = None,
) -> tuple[CostCentreEntry, ...]:
    """List the entries that stand, by trust, algorithm and day; a reader within one trust gets that trust's.

    Raises `NotFound` for a trust outside the agreement or the reader's scope.
    """
    actor.require("read")
    scope = actor.scope("read")
    if trust is not None and (trust not in _trusts(session, agreement_id) or scope not in (None, trust)):
        raise NotFound(f"there is no trust '{trust}' in this agreement")
    wanted = trust or scope
    return tuple(entry for entry in register(session, agreement_id, known_at).entries if wanted in (None, entry.trust))


def register(session: Session, agreement_id: int, known_at: datetime | None = None) -> Register:
    """Give the whole register as known, for use cases that look up in it."""
    rows = session.execute(
        select(CostCentre, Organisation.code, Algorithm.code)
        .join(Organisation, Organisation.id == CostCentre.trust_id)
        .outerjoin(Algorithm, Algorithm.id == CostCentre.algorithm_id)
        .where(CostCentre.agreement_id == agreement_id, known(CostCentre, known_at))
    )
    entries = (_entry(row, trust, algorithm) for row, trust, algorithm in rows)
    return Register(tuple(sorted(entries, key=lambda each: (each.trust, each.algorithm or "", each.valid_from))))


def find_cost_centre(
    session: Session, *, agreement_id: int, entry_id: int, actor: Actor, known_at: datetime | None = None
) -> CostCentreEntry:
    """Find an entry that stands; one of another trust is as unknown as one that does not exist."""
    listed = list_cost_centres(session, agreement_id=agreement_id, actor=actor, known_at=known_at)
    found = next((entry for entry in listed if entry.id == entry_id), None)
    if found is None:
        raise NotFound(f"there is no entry {entry_id} of a cost centre")
    return found


def add_cost_centre(
    session: Session,
    *,
    agreement_id: int,
    trust: str,
    algorithm: str | None,
    valid_from: date,
    booking: Booking,
    actor: Actor,
    now: datetime,
) -> CostCentreEntry:
    """Record where a trust's amounts are booked from a day on; the same entry again is the one there.

    Raises `InvalidInput` for texts and codes that are none, `Conflict` where that day has another entry: correct that one.
    """
    actor.require(ACT)
    agreements.lock_agreement(session, agreement_id)
    invalid(_findings(session, agreement_id, trust, algorithm, booking, actor))
    for entry in register(session, agreement_id).entries:
        if (entry.trust, entry.algorithm, entry.valid_from) == (trust, algorithm, valid_from):
            if entry.booking == booking:
                return entry
            raise Conflict("entry_exists", f"there is an entry of {valid_from.isoformat()} already: correct that one")
    return _record(session, agreement_id, trust, algorithm, valid_from, booking, None, actor, now)


def correct_cost_centre(
    session: Session,
    *,
    agreement_id: int,
    entry_id: int,
    valid_from: date,
    booking: Booking,
    actor: Actor,
    now: datetime,
) -> CostCentreEntry:
    """Put another entry in the place of one that was wrong; the wrong one stays readable as of before.

    Raises `NotFound` where the entry does not stand, `Conflict` where the new day has another entry.
    """
    actor.require(ACT)
    agreements.lock_agreement(session, agreement_id)
    before = find_cost_centre(session, agreement_id=agreement_id, entry_id=entry_id, actor=actor)
    invalid(_findings(session, agreement_id, before.trust, before.algorithm, booking, actor))
    for entry in register(session, agreement_id).entries:
        key = (entry.trust, entry.algorithm, entry.valid_from)
        if entry.id != entry_id and key == (before.trust, before.algorithm, valid_from):
            raise Conflict("entry_exists", f"there is an entry of {valid_from.isoformat()} already: correct that one")
    if (before.valid_from, before.booking) == (valid_from, booking):
        return before
    return _record(session, agreement_id, before.trust, before.algorithm, valid_from, booking, before.id, actor, now)


def take_back_cost_centre(session: Session, *, agreement_id: int, entry_id: int, actor: Actor, now: datetime) -> None:
    """Take an entry back: what stood before it counts again."""
    actor.require(ACT)
    agreements.lock_agreement(session, agreement_id)
    before = find_cost_centre(session, agreement_id=agreement_id, entry_id=entry_id, actor=actor)
    actor.require(ACT, before.trust)
    _add(
        session,
        agreement_id,
        before.trust,
        before.algorithm,
        before.valid_from,
        before.booking,
        before.id,
        actor,
        now,
        void=True,
    )
    _log(session, agreement_id, "cost_centre.take_back", before.trust, {"entry": before.id}, actor, now)


def set_payer(
    session: Session, *, agreement_id: int, start: date, who: Payer, actor: Actor, now: datetime
) -> tuple[PayerStep, ...]:
    """Record who pays the vendor from a day on, and give the whole course of it.

    Raises `InvalidInput` for a day outside the agreement, `Denied` for a role that is kept to one trust.
    """
    actor.require(ACT)
    if actor.scope(ACT) is not None:
        raise Denied("who pays is the same for all trusts: this needs a role that is not kept to one")
    agreements.lock_agreement(session, agreement_id)
    summary = agreements.agreement_summary(session, agreement_id)
    if not summary.term.period.contains(start):
        invalid([Finding("#/from", "outside", "the day lies outside the agreement")])
    payers.record_payers(session, agreement_id, [PayerStep(start, who)], recorded_at=now, recorded_by=actor.id)
    _log(session, agreement_id, "payer.set", who, {"from": start.isoformat()}, actor, now)
    return payers.payer_steps(session, agreement_id)


def _findings(
    session: Session, agreement_id: int, trust: str, algorithm: str | None, booking: Booking, actor: Actor
) -> Iterator[Finding]:
    if trust not in _trusts(session, agreement_id):
        yield Finding("#/trust", "unknown_trust", f"'{trust}' is not on the agreement's list of option holders")
    elif not actor.may(ACT, trust):
        raise Denied(f"your roles do not allow this: {ACT}")
    if algorithm is not None and algorithm not in {each.code for each in agreements.marketplace(session, agreement_id)}:
        yield Finding("#/algorithm", "unknown_algorithm", f"'{algorithm}' is not on the agreement's list of algorithms")
    for name, value in asdict(booking).items():
        if value is None:
            continue
        if not value.strip() or value != value.strip() or not value.isprintable():
            yield Finding(f"#/{name}", "blank", "a text without blanks around it")
        elif len(value) > LONGEST:
            yield Finding(f"#/{name}", "too_long", f"at most {LONGEST} characters")


def _trusts(session: Session, agreement_id: int) -> set[str]:
    return {holder.party.code for holder in agreements.option_holders(session, agreement_id)}


def _record(
    session: Session,
    agreement_id: int,
    trust: str,
    algorithm: str | None,
    valid_from: date,
    booking: Booking,
    supersedes: int | None,
    actor: Actor,
    now: datetime,
) -> CostCentreEntry:
    row = _add(session, agreement_id, trust, algorithm, valid_from, booking, supersedes, actor, now)
    facts: dict[str, Any] = {"algorithm": algorithm, "valid_from": valid_from.isoformat(), **asdict(booking)}
    _log(session, agreement_id, "cost_centre.set", trust, facts | {"supersedes": supersedes}, actor, now)
    return _entry(row, trust, algorithm)


def _add(
    session: Session,
    agreement_id: int,
    trust: str,
    algorithm: str | None,
    valid_from: date,
    booking: Booking,
    supersedes: int | None,
    actor: Actor,
    now: datetime,
    *,
    void: bool = False,
) -> CostCentre:
    row = CostCentre(
        agreement_id=agreement_id,
        trust_id=session.scalars(select(Organisation.id).where(Organisation.code == trust)).one(),
        algorithm_id=None
        if algorithm is None
        else session.scalars(select(Algorithm.id).where(Algorithm.code == algorithm)).one(),
        valid_from=valid_from,
        **asdict(booking),
        void=void,
        supersedes_id=supersedes,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    return row


def _entry(row: CostCentre, trust: str, algorithm: str | None) -> CostCentreEntry:
    booking = Booking(row.cost_centre, row.account, row.accrual_account, row.project, row.vat_code)
    return CostCentreEntry(row.id, trust, algorithm, row.valid_from, booking, row.recorded_at, row.recorded_by)


def _log(
    session: Session, agreement_id: int, action: str, about: str, data: dict[str, Any], actor: Actor, now: datetime
) -> None:
    code = agreements.agreement_summary(session, agreement_id).code
    audit.record(session, action, f"agreement:{code}/{about}", data, actor.id, now)
