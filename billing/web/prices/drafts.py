"""Drafts of price-book versions in the browser: write, check, simulate, send, decide.

Every form carries the number of the revision it was made from. Where somebody else was first, the writer gets a page with
both and chooses; nothing is overwritten in silence and nothing typed is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from billing.prices.review import Review, begin_draft, locked_book, require_told, review, written
from billing.rating.price_list import price_list
from billing.rating.volume_trial import volumes_at_bounds
from billing.web import words
from billing.web.prices import forms as price_forms
from billing.web.prices import pages as version_pages
from billing.web.prices import words as price_words
from billing.web.prices.forms import ChargeForm
from billing.web.query import Query, read_query
from contracts import price_books
from contracts.errors import Conflict, InvalidInput, NotFound, Refused
from contracts.extensions import db
from contracts.people import access
from contracts.prices import drafts as price_drafts
from contracts.prices import sheet as price_sheet
from contracts.prices.drafts import Content, Draft
from contracts.terms.period import add_months, previous_day
from contracts.terms.price_book import PriceBook, errors_of
from contracts.terms.price_model import Charge, UsageCharge
from contracts.terms.written import read_day
from contracts.web import formatting
from contracts.web.acts import asked, done
from contracts.web.agreements import effects
from contracts.web.guard import requires
from contracts.web.i18n import current_language

blueprint = Blueprint("price_drafts", __name__)

_BASE = "/avtaler/<code>/prislister/kladd"
_ONE = f"{_BASE}/<int:draft_id>"


@blueprint.get(_BASE)
@requires("price_book.draft")
def new(code: str) -> Any:
    """Ask for what a new draft begins with."""
    query = read_query(code=code, past=False)
    return _new_page(query, MultiDict({"gjelder_fra": _next_year(query).isoformat()}), [])


@blueprint.post(_BASE)
@requires("price_book.draft")
def create(code: str) -> Any:
    """Make a draft: with the prices as they stand, or with none."""
    query = read_query(code=code, past=False)
    errors: list[tuple[str | None, str]] = []
    valid_from = _day(request.form, errors)
    if errors or valid_from is None:
        return _new_page(query, request.form, errors), 422
    draft = query.done(
        begin_draft,
        content=Content(valid_from, _text("klausul"), (), _text("merknad")),
        from_prices=request.form.get("innhold") != "tom",
    )
    return redirect(_to(query, "show", draft))


@blueprint.get(_ONE)
@requires("read")
def show(code: str, draft_id: int) -> Any:
    """Show a draft: what it says, what the check finds, what it would change, what can be done next."""
    query, draft = _read(code, draft_id)
    return _show(query, _examine(query, draft))


def _show(query: Query, examined: Review, errors: Sequence[tuple[str | None, str]] = ()) -> str:
    draft = examined.draft
    content = draft.newest.content
    version = content.to_version()
    book = PriceBook(examined.book.conventions, (), (version,))
    broken = {finding.pointer.split("/")[2] for finding in examined.errors if finding.pointer.startswith("#/charges/")}
    readable = [charge for i, charge in enumerate(content.charges) if str(i) not in broken]
    return _page(
        query,
        examined,
        "billing/prices/draft.html",
        errors=errors,
        prices=price_list(replace(book, versions=(replace(version, charges=tuple(readable)),)))[0].charges,
        broken=sorted(int(number) for number in broken if number.isdigit()),
        people=access.names_of(
            db.session, {draft.made_by, *(each.by for each in draft.revisions), *(each.by for each in draft.steps)}
        ),
        types=price_forms.TYPES,
    )


@blueprint.post(f"{_ONE}/grunnlag")
@requires("price_book.draft")
def change_head(code: str, draft_id: int) -> Any:
    """Change the first day, the clause and the note."""
    query, draft = _read(code, draft_id, past=False)
    errors: list[tuple[str | None, str]] = []
    valid_from = _day(request.form, errors)
    if errors or valid_from is None:
        return _show(query, _examine(query, draft), errors), 422
    content = replace(draft.newest.content, valid_from=valid_from, clause=_text("klausul"), note=_text("merknad"))
    return _revise(query, draft, content, _("Saved."))


@blueprint.get(f"{_ONE}/prisledd/<int:number>")
@requires("price_book.draft")
def charge(code: str, draft_id: int, number: int) -> Any:
    """Show the form of a charge of a draft; number 0 is a new one of the type asked for."""
    query, draft = _read(code, draft_id, "type", past=False)
    if number == 0:
        kind = query.values.get("type")
        form = price_forms.empty_form(kind if kind in price_forms.TYPES else price_forms.TYPES[0])
    else:
        form = price_forms.form_of(_charge_at(draft, number))
    return _charge_page(query, draft, number, form)


@blueprint.post(f"{_ONE}/prisledd/<int:number>")
@requires("price_book.draft")
def save_charge(code: str, draft_id: int, number: int) -> Any:
    """Save a charge, add or take away a row of its form, or show what its tiers mean."""
    action = request.form.get("action", "save")
    if action != "save":
        db.only_read()
    query, draft = _read(code, draft_id, past=False)
    form = price_forms.ChargeForm(price_forms.read_form(request.form).type, MultiDict(request.form))
    if form.change_rows(action):
        return _charge_page(query, draft, number, form)
    form = price_forms.read_form(request.form)
    if form.charge is None or action != "save":
        page = _charge_page(query, draft, number, form)
        return (page, 422) if form.errors else page
    charges = list(draft.newest.content.charges)
    original = request.form.get("original", "")
    place = next((i for i, each in enumerate(charges) if each.code == original), None) if original else None
    others = [each.code for i, each in enumerate(charges) if i != place]
    if form.charge.code in others:
        form.errors.append(("code", price_words.refusal("charge_code_duplicate", "")))
        return _charge_page(query, draft, number, form), 422
    if place is None:
        charges.append(form.charge)
    else:
        charges[place] = form.charge
    return _revise(
        query,
        draft,
        replace(draft.newest.content, charges=tuple(charges)),
        _("%(code)s is saved.", code=form.charge.code),
        form=form,
        number=number,
    )


@blueprint.post(f"{_ONE}/prisledd/<int:number>/fjern")
@requires("price_book.draft")
def remove_charge(code: str, draft_id: int, number: int) -> Any:
    """Take a charge out of a draft."""
    query, draft = _read(code, draft_id, past=False)
    gone = _charge_at(draft, number)
    kept = tuple(each for each in draft.newest.content.charges if each is not gone)
    return _revise(
        query, draft, replace(draft.newest.content, charges=kept), _("%(code)s is taken out.", code=gone.code)
    )


@blueprint.get(f"{_ONE}/prisliste.xlsx")
@requires("read")
def workbook(code: str, draft_id: int) -> Any:
    """Give a draft as a workbook."""
    _query, draft = _read(code, draft_id)
    content = draft.newest.content
    return Response(
        price_sheet.write_sheet(content.to_version()),
        content_type=price_sheet.MEDIA_TYPE,
        headers={
            "Content-Disposition": f'attachment; filename="prisliste-{content.valid_from}-revisjon-{draft.newest.number}.xlsx"'
        },
    )


@blueprint.post(f"{_ONE}/prisliste.xlsx")
@requires("price_book.draft")
def upload(code: str, draft_id: int) -> Any:
    """Take a workbook in as the draft's next revision, whole or not at all."""
    query, draft = _read(code, draft_id, past=False)
    file = request.files.get("fil")
    if file is None or not file.filename:
        return _show(query, _examine(query, draft), [("fil", _("Choose a file."))]), 422
    try:
        version = price_sheet.read_sheet(file.read())
    except price_sheet.InvalidSheet as refused:
        page = _page(
            query,
            Review(draft, _book(query), ()),
            "billing/prices/sheet_errors.html",
            sheet_errors=[price_words.sheet_error(error) for error in refused.errors],
            filename=file.filename,
        )
        return page, 422
    content = replace(
        draft.newest.content, valid_from=version.valid_from, clause=version.clause, charges=version.charges
    )
    return _revise(query, draft, content, _("The workbook is read and saved as a new revision."))


