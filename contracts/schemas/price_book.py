"""The wire shape of a price book, as pricing.md §5 writes it.

Shapes, words and decimals are checked here; whether the book can be read in one way is the business of
`contracts.terms.price_book.check`. What is dumped and loaded again is equal, and decimals keep the form they were written in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, get_args

from marshmallow import ValidationError, fields, post_dump, post_load, pre_dump

from contracts.schemas.fields import Choice, Clause, Day, Flag, Number, TermsSchema, Text, Whole, load
from contracts.terms import price_model
from contracts.terms.money import AMOUNT_DECIMALS, RATE_DECIMALS, UNIT_PRICE_DECIMALS
from contracts.terms.period import WindowKind
from contracts.terms.price_book import Activation, AgreementTerm, IndexAdjustment, PriceBook, PriceBookVersion
from contracts.terms.price_model import (
    Charge,
    Conventions,
    Counter,
    FixedCharge,
    Limit,
    OneOffCharge,
    Overrides,
    RampPhase,
    RampUp,
    UsageCharge,
    kind_of,
)
from contracts.terms.price_models import MODELS, Boundary, FieldKind, PriceModel, Tier, fields_of_models

ALL = "all"
PRICE_DECIMALS = (2, 3, 4, 5, 6)
_SCOPES = get_args(price_model.Scope)
_WINDOWS = get_args(WindowKind)


class AgreementTermSchema(TermsSchema):
    """{start, end, currency}"""

    start = Day(required=True)
    end = Day(required=True)
    currency = Text(load_default="NOK")

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> AgreementTerm:
        return AgreementTerm(**data)


class ActivationSchema(TermsSchema):
    """{trust, algorithm, validation_from, go_live, end}"""

    trust = Text(required=True)
    algorithm = Text(required=True)
    validation_from = Day(load_default=None, allow_none=True)
    go_live = Day(required=True)
    end = Day(load_default=None, allow_none=True)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> Activation:
        return Activation(**data)


class ConventionsSchema(TermsSchema):
    """The book's conventions; what is not written is the default of pricing.md §2."""

    boundary = Choice(get_args(Boundary))
    zero_usage = Choice(get_args(price_model.ZeroUsage))
    price_decimals = Choice(PRICE_DECIMALS)
    rounding = Choice(get_args(price_model.Rounding))
    minimum_applies = Choice(get_args(price_model.MinimumApplies))

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> Conventions | Overrides:
        return Conventions(**data)


