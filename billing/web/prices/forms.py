"""The form of one charge: a charge as fields, and fields as a charge.

The form knows no rule of its own. Its fields become the document of the price request, the same schema reads it, and each
error goes to the field it came from. What the check refuses may be saved: a draft may be unfinished.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from werkzeug.datastructures import MultiDict

from billing.web.prices import words as price_words
from contracts.errors import InvalidInput
from contracts.schemas.price_book import ALL, dump_version, load_version
from contracts.terms.price_book import PriceBookVersion
from contracts.terms.price_model import Charge, UsageCharge, kind_of
from contracts.terms.price_models import MODELS, READINGS, Field, FieldKind
from contracts.terms.written import NotANumber, plain_number
from contracts.web.i18n import current_language

TYPES = (*MODELS, "fixed", "one_off")
MOST_ROWS = 50
# A charge is read and written as part of a version; which one is all the same here.
_ANY_DAY = date(2000, 1, 1)


@dataclass(slots=True)
class ChargeForm:
    """A charge as it was written, and what is wrong with it by field; ``charge`` where it can be read."""

    type: str
    values: MultiDict[str, str]
    errors: list[tuple[str | None, str]] = field(default_factory=list)
    charge: Charge | None = None

    @property
    def usage(self) -> bool:
        """Tell whether it is a form of a usage charge."""
        return self.type in MODELS

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that its price model has of its own."""
        return MODELS[self.type].FIELDS if self.usage else ()

    @property
    def has_readings(self) -> bool:
        """Tell whether its tiers can be read in more than one way."""
        return self.type in READINGS

    @property
    def tiers(self) -> range:
        """The numbers of the tier rows."""
        return range(_count(self.values.get("tiers")))

    @property
    def phases(self) -> range:
        """The numbers of the ramp-up rows."""
        return range(_count(self.values.get("phases")))

    @property
    def differs_from_book(self) -> bool:
        """Tell whether a convention of its own is chosen."""
        return any(name.startswith("convention-") and value for name, value in self.values.items())

    def change_rows(self, action: str) -> bool:
        """Add or remove a row, where ``action`` is that of such a button."""
        match re.fullmatch(r"(add|remove)-(tier|phase)(?:-(\d{1,3}))?", action):
            case None:
                return False
            case found if found[1] == "add":
                counted = f"{found[2]}s"
                rows = _count(self.values.get(counted))
                if found[2] == "tier" and rows:
                    self._insert_tier(rows)
                self.values[counted] = str(min(rows + 1, MOST_ROWS))
            case found:
                self._remove(found[2], int(found[3] or 0))
        return True

    def _insert_tier(self, rows: int) -> None:
        """Put a new tier before the open one, which stays last."""
        for name in ("up_to", "unit_price", "flat_fee"):
            last = self.values.get(f"tier-{rows - 1}-{name}", "")
            self.values[f"tier-{rows}-{name}"] = last
            self.values[f"tier-{rows - 1}-{name}"] = ""

    def _remove(self, row: str, number: int) -> None:
        counted = f"{row}s"
        rows = _count(self.values.get(counted))
        names = ("up_to", "unit_price", "flat_fee") if row == "tier" else ("length", "discount")
        if number >= rows:
            return
        for i in range(number, rows - 1):
            for name in names:
                self.values[f"{row}-{i}-{name}"] = self.values.get(f"{row}-{i + 1}-{name}", "")
        for name in names:
            self.values.pop(f"{row}-{rows - 1}-{name}", None)
        self.values[counted] = str(rows - 1)


def empty_form(kind: str) -> ChargeForm:
    """Return the form of a new charge, with what is usual."""
    values: MultiDict[str, str] = MultiDict(
        {
            "covers": ALL,
            "scope": "agreement",
            "window": "calendar_year",
            "per": "trust",
            "every": "quarter",
            "proration": "days",
            "ramp_starts": "go_live",
            "ramp_counts": "yes",
            "ramp_unit": "months",
            "phases": "0",
        }
    )
    form = ChargeForm(kind, values)
    values["tiers"] = "2" if any(each.kind == "tiers" for each in form.fields) else "0"
    return form


