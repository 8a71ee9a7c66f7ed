"""Look a draft over: what its check finds, cliffs included, and its comparison with the version it would replace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from billing.charges import basis
from billing.prices.diff import Comparison, compare
from billing.prices.trial import Priced, charges_at, replaced_by
from billing.rating.cliffs import cliff_findings
from contracts import agreements, price_books
from contracts.errors import Conflict
from contracts.people.access import Actor
from contracts.prices import drafts as price_drafts
from contracts.prices.drafts import Consequence, Content, Draft
from contracts.terms.price_book import Finding, PriceBook, errors_of
from contracts.terms.price_model import Charge


@dataclass(frozen=True, slots=True)
class Review:
    """Hold a draft with its findings, and its comparison where nothing is refused; ``book`` is the one it would join."""

    draft: Draft
    book: PriceBook
    findings: tuple[Finding, ...]
    old: Priced | None = None
    comparison: Comparison | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Return what the check refuses."""
        return errors_of(self.findings)

    @property
    def consequence(self) -> Consequence | None:
        """Return what the draft would have changed over the last twelve months; None without usage or with errors."""
        trial = None if self.comparison is None else self.comparison.trial
        return None if trial is None else Consequence(trial.period.start, trial.period.end, trial.old, trial.new)


def review(session: Session, draft: Draft, today: date | None = None, known_at: datetime | None = None) -> Review:
    """Check a draft against the book as it stands and compare it; an approved one against the book without it.

    With ``known_at`` the book and the usage are those known then; the draft is what the caller read.
    """
    terms = basis.gather(session, agreement_id=draft.agreement_id, known_at=known_at)
    content = draft.newest.content
    if draft.state == "approved":
        others = tuple(each for each in terms.price_book.versions if each.valid_from != content.valid_from)
        terms = replace(terms, price_book=replace(terms.price_book, versions=others))
        findings: list[Finding] = []
    else:
        findings = price_drafts.check_draft(session, draft, today, known_at)
    if errors_of(findings):
        return Review(draft, terms.price_book, tuple(findings))
    version = content.to_version()
    findings += cliff_findings(version, terms.price_book.conventions)
    old = replaced_by(terms.price_book, content.valid_from)
    return Review(draft, terms.price_book, tuple(findings), old, compare(terms, old=old, new=Priced(version)))


def require_told(examined: Review, book: PriceBook, *, as_shown: bool) -> None:
    """Raise `Conflict` (``consequence_changed``) where a decision rests on another consequence than ``examined`` tells.

    ``book`` is the price book as read under its lock, before the step; ``as_shown`` says whether the examination tells
    what the decider was shown. Usage that came in after the examination is not in what is told.
    """
    if book != examined.book or not as_shown:
        raise Conflict(
            "consequence_changed",
            "prices or usage changed in the meantime, and with them the consequence: read it again and decide on that",
        )


def locked_book(session: Session, agreement_id: int) -> PriceBook:
    """Take the lock of an agreement's price book and give the book as it stands."""
    agreements.lock_agreement(session, agreement_id)
    return price_books.price_book(session, agreement_id)


def written(consequence: Consequence | None) -> str:
    """Write a consequence as one text that a form sends back; empty where there is none."""
    if consequence is None:
        return ""
    return f"{consequence.first}/{consequence.until}/{consequence.old:f}/{consequence.new:f}"


def begin_draft(
    session: Session, *, agreement_id: int, content: Content, from_prices: bool, actor: Actor, now: datetime
) -> Draft:
    """Make a draft; ``from_prices`` puts the charges as they stand on its first day in, index included."""
    charges: tuple[Charge, ...] = content.charges
    based_on = None
    if from_prices:
        book = basis.gather(session, agreement_id=agreement_id).price_book
        version = book.version_on(content.valid_from)
        based_on = None if version is None else version.valid_from
        charges = charges_at(book, content.valid_from)
    return price_drafts.create_draft(
        session,
        agreement_id=agreement_id,
        content=replace(content, charges=charges),
        based_on=based_on,
        actor=actor,
        now=now,
    )
