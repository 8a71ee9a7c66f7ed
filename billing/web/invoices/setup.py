"""How invoices are addressed and read: the vendor's mapping, the checked accounts, what each recipient wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, flash, redirect, request
from flask_babel import gettext as _

from billing.invoices import setup as invoice_setup
from billing.invoices.line_reading import ALLOWED, PROPERTY, SUBJECTS, FieldMapping
from billing.invoices.setup import ACT, MappingInForce, Recipient, References
from billing.web.query import Query, read_query
from contracts import agreements
from contracts.errors import Conflict, InvalidInput
from contracts.extensions import db
from contracts.people import access
from contracts.terms.price_book import Finding
from contracts.web.guard import requires
from contracts.web.i18n import N_

blueprint = Blueprint("invoice_setup", __name__)

Errors = Sequence[tuple[str | None, str]]

LABELS: Final = (
    ("trust", N_("Trust")),
    ("algorithm", N_("Algorithm")),
    ("period", N_("Period")),
    ("tier", N_("Tier")),
    ("phase", N_("Ramp-up phase")),
)
SOURCES: Final = {
    "seller_item": N_("The seller's item number"),
    "buyer_item": N_("The buyer's item number"),
    "standard_item": N_("The standard item number"),
    "order_line": N_("The order line's number"),
    "accounting_cost": N_("The line's accounting reference"),
    "name": N_("The line's text"),
    "description": N_("The line's description"),
    "note": N_("The line's note"),
    "buyer": N_("The buyer, where it is a trust itself"),
    "document_accounting_cost": N_("The document's accounting reference"),
    "buyer_reference": N_("The buyer reference"),
    "line_period": N_("The line's period"),
    "document_period": N_("The document's period"),
}
SENTENCES: Final = {
    "blank": N_("Leave out blanks before and after the text."),
    "too_long": N_("The text is too long."),
    "pattern": N_("The order number is not written as the pattern says."),
    "not_an_organisation_number": N_("An organisation number has nine digits, the last a check digit."),
    "too_many": N_("There are too many rows."),
    "no_name": N_("After property: comes the property's name."),
    "unknown_field": N_("There is no such field here."),
    "twice": N_("A field stands twice."),
    "unknown_code": N_("There is no such code in the agreement."),
    "bad_name": N_("A name has 1 to 80 characters."),
    "not_an_account": N_("An account has eleven digits with a right check digit, or is an IBAN."),
    "missing": N_("Say how the account was checked."),
    "no_code": N_("Each row is a name, an equals sign and a code."),
}


@blueprint.get("/avstemming/oppsett")
@requires("read")
def show() -> Any:
    """Show the mapping, the accounts and the recipients."""
    return _show(read_query(), [])


def _show(query: Query, errors: Errors) -> str:
    known_at = query.known_at
    mappings = query.asked(invoice_setup.list_mappings, known_at=known_at)
    accounts = query.asked(invoice_setup.list_accounts, known_at=known_at)
    recorders = {each.recorded_by for each in mappings if each.recorded_by} | {each.recorded_by for each in accounts}
    return query.page(
        "billing/invoices/setup/show.html",
        as_of=None,
        version=None,
        errors=errors,
        typed=request.form,
        mappings=mappings,
        accounts=accounts,
        recipients=invoice_setup.recipients(db.session, agreement_id=query.agreement.id, known_at=known_at),
        vendor=query.agreement.vendor,
        names=query.names(),
        people=access.names_of(db.session, recorders),
        subjects=LABELS,
        source_text=source_text,
        may_change=query.actor.may(ACT) and known_at is None,
    )


@blueprint.route("/avstemming/oppsett/mottaker/<code>", methods=["GET", "POST"])
@requires(ACT)
def recipient(code: str) -> Any:
    """Change what an organisation wants on an invoice."""
    query = _query_to_change()
    found = query.asked(invoice_setup.find_recipient, code=code)
    if request.method == "GET":
        return _recipient_page(query, found, found.references, [])
    typed = References(**{name: _text(name) for name in asdict(found.references)})
    try:
        _unchanged(found.row)
        query.acted(invoice_setup.set_references, code=code, references=typed)
    except InvalidInput as error:
        return _recipient_page(query, found, typed, _errors(error.errors)), 422
    db.session.commit()
    flash(_("Saved."))
    return redirect(query.link("invoice_setup.show"), 303)


def _recipient_page(query: Query, found: Recipient, typed: References, errors: Errors) -> str:
    return query.page(
        "billing/invoices/setup/recipient.html", as_of=None, version=None, recipient=found, typed=typed, errors=errors
    )


@blueprint.route("/avstemming/oppsett/tolking/<vendor_number>", methods=["GET", "POST"])
@requires(ACT)
def mapping(vendor_number: str) -> Any:
    """Change by which fields a vendor's documents are read."""
    query = _query_to_change()
    found = query.asked(invoice_setup.find_mapping, vendor_number=vendor_number)
    if request.method == "GET":
        return _mapping_page(query, found, _typed(found.mapping), [])
    typed = {name: request.form.get(name, "") for name in (*SUBJECTS, "trust_names", "algorithm_names")}
    try:
        _unchanged(found.row)
        query.acted(invoice_setup.set_mapping, vendor_number=vendor_number, mapping=_mapping_of(typed))
    except InvalidInput as error:
        return _mapping_page(query, found, typed, _errors(error.errors)), 422
    db.session.commit()
    flash(_("Saved. Documents received before are read by it too."))
    return redirect(query.link("invoice_setup.show"), 303)


