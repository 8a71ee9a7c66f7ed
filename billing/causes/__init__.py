"""Why a document bills another amount than was due: causes found by rating the same usage again under one changed fact.

`explain` answers for one document, `explain_quarter` for all of a quarter. Each code has
a file in `codes` that says all there is to know of it, in the form that `declared` gives; the changed facts are in `changes`, and
`sentences` puts a finding into words.
"""

from billing.causes.codes import CATCH_ALLS, CAUSES, FIRST_ACTION, HEADER
from billing.causes.declared import (
    CODES,
    NEEDS_REASON,
    REASONS,
    RESPONSE_STATUSES,
    Action,
    Cause,
    Code,
    ResponseStatus,
)
from billing.causes.explain import explain, explain_quarter
from billing.causes.findings import Explanation, Finding, GroupExplanation, Value
from billing.causes.situation import AgreedCredit, AgreementFacts, SetApart, SetApartReason, Situation, Tolerance

__all__ = [
    "CATCH_ALLS",
    "CAUSES",
    "CODES",
    "FIRST_ACTION",
    "HEADER",
    "NEEDS_REASON",
    "REASONS",
    "RESPONSE_STATUSES",
    "Action",
    "AgreedCredit",
    "AgreementFacts",
    "Cause",
    "Code",
    "Explanation",
    "Finding",
    "GroupExplanation",
    "ResponseStatus",
    "SetApart",
    "SetApartReason",
    "Situation",
    "Tolerance",
    "Value",
    "explain",
    "explain_quarter",
]
