"""What was seen to be named wrongly: each case as it was met."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from billing.causes import AgreementFacts, Explanation, Situation, explain
from billing.causes.billed import BilledDocument, BilledLine
from billing.causes.naming import Names
from billing.causes.sentences import said
from billing.ehf.document import Document
from billing.ehf.document import Line as WrittenLine
from billing.invoices.line_reading import DEFAULT, KnownNames, LineReader
from billing.rating.lines import Line
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, Usage
from contracts.terms.price_model import FixedCharge
from tests.billing.rating.notation import TERM, active, book, day, limit, ramp, rated, usage_charge, used

from .test_matching import billed

QUARTER = Period(day("2024-07-01"), day("2024-10-01"))
NAMES = Names(
    trusts=(("Sykehuset Østfold HF", "ostfold"), ("Sykehuset Innlandet HF", "innlandet")),
    algorithms=(("Lungeemboli", "ct-pe"), ("MS-oppfølging", "mr-ms-followup")),
    charges=(("analysis", "analysis"), ("platform", "platform")),
)
RAMPING = book(
    usage_charge("300@72, *@45", ramp_up=ramp("6m@0.25")),
    FixedCharge("platform", "7.4", Decimal("5000.00"), "agreement", "quarter"),
)
LIVE = (active("ostfold", go_live="2024-06-01"), active("innlandet", go_live="2024-06-01"))
USED = tuple(
    used(trust, f"2024-{month:02}-10", number)
    for trust, numbers in (("ostfold", (40, 50, 60)), ("innlandet", (30, 20, 45)))
    for month, number in zip((7, 8, 9), numbers, strict=True)
)


def due(
    price_book: object = RAMPING, usage: tuple[Usage, ...] = USED, live: tuple[Activation, ...] = LIVE
) -> tuple[Line, ...]:
    """Rate the quarter."""
    return rated(price_book, list(live), list(usage), start="2024-07-01", end="2024-10-01").lines  # type: ignore[arg-type]


def as_billed(lines: tuple[Line, ...]) -> tuple[BilledLine, ...]:
    """Bill lines as they are due."""
    return tuple(
        billed(line, str(number), charge=None if line.kind == "usage" else line.charge, why=line.why)
        for number, line in enumerate(lines, start=1)
    )


def explained(lines: tuple[BilledLine, ...], price_book: object = RAMPING, **more: object) -> Explanation:
    """Explain a document of these lines."""
    changed = {
        name: more.pop(name) for name in ("seller", "accounts", "currency", "tax", "tax_exclusive") if name in more
    }
    document = BilledDocument("1", "invoice", str(changed.pop("currency", "NOK")), lines, **changed)  # type: ignore[arg-type]
    return explain(Situation(document, QUARTER, TERM, price_book, LIVE, USED, names=NAMES, **more))  # type: ignore[arg-type]


def codes(explanation: Explanation) -> dict[str, Decimal]:
    """Return what each code comes to, roundings apart."""
    found: dict[str, Decimal] = {}
    for finding in (*explanation.findings, *explanation.not_invoiced):
        if finding.code != "ROUNDING":
            found[finding.code] = found.get(finding.code, Decimal("0.00")) + finding.amount
    return found


def test_a_discount_inside_the_unit_price_is_no_difference() -> None:
    lines = tuple(
        replace(line, price=Decimal("54.00"), allowance=Decimal("0.00")) if line.allowance else line
        for line in as_billed(due())
    )
    assert any(line.price == Decimal("54.00") for line in lines)
    assert explained(lines).is_clean


def test_a_discount_left_out_of_a_price_that_holds_it_elsewhere_is_one_cause() -> None:
    lines = []
    for line in as_billed(due()):
        if not line.allowance:
            lines.append(line)
        elif line.trust == "ostfold":
            lines.append(replace(line, allowance=Decimal("0.00"), net=line.net + line.allowance))
        else:
            lines.append(replace(line, price=Decimal("54.00"), allowance=Decimal("0.00")))
    found = explained(tuple(lines))
    assert codes(found) == {"RAMP_MISSING": found.difference}
    assert {finding.trust for finding in found.findings if finding.amount} == {"ostfold"}


def per_trust(lines: tuple[Line, ...]) -> tuple[BilledLine, ...]:
    """Bill one line per trust and quarter, and the fee of nobody's apart."""
    sums = []
    for trust in ("ostfold", "innlandet"):
        net = sum((line.net for line in lines if line.trust == trust), Decimal("0.00"))
        sums.append(BilledLine(trust, net, Decimal(1), net, trust=trust, period=QUARTER))
    return (
        *sums,
        BilledLine("fee", Decimal("5000.00"), Decimal(1), Decimal("5000.00"), text="Plattformleie", period=QUARTER),
    )


def test_one_line_per_trust_with_one_mistake_has_one_finding_where_it_shows() -> None:
    assert explained(per_trust(due())).is_clean
    without = book(
        usage_charge("300@72, *@45"), FixedCharge("platform", "7.4", Decimal("5000.00"), "agreement", "quarter")
    )
    found = explained(per_trust(due(without)))
    assert codes(found) == {"RAMP_MISSING": found.difference}
    assert len(found.findings) == 2
    assert found.not_invoiced == ()


