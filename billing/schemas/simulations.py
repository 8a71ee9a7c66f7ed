"""The answer to a scenario with draws, as `project` and the API write it; money as plain strings in kroner excluding VAT."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from billing.ceiling.burn_down import Outlook
from billing.forecasting.simulate import Fan, Shares, Simulation
from billing.projection.simulation import Course, Simulated
from billing.projection.starting_order import CostMonth, Proposal, highest, largest_rise
from billing.scenarios.answer import Answer
from contracts.terms import money
from contracts.terms.money import format_amount, format_rate


def dump_answer(answer: Answer) -> dict[str, Any]:
    """Write the whole answer to a scenario, for a reader of all trusts."""
    found = answer.simulated
    course = found.with_plans
    peak = course.peak
    written = {
        **_months(course.simulation),
        "total": dump_fan(course.total),
        "by_trust": _shares(course.simulation.trusts, "trust"),
        "by_algorithm": _shares(course.simulation.algorithms, "algorithm"),
        "without": _course(found.without),
        "marginal": _course(found.marginal)
        | {"by_trust": _shares(found.marginal.simulation.trusts, "trust", leave_out_nothing=True)},
        "ceiling": dump_outlook(answer.outlook),
        "peak_month": None if peak is None else peak.label(),
        "assumptions": _assumptions(found),
        "price_version": None if found.prepared.version is None else found.prepared.version.isoformat(),
        "seed": found.scenario.seed,
    }
    if answer.proposal is not None:
        written |= dump_proposal(answer.proposal)
    return written


def dump_proposal(proposal: Proposal) -> dict[str, Any]:
    """Write a proposed order with what it does to the largest rise of cost over three months."""
    return {
        "order": [
            {"trust": each.trust, "algorithm": each.algorithm, "go_live": each.go_live.isoformat()}
            for each in proposal.starts
        ],
        "order_gap": format_amount(proposal.gap),
        "largest_rise": format_amount(proposal.rise),
        "largest_rise_at_once": format_amount(proposal.rise_at_once),
    }


def dump_order(proposal: Proposal) -> dict[str, Any]:
    """Write a proposed order with both courses, rated together; ``fall`` is by how much of itself the largest rise falls."""
    once, apart = largest_rise(proposal.at_once), largest_rise(proposal.staggered)
    fall = None
    if once is not None:
        fall = format_rate(round(1 - (Decimal(0) if apart is None else apart.amount) / once.amount, 4))
    return {
        **dump_proposal(proposal),
        "at_once": _staggered(proposal.at_once),
        "staggered": _staggered(proposal.staggered),
        "fall": fall,
    }


def _staggered(months: Sequence[CostMonth]) -> dict[str, Any]:
    rise, top = largest_rise(months), highest(months)
    return {
        "months": [_cost_month(each) for each in months],
        "largest_rise": None
        if rise is None
        else {"amount": format_amount(rise.amount), "since": rise.since.label(), "until": rise.until.label()},
        "highest_month": None if top is None else _cost_month(top),
    }


def _cost_month(each: CostMonth) -> dict[str, str]:
    return {
        "month": each.month.label(),
        "ordinary": format_amount(each.ordinary),
        "discounted": format_amount(each.discounted),
        "total": format_amount(each.total),
    }


def dump_outlook(outlook: Outlook) -> dict[str, Any]:
    """Write the ceiling's figures and when it is used up; a date is None where it lies after the simulated months."""
    figures, exhausted = outlook.figures, outlook.exhausted
    return {
        "maximum": None if figures.maximum is None else format_amount(figures.maximum),
        "opening": format_amount(figures.opening),
        "invoiced": format_amount(sum(figures.invoiced.values(), Decimal("0.00"))),
        "accrued": format_amount(sum(figures.accrued.values(), Decimal("0.00"))),
        "committed": format_amount(figures.committed),
        "open": format_amount(figures.open),
        "used": format_amount(figures.used),
        "headroom": None if figures.headroom is None else format_amount(figures.headroom),
        "cut_off": None if figures.cut_off is None else figures.cut_off.isoformat(),
        "exhausted": None
        if exhausted is None
        else {
            "p10": None if exhausted.p10 is None else exhausted.p10.isoformat(),
            "p50": None if exhausted.p50 is None else exhausted.p50.isoformat(),
            "p90": None if exhausted.p90 is None else exhausted.p90.isoformat(),
            "never": float(round(exhausted.never, 4)),
        },
    }


def _course(course: Course) -> dict[str, Any]:
    return {**_months(course.simulation), "total": dump_fan(course.total), "first_year": dump_fan(course.first_year)}


def _months(simulation: Simulation) -> dict[str, Any]:
    return {
        "months": [
            {
                "month": month.label(),
                **dump_fan(fan),
                "p25": format_amount(fan.p25),
                "p75": format_amount(fan.p75),
                "list_price": format_amount(money.kroner(price)),
                "discount": format_amount(money.kroner(discount)),
                "after_end": ended,
            }
            for month, fan, price, discount, ended in zip(
                simulation.months,
                simulation.fans(),
                simulation.list_price,
                simulation.discount,
                simulation.after_end,
                strict=True,
            )
        ]
    }


def dump_fan(fan: Fan) -> dict[str, str]:
    """Write the percentiles and the mean of a cost."""
    return {name: format_amount(getattr(fan, name)) for name in ("p10", "p50", "p90", "mean")}


def _shares(shares: dict[str | None, Shares], name: str, *, leave_out_nothing: bool = False) -> list[dict[str, Any]]:
    return [
        {name: code, "total": dump_fan(each.total)}
        for code, each in shares.items()
        if not (leave_out_nothing and not each.draws.any())
    ]


def _assumptions(found: Simulated) -> dict[str, Any]:
    scenario, spread = found.scenario, found.prepared.spread
    return {
        "as_of": scenario.as_of.isoformat(),
        "data_until": None if found.prepared.data_until is None else found.prepared.data_until.isoformat(),
        "draws": scenario.draws,
        "growth": {"annual": format_rate(scenario.annual_growth), "spread": format_rate(scenario.growth_spread)},
        "index": {
            "annual": format_rate(scenario.index_factor - 1),
            "spread": format_rate(scenario.index_spread),
            "starts": "each_january_first",
        },
        "noise": {
            "trust": format_rate(spread.trust),
            "algorithm": format_rate(spread.algorithm),
            "common": format_rate(spread.common),
            "rho": format_rate(spread.rho),
            "from": "history" if found.prepared.estimate is not None else "scenario",
        },
        "end": "all_extensions" if scenario.all_extensions else "current",
        "volume": "forecast" if scenario.usage is None else "given",
        "vat": "excluded",
    }
