"""Every price model is asked for every fact: whoever adds one sees here what it does not say yet."""

from __future__ import annotations

import pkgutil
from bisect import bisect_left
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale

import billing.rating.models
import contracts.terms.price_models
from billing.causes.templates import WORDS
from billing.charges import basis
from billing.forecasting.draws import Spread
from billing.forecasting.engine import Engine
from billing.forecasting.layout import lay_out
from billing.forecasting.models import Arrays, arrays_of
from billing.forecasting.simulate import VolumePlan
from billing.prices.diff import Priced, compare
from billing.rating.captions import tier_intervals
from billing.rating.charge_terms import Level
from billing.rating.cliffs import cliffs
from billing.rating.models import compile_model
from billing.rating.price_list import price_list
from billing.rating.rate import compile_terms, rate_compiled
from billing.rating.volume_trial import CounterTrial
from billing.web import words
from billing.web.prices import forms
from billing.web.prices import words as price_words
from contracts.errors import InvalidInput
from contracts.extensions import db
from contracts.prices.sheet import SHEETS, read_sheet, write_sheet
from contracts.schemas.price_book import dump_version, load_version
from contracts.terms.money import kroner
from contracts.terms.price_book import IndexAdjustment, PriceBook, PriceBookVersion, check
from contracts.terms.price_model import Conventions, RampPhase, RampUp
from contracts.terms.price_models import MODELS, Field, PriceModel, Tier, misread
from contracts.web.i18n import catalogue_path, read_catalogue
from tests.billing.rating.notation import TERM, active, book, rated, usage_charge, used
from tests.recorded import record_agreement

VALUES: dict[str, Any] = {
    "whole": 100,
    "unit_price": Decimal("45.1234"),
    "amount": Decimal("990.00"),
    "tiers": (Tier(100, Decimal("60"), Decimal("10.00")), Tier(None, Decimal("45.50"), Decimal("0.00"))),
}
WRONG: dict[str, Any] = {"whole": 0, "unit_price": Decimal(-1), "amount": Decimal("0.001"), "tiers": ()}


def example(model: type[PriceModel], **other: Any) -> PriceModel:
    return model(**{field.name: VALUES[field.kind] for field in model.FIELDS} | other)


def version(model: PriceModel, **more: Any) -> PriceBookVersion:
    return PriceBookVersion(TERM.start, "Bilag 7", (usage_charge(model, **more),))


every_model = pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
fields_of_every_model = pytest.mark.parametrize(
    ("model", "field"),
    [pytest.param(model, field, id=f"{name} {field.name}") for name, model in MODELS.items() for field in model.FIELDS],
)


def test_every_file_of_a_model_is_known_and_every_model_has_its_two_files() -> None:
    for package, beside in ((contracts.terms.price_models, {"model"}), (billing.rating.models, set())):
        assert {each.name for each in pkgutil.iter_modules(package.__path__)} - beside == set(MODELS)


@every_model
def test_it_is_named_in_both_languages(model: type[PriceModel]) -> None:
    catalogue = read_catalogue("nb")
    said = [model.LABEL, model.SENTENCE, *model.FINDINGS.values()]
    said += [text for field in model.FIELDS for text in (field.label, field.word)]
    if model.READING is not None:
        said += [model.READING.name, model.READING.word, model.READING.sentence]
    assert [text for text in said if text not in catalogue or not catalogue[text].string] == [], catalogue_path("nb")
    assert WORDS[model.NAME] == model.WORDS
    assert price_words.MODELS[model.NAME] == model.LABEL


@every_model
def test_its_sentence_says_its_numbers(app: Flask, model: type[PriceModel]) -> None:
    charge = usage_charge(example(model))
    for language in ("nb", "en"):
        with app.test_request_context(), force_locale(language):
            text = words.model_sentence(charge).replace(",", ".").replace("\u00a0", " ")
        assert "%(" not in text
        for field in model.FIELDS:
            if field.kind != "tiers":
                assert str(VALUES[field.kind]) in text