@pytest.mark.parametrize(
    ("seller", "accounts", "names"),
    [
        pytest.param("998877660", ("86011117947",), {"ACCOUNT_CHANGED"}, id="another seller, the known account"),
        pytest.param("998877660", ("15032080119",), {"ACCOUNT_CHANGED"}, id="another seller and account"),
        pytest.param(None, ("86011117947",), {"ACCOUNT_CHANGED"}, id="no seller"),
        pytest.param("NO 912 345 678 MVA", ("86011117947",), set(), id="the vendor, written otherwise"),
    ],
)
def test_right_lines_from_another_seller_are_not_clean(
    seller: str | None, accounts: tuple[str, ...], names: set[str]
) -> None:
    facts = AgreementFacts(sellers=("912345678",), accounts=("86011117947",))
    found = explained(as_billed(due()), seller=seller, accounts=accounts, facts=facts)
    assert {finding.code for finding in found.findings} == names
    assert found.difference == 0
    for finding in found.findings:
        assert "912345678" in said(finding, "nb")
        assert "Ikke betal" in said(finding, "nb")


def test_an_unagreed_fee_at_a_trust_is_a_fee_and_no_examinations() -> None:
    fee = BilledLine(
        "99", Decimal("2750.00"), Decimal(1), Decimal("2750.00"), text="Supportavgift", trust="ostfold", period=QUARTER
    )
    assert codes(explained((*as_billed(due()), fee))) == {"FIXED_FEE": Decimal("2750.00")}


def test_an_algorithm_that_a_line_names_is_not_overridden_by_its_trust_month_and_price() -> None:
    lines = as_billed(due())
    other = replace(lines[0], algorithm="mr-ms-followup")
    found = codes(explained((other, *lines[1:])))
    assert found == {"NOT_ACTIVE": other.net, "MISSING_LINE": -other.net}


def test_a_charge_code_that_holds_an_algorithm_s_code_is_that_charge() -> None:
    known = KnownNames((("ostfold", "ostfold"),), (("ct-pe", "ct-pe"),), ("analysis-ct-pe",))
    document = Document("invoice", "1", None)
    minimum = WrittenLine(
        "1", Decimal(1), Decimal("900.00"), "Minstebeløp analysis-ct-pe", seller_item="analysis-ct-pe"
    )
    assert LineReader(DEFAULT, known).read(minimum, document).algorithm is None
    usage = WrittenLine("2", Decimal(1), Decimal("60.00"), "Analyser ct-pe")
    assert LineReader(DEFAULT, known).read(usage, document).algorithm == "ct-pe"


def test_a_day_counted_twice_is_named() -> None:
    again = tuple(entry for entry in USED if (entry.trust, entry.on) == ("ostfold", day("2024-08-10")))
    twice = (*USED, used("ostfold", "2024-08-21", 17))
    lines = as_billed(due(usage=(*twice, used("ostfold", "2024-08-21", 17))))
    document = BilledDocument("1", "invoice", "NOK", lines)
    found = explain(Situation(document, QUARTER, TERM, RAMPING, LIVE, twice, names=NAMES))
    assert again
    assert set(codes(found)) == {"QTY_DUP"}


def test_lines_without_a_count_are_not_explained_by_days_that_nobody_showed() -> None:
    more = (*USED, used("ostfold", "2024-08-21", 7))
    found = explained(per_trust(due(usage=more)))
    assert set(codes(found)) == {"QTY_DIFF"}
    assert "7" in said(found.findings[0], "nb")


def test_what_fits_as_well_is_told_with_what_would_tell_it_apart() -> None:
    tiered = book(usage_charge("100@72, *@45", scope="activation", window="quarter"))
    by_month = book(usage_charge("100@72, *@45", scope="activation", window="month"))
    lines = per_trust(due(by_month))[:2]
    (finding,) = explained(lines, tiered).findings
    assert finding.code == "TIER_RESET"
    assert "TIER_WRONG" in finding.params["alternatives"]  # type: ignore[operator]
    assert "passer like godt med «Feil trinn»" in said(finding, "nb")
    assert "a line per tier, with quantity and unit price" in said(finding, "en")


def test_vat_of_a_document_in_another_currency_is_told_in_that_currency() -> None:
    facts = AgreementFacts(currency="NOK", vat_rate=Decimal("0.25"), maximum_value=Decimal("1.00"))
    found = explained(
        as_billed(due()), currency="EUR", tax=Decimal("1.00"), tax_exclusive=Decimal("100.00"), facts=facts
    )
    assert {finding.code for finding in found.findings} == {"CURRENCY", "VAT"}
    vat = next(finding for finding in found.findings if finding.code == "VAT")
    assert "25,00 EUR" in said(vat, "nb")
    assert "EUR 25.00" in said(vat, "en")


def test_an_average_price_is_said_in_at_most_six_decimals() -> None:
    lines = as_billed(due())
    dear = replace(
        lines[0],
        price=Decimal(lines[0].net + 100) / 7,
        base_quantity=Decimal(3),
        quantity=Decimal(21),
        allowance=Decimal("0.00"),
        net=lines[0].net + 100,
    )
    for finding in explained((dear, *lines[1:])).findings:
        for word in said(finding, "en").split():
            assert len(word.partition(".")[2].strip(").,")) <= 6, said(finding, "en")


def test_a_minimum_that_is_not_due_stands_with_what_it_tops_up() -> None:
    price_book = book(usage_charge("*@60", minimum=limit("4 000,00", per="activation", window="month")))
    lines = as_billed(rated(price_book, list(LIVE), list(USED), start="2024-07-01", end="2024-10-01").lines)
    without = book(usage_charge("*@60"))
    found = explain(
        Situation(BilledDocument("1", "invoice", "NOK", lines), QUARTER, TERM, without, LIVE, USED, names=NAMES)
    )
    assert set(codes(found)) == {"MINIMUM_WRONG"}
