"""The marketplace's evidence: certificates with their days, references, versions, and how the needs score.

What nobody has given is not there; a page says so. Nothing is overwritten: a later row supersedes, and every list can be
asked as it was known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import agreements, audit
from contracts.cases import list_cases
from contracts.deadlines import register
from contracts.errors import Conflict, Finding, NotFound, invalid
from contracts.models import (
    AgreementAlgorithm,
    Algorithm,
    AlgorithmDescription,
    AlgorithmVersion,
    Certificate,
    EvidenceReference,
    NeedScore,
)
from contracts.models.base import known, recorded_by_then
from contracts.models.evidence import LONG, LONGEST_TEXT
from contracts.people.access import Actor
from contracts.terms.deadline import Deadline
from contracts.terms.evidence import CRITERIA, REFERENCE_KINDS
from contracts.terms.workflow import CE_CLASSES, CertificateFacts

# How long after its certificate expired a product in operation has until it is renewed or paused.
DAYS_TO_RENEW: Final = 30
_EARLIEST_YEAR: Final = 1950


@dataclass(frozen=True, slots=True)
class Reference:
    """A published reference; ``None`` where something is not known."""

    id: int
    kind: str
    authors: str
    year: int
    title: str
    journal: str
    doi: str
    design: str
    participants: int | None
    independent: bool | None
    peer_reviewed: bool | None


@dataclass(frozen=True, slots=True)
class Description:
    """What a product is meant for, in its maker's words, on which organ, what it does and what it cannot do."""

    intended_use: str
    organ: str
    function: str
    limitations: str


@dataclass(frozen=True, slots=True)
class ProductVersion:
    """A version that the maker released."""

    version: str
    released_on: date
    note: str


@dataclass(frozen=True, slots=True)
class Score:
    """A need's score by one criterion, 1 to 5, with its reason."""

    criterion: str
    score: int
    reason: str


@dataclass(frozen=True, slots=True)
class Product:
    """A product on the marketplace with all that is known of it; ``trusts`` are those where it runs, by code."""

    code: str
    product: str
    vendor: str
    need_nb: str
    need_en: str
    modality: str
    ce_class: str
    ce_year: int | None
    description: Description | None
    certificates: tuple[CertificateFacts, ...]
    references: tuple[Reference, ...]
    versions: tuple[ProductVersion, ...]
    scores: tuple[Score, ...]
    trusts: tuple[str, ...]

    def references_of(self, kind: str) -> tuple[Reference, ...]:
        """Give the references for validation or for clinical testing, the newest first."""
        return tuple(one for one in self.references if one.kind == kind)

    @property
    def below_class(self) -> bool:
        """Tell whether the product's class is below the lowest one that the framework takes (IIa)."""
        return self.ce_class not in CE_CLASSES

    @property
    def total_score(self) -> int | None:
        """Add the scores up, ``None`` as long as a criterion is not scored."""
        by_criterion = {one.criterion: one.score for one in self.scores}
        return sum(by_criterion.values()) if set(by_criterion) == set(CRITERIA) else None


def list_products(session: Session, agreement_id: int, known_at: datetime | None = None) -> list[Product]:
    """List the products on an agreement's marketplace list as known, as it lists them."""
    listed = agreements.marketplace(session, agreement_id, known_at)
    codes = [one.code for one in listed]
    certified = _by_product(session, Certificate, codes, known_at)
    referred = _by_product(session, EvidenceReference, codes, known_at)
    described = _by_product(session, AlgorithmDescription, codes, known_at)
    scored = _by_product(session, NeedScore, codes, known_at)
    released = _versions(session, codes, known_at)
    running: dict[str, list[str]] = {}
    for row in agreements.activations(session, agreement_id, known_at):
        if row.end is None:
            running.setdefault(row.algorithm, []).append(row.trust)
    return [
        Product(
            code=one.code,
            product=one.product,
            vendor=one.vendor_name,
            need_nb=one.need_nb,
            need_en=one.need_en,
            modality=one.modality,
            ce_class=one.ce_class,
            ce_year=one.ce_year,
            description=next((_description(row) for row in described.get(one.code, ())), None),
            certificates=tuple(
                _facts(row) for row in sorted(certified.get(one.code, ()), key=lambda row: (row.expires_on, row.id))
            ),
            references=_sorted_references(referred.get(one.code, ())),
            versions=tuple(released.get(one.code, ())),
            scores=_sorted_scores(scored.get(one.code, ())),
            trusts=tuple(running.get(one.code, ())),
        )
        for one in listed
    ]