def _mapping_page(query: Query, found: MappingInForce, typed: dict[str, str], errors: Errors) -> str:
    vendor = query.agreement.vendor
    return query.page(
        "billing/invoices/setup/mapping.html",
        as_of=None,
        version=None,
        found=found,
        who=vendor.name if found.vendor_number == vendor.organisation_number else found.vendor_number,
        typed=typed,
        errors=errors,
        subjects=LABELS,
        known_sources=[[f"{PROPERTY}Trinn", _("The item property called Trinn, whatever its case")]]
        + [[source, _(text)] for source, text in SOURCES.items()],
    )


@blueprint.post("/avstemming/oppsett/konto")
@requires(ACT)
def add_account() -> Any:
    """Record that an account was checked to be the vendor's."""
    query = read_query(past=False)
    try:
        query.acted(
            invoice_setup.add_account,
            vendor_number=query.agreement.vendor.organisation_number,
            account=request.form.get("account", ""),
            checked=request.form.get("checked", ""),
        )
    except InvalidInput as error:
        return _show(query, _errors(error.errors)), 422
    db.session.commit()
    flash(_("The account counts as known."))
    return redirect(query.link("invoice_setup.show"), 303)


@blueprint.post("/avstemming/oppsett/konto/<int:account_id>/fjern")
@requires(ACT)
def remove_account(account_id: int) -> Any:
    """Take an account off the list."""
    query = read_query(past=False)
    query.done(invoice_setup.remove_account, account_id=account_id)
    flash(_("The account is off the list."))
    return redirect(query.link("invoice_setup.show"), 303)


def _query_to_change() -> Query:
    """Read the query; before a change under the agreement's lock, so that what is read is what is changed."""
    query = read_query(past=False)
    if request.method == "POST":
        agreements.lock_agreement(db.session, query.agreement.id)
    return query


def source_text(source: str) -> str:
    """Say a field of a document in words."""
    if source.startswith(PROPERTY):
        return _("Item property “%(name)s”", name=source[len(PROPERTY) :].strip())
    return _(SOURCES[source]) if source in SOURCES else source


def _unchanged(row: int | None) -> None:
    """Refuse a form that was made from what somebody else has changed since."""
    if request.form.get("row", "") != str(row or ""):
        raise Conflict(
            "changed_meanwhile", _("Somebody else changed it in the meantime. Open the page again and look.")
        )


def _typed(mapping: FieldMapping) -> dict[str, str]:
    names = {"trust_names": mapping.trust_names, "algorithm_names": mapping.algorithm_names}
    return {subject: "\n".join(mapping.sources(subject)) for subject in SUBJECTS} | {
        name: "\n".join(f"{text} = {code}" for text, code in given.items()) for name, given in names.items()
    }


def _mapping_of(typed: dict[str, str]) -> FieldMapping:
    rows = {name: [row.strip() for row in text.splitlines() if row.strip()] for name, text in typed.items()}
    names: dict[str, dict[str, str]] = {}
    for name in ("trust_names", "algorithm_names"):
        pairs = [row.rpartition("=") for row in rows[name]]
        if any(not text.strip() or not code.strip() for text, _sign, code in pairs):
            raise InvalidInput((Finding(f"#/{name}", "no_code", "each row is a name, an equals sign and a code"),))
        names[name] = {text.strip(): code.strip() for text, _sign, code in pairs}
    return FieldMapping.from_document({subject: rows[subject] for subject in SUBJECTS} | names)


def _text(name: str) -> str | None:
    return request.form.get(name, "").strip() or None


def _errors(findings: Sequence[Finding]) -> list[tuple[str | None, str]]:
    """Tell each finding once at its field."""
    told: dict[tuple[str | None, str], None] = {}
    for each in findings:
        field = each.pointer.split("/")[1] if "/" in each.pointer else None
        sentence = _(SENTENCES[each.code]) if each.code in SENTENCES else each.detail
        told[field, sentence] = None
    return list(told)


assert set(SOURCES) == {source for sources in ALLOWED.values() for source in sources}
