"""Explain a document: split what it bills, less what was due, into named causes that sum to the øre.

First what can be seen on the lines alone is taken off: whole documents and lines billed twice, lines for what is not live,
lines that do not add up, agreed credits. What is left of each cell is rated again: under the vendor's count where that is
another than ours, and with one fact of the agreement changed, and a change that reproduces the cell to the øre is its cause;
then with two. A change is believed the more, the more of the document it reproduces. What no change explains is read off the
lines one by one, and the rest is UNEXPLAINED. Every step takes its amount off what is left, so the causes sum by construction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import combinations, islice, product

from billing.rating.billed import ZERO, BilledDocument, BilledLine
from billing.rating.causes.cells import Cell, Cells
from billing.rating.causes.changes import (
    Change,
    Counted,
    IndexFrom,
    NoIndex,
    NoLimit,
    OtherFactor,
    OtherLimit,
    OtherVersion,
    VersionLate,
)
from billing.rating.causes.codes import Code, order, place
from billing.rating.causes.described import describe
from billing.rating.causes.effects import NOTHING, Effects, Rated
from billing.rating.causes.facts import facts_by_charge
from billing.rating.causes.findings import Explanation, Finding, GroupExplanation, Value
from billing.rating.causes.header import header_findings
from billing.rating.causes.hypotheses import Hints, candidates
from billing.rating.causes.line_by_line import read_off
from billing.rating.causes.quantities import Counts, Key, Recount, guesses, recounts
from billing.rating.causes.situation import AgreedCredit, Situation
from billing.rating.lines import Line
from billing.rating.matching import MatchGroup, Subject, match, quantity_and_price, subjects_of
from contracts.terms.money import kroner
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, Usage
from contracts.terms.price_model import UsageCharge

ORE = Decimal("0.01")

# A change that was tried: its code, itself, the charge and what it moves in the cell, in øre.
_Tried = tuple[Code, Change, str, int]

# How many pairs of changes are rated for a cell that no single one explains.
_MOST_PAIRS = 48

# How many ways of counting are rated for the lines they touch together.
_MOST_OPTIONS_TRIED = 64

# How far a change holds that explains one cell alone.
_NOWHERE_ELSE = 3

# Amounts that stand on a line of their own.
_ALONE = frozenset({"fixed", "one_off", "minimum", "maximum"})

# What stands in the book for all charges: who reads it otherwise reads it otherwise everywhere.
_OF_THE_BOOK = (OtherVersion, VersionLate, IndexFrom, OtherFactor, NoIndex)


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
    earlier = situations[0].earlier if situations else ()
    missing: tuple[Finding, ...] = ()
    for situation in situations:
        facts = _with(situation, taken, earlier)
        explanation = explain(facts)
        explanations.append(explanation)
        taken = taken | {line.id for group in explanation.groups for line in group.expected}
        earlier = (*earlier, situation.document)
        if explanation.comparable and situation.document.kind == "invoice":
            missing = explanation.not_invoiced
    left = tuple(finding for finding in missing if not set(finding.expected_lines) & taken)
    return tuple(explanations), left


def _with(situation: Situation, taken: frozenset[str], earlier: tuple[BilledDocument, ...]) -> Situation:
    return replace(situation, taken=situation.taken | taken, earlier=earlier)


# (code, change, charge, what it moves the cell by in øre)
_Effect = tuple[Code, Change, str, int]


@dataclass(frozen=True, slots=True)
class _Hit:
    """Hold a changed fact that reproduces a cell, and how much speaks for it; the smallest `rank` wins."""

    rank: tuple[object, ...]
    causes: tuple[tuple[Code, Change, tuple[str, ...]], ...]
    recount: bool


@dataclass(slots=True)
class _Work:
    """Hold a cell while its difference is being explained: what is left of it, in øre, and what was found."""

    cell: Cell
    lines: list[BilledLine]
    left: int
    findings: list[Finding] = field(default_factory=list)
    done: bool = False

    def take(self, finding: Finding, ore: int) -> None:
        """Take a cause's amount off what is left."""
        self.findings.append(finding)
        self.left -= ore


