"""The life of a draft of a price-book version: its states, what may happen in each, and who may do it.

A draft is changed by adding revisions, never by editing one. What it has come to is read from its events, and the course is
one table: which act an event is, from which states it may come and to which state it leads. Two persons are needed for a
price: whoever wrote a revision, or made or submitted the draft, does not decide on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

State = Literal["draft", "submitted", "approved", "withdrawn"]
Event = Literal["revise", "submit", "return", "approve", "withdraw"]

STATES: tuple[State, ...] = get_args(State)
EVENTS: tuple[Event, ...] = get_args(Event)


@dataclass(frozen=True, slots=True)
class Transition:
    """Hold what an event is (the act of the access rules), where it may come from and where it leads.

    ``by_another`` is an event that nobody brings about on what is their own; ``needs_comment`` one that says why.
    """

    act: Literal["price_book.draft", "price_book.approve"]
    sources: frozenset[State]
    target: State
    by_another: bool = False
    needs_comment: bool = False


TRANSITIONS: dict[Event, Transition] = {
    "revise": Transition("price_book.draft", frozenset({"draft"}), "draft"),
    "submit": Transition("price_book.draft", frozenset({"draft"}), "submitted"),
    "return": Transition("price_book.approve", frozenset({"submitted"}), "draft", by_another=True, needs_comment=True),
    "approve": Transition("price_book.approve", frozenset({"submitted"}), "approved", by_another=True),
    "withdraw": Transition("price_book.draft", frozenset({"draft", "submitted"}), "withdrawn"),
}

Refusal = Literal["wrong_state", "own_draft", "comment_missing"]


def state_after(events: Iterable[Event]) -> State:
    """Return the state that events, in their order, lead to from a new draft.

    >>> state_after(["submit", "return", "submit"])
    'submitted'
    """
    state: State = "draft"
    for event in events:
        state = TRANSITIONS[event].target
    return state


def refusal(state: State, event: Event, *, actor: str, authors: Iterable[str], comment: str = " ") -> Refusal | None:
    """Say why an event may not happen, None where it may; whether the actor's roles allow the act is asked elsewhere.

    ``authors`` are all who had a hand in it: who made or submitted the draft, and who wrote any of its revisions.

    >>> refusal("submitted", "approve", actor="kari", authors=["kari", "ola"])
    'own_draft'
    """
    transition = TRANSITIONS[event]
    if state not in transition.sources:
        return "wrong_state"
    if transition.by_another and actor in set(authors):
        return "own_draft"
    if transition.needs_comment and not comment:
        return "comment_missing"
    return None