def find_product(session: Session, agreement_id: int, code: str, known_at: datetime | None = None) -> Product:
    """Find a product of an agreement's marketplace; `NotFound` where it is not on the list."""
    found = next((one for one in list_products(session, agreement_id, known_at) if one.code == code), None)
    if found is None:
        raise NotFound(f"there is no algorithm '{code}' on the agreement's marketplace list")
    return found


def references(session: Session, algorithm: str, known_at: datetime | None = None) -> tuple[Reference, ...]:
    """List a product's references as known, the newest first."""
    return _sorted_references(_by_product(session, EvidenceReference, [algorithm], known_at).get(algorithm, ()))


def describe(
    session: Session,
    *,
    algorithm: str,
    intended_use: str,
    organ: str,
    function: str,
    limitations: str = "",
    actor: Actor,
    now: datetime,
) -> Description:
    """Record what a product is meant for; a former description is superseded."""
    actor.require("catalogue.record")
    product = _locked(session, algorithm)
    invalid(
        [
            *_text_findings(LONGEST_TEXT, intended_use=intended_use),
            *_text_findings(200, organ=organ, function=function),
            *_length_findings(LONGEST_TEXT, limitations=limitations),
        ]
    )
    former = _standing(session, AlgorithmDescription, product.id)
    row = AlgorithmDescription(
        algorithm_id=product.id,
        intended_use=intended_use.strip(),
        organ=organ.strip(),
        function=function.strip(),
        limitations=limitations.strip(),
        **_stamp(former[-1].id if former else None, actor, now),
    )
    session.add(row)
    _log(session, "describe", algorithm, {"organ": row.organ, "function": row.function}, actor, now)
    return _description(row)


