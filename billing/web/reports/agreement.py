"""The agreement: parties, term, values, each term in a sentence, the price list, the options and the activations."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect

from billing.reports.agreement import agreement_overview
from billing.web import words
from billing.web.query import read_query, reads
from contracts.terms.price_model import UsageCharge
from contracts.web import layout
from contracts.web.guard import requires
from contracts.web.i18n import N_

blueprint = Blueprint("agreement", __name__)
layout.add_nav(blueprint, 20, N_("Agreement"), "agreement.index", visible=reads)


@blueprint.get("/avtaler")
@requires("read")
def index() -> Any:
    """List the agreements; with one there is nothing to choose."""
    query = read_query()
    return redirect(query.link("agreement.show", code=query.agreement.code, agreement=None))


@blueprint.get("/avtaler/<code>")
@requires("read")
def show(code: str) -> Any:
    """Show an agreement."""
    query = read_query(code=code)
    view = query.asked(agreement_overview, today=query.today, known_at=query.known_at)
    names = words.Names.of(view.holders, view.algorithms)
    return query.page(
        "billing/reports/agreement.html",
        as_of=view.data_until,
        version=view.version,
        view=view,
        names=names,
        scopes=words.scope_sentences(view.charges, names),
        terms=words.term_sentences(view.charges, view.book.index_adjustments, view.book.conventions, names),
        words=words,
        reads_all=query.actor.scope("read") is None,
        is_usage=lambda charge: isinstance(charge, UsageCharge),
    )
