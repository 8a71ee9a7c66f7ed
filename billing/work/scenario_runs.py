"""Long runs of saved scenarios by a worker: progress in draws, and a first fan after 500 of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from billing.forecasting.simulate import Simulation
from billing.scenarios import scenarios
from billing.schemas.simulations import dump_fan
from billing.work import scenario_answers
from contracts.errors import Denied
from contracts.extensions import db
from contracts.people import access
from contracts.work import jobs
from contracts.work.jobs import Progress

PROVISIONAL: Final = "provisional"


def register() -> None:
    """Make the kind of job known to this process."""
    jobs.register(scenarios.JOB, run, act="read", phases=("draw", "keep"))


def run(progress: Progress, params: dict[str, Any]) -> Mapping[str, Any]:
    """Answer a revision that waits for it; what is answered already stays as it is."""
    with db.read() as session:
        actor = access.find_actor(session, params["by"])
        if actor is None:
            raise Denied("who saved the scenario is no longer known")
        revision = scenarios.find_by_id(session, revision_id=params["revision"], actor=actor)
        if revision.answer is not None:
            return {"scenario": revision.label, "sha256": revision.sha256}
        told = _Told(progress, int(revision.document.get("draws", 1)))
        answer = scenario_answers.answered_again(session, revision, actor=actor, on_draws=told)
    progress.phase("keep")
    with progress.write() as session:
        digest = scenarios.keep_answer(
            session, revision_id=revision.id, answer=answer, actor=actor, now=datetime.now(UTC)
        )
    return {"scenario": revision.label, "sha256": digest}


class _Told:
    """Tell how many draws are done, and once what the first of them say."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        progress.phase("draw", total)

    def __call__(self, so_far: Simulation) -> None:
        self._progress.check_cancel()
        first = self._done == 0
        self._progress.advance(so_far.draws - self._done)
        self._done = so_far.draws
        if first and so_far.draws < self._total:
            self._progress.finding(provisional(so_far, self._total))


def provisional(so_far: Simulation, total: int) -> dict[str, Any]:
    """Write the fan of the first draws, to be shown marked as such."""
    months = [
        {"month": month.label(), **dump_fan(fan), "p25": str(fan.p25), "p75": str(fan.p75)}
        for month, fan in zip(so_far.months, so_far.fans(), strict=True)
    ]
    return {
        "code": PROVISIONAL,
        "draws": so_far.draws,
        "of": total,
        "total": dump_fan(so_far.total()),
        "months": months,
    }
