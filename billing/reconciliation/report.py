"""The read side of the reconciliation: a quarter as it stands, its runs, the list of quarters.

What is shown is computed from what is known now until somebody signs; from then on the signed run is what is shown, and what
came later is told as later. The state is read from the facts and stored nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.causes.billed import ZERO, BilledLine
from billing.causes.matching import MatchGroup
from billing.invoices.reading import ReadInvoice, of_quarter, read_invoices
from billing.models import (
    FindingDecision,
    ReconciliationReopening,
    ReconciliationRun,
    SignOff,
)
from billing.payments import payments
from billing.quarters import coverage
from billing.quarters import runs as closings
from billing.quarters.closing import parse_quarter
from billing.quarters.frozen import FrozenQuarter
from billing.rating.lines import Line
from billing.reconciliation import dispute_terms
from billing.reconciliation.course import CourseFacts, CourseState, state_of
from billing.reconciliation.dispute_records import RecordedDispute, by_key, list_disputes
from billing.reconciliation.frozen import FrozenReconciliation, reconcile
from billing.reconciliation.inputs import gather
from billing.reconciliation.treatment import Decided, Found, Treatment, found_in, sample_key, sample_of
from contracts import agreements, documents
from contracts.agreements import AgreementSummary
from contracts.errors import NotFound
from contracts.models import Document
from contracts.models.base import known, recorded_by_then
from contracts.people.access import Actor
from contracts.terms.period import Period, add_months, previous_day


@dataclass(frozen=True, slots=True)
class SignedOff:
    """A signature under a run: ``attest`` (checked) or ``approve`` (for payment), and the words that were signed."""

    kind: str
    by: str
    at: datetime
    statement: str
    protocol_id: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One frozen run of a quarter's reconciliation, numbered from 1; ``sha256`` is that of its document."""

    id: int
    number: int
    sha256: str
    document_id: int
    charges_id: int
    closing_run: int | None
    expected: Decimal
    invoiced: Decimal
    unexplained: Decimal
    findings: int
    at: datetime
    by: str
    attested: SignedOff | None = None
    approved: SignedOff | None = None
    reopened: str | None = None

    @property
    def difference(self) -> Decimal:
        """Give invoiced less expected."""
        return self.invoiced - self.expected


@dataclass(frozen=True, slots=True)
class Unsure:
    """Invoice lines whose match a person should look at, with the lines they were held against, and why."""

    sha256: str
    number: str
    match: MatchGroup

    @property
    def billed(self) -> tuple[BilledLine, ...]:
        """Give the invoice lines."""
        return self.match.billed

    @property
    def expected(self) -> tuple[Line, ...]:
        """Give the expected lines proposed for them."""
        return self.match.expected


@dataclass(frozen=True, slots=True)
class SampleLine:
    """A clean line that a person looks at anyway."""

    key: str
    sha256: str
    number: str
    line: BilledLine
    treatment: Treatment


@dataclass(frozen=True, slots=True)
class Report:
    """A quarter's reconciliation for a reader of all trusts; amounts in kroner excluding VAT.

    ``frozen`` is what is shown: the signed run where there is one, else what is known now; ``is_current`` tells whether the
    last run says the same as what is known now.
    """

    agreement: AgreementSummary
    quarter: Period
    state: CourseState
    facts: CourseFacts
    frozen: FrozenReconciliation
    sha256: str
    is_current: bool
    runs: tuple[Run, ...]
    invoices: tuple[ReadInvoice, ...]
    found: tuple[Found, ...]
    unsure: tuple[Unsure, ...]
    sample: tuple[SampleLine, ...]
    disputes: tuple[RecordedDispute, ...]
    now: FrozenReconciliation | None = None

    @property
    def run(self) -> Run | None:
        """Give the last run that stands, None where there is none."""
        return self.runs[-1] if self.runs and self.runs[-1].reopened is None else None

    @property
    def status(self) -> str:
        """Give ``equal``, ``differences`` or ``not_comparable``."""
        if not self.frozen.comparable:
            return "not_comparable"
        return "equal" if self.frozen.is_clean and not self.frozen.difference else "differences"

    @property
    def disputed(self) -> Decimal:
        """Give what is disputed and neither over nor carried to the next invoice."""
        return sum((each.amount for each in self.disputes if not (each.is_over or each.is_carried)), ZERO)

    @property
    def held(self) -> Decimal:
        """Give what is not to be paid for now: open disputes as each says, and all of an invoice with an unchecked account.

        What a credit note takes off already is not held back a second time. An account is unchecked until somebody has said
        that it is checked or accepted: to note it, or to dispute it, frees nothing.
        """
        held = ZERO
        stopped = {
            each.sha256
            for each in self.found
            if each.finding.code == "ACCOUNT_CHANGED" and each.treatment.state not in ("checked", "accepted")
        }
        for document in self.frozen.documents:
            if document.part.kind != "invoice":
                continue
            net = document.explanation.invoiced
            own = [each for each in self.disputes if each.invoice_sha256 == document.sha256]
            whole = max(net, ZERO) if document.sha256 in stopped else ZERO
            disputed = sum((max(each.held(net) - self._credited(each), ZERO) for each in own), ZERO)
            held += max(whole, min(disputed, max(net, ZERO)))
        return held

    def _credited(self, dispute: RecordedDispute) -> Decimal:
        groups = [
            group
            for document in self.frozen.documents
            if document.part.kind == "credit_note"
            for group in document.explanation.groups
            if group.credit == dispute.number
        ]
        return -sum((group.invoiced_amount for group in groups), ZERO)

    @property
    def payable(self) -> Decimal:
        """Give what may be paid now: invoiced, credits taken off, less what is held; never below 0.00.

        Nothing where the quarter is settled: what was paid is not to be paid again.
        """
        return ZERO if self.state == "settled" else max(self.frozen.invoiced - self.held, ZERO)

    @property
    def version(self) -> tuple[object, ...]:
        """Give plain values that name this state of the reconciliation."""
        signed = [sign.kind for run in self.runs for sign in (run.attested, run.approved) if sign is not None]
        states = [each.treatment.state for each in self.found]
        states += [each.treatment.state for each in self.sample]
        return (self.sha256, self.state, len(self.runs), *signed, *states, *(each.version for each in self.disputes))


