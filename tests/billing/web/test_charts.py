"""Charts: the table says what the bars show, to the øre, and nothing can be sent away."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.web import charts
from contracts.web.formatting import MINUS, NBSP, not_applicable

MONEY = st.decimals(min_value=0, max_value=10**8, places=2, allow_nan=False)
ROWS = [
    charts.QuarterCost("2026-Q2", Decimal("2801200.00"), Decimal("0.00")),
    charts.QuarterCost("2026-Q3", Decimal("2410800.05"), Decimal("680000.00")),
    charts.QuarterCost("2026-Q4", Decimal(0), Decimal(0), Decimal("3305000.10")),
]


def read_back(text: str) -> Decimal:
    if text == not_applicable("nb"):
        return Decimal(0)
    return Decimal(text.replace(NBSP, "").replace(",", ".").replace(MINUS, "-"))


def bars(figure: charts.Figure) -> list[list[float]]:
    assert figure.figure is not None
    return [[height or 0.0 for height in trace["y"]] for trace in figure.figure["data"] if trace["type"] == "bar"]


@given(st.lists(st.tuples(MONEY, MONEY, st.none() | MONEY), min_size=1, max_size=12))
def test_bars_and_table_show_the_same_amounts_and_sums(amounts: list[tuple[Decimal, Decimal, Decimal | None]]) -> None:
    rows = [charts.QuarterCost(f"{2020 + index // 4}-Q{index % 4 + 1}", *parts) for index, parts in enumerate(amounts)]
    figure = charts.cost_by_quarter(rows, "nb")
    heights = bars(figure)
    assert len(figure.table.rows) == len(rows)
    for index, cells in enumerate(figure.table.rows):
        *parts, total = [read_back(cell) for cell in cells[1:]]
        assert parts == [Decimal(str(series[index])) for series in heights]
        assert total == sum(parts) == rows[index].total
    assert read_back(figure.table.foot[-1]) == sum((row.total for row in rows), Decimal(0))


@given(st.lists(MONEY, min_size=1, max_size=36))
def test_every_bar_is_within_the_axis_and_the_axis_begins_at_zero(amounts: list[Decimal]) -> None:
    months = [f"{2024 + index // 12}-{index % 12 + 1:02}" for index in range(len(amounts))]
    figure = charts.stacked_months("x", "Title", months, [charts.Series("Full pris", amounts)], "nb")
    assert figure.figure is not None
    axis = figure.figure["layout"]["yaxis"]
    assert axis["range"][0] == 0
    assert axis["range"][1] >= float(max(amounts))
    assert 2 <= len(axis["tickvals"]) <= 8
    assert len(set(axis["ticktext"])) == len(axis["ticktext"])


def test_the_title_says_the_finding() -> None:
    figure = charts.cost_by_quarter(ROWS, "en")
    assert figure.title.replace(NBSP, " ") == "The cost rose by 10.3% to NOK 3.1 million in Q3 2026"
    assert "NOK 3,090,800.05" in figure.summary.replace(NBSP, " ")
    assert figure.summary.endswith(f"From Q4{NBSP}2026 the bars are a projection.")


def test_a_projection_is_told_apart_and_has_its_column() -> None:
    with_projection = charts.cost_by_quarter(ROWS, "nb")
    assert len(with_projection.table.columns) == len(with_projection.table.rows[0]) == 5
    assert [row[3] == not_applicable("nb") for row in with_projection.table.rows] == [True, True, False]
    without = charts.cost_by_quarter(ROWS[:2], "nb")
    assert len(without.table.columns) == len(without.table.rows[0]) == len(without.table.foot) == 4
    assert len(bars(without)) == 2


def test_without_rows_there_is_a_sentence_and_no_chart() -> None:
    for figure in (charts.cost_by_quarter([], "nb"), charts.stacked_months("x", "T", [], [], "nb")):
        assert figure.figure is None
        assert figure.summary


def test_the_figure_is_plain_data_small_and_locked() -> None:
    figure = charts.cost_by_quarter(ROWS, "nb").figure
    assert figure is not None
    text = json.dumps(figure)
    assert len(text) < 8_000
    assert "bdata" not in text
    assert "<b>" not in text
    assert figure["config"] == charts.CONFIG
    assert charts.CONFIG["showSendToCloud"] is False
    assert charts.CONFIG["plotlyServerURL"] == ""
    assert charts.CONFIG["displayModeBar"] is False


def test_every_series_differs_by_more_than_colour() -> None:
    series = [charts.Series(f"s{index}", [Decimal(1)]) for index in range(4)]
    figure = charts.stacked_months("x", "T", ["2026-01"], series, "nb").figure
    assert figure is not None
    patterns = [trace["marker"].get("pattern", {}).get("shape", "") for trace in figure["data"]]
    assert len(set(patterns)) == 4


def test_more_series_than_can_be_told_apart_are_refused() -> None:
    series = [charts.Series(f"s{index}", [Decimal(1)]) for index in range(5)]
    with pytest.raises(ValueError, match="at most 4"):
        charts.stacked_months("x", "T", ["2026-01"], series, "nb")


def luminance(color: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(color[at : at + 2], 16)) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_stand_out_from_the_page_and_from_their_neighbours() -> None:
    for color in (*charts.PALETTE, charts.NEUTRAL):
        assert contrast(color, "#FFFFFF") >= 3
    for first, second in zip(charts.PALETTE, charts.PALETTE[1:], strict=False):
        assert contrast(first, second) >= 3
