"""Idempotency-Key and If-Match, each one mechanism: asked on both databases, also by many at once and after a crash."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from billing.models import UsageEntry, UsageImport
from contracts.extensions import db
from contracts.models import AuditEvent, IdempotencyKey
from contracts.web import idempotency
from tests.recorded import record_agreement, record_usage
from tests.tokens import bearer

CSV = b"trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-05-02,7\n"
OTHER_CSV = b"trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-05-03,9\n"
CELL = "/api/v1/usage/vestre-viken/xray-skeletal/2024-05-02"
CORRECTION = {
    "trust": "vestre-viken",
    "algorithm": "xray-skeletal",
    "on": "2024-05-02",
    "change": 2,
    "reason": "Two were forgotten.",
}
AT_ONCE = 8


@pytest.fixture
def headers(database: Flask) -> dict[str, str]:
    """A finance controller's token in a database with the small agreement in it."""
    record_agreement()
    return bearer("finance_controller")


def import_usage(app: Flask, headers: dict[str, str], key: str | None, content: bytes = CSV, query: str = "") -> Any:
    sent = headers | {"Content-Type": "text/csv"} | ({} if key is None else {"Idempotency-Key": key})
    return app.test_client().post(f"/api/v1/usage-imports{query}", data=content, headers=sent)


def correct(app: Flask, headers: dict[str, str], etag: str | None, key: str | None = None, **changes: Any) -> Any:
    sent = dict(headers)
    if etag is not None:
        sent["If-Match"] = etag
    if key is not None:
        sent["Idempotency-Key"] = key
    return app.test_client().post("/api/v1/corrections", json=CORRECTION | changes, headers=sent)


def count(table: Any) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_same_key_and_body_get_the_first_answer_again(database: Flask, headers: dict[str, str]) -> None:
    first = import_usage(database, headers, "key-1")
    again = import_usage(database, headers, "key-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.data, again.content_type) == (first.data, first.content_type)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(UsageImport) == 1


def test_without_a_key_the_import_itself_says_that_it_was_done_before(database: Flask, headers: dict[str, str]) -> None:
    assert import_usage(database, headers, None).status_code == 201
    again = import_usage(database, headers, None)
    assert (again.status_code, again.json["status"]) == (200, "already_imported")
    assert count(IdempotencyKey) == 0


@pytest.mark.parametrize(
    ("content", "query"),
    [pytest.param(OTHER_CSV, "", id="another-body"), pytest.param(CSV, "?dry_run=true", id="another-query")],
)
def test_the_same_key_with_another_request_is_refused(
    database: Flask, headers: dict[str, str], content: bytes, query: str
) -> None:
    import_usage(database, headers, "key-1")
    answer = import_usage(database, headers, "key-1", content, query)
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json["errors"]] == [
        ("#/header/Idempotency-Key", "key_used_otherwise")
    ]
    assert count(UsageImport) == 1


def test_a_form_sent_again_with_another_boundary_is_the_same_request(database: Flask, headers: dict[str, str]) -> None:
    def send(boundary: str) -> Any:
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="may.csv"\r\n\r\n'.encode()
            + CSV
            + f"\r\n--{boundary}--\r\n".encode()
        )
        sent = headers | {"Idempotency-Key": "k", "Content-Type": f"multipart/form-data; boundary={boundary}"}
        return database.test_client().post("/api/v1/usage-imports", data=body, headers=sent)

    assert send("one").status_code == 201
    assert send("two").headers["Idempotency-Replayed"] == "true"


def test_a_form_whose_part_has_no_name_is_refused(database: Flask, headers: dict[str, str]) -> None:
    body = b"--x\r\nContent-Disposition: form-data\r\n\r\nnothing\r\n--x--\r\n"
    sent = headers | {"Idempotency-Key": "k", "Content-Type": "multipart/form-data; boundary=x"}
    answer = database.test_client().post("/api/v1/usage-imports", data=body, headers=sent)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/file")


def test_a_key_belongs_to_its_token(database: Flask, headers: dict[str, str]) -> None:
    import_usage(database, headers, "key-1")
    answer = import_usage(database, bearer("service"), "key-1", OTHER_CSV)
    assert (answer.status_code, "Idempotency-Replayed" in answer.headers) == (201, False)


