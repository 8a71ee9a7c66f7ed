"""The letter that answers a request for an index adjustment, made once by the decision that it tells of.

Approving, declining and a request that comes too late each print their letter within their own transaction. It is filed by
its hash under the request and never made again. An approval lists every price before and after, from the price list.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Final, Literal

from sqlalchemy.orm import Session

from billing.rating.price_list import ChargePrices, price_list
from contracts import agreements, documents, price_books
from contracts.agreements import AgreementSummary
from contracts.documents import FiledDocument
from contracts.papers import print_paper
from contracts.papers.frame import Letterhead, Organisation, Person
from contracts.papers.letters import IndexAnswer, PriceChange
from contracts.papers.writing import Writing
from contracts.people.access import Actor
from contracts.prices import indexation
from contracts.terms.indexation import APPROVED, DECLINED, LAPSED, IndexRequest
from contracts.terms.price_book import PriceBook
from contracts.terms.price_model import UsageCharge

KIND: Final = "letter.index_answer"
_ANSWERS: Final[dict[str, Literal["approved", "declined", "lapsed"]]] = {
    APPROVED: "approved",
    DECLINED: "declined",
    LAPSED: "lapsed",
}


def register(write: Writing) -> None:
    """Let each answer to a request file its letter, written by ``write``."""
    indexation.register_answer(partial(file_answer, write=write))


def file_answer(session: Session, request: IndexRequest, actor: Actor, *, write: Writing) -> str:
    """Print and file the letter that answers a request, of the day on which it was answered, and give its hash."""
    letter = index_answer(session, request, actor)
    kept = documents.enclose(
        session,
        kind=KIND,
        title=letter.title(write),
        subject=subject_of(request),
        trust_id=None,
        filename=f"svar-paa-prisregulering-{request.effective_from.isoformat()}.pdf",
        content=print_paper(letter, write),
        actor=actor,
        now=request.answered_at,
    )
    return kept.sha256


def filed(session: Session, request: IndexRequest, actor: Actor) -> FiledDocument | None:
    """Give the filed letter of a request where the reader may see it; ``None`` where none is."""
    found = documents.list_documents(session, subject=subject_of(request), actor=actor)
    return next((one for one in found if one.kind == KIND and one.versions), None)


def subject_of(request: IndexRequest) -> str:
    """Name a request as its documents and events do."""
    return f"index-request:{request.id}"


def index_answer(session: Session, request: IndexRequest, actor: Actor) -> IndexAnswer:
    """Put an answered request into the letter's shape."""
    summary = agreements.agreement_summary(session, request.agreement_id)
    products = {one.code: one.product for one in agreements.marketplace(session, request.agreement_id)}
    approved = request.state == APPROVED
    book = price_books.price_book(session, request.agreement_id)
    return IndexAnswer(
        head=_head(summary, request, actor),
        answer=_ANSWERS[request.state],
        clause=f"punkt {request.clause.clause}" if request.clause.clause else "avtalens bestemmelser",
        requested_on=request.requested_on,
        received_on=request.requested_on,
        deadline=request.deadline_on,
        effective_from=request.effective_from,
        index=request.clause.index_name,
        base=_value(request, "base"),
        current=_value(request, "current"),
        asked_factor=None if approved else request.factor,
        factor=request.factor if approved else None,
        reason=request.reason,
        prices=_changes(book, request, products) if approved else (),
    )


def _head(summary: AgreementSummary, request: IndexRequest, actor: Actor) -> Letterhead:
    person = Person(actor.name, "Godkjenner" if request.state != LAPSED else "Kontraktsforvalter")
    return Letterhead(
        sender=Organisation(summary.buyer.name, summary.buyer.organisation_number),
        recipient=Organisation(summary.vendor.name, summary.vendor.organisation_number),
        our_reference=f"{summary.code} {subject_of(request)}",
        agreement=summary.reference,
        on=request.decided_on or request.requested_on,
        contact=person,
        signatory=person,
        example=summary.example,
    )


def _value(request: IndexRequest, side: str) -> tuple[str, Decimal] | None:
    """Give a side's month and value where it is one month; of an average no month is named."""
    months = request.months(side)
    values = [one.value for one in request.used if one.side == side]
    return (f"{months[0]:%Y-%m}", values[0]) if len(values) == 1 else None


def _changes(book: PriceBook, request: IndexRequest, products: Mapping[str, str]) -> tuple[PriceChange, ...]:
    """Give every price of the version in force before and after the adjustment's day."""
    for version in price_list(book):
        for number, level in enumerate(version.levels):
            if number and level.since == request.effective_from:
                return tuple(change for charge in version.charges for change in _of_charge(charge, number, products))
    return ()


def _of_charge(prices: ChargePrices, level: int, products: Mapping[str, str]) -> list[PriceChange]:
    charge = prices.charge
    algorithms = charge.algorithms if isinstance(charge, UsageCharge) else None
    name = ", ".join(products.get(code, code) for code in algorithms or ()) or charge.code
    if prices.amounts:
        return [PriceChange(name, prices.amounts[level - 1], prices.amounts[level])]
    changes = []
    for tier in prices.tiers:
        changes.append(
            PriceChange(f"{name}, trinn {tier.number}", tier.unit_prices[level - 1], tier.unit_prices[level])
        )
        if tier.flat_fees[level]:
            fee = f"{name}, trinn {tier.number}, fast beløp"
            changes.append(PriceChange(fee, tier.flat_fees[level - 1], tier.flat_fees[level]))
    return changes
