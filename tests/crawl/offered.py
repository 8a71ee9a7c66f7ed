"""What a page offers, read from its HTML: links, forms with the values that stand in them, and the figures it tells."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Field:
    """A field of a form: its name, its kind, the value that stands in it, and the values that may be chosen."""

    name: str
    kind: str
    value: str
    choices: list[str] = field(default_factory=list)
    required: bool = False
    decimal: bool = False


@dataclass
class Form:
    """A form as a page offers it: where it stands, where it goes, how, its fields, and its buttons (name, value, address)."""

    page: str
    action: str
    method: str
    fields: list[Field] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)

    def standing(self) -> list[tuple[str, str]]:
        """Give the fields with the values that stand in them, boxes and choices that are not made left out."""
        return [(each.name, each.value) for each in self.fields if each.kind not in ("file", "box") or each.value]

    def filled(self, chance: random.Random, today: str) -> dict[str, Any]:
        """Fill it in as somebody would who has a reason for it: what stands is kept, what lacks is chosen or written."""
        given: dict[str, Any] = {}
        for each in self.fields:
            if each.kind == "hidden":
                given[each.name] = each.value
            elif each.kind == "box":
                if each.value or chance.random() < 0.5:
                    given[each.name] = each.choices[0]
            elif each.choices:
                wanted = [choice for choice in each.choices if choice] or [""]
                given[each.name] = each.value or chance.choice(wanted)
            elif each.kind == "date":
                given[each.name] = each.value or today
            elif each.value or not each.required:
                given[each.name] = each.value
            elif each.decimal or each.kind == "number":
                given[each.name] = str(chance.randrange(1, 500))
            elif each.kind != "file":
                given[each.name] = "Som avtalt."
        return given


class Page(HTMLParser):
    """What a page offers."""

    def __init__(self, address: str, text: str) -> None:
        super().__init__()
        self.address = address
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.figures: list[tuple[str, str]] = []
        self.refuses = "data-refused" in text
        self._form: Form | None = None
        self._select: Field | None = None
        self._in_text = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a link, a figure, a form or one of its fields."""
        given = {name: value or "" for name, value in attrs}
        if tag != "link":
            self.links += [given[name] for name in ("href", "hx-get") if name in given]
        if tag == "data" and "data-figure" in given:
            self.figures.append((given["data-figure"], given.get("value", "")))
        elif tag == "form":
            self._form = Form(self.address, given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "option" and self._select is not None:
            self._select.choices.append(given.get("value", ""))
            if "selected" in given:
                self._select.value = given.get("value", "")
        elif self._form is not None and tag in ("input", "select", "textarea", "button"):
            self._field(self._form, tag, given)

    def _field(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text") if tag == "input" else tag
        if tag == "button":
            form.buttons.append((name, given.get("value", ""), given.get("formaction", "")))
            return
        if not name or "disabled" in given:
            return
        if kind in ("checkbox", "radio"):
            self._choice(form, name, kind, given)
            return
        made = Field(name, kind, given.get("value", ""), required="required" in given)
        made.decimal = given.get("inputmode", "") in ("decimal", "numeric")
        form.fields.append(made)
        self._select = made if tag == "select" else None
        self._in_text = tag == "textarea"

    def _choice(self, form: Form, name: str, kind: str, given: dict[str, str]) -> None:
        value = given.get("value", "on")
        standing = value if "checked" in given else ""
        known = next((each for each in form.fields if each.name == name), None) if kind == "radio" else None
        if known is None:
            form.fields.append(Field(name, "radio" if kind == "radio" else "box", standing, [value], required=True))
            return
        known.choices.append(value)
        known.value = known.value or standing

    def handle_data(self, data: str) -> None:
        """Take the text that stands in a field of several lines."""
        if self._in_text and self._form is not None:
            self._form.fields[-1].value += data

    def handle_endtag(self, tag: str) -> None:
        """Leave a form, a choice or a text."""
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._in_text = False
        elif tag == "select" and self._select is not None:
            # What a browser sends of a choice in which nothing is chosen is its first.
            self._select.value = self._select.value or next(iter(self._select.choices), "")
            self._select = None