def test_a_refused_request_leaves_nothing_behind_and_its_key_free(database: Flask, headers: dict[str, str]) -> None:
    bad = import_usage(database, headers, "key-1", CSV.replace(b",7", b",-7"))
    assert (bad.status_code, bad.json["errors"][0]["code"]) == (422, "negative")
    assert (count(IdempotencyKey), count(UsageImport)) == (0, 0)
    assert import_usage(database, headers, "key-1").status_code == 201


def test_while_the_first_is_in_flight_the_second_is_told_so(database: Flask, headers: dict[str, str]) -> None:
    leave_in_flight(database, headers, datetime.now(UTC))
    answer = import_usage(database, headers, "key-1")
    assert (answer.status_code, answer.json["code"]) == (409, "in_flight")
    assert count(UsageImport) == 0


def test_what_a_dead_process_left_in_flight_is_taken_over_after_a_while(
    database: Flask, headers: dict[str, str]
) -> None:
    leave_in_flight(database, headers, datetime.now(UTC) - idempotency.LEASE - timedelta(seconds=1))
    assert import_usage(database, headers, "key-1").status_code == 201
    assert import_usage(database, headers, "key-1").headers["Idempotency-Replayed"] == "true"
    assert count(UsageImport) == 1


def test_whoever_lost_the_key_to_another_commits_nothing(
    database: Flask, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow first request comes back after its lease ran out and somebody else holds the key."""
    keep = idempotency._keep

    def keep_too_late(session: Any, principal: str, key: str, claimed_at: datetime, response: Any) -> None:
        keep(session, principal, key, claimed_at - timedelta(minutes=6), response)

    monkeypatch.setattr(idempotency, "_keep", keep_too_late)
    answer = import_usage(database, headers, "key-1")
    assert (answer.status_code, answer.json["code"]) == (409, "in_flight")
    assert (count(UsageImport), count(UsageEntry)) == (0, 0)


@pytest.mark.parametrize("key", ["", " ", "with space", "æ", "x" * 201])
def test_a_key_is_visible_ascii_of_some_length(database: Flask, headers: dict[str, str], key: str) -> None:
    answer = import_usage(database, headers, key)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "#/header/Idempotency-Key"


def test_of_many_at_once_with_one_key_one_does_the_work(database: Flask, headers: dict[str, str]) -> None:
    start = Barrier(AT_ONCE)

    def send(_number: int) -> Any:
        start.wait()
        return import_usage(database, headers, "key-1")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(send, range(AT_ONCE)))
    done = [answer for answer in answers if answer.status_code == 201]
    fresh = [answer for answer in done if "Idempotency-Replayed" not in answer.headers]
    assert len(fresh) == 1
    assert {answer.data for answer in done} == {fresh[0].data}
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert (count(UsageImport), count(UsageEntry)) == (1, 1)


def test_of_many_at_once_without_a_key_one_imports_the_file(database: Flask, headers: dict[str, str]) -> None:
    start = Barrier(AT_ONCE)

    def send(_number: int) -> Any:
        start.wait()
        return import_usage(database, headers, None)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(send, range(AT_ONCE)))
    assert statuses == [200] * (AT_ONCE - 1) + [201]
    assert (count(UsageImport), count(UsageEntry)) == (1, 1)


def test_a_correction_without_if_match_is_told_what_is_missing(database: Flask, headers: dict[str, str]) -> None:
    import_usage(database, headers, None)
    answer = correct(database, headers, None)
    assert (answer.status_code, answer.json["code"]) == (428, "precondition_required")


@pytest.mark.parametrize(
    "etag", ['"of-another-state"', 'W/"{tag}"', "{tag}x", ""], ids=["stale", "weak", "not-an-etag", "empty"]
)
def test_a_correction_of_another_state_is_refused(database: Flask, headers: dict[str, str], etag: str) -> None:
    import_usage(database, headers, None)
    tag = database.test_client().get(CELL, headers=headers).headers["ETag"].strip('"')
    answer = correct(database, headers, etag.format(tag=tag))
    assert answer.status_code == 412
    assert count(UsageEntry) == 1


def test_a_correction_of_the_present_state_is_recorded_and_gives_the_next_state(
    database: Flask, headers: dict[str, str]
) -> None:
    import_usage(database, headers, None)
    client = database.test_client()
    before = client.get(CELL, headers=headers)
    answer = correct(database, headers, before.headers["ETag"])
    after = client.get(CELL, headers=headers)
    assert answer.status_code == 201
    assert (answer.json["quantity"], [entry["source"] for entry in answer.json["entries"]]) == (
        9,
        ["daily", "correction"],
    )
    assert answer.headers["ETag"] == after.headers["ETag"] != before.headers["ETag"]
    assert answer.json["etag"] == answer.headers["ETag"]
    assert correct(database, headers, before.headers["ETag"]).status_code == 412


def test_there_and_back_again_is_not_the_same_state(database: Flask, headers: dict[str, str]) -> None:
    import_usage(database, headers, None)
    before = database.test_client().get(CELL, headers=headers).headers["ETag"]
    there = correct(database, headers, before, change=1)
    back = correct(database, headers, there.headers["ETag"], change=-1)
    assert back.json["quantity"] == 7
    assert back.headers["ETag"] != before


def test_a_day_without_a_count_can_be_corrected(database: Flask, headers: dict[str, str]) -> None:
    before = database.test_client().get(CELL, headers=headers)
    assert (before.status_code, before.json["quantity"], before.json["entries"]) == (200, 0, [])
    assert correct(database, headers, before.headers["ETag"]).json["quantity"] == 2


def test_a_repeated_correction_gets_its_first_answer_though_the_state_has_moved_on(
    database: Flask, headers: dict[str, str]
) -> None:
    import_usage(database, headers, None)
    etag = database.test_client().get(CELL, headers=headers).headers["ETag"]
    first = correct(database, headers, etag, "key-1")
    again = correct(database, headers, etag, "key-1")
    assert (again.status_code, again.data, again.headers["ETag"]) == (201, first.data, first.headers["ETag"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(UsageEntry) == 2


def test_a_stale_correction_may_be_sent_again_under_its_key_with_the_new_state(
    database: Flask, headers: dict[str, str]
) -> None:
    import_usage(database, headers, None)
    assert correct(database, headers, '"stale"', "key-1").status_code == 412
    etag = database.test_client().get(CELL, headers=headers).headers["ETag"]
    assert correct(database, headers, etag, "key-1").status_code == 201


def test_of_many_corrections_of_one_state_one_is_recorded(database: Flask, headers: dict[str, str]) -> None:
    import_usage(database, headers, None)
    etag = database.test_client().get(CELL, headers=headers).headers["ETag"]
    start = Barrier(AT_ONCE)

    def send(number: int) -> Any:
        start.wait()
        return correct(database, headers, etag, f"key-{number}", change=-5)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(send, range(AT_ONCE)))
    assert statuses == [201] + [412] * (AT_ONCE - 1)
    assert database.test_client().get(CELL, headers=headers).json["quantity"] == 2


def test_a_correction_below_zero_is_refused_whole(database: Flask, headers: dict[str, str]) -> None:
    import_usage(database, headers, None)
    audited = count(AuditEvent)
    etag = database.test_client().get(CELL, headers=headers).headers["ETag"]
    answer = correct(database, headers, etag, "key-1", change=-8)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/change")
    assert (count(UsageEntry), count(AuditEvent), count(IdempotencyKey)) == (1, audited, 0)


def test_whoever_has_the_present_state_gets_no_body(database: Flask, headers: dict[str, str]) -> None:
    record_usage_of_example()
    client = database.test_client()
    for url in ("/api/v1/usage", CELL, "/api/v1/charges?quarter=2024-Q1", "/api/v1/agreements/ra-test"):
        first = client.get(url, headers=headers)
        again = client.get(url, headers=headers | {"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code, again.data) == (200, 304, b""), url
        assert again.headers["ETag"] == first.headers["ETag"]
        changed = client.get(url, headers=headers | {"If-None-Match": '"another"'})
        assert (changed.status_code, changed.data) == (200, first.data)


def record_usage_of_example() -> None:
    with db.read() as session:
        from contracts.agreements import find_agreement

        agreement_id = find_agreement(session).id
    record_usage(agreement_id)


def leave_in_flight(app: Flask, headers: dict[str, str], claimed_at: datetime) -> None:
    """Claim the key for the import of `CSV` as a process does that dies before it answers."""
    sent = headers | {"Content-Type": "text/csv", "Idempotency-Key": "key-1"}
    with app.test_request_context("/api/v1/usage-imports", method="POST", data=CSV, headers=sent):
        fingerprint = idempotency.request_fingerprint()
    principal = "token:" + headers["Authorization"].removeprefix("Bearer ").partition(".")[0]
    with db.write() as session:
        session.add(IdempotencyKey(principal=principal, key="key-1", request_hash=fingerprint, created_at=claimed_at))
