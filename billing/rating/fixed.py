"""Fixed and one-off charges: amounts due on a day, not for a quantity (pricing.md §3.7 §3.8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from billing.rating.charge_terms import FixedTerms, OneOffTerms, Run
from billing.rating.lines import Line
from billing.rating.ramp_up import phase_on
from billing.rating.run import AGREEMENT, Key, key_of, live_days, sort_key
from contracts.terms.period import whole_window
from contracts.terms.price_book import Activation

if TYPE_CHECKING:
    from contracts.terms.price_model import Scope

_MICRO_IN_ORE = 10_000
_RATE = 10_000


def bill_fixed(run: Run, terms: FixedTerms) -> None:
    """Bill each payer once per interval, on the first day of it on which the payer is live."""
    interval, _ = run.windows[terms.every][run.index]
    for payer, activations in _payers(run, terms.per, terms.algorithms):
        if (payer, interval) in run.paid:
            continue
        due = _first_live_day(run, payer, activations)
        if due is None:
            continue
        run.paid.add((payer, interval))
        amount = terms.amount
        if terms.prorated:
            whole = whole_window(terms.every, due, run.term)
            amount = amount * _live_days(run, terms, payer, due, interval.end) / whole.days
        gross = terms.round(amount.numerator, amount.denominator)
        if not gross:
            continue
        phase, rate = _discount(terms, activations, due)
        discount = terms.round(gross * rate, _RATE)
        run.lines.append(_line(run, terms, payer, gross, phase, rate, discount))


def bill_one_off(run: Run, terms: OneOffTerms) -> None:
    """Bill each key whose first go-live falls in the pricing period; a go-live before the agreement makes nothing due."""
    for key, activations in _payers(run, terms.per, terms.algorithms):
        first = min(activation.go_live for activation in activations)
        if run.period.contains(first) and (key, None) not in run.paid:
            run.paid.add((key, None))
            if terms.amount:
                run.lines.append(_line(run, terms, key, terms.amount, None, 0, 0))


def _payers(run: Run, per: Scope, covered: frozenset[str] | None) -> Iterator[tuple[Key, list[Activation]]]:
    if per == "agreement":
        yield AGREEMENT, []
        return
    activations: dict[Key, list[Activation]] = {}
    for member in run.members:
        if covered is None or member.algorithm in covered:
            activations.setdefault(key_of(per, member.trust, member.algorithm), []).extend(member.activations)
    for key in sorted(activations, key=sort_key):
        yield key, activations[key]


def _first_live_day(run: Run, payer: Key, activations: list[Activation]) -> date | None:
    if payer == AGREEMENT:
        return run.period.start
    start, end = run.period.start, run.period.end
    days = [
        max(activation.go_live, start)
        for activation in activations
        if activation.go_live < end and (activation.end is None or max(activation.go_live, start) < activation.end)
    ]
    return min(days, default=None)


def _live_days(run: Run, terms: FixedTerms, payer: Key, due: date, end: date) -> int:
    """Count the payer's live days from the due date to the interval's end, each by the version of its own day."""
    if payer == AGREEMENT:
        return (end - due).days
    days = 0
    for period, there in zip(run.periods[run.index :], run.terms_by_period[run.index :], strict=True):
        if period.start >= end:
            break
        covering = dict(_payers(run, terms.per, there.algorithms)) if there is not None else {}
        days += live_days(covering.get(payer, []), max(due, period.start), min(period.end, end))
    return days


def _discount(terms: FixedTerms, activations: list[Activation], due: date) -> tuple[int | None, int]:
    """Find the phase and discount in force on the due date.

    A trust's ramp is that of its first activation. An activation's is that of the one live on the day: a re-activation
    starts its ramp anew.
    """
    ramp = terms.ramp
    if ramp is None or not activations:
        return None, 0
    begun = [activation.go_live for activation in activations if activation.go_live <= due]
    phase = phase_on(ramp.ends(min(begun) if terms.per == "trust" else max(begun)), due)
    return phase, ramp.discount(phase)


def _line(
    run: Run, terms: FixedTerms | OneOffTerms, key: Key, gross: int, phase: int | None, rate: int, discount: int
) -> Line:
    return Line(
        charge=terms.code,
        kind=terms.kind,
        clause=terms.clause,
        trust=key[0],
        algorithm=key[1],
        period=run.period,
        tier=None,
        phase=phase,
        quantity=1,
        unit_price_micro=gross * _MICRO_IN_ORE,
        gross_ore=gross,
        discount_rate_e4=rate,
        discount_ore=discount,
        why=terms.kind,
    )
