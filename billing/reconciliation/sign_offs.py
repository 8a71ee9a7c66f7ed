"""Sign-offs: attest a reconciled quarter (checked by one person), approve it for payment (another), and file the protocol.

Attesting signs the run that stands, and only where nothing is open. Approving makes the protocol: a tagged PDF/A with every
line attached and the run's hash in it, filed by its own hash and never made again.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from billing.causes import CODES
from billing.causes import Finding as Cause
from billing.causes.billed import ZERO, BilledLine
from billing.causes.in_words import in_words
from billing.causes.sentences import sentence
from billing.figures.course import refusals
from billing.models import SignOff
from billing.papers import (
    Allocation,
    CauseSum,
    DisputeOutcome,
    DocumentFinding,
    ProtocolDocument,
    ReconciliationProtocol,
    Signed,
)
from billing.quarters import runs as closings
from billing.quarters.closing import parse_quarter
from billing.reconciliation.allocation import by_trust, portions_of
from billing.reconciliation.disputes import File
from billing.reconciliation.frozen import FrozenReconciliation
from billing.reconciliation.quarter_figures import QuarterFigures
from billing.reconciliation.report import Report, Run, known_now, list_runs, report_of, require_reader
from billing.reconciliation.runs import LONGEST, require_all_trusts
from contracts import agreements, audit, ceiling, cost_centres, documents
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.papers import Attachment, print_paper
from contracts.papers.frame import Organisation
from contracts.papers.writing import Writing
from contracts.people import access
from contracts.people.access import Actor
from contracts.terms.money import kroner
from contracts.terms.table import Cell, Table, columns, csv_bytes
from contracts.terms.written import Language

ATTEST: Final = "reconciliation.attest"
APPROVE: Final = "reconciliation.approve"

LINES: Final = (
    columns("text", "document", "kind", "line", "text", "trust", "algorithm", "period")
    | columns("number", "quantity", "unit_price", "allowance", "invoiced")
    | columns("text", "expected_lines")
    | columns("number", "expected", "difference")
    | columns("text", "codes", "match", "confidence")
)

# Why a quarter cannot be attested yet, by the course's code.
REFUSALS: Final = {
    "not_closed": "the quarter's charges are not closed",
    "no_invoice": "no invoice has come",
    "no_run": "no run is recorded",
    "run_outdated": "something came after the last run: run it again",
    "unsure_matches": "matches wait for a person",
    "undecided_findings": "findings are not decided",
    "sample_unchecked": "lines of the sample are not looked at",
    "with_vendor": "a dispute is with the vendor",
    "credit_awaited": "a credit note is awaited or not accepted",
    "already_attested": "it is attested already",
}


def attest(
    session: Session, *, agreement_id: int, quarter: str, statement: str, actor: Actor, now: datetime, today: date
) -> Report:
    """Sign that the quarter's run was checked; raises `Conflict` with everything that is still open."""
    require_all_trusts(actor, ATTEST)
    agreements.lock_agreement(session, agreement_id)
    knowledge = known_now(session, agreement_id, parse_quarter(quarter))
    current = report_of(session, agreement_id, knowledge, today)
    _statement(statement)
    open_still = refusals(current.facts)
    if open_still:
        raise Conflict(open_still[0], "; ".join(REFUSALS[code] for code in open_still))
    assert current.run is not None
    _sign(session, current, current.run, "attest", statement, None, actor, now)
    return report_of(session, agreement_id, knowledge, today)


def approve(
    session: Session,
    *,
    agreement_id: int,
    quarter: str,
    statement: str,
    write: Writing,
    actor: Actor,
    now: datetime,
    today: date,
) -> Report:
    """Approve an attested quarter for payment and file its protocol; nobody approves what they attested themselves.

    Raises `Conflict` where it is not attested, is approved already, or where documents came after the attested run.
    """
    require_all_trusts(actor, APPROVE)
    agreements.lock_agreement(session, agreement_id)
    knowledge = known_now(session, agreement_id, parse_quarter(quarter))
    current = report_of(session, agreement_id, knowledge, today)
    _statement(statement)
    run = current.run
    if run is None or run.attested is None:
        raise Conflict("not_attested", f"{quarter} is not attested yet")
    if run.approved is not None:
        raise Conflict("already_approved", f"{quarter} is approved already")
    if actor.id == run.attested.by:
        raise Denied("whoever attested a quarter does not approve it")
    if {each.sha256 for each in current.invoices} != {each.sha256 for each in current.frozen.documents}:
        raise Conflict("run_outdated", "documents came after the attested run: open it again and run it anew")
    attested = Signed(run.attested.by, _name(session, run.attested.by), run.attested.at, run.attested.statement)
    approved = Signed(actor.id, actor.name, now, statement.strip())
    lines = lines_csv(current.frozen)
    content = print_paper(
        protocol_paper(session, current, run, attested, approved, today, write),
        write,
        attachments=[
            Attachment(f"{current.agreement.code}-{quarter}-linjer.csv", lines, "text/csv", "Linjer"),
            Attachment(
                f"{current.agreement.code}-{quarter}-tall.csv", figures_csv(current.figures), "text/csv", "Tall"
            ),
        ],
    )
    kept = documents.put(
        session,
        content=content,
        filename=f"avstemmingsprotokoll-{current.agreement.code}-{quarter}.pdf",
        media_type="application/pdf",
        recorded_by=actor.id,
        now=now,
    )
    _sign(session, current, run, "approve", statement, kept.id, actor, now)
    ceiling.moved(session, agreement_id=agreement_id, recorded_by=actor.id, now=now)
    return report_of(session, agreement_id, knowledge, today)


