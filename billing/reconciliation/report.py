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
from billing.charges import basis as charges_basis
from billing.figures import Figure
from billing.figures import quarter as quarter_sums
from billing.figures.course import CourseFacts, CourseState, state, state_of
from billing.invoices.reading import ReadInvoice, of_quarter, read_invoices
from billing.models import (
    FindingDecision,
    ReconciliationReopening,
    ReconciliationRun,
    SignOff,
)
from billing.payments import payments
from billing.payments.payments import Account
from billing.quarters import coverage
from billing.quarters import runs as closings
from billing.quarters.closing import parse_quarter
from billing.quarters.frozen import FrozenQuarter
from billing.rating.lines import Line
from billing.reconciliation import dispute_terms
from billing.reconciliation.dispute_records import RecordedDispute, by_key, list_disputes
from billing.reconciliation.frozen import FrozenReconciliation, reconcile
from billing.reconciliation.inputs import gather
from billing.reconciliation.quarter_figures import Payables, QuarterFigures, disputed_of, figures_of, payables_of
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
    last run says the same as what is known now. ``stands`` is false for an earlier run that is shown as it once was: it has no
    figures that anything else would show.
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
    figures: QuarterFigures
    payables: Payables
    stands: bool = True
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
    def credit_came(self) -> bool:
        """Tell whether a credit note that the quarter waits for is here, and only has to be accepted."""
        notes = {group.credit for each in self.frozen.documents for group in each.explanation.groups if group.credit}
        return self.state == "waiting_for_credit" and any(each.number in notes for each in self.disputes)

    @property
    def held(self) -> Decimal:
        """Give what is not to be paid for now, whether or not the rest is approved."""
        return self.payables.withheld

    @property
    def approvable(self) -> Decimal:
        """Give what whoever approves the quarter approves for payment."""
        return self.payables.payable(self.quarter, approved=True).amount

    @property
    def version(self) -> tuple[object, ...]:
        """Give plain values that name this state of the reconciliation."""
        signed = [sign.kind for run in self.runs for sign in (run.attested, run.approved) if sign is not None]
        states = [each.treatment.state for each in self.found]
        states += [each.treatment.state for each in self.sample]
        return (self.sha256, self.state, len(self.runs), *signed, *states, *(each.version for each in self.disputes))


@dataclass(frozen=True, slots=True)
class QuarterRow:
    """A quarter in the list: its figures, and its last run (None: never run).

    ``billed`` and ``difference`` are None for a quarter without documents. ``undecided`` is what nobody has decided, in
    ``to_decide`` differences: nothing once the quarter is signed.
    """

    quarter: Period
    state: Figure
    documents: int
    run: Run | None
    expected: Figure
    billed: Figure | None
    difference: Figure | None
    disputed: Figure
    undecided: Figure
    to_decide: int
    due_on: date | None

    def figures(self) -> tuple[Figure, ...]:
        """List the figures that the quarter has."""
        known = (self.expected, self.billed, self.difference, self.disputed, self.state)
        return tuple(each for each in known if each is not None)


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
    return Known(quarter, read, _live(session, agreement_id, quarter, read, known_at))


def _live(
    session: Session, agreement_id: int, quarter: Period, read: tuple[ReadInvoice, ...], known_at: datetime | None
) -> FrozenReconciliation:
    return reconcile(gather(session, agreement_id=agreement_id, quarter=quarter, read=read, known_at=known_at))


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
    signed = chosen = last if last is not None and last.attested is not None else None
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
    own_accounts = _Accounts(session, agreement_id, today, known_at)
    payables = payables_of(shown, found, disputes, own_accounts.by_hash(own))
    facts = CourseFacts(
        over=today >= period.end,
        closed=closing is not None,
        missing_counts=_missing(session, agreement_id, period, today, known_at) if closing is None else closing.missing,
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
        settled=own_accounts.settled(own),
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
        figures=figures_of(shown, found, disputes, own_accounts.of(own), payables, facts),
        payables=payables,
        stands=shown_hash == (digest if signed is None else signed.sha256),
        now=live if shown is not live else None,
    )


def list_quarters(
    session: Session, *, agreement_id: int, actor: Actor, today: date, known_at: datetime | None = None
) -> list[QuarterRow]:
    """List the quarters of the agreement that have begun, newest first, with the figures of their last runs."""
    listing = _listing(session, agreement_id, actor, today, known_at)
    term, rows = listing.agreement.term, []
    start = Period.quarter(min(max(today, term.start), previous_day(term.end))).start
    while start >= Period.quarter(term.start).start:
        rows.append(listing.row(Period.quarter(start)))
        start = add_months(start, -3)
    return rows


def newest_quarter(
    session: Session, *, agreement_id: int, actor: Actor, today: date, known_at: datetime | None = None
) -> QuarterRow | None:
    """Give the newest quarter that has documents, as the list has it; None where no document has come."""
    listing = _listing(session, agreement_id, actor, today, known_at)
    term = listing.agreement.term.period
    quarters = [each for read in listing.read for each in read.quarters if each.overlap(term) is not None]
    return listing.row(max(quarters, key=lambda each: each.start)) if quarters else None


def _listing(session: Session, agreement_id: int, actor: Actor, today: date, known_at: datetime | None) -> _Listing:
    require_reader(actor)
    return _Listing(
        session,
        agreements.agreement_summary(session, agreement_id, known_at),
        read_invoices(session, agreement_id=agreement_id, known_at=known_at),
        newest_runs(session, agreement_id, known_at),
        list_disputes(session, agreement_id, None, known_at),
        _Accounts(session, agreement_id, today, known_at),
        today,
        known_at,
    )


