"""Judge an explanation against the faults that were injected: found, and right.

*Found* is a finding on every line group that the fault moved. *Right* is that every cause named is the injected one or another
single fault of the catalogue that gives the very same document, to the øre and line by line.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from billing.causes import HEADER, Explanation, Finding, explain

from .documents import ZERO, Group, Invoice, group_of
from .faults import HEADER_CODES, Fault, Sent, catalogue, send, stated
from .presented import situation
from .worlds import World

Document = dict[str, Any]


def explained(world: World, sent: Sent) -> Explanation:
    """Let the product explain what was sent, and hold it to its sums."""
    explanation = explain(situation(world, sent.invoice, tuple(sent.earlier)))
    total = sum((finding.amount for finding in explanation.findings), ZERO)
    assert total == explanation.invoiced - explanation.expected
    if explanation.comparable:
        assert explanation.invoiced == sent.invoice.header["tax_exclusive"]
    for group in explanation.groups:
        assert sum((finding.amount for finding in group.findings), ZERO) == group.difference
    return explanation


def findings_of(explanation: Explanation) -> list[Finding]:
    """Return all findings but roundings."""
    every = (*explanation.findings, *explanation.not_invoiced)
    return [finding for finding in every if finding.code != "ROUNDING"]


def moved(right: Invoice, sent: Invoice) -> set[Group]:
    """Return the line groups that come to another amount than they should."""
    before, after = right.amounts(), sent.amounts()
    return {group for group in before.keys() | after.keys() if before.get(group, ZERO) != after.get(group, ZERO)}


def is_found(fault: Fault, groups: set[Group], sent: Sent, explanation: Explanation) -> bool:
    """Tell whether every group that a fault moved has a finding, or the document has one where nothing moved.

    A group without a line in the document has one where its due lines are among those of a finding.
    """
    findings = findings_of(explanation)
    if not groups:
        return any(finding.code == fault.code for finding in findings) or (
            fault.code not in HEADER_CODES and bool(findings)
        )
    lines: dict[Group, set[str]] = {}
    for line in sent.invoice.lines:
        lines.setdefault(group_of(line), set()).add(line["id"])
    due: dict[Group, set[str]] = {}
    for explained_group in explanation.groups:
        for line in explained_group.expected:
            due.setdefault((line.trust, line.algorithm or line.charge), set()).add(line.id)
    for group in groups:
        ids = lines.get(group, set())
        on_line = any(ids & set(finding.invoice_lines) for finding in findings)
        absent = any(not finding.invoice_lines and finding.trust in (group[0], None) for finding in findings)
        on_due = not ids and any(due.get(group[:2], set()) & set(finding.expected_lines) for finding in findings)
        if not (on_line or absent or on_due):
            return False
    return True


@dataclass(slots=True)
class Equals:
    """Know which codes have a single fault that gives a document, each looked up once."""

    world: World
    grain: str
    _known: dict[tuple[str, tuple[object, ...]], bool] = field(default_factory=dict)

    def gives(self, code: str, sent: Sent, findings: list[Finding]) -> bool:
        """Tell whether a single fault of a code gives what was sent; numbers that a finding names are tried too."""
        key = code, sent.fingerprint
        if code == "MISSING_LINE" and key not in self._known:
            self._known[key] = self._lacks_a_line(sent)
        if key not in self._known:
            faults = catalogue(self.world, code, self.grain) if code in _CODES else []
            for params in {repr(each.params): each.params for each in findings if each.code == code}.values():
                faults += stated(self.world, code, params)
            self._known[key] = any(send(self.world, self.grain, fault).fingerprint == key[1] for fault in faults)
        return self._known[key]

    def _lacks_a_line(self, sent: Sent) -> bool:
        """Tell whether what was sent is the right document without one line."""
        due: Counter[object] = Counter(send(self.world, self.grain).invoice.fingerprint[0])
        have: Counter[object] = Counter(sent.invoice.fingerprint[0])
        return not have - due and (due - have).total() == 1


_CODES = frozenset(
    {
        "NOT_ACTIVE", "LINE_DUP", "QTY_DIFF", "QTY_DUP", "QTY_PERIOD", "QTY_LATE", "QTY_NONBILLABLE", "TIER_MODE",
        "TIER_SCOPE", "TIER_RESET", "TIER_WRONG", "RAMP_MISSING", "RAMP_EXPIRED", "RAMP_RATE", "PRICE_VERSION",
        "PRICE_UNIT", "INDEX_EARLY", "INDEX_WRONG", "INDEX_MISSING", "FIXED_FEE", "MINIMUM_WRONG",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """Hold how one document was judged; `named` are the codes of its findings."""

    found: bool
    right: bool
    named: frozenset[str]


def judge_single(world: World, grain: str, right: Sent, fault: Fault, sent: Sent) -> Verdict:
    """Judge the explanation of a document with one fault."""
    explanation = explained(world, sent)
    if fault.code == "ROUNDING":
        named = frozenset(finding.code for finding in (*explanation.findings, *explanation.not_invoiced))
        return Verdict("ROUNDING" in named, named == {"ROUNDING"}, named)
    findings = findings_of(explanation)
    named = frozenset(finding.code for finding in findings)
    groups = moved(right.invoice, sent.invoice)
    equal = Equals(world, grain)
    others = named - {fault.code}
    is_right = bool(named) and all(equal.gives(code, sent, findings) for code in others)
    return Verdict(is_found(fault, groups, sent, explanation), is_right, named)


def judge_pair(world: World, grain: str, right: Sent, faults: tuple[Fault, Fault], sent: Sent) -> Verdict:
    """Judge the explanation of a document with two faults: both groups found, and both causes named."""
    explanation = explained(world, sent)
    findings = findings_of(explanation)
    named = frozenset(finding.code for finding in findings)
    if not explanation.comparable:
        # Another currency is never subtracted: nothing else can be said of the document.
        return Verdict(True, "CURRENCY" in named, named)
    equal = Equals(world, grain)
    found, is_right = True, True
    moved_by_both = moved(right.invoice, sent.invoice)
    for fault in faults:
        alone = send(world, grain, fault)
        groups = moved(right.invoice, alone.invoice) & moved_by_both
        found = found and is_found(fault, groups, sent, explanation)
        is_right = is_right and (
            fault.code in named or any(equal.gives(code, alone, findings) for code in named if code not in HEADER)
        )
    return Verdict(found, is_right, named)
