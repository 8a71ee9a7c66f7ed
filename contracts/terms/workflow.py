"""The workflow of options and activations as one table, and the decision whether a step may be taken.

Two machines: a trust's *option* (may it join?) and an *activation* (one algorithm at one trust). `RULES` says of each
step from which states it may come, where it leads, who may take it and which guards it must pass. A guard is a pure
function from facts to what it refuses or warns of, each with its numbers and its clause. `decide` answers with the
transition or with everything that refuses it; pages, API, documentation and tests are made from the same table.

Deadlines count to the end of their day in Oslo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

from contracts.terms.cost_figures import CostFigures
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import PriceBook, covers
from contracts.terms.price_model import UsageCharge

OSLO = ZoneInfo("Europe/Oslo")

Kind = Literal["option", "activation"]

OPTION_STATES = (
    "listed",
    "under_review",
    "submitted",
    "approved",
    "exercised",
    "declined",
    "withdrawn",
    "lapsed",
    "ended",
)
ACTIVATION_STATES = (
    "draft",
    "submitted",
    "approved",
    "ordered",
    "validating",
    "live",
    "suspended",
    "ended",
    "rejected",
    "withdrawn",
)
STATES: dict[Kind, tuple[str, ...]] = {"option": OPTION_STATES, "activation": ACTIVATION_STATES}
# In these states an activation holds its algorithm at its trust: no second one may come beside it.
HOLDING = frozenset({"submitted", "approved", "ordered", "validating", "live", "suspended"})
# In these states an activation's mean cost is committed.
COMMITTED = frozenset({"approved", "ordered", "validating", "live", "suspended"})

CALENDAR = "calendar"
_REQUESTERS = frozenset({"trust_requester", "contract_manager"})
_APPROVER = frozenset({"approver"})
_MANAGER = frozenset({"contract_manager"})

# The classes that an algorithm may have: IIa and above.
CE_CLASSES = ("IIa", "IIb", "III")


@dataclass(frozen=True, slots=True)
class Rule:
    """One step of one machine.

    ``decision`` is a step that nobody takes on what they had a hand in; ``needs_comment`` one that says why.
    """

    kind: Kind
    event: str
    sources: tuple[str, ...]
    target: str
    roles: frozenset[str]
    guards: tuple[str, ...] = ()
    decision: bool = False
    needs_comment: bool = False


RULES: tuple[Rule, ...] = (
    Rule("option", "review", ("listed",), "under_review", _REQUESTERS, ("named_holder", "window")),
    Rule(
        "option",
        "submit",
        ("under_review",),
        "submitted",
        _REQUESTERS,
        ("named_holder", "window", "dossier", "planned_cost"),
    ),
    Rule(
        "option",
        "approve",
        ("submitted",),
        "approved",
        _APPROVER,
        ("named_holder", "window", "segregation", "stale_approval", "planned_cost"),
        decision=True,
    ),
    Rule(
        "option",
        "return",
        ("submitted", "approved"),
        "under_review",
        _APPROVER,
        ("segregation",),
        decision=True,
        needs_comment=True,
    ),
    Rule(
        "option",
        "decline",
        ("submitted",),
        "declined",
        _APPROVER,
        ("segregation",),
        decision=True,
        needs_comment=True,
    ),
    Rule(
        "option",
        "exercise",
        ("approved",),
        "exercised",
        _MANAGER,
        ("named_holder", "window", "dossier", "stale_approval", "no_double"),
    ),
    Rule("option", "withdraw", ("under_review", "submitted", "approved"), "withdrawn", _REQUESTERS),
    Rule(
        "option",
        "lapse",
        ("listed", "under_review", "submitted", "approved"),
        "lapsed",
        frozenset({CALENDAR}),
        ("deadline_passed",),
    ),
    Rule("option", "end", ("exercised",), "ended", _MANAGER),
    Rule(
        "activation",
        "submit",
        ("draft",),
        "submitted",
        _REQUESTERS,
        (
            "option_exercised",
            "named_holder",
            "window",
            "ceiling",
            "prices",
            "algorithm",
            "dossier",
            "budget",
            "no_double",
        ),
    ),
    Rule(
        "activation",
        "approve",
        ("submitted",),
        "approved",
        _APPROVER,
        (
            "option_exercised",
            "named_holder",
            "window",
            "ceiling",
            "prices",
            "algorithm",
            "dossier",
            "budget",
            "segregation",
            "stale_approval",
            "no_double",
        ),
        decision=True,
    ),
    Rule(
        "activation",
        "return",
        ("submitted", "approved"),
        "draft",
        _APPROVER,
        ("segregation",),
        decision=True,
        needs_comment=True,
    ),
    Rule(
        "activation",
        "reject",
        ("submitted",),
        "rejected",
        _APPROVER,
        ("segregation",),
        decision=True,
        needs_comment=True,
    ),
    Rule(
        "activation",
        "order",
        ("approved",),
        "ordered",
        _MANAGER,
        (
            "option_exercised",
            "named_holder",
            "window",
            "prices",
            "algorithm",
            "dossier",
            "budget",
            "stale_approval",
            "no_double",
        ),
    ),
    Rule(
        "activation",
        "start_validation",
        ("ordered",),
        "validating",
        _REQUESTERS,
        ("option_exercised", "named_holder", "algorithm"),
    ),
    Rule(
        "activation",
        "go_live",
        ("validating",),
        "live",
        _REQUESTERS,
        (
            "option_exercised",
            "named_holder",
            "prices",
            "algorithm",
            "dossier",
            "not_earlier",
            "course",
            "open_quarter",
            "no_double",
        ),
    ),
    Rule("activation", "suspend", ("live",), "suspended", _MANAGER, ("course",)),
    Rule("activation", "resume", ("suspended",), "live", _MANAGER, ("option_exercised", "algorithm", "course")),
    Rule(
        "activation",
        "withdraw",
        ("draft", "submitted", "approved", "ordered", "validating"),
        "withdrawn",
        _REQUESTERS,
    ),
    Rule("activation", "end", ("live", "suspended"), "ended", _MANAGER, ("course", "open_quarter")),
)

# Which items a dossier must have accepted by which step.
DOSSIER_ITEMS: dict[Kind, dict[str, str]] = {
    "option": {"decision_and_funding": "submit", "call_off_form": "exercise"},
    "activation": {
        "decision_and_funding": "submit",
        "dpia": "submit",
        "risk_analysis": "submit",
        "processor_agreement": "submit",
        "mini_hta": "submit",
        "local_it": "submit",
        "intended_use": "submit",
        "ethics": "submit",
        "not_trained_on_images": "submit",
        "call_off_form": "order",
        "integration": "go_live",
        "validation_report": "go_live",
        "training": "go_live",
    },
}
# The order of the steps along which dossier items fall due.
_COURSE = ("submit", "approve", "exercise", "order", "start_validation", "go_live")

# What an item says beside its document: left out, the item is not complete.
ITEM_FACTS: dict[str, tuple[str, ...]] = {
    "decision_and_funding": ("cost_centre", "year"),
    "processor_agreement": ("sub_processors", "place"),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What one guard says: a code, the numbers it rests on, one English sentence and the clause or source."""

    guard: str
    code: str
    detail: str
    clause: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict)
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a dossier as it stands; ``sha256`` is its document's, ``None`` where there is none."""

    code: str
    status: Literal["missing", "offered", "accepted", "refused"]
    sha256: str | None = None
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A product's conformity certificate; ``expires_on`` is its last day."""

    number: str
    ce_class: str
    valid_from: date
    expires_on: date
    research_only: bool = False


