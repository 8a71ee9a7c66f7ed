"""The agreement of the example, as the document that ``flask agreement import`` reads.

The trusts are real, with their real numbers and regions. All else is invented: the vendor, the products and their
makers, every price, every date but the first go-live, the values and the people. It is labelled as example data
wherever it is shown. Prices lie between the levels that are published for such analyses in other countries.
"""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]

CODE = "ra-2024-ki"

# The two halves of the ramp-up: half price for a quarter, then a quarter off for a quarter (clause 7.2).
_RAMP_UP: Document = {
    "starts": "go_live",
    "counts_towards_tiers": True,
    "phases": [{"months": 3, "discount": "0.50"}, {"months": 3, "discount": "0.25"}],
}


def agreement_document() -> Document:
    """Give the whole document, new each time, so that a caller may change its copy.

    The term is two years and one and one, both taken up: 01.01.2024 to 31.12.2027. Values are kroner without VAT.
    """
    return {
        "code": CODE,
        "name": "Rammeavtale om KI-støttet bildediagnostikk",
        "reference": "2024/118",
        "example": True,
        "buyer": _organisation("sykehuspartner", "Sykehuspartner HF", "914637651", "Helse Sør-Øst"),
        "vendor": _organisation("nordskinn", "Nordskinn Bildediagnostikk AS", "987654325", ""),
        "agreement": {"start": "2024-01-01", "end": "2028-01-01", "currency": "NOK"},
        "extensions": [
            {"from": "2026-01-01", "to": "2027-01-01", "clause": "2.2", "taken_up_on": "2025-08-18"},
            {"from": "2027-01-01", "to": "2028-01-01", "clause": "2.2", "taken_up_on": "2026-08-20"},
        ],
        "estimated_value": "13250000.00",
        "maximum_value": "15900000.00",
        "vat_rate": "0.25",
        "payment_days": 30,
        "option_holders": _option_holders(),
        "algorithms": _algorithms(),
        "price_book": {
            "conventions": {
                "boundary": "inclusive",
                "zero_usage": "no_charge",
                "price_decimals": 2,
                "rounding": "half_up",
                "minimum_applies": "after_discount",
            },
            "index_adjustments": [{"effective_from": "2025-01-01", "factor": "1.031", "clause": "7.3"}],
            "versions": [
                {"valid_from": "2024-01-01", "clause": "Bilag 7", "charges": _charges_of_2024()},
                {"valid_from": "2026-01-01", "clause": "Bilag 7, endringsavtale 1", "charges": _charges_of_2026()},
            ],
        },
        "activations": _activations(),
    }


def _organisation(code: str, name: str, number: str, region: str) -> Document:
    return {"code": code, "name": name, "organisation_number": number, "region": region}


def _option_holders() -> list[Document]:
    south_east, north = "Helse Sør-Øst", "Helse Nord"
    late, early = "2027-06-30", "2026-12-31"
    return [
        _holder(
            _organisation("vestre-viken", "Vestre Viken HF", "894166762", south_east),
            "2027-12-31",
            listed="2024-01-01",
            exercised="2024-01-01",
        ),
        _holder(
            _organisation("sykehuset-i-vestfold", "Sykehuset i Vestfold HF", "983975259", south_east),
            late,
            listed="2024-01-01",
            under_review="2024-08-26",
            submitted="2024-10-14",
            approved="2024-11-11",
            exercised="2024-11-27",
        ),
        _holder(
            _organisation("sykehuset-telemark", "Sykehuset Telemark HF", "983975267", south_east),
            late,
            listed="2024-01-01",
        ),
        _holder(
            _organisation("sykehuset-ostfold", "Sykehuset Østfold HF", "983971768", south_east),
            late,
            listed="2024-01-01",
            under_review="2024-10-07",
            submitted="2024-12-02",
            approved="2025-01-20",
            exercised="2025-02-12",
        ),
        _holder(
            _organisation("akershus", "Akershus universitetssykehus HF", "983971636", south_east),
            late,
            listed="2024-01-01",
            under_review="2024-02-12",
            submitted="2024-04-22",
            approved="2024-05-27",
            exercised="2024-06-19",
        ),
        _holder(
            _organisation("sykehuset-innlandet", "Sykehuset Innlandet HF", "983971709", south_east),
            late,
            listed="2024-01-01",
            under_review="2025-01-13",
            submitted="2025-03-17",
            approved="2025-04-28",
            exercised="2025-05-21",
        ),
        _holder(
            _organisation("sorlandet", "Sørlandet sykehus HF", "983975240", south_east),
            early,
            listed="2024-01-01",
            under_review="2026-08-31",
        ),
        _holder(
            _organisation("oslo", "Oslo universitetssykehus HF", "993467049", south_east),
            late,
            listed="2024-01-01",
            under_review="2025-03-10",
            submitted="2025-06-16",
            approved="2025-09-01",
            exercised="2025-09-24",
        ),
        _holder(
            _organisation("nord-norge", "Universitetssykehuset Nord-Norge HF", "983974899", north),
            early,
            listed="2024-01-01",
            under_review="2025-09-08",
            submitted="2025-11-17",
            approved="2026-01-12",
            exercised="2026-01-28",
        ),
    ]


