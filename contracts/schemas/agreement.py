"""The agreement document as JSON: what `agreement import` reads and `agreement export` writes, exactly back.

Each error names its place as a JSON pointer. The shapes of ``agreement``, ``price_book`` and ``activations`` are those
of the price request (`pricing.md` §5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, post_dump, post_load, validate

from contracts.errors import Finding, InvalidInput
from contracts.schemas.fields import (
    CODE,
    Amount,
    Choice,
    Clause,
    Day,
    TermsSchema,
    Text,
    Whole,
    findings_of,
    read_decimal,
)
from contracts.schemas.price_book import (
    ActivationSchema,
    AgreementTermSchema,
    dump_activation,
    dump_agreement_term,
    dump_price_book,
    load_price_book,
)
from contracts.terms.agreement import (
    OPTION_STATES,
    PAYERS,
    AgreementDocument,
    Extension,
    MarketplaceAlgorithm,
    OptionHolder,
    OptionStep,
    Party,
    PayerStep,
)
from contracts.terms.amendment import BASES, KINDS, Amendment
from contracts.terms.money import AMOUNT_DECIMALS, format_amount, format_rate
from contracts.terms.national_numbers import is_organisation_number

NOT_EMPTY = validate.Length(min=1, error="empty: At least one is needed.")
TEXT = validate.Length(max=200, error="too_long: At most 200 characters.")


class PartySchema(TermsSchema):
    """A legal unit with its organisation number."""

    code = Text(required=True, validate=CODE)
    name = Text(required=True, validate=TEXT)
    organisation_number = Text(required=True)
    region = fields.String(required=True, validate=TEXT)


class OptionStepSchema(TermsSchema):
    """One step of an option's course."""

    state = fields.String(
        required=True, validate=validate.OneOf(OPTION_STATES, error="unknown_state: The state is one of {choices}.")
    )
    on = Day(required=True)


class OptionSchema(TermsSchema):
    """A holder's option."""

    deadline = Day(required=True)
    clause = Text(required=True, validate=TEXT)
    states = fields.List(fields.Nested(OptionStepSchema), required=True, validate=NOT_EMPTY)


class OptionHolderSchema(PartySchema):
    """A trust on the closed list."""

    option = fields.Nested(OptionSchema, required=True)


class ExtensionSchema(TermsSchema):
    """A right to prolong."""

    start = Day(required=True, data_key="from")
    end = Day(required=True, data_key="to")
    clause = Text(required=True, validate=TEXT)
    taken_up_on = Day(required=True, allow_none=True)
    notice_months = Whole(
        load_default=None,
        allow_none=True,
        validate=validate.Range(min=0, max=60, error="out_of_range: From 0 to 60 months."),
    )


class AmendmentSchema(TermsSchema):
    """A change of the agreement that is in force; `new_end` is exclusive."""

    number = Whole(required=True)
    kind = Choice(KINDS, required=True)
    basis = Choice(BASES, required=True)
    title = Text(required=True, validate=TEXT)
    reason = Text(required=True, validate=validate.Length(max=2000, error="too_long: At most 2000 characters."))
    clause = Clause(load_default="", validate=TEXT)
    signed_on = Day(required=True)
    value_change = Amount(AMOUNT_DECIMALS, load_default=None, allow_none=True)
    original_value = Amount(AMOUNT_DECIMALS, load_default=None, allow_none=True)
    new_maximum = Amount(AMOUNT_DECIMALS, load_default=None, allow_none=True)
    new_end = Day(load_default=None, allow_none=True)
    extension_from = Day(load_default=None, allow_none=True)
    options_until = Day(load_default=None, allow_none=True)
    vendor_name = Clause(load_default="", validate=TEXT)
    vendor_number = Clause(load_default="", validate=TEXT)
    approved_on = Day(required=True)
    announced_on = Day(load_default=None, allow_none=True)

    @post_dump
    def _without_no_vendor(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if value or not name.startswith("vendor_")}

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> Amendment:
        return Amendment(**data)


class NeedSchema(TermsSchema):
    """What an algorithm is for, in both languages."""

    nb = Text(required=True, validate=TEXT)
    en = Text(required=True, validate=TEXT)


class AlgorithmSchema(TermsSchema):
    """A product on the marketplace list."""

    code = Text(required=True, validate=CODE)
    product = Text(required=True, validate=TEXT)
    vendor_name = Text(required=True, validate=TEXT)
    need = fields.Nested(NeedSchema, required=True)
    modality = Text(required=True, validate=TEXT)
    ce_class = Text(required=True, validate=TEXT)
    ce_year = fields.Integer(required=True, strict=True, allow_none=True)


