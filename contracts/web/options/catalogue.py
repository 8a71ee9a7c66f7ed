"""The catalogue: what is on the marketplace, what is known of it, how the needs score, and up to four beside each other.

The columns are those by which the needs were weighed before the framework: class and year of the CE mark, references for
validation, references for clinical testing. A cell without evidence says so; that is information too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts import agreements
from contracts.agreements import AgreementSummary
from contracts.errors import Conflict, Finding, InvalidInput, NotFound
from contracts.extensions import db
from contracts.options import catalogue
from contracts.options.catalogue import Product
from contracts.terms.workflow import CertificateFacts
from contracts.terms.written import read_day
from contracts.web import layout
from contracts.web.acts import today
from contracts.web.agreements.page import KNOWN, agreement_of, link, parameters, read_moment, reads, refuse
from contracts.web.guard import current_actor, requires
from contracts.web.i18n import N_, current_language

blueprint = Blueprint("catalogue_pages", __name__)
layout.add_nav(blueprint, 33, N_("Catalogue"), "catalogue_pages.index", visible=reads)

MOST_COMPARED = 4
CRITERIA = {
    "ce_marked": N_("CE-marked solutions"),
    "gain_and_volume": N_("Expected gain × volume"),
    "competence": N_("Competence and interest"),
    "breadth": N_("Breadth of modality and organ"),
    "risk": N_("Breadth of risk"),
}
FUNCTIONS = (N_("Flagging"), N_("Measuring"), N_("Segmentation"), N_("Comparison over time"))
MODALITIES = {"CT": N_("CT"), "MR": N_("MR"), "XR": N_("X-ray")}
YES_NO = {True: N_("Yes"), False: N_("No"), None: N_("Not given")}
FORMS = ("sertifikat", "referanse", "beskrivelse", "versjon", "vurdering")
# How the name of each field in a use case stands in a form.
FIELDS = {
    "number": "nummer",
    "notified_body": "organ_kontroll",
    "ce_class": "klasse",
    "expires_on": "utloper",
    "authors": "forfattere",
    "year": "aar",
    "title": "tittel",
    "journal": "tidsskrift",
    "doi": "doi",
    "design": "design",
    "participants": "deltakere",
    "intended_use": "formaal",
    "organ": "organ",
    "function": "funksjon",
    "limitations": "begrensninger",
    "version": "versjon",
    "note": "merknad",
    "score": "poeng",
    "criterion": "kriterium",
    "reason": "grunn",
    "kind": "slag",
}


@blueprint.get("/katalog")
@requires("read")
def index() -> Any:
    """Show the marketplace with its evidence, and how the needs score."""
    agreement, known_at = _asked("agreement")
    products = catalogue.list_products(db.session, agreement.id, known_at)
    # Those that are scored whole stand first, the highest on top; the others as the agreement lists them.
    ranked = sorted(products, key=lambda one: -(one.total_score or 0))
    return _page("contracts/options/catalogue.html", agreement, known_at, products=products, ranked=ranked)


@blueprint.get("/katalog/sammenlign")
@requires("read")
def compare() -> Any:
    """Show two to four products beside each other, criteria as rows."""
    agreement, known_at = _asked("agreement", "alg")
    products = {one.code: one for one in catalogue.list_products(db.session, agreement.id, known_at)}
    codes = [code for code in dict.fromkeys(request.args.get("alg", "").split(",")) if code]
    for code in codes:
        if code not in products:
            raise NotFound(_("There is no algorithm “%(code)s” in the catalogue.", code=code))
    if len(codes) > MOST_COMPARED:
        refuse(_("At most four can be compared at once."))
    return _page(
        "contracts/options/catalogue_compare.html",
        agreement,
        known_at,
        products=list(products.values()),
        chosen=[products[code] for code in codes],
        codes=codes,
        choices=_choices(codes, list(products)),
    )


@blueprint.get("/katalog/<code:algorithm>")
@requires("read")
def show(algorithm: str) -> Any:
    """Show all that is known of a product."""
    return _product_page(algorithm)


@blueprint.post("/katalog/<code:algorithm>")
@requires("catalogue.record")
def record(algorithm: str) -> Any:
    """Record a certificate, a reference, a description, a version or a score, whichever form was sent."""
    form = request.form.get("skjema", "")
    if form not in FORMS:
        raise NotFound(_("There is no such form."))
    try:
        _record(form, algorithm)
    except InvalidInput as error:
        db.session.rollback()
        return _product_page(algorithm, [_mistake(form, each.pointer) for each in error.errors]), 422
    except Conflict:
        db.session.rollback()
        return _product_page(algorithm, [(f"{form}-versjon", _("This version is recorded already."))]), 422
    db.session.commit()
    flash(_("It is recorded in the catalogue."))
    return redirect(url_for("catalogue_pages.show", algorithm=algorithm, **_agreement_kept()), 303)


def _record(form: str, algorithm: str) -> None:
    common: dict[str, Any] = {"algorithm": algorithm, "actor": current_actor(), "now": datetime.now(UTC)}
    if form == "sertifikat":
        catalogue.record_certificate(
            db.session,
            number=_text(form, "nummer"),
            notified_body=_text(form, "organ_kontroll"),
            ce_class=_text(form, "klasse"),
            valid_from=_day(form, "fra", "expires_on"),
            expires_on=_day(form, "utloper", "expires_on"),
            **common,
        )
    elif form == "referanse":
        catalogue.record_reference(
            db.session,
            kind=_text(form, "slag"),
            authors=_text(form, "forfattere"),
            year=_whole(form, "aar") or 0,
            title=_text(form, "tittel"),
            journal=_text(form, "tidsskrift"),
            doi=_text(form, "doi"),
            design=_text(form, "design"),
            participants=_whole(form, "deltakere"),
            independent=_yes_no(form, "uavhengig"),
            peer_reviewed=_yes_no(form, "fagfelle"),
            **common,
        )
    elif form == "beskrivelse":
        catalogue.describe(
            db.session,
            intended_use=_text(form, "formaal"),
            organ=_text(form, "organ"),
            function=_text(form, "funksjon"),
            limitations=_text(form, "begrensninger"),
            **common,
        )
    elif form == "versjon":
        catalogue.record_version(
            db.session,
            version=_text(form, "versjon"),
            released_on=_day(form, "utgitt", "released_on"),
            note=_text(form, "merknad"),
            **common,
        )
    else:
        catalogue.score_need(
            db.session,
            criterion=_text(form, "kriterium"),
            score=_whole(form, "poeng") or 0,
            reason=_text(form, "grunn"),
            **common,
        )


def _product_page(algorithm: str, errors: list[Any] | None = None) -> str:
    agreement, known_at = _asked("agreement")
    product = catalogue.find_product(db.session, agreement.id, algorithm, known_at)
    names = {one.party.code: one.party.name for one in agreements.option_holders(db.session, agreement.id, known_at)}
    # Within one trust, what the others have is told as a number, never by name.
    scope = current_actor().scope("read")
    named = [code for code in product.trusts if scope in (None, code)]
    return _page(
        "contracts/options/catalogue_product.html",
        agreement,
        known_at,
        product=product,
        trusts=[names.get(code, code) for code in named],
        others=len(product.trusts) - len(named),
        may_record=current_actor().may("catalogue.record") and known_at is None,
        what_it_costs=layout.endpoint_url("what_if.form", alg=product.code),
        function_choices=[(text, _(text)) for text in FUNCTIONS],
        criterion_choices=[(code, _(text)) for code, text in CRITERIA.items()],
        errors=errors or [],
    )


def _page(template: str, agreement: AgreementSummary, known_at: datetime | None, **values: Any) -> str:
    return render_template(
        template,
        agreement=agreement,
        known_at=known_at,
        today=today(),
        link=_link,
        need=_need,
        certificate_state=certificate_state,
        criteria=CRITERIA,
        modalities=MODALITIES,
        yes_no=YES_NO,
        **values,
    )


def certificate_state(certificates: Sequence[CertificateFacts], on: date) -> tuple[str, str]:
    """Say how certificates stand on a day, with the tone of it: as the one does that the product rests on.

    That is the last to expire of those in force, of those for more than research where there is one.
    """
    if not certificates:
        return _("None given"), "danger"
    best = max(certificates, key=lambda one: (not one.research_only, one.valid_from <= on, one.expires_on))
    if best.research_only:
        return _("For research only"), "danger"
    if best.valid_from > on:
        return _("To come"), "info"
    if best.expires_on < on:
        return _("Expired"), "danger"
    if (best.expires_on - on).days <= 365:
        return _("Expires within a year"), "warning"
    return _("Valid"), "success"


def _need(product: Product) -> str:
    return product.need_nb if current_language() == "nb" else product.need_en


def _choices(chosen: list[str], codes: list[str]) -> dict[str, str]:
    """Give, for each product, the address of the comparison with it put in or taken out."""
    addresses = {}
    for code in codes:
        kept = [one for one in chosen if one != code] if code in chosen else [*chosen, code]
        if len(kept) <= MOST_COMPARED:
            addresses[code] = _link("catalogue_pages.compare", alg=",".join(kept) or None)
    return addresses


def _asked(*own: str) -> tuple[AgreementSummary, datetime | None]:
    values = parameters(KNOWN, *own)
    known_at = read_moment(values.get(KNOWN, ""))
    code = values.get("agreement") or None
    if code is not None:
        return agreement_of(code, known_at), known_at
    listed = agreements.readable(db.session, current_actor())
    if not listed:
        raise NotFound(_("No agreement is recorded yet."))
    # With several, the first one recorded: products are shared between agreements, and the page names which it is.
    return agreement_of(listed[0].code, known_at), known_at


def _link(endpoint: str, **values: Any) -> str:
    return link(endpoint, **{**_agreement_kept(), **values})


def _agreement_kept() -> dict[str, Any]:
    return {"agreement": request.args["agreement"]} if request.args.get("agreement") else {}


def _text(form: str, name: str) -> str:
    return request.form.get(f"{form}-{name}", "").strip()


def _day(form: str, name: str, field: str) -> date:
    try:
        return read_day(_text(form, name))
    except ValueError:
        raise InvalidInput((Finding(f"#/!{name}", "not_a_date", field),)) from None


def _whole(form: str, name: str) -> int | None:
    text = _text(form, name)
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _yes_no(form: str, name: str) -> bool | None:
    return {"ja": True, "nei": False}.get(_text(form, name))


def _mistake(form: str, pointer: str) -> tuple[str, str]:
    name = pointer.removeprefix("#/")
    if name.startswith("!"):
        return f"{form}-{name[1:]}", _("Enter the day as a date.")
    sentences = {
        "year": _("Enter a year, not one to come."),
        "participants": _("Enter a whole number above zero, or leave it empty."),
        "score": _("Choose 1 to 5."),
        "expires_on": _("The certificate expires after it becomes valid."),
        "criterion": _("Choose a criterion."),
        "kind": _("Choose what the reference is for."),
    }
    return f"{form}-{FIELDS.get(name, name)}", sentences.get(name, _("Fill this in; it may be too long."))
