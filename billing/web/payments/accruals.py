"""Accruals: what stands accrued at the end of a month, the vouchers that book it, and how their files are written."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import gettext as _

from billing.payments import accruals, allocation
from billing.payments.accruals import ACT, Accruals
from billing.payments.voucher_files import DATE_FORMS, DECIMAL_MARKS, Template, TemplateColumn
from billing.usage import metering
from billing.web import words
from billing.web.files import file_answer
from billing.web.payments import words as money_words
from billing.web.query import Query, read_query
from billing.web.tables import accrual_table
from contracts import agreements
from contracts.errors import Conflict, Finding, InvalidInput, NotFound
from contracts.extensions import db
from contracts.people import access
from contracts.terms.period import Period, add_months, previous_day
from contracts.web.exports import table_answer
from contracts.web.guard import requires
from contracts.web.i18n import N_

blueprint = Blueprint("accrual_pages", __name__)

MOST_MONTHS: Final = 24
DELIMITERS: Final = {"semicolon": ";", "comma": ",", "tab": "\t"}
DELIMITER_NAMES: Final = (("semicolon", N_("Semicolon")), ("comma", N_("Comma")), ("tab", N_("Tab")))
MARK_NAMES: Final = ((",", N_("Comma")), (".", N_("Point")))
DATE_NAMES: Final = (("iso", "2026-12-31"), ("norwegian", "31.12.2026"))


@blueprint.get("/avsetninger")
@requires("read")
def show() -> Any:
    """Show what stands accrued at the end of a month; without one, lead to the month of the newest usage."""
    query = read_query("maaned")
    allocation.require_reader(query.actor)
    if not query.values.get("maaned"):
        last = metering.last_day(db.session, query.agreement.id, query.known_at) or query.today
        day = min(max(last, query.agreement.term.start), previous_day(query.agreement.term.end))
        return redirect(query.link("accrual_pages.show", maaned=Period.month(day).label()))
    found = _found(query)
    vouchers = query.asked(accruals.list_vouchers, known_at=query.known_at)
    return query.page(
        "billing/payments/accruals/show.html",
        as_of=query.counted().through,
        version=None,
        found=found,
        sums=_by_trust(found),
        months=_months(query, found.month),
        vouchers=vouchers,
        people=access.names_of(db.session, {voucher.booked_by for voucher in vouchers}),
        may_book=query.actor.may(ACT) and query.actor.scope(ACT) is None and query.known_at is None,
        names=query.names(),
        words=words,
        money_words=money_words,
    )


@blueprint.get("/avsetninger.<table:suffix>")
@requires("read")
def export(suffix: str) -> Response:
    """Give what stands accrued as a file."""
    query = read_query("maaned")
    found = _found(query)
    return table_answer(suffix, f"avsetning-{found.month.label()}", accrual_table(found))


@blueprint.post("/avsetninger")
@requires(ACT)
def book() -> Any:
    """Book what stands accrued at the end of a month as the next voucher."""
    query = read_query(past=False)
    try:
        month = Period.month(Period.parse(request.form.get("maaned", "")).start)
    except ValueError:
        raise NotFound(_("There is no such month.")) from None
    booked = query.done(accruals.book, month=month, today=query.today)
    flash(_("Voucher %(n)s is booked.", n=booked.number))
    return redirect(query.link("accrual_pages.voucher", number=booked.number), 303)


@blueprint.get("/avsetninger/bilag/<int:number>")
@requires("read")
def voucher(number: int) -> Any:
    """Show a booked voucher."""
    query = read_query()
    found = query.asked(accruals.find_voucher, number=number, known_at=query.known_at)
    return query.page(
        "billing/payments/accruals/voucher.html",
        as_of=None,
        version=None,
        voucher=found,
        people=access.names_of(db.session, {found.booked_by}),
        names=query.names(),
        words=words,
        money_words=money_words,
    )


@blueprint.get("/avsetninger/bilag/<int:number>.csv")
@requires("read")
def voucher_file(number: int) -> Response:
    """Give a voucher as a file for an accounting system."""
    query = read_query()
    name, content = query.asked(accruals.voucher_file, number=number)
    return file_answer(content, "text/csv", name)


@blueprint.route("/avsetninger/mal", methods=["GET", "POST"])
@requires(ACT)
def template() -> Any:
    """Change how voucher files are written."""
    query = read_query(past=False)
    if request.method == "POST":
        agreements.lock_agreement(db.session, query.agreement.id)
    standing, row = accruals.template_in_force(db.session, query.agreement.id)
    if request.method == "GET":
        return _template_page(query, _typed(standing), row, [])
    typed = request.form.to_dict()
    if typed.get("row", "") != str(row or ""):
        raise Conflict(
            "changed_meanwhile", _("Somebody else changed it in the meantime. Open the page again and look.")
        )
    try:
        query.done(accruals.set_template, template=_template_of(typed))
    except InvalidInput as error:
        return _template_page(query, typed, row, money_words.mistakes(error.errors)), 422
    flash(_("Saved. Files of earlier vouchers are written by it too."))
    return redirect(query.link("accrual_pages.show"), 303)


def _template_page(query: Query, typed: dict[str, str], row: int | None, errors: list[tuple[str | None, str]]) -> str:
    return query.page(
        "billing/payments/accruals/template.html",
        as_of=None,
        version=None,
        typed=typed,
        row=row,
        errors=errors,
        fields=[(name, _(text)) for name, text in money_words.FIELDS.items()],
        delimiters=[(name, _(text)) for name, text in DELIMITER_NAMES],
        marks=[(mark, _(text)) for mark, text in MARK_NAMES],
        dates=DATE_NAMES,
    )


def _typed(standing: Template) -> dict[str, str]:
    return {
        "columns": "\n".join(f"{column.header} = {column.value}" for column in standing.columns),
        "delimiter": next(name for name, mark in DELIMITERS.items() if mark == standing.delimiter),
        "decimal_mark": standing.decimal_mark,
        "dates": standing.dates,
        "header": "yes" if standing.header else "no",
    }


def _template_of(typed: dict[str, str]) -> Template:
    rows = [row.partition("=") for row in typed.get("columns", "").splitlines() if row.strip()]
    if any(not sign or not value.strip() for _header, sign, value in rows):
        raise InvalidInput((Finding("#/columns", "no_value", "each row is a header, an equals sign and a field"),))
    return Template(
        tuple(TemplateColumn(header.strip(), value.strip()) for header, _sign, value in rows),
        DELIMITERS.get(typed.get("delimiter", ""), ""),
        typed.get("decimal_mark", "") if typed.get("decimal_mark") in DECIMAL_MARKS else "",
        typed.get("dates", "") if typed.get("dates") in DATE_FORMS else "",
        typed.get("header") == "yes",
    )


def _found(query: Query) -> Accruals:
    period = query.period("maaned")
    if period is None or period != Period.month(period.start):
        raise NotFound(_("There is no such month."))
    return query.asked(accruals.accruals, month=period, known_at=query.known_at)


def _by_trust(found: Accruals) -> list[tuple[str, Any, Any, Any]]:
    """Add the months up by trust: expected, invoiced, accrued."""
    trusts = sorted({each.trust for each in found.months})
    return [
        (
            trust,
            sum((each.expected for each in found.months if each.trust == trust), accruals.ZERO),
            sum((each.invoiced or accruals.ZERO for each in found.months if each.trust == trust), accruals.ZERO),
            sum((each.accrued for each in found.months if each.trust == trust), accruals.ZERO),
        )
        for trust in trusts
    ]


def _months(query: Query, shown: Period) -> list[tuple[str, str]]:
    term = query.agreement.term
    start = Period.month(min(max(query.today, term.start), previous_day(term.end))).start
    offered: list[Period] = []
    while start >= Period.month(term.start).start and len(offered) < MOST_MONTHS:
        offered.append(Period.month(start))
        start = add_months(start, -1)
    if shown not in offered:
        offered.append(shown)
    return [(each.label(), words.period_text(each.start, each.end)) for each in offered]
