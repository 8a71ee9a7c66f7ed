"""Letters to the vendor about a case, made once by the step that they tell of, and what the vendor answered.

Exercising an option and ordering an activation each print their letter within the step's own transaction, whoever takes it
and by whatever way. A letter is filed by its hash under its case and is never made again: who asks gets those bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from contracts import agreements, audit, documents, price_books
from contracts.agreements import AgreementSummary
from contracts.cases import Case
from contracts.documents import FiledDocument
from contracts.errors import Conflict, Finding, invalid
from contracts.options import steps as options
from contracts.papers import Paper, print_paper
from contracts.papers.frame import Letterhead, Organisation, Person
from contracts.papers.letters import ActivationOrder, OptionNotice, RampStep
from contracts.papers.writing import Writing
from contracts.people import access
from contracts.people.access import Actor
from contracts.terms.price_book import PriceBook, covers
from contracts.terms.price_model import UsageCharge
from contracts.terms.workflow import Facts

NOTICE: Final = "letter.option_notice"
ORDER: Final = "letter.activation_order"
CONFIRMATION: Final = "letter.vendor_confirmation"
# The step that a letter tells of.
LETTERS: Final[dict[tuple[str, str], str]] = {("option", "exercise"): NOTICE, ("activation", "order"): ORDER}
# How long the vendor has to confirm.
CONFIRM_DAYS: Final = timedelta(days=14)
# A confirmation may be recorded in these states: what it confirms was sent.
SENT: Final[dict[str, frozenset[str]]] = {
    "option": frozenset({"exercised"}),
    "activation": frozenset({"ordered", "validating", "live", "suspended"}),
}


@dataclass(frozen=True, slots=True)
class Item:
    """A paper of the correspondence: ``kind`` says which, ``document`` are its versions, the newest last."""

    kind: str
    document: FiledDocument


def register(write: Writing) -> None:
    """Let each exercise and each order file its letter, written by ``write``."""
    options.register_letter(partial(file_letter, write=write))


def file_letter(
    session: Session, case: Case, event: str, facts: Facts, actor: Actor, now: datetime, *, write: Writing
) -> str | None:
    """Print and file the letter of a step and give its hash, ``None`` where the step has none.

    The same case's letter is made once: a second time gives the hash of the first.
    """
    kind = LETTERS.get((case.kind, event))
    if kind is None:
        return None
    before = [one for one in documents.list_documents(session, subject=str(case.id), actor=_READER) if one.kind == kind]
    if before:
        return before[-1].newest.sha256
    letter = _notice(session, case, facts, actor) if kind == NOTICE else _order(session, case, facts, actor, write)
    name = "opsjonsmelding" if kind == NOTICE else "bestilling"
    parts = [name, case.trust, *([case.algorithm, case.id.name] if case.algorithm else [])]
    kept = documents.enclose(
        session,
        kind=kind,
        title=letter.title(write),
        subject=str(case.id),
        trust_id=case.trust_id,
        filename=f"{'-'.join(parts)}.pdf",
        content=print_paper(letter, write),
        actor=actor,
        now=now,
    )
    return kept.sha256


def correspondence(session: Session, case: Case, actor: Actor, known_at: datetime | None = None) -> list[Item]:
    """List a case's letters and confirmations that the reader may see, oldest first."""
    filed = documents.list_documents(session, subject=str(case.id), actor=actor, known_at=known_at)
    return [Item(one.kind, one) for one in filed if one.kind.startswith("letter.") and one.versions]


