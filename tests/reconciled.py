"""A small quarter to reconcile: the worked example's charges, closed, and a vendor's documents for it, right or wrong.

The first quarter of 2024 comes to 13 800.00 on four lines, two of Sykehuset Østfold and two of Vestre Viken; the second to
3 240.00. A document starts from what was due and is changed by hand, so a test says what the vendor did and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.ehf.document import (
    BillingReference,
    Document,
    ItemProperty,
    Line,
    PaymentMeans,
    Period,
    Price,
    Tax,
    TaxSubtotal,
    TaxTotal,
)
from billing.ehf.parse import parse
from billing.ehf.write import to_bytes
from billing.invoices import invoices
from billing.invoices.expected import expected_invoice
from billing.invoices.invoices import InvoiceReading
from billing.quarters import closing as quarters
from billing.reconciliation import disputes, sign_offs
from billing.reconciliation import runs as reconciliation
from billing.reconciliation.dispute_records import RecordedDispute
from billing.reconciliation.report import Report, report
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period as Days
from contracts.web import formatting
from tests.recorded import record_agreement, record_usage

FIRST, SECOND = "2024-Q1", "2024-Q2"
DUE = Decimal("13800.00")
SECOND_USAGE = b"""trust,algorithm,date,quantity
vestre-viken,xray-skeletal,2024-04-10,32
sykehuset-ostfold,xray-skeletal,2024-05-10,40
"""
ACCOUNT, OTHER_ACCOUNT = "12345670007", "12345678903"
TODAY = date(2024, 8, 1)
NOW = datetime(2024, 8, 1, 9, tzinfo=UTC)
OSTFOLD, VIKEN = "sykehuset-ostfold", "vestre-viken"
ORE = Decimal("0.01")


def person(name: str, *roles: str, trust: str | None = None) -> Actor:
    """Give somebody with roles, for all trusts or within one."""
    return Actor(f"person:{name}@example.org", name, tuple(Grant(role, trust) for role in roles))


CONTROLLER = person("kari", "finance_controller")
APPROVER = person("ola", "approver")
MANAGER = person("mari", "contract_manager")
BOTH = person("siv", "finance_controller", "approver")


def record_quarters(*, closed: Iterable[str] = (FIRST, SECOND)) -> int:
    """Record the agreement and half a year's usage, close quarters, and give the agreement's id."""
    agreement_id = record_agreement()
    record_usage(agreement_id)
    record_usage(agreement_id, SECOND_USAGE, datetime(2024, 7, 3, 9, tzinfo=UTC))
    for quarter in closed:
        close(agreement_id, quarter)
    return agreement_id


def close(agreement_id: int, quarter: str = FIRST) -> None:
    """Close a quarter."""
    with db.write() as session:
        quarters.close(
            session,
            agreement_id=agreement_id,
            quarter=quarter,
            actor=CONTROLLER,
            now=datetime(2024, 7, 5, 9, tzinfo=UTC),
            today=TODAY,
            accept_missing=True,
        )


# -- what the vendor sends ---------------------------------------------------------------------------------------------------


def invoice(
    agreement_id: int, quarter: str = FIRST, *, number: str = "10045", trust: str | None = None, **changes: Any
) -> Document:
    """Give the vendor's right invoice of a quarter (of one trust's lines), with header fields changed."""
    with db.read() as session:
        expected = expected_invoice(
            session, agreement_id=agreement_id, period=Days.parse(quarter), actor=COMMAND_LINE, trust=trust
        )
    document = parse(expected.content)
    issued = date(2024, 4, 10) if quarter == FIRST else date(2024, 7, 10)
    plain = replace(
        document,
        number=number,
        issue_date=issued,
        due_date=issued + timedelta(days=30),
        payment_means=(PaymentMeans(code="30", payment_id=number, account=ACCOUNT),),
    )
    return replace(plain, **changes)


def with_lines(document: Document, *lines: Line) -> Document:
    """Give a document with these lines instead of its own, added up again."""
    numbered = tuple(replace(line, id=str(place)) for place, line in enumerate(lines, start=1))
    return summed(replace(document, lines=numbered))


def beside(document: Document, *lines: Line) -> Document:
    """Give a document with lines beside its own, added up again."""
    return with_lines(document, *document.lines, *lines)


def summed(document: Document) -> Document:
    """Add a document up: its sums, and 25 % VAT on them."""
    net = sum((line.net or Decimal(0) for line in document.lines), Decimal("0.00"))
    allowances = sum((each.amount or Decimal(0) for each in document.allowances if not each.is_charge), Decimal(0))
    charges = sum((each.amount or Decimal(0) for each in document.allowances if each.is_charge), Decimal(0))
    exclusive = net - allowances + charges
    tax = (exclusive * Decimal("0.25")).quantize(ORE, "ROUND_HALF_UP")
    currency = document.currency
    subtotal = TaxSubtotal(exclusive, tax, Tax("S", Decimal(25)), currency)
    return replace(
        document,
        tax_totals=(TaxTotal(tax, currency, (subtotal,)),),
        totals=replace(
            document.totals,
            line_sum=net,
            allowance=allowances or None,
            charge=charges or None,
            tax_exclusive=exclusive,
            tax_inclusive=exclusive + tax,
            payable=exclusive + tax,
            currency=currency,
        ),
    )


def line(
    text: str,
    amount: str,
    *,
    trust: str | None = None,
    algorithm: str | None = None,
    period: str | None = "2024-01",
    **properties: str,
) -> Line:
    """Give a line of an amount of money; a negative one has quantity −1."""
    net = Decimal(amount)
    days = None if period is None else Days.parse(period)
    named = {"trust": trust, "algorithm": algorithm} | properties
    return Line(
        id="1",
        quantity=Decimal(-1 if net < 0 else 1),
        net=net,
        name=text,
        unit="C62",
        price=Price(abs(net), currency="NOK"),
        tax=Tax("S", Decimal(25)),
        period=None if days is None else Period.from_half_open(days.start, days.end),
        properties=tuple(ItemProperty(name, value) for name, value in named.items() if value is not None),
        currency="NOK",
    )


def credit_note(
    agreement_id: int, *lines: Line, names: Iterable[str] = ("10045",), number: str = "20045", **changes: Any
) -> Document:
    """Give a credit note of these lines (positive amounts take off) for the invoices it names."""
    document = invoice(agreement_id, number=number, issue_date=date(2024, 6, 3))
    note = replace(
        document,
        kind="credit_note",
        type_code="381",
        due_date=None,
        billing_references=tuple(BillingReference(each) for each in names),
    )
    return with_lines(replace(note, **changes), *lines)


def take_in(agreement_id: int, document: Document, *, actor: Actor = CONTROLLER) -> InvoiceReading:
    """Import a document as the vendor sent it."""
    with db.write() as session:
        taken = invoices.import_invoice(
            session,
            agreement_id=agreement_id,
            filename=f"{document.number}.xml",
            content=to_bytes(document),
            actor=actor,
            now=NOW,
        )
    assert taken.status == "imported", taken
    return taken


# -- what we do ------------------------------------------------------------------------------------------------------------


def seen(agreement_id: int, quarter: str = FIRST, **options: Any) -> Report:
    """Give a quarter's report."""
    with db.read() as session:
        return report(
            session, **{"agreement_id": agreement_id, "quarter": quarter, "actor": CONTROLLER} | options, today=TODAY
        )


