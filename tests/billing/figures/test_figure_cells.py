"""A figure in a table: the same value as on a page, whatever its sign."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.figures import Figure
from billing.web.tables import FIGURE_COLUMNS, figure_cells
from contracts.terms.table import Table, csv_bytes


@pytest.mark.parametrize("value", [Decimal("-1275.00"), Decimal("0.05"), None])
def test_a_figure_has_the_same_value_in_a_table_as_on_a_page(value: Decimal | None) -> None:
    figure = Figure("expected:2026-Q3", value)
    rows = csv_bytes(Table(FIGURE_COLUMNS, [figure_cells(figure)])).decode().splitlines()
    assert rows == ["figure,figure_value", f"{figure.id},{figure.wire}"]
