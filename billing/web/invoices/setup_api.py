"""API: how invoices are addressed and read (references, vendor mappings, checked accounts)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from flask import Response

from billing.invoices import setup as invoice_setup
from billing.schemas import invoice_setup as shapes
from contracts.agreements import AgreementSummary, find_agreement, lock_agreement
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema
from contracts.web import api
from contracts.web.api import ApiBlueprint, answers, described, document_body, json_answer, json_body
from contracts.web.conditional import ETAG_HEADER, etag_of, etagged, needs_match, require_match
from contracts.web.guard import current_actor, requires
from contracts.web.idempotency import once

resource = ApiBlueprint(
    "invoice_intake", __name__, url_prefix=api.PREFIX, description="How invoices are addressed and read."
)

MAPPING: Final = {
    "trust": ["property:helseforetak", "buyer"],
    "algorithm": ["seller_item", "name"],
    "period": ["line_period", "document_period"],
    "tier": ["property:trinn"],
    "phase": ["property:fase"],
    "trust_names": {"Ahus": "akershus"},
    "algorithm_names": {},
}
REFERENCES: Final = {
    "buyer_reference": "Avtaleforvaltning",
    "order_number": "4500218861",
    "order_pattern": "##########",
}
ACCOUNT: Final = {"vendor": "123456785", "account": "12345670007", "checked": "Ringt 08.10.2026"}


@resource.route("/invoice-references", methods=["GET"])
@requires("read")
@answers(shapes.RecipientPageSchema, description="The organisations, the buyer first.", problems=(404, 409))
@etagged
@resource.arguments(AgreementQuerySchema, location="query")
def list_references(query: dict[str, Any]) -> Response:
    """List what an invoice to each organisation must carry"""
    agreement = _agreement(query)
    listed = [
        _recipient(agreement.id, each.code) for each in invoice_setup.recipients(db.session, agreement_id=agreement.id)
    ]
    return json_answer({"items": [shapes.RecipientSchema().dump(each) for each in listed], "next": None})


@resource.route("/invoice-references/<code:code>", methods=["GET"])
@requires("read")
@answers(shapes.RecipientSchema, description="The organisation and its references.", problems=(404, 409))
@etagged
@resource.arguments(AgreementQuerySchema, location="query")
def show_references(query: dict[str, Any], code: str) -> Response:
    """Give what an invoice to an organisation must carry"""
    return _recipient_answer(_recipient(_agreement(query).id, code))


@resource.route("/invoice-references/<code:code>", methods=["PUT"])
@requires("mapping.draft")
@answers(shapes.RecipientSchema, description="The references stand.", problems=(400, 404, 409, 415, 422))
@described(
    body=document_body(
        shapes.ReferencesSchema, description="The references, whole.", examples={"ten-digits": REFERENCES}
    ),
    headers=ETAG_HEADER,
)
@needs_match
@resource.arguments(AgreementQuerySchema, location="query")
def set_references(query: dict[str, Any], code: str) -> Response:
    """Record what an invoice to an organisation must carry"""
    references = shapes.load_references(json_body())
    agreement = _agreement(query)
    lock_agreement(db.session, agreement.id)
    require_match(etag_of(code, _recipient(agreement.id, code).row))
    changed = invoice_setup.set_references(
        db.session,
        agreement_id=agreement.id,
        code=code,
        references=references,
        actor=current_actor(),
        now=datetime.now(UTC),
    )
    db.session.commit()
    return _recipient_answer(changed)


@resource.route("/vendor-mappings", methods=["GET"])
@requires("read")
@answers(shapes.MappingPageSchema, description="The agreement's vendor first.", problems=(404, 409))
@etagged
@resource.arguments(AgreementQuerySchema, location="query")
def list_mappings(query: dict[str, Any]) -> Response:
    """List by which fields the vendors' documents are read"""
    listed = invoice_setup.list_mappings(db.session, agreement_id=_agreement(query).id, actor=current_actor())
    return json_answer({"items": [shapes.dump_mapping(each) for each in listed], "next": None})


