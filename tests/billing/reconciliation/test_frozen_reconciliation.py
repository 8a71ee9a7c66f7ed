"""A reconciliation frozen: read back whole, computed again to the same bytes, and summing to the øre whatever came in."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.causes import CODES, AgreedCredit, Finding
from billing.causes.billed import BilledDocument
from billing.quarters.frozen import FrozenQuarter
from billing.reconciliation.frozen import (
    Disputed,
    FrozenReconciliation,
    Held,
    Inputs,
    dump_finding,
    load_finding,
    reconcile,
)
from billing.reconciliation.treatment import found_in, key_of
from billing.schemas.price import load_price_request
from contracts.terms.period import Period
from tests.injector.documents import GRAINS
from tests.injector.faults import Sent, codes, send, single
from tests.injector.presented import NAMES, situation
from tests.injector.worlds import World, random_world

ZERO = Decimal("0.00")
SEEDS = (0, 2)


def inputs(world: World, sent: Sent, *documents: BilledDocument) -> Inputs:
    """Give everything that a world's quarter is reconciled from; the world's own document where none is named."""
    known = situation(world, sent.invoice, tuple(sent.earlier))
    request = load_price_request(world.request)
    return Inputs(
        charges=FrozenQuarter.freeze("ra-1", request.period.label(), request),
        run=1,
        documents=tuple(
            Held(f"{place:064x}", document, known.facts, known.credits, len(known.earlier))
            for place, document in enumerate(documents or (known.document,), start=1)
        ),
        earlier=known.earlier,
        names=NAMES,
        set_apart=known.set_apart,
        late=known.late,
        statement=known.statement,
        tolerance=known.tolerance,
        settles=((world.credit["id"], ()),),
        decided=(("1" * 64, "3"),),
    )


def by_trust(document: BilledDocument) -> list[BilledDocument]:
    """Split an invoice into one for each trust, and one for what names none."""
    groups: dict[str, list[Any]] = {}
    for line in document.lines:
        groups.setdefault(line.trust or "-", []).append(line)
    return [
        replace(
            document,
            number=f"{document.number}-{number}",
            lines=tuple(lines),
            tax_exclusive=None,
            tax=None,
            tax_parts=(),
        )
        for number, (_, lines) in enumerate(sorted(groups.items()))
    ]


def must_hold(frozen: FrozenReconciliation) -> None:
    """Hold a reconciliation to everything that is always true of one."""
    content = frozen.to_bytes()
    back = FrozenReconciliation.from_bytes(content, frozen.inputs.charges)
    assert back == frozen
    assert back.to_bytes() == content
    assert back.run_again().to_bytes() == content
    parts = sum((each.explanation.difference for each in frozen.documents), ZERO)
    assert frozen.difference == parts + sum((finding.amount for finding in frozen.not_invoiced), ZERO)
    billed = sum((each.part.net for each in frozen.documents if each.explanation.comparable), ZERO)
    assert frozen.invoiced == billed
    # What was agreed to come off an invoice is not due; what a credit note takes off for a dispute is in both sums.
    credited = [
        group.expected_amount
        for each in frozen.documents
        for group in each.explanation.groups
        if group.credit is not None
    ]
    assert frozen.expected == frozen.inputs.charges.total + sum(credited, ZERO)
    keys = [each.key for each in found_in(frozen, {}, {})]
    assert len(set(keys)) == len(keys)


# -- whatever came ------------------------------------------------------------------------------


@pytest.mark.parametrize("code", codes())
def test_a_document_with_a_fault_of_every_code_is_frozen_whole(code: str) -> None:
    frozen = 0
    for seed in range(12):
        grain = GRAINS[(seed + codes().index(code)) % len(GRAINS)]
        picked = single(random_world(seed), code, grain)
        if picked is not None:
            must_hold(reconcile(inputs(random_world(seed), picked[1])))
            frozen += 1
        if frozen:
            break
    assert frozen


@pytest.mark.parametrize("seed", SEEDS)
def test_a_right_document_is_equal_and_so_are_its_invoices_by_trust(seed: int) -> None:
    world = random_world(seed)
    whole = reconcile(inputs(world, send(world, "tier")))
    assert whole.is_clean
    parts = by_trust(situation(world, send(world, "tier").invoice).document)
    # Only the first is the next invoice, which an agreed credit is to come on.
    split = inputs(world, send(world, "tier"), *parts)
    credits = split.documents[0].credits
    of_credit = [place for place, part in enumerate(parts) if any(line.reference for line in part.lines)]
    split = replace(
        split,
        documents=tuple(
            replace(each, credits=credits if place in of_credit[:1] else (), facts=replace(each.facts, vat_rate=None))
            for place, each in enumerate(split.documents)
        ),
    )
    frozen = reconcile(split)
    must_hold(frozen)
    assert (frozen.is_clean, frozen.difference, frozen.expected) == (True, ZERO, whole.expected)


def lines_of(world: World) -> BilledDocument:
    return situation(world, send(world, "tier").invoice).document


def test_where_no_invoice_came_all_that_is_due_is_missing() -> None:
    world = random_world(1)
    none = replace(inputs(world, send(world, "tier")), documents=())
    frozen = reconcile(none)
    must_hold(frozen)
    assert {finding.code for finding in frozen.not_invoiced} == {"MISSING_LINE"}
    assert (frozen.invoiced, frozen.expected) == (ZERO, none.charges.total)
    assert len({finding.expected_lines for finding in frozen.not_invoiced}) == len(frozen.not_invoiced)


@pytest.mark.parametrize("place", [0, 1], ids=["alone", "after a right one"])
def test_another_currency_is_never_subtracted(place: int) -> None:
    world = random_world(1)
    document = lines_of(world)
    foreign = replace(document, currency="EUR", number="E")
    frozen = reconcile(inputs(world, send(world, "tier"), *[document][:place], foreign))
    must_hold(frozen)
    assert not frozen.comparable
    assert [each.explanation.comparable for each in frozen.documents][-1] is False
    assert frozen.expected == frozen.inputs.charges.total
    assert frozen.invoiced == (document.net if place else ZERO)


def test_an_invoice_of_which_only_a_repetition_came_leaves_all_that_is_due_missing() -> None:
    world = random_world(1)
    document = lines_of(world)
    given_ = inputs(world, send(world, "tier"))
    again = replace(given_, earlier=(document,), documents=tuple(replace(each, earlier=1) for each in given_.documents))
    frozen = reconcile(again)
    must_hold(frozen)
    assert [finding.code for finding in frozen.documents[0].explanation.findings] == ["INVOICE_DUP"]
    assert -sum((finding.amount for finding in frozen.not_invoiced), ZERO) == given_.charges.total


def test_a_document_repeats_only_what_came_before_it() -> None:
    world = random_world(1)
    document = lines_of(world)
    given_ = replace(inputs(world, send(world, "tier")), earlier=(document,))
    first, repeated = (
        reconcile(replace(given_, documents=(replace(given_.documents[0], earlier=count),))) for count in (0, 1)
    )
    assert (first.is_clean, [finding.code for finding in repeated.findings][:1]) == (True, ["INVOICE_DUP"])


@pytest.mark.parametrize(("fault", "invoiced"), [("twice", 2), ("another number", 2)])
def test_the_second_of_two_alike_is_billed_too_much_as_a_whole(fault: str, invoiced: int) -> None:
    world = random_world(2)
    document = lines_of(world)
    again = replace(document, number="other") if fault == "another number" else document
    frozen = reconcile(inputs(world, send(world, "tier"), document, again))
    must_hold(frozen)
    assert frozen.invoiced == invoiced * document.net
    second = frozen.documents[1].explanation
    assert [(finding.code, finding.amount) for finding in second.findings] == [("INVOICE_DUP", document.net)]


@pytest.mark.parametrize("seed", [3, 8, 13, 29])
def test_a_discount_below_one_documents_lines_is_not_taken_off_what_another_bills(seed: int) -> None:
    world = random_world(seed)
    sent = send(world, "tier")
    first, *others = by_trust(situation(world, sent.invoice).document)
    first = replace(first, allowances=Decimal("24.65"))
    documents = [replace(each, lines=tuple(_numbered(each))) for each in (first, *others)]
    for kept in (documents, documents[:1], list(reversed(documents))):
        must_hold(reconcile(inputs(world, sent, *kept)))


@given(st.integers(0, 40), st.randoms(use_true_random=False))
@settings(max_examples=4, deadline=None)
def test_whatever_documents_a_quarter_has_the_sums_hold_and_it_is_read_back(seed: int, rng: random.Random) -> None:
    world = random_world(seed)
    sent = send(world, rng.choice(GRAINS))
    documents = by_trust(situation(world, sent.invoice).document)
    rng.shuffle(documents)
    kept = documents[: rng.randrange(len(documents) + 1)]
    for place, each in enumerate(kept):
        match rng.randrange(5):
            case 0:
                kept[place] = replace(each, lines=each.lines[:-1])
            case 1:
                kept[place] = replace(each, lines=(*each.lines, each.lines[0]), tax_exclusive=each.net)
            case 2:
                kept[place] = replace(each, currency="SEK")
            case 3:
                kept[place] = replace(each, allowances=Decimal(rng.randrange(-9999, 9999)) / 100)
    if kept and rng.random() < 0.3:
        kept.append(kept[0])
    kept = [replace(each, lines=tuple(_numbered(each))) for each in kept]
    given_ = inputs(world, sent, *kept) if kept else replace(inputs(world, sent), documents=())
    must_hold(reconcile(given_))


def _numbered(document: BilledDocument) -> list[Any]:
    return [replace(line, id=str(number)) for number, line in enumerate(document.lines, start=1)]


# -- credit notes --------------------------------------------------------------------------------


def note_for(amount: str, *, wanted: str = "600.00") -> tuple[Inputs, AgreedCredit]:
    world = random_world(1)
    document = lines_of(world)
    taken = replace(
        document,
        kind="credit_note",
        number="K",
        lines=(replace(document.lines[0], id="1", net=-Decimal(amount), quantity=None, price=None),),
        tax_exclusive=-Decimal(amount),
        tax=None,
        tax_parts=(),
        credits=(document.number,),
    )
    credit = AgreedCredit("ra-1-01", Decimal(wanted), invoice=document.number)
    given_ = inputs(world, send(world, "tier"), document, taken)
    disputed = (
        Disputed("QTY_DUP", Decimal("400.00"), "oslo", "ct-pe", "2025-07", "7.1"),
        Disputed("FIXED_FEE", Decimal("200.00"), None, None, None, None),
    )
    return (
        replace(
            given_,
            documents=(given_.documents[0], replace(given_.documents[1], credits=(credit,))),
            settles=((credit.id, disputed),),
        ),
        credit,
    )


@pytest.mark.parametrize(
    ("amount", "wanted", "found"),
    [
        pytest.param("600.00", "600.00", [("QTY_DUP", "-400.00"), ("FIXED_FEE", "-200.00")], id="as agreed"),
        pytest.param("300.00", "300.00", [("QTY_DUP", "-300.00")], id="a part, as agreed"),
        pytest.param(
            "500.00",
            "600.00",
            [("QTY_DUP", "-400.00"), ("FIXED_FEE", "-200.00"), ("CREDIT_WRONG", "100.00")],
            id="too little",
        ),
        pytest.param(
            "650.00",
            "600.00",
            [("QTY_DUP", "-400.00"), ("FIXED_FEE", "-200.00"), ("CREDIT_WRONG", "-50.00")],
            id="too much",
        ),
    ],
)
def test_what_a_credit_note_takes_off_stands_under_the_causes_it_was_agreed_for(
    amount: str, wanted: str, found: list[tuple[str, str]]
) -> None:
    given_, credit = note_for(amount, wanted=wanted)
    frozen = reconcile(given_)
    must_hold(frozen)
    note = frozen.documents[1].explanation
    assert [(finding.code, str(finding.amount)) for finding in note.findings] == found
    assert all(finding.params["credit"] == credit.id for finding in note.findings)


def test_a_credit_note_of_which_nothing_is_known_is_wrong_as_a_whole() -> None:
    given_, _ = note_for("600.00")
    unagreed = replace(given_, settles=(), documents=tuple(replace(each, credits=()) for each in given_.documents))
    frozen = reconcile(unagreed)
    must_hold(frozen)
    found = [(finding.code, finding.amount) for finding in frozen.documents[1].explanation.findings]
    assert found == [("CREDIT_WRONG", Decimal("-600.00"))]


# -- a document that spans quarters ---------------------------------------------------------------------


def spanning_parts() -> tuple[FrozenReconciliation, FrozenReconciliation, BilledDocument]:
    """Reconcile an invoice that bills this quarter and a fee in the next one, in both; its VAT is 100.00 too much."""
    world = random_world(1)
    document = lines_of(world)
    request = load_price_request(world.request)
    after = Period.quarter(request.period.end)
    fee = replace(
        document.lines[0],
        id="99",
        text="Oppgradering",
        trust=None,
        algorithm=None,
        charge=None,
        tier=None,
        phase=None,
        quantity=Decimal(1),
        price=Decimal("500.00"),
        allowance=ZERO,
        net=Decimal("500.00"),
        period=after,
    )
    assert document.tax is not None
    net = document.net + 500
    whole = replace(
        document,
        lines=(*document.lines, fee),
        tax_exclusive=net,
        tax=(net / 4).quantize(Decimal("0.01"), "ROUND_HALF_UP") + 100,
        tax_parts=(),
        buyer="000000000",
    )
    here = inputs(world, send(world, "tier"), whole)
    there = replace(here, charges=FrozenQuarter.freeze("ra-1", after.label(), replace(request, period=after)), run=None)
    return reconcile(here), reconcile(there), whole


def test_an_invoice_that_spans_quarters_is_judged_once_and_its_parts_add_up() -> None:
    first, second, whole = spanning_parts()
    for each in (first, second):
        must_hold(each)
    assert first.invoiced + second.invoiced == whole.net
    assert {finding.code for finding in first.documents[0].explanation.header} == {"WRONG_BUYER", "VAT"}
    assert second.documents[0].explanation.header == ()
    assert (first.tax_amount, second.tax_amount) == (Decimal("100.00"), ZERO)
    assert [line.id for line in second.documents[0].part.lines] == ["99"]


def test_a_credit_note_that_names_an_invoice_belongs_to_its_quarter_whole() -> None:
    _, second, whole = spanning_parts()
    note = replace(whole, kind="credit_note", number="K", credits=("1",))
    frozen = reconcile(
        replace(second.inputs, documents=(replace(second.inputs.documents[0], document=note),), earlier=())
    )
    assert frozen.documents[0].part == note
    assert {finding.code for finding in frozen.documents[0].explanation.header} == {"WRONG_BUYER", "VAT"}


# -- the bytes --------------------------------------------------------------------------------------


def test_the_bytes_hold_what_went_in_and_what_came_out_and_nothing_else() -> None:
    given_, _ = note_for("500.00")
    written = json.loads(reconcile(given_).to_bytes())
    assert set(written) == {"format", "inputs", "documents", "not_invoiced"}
    assert set(written["inputs"]) == {
        "charges", "quarter", "run", "documents", "earlier", "names", "set_apart", "late", "statement", "tolerance",
        "settles", "decided",
    }  # fmt: skip
    assert reconcile(given_).to_bytes().endswith(b"}\n")


def test_a_document_of_another_form_is_refused() -> None:
    frozen = reconcile(note_for("500.00")[0])
    other = frozen.to_bytes().replace(b"trinnvis-reconciliation-1", b"trinnvis-reconciliation-9")
    with pytest.raises(ValueError, match="unknown form"):
        FrozenReconciliation.from_bytes(other, frozen.inputs.charges)


values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.tuples(st.dates(date(1, 1, 1), date(2999, 1, 1))).map(lambda day: Period.month(day[0]))
    | st.lists(st.text(max_size=9), max_size=3).map(tuple)
)
texts = st.none() | st.text(max_size=9)


@given(
    st.builds(
        Finding,
        code=st.sampled_from(CODES),
        amount=st.decimals(allow_nan=False, allow_infinity=False, places=2),
        trust=texts,
        algorithm=texts,
        period=texts,
        invoice_lines=st.lists(st.text(max_size=4), max_size=3).map(tuple),
        expected_lines=st.lists(st.text(max_size=4), max_size=3).map(tuple),
        clause=texts,
        params=st.dictionaries(st.text(max_size=9), values, max_size=5),
        tax_amount=st.decimals(allow_nan=False, allow_infinity=False, places=2),
    )
)
def test_a_finding_is_read_back_as_it_was_written(finding: Finding) -> None:
    back = load_finding(json.loads(json.dumps(dump_finding(finding))))
    assert back == finding
    assert key_of("a", back) == key_of("a", finding)
