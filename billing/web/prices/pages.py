"""Price books as people use them: the versions, one of them with a volume to try, two of them compared."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import Blueprint
from flask_babel import gettext as _

from billing.charges import basis
from billing.prices import diff as price_diff
from billing.prices.trial import Priced, TrialRow
from billing.rating.cliffs import Cliff, cliffs
from billing.rating.price_list import VersionPrices, factors_in_force, price_list
from billing.rating.volume_trial import (
    LARGEST_VOLUME,
    CounterTrial,
    PoolEffect,
    TriedVolume,
    pool_effects,
    volumes_at_bounds,
)
from billing.web import words
from billing.web.prices import words as price_words
from billing.web.query import Query, read_query
from contracts import agreements, price_books
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.people import access
from contracts.prices import drafts as price_drafts
from contracts.terms.period import previous_day
from contracts.terms.price_book import IndexAdjustment, PriceBook, PriceBookVersion
from contracts.terms.price_model import Conventions, UsageCharge
from contracts.terms.price_models import READINGS, read_as
from contracts.terms.written import read_day
from contracts.web import formatting
from contracts.web.guard import requires
from contracts.web.i18n import current_language

blueprint = Blueprint("price_books", __name__)

# What the pool's effect is told for: a number everybody can scale in the head.
OWN_EXAMINATIONS = 1_000


@dataclass(frozen=True, slots=True)
class Tried:
    """What a volume costs under a charge in every reading of its tiers, at the level of a day; the contract's is ``own``.

    Without another reading, ``other`` is None and nothing is shown at the bounds.
    """

    charge: UsageCharge
    own: TriedVolume
    other: TriedVolume | None
    at_bounds: tuple[tuple[TriedVolume, ...], ...]
    cliffs: tuple[Cliff, ...]
    other_cliffs: tuple[Cliff, ...]
    pool: tuple[PoolEffect, ...]


@blueprint.get("/avtaler/<code>/prislister")
@requires("read")
def index(code: str) -> Any:
    """List the versions and the drafts."""
    query = read_query(code=code)
    book = price_books.price_book(db.session, query.agreement.id, query.known_at)
    drafts = query.asked(price_drafts.list_drafts, known_at=query.known_at)
    current = book.version_on(query.today)
    return query.page(
        "billing/prices/index.html",
        as_of=query.counted().through,
        version=None if current is None else current.valid_from,
        versions=price_list(book),
        current=current,
        drafts=drafts,
        approvals={draft.newest.content.valid_from: draft.steps[-1] for draft in drafts if draft.state == "approved"},
        people=access.names_of(db.session, {by for draft in drafts for by in (draft.made_by, *_deciders(draft))}),
        words=words,
        price_words=price_words,
    )


def _deciders(draft: price_drafts.Draft) -> set[str]:
    return {step.by for step in draft.steps}


@blueprint.get("/avtaler/<code>/prislister/<int:year>-<int:month>-<int:day>")
@requires("read")
def show(code: str, year: int, month: int, day: int) -> Any:
    """Show a version, with a volume to try."""
    query = read_query("prisledd", "antall", code=code)
    book = price_books.price_book(db.session, query.agreement.id, query.known_at)
    prices = _prices(book, _date(year, month, day))
    level_day = max(prices.version.valid_from, query.today)
    if prices.until is not None:
        level_day = min(level_day, previous_day(prices.until))
    adjustments = factors_in_force(book, level_day)
    errors, tried = read_trial(query.values, prices.version, book.conventions, adjustments)
    earlier = [each.valid_from for each in book.versions if each.valid_from < prices.version.valid_from]
    page = query.page(
        "billing/prices/version.html",
        as_of=query.counted().through,
        version=prices.version.valid_from,
        prices=prices,
        previous=max(earlier, default=None),
        level_day=level_day,
        adjustments=adjustments,
        tried=tried,
        asked=query.values,
        errors=errors,
        **shared(query, prices.version),
    )
    return (page, 422) if errors else page


@blueprint.get("/avtaler/<code>/prislister/<old>..<new>")
@requires("read")
def diff(code: str, old: str, new: str) -> Any:
    """Compare two versions."""
    query = read_query(code=code)
    terms = basis.gather(db.session, agreement_id=query.agreement.id, known_at=query.known_at)
    before, after = _prices(terms.price_book, _iso(old)), _prices(terms.price_book, _iso(new))
    if before.until is None or before.version.valid_from >= after.version.valid_from:
        raise NotFound(_("Two versions are compared from the older one to the newer one."))
    last_day = previous_day(before.until)
    comparison = price_diff.compare(
        terms,
        old=Priced(before.version, factors_in_force(terms.price_book, last_day)),
        new=Priced(after.version),
        trust=query.actor.scope("read"),
    )
    return query.page(
        "billing/prices/diff.html",
        as_of=query.counted().through,
        version=after.version.valid_from,
        comparison=comparison,
        last_day=last_day,
        before=before,
        after=after,
        **shared(query, after.version),
    )


def shared(query: Query, version: PriceBookVersion) -> dict[str, Any]:
    """Give what every page about charges needs."""
    names = words.Names.of(query.holders(), agreements.marketplace(db.session, query.agreement.id, query.known_at))
    charges = {charge.code: names.charge(charge) for charge in version.charges}

    def row_name(row: TrialRow) -> str:
        return _("%(charge)s, %(trust)s", charge=charges.get(row.charge, row.charge), trust=names.trust(row.trust))

    return {
        "names": names,
        "trust_name": lambda row: names.trust(row.trust),
        "row_name": row_name,
        "words": words,
        "price_words": price_words,
        "is_usage": lambda charge: isinstance(charge, UsageCharge),
        "usage_charges": [charge for charge in version.charges if isinstance(charge, UsageCharge)],
    }


def read_trial(
    values: dict[str, str],
    version: PriceBookVersion,
    conventions: Conventions,
    adjustments: tuple[IndexAdjustment, ...],
) -> tuple[list[tuple[str, str]], Tried | None]:
    """Read "try a volume" and compute it; nothing where nothing was asked."""
    if "antall" not in values:
        return [], None
    errors: list[tuple[str, str]] = []
    digits = re.sub(r"[\s\u00a0\u202f]", "", values["antall"])
    units = int(digits) if re.fullmatch(r"[0-9]{1,9}", digits) else None
    if units is None or units > LARGEST_VOLUME:
        most = formatting.quantity(LARGEST_VOLUME, current_language())
        errors.append(("antall", _("Write a whole number of examinations, from 0 to %(most)s.", most=most)))
    charge = next(
        (
            each
            for each in version.charges
            if isinstance(each, UsageCharge) and each.code == values.get("prisledd", each.code)
        ),
        None,
    )
    if charge is None:
        errors.append(("prisledd", _("Choose a price.")))
    if errors or charge is None or units is None:
        return errors, None
    return [], try_charge(charge, units, conventions, adjustments)


def try_charge(
    charge: UsageCharge, units: int, conventions: Conventions, adjustments: tuple[IndexAdjustment, ...] = ()
) -> Tried:
    """Try a volume on a charge: in the contract's reading, in the other one, and around every bound."""
    own = CounterTrial(charge, conventions, adjustments)
    pool = pool_effects(charge, conventions, OWN_EXAMINATIONS, adjustments)
    if charge.model.READING is None:
        return Tried(charge, own.tried(units), None, (), cliffs(charge, conventions, adjustments), (), pool)
    readings = [
        own
        if name == charge.model.NAME
        else CounterTrial(replace(charge, model=read_as(charge.model, name)), conventions, adjustments)
        for name in READINGS
    ]
    other = next(each for each in readings if each is not own)
    return Tried(
        charge=charge,
        own=own.tried(units),
        other=other.tried(units),
        at_bounds=tuple(tuple(each.tried(n) for each in readings) for n in volumes_at_bounds(charge, conventions)),
        cliffs=cliffs(charge, conventions, adjustments),
        other_cliffs=cliffs(other.charge, conventions, adjustments),
        pool=pool,
    )


def _prices(book: PriceBook, day: date) -> VersionPrices:
    found = next((each for each in price_list(book) if each.version.valid_from == day), None)
    if found is None:
        raise NotFound(_("There is no version from that day."))
    return found


def _date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise NotFound(_("There is no version from that day.")) from None


def _iso(text: str) -> date:
    try:
        return read_day(text)
    except ValueError:
        raise NotFound(_("There is no version from that day.")) from None
