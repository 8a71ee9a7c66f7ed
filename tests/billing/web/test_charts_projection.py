"""A fan and its table are made from the same rows; a plan without uncertainty is one line."""

from __future__ import annotations

from decimal import Decimal

import pytest
from flask import Flask

from billing.web import charts
from billing.web.projection.charts import Band, FanMonth, Level, Path, courses, fan

ROWS = [
    FanMonth("2026-08", actual=Decimal("90000.50")),
    FanMonth("2026-09", Band(*(Decimal(n) for n in ("80000", "90000", "100000.25", "110000", "130000")))),
    FanMonth("2026-10", Band(*(Decimal(n) for n in ("82000", "92000", "102000", "112000", "132000")))),
]


@pytest.fixture(autouse=True)
def _request(app: Flask) -> object:
    with app.test_request_context("/"):
        yield


def test_a_fan_has_two_bands_a_middle_and_what_was_paid_with_their_table() -> None:
    figure = fan("f", "Title", ROWS, "en", levels=[Level("Budget", [None, Decimal(95000), Decimal(95000)])])
    assert figure.figure is not None
    filled = [trace for trace in figure.figure["data"] if trace.get("fill") == "tonexty"]
    assert [max(filter(None, trace["y"])) for trace in filled] == [132000, 112000]
    assert [column.label for column in figure.table.columns] == [
        "Month", "Actual", "P10", "P25", "P50", "P75", "P90", "Budget",
    ]  # fmt: skip
    assert list(figure.table.rows[1])[4:5] == ["100,000.25"]
    assert "8 of 10 simulations" in figure.summary


def test_a_certain_course_is_one_line_with_one_column() -> None:
    row = FanMonth("2026-09", Band(*[Decimal(5)] * 5))
    figure = fan("f", "Title", [row], "nb")
    assert figure.figure is not None
    assert len(figure.figure["data"]) == 1
    assert [column.label for column in figure.table.columns] == ["Måned", "Forventet"]


def test_nothing_to_show_is_a_sentence() -> None:
    assert fan("f", "Title", [], "nb").figure is None
    assert courses("c", "Title", [], [], "nb").figure is None


def test_courses_differ_by_more_than_colour_and_are_at_most_four() -> None:
    paths = [Path(str(number), [Decimal(number)]) for number in range(4)]
    figure = courses("c", "Title", ["2026-09"], paths, "en")
    assert figure.figure is not None
    assert len({trace["line"]["dash"] for trace in figure.figure["data"]}) == 4
    assert list(figure.table.rows[0]) == ["Sept 2026", "0.00", "1.00", "2.00", "3.00"]
    assert "3: most in September 2026" in figure.summary
    with pytest.raises(ValueError, match="at most 4"):
        courses("c", "Title", ["2026-09"], [*paths, paths[0]], "en")


def test_an_attribute_that_the_chart_library_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        charts.drawn([{"type": "bar", "colour": "red"}], {})
