"""The one formatter: numbers, money and dates as people in Norway and their English readers write them.

Every figure that a person reads, in a page, a chart's label, a table or a document, goes through here, so the same amount
reads identically everywhere. Babel gives the names of months; the rest is our own, because Babel writes the minus as a
hyphen, puts `kr` before a compact amount and glues `NOK` to the digits.

All functions are pure, take `Decimal` or `int` (never a float) and the locale, `nb` or `en`, and round half up, away from
zero. Spaces inside a figure are no-break spaces (U+00A0), the minus is U+2212.

>>> money(Decimal("-99.5"), "nb").replace(NBSP, "_")
'−99,50_kr'
>>> money_large(Decimal("12345678"), "en").replace(NBSP, "_")
'NOK_12.3_million'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from babel.dates import get_month_names
from flask import Flask
from jinja2 import pass_context
from markupsafe import Markup, escape

NBSP: Final = "\u00a0"
MINUS: Final = "\u2212"
EN_DASH: Final = "\u2013"
OSLO: Final = ZoneInfo("Europe/Oslo")

_GROUP: Final = {"nb": NBSP, "en": ","}
_POINT: Final = {"nb": ",", "en": "."}
_MILLION: Final = {"nb": "mill.", "en": "million"}
_BILLION: Final = {"nb": "mrd.", "en": "billion"}
_BABEL: Final = {"nb": "nb_NO", "en": "en_GB"}


def _exact(value: Decimal | int | str) -> Decimal:
    if isinstance(value, float):
        raise TypeError("a float has no exact decimals; pass Decimal, int or the text of a decimal")
    return Decimal(value)


def number(value: Decimal | int | str, locale: str, decimals: int = 0) -> str:
    """Write a number with `decimals` digits after the point, grouped by thousands.

    Rounds half up. A value that rounds to zero has no minus.
    """
    exact = _exact(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    digits = f"{abs(exact):,f}"
    whole, _, fraction = digits.partition(".")
    text = whole.replace(",", _GROUP[locale])
    if fraction:
        text += _POINT[locale] + fraction
    return MINUS + text if exact < 0 else text


def amount(value: Decimal | int | str, locale: str, decimals: int = 2) -> str:
    """Write an amount for a table whose header carries the unit: `1 234 567,50`."""
    return number(value, locale, decimals)


def money(value: Decimal | int | str, locale: str, decimals: int = 2) -> str:
    """Write an amount in running text: `1 234 567,50 kr`, in English `NOK 1,234,567.50`."""
    return _with_currency(number(value, locale, decimals), locale)


def money_whole(value: Decimal | int | str, locale: str) -> str:
    """Write an amount in whole kroner, rounded half up: `1 234 568 kr`."""
    return money(value, locale, decimals=0)


def money_large(value: Decimal | int | str, locale: str) -> str:
    """Write a large amount in millions or billions with one decimal; below a million in whole kroner.

    The unit is chosen after rounding, so 999 999 500 is `1,0 mrd. kr` and never `1 000,0 mill. kr`.
    """
    exact = _exact(value)
    size = abs(exact)
    if size < 1_000_000:
        return money_whole(exact, locale)
    if (size / 1_000_000).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP) < 1000:
        return _with_currency(number(exact / 1_000_000, locale, 1) + NBSP + _MILLION[locale], locale)
    return _with_currency(number(exact / 1_000_000_000, locale, 1) + NBSP + _BILLION[locale], locale)


def millions(value: Decimal | int | str, locale: str, decimals: int = 1) -> str:
    """Write an amount as a bare number of millions, for an axis whose title carries the unit."""
    return number(_exact(value) / 1_000_000, locale, decimals)


def _with_currency(text: str, locale: str) -> str:
    if locale == "nb":
        return f"{text}{NBSP}kr"
    sign, digits = (MINUS, text[1:]) if text.startswith(MINUS) else ("", text)
    return f"{sign}NOK{NBSP}{digits}"


def price(value: Decimal | int | str, locale: str) -> str:
    """Write a unit price for a table: the stored precision, at least two decimals, never rounded."""
    exact = _exact(value).normalize()
    exponent = exact.as_tuple().exponent
    assert isinstance(exponent, int), "a price is a finite number"
    return number(exact, locale, decimals=max(2, -exponent))


def unit_price(value: Decimal | int | str, locale: str, unit: str = "") -> str:
    """Write a unit price in running text: `12,4375 kr per undersøkelse`. `unit` is already in the reader's language."""
    text = _with_currency(price(value, locale), locale)
    return f"{text} per {unit}" if unit else text


