"""The scenario document and the projection that answers it, as `flask project` and the API read and write them.

One deterministic course is projected so far: `draws` is 1 and every spread 0 or left out. What would need more is refused
at its place, never left out of the answer silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from billing.metering import LARGEST_QUANTITY
from billing.projection import Course, Month, MonthlyUsage, Projection, Scenario, Told
from billing.rating.forecast import Plan
from contracts.access import Actor
from contracts.errors import Finding, InvalidInput
from contracts.schemas.fields import Choice, Day, Number, TermsSchema, Text, Whole, Written, load
from contracts.terms.money import RATE_DECIMALS, format_amount, format_rate
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, Usage

LONGEST_MONTHS = 120
MONTH = Written(r"^(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])$", error="not_a_month: A month such as 2026-09.")
VOLUME = validate.Range(0, LARGEST_QUANTITY, error=f"out_of_range: From 0 to {LARGEST_QUANTITY}.")
YEARLY = validate.Range(Decimal("-0.9"), Decimal(10), error="out_of_range: From -0.9 to 10.")
ONE_COURSE = "not_available: One deterministic course is projected so far"
NO_SPREAD = f"{ONE_COURSE}; a spread is 0 or left out."


def _no_spread(value: Decimal) -> None:
    """Refuse a spread above 0, which needs draws."""
    if value != 0:
        raise ValidationError(NO_SPREAD)


class AssumptionSchema(TermsSchema):
    """{annual, spread}"""

    annual = Number(RATE_DECIMALS, load_default=Decimal(0), validate=YEARLY)
    spread = Number(RATE_DECIMALS, load_default=Decimal(0), validate=_no_spread)


class NoiseSchema(TermsSchema):
    """{trust, algorithm, common, rho}"""

    trust = Number(RATE_DECIMALS, validate=_no_spread)
    algorithm = Number(RATE_DECIMALS, validate=_no_spread)
    common = Number(RATE_DECIMALS, validate=_no_spread)
    rho = Number(RATE_DECIMALS)


class PlannedActivationSchema(TermsSchema):
    """{trust, algorithm, go_live, monthly_volume, adoption_months, end}"""

    trust = Text(required=True)
    algorithm = Text(required=True)
    go_live = Day(load_default=None, allow_none=True)
    go_live_between = fields.List(fields.String(), load_default=None, allow_none=True)
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


class ScenarioSchema(TermsSchema):
    """The scenario document (`POST /api/v1/projections`)."""

    first = fields.String(required=True, data_key="from", validate=MONTH)
    last = fields.String(required=True, data_key="to", validate=MONTH)
    as_of = Day(load_default=None)
    draws = Whole(load_default=1)
    seed = Whole(load_default=0, validate=validate.Range(0, 2**63 - 1, error="out_of_range: From 0 to 2^63 - 1."))
    growth = fields.Nested(AssumptionSchema, load_default=dict)
    index = fields.Nested(AssumptionSchema, load_default=dict)
    noise = fields.Nested(NoiseSchema, load_default=dict, allow_none=True)
    end = Choice(("current", "all_extensions"), load_default="current")
    activations = fields.List(fields.Nested(PlannedActivationSchema), load_default=list)
    usage = fields.List(fields.Nested(ScenarioUsageSchema), load_default=None, allow_none=True)


def load_scenario(document: Any, *, as_of: date | None = None) -> Scenario:
    """Read a scenario document; ``as_of`` stands in where it names no day until which usage counts as known.

    Raises `InvalidInput` with every error and its place, also for what only a projection with draws could answer.
    """
    findings = _only_one_course(document)
    try:
        data = load(ScenarioSchema(), document, "#")
    except InvalidInput as error:
        raise InvalidInput(tuple(dict.fromkeys((*error.errors, *findings)))) from None
    first, last = Period.parse(data["first"]).start, Period.parse(data["last"]).start
    if first >= last:
        findings.append(Finding("#/to", "end_before_start", "The scenario ends after it starts."))
    elif len(Period(first, last).months()) > LONGEST_MONTHS:
        findings.append(Finding("#/to", "too_long", f"A scenario has at most {LONGEST_MONTHS} months."))
    known_until = data["as_of"] or as_of
    if known_until is None:
        findings.append(Finding("#/as_of", "missing", "The field is missing."))
    for number, planned in enumerate(data["activations"]):
        if planned["go_live"] is not None and planned["end"] is not None and planned["end"] <= planned["go_live"]:
            detail = "An activation ends after it goes live."
            findings.append(Finding(f"#/activations/{number}/end", "end_before_go_live", detail))
    if findings or known_until is None:
        raise InvalidInput(tuple(findings))
    usage = data["usage"]
    return Scenario(
        period=Period(first, last),
        as_of=known_until,
        plans=tuple(
            Plan(
                Activation(planned["trust"], planned["algorithm"], planned["go_live"], end=planned["end"]),
                planned["monthly_volume"],
                planned["adoption_months"],
            )
            for planned in data["activations"]
        ),
        annual_growth=data["growth"].get("annual", Decimal(0)),
        annual_index=data["index"].get("annual", Decimal(0)),
        usage=None if usage is None else tuple(usage),
        all_extensions=data["end"] == "all_extensions",
        seed=data["seed"],
    )


def _only_one_course(document: Any) -> list[Finding]:
    """Name what asks for more than the one deterministic course."""
    if not isinstance(document, Mapping):
        return []
    findings = []
    draws = document.get("draws", 1)
    if isinstance(draws, int) and draws != 1:
        findings.append(Finding("#/draws", "not_available", f"{ONE_COURSE.partition(': ')[2]}; draws is 1."))
    if "noise" in document and document["noise"] is None:
        detail = f"{ONE_COURSE.partition(': ')[2]}; noise is not estimated from history yet: leave it out."
        findings.append(Finding("#/noise", "not_available", detail))
    activations = document.get("activations")
    for number, planned in enumerate(activations if isinstance(activations, list) else ()):
        if not isinstance(planned, Mapping):
            continue
        if planned.get("go_live_between") is not None:
            detail = "An order of activations is not proposed yet: give go_live."
            findings.append(Finding(f"#/activations/{number}/go_live_between", "not_available", detail))
        elif planned.get("go_live") is None:
            findings.append(Finding(f"#/activations/{number}/go_live", "missing", "The field is missing."))
    return findings


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
