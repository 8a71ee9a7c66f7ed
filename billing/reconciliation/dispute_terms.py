"""The course of a dispute as data: what can follow what, and what it is called on a Peppol Invoice Response.

A dispute is about selected findings of one invoice. Its state is read from its events, never stored. Statuses, reasons and
actions are those of Peppol Invoice Response 3.0 (code lists UNCL4343, OPStatusReason, OPStatusAction), so that a response
document can be written from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

from billing.causes import CAUSES, Code, ResponseStatus

DisputeState = Literal["drafted", "sent", "questioned", "declined", "agreed", "partly_agreed", "credited", "withdrawn"]
Step = Literal["sent", "questioned", "declined", "agreed", "partly_agreed", "credit_accepted", "withdrawn"]
Wanted = Literal["credit_whole", "credit_part", "new_invoice", "next_invoice", "information"]
Hold = Literal["whole", "part", "none"]

STEPS: Final[tuple[Step, ...]] = get_args(Step)
WANTED: Final[tuple[Wanted, ...]] = get_args(Wanted)
HOLDS: Final[tuple[Hold, ...]] = get_args(Hold)

# What can follow what: state → step → the state it leads to.
COURSE: Final[dict[DisputeState, dict[Step, DisputeState]]] = {
    "drafted": {"sent": "sent", "withdrawn": "withdrawn"},
    "sent": {
        "questioned": "questioned",
        "declined": "declined",
        "agreed": "agreed",
        "partly_agreed": "partly_agreed",
        "withdrawn": "withdrawn",
    },
    "questioned": {
        "sent": "sent",
        "declined": "declined",
        "agreed": "agreed",
        "partly_agreed": "partly_agreed",
        "withdrawn": "withdrawn",
    },
    "declined": {"sent": "sent", "agreed": "agreed", "partly_agreed": "partly_agreed", "withdrawn": "withdrawn"},
    "agreed": {"credit_accepted": "credited", "withdrawn": "withdrawn"},
    "partly_agreed": {"credit_accepted": "credited", "sent": "sent", "withdrawn": "withdrawn"},
    "credited": {},
    "withdrawn": {},
}
WITH_VENDOR: Final[frozenset[DisputeState]] = frozenset({"drafted", "sent", "questioned", "declined"})
CREDIT_AWAITED: Final[frozenset[DisputeState]] = frozenset({"agreed", "partly_agreed"})
OVER: Final[frozenset[DisputeState]] = frozenset({"credited", "withdrawn"})

# What we answer the vendor's invoice with, by what we want.
_STATUS: Final[dict[Wanted, ResponseStatus]] = {
    "credit_whole": "RE",
    "credit_part": "CA",
    "new_invoice": "RE",
    "next_invoice": "CA",
    "information": "UQ",
}
# The action that is asked for: credit note in full, credit note in part, new invoice, other, information.
ACTIONS: Final[dict[Wanted, str]] = {
    "credit_whole": "CNF",
    "credit_part": "CNP",
    "new_invoice": "NIN",
    "next_invoice": "OTH",
    "information": "PIN",
}


def state_of(steps: Iterable[Step]) -> DisputeState:
    """Give the state that a course of steps leads to; ValueError for a step that cannot follow.

    >>> state_of(["sent", "agreed", "credit_accepted"])
    'credited'
    """
    state: DisputeState = "drafted"
    for step in steps:
        if step not in COURSE[state]:
            raise ValueError(f"'{step}' cannot follow on '{state}'")
        state = COURSE[state][step]
    return state


def reason_of(code: Code) -> str:
    """Give the reason code that a cause is told with.

    >>> reason_of("QTY_DUP"), reason_of("RAMP_MISSING"), reason_of("REF_WRONG")
    ('QTY', 'PRI', 'REF')
    """
    return CAUSES[code].response.reason


def response_status(wanted: Wanted, state: DisputeState) -> ResponseStatus:
    """Give what an Invoice Response to the disputed invoice would say now.

    Before it is sent the invoice is in process (IP); while it goes on it is queried, conditionally accepted or rejected, by
    what we want; once credited or withdrawn it is accepted (AP).
    """
    if state == "drafted":
        return "IP"
    if state in OVER:
        return "AP"
    return _STATUS[wanted]
