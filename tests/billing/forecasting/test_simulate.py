"""A simulation is the rating, draw by draw: shown by writing draws out and rating them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from bisect import bisect_left
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from billing.forecasting.draws import Grid, at_drawn_level, monthly_volumes
from billing.forecasting.engine import Engine
from billing.forecasting.exhaustion import exhaustion, exhaustion_days, spread_over_days
from billing.forecasting.layout import lay_out
from billing.forecasting.simulate import Cell, Simulation, Spread, VolumePlan, simulate, written_usage
from billing.rating.rate import CompiledTerms, compile_terms, rate_compiled
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, Usage
from contracts.terms.price_models import Package, Volume
from contracts.terms.working_days import working_days
from tests.billing.rating.notation import book, limit, ramp, tiers, usage_charge
from tests.soak.projection import NOISE, bound, off_by, random_plan, random_terms

from fractions import Fraction  # isort: skip


def in_the_engine(compiled: CompiledTerms, plan: VolumePlan, period: Period) -> float:
    """Take the one course of a plan without randomness through the arrays, in øre."""
    starts = compiled.book.starts
    first, last = bisect_left(starts, period.start), bisect_left(starts, period.end)
    engine = Engine(lay_out(compiled, plan, frozenset(), last), first, last)
    return float(sum(tally.net[0] for _, tally in engine.chunk(Spread(), 0, 0)))


@pytest.mark.parametrize("first", range(0, 300, 100))
def test_without_spread_a_simulation_is_the_rating_to_the_ore(first: int) -> None:
    for seed in range(first, first + 100):
        request, compiled = random_terms(seed)
        plan = random_plan(seed, request) if seed % 2 else VolumePlan(request.agreement.start, request.usage)
        term = request.agreement.period
        rating = rate_compiled(compiled, plan.expected_usage(), term)
        simulation = simulate(compiled, plan, Spread(), term, draws=1, seed=seed)
        assert simulation.totals.tolist() == [rating.total_ore], seed
        assert sum(simulation.list_price) - sum(simulation.discount) == rating.total_ore
        by_trust = sum(int(share.draws[0]) for share in simulation.trusts.values())
        assert by_trust == rating.total_ore == sum(sum(share.months) for share in simulation.trusts.values())


@pytest.mark.parametrize("first", range(0, 300, 100))
def test_the_arrays_alone_come_to_the_rating_within_the_rounding_of_its_lines(first: int) -> None:
    for seed in range(first, first + 100):
        request, compiled = random_terms(seed)
        rating = rate_compiled(compiled, request.usage, request.period)
        found = in_the_engine(compiled, VolumePlan(request.agreement.start, request.usage), request.period)
        assert abs(found - rating.total_ore) <= bound(rating) + 1e-6, seed


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_draws_written_out_are_rated_to_what_the_simulation_said(first: int) -> None:
    for seed in range(first, first + 20):
        for difference, most in off_by(seed, 3):
            assert difference <= most, (seed, difference, most)


TERM = AgreementTerm(date(2024, 1, 1), date(2026, 1, 1))
TRUSTS, ALGORITHMS = ("a", "b", "c"), ("ct", "mr")
ACTIVATIONS = tuple(Activation(trust, algorithm, TERM.start) for trust in TRUSTS for algorithm in ALGORITHMS)


def plan_of(keys: tuple[tuple[str, str], ...], volume: str = "120.5", first: int = 3) -> VolumePlan:
    """Expect the same volume every month from the first so many on."""
    months = TERM.period.months()[first:]
    cells = [
        Cell(trust, algorithm, tuple(working_days(month)), Decimal(volume))
        for month in months
        for trust, algorithm in keys
    ]
    known = tuple(Usage(trust, algorithm, date(2024, 1, 3), 100) for trust, algorithm in keys if first)
    return VolumePlan(months[0].start, known, tuple(cells))


ALL = tuple((trust, algorithm) for trust in TRUSTS for algorithm in ALGORITHMS)
POOLED = tiers("1000@60, 4000@45, *@20")
BOOKS = {
    "graduated": book(*(usage_charge("1000@60, 4000@45, *@20", code=f"u{a}", algorithms=(a,)) for a in ALGORITHMS)),
    "volume": book(*(usage_charge(Volume(POOLED), code=f"u{a}", algorithms=(a,)) for a in ALGORITHMS)),
    "package": book(*(usage_charge(Package(500, Decimal("9000")), code=f"u{a}", algorithms=(a,)) for a in ALGORITHMS)),
    "minimum": book(usage_charge("1000@60, *@20", window="quarter", minimum=limit("60 000", window="quarter"))),
    "maximum": book(usage_charge("1000@60, *@20", maximum=limit("20 000", per="trust", window="quarter"))),
    "ramp": book(usage_charge("1000@60+99, 4000@45, *@20", ramp_up=ramp("6m@0.60", "9m@0.30"))),
    "unit ramp": book(usage_charge("1000@60, 4000@45, *@20", ramp_up=ramp("700u@1", "900u@0.30", counts=False))),
}


def run(
    name: str, plan: VolumePlan, draws: int = 20, seed: int = 7, threads: int = 1
) -> tuple[Simulation, CompiledTerms]:
    compiled = compile_terms(TERM, BOOKS[name], ACTIVATIONS)
    return simulate(compiled, plan, NOISE, TERM.period, draws=draws, seed=seed, threads=threads), compiled


@pytest.mark.parametrize("name", BOOKS)
def test_twenty_draws_of_every_price_model_are_within_their_lines_rounding(name: str) -> None:
    plan = plan_of(ALL)
    simulation, compiled = run(name, plan)
    ratings = [rate_compiled(compiled, written_usage(plan, NOISE, 7, draw), TERM.period) for draw in range(20)]
    for draw, rating in enumerate(ratings):
        difference = abs(int(simulation.totals[draw]) - rating.total_ore)
        assert difference <= bound(rating)
    assert len({rating.total_ore for rating in ratings}) > 1
    # And who pays: less than a unit's price a crossed tier, month and trust beside the exact shares.
    for trust in TRUSTS:
        exact = [sum(line.net_ore for line in rating.lines if line.trust == trust) for rating in ratings]
        assert simulation.trusts[trust].draws == pytest.approx(exact, rel=2e-3, abs=6000)


STAGGERED = (Activation("a", "ct", date(2024, 1, 1)), Activation("b", "ct", date(2024, 3, 1)))


@pytest.mark.parametrize("model", ["7@0, *@104.88", "30@0, 60@3.37, *@104.88", "7@0, 9@104.88, 11@10.5, *@88"])
@pytest.mark.parametrize("volume", ["20.5", "2700"])
def test_dear_units_after_free_ones_stay_within_the_bound_that_is_stated(model: str, volume: str) -> None:
    charge = usage_charge(model, window="month", ramp_up=ramp("6m@0.60", "9m@0.30"))
    compiled = compile_terms(TERM, book(charge), STAGGERED)
    months = TERM.period.months()
    cells = tuple(
        Cell(each.trust, each.algorithm, tuple(working_days(month)), Decimal(volume))
        for month in months
        for each in STAGGERED
        if each.go_live <= month.start
    )
    plan = VolumePlan(TERM.start, (), cells)
    simulation = simulate(compiled, plan, NOISE, TERM.period, draws=20, seed=7)
    beyond_lines = 0
    for draw in range(20):
        rating = rate_compiled(compiled, written_usage(plan, NOISE, 7, draw), TERM.period)
        difference = abs(int(simulation.totals[draw]) - rating.total_ore)
        assert difference <= bound(rating)
        beyond_lines += difference > len(rating.lines)
    # The rounding of lines alone is no bound: many units let whole ones be passed over.
    assert bool(beyond_lines) == (volume == "2700")


def digest(simulation: Simulation) -> str:
    parts = [simulation.cost.tobytes(), repr(simulation.list_price).encode()]
    parts += [f"{name}{share.draws.tobytes()!r}{share.months}".encode() for name, share in simulation.trusts.items()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_threads_change_no_byte() -> None:
    plan = plan_of(ALL)
    assert digest(run("ramp", plan, 1700)[0]) == digest(run("ramp", plan, 1700, threads=2)[0])


@pytest.mark.parametrize(
    "environment", [{"PYTHONHASHSEED": "1", "LC_ALL": "C"}, {"PYTHONHASHSEED": "2", "LC_ALL": "nb_NO.UTF-8"}]
)
def test_another_process_with_another_hash_seed_and_locale_changes_no_byte(environment: dict[str, str]) -> None:
    script = (
        "from tests.billing.forecasting import test_simulate as t; import sys;"
        "sys.stdout.write(t.digest(t.run('ramp', t.plan_of(t.ALL), 700)[0]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    )
    assert told.stdout == digest(run("ramp", plan_of(ALL), 700)[0])


def test_more_draws_leave_the_first_ones_as_they_were() -> None:
    plan = plan_of(ALL)
    few, many = run("graduated", plan, 600)[0], run("graduated", plan, 1100)[0]
    assert (few.cost == many.cost[:, :600]).all()


def test_a_further_activation_leaves_every_other_volume_as_it_was() -> None:
    without, with_ = plan_of(ALL[:3]), plan_of(ALL)
    ours = [volumes.copy() for volumes in monthly_volumes(Grid.of(without), NOISE, 7, 0)]
    theirs = [volumes.copy() for volumes in monthly_volumes(Grid.of(with_), NOISE, 7, 0)]
    rows = [Grid.of(with_).keys.index(key) for key in Grid.of(without).keys]
    assert len(ours) == len(theirs) == 21
    for one, other in zip(ours, theirs, strict=True):
        assert (one[:-1] == other[rows]).all()
    assert ours[0].std() > 0


def test_factors_have_the_mean_and_spread_they_are_given() -> None:
    spread = Spread(trust=Decimal("0.2"), rho=Decimal("0.5"))
    plan = plan_of((("a", "ct"),), volume="100000")
    months = [
        volumes[0].copy()
        for chunk in range(20)
        for volumes in list(monthly_volumes(Grid.of(plan), spread, 3, chunk))[:1]
    ]
    first = np.concatenate(months) / 100_000
    assert first.mean() == pytest.approx(1, abs=0.01)
    assert np.log(first).std() == pytest.approx(0.2, abs=0.01)


def test_an_exact_half_goes_up_and_a_deviation_lasts_by_rho() -> None:
    plan = plan_of((("a", "ct"),), volume="2.5")
    still = next(monthly_volumes(Grid.of(plan), Spread(algorithm=Decimal("0.0000001")), 3, 0))
    assert still[0].mean() == pytest.approx(2.5, abs=0.2)
    certain = next(monthly_volumes(Grid.of(plan), Spread(), 3, 0))
    assert set(certain[0].tolist()) == {3.0}
    spread = Spread(trust=Decimal("0.2"), rho=Decimal("0.9"))
    large = plan_of((("a", "ct"),), volume="100000")
    course = np.log(np.array([volumes[0].copy() for volumes in monthly_volumes(Grid.of(large), spread, 3, 0)]))
    assert np.corrcoef(course[5], course[6])[0, 1] == pytest.approx(0.9, abs=0.05)
    assert course[20].std() == pytest.approx(0.2, abs=0.03)


def test_months_after_the_end_cost_nothing_and_are_marked() -> None:
    compiled = compile_terms(TERM, BOOKS["graduated"], ACTIVATIONS)
    period = Period(date(2025, 11, 1), date(2026, 3, 1))
    simulation = simulate(compiled, plan_of(ALL), NOISE, period, draws=3, seed=1)
    assert simulation.after_end == (False, False, True, True)
    assert (simulation.cost[:2] > 0).all()
    assert not simulation.cost[2:].any()


def test_what_comes_before_the_period_moves_the_counters_only() -> None:
    compiled = compile_terms(TERM, BOOKS["graduated"], ACTIVATIONS)
    whole = simulate(compiled, plan_of(ALL), NOISE, TERM.period, draws=30, seed=1)
    late = simulate(compiled, plan_of(ALL), NOISE, Period(date(2024, 7, 1), TERM.end), draws=30, seed=1)
    assert (whole.cost[6:] == late.cost).all()


def test_the_difference_of_two_simulations_is_taken_draw_by_draw() -> None:
    with_, without = run("graduated", plan_of(ALL), 30)[0], run("graduated", plan_of(ALL[:5]), 30)[0]
    difference = with_.minus(without)
    assert (difference.totals == with_.totals - without.totals).all()
    assert sum(difference.trusts["c"].months) == sum(with_.trusts["c"].months) - sum(without.trusts["c"].months)
    with pytest.raises(ValueError, match="same months"):
        with_.minus(run("graduated", plan_of(ALL), 30, seed=8)[0])


def test_a_fan_holds_percentiles_of_draws_in_order() -> None:
    simulation = run("volume", plan_of(ALL), 1000)[0]
    for fan, month in zip(simulation.fans(), simulation.cost, strict=True):
        assert fan.p10 <= fan.p50 <= fan.p90
        assert int(fan.p10 * 100) in month
    total = simulation.total()
    assert sum(int(each) for each in simulation.totals <= int(total.p10 * 100)) >= 100


def test_a_caller_is_told_after_every_chunk() -> None:
    told: list[int] = []
    compiled = compile_terms(TERM, BOOKS["graduated"], ACTIVATIONS)
    simulate(
        compiled, plan_of(ALL), NOISE, TERM.period, draws=1200, seed=1, on_chunk=lambda part: told.append(part.draws)
    )
    assert told == [500, 1000, 1200]


@pytest.mark.parametrize(
    ("whole", "factors", "step", "exact"),
    [
        pytest.param(60_000_000, (10_300, 10_250), 10_000, 63_350_000, id="a half that binary numbers would miss"),
        pytest.param(60_000_000, (10_300,), 10_000, 61_800_000, id="whole"),
        pytest.param(-150, (10_100,), 1, -152, id="away from zero"),
    ],
)
def test_a_price_is_brought_to_a_drawn_level_exactly(
    whole: int, factors: tuple[int, ...], step: int, exact: int
) -> None:
    drawn = [np.array([factor]) for factor in factors]
    assert at_drawn_level(whole, Fraction(1), drawn, step).tolist() == [exact]


@pytest.mark.parametrize(
    "days",
    [(), (date(2024, 4, 2), date(2024, 4, 2)), (date(2024, 4, 30), date(2024, 5, 2)), (date(2024, 3, 1),)],
    ids=["no day", "twice", "two months", "before the start"],
)
def test_a_cell_has_days_of_one_month(days: tuple[date, ...]) -> None:
    with pytest.raises(ValueError, match="days"):
        VolumePlan(date(2024, 4, 1), (), (Cell("a", "ct", days, Decimal(1)),))


def test_a_cell_without_an_activation_is_refused() -> None:
    compiled = compile_terms(TERM, BOOKS["graduated"], ACTIVATIONS)
    plan = VolumePlan(date(2024, 4, 1), (), (Cell("z", "ct", (date(2024, 4, 2),), Decimal(1)),))
    with pytest.raises(ValueError, match="no activation"):
        simulate(compiled, plan, NOISE, TERM.period, draws=1, seed=1)


@pytest.mark.parametrize(
    ("left", "day", "never"),
    [
        pytest.param(0, date(2024, 1, 1), "0", id="nothing left"),
        pytest.param(1, date(2024, 1, 2), "0", id="the first working day"),
        pytest.param(22 * 10000, date(2024, 1, 31), "0", id="with the month's last working day"),
        pytest.param(22 * 10000 + 1, date(2024, 2, 1), "0", id="just after"),
        pytest.param(10**12, None, "1", id="never"),
    ],
)
def test_an_amount_is_used_up_on_a_working_day(left: int, day: date | None, never: str) -> None:
    compiled = compile_terms(TERM, book(usage_charge("*@100")), ACTIVATIONS)
    cells = tuple(
        Cell("a", "ct", tuple(working_days(month)), Decimal(len(working_days(month)))) for month in TERM.period.months()
    )
    simulation = simulate(compiled, VolumePlan(TERM.start, (), cells), Spread(), TERM.period, draws=3, seed=1)
    found = exhaustion(simulation, left)
    assert (found.p10, found.p50, found.p90, found.never) == (day, day, day, Decimal(never))


def test_the_day_of_exhaustion_has_percentiles_and_a_share_never() -> None:
    simulation = run("graduated", plan_of(ALL), 1000)[0]
    ceiling = int(np.quantile(simulation.totals, 0.05))
    found = exhaustion(simulation, ceiling)
    assert found.p10 is not None
    assert found.p90 is not None
    assert found.p10 < found.p90
    assert found.never == Decimal((simulation.totals < ceiling).sum().item()) / 1000
    late = exhaustion(simulation, int(np.quantile(simulation.totals, 0.8)))
    assert late.p50 is None or late.p50 <= date(2025, 12, 31)
    assert late.never > Decimal("0.7")
    assert late.p90 is None
    course = spread_over_days(simulation, 0)
    assert course[-1] == (date(2025, 12, 31), int(simulation.totals[0]))
    day = next(day for day, spent in course if spent >= ceiling) if simulation.totals[0] >= ceiling else date.max
    assert exhaustion_days(simulation, ceiling)[0] == day.toordinal()
