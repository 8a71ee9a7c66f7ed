"""What each code says, in Norwegian and English, by what is known of a finding.

A template is a pair of sentences and, after them, names that must be known for it to be used though it does not write them. Its
places say what stands in them: `{billed:count}` is examinations, `:amount` kroner, `:price` a unit price, `:share` a discount or
a rate of VAT, `:factor` an index factor, `:day` a date, `:months` a number of months, `:off` how much is billed too much or too
little; a place without such a word is text.
"""

from __future__ import annotations

from typing import Final

from billing.causes.codes import Code
from contracts.terms.price_models import MODELS

Pair = tuple[str, str]

# What a word of the terms is called in a sentence.
WORDS: Final[dict[str, Pair]] = {
    **{name: model.WORDS for name, model in MODELS.items()},
    "inclusive": ("trinnet den avslutter", "the tier it ends"),
    "exclusive": ("trinnet den åpner", "the tier it opens"),
    "activation": ("per aktivering", "per activation"),
    "trust": ("per helseforetak", "per trust"),
    "agreement": ("samlet for avtalen", "for the whole agreement"),
    "month": ("per måned", "by month"),
    "quarter": ("per kvartal", "by quarter"),
    "calendar_year": ("per kalenderår", "by calendar year"),
    "agreement_year": ("per avtaleår", "by agreement year"),
    "go_live": ("driftsstart", "go-live"),
    "next_month": ("den første i måneden etter driftsstart", "the first of the month after go-live"),
    "days": ("fordelt på dager", "prorated by days"),
    "none": ("for hele perioden", "for the whole interval"),
    "minimum": ("minstebeløpet", "the minimum"),
    "maximum": ("maksimumsbeløpet", "the maximum"),
    "before_discount": ("før rabatt", "before the discount"),
    "after_discount": ("etter rabatt", "after the discount"),
    "indexed": ("indeksregulert", "adjusted by the index"),
    "unindexed": ("uten indeksregulering", "not adjusted by the index"),
    "buyer_reference": ("kjøpers referanse", "the buyer's reference"),
    "order_reference": ("bestillingsreferansen", "the order reference"),
    "contract_reference": ("avtalereferansen", "the contract reference"),
    "validation": ("validering", "validation"),
    "failed": ("mislykkede kjøringer", "failed runs"),
    "repeated": ("gjentatte kjøringer", "repeated runs"),
}

