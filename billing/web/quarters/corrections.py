"""Corrections: the list, one with its evidence, and the form that records one."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import gettext as _

from billing.quarters import corrections
from billing.quarters.corrections import Evidence
from billing.web import words
from billing.web.query import Query, read_query
from billing.web.usage import words as usage_words
from contracts import agreements, documents
from contracts.errors import Finding, InvalidInput, NotFound
from contracts.extensions import db
from contracts.terms.written import read_day
from contracts.web import formatting
from contracts.web.guard import requires
from contracts.web.i18n import current_language

blueprint = Blueprint("correction_pages", __name__)

FIELDS = {
    "#/trust": "hf",
    "#/algorithm": "alg",
    "#/on": "dato",
    "#/change": "endring",
    "#/reason_code": "kode",
    "#/reason": "begrunnelse",
    "#/title": "tittel",
    "#/file": "bilag",
}
_WHOLE = re.compile(r"[-−+]?[0-9]{1,9}", re.ASCII)


@blueprint.get("/volum/korreksjoner")
@requires("read")
def index() -> Any:
    """List the corrections, newest first."""
    query = read_query("periode", "hf")
    trust = query.values.get("hf") or None
    period = query.period()
    listed = query.asked(corrections.list_corrections, period=period, trust=trust, known_at=query.known_at)
    return _page(
        query,
        "billing/usage/corrections.html",
        listed=listed,
        period=period,
        trust=trust,
        may_correct=query.actor.may("usage.correct"),
    )


@blueprint.get("/volum/korreksjoner/<int:correction_id>")
@requires("read")
def show(correction_id: int) -> Any:
    """Show one correction with its evidence."""
    query = read_query()
    found = query.asked(corrections.find_correction, correction_id=correction_id, known_at=query.known_at)
    return _page(query, "billing/usage/correction.html", found=found)


@blueprint.get("/volum/korreksjoner/ny")
@requires("usage.correct")
def form() -> Any:
    """Ask what to correct and why."""
    query = read_query("hf", "alg", "dato")
    values = {name: query.values.get(name, "") for name in ("hf", "alg", "dato")}
    return _form(query, values)


@blueprint.post("/volum/korreksjoner/ny")
@requires("usage.correct")
def record() -> Any:
    """Record a correction with its evidence, or say what is wrong with it; then nothing is recorded."""
    query = read_query()
    values = {name: request.form.get(name, "").strip() for name in set(FIELDS.values()) - {"bilag"}}
    file = request.files.get("bilag")
    on, change, findings = _read(values)
    content = file.read() if file is not None and file.filename else None
    if content is None:
        findings.append(Finding("#/file", "no_file", "evidence is needed"))
    trust, algorithm = _place(values)
    if not (trust and algorithm):
        findings.append(Finding("#/algorithm", "no_cell", "choose a trust and an algorithm"))
    if findings or on is None or change is None or content is None or file is None:
        return _form(query, values, usage_words.mistakes(findings, FIELDS)), 422
    try:
        made = query.done(
            corrections.record_correction,
            trust=trust,
            algorithm=algorithm,
            on=on,
            change=change,
            reason_code=values["kode"],
            reason=values["begrunnelse"],
            evidence=Evidence(values["tittel"], _plain_name(file.filename or ""), content),
        )
    except InvalidInput as error:
        return _form(query, values, usage_words.mistakes(error.errors, FIELDS)), 422
    except NotFound:
        return _form(
            query, values, usage_words.mistakes([Finding("#/algorithm", "no_cell", "not active")], FIELDS)
        ), 422
    flash(
        _(
            "The correction is recorded. It changes the expected charges by %(amount)s.",
            amount=formatting.money(made.effect, current_language()),
        )
    )
    return redirect(query.link("correction_pages.show", correction_id=made.id), 303)


@blueprint.get("/dokumenter/<int:document_id>/<int:number>")
@requires("read")
def evidence(document_id: int, number: int) -> Response:
    """Give a document's version as it came, to be saved."""
    query = read_query()
    version, content = documents.version_bytes(
        db.session, document_id, number, actor=query.actor, known_at=query.known_at
    )
    answer = Response(content, mimetype="application/octet-stream")
    answer.headers.set("Content-Disposition", "attachment", filename=version.filename)
    return answer


def _form(query: Query, values: dict[str, str], errors: list[Any] | None = None) -> str:
    scope = query.actor.scope("usage.correct")
    places = sorted(
        {
            (row.trust, row.trust_name, row.algorithm)
            for row in agreements.activations(db.session, query.agreement.id)
            if scope in (None, row.trust)
        },
        key=lambda place: (place[1], place[2]),
    )
    place = "/".join(_place(values)) if values.get("alg") else ""
    return _page(query, "billing/usage/correct.html", values=values, places=places, place=place, errors=errors or [])


def _page(query: Query, template: str, **values: Any) -> str:
    return query.page(
        template,
        as_of=query.counted().through,
        version=None,
        holders=query.readable_holders(),
        names=query.names(),
        words=words,
        usage_words=usage_words,
        **values,
    )


def _place(values: dict[str, str]) -> tuple[str, str]:
    """Read the trust and the algorithm: of one choice `trust/algorithm`, or of an address that names both."""
    trust, slash, algorithm = values["alg"].partition("/")
    return (trust, algorithm) if slash else (values.get("hf", ""), values["alg"])


def _read(values: dict[str, str]) -> tuple[date | None, int | None, list[Finding]]:
    findings = []
    on, change = None, None
    try:
        on = read_day(values["dato"])
    except ValueError:
        findings.append(Finding("#/on", "not_a_date", "not a date"))
    if _WHOLE.fullmatch(values["endring"]):
        change = int(values["endring"].replace("−", "-"))
    else:
        findings.append(Finding("#/change", "not_whole", "not a whole number"))
    if not values["kode"]:
        findings.append(Finding("#/reason_code", "unknown_reason", "no reason"))
    if not values["begrunnelse"]:
        findings.append(Finding("#/reason", "missing", "no sentence"))
    if not values["tittel"]:
        findings.append(Finding("#/title", "missing", "no title"))
    return on, change, findings


def _plain_name(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable())[-200:]
