"""Cells: the smallest groups of lines in which billed and expected can be told apart.

Two lines stand in one cell when a match joins them, or when they are of one charge, trust, algorithm and month: a fault in the
tiers changes how many lines such a month has, so a difference is only ever explained for all of them together. A line of a
whole quarter or of a whole trust makes one cell of everything it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import product

from billing.causes.billed import ZERO, BilledLine
from billing.causes.matching import MatchGroup, Subject, sort_due
from billing.rating.lines import Line
from contracts.terms.period import Period, first_of_month

Atom = tuple[str, str | None, str | None, date]

ELSEWHERE = -1


def atom_of(line: Line) -> Atom:
    """Return the charge, trust, algorithm and month of an expected line."""
    return line.charge, line.trust, line.algorithm, first_of_month(line.period.start)


@dataclass(slots=True)
class Cell:
    """Hold the lines of one cell; `invoiced` and `expected_ore` are what they come to in øre.

    `due_ore` stands for what the expected lines come to where the discount stands below all the lines; `taken_off` is that
    discount, of the one cell without lines that holds it.
    """

    number: int
    matches: list[MatchGroup] = field(default_factory=list)
    billed: list[BilledLine] = field(default_factory=list)
    subjects: list[Subject] = field(default_factory=list)
    expected: list[Line] = field(default_factory=list)
    atoms: set[Atom] = field(default_factory=set)
    due_ore: int | None = None
    taken_off: Decimal = ZERO

    @property
    def invoiced(self) -> Decimal:
        """Return what the lines bill, in kroner."""
        return sum((line.net for line in self.billed), ZERO) - self.taken_off

    @property
    def expected_ore(self) -> int:
        """Return what is due, in øre."""
        return sum(line.net_ore for line in self.expected) if self.due_ore is None else self.due_ore

    @property
    def charges(self) -> list[str]:
        """Return the charges of the expected lines."""
        return sorted({atom[0] for atom in self.atoms})

    @property
    def keys(self) -> set[tuple[str, str]]:
        """Return the (trust, algorithm) pairs of the cell."""
        own = {(atom[1], atom[2]) for atom in self.atoms}
        own |= {(subject.trust, subject.algorithm) for subject in self.subjects}
        return {(trust, algorithm) for trust, algorithm in own if trust is not None and algorithm is not None}

    @property
    def trust(self) -> str | None:
        """Return the one trust of the cell, None where it has none or several."""
        return _only(
            [*(line.trust for line in self.expected), *(subject.trust for subject in self.subjects if subject.trust)]
        )

    @property
    def algorithm(self) -> str | None:
        """Return the one algorithm of the cell, None where it has none or several."""
        own = [*(line.algorithm for line in self.expected)]
        own += [subject.algorithm for subject in self.subjects if subject.algorithm]
        return _only(own)

    @property
    def period(self) -> Period | None:
        """Return the days the lines are for."""
        spans = [line.period for line in self.expected]
        spans += [subject.period for subject in self.subjects if subject.period is not None]
        if not spans:
            return None
        return Period(min(span.start for span in spans), max(span.end for span in spans))

    @property
    def clause(self) -> str | None:
        """Return the clause of the first expected line."""
        return self.expected[0].clause if self.expected else None


def _only(values: Iterable[str | None]) -> str | None:
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


class Cells:
    """Find the cells of a matched document, and the cell that any rated line falls into."""

    __slots__ = ("_by_atom", "_by_key", "_spans", "all")

    def __init__(self, matches: Sequence[MatchGroup], subject_of: dict[int, Subject]) -> None:
        """Join the matches that share an atom; `subject_of` knows what a billed line names, by its identity in memory."""
        self.all: list[Cell] = []
        parent: dict[object, object] = {}

        def root(node: object) -> object:
            parent.setdefault(node, node)
            while parent[node] != node:
                parent[node] = parent[parent[node]]
                node = parent[node]
            return node

        discounted = {atom_of(line) for group in matches for line in group.expected if line.discount_ore}
        atoms = {atom_of(line) for group in matches for line in group.expected}
        for number, group in enumerate(matches):
            top = root(number)
            for line in group.expected:
                parent[root(atom_of(line))] = top
            if not group.expected:
                # What bills the same thing in several lines stands together also where nothing of it is due.
                for billed in group.billed:
                    subject = subject_of[id(billed)]
                    if subject.algorithm is not None:
                        sort = None if subject.sort == "discount" else subject.sort
                        key = subject.trust, subject.algorithm, subject.charge, subject.period, sort
                        parent[root(("not due", *key))] = root(number)
                    if subject.sort == "discount":
                        for atom in discounted:
                            if self._takes_off(subject, atom):
                                parent[root(atom)] = root(number)
                    # A minimum that is not due stands with what it tops up.
                    if subject.sort in ("minimum", "maximum") and subject.period is not None:
                        for atom in sorted(atoms, key=str):
                            if self._tops_up(subject, atom):
                                parent[root(number)] = root(atom)
                                break
        cells: dict[object, Cell] = {}
        for number, group in enumerate(matches):
            top = root(number)
            cell = cells.get(top)
            if cell is None:
                cell = cells[top] = Cell(len(self.all))
                self.all.append(cell)
            cell.matches.append(group)
            cell.billed += group.billed
            cell.subjects += [subject_of[id(line)] for line in group.billed]
            cell.expected += group.expected
            cell.atoms.update(atom_of(line) for line in group.expected)
        self._by_atom: dict[Atom, int] = {}
        self._by_key: dict[tuple[object, ...], int] = {}
        self._spans: list[Period] = []
        self._index()

    @staticmethod
    def _tops_up(subject: Subject, atom: Atom) -> bool:
        charge, trust, algorithm, month = atom
        assert subject.period is not None
        return (
            (subject.trust, subject.algorithm) == (trust, algorithm)
            and subject.charge in (None, charge)
            and subject.period.contains(month)
        )

    @staticmethod
    def _takes_off(subject: Subject, atom: Atom) -> bool:
        charge, trust, algorithm, month = atom
        return (
            subject.trust in (None, trust)
            and subject.algorithm in (None, algorithm)
            and subject.charge in (None, charge)
            and (subject.period is None or subject.period.contains(month))
        )

    def _index(self) -> None:
        for cell in self.all:
            for atom in cell.atoms:
                self._by_atom[atom] = cell.number
        named = [(cell, subject) for cell in self.all for subject in cell.subjects if subject.period is not None]
        self._spans = sorted({whole for _, subject in named if isinstance(whole := _when(subject), Period)})
        # A line of a sort stands in for one that says none only where no other line of the same does.
        for any_sort in (False, True):
            for cell, subject in named:
                sort = None if any_sort or subject.sort == "discount" else subject.sort
                for charge in dict.fromkeys((subject.charge, None)):
                    key = subject.trust, subject.algorithm, charge, sort, _when(subject)
                    self._by_key.setdefault(key, cell.number)

    def is_billed(self, number: int) -> bool:
        """Tell whether the document bills anything of a cell."""
        return 0 <= number < len(self.all) and bool(self.all[number].billed)

    def of(self, line: Line) -> int:
        """Return the number of the cell a rated line falls into: its atom's, else that of a billed line that would hold it."""
        atom = atom_of(line)
        number = self._by_atom.get(atom)
        if number is None:
            number = self._by_atom[atom] = self._holding(line, atom)
        return number

    def _holding(self, line: Line, atom: Atom) -> int:
        charge, trust, algorithm, month = atom
        whens: list[object] = [month, *(span for span in self._spans if span.contains(line.period.start))]
        for whose in dict.fromkeys([(trust, algorithm), (trust, None), (None, algorithm), (None, None)]):
            for named, sort, when in product((charge, None), dict.fromkeys((sort_due(line), None)), whens):
                number = self._by_key.get((*whose, named, sort, when))
                if number is not None and (whose != (None, None) or named is not None or self.all[number].expected):
                    return number
        return ELSEWHERE


def _when(subject: Subject) -> Period | date:
    """Return the first of the month that holds a billed line's period, or the whole of a longer one."""
    assert subject.period is not None
    month = Period.month(subject.period.start)
    return month.start if subject.period.end <= month.end else subject.period
