"""The dossier of a case: its items, each with a document of which one version was accepted.

An item's newest entry counts. A document is filed under its own hash and never changes; a newer version of the trust's own
document makes the item one that is merely offered again, so a document swapped after an approval is seen. Another trust's
document may be the basis, with this trust's own acceptance; what becomes of it there later does not matter here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from contracts import agreements, audit, documents
from contracts.cases import Case
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models import Algorithm, Document, DocumentVersion, DossierEntry, TitledDocument, WorkflowCase
from contracts.models.base import recorded_by_then
from contracts.people.access import Actor
from contracts.terms import workflow
from contracts.terms.workflow import Item

LONGEST_TEXT: Final = 2000
# In these states nothing is added to a dossier any more.
CLOSED: Final = frozenset({"declined", "withdrawn", "lapsed", "ended", "rejected", "exercised"})

Status = Literal["missing", "offered", "accepted", "refused"]


@dataclass(frozen=True, slots=True)
class DossierItem:
    """One item as it stands: its document's version, what it says beside it, and by which step it is due."""

    code: str
    due_by: str
    status: Status
    document_id: int | None
    version: int | None
    filename: str | None
    sha256: str | None
    facts: dict[str, Any]
    lacking: tuple[str, ...]
    comment: str
    entry_id: int | None
    basis_id: int | None
    by: str | None
    at: datetime | None

    def to_term(self) -> Item:
        """Give the item as the guards read it."""
        return Item(self.code, self.status, self.sha256, self.lacking)


def items(session: Session, case: Case, known_at: datetime | None = None) -> list[DossierItem]:
    """List a case's items in the order in which they are due, also those that are missing."""
    entries: dict[str, DossierEntry] = {}
    if case.row_id is not None:
        query = select(DossierEntry).where(DossierEntry.case_id == case.row_id).order_by(DossierEntry.id)
        for entry in session.scalars(recorded_by_then(query, DossierEntry, known_at)):
            entries[entry.item] = entry
    versions = _Versions(session, entries.values(), known_at)
    due = workflow.DOSSIER_ITEMS[case.kind]
    return [_item(versions, code, due[code], entries.get(code)) for code in due]


def offer(
    session: Session,
    *,
    case: Case,
    item: str,
    filename: str,
    content: bytes,
    facts: dict[str, Any],
    comment: str = "",
    actor: Actor,
    now: datetime,
) -> DossierItem:
    """File a document (or its next version) under an item; it counts once it is accepted.

    Raises `InvalidInput` for an unknown item, a fact that the item does not have, or a file that is not taken, `Conflict`
    where the case is over.
    """
    case_row = _open_row(session, case, item, actor, now)
    _check_facts(item, facts)
    title = session.scalar(
        select(TitledDocument)
        .where(TitledDocument.subject == str(case.id), TitledDocument.kind == f"dossier.{item}")
        .order_by(TitledDocument.id.desc())
        .limit(1)
    )
    common: dict[str, Any] = {"filename": filename, "content": content, "actor": actor, "now": now}
    if title is not None and title.trust_id == case.trust_id:
        filed = documents.add_version(session, document_id=title.id, note=comment or None, **common)
    else:
        filed = documents.add_document(
            session, kind=f"dossier.{item}", title=item, subject=str(case.id), trust=case.trust, **common
        )
    version_id = session.scalars(
        select(DocumentVersion.id).where(
            DocumentVersion.titled_document_id == filed.id, DocumentVersion.number == filed.newest.number
        )
    ).one()
    return _enter(session, case, case_row, item, "offered", version_id, None, facts, comment, actor, now)


def reuse(
    session: Session,
    *,
    case: Case,
    item: str,
    basis_id: int,
    facts: dict[str, Any],
    comment: str = "",
    actor: Actor,
    now: datetime,
) -> DossierItem:
    """Offer the document of another case's accepted item as the basis of this one's; it needs its own acceptance.

    Raises `NotFound` where there is no such accepted item. Only documents are shared, never another trust's facts.
    """
    case_row = _open_row(session, case, item, actor, now)
    _check_facts(item, facts)
    basis = session.get(DossierEntry, basis_id)
    if basis is None or basis.item != item or basis.status != "accepted" or basis.version_id is None:
        raise NotFound("there is no accepted document of this item that could be reused")
    of = session.get(WorkflowCase, basis.case_id)
    if of is None or of.agreement_id != case.agreement_id:
        raise NotFound("there is no accepted document of this item that could be reused")
    return _enter(session, case, case_row, item, "offered", basis.version_id, basis.id, facts, comment, actor, now)