@dataclass(frozen=True, slots=True)
class CeilingFacts:
    """The ceiling's figures before this request, in kroner excluding VAT; ``open_others`` is without this request's own.

    ``maximum`` is ``None`` where none is known, which never means unlimited. ``override`` is an override that an approver
    allowed for exactly this request.
    """

    maximum: Decimal | None
    used: Decimal
    open_others: Decimal
    override: bool = False

    @property
    def headroom(self) -> Decimal | None:
        """Give what is left before this request."""
        return None if self.maximum is None else self.maximum - self.used - self.open_others


@dataclass(frozen=True, slots=True)
class Cover:
    """Whether the budget of a cost centre holds a plan in a year, kroner excluding VAT.

    ``bound`` is what of it is actual, forecast or committed without the plan; ``cost`` is the plan's for its own trust.
    """

    year: int
    budget: Decimal | None
    bound: Decimal
    cost: Decimal

    @property
    def left(self) -> Decimal:
        """Give what is left of the budget after the plan; below zero it does not hold it."""
        return (self.budget or Decimal(0)) - self.bound - self.cost


def cover_by_year(
    figures: CostFigures, budgets: Mapping[int, Decimal], bound: Mapping[int, Decimal]
) -> tuple[Cover, ...]:
    """Hold a plan's cost against the budgets, year by year; a year in which it costs nothing, or saves, needs none."""
    return tuple(
        Cover(year, budgets.get(year), bound.get(year, Decimal(0)), cost)
        for year, cost in sorted(figures.by_year.items())
        if cost > 0
    )


