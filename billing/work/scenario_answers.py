"""Answer saved scenarios: the same document under the same knowledge gives the same øre, today and later.

A scenario of all trusts is simulated; one kept to a trust is the expected course, told as that trust may read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from billing.charges.basis import gather
from billing.forecasting.simulate import Fan
from billing.projection.projection import Base, Scenario, project
from billing.projection.simulation import OnDraws, simulate_scenario
from billing.scenarios.answer import answer
from billing.scenarios.scenarios import Revision, actual_of, keep_answer, save, sha256_of
from billing.schemas.projections import dump_projection, load_scenario, refuse_other_trusts
from billing.schemas.simulations import dump_answer, dump_fan
from contracts.errors import Finding, invalid
from contracts.people.access import Actor, Grant
from contracts.terms.money import format_amount
from contracts.terms.period import Period, add_months

HISTORY_MONTHS: Final = 12
# Draws times months times activations that a page or a request waits for; what is more is a job.
LONGEST_WAIT: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A scenario read and found sound, with its document completed, and whether its run is one to wait for."""

    document: dict[str, Any]
    scenario: Scenario
    trust: str | None
    long: bool


def read(
    session: Session, *, agreement_id: int, document: Mapping[str, Any], actor: Actor, today: date, as_of: date | None
) -> Asked:
    """Read a document to be saved: usage known before ``as_of`` counts where it names no day.

    Within one trust the scenario is that trust's: it names no other one and no other base. Raises `InvalidInput`.
    """
    scenario = load_scenario(document, as_of=as_of or today)
    trust = actor.scope("read")
    refuse_other_trusts(scenario, trust)
    if trust is not None and not scenario.base.as_agreed:
        invalid([Finding("#/base", "not_within_a_trust", "another base is for those who read all trusts")])
    terms = gather(session, agreement_id=agreement_id)
    cells = len(terms.activations) + len(scenario.plans)
    size = scenario.draws * len(scenario.period.months()) * max(cells, 1)
    completed = {**document, "as_of": scenario.as_of.isoformat()}
    return Asked(completed, scenario, trust, trust is None and size > LONGEST_WAIT)


def answered(
    session: Session,
    *,
    agreement_id: int,
    document: Mapping[str, Any],
    trust: str | None,
    actor: Actor,
    today: date,
    known_at: datetime,
    on_draws: OnDraws | None = None,
) -> dict[str, Any]:
    """Answer a document as known at ``known_at``, told as those within ``trust`` may read it (None: all of it).

    Beside the projection's answer it has `history`, what the twelve months before did cost, and for another base `as_agreed`:
    the totals without it and the difference draw by draw. Raises `InvalidInput` as `project` does.
    """
    scenario = load_scenario(document, as_of=today)
    asked: dict[str, Any] = {"agreement_id": agreement_id, "scenario": scenario, "known_at": known_at}
    if trust is not None:
        within = Actor(actor.id, actor.name, (Grant("trust_reader", trust),))
        written = dump_projection(project(session, **asked, actor=within), within)
    else:
        found = answer(session, **asked, actor=actor, today=today, on_draws=on_draws)
        written = dump_answer(found)
        if not scenario.base.as_agreed:
            plain = {**asked, "scenario": _as_agreed(found.simulated.scenario)}
            agreed = simulate_scenario(session, **plain, actor=actor)
            course = agreed.with_plans.simulation
            written["as_agreed"] = {
                "total": dump_fan(course.total()),
                "difference": dump_fan(Fan.of(found.simulated.with_plans.simulation.totals - course.totals)),
            }
    before = Period(add_months(scenario.period.start, -HISTORY_MONTHS), scenario.period.start)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    written["history"] = [
        {"month": month.label(), "cost": format_amount(cost)} for month, cost in actual_of(terms, before, trust).items()
    ]
    return written


def answered_again(
    session: Session, revision: Revision, *, actor: Actor, on_draws: OnDraws | None = None
) -> dict[str, Any]:
    """Answer a revision from what was known then."""
    return answered(
        session,
        agreement_id=revision.agreement_id,
        document=revision.document,
        trust=revision.trust,
        actor=actor,
        today=revision.today,
        known_at=revision.known_at,
        on_draws=on_draws,
    )


def reproduced(session: Session, revision: Revision, *, actor: Actor) -> bool:
    """Tell whether answering a revision again gives the same bytes as were kept."""
    return sha256_of(answered_again(session, revision, actor=actor)) == revision.sha256


def save_answered(
    session: Session,
    *,
    agreement_id: int,
    name: str,
    asked: Asked,
    answer: Mapping[str, Any] | None,
    known_at: datetime,
    today: date,
    actor: Actor,
    now: datetime,
    code: str | None = None,
) -> Revision:
    """Save a scenario, or under ``code`` its next revision, with the answer it was given (None: a job brings it)."""
    revision = save(
        session,
        agreement_id=agreement_id,
        name=name,
        document=asked.document,
        trust=asked.trust,
        known_at=known_at,
        today=today,
        actor=actor,
        now=now,
        code=code,
    )
    if answer is not None:
        keep_answer(session, revision_id=revision.id, answer=answer, actor=actor, now=now)
    return revision


def _as_agreed(scenario: Scenario) -> Scenario:
    return replace(scenario, base=Base())
