"""An explanation on the wire: the same facts as the page, each with its name."""

from __future__ import annotations

from typing import Any

from billing.charges.explanation import (
    CounterWalk,
    Explanation,
    IntervalWalk,
    OneMore,
    PhaseSpan,
    Pooling,
    RampWalk,
    TierOfCharge,
)
from billing.schemas.charges import dump_charge
from billing.schemas.price import dump_period
from contracts.schemas.price_book import ConventionsSchema
from contracts.terms.money import format_amount, format_rate, format_unit_price


def dump_explanation(explanation: Explanation) -> dict[str, Any]:
    """Write why a charge line is what it is; amounts are kroner excluding VAT."""
    known_at, data_until = explanation.known_at, explanation.data_until
    return {
        "id": explanation.line.id,
        "total": format_amount(explanation.total),
        "gross": format_amount(explanation.gross),
        "discount": format_amount(explanation.discount),
        "line": dump_charge(explanation.line),
        "lines": [dump_charge(line) for line in explanation.lines],
        "version": {
            "valid_from": explanation.version.valid_from.isoformat(),
            "clause": explanation.version.clause,
        },
        "conventions": ConventionsSchema().dump(explanation.conventions),
        "tiers": [_tier(tier) for tier in explanation.tiers],
        "index_adjustments": [
            {
                "effective_from": adjustment.effective_from.isoformat(),
                "factor": format_rate(adjustment.factor),
                "clause": adjustment.clause,
            }
            for adjustment in explanation.adjustments
        ],
        "ramp_up": None if explanation.ramp is None else _ramp(explanation.ramp),
        "counter": None if explanation.counter is None else _counter(explanation.counter),
        "interval": None if explanation.interval is None else _interval(explanation.interval),
        "one_more": None if explanation.one_more is None else _one_more(explanation.one_more),
        "pooling": None if explanation.pooling is None else _pooling(explanation.pooling),
        "usage": [
            {"on": day.on.isoformat(), "quantity": day.quantity, "billable": day.billable} for day in explanation.usage
        ],
        "data_until": None if data_until is None else data_until.isoformat(),
        "known_at": None if known_at is None else known_at.isoformat(),
    }


def _tier(tier: TierOfCharge) -> dict[str, Any]:
    return {
        "number": tier.number,
        "above": tier.first - 1,
        "up_to": tier.last,
        "unit_price": format_unit_price(tier.unit_price),
        "flat_fee": format_amount(tier.flat_fee),
    }


def _ramp(ramp: RampWalk) -> dict[str, Any]:
    return {
        "go_live": ramp.go_live.isoformat(),
        "month": ramp.month,
        "months": ramp.months,
        "counts_towards_tiers": ramp.counts_towards_tiers,
        "phases": [_phase(span) for span in ramp.phases],
    }


def _phase(span: PhaseSpan) -> dict[str, Any]:
    return {
        "number": span.number,
        "months": span.phase.months,
        "units": span.phase.units,
        "discount": format_rate(span.phase.discount),
        "from": None if span.since is None else span.since.isoformat(),
        "to": None if span.until is None else span.until.isoformat(),
        "current": span.current,
    }


def _counter(counter: CounterWalk) -> dict[str, Any]:
    return {
        "scope": counter.scope,
        "window": dump_period(counter.window),
        "before": counter.before,
        "units": counter.units,
        "after": counter.after,
        "next_tier_at": counter.next_tier_at,
    }


def _one_more(more: OneMore) -> dict[str, Any]:
    return {
        "on": more.on.isoformat(),
        "trust": format_amount(more.trust),
        "agreement": None if more.agreement is None else format_amount(more.agreement),
    }


def _pooling(pooling: Pooling) -> dict[str, Any]:
    return {
        "pooled": format_amount(pooling.pooled),
        "alone": format_amount(pooling.alone),
        "saved": format_amount(pooling.saved),
        "window": {
            **dump_period(pooling.window),
            "pooled": format_amount(pooling.pooled_in_window),
            "alone": format_amount(pooling.alone_in_window),
            "saved": format_amount(pooling.saved_in_window),
        },
    }


def _interval(interval: IntervalWalk) -> dict[str, Any]:
    return {
        "interval": dump_period(interval.interval),
        "due": interval.due.isoformat(),
        "live_days": interval.live_days,
    }
