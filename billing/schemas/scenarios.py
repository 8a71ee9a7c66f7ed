"""Saved scenarios as the API reads and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import fields, validate

from billing.scenarios.scenarios import LONGEST_NAME, Revision
from billing.schemas.answers import MONTH, ProjectionSchema
from billing.schemas.projections import ScenarioSchema
from contracts.schemas.answers import INSTANT, AgreementQuerySchema, PageSchema
from contracts.schemas.fields import Day, IsoText, TermsSchema, Text, load, of


class NewScenarioSchema(TermsSchema):
    """A name and the scenario's document."""

    name = Text(required=True, metadata={"maxLength": LONGEST_NAME})
    scenario = fields.Nested(ScenarioSchema, required=True)


class NamedDocumentSchema(TermsSchema):
    """The same, its document left as it was written."""

    name = Text(required=True)
    scenario = fields.Dict(keys=fields.String(), required=True)


class RevisionQuerySchema(AgreementQuerySchema):
    """Which agreement, and whether to answer again and compare."""

    recompute = fields.Boolean(
        load_default=False,
        metadata={"description": "Answer again from what was known then, and say whether every amount is the same."},
    )


class HistoryMonthSchema(TermsSchema):
    """What a month before the scenario did cost."""

    month = fields.String(required=True, validate=MONTH)
    cost = fields.String(required=True)


class ScenarioAnswerSchema(ProjectionSchema):
    """A projection's answer with what was paid before, and for another base what it would be as agreed."""

    history = fields.List(fields.Nested(HistoryMonthSchema), required=True)
    as_agreed = fields.Dict()


class RevisionSummarySchema(TermsSchema):
    """A revision without its answer; `state` is `running` while a job answers it."""

    id = fields.String(required=True, attribute="code")
    revision = fields.Integer(required=True, validate=validate.Range(1), attribute="number")
    name = fields.String(required=True)
    trust = fields.String(required=True, allow_none=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(("running", "answered")),
        attribute=of(lambda revision: "running" if revision.answer is None else "answered"),
    )
    saved_by = fields.String(required=True, attribute="by")
    saved_at = IsoText(required=True, metadata=INSTANT)
    known_at = IsoText(required=True, metadata=INSTANT)
    today = Day(required=True)
    engine = fields.String(required=True)
    sha256 = fields.String(required=True, allow_none=True)
    prices_changed = fields.Boolean()
    job = fields.Integer(allow_none=True)


class RevisionSchema(RevisionSummarySchema):
    """A revision with its document and its answer."""

    scenario = fields.Dict(required=True)
    answer = fields.Nested(ScenarioAnswerSchema, required=True, allow_none=True)
    reproduced = fields.Boolean()


class ScenarioPageSchema(PageSchema):
    """The newest revision of each scenario, the latest saved first."""

    items = fields.List(fields.Nested(RevisionSummarySchema), required=True)


class SavedScenarioSchema(TermsSchema):
    """A scenario: its newest revision's name, and all revisions, the newest first."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    trust = fields.String(required=True, allow_none=True)
    revisions = fields.List(fields.Nested(RevisionSummarySchema), required=True)


def load_new_scenario(document: Any) -> tuple[str, dict[str, Any]]:
    """Read a name and a scenario's document; the document itself is read where it is answered."""
    read = load(NamedDocumentSchema(), document, "#")
    return read["name"], read["scenario"]


def dump_summary(revision: Revision) -> dict[str, Any]:
    """Write a revision without its document and its answer."""
    written: dict[str, Any] = RevisionSummarySchema(exclude=("prices_changed", "job")).dump(revision)
    return written


def dump_revision(
    revision: Revision, *, prices_changed: bool, job: int | None, reproduced: bool | None = None
) -> dict[str, Any]:
    """Write a revision whole; ``reproduced`` is left out where nobody asked."""
    written = dump_summary(revision) | {
        "prices_changed": prices_changed,
        "job": job,
        "scenario": revision.document,
        "answer": revision.answer,
    }
    return written if reproduced is None else written | {"reproduced": reproduced}


def dump_scenario(revisions: Sequence[Revision]) -> dict[str, Any]:
    """Write a scenario by its revisions, the newest first."""
    newest = revisions[0]
    return {
        "id": newest.code,
        "name": newest.name,
        "trust": newest.trust,
        "revisions": [dump_summary(revision) for revision in revisions],
    }
