"""A draft's life in the database: two persons, one version more, and nothing that stands is touched."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, select, text

from billing.charges import basis
from contracts import price_books
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.price_books import price_book
from contracts.prices import drafts as price_drafts
from contracts.prices.drafts import Consequence, Content, Draft
from contracts.terms.period import Period
from contracts.terms.price_book import PriceBookVersion
from contracts.terms.price_draft import TRANSITIONS, Event
from contracts.terms.price_model import UsageCharge
from contracts.terms.price_models import Graduated, Tier
from tests.examples import agreement
from tests.recorded import SIGNED, record_agreement, record_usage

NOW = SIGNED + timedelta(days=400)
JONAS = Actor("person:jonas@example.org", "Jonas", (Grant("contract_manager"),))
KARI = Actor("person:kari@example.org", "Kari", (Grant("contract_manager"), Grant("approver")))
SOLVEIG = Actor("person:solveig@example.org", "Solveig", (Grant("approver"),))


def document() -> dict[str, Any]:
    """The small agreement, with a price for all that is on its marketplace list."""
    made = agreement()
    made["price_book"]["versions"][0]["charges"][0]["algorithms"] = "all"
    return made


def content(agreement_id: int, price: str = "50.00", valid_from: date = date(2026, 1, 1)) -> Content:
    """The price book's only charge at another price, from another day on."""
    with db.read() as session:
        charge = price_book(session, agreement_id).versions[0].charges[0]
    assert isinstance(charge, UsageCharge)
    tiers = (Tier(200, Decimal(price)), Tier(None, Decimal("40.00")))
    return Content(valid_from, "Endringsavtale 2", (replace(charge, model=Graduated(tiers)),), "New prices")


def make(agreement_id: int, actor: Actor = JONAS, **changes: Any) -> Draft:
    with db.write() as session:
        return price_drafts.create_draft(
            session,
            agreement_id=agreement_id,
            content=content(agreement_id, **changes),
            based_on=None,
            actor=actor,
            now=NOW,
        )


def submit(draft: Draft, actor: Actor = JONAS) -> Draft:
    with db.write() as session:
        return price_drafts.submit_draft(session, draft_id=draft.id, seen=draft.newest.number, actor=actor, now=NOW)


def approve(draft: Draft, actor: Actor = SOLVEIG, **options: Any) -> Draft:
    options.setdefault("today", NOW.date())
    with db.write() as session:
        return price_drafts.approve_draft(
            session, draft_id=draft.id, seen=draft.newest.number, actor=actor, now=NOW, **options
        )


def send_back(draft: Draft, actor: Actor = SOLVEIG, comment: str = "Tier 2 is wrong") -> Draft:
    with db.write() as session:
        return price_drafts.return_draft(
            session, draft_id=draft.id, seen=draft.newest.number, comment=comment, actor=actor, now=NOW
        )


def revise(draft: Draft, actor: Actor = JONAS, seen: int | None = None, **changes: Any) -> Draft:
    with db.write() as session:
        return price_drafts.revise_draft(
            session,
            draft_id=draft.id,
            seen=seen or draft.newest.number,
            content=content(draft.agreement_id, **changes),
            actor=actor,
            now=NOW,
        )


def withdraw(draft: Draft, actor: Actor = JONAS) -> Draft:
    with db.write() as session:
        return price_drafts.withdraw_draft(session, draft_id=draft.id, seen=draft.newest.number, actor=actor, now=NOW)


STEPS: dict[Event, Callable[[Draft, Actor], Draft]] = {
    "revise": lambda draft, actor: revise(draft, actor, price="49.00"),
    "submit": submit,
    "return": send_back,
    "approve": approve,
    "withdraw": withdraw,
}