class _Listing:
    """The quarters of a list, each with the figures that its own page shows.

    A quarter with documents or a run that nobody has signed is computed as its page is; the figures of the others follow from
    what is recorded.
    """

    def __init__(
        self,
        session: Session,
        agreement: AgreementSummary,
        read: tuple[ReadInvoice, ...],
        runs: dict[str, Run],
        disputes: list[RecordedDispute],
        accounts: _Accounts,
        today: date,
        known_at: datetime | None,
    ) -> None:
        self.session, self.agreement, self.read, self.runs = session, agreement, read, runs
        self.disputes, self.accounts, self.today, self.known_at = disputes, accounts, today, known_at
        self.standing = closings.standing(session, agreement.id, known_at)
        self.charges: dict[date, Decimal] = {}

    def row(self, period: Period) -> QuarterRow:
        label = period.label()
        own = of_quarter(self.read, period)
        last = self.runs.get(label)
        last = None if last is None or last.reopened is not None else last
        due = min((each.document.due_on for each in own if each.document.due_on is not None), default=None)
        disputed = disputed_of(period, (each for each in self.disputes if each.quarter == label))
        if (last is not None or own) and (last is None or last.attested is None):
            knowledge = Known(
                period, self.read, _live(self.session, self.agreement.id, period, self.read, self.known_at)
            )
            report = report_of(self.session, self.agreement.id, knowledge, self.today, self.known_at)
            found = report.figures
            return QuarterRow(
                period,
                found.state,
                len(own),
                last,
                found.expected,
                found.billed,
                found.difference,
                disputed,
                found.undecided,
                report.facts.undecided,
                due,
            )
        closing = self.standing.get(label)
        facts = CourseFacts(
            over=self.today >= period.end,
            closed=closing is not None,
            missing_counts=0
            if closing
            else _missing(self.session, self.agreement.id, period, self.today, self.known_at),
            documents=len(own),
            run=last is not None,
            is_current=last is not None,
            attested=last is not None,
            approved=last is not None and last.approved is not None,
            settled=self.accounts.settled(own),
        )
        # A signed run says the same for good; without documents, what is closed is what was frozen.
        amount = last.expected if last else closing.total if closing else self._expected(period)
        expected = quarter_sums.expected(period, amount)
        billed = None if last is None else quarter_sums.billed(period, [last.invoiced])
        return QuarterRow(
            period,
            state(period, facts),
            len(own),
            last,
            expected,
            billed,
            None if billed is None else quarter_sums.difference(period, billed, expected),
            disputed,
            quarter_sums.undecided(period, ()),
            0,
            due,
        )

    def _expected(self, period: Period) -> Decimal:
        """Sum what an open quarter is due; the counts are gathered and rated once for all of them."""
        if not self.charges:
            terms = charges_basis.gather(self.session, agreement_id=self.agreement.id, known_at=self.known_at)
            for line in terms.rate(self.agreement.term.period).lines:
                first = Period.quarter(line.period.start).start
                self.charges[first] = self.charges.get(first, ZERO) + line.net
        return self.charges.get(period.start, ZERO)


def list_runs(session: Session, agreement_id: int, quarter: str, known_at: datetime | None = None) -> list[Run]:
    """List the runs of a quarter, oldest first."""
    return [each for _, each in _runs(session, agreement_id, quarter, known_at)]


def runs_of_document(session: Session, agreement_id: int, sha256: str, known_at: datetime | None = None) -> list[Run]:
    """List the runs, of whatever quarters, that froze a document, oldest first: a run names its documents by hash."""
    runs = [each for _, each in _runs(session, agreement_id, None, known_at)]
    held = [each for each in runs if sha256.encode() in documents.bytes_of(session, each.document_id)]
    return sorted(held, key=lambda each: each.at)


def newest_runs(session: Session, agreement_id: int, known_at: datetime | None = None) -> dict[str, Run]:
    """Give the newest run of each quarter, by quarter."""
    return dict(_runs(session, agreement_id, None, known_at))


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


def _missing(session: Session, agreement_id: int, period: Period, today: date, known_at: datetime | None) -> int:
    """Count the months of which a count is due and not in whole."""
    agreement = agreements.agreement_summary(session, agreement_id, known_at)
    common = period.overlap(Period(agreement.term.start, agreement.term.end))
    if common is None:
        return 0
    cells = coverage.covered_cells(session, agreement_id=agreement_id, period=common, today=today, known_at=known_at)
    return sum(cell.to_deliver for cell in cells)


class _Accounts:
    """The accounts of recorded documents on a day; those of an invoice and of the notes that credit it are one."""

    def __init__(self, session: Session, agreement_id: int, today: date, known_at: datetime | None) -> None:
        self.found, self.home = payments.accounts(session, agreement_id=agreement_id, on=today, known_at=known_at)

    def of(self, own: Iterable[ReadInvoice]) -> list[Account]:
        ids = dict.fromkeys(self.home.get(each.id, each.id) for each in own)
        return [self.found[each] for each in ids if each in self.found]

    def by_hash(self, own: Iterable[ReadInvoice]) -> dict[str, Account]:
        return {each.sha256: self.found[each.id] for each in own if each.id in self.found}

    def settled(self, own: Iterable[ReadInvoice]) -> bool:
        listed = self.of(own)
        return bool(listed) and all(each.open == 0 for each in listed)


def require_reader(actor: Actor) -> None:
    actor.require("read")
    if actor.scope("read") is not None:
        raise NotFound("there is no such reconciliation")
