"""API: price books: versions, drafts and their course, check, simulation, comparison."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, Final

from flask import Response, url_for

from billing.charges import basis
from billing.prices import diff as price_diff
from billing.prices.review import locked_book, require_told, review
from billing.prices.trial import Priced
from billing.rating.price_list import VersionPrices, factors_in_force, price_list
from billing.schemas import price_books as shapes
from contracts import price_books
from contracts.agreements import find_agreement, lock_agreement
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.prices import drafts as price_drafts
from contracts.prices.drafts import Draft
from contracts.schemas.answers import AgreementQuerySchema, PageQuerySchema
from contracts.schemas.effects import WeighedSchema
from contracts.terms.period import previous_day
from contracts.terms.price_book import PriceBook
from contracts.web import api
from contracts.web.acts import acted, asked, done, today
from contracts.web.agreements.effects_api import weighed_answer
from contracts.web.api import document_body, from_cursor, json_answer, json_body, to_cursor
from contracts.web.conditional import etag_of, require_match
from contracts.web.guard import current_actor
from contracts.web.resources import Resource

resource = Resource(
    "price_books_api",
    __name__,
    url_prefix=f"{api.PREFIX}/price-books",
    description="Versions of the price book, and drafts of new ones.",
)

CONTENT: Final = {
    "valid_from": "2027-01-01",
    "clause": "Endringsavtale 2",
    "note": "",
    "charges": [
        {
            "code": "xray-skeletal",
            "kind": "usage",
            "clause": "7.1.1",
            "algorithms": "all",
            "model": "graduated",
            "counter": {"scope": "agreement", "window": "calendar_year"},
            "tiers": [
                {"up_to": 25000, "unit_price": "13.90", "flat_fee": "0.00"},
                {"up_to": None, "unit_price": "11.30", "flat_fee": "0.00"},
            ],
        }
    ],
}
DECISION: Final = {"revision": 1, "comment": "As agreed in the amendment."}


@resource.reads(
    "/versions", shapes.PriceBookVersionPageSchema, "The versions, the oldest first.", query=PageQuerySchema
)
def list_versions(query: dict[str, Any]) -> Response:
    """List the versions of the price book"""
    book = price_books.price_book(db.session, find_agreement(db.session, query["agreement"]).id)
    return _page([shapes.PriceBookVersionInForceSchema().dump(entry) for entry in reversed(price_list(book))], query)


@resource.reads(
    "/diff",
    shapes.PriceBookComparisonSchema,
    "Old and new prices; the effect is that on the last twelve months' usage.",
    query=shapes.PriceBookDiffQuerySchema,
)
def compare_versions(query: dict[str, Any]) -> Any:
    """Compare two versions

    A reader within one trust gets that trust's effect.
    """
    terms = basis.gather(db.session, agreement_id=find_agreement(db.session, query["agreement"]).id)
    before, after = _version(terms.price_book, query["old"]), _version(terms.price_book, query["new"])
    if before.until is None or before.version.valid_from >= after.version.valid_from:
        raise NotFound("two versions are compared from the older one to the newer one")
    old = Priced(before.version, factors_in_force(terms.price_book, previous_day(before.until)))
    return price_diff.compare(terms, old=old, new=Priced(after.version), trust=current_actor().scope("read"))


@resource.reads("/drafts", shapes.PriceBookDraftPageSchema, "The drafts, the newest first.", query=PageQuerySchema)
def list_drafts(query: dict[str, Any]) -> Response:
    """List drafts

    A reader within one trust gets none.
    """
    agreement = find_agreement(db.session, query["agreement"])
    drafts = asked(price_drafts.list_drafts, agreement_id=agreement.id)
    return _page([shapes.PriceBookDraftSchema().dump(draft) for draft in drafts], query)


@resource.writes(
    "/drafts",
    "price_book.draft",
    shapes.PriceBookDraftSchema,
    "The draft is made.",
    body=document_body(
        shapes.PriceBookDraftContentSchema, description="What the draft says.", examples={"draft": CONTENT}
    ),
    query=AgreementQuerySchema,
    etag=True,
)
def create_draft(query: dict[str, Any]) -> Response:
    """Make a draft"""
    draft = acted(
        price_drafts.create_draft,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        content=shapes.load_content(json_body()),
        based_on=None,
    )
    return _answer(draft, 201, {"Location": url_for("price_books_api.show_draft", draft_id=draft.id)})


@resource.reads("/drafts/<int:draft_id>", shapes.PriceBookDraftSchema, "The draft.", problems=(404,))
def show_draft(draft_id: int) -> Response:
    """Give a draft"""
    return _answer(_draft(draft_id))


@resource.writes(
    "/drafts/<int:draft_id>",
    "price_book.draft",
    shapes.PriceBookDraftSchema,
    "The draft has a further revision.",
    method="PUT",
    body=document_body(
        shapes.PriceBookDraftContentSchema, description="What it shall say.", examples={"draft": CONTENT}
    ),
    match=True,
)
def revise_draft(draft_id: int) -> Response:
    """Add a revision to a draft

    The same content again adds none.
    """
    content = shapes.load_content(json_body())
    lock_agreement(db.session, _draft(draft_id).agreement_id)
    draft = _draft(draft_id)
    require_match(_tag(draft))
    revised = done(price_drafts.revise_draft, draft_id=draft_id, seen=draft.newest.number, content=content)
    return _answer(revised)


@resource.writes(
    "/drafts/<int:draft_id>/check",
    "read",
    shapes.PriceBookCheckSchema,
    "What the check finds.",
    status=200,
    problems=(404,),
    once=False,
)
def check_draft(draft_id: int) -> Any:
    """Check a draft against the book as it stands"""
    db.only_read()
    return list(review(db.session, _draft(draft_id), today()).findings)


@resource.writes(
    "/drafts/<int:draft_id>/simulate",
    "read",
    shapes.PriceBookSimulationSchema,
    "The last twelve whole months' usage rated under what the draft replaces and under the draft.",
    status=200,
    problems=(404, 422),
    once=False,
)
def simulate_draft(draft_id: int) -> Any:
    """Simulate a draft on real usage"""
    return _compared(draft_id).trial


@resource.writes(
    "/drafts/<int:draft_id>/diff",
    "read",
    shapes.PriceBookComparisonSchema,
    "Old and new prices with their effect.",
    status=200,
    problems=(404, 422),
    once=False,
)
def compare_draft(draft_id: int) -> Any:
    """Compare a draft with the version it replaces"""
    return _compared(draft_id)


@resource.writes(
    "/drafts/<int:draft_id>/submit",
    "price_book.draft",
    shapes.PriceBookDraftSchema,
    "The draft waits for approval.",
    status=200,
    body=document_body(
        shapes.PriceBookDecisionSchema, description="The revision seen.", examples={"decision": DECISION}
    ),
    etag=True,
)
def submit_draft(draft_id: int) -> Response:
    """Send a draft to approval

    409 where the revision is no longer the newest one, the draft is not in a state for it, or (`consequence_changed`) it
    would change other amounts than the `change` sent along.
    """
    return _decided(draft_id, price_drafts.submit_draft, *shapes.load_decision(json_body()), told=True)


@resource.writes(
    "/drafts/<int:draft_id>/approve",
    "read",
    shapes.PriceBookDraftSchema,
    "The version is in the price book.",
    status=200,
    body=document_body(
        shapes.PriceBookApprovalSchema,
        description="The revision seen.",
        examples={"decision": DECISION, "past": {**DECISION, "retroactive": True}},
    ),
    etag=True,
)
def approve_draft(draft_id: int) -> Response:
    """Approve a draft

    409 with `own_draft` for whoever had a hand in it, with `consequence_changed` where it would change other amounts than
    the `change` sent along, with `closed_past` where its first day lies in a closed quarter; a
    first day before today needs `retroactive`; with every guard that refuses where its cost to the end meets one.
    """
    revision, comment, said = shapes.load_approval(json_body())
    approve = partial(price_drafts.approve_draft, today=today(), **said)
    return _decided(draft_id, approve, revision, comment, told=True)


@resource.reads(
    "/drafts/<int:draft_id>/effect",
    WeighedSchema,
    "What it costs to the end, and every guard that decides.",
    problems=(404,),
)
def effect(draft_id: int) -> Response:
    """Weigh a draft of prices"""
    return weighed_answer(price_drafts.weigh(db.session, _draft(draft_id), today()))


@resource.writes(
    "/drafts/<int:draft_id>/ask-override",
    "ceiling.override",
    shapes.PriceBookDraftSchema,
    "An approver may now let it go over.",
    status=200,
    body=document_body(
        shapes.PriceBookDecisionSchema, description="The revision seen, and why.", examples={"decision": DECISION}
    ),
    etag=True,
)
def ask_override(draft_id: int) -> Response:
    """Ask to let a draft of prices go over what refuses it"""
    revision, comment = shapes.load_decision(json_body())
    acted(price_drafts.ask_override, draft_id=draft_id, seen=revision, reason=comment, today=today())
    return _answer(_draft(draft_id))


@resource.writes(
    "/drafts/<int:draft_id>/return",
    "price_book.approve",
    shapes.PriceBookDraftSchema,
    "The draft is sent back.",
    status=200,
    body=document_body(
        shapes.PriceBookDecisionSchema, description="The revision seen.", examples={"decision": DECISION}
    ),
    etag=True,
)
def return_draft(draft_id: int) -> Response:
    """Send a draft back with a comment"""
    return _decided(draft_id, price_drafts.return_draft, *shapes.load_decision(json_body()), told=False)


@resource.writes(
    "/drafts/<int:draft_id>/withdraw",
    "price_book.draft",
    shapes.PriceBookDraftSchema,
    "The draft is given up.",
    status=200,
    body=document_body(
        shapes.PriceBookDecisionSchema, description="The revision seen.", examples={"decision": DECISION}
    ),
    etag=True,
)
def withdraw_draft(draft_id: int) -> Response:
    """Give a draft up"""
    return _decided(draft_id, price_drafts.withdraw_draft, *shapes.load_decision(json_body()), told=False)


def _decided(draft_id: int, act: Callable[..., Draft], revision: int, comment: str, *, told: bool) -> Response:
    examined = None
    if told:
        # Rated before the lock is taken; under it the price book must still be this one.
        with db.read() as reading:
            draft = price_drafts.find_draft(reading, draft_id=draft_id, actor=current_actor())
            examined = review(reading, draft)
    told_of = {} if examined is None else {"consequence": examined.consequence}
    book = locked_book(db.session, _draft(draft_id).agreement_id)
    done = acted(act, draft_id=draft_id, seen=revision, comment=comment, **told_of)
    if examined is not None:
        require_told(examined, book, as_shown=shapes.told_as(json_body(), examined.consequence))
    return _answer(done)


def _compared(draft_id: int) -> price_diff.Comparison:
    db.only_read()
    reviewed = review(db.session, _draft(draft_id), today())
    if reviewed.comparison is None:
        raise InvalidInput(reviewed.errors)
    return reviewed.comparison


def _draft(draft_id: int) -> Draft:
    return asked(price_drafts.find_draft, draft_id=draft_id)


def _tag(draft: Draft) -> str:
    return etag_of("price-book-draft", draft.id, draft.newest.number, len(draft.steps))


def _answer(draft: Draft, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    response = json_answer(shapes.PriceBookDraftSchema().dump(draft), status, headers)
    response.set_etag(_tag(draft))
    return response


def _version(book: PriceBook, day: date) -> VersionPrices:
    found = next((each for each in price_list(book) if each.version.valid_from == day), None)
    if found is None:
        raise NotFound(f"no version is valid from {day.isoformat()}")
    return found


def _page(rows: list[dict[str, Any]], query: dict[str, Any]) -> Response:
    """Cut a short list at a place in it."""
    (start,) = from_cursor(query["after"], api.whole) or (0,)
    end = start + query["limit"]
    return json_answer({"items": rows[start:end], "next": to_cursor(end) if end < len(rows) else None})
