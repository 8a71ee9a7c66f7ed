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
from billing.forecasting.daily_rates import Plan
from billing.projection.ordinary_year import ordinary_year
from billing.rating.rate import rate
from billing.schemas.price import load_price_request as load_request
from contracts import documents
from contracts.cases import CaseId
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.options import gains
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from contracts.terms.period import Period
from contracts.terms.price_book import Activation
from tests import desk
from tests.desk import ALGORITHM, APPROVER, MANAGER, NOW, OTHER, REQUESTER, START, TRUST, Desk

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
    told = gain_balance.balance(at_desk.session, at_desk.case(case_id), both, NOW.date())
    assert (told.gain_per_year, told.net_per_year, told.break_even) == (None, None, None)
    assert gains.worth_of(()) is None


@pytest.mark.parametrize(
    "state", ["draft", "submitted", "approved", "ordered", "validating", "live", "suspended", "ended"]
)
def test_gains_and_cost_are_told_the_same_in_every_state(at_desk: Desk, state: str) -> None:
    case_id = at_desk.prepared()
    describe(at_desk, case_id)
    listed = gains.list_gains(at_desk.session, at_desk.case(case_id))
    before = gain_balance.balance(at_desk.session, at_desk.case(case_id), listed, NOW.date())
    at_desk.bring(case_id, state)
    assert gain_balance.balance(at_desk.session, at_desk.case(case_id), listed, NOW.date()) == before
    assert before.net_per_year is not None


def test_the_year_compared_is_a_whole_one_after_the_ramp_up_by_rating(at_desk: Desk) -> None:
    case_id = at_desk.draft(monthly_quantity=500)
    describe(at_desk, case_id)
    listed = gains.list_gains(at_desk.session, at_desk.case(case_id))
    told = gain_balance.balance(at_desk.session, at_desk.case(case_id), listed, NOW.date())
    # It starts on 1 November 2026 and its ramp-up lasts three months: 2027 is not whole, 2028 lies after the agreement's end.
    assert told.year == Period.parse("2028")
    request = load_request(
        {
            "agreement": {"start": "2024-01-01", "end": "2029-01-01", "currency": "NOK"},
            "period": {"from": "2028-01-01", "to": "2029-01-01"},
            "price_book": desk.agreement_document()["price_book"],
            "activations": [
                {"trust": TRUST, "algorithm": ALGORITHM, "validation_from": None, "go_live": "2026-11-01", "end": None}
            ],
            "usage": [
                {"trust": TRUST, "algorithm": ALGORITHM, "on": f"2028-{month:02}-03", "quantity": 500}
                for month in range(1, 13)
            ],
        }
    )
    assert told.year_cost == rate(request).total
    assert told.per_examination == (rate(request).total / 6000).quantize(Decimal("0.01"))


@pytest.mark.parametrize(("worth", "never"), [("10000.00", False), ("47.00", False), ("45.00", True), ("0.01", True)])
def test_the_gains_cover_the_cost_from_the_volume_at_which_rating_says_so(
    at_desk: Desk, worth: str, never: bool
) -> None:
    # 200 examinations a year at 60 kroner, the rest at 45 kroner: less than 45 never covers the cost.
    case_id = at_desk.draft(monthly_quantity=500)
    describe(at_desk, case_id, per_examination=Decimal(1), value=Decimal(worth))
    case = at_desk.case(case_id)
    told = gain_balance.balance(at_desk.session, case, gains.list_gains(at_desk.session, case), NOW.date())
    assert told.net_per_year is not None
    assert (told.break_even is None) == never
    if told.break_even is None:
        assert told.net_per_year < 0
        return
    assert (told.break_even <= told.examinations) == (told.net_per_year >= 0)
    plan = Plan(Activation(TRUST, ALGORITHM, START), 500)
    year = ordinary_year(at_desk.session, agreement_id=at_desk.agreement_id, plan=plan, today=NOW.date())
    month = told.break_even // 12
    assert year.cost(month) <= Decimal(worth) * month * 12
    assert month == 1 or year.cost(month - 1) > Decimal(worth) * (month - 1) * 12


def test_a_submission_files_its_decision_paper_once_and_the_log_names_its_hash(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    describe(at_desk, case_id)
    at_desk.act(case_id, "submit", REQUESTER)
    case = at_desk.case(case_id)
    version, content = decision_papers.paper_bytes(at_desk.session, case, APPROVER)
    assert content.startswith(b"%PDF")
    assert decision_papers.paper_bytes(at_desk.session, case, MANAGER) == (version, content)
    own = decision_papers.paper_bytes(at_desk.session, case, REQUESTER)
    assert own[0].sha256 != version.sha256, "the trust's readers have an edition of their own"
    assert len({one.filename for one in (own[0], version)}) == 2
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
