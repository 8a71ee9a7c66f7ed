"""Gather what a quarter is reconciled from: its charges, the documents that bill it, and what is known beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.causes import AgreedCredit, AgreementFacts, SetApart, SetApartReason
from billing.causes.billed import ZERO, BilledDocument
from billing.causes.naming import Names
from billing.charges import basis
from billing.charges.basis import Terms
from billing.invoices import setup as invoice_setup
from billing.invoices.reading import ReadInvoice, next_invoice, of_quarter
from billing.models import UsageEvent, UsageImport, UsageReversal
from billing.models.usage import BILLABLE, OUTCOMES
from billing.payments.approved import approved_by_quarter
from billing.quarters import runs as closings
from billing.quarters.frozen import FrozenQuarter
from billing.quarters.later import Cell, covered
from billing.reconciliation import tolerances
from billing.reconciliation.dispute_records import RecordedDispute, list_disputes
from billing.reconciliation.frozen import Held, Inputs
from contracts import agreements
from contracts.agreements import AgreementSummary
from contracts.errors import NotFound
from contracts.models import Algorithm, Organisation
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Usage

# Late usage is looked for in the year before the quarter's end: what is older is nobody's to bill now.
QUARTERS_BACK = 4


def gather(
    session: Session,
    *,
    agreement_id: int,
    quarter: Period,
    read: Sequence[ReadInvoice],
    known_at: datetime | None = None,
) -> Inputs:
    """Gather a quarter's reconciliation as known: the frozen charges where it is closed, else those of what is known.

    ``read`` are all the agreement's documents as they are read (`read_invoices`). Raises `NotFound` for a quarter outside the
    agreement.
    """
    terms = basis.gather(session, agreement_id=agreement_id, known_at=known_at)
    charges, run = _charges(session, agreement_id, terms, quarter, known_at)
    own = of_quarter(read, quarter)
    disputes = list_disputes(session, agreement_id, None, known_at)
    tolerance, tolerance_from = tolerances.tolerance_on(session, agreement_id, quarter.start, known_at)
    facts = _Facts(session, agreement_id, terms.agreement, quarter, known_at)
    agreed = [(each, credit) for each in disputes if (credit := each.credit) is not None]
    earlier = _earlier(read, own)
    held = tuple(
        Held(
            each.sha256,
            each.document,
            facts.of(each, read, own[:place]),
            _credits_for(each, own, read, agreed),
            sum(other.id < each.id for other in earlier),
        )
        for place, each in enumerate(own)
    )
    wanted = {credit.id for each in held for credit in each.credits}
    return Inputs(
        charges=charges,
        run=run,
        documents=held,
        earlier=tuple(each.document for each in earlier),
        names=_names(session, agreement_id, charges),
        set_apart=_set_apart(session, agreement_id, quarter, known_at),
        late=_late(session, agreement_id, terms, quarter, known_at),
        statement=_statement(own),
        tolerance=tolerance,
        tolerance_from=tolerance_from,
        settles=tuple((each.number, each.settles) for each, credit in agreed if credit.id in wanted),
        decided=tuple((each.sha256, line) for each in own for line in each.placed),
    )


def _charges(
    session: Session, agreement_id: int, terms: Terms, quarter: Period, known_at: datetime | None
) -> tuple[FrozenQuarter, int | None]:
    label = quarter.label()
    standing = closings.standing(session, agreement_id, known_at).get(label)
    if standing is not None:
        return closings.frozen(session, standing), standing.number
    common = quarter.overlap(Period(terms.agreement.term.start, terms.agreement.term.end))
    if common is None:
        raise NotFound(f"{label} lies outside the agreement")
    return FrozenQuarter.freeze(terms.agreement.code, label, terms.to_request(common)), None


def _names(session: Session, agreement_id: int, charges: FrozenQuarter) -> Names:
    known = invoice_setup.known_names(session, agreement_id)
    codes = {charge.code for version in charges.request.price_book.versions for charge in version.charges}
    # In one order whatever the database gave them in: the order is part of what is frozen.
    return Names(
        tuple(sorted(known.trusts)), tuple(sorted(known.algorithms)), tuple((code, code) for code in sorted(codes))
    )


def _credits_for(
    each: ReadInvoice,
    own: Sequence[ReadInvoice],
    read: Sequence[ReadInvoice],
    agreed: Iterable[tuple[RecordedDispute, AgreedCredit]],
) -> tuple[AgreedCredit, ...]:
    """Give the agreed credits that a document is held against.

    A credit note is held against those of the disputes it names, else of the invoices it names, else of its quarter, but never
    against one for which another note was accepted. An invoice is held against those that were to come on the next one, and
    it is the next one: the first to be issued after the reply.
    """
    if each.document.kind == "invoice":
        return tuple(
            credit
            for dispute, credit in agreed
            if credit.on_next_invoice
            and dispute.agreed is not None
            and (following := next_invoice(read, dispute.agreed.on)) is not None
            and following.id == each.id
        )
    named = set(each.document.credits)
    possible = [
        (dispute, credit)
        for dispute, credit in agreed
        if not credit.on_next_invoice and dispute.accepted_note in (None, each.id)
    ]
    for chosen in (
        [credit for _, credit in possible if credit.id in named],
        [credit for _, credit in possible if credit.invoice in named],
    ):
        if chosen:
            return tuple(chosen)
    return () if named else tuple(credit for dispute, credit in possible if dispute.quarter in _labels(own))


def _labels(own: Iterable[ReadInvoice]) -> set[str]:
    return {quarter.label() for each in own for quarter in each.quarters}


def _earlier(read: Iterable[ReadInvoice], own: Sequence[ReadInvoice]) -> tuple[ReadInvoice, ...]:
    """Give the earlier documents that say something about these: with a number or a line in common."""
    if not own:
        return ()
    mine = {each.id for each in own}
    numbers = {(each.document.kind, each.document.number, each.document.seller) for each in own}
    lines = {line.identity for each in own for line in each.document.lines}
    contents = {each.document.content for each in own}
    return tuple(
        each
        for each in read
        if each.id not in mine
        and each.id < max(mine)
        and (
            (each.document.kind, each.document.number, each.document.seller) in numbers
            or any(line.identity in lines for line in each.document.lines)
            or each.document.content in contents
        )
    )


def _statement(own: Iterable[ReadInvoice]) -> tuple[Usage, ...] | None:
    stated = [each.statement for each in own if each.statement is not None]
    return tuple(usage for each in stated for usage in each) if stated else None


def _set_apart(session: Session, agreement_id: int, quarter: Period, known_at: datetime | None) -> tuple[SetApart, ...]:
    """Sum the examinations of the quarter that were counted and are not billable, by day and reason."""
    imports = select(UsageImport.id).where(
        UsageImport.agreement_id == agreement_id,
        UsageImport.not_billable > 0,
        ~select(UsageReversal.id).where(UsageReversal.import_id == UsageImport.id).exists(),
    )
    if known_at is not None:
        imports = imports.where(UsageImport.recorded_at <= known_at)
    wanted = session.scalars(imports).all()
    if not wanted:
        return ()
    rows = session.execute(
        select(Organisation.code, Algorithm.code, UsageEvent.on, UsageEvent.outcome, func.count())
        .join(Organisation, Organisation.id == UsageEvent.trust_id)
        .join(Algorithm, Algorithm.id == UsageEvent.algorithm_id)
        .where(
            UsageEvent.import_id.in_(wanted),
            UsageEvent.outcome != BILLABLE,
            UsageEvent.on >= quarter.start,
            UsageEvent.on < quarter.end,
        )
        .group_by(Organisation.code, Algorithm.code, UsageEvent.on, UsageEvent.outcome)
    )
    summed: dict[tuple[str, str, date, SetApartReason], int] = defaultdict(int)
    for trust, algorithm, on, outcome, count in rows:
        reason = OUTCOMES[outcome] if OUTCOMES[outcome] in ("failed", "validation") else "repeated"
        summed[trust, algorithm, on, cast(SetApartReason, reason)] += count
    return tuple(
        SetApart(trust, algorithm, on, quantity, reason)
        for (trust, algorithm, on, reason), quantity in sorted(summed.items(), key=lambda entry: str(entry[0]))
    )


def _late(
    session: Session, agreement_id: int, terms: Terms, quarter: Period, known_at: datetime | None
) -> tuple[Usage, ...]:
    """Give the examinations of closed quarters that were recorded after the close, of the year up to this one's end."""
    standing = closings.standing(session, agreement_id, known_at)
    late: list[Usage] = []
    start = quarter.start
    for _ in range(QUARTERS_BACK):
        run = standing.get(Period.quarter(start).label())
        if run is not None:
            late += _recorded_after(closings.frozen(session, run), terms, run.period)
        start = add_months(start, -3)
    return tuple(sorted(late, key=lambda each: (each.on, each.trust, each.algorithm)))


