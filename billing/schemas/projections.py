"""The scenario document and the projection that answers it, as `flask project` and the API read and write them.

`noise` null is estimated from history; left out it is that too, but for one draw, which is the expected course then.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from billing.forecasting.daily_rates import Plan
from billing.projection.projection import Base, Course, Month, MonthlyUsage, Noise, Projection, Scenario, Told
from billing.projection.simulation import MOST_DRAWS
from billing.usage.metering import LARGEST_QUANTITY
from contracts.errors import Finding, InvalidInput
from contracts.people.access import Actor
from contracts.schemas.fields import Choice, Day, Number, TermsSchema, Text, Whole, Written, load
from contracts.terms.money import RATE_DECIMALS, format_amount, format_rate
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation, Usage
from contracts.terms.price_models import READINGS

LONGEST_MONTHS = 120
MOST_STARTS = 36
MONTH = Written(r"^(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])$", error="not_a_month: A month such as 2026-09.")
VOLUME = validate.Range(0, LARGEST_QUANTITY, error=f"out_of_range: From 0 to {LARGEST_QUANTITY}.")
YEARLY = validate.Range(Decimal("-0.9"), Decimal(10), error="out_of_range: From -0.9 to 10.")
SPREAD = validate.Range(Decimal(0), Decimal(1), error="out_of_range: From 0 to 1.")
RHO = validate.Range(Decimal(0), Decimal("0.99"), error="out_of_range: From 0 to 0.99.")


class AssumptionSchema(TermsSchema):
    """{annual, spread}"""

    annual = Number(RATE_DECIMALS, load_default=Decimal(0), validate=YEARLY)
    spread = Number(RATE_DECIMALS, load_default=Decimal(0), validate=SPREAD)


class NoiseSchema(TermsSchema):
    """{trust, algorithm, common, rho}; what is left out is 0."""

    trust = Number(RATE_DECIMALS, load_default=Decimal(0), validate=SPREAD)
    algorithm = Number(RATE_DECIMALS, load_default=Decimal(0), validate=SPREAD)
    common = Number(RATE_DECIMALS, load_default=Decimal(0), validate=SPREAD)
    rho = Number(RATE_DECIMALS, load_default=Decimal(0), validate=RHO)


class PlannedActivationSchema(TermsSchema):
    """{trust, algorithm, go_live, monthly_volume, adoption_months, end}"""

    trust = Text(required=True)
    algorithm = Text(required=True)
    go_live = Day(load_default=None, allow_none=True)
    go_live_between = fields.List(
        fields.String(validate=MONTH),
        load_default=None,
        allow_none=True,
        validate=validate.Length(equal=2, error="two_months: The earliest and the latest month."),
    )
    monthly_volume = Whole(required=True, validate=VOLUME)
    adoption_months = Whole(
        load_default=0, validate=validate.Range(0, LONGEST_MONTHS, error=f"out_of_range: From 0 to {LONGEST_MONTHS}.")
    )
    end = Day(load_default=None, allow_none=True)


class ScenarioUsageSchema(TermsSchema):
    """{trust, algorithm, on | month, quantity}"""

    trust = Text(required=True)
    algorithm = Text(required=True)
    on = Day(load_default=None)
    month = fields.String(load_default=None, validate=MONTH)
    quantity = Whole(required=True, validate=VOLUME)

    @post_load
    def _to_usage(self, data: dict[str, Any], **kwargs: Any) -> Usage | MonthlyUsage:
        if (data["on"] is None) == (data["month"] is None):
            raise ValidationError("day_or_month: Either a day (on) or a month is needed, and not both.")
        if data["on"] is not None:
            return Usage(data["trust"], data["algorithm"], data["on"], data["quantity"])
        return MonthlyUsage(data["trust"], data["algorithm"], Period.parse(data["month"]), data["quantity"])


class BaseSchema(TermsSchema):
    """{price_draft, scope, model, ramp_units}: what is read otherwise than agreed; null follows the agreement."""

    price_draft = Whole(load_default=None, allow_none=True)
    scope = Choice(("agreement", "trust"), load_default=None, allow_none=True)
    model = Choice(tuple(READINGS), load_default=None, allow_none=True)
    ramp_units = fields.Boolean(load_default=None, allow_none=True)


class ScenarioSchema(TermsSchema):
    """The scenario document (`POST /api/v1/projections`)."""

    first = fields.String(required=True, data_key="from", validate=MONTH)
    last = fields.String(required=True, data_key="to", validate=MONTH)
    as_of = Day(load_default=None)
    draws = Whole(
        load_default=1, validate=validate.Range(1, MOST_DRAWS, error=f"out_of_range: From 1 to {MOST_DRAWS}.")
    )
    seed = Whole(load_default=0, validate=validate.Range(0, 2**63 - 1, error="out_of_range: From 0 to 2^63 - 1."))
    growth = fields.Nested(AssumptionSchema, load_default=dict)
    index = fields.Nested(AssumptionSchema, load_default=dict)
    noise = fields.Nested(NoiseSchema, load_default=None, allow_none=True)
    end = Choice(("current", "all_extensions"), load_default="current")
    activations = fields.List(fields.Nested(PlannedActivationSchema), load_default=list)
    usage = fields.List(fields.Nested(ScenarioUsageSchema), load_default=None, allow_none=True)
    base = fields.Nested(BaseSchema, load_default=None, allow_none=True)


def load_scenario(document: Any, *, as_of: date | None = None) -> Scenario:
    """Read a scenario document; ``as_of`` stands in where it names no day until which usage counts as known.

    Raises `InvalidInput` with every error and its place, also for what only a projection with draws could answer.
    """
    data = load(ScenarioSchema(), document, "#")
    findings: list[Finding] = []
    first, last = Period.parse(data["first"]).start, Period.parse(data["last"]).start
    if first >= last:
        findings.append(Finding("#/to", "end_before_start", "The scenario ends after it starts."))
    elif len(Period(first, last).months()) > LONGEST_MONTHS:
        findings.append(Finding("#/to", "too_long", f"A scenario has at most {LONGEST_MONTHS} months."))
    known_until = data["as_of"] or as_of
    if known_until is None:
        findings.append(Finding("#/as_of", "missing", "The field is missing."))
    windows = [_window(number, planned, findings) for number, planned in enumerate(data["activations"])]
    if findings or known_until is None:
        raise InvalidInput(tuple(findings))
    usage, noise = data["usage"], data["noise"]
    # What is left to history needs draws to be seen: one draw without a word of noise is the expected course.
    left_out = "noise" not in document and data["draws"] == 1
    return Scenario(
        period=Period(first, last),
        as_of=known_until,
        plans=tuple(
            Plan(
                Activation(
                    planned["trust"],
                    planned["algorithm"],
                    planned["go_live"] or (window[0] if window else first),
                    end=planned["end"],
                ),
                planned["monthly_volume"],
                planned["adoption_months"],
            )
            for planned, window in zip(data["activations"], windows, strict=True)
        ),
        annual_growth=data["growth"].get("annual", Decimal(0)),
        annual_index=data["index"].get("annual", Decimal(0)),
        usage=None if usage is None else tuple(usage),
        all_extensions=data["end"] == "all_extensions",
        seed=data["seed"],
        draws=data["draws"],
        growth_spread=data["growth"].get("spread", Decimal(0)),
        index_spread=data["index"].get("spread", Decimal(0)),
        noise=Noise() if left_out else None if noise is None else Noise(**noise),
        windows=tuple(windows) if any(windows) else (),
        base=Base() if data["base"] is None else Base(**data["base"]),
    )


def _window(number: int, planned: Mapping[str, Any], findings: list[Finding]) -> tuple[date, date] | None:
    """Read in which months a planned activation may start; None where its start is given."""
    place = f"#/activations/{number}"
    between = planned["go_live_between"]
    if between is None:
        if planned["go_live"] is None:
            findings.append(Finding(f"{place}/go_live", "missing", "The field is missing."))
        elif planned["end"] is not None and planned["end"] <= planned["go_live"]:
            findings.append(Finding(f"{place}/end", "end_before_go_live", "An activation ends after it goes live."))
        return None
    earliest, latest = (Period.parse(month).start for month in between)
    if planned["go_live"] is not None:
        findings.append(Finding(f"{place}/go_live", "either_or", "Either go_live or go_live_between is given."))
    if earliest > latest or latest > add_months(earliest, MOST_STARTS - 1):
        detail = f"The latest month follows the earliest, at most {MOST_STARTS} months in all."
        findings.append(Finding(f"{place}/go_live_between", "window", detail))
    return earliest, latest


def refuse_other_trusts(scenario: Scenario, scope: str | None) -> None:
    """Refuse a scenario that names other trusts than the one its author is kept to, without telling which exist."""
    if scope is None:
        return
    findings = [
        Finding(f"#/activations/{number}/trust", "unknown_trust", f"there is no trust '{plan.activation.trust}'")
        for number, plan in enumerate(scenario.plans)
        if plan.activation.trust != scope
    ]
    others = sorted({entry.trust for entry in scenario.usage or ()} - {scope})
    findings += [Finding("#/usage", "unknown_trust", f"there is no trust '{trust}'") for trust in others]
    if findings:
        raise InvalidInput(tuple(findings))


def dump_projection(projection: Projection, actor: Actor | None = None) -> dict[str, Any]:
    """Write a projection as ``actor`` may see it (``None``: all of it).

    Within one trust every course is the own cost and that of the others together, as far as it may be told: charge by
    charge and pricing period by pricing period, where at least two others pay something. The split over algorithms, which
    would tell them apart, is left out.
    """
    scope = None if actor is None else actor.scope("read")
    told = None if scope is None else projection.within(scope)
    course, without = (projection.course, projection.without) if told is None else (told.course, told.without)
    marginal = course.minus(without)
    peak = course.peak
    return {
        "months": [_month(month) for month in course.months],
        "total": _spread(course.total),
        "by_trust": [{"trust": trust, "total": _spread(total)} for trust, total in projection.by_trust.items()]
        if told is None
        else _own_and_others(told, scope),
        "by_algorithm": []
        if scope is not None
        else [
            {"algorithm": algorithm, "total": _spread(total)} for algorithm, total in projection.by_algorithm.items()
        ],
        "without": _course(without),
        "marginal": _course(marginal),
        "ceiling": None,
        "peak_month": None if peak is None else peak.month.label(),
        "assumptions": _assumptions(projection),
        "price_version": None if projection.price_version is None else projection.price_version.isoformat(),
        "seed": projection.scenario.seed,
    }


def _own_and_others(told: Told, scope: str | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"trust": scope, "total": _spread(told.own)}]
    if told.others is not None:
        rows.append({"trust": None, "others": True, "total": _spread(told.others)})
    return rows


def _course(course: Course) -> dict[str, Any]:
    return {
        "months": [_month(month) for month in course.months],
        "total": _spread(course.total),
        "first_year": _spread(course.first_year),
    }


def _month(month: Month) -> dict[str, Any]:
    return {
        "month": month.month.label(),
        **_spread(month.cost),
        **dict.fromkeys(("p25", "p75"), format_amount(month.cost)),
        "list_price": format_amount(month.list_price),
        "discount": format_amount(month.discount),
        "after_end": month.after_end,
    }


def _spread(cost: Decimal) -> dict[str, str]:
    """Write the one course's cost: with one draw every quantile and the mean are that draw."""
    return dict.fromkeys(("p10", "p50", "p90", "mean"), format_amount(cost))


def _assumptions(projection: Projection) -> dict[str, Any]:
    scenario = projection.scenario
    return {
        "as_of": scenario.as_of.isoformat(),
        "data_until": None if projection.data_until is None else projection.data_until.isoformat(),
        "draws": 1,
        "growth": {"annual": format_rate(scenario.annual_growth), "spread": "0"},
        "index": {
            "annual": format_rate(scenario.index_factor - 1),
            "spread": "0",
            "starts": "each_january_first",
        },
        "end": "all_extensions" if scenario.all_extensions else "current",
        "volume": "forecast" if scenario.usage is None else "given",
        "vat": "excluded",
    }