@dataclass(frozen=True, slots=True)
class Decided:
    """An approval that was given: by whom, and in whose place (the same person where nobody is stood in for)."""

    by: str
    principal: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a decision rests on, gathered by the use case under its lock.

    ``on`` is the day the step is true from; ``term`` the agreement's with all extensions that were taken up; ``deadline``
    the option's last day. ``starts_on`` and ``ends_on`` are the plan's. ``requesters`` are all who had a hand in the
    case; ``validating_since`` and ``live_since`` are its days so far, ``first_open`` the first day that is not in a closed
    quarter; ``funding`` is the budget of its cost centre by year, ``bound`` what of it is actual, forecast or committed without
    this plan; ``submitted_basis`` and ``basis`` are what was submitted and what the case says now, part by part.
    """

    kind: Kind
    trust: str
    on: date
    term: Period
    holders: frozenset[str]
    deadline: date
    algorithm: str | None = None
    option_state: str = "exercised"
    starts_on: date | None = None
    ends_on: date | None = None
    figures: CostFigures | None = None
    ceiling: CeilingFacts = field(default_factory=lambda: CeilingFacts(None, Decimal(0), Decimal(0)))
    price_book: PriceBook = field(default_factory=PriceBook)
    on_marketplace: bool = True
    ce_class: str = "IIa"
    certificates: tuple[CertificateFacts, ...] = ()
    items: tuple[Item, ...] = ()
    funding: Mapping[int, Decimal] = field(default_factory=dict)
    bound: Mapping[int, Decimal] = field(default_factory=dict)
    actor: str = ""
    principal: str = ""
    requesters: frozenset[str] = frozenset()
    approvals: tuple[Decided, ...] = ()
    approvals_needed: int = 1
    submitted_basis: Mapping[str, str] | None = None
    basis: Mapping[str, str] = field(default_factory=dict)
    held_by: str | None = None
    validating_since: date | None = None
    live_since: date | None = None
    first_open: date | None = None
    comment: str = ""
    clauses: Mapping[str, str] = field(default_factory=dict)

    def clause(self, what: str) -> str:
        """Give the clause in which something is agreed, empty where the agreement does not say."""
        return self.clauses.get(what, "")


@dataclass(frozen=True, slots=True)
class Transition:
    """A step that may be taken. ``target`` is the source itself where another approval is still needed."""

    rule: Rule
    source: str
    target: str
    warnings: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusals:
    """A step that may not be taken, with everything that refuses it."""

    event: str
    source: str
    refusals: tuple[Refusal, ...]
    warnings: tuple[Refusal, ...] = ()


Guard = Callable[[Facts, Rule, datetime], Iterator[Refusal]]


def rule_of(kind: Kind, event: str) -> Rule | None:
    """Find the rule of an event, ``None`` where there is no such event."""
    return next((rule for rule in RULES if (rule.kind, rule.event) == (kind, event)), None)


def events_of(kind: Kind) -> tuple[str, ...]:
    """List a machine's events."""
    return tuple(rule.event for rule in RULES if rule.kind == kind)


def events_from(kind: Kind, state: str) -> tuple[Rule, ...]:
    """List the rules whose step may come from a state."""
    return tuple(rule for rule in RULES if rule.kind == kind and state in rule.sources)


