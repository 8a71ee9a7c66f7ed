"""Match billed lines with expected lines, in stages, and say why each was matched.

Each stage is a join of two multisets of lines by one key, the narrowest key first: the same trust, subject, month, tier and
price; then without the tier; then at the grain that the billed line names (a quarter, a trust, the pool), where one billed line
stands for many expected ones or the reverse; names stand in for codes that a line lacks. What bills a thing that is matched
already joins it (a strict one-to-one assignment would lose double-billed lines). Trusts never mix: a line that names a trust
is only ever held against that trust's lines.

Every stage is one pass over what the earlier ones left, so matching takes time in proportion to the lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from operator import itemgetter
from typing import Literal

from billing.causes.billed import BilledLine
from billing.causes.naming import NO_NAMES, NO_PLACE, Names, Reader, Register, Sort, sort_of, words
from billing.rating.lines import Line
from contracts.terms.period import Period, first_of_month

Stage = Literal["exact", "without_tier", "other_price", "grain", "joined", "amount", "unmatched"]
STAGES: tuple[Stage, ...] = ("exact", "without_tier", "other_price", "grain", "joined", "amount", "unmatched")

# Below this a person decides.
SURE = 0.75

_CONFIDENCE: dict[Stage, float] = {
    "exact": 1.0,
    "without_tier": 0.95,
    "other_price": 0.9,
    "grain": 0.9,
    "joined": 0.8,
    "amount": 0.7,
    "unmatched": 0.0,
}
# A line without a trust among lines that name theirs may have lost its own.
_POOL_AMONG_TRUSTS = 0.6


@dataclass(frozen=True, slots=True)
class MatchGroup:
    """Hold billed lines and the expected lines they stand for; one of the two may be empty.

    `reason` names the fields that were equal; `duplicates` are the billed lines that repeat another one of the group.
    """

    billed: tuple[BilledLine, ...]
    expected: tuple[Line, ...]
    stage: Stage
    reason: tuple[str, ...]
    confidence: float
    duplicates: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        """Tell whether the match stands without a person's decision."""
        return self.confidence >= SURE


@dataclass(frozen=True, slots=True)
class Subject:
    """Hold what a billed line names once names are read as codes; None is not named.

    `sort` is the kind of amount that the line says it is, a fee or a minimum say; None where it says none.
    """

    trust: str | None
    algorithm: str | None
    charge: str | None
    period: Period | None
    tier: int | None
    phase: int | None
    confidence: float
    by_name: bool
    sort: Sort | None = None


def subjects_of(billed: Sequence[BilledLine], names: Names = NO_NAMES) -> list[Subject]:
    """Read what each billed line names, by codes where it has them, else by its item and its words."""
    trusts, algorithms, charges = Register(names.trusts), Register(names.algorithms), Register(names.charges)
    reader = Reader()
    found = []
    for line in billed:
        trust, algorithm, charge = line.trust, line.algorithm, line.charge
        confidence, by_name = 1.0, False
        if algorithm is None and charge is None and line.item is not None:
            algorithm = line.item if line.item in algorithms.codes else None
            charge = line.item if algorithm is None and line.item in charges.codes else None
        own = words(line.text)
        if trust is None and (said := trusts.recognise(own)) is not None:
            trust, confidence, by_name = said.code, min(confidence, said.confidence), True
        if algorithm is None and charge is None:
            # A fee for an algorithm names both, and the caption of a charge may hold an algorithm's name.
            charge, rest = charges.whole_name(own)
            said = algorithms.recognise(rest)
            algorithm = None if said is None else said.code
            if charge is None and said is None and (said := charges.recognise(own)) is not None:
                charge = said.code
            if charge is not None or said is not None:
                confidence, by_name = min(confidence, 0.95 if said is None else said.confidence), True
        _, other_words = algorithms.whole_name(trusts.whole_name(own)[1])
        # A line that writes its period and its tier in fields of their own says nothing of the kind in words.
        place = NO_PLACE if line.period is not None and line.tier is not None else reader.place(line.text)
        found.append(
            Subject(
                trust,
                algorithm,
                charge,
                line.period or place.period,
                line.tier if line.tier is not None else place.tier,
                line.phase if line.phase is not None else place.phase,
                confidence,
                by_name,
                _sort(line, other_words),
            )
        )
    return found


