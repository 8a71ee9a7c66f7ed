"""What the API of reconciliations is asked: queries and bodies, each read strictly."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from marshmallow import fields, validate

from billing.causes import CODES, REASONS, Tolerance
from billing.reconciliation.dispute_terms import HOLDS, STEPS, WANTED
from billing.reconciliation.disputes import LANGUAGES
from billing.reconciliation.lines import ORDERS
from billing.reconciliation.runs import LONGEST, Place
from billing.reconciliation.treatment import DECISIONS
from contracts.schemas.answers import AgreementQuerySchema, KnownQuerySchema, ListQuerySchema
from contracts.schemas.fields import Choice, Clause, Day, Flag, Number, TermsSchema, Text, Whole, load

SIGNATURES: Final = ("attest", "approve")
_LENGTH: Final = validate.Length(max=LONGEST, error=f"too_long: At most {LONGEST} characters.")
_KEYS: Final = validate.Length(min=1, max=2000, error="out_of_range: Between 1 and 2 000 ids.")


class AsKnownQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """As known when."""


class AsRunQuerySchema(AsKnownQuerySchema):
    """As known when, or as it was in an earlier run."""

    run = fields.Integer(
        load_default=None,
        validate=lambda number: 0 < number < 2**31,
        metadata={"description": "A run by its number, as it was frozen.", "minimum": 1},
    )


class LinesQuerySchema(AsRunQuerySchema, ListQuerySchema):
    """Which lines."""

    differences = fields.Boolean(load_default=False, metadata={"description": "Only lines that differ."})
    trust = fields.String(load_default=None)
    code = fields.String(load_default=None, validate=validate.OneOf(CODES))
    order = fields.String(load_default="line", validate=validate.OneOf(ORDERS))


class FindingsQuerySchema(AsRunQuerySchema, ListQuerySchema):
    """Which findings."""

    trust = fields.String(load_default=None)
    code = fields.String(load_default=None, validate=validate.OneOf(CODES))


class ReasonSchema(TermsSchema):
    """{reason}"""

    reason = Text(required=True, validate=_LENGTH)


class DecisionSchema(TermsSchema):
    """{findings, decision, comment}: ids of findings, or of lines of the sample; accepting needs a comment."""

    findings = fields.List(Text(), required=True, validate=_KEYS)
    decision = Choice(DECISIONS, required=True)
    comment = Clause(load_default="", validate=_LENGTH)


class PlacingSchema(TermsSchema):
    """{document, lines, trust, algorithm, charge, period, comment}: what lines are about; with none of the four, they are
    matched rightly as they are."""

    document = Text(required=True, metadata={"description": "The document's SHA-256."})
    lines = fields.List(Text(), required=True, validate=_KEYS)
    trust = Text(load_default=None, allow_none=True)
    algorithm = Text(load_default=None, allow_none=True)
    charge = Text(load_default=None, allow_none=True)
    period = Text(load_default=None, allow_none=True)
    comment = Clause(load_default="", validate=_LENGTH)


class NewDisputeSchema(TermsSchema):
    """{findings, wanted, hold, language, reply_by, message}"""

    findings = fields.List(Text(), required=True, validate=_KEYS)
    wanted = Choice(WANTED, required=True)
    hold = Choice(HOLDS, required=True)
    language = Choice(LANGUAGES, load_default="nb")
    reply_by = Day(required=True)
    message = Clause(load_default="", validate=_LENGTH)


class NewStepSchema(TermsSchema):
    """{step, on, amount, on_next_invoice, credit_note, clarification, comment}"""

    step = Choice(STEPS, required=True)
    on = Day(required=True)
    amount = Number(2, load_default=None, allow_none=True)
    on_next_invoice = Flag(load_default=False)
    credit_note = Whole(load_default=None, allow_none=True)
    clarification = Choice(REASONS, load_default=None, allow_none=True)
    comment = Clause(load_default="", validate=_LENGTH)


class SignatureSchema(TermsSchema):
    """{kind, statement}: `attest` or `approve`, and the words that are signed."""

    kind = Choice(SIGNATURES, required=True)
    statement = Text(required=True, validate=_LENGTH)


class NewToleranceSchema(TermsSchema):
    """{valid_from, line, invoice, tax, clause, reason}; amounts in kroner."""

    valid_from = Day(required=True)
    line = Number(2, required=True)
    invoice = Number(2, required=True)
    tax = Number(2, required=True)
    clause = Clause(load_default="")
    reason = Text(required=True, validate=_LENGTH)


class ToleranceDecisionSchema(TermsSchema):
    """{decision, comment}"""

    decision = Choice(("approved", "declined"), required=True)
    comment = Clause(load_default="", validate=_LENGTH)


def load_reason(document: Any) -> str:
    """Read why a reconciliation is opened again; InvalidInput with every error of its shape."""
    reason: str = load(ReasonSchema(), document, "#")["reason"]
    return reason


def load_decision(document: Any) -> dict[str, Any]:
    """Read a decision: `findings`, `decision`, `comment`."""
    read: dict[str, Any] = load(DecisionSchema(), document, "#")
    return read


def load_placing(document: Any) -> tuple[str, list[str], Place, str]:
    """Read what lines are about: the document, its lines, their place and a comment."""
    read = load(PlacingSchema(), document, "#")
    place = Place(read["trust"], read["algorithm"], read["charge"], read["period"])
    return read["document"], read["lines"], place, read["comment"]


def load_dispute(document: Any) -> dict[str, Any]:
    """Read a new dispute, by the names that `open_dispute` takes."""
    read: dict[str, Any] = load(NewDisputeSchema(), document, "#")
    return {"keys" if name == "findings" else name: value for name, value in read.items()}


def load_step(document: Any) -> dict[str, Any]:
    """Read a step of a dispute, by the names that `take_step` takes."""
    read: dict[str, Any] = load(NewStepSchema(), document, "#")
    return {"credit_note_id" if name == "credit_note" else name: value for name, value in read.items()}


def load_signature(document: Any) -> tuple[Literal["attest", "approve"], str]:
    """Read a signature: its kind and its words."""
    read = load(SignatureSchema(), document, "#")
    return read["kind"], read["statement"]


def load_tolerance(document: Any) -> tuple[date, Tolerance, str, str]:
    """Read a new tolerance: from when, the amounts, the clause and the reason."""
    read = load(NewToleranceSchema(), document, "#")
    amounts: tuple[Decimal, ...] = (read["line"], read["invoice"], read["tax"])
    return read["valid_from"], Tolerance(*amounts), read["clause"], read["reason"]


def load_tolerance_decision(document: Any) -> dict[str, Any]:
    """Read what becomes of a tolerance: `decision`, `comment`."""
    read: dict[str, Any] = load(ToleranceDecisionSchema(), document, "#")
    return read
