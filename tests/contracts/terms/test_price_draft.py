"""The course of a draft: every state with every event, by an author and by another person."""

from __future__ import annotations

import pytest

from contracts.people.access import RULES
from contracts.terms.price_draft import EVENTS, STATES, TRANSITIONS, Event, Refusal, State, refusal, state_after

AUTHOR, OTHER = "person:author", "person:other"

# What each event answers in each state, for an author and for another person; None is allowed.
COURSE: dict[tuple[State, Event], tuple[Refusal | None, Refusal | None]] = {
    ("draft", "revise"): (None, None),
    ("draft", "submit"): (None, None),
    ("draft", "return"): ("wrong_state", "wrong_state"),
    ("draft", "approve"): ("wrong_state", "wrong_state"),
    ("draft", "withdraw"): (None, None),
    ("submitted", "revise"): ("wrong_state", "wrong_state"),
    ("submitted", "submit"): ("wrong_state", "wrong_state"),
    ("submitted", "return"): ("own_draft", None),
    ("submitted", "approve"): ("own_draft", None),
    ("submitted", "withdraw"): (None, None),
    **{(state, event): ("wrong_state", "wrong_state") for state in ("approved", "withdrawn") for event in EVENTS},
}


def test_the_table_names_every_state_with_every_event() -> None:
    assert set(COURSE) == {(state, event) for state in STATES for event in EVENTS}


@pytest.mark.parametrize(("state", "event"), list(COURSE), ids=lambda value: str(value))
def test_an_event_in_a_state(state: State, event: Event) -> None:
    by_author, by_another = COURSE[state, event]
    assert refusal(state, event, actor=AUTHOR, authors=[AUTHOR], comment="why") == by_author
    assert refusal(state, event, actor=OTHER, authors=[AUTHOR], comment="why") == by_another


def test_a_draft_is_sent_back_with_a_reason_only() -> None:
    assert refusal("submitted", "return", actor=OTHER, authors=[AUTHOR], comment="") == "comment_missing"
    assert refusal("submitted", "approve", actor=OTHER, authors=[AUTHOR], comment="") is None


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((), "draft"),
        (("submit",), "submitted"),
        (("submit", "return"), "draft"),
        (("submit", "return", "submit", "approve"), "approved"),
        (("submit", "withdraw"), "withdrawn"),
    ],
    ids=str,
)
def test_events_lead_to_a_state(events: tuple[Event, ...], state: State) -> None:
    assert state_after(events) == state


def test_drafting_is_the_contract_managers_and_deciding_the_approvers() -> None:
    assert {transition.act for transition in TRANSITIONS.values()} == {"price_book.draft", "price_book.approve"}
    assert RULES["price_book.draft"] == {"contract_manager"}
    assert RULES["price_book.approve"] == {"approver"}