@blueprint.get(f"{_ONE}/simulering")
@requires("read")
def simulation(code: str, draft_id: int) -> Any:
    """Show what a draft would have changed: by tier, by charge and trust."""
    query, draft = _read(code, draft_id)
    return _page(query, _examine(query, draft), "billing/prices/simulation.html")


@blueprint.get(f"{_ONE}/send")
@requires("price_book.draft")
def confirm_submit(code: str, draft_id: int) -> Any:
    """Show what is about to be sent to approval."""
    query, draft = _read(code, draft_id, past=False)
    return _page(query, _examine(query, draft), "billing/prices/submit.html")


@blueprint.post(f"{_ONE}/send")
@requires("price_book.draft")
def submit(code: str, draft_id: int) -> Any:
    """Send a draft to approval."""
    db.only_read()
    query, draft = _read(code, draft_id, past=False)
    examined = _examine(query, draft)
    return _decide(
        query,
        draft,
        lambda writing: price_drafts.submit_draft(
            writing,
            draft_id=draft.id,
            seen=_seen(),
            comment=_text("comment"),
            consequence=examined.consequence,
            actor=query.actor,
            now=datetime.now(UTC),
        ),
        _("The draft is sent to approval."),
        examined,
    )


@blueprint.get(f"{_ONE}/godkjenning")
@requires("read")
def confirm_approval(code: str, draft_id: int) -> Any:
    """Show what is about to come into force, with its consequence in kroner."""
    query, draft = _read(code, draft_id, past=False)
    return _approval_page(query, _examine(query, draft))


