"""Figures: a chart and its table made from the same rows by one function, the only place that knows the chart library.

Amounts reach the chart as text written by the formatter, in `customdata` and tick labels; the numbers that set the height
of a bar are floats, and nothing is computed from them. What the chart shows, the table says, to the øre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from textwrap import wrap
from typing import Any, Final

import plotly.graph_objects as go
from flask_babel import force_locale
from flask_babel import gettext as _

from contracts.web import formatting

# Dark and light by turns, each at least 3:1 against white and against its neighbours.
PALETTE: Final = ("#12436D", "#28A197", "#801650", "#F46A25")
FONT: Final = "Inter, system-ui, sans-serif"
NEUTRAL: Final = "#3D3D3D"
# A second cue beside the colour, for print and for those who do not tell the colours apart.
PATTERNS: Final = ("", "/", "x", ".")
# How many letters of a name fit beside each other under a bar.
LABEL_WIDTH: Final = 14
# So many steps of a waterfall have room for their names on a phone.
LEGIBLE_STEPS: Final = 3

CONFIG: Final[dict[str, Any]] = {
    "displayModeBar": False,
    "displaylogo": False,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "responsive": True,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a figure's table. `unit` is shown in the header; numeric columns are set to the right."""

    label: str
    numeric: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The table of a figure: cells are text in the reader's language, the first of each row names the row."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    foot: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """What the `figure` component shows. `figure` is the chart as plain data, or `None` where there is nothing to draw.

    A `wide` one keeps its width on a phone, where it is moved sideways: its labels would cover each other.
    """

    id: str
    title: str
    summary: str
    figure: dict[str, Any] | None
    table: Table
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One part of a stack: a name in the reader's language and an amount in kroner for each category.

    An amount of `None` does not apply to its category: no bar, and a dash in the table.
    """

    name: str
    amounts: Sequence[Decimal | None]
    pattern: str | None = None
    color: str | None = None


@dataclass(frozen=True, slots=True)
class QuarterCost:
    """The cost of one quarter in kroner: at full price, in the ramp-up at a discount, and, where it lies ahead, expected.

    One that is under way is what it has cost so far: it is drawn apart, and compared with no whole one.
    """

    quarter: str
    full: Decimal
    discounted: Decimal
    projected: Decimal | None = None
    under_way: bool = False

    @property
    def total(self) -> Decimal:
        return self.full + self.discounted + (self.projected or Decimal(0))


def cost_by_quarter(
    rows: Sequence[QuarterCost], locale: str, *, id: str = "cost-by-quarter", title: str | None = None
) -> Figure:
    """Build the stacked bars of the cost per quarter, with the table of the same rows and their sum.

    The title says the finding: how the last quarter that is not a projection differs from the one before. Without rows
    the figure is one sentence.
    """
    with force_locale(locale):
        columns = [
            Column(_("Quarter")),
            Column(_("Full price"), numeric=True, unit=currency(locale)),
            Column(_("Discounted in ramp-up"), numeric=True, unit=currency(locale)),
            Column(_("Projected"), numeric=True, unit=currency(locale)),
            Column(_("Total"), numeric=True, unit=currency(locale)),
        ]
        if not any(row.projected is not None for row in rows):
            del columns[3]
        caption = _("Cost per quarter")
        if not rows:
            return Figure(id, title or caption, _("No cost is computed yet."), None, Table(caption, columns, []))
        series = [
            Series(_("Full price"), [None if row.under_way else row.full for row in rows]),
            Series(_("Discounted in ramp-up"), [None if row.under_way else row.discounted for row in rows]),
        ]
        if any(row.under_way for row in rows):
            columns.insert(3, Column(_("So far"), numeric=True, unit=currency(locale)))
            so_far = [row.full + row.discounted if row.under_way else None for row in rows]
            series.append(Series(_("So far"), so_far, pattern="outline", color=PALETTE[0]))
        if any(row.projected is not None for row in rows):
            series.append(Series(_("Projected"), [row.projected for row in rows], pattern="outline", color=NEUTRAL))
        names = [
            _("%(period)s so far", period=formatting.quarter_short(row.quarter, locale))
            if row.under_way
            else formatting.quarter_short(row.quarter, locale)
            for row in rows
        ]
        return Figure(
            id,
            title or _quarter_finding(rows, locale),
            _quarter_summary(rows, locale),
            _stacked_bars(names, series, locale),
            _table(caption, columns, names, series, locale),
        )


