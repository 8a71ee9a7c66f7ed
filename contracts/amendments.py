"""The agreement's own life: extensions taken up, changes on a typed ground, new maximum values, termination.

A contract manager drafts, an approver who is somebody else decides. Only then does anything change: the terms, the extension
and the options' last days get new rows from that moment on, and the old ones stay readable as what was known before. Nothing
is decided on terms that have changed since they were drafted on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from contracts import agreements, audit, ceiling, effects, models, price_books
from contracts.agreements import AgreementSummary, amendment_of
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models.base import known, recorded_by_then
from contracts.people.access import Actor
from contracts.terms import amendment as rules
from contracts.terms.agreement import SETTLED_OPTIONS, Extension
from contracts.terms.amendment import Amendment, Proposal, Recorded, State, Step
from contracts.terms.contradictions import terms_errors
from contracts.terms.effect import Change
from contracts.terms.money import ZERO, format_amount
from contracts.terms.price_book import AgreementTerm

LONGEST_TITLE = 200
LONGEST_REASON = 2000


def next_extension(session: Session, agreement_id: int, known_at: datetime | None = None) -> Extension | None:
    """Give the agreed extension that would follow the term as it stands, or ``None`` where none is left."""
    end = agreements.agreement_summary(session, agreement_id, known_at).term.end
    for extension in agreements.extensions(session, agreement_id, known_at):
        if extension.taken_up_on is None and extension.start <= end < extension.end:
            return extension
    return None


def draft(
    session: Session, *, agreement_id: int, proposal: Proposal, actor: Actor, now: datetime, today: date
) -> Recorded:
    """Draft a change of an agreement. Raises `InvalidInput` with everything that stands in its way."""
    _require(actor, "amendment.draft")
    agreements.lock_agreement(session, agreement_id)
    summary = agreements.agreement_summary(session, agreement_id)
    standing = _terms(session, agreement_id)
    extension = next_extension(session, agreement_id) if proposal.kind == "extension" else None
    number = 1 + (
        session.scalar(select(func.max(models.Amendment.number)).where(models.Amendment.agreement_id == agreement_id))
        or 0
    )
    made = _made(proposal, number, summary, extension, original_value(session, agreement_id))
    effect = effects.effect_of(session, agreement_id, _change(made), today)
    cost = None if effect is None else effect.expected
    if made.kind == "change" and made.value_change is None and made.new_maximum is None and made.new_end is not None:
        made = replace(made, value_change=cost)
    findings = [*_findings(session, agreement_id, made, summary, extension, cost, today)]
    if (
        made.kind == "change"
        and made.new_maximum is None
        and cost is not None
        and cost > max(made.value_change or ZERO, ZERO)
    ):
        detail = f"it costs {format_amount(cost)} to the agreement's end: its value is at least that"
        findings.append(Finding("#/value_change", "below_cost", detail))
    invalid(findings)
    row = models.Amendment(
        agreement_id=agreement_id,
        terms_id=standing.id,
        **{name: getattr(made, name) for name in agreements.AMENDMENT_FIELDS},
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    _step(session, row, 0, "drafted", actor, now, today, "")
    return find(session, agreement_id, number)


def approve(
    session: Session,
    *,
    agreement_id: int,
    number: int,
    actor: Actor,
    now: datetime,
    today: date,
    reason: str = "",
    given_in_time: bool = False,
    delegation: int | None = None,
    allow_over: bool = False,
) -> Recorded:
    """Approve a draft; once enough people have, it takes effect. Nobody approves what they drafted.

    ``given_in_time`` says on purpose that the vendor had the notice of an extension before its last day, though the
    approval comes after it; ``allow_over`` that it may go over what an override was asked for; ``delegation`` is in whose
    place the actor approves. Raises `Denied`, `Refused` with every guard that its cost to the end meets, `Conflict` where it
    is decided already, the terms have changed since or the maximum would fall below what is used, and `InvalidInput`.
    """
    row = _open(session, agreement_id, number, actor, reason, delegation)
    if row.recorded_by == actor.id:
        raise Denied("who drafted an amendment does not approve it: another approver does")
    standing = _terms(session, agreement_id)
    if standing.id != row.terms_id:
        raise Conflict("terms_changed", "the agreement's terms have changed since this was drafted: draft it anew")
    summary = agreements.agreement_summary(session, agreement_id)
    made = amendment_of(row)
    extension = next_extension(session, agreement_id) if made.kind == "extension" else None
    act = _act(row)
    weighed = effects.weigh(session, act, today)
    cost = None if weighed.effect is None else weighed.effect.expected
    invalid([*_findings(session, agreement_id, made, summary, extension, cost, today)])
    if extension is not None:
        last = rules.notice_deadline(summary.term.end, extension.notice_months)
        if today > last and not given_in_time:
            detail = f"the last day of notice was {last.isoformat()}: say that the vendor had it by then"
            invalid([Finding("#/given_in_time", "late", detail)])
    _require_headroom(session, agreement_id, made)
    if made.new_end is not None and made.new_end < summary.term.end:
        price_books.require_open(session, agreement_id, made.new_end)
    if not effects.approve(
        session,
        act,
        weighed,
        delegation=delegation,
        allow_over=allow_over,
        comment=reason,
        actor=actor,
        now=now,
        today=today,
    ):
        return find(session, agreement_id, number)
    if extension is not None:
        _take_up(session, agreement_id, extension, made.signed_on, actor, now)
    _supersede_terms(session, standing, made, actor, now)
    if made.options_until is not None:
        _move_options(session, agreement_id, row.id, made.options_until, actor, now)
    _step(session, row, 1, "approved", actor, now, today, reason)
    ceiling.moved(session, agreement_id=agreement_id, recorded_by=actor.id, now=now)
    return find(session, agreement_id, number)


def weigh(session: Session, *, agreement_id: int, number: int, today: date) -> effects.Weighed:
    """Give what a draft costs to the agreement's end and every guard that decides on it, as `approve` asks them."""
    return effects.weigh(session, _act(_row(session, agreement_id, number)), today)


