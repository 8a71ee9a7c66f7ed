"""Papers that tell amounts: the letter of a dispute, the protocol of a reconciled quarter, the paper of a decision.

All amounts exclude VAT unless a field says otherwise. Each paper checks that its own sums hold before anybody prints it:
what a person signs never contradicts itself.
"""

from billing.papers.decision_paper import (
    BudgetYear,
    DecisionPaper,
    EffectOnOther,
    FiledPaper,
    Gain,
    GuardAnswer,
    MonthCost,
)
from billing.papers.dispute_letter import DisputedLine, DisputeLetter
from billing.papers.reconciliation_protocol import (
    Allocation,
    CauseSum,
    DisputeOutcome,
    DocumentFinding,
    ProtocolDocument,
    ReconciliationProtocol,
    Signed,
)

__all__ = [
    "Allocation",
    "BudgetYear",
    "CauseSum",
    "DecisionPaper",
    "DisputeLetter",
    "DisputeOutcome",
    "DisputedLine",
    "DocumentFinding",
    "EffectOnOther",
    "FiledPaper",
    "Gain",
    "GuardAnswer",
    "MonthCost",
    "ProtocolDocument",
    "ReconciliationProtocol",
    "Signed",
]
