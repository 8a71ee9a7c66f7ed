"""What a document bills: every feature of EHF with its effect, and the parts of a document that spans quarters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.causes.billed import BilledDocument, BilledLine, TaxPart
from billing.ehf.document import (
    AllowanceCharge,
    BillingReference,
    Document,
    Identifier,
    ItemProperty,
    Line,
    Party,
    PaymentMeans,
    Price,
    Tax,
    TaxSubtotal,
    TaxTotal,
    Totals,
)
from billing.ehf.document import Period as Written
from billing.invoices.billed import part_of, quarters_of, to_billed
from billing.invoices.line_reading import LineReading
from contracts.terms.period import Period

NOTHING = LineReading(None, None, None, None, None)
D = Decimal
JULY, SEPTEMBER, OCTOBER = (Period.month(date(2026, month, 1)) for month in (7, 9, 10))
Q3, Q4 = Period.parse("2026-Q3"), Period.parse("2026-Q4")


def line(**changes: Any) -> Line:
    plain = Line(id="1", quantity=D(10), net=D("600.00"), name="Bruddvis", price=Price(D("60.00")))
    return replace(plain, **changes)


def document(*lines: Line, **changes: Any) -> Document:
    plain = Document(kind="invoice", number="10045", issue_date=date(2026, 10, 8), currency="NOK", lines=lines)
    return replace(plain, **changes)


def billed(*lines: Line, readings: tuple[LineReading, ...] | None = None, **changes: Any) -> BilledDocument:
    read = (NOTHING,) * len(lines) if readings is None else readings
    return to_billed(document(*lines, **changes), read)


def one(**changes: Any) -> BilledLine:
    return billed(line(**changes)).lines[0]


def allowance(amount: str, *, is_charge: bool | None = False, **changes: Any) -> AllowanceCharge:
    return AllowanceCharge(is_charge=is_charge, amount=D(amount), **changes)


@pytest.mark.parametrize(
    ("changes", "quantity", "price", "own_net"),
    [
        pytest.param({}, D(10), D(60), D("600.00"), id="so many at a price"),
        pytest.param({"quantity": D("10.5"), "net": D(630)}, D("10.5"), D(60), D("630.00"), id="a part of one"),
        pytest.param({"price": Price(D(6000), D(100))}, D(10), D(60), D("600.00"), id="the price of a hundred"),
        pytest.param({"price": Price(D(60), D(0))}, D(10), None, None, id="the price of none"),
        pytest.param({"price": Price(None)}, D(10), None, None, id="no price"),
        pytest.param({"quantity": None}, None, D(60), None, id="no quantity"),
        pytest.param({"quantity": D(-10), "net": D(-600)}, D(-10), D(60), D("-600.00"), id="a quantity that takes off"),
        pytest.param(
            {"price": Price(D(-60)), "net": D(-600)}, D(-10), D(60), D("-600.00"), id="a price that takes off"
        ),
        pytest.param(
            {"price": Price(D("54.00"), gross=D("60.00"), discount=D("6.00")), "net": D(540)},
            D(10),
            D(54),
            D("540.00"),
            id="a gross price with its discount is the net price",
        ),
    ],
)
def test_quantity_and_price_are_those_of_the_line(
    changes: dict[str, Any], quantity: Decimal | None, price: Decimal | None, own_net: Decimal | None
) -> None:
    found = one(**changes)
    assert (found.quantity, found.unit_price, found.own_net) == (quantity, price, own_net)


@pytest.mark.parametrize(
    ("allowances", "taken_off"),
    [
        pytest.param((allowance("30.00"),), "30.00", id="an allowance"),
        pytest.param((allowance("12.00", is_charge=True),), "-12.00", id="a charge"),
        pytest.param((allowance("30.00"), allowance("12.00", is_charge=True)), "18.00", id="both"),
        pytest.param((allowance("5.00", is_charge=None),), "5.00", id="one that does not say which"),
        pytest.param((allowance("300.00", percent=D(50), base=D(600)),), "300.00", id="a share of a base"),
        pytest.param((AllowanceCharge(False, None),), "0.00", id="an amount that cannot be read"),
    ],
)
def test_a_lines_allowances_less_its_charges_are_one_amount(
    allowances: tuple[AllowanceCharge, ...], taken_off: str
) -> None:
    found = one(allowances=allowances, net=D(600) - D(taken_off))
    assert (found.allowance, found.own_net) == (D(taken_off), found.net)


def test_a_documents_allowances_are_its_own_and_never_its_lines() -> None:
    found = billed(line(), allowances=(allowance("50.00"), allowance("8.00", is_charge=True)))
    assert (found.allowances, found.lines[0].allowance, found.net) == (D("42.00"), D(0), D("558.00"))


def test_a_credit_note_takes_off_in_every_amount() -> None:
    note = billed(
        line(allowances=(allowance("30.00"),), net=D(570)),
        kind="credit_note",
        allowances=(allowance("20.00"),),
        totals=Totals(line_sum=D(570), tax_exclusive=D(550)),
        tax_totals=(TaxTotal(D("137.50"), "NOK", (TaxSubtotal(D(550), D("137.50"), Tax("S", D(25))),)),),
        billing_references=(BillingReference("900"), BillingReference("901"), BillingReference("900")),
    )
    own = note.lines[0]
    assert (own.quantity, own.price, own.allowance, own.net, own.own_net) == (D(-10), D(60), D(-30), D(-570), D("-570"))
    assert (note.line_sum, note.tax_exclusive, note.allowances, note.tax) == (D(-570), D(-550), D(-20), D("-137.50"))
    assert note.tax_parts == (TaxPart(D(-550), D("-137.50"), D("0.25")),)
    assert note.credits == ("900", "901")


def test_a_negative_invoice_keeps_the_sign_of_its_amounts() -> None:
    found = billed(line(quantity=D(-10), net=D(-600)), totals=Totals(line_sum=D(-600), tax_exclusive=D(-600)))
    assert (found.kind, found.net, found.lines[0].net) == ("invoice", D(-600), D(-600))


def test_only_the_tax_of_the_documents_own_currency_counts() -> None:
    foreign = TaxTotal(D("15.00"), "EUR")
    own = TaxTotal(
        D("174.00"),
        "NOK",
        (
            TaxSubtotal(D(600), D("150.00"), Tax("S", D(25))),
            TaxSubtotal(D(200), D("24.00"), Tax("S", D(12))),
            TaxSubtotal(D(10), D("0.00"), Tax("E", None)),
            TaxSubtotal(None, D("1.00"), Tax("S", D(25))),
        ),
    )
    found = billed(line(), tax_totals=(foreign, own))
    assert found.tax == D("174.00")
    assert [part.rate for part in found.tax_parts] == [D("0.25"), D("0.12"), D(0)]
    assert billed(line(), tax_totals=(foreign,)).tax is None


def test_prepaid_and_rounding_of_what_is_to_pay_change_nothing_that_is_billed() -> None:
    totals = Totals(
        line_sum=D(600),
        tax_exclusive=D(600),
        tax_inclusive=D(750),
        prepaid=D(100),
        rounding=D("0.30"),
        payable=D("650.30"),
    )
    assert billed(line(), totals=totals).net == D(600)


@pytest.mark.parametrize(
    ("ids", "known"),
    [
        pytest.param(["1", "2"], ["1", "2"], id="their own"),
        pytest.param(["1", None], ["1", "#2"], id="one has none"),
        pytest.param(["", "2"], ["#1", "2"], id="an empty one"),
        pytest.param(["7", "7", "8"], ["#1", "#2", "8"], id="two of one id"),
        pytest.param(["#2", None], ["#1", "#2"], id="one that looks like a place"),
    ],
)
def test_a_line_is_known_by_its_id_or_by_its_place(ids: list[str | None], known: list[str]) -> None:
    assert [each.id for each in billed(*(line(id=each) for each in ids)).lines] == known


@given(st.lists(st.none() | st.text("#12 a", max_size=3), max_size=6))
def test_no_two_lines_are_known_alike(ids: list[str | None]) -> None:
    known = [each.id for each in billed(*(line(id=each) for each in ids)).lines]
    assert len(set(known)) == len(ids)


def test_what_a_line_is_about_comes_from_its_reading_and_its_properties() -> None:
    reading = LineReading("oslo", "ct-pe", JULY, 2, 1)
    properties = (ItemProperty("Charge", "thorax"), ItemProperty("why", "minimum"), ItemProperty("credit", "K7"))
    found = billed(
        line(properties=properties, description="Juli", note="Etter avtale", seller_item="SKU-1", order_line="4"),
        readings=(reading,),
    ).lines[0]
    assert (found.trust, found.algorithm, found.period, found.tier, found.phase) == ("oslo", "ct-pe", JULY, 2, 1)
    assert (found.charge, found.why, found.reference, found.item) == ("thorax", "minimum", "K7", "SKU-1")
    assert found.text == "Bruddvis Juli Etter avtale"
    assert one(properties=(ItemProperty("why", "because"),)).why is None
    assert one(order_line="4").reference == "4"
    assert one(standard_item=Identifier("0735", "0160"), buyer_item="B").item == "0735"


def test_the_header_is_kept_and_what_is_judged_elsewhere_is_no_rule() -> None:
    found = to_billed(
        document(
            due_date=date(2026, 11, 7),
            period=Written(date(2026, 7, 1), date(2026, 9, 30)),
            seller=Party(organisation=Identifier("123456785")),
            buyer=Party(endpoint=Identifier("914637651", "0192")),
            buyer_reference="R",
            order="O",
            contract="C",
            payment_means=(PaymentMeans(account="1"), PaymentMeans(account="2"), PaymentMeans(account="1")),
        ),
        (),
        ["BR-CO-10", "INVOICE_DUP", "BR-CO-10", "ACCOUNT_CHANGED", "R120"],
    )
    assert (found.seller, found.buyer, found.period) == ("123456785", "914637651", Q3)
    assert (found.buyer_reference, found.order_reference, found.contract_reference) == ("R", "O", "C")
    assert (found.accounts, found.rules) == (("1", "2"), ("BR-CO-10", "R120"))


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(None, id="none"),
        pytest.param(Written(None, date(2026, 9, 30)), id="no first day"),
        pytest.param(Written(date(2026, 9, 30), date(2026, 7, 1)), id="its end before its start"),
    ],
)
def test_a_document_without_a_period_bills_the_quarter_before_its_issue(written: Written | None) -> None:
    assert quarters_of(billed(line(), period=written)) == (Q3,)
    assert quarters_of(billed(line(), period=written, issue_date=None)) == ()


@pytest.mark.parametrize("amount", ["1E+12", "-1E+25", "9" * 30 + ".99"], ids=["10¹²", "−10²⁵", "thirty digits"])
@pytest.mark.parametrize("where", ["net", "quantity", "price", "allowance", "total", "tax"])
def test_what_is_beyond_measure_counts_as_nothing_and_is_told(where: str, amount: str) -> None:
    much = D(amount)
    found = billed(
        line(
            net=much if where == "net" else D(600),
            quantity=much if where == "quantity" else D(10),
            price=Price(much if where == "price" else D(60)),
            allowances=(allowance(amount),) if where == "allowance" else (),
        ),
        totals=Totals(tax_exclusive=much) if where == "total" else Totals(),
        tax_totals=(TaxTotal(much, "NOK"),) if where == "tax" else (),
    )
    assert found.rules == ("TOO_LARGE",)
    assert abs(found.net) <= 600
    assert all(each.own_net is None or abs(each.own_net) <= 600 for each in found.lines)
    assert billed(line()).rules == ()


def test_a_price_of_hardly_any_units_is_none() -> None:
    assert one(price=Price(D("99999999.00"), D("1E-9")), quantity=D(99999999)).own_net is None


# -- parts ---------------------------------------------------------------------------------


def spanning(*periods: Period | None, **changes: Any) -> BilledDocument:
    lines = tuple(
        BilledLine(str(place), D(100 * place), period=period) for place, period in enumerate(periods, start=1)
    )
    return replace(BilledDocument("1", "invoice", "NOK", lines, issued_on=date(2026, 10, 8)), **changes)


def test_a_document_belongs_to_the_quarters_of_its_lines() -> None:
    assert quarters_of(spanning(OCTOBER, JULY, SEPTEMBER)) == (Q3, Q4)
    assert quarters_of(spanning(None, OCTOBER)) == (Q4,)
    assert quarters_of(spanning(None, period=JULY)) == (Q3,)
    assert quarters_of(spanning(None, OCTOBER, period=JULY)) == (Q3, Q4)


def test_what_belongs_to_no_line_stays_with_the_first_quarter() -> None:
    whole = spanning(
        JULY,
        None,
        OCTOBER,
        allowances=D("30.00"),
        tax_exclusive=D("575.00"),
        tax=D("143.75"),
        tax_parts=(TaxPart(D(575), D("143.75"), D("0.25")),),
        rules=("R120",),
    )
    first, second = part_of(whole, Q3), part_of(whole, Q4)
    assert first is not None
    assert second is not None
    assert ([each.id for each in first.lines], first.net, first.allowances, first.rules) == (
        ["1", "2"],
        D("275.00"),
        D("30.00"),
        ("R120",),
    )
    assert ([each.id for each in second.lines], second.net, second.allowances, second.rules) == (
        ["3"],
        D(300),
        D(0),
        (),
    )
    assert (first.tax, second.tax) == (None, None)
    assert part_of(whole, Period.parse("2027-Q1")) is None


def test_a_document_of_one_quarter_is_its_own_part() -> None:
    whole = spanning(JULY, SEPTEMBER, tax=D(1))
    assert part_of(whole, Q3) is whole


amounts = st.decimals(-10_000, 10_000, places=2)
months = st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31)).map(Period.month)


@given(
    st.lists(st.tuples(amounts, months), max_size=8),
    amounts,
    st.none() | amounts,
    months,
    st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31)),
)
def test_the_parts_add_up_to_the_document(
    lines: list[tuple[Decimal, Period | None]],
    allowances: Decimal,
    total: Decimal | None,
    period: Period | None,
    issued_on: date | None,
) -> None:
    written = tuple(BilledLine(str(place), net, period=month) for place, (net, month) in enumerate(lines))
    whole = BilledDocument(
        "1", "invoice", "NOK", written, issued_on=issued_on, period=period, allowances=allowances, tax_exclusive=total
    )
    quarters = quarters_of(whole)
    parts = [part_of(whole, quarter) for quarter in quarters]
    assert all(part is not None for part in parts)
    ids = sorted(each.id for part in parts if part is not None for each in part.lines)
    if quarters:
        assert sum((part.net for part in parts if part is not None), D(0)) == whole.net
        assert ids == sorted(each.id for each in written)
    else:
        assert issued_on is None
        assert period is None
