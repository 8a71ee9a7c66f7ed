"""API: how invoices are addressed and read (references, vendor mappings, checked accounts)."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from billing.invoices import setup as invoice_setup
from billing.schemas import invoice_setup as shapes
from contracts.agreements import AgreementSummary, find_agreement, lock_agreement
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema
from contracts.web import api
from contracts.web.acts import acted, asked, done
from contracts.web.api import document_body, json_answer, json_body
from contracts.web.conditional import etag_of, require_match
from contracts.web.resources import Resource

resource = Resource(
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


@resource.reads(
    "/invoice-references", shapes.RecipientPageSchema, "The organisations, the buyer first.", query=AgreementQuerySchema
)
def list_references(query: dict[str, Any]) -> Any:
    """List what an invoice to each organisation must carry"""
    agreement = _agreement(query)
    return [
        _recipient(agreement.id, each.code) for each in invoice_setup.recipients(db.session, agreement_id=agreement.id)
    ]


@resource.reads(
    "/invoice-references/<code:code>",
    shapes.RecipientSchema,
    "The organisation and its references.",
    query=AgreementQuerySchema,
)
def show_references(query: dict[str, Any], code: str) -> Response:
    """Give what an invoice to an organisation must carry"""
    return _recipient_answer(_recipient(_agreement(query).id, code))


@resource.writes(
    "/invoice-references/<code:code>",
    "mapping.draft",
    shapes.RecipientSchema,
    "The references stand.",
    method="PUT",
    body=document_body(
        shapes.ReferencesSchema, description="The references, whole.", examples={"ten-digits": REFERENCES}
    ),
    query=AgreementQuerySchema,
    match=True,
)
def set_references(query: dict[str, Any], code: str) -> Response:
    """Record what an invoice to an organisation must carry"""
    references = shapes.load_references(json_body())
    agreement = _agreement(query)
    lock_agreement(db.session, agreement.id)
    require_match(etag_of(code, _recipient(agreement.id, code).row))
    changed = done(invoice_setup.set_references, agreement_id=agreement.id, code=code, references=references)
    return _recipient_answer(changed)


@resource.reads(
    "/vendor-mappings", shapes.MappingPageSchema, "The agreement's vendor first.", query=AgreementQuerySchema
)
def list_mappings(query: dict[str, Any]) -> Response:
    """List by which fields the vendors' documents are read"""
    listed = asked(invoice_setup.list_mappings, agreement_id=_agreement(query).id)
    return json_answer({"items": [shapes.dump_mapping(each) for each in listed], "next": None})


@resource.reads(
    "/vendor-mappings/<code:vendor>", shapes.MappingInForceSchema, "The vendor's mapping.", query=AgreementQuerySchema
)
def show_mapping(query: dict[str, Any], vendor: str) -> Response:
    """Give by which fields a vendor's documents are read (`vendor` is its organisation number)"""
    return _mapping_answer(_mapping(_agreement(query).id, vendor))


@resource.writes(
    "/vendor-mappings/<code:vendor>",
    "mapping.draft",
    shapes.MappingInForceSchema,
    "The mapping stands.",
    method="PUT",
    body=document_body(shapes.MappingSchema, description="The mapping, whole.", examples={"own-property": MAPPING}),
    query=AgreementQuerySchema,
    match=True,
)
def set_mapping(query: dict[str, Any], vendor: str) -> Response:
    """Record by which fields a vendor's documents are read

    Kept documents stay what they are; they are read anew. A reading as of an earlier day is by the mapping of that day.
    """
    mapping = shapes.load_mapping(json_body())
    agreement = _agreement(query)
    lock_agreement(db.session, agreement.id)
    require_match(etag_of(vendor, _mapping(agreement.id, vendor).row))
    changed = done(invoice_setup.set_mapping, agreement_id=agreement.id, vendor_number=vendor, mapping=mapping)
    return _mapping_answer(changed)


@resource.reads(
    "/vendor-accounts", shapes.AccountPageSchema, "Checked accounts, oldest first.", query=AgreementQuerySchema
)
def list_accounts(query: dict[str, Any]) -> Any:
    """List the accounts that were checked to be the vendors'"""
    return asked(invoice_setup.list_accounts, agreement_id=_agreement(query).id)


@resource.writes(
    "/vendor-accounts",
    "mapping.draft",
    shapes.KnownAccountSchema,
    "The account counts as known.",
    body=document_body(
        shapes.AccountSchema, description="The account and how it was checked.", examples={"a": ACCOUNT}
    ),
    query=AgreementQuerySchema,
)
def add_account(query: dict[str, Any]) -> Any:
    """Record that an account was checked to be a vendor's"""
    body = shapes.load_account(json_body())
    return acted(
        invoice_setup.add_account,
        agreement_id=_agreement(query).id,
        vendor_number=body["vendor_number"],
        account=body["account"],
        checked=body["checked"],
    )


def _agreement(query: dict[str, Any]) -> AgreementSummary:
    return find_agreement(db.session, query["agreement"])


def _recipient(agreement_id: int, code: str) -> invoice_setup.Recipient:
    return asked(invoice_setup.find_recipient, agreement_id=agreement_id, code=code)


def _mapping(agreement_id: int, vendor: str) -> invoice_setup.MappingInForce:
    return asked(invoice_setup.find_mapping, agreement_id=agreement_id, vendor_number=vendor)


def _recipient_answer(recipient: invoice_setup.Recipient) -> Response:
    answer = json_answer(shapes.RecipientSchema().dump(recipient))
    answer.set_etag(etag_of(recipient.code, recipient.row))
    return answer


def _mapping_answer(found: invoice_setup.MappingInForce) -> Response:
    answer = json_answer(shapes.dump_mapping(found))
    answer.set_etag(etag_of(found.vendor_number, found.row))
    return answer
