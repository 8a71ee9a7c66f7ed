"""Index clauses, values and requests as the API and the commands show them, and the bodies they are written with."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from contracts.schemas.answers import AgreementQuerySchema, ListQuerySchema, PageSchema
from contracts.schemas.effects import ApprovalFieldsSchema
from contracts.schemas.fields import Choice, Clause, Day, Flag, Number, TermsSchema, Text, Whole, load
from contracts.schemas.index_values import read_month
from contracts.terms.indexation import (
    LIMITS_ON,
    NOTICE_UNITS,
    READINGS,
    SHOWN_DECIMALS,
    STATES,
    VALUE_DECIMALS,
    IndexClause,
)
from contracts.terms.money import RATE_DECIMALS

MONTH = {"pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])$", "example": "2026-09"}
SHORT = validate.Length(min=1, max=200, error="too_long: The text has at most 200 characters.")
EVENTS = ("approve", "ask_override", "decline")


class Month(fields.String):
    """A month as "2026-09", held as its first day."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata=MONTH, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else f"{value:%Y-%m}"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ValidationError("not_a_string: A string is expected.")
        try:
            if "M" in value:
                raise ValueError("not_a_month: A month is expected, such as 2025-01.")
            return read_month(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class IndexClauseSchema(TermsSchema):
    """What an agreement says about index adjustment; shares are written as `0.85`, months as `2024-09`."""

    index_name = Text(required=True, validate=SHORT)
    table = Text(required=True, validate=SHORT)
    series = Text(load_default="TOTAL", validate=SHORT)
    reading = Choice(READINGS, required=True)
    base_month = Month(load_default=None, allow_none=True)
    comparison_month = Whole(required=True)
    average_months = Whole(load_default=1)
    share = Number(RATE_DECIMALS, required=True)
    floor = Number(RATE_DECIMALS, load_default=None, allow_none=True)
    cap = Number(RATE_DECIMALS, load_default=None, allow_none=True)
    limits_on = Choice(LIMITS_ON, load_default="price_change")
    symmetric = Flag(load_default=True)
    first_effective = Day(required=True)
    notice = Whole(required=True)
    notice_unit = Choice(NOTICE_UNITS, load_default="months")
    clause = Clause(required=True, validate=validate.Length(max=200, error="too_long: At most 200 characters."))

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> IndexClause:
        return IndexClause(**data)


class ProposedClauseSchema(TermsSchema):
    """A clause that waits for another person's decision, and who proposed it."""

    id = fields.Integer(required=True)
    by = fields.String(required=True)
    clause = fields.Nested(IndexClauseSchema, required=True, attribute="terms")


class AgreedClauseSchema(TermsSchema):
    """The clause that stands, and the one that is proposed in its place; null where there is none."""

    agreement = fields.String(required=True)
    clause = fields.Nested(IndexClauseSchema, required=True, allow_none=True)
    proposed = fields.Nested(ProposedClauseSchema, required=True, allow_none=True)


class ClauseDecisionSchema(TermsSchema):
    """What is decided on a proposed clause; a reason goes with `decline`."""

    proposal = Whole(required=True)
    event = Choice(("approve", "decline"), required=True)
    reason = Clause(load_default="", validate=validate.Length(max=1000, error="too_long: At most 1000 characters."))


class UsedValueSchema(TermsSchema):
    """A value that a request rests on, as it was published and retrieved."""

    side = Choice(("base", "current"), required=True)
    month = Month(required=True)
    value = Number(VALUE_DECIMALS, required=True)
    retrieved_on = Day(required=True)


class IndexRequestSchema(TermsSchema):
    """A request: what it rests on, the exact factor (ten decimals) and the factor of the price book (four)."""

    id = fields.Integer(required=True)
    effective_from = Day(required=True)
    state = Choice(STATES, required=True)
    requested_on = Day(required=True)
    requested_by = fields.String(required=True)
    deadline_on = Day(required=True)
    base_year = fields.Integer(required=True)
    base_value = Number(SHOWN_DECIMALS, required=True)
    current_value = Number(SHOWN_DECIMALS, required=True)
    index_change = Number(SHOWN_DECIMALS, required=True)
    price_change = Number(SHOWN_DECIMALS, required=True)
    limited = Choice(("floor", "cap", "not_below_zero"), required=True, allow_none=True)
    exact_factor = Number(SHOWN_DECIMALS, required=True)
    factor = Number(RATE_DECIMALS, required=True)
    decided_on = Day(required=True, allow_none=True)
    decided_by = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True)
    clause = fields.Nested(IndexClauseSchema, required=True)
    used = fields.List(fields.Nested(UsedValueSchema), required=True)


class IndexRequestPageSchema(PageSchema):
    """Requests in the order they were made."""

    items = fields.List(fields.Nested(IndexRequestSchema), required=True)


class NewIndexRequestSchema(TermsSchema):
    """From which day prices are to be adjusted."""

    effective_from = Day(required=True)


class IndexDecisionSchema(ApprovalFieldsSchema):
    """What is decided, or asked (`ask_override`); `retroactive` allows an approval whose day lies in the past."""

    event = Choice(EVENTS, required=True)
    reason = Clause(load_default="", validate=validate.Length(max=1000, error="too_long: At most 1000 characters."))
    retroactive = Flag(load_default=False)


class IndexValueSchema(TermsSchema):
    """A month's value as published, retrieved last on a day; `revisions` tells how often it had been another."""

    table = fields.String(required=True)
    series = fields.String(required=True)
    base_year = fields.Integer(required=True)
    month = Month(required=True)
    value = Number(VALUE_DECIMALS, required=True)
    retrieved_on = Day(required=True)
    revisions = fields.Integer(required=True)


class IndexValuePageSchema(PageSchema):
    """Values by table, series, base year and month."""

    items = fields.List(fields.Nested(IndexValueSchema), required=True)


class ImportedValuesSchema(TermsSchema):
    """What an import did."""

    id = fields.Integer(required=True)
    status = Choice(("imported", "already_imported"), required=True)
    values = fields.Integer(required=True)
    new = fields.Integer(required=True)
    revised = fields.Integer(required=True)
    missing = fields.Integer(required=True)
    ignored = fields.List(fields.String(), required=True)


_TABLE = {"description": "The table's code, where the file does not say it."}
_BASE = {"description": "The year in which the index stands at 100."}


class IndexValueQuerySchema(ListQuerySchema):
    """Which values."""

    table = fields.String(load_default=None, validate=SHORT)
    series = fields.String(load_default=None, validate=SHORT)
    base_year = fields.Integer(load_default=None, validate=validate.Range(1900, 2099), metadata=_BASE)


class ImportValuesQuerySchema(TermsSchema):
    """How a file of values is read."""

    table = fields.String(load_default=None, validate=SHORT, metadata=_TABLE)
    base_year = fields.Integer(load_default=None, validate=validate.Range(1900, 2099), metadata=_BASE)
    retrieved_on = Day(
        load_default=None, metadata={"description": "When the values were retrieved; today if left out."}
    )


class IndexRequestQuerySchema(AgreementQuerySchema, ListQuerySchema):
    """Which agreement's requests."""


def dump_clause(clause: IndexClause) -> dict[str, Any]:
    """Write an index clause as it is read."""
    written: dict[str, Any] = IndexClauseSchema().dump(clause)
    return written


def load_clause(document: Any) -> IndexClause:
    """Read an index clause; InvalidInput with every error and its place."""
    clause: IndexClause = load(IndexClauseSchema(), document, "#")
    return clause
