"""The register of cost centres and who pays, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from marshmallow import fields

from contracts.schemas.agreement import PayerStepSchema
from contracts.schemas.answers import INSTANT, PageSchema
from contracts.schemas.fields import CODE, Day, TermsSchema, Text, load
from contracts.terms.agreement import PayerStep

MEMBERS = ("cost_centre", "account", "accrual_account", "project", "vat_code")


class CostCentreBookingSchema(TermsSchema):
    """Where amounts are booked from a day on: the expense's account, and the liability's until the invoice is accepted."""

    valid_from = Day(required=True)
    cost_centre = Text(required=True)
    account = Text(required=True)
    accrual_account = Text(required=True)
    project = Text(load_default=None, allow_none=True)
    vat_code = Text(load_default=None, allow_none=True)


class NewCostCentreSchema(CostCentreBookingSchema):
    """A booking of a trust, for all its algorithms (null) or one."""

    trust = Text(required=True, validate=CODE)
    algorithm = Text(load_default=None, allow_none=True, validate=CODE)


class CostCentreSchema(NewCostCentreSchema):
    """An entry of the register as it stands."""

    id = fields.Integer(required=True)
    recorded_at = fields.String(required=True, metadata=INSTANT)


class CostCentrePageSchema(PageSchema):
    """Entries by trust, algorithm and day."""

    items = fields.List(fields.Nested(CostCentreSchema), required=True)


class PayerPageSchema(PageSchema):
    """Who pays from when, in time order; where it is empty the buyer pays and recharges the trusts."""

    items = fields.List(fields.Nested(PayerStepSchema), required=True)


def load_booking(document: Any) -> dict[str, Any]:
    """Read a booking, or raise `InvalidInput` with every error."""
    data: dict[str, Any] = load(CostCentreBookingSchema(), document, "#")
    return data


def load_cost_centre(document: Any) -> dict[str, Any]:
    """Read a new entry, or raise `InvalidInput` with every error."""
    data: dict[str, Any] = load(NewCostCentreSchema(), document, "#")
    return data


def load_payer(document: Any) -> PayerStep:
    """Read who pays from when, or raise `InvalidInput` with every error."""
    return PayerStep(**load(PayerStepSchema(), document, "#"))


def dump_cost_centre(entry: Any) -> dict[str, Any]:
    """Write an entry."""
    recorded_at: datetime = entry.recorded_at
    return {
        "id": entry.id,
        "trust": entry.trust,
        "algorithm": entry.algorithm,
        "valid_from": entry.valid_from.isoformat(),
        **asdict(entry.booking),
        "recorded_at": recorded_at.isoformat(),
    }
