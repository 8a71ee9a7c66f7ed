"""What each trust bears sums to the charges and to the invoice, VAT included, and stands where it is booked."""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from billing.charges import charging
from billing.ehf.document import ItemProperty
from billing.ehf.document import Period as EhfPeriod
from billing.ehf.write import DraftLine
from billing.payments import allocation
from billing.payments.allocation import Allocation
from billing.quarters import closing as quarters
from contracts import cost_centres
from contracts.cost_centres import Booking
from contracts.errors import Conflict, Denied, NotFound
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period
from tests import examples
from tests.billing.invoices.test_invoice_intake import LINE, document, take_in
from tests.recorded import record_agreement, record_usage

NOW = datetime(2024, 4, 15, 8, tzinfo=UTC)
CONTROLLER = Actor("person:c", "C", (Grant("finance_controller"),))
QUARTER = Period.quarter(date(2024, 1, 1))
JANUARY = EhfPeriod(date(2024, 1, 1), date(2024, 1, 31))
BOOKINGS = {trust: Booking(f"44{i}0", "6790", "2960") for i, trust in enumerate(examples.TRUSTS)}


def with_fee(amount: str = "1000.01", **more: Any) -> dict[str, Any]:
    """The small agreement with a monthly fee of the whole agreement."""
    made = deepcopy(examples.agreement()) | more
    made["price_book"]["versions"][0]["charges"].append(
        {"code": "platform", "kind": "fixed", "clause": "7.2", "amount": amount, "per": "agreement", "every": "month",
         "proration": "none"}
    )  # fmt: skip
    return made


def set_up(agreement: dict[str, Any] | None = None, bookings: dict[str, Booking] | None = None) -> int:
    agreement_id = record_agreement(agreement or with_fee())
    record_usage(agreement_id)
    with db.write() as session:
        for trust, booking in (BOOKINGS if bookings is None else bookings).items():
            cost_centres.add_cost_centre(
                session,
                agreement_id=agreement_id,
                trust=trust,
                algorithm=None,
                valid_from=date(2024, 1, 1),
                booking=booking,
                actor=CONTROLLER,
                now=NOW,
            )
    return agreement_id


def of_charges(agreement_id: int, period: Period = QUARTER, actor: Actor = CONTROLLER) -> Allocation:
    with db.read() as session:
        return allocation.allocate_charges(session, agreement_id=agreement_id, period=period, actor=actor)


def of_invoice(agreement_id: int, content: bytes) -> Allocation:
    reading = take_in(agreement_id, content)
    assert reading.id is not None
    with db.read() as session:
        return allocation.allocate_invoice(session, agreement_id=agreement_id, invoice_id=reading.id, actor=CONTROLLER)


def test_the_fee_of_the_agreement_is_shared_by_what_the_trusts_pay_and_all_sums_to_the_charges(app: Flask) -> None:
    agreement_id = set_up()
    found = of_charges(agreement_id)
    with db.read() as session:
        charges = charging.expected_charges(session, agreement_id=agreement_id, period=QUARTER, actor=CONTROLLER)
    # By hand (pricing.md §5): 11 055.00 and 2 745.00, so each month of the fee is shared 801.09 to 198.92.
    assert found.net == charges.total == Decimal("16800.03")
    assert found.tax == Decimal("4200.01")
    assert {trust: net for trust, net, _tax in found.by_trust} == {
        "sykehuset-ostfold": Decimal("13458.27"),
        "vestre-viken": Decimal("3341.76"),
    }
    assert [(each.charge, each.key, each.net) for each in found.shared] == [
        ("platform", "period", Decimal("1000.01")),
        ("platform", "all", Decimal("1000.01")),
        ("platform", "all", Decimal("1000.01")),
    ]
    assert [(each.trust, each.algorithm, each.booking) for each in found.amounts] == [
        (trust, algorithm, BOOKINGS[trust])
        for trust in ("sykehuset-ostfold", "vestre-viken")
        for algorithm in ("xray-skeletal", None)
    ]
    assert found.unbooked == ()


def test_trusts_that_pay_themselves_are_each_taxed_on_their_own_sum(app: Flask) -> None:
    agreement_id = set_up(with_fee(payer=[{"from": "2024-01-01", "who": "each_trust"}]))
    found = of_charges(agreement_id)
    assert found.payer == "each_trust"
    for _trust, net, tax in found.by_trust:
        assert tax == (net * Decimal("0.25")).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    assert found.gross == sum((each.gross for each in found.amounts), Decimal(0))