def required_items(kind: Kind, event: str) -> tuple[str, ...]:
    """List the dossier items that must be accepted before a step: those that are due by it or by an earlier one."""
    due = _COURSE[: _COURSE.index(event) + 1]
    return tuple(item for item, by in DOSSIER_ITEMS[kind].items() if by in due)


def deadline_over(deadline: date) -> datetime:
    """Give the first instant after a deadline's last day in Oslo.

    >>> deadline_over(date(2026, 12, 31)).isoformat()
    '2027-01-01T00:00:00+01:00'
    """
    return datetime.combine(deadline + timedelta(days=1), datetime.min.time(), tzinfo=OSLO)


def decide(state: str, event: str, facts: Facts, now: datetime) -> Transition | Refusals:
    """Decide whether a step may be taken from a state; whether the actor's roles allow it is asked elsewhere.

    An event that does not exist or does not come from the state is refused for that alone. Otherwise every guard of the
    step is asked, and all that refuse are told together.
    """
    rule = rule_of(facts.kind, event)
    if rule is None:
        detail = f"there is no event '{event}' for an {facts.kind}"
        return Refusals(event, state, (Refusal("state", "unknown_event", detail),))
    if state not in rule.sources:
        detail = f"'{event}' comes from {', '.join(rule.sources)}; this {facts.kind} is {state}"
        return Refusals(event, state, (Refusal("state", "wrong_state", detail, numbers={"state": state}),))
    said = [
        *(_comment_missing(rule) if rule.needs_comment and not facts.comment.strip() else ()),
        *(refusal for name in rule.guards for refusal in GUARDS[name](facts, rule, now)),
    ]
    refusals = tuple(each for each in said if not each.warning)
    warnings = tuple(each for each in said if each.warning)
    if refusals:
        return Refusals(event, state, refusals, warnings)
    enough = event != "approve" or len(facts.approvals) + 1 >= facts.approvals_needed
    return Transition(rule, state, rule.target if enough else state, warnings)


def _comment_missing(rule: Rule) -> Iterator[Refusal]:
    yield Refusal("comment", "comment_missing", f"'{rule.event}' needs a comment that says why")


