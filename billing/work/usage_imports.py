"""Usage files checked and taken in by a worker: staged outside any transaction, then one short write.

A check does all that the import does and undoes it, so it finds what the import would find. Both are idempotent: an import
that was written before its worker died is found again by the upload's own record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.orm import Session

from billing.charges import import_effect
from billing.quarters import runs as closings
from billing.usage import metering
from billing.usage import receipts as usage_receipts
from billing.usage import reversals as usage_upkeep
from billing.usage import uploads as usage_uploads
from billing.usage.errors import shown
from billing.usage.metering import StagedUsage, UsageImportResult
from billing.usage.readings import Reading
from billing.usage.sources import find_source
from billing.usage.uploads import CHECK, IMPORT, Outcome, Sum, Upload
from contracts.errors import Conflict, Denied, NotFound
from contracts.extensions import db
from contracts.people import access
from contracts.people.access import Actor
from contracts.work import jobs
from contracts.work.jobs import Progress

_XLSX: Final = b"PK\x03\x04"


def register() -> None:
    """Make the two kinds of job known to this process."""
    jobs.register(CHECK, check, act="usage.import", phases=("read", "write", "rate"))
    jobs.register(IMPORT, take_in, act="usage.import", phases=("read", "write"))


def check(progress: Progress, params: dict[str, Any]) -> Mapping[str, Any]:
    """Check a waiting file and say what taking it in would do: what counts, what does not, and the effect in kroner."""
    upload, actor = _handed_in(params)
    with _staged(upload, actor, progress) as staged:
        result, cells, reasons = _tried(staged, actor, progress)
        outcome = _outcome(upload, result, staged, cells, reasons)
    progress.check_cancel()
    if result.status == "checked":
        progress.phase("rate")
        with db.read() as session:
            effect = import_effect.import_effect(session, agreement_id=upload.agreement_id, cells=cells, actor=actor)
            closed = _closed(session, upload.agreement_id, cells)
        outcome = replace(outcome, effect=tuple((quarter, str(amount)) for quarter, amount in effect), closed=closed)
    with progress.write() as session:
        usage_uploads.keep_outcome(session, upload_id=upload.id, attempt=params["attempt"], outcome=outcome, done=False)
    return _result(upload, outcome)


def take_in(progress: Progress, params: dict[str, Any]) -> Mapping[str, Any]:
    """Take a waiting file in whole, or nothing of it; its bytes are thrown away in the same transaction."""
    upload, actor = _handed_in(params)
    if upload.import_id is not None and upload.outcome is not None:
        return _result(upload, upload.outcome)
    for last in (False, True):
        with _staged(upload, actor, progress) as staged:
            try:
                with progress.write() as session:
                    result = metering.apply_usage(session, staged, actor=actor, now=_now(), progress=progress)
                    cells = {} if result.id is None else usage_upkeep.cells_of(session, result.id)
                    reasons = _reasons(session, result)
                    outcome = _outcome(upload, result, staged, cells, reasons)
                    if outcome.status == "imported" and upload.outcome is not None:
                        outcome = replace(outcome, effect=upload.outcome.effect, closed=upload.outcome.closed)
                    usage_uploads.keep_outcome(
                        session,
                        upload_id=upload.id,
                        attempt=params["attempt"],
                        outcome=outcome,
                        done=result.status != "refused",
                    )
                return _result(upload, outcome)
            except Conflict:
                if last:
                    raise
    raise AssertionError("the second try returns or raises")


def forget_uploads(now: datetime) -> int:
    """Throw away files that nobody took further within a day; give how many were looked at."""
    with db.write() as session:
        return usage_uploads.forget(session, now=now)


def _handed_in(params: dict[str, Any]) -> tuple[Upload, Actor]:
    """Find the file and who sent it, with what they may do now."""
    with db.read() as session:
        created_by = usage_uploads.sender_of(session, params["upload"])
        actor = None if created_by is None else access.find_actor(session, created_by)
        if actor is None:
            raise Denied("who sent the file is no longer known")
        return usage_uploads.find(session, upload_id=params["upload"], actor=actor), actor


@contextmanager
def _staged(upload: Upload, actor: Actor, progress: Progress) -> Iterator[StagedUsage]:
    with db.read() as session, usage_uploads.file_of(session, upload) as path:
        source, reading = _reading(session, upload)
        staged = metering.stage_usage(
            session,
            agreement_id=upload.agreement_id,
            filename=upload.filename,
            content=path,
            actor=actor,
            now=_now(),
            source=source,
            reading=reading,
            progress=_Counted(progress, _rows_in(path), _headings(upload.reading)),
        )
        session.rollback()  # the write that follows must not wait for this reading
        try:
            yield staged
        finally:
            staged.close()


def _reading(session: Session, upload: Upload) -> tuple[str | None, Reading | None]:
    """Read by the source's name while it reads as was chosen here, so that the import's record names it."""
    if upload.source is None:
        return None, upload.reading
    try:
        source = find_source(session, agreement_id=upload.agreement_id, name=upload.source)
    except NotFound:
        return None, upload.reading
    return (upload.source, None) if upload.reading in (None, source.reading) else (None, upload.reading)


def _tried(
    staged: StagedUsage, actor: Actor, progress: Progress
) -> tuple[UsageImportResult, dict[tuple[str, str, date], int], tuple[tuple[str, int], ...]]:
    """Write a file, look what that did, and undo it."""
    with db.write() as session, session.begin_nested() as savepoint:
        result = metering.apply_usage(session, staged, actor=actor, now=_now(), progress=progress)
        cells = usage_upkeep.cells_of(session, result.id) if result.id and result.status == "imported" else {}
        reasons = _reasons(session, result)
        savepoint.rollback()
    if result.status == "imported":
        result = replace(result, id=None, status="checked")
    return result, cells, reasons


def _reasons(session: Session, result: UsageImportResult) -> tuple[tuple[str, int], ...]:
    return usage_receipts.reasons_of(session, result.id) if result.id is not None and result.not_billable else ()


def _outcome(
    upload: Upload,
    result: UsageImportResult,
    staged: StagedUsage,
    cells: Mapping[tuple[str, str, date], int],
    reasons: tuple[tuple[str, int], ...],
) -> Outcome:
    headings = _headings(upload.reading)
    return Outcome(
        status=result.status,
        kind=None if staged.staged is None else staged.staged.kind,
        rows=result.rows,
        accepted=result.accepted,
        duplicates=result.duplicates,
        not_billable=result.not_billable,
        quantity=result.quantity,
        reasons=reasons,
        errors=tuple(replace(error, column=headings.get(error.column or "", error.column)) for error in result.errors),
        findings=result.findings,
        sums=tuple(Sum(*month, quantity) for month, quantity in usage_receipts.months_of(cells)),
        import_id=result.id,
    )


def _closed(session: Session, agreement_id: int, cells: Mapping[tuple[str, str, date], int]) -> tuple[str, ...]:
    days = {on for _, _, on in cells}
    runs = closings.standing(session, agreement_id).values()
    return tuple(sorted(run.quarter for run in runs if any(run.period.contains(on) for on in days)))


def _result(upload: Upload, outcome: Outcome) -> dict[str, Any]:
    """Write what a job's row keeps: the counts, and where the rest is."""
    return {
        "upload": upload.id,
        "import": outcome.import_id,
        "status": outcome.status,
        "rows": outcome.rows,
        "accepted": outcome.accepted,
        "duplicates": outcome.duplicates,
        "not_billable": outcome.not_billable,
        "quantity": outcome.quantity,
        "errors": len(outcome.errors),
    }


