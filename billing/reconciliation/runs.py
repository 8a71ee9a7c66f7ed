"""Reconciliation: freeze a run of a quarter, decide about what was found, say what a line is about, open it again.

A run that would say the same as the last one is the last one. Nothing here changes what was recorded: a decision is a fact
that a later one may supersede, and a signed run stays what it is when the quarter is opened again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.causes.billed import ZERO
from billing.invoices.reading import ReadInvoice
from billing.models import FindingDecision, LinePlacing, ReconciliationReopening, ReconciliationRun
from billing.quarters.closing import parse_quarter
from billing.reconciliation.frozen import FrozenReconciliation
from billing.reconciliation.report import Report, known_now, list_runs, report, report_of
from billing.reconciliation.treatment import DECISIONS, Decision
from contracts import agreements, audit, ceiling, documents
from contracts.agreements import AgreementSummary
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models.base import known
from contracts.people.access import Actor
from contracts.terms.period import Period

ACT: Final = "reconcile"
LONGEST: Final = 1000


def record_run(
    session: Session, *, agreement_id: int, quarter: str, actor: Actor, now: datetime, today: date
) -> Report:
    """Freeze what is known now as the quarter's next run; where the last run says the same, that one stands.

    Raises `Conflict` where the last run is signed: it is opened again first, with a reason.
    """
    require_all_trusts(actor, ACT)
    period = parse_quarter(quarter)
    agreements.lock_agreement(session, agreement_id)
    found = known_now(session, agreement_id, period)
    live = found.live
    runs = list_runs(session, agreement_id, period.label())
    last = runs[-1] if runs and runs[-1].reopened is None else None
    if last is not None and last.sha256 == live.sha256:
        return report_of(session, agreement_id, found, today)
    if last is not None and last.attested is not None:
        raise Conflict("signed", f"{quarter} is attested: open it again with a reason before it is run anew")
    _keep(session, agreement_id, period, live, len(runs) + 1, actor, now)
    return report_of(session, agreement_id, found, today)


def _keep(
    session: Session,
    agreement_id: int,
    period: Period,
    live: FrozenReconciliation,
    number: int,
    actor: Actor,
    now: datetime,
) -> None:
    agreement = agreements.agreement_summary(session, agreement_id)
    label = period.label()
    charges, kept = (
        documents.put(
            session,
            content=content,
            filename=f"{agreement.code}-{name}.json",
            media_type="application/json",
            recorded_by=actor.id,
            now=now,
        )
        for name, content in (
            (label, live.inputs.charges.to_bytes()),
            (f"{label}-avstemming", live.to_bytes()),
        )
    )
    session.add(
        ReconciliationRun(
            agreement_id=agreement_id,
            quarter=label,
            number=number,
            document_id=kept.id,
            charges_id=charges.id,
            closing_run=live.inputs.run,
            expected=live.expected,
            invoiced=live.invoiced,
            unexplained=live.unexplained,
            findings=len(live.findings),
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    _log(
        session,
        "reconciliation.run",
        agreement,
        label,
        {
            "run": number,
            "sha256": kept.sha256,
            "expected": format(live.expected, "f"),
            "invoiced": format(live.invoiced, "f"),
            "findings": len(live.findings),
        },
        actor,
        now,
    )


def decide(
    session: Session,
    *,
    agreement_id: int,
    quarter: str,
    keys: Iterable[str],
    decision: Decision,
    comment: str,
    actor: Actor,
    now: datetime,
    today: date,
) -> Report:
    """Decide about findings, or about lines of the sample, by their keys: ``accepted`` (paid as billed), ``noted``, ``checked``.

    Raises `InvalidInput` for an unknown key or decision and for accepting without a reason, `Conflict` where the quarter is
    signed or a finding is disputed.
    """
    require_all_trusts(actor, ACT)
    period = parse_quarter(quarter)
    quarter = period.label()
    agreements.lock_agreement(session, agreement_id)
    knowledge = known_now(session, agreement_id, period)
    current = report_of(session, agreement_id, knowledge, today)
    require_unsigned(session, agreement_id, quarter)
    findings = {each.key: each for each in current.found}
    sample = {each.key: each for each in current.sample}
    wanted = list(dict.fromkeys(keys))
    errors = []
    if decision not in DECISIONS:
        errors.append(Finding("#/decision", "unknown", f"one of {', '.join(DECISIONS)}"))
    if not wanted:
        errors.append(Finding("#/findings", "missing", "name at least one finding"))
    for position, key in enumerate(wanted):
        if key not in findings and key not in sample:
            errors.append(Finding(f"#/findings/{position}", "unknown", f"there is no finding '{key}' in {quarter} now"))
    if decision == "accepted" and not comment.strip() and any(key in findings for key in wanted):
        errors.append(Finding("#/comment", "missing", "accepting what differs needs a reason"))
    if len(comment.strip()) > LONGEST:
        errors.append(Finding("#/comment", "too_long", f"at most {LONGEST} characters"))
    invalid(errors)
    disputed = [key for key in wanted if key in findings and findings[key].treatment.state == "disputed"]
    if disputed:
        raise Conflict("disputed", "a disputed finding is decided in its dispute: withdraw it there first")
    standing = {
        row.finding: row.id
        for row in session.scalars(
            select(FindingDecision).where(
                FindingDecision.agreement_id == agreement_id,
                FindingDecision.quarter == quarter,
                known(FindingDecision, None),
            )
        )
    }
    for key in wanted:
        session.add(
            FindingDecision(
                agreement_id=agreement_id,
                quarter=quarter,
                finding=key,
                code=findings[key].finding.code if key in findings else "SAMPLE",
                amount=findings[key].finding.amount if key in findings else ZERO,
                decision=decision,
                comment=comment.strip(),
                void=False,
                supersedes_id=standing.get(key),
                recorded_at=now,
                recorded_by=actor.id,
            )
        )
    session.flush()
    _log(
        session,
        "reconciliation.decide",
        current.agreement,
        quarter,
        {"decision": decision, "findings": wanted, "comment": comment.strip()},
        actor,
        now,
    )
    return report_of(session, agreement_id, knowledge, today)


@dataclass(frozen=True, slots=True)
class Place:
    """What a person says a line is about; what is None stays as it was read."""

    trust: str | None = None
    algorithm: str | None = None
    charge: str | None = None
    period: str | None = None


def place_lines(
    session: Session,
    *,
    agreement_id: int,
    quarter: str,
    sha256: str,
    lines: Iterable[str],
    place: Place,
    comment: str,
    actor: Actor,
    now: datetime,
    today: date,
) -> Report:
    """Say what invoice lines are about, or, with an empty place, that they are matched rightly as they are.

    What was said of a line before is replaced; an empty place leaves it standing. A line is only ever matched within the trust it names, so naming the trust is a person's word, kept with the line. Raises
    `InvalidInput` for lines, trusts, algorithms and charges that do not exist.
    """
    require_all_trusts(actor, ACT)
    quarter = parse_quarter(quarter).label()
    agreements.lock_agreement(session, agreement_id)
    current = report(session, agreement_id=agreement_id, quarter=quarter, actor=actor, today=today)
    require_unsigned(session, agreement_id, quarter)
    invoice = next((each for each in current.invoices if each.sha256 == sha256), None)
    if invoice is None:
        raise NotFound(f"there is no such document in {quarter}")
    wanted = list(dict.fromkeys(lines))
    invalid(_placing_findings(current, invoice, wanted, place, comment))
    standing = {
        row.line_id: row
        for row in session.scalars(
            select(LinePlacing).where(LinePlacing.invoice_id == invoice.id, known(LinePlacing, None))
        )
    }
    for line in wanted:
        before = standing.get(line)
        if place == Place() and before is not None:
            said = Place(before.trust, before.algorithm, before.charge, before.period)
        else:
            said = place
        session.add(
            LinePlacing(
                agreement_id=agreement_id,
                invoice_id=invoice.id,
                line_id=line,
                trust=said.trust,
                algorithm=said.algorithm,
                charge=said.charge,
                period=said.period,
                comment=comment.strip(),
                void=False,
                supersedes_id=None if before is None else before.id,
                recorded_at=now,
                recorded_by=actor.id,
            )
        )
    session.flush()
    _log(
        session,
        "reconciliation.place",
        current.agreement,
        quarter,
        {
            "invoice": invoice.document.number,
            "lines": wanted,
            "trust": place.trust,
            "algorithm": place.algorithm,
            "charge": place.charge,
            "period": place.period,
        },
        actor,
        now,
    )
    return report(session, agreement_id=agreement_id, quarter=quarter, actor=actor, today=today)


def _placing_findings(
    current: Report, invoice: ReadInvoice, wanted: list[str], place: Place, comment: str
) -> list[Finding]:
    names = current.frozen.inputs.names
    known_lines = {line.id for line in invoice.document.lines}
    errors = [
        Finding(f"#/lines/{position}", "unknown", f"the document has no line '{line}'")
        for position, line in enumerate(wanted)
        if line not in known_lines
    ]
    if not wanted:
        errors.append(Finding("#/lines", "missing", "name at least one line"))
    for pointer, value, listed in (
        ("#/trust", place.trust, names.trusts),
        ("#/algorithm", place.algorithm, names.algorithms),
        ("#/charge", place.charge, names.charges),
    ):
        codes = {code for _, code in listed}
        if value is not None and value not in codes:
            errors.append(Finding(pointer, "unknown", f"'{value}' is none of {', '.join(sorted(codes))}"))
    if place.period is not None:
        try:
            Period.parse(place.period)
        except ValueError as error:
            errors.append(Finding("#/period", "not_a_period", str(error)))
    if len(comment.strip()) > LONGEST:
        errors.append(Finding("#/comment", "too_long", f"at most {LONGEST} characters"))
    return errors


def reopen(
    session: Session, *, agreement_id: int, quarter: str, reason: str, actor: Actor, now: datetime, today: date
) -> Report:
    """Open a signed reconciliation again, with a reason; its run and signatures stay readable and a new run follows."""
    require_all_trusts(actor, ACT)
    period = parse_quarter(quarter)
    if not 0 < len(reason.strip()) <= LONGEST:
        invalid([Finding("#/reason", "missing", f"a reason of 1 to {LONGEST} characters")])
    agreements.lock_agreement(session, agreement_id)
    runs = list_runs(session, agreement_id, period.label())
    last = runs[-1] if runs and runs[-1].reopened is None else None
    if last is None or last.attested is None:
        raise Conflict("not_signed", f"{quarter} is not attested: there is nothing to open again")
    session.add(
        ReconciliationReopening(
            agreement_id=agreement_id,
            quarter=period.label(),
            run_id=last.id,
            reason=reason.strip(),
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    agreement = agreements.agreement_summary(session, agreement_id)
    _log(
        session,
        "reconciliation.reopen",
        agreement,
        period.label(),
        {"run": last.number, "reason": reason.strip()},
        actor,
        now,
    )
    ceiling.moved(session, agreement_id=agreement_id, recorded_by=actor.id, now=now)
    return report(session, agreement_id=agreement_id, quarter=quarter, actor=actor, today=today)


def require_all_trusts(actor: Actor, act: str) -> None:
    actor.require(act)
    if actor.scope(act) is not None:
        raise Denied("a reconciliation is for all trusts: this needs a role that is not kept to one")


def require_unsigned(session: Session, agreement_id: int, quarter: str) -> None:
    """Raise `Conflict` where the quarter's last run is attested: it is opened again first."""
    runs = list_runs(session, agreement_id, quarter)
    if runs and runs[-1].reopened is None and runs[-1].attested is not None:
        raise Conflict("signed", f"{quarter} is attested: open it again with a reason first")


def _log(
    session: Session,
    action: str,
    agreement: AgreementSummary,
    quarter: str,
    data: dict[str, object],
    actor: Actor,
    now: datetime,
) -> None:
    audit.record(session, action, f"reconciliation:{agreement.code}/{quarter}", data, actor.id, now)
