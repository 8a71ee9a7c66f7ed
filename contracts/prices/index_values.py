"""Index values: months as published, each with its table, base year and the day it was retrieved.

Values are common to all agreements. A revised value is a further row with a later day of retrieval; nothing is
overwritten, and a request remembers the rows it used. A file goes in whole or not at all, and once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from contracts import audit
from contracts.errors import Denied, Finding, invalid
from contracts.models import Document, IndexValue, IndexValueImport
from contracts.models.base import recorded_by_then
from contracts.people.access import Actor
from contracts.schemas.index_values import PublishedValue, ReadAs, read_index_values
from contracts.terms.indexation import StandingValue
from contracts.terms.period import Period

CSV, JSON = "text/csv", "application/json"


@dataclass(frozen=True, slots=True)
class ImportedValues:
    """What an import did: ``imported``, or ``already_imported`` (these bytes, read this way, are in).

    Of ``values`` in the file ``new`` were unknown, ``revised`` differ from the value that stood, the rest stood already.
    ``missing`` places were empty; ``ignored`` contents are no index (changes in per cent).
    """

    id: int
    status: str
    values: int
    new: int
    revised: int
    missing: int
    ignored: tuple[str, ...]


def import_values(
    session: Session,
    *,
    filename: str,
    content: bytes,
    retrieved_on: date,
    given: ReadAs = ReadAs(),  # noqa: B008 - a frozen value
    source: str = "file",
    actor: Actor,
    now: datetime,
    today: date,
) -> ImportedValues:
    """Record the index values of a file (JSON-stat2 or CSV), all or none.

    ``retrieved_on`` is the day on which the statistics office gave these values, at the latest ``today``. Raises
    `InvalidInput` with every error and its place: what the reading refuses, a month that was not over on that day, and
    a value that differs from another one of the very same day.
    """
    actor.require("index.draft")
    if actor.scope("index.draft") is not None:
        raise Denied("index values are for all trusts: this needs a role that is not kept to one")
    if retrieved_on > today:
        invalid([Finding("#/query/retrieved_on", "in_future", "values are retrieved today or earlier")])
    sha256 = hashlib.sha256(content).hexdigest()
    done = session.scalar(
        select(IndexValueImport).where(IndexValueImport.sha256 == sha256, IndexValueImport.read_as == given.label())
    )
    if done is not None:
        return ImportedValues(done.id, "already_imported", done.values, done.new, done.revised, 0, ())
    file = read_index_values(content, given)
    standing = _vintages(session, file.values)
    new, revised, findings = list[PublishedValue](), list[PublishedValue](), list[Finding]()
    for value in file.values:
        if Period.month(value.month).end > retrieved_on:
            detail = f"{_name(value)}: the month was not over on {retrieved_on.isoformat()}"
            findings.append(Finding("#/query/retrieved_on", "month_not_over", detail))
            continue
        vintages = standing.get(_key(value), {})
        then = max((day for day in vintages if day <= retrieved_on), default=None)
        if then is None:
            new.append(value)
        elif vintages[then] != value.value and then == retrieved_on:
            detail = f"{_name(value)}: {vintages[then]} is recorded as retrieved on the same day, the file says {value.value}"
            findings.append(Finding("#/query/retrieved_on", "value_differs", detail))
        elif vintages[then] != value.value:
            revised.append(value)
    invalid(findings)
    row = IndexValueImport(
        sha256=sha256,
        read_as=given.label(),
        source=source,
        filename=filename[:200],
        retrieved_on=retrieved_on,
        values=len(file.values),
        new=len(new),
        revised=len(revised),
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    _keep(session, sha256, filename, content, actor, now)
    session.flush()
    for value in [*new, *revised]:
        session.add(
            IndexValue(
                import_id=row.id,
                table=value.table,
                series=value.series,
                base_year=value.base_year,
                month=value.month,
                value=value.value,
                retrieved_on=retrieved_on,
                recorded_at=now,
                recorded_by=actor.id,
            )
        )
    audit.record(
        session,
        "index_values.import",
        f"index-values:{row.id}",
        {"sha256": sha256, "source": source, "values": row.values, "new": row.new, "revised": row.revised},
        actor.id,
        now,
    )
    session.flush()
    return ImportedValues(row.id, "imported", row.values, row.new, row.revised, file.missing, tuple(file.ignored))


def values_of(session: Session, table: str, series: str, known_at: datetime | None = None) -> list[StandingValue]:
    """List a series' values in every base year, each as retrieved last, by base year and month."""
    query = recorded_by_then(
        select(IndexValue).where(IndexValue.table == table, IndexValue.series == series), IndexValue, known_at
    )
    return _newest(session.scalars(query.order_by(IndexValue.retrieved_on, IndexValue.id)))