class PayerStepSchema(TermsSchema):
    """Who pays the vendor from a day on."""

    start = Day(required=True, data_key="from")
    who = fields.String(
        required=True, validate=validate.OneOf(PAYERS, error="unknown_payer: Who pays is one of {choices}.")
    )


class AgreementDocumentSchema(TermsSchema):
    """The whole document; the price book is read by its own schema."""

    code = Text(required=True, validate=CODE)
    name = Text(required=True, validate=TEXT)
    reference = Text(required=True, validate=TEXT)
    example = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    buyer = fields.Nested(PartySchema, required=True)
    vendor = fields.Nested(PartySchema, required=True)
    agreement = fields.Nested(AgreementTermSchema, required=True)
    extensions = fields.List(fields.Nested(ExtensionSchema), load_default=list)
    estimated_value = fields.Raw(load_default=None, allow_none=True)
    maximum_value = fields.Raw(load_default=None, allow_none=True)
    vat_rate = fields.Raw(load_default="0.25")
    payment_days = fields.Integer(load_default=30, strict=True, validate=validate.Range(min=0, max=365))
    option_holders = fields.List(fields.Nested(OptionHolderSchema), required=True, validate=NOT_EMPTY)
    algorithms = fields.List(fields.Nested(AlgorithmSchema), required=True, validate=NOT_EMPTY)
    price_book = fields.Raw(required=True)
    activations = fields.List(fields.Nested(ActivationSchema), required=True)
    payer = fields.List(fields.Nested(PayerStepSchema), load_default=list)
    amendments = fields.List(fields.Nested(AmendmentSchema), load_default=list)


def load_agreement(document: Any) -> AgreementDocument:
    """Read an agreement document, or raise `InvalidInput` with every error in it and its place."""
    if not isinstance(document, Mapping):
        raise InvalidInput((Finding("#", "not_an_object", "an agreement document is one JSON object"),))
    findings: list[Finding] = []
    data: dict[str, Any] = {}
    try:
        data = AgreementDocumentSchema().load(document)
    except ValidationError as error:
        findings += findings_of(error.messages, "#")
    findings += _organisation_numbers(document)
    amounts = {}
    for name, places in (("estimated_value", 2), ("maximum_value", 2), ("vat_rate", 4)):
        text = document.get(name, "0.25" if name == "vat_rate" else None)
        try:
            amounts[name] = None if text is None else read_decimal(text, places)
        except ValueError as error:
            code, _, detail = str(error).partition(": ")
            findings.append(Finding(f"#/{name}", code, detail))
    book = None
    if "price_book" in document:
        try:
            book = load_price_book(document["price_book"], "#/price_book")
        except InvalidInput as error:
            findings += error.errors
    if not findings:
        findings += _contradictions(data)
    if findings or book is None:
        raise InvalidInput(tuple(findings))
    return AgreementDocument(
        code=data["code"],
        name=data["name"],
        reference=data["reference"],
        example=data["example"],
        buyer=Party(**data["buyer"]),
        vendor=Party(**data["vendor"]),
        term=data["agreement"],
        extensions=tuple(Extension(**extension) for extension in data["extensions"]),
        estimated_value=amounts["estimated_value"],
        maximum_value=amounts["maximum_value"],
        vat_rate=amounts["vat_rate"],  # type: ignore[arg-type]  # a default stands in where it is left out
        payment_days=data["payment_days"],
        option_holders=tuple(
            OptionHolder(
                party=Party(**{key: value for key, value in holder.items() if key != "option"}),
                deadline=holder["option"]["deadline"],
                clause=holder["option"]["clause"],
                states=tuple(OptionStep(**step) for step in holder["option"]["states"]),
            )
            for holder in data["option_holders"]
        ),
        algorithms=tuple(
            MarketplaceAlgorithm(
                **{key: value for key, value in algorithm.items() if key != "need"},
                need_nb=algorithm["need"]["nb"],
                need_en=algorithm["need"]["en"],
            )
            for algorithm in data["algorithms"]
        ),
        price_book=book,
        activations=tuple(data["activations"]),
        payer=tuple(PayerStep(**step) for step in data["payer"]),
        amendments=tuple(data["amendments"]),
    )


