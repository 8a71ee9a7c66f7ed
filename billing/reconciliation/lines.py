"""The lines of a reconciliation, one for each thing that was held against something: what people walk through.

A row is a group of invoice lines with the expected lines they stand for, a finding of a whole document, or what was due and
stands on no invoice. Σ differences of all rows is the difference of the quarter, always.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, get_args

from billing.causes import Code
from billing.causes.billed import ZERO, BilledLine
from billing.causes.matching import STAGES, MatchGroup, Stage
from billing.quarters.frozen import canonical
from billing.rating.lines import Line
from billing.reconciliation.report import Report
from billing.reconciliation.treatment import Found
from contracts.terms.period import Period

RowKind = Literal["lines", "document", "not_invoiced"]
Order = Literal["amount", "line"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
_KEY_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class ReconciledLine:
    """One row: invoice lines, the expected lines they stand for, and the findings that say why they differ.

    Amounts are in kroner excluding VAT; ``invoiced`` and ``expected`` are None for a finding of a whole document, whose
    amount is all there is of it.
    """

    key: str
    kind: RowKind
    sha256: str | None
    number: str | None
    document_kind: str | None
    billed: tuple[BilledLine, ...]
    due: tuple[Line, ...]
    matches: tuple[MatchGroup, ...]
    invoiced: Decimal | None
    expected: Decimal | None
    difference: Decimal
    found: tuple[Found, ...]

    @property
    def differs(self) -> bool:
        """Tell whether there is anything to say about it, within the tolerance or not."""
        return bool(self.found) or bool(self.difference)

    @property
    def codes(self) -> tuple[Code, ...]:
        """Give the codes of its findings, each once."""
        return tuple(dict.fromkeys(each.finding.code for each in self.found))

    @property
    def open(self) -> tuple[Found, ...]:
        """Give the findings that a person still has to decide."""
        return tuple(each for each in self.found if each.treatment.is_open)

    @property
    def trusts(self) -> tuple[str | None, ...]:
        """Give whose it is, as the expected lines say, else the invoice lines or the findings."""
        return self._places("trust")

    @property
    def algorithms(self) -> tuple[str | None, ...]:
        """Give what it is about, in the same order of belief."""
        return self._places("algorithm")

    def _places(self, name: str) -> tuple[str | None, ...]:
        for side in (self.due, self.billed, [each.finding for each in self.found]):
            if found := tuple(dict.fromkeys(getattr(each, name) for each in side)):
                return found
        return (None,)

    @property
    def period(self) -> Period | None:
        """Give the days it is about, None where nothing names any."""
        periods = [line.period for line in self.due] or [line.period for line in self.billed if line.period is not None]
        if not periods:
            labels = [each.finding.period for each in self.found if each.finding.period]
            return Period.parse(labels[0]) if labels else None
        return Period(min(each.start for each in periods), max(each.end for each in periods))

    @property
    def billed_quantity(self) -> Decimal | None:
        """Sum what the invoice lines count, None where one of them shows no count."""
        counts = [line.quantity for line in self.billed]
        if not counts or any(count is None or line.is_sum for count, line in zip(counts, self.billed, strict=True)):
            return None
        return sum((count for count in counts if count is not None), Decimal(0))

    @property
    def own_quantity(self) -> int | None:
        """Sum what the expected lines count, None where none of them counts."""
        counts = [line.quantity for line in self.due if line.kind == "usage" and line.quantity is not None]
        return sum(counts) if counts else None

    @property
    def billed_prices(self) -> tuple[Decimal, ...]:
        """Give the unit prices billed, each once."""
        prices = [line.unit_price for line in self.billed if line.unit_price is not None and not line.is_sum]
        return tuple(dict.fromkeys(prices))

    @property
    def own_prices(self) -> tuple[Decimal, ...]:
        """Give the unit prices agreed, each once."""
        prices = [line.unit_price for line in self.due if line.kind == "usage" and line.unit_price is not None]
        return tuple(dict.fromkeys(prices))

    @property
    def stage(self) -> Stage | None:
        """Give the last stage that one of its matches needed, None where nothing was matched."""
        return max((match.stage for match in self.matches), key=STAGES.index, default=None)

    @property
    def confidence(self) -> float | None:
        """Give the least confidence of its matches."""
        return min((match.confidence for match in self.matches), default=None)

    @property
    def is_sure(self) -> bool:
        """Tell whether every match of lines with lines stands without a person's decision."""
        return all(match.is_sure for match in self.matches if match.billed and match.expected)


def lines_of(report: Report) -> tuple[ReconciledLine, ...]:
    """List all rows of a reconciliation: document by document in the order of their lines, then what was not invoiced."""
    return tuple(_rows(report))


def _rows(report: Report) -> Iterator[ReconciledLine]:
    # Findings come in one order everywhere: document by document, the document's own before its groups'.
    found = iter(report.found)
    for each in report.frozen.documents:
        part = each.part
        for finding in each.explanation.header:
            own = next(found)
            yield ReconciledLine(
                own.key, "document", each.sha256, part.number, part.kind, (), (), (), None, None, finding.amount, (own,)
            )
        for group in each.explanation.groups:
            yield ReconciledLine(
                _key(each.sha256, group.billed, group.expected),
                "lines",
                each.sha256,
                part.number,
                part.kind,
                group.billed,
                group.expected,
                group.matches,
                group.invoiced_amount,
                group.expected_amount,
                group.difference,
                tuple(next(found) for _ in group.findings),
            )
    due = {line.id: line for line in report.frozen.inputs.charges.lines}
    for finding in report.frozen.not_invoiced:
        own = next(found)
        lines = tuple(due[each] for each in finding.expected_lines if each in due)
        yield ReconciledLine(
            own.key, "not_invoiced", None, None, None, (), lines, (), ZERO, -finding.amount, finding.amount, (own,)
        )


def _key(sha256: str, billed: Iterable[BilledLine], due: Iterable[Line]) -> str:
    identity = [sha256, [line.id for line in billed], [line.id for line in due]]
    return hashlib.sha256(canonical(identity)).hexdigest()[:_KEY_LENGTH]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows are shown, and in which order: only those that differ, of one trust, with one code."""

    differences: bool = True
    trust: str | None = None
    code: str | None = None
    order: Order = "amount"

    def of(self, rows: Iterable[ReconciledLine]) -> tuple[ReconciledLine, ...]:
        """Keep the rows that are wanted; by amount, the largest comes first whatever its sign."""
        kept = [
            row
            for row in rows
            if (row.differs or not self.differences)
            and (self.trust is None or self.trust in row.trusts)
            and (self.code is None or self.code in row.codes)
        ]
        if self.order == "amount":
            kept.sort(key=lambda row: -abs(row.difference))
        return tuple(kept)


def by_cause(report: Report) -> tuple[tuple[Code, Decimal, int], ...]:
    """Sum the findings by code: what each adds to the difference and how many there are; the sums add up to the difference.

    The largest comes first, then what costs nothing in the order of the codes' first findings.
    """
    sums: dict[Code, tuple[Decimal, int]] = {}
    for each in report.found:
        amount, count = sums.get(each.finding.code, (ZERO, 0))
        sums[each.finding.code] = amount + each.finding.amount, count + 1
    return tuple(
        (code, amount, count) for code, (amount, count) in sorted(sums.items(), key=lambda item: -abs(item[1][0]))
    )
