"""No act on a whole agreement passes the ceiling unseen: what lengthens, widens or reprices is weighed before it is decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from contracts import agreements, amendments, ceiling, price_books
from contracts.errors import Conflict, Denied, InvalidInput, Refused
from contracts.extensions import db
from contracts.people import approval_limit
from contracts.people.access import Actor, Grant
from contracts.prices import drafts as price_drafts
from contracts.prices import indexation
from contracts.terms.amendment import Proposal
from contracts.terms.price_model import UsageCharge
from contracts.terms.price_models import Graduated, Tier
from tests import desk
from tests.contracts.prices.test_index_values import CSV, import_file
from tests.contracts.prices.test_indexation import CLAUSE, agree
from tests.contracts.prices.test_indexation import ask as index_request
from tests.contracts.test_amendments import (
    APPROVER,
    CHANGE,
    EXTENSION,
    MANAGER,
    SECOND,
    TODAY,
    approve,
    codes,
    document,
    draft,
    now,
)
from tests.desk import Desk
from tests.recorded import record_agreement, record_usage

# 400 examinations in each month of the year before: what runs costs some 200 000 kr a year.
COUNTS = "trust,algorithm,month,quantity\n" + "".join(
    f"vestre-viken,xray-skeletal,{month},400\nsykehuset-ostfold,xray-skeletal,{month},400\n"
    for month in [f"2024-{number:02d}" for number in range(1, 13)] + [f"2025-{number:02d}" for number in range(1, 8)]
)
LONGER = Proposal(
    "change", "minor", "Ny slutt", "Tiden strekker ikke til.", "", TODAY, Decimal(0), new_end=date(2032, 1, 1)
)


def running(maximum: str = "12000000.00", **changes: Any) -> int:
    agreement_id = record_agreement(document(maximum_value=maximum, **changes))
    assert record_usage(agreement_id, COUNTS.encode(), now(TODAY)).status == "imported"
    return agreement_id


def used(agreement_id: int) -> Decimal:
    with db.read() as session:
        return ceiling.standing(session, agreement_id).used


def weighed(agreement_id: int, number: int = 1) -> Any:
    with db.read() as session:
        return amendments.weigh(session, agreement_id=agreement_id, number=number, today=TODAY)


def ask(agreement_id: int, number: int = 1, actor: Actor = MANAGER, reason: str = "The board has decided it.") -> Any:
    with db.write() as session:
        return amendments.ask_override(
            session, agreement_id=agreement_id, number=number, reason=reason, actor=actor, now=now(), today=TODAY
        )


def refused_codes(refused: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {one.code for one in refused.value.refusals}


def test_a_longer_term_on_ground_b_that_says_it_is_worth_nothing_is_refused(database: Flask) -> None:
    agreement_id = running(estimated_value="4000000.00")
    with pytest.raises(InvalidInput) as refused:
        draft(agreement_id, LONGER)
    assert ("#/value_change", "beyond_ten_percent") in codes(refused)
    assert ("#/value_change", "below_cost") in codes(refused)


def test_an_agreed_extension_shows_its_cost_and_is_refused_where_it_goes_over(database: Flask) -> None:
    agreement_id = running(maximum="1100000.00")
    before = used(agreement_id)
    draft(agreement_id, EXTENSION)
    told = weighed(agreement_id)
    assert told.effect.expected > 0
    assert {one.code for one in told.refusals} == {"above_ceiling"}
    with pytest.raises(Refused) as refused:
        approve(agreement_id)
    assert refused_codes(refused) == {"above_ceiling"}
    assert used(agreement_id) == before
    with db.read() as session:
        assert agreements.agreement_summary(session, agreement_id).term.end == date(2026, 1, 1)


def test_what_was_told_is_what_is_posted(database: Flask) -> None:
    agreement_id = running()
    before = used(agreement_id)
    draft(agreement_id, EXTENSION)
    told = weighed(agreement_id)
    assert approve(agreement_id).state == "approved"
    assert used(agreement_id) - before == told.effect.expected > 0


def test_going_over_takes_a_reason_and_an_approver_who_allows_it(database: Flask) -> None:
    agreement_id = running(maximum="1100000.00")
    draft(agreement_id, EXTENSION)
    with pytest.raises(Refused):
        approve(agreement_id, allow_over=True)
    with pytest.raises(Denied):
        ask(agreement_id, actor=APPROVER)
    with pytest.raises(InvalidInput):
        ask(agreement_id, reason=" ")
    ask(agreement_id)
    with pytest.raises(Refused):
        approve(agreement_id)
    assert approve(agreement_id, allow_over=True).state == "approved"


def test_nothing_is_asked_to_go_over_what_holds_it(database: Flask) -> None:
    agreement_id = running()
    draft(agreement_id, EXTENSION)
    with pytest.raises(Conflict, match="nothing stands in its way"):
        ask(agreement_id)


def test_from_the_limit_on_two_people_approve_and_nobody_twice_through_a_deputy(database: Flask) -> None:
    agreement_id = running()
    admin = Actor("person:admin@example.org", "Admin", (Grant("admin"),))
    with db.write() as session:
        approval_limit.set_two_from(session, amount=Decimal(1000), actor=admin, now=now())
    draft(agreement_id, EXTENSION)
    assert weighed(agreement_id).needed == 2
    assert approve(agreement_id).state == "drafted"
    with pytest.raises(Refused) as refused:
        approve(agreement_id)
    assert refused_codes(refused) == {"approved_already"}
    assert [one.by for one in weighed(agreement_id).approvals] == [APPROVER.id]
    assert approve(agreement_id, actor=SECOND).state == "approved"


def test_a_term_beyond_four_years_takes_an_override(database: Flask) -> None:
    agreement_id = running()
    draft(agreement_id, replace(LONGER, basis="clause", clause="2.3", value_change=None, new_end=date(2028, 2, 1)))
    assert {one.code for one in weighed(agreement_id).refusals} == {"beyond_four_years"}
    with pytest.raises(Refused):
        approve(agreement_id)


def test_an_approval_of_less_is_void_when_it_costs_more(database: Flask) -> None:
    agreement_id = running()
    admin = Actor("person:admin@example.org", "Admin", (Grant("admin"),))
    with db.write() as session:
        approval_limit.set_two_from(session, amount=Decimal(1000), actor=admin, now=now())
    draft(agreement_id, EXTENSION)
    approve(agreement_id)
    more = b"trust,algorithm,month,quantity\nvestre-viken,xray-skeletal,2025-08,9000\n"
    assert record_usage(agreement_id, more, now(date(2025, 9, 2))).status == "imported"
    with db.read() as session:
        later = amendments.weigh(session, agreement_id=agreement_id, number=1, today=date(2025, 9, 2))
    assert (later.needed, later.approvals) == (2, ())


@pytest.mark.parametrize("basis", ["supplementary", "unforeseen"])
def test_each_ground_with_a_limit_is_held_against_what_it_costs(database: Flask, basis: Any) -> None:
    agreement_id = running(estimated_value="1000000.00")
    with pytest.raises(InvalidInput) as refused:
        draft(agreement_id, replace(LONGER, basis=basis, new_end=date(2030, 1, 1)))
    assert ("#/value_change", "beyond_fifty_percent") in codes(refused)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({"basis": "supplier_change"}, ("#/vendor_name", "missing"), id="ground e names nobody"),
        pytest.param(
            {"basis": "supplier_change", "vendor_name": "Ny AS", "vendor_number": "123456789"},
            ("#/vendor_number", "organisation_number"),
            id="ground e with a number that does not check",
        ),
        pytest.param(
            {"basis": "not_substantial", "vendor_name": "Ny AS"}, ("#/vendor_name", "vendor_not_here"), id="ground f"
        ),
    ],
)
def test_another_vendor_is_named_on_its_own_ground_only(
    app: Flask, changes: dict[str, Any], found: tuple[str, str]
) -> None:
    agreement_id = record_agreement(document())
    with pytest.raises(InvalidInput) as refused:
        draft(agreement_id, replace(CHANGE, **changes))
    assert found in codes(refused)


def dearer(agreement_id: int) -> price_drafts.Draft:
    """Prices ten times as high from the next month on, sent to approval."""
    with db.write() as session:
        charge = price_books.price_book(session, agreement_id).versions[0].charges[0]
        assert isinstance(charge, UsageCharge)
        tiers = (Tier(200, Decimal("600.00")), Tier(None, Decimal("450.00")))
        content = price_drafts.Content(
            date(2025, 9, 1), "Bilag 8", (replace(charge, algorithms=None, model=Graduated(tiers)),)
        )
        made = price_drafts.create_draft(
            session, agreement_id=agreement_id, content=content, based_on=None, actor=MANAGER, now=now()
        )
        return price_drafts.submit_draft(session, draft_id=made.id, seen=1, actor=MANAGER, now=now())


def put_in_force(draft_id: int, actor: Actor = APPROVER, **more: Any) -> price_drafts.Draft:
    with db.write() as session:
        return price_drafts.approve_draft(
            session, draft_id=draft_id, seen=1, actor=actor, now=now(), today=TODAY, **more
        )


def test_a_dearer_price_version_is_held_against_the_ceiling_and_posted(database: Flask) -> None:
    agreement_id = running(maximum="1200000.00")
    before, made = used(agreement_id), dearer(agreement_id)
    with db.read() as session:
        told = price_drafts.weigh(session, made, TODAY)
    assert told.effect is not None
    assert {one.code for one in told.refusals} == {"above_ceiling"}
    with pytest.raises(Refused) as refused:
        put_in_force(made.id)
    assert refused_codes(refused) == {"above_ceiling"}
    assert used(agreement_id) == before
    with db.write() as session:
        price_drafts.ask_override(
            session, draft_id=made.id, seen=1, reason="Agreed.", actor=MANAGER, now=now(), today=TODAY
        )
    assert told.needed == 2
    assert put_in_force(made.id, allow_over=True).state == "submitted"
    with pytest.raises(Refused) as refused:
        put_in_force(made.id, SECOND)
    assert refused_codes(refused) == {"above_ceiling"}
    assert put_in_force(made.id, SECOND, allow_over=True).state == "approved"
    assert used(agreement_id) - before == told.effect.expected > 0


def test_an_index_adjustment_is_weighed_and_posted(database: Flask) -> None:
    agreed = document()
    agreed["price_book"]["index_adjustments"] = []
    agreement_id = running(price_book=agreed["price_book"])
    day = date(2026, 1, 1)
    with db.write() as session:
        amendments.draft(session, agreement_id=agreement_id, proposal=EXTENSION, actor=MANAGER, now=now(), today=TODAY)
    approve(agreement_id)
    import_file(CSV, "2025-10-12")
    agree(agreement_id, replace(CLAUSE, first_effective=day))
    request = index_request(agreement_id, day, date(2025, 10, 24))
    before = used(agreement_id)
    with db.read() as session:
        told = indexation.weigh(session, request_id=request.id, today=TODAY)
    assert told.effect is not None
    with db.write() as session:
        indexation.approve(session, request_id=request.id, actor=APPROVER, now=now(), today=TODAY)
    assert used(agreement_id) - before == told.effect.expected > 0


def test_what_is_approved_and_waits_is_committed_to_the_new_end(database: Flask) -> None:
    agreed = document(maximum_value="12000000.00")
    agreed["agreement"]["end"], agreed["extensions"] = "2027-01-01", agreed["extensions"][1:]
    agreed["price_book"]["versions"][0]["charges"][0]["algorithms"] = "all"
    agreed["option_holders"][2]["option"]["states"].append({"state": "exercised", "on": "2024-01-01"})
    agreement_id, day = record_agreement(agreed), date(2026, 10, 15)
    with db.write() as session:
        at = Desk(session, agreement_id)
        case_id = at.prepared()
        at.act(case_id, "submit", desk.REQUESTER, figures=None)
        at.act(case_id, "approve", desk.APPROVER)
    before = committed(agreement_id, str(case_id))
    draft(agreement_id, replace(EXTENSION, signed_on=date(2026, 9, 1)), day)
    with db.read() as session:
        told = amendments.weigh(session, agreement_id=agreement_id, number=1, today=day)
    assert approve(agreement_id, today=day, given_in_time=True).state == "approved"
    assert committed(agreement_id, str(case_id)) > 2 * before > 0
    assert told.effect is not None
    assert told.effect.expected > 0


def committed(agreement_id: int, source: str) -> Decimal:
    with db.read() as session:
        return ceiling.committed_by_source(session, agreement_id)[source]
