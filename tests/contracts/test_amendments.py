"""The agreement's own life: extensions, changes on a typed ground, maximum values, termination; two people for each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from contracts import agreements, amendments, audit, ceiling, clock, deadlines, price_books
from contracts.cases import CaseId, find_case
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.options import steps as options
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.schemas.agreement import dump_agreement, load_agreement
from contracts.terms import amendment as rules
from contracts.terms.amendment import Amendment, Proposal, Recorded, notice_deadline, percent
from tests import examples
from tests.recorded import record_agreement

MANAGER = Actor("person:manager@example.org", "Manager", (Grant("contract_manager"),))
APPROVER = Actor("person:approver@example.org", "Approver", (Grant("approver"),))
SECOND = Actor("person:second@example.org", "Second", (Grant("approver"),))
BOTH = Actor("person:both@example.org", "Both", (Grant("contract_manager"), Grant("approver")))
TODAY = date(2025, 8, 18)


def now(day: date = TODAY) -> datetime:
    return datetime.combine(day, time(10), tzinfo=UTC)


def document(**changes: Any) -> dict[str, Any]:
    """An agreement of two years and one and one, of which neither is taken up; three months' notice."""
    agreed = examples.agreement()
    agreed["agreement"]["end"] = "2026-01-01"
    agreed["extensions"] = [
        {"from": "2026-01-01", "to": "2027-01-01", "clause": "2.2", "taken_up_on": None, "notice_months": 3},
        {"from": "2027-01-01", "to": "2028-01-01", "clause": "2.2", "taken_up_on": None, "notice_months": 3},
    ]
    agreed["estimated_value"] = "10000000.00"
    agreed["maximum_value"] = "12000000.00"
    agreed["option_holders"][2]["option"]["states"] = [{"state": "listed", "on": "2024-01-01"}]
    return agreed | changes


EXTENSION = Proposal("extension", "clause", "Opsjon på forlengelse", "Volumet vokser.", "", TODAY)
CHANGE = Proposal("change", "minor", "Endringsavtale", "Mindre tillegg.", "", TODAY, value_change=Decimal("500000.00"))
TERMINATION = Proposal(
    "termination", "clause", "Oppsigelse", "Leverandøren trekker seg.", "12.1", TODAY, new_end=date(2025, 12, 1)
)


def draft(agreement_id: int, proposal: Proposal, today: date = TODAY, actor: Actor = MANAGER) -> Recorded:
    with db.write() as session:
        return amendments.draft(
            session, agreement_id=agreement_id, proposal=proposal, actor=actor, now=now(today), today=today
        )


def approve(agreement_id: int, number: int = 1, today: date = TODAY, actor: Actor = APPROVER, **more: Any) -> Recorded:
    with db.write() as session:
        return amendments.approve(
            session, agreement_id=agreement_id, number=number, actor=actor, now=now(today), today=today, **more
        )


def done(agreement_id: int, proposal: Proposal, today: date = TODAY) -> Recorded:
    """Draft it and have it approved, by two people where its value takes two."""
    proposal = replace(proposal, signed_on=today)
    made = approve(agreement_id, draft(agreement_id, proposal, today).amendment.number, today)
    return made if made.state == "approved" else approve(agreement_id, made.amendment.number, today, SECOND)


def term_end(agreement_id: int, known_at: datetime | None = None) -> date:
    with db.read() as session:
        return agreements.agreement_summary(session, agreement_id, known_at).term.end


def upcoming(agreement_id: int, source: str, today: date = TODAY) -> list[tuple[str, date]]:
    with db.read() as session:
        listed = deadlines.upcoming(session, agreement_id, today)
    return [(one.key, one.due_on) for one in listed if one.source == source]


def codes(refused: pytest.ExceptionInfo[InvalidInput]) -> list[tuple[str, str]]:
    return [(finding.pointer, finding.code) for finding in refused.value.errors]


