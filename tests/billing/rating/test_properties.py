"""What holds for every agreement: splits, sharing, order, names and what-ifs."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.rating.rate import Line, PriceRequest, compile_terms, marginal, rate, rate_compiled
from contracts.terms.period import WINDOW_KINDS, Period
from contracts.terms.price_book import (
    Activation,
    AgreementTerm,
    IndexAdjustment,
    PriceBook,
    PriceBookVersion,
    Usage,
    check,
    errors_of,
)
from contracts.terms.price_model import (
    Charge,
    Conventions,
    Counter,
    FixedCharge,
    Limit,
    OneOffCharge,
    RampPhase,
    RampUp,
    UsageCharge,
)
from contracts.terms.price_models import Graduated, Package, Tier, Volume

TRUSTS = ("akershus", "oslo", "sorlandet")
ALGORITHMS = ("ct-pe", "xray-chest")
SCOPES = ("activation", "trust", "agreement")
TERM = AgreementTerm(date(2024, 1, 15), date(2025, 7, 1))

amounts = st.integers(0, 50_000).map(lambda ore: Decimal(ore).scaleb(-2))
unit_prices = st.integers(0, 900_000).map(lambda price: Decimal(price).scaleb(-4))
discounts = st.sampled_from([Decimal(text) for text in ("0", "0.125", "0.30", "0.50", "1")])


@st.composite
def tier_lists(draw: st.DrawFn) -> tuple[Tier, ...]:
    bounds = sorted(draw(st.sets(st.integers(1, 120), max_size=3)))
    return tuple(Tier(bound, draw(unit_prices), draw(amounts)) for bound in [*bounds, None])


@st.composite
def ramps(draw: st.DrawFn, units: bool = True, counts: bool = True) -> RampUp:
    by_units = units and draw(st.booleans())
    phases = tuple(
        RampPhase(draw(discounts), units=draw(st.integers(1, 60)))
        if by_units
        else RampPhase(draw(discounts), months=draw(st.integers(1, 4)))
        for _ in range(draw(st.integers(1, 2)))
    )
    return RampUp(phases, draw(st.sampled_from(["go_live", "next_month"])), counts or draw(st.booleans()))  # type: ignore[arg-type]


limits = st.builds(Limit, amounts, st.sampled_from(SCOPES), st.sampled_from(WINDOW_KINDS), st.booleans())
covered = st.sampled_from([None, ("ct-pe",), ("ct-pe", "xray-chest")])


@st.composite
def usage_charges(draw: st.DrawFn, code: str) -> UsageCharge:
    kind = draw(st.sampled_from(["graduated", "volume", "package"]))
    model: Graduated | Volume | Package
    if kind == "package":
        model = Package(draw(st.integers(1, 40)), draw(amounts))
    else:
        model = (Graduated if kind == "graduated" else Volume)(draw(tier_lists()))
    return UsageCharge(
        code=code,
        clause="7.1",
        algorithms=draw(covered),
        model=model,
        counter=Counter(draw(st.sampled_from(SCOPES)), draw(st.sampled_from(WINDOW_KINDS))),  # type: ignore[arg-type]
        ramp_up=draw(st.none() | ramps(counts=kind == "package")),
        minimum=draw(st.none() | limits),
        maximum=draw(st.none() | limits),
    )


@st.composite
def fixed_charges(draw: st.DrawFn) -> FixedCharge:
    per = draw(st.sampled_from(SCOPES))
    return FixedCharge(
        "fee",
        "8",
        draw(amounts),
        per,  # type: ignore[arg-type]
        draw(st.sampled_from(["month", "quarter", "calendar_year", "agreement_year"])),
        draw(st.sampled_from(["none", "days"])),
        draw(covered),
        None if per == "agreement" else draw(st.none() | ramps(units=False)),
    )


@st.composite
def books(draw: st.DrawFn) -> PriceBook:
    charges: list[Charge] = [draw(usage_charges(f"u{i}")) for i in range(draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        charges.append(draw(fixed_charges()))
    if draw(st.booleans()):
        charges.append(OneOffCharge("setup", "9", draw(amounts), draw(st.sampled_from(["trust", "activation"]))))
    conventions = Conventions(
        draw(st.sampled_from(["inclusive", "exclusive"])),
        draw(st.sampled_from(["no_charge", "first_flat_fee"])),
        draw(st.integers(2, 6)),
        draw(st.sampled_from(["half_up", "half_even"])),
        draw(st.sampled_from(["after_discount", "before_discount"])),
    )
    days = draw(st.lists(st.sampled_from([date(2024, 7, 1), date(2025, 1, 1), date(2025, 1, 20)]), max_size=2))
    index = tuple(IndexAdjustment(on, Decimal(draw(st.integers(9_000, 11_000))).scaleb(-4), "7.3") for on in days)
    return PriceBook(conventions, index, (PriceBookVersion(date(2024, 1, 1), "Bilag 7", tuple(charges)),))


@st.composite
def activation_lists(draw: st.DrawFn) -> tuple[Activation, ...]:
    made = []
    for trust in TRUSTS:
        for algorithm in ALGORITHMS:
            if draw(st.booleans()):
                go_live = date(2023, 12, 1) + timedelta(days=draw(st.integers(0, 300)))
                end = draw(st.none() | st.integers(1, 300))
                ends_on = None if end is None else go_live + timedelta(days=end)
                made.append(Activation(trust, algorithm, go_live, None, ends_on))
                if ends_on is not None and draw(st.booleans()):
                    again = ends_on + timedelta(days=draw(st.integers(0, 60)))
                    made.append(Activation(trust, algorithm, again))
    return tuple(made)


@st.composite
def requests(draw: st.DrawFn) -> PriceRequest:
    activations = draw(activation_lists())
    usage = []
    for activation in activations:
        first = max(activation.go_live, TERM.start)
        last = min(activation.end or TERM.end, TERM.end)
        for _ in range(draw(st.integers(0, 5)) if first < last else 0):
            on = first + timedelta(days=draw(st.integers(0, (last - first).days - 1)))
            usage.append(Usage(activation.trust, activation.algorithm, on, draw(st.integers(0, 90))))
    return PriceRequest(TERM, TERM.period, draw(books()), activations, tuple(usage))


@given(requests())
@settings(max_examples=150, deadline=None)
def test_the_lines_of_the_term_are_those_of_its_months_whatever_is_used_later(request: PriceRequest) -> None:
    assert errors_of(check(request.price_book, TERM)) == ()
    whole = rate(request)
    compiled = compile_terms(TERM, request.price_book, request.activations)
    split: list[Line] = []
    for month in TERM.period.months():
        known = [entry for entry in request.usage if entry.on < month.end]
        split += rate_compiled(compiled, known, month).lines
    assert split == list(whole.lines)
    assert len({line.id for line in whole.lines}) == len(whole.lines)


@given(requests())
@settings(max_examples=100, deadline=None)
def test_whole_units_and_whole_ore_are_shared(request: PriceRequest) -> None:
    lines = rate(request).lines
    for charge in request.price_book.versions[0].charges:
        if not isinstance(charge, UsageCharge) or isinstance(charge.model, Package):
            continue
        billed = sum(
            line.quantity or 0 for line in lines if line.charge == charge.code and line.why in (None, "outside")
        )
        algorithms = charge.algorithms or ALGORITHMS
        assert billed == sum(entry.quantity for entry in request.usage if entry.algorithm in algorithms)
    for line in lines:
        assert line.net == line.gross - line.discount
        assert line.unit_price is None or line.unit_price >= 0


@given(requests(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_input_changes_nothing(request: PriceRequest, random: object) -> None:
    def shuffled(entries: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(random.sample(entries, len(entries)))  # type: ignore[attr-defined]

    other = PriceRequest(
        TERM,
        TERM.period,
        request.price_book,
        shuffled(request.activations),  # type: ignore[arg-type]
        shuffled(request.usage),  # type: ignore[arg-type]
    )
    assert rate(request) == rate(other)


@given(requests())
@settings(max_examples=60, deadline=None)
def test_new_names_of_trusts_in_the_same_order_change_nothing_but_the_names(request: PriceRequest) -> None:
    def renamed(entry: object) -> object:
        return type(entry)(  # type: ignore[call-arg]
            **{
                name: f"x-{getattr(entry, name)}" if name == "trust" else getattr(entry, name)
                for name in entry.__dataclass_fields__  # type: ignore[attr-defined]
            }
        )

    other = PriceRequest(
        TERM,
        TERM.period,
        request.price_book,
        tuple(map(renamed, request.activations)),  # type: ignore[arg-type]
        tuple(map(renamed, request.usage)),  # type: ignore[arg-type]
    )
    before, after = rate(request).lines, rate(other).lines
    assert [line.net for line in before] == [line.net for line in after]
    assert [line.trust and f"x-{line.trust}" for line in before] == [line.trust for line in after]


@given(requests())
@settings(max_examples=60, deadline=None)
def test_names_in_another_order_move_only_what_a_tie_moves(request: PriceRequest) -> None:
    swapped = dict(zip(TRUSTS, reversed(TRUSTS), strict=True))
    other = PriceRequest(
        TERM,
        TERM.period,
        request.price_book,
        tuple(
            Activation(swapped[a.trust], a.algorithm, a.go_live, a.validation_from, a.end) for a in request.activations
        ),
        tuple(Usage(swapped[u.trust], u.algorithm, u.on, u.quantity) for u in request.usage),
    )
    before, after = rate(request).lines, rate(other).lines

    def units(lines: tuple[Line, ...]) -> dict[object, int]:
        found: dict[object, int] = {}
        for line in lines:
            if line.why is None:
                key = (line.charge, line.period, line.tier)
                found[key] = found.get(key, 0) + (line.quantity or 0)
        return found

    assert units(before) == units(after)


@given(requests(), st.data())
@settings(max_examples=100, deadline=None)
def test_a_what_if_equals_with_less_without_to_the_ore(request: PriceRequest, data: st.DataObject) -> None:
    compiled = compile_terms(TERM, request.price_book, request.activations)
    new = Activation("nord-norge", data.draw(st.sampled_from(ALGORITHMS)), date(2024, 9, 10))
    activations = [*request.activations, new]
    more = [*request.usage, *(Usage(new.trust, new.algorithm, date(2024, 10, 1 + i), 17) for i in range(3))]
    period = data.draw(st.sampled_from([TERM.period, Period(date(2024, 10, 1), date(2025, 1, 1))]))
    difference = marginal(compiled, request.usage, more, period, activations)
    full = rate_compiled(compile_terms(TERM, request.price_book, activations), more, period)
    assert difference.total == full.total - rate_compiled(compiled, request.usage, period).total


@given(tier_lists(), st.integers(0, 200), st.integers(1, 50))
@settings(max_examples=100, deadline=None)
def test_graduated_cost_never_falls_with_volume(tiers: tuple[Tier, ...], units: int, more: int) -> None:
    charge = UsageCharge("u", "7.1", None, Graduated(tiers), Counter("agreement", "calendar_year"))
    price_book = PriceBook(versions=(PriceBookVersion(TERM.start, "v", (charge,)),))
    activation = Activation("oslo", "ct-pe", TERM.start)

    def lines(quantity: int) -> tuple[Line, ...]:
        usage = (Usage("oslo", "ct-pe", TERM.start, quantity),)
        return rate(PriceRequest(TERM, TERM.period, price_book, (activation,), usage)).lines

    few, many = lines(units), lines(units + more)
    assert sum(line.net for line in many) >= sum(line.net for line in few) - Decimal("0.01") * len(many)
