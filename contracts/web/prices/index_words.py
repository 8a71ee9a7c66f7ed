"""Index adjustment in words: a clause as sentences, a computation as a formula, what stands in the way and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from contracts.terms.indexation import IndexClause, Obstacle
from contracts.web import formatting
from contracts.web.i18n import N_, current_language

STATES = {
    "requested": (N_("Requested"), "info"),
    "approved": (N_("Approved"), "success"),
    "declined": (N_("Declined"), "neutral"),
    "lapsed": (N_("Lapsed"), "danger"),
}
READINGS = {"twelve_month": N_("Twelve-month change"), "annual": N_("Annual change")}
READINGS_EXPLAINED = {
    "twelve_month": N_("One month, or the average of a few, against the same of a year before or of the base month."),
    "annual": N_("The average of a whole calendar year against the average of an earlier one."),
}

# What is wrong with a form or a file, by the finding's code.
FINDINGS = {
    "missing": N_("This must be filled in."),
    "null": N_("This must be filled in."),
    "empty": N_("This must be filled in."),
    "too_long": N_("The text is too long."),
    "not_a_date": N_("Write a date like 2027-01-01."),
    "out_of_range": N_("The number is outside what can be meant."),
    "not_a_decimal": N_("Write a number, like 85 or 2.5."),
    "too_many_decimals": N_("The number has too many decimals."),
    "not_an_integer": N_("Write a whole number."),
    "invalid_choice": N_("Choose one of the alternatives."),
    "floor_above_cap": N_("The floor is above the cap."),
    "cap_below_zero": N_("Where prices never fall the cap is not below zero."),
    "annual_averages_years": N_(
        "The annual change averages whole years; an average of months belongs to the other reading."
    ),
    "not_a_month": N_("A month is expected, such as 2025-01."),
    "not_first_of_month": N_("A month is expected, such as 2025-01."),
    "not_a_base_year": N_("The base year is expected as four digits, such as 2015."),
    "base_year_differs": N_("The file says another base year than you do."),
    "base_years_differ": N_("The file names several base years for the same index."),
    "table_differs": N_("The file says another table than you do."),
    "no_table": N_("The file does not name its table: say which it is."),
    "no_base_year": N_("The file does not say in which year the index stands at 100: say it."),
    "not_a_value": N_("An index value is a plain number with a decimal point and at most four decimals."),
    "not_positive": N_("An index value is above zero."),
    "value_differs": N_("Another value is recorded as retrieved on the same day."),
    "month_not_over": N_("The month was not over on the day of retrieval."),
    "in_future": N_("Values are retrieved today or earlier."),
    "twice": N_("The same month stands twice."),
    "unknown_header": N_("The first line is not one of the two headers that are read."),
    "wrong_width": N_("The line has more or fewer columns than the header."),
    "not_utf8": N_("The file is not UTF-8 text."),
    "not_json": N_("The file is neither JSON nor CSV that can be read."),
    "no_values": N_("The file holds no index value."),
    "too_large": N_("The file is too large."),
    "retroactive": N_("Prices of days gone by would change: tick that this is meant."),
}

_OBSTACLES: Mapping[str, str] = {
    "before_first_date": N_("Prices may be adjusted from %(first)s at the earliest."),
    "too_soon": N_("The last adjustment took effect on %(last)s; the next may from %(earliest)s at the earliest."),
    "outside_term": N_("The agreement runs from %(start)s and ends before %(end)s."),
    "in_the_book": N_("The price book holds an adjustment from %(effective_from)s already."),
    "nothing_to_compare": N_("The compared month, %(current)s, does not follow the base month, %(base)s."),
    "values_missing": N_("There is no index value for %(months)s. Import it first."),
    "base_years_differ": N_(
        "%(base)s and %(current)s are known in different base years only (%(base_years)s). A ratio across base years is "
        "never taken: import both months in one base year."
    ),
}
_ALREADY = {
    "requested": N_("A request for %(effective_from)s is recorded and waits for approval."),
    "approved": N_("A request for %(effective_from)s is recorded and approved."),
    "lapsed": N_("A request for %(effective_from)s is recorded and has lapsed."),
}
_WARNINGS: Mapping[str, str] = {
    "retroactive": N_("%(effective_from)s lies in the past: approving changes the prices of days gone by."),
    "version_begins": N_(
        "A version of the price book begins on %(effective_from)s. It stands at its own level, so this factor would touch "
        "none of its prices."
    ),
    "level_moved": N_(
        "Prices got a new level on %(day)s, after the base month's. Check that the clause's base month is still right."
    ),
}


def month_name(number: int) -> str:
    """Give a calendar month's name."""
    return formatting.month(date(2024, number, 1), current_language()).split()[0]