def _holder(organisation: Document, deadline: str, **came_into: str) -> Document:
    states = [{"state": state, "on": on} for state, on in came_into.items()]
    return {**organisation, "option": {"deadline": deadline, "clause": "3.1", "states": states}}


def _algorithms() -> list[Document]:
    return [
        _algorithm(
            "ct-lung-nodules",
            ("Rundsyn Lunge", "Skarvøy Bildeanalyse AS"),
            ("CT thorax – lungeknuter", "CT chest – lung nodules"),
            "CT",
            ("IIb", 2022),
        ),
        _algorithm(
            "ct-pe",
            ("Proppvarsel", "Vardefjell Medisinsk AS"),
            ("CT thorax – lungeemboli (PE)", "CT chest – pulmonary embolism (PE)"),
            "CT",
            ("IIa", 2021),
        ),
        _algorithm(
            "ct-pulmonary-metastases",
            ("Rundsyn Spredning", "Skarvøy Bildeanalyse AS"),
            ("CT thorax – lungemetastaser", "CT chest – pulmonary metastases"),
            "CT",
            ("IIb", 2023),
        ),
        _algorithm(
            "mr-ms-followup",
            ("Lesjonsspor", "Hjernevik Programvare AS"),
            ("MR caput – MS-oppfølging", "MR head – MS follow-up"),
            "MR",
            ("IIa", 2020),
        ),
        _algorithm(
            "xray-skeletal",
            ("Bruddspor", "Lyngmo Diagnostikk AS"),
            ("Røntgen skjelett – brudd", "X-ray skeletal – fractures"),
            "XR",
            ("IIa", 2020),
        ),
        _algorithm(
            "xray-chest",
            ("Thoraxspor", "Lyngmo Diagnostikk AS"),
            ("Røntgen thorax", "X-ray chest"),
            "XR",
            ("IIa", 2021),
        ),
    ]


def _algorithm(
    code: str, product: tuple[str, str], need: tuple[str, str], modality: str, ce: tuple[str, int]
) -> Document:
    return {
        "code": code,
        "product": product[0],
        "vendor_name": product[1],
        "need": {"nb": need[0], "en": need[1]},
        "modality": modality,
        "ce_class": ce[0],
        "ce_year": ce[1],
    }


def _charges_of_2024() -> list[Document]:
    return [
        _usage_charge("xray-skeletal", "7.1.1", [(25_000, "14.00"), (75_000, "11.00"), (None, "8.50")]),
        _usage_charge("xray-chest", "7.1.2", [(20_000, "12.00"), (60_000, "9.50"), (None, "7.50")]),
        _usage_charge(
            "ct-thorax",
            "7.1.3",
            [(4_000, "98.00"), (12_000, "79.00"), (None, "62.00")],
            algorithms=["ct-pe", "ct-pulmonary-metastases"],
        ),
        _usage_charge("ct-lung-nodules", "7.1.4", [(1_500, "72.00"), (None, "56.00")], scope="trust"),
        _usage_charge("mr-ms-followup", "7.1.5", [(800, "148.00"), (None, "118.00")]),
        _platform_charge("45000.00"),
    ]