@dataclass(frozen=True, slots=True)
class QuarterRow:
    """A quarter in the list: its state and the figures of the last run (None: never run)."""

    quarter: Period
    state: CourseState
    documents: int
    run: Run | None
    disputed: Decimal
    due_on: date | None


def report(
    session: Session,
    *,
    agreement_id: int,
    quarter: str,
    actor: Actor,
    today: date,
    known_at: datetime | None = None,
    run: int | None = None,
) -> Report:
    """Show a quarter's reconciliation, or one of its earlier runs; for readers whose scope is all trusts.

    Raises `InvalidInput` for what is no quarter, `NotFound` for one outside the agreement and a run that is not there.
    """
    require_reader(actor)
    found = known_now(session, agreement_id, parse_quarter(quarter), known_at)
    return report_of(session, agreement_id, found, today, known_at, run)


@dataclass(frozen=True, slots=True)
class Known:
    """A quarter as it is known, before anybody's decisions: the documents as they are read, and what they come to."""

    quarter: Period
    read: tuple[ReadInvoice, ...]
    live: FrozenReconciliation


def known_now(session: Session, agreement_id: int, quarter: Period, known_at: datetime | None = None) -> Known:
    """Read the documents and reconcile the quarter from what is known; what people decide changes nothing of it."""
    read = read_invoices(session, agreement_id=agreement_id, known_at=known_at)
    inputs = gather(session, agreement_id=agreement_id, quarter=quarter, read=read, known_at=known_at)
    return Known(quarter, read, reconcile(inputs))


def report_of(
    session: Session,
    agreement_id: int,
    knowledge: Known,
    today: date,
    known_at: datetime | None = None,
    wanted: int | None = None,
) -> Report:
    """Show what is known of a quarter with the runs, decisions, disputes and signatures that stand."""
    period, live = knowledge.quarter, knowledge.live
    label = period.label()
    runs = tuple(list_runs(session, agreement_id, label, known_at))
    last = runs[-1] if runs and runs[-1].reopened is None else None
    digest = live.sha256
    is_current = last is not None and last.sha256 == digest
    shown, shown_hash = live, digest
    chosen = last if last is not None and last.attested is not None else None
    if wanted is not None:
        chosen = next((each for each in runs if each.number == wanted), None)
        if chosen is None:
            raise NotFound(f"{label} has no run {wanted}")
    if chosen is not None and chosen.sha256 != digest:
        shown, shown_hash = frozen_of(session, chosen), chosen.sha256
    disputes = tuple(list_disputes(session, agreement_id, label, known_at))
    decisions = _decisions(session, agreement_id, label, known_at)
    found = found_in(shown, decisions, by_key(list_disputes(session, agreement_id, None, known_at)))
    own = of_quarter(knowledge.read, period)
    unsure = tuple(_unsure(shown))
    sample = tuple(_sample(shown, decisions))
    closing = closings.standing(session, agreement_id, known_at).get(label)
    facts = CourseFacts(
        over=today >= period.end,
        closed=closing is not None,
        missing_counts=_missing(session, agreement_id, period, today) if closing is None else closing.missing,
        documents=len(own),
        run=last is not None,
        is_current=is_current,
        undecided=sum(each.treatment.is_open for each in found),
        unsure=len(unsure),
        unchecked=sum(each.treatment.is_open for each in sample),
        with_vendor=sum(each.state in dispute_terms.WITH_VENDOR for each in disputes),
        credit_awaited=sum(each.state in dispute_terms.CREDIT_AWAITED and not each.is_carried for each in disputes),
        attested=last is not None and last.attested is not None,
        approved=last is not None and last.approved is not None,
        settled=_settled(session, agreement_id, own, today, known_at),
    )
    return Report(
        agreement=agreements.agreement_summary(session, agreement_id, known_at),
        quarter=period,
        state=state_of(facts),
        facts=facts,
        frozen=shown,
        sha256=shown_hash,
        is_current=is_current,
        runs=runs,
        invoices=own,
        found=found,
        unsure=unsure,
        sample=sample,
        disputes=disputes,
        now=live if shown is not live else None,
    )


