"""Price books on the wire: versions, drafts with their course, what a check finds, simulations and comparisons."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import fields, validate

from billing.prices.diff import ChargeChange, Comparison, PriceChange
from billing.prices.trial import Trial
from billing.rating.price_list import VersionPrices
from contracts.prices.drafts import Consequence, Content, Draft, Step
from contracts.schemas.answers import AgreementQuerySchema, PageSchema, PeriodSchema
from contracts.schemas.fields import Clause, Day, Flag, TermsSchema, Whole, load
from contracts.schemas.price_book import ChargeField, dump_version, load_version
from contracts.terms.money import format_amount, format_unit_price
from contracts.terms.price_book import Finding
from contracts.terms.price_draft import EVENTS, STATES


class PriceBookVersionInForceSchema(TermsSchema):
    """A version in the price book; `until` is the first day of the next one, null for the last."""

    valid_from = Day(required=True)
    until = Day(required=True, allow_none=True)
    clause = Clause(required=True)
    charges = fields.List(ChargeField(), required=True)


class PriceBookVersionPageSchema(PageSchema):
    """A part of the versions, the oldest first."""

    items = fields.List(fields.Nested(PriceBookVersionInForceSchema), required=True)


class PriceBookDraftContentSchema(TermsSchema):
    """What a draft says: the version it would become, and a note to whoever approves it."""

    valid_from = Day(required=True)
    clause = Clause(load_default="")
    charges = fields.List(ChargeField(), required=True)
    note = Clause(load_default="")


class PriceBookConsequenceSchema(TermsSchema):
    """What a step was told to change over `period`."""

    period = fields.Nested(PeriodSchema, required=True)
    old = fields.String(required=True)
    new = fields.String(required=True)
    change = fields.String(required=True)


class PriceBookStepSchema(TermsSchema):
    """One step of a draft's course, about one revision."""

    event = fields.String(required=True, validate=validate.OneOf(EVENTS))
    revision = fields.Integer(required=True)
    comment = fields.String(required=True)
    by = fields.String(required=True)
    at = fields.String(required=True, metadata={"format": "date-time"})
    consequence = fields.Nested(PriceBookConsequenceSchema, required=True, allow_none=True)


class PriceBookDraftSchema(TermsSchema):
    """A draft with its newest revision and its course."""

    id = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    based_on = Day(required=True, allow_none=True)
    revision = fields.Integer(required=True)
    valid_from = Day(required=True)
    clause = Clause(required=True)
    charges = fields.List(ChargeField(), required=True)
    note = Clause(required=True)
    made_by = fields.String(required=True)
    changed_by = fields.String(required=True)
    changed_at = fields.String(required=True, metadata={"format": "date-time"})
    steps = fields.List(fields.Nested(PriceBookStepSchema), required=True)


class PriceBookDraftPageSchema(PageSchema):
    """A part of the drafts, the newest first."""

    items = fields.List(fields.Nested(PriceBookDraftSchema), required=True)


class PriceBookFoundSchema(TermsSchema):
    """One thing a check finds; an error refuses, a warning does not."""

    pointer = fields.String(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    severity = fields.String(required=True, validate=validate.OneOf(("error", "warning")))


class PriceBookCheckSchema(TermsSchema):
    """What the check of a draft finds; `accepted` where nothing is refused."""

    accepted = fields.Boolean(required=True)
    findings = fields.List(fields.Nested(PriceBookFoundSchema), required=True)


class PriceBookTrialRowSchema(TermsSchema):
    """What one charge costs one trust; `trust` null is the agreement itself."""

    charge = fields.String(required=True)
    trust = fields.String(required=True, allow_none=True)
    old = fields.String(required=True)
    new = fields.String(required=True)
    change = fields.String(required=True)


class PriceBookTrialSchema(TermsSchema):
    """The same real usage rated under two versions."""

    period = fields.Nested(PeriodSchema, required=True)
    examinations = fields.Integer(required=True)
    old = fields.String(required=True)
    new = fields.String(required=True)
    change = fields.String(required=True)
    rows = fields.List(fields.Nested(PriceBookTrialRowSchema), required=True)


class PriceBookSimulationSchema(TermsSchema):
    """A simulation; null where no whole month has usage."""

    simulation = fields.Nested(PriceBookTrialSchema, required=True, allow_none=True)


class PriceBookUnitsSchema(TermsSchema):
    """The numbers of a tier's first and last examination; `last` null is open."""

    first = fields.Integer(required=True)
    last = fields.Integer(required=True, allow_none=True)


class PriceBookPriceChangeSchema(TermsSchema):
    """One price of a charge in both versions; null where a version has none."""

    what = fields.String(required=True, validate=validate.OneOf(("unit_price", "flat_fee", "amount", "other")))
    tier = fields.Integer(required=True, allow_none=True)
    old_units = fields.Nested(PriceBookUnitsSchema, required=True, allow_none=True)
    new_units = fields.Nested(PriceBookUnitsSchema, required=True, allow_none=True)
    old = fields.String(required=True, allow_none=True)
    new = fields.String(required=True, allow_none=True)
    change = fields.String(required=True, allow_none=True)
    effect = fields.String(required=True, allow_none=True)


class PriceBookChargeChangeSchema(TermsSchema):
    """One charge in both versions."""

    code = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("added", "removed", "kept")))
    terms_changed = fields.List(fields.String(), required=True)
    prices = fields.List(fields.Nested(PriceBookPriceChangeSchema), required=True)
    effect = fields.String(required=True, allow_none=True)