@resource.route("/vendor-mappings/<code:vendor>", methods=["GET"])
@requires("read")
@answers(shapes.MappingInForceSchema, description="The vendor's mapping.", problems=(404, 409))
@etagged
@resource.arguments(AgreementQuerySchema, location="query")
def show_mapping(query: dict[str, Any], vendor: str) -> Response:
    """Give by which fields a vendor's documents are read (`vendor` is its organisation number)"""
    return _mapping_answer(_mapping(_agreement(query).id, vendor))


@resource.route("/vendor-mappings/<code:vendor>", methods=["PUT"])
@requires("mapping.draft")
@answers(shapes.MappingInForceSchema, description="The mapping stands.", problems=(400, 404, 409, 415, 422))
@described(
    body=document_body(shapes.MappingSchema, description="The mapping, whole.", examples={"own-property": MAPPING}),
    headers=ETAG_HEADER,
)
@needs_match
@resource.arguments(AgreementQuerySchema, location="query")
def set_mapping(query: dict[str, Any], vendor: str) -> Response:
    """Record by which fields a vendor's documents are read

    Kept documents stay what they are; they are read anew. A reading as of an earlier day is by the mapping of that day.
    """
    mapping = shapes.load_mapping(json_body())
    agreement = _agreement(query)
    lock_agreement(db.session, agreement.id)
    require_match(etag_of(vendor, _mapping(agreement.id, vendor).row))
    changed = invoice_setup.set_mapping(
        db.session,
        agreement_id=agreement.id,
        vendor_number=vendor,
        mapping=mapping,
        actor=current_actor(),
        now=datetime.now(UTC),
    )
    db.session.commit()
    return _mapping_answer(changed)


@resource.route("/vendor-accounts", methods=["GET"])
@requires("read")
@answers(shapes.AccountPageSchema, description="Checked accounts, oldest first.", problems=(404, 409))
@etagged
@resource.arguments(AgreementQuerySchema, location="query")
def list_accounts(query: dict[str, Any]) -> Response:
    """List the accounts that were checked to be the vendors'"""
    listed = invoice_setup.list_accounts(db.session, agreement_id=_agreement(query).id, actor=current_actor())
    return json_answer({"items": [shapes.KnownAccountSchema().dump(each) for each in listed], "next": None})


@resource.route("/vendor-accounts", methods=["POST"])
@requires("mapping.draft")
@answers(
    shapes.KnownAccountSchema,
    status=201,
    description="The account counts as known.",
    problems=(400, 404, 409, 415, 422),
)
@described(
    body=document_body(shapes.AccountSchema, description="The account and how it was checked.", examples={"a": ACCOUNT})
)
@once
@resource.arguments(AgreementQuerySchema, location="query")
def add_account(query: dict[str, Any]) -> Response:
    """Record that an account was checked to be a vendor's"""
    body = shapes.load_account(json_body())
    added = invoice_setup.add_account(
        db.session,
        agreement_id=_agreement(query).id,
        vendor_number=body["vendor"],
        account=body["account"],
        checked=body["checked"],
        actor=current_actor(),
        now=datetime.now(UTC),
    )
    return json_answer(shapes.KnownAccountSchema().dump(added), 201)


def _agreement(query: dict[str, Any]) -> AgreementSummary:
    return find_agreement(db.session, query["agreement"])


def _recipient(agreement_id: int, code: str) -> invoice_setup.Recipient:
    return invoice_setup.find_recipient(db.session, agreement_id=agreement_id, code=code, actor=current_actor())


def _mapping(agreement_id: int, vendor: str) -> invoice_setup.MappingInForce:
    return invoice_setup.find_mapping(
        db.session, agreement_id=agreement_id, vendor_number=vendor, actor=current_actor()
    )


def _recipient_answer(recipient: invoice_setup.Recipient) -> Response:
    answer = json_answer(shapes.RecipientSchema().dump(recipient))
    answer.set_etag(etag_of(recipient.code, recipient.row))
    return answer


def _mapping_answer(found: invoice_setup.MappingInForce) -> Response:
    answer = json_answer(shapes.dump_mapping(found))
    answer.set_etag(etag_of(found.vendor_number, found.row))
    return answer