def test_an_extension_moves_the_end_from_its_approval_on_and_the_former_end_stays_known(database: Flask) -> None:
    agreement_id = record_agreement(document())
    drafted = draft(agreement_id, EXTENSION)
    assert (drafted.state, drafted.notice_by, term_end(agreement_id)) == (
        "drafted",
        date(2025, 9, 30),
        date(2026, 1, 1),
    )
    approved = approve(agreement_id, today=date(2025, 8, 20))
    assert approved.state == "approved"
    assert term_end(agreement_id) == date(2027, 1, 1)
    assert term_end(agreement_id, now(date(2025, 8, 19))) == date(2026, 1, 1)
    with db.read() as session:
        taken = [
            (one.start, one.taken_up_on, one.notice_months) for one in agreements.extensions(session, agreement_id)
        ]
    assert taken == [(date(2026, 1, 1), TODAY, 3), (date(2027, 1, 1), None, 3)]


def test_the_notice_of_the_next_extension_is_counted_from_the_renewed_end(database: Flask) -> None:
    agreement_id = record_agreement(document())
    assert upcoming(agreement_id, "extension") == [("2026-01-01", date(2025, 9, 30))]
    done(agreement_id, EXTENSION)
    assert upcoming(agreement_id, "extension") == [("2027-01-01", date(2026, 9, 30))]
    done(agreement_id, EXTENSION, date(2026, 9, 30))
    assert upcoming(agreement_id, "extension") == []
    assert term_end(agreement_id) == date(2028, 1, 1)
    with pytest.raises(InvalidInput) as refused:
        draft(agreement_id, replace(EXTENSION, signed_on=date(2026, 10, 1)), date(2026, 10, 1))
    assert codes(refused) == [("#/kind", "no_extension")]


def test_a_notice_is_counted_from_an_end_that_a_change_has_moved(app: Flask) -> None:
    agreement_id = record_agreement(document())
    done(agreement_id, EXTENSION)
    done(agreement_id, replace(CHANGE, basis="clause", clause="2.4", new_end=date(2027, 3, 1)))
    assert upcoming(agreement_id, "extension") == [("2027-01-01", date(2026, 11, 28))]


@pytest.mark.parametrize(
    ("instant", "in_time"),
    [
        pytest.param("2025-09-30T21:59:59+00:00", True, id="the last second"),
        pytest.param("2025-09-30T22:00:00+00:00", False, id="one second after"),
    ],
)
def test_notice_counts_until_its_last_second_in_oslo(app: Flask, instant: str, in_time: bool) -> None:
    agreement_id = record_agreement(document())
    with db.read() as session:
        today = clock.today(session, example_mode=False, now=datetime.fromisoformat(instant))
    proposal = replace(EXTENSION, signed_on=today)
    if in_time:
        assert draft(agreement_id, proposal, today).notice_by == today
        return
    with pytest.raises(InvalidInput) as refused:
        draft(agreement_id, proposal, today)
    assert codes(refused) == [("#/signed_on", "too_late")]


def test_an_approval_after_the_last_day_needs_it_said_that_the_vendor_had_notice(database: Flask) -> None:
    agreement_id = record_agreement(document())
    draft(agreement_id, EXTENSION)
    with pytest.raises(InvalidInput) as refused:
        approve(agreement_id, today=date(2025, 10, 1))
    assert codes(refused) == [("#/given_in_time", "late")]
    assert term_end(agreement_id) == date(2026, 1, 1)
    assert approve(agreement_id, today=date(2025, 10, 1), given_in_time=True).state == "approved"


@pytest.mark.parametrize(
    ("end", "months", "last"),
    [
        pytest.param(date(2028, 3, 1), None, date(2028, 2, 29), id="the last day is 29 February"),
        pytest.param(date(2028, 5, 30), 3, date(2028, 2, 29), id="three months before is 29 February"),
        pytest.param(date(2027, 5, 30), 3, date(2027, 2, 28), id="no 29 February"),
        pytest.param(date(2027, 1, 1), 6, date(2026, 6, 30), id="from a long month"),
        pytest.param(date(2028, 3, 1), 12, date(2027, 2, 28), id="a year before 29 February"),
    ],
)
def test_months_of_notice_are_counted_from_the_last_day(end: date, months: int | None, last: date) -> None:
    assert notice_deadline(end, months) == last


