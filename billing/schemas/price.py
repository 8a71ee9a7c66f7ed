"""The price request and its answer on the wire, as pricing.md §5 says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from billing.rating.request import PriceRequest, activation_errors, agreement_errors, usage_errors
from contracts.schemas.fields import escaped, read_day, read_text, read_whole
from contracts.schemas.price_book import load_activation, load_agreement_term, load_price_book
from contracts.terms.period import Period
from contracts.terms.price_book import Finding, InvalidInput, Usage, check, errors_of

T = TypeVar("T")

_SECTIONS = ("agreement", "period", "price_book", "activations", "usage")
_USAGE_FIELDS: dict[str, Callable[[Any], Any]] = {
    "trust": read_text,
    "algorithm": read_text,
    "on": read_day,
    "quantity": read_whole,
}


def load_price_request(document: Any) -> PriceRequest:
    """Read a price request.

    Raises InvalidInput with every error of its shape and, in the sections that could be read, of its meaning too.
    """
    if not isinstance(document, Mapping):
        raise InvalidInput((Finding("#", "not_an_object", "An object is expected."),))
    errors = _unknown(document, _SECTIONS, "#")
    for name in _SECTIONS:
        if name not in document:
            errors.append(Finding(f"#/{name}", "missing", "The field is missing."))

    def section(name: str, read: Callable[[Any, str], T]) -> T | None:
        return _tried(read, document[name], f"#/{name}", errors) if name in document else None

    agreement = section("agreement", load_agreement_term)
    period = section("period", load_period)
    book = section("price_book", load_price_book)
    activations = section("activations", _entries(load_activation, errors)) or []
    usage = section("usage", _entries(load_usage, errors)) or []
    if not errors:
        assert agreement is not None
        assert period is not None
        assert book is not None
        return PriceRequest(
            agreement, period, book, tuple(entry for _, entry in activations), tuple(entry for _, entry in usage)
        )
    # What stands in a section that could not be read must not make another one look wrong.
    all_activations = not any(error.pointer.startswith("#/activations") for error in errors)
    if agreement is not None:
        term_errors = list(agreement_errors(agreement))
        errors += term_errors
        if book is not None:
            errors += errors_of(check(book, agreement))
        if all_activations and not term_errors:
            errors += usage_errors(agreement, [entry for _, entry in activations], usage)
    errors += activation_errors(activations)
    raise InvalidInput(tuple(errors))


def load_period(document: Any, pointer: str = "#/period") -> Period:
    """Read {from, to}; InvalidInput where it is no period."""
    values = _object(document, {"from": read_day, "to": read_day}, pointer)
    if values["to"] <= values["from"]:
        raise InvalidInput((Finding(f"{pointer}/to", "end_before_start", "The period ends after it starts."),))
    return Period(values["from"], values["to"])


def load_usage(document: Any, pointer: str = "#") -> Usage:
    """Read {trust, algorithm, on, quantity}; InvalidInput with every error of its shape."""
    return Usage(**_object(document, _USAGE_FIELDS, pointer))


def dump_period(period: Period) -> dict[str, str]:
    """Write a period as {from, to}."""
    return {"from": period.start.isoformat(), "to": period.end.isoformat()}


def _tried(read: Callable[[Any, str], T], document: Any, pointer: str, errors: list[Finding]) -> T | None:
    try:
        return read(document, pointer)
    except InvalidInput as invalid:
        errors += invalid.errors
        return None


def _entries(read: Callable[[Any, str], T], errors: list[Finding]) -> Callable[[Any, str], list[tuple[int, T]]]:
    """Return a reader of a list that keeps the place of each entry it could read."""

    def read_all(document: Any, pointer: str) -> list[tuple[int, T]]:
        if not isinstance(document, list):
            raise InvalidInput((Finding(pointer, "not_a_list", "A list is expected."),))
        entries = []
        for i, item in enumerate(document):
            entry = _tried(read, item, f"{pointer}/{i}", errors)
            if entry is not None:
                entries.append((i, entry))
        return entries

    return read_all


def _object(document: Any, readers: Mapping[str, Callable[[Any], Any]], pointer: str) -> dict[str, Any]:
    """Read an object field by field: a request can hold tens of thousands of these, and a schema costs ten times as much."""
    if not isinstance(document, Mapping):
        raise InvalidInput((Finding(pointer, "not_an_object", "An object is expected."),))
    values: dict[str, Any] = {}
    errors: list[Finding] = []
    for name, read in readers.items():
        if name not in document:
            errors.append(Finding(f"{pointer}/{name}", "missing", "The field is missing."))
            continue
        try:
            values[name] = read(document[name])
        except ValueError as error:
            code, _, detail = str(error).partition(": ")
            errors.append(Finding(f"{pointer}/{name}", code, detail))
    if len(document) > len(values):
        errors += _unknown(document, tuple(readers), pointer)
    if errors:
        raise InvalidInput(tuple(errors))
    return values


def _unknown(document: Mapping[str, Any], known: tuple[str, ...], pointer: str) -> list[Finding]:
    return [
        Finding(f"{pointer}/{escaped(str(name))}", "unknown_field", "The field is not known here.")
        for name in document
        if name not in known
    ]


__all__ = [
    "dump_period",
    "load_period",
    "load_price_request",
    "load_usage",
]