_SORT_OF_REASON: dict[str | None, Sort] = {
    "fixed": "fee", "one_off": "one_off", "minimum": "minimum", "maximum": "maximum",
}  # fmt: skip


def _sort(line: BilledLine, own: Sequence[str]) -> Sort | None:
    if line.why is not None:
        return _SORT_OF_REASON.get(line.why)
    said = sort_of(own) if line.tier is None else None
    # A line that bills something may name the discount that it has.
    return None if said == "discount" and line.net >= 0 else said


def sort_due(line: Line) -> Sort | None:
    """Give the sort of an expected line: None for what examinations cost."""
    return _SORT_OF_REASON.get(line.kind) or _SORT_OF_REASON.get(line.why)


def match(billed: Sequence[BilledLine], expected: Sequence[Line], names: Names = NO_NAMES) -> tuple[MatchGroup, ...]:
    """Match billed lines with expected lines; every line of both stands in exactly one group.

    Groups come in the order of their first billed line, then those that nothing was billed for.
    """
    return _Matching(billed, expected, subjects_of(billed, names)).run()


def quantity_and_price(line: Line) -> tuple[Decimal, Decimal]:
    """Return an expected line's quantity and unit price as an invoice writes them: an amount of money is 1 or −1 of it."""
    if line.quantity is None or line.unit_price is None:
        return Decimal(-1 if line.gross_ore < 0 else 1), abs(line.gross)
    return Decimal(line.quantity), line.unit_price


_Key = tuple[object, ...]
# The values a line is joined by, in the order of _FIELDS.
_Fields = tuple[object, ...]


@dataclass(slots=True)
class _Group:
    billed: list[int]
    expected: list[int]
    stage: Stage
    reason: tuple[str, ...]
    confidence: float


