"""The catalogue, gains and stand-ins, as the API reads and writes them."""

from __future__ import annotations

from marshmallow import fields, validate

from contracts.schemas.answers import INSTANT, PageSchema
from contracts.schemas.fields import Amount, Clause, Day, Flag, IsoText, Number, TermsSchema, Text, Whole, of
from contracts.schemas.options import LONGEST, SHORT, CertificateSchema
from contracts.terms.evidence import CRITERIA, GAIN_KINDS, REFERENCE_KINDS

LONG = validate.Length(max=500, error="too_long: At most 500 characters.")
UNKNOWN = {"description": "`null` where it is not known."}


class DescriptionSchema(TermsSchema):
    """What a product is meant for, in its maker's words, and what it cannot do."""

    intended_use = Text(required=True, validate=LONGEST)
    organ = Text(required=True, validate=SHORT)
    function = Text(required=True, validate=SHORT)
    limitations = Clause(load_default="", validate=LONGEST)


class NewReferenceSchema(TermsSchema):
    """A published reference; ``replaces`` is the id of one that it corrects."""

    kind = Text(required=True, metadata={"enum": list(REFERENCE_KINDS)})
    authors = Text(required=True, validate=LONG)
    year = Whole(required=True)
    title = Text(required=True, validate=LONG)
    journal = Text(required=True, validate=SHORT)
    doi = Clause(load_default="", validate=SHORT)
    design = Clause(load_default="", validate=SHORT)
    participants = Whole(load_default=None, allow_none=True, metadata=UNKNOWN)
    independent = Flag(load_default=None, allow_none=True, metadata=UNKNOWN)
    peer_reviewed = Flag(load_default=None, allow_none=True, metadata=UNKNOWN)
    replaces = Whole(load_default=None, allow_none=True, validate=validate.Range(1, 2**62))


class ReferenceSchema(TermsSchema):
    """A reference as recorded."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(REFERENCE_KINDS))
    authors = fields.String(required=True)
    year = fields.Integer(required=True)
    title = fields.String(required=True)
    journal = fields.String(required=True)
    doi = fields.String(required=True)
    design = fields.String(required=True)
    participants = fields.Integer(required=True, allow_none=True)
    independent = fields.Boolean(required=True, allow_none=True)
    peer_reviewed = fields.Boolean(required=True, allow_none=True)


class ProductVersionSchema(TermsSchema):
    """A version that the maker released."""

    version = Text(required=True, validate=SHORT)
    released_on = Day(required=True)
    note = Clause(load_default="", validate=LONGEST)


class ScoreSchema(TermsSchema):
    """How the need that a product serves scores by a criterion, 1 (low) to 5 (high)."""

    criterion = Text(required=True, metadata={"enum": list(CRITERIA)})
    score = Whole(required=True)
    reason = Text(required=True, validate=LONGEST)


class ProductSchema(TermsSchema):
    """A product with all that is known of it. ``total_score`` is ``null`` as long as a criterion is not scored."""

    code = fields.String(required=True)
    product = fields.String(required=True)
    vendor_name = fields.String(required=True, attribute="vendor")
    need = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        attribute=of(lambda one: {"nb": one.need_nb, "en": one.need_en}),
    )
    modality = fields.String(required=True)
    ce_class = fields.String(required=True)
    ce_year = fields.Integer(required=True, allow_none=True)
    description = fields.Nested(DescriptionSchema, required=True, allow_none=True)
    certificates = fields.List(fields.Nested(CertificateSchema), required=True)
    references = fields.List(fields.Nested(ReferenceSchema), required=True)
    versions = fields.List(fields.Nested(ProductVersionSchema), required=True)
    scores = fields.List(fields.Nested(ScoreSchema), required=True)
    total_score = fields.Integer(required=True, allow_none=True)


class NewGainSchema(TermsSchema):
    """A gain that a draft expects of each examination; ``value`` is kroner a unit, ``owner`` an e-mail address."""

    kind = Text(required=True, metadata={"enum": list(GAIN_KINDS)})
    description = Text(required=True, validate=LONG)
    per_examination = Number(4, load_default=None, allow_none=True, metadata=UNKNOWN)
    value = Number(2, load_default=None, allow_none=True, metadata=UNKNOWN)
    source = Text(required=True, validate=LONG)
    owner = Text(required=True, validate=SHORT)


class NewObservationSchema(TermsSchema):
    """What a gain's owner observed; ``to`` is the first day after."""

    first = Day(required=True, data_key="from")
    until = Day(required=True, data_key="to")
    per_examination = Number(4, load_default=None, allow_none=True)
    note = Clause(load_default="", validate=LONGEST)


class ObservationSchema(TermsSchema):
    """What was observed, by whom."""

    first = Day(required=True, data_key="from")
    until = Day(required=True, data_key="to")
    per_examination = Number(4, required=True, allow_none=True)
    note = fields.String(required=True)
    by = fields.String(required=True)
    at = IsoText(required=True, metadata=INSTANT)


class GainSchema(TermsSchema):
    """An expected gain, and what was observed of it."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(GAIN_KINDS))
    description = fields.String(required=True)
    per_examination = Number(4, required=True, allow_none=True)
    value = Amount(2, required=True, allow_none=True)
    source = fields.String(required=True)
    owner = fields.String(required=True)
    observed = fields.List(fields.Nested(ObservationSchema), required=True)


class GainPageSchema(PageSchema):
    """The gains of a case, in the order in which they were described."""

    items = fields.List(fields.Nested(GainSchema), required=True)


class NewStandInSchema(TermsSchema):
    """Somebody (an e-mail address) who decides in your place; ``to`` is the first day without."""

    deputy = Text(required=True, validate=SHORT)
    first = Day(required=True, data_key="from")
    until = Day(required=True, data_key="to")
    reason = Clause(load_default="", validate=LONGEST)


class StandInSchema(TermsSchema):
    """Who stands in for whom, from a day until the first day without."""

    id = fields.Integer(required=True)
    principal = fields.String(required=True)
    deputy = fields.String(required=True)
    first = Day(required=True, data_key="from", attribute="period.start")
    until = Day(required=True, data_key="to", attribute="period.end")
    reason = fields.String(required=True)


class StandInPageSchema(PageSchema):
    """Your own delegations, and those to you, oldest first."""

    items = fields.List(fields.Nested(StandInSchema), required=True)


class ApprovalLimitSchema(TermsSchema):
    """The amount (kroner excluding VAT) from which on two people must approve."""

    amount = Number(2, required=True)
