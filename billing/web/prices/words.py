"""Price books in words: what a check finds and where, what a workbook refuses, what a draft has come to.

Findings carry an English sentence of their own for programs; readers get one in their language by the finding's code, with
the place in words. A code without a sentence here shows its own, so that nothing is ever left unsaid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from billing.rating.captions import tier_intervals
from billing.rating.cliffs import Cliff
from billing.rating.volume_trial import PoolEffect
from contracts.prices.sheet import SheetError
from contracts.terms import price_models
from contracts.terms.price_book import Finding, PriceBook, PriceBookVersion
from contracts.terms.price_draft import Event, State
from contracts.terms.price_model import Charge
from contracts.web import formatting
from contracts.web.i18n import N_, current_language

STATES: dict[State, tuple[str, str]] = {
    "draft": (N_("Draft"), "info"),
    "submitted": (N_("For approval"), "warning"),
    "approved": (N_("In the price book"), "success"),
    "withdrawn": (N_("Given up"), "neutral"),
}
EVENTS: dict[Event, str] = {
    "revise": N_("Changed"),
    "submit": N_("Sent to approval"),
    "return": N_("Sent back"),
    "approve": N_("Approved"),
    "withdraw": N_("Given up"),
}
MODELS = {
    **{name: model.LABEL for name, model in price_models.MODELS.items()},
    "fixed": N_("Fixed amount per interval"),
    "one_off": N_("One-off amount at the first go-live"),
}
READINGS = {name: model.READING for name, model in price_models.READINGS.items() if model.READING is not None}
SCOPES = {
    "activation": N_("Each algorithm at each trust by itself"),
    "trust": N_("Each trust by itself"),
    "agreement": N_("All trusts together"),
}
WINDOWS = {
    "month": N_("Month"),
    "quarter": N_("Quarter"),
    "calendar_year": N_("Calendar year"),
    "agreement_year": N_("Agreement year"),
    "agreement": N_("The whole agreement"),
}

# What the check refuses or warns of, by code.
FINDINGS = {
    "algorithm_duplicate": N_("An algorithm stands twice in the list."),
    "algorithm_not_priced": N_("An algorithm on the agreement's list is covered by no usage price."),
    "algorithms_empty": N_("A charge must cover at least one algorithm."),
    "change_inside_window": N_(
        "This changes on a day on which no counting period starts. Move the first day, or leave it as it is."
    ),
    "charge_code_duplicate": N_("The code stands twice in this version."),
    "charge_kind_changed": N_("The charge is of another kind than in an earlier version. Give it a new code."),
    "charge_leaves_inside_window": N_(
        "A charge with a minimum, a maximum or an interval leaves the price book in the middle of its period."
    ),
    "closed_past": N_("The first day lies in a closed quarter: prices there can no longer change."),
    "empty": N_("This must be filled in."),
    "algorithm_covered_twice": N_("Two usage prices of this version bill the same examinations of an algorithm."),
    "full_interval": N_("Without proration a trust that starts late may be billed for a whole interval."),
    "index_taken_over": N_(
        "An index adjustment is asked for from the same day. The version stands at its own level, so the factor would change none of its prices: write the adjusted prices here, or let the version begin on another day."
    ),
    "negative_amount": N_("A price cannot be negative."),
    "no_charges": N_("The version has no charges."),
    "no_version": N_("A price book has at least one version."),
    "out_of_range": N_("The number is outside what is possible here."),
    "outside_agreement": N_("The first day lies outside the agreement, so the version would price nothing."),
    "phase_length": N_("A phase has a length, in months or in examinations."),
    "phases_empty": N_("A ramp-up has at least one phase."),
    "phases_mixed": N_("All phases are in months, or all in examinations."),
    "ramp_by_units": N_("The ramp-up of a fixed amount can only be in months."),
    "ramp_per_agreement": N_("A fixed amount for the agreement has no ramp-up."),
    "takes_effect_in_the_past": N_("The first day is not in the future: amounts of days already past would change."),
    "tier_last_not_open": N_("The last tier must be open: leave its upper bound empty."),
    "tier_open_not_last": N_("Only the last tier may be without an upper bound."),
    "tiers_empty": N_("There must be at least one tier."),
    "tiers_not_rising": N_("The upper bound must be above that of the tier before."),
    "too_many_decimals": N_("The number has more decimals than are allowed here."),
    "version_gap": N_("No version is valid from the start of the agreement, so the first days have no price."),
    "version_same_day": N_("Another version is valid from the same day."),
    **{code: sentence for model in price_models.MODELS.values() for code, sentence in model.FINDINGS.items()},
}

# What reading a form or a workbook refuses, by code.
REFUSALS = {
    **FINDINGS,
    "ambiguous_number": N_(
        "A comma before exactly three digits may be a thousand or a decimal. Write 1234 for the one and 1,2340 for the other."
    ),
    "binary_number": N_("The cell holds a computed number with more digits than anybody writes. Write it as text."),
    "cell_error": N_("The cell holds an error."),
    "column_twice": N_("The column stands twice."),
    "conventions_twice": N_("The charge stands twice in this sheet."),
    "formula": N_("The cell holds a formula. Write its value."),
    "invalid_choice": N_("This is none of the words that may stand here."),
    "limit_twice": N_("The charge has this limit twice."),
    "missing": N_("This must be filled in."),
    "missing_column": N_("The column is missing."),
    "missing_sheet": N_("The sheet is missing."),
    "no_header": N_("There is a cell outside the columns."),
    "not_a_boolean": N_("Write yes or no."),
    "not_a_date": N_("Write a date like 2027-01-01."),
    "not_a_decimal": N_("Write a number."),
    "not_a_string": N_("Write a text."),
    "not_a_workbook": N_("The file is not an Excel workbook (.xlsx)."),
    "not_an_integer": N_("Write a whole number."),
    "null": N_("This must be filled in."),
    "one_version": N_("The sheet must have exactly one row below its header."),
    "too_large": N_("The file is too large."),
    "too_long": N_("The text is too long."),
    "too_many_rows": N_("There are too many rows."),
    "unknown_charge": N_("The sheet named charges has no charge with this code."),
    "unknown_column": N_("The column is unknown here."),
    "unknown_field": N_("This field does not belong to this kind of charge."),
    "unknown_sheet": N_("The sheet is unknown. Remove it or correct its name."),
}

_FIELDS = {
    **{field.name: field.word for field in price_models.fields_of_models()},
    "algorithms": N_("algorithms"),
    "amount": N_("amount"),
    "clause": N_("clause"),
    "code": N_("code"),
    "conventions": N_("conventions"),
    "counter": N_("counting"),
    "discount": N_("discount"),
    "every": N_("interval"),
    "flat_fee": N_("fee"),
    "kind": N_("kind"),
    "maximum": N_("maximum"),
    "minimum": N_("minimum"),
    "model": N_("price model"),
    "months": N_("months"),
    "per": N_("payer"),
    "phases": N_("phases"),
    "price_decimals": N_("decimals"),
    "proration": N_("proration"),
    "ramp_up": N_("ramp-up"),
    "scope": N_("what is counted together"),
    "units": N_("examinations"),
    "unit_price": N_("price"),
    "up_to": N_("upper bound"),
    "window": N_("counting period"),
}
CHANGED = {
    **_FIELDS,
    "counter": N_("what is counted together and for how long"),
    "per": N_("who pays"),
}
_CHARGE = re.compile(r"#(?:/price_book/versions/(\d+))?/charges/(\d+)(?:/(tiers|ramp_up/phases)/(\d+))?(/.*)?")


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as a reader meets it: an error or a warning, its place and its sentence; ``charge`` is its number."""

    severity: str
    place: str
    text: str
    charge: int | None = None


