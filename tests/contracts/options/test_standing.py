"""A state never runs ahead of its day, and what a page says of a step is what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask

from contracts.cases import CaseId
from contracts.errors import Conflict, Denied, Refused
from contracts.extensions import db
from contracts.options import board, dossier
from contracts.options import steps as options
from contracts.options.steps import Request
from contracts.terms import workflow
from tests import desk
from tests.desk import EVERYBODY, MANAGER, NOW, START, TRUST, Desk

TODAY = NOW.date()


@pytest.fixture
def at_desk(app: Flask) -> Iterator[Desk]:
    agreement_id = desk.open_desk(akershus="exercised", nord_norge="listed")
    with db.write() as session:
        yield Desk(session, agreement_id)
        session.rollback()


def test_a_go_live_that_lies_ahead_is_planned_until_its_day(at_desk: Desk) -> None:
    case = at_desk.case(at_desk.bring(at_desk.prepared(), "live"))
    assert case.state == "live"
    assert [case.standing(day) for day in (TODAY, START - timedelta(days=1), START)] == [
        "validating",
        "validating",
        "live",
    ]
    planned = case.ahead(TODAY)
    assert planned is not None
    assert (planned.event, planned.on) == ("go_live", START)
    assert case.ahead(START) is None
    for day, live, under_way in ((TODAY, 0, 1), (START, 1, 0)):
        (row,) = board.board([at_desk.case(CaseId("option", TRUST)), case], day)
        assert (row.live, row.under_way) == (live, under_way)


def test_an_end_that_lies_ahead_leaves_the_algorithm_live_until_it(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "live")
    at_desk.act(case_id, "end", MANAGER, on=date(2027, 3, 1))
    case = at_desk.case(case_id)
    assert [case.standing(day) for day in (TODAY, START, date(2027, 2, 28), date(2027, 3, 1))] == [
        "validating",
        "live",
        "live",
        "ended",
    ]


STATES = [(kind, state) for kind in workflow.STATES for state in workflow.STATES[kind]]


@pytest.mark.parametrize(("kind", "state"), STATES)
@pytest.mark.parametrize("papers", [True, False], ids=["all-papers", "no-papers"])
def test_what_is_said_of_a_step_is_what_comes_of_it(app: Flask, kind: str, state: str, papers: bool) -> None:
    agreement_id = desk.open_desk(akershus="exercised" if kind == "activation" else "listed", nord_norge="exercised")
    with db.write() as session:
        at = Desk(session, agreement_id)
        if kind == "option":
            case_id = CaseId("option", TRUST)
            at.file(case_id)
        else:
            case_id = at.prepared()
        at.bring(case_id, state)
        if not papers:
            # A newer version of each document that stands is not accepted by itself.
            for item in workflow.DOSSIER_ITEMS[case_id.kind]:
                if at.case(case_id).state not in ("declined", "withdrawn", "lapsed", "ended", "rejected"):
                    offered(at, case_id, item)
        for event in workflow.events_of(case_id.kind):
            rule = workflow.rule_of(case_id.kind, event)
            assert rule is not None
            if state in rule.sources:
                for role in rule.roles:
                    for on in sorted({options.usual_day(at.case(case_id), event, TODAY), TODAY, START}):
                        said_and_done(at, case_id, event, role, on)
        session.rollback()


def offered(at: Desk, case_id: CaseId, item: str) -> None:

    try:
        dossier.offer(
            at.session, case=at.case(case_id), item=item, filename="new.txt", content=item.encode() + b"!",
            facts={}, actor=desk.REQUESTER, now=at.now,
        )  # fmt: skip
    except (Conflict, Denied):
        return


def said_and_done(at: Desk, case_id: CaseId, event: str, role: str, on: date) -> None:
    """Ask what is said of a step and take it with the same day: both refuse the same, or neither does."""
    case, actor = at.case(case_id), EVERYBODY[role]
    figures = desk.figures() if (case_id.kind, event) == ("activation", "submit") else None
    said = options.choice(at.session, case, event, actor, at=NOW, on=on, figures=figures)
    assert said.permitted
    point = at.session.begin_nested()
    try:
        options.act(
            at.session, agreement_id=at.agreement_id, case_id=case_id, event=event, figures=figures, actor=actor,
            request=Request(on=on, comment="because"), now=at.now, at=NOW,
        )  # fmt: skip
        done: tuple[str, ...] = ()
    except Refused as error:
        done = tuple(one.code for one in error.refusals)
    point.rollback()
    assert tuple(one.code for one in said.refusals) == done, (event, role, on)
    assert said.allowed == (not done)


def test_the_usual_day_of_a_go_live_is_the_planned_one_and_not_refused(at_desk: Desk) -> None:
    case = at_desk.case(at_desk.bring(at_desk.prepared(), "validating"))
    assert options.usual_day(case, "go_live", TODAY) == START
    assert options.usual_day(case, "go_live", START + timedelta(days=9)) == START + timedelta(days=9)
    (said,) = [one for one in options.choices(at_desk.session, case, desk.REQUESTER, at=NOW) if one.event == "go_live"]
    assert said.allowed
    early = options.choice(at_desk.session, case, "go_live", desk.REQUESTER, at=NOW, on=TODAY)
    assert [one.code for one in early.refusals] == ["before_approved_day"]
