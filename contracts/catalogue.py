"""The marketplace's evidence: conformity certificates with their days, as recorded."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import agreements, audit
from contracts.access import Actor
from contracts.deadlines import register
from contracts.errors import Finding, NotFound, invalid
from contracts.models import AgreementAlgorithm, Algorithm, Certificate
from contracts.models.base import known
from contracts.terms.deadline import Deadline
from contracts.terms.workflow import CertificateFacts


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
    product = session.scalar(select(Algorithm).where(Algorithm.code == algorithm).with_for_update(key_share=True))
    if product is None:
        raise NotFound(f"there is no algorithm '{algorithm}'")
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
        action="catalogue.certificate",
        subject=f"algorithm:{algorithm}",
        data={"number": row.number, "ce_class": row.ce_class, "expires_on": expires_on.isoformat()},
        actor=actor.id,
        now=now,
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


def _facts(row: Certificate) -> CertificateFacts:
    return CertificateFacts(row.number, row.ce_class, row.valid_from, row.expires_on, row.research_only)


register("certificate", certificate_ends)
