"""Drafts of price-book versions: made, revised, checked, submitted, decided on by another person, put in force.

A draft never touches what is in force. Every change is a further revision, every step a further event, and an approval
writes one new version beside the others, with the charges of exactly the revision that was decided on. Each use case takes
the draft's lock, looks at what the caller had seen (``seen``, the number of the newest revision) and refuses with
`Conflict` where somebody else was first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from contracts import agreements, audit, ceiling, effects, models, price_books
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models.base import LARGEST_ID, recorded_by_then
from contracts.people.access import Actor
from contracts.schemas.price_book import dump_version, load_version
from contracts.terms.effect import Change
from contracts.terms.indexation import REQUESTED
from contracts.terms.period import Period
from contracts.terms.price_book import PriceBook, PriceBookVersion, check, covers, errors_of
from contracts.terms.price_draft import TRANSITIONS, Event, State, refusal, state_after
from contracts.terms.price_model import Charge, UsageCharge

LONGEST_TEXT = 2000
LONGEST_CLAUSE = 200
_POINTER = "#/price_book"


@dataclass(frozen=True, slots=True)
class Content:
    """Hold what a revision says: the version it would become, and a note to whoever reads it."""

    valid_from: date
    clause: str
    charges: tuple[Charge, ...]
    note: str = ""

    def to_version(self) -> PriceBookVersion:
        """Return the version that this would be."""
        return PriceBookVersion(self.valid_from, self.clause, self.charges)


@dataclass(frozen=True, slots=True)
class Consequence:
    """Hold what a draft would change, as it was told to whoever took a step: kroner of the days [first, until)."""

    first: date
    until: date
    old: Decimal
    new: Decimal

    @property
    def change(self) -> Decimal:
        """Return new less old."""
        return self.new - self.old


@dataclass(frozen=True, slots=True)
class Revision:
    """Hold one revision: its number from 1, what it says, and whose it is."""

    number: int
    content: Content
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """Hold one event of a draft's course, about revision number ``revision``."""

    event: Event
    revision: int
    comment: str
    by: str
    at: datetime
    consequence: Consequence | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Hold a draft as it stands; ``based_on`` is the first day of the version it was copied from, None for a new one."""

    id: int
    agreement_id: int
    based_on: date | None
    revisions: tuple[Revision, ...]
    steps: tuple[Step, ...]
    made_by: str
    made_at: datetime

    @property
    def state(self) -> State:
        """Return what the events have led to."""
        return state_after(step.event for step in self.steps)

    @property
    def newest(self) -> Revision:
        """Return what the draft says now."""
        return self.revisions[-1]

    @property
    def authors(self) -> frozenset[str]:
        """Return everybody who had a hand in it and therefore does not decide on it."""
        submitters = (step.by for step in self.steps if step.event == "submit")
        return frozenset((self.made_by, *(revision.by for revision in self.revisions), *submitters))

    def may(self, event: Event, actor: Actor) -> bool:
        """Tell whether an actor may bring about an event now."""
        return _may_act(actor, event) and refusal(self.state, event, actor=actor.id, authors=self.authors) is None


def create_draft(
    session: Session, *, agreement_id: int, content: Content, based_on: date | None, actor: Actor, now: datetime
) -> Draft:
    """Make a draft with its first revision.

    Raises `InvalidInput` where a text is too long, `Denied` where the actor may not draft for all trusts.
    """
    _require(actor, "revise")
    invalid(_text_findings(content))
    row = models.PriceBookDraft(agreement_id=agreement_id, based_on=based_on, recorded_at=now, recorded_by=actor.id)
    session.add(row)
    session.flush()
    _add_revision(session, row.id, 1, content, actor, now)
    _log(session, "create", row.id, {"revision": 1, **_described(content)}, actor, now)
    return _draft(session, row.id)


def revise_draft(session: Session, *, draft_id: int, seen: int, content: Content, actor: Actor, now: datetime) -> Draft:
    """Add a revision to a draft whose newest revision is number ``seen``.

    Raises `Conflict` (``stale_revision``) where there is a newer one, (``wrong_state``) where it is no longer a draft.
    """
    draft = _locked(session, draft_id, "revise", seen, actor)
    invalid(_text_findings(content))
    if content == draft.newest.content:
        return draft
    _add_revision(session, draft_id, seen + 1, content, actor, now)
    _log(session, "revise", draft_id, {"revision": seen + 1, **_described(content)}, actor, now)
    return _draft(session, draft_id)


def submit_draft(
    session: Session,
    *,
    draft_id: int,
    seen: int,
    comment: str = "",
    consequence: Consequence | None = None,
    actor: Actor,
    now: datetime,
) -> Draft:
    """Send a draft to approval; `InvalidInput` with everything its check refuses."""
    draft = _locked(session, draft_id, "submit", seen, actor)
    invalid(errors_of(check_draft(session, draft)))
    return _step(session, draft, "submit", comment, consequence, actor, now)


def return_draft(session: Session, *, draft_id: int, seen: int, comment: str, actor: Actor, now: datetime) -> Draft:
    """Send a submitted draft back to its authors with a comment; the same draft can be revised and submitted again."""
    draft = _locked(session, draft_id, "return", seen, actor, comment)
    return _step(session, draft, "return", comment, None, actor, now)


def withdraw_draft(
    session: Session, *, draft_id: int, seen: int, comment: str = "", actor: Actor, now: datetime
) -> Draft:
    """Give a draft up; it stays readable."""
    draft = _locked(session, draft_id, "withdraw", seen, actor)
    return _step(session, draft, "withdraw", comment, None, actor, now)


def approve_draft(
    session: Session,
    *,
    draft_id: int,
    seen: int,
    comment: str = "",
    consequence: Consequence | None = None,
    actor: Actor,
    now: datetime,
    today: date,
    retroactive: bool = False,
    delegation: int | None = None,
    allow_over: bool = False,
) -> Draft:
    """Approve a submitted draft; once enough people have, one new version is in force and no row that stands is changed.

    ``delegation`` is in whose place the actor approves, ``allow_over`` lets it go over what an override was asked for.

    Where that day lies before ``today``, amounts of days gone by would change: that needs ``retroactive`` said on purpose,
    and days that are closed (`price_books.respect`) never change. Raises `Conflict` (``own_draft``) for whoever had a hand
    in it and (``closed_past``) where it reaches into the closed past, and `InvalidInput` where the book has moved on since
    it was submitted so that the draft no longer fits it, `Refused` with every guard that its cost to the end meets.
    """
    draft = _locked(session, draft_id, "approve", seen, actor, deputy=delegation is not None)
    first = draft.newest.content.valid_from
    price_books.require_open(session, draft.agreement_id, first)
    invalid(errors_of(check_draft(session, draft)))
    if first < today and not retroactive:
        detail = f"prices from {first.isoformat()} on would change for days gone by: say retroactive to approve that"
        invalid([Finding("#/retroactive", "retroactive", detail)])
    act = _act(draft)
    weighed = effects.weigh(session, act, today)
    if not effects.approve(
        session,
        act,
        weighed,
        delegation=delegation,
        allow_over=allow_over,
        comment=comment,
        actor=actor,
        now=now,
        today=today,
    ):
        return draft
    version_id = price_books.record_version(
        session, draft.agreement_id, draft.newest.content.to_version(), recorded_at=now, recorded_by=actor.id
    )
    approved = _step(session, draft, "approve", comment, consequence, actor, now, version_id)
    ceiling.moved(session, agreement_id=draft.agreement_id, recorded_by=actor.id, now=now)
    return approved


def weigh(session: Session, draft: Draft, today: date) -> effects.Weighed:
    """Give what a draft costs to the agreement's end and every guard that decides on it, as `approve_draft` asks them."""
    return effects.weigh(session, _act(draft), today)


