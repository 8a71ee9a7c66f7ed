"""What each changed fact would do to each cell: the ratings that the search for causes looks things up in.

A change is rated once for a charge, for all cells at once, so the cost follows the charges that have a difference and the
changes in the table, not the number of differing lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from billing.causes.cells import ELSEWHERE, Cells
from billing.causes.changes import Change, Undiscounted
from billing.causes.facts import Facts, Frames, rated
from billing.causes.style import Style
from billing.rating.lines import Line
from contracts.terms.price_book import Usage

Changes = tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Rated:
    """Hold a charge's lines by cell, and what they come to in øre."""

    lines: dict[int, list[Line]]
    nets: dict[int, int]


NOTHING = Rated({}, {})
PLAIN = Style()


@dataclass(slots=True)
class Effects:
    """Rate charges with facts changed, each combination once.

    `style` is how the vendor writes lines; `discounts` is the cell of what it takes off below them. `recounted` are the entries that the vendor's count has over ours, by charge; a rating is made under our own count or,
    with `recount`, under the vendor's.
    """

    facts: dict[str, Facts]
    cells: Cells
    style: Style = PLAIN
    discounts: int = ELSEWHERE
    base: dict[str, Rated] = field(default_factory=dict)
    recounted: dict[str, tuple[Usage, ...]] = field(default_factory=dict)
    ratings: int = 0
    frames: Frames = field(default_factory=dict)
    _known: dict[tuple[str, tuple[Usage, ...], Changes], Rated | None] = field(default_factory=dict)

    def by_cell(self, lines: Sequence[Line]) -> Rated:
        """Sort lines into their cells.

        A discount that stands below the lines is that of the lines above it: what the document bills nothing of is due whole in
        its own cell, since another document may bill it.
        """
        found: dict[int, list[Line]] = {}
        nets: dict[int, int] = {}
        for line in lines:
            number = self.cells.of(line)
            found.setdefault(number, []).append(line)
            if self.style.below and self.cells.is_billed(number):
                nets[number] = nets.get(number, 0) + line.gross_ore
                if line.discount_ore:
                    nets[self.discounts] = nets.get(self.discounts, 0) - line.discount_ore
            else:
                nets[number] = nets.get(number, 0) + (line.net_ore if self.style.below else self.style.net_ore(line))
        return Rated(found, nets)

    def rate(self, charge: str, recount: bool, changes: Changes) -> Rated | None:
        """Rate a charge with facts changed, None where a change says nothing about it."""
        entries = self.recounted.get(charge, ()) if recount else ()
        key = (charge, entries, changes)
        if key in self._known:
            return self._known[key]
        facts: Facts | None = self.facts[charge]
        assert facts is not None
        if entries:
            facts = replace(facts, usage=(*facts.usage, *entries))
        for change in changes:
            facts = change.apply(facts)
            if facts is None:
                break
        result: Rated | None = None
        if facts is not None:
            self.ratings += 1
            lines = rated(facts, self.frames)
            for change in changes:
                if lines is not None and isinstance(change, Undiscounted):
                    lines = change.bill(lines)
            result = None if lines is None else self.by_cell(lines)
        self._known[key] = result
        return result

    def recount(self, charge: str, entries: tuple[Usage, ...]) -> Rated | None:
        """Rate a charge under another count, without keeping it."""
        self.ratings += 1
        facts = self.facts[charge]
        lines = rated(replace(facts, usage=(*facts.usage, *entries)), self.frames)
        return None if lines is None else self.by_cell(lines)

    def effect(self, charge: str, recount: bool, changes: Changes) -> dict[int, int]:
        """Return by how many øre a change moves each cell from what is due; empty where it says nothing.

        What would be due where nothing is billed nor due stands under ELSEWHERE.
        """
        result = self.rate(charge, recount, changes)
        if result is None:
            return {}
        base = self.base[charge].nets
        return {
            number: difference
            for number in {*result.nets, *base}
            if (difference := result.nets.get(number, 0) - base.get(number, 0))
        }