def ask_override(
    session: Session, *, agreement_id: int, number: int, reason: str, actor: Actor, now: datetime, today: date
) -> effects.Override:
    """Ask to let a draft go over what refuses it, and say why. Raises as `effects.ask_override` does."""
    agreements.lock_agreement(session, agreement_id)
    row = _row(session, agreement_id, number)
    session.refresh(row, ["course"])
    _undecided(row)
    return effects.ask_override(session, _act(row), reason=reason, actor=actor, now=now, today=today)


def reject(
    session: Session, *, agreement_id: int, number: int, reason: str, actor: Actor, now: datetime, today: date
) -> Recorded:
    """Reject a draft, with the reason. Raises as `approve` does."""
    row = _open(session, agreement_id, number, actor, reason)
    if row.recorded_by == actor.id:
        raise Denied("who drafted an amendment does not decide on it: another approver does")
    if not reason.strip():
        invalid([Finding("#/reason", "missing", "say why it is rejected")])
    _step(session, row, 1, "rejected", actor, now, today, reason)
    return find(session, agreement_id, number)


def withdraw(session: Session, *, agreement_id: int, number: int, actor: Actor, now: datetime, today: date) -> Recorded:
    """Take a draft back before it is decided on."""
    _require(actor, "amendment.draft")
    agreements.lock_agreement(session, agreement_id)
    row = _row(session, agreement_id, number)
    _undecided(row)
    _step(session, row, 1, "withdrawn", actor, now, today, "")
    return find(session, agreement_id, number)


def announce(
    session: Session,
    *,
    agreement_id: int,
    number: int,
    on: date,
    reference: str,
    actor: Actor,
    now: datetime,
    today: date,
) -> Recorded:
    """Record that a change was announced on a day, and where. Raises `Conflict` where nothing is to be announced."""
    _require(actor, "amendment.draft")
    agreements.lock_agreement(session, agreement_id)
    row = _row(session, agreement_id, number)
    if row.course[-1].state != "approved" or amendment_of(row).announce_by is None:
        raise Conflict("nothing_to_announce", f"amendment {number} has nothing to announce, or has been announced")
    findings = []
    if on > today or on < row.signed_on:
        findings.append(Finding("#/on", "outside", "it is announced after its signing and not in the future"))
    if not reference.strip() or len(reference) > LONGEST_REASON:
        findings.append(Finding("#/reason", "missing", "say where it is announced, such as the notice's number"))
    invalid(findings)
    _step(session, row, 2, "announced", actor, now, on, reference)
    return find(session, agreement_id, number)


