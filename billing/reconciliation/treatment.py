"""What becomes of a finding: how it is known from run to run, and how it stands with people and the vendor.

A finding is known by its document, code, place, lines and amount. When one of these changes it is another finding, and what
was decided about the old one says nothing about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from billing.causes import Finding
from billing.quarters.frozen import canonical
from billing.reconciliation.frozen import FrozenReconciliation, Reconciled

TreatmentState = Literal["automatic", "open", "accepted", "noted", "checked", "disputed", "carried", "credited"]
Decision = Literal["accepted", "noted", "checked"]
DECISIONS: Final[tuple[Decision, ...]] = ("accepted", "noted", "checked")
NOT_INVOICED: Final = "not_invoiced"
# That a credit was agreed says nothing of one that did not come, or came as another: a person decides about these.
NEVER_BY_ITSELF: Final = frozenset({"CREDIT_PENDING", "CREDIT_WRONG"})
SAMPLE_ONE_IN: Final = 20
_KEY_LENGTH: Final = 20


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a finding stands; ``by`` and ``comment`` are the person's who decided, ``dispute`` the dispute's number."""

    state: TreatmentState
    by: str | None = None
    comment: str | None = None
    dispute: str | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether a person still has to decide."""
        return self.state == "open"


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of a reconciliation with its key, the document it is of (None: on no invoice) and how it stands."""

    key: str
    finding: Finding
    sha256: str | None
    number: str | None
    treatment: Treatment


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as recorded about a finding's key."""

    decision: Decision
    by: str
    comment: str


@dataclass(frozen=True, slots=True)
class InDispute:
    """Where a finding is disputed: the dispute's number, whether it is over, with the whole amount credited, or carried.

    Carried is what the vendor takes off its next invoice.
    """

    dispute: str
    is_over: bool
    is_credited: bool
    is_carried: bool = False


def key_of(sha256: str | None, finding: Finding) -> str:
    """Give the key by which a finding is known: 20 hex digits."""
    identity = [
        sha256 or NOT_INVOICED,
        finding.code,
        finding.trust,
        finding.algorithm,
        finding.period,
        list(finding.invoice_lines),
        list(finding.expected_lines),
        format(finding.amount, "f"),
        format(finding.tax_amount, "f"),
        finding.params.get("which"),
        finding.params.get("credit"),
    ]
    return hashlib.sha256(canonical(identity)).hexdigest()[:_KEY_LENGTH]


def found_in(
    frozen: FrozenReconciliation, decisions: Mapping[str, Decided], disputes: Mapping[str, InDispute]
) -> tuple[Found, ...]:
    """List the findings of a reconciliation, document by document, each with how it stands.

    ``disputes`` are known by the keys of their findings and by their numbers: what a credit note takes off names its dispute.
    """
    listed = [
        (each.sha256, each.part.number, finding) for each in frozen.documents for finding in each.explanation.findings
    ]
    rows: list[tuple[str | None, str | None, Finding]] = [*listed]
    rows += [(None, None, finding) for finding in frozen.not_invoiced]
    found = []
    for sha256, number, finding in rows:
        key = key_of(sha256, finding)
        disputed = disputes.get(key)
        if disputed is None and finding.code not in NEVER_BY_ITSELF:
            disputed = disputes.get(str(finding.params.get("credit")))
        treatment = _treatment(finding, decisions.get(key), disputed)
        found.append(Found(key, finding, sha256, number, treatment))
    return tuple(found)


def _treatment(finding: Finding, decided: Decided | None, disputed: InDispute | None) -> Treatment:
    if finding.code == "ROUNDING":
        return Treatment("automatic")
    if disputed is not None and disputed.is_carried:
        return Treatment("carried", dispute=disputed.dispute)
    if disputed is not None and not disputed.is_over:
        return Treatment("disputed", dispute=disputed.dispute)
    if disputed is not None and disputed.is_credited:
        return Treatment("credited", dispute=disputed.dispute)
    if decided is not None:
        return Treatment(decided.decision, decided.by, decided.comment, None if disputed is None else disputed.dispute)
    return Treatment("open")


def sample_key(sha256: str, line_id: str) -> str:
    """Give the key by which a line of the sample is known."""
    return "sample-" + hashlib.sha256(canonical([sha256, line_id])).hexdigest()[:_KEY_LENGTH]


def sample_of(documents: Iterable[Reconciled]) -> tuple[tuple[str, str], ...]:
    """Draw the clean lines that a person looks at anyway: one in twenty of each invoice, at least one, the same in every run.

    The draw follows the hash of document and line, so neither the vendor nor we choose.
    """
    drawn: list[tuple[str, str]] = []
    for each in documents:
        if each.part.kind != "invoice" or not each.explanation.comparable:
            continue
        clean = sorted(
            (sample_key(each.sha256, line.id), line.id)
            for group in each.explanation.groups
            if not any(finding.code != "ROUNDING" for finding in group.findings)
            for line in group.billed
        )
        count = -(-len(clean) // SAMPLE_ONE_IN)
        drawn += [(each.sha256, line_id) for _, line_id in clean[:count]]
    return tuple(drawn)