def _option_exercised(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    if facts.option_state != "exercised":
        detail = f"the option of '{facts.trust}' is {facts.option_state}, not exercised"
        numbers = {"option_state": facts.option_state}
        yield Refusal("option_exercised", "option_not_exercised", detail, facts.clause("option"), numbers)


def _named_holder(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    if facts.trust not in facts.holders:
        detail = f"'{facts.trust}' is none of the {len(facts.holders)} option holders that the agreement names"
        numbers = {"holders": str(len(facts.holders))}
        yield Refusal("named_holder", "not_an_option_holder", detail, facts.clause("option"), numbers)


def _window(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    clause = facts.clause("option") if facts.kind == "option" else facts.clause("term")
    if facts.kind == "option" and now >= deadline_over(facts.deadline):
        detail = f"the option's last day was {facts.deadline.isoformat()}"
        numbers = {"deadline": facts.deadline.isoformat(), "now": now.astimezone(OSLO).isoformat()}
        yield Refusal("window", "deadline_passed", detail, clause, numbers)
    # Signing is what has to lie within the framework's term: a step without a signature only needs that a later one can.
    signed = facts.on if rule.event in ("exercise", "order") else now.astimezone(OSLO).date()
    last = facts.term.end - timedelta(days=1)
    numbers = {"on": signed.isoformat(), "from": facts.term.start.isoformat(), "to": last.isoformat()}
    if signed >= facts.term.end or (rule.event in ("exercise", "order") and signed < facts.term.start):
        detail = f"{signed.isoformat()} is outside the framework's term, {facts.term.start.isoformat()} to {last.isoformat()}"
        yield Refusal("window", "outside_term", detail, facts.clause("term"), numbers)
    if rule.event in ("exercise", "order"):
        if facts.on > now.astimezone(OSLO).date():
            yield Refusal("window", "signed_in_future", f"{facts.on.isoformat()} is still to come", clause, numbers)
        if facts.kind == "option" and facts.on > facts.deadline:
            detail = f"{facts.on.isoformat()} is after the option's last day, {facts.deadline.isoformat()}"
            yield Refusal("window", "signed_too_late", detail, clause, numbers)
    if facts.ends_on is not None and facts.ends_on > facts.term.end:
        detail = f"the call-off ends on {facts.ends_on.isoformat()}, after the framework ({facts.term.end.isoformat()})"
        numbers = {"ends_on": facts.ends_on.isoformat(), "term_end": facts.term.end.isoformat()}
        yield Refusal("window", "call_off_outlives_term", detail, facts.clause("term"), numbers, warning=True)


def _deadline_passed(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    if now < deadline_over(facts.deadline):
        detail = f"the option can be exercised until {facts.deadline.isoformat()} is over"
        numbers = {"deadline": facts.deadline.isoformat()}
        yield Refusal("deadline_passed", "deadline_not_passed", detail, facts.clause("option"), numbers)


def _ceiling(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    if facts.figures is None:
        detail = "there are no cost figures to hold against the ceiling"
        yield Refusal("ceiling", "figures_missing", detail, facts.clause("ceiling"))
        return
    yield from above_ceiling(facts.ceiling, facts.figures.p90, facts.clause("ceiling"))


def above_ceiling(ceiling: CeilingFacts, request: Decimal, clause: str = "") -> Iterator[Refusal]:
    """Hold what something costs at P90, in kroner excluding VAT, against what is left of the maximum value."""
    headroom = ceiling.headroom
    if headroom is None:
        detail = f"no maximum value is known; this request is {request} at P90"
        yield Refusal("ceiling", "maximum_unknown", detail, clause, {"request": str(request)}, warning=True)
        return
    numbers = {
        "maximum": str(ceiling.maximum),
        "used": str(ceiling.used),
        "open": str(ceiling.open_others),
        "headroom": str(headroom),
        "request": str(request),
        "short": str(max(request - headroom, Decimal(0))),
    }
    if request > headroom or ceiling.maximum == 0:
        detail = f"this request is {request} at P90, and {headroom} of the maximum {ceiling.maximum} is left"
        code = "overridden" if ceiling.override else "above_ceiling"
        yield Refusal("ceiling", code, detail, clause, numbers, warning=ceiling.override)


def _planned_cost(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    """Warn of an option whose planned activations would not fit: only activations reserve."""
    headroom = facts.ceiling.headroom
    if facts.figures is not None and headroom is not None and facts.figures.p90 > headroom:
        numbers = {"request": str(facts.figures.p90), "headroom": str(headroom)}
        detail = f"what is planned is {facts.figures.p90} at P90, and {headroom} is left"
        yield Refusal("planned_cost", "plan_above_ceiling", detail, facts.clause("ceiling"), numbers, warning=True)


_WITHIN_TRUST: Final = {
    "maximum_unknown": "no maximum value is known",
    "above_ceiling": "this request is more at P90 than what is left of the maximum",
    "overridden": "this request is more at P90 than what is left of the maximum, which was allowed",
    "plan_above_ceiling": "what is planned is more at P90 than what is left of the maximum",
}


def within_trust(refusal: Refusal) -> Refusal:
    """Give what a guard says as a reader within one trust is told it: of the ceiling, which all share, no amounts."""
    detail = _WITHIN_TRUST.get(refusal.code)
    return refusal if detail is None else replace(refusal, detail=detail, numbers={})


def _prices(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    first = facts.on if rule.event == "go_live" else facts.starts_on
    if first is None:
        yield Refusal("prices", "plan_missing", "no day is planned to start from", facts.clause("prices"))
        return
    period = Period(first, max(facts.term.end, first + timedelta(days=1)))
    for code, day in price_problems(facts.price_book, facts.algorithm or "", period):
        detail = {
            "no_price": f"no price version covers '{facts.algorithm}' on {day.isoformat()}",
            "two_prices": f"two price versions are valid from {day.isoformat()}",
        }[code]
        yield Refusal("prices", code, detail, facts.clause("prices"), {"day": day.isoformat()})


def price_problems(book: PriceBook, algorithm: str, period: Period) -> Iterator[tuple[str, date]]:
    """Give the first day of each stretch of a period that has no price version for an algorithm, or two."""
    starts = sorted({version.valid_from for version in book.versions})
    if not starts or starts[0] > period.start:
        yield "no_price", period.start
    for number, start in enumerate(starts):
        until = starts[number + 1] if number + 1 < len(starts) else date.max
        if until <= period.start or start >= period.end:
            continue
        versions = [version for version in book.versions if version.valid_from == start]
        first = max(start, period.start)
        if len(versions) > 1:
            yield "two_prices", first
        priced = any(
            isinstance(charge, UsageCharge) and covers(charge, algorithm)
            for version in versions
            for charge in version.charges
        )
        if not priced:
            yield "no_price", first


def _algorithm(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    clause = facts.clause("algorithm")
    if not facts.on_marketplace:
        detail = f"'{facts.algorithm}' is not on the agreement's marketplace list"
        yield Refusal("algorithm", "not_on_marketplace", detail, clause)
    day = facts.on if rule.event in ("start_validation", "go_live", "resume") else facts.starts_on or facts.on
    held = [one for one in facts.certificates if one.valid_from <= day <= one.expires_on]
    newest = max(facts.certificates, key=lambda one: one.expires_on, default=None)
    classes = {one.ce_class for one in held} or {facts.ce_class}
    if not classes & set(CE_CLASSES):
        detail = f"the CE class is {', '.join(sorted(classes))}; at least IIa is needed"
        yield Refusal("algorithm", "ce_class_too_low", detail, clause, {"ce_class": ", ".join(sorted(classes))})
    if newest is None:
        yield Refusal(
            "algorithm", "certificate_missing", "no certificate is recorded", clause, {"day": day.isoformat()}
        )
    elif not held:
        numbers = {"day": day.isoformat(), "expires_on": newest.expires_on.isoformat(), "certificate": newest.number}
        detail = (
            f"no certificate is valid on {day.isoformat()}: {newest.number} expires {newest.expires_on.isoformat()}"
        )
        yield Refusal("algorithm", "certificate_not_valid", detail, clause, numbers)
    if held and all(one.research_only for one in held):
        yield Refusal("algorithm", "research_only", "the product is for research only", clause)
    if newest is not None and held and newest.expires_on < add_months(day, 12):
        numbers = {"expires_on": newest.expires_on.isoformat(), "certificate": newest.number}
        detail = f"certificate {newest.number} expires {newest.expires_on.isoformat()}, within the first twelve months"
        yield Refusal("algorithm", "certificate_expires_soon", detail, clause, numbers, warning=True)


def _dossier(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    standing = {item.code: item for item in facts.items}
    for code in required_items(facts.kind, rule.event):
        item = standing.get(code, Item(code, "missing"))
        numbers = {"item": code, "status": item.status}
        if item.status != "accepted" or item.sha256 is None:
            detail = f"'{code}' has no accepted document: it is {item.status}"
            yield Refusal("dossier", "item_not_accepted", detail, facts.clause("dossier"), numbers)
        elif item.lacking:
            detail = f"'{code}' does not say {', '.join(item.lacking)}"
            numbers |= {"lacking": ", ".join(item.lacking)}
            yield Refusal("dossier", "item_incomplete", detail, facts.clause("dossier"), numbers)


def _budget(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    if facts.figures is None:
        yield Refusal("budget", "figures_missing", "there are no cost figures to hold against the budget")
        return
    for one in cover_by_year(facts.figures, facts.funding, facts.bound):
        numbers = {
            "year": str(one.year),
            "cost": str(one.cost),
            "funded": str(one.budget or Decimal(0)),
            "bound": str(one.bound),
            "cover": str(one.left),
        }
        if one.budget is None or one.budget <= 0:
            detail = f"{one.year} costs {one.cost} and has no approved funding"
            yield Refusal("budget", "year_not_funded", detail, "", numbers)
        elif one.left < 0:
            detail = f"{one.year} costs {one.cost}; of the budget {one.budget}, {one.bound} is used or promised already"
            yield Refusal("budget", "funding_below_cost", detail, "", numbers, warning=True)


def _segregation(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    """Refuse whoever had a hand in the case, or decided on it already, in person or through a deputy."""
    acting = {facts.actor, facts.principal}
    clause = facts.clause("segregation")
    if acting & facts.requesters:
        detail = "who drafted, filed or submitted in this case does not decide on it, nor a deputy of theirs"
        yield Refusal("segregation", "own_request", detail, clause)
    decided = {person for approval in facts.approvals for person in (approval.by, approval.principal)}
    if rule.event == "approve" and acting & decided:
        numbers = {"approvals": str(len(facts.approvals)), "needed": str(facts.approvals_needed)}
        detail = "this person has approved already, in person or through a deputy; it takes another one"
        yield Refusal("segregation", "approved_already", detail, clause, numbers)


def _stale_approval(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    if facts.submitted_basis is None:
        yield Refusal("stale_approval", "nothing_submitted", "nothing was submitted that could be decided on")
        return
    parts = sorted(set(facts.submitted_basis) | set(facts.basis))
    changed = [part for part in parts if facts.submitted_basis.get(part) != facts.basis.get(part)]
    if changed:
        detail = f"{', '.join(changed)} changed since it was submitted: approvals of it are void, send it back"
        yield Refusal("stale_approval", "changed_since_submission", detail, "", {"changed": ", ".join(changed)})
    if rule.event != "approve" and len(facts.approvals) < facts.approvals_needed:
        numbers = {"approvals": str(len(facts.approvals)), "needed": str(facts.approvals_needed)}
        detail = f"{len(facts.approvals)} of {facts.approvals_needed} approvals stand"
        yield Refusal("stale_approval", "approvals_missing", detail, "", numbers)


def _not_earlier(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    """Refuse a go-live before the approved day: it would cost more than was approved."""
    if facts.starts_on is not None and facts.on < facts.starts_on:
        numbers = {"on": facts.on.isoformat(), "approved": facts.starts_on.isoformat()}
        detail = f"{facts.on.isoformat()} is before the approved day, {facts.starts_on.isoformat()}"
        yield Refusal("not_earlier", "before_approved_day", detail, "", numbers)


def _course(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    """Refuse a day before the step before it is true; the first day without an algorithm comes after its first one."""
    since = facts.validating_since if rule.event == "go_live" else facts.live_since
    if since is not None and (facts.on < since or (rule.event == "end" and facts.on == since)):
        detail = f"{facts.on.isoformat()} comes too early: the step before it is true from {since.isoformat()}"
        yield Refusal("course", "too_early", detail, "", {"on": facts.on.isoformat(), "since": since.isoformat()})


def _open_quarter(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    """Refuse to change what runs on days whose quarter is closed."""
    if facts.first_open is not None and facts.on < facts.first_open:
        numbers = {"on": facts.on.isoformat(), "first_open": facts.first_open.isoformat()}
        detail = f"everything before {facts.first_open.isoformat()} is closed"
        yield Refusal("open_quarter", "closed_past", detail, "", numbers)


def _no_double(facts: Facts, rule: Rule, now: datetime) -> Iterator[Refusal]:
    if facts.held_by is not None:
        what = facts.algorithm or "an option"
        detail = f"'{what}' at '{facts.trust}' is held by {facts.held_by} already"
        yield Refusal("no_double", "held_already", detail, "", {"held_by": facts.held_by})


GUARDS: dict[str, Guard] = {
    "option_exercised": _option_exercised,
    "named_holder": _named_holder,
    "window": _window,
    "deadline_passed": _deadline_passed,
    "ceiling": _ceiling,
    "planned_cost": _planned_cost,
    "prices": _prices,
    "algorithm": _algorithm,
    "dossier": _dossier,
    "budget": _budget,
    "segregation": _segregation,
    "stale_approval": _stale_approval,
    "not_earlier": _not_earlier,
    "course": _course,
    "open_quarter": _open_quarter,
    "no_double": _no_double,
}


def diagram(kind: Kind) -> str:
    """Draw a machine as a Mermaid state diagram, from the table.

    >>> diagram("option").splitlines()[:3]
    ['stateDiagram-v2', '    [*] --> listed', '    listed --> under_review: review']
    """
    first = STATES[kind][0]
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    for rule in RULES:
        if rule.kind == kind:
            lines += [f"    {source} --> {rule.target}: {rule.event}" for source in rule.sources]
    leaving = {source for rule in RULES if rule.kind == kind for source in rule.sources}
    lines += [f"    {state} --> [*]" for state in STATES[kind] if state not in leaving]
    return "\n".join(lines)
