"""Explain a document: split what it bills, less what was due, into named causes that sum to the øre.

First what can be seen on the lines alone is taken off: whole documents and lines billed twice, lines for what is not live,
lines that do not add up, agreed credits. What is left of each cell is rated again: under the vendor's count where that is
another than ours, and with one fact of the agreement changed, and a change that reproduces the cell to the øre is its cause;
then with two. A change is believed the more, the more of the document it reproduces. What no change explains is read off the
lines one by one, and the rest is UNEXPLAINED. Every step takes its amount off what is left, so the causes sum by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from billing.causes.billed import ZERO, BilledDocument, BilledLine
from billing.causes.cells import ELSEWHERE, Cell, Cells
from billing.causes.credits import credit_group, may_be, names_credit
from billing.causes.declared import Code
from billing.causes.effects import Effects
from billing.causes.facts import rated
from billing.causes.findings import Explanation, Finding, GroupExplanation, Value
from billing.causes.header import header_findings
from billing.causes.matching import match, subjects_of
from billing.causes.settling import Settling
from billing.causes.situation import Situation
from billing.causes.style import style_of
from billing.causes.works import Work
from billing.rating.lines import Line


def explain(situation: Situation) -> Explanation:
    """Explain one document; see `Explanation` for what always holds."""
    return _Explaining(situation).run()


def explain_quarter(
    situations: Sequence[Situation],
) -> tuple[tuple[Explanation, ...], tuple[Finding, ...]]:
    """Explain the documents of one quarter in the order they came; give what is due and stands on none of them too.

    Each document is held against what the ones before it left, and knows them as earlier documents.
    """
    explanations: list[Explanation] = []
    taken: frozenset[str] = frozenset()
    before: tuple[BilledDocument, ...] = ()
    missing: tuple[Finding, ...] = ()
    for situation in situations:
        facts = _with(situation, taken, (*situation.earlier, *before))
        explanation = explain(facts)
        explanations.append(explanation)
        taken = taken | {line.id for group in explanation.groups for line in group.expected}
        before = (*before, situation.document)
        was_matched = not any(finding.code == "INVOICE_DUP" for finding in explanation.findings)
        if explanation.comparable and situation.document.kind == "invoice" and was_matched:
            missing = explanation.not_invoiced
    left = tuple(finding for finding in missing if not set(finding.expected_lines) & taken)
    return tuple(explanations), left


def _with(situation: Situation, taken: frozenset[str], earlier: tuple[BilledDocument, ...]) -> Situation:
    return replace(situation, taken=situation.taken | taken, earlier=earlier)


class _Explaining(Settling):
    """Explain one document: the whole of it, its agreed credits, its cells."""

    def run(self) -> Explanation:
        header = header_findings(self.situation)
        if any(finding.code == "CURRENCY" for finding in header):
            return Explanation(ZERO, ZERO, (), tuple(header), (), comparable=False)
        if (twin := self._twin()) is not None:
            return self._billed_before(header, twin)
        if self.document.kind == "credit_note":
            return self._credit_note(header)
        expected = self._expected()
        lines, credits = self._credits()
        subjects = subjects_of(lines, self.situation.names)
        subject_of = {id(line): subject for line, subject in zip(lines, subjects, strict=True)}
        matches = match(lines, expected, self.situation.names)
        self.style = style_of(self.document, matches, subjects, has_ramp=any(map(self._is_ramped, self.facts)))
        cells = Cells(matches, subject_of)
        works = self._explain_cells(cells)
        groups, missing = [], []
        for work in works:
            if (
                work.cell.billed
                or work.cell is self.discounts
                or any(finding.code != "MISSING_LINE" for finding in work.findings)
            ):
                groups.append(self._group(work))
            else:
                missing += work.findings
        groups += credits
        if (whole := self._whole_document()) is not None:
            groups.append(whole)
        groups = self._hold_rounding(groups)
        return Explanation(
            invoiced=sum((group.invoiced_amount for group in groups), ZERO),
            expected=sum((group.expected_amount for group in groups), ZERO),
            groups=tuple(groups),
            header=tuple(header),
            not_invoiced=tuple(missing),
        )

    def _expected(self) -> list[Line]:
        situation = self.situation
        if situation.expected is None:
            lines: list[Line] = []
            self.base_lines: dict[str, Sequence[Line]] = {}
            for code, facts in self.facts.items():
                own = rated(facts) or ()
                self.base_lines[code] = own
                lines += own
            lines.sort(key=lambda line: line.period.start)
        else:
            lines = list(situation.expected)
            self.base_lines = {code: [line for line in lines if line.charge == code] for code in self.facts}
        return [line for line in lines if line.id not in situation.taken]

    def _explain_cells(self, cells: Cells) -> list[Work]:
        self.cells = cells
        self.discounts = self._below_the_lines() if self.style.below else None
        self.effects = Effects(
            self.facts, cells, self.style, ELSEWHERE if self.discounts is None else self.discounts.number
        )
        for code, lines in self.base_lines.items():
            kept = [line for line in lines if line.id not in self.situation.taken]
            self.effects.base[code] = self.effects.by_cell(kept)
        if self.discounts is not None:
            for cell in cells.all:
                cell.due_ore = sum(rated.nets.get(cell.number, 0) for rated in self.effects.base.values())
        self.works = [self._see(cell) for cell in cells.all]
        self._recount()
        open_works = [work for work in self.works if (work.left or self._differs_in_detail(work))]
        if open_works:
            self._search(open_works)
            for part, story in self.told:
                self._settle(part, story)
        for work in list(self.works):
            if work.left:
                self._rest(work)
        return self.works

    def _below_the_lines(self) -> Cell:
        """Make the cell of the discount that is taken off the whole document."""
        cell = Cell(len(self.cells.all), taken_off=self.document.allowances)
        self.cells.all.append(cell)
        return cell

    def _twin(self) -> str | None:
        """Return the number of an earlier document that this one repeats, by number or by content."""
        mine = self.document
        for other in self.situation.earlier:
            if other.kind == mine.kind and other.number == mine.number and other.seller == mine.seller:
                return other.number
        content = mine.content
        return next(
            (
                other.number
                for other in self.situation.earlier
                if mine.lines and other.kind == mine.kind and other.content == content
            ),
            None,
        )

    def _billed_before(self, header: list[Finding], twin: str) -> Explanation:
        amount = self.document.net
        params: dict[str, Value] = {"number": self.document.number, "earlier": twin, "amount": amount}
        finding = Finding(
            "INVOICE_DUP", amount, invoice_lines=tuple(line.id for line in self.document.lines), params=params
        )
        group = GroupExplanation((), self.document.lines, (), amount, ZERO, (finding,))
        return Explanation(amount, ZERO, (group,), tuple(header), ())

    def _whole_document(self) -> GroupExplanation | None:
        """Explain what the document's total has that its lines have not: its own allowances, and what does not add up."""
        document = self.document
        allowances = ZERO if self.style.below else document.allowances
        off = document.net - document.own_net
        over = off - allowances
        if not over:
            return None
        findings = []
        if allowances:
            code: Code = "FIXED_FEE" if allowances < 0 else "UNKNOWN_ITEM"
            findings.append(Finding(code, -allowances, params={"amount": -allowances}))
        if off:
            most = min(self.situation.tolerance.line * len(document.lines), self.situation.tolerance.invoice)
            params: dict[str, Value] = {"billed": document.net, "expected": document.own_net, "amount": off}
            findings.append(Finding("ROUNDING" if abs(off) <= most else "ARITHMETIC", off, params=params))
        return GroupExplanation((), (), (), over, ZERO, tuple(findings))

    def _hold_rounding(self, groups: list[GroupExplanation]) -> list[GroupExplanation]:
        """Take roundings that add up to more than the invoice's tolerance for what they are: sums that do not add up."""
        tolerance = self.situation.tolerance
        roundings = [f.amount for group in groups for f in group.findings if f.code == "ROUNDING"]
        most = min(tolerance.line * len(self.document.lines), tolerance.invoice)
        if abs(sum(roundings, ZERO)) <= most:
            return groups
        return [
            replace(
                group,
                findings=tuple(replace(f, code="ARITHMETIC") if f.code == "ROUNDING" else f for f in group.findings),
            )
            for group in groups
        ]

    def _credits(self) -> tuple[list[BilledLine], list[GroupExplanation]]:
        """Set the lines apart that take off an agreed credit, and find the credits that none takes off."""
        lines = list(self.document.lines)
        groups = []
        for credit in self.situation.credits:
            if not credit.on_next_invoice:
                continue
            own = [line for line in lines if names_credit(line, credit)]
            lines = [line for line in lines if line not in own]
            groups.append(credit_group(own, -credit.amount, [credit]))
        return lines, groups

    def _credit_note(self, header: list[Finding]) -> Explanation:
        """Hold a credit note against what was agreed for the documents it names, by trust where the lines name theirs."""
        document = self.document
        named = set(document.credits)
        agreed = [
            credit
            for credit in self.situation.credits
            if credit.id in named or credit.invoice in named or (not named and not credit.on_next_invoice)
        ]
        lines = list(document.lines)
        groups = []
        for credit in agreed:
            own = [line for line in lines if line.net < 0 and -line.net == credit.amount and may_be(line, credit)][:1]
            own = own or [line for line in lines if names_credit(line, credit)]
            # A note that comes to just what was agreed is that credit, whatever its lines name.
            own = own or (lines if sum((line.net for line in lines), ZERO) == -credit.amount else [])
            own = own or [line for line in lines if credit.trust is not None and line.trust == credit.trust]
            if not own and len(agreed) == 1:
                own = list(lines)
            lines = [line for line in lines if line not in own]
            groups.append(credit_group(own, -credit.amount, [credit]))
        if lines or not groups:
            groups.append(credit_group(lines, ZERO, []))
        if (whole := self._whole_document()) is not None:
            groups.append(whole)
        return Explanation(
            invoiced=sum((group.invoiced_amount for group in groups), ZERO),
            expected=sum((group.expected_amount for group in groups), ZERO),
            groups=tuple(groups),
            header=tuple(header),
            not_invoiced=(),
        )
