"""Figures of what may come: a fan of percentiles by month, and the courses of several scenarios beside each other.

A fan is read as frequencies: in eight of ten simulations a month's cost lies inside the wide band, in five of ten inside the
narrow one. Amounts reach the chart as text, as in `charts`; the table of the same rows says them to the øre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from flask_babel import force_locale
from flask_babel import gettext as _

from billing.web.charts import NEUTRAL, PALETTE, Column, Figure, Table, axis_note, currency, drawn, frame, money_axis
from contracts.web import formatting

# More names than these do not fit beside each other under a narrow chart.
MOST_TICKS: Final = 8
DASHES: Final = ("solid", "dash", "dot", "dashdot")
MARKERS: Final = ("circle", "square", "diamond", "triangle-up")
WIDE_BAND: Final = "rgba(18,67,109,0.16)"
NARROW_BAND: Final = "rgba(18,67,109,0.34)"


@dataclass(frozen=True, slots=True)
class Band:
    """The percentiles of an amount in kroner."""

    p10: Decimal
    p25: Decimal
    p50: Decimal
    p75: Decimal
    p90: Decimal


@dataclass(frozen=True, slots=True)
class FanMonth:
    """A month (`2026-09`) of a fan: what it did cost, what it may cost, or both where a plan stands beside what came."""

    month: str
    band: Band | None = None
    actual: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A line that the fan is held against (a ceiling, a budget, a plan): an amount for each month, None where it says none."""

    name: str
    amounts: Sequence[Decimal | None]


@dataclass(frozen=True, slots=True)
class Path:
    """One course of cost in a comparison: a name and an amount in kroner for each month, None where it says none."""

    name: str
    amounts: Sequence[Decimal | None]


def fan(
    id: str,
    title: str,
    months: Sequence[FanMonth],
    locale: str,
    *,
    caption: str | None = None,
    levels: Sequence[Level] = (),
    total: Band | None = None,
    actual_name: str | None = None,
) -> Figure:
    """Build the bands P10-P90 and P25-P75, the line P50, what was actually paid as a solid line, and ``levels`` dashed.

    ``total`` is the band of all months' sum, for the sentence beneath the title (without it, the last month's band is told).
    Where every band is one amount, the chart is a line and the table has one column of it. Works for amounts by month as for
    running sums. At most two levels. Without months the figure is one sentence.
    """
    if len(levels) > 2:
        raise ValueError("more than two levels cannot be told apart beside a fan")
    with force_locale(locale):
        certain = all(month.band is None or month.band.p10 == month.band.p90 for month in months)
        columns, cells = _fan_table(months, levels, certain, locale, actual_name or _("Actual"))
        if not months:
            return Figure(id, title, _("There is no month to show."), None, Table(caption or title, columns, []))
        names = [formatting.month_short(month.month, locale) for month in months]
        return Figure(
            id,
            title,
            _fan_summary(months, total, certain, locale),
            _fan_chart(months, names, levels, certain, locale, actual_name or _("Actual")),
            Table(
                caption or title,
                columns,
                [[name, *own] for name, own in zip(names, zip(*cells, strict=True), strict=True)],
            ),
        )


def courses(
    id: str, title: str, months: Sequence[str], paths: Sequence[Path], locale: str, *, caption: str | None = None
) -> Figure:
    """Build one line for each of at most four courses, told apart by dash and marker too, with the table of the same rows."""
    if len(paths) > len(PALETTE):
        raise ValueError(f"{len(paths)} courses cannot be told apart; at most {len(PALETTE)}")
    with force_locale(locale):
        columns = [Column(_("Month")), *(Column(path.name, numeric=True, unit=currency(locale)) for path in paths)]
        if not months or not paths:
            return Figure(id, title, _("There is no month to show."), None, Table(caption or title, columns, []))
        names = [formatting.month_short(month, locale) for month in months]
        labels, amounts = _labels(names), [amount for path in paths for amount in path.amounts if amount is not None]
        ticks, unit, scale = money_axis(amounts or [Decimal(0)], locale)
        traces = [_line(path.name, names, labels, path.amounts, index, locale) for index, path in enumerate(paths)]
        chart = _chart(traces, labels, ticks, unit, scale, locale)
        summary = " ".join(_highest(path, months, locale) for path in paths)
        rows = [[name, *(_cell(path.amounts[number], locale) for path in paths)] for number, name in enumerate(names)]
        return Figure(id, title, summary, chart, Table(caption or title, columns, rows))


def _highest(path: Path, months: Sequence[str], locale: str) -> str:
    """Say where a course is highest; its months are not summed, since they may be percentiles."""
    known = [(amount, month) for amount, month in zip(path.amounts, months, strict=True) if amount is not None]
    if not known:
        return ""
    amount, month = max(known, key=lambda each: each[0])
    return _(
        "%(name)s: most in %(month)s with %(amount)s.",
        name=path.name,
        month=formatting.month(month, locale),
        amount=formatting.money(amount, locale),
    )


def _fan_table(
    months: Sequence[FanMonth], levels: Sequence[Level], certain: bool, locale: str, actual: str
) -> tuple[list[Column], list[list[str]]]:
    """Give the columns after the month's name, and their cells column by column."""
    columns, cells = [Column(_("Month"))], []
    unit = currency(locale)
    if any(month.actual is not None for month in months):
        columns.append(Column(actual, numeric=True, unit=unit))
        cells.append([_cell(month.actual, locale) for month in months])
    shown = ("p50",) if certain else ("p10", "p25", "p50", "p75", "p90")
    for name in shown if any(month.band for month in months) else ():
        columns.append(Column(_("Expected") if certain else name.upper(), numeric=True, unit=unit))
        cells.append([_cell(None if month.band is None else getattr(month.band, name), locale) for month in months])
    for level in levels:
        columns.append(Column(level.name, numeric=True, unit=unit))
        cells.append([_cell(amount, locale) for amount in level.amounts])
    return columns, cells