def confirm(
    session: Session,
    *,
    case: Case,
    received_on: date,
    filename: str,
    content: bytes,
    actor: Actor,
    now: datetime,
    today: date,
) -> FiledDocument:
    """File what the vendor answered to a notice or an order, with the day on which it was received.

    Raises `Conflict` where nothing was sent that could be confirmed, `InvalidInput` for a day to come or before the letter,
    or a file that is not taken.
    """
    actor.require("option.exercise" if case.kind == "option" else "activation.order", case.trust)
    agreements.lock_agreement(session, case.agreement_id)
    sent = next((step.on for step in case.steps if (case.kind, step.event) in LETTERS), None)
    if case.state not in SENT[case.kind] or sent is None:
        raise Conflict("nothing_sent", f"the {case.kind} is {case.state}: nothing was sent that could be confirmed")
    findings = []
    if received_on > today:
        findings.append(Finding("#/received_on", "in_future", f"{received_on.isoformat()} is still to come"))
    if received_on < sent:
        findings.append(
            Finding("#/received_on", "before_letter", f"the letter is of {sent.isoformat()}: an answer comes after it")
        )
    invalid(findings)
    filed = next((one for one in correspondence(session, case, _READER) if one.kind == CONFIRMATION), None)
    note = received_on.isoformat()
    if filed is None:
        made = documents.add_document(
            session,
            kind=CONFIRMATION,
            title=f"Bekreftelse mottatt {note}",
            subject=str(case.id),
            trust=case.trust,
            filename=filename,
            content=content,
            actor=actor,
            now=now,
        )
    else:
        made = documents.add_version(
            session,
            document_id=filed.document.id,
            filename=filename,
            content=content,
            note=note,
            actor=actor,
            now=now,
        )
    audit.record(
        session,
        f"{case.kind}.vendor_confirmed",
        str(case.id),
        {"received_on": note, "sha256": made.newest.sha256},
        actor.id,
        now,
    )
    return made


_READER: Final = Actor("correspondence", "Correspondence", (access.Grant("auditor"),))


def _notice(session: Session, case: Case, facts: Facts, actor: Actor) -> Paper:
    summary = agreements.agreement_summary(session, case.agreement_id)
    decided = next((step for step in reversed(case.steps) if step.event == "approve"), None)
    # An option that was taken over as approved has no approval here; then its own state's day stands.
    by = actor.name if decided is None else access.names_of(session, {decided.by})[decided.by]
    return OptionNotice(
        head=_head(summary, case, facts, actor),
        trust=_trust(session, case),
        clause=_clause(case.clause),
        deadline=facts.deadline,
        joins_on=facts.on,
        until=None,
        decided_on=facts.on if decided is None else decided.on,
        decided_by=by,
        confirm_by=facts.on + CONFIRM_DAYS,
    )


def _order(session: Session, case: Case, facts: Facts, actor: Actor, write: Writing) -> Paper:
    assert case.plan is not None
    summary = agreements.agreement_summary(session, case.agreement_id)
    product = next(one for one in agreements.marketplace(session, case.agreement_id) if one.code == case.algorithm)
    book = price_books.price_book(session, case.agreement_id)
    version = book.version_on(case.plan.starts_on)
    return ActivationOrder(
        head=_head(summary, case, facts, actor),
        trust=_trust(session, case),
        product=product.product,
        clause=_clause(facts.clause("option")),
        sites=(),
        validation_from=None,
        go_live=case.plan.starts_on,
        price_book="" if version is None else f"gyldig fra {write.day(version.valid_from, 'nb')}",
        ramp=_ramp(book, product.code, case.plan.starts_on),
        order_reference=f"{summary.reference}-{case.id.name}",
        buyer_reference=None,
        confirm_by=facts.on + CONFIRM_DAYS,
    )


def _head(summary: AgreementSummary, case: Case, facts: Facts, actor: Actor) -> Letterhead:
    person = Person(actor.name, "Kontraktsforvalter")
    return Letterhead(
        sender=Organisation(summary.buyer.name, summary.buyer.organisation_number),
        recipient=Organisation(summary.vendor.name, summary.vendor.organisation_number),
        our_reference=f"{summary.code} {case.id}",
        agreement=summary.reference,
        on=facts.on,
        contact=person,
        signatory=person,
        example=summary.example,
    )


def _trust(session: Session, case: Case) -> Organisation:
    party = next(
        one.party for one in agreements.option_holders(session, case.agreement_id) if one.party.code == case.trust
    )
    return Organisation(party.name, party.organisation_number)


def _clause(clause: str) -> str:
    return f"punkt {clause}" if clause else "avtalens bestemmelser"


def _ramp(book: PriceBook, algorithm: str, on: date) -> tuple[RampStep, ...]:
    """Give the discounts by month of the charge that prices the algorithm; phases counted in units have no months."""
    version = book.version_on(on)
    charges = () if version is None else version.charges
    found = next(
        (one for one in charges if isinstance(one, UsageCharge) and covers(one, algorithm) and one.ramp_up), None
    )
    steps, first = [], 1
    for phase in found.ramp_up.phases if found is not None and found.ramp_up is not None else ():
        if phase.months is not None:
            steps.append(RampStep(first, first + phase.months - 1, phase.discount))
            first += phase.months
    return tuple(steps)
