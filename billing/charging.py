"""Charging: the expected charges of a period, rated from the terms and the usage as they were known.

Everything that shows a krone asks here: the dashboard, the explanation, the invoice check. There is one rating function
(`billing.rating.rate`); this module only gathers what it reads.

A reader within one trust gets that trust's figures, the pool, and the others together where at least two others are in it.
Whoever may ask for every period may subtract, so a sum is not judged as a whole but by the smallest parts that it is made of:

- The others' amounts are told by cell, one charge in one pricing period: a cell is in the sum where at least two others pay
  something in it (`others_told`). A year less its months is a sum of such cells again.
- The pool's position is told at the end of a pricing period where, since the last position that is told, at least two others
  have fed it or none has (`pool_told`). Two positions told differ by the volume of at least two others.
- Both are told as they are known now only. The same figure before and after one trust's correction would show the correction,
  so a reader within one trust who asks as of an earlier moment gets the own figures of that moment and nothing of the others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from billing import metering
from billing.rating.compile import pricing_periods
from billing.rating.rate import Excluded, Line, PriceRequest, Rating, rate
from contracts import agreements, price_books
from contracts.access import Actor
from contracts.agreements import AgreementSummary
from contracts.errors import NotFound
from contracts.terms.agreement import ActivationRow
from contracts.terms.period import Period
from contracts.terms.price_book import PriceBook, Usage, covers
from contracts.terms.price_model import Charge, Package, Scope, UsageCharge

ZERO = Decimal("0.00")
# One other alone could be told from a sum (by whoever knows the own part of it).
LEAST_OTHERS = 2

# The smallest part of a sum that can be asked for: a charge in a pricing period.
Cell = tuple[Period, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a counter stands at the end of a period, as one reader may be told; counts are examinations.

    ``position`` is ``None`` where it would tell one other trust's volume; ``next_tier_at`` is the number of the next
    tier's first unit, ``None`` in the last tier and for packages.
    """

    charge: str
    scope: Scope
    trust: str | None
    algorithm: str | None
    window: Period
    position: int | None
    next_tier_at: int | None


@dataclass(frozen=True, slots=True)
class Charges:
    """The expected charges of ``period``: amounts in kroner excluding VAT, ``total`` the sum of the rounded lines.

    ``others`` is what the trusts outside the reader's scope pay together, in the cells where at least two of them pay
    something (see the module); ``None`` where the reader sees all or asks as of an earlier moment, or where there is no
    such cell.
    """

    agreement: AgreementSummary
    period: Period
    lines: tuple[Line, ...]
    excluded: tuple[Excluded, ...]
    positions: tuple[Standing, ...]
    others: Decimal | None = None
    data_until: date | None = None
    version: date | None = None

    @property
    def total(self) -> Decimal:
        """The sum of the lines shown."""
        return sum((line.net for line in self.lines), ZERO)

    @property
    def discount(self) -> Decimal:
        """What the ramp-up took off these lines."""
        return sum((line.discount for line in self.lines), ZERO)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an agreement's amounts are computed from, gathered once: terms, prices, activations and usage, as known."""

    agreement: AgreementSummary
    price_book: PriceBook
    activations: tuple[ActivationRow, ...]
    usage: tuple[Usage, ...]

    def to_request(self, period: Period) -> PriceRequest:
        """Give the price request for ``period``; usage of days without an activation is left to the metering."""
        term = Period(self.agreement.term.start, self.agreement.term.end)
        running: dict[tuple[str, str], list[Period]] = defaultdict(list)
        for row in self.activations:
            days = row.running.overlap(term)
            if days is not None:
                running[row.trust, row.algorithm].append(days)
        covered = []
        for entry in self.usage:
            for days in running.get((entry.trust, entry.algorithm), ()):
                if days.start <= entry.on < days.end:
                    covered.append(entry)
                    break
        return PriceRequest(
            agreement=self.agreement.term,
            period=period,
            price_book=self.price_book,
            activations=tuple(row.to_term() for row in self.activations),
            usage=tuple(covered),
        )

    def rate(self, period: Period) -> Rating:
        """Rate ``period``, clipped to the agreement's term; an empty rating where they do not meet."""
        term = Period(self.agreement.term.start, self.agreement.term.end)
        common = period.overlap(term)
        if common is None:
            return Rating(self.agreement.term.currency, (), (), ())
        return rate(self.to_request(common))


