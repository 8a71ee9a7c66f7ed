"""The expected charges of a period, for those who may see them, as they were known."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask

from billing.charges import charging
from billing.usage import metering
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period
from tests import examples
from tests.recorded import COUNTED, record_agreement, record_usage

Q1 = Period.parse("2024-Q1")
OWN = Actor("person:l", "L", (Grant("trust_reader", "vestre-viken"),))


def charges(agreement_id: int, period: Period = Q1, **options: object) -> charging.Charges:
    with db.read() as session:
        return charging.expected_charges(
            session,
            agreement_id=agreement_id,
            period=period,
            **{"actor": COMMAND_LINE, **options},  # type: ignore[arg-type]
        )


def test_the_worked_example_gives_its_total_and_its_shares(database: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    expected = charges(agreement_id)
    assert expected.total == Decimal("13800.00")
    assert {(line.trust, line.tier): (line.quantity, line.net) for line in expected.lines} == {
        ("sykehuset-ostfold", 1): (134, Decimal("8040.00")),
        ("sykehuset-ostfold", 2): (67, Decimal("3015.00")),
        ("vestre-viken", 1): (66, Decimal("1980.00")),
        ("vestre-viken", 2): (34, Decimal("765.00")),
    }
    assert expected.discount == Decimal("2745.00")


def test_an_amount_is_asked_again_as_it_was_known_before_a_correction(database: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    with db.write() as session:
        metering.correct_usage(
            session,
            agreement_id=agreement_id,
            trust="sykehuset-ostfold",
            algorithm="xray-skeletal",
            on=date(2024, 1, 20),
            change=-1,
            reason="counted twice",
            actor=COMMAND_LINE,
            now=COUNTED + timedelta(days=30),
        )
    # 300 units: tier 1 holds 133 of Østfold's 200 and 67 of Vestre Viken's 100, half off for the latter.
    corrected = 133 * 60 + 67 * 45 + (67 * 60 + 33 * 45) / Decimal(2)
    assert charges(agreement_id).total == corrected
    assert charges(agreement_id, known_at=COUNTED + timedelta(days=30)).total == corrected
    assert charges(agreement_id, known_at=COUNTED).total == Decimal("13800.00")
    with pytest.raises(NotFound):
        charges(agreement_id, known_at=COUNTED - timedelta(days=300))


def test_one_trust_is_shown_its_own_lines_at_the_pooled_prices(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    assert charges(agreement_id, trust="vestre-viken").total == Decimal("2745.00")


def test_a_reader_within_a_trust_never_sees_another_one(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    own = charges(agreement_id, actor=OWN)
    assert {line.trust for line in own.lines} == {"vestre-viken"}
    assert own.others is None, "a single other trust could be told from a sum"
    for trust in ("sykehuset-ostfold", "oslo"):
        with pytest.raises(NotFound, match=f"no trust '{trust}' in this agreement"):
            charges(agreement_id, actor=OWN, trust=trust)


def test_two_others_or_more_are_shown_together(app: Flask) -> None:
    document = examples.agreement()
    document["activations"].append(
        {
            "trust": "akershus",
            "algorithm": "xray-skeletal",
            "validation_from": None,
            "go_live": "2024-01-01",
            "end": None,
        }
    )
    agreement_id = record_agreement(document)
    record_usage(agreement_id, examples.USAGE_CSV + b"akershus,xray-skeletal,2024-01-21,10\n")
    whole, own = charges(agreement_id), charges(agreement_id, actor=OWN)
    assert own.others is not None
    assert own.total + own.others == whole.total


def test_outside_the_term_nothing_is_due(app: Flask) -> None:
    agreement_id = record_agreement()
    assert charges(agreement_id, Period.parse("2023-Q4")).lines == ()
    assert charges(agreement_id, Period.parse("2028-Q1")).lines == ()


def test_the_charges_name_the_price_version_and_the_last_day_counted(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    expected = charges(agreement_id)
    assert (expected.version, expected.data_until) == (date(2024, 1, 1), date(2024, 1, 20))