def clause_sentences(clause: IndexClause) -> list[str]:
    """Say a clause in a few sentences."""
    language = current_language()

    def percent(share: Decimal) -> str:
        return formatting.percent_short(share, language)

    told = [_reading(clause, language)]
    if clause.share == 1:
        told.append(_("The whole change counts."))
    else:
        told.append(_("Of the change, %(share)s counts.", share=percent(clause.share)))
    limits: list[tuple[Decimal | None, str, str]] = [
        (clause.cap, N_("The price changes by %(limit)s at most."), N_("The index's change counts up to %(limit)s.")),
        (
            clause.floor,
            N_("The price changes by %(limit)s at least."),
            N_("The index's change counts as %(limit)s at least."),
        ),
    ]
    for limit, on_price, on_index in limits:
        if limit is not None:
            sentence = on_price if clause.limits_on == "price_change" else on_index
            told.append(_(sentence, limit=percent(limit)))
    told.append(_("Prices may fall too.") if clause.symmetric else _("Prices never fall."))
    told.append(
        _(
            "It may take effect on %(day)s for the first time, then twelve months apart at the least.",
            day=formatting.day(clause.first_effective, language),
        )
    )
    if clause.notice_unit == "months":
        told.append(
            ngettext(
                "A request must be made at least %(num)d month before; a later one lapses.",
                "A request must be made at least %(num)d months before; a later one lapses.",
                clause.notice,
            )
        )
    else:
        told.append(
            ngettext(
                "A request must be made at least %(num)d day before; a later one lapses.",
                "A request must be made at least %(num)d days before; a later one lapses.",
                clause.notice,
            )
        )
    return told


def _reading(clause: IndexClause, language: str) -> str:
    base = None if clause.base_month is None else formatting.month(clause.base_month, language)
    month = month_name(clause.comparison_month)
    if clause.reading == "annual":
        if clause.base_month is None:
            return _("The average of the last calendar year that was over by %(month)s is compared with the average of the year before.", month=month)  # fmt: skip
        return _("The average of the last calendar year that was over by %(month)s is compared with that of %(year)s, later with the year at which the last adjustment ended.", month=month, year=str(clause.base_month.year))  # fmt: skip
    if clause.average_months > 1:
        if base is None:
            return _("The average of the %(n)s months up to and including %(month)s is compared with that of the same months a year before.", n=clause.average_months, month=month)  # fmt: skip
        return _("The average of the %(n)s months up to and including %(month)s is compared with that of the months up to %(base)s, later with where the last adjustment ended.", n=clause.average_months, month=month, base=base)  # fmt: skip
    if base is None:
        return _("The index of %(month)s is compared with that of the same month a year before.", month=month)
    return _("The index of %(month)s is compared with that of %(base)s, later with the month at which the last adjustment ended.", month=month, base=base)  # fmt: skip


def formula(clause: IndexClause, base: Decimal, current: Decimal, limited: str | None, exact: Decimal) -> str:
    """Write how the exact factor comes about, with the numbers in it."""
    language = current_language()
    share = "" if clause.share == 1 else f"{plain(clause.share, language)} × "
    if limited is None:
        left = f"1 + {share}({plain(current, language)} ÷ {plain(base, language)} − 1)"
    elif limited == "not_below_zero":
        left = "1 + 0"
    else:
        limit = clause.cap if limited == "cap" else clause.floor
        assert limit is not None
        left = f"1 + {share if clause.limits_on == 'index_change' else ''}{plain(limit, language)}"
    return f"{left} = {plain(exact, language)}"


def limit_sentence(clause: IndexClause, limited: str | None) -> str | None:
    """Say what held the change, ``None`` where nothing did."""
    language = current_language()
    if limited == "not_below_zero":
        return _("The change is below zero, and prices never fall: it counts as nothing.")
    if limited == "cap" and clause.cap is not None:
        return _("The change is above the cap: %(limit)s counts.", limit=formatting.percent_short(clause.cap, language))
    if limited == "floor" and clause.floor is not None:
        return _(
            "The change is below the floor: %(limit)s counts.", limit=formatting.percent_short(clause.floor, language)
        )
    return None


def plain(value: Decimal, language: str) -> str:
    """Write a number with the decimals it needs."""
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return formatting.number(value, language, max(0, -exponent))


def short(value: Decimal, language: str) -> str:
    """Write a number with the decimals it needs, four at most: for comparing with the eye."""
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return formatting.number(value, language, min(4, max(0, -exponent)))


def months_text(months: tuple[date, ...]) -> str:
    """Write one month, a whole year, or the first and last of several."""
    language = current_language()
    if len(months) == 12 and months[0].month == 1:
        return _("the year %(year)s", year=str(months[0].year))
    if len(months) == 1:
        return formatting.month(months[0], language)
    return _(
        "%(first)s to %(last)s",
        first=formatting.month(months[0], language),
        last=formatting.month(months[-1], language),
    )


def obstacle_text(obstacle: Obstacle) -> str:
    """Say what stands in the way."""
    if obstacle.code == "already":
        sentence = _ALREADY[obstacle.params["state"]]
        return _(sentence, **_readable(obstacle.params))
    return _(_OBSTACLES[obstacle.code], **_readable(obstacle.params))


def warning_text(warning: Obstacle) -> str:
    """Say what is worth a second look."""
    return _(_WARNINGS[warning.code], **_readable(warning.params))


def finding_text(code: str, detail: str) -> str:
    """Say what is wrong in the reader's language; a code that has no words here keeps its English detail."""
    return _(FINDINGS[code]) if code in FINDINGS else detail


def _readable(params: Mapping[str, str]) -> dict[str, str]:
    """Write dates and months of a parameter as the reader does."""
    language = current_language()
    written: dict[str, str] = {}
    for name, value in params.items():
        writers: dict[int, Callable[[Any, str], str]] = {10: formatting.day, 7: formatting.month}
        if name == "months":
            listed = value.split(", ")
            shown = ", ".join(formatting.month(month, language) for month in listed[:6])
            more = len(listed) - 6
            written[name] = shown if more <= 0 else _("%(listed)s and %(n)s more", listed=shown, n=more)
        elif name in ("base_years", "state"):
            written[name] = value
        else:
            written[name] = writers[len(value)](value, language)
    return written