def standing_rows() -> str:
    """Hash every row of the book in force: versions, charges, conventions, index adjustments."""
    with db.read() as session:
        tables = ("price_book_versions", "price_book_charges", "price_book_conventions", "index_adjustments")
        rows = [
            [list(map(str, row)) for row in session.execute(text(f"SELECT * FROM {each} ORDER BY id"))]
            for each in tables
        ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def test_a_draft_is_made_checked_submitted_and_approved_by_another_person(database: Flask) -> None:
    agreement_id = record_agreement(document())
    before = standing_rows()
    told = Consequence(date(2025, 1, 1), date(2026, 1, 1), Decimal("100.00"), Decimal("90.00"))
    draft = make(agreement_id)
    assert draft.state == "draft"
    draft = submit(revise(draft, price="51.00"))
    assert standing_rows() == before
    with db.read() as session:
        assert len(price_book(session, agreement_id).versions) == 1
        assert price_drafts.check_draft(session, draft) == []
    draft = approve(draft, consequence=told)
    assert draft.state == "approved"
    assert draft.steps[-1].consequence == told
    with db.read() as session:
        book = price_book(session, agreement_id)
        assert book.versions[-1] == draft.newest.content.to_version()
        assert price_book(session, agreement_id, NOW - timedelta(days=1)).versions == book.versions[:1]
        actions = session.scalars(
            select(AuditEvent.action)
            .where(AuditEvent.subject == f"price-book-draft:{draft.id}")
            .order_by(AuditEvent.id)
        )
        assert list(actions) == [
            "price_book.create",
            "price_book.revise",
            "price_book.submit",
            "price_book.approve",
        ]


def test_nothing_in_force_changes_when_a_version_joins_it(database: Flask) -> None:
    agreement_id = record_agreement(document())

    def rows() -> dict[str, list[Any]]:
        with db.read() as session:
            return {
                each: [list(map(str, row)) for row in session.execute(text(f"SELECT * FROM {each} ORDER BY id"))]
                for each in ("price_book_versions", "price_book_charges", "price_book_conventions", "index_adjustments")
            }

    before = rows()
    approve(submit(make(agreement_id)))
    after = rows()
    assert {table: after[table][: len(kept)] for table, kept in before.items()} == before
    assert {table: len(after[table]) - len(kept) for table, kept in before.items()} == {
        "price_book_versions": 1,
        "price_book_charges": 1,
        "price_book_conventions": 0,
        "index_adjustments": 0,
    }


def test_an_approved_version_changes_charges_from_its_day_only(database: Flask) -> None:
    agreement_id = record_agreement(document())
    record_usage(agreement_id)
    later = b"trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2025-12-10,10\nvestre-viken,xray-skeletal,2026-01-10,10\n"
    record_usage(agreement_id, later, now=datetime(2026, 2, 2, tzinfo=UTC))

    def months() -> dict[str, Decimal]:
        with db.read() as session:
            terms = basis.gather(session, agreement_id=agreement_id)
        periods = {label: Period.parse(label) for label in ("2024-01", "2024-Q1", "2025-12", "2026-01")}
        return {label: terms.rate(period).total for label, period in periods.items()}

    before = months()
    approve(submit(make(agreement_id)))
    after = months()
    assert before.pop("2026-01") == Decimal("618.60")  # the index of 2025 still on the prices of 2024
    assert after.pop("2026-01") == Decimal("500.00")
    assert after == before


def test_whoever_had_a_hand_in_a_draft_does_not_approve_it(database: Flask) -> None:
    agreement_id = record_agreement(document())
    drafter = submit(make(agreement_id, KARI), JONAS)
    reviser = submit(revise(make(agreement_id), KARI, price="52.00"))
    submitter = submit(make(agreement_id), KARI)
    returned = send_back(submit(make(agreement_id), KARI))
    again = submit(revise(returned, price="53.00"))
    for draft in (drafter, reviser, submitter, again):
        for step in (approve, send_back):
            with pytest.raises(Conflict) as refused:
                step(draft, KARI)
            assert refused.value.code == "own_draft"
    assert approve(drafter).state == "approved"


ROLES = {
    "drafter": JONAS,
    "another drafter": Actor("person:x@example.org", "X", (Grant("contract_manager"),)),
    "approver": SOLVEIG,
    "controller": Actor("person:c@example.org", "C", (Grant("finance_controller"),)),
    "reader": Actor("person:r@example.org", "R", (Grant("trust_reader", "vestre-viken"),)),
    "auditor": Actor("person:a@example.org", "A", (Grant("auditor"),)),
    "drafter within one trust": Actor("person:y@example.org", "Y", (Grant("contract_manager", "akershus"),)),
    "approver within one trust": Actor("person:z@example.org", "Z", (Grant("approver", "akershus"),)),
}


@pytest.mark.parametrize("role", list(ROLES))
@pytest.mark.parametrize("event", list(STEPS))
def test_an_event_is_for_its_role_only(app: Flask, event: Event, role: str) -> None:
    draft = make(record_agreement(document()))
    if TRANSITIONS[event].act == "price_book.approve":
        draft = submit(draft)
    drafting = TRANSITIONS[event].act == "price_book.draft"
    if role in (("drafter", "another drafter") if drafting else ("approver",)):
        assert draft.may(event, ROLES[role])
        assert len(STEPS[event](draft, ROLES[role]).steps) == len(draft.steps) + (event != "revise")
    else:
        assert not draft.may(event, ROLES[role])
        with pytest.raises(Denied):
            STEPS[event](draft, ROLES[role])


@pytest.mark.parametrize("event", list(STEPS))
@pytest.mark.parametrize("end", ["approved", "withdrawn"])
def test_what_is_decided_stays_decided(app: Flask, end: str, event: Event) -> None:
    draft = submit(make(record_agreement(document())))
    draft = approve(draft) if end == "approved" else withdraw(draft)
    before = standing_rows()
    with pytest.raises(Conflict) as refused:
        STEPS[event](draft, SOLVEIG if TRANSITIONS[event].by_another else JONAS)
    assert refused.value.code == "wrong_state"
    assert standing_rows() == before


def test_a_change_to_what_somebody_else_has_changed_is_refused(database: Flask) -> None:
    draft = make(record_agreement(document()))
    revise(draft, price="51.00")
    for late in (lambda: revise(draft, price="52.00"), lambda: submit(draft), lambda: withdraw(draft)):
        with pytest.raises(Conflict) as refused:
            late()
        assert refused.value.code == "stale_revision"


def test_of_two_at_the_same_moment_one_wins(database: Flask) -> None:
    draft = make(record_agreement(document()))
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def change(price: str) -> None:
        with database.app_context():
            barrier.wait()
            try:
                revise(draft, price=price)
                outcomes.append("saved")
            except Conflict as conflict:
                outcomes.append(conflict.code)

    threads = [threading.Thread(target=change, args=(price,)) for price in ("51.00", "52.00")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["saved", "stale_revision"]


def test_the_same_content_again_is_no_new_revision(app: Flask) -> None:
    draft = make(record_agreement(document()))
    assert revise(draft) == draft


def test_a_draft_that_the_check_refuses_is_not_submitted(database: Flask) -> None:
    agreement_id = record_agreement(document())
    draft = make(agreement_id, valid_from=date(2024, 1, 1))
    with pytest.raises(InvalidInput) as refused:
        submit(draft)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("#/valid_from", "version_same_day")]
    assert revise(draft).state == "draft"


def test_of_two_drafts_for_one_day_only_the_first_comes_into_force(database: Flask) -> None:
    agreement_id = record_agreement(document())
    first, second = submit(make(agreement_id)), submit(make(agreement_id, price="48.00"))
    approve(first)
    with pytest.raises(InvalidInput) as refused:
        approve(second)
    assert [error.code for error in refused.value.errors] == ["version_same_day"]
    assert send_back(second).state == "draft"


@pytest.mark.parametrize(
    ("today", "gone_by"),
    [
        pytest.param(date(2025, 12, 31), False, id="the day before"),
        pytest.param(date(2026, 1, 1), False, id="on the very day nothing is gone by"),
        pytest.param(date(2026, 1, 2), True, id="the day after"),
    ],
)
def test_days_gone_by_change_only_on_purpose(app: Flask, today: date, gone_by: bool) -> None:
    agreement_id = record_agreement(document())
    draft = submit(make(agreement_id))
    before = standing_rows()
    if gone_by:
        with pytest.raises(InvalidInput, match="days gone by") as refused:
            approve(draft, today=today)
        assert [(error.pointer, error.code) for error in refused.value.errors] == [("#/retroactive", "retroactive")]
        assert standing_rows() == before
    assert approve(draft, today=today, retroactive=gone_by).state == "approved"


@pytest.mark.parametrize(
    ("first_open", "refused"),
    [
        pytest.param(None, False, id="nothing closed"),
        pytest.param(date(2026, 1, 1), False, id="closed until the very day"),
        pytest.param(date(2026, 4, 1), True, id="closed beyond"),
    ],
)
def test_a_closed_past_is_never_reached_into(
    app: Flask, monkeypatch: pytest.MonkeyPatch, first_open: date | None, refused: bool
) -> None:
    closed: list[date | None] = [None]
    monkeypatch.setattr(price_books, "_closed_until", [])
    price_books.respect(lambda _session, _agreement_id: closed[-1])
    agreement_id = record_agreement(document())
    late = make(agreement_id)
    draft = submit(make(agreement_id))
    before = standing_rows()
    closed.append(first_open)
    if not refused:
        assert approve(draft, today=date(2026, 6, 1), retroactive=True).state == "approved"
        return
    with pytest.raises(Conflict, match="before 2026-04-01 is closed") as told:
        approve(draft, today=date(2026, 6, 1), retroactive=True)
    assert told.value.code == "closed_past"
    with pytest.raises(InvalidInput) as early:
        submit(late)
    assert [(error.pointer, error.code) for error in early.value.errors] == [("#/valid_from", "closed_past")]
    assert standing_rows() == before
    assert send_back(draft).state == "draft"


def found(draft_content: Content, agreement_id: int, today: date | None = None) -> list[tuple[str, str, str]]:
    with db.write() as session:
        draft = price_drafts.create_draft(
            session, agreement_id=agreement_id, content=draft_content, based_on=None, actor=JONAS, now=NOW
        )
        return [(each.severity, each.pointer, each.code) for each in price_drafts.check_draft(session, draft, today)]


def test_the_check_of_a_draft_says_where(app: Flask) -> None:
    agreement_id = record_agreement(document())
    good = content(agreement_id)
    charge = good.charges[0]
    assert isinstance(charge, UsageCharge)
    falling = replace(charge, model=Graduated((Tier(200, Decimal(1)), Tier(100, Decimal(1)), Tier(None, Decimal(1)))))
    monthly = replace(charge, counter=replace(charge.counter, window="month"))
    narrow = replace(charge, algorithms=("ct-pe",))
    assert found(good, agreement_id) == []
    assert found(replace(good, charges=(falling,)), agreement_id) == [
        ("error", "#/charges/0/tiers/1/up_to", "tiers_not_rising")
    ]
    assert found(replace(good, charges=(monthly,), valid_from=date(2026, 3, 1)), agreement_id) == [
        ("error", "#/charges/0/counter/window", "change_inside_window")
    ]
    # X-ray runs at two trusts, CT PE at none: the one without a price is an error, the other a warning.
    assert found(replace(good, charges=(narrow,)), agreement_id) == [("error", "#/charges", "algorithm_not_priced")]
    bones = replace(charge, algorithms=("xray-skeletal",))
    assert found(replace(good, charges=(bones,)), agreement_id) == [("warning", "#/charges", "algorithm_not_priced")]
    assert found(replace(good, charges=()), agreement_id)[0] == ("error", "#/charges", "no_charges")
    assert found(replace(good, valid_from=date(2028, 1, 1)), agreement_id) == [
        ("error", "#/valid_from", "outside_agreement")
    ]
    assert found(good, agreement_id, today=date(2026, 1, 1)) == [
        ("warning", "#/valid_from", "takes_effect_in_the_past")
    ]


def test_a_draft_before_a_version_is_checked_against_that_version_too(app: Flask) -> None:
    made = document()
    late = json.loads(json.dumps(made["price_book"]["versions"][0])) | {"valid_from": "2026-03-01"}
    made["price_book"]["versions"].append(late)
    agreement_id = record_agreement(made)
    between = content(agreement_id)
    charge = between.charges[0]
    assert isinstance(charge, UsageCharge)
    quarterly = replace(charge, counter=replace(charge.counter, window="quarter"))
    assert found(replace(between, charges=(quarterly,)), agreement_id) == [
        ("error", "#/price_book/versions/1/charges/0/counter/window", "change_inside_window")
    ]


def test_drafts_are_not_shown_to_readers_within_one_trust(app: Flask) -> None:
    draft = make(record_agreement(document()))
    with db.read() as session:
        assert price_drafts.list_drafts(session, agreement_id=draft.agreement_id, actor=SOLVEIG) == [draft]
        assert price_drafts.list_drafts(session, agreement_id=draft.agreement_id, actor=ROLES["reader"]) == []
        assert price_drafts.find_draft(session, draft_id=draft.id, actor=ROLES["auditor"]) == draft
        for draft_id, actor in ((draft.id, ROLES["reader"]), (draft.id + 1, COMMAND_LINE)):
            with pytest.raises(NotFound):
                price_drafts.find_draft(session, draft_id=draft_id, actor=actor)


def test_texts_that_a_column_cannot_hold_are_refused(app: Flask) -> None:
    agreement_id = record_agreement(document())
    good = content(agreement_id)
    with pytest.raises(InvalidInput) as refused, db.write() as session:
        price_drafts.create_draft(
            session,
            agreement_id=agreement_id,
            content=replace(
                good, clause="x" * 201, note="y" * 2001, charges=(replace(good.charges[0], code="z" * 201),)
            ),
            based_on=None,
            actor=JONAS,
            now=NOW,
        )
    assert [error.pointer for error in refused.value.errors] == ["#/clause", "#/note", "#/charges/0/code"]


def test_the_tables_of_drafts_are_append_only(database: Flask) -> None:
    submit(make(record_agreement(document())))
    tables = {name for name in inspect(db.engine).get_table_names() if name.startswith("price_book_draft")}
    assert tables == {"price_book_drafts", "price_book_draft_revisions", "price_book_draft_events"}
    for table in sorted(tables):
        with pytest.raises(Exception, match="append-only"), db.write() as session:
            session.execute(text(f"DELETE FROM {table}"))


def test_the_revision_that_comes_into_force_is_the_one_that_was_decided_on(app: Flask) -> None:
    agreement_id = record_agreement(document())
    draft = approve(submit(revise(send_back(submit(make(agreement_id))), price="47.00")))
    assert [step.event for step in draft.steps] == ["submit", "return", "submit", "approve"]
    assert [step.revision for step in draft.steps] == [1, 1, 2, 2]
    with db.read() as session:
        version = price_book(session, agreement_id).versions[-1]
    assert isinstance(version, PriceBookVersion)
    assert version == draft.newest.content.to_version()
    assert version.charges != draft.revisions[0].content.charges
