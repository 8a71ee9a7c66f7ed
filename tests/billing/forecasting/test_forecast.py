"""The forecast: what it expects of plain series, what it leaves alone, and how far off it was on real counts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from billing.commands.forecast import backtest_command
from billing.forecasting.adoption import adopted
from billing.forecasting.backtest import PRODUCT, assemble, backtest, mean_of_three, origins_of, seasonal_naive
from billing.forecasting.daily_rates import Plan, daily_rates, forecast
from billing.forecasting.methods import Calendar, choose_method, extrapolate, forecast_counts
from billing.forecasting.spread import estimate_spread
from billing.forecasting.volumes import volume_plan
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, Usage
from contracts.terms.working_days import public_holidays, public_holidays_of

FIRST = date(2022, 1, 1)
CALENDAR = Calendar.of(FIRST, 60, public_holidays)


def test_a_steady_rate_per_working_day_goes_on() -> None:
    history = 12 * CALENDAR.working[None, :4]
    made = forecast_counts(history, CALENDAR, 1, ["ct"])
    assert made.method == "mean"
    assert made.expected[0] == pytest.approx(12 * CALENDAR.working[4:16])
    assert (made.low <= made.expected).all()
    assert (made.high >= made.expected).all()


def test_no_trend_is_extrapolated_from_short_history() -> None:
    rising = np.linspace(100, 200, 12)[None, :] * CALENDAR.working[:12] / 20
    made = forecast_counts(rising, CALENDAR, 1, ["ct"])
    rates = made.expected[0] / CALENDAR.working[12:24]
    assert rates == pytest.approx(rates[0])


def test_a_season_is_used_from_two_years_on_where_it_errs_less() -> None:
    random = np.random.default_rng(5)
    season = 1 + 0.25 * np.sin(np.arange(60) / 6 * np.pi)
    series = 200 * season * (CALENDAR.working + 0.3 * CALENDAR.off) / 20
    history = np.array([random.poisson(series[:48]) for _ in range(6)]).astype(float)
    assert choose_method(history, CALENDAR, 1, ["ct"] * 6) in ("seasonal", "damped")
    made = forecast_counts(history, CALENDAR, 1, ["ct"] * 6)
    assert np.abs(made.expected.mean(axis=0) / series[48:] - 1).mean() < 0.06
    assert choose_method(history[:, :23], CALENDAR, 1, ["ct"] * 6) == "mean"


def test_the_mean_stays_where_no_other_method_is_clearly_better() -> None:
    random = np.random.default_rng(6)
    history = random.poisson(30 * CALENDAR.working[:36], size=(4, 36)).astype(float)
    assert choose_method(history, CALENDAR, 1, ["ct"] * 4) == "mean"


def test_a_trend_fades() -> None:
    rising = (100 + 2.0 * np.arange(40))[None, :] * CALENDAR.weighted(0.3)[:40]
    ahead = extrapolate("damped", rising, CALENDAR, 1, ["ct"], 12)[0] / CALENDAR.weighted(0.3)[40:52]
    assert np.diff(ahead).max() == pytest.approx(np.diff(ahead)[0])
    assert ahead[-1] - ahead[-2] < (ahead[1] - ahead[0]) / 5


def test_the_future_is_not_looked_at() -> None:
    random = np.random.default_rng(7)
    history = random.poisson(300, size=(3, 40)).astype(float)
    late = history.copy()
    late[:, 30:] *= 5
    made = [forecast_counts(each[:, :30], CALENDAR, 1, ["ct", "ct", "mr"]) for each in (history, late)]
    assert (made[0].expected == made[1].expected).all()
    assert (made[0].high == made[1].high).all()


def test_a_forecast_needs_a_month_and_a_calendar() -> None:
    with pytest.raises(ValueError, match="a month of history"):
        forecast_counts(np.zeros((1, 0)), CALENDAR, 1, ["ct"])
    with pytest.raises(ValueError, match="a calendar"):
        forecast_counts(np.zeros((1, 55)), CALENDAR, 1, ["ct"])


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


def test_spreads_are_estimated_back() -> None:
    random = np.random.default_rng(11)
    months, trusts, algorithms = 24, list("abcdefgh"), ["ct", "mr", "xr", "us", "nm", "pet"]

    def wander(size: float, rows: int) -> np.ndarray:
        course = np.zeros((rows, months))
        course[:, 0] = random.normal(0, size, rows)
        for month in range(1, months):
            course[:, month] = 0.5 * course[:, month - 1] + random.normal(0, size * np.sqrt(0.75), rows)
        return np.exp(course)

    of_trust, of_algorithm = wander(0.12, len(trusts)), wander(0.06, len(algorithms))
    keys = [(i, j) for i in range(len(trusts)) for j in range(len(algorithms))]
    history = np.array([random.poisson(900 * of_trust[i] * of_algorithm[j]) for i, j in keys]).astype(float)
    found = estimate_spread(
        history, [trusts[i] for i, _ in keys], [algorithms[j] for _, j in keys], np.full(months, 1.0)
    )
    assert float(found.spread.trust) == pytest.approx(0.12, abs=0.04)
    assert float(found.spread.algorithm) == pytest.approx(0.06, abs=0.03)
    assert abs(found.growth) < Decimal("0.03")
    assert 0.2 <= float(found.spread.rho) <= 0.7


def test_little_history_gives_cautious_spreads() -> None:
    found = estimate_spread(np.full((2, 3), 50.0), ["a", "b"], ["ct", "ct"], np.full(3, 20.0))
    assert found.growth == 0
    assert found.spread.trust == Decimal("0.1000")
    assert found.spread.growth == Decimal("0.0300")


def test_a_total_and_a_kind_with_gaps_are_left_out() -> None:
    months = [date(2024, month, 1) for month in range(1, 5)]
    rows = {(trust, kind, month): 10 for trust in ("a", "b") for kind in ("ct", "mr") for month in months}
    rows |= {("all", kind, month): 25 for kind in ("ct", "mr") for month in months}
    del rows["b", "mr", months[2]]
    counts = assemble(rows)
    assert (counts.trusts, counts.kinds) == (("a", "b"), ("ct", "ct"))
    assert counts.values.tolist() == [[10.0] * 4] * 2


def test_errors_are_scored_as_they_are_defined() -> None:
    rows = {("a", "ct", date(2022 + m // 12, m % 12 + 1, 1)): 100 + (m >= 24) * 100 for m in range(36)}
    rows |= {("b", "ct", month): count for (_, _, month), count in rows.items()}
    counts = assemble(rows)
    flat = Calendar(np.full(36, 20.0), np.full(36, 10.0))
    assert origins_of(counts, number=1) == [24]
    (score,) = backtest(counts, flat, [24], {"naive": seasonal_naive})
    assert (score.wape, score.mean_wape, score.year_error, score.coverage) == (50.0, 50.0, 50.0, None)
    (score,) = backtest(counts, flat, [24], {"mean": mean_of_three})
    assert score.wape == 50.0


def test_on_real_counts_the_bars_hold(sample_data: Path) -> None:
    told = CliRunner().invoke(backtest_command, [str(sample_data / "usage"), "--holidays", "GB/ENG", "--json"])
    assert told.exit_code == 0, told.output
    import json

    document = json.loads(told.stdout)
    scores = {score["method"]: score for score in document["methods"]}
    assert (document["series"], document["origins"][0], document["origins"][-1]) == (72, "2022-04", "2024-04")
    ours, cold = scores["Trinnvis"], scores["Trinnvis, from 3 months"]
    assert max(ours["wape"], ours["mean_wape"]) <= 9.0
    assert ours["year_error"] <= 6.5
    assert 75 <= ours["coverage"] <= 85
    assert max(cold["wape"], cold["mean_wape"]) <= 9.5
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
