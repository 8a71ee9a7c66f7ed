"""Reminders: each step of the ladder once, to those who can act, at least once through a real mail server."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from billing import jobs
from contracts import clock, deadlines
from contracts.deadlines import Deadline
from contracts.extensions import db
from contracts.models import OutboxMessage, Reminder
from contracts.people import access, stand_ins
from contracts.people.access import COMMAND_LINE, Grant
from contracts.reminders import outbox, reminders
from contracts.reminders.outbox import MailServer, Told
from contracts.reminders.reminders import STEPS, steps_reached
from contracts.terms.deadline import CENTRAL
from contracts.web.reminders import mail as reminder_mail
from tests.recorded import record_agreement
from tests.soak import reminders as proof

DUE = date(2026, 12, 31)
PEOPLE = (
    ("manager@example.org", Grant("contract_manager")),
    ("controller@example.org", Grant("finance_controller")),
    ("akershus@example.org", Grant("trust_requester", "akershus")),
    ("north@example.org", Grant("trust_requester", "nord-norge")),
    ("auditor@example.org", Grant("auditor")),
)


@pytest.fixture(autouse=True)
def only_the_tests_own(monkeypatch: pytest.MonkeyPatch) -> list[Deadline]:
    """The deadlines that the test says there are, and no others."""
    listed: list[Deadline] = []
    monkeypatch.setattr(deadlines, "_sources", {})
    monkeypatch.setattr(deadlines, "_audiences", {})
    deadlines.register("proof", lambda *_: list(listed), roles=("contract_manager", "trust_requester"))
    return listed


def deadline(due_on: date = DUE, key: str = "1", **params: str) -> Deadline:
    return Deadline(
        "proof", key, due_on, "2.2", "extension_unused", {"from": "2027-01-01", "to": "2028-01-01"} | params
    )


def at(day: date, hour: int = 7) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=clock.OSLO).astimezone(UTC)


def set_up() -> int:
    agreement_id = record_agreement()
    with db.write() as session:
        for email, grant in PEOPLE:
            access.add_person(
                session,
                email=email,
                name=email.partition("@")[0].title(),
                password=None,
                grants=[grant],
                actor=COMMAND_LINE,
                now=at(date(2024, 1, 3)),
            )
    return agreement_id


def plan(agreement_id: int, today: date) -> list[int]:
    with db.write() as session:
        return reminders.plan(
            session, agreement_id=agreement_id, today=today, now=at(today), write=reminder_mail.compose
        )


def written() -> list[tuple[int, bool]]:
    with db.read() as session:
        return [(row.step, row.passed_over) for row in session.query(Reminder).order_by(Reminder.id)]


def told() -> list[Told]:
    with db.read() as session:
        return outbox.told(session)


class Mailbox:
    """A mail server's own end: keeps what it takes, and may answer otherwise."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.answers: list[str] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.answers and not (answer := self.answers.pop(0)).startswith("250"):
            return answer
        assert isinstance(envelope.content, bytes)
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"


@dataclass
class Served:
    server: MailServer
    mailbox: Mailbox = field(default_factory=Mailbox)


