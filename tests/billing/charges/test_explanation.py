"""An explanation rests on the rating alone: every line of the example is explained, and its parts meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from flask import Flask

from billing.charges import basis, explanation
from billing.charges.explanation import Explanation
from billing.rating.lines import Line
from contracts import agreements
from contracts.clock import OSLO
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period
from contracts.terms.price_book import Usage

READER = Actor("person:reader@example.org", "Reader", (Grant("trust_reader", "vestre-viken"),))


@pytest.fixture
def lines(example_app: Flask) -> tuple[Line, ...]:
    with db.read() as session:
        terms = basis.gather(session, agreement_id=agreement_id())
        return terms.rate(terms.agreement.term.period).lines


def agreement_id() -> int:
    with db.read() as session:
        return agreements.find_agreement(session).id


def explained(line: Line, period: Period | None = None, **more: object) -> Explanation:
    with db.read() as session:
        return explanation.explain(
            session,
            agreement_id=agreement_id(),
            line_id=line.id,
            actor=COMMAND_LINE,
            period=period,
            **more,  # type: ignore[arg-type]
        )


def sample(lines: tuple[Line, ...]) -> Iterator[Line]:
    """One line of each kind that the example has: charge, phase, tier and price version."""
    seen = set()
    for line in lines:
        kind = (line.charge, line.phase, line.tier, line.period.start.year == 2026)
        if kind not in seen:
            seen.add(kind)
            yield line


def test_every_kind_of_line_is_explained_by_lines_that_meet(lines: tuple[Line, ...]) -> None:
    kinds = 0
    for line in sample(lines):
        walk = explained(line, Period.quarter(line.period.start))
        kinds += 1
        assert walk.line == line
        assert line in walk.lines
        assert walk.total == sum((each.net for each in lines if _alike(each, line)), Decimal(0))
        assert walk.gross - walk.discount == walk.total
        if walk.usage:
            assert walk.units == walk.billable
        if walk.counter is not None:
            assert walk.counter.before is not None
            assert walk.counter.units is not None
            assert walk.counter.before >= 0
            assert walk.counter.before + walk.counter.units == walk.counter.after
            assert walk.counter.units >= walk.units
        if line.discount_rate:
            assert walk.ramp is not None
            (current,) = [span for span in walk.ramp.phases if span.current]
            assert current.phase.discount == line.discount_rate
            assert current.since is not None
            assert current.until is not None
            assert current.since < line.period.end
            assert current.until > line.period.start
    assert kinds > 25


def _alike(one: Line, other: Line) -> bool:
    return (one.charge, one.trust, one.algorithm, one.period) == (
        other.charge,
        other.trust,
        other.algorithm,
        other.period,
    )


def test_the_tier_of_a_line_is_where_its_counter_stands(lines: tuple[Line, ...]) -> None:
    line = next(each for each in lines if each.charge == "xray-skeletal" and each.period.start == date(2026, 9, 1))
    walk = explained(line)
    assert walk.counter is not None
    tier = walk.tier(line.tier)
    assert tier is not None
    assert walk.counter.pooled
    assert walk.counter.first is not None
    assert walk.counter.after is not None
    assert walk.counter.first >= tier.first
    assert walk.counter.next_tier_at == (tier.last or 0) + 1
    assert walk.counter.units_left == walk.counter.next_tier_at - walk.counter.after - 1


def test_the_counter_of_a_month_begins_where_the_month_before_ended(lines: tuple[Line, ...]) -> None:
    chest = [each for each in lines if each.charge == "xray-chest" and each.trust == "akershus"]
    july = next(each for each in chest if each.period.start == date(2026, 7, 1))
    august = next(each for each in chest if each.period.start == date(2026, 8, 1))
    before, after = explained(july).counter, explained(august).counter
    assert before is not None
    assert after is not None
    assert before.after == after.before


def test_a_price_of_2025_names_the_index_that_touched_it_and_one_of_2026_none(lines: tuple[Line, ...]) -> None:
    old = next(each for each in lines if each.period.start == date(2025, 5, 1) and each.unit_price)
    new = next(each for each in lines if each.period.start == date(2026, 5, 1) and each.unit_price)
    assert [each.clause for each in explained(old).adjustments] == ["7.3"]
    assert explained(new).adjustments == ()


def test_a_prorated_amount_shows_the_days_it_is_for(lines: tuple[Line, ...]) -> None:
    line = next(
        each for each in lines if each.why == "fixed" and each.trust == "nord-norge" and each.period.start.year == 2026
    )
    walk = explained(line)
    assert walk.interval is not None
    assert (walk.interval.due, walk.interval.live_days, walk.interval.interval.days) == (date(2026, 4, 13), 79, 91)
    # 46 000 kr × 79 / 91, by hand.
    assert line.net == Decimal("39934.07")


def test_a_line_is_found_without_its_period(lines: tuple[Line, ...]) -> None:
    assert explained(lines[-1]) == explained(lines[-1], Period.quarter(lines[-1].period.start))


def test_a_line_outside_the_period_named_is_not_found(lines: tuple[Line, ...]) -> None:
    with pytest.raises(NotFound):
        explained(lines[0], Period.parse("2026-Q3"))


def test_another_trusts_line_is_as_unknown_as_one_that_does_not_exist(lines: tuple[Line, ...]) -> None:
    own = next(each for each in lines if each.trust == "vestre-viken")
    other = next(each for each in lines if each.trust == "oslo")
    with db.read() as session:
        walk = explanation.explain(session, agreement_id=agreement_id(), line_id=own.id, actor=READER)
        assert walk.line == own
        for line_id in (other.id, "0" * 16):
            with pytest.raises(NotFound, match=line_id):
                explanation.explain(session, agreement_id=agreement_id(), line_id=line_id, actor=READER)


def test_an_amount_is_explained_as_it_was_known(lines: tuple[Line, ...]) -> None:
    line = next(each for each in lines if each.period.start == date(2026, 7, 1) and each.quantity)
    before_delivery = datetime.combine(date(2026, 7, 20), time(12), tzinfo=OSLO)
    with pytest.raises(NotFound):
        explained(line, known_at=before_delivery)
    after_delivery = datetime.combine(date(2026, 8, 20), time(12), tzinfo=OSLO)
    assert explained(line, known_at=after_delivery).line == line


def test_one_more_examination_costs_what_two_full_ratings_differ_by(lines: tuple[Line, ...]) -> None:
    with db.read() as session:
        terms = basis.gather(session, agreement_id=agreement_id())
    told = 0
    for line in sample(tuple(each for each in lines if each.period.start >= date(2026, 8, 1))):
        more = explained(line, Period.quarter(line.period.start)).one_more
        if line.kind != "usage" or line.algorithm is None:
            assert more is None
            continue
        assert more is not None
        assert line.trust is not None
        assert more.on == line.period.end - timedelta(days=1)
        extra = Usage(line.trust, line.algorithm, more.on, 1)
        without = terms.rate(line.period)
        with_ = replace(terms, usage=(*terms.usage, extra)).rate(line.period)
        assert more.agreement == with_.total - without.total
        assert more.trust == _of_trust(with_.lines, line.trust) - _of_trust(without.lines, line.trust)
        told += 1
    assert told > 5


def _of_trust(lines: tuple[Line, ...], trust: str) -> Decimal:
    return sum((line.net for line in lines if line.trust == trust), Decimal(0))


def test_pooling_is_told_against_the_trust_rated_alone(lines: tuple[Line, ...]) -> None:
    with db.read() as session:
        terms = basis.gather(session, agreement_id=agreement_id())
    line = next(each for each in lines if each.charge == "xray-skeletal" and each.period.start == date(2026, 9, 1))
    pooling = explained(line).pooling
    assert pooling is not None
    assert line.trust is not None
    assert pooling.window == Period(date(2026, 1, 1), date(2026, 10, 1))
    # The trust alone: an agreement in which nobody else has switched anything on or used anything.
    alone = replace(
        terms,
        activations=tuple(row for row in terms.activations if row.trust == line.trust),
        usage=tuple(entry for entry in terms.usage if entry.trust == line.trust),
    )
    for period, pooled_cost, alone_cost in (
        (line.period, pooling.pooled, pooling.alone),
        (pooling.window, pooling.pooled_in_window, pooling.alone_in_window),
    ):
        for side, cost in ((terms, pooled_cost), (alone, alone_cost)):
            rated = tuple(each for each in side.rate(period).lines if each.charge == line.charge)
            assert cost == _of_trust(rated, line.trust)
    assert pooling.saved_in_window > 0


def test_a_fixed_amount_has_no_pool_and_no_further_examination(lines: tuple[Line, ...]) -> None:
    walk = explained(next(each for each in lines if each.why == "fixed"))
    assert (walk.pooling, walk.one_more) == (None, None)


def test_a_reader_within_one_trust_learns_what_one_more_costs_that_trust_and_no_other(lines: tuple[Line, ...]) -> None:
    own = next(each for each in lines if each.trust == "vestre-viken" and each.charge == "xray-skeletal")
    with db.read() as session:
        walk = explanation.explain(session, agreement_id=agreement_id(), line_id=own.id, actor=READER)
    everything = explained(own)
    assert walk.one_more is not None
    assert everything.one_more is not None
    assert everything.one_more.agreement is not None
    assert walk.one_more == replace(everything.one_more, agreement=None)
    assert walk.pooling == everything.pooling