@given(end=st.dates(date(2000, 2, 1), date(2100, 1, 1)), months=st.integers(0, 60))
def test_notice_is_never_later_than_the_last_day_nor_earlier_with_fewer_months(end: date, months: int) -> None:
    last = notice_deadline(end, months)
    assert last < end
    assert notice_deadline(end, months + 1) < last


@pytest.mark.parametrize(
    ("actor", "error"),
    [
        pytest.param(APPROVER, Denied, id="an approver drafts"),
        pytest.param(Actor("x", "x", (Grant("contract_manager", "oslo"),)), Denied, id="within one trust"),
        pytest.param(Actor("x", "x", (Grant("finance_controller"),)), Denied, id="a controller"),
    ],
)
def test_only_a_contract_manager_of_all_trusts_drafts(app: Flask, actor: Actor, error: type[Exception]) -> None:
    agreement_id = record_agreement(document())
    with pytest.raises(error):
        draft(agreement_id, CHANGE, actor=actor)


def test_who_drafted_does_not_decide_whatever_their_roles(database: Flask) -> None:
    agreement_id = record_agreement(document())
    draft(agreement_id, CHANGE, actor=BOTH)
    with pytest.raises(Denied, match="another approver"):
        approve(agreement_id, actor=BOTH)
    with db.write() as session, pytest.raises(Denied, match="another approver"):
        amendments.reject(
            session, agreement_id=agreement_id, number=1, reason="nei", actor=BOTH, now=now(), today=TODAY
        )
    assert approve(agreement_id).state == "approved"


def test_what_is_decided_is_decided(database: Flask) -> None:
    agreement_id = record_agreement(document())
    draft(agreement_id, CHANGE)
    approve(agreement_id)
    with pytest.raises(Conflict, match="approved already"):
        approve(agreement_id)
    with pytest.raises(NotFound):
        approve(agreement_id, 2)


def test_a_draft_on_terms_that_changed_since_is_not_approved(database: Flask) -> None:
    agreement_id = record_agreement(document())
    draft(agreement_id, CHANGE)
    draft(agreement_id, EXTENSION)
    approve(agreement_id, 2)
    with pytest.raises(Conflict, match="draft it anew"):
        approve(agreement_id, 1)


def test_ten_per_cent_is_of_the_original_value_net_and_together(database: Flask) -> None:
    agreement_id = record_agreement(document())
    first = done(agreement_id, replace(CHANGE, value_change=Decimal("600000.00")))
    assert (first.amendment.share, first.minor) == (Fraction(6, 100), Fraction(6, 100))
    with pytest.raises(InvalidInput) as refused:
        draft(agreement_id, replace(CHANGE, value_change=Decimal("400000.01")))
    assert codes(refused) == [("#/value_change", "beyond_ten_percent")]
    assert "10.01 %" in refused.value.errors[0].detail
    third = done(agreement_id, replace(CHANGE, value_change=Decimal("400000.00")))
    assert (third.minor, third.all_changes) == (Fraction(1, 10), Fraction(1, 10))
    other = done(agreement_id, replace(CHANGE, basis="supplementary", value_change=Decimal("2000000.00")))
    assert (other.minor, other.all_changes) == (Fraction(1, 10), Fraction(3, 10))
    assert done(agreement_id, replace(CHANGE, value_change=Decimal("-100000.00"))).minor == Fraction(9, 100)


@pytest.mark.parametrize("basis", ["supplementary", "unforeseen"])
def test_each_supplementary_or_unforeseen_change_is_at_most_half(app: Flask, basis: Any) -> None:
    agreement_id = record_agreement(document())
    with pytest.raises(InvalidInput) as refused:
        draft(agreement_id, replace(CHANGE, basis=basis, value_change=Decimal("5000000.01")))
    assert codes(refused) == [("#/value_change", "beyond_fifty_percent")]
    assert draft(agreement_id, replace(CHANGE, basis=basis, value_change=Decimal("5000000.00"))).state == "drafted"