def judge(
    session: Session,
    *,
    case: Case,
    item: str,
    seen: int,
    status: Literal["accepted", "refused"],
    comment: str = "",
    actor: Actor,
    now: datetime,
) -> DossierItem:
    """Accept or refuse the version of an item whose entry is ``seen``; a refusal says why.

    Whoever filed it does not accept it. Raises `Conflict` (``stale_item``) where the item says something newer.
    """
    case_row = _open_row(session, case, item, actor, now)
    standing = next(one for one in items(session, case) if one.code == item)
    if standing.entry_id is None or standing.sha256 is None:
        raise Conflict("nothing_offered", f"'{item}' has no document")
    if standing.entry_id != seen:
        raise Conflict(
            "stale_item", f"'{item}' was changed in the meantime: read it again and decide on what it is now"
        )
    if status == "refused" and not comment.strip():
        invalid([Finding("#/comment", "missing", "say why the document is refused")])
    entry = session.get(DossierEntry, standing.entry_id)
    assert entry is not None
    if status == "accepted" and actor.id in filers(session, case, standing):
        raise Denied("who filed a document does not accept it: somebody else does")
    version_id = entry.version_id if standing.basis_id is not None else _newest_version(session, entry.version_id)
    return _enter(
        session, case, case_row, item, status, version_id, standing.basis_id, entry.facts, comment, actor, now
    )


@dataclass(frozen=True, slots=True)
class Reusable:
    """A document that another trust's case has accepted; of a trust nothing is told. ``algorithm`` is `None` of an option's."""

    entry_id: int
    sha256: str
    algorithm: str | None
    accepted_at: datetime


def reusable(session: Session, case: Case, item: str) -> list[Reusable]:
    """List what other cases of the agreement have accepted for an item, newest first."""
    newest = (
        select(func.max(DossierEntry.id))
        .join(WorkflowCase, WorkflowCase.id == DossierEntry.case_id)
        .where(
            DossierEntry.item == item,
            WorkflowCase.agreement_id == case.agreement_id,
            WorkflowCase.trust_id != case.trust_id,
        )
        .group_by(DossierEntry.case_id)
    )
    found = session.execute(
        select(DossierEntry.id, Document.sha256, Algorithm.code, DossierEntry.recorded_at)
        .join(DocumentVersion, DocumentVersion.id == DossierEntry.version_id)
        .join(Document, Document.id == DocumentVersion.document_id)
        .join(WorkflowCase, WorkflowCase.id == DossierEntry.case_id)
        .outerjoin(Algorithm, Algorithm.id == WorkflowCase.algorithm_id)
        .where(DossierEntry.id.in_(newest), DossierEntry.status == "accepted")
        .order_by(DossierEntry.id.desc())
    )
    return [Reusable(*row) for row in found]


def cost_centre(session: Session, case: Case, known_at: datetime | None = None) -> str | None:
    """Give the cost centre that a case's funding decision names, None where it names none."""
    decision = next((one for one in items(session, case, known_at) if one.code == "decision_and_funding"), None)
    named = None if decision is None else decision.facts.get("cost_centre")
    return named.strip() or None if isinstance(named, str) else None