def _charges_of_2026() -> list[Document]:
    """The first amendment: prices at the level of 2025, and a further, cheaper tier where most is used."""
    return [
        _usage_charge(
            "xray-skeletal", "7.1.1", [(25_000, "14.40"), (75_000, "11.30"), (150_000, "8.50"), (None, "6.90")]
        ),
        _usage_charge("xray-chest", "7.1.2", [(20_000, "12.40"), (60_000, "9.80"), (None, "7.20")]),
        _usage_charge(
            "ct-thorax",
            "7.1.3",
            [(4_000, "101.00"), (9_000, "81.00"), (None, "60.00")],
            algorithms=["ct-pe", "ct-pulmonary-metastases"],
        ),
        _usage_charge("ct-lung-nodules", "7.1.4", [(1_500, "74.00"), (None, "56.00")], scope="trust"),
        _usage_charge("mr-ms-followup", "7.1.5", [(800, "152.00"), (None, "118.00")]),
        _platform_charge("46000.00"),
    ]


def _usage_charge(
    code: str,
    clause: str,
    tiers: list[tuple[int | None, str]],
    *,
    algorithms: list[str] | None = None,
    scope: str = "agreement",
) -> Document:
    return {
        "code": code,
        "kind": "usage",
        "clause": clause,
        "algorithms": algorithms or [code],
        "model": "graduated",
        "counter": {"scope": scope, "window": "calendar_year"},
        "tiers": [{"up_to": up_to, "unit_price": price, "flat_fee": "0.00"} for up_to, price in tiers],
        "ramp_up": {**_RAMP_UP, "phases": [dict(phase) for phase in _RAMP_UP["phases"]]},
    }


def _platform_charge(amount: str) -> Document:
    return {
        "code": "platform",
        "kind": "fixed",
        "clause": "7.1.6",
        "algorithms": "all",
        "amount": amount,
        "per": "trust",
        "every": "quarter",
        "proration": "days",
    }


def _activations() -> list[Document]:
    """In the order in which what is known about each was recorded last: when it was ordered, or when it was ended."""
    rows: list[tuple[str, str, str | None, str, str | None]] = [
        # Vestre Viken began before this agreement did; its metastasis product was given up when it found too little.
        ("vestre-viken", "xray-skeletal", "2023-08-01", "2023-08-29", None),
        ("vestre-viken", "xray-chest", "2024-03-18", "2024-04-15", None),
        ("akershus", "xray-skeletal", "2024-09-02", "2024-10-01", None),
        ("vestre-viken", "ct-pe", "2024-12-02", "2025-01-13", None),
        ("sykehuset-i-vestfold", "xray-skeletal", None, "2025-02-10", None),
        ("akershus", "xray-chest", None, "2025-03-03", None),
        ("sykehuset-ostfold", "xray-skeletal", None, "2025-04-28", None),
        ("vestre-viken", "ct-lung-nodules", None, "2025-05-05", None),
        ("vestre-viken", "mr-ms-followup", None, "2025-09-01", None),
        ("sykehuset-innlandet", "xray-skeletal", None, "2025-09-01", None),
        ("akershus", "ct-pe", "2025-09-08", "2025-10-06", None),
        ("sykehuset-i-vestfold", "xray-chest", None, "2025-09-15", None),
        ("oslo", "ct-pulmonary-metastases", "2025-11-10", "2026-01-12", None),
        ("sykehuset-innlandet", "xray-chest", None, "2025-12-01", None),
        ("sykehuset-ostfold", "ct-pe", "2026-01-12", "2026-02-02", None),
        ("sykehuset-innlandet", "mr-ms-followup", None, "2026-02-16", None),
        ("oslo", "mr-ms-followup", None, "2026-03-02", None),
        ("vestre-viken", "ct-pulmonary-metastases", None, "2024-09-02", "2026-03-01"),
        ("nord-norge", "xray-skeletal", "2026-03-09", "2026-04-13", None),
        ("oslo", "xray-skeletal", "2026-04-07", "2026-05-04", None),
        ("akershus", "ct-lung-nodules", None, "2026-05-11", None),
        ("sykehuset-i-vestfold", "ct-lung-nodules", None, "2026-05-18", None),
        ("nord-norge", "xray-chest", None, "2026-05-26", None),
        ("sykehuset-ostfold", "xray-chest", None, "2026-06-01", None),
        ("oslo", "ct-lung-nodules", None, "2026-06-08", None),
        ("nord-norge", "ct-pe", None, "2026-06-15", None),
    ]
    return [
        {"trust": trust, "algorithm": algorithm, "validation_from": validation, "go_live": go_live, "end": end}
        for trust, algorithm, validation, go_live, end in rows
    ]
