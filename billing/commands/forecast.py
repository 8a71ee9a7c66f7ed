"""The commands of the forecast: held against what came on monthly counts in CSV files, and why the next year costs something else.

Exit codes as in `contracts.commands`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from billing.projection.year_drivers import year_drivers
from billing.schemas.year_drivers import YearDriversSchema
from billing.usage import metering
from contracts import agreements
from contracts.commands import reporting
from contracts.commands.reporting import INVALID, agreement_option, fail, json_option, print_json, reporting_errors
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.period import add_months
from contracts.terms.working_days import public_holidays_of

if TYPE_CHECKING:
    from billing.forecasting.backtest import Score

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
    from billing.forecasting.backtest import PRODUCT, assemble, backtest, origins_of
    from billing.forecasting.references import references

    try:
        counts = assemble(_read(folder), _holidays(place))
        spare = 0
        if last_origin is not None:
            ends = add_months(date.fromisoformat(f"{last_origin}-01"), 12)
            known = add_months(counts.first, counts.months)
            spare = (known.year - ends.year) * 12 + known.month - ends.month
    except ValueError as error:
        fail(str(error), INVALID)
    origins = origins_of(counts, number=number, spare=spare)
    if spare < 0 or not origins:
        fail("there are too few months of counts for that", INVALID)
    scores = backtest(counts, origins, {**PRODUCT, **references()})
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


@forecast_group.command("drivers")
@click.option("--year", type=click.IntRange(2000, 2999), help="The year to explain; default: the next one.")
@click.option("--trust", help="One trust alone.")
@click.option("--growth", default="0", show_default=True, help="Growth of volumes per year, as a share (0.03).")
@click.option("--index", default="0", show_default=True, help="Index adjustment per year, as a share (0.03).")
@agreement_option
@json_option
@reporting_errors
def drivers_command(
    year: int | None, trust: str | None, growth: str, index: str, agreement_code: str | None, as_json: bool
) -> None:
    """Say why a year costs something else than the one before it, step by step in kroner excluding VAT."""
    with db.read() as session:
        agreement = agreements.find_agreement(session, agreement_code)
        last = metering.last_day(session, agreement.id)
        today = reporting.today(session)
        as_of = today if last is None else last + timedelta(days=1)
        found = year_drivers(
            session,
            agreement_id=agreement.id,
            year=year or as_of.year + 1,
            as_of=as_of,
            actor=COMMAND_LINE,
            trust=trust,
            annual_growth=_share(growth),
            annual_index=_share(index),
        )
    document = YearDriversSchema().dump(found)
    if as_json:
        print_json(document)
        return
    rows = [(str(found.last.start.year), document["last"])]
    rows += [(step["driver"].replace("_", " "), step["amount"]) for step in document["steps"]]
    for name, amount in [*rows, (str(found.coming.start.year), document["next"])]:
        click.echo(f"{name:<16}{amount:>18}")


def _share(text: str) -> Decimal:
    try:
        share = Decimal(text)
        if share.is_finite() and Decimal("-0.9") <= share <= 10 and share == share.quantize(Decimal("0.0001")):
            return share
    except InvalidOperation:
        pass
    fail(f"'{text}' is not a share per year such as 0.03", INVALID)


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
