"""Uploads: usage files on their way in, from the first look at them to the import or the end of it.

A file waits in pieces beside the jobs, because any process may check it, and goes as soon as it is done with: taken in,
given up, found to hold a national identity number, or a day old. What was chosen for its reading and what its check found
stay a week longer, so that a corrected file can be read the same way. Only who sent a file knows of it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from billing.models import UsageImport, UsageReversal, UsageUpload, UsageUploadPart
from billing.usage.errors import RowError
from billing.usage.readings import Kind, Reading
from billing.usage.sources import from_document, save_source, to_document
from contracts.errors import Conflict, Finding, NotFound, invalid
from contracts.people.access import Actor
from contracts.terms.job import JobView
from contracts.work import jobs

LARGEST: Final = 200 * 1024 * 1024
KEPT: Final = timedelta(hours=24)
REMEMBERED: Final = timedelta(days=7)
CHECK, IMPORT = "usage.check", "usage.import"
_PART = 1 << 20
_LAST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Sum:
    """Examinations that a file brings to one trust and algorithm in one month (``2026-09``)."""

    trust: str
    algorithm: str
    month: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found, or an import did: counts as in `metering.UsageImportResult`, and what they come to.

    ``reasons`` counts the events that are not billable by why. ``effect`` is kroner excluding VAT by quarter, as written
    decimals; ``closed`` names the closed quarters that are touched. ``import_id`` is the import of these very bytes.
    """

    status: str
    kind: Kind | None = None
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    not_billable: int = 0
    quantity: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    errors: tuple[RowError, ...] = ()
    findings: tuple[RowError, ...] = ()
    sums: tuple[Sum, ...] = ()
    effect: tuple[tuple[str, str], ...] = ()
    closed: tuple[str, ...] = ()
    import_id: int | None = None

    @property
    def holds_national_numbers(self) -> bool:
        """Tell whether the file was refused because it holds identity numbers."""
        return any(error.code == "national_number" for error in self.errors)

    def unknown(self, column: str) -> list[str]:
        """List the codes of ``trust`` or ``algorithm`` that nobody knows, each as often as once, as the file has them."""
        code = f"unknown_{column}"
        found = dict.fromkeys(str(error.params["value"]) for error in self.errors if error.group == code)
        return [value for value in found if value and "•" not in value and "…" not in value and "�" not in value]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that waits, or waited. ``attempt`` is nought until a reading is chosen; then it counts the checks."""

    id: int
    agreement_id: int
    filename: str
    sha256: str
    size: int
    present: bool
    source: str | None
    reading: Reading | None
    attempt: int
    job_id: int | None
    import_id: int | None
    outcome: Outcome | None
    created_at: datetime
    created_by: str


def begin(
    session: Session, *, agreement_id: int, filename: str, stream: IO[bytes], actor: Actor, now: datetime
) -> Upload:
    """Take a file's bytes in, piece by piece, to be read and checked later.

    Raises `InvalidInput` for an empty file and one of more than `LARGEST` bytes; the caller rolls back.
    """
    actor.require("usage.import")
    row = UsageUpload(
        agreement_id=agreement_id,
        filename=filename[:200],
        sha256="",
        size=0,
        present=True,
        attempt=0,
        created_at=now,
        created_by=actor.id,
    )
    session.add(row)
    session.flush()
    digest, size, number = hashlib.sha256(), 0, 0
    while content := stream.read(_PART):
        digest.update(content)
        size += len(content)
        if size > LARGEST:
            break
        session.execute(
            UsageUploadPart.__table__.insert(),  # type: ignore[attr-defined]
            {"upload_id": row.id, "number": number, "content": content},
        )
        number += 1
    if not 0 < size <= LARGEST:
        code, detail = (
            ("too_large", f"at most {LARGEST // 1024 // 1024} MB") if size else ("empty", "the file is empty")
        )
        invalid([Finding("#/file", code, detail)])
    row.sha256, row.size = digest.hexdigest(), size
    session.flush()
    return _upload(row)


def find(session: Session, *, upload_id: int, actor: Actor) -> Upload:
    """Find an upload of the actor's own; anybody else's is as unknown as one that does not exist."""
    return _upload(_row(session, upload_id, actor, lock=False))


def sender_of(session: Session, upload_id: int) -> str | None:
    """Give the id of who sent a file, for the worker that acts on their behalf."""
    return session.scalar(select(UsageUpload.created_by).where(UsageUpload.id == upload_id))


def list_waiting(session: Session, *, agreement_id: int, actor: Actor) -> list[Upload]:
    """List the actor's own files that wait for something, newest first."""
    actor.require("usage.import")
    rows = session.scalars(
        select(UsageUpload)
        .where(
            UsageUpload.created_by == actor.id, UsageUpload.agreement_id == agreement_id, UsageUpload.present.is_(True)
        )
        .order_by(UsageUpload.id.desc())
        .limit(20)
    )
    return [_upload(row) for row in rows]


