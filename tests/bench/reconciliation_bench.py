"""How fast an invoice file is read and matched, how that grows with the lines, and finding causes with the lines that differ.

The measure for reading is the plainest reader there is: iterparse with findtext of every field of a line that ours reads, and
nothing made of the texts. Both sides of a ratio run in this process, in turns; the figure is the median of the pairs' ratios.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from statistics import median

from lxml import etree

from billing.causes import Explanation, Situation, explain
from billing.causes.billed import BilledDocument, BilledLine
from billing.causes.matching import MatchGroup, match, quantity_and_price
from billing.causes.naming import Names
from billing.ehf.document import ItemProperty
from billing.ehf.document import Period as WrittenPeriod
from billing.ehf.parse import CAC, CBC, parse
from billing.ehf.write import Discount, Draft, DraftLine, norwegian_party, write_invoice
from billing.invoices.billed import to_billed
from billing.invoices.line_reading import DEFAULT, KnownNames, LineReader
from billing.rating.lines import Line
from billing.rating.rate import compile_terms, rate_compiled
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, IndexAdjustment, PriceBook, PriceBookVersion, Usage
from contracts.terms.price_model import Counter, RampPhase, RampUp, UsageCharge
from contracts.terms.price_models import Graduated, Tier
from tests.measure import Row

PAIRS = 5
TRUSTS = [f"trust-{i}" for i in range(9)]
TERM = AgreementTerm(date(2025, 1, 1), date(2028, 1, 1))
QUARTER = Period(date(2026, 7, 1), date(2026, 10, 1))
TIERS = (Tier(2_000, Decimal("60.00")), Tier(9_000, Decimal("45.50")), Tier(None, Decimal("33.25")))
RAMP = RampUp((RampPhase(Decimal("0.50"), months=3), RampPhase(Decimal("0.25"), months=3)))


def quarter(algorithms: int) -> tuple[Situation, tuple[Line, ...]]:
    """Make a quarter of nine trusts with so many algorithms each, counted together per algorithm."""
    codes = [f"algorithm-{i:03}" for i in range(algorithms)]
    charges = tuple(
        UsageCharge(f"u-{code}", "7.1", (code,), Graduated(TIERS), Counter("agreement", "calendar_year"), RAMP)
        for code in codes
    )
    index = (IndexAdjustment(date(2026, 1, 1), Decimal("1.024"), "7.3"),)
    book = PriceBook(index_adjustments=index, versions=(PriceBookVersion(TERM.start, "Bilag 7", charges),))
    generator = random.Random(20_260_701)
    activations = tuple(
        Activation(trust, code, date(2026, generator.choice([1, 3, 5, 6]), 1)) for trust in TRUSTS for code in codes
    )
    usage = tuple(
        Usage(each.trust, each.algorithm, month.start, generator.randint(20, 170))
        for each in activations
        for month in Period(each.go_live, QUARTER.end).months()
    )
    lines = rate_compiled(compile_terms(TERM, book, activations), usage, QUARTER).lines
    document = BilledDocument("1", "invoice", "NOK", tuple(billed(i, line) for i, line in enumerate(lines, start=1)))
    return Situation(document, QUARTER, TERM, book, activations, usage), lines


def billed(number: int, line: Line) -> BilledLine:
    """Bill a line as it is due."""
    quantity, price = quantity_and_price(line)
    return BilledLine(
        str(number),
        line.net,
        quantity=quantity,
        price=price,
        allowance=line.discount,
        text=f"{line.algorithm} {line.trust}",
        trust=line.trust,
        algorithm=line.algorithm,
        period=line.period,
        tier=line.tier,
        phase=line.phase,
    )


def with_differing(situation: Situation, count: int) -> Situation:
    """Bill so many lines wrongly, spread over the document: another price, another count, no discount, in turns."""
    lines = list(situation.document.lines)
    for n, at in enumerate(range(0, len(lines), len(lines) // count)):
        if n == count:
            break
        line = lines[at]
        assert line.price is not None
        assert line.quantity is not None
        if n % 3 == 0:
            lines[at] = _at(line, line.quantity, line.price + Decimal("1.37"))
        elif n % 3 == 1:
            lines[at] = _at(line, line.quantity + 7, line.price)
        else:
            lines[at] = _at(line, line.quantity, line.price + Decimal("0.50"))
    return replace(situation, document=replace(situation.document, lines=tuple(lines)))


def _at(line: BilledLine, quantity: Decimal, price: Decimal) -> BilledLine:
    gross = (quantity * price).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    allowance = (gross * line.rate).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    return replace(line, quantity=quantity, price=price, allowance=allowance, net=gross - allowance)


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of one call."""
    gc.collect()
    gc.disable()
    try:
        begun = time.process_time()
        work()
        return time.process_time() - begun
    finally:
        gc.enable()