def gather(session: Session, *, agreement_id: int, known_at: datetime | None = None) -> Terms:
    """Gather what an agreement's amounts are computed from, as known at ``known_at`` (``None``: now)."""
    return Terms(
        agreement=agreements.agreement_summary(session, agreement_id, known_at),
        price_book=price_books.price_book(session, agreement_id, known_at),
        activations=tuple(agreements.activations(session, agreement_id, known_at)),
        usage=tuple(metering.daily_usage(session, agreement_id=agreement_id, known_at=known_at)),
    )


def expected_charges(
    session: Session,
    *,
    agreement_id: int,
    period: Period,
    actor: Actor,
    trust: str | None = None,
    known_at: datetime | None = None,
) -> Charges:
    """Give the expected charge lines of ``period``, for the whole agreement or for one trust.

    ``period`` is clipped to the agreement's term; its bounds are those of months. Raises `NotFound` for a trust that is
    no option holder, or that lies outside the actor's scope.
    """
    scope = readable_trust(session, agreement_id, actor, trust)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    return charges_of(terms, terms.rate(period), period, scope, actor.scope("read"), known_at)


def charges_of(
    terms: Terms,
    rating: Rating,
    period: Period,
    trust: str | None,
    scope: str | None,
    known_at: datetime | None,
) -> Charges:
    """Keep what a reader may see of a rating: the lines of ``trust`` where one is asked for, and of the scope.

    ``known_at`` is the moment the terms were gathered as of: within one trust the others are told as known now only
    (see the module).
    """
    lines = tuple(line for line in rating.lines if trust is None or line.trust == trust)
    others = None
    if scope is not None and known_at is None:
        told = others_told(rating.lines, scope)
        others = sum((line.net for line in told), ZERO) if told else None
    data_until = max((usage.on for usage in terms.usage), default=None)
    version = terms.price_book.version_on(period.end - timedelta(days=1))
    return Charges(
        agreement=terms.agreement,
        period=period,
        lines=lines,
        excluded=tuple(entry for entry in rating.excluded if trust is None or entry.trust == trust),
        positions=_standings(terms, rating, period, trust, scope, known_at),
        others=others,
        data_until=data_until,
        version=None if version is None else version.valid_from,
    )


