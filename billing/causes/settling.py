"""Causes into findings: each takes its amount off what is left of its cell, and the rest is named or left unexplained."""

from __future__ import annotations

from collections.abc import Sequence

from billing.causes.cells import ELSEWHERE
from billing.causes.changes import Change
from billing.causes.codes import place
from billing.causes.described import describe
from billing.causes.searching import Bundle, Move, Searching, Story
from billing.causes.works import Part, Work, overlap
from contracts.terms.money import kroner


class Settling(Searching):
    """Write the causes found for each cell as findings."""

    def _settle(self, part: Bundle, story: Story) -> None:
        """Write a story's causes for every cell it touches, the first in the order of the table first."""
        effect = self._effect(sorted(part.charges), story.moves, story.recount) or {}
        counted = (self._effect(sorted(part.charges), (), True) or {}) if story.recount else {}
        for number in sorted({*part.cells, *effect, *counted, *story.left} - {ELSEWHERE}):
            work = self.by_number[number]
            if not story.moves and not story.recount and (absent := self._absent(work)):
                self._set_missing_apart(work, absent)
                continue
            parts: list[Part] = []
            if counted.get(number):
                self.charges[number] = sorted(part.charges)
                parts += self._recount_parts(work)
            parts += self._moved(part, story, work, effect.get(number, 0), counted.get(number, 0))
            if rest := work.left - sum(each[1] for each in parts):
                parts += self._read(work, self._lines(part, number, story.moves, story.recount), rest)
            for code, ore, params, clause in sorted(parts, key=lambda each: place(each[0])):
                work.take(self._finding(work, code, kroner(ore), params, clause=clause), ore)
            if not parts and not work.findings and self._differs_in_detail(work):
                self._in_detail(work)

    def _in_detail(self, work: Work) -> None:
        """Tell of lines that are not as due and yet come to what is due in all."""
        counted = [each for each in self.recounts if each.options and work.cell.keys == {each.key}]
        counted = [each for each in counted if overlap(work.cell.period, each.span)]
        if counted:
            params = self._recount_params(counted[0])
            work.take(self._finding(work, self._code(counted[0]), kroner(0), params), 0)
            return
        for code, ore, params, clause in self._read(work, work.cell.expected, 0):
            if code != "ROUNDING":
                work.take(self._finding(work, code, kroner(ore), params, clause=clause), ore)

    def _moved(self, part: Bundle, story: Story, work: Work, total: int, counted: int) -> list[Part]:
        """Split what moves do to a cell: the first has its single effect, the last the rest."""
        number, parts, spent = work.cell.number, [], counted
        moves = [move for move in story.moves if self._touches(part, move, number, story)]
        moves.sort(key=lambda move: place(move.code))
        for n, move in enumerate(moves):
            reached = total
            if n < len(moves) - 1:
                reached = (self._effect(sorted(part.charges), moves[: n + 1], story.recount) or {}).get(number, 0)
            if reached != spent:
                parts.append(self._part_of(move, part, work, reached - spent, story))
            spent = reached
        return parts

    def _touches(self, part: Bundle, move: Move, number: int, story: Story) -> bool:
        alone = self._effect(sorted(part.charges), (move,), story.recount) or {}
        without = self._effect(sorted(part.charges), (), story.recount) or {}
        others: Sequence[Move] = [each for each in story.moves if each is not move]
        rest = self._effect(sorted(part.charges), others, story.recount) or {}
        whole = self._effect(sorted(part.charges), story.moves, story.recount) or {}
        return alone.get(number, 0) != without.get(number, 0) or whole.get(number, 0) != rest.get(number, 0)

    def _part_of(self, move: Move, part: Bundle, work: Work, ore: int, story: Story) -> Part:
        # The numbers and the clause are those of a charge that has the fact, and not of one beside it.
        own = [code for code in work.cell.charges if code in move.charges] or [
            c for c in move.charges if c in part.charges
        ]
        charge = next((each for each in own if each in self.of_change.get(move.change, ())), own[0])
        params = describe(move.change, self.facts[charge])
        if story.alternatives:
            params["alternatives"] = story.alternatives
        return move.code, ore, params, self._clause(move.change, charge, work)

    def _clause(self, change: Change, charge: str, work: Work) -> str | None:
        day = getattr(change, "effective_from", None)
        if day is not None:
            for adjustment in self.situation.price_book.index_adjustments:
                if adjustment.effective_from == day:
                    return adjustment.clause
        own = self.facts[charge].charge_on(self.situation.period.start)
        return work.cell.clause if own is None else own.clause

    def _rest(self, work: Work) -> None:
        """Name what is left of a cell that no charge of the agreement has anything to do with, or that came apart later."""
        for code, ore, params, clause in self._read(work, work.cell.expected, work.left):
            work.take(self._finding(work, code, kroner(ore), params, clause=clause), ore)
