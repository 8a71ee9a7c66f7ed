"""Pages of index adjustment: what is agreed, requests and how each is computed, their decision, and index values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from contracts import agreements, documents
from contracts.agreements import AgreementSummary
from contracts.errors import Conflict, Finding, InvalidInput, NotFound, Refused
from contracts.extensions import db
from contracts.people import access
from contracts.prices import index_clauses, index_values, indexation
from contracts.schemas.fields import read_day
from contracts.schemas.index_values import HEADERS, ReadAs
from contracts.schemas.indexation import load_clause
from contracts.terms import indexation as rules
from contracts.terms.indexation import IndexRequest, shown
from contracts.web.acts import acted, today
from contracts.web.agreements import effects
from contracts.web.agreements.page import KNOWN, agreement_of, link, parameters, read_moment
from contracts.web.guard import current_actor, requires
from contracts.web.prices import index_clause_form, index_words

blueprint = Blueprint("index_pages", __name__)
USUAL_MONTHS = 36


@blueprint.get("/avtaler/<code>/indeks")
@requires("read")
def show(code: str) -> str:
    """Show the clause in words and the requests."""
    known_at = _known_at(parameters(KNOWN))
    return _clauses_page(agreement_of(code, known_at), known_at)


@blueprint.get("/avtaler/<code>/indeks/klausul")
@requires("index.draft")
def edit_clause(code: str) -> str:
    """Show the form of the clause."""
    parameters()
    agreement = agreement_of(code)
    agreed = indexation.standing_clause(db.session, agreement.id)
    values = {} if agreed is None else index_clause_form.to_form(agreed.terms)
    return _clause_page(agreement, values, _standing(agreement.id))


@blueprint.post("/avtaler/<code>/indeks/klausul")
@requires("index.draft")
def propose_clause(code: str) -> Any:
    """Propose the clause as typed, unless somebody else changed it in the meantime."""
    agreement = agreement_of(code)
    agreements.lock_agreement(db.session, agreement.id)
    if request.form.get("seen", "") != _standing(agreement.id):
        raise Conflict(
            "changed", _("The clause was changed in the meantime. Open it again and decide on what it is now.")
        )
    try:
        clause = load_clause(index_clause_form.to_document(request.form))
        proposed = acted(index_clauses.propose, agreement_id=agreement.id, clause=clause)
    except InvalidInput as refused:
        return _clause_page(agreement, request.form.to_dict(), request.form.get("seen", ""), _at_fields(refused)), 422
    db.session.commit()
    if proposed is None:
        flash(_("The clause says so already; nothing was done."))
    else:
        flash(_("The clause is proposed. Somebody else than you approves it."))
    return redirect(url_for("index_pages.show", code=code), 303)


@blueprint.post("/avtaler/<code>/indeks/klausul/avgjorelse")
@requires("index.approve")
def decide_clause(code: str) -> Any:
    """Approve or decline the clause that is proposed."""
    agreement = agreement_of(code)
    event, proposal = request.form.get("event"), request.form.get("proposal", "")
    if event not in ("approve", "decline"):
        abort(400)
    try:
        acted(
            index_clauses.decide,
            agreement_id=agreement.id,
            proposal_id=int(proposal) if proposal.isascii() and proposal.isdigit() and len(proposal) < 15 else 0,
            decision="approved" if event == "approve" else "declined",
            reason=request.form.get("reason", ""),
        )
    except InvalidInput as refused:
        db.session.rollback()
        return _clauses_page(agreement, errors=_at_fields(refused)), 422
    db.session.commit()
    flash(_("The index clause is in force.") if event == "approve" else _("The proposed clause is declined."))
    return redirect(url_for("index_pages.show", code=code), 303)


@blueprint.get("/avtaler/<code>/indeks/krav")
@requires("index.draft")
def preview(code: str) -> str:
    """Show what a request would say, in both readings, before it is made."""
    return _preview_page(agreement_of(code), parameters("fra").get("fra", ""))


@blueprint.post("/avtaler/<code>/indeks/krav")
@requires("index.draft")
def make_request(code: str) -> Any:
    """Make the request."""
    agreement = agreement_of(code)
    typed = request.form.get("fra", "")
    day = _day(typed)
    if day is None:
        return _preview_page(agreement, typed), 422
    try:
        made = acted(indexation.request_adjustment, agreement_id=agreement.id, effective_from=day, today=today())
    except (InvalidInput, Conflict) as refused:
        # The page says it itself, from the same facts.
        return _preview_page(agreement, typed), 409 if isinstance(refused, Conflict) else 422
    db.session.commit()
    if made.state == rules.LAPSED:
        flash(_("The request came too late and is recorded as lapsed."), "error")
    else:
        flash(_("The request is made. Somebody else than you approves it."))
    return redirect(url_for("index_pages.show_request", code=code, request_id=made.id), 303)


@blueprint.get("/avtaler/<code>/indeks/krav/<int:request_id>")
@requires("read")
def show_request(code: str, request_id: int) -> str:
    """Show a request: what it rests on, how it is computed, where it stands."""
    known_at = _known_at(parameters(KNOWN))
    return _request_page(*_found(code, request_id, known_at), known_at=known_at)


@blueprint.post("/avtaler/<code>/indeks/krav/<int:request_id>")
@requires("read")
def decide(code: str, request_id: int) -> Any:
    """Approve or decline a request."""
    agreement, found = _found(code, request_id)
    event, reason = request.form.get("event"), request.form.get("reason", "")
    common: dict[str, Any] = {
        "request_id": found.id,
        "reason": reason,
        "actor": current_actor(),
        "now": datetime.now(UTC),
        "today": today(),
    }
    try:
        if event == "approve":
            retroactive = request.form.get("retroactive") == "yes"
            made = indexation.approve(db.session, retroactive=retroactive, **effects.said(), **common)
            told = (
                _("The request is approved. The factor stands in the price book.")
                if made.state == rules.APPROVED
                else _("Your approval is recorded. It takes one more.")
            )
        elif event == "decline":
            indexation.decline(db.session, **common)
            told = _("The request is declined.")
        else:
            abort(400)
    except InvalidInput as refused:
        return _request_page(agreement, found, _at_fields(refused), reason), 422
    except Refused as refused:
        db.session.rollback()
        return _request_page(agreement, found, effects.refused_sentences(refused, agreement.id), reason), 409
    db.session.commit()
    flash(told)
    return redirect(url_for("index_pages.show_request", code=code, request_id=found.id), 303)


@blueprint.post("/avtaler/<code>/indeks/krav/<int:request_id>/overskridelse")
@requires("ceiling.override")
def ask_override(code: str, request_id: int) -> Any:
    """Ask to let a request go over what refuses it."""
    agreement, found = _found(code, request_id)
    reason = request.form.get("override_reason", "")
    try:
        acted(indexation.ask_override, request_id=found.id, reason=reason, today=today())
    except InvalidInput:
        db.session.rollback()
        return _request_page(agreement, found, [("override_reason", _("This must be filled in."))]), 422
    db.session.commit()
    flash(_("Asked. An approver decides whether it may go over."))
    return redirect(url_for("index_pages.show_request", code=code, request_id=found.id), 303)


@blueprint.get("/indeksverdier")
@requires("read")
def values() -> str:
    """Show which index values there are, and those of one series."""
    asked = parameters("tabell", "serie", "basis", "alle", KNOWN)
    known_at = _known_at(asked)
    return _values_page(asked, known_at=known_at)


@blueprint.post("/indeksverdier")
@requires("index.draft")
def import_values() -> Any:
    """Take in a file of index values."""
    form = request.form
    errors: list[tuple[str | None, str]] = []
    file = request.files.get("file")
    content = b"" if file is None else file.read()
    if file is None or not content:
        errors.append(("file", _("Choose a file.")))
    retrieved_on = _day(form.get("retrieved_on", ""))
    if retrieved_on is None:
        errors.append(("retrieved_on", _("Write a date like 2027-01-01.")))
    base_year = form.get("base_year", "").strip()
    if base_year and not (base_year.isascii() and base_year.isdigit() and len(base_year) == 4):
        errors.append(("base_year", _("The base year is expected as four digits, such as 2015.")))
    if errors or file is None or retrieved_on is None:
        return _values_page({}, errors, form.to_dict()), 422
    given = ReadAs(form.get("table", "").strip() or None, int(base_year) if base_year else None)
    try:
        done = acted(
            index_values.import_values,
            filename=file.filename or "",
            content=content,
            retrieved_on=retrieved_on,
            given=given,
            today=today(),
        )
    except InvalidInput as refused:
        return _values_page({}, [_in_file(finding) for finding in refused.errors[:20]], form.to_dict()), 422
    db.session.commit()
    if done.status == "already_imported":
        flash(_("This very file is in already; nothing was done."))
    else:
        flash(
            ngettext(
                "%(num)d value read: %(new)s new, %(revised)s revised.",
                "%(num)d values read: %(new)s new, %(revised)s revised.",
                done.values,
                new=done.new,
                revised=done.revised,
            )
        )
    return redirect(url_for("index_pages.values"), 303)


def _page(template: str, agreement: AgreementSummary, **values: Any) -> str:
    return render_template(
        template, agreement=agreement, words=index_words, months_of=_months_of, shown=shown, link=link, **values
    )


def _clause_page(
    agreement: AgreementSummary, values: dict[str, str], seen: str, errors: list[tuple[str | None, str]] | None = None
) -> str:
    usual = {"series": "TOTAL", "average_months": "1", "share": "100", "limits_on": "price_change", "symmetric": "yes"}
    return _page(
        "contracts/prices/index_clause.html",
        agreement,
        typed={**usual, "notice_unit": "months", **values},
        seen=seen,
        errors=errors or [],
        months=[(number, index_words.month_name(number)) for number in range(1, 13)],
    )


def _standing(agreement_id: int) -> str:
    """Name what stands and what waits in its place, so that a form tells what its reader saw."""
    agreed = indexation.standing_clause(db.session, agreement_id)
    proposed = index_clauses.waiting(db.session, agreement_id)
    return ("" if agreed is None else str(agreed.id)) + ("" if proposed is None else f"-{proposed.id}")


def _clauses_page(
    agreement: AgreementSummary,
    known_at: datetime | None = None,
    errors: list[tuple[str | None, str]] | None = None,
) -> str:
    actor = current_actor()
    requests = indexation.list_requests(db.session, agreement.id, known_at)
    reads_all = actor.scope("read") is None
    proposed = index_clauses.waiting(db.session, agreement.id, known_at) if reads_all else None
    people = [one.requested_by for one in requests] + ([] if proposed is None else [proposed.by])
    return _page(
        "contracts/prices/indexation.html",
        agreement,
        agreed=indexation.standing_clause(db.session, agreement.id, known_at),
        proposed=proposed,
        may_decide=actor.may("index.approve") and actor.scope("index.approve") is None,
        own=proposed is not None and proposed.by == actor.id,
        requests=requests,
        names=access.names_of(db.session, people),
        known_at=known_at,
        may_draft=known_at is None and _drafts(),
        errors=errors or [],
    )


def _preview_page(agreement: AgreementSummary, typed: str) -> str:
    agreed = indexation.standing_clause(db.session, agreement.id)
    if agreed is None:
        raise NotFound(_("The agreement has no index clause yet."))
    day = _day(typed)
    seen = None
    if day is not None:
        seen = indexation.preview(db.session, agreement_id=agreement.id, effective_from=day, today=today())
    errors = [("fra", _("Write a date like 2027-01-01."))] if typed and day is None else []
    dates = rules.effective_dates(agreed.terms, agreement.term.end)
    following = next((one for one in dates if rules.notice_deadline(agreed.terms, one) >= today()), None)
    return _page(
        "contracts/prices/index_preview.html",
        agreement,
        agreed=agreed,
        seen=seen,
        typed=typed or (following.isoformat() if following else ""),
        errors=errors,
    )


def _request_page(
    agreement: AgreementSummary,
    found: IndexRequest,
    errors: list[tuple[str | None, str]] | None = None,
    reason: str = "",
    known_at: datetime | None = None,
) -> str:
    actor = current_actor()
    effect = None
    if found.state == rules.REQUESTED and known_at is None and actor.scope("read") is None:
        weighed = indexation.weigh(db.session, request_id=found.id, today=today())
        effect = effects.shown(agreement.id, weighed, "index.approve", today())
    who = [found.requested_by, *([found.decided_by] if found.decided_by else [])]
    return _page(
        "contracts/prices/index_request.html",
        agreement,
        found=found,
        names=access.names_of(db.session, who),
        letters=documents.list_documents(
            db.session, subject=f"index-request:{found.id}", actor=actor, known_at=known_at
        ),
        known_at=known_at,
        effect=effect,
        last_of=lambda end: end - timedelta(days=1),
        may_decide=bool(effect and effect["may_approve"]),
        own=actor.id == found.requested_by,
        retroactive=found.effective_from < today(),
        errors=errors or [],
        reason=reason,
    )


def _values_page(
    asked: dict[str, str],
    errors: list[tuple[str | None, str]] | None = None,
    typed: dict[str, str] | None = None,
    known_at: datetime | None = None,
) -> str:
    series = index_values.known_series(db.session, known_at)
    basis = asked.get("basis", "")
    if asked and (basis and not (basis.isascii() and basis.isdigit() and len(basis) == 4)):
        raise NotFound(_("There is no such base year."))
    chosen = next(
        (
            one
            for one in series
            if one[0] == asked.get("tabell", one[0])
            and one[1] == asked.get("serie", one[1])
            and str(one[2]) == (basis or str(one[2]))
        ),
        None,
    )
    if asked and chosen is None:
        raise NotFound(_("There are no values of this series."))
    rows = []
    if chosen is not None:
        rows = index_values.list_values(
            db.session, table=chosen[0], series=chosen[1], base_year=chosen[2], known_at=known_at
        )
    rows = rows[::-1] if asked.get("alle") else rows[::-1][:USUAL_MONTHS]
    return render_template(
        "contracts/prices/index_values.html",
        series=series,
        chosen=chosen,
        rows_of=rows,
        errors=errors or [],
        typed={"retrieved_on": today().isoformat(), **(typed or {})},
        headers=[",".join(names) for names in HEADERS],
        known_at=known_at,
        link=link,
        may_draft=known_at is None and _drafts(),
    )


def _drafts() -> bool:
    actor = current_actor()
    return actor.may("index.draft") and actor.scope("index.draft") is None


def _known_at(asked: dict[str, str]) -> datetime | None:
    """Take the moment asked for out of a page's parameters."""
    return read_moment(asked.pop(KNOWN, ""))


