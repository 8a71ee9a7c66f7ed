"""A finding put into one sentence, in Norwegian or English: the numbers are in it, the judgement is the reader's.

A code has several templates (`templates`), for what is known of a finding differs; the first one is used whose places all have
a value, and the last one needs none. Whoever shows a sentence formats what stands in it: `sentence` takes a formatter for that,
which is given the place's name (`kind_of` says what kind of value stands there), and writes plainly without one.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Literal, cast

from billing.causes.codes import Code
from billing.causes.findings import Finding, Value
from billing.causes.templates import CREDITED, TEMPLATES, WORDS
from contracts.terms.money import format_amount, format_rate, format_unit_price
from contracts.terms.period import Period

Language = Literal["nb", "en"]
Kind = Literal["word", "amount", "price", "count", "share", "factor", "day"]
Formatter = Callable[[str, Value, Language], str]

_TOO = {"nb": ("for mye", "for lite"), "en": ("too much", "too little")}
_MONTHS = {"nb": ("måned", "måneder"), "en": ("month", "months")}


def said(finding: Finding, language: Language, form: Formatter | None = None) -> str:
    """Write the sentence of a finding, with its clause."""
    return sentence(finding.code, {"amount": finding.amount, **finding.params}, language, form, finding.clause)


def sentence(
    code: Code, params: dict[str, Value], language: Language, form: Formatter | None = None, clause: str | None = None
) -> str:
    """Write the sentence of a code with what is known; `form` formats a value, given the name of its place.

    >>> sentence("QTY_DIFF", {"billed": 1204, "own": 1180}, "en", clause="7.1")
    'The vendor billed 1204 examinations, we counted 1180 (clause 7.1).'
    """

    def write(name: str, value: Value) -> str:
        return plain(kind_of(code, name), value, language) if form is None else form(name, value, language)

    text = _filled(_template(code, params), params, language, write)
    if params.get("elsewhere") and (trust := params.get("counted_at")) is not None:
        at = write("counted_at", trust)
        text += (
            f" Tellingen ved {at} flytter beløpet her."
            if language == "nb"
            else f" The count at {at} moves the amount here."
        )
    return text if clause is None else f"{text.removesuffix('.')} ({_named(clause, language)})."


def kind_of(code: Code, name: str) -> Kind:
    """Return what kind of value stands in a place of a code's sentences; a value that is a text is a word anywhere."""
    return "amount" if name == "amount" else _KINDS.get((code, name), "word")


def _kinds() -> dict[tuple[Code, str], Kind]:
    found: dict[tuple[Code, str], Kind] = {}
    for code, templates in TEMPLATES.items():
        for template in templates:
            for _, name, spec, _ in string.Formatter().parse(template[0]):
                if name and spec:
                    kind = {"off": "amount", "months": "count"}.get(spec, spec)
                    found[code, name] = cast(Kind, kind)
    return found


_KINDS = _kinds()


def _named(clause: str, language: Language) -> str:
    """Name a clause: a number is that of a clause, a word ("Bilag 7") names itself."""
    return clause if not clause[:1].isdigit() else f"{'punkt' if language == 'nb' else 'clause'} {clause}"


def _template(code: Code, params: dict[str, Value]) -> tuple[str, ...]:
    if params.get("credit") is not None and code not in ("CREDIT_PENDING", "CREDIT_WRONG"):
        return CREDITED
    for template in TEMPLATES[code]:
        places = [name for _, name, _, _ in string.Formatter().parse(template[0]) if name]
        if all(params.get(name) not in (None, "", ()) for name in (*places, *template[2:])):
            return template
    return TEMPLATES[code][-1]


def _filled(
    template: tuple[str, ...], params: dict[str, Value], language: Language, write: Callable[[str, Value], str]
) -> str:
    parts = []
    for words, name, spec, _ in string.Formatter().parse(template[0 if language == "nb" else 1]):
        parts.append(words)
        if not name:
            continue
        value = params[name]
        if spec == "off":
            assert isinstance(value, Decimal)
            parts.append(f"{write(name, abs(value))} {_TOO[language][value < 0]}")
        elif spec == "months":
            parts.append(f"{write(name, value)} {_MONTHS[language][value != 1]}")
        else:
            parts.append(write(name, value))
    text = "".join(parts)
    return text[:1].upper() + text[1:]


def plain(kind: str, value: Value, language: Language) -> str:
    """Write a value plainly: no grouping, the decimal point of the language, dates as 01.07.2026 or in ISO."""
    match value:
        case tuple():
            return ", ".join(value)
        case Period():
            return value.label()
        case date():
            return f"{value:%d.%m.%Y}" if language == "nb" else value.isoformat()
        case int() | Decimal():
            return _number(kind, Decimal(value), language)
        case None:
            return "–"
    pair = WORDS.get(value)
    return value if pair is None else pair[0 if language == "nb" else 1]


def _number(kind: str, value: Decimal, language: Language) -> str:
    if kind in ("amount", "price"):
        digits = _pointed(format_amount(value) if kind == "amount" else format_unit_price(value), language)
        return f"{digits} kr" if language == "nb" else f"NOK {digits}"
    if kind == "share":
        digits = _pointed(format_rate(value * 100), language)
        return f"{digits} %" if language == "nb" else f"{digits}%"
    return _pointed(format_rate(value), language)


def _pointed(digits: str, language: Language) -> str:
    return digits.replace(".", ",") if language == "nb" else digits
