"""What a vendor's line is about: trust, algorithm, period, tier and phase, read by a mapping that belongs to the vendor.

A mapping is an order of trust: for each of the five, the fields of the document in which a vendor writes it, the first one
that says something known wins. A field is told as

    property:NAME    the item property NAME, whatever its case
    seller_item, buyer_item, standard_item, order_line, accounting_cost    the line's field of that name
    name, description, note    a text of the line, in which the code or the whole name stands
    buyer    the document's buyer, where that is a trust itself
    document_accounting_cost, buyer_reference    the document's field of that name
    line_period, document_period    a period as written (for the period only)

Names are the codes, names and organisation numbers that the agreement knows, and those that the mapping adds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from billing.causes.naming import Reader, Register, words
from billing.ehf.document import Document, Line
from billing.ehf.document import Period as WrittenPeriod
from contracts.terms.period import Period
from contracts.terms.price_book import Finding

PROPERTY: Final = "property:"
TEXTS: Final = ("name", "description", "note")
FIELDS: Final = ("seller_item", "buyer_item", "standard_item", "order_line", "accounting_cost")
OF_DOCUMENT: Final = ("buyer", "document_accounting_cost", "buyer_reference")
PERIODS: Final = ("line_period", "document_period")

SUBJECTS: Final = ("trust", "algorithm", "period", "tier", "phase")
ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "trust": (*FIELDS, *TEXTS, *OF_DOCUMENT),
    "algorithm": (*FIELDS, *TEXTS),
    "period": (*PERIODS, *TEXTS),
    "tier": TEXTS,
    "phase": TEXTS,
}
MOST_SOURCES: Final = 12
LONGEST_NAME: Final = 80
MOST_NAMES: Final = 200


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Hold where a vendor writes what, and what it calls trusts and algorithms beside their own names (name → code)."""

    trust: tuple[str, ...] = ("property:trust", "property:helseforetak", "property:hf", "buyer")
    algorithm: tuple[str, ...] = (
        "seller_item",
        "buyer_item",
        "standard_item",
        "property:algorithm",
        "property:algoritme",
        "name",
    )
    period: tuple[str, ...] = ("line_period", "document_period")
    tier: tuple[str, ...] = ("property:tier", "property:trinn")
    phase: tuple[str, ...] = ("property:phase", "property:fase")
    trust_names: Mapping[str, str] = field(default_factory=dict)
    algorithm_names: Mapping[str, str] = field(default_factory=dict)

    def sources(self, subject: str) -> tuple[str, ...]:
        """Give the fields that may carry a subject, the most trusted first."""
        found: tuple[str, ...] = getattr(self, subject)
        return found

    def to_document(self) -> dict[str, Any]:
        """Write the mapping as plain JSON values."""
        return {subject: list(self.sources(subject)) for subject in SUBJECTS} | {
            "trust_names": dict(sorted(self.trust_names.items())),
            "algorithm_names": dict(sorted(self.algorithm_names.items())),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> FieldMapping:
        """Read what `to_document` wrote."""
        return cls(
            **{subject: tuple(document[subject]) for subject in SUBJECTS},
            trust_names=dict(document["trust_names"]),
            algorithm_names=dict(document["algorithm_names"]),
        )


DEFAULT: Final = FieldMapping()


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Hold what an agreement calls its trusts and algorithms: (name, code) pairs; and the codes of its charges."""

    trusts: tuple[tuple[str, str], ...]
    algorithms: tuple[tuple[str, str], ...]
    charges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineReading:
    """Hold what a line was found to be about; ``period`` is half-open, what is not named is None."""

    trust: str | None
    algorithm: str | None
    period: Period | None
    tier: int | None
    phase: int | None


def mapping_findings(mapping: FieldMapping, names: KnownNames) -> list[Finding]:
    """Tell what is wrong with a mapping: fields that do not exist, names that stand for nobody."""
    findings = []
    for subject in SUBJECTS:
        sources = mapping.sources(subject)
        if len(sources) > MOST_SOURCES:
            findings.append(Finding(f"#/{subject}", "too_many", f"at most {MOST_SOURCES} fields"))
        for number, source in enumerate(sources):
            if source.startswith(PROPERTY):
                if not 0 < len(source[len(PROPERTY) :].strip()) <= LONGEST_NAME:
                    findings.append(
                        Finding(f"#/{subject}/{number}", "no_name", "property: is followed by the property's name")
                    )
            elif source not in ALLOWED[subject]:
                known = ", ".join(("property:NAME", *ALLOWED[subject]))
                findings.append(
                    Finding(f"#/{subject}/{number}", "unknown_field", f"'{source}' is none of the fields {known}")
                )
            if source in sources[:number]:
                findings.append(Finding(f"#/{subject}/{number}", "twice", f"'{source}' stands twice"))
    for pointer, given, codes in (
        ("#/trust_names", mapping.trust_names, {code for _, code in names.trusts}),
        ("#/algorithm_names", mapping.algorithm_names, {code for _, code in names.algorithms}),
    ):
        if len(given) > MOST_NAMES:
            findings.append(Finding(pointer, "too_many", f"at most {MOST_NAMES} names"))
        for name, code in given.items():
            if code not in codes:
                findings.append(Finding(pointer, "unknown_code", f"'{code}' is none of {', '.join(sorted(codes))}"))
            elif not 0 < len(name.strip()) <= LONGEST_NAME:
                findings.append(Finding(pointer, "bad_name", f"a name has 1 to {LONGEST_NAME} characters"))
    return findings


class LineReader:
    """Read the lines of one vendor's documents."""

    def __init__(self, mapping: FieldMapping, names: KnownNames) -> None:
        """Take the vendor's mapping and the names that the agreement knows."""
        self._mapping = mapping
        self._trusts = _Names([*names.trusts, *mapping.trust_names.items()])
        self._algorithms = _Names([*names.algorithms, *mapping.algorithm_names.items()], names.charges)
        self._places = Reader()

    def read(self, line: Line, document: Document) -> LineReading:
        """Read what one line is about."""
        return LineReading(
            trust=self._code("trust", self._trusts, line, document),
            algorithm=self._code("algorithm", self._algorithms, line, document),
            period=self._period(line, document),
            tier=self._number("tier", line, document),
            phase=self._number("phase", line, document),
        )

    def trust_of(self, text: str) -> str | None:
        """Give the trust that a text names by its code, its name, its number or the vendor's name for it."""
        return self._trusts.exact(text)

    def algorithm_of(self, text: str) -> str | None:
        """Give the algorithm that a text names by its code, its product or the vendor's name for it."""
        return self._algorithms.exact(text)

    def _code(self, subject: str, known: _Names, line: Line, document: Document) -> str | None:
        for source in self._mapping.sources(subject):
            text = _text(source, line, document)
            if not text:
                continue
            found = known.exact(text) or (known.within(text) if source in TEXTS else None)
            if found is not None:
                return found
        return None

    def _period(self, line: Line, document: Document) -> Period | None:
        for source in self._mapping.period:
            if source == "line_period":
                found = whole_days(line.period)
            elif source == "document_period":
                found = whole_days(document.period)
            else:
                found = self._places.place(_text(source, line, document) or "").period
            if found is not None:
                return self._narrowed(found, line) if source == "document_period" else found
        return None

    def _narrowed(self, whole: Period, line: Line) -> Period:
        """Give the part of the document's period that the line's words name, all of it where they name none."""
        for text in (line.name, line.description, line.note):
            said = self._places.place(text or "").period
            if said is not None and whole.start <= said.start and said.end <= whole.end:
                return said
        return whole

    def _number(self, subject: str, line: Line, document: Document) -> int | None:
        for source in self._mapping.sources(subject):
            text = (_text(source, line, document) or "").strip()
            if source.startswith(PROPERTY) and text.isascii() and text.isdigit() and len(text) <= 2:
                return int(text)
            place = self._places.place(text)
            found = place.tier if subject == "tier" else place.phase
            if found is not None:
                return found
        return None


def whole_days(written: WrittenPeriod | None) -> Period | None:
    """Give the half-open period of two written days that both belong to it, None where they make none."""
    if written is None or written.start is None or written.end is None:
        return None
    if written.end < written.start or written.end == date.max:
        return None
    return Period(written.start, written.end + timedelta(days=1))


class _Names:
    def __init__(self, pairs: Iterable[tuple[str, str]], others: Iterable[str] = ()) -> None:
        listed = list(pairs)
        self._exact = {name.strip().casefold(): code for name, code in listed}
        self._register = Register(listed)
        # The code of a charge may hold an algorithm's: it names the charge, and says nothing of the algorithm.
        self._others = Register((other, other) for other in others if other.casefold() not in self._exact)

    def exact(self, text: str) -> str | None:
        return self._exact.get(text.strip().casefold())

    def within(self, text: str) -> str | None:
        _, own = self._others.whole_name(words(text))
        return self._register.whole_name(own)[0]


_READ: Final[dict[str, Callable[[Line, Document], str | None]]] = {
    "seller_item": lambda line, _: line.seller_item,
    "buyer_item": lambda line, _: line.buyer_item,
    "standard_item": lambda line, _: None if line.standard_item is None else line.standard_item.value,
    "order_line": lambda line, _: line.order_line,
    "accounting_cost": lambda line, _: line.accounting_cost,
    "name": lambda line, _: line.name,
    "description": lambda line, _: line.description,
    "note": lambda line, _: line.note,
    "buyer": lambda _, document: document.buyer.organisation_number,
    "document_accounting_cost": lambda _, document: document.accounting_cost,
    "buyer_reference": lambda _, document: document.buyer_reference,
}


def _text(source: str, line: Line, document: Document) -> str | None:
    if source.startswith(PROPERTY):
        return line.property_value(source[len(PROPERTY) :].strip())
    read = _READ.get(source)
    return None if read is None else read(line, document)
