"""A figure as a page tells it: written for people, with its id and its exact value beside it.

One function writes every figure that has an id, so that whoever walks the pages finds the same id with the same value:
`<data data-figure="payable:2026-Q3" value="125050">1 250,50 kr</data>`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from flask import Flask
from markupsafe import Markup

from billing.figures import Figure, ceiling, plans, years
from contracts.web import formatting
from contracts.web.i18n import current_language


def register(app: Flask) -> None:
    """Give the templates `tell`, and the figures that they make of what a page is handed."""
    app.jinja_env.globals.update(
        tell=tell,
        told_plan=plans.told_plan,
        told_cover=plans.cover,
        told_live=plans.live,
        case_key=plans.case_key,
        told_committed=ceiling.committed,
        told_headroom=ceiling.headroom,
        told_year=years.year,
        told_budget=years.budget,
        told_change=years.change,
    )


def tell(figure: Figure, text: Any = None) -> Markup:
    """Write a figure: ``text`` where the page says it in other words, else the amount in kroner, the day or the word."""
    return Markup('<data data-figure="{}" value="{}">{}</data>').format(
        figure.id, figure.wire, _written(figure) if text is None else text
    )


def _written(figure: Figure) -> Any:
    language = current_language()
    if figure.value is None:
        return formatting.missing(language)
    if isinstance(figure.value, Decimal):
        return formatting.money(figure.value, language)
    return formatting.day(figure.value, language) if isinstance(figure.value, date) else figure.value
