"""A quarter frozen: everything its charges were computed from, and the lines, as one document with one hash.

The document is canonical JSON: sorted keys, no blanks, UTF-8, a line break at the end. It holds no clock time, no person and
no row number, so the same knowledge gives the same bytes on every machine and every database; when it was frozen, by whom
and up to which instant of knowledge stands on the run that points at it. It is written out here, apart from what the API
answers, because its form must never change: ``format`` says which one it is.

Anybody can do it again: `FrozenQuarter.request` is a whole price request, and rating it gives the lines.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from billing.rating.lines import Excluded, Line, Rating
from billing.rating.rate import rate
from billing.rating.request import PriceRequest
from contracts.schemas.price_book import (
    dump_activation,
    dump_agreement_term,
    dump_price_book,
    dump_version,
    load_activation,
    load_agreement_term,
    load_price_book,
)
from contracts.terms.money import format_amount, kroner
from contracts.terms.period import Period
from contracts.terms.price_book import PriceBook, PriceBookVersion, Usage

FORMAT = "trinnvis.quarter/1"


@dataclass(frozen=True, slots=True)
class FrozenVersion:
    """A price version that the quarter's lines rest on, and the SHA-256 of its terms."""

    valid_from: date
    clause: str
    sha256: str


@dataclass(frozen=True, slots=True)
class FrozenQuarter:
    """The charges of a quarter of an agreement with all that they were computed from; amounts exclude VAT.

    ``request.period`` is the quarter clipped to the agreement's term; ``request.usage`` goes back to the first day that any
    counter of the quarter may know of.
    """

    agreement: str
    quarter: str
    request: PriceRequest
    lines: tuple[Line, ...]
    excluded: tuple[Excluded, ...]

    @classmethod
    def freeze(cls, agreement: str, quarter: str, request: PriceRequest) -> FrozenQuarter:
        """Rate a request and freeze what came out, in an order that is the same whoever asks."""
        ordered = in_order(request)
        rating = rate(ordered)
        return cls(agreement, quarter, ordered, rating.lines, rating.excluded)

    @property
    def total(self) -> Decimal:
        """Give the sum of the lines in kroner."""
        return kroner(sum(line.net_ore for line in self.lines))

    @property
    def usage_until(self) -> date | None:
        """Give the last day with usage that the quarter knows of."""
        return max((usage.on for usage in self.request.usage), default=None)

    @property
    def versions(self) -> tuple[FrozenVersion, ...]:
        """Give the price versions in force in the quarter, in time order."""
        return tuple(
            FrozenVersion(version.valid_from, version.clause, sha256_of(dump_version(version)))
            for version in _in_force(self.request.price_book, self.request.period)
        )

    @property
    def sha256(self) -> str:
        """Give the hash of the document, 64 hex digits."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def rate_again(self) -> Rating:
        """Rate the frozen request once more; its lines are the frozen ones for as long as the price law is."""
        return rate(self.request)

    def to_bytes(self) -> bytes:
        """Write the document."""
        request = self.request
        return canonical(
            {
                "format": FORMAT,
                "agreement": self.agreement,
                "quarter": self.quarter,
                "currency": request.agreement.currency,
                "total": format_amount(self.total),
                "usage_until": None if self.usage_until is None else self.usage_until.isoformat(),
                "price_versions": [
                    {"valid_from": each.valid_from.isoformat(), "clause": each.clause, "sha256": each.sha256}
                    for each in self.versions
                ],
                "terms": {
                    "agreement": dump_agreement_term(request.agreement),
                    "period": _dump_period(request.period),
                    "price_book": dump_price_book(request.price_book),
                    "activations": [dump_activation(activation) for activation in request.activations],
                },
                "usage": [_dump_series(*series) for series in _series(request.usage)],
                "lines": [_dump_line(line) for line in self.lines],
                "excluded": [_dump_excluded(entry) for entry in self.excluded],
            }
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> FrozenQuarter:
        """Read a document back; it was written here, so anything else is an error of the program."""
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise ValueError(f"unknown form of a frozen quarter: {document['format']}")
        terms = document["terms"]
        request = PriceRequest(
            agreement=load_agreement_term(terms["agreement"]),
            period=_load_period(terms["period"]),
            price_book=load_price_book(terms["price_book"]),
            activations=tuple(load_activation(each) for each in terms["activations"]),
            usage=tuple(usage for series in document["usage"] for usage in _load_series(series)),
        )
        return cls(
            document["agreement"],
            document["quarter"],
            in_order(request),
            tuple(_load_line(line) for line in document["lines"]),
            tuple(
                Excluded(each["trust"], each["algorithm"], date.fromisoformat(each["on"]), each["quantity"])
                for each in document["excluded"]
            ),
        )


def canonical(document: Any) -> bytes:
    """Write plain JSON values in the one form that is hashed."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode() + b"\n"


