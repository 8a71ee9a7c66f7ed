"""The whole answer to a scenario: simulated, held against the ceiling, and with a proposed order where one is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from billing.ceiling.burn_down import Outlook, outlook
from billing.projection.projection import Scenario
from billing.projection.simulation import OnDraws, Simulated, prepare, simulated
from billing.projection.starting_order import Proposal, propose
from contracts.people.access import Actor


@dataclass(frozen=True, slots=True)
class Answer:
    """A scenario's cost, when the ceiling comes, and the order proposed (None: no activation leaves its start open)."""

    simulated: Simulated
    outlook: Outlook
    proposal: Proposal | None


def answer(
    session: Session,
    *,
    agreement_id: int,
    scenario: Scenario,
    actor: Actor,
    today: date,
    known_at: datetime | None = None,
    on_draws: OnDraws | None = None,
    threads: int = 1,
) -> Answer:
    """Answer a scenario for a reader of all trusts; `simulation.prepare` tells what it raises.

    Activations with a window are started as proposed, and the answer is that of the scenario so started.
    """
    ready = prepare(session, agreement_id=agreement_id, scenario=scenario, actor=actor, known_at=known_at)
    proposal = None
    if any(window is not None for window in scenario.windows):
        proposal = propose(ready.base, scenario, ready.bound)
        ready = prepare(
            session,
            agreement_id=agreement_id,
            scenario=proposal.applied(scenario),
            actor=actor,
            known_at=known_at,
        )
    found = simulated(ready, on_draws=on_draws, threads=threads)
    return Answer(found, outlook(session, ready, today=today, known_at=known_at), proposal)
