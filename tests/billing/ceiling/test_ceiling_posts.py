"""The ceiling's ledger: posted by every act that moves what is used, and replayed to prove when a level was passed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from billing.ceiling.burn_down import burn_down
from billing.quarters import closing as quarters
from billing.quarters import corrections
from billing.quarters.corrections import Evidence, OpeningEntry
from billing.usage import metering
from billing.usage import reversals as usage_upkeep
from contracts import ceiling, ceiling_history
from contracts.ceiling_history import LEVELS, Days
from contracts.errors import Denied, InvalidInput
from contracts.extensions import db
from contracts.models import AgreementTerms
from contracts.people.access import COMMAND_LINE
from tests import desk, examples, reconciled
from tests.desk import APPROVER, MANAGER, REQUESTER, START, Desk
from tests.recorded import record_agreement, record_usage

NOW = datetime(2024, 8, 2, 9, tzinfo=UTC)
MORE = b"trust,algorithm,month,quantity\nvestre-viken,xray-skeletal,2024-07,90\n"
NOTE = Evidence("A note", "note.txt", b"counted again")
# A source that no quarter has: whoever posts takes it back, so its amount tells whether an act posted.
STRAY = "2001-Q1"


def stray(session: Session, agreement_id: int) -> None:
    ceiling.post(
        session,
        agreement_id=agreement_id,
        kind="accrued",
        source=STRAY,
        amount=Decimal("1.00"),
        recorded_by="test",
        now=NOW - timedelta(days=1),
    )


def stray_amount(session: Session, agreement_id: int) -> Decimal:
    posted = [one for one in ceiling_history.entries(session, agreement_id) if one.source == STRAY]
    return posted[-1].amount


def imported(agreement_id: int) -> None:
    assert record_usage(agreement_id, MORE, NOW).status == "imported"


def reversed_(agreement_id: int) -> None:
    with db.write() as session:
        usage_upkeep.reverse_import(
            session, agreement_id=agreement_id, import_id=1, reason="wrong", actor=COMMAND_LINE, now=NOW
        )


def corrected(agreement_id: int) -> None:
    with db.write() as session:
        corrections.record_correction(
            session,
            agreement_id=agreement_id,
            trust="vestre-viken",
            algorithm="xray-skeletal",
            on=date(2024, 4, 10),
            change=3,
            reason_code="not_counted",
            reason="Left in the queue.",
            actor=COMMAND_LINE,
            now=NOW,
            evidence=NOTE,
        )


def opened(agreement_id: int) -> None:
    with db.write() as session:
        corrections.record_opening(
            session,
            agreement_id=agreement_id,
            taken_over_on=date(2024, 4, 1),
            entries=[OpeningEntry("vestre-viken", "xray-skeletal", date(2024, 3, 28), 5)],
            evidence=NOTE,
            actor=COMMAND_LINE,
            now=NOW,
        )


def closed(agreement_id: int) -> None:
    reopened(agreement_id)
    with db.write() as session:
        stray(session, agreement_id)
    reconciled.close(agreement_id, reconciled.SECOND)


def reopened(agreement_id: int) -> None:
    with db.write() as session:
        quarters.reopen(
            session,
            agreement_id=agreement_id,
            quarter=reconciled.SECOND,
            reason="more counts",
            actor=reconciled.CONTROLLER,
            now=NOW,
            today=reconciled.TODAY,
        )


def approved(agreement_id: int) -> None:
    reconciled.take_in(agreement_id, reconciled.invoice(agreement_id))
    found = reconciled.run(agreement_id)
    if keys := reconciled.keys_of(found):
        reconciled.decide(agreement_id, keys, "accepted", "Agreed by phone.")
    reconciled.check_sample(agreement_id)
    reconciled.attest(agreement_id)
    reconciled.approve(agreement_id)


def opened_again(agreement_id: int) -> None:
    approved(agreement_id)
    with db.write() as session:
        stray(session, agreement_id)
    reconciled.reopen(agreement_id)


def taken_over(agreement_id: int) -> None:
    with db.write() as session:
        ceiling.take_over(
            session,
            agreement_id=agreement_id,
            amount=Decimal("1000.00"),
            reference="Handover, page 3",
            actor=reconciled.MANAGER,
            now=NOW,
        )


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(imported, id="usage imported"),
        pytest.param(reversed_, id="import reversed"),
        pytest.param(corrected, id="count corrected"),
        pytest.param(opened, id="counters opened"),
        pytest.param(closed, id="quarter closed"),
        pytest.param(reopened, id="quarter opened again"),
        pytest.param(approved, id="approved for payment"),
        pytest.param(opened_again, id="approval opened again"),
        pytest.param(taken_over, id="taken over midway"),
    ],
)
def test_every_act_that_moves_the_use_posts_in_its_own_transaction(
    reconciling: int, act: Callable[[int], None]
) -> None:
    with db.write() as session:
        stray(session, reconciling)
    act(reconciling)
    with db.read() as session:
        assert stray_amount(session, reconciling) == 0
        standing = ceiling.standing(session, reconciling)
        figures = burn_down(session, agreement_id=reconciling, today=NOW.date()).figures
    assert standing.invoiced == sum(figures.invoiced.values())
    assert standing.accrued == sum(figures.accrued.values())
    assert standing.committed == figures.committed
    assert standing.used == figures.used


def test_a_refused_act_posts_nothing(reconciling: int) -> None:
    with db.write() as session:
        stray(session, reconciling)
    assert (
        record_usage(reconciling, b"trust,algorithm,month,quantity\nnobody,ct-pe,2024-07,9\n", NOW).status == "refused"
    )
    assert record_usage(reconciling, MORE, NOW, dry_run=True).status == "checked"
    with db.read() as session:
        assert stray_amount(session, reconciling) == Decimal("1.00")


# -- the workflow -----------------------------------------------------------------------------------------


@pytest.fixture
def at_desk(app: Flask) -> Iterator[Desk]:
    agreement_id = desk.open_desk(akershus="exercised")
    with db.write() as session:
        yield Desk(session, agreement_id)
        session.rollback()


STEPS: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("submitted", "approve", APPROVER, {}),
    ("approved", "order", MANAGER, {}),
    ("approved", "return", APPROVER, {}),
    ("approved", "withdraw", REQUESTER, {}),
    ("ordered", "start_validation", REQUESTER, {}),
    ("validating", "go_live", REQUESTER, {"on": START}),
    ("live", "suspend", MANAGER, {}),
    ("suspended", "resume", MANAGER, {}),
    ("live", "end", MANAGER, {"on": date(2027, 3, 1)}),
]


@pytest.mark.parametrize(("state", "event", "actor", "more"), STEPS, ids=[f"{one[0]}: {one[1]}" for one in STEPS])
def test_every_step_that_changes_what_is_committed_posts(
    at_desk: Desk, state: str, event: str, actor: Any, more: dict[str, Any]
) -> None:
    case_id = at_desk.bring(at_desk.prepared(), state)
    stray(at_desk.session, at_desk.agreement_id)
    at_desk.act(case_id, event, actor, **more)
    assert stray_amount(at_desk.session, at_desk.agreement_id) == 0


def test_what_went_live_without_a_count_stays_committed_as_approved_until_it_is_counted(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(monthly_quantity=200), "approved")
    committed = desk.figures().expected
    for event, actor, more in (
        ("order", MANAGER, {}),
        ("start_validation", REQUESTER, {}),
        ("go_live", REQUESTER, {"on": START}),
    ):
        at_desk.act(case_id, event, actor, **more)
        standing = ceiling.standing(at_desk.session, at_desk.agreement_id)
        assert standing.committed == committed, event
    foreseen = ceiling_history.foreseen(at_desk.session, at_desk.agreement_id)
    assert foreseen is not None
    assert foreseen.p50 > 0  # the plan's own volume, not a history that there is none of

    def counted(*rows: str) -> dict[str, Decimal]:
        taken = metering.import_usage(
            at_desk.session,
            agreement_id=at_desk.agreement_id,
            filename="counts.csv",
            content="\n".join((*rows, "")).encode(),
            actor=COMMAND_LINE,
            now=datetime(2026, 12, 3, 9, tzinfo=UTC),
        )
        assert taken.status == "imported", taken.errors
        return ceiling.committed_by_source(at_desk.session, at_desk.agreement_id)

    validated = counted("trust,algorithm,date,quantity", f"{desk.TRUST},{desk.ALGORITHM},2026-10-20,5")
    assert validated[str(case_id)] == committed, "a validation is no use of it"
    sources = counted("trust,algorithm,month,quantity", f"{desk.TRUST},{desk.ALGORITHM},2026-11,10")
    assert sources[str(case_id)] == 0
    assert 0 < sources["running"] < committed


# -- levels and proof -----------------------------------------------------------------------------------------


def post(agreement_id: int, kind: Any, source: str, amount: str, now: datetime) -> None:
    with db.write() as session:
        ceiling.post(
            session,
            agreement_id=agreement_id,
            kind=kind,
            source=source,
            amount=Decimal(amount),
            recorded_by="person:kari@example.org",
            now=now,
        )


def capped(maximum: str | None) -> int:
    document = examples.agreement()
    document["maximum_value"] = maximum
    if maximum is not None and Decimal(maximum) < Decimal(document["estimated_value"]):
        document["estimated_value"] = maximum
    return record_agreement(document)


def at(day: int) -> datetime:
    return datetime(2024, 6, day, 9, tzinfo=UTC)


def test_an_overrun_is_dated_by_the_entry_that_made_it(app: Flask) -> None:
    agreement_id = capped("1000.00")
    post(agreement_id, "accrued", "2024-Q1", "600.00", at(1))
    post(agreement_id, "committed", "running", "400.00", at(2))
    with db.read() as session:
        assert ceiling_history.overrun_known(session, agreement_id) == []  # 1000.00 of 1000.00 is used up, not exceeded
    post(agreement_id, "invoiced", "2024-Q1", "650.00", at(3))
    post(agreement_id, "accrued", "2024-Q1", "0.00", at(3))
    post(agreement_id, "accrued", "2024-Q2", "1.00", at(4))
    with db.read() as session:
        (proof,) = ceiling_history.overrun_known(session, agreement_id)
        assert ceiling_history.overrun_known(session, agreement_id, known_at=at(2)) == []
    assert (proof.figure, proof.at, proof.amount) == ("used", at(3), Decimal("1050.00"))
    assert proof.cause is not None
    assert (proof.cause.kind, proof.cause.source, proof.cause.change) == ("invoiced", "2024-Q1", Decimal("650.00"))


def test_what_moves_from_accrued_to_invoiced_in_one_instant_never_counts_twice(app: Flask) -> None:
    agreement_id = capped("1000.00")
    post(agreement_id, "accrued", "2024-Q1", "900.00", at(1))
    post(agreement_id, "invoiced", "2024-Q1", "900.00", at(2))
    post(agreement_id, "accrued", "2024-Q1", "0.00", at(2))
    with db.read() as session:
        assert ceiling_history.overrun_known(session, agreement_id) == []


def test_the_maximum_that_was_known_then_counts(app: Flask) -> None:
    agreement_id = capped("1000.00")
    post(agreement_id, "accrued", "2024-Q1", "900.00", at(1))
    with db.write() as session:
        terms = session.query(AgreementTerms).filter_by(agreement_id=agreement_id).one()
        names = [
            column.key for column in AgreementTerms.__mapper__.column_attrs if column.key not in ("id", "supersedes_id")
        ]
        lower = {name: getattr(terms, name) for name in names}
        lower |= {"maximum_value": Decimal("800.00"), "estimated_value": None, "recorded_at": at(5)}
        session.add(AgreementTerms(**lower, supersedes_id=terms.id))
    with db.read() as session:
        (proof,) = ceiling_history.overrun_known(session, agreement_id)
        levels = [(one.level, one.at) for one in ceiling_history.passed(session, agreement_id)]
    assert (proof.at, proof.maximum, proof.cause) == (at(5), Decimal("800.00"), None)
    assert levels == [(70, at(1)), (85, at(1)), (95, at(5)), (100, at(5))]


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        pytest.param("699.99", [], id="below every level"),
        pytest.param("700.00", [70], id="at a level"),
        pytest.param("999.99", [70, 85, 95], id="below the maximum"),
        pytest.param("1000.00", [70, 85, 95, 100], id="at the maximum"),
    ],
)
def test_levels_are_passed_to_the_ore(app: Flask, used: str, expected: list[int]) -> None:
    agreement_id = capped("1000.00")
    post(agreement_id, "accrued", "2024-Q1", used, at(1))
    with db.read() as session:
        assert [one.level for one in ceiling_history.passed(session, agreement_id)] == expected
        deadlines = ceiling_history.levels_ahead(session, agreement_id, date(2024, 6, 2))
    assert [one.params["level"] for one in deadlines] == [str(level) for level in expected[-1:]]


def test_without_a_maximum_value_no_level_is_told(app: Flask) -> None:
    agreement_id = capped(None)
    post(agreement_id, "accrued", "2024-Q1", "600.00", at(1))
    with db.read() as session:
        assert ceiling_history.passed(session, agreement_id) == []
        assert ceiling_history.overrun_known(session, agreement_id) == []
        assert ceiling_history.levels_ahead(session, agreement_id, date(2024, 6, 2)) == []


def test_a_forecast_beyond_the_maximum_is_proof_of_its_own(app: Flask) -> None:
    agreement_id = capped("1000.00")
    days = {level: Days(None, date(2025, 3, level - 69), None, Decimal("0.4")) for level in LEVELS if level < 100}

    def foresee(p50: str, now: datetime) -> bool:
        with db.write() as session:
            return ceiling_history.post_forecast(
                session,
                agreement_id=agreement_id,
                first_month=date(2024, 6, 1),
                until=date(2025, 1, 1),
                spent=Decimal("0.00"),
                p10=Decimal("1.00"),
                p50=Decimal(p50),
                p90=Decimal("2000.00"),
                levels=days,
                recorded_by="scheduler",
                now=now,
            )

    assert foresee("900.00", at(1))
    assert not foresee("900.00", at(2))
    assert foresee("1000.01", at(3))
    with db.read() as session:
        (proof,) = ceiling_history.overrun_known(session, agreement_id)
        ahead = ceiling_history.levels_ahead(session, agreement_id, date(2024, 6, 4))
        before = ceiling_history.foreseen(session, agreement_id, known_at=at(2))
    assert (proof.figure, proof.at) == ("forecast", at(3))
    assert before is not None
    assert (before.p50, before.known_at) == (Decimal("900.00"), at(1))
    assert [(one.code, one.params["level"], one.due_on) for one in ahead] == [
        ("ceiling_forecast", "70", date(2025, 3, 1)),
        ("ceiling_forecast", "85", date(2025, 3, 16)),
        ("ceiling_forecast", "95", date(2025, 3, 26)),
    ]


def test_the_burn_down_starts_with_what_was_spent_and_ends_with_the_forecast_that_is_posted(reconciling: int) -> None:
    approved(reconciling)
    with db.read() as session:
        course = burn_down(session, agreement_id=reconciling, today=NOW.date())
        standing = ceiling.standing(session, reconciling)
        foreseen = ceiling_history.foreseen(session, reconciling)
    assert course.spent_before == standing.opening + standing.invoiced + standing.accrued
    assert foreseen is not None
    last = course.cumulative()[-1]
    assert (foreseen.spent, foreseen.p10, foreseen.p50, foreseen.p90) == (
        course.spent_before,
        last.p10,
        last.p50,
        last.p90,
    )
    assert [amount for _, amount in course.spent] == sorted(amount for _, amount in course.spent)


# -- what was taken over ------------------------------------------------------------------------------------------


def test_an_opening_entry_counts_as_used_and_the_newest_stands(reconciling: int) -> None:
    with db.read() as session:
        before = ceiling.standing(session, reconciling).used
    taken_over(reconciling)
    with db.write() as session:
        assert ceiling.take_over(
            session,
            agreement_id=reconciling,
            amount=Decimal("1500.00"),
            reference="Handover, corrected",
            actor=reconciled.MANAGER,
            now=NOW + timedelta(days=1),
        )
    with db.read() as session:
        assert ceiling.standing(session, reconciling).used == before + Decimal("1500.00")
        assert ceiling.standing(session, reconciling, known_at=NOW).opening == Decimal("1000.00")


@pytest.mark.parametrize(
    ("amount", "reference"), [("-0.01", "Handover"), ("1.00", "  ")], ids=["below nought", "from nowhere"]
)
def test_an_opening_entry_that_cannot_be_is_refused(reconciling: int, amount: str, reference: str) -> None:
    with db.write() as session, pytest.raises(InvalidInput):
        ceiling.take_over(
            session,
            agreement_id=reconciling,
            amount=Decimal(amount),
            reference=reference,
            actor=reconciled.MANAGER,
            now=NOW,
        )


def test_only_a_contract_manager_records_what_was_taken_over(reconciling: int) -> None:
    with db.write() as session, pytest.raises(Denied):
        ceiling.take_over(
            session,
            agreement_id=reconciling,
            amount=Decimal("1.00"),
            reference="Handover",
            actor=reconciled.CONTROLLER,
            now=NOW,
        )
