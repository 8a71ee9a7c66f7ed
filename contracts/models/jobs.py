"""Long work and scheduled work. These rows tell how far something is, so they change in place; they are no facts.

What a job *did* is in the tables of its own subject and in the audit log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, RowId


class Job(Base):
    """One piece of long work: what, for whom, how far.

    ``trust`` is the one trust it is about (null: all), ``act`` the rule its submitter needed. ``attempts`` counts how
    often a worker took it and is at the same time the number of the present run: whoever holds an older number has
    lost the job and writes nothing more. ``phases`` is a list of `contracts.terms.job.Phase` as JSON.
    """

    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str]
    act: Mapped[str]
    trust: Mapped[str | None]
    params: Mapped[dict[str, Any]]
    state: Mapped[str]
    phases: Mapped[list[Any]] = mapped_column(JSON)
    findings: Mapped[list[Any]] = mapped_column(JSON)
    findings_count: Mapped[int]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    attempts: Mapped[int]
    cancel_requested: Mapped[bool]
    worker: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="state_is_known"),
        CheckConstraint(
            "(finished_at IS NOT NULL) = (state IN ('done', 'failed', 'cancelled'))", name="over_has_an_end"
        ),
        CheckConstraint(
            "state <> 'running' OR (worker IS NOT NULL AND heartbeat_at IS NOT NULL)", name="running_has_worker"
        ),
        Index("ix_jobs_state_id", "state", "id"),
        Index("ix_jobs_created_by_id", "created_by", "id"),
    )


class JobRun(Base):
    """One slot of a scheduled task. The unique key lets a slot begin once, whoever believes to lead."""

    __tablename__ = "job_runs"
    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    job: Mapped[str]
    slot: Mapped[datetime]
    worker: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    attempts: Mapped[int]
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("job", "slot", name="uq_job_runs_job_slot"),)