def form_of(charge: Charge) -> ChargeForm:
    """Return the form of a charge as it stands."""
    document = dump_version(PriceBookVersion(_ANY_DAY, "", (charge,)))["charges"][0]
    form = empty_form(charge.model.NAME if isinstance(charge, UsageCharge) else kind_of(charge))
    values = form.values
    for name in ("code", "clause", "amount", "per", "every", "proration"):
        if name in document:
            values[name] = _written(document[name]) if name == "amount" else document[name]
    for own in form.fields:
        if own.kind != "tiers":
            values[own.name] = str(document[own.name]) if own.kind == "whole" else _written(document[own.name])
    if document["algorithms"] != ALL:
        values["covers"] = "some"
        values.setlist("algorithm", document["algorithms"])
    if isinstance(charge, UsageCharge):
        values["scope"], values["window"] = charge.counter.scope, charge.counter.window
    tiers = document.get("tiers", [])
    values["tiers"] = str(len(tiers))
    for i, tier in enumerate(tiers):
        values[f"tier-{i}-up_to"] = "" if tier["up_to"] is None else str(tier["up_to"])
        values[f"tier-{i}-unit_price"] = _written(tier["unit_price"])
        values[f"tier-{i}-flat_fee"] = "" if Decimal(tier["flat_fee"]) == 0 else _written(tier["flat_fee"])
    if ramp := document.get("ramp_up"):
        values["ramp_starts"] = ramp["starts"]
        values["ramp_counts"] = "yes" if ramp["counts_towards_tiers"] else "no"
        values["ramp_unit"] = "units" if any("units" in phase for phase in ramp["phases"]) else "months"
        values["phases"] = str(len(ramp["phases"]))
        for i, phase in enumerate(ramp["phases"]):
            values[f"phase-{i}-length"] = str(phase.get("months") or phase.get("units") or "")
            values[f"phase-{i}-discount"] = _written(format(Decimal(phase["discount"]).scaleb(2).normalize(), "f"))
    for name in ("minimum", "maximum"):
        if limit := document.get(name):
            values[f"{name}-amount"] = _written(limit["amount"])
            values[f"{name}-per"], values[f"{name}-window"] = limit["per"], limit["window"]
            values[f"{name}-indexed"] = "yes" if limit["indexed"] else ""
    for name, value in (document.get("conventions") or {}).items():
        values[f"convention-{name}"] = str(value)
    return form


def read_form(values: MultiDict[str, str]) -> ChargeForm:
    """Read what was sent as a charge; the errors stand at their fields and the fields keep what was written."""
    kind = values.get("type", TYPES[0])
    form = ChargeForm(kind if kind in TYPES else TYPES[0], MultiDict(values))
    document = _document(form)
    if form.errors:
        return form
    try:
        form.charge = load_version({"valid_from": _ANY_DAY.isoformat(), "clause": "", "charges": [document]}).charges[0]
    except InvalidInput as refused:
        for error in refused.errors:
            form.errors.append((_field_of(error.pointer), price_words.refusal(error.code, error.detail)))
    return form