def _recorded_after(frozen: FrozenQuarter, terms: Terms, period: Period) -> list[Usage]:
    request = frozen.request
    counted: dict[Cell, int] = defaultdict(int)
    for usage in request.usage:
        if usage.on >= period.start:
            counted[usage.trust, usage.algorithm, usage.on] += usage.quantity
    recent = [usage for usage in terms.usage if period.start <= usage.on < period.end]
    later: dict[Cell, int] = defaultdict(int)
    for usage in covered(recent, request.activations, request.agreement, request.period.end):
        later[usage.trust, usage.algorithm, usage.on] += usage.quantity
    return [
        Usage(trust, algorithm, on, quantity - counted.get((trust, algorithm, on), 0))
        for (trust, algorithm, on), quantity in later.items()
        if quantity > counted.get((trust, algorithm, on), 0)
    ]


class _Facts:
    """What the headers of a quarter's documents are held against."""

    def __init__(
        self,
        session: Session,
        agreement_id: int,
        agreement: AgreementSummary,
        quarter: Period,
        known_at: datetime | None,
    ) -> None:
        self._agreement = agreement
        self._recipients = {
            each.organisation_number: each
            for each in invoice_setup.recipients(session, agreement_id=agreement_id, known_at=known_at)
        }
        self._holders = {
            each.party.organisation_number: each.party.code
            for each in agreements.option_holders(session, agreement_id, known_at)
        }
        self._accounts = tuple(
            each.account
            for each in invoice_setup.known_accounts(
                session,
                agreement_id=agreement_id,
                vendor_number=agreement.vendor.organisation_number,
                known_at=known_at,
            )
        )
        self._accepted = accepted_before(session, agreement_id, quarter, known_at)

    def of(self, each: ReadInvoice, read: Iterable[ReadInvoice], before: Sequence[ReadInvoice]) -> AgreementFacts:
        """Give the facts for one document: its references are those of the organisation it is made out to.

        Where no account of the vendor was ever checked, those of its earlier documents stand in. ``before`` are the quarter's
        documents that came before it: they take of the maximum value too.
        """
        agreement, document = self._agreement, each.document
        recipient = self._recipients.get(document.buyer or "") or self._recipients[agreement.buyer.organisation_number]
        wanted = recipient.references
        return AgreementFacts(
            buyers=self._buyers(document),
            buyer_references=_known(wanted.buyer_reference),
            order_references=_known(wanted.order_number),
            contract_references=(agreement.reference,),
            currency=agreement.term.currency,
            payment_days=agreement.payment_days,
            accounts=self._accounts or _usual_accounts(each, read),
            vat_rate=agreement.vat_rate,
            maximum_value=agreement.maximum_value,
            accepted=self._accepted + _billed_by(before, agreement.term.currency),
            sellers=_known(agreement.vendor.organisation_number),
        )

    def _buyers(self, document: BilledDocument) -> tuple[str, ...]:
        """Give who may be billed: the agreement's buyer, and a trust for what is its own and nobody else's."""
        buyers = [self._agreement.buyer.organisation_number]
        trust = self._holders.get(document.buyer or "")
        if trust is not None and document.lines and all(line.trust in (trust, None) for line in document.lines):
            buyers.append(document.buyer or "")
        return tuple(buyers)


def _billed_by(documents: Iterable[ReadInvoice], currency: str) -> Decimal:
    """Sum what documents bill, excluding VAT: those in a currency, and each number once."""
    once = {
        (each.document.kind, each.document.number, each.document.seller): each.document.net
        for each in reversed(tuple(documents))
        if each.document.currency == currency
    }
    return sum(once.values(), ZERO)


def _usual_accounts(each: ReadInvoice, read: Iterable[ReadInvoice]) -> tuple[str, ...]:
    named = (
        account
        for other in read
        if other.id < each.id and other.document.seller == each.document.seller
        for account in other.document.accounts
    )
    return tuple(dict.fromkeys(named))


def _known(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def accepted_before(session: Session, agreement_id: int, quarter: Period, known_at: datetime | None = None) -> Decimal:
    """Sum what was approved for payment in the quarters before, credits taken off, excluding VAT.

    A later quarter's approval says nothing about this one, or signing it would change what was signed. Labels sort as quarters do.
    """
    approved = approved_by_quarter(session, agreement_id, known_at)
    return sum((amount for label, amount in approved.items() if label < quarter.label()), ZERO)