@pytest.fixture
def mail() -> Iterator[Served]:
    """A real mail server on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = Served(MailServer("127.0.0.1", port, "trinnvis@example.org", "off"))
    controller = Controller(served.mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield served
    controller.stop()


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "not-trusted"])
def test_a_message_goes_to_a_server_only_whose_certificate_is_trusted(
    security: str, trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    bundle = tmp_path / "trusted.pem"
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mailbox = Mailbox()
    asked: dict[str, Any] = {"ssl_context": context} if security == "tls" else {"tls_context": context}
    controller = Controller(mailbox, hostname="localhost", port=port, **asked)
    message = EmailMessage()
    message["To"], message["From"] = "manager@example.org", "trinnvis@example.org"
    controller.start()
    try:
        with nullcontext() if trusted else pytest.raises(outbox.Failed, match="SSLCertVerificationError"):
            MailServer("localhost", port, "trinnvis@example.org", security)(message)
    finally:
        controller.stop()
    assert len(mailbox.taken) == (1 if trusted else 0)


def send(transport: Callable[[EmailMessage], None], now: datetime) -> outbox.Delivered:
    return outbox.deliver(db.read, db.write, transport, sender="trinnvis@example.org", by="test", now=now)


@given(due_on=st.dates(date(2020, 1, 1), date(2040, 1, 1)), left=st.integers(-400, 400))
def test_the_steps_reached_are_those_that_lie_behind(due_on: date, left: int) -> None:
    reached = steps_reached(due_on, due_on - timedelta(days=left))
    assert set(reached) == {step for step in STEPS if step >= left}
    assert list(reached) == sorted(reached, reverse=True)


def test_each_step_is_written_once_on_its_day(database: Flask, only_the_tests_own: list[Deadline]) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline())
    days = {}
    for left in range(200, -5, -1):
        today = DUE - timedelta(days=left)
        for _hour in range(2):
            for _id in plan(agreement_id, today):
                days[written()[-1][0]] = left
    assert days == {step: step for step in STEPS}
    assert written() == [(step, False) for step in STEPS]


@pytest.mark.parametrize(
    ("due_on", "step", "on"),
    [
        pytest.param(date(2028, 2, 29), 0, date(2028, 2, 29), id="29 February itself"),
        pytest.param(date(2028, 3, 14), 14, date(2028, 2, 29), id="a step on 29 February"),
        pytest.param(date(2027, 3, 1), 1, date(2027, 2, 28), id="no 29 February"),
        pytest.param(date(2026, 3, 29), 0, date(2026, 3, 29), id="the night the clock goes forward"),
        pytest.param(date(2026, 10, 26), 1, date(2026, 10, 25), id="the night the clock goes back"),
        pytest.param(date(2027, 1, 1), 1, date(2026, 12, 31), id="over new year"),
    ],
)
def test_a_step_is_reached_on_its_day_and_not_the_day_before(due_on: date, step: int, on: date) -> None:
    assert steps_reached(due_on, on)[-1] == step
    assert steps_reached(due_on, on - timedelta(days=1))[-1:] != (step,)


@pytest.mark.parametrize(
    ("last", "first"),
    [
        pytest.param("2026-12-31T22:59:59+00:00", "2026-12-31T23:00:00+00:00", id="winter"),
        pytest.param("2026-06-30T21:59:59+00:00", "2026-06-30T22:00:00+00:00", id="summer"),
        pytest.param("2026-03-29T21:59:59+00:00", "2026-03-29T22:00:00+00:00", id="23 hours long"),
        pytest.param("2026-10-25T22:59:59+00:00", "2026-10-25T23:00:00+00:00", id="25 hours long"),
        pytest.param("2028-02-29T22:59:59+00:00", "2028-02-29T23:00:00+00:00", id="29 February"),
    ],
)
def test_one_second_after_the_last_one_of_its_day_it_has_passed(app: Flask, last: str, first: str) -> None:
    with db.read() as session:
        days = [
            clock.today(session, example_mode=False, now=datetime.fromisoformat(instant)) for instant in (last, first)
        ]
    due = deadline(days[0])
    assert [due.passed(day) for day in days] == [False, True]
    assert steps_reached(due.due_on, days[0]) == STEPS


def test_when_nobody_was_awake_the_newest_step_is_told_and_the_ones_before_it_are_kept_as_passed_over(
    database: Flask, only_the_tests_own: list[Deadline], mail: Served
) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline())
    plan(agreement_id, DUE - timedelta(days=90))
    send(mail.server, at(DUE - timedelta(days=90)))
    plan(agreement_id, DUE - timedelta(days=5))
    assert written() == [(180, True), (90, False), (60, True), (30, True), (14, True), (7, False)]
    assert send(mail.server, at(DUE - timedelta(days=5))).sent == 1
    assert "5 dager igjen" in mail.mailbox.taken[-1].get_content()


def test_a_deadline_that_passed_meanwhile_is_told_once_and_stays_red(
    app: Flask, only_the_tests_own: list[Deadline], mail: Served, sign_in_as: Any
) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline(date(2026, 10, 1)))
    for later in range(3, 6):
        plan(agreement_id, date(2026, 10, 1) + timedelta(days=later))
    assert [step for step, passed_over in written() if not passed_over] == [0]
    assert send(mail.server, at(date(2026, 10, 6))).sent == 1
    page = sign_in_as("contract_manager").get("/avtaler/ra-test/frister").get_data(as_text=True)
    assert 'data-color="danger"' in page


def test_a_deadline_that_moves_begins_its_ladder_anew(database: Flask, only_the_tests_own: list[Deadline]) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline())
    plan(agreement_id, DUE - timedelta(days=1))
    only_the_tests_own[0] = deadline(date(2027, 12, 31))
    plan(agreement_id, date(2027, 12, 31) - timedelta(days=180))
    with db.read() as session:
        rows = session.query(Reminder).where(Reminder.due_on == date(2027, 12, 31)).all()
    assert [(row.step, row.passed_over) for row in rows] == [(180, False)]


@pytest.mark.parametrize(
    ("params", "addresses"),
    [
        pytest.param({}, ["manager@example.org"], id="of the whole agreement"),
        pytest.param({"trust": "akershus"}, ["manager@example.org", "akershus@example.org"], id="of one trust"),
        pytest.param({"trust": CENTRAL}, ["manager@example.org"], id="of nobody within a trust"),
    ],
)
def test_those_are_told_who_hold_the_role_for_the_trust(
    database: Flask, only_the_tests_own: list[Deadline], params: dict[str, str], addresses: list[str]
) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline(**params))
    plan(agreement_id, DUE)
    assert [one.address for one in told()] == addresses


@pytest.mark.parametrize(
    ("first", "until", "told_too"),
    [
        pytest.param(DUE, DUE + timedelta(days=1), True, id="on its only day"),
        pytest.param(DUE - timedelta(days=9), DUE, False, id="until the day before"),
        pytest.param(DUE + timedelta(days=1), DUE + timedelta(days=9), False, id="from the day after"),
    ],
)
def test_who_stands_in_for_an_approver_is_told_what_approvers_are_told(
    app: Flask, only_the_tests_own: list[Deadline], first: date, until: date, told_too: bool
) -> None:
    deadlines.register(
        "other", lambda *_: [replace(deadline(), source="other")], roles=("contract_manager", "approver")
    )
    agreement_id = set_up()
    # Somebody with both roles is an approver too, whichever was granted first.
    grants, email = [Grant("contract_manager"), Grant("approver")], "approver@example.org"
    approver = access.Actor(f"person:{email}", "Approver", tuple(grants))
    with db.write() as session:
        access.add_person(
            session, email=email, name="Approver", password=None, grants=grants, actor=COMMAND_LINE, now=at(DUE)
        )
        stand_ins.delegate(
            session, deputy="auditor@example.org", first=first, until=until, reason="", actor=approver, now=at(DUE)
        )
    plan(agreement_id, DUE)
    usual = ["manager@example.org", "approver@example.org"]
    assert [one.address for one in told()] == usual + (["auditor@example.org"] if told_too else [])


def test_a_deadline_that_nobody_is_told_of_has_its_reminder_all_the_same(
    app: Flask, only_the_tests_own: list[Deadline], sign_in_as: Any
) -> None:
    agreement_id = record_agreement()
    only_the_tests_own.append(deadline())
    assert len(plan(agreement_id, DUE)) == len(STEPS)
    assert told() == []
    page = sign_in_as("auditor").get("/avtaler/ra-test/frister/varsler").get_data(as_text=True)
    assert "Ingen har rollen" in page


def test_a_message_says_what_is_due_and_no_amount(
    database: Flask, only_the_tests_own: list[Deadline], mail: Served
) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline())
    plan(agreement_id, DUE - timedelta(days=30))
    assert send(mail.server, at(DUE)).sent == 1
    (message,) = mail.mailbox.taken
    text = message.get_content()
    assert message["To"] == "Manager <manager@example.org>"
    assert "31.12.2026" in message["Subject"]
    assert "30 dager igjen" in text
    assert "2.2" in text
    assert "kr" not in text.split()
    assert message["Message-ID"] == told()[0].message_id


def test_a_server_that_is_away_is_asked_again_with_growing_pauses(
    database: Flask, only_the_tests_own: list[Deadline], mail: Served
) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline())
    plan(agreement_id, DUE)
    nobody = MailServer("127.0.0.1", 1, "trinnvis@example.org", "off")
    start = at(DUE)
    tried = [minute for minute in range(0, 16) if send(nobody, start + timedelta(minutes=minute)).failed]
    assert tried == [0, 1, 3, 7, 15]
    assert [(one.state, one.attempts, one.repeats) for one in told()] == [("failed", 5, 0)]
    assert send(mail.server, start + timedelta(hours=2)).sent == 1
    assert told()[0].state == "sent"
    assert send(mail.server, start + timedelta(days=2)) == outbox.Delivered(0, 0, 0)


@pytest.mark.parametrize(
    ("answer", "state"),
    [pytest.param("451 later", "failed", id="for now"), pytest.param("554 never", "refused", id="for good")],
)
def test_what_the_server_answers_is_kept(
    database: Flask, only_the_tests_own: list[Deadline], mail: Served, answer: str, state: str
) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline())
    plan(agreement_id, DUE)
    mail.mailbox.answers.append(answer)
    send(mail.server, at(DUE))
    assert told()[0].state == state
    assert send(mail.server, at(DUE) + timedelta(hours=1)).sent == (1 if state == "failed" else 0)


def test_a_process_that_dies_while_sending_leaves_a_repeat_under_the_same_id_that_is_counted(
    database: Flask, only_the_tests_own: list[Deadline], mail: Served
) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline())
    plan(agreement_id, DUE)

    def taken_and_dead(message: EmailMessage) -> None:
        mail.server(message)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(taken_and_dead, at(DUE))
    soon = at(DUE) + outbox.GIVEN_UP_AFTER
    assert send(mail.server, soon - timedelta(seconds=1)).sent == 0
    assert told()[0].state == "unknown"
    assert send(mail.server, soon).sent == 1
    assert [message["Message-ID"] for message in mail.mailbox.taken] == [told()[0].message_id] * 2
    assert (told()[0].attempts, told()[0].repeats) == (2, 1)


def test_of_two_who_send_at_once_one_does(database: Flask, only_the_tests_own: list[Deadline], mail: Served) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline())
    plan(agreement_id, DUE)
    second: list[outbox.Delivered] = []

    def meanwhile(message: EmailMessage) -> None:
        second.append(send(mail.server, at(DUE)))
        mail.server(message)

    assert send(meanwhile, at(DUE)).sent == 1
    assert second == [outbox.Delivered(0, 0, 0)]
    assert len(mail.mailbox.taken) == 1


def test_a_message_that_a_later_step_overtook_is_not_sent(
    database: Flask, only_the_tests_own: list[Deadline], mail: Served
) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline())
    plan(agreement_id, DUE - timedelta(days=14))
    plan(agreement_id, DUE - timedelta(days=7))
    assert send(mail.server, at(DUE - timedelta(days=7))).sent == 1
    assert "7 dager igjen" in mail.mailbox.taken[0].get_content()


def test_the_scheduled_tasks_write_and_send(app: Flask, only_the_tests_own: list[Deadline], mail: Served) -> None:
    set_up()
    only_the_tests_own.append(deadline(date(2026, 10, 22)))
    app.config.update(
        SMTP_HOST=mail.server.host, SMTP_PORT=mail.server.port, SMTP_SECURITY="off", SMTP_FROM="trinnvis@example.org"
    )
    now = at(date(2026, 10, 15))
    assert jobs.write_reminders(now) == 6
    assert jobs.send_mail(now) == 1
    assert jobs.write_reminders(now) == jobs.send_mail(now) == 0
    assert len(mail.mailbox.taken) == 1


def test_without_a_mail_server_reminders_are_written_and_wait(app: Flask, only_the_tests_own: list[Deadline]) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline())
    plan(agreement_id, DUE)
    assert jobs.send_mail(at(DUE)) == 0
    assert told()[0].state == "waiting"


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"SMTP_SECURITY": "perhaps"}, id="unknown security"),
        pytest.param({"SMTP_FROM": ""}, id="no sender"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(app: Flask, settings: dict[str, str]) -> None:
    app.config.update({"SMTP_HOST": "mail", "SMTP_FROM": "a@example.org", **settings})
    with pytest.raises(SystemExit, match="TRINNVIS_SMTP"):
        reminder_mail.mail_server(app)


def test_the_record_names_who_was_told_to_readers_of_all_trusts_alone(
    app: Flask, only_the_tests_own: list[Deadline], mail: Served, sign_in_as: Any
) -> None:
    agreement_id = set_up()
    only_the_tests_own += [deadline(trust="akershus"), deadline(key="2", trust="nord-norge")]
    plan(agreement_id, DUE)
    send(mail.server, at(DUE))
    everything = sign_in_as("auditor").get("/avtaler/ra-test/frister/varsler").get_data(as_text=True)
    own = sign_in_as("trust_reader", "akershus").get("/avtaler/ra-test/frister/varsler").get_data(as_text=True)
    assert everything.count("akershus@example.org") == 1
    assert "north@example.org" in everything
    assert "@example.org" not in own
    with db.read() as session:
        assert len(reminders.list_reminders(session, agreement_id, trust="akershus")) == len(STEPS)


def test_the_api_tells_of_each_deadline_what_was_told_when(
    app: Flask, only_the_tests_own: list[Deadline], mail: Served, token_for: Any
) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline(date(2026, 10, 22)))
    plan(agreement_id, date(2026, 10, 15))
    send(mail.server, at(date(2026, 10, 15)))
    answer = app.test_client().get("/api/v1/reminders", headers=token_for("auditor"))
    (newest, *older) = answer.json["items"]
    assert (newest["deadline"], newest["step"], newest["passed_over"]) == ("proof:1", 7, False)
    assert [(one["address"], one["state"], one["repeats"]) for one in newest["told"]] == [
        ("manager@example.org", "sent", 0)
    ]
    assert all(one["passed_over"] and one["told"] == [] for one in older)


def test_rows_of_reminders_are_never_changed(database: Flask, only_the_tests_own: list[Deadline]) -> None:
    agreement_id = set_up()
    only_the_tests_own.append(deadline())
    plan(agreement_id, DUE)
    for entity in (Reminder, OutboxMessage):
        with pytest.raises(Exception, match="append-only"), db.write() as session:
            session.query(entity).delete()


def test_schedulers_that_are_killed_miss_no_reminder_and_count_each_repeat(migrated_url: str, tmp_path: Path) -> None:
    found = proof.simulate(migrated_url, tmp_path, first=date(2027, 10, 27), last=date(2027, 11, 2), kills=2, seed=3)
    assert found.wrong == 0, found
    assert found.kills == 2
    assert found.repeats >= 1
    assert found.messages > 5
