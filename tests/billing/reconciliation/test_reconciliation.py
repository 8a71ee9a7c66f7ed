"""Runs of a quarter, what people decide about them, and what is told of what came later."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from billing.ehf.document import Document, ItemProperty
from billing.invoices import invoices
from billing.invoices import setup as invoice_setup
from billing.invoices.reading import read_invoices
from billing.models import FindingDecision
from billing.quarters import closing as quarters
from billing.quarters.frozen import FrozenQuarter
from billing.reconciliation import runs as reconciliation
from billing.reconciliation.frozen import FrozenReconciliation, reconcile
from billing.reconciliation.inputs import accepted_before, gather
from billing.reconciliation.report import Report, list_quarters, run_bytes
from billing.reconciliation.runs import Place
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.people.access import Actor, Grant
from contracts.terms.period import Period
from tests.reconciled import (
    ACCOUNT,
    CONTROLLER,
    DUE,
    FIRST,
    MANAGER,
    NOW,
    OSTFOLD,
    OTHER_ACCOUNT,
    SECOND,
    TODAY,
    VIKEN,
    approve,
    attest,
    beside,
    check_sample,
    codes_of,
    credit_note,
    decide,
    invoice,
    keys_of,
    line,
    person,
    record_quarters,
    reopen,
    run,
    seen,
    summed,
    take_in,
    with_lines,
)
from tests.recorded import record_agreement, record_usage

LATE = b"trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-02-12,50\n"
FEE = line("Oppgradering av mottak", "500.00")
READER = person("leser", "trust_reader", trust=VIKEN)


def events(action: str | None = None) -> list[AuditEvent]:
    with db.read() as session:
        query = select(AuditEvent).order_by(AuditEvent.id)
        return list(session.scalars(query if action is None else query.where(AuditEvent.action == action)))


def close_anew(agreement_id: int) -> None:
    with db.write() as session:
        quarters.reopen(
            session,
            agreement_id=agreement_id,
            quarter=FIRST,
            reason="A file came late.",
            actor=CONTROLLER,
            now=NOW,
            today=TODAY,
        )
        quarters.close(
            session,
            agreement_id=agreement_id,
            quarter=FIRST,
            actor=CONTROLLER,
            now=NOW,
            today=TODAY,
            accept_missing=True,
        )


def bytes_of(agreement_id: int, number: int, quarter: str = FIRST) -> bytes:
    with db.read() as session:
        return run_bytes(session, agreement_id=agreement_id, quarter=quarter, run=number, actor=CONTROLLER)[1]


def place(agreement_id: int, found: Report, *lines: str, quarter: str = FIRST, **what: Any) -> Report:
    with db.write() as session:
        return reconciliation.place_lines(
            session,
            agreement_id=agreement_id,
            quarter=quarter,
            sha256=found.invoices[0].sha256,
            lines=lines,
            place=Place(**what),
            comment="As the delivery note says.",
            actor=CONTROLLER,
            now=NOW,
            today=TODAY,
        )


# -- what comes out ---------------------------------------------------------------------------------------


def test_the_expected_invoice_imported_as_it_is_has_no_difference(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    found = run(reconciling)
    assert (found.status, found.frozen.expected, found.frozen.invoiced, found.found) == ("equal", DUE, DUE, ())


def test_an_invoice_for_each_trust_is_as_equal_as_one_for_all(reconciling: int) -> None:
    for number, trust in enumerate((OSTFOLD, VIKEN), start=1):
        take_in(reconciling, invoice(reconciling, number=str(number), trust=trust))
    found = run(reconciling)
    assert (found.status, found.frozen.invoiced, len(found.frozen.documents)) == ("equal", DUE, 2)


def test_where_nothing_came_everything_due_is_missing(reconciling: int) -> None:
    found = run(reconciling)
    assert (codes_of(found), found.frozen.expected, found.state) == ({"MISSING_LINE": -DUE}, DUE, "in_progress")


def test_the_sums_of_the_report_hold_and_each_document_has_its_own(reconciling: int) -> None:
    take_in(reconciling, beside(invoice(reconciling, trust=OSTFOLD), FEE))
    found = run(reconciling)
    own = sum((each.explanation.difference for each in found.frozen.documents), Decimal(0))
    missing = sum((each.amount for each in found.frozen.not_invoiced), Decimal(0))
    assert own + missing == found.frozen.difference == Decimal("500.00") - Decimal("2745.00")
    assert (own, missing) == (Decimal("500.00"), Decimal("-2745.00"))


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        pytest.param({"contract": "2019/7"}, {"REF_WRONG"}, id="another agreement's reference"),
        pytest.param({"contract": None}, {"REF_WRONG"}, id="no reference"),
        pytest.param({"due_date": date(2024, 4, 24)}, {"TERMS"}, id="other terms"),
        pytest.param({"currency": "EUR"}, {"CURRENCY", "MISSING_LINE"}, id="another currency"),
        pytest.param({"profile": None}, {"DOCUMENT"}, id="a broken rule"),
    ],
)
def test_what_the_header_says_wrong_is_found_and_costs_nothing(
    reconciling: int, change: dict[str, Any], codes: set[str]
) -> None:
    take_in(reconciling, summed(invoice(reconciling, **change)))
    found = run(reconciling)
    assert set(codes_of(found)) >= codes
    assert all(each.finding.amount == 0 for each in found.found if each.finding.code != "MISSING_LINE")
    assert found.status == ("not_comparable" if "CURRENCY" in codes else "differences")


def test_an_invoice_made_out_to_a_trust_for_its_own_lines_is_rightly_made_out(reconciling: int) -> None:
    own = invoice(reconciling, trust=VIKEN)
    with_others = replace(invoice(reconciling, number="2", trust=OSTFOLD), buyer=own.buyer)
    take_in(reconciling, own)
    assert "WRONG_BUYER" not in codes_of(run(reconciling))
    take_in(reconciling, with_others)
    assert "WRONG_BUYER" in codes_of(run(reconciling))


def test_a_quarters_documents_count_towards_the_maximum_value_one_after_the_other(app: Flask) -> None:
    from tests import examples

    agreement_id = record_agreement(examples.agreement() | {"estimated_value": None, "maximum_value": "20000.00"})
    record_usage(agreement_id)
    take_in(agreement_id, invoice(agreement_id, number="1", trust=OSTFOLD))
    take_in(agreement_id, with_lines(invoice(agreement_id, number="2"), line("Lisens", "9000.00")))
    found = run(agreement_id)
    ceilings = [each for each in found.found if each.finding.code == "CEILING"]
    assert [(each.number, each.finding.params["beyond"]) for each in ceilings] == [("2", Decimal("55.00"))]


def test_only_what_was_approved_in_the_quarters_before_counts_towards_the_maximum_value(reconciling: int) -> None:
    def accepted(quarter: str) -> Decimal:
        with db.read() as session:
            return accepted_before(session, reconciling, Period.parse(quarter))

    for quarter in (FIRST, SECOND):
        take_in(reconciling, invoice(reconciling, quarter, number=quarter))
        run(reconciling, quarter)
        check_sample(reconciling, quarter)
        attest(reconciling, quarter)
    assert accepted(SECOND) == 0
    approve(reconciling)
    assert (accepted(FIRST), accepted(SECOND)) == (0, DUE)
    before = seen(reconciling)
    approve(reconciling, SECOND)
    assert accepted(FIRST) == 0
    assert seen(reconciling).is_current
    assert seen(reconciling).sha256 == before.sha256
    reopen(reconciling)
    assert accepted(SECOND) == 0


def test_an_invoice_over_two_quarters_is_reconciled_in_both(reconciling: int) -> None:
    first, second = invoice(reconciling), invoice(reconciling, SECOND)
    take_in(reconciling, with_lines(replace(first, period=None), *first.lines, *second.lines))
    one, other = run(reconciling), run(reconciling, SECOND)
    assert (one.status, other.status) == ("equal", "equal")
    assert (one.frozen.invoiced, other.frozen.invoiced) == (DUE, other.frozen.expected)
    assert one.frozen.invoiced + other.frozen.invoiced == one.invoices[0].document.net


# -- runs ------------------------------------------------------------------------------------------------


def test_a_run_that_would_say_the_same_is_the_last_one(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    first, again = run(reconciling), run(reconciling, actor=person("per", "finance_controller"))
    assert [each.number for each in again.runs] == [1]
    assert again.sha256 == first.sha256
    assert len(events("reconciliation.run")) == 1


def test_a_document_that_comes_makes_another_run_and_the_old_one_stays_readable(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling, trust=OSTFOLD, number="1"))
    run(reconciling)
    before = bytes_of(reconciling, 1)
    take_in(reconciling, invoice(reconciling, trust=VIKEN, number="2"))
    assert (seen(reconciling).is_current, seen(reconciling).state) == (False, "in_progress")
    after = run(reconciling)
    assert [each.number for each in after.runs] == [1, 2]
    assert bytes_of(reconciling, 1) == before != bytes_of(reconciling, 2)
    old = seen(reconciling, run=1)
    assert (len(old.frozen.documents), old.sha256) == (1, after.runs[0].sha256)
    assert old.now is not None


def test_what_is_kept_is_read_back_and_computed_again_to_the_same_bytes(reconciling: int) -> None:
    take_in(reconciling, beside(invoice(reconciling), FEE))
    found = run(reconciling)
    content = bytes_of(reconciling, 1)
    back = FrozenReconciliation.from_bytes(content, found.frozen.inputs.charges)
    assert back == found.frozen
    assert back.run_again().to_bytes() == content


def test_the_bytes_name_no_person_no_clock_and_no_row(database: Flask) -> None:
    agreement_id = record_quarters()
    take_in(agreement_id, beside(invoice(agreement_id), FEE))
    run(agreement_id)
    content = bytes_of(agreement_id, 1).decode()
    assert "kari" not in content
    assert "2024-08-01" not in content
    assert "T09:00" not in content
    assert not {"id", "recorded_at", "recorded_by", "agreement_id"} & set(json.loads(content)["inputs"])
    # Another's name for the same file, and rows of other numbers, are the same knowledge.
    assert found_elsewhere(agreement_id) == content


def found_elsewhere(agreement_id: int) -> str:
    """Reconcile the same documents in an agreement with other row numbers."""
    from tests import examples

    other = record_agreement(examples.agreement("ra-annen"))
    record_usage(other)
    from tests.reconciled import SECOND_USAGE, close

    record_usage(other, SECOND_USAGE, datetime(2024, 7, 3, 9, tzinfo=UTC))
    close(other)
    take_in(other, beside(invoice(other), FEE), actor=person("per", "finance_controller"))
    run(other, actor=person("per", "finance_controller"))
    mine = json.loads(bytes_of(agreement_id, 1))["inputs"]["charges"]
    theirs = json.loads(bytes_of(other, 1))["inputs"]["charges"]
    return bytes_of(other, 1).decode().replace(theirs, mine)


def test_an_attested_quarter_is_opened_again_before_it_is_run_anew(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    run(reconciling)
    check_sample(reconciling)
    attest(reconciling)
    assert [each.number for each in run(reconciling).runs] == [1]
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "10.00")))
    with pytest.raises(Conflict, match="open it again"):
        run(reconciling)
    later = seen(reconciling)
    assert (later.is_current, later.frozen.invoiced, later.state) == (False, DUE, "attested")
    assert later.now is not None
    assert later.now.invoiced == DUE - 10
    reopen(reconciling)
    again = run(reconciling)
    assert [(each.number, each.reopened) for each in again.runs] == [(1, "Too early."), (2, None)]
    assert again.frozen.invoiced == DUE - 10


def test_a_reopened_quarter_has_a_new_run_also_where_nothing_changed(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    first = run(reconciling)
    check_sample(reconciling)
    attest(reconciling)
    approve(reconciling)
    reopened = reopen(reconciling)
    assert (reopened.run, reopened.state) == (None, "ready")
    again = run(reconciling)
    assert [each.sha256 for each in again.runs] == [first.sha256] * 2
    # What people had decided stands: the findings are the same ones.
    assert again.state == "ready_to_attest"


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001], ids=["none", "blank", "too long"])
def test_opening_again_needs_a_signed_quarter_and_a_reason(reconciling: int, reason: str) -> None:
    with pytest.raises(InvalidInput):
        reopen(reconciling, reason=reason)
    run(reconciling)
    with pytest.raises(Conflict, match="not attested"):
        reopen(reconciling)


def test_late_usage_is_told_as_later_and_changes_no_closed_charges(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    first = run(reconciling)
    record_usage(reconciling, LATE, NOW)
    live = seen(reconciling)
    assert (live.frozen.expected, live.is_current) == (DUE, False)
    assert [(each.trust, each.quantity) for each in live.frozen.inputs.late] == [(VIKEN, 50)]
    assert run(reconciling).sha256 != first.sha256


def test_another_quarters_dispute_and_runs_are_nothing_to_this_one(reconciling: int) -> None:
    from tests.reconciled import dispute, step

    take_in(reconciling, invoice(reconciling))
    take_in(reconciling, beside(invoice(reconciling, SECOND, number="2"), replace(FEE, period=None)))
    first = run(reconciling)
    found = run(reconciling, SECOND)
    opened = dispute(reconciling, keys_of(found, "UNKNOWN_ITEM"), quarter=SECOND)
    step(reconciling, opened.number, "sent")
    step(reconciling, opened.number, "agreed")
    assert seen(reconciling).sha256 == first.sha256
    assert seen(reconciling).is_current


def test_an_open_quarter_can_be_run_and_not_attested(app: Flask) -> None:
    agreement_id = record_quarters(closed=())
    take_in(agreement_id, invoice(agreement_id))
    found = run(agreement_id)
    assert (found.run is not None and found.run.closing_run, found.status) == (None, "equal")
    check_sample(agreement_id)
    with pytest.raises(Conflict) as refused:
        attest(agreement_id)
    assert refused.value.code == "not_closed"


def test_what_was_known_then_is_shown_as_it_was(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    before = seen(reconciling, known_at=datetime(2024, 7, 31, tzinfo=UTC))
    assert (before.invoices, before.runs, before.state) == ((), (), "ready")


@pytest.mark.parametrize("quarter", ["2024-01", "2024", "Q1", "2024-Q5", ""])
def test_what_is_no_quarter_is_refused(reconciling: int, quarter: str) -> None:
    with pytest.raises(InvalidInput):
        run(reconciling, quarter)
    with pytest.raises(InvalidInput):
        seen(reconciling, quarter)


def test_a_quarter_outside_the_agreement_and_a_run_that_is_not_there_are_not_found(reconciling: int) -> None:
    with pytest.raises(NotFound):
        run(reconciling, "2031-Q1")
    with pytest.raises(NotFound):
        seen(reconciling, run=4)
    with pytest.raises(NotFound):
        bytes_of(reconciling, 4)


def test_a_run_is_never_changed(database: Flask) -> None:
    agreement_id = record_quarters()
    take_in(agreement_id, invoice(agreement_id))
    run(agreement_id)
    check_sample(agreement_id)
    for table in ("reconciliation_runs", "finding_decisions"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET quarter = '2020-Q1'"):
            with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
                connection.exec_driver_sql(statement)


def test_the_list_of_quarters_has_the_states_and_figures_of_the_last_runs(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    run(reconciling)
    check_sample(reconciling)
    with db.read() as session:
        rows = list_quarters(session, agreement_id=reconciling, actor=CONTROLLER, today=TODAY)
    assert [(each.quarter.label(), each.state.value, each.documents) for each in rows] == [
        ("2024-Q3", "not_started", 0),
        (SECOND, "ready", 0),
        (FIRST, "ready_to_attest", 1),
    ]
    assert rows[2].run is not None
    assert (rows[2].run.invoiced, rows[2].due_on) == (DUE, date(2024, 5, 10))
    take_in(reconciling, invoice(reconciling, number="2"))
    with db.read() as session:
        rows = list_quarters(session, agreement_id=reconciling, actor=CONTROLLER, today=TODAY)
    assert rows[2].state.value == seen(reconciling).state == "in_progress"


# -- decisions -----------------------------------------------------------------------------------------


def test_a_decision_is_about_the_amount_it_was_made_of(reconciling: int) -> None:
    due = invoice(reconciling)
    take_in(reconciling, with_lines(due, *due.lines[:3]))
    before = decide(reconciling, keys_of(run(reconciling)), "accepted", "Agreed by phone.")
    assert [(str(each.finding.amount), each.treatment.state) for each in before.found] == [("-765.00", "accepted")]
    record_usage(reconciling, LATE.replace(b"2024-02-12", b"2024-01-12"), NOW)
    close_anew(reconciling)
    after = run(reconciling)
    assert not {each.key for each in after.found} & {each.key for each in before.found}
    assert {each.treatment.state for each in after.found} == {"open"}


def test_a_later_decision_takes_the_place_of_the_one_before(reconciling: int) -> None:
    take_in(reconciling, beside(invoice(reconciling), FEE))
    keys = keys_of(run(reconciling))
    decide(reconciling, keys, "accepted", "By mistake.")
    after = decide(reconciling, keys, "noted", "Paid, and asked about.")
    (found,) = after.found
    assert (found.treatment.state, found.treatment.by, found.treatment.comment) == (
        "noted",
        CONTROLLER.id,
        "Paid, and asked about.",
    )
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(FindingDecision)) == 2
    assert [event.data["decision"] for event in events("reconciliation.decide")] == ["accepted", "noted"]


@pytest.mark.parametrize(
    ("keys", "decision", "comment", "pointer"),
    [
        pytest.param(None, "accepted", "", "#/comment", id="accepting without a reason"),
        pytest.param(None, "accepted", "   ", "#/comment", id="accepting with a blank"),
        pytest.param(None, "paid", "x", "#/decision", id="no decision"),
        pytest.param(None, "noted", "x" * 1001, "#/comment", id="too much said"),
        pytest.param([], "noted", "", "#/findings", id="about nothing"),
        pytest.param(["00000000000000000000"], "noted", "", "#/findings/0", id="an unknown finding"),
    ],
)
def test_a_decision_needs_what_makes_it_one(
    reconciling: int, keys: list[str] | None, decision: str, comment: str, pointer: str
) -> None:
    take_in(reconciling, beside(invoice(reconciling), FEE))
    own = keys_of(run(reconciling))
    with pytest.raises(InvalidInput) as refused:
        decide(reconciling, own if keys is None else keys, decision, comment)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert {each.treatment.state for each in seen(reconciling).found} == {"open"}


def test_a_signed_quarter_takes_no_decision_and_no_placing(reconciling: int) -> None:
    take_in(reconciling, beside(invoice(reconciling), FEE))
    found = run(reconciling)
    decide(reconciling, keys_of(found), "accepted", "Agreed.")
    check_sample(reconciling)
    attest(reconciling)
    with pytest.raises(Conflict, match="attested"):
        decide(reconciling, keys_of(found), "noted")
    with pytest.raises(Conflict, match="attested"):
        place(reconciling, found, "5", trust=VIKEN)


def test_rounding_needs_nobody(reconciling: int) -> None:
    document = invoice(reconciling)
    first = document.lines[0]
    assert first.net is not None
    take_in(reconciling, with_lines(document, replace(first, net=first.net + Decimal("0.01")), *document.lines[1:]))
    (found,) = run(reconciling).found
    assert (found.finding.code, found.finding.amount, found.treatment.state) == (
        "ROUNDING",
        Decimal("0.01"),
        "automatic",
    )


def test_the_sample_waits_for_a_person(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    found = run(reconciling)
    assert (len(found.sample), found.state, found.facts.unchecked) == (1, "in_progress", 1)
    after = decide(reconciling, [found.sample[0].key])
    assert (after.facts.unchecked, after.state) == (0, "ready_to_attest")
    assert after.sample[0].treatment.by == CONTROLLER.id


# -- a changed account ------------------------------------------------------------------------------------


def changed_account(agreement_id: int) -> Report:
    take_in(agreement_id, invoice(agreement_id, number="1", trust=OSTFOLD))
    other = invoice(agreement_id, number="2", trust=VIKEN)
    take_in(agreement_id, replace(other, payment_means=(replace(other.payment_means[0], account=OTHER_ACCOUNT),)))
    return run(agreement_id)


def test_a_changed_account_stops_the_payment_of_its_invoice_until_somebody_has_checked_it(reconciling: int) -> None:
    found = changed_account(reconciling)
    assert codes_of(found) == {"ACCOUNT_CHANGED": 0}
    assert (found.held, found.approvable) == (Decimal("2745.00"), Decimal("11055.00"))
    noted = decide(reconciling, keys_of(found), "noted", "Will call.")
    assert noted.approvable == Decimal("11055.00")
    checked = decide(reconciling, keys_of(found), "checked", "Called on the number known from before.")
    assert (checked.held, checked.approvable) == (0, DUE)


def test_an_account_that_was_checked_is_held_against_and_no_other(reconciling: int) -> None:
    with db.write() as session:
        invoice_setup.add_account(
            session,
            agreement_id=reconciling,
            vendor_number="123456785",
            account=OTHER_ACCOUNT,
            checked="By phone.",
            actor=MANAGER,
            now=NOW,
        )
    take_in(reconciling, invoice(reconciling))
    (found,) = run(reconciling).found
    assert (found.finding.code, found.finding.params["billed"]) == ("ACCOUNT_CHANGED", (ACCOUNT,))


# -- placing lines -----------------------------------------------------------------------------------


def unplaced(agreement_id: int) -> Document:
    """Give an invoice whose first line of Østfold names no trust."""
    document = invoice(agreement_id)
    bare = replace(
        document.lines[0],
        name="Bruddvis",
        description=None,
        properties=tuple(each for each in document.lines[0].properties if each.name != "trust"),
    )
    return with_lines(document, bare, *document.lines[1:])


def test_placing_a_line_changes_how_it_is_read(reconciling: int) -> None:
    take_in(reconciling, unplaced(reconciling))
    found = run(reconciling)
    assert found.frozen.documents[0].part.lines[0].trust is None
    after = place(reconciling, found, "1", trust=OSTFOLD)
    assert after.frozen.documents[0].part.lines[0].trust == OSTFOLD
    assert after.frozen.inputs.decided == ((after.invoices[0].sha256, "1"),)
    assert (after.status, after.is_current) == ("equal", False)
    assert [event.data["trust"] for event in events("reconciliation.place")] == [OSTFOLD]


def test_a_line_is_never_matched_across_trusts_but_by_a_persons_word(reconciling: int) -> None:
    document = invoice(reconciling)
    theirs = tuple(each for each in document.lines[0].properties if each.name != "trust")
    wrong = replace(
        document.lines[0], name="Bruddvis", description=None, properties=(*theirs, ItemProperty("trust", "akershus"))
    )
    take_in(reconciling, with_lines(document, wrong, *document.lines[1:]))
    found = run(reconciling)
    assert codes_of(found) == {"NOT_ACTIVE": Decimal("8040.00"), "MISSING_LINE": Decimal("-8040.00")}
    assert place(reconciling, found, "1", trust=OSTFOLD).status == "equal"


def test_saying_that_a_line_is_matched_rightly_leaves_what_was_said_of_it(reconciling: int) -> None:
    take_in(reconciling, unplaced(reconciling))
    found = run(reconciling)
    place(reconciling, found, "1", trust=OSTFOLD)
    after = place(reconciling, found, "1")
    assert after.frozen.documents[0].part.lines[0].trust == OSTFOLD
    moved = place(reconciling, found, "1", algorithm="xray-skeletal")
    assert moved.frozen.documents[0].part.lines[0].trust is None


def test_an_unsure_match_waits_until_a_person_has_looked(reconciling: int) -> None:
    take_in(reconciling, unplaced(reconciling))
    found = run(reconciling)
    assert found.unsure, [
        match.confidence
        for each in found.frozen.documents
        for group in each.explanation.groups
        for match in group.matches
    ]
    ids = [each.id for one in found.unsure for each in one.billed]
    after = place(reconciling, found, *ids)
    assert (after.unsure, after.facts.unsure) == ((), 0)


@pytest.mark.parametrize(
    ("lines", "what", "pointer"),
    [
        pytest.param((), {"trust": VIKEN}, "#/lines", id="no line"),
        pytest.param(("99",), {"trust": VIKEN}, "#/lines/0", id="an unknown line"),
        pytest.param(("1",), {"trust": "molde"}, "#/trust", id="an unknown trust"),
        pytest.param(("1",), {"algorithm": "mr"}, "#/algorithm", id="an unknown algorithm"),
        pytest.param(("1",), {"charge": "fee"}, "#/charge", id="an unknown charge"),
        pytest.param(("1",), {"period": "in May"}, "#/period", id="no period"),
    ],
)
def test_a_line_is_placed_only_where_there_is_a_place(
    reconciling: int, lines: tuple[str, ...], what: dict[str, str], pointer: str
) -> None:
    take_in(reconciling, invoice(reconciling))
    with pytest.raises(InvalidInput) as refused:
        place(reconciling, run(reconciling), *lines, **what)
    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_lines_of_a_document_that_is_not_of_the_quarter_are_not_found(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    with pytest.raises(NotFound):
        place(reconciling, run(reconciling), "1", trust=VIKEN, quarter=SECOND)


def test_a_line_placed_in_another_quarter_takes_its_document_there_too(reconciling: int) -> None:
    take_in(reconciling, beside(invoice(reconciling), FEE))
    after = place(reconciling, run(reconciling), "5", period="2024-04")
    assert (after.status, after.frozen.invoiced) == ("equal", DUE)
    assert codes_of(seen(reconciling, SECOND))["UNKNOWN_ITEM"] == Decimal("500.00")


# -- credit notes ------------------------------------------------------------------------------------


def test_a_credit_note_belongs_whole_to_the_first_quarter_of_the_invoices_it_names(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    lines = line("Kreditering", "10.00"), line("Kreditering", "20.00", period="2024-05")
    take_in(reconciling, credit_note(reconciling, *lines, period=None))
    assert codes_of(run(reconciling)) == {"CREDIT_WRONG": Decimal("-30.00")}
    assert [each.document.number for each in seen(reconciling, SECOND).invoices] == []
    with db.read() as session:
        assert [len(each.quarters) for each in read_invoices(session, agreement_id=reconciling)] == [1, 1]


@pytest.mark.parametrize(
    ("names", "count"),
    [
        pytest.param(("77",), 1, id="that names an invoice nobody knows"),
        pytest.param((), 2, id="that names none"),
    ],
)
def test_a_credit_note_on_its_own_is_counted_once(reconciling: int, names: tuple[str, ...], count: int) -> None:
    lines = line("Kreditering", "10.00"), line("Kreditering", "20.00", period="2024-05")
    take_in(reconciling, credit_note(reconciling, *lines, names=names, period=None))
    both = [seen(reconciling, quarter).frozen.invoiced for quarter in (FIRST, SECOND)]
    assert sum(both) == Decimal("-30.00")
    assert sum(1 for each in both if each) == count


# -- who may -----------------------------------------------------------------------------------------

ROLES = ("finance_controller", "contract_manager", "approver", "auditor", "admin", "service")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("act", ["run", "decide", "place", "reopen", "read"])
def test_who_may_do_what(reconciling: int, act: str, role: str) -> None:
    actor = Actor("person:x", "X", (Grant(role),))
    acts: dict[str, Callable[[], Any]] = {
        "run": lambda: run(reconciling, actor=actor),
        "decide": lambda: decide(reconciling, ["x"], actor=actor),
        "place": lambda: _place_as(reconciling, actor),
        "reopen": lambda: reopen(reconciling, actor=actor),
        "read": lambda: seen(reconciling, actor=actor),
    }
    may = role != "admin" if act == "read" else role == "finance_controller"
    if may:
        # The act is allowed, and may have nothing to act on.
        with suppress(InvalidInput, Conflict, NotFound):
            acts[act]()
    else:
        with pytest.raises(Denied):
            acts[act]()
        assert events("reconciliation.run") == []


def _place_as(agreement_id: int, actor: Actor) -> None:
    with db.write() as session:
        reconciliation.place_lines(
            session,
            agreement_id=agreement_id,
            quarter=FIRST,
            sha256="0" * 64,
            lines=["1"],
            place=Place(),
            comment="",
            actor=actor,
            now=NOW,
            today=TODAY,
        )


def test_a_reader_within_a_trust_is_told_that_there_is_nothing(reconciling: int) -> None:
    run(reconciling)
    with pytest.raises(NotFound):
        seen(reconciling, actor=READER)
    with db.read() as session, pytest.raises(NotFound):
        list_quarters(session, agreement_id=reconciling, actor=READER, today=TODAY)
    with db.read() as session, pytest.raises(NotFound):
        run_bytes(session, agreement_id=reconciling, quarter=FIRST, run=1, actor=READER)


@pytest.mark.parametrize("act", [run, decide, reopen], ids=["run", "decide", "reopen"])
def test_a_controller_kept_to_one_trust_reconciles_nothing(reconciling: int, act: Callable[..., Any]) -> None:
    kept = person("k", "finance_controller", trust=VIKEN)
    with pytest.raises(Denied, match="all trusts"):
        act(reconciling, *([["x"]] if act is decide else []), actor=kept)


def test_every_act_leaves_one_event(reconciling: int) -> None:
    take_in(reconciling, beside(invoice(reconciling), FEE))
    before = len(events())
    found = run(reconciling)
    decide(reconciling, keys_of(found), "accepted", "Agreed.")
    place(reconciling, found, "5", trust=VIKEN)
    after = run(reconciling)
    decide(reconciling, keys_of(after), "accepted", "Agreed.")
    check_sample(reconciling)
    attest(reconciling)
    approve(reconciling)
    reopen(reconciling)
    actions = [event.action for event in events()[before:]]
    assert actions == [
        "reconciliation.run",
        "reconciliation.decide",
        "reconciliation.place",
        "reconciliation.run",
        "reconciliation.decide",
        *(["reconciliation.decide"] if after.sample else []),
        "reconciliation.attest",
        "reconciliation.approve",
        "reconciliation.reopen",
    ]
    assert {event.subject for event in events()[before:]} == {f"reconciliation:ra-test/{FIRST}"}


def test_charges_closed_anew_are_what_the_next_run_is_held_against(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    run(reconciling)
    record_usage(reconciling, LATE, NOW)
    close_anew(reconciling)
    after = run(reconciling)
    assert after.run is not None
    assert (after.run.number, after.run.closing_run, after.frozen.difference < 0) == (2, 2, True)
    assert FrozenQuarter.from_bytes(after.frozen.inputs.charges.to_bytes()) == after.frozen.inputs.charges


def test_strangers_documents_are_told_to_be_theirs(reconciling: int, sample_data: Path) -> None:
    first = Period.parse(FIRST)
    for file in sorted((sample_data / "ehf").glob("*.xml")):
        with db.write() as session:
            taken = invoices.import_invoice(
                session,
                agreement_id=reconciling,
                filename=file.name,
                content=file.read_bytes(),
                actor=CONTROLLER,
                now=NOW,
            )
            assert taken.status == "imported"
            read = read_invoices(session, agreement_id=reconciling)[-1]
            # The stranger's own quarter lies where nothing was counted: it is held against what was due in the first one.
            here = replace(read, quarters=(first,))
            held = gather(session, agreement_id=reconciling, quarter=first, read=[here])
        frozen = reconcile(held)
        codes = {finding.code for finding in frozen.findings}
        assert {"WRONG_BUYER", "REF_WRONG"} <= codes, file.name
        assert FrozenReconciliation.from_bytes(frozen.to_bytes(), held.charges) == frozen