def _headings(reading: Reading | None) -> dict[str, str]:
    """Give what the file heads our columns with: whoever corrects it looks for those."""
    return {} if reading is None else {ours: shown(theirs) for ours, theirs in reading.columns}


def _rows_in(path: Path) -> int | None:
    """Count a text file's rows beneath its header, nearly; ``None`` for a workbook, whose rows are not lines."""
    with path.open("rb") as file:
        if file.read(4) in (_XLSX, b"PAR1"):
            return None
        file.seek(0)
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return max(lines - 1, 1)


class _Counted:
    """A job's progress that knows how many rows there are to read, and what the file heads its columns with."""

    def __init__(self, progress: Progress, rows: int | None, headings: dict[str, str]) -> None:
        self._progress = progress
        self._rows = rows
        self._headings = headings

    def phase(self, name: str, total: int | None = None) -> None:
        """Begin a phase; reading has as many steps as there are rows."""
        self._progress.phase(name, self._rows if name == "read" else total)

    def advance(self, steps: int = 1) -> None:
        """Tell that so many rows more are done."""
        self._progress.advance(steps)

    def finding(self, finding: Mapping[str, Any]) -> None:
        """Tell one of the first errors."""
        column = finding.get("column") or ""
        self._progress.finding({**finding, "column": self._headings.get(column, column) or None})

    def check_cancel(self) -> None:
        """Stop where somebody asked for that."""
        self._progress.check_cancel()


def _now() -> datetime:
    return datetime.now(UTC)
