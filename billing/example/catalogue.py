"""The example's catalogue: what is known of its invented products (`catalogue.json`), how the needs score, and one case that waits.

Everything here is invented: products, makers, certificates, authors, titles and numbers of participants. No real product
is given evidence that it does not have. One product has no clinical reference, one certificate has expired and one expires
within the ramp-up, so that the pages have something to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from billing.example.options import file_item
from contracts.cases import list_cases
from contracts.options import catalogue, funding, gains
from contracts.options import steps as options
from contracts.options.steps import Request
from contracts.people.access import Actor
from contracts.terms import workflow

_OSLO: Final = ZoneInfo("Europe/Oslo")
RECORDED_AT: Final = datetime(2024, 1, 10, 10, tzinfo=_OSLO)
RENEWED_AT: Final = datetime(2026, 2, 17, 10, tzinfo=_OSLO)
SCORED_AT: Final = datetime(2026, 9, 3, 13, tzinfo=_OSLO)
DRAFTED_AT: Final = datetime(2026, 9, 28, 10, tzinfo=_OSLO)
SUBMITTED_AT: Final = datetime(2026, 10, 13, 14, tzinfo=_OSLO)

CASE_TRUST: Final = "akershus"
CASE_ALGORITHM: Final = "mr-ms-followup"
COST_CENTRE: Final = "4711 Bildediagnostikk"
ABOUT: Final = f"{CASE_ALGORITHM} ved {CASE_TRUST}"

Happening = tuple[datetime, Callable[[datetime], object]]

_GAINS: Final = (
    ("Kortere tydetid per undersøkelse", "minutes", "2.5", "16.00", "Tidsstudie i egen avdeling, mai 2026 (eksempel)"),
    (
        "Kortere ventetid på svar før behandling endres",
        "waiting",
        "0.08",
        "850.00",
        "Gjennomgang av 400 svar (eksempel)",
    ),
)


def catalogue_course(session: Session, agreement_id: int, people: dict[str, Actor]) -> Iterator[Happening]:
    """Give what was recorded of the products, and the one case that was drafted and sent to approval."""
    manager = people["contract_manager"]
    yield RECORDED_AT, partial(_evidence, session, manager, until=2023)
    yield RENEWED_AT, partial(_evidence, session, manager, since=2024)
    yield SCORED_AT, partial(_scores, session, manager)
    yield DRAFTED_AT, partial(_draft, session, agreement_id, people)
    yield SUBMITTED_AT, partial(_submit, session, agreement_id, people)


def _evidence(session: Session, manager: Actor, now: datetime, since: int = 0, until: int = 9999) -> None:
    common: dict[str, Any] = {"actor": manager, "now": now}
    known = _known()
    if not since:
        for one in known["certificates"]:
            catalogue.record_certificate(session, **one, **common)
        for one in known["descriptions"]:
            catalogue.describe(session, **one, **common)
    for one in known["references"]:
        if since <= one["year"] <= until:
            catalogue.record_reference(session, **one, **common)
    for one in known["versions"]:
        if since <= one["released_on"].year <= until:
            catalogue.record_version(session, **one, **common)


def _scores(session: Session, manager: Actor, now: datetime) -> None:
    for one in _known()["scores"]:
        catalogue.score_need(session, **one, actor=manager, now=now)


def _known() -> dict[str, list[dict[str, Any]]]:
    """Read what is known of the products; the risk of the chest X-ray is what nobody has scored."""
    document: dict[str, list[dict[str, Any]]] = json.loads(
        Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    )
    days = {"valid_from", "expires_on", "released_on"}
    return {
        kind: [{key: date.fromisoformat(value) if key in days else value for key, value in one.items()} for one in rows]
        for kind, rows in document.items()
    }


def _draft(session: Session, agreement_id: int, people: dict[str, Actor], now: datetime) -> None:
    """Draft the case with its documents, its funding and what it is expected to gain."""
    requester = people["trust_requester"]
    for year, amount in ((2026, "30000.00"), (2027, "300000.00")):
        funding.set_budget(
            session,
            trust=CASE_TRUST,
            cost_centre=COST_CENTRE,
            year=year,
            amount=Decimal(amount),
            approved_on=date(2026, 9, 22),
            reference="Klinikkledermøte 31/2026",
            actor=people["finance_controller"],
            now=now,
        )
    case = options.draft_activation(
        session,
        agreement_id=agreement_id,
        trust=CASE_TRUST,
        algorithm=CASE_ALGORITHM,
        starts_on=date(2026, 12, 1),
        monthly_quantity=140,
        intended_use="Sammenligning av lesjoner ved oppfølging av voksne med MS, alle MR caput med 3D FLAIR.",
        actor=requester,
        now=now,
    )
    for item, due_by in workflow.DOSSIER_ITEMS["activation"].items():
        if due_by == "submit":
            file_item(
                session, agreement_id, case.id, item, ABOUT, COST_CENTRE, requester, people["contract_manager"], now
            )
    for description, kind, amount, value, source in _GAINS:
        gains.describe(
            session,
            case=case,
            kind=kind,
            description=description,
            per_examination=Decimal(amount),
            value=Decimal(value),
            source=source,
            owner=requester.id.removeprefix("person:"),
            actor=requester,
            now=now,
        )


def _submit(session: Session, agreement_id: int, people: dict[str, Actor], now: datetime) -> None:
    case = next(
        one
        for one in list_cases(session, agreement_id=agreement_id)
        if (one.trust, one.algorithm, one.state) == (CASE_TRUST, CASE_ALGORITHM, "draft")
    )
    options.act(
        session,
        agreement_id=agreement_id,
        case_id=case.id,
        event="submit",
        request=Request(comment="Klar til avgjørelse."),
        actor=people["trust_requester"],
        now=now,
    )