def cells_told(lines: Iterable[Line], scope: str) -> frozenset[Cell]:
    """Give the cells in which at least two trusts other than ``scope`` pay something that is not 0.00."""
    paid: dict[Cell, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        if line.trust not in (None, scope):
            paid[line.period, line.charge][line.trust] += line.net_ore
    return frozenset(cell for cell, sums in paid.items() if sum(map(bool, sums.values())) >= LEAST_OTHERS)


def others_told(lines: Iterable[Line], scope: str, cells: frozenset[Cell] | None = None) -> tuple[Line, ...]:
    """Keep the other trusts' lines that a reader within ``scope`` may be told the sum of.

    ``cells`` are those that may be told, those of the lines themselves where they are not given. What stands on the
    agreement and on no trust is not in it: a minimum less the amounts it fills up to would tell their sum.
    """
    listed = list(lines)
    told = cells_told(listed, scope) if cells is None else cells
    return tuple(line for line in listed if line.trust not in (None, scope) and (line.period, line.charge) in told)


def pool_told(
    terms: Terms,
    charge: str,
    window: Period,
    moments: Iterable[date],
    scope: str | None,
    known_at: datetime | None,
    rating: Rating | None = None,
) -> bool:
    """Tell whether a reader may be told where the common counter of ``charge`` stood at all of ``moments``.

    Moments are ends of pricing periods in ``window``, or its first day (when the counter stands at nothing); within one
    trust each must lie where at least two others fed the counter since the last one told, or none did. ``rating`` is that
    of the window up to the last moment, where the caller has it.
    """
    if scope is None:
        return True
    if known_at is not None:
        return False
    asked = sorted(moments)
    if asked[-1] <= window.start:
        return True
    period = Period(window.start, asked[-1])
    feeders = _feeders(terms, rating or terms.rate(period), charge, period, scope)
    for moment in asked:
        waiting: set[str] = set()
        for start in sorted(feeders):
            if start >= moment:
                break
            waiting |= feeders[start]
            if len(waiting) >= LEAST_OTHERS:
                waiting = set()
        if waiting:
            return False
    return True


def _feeders(terms: Terms, rating: Rating, code: str, period: Period, scope: str) -> dict[date, set[str]]:
    """Give the other trusts that fed a common counter, by the first day of the pricing period they did it in."""
    units: dict[tuple[date, str], int] = defaultdict(int)
    for line in rating.lines:
        if line.charge == code and line.kind == "usage" and line.why is None and line.trust not in (None, scope):
            units[line.period.start, line.trust] += line.quantity or 0
    # A trust's share of a package may be 0.00 and then has no line: its units are those of the days behind it.
    left_out = {(each.trust, each.algorithm, each.on) for each in rating.excluded}
    starts = [each.start for each in pricing_periods(terms.agreement.term, terms.price_book)]
    for entry in terms.to_request(period).usage:
        if entry.trust == scope or not period.contains(entry.on):
            continue
        charge = _charge_on(terms.price_book, code, entry.on)
        if (
            isinstance(charge, UsageCharge)
            and isinstance(charge.model, Package)
            and covers(charge, entry.algorithm)
            and (entry.trust, entry.algorithm, entry.on) not in left_out
        ):
            units[starts[bisect_right(starts, entry.on) - 1], entry.trust] += entry.quantity
    fed: dict[date, set[str]] = defaultdict(set)
    for (start, trust), quantity in units.items():
        if quantity:
            fed[start].add(trust)
    return fed


def _charge_on(book: PriceBook, code: str, day: date) -> Charge | None:
    version = book.version_on(day)
    return None if version is None else next((charge for charge in version.charges if charge.code == code), None)


def _standings(
    terms: Terms, rating: Rating, period: Period, trust: str | None, scope: str | None, known_at: datetime | None
) -> tuple[Standing, ...]:
    end = min(period.end, terms.agreement.term.end)
    windows = {place.window for place in rating.positions if place.trust is None} if scope and known_at is None else ()
    ratings = {window: terms.rate(Period(window.start, end)) for window in windows}
    return tuple(
        Standing(
            place.charge,
            place.scope,
            place.trust,
            place.algorithm,
            place.window,
            place.position
            if place.trust is not None
            or pool_told(terms, place.charge, place.window, (end,), scope, known_at, ratings.get(place.window))
            else None,
            place.next_tier_at,
        )
        for place in rating.positions
        if trust is None or place.trust in (None, trust)
    )


def readable_trust(session: Session, agreement_id: int, actor: Actor, trust: str | None) -> str | None:
    """Give the trust whose figures a reader asks for, or must be kept to; ``None`` is the whole agreement.

    A trust outside the reader's scope is as unknown to them as one that does not exist.
    """
    actor.require("read")
    scope = actor.scope("read")
    if trust is not None:
        holders = {holder.party.code for holder in agreements.option_holders(session, agreement_id)}
        if trust not in holders or (scope is not None and trust != scope):
            raise NotFound(f"there is no trust '{trust}' in this agreement")
        return trust
    return scope
