"""Sentences: what each code says, word by word, in Norwegian and English, and what holds for all of them."""

from __future__ import annotations

import string
from datetime import date
from decimal import Decimal as D

import pytest

from billing.causes import CAUSES, CODES, Code, Finding, Value
from billing.causes.sentences import kind_of, plain, said, sentence
from contracts.terms.period import Period
from contracts.terms.written import Language

QUARTER = Period(date(2026, 7, 1), date(2026, 10, 1))

# Code, what is known, the clause, and what is said of it.
SENTENCES: list[tuple[Code, dict[str, Value], str | None, str, str]] = [
    (
        "NOT_ACTIVE",
        {"quantity": 12, "go_live": date(2026, 11, 1), "ended": None},
        None,
        "Fakturert 12 undersøkelser for en algoritme som først settes i drift ved helseforetaket 01.11.2026.",
        "Billed 12 examinations for an algorithm that goes live at the trust on 2026-11-01.",
    ),
    (
        "NOT_ACTIVE",
        {"quantity": 12, "go_live": None, "ended": date(2026, 5, 1)},
        None,
        "Fakturert 12 undersøkelser for en algoritme som ble avsluttet ved helseforetaket 01.05.2026.",
        "Billed 12 examinations for an algorithm that ended at the trust on 2026-05-01.",
    ),
    (
        "NOT_ACTIVE",
        {"quantity": 12},
        None,
        "Fakturert 12 undersøkelser for en algoritme som ikke er i drift ved helseforetaket i perioden.",
        "Billed 12 examinations for an algorithm that is not live at the trust in the period.",
    ),
    (
        "UNKNOWN_ITEM",
        {"text": "Konsulenttimer", "amount": D("4500.00")},
        None,
        "«Konsulenttimer» til 4500,00 kr svarer ikke til noe som er avtalt.",
        "“Konsulenttimer” at NOK 4500.00 matches nothing that was agreed.",
    ),
    (
        "UNKNOWN_ITEM",
        {"text": None, "amount": D("-120.00")},
        None,
        "-120,00 kr svarer ikke til noe som er avtalt.",
        "NOK -120.00 matches nothing that was agreed.",
    ),
    (
        "WRONG_BUYER",
        {"billed": "993467049", "expected": ("987654325",)},
        None,
        "Fakturaen er stilet til organisasjonsnummer 993467049; avtalt er 987654325.",
        "The invoice is made out to organisation number 993467049; agreed is 987654325.",
    ),
    (
        "WRONG_BUYER",
        {"billed": None, "expected": ("987654325",)},
        None,
        "Fakturaen oppgir ikke kjøpers organisasjonsnummer; avtalt er 987654325.",
        "The invoice names no organisation number of the buyer; agreed is 987654325.",
    ),
    (
        "REF_WRONG",
        {"which": "order_reference", "billed": "77", "expected": ("4500218861",)},
        None,
        "Feil i bestillingsreferansen: 77; avtalt er 4500218861.",
        "Wrong in the order reference: 77; agreed is 4500218861.",
    ),
    (
        "REF_WRONG",
        {"which": "contract_reference", "billed": None, "expected": ("RA-1", "RA-2")},
        None,
        "Fakturaen mangler avtalereferansen; avtalt er RA-1, RA-2.",
        "The invoice lacks the contract reference; agreed is RA-1, RA-2.",
    ),
    (
        "CURRENCY",
        {"billed": "EUR", "expected": "NOK"},
        None,
        "Fakturert i EUR, avtalen er i NOK. Beløpene er ikke sammenlignet.",
        "Billed in EUR, the agreement is in NOK. The amounts are not compared.",
    ),
    (
        "INVOICE_DUP",
        {"number": "1002", "earlier": "1001"},
        None,
        "Faktura 1002 gjentar faktura 1001, som allerede er mottatt.",
        "Invoice 1002 repeats invoice 1001, which was received before.",
    ),
    (
        "LINE_DUP",
        {"quantity": D(36), "price": D("45.50"), "earlier": "1001"},
        "7.1",
        "Linja står også på faktura 1001: 36 à 45,50 kr (punkt 7.1).",
        "The line stands on invoice 1001 too: 36 at NOK 45.50 (clause 7.1).",
    ),
    (
        "LINE_DUP",
        {"quantity": D(36), "price": D("45.50")},
        "7.1",
        "Linja er fakturert to ganger: 36 à 45,50 kr (punkt 7.1).",
        "The line is billed twice: 36 at NOK 45.50 (clause 7.1).",
    ),
    (
        "QTY_DIFF",
        {"billed": 1204, "own": 1180, "difference": 24},
        "7.1",
        "Leverandøren har fakturert 1204 undersøkelser, vi har registrert 1180 (punkt 7.1).",
        "The vendor billed 1204 examinations, we counted 1180 (clause 7.1).",
    ),
    (
        "QTY_DIFF",
        {"billed": 1204, "own": 1180, "counted_at": "oslo", "elsewhere": "yes"},
        "7.1",
        "Leverandøren har fakturert 1204 undersøkelser, vi har registrert 1180. Tellingen ved oslo flytter beløpet her (punkt 7.1).",
        "The vendor billed 1204 examinations, we counted 1180. The count at oslo moves the amount here (clause 7.1).",
    ),
    (
        "QTY_DUP",
        {"difference": 9, "billed": 79, "own": 70},
        "7.1",
        "9 undersøkelser er talt to ganger: fakturert 79, registrert 70 (punkt 7.1).",
        "9 examinations are counted twice: billed 79, counted 70 (clause 7.1).",
    ),
    (
        "QTY_PERIOD",
        {"billed": 160, "own": 70, "span": QUARTER},
        "7.1",
        "Undersøkelser fra en annen periode er med: fakturert 160, registrert 70 i 2026-Q3 (punkt 7.1).",
        "Examinations of another period are billed: billed 160, counted 70 in 2026-Q3 (clause 7.1).",
    ),
    (
        "QTY_PERIOD",
        {"billed": D(9), "from": QUARTER},
        "7.1",
        "9 undersøkelser gjelder 2026-Q3 og ikke perioden fakturaen er for (punkt 7.1).",
        "9 examinations belong to 2026-Q3 and not to the period of the invoice (clause 7.1).",
    ),
    (
        "QTY_LATE",
        {"difference": 11, "billed": 81, "own": 70},
        "7.1",
        "11 undersøkelser er registrert etter at perioden deres ble lukket (punkt 7.1).",
        "11 examinations were recorded after their period was closed (clause 7.1).",
    ),
    (
        "QTY_LATE",
        {"late": 11, "from": QUARTER, "billed": D(11)},
        "7.1",
        "11 undersøkelser fra 2026-Q3 er registrert etter at perioden ble lukket (punkt 7.1).",
        "11 examinations of 2026-Q3 were recorded after the period was closed (clause 7.1).",
    ),
    (
        "QTY_NONBILLABLE",
        {"difference": 9, "billed": 79, "own": 70},
        "7.1",
        "9 undersøkelser er ikke fakturerbare (validering, mislykkede eller gjentatte kjøringer): fakturert 79, registrert 70 (punkt 7.1).",
        "9 examinations are not billable (validation, failed or repeated runs): billed 79, counted 70 (clause 7.1).",
    ),
    (
        "QTY_NONBILLABLE",
        {"billed": D(18), "reason": "validation"},
        "7.1",
        "18 undersøkelser er ikke fakturerbare: validering (punkt 7.1).",
        "18 examinations are not billable: validation (clause 7.1).",
    ),
    (
        "QTY_NONBILLABLE",
        {"amount": D("823.50")},
        "7.1",
        "Valideringskjøringer er fakturert som ordinære undersøkelser, 823,50 kr for mye (punkt 7.1).",
        "Validation runs are billed as ordinary examinations, NOK 823.50 too much (clause 7.1).",
    ),
    (
        "TIER_MODE",
        {"billed": "volume", "expected": "graduated"},
        "7.1",
        "Trinnene er lest som alle enheter i nådd trinn; avtalt er gradert (punkt 7.1).",
        "The tiers are read as all units at the tier reached; agreed is graduated (clause 7.1).",
    ),
    (
        "TIER_SCOPE",
        {"billed": "trust", "expected": "agreement"},
        "7.1",
        "Trinn er regnet per helseforetak; avtalt er samlet for avtalen (punkt 7.1).",
        "Tiers are counted per trust; agreed is for the whole agreement (clause 7.1).",
    ),
    (
        "TIER_RESET",
        {"billed": "quarter", "expected": "calendar_year"},
        "7.1",
        "Telleren er nullstilt per kvartal; avtalt er per kalenderår (punkt 7.1).",
        "The counter starts over by quarter; agreed is by calendar year (clause 7.1).",
    ),
    (
        "TIER_RESET",
        {"day": date(2026, 7, 1)},
        "7.1",
        "Telleren er startet på nytt 01.07.2026, men skal løpe videre (punkt 7.1).",
        "The counter starts over on 2026-07-01, but should carry on (clause 7.1).",
    ),
    (
        "TIER_WRONG",
        {"billed_tier": 1, "billed": D("60"), "expected": D("45.5")},
        "7.1",
        "Fakturert til prisen for trinn 1, 60,00 kr; volumet tilsier 45,50 kr (punkt 7.1).",
        "Billed at the price of tier 1, NOK 60.00; the volume gives NOK 45.50 (clause 7.1).",
    ),
    (
        "TIER_WRONG",
        {"billed_tier": 1, "amount": D("-250.00")},
        "7.1",
        "Alle enheter er fakturert til prisen for trinn 1, 250,00 kr for lite (punkt 7.1).",
        "All units are billed at the price of tier 1, NOK 250.00 too little (clause 7.1).",
    ),
    (
        "TIER_WRONG",
        {"bound": "exclusive", "agreed_bound": "inclusive"},
        "7.1",
        "Enheten på trinngrensen er priset i trinnet den åpner; avtalt er trinnet den avslutter (punkt 7.1).",
        "The unit on a tier's bound is priced in the tier it opens; agreed is the tier it ends (clause 7.1).",
    ),
    (
        "TIER_WRONG",
        {"quantity": 40, "amount": D("99.00")},
        "7.1",
        "40 undersøkelser er fakturert i andre trinn enn volumet tilsier, 99,00 kr for mye (punkt 7.1).",
        "40 examinations are billed in other tiers than the volume gives, NOK 99.00 too much (clause 7.1).",
    ),
    (
        "RAMP_MISSING",
        {"expected": D("0.5"), "billed": D(0), "phase": 1},
        "7.2",
        "Innfasingsrabatten på 50 % er ikke trukket fra (punkt 7.2).",
        "The ramp-up discount of 50% is not taken off (clause 7.2).",
    ),
    (
        "RAMP_MISSING",
        {"discount": D("0.00"), "agreed_discount": D("1975.80")},
        "7.2",
        "Innfasingsrabatten på 1975,80 kr er ikke trukket fra (punkt 7.2).",
        "The ramp-up discount of NOK 1975.80 is not taken off (clause 7.2).",
    ),
    (
        "RAMP_MISSING",
        {"months": 1, "amount": D("55.00")},
        "7.2",
        "Innfasingsrabatten er avsluttet 1 måned for tidlig, 55,00 kr for mye (punkt 7.2).",
        "The ramp-up discount ended 1 month early, NOK 55.00 too much (clause 7.2).",
    ),
    (
        "RAMP_MISSING",
        {"change": "NoRamp", "amount": D("55.00")},
        "7.2",
        "Innfasingsrabatten er ikke trukket fra, 55,00 kr for mye (punkt 7.2).",
        "The ramp-up discount is not taken off, NOK 55.00 too much (clause 7.2).",
    ),
    (
        "RAMP_EXPIRED",
        {"months": 2, "amount": D("-55.00")},
        "7.2",
        "Innfasingsrabatt er gitt 2 måneder for lenge, 55,00 kr for lite (punkt 7.2).",
        "The ramp-up discount is given 2 months too long, NOK 55.00 too little (clause 7.2).",
    ),
    (
        "RAMP_EXPIRED",
        {"billed": D("0.25"), "expected": D(0), "amount": D("-55.00")},
        "7.2",
        "Innfasingsrabatt på 25 % er gitt etter at den er slutt, 55,00 kr for lite (punkt 7.2).",
        "A ramp-up discount of 25% is given after its end, NOK 55.00 too little (clause 7.2).",
    ),
    (
        "RAMP_EXPIRED",
        {"months": None, "amount": D("-55.00")},
        "7.2",
        "Innfasingsrabatt er gitt etter at den er slutt, 55,00 kr for lite (punkt 7.2).",
        "The ramp-up discount is given after its end, NOK 55.00 too little (clause 7.2).",
    ),
    (
        "RAMP_RATE",
        {"phase": 1, "billed": D("0.125"), "expected": D("0.5")},
        "7.2",
        "Innfasingsrabatten i fase 1 er 12,5 %; avtalt er 50 % (punkt 7.2).",
        "The ramp-up discount of phase 1 is 12.5%; agreed is 50% (clause 7.2).",
    ),
    (
        "RAMP_RATE",
        {"start": "next_month", "agreed_start": "go_live"},
        "7.2",
        "Innfasingen er regnet fra den første i måneden etter driftsstart; avtalt er fra driftsstart (punkt 7.2).",
        "The ramp-up is counted from the first of the month after go-live; agreed is from go-live (clause 7.2).",
    ),
    (
        "RAMP_RATE",
        {"day": date(2026, 5, 10)},
        "7.2",
        "Innfasingen er regnet fra 10.05.2026 og ikke fra driftsstart (punkt 7.2).",
        "The ramp-up is counted from 2026-05-10 and not from go-live (clause 7.2).",
    ),
    (
        "RAMP_RATE",
        {"turned": "yes", "amount": D("-10.00")},
        "7.2",
        "Rabattene i innfasingens faser er byttet om, 10,00 kr for lite (punkt 7.2).",
        "The discounts of the ramp-up's phases are given the other way round, NOK 10.00 too little (clause 7.2).",
    ),
    (
        "PRICE_VERSION",
        {"valid_from": date(2025, 1, 1), "expected": date(2026, 1, 1)},
        "Bilag 7",
        "Pris fra versjonen som gjelder fra 01.01.2025 er brukt; versjonen fra 01.01.2026 er i kraft (Bilag 7).",
        "The price of the version valid from 2025-01-01 is used; the version of 2026-01-01 is in force (Bilag 7).",
    ),
    (
        "PRICE_VERSION",
        {"valid_from": date(2026, 7, 1), "used_from": date(2026, 8, 1), "expected": date(2026, 7, 1)},
        "Bilag 7",
        "Prisversjonen som gjelder fra 01.07.2026 er brukt fra 01.08.2026 (Bilag 7).",
        "The price version valid from 2026-07-01 is used from 2026-08-01 (Bilag 7).",
    ),
    (
        "PRICE_UNIT",
        {"billed": D("61.5"), "expected": D("60.000000")},
        "7.1",
        "Enhetsprisen er 61,50 kr, som ikke finnes i noen prisversjon; avtalt er 60,00 kr (punkt 7.1).",
        "The unit price is NOK 61.50, which is in no price version; agreed is NOK 60.00 (clause 7.1).",
    ),
    (
        "PRICE_UNIT",
        {"average_billed": D("52.1234"), "average": D("50.1000"), "quantity": D(30)},
        "7.1",
        "Enhetsprisen er i snitt 52,1234 kr for 30 undersøkelser; avtalt er 50,10 kr (punkt 7.1).",
        "The unit price is NOK 52.1234 on average for 30 examinations; agreed is NOK 50.10 (clause 7.1).",
    ),
    (
        "PRICE_UNIT",
        {"amount_billed": D("900.00"), "amount_due": D("1000.00")},
        "7.1",
        "Beløpet er fakturert med 900,00 kr; avtalt er 1000,00 kr (punkt 7.1).",
        "The amount is billed at NOK 900.00; agreed is NOK 1000.00 (clause 7.1).",
    ),
    (
        "INDEX_EARLY",
        {"factor": D("1.031"), "used_from": date(2026, 7, 1), "effective_from": date(2026, 9, 1)},
        "7.3",
        "Indeksreguleringen (1,031) er brukt fra 01.07.2026; den gjelder fra 01.09.2026 (punkt 7.3).",
        "The index adjustment (1.031) is applied from 2026-07-01; it takes effect on 2026-09-01 (clause 7.3).",
    ),
    (
        "INDEX_WRONG",
        {"billed": D("1.0609"), "expected": D("1.03"), "effective_from": date(2026, 7, 1)},
        "7.3",
        "Indeksregulert med faktor 1,0609; avtalt fra 01.07.2026 er 1,03 (punkt 7.3).",
        "Adjusted by the factor 1.0609; agreed from 2026-07-01 is 1.03 (clause 7.3).",
    ),
    (
        "INDEX_MISSING",
        {"factor": D("1.031"), "used_from": date(2026, 8, 1), "effective_from": date(2026, 7, 1)},
        "7.3",
        "Indeksreguleringen (1,031) fra 01.07.2026 er brukt først fra 01.08.2026 (punkt 7.3).",
        "The index adjustment (1.031) of 2026-07-01 is applied from 2026-08-01 only (clause 7.3).",
    ),
    (
        "INDEX_MISSING",
        {"expected": D("1.031"), "effective_from": date(2026, 7, 1)},
        "7.3",
        "Indeksreguleringen (1,031) fra 01.07.2026 er ikke brukt (punkt 7.3).",
        "The index adjustment (1.031) of 2026-07-01 is not applied (clause 7.3).",
    ),
    (
        "FIXED_FEE",
        {"per": "activation", "billed": "activation", "expected": "trust"},
        "7.4",
        "Fast beløp er fakturert per aktivering; avtalt er per helseforetak (punkt 7.4).",
        "The fixed fee is billed per activation; agreed is per trust (clause 7.4).",
    ),
    (
        "FIXED_FEE",
        {"proration": "none", "agreed_proration": "days"},
        "7.4",
        "Fast beløp er fakturert for hele perioden; avtalt er fordelt på dager (punkt 7.4).",
        "The fixed fee is billed for the whole interval; agreed is prorated by days (clause 7.4).",
    ),
    (
        "FIXED_FEE",
        {"billed": D("5100.00"), "expected": D("5000.00")},
        "7.4",
        "Fast beløp er fakturert med 5100,00 kr; avtalt er 5000,00 kr (punkt 7.4).",
        "The fixed fee is billed at NOK 5100.00; agreed is NOK 5000.00 (clause 7.4).",
    ),
    (
        "FIXED_FEE",
        {"billed": D("120.00"), "expected": None, "amount": D("120.00")},
        None,
        "Et gebyr på 120,00 kr er ikke avtalt.",
        "A fee of NOK 120.00 is not agreed.",
    ),
    (
        "MINIMUM_WRONG",
        {"limit": "minimum", "left_out": "yes", "amount": D("-4983.87")},
        "7.5",
        "Minstebeløpet er ikke brukt, 4983,87 kr for lite (punkt 7.5).",
        "The minimum is not applied, NOK 4983.87 too little (clause 7.5).",
    ),
    (
        "MINIMUM_WRONG",
        {"limit": "maximum", "per": "trust", "agreed_per": "agreement"},
        "7.5",
        "Maksimumsbeløpet er regnet per helseforetak; avtalt er samlet for avtalen (punkt 7.5).",
        "The maximum is applied per trust; agreed is for the whole agreement (clause 7.5).",
    ),
    (
        "MINIMUM_WRONG",
        {"limit": "minimum", "window": "month", "agreed_window": "quarter"},
        "7.5",
        "Minstebeløpet er regnet per måned; avtalt er per kvartal (punkt 7.5).",
        "The minimum is applied by month; agreed is by quarter (clause 7.5).",
    ),
    (
        "MINIMUM_WRONG",
        {"limit": "minimum", "level": "indexed", "agreed_level": "unindexed"},
        "7.5",
        "Minstebeløpet er regnet indeksregulert; avtalt er uten indeksregulering (punkt 7.5).",
        "The minimum is adjusted by the index; agreed is not adjusted by the index (clause 7.5).",
    ),
    (
        "MINIMUM_WRONG",
        {"basis": "before_discount", "agreed_basis": "after_discount"},
        "7.5",
        "Minste- eller maksimumsbeløpet er holdt mot beløpet før rabatt; avtalt er etter rabatt (punkt 7.5).",
        "The minimum or maximum is held against the amount before the discount; agreed is after the discount (clause 7.5).",
    ),
    (
        "MINIMUM_WRONG",
        {"billed": D("900.00"), "expected": D("1000.00")},
        "7.5",
        "Minste- eller maksimumsbeløp er fakturert med 900,00 kr; avtalt er 1000,00 kr (punkt 7.5).",
        "A minimum or maximum is billed at NOK 900.00; agreed is NOK 1000.00 (clause 7.5).",
    ),
    (
        "MINIMUM_WRONG",
        {"billed": D("900.00"), "amount": D("900.00")},
        None,
        "Et minste- eller maksimumsbeløp er fakturert uten at det er avtalt, 900,00 kr for mye.",
        "A minimum or maximum is billed that was not agreed, NOK 900.00 too much.",
    ),
    (
        "ARITHMETIC",
        {"billed": D("725.00"), "expected": D("720.00"), "quantity": D(12), "price": D("60")},
        "7.1",
        "Linja er fakturert med 725,00 kr, men 12 à 60,00 kr gir 720,00 kr (punkt 7.1).",
        "The line is billed at NOK 725.00, but 12 at NOK 60.00 comes to NOK 720.00 (clause 7.1).",
    ),
    (
        "ARITHMETIC",
        {"billed": D("365.00"), "expected": D("360.00"), "quantity": D(12), "price": D("60"), "allowance": D("360.00")},
        "7.1",
        "Linja er fakturert med 365,00 kr, men 12 à 60,00 kr med fradrag på 360,00 kr gir 360,00 kr (punkt 7.1).",
        "The line is billed at NOK 365.00, but 12 at NOK 60.00 less NOK 360.00 comes to NOK 360.00 (clause 7.1).",
    ),
    (
        "ARITHMETIC",
        {"billed": D("1100.00"), "expected": D("1000.00"), "amount": D("100.00")},
        None,
        "Summen er 1100,00 kr, men linjene gir 1000,00 kr.",
        "The sum is NOK 1100.00, but the lines come to NOK 1000.00.",
    ),
    (
        "ARITHMETIC",
        {"amount": D("-0.50")},
        None,
        "Beløpene summerer ikke, 0,50 kr for lite.",
        "The amounts do not add up, NOK 0.50 too little.",
    ),
    (
        "VAT",
        {"billed": D("150.00"), "expected": D("250.00"), "rate": D("0.25"), "net": D("1000.00"), "rates": ("15 %",)},
        None,
        "Merverdiavgiften er 150,00 kr med satsen 15 %; 25 % av 1000,00 kr er 250,00 kr.",
        "VAT is NOK 150.00 at the rate of 15 %; 25% of NOK 1000.00 is NOK 250.00.",
    ),
    (
        "VAT",
        {"billed": D("262.50"), "expected": D("250.00"), "rate": D("0.25"), "net": D("1000.00"), "rates": ()},
        None,
        "Merverdiavgiften er 262,50 kr; 25 % av 1000,00 kr er 250,00 kr.",
        "VAT is NOK 262.50; 25% of NOK 1000.00 is NOK 250.00.",
    ),
    (
        "CREDIT_PENDING",
        {"credit": "K7", "agreed": D("750.00")},
        None,
        "Avtalt kreditt K7 på 750,00 kr er ikke trukket fra ennå.",
        "The agreed credit K7 of NOK 750.00 is not taken off yet.",
    ),
    (
        "CREDIT_WRONG",
        {"credit": "K7", "agreed": D("750.00"), "billed": D("500.00")},
        None,
        "Kreditert 500,00 kr for K7; avtalt er 750,00 kr.",
        "Credited NOK 500.00 for K7; agreed is NOK 750.00.",
    ),
    (
        "CREDIT_WRONG",
        {"credit": "", "billed": D("500.00")},
        None,
        "Kreditert 500,00 kr, som ikke er avtalt.",
        "Credited NOK 500.00, which was not agreed.",
    ),
    (
        "MISSING_LINE",
        {"missing": D("5000.00")},
        "7.4",
        "5000,00 kr som skulle vært fakturert, står ikke på fakturaen (punkt 7.4).",
        "NOK 5000.00 that is due is not on the invoice (clause 7.4).",
    ),
    (
        "TERMS",
        {"billed": date(2026, 10, 22), "expected": date(2026, 11, 7), "days": 30},
        None,
        "Forfall er 22.10.2026; 30 dagers frist gir 07.11.2026.",
        "Due on 2026-10-22; 30 days give 2026-11-07.",
    ),
    (
        "ACCOUNT_CHANGED",
        {"billed": ("98765432103",), "expected": ("12345670007",)},
        None,
        "Bankkonto 98765432103 er ikke kjent fra før; kjent er 12345670007. Ikke betal før kontoen er kontrollert.",
        "Bank account 98765432103 is not known; known is 12345670007. Do not pay until it has been checked.",
    ),
    (
        "CEILING",
        {"beyond": D("1500.00"), "maximum": D("1000000.00"), "accepted": D("999000.00")},
        None,
        "Fakturaen går 1500,00 kr ut over rammen på 1000000,00 kr; godkjent før er 999000,00 kr.",
        "The invoice goes NOK 1500.00 beyond the maximum of NOK 1000000.00; accepted before is NOK 999000.00.",
    ),
    (
        "DOCUMENT",
        {"rules": ("BR-CO-15", "NO-R-001")},
        None,
        "Dokumentet bryter regler: BR-CO-15, NO-R-001.",
        "The document breaks rules: BR-CO-15, NO-R-001.",
    ),
    (
        "ROUNDING",
        {"amount": D("0.02")},
        "7.1",
        "Avrunding på 0,02 kr, innenfor toleransen (punkt 7.1).",
        "Rounding of NOK 0.02, within the tolerance (clause 7.1).",
    ),
    (
        "UNEXPLAINED",
        {"billed": D("108.53"), "expected": D("1575.63"), "amount": D("-1467.10")},
        "7.1",
        "Fakturert 108,53 kr, beregnet 1575,63 kr; 1467,10 kr for lite er ikke forklart (punkt 7.1).",
        "Billed NOK 108.53, computed NOK 1575.63; NOK 1467.10 too little is not explained (clause 7.1).",
    ),
]