def quantity(value: Decimal | int | str, locale: str) -> str:
    """Write a count of examinations: whole, grouped."""
    return number(value, locale, 0)


def percent(share: Decimal | int | str, locale: str, decimals: int = 1) -> str:
    """Write a share (0.123 is 12.3 per cent): `12,3 %`, in English `12.3%`."""
    text = number(_exact(share) * 100, locale, decimals)
    return f"{text}{NBSP}%" if locale == "nb" else f"{text}%"


def percent_short(share: Decimal | int | str, locale: str) -> str:
    """Write a share without superfluous decimals: `50 %`, `12,5 %`."""
    hundredfold = (_exact(share) * 100).normalize()
    exponent = hundredfold.as_tuple().exponent
    assert isinstance(exponent, int), "a share is a finite number"
    return percent(share, locale, decimals=max(0, -exponent))


def factor(value: Decimal | int | str, locale: str) -> str:
    """Write a dimensionless factor, such as an index factor, with all its stored decimals: `1,0325`."""
    return price(value, locale)


def day(value: date | str, locale: str) -> str:
    """Write a date for a table: `07.03.2026`, in English `7 March 2026`. Text is an ISO date."""
    on = _date(value)
    return f"{on:%d.%m.%Y}" if locale == "nb" else day_long(on, locale)


def day_long(value: date | str, locale: str) -> str:
    """Write a date in running text: `7. mars 2026`, in English `7 March 2026`."""
    on = _date(value)
    dot = "." if locale == "nb" else ""
    return f"{on.day}{dot}{NBSP}{_month_name(on.month, locale, 'wide')} {on.year}"


def clock(value: datetime, locale: str) -> str:
    """Write a time of day in Europe/Oslo: `kl. 14.05`, in English `14:05`. The moment must be aware."""
    local = _aware(value).astimezone(OSLO)
    return f"kl.{NBSP}{local:%H.%M}" if locale == "nb" else f"{local:%H:%M}"


def moment(value: datetime, locale: str) -> str:
    """Write a moment as date and time in Europe/Oslo: `24.11.2026 kl. 10.12`. The moment must be aware."""
    return f"{day(_aware(value).astimezone(OSLO).date(), locale)} {clock(value, locale)}"


def month(value: date | str, locale: str) -> str:
    """Write a month: `september 2026`. Text is `2026-09` or an ISO date."""
    on = _date(value)
    return f"{_month_name(on.month, locale, 'wide')} {on.year}"


def month_short(value: date | str, locale: str) -> str:
    """Write a month for an axis or a narrow column: `sep. 2026`, in English `Sept 2026`."""
    on = _date(value)
    return f"{_month_name(on.month, locale, 'abbreviated')} {on.year}"


def quarter(value: date | str, locale: str) -> str:
    """Write a quarter in full: `3. kvartal 2026`, in English `Q3 2026`. Text is `2026-Q3`, `2026-K3` or an ISO date."""
    year, number_ = _quarter(value)
    return f"{number_}.{NBSP}kvartal {year}" if locale == "nb" else f"Q{number_}{NBSP}{year}"


def quarter_short(value: date | str, locale: str) -> str:
    """Write a quarter for an axis or a narrow column: `K3 2026`, in English `Q3 2026`."""
    year, number_ = _quarter(value)
    return f"{'K' if locale == 'nb' else 'Q'}{number_}{NBSP}{year}"