class _Explaining:
    """Hold one explanation in the making."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.document = situation.document
        self.facts = facts_by_charge(
            situation.agreement, situation.price_book, situation.activations, situation.usage, situation.period
        )
        self.usage_charges = frozenset(
            code for code, facts in self.facts.items() if any(isinstance(each, UsageCharge) for each in facts.charges())
        )
        self.live: dict[Key, list[Activation]] = {}
        for activation in situation.activations:
            self.live.setdefault((activation.trust, activation.algorithm), []).append(activation)

    # --- the whole document ------------------------------------------------------------------------------------------

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
        cells = Cells(matches, subject_of)
        works = self._explain_cells(cells)
        groups, missing = [], []
        for work in works:
            if work.cell.billed or any(finding.code != "MISSING_LINE" for finding in work.findings):
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
            from billing.rating.causes.facts import rated

            for code, facts in self.facts.items():
                own = rated(facts) or ()
                self.base_lines[code] = own
                lines += own
            lines.sort(key=lambda line: line.period.start)
        else:
            lines = list(situation.expected)
            self.base_lines = {code: [line for line in lines if line.charge == code] for code in self.facts}
        return [line for line in lines if line.id not in situation.taken]

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
        over = document.net - sum((line.net for line in document.lines), ZERO)
        if not over:
            return None
        findings = []
        if document.allowances:
            code: Code = "FIXED_FEE" if document.allowances < 0 else "UNKNOWN_ITEM"
            findings.append(Finding(code, -document.allowances, params={"amount": -document.allowances}))
        off = over + document.allowances
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

    # --- credits -----------------------------------------------------------------------------------------------------

    def _credits(self) -> tuple[list[BilledLine], list[GroupExplanation]]:
        """Set the lines apart that take off an agreed credit, and find the credits that none takes off."""
        lines = list(self.document.lines)
        groups = []
        for credit in self.situation.credits:
            if not credit.on_next_invoice:
                continue
            own = [line for line in lines if _names_credit(line, credit)]
            lines = [line for line in lines if line not in own]
            groups.append(_credit_group(own, -credit.amount, [credit]))
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
            own = [line for line in lines if line.net < 0 and -line.net == credit.amount and _may_be(line, credit)][:1]
            own = own or [line for line in lines if _names_credit(line, credit)]
            own = own or [line for line in lines if credit.trust is not None and line.trust == credit.trust]
            if not own and len(agreed) == 1:
                own = list(lines)
            lines = [line for line in lines if line not in own]
            groups.append(_credit_group(own, -credit.amount, [credit]))
        if lines or not groups:
            groups.append(_credit_group(lines, ZERO, []))
        if (whole := self._whole_document()) is not None:
            groups.append(whole)
        return Explanation(
            invoiced=sum((group.invoiced_amount for group in groups), ZERO),
            expected=sum((group.expected_amount for group in groups), ZERO),
            groups=tuple(groups),
            header=tuple(header),
            not_invoiced=(),
        )

    # --- cells -------------------------------------------------------------------------------------------------------

    def _explain_cells(self, cells: Cells) -> list[_Work]:
        self.cells = cells
        self.effects = Effects(self.facts, cells)
        for code, lines in self.base_lines.items():
            kept = [line for line in lines if line.id not in self.situation.taken]
            self.effects.base[code] = self.effects.by_cell(kept)
        self.works = [self._see(cell) for cell in cells.all]
        self._recount()
        open_works = [work for work in self.works if not work.done and (work.left or self._differs_in_detail(work))]
        self.hits: dict[int, _Hit] = {}
        if open_works:
            self._search(open_works)
        for work in open_works:
            self._settle(work)
        for work in list(self.works):
            if work.left:
                self._rest(work)
        return self.works

    def _see(self, cell: Cell) -> _Work:
        """Take off what the lines show by themselves."""
        invoiced = cell.invoiced
        work = _Work(cell, list(cell.billed), int((invoiced / ORE).to_integral_value()) - cell.expected_ore)
        # What is finer than an øre cannot be paid: it is no price but a sum that does not add up.
        if (crumbs := invoiced - kroner(int((invoiced / ORE).to_integral_value()))) != 0:
            work.findings.append(self._finding(work, "ARITHMETIC", crumbs, {"amount": crumbs}))
        self._lines_twice(work)
        self._not_live(work)
        self._arithmetic(work)
        return work

    def _lines_twice(self, work: _Work) -> None:
        cell = work.cell
        allowed: dict[tuple[object, ...], int] = {}
        for charge in cell.expected:
            key = (*quantity_and_price(charge), charge.net)
            allowed[key] = allowed.get(key, 0) + 1
        seen: dict[tuple[object, ...], int] = {}
        for line, subject in zip(list(cell.billed), cell.subjects, strict=True):
            same = _same(line, subject)
            seen[same] = seen.get(same, 0) + 1
            copies = max(1, allowed.get((line.quantity, line.unit_price, line.net), 1))
            if seen[same] > copies:
                self._take_line(work, line, "LINE_DUP", {"document": self.document.number})
            elif not cell.expected and (number := self._billed_in(line, subject)) is not None:
                self._take_line(work, line, "LINE_DUP", {"document": number})

    def _billed_in(self, line: BilledLine, subject: Subject) -> str | None:
        """Return the number of an earlier document that has this very line."""
        if not hasattr(self, "_earlier"):
            self._earlier: dict[tuple[object, ...], str] = {}
            for document in self.situation.earlier:
                own = subjects_of(document.lines, self.situation.names)
                for each, its in zip(document.lines, own, strict=True):
                    self._earlier.setdefault(_same(each, its), document.number)
        return self._earlier.get(_same(line, subject))

    def _take_line(self, work: _Work, line: BilledLine, code: Code, params: dict[str, Value]) -> None:
        ore = int((line.net / ORE).to_integral_value())
        work.lines = [each for each in work.lines if each is not line]
        detail: dict[str, Value] = {"quantity": line.quantity, "price": line.unit_price, "text": line.text, **params}
        work.take(self._finding(work, code, kroner(ore), detail, lines=(line,)), ore)

    def _not_live(self, work: _Work) -> None:
        """Find lines for what is not live at the trust on any day of theirs, and what late or other usage they bill."""
        if work.cell.expected:
            return
        for line, subject in zip(list(work.cell.billed), work.cell.subjects, strict=True):
            if line not in work.lines:
                continue
            span = subject.period or self.situation.period
            if subject.trust is None or subject.algorithm is None:
                continue
            own = self.live.get((subject.trust, subject.algorithm), ())
            live = any(each.go_live < span.end and (each.end is None or each.end > span.start) for each in own)
            validating = any(each.begins < span.end and each.go_live > span.start for each in own)
            if not live and not validating:
                dates = [each.go_live for each in own]
                params: dict[str, Value] = {
                    "go_live": min(dates) if dates else None,
                    "end": max((each.end for each in own if each.end is not None), default=None),
                }
                self._take_line(work, line, "NOT_ACTIVE", params)
            elif span.overlap(self.situation.period) is None:
                self._other_period(work, line, subject, span)
            elif not live and self._validated(subject, span) == line.quantity:
                self._take_line(work, line, "QTY_NONBILLABLE", {"reason": "validation", "billed": line.quantity})

    def _validated(self, subject: Subject, span: Period) -> int:
        whole = {
            entry
            for facts in self.facts.values()
            for entry in facts.validation
            if (entry.trust, entry.algorithm) == (subject.trust, subject.algorithm) and span.contains(entry.on)
        }
        return sum(entry.quantity for entry in whole)

    def _other_period(self, work: _Work, line: BilledLine, subject: Subject, span: Period) -> None:
        late = sum(
            entry.quantity
            for entry in self.situation.late
            if (entry.trust, entry.algorithm) == (subject.trust, subject.algorithm) and span.contains(entry.on)
        )
        code: Code = "QTY_LATE" if late and line.quantity == late else "QTY_PERIOD"
        self._take_line(work, line, code, {"billed": line.quantity, "late": late, "from": span})

    def _arithmetic(self, work: _Work) -> None:
        """Take off what a line bills beyond its own quantity, price and allowances."""
        tolerance = self.situation.tolerance.line
        for line in work.lines:
            own = line.own_net
            if own is None or abs(line.net - own) <= tolerance:
                continue
            off = int(((line.net - own) / ORE).to_integral_value())
            params: dict[str, Value] = {"billed": line.net, "expected": own, "quantity": line.quantity}
            work.take(
                self._finding(work, "ARITHMETIC", kroner(off), {**params, "price": line.unit_price}, lines=(line,)), off
            )

    def _is_rounding(self, work: _Work) -> bool:
        most = int(self.situation.tolerance.line / ORE) * max(1, len(work.lines))
        return bool(work.lines) and 0 < abs(work.left) <= most and not self._differs_in_detail(work)

    def _differs_in_detail(self, work: _Work) -> bool:
        """Tell whether a line that stands for one expected line has another quantity or price than that one."""
        if fidelity(work.lines, work.cell.expected) == 2:
            return False
        for group in work.cell.matches:
            if len(group.billed) == 1 and len(group.expected) == 1 and group.billed[0] in work.lines:
                line = group.billed[0]
                if line.quantity is None or line.unit_price is None or line.base_quantity != 1:
                    continue
                if group.expected[0].quantity is None or line.is_sum:
                    continue
                quantity, price = quantity_and_price(group.expected[0])
                if group.expected[0].kind == "usage" and (line.quantity, line.unit_price) != (quantity, price):
                    return True
        return False

    # --- the vendor's count ------------------------------------------------------------------------------------------

    def _recount(self) -> None:
        """Find the vendor's count and, of the ways it may have come, the one that reproduces most."""
        billable: dict[Key, dict[date, int]] = {}
        validation: dict[object, Usage] = {}
        for code in self.usage_charges:
            facts = self.facts[code]
            for number, entry in enumerate(facts.validation):
                validation[entry.trust, entry.algorithm, entry.on, number] = entry
        seen: set[Key] = set()
        for code in self.usage_charges:
            mine = {(entry.trust, entry.algorithm) for entry in self.facts[code].usage} - seen
            for entry in self.facts[code].usage:
                if (entry.trust, entry.algorithm) in mine:
                    days = billable.setdefault((entry.trust, entry.algorithm), {})
                    days[entry.on] = days.get(entry.on, 0) + entry.quantity
            seen |= mine
        self._after_the_period(billable, seen)
        apart = {(e.trust, e.algorithm, e.on): e for e in validation.values()}
        self.counts = Counts.of(self.situation, billable, list(apart.values()))
        covering: dict[str, int] = {}
        for algorithm in {key[1] for key in self.live}:
            covering[algorithm] = sum(
                any(isinstance(c, UsageCharge) and (c.algorithms is None or algorithm in c.algorithms) for c in [now])
                for code in self.usage_charges
                if (now := self.facts[code].charge_on(self.situation.period.start)) is not None
            )
        cells = [work.cell for work in self.works if not work.done]
        cells = [_without(work) for work in self.works if work.lines or not work.cell.billed]
        self.recounts = recounts(cells, self.counts, self.usage_charges, covering)
        self.chosen: dict[tuple[Key, Period], int] = {(each.key, each.span): 0 for each in self.recounts}
        self._entries_into_effects()
        self._try_other_options()

    def _after_the_period(self, billable: dict[Key, dict[date, int]], seen: set[Key]) -> None:
        """Know the examinations after the period too: a vendor may bill them before their time."""
        for entry in self.situation.usage:
            if entry.on >= self.situation.period.end:
                days = billable.setdefault((entry.trust, entry.algorithm), {})
                days[entry.on] = days.get(entry.on, 0) + entry.quantity

    def _entries(self, only: Iterable[Recount] | None = None) -> tuple[Usage, ...]:
        chosen = (each for each in (self.recounts if only is None else only) if each.options)
        return tuple(entry for each in chosen for entry in each.options[self.chosen[each.key, each.span]][1])

    def _entries_into_effects(self, charges: Iterable[str] | None = None) -> None:
        entries = self._entries()
        for code in self.usage_charges if charges is None else charges:
            own = Counted(entries).apply(self.facts[code])
            self.effects.recounted[code] = () if own is None else own.usage[len(self.facts[code].usage) :]

    def _try_other_options(self) -> None:
        """Where counts have several possible days or reasons, take the first under which their own cells come out."""
        left = {work.cell.number: work.left for work in self.works}
        touched: dict[Key, list[Cell]] = {}
        for work in self.works:
            for key in work.cell.keys:
                touched.setdefault(key, []).append(work.cell)
        groups: dict[tuple[int, ...], list[Recount]] = {}
        for each in self.recounts:
            own = [cell for cell in touched.get(each.key, ()) if cell.period and cell.period.overlap(each.span)]
            if own and each.options:
                groups.setdefault(tuple(cell.number for cell in own), []).append(each)
        for cells, together in groups.items():
            if all(self._counted_at(cell) == left[cell] for cell in cells):
                continue
            before = [self.chosen[each.key, each.span] for each in together]
            choices = product(*(range(len(each.options)) for each in together))
            charges = [code for code in self.usage_charges if any(self._covers(code, each.key) for each in together)]
            for numbers in islice(choices, 1, _MOST_OPTIONS_TRIED):
                self._choose(together, numbers, charges)
                if all(self._counted_at(cell) == left[cell] for cell in cells):
                    break
            else:
                self._choose(together, before, charges)

    def _choose(self, together: Sequence[Recount], numbers: Sequence[int], charges: Iterable[str]) -> None:
        for each, number in zip(together, numbers, strict=True):
            self.chosen[each.key, each.span] = number
        self._entries_into_effects(charges)

    def _counted_at(self, number: int) -> int:
        """Return by how many øre the vendor's count moves a cell."""
        return sum(self.effects.effect(code, True, ()).get(number, 0) for code in self.usage_charges)

    def _covers(self, code: str, key: Key) -> bool:
        return any((each.trust, each.algorithm) == key for each in self.facts[code].activations)

    # --- the search --------------------------------------------------------------------------------------------------

    def _charges_of(self, work: _Work) -> list[str]:
        own = [code for code in work.cell.charges if code in self.facts]
        if own:
            return own
        named = {subject.charge for subject in work.cell.subjects}
        keys = work.cell.keys
        trusts = {subject.trust for subject in work.cell.subjects}
        return [
            code
            for code, facts in self.facts.items()
            if code in named
            or any((each.trust, each.algorithm) in keys for each in facts.activations)
            or (not keys and None not in trusts and any(each.trust in trusts for each in facts.activations))
        ]

    def _search(self, open_works: list[_Work]) -> None:
        """Rate every hypothesis for the charges that have a difference and keep what reproduces each cell best."""
        self.left = {work.cell.number: work.left for work in self.works}
        self.charges = {work.cell.number: self._charges_of(work) for work in self.works}
        differing: dict[str, list[_Work]] = {}
        for work in open_works:
            for code in self.charges[work.cell.number]:
                differing.setdefault(code, []).append(work)
        self.tried: dict[str, list[tuple[Code, Change]]] = {}
        for code, works in sorted(differing.items()):
            own = candidates(self.facts[code], self._hints(code, works))
            own += self._guesses(code, works)
            self.tried[code] = own
        self.bases = [False, True] if any(self.effects.recounted.get(code) for code in differing) else [False]
        # Which cells a changed fact reproduces, over all charges it is a fact of.
        self.code_of: dict[Change, Code] = {}
        self.of_change: dict[Change, list[str]] = {}
        for charge, own in self.tried.items():
            for code, change in own:
                self.code_of.setdefault(change, code)
                self.of_change.setdefault(change, []).append(charge)
        self.open = {work.cell.number: work for work in open_works}
        self._consistency: dict[tuple[bool, Change, str | None], tuple[list[int], list[int]]] = {}
        self._reach: dict[tuple[bool, Change, str | None], tuple[int, int]] = {}
        for work in open_works:
            if work.left:
                self._single(work)
        self.confirmed = {change for hit in self.hits.values() for _, change, _ in hit.causes}
        for work in open_works:
            if work.left and work.cell.number not in self.hits:
                self._pair(work)

    def _hints(self, code: str, works: list[_Work]) -> Hints:
        subjects: dict[tuple[str, str], None] = {}
        rates: dict[tuple[int | None, Decimal], None] = {}
        prices: dict[tuple[int, Decimal], None] = {}
        for work in works:
            for key in sorted(work.cell.keys):
                subjects.setdefault(key)
            due = [line for line in work.cell.expected if line.charge == code]
            for group in work.cell.matches:
                if len(group.billed) == 1 and len(group.expected) == 1 and group.expected[0].charge == code:
                    line, expected = group.billed[0], group.expected[0]
                    if expected.tier is not None and line.unit_price is not None and expected.why is None:
                        prices.setdefault((expected.tier, line.unit_price))
                    rate = line.rate.quantize(Decimal("0.01")) if line.own_gross else ZERO
                    if expected.discount_rate != line.rate:
                        rates.setdefault((expected.phase, rate))
                        rates.setdefault((expected.phase, line.rate))
            discounted = [line for line in due if line.discount_rate_e4 and line.phase is not None]
            for phase in {line.phase for line in discounted}:
                gross = sum(line.gross_ore for line in discounted if line.phase == phase)
                rate_now = next(line.discount_rate for line in discounted if line.phase == phase)
                if gross:
                    solved = rate_now - Decimal(work.left) / gross
                    for decimals in (Decimal("0.01"), Decimal("0.0001")):
                        rates.setdefault((phase, solved.quantize(decimals)))
        return Hints(tuple(subjects), tuple(rates)[:24], self._solved_factors(works), tuple(prices)[:24])

    def _solved_factors(self, works: list[_Work]) -> tuple[tuple[date, Decimal], ...]:
        """Solve for the factor that would give the amounts of the largest cells, as if they rose in proportion to it."""
        found: dict[tuple[date, Decimal], None] = {}
        largest = sorted(works, key=lambda work: -abs(work.cell.expected_ore))
        for each in self.situation.price_book.index_adjustments:
            for work in largest[:2]:
                change, number = NoIndex(each.effective_from), work.cell.number
                fall = sum(self.effects.effect(code, False, (change,)).get(number, 0) for code in self.charges[number])
                if not fall or each.factor == 1:
                    continue
                solved = each.factor - work.left * (each.factor - 1) / fall
                for places in (Decimal("0.001"), Decimal("0.0001")):
                    found.setdefault((each.effective_from, solved.quantize(places)))
        return tuple(found)

    def _guesses(self, code: str, works: list[_Work]) -> list[tuple[Code, Change]]:
        """Add the known reasons for other counts where the lines show no count and no statement tells it."""
        if code not in self.usage_charges or self.situation.statement is not None:
            return []
        shown = {each.key for each in self.recounts}
        found: dict[Change, Code] = {}
        for work in works:
            if len(work.cell.keys) == 1 and any(line.quantity not in (None, 1) for line in work.lines):
                continue
            for key in sorted(work.cell.keys - shown):
                for kind, entries in guesses(self.counts, key, self.situation.period):
                    found.setdefault(Counted(entries), kind)
        return [(kind, change) for change, kind in found.items()]

    def _effect(self, number: int, recount: bool, change: Change, only: str | None) -> int | None:
        """Return what a change does to a cell in øre, None where it says nothing about it."""
        own = self.charges[number]
        with_it = [code for code in own if code in self.of_change.get(change, ()) and only in (None, code)]
        if not with_it:
            return None
        total = 0
        for code in own:
            changes = (change,) if code in with_it else ()
            if changes or recount:
                total += self.effects.effect(code, recount, changes).get(number, 0)
        return total

    def _single(self, work: _Work) -> None:
        number = work.cell.number
        own = self.charges[number]
        hits: list[_Hit] = []
        for recount in self.bases:
            counted = self._recount_effect(number) if recount else 0
            if recount and counted == work.left:
                hits.append(_Hit((1, False, -len(self.open), -2, -1, (False, 0), 0), (), True))
            for change in dict.fromkeys(change for code in own for _, change in self.tried.get(code, ())):
                scopes = [None, *own] if len(own) > 1 else [None]
                for only in scopes:
                    if self._effect(number, recount, change, only) != work.left:
                        continue
                    code = self.code_of[change]
                    holds = self._holds_in(number, recount, change, only)
                    if holds > _NOWHERE_ELSE:
                        continue
                    reach, faithful = 1, self._fidelity(work, recount, change, only)
                    if holds <= 1:
                        reach, faithful = self._in_document(recount, change, only)
                    rank = (1 + bool(counted), holds > 1, -reach, -faithful, holds, order(code), len(hits))
                    hits.append(
                        _Hit(rank, ((code, change, (only,) if only else tuple(own)),), recount and bool(counted))
                    )
        if hits:
            self.hits[number] = min(hits, key=lambda hit: hit.rank)

    def _recount_effect(self, number: int) -> int:
        return sum(self.effects.effect(code, True, ()).get(number, 0) for code in self.charges[number])

    def _fidelity(self, work: _Work, recount: bool, change: Change | None, only: str | None) -> int:
        """Say how much of the lines themselves a change reproduces: 2 all, 1 the number of units, 0 the amount alone."""
        lines: list[Line] = []
        for code in self.charges[work.cell.number]:
            applies = change is not None and code in self.of_change.get(change, ()) and only in (None, code)
            changes: tuple[Change, ...] = (change,) if change is not None and applies else ()
            result = self.effects.rate(code, recount, changes) if changes or recount else self.effects.base[code]
            lines += (result or NOTHING).lines.get(work.cell.number, [])
        return fidelity(work.lines, lines)

    def _holds_in(self, number: int, recount: bool, change: Change, only: str | None) -> int:
        """Say how far a change holds: 0 the document, 1 the charge, 2 the cell's trust and algorithm, 3 the cell alone.

        A factor is a number that can be made to fit: where it holds for less than half of what it touches, it is none.
        """
        wrong, right = self._off(recount, change, only)
        if not wrong:
            return 0 if only is None else 1
        if isinstance(change, OtherFactor) and len(right) < len(wrong):
            return _NOWHERE_ELSE + 1
        own = self.charges[number]
        if (
            only is None
            and len(own) == 1
            and not isinstance(change, _OF_THE_BOOK)
            and not self._off(recount, change, own[0])[0]
        ):
            return 1
        mine = self.cells.all[number].keys
        return 2 if not any(self.cells.all[cell].keys & mine for cell in wrong) else _NOWHERE_ELSE

    def _in_document(self, recount: bool, change: Change, only: str | None) -> tuple[int, int]:
        """Return how many cells a change explains and how faithful it is where it is least so."""
        key = (recount, change, only)
        if key not in self._reach:
            right = [cell for cell in self._off(recount, change, only)[1] if cell in self.open]
            least = min((self._fidelity(self.open[cell], recount, change, only) for cell in right), default=0)
            self._reach[key] = len(right), least
        return self._reach[key]

    def _off(self, recount: bool, change: Change, only: str | None) -> tuple[list[int], list[int]]:
        """Return the cells for which a change gives another difference than they have, and those it explains."""
        key = (recount, change, only)
        known = self._consistency.get(key)
        if known is not None:
            return known
        charges = [only] if only is not None else self.of_change[change]
        if only is None and isinstance(change, _OF_THE_BOOK):
            charges = list(self.facts)
        touched = {cell for code in charges for cell in self.effects.effect(code, recount, (change,))}
        wrong: list[int] = []
        right: list[int] = []
        for cell in touched:
            effect = 0
            for code in self.charges[cell]:
                changes = (change,) if code in charges else ()
                if changes or recount:
                    effect += self.effects.effect(code, recount, changes).get(cell, 0)
            (wrong if effect != self.left.get(cell, 0) else right).append(cell)
        for cell, work in self.open.items():
            if work.left and cell not in touched and set(self.charges[cell]) & set(charges):
                wrong.append(cell)
        self._consistency[key] = wrong, right
        return wrong, right

    def _pair(self, work: _Work) -> None:
        """Try two changed facts at once, those first that were found elsewhere and whose single effects nearly add up."""
        number = work.cell.number
        own = self.charges[number]
        recount = len(self.bases) > 1
        counted = self._recount_effect(number) if recount else 0
        effects: list[_Tried] = []
        for code in own:
            for kind, change in self.tried.get(code, ()):
                effect = self.effects.effect(code, recount, (change,)).get(number, 0)
                before = self.effects.effect(code, recount, ()).get(number, 0) if recount else 0
                if effect != before:
                    effects.append((kind, change, code, effect - before))
        pairs: list[tuple[int, int, tuple[bool, int], tuple[bool, int], int, _Tried, _Tried]] = []
        for one, other in combinations(effects, 2):
            if one[0] == other[0] and one[2] == other[2]:
                continue
            near = abs(one[3] + other[3] + counted - work.left)
            if one[2] != other[2] and near:
                continue
            known = (one[1] in self.confirmed) + (other[1] in self.confirmed)
            pairs.append((-known, near, order(one[0]), order(other[0]), len(pairs), one, other))
        pairs.sort(key=lambda pair: pair[:5])
        hits: list[_Hit] = []
        for known, _, _, _, n, one, other in pairs[:_MOST_PAIRS]:
            if one[2] == other[2]:
                result = self.effects.rate(one[2], recount, (one[1], other[1]))
                if result is None:
                    continue
                lines = list(result.lines.get(number, ()))
                total = result.nets.get(number, 0) - self.effects.base[one[2]].nets.get(number, 0)
                total += sum(self.effects.effect(c, True, ()).get(number, 0) for c in own if recount and c != one[2])
            else:
                total = work.left
                lines = []
            if total != work.left:
                continue
            faithful = fidelity(work.lines, lines) if len(own) == 1 else 0
            ordered = sorted((one, other), key=lambda each: place(each[0]))
            rank = (2 + bool(counted), -faithful, known, order(ordered[0][0]), order(ordered[1][0]), n)
            causes = tuple((each[0], each[1], (each[2],)) for each in ordered)
            hits.append(_Hit(rank, causes, recount and bool(counted)))
        if hits:
            self.hits[number] = min(hits, key=lambda hit: hit.rank)

    # --- findings ----------------------------------------------------------------------------------------------------

    def _settle(self, work: _Work) -> None:
        """Write the causes found for a cell, each with its amount, the first in the order of the table first."""
        hit = self.hits.get(work.cell.number)
        absent = self._absent(work)
        if absent and (hit is None or not self._is_absence_explained(hit)):
            self._set_missing_apart(work, absent)
            return
        if hit is None:
            if not self._is_rounding(work):
                self._line_by_line(work)
            return
        if self._is_one_line_fault(work, hit):
            self._line_by_line(work)
            return
        if not work.cell.billed and not self._is_absence_explained(hit):
            return
        target = work.left
        parts: list[tuple[Code, int, dict[str, Value], str | None]] = []
        if hit.recount or not hit.causes:
            parts += self._recount_parts(work)
        spent = sum(part[1] for part in parts)
        for n, (code, change, charges) in enumerate(hit.causes):
            rest = target - spent
            amount = rest
            if n < len(hit.causes) - 1:
                amount = (
                    self._effect(work.cell.number, hit.recount, change, charges[0] if len(charges) == 1 else None) or 0
                )
                amount -= spent
            parts.append(
                (code, amount, describe(change, self.facts[charges[0]]), self._clause(change, charges[0], work))
            )
            spent += amount
        for code, ore, params, clause in sorted(parts, key=lambda part: place(part[0])):
            work.take(self._finding(work, code, kroner(ore), params, clause=clause), ore)

    def _is_one_line_fault(self, work: _Work, hit: _Hit) -> bool:
        """Tell whether one thing read off the lines says more than a change that gets no line right and holds nowhere else."""
        if len(hit.causes) != 1 or hit.recount or not work.lines:
            return False
        ((_, change, charges),) = hit.causes
        only = charges[0] if len(charges) == 1 and len(self.charges[work.cell.number]) > 1 else None
        if self._in_document(hit.recount, change, only)[0] > 1 or self._fidelity(work, False, change, only) == 2:
            return False
        lines = [line for code in self.charges[work.cell.number] for line in self._base_lines(code, work.cell.number)]
        read = read_off(work.lines, work.cell.subjects, work.cell.billed, lines, self.facts, work.left)
        return read is not None and len(read) == 1 and len(lines) == len(work.lines)

    def _base_lines(self, code: str, number: int) -> list[Line]:
        return self.effects.base[code].lines.get(number, [])

    def _absent(self, work: _Work) -> list[Line]:
        """Return the lines that are due and not billed in a cell whose other lines are all billed as due."""
        for charge in work.cell.charges:
            fees = [line for line in work.cell.expected if line.charge == charge and line.why in _ALONE]
            if fees and len(fees) < len(work.cell.expected) and sum(line.net_ore for line in fees) == -work.left:
                return fees
        absent: list[Line] = []
        for group in work.cell.matches:
            if not group.billed:
                absent += group.expected
            elif (
                len(group.billed) != 1
                or len(group.expected) != 1
                or group.billed[0] not in work.lines
                or fidelity(group.billed, group.expected) < 2
            ):
                return []
        return absent if len(absent) < len(work.cell.expected) and sum(e.net_ore for e in absent) == -work.left else []

    def _set_missing_apart(self, work: _Work, absent: list[Line]) -> None:
        cell = work.cell
        gone = {id(line) for line in absent}
        cell.expected = [line for line in cell.expected if id(line) not in gone]
        apart = [MatchGroup((), (line,), "unmatched", (), 0.0) for line in absent]
        kept = [
            replace(group, expected=tuple(line for line in group.expected if id(line) not in gone))
            for group in cell.matches
        ]
        cell.matches = [group for group in kept if group.billed or group.expected]
        missing = Cell(len(self.cells.all), apart, [], [], absent)
        self.cells.all.append(missing)
        self.works.append(_Work(missing, [], work.left))
        work.left = 0

    def _is_absence_explained(self, hit: _Hit) -> bool:
        """Tell whether what is not billed is gone by a change that other, billed, cells confirm."""
        if hit.recount:
            return True
        mine = {change for _, change, _ in hit.causes}
        others = [
            self.cells.all[cell]
            for cell, other in self.hits.items()
            if other is not hit and mine & {each for _, each, _ in other.causes}
        ]
        # Several minima gone at once are a minimum not applied; one may as well be a line that was lost.
        limits = all(isinstance(change, NoLimit | OtherLimit) for change in mine)
        return bool(others) if limits else any(cell.billed for cell in others)

    def _recount_parts(self, work: _Work) -> list[tuple[Code, int, dict[str, Value], str | None]]:
        """Split what another count does to a cell over the counts of its own; what others' counts do comes in one part."""
        number = work.cell.number
        total = self._recount_effect(number)
        span = work.cell.period
        mine = [
            each
            for each in self.recounts
            if each.options and each.key in work.cell.keys and span is not None and each.span.overlap(span)
        ]
        parts: list[tuple[Code, int, dict[str, Value], str | None]] = []
        if not mine:
            charges = self.charges[number]
            others = [e for e in self.recounts if e.options and any(self._covers(c, e.key) for c in charges)]
            if not others:
                return []
            far = max(others, key=lambda each: abs(each.billed - each.own))
            return [(self._code(far), total, self._recount_params(far, spill=True), work.cell.clause)]
        spent = 0
        for n, each in enumerate(mine):
            amount = total - spent
            if n < len(mine) - 1:
                entries = self._entries(only=mine[: n + 1])
                reached = 0
                for code in self.charges[number]:
                    if code in self.usage_charges and (own := Counted(entries).apply(self.facts[code])) is not None:
                        tried = self.effects.recount(code, own.usage[len(self.facts[code].usage) :]) or NOTHING
                        reached += tried.nets.get(number, 0) - self.effects.base[code].nets.get(number, 0)
                amount = reached - spent
            spent += amount
            parts.append((self._code(each), amount, self._recount_params(each), work.cell.clause))
        merged: dict[Code, tuple[Code, int, dict[str, Value], str | None]] = {}
        for part in parts:
            if part[0] in merged:
                merged[part[0]] = (part[0], merged[part[0]][1] + part[1], merged[part[0]][2], part[3])
            else:
                merged[part[0]] = part
        return list(merged.values())

    def _code(self, each: Recount) -> Code:
        return each.options[self.chosen[each.key, each.span]][0]

    def _recount_params(self, each: Recount, *, spill: bool = False) -> dict[str, Value]:
        entries = each.options[self.chosen[each.key, each.span]][1]
        days = sorted(entry.on for entry in entries)
        return {
            "billed": each.billed,
            "own": each.own,
            "difference": each.billed - each.own,
            "counted_at": each.key[0],
            "algorithm": each.key[1],
            "span": each.span,
            "from": days[0] if days else None,
            "elsewhere": "yes" if spill else None,
        }

    def _clause(self, change: Change, charge: str, work: _Work) -> str | None:
        day = getattr(change, "effective_from", None)
        if day is not None:
            for adjustment in self.situation.price_book.index_adjustments:
                if adjustment.effective_from == day:
                    return adjustment.clause
        own = self.facts[charge].charge_on(self.situation.period.start)
        return work.cell.clause or (own.clause if own is not None else None)

    def _line_by_line(self, work: _Work) -> None:
        """Read what no changed fact explains off the lines, under what is known of the cell's other causes."""
        number = work.cell.number
        if not work.lines:
            return
        own = self.charges[number]
        recount = len(self.bases) > 1 and bool(self._recount_effect(number))
        bases: list[tuple[tuple[Change, ...], bool]] = [((), recount)]
        bases += [((change,), recount) for change in sorted(self.confirmed, key=lambda each: place(self.code_of[each]))]
        best: tuple[int, list[tuple[Code, int, dict[str, Value], str | None]]] | None = None
        for changes, counted in bases:
            lines, parts = self._known_part(work, own, changes, counted)
            if lines is None:
                continue
            spent = sum(part[1] for part in parts)
            if changes and spent == sum(part[1] for part in parts[:-1]):
                continue
            read = read_off(work.lines, work.cell.subjects, work.cell.billed, lines, self.facts, work.left - spent)
            if read is None:
                continue
            found = parts + [(code, ore, params, work.cell.clause) for code, ore, params in read]
            if best is None or len(found) < best[0]:
                best = (len(found), found)
        if best is None:
            return
        for code, ore, params, clause in sorted(best[1], key=lambda part: place(part[0])):
            work.take(self._finding(work, code, kroner(ore), params, clause=clause), ore)

    def _known_part(
        self, work: _Work, own: list[str], changes: tuple[Change, ...], recount: bool
    ) -> tuple[list[Line] | None, list[tuple[Code, int, dict[str, Value], str | None]]]:
        number = work.cell.number
        parts: list[tuple[Code, int, dict[str, Value], str | None]] = self._recount_parts(work) if recount else []
        counted = sum(part[1] for part in parts)
        lines: list[Line] = []
        reached = 0
        for code in own:
            applied = tuple(change for change in changes if code in self.of_change.get(change, ()))
            result: Rated | None = (
                self.effects.rate(code, recount, applied) if applied or recount else self.effects.base[code]
            )
            if result is None:
                result = self.effects.rate(code, recount, ()) if recount else self.effects.base[code]
            result = result or NOTHING
            lines += result.lines.get(number, [])
            reached += result.nets.get(number, 0) - self.effects.base[code].nets.get(number, 0)
        if changes:
            (change,) = changes
            charge = next((code for code in own if code in self.of_change.get(change, ())), None)
            if charge is None:
                return None, []
            parts = [
                *parts,
                (
                    self.code_of[change],
                    reached - counted,
                    describe(change, self.facts[charge]),
                    self._clause(change, charge, work),
                ),
            ]
        return lines, parts

    def _rest(self, work: _Work) -> None:
        """Name what is left of a cell: rounding, a line that is missing or unknown, a fee, or nothing that we know."""
        ore = work.left
        if self._is_rounding(work):
            work.take(self._finding(work, "ROUNDING", kroner(ore), {"amount": kroner(ore)}), ore)
            return
        if not work.cell.billed:
            work.take(self._finding(work, "MISSING_LINE", kroner(ore), {"amount": kroner(-ore)}), ore)
            return
        code: Code = "UNEXPLAINED"
        if not work.cell.expected:
            charges = {subject.charge for subject in work.cell.subjects if subject.charge is not None}
            code = "UNKNOWN_ITEM"
            if charges and charges <= set(self.facts):
                code = "MINIMUM_WRONG" if charges <= self.usage_charges else "FIXED_FEE"
        elif all(line.kind in ("fixed", "one_off") for line in work.cell.expected):
            code = "FIXED_FEE"
        elif all(line.why in ("minimum", "maximum") for line in work.cell.expected):
            code = "MINIMUM_WRONG"
        billed = sum((line.net for line in work.lines), ZERO)
        params: dict[str, Value] = {
            "billed": billed,
            "expected": kroner(work.cell.expected_ore),
            "amount": kroner(ore),
            "text": work.lines[0].text if work.lines else None,
        }
        work.take(self._finding(work, code, kroner(ore), params), ore)

    def _finding(
        self,
        work: _Work,
        code: Code,
        amount: Decimal,
        params: dict[str, Value],
        *,
        lines: tuple[BilledLine, ...] | None = None,
        clause: str | None = None,
    ) -> Finding:
        cell = work.cell
        period = cell.period
        return Finding(
            code,
            amount,
            trust=cell.trust,
            algorithm=cell.algorithm,
            period=None if period is None else period.label(),
            invoice_lines=tuple(line.id for line in (cell.billed if lines is None else lines)),
            expected_lines=tuple(line.id for line in cell.expected),
            clause=clause or cell.clause,
            params=params,
        )

    def _group(self, work: _Work) -> GroupExplanation:
        cell = work.cell
        findings = tuple(sorted(work.findings, key=lambda finding: place(finding.code)))
        return GroupExplanation(
            tuple(cell.matches),
            tuple(cell.billed),
            tuple(cell.expected),
            cell.invoiced,
            kroner(cell.expected_ore),
            findings,
        )