def run(agreement_id: int, quarter: str = FIRST, *, actor: Actor = CONTROLLER) -> Report:
    """Record a run."""
    with db.write() as session:
        return reconciliation.record_run(
            session, agreement_id=agreement_id, quarter=quarter, actor=actor, now=NOW, today=TODAY
        )


def decide(
    agreement_id: int,
    keys: Iterable[str],
    decision: Any = "checked",
    comment: str = "",
    quarter: str = FIRST,
    actor: Actor = CONTROLLER,
) -> Report:
    """Decide about findings and lines of the sample."""
    with db.write() as session:
        return reconciliation.decide(
            session,
            agreement_id=agreement_id,
            quarter=quarter,
            keys=keys,
            decision=decision,
            comment=comment,
            actor=actor,
            now=NOW,
            today=TODAY,
        )


def check_sample(agreement_id: int, quarter: str = FIRST) -> None:
    """Look at the lines of the sample that nobody has looked at."""
    keys = [each.key for each in seen(agreement_id, quarter).sample if each.treatment.is_open]
    if keys:
        decide(agreement_id, keys, quarter=quarter)


def attest(
    agreement_id: int, quarter: str = FIRST, *, actor: Actor = CONTROLLER, statement: str = "Checked."
) -> Report:
    """Attest a quarter."""
    with db.write() as session:
        return sign_offs.attest(
            session,
            agreement_id=agreement_id,
            quarter=quarter,
            statement=statement,
            actor=actor,
            now=NOW,
            today=TODAY,
        )


def approve(agreement_id: int, quarter: str = FIRST, *, actor: Actor = APPROVER, statement: str = "Pay.") -> Report:
    """Approve a quarter for payment."""
    with db.write() as session:
        return sign_offs.approve(
            session,
            agreement_id=agreement_id,
            quarter=quarter,
            statement=statement,
            write=formatting,
            actor=actor,
            now=NOW,
            today=TODAY,
        )


def reopen(agreement_id: int, quarter: str = FIRST, *, actor: Actor = CONTROLLER, reason: str = "Too early.") -> Report:
    """Open a signed quarter again."""
    with db.write() as session:
        return reconciliation.reopen(
            session,
            agreement_id=agreement_id,
            quarter=quarter,
            reason=reason,
            actor=actor,
            now=NOW,
            today=TODAY,
        )


def dispute(agreement_id: int, keys: Iterable[str], **options: Any) -> RecordedDispute:
    """Dispute findings: a credit in part is wanted, and that part is held, until something else is said."""
    given: dict[str, Any] = {
        "quarter": FIRST,
        "wanted": "credit_part",
        "hold": "part",
        "language": "nb",
        "reply_by": date(2024, 8, 15),
        "message": "",
        "actor": CONTROLLER,
    }
    with db.write() as session:
        return disputes.open_dispute(
            session,
            **given | {"agreement_id": agreement_id, "keys": keys} | options,
            write=formatting,
            now=NOW,
            today=TODAY,
        )


def step(agreement_id: int, number: str, kind: Any, **options: Any) -> RecordedDispute:
    """Take a step of a dispute."""
    given: dict[str, Any] = {"on": TODAY, "actor": CONTROLLER, "comment": "As told."}
    with db.write() as session:
        return disputes.take_step(
            session,
            **given | {"agreement_id": agreement_id, "number": number, "step": kind} | options,
            now=NOW,
            today=TODAY,
        )


def keys_of(found: Report, *codes: str) -> list[str]:
    """Give the keys of the findings with one of these codes (all where none is named), in their order."""
    return [each.key for each in found.found if not codes or each.finding.code in codes]


def codes_of(found: Report) -> dict[str, Decimal]:
    """Give what each code adds to the difference."""
    sums: dict[str, Decimal] = {}
    for each in found.found:
        sums[each.finding.code] = sums.get(each.finding.code, Decimal("0.00")) + each.finding.amount
    return sums
