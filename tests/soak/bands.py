"""Bands of cost held against what came: the example's and real counts' forecasts of every month, as they would have been frozen.

The real counts are those of the sample data, under a price book with a pool over all trusts for each kind and prices that fall
twice. Each month of the past a forecast is made from what was
counted before it, with the bands that are kept with it, and held against what the same activations then cost.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from billing.charges.basis import Terms
from billing.example.agreement import agreement_document
from billing.example.usage import LAST_DAY, daily_usage
from billing.projection.bands import HORIZONS, Horizon, Outcomes, said
from billing.projection.months import ExpectedCourse
from contracts.agreements import AgreementSummary
from contracts.schemas.agreement import load_agreement
from contracts.terms.agreement import ActivationRow, Party
from contracts.terms.period import Period, add_months, first_of_month
from contracts.terms.price_book import Activation, AgreementTerm, PriceBook, PriceBookVersion, Usage
from contracts.terms.price_model import Counter, UsageCharge
from contracts.terms.price_models import Graduated, Tier
from contracts.terms.working_days import working_days
from tests.measure import Row

Held = dict[tuple[Horizon, bool], list[bool]]
# Of all trusts together a handful of origins decide; of each trust there are many outcomes.
LEAST, MOST = 75, 88


def terms_of(term: AgreementTerm, book: PriceBook, activations: Iterable[Activation], usage: Iterable[Usage]) -> Terms:
    """Give terms of an agreement that is recorded nowhere."""
    party = Party("p", "P", "999999999", "")
    summary = AgreementSummary(
        1, "p", "P", "1", False, party, party, term, None, None, Decimal(0), 30, datetime(2020, 1, 1, tzinfo=UTC)
    )
    rows = (
        ActivationRow(0, one.trust, one.trust, one.algorithm, one.algorithm, one.validation_from, one.go_live, one.end)
        for one in activations
    )
    return Terms(summary, book, tuple(rows), tuple(usage))


def example() -> Terms:
    """Give the example as it is known today."""
    written = agreement_document()
    document = load_agreement(written)
    usage = (Usage(each.trust, each.algorithm, each.on, each.quantity) for each in daily_usage(written))
    return terms_of(document.term, document.price_book, document.activations, usage)


def real_counts(folder: Path) -> Terms:
    """Give the sample data's counts of nine trusts, from April 2018 on, under a price book with pools."""
    counted: dict[tuple[str, str, date], int] = {}
    for name, column in (("modality", "modality"), ("bodysite", "test_group")):
        with (folder / "usage" / f"nhs_did_monthly_{name}.csv").open(encoding="utf-8", newline="") as opened:
            for row in csv.DictReader(opened):
                if row["provider_code"] != "ENGLAND":
                    month = date.fromisoformat(f"{row['month'][:7]}-01")
                    counted[row["provider_code"], row[column], month] = int(row["count"])
    months = sorted({month for _, _, month in counted})
    trusts = sorted({trust for trust, _, _ in counted})
    kinds = [
        kind
        for kind in sorted({kind for _, kind, _ in counted})
        if all((trust, kind, month) in counted for trust in trusts for month in months)
    ]
    term = AgreementTerm(months[0], add_months(months[-1], 13))
    charges = []
    for kind in kinds:
        year = sum(counted[trust, kind, month] for trust in trusts for month in months[:12])
        tiers = (Tier(year // 4, Decimal("14")), Tier(year * 6 // 10, Decimal("10")), Tier(None, Decimal("7")))
        charges.append(UsageCharge(kind, "1", (kind,), Graduated(tiers), Counter("agreement", "calendar_year")))
    usage = [
        Usage(trust, kind, working_days(Period.month(month))[0], counted[trust, kind, month])
        for trust in trusts
        for kind in kinds
        for month in months
    ]
    activations = [Activation(trust, kind, months[0]) for trust in trusts for kind in kinds]
    return terms_of(term, PriceBook(versions=(PriceBookVersion(term.start, "1", tuple(charges)),)), activations, usage)


def held(terms: Terms, counted_until: date, origins: Sequence[date]) -> Held:
    """Forecast from each origin and tell, by horizon and for all trusts or each, which bands held what came."""
    found: Held = defaultdict(list)
    trusts = sorted({row.trust for row in terms.activations})
    outcomes = [Outcomes(terms, counted_until, scope) for scope in (None, *trusts)]
    for origin in origins:
        known = replace(
            terms,
            activations=tuple(
                replace(row, end=None if row.end is not None and row.end > origin else row.end)
                for row in terms.activations
                if row.go_live < origin
            ),
            usage=tuple(entry for entry in terms.usage if entry.on < origin),
        )
        kept = said(ExpectedCourse(known, known.agreement.term.period, origin, None, (), ()), origin)
        for each in outcomes:
            for band in each.bands(kept):
                if band.inside is not None and band.came:
                    found[band.horizon, each.scope is None].append(band.inside)
    return found


def every_month(first: date, last: date, step: int = 1) -> list[date]:
    """List the first days of months, every so many."""
    months = (last.year - first.year) * 12 + last.month - first.month
    return [add_months(first, number) for number in range(0, months + 1, step)]


def rows(name: str, found: Held) -> list[Row]:
    """Tell the shares held as goals."""
    told = []
    for horizon in HORIZONS:
        for whole in (True, False):
            within = found[horizon, whole]
            share = 100 * sum(within) / max(len(within), 1)
            detail = f"{sum(within)} of {len(within)}"
            label = f"bands: {name}, {horizon}, {'all trusts' if whole else 'each trust'}, per cent held"
            told.append(Row(f"{label}, at least", share, LEAST, "at_least", detail))
            told.append(Row(f"{label}, at most", share, MOST, "at_most", detail))
    return told


def run(count: float) -> list[Row]:
    """Forecast from every month of the example and of the real counts (fewer months with a smaller ``count``)."""
    step = max(1, round(1 / count)) if count else 1
    until = first_of_month(add_months(LAST_DAY, 1))
    told = rows("the example", held(example(), until, every_month(date(2024, 4, 1), until, step)))
    folder = Path(
        os.environ.get("TRINNVIS_SAMPLE_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data")
    )
    if folder.is_dir():
        terms = real_counts(folder)
        last = first_of_month(add_months(max(entry.on for entry in terms.usage), 1))
        told += rows("real counts", held(terms, last, every_month(date(2020, 4, 1), last, step)))
    return told
