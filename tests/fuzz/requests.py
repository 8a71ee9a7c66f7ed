"""Make requests that nobody means, from what the application itself says it answers: its addresses, and the forms on its pages."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

HOSTILE = (
    "9223372036854775807", "9223372036854775808", "99999999999999999999999999", "2147483648", "-1", "0", "1e308", "NaN", "",
    " ", "\x00", "a\x00b", "%", "'", '"', "<b>", "å" * 300, "2026-13", "2026-Q5", "2026-02-30", "9999-12-31", "0000-00-00",
    "0001-01-01", "99999-01", "null", "[]", "../..", "\u202e", "\ud7ff", "1,5", "1.000.000,00", "∞", "٣",
)  # fmt: skip
# What pages read from the address beside their forms.
PARAMETERS = (
    "periode", "til", "per", "slik", "sort", "side", "etter", "hf", "alg", "agreement", "maaned", "antall", "kvartal", "id", "a", "b",
)  # fmt: skip


@dataclass
class Form:
    """A form as a page offers it: where it goes, how, and its fields with the values that stand in them."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)


class Forms(HTMLParser):
    """Collect the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a form or one of its fields."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.found.append(self._open)
        elif self._open is not None and tag in ("input", "select", "textarea", "button") and given.get("name"):
            self._open.fields.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        """Leave a form."""
        if tag == "form":
            self._open = None


def addresses(app: Flask, rng: random.Random) -> Iterator[tuple[str, dict[str, str]]]:
    """Give every address that a page answers by GET, its parts hostile, with hostile parameters."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        if "GET" in (rule.methods or ()) and not rule.rule.startswith(("/assets", "/api/v1/openapi")):
            yield address(rule, rng), {name: rng.choice(HOSTILE) for name in rng.sample(PARAMETERS, 3)}


def address(rule: Rule, rng: random.Random) -> str:
    """Write an address of a rule with a hostile value in each of its places."""
    parts = []
    for is_dynamic, data in rule._trace:
        if not is_dynamic:
            parts.append(data)
            continue
        converter = type(rule._converters[data]).__name__
        numbers = [value for value in HOSTILE if value.isascii() and value.isdigit()]
        parts.append(rng.choice(numbers if converter == "RowNumber" else HOSTILE).replace("/", "%2F") or "x")
    return "".join(parts).partition("|")[2] or "/"


def filled(form: Form, rng: random.Random) -> dict[str, Any]:
    """Fill a form in: most fields as they stand, one or two hostile, sometimes one left out."""
    values: dict[str, Any] = dict(form.fields)
    values.pop("csrf_token", None)
    for name in rng.sample(sorted(values), min(len(values), rng.choice((1, 1, 2)))):
        values[name] = rng.choice(HOSTILE)
    if values and rng.random() < 0.2:
        values.pop(rng.choice(sorted(values)))
    return values
