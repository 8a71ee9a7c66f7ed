"""Disputes: put findings to the vendor with a letter and evidence, follow the answer, take in the credit.

The letter (PDF) and the evidence (CSV) are made once, when the dispute is opened, and kept by their hashes: what was sent can
be shown for ever. A dispute is about findings of one invoice. Part payment is not assumed: each dispute says what is held back.
A credit note never settles a dispute by itself: a person accepts it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.causes import REASONS, GroupExplanation
from billing.causes.billed import ZERO, BilledLine
from billing.causes.in_words import in_words, label_in_words
from billing.causes.sentences import said
from billing.invoices.reading import next_invoice, read_invoices
from billing.models import Dispute, DisputedFinding, DisputeEvent
from billing.papers import DisputedLine, DisputeLetter
from billing.papers.dispute_letter import Wanted as AskedFor
from billing.quarters.closing import parse_quarter
from billing.rating.lines import Line
from billing.reconciliation import dispute_terms
from billing.reconciliation.dispute_records import RecordedDispute, list_disputes
from billing.reconciliation.dispute_terms import COURSE, HOLDS, STEPS, WANTED, Hold, Step, Wanted
from billing.reconciliation.frozen import Reconciled, dump_finding
from billing.reconciliation.report import Report, report, require_reader
from billing.reconciliation.runs import ACT, LONGEST, require_all_trusts, require_unsigned
from billing.reconciliation.treatment import Found
from contracts import agreements, audit, documents
from contracts.errors import Conflict, Finding, NotFound, invalid
from contracts.papers import Attachment, print_paper
from contracts.papers.frame import Letterhead, Organisation, Person
from contracts.papers.writing import Writing
from contracts.people.access import Actor
from contracts.terms.table import Cell, Table, columns, csv_bytes
from contracts.terms.written import Language

LANGUAGES: Final[tuple[Language, ...]] = ("nb", "en")
_LETTER_WANTED: Final[dict[Wanted, AskedFor]] = {
    "credit_whole": "CNF",
    "credit_part": "CNP",
    "new_invoice": "NIN",
    "next_invoice": "OTH",
    "information": "PIN",
}
EVIDENCE: Final = (
    columns("text", "invoice", "line", "text", "trust", "algorithm", "period")
    | columns("number", "quantity", "unit_price", "allowance", "net")
    | columns("text", "expected_line")
    | columns("number", "expected_quantity", "expected_unit_price", "expected_discount", "expected_net")
    | columns("text", "clause", "code")
    | columns("number", "amount")
    | columns("text", "sentence")
)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a dispute asks of the vendor, in which language and by when, and what is not paid until then."""

    wanted: Wanted
    hold: Hold
    language: Language
    reply_by: date
    message: str


@dataclass(frozen=True, slots=True)
class File:
    """A kept file as it is handed out."""

    filename: str
    media_type: str
    content: bytes


