"""Why a document bills another amount than was due: causes found by rating the same usage again under one changed fact.

`explain` answers for one document, `explain_quarter` for all of a quarter. The codes and their order are in `codes`, the
changed facts in `changes`, under which code each is tried in `hypotheses`; `sentences` puts a finding into words.
"""

from billing.causes.codes import CATCH_ALLS, CODES, FIRST_ACTION, HEADER, Action, Code
from billing.causes.explain import explain, explain_quarter
from billing.causes.findings import Explanation, Finding, GroupExplanation, Value
from billing.causes.situation import AgreedCredit, AgreementFacts, SetApart, SetApartReason, Situation, Tolerance

__all__ = [
    "CATCH_ALLS",
    "CODES",
    "FIRST_ACTION",
    "HEADER",
    "Action",
    "AgreedCredit",
    "AgreementFacts",
    "Code",
    "Explanation",
    "Finding",
    "GroupExplanation",
    "SetApart",
    "SetApartReason",
    "Situation",
    "Tolerance",
    "Value",
    "explain",
    "explain_quarter",
]