def _document(form: ChargeForm) -> dict[str, Any]:
    values = form.values
    document: dict[str, Any] = {
        "code": values.get("code", "").strip(),
        "kind": "usage" if form.usage else form.type,
        "clause": values.get("clause", "").strip(),
        "algorithms": ALL if values.get("covers", ALL) == ALL else values.getlist("algorithm"),
    }
    if not document["algorithms"]:
        form.errors.append(("covers", price_words.refusal("algorithms_empty", "")))
    if form.usage:
        document["model"] = form.type
        document["counter"] = {"scope": values.get("scope", ""), "window": values.get("window", "")}
        for own_field in form.fields:
            document[own_field.name] = _READ[own_field.kind](form, own_field.name)
        for name in ("minimum", "maximum"):
            if values.get(f"{name}-amount", "").strip():
                document[name] = {
                    "amount": _decimal(form, f"{name}-amount"),
                    "per": values.get(f"{name}-per", ""),
                    "window": values.get(f"{name}-window", ""),
                    "indexed": values.get(f"{name}-indexed") == "yes",
                }
    else:
        document |= {"amount": _decimal(form, "amount"), "per": values.get("per", "")}
        if form.type == "fixed":
            document |= {"every": values.get("every", ""), "proration": values.get("proration", "")}
    if form.type != "one_off" and form.phases:
        unit = "units" if values.get("ramp_unit") == "units" else "months"
        document["ramp_up"] = {
            "starts": values.get("ramp_starts", ""),
            "counts_towards_tiers": values.get("ramp_counts", "yes") == "yes",
            "phases": [
                {unit: _whole(form, f"phase-{i}-length"), "discount": _share(form, f"phase-{i}-discount")}
                for i in form.phases
            ],
        }
    own: dict[str, Any] = {}
    for name in ("boundary", "zero_usage", "price_decimals", "rounding", "minimum_applies"):
        if value := values.get(f"convention-{name}", ""):
            own[name] = int(value) if name == "price_decimals" and value.isdigit() else value
    return {**document, **({"conventions": own} if own else {})}


def _tier(form: ChargeForm, i: int) -> dict[str, Any]:
    open_ended = not form.values.get(f"tier-{i}-up_to", "").strip()
    fee = form.values.get(f"tier-{i}-flat_fee", "").strip()
    return {
        "up_to": None if open_ended else _whole(form, f"tier-{i}-up_to"),
        "unit_price": _decimal(form, f"tier-{i}-unit_price"),
        "flat_fee": _decimal(form, f"tier-{i}-flat_fee") if fee else "0.00",
    }


def _decimal(form: ChargeForm, name: str) -> str:
    try:
        text = form.values.get(name, "").strip()
        if not text:
            raise NotANumber("missing", "")
        return plain_number(text)
    except NotANumber as error:
        form.errors.append((name, price_words.refusal(error.code, str(error))))
        return "0"


def _whole(form: ChargeForm, name: str) -> int:
    text = _decimal(form, name)
    if text.lstrip("-").isdigit():
        return int(text)
    form.errors.append((name, price_words.refusal("not_an_integer", "")))
    return 0


# How a field of a price model is read from its form.
_READ: dict[FieldKind, Callable[[ChargeForm, str], Any]] = {
    "whole": _whole,
    "unit_price": _decimal,
    "amount": _decimal,
    "tiers": lambda form, name: [_tier(form, i) for i in form.tiers],
}


def _share(form: ChargeForm, name: str) -> str:
    return format(Decimal(_decimal(form, name)).scaleb(-2), "f")


_PLACES = (
    (r"/counter/(scope|window)", r"\1"),
    (r"/tiers/(\d+)/(\w+)", r"tier-\1-\2"),
    (r"/tiers", "tier-0-up_to"),
    (r"/ramp_up/phases/(\d+)/(?:months|units)", r"phase-\1-length"),
    (r"/ramp_up/phases/(\d+)/discount", r"phase-\1-discount"),
    (r"/ramp_up/starts", "ramp_starts"),
    (r"/(minimum|maximum)/(\w+)", r"\1-\2"),
    (r"/conventions/(\w+)", r"convention-\1"),
    (r"/algorithms.*", "covers"),
    (r"/(\w+)", r"\1"),
)


def _field_of(pointer: str) -> str | None:
    inside = pointer.removeprefix("#/charges/0")
    for pattern, name in _PLACES:
        found = re.fullmatch(pattern, inside)
        if found:
            return found.expand(name)
    return None


def _written(value: str) -> str:
    """Write a number for a field, as its reader writes it and as it is read back."""
    if current_language() != "nb":
        return value
    whole, point, decimals = value.partition(".")
    return f"{whole},{decimals}{'0' if len(decimals) == 3 else ''}" if point else whole


def _count(text: str | None) -> int:
    return min(int(text), MOST_ROWS) if text and text.isdigit() and len(text) < 4 else 0