def list_quarters(
    session: Session, *, agreement_id: int, actor: Actor, today: date, known_at: datetime | None = None
) -> list[QuarterRow]:
    """List the quarters of the agreement that have begun, newest first, with the figures of their last runs."""
    require_reader(actor)
    agreement = agreements.agreement_summary(session, agreement_id, known_at)
    read = read_invoices(session, agreement_id=agreement_id, known_at=known_at)
    standing = closings.standing(session, agreement_id, known_at)
    by_quarter: dict[str, list[Run]] = {}
    for quarter, each in _runs(session, agreement_id, None, known_at):
        by_quarter.setdefault(quarter, []).append(each)
    disputes = list_disputes(session, agreement_id, None, known_at)
    rows = []
    start = Period.quarter(min(max(today, agreement.term.start), previous_day(agreement.term.end))).start
    while start >= Period.quarter(agreement.term.start).start:
        period = Period.quarter(start)
        label = period.label()
        own = of_quarter(read, period)
        last = by_quarter.get(label, [None])[-1]
        last = None if last is None or last.reopened is not None else last
        in_quarter = [each for each in disputes if each.quarter == label]
        facts = CourseFacts(
            over=today >= period.end,
            closed=label in standing,
            documents=len(own),
            run=last is not None,
            is_current=last is None or last.attested is not None or _knows(session, last, own),
            attested=last is not None and last.attested is not None,
            approved=last is not None and last.approved is not None,
            undecided=_undecided(session, agreement_id, label, last, disputes, known_at),
            with_vendor=sum(each.state in dispute_terms.WITH_VENDOR for each in in_quarter),
            credit_awaited=sum(
                each.state in dispute_terms.CREDIT_AWAITED and not each.is_carried for each in in_quarter
            ),
            settled=_settled(session, agreement_id, own, today, known_at),
        )
        due = [each.document.due_on for each in own if each.document.due_on is not None]
        disputed = sum((each.amount for each in in_quarter if not (each.is_over or each.is_carried)), ZERO)
        rows.append(QuarterRow(period, state_of(facts), len(own), last, disputed, min(due, default=None)))
        start = add_months(start, -3)
    return rows


def _knows(session: Session, run: Run, own: Iterable[ReadInvoice]) -> bool:
    """Tell whether a run has seen every document of its quarter; what else it may not know, its own page tells."""
    return {each.sha256 for each in own} == {each.sha256 for each in frozen_of(session, run).documents}


def _undecided(
    session: Session,
    agreement_id: int,
    label: str,
    run: Run | None,
    disputes: list[RecordedDispute],
    known_at: datetime | None,
) -> int:
    if run is None or run.attested is not None:
        return 0
    frozen = frozen_of(session, run)
    decisions = _decisions(session, agreement_id, label, known_at)
    found = found_in(frozen, decisions, by_key(disputes))
    unchecked = sum(each.treatment.is_open for each in _sample(frozen, decisions))
    return sum(each.treatment.is_open for each in found) + unchecked + len(list(_unsure(frozen)))


def list_runs(session: Session, agreement_id: int, quarter: str, known_at: datetime | None = None) -> list[Run]:
    """List the runs of a quarter, oldest first."""
    return [each for _, each in _runs(session, agreement_id, quarter, known_at)]


def runs_of_document(session: Session, agreement_id: int, sha256: str, known_at: datetime | None = None) -> list[Run]:
    """List the runs, of whatever quarters, that froze a document, oldest first: a run names its documents by hash."""
    runs = [each for _, each in _runs(session, agreement_id, None, known_at)]
    held = [each for each in runs if sha256.encode() in documents.bytes_of(session, each.document_id)]
    return sorted(held, key=lambda each: each.at)


def newest_runs(session: Session, agreement_id: int) -> dict[str, Run]:
    """Give the newest run of each quarter, by quarter."""
    return dict(_runs(session, agreement_id, None, None))