def standing_import(session: Session, *, agreement_id: int, sha256: str) -> int | None:
    """Give the import of these very bytes that stands, if there is one."""
    return session.scalar(
        select(UsageImport.id).where(
            UsageImport.agreement_id == agreement_id,
            UsageImport.sha256 == sha256,
            UsageImport.id.not_in(select(UsageReversal.import_id)),
        )
    )


@contextmanager
def file_of(session: Session, upload: Upload) -> Iterator[Path]:
    """Give a waiting file's bytes as a private file that is gone afterwards; `Conflict` where they are gone already."""
    with tempfile.TemporaryDirectory(prefix="trinnvis-") as folder:
        path = Path(folder, "upload")
        with path.open("wb") as file:
            number = 0
            while (
                part := session.scalar(
                    select(UsageUploadPart.content).where(
                        UsageUploadPart.upload_id == upload.id, UsageUploadPart.number == number
                    )
                )
            ) is not None:
                file.write(part)
                number += 1
        if not number:
            raise Conflict("upload_gone", "the file is no longer here; send it again")
        yield path


def choose(
    session: Session,
    *,
    upload_id: int,
    reading: Reading | None,
    source: str | None,
    actor: Actor,
    now: datetime,
) -> Upload:
    """Choose how a file is read (``None``: it has a plain header); under the name ``source`` for the next files too.

    What was checked before no longer counts. Raises `InvalidInput` for a reading that lacks something, `Conflict` while
    the file is being taken in or is gone.
    """
    row = _row(session, upload_id, actor)
    _require_present(row)
    _require_idle(session, row, actor)
    if source and reading is not None:
        save_source(session, agreement_id=row.agreement_id, name=source, reading=reading, actor=actor, now=now)
    row.source = source or None
    row.reading = None if reading is None else to_document(reading)
    row.attempt += 1
    row.outcome = None
    session.flush()
    return _upload(row)


def choose_known(
    session: Session, *, upload_id: int, reading: Reading | None, source: str | None, actor: Actor
) -> Upload:
    """Choose a reading that is saved already under ``source``, or that a program sent along."""
    row = _row(session, upload_id, actor)
    row.source, row.attempt = source, row.attempt + 1
    row.reading = None if reading is None else to_document(reading)
    session.flush()
    return _upload(row)


def map_values(
    session: Session, *, upload_id: int, values: Mapping[tuple[str, str], str], actor: Actor, now: datetime
) -> Upload:
    """Say which codes of ours the file's own codes stand for: (``trust`` or ``algorithm``, the file's) → ours.

    The reading keeps it, and so does its source. A file that is gone is read so when it comes again.
    """
    row = _row(session, upload_id, actor)
    _require_idle(session, row, actor)
    outcome = None if row.outcome is None else outcome_of(row.outcome)
    if row.reading is None:
        kind = None if outcome is None else outcome.kind
        if kind is None:
            raise Conflict("not_read", "choose first how the file is read")
        reading = Reading.plain(kind)
    else:
        reading = from_document(row.reading)
    kept = {(column, theirs): ours for column, theirs, ours in reading.values} | dict(values)
    document = to_document(reading)
    document["values"] = [[column, theirs, ours] for (column, theirs), ours in kept.items()]
    reading = from_document(document)
    if row.source:
        save_source(session, agreement_id=row.agreement_id, name=row.source, reading=reading, actor=actor, now=now)
    row.reading = document
    if row.present:
        row.attempt += 1
        row.outcome = None
    session.flush()
    return _upload(row)


def check(session: Session, *, upload_id: int, actor: Actor, now: datetime) -> JobView:
    """Hand in the check of a file as it is now to be read."""
    row = _row(session, upload_id, actor)
    _require_present(row)
    if row.attempt == 0:
        raise Conflict("not_read", "choose first how the file is read")
    return _submit(session, row, CHECK, actor, now)


def confirm(session: Session, *, upload_id: int, attempt: int, actor: Actor, now: datetime) -> JobView:
    """Hand in the import of a file that its check (``attempt``) found in order; asked twice, it is handed in once.

    Raises `Conflict` where another check came in between, or none found it in order.
    """
    row = _row(session, upload_id, actor)
    running = _job(session, row, actor)
    if running is not None and running.kind == IMPORT and (not running.over or row.import_id is not None):
        return running
    _require_present(row)
    if row.attempt != attempt or row.outcome is None or outcome_of(row.outcome).status != "checked":
        raise Conflict("not_checked", "the file must be checked first")
    return _submit(session, row, IMPORT, actor, now)


def import_unseen(session: Session, *, upload_id: int, actor: Actor, now: datetime) -> JobView:
    """Hand in the import of a file without a check to look at first, for programs: it refuses what a check refuses."""
    row = _row(session, upload_id, actor)
    _require_present(row)
    return _submit(session, row, IMPORT, actor, now)


def give_up(session: Session, *, upload_id: int, actor: Actor) -> None:
    """Throw a file away before it is taken in."""
    row = _row(session, upload_id, actor)
    _require_idle(session, row, actor)
    _drop_bytes(session, row)


