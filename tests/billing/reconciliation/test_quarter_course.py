"""The course of a quarter: one state for every set of facts, and nothing is attested while something is open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.figures.course import STATES, CourseFacts, refusals, state_of, tasks
from billing.reconciliation.sign_offs import REFUSALS

READY = CourseFacts(over=True, closed=True, documents=1, run=True, is_current=True)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        pytest.param(CourseFacts(over=False, closed=False), "not_started", id="not over"),
        pytest.param(CourseFacts(over=True, closed=False, missing_counts=1), "waiting_for_usage", id="a count lacks"),
        pytest.param(CourseFacts(over=True, closed=False), "ready", id="over, not closed, and all counts are in"),
        pytest.param(CourseFacts(over=True, closed=True, missing_counts=1), "ready", id="closed without a count"),
        pytest.param(CourseFacts(over=True, closed=True), "ready", id="closed"),
        pytest.param(CourseFacts(over=True, closed=True, documents=1), "ready", id="with an invoice"),
        pytest.param(replace(READY, closed=False), "in_progress", id="run while open"),
        pytest.param(replace(READY, documents=0), "in_progress", id="run without an invoice"),
        pytest.param(replace(READY, is_current=False), "in_progress", id="something came after the run"),
        pytest.param(replace(READY, undecided=1), "in_progress", id="a finding is open"),
        pytest.param(replace(READY, unsure=1), "in_progress", id="a match is unsure"),
        pytest.param(replace(READY, unchecked=1), "in_progress", id="the sample is not looked at"),
        pytest.param(replace(READY, undecided=1, with_vendor=1), "in_progress", id="our part comes first"),
        pytest.param(replace(READY, with_vendor=1), "with_vendor", id="a dispute is with the vendor"),
        pytest.param(
            replace(READY, with_vendor=1, credit_awaited=1), "with_vendor", id="and another waits for its credit"
        ),
        pytest.param(replace(READY, credit_awaited=1), "waiting_for_credit", id="a credit is awaited"),
        pytest.param(READY, "ready_to_attest", id="nothing is open"),
        pytest.param(replace(READY, attested=True), "attested", id="attested"),
        pytest.param(
            replace(READY, attested=True, is_current=False), "attested", id="what comes later changes nothing"
        ),
        pytest.param(replace(READY, attested=True, approved=True), "approved", id="approved"),
        pytest.param(replace(READY, attested=True, approved=True, settled=True), "settled", id="paid"),
        pytest.param(replace(READY, attested=True, settled=True), "attested", id="paid before it was approved"),
    ],
)
def test_the_state_is_the_first_that_still_waits_for_something(facts: CourseFacts, state: str) -> None:
    assert state_of(facts) == state


def test_every_state_is_reached() -> None:
    reached = {
        state_of(CourseFacts(over=False, closed=False)),
        state_of(CourseFacts(over=True, closed=False, missing_counts=1)),
        state_of(CourseFacts(over=True, closed=True)),
        state_of(replace(READY, undecided=1)),
        state_of(replace(READY, with_vendor=1)),
        state_of(replace(READY, credit_awaited=1)),
        state_of(READY),
        state_of(replace(READY, attested=True)),
        state_of(replace(READY, attested=True, approved=True)),
        state_of(replace(READY, attested=True, approved=True, settled=True)),
    }
    assert reached == set(STATES)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"closed": False}, "not_closed"),
        ({"documents": 0}, "no_invoice"),
        ({"run": False}, "no_run"),
        ({"is_current": False}, "run_outdated"),
        ({"unsure": 1}, "unsure_matches"),
        ({"undecided": 1}, "undecided_findings"),
        ({"unchecked": 1}, "sample_unchecked"),
        ({"with_vendor": 1}, "with_vendor"),
        ({"credit_awaited": 1}, "credit_awaited"),
        ({"attested": True}, "already_attested"),
    ],
)
def test_whatever_is_open_refuses_by_its_own_code(change: dict[str, Any], code: str) -> None:
    assert refusals(replace(READY, **change)) == (code,)
    assert REFUSALS[code]


counts = st.integers(0, 2)
facts_of_any_kind = st.builds(
    CourseFacts,
    over=st.booleans(),
    closed=st.booleans(),
    missing_counts=counts,
    documents=counts,
    run=st.booleans(),
    is_current=st.booleans(),
    undecided=counts,
    unsure=counts,
    unchecked=counts,
    with_vendor=counts,
    credit_awaited=counts,
    attested=st.booleans(),
    approved=st.booleans(),
    settled=st.booleans(),
)


@given(facts_of_any_kind)
def test_a_quarter_is_ready_to_attest_exactly_where_nothing_refuses(facts: CourseFacts) -> None:
    facts = replace(facts, approved=facts.approved and facts.attested)
    assert (state_of(facts) == "ready_to_attest") == (refusals(facts) == ())


@given(facts_of_any_kind)
def test_no_task_is_both_done_and_refused(facts: CourseFacts) -> None:
    facts = replace(facts, approved=facts.approved and facts.attested, attested=facts.attested and facts.run)
    told = dict(tasks(facts))
    refused = set(refusals(facts))
    for code, task in (
        ("not_closed", "charges_closed"),
        ("no_invoice", "invoice_received"),
        ("unsure_matches", "lines_matched"),
        ("undecided_findings", "findings_decided"),
        ("with_vendor", "findings_decided"),
        ("credit_awaited", "findings_decided"),
        ("sample_unchecked", "sample_checked"),
    ):
        if code in refused:
            assert told[task] != "done", (code, task)  # type: ignore[index]
    assert (told["attested"] == "todo") == (not refused)


def test_with_the_vendor_our_part_is_done_and_the_task_waits() -> None:
    assert dict(tasks(replace(READY, with_vendor=1)))["findings_decided"] == "waiting"
    assert dict(tasks(replace(READY, undecided=1)))["findings_decided"] == "todo"
    assert dict(tasks(CourseFacts(over=False, closed=False)))["findings_decided"] == "not_yet"


@given(st.builds(CourseFacts, over=st.booleans(), closed=st.booleans(), missing_counts=st.integers(0, 2)))
def test_the_state_waits_for_usage_exactly_where_the_task_list_does(facts: CourseFacts) -> None:
    waits = facts.over and dict(tasks(facts))["usage_complete"] != "done"
    assert (state_of(facts) == "waiting_for_usage") == waits
