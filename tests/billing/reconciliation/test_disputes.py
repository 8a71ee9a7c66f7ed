"""Disputes: their course, what is held back, letter and evidence, and the credit that comes, stays away or is another."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pypdf
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from billing.causes import CODES, NEEDS_REASON, REASONS, RESPONSE_STATUSES
from billing.models import DisputeEvent
from billing.reconciliation import dispute_terms, disputes
from billing.reconciliation.dispute_records import RecordedDispute
from billing.reconciliation.dispute_terms import (
    ACTIONS,
    COURSE,
    OVER,
    STEPS,
    WANTED,
    DisputeState,
    Hold,
    Step,
    Wanted,
    reason_of,
    response_status,
)
from contracts import deadlines
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.people.access import Actor, Grant
from contracts.web.reminders.deadlines import sentences
from tests.reconciled import (
    APPROVER,
    CONTROLLER,
    DUE,
    FIRST,
    SECOND,
    TODAY,
    VIKEN,
    attest,
    beside,
    check_sample,
    codes_of,
    credit_note,
    decide,
    dispute,
    invoice,
    keys_of,
    line,
    person,
    record_quarters,
    run,
    seen,
    step,
    take_in,
)

FEE, TRAVEL = line("Oppgradering av mottak", "500.00"), line("Reisekostnader", "100.00", period="2024-02")
STATES: tuple[DisputeState, ...] = get_args(DisputeState)
# The shortest way to each state.
WAYS: dict[DisputeState, list[Step]] = {
    "drafted": [],
    "sent": ["sent"],
    "questioned": ["sent", "questioned"],
    "declined": ["sent", "declined"],
    "agreed": ["sent", "agreed"],
    "partly_agreed": ["sent", "partly_agreed"],
    "credited": ["sent", "agreed", "credit_accepted"],
    "withdrawn": ["withdrawn"],
}


def disputed(agreement_id: int, **options: Any) -> RecordedDispute:
    """Take an invoice in that bills two fees too much, 600.00 in all, and dispute them."""
    take_in(agreement_id, beside(invoice(agreement_id), FEE, TRAVEL))
    return dispute(agreement_id, keys_of(run(agreement_id)), **options)


def walk(agreement_id: int, number: str, steps: list[Step], **options: Any) -> None:
    for each in steps:
        more = options if each in ("agreed", "partly_agreed") else {}
        if each == "partly_agreed":
            more = {"amount": Decimal("400.00")} | more
        step(agreement_id, number, each, **more)


def states(agreement_id: int, quarter: str = FIRST) -> set[str]:
    return {each.treatment.state for each in seen(agreement_id, quarter).found}


def found(agreement_id: int, number: str) -> RecordedDispute:
    with db.read() as session:
        return disputes.find_dispute(session, agreement_id=agreement_id, number=number, actor=CONTROLLER)


def events_of(action: str) -> list[AuditEvent]:
    with db.read() as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


# -- the course -----------------------------------------------------------------------------------------


def test_the_ways_lead_where_they_say() -> None:
    assert set(WAYS) == set(STATES) == set(COURSE)
    for state, steps in WAYS.items():
        assert dispute_terms.state_of(steps) == state


@given(st.lists(st.sampled_from(STEPS), max_size=6))
def test_a_course_leads_somewhere_or_says_which_step_cannot_follow(steps: list[Step]) -> None:
    state: DisputeState | None = "drafted"
    for each in steps:
        state = None if state is None else COURSE[state].get(each)
    if state is None:
        with pytest.raises(ValueError, match="cannot follow"):
            dispute_terms.state_of(steps)
    else:
        assert dispute_terms.state_of(steps) == state


@pytest.mark.parametrize("state", STATES)
def test_every_step_in_every_state_changes_it_as_the_table_says_or_changes_nothing(
    reconciling: int, state: DisputeState
) -> None:
    opened = disputed(reconciling)
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "600.00")))
    walk(reconciling, opened.number, WAYS[state])
    before = found(reconciling, opened.number)
    assert before.state == state
    for each in STEPS:
        if each not in COURSE[state]:
            with pytest.raises(Conflict) as refused:
                step(reconciling, opened.number, each, amount=Decimal("600.00"))
            assert refused.value.code == "cannot_follow"
    assert found(reconciling, opened.number) == before
    assert len(events_of("dispute.open")) == 1
    for each, after in COURSE[state].items():
        with db.write() as session:
            taken = disputes.take_step(
                session,
                agreement_id=reconciling,
                number=opened.number,
                step=each,
                on=TODAY,
                amount=Decimal("400.00") if each == "partly_agreed" else None,
                comment="As told.",
                actor=CONTROLLER,
                now=datetime(2024, 8, 1, 10, tzinfo=UTC),
                today=TODAY,
            )
            assert taken.state == after
            assert taken.steps[-1].status == response_status("credit_part", after)
            session.rollback()


def test_a_step_leaves_one_event_in_the_log(reconciling: int) -> None:
    opened = disputed(reconciling)
    walk(reconciling, opened.number, ["sent", "questioned", "sent", "declined", "withdrawn"])
    with db.read() as session:
        log = session.scalars(
            select(AuditEvent).where(AuditEvent.subject == f"dispute:{opened.number}").order_by(AuditEvent.id)
        ).all()
    assert [each.action.removeprefix("dispute.") for each in log] == [
        "open",
        "sent",
        "questioned",
        "sent",
        "declined",
        "withdrawn",
    ]
    assert {each.recorded_by for each in log} == {CONTROLLER.id}


@pytest.mark.parametrize(
    ("before", "kind", "options", "pointer"),
    [
        pytest.param([], "sent", {"on": TODAY + timedelta(days=1)}, "#/on", id="tomorrow"),
        pytest.param(["sent"], "declined", {"on": TODAY - timedelta(days=1)}, "#/on", id="before the step before"),
        pytest.param(["sent"], "declined", {"comment": " "}, "#/comment", id="declined without a word"),
        pytest.param([], "withdrawn", {"comment": ""}, "#/comment", id="withdrawn without a word"),
        pytest.param([], "sent", {"comment": "x" * 1001}, "#/comment", id="too much said"),
        pytest.param(["sent"], "partly_agreed", {}, "#/amount", id="a part that is not named"),
        pytest.param(["sent"], "partly_agreed", {"amount": Decimal("600.00")}, "#/amount", id="a part that is all"),
        pytest.param(["sent"], "agreed", {"amount": Decimal("599.99")}, "#/amount", id="all that is a part"),
        pytest.param(["sent"], "agreed", {"amount": Decimal("0.00")}, "#/amount", id="a credit of nothing"),
        pytest.param(["sent"], "agreed", {"amount": Decimal("600.005")}, "#/amount", id="a part of an øre"),
        pytest.param([], "sent", {"clarification": "BAD"}, "#/clarification", id="an unknown reason"),
        pytest.param([], "paid", {}, "#/step", id="no step"),
        pytest.param(["sent", "agreed"], "credit_accepted", {}, "#/credit_note", id="a note that has not come"),
        pytest.param(
            ["sent", "agreed"], "credit_accepted", {"credit_note_id": 1}, "#/credit_note", id="a note that is none"
        ),
    ],
)
def test_a_step_needs_what_makes_it_one(
    reconciling: int, before: list[Step], kind: str, options: dict[str, Any], pointer: str
) -> None:
    opened = disputed(reconciling)
    walk(reconciling, opened.number, before)
    with pytest.raises(InvalidInput) as refused:
        step(reconciling, opened.number, kind, **options)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert len(found(reconciling, opened.number).steps) == len(before)


# -- opening ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        pytest.param({"keys": []}, "#/findings", id="about nothing"),
        pytest.param({"keys": ["0" * 20]}, "#/findings/0", id="an unknown finding"),
        pytest.param({"wanted": "money"}, "#/wanted", id="no demand"),
        pytest.param({"hold": "some"}, "#/hold", id="no hold"),
        pytest.param({"language": "se"}, "#/language", id="no language"),
        pytest.param({"reply_by": TODAY - timedelta(days=1)}, "#/reply_by", id="a day that has passed"),
        pytest.param({"message": "x" * 1001}, "#/message", id="too much said"),
    ],
)
def test_a_dispute_needs_what_makes_it_one(reconciling: int, options: dict[str, Any], pointer: str) -> None:
    take_in(reconciling, beside(invoice(reconciling), FEE))
    keys = options.pop("keys", None)
    own = keys_of(run(reconciling))
    with pytest.raises(InvalidInput) as refused:
        dispute(reconciling, own if keys is None else keys, **options)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert seen(reconciling).disputes == ()


def test_a_dispute_is_about_findings_of_one_invoice(reconciling: int) -> None:
    due = invoice(reconciling)
    take_in(reconciling, beside(replace(due, lines=due.lines[:3]), FEE))
    take_in(reconciling, beside(replace(due, lines=(), number="2"), TRAVEL))
    both = run(reconciling)
    for keys, code in (
        (keys_of(both, "UNKNOWN_ITEM"), "several_invoices"),
        (keys_of(both, "MISSING_LINE"), "no_invoice"),
    ):
        with pytest.raises(InvalidInput) as refused:
            dispute(reconciling, keys)
        assert code in [error.code for error in refused.value.errors]


def test_a_credit_is_not_asked_for_where_nothing_is_billed_too_much(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling, contract="2019/7"))
    keys = keys_of(run(reconciling), "REF_WRONG")
    with pytest.raises(InvalidInput) as refused:
        dispute(reconciling, keys)
    assert [error.code for error in refused.value.errors] == ["nothing_to_credit"]
    assert dispute(reconciling, keys, wanted="new_invoice", hold="whole").amount == 0
    assert seen(reconciling).approvable == 0


@pytest.mark.parametrize(
    "steps", [[], ["sent"], ["sent", "agreed"]], ids=["drafted", "sent", "agreed on the next invoice"]
)
def test_what_is_disputed_is_not_disputed_again(reconciling: int, steps: list[Step]) -> None:
    opened = disputed(reconciling)
    walk(reconciling, opened.number, steps, on_next_invoice=True)
    with pytest.raises(Conflict, match=opened.number):
        dispute(reconciling, keys_of(seen(reconciling))[:1])


def test_a_signed_quarter_is_not_disputed(reconciling: int) -> None:
    take_in(reconciling, beside(invoice(reconciling), FEE))
    keys = keys_of(run(reconciling))
    decide(reconciling, keys, "accepted", "Agreed.")
    check_sample(reconciling)
    attest(reconciling)
    with pytest.raises(Conflict, match="attested"):
        dispute(reconciling, keys)


def test_a_disputed_finding_is_decided_in_its_dispute(reconciling: int) -> None:
    opened = disputed(reconciling)
    with pytest.raises(Conflict, match="disputed"):
        decide(reconciling, keys_of(seen(reconciling)), "accepted", "Never mind.")
    step(reconciling, opened.number, "withdrawn")
    assert states(reconciling) == {"open"}
    decide(reconciling, keys_of(seen(reconciling)), "accepted", "Never mind.")
    assert states(reconciling) == {"accepted"}


def test_disputes_are_numbered_within_their_quarter(reconciling: int) -> None:
    take_in(reconciling, beside(invoice(reconciling), FEE, TRAVEL))
    keys = keys_of(run(reconciling))
    assert [dispute(reconciling, [key]).number for key in keys] == ["ra-test-2024-Q1-01", "ra-test-2024-Q1-02"]


# -- letter and evidence ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words"), [("nb", "Innsigelse mot faktura 10045"), ("en", "Dispute of invoice 10045")]
)
@pytest.mark.parametrize("wanted", WANTED)
def test_the_letter_says_what_is_wanted_and_the_evidence_is_inside_it(
    reconciling: int, wanted: Wanted, language: str, words: str
) -> None:
    opened = disputed(reconciling, wanted=wanted, language=language)
    with db.read() as session:
        letter = disputes.letter(session, agreement_id=reconciling, number=opened.number, actor=CONTROLLER)
        evidence = disputes.evidence(session, agreement_id=reconciling, number=opened.number, actor=CONTROLLER)
    reader = pypdf.PdfReader(io.BytesIO(letter.content))
    text = " ".join(page.extract_text() for page in reader.pages)
    assert words in " ".join(text.split())
    assert reader.attachments[f"{opened.number}.csv"] == [evidence.content]
    rows = list(csv.DictReader(io.StringIO(evidence.content.decode())))
    assert sum(Decimal(row["amount"]) for row in rows if row["amount"]) == opened.amount == 600
    assert {row["text"] for row in rows} == {"Oppgradering av mottak", "Reisekostnader"}
    assert [row["net"] for row in rows] == ["500.00", "100.00"]


def test_letter_and_evidence_stay_what_they_were(reconciling: int) -> None:
    opened = disputed(reconciling)

    def kept() -> tuple[bytes, bytes]:
        with db.read() as session:
            return (
                disputes.letter(session, agreement_id=reconciling, number=opened.number, actor=CONTROLLER).content,
                disputes.evidence(session, agreement_id=reconciling, number=opened.number, actor=CONTROLLER).content,
            )

    before = kept()
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "600.00")))
    walk(reconciling, opened.number, ["sent", "agreed", "credit_accepted"])
    assert kept() == before
    (event,) = events_of("dispute.open")
    assert set(event.data) == {"findings", "wanted", "hold", "letter", "reply_by"}


# -- what is held back ------------------------------------------------------------------------------------

WHOLE = DUE + 600


@pytest.mark.parametrize(
    ("hold", "steps", "payable"),
    [
        pytest.param("none", [], WHOLE, id="nothing held"),
        pytest.param("part", [], DUE, id="the disputed part"),
        pytest.param("whole", [], Decimal("0.00"), id="the whole invoice"),
        pytest.param("part", ["sent", "declined"], DUE, id="declined is still disputed"),
        pytest.param("part", ["sent", "agreed"], DUE, id="agreed and the note not come"),
        pytest.param("whole", ["sent", "partly_agreed"], Decimal("0.00"), id="partly agreed"),
        pytest.param("part", ["withdrawn"], Decimal("0.00"), id="withdrawn: what was disputed is undecided again"),
    ],
)
def test_a_dispute_holds_back_what_it_says(reconciling: int, hold: Hold, steps: list[Step], payable: Decimal) -> None:
    opened = disputed(reconciling, hold=hold)
    walk(reconciling, opened.number, steps)
    report = seen(reconciling)
    assert (report.approvable, report.held) == (payable, 0 if steps == ["withdrawn"] else WHOLE - payable)
    assert report.figures.payable.amount == 0, "nothing is paid before it is approved"
    assert report.figures.disputed.amount == (0 if steps == ["withdrawn"] else 600)


def test_what_comes_off_the_next_invoice_is_paid_now(reconciling: int) -> None:
    opened = disputed(reconciling)
    walk(reconciling, opened.number, ["sent", "agreed"], on_next_invoice=True)
    report = seen(reconciling)
    assert (report.approvable, report.held, report.figures.disputed.amount, states(reconciling)) == (
        WHOLE,
        0,
        0,
        {"carried"},
    )


def test_a_credit_note_is_not_taken_off_twice(reconciling: int) -> None:
    opened = disputed(reconciling)
    walk(reconciling, opened.number, ["sent", "agreed"])
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "600.00")))
    unaccepted = run(reconciling)
    assert (unaccepted.frozen.invoiced, unaccepted.held, unaccepted.approvable) == (DUE, 0, DUE)
    assert unaccepted.figures.disputed.amount == 600
    step(reconciling, opened.number, "credit_accepted")
    report = seen(reconciling)
    assert (report.held, report.approvable, report.figures.disputed.amount) == (0, DUE, 0)


@given(
    st.sampled_from(["whole", "part", "none"]),
    st.decimals(-1000, 1000, places=2),
    st.decimals(-1000, 1000, places=2),
)
def test_never_more_is_held_than_the_invoice_bills(hold: Any, amount: Decimal, net: Decimal) -> None:
    from billing.causes import Finding
    from billing.reconciliation.dispute_records import DisputedFinding

    one = RecordedDispute(
        1, "D", FIRST, 1, "1", "a", "information", hold, "nb", TODAY, "", 1, 1,
        (DisputedFinding("k", Finding("UNEXPLAINED", amount)),), (), datetime(2024, 8, 1, tzinfo=UTC), "p",
    )  # fmt: skip
    assert 0 <= one.held(net) <= max(net, Decimal(0))


# -- the credit note ------------------------------------------------------------------------------------


def agreed(agreement_id: int, **options: Any) -> RecordedDispute:
    opened = disputed(agreement_id)
    kind: Step = "partly_agreed" if "amount" in options else "agreed"
    walk(agreement_id, opened.number, ["sent", kind], **options)
    return opened


def test_a_credit_note_as_agreed_waits_for_a_person_and_then_all_is_equal(reconciling: int) -> None:
    opened = agreed(reconciling)
    assert run(reconciling).state == "in_progress" or seen(reconciling).facts.credit_awaited == 1
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "600.00")))
    waiting = run(reconciling)
    check_sample(reconciling)
    waiting = seen(reconciling)
    assert (waiting.state, states(reconciling), codes_of(waiting)) == (
        "waiting_for_credit",
        {"disputed"},
        {"UNKNOWN_ITEM": 0},
    )
    with pytest.raises(Conflict) as refused:
        attest(reconciling)
    assert refused.value.code == "credit_awaited"
    done = step(reconciling, opened.number, "credit_accepted")
    assert (done.state, done.agreed_amount, done.accepted_note) == ("credited", 600, 2)
    report = run(reconciling)
    assert (report.state, states(reconciling), report.frozen.difference) == ("ready_to_attest", {"credited"}, 0)
    assert attest(reconciling).state == "attested"


@pytest.mark.parametrize(("amount", "off"), [("550.00", "50.00"), ("640.00", "-40.00")], ids=["too little", "too much"])
def test_a_credit_note_of_another_amount_is_wrong_and_never_accepted_by_itself(
    reconciling: int, amount: str, off: str
) -> None:
    opened = agreed(reconciling)
    take_in(reconciling, credit_note(reconciling, line("Kreditering", amount)))
    report = run(reconciling)
    assert codes_of(report) == {"UNKNOWN_ITEM": 0, "CREDIT_WRONG": Decimal(off)}
    wrong = keys_of(report, "CREDIT_WRONG")
    assert [each.treatment.state for each in report.found if each.key in wrong] == ["open"]
    step(reconciling, opened.number, "credit_accepted")
    after = seen(reconciling)
    assert [each.treatment.state for each in after.found if each.key in wrong] == ["open"]
    assert after.state == "in_progress"
    check_sample(reconciling)
    decide(reconciling, wrong, "accepted", "The rest is too small to write about.")
    assert seen(reconciling).state == "ready_to_attest"


def test_what_is_credited_in_part_leaves_the_rest_to_be_decided(reconciling: int) -> None:
    opened = agreed(reconciling, amount=Decimal("400.00"))
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "400.00")))
    step(reconciling, opened.number, "credit_accepted")
    report = run(reconciling)
    assert codes_of(report) == {"UNKNOWN_ITEM": Decimal("200.00")}
    by_document = {(each.number, each.treatment.state) for each in report.found}
    assert by_document == {("10045", "open"), ("20045", "credited")}
    decide(reconciling, [each.key for each in report.found if each.treatment.is_open], "accepted", "Settled at 400.")
    check_sample(reconciling)
    assert seen(reconciling).state == "ready_to_attest"


def test_a_credit_note_that_nobody_agreed_to_is_a_finding(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "75.00")))
    report = run(reconciling)
    assert codes_of(report) == {"CREDIT_WRONG": Decimal("-75.00")}
    assert states(reconciling) == {"open"}


def test_of_two_disputes_of_an_invoice_each_has_its_own_credit_note(reconciling: int) -> None:
    take_in(reconciling, beside(invoice(reconciling), FEE, TRAVEL))
    one, other = (dispute(reconciling, [key]) for key in keys_of(run(reconciling)))
    for each in (one, other):
        walk(reconciling, each.number, ["sent", "agreed"])
    take_in(reconciling, credit_note(reconciling, line("Kreditering reise", "100.00"), number="K1"))
    note = run(reconciling)
    assert codes_of(note) == {"UNKNOWN_ITEM": Decimal("500.00")}
    step(reconciling, other.number, "credit_accepted")
    take_in(reconciling, credit_note(reconciling, line("Del 1", "200.00"), line("Del 2", "300.00"), number="K2"))
    assert codes_of(run(reconciling)) == {"UNKNOWN_ITEM": 0}
    step(reconciling, one.number, "credit_accepted")
    assert (found(reconciling, other.number).accepted_note, found(reconciling, one.number).accepted_note) == (2, 3)
    assert states(reconciling) == {"credited"}


def test_where_two_notes_name_the_invoice_a_person_says_which(reconciling: int) -> None:
    opened = agreed(reconciling)
    for number in ("K1", "K2"):
        take_in(reconciling, credit_note(reconciling, line("Kreditering", "600.00"), number=number))
    with pytest.raises(InvalidInput) as refused:
        step(reconciling, opened.number, "credit_accepted")
    assert [error.pointer for error in refused.value.errors] == ["#/credit_note"]
    assert step(reconciling, opened.number, "credit_accepted", credit_note_id=3).accepted_note == 3


def test_a_note_that_names_the_dispute_alone_is_found(reconciling: int) -> None:
    opened = agreed(reconciling)
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "600.00"), names=(opened.number,)))
    assert codes_of(run(reconciling)) == {"UNKNOWN_ITEM": 0}
    assert step(reconciling, opened.number, "credit_accepted").state == "credited"


# -- on the next invoice --------------------------------------------------------------------------------


def carried(agreement_id: int) -> RecordedDispute:
    """Have the vendor agree to take 600.00 off its next invoice, before that one is issued."""
    opened = disputed(agreement_id)
    step(agreement_id, opened.number, "sent", on=date(2024, 4, 20))
    step(agreement_id, opened.number, "agreed", on=date(2024, 5, 2), on_next_invoice=True)
    return found(agreement_id, opened.number)


def test_a_quarter_is_attested_while_its_credit_is_still_to_come_with_the_next_invoice(reconciling: int) -> None:
    opened = carried(reconciling)
    run(reconciling)
    check_sample(reconciling)
    assert attest(reconciling).state == "attested"
    with pytest.raises(InvalidInput, match="has not come"):
        step(reconciling, opened.number, "credit_accepted")
    taken_off = line("Kreditering", "-600.00", period="2024-04", credit=opened.number)
    take_in(reconciling, beside(invoice(reconciling, SECOND, number="10099"), taken_off))
    done = step(reconciling, opened.number, "credit_accepted")
    assert (done.state, done.accepted_note) == ("credited", 2)
    assert seen(reconciling).state == "attested"


def test_a_line_that_names_the_dispute_takes_the_credit_off(reconciling: int) -> None:
    opened = carried(reconciling)
    taken_off = line("Kreditering", "-600.00", period="2024-04", credit=opened.number)
    take_in(reconciling, beside(invoice(reconciling, SECOND, number="10099"), taken_off))
    report = run(reconciling, SECOND)
    assert (report.status, codes_of(report), report.frozen.difference) == ("equal", {}, 0)


@pytest.mark.parametrize("accepted", [False, True], ids=["agreed", "accepted all the same"])
def test_a_credit_that_does_not_come_with_the_next_invoice_is_pending(reconciling: int, accepted: bool) -> None:
    opened = carried(reconciling)
    take_in(reconciling, invoice(reconciling, SECOND, number="10099"))
    if accepted:
        step(reconciling, opened.number, "credit_accepted")
    report = run(reconciling, SECOND)
    assert codes_of(report) == {"CREDIT_PENDING": Decimal("600.00")}
    assert (states(reconciling, SECOND), report.state) == ({"open"}, "in_progress")


def test_a_credit_of_another_amount_on_the_next_invoice_is_wrong(reconciling: int) -> None:
    opened = carried(reconciling)
    taken_off = line("Kreditering", "-450.00", period="2024-04", credit=opened.number)
    take_in(reconciling, beside(invoice(reconciling, SECOND, number="10099"), taken_off))
    assert codes_of(run(reconciling, SECOND)) == {"CREDIT_WRONG": Decimal("150.00")}


def test_only_the_first_invoice_after_the_answer_is_the_next_one(reconciling: int) -> None:
    carried(reconciling)
    take_in(reconciling, invoice(reconciling, SECOND, number="10100", issue_date=date(2024, 7, 20), trust=VIKEN))
    assert "CREDIT_PENDING" in codes_of(seen(reconciling, SECOND))
    take_in(reconciling, invoice(reconciling, SECOND, number="10099", trust="sykehuset-ostfold"))
    pending = [each.number for each in seen(reconciling, SECOND).found if each.finding.code == "CREDIT_PENDING"]
    assert pending == ["10099"]


# -- Peppol ---------------------------------------------------------------------------------------------


def test_every_cause_is_told_with_a_reason_of_the_list() -> None:
    assert {reason_of(code) for code in CODES} <= set(REASONS)
    assert (reason_of("QTY_DIFF"), reason_of("TIER_MODE"), reason_of("TERMS")) == ("QTY", "PRI", "PAY")


@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("state", STATES)
def test_the_response_follows_the_course(wanted: Wanted, state: DisputeState) -> None:
    status = response_status(wanted, state)
    assert status in RESPONSE_STATUSES
    assert (status == "AP") == (state in OVER)
    assert (status in NEEDS_REASON) == (state not in OVER and state != "drafted")
    assert ACTIONS[wanted] in {"CNF", "CNP", "NIN", "OTH", "PIN"}


def test_each_step_keeps_its_status_and_reason(reconciling: int) -> None:
    opened = disputed(reconciling, wanted="information")
    step(reconciling, opened.number, "sent")
    step(reconciling, opened.number, "questioned", clarification="REF")
    kept = [(each.kind, each.status, each.clarification) for each in found(reconciling, opened.number).steps]
    assert kept == [("sent", "UQ", "ITM"), ("questioned", "UQ", "REF")]


# -- ageing and deadlines --------------------------------------------------------------------------------


def test_a_dispute_ages_from_the_day_it_was_sent(reconciling: int) -> None:
    opened = disputed(reconciling)
    assert opened.age(TODAY) == 0
    step(reconciling, opened.number, "sent", on=TODAY - timedelta(days=20))
    step(reconciling, opened.number, "questioned", on=TODAY - timedelta(days=3))
    sent = found(reconciling, opened.number)
    assert (sent.age(TODAY), sent.age(TODAY - timedelta(days=30))) == (20, 0)
    step(reconciling, opened.number, "withdrawn", on=TODAY - timedelta(days=2))
    over = found(reconciling, opened.number)
    assert (over.age(TODAY), over.age(TODAY + timedelta(days=90))) == (18, 18)


def replies(agreement_id: int, **options: Any) -> list[tuple[str, date]]:
    with db.read() as session:
        listed = deadlines.upcoming(session, agreement_id, TODAY, **options)
    return [(each.key, each.due_on) for each in listed if each.source == "dispute"]


@pytest.mark.parametrize("state", STATES)
def test_a_reply_is_due_while_the_vendor_has_not_given_one(reconciling: int, state: DisputeState) -> None:
    opened = disputed(reconciling)
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "600.00")))
    walk(reconciling, opened.number, WAYS[state])
    awaited = state in ("drafted", "sent", "questioned")
    assert replies(reconciling) == ([(opened.number, date(2024, 8, 15))] if awaited else [])


def test_a_reader_within_a_trust_sees_no_disputes_deadline(reconciling: int) -> None:
    disputed(reconciling)
    assert replies(reconciling, trust=VIKEN) == []
    assert replies(reconciling, known_at=datetime(2024, 7, 31, tzinfo=UTC)) == []


# -- who may ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "actor",
    [
        APPROVER,
        *(person("x", role) for role in ("contract_manager", "auditor", "admin", "service")),
        person("kept", "finance_controller", trust=VIKEN),
        person("reader", "trust_reader", trust=VIKEN),
    ],
    ids=["approver", "contract_manager", "auditor", "admin", "service", "controller of one trust", "trust_reader"],
)
def test_only_a_controller_of_all_trusts_disputes(reconciling: int, actor: Actor) -> None:
    opened = disputed(reconciling)
    with pytest.raises(Denied):
        dispute(reconciling, ["x"], actor=actor)
    with pytest.raises(Denied):
        step(reconciling, opened.number, "sent", actor=actor)
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(DisputeEvent)) == 0


def test_what_is_not_there_and_what_one_may_not_see_are_told_alike(reconciling: int) -> None:
    opened = disputed(reconciling)
    reader = Actor("person:l", "L", (Grant("trust_reader", VIKEN),))
    for number, actor in ((opened.number, reader), ("ra-test-2024-Q1-77", CONTROLLER)):
        for get in (disputes.letter, disputes.evidence, disputes.find_dispute):
            with db.read() as session, pytest.raises(NotFound):
                get(session, agreement_id=reconciling, number=number, actor=actor)


def test_a_dispute_is_never_changed(database: Flask) -> None:
    agreement_id = record_quarters()
    opened = disputed(agreement_id)
    walk(agreement_id, opened.number, ["sent", "agreed"])
    for table in ("disputes", "disputed_findings", "dispute_events"):
        with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM {table}")
    assert found(agreement_id, opened.number).amount == 600


def test_the_deadlines_page_says_which_answer_is_due(reconciling: int, reconciling_app: Flask) -> None:
    opened = disputed(reconciling)
    with db.read() as session:
        (due,) = [each for each in deadlines.upcoming(session, reconciling, TODAY) if each.source == "dispute"]
    with reconciling_app.test_request_context("/"):
        sentence, consequence = sentences(due)
    assert opened.number in sentence
    assert "10045" in sentence
    assert FIRST in consequence
