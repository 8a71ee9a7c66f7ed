"""Pages of the agreement's own life: what changed it, drafting a change, deciding on it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_UP, Decimal
from fractions import Fraction
from typing import Any, cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts import amendments, ceiling
from contracts.agreements import AgreementSummary
from contracts.errors import InvalidInput, NotFound, Refused
from contracts.extensions import db
from contracts.people import access
from contracts.schemas.fields import read_day, read_decimal
from contracts.terms import amendment as rules
from contracts.terms.amendment import Basis, Kind, Proposal, Recorded
from contracts.terms.money import AMOUNT_DECIMALS
from contracts.web.acts import acted, done, today
from contracts.web.agreements import effects
from contracts.web.agreements.page import KNOWN, agreement_of, link, parameters, read_moment
from contracts.web.guard import current_actor, requires
from contracts.web.i18n import N_

blueprint = Blueprint("amendments", __name__)

KINDS = {
    "extension": N_("Extension"),
    "change": N_("A change"),
    "termination": N_("Termination"),
}
STATES = {
    "drafted": (N_("Waits for approval"), "info"),
    "approved": (N_("In force"), "success"),
    "announced": (N_("In force, announced"), "success"),
    "rejected": (N_("Rejected"), "neutral"),
    "withdrawn": (N_("Withdrawn"), "neutral"),
}
BASES = {
    "clause": N_("An agreed clause"),
    "minor": N_("At most 10 per cent of the original value, all such changes together"),
    "supplementary": N_("Necessary supplementary deliveries, at most 50 per cent each"),
    "unforeseen": N_("What could not be foreseen, at most 50 per cent each"),
    "supplier_change": N_("Another supplier in the place of the first"),
    "not_substantial": N_("Not a substantial change"),
}
# What is wrong with a form, by the finding's code.
FINDINGS = {
    "missing": N_("This must be filled in."),
    "too_long": N_("The text is too long."),
    "not_a_date": N_("Write a date like 2027-01-01."),
    "not_an_amount": N_("Write an amount in kroner, such as 1 000 000."),
    "in_the_future": N_("The day lies in the future."),
    "not_for_this": N_("This does not belong to what is drafted here."),
    "no_change": N_("That is how it stands already."),
    "differs": N_("The value does not fit the new maximum: leave it empty, and it is computed."),
    "negative": N_("A maximum value is not negative."),
    "no_extension": N_("No agreed extension follows the term as it stands."),
    "too_late": N_("The day of the notice is after the last day of notice."),
    "late": N_("The last day of notice is over. Say whether the vendor had the notice by then."),
    "not_earlier": N_("A termination ends the agreement before its term is over."),
    "before_notice": N_("The agreement lasts at least to the day of the notice."),
    "before_start": N_("The agreement ends after it starts."),
    "outside": N_("The day lies outside what is possible."),
    "share_unknown": N_(
        "This ground has a limit in per cent: the value of the change and the original value are needed."
    ),
    "beyond_ten_percent": N_(
        "With this the changes on this ground come to more than 10 per cent of the original value."
    ),
    "beyond_fifty_percent": N_("The change is more than 50 per cent of the original value."),
    "below_cost": N_(
        "To the agreement's end it costs more than the value given. Leave the value empty, and it is computed."
    ),
    "vendor_not_here": N_("Another vendor is a ground of its own; on any other it is a substantial change (§ 28-2)."),
    "organisation_number": N_("An organisation number has nine digits, the last of which checks the others."),
}


@blueprint.get("/avtaler/<code>/endringer")
@requires("read")
def index(code: str) -> str:
    """Show what changed an agreement, how far its changes have come, and what may come next."""
    known_at = read_moment(parameters(KNOWN).get(KNOWN, ""))
    agreement = agreement_of(code, known_at)
    listed = amendments.list_amendments(db.session, agreement.id, known_at)
    in_force = [one.amendment for one in listed if one.amendment.approved_on is not None]
    extension = amendments.next_extension(db.session, agreement.id, known_at)
    notice_by = None if extension is None else rules.notice_deadline(agreement.term.end, extension.notice_months)
    return _page(
        "contracts/agreements/amendments.html",
        agreement,
        known_at=known_at,
        rows=listed,
        minor=rules.cumulative(in_force, "minor"),
        total=rules.cumulative(in_force),
        original=amendments.original_value(db.session, agreement.id),
        extension=extension,
        notice_by=notice_by,
        in_time=notice_by is not None and today() <= notice_by,
        may_draft=known_at is None and _may("amendment.draft"),
    )


@blueprint.get("/avtaler/<code>/endringer/ny")
@requires("amendment.draft")
def new(code: str) -> str:
    """Ask what is to be changed."""
    kind = parameters("slag").get("slag", "change")
    return _form(agreement_of(code), kind, {"signed_on": today().isoformat()})


@blueprint.post("/avtaler/<code>/endringer/ny")
@requires("amendment.draft")
def draft(code: str) -> Any:
    """Draft the change as typed."""
    agreement = agreement_of(code)
    typed = request.form.to_dict()
    kind = typed.get("kind", "")
    if kind not in KINDS:
        abort(400)
    errors: list[tuple[str | None, str]] = []
    signed_on = _day(typed, "signed_on", errors)
    last_day = _day(typed, "last_day", errors)
    options_until = _day(typed, "options_until", errors)
    value_change = _amount(typed, "value_change", errors)
    new_maximum = _amount(typed, "new_maximum", errors)
    if not typed.get("signed_on", "").strip():
        errors.append(("signed_on", _said("missing")))
    basis = typed.get("basis", "clause") or "clause"
    if basis not in BASES:
        abort(400)
    if errors or signed_on is None:
        return _form(agreement, kind, typed, errors), 422
    proposal = Proposal(
        kind=cast(Kind, kind),
        basis=cast(Basis, basis),
        title=typed.get("title", ""),
        reason=typed.get("reason", ""),
        clause=typed.get("clause", ""),
        signed_on=signed_on,
        value_change=value_change,
        new_maximum=new_maximum,
        new_end=None if last_day is None else last_day + timedelta(days=1),
        options_until=options_until,
        vendor_name=typed.get("vendor_name", ""),
        vendor_number="".join(typed.get("vendor_number", "").split()),
    )
    try:
        made = acted(amendments.draft, agreement_id=agreement.id, proposal=proposal, today=today())
    except InvalidInput as refused:
        return _form(agreement, kind, typed, _at_fields(refused)), 422
    db.session.commit()
    flash(_("The change is drafted. Somebody else than you approves it."))
    return redirect(url_for("amendments.show", code=code, number=made.amendment.number), 303)


@blueprint.get("/avtaler/<code>/endringer/<int:number>")
@requires("read")
def show(code: str, number: int) -> str:
    """Show a change: its ground, its value, what it does, where it stands."""
    known_at = read_moment(parameters(KNOWN).get(KNOWN, ""))
    agreement = agreement_of(code, known_at)
    return _show(agreement, _found(agreement, number, known_at), known_at=known_at)


@blueprint.post("/avtaler/<code>/endringer/<int:number>")
@requires("read")
def decide(code: str, number: int) -> Any:
    """Approve or reject a draft."""
    agreement = agreement_of(code)
    event, reason = request.form.get("event"), request.form.get("reason", "")
    common: dict[str, Any] = {
        "agreement_id": agreement.id,
        "number": number,
        "reason": reason,
        "actor": current_actor(),
        "now": datetime.now(UTC),
        "today": today(),
    }
    try:
        if event == "approve":
            given_in_time = request.form.get("given_in_time") == "yes"
            made = amendments.approve(db.session, given_in_time=given_in_time, **effects.said(), **common)
            told = (
                _("The change is approved and in force.")
                if made.amendment.approved_on
                else _("Your approval is recorded. It takes one more.")
            )
        elif event == "reject":
            amendments.reject(db.session, **common)
            told = _("The draft is rejected.")
        else:
            abort(400)
    except InvalidInput as refused:
        db.session.rollback()
        return _show(agreement, _found(agreement, number), _at_fields(refused), reason), 422
    except Refused as refused:
        db.session.rollback()
        said = effects.refused_sentences(refused, agreement.id)
        return _show(agreement, _found(agreement, number), said, reason), 409
    db.session.commit()
    flash(told)
    return redirect(url_for("amendments.show", code=code, number=number), 303)


@blueprint.post("/avtaler/<code>/endringer/<int:number>/overskridelse")
@requires("ceiling.override")
def ask_override(code: str, number: int) -> Any:
    """Ask to let a draft go over what refuses it."""
    agreement = agreement_of(code)
    reason = request.form.get("override_reason", "")
    try:
        acted(amendments.ask_override, agreement_id=agreement.id, number=number, reason=reason, today=today())
    except InvalidInput:
        db.session.rollback()
        return _show(agreement, _found(agreement, number), [("override_reason", _said("missing"))]), 422
    db.session.commit()
    flash(_("Asked. An approver decides whether it may go over."))
    return redirect(url_for("amendments.show", code=code, number=number), 303)


@blueprint.post("/avtaler/<code>/endringer/<int:number>/trekk")
@requires("amendment.draft")
def withdraw(code: str, number: int) -> Any:
    """Take a draft back."""
    done(amendments.withdraw, agreement_id=agreement_of(code).id, number=number, today=today())
    flash(_("The draft is taken back."))
    return redirect(url_for("amendments.show", code=code, number=number), 303)


@blueprint.post("/avtaler/<code>/endringer/<int:number>/kunngjort")
@requires("amendment.draft")
def announce(code: str, number: int) -> Any:
    """Record that a change was announced."""
    agreement = agreement_of(code)
    errors: list[tuple[str | None, str]] = []
    on = _day(request.form.to_dict(), "on", errors)
    if on is None:
        errors = errors or [("on", _said("missing"))]
        return _show(agreement, _found(agreement, number), errors), 422
    try:
        acted(
            amendments.announce,
            agreement_id=agreement.id,
            number=number,
            on=on,
            reference=request.form.get("reason", ""),
            today=today(),
        )
    except InvalidInput as refused:
        return _show(agreement, _found(agreement, number), _at_fields(refused), request.form.get("reason", "")), 422
    db.session.commit()
    flash(_("The announcement is recorded."))
    return redirect(url_for("amendments.show", code=code, number=number), 303)


def in_percent(share: Fraction | None) -> Decimal | None:
    """Give a share with four decimals, rounded away from zero: what is over a limit never looks like it."""
    if share is None:
        return None
    return (Decimal(share.numerator) / Decimal(share.denominator)).quantize(Decimal("0.0001"), ROUND_UP)


def _show(
    agreement: AgreementSummary,
    found: Recorded,
    errors: list[tuple[str | None, str]] | None = None,
    reason: str = "",
    known_at: datetime | None = None,
) -> str:
    actor = current_actor()
    made = found.amendment
    standing = ceiling.standing(db.session, agreement.id, known_at) if made.new_maximum is not None else None
    effect = None
    if found.state == "drafted" and found.current and known_at is None and actor.scope("read") is None:
        weighed = amendments.weigh(db.session, agreement_id=agreement.id, number=made.number, today=today())
        effect = effects.shown(agreement.id, weighed, "amendment.approve", today())
    return _page(
        "contracts/agreements/amendment.html",
        agreement,
        found=found,
        made=made,
        effect=effect,
        known_at=known_at,
        names=access.names_of(db.session, [step.by for step in found.course]),
        taken=None if standing is None else standing.used + standing.open,
        may_decide=_may("amendment.approve") or bool(effect and effect["may_approve"]),
        may_draft=known_at is None and _may("amendment.draft"),
        own=actor.id == found.drafted_by,
        late=found.notice_by is not None and today() > found.notice_by,
        announce_late=made.announce_by is not None and today() > made.announce_by,
        errors=errors or [],
        reason=reason,
        today=today(),
    )


def _form(
    agreement: AgreementSummary,
    kind: str,
    typed: dict[str, str],
    errors: list[tuple[str | None, str]] | None = None,
) -> str:
    if kind not in KINDS:
        raise NotFound(_("There is no such kind of change."))
    extension = amendments.next_extension(db.session, agreement.id)
    if kind == "extension" and extension is None:
        raise NotFound(_("No agreed extension follows the term as it stands."))
    return _page(
        "contracts/agreements/amendment_draft.html",
        agreement,
        kind=kind,
        typed=typed,
        errors=errors or [],
        extension=extension,
        notice_by=None if extension is None else rules.notice_deadline(agreement.term.end, extension.notice_months),
        original=amendments.original_value(db.session, agreement.id),
    )


def _page(template: str, agreement: AgreementSummary, **values: Any) -> str:
    return render_template(
        template,
        agreement=agreement,
        last_of=lambda end: end - timedelta(days=1),
        in_percent=in_percent,
        kinds=KINDS,
        states=STATES,
        bases=BASES,
        letters=rules.LETTERS,
        link=link,
        **values,
    )


def _found(agreement: AgreementSummary, number: int, known_at: datetime | None = None) -> Recorded:
    return amendments.find(db.session, agreement.id, number, known_at)


def _said(code: str) -> str:
    return _(FINDINGS[code])


def _may(act: str) -> bool:
    actor = current_actor()
    return actor.may(act) and actor.scope(act) is None


def _day(typed: dict[str, str], name: str, errors: list[tuple[str | None, str]]) -> date | None:
    text = typed.get(name, "").strip()
    if not text:
        return None
    try:
        return read_day(text)
    except ValueError:
        errors.append((name, _said("not_a_date")))
        return None


def _amount(typed: dict[str, str], name: str, errors: list[tuple[str | None, str]]) -> Decimal | None:
    text = "".join(typed.get(name, "").split()).replace(",", ".").replace("−", "-")
    if not text:
        return None
    try:
        return read_decimal(text, AMOUNT_DECIMALS)
    except ValueError:
        errors.append((name, _said("not_an_amount")))
        return None


def _at_fields(refused: InvalidInput) -> list[tuple[str | None, str]]:
    """Give each finding at the field that its pointer names, in the reader's language where it is known."""
    return [
        (
            {"new_end": "last_day", "kind": None}.get(place := finding.pointer.removeprefix("#/"), place),
            _said(finding.code) if finding.code in FINDINGS else finding.detail,
        )
        for finding in refused.errors
    ]