@blueprint.post(f"{_ONE}/godkjenning")
@requires("read")
def approve(code: str, draft_id: int) -> Any:
    """Approve a draft, or send it back with a comment."""
    db.only_read()
    query, draft = _read(code, draft_id, past=False)
    examined = _examine(query, draft)
    now, comment = datetime.now(UTC), _text("comment")
    if request.form.get("action") == "return":
        if not comment:
            return _approval_page(query, examined, [("comment", _("Say why the draft is sent back."))]), 422
        return _decide(
            query,
            draft,
            lambda writing: price_drafts.return_draft(
                writing, draft_id=draft.id, seen=_seen(), comment=comment, actor=query.actor, now=now
            ),
            _("The draft is sent back."),
        )
    return _decide(
        query,
        draft,
        lambda writing: price_drafts.approve_draft(
            writing,
            draft_id=draft.id,
            seen=_seen(),
            comment=comment,
            consequence=examined.consequence,
            actor=query.actor,
            now=now,
            today=query.today,
            retroactive=request.form.get("retroactive") == "yes",
            **effects.said(),
        ),
        lambda made: (
            _(
                "Approved. The prices are in the price book from %(day)s.",
                day=formatting.day(made.newest.content.valid_from, current_language()),
            )
            if made.state == "approved"
            else _("Your approval is recorded. It takes one more.")
        ),
        examined,
    )


@blueprint.post(f"{_ONE}/overskridelse")
@requires("ceiling.override")
def ask_override(code: str, draft_id: int) -> Any:
    """Ask to let a submitted draft go over what refuses it."""
    query, draft = _read(code, draft_id, past=False)
    reason = request.form.get("override_reason", "")
    try:
        done(price_drafts.ask_override, draft_id=draft.id, seen=_seen(), reason=reason, today=query.today)
    except InvalidInput:
        missing = price_words.refusal("missing", "")
        return _approval_page(query, _examine(query, draft), [("override_reason", missing)]), 422
    flash(_("Asked. An approver decides whether it may go over."))
    return redirect(_to(query, "confirm_approval", draft))


@blueprint.post(f"{_ONE}/trekk")
@requires("price_book.draft")
def withdraw(code: str, draft_id: int) -> Any:
    """Give a draft up."""
    db.only_read()
    query, draft = _read(code, draft_id, past=False)
    return _decide(
        query,
        draft,
        lambda writing: price_drafts.withdraw_draft(
            writing, draft_id=draft.id, seen=_seen(), actor=query.actor, now=datetime.now(UTC)
        ),
        _("The draft is given up. It can still be read."),
    )


