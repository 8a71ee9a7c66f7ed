"""The API of usage imports: at once or as a job, with a reading, listed, taken back, and its errors as a file."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select

from billing.jobs import run_next
from billing.models import UsageImport, UsageUploadPart
from billing.usage import metering
from billing.usage import sources as usage_sources
from billing.usage.readings import Reading
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from tests.tokens import bearer

IMPORTS = "/api/v1/usage-imports"
PLAIN = b"trust,algorithm,date,quantity\nakershus,xray-skeletal,2026-10-01,12\n"
RIS = "Sykehus;Undersøkelse;Dato;Antall\nAHUS;xray-skeletal;01.10.2026;1.234,00\n".encode()
READING = {
    "kind": "daily",
    "columns": {"trust": "Sykehus", "algorithm": "Undersøkelse", "date": "Dato", "quantity": "Antall"},
    "delimiter": ";",
    "numbers": "comma_decimal",
    "dates": "day_dots",
    "values": [["trust", "AHUS", "akershus"]],
}
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def app(example_app: Flask) -> Flask:
    return example_app


@pytest.fixture
def controller(app: Flask) -> dict[str, str]:
    return bearer("finance_controller")


def post(app: Flask, headers: dict[str, str], content: bytes, query: str = "", **more: Any) -> Any:
    sent = {"Content-Type": "text/csv"} | headers
    return app.test_client().post(f"{IMPORTS}{query}", data=content, headers=sent, **more)


def send_form(app: Flask, headers: dict[str, str], content: bytes, reading: Any = None) -> Any:
    form: dict[str, Any] = {"file": (io.BytesIO(content), "ris.csv")}
    if reading is not None:
        form["reading"] = reading if isinstance(reading, str) else json.dumps(reading)
    return app.test_client().post(IMPORTS, data=form, headers=headers)


def get(app: Flask, headers: dict[str, str], address: str) -> Any:
    return app.test_client().get(address, headers=headers)


def imports() -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(UsageImport)) or 0


def parts() -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(UsageUploadPart)) or 0


def test_a_file_is_taken_in_by_a_job_and_its_receipt_is_found(app: Flask, controller: dict[str, str]) -> None:
    answer = post(app, controller | ASYNC, PLAIN)
    assert answer.status_code == 202
    assert answer.json["kind"] == "usage.import"
    assert (imports(), parts()) == (18, 1)
    run_next(app)
    job = get(app, controller, answer.headers["Location"]).json
    assert (job["state"], job["result"]["status"]) == ("done", "imported")
    receipt = get(app, controller, f"{IMPORTS}/{job['result']['import']}").json
    assert receipt["months"] == [
        {"trust": "akershus", "algorithm": "xray-skeletal", "month": "2026-10", "quantity": 12}
    ]
    assert (imports(), parts()) == (19, 0)
    check = get(app, controller, f"{IMPORTS}/checks/{job['result']['upload']}").json
    assert (check["status"], check["import"]) == ("imported", receipt["import"])


def test_a_dry_run_by_a_job_tells_the_effect_and_takes_nothing_in(app: Flask, controller: dict[str, str]) -> None:
    answer = post(app, controller | ASYNC, PLAIN, "?dry_run=true")
    assert answer.json["kind"] == "usage.check"
    run_next(app)
    result = get(app, controller, answer.headers["Location"]).json["result"]
    check = get(app, controller, f"{IMPORTS}/checks/{result['upload']}").json
    assert (check["status"], check["import"], check["quantity"]) == ("checked", None, 12)
    assert [each["quarter"] for each in check["effect"]] == ["2026-Q4"]
    assert check["total"] == check["effect"][0]["amount"]
    assert imports() == 18


def test_a_large_file_becomes_a_job_by_itself(
    app: Flask, controller: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.web.usage.api.ASYNC_FROM", 10)
    assert post(app, controller, PLAIN).status_code == 202
    assert send_form(app, controller, PLAIN).status_code == 202


def test_a_reading_comes_with_the_form(app: Flask, controller: dict[str, str]) -> None:
    answer = send_form(app, controller, RIS, READING)
    assert (answer.status_code, answer.json["accepted"]) == (201, 1)
    receipt = get(app, controller, f"{IMPORTS}/{answer.json['import']}").json
    assert (receipt["quantity"], receipt["file"]) == (1234, "ris.csv")


@pytest.mark.parametrize(
    ("reading", "pointer"),
    [
        ("[]", "#/reading"),
        (READING | {"kind": "hourly"}, "#/kind"),
        (READING | {"columns": {"trust": "Sykehus"}}, "#/columns/algorithm"),
        (READING | {"numbers": "roman"}, "#/numbers"),
        (READING | {"guess": True}, "#/guess"),
    ],
    ids=["no object", "unknown kind", "missing column", "unknown numbers", "unknown member"],
)
def test_a_reading_that_is_none_is_refused_with_its_place(
    app: Flask, controller: dict[str, str], reading: Any, pointer: str
) -> None:
    answer = send_form(app, controller, RIS, reading)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json["errors"]]


def test_a_saved_source_reads_the_file_at_once_and_by_a_job(app: Flask, controller: dict[str, str]) -> None:
    reading = usage_sources.from_document(READING)
    with db.write() as session:
        usage_sources.save_source(
            session, agreement_id=1, name="RIS", reading=reading, actor=COMMAND_LINE, now=datetime.now(UTC)
        )
    checked = post(app, controller, RIS, "?source=RIS&dry_run=true")
    assert (checked.status_code, checked.json["status"]) == (200, "checked")
    job = post(app, controller | ASYNC, RIS, "?source=RIS")
    run_next(app)
    result = get(app, controller, job.headers["Location"]).json["result"]
    assert get(app, controller, f"{IMPORTS}/{result['import']}").json["source"] == "RIS"
    assert post(app, controller, RIS, "?source=PACS").status_code == 404
    with db.read() as session:
        assert isinstance(usage_sources.find_source(session, agreement_id=1, name="RIS").reading, Reading)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_all_errors_of_a_job_are_a_file(app: Flask, controller: dict[str, str], suffix: str) -> None:
    rows = b"".join(b"mars,xray-skeletal,2026-10-01,%d\n" % number for number in range(60))
    answer = post(app, controller | ASYNC, b"trust,algorithm,date,quantity\n" + rows)
    run_next(app)
    result = get(app, controller, answer.headers["Location"]).json["result"]
    assert (result["status"], result["errors"]) == ("refused", 60)
    check = get(app, controller, f"{IMPORTS}/checks/{result['upload']}").json
    assert (len(check["errors"]), check["errors_count"]) == (50, 60)
    file = get(app, controller, f"{IMPORTS}/checks/{result['upload']}/errors.{suffix}")
    if suffix == "csv":
        assert len(file.text.splitlines()) == 61
    else:
        assert openpyxl.load_workbook(io.BytesIO(file.data)).worksheets[0].max_row == 61


def test_the_same_key_hands_one_job_in(app: Flask, controller: dict[str, str]) -> None:
    keyed = controller | ASYNC | {"Idempotency-Key": "october"}
    first, second = post(app, keyed, PLAIN), post(app, keyed, PLAIN)
    assert first.json == second.json
    assert first.headers["Location"] == second.headers["Location"]
    assert post(app, keyed, PLAIN + b"\n").status_code == 422
    assert run_next(app) is not None
    assert run_next(app) is None


def test_the_same_form_is_the_same_request_whatever_its_boundary(app: Flask, controller: dict[str, str]) -> None:
    keyed = controller | {"Idempotency-Key": "form"}
    first, second = send_form(app, keyed, RIS, READING), send_form(app, keyed, RIS, READING)
    assert (first.status_code, first.json) == (second.status_code, second.json)
    assert send_form(app, keyed, RIS + b"\n", READING).status_code == 422


def test_imports_are_listed_by_pages_newest_first(app: Flask, controller: dict[str, str]) -> None:
    whole = get(app, controller, f"{IMPORTS}?limit=100").json["items"]
    assert [each["import"] for each in whole] == list(range(18, 0, -1))
    page = get(app, controller, f"{IMPORTS}?limit=10").json
    rest = get(app, controller, f"{IMPORTS}?limit=10&after={page['next']}").json
    assert page["items"] + rest["items"] == whole
    assert rest["next"] is None


def test_an_import_is_taken_back_once_and_its_effect_is_told_before(app: Flask, controller: dict[str, str]) -> None:
    number = post(app, controller, PLAIN).json["import"]
    effect = get(app, controller, f"{IMPORTS}/{number}/reversal-effect").json
    assert (effect["quantity"], [each["quarter"] for each in effect["quarters"]]) == (-12, ["2026-Q4"])
    address = f"{IMPORTS}/{number}/reversals"
    client = app.test_client()
    assert client.post(address, json={"reason": " "}, headers=controller).status_code == 422
    done = client.post(address, json={"reason": "The wrong file."}, headers=controller)
    assert (done.status_code, done.json) == (201, effect)
    assert client.post(address, json={"reason": "Again."}, headers=controller).status_code == 409
    back = get(app, controller, f"{IMPORTS}/{number}").json["taken_back"]
    assert back["reason"] == "The wrong file."
    assert post(app, controller, PLAIN).json["status"] == "imported"


def test_within_one_trust_only_its_own_usage_is_taken_in_and_seen(app: Flask, controller: dict[str, str]) -> None:
    requester = bearer("trust_requester", "oslo")
    assert post(app, requester, PLAIN).json["errors"][0]["code"] == "other_trust"
    answer = post(app, requester | ASYNC, PLAIN)
    run_next(app)
    result = get(app, requester, answer.headers["Location"]).json["result"]
    assert (result["status"], imports()) == ("refused", 18)
    other = bearer("trust_requester", "akershus")
    for address in (f"/checks/{result['upload']}", f"/checks/{result['upload']}/errors.csv"):
        assert get(app, other, f"{IMPORTS}{address}").status_code == 404
    number = post(app, controller, PLAIN).json["import"]
    assert get(app, requester, f"{IMPORTS}/{number}").status_code == 404
    assert get(app, other, f"{IMPORTS}/{number}").json["quantity"] == 12
    seen = get(app, requester, f"{IMPORTS}/18").json
    assert {month["trust"] for month in seen["months"]} == {"oslo"}
    assert seen["rows"] is None


@pytest.mark.parametrize("role", ["auditor", "contract_manager", "approver", "admin"])
def test_who_may_not_import_may_not_hand_a_job_in(app: Flask, role: str) -> None:
    assert post(app, bearer(role) | ASYNC, PLAIN).status_code == 403
    assert parts() == 0


@pytest.mark.parametrize("number", ["0", "999", "9223372036854775808", "x"])
def test_what_is_not_there_is_not_found(app: Flask, controller: dict[str, str], number: str) -> None:
    for address in (f"/{number}", f"/{number}/reversal-effect", f"/checks/{number}", f"/checks/{number}/errors.csv"):
        assert get(app, controller, f"{IMPORTS}{address}").status_code == 404


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_coverage_is_a_file_too_with_the_same_bytes_each_time(
    app: Flask, controller: dict[str, str], suffix: str
) -> None:
    address = f"/api/v1/coverage.{suffix}?quarter=2026-Q3"
    first, second = get(app, controller, address), get(app, controller, address)
    assert first.status_code == 200
    assert first.data == second.data
    cells = len(get(app, controller, "/api/v1/coverage?quarter=2026-Q3").json["cells"])
    if suffix == "csv":
        assert len(first.text.splitlines()) == cells + 1
    else:
        assert openpyxl.load_workbook(io.BytesIO(first.data)).worksheets[0].max_row == cells + 1


def test_usage_before_a_take_over_has_a_source_of_its_own_that_no_file_may_name_again(app: Flask) -> None:
    from billing.models import UsageEntry
    from billing.quarters import corrections
    from billing.quarters.corrections import Evidence, OpeningEntry

    day = datetime(2026, 10, 1, tzinfo=UTC).date()
    with db.write() as session:
        corrections.record_opening(
            session,
            agreement_id=1,
            taken_over_on=day.replace(day=2),
            entries=[OpeningEntry("akershus", "xray-skeletal", day, 40)],
            evidence=Evidence("Counters", "counters.csv", b"a;b\n"),
            actor=COMMAND_LINE,
            now=datetime.now(UTC),
        )
    with db.read() as session:
        sources = list(session.scalars(select(UsageEntry.source).where(UsageEntry.on == day)))
        result = metering.import_usage(
            session,
            agreement_id=1,
            filename="again.csv",
            content=PLAIN,
            actor=COMMAND_LINE,
            now=datetime.now(UTC),
            dry_run=True,
        )
    assert sources == ["opening"]
    assert [error.code for error in result.errors] == ["other_source"]
