"""What becomes of findings: how they are known, how they stand, and which clean lines are looked at anyway."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.causes import CODES, Explanation, Finding, GroupExplanation
from billing.causes.billed import BilledDocument, BilledLine
from billing.reconciliation.frozen import FrozenReconciliation, Reconciled
from billing.reconciliation.treatment import Decided, InDispute, Treatment, found_in, key_of, sample_key, sample_of

ZERO = Decimal("0.00")
SHA = "a" * 64
FOUND = Finding(
    "QTY_DUP",
    Decimal("100.00"),
    "oslo",
    "ct-pe",
    "2026-07",
    invoice_lines=("3",),
    expected_lines=("e1",),
    clause="7.1",
    params={"billed": 3},
)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"code": "QTY_DIFF"}, id="code"),
        pytest.param({"amount": Decimal("100.01")}, id="amount"),
        pytest.param({"tax_amount": Decimal("1.00")}, id="VAT"),
        pytest.param({"trust": "akershus"}, id="trust"),
        pytest.param({"algorithm": None}, id="algorithm"),
        pytest.param({"period": "2026-08"}, id="period"),
        pytest.param({"invoice_lines": ("3", "4")}, id="invoice lines"),
        pytest.param({"expected_lines": ()}, id="expected lines"),
        pytest.param({"params": {"which": "order_reference"}}, id="which reference"),
        pytest.param({"params": {"credit": "K7"}}, id="which credit"),
    ],
)
def test_a_finding_that_changes_is_another_one(change: dict[str, Any]) -> None:
    assert key_of(SHA, replace(FOUND, **change)) != key_of(SHA, FOUND)


def test_the_same_finding_is_known_again_whatever_its_sentence_says() -> None:
    assert key_of(SHA, replace(FOUND, params={"billed": 4}, clause="7.2")) == key_of(SHA, FOUND)
    assert key_of("b" * 64, FOUND) != key_of(SHA, FOUND)
    assert key_of(None, FOUND) != key_of(SHA, FOUND)
    assert len(key_of(SHA, FOUND)) == 20


def document(*findings: Finding, lines: int = 0, **changes: Any) -> Reconciled:
    """Give a document with these findings on its first line, and clean lines after it."""
    billed = tuple(BilledLine(str(number), ZERO) for number in range(lines + 1))
    groups = [GroupExplanation((), billed[:1], (), amount_of(findings), ZERO, findings)] if findings else []
    groups += [GroupExplanation((), (line,), (), ZERO, ZERO, ()) for line in billed[1:]]
    part = BilledDocument("1", changes.pop("kind", "invoice"), "NOK", billed)
    explanation = Explanation(amount_of(findings), ZERO, tuple(groups), (), (), changes.pop("comparable", True))
    return Reconciled(changes.pop("sha256", SHA), part, explanation)


def amount_of(findings: tuple[Finding, ...]) -> Decimal:
    return sum((each.amount for each in findings), ZERO)


def standing(
    finding: Finding, *, decided: Decided | None = None, disputes: dict[str, InDispute] | None = None
) -> Treatment:
    frozen = FrozenReconciliation(None, (document(finding),), ())  # type: ignore[arg-type]
    key = key_of(SHA, finding)
    decisions = {} if decided is None else {key: decided}
    named = {key if name == "own" else name: each for name, each in (disputes or {}).items()}
    (found,) = found_in(frozen, decisions, named)
    return found.treatment


OPEN = InDispute("D1", is_over=False, is_credited=False)
PARTLY = InDispute("D1", is_over=True, is_credited=False)
CREDITED = InDispute("D1", is_over=True, is_credited=True)
CARRIED = InDispute("D1", is_over=False, is_credited=True, is_carried=True)
ACCEPTED = Decided("accepted", "person:k", "Agreed.")
TAKEN_OFF = replace(FOUND, amount=Decimal("-100.00"), params={"credit": "D1"})


@pytest.mark.parametrize(
    ("finding", "decided", "disputes", "state"),
    [
        pytest.param(FOUND, None, {}, "open", id="nobody has said anything"),
        pytest.param(FOUND, ACCEPTED, {}, "accepted", id="somebody accepted it"),
        pytest.param(FOUND, ACCEPTED, {"own": OPEN}, "disputed", id="a dispute goes before a decision"),
        pytest.param(FOUND, ACCEPTED, {"own": PARTLY}, "accepted", id="decided what was not credited"),
        pytest.param(FOUND, None, {"own": PARTLY}, "open", id="not all was credited"),
        pytest.param(FOUND, None, {"own": CREDITED}, "credited", id="all was credited"),
        pytest.param(FOUND, None, {"own": CARRIED}, "carried", id="it comes off the next invoice"),
        pytest.param(TAKEN_OFF, None, {"D1": OPEN}, "disputed", id="a credit note nobody has accepted"),
        pytest.param(TAKEN_OFF, None, {"D1": CREDITED}, "credited", id="a credit note that was accepted"),
        pytest.param(TAKEN_OFF, None, {"D2": CREDITED}, "open", id="another dispute's"),
        pytest.param(replace(FOUND, code="ROUNDING"), None, {}, "automatic", id="rounding"),
        pytest.param(replace(TAKEN_OFF, code="CREDIT_WRONG"), None, {"D1": CREDITED}, "open", id="a wrong credit"),
        pytest.param(
            replace(TAKEN_OFF, code="CREDIT_PENDING"), None, {"D1": CARRIED}, "open", id="a credit that stays away"
        ),
        pytest.param(
            replace(TAKEN_OFF, code="CREDIT_WRONG"), ACCEPTED, {"D1": OPEN}, "accepted", id="a wrong credit, accepted"
        ),
        pytest.param(
            replace(TAKEN_OFF, code="CREDIT_WRONG"), None, {"own": OPEN}, "disputed", id="a wrong credit, disputed"
        ),
    ],
)
def test_a_finding_stands_as_the_vendor_and_people_left_it(
    finding: Finding, decided: Decided | None, disputes: dict[str, InDispute], state: str
) -> None:
    assert standing(finding, decided=decided, disputes=disputes).state == state


def test_only_rounding_is_settled_without_a_person() -> None:
    settled = {code for code in CODES if not standing(replace(FOUND, code=code)).is_open}
    assert settled == {"ROUNDING"}


# -- the sample -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("clean", "drawn"), [(0, 0), (1, 1), (20, 1), (21, 2), (40, 2), (100, 5), (101, 6)])
def test_one_clean_line_in_twenty_is_drawn_and_at_least_one(clean: int, drawn: int) -> None:
    assert len(sample_of([document(FOUND, lines=clean)])) == drawn


def test_a_line_with_a_finding_is_never_drawn_and_one_with_rounding_may_be() -> None:
    assert sample_of([document(FOUND)]) == ()
    assert sample_of([document(replace(FOUND, code="ROUNDING"))]) == ((SHA, "0"),)


@pytest.mark.parametrize(
    "changes", [{"kind": "credit_note"}, {"comparable": False}], ids=["a credit note", "another currency"]
)
def test_only_invoices_that_can_be_compared_are_drawn_from(changes: dict[str, Any]) -> None:
    assert sample_of([document(lines=30, **changes)]) == ()


@given(st.integers(1, 200), st.sampled_from(["a", "b", "c", "d"]))
def test_the_draw_is_the_same_in_every_run_and_belongs_to_the_document(lines: int, letter: str) -> None:
    drawn = sample_of([document(lines=lines, sha256=letter * 64)])
    assert drawn == sample_of([document(lines=lines, sha256=letter * 64)])
    others = {sample_key(letter * 64, str(number)) for number in range(1, lines + 1)}
    assert {sample_key(*each) for each in drawn} == set(sorted(others)[: len(drawn)])


def test_another_document_has_another_sample() -> None:
    samples = {tuple(line for _, line in sample_of([document(lines=100, sha256=letter * 64)])) for letter in "abcd"}
    assert len(samples) == 4