@every_model
def test_its_json_and_its_workbook_come_back_as_they_were(model: type[PriceModel]) -> None:
    written = version(example(model))
    assert load_version(dump_version(written)) == written
    assert read_sheet(write_sheet(written)) == written
    own = {field.name for field in model.FIELDS if field.kind != "tiers"}
    assert own <= {column.name for column in SHEETS["charges"]}


@fields_of_every_model
def test_a_field_that_is_missing_or_another_models_is_refused_by_name(model: type[PriceModel], field: Field) -> None:
    document = dump_version(version(example(model)))
    (charge,) = document["charges"]
    del charge[field.name]
    with pytest.raises(InvalidInput) as refused:
        load_version(document)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(f"#/charges/0/{field.name}", "missing")]
    for name, other in MODELS.items():
        if field.name not in {each.name for each in other.FIELDS}:
            stranger = dump_version(version(example(other)))
            stranger["charges"][0][field.name] = dump_version(version(example(model)))["charges"][0][field.name]
            with pytest.raises(InvalidInput) as refused:
                load_version(stranger)
            assert (f"#/charges/0/{field.name}", "unknown_field") in {
                (error.pointer, error.code) for error in refused.value.errors
            }, name


@fields_of_every_model
def test_the_check_finds_a_wrong_field_at_its_place(model: type[PriceModel], field: Field) -> None:
    assert check(PriceBook(versions=(version(example(model)),)), TERM) == []
    (found,) = check(PriceBook(versions=(version(example(model, **{field.name: WRONG[field.kind]})),)), TERM)
    assert found.pointer == f"#/price_book/versions/0/charges/0/{field.name}"
    assert found.detail
    assert found.code in price_words.FINDINGS


@every_model
def test_a_form_shows_it_and_reads_it_back(app: Flask, model: type[PriceModel]) -> None:
    charge = usage_charge(example(model))
    with app.test_request_context():
        form = forms.form_of(charge)
        form.values["type"] = form.type
        read = forms.read_form(form.values)
    assert (read.errors, read.charge) == ([], charge)
    assert form.fields == model.FIELDS


@every_model
@pytest.mark.parametrize("boundary", ["inclusive", "exclusive"])
def test_its_captions_are_the_intervals_that_its_lines_stand_in(model: type[PriceModel], boundary: Any) -> None:
    charge = usage_charge(example(model))
    intervals = tier_intervals(charge, boundary)
    assert len(intervals) == len(charge.model.as_tiers())
    conventions = Conventions(boundary=boundary)
    trial = CounterTrial(charge, conventions)
    for units in (1, 99, 100, 101, 250):
        tried = trial.tried(units)
        assert tried.total == sum(tier.amount for tier in tried.tiers) + tried.flat_fees
        for tier, (first, last) in zip(tried.tiers, intervals, strict=True):
            if not model.MORE_MAY_COST_LESS:
                assert tier.quantity == max(min(units, last or units) - first + 1, 0)
            elif tier.quantity:
                assert first <= units <= (last or units)


@every_model
def test_the_price_list_shows_what_is_billed_at_every_index_level(model: type[PriceModel]) -> None:
    adjustments = (IndexAdjustment(date(2025, 1, 1), Decimal("1.031"), "7.3"),)
    charge = usage_charge(example(model))
    (listed,) = price_list(PriceBook(Conventions(), adjustments, (PriceBookVersion(TERM.start, "B", (charge,)),)))
    (prices,) = listed.charges
    for number, factors in enumerate(((), [adjustments[0].factor])):
        terms = compile_model(charge.model, Level.of(Conventions(), factors))
        assert [tier.unit_prices[number] for tier in prices.tiers] == [Decimal(each) / 10**6 for each in terms.prices]
        shown = [tier.flat_fees[number] for tier in prices.tiers] or [prices.amounts[number]]
        assert shown == [kroner(each) for each in terms.amounts]
    level = Level.of(Conventions(), [adjustments[0].factor])
    raised = charge.model.repriced(
        lambda price: Decimal(level.unit_price(price)) / 10**6, lambda each: kroner(level.amount(each))
    )
    assert compile_model(raised, Level.of(Conventions(), ())) == compile_model(charge.model, level)