def _found(code: str, request_id: int, known_at: datetime | None = None) -> tuple[AgreementSummary, IndexRequest]:
    agreement = agreement_of(code, known_at)
    found = indexation.find_request(db.session, request_id, known_at)
    if found.agreement_id != agreement.id:
        raise NotFound(f"there is no index request {request_id}")
    return agreement, found


def _day(typed: str) -> date | None:
    try:
        return read_day(typed.strip())
    except ValueError:
        return None


def _at_fields(refused: InvalidInput) -> list[tuple[str | None, str]]:
    """Give each finding at the field that its pointer names."""
    return [
        (finding.pointer.removeprefix("#/") or None, index_words.finding_text(finding.code, finding.detail))
        for finding in refused.errors
    ]


def _in_file(finding: Finding) -> tuple[str | None, str]:
    """Give a finding of a file with its place in words."""
    text = index_words.finding_text(finding.code, finding.detail)
    _hash, *way = finding.pointer.split("/")
    if way[:1] == ["query"]:
        return way[1], text
    if way[:1] == ["line"] and len(way) > 2:
        return "file", _("Line %(line)s, column %(column)s: %(text)s", line=way[1], column=way[2], text=text)
    if way[:1] == ["line"]:
        return "file", _("Line %(line)s: %(text)s", line=way[1], text=text)
    if way:
        return "file", _("%(place)s: %(text)s", place=finding.pointer, text=text)
    return "file", text


def _months_of(worked: indexation.Worked, side: str) -> str:
    return index_words.months_text(worked.compared.base if side == "base" else worked.compared.current)