def open_dispute(
    session: Session,
    *,
    agreement_id: int,
    quarter: str,
    keys: Iterable[str],
    wanted: Wanted,
    hold: Hold,
    language: Language,
    reply_by: date,
    message: str,
    write: Writing,
    actor: Actor,
    now: datetime,
    today: date,
) -> RecordedDispute:
    """Open a dispute about findings of one invoice, with its letter and evidence.

    ``wanted`` is what is asked for and ``hold`` what is not paid until then. Raises `InvalidInput` for unknown findings, findings
    of several invoices or of none, a reply day that has passed, and a demand for a credit where nothing was billed too much;
    `Conflict` where the quarter is signed or a finding is disputed already.
    """
    require_all_trusts(actor, ACT)
    quarter = parse_quarter(quarter).label()
    agreements.lock_agreement(session, agreement_id)
    current = report(session, agreement_id=agreement_id, quarter=quarter, actor=actor, today=today)
    require_unsigned(session, agreement_id, quarter)
    listed = list(dict.fromkeys(keys))
    found = {each.key: each for each in current.found}
    chosen = [found[key] for key in listed if key in found]
    invalid(_opening_findings(listed, found, wanted, hold, language, reply_by, message, today))
    taken = [each for each in chosen if each.treatment.state in ("disputed", "carried", "credited")]
    if taken:
        raise Conflict("disputed", f"'{taken[0].finding.code}' is disputed already ({taken[0].treatment.dispute})")
    invoice = next(each for each in current.invoices if each.sha256 == chosen[0].sha256)
    document = next(each for each in current.frozen.documents if each.sha256 == chosen[0].sha256)
    number = _next_number(session, agreement_id, quarter)
    demand = Demand(wanted, hold, language, reply_by, message.strip())
    evidence = _evidence(document, chosen)
    kept_evidence = documents.put(
        session,
        content=evidence,
        filename=f"{number}.csv",
        media_type="text/csv",
        recorded_by=actor.id,
        now=now,
    )
    letter = print_paper(
        _letter(session, current, document, chosen, number, demand, today, actor, write),
        write,
        attachments=[Attachment(f"{number}.csv", evidence, "text/csv", "Evidence")],
    )
    kept_letter = documents.put(
        session,
        content=letter,
        filename=f"{number}.pdf",
        media_type="application/pdf",
        recorded_by=actor.id,
        now=now,
    )
    row = Dispute(
        agreement_id=agreement_id,
        quarter=quarter,
        invoice_id=invoice.id,
        number=number,
        wanted=wanted,
        hold=hold,
        language=language,
        reply_by=reply_by,
        message=message.strip(),
        letter_id=kept_letter.id,
        evidence_id=kept_evidence.id,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    for position, each in enumerate(chosen):
        session.add(
            DisputedFinding(
                dispute_id=row.id,
                position=position,
                finding=each.key,
                content=dump_finding(each.finding),
                amount=each.finding.amount,
                recorded_at=now,
                recorded_by=actor.id,
            )
        )
    session.flush()
    _log(
        session,
        "dispute.open",
        number,
        {
            "findings": listed,
            "wanted": wanted,
            "hold": hold,
            "letter": kept_letter.sha256,
            "reply_by": reply_by.isoformat(),
        },
        actor,
        now,
    )
    return find_dispute(session, agreement_id=agreement_id, number=number, actor=actor)


def _opening_findings(
    keys: list[str],
    found: dict[str, Found],
    wanted: Wanted,
    hold: Hold,
    language: Language,
    reply_by: date,
    message: str,
    today: date,
) -> list[Finding]:
    errors = [
        Finding(f"#/findings/{position}", "unknown", f"there is no finding '{key}' now")
        for position, key in enumerate(keys)
        if key not in found
    ]
    chosen = [found[key] for key in keys if key in found]
    if not keys:
        errors.append(Finding("#/findings", "missing", "name at least one finding"))
    if any(each.sha256 is None for each in chosen):
        errors.append(Finding("#/findings", "no_invoice", "what stands on no invoice cannot be disputed on one"))
    if len({each.sha256 for each in chosen}) > 1:
        errors.append(Finding("#/findings", "several_invoices", "a dispute is about the findings of one invoice"))
    for pointer, value, allowed in (
        ("#/wanted", wanted, WANTED),
        ("#/hold", hold, HOLDS),
        ("#/language", language, LANGUAGES),
    ):
        if value not in allowed:
            errors.append(Finding(pointer, "unknown", f"one of {', '.join(allowed)}"))
    total = sum((each.finding.amount for each in chosen), ZERO)
    if wanted in ("credit_part", "next_invoice") and total <= 0 and not errors:
        errors.append(Finding("#/wanted", "nothing_to_credit", "these findings bill nothing too much"))
    if reply_by < today:
        errors.append(Finding("#/reply_by", "passed", f"{reply_by} has passed"))
    if len(message.strip()) > LONGEST:
        errors.append(Finding("#/message", "too_long", f"at most {LONGEST} characters"))
    return errors


def take_step(
    session: Session,
    *,
    agreement_id: int,
    number: str,
    step: Step,
    on: date,
    amount: Decimal | None = None,
    on_next_invoice: bool = False,
    credit_note_id: int | None = None,
    clarification: str | None = None,
    comment: str = "",
    actor: Actor,
    now: datetime,
    today: date,
) -> RecordedDispute:
    """Record a step of a dispute: sent, the vendor's answer, a credit note accepted, or withdrawn.

    ``amount`` is the credit that an answer agrees to (whole: what is disputed); ``credit_note_id`` the credit note that is
    accepted. Raises `Conflict` for a step that cannot follow, `InvalidInput` for one without what it needs.
    """
    require_all_trusts(actor, ACT)
    agreements.lock_agreement(session, agreement_id)
    dispute = find_dispute(session, agreement_id=agreement_id, number=number, actor=actor)
    if step not in STEPS:
        invalid([Finding("#/step", "unknown", f"one of {', '.join(STEPS)}")])
    if step not in COURSE[dispute.state]:
        possible = ", ".join(COURSE[dispute.state]) or "nothing"
        raise Conflict("cannot_follow", f"'{step}' cannot follow while a dispute is {dispute.state}: {possible} can")
    if step == "agreed" and amount is None:
        amount = dispute.amount
    invalid(_step_findings(dispute, step, on, amount, clarification, comment, today))
    # What the vendor takes off its next invoice comes when this quarter may long be signed.
    if not dispute.is_carried:
        require_unsigned(session, agreement_id, dispute.quarter)
    if step == "credit_accepted":
        credit_note_id = _accepted_credit(session, agreement_id, dispute, credit_note_id)
    state = COURSE[dispute.state][step]
    session.add(
        DisputeEvent(
            dispute_id=dispute.id,
            kind=step,
            on=on,
            status=dispute_terms.response_status(dispute.wanted, state),
            clarification=clarification or dispute_terms.reason_of(dispute.findings[0].finding.code),
            amount=amount if step in ("agreed", "partly_agreed") else None,
            on_next_invoice=on_next_invoice if step in ("agreed", "partly_agreed") else None,
            credit_note_id=credit_note_id,
            comment=comment.strip(),
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    session.expire_all()
    _log(
        session,
        f"dispute.{step}",
        number,
        {"on": on.isoformat(), "amount": None if amount is None else format(amount, "f"), "comment": comment.strip()},
        actor,
        now,
    )
    return find_dispute(session, agreement_id=agreement_id, number=number, actor=actor)


def _step_findings(
    dispute: RecordedDispute,
    step: Step,
    on: date,
    amount: Decimal | None,
    clarification: str | None,
    comment: str,
    today: date,
) -> list[Finding]:
    errors = []
    if on > today:
        errors.append(Finding("#/on", "in_future", f"{on} has not come yet"))
    if dispute.steps and on < dispute.steps[-1].on:
        errors.append(Finding("#/on", "before", f"the step before was on {dispute.steps[-1].on}"))
    if step in ("agreed", "partly_agreed"):
        if amount is None or amount <= 0 or amount != round(amount, 2):
            errors.append(Finding("#/amount", "missing", "say what credit was agreed, above 0.00 and in whole øre"))
        elif step == "partly_agreed" and amount >= dispute.amount > 0:
            errors.append(Finding("#/amount", "whole", f"{dispute.amount} or more is all of it: record it as agreed"))
        elif step == "agreed" and amount < dispute.amount:
            errors.append(Finding("#/amount", "part", f"{dispute.amount} is disputed: record it as partly_agreed"))
    if step in ("declined", "withdrawn") and not comment.strip():
        errors.append(Finding("#/comment", "missing", "say why"))
    if len(comment.strip()) > LONGEST:
        errors.append(Finding("#/comment", "too_long", f"at most {LONGEST} characters"))
    if clarification is not None and clarification not in REASONS:
        errors.append(Finding("#/clarification", "unknown", f"one of {', '.join(REASONS)}"))
    return errors


def _accepted_credit(
    session: Session, agreement_id: int, dispute: RecordedDispute, credit_note_id: int | None
) -> int | None:
    """Give the document by which the credit came: the one named, else the only credit note that names the invoice.

    A credit agreed for the next invoice came with that one. Of notes that name the invoice, those accepted for another dispute
    are taken only by name; so is one that names no invoice at all. Raises `InvalidInput` where there is none or several.
    """
    read = read_invoices(session, agreement_id=agreement_id)
    if dispute.agreed is not None and dispute.agreed.on_next_invoice:
        following = next_invoice(read, dispute.agreed.on)
        if following is None or credit_note_id not in (None, following.id):
            invalid([Finding("#/credit_note", "missing", "the invoice that should take it off has not come")])
        assert following is not None
        return following.id
    own = {dispute.invoice_number, dispute.number}
    notes = [each for each in read if each.document.kind == "credit_note"]
    naming = [each.id for each in notes if own & set(each.document.credits)]
    used = {each.accepted_note for each in list_disputes(session, agreement_id)}
    free = [each for each in naming if each not in used]
    if credit_note_id is None and len(free) == 1:
        return free[0]
    if credit_note_id not in {*naming, *(each.id for each in notes if not each.document.credits)}:
        detail = "name the credit note that is accepted" if naming else "no credit note for the invoice has come"
        invalid([Finding("#/credit_note", "missing", detail)])
    return credit_note_id


def find_dispute(
    session: Session, *, agreement_id: int, number: str, actor: Actor, known_at: datetime | None = None
) -> RecordedDispute:
    """Give one dispute by its number, to a reader of all trusts."""
    require_reader(actor)
    found = next((each for each in list_disputes(session, agreement_id, None, known_at) if each.number == number), None)
    if found is None:
        raise NotFound(f"there is no dispute '{number}'")
    return found


def letter(session: Session, *, agreement_id: int, number: str, actor: Actor) -> File:
    """Give the letter of a dispute as it was made."""
    dispute = find_dispute(session, agreement_id=agreement_id, number=number, actor=actor)
    return File(f"{number}.pdf", "application/pdf", documents.bytes_of(session, dispute.letter_id))


def evidence(session: Session, *, agreement_id: int, number: str, actor: Actor) -> File:
    """Give the evidence of a dispute as it was made."""
    dispute = find_dispute(session, agreement_id=agreement_id, number=number, actor=actor)
    return File(f"{number}.csv", "text/csv", documents.bytes_of(session, dispute.evidence_id))


def _next_number(session: Session, agreement_id: int, quarter: str) -> str:
    count = session.scalar(
        select(func.count())
        .select_from(Dispute)
        .where(Dispute.agreement_id == agreement_id, Dispute.quarter == quarter)
    )
    agreement = agreements.agreement_summary(session, agreement_id)
    return f"{agreement.code}-{quarter}-{(count or 0) + 1:02}"


def group_of(document: Reconciled, found: Found) -> GroupExplanation | None:
    """Give the group of lines that a finding is of, None for one of the whole document."""
    return next((group for group in document.explanation.groups if found.finding in group.findings), None)


def _letter(
    session: Session,
    current: Report,
    document: Reconciled,
    chosen: list[Found],
    number: str,
    demand: Demand,
    today: date,
    actor: Actor,
    write: Writing,
) -> DisputeLetter:
    agreement, language = current.agreement, demand.language
    names = dict(
        (
            *((each.party.code, each.party.name) for each in agreements.option_holders(session, agreement.id)),
            *((each.code, each.product) for each in agreements.marketplace(session, agreement.id)),
        )
    )
    person = Person(actor.name, "Økonomi" if language == "nb" else "Finance")
    lines = tuple(_line(document, each, names, language, write) for each in chosen)
    disputed = sum((line.disputed for line in lines), ZERO)
    part = document.part
    return DisputeLetter(
        head=Letterhead(
            sender=Organisation(agreement.buyer.name, agreement.buyer.organisation_number),
            recipient=Organisation(agreement.vendor.name, agreement.vendor.organisation_number),
            our_reference=number,
            agreement=agreement.reference,
            on=today,
            contact=person,
            signatory=person,
            language=language,
            your_reference=part.number,
            example=agreement.example,
        ),
        invoice=part.number,
        issued_on=part.issued_on or today,
        quarter=current.quarter.label(),
        invoiced_total=part.net,
        lines=lines,
        wanted=_LETTER_WANTED[demand.wanted],
        demanded=disputed if demand.wanted in ("credit_part", "next_invoice") else None,
        answer_by=demand.reply_by,
        hold=demand.hold,
        message=demand.message,
    )


def _line(
    document: Reconciled, found: Found, names: dict[str, str], language: Language, write: Writing
) -> DisputedLine:
    finding = found.finding
    group = group_of(document, found)
    invoiced = finding.amount if group is None or len(group.findings) > 1 else group.invoiced_amount
    place = (
        names.get(finding.algorithm or ""),
        names.get(finding.trust or ""),
        label_in_words(finding.period, language, write),
    )
    return DisputedLine(
        line=", ".join(finding.invoice_lines) or "–",
        what=", ".join(part for part in place if part)
        or ("Hele fakturaen" if language == "nb" else "The whole invoice"),
        code=finding.code,
        sentence=in_words(finding, language, write),
        invoiced=invoiced,
        expected=invoiced - finding.amount,
    )


def _evidence(document: Reconciled, chosen: list[Found]) -> bytes:
    """Write every line of the disputed groups, the vendor's beside ours, the cause on the first row of each."""
    rows: list[list[Cell]] = []
    for found in chosen:
        finding = found.finding
        group = group_of(document, found)
        billed = group.billed if group else ()
        expected = group.expected if group else ()
        told: list[Cell] = [finding.clause, finding.code, finding.amount, said(finding, "en")]
        for place in range(max(len(billed), len(expected), 1)):
            theirs = _billed_cells(billed[place]) if place < len(billed) else [None] * 9
            ours = _due_cells(expected[place]) if place < len(expected) else [None] * 5
            rows.append([document.part.number, *theirs, *ours, *(told if place == 0 else [None] * 4)])
    return csv_bytes(Table(EVIDENCE, rows))


def _billed_cells(line: BilledLine) -> list[Cell]:
    period = None if line.period is None else line.period.label()
    price = line.unit_price
    return [line.id, line.text, line.trust, line.algorithm, period, line.quantity, price, line.allowance, line.net]


def _due_cells(line: Line) -> list[Cell]:
    return [line.id, line.quantity, line.unit_price, line.discount, line.net]


def _log(session: Session, action: str, number: str, data: dict[str, object], actor: Actor, now: datetime) -> None:
    audit.record(session, action, f"dispute:{number}", data, actor.id, now)
