"""The hump drawn twice, all at once and staggered, on one axis, with what is budgeted as a line where it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _

from billing.projection.starting_order import CostMonth, highest
from billing.web.charts import (
    NEUTRAL,
    Column,
    Figure,
    Series,
    axis_note,
    currency,
    frame,
    money_axis,
    stacked_months,
)
from contracts.web import formatting


def hump(
    at_once: Sequence[CostMonth], staggered: Sequence[CostMonth], budget: Sequence[Decimal | None], locale: str
) -> tuple[Figure, Figure]:
    """Build both figures; ``budget`` has an amount for each month, None where none is known, and is a line in each."""
    amounts = [month.total for month in (*at_once, *staggered)]
    amounts += [amount for amount in budget if amount is not None]
    with force_locale(locale):
        titles = (
            _("All at once: dearest in %(month)s with %(amount)s", **_top(at_once, locale)),
            _("As proposed: dearest in %(month)s with %(amount)s", **_top(staggered, locale)),
        )
        first, second = (
            _on_axis(_bars(id_, title, months, locale), budget, amounts, locale)
            for id_, title, months in (("at-once", titles[0], at_once), ("staggered", titles[1], staggered))
        )
    return first, second


def _bars(id_: str, title: str, months: Sequence[CostMonth], locale: str) -> Figure:
    return stacked_months(
        id_,
        title,
        [month.month.label() for month in months],
        [
            Series(_("At full price"), [month.ordinary for month in months]),
            Series(_("With ramp-up discount"), [month.discounted for month in months]),
        ],
        locale,
    )


def _on_axis(figure: Figure, budget: Sequence[Decimal | None], amounts: Sequence[Decimal], locale: str) -> Figure:
    """Put a figure on the axis of both, and the budget's line into it and its table."""
    if figure.figure is None:
        return figure
    labels = figure.figure["data"][0]["x"]
    ticks, unit, scale = money_axis(amounts, locale)
    layout: dict[str, Any] = figure.figure["layout"] | {"yaxis": frame(labels, ticks, scale, locale)["yaxis"]}
    # The sums above the bars are in the figure's own unit, and both have to say theirs in one.
    layout["annotations"] = [axis_note(unit)]
    data, table = list(figure.figure["data"]), figure.table
    if any(amount is not None for amount in budget):
        name = _("Budget")
        said = [
            formatting.missing(locale) if amount is None else formatting.amount(amount, locale) for amount in budget
        ]
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": labels,
                "y": [None if amount is None else float(amount) for amount in budget],
                "line": {"color": NEUTRAL, "dash": "dash", "width": 2},
                "customdata": [f"{name}: {text} {currency(locale)}" for text in said],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        )
        total = formatting.amount(sum((amount for amount in budget if amount is not None), Decimal(0)), locale)
        table = replace(
            table,
            columns=[*table.columns, Column(name, numeric=True, unit=currency(locale))],
            rows=[[*row, text] for row, text in zip(table.rows, said, strict=True)],
            foot=[*table.foot, total],
        )
    return replace(figure, figure=figure.figure | {"data": data, "layout": layout}, table=table)


def _top(months: Sequence[CostMonth], locale: str) -> dict[str, str]:
    top = highest(months)
    if top is None:
        return {"month": "", "amount": ""}
    return {
        "month": formatting.month(top.month.start, locale),
        "amount": formatting.money_large(top.total, locale),
    }
