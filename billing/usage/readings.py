"""Readings: how one source writes its columns, numbers, dates and times. Chosen by a person, never guessed.

Everything is read to one plain form: ISO days and months, digits without separators, instants with an offset. A value
that a format cannot read whole is an error; `1.234` is 1 234 under one format and no whole number under another.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Kind = Literal["daily", "monthly", "events"]
NumberFormat = Literal["plain", "comma_decimal", "point_decimal"]
DateFormat = Literal["iso", "day_dots", "day_slashes", "month_slashes"]
TimeFormat = Literal["offset", "oslo"]
Encoding = Literal["utf-8", "cp1252", "utf-16"]
Delimiter = Literal[",", ";", "\t", "|"]

OSLO = ZoneInfo("Europe/Oslo")
NUMBER_FORMATS: tuple[NumberFormat, ...] = get_args(NumberFormat)
DATE_FORMATS: tuple[DateFormat, ...] = get_args(DateFormat)
TIME_FORMATS: tuple[TimeFormat, ...] = get_args(TimeFormat)
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
DELIMITERS: tuple[Delimiter, ...] = get_args(Delimiter)

COLUMNS: dict[Kind, tuple[str, ...]] = {
    "daily": ("trust", "algorithm", "date", "quantity"),
    "monthly": ("trust", "algorithm", "month", "quantity"),
    "events": ("event_id", "trust", "algorithm", "time", "status"),
}
ACCESSION = "accession_hash"
STATUSES = ("completed", "failed", "repeated", "validation")

# What a person sees of a format, in words and as an example.
DATE_EXAMPLES: dict[DateFormat, str] = {
    "iso": "2026-12-31",
    "day_dots": "31.12.2026",
    "day_slashes": "31/12/2026",
    "month_slashes": "12/31/2026",
}
MONTH_EXAMPLES: dict[DateFormat, str] = {
    "iso": "2026-12",
    "day_dots": "12.2026",
    "day_slashes": "12/2026",
    "month_slashes": "12/2026",
}
NUMBER_EXAMPLES: dict[NumberFormat, str] = {"plain": "1234", "comma_decimal": "1.234,00", "point_decimal": "1,234.00"}

_SPACES = " \u00a0\u202f"
_PLAIN = re.compile(r"-?[0-9]{1,15}")
_COMMA = re.compile(
    rf"(-?[0-9]{{1,3}}(?:([.{_SPACES}])[0-9]{{3}}(?:\2[0-9]{{3}})*)?|-?[0-9]{{1,15}})(?:,([0-9]{{1,6}}))?"
)
_POINT = re.compile(
    rf"(-?[0-9]{{1,3}}(?:([,{_SPACES}])[0-9]{{3}}(?:\2[0-9]{{3}})*)?|-?[0-9]{{1,15}})(?:\.([0-9]{{1,6}}))?"
)
_DATES: dict[DateFormat, re.Pattern[str]] = {
    "iso": re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"),
    "day_dots": re.compile(r"(?P<d>[0-9]{1,2})\.(?P<m>[0-9]{1,2})\.(?P<y>[0-9]{4})"),
    "day_slashes": re.compile(r"(?P<d>[0-9]{1,2})/(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})"),
    "month_slashes": re.compile(r"(?P<m>[0-9]{1,2})/(?P<d>[0-9]{1,2})/(?P<y>[0-9]{4})"),
}
_MONTHS: dict[DateFormat, re.Pattern[str]] = {
    "iso": re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})"),
    "day_dots": re.compile(r"(?P<m>[0-9]{1,2})\.(?P<y>[0-9]{4})"),
    "day_slashes": re.compile(r"(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})"),
    "month_slashes": re.compile(r"(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})"),
}
_CLOCK = re.compile(
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})?"
)


class NoSuchTime(ValueError):
    """The local time does not exist: the clocks went forward over it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How one source's files are read. ``columns`` pairs our column with the file's; ``values`` triples a column of
    ours, a value of the file and the code it stands for.

    ``times`` is ``offset`` (every time carries one, or Z) or ``oslo`` (Norwegian local time; in the hour that comes
    twice in autumn the first one is meant, which is on the same day).
    """

    kind: Kind
    columns: tuple[tuple[str, str], ...]
    delimiter: Delimiter = ","
    encoding: Encoding = "utf-8"
    numbers: NumberFormat = "plain"
    dates: DateFormat = "iso"
    times: TimeFormat = "offset"
    values: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def plain(cls, kind: Kind, *, accession: bool = False) -> Reading:
        """Give the reading of a file without a mapping."""
        names = (*COLUMNS[kind], ACCESSION) if accession else COLUMNS[kind]
        return cls(kind, tuple((name, name) for name in names))

    @property
    def names(self) -> tuple[str, ...]:
        """Our columns in our order, those that the file has."""
        mapped = dict(self.columns)
        return tuple(name for name in (*COLUMNS[self.kind], ACCESSION) if name in mapped)

    @property
    def period_example(self) -> str:
        """Show how the period column is written."""
        if self.kind == "events":
            day = DATE_EXAMPLES[self.dates]
            return f"{day}T08:15:30+01:00" if self.times == "offset" else f"{day} 08:15:30"
        return (DATE_EXAMPLES if self.kind == "daily" else MONTH_EXAMPLES)[self.dates]


def read_number(text: str, form: NumberFormat) -> int | None:
    """Read a whole number under a format, or ``None``; a fraction of nought is whole, an exponent never read.

    >>> [read_number("1.234", form) for form in NUMBER_FORMATS]
    [None, 1234, None]
    >>> [read_number("1.234,00", form) for form in NUMBER_FORMATS]
    [None, 1234, None]
    """
    text = text.strip()
    if form == "plain":
        return int(text) if _PLAIN.fullmatch(text) else None
    found = (_COMMA if form == "comma_decimal" else _POINT).fullmatch(text)
    if found is None or (found[3] or "").strip("0"):
        return None
    whole = found[1].replace(found[2], "") if found[2] else found[1]
    return int(whole)


def read_amount(text: str, form: NumberFormat) -> str | None:
    """Show how a number would be read, decimals and all: "1.234,50" is "1234.50" or nothing. For previews only."""
    text = text.strip()
    if form == "plain":
        return text if _PLAIN.fullmatch(text) else None
    found = (_COMMA if form == "comma_decimal" else _POINT).fullmatch(text)
    if found is None:
        return None
    whole = found[1].replace(found[2], "") if found[2] else found[1]
    return f"{whole}.{found[3]}" if found[3] else whole


def read_date(text: str, form: DateFormat) -> date | None:
    """Read a day under a format, or ``None``.

    >>> [read_date("02/03/2026", form) for form in ("day_slashes", "month_slashes")]
    [datetime.date(2026, 3, 2), datetime.date(2026, 2, 3)]
    """
    found = _DATES[form].fullmatch(text.strip())
    return None if found is None else _date(found["y"], found["m"], found["d"])


def read_month(text: str, form: DateFormat) -> date | None:
    """Read a month under a format and give its first day, or ``None``."""
    found = _MONTHS[form].fullmatch(text.strip())
    return None if found is None else _date(found["y"], found["m"], "1")


def read_time(text: str, dates: DateFormat, times: TimeFormat) -> datetime | None:
    """Read an instant as aware UTC, or ``None``; `NoSuchTime` where a local time was skipped in spring.

    A time under ``offset`` carries one; under ``oslo`` it carries none, and the hour that comes twice is the first.

    >>> read_time("2026-10-25 02:30", "iso", "oslo")
    datetime.datetime(2026, 10, 25, 0, 30, tzinfo=datetime.timezone.utc)
    """
    text = text.strip()
    separator = "T" if "T" in text else " "
    day_text, _, clock_text = text.partition(separator)
    day, clock = read_date(day_text, dates), _CLOCK.fullmatch(clock_text)
    if day is None or clock is None or (clock["offset"] is None) != (times == "oslo"):
        return None
    try:
        local = datetime(
            day.year,
            day.month,
            day.day,
            int(clock["hour"]),
            int(clock["minute"]),
            int(clock["second"] or 0),
            int((clock["fraction"] or "0")[:6].ljust(6, "0")),
            tzinfo=OSLO if times == "oslo" else UTC,
        )
        if times == "oslo":
            instant = local.astimezone(UTC)
            if instant.astimezone(OSLO).replace(tzinfo=None) != local.replace(tzinfo=None):
                raise NoSuchTime(text)
            return instant
        return local - _offset(clock["offset"])
    except NoSuchTime:
        raise
    except (ValueError, OverflowError):
        return None


def _offset(text: str) -> timedelta:
    if text == "Z":
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise ValueError(text)
    ahead = timedelta(hours=hours, minutes=minutes)
    return ahead if text[0] == "+" else -ahead


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def number_readings(text: str) -> dict[str, str | None]:
    """Show how a value would be read under each number format."""
    return {form: read_amount(text, form) for form in NUMBER_FORMATS}


def date_readings(text: str) -> dict[str, str | None]:
    """Show how a value would be read under each date format, as a day, a month or an instant's day."""
    readings: dict[str, str | None] = {}
    for form in DATE_FORMATS:
        day, month = read_date(text, form), read_month(text, form)
        readings[form] = day.isoformat() if day else f"{month:%Y-%m}" if month else _day_of_time(text, form)
    return readings


def _day_of_time(text: str, form: DateFormat) -> str | None:
    day_text = re.split("[T ]", text.strip(), maxsplit=1)
    if len(day_text) != 2 or not _CLOCK.fullmatch(day_text[1]):
        return None
    day = read_date(day_text[0], form)
    return None if day is None else day.isoformat()


Readings = Callable[[str], dict[str, str | None]]
