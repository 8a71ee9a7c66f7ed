"""The search for the changed facts that reproduce cells to the øre: one, then two, those first that hold everywhere."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from heapq import nsmallest
from itertools import combinations

from billing.causes.billed import ZERO
from billing.causes.changes import (
    Change,
    Counted,
    IndexFrom,
    NoIndex,
    OtherFactor,
    OtherRate,
    OtherVersion,
    VersionLate,
)
from billing.causes.codes import Code, order, place
from billing.causes.counting import Counting
from billing.causes.effects import NOTHING
from billing.causes.hypotheses import Hints, candidates
from billing.causes.quantities import guesses
from billing.causes.works import EXACT, UNITS_AND_DISCOUNT, Hit, Moved, Work, fidelity
from billing.rating.lines import Line

# How many pairs of changes are rated for a cell that no single one explains.
_MOST_PAIRS = 48

# How far a change holds that explains one cell alone.
_NOWHERE_ELSE = 3

# What stands in the book for all charges: who reads it otherwise reads it otherwise everywhere.
_OF_THE_BOOK = (OtherVersion, VersionLate, IndexFrom, OtherFactor, NoIndex)


class Searching(Counting):
    """Rate every hypothesis for the charges that have a difference and keep what speaks loudest for each cell."""

    hits: dict[int, Hit]

    def _charges_of(self, work: Work) -> list[str]:
        own = [code for code in work.cell.charges if code in self.facts]
        if own:
            number = work.cell.number
            # A charge that nothing was due for may have a line under the vendor's count.
            counted = [code for code in self.usage_charges if self.effects.effect(code, True, ()).get(number)]
            return [*own, *sorted(set(counted) - set(own))]
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

    def _search(self, open_works: list[Work]) -> None:
        """Rate every hypothesis for the charges that have a difference and keep what reproduces each cell best."""
        self.left = {work.cell.number: work.left for work in self.works}
        self.charges = {work.cell.number: self._charges_of(work) for work in self.works}
        differing: dict[str, list[Work]] = {}
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
        for work in open_works:
            if work.alike and work.cell.number not in self.hits:
                self._take_alike(work)
                self.left[work.cell.number] = work.left
                self._consistency.clear()
                self._reach.clear()
                if work.left:
                    self._single(work)
        self.confirmed = {change for hit in self.hits.values() for _, change, _ in hit.causes}
        for work in open_works:
            if work.left and work.cell.number not in self.hits:
                self._pair(work)

    def _hints(self, code: str, works: list[Work]) -> Hints:
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

    def _solved_factors(self, works: list[Work]) -> tuple[tuple[date, Decimal], ...]:
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

    def _guesses(self, code: str, works: list[Work]) -> list[tuple[Code, Change]]:
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

    def _single(self, work: Work) -> None:
        number = work.cell.number
        own = self.charges[number]
        hits: list[Hit] = []
        for recount in self.bases:
            counted = self._recount_effect(number) if recount else 0
            if recount and counted == work.left:
                hits.append(Hit((1, False, -len(self.open), -EXACT, -1, (False, 0), 0), (), True))
            for change in dict.fromkeys(change for code in own for _, change in self.tried.get(code, ())):
                scopes = [None, *own] if len(own) > 1 else [None]
                for only in scopes:
                    if self._effect(number, recount, change, only) != work.left:
                        continue
                    if self._is_made_to_fit(work, recount, change, only):
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
                        Hit(rank, ((code, change, (only,) if only else tuple(own)),), recount and bool(counted))
                    )
        if hits:
            self.hits[number] = min(hits, key=lambda hit: hit.rank)

    def _is_made_to_fit(self, work: Work, recount: bool, change: Change, only: str | None) -> bool:
        """Tell whether a rate gives the amount, and not the discount that the lines show beside their count."""
        counted = any(line.quantity is not None and not line.is_sum for line in work.lines)
        return (
            isinstance(change, OtherRate)
            and counted
            and self._fidelity(work, recount, change, only) < UNITS_AND_DISCOUNT
        )

    def _fidelity(self, work: Work, recount: bool, change: Change | None, only: str | None) -> int:
        """Say how much of the lines themselves a change reproduces: see `fidelity`."""
        lines: list[Line] = []
        for code in self.charges[work.cell.number]:
            applies = change is not None and code in self.of_change.get(change, ()) and only in (None, code)
            changes: tuple[Change, ...] = (change,) if change is not None and applies else ()
            result = self.effects.rate(code, recount, changes) if changes or recount else self.effects.base[code]
            lines += (result or NOTHING).lines.get(work.cell.number, [])
        return fidelity(work.lines, lines)

    def _holds_in(self, number: int, recount: bool, change: Change, only: str | None) -> int:
        """Say how far a change holds: 0 the document, 1 the charge, 2 the cell's trust and algorithm, 3 the cell alone.

        A factor is a number that can be made to fit: where it holds for less than half of what it touches, or anything it
        touches is billed as due, it is none.
        """
        wrong, right = self._off(recount, change, only)
        if not wrong:
            return 0 if only is None else 1
        if isinstance(change, OtherFactor) and (
            len(right) < len(wrong) or any(not self.left.get(cell) for cell in wrong)
        ):
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

    def _moves(self, work: Work, recount: bool) -> list[Moved]:
        """List what each change moves a cell by, in all its charges and in each; what is of the book holds in all."""
        number = work.cell.number
        own = self.charges[number]
        found: list[Moved] = []
        for change in dict.fromkeys(change for code in own for _, change in self.tried.get(code, ())):
            with_it = tuple(code for code in own if code in self.of_change[change])
            alone = [] if isinstance(change, _OF_THE_BOOK) or len(with_it) == 1 else [(code,) for code in with_it]
            for charges in (with_it, *alone):
                moved = sum(self.effects.effect(code, recount, (change,)).get(number, 0) for code in charges)
                if recount:
                    moved -= sum(self.effects.effect(code, True, ()).get(number, 0) for code in charges)
                if moved:
                    found.append((self.code_of[change], change, charges, moved))
        return found

    def _pair(self, work: Work) -> None:
        """Try two changed facts at once, those first that were found elsewhere and whose single effects nearly add up."""
        number = work.cell.number
        recount = len(self.bases) > 1
        counted = self._recount_effect(number) if recount else 0
        pairs: list[tuple[int, int, tuple[bool, int], tuple[bool, int], int, Moved, Moved]] = []
        for one, other in combinations(self._moves(work, recount), 2):
            near = abs(one[3] + other[3] + counted - work.left)
            apart = not set(one[2]) & set(other[2])
            if (apart and near) or (not apart and one[0] == other[0]):
                continue
            known = (one[1] in self.confirmed) + (other[1] in self.confirmed)
            pairs.append((-known, near, order(one[0]), order(other[0]), len(pairs), one, other))
        hits: list[Hit] = []
        for known, _, _, _, n, one, other in nsmallest(_MOST_PAIRS, pairs, key=lambda pair: pair[:5]):
            lines = self._lines_under_both(work, recount, one, other)
            if lines is None:
                continue
            ordered = sorted((one, other), key=lambda each: place(each[0]))
            faithful = fidelity(work.lines, lines)
            rank = (2 + bool(counted), -faithful, known, order(ordered[0][0]), order(ordered[1][0]), n)
            causes = tuple((code, change, charges) for code, change, charges, _ in ordered)
            hits.append(Hit(rank, causes, recount and bool(counted)))
        if hits:
            self.hits[number] = min(hits, key=lambda hit: hit.rank)

    def _lines_under_both(self, work: Work, recount: bool, one: Moved, other: Moved) -> list[Line] | None:
        """Rate a cell under two changes and give its lines, None where they do not come to what is billed."""
        number, total = work.cell.number, 0
        lines: list[Line] = []
        for code in self.charges[number]:
            changes = tuple(each[1] for each in (one, other) if code in each[2])
            base = self.effects.base[code]
            result = self.effects.rate(code, recount, changes) if changes or recount else base
            if result is None:
                return None
            lines += result.lines.get(number, ())
            total += result.nets.get(number, 0) - base.nets.get(number, 0)
        return lines if total == work.left else None
