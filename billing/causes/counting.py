"""The vendor's count: where it is another than ours, how that may have come, and what it does to every cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice, product

from billing.causes.cells import ELSEWHERE, Cell
from billing.causes.changes import Counted
from billing.causes.declared import Code
from billing.causes.effects import NOTHING
from billing.causes.findings import Value
from billing.causes.quantities import Counts, Key, Recount, recounts
from billing.causes.seeing import Seeing
from billing.causes.works import Part, Work, overlap, without
from contracts.terms.period import Period
from contracts.terms.price_book import Usage
from contracts.terms.price_model import UsageCharge

# How many ways of counting are rated for the lines they touch together.
_MOST_OPTIONS_TRIED = 64


class Counting(Seeing):
    """Find the vendor's count, as the lines or its statement show it, and rate every charge under it."""

    recounts: list[Recount]
    counts: Counts
    chosen: dict[tuple[Key, Period], int]
    charges: dict[int, list[str]]

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
        cells = [without(work) for work in self.works if work.lines or not work.cell.billed]
        self.recounts = recounts(cells, self.counts, self.usage_charges, covering)
        self.chosen: dict[tuple[Key, Period], int] = {(each.key, each.span): 0 for each in self.recounts}
        self._lines_lost()
        self._entries_into_effects()
        self._try_other_options()

    def _lines_lost(self) -> None:
        """Tell a lost line from a lower count: a lower count moves the tiers of other lines, and they show it."""
        for work in list(self.works):
            absent = self._absent(work) if work.cell.billed else []
            own = [
                each for each in self.recounts if work.cell.keys == {each.key} and overlap(work.cell.period, each.span)
            ]
            if not absent or not own:
                continue
            left = {each.cell.number: each.left for each in self.works}
            moved: dict[int, int] = {}
            for code in self.usage_charges:
                counted = Counted(self._entries(own)).apply(self.facts[code])
                if counted is not None:
                    tried = self.effects.recount(code, counted.usage[len(self.facts[code].usage) :]) or NOTHING
                    base = self.effects.base[code].nets
                    for cell in {*tried.nets, *base}:
                        moved[cell] = moved.get(cell, 0) + tried.nets.get(cell, 0) - base.get(cell, 0)
            mine = moved.pop(work.cell.number, 0)
            others = [cell for cell, ore in moved.items() if ore and cell != ELSEWHERE]
            shown = all(moved[cell] == left[cell] for cell in others) and mine == work.left
            if not shown or (not others and all(self._code(each) == "QTY_DIFF" for each in own)):
                self.recounts = [each for each in self.recounts if each not in own]
                self._set_missing_apart(work, absent)

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

    def _recount_parts(self, work: Work) -> list[Part]:
        """Split what another count does to a cell over the counts of its own; what others' counts do comes in one part."""
        number = work.cell.number
        total = self._recount_effect(number)
        span = work.cell.period
        mine = [
            each
            for each in self.recounts
            if each.options and each.key in work.cell.keys and span is not None and each.span.overlap(span)
        ]
        parts: list[Part] = []
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
        merged: dict[Code, Part] = {}
        for part in parts:
            if part[0] in merged:
                merged[part[0]] = (part[0], merged[part[0]][1] + part[1], merged[part[0]][2], part[3])
            else:
                merged[part[0]] = part
        return list(merged.values())

    def _recount_effect(self, number: int) -> int:
        return sum(self.effects.effect(code, True, ()).get(number, 0) for code in self.charges[number])
