"""Compile an agreement, its price book and its activations into what rating walks through.

Three things come out: the pricing periods with their windows (§4.1), every charge at every index level (§4.8), and per trust
and algorithm a timeline of segments, runs of days that are alike for every charge: same pricing period, same activation, same
ramp phase. Usage is then added up per segment and never looked at again, so the cost of rating does not depend on how many
entries a day has.

A charge falls into *groups* that cannot influence one another: its activations, its trusts, or all of it, by the widest scope
it counts, limits or bills in. A what-if rates only the groups it touches.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import assert_never

from billing.rating.charge_terms import FixedTerms, Level, OneOffTerms, Terms, UsageTerms
from billing.rating.models import compile_model
from billing.rating.ramp_up import Ramp, phase_on
from billing.rating.run import (
    AGREEMENT,
    Key,
    Member,
    RunOf,
    Source,
    Sources,
    Windows,
    key_of,
    sort_key,
    tie_order,
    widest,
)
from contracts.terms.period import WINDOW_KINDS, Period, add_months, whole_window
from contracts.terms.price_book import Activation, AgreementTerm, PriceBook, PriceBookVersion
from contracts.terms.price_model import Charge, FixedCharge, OneOffCharge, Scope, UsageCharge

VALIDATION = -1
NOT_ACTIVE = -2


@dataclass(frozen=True, slots=True)
class Timeline:
    """Hold one trust and algorithm's days as segments.

    Segment i runs from `bounds[i]` up to `bounds[i + 1]`, both within the agreement; `state[i]` is the number of the
    activation live in it, or VALIDATION or NOT_ACTIVE; `first_segment + i` is its place among all segments.
    """

    bounds: tuple[date, ...]
    state: tuple[int, ...]
    first_segment: int
    member: Member


@dataclass(frozen=True, slots=True)
class Course:
    """Hold one charge through all its versions: its terms in each pricing period, None where the book lacks it."""

    code: str
    terms: list[Terms | None]
    group_scope: Scope
    limit_windows: tuple[tuple[Scope, str], ...]
    counts_units: bool
    ramps: tuple[Ramp, ...]
    algorithms: frozenset[str] | None

    def covers(self, algorithm: str) -> bool:
        """Say whether any version of the charge covers an algorithm."""
        return self.algorithms is None or algorithm in self.algorithms


@dataclass(frozen=True, slots=True)
class CompiledBook:
    """Hold what follows from the agreement and the price book alone."""

    agreement: AgreementTerm
    price_book: PriceBook
    periods: list[Period]
    starts: list[date]
    windows: Windows
    courses: tuple[Course, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Hold one independent part of a charge: its members and, per pricing period, the sources of its slices."""

    course: Course
    key: Key
    members: tuple[Member, ...]
    sources: list[Sources]

    def run(self, book: CompiledBook, units: list[int]) -> RunOf[Terms]:
        """Return the state in which rating this group starts."""
        return RunOf(
            code=self.course.code,
            term=book.agreement.period,
            terms_by_period=self.course.terms,
            periods=book.periods,
            windows=book.windows,
            members=self.members,
            sources=self.sources,
            units=units,
            counts_units=self.course.counts_units,
            limit_windows=self.course.limit_windows,
        )


@dataclass(frozen=True, slots=True)
class CompiledTerms:
    """Hold everything rating needs but the usage; compiled once and reused."""

    book: CompiledBook
    activations: tuple[Activation, ...]
    timelines: dict[tuple[str, str], Timeline]
    groups: tuple[Group, ...]
    segments: int

    @property
    def agreement(self) -> AgreementTerm:
        """Return the agreement's term."""
        return self.book.agreement

    @property
    def periods(self) -> list[Period]:
        """Return the pricing periods, in order."""
        return self.book.periods


def pricing_periods(agreement: AgreementTerm, book: PriceBook) -> list[Period]:
    """Cut the term at months, versions, index adjustments and agreement years (pricing.md §4.1)."""
    cuts = {agreement.start}
    cuts.update(month.start for month in agreement.period.months())
    cuts.update(version.valid_from for version in book.versions)
    cuts.update(adjustment.effective_from for adjustment in book.index_adjustments)
    years = agreement.end.year - agreement.start.year + 1
    cuts.update(add_months(agreement.start, 12 * k) for k in range(1, years))
    inside = sorted(day for day in cuts if agreement.start <= day < agreement.end)
    return [Period(start, end) for start, end in zip(inside, [*inside[1:], agreement.end], strict=True)]


def compile_book(agreement: AgreementTerm, book: PriceBook, like: CompiledBook | None = None) -> CompiledBook:
    """Compile the part of the terms that no activation changes.

    `like` is a book compiled before; where this one is cut at the same days, its pricing periods and windows are used again.
    """
    if like is not None and like.agreement == agreement and cuts_of(like.price_book) == cuts_of(book):
        return replace(like, price_book=book, courses=tuple(_courses(book, like.periods)))
    periods = pricing_periods(agreement, book)
    return CompiledBook(
        agreement=agreement,
        price_book=book,
        periods=periods,
        starts=[period.start for period in periods],
        windows=_windows(agreement.period, periods),
        courses=tuple(_courses(book, periods)),
    )


