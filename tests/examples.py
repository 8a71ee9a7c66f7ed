"""Small documents that many tests start from, in the domain's own notation."""

from __future__ import annotations

from typing import Any

TRUSTS = {
    "vestre-viken": ("Vestre Viken HF", "894166762", "Helse Sør-Øst"),
    "sykehuset-ostfold": ("Sykehuset Østfold HF", "983971768", "Helse Sør-Øst"),
    "akershus": ("Akershus universitetssykehus HF", "983971636", "Helse Sør-Øst"),
    "nord-norge": ("Universitetssykehuset Nord-Norge HF", "983974899", "Helse Nord"),
}


def tiers(notation: str) -> list[dict[str, Any]]:
    """Read "200@60.00, *@45.00" as the tiers of a price request."""
    read = []
    for part in notation.split(","):
        bound, _, price = part.strip().partition("@")
        read.append({"up_to": None if bound == "*" else int(bound), "unit_price": price, "flat_fee": "0.00"})
    return read


def price_book() -> dict[str, Any]:
    """The price book of the worked example in `pricing.md` §5: 200 units at 60, the rest at 45, pooled, half off at first."""
    return {
        "conventions": {
            "boundary": "inclusive",
            "zero_usage": "no_charge",
            "price_decimals": 2,
            "rounding": "half_up",
            "minimum_applies": "after_discount",
        },
        "index_adjustments": [{"effective_from": "2025-01-01", "factor": "1.031", "clause": "7.3"}],
        "versions": [
            {
                "valid_from": "2024-01-01",
                "clause": "Bilag 7",
                "charges": [
                    {
                        "code": "analysis",
                        "kind": "usage",
                        "clause": "7.1",
                        "algorithms": ["xray-skeletal"],
                        "model": "graduated",
                        "counter": {"scope": "agreement", "window": "calendar_year"},
                        "tiers": tiers("200@60.00, *@45.00"),
                        "ramp_up": {
                            "starts": "go_live",
                            "counts_towards_tiers": True,
                            "phases": [{"months": 3, "discount": "0.50"}],
                        },
                    }
                ],
            }
        ],
    }


def agreement(code: str = "ra-test", trusts: tuple[str, ...] = tuple(TRUSTS)) -> dict[str, Any]:
    """A whole agreement around `price_book`: two activations, of Vestre Viken and of Østfold (older than it)."""
    return {
        "code": code,
        "name": "KI for bildediagnostikk",
        "reference": "2024/118",
        "example": False,
        "buyer": {
            "code": "sykehuspartner",
            "name": "Sykehuspartner HF",
            "organisation_number": "914637651",
            "region": "Helse Sør-Øst",
        },
        "vendor": {
            "code": "bildeklok",
            "name": "Bildeklok AS",
            "organisation_number": "123456785",
            "region": "Norge",
        },
        "agreement": {"start": "2024-01-01", "end": "2028-01-01", "currency": "NOK"},
        "extensions": [
            {"from": "2026-01-01", "to": "2027-01-01", "clause": "2.2", "taken_up_on": "2025-08-18"},
            {"from": "2027-01-01", "to": "2028-01-01", "clause": "2.2", "taken_up_on": "2026-08-20"},
        ],
        "estimated_value": "1000000.00",
        "maximum_value": "1200000.00",
        "vat_rate": "0.25",
        "payment_days": 30,
        "option_holders": [
            {
                "code": trust,
                "name": TRUSTS[trust][0],
                "organisation_number": TRUSTS[trust][1],
                "region": TRUSTS[trust][2],
                "option": {
                    "deadline": "2026-12-31",
                    "clause": "3.1",
                    "states": [{"state": "listed", "on": "2024-01-01"}, {"state": "exercised", "on": "2024-01-01"}],
                },
            }
            for trust in trusts
        ],
        "algorithms": [
            {
                "code": algorithm,
                "product": product,
                "vendor_name": "Bildeklok AS",
                "need": {"nb": nb, "en": en},
                "modality": modality,
                "ce_class": "IIa",
                "ce_year": 2021,
            }
            for algorithm, product, nb, en, modality in (
                ("xray-skeletal", "Bruddvis", "Konvensjonell røntgen – skjelett", "Plain X-ray – skeleton", "XR"),
                ("ct-pe", "Embolvis", "CT thorax – lungeemboli (PE)", "CT chest – pulmonary embolism (PE)", "CT"),
            )
        ],
        "price_book": price_book(),
        "activations": [
            {
                "trust": "vestre-viken",
                "algorithm": "xray-skeletal",
                "validation_from": None,
                "go_live": "2024-01-01",
                "end": None,
            },
            {
                "trust": "sykehuset-ostfold",
                "algorithm": "xray-skeletal",
                "validation_from": None,
                "go_live": "2023-09-01",
                "end": None,
            },
        ],
    }


USAGE_CSV = b"""trust,algorithm,date,quantity
vestre-viken,xray-skeletal,2024-01-10,100
sykehuset-ostfold,xray-skeletal,2024-01-20,201
"""
