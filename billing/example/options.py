"""The example's options under way: what trusts have begun and not sent to approval, so that the board tells a story.

One activation lacks its impact assessment, one plans to use a product whose certificate has expired, and one option has
its decision on file with its last day drawing near. Everything is invented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from contracts.cases import CaseId, find_case
from contracts.options import dossier
from contracts.options import steps as options
from contracts.people.access import Actor
from contracts.terms import workflow

_OSLO: Final = ZoneInfo("Europe/Oslo")
Happening = tuple[datetime, Callable[[datetime], object]]

# When, trust, algorithm, planned first day, examinations a month, use, items that are accepted.
DRAFTS: Final[tuple[tuple[datetime, str, str, date, int, str, tuple[str, ...]], ...]] = (
    (
        datetime(2026, 9, 21, 10, tzinfo=_OSLO),
        "sykehuset-ostfold",
        "ct-lung-nodules",
        date(2027, 1, 4),
        210,
        "Påvisning og måling av lungeknuter ved CT thorax av voksne.",
        ("decision_and_funding", "risk_analysis", "processor_agreement", "mini_hta", "local_it", "intended_use"),
    ),
    (
        datetime(2026, 10, 5, 12, tzinfo=_OSLO),
        "oslo",
        "xray-chest",
        date(2027, 2, 1),
        1800,
        "Prioritering av røntgen thorax fra akuttmottaket.",
        ("decision_and_funding",),
    ),
)
REVIEWED: Final = (datetime(2026, 10, 7, 9, tzinfo=_OSLO), "sorlandet")
COST_CENTRE: Final = "5210"
_FACTS: Final = {"year": 2027, "sub_processors": "Ingen (eksempel)", "place": "Norge"}


def option_course(session: Session, agreement_id: int, people: dict[str, Actor], filing: Actor) -> Iterator[Happening]:
    """Give what ``filing`` filed on the trusts' behalf, and what the contract manager drafted and accepted of it."""
    manager = people["contract_manager"]
    for at, *draft in DRAFTS:
        yield at, partial(_draft, session, agreement_id, manager, filing, draft)
    at, trust = REVIEWED
    yield at, partial(_decided, session, agreement_id, manager, filing, trust)


def _draft(session: Session, agreement_id: int, manager: Actor, filing: Actor, draft: list[Any], now: datetime) -> None:
    trust, algorithm, starts_on, quantity, use, accepted = draft
    case = options.draft_activation(
        session,
        agreement_id=agreement_id,
        trust=trust,
        algorithm=algorithm,
        starts_on=starts_on,
        monthly_quantity=quantity,
        intended_use=use,
        actor=manager,
        now=now,
    )
    for item in accepted:
        file_item(session, agreement_id, case.id, item, f"{case.id} ved {trust}", COST_CENTRE, filing, manager, now)


def _decided(session: Session, agreement_id: int, manager: Actor, filing: Actor, trust: str, now: datetime) -> None:
    case_id = CaseId("option", trust)
    about = f"{case_id} ved {trust}"
    file_item(session, agreement_id, case_id, "decision_and_funding", about, COST_CENTRE, filing, manager, now)


def file_item(
    session: Session,
    agreement_id: int,
    case_id: CaseId,
    item: str,
    about: str,
    cost_centre: str,
    filing: Actor,
    accepting: Actor,
    now: datetime,
) -> None:
    """File an invented document for an item of a case, and let another person accept it."""
    case = find_case(session, agreement_id=agreement_id, case_id=case_id)
    facts = _FACTS | {"cost_centre": cost_centre}
    offered = dossier.offer(
        session,
        case=case,
        item=item,
        filename=f"{item.replace('_', '-')}.txt",
        content=f"Eksempel: {item} for {about}. Ikke et virkelig dokument.\n".encode(),
        facts={name: facts[name] for name in workflow.ITEM_FACTS.get(item, ())},
        actor=filing,
        now=now,
    )
    assert offered.entry_id is not None
    # Read again: an option has a case of its own only since something was filed in it.
    case = find_case(session, agreement_id=agreement_id, case_id=case_id)
    dossier.judge(session, case=case, item=item, seen=offered.entry_id, status="accepted", actor=accepting, now=now)
