"""The form of an index clause: what a person types, as the document that the API takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from contracts.terms.indexation import IndexClause
from contracts.terms.money import format_rate

PERCENT = ("share", "floor", "cap")
WHOLE = ("comparison_month", "average_months", "notice")
TEXTS = ("index_name", "table", "series", "reading", "limits_on", "first_effective", "notice_unit", "clause")
FIELDS = (*TEXTS, *PERCENT, *WHOLE, "base_month", "symmetric")
_SPACES = re.compile(r"[\s\u00a0\u202f]")


def to_document(form: Mapping[str, str]) -> dict[str, Any]:
    """Give what was typed as a clause's document; what cannot be read stays as typed and is refused by its reader."""
    document: dict[str, Any] = {name: form.get(name, "").strip() for name in TEXTS}
    document["base_month"] = form.get("base_month", "").strip() or None
    document["symmetric"] = {"yes": True, "no": False}.get(form.get("symmetric", ""))
    for name in WHOLE:
        digits = _SPACES.sub("", form.get(name, ""))
        document[name] = int(digits) if re.fullmatch(r"[0-9]{1,6}", digits, re.ASCII) else (digits or None)
    for name in PERCENT:
        typed = _SPACES.sub("", form.get(name, "")).removesuffix("%").replace(",", ".").replace("−", "-")
        document[name] = _hundredth(typed) if typed else None
    return document


def to_form(clause: IndexClause) -> dict[str, str]:
    """Give a clause as the form shows it, percentages with a point."""
    form = {name: str(getattr(clause, name)) for name in (*TEXTS, *WHOLE)}
    form["base_month"] = "" if clause.base_month is None else f"{clause.base_month:%Y-%m}"
    form["symmetric"] = "yes" if clause.symmetric else "no"
    for name in PERCENT:
        share: Decimal | None = getattr(clause, name)
        form[name] = "" if share is None else format_rate(share.scaleb(2))
    return form


def _hundredth(typed: str) -> str:
    """Write a percentage as a share, exactly; what is no number stays what it is."""
    if re.fullmatch(r"-?[0-9]{1,6}(\.[0-9]{1,8})?", typed, re.ASCII) is None:
        return typed
    return f"{Decimal(typed).scaleb(-2):f}"
