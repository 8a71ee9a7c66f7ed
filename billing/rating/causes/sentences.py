"""A finding put into one sentence, in Norwegian or English: the numbers are in it, the judgement is the reader's.

The templates have named places. Whoever shows a sentence formats what stands in them: `sentence` takes a formatter for that
and writes plainly without one. A code may have several templates, for what is known of it differs; the first one is used whose
places all have a value.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Literal

from billing.rating.causes.codes import Code
from billing.rating.causes.findings import Value
from contracts.terms.money import format_unit_price
from contracts.terms.period import Period

Language = Literal["nb", "en"]
Formatter = Callable[[str, Value, Language], str]

# What a word of the terms is called in a sentence.
_WORDS: dict[str, tuple[str, str]] = {
    "graduated": ("gradert", "graduated"),
    "volume": ("alle enheter i nådd trinn", "all units at the tier reached"),
    "activation": ("per aktivering", "per activation"),
    "trust": ("per helseforetak", "per trust"),
    "agreement": ("samlet for avtalen", "for the whole agreement"),
    "month": ("per måned", "by month"),
    "quarter": ("per kvartal", "by quarter"),
    "calendar_year": ("per kalenderår", "by calendar year"),
    "agreement_year": ("per avtaleår", "by agreement year"),
    "minimum": ("minstebeløpet", "the minimum"),
    "maximum": ("maksimumsbeløpet", "the maximum"),
    "buyer_reference": ("kjøpers referanse", "the buyer's reference"),
    "order_reference": ("bestillingsreferansen", "the order reference"),
    "contract_reference": ("avtalereferansen", "the contract reference"),
    "validation": ("validering", "validation"),
    "failed": ("mislykkede kjøringer", "failed runs"),
    "repeated": ("gjentatte kjøringer", "repeated runs"),
}

_TEMPLATES: dict[Code, tuple[tuple[str, ...], ...]] = {
    "NOT_ACTIVE": (
        (
            "Fakturert {quantity} undersøkelser for en algoritme som ble satt i drift først {go_live} ved helseforetaket.",
            "Billed {quantity} examinations for an algorithm that goes live at the trust on {go_live}.",
        ),
        (
            "Fakturert {quantity} undersøkelser for en algoritme som ikke er i drift ved helseforetaket i perioden.",
            "Billed {quantity} examinations for an algorithm that is not live at the trust in the period.",
        ),
        (
            "Fakturert for en algoritme som ikke er i drift ved helseforetaket i perioden.",
            "Billed for an algorithm that is not live at the trust in the period.",
        ),
    ),
    "UNKNOWN_ITEM": (
        ("«{text}» svarer ikke til noe som er avtalt.", "“{text}” matches nothing that was agreed."),
        ("Beløpet svarer ikke til noe som er avtalt.", "The amount matches nothing that was agreed."),
    ),
    "WRONG_BUYER": (
        (
            "Fakturaen er stilet til organisasjonsnummer {billed}; avtalt er {expected}.",
            "The invoice is made out to organisation number {billed}; agreed is {expected}.",
        ),
        (
            "Fakturaen oppgir ikke kjøpers organisasjonsnummer; avtalt er {expected}.",
            "The invoice names no organisation number of the buyer; agreed is {expected}.",
        ),
    ),
    "REF_WRONG": (
        ("Feil i {which}: {billed}; avtalt er {expected}.", "Wrong in {which}: {billed}; agreed is {expected}."),
        ("Fakturaen mangler {which}; avtalt er {expected}.", "The invoice lacks {which}; agreed is {expected}."),
    ),
    "CURRENCY": (
        (
            "Fakturert i {billed}, avtalen er i {expected}. Beløpene er ikke sammenlignet.",
            "Billed in {billed}, the agreement is in {expected}. The amounts are not compared.",
        ),
    ),
    "INVOICE_DUP": (
        (
            "Faktura {number} gjentar faktura {earlier} som allerede er mottatt.",
            "Invoice {number} repeats invoice {earlier}, which was received before.",
        ),
    ),
    "LINE_DUP": (
        (
            "Linja er fakturert også i faktura {document}: {quantity} à {price}.",
            "The line is billed in invoice {document} too: {quantity} at {price}.",
        ),
        ("Linja er fakturert to ganger.", "The line is billed twice."),
    ),
    "QTY_DIFF": (
        (
            "Leverandøren har fakturert {billed} undersøkelser ved {counted_at}, vi har registrert {own}; det flytter trinn her.",
            "The vendor billed {billed} examinations at {counted_at}, we counted {own}; that moves the tiers here.",
            "elsewhere",
        ),
        (
            "Leverandøren har fakturert {billed} undersøkelser, vi har registrert {own}.",
            "The vendor billed {billed} examinations, we counted {own}.",
        ),
        ("Et annet antall enn vi har registrert er fakturert.", "Another quantity than we counted is billed."),
    ),
    "QTY_DUP": (
        (
            "{difference} undersøkelser er talt to ganger: fakturert {billed}, registrert {own}.",
            "{difference} examinations are counted twice: billed {billed}, counted {own}.",
        ),
        ("{difference} undersøkelser er talt to ganger.", "{difference} examinations are counted twice."),
        ("Undersøkelser er talt to ganger.", "Examinations are counted twice."),
    ),
    "QTY_PERIOD": (
        (
            "Undersøkelser fra en annen periode er med: fakturert {billed}, registrert {own} i {span}.",
            "Examinations of another period are billed: billed {billed}, counted {own} in {span}.",
        ),
        (
            "{billed} undersøkelser gjelder {from} og ikke perioden fakturaen er for.",
            "{billed} examinations belong to {from} and not to the period of the invoice.",
        ),
        ("Undersøkelser fra en annen periode er fakturert.", "Examinations of another period are billed."),
    ),
    "QTY_LATE": (
        (
            "{difference} undersøkelser er registrert etter at perioden deres ble lukket.",
            "{difference} examinations were recorded after their period was closed.",
        ),
        (
            "{late} undersøkelser fra {from} er registrert etter at perioden ble lukket.",
            "{late} examinations of {from} were recorded after the period was closed.",
        ),
        (
            "Undersøkelser som er registrert etter lukking er fakturert.",
            "Examinations recorded after closing are billed.",
        ),
    ),
    "QTY_NONBILLABLE": (
        (
            "{difference} undersøkelser er ikke fakturerbare (validering, mislykkede eller gjentatte kjøringer): fakturert {billed}, registrert {own}.",
            "{difference} examinations are not billable (validation, failed or repeated runs): billed {billed}, counted {own}.",
        ),
        (
            "{difference} undersøkelser er ikke fakturerbare (validering, mislykkede eller gjentatte kjøringer).",
            "{difference} examinations are not billable (validation, failed or repeated runs).",
        ),
        (
            "{billed} undersøkelser er ikke fakturerbare: {reason}.",
            "{billed} examinations are not billable: {reason}.",
        ),
        (
            "Valideringskjøringer er fakturert som ordinære undersøkelser.",
            "Validation runs are billed as ordinary examinations.",
        ),
    ),
    "TIER_MODE": (
        (
            "Trinnene er lest som {billed}; avtalt er {expected}.",
            "The tiers are read as {billed}; agreed is {expected}.",
        ),
    ),
    "TIER_SCOPE": (
        ("Trinn er regnet {billed}; avtalt er {expected}.", "Tiers are counted {billed}; agreed is {expected}."),
    ),
    "TIER_RESET": (
        (
            "Telleren er nullstilt {billed}; avtalt er {expected}.",
            "The counter starts over {billed}; agreed is {expected}.",
        ),
        (
            "Telleren er startet på nytt {day}, men skal løpe videre.",
            "The counter starts over on {day}, but should carry on.",
        ),
    ),
    "TIER_WRONG": (
        (
            "Fakturert til prisen for trinn {billed_tier}, {billed}; volumet tilsier {expected}.",
            "Billed at the price of tier {billed_tier}, {billed}; the volume gives {expected}.",
        ),
        (
            "Alle enheter er fakturert til prisen for trinn {billed_tier}.",
            "All units are billed at the price of tier {billed_tier}.",
        ),
        ("Enheter er fakturert i feil trinn.", "Units are billed in the wrong tier."),
    ),
    "RAMP_MISSING": (
        (
            "Innfasingsrabatten på {expected} er ikke trukket fra.",
            "The ramp-up discount of {expected} is not taken off.",
        ),
        (
            "Innfasingsrabatten er avsluttet {months} måneder for tidlig.",
            "The ramp-up discount ended {months} months early.",
        ),
        ("Innfasingsrabatten er ikke trukket fra.", "The ramp-up discount is not taken off."),
    ),
    "RAMP_EXPIRED": (
        (
            "Innfasingsrabatt er gitt {months} måneder for lenge, i vår favør.",
            "The ramp-up discount is given {months} months too long, in our favour.",
        ),
        (
            "Innfasingsrabatt er gitt etter at den er slutt, i vår favør.",
            "The ramp-up discount is given after its end, in our favour.",
        ),
    ),
    "RAMP_RATE": (
        (
            "Innfasingsrabatten i fase {phase} er {billed}; avtalt er {expected}.",
            "The ramp-up discount of phase {phase} is {billed}; agreed is {expected}.",
        ),
        (
            "Innfasingen er regnet fra {day} og ikke fra driftsstart.",
            "The ramp-up is counted from {day} and not from go-live.",
        ),
        (
            "Innfasingsrabatten har en annen sats eller start enn avtalt.",
            "The ramp-up discount has another rate or start than agreed.",
        ),
    ),
    "PRICE_VERSION": (
        (
            "Pris fra versjonen som gjelder fra {valid_from} er brukt; versjonen fra {expected} er i kraft.",
            "The price of the version valid from {valid_from} is used; the version of {expected} is in force.",
        ),
        (
            "Prisversjonen som gjelder fra {valid_from} er brukt fra {used_from}.",
            "The price version valid from {valid_from} is used from {used_from}.",
        ),
        ("Pris fra en annen versjon er brukt.", "The price of another version is used."),
    ),
    "PRICE_UNIT": (
        (
            "Fakturert enhetspris {billed} finnes ikke i noen prisversjon; avtalt er {expected}.",
            "The unit price billed, {billed}, is in no price version; agreed is {expected}.",
        ),
        ("Enhetsprisen finnes ikke i noen prisversjon.", "The unit price is in no price version."),
    ),
    "INDEX_EARLY": (
        (
            "Indeksreguleringen ({factor}) er brukt fra {used_from}; den gjelder fra {effective_from}.",
            "The index adjustment ({factor}) is applied from {used_from}; it takes effect on {effective_from}.",
        ),
        ("Indeksreguleringen er brukt for tidlig.", "The index adjustment is applied early."),
    ),
    "INDEX_WRONG": (
        (
            "Indeksregulert med faktor {billed}; avtalt fra {effective_from} er {expected}.",
            "Adjusted by the factor {billed}; agreed from {effective_from} is {expected}.",
        ),
        ("Indeksregulert med en annen faktor enn avtalt.", "Adjusted by another factor than agreed."),
    ),
    "INDEX_MISSING": (
        (
            "Indeksreguleringen fra {effective_from} er brukt først fra {used_from}.",
            "The index adjustment of {effective_from} is applied from {used_from} only.",
        ),
        (
            "Indeksreguleringen på {expected} fra {effective_from} er ikke brukt.",
            "The index adjustment of {expected} from {effective_from} is not applied.",
        ),
        ("Indeksreguleringen er ikke brukt.", "The index adjustment is not applied."),
    ),
    "FIXED_FEE": (
        (
            "Fast beløp er fakturert {per}; avtalt er {expected}.",
            "The fixed fee is billed {per}; agreed is {expected}.",
        ),
        (
            "Fast beløp er fakturert med {billed}; avtalt er {expected}.",
            "The fixed fee is billed at {billed}; agreed is {expected}.",
        ),
        ("Gebyr på {amount} er ikke avtalt.", "A fee of {amount} is not agreed."),
        (
            "Fast beløp er ikke fordelt på dager som avtalt.",
            "The fixed fee is not prorated by days as agreed.",
        ),
    ),
    "MINIMUM_WRONG": (
        ("Fakturert {billed} for {limit}; avtalt er {expected}.", "Billed {billed} for {limit}; agreed is {expected}."),
        ("Det er regnet feil med {limit}.", "{limit} is applied wrongly."),
        (
            "Minste- eller maksimumsbeløp er fakturert med {billed}; avtalt er {expected}.",
            "A minimum or maximum is billed at {billed}; agreed is {expected}.",
        ),
        ("Minste- eller maksimumsbeløp er brukt feil.", "A minimum or maximum is applied wrongly."),
    ),
    "ARITHMETIC": (
        (
            "Linja er fakturert med {billed}, men {quantity} à {price} gir {expected}.",
            "The line is billed at {billed}, but {quantity} at {price} comes to {expected}.",
        ),
        ("Summen er {billed}, men linjene gir {expected}.", "The sum is {billed}, but the lines come to {expected}."),
        ("Beløpene summerer ikke; {amount} er for mye.", "The amounts do not add up; {amount} is too much."),
    ),
    "VAT": (
        (
            "Merverdiavgiften er {billed}; {rate} av {net} er {expected}.",
            "VAT is {billed}; {rate} of {net} is {expected}.",
        ),
    ),
    "CREDIT_PENDING": (
        (
            "Avtalt kreditt {credit} på {agreed} er ikke trukket fra ennå.",
            "The agreed credit {credit} of {agreed} is not taken off yet.",
        ),
    ),
    "CREDIT_WRONG": (
        (
            "Kreditert {billed} for {credit}; avtalt er {agreed}.",
            "Credited {billed} for {credit}; agreed is {agreed}.",
        ),
        ("Kreditert {billed} som ikke er avtalt.", "Credited {billed}, which was not agreed."),
    ),
    "MISSING_LINE": (("{amount} som er forfalt, er ikke fakturert.", "{amount} that is due is not billed."),),
    "TERMS": (
        (
            "Forfall er {billed}; {days} dagers frist gir {expected}.",
            "Due on {billed}; {days} days give {expected}.",
        ),
    ),
    "ACCOUNT_CHANGED": (
        (
            "Bankkonto {billed} er ikke kjent fra før; kjent er {expected}. Ikke betal før kontoen er kontrollert.",
            "Bank account {billed} is not known; known is {expected}. Do not pay until it has been checked.",
        ),
    ),
    "CEILING": (
        (
            "Fakturaen går {beyond} ut over rammen på {maximum}; godkjent før er {accepted}.",
            "The invoice goes {beyond} beyond the maximum of {maximum}; accepted before is {accepted}.",
        ),
    ),
    "DOCUMENT": (("Dokumentet bryter regler: {rules}.", "The document breaks rules: {rules}."),),
    "ROUNDING": (("Avrunding, {amount}, innenfor toleransen.", "Rounding, {amount}, within the tolerance."),),
    "UNEXPLAINED": (
        (
            "Fakturert {billed}, beregnet {expected}; differansen er ikke forklart.",
            "Billed {billed}, computed {expected}; the difference is not explained.",
        ),
        ("Differansen er ikke forklart.", "The difference is not explained."),
    ),
}


def sentence(code: Code, params: dict[str, Value], language: Language, form: Formatter | None = None) -> str:
    """Write the sentence of a finding; `form` formats what stands in a place, given the place's name.

    >>> sentence("QTY_DIFF", {"billed": 1204, "own": 1180}, "en")
    'The vendor billed 1204 examinations, we counted 1180.'
    """
    write = plain if form is None else form
    for template in _TEMPLATES[code]:
        text = template[0 if language == "nb" else 1]
        places = [name for _, name, _, _ in string.Formatter().parse(text) if name]
        needed = [*places, *template[2:]]
        if all(params.get(name) is not None for name in needed):
            written = text.format(**{name: write(name, params[name], language) for name in places})
            return written[:1].upper() + written[1:]
    return _TEMPLATES[code][-1][0 if language == "nb" else 1].replace("{", "").replace("}", "")


def plain(name: str, value: Value, language: Language) -> str:
    """Write a value plainly: amounts with a point, dates in ISO, periods by their label, words of the terms in the language."""
    match value:
        case None:
            return "–"
        case str():
            pair = _WORDS.get(value)
            return value if pair is None else pair[0 if language == "nb" else 1]
        case tuple():
            return ", ".join(value)
        case Period():
            return value.label()
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}" if value == value.to_integral_value() and name in _COUNTS else format_unit_price(value)
        case _:
            return str(value)


_COUNTS = frozenset({"quantity", "billed_quantity", "own", "difference", "late", "billed"})