def test_a_limit_in_per_cent_of_an_unknown_value_refuses(app: Flask) -> None:
    agreement_id = record_agreement(document(estimated_value=None, maximum_value=None))
    with pytest.raises(InvalidInput) as refused:
        draft(agreement_id, CHANGE)
    assert codes(refused) == [("#/value_change", "share_unknown")]


@given(st.lists(st.integers(-(10**7), 10**7), max_size=6), st.integers(1, 10**8))
def test_what_is_written_in_per_cent_never_hides_that_a_limit_is_passed(values: list[int], original: int) -> None:
    changes = [
        Amendment(n, "change", "minor", "t", "r", "", TODAY, value_change=Decimal(v), original_value=Decimal(original))
        for n, v in enumerate(values)
    ]
    total = rules.cumulative(changes, "minor")
    assert total == Fraction(sum(values), original)
    if abs(total) > rules.MOST_MINOR:
        assert Decimal(percent(abs(total)).removesuffix(" %")) > 10


def test_a_new_maximum_is_what_the_ceiling_reads(database: Flask) -> None:
    agreement_id = record_agreement(document())
    made = done(
        agreement_id, replace(CHANGE, basis="supplementary", value_change=None, new_maximum=Decimal("13000000.00"))
    )
    assert made.amendment.value_change == Decimal("1000000.00")
    with db.read() as session:
        assert ceiling.standing(session, agreement_id).maximum == Decimal("13000000.00")
        known = ceiling.standing(session, agreement_id, now(date(2025, 8, 17)))
        assert agreements.agreement_summary(session, agreement_id).estimated_value == Decimal("10000000.00")
    assert known.maximum == Decimal("12000000.00")


def test_a_maximum_does_not_fall_below_what_is_used(database: Flask) -> None:
    agreement_id = record_agreement(document())
    with db.write() as session:
        ceiling.post(
            session,
            agreement_id=agreement_id,
            kind="invoiced",
            source="invoice:1",
            amount=Decimal("11500000.00"),
            recorded_by="test",
            now=now(),
        )
    lower = replace(CHANGE, basis="not_substantial", value_change=None)
    draft(agreement_id, replace(lower, new_maximum=Decimal("11499999.99")))
    with pytest.raises(Conflict, match=r"11500000.00 is used"):
        approve(agreement_id)
    draft(agreement_id, replace(lower, new_maximum=Decimal("11500000.00")))
    assert approve(agreement_id, 2).state == "approved"


def test_supplementary_changes_are_announced_within_thirty_days_or_stay_as_a_passed_deadline(database: Flask) -> None:
    agreement_id = record_agreement(document())
    done(agreement_id, replace(CHANGE, basis="supplementary"))
    assert upcoming(agreement_id, "amendment", date(2026, 1, 1)) == [("1", date(2025, 9, 17))]
    with db.write() as session:
        announced = amendments.announce(
            session,
            agreement_id=agreement_id,
            number=1,
            on=date(2025, 9, 1),
            reference="Doffin 2025-123456",
            actor=MANAGER,
            now=now(date(2025, 9, 1)),
            today=date(2025, 9, 1),
        )
    assert announced.state == "announced"
    assert upcoming(agreement_id, "amendment", date(2026, 1, 1)) == []
    with db.write() as session, pytest.raises(Conflict, match="nothing to announce"):
        amendments.announce(
            session,
            agreement_id=agreement_id,
            number=1,
            on=TODAY,
            reference="x",
            actor=MANAGER,
            now=now(),
            today=date(2025, 9, 2),
        )


@pytest.mark.parametrize("basis", ["minor", "not_substantial", "supplier_change"])
def test_other_changes_are_not_announced(app: Flask, basis: Any) -> None:
    agreement_id = record_agreement(document())
    vendor = {"vendor_name": "Ny AS", "vendor_number": "123456785"} if basis == "supplier_change" else {}
    done(agreement_id, replace(CHANGE, basis=basis, **vendor))
    assert upcoming(agreement_id, "amendment") == []