@dataclass(slots=True)
class _Matching:
    """Hold both sides while the stages run; lines are known by their places."""

    billed: Sequence[BilledLine]
    expected: Sequence[Line]
    subjects: list[Subject]
    groups: list[_Group] = field(default_factory=list)
    group_of: dict[int, int] = field(default_factory=dict)
    left_billed: list[int] = field(default_factory=list)
    left_expected: list[int] = field(default_factory=list)
    covering: dict[date, list[Period]] = field(default_factory=dict)
    expected_fields: list[_Fields] = field(default_factory=list)
    billed_fields: list[_Fields] = field(default_factory=list)
    months: dict[Period, date | None] = field(default_factory=dict)
    any_trust: bool = False
    any_algorithm: bool = False
    names_nothing: bool = False

    def run(self) -> tuple[MatchGroup, ...]:
        """Match what says its sort with what is of that sort, then all the rest; each by the stages in their order."""
        self.billed_fields = [self._billed_fields(i) for i in range(len(self.billed))]
        self.expected_fields = [_expected_fields(line) for line in self.expected]
        waiting, due = set(range(len(self.billed))), set(range(len(self.expected)))
        sorted_lines = {i for i in waiting if self.subjects[i].sort is not None}
        plain = [self.subjects[i] for i in waiting - sorted_lines]
        self.any_trust = any(subject.trust is not None for subject in plain)
        self.any_algorithm = any(subject.algorithm is not None for subject in plain)
        self.names_nothing = not self.any_trust and not any(each.algorithm or each.charge for each in plain)
        for said, meant in _SORTS:
            self._run_stages(
                {i for i in waiting if self.subjects[i].sort == said},
                {j for j in due if sort_due(self.expected[j]) == meant},
                waiting,
                due,
            )
        self._run_stages(waiting - sorted_lines, due, waiting, due)
        # A word may mean less than it seems to: what names an algorithm may be all that is billed for it.
        named = {i for i in waiting if (own := self.subjects[i]).algorithm is not None and own.sort != "discount"}
        self._run_stages(named, due, waiting, due)
        self.left_billed, self.left_expected = sorted(waiting), sorted(due)
        self._join_matched()
        return tuple(self._answer())

    def _run_stages(self, billed: set[int], expected: set[int], waiting: set[int], due: set[int]) -> None:
        if not billed or not expected:
            return
        self.left_billed, self.left_expected = sorted(billed), sorted(expected)
        for stage, names in _NARROW:
            self._join(stage, names)
        self._join("amount", ("trust", "unnamed", "month", "price", "quantity"))
        self._join_by_grain(_GRAIN)
        # A fault in the tiers puts units on lines of other tiers than are due: they are of one month all the same.
        self._join_by_grain(_GRAIN_OF_ANY_TIER)
        waiting -= billed - set(self.left_billed)
        due -= expected - set(self.left_expected)

    def _billed_fields(self, i: int) -> _Fields:
        line, subject = self.billed[i], self.subjects[i]
        period = subject.period
        month = self._month(period)
        return (
            subject.trust,
            subject.algorithm,
            subject.charge,
            subject.tier,
            subject.phase,
            line.why,
            line.quantity,
            line.unit_price,
            _days(period),
            month,
            _days(period) if month is None else None,
            None if subject.tier is None else True,
            None if subject.algorithm or subject.charge or not subject.trust else True,
            None if subject.algorithm or subject.charge else True,
        )

    def _month(self, period: Period | None) -> date | None:
        """Return the first of the month that holds a whole period, None where there is none or it is longer."""
        if period is None:
            return None
        if period not in self.months:
            self.months[period] = period.start.replace(day=1) if period.end <= Period.month(period.start).end else None
        return self.months[period]

    def _join(self, stage: Stage, names: tuple[str, ...]) -> None:
        """Join what is left by the named fields; lines that do not name one of them take no part."""
        key_of = _key_of(names)
        buckets: dict[_Key, list[int]] = {}
        for i in self.left_billed:
            if (key := key_of(self.billed_fields[i])) is not None:
                buckets.setdefault(key, []).append(i)
        if not buckets:
            return
        against: dict[_Key, list[int]] = {}
        for j in self.left_expected:
            key = key_of(self.expected_fields[j])
            if key is not None and key in buckets:
                against.setdefault(key, []).append(j)
        taken_billed: set[int] = set()
        taken_expected: set[int] = set()
        for key, theirs in against.items():
            ours = buckets[key]
            self._pair(ours, theirs, stage, names)
            taken_billed.update(ours)
            taken_expected.update(theirs)
        self._drop(taken_billed, taken_expected)

    def _drop(self, billed: set[int], expected: set[int]) -> None:
        if billed:
            self.left_billed = [i for i in self.left_billed if i not in billed]
        if expected:
            self.left_expected = [j for j in self.left_expected if j not in expected]

    def _pair(self, billed: list[int], expected: list[int], stage: Stage, names: tuple[str, ...]) -> None:
        """Pair lines of one key: one by one in the order of size where both sides have as many, else all together."""
        if len(billed) == len(expected) == 1:
            self._add(billed, expected, stage, names)
        elif len(billed) == len(expected):
            ours = sorted(billed, key=lambda i: (self.billed[i].quantity or 0, self.billed[i].net))
            theirs = sorted(expected, key=lambda j: (quantity_and_price(self.expected[j])[0], self.expected[j].net_ore))
            for i, j in zip(ours, theirs, strict=True):
                self._add([i], [j], stage, names)
        else:
            self._add(billed, expected, stage, names)

    def _add(
        self, billed: list[int], expected: list[int], stage: Stage, names: tuple[str, ...], sure: float = 1.0
    ) -> None:
        confidence = min(_CONFIDENCE[stage], sure, *(self.subjects[i].confidence for i in billed))
        for j in expected:
            self.group_of[j] = len(self.groups)
        self.groups.append(_Group(billed, expected, stage, names, confidence))

    # --- the grain a line names --------------------------------------------------------------------------------------

    def _join_by_grain(self, fields: tuple[str, ...]) -> None:
        """Join what is left at the grain that billed lines name, the narrowest grain first."""
        for names, indices in self._by_pattern(fields):
            wanted = set(indices)
            spans = {self.subjects[i].period for i in indices} if "span" in names else set()
            against = self._expected_by(names, self.left_expected, spans)
            buckets: dict[_Key, list[int]] = {}
            for i in indices:
                key = _key_of(names)(self.billed_fields[i])
                assert key is not None
                buckets.setdefault(key, []).append(i)
            taken_expected: set[int] = set()
            for key, ours in buckets.items():
                theirs = [j for j in against.get(key, ()) if j not in taken_expected]
                if not theirs:
                    wanted.difference_update(ours)
                    continue
                theirs = self._own(names, theirs)
                if self.subjects[ours[0]].sort is None and not _NAMED & set(names):
                    # Among lines that name theirs it stands for what is nobody's in particular, and for nothing else.
                    theirs = [j for j in theirs if self.names_nothing or self.expected[j].trust is None]
                    if not theirs or not self._may_be_all(indices, against):
                        wanted.difference_update(ours)
                        continue
                sure = 1.0 if "trust" in names or not self.any_trust else _POOL_AMONG_TRUSTS
                if all(self.expected[j].trust is None for j in theirs):
                    sure = 1.0
                for part, others in self._by_price(ours, theirs):
                    self._add(part, others, "grain", names, sure)
                taken_expected.update(theirs)
            self._drop(wanted, taken_expected)

    def _may_be_all(self, billed: list[int], against: dict[_Key, list[int]]) -> bool:
        """Tell whether lines that name nothing come near enough to what they would stand for: half of it to twice as much."""
        due = sum((self.expected[j].net for places in against.values() for j in places), Decimal(0))
        return due > 0 and due / 2 <= sum((self.billed[i].net for i in billed), Decimal(0)) <= due * 2

    def _own(self, names: tuple[str, ...], expected: list[int]) -> list[int]:
        """Keep to what has no trust, or no algorithm, for a line without one where the other lines name theirs."""
        if "trust" not in names and self.any_trust:
            expected = [j for j in expected if self.expected[j].trust is None] or expected
        if "charge" in names and "algorithm" not in names and self.any_algorithm:
            expected = [j for j in expected if self.expected[j].algorithm is None] or expected
        return expected

    def _by_price(self, billed: list[int], expected: list[int]) -> Iterator[tuple[list[int], list[int]]]:
        """Part the lines of one key by price where each price has the same units on both sides; else keep them together."""
        if len(billed) == 1 or len(expected) == 1:
            yield billed, expected
            return
        ours: dict[Decimal, list[int]] = {}
        theirs: dict[Decimal, list[int]] = {}
        for i in billed:
            ours.setdefault(self.billed[i].unit_price or Decimal(0), []).append(i)
        for j in expected:
            theirs.setdefault(quantity_and_price(self.expected[j])[1], []).append(j)
        alike = [
            price
            for price in ours
            if price in theirs
            and sum(self.billed[i].quantity or 0 for i in ours[price])
            == sum(quantity_and_price(self.expected[j])[0] for j in theirs[price])
        ]
        rest = [i for price, lines in ours.items() if price not in alike for i in lines]
        others = [j for price, lines in theirs.items() if price not in alike for j in lines]
        if bool(rest) != bool(others):
            # What is over on one side has the same names: it stays with the others.
            yield billed, expected
            return
        for price in alike:
            yield ours[price], theirs[price]
        if rest:
            yield rest, others

    def _by_pattern(self, fields: tuple[str, ...]) -> list[tuple[tuple[str, ...], list[int]]]:
        """Find the fields each line that is left names, the patterns with most fields first."""
        patterns: dict[tuple[str, ...], list[int]] = {}
        for i in self.left_billed:
            if (names := self._pattern(i, fields)) is not None:
                patterns.setdefault(names, []).append(i)
        return sorted(patterns.items(), key=lambda pattern: _openness(pattern[0]))

    def _pattern(self, i: int, fields: tuple[str, ...]) -> tuple[str, ...] | None:
        what = self.billed_fields[i]
        names = tuple(name for name in fields if what[_PLACE[name]] is not None)
        # A line that names neither whose nor what it is may be any: it needs a sort or a period at least.
        says = self.subjects[i].sort is not None or {"month", "span"} & set(names)
        return names if says or _NAMED & set(names) else None

    def _expected_by(
        self, names: tuple[str, ...], among: Sequence[int], spans: set[Period | None]
    ) -> dict[_Key, list[int]]:
        """Index expected lines by a pattern; a span holds the lines of all pricing periods inside it."""
        plain = tuple(name for name in names if name != "span")
        at = names.index("span") if "span" in names else None
        wanted = [span for span in spans if span is not None]
        index: dict[_Key, list[int]] = {}
        key_of = _key_of(plain)
        for j in among:
            key = key_of(self.expected_fields[j])
            if key is None:
                continue
            if at is None:
                index.setdefault(key, []).append(j)
                continue
            for span in self._covering(self.expected[j].period.start, wanted):
                index.setdefault((*key[:at], _days(span), *key[at:]), []).append(j)
        return index

    def _covering(self, day: date, spans: list[Period]) -> Iterator[Period]:
        # A day has few spans over it (its quarter, perhaps its year), whatever the number of lines.
        if day not in self.covering:
            distinct = {s.period for s in self.subjects if s.period is not None}
            self.covering[day] = [span for span in distinct if span.contains(day)]
        wanted = set(spans)
        return (span for span in self.covering[day] if span in wanted)

    # --- what bills a thing twice ------------------------------------------------------------------------------------

    def _join_matched(self) -> None:
        """Let a line that bills what is matched already join that match, so that nothing billed twice is lost."""
        matched = [j for j in range(len(self.expected)) if j in self.group_of]
        joined: set[int] = set()
        for names in _JOINS:
            waiting = [
                i for i in self.left_billed if i not in joined and _key_of(names)(self.billed_fields[i]) is not None
            ]
            if not waiting:
                continue
            index: dict[_Key, int] = {}
            spans = {self.subjects[i].period for i in waiting} if "span" in names else set()
            for key, places in self._expected_by(names, matched, spans).items():
                index[key] = self.group_of[places[0]]
            for i in waiting:
                key_of = _key_of(names)(self.billed_fields[i])
                assert key_of is not None
                if (number := index.get(key_of)) is not None:
                    group = self.groups[number]
                    trust = self.subjects[i].trust
                    if "bare" in names and not any(
                        self.billed_fields[k] == self.billed_fields[i] for k in group.billed
                    ):
                        continue  # what names nothing but a trust is held to be nothing that is billed already
                    sort = self.subjects[i].sort
                    of_group = {sort_due(self.expected[j]) for j in group.expected}
                    if sort is not None and (None if sort == "discount" else sort) not in of_group:
                        continue
                    if trust is not None and any(self.expected[j].trust != trust for j in group.expected):
                        continue  # that line stands for other trusts too, and this one never does
                    group.billed.append(i)
                    group.stage = "joined" if group.stage != "grain" else group.stage
                    sure = min(_CONFIDENCE["joined"], self.subjects[i].confidence)
                    group.confidence = min(group.confidence, sure)
                    joined.add(i)
        self._drop(joined, set())

    def _answer(self) -> Iterator[MatchGroup]:
        in_order = sorted(self.groups, key=lambda group: min(group.billed))
        waiting = list(self.left_billed)
        place = 0
        for group in in_order:
            first = min(group.billed)
            while place < len(waiting) and waiting[place] < first:
                yield MatchGroup((self.billed[waiting[place]],), (), "unmatched", (), 0.0)
                place += 1
            yield self._to_match(group)
        for i in waiting[place:]:
            yield MatchGroup((self.billed[i],), (), "unmatched", (), 0.0)
        for j in self.left_expected:
            yield MatchGroup((), (self.expected[j],), "unmatched", (), 0.0)

    def _to_match(self, group: _Group) -> MatchGroup:
        if len(group.billed) == 1:
            billed: tuple[BilledLine, ...] = (self.billed[group.billed[0]],)
        else:
            billed = tuple(self.billed[i] for i in sorted(group.billed))
        expected = tuple(self.expected[j] for j in sorted(group.expected))
        reason = group.reason
        if any(self.subjects[i].by_name for i in group.billed):
            reason = (*reason, "name")
        return MatchGroup(billed, expected, group.stage, reason, group.confidence, duplicates_in(billed))