def _statement(statement: str) -> None:
    if not 0 < len(statement.strip()) <= LONGEST:
        invalid([Finding("#/statement", "missing", f"the words that are signed, 1 to {LONGEST} characters")])


def _sign(
    session: Session,
    current: Report,
    run: Run,
    kind: str,
    statement: str,
    document_id: int | None,
    actor: Actor,
    now: datetime,
) -> None:
    session.add(
        SignOff(
            run_id=run.id,
            kind=kind,
            statement=statement.strip(),
            document_id=document_id,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    audit.record(
        session,
        f"reconciliation.{kind}",
        f"reconciliation:{current.agreement.code}/{current.quarter.label()}",
        {"run": run.number, "sha256": run.sha256, "statement": statement.strip()},
        actor.id,
        now,
    )


def protocol(session: Session, *, agreement_id: int, quarter: str, run: int | None, actor: Actor) -> File:
    """Give the protocol that was filed when a run was approved (the last run, where none is named)."""
    require_reader(actor)
    runs = [each for each in list_runs(session, agreement_id, quarter) if run is None or each.number == run]
    signed = [each.approved for each in runs if each.approved is not None and each.approved.protocol_id is not None]
    if not signed or signed[-1].protocol_id is None:
        raise NotFound(f"no protocol of {quarter} is filed")
    content = documents.bytes_of(session, signed[-1].protocol_id)
    return File(f"avstemmingsprotokoll-{quarter}.pdf", "application/pdf", content)


def protocol_paper(
    session: Session,
    current: Report,
    run: Run,
    attested: Signed | None,
    approved: Signed | None,
    on: date,
    write: Writing,
    language: Language = "nb",
) -> ReconciliationProtocol:
    """Put a run into the protocol's shape; its own sums are checked by the paper."""
    frozen, agreement = current.frozen, current.agreement
    closing = closings.standing(session, agreement.id).get(current.quarter.label())
    return ReconciliationProtocol(
        buyer=Organisation(agreement.buyer.name, agreement.buyer.organisation_number),
        vendor=Organisation(agreement.vendor.name, agreement.vendor.organisation_number),
        agreement=agreement.reference,
        quarter=current.quarter.label(),
        reference=f"{agreement.code}-{current.quarter.label()}-{run.number}",
        on=on,
        documents=tuple(
            ProtocolDocument(
                each.part.kind,
                each.part.number,
                each.part.issued_on or on,
                each.explanation.invoiced,
                each.sha256,
            )
            for each in frozen.documents
            if each.explanation.comparable
        ),
        invoiced=frozen.invoiced,
        expected=frozen.expected,
        disputed=sum((each.amount for each in current.disputes if each.state != "withdrawn"), ZERO),
        credited=-sum(
            (each.explanation.invoiced for each in frozen.documents if each.part.kind == "credit_note"), ZERO
        ),
        payable=frozen.invoiced,
        causes=_causes(frozen, language, write),
        findings=tuple(
            DocumentFinding(str(rule), each.part.number, sentence(finding.code, {}, language))
            for each in frozen.documents
            for finding in each.explanation.findings
            if finding.code == "DOCUMENT"
            for rule in _rules(finding)
        ),
        disputes=tuple(
            DisputeOutcome(
                each.number,
                next((step.on for step in each.steps if step.kind == "sent"), each.recorded_at.date()),
                each.state,
                each.amount,
                each.agreed_amount if each.state == "credited" else ZERO,
            )
            for each in current.disputes
        ),
        allocations=allocated(session, current),
        run_hash=run.sha256,
        usage_known_at=run.at if closing is None else closing.known_at,
        price_book="; ".join(
            f"{write.day(each.valid_from, language)} ({each.sha256[:12]}…)" for each in frozen.inputs.charges.versions
        ),
        tolerance=_tolerance_text(frozen, language, write),
        attested=attested,
        approved=approved,
        language=language,
        example=agreement.example,
    )


def _rules(finding: Cause) -> tuple[str, ...]:
    rules = finding.params.get("rules")
    return rules if isinstance(rules, tuple) else ()


def _causes(frozen: FrozenReconciliation, language: Language, write: Writing) -> tuple[CauseSum, ...]:
    grouped: dict[str, list[Cause]] = defaultdict(list)
    for finding in frozen.findings:
        grouped[finding.code].append(finding)
    return tuple(
        CauseSum(
            code,
            in_words(max(grouped[code], key=lambda each: abs(each.amount)), language, write),
            len({line for each in grouped[code] for line in (*each.invoice_lines, *each.expected_lines)}),
            sum((each.amount for each in grouped[code]), ZERO),
        )
        for code in CODES
        if code in grouped
    )


def _tolerance_text(frozen: FrozenReconciliation, language: Language, write: Writing) -> str:
    tolerance, valid_from = frozen.inputs.tolerance, frozen.inputs.tolerance_from
    amounts = tuple(write.amount(each, language) for each in (tolerance.line, tolerance.invoice, tolerance.tax))
    words = ("linje", "faktura", "mva.") if language == "nb" else ("line", "invoice", "VAT")
    listed = ", ".join(f"{word} {amount}" for word, amount in zip(words, amounts, strict=True))
    if valid_from is None:
        return listed
    return f"{listed} ({'fra' if language == 'nb' else 'from'} {write.day(valid_from, language)})"


def allocations(session: Session, current: Report) -> tuple[tuple[str, Decimal], ...]:
    """Give what each trust bears of the quarter, by code; the amounts sum to what is invoiced, credits taken off."""
    holders = agreements.option_holders(session, current.agreement.id)
    trusts = [each.party.code for each in holders]
    return tuple(by_trust(portions_of(current.frozen, trusts)).items())


def allocated(session: Session, current: Report) -> tuple[Allocation, ...]:
    """Give what each cost centre bears of the quarter, as each month of an algorithm is booked; the trusts in their order."""
    names = {each.party.code: each.party.name for each in agreements.option_holders(session, current.agreement.id)}
    register = cost_centres.register(session, current.agreement.id)
    sums: dict[tuple[str, str | None, str | None], Decimal] = defaultdict(Decimal)
    for each in portions_of(current.frozen, list(names)):
        booking = register.booking(each.trust, each.algorithm, each.period.start)
        place = (None, None) if booking is None else (booking.cost_centre, booking.account)
        sums[each.trust, *place] += kroner(each.net_ore)
    listed = sorted(sums.items(), key=lambda item: (item[0][0], item[0][1] or "~", item[0][2] or "~"))
    return tuple(
        Allocation(names.get(trust, trust), centre, account, amount) for (trust, centre, account), amount in listed
    )


def figures_csv(figures: QuarterFigures) -> bytes:
    """Write the figures that a protocol tells and that stand as long as its run: their ids and exact values."""
    told = (figures.expected, figures.billed, figures.difference)
    header = columns("text", "figure") | columns("whole", "figure_value")
    return csv_bytes(Table(header, [(each.id, each.ore) for each in told]))


def lines_csv(frozen: FrozenReconciliation) -> bytes:
    """Write every line of a reconciliation: as billed, as due, what differs and why; what was not invoiced stands last."""
    rows: list[list[Cell]] = []
    for document in frozen.documents:
        part = document.part
        for group in document.explanation.groups:
            codes = " ".join(dict.fromkeys(finding.code for finding in group.findings))
            due = " ".join(line.id for line in group.expected)
            match = group.matches[0] if group.matches else None
            own: list[list[Cell]] = [_line_cells(line) for line in group.billed]
            # What stands on no line: an allowance of the whole document, a total that does not add up, a credit that is awaited.
            rest = group.invoiced_amount - sum((line.net for line in group.billed), ZERO)
            if rest or not own:
                own.append([*[None] * 8, rest])
            for place, cells in enumerate(own):
                told: list[Cell] = [due, group.expected_amount, group.difference, codes] if place == 0 else [None] * 4
                matched: list[Cell] = [None, None] if match is None else [match.stage, str(match.confidence)]
                rows.append([part.number, part.kind, *cells, *told, *matched])
    for finding in frozen.not_invoiced:
        rows.append(
            [
                None, None, None, None, finding.trust, finding.algorithm, finding.period, None, None, None, ZERO,
                " ".join(finding.expected_lines), -finding.amount, finding.amount, finding.code, None, None,
            ]
        )  # fmt: skip
    return csv_bytes(Table(LINES, rows))


def _line_cells(line: BilledLine) -> list[Cell]:
    period = None if line.period is None else line.period.label()
    about: list[Cell] = [line.id, line.text, line.trust, line.algorithm, period]
    return [*about, line.quantity, line.unit_price, line.allowance, line.net]


def _name(session: Session, actor_id: str) -> str:
    return access.names_of(session, [actor_id]).get(actor_id, actor_id)