def list_amendments(session: Session, agreement_id: int, known_at: datetime | None = None) -> list[Recorded]:
    """List the amendments of an agreement by number, each as known."""
    query = (
        select(models.Amendment).where(models.Amendment.agreement_id == agreement_id).order_by(models.Amendment.number)
    )
    rows = list(session.scalars(recorded_by_then(query, models.Amendment, known_at)))
    standing = _terms(session, agreement_id, known_at).id
    in_force: list[Amendment] = []
    found = []
    for row in rows:
        made = amendment_of(row, known_at)
        upto = [*in_force, made]
        notice = None
        if made.kind == "extension" and made.extension_from is not None:
            notice = _notice_of(session, agreement_id, row, known_at)
        found.append(
            Recorded(
                amendment=made,
                course=tuple(
                    Step(state.state, state.on, state.reason, state.recorded_by, state.recorded_at)  # type: ignore[arg-type]  # checked by the table
                    for state in row.course
                    if known_at is None or state.recorded_at <= known_at
                ),
                minor=rules.cumulative(upto, "minor"),
                all_changes=rules.cumulative(upto),
                notice_by=notice,
                current=row.terms_id == standing,
            )
        )
        if made.approved_on is not None:
            in_force.append(made)
    return found


def find(session: Session, agreement_id: int, number: int, known_at: datetime | None = None) -> Recorded:
    """Find an amendment by its number; `NotFound` where there is none, or was none yet."""
    row = _row(session, agreement_id, number)
    session.refresh(row, ["course"])
    for one in list_amendments(session, agreement_id, known_at):
        if one.amendment.number == number:
            return one
    raise _unknown(number)


def _made(
    proposal: Proposal,
    number: int,
    summary: AgreementSummary,
    extension: Extension | None,
    original: Decimal | None,
) -> Amendment:
    value = proposal.value_change
    if value is None and proposal.new_maximum is not None and summary.maximum_value is not None:
        value = proposal.new_maximum - summary.maximum_value
    return Amendment(
        number=number,
        kind=proposal.kind,
        basis=proposal.basis,
        title=proposal.title.strip(),
        reason=proposal.reason.strip(),
        clause=proposal.clause.strip() or ("" if extension is None else extension.clause),
        signed_on=proposal.signed_on,
        value_change=value,
        original_value=original,
        new_maximum=proposal.new_maximum,
        new_end=extension.end if extension is not None else proposal.new_end,
        extension_from=None if extension is None else extension.start,
        options_until=proposal.options_until,
        vendor_name=proposal.vendor_name.strip(),
        vendor_number=proposal.vendor_number.strip(),
    )


def _change(made: Amendment) -> Change:
    return Change(new_end=made.new_end, new_maximum=made.new_maximum)


def _act(row: models.Amendment) -> effects.Act:
    """Give a draft as an act to be approved: an approval is of everything that it says, and of the terms it was drafted on."""
    made = amendment_of(row)
    return effects.Act(
        agreement_id=row.agreement_id,
        subject=f"amendment:{row.id}",
        says={name: getattr(made, name) for name in agreements.AMENDMENT_FIELDS} | {"terms": row.terms_id},
        change=_change(made),
        authors=frozenset({row.recorded_by}),
        approval="amendment.approve",
        value=made.value_change or ZERO,
    )


def _findings(
    session: Session,
    agreement_id: int,
    made: Amendment,
    summary: AgreementSummary,
    extension: Extension | None,
    cost: Decimal | None,
    today: date,
) -> Iterator[Finding]:
    if not made.title or len(made.title) > LONGEST_TITLE:
        yield Finding("#/title", "missing", f"a title of at most {LONGEST_TITLE} characters is needed")
    if not made.reason or len(made.reason) > LONGEST_REASON:
        yield Finding("#/reason", "missing", f"a reason of at most {LONGEST_REASON} characters is needed")
    if len(made.clause) > LONGEST_TITLE:
        yield Finding("#/clause", "too_long", f"at most {LONGEST_TITLE} characters")
    if made.signed_on > today:
        yield Finding("#/signed_on", "in_the_future", "the day lies in the future")
    if made.kind != "change" and made.basis != "clause":
        yield Finding("#/basis", "not_for_this", "an extension or a termination rests on a clause")
    if made.kind != "change" and (made.value_change is not None or made.new_maximum is not None):
        yield Finding("#/new_maximum", "not_for_this", "a new value is a change of its own")
    yield from _value_findings(made, summary)
    if made.kind == "extension":
        yield from _extension_findings(made, summary, extension)
    if made.kind == "termination":
        yield from _termination_findings(made, summary)
    if made.kind == "change" and made.new_end is not None and made.new_end == summary.term.end:
        yield Finding("#/new_end", "no_change", "that is the last day already")
    if made.kind == "change" and made.new_maximum is None and made.new_end is None and made.value_change is None:
        yield Finding("#/value_change", "missing", "say what the change is worth, 0 where it is worth nothing")
    end = made.new_end or summary.term.end
    if made.new_end is not None:
        if made.new_end <= summary.term.start:
            yield Finding("#/new_end", "before_start", "the agreement ends after it starts")
        else:
            yield from _unpriceable(session, agreement_id, summary, made.new_end)
    if made.options_until is not None and not today <= made.options_until < end:
        yield Finding(
            "#/options_until", "outside", "options can be exercised from today until the agreement's last day"
        )
    in_force = [one for one in agreements.amendments(session, agreement_id) if one.approved_on is not None]
    if len(made.vendor_name) > LONGEST_TITLE:
        yield Finding("#/vendor_name", "too_long", f"at most {LONGEST_TITLE} characters")
    yield from rules.beyond_its_ground(made, in_force, cost)


