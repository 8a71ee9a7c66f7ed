"""The catalogue: references, descriptions and scores are recorded by one role, superseded and never overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask

from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.options import catalogue
from contracts.people.access import ROLES, TRUST_ROLES
from contracts.terms.evidence import CRITERIA
from tests import desk
from tests.desk import ALGORITHM, MANAGER, NOW, Desk

LATER = datetime(2026, 11, 1, 9, tzinfo=UTC)
REFERENCE: dict[str, Any] = {
    "kind": "validation",
    "authors": "Author A, Author B",
    "year": 2023,
    "title": "A validation",
    "journal": "A journal",
}


@pytest.fixture
def at_desk(app: Flask) -> Iterator[Desk]:
    agreement_id = desk.open_desk(akershus="exercised")
    with db.write() as session:
        yield Desk(session, agreement_id)
        session.rollback()


def refer(at: Desk, **more: Any) -> catalogue.Reference:
    values: dict[str, Any] = {"actor": MANAGER, "now": NOW, "algorithm": ALGORITHM} | REFERENCE | more
    return catalogue.record_reference(at.session, **values)


def product(at: Desk, code: str = ALGORITHM, known_at: datetime | None = None) -> catalogue.Product:
    return catalogue.find_product(at.session, at.agreement_id, code, known_at)


def test_what_nobody_gave_is_not_there(at_desk: Desk) -> None:
    found = product(at_desk)
    assert (found.description, found.certificates, found.references, found.versions, found.scores) == (
        None,
        (),
        (),
        (),
        (),
    )
    assert found.total_score is None


def test_references_are_listed_by_kind_the_newest_first(at_desk: Desk) -> None:
    refer(at_desk, year=2021)
    refer(at_desk, year=2024)
    refer(at_desk, kind="clinical", year=2022, independent=True, participants=812)
    assert [one.year for one in product(at_desk).references_of("validation")] == [2024, 2021]
    (clinical,) = product(at_desk).references_of("clinical")
    assert (clinical.independent, clinical.peer_reviewed, clinical.participants) == (True, None, 812)


def test_a_corrected_reference_supersedes_and_the_former_is_still_known_as_it_was(at_desk: Desk) -> None:
    first = refer(at_desk, title="A misprint")
    refer(at_desk, title="The title", replaces=first.id, now=LATER)
    assert [one.title for one in product(at_desk).references] == ["The title"]
    assert [one.title for one in product(at_desk, known_at=NOW).references] == ["A misprint"]
    with pytest.raises(NotFound):
        refer(at_desk, title="Again", replaces=first.id)


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"kind": "rumour"}, "#/kind"),
        ({"year": 1949}, "#/year"),
        ({"year": 2028}, "#/year"),
        ({"title": "  "}, "#/title"),
        ({"authors": "x" * 501}, "#/authors"),
        ({"doi": "x" * 201}, "#/doi"),
        ({"participants": 0}, "#/participants"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_reference_that_cannot_be_is_refused_by_its_place(
    at_desk: Desk, values: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        refer(at_desk, **values)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert product(at_desk).references == ()


@pytest.mark.parametrize("role", ROLES)
def test_only_a_contract_manager_records_in_the_catalogue(at_desk: Desk, role: str) -> None:
    actor = desk.person("somebody", role, trust=desk.TRUST if role in TRUST_ROLES else None)
    if role == "contract_manager":
        assert refer(at_desk, actor=actor).year == 2023
        return
    with pytest.raises(Denied):
        refer(at_desk, actor=actor)


def score(at: Desk, criterion: str, points: int, **more: Any) -> None:
    values: dict[str, Any] = {"reason": "Because", "actor": MANAGER, "now": NOW} | more
    catalogue.score_need(at.session, algorithm=ALGORITHM, criterion=criterion, score=points, **values)


def test_scores_are_added_up_only_when_every_criterion_is_scored(at_desk: Desk) -> None:
    for criterion in CRITERIA[:-1]:
        score(at_desk, criterion, 4)
    assert product(at_desk).total_score is None
    score(at_desk, CRITERIA[-1], 2)
    assert product(at_desk).total_score == 18
    score(at_desk, "risk", 5, now=LATER)
    assert product(at_desk).total_score == 21
    assert product(at_desk, known_at=NOW).total_score == 18


@pytest.mark.parametrize(("criterion", "points"), [("taste", 3), ("risk", 0), ("risk", 6)])
def test_a_score_outside_the_scale_is_refused(at_desk: Desk, criterion: str, points: int) -> None:
    with pytest.raises(InvalidInput):
        score(at_desk, criterion, points)


def test_a_version_is_recorded_once(at_desk: Desk) -> None:
    values: dict[str, Any] = {"algorithm": ALGORITHM, "version": "2.1", "actor": MANAGER, "now": NOW}
    catalogue.record_version(at_desk.session, released_on=date(2026, 1, 1), **values)
    with pytest.raises(Conflict):
        catalogue.record_version(at_desk.session, released_on=date(2026, 2, 1), **values)
    assert [one.version for one in product(at_desk).versions] == ["2.1"]


def test_a_description_is_superseded_by_the_next(at_desk: Desk) -> None:
    values: dict[str, Any] = {"algorithm": ALGORITHM, "organ": "Lung", "function": "Flagging", "actor": MANAGER}
    catalogue.describe(at_desk.session, intended_use="First", now=NOW, **values)
    catalogue.describe(at_desk.session, intended_use="Second", now=LATER, **values)
    described = [product(at_desk, known_at=moment).description for moment in (NOW, None)]
    assert [one and one.intended_use for one in described] == ["First", "Second"]


def test_an_unknown_algorithm_is_not_found(at_desk: Desk) -> None:
    with pytest.raises(NotFound):
        refer(at_desk, algorithm="nothing")
    with pytest.raises(NotFound):
        product(at_desk, "nothing")


def test_a_class_below_the_lowest_is_told(at_desk: Desk) -> None:
    assert not product(at_desk).below_class


def test_the_last_day_of_a_running_products_newest_certificate_is_a_deadline(at_desk: Desk) -> None:
    at_desk.certify("xray-skeletal", expires_on=date(2027, 5, 31))
    at_desk.certify("xray-skeletal", expires_on=date(2026, 12, 31), number="NB-0")
    at_desk.certify(ALGORITHM, expires_on=date(2027, 1, 31))
    ends = catalogue.certificate_ends(at_desk.session, at_desk.agreement_id, NOW.date())
    assert [(one.key, one.due_on) for one in ends] == [("xray-skeletal", date(2027, 5, 31))]


def open_cases(at: Desk, today: date) -> list[tuple[str, date]]:
    return [(one.key, one.due_on) for one in catalogue.uncertified(at.session, at.agreement_id, today)]


def test_an_expired_certificate_of_what_runs_opens_a_case_until_it_is_renewed_or_paused(at_desk: Desk) -> None:
    at_desk.fund()
    case_id = at_desk.draft()
    at_desk.certify(expires_on=date(2026, 12, 31))
    at_desk.file(case_id)
    at_desk.bring(case_id, "live")
    assert open_cases(at_desk, date(2026, 12, 31)) == []
    assert open_cases(at_desk, date(2027, 1, 1)) == [("akershus:ct-pe", date(2027, 1, 30))]
    assert open_cases(at_desk, date(2027, 3, 1)) == [("akershus:ct-pe", date(2027, 1, 30))]
    at_desk.act(case_id, "suspend", MANAGER, on=date(2027, 1, 5))
    assert open_cases(at_desk, date(2027, 1, 6)) == []
    at_desk.certify(number="NB-2", valid_from=date(2027, 1, 1), expires_on=date(2030, 1, 1))
    at_desk.act(case_id, "resume", MANAGER, on=date(2027, 1, 8))
    assert open_cases(at_desk, date(2027, 1, 9)) == []
