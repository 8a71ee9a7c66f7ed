"""Writing: the golden files to the byte, and drafts of every shape held against an independent validator."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.ehf.document import BillingReference, Document, ItemProperty, PaymentMeans, Period, Tax
from billing.ehf.parse import parse
from billing.ehf.rules import check
from billing.ehf.write import (
    STANDARD_VAT,
    Discount,
    Draft,
    DraftLine,
    InvalidDraft,
    compose,
    norwegian_party,
    to_bytes,
    write_invoice,
)
from tests.billing.ehf.examples import BUYER, EXAMPLES, EXEMPT, PLAIN, SELLER, d, draft, verdict


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_golden_file_is_written_to_the_byte(name: str, golden: Path) -> None:
    assert to_bytes(EXAMPLES[name]()) == (golden / f"{name}.xml").read_bytes()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_golden_file_is_valid_to_an_independent_validator(name: str, golden: Path) -> None:
    assert verdict((golden / f"{name}.xml").read_bytes()) == []


def test_the_folder_holds_the_golden_files_and_no_other(golden: Path) -> None:
    assert sorted(path.stem for path in golden.glob("*.xml")) == sorted(EXAMPLES)


def totals(document: Document) -> tuple[Decimal | None, ...]:
    each = document.totals
    return each.line_sum, each.tax_exclusive, document.tax, each.tax_inclusive, each.payable


def test_a_discount_and_an_amount_of_money_add_up_as_the_module_says() -> None:
    ramp = Discount(d("25"), d("72000.00"), d("18000.00"))
    document = compose(
        draft(
            DraftLine("Skjelett RTG", d("1200"), d("60.00"), d("54000.00"), discount=ramp),
            DraftLine.from_amount("Minstebeløp", d("-1500.00")),
        )
    )
    assert totals(document) == (d("52500.00"), d("52500.00"), d("13125.00"), d("65625.00"), d("65625.00"))


def test_tax_is_computed_on_the_sum_and_not_per_line() -> None:
    line = replace(PLAIN, quantity=d("1"), unit_price=d("0.02"), net=d("0.02"))
    assert compose(draft(*[line] * 10)).tax == d("0.05")  # per line it would be 10 times 0.01
    assert verdict(write_invoice(draft(*[line] * 10))) == []


@pytest.mark.parametrize(
    ("net", "rounding", "tax"),
    [("0.02", ROUND_HALF_UP, "0.01"), ("0.02", ROUND_HALF_EVEN, "0.00"), ("-0.02", ROUND_HALF_UP, "-0.01")],
)
def test_tax_is_rounded_as_the_agreement_says(net: str, rounding: str, tax: str) -> None:
    document = compose(draft(DraftLine.from_amount("Gebyr", d(net)), rounding=rounding))
    assert document.tax == d(tax)


def test_each_rate_has_its_own_sum() -> None:
    lines = (PLAIN, replace(PLAIN, vat=EXEMPT), replace(PLAIN, vat=Tax("S", d("12"))), PLAIN)
    [total] = compose(draft(*lines)).tax_totals
    assert [(each.tax.percent, each.taxable, each.amount) for each in total.subtotals] == [
        (d("25"), d("48000.00"), d("12000.00")),
        (d("0"), d("24000.00"), d("0.00")),
        (d("12"), d("24000.00"), d("2880.00")),
    ]


def test_another_rate_for_the_whole_document_is_a_parameter() -> None:
    document = compose(draft(PLAIN, vat=Tax("S", d("15"))))
    assert document.tax == d("3600.00")
    assert document.lines[0].tax == Tax("S", d("15"))


def test_a_credit_notes_due_date_stands_with_the_payment_means() -> None:
    data = write_invoice(draft(PLAIN, kind="credit_note"))
    assert b"<cbc:DueDate>" not in data
    assert data.count(b"<cbc:PaymentDueDate>2026-11-07<") == 1
    assert parse(data).due_date == date(2026, 11, 7)


def test_a_half_open_period_is_written_with_its_last_day() -> None:
    period = Period.from_half_open(date(2026, 7, 1), date(2026, 10, 1))
    data = write_invoice(draft(PLAIN, period=period))
    assert b"<cbc:StartDate>2026-07-01</cbc:StartDate>\n    <cbc:EndDate>2026-09-30</cbc:EndDate>" in data


def test_the_same_draft_gives_the_same_bytes() -> None:
    assert write_invoice(draft(PLAIN, PLAIN)) == write_invoice(draft(PLAIN, PLAIN))


REFUSED = {
    "no reference": (draft(PLAIN, buyer_reference=None), "PEPPOL-EN16931-R003"),
    "no lines": (draft(), "BR-16"),
    "an amount that is not quantity times price": (draft(replace(PLAIN, net=d("24000.03"))), "PEPPOL-EN16931-R120"),
    "a discount left out of the net": (
        draft(replace(PLAIN, discount=Discount(d("10"), d("24000.00"), d("2400.00")))),
        "PEPPOL-EN16931-R120",
    ),
    "a discount that is not its percentage": (
        draft(replace(PLAIN, net=d("21000.00"), discount=Discount(d("10"), d("24000.00"), d("3000.00")))),
        "PEPPOL-EN16931-R040",
    ),
    "a negative price": (draft(replace(PLAIN, quantity=d("-1000"), unit_price=d("-24.00"))), "BR-27"),
    "a line outside the period": (
        draft(replace(PLAIN, period=Period(date(2026, 6, 1), date(2026, 6, 30)))),
        "PEPPOL-EN16931-R110",
    ),
    "a wrong organisation number": (
        draft(PLAIN, buyer=norwegian_party("Eksempelsykehuset HF", "319900102")),
        "PEPPOL-COMMON-R041",
    ),
    "no name": (draft(replace(PLAIN, name=" ")), "BR-25"),
}


@pytest.mark.parametrize(("wrong", "rule"), REFUSED.values(), ids=REFUSED)
def test_a_draft_that_would_break_a_rule_is_not_written(wrong: Draft, rule: str) -> None:
    with pytest.raises(InvalidDraft) as refused:
        write_invoice(wrong)
    assert rule in {finding.rule for finding in refused.value.findings}
    assert rule in str(refused.value)


def test_an_amount_with_three_decimals_is_refused_and_not_rounded() -> None:
    with pytest.raises(ValueError, match=r"24000\.001 has more than two decimals"):
        write_invoice(draft(replace(PLAIN, net=d("24000.001"))))


def test_text_that_xml_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="XML compatible"):
        write_invoice(draft(replace(PLAIN, name="Lunge\x00knuter")))


def test_markup_in_text_stays_text() -> None:
    name = '</cbc:Name><x a="1">&amp; ]]> <!-- æ'
    assert parse(write_invoice(draft(replace(PLAIN, name=name)))).lines[0].name == name


# -- drafts of every shape ------------------------------------------------------------

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=30,
)
CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


@st.composite
def periods(draw: st.DrawFn) -> Period | None:
    """A period within the third quarter, or none."""
    start = date(2026, 7, 1) + timedelta(days=draw(st.integers(0, 91)))
    end = min(date(2026, 9, 30), start + timedelta(days=draw(st.integers(0, 60))))
    return draw(st.sampled_from([None, Period(start, end)]))


@st.composite
def rated_lines(draw: st.DrawFn) -> DraftLine:
    """A line as a rating makes it: gross rounded, discount rounded, net their difference; or an amount of money."""
    name = draw(TEXT)
    properties = tuple(
        ItemProperty(label, draw(TEXT)) for label in ("Helseforetak", "Trinn", "Fase") if draw(st.booleans())
    )
    vat = draw(st.sampled_from([None, None, None, EXEMPT, Tax("S", d("15"))]))
    if draw(st.integers(0, 4)) == 0:
        amount = draw(st.decimals("-90000", "90000", places=2))
        line = DraftLine.from_amount(name, amount, item_id="gebyr", period=draw(periods()), properties=properties)
        return replace(line, vat=vat)
    quantity = Decimal(draw(st.integers(-3_000, 60_000)))
    price = draw(st.decimals(0, 900, places=draw(st.sampled_from([0, 2, 4, 6]))))
    base = draw(st.sampled_from([None, None, d("1"), d("100"), d("1000")]))
    gross = cents(quantity * price / (base or 1))
    discount, net = None, gross
    if draw(st.booleans()):
        percent = draw(st.decimals(0, 100, places=draw(st.sampled_from([0, 2, 4]))))
        amount = cents(gross * percent / 100)
        discount = Discount(percent, gross, amount, draw(st.sampled_from([None, "Opptrapping"])))
        net = gross - amount
    return DraftLine(
        name,
        quantity,
        price,
        net,
        item_id=draw(st.sampled_from([None, "xray", "ct-pe"])),
        unit=draw(st.sampled_from(["C62", "EA", "MON"])),
        base_quantity=base,
        discount=discount,
        period=draw(periods()),
        properties=properties,
        note=draw(st.none() | TEXT),
        order_line=draw(st.sampled_from([None, "4"])),
        accounting_cost=draw(st.sampled_from([None, "71-4200"])),
        vat=vat,
    )


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    kind = draw(st.sampled_from(["invoice", "credit_note"]))
    corrects = kind == "credit_note" or draw(st.booleans())
    order = draw(st.sampled_from([None, "4500012345"]))
    return draft(
        *draw(st.lists(rated_lines(), min_size=1, max_size=12)),
        kind=kind,
        buyer=draw(st.sampled_from([BUYER, norwegian_party("Andre Eksempel HF", "319900136", vat_registered=False)])),
        seller=draw(st.sampled_from([SELLER, replace(SELLER, trading_name="Bildelys", contact=None)])),
        order=order,
        buyer_reference=draw(st.sampled_from([None, "RAD-1"])) if order else draw(TEXT),
        contract=draw(st.none() | TEXT),
        note=draw(st.none() | TEXT),
        accounting_cost=draw(st.none() | TEXT),
        payment_means=draw(st.sampled_from([(), (PaymentMeans("30", account="12345678903"),)])),
        billing_references=(BillingReference("10045", date(2026, 7, 3)),) if corrects else (),
        vat=draw(st.sampled_from([STANDARD_VAT, STANDARD_VAT, Tax("S", d("12")), EXEMPT])),
        rounding=draw(st.sampled_from([ROUND_HALF_UP, ROUND_HALF_EVEN])),
    )


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(drafts())
def test_every_rated_draft_is_written_valid_and_read_back_the_same(made: Draft) -> None:
    data = write_invoice(made)
    assert verdict(data) == []
    read = parse(data)
    assert check(read, data) == []
    written = compose(made)
    if made.kind == "credit_note" and not made.payment_means:
        written = replace(written, due_date=None)  # a credit note has no other place for it
    assert read == written


@settings(max_examples=100, deadline=None)
@given(drafts())
def test_the_totals_are_the_sums_of_rounded_lines_and_tax_per_rate(made: Draft) -> None:
    document = compose(made)
    net: dict[Decimal, Decimal] = defaultdict(Decimal)
    for line in made.lines:
        net[(line.vat or made.vat).percent or Decimal(0)] += line.net
    tax = sum(((amount * rate / 100).quantize(CENT, made.rounding) for rate, amount in net.items()), Decimal(0))
    line_sum = sum(net.values())
    assert totals(document) == (line_sum, line_sum, tax, line_sum + tax, line_sum + tax)
