"""Minimum and maximum of a charge's lines, per key and window (pricing.md §2.5 §3.6 §4.10)."""

from __future__ import annotations

from billing.rating.charge_terms import LimitTerms, Run, UsageTerms
from billing.rating.lines import Line, Why
from billing.rating.run import AGREEMENT, Key, LimitSums, sort_key
from contracts.terms.period import Period


def add_up(run: Run, terms: UsageTerms) -> None:
    """Add the period's own lines to the sums of every limit the charge has in any version.

    A limit that a version brings in inside its window finds what was billed in that window before it.
    """
    if not run.limit_windows:
        return
    for per, kind in run.limit_windows:
        window, _ = run.windows[kind][run.index]
        if run.limit_seen.get((per, kind)) is not window:
            run.limit_seen[per, kind] = window
            for stale in [stale for stale in run.limit_sums if stale[:2] == (per, kind)]:
                del run.limit_sums[stale]
    for line in run.lines:
        _add(run, line)


def hold_maximum(run: Run, terms: UsageTerms) -> None:
    """Bring each key's running total to the smaller of its sum so far and the maximum."""
    limit = terms.maximum
    if limit is None:
        return
    for key in sorted(_keys_with_lines(run, limit), key=sort_key):
        sums = run.limit_sums[limit.per, limit.window, key]
        own, everything = (sums.own_gross, sums.all_gross) if terms.limits_gross else (sums.own_net, sums.all_net)
        _append(run, terms, key, min(own, limit.amount) - everything, "maximum")


def reach_minimum(run: Run, terms: UsageTerms) -> None:
    """Top each live key's total up to the minimum in the window's last pricing period, after the maximum."""
    limit = terms.minimum
    if limit is None:
        return
    window, is_last = run.windows[limit.window][run.index]
    if not is_last:
        return
    for key in run.live_keys(limit.per, terms.algorithms, window):
        sums = run.limit_sums.get((limit.per, limit.window, key), _NOTHING)
        total = sums.all_gross if terms.limits_gross else sums.all_net
        _append(run, terms, key, max(limit.amount - total, 0), "minimum")


_NOTHING = LimitSums()


def _keys_with_lines(run: Run, limit: LimitTerms) -> list[Key]:
    return [key for per, kind, key in run.limit_sums if (per, kind) == (limit.per, limit.window)]


def _add(run: Run, line: Line) -> None:
    for per, kind in run.limit_windows:
        # A line counts for the keys it names: no trust, only for the agreement; no algorithm, not for an activation.
        if per == "agreement":
            key = AGREEMENT
        elif line.trust is None or (per == "activation" and line.algorithm is None):
            continue
        else:
            key = (line.trust, line.algorithm if per == "activation" else None)
        sums = run.limit_sums.get((per, kind, key))
        if sums is None:
            sums = run.limit_sums[per, kind, key] = LimitSums()
        net = line.gross_ore - line.discount_ore
        sums.all_net += net
        sums.all_gross += line.gross_ore
        if line.why != "maximum":
            sums.own_net += net
            sums.own_gross += line.gross_ore


def _append(run: Run, terms: UsageTerms, key: Key, amount: int, why: Why) -> None:
    if not amount:
        return
    line = amount_line(terms, key, run.period, amount, why)
    run.lines.append(line)
    _add(run, line)


def amount_line(terms: UsageTerms, key: Key, period: Period, amount: int, why: Why) -> Line:
    """Return a line that is an amount of øre on a key, without quantity, tier or phase."""
    return Line(
        charge=terms.code,
        kind="usage",
        clause=terms.clause,
        trust=key[0],
        algorithm=key[1],
        period=period,
        tier=None,
        phase=None,
        quantity=None,
        unit_price_micro=None,
        gross_ore=amount,
        discount_rate_e4=0,
        discount_ore=0,
        why=why,
    )
