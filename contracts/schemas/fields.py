"""The fields every schema of terms is written with, and how their errors become findings.

A field reads one JSON value strictly: amounts are strings and never numbers, quantities are integers and never strings, dates
are ISO. Its error message begins with a code and a colon, which `findings_of` turns into a finding with a JSON pointer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from contracts.terms.money import format_amount, format_rate, format_unit_price, parse_amount
from contracts.terms.price_book import Finding, InvalidInput

FIRST_YEAR = 1900
LAST_YEAR = 2999
LARGEST_QUANTITY = 10**24

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

# What marshmallow says itself, in our codes.
_CODES = {
    "Missing data for required field.": "missing: The field is missing.",
    "Field may not be null.": "null: The field is null.",
    "Unknown field.": "unknown_field: The field is not known here.",
    "Invalid input type.": "not_an_object: An object is expected.",
    "Invalid type.": "not_a_list: A list of objects is expected.",
    "Not a valid list.": "not_a_list: A list is expected.",
}


def read_text(value: Any) -> str:
    """Read a string that is not empty."""
    if not isinstance(value, str):
        raise ValueError("not_a_string: A string is expected.")
    if not value.strip():
        raise ValueError("empty: The text is empty.")
    return value


def read_day(value: Any) -> date:
    """Read an ISO date of the years 1900 to 2999."""
    if not isinstance(value, str) or _ISO_DATE.fullmatch(value) is None:
        raise ValueError("not_a_date: An ISO date is expected, such as 2026-09-30.")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError("not_a_date: There is no such day.") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"out_of_range: Years run from {FIRST_YEAR} to {LAST_YEAR}.")
    return day


def read_whole(value: Any) -> int:
    """Read an integer of a size that a quantity can have."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("not_an_integer: A whole number is expected.")
    if abs(value) > LARGEST_QUANTITY:
        raise ValueError("out_of_range: The number is too large.")
    return value


def read_decimal(value: Any, places: int) -> Decimal:
    """Read a decimal written as a string with at most `places` decimals."""
    if not isinstance(value, str):
        raise ValueError("not_a_string: A decimal number written as a string is expected.")
    try:
        return parse_amount(value, places)
    except ValueError as error:
        code = "too_many_decimals" if "decimals" in str(error) else "not_a_decimal"
        raise ValueError(f"{code}: The number {error}.") from None


class Written(validate.Regexp):
    """Match a text to its end: `$` alone would let a line break pass that the description's reader forbids."""

    def __call__(self, value: Any) -> Any:
        """Give the text, or refuse it."""
        if re.fullmatch(self.regex.pattern, value) is None:
            raise ValidationError(self._format_error(value))
        return value


CODE = Written(r"^[a-z0-9]+(-[a-z0-9]+)*$", error="not_a_code: A code is made of a–z, 0–9 and single hyphens.")


def of(read: Callable[[Any], Any]) -> Any:
    """Write as a field's ``attribute`` what a function gives of the object, where no path of names leads to it."""
    return read


class TermsSchema(Schema):
    """Read and write an object: nothing unknown may stand in what is read, and nothing described is left unwritten."""

    class Meta:
        unknown = RAISE  # a misspelt field would silently change a price

    def get_attribute(self, obj: Any, attr: Any, default: Any) -> Any:
        """Give what a field writes: by its path (null where the path meets null) or by its function (`of`).

        AttributeError where the object has no such name; a mapping may lack one, and then the field is left out.
        """
        if callable(attr):
            return attr(obj)
        for name in attr.split("."):
            if isinstance(obj, Mapping):
                obj = obj.get(name, default)
            elif obj is not None:
                obj = getattr(obj, name)
        return obj


class _Read(fields.Field[Any]):
    """Read a value with a function that raises ValueError("code: sentence")."""

    read: Callable[[Any], Any]

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        try:
            return self.read(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Text(_Read):
    """A string that is not empty."""

    read = staticmethod(read_text)


class Clause(_Read):
    """A string that may be empty: not every book names its clauses."""

    @staticmethod
    def read(value: Any) -> str:
        """Read a string."""
        if not isinstance(value, str):
            raise ValueError("not_a_string: A string is expected.")
        return value


class Day(_Read):
    """An ISO date."""

    read = staticmethod(read_day)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.isoformat()


class Whole(_Read):
    """An integer."""

    read = staticmethod(read_whole)


class Flag(_Read):
    """True or false."""

    @staticmethod
    def read(value: Any) -> bool:
        """Read a boolean."""
        if not isinstance(value, bool):
            raise ValueError("not_a_boolean: True or false is expected.")
        return value


class Number(_Read):
    """A decimal written as a string with at most `places` decimals; it is written back as it was read."""

    def __init__(self, places: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places = places

    def read(self, value: Any) -> Decimal:
        """Read a decimal."""
        return read_decimal(value, self.places)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else f"{value:f}"


class Amount(Number):
    """Kroner written with two decimals."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else format_amount(value)


class Share(Number):
    """A share or a percentage written without superfluous zeros."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else format_rate(value)


class _Told(fields.String):
    """A text that an answer tells, written from a value of another kind."""

    write: Callable[[Any], str]

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else self.write(value)


class AmountText(_Told):
    """Kroner with two decimals."""

    write = staticmethod(format_amount)


class RateText(_Told):
    """A share or a quantity without superfluous zeros."""

    write = staticmethod(format_rate)


class PriceText(_Told):
    """A unit price with its decimals."""

    write = staticmethod(format_unit_price)


class IsoText(_Told):
    """An instant or a day in ISO form."""

    @staticmethod
    def write(value: Any) -> str:
        """Write it."""
        text: str = value.isoformat()
        return text


class LabelText(_Told):
    """A period by its name, such as 2026-Q3."""

    @staticmethod
    def write(value: Any) -> str:
        """Write it."""
        text: str = value.label()
        return text


class Choice(_Read):
    """One of a few words (or numbers)."""

    def __init__(self, choices: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = tuple(choices)

    def read(self, value: Any) -> Any:
        """Read one of the choices."""
        # The type counts: True is not 1.
        if not any(type(value) is type(choice) and value == choice for choice in self.choices):
            raise ValueError(f"invalid_choice: One of {', '.join(map(str, self.choices))} is expected.")
        return value


def findings_of(messages: Any, pointer: str) -> list[Finding]:
    """Flatten marshmallow's nested messages into findings below a JSON pointer."""
    if isinstance(messages, Mapping):
        return [
            finding
            for place, inner in messages.items()
            for finding in findings_of(inner, pointer if place == "_schema" else f"{pointer}/{escaped(str(place))}")
        ]
    if isinstance(messages, list | tuple):
        return [finding for message in messages for finding in findings_of(message, pointer)]
    code, _, detail = _CODES.get(str(messages), str(messages)).partition(": ")
    return [Finding(pointer, code, detail) if detail else Finding(pointer, "invalid", str(messages))]


def escaped(place: str) -> str:
    """Escape a member's name for a JSON pointer (RFC 6901)."""
    return place.replace("~", "~0").replace("/", "~1")


def load(schema: Schema, document: Any, pointer: str) -> Any:
    """Load a document with a schema; InvalidInput with every error and its place below `pointer`."""
    try:
        return schema.load(document)
    except ValidationError as error:
        raise InvalidInput(tuple(findings_of(error.messages, pointer))) from None