def keep_outcome(session: Session, *, upload_id: int, attempt: int, outcome: Outcome, done: bool) -> None:
    """Keep what the check ``attempt`` found, or the import did; the bytes go where they are not needed (``done``).

    They go too where they hold identity numbers. A newer reading makes an older check's outcome void.
    """
    row = session.get(UsageUpload, upload_id)
    if row is None or row.attempt != attempt:
        return
    row.outcome = outcome_document(outcome)
    row.import_id = outcome.import_id
    if done or outcome.holds_national_numbers:
        _drop_bytes(session, row)
    session.flush()


def forget(session: Session, *, now: datetime) -> int:
    """Throw away the bytes of files that wait since a day, and what is known of those a week old; give how many of them."""
    old = list(session.scalars(select(UsageUpload).where(UsageUpload.created_at < now - KEPT)))
    for row in old:
        if row.present:
            _drop_bytes(session, row)
        if row.created_at < now - REMEMBERED:
            session.delete(row)
    session.flush()
    return len(old)


def job_of(session: Session, upload: Upload, actor: Actor) -> JobView | None:
    """Give the job that checks or takes in the file, or did so last."""
    return None if upload.job_id is None else jobs.find(session, job_id=upload.job_id, actor=actor)


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Write an outcome as plain JSON values."""
    return {
        "status": outcome.status,
        "kind": outcome.kind,
        "rows": outcome.rows,
        "accepted": outcome.accepted,
        "duplicates": outcome.duplicates,
        "not_billable": outcome.not_billable,
        "quantity": outcome.quantity,
        "reasons": [list(each) for each in outcome.reasons],
        "errors": [_error_document(error) for error in outcome.errors],
        "findings": [_error_document(error) for error in outcome.findings],
        "sums": [[each.trust, each.algorithm, each.month, each.quantity] for each in outcome.sums],
        "effect": [list(each) for each in outcome.effect],
        "closed": list(outcome.closed),
        "import_id": outcome.import_id,
    }


def outcome_of(document: Mapping[str, Any]) -> Outcome:
    """Read what `outcome_document` wrote."""
    return Outcome(
        status=document["status"],
        kind=document["kind"],
        rows=document["rows"],
        accepted=document["accepted"],
        duplicates=document["duplicates"],
        not_billable=document["not_billable"],
        quantity=document["quantity"],
        reasons=tuple((reason, count) for reason, count in document["reasons"]),
        errors=tuple(RowError(*each) for each in document["errors"]),
        findings=tuple(RowError(*each) for each in document["findings"]),
        sums=tuple(Sum(*each) for each in document["sums"]),
        effect=tuple((quarter, amount) for quarter, amount in document["effect"]),
        closed=tuple(document["closed"]),
        import_id=document["import_id"],
    )


def _error_document(error: RowError) -> list[Any]:
    return [error.row, error.column, error.code, dict(error.params), error.sentence_code]


def _submit(session: Session, row: UsageUpload, kind: str, actor: Actor, now: datetime) -> JobView:
    _require_idle(session, row, actor)
    job = jobs.submit(
        session,
        kind=kind,
        params={"upload": row.id, "attempt": row.attempt, "filename": row.filename},
        trust=actor.scope("usage.import"),
        actor=actor,
        now=now,
    )
    row.job_id = job.id
    session.flush()
    return job


def _row(session: Session, upload_id: int, actor: Actor, *, lock: bool = True) -> UsageUpload:
    actor.require("usage.import")
    row = None
    if upload_id <= _LAST_ID:
        row = session.get(UsageUpload, upload_id, populate_existing=True, with_for_update=lock)
    if row is None or row.created_by != actor.id:
        raise NotFound(f"there is no upload {upload_id}")
    return row


def _job(session: Session, row: UsageUpload, actor: Actor) -> JobView | None:
    return None if row.job_id is None else jobs.find(session, job_id=row.job_id, actor=actor)


def _require_present(row: UsageUpload) -> None:
    if not row.present:
        raise Conflict("upload_gone", "the file is no longer here; send it again")


def _require_idle(session: Session, row: UsageUpload, actor: Actor) -> None:
    job = _job(session, row, actor)
    if job is not None and not job.over:
        raise Conflict("job_running", f"job {job.id} is at work on this file")


def _drop_bytes(session: Session, row: UsageUpload) -> None:
    """Delete the pieces; SQLite overwrites them, so that no free page of its file keeps them."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA secure_delete = ON"))
    session.execute(delete(UsageUploadPart).where(UsageUploadPart.upload_id == row.id))
    row.present = False
    session.flush()


def _upload(row: UsageUpload) -> Upload:
    return Upload(
        row.id,
        row.agreement_id,
        row.filename,
        row.sha256,
        row.size,
        row.present,
        row.source,
        None if row.reading is None else from_document(row.reading),
        row.attempt,
        row.job_id,
        row.import_id,
        None if row.outcome is None else outcome_of(row.outcome),
        row.created_at,
        row.created_by,
    )