@every_model
def test_cliffs_lie_only_where_more_may_cost_less(model: type[PriceModel]) -> None:
    charge = usage_charge(example(model))
    trial = CounterTrial(charge, Conventions())
    falls = [units for units in range(300) if trial.total(units + 1) < trial.total(units)]
    assert bool(falls) == bool(cliffs(charge, Conventions())) == model.MORE_MAY_COST_LESS


@every_model
def test_its_arrays_price_as_its_lines_do(model: type[PriceModel]) -> None:
    assert isinstance(arrays_of(compile_model(example(model), Level.of(Conventions(), ())).ARRAYS), Arrays)
    compiled = compile_terms(TERM, book(usage_charge(example(model))), [active("a"), active("b")])
    usage = tuple(used(trust, f"2024-{month:02}-05", 37) for month in range(1, 13) for trust in ("a", "b"))
    rating = rate_compiled(compiled, usage, TERM.period)
    last = bisect_left(compiled.book.starts, TERM.end)
    engine = Engine(lay_out(compiled, VolumePlan(TERM.start, usage), frozenset(), last), 0, last)
    found = sum(tally.net[0] for _, tally in engine.chunk(Spread(), 0, 0))
    assert abs(found - rating.total_ore) <= len(rating.lines)
    assert rating.total_ore > 0


@every_model
def test_a_ramp_outside_the_tiers_is_refused_by_its_own_words_or_priced_at_the_first(model: type[PriceModel]) -> None:
    ramp = RampUp((RampPhase(Decimal("0.5"), months=1),), counts_towards_tiers=False)
    charge = usage_charge(example(model), ramp_up=ramp)
    found = check(book(charge), TERM)
    if model.RAMP_OUTSIDE is not None:
        assert [each.code for each in found] == [model.RAMP_OUTSIDE[0]]
        assert model.RAMP_OUTSIDE[0] in price_words.FINDINGS
        return
    assert found == []
    lines = rated(book(charge), [active("a")], [used("a", "2024-01-05", 3)]).lines
    assert [(line.why, line.tier, line.unit_price) for line in lines] == [("outside", 1, charge.model.unit_prices[0])]


@every_model
def test_a_misreading_is_another_amount(model: type[PriceModel]) -> None:
    charge = usage_charge(example(model))
    totals = {CounterTrial(charge, Conventions()).total(150)}
    readings = [misread(charge.model), *(charge.model.all_in_tier(n + 1) for n in range(len(charge.model.as_tiers())))]
    assert charge.model.all_in_tier(len(charge.model.as_tiers()) + 1) is None
    for other in readings:
        if other is not None:
            totals.add(CounterTrial(replace(charge, model=other), Conventions()).total(150))
    assert len(totals) > 1 or readings == [None]


@every_model
def test_lines_without_quantities_are_told_as_such(model: type[PriceModel]) -> None:
    lines = rated(book(usage_charge(example(model))), [active("a")], [used("a", "2024-01-05", 150)]).lines
    assert sum(line.quantity or 0 for line in lines) == (150 if model.LINES_HAVE_UNITS else 0)


@fields_of_every_model
def test_a_changed_field_is_seen_when_versions_are_compared(app: Flask, model: type[PriceModel], field: Field) -> None:
    others = {
        "whole": 90,
        "unit_price": Decimal("44"),
        "amount": Decimal("980.00"),
        "tiers": (Tier(90, Decimal("60"), Decimal("10.00")), Tier(None, Decimal("45.50"), Decimal("0.00"))),
    }
    agreement_id = record_agreement()
    with db.read() as session:
        terms = basis.gather(session, agreement_id=agreement_id)
    old, new = version(example(model)), version(example(model, **{field.name: others[field.kind]}))
    (found,) = compare(terms, old=Priced(old), new=Priced(new)).charges
    assert found.terms_changed or any(row.old != row.new or row.moved for row in found.prices)
    assert all(name in price_words.CHANGED for name in found.terms_changed)
