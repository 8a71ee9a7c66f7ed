"""The builder's form: what stands in the address becomes a scenario document, and a document an address again.

Everything stands in the query string until it is saved, so an unsaved scenario can be sent as a link too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask_babel import gettext as _

from contracts.errors import InvalidInput
from contracts.terms.money import format_rate
from contracts.terms.period import Period, add_months
from contracts.terms.price_models import READINGS
from contracts.web.i18n import N_

MOST_ROWS: Final = 12
ROW_FIELDS: Final = ("hf", "alg", "start", "antall", "tilv")
PLAIN_FIELDS: Final = (
    "mal",
    "navn",
    "scenario",
    "fra",
    "til",
    "vekst",
    "vekstspredning",
    "indeks",
    "indeksspredning",
    "usikkerhet",
    "slutt",
    "trekk",
    "fro",
    "rader",
    "utkast",
    "omfang",
    "modell",
    "innfasing",
)
FIELDS: Final = (*PLAIN_FIELDS, *(f"{name}{row}" for row in range(1, MOST_ROWS + 1) for name in ROW_FIELDS))
DEFAULTS: Final = {
    "vekst": "0",
    "vekstspredning": "3",
    "indeks": "0",
    "indeksspredning": "0",
    "usikkerhet": "historie",
    "slutt": "current",
    "trekk": "1000",
    "fro": "42",
    "rader": "1",
}
RAMP_UNITS: Final = {"ja": True, "nei": False}
_PLACES: Final = (
    (r"#/from", "fra"),
    (r"#/to", "til"),
    (r"#/draws", "trekk"),
    (r"#/seed", "fro"),
    (r"#/growth/annual", "vekst"),
    (r"#/growth/spread", "vekstspredning"),
    (r"#/index/annual", "indeks"),
    (r"#/index/spread", "indeksspredning"),
    (r"#/base/price_draft", "utkast"),
    (r"#/base.*", "omfang"),
    (r"#/name", "navn"),
)
_ROW_PLACES: Final = {
    "trust": "hf",
    "algorithm": "alg",
    "go_live": "start",
    "go_live_between": "start",
    "monthly_volume": "antall",
    "adoption_months": "tilv",
    "": "alg",
}
_SENTENCES: Final = {
    "end_before_start": N_("The last month must come after the first."),
    "too_long": N_("A scenario has at most 120 months."),
    "not_a_month": N_("Write a month like 2027-03."),
    "unknown_trust": N_("This trust is not on the agreement's closed list."),
    "not_an_option_holder": N_("This trust is not on the agreement's closed list."),
    "unknown_algorithm": N_("This algorithm is not on the agreement's list."),
    "active_already": N_("This algorithm runs at the trust in that month already. Choose another one."),
    "unknown_draft": N_("There is no such draft of the price book."),
    "not_within_a_trust": N_("Another base is for those who read all trusts."),
    "name": N_("Write a name of 1 to 120 characters."),
    "window": N_("The latest month follows the earliest, at most 36 months in all."),
    "missing": N_("This must be filled in."),
}


@dataclass(slots=True)
class Form:
    """What was asked, as it was written, the document it makes, and what is wrong by field."""

    values: dict[str, str]
    errors: list[tuple[str | None, str]] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    field_of_row: list[int] = field(default_factory=list)

    def add(self, refusal: InvalidInput) -> None:
        """Take a refusal's errors to the fields that they are about."""
        for error in refusal.errors:
            sentence = _SENTENCES.get(error.code.split(":")[0])
            place = self._place(error.pointer)
            said = (place, _(sentence) if sentence else _("This cannot be computed: %(detail)s", detail=error.detail))
            if said not in self.errors:
                self.errors.append(said)

    def _place(self, pointer: str) -> str | None:
        row = re.fullmatch(r"#/activations/([0-9]+)(?:/([a-z_]+).*)?", pointer)
        if row and int(row[1]) < len(self.field_of_row):
            return f"{_ROW_PLACES.get(row[2] or '', 'alg')}{self.field_of_row[int(row[1])]}"
        return next((name for pattern, name in _PLACES if re.fullmatch(pattern, pointer)), None)


