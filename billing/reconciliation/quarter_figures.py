"""A quarter's figures from its reconciliation: the facts gathered for the functions that say what each figure means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

from billing.causes.billed import ZERO
from billing.figures import Figure, quarter
from billing.figures.course import CourseFacts, state
from billing.figures.quarter import BilledInvoice
from billing.payments.payments import Account
from billing.reconciliation.dispute_records import RecordedDispute
from billing.reconciliation.frozen import FrozenReconciliation, Reconciled
from billing.reconciliation.treatment import Found
from contracts.terms.period import Period

# What frees an invoice whose account is another than known: somebody has said that it is checked or accepted.
ACCOUNT_FREED = ("checked", "accepted")


@dataclass(frozen=True, slots=True)
class QuarterFigures:
    """The figures of a quarter that its reconciliation decides."""

    expected: Figure
    billed: Figure
    difference: Figure
    undecided: Figure
    disputed: Figure
    payable: Figure
    paid: Figure
    open: Figure
    state: Figure

    def listed(self) -> tuple[Figure, ...]:
        """List them in their order."""
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class Payables:
    """What decides what may be paid of a quarter: its invoices, and what credit notes take off that name none of them."""

    invoices: tuple[BilledInvoice, ...]
    unplaced: Decimal

    @property
    def withheld(self) -> Decimal:
        """Give what is not to be paid for now: open disputes as each says, and all of an invoice with an unchecked account."""
        return sum((each.withheld for each in self.invoices), ZERO)

    def payable(self, period: Period, approved: bool) -> Figure:
        """Give what may be paid today, or what might be once it is approved."""
        return quarter.payable(period, self.invoices, self.unplaced, approved)


def payables_of(
    frozen: FrozenReconciliation,
    found: Iterable[Found],
    disputes: Sequence[RecordedDispute],
    accounts: Mapping[str, Account],
) -> Payables:
    """Gather what decides what may be paid; ``accounts`` are those of the documents, by their hash."""
    listed = list(found)
    notes = [each for each in frozen.documents if each.part.kind == "credit_note"]
    invoices = [each for each in frozen.documents if each.part.kind == "invoice"]
    numbers = {each.part.number for each in invoices}
    return Payables(
        tuple(_invoice(frozen, each, notes, listed, disputes, accounts.get(each.sha256)) for each in invoices),
        -sum((note.explanation.invoiced for note in notes if not numbers & set(note.part.credits)), ZERO),
    )


def _invoice(
    frozen: FrozenReconciliation,
    document: Reconciled,
    notes: Iterable[Reconciled],
    found: Iterable[Found],
    disputes: Iterable[RecordedDispute],
    account: Account | None,
) -> BilledInvoice:
    net = document.explanation.invoiced
    credited = -sum((note.explanation.invoiced for note in notes if document.part.number in note.part.credits), ZERO)
    own = [each for each in found if each.sha256 == document.sha256]
    stopped = any(each.finding.code == "ACCOUNT_CHANGED" and each.treatment.state not in ACCOUNT_FREED for each in own)
    # What a credit note takes off already is not held back a second time.
    disputed = sum(
        (
            max(each.held(net) - _credited(frozen, each), ZERO)
            for each in disputes
            if each.invoice_sha256 == document.sha256
        ),
        ZERO,
    )
    return BilledInvoice(
        billed=net,
        credited=credited,
        withheld=max(max(net, ZERO) if stopped else ZERO, min(disputed, max(net, ZERO))),
        owed=net if account is None else account.billed - account.credited,
        left=net if account is None else account.open,
        undecided=sum(each.treatment.is_open for each in own),
    )


def _credited(frozen: FrozenReconciliation, dispute: RecordedDispute) -> Decimal:
    groups = [
        group
        for document in frozen.documents
        if document.part.kind == "credit_note"
        for group in document.explanation.groups
        if group.credit == dispute.number
    ]
    return -sum((group.invoiced_amount for group in groups), ZERO)


def figures_of(
    frozen: FrozenReconciliation,
    found: Iterable[Found],
    disputes: Sequence[RecordedDispute],
    accounts: Iterable[Account],
    payables: Payables,
    facts: CourseFacts,
) -> QuarterFigures:
    """Ask each function for its figure of the quarter."""
    period, paid = frozen.inputs.quarter, list(accounts)
    invoiced = quarter.billed(period, (each.explanation.invoiced for each in frozen.documents))
    due = quarter.expected(period, frozen.expected)
    return QuarterFigures(
        expected=due,
        billed=invoiced,
        difference=quarter.difference(period, invoiced, due),
        undecided=quarter.undecided(period, (each.finding.amount for each in found if each.treatment.is_open)),
        disputed=disputed_of(period, disputes),
        payable=payables.payable(period, facts.approved),
        paid=quarter.paid(period, (each.paid for each in paid)),
        open=quarter.open_amount(period, (each.open for each in paid)),
        state=state(period, facts),
    )


def disputed_of(period: Period, disputes: Iterable[RecordedDispute]) -> Figure:
    """Give what is disputed of a quarter and neither over nor carried to the next invoice."""
    return quarter.disputed(period, (each.amount for each in disputes if not (each.is_over or each.is_carried)))
