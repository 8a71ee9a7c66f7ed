"""The forecast: what it expects of plain series, what it leaves alone, and how far off it was on real counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from billing.commands.forecast import backtest_command
from billing.forecasting.adoption import adopted
from billing.forecasting.backtest import PRODUCT, assemble, backtest, mean_of_three, origins_of, seasonal_naive
from billing.forecasting.counts import Calendar, Counts
from billing.forecasting.daily_rates import Plan, daily_rates, forecast, rates_before
from billing.forecasting.draws import Cell, Grid, Spread, VolumePlan, monthly_volumes
from billing.forecasting.methods import Hindsight, forecast_counts
from billing.forecasting.spread import estimate_spread
from billing.forecasting.volumes import volume_plan
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation, AgreementTerm, Usage
from contracts.terms.working_days import public_holidays, public_holidays_of

FIRST = date(2022, 1, 1)
CALENDAR = Calendar.of(FIRST, 72, public_holidays)
DAYS = CALENDAR.working + 0.3 * CALENDAR.off


def counted(values: Any, kinds: Sequence[str] = (), calendar: Calendar = CALENDAR) -> Counts:
    """Give counts of one trust for each series."""
    rows = np.asarray(values, dtype=float)
    named = tuple(kinds) or ("ct",) * len(rows)
    return Counts(FIRST, tuple(f"trust-{row}" for row in range(len(rows))), named, rows, calendar)


def of_season(series: int, months: int, seed: int = 5) -> NDArray[np.float64]:
    """Draw counts with a season of a quarter up and down."""
    season = 1 + 0.25 * np.sin(np.arange(months) / 6 * np.pi)
    random = np.random.default_rng(seed)
    return random.poisson(10 * season * DAYS[:months], size=(series, months)).astype(float)


def test_a_steady_rate_per_working_day_goes_on() -> None:
    made = forecast_counts(counted(12 * CALENDAR.working[None, :4]))
    assert made.expected[0] == pytest.approx(12 * CALENDAR.working[4:16])
    assert (made.low <= made.expected).all()
    assert (made.high >= made.expected).all()


def test_no_trend_is_extrapolated_from_short_history() -> None:
    rising = np.linspace(100, 150, 5)[None, :] * CALENDAR.working[:5] / 20
    rates = forecast_counts(counted(rising)).expected[0] / CALENDAR.working[5:17]
    assert rates == pytest.approx(rates[0])


def test_a_season_is_used_once_it_was_seen() -> None:
    history = of_season(6, 48)
    expected = forecast_counts(counted(history)).expected.mean(axis=0)
    truth = 10 * (1 + 0.25 * np.sin(np.arange(48, 60) / 6 * np.pi)) * DAYS[48:60]
    assert np.abs(expected / truth - 1).mean() < 0.06
    assert (Hindsight(counted(history)).course(12).season == 1).all()


def test_a_short_series_has_the_season_of_its_kind() -> None:
    history = of_season(6, 48)
    history[0, :44] = np.nan
    new, *old = forecast_counts(counted(history)).expected
    assert new / new.sum() == pytest.approx(old[0] / old[0].sum(), rel=0.01)
    alone = Hindsight(counted(history, ["mr", *["ct"] * 5])).course(48)
    assert (alone.season[0] == 1).all()


def test_a_trend_fades() -> None:
    rising = (100 + 2.0 * np.arange(40))[None, :] * DAYS[:40]
    hindsight = Hindsight(counted(rising))
    ahead = hindsight.expected(40)[0] / DAYS[40:52] / hindsight.course(40).season[0, np.arange(40, 52) % 12]
    assert (np.diff(ahead) > 0).all()
    assert np.diff(np.diff(ahead)).max() < 0
    assert ahead[-1] - ahead[-2] < (ahead[1] - ahead[0]) / 5


def test_a_young_series_grows_as_older_ones_did_and_less_than_all_of_it() -> None:
    months = np.arange(20)
    older = 10 * (1 + 0.08 * months) * CALENDAR.working[:20]
    younger = np.where(months < 16, np.nan, 10 * CALENDAR.working[:20])
    grown = forecast_counts(counted([older, younger])).expected[1] / CALENDAR.working[20:32]
    assert (np.diff(grown) > 0).all()
    alone = forecast_counts(counted([younger])).expected[0] / CALENDAR.working[20:32]
    assert (alone < grown).all()
    assert grown[-1] / alone[-1] < 1 + 0.08 * 12
    # Who has no year behind it teaches nothing.
    short = forecast_counts(counted([np.where(months < 9, np.nan, older), younger])).expected[1]
    assert short / CALENDAR.working[20:32] == pytest.approx(alone)


def test_a_month_that_was_not_delivered_says_nothing() -> None:
    history = 12 * CALENDAR.working[None, :9]
    history[0, 7] = np.nan
    assert forecast_counts(counted(history)).expected[0] == pytest.approx(12 * CALENDAR.working[9:21])


def test_the_future_is_not_looked_at() -> None:
    random = np.random.default_rng(7)
    history = random.poisson(300, size=(3, 40)).astype(float)
    late = history.copy()
    late[:, 30:] *= 5
    kinds = ["ct", "ct", "mr"]
    made = [forecast_counts(counted(each[:, :30], kinds)) for each in (history, late)]
    assert (made[0].expected == made[1].expected).all()
    assert (made[0].high == made[1].high).all()
    assert (Hindsight(counted(late, kinds)).expected(30) == made[0].expected).all()


def test_a_forecast_needs_a_month_and_a_calendar() -> None:
    with pytest.raises(ValueError, match="a month of counts"):
        forecast_counts(counted(np.zeros((1, 0))))
    with pytest.raises(ValueError, match="a calendar"):
        forecast_counts(counted(np.zeros((1, 67))))


def test_rates_before_a_day_are_those_of_a_forecast_made_on_it() -> None:
    usage = [Usage("a", "ct", date(2024 + m // 12, m % 12 + 1, 5), 300 + 10 * m) for m in range(30)]
    usage += [Usage("b", "ct", date(2026, month, 5), 200) for month in range(1, 7)]
    ever = [Activation("a", "ct", date(2024, 1, 1)), Activation("b", "ct", date(2026, 1, 1))]
    ever.append(Activation("c", "ct", date(2025, 1, 1), end=date(2026, 3, 1)))
    usage += [Usage("c", "ct", date(2025, month, 6), 150) for month in range(1, 13)]
    days = [date(2026, 2, 1), date(2026, 7, 1)]
    found = rates_before(usage, ever, days)
    for day in days:
        alone = daily_rates([entry for entry in usage if entry.on < day], ever, day)
        for trust in "abc":
            assert found[day].of(trust, "ct", day) == alone.of(trust, "ct", day)
    assert found[days[0]].of("c", "ct", days[0]) is not None
    assert found[days[1]].of("c", "ct", days[1]) is None


@pytest.mark.parametrize(
    ("lived", "over", "shape", "share"),
    [(1, 0, "linear", "1"), (1, 4, "linear", "0.25"), (4, 4, "linear", "1"), (1, 4, "s_curve", "0.15625"), (2, 4, "s_curve", "0.5")],
)  # fmt: skip
def test_adoption_reaches_the_full_volume(lived: int, over: int, shape: str, share: str) -> None:
    assert adopted(lived, over, shape) == Decimal(share)  # type: ignore[arg-type]


def test_a_plan_of_volumes_written_out_is_the_forecast() -> None:
    term = AgreementTerm(date(2026, 1, 1), date(2027, 7, 1))
    running = Activation("a", "ct", date(2025, 1, 1))
    plan = Plan(Activation("b", "ct", date(2026, 9, 14)), 301, 6, "s_curve")
    usage = [Usage("a", "ct", date(2026, month, 5), 400 + 10 * month) for month in range(1, 7)]
    rates = daily_rates(usage, [running], date(2026, 7, 1))
    period = Period(date(2026, 7, 1), date(2027, 12, 1))
    made = volume_plan(term, usage, rates, [running], [plan], period, Decimal("0.02"))
    expected = forecast(rates, [running], [plan], Period(period.start, term.end), Decimal("0.02"))
    assert sorted(made.expected_usage(), key=repr) == sorted([*usage, *expected], key=repr)
    assert made.start == date(2026, 7, 1)


def wandering(size: float, months: int = 48, seed: int = 11, rows: int = 8) -> NDArray[np.float64]:
    """Draw counts of trusts whose level wanders for good, by so much a month."""
    random = np.random.default_rng(seed)
    level = np.exp(np.cumsum(random.normal(0, size, (rows, months)), axis=1))
    return random.poisson(40 * level * DAYS[:months]).astype(float)


def eight_of_ten(spread: Spread, months: int) -> float:
    """Give how wide the middle eight of ten draws of a month's volume are, so many months ahead, as a share of what is expected."""
    start = date(2026, 1, 1)
    cells = tuple(Cell("trust-0", "ct", (add_months(start, number),), Decimal(10_000)) for number in range(months))
    grid = Grid.of(VolumePlan(start, (), cells))
    *_, last = (volumes[0].copy() for volumes in monthly_volumes(grid, spread, 1, 0))
    low, high = np.quantile(last, (0.1, 0.9))
    return float(high - low) / 10_000