def stacked_months(
    id: str, title: str, months: Sequence[str], series: Sequence[Series], locale: str, *, caption: str | None = None
) -> Figure:
    """Build one bar per month (`2026-09`), its parts stacked in the order given, with the table of the same amounts.

    At most four series: more cannot be told apart. Without months the figure is one sentence.
    """
    if len(series) > len(PALETTE):
        raise ValueError(f"{len(series)} series cannot be told apart by colour; at most {len(PALETTE)}")
    with force_locale(locale):
        columns = [Column(_("Month")), *(Column(part.name, numeric=True, unit=currency(locale)) for part in series)]
        if len(series) > 1:
            columns.append(Column(_("Total"), numeric=True, unit=currency(locale)))
        if not months:
            return Figure(id, title, _("There is no month to show."), None, Table(caption or title, columns, []))
        names = [formatting.month_short(month, locale) for month in months]
        totals = _totals(series)
        highest = max(range(len(months)), key=lambda index: totals[index])
        summary = _(
            "In all %(sum)s over %(count)s months; most in %(month)s with %(amount)s.",
            sum=formatting.money(sum(totals, Decimal(0)), locale),
            count=len(months),
            month=formatting.month(months[highest], locale),
            amount=formatting.money(totals[highest], locale),
        )
        return Figure(
            id,
            title,
            summary,
            _stacked_bars(names, series, locale),
            _table(caption or title, columns, names, series, locale),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall: what it is called, what it adds in kroner, and what its row of the table says beside it."""

    name: str
    amount: Decimal
    cells: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """What the bars of a waterfall are called: those that add, those that take off, the whole, and beyond what they go."""

    more: str
    less: str
    whole: str
    beyond: str


def waterfall(
    id: str,
    title: str,
    first: Step,
    steps: Sequence[Step],
    last: Step,
    columns: Sequence[Column],
    locale: str,
    *,
    caption: str,
    bars: Bars | None = None,
) -> Figure:
    """Build the bars that lead from one amount to another, each step hanging where the one before ended, with their table.

    ``first.amount`` + Σ steps = ``last.amount``, else `ValueError`. ``columns`` are those of the steps' cells. The axis measures
    from the first amount, so that small steps between large amounts stay to scale; the last bar is the whole difference.
    """
    if first.amount + sum((step.amount for step in steps), Decimal(0)) != last.amount:
        raise ValueError("the steps do not lead from the first amount to the last")
    with force_locale(locale):
        head = [Column(_("From and to")), Column(_("Amount"), numeric=True, unit=currency(locale)), *columns]
        blank = [formatting.not_applicable(locale)] * len(columns)
        rows = [[step.name, formatting.amount(step.amount, locale), *(step.cells or blank)] for step in (first, *steps)]
        foot = [last.name, formatting.amount(last.amount, locale), *(last.cells or blank)]
        largest = max(steps, key=lambda step: abs(step.amount), default=None)
        said = {
            "first": first.name,
            "from": formatting.money(first.amount, locale),
            "last": last.name,
            "to": formatting.money(last.amount, locale),
        }
        if largest is None or not largest.amount:
            summary = _("%(first)s: %(from)s. %(last)s: %(to)s.", **said)
        else:
            said |= {"what": largest.name, "most": formatting.money(largest.amount, locale)}
            summary = _("%(first)s: %(from)s. %(last)s: %(to)s. The largest step is “%(what)s”: %(most)s.", **said)
        figure = _hanging_bars(first, steps, last, locale, bars or _of_an_invoice()) if steps else None
        return Figure(id, title, summary, figure, Table(caption, head, rows, foot), wide=len(steps) > LEGIBLE_STEPS)


def _of_an_invoice() -> Bars:
    return Bars(_("Billed too much"), _("Billed too little"), _("Difference"), _("expected"))


def _hanging_bars(first: Step, steps: Sequence[Step], last: Step, locale: str, bars: Bars) -> dict[str, Any]:
    """Draw the steps as bars that hang where the one before ended; the chart library's small bundle knows no waterfall."""
    levels = [Decimal(0)]
    for step in steps:
        levels.append(levels[-1] + step.amount)
    every = [first, *steps, last]
    labels = [_broken(step.name) for step in every]
    # Where each bar begins and how far it goes; the first amount is the line that the others are measured from.
    bases = [Decimal(0), *levels[:-1], Decimal(0)]
    heights = [Decimal(0), *(step.amount for step in steps), levels[-1]]
    ticks, unit, scale = money_axis([*levels, *levels], locale)
    figure = _stacked_bars([step.name for step in every], [Series("", heights)], locale)
    figure["data"] = [
        {
            "type": "bar",
            "name": name,
            "x": labels,
            "y": [float(height) if height and kind(index, height) else None for index, height in enumerate(heights)],
            "base": [float(base) for base in bases],
            "customdata": [f"{step.name}<br>{formatting.money(step.amount, locale)}" for step in every],
            "hovertemplate": "%{customdata}<extra></extra>",
            "marker": _marker(Series(name, (), pattern=pattern, color=color), 0),
        }
        for name, kind, pattern, color in (
            (bars.more, lambda index, height: height > 0 and index <= len(steps), "", PALETTE[2]),
            (bars.less, lambda index, height: height < 0 and index <= len(steps), "/", PALETTE[1]),
            (bars.whole, lambda index, height: index > len(steps), "", PALETTE[0]),
        )
    ]
    layout = figure["layout"]
    axis = layout["annotations"][0] | {"text": _("%(unit)s beyond %(what)s", unit=unit, what=bars.beyond)}
    layout["annotations"] = [axis] + [
        {
            "name": "sum",
            "text": _signed(height, scale, locale) if index else _short_end(first.amount, locale),
            "x": labels[index],
            "y": float(max(base, base + height)),
            "yanchor": "bottom",
            "yshift": 2,
            "showarrow": False,
        }
        for index, (base, height) in enumerate(zip(bases, heights, strict=True))
    ]
    layout |= {"barmode": "overlay", "showlegend": True}
    layout["xaxis"] |= {"tickvals": labels, "ticktext": labels}
    layout["yaxis"] |= {
        "tickvals": [float(tick) for tick in ticks],
        "ticktext": [_tick(tick, scale, ticks, locale) for tick in ticks],
        "range": [float(ticks[0]), float(ticks[-1])],
    }
    return figure


def _signed(amount: Decimal, scale: Decimal, locale: str) -> str:
    text = formatting.number(amount / scale, locale, 0 if scale == 1 else (1 if scale == 1_000 else 2))
    return f"+{text}" if amount > 0 else text


def _short_end(amount: Decimal, locale: str) -> str:
    return formatting.money_large(amount, locale)


def _broken(name: str) -> str:
    """Break a label into lines that fit under its bar."""
    return "<br>".join(wrap(name, LABEL_WIDTH, break_long_words=False))


def _table(
    caption: str, columns: Sequence[Column], names: Sequence[str], series: Sequence[Series], locale: str
) -> Table:
    totals = _totals(series)
    with_total = len(series) > 1
    rows = []
    for index, name in enumerate(names):
        cells = [_cell(part.amounts[index], locale) for part in series]
        rows.append([name, *cells, *([formatting.amount(totals[index], locale)] if with_total else [])])
    sums = [sum(filter(None, part.amounts), Decimal(0)) for part in series]
    if with_total:
        sums.append(sum(totals, Decimal(0)))
    return Table(caption, columns, rows, [_("Sum"), *(formatting.amount(value, locale) for value in sums)])


def _cell(amount: Decimal | None, locale: str) -> str:
    return formatting.not_applicable(locale) if amount is None else formatting.amount(amount, locale)


def _totals(series: Sequence[Series]) -> list[Decimal]:
    return [sum(filter(None, amounts), Decimal(0)) for amounts in zip(*(part.amounts for part in series), strict=True)]


def _quarter_finding(rows: Sequence[QuarterCost], locale: str) -> str:
    actual = [row for row in rows if row.projected is None and not row.under_way]
    if not actual:
        return _("Projected cost per quarter") if rows[-1].projected is not None else _("Cost per quarter so far")
    last = actual[-1]
    said = {
        "amount": formatting.money_large(last.total, locale),
        "quarter": formatting.quarter(last.quarter, locale),
    }
    if len(actual) == 1 or not actual[-2].total:
        return _("The cost was %(amount)s in %(quarter)s", **said)
    change = last.total / actual[-2].total - 1
    said["change"] = formatting.percent(abs(change), locale)
    if change > 0:
        return _("The cost rose by %(change)s to %(amount)s in %(quarter)s", **said)
    if change < 0:
        return _("The cost fell by %(change)s to %(amount)s in %(quarter)s", **said)
    return _("The cost stayed at %(amount)s in %(quarter)s", **said)


def _quarter_summary(rows: Sequence[QuarterCost], locale: str) -> str:
    actual = [row for row in rows if row.projected is None and not row.under_way]
    sentences = []
    if actual:
        highest = max(actual, key=lambda row: row.total)
        lowest = min(actual, key=lambda row: row.total)
        sentences.append(
            _(
                "In all %(sum)s since %(first)s.",
                sum=formatting.money(sum((row.total for row in actual), Decimal(0)), locale),
                first=formatting.quarter(actual[0].quarter, locale),
            )
        )
        if len(actual) > 1:
            sentences.append(
                _(
                    "Highest in %(high)s with %(most)s, lowest in %(low)s with %(least)s.",
                    high=formatting.quarter(highest.quarter, locale),
                    most=formatting.money(highest.total, locale),
                    low=formatting.quarter(lowest.quarter, locale),
                    least=formatting.money(lowest.total, locale),
                )
            )
    under_way = [row for row in rows if row.under_way]
    if under_way:
        sentences.append(
            _(
                "%(quarter)s is under way: %(amount)s so far, from the counts that are in.",
                quarter=formatting.quarter(under_way[0].quarter, locale),
                amount=formatting.money(under_way[0].total, locale),
            )
        )
    projected = [row for row in rows if row.projected is not None]
    if projected:
        sentences.append(
            _(
                "From %(quarter)s the bars are a projection.",
                quarter=formatting.quarter(projected[0].quarter, locale),
            )
        )
    return " ".join(sentences)


def currency(locale: str) -> str:
    """Name the unit of amounts in a header."""
    return "kr" if locale == "nb" else "NOK"


def _stacked_bars(names: Sequence[str], series: Sequence[Series], locale: str) -> dict[str, Any]:
    totals = _totals(series)
    ticks, unit, scale = money_axis(totals, locale)
    labels = [name.replace(formatting.NBSP, "<br>").replace(" ", "<br>") for name in names]
    bars = [
        {
            "type": "bar",
            "name": part.name,
            "x": labels,
            # A bar of nothing would still draw its outline.
            "y": [float(amount) if amount else None for amount in part.amounts],
            "customdata": [
                _hover(name, part, position, totals[position], len(series) > 1, locale)
                for position, name in enumerate(names)
            ],
            "hovertemplate": "%{customdata}<extra></extra>",
            "marker": _marker(part, index),
        }
        for index, part in enumerate(series)
    ]
    notes = [axis_note(unit)]
    if len(names) <= 12 and all(total >= 0 for total in totals):
        # The sum of each bar stands above it: text inside a patterned bar cannot be read.
        notes += [
            {
                "name": "sum",
                "text": _short(total, scale, locale),
                "x": labels[index],
                "y": float(total),
                "yanchor": "bottom",
                "yshift": 2,
                "showarrow": False,
            }
            for index, total in enumerate(totals)
        ]
    layout = {
        **frame(labels, ticks, scale, locale),
        "annotations": notes,
        "barmode": "relative",
        "bargap": 0.35,
        "showlegend": len(series) > 1,
    }
    return drawn(bars, layout)


def drawn(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> dict[str, Any]:
    """Give a figure as plain lists, after the chart library looked at every attribute. Raises ValueError for an unknown one."""
    figure = go.Figure(data=list(traces))
    figure.update_layout(template=None, **layout)  # a figure begun with none would get the library's default
    plain: dict[str, Any] = figure.to_plotly_json()
    return {"data": plain["data"], "layout": plain["layout"], "config": dict(CONFIG)}


def axis_note(unit: str) -> dict[str, Any]:
    """Write the unit of the amounts above their axis."""
    return {
        "text": unit,
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 6,
        "showarrow": False,
        "font": {"size": 13, "color": "#5B5D60"},
    }


def frame(labels: Sequence[str], ticks: Sequence[Decimal], scale: Decimal, locale: str) -> dict[str, Any]:
    """Give what every chart's layout has: type, colours, a legend above, categories beneath, amounts at the left."""
    return {
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.1,
            "yanchor": "bottom",
            "itemclick": False,
            "itemdoubleclick": False,
            "traceorder": "normal",
        },
        "font": {"family": FONT, "size": 14, "color": "#292C30"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "dragmode": False,
        "hoverlabel": {
            "bgcolor": "#FFFFFF",
            "bordercolor": "#5B5D60",
            "align": "left",
            "font": {"family": FONT, "size": 14, "color": "#292C30"},
        },
        "xaxis": {
            "type": "category",
            "tickmode": "array",
            "tickvals": labels,
            "ticktext": labels,
            "tickangle": 0,
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
            "linecolor": "#77797B",
            "showline": True,
        },
        "yaxis": {
            "tickmode": "array",
            "tickvals": [float(tick) for tick in ticks],
            "ticktext": [_tick(tick, scale, ticks, locale) for tick in ticks],
            "range": [float(ticks[0]), float(ticks[-1])],
            "fixedrange": True,
            "automargin": True,
            "gridcolor": "#E1E2E4",
            "zerolinecolor": "#77797B",
            "zeroline": True,
        },
    }


def _marker(part: Series, index: int) -> dict[str, Any]:
    color = part.color or PALETTE[index]
    shape = PATTERNS[index] if part.pattern is None else part.pattern
    if shape == "outline":
        return {
            "color": "#FFFFFF",
            "line": {"color": color, "width": 1.5},
            "pattern": {
                "shape": "/",
                "fillmode": "replace",
                "fgcolor": color,
                "bgcolor": "#FFFFFF",
                "size": 8,
                "solidity": 0.15,
            },
        }
    marker: dict[str, Any] = {"color": color, "line": {"color": "#FFFFFF", "width": 1}}
    if shape:
        marker["pattern"] = {"shape": shape, "fillmode": "overlay", "fgcolor": "#FFFFFF", "size": 7, "solidity": 0.2}
    return marker


def _hover(name: str, part: Series, position: int, total: Decimal, with_total: bool, locale: str) -> str:
    # No bold: the chart library would write it as an inline style, which the content policy refuses.
    lines = [name, f"{part.name}: {formatting.money(part.amounts[position] or Decimal(0), locale)}"]
    if with_total:
        lines.append(f"{_('Total')}: {formatting.money(total, locale)}")
    return "<br>".join(lines)


def money_axis(totals: Sequence[Decimal], locale: str) -> tuple[list[Decimal], str, Decimal]:
    """Return round ticks from zero (or below) past the highest total, the axis title, and the kroner in one unit of it."""
    high = max(max(totals), Decimal(0))
    low = min(min(totals), Decimal(0))
    span = max(high - low, Decimal(1))
    step = _round_step(span / 5)
    first = (low / step).to_integral_value(rounding="ROUND_FLOOR") * step
    count = int(((high - first) / step).to_integral_value(rounding=ROUND_CEILING))
    # Room for the sum above the highest bar.
    if first + count * step < high + span / 20:
        count += 1
    ticks = [first + index * step for index in range(count + 1)]
    if span >= 2_000_000:
        return ticks, (_("NOK million")), Decimal(1_000_000)
    if span >= 5_000:
        return ticks, (_("NOK thousand")), Decimal(1_000)
    return ticks, _("NOK"), Decimal(1)


def _round_step(rough: Decimal) -> Decimal:
    unit = Decimal(1).scaleb(rough.adjusted())
    for multiple in (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10)):
        if unit * multiple >= rough:
            return unit * multiple
    raise AssertionError("ten times the power of ten below a number is above it")


def _tick(tick: Decimal, scale: Decimal, ticks: Sequence[Decimal], locale: str) -> str:
    exponents = [(value / scale).normalize().as_tuple().exponent for value in ticks]
    return formatting.number(
        tick / scale, locale, max(0, *(-exponent for exponent in exponents if isinstance(exponent, int)))
    )


def _short(total: Decimal, scale: Decimal, locale: str) -> str:
    return formatting.number(total / scale, locale, 1 if scale == 1_000_000 else 0)