def _runs(session: Session, agreement_id: int, quarter: str | None, known_at: datetime | None) -> list[tuple[str, Run]]:
    query = (
        select(ReconciliationRun, Document.sha256)
        .join(Document, Document.id == ReconciliationRun.document_id)
        .where(ReconciliationRun.agreement_id == agreement_id)
        .order_by(ReconciliationRun.quarter, ReconciliationRun.number)
    )
    if quarter is not None:
        query = query.where(ReconciliationRun.quarter == quarter)
    rows = session.execute(recorded_by_then(query, ReconciliationRun, known_at)).all()
    ids = [row.id for row, _ in rows]
    signed: dict[tuple[int, str], SignedOff] = {}
    signs = select(SignOff).where(SignOff.run_id.in_(ids))
    for sign in session.scalars(recorded_by_then(signs, SignOff, known_at)):
        signed[sign.run_id, sign.kind] = SignedOff(
            sign.kind, sign.recorded_by, sign.recorded_at, sign.statement, sign.document_id
        )
    opened = select(ReconciliationReopening).where(ReconciliationReopening.run_id.in_(ids))
    reasons = {
        each.run_id: each.reason
        for each in session.scalars(recorded_by_then(opened, ReconciliationReopening, known_at))
    }
    return [
        (
            row.quarter,
            Run(
                row.id,
                row.number,
                sha256,
                row.document_id,
                row.charges_id,
                row.closing_run,
                row.expected,
                row.invoiced,
                row.unexplained,
                row.findings,
                row.recorded_at,
                row.recorded_by,
                signed.get((row.id, "attest")),
                signed.get((row.id, "approve")),
                reasons.get(row.id),
            ),
        )
        for row, sha256 in rows
    ]


def run_bytes(session: Session, *, agreement_id: int, quarter: str, run: int, actor: Actor) -> tuple[Run, bytes]:
    """Give the document that a run froze, byte for byte."""
    require_reader(actor)
    parse_quarter(quarter)
    found = next((each for each in list_runs(session, agreement_id, quarter) if each.number == run), None)
    if found is None:
        raise NotFound(f"{quarter} has no run {run}")
    return found, documents.bytes_of(session, found.document_id)


def frozen_of(session: Session, run: Run) -> FrozenReconciliation:
    """Read what a run froze."""
    charges = FrozenQuarter.from_bytes(documents.bytes_of(session, run.charges_id))
    return FrozenReconciliation.from_bytes(documents.bytes_of(session, run.document_id), charges)


def _decisions(session: Session, agreement_id: int, quarter: str, known_at: datetime | None) -> dict[str, Decided]:
    rows = session.scalars(
        select(FindingDecision).where(
            FindingDecision.agreement_id == agreement_id,
            FindingDecision.quarter == quarter,
            known(FindingDecision, known_at),
        )
    )
    return {row.finding: Decided(row.decision, row.recorded_by, row.comment) for row in rows}  # type: ignore[arg-type]


def _unsure(frozen: FrozenReconciliation) -> Iterable[Unsure]:
    decided = set(frozen.inputs.decided)
    for each in frozen.documents:
        for group in each.explanation.groups:
            for match in group.matches:
                placed = any((each.sha256, line.id) in decided for line in match.billed)
                if match.billed and match.expected and not match.is_sure and not placed:
                    yield Unsure(each.sha256, each.part.number, match)


def _sample(frozen: FrozenReconciliation, decisions: dict[str, Decided]) -> Iterable[SampleLine]:
    for sha256, line_id in sample_of(frozen.documents):
        document = next(each for each in frozen.documents if each.sha256 == sha256)
        line = next(each for each in document.part.lines if each.id == line_id)
        key = sample_key(sha256, line_id)
        decided = decisions.get(key)
        treatment = Treatment("open") if decided is None else Treatment(decided.decision, decided.by, decided.comment)
        yield SampleLine(key, sha256, document.part.number, line, treatment)


def _missing(session: Session, agreement_id: int, period: Period, today: date) -> int:
    agreement = agreements.agreement_summary(session, agreement_id)
    common = period.overlap(Period(agreement.term.start, agreement.term.end))
    if common is None:
        return 0
    cells = coverage.covered_cells(session, agreement_id=agreement_id, period=common, today=today)
    return sum(cell.status == "missing" for cell in cells)


def _settled(
    session: Session, agreement_id: int, own: Iterable[ReadInvoice], today: date, known_at: datetime | None
) -> bool:
    ids = [each.id for each in own]
    if not ids:
        return False
    return payments.settled(session, agreement_id=agreement_id, invoice_ids=ids, on=today, known_at=known_at)


def require_reader(actor: Actor) -> None:
    actor.require("read")
    if actor.scope("read") is not None:
        raise NotFound("there is no such reconciliation")