def test_a_trust_without_a_cost_centre_is_named_and_its_amount_stands_all_the_same(app: Flask) -> None:
    agreement_id = set_up(bookings={"vestre-viken": BOOKINGS["vestre-viken"]})
    found = of_charges(agreement_id)
    assert found.unbooked == ("sykehuset-ostfold",)
    assert found.net == Decimal("16800.03")


def test_a_closed_quarter_is_allocated_from_its_frozen_lines(app: Flask) -> None:
    agreement_id = set_up()
    with db.write() as session:
        quarters.close(
            session, agreement_id=agreement_id, quarter="2024-Q1", actor=CONTROLLER, now=NOW, today=date(2024, 4, 15),
            accept_missing=True,
        )  # fmt: skip
    before = of_charges(agreement_id)
    record_usage(agreement_id, b"trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-03-11,50\n")
    assert of_charges(agreement_id) == before
    assert before.run == 1


def test_an_invoice_is_allocated_by_the_trusts_its_lines_name_and_the_rest_by_the_expected_shares(app: Flask) -> None:
    agreement_id = set_up()
    lump = replace(LINE, name="Plattform", item_id="platform", properties=(), quantity=Decimal(1),
                   unit_price=Decimal("1000.00"), net=Decimal("1000.00"))  # fmt: skip
    found = of_invoice(agreement_id, document(LINE, lump))
    by_trust = {trust: net for trust, net, _tax in found.by_trust}
    # The expected charges of January are shared 11 856.09 (Østfold) to 2 943.92 (Vestre Viken).
    assert by_trust == {"vestre-viken": Decimal("6198.91"), "sykehuset-ostfold": Decimal("801.09")}
    assert (found.net, found.tax) == (Decimal("7000.00"), Decimal("1750.00"))
    assert [(each.net, each.key) for each in found.shared] == [(Decimal("1000.00"), "reference")]


def test_an_invoice_to_a_trust_is_borne_by_it_where_its_lines_name_none(app: Flask) -> None:
    from billing.ehf.write import norwegian_party

    agreement_id = set_up()
    line = replace(LINE, properties=())
    buyer = norwegian_party("Universitetssykehuset Nord-Norge HF", "983974899", city="Tromsø")
    found = of_invoice(agreement_id, document(line, buyer=buyer))
    assert [trust for trust, _net, _tax in found.by_trust] == ["nord-norge"]


def test_a_credit_note_is_allocated_negatively(app: Flask) -> None:
    agreement_id = set_up()
    found = of_invoice(agreement_id, document(kind="credit_note", billing_references=(), due_date=None))
    assert (found.net, found.tax) == (Decimal("-6000.00"), Decimal("-1500.00"))


def test_random_invoices_sum_to_the_ore(app: Flask) -> None:
    agreement_id = set_up()
    rng = random.Random(20261124)
    for number in range(12):
        lines = [_random_line(rng) for _ in range(rng.randrange(1, 9))]
        found = of_invoice(agreement_id, document(*lines, number=str(20000 + number)))
        assert found.net == sum((line.net for line in lines), Decimal(0))
        assert found.invoice is not None
        assert found.tax == found.invoice.tax
        assert sum((net for _trust, net, _tax in found.by_trust), Decimal(0)) == found.net


def _random_line(rng: random.Random) -> DraftLine:
    trust = rng.choice((None, *examples.TRUSTS))
    net = Decimal(rng.randrange(1, 10**8)).scaleb(-2)
    return DraftLine(
        name="KI-analyse",
        quantity=Decimal(1),
        unit_price=net,
        net=net,
        item_id=rng.choice(("xray-skeletal", "ct-pe", "noe-annet")),
        period=rng.choice((JANUARY, EhfPeriod(date(2024, 1, 1), date(2024, 3, 31)))),
        properties=(ItemProperty("trust", trust),) if trust else (),
    )


def test_an_invoice_in_another_currency_is_not_allocated(app: Flask) -> None:
    agreement_id = set_up()
    with pytest.raises(Conflict, match="EUR"):
        of_invoice(agreement_id, document(currency="EUR"))


def test_an_allocation_is_for_readers_of_all_trusts(app: Flask) -> None:
    agreement_id = set_up()
    with pytest.raises(Denied):
        of_charges(agreement_id, actor=Actor("person:r", "R", (Grant("trust_reader", "akershus"),)))
    with pytest.raises(NotFound):
        of_charges(agreement_id, Period.quarter(date(2019, 1, 1)), COMMAND_LINE)