def ratio_of(numerator: Callable[[], object], denominator: Callable[[], object], pairs: int = PAIRS) -> float:
    """Return the median ratio of the times of two pieces of work, run in turns."""
    return median(seconds(numerator) / seconds(denominator) for _ in range(pairs))


def shuffled(lines: tuple[BilledLine, ...]) -> list[BilledLine]:
    """Put lines in another order."""
    mixed = list(lines)
    random.Random(1).shuffle(mixed)
    return mixed


# --- Files ------------------------------------------------------------------------------------------------------------

SPACES = {"cac": CAC, "cbc": CBC}
TEXTS = (
    "cbc:ID", "cbc:Note", "cbc:InvoicedQuantity", "cbc:LineExtensionAmount", "cbc:AccountingCost",
    "cac:InvoicePeriod/cbc:StartDate", "cac:InvoicePeriod/cbc:EndDate", "cac:OrderLineReference/cbc:LineID",
    "cac:Item/cbc:Name", "cac:Item/cbc:Description", "cac:Item/cac:BuyersItemIdentification/cbc:ID",
    "cac:Item/cac:SellersItemIdentification/cbc:ID", "cac:Item/cac:StandardItemIdentification/cbc:ID",
    "cac:Item/cac:ClassifiedTaxCategory/cbc:ID", "cac:Item/cac:ClassifiedTaxCategory/cbc:Percent",
    "cac:Item/cac:ClassifiedTaxCategory/cbc:TaxExemptionReason",
    "cac:Item/cac:ClassifiedTaxCategory/cbc:TaxExemptionReasonCode", "cac:Price/cbc:PriceAmount",
    "cac:Price/cbc:BaseQuantity", "cac:Price/cac:AllowanceCharge/cbc:ChargeIndicator",
    "cac:Price/cac:AllowanceCharge/cbc:Amount", "cac:Price/cac:AllowanceCharge/cbc:BaseAmount",
)  # fmt: skip
ATTRIBUTES = (
    ("cbc:InvoicedQuantity", "unitCode"), ("cbc:LineExtensionAmount", "currencyID"),
    ("cac:Price/cbc:PriceAmount", "currencyID"), ("cac:Price/cbc:BaseQuantity", "unitCode"),
    ("cac:Item/cac:StandardItemIdentification/cbc:ID", "schemeID"),
)  # fmt: skip
OF_ALLOWANCE = (
    "cbc:ChargeIndicator", "cbc:Amount", "cbc:MultiplierFactorNumeric", "cbc:BaseAmount", "cbc:AllowanceChargeReason",
    "cbc:AllowanceChargeReasonCode",
)  # fmt: skip


def file_of(lines: tuple[Line, ...]) -> bytes:
    """Write lines as an invoice file, one invoice line each."""
    draft = Draft(
        "1", date(2026, 10, 7), norwegian_party("Nordskinn AS", "974760673"),
        norwegian_party("Avtaleforvaltning HF", "987654325"), tuple(_drafted(line) for line in lines),
        due_date=date(2026, 11, 6), buyer_reference="Avtaleforvaltning", contract="RA-1",
    )  # fmt: skip
    return write_invoice(draft)


def _drafted(line: Line) -> DraftLine:
    quantity, price = quantity_and_price(line)
    named = (("trust", line.trust), ("charge", line.charge), ("tier", line.tier), ("phase", line.phase))
    discount = None
    if line.discount_rate_e4:
        discount = Discount(line.discount_rate * 100, line.gross, line.discount, reason="Innfasing")
    return DraftLine(
        f"{line.algorithm}, {line.trust}",
        quantity,
        price,
        line.net,
        item_id=line.algorithm,
        discount=discount,
        period=WrittenPeriod.from_half_open(line.period.start, line.period.end),
        properties=tuple(ItemProperty(name, str(value)) for name, value in named if value is not None),
        description=f"trinn {line.tier}, klausul {line.clause}",
    )