def case_row_of(session: Session, case: Case, actor: Actor, now: datetime) -> int:
    """Give a case's row, made now for an option to which nothing has happened yet. The caller holds the lock."""
    if case.row_id is not None:
        return case.row_id
    known_row = session.scalar(select(WorkflowCase.id).where(WorkflowCase.option_id == case.option_id))
    if known_row is not None:
        return known_row
    row = WorkflowCase(
        kind="option",
        agreement_id=case.agreement_id,
        trust_id=case.trust_id,
        option_id=case.option_id,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    return row.id


def _open_row(session: Session, case: Case, item: str, actor: Actor, now: datetime) -> int:
    actor.require("activation.draft", case.trust)
    if item not in workflow.DOSSIER_ITEMS[case.kind]:
        known_items = ", ".join(workflow.DOSSIER_ITEMS[case.kind])
        invalid([Finding("#/item", "unknown_item", f"'{item}' is none of {known_items}")])
    if case.state in CLOSED:
        raise Conflict("wrong_state", f"the {case.kind} is {case.state}: its dossier is closed")
    if actor.id in {person for one in case.approvals for person in (one.by, one.principal)}:
        raise Denied("who approved this case does not change its dossier")
    agreements.lock_agreement(session, case.agreement_id)
    return case_row_of(session, case, actor, now)


def _check_facts(item: str, facts: dict[str, Any]) -> None:
    allowed = workflow.ITEM_FACTS.get(item, ())
    invalid(
        [
            Finding(f"#/facts/{name}", "unknown_field", f"'{item}' does not say that")
            for name in facts
            if name not in allowed
        ]
    )


def _enter(
    session: Session,
    case: Case,
    case_row: int,
    item: str,
    status: Status,
    version_id: int | None,
    basis_id: int | None,
    facts: dict[str, Any],
    comment: str,
    actor: Actor,
    now: datetime,
) -> DossierItem:
    entry = DossierEntry(
        case_id=case_row,
        item=item,
        status=status,
        version_id=version_id,
        basis_id=basis_id,
        facts=facts,
        comment=comment.strip()[:LONGEST_TEXT],
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(entry)
    session.flush()
    made = _item(_Versions(session, [entry], None), item, workflow.DOSSIER_ITEMS[case.kind][item], entry)
    audit.record(
        session,
        f"dossier.{status}",
        str(case.id),
        {"item": item, "sha256": made.sha256, "reused": basis_id, "comment": entry.comment},
        actor.id,
        now,
    )
    return made


class _Versions:
    """The versions that entries name, and the newest one of each document, read at once."""

    def __init__(self, session: Session, entries: Iterable[DossierEntry], known_at: datetime | None) -> None:
        self.rows: dict[int, tuple[DocumentVersion, str]] = {}
        self.newest: dict[int, int] = {}
        wanted = [entry.version_id for entry in entries if entry.version_id is not None]
        if not wanted:
            return
        titled = select(DocumentVersion.titled_document_id).where(DocumentVersion.id.in_(wanted))
        query = (
            select(DocumentVersion, Document.sha256)
            .join(Document, Document.id == DocumentVersion.document_id)
            .where(DocumentVersion.titled_document_id.in_(titled))
            .order_by(DocumentVersion.number)
        )
        for version, sha256 in session.execute(recorded_by_then(query, DocumentVersion, known_at)):
            self.rows[version.id] = (version, sha256)
            self.newest[version.titled_document_id] = version.id

    def of(self, entry: DossierEntry) -> tuple[DocumentVersion, str] | None:
        """Give the version that counts: for the trust's own document the newest one, for a reused one the one named."""
        named = None if entry.version_id is None else self.rows.get(entry.version_id)
        if named is None or entry.basis_id is not None:
            return named
        return self.rows[self.newest[named[0].titled_document_id]]


def _item(versions: _Versions, code: str, due_by: str, entry: DossierEntry | None) -> DossierItem:
    if entry is None:
        return DossierItem(
            code, due_by, "missing", None, None, None, None, {}, _lacking(code, {}), "", None, None, None, None
        )
    found = versions.of(entry)
    version, sha256 = (None, None) if found is None else found
    status = entry.status if version is None or version.id == entry.version_id else "offered"
    return DossierItem(
        code=code,
        due_by=due_by,
        status=status,  # type: ignore[arg-type]  # only the four words are written
        document_id=None if version is None else version.titled_document_id,
        version=None if version is None else version.number,
        filename=None if version is None else version.filename,
        sha256=sha256,
        facts=entry.facts,
        lacking=_lacking(code, entry.facts),
        comment=entry.comment,
        entry_id=entry.id,
        basis_id=entry.basis_id,
        by=entry.recorded_by,
        at=entry.recorded_at,
    )


def _lacking(code: str, facts: dict[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in workflow.ITEM_FACTS.get(code, ()) if facts.get(name) in (None, "", []))


def filers(session: Session, case: Case, standing: DossierItem) -> set[str]:
    """Give who offered what an item says, and who filed the version of its own document that counts: they do not accept it."""
    offered = (
        select(DossierEntry.recorded_by)
        .where(
            DossierEntry.case_id == case.row_id,
            DossierEntry.item == standing.code,
            DossierEntry.status == "offered",
        )
        .order_by(DossierEntry.id.desc())
        .limit(1)
    )
    filed = select(DocumentVersion.recorded_by).where(
        DocumentVersion.titled_document_id == standing.document_id, DocumentVersion.number == standing.version
    )
    return {*session.scalars(offered), *(session.scalars(filed) if standing.basis_id is None else ())}


def _newest_version(session: Session, version_id: int | None, known_at: datetime | None = None) -> int | None:
    """Give the newest version of the document that a version belongs to."""
    titled = select(DocumentVersion.titled_document_id).where(DocumentVersion.id == version_id).scalar_subquery()
    query = (
        select(DocumentVersion.id)
        .where(DocumentVersion.titled_document_id == titled)
        .order_by(DocumentVersion.number.desc())
        .limit(1)
    )
    return session.scalar(recorded_by_then(query, DocumentVersion, known_at))
