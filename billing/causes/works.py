"""What is left of a cell while its difference is being explained, and how alike billed and rated lines are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from billing.causes.billed import ZERO, BilledLine
from billing.causes.cells import Cell
from billing.causes.declared import Code
from billing.causes.findings import Finding, Value
from billing.causes.matching import MatchGroup, Subject, quantity_and_price
from billing.causes.style import Style
from billing.rating.lines import Line
from contracts.terms.period import Period

ORE = Decimal("0.01")

# Rated lines that are the billed ones, line by line; and those that come to the same units and discount.
EXACT = 3
UNITS_AND_DISCOUNT = 2

# (code, øre, what fills the sentence, clause)
Part = tuple[Code, int, dict[str, Value], str | None]


@dataclass(slots=True)
class Work:
    """Hold a cell while its difference is being explained: what is left of it, in øre, and what was found.

    `alike` are lines that repeat another one and may yet be due.
    """

    cell: Cell
    lines: list[BilledLine]
    left: int
    findings: list[Finding] = field(default_factory=list)
    alike: list[BilledLine] = field(default_factory=list)

    def take(self, finding: Finding, ore: int) -> None:
        """Take a cause's amount off what is left."""
        self.findings.append(finding)
        self.left -= ore


def fidelity(billed: Sequence[BilledLine], lines: Sequence[Line], style: Style) -> int:
    """Say how much of billed lines rated lines reproduce, as a vendor of that style writes them.

    EXACT is every quantity, price and discount (and tier, where the lines name theirs), UNITS_AND_DISCOUNT those two in all,
    1 the units, 0 less.
    """
    taken_off = [line for line in billed if line.is_sum and line.net < 0]
    # A discount may have a line of its own that takes it off.
    own = billed if not taken_off else [line for line in billed if line not in taken_off]
    tiered = sum(line.tier is not None for line in own) == sum(line.tier is not None for line in lines)
    apart = bool(taken_off)
    ours = sorted(
        (line.quantity or 0, line.unit_price or 0, line.allowance, (line.tier or 0) if tiered else 0) for line in own
    )
    theirs = sorted(
        (
            quantity_and_price(line)[0],
            style.unit_price(line),
            ZERO if apart else style.discount(line),
            (line.tier or 0) if tiered else 0,
        )
        for line in lines
    )
    discount = sum((style.discount(line) for line in lines), ZERO)
    taken = sum((line.allowance for line in billed), ZERO) - sum((line.net for line in taken_off), ZERO)
    if ours == theirs and (not apart or discount == taken):
        return EXACT
    units = sum(line.quantity or 0 for line in lines if line.why in (None, "outside"))
    if units != sum(line.quantity or 0 for line in billed if not line.is_sum):
        return 0
    return UNITS_AND_DISCOUNT if discount == taken else 1


def same(line: BilledLine, subject: Subject) -> tuple[object, ...]:
    """Return what makes two lines bill the same thing, whatever their wording."""
    return (
        subject.trust,
        subject.algorithm,
        subject.charge,
        subject.period,
        subject.tier,
        subject.phase,
        line.why,
        line.quantity,
        line.unit_price,
        line.net,
        line.text.casefold() if subject.algorithm is None and subject.charge is None else None,
    )


def overlap(one: Period | None, other: Period) -> bool:
    return one is not None and one.overlap(other) is not None


def without(work: Work) -> Cell:
    """Give a cell without the lines that are explained whole."""
    cell = work.cell
    if len(work.lines) == len(cell.billed):
        return cell
    kept = {id(line) for line in work.lines}
    pairs = [(line, subject) for line, subject in zip(cell.billed, cell.subjects, strict=True) if id(line) in kept]
    matches = [
        MatchGroup(
            tuple(line for line in group.billed if id(line) in kept),
            group.expected,
            group.stage,
            group.reason,
            group.confidence,
        )
        for group in cell.matches
    ]
    return Cell(
        cell.number, matches, [line for line, _ in pairs], [subject for _, subject in pairs], cell.expected, cell.atoms
    )