def cuts_of(book: PriceBook) -> frozenset[date]:
    """Return the days on which a price book cuts pricing periods."""
    days = {version.valid_from for version in book.versions}
    return frozenset(days | {adjustment.effective_from for adjustment in book.index_adjustments})


def compile_activations(
    book: CompiledBook, activations: Iterable[Activation], only: frozenset[tuple[str, Key]] | None = None
) -> CompiledTerms:
    """Lay the activations out in time; with `only`, build just those groups (code, key)."""
    ordered = tuple(sorted(activations, key=_activation_order))
    timelines: dict[tuple[str, str], Timeline] = {}
    segments = 0
    for (trust, algorithm), own in groupby(ordered, key=lambda activation: (activation.trust, activation.algorithm)):
        member = Member(trust, algorithm, tuple(own))
        timelines[trust, algorithm] = timeline = _timeline(book, member, segments)
        segments += len(timeline.state)
    groups = tuple(group for course in book.courses for group in _groups(book, course, list(timelines.values()), only))
    return CompiledTerms(book, ordered, timelines, groups, segments)


def _activation_order(activation: Activation) -> tuple[str, str, date]:
    return activation.trust, activation.algorithm, activation.go_live


def _windows(term: Period, periods: list[Period]) -> Windows:
    """Find for every kind the window of each pricing period, one object per window, and whether it is the last in it."""
    windows: Windows = {}
    for kind in WINDOW_KINDS:
        found: list[tuple[Period, bool]] = []
        current: Period | None = None
        for period in periods:
            if current is None or period.start >= current.end:
                whole = whole_window(kind, period.start, term)
                current = Period(max(whole.start, term.start), min(whole.end, term.end))
            found.append((current, period.end == current.end))
        windows[kind] = found
    return windows


def _courses(book: PriceBook, periods: list[Period]) -> Iterator[Course]:
    compiled: dict[tuple[int, tuple[int, ...]], dict[str, Terms]] = {}
    by_period: list[dict[str, Terms]] = []
    versions = sorted(book.versions, key=lambda version: version.valid_from)
    days = [version.valid_from for version in versions]
    for period in periods:
        number = bisect_right(days, period.start) - 1
        if number < 0:
            by_period.append({})
            continue
        version = versions[number]
        factors = tuple(
            i
            for i, adjustment in enumerate(book.index_adjustments)
            if version.valid_from < adjustment.effective_from <= period.start
        )
        if (number, factors) not in compiled:
            compiled[number, factors] = _at_level(book, version, factors)
        by_period.append(compiled[number, factors])
    for code in sorted({code for charges in by_period for code in charges}):
        yield _course(code, [charges.get(code) for charges in by_period])


def _at_level(book: PriceBook, version: PriceBookVersion, factors: tuple[int, ...]) -> dict[str, Terms]:
    in_force = [book.index_adjustments[i].factor for i in factors]
    return {
        charge.code: _terms(charge, Level.of(charge.conventions.over(book.conventions), in_force))
        for charge in version.charges
    }


def _terms(charge: Charge, level: Level) -> Terms:
    match charge:
        case UsageCharge():
            return UsageTerms.of(charge, level, compile_model(charge.model, level))
        case FixedCharge():
            return FixedTerms.of(charge, level)
        case OneOffCharge():
            return OneOffTerms.of(charge, level)


def _course(code: str, terms: list[Terms | None]) -> Course:
    distinct = list({id(each): each for each in terms if each is not None}.values())
    scopes: list[Scope] = []
    limits: list[tuple[Scope, str]] = []
    ramps: list[Ramp] = []
    for each in distinct:
        match each:
            case UsageTerms():
                scopes.append(each.scope)
                limits += [(limit.per, limit.window) for limit in (each.minimum, each.maximum) if limit is not None]
                ramps += [each.ramp] if each.ramp is not None else []
            case FixedTerms() | OneOffTerms():
                scopes.append(each.per)
            case unknown:
                assert_never(unknown)
    scopes += [per for per, _ in limits]
    return Course(
        code=code,
        terms=terms,
        group_scope=widest(scopes),
        limit_windows=tuple(sorted(set(limits))),
        counts_units=any(ramp.by_units for ramp in ramps),
        ramps=tuple(dict.fromkeys(ramp for ramp in ramps if not ramp.by_units)),
        algorithms=_covered(distinct),
    )


def _covered(terms: Sequence[Terms]) -> frozenset[str] | None:
    named: set[str] = set()
    for each in terms:
        if each.algorithms is None:
            return None
        named |= each.algorithms
    return frozenset(named)


