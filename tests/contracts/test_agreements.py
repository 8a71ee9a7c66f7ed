"""An agreement goes in whole and comes out whole, on both databases."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from contracts import agreements
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import Agreement, AuditEvent, Organisation
from contracts.people.access import COMMAND_LINE, Actor, Grant
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


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("product", "Bruddvis 2", "product"),
        ("vendor_name", "Synsam KI AS", "vendor_name"),
        ("need", {"nb": "Lunger", "en": "Plain X-ray – skeleton"}, "need/nb"),
        ("need", {"nb": "Konvensjonell røntgen – skjelett", "en": "Lungs"}, "need/en"),
        ("modality", "CT", "modality"),
        ("ce_class", "IIb", "ce_class"),
        ("ce_year", 2023, "ce_year"),
        ("ce_year", None, "ce_year"),
    ],
)
def test_a_known_algorithm_that_differs_is_a_conflict_with_its_place_and_nothing_is_kept(
    app: Flask, field: str, value: Any, place: str
) -> None:
    record_agreement()
    second = examples.agreement("ra-second")
    second["algorithms"].reverse()
    second["algorithms"][1][field] = value
    with pytest.raises(Conflict, match=rf"#/algorithms/1/{place}: 'xray-skeletal' is registered with") as refused:
        record_agreement(second)
    assert refused.value.code == "algorithm_differs"
    with db.read() as session:
        assert session.scalars(select(Agreement.code)).all() == ["ra-test"]


def test_everything_in_which_a_known_algorithm_differs_is_told_at_once(app: Flask) -> None:
    record_agreement()
    second = examples.agreement("ra-second")
    second["algorithms"][0] |= {"ce_class": "IIb", "ce_year": None}
    with pytest.raises(Conflict, match=r"ce_class: 'xray-skeletal' .* 'IIa'; #/algorithms/0/ce_year: .* 2021"):
        record_agreement(second)


def _imports(database: Flask, *documents: dict[str, Any]) -> list[str]:
    """Import documents at the same moment, each by a writer of its own; give their outcomes in the documents' order."""
    barrier, outcomes = threading.Barrier(len(documents)), dict[int, str]()

    def run(number: int) -> None:
        with database.app_context():
            barrier.wait()
            try:
                with db.write() as session:
                    outcomes[number] = agreements.import_agreement(
                        session, document=load_agreement(documents[number]), actor=COMMAND_LINE, now=SIGNED
                    ).status
            except Conflict as refused:
                outcomes[number] = refused.code

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(documents))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [outcomes[number] for number in range(len(documents))]


def test_two_first_imports_of_one_document_at_once_make_one_agreement(database: Flask) -> None:
    assert sorted(_imports(database, examples.agreement(), examples.agreement())) == ["already_imported", "imported"]


def test_two_first_imports_under_one_code_at_once_end_in_a_conflict(database: Flask) -> None:
    other = examples.agreement() | {"payment_days": 45}
    assert sorted(_imports(database, examples.agreement(), other)) == ["agreement_exists", "imported"]


def test_two_first_imports_of_the_same_parties_at_once_share_them_in_whatever_order(database: Flask) -> None:
    second = examples.agreement("ra-second")
    second["option_holders"].reverse()
    second["algorithms"].reverse()
    assert _imports(database, examples.agreement(), second) == ["imported", "imported"]
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) == 2 + len(examples.TRUSTS)


@pytest.mark.each_case_on_both
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "Vestre Viken helseforetak"}, "organisation_differs"),
        ({"code": "vvhf"}, "organisation_differs"),
    ],
)
def test_two_first_imports_that_name_one_organisation_differently_at_once_end_in_a_conflict(
    database: Flask, change: dict[str, str], code: str
) -> None:
    second = examples.agreement("ra-second") | {"activations": []}
    second["option_holders"][0] |= change
    assert sorted(_imports(database, examples.agreement(), second)) == ["imported", code]


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


def _active(*dates: tuple[str | None, str, str | None]) -> Change:
    def change(document: dict[str, Any]) -> None:
        document["activations"] = [
            {
                "trust": "vestre-viken",
                "algorithm": "xray-skeletal",
                "validation_from": validation_from,
                "go_live": go_live,
                "end": end,
            }
            for validation_from, go_live, end in dates
        ]

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
            _set("estimated_value", 12.5), "#/estimated_value", "as a string", id="an amount that is a number"
        ),
        pytest.param(
            _set("agreement/end", "2027-06-01"), "#/agreement/end", "last extension", id="end and extensions differ"
        ),
        pytest.param(_set("payment_day", 3), "#/payment_day", "not known", id="unknown field"),
        pytest.param(
            _active((None, "2024-05-01", None), (None, "2024-01-01", None)),
            "#/activations/0",
            "already active by activation 1",
            id="two activations at once",
        ),
        pytest.param(
            _active((None, "2024-01-01", "2024-05-02"), ("2024-05-01", "2024-06-01", None)),
            "#/activations/1",
            "already active by activation 0",
            id="validation before the other one has ended",
        ),
        pytest.param(
            _active(("2024-02-01", "2024-01-01", None)),
            "#/activations/0/validation_from",
            "before go-live",
            id="validation after go-live",
        ),
        pytest.param(
            _active((None, "2024-02-01", "2024-01-01")), "#/activations/0/end", "after it goes live", id="ends too soon"
        ),
        pytest.param(
            _active((None, "2024-02-01", "2024-02-01")), "#/activations/0/end", "no day", id="ends as it goes live"
        ),
        pytest.param(
            _set("agreement", {"start": "2028-01-01", "end": "2028-01-01", "currency": "NOK"}),
            "#/agreement/end",
            "after it starts",
            id="no day of agreement",
        ),
        pytest.param(
            _set("agreement", {"start": "1920-01-01", "end": "2028-01-01", "currency": "NOK"}),
            "#/agreement/end",
            "more than 100 years",
            id="longer than a century",
        ),
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


def test_one_activation_after_another_of_the_same_trust_and_algorithm_goes_in_and_comes_out(app: Flask) -> None:
    document = examples.agreement()
    _active((None, "2024-01-01", "2024-05-01"), ("2024-05-01", "2024-06-01", None))(document)
    agreement_id = record_agreement(document)
    with db.read() as session:
        assert dump_agreement(agreements.export_agreement(session, agreement_id=agreement_id)) == document