class PriceBookComparisonSchema(TermsSchema):
    """Two versions compared; the charges' effects add up to `effect`."""

    old = Day(required=True, allow_none=True)
    new = Day(required=True)
    charges = fields.List(fields.Nested(PriceBookChargeChangeSchema), required=True)
    effect = fields.String(required=True, allow_none=True)


class PriceBookDiffQuerySchema(AgreementQuerySchema):
    """Which two versions, by their first days."""

    old = Day(required=True, data_key="from")
    new = Day(required=True, data_key="to")


class PriceBookDecisionSchema(TermsSchema):
    """A step on a draft: the revision it is about, and why."""

    revision = Whole(required=True)
    comment = Clause(load_default="")
    change = fields.String(
        load_default=None,
        validate=validate.Length(max=40),
        metadata={
            "description": "What it changes as you were shown it (`simulation.change`); 409 where it no longer does."
        },
    )


class PriceBookApprovalSchema(PriceBookDecisionSchema):
    """An approval; `retroactive` allows one whose first day lies in the past."""

    retroactive = Flag(load_default=False)


_DECISION = PriceBookDecisionSchema()
_APPROVAL = PriceBookApprovalSchema()
_CONTENT = PriceBookDraftContentSchema()


def load_content(document: Any) -> Content:
    """Read what a draft says; InvalidInput with every error of its shape."""
    read = load(_CONTENT, document, "#")
    version = load_version(
        {name: value for name, value in document.items() if name != "note"} | {"clause": read["clause"]}
    )
    return Content(version.valid_from, version.clause, version.charges, read["note"])


def load_decision(document: Any) -> tuple[int, str]:
    """Read the revision a step is about and its comment."""
    read = load(_DECISION, document, "#")
    return read["revision"], read["comment"]


def told_as(document: Any, consequence: Consequence | None) -> bool:
    """Tell whether a decision's change, where it names one, is that of a consequence."""
    change = load(_APPROVAL, document, "#")["change"]
    return change is None or (consequence is not None and change == format_amount(consequence.change))


def load_approval(document: Any) -> tuple[int, str, bool]:
    """Read the revision an approval is about, its comment, and whether days gone by may change."""
    read = load(_APPROVAL, document, "#")
    return read["revision"], read["comment"], read["retroactive"]


def dump_in_force(entry: VersionPrices) -> dict[str, Any]:
    """Write a version of the price book."""
    return {**dump_version(entry.version), "until": None if entry.until is None else entry.until.isoformat()}


def dump_draft(draft: Draft) -> dict[str, Any]:
    """Write a draft with its newest revision and its course."""
    newest = draft.newest
    return {
        "id": draft.id,
        "state": draft.state,
        "based_on": None if draft.based_on is None else draft.based_on.isoformat(),
        "revision": newest.number,
        **dump_version(newest.content.to_version()),
        "note": newest.content.note,
        "made_by": draft.made_by,
        "changed_by": newest.by,
        "changed_at": newest.at.isoformat(),
        "steps": [_step(step) for step in draft.steps],
    }


def dump_findings(findings: list[Finding]) -> dict[str, Any]:
    """Write what a check finds."""
    return {
        "accepted": not any(found.severity == "error" for found in findings),
        "findings": [
            {"pointer": found.pointer, "code": found.code, "detail": found.detail, "severity": found.severity}
            for found in findings
        ],
    }


def dump_trial(trial: Trial | None) -> dict[str, Any]:
    """Write a simulation with its rows per charge and trust."""
    if trial is None:
        return {"simulation": None}
    rows = [{"charge": row.charge, "trust": row.trust, **_change(row.old, row.new)} for row in trial.rows()]
    period = {"from": trial.period.start.isoformat(), "to": trial.period.end.isoformat()}
    return {
        "simulation": {
            "period": period,
            "examinations": trial.examinations,
            **_change(trial.old, trial.new),
            "rows": rows,
        }
    }


def dump_comparison(comparison: Comparison) -> dict[str, Any]:
    """Write two versions compared."""
    old = comparison.old
    return {
        "old": None if old is None else old.version.valid_from.isoformat(),
        "new": comparison.new.version.valid_from.isoformat(),
        "charges": [_charge(charge) for charge in comparison.charges],
        "effect": _amount(comparison.effect),
    }


def _charge(charge: ChargeChange) -> dict[str, Any]:
    return {
        "code": charge.code,
        "status": "added" if charge.old is None else "removed" if charge.new is None else "kept",
        "terms_changed": list(charge.terms_changed),
        "prices": [_price(row) for row in charge.prices],
        "effect": _amount(charge.effect),
    }


def _price(row: PriceChange) -> dict[str, Any]:
    return {
        "what": row.what,
        "tier": row.tier,
        "old_units": _units(row.old_range),
        "new_units": _units(row.new_range),
        "old": None if row.old is None else format_unit_price(row.old),
        "new": None if row.new is None else format_unit_price(row.new),
        "change": None if row.change is None else format_unit_price(row.change),
        "effect": _amount(row.effect),
    }


def _units(covered: tuple[int, int | None] | None) -> dict[str, int | None] | None:
    return None if covered is None else {"first": covered[0], "last": covered[1]}


def _step(step: Step) -> dict[str, Any]:
    return {
        "event": step.event,
        "revision": step.revision,
        "comment": step.comment,
        "by": step.by,
        "at": step.at.isoformat(),
        "consequence": None if step.consequence is None else _consequence(step.consequence),
    }


def _consequence(told: Consequence) -> dict[str, Any]:
    period = {"from": told.first.isoformat(), "to": told.until.isoformat()}
    return {"period": period, **_change(told.old, told.new)}


def _change(old: Decimal, new: Decimal) -> dict[str, str]:
    return {"old": format_amount(old), "new": format_amount(new), "change": format_amount(new - old)}


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else format_amount(value)
