"""What each code says, in Norwegian and English, by what is known of a finding.

A template is a pair of sentences and, after them, names that must be known for it to be used though it does not write them. Its
places say what stands in them: `{billed:count}` is examinations, `:amount` kroner, `:price` a unit price, `:share` a discount or
a rate of VAT, `:factor` an index factor, `:day` a date, `:months` a number of months, `:off` how much is billed too much or too
little; a place without such a word is text.
"""

from __future__ import annotations

from typing import Final

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

# What a credit note takes off stands under the cause that it was agreed for, whichever that is.
CREDITED: tuple[str, ...] = (
    "Kreditert med {amount:amount}, som avtalt i reklamasjon {credit}.",
    "Credited with {amount:amount}, as agreed in dispute {credit}.",
)
