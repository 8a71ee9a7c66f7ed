"""The example's scenarios: what was thought in June, beside which the summer stands by now, and what a trust asks in October."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from billing.work import scenario_answers
from contracts.people.access import Actor

_OSLO: Final = ZoneInfo("Europe/Oslo")
IN_JUNE, IN_OCTOBER = datetime(2026, 6, 9, 10, tzinfo=_OSLO), datetime(2026, 10, 12, 10, tzinfo=_OSLO)
_SHARED: Final[dict[str, Any]] = {
    "draws": 500,
    "seed": 42,
    "noise": None,
    "growth": {"annual": "0", "spread": "0.03"},
    "index": {"annual": "0.03", "spread": "0.01"},
    "end": "all_extensions",
}
AS_IT_RUNS: Final[dict[str, Any]] = {
    **_SHARED,
    "from": "2026-06",
    "to": "2028-01",
    "as_of": "2026-06-01",
    "activations": [],
}
TELEMARK: Final = {
    "trust": "sykehuset-telemark",
    "algorithm": "ct-pe",
    "go_live": "2027-03-01",
    "monthly_volume": 180,
    "adoption_months": 6,
}
ONE_MORE: Final[dict[str, Any]] = {
    **_SHARED,
    "from": "2026-10",
    "to": "2028-01",
    "as_of": "2026-10-01",
    "activations": [TELEMARK],
}
PER_TRUST: Final[dict[str, Any]] = {**ONE_MORE, "base": {"scope": "trust"}}


@dataclass(frozen=True, slots=True)
class Foreseeing:
    """Save the example's scenarios, each as somebody would have saved it on its day."""

    session: Session
    agreement_id: int

    def happenings(self, manager: Actor, requester: Actor) -> Iterator[tuple[datetime, Any]]:
        """Give what happened, each with its instant."""
        yield IN_JUNE, partial(self.save, "Dagens drift videre", AS_IT_RUNS, manager)
        yield IN_OCTOBER, partial(self.save, "CT lungeemboli i Telemark fra mars 2027", ONE_MORE, manager)
        later = IN_OCTOBER.replace(minute=20)
        yield later, partial(self.save, "Telemark, med trinn for hvert HF for seg", PER_TRUST, manager)
        own = {
            **ONE_MORE,
            "activations": [{**TELEMARK, "trust": requester.scope("read"), "algorithm": "ct-pulmonary-metastases"}],
        }
        yield later.replace(minute=40), partial(self.save, "CT lungemetastaser hos oss fra mars 2027", own, requester)

    def save(self, name: str, document: Mapping[str, Any], actor: Actor, now: datetime) -> None:
        """Save one, answered as known at that moment."""
        common: dict[str, Any] = {"agreement_id": self.agreement_id, "actor": actor, "today": now.date()}
        asked = scenario_answers.read(self.session, **common, document=document, as_of=None)
        answer = scenario_answers.answered(
            self.session, **common, document=asked.document, trust=asked.trust, known_at=now
        )
        scenario_answers.save_answered(
            self.session, **common, name=name, asked=asked, answer=answer, known_at=now, now=now
        )
