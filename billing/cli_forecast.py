"""The command that holds the forecast against what came: a backtest on monthly counts in CSV files.

Exit codes as in `contracts.cli`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from contracts.cli import INVALID, fail, json_option, print_json
from contracts.terms.period import add_months
from contracts.terms.working_days import public_holidays_of

if TYPE_CHECKING:
    from billing.rating.forecast_backtest import Score

TRUST_COLUMNS = ("trust", "provider_code")
KIND_COLUMNS = ("algorithm", "modality", "test_group")

forecast_group = AppGroup("forecast", help="The forecast of usage.")


@forecast_group.command("backtest")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--holidays", "place", default="NO", show_default=True, help="Public holidays of NO or GB/ENG.")
@click.option(
    "--last-origin", help="First forecast month of the last origin (2024-04); default: a year before the end."
)
@click.option("--origins", "number", default=9, show_default=True, help="How many origins, three months apart.")
@json_option
def backtest_command(folder: Path, place: str, last_origin: str | None, number: int, as_json: bool) -> None:
    """Forecast the counts of FOLDER's CSV files a year ahead from earlier months and print each method's errors.

    A file has the columns month, count, trust (or provider_code) and algorithm (or modality, test_group). A trust that is the
    others' total, and a kind with gaps, are left out. Methods of statsforecast stand beside where it is installed.
    """
    # numpy is read only where it is needed: no other command waits for it.
    from billing.rating.forecast_backtest import PRODUCT, assemble, backtest, origins_of
    from billing.rating.forecast_methods import Calendar
    from billing.rating.forecast_references import references

    try:
        counts = assemble(_read(folder))
        holidays = _holidays(place)
        spare = 0
        if last_origin is not None:
            ends = add_months(date.fromisoformat(f"{last_origin}-01"), 12)
            known = add_months(counts.first, counts.values.shape[1])
            spare = (known.year - ends.year) * 12 + known.month - ends.month
    except ValueError as error:
        fail(str(error), INVALID)
    origins = origins_of(counts, number=number, spare=spare)
    if spare < 0 or not origins:
        fail("there are too few months of counts for that", INVALID)
    calendar = Calendar.of(counts.first, counts.values.shape[1], holidays)
    scores = backtest(counts, calendar, origins, {**PRODUCT, **references()})
    if as_json:
        document = [asdict(score) for score in scores]
        print_json(
            {
                "series": len(counts.kinds),
                "origins": [f"{counts.month(one):%Y-%m}" for one in origins],
                "methods": document,
            }
        )
        return
    click.echo(
        f"{len(counts.kinds)} series ({len(set(counts.trusts))} trusts), {len(origins)} origins "
        f"{counts.month(origins[0]):%Y-%m} to {counts.month(origins[-1]):%Y-%m}, 12 months ahead; per cent"
    )
    click.echo(_table(scores))


def _table(scores: list[Score]) -> str:
    lines = [f"{'method':<28}{'WAPE':>8}{'by series':>11}{'year':>8}{'P10–P90':>9}"]
    for score in scores:
        coverage = "–" if score.coverage is None else f"{score.coverage:.1f}"
        lines.append(
            f"{score.method:<28}{score.wape:>8.2f}{score.mean_wape:>11.2f}{score.year_error:>8.2f}{coverage:>9}"
        )
    return "\n".join(lines)


def _holidays(place: str) -> Callable[[int], frozenset[date]]:
    country, _, part = place.partition("/")
    return lambda year: public_holidays_of(country, part or None, year)


def _read(folder: Path) -> Mapping[tuple[str, str, date], int]:
    rows: dict[tuple[str, str, date], int] = {}
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as opened:
            reader = csv.DictReader(opened)
            named = reader.fieldnames or []
            trust = next((name for name in TRUST_COLUMNS if name in named), None)
            kind = next((name for name in KIND_COLUMNS if name in named), None)
            if trust is None or kind is None or not {"month", "count"} <= set(named):
                raise ValueError(f"{file.name}: the columns month, count, trust and algorithm are not all there")
            for number, row in enumerate(reader, start=2):
                try:
                    month = date.fromisoformat(row["month"] if len(row["month"]) > 7 else f"{row['month']}-01")
                    rows[row[trust], row[kind], month.replace(day=1)] = int(row["count"])
                except ValueError as error:
                    raise ValueError(f"{file.name}, line {number}: {error}") from error
    if not rows:
        raise ValueError(f"there are no CSV files with counts in {folder}")
    return rows