def ask_override(
    session: Session, *, draft_id: int, seen: int, reason: str, actor: Actor, now: datetime, today: date
) -> effects.Override:
    """Ask to let a submitted draft go over what refuses it, and say why. Raises as `effects.ask_override` does."""
    agreements.lock_agreement(session, _draft(session, draft_id).agreement_id)
    draft = _draft(session, draft_id)
    if draft.state != "submitted":
        raise Conflict("wrong_state", f"the draft is {draft.state}: it waits for no approval")
    _as_seen(draft, seen)
    return effects.ask_override(session, _act(draft), reason=reason, actor=actor, now=now, today=today)


def _act(draft: Draft) -> effects.Act:
    version = draft.newest.content.to_version()
    return effects.Act(
        agreement_id=draft.agreement_id,
        subject=f"price-book-draft:{draft.id}",
        says={"revision": draft.newest.number, "version": dump_version(version)},
        change=Change(version=version),
        authors=draft.authors,
        approval=TRANSITIONS["approve"].act,
    )


def find_draft(session: Session, *, draft_id: int, actor: Actor, known_at: datetime | None = None) -> Draft:
    """Give a draft as known at ``known_at`` (``None``: now), with the revisions and the steps there were by then.

    `NotFound` where there is none, or where the reader is kept to one trust: drafts are negotiations.
    """
    draft = _draft(session, draft_id, known_at)
    if not actor.may("read") or actor.scope("read") is not None:
        raise NotFound(f"there is no draft {draft_id}")
    return draft