def duplicates_in(billed: Sequence[BilledLine]) -> tuple[str, ...]:
    """Return the ids of the lines that repeat an earlier line word by word."""
    if len(billed) == 1:
        return ()
    seen: set[tuple[object, ...]] = set()
    repeated = []
    for line in billed:
        if line.identity in seen:
            repeated.append(line.id)
        seen.add(line.identity)
    return tuple(repeated)


_NAMED = frozenset({"trust", "algorithm", "charge"})
_GRAIN = ("trust", "algorithm", "charge", "month", "span", "tier")
_GRAIN_OF_ANY_TIER = ("trust", "algorithm", "charge", "month", "span", "tiered")
_MAY_BE_NONE = frozenset({"trust", "tier", "phase", "why"})


def _narrow(*names: str) -> Iterator[tuple[str, ...]]:
    """Give a key for lines that name charge and algorithm, and for lines that name one of them."""
    yield ("trust", "algorithm", "charge", *names)
    yield ("trust", "algorithm", *names)
    yield ("trust", "charge", *names)


_NARROW: tuple[tuple[Stage, tuple[str, ...]], ...] = (
    *(("exact", names) for names in _narrow("period", "tier", "phase", "why", "price", "quantity")),
    *(("exact", names) for names in _narrow("period", "tier", "price", "quantity")),
    *(("exact", names) for names in _narrow("month", "tier", "price", "quantity")),
    *(("exact", names) for names in _narrow("period", "tier", "phase", "why", "price")),
    *(("exact", names) for names in _narrow("month", "tier", "price")),
    *(("without_tier", names) for names in _narrow("month", "price", "quantity")),
    *(("other_price", names) for names in _narrow("period", "named_tier", "phase", "why")),
    *(("other_price", names) for names in _narrow("month", "named_tier")),
)  # fmt: skip

