"""The search for the fewest causes that give a whole document, to the øre.

A vendor makes a mistake once and it shows wherever it matters: so a changed fact is judged by all the cells that it would have
moved, those that are billed as due included. Charges never influence one another, so the charges that share no cell are searched
apart, and what stands in the book for all charges (a version, an index) is tried over all of them first.

What counts is how many mistakes a story needs: a changed fact or another count is one, and so is each thing read off the lines
of a trust and algorithm; an amount that nothing explains, or one billed as due that a story would move, counts for more. Of
stories with as few mistakes that one wins which gives the lines themselves most faithfully, then the order of the codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from heapq import nsmallest
from itertools import combinations, islice
from math import inf

from billing.causes.billed import ZERO
from billing.causes.cells import ELSEWHERE
from billing.causes.changes import (
    Change,
    Counted,
    CountedFrom,
    IndexFrom,
    NoIndex,
    NoLimit,
    NoRampAt,
    OtherFactor,
    OtherLimit,
    OtherLimitBasis,
    OtherPayer,
    OtherProration,
    OtherRate,
    OtherVersion,
    RampFromDay,
    Undiscounted,
    ValidationBilled,
    VersionLate,
)
from billing.causes.codes import CATCH_ALLS, order
from billing.causes.counting import Counting
from billing.causes.declared import Code, Hints
from billing.causes.effects import NOTHING
from billing.causes.hypotheses import candidates
from billing.causes.quantities import guesses, plain
from billing.causes.reading_off import Reading
from billing.causes.works import UNITS_AND_DISCOUNT, Work, fidelity
from billing.rating.lines import Line
from contracts.terms.period import Period

# How many pairs of changes to the same charges are rated together.
_MOST_PAIRS = 48
# How many stories are read off line by line, the most promising first.
_MOST_READ = 40
# Of so many cells one is few.
_FEW = 4
# How many counts are solved for where a cell shows none.
_MOST_SOLVED = 8
# How many changes to several parts at once are tried beside changes to one.
_MOST_WIDE = 4

# What a story is charged, in mistakes.
_NOT_EXPLAINED = 3.0
_CONTRADICTED = 1.0
_HERE_ONLY = 0.3
_ONLY_ABSENT = 0.2
_MADE_TO_FIT = 0.5

_READ_OFF = frozenset({"RAMP_MISSING", "RAMP_EXPIRED", "RAMP_RATE", "FIXED_FEE", "MINIMUM_WRONG"})

# What stands in the book for all charges: who reads it otherwise reads it otherwise everywhere.
OF_THE_BOOK = (OtherVersion, VersionLate, IndexFrom, OtherFactor, NoIndex)

# What stands on lines of its own: one that is not there may have been left out, or lost.
_OF_AMOUNTS = (NoLimit, OtherLimit, OtherLimitBasis, OtherPayer, OtherProration)

# What is agreed for an activation or counted at it shows in every charge; what is agreed for a charge is that charge's alone.
_OF_AN_ACTIVATION = (ValidationBilled, NoRampAt, RampFromDay, Counted, Undiscounted, CountedFrom)


@dataclass(frozen=True, slots=True)
class Move:
    """Hold a changed fact, the charges it is made in, and where it is made if not everywhere: cells by number."""

    code: Code
    change: Change
    charges: tuple[str, ...]
    only: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """Hold what explains some charges' cells: moves, whether the vendor's count is taken, and what is left of which cell."""

    moves: tuple[Move, ...]
    recount: bool
    left: dict[int, int]
    cost: float
    rank: tuple[object, ...] = ()
    catch_alls: int = 0
    alternatives: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """Hold charges that share cells, and those of the cells that differ."""

    cells: list[int]
    charges: set[str]


class Searching(Reading, Counting):
    """Find the story of each part of a document."""

    def _charges_of(self, work: Work) -> list[str]:
        if work.cell is self.discounts:
            return [code for code in self.facts if self._is_ramped(code)]
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
        """Find, for all cells with a difference, the story that needs the fewest mistakes."""
        self.left = {work.cell.number: work.left for work in self.works}
        self.by_number = {work.cell.number: work for work in self.works}
        self.charges = {work.cell.number: self._charges_of(work) for work in open_works}
        differing: dict[str, list[Work]] = {}
        for work in open_works:
            for code in self.charges[work.cell.number]:
                differing.setdefault(code, []).append(work)
        self.tried: dict[str, list[tuple[Code, Change]]] = {}
        for code, works in sorted(differing.items()):
            self.tried[code] = [*candidates(self.facts[code], self._hints(code, works)), *self._guesses(code, works)]
        self.bases = [False, True] if any(self.effects.recounted.get(code) for code in differing) else [False]
        self.of_change: dict[Change, list[str]] = {}
        self.code_of: dict[Change, Code] = {}
        for charge, own in self.tried.items():
            for code, change in own:
                self.code_of.setdefault(change, code)
                self.of_change.setdefault(change, []).append(charge)
        self.whole_book = tuple(sorted(self.facts))
        self._link()
        parts = self._parts(open_works)
        stories = self._stories(parts, None)
        best = sum(story.cost for story in stories)
        if parts and (best > 1 or any(story.catch_alls for story in stories)):
            for move in self._wide(parts, open_works):
                under = self._stories(parts, move)
                cost = 1 + sum(story.cost for story in under) + self._contradicted(move, parts)
                read = sum(story.catch_alls for story in under)
                if (round(cost, 3), read) < (round(best, 3), sum(story.catch_alls for story in stories)):
                    best, stories = cost, under
        self.told = list(zip(parts, stories, strict=True))

    def _link(self) -> None:
        """Know which charges could have a line in a cell that differs: a fee may stand in a trust's sum, or on lines nobody is due."""
        for change, charges in self.of_change.items():
            if isinstance(change, OF_THE_BOOK):
                continue
            for code in charges:
                for cell in self.effects.effect(code, False, (change,)):
                    own = self.charges.get(cell)
                    if own is not None and code not in own:
                        own.append(code)

    # --- the parts of a document ---------------------------------------------------------------------------------------

    def _parts(self, open_works: list[Work]) -> list[Bundle]:
        """Part the cells by the charges that share them."""
        parent: dict[str, str] = {}

        def root(code: str) -> str:
            while parent.setdefault(code, code) != code:
                code = parent[code]
            return code

        for work in open_works:
            own = self.charges[work.cell.number]
            for code in own[1:]:
                parent[root(code)] = root(own[0])
            if own:
                root(own[0])
        parts: dict[str, Bundle] = {}
        for work in open_works:
            own = self.charges[work.cell.number]
            if own:
                part = parts.setdefault(root(own[0]), Bundle([], set()))
                part.cells.append(work.cell.number)
                part.charges.update(own)
        return list(parts.values())

    def _stories(self, parts: Iterable[Bundle], book: Move | None) -> list[Story]:
        # What shows in several parts is one mistake, whatever it does to each.
        self.wide = book
        return [self._story(part, book) for part in parts]

    def _story(self, part: Bundle, book: Move | None) -> Story:
        """Find the cheapest story of a part: nothing, one changed fact, two, each under our count and the vendor's."""
        start = () if book is None else (book,)
        bases = [recount for recount in self.bases if not recount or self._effect(sorted(part.charges), (), True)]
        stories = [self._told(part, start, recount) for recount in bases]
        best = min(stories, key=lambda story: story.rank)
        if best.cost <= 1 and not best.catch_alls:
            return self._with_alternatives(part, best, book)
        singles: list[tuple[bool, Move, dict[int, int]]] = []
        for recount in bases:
            singles += [(recount, move, effect) for move, effect in self._moves(part, recount, book)]
        stories += self._told_singly(part, singles, book)
        best = min(stories, key=lambda story: story.rank)
        if best.cost > 2 and not self._are_of_their_own(part, best):
            stories += self._told_in_pairs(part, singles, book)
            best = min(stories, key=lambda story: story.rank)
        if best.cost > 3 and best.moves and not self._are_of_their_own(part, best):
            for recount, move, _ in singles:
                if recount == best.recount and move.change not in {each.change for each in best.moves}:
                    more = self._left(part, (*best.moves, move), recount)
                    if more is not None and len(more) < len(best.left):
                        stories.append(self._told(part, (*best.moves, move), recount))
            best = min(stories, key=lambda story: story.rank)
        return self._with_alternatives(part, best, book, stories)

    def _are_of_their_own(self, part: Bundle, story: Story) -> bool:
        """Tell whether a few of many cells differ, each by something that its own lines show: no two facts move just those."""
        touched = {cell for code in part.charges for cell in self.effects.base[code].nets}
        return story.cost <= len(part.cells) and len(part.cells) * _FEW <= len(touched)

    def _with_alternatives(self, part: Bundle, best: Story, book: Move | None, stories: Iterable[Story] = ()) -> Story:
        """Keep the codes of the stories that explain as much with as few mistakes."""
        mine = {move.code for move in best.moves}
        if len(best.moves) != 1 or best.left or best.recount:
            return best
        others = (
            story.moves[0].code
            for story in sorted(stories, key=lambda story: story.rank)
            if len(story.moves) == 1 and not story.left and not story.recount and story.rank[:3] == best.rank[:3]
        )
        return replace(best, alternatives=tuple(dict.fromkeys(code for code in others if code not in mine))[:3])

    # --- what moves do -------------------------------------------------------------------------------------------------

    def _effect(self, part: Iterable[str], moves: Sequence[Move], recount: bool) -> dict[int, int] | None:
        """Return by how many øre moves change each cell together, None where they cannot all be."""
        total: dict[int, int] = {}
        for code in part:
            mine = [move for move in moves if code in move.charges]
            mine = [move for move in mine if self.effects.rate(code, recount, (move.change,)) is not None]
            if not mine and not recount:
                continue
            if self.effects.rate(code, recount, tuple(move.change for move in mine)) is None:
                return None
            result = self.effects.effect(code, recount, tuple(move.change for move in mine))
            narrow = [move.only for move in mine if move.only is not None]
            if narrow:
                wide = self.effects.effect(code, recount, tuple(move.change for move in mine if move.only is None))
                only = frozenset.intersection(*narrow)
                result = {cell: (result if cell in only else wide).get(cell, 0) for cell in {*result, *wide}}
            for cell, ore in result.items():
                total[cell] = total.get(cell, 0) + ore
        return {cell: ore for cell, ore in total.items() if ore}

    def _left(self, part: Bundle, moves: Sequence[Move], recount: bool) -> dict[int, int] | None:
        """Return what moves leave of each cell, and what they move cells by that are billed as due."""
        effect = self._effect(sorted(part.charges), moves, recount)
        return None if effect is None else self._over(part, effect)

    def _over(self, part: Bundle, effect: Mapping[int, int]) -> dict[int, int]:
        cells = {*part.cells, *effect}
        rest = ((cell, self.left.get(cell, 0) - effect.get(cell, 0)) for cell in sorted(cells))
        return {cell: ore for cell, ore in rest if ore}

    def _moves(self, part: Bundle, recount: bool, book: Move | None) -> Iterator[tuple[Move, dict[int, int]]]:
        """Give each change with an effect of its own: in all the charges that have the fact, in each, and for one trust alone."""
        start = () if book is None else (book,)
        before = self._effect(sorted(part.charges), start, recount) or {}
        for change, charges in self.of_change.items():
            own = tuple(code for code in charges if code in part.charges)
            if not own or (book is not None and (change == book.change or isinstance(change, OF_THE_BOOK))):
                continue
            for some in [own, *([(code,) for code in own] if len(own) > 1 else [])]:
                move = Move(self.code_of[change], change, some)
                effect = self._effect(sorted(part.charges), (*start, move), recount) or {}
                if effect == before:
                    continue
                yield move, effect
                yield from self._at_one_place(part, move, effect, recount, start)

    def _at_one_place(
        self, part: Bundle, move: Move, effect: dict[int, int], recount: bool, start: tuple[Move, ...]
    ) -> Iterator[tuple[Move, dict[int, int]]]:
        """Give a change as it is made for one trust alone, where it explains all that it moves there and not elsewhere."""
        wrong = self._over(part, effect)
        if not wrong or len(wrong) == len({*part.cells, *effect}):
            return
        whose: dict[str | None, set[int]] = {}
        for cell in effect:
            if cell != ELSEWHERE:
                whose.setdefault(self.cells.all[cell].trust, set()).add(cell)
        for trust, cells in whose.items():
            if trust is not None and not cells & set(wrong) and any(self.left.get(cell) for cell in cells):
                narrow = replace(move, only=frozenset(cells))
                found = self._effect(sorted(part.charges), (*start, narrow), recount)
                if found:
                    yield narrow, found

    # --- what stories cost ---------------------------------------------------------------------------------------------

    def _told_singly(
        self, part: Bundle, singles: Sequence[tuple[bool, Move, dict[int, int]]], book: Move | None
    ) -> list[Story]:
        start = () if book is None else (book,)
        near = sorted(
            ((len(self._over(part, effect)), order(move.code), n) for n, (_, move, effect) in enumerate(singles)),
        )
        stories: list[Story] = []
        for count, _, n in near[:_MOST_READ]:
            recount, move, _ = singles[n]
            if count >= len(part.cells) and stories:
                break
            stories.append(self._told(part, (*start, move), recount))
        return stories

    def _told_in_pairs(
        self, part: Bundle, singles: Sequence[tuple[bool, Move, dict[int, int]]], book: Move | None
    ) -> list[Story]:
        """Try two changed facts at once, those first whose single effects nearly add up to what there is."""
        start = () if book is None else (book,)
        tried: list[tuple[int, int, tuple[bool, int], tuple[bool, int], int, Move, Move, bool]] = []
        together: list[tuple[int, int, tuple[Move, ...], bool]] = []
        for recount in self.bases:
            mine = [(move, effect) for counted, move, effect in singles if counted == recount and move.only is None]
            before = self._effect(sorted(part.charges), start, recount) or {}
            for (one, first), (other, second) in combinations(mine, 2):
                if one.code == other.code and set(one.charges) & set(other.charges):
                    continue
                far, off = 0, 0
                for cell in {*part.cells, *first, *second}:
                    both = first.get(cell, 0) + second.get(cell, 0) - before.get(cell, 0)
                    apart = abs(self.left.get(cell, 0) - both)
                    far += apart
                    off += apart > 0
                tried.append((far, off, order(one.code), order(other.code), len(tried), one, other, recount))
        chosen = nsmallest(_MOST_PAIRS, tried, key=lambda pair: pair[:5])
        chosen += nsmallest(_MOST_PAIRS, tried, key=lambda pair: (pair[1], pair[0], *pair[2:5]))
        for n, (*_, one, other, recount) in enumerate({pair[4]: pair for pair in chosen}.values()):
            rest = self._left(part, (*start, one, other), recount)
            if rest is not None:
                together.append((len(rest), n, (*start, one, other), recount))
        for recount, one, effect in self._nearest(part, singles):
            for other in self._solved_under(part, self._over(part, effect)):
                if one.code != other.code:
                    rest = self._left(part, (*start, one, other), recount)
                    if rest is not None:
                        together.append((len(rest), -len(together), (*start, one, other), recount))
        together.sort(key=lambda each: each[:2])
        return [self._told(part, moves, recount) for _, _, moves, recount in together[: _MOST_READ // 2]]

    def _nearest(
        self, part: Bundle, singles: Sequence[tuple[bool, Move, dict[int, int]]]
    ) -> list[tuple[bool, Move, dict[int, int]]]:
        """Give the changes after which least is left, in kroner."""
        return nsmallest(
            _MOST_SOLVED, singles, key=lambda each: sum(abs(ore) for ore in self._over(part, each[2]).values())
        )

    def _solved_under(self, part: Bundle, rest: Mapping[int, int]) -> Iterator[Move]:
        """Solve for the discount or the factor that would give what another change leaves: no term of the agreement has it."""
        cells = [(ore, self.cells.all[cell]) for cell, ore in rest.items() if cell != ELSEWHERE]
        for ore, cell in nsmallest(2, cells, key=lambda each: -abs(each[0])):
            for code in sorted(part.charges):
                due = [line for line in self.effects.base[code].lines.get(cell.number, ()) if line.discount_rate_e4]
                for phase in sorted({line.phase for line in due if line.phase is not None}):
                    gross = sum(line.gross_ore for line in due if line.phase == phase)
                    now = next(line.discount_rate for line in due if line.phase == phase)
                    solved = (now - Decimal(ore) / gross).quantize(Decimal("0.01")) if gross else now
                    if 0 <= solved <= 1 and solved != now:
                        yield Move("RAMP_RATE", OtherRate(phase, solved), (code,))
            for each in self.situation.price_book.index_adjustments:
                without = (NoIndex(each.effective_from),)
                fall = sum(self.effects.effect(c, False, without).get(cell.number, 0) for c in part.charges)
                if fall and each.factor != 1:
                    solved = (each.factor - ore * (each.factor - 1) / fall).quantize(Decimal("0.001"))
                    if solved not in (1, each.factor):
                        yield Move("INDEX_WRONG", OtherFactor(each.effective_from, solved), tuple(sorted(part.charges)))

    def _told(self, part: Bundle, moves: tuple[Move, ...], recount: bool) -> Story:
        """Read what moves leave off the lines, and count how many mistakes there are in all."""
        rest = self._left(part, moves, recount)
        if rest is None:
            return Story(moves, recount, {}, inf, (inf,))
        cost = sum(self._cost_of(part, move, rest) for move in moves if move is not self.wide)
        if recount:
            charges = part.charges
            cost += max(
                1,
                len(
                    {
                        each.key
                        for each in self.recounts
                        if each.options and any(self._covers(c, each.key) for c in charges)
                    }
                ),
            )
        read: set[tuple[object, ...]] = set()
        for number, ore in rest.items():
            if number == ELSEWHERE:
                cost += _NOT_EXPLAINED
                continue
            work = self.by_number[number]
            cost += 0 if self.left.get(number) else _CONTRADICTED
            for code, _, _, _ in self._read(work, self._lines(part, number, moves, recount), ore):
                if code == "UNEXPLAINED":
                    cost += _NOT_EXPLAINED
                elif code != "ROUNDING" and not (work.cell is self.discounts and any(code == key[0] for key in read)):
                    read.add((code, work.cell.trust, work.cell.algorithm))
        # One line that is lost may have stood for several trusts, or for several algorithms.
        lost = [key for key in read if key[0] == "MISSING_LINE"]
        cost += len(read) - len(lost) + min(len({key[1] for key in lost}), len({key[2] for key in lost}))
        faithful = min(
            (self._fidelity(part, cell, moves, recount) for cell in part.cells if cell not in rest), default=0
        )
        codes = [*(move.code for move in moves), *(each[0] for each in read)]
        # What is only read off the lines says less than a changed fact that gives as much.
        catch_alls = sum(code in CATCH_ALLS for code in codes) + sum(each[0] in _READ_OFF for each in read)
        catch_alls += sum(isinstance(move.change, Counted) for move in moves)
        rank = (round(cost, 3), len(rest), -faithful, catch_alls, sorted(order(move.code) for move in moves), recount)
        return Story(moves, recount, rest, cost, rank, catch_alls)

    def _cost_of(self, part: Bundle, move: Move, rest: Mapping[int, int]) -> float:
        own = self._effect(sorted(part.charges), (move,), False) or {}
        right = [cell for cell in own if cell not in rest and self.left.get(cell)]
        cost = 1.0
        if move.only is not None or (isinstance(move.change, OF_THE_BOOK) and len(move.charges) < len(self.whole_book)):
            cost += _HERE_ONLY
        if not any(self.by_number[cell].cell.billed or self.cells.all[cell] is self.discounts for cell in right):
            cost += _ONLY_ABSENT if isinstance(move.change, _OF_AMOUNTS) else _NOT_EXPLAINED
        # Of counts that no line shows only those are believed that give everything they touch.
        if isinstance(move.change, Counted) and any(cell in rest for cell in own):
            cost += _NOT_EXPLAINED
        if isinstance(move.change, OtherFactor) and len(self._prices(right)) < 2:
            cost += _MADE_TO_FIT
        if isinstance(move.change, OtherRate) and any(self._is_made_to_fit(part, cell, move) for cell in right):
            cost += _NOT_EXPLAINED
        return cost

    def _prices(self, cells: Iterable[int]) -> set[Decimal]:
        due = (line for cell in cells for line in self.cells.all[cell].expected)
        return {line.unit_price for line in due if line.unit_price is not None}

    def _is_made_to_fit(self, part: Bundle, number: int, move: Move) -> bool:
        """Tell whether a rate gives the amount, and not the discount that the lines show beside their count."""
        work = self.by_number[number]
        counted = any(line.quantity is not None and not line.is_sum for line in work.lines)
        return counted and self._fidelity(part, number, (move,), False) < UNITS_AND_DISCOUNT

    def _lines(self, part: Bundle, number: int, moves: Sequence[Move], recount: bool) -> list[Line]:
        """Return what would be due in a cell under moves."""
        lines: list[Line] = []
        for code in sorted({*part.charges, *self.cells.all[number].charges}):
            base = self.effects.base.get(code, NOTHING)
            counted = recount and code in part.charges
            changes = tuple(
                move.change
                for move in moves
                if code in move.charges
                and (move.only is None or number in move.only)
                and self.effects.rate(code, counted, (move.change,)) is not None
            )
            result = self.effects.rate(code, counted, changes) if changes or counted else base
            lines += (result or NOTHING).lines.get(number, ())
        return lines

    def _fidelity(self, part: Bundle, number: int, moves: Sequence[Move], recount: bool) -> int:
        """Say how much of the lines themselves moves reproduce: see `fidelity`."""
        return fidelity(self.by_number[number].lines, self._lines(part, number, moves, recount), self.style)

    # --- what shows in several parts -----------------------------------------------------------------------------------

    def _wide(self, parts: Sequence[Bundle], open_works: Sequence[Work]) -> list[Move]:
        """Give the changes that show in charges of several parts, or in the book of all: those that explain most there."""
        found = []
        whole = Bundle([work.cell.number for work in open_works], set(self.facts))
        part_of = {code: n for n, part in enumerate(parts) for code in part.charges}
        for n, (change, charges) in enumerate(self.of_change.items()):
            of_the_book = isinstance(change, OF_THE_BOOK)
            if not of_the_book and len({part_of[code] for code in charges if code in part_of}) < 2:
                continue
            if not of_the_book and not isinstance(change, _OF_AN_ACTIVATION):
                continue
            move = Move(self.code_of[change], change, self.whole_book if of_the_book else tuple(charges))
            here = self._effect(charges, (move,), False) or {}
            if not any(self.left.get(cell) == ore for cell, ore in here.items()):
                continue
            effect = self._effect(move.charges, (move,), False) or {}
            right = [cell for cell, ore in effect.items() if self.left.get(cell) == ore]
            contradicted = [cell for cell in self._over(whole, effect) if cell not in whole.cells]
            if len(right) > len(contradicted):
                found.append((len(contradicted), -len(right), order(move.code), n, move))
        return [each[-1] for each in sorted(found, key=lambda each: each[:4])[:_MOST_WIDE]]

    def _contradicted(self, move: Move, parts: Sequence[Bundle]) -> float:
        """Charge a change for what it would have moved in charges that are billed as due."""
        within = {code for part in parts for code in part.charges}
        effect = self._effect(sorted(set(self.facts) - within), (move,), False) or {}
        return (_CONTRADICTED + _NOT_EXPLAINED) * len(effect)

    # --- what the differing lines let one read off ---------------------------------------------------------------------

    def _hints(self, code: str, works: list[Work]) -> Hints:
        subjects: dict[tuple[str, str], None] = {}
        rates: dict[tuple[int | None, Decimal], None] = {}
        prices: dict[tuple[int, Decimal], None] = {}
        # A factor moves every price of a charge: where few cells differ none is looked for.
        many = len(works) * _FEW > len(self.effects.base[code].nets)
        for work in works:
            for key in sorted(work.cell.keys) or self._discounted(code, work):
                subjects.setdefault(key)
            due = [line for line in work.cell.expected if line.charge == code]
            for group in work.cell.matches:
                if len(group.billed) == 1 and len(group.expected) == 1 and group.expected[0].charge == code:
                    line, expected = group.billed[0], group.expected[0]
                    if expected.tier is not None and line.unit_price is not None and expected.why is None:
                        inside = 1 - expected.discount_rate if self.style.in_price else Decimal(1)
                        if inside and many:
                            prices.setdefault((expected.tier, line.unit_price / inside))
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
        factors = self._solved_factors(works) if many else ()
        return Hints(tuple(subjects), tuple(rates)[:24], factors, tuple(prices)[:24])

    def _solved_counts(self, code: str, work: Work) -> list[tuple[tuple[str, str], Period, int]]:
        """Solve for how many examinations more or fewer an amount is, to the øre, at each price of the cell."""
        found: dict[tuple[tuple[str, str], Period, int], None] = {}
        for line in self.effects.base[code].lines.get(work.cell.number, ()):
            if (
                line.trust is None
                or line.algorithm is None
                or line.unit_price is None
                or line.why not in (None, "outside")
            ):
                continue
            each = line.unit_price * (1 - line.discount_rate) * 100
            more = int((work.left / each).to_integral_value()) if each else 0
            if more and abs(more * each - work.left) <= 1:
                found.setdefault(((line.trust, line.algorithm), Period.month(line.period.start), more))
        return list(found)[:_MOST_SOLVED]

    def _discounted(self, code: str, work: Work) -> list[tuple[str, str]]:
        """Return whose discounts of a charge stand in the sum below all the lines."""
        if work.cell is not self.discounts:
            return []
        due = (line for lines in self.effects.base[code].lines.values() for line in lines if line.discount_ore)
        return sorted(
            {(each.trust, each.algorithm) for each in due if each.trust is not None and each.algorithm is not None}
        )

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
            for key, month, more in self._solved_counts(code, work):
                if key not in shown:
                    for entries in islice(plain(self.counts, key, month, more), 2):
                        found.setdefault(Counted(entries), "QTY_DIFF")
        return [(kind, change) for change, kind in found.items()]