def findings(found: Sequence[Finding], charges: Sequence[Charge], names: dict[str, str]) -> list[Found]:
    """Put findings of a draft with ``charges`` into words; ``names`` are those of algorithms, by code."""
    return [_finding(each, charges, names) for each in found]


def _finding(found: Finding, charges: Sequence[Charge], names: dict[str, str]) -> Found:
    text = _(FINDINGS[found.code]) if found.code in FINDINGS else found.detail
    if found.code == "algorithm_not_priced" and (named := re.search(r"'(.*)'", found.detail)):
        text = _("No usage price covers %(algorithm)s.", algorithm=names.get(named[1], named[1]))
    if found.code == "cliff":
        text = _("There are volumes that cost more than a larger one does; see “Try a volume”.")
    at = _CHARGE.fullmatch(found.pointer)
    if at is None:
        place = _("First day") if found.pointer == "#/valid_from" else _("The version")
        return Found(found.severity, _("All charges") if found.pointer == "#/charges" else place, text)
    if at[1] is not None:
        return Found(found.severity, _("A version already in the price book"), text)
    number = int(at[2])
    code = charges[number].code if number < len(charges) else str(number + 1)
    field = (at[5] or "").rpartition("/")[2]
    what = _(_FIELDS[field]) if field in _FIELDS else ""
    values = {"code": code, "number": int(at[4] or 0) + 1, "what": what}
    if at[3] == "tiers":
        place = _("%(code)s, tier %(number)s, %(what)s", **values) if what else _("%(code)s, tier %(number)s", **values)
    elif at[3]:
        place = (
            _("%(code)s, phase %(number)s, %(what)s", **values) if what else _("%(code)s, phase %(number)s", **values)
        )
    else:
        place = _("%(code)s, %(what)s", **values) if what else code
    return Found(found.severity, place, text, number)


