"""Causes: one fault of every code by itself, what is always true of the sums, and what no document may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.causes import (
    AgreedCredit,
    AgreementFacts,
    Explanation,
    Finding,
    SetApart,
    Situation,
    explain,
    explain_quarter,
)
from billing.causes.billed import BilledDocument, BilledLine, TaxPart
from billing.rating.lines import Line
from billing.rating.rate import PriceRequest, rate
from contracts.terms.period import Period
from contracts.terms.price_book import Usage
from contracts.terms.price_model import FixedCharge
from contracts.terms.price_models import Allowance
from tests.billing.rating.notation import CT, MR, TERM, active, book, day, ramp, usage_charge, used

from .test_matching import billed, lines_of_anything

QUARTER = Period(date(2024, 7, 1), date(2024, 10, 1))
PLATFORM = FixedCharge("platform", "7.4", Decimal("5000.00"), "agreement", "quarter")
BOOK = book(usage_charge("300@60, *@45", ramp_up=ramp("3m@0.50")), PLATFORM)
ACTIVATIONS = (
    active("ostfold", go_live="2024-01-01"),
    active("innlandet", go_live="2024-06-01", validation_from="2024-05-10"),
)
USAGE = (
    used("ostfold", "2024-03-05", 180),
    used("ostfold", "2024-07-10", 90),
    used("ostfold", "2024-08-10", 70),
    used("innlandet", "2024-07-11", 40),
    used("innlandet", "2024-08-12", 45),
    used("innlandet", "2024-09-13", 50),
)
FACTS = AgreementFacts(
    buyers=("987654325",),
    contract_references=("RA-1",),
    payment_days=30,
    accounts=("1234 56 70007",),
    vat_rate=Decimal("0.25"),
    maximum_value=Decimal("1000000.00"),
)


def due(usage: tuple[Usage, ...] = USAGE, price_book: object = BOOK) -> tuple[Line, ...]:
    """Rate the quarter."""
    return rate(PriceRequest(TERM, QUARTER, price_book, ACTIVATIONS, usage)).lines  # type: ignore[arg-type]


def invoice(lines: tuple[BilledLine, ...], **changed: object) -> BilledDocument:
    """Write an invoice whose header is as agreed, but for what is changed."""
    net = sum((line.net for line in lines), Decimal("0.00"))
    tax = (net * Decimal("0.25")).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    same = BilledDocument(
        number="1001", kind="invoice", currency="NOK", lines=lines, issued_on=date(2024, 10, 8), due_on=date(2024, 11, 7),
        seller="912345678", buyer="987654325", contract_reference="RA-1", accounts=("12345670007",), tax_exclusive=net,
        tax=tax, tax_parts=(TaxPart(net, tax, Decimal("0.25")),),
    )  # fmt: skip
    return replace(same, **changed)  # type: ignore[arg-type]


def as_due(lines: tuple[Line, ...]) -> tuple[BilledLine, ...]:
    """Bill lines as they are due."""
    return tuple(
        billed(line, str(number), charge=line.charge if line.kind == "fixed" else None)
        for number, line in enumerate(lines, start=1)
    )


def situation(document: BilledDocument, **more: object) -> Situation:
    """Give a document with everything known of the agreement."""
    return Situation(document, QUARTER, TERM, BOOK, ACTIVATIONS, USAGE, facts=FACTS, **more)  # type: ignore[arg-type]


def named(explanation: Explanation) -> dict[str, Decimal]:
    """Return what each code comes to."""
    found: dict[str, Decimal] = {}
    for finding in (*explanation.findings, *explanation.not_invoiced):
        found[finding.code] = found.get(finding.code, Decimal("0.00")) + finding.amount
    return found


def test_what_is_billed_as_due_has_no_finding() -> None:
    explanation = explain(situation(invoice(as_due(due()))))
    assert explanation.is_clean
    assert explanation.invoiced == explanation.expected == sum(line.net for line in due())
    assert explanation.unexplained == 0


def test_a_discount_left_out_is_named_with_its_amount_per_month() -> None:
    lines = tuple(replace(line, allowance=Decimal("0.00"), net=line.net + line.allowance) for line in as_due(due()))
    explanation = explain(situation(invoice(lines)))
    assert named(explanation) == {"RAMP_MISSING": explanation.difference}
    assert explanation.difference > 0
    assert {finding.trust for finding in explanation.findings} == {"innlandet"}
    assert {finding.period for finding in explanation.findings} == {"2024-07", "2024-08"}


def test_a_pool_read_per_trust_is_found_in_all_the_lines_it_changes() -> None:
    per_trust = book(usage_charge("300@60, *@45", scope="trust", ramp_up=ramp("3m@0.50")), PLATFORM)
    explanation = explain(situation(invoice(as_due(due(price_book=per_trust)))))
    assert set(named(explanation)) == {"TIER_SCOPE"}
    assert len(explanation.findings) > 1
    assert all(finding.params["billed"] == "trust" for finding in explanation.findings)


def test_a_forgotten_allowance_is_named_with_its_amount() -> None:
    agreed = book(usage_charge(Allowance(200, Decimal("45"))), PLATFORM)
    forgotten = book(usage_charge("*@45"), PLATFORM)
    explanation = explain(replace(situation(invoice(as_due(due(price_book=forgotten)))), price_book=agreed))
    # 180 free units were used before the quarter: 20 of its 295 are free too
    assert named(explanation) == {"TIER_WRONG": Decimal("900.00")}
    assert explanation.unexplained == 0


def test_another_count_moves_the_tiers_of_the_other_trust_and_is_named_there_too() -> None:
    more = (*USAGE, used("innlandet", "2024-07-20", 60))
    explanation = explain(situation(invoice(as_due(due(more)))))
    assert set(named(explanation)) == {"QTY_DIFF"}
    own = [finding for finding in explanation.findings if finding.trust == "innlandet" and finding.period == "2024-07"]
    assert (own[0].params["own"], own[0].params["billed"]) == (40, 100)
    assert {finding.trust for finding in explanation.findings} == {"innlandet", "ostfold"}


@pytest.mark.parametrize(
    ("reason", "code"),
    [("failed", "QTY_NONBILLABLE"), ("repeated", "QTY_NONBILLABLE"), ("duplicate", "QTY_DUP")],
)
def test_a_count_that_takes_in_what_is_set_apart_is_named_after_it(reason: str, code: str) -> None:
    apart = SetApart("ostfold", CT, day("2024-08-15"), 9, reason)  # type: ignore[arg-type]
    more = (*USAGE, used("ostfold", "2024-08-15", 9))
    explanation = explain(situation(invoice(as_due(due(more))), set_apart=(apart,)))
    assert set(named(explanation)) == {code}


def test_a_count_that_takes_in_late_examinations_is_named_after_them() -> None:
    more = (*USAGE, used("ostfold", "2024-07-01", 11))
    explanation = explain(situation(invoice(as_due(due(more))), late=(used("ostfold", "2024-05-05", 11),)))
    assert set(named(explanation)) == {"QTY_LATE"}


def test_two_faults_in_one_line_are_both_named_and_sum_to_the_ore() -> None:
    more = (*USAGE, used("innlandet", "2024-07-20", 23))
    lines = tuple(replace(line, allowance=Decimal("0.00"), net=line.net + line.allowance) for line in as_due(due(more)))
    explanation = explain(situation(invoice(lines)))
    assert set(named(explanation)) == {"QTY_DIFF", "RAMP_MISSING"}
    assert sum(named(explanation).values()) == explanation.difference


def test_a_price_of_no_version_is_read_off_its_line() -> None:
    lines = as_due(due())
    wrong = next(line for line in lines if line.trust == "ostfold")
    assert wrong.quantity is not None
    dearer = replace(wrong, price=Decimal("61.50"), net=Decimal("61.50") * wrong.quantity)
    (finding,) = explain(situation(invoice(tuple(dearer if line is wrong else line for line in lines)))).findings
    assert finding.code == "PRICE_UNIT"
    assert finding.params["billed"] == Decimal("61.50")
    assert wrong.id in finding.invoice_lines


def test_an_error_in_our_favour_is_found_and_negative() -> None:
    lines = tuple(
        replace(line, allowance=line.net + line.allowance, net=Decimal("0.00"))
        if line.trust == "innlandet" and line.allowance
        else line
        for line in as_due(due())
    )
    explanation = explain(situation(invoice(lines)))
    assert explanation.difference < 0
    assert set(named(explanation)) == {"RAMP_RATE"}


def stray(**fields: object) -> BilledLine:
    """Make a line that stands beside what is due."""
    same = BilledLine(
        "99", Decimal("120.00"), quantity=Decimal(2), price=Decimal("60.00"), period=Period.month(QUARTER.start)
    )
    return replace(same, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param(stray(trust="ostfold", algorithm=MR), "NOT_ACTIVE", id="never live there"),
        pytest.param(stray(trust="vv", algorithm=CT), "NOT_ACTIVE", id="at a trust without activations"),
        pytest.param(stray(text="Konsulenttimer"), "UNKNOWN_ITEM", id="nothing that was agreed"),
        pytest.param(stray(charge="platform", trust="ostfold"), "FIXED_FEE", id="a fee nobody owes"),
        pytest.param(
            stray(trust="ostfold", algorithm=CT, period=Period.month(day("2024-03-01"))),
            "QTY_PERIOD",
            id="another quarter",
        ),
    ],
)
def test_a_line_beside_what_is_due_is_named(line: BilledLine, code: str) -> None:
    explanation = explain(situation(invoice((*as_due(due()), line))))
    assert named(explanation) == {code: Decimal("120.00")}
    assert explanation.findings[0].invoice_lines == ("99",)


def test_a_line_twice_and_a_line_of_an_earlier_invoice_are_duplicates() -> None:
    lines = as_due(due())
    twice = explain(situation(invoice((*lines, replace(lines[0], id="99")))))
    assert named(twice) == {"LINE_DUP": lines[0].net}
    old = stray(trust="ostfold", algorithm=CT, period=Period.month(day("2024-03-01")))
    earlier = invoice((old,), number="900")
    again = explain(situation(invoice((*lines, replace(old, id="77"))), earlier=(earlier,)))
    assert named(again) == {"LINE_DUP": old.net}


@pytest.mark.parametrize("number", ["1001", "1002"], ids=["the same number", "the same content"])
def test_a_document_that_was_received_before_is_a_duplicate_as_a_whole(number: str) -> None:
    document = invoice(as_due(due()))
    explanation = explain(situation(document, earlier=(replace(document, number=number),)))
    assert named(explanation) == {"INVOICE_DUP": document.net}
    assert explanation.expected == 0


def test_a_line_that_is_not_there_is_missing_and_outside_the_sums() -> None:
    lines = as_due(due())
    gone = lines[-1]
    explanation = explain(situation(invoice(lines[:-1])))
    assert explanation.difference == 0
    assert [(finding.code, finding.amount) for finding in explanation.not_invoiced] == [("MISSING_LINE", -gone.net)]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"buyer": "993467049"}, "WRONG_BUYER"),
        ({"buyer": None}, "WRONG_BUYER"),
        ({"contract_reference": None}, "REF_WRONG"),
        ({"contract_reference": "RA-2"}, "REF_WRONG"),
        ({"due_on": date(2024, 10, 22)}, "TERMS"),
        ({"accounts": ("98765432103",)}, "ACCOUNT_CHANGED"),
        ({"rules": ("BR-CO-15",)}, "DOCUMENT"),
        ({"tax": Decimal("1.00")}, "VAT"),
    ],
)
def test_what_the_header_says_wrongly_costs_nothing(changed: dict[str, object], code: str) -> None:
    explanation = explain(situation(invoice(as_due(due()), **changed)))
    assert named(explanation) == {code: Decimal("0.00")}
    assert explanation.difference == 0


@pytest.mark.parametrize(
    "changed",
    [{"contract_reference": "ra-1"}, {"accounts": ("NO93 1234 56 70007",)}, {"accounts": ()}],
    ids=["another case", "the account as an IBAN", "no account"],
)
def test_what_is_only_written_otherwise_is_no_finding(changed: dict[str, object]) -> None:
    assert explain(situation(invoice(as_due(due()), **changed))).is_clean


def test_beyond_the_maximum_value_is_a_finding_with_the_amount() -> None:
    facts = replace(FACTS, accepted=Decimal("999000.00"))
    explanation = explain(replace(situation(invoice(as_due(due()))), facts=facts))
    (finding,) = explanation.findings
    assert finding.code == "CEILING"
    assert finding.params["beyond"] == Decimal("999000.00") + explanation.invoiced - Decimal("1000000.00")


def test_another_currency_is_never_subtracted() -> None:
    explanation = explain(situation(invoice(as_due(due()), currency="EUR")))
    assert not explanation.comparable
    assert explanation.difference == 0
    assert named(explanation) == {"CURRENCY": Decimal("0.00")}


@pytest.mark.parametrize(
    ("off", "code"),
    [("0.02", "ROUNDING"), ("-0.01", "ROUNDING"), ("0.03", "ARITHMETIC"), ("-250.00", "ARITHMETIC")],
)
def test_a_line_that_does_not_add_up_is_rounding_up_to_two_ore(off: str, code: str) -> None:
    lines = list(as_due(due()))
    lines[0] = replace(lines[0], net=lines[0].net + Decimal(off))
    assert named(explain(situation(invoice(tuple(lines))))) == {code: Decimal(off)}


def test_a_sum_that_is_not_the_lines_is_arithmetic() -> None:
    document = invoice(as_due(due()))
    wrong = document.net + 100
    tax = (wrong * Decimal("0.25")).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    parts = (TaxPart(wrong, tax, Decimal("0.25")),)
    explanation = explain(situation(replace(document, tax_exclusive=wrong, tax=tax, tax_parts=parts)))
    assert named(explanation) == {"ARITHMETIC": Decimal(100)}


CREDIT = AgreedCredit("K7", Decimal("750.00"), trust="ostfold", on_next_invoice=True)


@pytest.mark.parametrize(
    ("taken", "found"),
    [
        pytest.param("750.00", {}, id="taken off as agreed"),
        pytest.param(None, {"CREDIT_PENDING": Decimal("750.00")}, id="not taken off"),
        pytest.param("500.00", {"CREDIT_WRONG": Decimal("250.00")}, id="too little"),
        pytest.param("800.00", {"CREDIT_WRONG": Decimal("-50.00")}, id="too much"),
    ],
)
def test_an_agreed_credit_is_held_against_what_is_taken_off(taken: str | None, found: dict[str, Decimal]) -> None:
    lines = as_due(due())
    if taken is not None:
        lines = (*lines, BilledLine("99", -Decimal(taken), trust="ostfold", text="Kreditering K7", reference="K7"))
    assert named(explain(situation(invoice(lines), credits=(CREDIT,)))) == found


@pytest.mark.parametrize(("amount", "off"), [("750.00", "0.00"), ("700.00", "50.00")])
def test_a_credit_note_is_held_against_what_was_agreed_for_its_invoice(amount: str, off: str) -> None:
    note = invoice(
        (BilledLine("1", -Decimal(amount), trust="ostfold", text="Kreditering"),), kind="credit_note", credits=("900",)
    )
    agreed = AgreedCredit("K7", Decimal("750.00"), trust="ostfold", invoice="900")
    explanation = explain(situation(note, credits=(agreed,)))
    assert explanation.expected == Decimal("-750.00")
    assert explanation.difference == Decimal(off)
    assert set(named(explanation)) == ({"CREDIT_WRONG"} if Decimal(off) else set())


def test_the_invoices_of_a_quarter_share_what_is_due() -> None:
    lines = as_due(due())
    mine = tuple(line for line in lines if line.trust == "ostfold")
    rest = tuple(line for line in lines if line.trust == "innlandet")
    both, missing = explain_quarter(
        [
            situation(invoice(mine, number="1")),
            situation(invoice(rest, number="2")),
            situation(invoice(mine, number="3")),
        ]
    )
    assert [named(each).keys() - {"MISSING_LINE"} for each in both] == [set(), set(), {"INVOICE_DUP"}]
    assert [(finding.code, finding.amount) for finding in missing] == [("MISSING_LINE", Decimal("-5000.00"))]


amounts = st.decimals(-200, 9000, places=2)


@given(
    st.lists(lines_of_anything, max_size=5),
    st.lists(st.tuples(st.integers(0, 7), amounts), max_size=3),
    st.booleans(),
    st.none() | amounts,
)
@settings(max_examples=60, deadline=None)
def test_the_causes_of_any_document_sum_to_its_difference(
    beside: list[BilledLine], wrong: list[tuple[int, Decimal]], is_note: bool, total: Decimal | None
) -> None:
    lines = list(as_due(due()))
    for number, amount in wrong:
        at = number % len(lines)
        lines[at] = replace(lines[at], net=amount, price=abs(amount), quantity=Decimal(1))
    document = invoice((*lines, *beside), kind="credit_note" if is_note else "invoice")
    if total is not None:
        document = replace(document, tax_exclusive=total)
    explanation = explain(situation(document, credits=(CREDIT,)))
    assert sum((finding.amount for finding in explanation.findings), Decimal("0.00")) == explanation.difference
    assert explanation.invoiced == document.net


def test_the_same_situation_is_explained_the_same_way_whatever_the_order_of_its_lines() -> None:
    lines = as_due(due((*USAGE, used("innlandet", "2024-07-20", 60))))
    forwards, backwards = explain(situation(invoice(lines))), explain(situation(invoice(lines[::-1])))

    def told(findings: tuple[Finding, ...]) -> list[str]:
        return sorted(f"{each.code} {each.amount} {each.trust} {each.period} {each.params}" for each in findings)

    assert told(forwards.findings) == told(backwards.findings)
