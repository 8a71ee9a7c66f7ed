"""Price books on the wire: versions, drafts with their course, what a check finds, simulations and comparisons."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from contracts.prices.drafts import Consequence, Content
from contracts.schemas.answers import INSTANT, AgreementQuerySchema, PageSchema, PeriodSchema
from contracts.schemas.effects import ApprovalFieldsSchema
from contracts.schemas.fields import AmountText, Clause, Day, Flag, IsoText, PriceText, TermsSchema, Whole, load, of
from contracts.schemas.price_book import ChargeField, load_version
from contracts.terms.money import format_amount
from contracts.terms.price_draft import EVENTS, STATES


class PriceBookVersionInForceSchema(TermsSchema):
    """A version in the price book; `until` is the first day of the next one, null for the last."""

    valid_from = Day(required=True, attribute="version.valid_from")
    clause = Clause(required=True, attribute="version.clause")
    charges = fields.List(ChargeField(), required=True, attribute="version.charges")
    until = Day(required=True, allow_none=True)


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

    period = fields.Nested(
        PeriodSchema, required=True, attribute=of(lambda told: {"start": told.first, "end": told.until})
    )
    old = AmountText(required=True)
    new = AmountText(required=True)
    change = AmountText(required=True)


class PriceBookStepSchema(TermsSchema):
    """One step of a draft's course, about one revision."""

    event = fields.String(required=True, validate=validate.OneOf(EVENTS))
    revision = fields.Integer(required=True)
    comment = fields.String(required=True)
    by = fields.String(required=True)
    at = IsoText(required=True, metadata=INSTANT)
    consequence = fields.Nested(PriceBookConsequenceSchema, required=True, allow_none=True)


class PriceBookDraftSchema(TermsSchema):
    """A draft with its newest revision and its course."""

    id = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    based_on = Day(required=True, allow_none=True)
    revision = fields.Integer(required=True, attribute="newest.number")
    valid_from = Day(required=True, attribute="newest.content.valid_from")
    clause = Clause(required=True, attribute="newest.content.clause")
    charges = fields.List(ChargeField(), required=True, attribute="newest.content.charges")
    note = Clause(required=True, attribute="newest.content.note")
    made_by = fields.String(required=True)
    changed_by = fields.String(required=True, attribute="newest.by")
    changed_at = IsoText(required=True, metadata=INSTANT, attribute="newest.at")
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

    accepted = fields.Boolean(
        required=True, attribute=of(lambda findings: not any(found.severity == "error" for found in findings))
    )
    findings = fields.List(fields.Nested(PriceBookFoundSchema), required=True, attribute=of(lambda found: found))


class PriceBookTrialRowSchema(TermsSchema):
    """What one charge costs one trust; `trust` null is the agreement itself."""

    charge = fields.String(required=True)
    trust = fields.String(required=True, allow_none=True)
    old = AmountText(required=True)
    new = AmountText(required=True)
    change = AmountText(required=True)


class PriceBookTrialSchema(TermsSchema):
    """The same real usage rated under two versions."""

    period = fields.Nested(PeriodSchema, required=True)
    examinations = fields.Integer(required=True)
    old = AmountText(required=True)
    new = AmountText(required=True)
    change = AmountText(required=True)
    rows = fields.List(fields.Nested(PriceBookTrialRowSchema), required=True, attribute=of(lambda trial: trial.rows()))


class PriceBookSimulationSchema(TermsSchema):
    """A simulation; null where no whole month has usage."""

    simulation = fields.Nested(PriceBookTrialSchema, required=True, allow_none=True, attribute=of(lambda trial: trial))


class PriceBookUnitsSchema(TermsSchema):
    """The numbers of a tier's first and last examination; `last` null is open."""

    first = fields.Integer(required=True, attribute=of(lambda units: units[0]))
    last = fields.Integer(required=True, allow_none=True, attribute=of(lambda units: units[1]))


class PriceBookPriceChangeSchema(TermsSchema):
    """One price of a charge in both versions; null where a version has none."""

    what = fields.String(required=True, validate=validate.OneOf(("unit_price", "flat_fee", "amount", "other")))
    tier = fields.Integer(required=True, allow_none=True)
    old_units = fields.Nested(PriceBookUnitsSchema, required=True, allow_none=True, attribute="old_range")
    new_units = fields.Nested(PriceBookUnitsSchema, required=True, allow_none=True, attribute="new_range")
    old = PriceText(required=True, allow_none=True)
    new = PriceText(required=True, allow_none=True)
    change = PriceText(required=True, allow_none=True)
    effect = AmountText(required=True, allow_none=True)


class PriceBookChargeChangeSchema(TermsSchema):
    """One charge in both versions."""

    code = fields.String(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf(("added", "removed", "kept")),
        attribute=of(lambda charge: "added" if charge.old is None else "removed" if charge.new is None else "kept"),
    )
    terms_changed = fields.List(fields.String(), required=True)
    prices = fields.List(fields.Nested(PriceBookPriceChangeSchema), required=True)
    effect = AmountText(required=True, allow_none=True)


class PriceBookComparisonSchema(TermsSchema):
    """Two versions compared; the charges' effects add up to `effect`."""

    old = Day(required=True, allow_none=True, attribute="old.version.valid_from")
    new = Day(required=True, attribute="new.version.valid_from")
    charges = fields.List(fields.Nested(PriceBookChargeChangeSchema), required=True)
    effect = AmountText(required=True, allow_none=True)


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


class PriceBookApprovalSchema(ApprovalFieldsSchema, PriceBookDecisionSchema):
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


def load_approval(document: Any) -> tuple[int, str, dict[str, Any]]:
    """Read the revision an approval is about, its comment, and what it allows and in whose place."""
    read = load(_APPROVAL, document, "#")
    said = {name: read[name] for name in ("retroactive", "delegation", "allow_over")}
    return read["revision"], read["comment"], said