def sha256_of(document: Any) -> str:
    """Give the hash of plain JSON values in their canonical form."""
    return hashlib.sha256(canonical(document)).hexdigest()


def in_order(request: PriceRequest) -> PriceRequest:
    """Give a request in the order of its content instead of the order in which it was recorded.

    Usage from the period's end on is left out: it changes nothing before it.
    """
    book = request.price_book
    return replace(
        request,
        price_book=replace(
            book,
            versions=tuple(sorted(book.versions, key=lambda version: version.valid_from)),
            index_adjustments=tuple(sorted(book.index_adjustments, key=lambda each: each.effective_from)),
        ),
        activations=tuple(sorted(request.activations, key=lambda each: (each.trust, each.algorithm, each.begins))),
        usage=tuple(
            sorted(
                (each for each in request.usage if each.on < request.period.end and each.quantity),
                key=lambda each: (each.on, each.trust, each.algorithm),
            )
        ),
    )


def _in_force(book: PriceBook, period: Period) -> Iterator[PriceBookVersion]:
    listed = sorted(book.versions, key=lambda version: version.valid_from)
    for number, version in enumerate(listed):
        until = listed[number + 1].valid_from if number + 1 < len(listed) else date.max
        if version.valid_from < period.end and until > period.start:
            yield version


def _series(usage: Iterable[Usage]) -> Iterator[tuple[str, str, date, list[int]]]:
    """Cut usage into one row of daily counts per trust and algorithm, from its first day to its last."""
    cells: dict[tuple[str, str], dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for each in usage:
        cells[each.trust, each.algorithm][each.on] += each.quantity
    for (trust, algorithm), days in sorted(cells.items()):
        first, last = min(days), max(days)
        whole = [days.get(first + timedelta(days=offset), 0) for offset in range((last - first).days + 1)]
        yield trust, algorithm, first, whole


def _dump_series(trust: str, algorithm: str, first: date, daily: list[int]) -> dict[str, Any]:
    return {"trust": trust, "algorithm": algorithm, "from": first.isoformat(), "daily": daily}


def _load_series(series: dict[str, Any]) -> Iterator[Usage]:
    first = date.fromisoformat(series["from"])
    for offset, quantity in enumerate(series["daily"]):
        if quantity:
            yield Usage(series["trust"], series["algorithm"], first + timedelta(days=offset), quantity)


def _dump_period(period: Period) -> dict[str, str]:
    return {"from": period.start.isoformat(), "to": period.end.isoformat()}


def _load_period(document: dict[str, str]) -> Period:
    return Period(date.fromisoformat(document["from"]), date.fromisoformat(document["to"]))


# What of a line is written as it is; its periods are written as two days, and its net amount again in kroner.
_PLAIN: Final = (
    *("charge", "kind", "clause", "trust", "algorithm", "tier", "phase", "quantity", "unit_price_micro", "gross_ore"),
    *("discount_rate_e4", "discount_ore", "why"),
)


def _dump_line(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in ("id", *_PLAIN)} | {
        "period": _dump_period(line.period),
        "net": format_amount(line.net),
        "reprices": None if line.reprices is None else _dump_period(line.reprices),
    }


def _load_line(document: dict[str, Any]) -> Line:
    return Line(
        **{name: document[name] for name in _PLAIN},
        period=_load_period(document["period"]),
        reprices=None if document["reprices"] is None else _load_period(document["reprices"]),
    )


def _dump_excluded(entry: Excluded) -> dict[str, Any]:
    plain = {name: getattr(entry, name) for name in ("trust", "algorithm", "quantity", "reason")}
    return plain | {"on": entry.on.isoformat()}
