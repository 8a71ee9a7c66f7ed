"""The table of the workflow and its guards: what refuses, with which numbers; and the table against a second list by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.schemas.price_book import load_price_book
from contracts.terms import workflow
from contracts.terms.period import Period
from contracts.terms.price_book import PriceBook
from contracts.terms.workflow import (
    CeilingFacts,
    CertificateFacts,
    Decided,
    Facts,
    Item,
    Refusals,
    Rule,
    Transition,
    decide,
)
from tests import desk, examples

NOW = datetime(2026, 10, 15, 9, tzinfo=UTC)
CERTIFICATE = CertificateFacts("NB-1", "IIa", date(2021, 1, 1), date(2029, 6, 30))

# Written by hand from the page that describes the workflow: event, from which states, to which state, who may.
BY_HAND = """
option review           listed                                            under_review  trust_requester contract_manager
option submit           under_review                                      submitted     trust_requester contract_manager
option approve          submitted                                         approved      approver
option return           submitted,approved                                under_review  approver
option decline          submitted                                         declined      approver
option exercise         approved                                          exercised     contract_manager
option withdraw         under_review,submitted,approved                   withdrawn     trust_requester contract_manager
option lapse            listed,under_review,submitted,approved            lapsed        calendar
option end              exercised                                         ended         contract_manager
activation submit       draft                                             submitted     trust_requester contract_manager
activation approve      submitted                                         approved      approver
activation return       submitted,approved                                draft         approver
activation reject       submitted                                         rejected      approver
activation order        approved                                          ordered       contract_manager
activation start_validation ordered                                       validating    trust_requester contract_manager
activation go_live      validating                                        live          trust_requester contract_manager
activation suspend      live                                              suspended     contract_manager
activation resume       suspended                                         live          contract_manager
activation withdraw     draft,submitted,approved,ordered,validating       withdrawn     trust_requester contract_manager
activation end          live,suspended                                    ended         contract_manager
"""
# Which guards each step passes, by hand as well.
GUARDED_BY_HAND = {
    ("option", "review"): "named_holder window",
    ("option", "submit"): "named_holder window dossier planned_cost",
    ("option", "approve"): "named_holder window segregation stale_approval planned_cost",
    ("option", "return"): "segregation",
    ("option", "decline"): "segregation",
    ("option", "exercise"): "named_holder window dossier stale_approval no_double",
    ("option", "lapse"): "deadline_passed",
    ("activation", "submit"): (
        "option_exercised named_holder window ceiling prices algorithm dossier budget no_double"
    ),
    ("activation", "approve"): (
        "option_exercised named_holder window ceiling prices algorithm dossier budget segregation stale_approval no_double"
    ),
    ("activation", "return"): "segregation",
    ("activation", "reject"): "segregation",
    ("activation", "order"): (
        "option_exercised named_holder window prices algorithm dossier budget stale_approval no_double"
    ),
    ("activation", "start_validation"): "option_exercised named_holder algorithm",
    ("activation", "go_live"): (
        "option_exercised named_holder prices algorithm dossier not_earlier course open_quarter no_double"
    ),
    ("activation", "suspend"): "course",
    ("activation", "resume"): "option_exercised algorithm course",
    ("activation", "end"): "course open_quarter",
}


def book() -> PriceBook:
    document = examples.price_book()
    document["versions"][0]["charges"][0]["algorithms"] = "all"
    return load_price_book(document)


def fine(kind: Any, rule: Rule) -> Facts:
    """Give facts that no guard of a step refuses."""
    decided = Decided("person:approver", "person:approver")
    after_approval = rule.event in ("exercise", "order")
    return Facts(
        kind=kind,
        trust="akershus",
        on=desk.START if rule.event == "go_live" else date(2026, 10, 15),
        term=Period(date(2024, 1, 1), date(2028, 1, 1)),
        holders=frozenset({"akershus", "nord-norge"}),
        deadline=date(2026, 10, 14) if rule.event == "lapse" else date(2026, 12, 31),
        algorithm="ct-pe" if kind == "activation" else None,
        starts_on=desk.START,
        figures=desk.figures(),
        ceiling=CeilingFacts(Decimal(1_000_000), Decimal(500_000), Decimal(100_000)),
        price_book=book(),
        certificates=(CERTIFICATE,),
        items=tuple(Item(code, "accepted", "ab" * 32) for code in workflow.DOSSIER_ITEMS[kind]),
        funding={2026: Decimal(100_000), 2027: Decimal(100_000)},
        actor="person:second",
        principal="person:second",
        requesters=frozenset({"person:requester"}),
        approvals=(decided,) if after_approval else (),
        submitted_basis={"quantity": "500"},
        basis={"quantity": "500"},
        comment="because",
        clauses={"option": "3.1", "term": "2.2"},
    )


# What each guard refuses: the changed facts, the code, and numbers that must stand in it.
VIOLATIONS: list[tuple[str, str, dict[str, Any], str, dict[str, str]]] = [
    ("option_exercised", "listed", {"option_state": "listed"}, "option_not_exercised", {"option_state": "listed"}),
    ("option_exercised", "lapsed", {"option_state": "lapsed"}, "option_not_exercised", {"option_state": "lapsed"}),
    ("named_holder", "tenth-trust", {"trust": "helse-bergen"}, "not_an_option_holder", {"holders": "2"}),
    (
        "window",
        "term-over",
        {"term": Period(date(2024, 1, 1), date(2026, 10, 15)), "on": date(2026, 10, 15)},
        "outside_term",
        {"to": "2026-10-14"},
    ),
    (
        "deadline_passed",
        "last-day",
        {"deadline": date(2026, 10, 15)},
        "deadline_not_passed",
        {"deadline": "2026-10-15"},
    ),
    (
        "ceiling",
        "one-oere-too-much",
        {"ceiling": CeilingFacts(Decimal("719999.99"), Decimal(500_000), Decimal(100_000))},
        "above_ceiling",
        {"headroom": "119999.99", "request": "120000.00", "short": "0.01", "maximum": "719999.99", "used": "500000"},
    ),
    (
        "ceiling",
        "maximum-of-zero",
        {"ceiling": CeilingFacts(Decimal(0), Decimal(0), Decimal(0)), "figures": desk.figures("0.00")},
        "above_ceiling",
        {"maximum": "0"},
    ),
    ("prices", "no-version", {"price_book": replace(book(), versions=())}, "no_price", {}),
    (
        "prices",
        "two-versions",
        {"price_book": replace(book(), versions=book().versions * 2)},
        "two_prices",
        {},
    ),
    ("algorithm", "no-certificate", {"certificates": ()}, "certificate_missing", {}),
    (
        "algorithm",
        "expired",
        {"certificates": (replace(CERTIFICATE, expires_on=date(2026, 10, 14)),)},
        "certificate_not_valid",
        {"expires_on": "2026-10-14"},
    ),
    (
        "algorithm",
        "class-I",
        {"certificates": (replace(CERTIFICATE, ce_class="I"),)},
        "ce_class_too_low",
        {"ce_class": "I"},
    ),
    ("algorithm", "research", {"certificates": (replace(CERTIFICATE, research_only=True),)}, "research_only", {}),
    ("algorithm", "not-listed", {"on_marketplace": False}, "not_on_marketplace", {}),
    ("dossier", "nothing-there", {"items": ()}, "item_not_accepted", {"status": "missing"}),
    (
        "budget",
        "year-without-funding",
        {"funding": {2026: Decimal(100_000)}},
        "year_not_funded",
        {"year": "2027", "cost": "60000.00"},
    ),
    ("segregation", "own-request", {"actor": "person:requester"}, "own_request", {}),
    ("segregation", "deputy-of-requester", {"principal": "person:requester"}, "own_request", {}),
    (
        "stale_approval",
        "document-swapped",
        {
            "submitted_basis": {"document:dpia": "aa", "quantity": "500"},
            "basis": {"document:dpia": "bb", "quantity": "500"},
        },
        "changed_since_submission",
        {"changed": "document:dpia"},
    ),
    ("stale_approval", "never-submitted", {"submitted_basis": None}, "nothing_submitted", {}),
    ("not_earlier", "a-day-before", {"on": date(2026, 10, 31)}, "before_approved_day", {"approved": "2026-11-01"}),
    (
        "course",
        "before-the-step-before-it",
        {"on": date(2026, 11, 1), "validating_since": date(2026, 11, 2), "live_since": date(2026, 11, 2)},
        "too_early",
        {"since": "2026-11-02"},
    ),
    (
        "open_quarter",
        "closed",
        {"on": date(2026, 11, 1), "first_open": date(2026, 11, 2)},
        "closed_past",
        {"first_open": "2026-11-02"},
    ),
    ("no_double", "held", {"held_by": "activation:7"}, "held_already", {"held_by": "activation:7"}),
]


def steps_of(guard: str) -> Iterator[Rule]:
    return (rule for rule in workflow.RULES if guard in rule.guards)


PAIRS = [
    pytest.param(guard, rule, changes, code, numbers, id=f"{rule.kind}-{rule.event}-{guard}-{name}")
    for guard, name, changes, code, numbers in VIOLATIONS
    for rule in steps_of(guard)
]


def refusals_of(rule: Rule, facts: Facts, now: datetime = NOW) -> tuple[workflow.Refusal, ...]:
    answer = decide(rule.sources[-1], rule.event, facts, now)
    return answer.refusals if isinstance(answer, Refusals) else ()


def test_the_table_is_the_list_written_by_hand() -> None:
    by_hand = set()
    for line in BY_HAND.strip().splitlines():
        kind, event, sources, target, *roles = line.split()
        by_hand |= {(kind, event, source, target, role) for source in sources.split(",") for role in roles}
    table = {
        (rule.kind, rule.event, source, rule.target, role)
        for rule in workflow.RULES
        for source in rule.sources
        for role in rule.roles
    }
    assert table == by_hand


def test_each_step_has_the_guards_written_by_hand() -> None:
    table = {(rule.kind, rule.event): set(rule.guards) for rule in workflow.RULES if rule.guards}
    assert table == {key: set(names.split()) for key, names in GUARDED_BY_HAND.items()}


def test_every_state_is_in_the_table_and_every_event_has_one_rule() -> None:
    for kind, states in workflow.STATES.items():
        rules = [rule for rule in workflow.RULES if rule.kind == kind]
        named = {source for rule in rules for source in rule.sources} | {rule.target for rule in rules}
        assert named == set(states)
        assert len({rule.event for rule in rules}) == len(rules)


@pytest.mark.parametrize("rule", workflow.RULES, ids=lambda rule: f"{rule.kind}-{rule.event}")
def test_a_step_with_nothing_against_it_is_taken(rule: Rule) -> None:
    for source in rule.sources:
        answer = decide(source, rule.event, fine(rule.kind, rule), NOW)
        assert isinstance(answer, Transition), answer
        assert (answer.source, answer.target, answer.warnings) == (source, rule.target, ())


@pytest.mark.parametrize("rule", workflow.RULES, ids=lambda rule: f"{rule.kind}-{rule.event}")
def test_a_step_from_any_other_state_is_refused_for_that_alone(rule: Rule) -> None:
    for state in set(workflow.STATES[rule.kind]) - set(rule.sources):
        answer = decide(state, rule.event, replace(fine(rule.kind, rule), trust="nobody", items=()), NOW)
        assert isinstance(answer, Refusals)
        assert [refusal.code for refusal in answer.refusals] == ["wrong_state"]


def test_an_event_of_the_other_machine_is_unknown() -> None:
    rule = workflow.RULES[0]
    answer = decide("listed", "go_live", fine("option", rule), NOW)
    assert isinstance(answer, Refusals)
    assert answer.refusals[0].code == "unknown_event"


@pytest.mark.parametrize(("guard", "rule", "changes", "code", "numbers"), PAIRS)
def test_a_guard_refuses_at_each_of_its_steps_with_its_numbers(
    guard: str, rule: Rule, changes: dict[str, Any], code: str, numbers: dict[str, str]
) -> None:
    facts = replace(fine(rule.kind, rule), **changes)
    found = [refusal for refusal in refusals_of(rule, facts) if refusal.code == code]
    assert found, refusals_of(rule, facts)
    assert found[0].guard == guard
    assert numbers.items() <= dict(found[0].numbers).items()
    assert found[0].detail


@pytest.mark.parametrize(("guard", "rule", "changes", "code", "numbers"), PAIRS)
def test_without_its_guard_the_same_step_would_be_taken(
    guard: str,
    rule: Rule,
    changes: dict[str, Any],
    code: str,
    numbers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(workflow.GUARDS, guard, lambda facts, rule, now: iter(()))
    assert refusals_of(rule, replace(fine(rule.kind, rule), **changes)) == ()


def test_every_guard_but_the_one_that_only_warns_has_a_violation() -> None:
    assert set(workflow.GUARDS) - {guard for guard, *_ in VIOLATIONS} == {"planned_cost"}


def test_all_that_refuses_is_told_together() -> None:
    rule = workflow.rule_of("activation", "submit")
    assert rule is not None
    facts = replace(fine("activation", rule), option_state="listed", certificates=(), items=(), held_by="activation:1")
    assert {refusal.guard for refusal in refusals_of(rule, facts)} == {
        "option_exercised",
        "algorithm",
        "dossier",
        "no_double",
    }


@pytest.mark.parametrize(
    ("instant", "refused"),
    [
        pytest.param(datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), False, id="last-second-in-oslo"),
        pytest.param(datetime(2026, 12, 31, 23, 0, 0, tzinfo=UTC), True, id="midnight-in-oslo"),
        pytest.param(datetime(2026, 12, 31, 23, 0, 1, tzinfo=UTC), True, id="one-second-after"),
    ],
)
@pytest.mark.parametrize("event", ["review", "submit", "approve", "exercise"])
def test_an_option_is_open_to_the_end_of_its_last_day_in_oslo(event: str, instant: datetime, refused: bool) -> None:
    rule = workflow.rule_of("option", event)
    assert rule is not None
    facts = replace(fine("option", rule), on=date(2026, 12, 31))
    codes = {refusal.code for refusal in refusals_of(rule, facts, instant)}
    assert codes == ({"deadline_passed"} if refused else set())
    lapse = workflow.rule_of("option", "lapse")
    assert lapse is not None
    assert (refusals_of(lapse, replace(facts, kind="option"), instant) == ()) is refused


def test_a_summer_deadline_ends_with_the_summer_day() -> None:
    assert workflow.deadline_over(date(2027, 6, 30)) == datetime(2027, 6, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("on", "code"),
    [
        pytest.param(date(2026, 10, 16), "signed_in_future", id="tomorrow"),
        pytest.param(date(2023, 12, 31), "outside_term", id="before-the-term"),
    ],
)
def test_a_signature_lies_within_the_term_and_not_in_the_future(on: date, code: str) -> None:
    rule = workflow.rule_of("activation", "order")
    assert rule is not None
    assert [one.code for one in refusals_of(rule, replace(fine("activation", rule), on=on))] == [code]


def test_an_option_is_not_signed_after_its_last_day() -> None:
    rule = workflow.rule_of("option", "exercise")
    assert rule is not None
    facts = replace(fine("option", rule), deadline=date(2026, 10, 15), on=date(2026, 10, 16))
    assert "signed_too_late" in {one.code for one in refusals_of(rule, facts)}


def warnings_of(event: str, **changes: Any) -> list[str]:
    rule = workflow.rule_of("activation", event)
    assert rule is not None
    answer = decide(rule.sources[0], event, replace(fine("activation", rule), **changes), NOW)
    assert isinstance(answer, Transition), answer
    return [warning.code for warning in answer.warnings]


def test_what_only_warns_does_not_refuse() -> None:
    soon = replace(CERTIFICATE, expires_on=date(2027, 10, 31))
    assert warnings_of("submit", certificates=(soon,)) == ["certificate_expires_soon"]
    assert warnings_of("submit", certificates=(replace(soon, expires_on=date(2027, 11, 1)),)) == []
    assert warnings_of("submit", ends_on=date(2028, 1, 2)) == ["call_off_outlives_term"]
    assert warnings_of("submit", ceiling=CeilingFacts(None, Decimal(0), Decimal(0))) == ["maximum_unknown"]
    assert warnings_of("submit", funding={2026: Decimal(1), 2027: Decimal(100_000)}) == ["funding_below_cost"]
    budgets = {2026: Decimal(100_000), 2027: Decimal(100_000)}
    assert warnings_of("submit", funding=budgets, bound={2027: Decimal(40_000)}) == []
    assert warnings_of("submit", funding=budgets, bound={2027: Decimal("40000.01")}) == ["funding_below_cost"]
    exact = CeilingFacts(Decimal(720_000), Decimal(500_000), Decimal(100_000))
    assert warnings_of("submit", ceiling=exact) == []


def test_an_allowed_override_turns_the_ceiling_into_a_warning() -> None:
    short = CeilingFacts(Decimal(100), Decimal(0), Decimal(0), override=True)
    assert warnings_of("submit", ceiling=short) == ["overridden"]


def test_an_option_whose_plan_would_not_fit_is_warned_of_only() -> None:
    rule = workflow.rule_of("option", "submit")
    assert rule is not None
    facts = replace(fine("option", rule), ceiling=CeilingFacts(Decimal(100), Decimal(0), Decimal(0)))
    answer = decide("under_review", "submit", facts, NOW)
    assert isinstance(answer, Transition)
    assert [warning.code for warning in answer.warnings] == ["plan_above_ceiling"]


@pytest.mark.parametrize("event", ["return", "reject"])
def test_a_decision_against_it_says_why(event: str) -> None:
    rule = workflow.rule_of("activation", event)
    assert rule is not None
    assert [one.code for one in refusals_of(rule, replace(fine("activation", rule), comment="  "))] == [
        "comment_missing"
    ]


def test_two_approvals_are_two_people_in_any_order() -> None:
    """A, A, B, A: the second A is refused, B completes it, and nobody approves what is approved."""
    rule = workflow.rule_of("activation", "approve")
    assert rule is not None
    two = replace(fine("activation", rule), approvals_needed=2, actor="a", principal="a")
    first = decide("submitted", "approve", two, NOW)
    assert isinstance(first, Transition)
    assert first.target == "submitted"
    again = replace(two, approvals=(Decided("a", "a"),))
    assert [one.code for one in refusals_of(rule, again)] == ["approved_already"]
    for actor, principal in (("b", "a"), ("a", "b")):
        disguised = replace(again, actor=actor, principal=principal)
        assert [one.code for one in refusals_of(rule, disguised)] == ["approved_already"]
    second = decide("submitted", "approve", replace(again, actor="b", principal="b"), NOW)
    assert isinstance(second, Transition)
    assert second.target == "approved"
    assert isinstance(decide("approved", "approve", two, NOW), Refusals)


def test_an_order_needs_the_approvals_that_the_amount_needs() -> None:
    rule = workflow.rule_of("activation", "order")
    assert rule is not None
    facts = replace(fine("activation", rule), approvals_needed=2)
    assert [(one.code, one.numbers["needed"]) for one in refusals_of(rule, facts)] == [("approvals_missing", "2")]


@pytest.mark.parametrize(
    ("event", "also"),
    [
        ("submit", set()),
        ("order", {"call_off_form"}),
        ("go_live", {"call_off_form", "integration", "validation_report", "training"}),
    ],
)
def test_a_dossier_item_is_due_by_its_step_and_stays_due(event: str, also: set[str]) -> None:
    first = {
        "decision_and_funding",
        "dpia",
        "risk_analysis",
        "processor_agreement",
        "mini_hta",
        "local_it",
        "intended_use",
        "ethics",
        "not_trained_on_images",
    }
    assert set(workflow.required_items("activation", event)) == first | also


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(Item("dpia", "offered", "ab"), id="offered"),
        pytest.param(Item("dpia", "refused", "ab"), id="refused"),
        pytest.param(Item("dpia", "accepted", None), id="without-a-document"),
    ],
)
def test_an_item_counts_only_with_an_accepted_document(item: Item) -> None:
    rule = workflow.rule_of("activation", "submit")
    assert rule is not None
    facts = fine("activation", rule)
    others = tuple(one for one in facts.items if one.code != "dpia")
    found = refusals_of(rule, replace(facts, items=(*others, item)))
    assert [(one.code, one.numbers["item"]) for one in found] == [("item_not_accepted", "dpia")]
    lacking = Item("dpia", "accepted", "ab", ("place",))
    assert [one.code for one in refusals_of(rule, replace(facts, items=(*others, lacking)))] == ["item_incomplete"]


def test_prices_are_looked_for_on_every_day_of_the_period() -> None:
    late = replace(book().versions[0], valid_from=date(2026, 11, 2))
    gap = replace(book(), versions=(late,))
    period = Period(date(2026, 11, 1), date(2027, 1, 1))
    assert list(workflow.price_problems(gap, "ct-pe", period)) == [("no_price", date(2026, 11, 1))]
    period = Period(date(2026, 11, 2), date(2027, 1, 1))
    assert list(workflow.price_problems(gap, "ct-pe", period)) == []
    unpriced = replace(book().versions[0], valid_from=date(2026, 12, 1), charges=())
    two = replace(book(), versions=(*book().versions, unpriced))
    assert list(workflow.price_problems(two, "ct-pe", period)) == [("no_price", date(2026, 12, 1))]
    before = Period(date(2026, 11, 2), date(2026, 12, 1))
    assert list(workflow.price_problems(two, "ct-pe", before)) == []


def test_the_diagram_draws_every_step_of_the_table() -> None:
    for kind in workflow.STATES:
        drawn = workflow.diagram(kind).splitlines()
        steps = {
            f"    {source} --> {rule.target}: {rule.event}"
            for rule in workflow.RULES
            if rule.kind == kind
            for source in rule.sources
        }
        assert steps == {line for line in drawn if ": " in line}


def test_a_go_live_a_day_later_than_approved_is_fine() -> None:
    rule = workflow.rule_of("activation", "go_live")
    assert rule is not None
    facts = replace(fine("activation", rule), on=desk.START + timedelta(days=1))
    assert refusals_of(rule, facts) == ()
