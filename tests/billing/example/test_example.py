"""The example must be believable: a document that is valid, usage with a week and a year in it, an honest course."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from stdnum.no import orgnr

from billing.charges import basis
from billing.example.agreement import Document, agreement_document
from billing.example.load import CORRECTED, PEOPLE, LoadedExample, as_signed, load_example, usage_files
from billing.example.usage import LAST_DAY, DailyCount, daily_usage, usage_csv
from billing.example.vendor import LATEST, vendor_invoice
from billing.invoices import invoices
from billing.models import UsageEntry
from billing.quarters import closing as quarters
from billing.quarters import runs as closings
from billing.reconciliation.report import list_quarters, report
from billing.usage import metering
from contracts import agreements
from contracts.extensions import make_engine
from contracts.models import Person
from contracts.people import access
from contracts.people.access import COMMAND_LINE
from contracts.schemas.agreement import dump_agreement, load_agreement
from contracts.terms.period import Period
from contracts.terms.price_book import check
from contracts.terms.working_days import public_holidays, working_days
from contracts.web import formatting
from tests.conftest import new_postgres
from tests.oracle.evaluator import evaluate

ROOT = Path(__file__).resolve().parents[3]
OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime(2026, 10, 15, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def document() -> Document:
    return agreement_document()


@pytest.fixture(scope="module")
def counts(document: Document) -> list[DailyCount]:
    return daily_usage(document)


# --- The agreement --------------------------------------------------------------------------------------------------


def test_the_document_is_read_without_a_finding(document: Document) -> None:
    read = load_agreement(document)
    assert check(read.price_book, read.term, read.activations) == []
    assert dump_agreement(read) == document


def test_the_document_as_signed_is_read_without_a_finding() -> None:
    signed = load_agreement(as_signed(agreement_document()))
    assert check(signed.price_book, signed.term, signed.activations) == []
    assert signed.term.end == date(2026, 1, 1)
    assert [(each.trust, each.algorithm) for each in signed.activations] == [("vestre-viken", "xray-skeletal")]


def test_nine_trusts_hold_options_and_every_organisation_number_is_valid(document: Document) -> None:
    holders = document["option_holders"]
    numbers = [party["organisation_number"] for party in (document["buyer"], document["vendor"], *holders)]
    assert len(holders) == 9
    assert len(set(numbers)) == 11
    assert all(orgnr.is_valid(number) for number in numbers)
    assert {holder["region"] for holder in holders if holder["code"] == "nord-norge"} == {"Helse Nord"}
    assert {holder["region"] for holder in holders if holder["code"] != "nord-norge"} == {"Helse Sør-Øst"}


def test_options_stand_in_believable_states(document: Document) -> None:
    steps = {holder["code"]: holder["option"]["states"] for holder in document["option_holders"]}
    assert steps["vestre-viken"][-1] == {"state": "exercised", "on": document["agreement"]["start"]}
    assert Counter(states[-1]["state"] for states in steps.values()) == {
        "exercised": 7,
        "under_review": 1,
        "listed": 1,
    }
    for states in steps.values():
        assert [state["on"] for state in states] == sorted(state["on"] for state in states)


def test_only_trusts_inside_the_agreement_activate_and_only_after_they_joined(document: Document) -> None:
    joined = {
        holder["code"]: holder["option"]["states"][-1]["on"]
        for holder in document["option_holders"]
        if holder["option"]["states"][-1]["state"] == "exercised"
    }
    assert {each["trust"] for each in document["activations"]} == joined.keys()
    for each in document["activations"]:
        first = each["validation_from"] or each["go_live"]
        assert first > joined[each["trust"]] or each["trust"] == "vestre-viken"


def test_go_lives_are_staggered_from_vestre_viken_to_the_north(document: Document) -> None:
    first: dict[str, str] = {}
    for each in sorted(document["activations"], key=lambda each: str(each["go_live"])):
        first.setdefault(each["trust"], each["go_live"])
    assert first["vestre-viken"] == "2023-08-29"
    assert list(first) == [
        "vestre-viken",
        "akershus",
        "sykehuset-i-vestfold",
        "sykehuset-ostfold",
        "sykehuset-innlandet",
        "oslo",
        "nord-norge",
    ]
    assert 24 <= len(document["activations"]) <= 28
    assert len([each for each in document["activations"] if each["end"]]) == 1
    assert {each["algorithm"] for each in document["activations"]} == {each["code"] for each in document["algorithms"]}


def test_at_least_six_ramps_end_in_the_last_quarter_of_2026(document: Document) -> None:
    ends = [each["go_live"] for each in document["activations"] if "2026-04" < each["go_live"] < "2026-07"]
    assert len(ends) >= 6


# --- Usage ----------------------------------------------------------------------------------------------------------


def test_usage_lies_inside_its_activation_and_is_never_zero_or_less(
    document: Document, counts: list[DailyCount]
) -> None:
    running = {(each["trust"], each["algorithm"]): each for each in document["activations"]}
    for count in counts:
        activation = running[count.trust, count.algorithm]
        assert (activation["validation_from"] or activation["go_live"]) <= count.on.isoformat()
        assert activation["end"] is None or count.on.isoformat() < activation["end"]
        assert count.quantity > 0
    assert {(count.trust, count.algorithm) for count in counts} == running.keys()
    assert counts[0].on == date(2023, 8, 1)
    assert counts[-1].on == LAST_DAY


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_usage_is_the_same_under_any_hash_seed(counts: list[DailyCount], hash_seed: str) -> None:
    program = (
        "import sys\n"
        "from billing.example.agreement import agreement_document\n"
        "from billing.example.usage import daily_usage, usage_csv\n"
        "sys.stdout.buffer.write(usage_csv(daily_usage(agreement_document())))\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    other = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True)
    assert other.stdout == usage_csv(counts)


def test_one_more_activation_leaves_the_others_usage_as_it_is(document: Document, counts: list[DailyCount]) -> None:
    more = {
        "trust": "sorlandet",
        "algorithm": "ct-pe",
        "validation_from": None,
        "go_live": "2026-01-05",
        "end": None,
    }
    with_more = daily_usage(document | {"activations": [more, *document["activations"]]})
    assert [count for count in with_more if count.trust != "sorlandet"] == counts


def _mean(counts: list[DailyCount], days: set[date], algorithm: str, trust: str = "vestre-viken") -> float:
    total = sum(
        count.quantity for count in counts if (count.trust, count.algorithm) == (trust, algorithm) and count.on in days
    )
    return total / len(days)


def _days(year: int, month_from: int = 1, month_to: int = 9) -> Iterator[date]:
    day = date(year, month_from, 1)
    while day.month <= month_to and day.year == year:
        yield day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("algorithm", "most_on_free_days", "least_on_free_days"),
    [("xray-skeletal", 0.6, 0.4), ("xray-chest", 0.6, 0.4), ("ct-pe", 0.4, 0.1), ("mr-ms-followup", 0.0, 0.0)],
)
def test_weekends_and_public_holidays_are_quieter_than_working_days(
    counts: list[DailyCount], algorithm: str, most_on_free_days: float, least_on_free_days: float
) -> None:
    days = set(_days(2026))
    free = {day for day in days if day in public_holidays(2026)}
    weekend = {day for day in days if day.weekday() > 4} - free
    working = _mean(counts, days - free - weekend, algorithm)
    for quiet in (weekend, free):
        assert least_on_free_days * working <= _mean(counts, quiet, algorithm) <= most_on_free_days * working


def test_july_is_the_quietest_month(counts: list[DailyCount]) -> None:
    by_month = Counter[int]()
    for count in counts:
        if count.on.year == 2025 and (count.trust, count.algorithm) == ("vestre-viken", "xray-chest"):
            by_month[count.on.month] += count.quantity
    assert min(by_month, key=by_month.__getitem__) == 7


def test_the_first_product_is_taken_up_slowly_towards_its_plan(counts: list[DailyCount]) -> None:
    def between(start: date, end: date) -> int:
        return sum(
            count.quantity
            for count in counts
            if (count.trust, count.algorithm) == ("vestre-viken", "xray-skeletal") and start <= count.on < end
        )

    assert 14_000 < between(date(2023, 8, 29), date(2024, 10, 1)) < 18_000
    assert 33_000 < between(date(2025, 10, 1), date(2026, 10, 1)) < 39_000


def test_larger_trusts_use_more(counts: list[DailyCount]) -> None:
    days = set(_days(2026, 7, 9))
    skeletal = [
        _mean(counts, days, "xray-skeletal", trust) for trust in ("akershus", "sykehuset-ostfold", "nord-norge")
    ]
    assert skeletal == sorted(skeletal, reverse=True)


def test_usage_files_come_on_working_days_after_their_period_and_hold_every_count_once(
    counts: list[DailyCount],
) -> None:
    files = usage_files(counts)
    assert len(files) == 1 + 8 + 9
    assert sum(file.content.count(b"\n") - 1 for file in files) == len(counts)
    assert len({file.filename for file in files}) == len(files)
    for file in files:
        rows = file.content.decode().splitlines()[1:]
        last = max(date.fromisoformat(row.split(",")[2]) for row in rows)
        assert 1 <= (file.delivered_on - last).days <= 14
        assert working_days(Period(file.delivered_on, file.delivered_on + timedelta(days=1)))


# --- Loaded ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded_engine(example_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = tmp_path_factory.mktemp("example") / "trinnvis.db"
    shutil.copyfile(example_database, path)
    engine = make_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture
def session(loaded_engine: Engine) -> Iterator[Session]:
    with Session(loaded_engine) as session:
        yield session


def _quarters() -> list[Period]:
    return [Period.parse(f"{year}-Q{number}") for year in (2024, 2025, 2026) for number in (1, 2, 3, 4)][:11]


def test_loading_twice_does_nothing_the_second_time(session: Session) -> None:
    before = session.scalar(select(func.count()).select_from(UsageEntry))
    assert load_example(session, actor=COMMAND_LINE, now=NOW, write=formatting) == LoadedExample("already_there")
    assert session.scalar(select(func.count()).select_from(UsageEntry)) == before


def test_the_recorded_agreement_is_the_document_in_the_end(session: Session, document: Document) -> None:
    exported = dump_agreement(agreements.export_agreement(session, agreement_id=agreements.find_agreement(session).id))
    assert exported == document


@pytest.mark.parametrize(
    ("known_on", "end", "versions", "adjustments", "exercised", "activations"),
    [
        (date(2023, 12, 31), date(2026, 1, 1), 1, 0, 1, 1),
        (date(2025, 6, 30), date(2026, 1, 1), 1, 1, 5, 9),
        (date(2025, 12, 31), date(2027, 1, 1), 2, 1, 6, 16),
        (date(2026, 10, 15), date(2028, 1, 1), 2, 1, 7, 26),
    ],
    ids=["at signing", "after a year and a half", "after two years", "today"],
)
def test_each_fact_is_known_from_the_day_it_was_known(
    session: Session, known_on: date, end: date, versions: int, adjustments: int, exercised: int, activations: int
) -> None:
    known_at = datetime.combine(known_on, datetime.max.time(), tzinfo=OSLO)
    agreement_id = agreements.find_agreement(session).id
    then = agreements.export_agreement(session, agreement_id=agreement_id, known_at=known_at)
    assert then.term.end == end
    assert len(then.price_book.versions) == versions
    assert len(then.price_book.index_adjustments) == adjustments
    assert [holder.state for holder in then.option_holders].count("exercised") == exercised
    assert len(then.activations) == activations


@pytest.fixture(scope="module")
def corrected(counts: list[DailyCount]) -> list[DailyCount]:
    """The generated counts with what the example corrects in them."""
    changes = {(each.on, each.trust, each.algorithm): each.change for each in CORRECTED}
    return [
        replace(each, quantity=each.quantity + changes.get((each.on, each.trust, each.algorithm), 0)) for each in counts
    ]


def test_all_usage_is_recorded_as_generated_and_corrected(session: Session, corrected: list[DailyCount]) -> None:
    agreement_id = agreements.find_agreement(session).id
    recorded = metering.daily_usage(session, agreement_id=agreement_id)
    assert [(use.on, use.trust, use.algorithm, use.quantity) for use in recorded] == [
        (count.on, count.trust, count.algorithm, count.quantity) for count in corrected
    ]
    assert metering.last_day(session, agreement_id, datetime(2026, 9, 30, tzinfo=UTC)) == date(2026, 8, 31)


def test_one_person_stands_for_each_role_and_two_for_the_approver(session: Session) -> None:
    people = access.example_people(session)
    assert Counter(grant.role for _, _, grant in PEOPLE) == dict.fromkeys(set(access.ROLES) - {"service"}, 1) | {
        "approver": 2
    }
    assert [person.email for person in people] == [email for email, _, _ in PEOPLE]
    assert not session.scalars(select(Person).where(Person.password_hash.is_not(None))).all()


def test_each_quarter_costs_what_the_evaluator_says_unit_by_unit(
    session: Session, document: Document, corrected: list[DailyCount]
) -> None:
    terms = basis.gather(session, agreement_id=agreements.find_agreement(session).id)
    request = {
        "agreement": document["agreement"],
        "price_book": document["price_book"],
        "activations": document["activations"],
        "usage": [
            {"trust": each.trust, "algorithm": each.algorithm, "on": each.on.isoformat(), "quantity": each.quantity}
            for each in corrected
            if each.on >= date(2024, 1, 1)
        ],
        "period": {"from": "2024-01-01", "to": "2026-10-01"},
    }
    by_quarter = Counter[str]()
    for line in evaluate(request)["lines"]:
        by_quarter[Period.quarter(date.fromisoformat(line["period"]["from"])).label()] += Decimal(line["net"])  # type: ignore[assignment]
    assert {quarter.label(): terms.rate(quarter).total for quarter in _quarters()} == by_quarter


def test_a_quarter_costs_the_same_however_often_it_is_computed_and_a_believable_amount(session: Session) -> None:
    agreement_id = agreements.find_agreement(session).id

    def totals() -> list[Decimal]:
        terms = basis.gather(session, agreement_id=agreement_id)
        return [terms.rate(quarter).total for quarter in _quarters()]

    first = totals()
    assert first == totals()
    assert all(Decimal(75_000) < total < Decimal(2_000_000) for total in first)
    assert first[-1] > 5 * first[0]
    summary = agreements.find_agreement(session)
    assert summary.estimated_value is not None
    assert summary.maximum_value == summary.estimated_value * Decimal("1.2")
    assert Decimal("0.4") < sum(first) / summary.maximum_value < Decimal("0.6")


def test_each_quarter_was_known_a_fortnight_after_its_end_but_for_the_one_corrected_later(session: Session) -> None:
    agreement_id = agreements.find_agreement(session).id
    today = basis.gather(session, agreement_id=agreement_id)
    for quarter in _quarters():
        known_at = datetime.combine(quarter.end + timedelta(days=14), time(), tzinfo=OSLO)
        then = basis.gather(session, agreement_id=agreement_id, known_at=known_at)
        later = [each for each in CORRECTED if quarter.contains(each.on) and each.recorded_on > known_at.date()]
        assert (then.rate(quarter).total == today.rate(quarter).total) == (not later)
        early = basis.gather(session, agreement_id=agreement_id, known_at=known_at - timedelta(days=14))
        assert early.rate(quarter).total < today.rate(quarter).total


def test_every_quarter_but_the_last_is_closed_as_it_was_known_and_one_was_corrected_since(session: Session) -> None:
    agreement_id = agreements.find_agreement(session).id
    standing = closings.standing(session, agreement_id)
    assert list(standing) == [quarter.label() for quarter in _quarters()][:-1]
    moved = {}
    for label, run in standing.items():
        known_then = basis.gather(session, agreement_id=agreement_id, known_at=run.known_at)
        assert known_then.rate(run.period).lines == closings.frozen(session, run).lines
        later = quarters.quarter_report(
            session, agreement_id=agreement_id, quarter=label, actor=COMMAND_LINE, today=date(2026, 10, 15)
        ).later
        assert later is not None
        if later.anything:
            moved[label] = later.of("correction") == later.amount < 0
    assert moved == {"2025-Q4": True}


LOST, WITHOUT_RAMP = LATEST.faults.lost, LATEST.faults.without_ramp
assert LOST is not None


# --- The invoice ----------------------------------------------------------------------------------------------------


def test_the_vendors_invoice_breaks_no_rule_and_is_written_the_same_each_time(session: Session) -> None:
    agreement_id = agreements.find_agreement(session).id
    terms = basis.gather(session, agreement_id=agreement_id)
    holders = agreements.option_holders(session, agreement_id)
    algorithms = agreements.marketplace(session, agreement_id)
    content = vendor_invoice(terms, holders, algorithms)
    assert content == vendor_invoice(terms, holders, algorithms)
    assert invoices.read_invoice("faktura.xml", content).findings == ()
    again = invoices.import_invoice(
        session, agreement_id=agreement_id, filename="faktura.xml", content=content, actor=COMMAND_LINE, now=NOW
    )
    assert again.status == "already_imported"


def test_the_latest_quarter_has_six_different_faults_and_one_in_the_buyers_favour(session: Session) -> None:
    agreement_id = agreements.find_agreement(session).id
    found = report(session, agreement_id=agreement_id, quarter="2026-Q3", actor=COMMAND_LINE, today=date(2026, 10, 15))
    codes = {each.code for each in found.frozen.findings}
    assert codes == {
        "QTY_DIFF", "QTY_DUP", "LINE_DUP", "TIER_SCOPE", "RAMP_MISSING", "NOT_ACTIVE", "FIXED_FEE",
    }  # fmt: skip
    in_our_favour = [each for each in found.frozen.findings if each.amount < 0]
    assert [(each.trust, each.algorithm, each.code) for each in in_our_favour] == [(*LOST[:2], "QTY_DIFF")]
    ramp = sum(
        line.discount for line in found.frozen.inputs.charges.lines if (line.trust, line.algorithm) == WITHOUT_RAMP
    )
    assert ramp == sum(each.amount for each in found.frozen.findings if each.code == "RAMP_MISSING") > 0
    assert found.frozen.unexplained == 0
    assert found.frozen.difference == sum(each.amount for each in found.frozen.findings)


def test_the_older_quarters_are_approved_one_of_them_after_a_dispute_and_its_credit_note(session: Session) -> None:
    agreement_id = agreements.find_agreement(session).id
    today = date(2026, 10, 15)
    listed = {
        each.quarter.label(): each
        for each in list_quarters(session, agreement_id=agreement_id, actor=COMMAND_LINE, today=today)
    }
    approved = [label for label, each in listed.items() if each.run is not None and each.run.approved is not None]
    assert approved == ["2026-Q2", "2026-Q1", "2025-Q4"]
    second = report(session, agreement_id=agreement_id, quarter="2026-Q2", actor=COMMAND_LINE, today=today)
    (dispute,) = second.disputes
    assert dispute.state == "credited"
    assert dispute.amount == dispute.agreed_amount == -second.frozen.documents[1].explanation.invoiced > 0
    assert second.frozen.difference == 0
    assert (second.state, second.figures.payable.amount) == ("settled", 0)
    assert {each.treatment.state for each in second.found} == {"credited"}


@pytest.mark.slow
@pytest.mark.postgres
def test_both_databases_give_the_same_invoice_to_the_byte(
    session: Session, postgres_url: str, postgres_template: str
) -> None:
    with new_postgres(postgres_url, postgres_template) as url:
        engine = make_engine(url)
        with Session(engine) as other:
            loaded = load_example(other, actor=COMMAND_LINE, now=NOW, write=formatting)
            there, here = (
                invoices.list_invoices(each, agreement_id=agreements.find_agreement(each).id, actor=COMMAND_LINE)
                for each in (other, session)
            )
        engine.dispose()
    assert loaded.status == "loaded"
    assert [invoice.sha256 for invoice in there] == [invoice.sha256 for invoice in here]
