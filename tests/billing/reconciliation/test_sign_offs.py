"""Sign-offs: checked by one person, approved by another, and a protocol that stays what it was."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pypdf
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from billing.ehf.document import AllowanceCharge, Document, Tax
from billing.reconciliation import sign_offs
from billing.reconciliation.allocation import by_trust, portions_of
from billing.reconciliation.frozen import reconcile
from billing.reconciliation.report import Report
from contracts import cost_centres
from contracts.cost_centres import Booking
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.people.access import Actor
from tests.billing.reconciliation.test_frozen_reconciliation import inputs
from tests.injector.documents import GRAINS
from tests.injector.faults import codes, single
from tests.injector.worlds import random_world
from tests.reconciled import (
    APPROVER,
    BOTH,
    CONTROLLER,
    DUE,
    FIRST,
    NOW,
    OSTFOLD,
    VIKEN,
    approve,
    attest,
    beside,
    check_sample,
    credit_note,
    decide,
    dispute,
    invoice,
    keys_of,
    line,
    person,
    record_quarters,
    reopen,
    run,
    seen,
    step,
    summed,
    take_in,
)

FEE = line("Oppgradering av mottak", "500.00")


def ready(agreement_id: int, document: Document | None = None) -> Report:
    """Take an invoice in and decide about everything in it."""
    take_in(agreement_id, document or invoice(agreement_id))
    found = run(agreement_id)
    if keys := keys_of(found):
        decide(agreement_id, keys, "accepted", "Agreed by phone.")
    check_sample(agreement_id)
    return seen(agreement_id)


def protocol(agreement_id: int, number: int | None = None, actor: Actor = CONTROLLER) -> bytes:
    with db.read() as session:
        return sign_offs.protocol(session, agreement_id=agreement_id, quarter=FIRST, run=number, actor=actor).content


def signed_events() -> list[tuple[str, str]]:
    with db.read() as session:
        rows = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    return [
        (each.action, each.recorded_by)
        for each in rows
        if each.action in ("reconciliation.attest", "reconciliation.approve")
    ]


# -- two people ------------------------------------------------------------------------------------------


def test_one_attests_and_another_approves(reconciling: int) -> None:
    ready(reconciling)
    attested = attest(reconciling)
    assert attested.run is not None
    assert attested.run.attested is not None
    assert (attested.state, attested.run.attested.by, attested.run.attested.statement) == (
        "attested",
        CONTROLLER.id,
        "Checked.",
    )
    approved = approve(reconciling)
    assert approved.run is not None
    assert approved.run.approved is not None
    assert (approved.state, approved.run.approved.by) == ("approved", APPROVER.id)
    assert signed_events() == [
        ("reconciliation.attest", CONTROLLER.id),
        ("reconciliation.approve", APPROVER.id),
    ]


@pytest.mark.parametrize(
    ("runs", "attests", "approves", "allowed"),
    [
        pytest.param(CONTROLLER, CONTROLLER, APPROVER, True, id="two people"),
        pytest.param(CONTROLLER, BOTH, BOTH, False, id="who attested"),
        pytest.param(BOTH, BOTH, BOTH, False, id="who ran and attested"),
        pytest.param(BOTH, CONTROLLER, BOTH, True, id="who ran, and another attested"),
        pytest.param(CONTROLLER, BOTH, APPROVER, True, id="who has one of the roles alone"),
    ],
)
def test_nobody_approves_what_they_attested(
    reconciling: int, runs: Actor, attests: Actor, approves: Actor, allowed: bool
) -> None:
    take_in(reconciling, invoice(reconciling))
    run(reconciling, actor=runs)
    check_sample(reconciling)
    attest(reconciling, actor=attests)
    if allowed:
        assert approve(reconciling, actor=approves).state == "approved"
        return
    with pytest.raises(Denied, match="attested"):
        approve(reconciling, actor=approves)
    assert seen(reconciling).state == "attested"


@pytest.mark.parametrize(
    ("act", "role", "may"),
    [
        (act, role, role == allowed)
        for act, allowed in ((attest, "finance_controller"), (approve, "approver"))
        for role in ("finance_controller", "contract_manager", "approver", "auditor", "admin", "service")
    ],
)
def test_attesting_is_the_controllers_and_approving_the_approvers(
    reconciling: int, act: Callable[..., Report], role: str, may: bool
) -> None:
    ready(reconciling)
    if act is approve:
        attest(reconciling)
    if may:
        act(reconciling, actor=person("x", role))
        return
    with pytest.raises(Denied):
        act(reconciling, actor=person("x", role))
    assert len(signed_events()) == (1 if act is approve else 0)


@pytest.mark.parametrize(
    ("act", "role"), [(attest, "finance_controller"), (approve, "approver")], ids=["attest", "approve"]
)
def test_whoever_is_kept_to_one_trust_signs_nothing(reconciling: int, act: Callable[..., Report], role: str) -> None:
    with pytest.raises(Denied, match="all trusts"):
        act(reconciling, actor=person("k", role, trust=VIKEN))


# -- what refuses --------------------------------------------------------------------------------------


def nothing_came(agreement_id: int) -> None:
    """Leave the quarter as it is."""


def an_invoice_came(agreement_id: int) -> None:
    take_in(agreement_id, invoice(agreement_id))


def something_came_after_the_run(agreement_id: int) -> None:
    ready(agreement_id)
    take_in(agreement_id, credit_note(agreement_id, line("Kreditering", "10.00")))


def a_finding_is_open(agreement_id: int) -> None:
    take_in(agreement_id, beside(invoice(agreement_id), FEE))
    run(agreement_id)
    check_sample(agreement_id)


def the_sample_is_not_looked_at(agreement_id: int) -> None:
    take_in(agreement_id, invoice(agreement_id))
    run(agreement_id)


def a_dispute_is_with_the_vendor(agreement_id: int) -> None:
    a_finding_is_open(agreement_id)
    dispute(agreement_id, keys_of(seen(agreement_id)))


def a_credit_is_awaited(agreement_id: int) -> None:
    a_dispute_is_with_the_vendor(agreement_id)
    for kind in ("sent", "agreed"):
        step(agreement_id, "ra-test-2024-Q1-01", kind)


def it_is_attested(agreement_id: int) -> None:
    ready(agreement_id)
    attest(agreement_id)


@pytest.mark.parametrize(
    ("before", "code"),
    [
        (nothing_came, "no_invoice"),
        (an_invoice_came, "no_run"),
        (something_came_after_the_run, "run_outdated"),
        (a_finding_is_open, "undecided_findings"),
        (the_sample_is_not_looked_at, "sample_unchecked"),
        (a_dispute_is_with_the_vendor, "with_vendor"),
        (a_credit_is_awaited, "credit_awaited"),
        (it_is_attested, "already_attested"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_open_refuses_and_says_why(reconciling: int, before: Callable[[int], None], code: str) -> None:
    before(reconciling)
    signed = signed_events()
    with pytest.raises(Conflict) as refused:
        attest(reconciling)
    assert refused.value.code == code
    assert sign_offs.REFUSALS[code] in refused.value.detail
    assert signed_events() == signed


def test_everything_that_is_open_is_told_at_once(reconciling: int) -> None:
    take_in(reconciling, beside(invoice(reconciling), FEE))
    with pytest.raises(Conflict) as refused:
        attest(reconciling)
    for code in ("no_run", "undecided_findings", "sample_unchecked"):
        assert sign_offs.REFUSALS[code] in refused.value.detail


@pytest.mark.parametrize("statement", ["", "  ", "x" * 1001], ids=["none", "blank", "too long"])
def test_what_is_signed_is_said(reconciling: int, statement: str) -> None:
    ready(reconciling)
    with pytest.raises(InvalidInput):
        attest(reconciling, statement=statement)
    attest(reconciling)
    with pytest.raises(InvalidInput):
        approve(reconciling, statement=statement)


def test_only_what_is_attested_is_approved_and_only_once(reconciling: int) -> None:
    with pytest.raises(Conflict) as refused:
        approve(reconciling)
    assert refused.value.code == "not_attested"
    ready(reconciling)
    attest(reconciling)
    approve(reconciling)
    with pytest.raises(Conflict) as refused:
        approve(reconciling, actor=person("eva", "approver"))
    assert refused.value.code == "already_approved"
    reopen(reconciling)
    with pytest.raises(Conflict) as refused:
        approve(reconciling)
    assert refused.value.code == "not_attested"


def test_what_came_after_it_was_attested_is_not_approved_with_it(reconciling: int) -> None:
    it_is_attested(reconciling)
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "10.00")))
    with pytest.raises(Conflict) as refused:
        approve(reconciling)
    assert refused.value.code == "run_outdated"


# -- the protocol ----------------------------------------------------------------------------------------


def read(content: bytes) -> tuple[str, list[dict[str, str]]]:
    reader = pypdf.PdfReader(io.BytesIO(content))
    text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    return text, attached(content, "linjer")


def attached(content: bytes, name: str) -> list[dict[str, str]]:
    files = {
        file.rpartition("-")[2]: rows for file, (rows,) in pypdf.PdfReader(io.BytesIO(content)).attachments.items()
    }
    return list(csv.DictReader(io.StringIO(files[f"{name}.csv"].decode())))


def test_a_protocol_has_its_figures_by_their_ids_and_the_words_that_were_signed(reconciling: int) -> None:
    ready(reconciling, beside(invoice(reconciling), FEE))
    attest(reconciling, statement="Kontrollert linje for linje.")
    figures = approve(reconciling, statement="Anvist på kostnadsstedene.").figures
    told = {row["figure"]: row["figure_value"] for row in attached(protocol(reconciling), "tall")}
    assert told == {each.id: each.wire for each in (figures.expected, figures.billed, figures.difference)}
    text, _rows = read(protocol(reconciling))
    assert "Kontrollert linje for linje." in text
    assert "Anvist på kostnadsstedene." in text


def test_a_trust_that_books_on_two_cost_centres_has_two_rows_in_the_protocol(reconciling: int) -> None:
    with db.write() as session:
        for centre, algorithm in (("4711", None), ("4712", "xray-skeletal")):
            cost_centres.add_cost_centre(
                session,
                agreement_id=reconciling,
                trust=VIKEN,
                algorithm=algorithm,
                valid_from=date(2024, 1, 1),
                booking=Booking(centre, "6720", "2960"),
                actor=CONTROLLER,
                now=NOW,
            )
    ready(reconciling, beside(invoice(reconciling), line("Støtte", "500.00", trust=VIKEN)))
    with db.read() as session:
        current = seen(reconciling)
        rows = sign_offs.allocated(session, current)
        assert {each.cost_centre for each in rows} == {"4711", "4712", None}
        for trust, amount in sign_offs.allocations(session, current):
            centres = {"4711", "4712"} if trust == VIKEN else {None}
            assert sum(each.amount for each in rows if each.cost_centre in centres) == amount


def test_approving_files_a_protocol_with_every_line_inside_it(reconciling: int) -> None:
    ready(reconciling, beside(invoice(reconciling), FEE))
    attest(reconciling)
    approved = approve(reconciling)
    text, rows = read(protocol(reconciling))
    assert approved.sha256 in text.replace(" ", "")
    assert "10045" in text
    assert sum(Decimal(row["invoiced"]) for row in rows) == DUE + 500
    assert sum(Decimal(row["expected"] or 0) for row in rows) == DUE
    assert sum(Decimal(row["difference"] or 0) for row in rows) == approved.frozen.difference
    assert {row["codes"] for row in rows if row["codes"]} == {"UNKNOWN_ITEM"}


def test_a_protocol_tells_of_a_broken_rule_a_missing_line_and_a_credited_dispute(reconciling: int) -> None:
    due = invoice(reconciling, profile=None)
    take_in(reconciling, beside(replace(due, lines=due.lines[:3]), FEE))
    opened = dispute(reconciling, keys_of(run(reconciling), "UNKNOWN_ITEM"))
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "500.00")))
    for kind in ("sent", "agreed", "credit_accepted"):
        step(reconciling, opened.number, kind)
    found = run(reconciling)
    decide(reconciling, [each.key for each in found.found if each.treatment.is_open], "noted", "Told the vendor.")
    check_sample(reconciling)
    attest(reconciling)
    approve(reconciling)
    text, rows = read(protocol(reconciling))
    for words in ("PEPPOL-EN16931-R001", opened.number, "MISSING_LINE"):
        assert words in text
    assert rows[-1]["codes"] == "MISSING_LINE"
    assert sum(Decimal(row["invoiced"]) for row in rows) == seen(reconciling).frozen.invoiced
    assert sum(Decimal(row["expected"] or 0) for row in rows) == DUE


def test_an_allowance_of_the_whole_document_stands_in_the_protocols_lines(reconciling: int) -> None:
    off = AllowanceCharge(False, Decimal("300.00"), reason="Rabatt", tax=Tax("S", Decimal(25)), currency="NOK")
    ready(reconciling, summed(invoice(reconciling, allowances=(off,))))
    attest(reconciling)
    approved = approve(reconciling)
    _, rows = read(protocol(reconciling))
    assert approved.frozen.invoiced == DUE - 300
    assert sum(Decimal(row["invoiced"] or 0) for row in rows) == DUE - 300
    assert sum(Decimal(row["difference"] or 0) for row in rows) == -300


def test_the_same_knowledge_gives_the_same_protocol(reconciling: int) -> None:
    it_is_attested(reconciling)
    approve(reconciling)
    first = protocol(reconciling)
    reopen(reconciling)
    run(reconciling)
    attest(reconciling)
    approve(reconciling)
    assert protocol(reconciling, 1) == first
    again = protocol(reconciling, 2)
    # The run's number is the only thing that is another.
    assert read(again)[1] == read(first)[1]
    assert read(again)[0].replace("Q1-2", "Q1-1") == read(first)[0]


def test_a_protocol_that_is_not_filed_or_not_ones_to_read_is_not_found(reconciling: int) -> None:
    it_is_attested(reconciling)
    with pytest.raises(NotFound):
        protocol(reconciling)
    approve(reconciling)
    with pytest.raises(NotFound):
        protocol(reconciling, 7)
    with pytest.raises(NotFound):
        protocol(reconciling, actor=person("l", "trust_reader", trust=VIKEN))


def test_signatures_are_never_changed(database: Flask) -> None:
    agreement_id = record_quarters()
    ready(agreement_id)
    attest(agreement_id)
    approve(agreement_id)
    for table in ("sign_offs",):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET statement = 'Other'"):
            with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
                connection.exec_driver_sql(statement)
    assert [len(seen(agreement_id).runs), seen(agreement_id).state] == [1, "approved"]


# -- allocation --------------------------------------------------------------------------------------------


def shares(found: Report) -> dict[str, Decimal]:
    with db.read() as session:
        return dict(sign_offs.allocations(session, found))


def test_what_names_its_trust_stays_there_and_the_rest_is_shared_to_the_ore(reconciling: int) -> None:
    take_in(reconciling, invoice(reconciling))
    assert shares(run(reconciling)) == {OSTFOLD: Decimal("11055.00"), VIKEN: Decimal("2745.00")}
    take_in(reconciling, beside(replace(invoice(reconciling, number="2"), lines=()), line("Lisens", "0.03")))
    after = shares(run(reconciling))
    assert sum(after.values()) == DUE + Decimal("0.03")
    assert all(share >= due for share, due in zip(after.values(), (11055, 2745), strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_the_shares_of_the_trusts_sum_to_what_is_invoiced(seed: int) -> None:
    rng = random.Random(seed)
    world = random_world(seed)
    picked = None
    while picked is None:
        picked = single(world, rng.choice(codes()), rng.choice(GRAINS))
    given_ = inputs(world, picked[1])
    frozen = reconcile(given_)
    assert sum(by_trust(portions_of(frozen, world.trusts)).values()) == frozen.invoiced


def test_a_part_of_an_ore_that_a_vendor_bills_is_told_and_never_paid(reconciling: int) -> None:
    document = invoice(reconciling)
    first = document.lines[0]
    assert first.net is not None
    odd = replace(document, lines=(replace(first, net=first.net + Decimal("0.005")), *document.lines[1:]))
    take_in(reconciling, summed(odd))
    found = run(reconciling)
    assert {each.finding.code for each in found.found} == {"DOCUMENT", "ROUNDING"}
    assert found.frozen.invoiced == DUE + Decimal("0.01")
    assert sum(shares(found).values()) == found.frozen.invoiced