def list_drafts(session: Session, *, agreement_id: int, actor: Actor, known_at: datetime | None = None) -> list[Draft]:
    """List an agreement's drafts as known, the newest first; none for a reader within one trust."""
    if not actor.may("read") or actor.scope("read") is not None:
        return []
    listed = (
        select(models.PriceBookDraft.id)
        .where(models.PriceBookDraft.agreement_id == agreement_id)
        .order_by(models.PriceBookDraft.id.desc())
    )
    ids = session.scalars(recorded_by_then(listed, models.PriceBookDraft, known_at))
    return [_draft(session, draft_id, known_at) for draft_id in ids]


def book_with(book: PriceBook, content: Content) -> PriceBook:
    """Return a book with one more version, the last of its tuple."""
    return PriceBook(book.conventions, book.index_adjustments, (*book.versions, content.to_version()))


def check_draft(
    session: Session, draft: Draft, today: date | None = None, known_at: datetime | None = None
) -> list[Finding]:
    """Find what the check refuses and warns of when the draft joins the book as it stands (as known), errors first.

    Pointers lead into the draft (``#/charges/0/tiers/1/up_to``, ``#/valid_from``); what another version would get wrong
    keeps its place in the book. With ``today``, warn of a version that would change days already past.
    """
    agreement = agreements.agreement_summary(session, draft.agreement_id, known_at)
    book = price_books.price_book(session, draft.agreement_id, known_at)
    rows = agreements.activations(session, draft.agreement_id, known_at)
    activations = [row.to_term() for row in rows]
    content = draft.newest.content
    standing = set(check(book, agreement.term, activations))
    whole = check(book_with(book, content), agreement.term, activations)
    own = f"{_POINTER}/versions/{len(book.versions)}"
    findings = [
        Finding("#" + found.pointer.removeprefix(own), found.code, found.detail, found.severity)
        if found.pointer.startswith(f"{own}/")
        else found
        for found in whole
        if found not in standing or found.code == "version_gap"
    ]
    if not agreement.term.period.contains(content.valid_from):
        detail = f"{content.valid_from.isoformat()} is outside the agreement: the version would price nothing."
        findings.append(Finding("#/valid_from", "outside_agreement", detail))
    first_open = price_books.first_open_day(session, draft.agreement_id)
    if first_open is not None and content.valid_from < first_open:
        detail = f"Everything before {first_open.isoformat()} is closed: the version would reach into it."
        findings.append(Finding("#/valid_from", "closed_past", detail))
    if not content.charges:
        findings.append(Finding("#/charges", "no_charges", "A version has at least one charge."))
    findings += _uncovered(
        content,
        [algorithm.code for algorithm in agreements.marketplace(session, draft.agreement_id, known_at)],
        {row.algorithm for row in rows if row.end is None or row.end > content.valid_from},
    )
    if _index_awaited(session, draft.agreement_id, content.valid_from, known_at):
        day = content.valid_from.isoformat()
        detail = f"An index adjustment is asked for from {day}; the version stands at its own level and takes it over."
        findings.append(Finding("#/valid_from", "index_taken_over", detail, "warning"))
    if today is not None and content.valid_from <= today:
        detail = f"The version would take effect on {content.valid_from.isoformat()} and change amounts of days past."
        findings.append(Finding("#/valid_from", "takes_effect_in_the_past", detail, "warning"))
    return sorted(findings, key=lambda found: found.severity == "warning")


