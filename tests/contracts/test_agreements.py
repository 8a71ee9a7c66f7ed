"""An agreement goes in whole and comes out whole, on both databases."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from contracts import agreements
from contracts.access import COMMAND_LINE, Actor, Grant
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import Agreement, AuditEvent, Organisation
from contracts.schemas.agreement import dump_agreement, load_agreement
from tests import examples
from tests.recorded import SIGNED, record_agreement

Change = Callable[[dict[str, Any]], Any]


def test_an_agreement_comes_out_as_it_went_in(database: Flask) -> None:
    agreement_id = record_agreement()
    with db.read() as session:
        document = agreements.export_agreement(session, agreement_id=agreement_id)
    assert dump_agreement(document) == examples.agreement()


def test_the_same_document_again_changes_nothing(database: Flask) -> None:
    record_agreement()
    with db.write() as session:
        before = session.scalar(select(func.count()).select_from(AuditEvent))
        again = agreements.import_agreement(
            session, document=load_agreement(examples.agreement()), actor=COMMAND_LINE, now=SIGNED
        )
        assert again.status == "already_imported"
        assert session.scalar(select(func.count()).select_from(AuditEvent)) == before


def test_another_document_under_a_taken_code_is_a_conflict(app: Flask) -> None:
    record_agreement()
    other = examples.agreement() | {"payment_days": 45}
    with pytest.raises(Conflict, match="'ra-test' is recorded already"):
        record_agreement(other)


def test_two_agreements_share_their_trusts_and_stay_apart(database: Flask) -> None:
    first = record_agreement()
    vendor = {"code": "synsam", "name": "Synsam KI AS", "organisation_number": "987654325", "region": "Norge"}
    second = record_agreement(
        examples.agreement("ra-second", ("vestre-viken", "sykehuset-ostfold")) | {"vendor": vendor}
    )
    with db.read() as session:
        assert [summary.code for summary in agreements.list_agreements(session)] == ["ra-test", "ra-second"]
        assert len(agreements.option_holders(session, first)) == 4
        assert len(agreements.option_holders(session, second)) == 2
        assert agreements.agreement_summary(session, second).vendor.name == "Synsam KI AS"
        with pytest.raises(Conflict, match="ra-test, ra-second"):
            agreements.find_agreement(session)


def test_an_organisation_registered_under_another_name_is_a_conflict_and_nothing_is_kept(app: Flask) -> None:
    record_agreement()
    second = examples.agreement("ra-second")
    second["option_holders"][1]["name"] = "Sykehuset i Østfold"
    with pytest.raises(Conflict, match="#/option_holders/1"):
        record_agreement(second)
    with db.read() as session:
        assert session.scalars(select(Agreement.code)).all() == ["ra-test"]


def test_before_it_was_recorded_an_agreement_was_not_known(app: Flask) -> None:
    agreement_id = record_agreement()
    with db.read() as session, pytest.raises(NotFound):
        agreements.agreement_summary(session, agreement_id, SIGNED - timedelta(seconds=1))


def test_only_a_contract_manager_records_an_agreement(app: Flask) -> None:
    controller = Actor("person:k", "K", (Grant("finance_controller"),))
    with db.write() as session, pytest.raises(Denied):
        agreements.import_agreement(
            session, document=load_agreement(examples.agreement()), actor=controller, now=SIGNED
        )
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) == 0


def _set(path: str, value: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        *way, last = path.split("/")
        target: Any = document
        for step in way:
            target = target[int(step) if step.isdigit() else step]
        target[int(last) if last.isdigit() else last] = value

    return change


def _same_day(document: dict[str, Any]) -> None:
    versions = document["price_book"]["versions"]
    versions.append(copy.deepcopy(versions[0]))


@pytest.mark.parametrize(
    ("change", "pointer", "sentence"),
    [
        pytest.param(
            _set("option_holders/2/organisation_number", "984166762"),
            "#/option_holders/2/organisation_number",
            "check digit",
            id="wrong check digit",
        ),
        pytest.param(
            _set("activations/0/trust", "oslo"), "#/activations/0/trust", "closed list", id="trust not on the list"
        ),
        pytest.param(
            _set("activations/1/algorithm", "ct-x"),
            "#/activations/1/algorithm",
            "list of algorithms",
            id="unknown algorithm",
        ),
        pytest.param(_same_day, "#/price_book/versions/1/valid_from", "valid from 2024-01-01 too", id="same day twice"),
        pytest.param(
            _set("price_book/versions/0/charges/0/tiers/0/unit_price", "60.1234567"),
            "#/price_book/versions/0/charges/0/tiers/0/unit_price",
            "more than 6 decimals",
            id="seven decimals",
        ),
        pytest.param(_set("maximum_value", "12,5"), "#/maximum_value", "decimal", id="decimal comma in an amount"),
        pytest.param(
            _set("agreement/end", "2027-06-01"), "#/agreement/end", "last extension", id="end and extensions differ"
        ),
        pytest.param(_set("payment_day", 3), "#/payment_day", "not known", id="unknown field"),
        pytest.param(
            _set("option_holders/1/code", "vestre-viken"), "#/option_holders/1/code", "already", id="holder twice"
        ),
    ],
)
def test_bad_input_is_told_with_its_place_and_leaves_nothing(
    app: Flask, change: Change, pointer: str, sentence: str
) -> None:
    document = examples.agreement()
    change(document)
    with pytest.raises(InvalidInput) as refused:
        record_agreement(document)
    told = {error.pointer: error.detail for error in refused.value.errors}
    assert sentence in told[pointer]
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) == 0