def test_a_termination_ends_the_term_and_cuts_options_short(database: Flask) -> None:
    agreement_id = record_agreement(document())
    made = done(agreement_id, TERMINATION)
    assert made.amendment.new_end == date(2025, 12, 1) == term_end(agreement_id)
    assert [due for _key, due in upcoming(agreement_id, "option")] == [date(2025, 11, 30)]
    assert upcoming(agreement_id, "extension") == []


def lapsed_at(agreement_id: int, *instants: datetime) -> list[int]:
    """How many options the calendar lets lapse at each instant in turn."""
    found = []
    for at in instants:
        with db.write() as session:
            found.append(len(options.lapse_due(session, agreement_id=agreement_id, now=at)))
    return found


LAST_SECOND_OF_NOVEMBER = datetime(2025, 11, 30, 22, 59, 59, tzinfo=UTC)


def test_a_termination_lets_options_lapse_when_its_last_day_is_over_in_oslo(database: Flask) -> None:
    agreement_id = record_agreement(document())
    done(agreement_id, TERMINATION)
    with db.read() as session:
        case = find_case(session, agreement_id=agreement_id, case_id=CaseId("option", "akershus"))
    assert case.deadline == date(2025, 11, 30) == upcoming(agreement_id, "option")[0][1]
    assert lapsed_at(agreement_id, LAST_SECOND_OF_NOVEMBER, LAST_SECOND_OF_NOVEMBER + timedelta(seconds=1)) == [0, 1]


def test_a_prolonged_term_gives_options_their_own_day_back_and_counts_notice_from_the_renewed_end(
    database: Flask,
) -> None:
    agreed = document()
    agreed["option_holders"][2]["option"]["deadline"] = "2026-06-30"
    agreement_id = record_agreement(agreed)
    assert upcoming(agreement_id, "option") == [("akershus", date(2025, 12, 31))]
    done(agreement_id, EXTENSION)
    assert upcoming(agreement_id, "option") == [("akershus", date(2026, 6, 30))]
    assert upcoming(agreement_id, "extension") == [("2027-01-01", date(2026, 9, 30))]
    assert lapsed_at(agreement_id, datetime(2026, 1, 1, 12, tzinfo=UTC)) == [0]
    # Terminated after it was prolonged: the new last day binds, not the option's own.
    done(agreement_id, replace(TERMINATION, new_end=date(2026, 3, 1)), date(2025, 9, 1))
    assert upcoming(agreement_id, "option") == [("akershus", date(2026, 2, 28))]
    with db.read() as session:
        document_now = agreements.export_agreement(session, agreement_id=agreement_id)
    assert document_now.option_holders[2].deadline == date(2026, 6, 30)
    assert lapsed_at(agreement_id, datetime(2026, 2, 28, 12, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC)) == [
        0,
        1,
    ]