def fidelity(billed: Sequence[BilledLine], lines: Sequence[Line]) -> int:
    """Say how much of billed lines rated lines reproduce: 2 every quantity, price and discount, 1 the units, 0 less.

    Tiers count where every billed line that has one due names it.
    """
    tiered = sum(line.tier is not None for line in billed) == sum(line.tier is not None for line in lines)
    ours = sorted(
        (line.quantity or 0, line.unit_price or 0, line.allowance, (line.tier or 0) if tiered else 0) for line in billed
    )
    theirs = sorted((*quantity_and_price(line), line.discount, (line.tier or 0) if tiered else 0) for line in lines)
    if ours == theirs:
        return 2
    units = sum(line.quantity or 0 for line in lines if line.why in (None, "outside"))
    return 1 if units == sum(line.quantity or 0 for line in billed) else 0


def _same(line: BilledLine, subject: Subject) -> tuple[object, ...]:
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


def _without(work: _Work) -> Cell:
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


def _may_be(line: BilledLine, credit: AgreedCredit) -> bool:
    return line.trust in (None, credit.trust) or credit.trust is None


def _names_credit(line: BilledLine, credit: AgreedCredit) -> bool:
    """Tell whether a line takes off an agreed credit: it names it, or takes off its amount at its trust."""
    if line.reference == credit.id or credit.id.casefold() in line.text.casefold().split():
        return True
    if credit.invoice is not None and line.reference == credit.invoice and line.net < 0:
        return True
    return line.net == -credit.amount and _may_be(line, credit)


def _credit_group(lines: list[BilledLine], due: Decimal, credits: list[AgreedCredit]) -> GroupExplanation:
    invoiced = sum((line.net for line in lines), ZERO)
    summed = [(line, line.net - line.own_net) for line in lines if line.own_net is not None]
    findings = [
        Finding(
            "ARITHMETIC",
            off,
            trust=line.trust,
            invoice_lines=(line.id,),
            params={"billed": line.net, "expected": line.own_net, "quantity": line.quantity, "price": line.unit_price},
        )
        for line, off in summed
        if off
    ]
    off = invoiced - due - sum((finding.amount for finding in findings), ZERO)
    if off:
        trusts = {credit.trust for credit in credits}
        findings.append(
            Finding(
                "CREDIT_WRONG" if lines else "CREDIT_PENDING",
                off,
                trust=trusts.pop() if len(trusts) == 1 else None,
                algorithm=credits[0].algorithm if len(credits) == 1 else None,
                invoice_lines=tuple(line.id for line in lines),
                params={"credit": ", ".join(credit.id for credit in credits), "agreed": -due, "billed": -invoiced},
            )
        )
    return GroupExplanation((), tuple(lines), (), invoiced, due, tuple(findings))