def read_form(values: Mapping[str, str], *, trust: str | None) -> Form:
    """Read the builder's fields into a scenario document; ``trust`` is the one that a reader is kept to."""
    form = Form({**DEFAULTS, **{name: value for name, value in values.items() if value}})
    asked = form.values
    count = _whole(asked["rader"], form, "rader", 0, MOST_ROWS)
    form.rows = list(range(1, (count or 0) + 1))
    document: dict[str, Any] = {
        "from": asked.get("fra", ""),
        "to": asked.get("til", ""),
        "draws": _whole(asked["trekk"], form, "trekk", 1, 100_000),
        "seed": _whole(asked["fro"], form, "fro", 0, 2**31 - 1),
        "growth": {
            "annual": _share(asked["vekst"], form, "vekst"),
            "spread": _share(asked["vekstspredning"], form, "vekstspredning", least=0),
        },
        "index": {
            "annual": _share(asked["indeks"], form, "indeks"),
            "spread": _share(asked["indeksspredning"], form, "indeksspredning", least=0),
        },
        "end": asked["slutt"] if asked["slutt"] in ("current", "all_extensions") else "current",
        "activations": [],
    }
    document["noise"] = None
    if asked["usikkerhet"] == "ingen":
        document["noise"] = {"trust": "0", "algorithm": "0", "common": "0", "rho": "0"}
        document["growth"]["spread"] = document["index"]["spread"] = "0"
    for row in form.rows:
        planned = _row(form, row, trust)
        if planned is not None:
            document["activations"].append(planned)
            form.field_of_row.append(row)
    base = _base(form)
    if base:
        document["base"] = base
    form.document = document
    return form


def to_query(document: Mapping[str, Any], name: str | None = None) -> dict[str, str]:
    """Write a document as the builder's fields, so that it can be changed; what the builder cannot say is left out."""
    growth, index = document.get("growth") or {}, document.get("index") or {}
    planned = document.get("activations") or []
    base = document.get("base") or {}
    noise = document.get("noise")
    quiet = noise is not None and not any(Decimal(str(value)) for value in noise.values())
    values = {
        "fra": document["from"],
        "til": document["to"],
        "vekst": _percent(growth.get("annual", "0")),
        "vekstspredning": _percent(growth.get("spread", "0")),
        "indeks": _percent(index.get("annual", "0")),
        "indeksspredning": _percent(index.get("spread", "0")),
        "usikkerhet": "ingen" if quiet else "historie",
        "slutt": document.get("end", "current"),
        "trekk": str(document.get("draws", 1)),
        "fro": str(document.get("seed", 0)),
        "rader": str(min(len(planned), MOST_ROWS)),
        "utkast": str(base.get("price_draft") or ""),
        "omfang": base.get("scope") or "",
        "modell": base.get("model") or "",
        "innfasing": {True: "ja", False: "nei"}.get(base.get("ramp_units"), ""),  # type: ignore[arg-type]
    }
    if name:
        values["navn"] = name
    for row, each in enumerate(planned[:MOST_ROWS], 1):
        between = each.get("go_live_between")
        start = f"{between[0]}/{between[1]}" if between else str(each.get("go_live", ""))[:7]
        values |= {
            f"hf{row}": each["trust"],
            f"alg{row}": each["algorithm"],
            f"start{row}": start,
            f"antall{row}": str(each["monthly_volume"]),
            f"tilv{row}": str(each.get("adoption_months", 0)),
        }
    return {key: value for key, value in values.items() if value not in ("", None)}


def can_say(document: Mapping[str, Any]) -> bool:
    """Tell whether the builder's fields say all of a document."""
    noise = document.get("noise")
    varied = noise is not None and any(Decimal(str(value)) for value in noise.values())
    planned = document.get("activations") or []
    days = all(each.get("end") is None and str(each.get("go_live") or "-01").endswith("-01") for each in planned)
    return document.get("usage") is None and not varied and days and len(planned) <= MOST_ROWS