def dump_agreement(document: AgreementDocument) -> dict[str, Any]:
    """Write the document as `load_agreement` reads it; ``payer`` is left out where the buyer pays throughout."""
    written = {
        "code": document.code,
        "name": document.name,
        "reference": document.reference,
        "example": document.example,
        "buyer": PartySchema().dump(document.buyer),
        "vendor": PartySchema().dump(document.vendor),
        "agreement": dump_agreement_term(document.term),
        "extensions": [
            {
                "from": extension.start.isoformat(),
                "to": extension.end.isoformat(),
                "clause": extension.clause,
                "taken_up_on": _iso(extension.taken_up_on),
            }
            | ({} if extension.notice_months is None else {"notice_months": extension.notice_months})
            for extension in document.extensions
        ],
        "estimated_value": None if document.estimated_value is None else format_amount(document.estimated_value),
        "maximum_value": None if document.maximum_value is None else format_amount(document.maximum_value),
        "vat_rate": format_rate(document.vat_rate),
        "payment_days": document.payment_days,
        "option_holders": [
            PartySchema().dump(holder.party)
            | {
                "option": {
                    "deadline": holder.deadline.isoformat(),
                    "clause": holder.clause,
                    "states": [{"state": step.state, "on": step.on.isoformat()} for step in holder.states],
                }
            }
            for holder in document.option_holders
        ],
        "algorithms": [AlgorithmSchema().dump(algorithm) for algorithm in document.algorithms],
        "price_book": dump_price_book(document.price_book),
        "activations": [dump_activation(activation) for activation in document.activations],
    }
    if document.amendments:
        written["amendments"] = [AmendmentSchema().dump(one) for one in document.amendments]
    if document.payer:
        written["payer"] = [{"from": step.start.isoformat(), "who": step.who} for step in document.payer]
    return written


def _organisation_numbers(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Name every number whose check digit is wrong, also where other fields could not be read."""
    holders = document.get("option_holders")
    places: list[tuple[str, Any]] = [(f"#/{name}", document.get(name)) for name in ("buyer", "vendor")]
    places += [
        (f"#/option_holders/{i}", holder) for i, holder in enumerate(holders if isinstance(holders, list) else [])
    ]
    for pointer, party in places:
        number = party.get("organisation_number") if isinstance(party, Mapping) else None
        if isinstance(number, str) and not is_organisation_number(number):
            yield Finding(
                f"{pointer}/organisation_number",
                "wrong_check_digit",
                f"'{number}' is no Norwegian organisation number: nine digits, the last one a check digit (mod 11)",
            )


def _contradictions(data: dict[str, Any]) -> Iterator[Finding]:
    """Find what each field allows and the whole does not."""
    for name, pointer in (
        ("option_holders", "code"),
        ("algorithms", "code"),
        ("option_holders", "organisation_number"),
    ):
        seen: dict[str, int] = {}
        for i, entry in enumerate(data[name]):
            first = seen.setdefault(entry[pointer], i)
            if first != i:
                yield Finding(
                    f"#/{name}/{i}/{pointer}", "twice", f"'{entry[pointer]}' stands at #/{name}/{first} already"
                )
    term = data["agreement"]
    taken_up = [extension for extension in data["extensions"] if extension["taken_up_on"]]
    for i, extension in enumerate(data["extensions"]):
        if extension["start"] >= extension["end"]:
            yield Finding(f"#/extensions/{i}", "empty_period", "an extension ends after it starts")
    ends = [one.new_end for one in data["amendments"] if one.new_end is not None]
    numbers = [one.number for one in data["amendments"]]
    if numbers != sorted(set(numbers)):
        yield Finding("#/amendments", "not_rising", "amendments are numbered upwards, each number once")
    if ends and ends[-1] != term.end:
        detail = f"by the last amendment that moves it the agreement ends on {ends[-1]}, not on {term.end}"
        yield Finding("#/agreement/end", "end_and_amendments_differ", detail)
    if not ends and taken_up and taken_up[-1]["end"] != term.end:
        yield Finding(
            "#/agreement/end",
            "end_and_extensions_differ",
            f"the last extension taken up ends on {taken_up[-1]['end']}, the agreement on {term.end}",
        )
    days = [step["start"] for step in data["payer"]]
    for i in range(1, len(days)):
        if days[i] <= days[i - 1]:
            yield Finding(f"#/payer/{i}/from", "not_rising", "each step begins after the one before it")
    trusts = {holder["code"] for holder in data["option_holders"]}
    algorithms = {algorithm["code"] for algorithm in data["algorithms"]}
    for i, activation in enumerate(data["activations"]):
        if activation.trust not in trusts:
            yield Finding(
                f"#/activations/{i}/trust",
                "not_an_option_holder",
                f"'{activation.trust}' is not on the agreement's closed list of option holders",
            )
        if activation.algorithm not in algorithms:
            yield Finding(
                f"#/activations/{i}/algorithm",
                "unknown_algorithm",
                f"'{activation.algorithm}' is not on the agreement's list of algorithms",
            )


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
