"""Expected gains: described in a draft, owned by somebody, never added up when unknown, observed by the owner alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from billing.decisions import gains as gain_balance
from billing.decisions import papers as decision_papers
from billing.decisions.gains import ordinary_price, year_cost
from contracts import documents
from contracts.cases import CaseId
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.options import gains
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from contracts.terms.cost_figures import CostFigures, MonthCost
from tests import desk
from tests.desk import APPROVER, MANAGER, NOW, OTHER, REQUESTER, TRUST, Desk

OWNER = desk.person("owner", "trust_reader", trust=TRUST)


@pytest.fixture
def at_desk(app: Flask) -> Iterator[Desk]:
    agreement_id = desk.open_desk(akershus="exercised")
    with db.write() as session:
        for email, trust in (("owner@example.org", TRUST), ("elsewhere@example.org", OTHER)):
            access.add_person(
                session,
                email=email,
                name=email.split("@")[0],
                password=None,
                grants=(Grant("trust_reader", trust),),
                actor=COMMAND_LINE,
                now=NOW,
            )
        yield Desk(session, agreement_id)
        session.rollback()


def describe(at: Desk, case_id: CaseId, **more: Any) -> gains.Gain:
    values: dict[str, Any] = {
        "kind": "minutes",
        "description": "Faster reading",
        "per_examination": Decimal("1.5"),
        "value": Decimal("12.00"),
        "source": "Time study",
        "owner": "owner@example.org",
        "actor": REQUESTER,
        "now": NOW,
    } | more
    return gains.describe(at.session, case=at.case(case_id), **values)


def test_a_gain_is_described_with_its_source_and_owner(at_desk: Desk) -> None:
    case_id = at_desk.draft()
    describe(at_desk, case_id)
    (gain,) = gains.list_gains(at_desk.session, at_desk.case(case_id))
    assert (gain.owner, gain.source, gain.per_year(6000)) == (OWNER.id, "Time study", Decimal("108000.00"))


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"kind": "profit"}, "#/kind"),
        ({"description": " "}, "#/description"),
        ({"source": ""}, "#/source"),
        ({"per_examination": Decimal("0.00001")}, "#/per_examination"),
        ({"per_examination": None}, "#/per_examination"),
        ({"value": Decimal("1.005")}, "#/value"),
        ({"value": Decimal("-1.00")}, "#/value"),
        ({"owner": "nobody@example.org"}, "#/owner"),
        ({"owner": "elsewhere@example.org"}, "#/owner"),
        ({"owner": ""}, "#/owner"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_gain_that_cannot_be_is_refused_by_its_place(at_desk: Desk, values: dict[str, Any], pointer: str) -> None:
    case_id = at_desk.draft()
    with pytest.raises(InvalidInput) as refused:
        describe(at_desk, case_id, **values)
    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_what_is_submitted_names_its_gains_for_good(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    gain = describe(at_desk, case_id)
    at_desk.act(case_id, "submit", REQUESTER)
    with pytest.raises(Conflict):
        describe(at_desk, case_id)
    with pytest.raises(Conflict):
        gains.take_back(at_desk.session, case=at_desk.case(case_id), gain_id=gain.id, actor=REQUESTER, now=NOW)
    at_desk.act(case_id, "return", APPROVER)
    gains.take_back(at_desk.session, case=at_desk.case(case_id), gain_id=gain.id, actor=REQUESTER, now=NOW)
    assert gains.list_gains(at_desk.session, at_desk.case(case_id)) == ()
    with pytest.raises(NotFound):
        gains.take_back(at_desk.session, case=at_desk.case(case_id), gain_id=gain.id, actor=REQUESTER, now=NOW)


@pytest.mark.parametrize("actor", [APPROVER, OWNER, desk.person("other", "trust_requester", trust=OTHER)])
def test_only_who_may_draft_the_case_describes_gains(at_desk: Desk, actor: access.Actor) -> None:
    case_id = at_desk.draft()
    with pytest.raises(Denied):
        describe(at_desk, case_id, actor=actor)


def observe(at: Desk, case_id: CaseId, gain: gains.Gain, **more: Any) -> gains.Gain:
    values: dict[str, Any] = {
        "first": date(2026, 11, 1),
        "until": date(2027, 2, 1),
        "per_examination": Decimal("0.9"),
        "note": "Less than expected",
        "actor": OWNER,
        "now": NOW,
    } | more
    return gains.observe(at.session, case=at.case(case_id), gain_id=gain.id, **values)


def test_the_owner_alone_enters_what_was_observed_once_it_is_live(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    gain = describe(at_desk, case_id)
    with pytest.raises(Conflict):
        observe(at_desk, case_id, gain)
    at_desk.bring(case_id, "live")
    with pytest.raises(Denied):
        observe(at_desk, case_id, gain, actor=MANAGER)
    with pytest.raises(InvalidInput):
        observe(at_desk, case_id, gain, first=date(2026, 10, 1))
    with pytest.raises(InvalidInput):
        observe(at_desk, case_id, gain, per_examination=None)
    observe(at_desk, case_id, gain)
    (seen,) = gains.list_gains(at_desk.session, at_desk.case(case_id))
    assert [one.per_examination for one in seen.observed] == [Decimal("0.9")]
    assert seen.per_examination == Decimal("1.5"), "what was expected stands beside it"


def test_nothing_is_added_up_when_one_gain_is_unknown(at_desk: Desk) -> None:
    case_id = at_desk.draft()
    describe(at_desk, case_id)
    listed = gains.list_gains(at_desk.session, at_desk.case(case_id))
    assert gains.worth_of(listed) == Decimal("18.000")
    describe(at_desk, case_id, kind="quality", per_examination=None, value=None)
    both = gains.list_gains(at_desk.session, at_desk.case(case_id))
    assert gains.worth_of(both) is None
    told = gain_balance.balance(at_desk.session, at_desk.case(case_id), years(24), both)
    assert (told.gain_per_year, told.net_per_year, told.break_even) == (None, None, None)
    assert gains.worth_of(()) is None


def years(months: int, ramp_end: date | None = None) -> CostFigures:
    listed = tuple(MonthCost(date(2026 + i // 12, i % 12 + 1, 1), Decimal("1000.00")) for i in range(months))
    total = Decimal(1000) * months
    return CostFigures(
        first=date(2026, 1, 1),
        until=date(2028, 1, 1),
        expected=total,
        p90=total,
        first_year=total,
        ramp_end=ramp_end,
        others=Decimal("0.00"),
        by_month=listed,
        basis="a table in a test",
    )


@pytest.mark.parametrize(
    ("months", "ramp_end", "cost", "price"),
    [
        (24, None, "12000.00", "2.00"),
        (24, date(2027, 1, 1), "12000.00", "2.00"),
        (24, date(2027, 9, 1), "12000.00", "2.00"),
        (24, date(2027, 11, 1), None, None),
        (24, date(2028, 1, 1), None, None),
        (3, None, "12000.00", "2.00"),
        (2, None, None, None),
    ],
)
def test_the_year_compared_is_one_at_ordinary_prices(
    months: int, ramp_end: date | None, cost: str | None, price: str | None
) -> None:
    figures = years(months, ramp_end)
    assert year_cost(figures) == (None if cost is None else Decimal(cost))
    assert ordinary_price(figures, 500) == (None if price is None else Decimal(price))
    assert ordinary_price(figures, 0) is None


def test_the_gains_cover_the_cost_from_the_volume_at_which_rating_says_so(at_desk: Desk) -> None:
    case_id = at_desk.draft()
    describe(at_desk, case_id, per_examination=Decimal(1), value=Decimal("10000.00"))
    listed = gains.list_gains(at_desk.session, at_desk.case(case_id))
    case = at_desk.case(case_id)
    told = gain_balance.balance(at_desk.session, case, years(24), listed)
    assert told.net_per_year == Decimal("59988000.00")
    assert told.break_even is not None
    month = told.break_even // 12
    assert gain_balance._year_at(at_desk.session, case, month, 12) <= Decimal(10000) * told.break_even
    if month > 1:
        below = month - 1
        assert gain_balance._year_at(at_desk.session, case, below, 12) > Decimal(10000) * below * 12


def test_gains_too_small_for_any_volume_have_no_break_even(at_desk: Desk) -> None:
    case_id = at_desk.draft()
    describe(at_desk, case_id, per_examination=Decimal("0.001"), value=Decimal("0.01"))
    listed = gains.list_gains(at_desk.session, at_desk.case(case_id))
    assert gain_balance.balance(at_desk.session, at_desk.case(case_id), years(24), listed).break_even is None


def test_a_submission_files_its_decision_paper_once_and_the_log_names_its_hash(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    describe(at_desk, case_id)
    at_desk.act(case_id, "submit", REQUESTER)
    case = at_desk.case(case_id)
    version, content = decision_papers.paper_bytes(at_desk.session, case, REQUESTER)
    assert content.startswith(b"%PDF")
    again = decision_papers.paper_bytes(at_desk.session, case, APPROVER)
    assert again == (version, content)
    at_desk.session.flush()
    event = (
        at_desk.session.query(AuditEvent).filter_by(action="activation.submit").order_by(AuditEvent.id.desc()).first()
    )
    assert event is not None
    assert event.data["decision_paper"] == version.sha256
    assert case.submission is not None
    assert event.data["submission"] == case.submission.sha256


def test_each_submission_has_its_own_paper_and_the_former_stays(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    at_desk.act(case_id, "submit", REQUESTER)
    first = decision_papers.paper_bytes(at_desk.session, at_desk.case(case_id), MANAGER)
    at_desk.act(case_id, "return", APPROVER)
    describe(at_desk, case_id)
    at_desk.act(case_id, "submit", REQUESTER)
    filed = decision_papers.filed(at_desk.session, at_desk.case(case_id), MANAGER)
    assert filed is not None
    assert len(filed.versions) == 2
    assert decision_papers.paper_bytes(at_desk.session, at_desk.case(case_id), MANAGER, 1) == first
    assert decision_papers.paper_bytes(at_desk.session, at_desk.case(case_id), MANAGER) != first


def test_another_trusts_reader_finds_no_paper(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    at_desk.act(case_id, "submit", REQUESTER)
    stranger = desk.person("stranger", "trust_reader", trust=OTHER)
    with pytest.raises(NotFound):
        decision_papers.paper_bytes(at_desk.session, at_desk.case(case_id), stranger)
    subject = str(case_id)
    assert documents.list_documents(at_desk.session, subject=subject, actor=stranger) == []