def record_version(
    session: Session, *, algorithm: str, version: str, released_on: date, note: str = "", actor: Actor, now: datetime
) -> ProductVersion:
    """Record that the maker released a version; `Conflict` for one that is recorded already."""
    actor.require("catalogue.record")
    product = _locked(session, algorithm)
    invalid([*_text_findings(200, version=version), *_length_findings(LONGEST_TEXT, note=note)])
    known_version = select(AlgorithmVersion.id).where(
        AlgorithmVersion.algorithm_id == product.id, AlgorithmVersion.version == version.strip()
    )
    if session.scalar(known_version) is not None:
        raise Conflict("known_version", f"version {version.strip()} is recorded already")
    row = AlgorithmVersion(
        algorithm_id=product.id,
        version=version.strip(),
        released_on=released_on,
        note=note.strip(),
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    _log(session, "version", algorithm, {"version": row.version, "released_on": released_on.isoformat()}, actor, now)
    return ProductVersion(row.version, row.released_on, row.note)


def record_reference(
    session: Session,
    *,
    algorithm: str,
    kind: str,
    authors: str,
    year: int,
    title: str,
    journal: str,
    doi: str = "",
    design: str = "",
    participants: int | None = None,
    independent: bool | None = None,
    peer_reviewed: bool | None = None,
    replaces: int | None = None,
    actor: Actor,
    now: datetime,
) -> Reference:
    """Record a published reference, or with ``replaces`` a corrected one. What is not known is left out, not guessed."""
    actor.require("catalogue.record")
    product = _locked(session, algorithm)
    findings = [
        *_text_findings(LONG, authors=authors, title=title),
        *_text_findings(200, journal=journal),
        *_length_findings(200, doi=doi, design=design),
    ]
    if kind not in REFERENCE_KINDS:
        findings.append(Finding("#/kind", "unknown_kind", f"'{kind}' is none of {', '.join(REFERENCE_KINDS)}"))
    if not _EARLIEST_YEAR <= year <= now.year + 1:
        findings.append(Finding("#/year", "out_of_range", f"years run from {_EARLIEST_YEAR} to {now.year + 1}"))
    if participants is not None and not 0 < participants <= 100_000_000:
        findings.append(Finding("#/participants", "out_of_range", "a number of participants is above zero"))
    invalid(findings)
    if replaces is not None and replaces not in {row.id for row in _standing(session, EvidenceReference, product.id)}:
        raise NotFound("there is no such reference of this product")
    row = EvidenceReference(
        algorithm_id=product.id,
        kind=kind,
        authors=authors.strip(),
        year=year,
        title=title.strip(),
        journal=journal.strip(),
        doi=doi.strip(),
        design=design.strip(),
        participants=participants,
        independent=independent,
        peer_reviewed=peer_reviewed,
        **_stamp(replaces, actor, now),
    )
    session.add(row)
    session.flush()
    _log(session, "reference", algorithm, {"reference": row.id, "kind": kind, "year": year}, actor, now)
    return _reference(row)


def score_need(
    session: Session, *, algorithm: str, criterion: str, score: int, reason: str, actor: Actor, now: datetime
) -> Score:
    """Score the need that a product serves by one criterion, 1 (low) to 5 (high), with the reason; a former is superseded."""
    actor.require("catalogue.record")
    product = _locked(session, algorithm)
    findings = list(_text_findings(LONGEST_TEXT, reason=reason))
    if criterion not in CRITERIA:
        findings.append(Finding("#/criterion", "unknown_criterion", f"'{criterion}' is none of {', '.join(CRITERIA)}"))
    if not 1 <= score <= 5:
        findings.append(Finding("#/score", "out_of_range", "a score is 1 to 5"))
    invalid(findings)
    former = [row for row in _standing(session, NeedScore, product.id) if row.criterion == criterion]
    row = NeedScore(
        algorithm_id=product.id,
        criterion=criterion,
        score=score,
        reason=reason.strip(),
        **_stamp(former[-1].id if former else None, actor, now),
    )
    session.add(row)
    session.flush()
    _log(session, "score", algorithm, {"criterion": criterion, "score": score}, actor, now)
    return Score(row.criterion, row.score, row.reason)


def record_certificate(
    session: Session,
    *,
    algorithm: str,
    number: str,
    notified_body: str,
    ce_class: str,
    valid_from: date,
    expires_on: date,
    research_only: bool = False,
    actor: Actor,
    now: datetime,
) -> CertificateFacts:
    """Record a product's certificate; one of the same number supersedes the former. ``expires_on`` is its last day."""
    actor.require("catalogue.record")
    findings = [
        Finding(f"#/{name}", "missing", "this is needed, with at most 200 characters")
        for name, text in (("number", number), ("notified_body", notified_body), ("ce_class", ce_class))
        if not text.strip() or len(text) > 200
    ]
    if valid_from > expires_on:
        findings.append(Finding("#/expires_on", "empty_period", "a certificate expires after it becomes valid"))
    invalid(findings)
    product = _locked(session, algorithm)
    former = session.scalar(
        select(Certificate).where(
            Certificate.algorithm_id == product.id, Certificate.number == number.strip(), known(Certificate, None)
        )
    )
    row = Certificate(
        algorithm_id=product.id,
        number=number.strip(),
        notified_body=notified_body.strip(),
        ce_class=ce_class.strip(),
        valid_from=valid_from,
        expires_on=expires_on,
        research_only=research_only,
        void=False,
        supersedes_id=None if former is None else former.id,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        "catalogue.certificate",
        f"algorithm:{algorithm}",
        {"number": row.number, "ce_class": row.ce_class, "expires_on": expires_on.isoformat()},
        actor.id,
        now,
    )
    return _facts(row)


def certificates(session: Session, algorithm: str, known_at: datetime | None = None) -> tuple[CertificateFacts, ...]:
    """List a product's certificates as known, the one that expires first before the others."""
    rows = session.scalars(
        select(Certificate)
        .join(Algorithm, Algorithm.id == Certificate.algorithm_id)
        .where(Algorithm.code == algorithm, known(Certificate, known_at))
        .order_by(Certificate.expires_on, Certificate.id)
    )
    return tuple(_facts(row) for row in rows)


def certificate_ends(
    session: Session, agreement_id: int, today: date, known_at: datetime | None = None
) -> list[Deadline]:
    """Give the last day of the newest certificate of each product that runs somewhere under an agreement."""
    running = {row.algorithm for row in agreements.activations(session, agreement_id, known_at) if row.end is None}
    found = session.execute(
        select(Algorithm.code, Algorithm.product)
        .join(AgreementAlgorithm, AgreementAlgorithm.algorithm_id == Algorithm.id)
        .where(AgreementAlgorithm.agreement_id == agreement_id)
        .order_by(Algorithm.code)
    )
    ends = []
    for code, product in found:
        held = certificates(session, code, known_at)
        if code in running and held:
            last = held[-1]
            ends.append(
                Deadline(
                    "certificate",
                    code,
                    last.expires_on,
                    "",
                    "certificate_expires",
                    {"algorithm": code, "product": product, "certificate": last.number},
                )
            )
    return ends


def uncertified(session: Session, agreement_id: int, today: date, known_at: datetime | None = None) -> list[Deadline]:
    """Open a case for each trust at which a product is in operation without a valid certificate.

    Its day is the last one by which the certificate is renewed or the activation paused; either closes the case.
    """
    products = {one.code: one.product for one in agreements.marketplace(session, agreement_id, known_at)}
    cases = list_cases(session, agreement_id=agreement_id, known_at=known_at)
    paused = {(one.trust, one.algorithm) for one in cases if one.standing(today) == "suspended"}
    expired = {code: last for code in products if (last := _expired(session, code, today, known_at)) is not None}
    return [
        Deadline(
            "uncertified",
            f"{row.trust}:{row.algorithm}",
            expired[row.algorithm].expires_on + timedelta(days=DAYS_TO_RENEW),
            "",
            "certificate_expired",
            {
                "trust": row.trust,
                "trust_name": row.trust_name,
                "algorithm": row.algorithm,
                "product": products[row.algorithm],
                "certificate": expired[row.algorithm].number,
                "expired": expired[row.algorithm].expires_on.isoformat(),
            },
        )
        for row in agreements.activations(session, agreement_id, known_at)
        if row.algorithm in expired
        and row.go_live <= today < (row.end or date.max)
        and (row.trust, row.algorithm) not in paused
    ]


def _expired(session: Session, algorithm: str, today: date, known_at: datetime | None) -> CertificateFacts | None:
    """Give the certificate that expired last of a product without a valid one; None of one that has, or never had any."""
    held = certificates(session, algorithm, known_at)
    if not held or any(one.valid_from <= today <= one.expires_on for one in held):
        return None
    gone = [one for one in held if one.expires_on < today]
    return gone[-1] if gone else None


def _locked(session: Session, algorithm: str) -> Algorithm:
    """Find a product and let one writer at a time add to what is known of it."""
    product = session.scalar(select(Algorithm).where(Algorithm.code == algorithm).with_for_update(key_share=True))
    if product is None:
        raise NotFound(f"there is no algorithm '{algorithm}'")
    return product


def _by_product(session: Session, entity: Any, codes: list[str], known_at: datetime | None) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    rows = session.execute(
        select(Algorithm.code, entity)
        .join(Algorithm, Algorithm.id == entity.algorithm_id)
        .where(Algorithm.code.in_(codes), known(entity, known_at))
        .order_by(entity.id)
    )
    for code, row in rows:
        found.setdefault(code, []).append(row)
    return found


def _versions(session: Session, codes: list[str], known_at: datetime | None) -> dict[str, list[ProductVersion]]:
    found: dict[str, list[ProductVersion]] = {}
    query = (
        select(Algorithm.code, AlgorithmVersion)
        .join(Algorithm, Algorithm.id == AlgorithmVersion.algorithm_id)
        .where(Algorithm.code.in_(codes))
        .order_by(AlgorithmVersion.released_on.desc(), AlgorithmVersion.id.desc())
    )
    for code, row in session.execute(recorded_by_then(query, AlgorithmVersion, known_at)):
        found.setdefault(code, []).append(ProductVersion(row.version, row.released_on, row.note))
    return found


def _standing(session: Session, entity: Any, algorithm_id: int) -> list[Any]:
    query = select(entity).where(entity.algorithm_id == algorithm_id, known(entity, None)).order_by(entity.id)
    return list(session.scalars(query))


def _stamp(supersedes_id: int | None, actor: Actor, now: datetime) -> dict[str, Any]:
    return {"void": False, "supersedes_id": supersedes_id, "recorded_at": now, "recorded_by": actor.id}


def _text_findings(most: int, **texts: str) -> list[Finding]:
    return [
        Finding(f"#/{name}", "missing", f"this is needed, with at most {most} characters")
        for name, text in texts.items()
        if not text.strip() or len(text) > most
    ]


def _length_findings(most: int, **texts: str) -> list[Finding]:
    return [
        Finding(f"#/{name}", "too_long", f"this has at most {most} characters")
        for name, text in texts.items()
        if len(text) > most
    ]


def _log(session: Session, what: str, algorithm: str, facts: dict[str, Any], actor: Actor, now: datetime) -> None:
    session.flush()
    audit.record(session, f"catalogue.{what}", f"algorithm:{algorithm}", facts, actor.id, now)


def _description(row: AlgorithmDescription) -> Description:
    return Description(row.intended_use, row.organ, row.function, row.limitations)


def _reference(row: EvidenceReference) -> Reference:
    return Reference(
        row.id,
        row.kind,
        row.authors,
        row.year,
        row.title,
        row.journal,
        row.doi,
        row.design,
        row.participants,
        row.independent,
        row.peer_reviewed,
    )


def _sorted_references(rows: Iterable[EvidenceReference]) -> tuple[Reference, ...]:
    return tuple(_reference(row) for row in sorted(rows, key=lambda row: (-row.year, row.id)))


def _sorted_scores(rows: Iterable[NeedScore]) -> tuple[Score, ...]:
    listed = sorted(rows, key=lambda row: CRITERIA.index(row.criterion))
    return tuple(Score(row.criterion, row.score, row.reason) for row in listed)


def _facts(row: Certificate) -> CertificateFacts:
    return CertificateFacts(row.number, row.ce_class, row.valid_from, row.expires_on, row.research_only)


register("certificate", certificate_ends)
register("uncertified", uncertified, roles=("contract_manager", "trust_requester"))