def _fan_summary(months: Sequence[FanMonth], total: Band | None, certain: bool, locale: str) -> str:
    bands = [(month.month, month.band) for month in months if month.band is not None]
    if not bands:
        return _("These are the amounts so far; nothing is projected.")
    dearest, most = max(bands, key=lambda each: each[1].p50)
    if certain:
        return _(
            "One course, without uncertainty: most in %(month)s with %(amount)s.",
            month=formatting.month(dearest, locale),
            amount=formatting.money(most.p50, locale),
        )
    if total is not None:
        return _(
            "In 8 of 10 simulations the cost lies between %(low)s and %(high)s; half of them stay below %(middle)s.",
            low=formatting.money(total.p10, locale),
            high=formatting.money(total.p90, locale),
            middle=formatting.money(total.p50, locale),
        )
    month, last = bands[-1]
    return _(
        "In 8 of 10 simulations it is between %(low)s and %(high)s in %(month)s.",
        low=formatting.money(last.p10, locale),
        high=formatting.money(last.p90, locale),
        month=formatting.month(month, locale),
    )


def _fan_chart(
    months: Sequence[FanMonth], names: Sequence[str], levels: Sequence[Level], certain: bool, locale: str, actual: str
) -> dict[str, Any]:
    labels = _labels(names)
    every = [amount for level in levels for amount in level.amounts if amount is not None]
    every += [month.actual for month in months if month.actual is not None]
    for month in months:
        every += [] if month.band is None else [month.band.p10, month.band.p90]
    ticks, unit, scale = money_axis(every or [Decimal(0)], locale)
    traces: list[dict[str, Any]] = []
    bands = [month.band for month in months]
    if not certain:
        for low, high, color, name in (
            ("p10", "p90", WIDE_BAND, _("8 of 10 simulations")),
            ("p25", "p75", NARROW_BAND, _("5 of 10 simulations")),
        ):
            edge: dict[str, Any] = {"type": "scatter", "x": labels, "mode": "lines", "hoverinfo": "skip"}
            edge["line"] = {"width": 0, "color": color}
            traces.append({**edge, "y": [_height(band, low) for band in bands], "showlegend": False})
            upper = [_height(band, high) for band in bands]
            traces.append({**edge, "y": upper, "name": name, "fill": "tonexty", "fillcolor": color})
    if any(bands):
        traces.append(
            {
                "type": "scatter",
                "name": _("Expected") if certain else _("Middle (P50)"),
                "x": labels,
                "y": [_height(band, "p50") for band in bands],
                "mode": "lines+markers",
                "line": {"color": PALETTE[0], "width": 2, "dash": "dash"},
                "marker": {"size": 5, "color": PALETTE[0]},
                "customdata": [
                    _band_text(name, band, certain, locale) for name, band in zip(names, bands, strict=True)
                ],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        )
    if any(month.actual is not None for month in months):
        amounts = [month.actual for month in months]
        traces.append(_line(actual, names, labels, amounts, 0, locale, color=NEUTRAL))
    traces += [
        _line(level.name, names, labels, level.amounts, number + 2, locale, color=PALETTE[number + 2], marks=False)
        for number, level in enumerate(levels)
    ]
    return _chart(traces, labels, ticks, unit, scale, locale)


def _line(
    name: str,
    names: Sequence[str],
    labels: Sequence[str],
    amounts: Sequence[Decimal | None],
    index: int,
    locale: str,
    *,
    color: str | None = None,
    marks: bool = True,
) -> dict[str, Any]:
    chosen = color or PALETTE[index]
    return {
        "type": "scatter",
        "name": name,
        "x": list(labels),
        "y": [None if amount is None else float(amount) for amount in amounts],
        "mode": "lines+markers" if marks else "lines",
        "line": {"color": chosen, "width": 2.5, "dash": DASHES[index]},
        "marker": {"size": 7, "symbol": MARKERS[index], "color": chosen},
        "customdata": [
            "" if amount is None else f"{month}<br>{name}: {formatting.money(amount, locale)}"
            for month, amount in zip(names, amounts, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _chart(
    traces: list[dict[str, Any]],
    labels: Sequence[str],
    ticks: Sequence[Decimal],
    unit: str,
    scale: Decimal,
    locale: str,
) -> dict[str, Any]:
    layout = {**frame(labels, ticks, scale, locale), "annotations": [axis_note(unit)], "showlegend": True}
    shown = list(labels[:: -(-len(labels) // MOST_TICKS)])
    layout["xaxis"] = {**layout["xaxis"], "tickvals": shown, "ticktext": shown, "range": [-0.5, len(labels) - 0.5]}
    return drawn(traces, layout)


def _labels(names: Sequence[str]) -> list[str]:
    return [name.replace(formatting.NBSP, "<br>").replace(" ", "<br>") for name in names]


def _height(band: Band | None, name: str) -> float | None:
    return None if band is None else float(getattr(band, name))


def _band_text(name: str, band: Band | None, certain: bool, locale: str) -> str:
    if band is None:
        return ""
    middle = f"{name}<br>{formatting.money(band.p50, locale)}"
    if certain:
        return middle
    low, high = formatting.money(band.p10, locale), formatting.money(band.p90, locale)
    return f"{middle}<br>" + _("8 of 10: %(low)s to %(high)s", low=low, high=high)


def _cell(amount: Decimal | None, locale: str) -> str:
    return formatting.not_applicable(locale) if amount is None else formatting.amount(amount, locale)
