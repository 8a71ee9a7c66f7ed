"""The example's catalogue: what is known of its invented products, how the needs score, and one case that waits.

Everything here is invented: products, makers, certificates, authors, titles and numbers of participants. No real product
is given evidence that it does not have. One product has no clinical reference, one certificate has expired and one expires
within the ramp-up, so that the pages have something to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from contracts.cases import Case, list_cases
from contracts.options import catalogue, dossier, funding, gains
from contracts.options import steps as options
from contracts.options.steps import Request
from contracts.people.access import Actor
from contracts.terms import workflow
from contracts.terms.evidence import CRITERIA

_OSLO: Final = ZoneInfo("Europe/Oslo")
RECORDED_AT: Final = datetime(2024, 1, 10, 10, tzinfo=_OSLO)
RENEWED_AT: Final = datetime(2026, 2, 17, 10, tzinfo=_OSLO)
SCORED_AT: Final = datetime(2026, 9, 3, 13, tzinfo=_OSLO)
DRAFTED_AT: Final = datetime(2026, 9, 28, 10, tzinfo=_OSLO)
SUBMITTED_AT: Final = datetime(2026, 10, 13, 14, tzinfo=_OSLO)

CASE_TRUST: Final = "akershus"
CASE_ALGORITHM: Final = "mr-ms-followup"
COST_CENTRE: Final = "4711 Bildediagnostikk"

Happening = tuple[datetime, Callable[[datetime], object]]

# code: number, notified body, class, first day, last day.
CERTIFICATES: Final = (
    ("ct-lung-nodules", "EKS-MDR-22017", "IIb", date(2022, 5, 9), date(2028, 12, 31)),
    ("ct-pe", "EKS-MDR-21104", "IIa", date(2021, 11, 22), date(2027, 3, 31)),
    ("ct-pulmonary-metastases", "EKS-MDR-23051", "IIb", date(2023, 8, 14), date(2028, 8, 13)),
    ("mr-ms-followup", "EKS-MDR-20188", "IIa", date(2020, 10, 5), date(2028, 5, 26)),
    ("xray-skeletal", "EKS-MDR-20093", "IIa", date(2020, 4, 20), date(2028, 12, 31)),
    ("xray-chest", "EKS-MDD-21066", "IIa", date(2021, 6, 14), date(2026, 6, 30)),
)
# code: intended use (the maker's words, in English), organ, function, limitations.
DESCRIPTIONS: Final = (
    (
        "ct-lung-nodules",
        "Detection and measurement of solid and sub-solid pulmonary nodules in CT of the chest of adults.",
        "Lunge",
        "Measuring",
        "Ikke til pasienter under 18 år. Knuter under 4 mm måles ikke.",
    ),
    (
        "ct-pe",
        "Flagging of suspected pulmonary embolism in contrast-enhanced CT of the chest, to bring it forward in the list.",
        "Lunge, kar",
        "Flagging",
        "Subsegmentale embolier er utenfor tiltenkt bruk.",
    ),
    (
        "ct-pulmonary-metastases",
        "Detection of pulmonary metastases in follow-up CT of the chest of adults with known cancer.",
        "Lunge",
        "Comparison over time",
        "",
    ),
    (
        "mr-ms-followup",
        "Comparison of lesions between two MR examinations of the head of adults with multiple sclerosis.",
        "Hjerne",
        "Comparison over time",
        "Begge undersøkelsene må ha 3D FLAIR.",
    ),
    (
        "xray-skeletal",
        "Detection of fractures in radiographs of the extremities of patients older than two years.",
        "Skjelett",
        "Flagging",
        "Virvelsøyle, kranium og ansikt er utenfor tiltenkt bruk.",
    ),
)
# code, kind, authors, year, title, journal, design, participants, independent, peer reviewed.
REFERENCES: Final[tuple[tuple[Any, ...], ...]] = (
    ("ct-lung-nodules", "validation", "Eksempel A, Utvalg B", 2022, "Nodule detection on chest CT: a reader study (invented)",
     "Example Journal of Imaging", "Retrospective reader study", 612, False, True),
    ("ct-lung-nodules", "validation", "Prøve C, Mønster D", 2024, "Volume repeatability of a nodule tool (invented)",
     "Example Radiology Reports", "Phantom and retrospective", 240, True, True),
    ("ct-lung-nodules", "clinical", "Mønster D, Utvalg B", 2025, "Nodule tool in a regional lung programme (invented)",
     "Example Journal of Imaging", "Prospective cohort", 1380, True, True),
    ("ct-pe", "validation", "Utvalg B", 2021, "Flagging of pulmonary embolism at three sites (invented)",
     "Example Emergency Radiology", "Retrospective, multi-centre", 2104, False, True),
    ("ct-pe", "clinical", "Eksempel A", 2023, "Time to report with flagged embolism (invented)",
     "Example Emergency Radiology", "Before and after", 936, None, True),
    ("ct-pulmonary-metastases", "validation", "Prøve C", 2023, "Follow-up of pulmonary metastases (invented)",
     "Conference paper", "Retrospective", 178, False, False),
    ("mr-ms-followup", "validation", "Skisse E, Utkast F", 2020, "New lesions in MS follow-up (invented)",
     "Example Neuroradiology", "Retrospective reader study", 334, True, True),
    ("mr-ms-followup", "clinical", "Utkast F", 2022, "Reading time in MS follow-up (invented)",
     "Example Neuroradiology", "Prospective", 121, True, True),
    ("xray-skeletal", "validation", "Eksempel A, Prøve C", 2020, "Fracture detection in extremities (invented)",
     "Example Skeletal Radiology", "Retrospective, multi-centre", 4800, False, True),
    ("xray-skeletal", "validation", "Skisse E", 2023, "Fracture detection by out-patients' age (invented)",
     "Example Skeletal Radiology", "Retrospective", 1540, True, True),
    ("xray-skeletal", "clinical", "Mønster D", 2024, "Waiting avoided in an emergency ward (invented)",
     "Example Emergency Radiology", "Prospective cohort", 3911, True, True),
    ("xray-chest", "validation", "Utkast F", 2021, "Triage of chest radiographs (invented)",
     "Conference paper", "Retrospective", None, None, False),
)  # fmt: skip
VERSIONS: Final = (
    ("ct-lung-nodules", "3.2", date(2025, 11, 3), "Måler også delvis solide knuter."),
    ("ct-pe", "2.0", date(2024, 6, 17), ""),
    ("xray-skeletal", "4.1", date(2026, 1, 12), "Barn fra to år."),
)
# By criterion, in the order of `CRITERIA`; None where nobody has scored.
SCORES: Final[dict[str, tuple[int | None, ...]]] = {
    "ct-lung-nodules": (4, 4, 4, 3, 4),
    "ct-pe": (4, 3, 4, 3, 5),
    "ct-pulmonary-metastases": (2, 2, 3, 3, 4),
    "mr-ms-followup": (3, 2, 4, 2, 3),
    "xray-skeletal": (5, 5, 4, 4, 3),
    "xray-chest": (3, 5, 3, 4, None),
}
_REASONS: Final = {
    "ce_marked": "Antall CE-merkede løsninger i markedet ved gjennomgangen (eksempel).",
    "gain_and_volume": "Ventet gevinst ganger antall undersøkelser i 2025 (eksempel).",
    "competence": "Fagmiljøene ble spurt i september 2026 (eksempel).",
    "breadth": "Modalitet og organ holdt mot det som allerede er i bruk (eksempel).",
    "risk": "Spredning av risiko over pasientgrupper (eksempel).",
}


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
    if not since:
        for code, number, ce_class, first, last in CERTIFICATES:
            catalogue.record_certificate(
                session,
                algorithm=code,
                number=number,
                notified_body="Eksempel Kontrollorgan 9999",
                ce_class=ce_class,
                valid_from=first,
                expires_on=last,
                **common,
            )
        for code, use, organ, function, limits in DESCRIPTIONS:
            catalogue.describe(
                session, algorithm=code, intended_use=use, organ=organ, function=function, limitations=limits, **common
            )
    for code, kind, authors, year, title, journal, design, participants, independent, reviewed in REFERENCES:
        if since <= year <= until:
            catalogue.record_reference(
                session,
                algorithm=code,
                kind=kind,
                authors=authors,
                year=year,
                title=title,
                journal=journal,
                design=design,
                participants=participants,
                independent=independent,
                peer_reviewed=reviewed,
                **common,
            )
    for code, version, released_on, note in VERSIONS:
        if since <= released_on.year <= until:
            catalogue.record_version(
                session, algorithm=code, version=version, released_on=released_on, note=note, **common
            )


def _scores(session: Session, manager: Actor, now: datetime) -> None:
    for code, points in SCORES.items():
        for criterion, score in zip(CRITERIA, points, strict=True):
            if score is not None:
                catalogue.score_need(
                    session,
                    algorithm=code,
                    criterion=criterion,
                    score=score,
                    reason=_REASONS[criterion],
                    actor=manager,
                    now=now,
                )


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
            _file(session, case, item, requester, now)
    for description, kind, amount, value, source in (
        (
            "Kortere tydetid per undersøkelse",
            "minutes",
            "2.5",
            "16.00",
            "Tidsstudie i egen avdeling, mai 2026 (eksempel)",
        ),
        (
            "Kortere ventetid på svar før behandling endres",
            "waiting",
            "0.08",
            "850.00",
            "Gjennomgang av 400 svar (eksempel)",
        ),
    ):
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


def _file(session: Session, case: Case, item: str, requester: Actor, now: datetime) -> None:
    facts = {"cost_centre": COST_CENTRE, "year": 2027, "sub_processors": "Ingen (eksempel)", "place": "Norge"}
    offered = dossier.offer(
        session,
        case=case,
        item=item,
        filename=f"{item.replace('_', '-')}.txt",
        content=f"Eksempel: {item} for {CASE_ALGORITHM} ved {CASE_TRUST}. Ikke et virkelig dokument.\n".encode(),
        facts={name: facts[name] for name in workflow.ITEM_FACTS.get(item, ())},
        actor=requester,
        now=now,
    )
    assert offered.entry_id is not None
    dossier.judge(session, case=case, item=item, seen=offered.entry_id, status="accepted", actor=requester, now=now)


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
