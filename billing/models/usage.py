"""What was used: imports keyed by their file's hash, signed daily entries (the roll-up), and events as keyed hashes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, Fact, Revisable, RowId

# What became of an event, by the number that is kept: it counts, or the reason why it does not.
OUTCOMES = ("billable", "failed", "repeated", "validation", "repeat_of_examination")
BILLABLE, REPEAT_OF_EXAMINATION = 0, 4


class UsageKey(Fact, Base):
    """The random key of this database's keyed hashes; the first row counts for as long as the database lives."""

    __tablename__ = "usage_keys"
    secret: Mapped[bytes] = mapped_column(LargeBinary)


class UsageRule(Revisable, Base):
    """When an event is billable: repeats of one examination within ``repeat_days`` days count once (null: no rule)."""

    __tablename__ = "usage_rules"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    repeat_days: Mapped[int | None]
    clause: Mapped[str]


class UsageSource(Revisable, Base):
    """How the files of one source are read, as a person chose it."""

    __tablename__ = "usage_sources"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    name: Mapped[str]
    reading: Mapped[dict[str, Any]]


class UsageImport(Fact, Base):
    """One file taken in whole; the same bytes are never taken in twice while the first import stands.

    ``round`` counts the earlier imports of the same bytes, all of them reversed. ``quantity`` is the sum of the entries.
    """

    __tablename__ = "usage_imports"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    sha256: Mapped[str]
    round: Mapped[int] = mapped_column(SmallInteger, default=0)
    filename: Mapped[str]
    kind: Mapped[str]
    source_id: Mapped[int | None] = mapped_column(ForeignKey("usage_sources.id"))
    rows: Mapped[int]
    accepted: Mapped[int]
    duplicates: Mapped[int]
    not_billable: Mapped[int]
    quantity: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (UniqueConstraint("agreement_id", "sha256", "round"),)


class UsageReversal(Fact, Base):
    """An import taken back whole, by signed entries."""

    __tablename__ = "usage_reversals"
    import_id: Mapped[int] = mapped_column(ForeignKey("usage_imports.id"), unique=True)
    reason: Mapped[str]


class UsageEntry(Fact, Base):
    """Examinations of one algorithm at one trust on one date; a correction is a further, signed entry.

    ``source`` says what the row was made from: ``daily``, ``monthly`` (spread over working days), ``events`` (the
    billable ones of one import), ``correction``, ``opening`` (what was used before a take-over; recorded as a correction
    by earlier versions) or ``reversal`` (of the import it points at).
    """

    __tablename__ = "usage_entries"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    trust_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    algorithm_id: Mapped[int] = mapped_column(ForeignKey("algorithms.id"))
    on: Mapped[date] = mapped_column("on_date")
    quantity: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str]
    import_id: Mapped[int | None] = mapped_column(ForeignKey("usage_imports.id"), index=True)
    reason: Mapped[str | None]

    __table_args__ = (
        Index("ix_usage_entries_cell", "agreement_id", "on_date", "trust_id", "algorithm_id", "quantity"),
    )


class UsageEvent(Base):
    """One event as far as it is kept: keyed hashes, the cell it fell in, what became of it, its import.

    When and by whom it was recorded stands on the import. There are no foreign keys: rows come by the million from
    cells that were checked, and `metering.verify_usage` proves that they agree with the entries. ``round`` counts
    earlier copies of the same event, all from reversed imports.
    """

    __tablename__ = "usage_events"
    event_key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    round: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    import_id: Mapped[int] = mapped_column(RowId)
    trust_id: Mapped[int] = mapped_column(RowId)
    algorithm_id: Mapped[int] = mapped_column(RowId)
    on: Mapped[date] = mapped_column("on_date")
    outcome: Mapped[int] = mapped_column(SmallInteger)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    accession: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        Index(
            "ix_usage_events_accession",
            "accession",
            sqlite_where=accession.is_not(None),
            postgresql_where=accession.is_not(None),
        ),
        {"sqlite_with_rowid": False},
    )


class UsageUpload(Base):
    """A usage file on its way in: its reading as chosen so far, its check, and what became of it. Work in hand, no fact.

    ``present`` tells whether its bytes are still here: they go as soon as the file is taken in, refused for good or given
    up. ``reading`` is null while none is chosen and where the file has a plain header; ``attempt`` counts the checks that
    were asked for, and ``outcome`` is what the newest one found.
    """

    __tablename__ = "usage_uploads"
    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    filename: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    present: Mapped[bool]
    source: Mapped[str | None]
    reading: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    attempt: Mapped[int]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"))
    import_id: Mapped[int | None] = mapped_column(ForeignKey("usage_imports.id"))
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime]
    created_by: Mapped[str]

    __table_args__ = (Index("ix_usage_uploads_created_by_id", "created_by", "id"),)


class UsageUploadPart(Base):
    """A piece of a waiting file's bytes, deleted with the others when the file is done with."""

    __tablename__ = "usage_upload_parts"
    upload_id: Mapped[int] = mapped_column(ForeignKey("usage_uploads.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)