def _read(code: str, draft_id: int, *own: str, past: bool = True) -> tuple[Query, Draft]:
    """Read a draft as known at the moment asked for; what changes it (``past`` is false) knows it as it is."""
    query = read_query(*own, code=code, past=past)
    draft = asked(price_drafts.find_draft, draft_id=draft_id, known_at=query.known_at)
    if draft.agreement_id != query.agreement.id:
        raise NotFound(_("There is no such draft."))
    return query, draft


def _book(query: Query) -> PriceBook:
    return price_books.price_book(db.session, query.agreement.id, query.known_at)


def _examine(query: Query, draft: Draft) -> Review:
    return review(db.session, draft, query.today, query.known_at)


def _page(query: Query, examined: Review, template: str, **values: Any) -> str:
    draft = examined.draft
    current = examined.book.version_on(query.today)
    common = version_pages.shared(query, draft.newest.content.to_version())
    return query.page(
        template,
        as_of=query.counted().through,
        version=None if current is None else current.valid_from,
        **common,
        draft=draft,
        content=draft.newest.content,
        examined=examined,
        comparison=examined.comparison,
        shown=written(examined.consequence),
        trial=None if examined.comparison is None else examined.comparison.trial,
        findings=price_words.findings(examined.findings, draft.newest.content.charges, common["names"].products),
        # What is read as of an earlier moment is not acted on.
        may=lambda event: query.known_at is None and draft.may(event, query.actor),
        own=query.actor.id in draft.authors,
        **values,
    )


def _approval_page(query: Query, examined: Review, errors: Sequence[tuple[str | None, str]] = ()) -> str:
    past = examined.draft.newest.content.valid_from < query.today
    effect = None
    if examined.draft.state == "submitted" and not examined.errors:
        weighed = price_drafts.weigh(db.session, examined.draft, query.today)
        effect = effects.shown(query.agreement.id, weighed, "price_book.approve", query.today)
    return _page(
        query,
        examined,
        "billing/prices/approve.html",
        past=past,
        errors=errors,
        effect=effect,
        last_of=previous_day,
        deputy=effect is not None and effect["may_approve"],
    )


def _charge_page(query: Query, draft: Draft, number: int, form: ChargeForm) -> str:
    book = _book(query)
    shown = form.charge
    if shown is None and not form.errors and form.values.get("code"):
        shown = price_forms.read_form(_typed(form)).charge
    tried = None
    if isinstance(shown, UsageCharge) and not _broken(query, draft, shown):
        units = max(volumes_at_bounds(shown, book.conventions), default=1_000)
        tried = version_pages.try_charge(shown, units, book.conventions)
    return _page(
        query,
        Review(draft, book, ()),
        "billing/prices/charge.html",
        form=form,
        number=number,
        tried=tried,
        errors=form.errors,
        seen=request.form.get("revision", str(draft.newest.number)),
        original=request.form.get("original") or ("" if number == 0 else form.values.get("code", "")),
        algorithms=_algorithms(query, form),
    )


def _typed(form: ChargeForm) -> MultiDict[str, str]:
    values = MultiDict(form.values)
    values["type"] = form.type
    return values


def _broken(query: Query, draft: Draft, charge: Charge) -> bool:
    """Tell whether a charge by itself is refused, so that nothing can be computed from it."""
    alone = replace(draft.newest, content=replace(draft.newest.content, charges=(charge,)))
    found = price_drafts.check_draft(db.session, replace(draft, revisions=(alone,)))
    return any(finding.pointer.startswith("#/charges/0/") for finding in errors_of(found))


def _algorithms(query: Query, form: ChargeForm) -> list[tuple[str, str]]:
    common = version_pages.shared(query, Content(query.today, "", ()).to_version())
    names: words.Names = common["names"]
    listed = [(code, names.full(code)) for code in names.products]
    return [*listed, *((code, code) for code in form.values.getlist("algorithm") if code not in names.products)]


def _charge_at(draft: Draft, number: int) -> Charge:
    charges = draft.newest.content.charges
    if not 1 <= number <= len(charges):
        raise NotFound(_("The draft has no such charge."))
    return charges[number - 1]