def period(first: date, until: date, locale: str) -> str:
    """Write the half-open period [first, until) by its first and last day: `01.01.2026–31.03.2026`."""
    last = date.fromordinal(until.toordinal() - 1)
    gap = "" if locale == "nb" else " "
    return f"{day(first, locale)}{gap}{EN_DASH}{gap}{day(last, locale)}"


def tier_range(first: int, last: int | None, locale: str) -> str:
    """Write the units a tier covers, `first` to `last` as the rating counts them, both included (`None`: open).

    `1–10 000`, `10 001–50 000`, `over 50 000`; one open tier from the first unit is `fra 1`; a tier that no unit falls
    in is `ingen`.
    """
    if last is None:
        if first == 1:
            return f"fra{NBSP}1" if locale == "nb" else f"from{NBSP}1"
        return f"over{NBSP}{quantity(first - 1, locale)}"
    if last < first:
        return "ingen" if locale == "nb" else "none"
    if last == first:
        return quantity(last, locale)
    return f"{quantity(first, locale)}{EN_DASH}{quantity(last, locale)}"


def org_number(value: str, locale: str = "nb") -> str:
    """Write a Norwegian organisation number in groups of three: `940 155 223`. Other text is left as it is."""
    return NBSP.join((value[0:3], value[3:6], value[6:9])) if re.fullmatch(r"\d{9}", value) else value


def missing(locale: str) -> str:
    """Write that a fact is unknown. Zero is `0` and not-applicable is a dash: three different things."""
    return "mangler" if locale == "nb" else "missing"


def not_applicable(locale: str) -> Markup:
    """Write that a fact does not apply here: a dash with words for those who listen."""
    words = "ikke aktuelt" if locale == "nb" else "not applicable"
    return Markup('<span aria-hidden="true">{}</span><span class="ds-sr-only">{}</span>').format(EN_DASH, words)


def _month_name(month_number: int, locale: str, width: Literal["wide", "abbreviated"]) -> str:
    name = str(get_month_names(width, context="format", locale=_BABEL[locale])[month_number])
    return name.replace(" ", NBSP)


def _date(value: date | str) -> date:
    if isinstance(value, datetime):
        raise TypeError("a moment is not a date: convert it to a day in Europe/Oslo first")
    if isinstance(value, date):
        return value
    return date.fromisoformat(f"{value}-01" if re.fullmatch(r"\d{4}-\d{2}", value) else value)


def _quarter(value: date | str) -> tuple[int, int]:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d{4})-[QK]([1-4])", value)):
        return int(match[1]), int(match[2])
    on = _date(value)
    return on.year, (on.month - 1) // 3 + 1


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise TypeError("a moment without a zone cannot be shown")
    return value


FILTERS: Final[dict[str, Callable[..., str]]] = {
    "number": number,
    "amount": amount,
    "money": money,
    "money_whole": money_whole,
    "money_large": money_large,
    "price": price,
    "unit_price": unit_price,
    "qty": quantity,
    "pct": percent,
    "pct_short": percent_short,
    "factor": factor,
    "day": day,
    "day_long": day_long,
    "clock": clock,
    "moment": moment,
    "month": month,
    "month_short": month_short,
    "quarter": quarter,
    "quarter_short": quarter_short,
    "org_number": org_number,
}


def register(app: Flask) -> None:
    """Give the templates every formatter as a filter in the reader's language; `None` is written as missing."""
    from contracts.web.i18n import current_language

    def in_reader_language(write: Callable[..., str]) -> Callable[..., str]:
        # The context argument keeps Jinja from writing a constant once, in the first reader's language, for all.
        @pass_context
        def filter_(_context: Any, value: Any, *args: Any, **options: Any) -> str:
            language = current_language()
            if value is None:
                return missing(language)
            return write(value, language, *args, **options)

        return filter_

    for name, write in FILTERS.items():
        app.jinja_env.filters[name] = in_reader_language(write)
    app.jinja_env.globals.update(
        tier_range=lambda first, last: tier_range(first, last, current_language()),
        period_text=lambda first, until: period(first, until, current_language()),
        not_applicable=lambda: not_applicable(current_language()),
        missing=lambda: escape(missing(current_language())),
    )
