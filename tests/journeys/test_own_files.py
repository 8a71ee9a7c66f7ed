"""Somebody brings their own agreement and their own monthly counts, and gets charges per quarter and trust.

The counts are real: monthly imaging of nine providers. They stand in for the nine trusts by the table below.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask

from tests import examples
from tests.oracle.evaluator import evaluate

PROVIDERS = {
    "RF4": "vestre-viken",
    "RQW": "sykehuset-i-vestfold",
    "RD8": "sykehuset-telemark",
    "RWG": "sykehuset-ostfold",
    "RYJ": "akershus",
    "RR8": "sykehuset-innlandet",
    "RW1": "sorlandet",
    "RGT": "oslo",
    "RBV": "nord-norge",
}
HOLDERS = {
    "vestre-viken": ("Vestre Viken HF", "894166762", "Helse Sør-Øst"),
    "sykehuset-i-vestfold": ("Sykehuset i Vestfold HF", "983975259", "Helse Sør-Øst"),
    "sykehuset-telemark": ("Sykehuset Telemark HF", "983975267", "Helse Sør-Øst"),
    "sykehuset-ostfold": ("Sykehuset Østfold HF", "983971768", "Helse Sør-Øst"),
    "akershus": ("Akershus universitetssykehus HF", "983971636", "Helse Sør-Øst"),
    "sykehuset-innlandet": ("Sykehuset Innlandet HF", "983971709", "Helse Sør-Øst"),
    "sorlandet": ("Sørlandet sykehus HF", "983975240", "Helse Sør-Øst"),
    "oslo": ("Oslo universitetssykehus HF", "993467049", "Helse Sør-Øst"),
    "nord-norge": ("Universitetssykehuset Nord-Norge HF", "983974899", "Helse Nord"),
}
ALGORITHMS = {"XR": "xray-skeletal", "CT": "ct-pe"}
QUARTER = ("2024-Q1", "2024-01-01", "2024-04-01")


def agreement_of_nine() -> dict[str, object]:
    """The agreement of our own file: X-ray pooled over all trusts per calendar year, CT per trust, an index in 2023."""
    document = examples.agreement("ra-own", ())
    document["agreement"] = {"start": "2022-01-01", "end": "2026-01-01", "currency": "NOK"}
    document["extensions"] = []
    document["option_holders"] = [
        {
            "code": code,
            "name": name,
            "organisation_number": number,
            "region": region,
            "option": {
                "deadline": "2025-12-31",
                "clause": "3.1",
                "states": [{"state": "exercised", "on": "2022-01-01"}],
            },
        }
        for code, (name, number, region) in HOLDERS.items()
    ]
    book = examples.price_book()
    pooled = book["versions"][0]["charges"][0]
    pooled["tiers"] = examples.tiers("100000@9.50, 500000@7.25, *@5.10")
    per_trust = {
        **pooled,
        "code": "ct",
        "clause": "7.2",
        "algorithms": ["ct-pe"],
        "counter": {"scope": "trust", "window": "calendar_year"},
        "tiers": examples.tiers("10000@62.00, *@48.50"),
    }
    book["versions"] = [{"valid_from": "2022-01-01", "clause": "Bilag 7", "charges": [pooled, per_trust]}]
    book["index_adjustments"] = [{"effective_from": "2023-01-01", "factor": "1.0325", "clause": "7.3"}]
    document["price_book"] = book
    document["activations"] = [
        {"trust": trust, "algorithm": algorithm, "validation_from": None, "go_live": go_live, "end": None}
        for trust in HOLDERS
        for algorithm, go_live in (("xray-skeletal", "2022-01-01"), ("ct-pe", "2023-12-01"))
    ]
    return document


def monthly_counts(folder: Path) -> list[tuple[str, str, str, int]]:
    """The providers' counts of 2022 to 2024 as (trust, algorithm, month, quantity), CT from its activation on."""
    with (folder / "usage" / "nhs_did_monthly_modality.csv").open(newline="") as file:
        rows = [
            (PROVIDERS[row["provider_code"]], ALGORITHMS[row["modality"]], row["month"][:7], int(row["count"]))
            for row in csv.DictReader(file)
            if row["provider_code"] in PROVIDERS
            and row["modality"] in ALGORITHMS
            and "2022" <= row["month"][:4] < "2025"
        ]
    return [row for row in rows if row[1] != "ct-pe" or row[2] >= "2023-12"]


@pytest.mark.slow
def test_own_agreement_and_real_counts_give_charges_per_quarter_and_trust(
    app: Flask, sample_data: Path, tmp_path: Path
) -> None:
    counts = monthly_counts(sample_data)
    assert len({trust for trust, *_ in counts}) == 9
    agreement, usage = tmp_path / "agreement.json", tmp_path / "usage.csv"
    agreement.write_text(json.dumps(agreement_of_nine()), encoding="utf-8")
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([("trust", "algorithm", "month", "quantity"), *counts])
    usage.write_text(written.getvalue(), encoding="utf-8")
    run = app.test_cli_runner().invoke

    assert run(args=["agreement", "import", str(agreement)]).exit_code == 0
    imported = run(args=["usage", "import", str(usage), "--json"])
    assert imported.exit_code == 0, imported.output
    assert json.loads(imported.stdout)["accepted"] == len(counts)

    label, start, end = QUARTER
    whole = json.loads(run(args=["charges", label, "--json"]).stdout)
    by_trust = {
        trust: json.loads(run(args=["charges", label, "--trust", trust, "--json"]).stdout)["total"] for trust in HOLDERS
    }
    assert sum(Decimal(total) for total in by_trust.values()) == Decimal(whole["total"])
    assert all(Decimal(total) > 0 for total in by_trust.values())

    counted: dict[tuple[str, str], int] = defaultdict(int)
    for trust, algorithm, month, quantity in counts:
        if start[:7] <= month < end[:7]:
            counted[trust, algorithm] += quantity
    charged: dict[tuple[str, str], int] = defaultdict(int)
    for line in whole["lines"]:
        charged[line["trust"], line["algorithm"]] += line["quantity"]
    assert charged == counted

    document = agreement_of_nine()
    request = {
        "agreement": document["agreement"],
        "period": {"from": start, "to": end},
        "price_book": document["price_book"],
        "activations": document["activations"],
        "usage": [
            {"trust": trust, "algorithm": algorithm, "on": f"{month}-15", "quantity": quantity}
            for trust, algorithm, month, quantity in counts
        ],
    }
    assert evaluate(request)["total"] == whole["total"], "the slow evaluator of the tests disagrees"