@pytest.mark.parametrize("size", [0.01, 0.04])
def test_a_band_widens_with_every_month_ahead(size: float) -> None:
    found = estimate_spread(counted(wandering(size))).spread
    widths = [eight_of_ten(found, months) for months in (1, 3, 6, 12, 24)]
    assert widths == sorted(widths)
    assert widths[3] > 1.2 * widths[0]


def test_a_level_that_wanders_more_has_a_wider_band() -> None:
    narrow, wide = (estimate_spread(counted(wandering(size))).spread for size in (0.01, 0.04))
    assert eight_of_ten(wide, 6) > 1.5 * eight_of_ten(narrow, 6)


def test_more_history_narrows_the_band() -> None:
    history = np.full((4, 40), 30.0) * DAYS[:40]
    widths = [eight_of_ten(estimate_spread(counted(history[:, -months:])).spread, 6) for months in (2, 6, 12, 24, 40)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < widths[0] / 2


def test_a_step_in_the_counts_widens_the_band() -> None:
    history = wandering(0.01)
    stepped = history.copy()
    stepped[:4, -4:] *= 1.4
    before, after = (estimate_spread(counted(each)).spread for each in (history, stepped))
    assert eight_of_ten(after, 6) > 1.1 * eight_of_ten(before, 6)


def test_what_is_planned_has_a_wider_band_than_what_runs() -> None:
    found = estimate_spread(counted(wandering(0.01))).spread
    planned = replace(found, planned=frozenset({("trust-0", "ct")}))
    assert found.adoption > 0
    assert eight_of_ten(planned, 6) > 1.2 * eight_of_ten(found, 6)


def test_what_all_have_in_common_is_told_from_what_single_trusts_have() -> None:
    random = np.random.default_rng(3)
    together = np.exp(np.cumsum(random.normal(0, 0.04, 48)))
    common = estimate_spread(counted(40 * together * DAYS[:48] * np.ones((8, 1)))).spread
    apart = estimate_spread(counted(wandering(0.04))).spread
    assert common.common > 2 * common.trust
    assert apart.trust > apart.common


def test_without_history_the_spreads_are_those_of_what_is_new() -> None:
    for months in (0, 1):
        found = estimate_spread(counted(np.full((2, months), 50.0)))
        assert found.origins == 0
        assert eight_of_ten(found.spread, 1) > 0.2
        assert found.spread.adoption >= Decimal("0.3")


def test_a_total_and_a_kind_with_gaps_are_left_out() -> None:
    months = [date(2024, month, 1) for month in range(1, 5)]
    rows = {(trust, kind, month): 10 for trust in ("a", "b") for kind in ("ct", "mr") for month in months}
    rows |= {("all", kind, month): 25 for kind in ("ct", "mr") for month in months}
    del rows["b", "mr", months[2]]
    counts = assemble(rows, public_holidays)
    assert (counts.trusts, counts.kinds) == (("a", "b"), ("ct", "ct"))
    assert counts.values.tolist() == [[10.0] * 4] * 2


def test_errors_are_scored_as_they_are_defined() -> None:
    rows = {("a", "ct", date(2022 + m // 12, m % 12 + 1, 1)): 100 + (m >= 24) * 100 for m in range(36)}
    rows |= {("b", "ct", month): count for (_, _, month), count in rows.items()}
    counts = replace(assemble(rows, public_holidays), calendar=Calendar(np.full(48, 20.0), np.full(48, 10.0)))
    assert origins_of(counts, number=1) == [24]
    (score,) = backtest(counts, [24], {"naive": seasonal_naive})
    assert (score.wape, score.mean_wape, score.year_error, score.coverage) == (50.0, 50.0, 50.0, None)
    (score,) = backtest(counts, [24], {"mean": mean_of_three})
    assert score.wape == 50.0


def test_on_real_counts_the_bars_hold(sample_data: Path) -> None:
    told = CliRunner().invoke(backtest_command, [str(sample_data / "usage"), "--holidays", "GB/ENG", "--json"])
    assert told.exit_code == 0, told.output
    import json

    document = json.loads(told.stdout)
    scores = {score["method"]: score for score in document["methods"]}
    assert (document["series"], document["origins"][0], document["origins"][-1]) == (72, "2022-04", "2024-04")
    ours, cold = scores["Trinnvis"], scores["Trinnvis, from 3 months"]
    assert max(ours["wape"], ours["mean_wape"]) <= 8.45
    assert ours["year_error"] <= 6.5
    assert 75 <= ours["coverage"] <= 85
    assert max(cold["wape"], cold["mean_wape"]) <= 9.4
    assert ours["mean_wape"] < scores["mean of 3 per working day"]["mean_wape"] < scores["seasonal naive"]["mean_wape"]
    assert set(PRODUCT) <= set(scores)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("month,trust,count\n2024-01-01,a,1\n", "columns"),
        ("month,trust,algorithm,count\n2024-01,a,ct,x\n", "line 2"),
        ("month,trust,algorithm,count\n2024-01,a,ct,5\n", "too few months"),
    ],
    ids=["a column is missing", "no number", "too short"],
)
def test_a_backtest_says_what_is_wrong(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "counts.csv").write_text(content, encoding="utf-8")
    told = CliRunner().invoke(backtest_command, [str(tmp_path)])
    assert told.exit_code == 3
    assert said in told.output


def test_holidays_of_nowhere_are_refused() -> None:
    with pytest.raises(ValueError, match="not known"):
        public_holidays_of("XX", None, 2024)