_JOINS: tuple[tuple[str, ...], ...] = (
    *tuple(
        names
        for rest in (
            ("period", "named_tier", "price"),
            ("month", "named_tier", "price"),
            ("month", "named_tier"),
            ("month", "price"),
            ("month",),
            ("span",),
        )
        for names in _narrow(*rest)
    ),
    ("trust", "bare", "month"),
    ("trust", "bare", "span"),
)

# What a billed line says it is, and what is due that it may be: a fee that is not said to be paid once may be that too.
_SORTS: tuple[tuple[Sort, Sort], ...] = (
    ("minimum", "minimum"),
    ("maximum", "maximum"),
    ("one_off", "one_off"),
    ("fee", "fee"),
    ("one_off", "fee"),
    ("fee", "one_off"),
)


def _openness(names: tuple[str, ...]) -> tuple[int, int, tuple[str, ...]]:
    """Order patterns by how little they leave open: whose, what and when, then the tier."""
    weight = {"trust": 4, "algorithm": 3, "charge": 3, "month": 2, "span": 1}
    has = set(names)
    what = {"charge"} if {"algorithm", "charge"} <= has else set()
    return -sum(weight.get(name, 0) for name in has - what), -len(names), names


def _expected_fields(line: Line) -> _Fields:
    quantity, price = quantity_and_price(line)
    return (
        line.trust,
        line.algorithm,
        line.charge,
        line.tier,
        line.phase,
        line.why,
        quantity,
        price,
        _days(line.period),
        first_of_month(line.period.start),
        None,
        None if line.tier is None else True,
        True,
        True,
    )


_FIELDS = (
    "trust", "algorithm", "charge", "tier", "phase", "why", "quantity", "price", "period", "month", "span", "tiered", "bare",
    "unnamed",
)  # fmt: skip
_PLACE = {name: place for place, name in enumerate(_FIELDS)} | {"named_tier": _FIELDS.index("tier")}


@cache
def _key_of(names: tuple[str, ...]) -> Callable[[_Fields], _Key | None]:
    """Return what gives a line's values of the named fields, None where one that must be named is not."""
    places = [_PLACE[name] for name in names]
    values = _values_at(places)
    required = _values_at([_PLACE[name] for name in names if name not in _MAY_BE_NONE])

    def key(what: _Fields) -> _Key | None:
        return None if None in required(what) else values(what)

    return key


def _values_at(places: list[int]) -> Callable[[_Fields], _Key]:
    """Return what gives the values at some places as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda what: tuple([what[place] for place in places])


def _days(period: Period | None) -> tuple[date, date] | None:
    """Return a period as a plain pair of days, which is told apart faster."""
    return None if period is None else (period.start, period.end)
