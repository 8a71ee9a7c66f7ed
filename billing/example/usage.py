"""Daily usage of the example: what nine trusts of different size might well have used.

Each activation has a level at full use (examinations per 1 000 people a year), shaped by the day of the week, public
holidays, the season, slow adoption after go-live and chance. All arithmetic is on whole numbers and chance is drawn
per activation, one draw set per day: the same figures on every machine, and one more activation leaves the others as
they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from billing.example.agreement import Document
from contracts.terms.working_days import public_holidays

LAST_DAY = date(2026, 9, 30)

# People served, in round thousands; Oslo's regional patients are counted in.
_PEOPLE = {
    "vestre-viken": 500_000,
    "akershus": 560_000,
    "sykehuset-i-vestfold": 250_000,
    "sykehuset-telemark": 170_000,
    "sykehuset-ostfold": 320_000,
    "sykehuset-innlandet": 340_000,
    "sorlandet": 310_000,
    "oslo": 420_000,
    "nord-norge": 190_000,
}

# Weights of Monday to Sunday: emergency departments take X-rays every day, MS follow-up is booked on working days.
_WEEK = {
    "xray": (1120, 1040, 1000, 1000, 960, 520, 480),
    "ct": (1060, 1040, 1020, 1000, 880, 260, 240),
    "mr": (1050, 1050, 1020, 1000, 880, 0, 0),
}
_SATURDAY, _SUNDAY = 5, 6

# Per mille by month; ice breaks bones in winter, infections fill the chest rooms, July is quiet everywhere.
_ICE = (1120, 1060, 1030, 960, 1000, 980, 760, 940, 1000, 1000, 1020, 1130)
_INFECTIONS = (1180, 1120, 1060, 980, 960, 920, 720, 880, 980, 1020, 1060, 1120)
_BOOKED = (1050, 1040, 1030, 980, 1000, 980, 700, 920, 1060, 1080, 1080, 1080)

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class _Level:
    """``per_thousand`` tenths of examinations a year per 1 000 people at full use."""

    tenths_per_thousand: int
    week: str
    season: tuple[int, ...]


_LEVELS = {
    "xray-skeletal": _Level(780, "xray", _ICE),
    "xray-chest": _Level(600, "xray", _INFECTIONS),
    "ct-pe": _Level(55, "ct", _BOOKED),
    "ct-lung-nodules": _Level(100, "ct", _BOOKED),
    "ct-pulmonary-metastases": _Level(70, "ct", _BOOKED),
    "mr-ms-followup": _Level(25, "mr", _BOOKED),
}


@dataclass(frozen=True, slots=True, order=True)
class DailyCount:
    """Examinations of one algorithm at one trust on one day; days without any have no count."""

    on: date
    trust: str
    algorithm: str
    quantity: int


def daily_usage(document: Document, *, until: date = LAST_DAY) -> list[DailyCount]:
    """Generate the usage of all activations of an agreement document, by day, the last day included.

    From ``validation_from`` to go-live a small share is run without clinical use.

    >>> from billing.example.agreement import agreement_document
    >>> daily_usage(agreement_document())[0]
    DailyCount(on=datetime.date(2023, 8, 1), trust='vestre-viken', algorithm='xray-skeletal', quantity=19)
    """
    return sorted(count for activation in document["activations"] for count in _usage_of(activation, until))


def usage_csv(counts: list[DailyCount]) -> bytes:
    """Write counts as the usage file ``trust,algorithm,date,quantity`` (UTF-8, comma, ISO dates)."""
    rows = [f"{count.trust},{count.algorithm},{count.on.isoformat()},{count.quantity}\n" for count in counts]
    return "".join(["trust,algorithm,date,quantity\n", *rows]).encode()


def _usage_of(activation: Document, until: date) -> Iterator[DailyCount]:
    trust, algorithm = activation["trust"], activation["algorithm"]
    go_live = date.fromisoformat(activation["go_live"])
    day = date.fromisoformat(activation["validation_from"] or activation["go_live"])
    stop = until + timedelta(days=1)
    if activation["end"] is not None:
        stop = min(stop, date.fromisoformat(activation["end"]))
    chance = Random(f"{trust}/{algorithm}/{go_live}")  # noqa: S311 - nothing depends on its secrecy
    while day < stop:
        mean = _mean(trust, algorithm, day) * _adoption(trust, algorithm, day, go_live) // 1000
        quantity = _drawn(mean, chance)
        if quantity:
            yield DailyCount(day, trust, algorithm, quantity)
        day += timedelta(days=1)


def _mean(trust: str, algorithm: str, day: date) -> int:
    """Millionths of examinations to be expected on the day at full use."""
    level = _LEVELS[algorithm]
    week = _WEEK[level.week]
    weekday = day.weekday()
    if day in public_holidays(day.year):
        weekday = _SUNDAY
    elif day.month == 12 and day.day >= 24:
        weekday = max(weekday, _SATURDAY)
    year = level.tenths_per_thousand * _PEOPLE[trust] * _MILLION // 10_000
    return year * 28 * week[weekday] * level.season[day.month - 1] // (1461 * sum(week) * 1000)


def _adoption(trust: str, algorithm: str, day: date, go_live: date) -> int:
    """Per mille of full use reached: departments and sites follow one another, then use grows by 3 % a year.

    The first site of all was the slowest: nearly three years from a quarter of the plan to the whole of it.
    """
    days = (day - go_live).days
    if days < 0:
        return 150
    first, until_full = (350, 600) if algorithm.startswith("xray") else (500, 300)
    if (trust, algorithm) == ("vestre-viken", "xray-skeletal"):
        first, until_full = 240, 1000
    if days < until_full:
        return first + (1000 - first) * days // until_full
    return 1000 + 30 * (days - until_full) // 365


def _drawn(mean: int, chance: Random) -> int:
    """Draw a whole number about ``mean`` millionths: wider, relatively, for small numbers, and right on average."""
    spread = 160 if mean > 20 * _MILLION else 320 if mean > 6 * _MILLION else 650
    first, second, fraction = (chance.getrandbits(32) for _ in range(3))
    per_mille = 1000 - spread + first % (spread + 1) + second % (spread + 1)
    return (mean * per_mille // 1000 + fraction % _MILLION) // _MILLION