def _value_findings(made: Amendment, summary: AgreementSummary) -> Iterator[Finding]:
    if made.new_maximum is None:
        return
    if made.new_maximum < 0:
        yield Finding("#/new_maximum", "negative", "a maximum value is not negative")
    if summary.maximum_value is None:
        return
    if made.new_maximum == summary.maximum_value:
        yield Finding("#/new_maximum", "no_change", "that is the maximum value already")
    elif made.value_change != made.new_maximum - summary.maximum_value:
        difference = format_amount(made.new_maximum - summary.maximum_value)
        yield Finding("#/value_change", "differs", f"the new maximum changes the value by {difference}")


def _extension_findings(made: Amendment, summary: AgreementSummary, extension: Extension | None) -> Iterator[Finding]:
    if extension is None:
        yield Finding("#/kind", "no_extension", "no agreed extension follows the term as it stands")
        return
    last = rules.notice_deadline(summary.term.end, extension.notice_months)
    if made.signed_on > last:
        detail = f"the last day of notice was {last.isoformat()}, counted from the term's end as it stands"
        yield Finding("#/signed_on", "too_late", detail)


def _termination_findings(made: Amendment, summary: AgreementSummary) -> Iterator[Finding]:
    if made.new_end is None:
        yield Finding("#/new_end", "missing", "say which day is the agreement's last")
    elif made.new_end >= summary.term.end:
        yield Finding("#/new_end", "not_earlier", "a termination ends the agreement before its term is over")
    elif made.new_end <= made.signed_on:
        yield Finding("#/new_end", "before_notice", "the agreement lasts at least to the day of the notice")
    if not made.clause:
        yield Finding("#/clause", "missing", "a termination names the clause that allows it")


def _unpriceable(session: Session, agreement_id: int, summary: AgreementSummary, end: date) -> Iterator[Finding]:
    term = AgreementTerm(summary.term.start, end, summary.term.currency)
    book = price_books.price_book(session, agreement_id)
    running = [row.to_term() for row in agreements.activations(session, agreement_id)]
    for finding in terms_errors(term, book, running):
        yield Finding("#/new_end", finding.code, finding.detail)


def _require_headroom(session: Session, agreement_id: int, made: Amendment) -> None:
    if made.new_maximum is None:
        return
    standing = ceiling.standing(session, agreement_id)
    taken = standing.used + standing.open
    headroom = None if standing.maximum is None else standing.maximum - taken
    if made.new_maximum < taken and (headroom is None or headroom >= 0):
        detail = f"{format_amount(taken)} is used or reserved: a maximum of {format_amount(made.new_maximum)} would be exceeded"
        raise Conflict("below_used", detail)