def _index_awaited(session: Session, agreement_id: int, day: date, known_at: datetime | None) -> bool:
    """Tell whether an index adjustment from this very day is asked for and not decided."""
    asked = select(models.IndexRequest).where(
        models.IndexRequest.agreement_id == agreement_id, models.IndexRequest.effective_from == day
    )
    rows = session.scalars(recorded_by_then(asked, models.IndexRequest, known_at))
    return any(row.course[-1].state == REQUESTED for row in rows)


def _uncovered(content: Content, marketplace: Sequence[str], running: set[str]) -> list[Finding]:
    """Find the algorithms no usage charge prices: an error for one that runs, a warning for the others."""
    usage = [charge for charge in content.charges if isinstance(charge, UsageCharge)]
    return [
        Finding(
            "#/charges",
            "algorithm_not_priced",
            f"No usage charge covers {algorithm!r}.",
            "error" if algorithm in running else "warning",
        )
        for algorithm in marketplace
        if not any(covers(charge, algorithm) for charge in usage)
    ]


def _may_act(actor: Actor, event: Event) -> bool:
    act = TRANSITIONS[event].act
    return actor.may(act) and actor.scope(act) is None


def _require(actor: Actor, event: Event) -> None:
    act = TRANSITIONS[event].act
    actor.require(act)
    if actor.scope(act) is not None:
        raise Denied("a price book is for all trusts: this needs a role that is not kept to one")


def _locked(
    session: Session,
    draft_id: int,
    event: Event,
    seen: int,
    actor: Actor,
    comment: str = "",
    *,
    deputy: bool = False,
) -> Draft:
    """Take the locks of the price book and the draft, in this order, then look whether the event may happen.

    Whether a ``deputy`` may is asked where it is known in whose place.
    """
    if not deputy:
        _require(actor, event)
    agreement_id = _draft(session, draft_id).agreement_id
    # Two drafts of one book must not both be checked against a book that lacks the other.
    agreements.lock_agreement(session, agreement_id)
    draft = _draft(session, draft_id)
    match refusal(draft.state, event, actor=actor.id, authors=draft.authors, comment=comment.strip()):
        case "wrong_state":
            raise Conflict("wrong_state", f"the draft is {draft.state}: this can no longer be done")
        case "own_draft":
            raise Conflict("own_draft", "who wrote or submitted a draft does not decide on it: it takes another person")
        case "comment_missing":
            invalid([Finding("#/comment", "missing", "say why the draft is sent back")])
    _as_seen(draft, seen)
    return draft


def _as_seen(draft: Draft, seen: int) -> None:
    if draft.newest.number != seen:
        detail = f"you saw revision {seen}, the newest one is {draft.newest.number}: read it and decide on that"
        raise Conflict("stale_revision", detail)


