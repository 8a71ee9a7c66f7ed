"""Sources of usage: who delivers files, and how each one's are read, as a person chose it and may choose anew."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.models import UsageSource
from billing.usage.readings import (
    ACCESSION,
    COLUMNS,
    DATE_FORMATS,
    DELIMITERS,
    ENCODINGS,
    NUMBER_FORMATS,
    TIME_FORMATS,
    Reading,
)
from contracts import agreements, audit
from contracts.errors import Finding, NotFound, invalid
from contracts.models.base import known
from contracts.people.access import Actor

LONGEST_NAME = 100
_CHOICES: dict[str, tuple[str, ...]] = {
    "delimiter": DELIMITERS,
    "encoding": ENCODINGS,
    "numbers": NUMBER_FORMATS,
    "dates": DATE_FORMATS,
    "times": TIME_FORMATS,
}


@dataclass(frozen=True, slots=True)
class Source:
    """A saved reading under its name."""

    id: int
    name: str
    reading: Reading


def save_source(
    session: Session, *, agreement_id: int, name: str, reading: Reading, actor: Actor, now: datetime
) -> Source:
    """Save how a source's files are read; under a known name it supersedes what was chosen before.

    Raises `InvalidInput` where the reading lacks a column or the name is empty.
    """
    actor.require("usage.import")
    name = name.strip()
    findings = problems_of(reading)
    if not 0 < len(name) <= LONGEST_NAME:
        findings.append(Finding("#/name", "missing", f"a source needs a name of at most {LONGEST_NAME} characters"))
    invalid(findings)
    agreements.lock_agreement(session, agreement_id)
    before = session.scalar(
        select(UsageSource.id).where(
            UsageSource.agreement_id == agreement_id, UsageSource.name == name, known(UsageSource, None)
        )
    )
    row = UsageSource(
        agreement_id=agreement_id,
        name=name,
        reading=to_document(reading),
        void=False,
        supersedes_id=before,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    audit.record(
        session, "usage.source", f"usage-source:{row.id}", {"name": name, "reading": row.reading}, actor.id, now
    )
    return Source(row.id, name, reading)


def list_sources(session: Session, *, agreement_id: int, known_at: datetime | None = None) -> list[Source]:
    """List the sources by name."""
    rows = session.scalars(
        select(UsageSource)
        .where(UsageSource.agreement_id == agreement_id, known(UsageSource, known_at))
        .order_by(UsageSource.name)
    )
    return [Source(row.id, row.name, from_document(row.reading)) for row in rows]


def find_source(session: Session, *, agreement_id: int, name: str) -> Source:
    """Find a source by name; `NotFound` where there is none."""
    for source in list_sources(session, agreement_id=agreement_id):
        if source.name == name:
            return source
    raise NotFound(f"there is no source '{name}'")


def to_document(reading: Reading) -> dict[str, Any]:
    """Write a reading as plain JSON values."""
    document = asdict(reading)
    document["columns"] = dict(reading.columns)
    document["values"] = [list(each) for each in reading.values]
    return document


def from_document(document: dict[str, Any]) -> Reading:
    """Read what `to_document` wrote; `InvalidInput` where it is no reading."""
    known_names = {"kind", "columns", "delimiter", "encoding", "numbers", "dates", "times", "values"}
    findings = [Finding(f"#/{name}", "unknown_field", "Unknown field.") for name in document if name not in known_names]
    columns, values = document.get("columns"), document.get("values", [])
    if not isinstance(columns, dict) or not all(isinstance(each, str) for pair in columns.items() for each in pair):
        findings.append(Finding("#/columns", "not_an_object", "columns are our names with the file's"))
    if not isinstance(values, list) or not all(
        isinstance(each, list) and len(each) == 3 and all(isinstance(part, str) for part in each) for each in values
    ):
        findings.append(Finding("#/values", "not_a_list", "values are triples: column, the file's value, the code"))
    for name in ("kind", *_CHOICES):
        if not isinstance(document.get(name, ""), str):
            findings.append(Finding(f"#/{name}", "not_text", "a text is needed"))
    invalid(findings)
    pairs = columns if isinstance(columns, dict) else {}
    options = {name: document[name] for name in _CHOICES if name in document}
    reading = Reading(
        document.get("kind", ""),
        tuple(pairs.items()),
        values=tuple(tuple(each) for each in values),
        **options,
    )
    invalid(problems_of(reading))
    return reading


def problems_of(reading: Reading) -> list[Finding]:
    """Say what a reading lacks or has too much of."""
    if reading.kind not in COLUMNS:
        return [Finding("#/kind", "not_a_choice", f"one of {', '.join(COLUMNS)}")]
    findings = [
        Finding(f"#/{name}", "not_a_choice", f"one of {', '.join(map(repr, choices))}")
        for name, choices in _CHOICES.items()
        if getattr(reading, name) not in choices
    ]
    mapped = dict(reading.columns)
    allowed = {*COLUMNS[reading.kind], *([ACCESSION] if reading.kind == "events" else [])}
    findings += [
        Finding(f"#/columns/{name}", "missing", f"which column is '{name}'?")
        for name in COLUMNS[reading.kind]
        if not mapped.get(name)
    ]
    findings += [
        Finding(f"#/columns/{name}", "unknown_column", f"there is no '{name}' in {reading.kind} files")
        for name in mapped
        if name not in allowed
    ]
    if len(set(mapped.values())) < len(mapped):
        findings.append(Finding("#/columns", "twice", "one column of the file stands for two of ours"))
    return findings