@pytest.mark.parametrize(
    ("proposal", "found"),
    [
        pytest.param(replace(TERMINATION, new_end=None), ("#/new_end", "missing"), id="no day"),
        pytest.param(replace(TERMINATION, new_end=date(2026, 1, 1)), ("#/new_end", "not_earlier"), id="no earlier"),
        pytest.param(replace(TERMINATION, new_end=TODAY), ("#/new_end", "before_notice"), id="before its notice"),
        pytest.param(replace(TERMINATION, clause=""), ("#/clause", "missing"), id="without a clause"),
        pytest.param(replace(TERMINATION, basis="minor"), ("#/basis", "not_for_this"), id="on another ground"),
        pytest.param(replace(CHANGE, value_change=None), ("#/value_change", "missing"), id="worth nothing said"),
        pytest.param(replace(CHANGE, basis="clause"), ("#/clause", "missing"), id="by a clause without its number"),
        pytest.param(replace(CHANGE, title=" "), ("#/title", "missing"), id="without a title"),
        pytest.param(replace(CHANGE, reason=""), ("#/reason", "missing"), id="without a reason"),
        pytest.param(replace(CHANGE, signed_on=date(2025, 8, 19)), ("#/signed_on", "in_the_future"), id="tomorrow"),
        pytest.param(
            replace(CHANGE, new_maximum=Decimal("12000000.00")), ("#/new_maximum", "no_change"), id="the same maximum"
        ),
        pytest.param(
            replace(CHANGE, new_maximum=Decimal("13000000.00")), ("#/value_change", "differs"), id="two values"
        ),
        pytest.param(
            replace(EXTENSION, value_change=Decimal(1)),
            ("#/new_maximum", "not_for_this"),
            id="a value with an extension",
        ),
        pytest.param(
            replace(EXTENSION, options_until=date(2027, 1, 1)),
            ("#/options_until", "outside"),
            id="options beyond the end",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(app: Flask, proposal: Proposal, found: tuple[str, str]) -> None:
    agreement_id = record_agreement(document())
    with pytest.raises(InvalidInput) as refused:
        draft(agreement_id, proposal)
    assert found in codes(refused)
    with db.read() as session:
        assert amendments.list_amendments(session, agreement_id) == []


def test_a_term_does_not_end_before_days_that_are_closed(database: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    agreement_id = record_agreement(document())
    monkeypatch.setattr(price_books, "first_open_day", lambda *_: date(2025, 12, 31))
    draft(agreement_id, TERMINATION)
    with pytest.raises(Conflict, match="closed"):
        approve(agreement_id)


def test_options_follow_where_the_extension_says_so_and_settled_ones_do_not(database: Flask) -> None:
    agreement_id = record_agreement(document())

    def holders(known_at: datetime | None = None) -> dict[str, date]:
        with db.read() as session:
            return {one.party.code: one.deadline for one in agreements.option_holders(session, agreement_id, known_at)}

    before = holders()
    done(agreement_id, replace(EXTENSION, options_until=date(2026, 12, 31)))
    assert holders() == before | {"akershus": date(2026, 12, 31)}
    assert holders(now(date(2025, 8, 17))) == before
    assert upcoming(agreement_id, "option") == [("akershus", date(2026, 12, 31))]


def test_each_step_is_in_the_trail_which_stays_whole(database: Flask) -> None:
    agreement_id = record_agreement(document())
    draft(agreement_id, CHANGE)
    with db.write() as session:
        amendments.withdraw(session, agreement_id=agreement_id, number=1, actor=MANAGER, now=now(), today=TODAY)
    done(agreement_id, EXTENSION)
    with db.read() as session:
        events = audit.list_events(session, audit.Filter(action="amendment"))
        assert [event.action for event in reversed(events)] == [
            "amendment.drafted",
            "amendment.withdrawn",
            "amendment.drafted",
            "amendment.approved",
        ]
        assert audit.verify(session).whole


@pytest.mark.parametrize(
    "lives",
    [
        pytest.param([EXTENSION], id="an extension"),
        pytest.param([CHANGE, EXTENSION], id="a change and an extension"),
        pytest.param([TERMINATION], id="a termination"),
        pytest.param([EXTENSION, replace(TERMINATION, new_end=date(2026, 6, 1))], id="extended and terminated"),
        pytest.param([replace(EXTENSION, options_until=date(2026, 6, 30))], id="with options moved"),
        pytest.param(
            [replace(CHANGE, basis="unforeseen", value_change=None, new_maximum=Decimal("13000000.00"))],
            id="a new maximum",
        ),
    ],
)
def test_an_agreement_is_given_back_with_its_amendments_and_taken_in_elsewhere(
    app: Flask, lives: list[Proposal]
) -> None:
    agreement_id = record_agreement(document())
    for each in lives:
        done(agreement_id, each)
    with db.read() as session:
        written = dump_agreement(agreements.export_agreement(session, agreement_id=agreement_id))
    assert len(written["amendments"]) == len(lives)
    again = load_agreement(written)
    assert dump_agreement(again) == written
    other = load_agreement(written | {"code": "ra-other"})
    with db.write() as session:
        done_import = agreements.import_agreement(
            session, document=other, actor=COMMAND_LINE, now=now(date(2025, 9, 1))
        )
        assert agreements.export_agreement(session, agreement_id=done_import.id) == other
        assert (
            agreements.import_agreement(session, document=other, actor=COMMAND_LINE, now=now(date(2025, 9, 2))).status
            == "already_imported"
        )


def test_a_document_whose_end_is_not_its_last_amendments_is_refused(app: Flask) -> None:
    agreement_id = record_agreement(document())
    done(agreement_id, TERMINATION)
    with db.read() as session:
        written = dump_agreement(agreements.export_agreement(session, agreement_id=agreement_id))
    written["agreement"]["end"] = "2025-12-02"
    with pytest.raises(InvalidInput) as refused:
        load_agreement(written)
    assert ("#/agreement/end", "end_and_amendments_differ") in codes(refused)


def body(**changes: Any) -> dict[str, Any]:
    made = {"kind": "change", "basis": "supplementary", "title": "T", "reason": "R", "signed_on": "2024-02-01"}
    return made | {"new_maximum": "12500000.00"} | changes


def test_over_the_api_one_drafts_and_another_decides_on_what_they_saw(app: Flask, token_for: Any) -> None:
    record_agreement(document())
    client, manager, approver = app.test_client(), token_for("contract_manager"), token_for("approver")
    base = "/api/v1/agreements/ra-test/amendments"
    made = client.post(base, json=body(), headers=manager | {"Idempotency-Key": "a"})
    assert (made.status_code, made.json["state"], made.json["share"]) == (201, "drafted", "1/20")
    assert made.json["announce_by"] == "2024-03-02"
    place = made.headers["Location"]
    etag = {"If-Match": client.get(place, headers=approver).headers["ETag"]}
    act = f"{place}/transitions"
    refused = client.post(act, json={"event": "approve"}, headers=manager | etag | {"Idempotency-Key": "b"})
    assert refused.status_code == 403
    assert client.post(act, json={"event": "approve"}, headers=approver | {"Idempotency-Key": "c"}).status_code == 428
    done = client.post(act, json={"event": "approve"}, headers=approver | etag | {"Idempotency-Key": "d"})
    assert (done.status_code, done.json["state"]) == (201, "approved")
    stale = client.post(
        act, json={"event": "reject", "reason": "x"}, headers=approver | etag | {"Idempotency-Key": "e"}
    )
    assert stale.status_code == 412
    etag = {"If-Match": done.headers["ETag"]}
    said = {"event": "announce", "on": "2024-02-20", "reason": "Doffin 2024-1"}
    assert client.post(act, json=said, headers=manager | etag | {"Idempotency-Key": "f"}).json["state"] == "announced"
    (listed,) = client.get(base, headers=approver).json["items"]
    assert [step["state"] for step in listed["course"]] == ["drafted", "approved", "announced"]
    assert client.get("/api/v1/agreements/ra-test", headers=manager).json["maximum_value"] == "12500000.00"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        pytest.param({"basis": "minor", "new_maximum": "14000000.00"}, "#/value_change", id="beyond ten per cent"),
        pytest.param({"kind": "rename"}, "#/kind", id="another kind"),
        pytest.param({"new_maximum": 13.5}, "#/new_maximum", id="a binary number"),
        pytest.param({"more": 1}, "#/more", id="an unknown field"),
    ],
)
def test_the_api_names_the_place_of_what_is_wrong(
    app: Flask, token_for: Any, changes: dict[str, Any], pointer: str
) -> None:
    record_agreement(document())
    answer = app.test_client().post(
        "/api/v1/agreements/ra-test/amendments",
        json=body(**changes),
        headers=token_for("contract_manager") | {"Idempotency-Key": "a"},
    )
    assert answer.status_code == 422
    assert pointer in {error["pointer"] for error in answer.json["errors"]}