@pytest.mark.parametrize(
    ("code", "params", "clause", "norwegian", "english"),
    SENTENCES,
    ids=[f"{e[0]}-{n}" for n, e in enumerate(SENTENCES)],
)
def test_a_code_says_what_is_known_in_both_languages(
    code: Code, params: dict[str, Value], clause: str | None, norwegian: str, english: str
) -> None:
    assert sentence(code, params, "nb", clause=clause) == norwegian
    assert sentence(code, params, "en", clause=clause) == english


def test_every_code_is_among_the_sentences_above() -> None:
    assert {each[0] for each in SENTENCES} == set(CODES)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_code_has_a_sentence_that_needs_no_numbers(code: Code, language: Language) -> None:
    text = sentence(code, {}, language)
    assert text.endswith(".")
    assert not set("{}–") & set(text)


@pytest.mark.parametrize("code", CODES)
def test_both_languages_of_a_template_write_the_same_places(code: Code) -> None:
    def places(text: str) -> list[tuple[str, str | None]]:
        return sorted((name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name)

    for template in CAUSES[code].sentences:
        assert places(template[0]) == places(template[1])


def test_a_finding_is_said_with_its_own_amount_and_its_clause() -> None:
    finding = Finding("RAMP_MISSING", D("55.00"), clause="7.2", params={"change": "NoRamp"})
    assert said(finding, "nb") == "Innfasingsrabatten er ikke trukket fra, 55,00 kr for mye (punkt 7.2)."


def test_a_sentence_is_formatted_by_whoever_shows_it() -> None:
    def form(name: str, value: Value, language: Language) -> str:
        return f"<{kind_of('RAMP_EXPIRED', name)} {name} {value}>"

    text = sentence("RAMP_EXPIRED", {"months": 2, "amount": D("-5.00")}, "nb", form)
    assert text == "Innfasingsrabatt er gitt <count months 2> måneder for lenge, <amount amount 5.00> for lite."


@pytest.mark.parametrize(
    ("kind", "value", "norwegian", "english"),
    [
        ("amount", D("1234.5"), "1234,50 kr", "NOK 1234.50"),
        ("price", D("4.1250"), "4,125 kr", "NOK 4.125"),
        ("share", D("0.125"), "12,5 %", "12.5%"),
        ("share", D("1"), "100 %", "100%"),
        ("count", D("36"), "36", "36"),
        ("count", D("0.50"), "0,5", "0.5"),
        ("day", date(2026, 7, 1), "01.07.2026", "2026-07-01"),
        ("word", "trust", "per helseforetak", "per trust"),
        ("word", "what nobody knows", "what nobody knows", "what nobody knows"),
        ("word", ("RA-1", "RA-2"), "RA-1, RA-2", "RA-1, RA-2"),
        ("word", QUARTER, "2026-Q3", "2026-Q3"),
        ("word", None, "–", "–"),
    ],
)
def test_a_value_is_written_plainly_by_its_kind(kind: str, value: Value, norwegian: str, english: str) -> None:
    assert (plain(kind, value, "nb"), plain(kind, value, "en")) == (norwegian, english)