def list_values(
    session: Session,
    *,
    table: str | None = None,
    series: str | None = None,
    base_year: int | None = None,
    after: tuple[str, str, int, date] | None = None,
    limit: int | None = None,
    known_at: datetime | None = None,
) -> list[StandingValue]:
    """List values as known, each as retrieved last, by table, series, base year and month, from the key ``after`` on."""
    query = recorded_by_then(select(IndexValue), IndexValue, known_at)
    for column, wanted in ((IndexValue.table, table), (IndexValue.series, series), (IndexValue.base_year, base_year)):
        if wanted is not None:
            query = query.where(column == wanted)
    rows = _newest(session.scalars(query.order_by(IndexValue.retrieved_on, IndexValue.id)))
    kept = [row for row in rows if after is None or (row.table, row.series, row.base_year, row.month) > after]
    return kept if limit is None else kept[:limit]


def known_series(session: Session, known_at: datetime | None = None) -> list[tuple[str, str, int, date, date, int]]:
    """List what there is as known: table, series, base year, first and last month, how many months."""
    query = (
        select(
            IndexValue.table,
            IndexValue.series,
            IndexValue.base_year,
            func.min(IndexValue.month),
            func.max(IndexValue.month),
            func.count(func.distinct(IndexValue.month)),
        )
        .group_by(IndexValue.table, IndexValue.series, IndexValue.base_year)
        .order_by(IndexValue.table, IndexValue.series, IndexValue.base_year)
    )
    rows = session.execute(recorded_by_then(query, IndexValue, known_at))
    return [(table, series, year, first, last, count) for table, series, year, first, last, count in rows]


def _newest(rows: Iterable[IndexValue]) -> list[StandingValue]:
    """Keep of rows in the order of their retrieval the last one of each month."""
    newest: dict[tuple[str, str, int, date], StandingValue] = {}
    for row in rows:
        key = (row.table, row.series, row.base_year, row.month)
        revisions = newest[key].revisions + 1 if key in newest else 0
        newest[key] = StandingValue(row.id, *key, row.value, row.retrieved_on, revisions)
    return [newest[key] for key in sorted(newest)]


def _vintages(
    session: Session, values: Iterable[PublishedValue]
) -> dict[tuple[str, str, int, date], dict[date, Decimal]]:
    known: dict[tuple[str, str, int, date], dict[date, Decimal]] = {}
    for table, series in sorted({(value.table, value.series) for value in values}):
        for row in session.scalars(select(IndexValue).where(IndexValue.table == table, IndexValue.series == series)):
            known.setdefault((row.table, row.series, row.base_year, row.month), {})[row.retrieved_on] = row.value
    return known


def _keep(session: Session, sha256: str, filename: str, content: bytes, actor: Actor, now: datetime) -> None:
    """Keep the file's bytes, so that anybody can read them again."""
    if session.scalar(select(Document.id).where(Document.sha256 == sha256)) is None:
        session.add(
            Document(
                sha256=sha256,
                filename=filename[:200],
                media_type=JSON if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else CSV,
                size=len(content),
                content=content,
                recorded_at=now,
                recorded_by=actor.id,
            )
        )


def _key(value: PublishedValue) -> tuple[str, str, int, date]:
    return value.table, value.series, value.base_year, value.month


def _name(value: PublishedValue) -> str:
    return f"{value.table} {value.series} {value.month:%Y-%m} ({value.base_year}=100)"