def _timeline(book: CompiledBook, member: Member, first_segment: int) -> Timeline:
    agreement = book.agreement
    cuts: set[date] = set()
    for activation in member.activations:
        cuts.update((activation.begins, activation.go_live))
        if activation.end is not None:
            cuts.add(activation.end)
        for course in book.courses:
            if course.ramps and course.covers(member.algorithm):
                for ramp in course.ramps:
                    cuts.update(ramp.ends(activation.go_live))
    known = set(book.starts)
    bounds = sorted([*book.starts, *(day for day in cuts - known if agreement.start < day < agreement.end)])
    bounds.append(agreement.end)
    state = [NOT_ACTIVE] * (len(bounds) - 1)
    for number, activation in enumerate(member.activations):
        begin = bisect_left(bounds, activation.begins)
        live = bisect_left(bounds, activation.go_live)
        end = len(state) if activation.end is None else bisect_left(bounds, activation.end)
        for i in range(begin, min(live, end, len(state))):
            state[i] = VALIDATION
        for i in range(live, min(end, len(state))):
            state[i] = number
    return Timeline(tuple(bounds), tuple(state), first_segment, member)


def group_key(course: Course, trust: str, algorithm: str) -> Key:
    """Return the key of the group of a charge that an activation belongs to."""
    return key_of(course.group_scope, trust, algorithm)


def _groups(
    book: CompiledBook, course: Course, timelines: Sequence[Timeline], only: frozenset[tuple[str, Key]] | None
) -> Iterator[Group]:
    by_group: dict[Key, list[Timeline]] = {AGREEMENT: []} if course.group_scope == "agreement" else {}
    for timeline in timelines:
        member = timeline.member
        if course.covers(member.algorithm):
            by_group.setdefault(group_key(course, member.trust, member.algorithm), []).append(timeline)
    for key in sorted(by_group, key=sort_key):
        if only is None or (course.code, key) in only:
            members = tuple(timeline.member for timeline in by_group[key])
            yield Group(course, key, members, _sources(book, course, by_group[key]))


def _sources(book: CompiledBook, course: Course, timelines: Sequence[Timeline]) -> list[Sources]:
    if not any(isinstance(terms, UsageTerms) for terms in course.terms):
        return []
    gathered: list[list[Source]] = [[] for _ in book.periods]
    for timeline in timelines:
        for index, source in _own_sources(book, course, timeline):
            gathered[index].append(source)
    sources: list[Sources] = []
    for own, terms in zip(gathered, course.terms, strict=True):
        if not own or not isinstance(terms, UsageTerms):
            sources.append(())
            continue
        scope = terms.scope
        if len(own) > 1:
            own.sort(key=tie_order)
        if scope == "agreement":
            sources.append(((AGREEMENT, tuple(own)),))
        elif len(own) == 1:
            sources.append(((key_of(scope, own[0][0], own[0][1]), tuple(own)),))
        else:
            counters = groupby(own, key=lambda source: key_of(scope, source[0], source[1]))
            sources.append(tuple((key, tuple(counter)) for key, counter in counters))
    return sources


def _own_sources(book: CompiledBook, course: Course, timeline: Timeline) -> Iterator[tuple[int, Source]]:
    """Find the (pricing period, source) pairs of one trust and algorithm under a charge."""
    member = timeline.member
    algorithm = member.algorithm
    counts_units = course.counts_units
    segments_of: dict[tuple[int, int | None, int], list[int]] = {}
    starts, bounds, terms_by_period = book.starts, timeline.bounds, course.terms
    ends: dict[tuple[int, int], tuple[date, ...]] = {}  # by ramp object, for comparing ramps costs more than a lookup
    index = 0
    for i, number in enumerate(timeline.state):
        day = bounds[i]
        if index + 1 < len(starts) and starts[index + 1] <= day:
            index += 1
        if number < 0:
            continue
        terms = terms_by_period[index]
        if not isinstance(terms, UsageTerms) or (terms.algorithms is not None and algorithm not in terms.algorithms):
            continue
        phase = None
        ramp = terms.ramp
        if ramp is not None and not ramp.by_units:
            ramp_ends = ends.get((id(ramp), number))
            if ramp_ends is None:
                ramp_ends = ends[id(ramp), number] = ramp.ends(member.activations[number].go_live)
            phase = phase_on(ramp_ends, day)
        # Units are counted per activation only where a version has a ramp by units.
        alike = (index, phase, number if counts_units else 0)
        segments_of.setdefault(alike, []).append(timeline.first_segment + i)
    trust = member.trust
    for (index, phase, number), segments in segments_of.items():
        terms = terms_by_period[index]
        assert isinstance(terms, UsageTerms)
        ramp = terms.ramp
        discount = 0 if ramp is None else ramp.discount(phase)
        yield index, (trust, algorithm, phase, discount, number, segments[0], tuple(segments[1:]))