def plainly_read(data: bytes) -> list[list[str | None]]:
    """Read every field of every line that ours reads, as text."""
    rows = []
    for _, line in etree.iterparse(BytesIO(data), tag=f"{{{CAC}}}InvoiceLine"):
        row = [line.findtext(path, namespaces=SPACES) for path in TEXTS]
        for path, name in ATTRIBUTES:
            found = line.find(path, SPACES)
            row.append(None if found is None else found.get(name))
        for allowance in line.iterfind("cac:AllowanceCharge", SPACES):
            row += [allowance.findtext(path, namespaces=SPACES) for path in OF_ALLOWANCE]
        for each in line.iterfind("cac:Item/cac:AdditionalItemProperty", SPACES):
            row += [each.findtext("cbc:Name", namespaces=SPACES), each.findtext("cbc:Value", namespaces=SPACES)]
        rows.append(row)
        line.clear()
    return rows


def read_and_matched(data: bytes, due: tuple[Line, ...], known: KnownNames) -> tuple[MatchGroup, ...]:
    """Read a file and match its lines."""
    reader, document = LineReader(DEFAULT, known), parse(data)
    billed_lines = to_billed(document, [reader.read(line, document) for line in document.lines]).lines
    return match(billed_lines, due, Names(known.trusts, known.algorithms))


def files(small: tuple[Line, ...], large: tuple[Line, ...]) -> list[Row]:
    """Measure reading and matching files."""
    known = KnownNames(
        tuple((trust, trust) for trust in TRUSTS),
        tuple((code, code) for code in sorted({line.algorithm for line in large if line.algorithm is not None})),
    )
    few, many = file_of(small), file_of(large)
    assert all(len(group.billed) == len(group.expected) == 1 for group in read_and_matched(many, large, known))
    assert len(plainly_read(many)) == len(large)
    whole = seconds(lambda: read_and_matched(many, large, known))
    parsing, plain = seconds(lambda: parse(many)), seconds(lambda: plainly_read(many))
    told = f"{len(large)} lines: {plain:.2f} s against {whole:.2f} s, of which parsing alone {parsing:.2f} s"
    return [
        Row(
            "iterparse and findtext against reading and matching",
            ratio_of(lambda: plainly_read(many), lambda: read_and_matched(many, large, known)),
            1.4,
            "at_least",
            told,
        ),
        Row(
            "reading and matching, ten times the lines",
            ratio_of(lambda: read_and_matched(many, large, known), lambda: read_and_matched(few, small, known)),
            12,
            "at_most",
            f"{len(large)} lines against {len(small)}",
        ),
    ]


def run() -> list[Row]:
    """Measure reading, matching and causes."""
    small, due_small = quarter(38)
    large, due_large = quarter(380)
    # Nine trusts, so many algorithms and three months come to a little more than the thousand and the ten thousand wanted.
    due_small, due_large = due_small[:1_000], due_large[:10_000]
    few, many = shuffled(small.document.lines[:1_000]), shuffled(large.document.lines[:10_000])
    assert all(len(group.billed) == len(group.expected) == 1 for group in match(many, due_large))
    rows = [
        Row(
            "matching, ten times the lines",
            ratio_of(lambda: match(many, due_large), lambda: match(few, due_small)),
            12,
            "at_most",
            f"{len(many)} lines in {seconds(lambda: match(many, due_large)):.2f} s against {len(few)}",
        ),
        *files(due_small, due_large),
    ]
    times: dict[int, float] = {}
    answers: dict[int, Explanation] = {}
    for count in (15, 30, 60):
        situation = with_differing(small, count)
        times[count] = median(seconds(lambda situation=situation: explain(situation)) for _ in range(3))  # type: ignore[misc]
        answers[count] = explain(situation)
        assert answers[count].difference == sum(finding.amount for finding in answers[count].findings)
    told = ", ".join(f"{count} differing {taken:.2f} s" for count, taken in times.items())
    rows.append(
        Row(
            "causes, four times the differing lines",
            times[60] / times[15],
            5,
            "at_most",
            f"a quarter of {len(small.document.lines)} lines: {told}",
        )
    )
    return rows