def refusal(code: str, detail: str) -> str:
    """Say why a form or a cell is refused."""
    return _(REFUSALS[code]) if code in REFUSALS else detail


def sheet_error(error: SheetError) -> tuple[str, str]:
    """Say where in a workbook something is wrong, and what."""
    values = {"sheet": error.sheet, "row": error.row, "column": error.column}
    if error.sheet == "file":
        place = _("The file")
    elif error.row is None:
        place = _("Sheet %(sheet)s", **values)
    elif error.column is None:
        place = _("Sheet %(sheet)s, row %(row)s", **values)
    else:
        place = _("Sheet %(sheet)s, row %(row)s, column %(column)s", **values)
    text = refusal(error.code, error.detail)
    if error.code in ("ambiguous_number", "binary_number", "unknown_charge", "invalid_choice", "unknown_column"):
        quoted = re.search(r"'[^']*'", error.detail)
        text = f"{text} ({quoted[0]})" if quoted else text
    return place, text


def changed_terms(fields: Sequence[str]) -> str:
    """Name what else of a charge has changed."""
    return ", ".join(_(CHANGED.get(field, field)) for field in fields)


def captions(book: PriceBook, version: PriceBookVersion) -> dict[str, list[str]]:
    """Write the units of each charge's tiers, from the intervals that the rating uses."""
    written = {}
    for charge in version.charges:
        intervals = tier_intervals(charge, charge.conventions.over(book.conventions).boundary)
        written[charge.code] = [formatting.tier_range(first, last, current_language()) for first, last in intervals]
    return written


def cliff_sentence(cliff: Cliff) -> str:
    """Say a zone in which more costs less, with its range and amount."""
    language = current_language()
    values = {
        "first": formatting.quantity(cliff.first, language),
        "last": formatting.quantity(cliff.last, language),
        "cheaper": formatting.quantity(cliff.cheaper, language),
        "saving": formatting.money(cliff.saving, language),
    }
    if cliff.first == cliff.last:
        return _("%(last)s examinations cost %(saving)s more than %(cheaper)s examinations do.", **values)
    return _(
        "%(first)s to %(last)s examinations cost more in all than %(cheaper)s examinations do, up to %(saving)s more.",
        **values,
    )


def pool_sentence(effect: PoolEffect) -> str:
    """Say what others' discounted examinations in the common tiers do to one's own cost."""
    language = current_language()
    values = {
        "last": formatting.quantity(effect.last, language),
        "own": formatting.quantity(effect.own, language),
        "alone": formatting.money(effect.alone, language),
        "after": formatting.money(effect.after, language),
        "size": formatting.money(abs(effect.change), language),
    }
    if effect.change < 0:
        return _(
            "When others' examinations, discounted ones too, have taken numbers 1 to %(last)s of the common count, the next %(own)s examinations cost %(after)s instead of %(alone)s: %(size)s less.",
            **values,
        )
    if effect.change > 0:
        return _(
            "When others' examinations, discounted ones too, have taken numbers 1 to %(last)s of the common count, the next %(own)s examinations cost %(after)s instead of %(alone)s: %(size)s more.",
            **values,
        )
    return _(
        "When others' examinations, discounted ones too, have taken numbers 1 to %(last)s of the common count, the next %(own)s examinations cost the same, %(after)s.",
        **values,
    )