def _take_up(session: Session, agreement_id: int, extension: Extension, on: date, actor: Actor, now: datetime) -> None:
    row = session.scalars(
        select(models.AgreementExtension).where(
            models.AgreementExtension.agreement_id == agreement_id,
            models.AgreementExtension.from_on == extension.start,
            known(models.AgreementExtension, None),
        )
    ).one()
    session.add(
        models.AgreementExtension(
            agreement_id=agreement_id,
            from_on=row.from_on,
            to_on=row.to_on,
            clause=row.clause,
            taken_up_on=on,
            notice_months=row.notice_months,
            void=False,
            supersedes_id=row.id,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )


def _supersede_terms(
    session: Session, standing: models.AgreementTerms, made: Amendment, actor: Actor, now: datetime
) -> None:
    session.add(
        models.AgreementTerms(
            agreement_id=standing.agreement_id,
            name=standing.name,
            reference=standing.reference,
            start_on=standing.start_on,
            end_on=made.new_end or standing.end_on,
            currency=standing.currency,
            estimated_value=standing.estimated_value,
            maximum_value=standing.maximum_value if made.new_maximum is None else made.new_maximum,
            vat_rate=standing.vat_rate,
            payment_days=standing.payment_days,
            void=False,
            supersedes_id=standing.id,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()


def _move_options(
    session: Session, agreement_id: int, amendment_id: int, until: date, actor: Actor, now: datetime
) -> None:
    """Move the last day of every option that is neither used nor given up; a lapsed one stays lapsed."""
    states = {one.party.code: one.state for one in agreements.option_holders(session, agreement_id)}
    rows = session.execute(
        select(models.Option, models.Organisation.code)
        .join(models.Organisation, models.Organisation.id == models.Option.trust_id)
        .where(models.Option.agreement_id == agreement_id)
        .order_by(models.Option.id)
    )
    for option, trust in rows.all():
        if states.get(trust, "lapsed") in SETTLED_OPTIONS | {"lapsed"}:
            continue
        session.add(
            models.OptionDeadline(
                option_id=option.id,
                deadline_on=until,
                amendment_id=amendment_id,
                recorded_at=now,
                recorded_by=actor.id,
            )
        )
        session.flush()


def _notice_of(session: Session, agreement_id: int, row: models.Amendment, known_at: datetime | None) -> date | None:
    standing = session.get_one(models.AgreementTerms, row.terms_id)
    for extension in agreements.extensions(session, agreement_id, known_at):
        if extension.start == row.extension_from:
            return rules.notice_deadline(standing.end_on, extension.notice_months)
    return None


def original_value(session: Session, agreement_id: int) -> Decimal | None:
    """Give the value that percentages are of: the estimate that was first recorded, else the first maximum."""
    first = session.scalars(
        select(models.AgreementTerms)
        .where(models.AgreementTerms.agreement_id == agreement_id)
        .order_by(models.AgreementTerms.id)
        .limit(1)
    ).one()
    return first.maximum_value if first.estimated_value is None else first.estimated_value


def _terms(session: Session, agreement_id: int, known_at: datetime | None = None) -> models.AgreementTerms:
    return session.scalars(
        select(models.AgreementTerms).where(
            models.AgreementTerms.agreement_id == agreement_id, known(models.AgreementTerms, known_at)
        )
    ).one()


def _open(
    session: Session, agreement_id: int, number: int, actor: Actor, reason: str, delegation: int | None = None
) -> models.Amendment:
    if delegation is None:
        _require(actor, "amendment.approve")
    if len(reason) > LONGEST_REASON:
        invalid([Finding("#/reason", "too_long", f"at most {LONGEST_REASON} characters")])
    agreements.lock_agreement(session, agreement_id)
    row = _row(session, agreement_id, number)
    session.refresh(row, ["course"])
    _undecided(row)
    return row


def _undecided(row: models.Amendment) -> None:
    state = row.course[-1].state
    if state != "drafted":
        raise Conflict("amendment_decided", f"amendment {row.number} is {state} already")


def _row(session: Session, agreement_id: int, number: int) -> models.Amendment:
    row = session.scalar(
        select(models.Amendment).where(models.Amendment.agreement_id == agreement_id, models.Amendment.number == number)
    )
    if row is None:
        raise _unknown(number)
    return row


def _step(
    session: Session,
    row: models.Amendment,
    position: int,
    state: State,
    actor: Actor,
    now: datetime,
    on: date,
    reason: str,
) -> None:
    session.add(
        models.AmendmentState(
            amendment_id=row.id,
            position=position,
            state=state,
            on=on,
            reason=reason.strip(),
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    audit.record(
        session,
        f"amendment.{state}",
        f"amendment:{row.id}",
        {
            "agreement": row.agreement_id,
            "number": row.number,
            "kind": row.kind,
            "basis": row.basis,
            "value_change": None if row.value_change is None else format_amount(row.value_change),
            "new_maximum": None if row.new_maximum is None else format_amount(row.new_maximum),
            "new_end": None if row.new_end is None else row.new_end.isoformat(),
            "on": on.isoformat(),
        },
        actor.id,
        now,
    )


def _require(actor: Actor, act: str) -> None:
    actor.require(act)
    if actor.scope(act) is not None:
        raise Denied("an agreement is for all its trusts: this needs a role that is not kept to one")


def _unknown(number: int) -> NotFound:
    return NotFound(f"there is no amendment {number}")


__all__ = [
    "Proposal",
    "Recorded",
    "Step",
    "announce",
    "approve",
    "ask_override",
    "draft",
    "find",
    "list_amendments",
    "next_extension",
    "original_value",
    "reject",
    "weigh",
    "withdraw",
]
