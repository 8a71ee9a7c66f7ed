"""Causes into findings: each takes its amount off what is left of its cell, and the rest is named or left unexplained."""

from __future__ import annotations

from billing.causes.billed import ZERO
from billing.causes.changes import Change, NoLimit, OtherLimit, OtherLimitBasis
from billing.causes.codes import Code, place
from billing.causes.described import describe
from billing.causes.effects import NOTHING, Rated
from billing.causes.findings import Value
from billing.causes.line_by_line import read_off
from billing.causes.searching import Searching
from billing.causes.works import EXACT, Hit, Part, Work
from billing.rating.lines import Line
from contracts.terms.money import kroner

_LIMITS = (NoLimit, OtherLimit, OtherLimitBasis)


class Settling(Searching):
    """Write the causes found for each cell as findings."""

    def _settle(self, work: Work) -> None:
        """Write the causes found for a cell, each with its amount, the first in the order of the table first."""
        hit = self.hits.get(work.cell.number)
        absent = self._absent(work)
        if absent and (
            hit is None or not (self._is_absence_explained(work, hit) or self._is_limit_in_a_sum(hit, work, absent))
        ):
            self._set_missing_apart(work, absent)
            return
        if hit is None:
            if not self._is_rounding(work):
                self._line_by_line(work)
            return
        if self._is_one_line_fault(work, hit):
            self._line_by_line(work)
            return
        if not work.cell.billed and not self._is_absence_explained(work, hit):
            return
        target = work.left
        parts: list[Part] = []
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
            # The numbers and the clause are those of a charge that has the fact, and not of one beside it.
            charge = next((each for each in charges if each in self.of_change[change]), charges[0])
            parts.append((code, amount, describe(change, self.facts[charge]), self._clause(change, charge, work)))
            spent += amount
        for code, ore, params, clause in sorted(parts, key=lambda part: place(part[0])):
            work.take(self._finding(work, code, kroner(ore), params, clause=clause), ore)

    def _is_one_line_fault(self, work: Work, hit: Hit) -> bool:
        """Tell whether one thing read off the lines says more than a change that gets no line right and holds nowhere else."""
        if len(hit.causes) != 1 or hit.recount or not work.lines:
            return False
        ((_, change, charges),) = hit.causes
        only = charges[0] if len(charges) == 1 and len(self.charges[work.cell.number]) > 1 else None
        if self._in_document(hit.recount, change, only)[0] > 1 or self._fidelity(work, False, change, only) == EXACT:
            return False
        lines = [line for code in self.charges[work.cell.number] for line in self._base_lines(code, work.cell.number)]
        read = read_off(work.lines, work.cell.subjects, work.cell.billed, lines, self.facts, work.left)
        if read is None or len(read) != 1 or len(lines) != len(work.lines):
            return False
        # A line that shows an amount and nothing else says no more than that it is another one.
        return read[0][0] != "PRICE_UNIT" or any(line.quantity is not None for line in lines)

    def _base_lines(self, code: str, number: int) -> list[Line]:
        return self.effects.base[code].lines.get(number, [])

    @staticmethod
    def _is_limit_in_a_sum(hit: Hit, work: Work, absent: list[Line]) -> bool:
        """Tell whether a minimum or maximum that was applied otherwise would stand in a line that is there, with others."""
        if not all(isinstance(change, _LIMITS) for _, change, _ in hit.causes):
            return False
        gone = {id(line) for line in absent}
        return all(group.billed for group in work.cell.matches if any(id(line) in gone for line in group.expected))

    def _is_absence_explained(self, work: Work, hit: Hit) -> bool:
        """Tell whether what is not billed is gone by a change that other, billed, cells confirm."""
        if hit.recount:
            return True
        mine = {change for _, change, _ in hit.causes}
        others = [
            self.cells.all[cell]
            for cell, other in self.hits.items()
            if other is not hit and mine & {each for _, each, _ in other.causes}
        ]
        if not all(isinstance(change, _LIMITS) for change in mine):
            return any(cell.billed for cell in others)
        # Several minima gone at once are a minimum not applied; one may as well be a line that was lost, and where nothing
        # of the trust is billed they all were.
        trust = work.cell.trust
        return bool(others) and any(cell.billed for cell in self.cells.all if trust is None or cell.trust == trust)

    def _clause(self, change: Change, charge: str, work: Work) -> str | None:
        day = getattr(change, "effective_from", None)
        if day is not None:
            for adjustment in self.situation.price_book.index_adjustments:
                if adjustment.effective_from == day:
                    return adjustment.clause
        own = self.facts[charge].charge_on(self.situation.period.start)
        return work.cell.clause if own is None else own.clause

    def _line_by_line(self, work: Work) -> None:
        """Read what no changed fact explains off the lines, under what is known of the cell's other causes."""
        number = work.cell.number
        if not work.lines:
            return
        own = self.charges[number]
        recount = len(self.bases) > 1 and bool(self._recount_effect(number))
        bases: list[tuple[tuple[Change, ...], bool]] = [((), recount)]
        bases += [((change,), recount) for change in sorted(self.confirmed, key=lambda each: place(self.code_of[each]))]
        best: tuple[int, list[Part]] | None = None
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
        self, work: Work, own: list[str], changes: tuple[Change, ...], recount: bool
    ) -> tuple[list[Line] | None, list[Part]]:
        number = work.cell.number
        parts: list[Part] = self._recount_parts(work) if recount else []
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

    def _rest(self, work: Work) -> None:
        """Name what is left of a cell: rounding, a line that is missing or unknown, a fee, or nothing that we know."""
        ore = work.left
        if self._is_rounding(work):
            work.take(self._finding(work, "ROUNDING", kroner(ore), {"amount": kroner(ore)}), ore)
            return
        if not work.cell.billed:
            work.take(self._finding(work, "MISSING_LINE", kroner(ore), {"missing": kroner(-ore)}), ore)
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
            "expected": kroner(work.cell.expected_ore) if work.cell.expected else None,
            "amount": kroner(ore),
            "text": work.lines[0].text if work.lines else None,
        }
        work.take(self._finding(work, code, kroner(ore), params), ore)