def _step(
    session: Session,
    draft: Draft,
    event: Event,
    comment: str,
    consequence: Consequence | None,
    actor: Actor,
    now: datetime,
    version_id: int | None = None,
) -> Draft:
    text = comment.strip()
    if len(text) > LONGEST_TEXT:
        invalid([Finding("#/comment", "too_long", f"A comment has at most {LONGEST_TEXT} characters.")])
    revision_id = session.scalar(
        select(models.PriceBookDraftRevision.id).where(
            models.PriceBookDraftRevision.draft_id == draft.id,
            models.PriceBookDraftRevision.number == draft.newest.number,
        )
    )
    written = None if consequence is None else _to_written(consequence)
    session.add(
        models.PriceBookDraftEvent(
            draft_id=draft.id,
            revision_id=revision_id,
            event=event,
            comment=text,
            version_id=version_id,
            consequence=written,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    facts: dict[str, Any] = {"revision": draft.newest.number, "comment": text}
    if written is not None:
        facts["consequence"] = written
    if version_id is not None:
        facts["version"] = draft.newest.content.valid_from.isoformat()
    _log(session, event, draft.id, facts, actor, now)
    session.flush()
    return _draft(session, draft.id)


def _add_revision(session: Session, draft_id: int, number: int, content: Content, actor: Actor, now: datetime) -> None:
    session.add(
        models.PriceBookDraftRevision(
            draft_id=draft_id,
            number=number,
            valid_from=content.valid_from,
            clause=content.clause,
            charges=dump_version(content.to_version())["charges"],
            note=content.note,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    try:
        session.flush()
    except IntegrityError:
        raise Conflict("stale_revision", "somebody else changed the draft at the same moment: read it again") from None


def _text_findings(content: Content) -> list[Finding]:
    findings = []
    if len(content.clause) > LONGEST_CLAUSE:
        findings.append(Finding("#/clause", "too_long", f"A clause has at most {LONGEST_CLAUSE} characters."))
    if len(content.note) > LONGEST_TEXT:
        findings.append(Finding("#/note", "too_long", f"A note has at most {LONGEST_TEXT} characters."))
    for i, charge in enumerate(content.charges):
        for name, text in (("code", charge.code), ("clause", charge.clause)):
            if len(text) > LONGEST_CLAUSE:
                detail = f"This has at most {LONGEST_CLAUSE} characters."
                findings.append(Finding(f"#/charges/{i}/{name}", "too_long", detail))
    return findings


def _described(content: Content) -> dict[str, Any]:
    return {
        "valid_from": content.valid_from.isoformat(),
        "clause": content.clause,
        "charges": [charge.code for charge in content.charges],
    }


def _log(session: Session, event: str, draft_id: int, facts: dict[str, Any], actor: Actor, now: datetime) -> None:
    audit.record(session, f"price_book.{event}", f"price-book-draft:{draft_id}", facts, actor.id, now)


def _draft(session: Session, draft_id: int, known_at: datetime | None = None) -> Draft:
    row = session.get(models.PriceBookDraft, draft_id) if draft_id < LARGEST_ID else None
    if row is None or (known_at is not None and row.recorded_at > known_at):
        raise NotFound(f"there is no draft {draft_id}")
    written = (
        select(models.PriceBookDraftRevision)
        .where(models.PriceBookDraftRevision.draft_id == draft_id)
        .order_by(models.PriceBookDraftRevision.number)
    )
    revisions = session.scalars(recorded_by_then(written, models.PriceBookDraftRevision, known_at))
    course = (
        select(models.PriceBookDraftEvent, models.PriceBookDraftRevision.number)
        .join(models.PriceBookDraftRevision, models.PriceBookDraftRevision.id == models.PriceBookDraftEvent.revision_id)
        .where(models.PriceBookDraftEvent.draft_id == draft_id)
        .order_by(models.PriceBookDraftEvent.id)
    )
    events = session.execute(recorded_by_then(course, models.PriceBookDraftEvent, known_at))
    return Draft(
        id=row.id,
        agreement_id=row.agreement_id,
        based_on=row.based_on,
        revisions=tuple(_revision(each) for each in revisions),
        steps=tuple(
            Step(
                event.event,  # type: ignore[arg-type]
                number,
                event.comment,
                event.recorded_by,
                event.recorded_at,
                None if event.consequence is None else _from_written(event.consequence),
            )
            for event, number in events
        ),
        made_by=row.recorded_by,
        made_at=row.recorded_at,
    )


def _revision(row: models.PriceBookDraftRevision) -> Revision:
    version = load_version({"valid_from": row.valid_from.isoformat(), "clause": row.clause, "charges": row.charges})
    content = Content(version.valid_from, version.clause, version.charges, row.note)
    return Revision(row.number, content, row.recorded_by, row.recorded_at)


def _to_written(consequence: Consequence) -> dict[str, str]:
    return {
        "from": consequence.first.isoformat(),
        "to": consequence.until.isoformat(),
        "old": format(consequence.old, "f"),
        "new": format(consequence.new, "f"),
    }


def _from_written(written: dict[str, Any]) -> Consequence:
    period = Period(date.fromisoformat(written["from"]), date.fromisoformat(written["to"]))
    return Consequence(period.start, period.end, Decimal(written["old"]), Decimal(written["new"]))
