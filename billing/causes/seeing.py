"""What can be seen on the lines alone: billed twice, for what is not live, of another period, not adding up, or lost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from billing.causes.billed import ZERO, BilledLine
from billing.causes.cells import Cell, Cells
from billing.causes.codes import place
from billing.causes.declared import Code
from billing.causes.effects import Effects
from billing.causes.facts import facts_by_charge
from billing.causes.findings import Finding, GroupExplanation, Value
from billing.causes.matching import MatchGroup, Subject, quantity_and_price, subjects_of
from billing.causes.quantities import Key
from billing.causes.situation import Situation
from billing.causes.style import Style, is_price_of
from billing.causes.works import EXACT, ORE, Work, fidelity, same
from billing.rating.lines import Line
from contracts.terms.money import kroner
from contracts.terms.period import Period
from contracts.terms.price_book import Activation
from contracts.terms.price_model import OneOffCharge, UsageCharge

# Amounts that stand on a line of their own.
_ALONE = frozenset({"fixed", "one_off", "minimum", "maximum"})


class Seeing:
    """Hold an explanation in the making; here it takes off what the lines show by themselves.

    `works` are its cells with what is left of them, `effects` what rating a charge otherwise does to them.
    """

    cells: Cells
    effects: Effects
    works: list[Work]
    discounts: Cell | None

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.document = situation.document
        self.style = Style()
        self.discounts = None
        self.facts = facts_by_charge(
            situation.agreement, situation.price_book, situation.activations, situation.usage, situation.period
        )
        self.usage_charges = frozenset(
            code for code, facts in self.facts.items() if any(isinstance(each, UsageCharge) for each in facts.charges())
        )
        self._earlier: dict[tuple[object, ...], str] | None = None
        self.live: dict[Key, list[Activation]] = {}
        for activation in situation.activations:
            self.live.setdefault((activation.trust, activation.algorithm), []).append(activation)

    def _is_ramped(self, code: str) -> bool:
        charges = self.facts[code].charges()
        return any(not isinstance(each, OneOffCharge) and each.ramp_up is not None for each in charges)

    def _see(self, cell: Cell) -> Work:
        """Take off what the lines show by themselves."""
        invoiced = cell.invoiced
        work = Work(cell, list(cell.billed), int((invoiced / ORE).to_integral_value()) - cell.expected_ore)
        self._as_written(work)
        # What is finer than an øre cannot be paid: it is no price but a sum that does not add up.
        if (crumbs := invoiced - kroner(int((invoiced / ORE).to_integral_value()))) != 0:
            work.findings.append(self._finding(work, "ARITHMETIC", crumbs, {"amount": crumbs}))
        self._lines_twice(work)
        self._not_live(work)
        self._arithmetic(work)
        return work

    def _as_written(self, work: Work) -> None:
        """Take off by how much the vendor's way of writing discounts rounds otherwise: an øre a line."""
        if self.style.in_price:
            crumbs = sum(self.style.net_ore(line) - line.net_ore for line in work.cell.expected)
            if crumbs and work.cell.billed:
                work.take(self._finding(work, "ROUNDING", kroner(crumbs), {"amount": kroner(crumbs)}), crumbs)

    def _lines_twice(self, work: Work) -> None:
        cell = work.cell
        allowed: dict[tuple[object, ...], int] = {}
        for charge in cell.expected:
            key = (quantity_and_price(charge)[0], self.style.unit_price(charge), kroner(self.style.net_ore(charge)))
            allowed[key] = allowed.get(key, 0) + 1
        seen: dict[tuple[object, ...], int] = {}
        repricing: list[BilledLine] = []
        for line, subject in zip(list(cell.billed), cell.subjects, strict=True):
            what = same(line, subject)
            seen[what] = seen.get(what, 0) + 1
            copies = max(1, allowed.get((line.quantity, line.unit_price, line.net), 1))
            takes_back = line.why == "adjustment" or (not line.is_sum and (line.quantity or 0) < 0)
            if seen[what] > copies and takes_back:
                repricing.append(line)
            elif seen[what] > copies:
                self._take_line(work, line, "LINE_DUP", {})
            elif not cell.expected and (number := self._billed_in(line, subject)) is not None:
                self._take_line(work, line, "LINE_DUP", {"earlier": number})

        # Two months with as many units are repriced alike: that is a line twice where the cell comes out without it, or else
        # where no changed fact gives both.
        work.alike = repricing
        if repricing and sum((line.net for line in repricing), ZERO) == kroner(work.left):
            self._take_alike(work)

    def _take_alike(self, work: Work) -> None:
        """Take the lines off that reprice the same units again."""
        for line in work.alike:
            self._take_line(work, line, "LINE_DUP", {})
        work.alike = []

    def _billed_in(self, line: BilledLine, subject: Subject) -> str | None:
        """Return the number of an earlier document that has this very line."""
        if self._earlier is None:
            self._earlier = {}
            for document in self.situation.earlier:
                own = subjects_of(document.lines, self.situation.names)
                for each, its in zip(document.lines, own, strict=True):
                    self._earlier.setdefault(same(each, its), document.number)
        return self._earlier.get(same(line, subject))

    def _take_line(self, work: Work, line: BilledLine, code: Code, params: dict[str, Value]) -> None:
        ore = int((line.net / ORE).to_integral_value())
        work.lines = [each for each in work.lines if each is not line]
        detail: dict[str, Value] = {"quantity": line.quantity, "price": line.unit_price, "text": line.text, **params}
        work.take(self._finding(work, code, kroner(ore), detail, lines=(line,)), ore)

    def _not_live(self, work: Work) -> None:
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
            # What was used before the end may be repriced after it.
            before = line.why == "adjustment" and any(each.go_live < span.end for each in own)
            if not live and not validating and not before:
                params: dict[str, Value] = {
                    "go_live": min((each.go_live for each in own if each.go_live >= span.end), default=None),
                    "ended": max((each.end for each in own if each.end is not None), default=None),
                }
                self._take_line(work, line, "NOT_ACTIVE", params)
            elif span.overlap(self.situation.period) is None:
                self._other_period(work, line, subject, span)

    def _other_period(self, work: Work, line: BilledLine, subject: Subject, span: Period) -> None:
        late = sum(
            entry.quantity
            for entry in self.situation.late
            if (entry.trust, entry.algorithm) == (subject.trust, subject.algorithm) and span.contains(entry.on)
        )
        code: Code = "QTY_LATE" if late and line.quantity == late else "QTY_PERIOD"
        self._take_line(work, line, code, {"billed": line.quantity, "late": late, "from": span})

    def _arithmetic(self, work: Work) -> None:
        """Take off what a line bills beyond its own quantity, price and allowances."""
        tolerance = self.situation.tolerance.line
        for line in work.lines:
            own = line.own_net
            if own is None or abs(line.net - own) <= tolerance:
                continue
            off = int(((line.net - own) / ORE).to_integral_value())
            params: dict[str, Value] = {"billed": line.net, "expected": own, "quantity": line.quantity}
            params["allowance"] = line.allowance or None
            work.take(
                self._finding(work, "ARITHMETIC", kroner(off), {**params, "price": line.unit_price}, lines=(line,)), off
            )

    def _differs_in_detail(self, work: Work) -> bool:
        """Tell whether a line that stands for one expected line has another quantity or price than that one."""
        if fidelity(work.lines, work.cell.expected, self.style) == EXACT:
            return False
        for group in work.cell.matches:
            if len(group.billed) == 1 and len(group.expected) == 1 and group.billed[0] in work.lines:
                line, due = group.billed[0], group.expected[0]
                if line.quantity is None or line.unit_price is None or due.quantity is None or line.is_sum:
                    continue
                if due.kind != "usage" or line.base_quantity == line.quantity:
                    continue
                if line.quantity != due.quantity or not is_price_of(line, due, self.style):
                    return True
        return False

    def _absent(self, work: Work) -> list[Line]:
        """Return the lines that are due and not billed in a cell whose other lines are all billed as due."""
        for charge in work.cell.charges:
            fees = [line for line in work.cell.expected if line.charge == charge and line.why in _ALONE]
            if (
                fees
                and len(fees) < len(work.cell.expected)
                and sum(self.style.net_ore(line) for line in fees) == -work.left
            ):
                return fees
        absent: list[Line] = []
        for group in work.cell.matches:
            if not group.billed:
                absent += group.expected
            elif (
                len(group.billed) != 1
                or len(group.expected) != 1
                or group.billed[0] not in work.lines
                or fidelity(group.billed, group.expected, self.style) < EXACT
            ):
                return []
        return (
            absent
            if len(absent) < len(work.cell.expected) and sum(self.style.net_ore(e) for e in absent) == -work.left
            else []
        )

    def _set_missing_apart(self, work: Work, absent: list[Line]) -> None:
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
        if cell.due_ore is not None:
            # Where the discount stands below the lines, so it does for what is not among them.
            missing.due_ore = sum(self.style.net_ore(line) for line in absent)
            cell.due_ore -= missing.due_ore
        self.cells.all.append(missing)
        self.works.append(Work(missing, [], work.left))
        work.left = 0

    def _finding(
        self,
        work: Work,
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

    def _group(self, work: Work) -> GroupExplanation:
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
