"""What the lines of a cell show that no changed fact says: a line too many or too few, a fee, another count, price or discount."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from billing.causes.billed import ZERO, BilledLine
from billing.causes.declared import Code
from billing.causes.findings import Value
from billing.causes.line_by_line import read_off
from billing.causes.matching import Subject
from billing.causes.seeing import Seeing
from billing.causes.works import ORE, Part, Work
from billing.rating.lines import Line
from contracts.terms.money import kroner

_LIMITS = ("minimum", "maximum")

# A discount on a line of its own that belongs to nothing due is one that was given after its end.
_AMOUNTS: dict[str, Code] = {
    "minimum": "MINIMUM_WRONG",
    "maximum": "MINIMUM_WRONG",
    "fee": "FIXED_FEE",
    "one_off": "FIXED_FEE",
    "discount": "RAMP_EXPIRED",
}


class Reading(Seeing):
    """Read what is left of a cell off its lines."""

    def _read(self, work: Work, lines: Sequence[Line], left: int) -> list[Part]:
        """Split what is left of a cell over its lines, given what is due there under the causes found already.

        The parts sum to what is left; UNEXPLAINED is one of them where nothing else is. Roundings are parts too.
        """
        clause = work.cell.clause
        if work.cell is self.discounts:
            return [self._discounts_as_sum(left)]
        if not work.cell.billed:
            return [("MISSING_LINE", left, {"missing": kroner(-left)}, clause)]
        if left and self._is_rounding(work, left):
            return [("ROUNDING", left, {"amount": kroner(left)}, clause)]
        found = (
            self._one_line_too_many(work, left)
            or self._one_line_too_few(work, lines, left)
            or read_off(work.lines, work.cell.subjects, work.cell.billed, lines, self.facts, left, self.style)
            or [self._by_sort(work, lines, left)]
        )
        return [(code, ore, params, clause) for code, ore, params in found]

    def _discounts_as_sum(self, left: int) -> Part:
        """Name what the discount of the whole document is beyond what is due."""
        assert self.discounts is not None
        due = -kroner(self.discounts.expected_ore)
        taken = self.document.allowances
        code: Code = self._followed(left) or ("RAMP_RATE" if due else "RAMP_EXPIRED")
        return code, left, {"discount": taken, "agreed_discount": due, "amount": kroner(left)}, None

    def _followed(self, left: int) -> Code | None:
        """Name what was read off lines whose discount, at the agreed rate, is just what the sum of discounts is off by."""
        moved, lines = 0, 0
        codes: list[tuple[Decimal, Code]] = []
        for work in self.works:
            for group in work.cell.matches:
                if len(group.billed) != 1 or len(group.expected) != 1 or not group.expected[0].discount_ore:
                    continue
                line, due = group.billed[0], group.expected[0]
                if line.own_gross is None or line.net == due.gross:
                    continue
                off = (line.own_gross * due.discount_rate).quantize(ORE, "ROUND_HALF_UP") - due.discount
                moved, lines = moved - int(off / ORE), lines + 1
                codes += [(abs(off), "QTY_DIFF" if line.quantity != due.quantity else "PRICE_UNIT")]
        return max(codes)[1] if codes and abs(moved - left) <= lines else None

    def _one_line_too_many(self, work: Work, left: int) -> list[tuple[Code, int, dict[str, Value]]]:
        if sum((line.net for line in work.alike), ZERO) == kroner(left) and work.alike:
            line = work.alike[0]
            return [("LINE_DUP", left, {"quantity": line.quantity, "price": line.unit_price})]
        if len(work.lines) < 2:
            return []
        for line, subject in zip(work.cell.billed, work.cell.subjects, strict=True):
            if line not in work.lines or line.net != kroner(left):
                continue
            if subject.sort is None and not self._says_nothing_known(work, line, subject):
                continue
            code = "UNKNOWN_ITEM" if subject.sort is None else _AMOUNTS[subject.sort]
            return [(code, left, {"text": line.text or None, "amount": line.net, "billed": None})]
        return []

    def _says_nothing_known(self, work: Work, line: BilledLine, subject: Subject) -> bool:
        """Tell whether a line names no examinations and is worded unlike the others of its cell."""
        if subject.algorithm is not None or subject.charge is not None or subject.tier is not None:
            return False
        return sum(each.text.casefold() == line.text.casefold() for each in work.cell.billed) == 1

    def _one_line_too_few(
        self, work: Work, lines: Sequence[Line], left: int
    ) -> list[tuple[Code, int, dict[str, Value]]]:
        if left >= 0:
            return []
        have = [(line.quantity, line.net) for line in work.lines]
        for due in lines:
            if -left in (self.style.net_ore(due), due.gross_ore) and (due.quantity, kroner(-left)) not in have:
                whole = len(lines) == len(work.lines) + 1
                if whole or due.kind != "usage" or (due.why in _LIMITS and self._limits_stand_alone()):
                    return [("MISSING_LINE", left, {"missing": kroner(-left)})]
        return []

    def _limits_stand_alone(self) -> bool:
        """Tell whether this vendor bills minima and maxima on lines of their own: one that is not there was lost."""
        return any(each.sort in _LIMITS for work in self.works for each in work.cell.subjects)

    def _by_sort(self, work: Work, lines: Sequence[Line], left: int) -> tuple[Code, int, dict[str, Value]]:
        """Name a difference after the sort of the lines that have it, where they are all of one; else it is not explained."""
        sorts = {
            subject.sort
            for line, subject in zip(work.cell.billed, work.cell.subjects, strict=True)
            if line in work.lines
        }
        code: Code = "UNEXPLAINED"
        if not lines:
            code = "UNKNOWN_ITEM"
            charges = {subject.charge for subject in work.cell.subjects if subject.charge is not None}
            if charges and charges <= set(self.facts):
                code = "MINIMUM_WRONG" if charges <= self.usage_charges else "FIXED_FEE"
            if len(sorts) == 1 and (sort := sorts.pop()) is not None:
                code = _AMOUNTS[sort]
        elif all(line.kind in ("fixed", "one_off") for line in lines):
            code = "FIXED_FEE"
        elif all(line.why in ("minimum", "maximum") for line in lines):
            code = "MINIMUM_WRONG"
        billed = sum((line.net for line in work.lines), ZERO)
        params: dict[str, Value] = {
            "billed": billed,
            "expected": kroner(sum(self.style.net_ore(line) for line in lines)) if lines else None,
            "amount": kroner(left),
            "text": work.lines[0].text if work.lines else None,
        }
        return code, left, params

    def _is_rounding(self, work: Work, left: int) -> bool:
        most = int(self.situation.tolerance.line / ORE) * max(1, len(work.lines))
        return bool(work.lines) and abs(left) <= most and not self._differs_in_detail(work)
