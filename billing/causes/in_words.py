"""A finding in the reader's words: its sentence with numbers written as every page and paper writes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billing.causes import Finding, Value
from billing.causes.sentences import Kind, kind_of, plain, said, shown_as
from contracts.papers.writing import Writing
from contracts.terms.period import Period, previous_day
from contracts.terms.written import Language


def in_words(finding: Finding, language: Language, write: Writing) -> str:
    """Give the sentence of a finding with its clause; numbers and days are written as the language has them."""

    def form(name: str, value: Value, told_in: Language) -> str:
        return _written(kind_of(finding.code, name), value, told_in, write)

    return said(finding, language, form)


def _written(kind: Kind, value: Value, language: Language, write: Writing) -> str:
    match value:
        case int() | Decimal():
            return _number(kind, value, language, write)
        case Period():
            return period_in_words(value, language, write)
        case date():
            return write.day(value, language)
    return plain(kind, value, language)


def _number(kind: Kind, value: int | Decimal, language: Language, write: Writing) -> str:
    value = shown_as(kind, Decimal(value))
    match kind:
        case "amount":
            return write.money(value, language)
        case "price":
            price = write.price(value, language)
            return f"{price} kr" if language == "nb" else f"NOK {price}"
        case "share":
            return write.percent_short(value, language)
        case "factor":
            return write.factor(value, language)
    return write.quantity(value, language)


def period_in_words(period: Period, language: Language, write: Writing) -> str:
    """Write a month or a quarter by its name, every other period by its first and last day."""
    if period == Period.month(period.start):
        return write.month(period.start, language)
    if period == Period.quarter(period.start):
        return write.quarter(period.start, language)
    return f"{write.day(period.start, language)}–{write.day(previous_day(period.end), language)}"


def label_in_words(label: str | None, language: Language, write: Writing) -> str:
    """Write a period's label (``2026-09``) as `period_in_words` does; a label that is none stays as it is."""
    if label is None:
        return ""
    try:
        return period_in_words(Period.parse(label), language, write)
    except ValueError:
        return label