TEMPLATES: Final[dict[Code, tuple[tuple[str, ...], ...]]] = {
    "NOT_ACTIVE": (
        (
            "Fakturert {quantity:count} undersøkelser for en algoritme som først settes i drift ved helseforetaket {go_live:day}.",
            "Billed {quantity:count} examinations for an algorithm that goes live at the trust on {go_live:day}.",
        ),
        (
            "Fakturert {quantity:count} undersøkelser for en algoritme som ble avsluttet ved helseforetaket {ended:day}.",
            "Billed {quantity:count} examinations for an algorithm that ended at the trust on {ended:day}.",
        ),
        (
            "Fakturert {quantity:count} undersøkelser for en algoritme som ikke er i drift ved helseforetaket i perioden.",
            "Billed {quantity:count} examinations for an algorithm that is not live at the trust in the period.",
        ),
        (
            "Fakturert for en algoritme som ikke er i drift ved helseforetaket i perioden.",
            "Billed for an algorithm that is not live at the trust in the period.",
        ),
    ),
    "UNKNOWN_ITEM": (
        (
            "«{text}» til {amount:amount} svarer ikke til noe som er avtalt.",
            "“{text}” at {amount:amount} matches nothing that was agreed.",
        ),
        ("{amount:amount} svarer ikke til noe som er avtalt.", "{amount:amount} matches nothing that was agreed."),
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
        ("Fakturaen er stilet til feil kjøper.", "The invoice is made out to the wrong buyer."),
    ),
    "REF_WRONG": (
        ("Feil i {which}: {billed}; avtalt er {expected}.", "Wrong in {which}: {billed}; agreed is {expected}."),
        ("Fakturaen mangler {which}; avtalt er {expected}.", "The invoice lacks {which}; agreed is {expected}."),
        ("En referanse mangler eller er feil.", "A reference is missing or wrong."),
    ),
    "CURRENCY": (
        (
            "Fakturert i {billed}, avtalen er i {expected}. Beløpene er ikke sammenlignet.",
            "Billed in {billed}, the agreement is in {expected}. The amounts are not compared.",
        ),
        (
            "Fakturert i en annen valuta enn avtalt. Beløpene er ikke sammenlignet.",
            "Billed in another currency than agreed. The amounts are not compared.",
        ),
    ),
    "INVOICE_DUP": (
        (
            "Faktura {number} gjentar faktura {earlier}, som allerede er mottatt.",
            "Invoice {number} repeats invoice {earlier}, which was received before.",
        ),
        ("Fakturaen er mottatt før.", "The invoice was received before."),
    ),
    "LINE_DUP": (
        (
            "Linja står også på faktura {earlier}: {quantity:count} à {price:price}.",
            "The line stands on invoice {earlier} too: {quantity:count} at {price:price}.",
        ),
        (
            "Linja er fakturert to ganger: {quantity:count} à {price:price}.",
            "The line is billed twice: {quantity:count} at {price:price}.",
        ),
        ("Linja er fakturert to ganger.", "The line is billed twice."),
    ),
    "QTY_DIFF": (
        (
            "Leverandøren har fakturert {billed:count} undersøkelser, vi har registrert {own:count}.",
            "The vendor billed {billed:count} examinations, we counted {own:count}.",
        ),
        ("Et annet antall enn vi har registrert er fakturert.", "Another quantity than we counted is billed."),
    ),
    "QTY_DUP": (
        (
            "{difference:count} undersøkelser er talt to ganger: fakturert {billed:count}, registrert {own:count}.",
            "{difference:count} examinations are counted twice: billed {billed:count}, counted {own:count}.",
        ),
        ("{difference:count} undersøkelser er talt to ganger.", "{difference:count} examinations are counted twice."),
        ("Undersøkelser er talt to ganger.", "Examinations are counted twice."),
    ),
    "QTY_PERIOD": (
        (
            "Undersøkelser fra en annen periode er med: fakturert {billed:count}, registrert {own:count} i {span}.",
            "Examinations of another period are billed: billed {billed:count}, counted {own:count} in {span}.",
        ),
        (
            "{billed:count} undersøkelser gjelder {from} og ikke perioden fakturaen er for.",
            "{billed:count} examinations belong to {from} and not to the period of the invoice.",
        ),
        ("Undersøkelser fra en annen periode er fakturert.", "Examinations of another period are billed."),
    ),
    "QTY_LATE": (
        (
            "{difference:count} undersøkelser er registrert etter at perioden deres ble lukket.",
            "{difference:count} examinations were recorded after their period was closed.",
        ),
        (
            "{late:count} undersøkelser fra {from} er registrert etter at perioden ble lukket.",
            "{late:count} examinations of {from} were recorded after the period was closed.",
        ),
        (
            "Undersøkelser som er registrert etter lukking er fakturert.",
            "Examinations recorded after closing are billed.",
        ),
    ),
    "QTY_NONBILLABLE": (
        (
            "{difference:count} undersøkelser er ikke fakturerbare (validering, mislykkede eller gjentatte kjøringer): "
            "fakturert {billed:count}, registrert {own:count}.",
            "{difference:count} examinations are not billable (validation, failed or repeated runs): billed {billed:count}, "
            "counted {own:count}.",
        ),
        (
            "{difference:count} undersøkelser er ikke fakturerbare (validering, mislykkede eller gjentatte kjøringer).",
            "{difference:count} examinations are not billable (validation, failed or repeated runs).",
        ),
        (
            "{billed:count} undersøkelser er ikke fakturerbare: {reason}.",
            "{billed:count} examinations are not billable: {reason}.",
        ),
        (
            "Valideringskjøringer er fakturert som ordinære undersøkelser, {amount:off}.",
            "Validation runs are billed as ordinary examinations, {amount:off}.",
        ),
        ("Undersøkelser som ikke er fakturerbare er fakturert.", "Examinations that are not billable are billed."),
    ),
    "TIER_MODE": (
        (
            "Trinnene er lest som {billed}; avtalt er {expected}.",
            "The tiers are read as {billed}; agreed is {expected}.",
        ),
        ("Trinnene er lest på en annen måte enn avtalt.", "The tiers are read otherwise than agreed."),
    ),
    "TIER_SCOPE": (
        ("Trinn er regnet {billed}; avtalt er {expected}.", "Tiers are counted {billed}; agreed is {expected}."),
        ("Trinn er regnet for andre enn avtalt.", "Tiers are counted over others than agreed."),
    ),
    "TIER_RESET": (
        (
            "Telleren er nullstilt {billed}; avtalt er {expected}.",
            "The counter starts over {billed}; agreed is {expected}.",
        ),
        (
            "Telleren er startet på nytt {day:day}, men skal løpe videre.",
            "The counter starts over on {day:day}, but should carry on.",
        ),
        ("Telleren er nullstilt på en annen dag enn avtalt.", "The counter starts over on another day than agreed."),
    ),
    "TIER_WRONG": (
        (
            "Fakturert til prisen for trinn {billed_tier}, {billed:price}; volumet tilsier {expected:price}.",
            "Billed at the price of tier {billed_tier}, {billed:price}; the volume gives {expected:price}.",
        ),
        (
            "Alle enheter er fakturert til prisen for trinn {billed_tier}, {amount:off}.",
            "All units are billed at the price of tier {billed_tier}, {amount:off}.",
        ),
        (
            "Enheten på trinngrensen er priset i {bound}; avtalt er {agreed_bound}.",
            "The unit on a tier's bound is priced in {bound}; agreed is {agreed_bound}.",
        ),
        (
            "{quantity:count} undersøkelser er fakturert i andre trinn enn volumet tilsier, {amount:off}.",
            "{quantity:count} examinations are billed in other tiers than the volume gives, {amount:off}.",
        ),
        ("Enheter er fakturert i feil trinn.", "Units are billed in the wrong tier."),
    ),
    "RAMP_MISSING": (
        (
            "Innfasingsrabatten på {expected:share} er ikke trukket fra.",
            "The ramp-up discount of {expected:share} is not taken off.",
        ),
        (
            "Innfasingsrabatten på {agreed_discount:amount} er ikke trukket fra.",
            "The ramp-up discount of {agreed_discount:amount} is not taken off.",
        ),
        (
            "Innfasingsrabatten er avsluttet {months:months} for tidlig, {amount:off}.",
            "The ramp-up discount ended {months:months} early, {amount:off}.",
        ),
        (
            "Innfasingsrabatten er ikke trukket fra, {amount:off}.",
            "The ramp-up discount is not taken off, {amount:off}.",
        ),
        ("Innfasingsrabatten er ikke trukket fra.", "The ramp-up discount is not taken off."),
    ),
    "RAMP_EXPIRED": (
        (
            "Innfasingsrabatt på {billed:share} er gitt etter at den er slutt, {amount:off}.",
            "A ramp-up discount of {billed:share} is given after its end, {amount:off}.",
        ),
        (
            "Innfasingsrabatt er gitt {months:months} for lenge, {amount:off}.",
            "The ramp-up discount is given {months:months} too long, {amount:off}.",
        ),
        (
            "Innfasingsrabatt er gitt etter at den er slutt, {amount:off}.",
            "The ramp-up discount is given after its end, {amount:off}.",
        ),
        ("Innfasingsrabatt er gitt etter at den er slutt.", "The ramp-up discount is given after its end."),
    ),
    "RAMP_RATE": (
        (
            "Innfasingsrabatten i fase {phase} er {billed:share}; avtalt er {expected:share}.",
            "The ramp-up discount of phase {phase} is {billed:share}; agreed is {expected:share}.",
        ),
        (
            "Innfasingsrabatten er {billed:share}; avtalt er {expected:share}.",
            "The ramp-up discount is {billed:share}; agreed is {expected:share}.",
        ),
        (
            "Innfasingsrabatten er {discount:amount}; avtalt er {agreed_discount:amount}.",
            "The ramp-up discount is {discount:amount}; agreed is {agreed_discount:amount}.",
        ),
        (
            "Innfasingen er regnet fra {start}; avtalt er fra {agreed_start}.",
            "The ramp-up is counted from {start}; agreed is from {agreed_start}.",
        ),
        (
            "Innfasingen er regnet fra {day:day} og ikke fra driftsstart.",
            "The ramp-up is counted from {day:day} and not from go-live.",
        ),
        (
            "Rabattene i innfasingens faser er byttet om, {amount:off}.",
            "The discounts of the ramp-up's phases are given the other way round, {amount:off}.",
            "turned",
        ),
        (
            "Innfasingsrabatten har en annen sats eller start enn avtalt.",
            "The ramp-up discount has another rate or start than agreed.",
        ),
    ),
    "PRICE_VERSION": (
        (
            "Prisversjonen som gjelder fra {valid_from:day} er brukt fra {used_from:day}.",
            "The price version valid from {valid_from:day} is used from {used_from:day}.",
        ),
        (
            "Pris fra versjonen som gjelder fra {valid_from:day} er brukt; versjonen fra {expected:day} er i kraft.",
            "The price of the version valid from {valid_from:day} is used; the version of {expected:day} is in force.",
        ),
        ("Pris fra en annen versjon er brukt.", "The price of another version is used."),
    ),
    "PRICE_UNIT": (
        (
            "Enhetsprisen er {billed:price}, som ikke finnes i noen prisversjon; avtalt er {expected:price}.",
            "The unit price is {billed:price}, which is in no price version; agreed is {expected:price}.",
        ),
        (
            "Enhetsprisen er i snitt {average_billed:price} for {quantity:count} undersøkelser; avtalt er {average:price}.",
            "The unit price is {average_billed:price} on average for {quantity:count} examinations; agreed is {average:price}.",
        ),
        (
            "Beløpet er fakturert med {amount_billed:amount}; avtalt er {amount_due:amount}.",
            "The amount is billed at {amount_billed:amount}; agreed is {amount_due:amount}.",
        ),
        ("Enhetsprisen finnes ikke i noen prisversjon.", "The unit price is in no price version."),
    ),
    "INDEX_EARLY": (
        (
            "Indeksreguleringen ({factor:factor}) er brukt fra {used_from:day}; den gjelder fra {effective_from:day}.",
            "The index adjustment ({factor:factor}) is applied from {used_from:day}; it takes effect on {effective_from:day}.",
        ),
        ("Indeksreguleringen er brukt for tidlig.", "The index adjustment is applied early."),
    ),
    "INDEX_WRONG": (
        (
            "Indeksregulert med faktor {billed:factor}; avtalt fra {effective_from:day} er {expected:factor}.",
            "Adjusted by the factor {billed:factor}; agreed from {effective_from:day} is {expected:factor}.",
        ),
        ("Indeksregulert med en annen faktor enn avtalt.", "Adjusted by another factor than agreed."),
    ),
    "INDEX_MISSING": (
        (
            "Indeksreguleringen ({factor:factor}) fra {effective_from:day} er brukt først fra {used_from:day}.",
            "The index adjustment ({factor:factor}) of {effective_from:day} is applied from {used_from:day} only.",
        ),
        (
            "Indeksreguleringen ({expected:factor}) fra {effective_from:day} er ikke brukt.",
            "The index adjustment ({expected:factor}) of {effective_from:day} is not applied.",
        ),
        ("Ingen indeksregulering er brukt.", "No index adjustment is applied."),
    ),
    "FIXED_FEE": (
        (
            "Fast beløp er fakturert {per}; avtalt er {expected}.",
            "The fixed fee is billed {per}; agreed is {expected}.",
        ),
        (
            "Fast beløp er fakturert {proration}; avtalt er {agreed_proration}.",
            "The fixed fee is billed {proration}; agreed is {agreed_proration}.",
        ),
        (
            "Fast beløp er fakturert med {billed:amount}; avtalt er {expected:amount}.",
            "The fixed fee is billed at {billed:amount}; agreed is {expected:amount}.",
        ),
        ("Et gebyr på {amount:amount} er ikke avtalt.", "A fee of {amount:amount} is not agreed."),
        ("Et fast beløp er ikke som avtalt.", "A fixed fee is not as agreed."),
    ),
    "MINIMUM_WRONG": (
        (
            "{limit} er ikke brukt, {amount:off}.",
            "{limit} is not applied, {amount:off}.",
            "left_out",
        ),
        (
            "{limit} er regnet {per}; avtalt er {agreed_per}.",
            "{limit} is applied {per}; agreed is {agreed_per}.",
        ),
        (
            "{limit} er regnet {window}; avtalt er {agreed_window}.",
            "{limit} is applied {window}; agreed is {agreed_window}.",
        ),
        (
            "{limit} er regnet {level}; avtalt er {agreed_level}.",
            "{limit} is {level}; agreed is {agreed_level}.",
        ),
        (
            "Minste- eller maksimumsbeløpet er holdt mot beløpet {basis}; avtalt er {agreed_basis}.",
            "The minimum or maximum is held against the amount {basis}; agreed is {agreed_basis}.",
        ),
        (
            "Minste- eller maksimumsbeløp er fakturert med {billed:amount}; avtalt er {expected:amount}.",
            "A minimum or maximum is billed at {billed:amount}; agreed is {expected:amount}.",
        ),
        (
            "Et minste- eller maksimumsbeløp er fakturert uten at det er avtalt, {amount:off}.",
            "A minimum or maximum is billed that was not agreed, {amount:off}.",
        ),
        ("Minste- eller maksimumsbeløp er brukt feil.", "A minimum or maximum is applied wrongly."),
    ),
    "ARITHMETIC": (
        (
            "Linja er fakturert med {billed:amount}, men {quantity:count} à {price:price} med fradrag på {allowance:amount} "
            "gir {expected:amount}.",
            "The line is billed at {billed:amount}, but {quantity:count} at {price:price} less {allowance:amount} comes to "
            "{expected:amount}.",
        ),
        (
            "Linja er fakturert med {billed:amount}, men {quantity:count} à {price:price} gir {expected:amount}.",
            "The line is billed at {billed:amount}, but {quantity:count} at {price:price} comes to {expected:amount}.",
        ),
        (
            "Summen er {billed:amount}, men linjene gir {expected:amount}.",
            "The sum is {billed:amount}, but the lines come to {expected:amount}.",
        ),
        ("Beløpene summerer ikke, {amount:off}.", "The amounts do not add up, {amount:off}."),
        ("Beløpene summerer ikke.", "The amounts do not add up."),
    ),
    "VAT": (
        (
            "Merverdiavgiften er {billed:amount} med satsen {rates}; {rate:share} av {net:amount} er {expected:amount}.",
            "VAT is {billed:amount} at the rate of {rates}; {rate:share} of {net:amount} is {expected:amount}.",
        ),
        (
            "Merverdiavgiften er {billed:amount}; {rate:share} av {net:amount} er {expected:amount}.",
            "VAT is {billed:amount}; {rate:share} of {net:amount} is {expected:amount}.",
        ),
        ("Merverdiavgiften er feil.", "VAT is wrong."),
    ),
    "CREDIT_PENDING": (
        (
            "Avtalt kreditt {credit} på {agreed:amount} er ikke trukket fra ennå.",
            "The agreed credit {credit} of {agreed:amount} is not taken off yet.",
        ),
        ("En avtalt kreditt er ikke trukket fra ennå.", "An agreed credit is not taken off yet."),
    ),
    "CREDIT_WRONG": (
        (
            "Kreditert {billed:amount} for {credit}; avtalt er {agreed:amount}.",
            "Credited {billed:amount} for {credit}; agreed is {agreed:amount}.",
        ),
        ("Kreditert {billed:amount}, som ikke er avtalt.", "Credited {billed:amount}, which was not agreed."),
        ("Kreditert annet enn avtalt.", "Credited otherwise than agreed."),
    ),
    "MISSING_LINE": (
        (
            "{missing:amount} som skulle vært fakturert, står ikke på fakturaen.",
            "{missing:amount} that is due is not on the invoice.",
        ),
        ("Noe som skulle vært fakturert, står ikke på fakturaen.", "Something that is due is not on the invoice."),
    ),
    "TERMS": (
        (
            "Forfall er {billed:day}; {days} dagers frist gir {expected:day}.",
            "Due on {billed:day}; {days} days give {expected:day}.",
        ),
        ("Forfall er en annen dag enn avtalt.", "It is due on another day than agreed."),
    ),
    "ACCOUNT_CHANGED": (
        (
            "Bankkonto {billed} er ikke kjent fra før; kjent er {expected}. Ikke betal før kontoen er kontrollert.",
            "Bank account {billed} is not known; known is {expected}. Do not pay until it has been checked.",
        ),
        (
            "Bankkontoen er ikke kjent fra før. Ikke betal før den er kontrollert.",
            "The bank account is not known. Do not pay until it has been checked.",
        ),
    ),
    "CEILING": (
        (
            "Fakturaen går {beyond:amount} ut over rammen på {maximum:amount}; godkjent før er {accepted:amount}.",
            "The invoice goes {beyond:amount} beyond the maximum of {maximum:amount}; accepted before is {accepted:amount}.",
        ),
        ("Fakturaen går ut over rammen.", "The invoice goes beyond the maximum."),
    ),
    "DOCUMENT": (
        ("Dokumentet bryter regler: {rules}.", "The document breaks rules: {rules}."),
        ("Dokumentet bryter regler.", "The document breaks rules."),
    ),
    "ROUNDING": (
        (
            "Avrunding på {amount:amount}, innenfor toleransen.",
            "Rounding of {amount:amount}, within the tolerance.",
        ),
        ("Avrunding innenfor toleransen.", "Rounding within the tolerance."),
    ),
    "UNEXPLAINED": (
        (
            "Fakturert {billed:amount}, beregnet {expected:amount}; {amount:off} er ikke forklart.",
            "Billed {billed:amount}, computed {expected:amount}; {amount:off} is not explained.",
        ),
        ("Differansen er ikke forklart.", "The difference is not explained."),
    ),
}

# What a credit note takes off stands under the cause that it was agreed for, whichever that is.
CREDITED: tuple[str, ...] = (
    "Kreditert med {amount:amount}, som avtalt i reklamasjon {credit}.",
    "Credited with {amount:amount}, as agreed in dispute {credit}.",
)