class OverridesSchema(ConventionsSchema):
    """The conventions in which one charge differs from its book."""

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> Conventions | Overrides:
        return Overrides(**data)

    @post_dump
    def _without_none(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return _written(data)


class IndexAdjustmentSchema(TermsSchema):
    """{effective_from, factor, clause}"""

    effective_from = Day(required=True)
    factor = Number(RATE_DECIMALS, required=True)
    clause = Clause(required=True)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> IndexAdjustment:
        return IndexAdjustment(**data)


class TierSchema(TermsSchema):
    """{up_to, unit_price, flat_fee}; the open tier's bound is null."""

    up_to = Whole(required=True, allow_none=True)
    unit_price = Number(UNIT_PRICE_DECIMALS, required=True)
    flat_fee = Number(AMOUNT_DECIMALS)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> Tier:
        return Tier(**data)


class CounterSchema(TermsSchema):
    """{scope, window}"""

    scope = Choice(_SCOPES, required=True)
    window = Choice(_WINDOWS, required=True)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> Counter:
        return Counter(**data)


class RampPhaseSchema(TermsSchema):
    """{months, discount} or {units, discount}"""

    months = Whole(allow_none=True)
    units = Whole(allow_none=True)
    discount = Number(RATE_DECIMALS, required=True)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> RampPhase:
        return RampPhase(**data)

    @post_dump
    def _without_none(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return _written(data)


class RampUpSchema(TermsSchema):
    """{starts, counts_towards_tiers, phases}"""

    starts = Choice(get_args(price_model.RampStart))
    counts_towards_tiers = Flag()
    phases = fields.List(fields.Nested(RampPhaseSchema), required=True)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> RampUp:
        return RampUp(**{**data, "phases": tuple(data["phases"])})


class LimitSchema(TermsSchema):
    """{amount, per, window, indexed}"""

    amount = Number(AMOUNT_DECIMALS, required=True)
    per = Choice(_SCOPES, required=True)
    window = Choice(_WINDOWS, required=True)
    indexed = Flag()

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> Limit:
        return Limit(**data)


class Algorithms(fields.Field[Any]):
    """ "all" or a list of algorithm codes; None and a tuple inside."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value == ALL:
            return None
        if not isinstance(value, list) or not all(isinstance(code, str) and code for code in value):
            raise ValidationError('not_a_list: "all" or a list of algorithm codes is expected.')
        return tuple(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return ALL if value is None else list(value)


class _ChargeSchema(TermsSchema):
    code = Text(required=True)
    kind = Text(required=True)
    clause = Clause(required=True)

    @pre_dump
    def _to_document(self, charge: Any, **kwargs: Any) -> dict[str, Any]:
        document = {name: getattr(charge, name) for name in self.fields if hasattr(charge, name)}
        if charge.conventions == price_model.FOLLOWS_THE_BOOK:
            document["conventions"] = None
        return {**document, "kind": kind_of(charge)}

    @post_dump
    def _without_none(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return _written(data)


# How a field of a price model is read and written.
_KINDS: dict[FieldKind, Callable[[], fields.Field[Any]]] = {
    "whole": lambda: Whole(allow_none=True),
    "unit_price": lambda: Number(UNIT_PRICE_DECIMALS, allow_none=True),
    "amount": lambda: Number(AMOUNT_DECIMALS, allow_none=True),
    "tiers": lambda: fields.List(fields.Nested(TierSchema), allow_none=True),
}


class _ModelledSchema(_ChargeSchema):
    algorithms = Algorithms(required=True)
    model = Choice(tuple(MODELS), required=True)
    counter = fields.Nested(CounterSchema, required=True)

    class Meta(TermsSchema.Meta):
        include: ClassVar = {field.name: _KINDS[field.kind]() for field in fields_of_models()}


class UsageChargeSchema(_ModelledSchema):
    """A usage charge: its model's own fields stand beside the model's name."""

    ramp_up = fields.Nested(RampUpSchema, allow_none=True)
    minimum = fields.Nested(LimitSchema, allow_none=True)
    maximum = fields.Nested(LimitSchema, allow_none=True)
    conventions = fields.Nested(OverridesSchema, allow_none=True)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> UsageCharge:
        del data["kind"]
        name = data.pop("model")
        values = {field.name: data.pop(field.name, None) for field in fields_of_models()}
        return UsageCharge(**_written(data, keep=("algorithms",)), model=_model(name, values))

    @pre_dump
    def _to_document(self, charge: UsageCharge, **kwargs: Any) -> dict[str, Any]:
        document: dict[str, Any] = super()._to_document(charge) | {"model": charge.model.NAME}
        return document | {field.name: getattr(charge.model, field.name) for field in charge.model.FIELDS}


class FixedChargeSchema(_ChargeSchema):
    """A fixed charge."""

    algorithms = Algorithms(load_default=None)
    amount = Number(AMOUNT_DECIMALS, required=True)
    per = Choice(_SCOPES, required=True)
    every = Choice(get_args(price_model.Every), required=True)
    proration = Choice(get_args(price_model.Proration))
    ramp_up = fields.Nested(RampUpSchema, allow_none=True)
    conventions = fields.Nested(OverridesSchema, allow_none=True)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> FixedCharge:
        del data["kind"]
        return FixedCharge(**_written(data))


class OneOffChargeSchema(_ChargeSchema):
    """A one-off charge."""

    algorithms = Algorithms(load_default=None)
    amount = Number(AMOUNT_DECIMALS, required=True)
    per = Choice(("trust", "activation"), required=True)
    conventions = fields.Nested(OverridesSchema, allow_none=True)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> OneOffCharge:
        del data["kind"]
        return OneOffCharge(**_written(data))


_CHARGES: dict[str, type[_ChargeSchema]] = {
    "usage": UsageChargeSchema,
    "fixed": FixedChargeSchema,
    "one_off": OneOffChargeSchema,
}


class ChargeField(fields.Field[Any]):
    """A charge of any kind, read by the schema of its `kind`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Charge:
        if not isinstance(value, Mapping):
            raise ValidationError("Invalid input type.")
        kind = value.get("kind")
        if not isinstance(kind, str) or kind not in _CHARGES:
            raise ValidationError({"kind": [f"invalid_choice: One of {', '.join(_CHARGES)} is expected."]})
        charge: Charge = _SCHEMAS[kind].load(value)
        return charge

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return _SCHEMAS[kind_of(value)].dump(value)


class PriceBookVersionSchema(TermsSchema):
    """{valid_from, clause, charges}"""

    valid_from = Day(required=True)
    clause = Clause(required=True)
    charges = fields.List(ChargeField(), required=True)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> PriceBookVersion:
        return PriceBookVersion(**{**data, "charges": tuple(data["charges"])})


class PriceBookSchema(TermsSchema):
    """{conventions, index_adjustments, versions}"""

    conventions = fields.Nested(ConventionsSchema, load_default=Conventions)
    index_adjustments = fields.List(fields.Nested(IndexAdjustmentSchema), load_default=list)
    versions = fields.List(fields.Nested(PriceBookVersionSchema), required=True)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> PriceBook:
        return PriceBook(data["conventions"], tuple(data["index_adjustments"]), tuple(data["versions"]))


_SCHEMAS = {kind: schema() for kind, schema in _CHARGES.items()}
_PRICE_BOOK = PriceBookSchema()
_VERSION = PriceBookVersionSchema()
_INDEX_ADJUSTMENT = IndexAdjustmentSchema()
_ACTIVATION = ActivationSchema()
_AGREEMENT_TERM = AgreementTermSchema()


def load_price_book(document: Any, pointer: str = "#/price_book") -> PriceBook:
    """Read a price book; InvalidInput with every error of its shape."""
    book: PriceBook = load(_PRICE_BOOK, document, pointer)
    return book


def dump_price_book(book: PriceBook) -> dict[str, Any]:
    """Write a price book as it is read."""
    document: dict[str, Any] = _PRICE_BOOK.dump(book)
    return document


def load_version(document: Any, pointer: str = "#") -> PriceBookVersion:
    """Read one version of a price book; InvalidInput with every error of its shape."""
    version: PriceBookVersion = load(_VERSION, document, pointer)
    return version


def dump_version(version: PriceBookVersion) -> dict[str, Any]:
    """Write one version of a price book as it is read."""
    document: dict[str, Any] = _VERSION.dump(version)
    return document


def load_activation(document: Any, pointer: str = "#") -> Activation:
    """Read an activation; InvalidInput with every error of its shape."""
    activation: Activation = load(_ACTIVATION, document, pointer)
    return activation


def dump_activation(activation: Activation) -> dict[str, Any]:
    """Write an activation as it is read."""
    document: dict[str, Any] = _ACTIVATION.dump(activation)
    return document


def load_agreement_term(document: Any, pointer: str = "#/agreement") -> AgreementTerm:
    """Read an agreement's term; InvalidInput with every error of its shape."""
    term: AgreementTerm = load(_AGREEMENT_TERM, document, pointer)
    return term


def dump_agreement_term(term: AgreementTerm) -> dict[str, Any]:
    """Write an agreement's term as it is read."""
    document: dict[str, Any] = _AGREEMENT_TERM.dump(term)
    return document


def _written(data: dict[str, Any], keep: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None or name in keep}


def _model(name: str, values: Mapping[str, Any]) -> PriceModel:
    model = MODELS[name]
    own = {field.name: field.kind for field in model.FIELDS}
    missing = [field for field, value in values.items() if value is None and field in own]
    superfluous = [field for field, value in values.items() if value is not None and field not in own]
    if missing or superfluous:
        raise ValidationError(
            {field: [f"missing: A {name} charge needs this field."] for field in missing}
            | {field: [f"unknown_field: A {name} charge does not have this field."] for field in superfluous}
        )
    return model(**{name: tuple(values[name]) if kind == "tiers" else values[name] for name, kind in own.items()})
