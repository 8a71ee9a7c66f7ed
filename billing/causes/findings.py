"""What an explanation answers with: findings, by group of lines, that sum to the difference."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.causes.billed import ZERO, BilledLine
from billing.causes.declared import Code
from billing.causes.matching import MatchGroup
from billing.rating.lines import Line
from contracts.terms.period import Period

# What a sentence's places are filled with; the web layer formats them, `sentence` does where nobody else will.
Value = str | int | Decimal | date | Period | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold one cause of a difference; `amount` is excluding VAT, positive is billed too much.

    `period` is a label as `Period.label` writes it; `invoice_lines` are ids of the document's lines and `expected_lines` of
    rated lines. `params` fill the sentence of the code. `tax_amount` is a difference in VAT alone.
    """

    code: Code
    amount: Decimal
    trust: str | None = None
    algorithm: str | None = None
    period: str | None = None
    invoice_lines: tuple[str, ...] = ()
    expected_lines: tuple[str, ...] = ()
    clause: str | None = None
    params: dict[str, Value] = field(default_factory=dict)
    tax_amount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class GroupExplanation:
    """Hold one group of lines that were explained together, with the matches it is made of.

    `credit` is the id of the agreed credit that the group was held against, None for every other group.
    """

    matches: tuple[MatchGroup, ...]
    billed: tuple[BilledLine, ...]
    expected: tuple[Line, ...]
    invoiced_amount: Decimal
    expected_amount: Decimal
    findings: tuple[Finding, ...]
    credit: str | None = None

    def __post_init__(self) -> None:
        """Refuse a group whose causes do not sum to its difference: that would be an error here, never in a document."""
        if sum((finding.amount for finding in self.findings), ZERO) != self.difference:
            raise AssertionError("the causes of a group do not sum to its difference")

    @property
    def difference(self) -> Decimal:
        """Return invoiced less expected: positive is billed too much."""
        return self.invoiced_amount - self.expected_amount


@dataclass(frozen=True, slots=True)
class Explanation:
    """Hold why a document differs from what was due.

    Σ amounts of `findings` = `invoiced` − `expected`, always. What was due and is not on the document stands in
    `not_invoiced` (`MISSING_LINE`, negative) and outside the sums. `unexplained` is a figure also where it is 0.00. Where the
    document is in another currency nothing is subtracted: `comparable` is false and the sums are 0.00.
    """

    invoiced: Decimal
    expected: Decimal
    groups: tuple[GroupExplanation, ...]
    header: tuple[Finding, ...]
    not_invoiced: tuple[Finding, ...]
    comparable: bool = True

    def __post_init__(self) -> None:
        """Refuse an explanation whose causes do not sum to the difference."""
        if sum((finding.amount for finding in self.findings), ZERO) != self.difference:
            raise AssertionError("the causes of a document do not sum to its difference")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings of the whole document, then those of its groups."""
        return (*self.header, *(finding for group in self.groups for finding in group.findings))

    @property
    def difference(self) -> Decimal:
        """Return invoiced less expected."""
        return self.invoiced - self.expected

    @property
    def unexplained(self) -> Decimal:
        """Return the rest that no cause was found for."""
        return sum((each.amount for each in self.findings if each.code == "UNEXPLAINED"), ZERO)

    @property
    def tax_amount(self) -> Decimal:
        """Return what is billed too much in VAT alone."""
        return sum((finding.tax_amount for finding in self.findings), ZERO)

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing but rounding was found and nothing due is missing."""
        return not self.not_invoiced and all(finding.code == "ROUNDING" for finding in self.findings)