def template_values(
    kind: str,
    *,
    first: date,
    end: date,
    trusts: Sequence[str],
    running: Mapping[str, set[str]],
    products: Sequence[str],
) -> dict[str, str]:
    """Fill the builder for one of the three ready templates, from the first month that is not known yet."""
    until = add_months(first, 24)
    # Whoever started in the agreement's last months, or after them, would cost next to nothing in the sums.
    room = max(len(Period(first, end).months()) - 3, 1) if first < end else 22
    values = {"fra": f"{first:%Y-%m}", "til": f"{until:%Y-%m}", "slutt": "all_extensions", "mal": ""}
    if kind == "drift":
        return values | {"navn": _("Today's use goes on"), "rader": "0"}
    if kind == "en":
        values |= {"navn": _("We activate one algorithm"), "rader": "1"}
        room_for = _first_free(trusts, running, products)
        if room_for is None:
            return values
        trust, product = room_for
        return values | {
            "hf1": trust,
            "alg1": product,
            "start1": f"{add_months(first, 3):%Y-%m}",
            "antall1": "200",
            "tilv1": "6",
        }
    product = min(
        products, key=lambda code: (sum(code in running.get(trust, ()) for trust in trusts), code), default=""
    )
    free = [trust for trust in trusts if product not in running.get(trust, ())][:MOST_ROWS]
    values |= {"navn": _("All nine trusts over 24 months"), "rader": str(len(free))}
    for row, trust in enumerate(free, 1):
        start = add_months(first, 1 + (row - 1) * min(room, 22) // max(len(free), 1))
        values |= {
            f"hf{row}": trust,
            f"alg{row}": product,
            f"start{row}": f"{start:%Y-%m}",
            f"antall{row}": "200",
            f"tilv{row}": "6",
        }
    return values


def _first_free(
    trusts: Sequence[str], running: Mapping[str, set[str]], products: Sequence[str]
) -> tuple[str, str] | None:
    """Give the first trust with a product that does not run there; None where everything runs everywhere."""
    for trust in trusts:
        for product in products:
            if product not in running.get(trust, ()):
                return trust, product
    return None


def _row(form: Form, row: int, trust: str | None) -> dict[str, Any] | None:
    asked = form.values
    own = {name: asked.get(f"{name}{row}", "") for name in ROW_FIELDS}
    if not any(own[name] for name in ("alg", "start", "antall")):
        return None
    for name in ("alg", "start", "antall") if trust else ("hf", "alg", "start", "antall"):
        if not own[name]:
            form.errors.append((f"{name}{row}", _("This must be filled in.")))
    months = own["start"].split("/")
    good = [month for month in months if _is_month(month)]
    if own["start"] and (good != months or len(months) > 2):
        form.errors.append(
            (f"start{row}", _("Write a month like 2027-03, or two with a slash between for a proposal."))
        )
        return None
    if not all(own[name] for name in ("alg", "start", "antall")) or not (trust or own["hf"]):
        return None
    volume = _whole(own["antall"], form, f"antall{row}", 1, 1_000_000)
    adoption = _whole(own["tilv"] or "0", form, f"tilv{row}", 0, 60)
    planned: dict[str, Any] = {
        "trust": trust or own["hf"],
        "algorithm": own["alg"],
        "monthly_volume": volume or 0,
        "adoption_months": adoption or 0,
    }
    if len(months) == 2:
        return planned | {"go_live_between": months}
    return planned | {"go_live": f"{months[0]}-01"}


def _base(form: Form) -> dict[str, Any]:
    asked = form.values
    base: dict[str, Any] = {}
    if asked.get("utkast"):
        base["price_draft"] = _whole(asked["utkast"], form, "utkast", 1, 2**31 - 1)
    if asked.get("omfang") in ("agreement", "trust"):
        base["scope"] = asked["omfang"]
    if asked.get("modell") in READINGS:
        base["model"] = asked["modell"]
    if asked.get("innfasing") in RAMP_UNITS:
        base["ramp_units"] = RAMP_UNITS[asked["innfasing"]]
    return base


def _is_month(text: str) -> bool:
    try:
        return Period.parse(text) == Period.month(Period.parse(text).start) and len(text) == 7
    except ValueError:
        return False


def _whole(text: str, form: Form, name: str, least: int, most: int) -> int | None:
    digits = re.sub(r"[\s\u00a0\u202f]", "", text)
    if re.fullmatch(r"[0-9]{1,10}", digits) and least <= int(digits) <= most:
        return int(digits)
    form.errors.append((name, _("Write a whole number from %(least)s to %(most)s.", least=least, most=most)))
    return None


def _share(text: str, form: Form, name: str, least: int = -90) -> str:
    written = re.sub(r"[\s\u00a0\u202f%]", "", text).replace(",", ".").replace("\u2212", "-")
    try:
        percent = Decimal(written)
        if not percent.is_finite() or not least <= percent <= 100 or percent != round(percent, 2):
            raise InvalidOperation
    except InvalidOperation:
        form.errors.append(
            (name, _("Write a percentage from %(least)s to 100, with at most two decimals.", least=least))
        )
        return "0"
    return format_rate(percent / 100)


def _percent(share: Any) -> str:
    return format((Decimal(str(share)) * 100).normalize(), "f").replace(".", ",")