def _revise(
    query: Query, draft: Draft, content: Content, told: str, *, form: ChargeForm | None = None, number: int = 0
) -> Any:
    """Save a revision and go back to the draft; where somebody was first, show both."""
    try:
        done(price_drafts.revise_draft, draft_id=draft.id, seen=_seen(), content=content)
    except Conflict as conflict:
        return _conflict(query, draft.id, conflict, form, number), 409
    except InvalidInput as refused:
        errors = [
            (error.pointer.rpartition("/")[2], price_words.refusal(error.code, error.detail))
            for error in refused.errors
        ]
        if form is not None:
            form.errors.extend(errors)
            return _charge_page(query, draft, number, form), 422
        names = {"clause": "klausul", "note": "merknad"}
        named = [(names.get(name), text) for name, text in errors]
        return _show(query, _examine(query, draft), named), 422
    flash(told)
    return redirect(_to(query, "show", draft))


def _decide(
    query: Query,
    draft: Draft,
    act: Callable[[Session], Draft],
    told: str | Callable[[Draft], str],
    examined: Review | None = None,
) -> Any:
    """Take a step in a short write of its own; where its consequence was told, the price book must be the one examined."""
    try:
        with db.write() as writing:
            book = locked_book(writing, draft.agreement_id)
            made = act(writing)
            if examined is not None:
                consequence = written(examined.consequence)
                as_shown = request.form.get("consequence", consequence) == consequence
                require_told(examined, book, as_shown=as_shown)
    except Refused as refused:
        db.session.rollback()
        return _approval_page(
            query, _examine(query, draft), effects.refused_sentences(refused, query.agreement.id)
        ), 409
    except Conflict as conflict:
        db.session.rollback()
        return _conflict(query, draft.id, conflict), 409
    except InvalidInput as refused:
        db.session.rollback()
        if any(error.pointer == "#/retroactive" for error in refused.errors):
            meant = _("Prices of days gone by would change: tick that this is meant.")
            return _approval_page(query, _examine(query, draft), [("retroactive", meant)]), 422
        flash(_("The check refuses the draft. Nothing was done."), "error")
        return redirect(_to(query, "show", draft))
    flash(told if isinstance(told, str) else told(made))
    return redirect(_to(query, "show", draft))


def _conflict(query: Query, draft_id: int, conflict: Conflict, form: ChargeForm | None = None, number: int = 0) -> str:
    """Show that somebody else was first: what is saved now beside what was sent, and what can be done."""
    newest = asked(price_drafts.find_draft, draft_id=draft_id)
    original = request.form.get("original", "")
    saved = next((each for each in newest.newest.content.charges if each.code == original), None)
    return _page(
        query,
        Review(newest, _book(query), ()),
        "billing/prices/conflict.html",
        conflict=conflict.code,
        mine=None if form is None else form.charge,
        saved=saved,
        sent=[
            (name, value) for name, value in request.form.items(multi=True) if name not in ("csrf_token", "revision")
        ],
        number=number,
        by=access.names_of(db.session, [newest.newest.by])[newest.newest.by],
    )


def _new_page(query: Query, values: MultiDict[str, str], errors: list[tuple[str | None, str]]) -> str:
    return query.page(
        "billing/prices/new.html",
        as_of=query.counted().through,
        version=None,
        asked=values,
        errors=errors,
    )


def _day(values: MultiDict[str, str], errors: list[tuple[str | None, str]]) -> date | None:
    try:
        return read_day(values.get("gjelder_fra", "").strip())
    except ValueError:
        errors.append(("gjelder_fra", price_words.refusal("not_a_date", "")))
        return None


def _next_year(query: Query) -> date:
    """Propose the next first of January: where a calendar year's counters start over, and most often what is meant."""
    return add_months(query.today.replace(month=1, day=1), 12)


def _text(name: str) -> str:
    return request.form.get(name, "").replace("\r\n", "\n").strip()


def _seen() -> int:
    text = request.form.get("revision", "")
    return int(text) if text.isdigit() and len(text) < 9 else 0


def _to(query: Query, endpoint: str, draft: Draft) -> str:
    return query.link(f"price_drafts.{endpoint}", code=query.agreement.code, draft_id=draft.id, agreement=None)
