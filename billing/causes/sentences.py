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

from billing.causes.codes import CAUSES
from billing.causes.declared import Code
from billing.causes.findings import Finding, Value
from billing.causes.templates import CREDITED, WORDS
from contracts.terms.money import format_amount, format_rate, format_unit_price
from contracts.terms.period import Period
from contracts.terms.written import Language

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
        text = plain(kind_of(code, name), value, language) if form is None else form(name, value, language)
        return _in_currency(text, params.get("currency"), kind_of(code, name), language)

    text = _filled(_template(code, params), params, language, write)
    if params.get("elsewhere") and (trust := params.get("counted_at")) is not None:
        at = write("counted_at", trust)
        text += (
            f" Tellingen ved {at} flytter beløpet her."
            if language == "nb"
            else f" The count at {at} moves the amount here."
        )
    if clause is not None:
        text = f"{text.removesuffix('.')} ({_named(clause, language)})."
    return text + _or_else(code, params.get("alternatives"), language)


def _or_else(code: Code, alternatives: Value, language: Language) -> str:
    """Tell what gives the same amounts, and what the vendor would have to show for one to be told from the other."""
    others = [each for each in alternatives if each in CAUSES] if isinstance(alternatives, tuple) else []
    if not others:
        return ""
    at = 0 if language == "nb" else 1
    causes = [CAUSES[each] for each in others]
    told_by = [each.told_apart_by for each in (CAUSES[code], *causes) if each.told_apart_by is not None]
    names = ", ".join(f"«{each.name[0]}»" if at == 0 else f"“{each.name[1]}”" for each in causes)
    shown = (" og " if at == 0 else " and ").join(dict.fromkeys(pair[at] for pair in told_by))
    if at == 0:
        return f" Beløpene passer like godt med {names}." + (f" Det som skiller dem, er {shown}." if shown else "")
    return f" The amounts fit {names} as well." + (f" What tells them apart is {shown}." if shown else "")


def _in_currency(text: str, currency: Value, kind: Kind, language: Language) -> str:
    """Name the currency that an amount is in, where it is not kroner."""
    if not isinstance(currency, str) or currency == "NOK" or kind not in ("amount", "price"):
        return text
    if language == "nb":
        return f"{text.removesuffix('kr').rstrip()} {currency}"
    return f"{currency} {text.removeprefix('NOK').lstrip()}"


def kind_of(code: Code, name: str) -> Kind:
    """Return what kind of value stands in a place of a code's sentences; a value that is a text is a word anywhere."""
    return "amount" if name == "amount" else _KINDS.get((code, name), "word")


def _kinds() -> dict[tuple[Code, str], Kind]:
    found: dict[tuple[Code, str], Kind] = {}
    for code, cause in CAUSES.items():
        for template in cause.sentences:
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
    templates = CAUSES[code].sentences
    for template in templates:
        places = [name for _, name, _, _ in string.Formatter().parse(template[0]) if name]
        if all(params.get(name) not in (None, "", ()) for name in (*places, *template[2:])):
            return template
    return templates[-1]


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


def shown_as(kind: str, value: Decimal) -> Decimal:
    """Round a value to what is worth reading: an amount to øre, all else to the six decimals that a price may have, half up."""
    if value == value.to_integral_value() and kind != "amount":
        return value
    return value.quantize(Decimal("0.01") if kind == "amount" else Decimal("0.000001"), "ROUND_HALF_UP")


def _number(kind: str, value: Decimal, language: Language) -> str:
    value = shown_as(kind, value)
    if kind in ("amount", "price"):
        digits = _pointed(format_amount(value) if kind == "amount" else format_unit_price(value), language)
        return f"{digits} kr" if language == "nb" else f"NOK {digits}"
    if kind == "share":
        digits = _pointed(format_rate(value * 100), language)
        return f"{digits} %" if language == "nb" else f"{digits}%"
    return _pointed(format_rate(value), language)


def _pointed(digits: str, language: Language) -> str:
    return digits.replace(".", ",") if language == "nb" else digits
