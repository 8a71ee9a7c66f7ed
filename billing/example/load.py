"""The example: one agreement with three years of life in it, recorded as it would have been.

Each fact is recorded when it became known: the agreement at its signing, an amendment when it was agreed, an activation
when it was ordered, usage a few days after its period. So every page can be asked what was known on an earlier day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.ceiling import budgets, effects
from billing.charges import basis
from billing.decisions import activation_costs, index_letters
from billing.decisions import papers as decision_papers
from billing.example.agreement import Document, agreement_document
from billing.example.budgets import example_budgets
from billing.example.catalogue import catalogue_course
from billing.example.index import index_course
from billing.example.life import agreement_life
from billing.example.options import option_course
from billing.example.payments import example_payments
from billing.example.reconciliation import Reconciling
from billing.example.scenarios import Foreseeing
from billing.example.usage import DailyCount, daily_usage, usage_csv
from billing.example.vendor import ACCOUNT, FILENAME, ORDER, REFERENCE, vendor_invoice
from billing.invoices import invoices
from billing.invoices import setup as invoice_setup
from billing.invoices.setup import TEN_DIGITS, References
from billing.quarters import closing as quarters
from billing.quarters import corrections
from billing.quarters.corrections import Evidence
from billing.usage import metering
from contracts import agreements, audit
from contracts.models import (
    Activation,
    Agreement,
    AgreementExtension,
    AgreementTerms,
    Algorithm,
    Option,
    OptionState,
    Organisation,
    PriceBookCharge,
    PriceBookVersion,
)
from contracts.models.base import known
from contracts.papers.writing import Writing
from contracts.people import access
from contracts.people.access import Actor, Grant
from contracts.schemas.agreement import load_agreement
from contracts.schemas.price_book import dump_version
from contracts.terms.agreement import AgreementDocument, Extension
from contracts.terms.period import Period
from contracts.terms.price_book import Activation as ActivationTerm
from contracts.terms.working_days import working_days

SIGNED_ON = date(2023, 12, 18)
INVOICE_RECEIVED_ON = date(2026, 10, 9)

# When what was not there at the signing became known; steps and extensions carry their own dates.
_AMENDMENT_SIGNED_ON = date(2025, 11, 20)
_GIVEN_UP_ON = date(2026, 2, 2)
_ORDERED_BEFORE = timedelta(days=35)
_FIRST_CLOSED, _LAST_CLOSED = date(2024, 1, 1), date(2026, 4, 1)
_OSLO = ZoneInfo("Europe/Oslo")

PEOPLE: tuple[tuple[str, str, Grant], ...] = (
    ("ingrid.solbakken@eksempel.no", "Ingrid Solbakken", Grant("finance_controller")),
    ("jonas.myrvold@eksempel.no", "Jonas Myrvold", Grant("contract_manager")),
    ("randi.haugerud@eksempel.no", "Randi Haugerud", Grant("trust_reader", "vestre-viken")),
    ("amir.rostad@eksempel.no", "Amir Rostad", Grant("trust_requester", "akershus")),
    ("solveig.brekke@eksempel.no", "Solveig Brekke", Grant("approver")),
    ("torbjorn.aasen@eksempel.no", "Torbjørn Aasen", Grant("approver")),
    ("marit.lindqvist@eksempel.no", "Marit Lindqvist", Grant("auditor")),
    ("eirik.nesheim@eksempel.no", "Eirik Nesheim", Grant("admin")),
)

Happening = tuple[datetime, Callable[[datetime], object]]


@dataclass(frozen=True, slots=True)
class CorrectedDay:
    """A correction as it was asked for, with what was handed in as evidence."""

    recorded_on: date
    trust: str
    algorithm: str
    on: date
    change: int
    reason_code: str
    reason: str
    title: str
    filename: str
    content: bytes


# One before its quarter was closed, one after it; both in years whose counters have started over since.
CORRECTED: tuple[CorrectedDay, ...] = (
    CorrectedDay(
        recorded_on=date(2025, 7, 9),
        trust="sykehuset-ostfold",
        algorithm="xray-skeletal",
        on=date(2025, 5, 14),
        change=9,
        reason_code="not_counted",
        reason="Ni undersøkelser lå igjen i køen da tellingen ble hentet.",
        title="Kølogg 14. mai 2025",
        filename="kologg-2025-05-14.csv",
        content=b"tid;antall\n2025-05-14T21:10;5\n2025-05-14T22:45;4\n",
    ),
    CorrectedDay(
        recorded_on=date(2026, 1, 27),
        trust="akershus",
        algorithm="xray-skeletal",
        on=date(2025, 11, 18),
        change=-14,
        reason_code="counted_twice",
        reason="En serie ble sendt to ganger etter omstart av integrasjonen.",
        title="Hendelsesrapport, dobbel sending 18. november 2025",
        filename="hendelsesrapport-2025-11-18.txt",
        content=(
            "Integrasjonen ble startet på nytt 18.11.2025 kl. 13.02. 14 undersøkelser ble sendt på nytt og talt to ganger.\n"
        ).encode(),
    ),
)


@dataclass(frozen=True, slots=True)
class LoadedExample:
    """What loading did: ``loaded``, or ``already_there`` where any agreement is recorded and nothing was done."""

    status: str
    agreement: str | None = None
    people: int = 0
    usage_files: int = 0
    usage_rows: int = 0
    invoice: str | None = None


@dataclass(frozen=True, slots=True)
class UsageFile:
    """A usage file as it was delivered, on a working day after its period."""

    delivered_on: date
    filename: str
    content: bytes


def load_example(session: Session, *, actor: Actor, now: datetime, write: Writing) -> LoadedExample:
    """Record the example: the agreement and its course, the people, usage to 30.09.2026, the vendor's invoices.

    Nothing is done where any agreement is recorded. ``now`` is the instant of the loading itself and stands in the
    log; the facts carry the instants at which they would have become known.
    """
    if session.scalar(select(func.count()).select_from(Agreement)):
        return LoadedExample("already_there")
    # Cases are submitted in it: their figures and papers are those of a submission anywhere, also where no app was made.
    activation_costs.register()
    budgets.register()
    effects.register()
    decision_papers.register(write)
    index_letters.register(write)
    document = load_agreement(agreement_document())
    signed = load_agreement(as_signed(agreement_document()))
    agreement_id = agreements.import_agreement(session, document=signed, actor=actor, now=_instant(SIGNED_ON, 13)).id
    people = _people(session, actor)
    controller = people["finance_controller"]
    files = usage_files(daily_usage(agreement_document()))
    happenings = list(_Course(session, agreement_id, actor.id).since_signing(signed, document))
    happenings += index_course(session, agreement_id, people["contract_manager"], people["approver"])
    happenings.append(
        (_instant(SIGNED_ON, 14), partial(_invoice_setup, session, agreement_id, people["contract_manager"]))
    )
    for file in files:
        happenings.append(
            (_instant(file.delivered_on, 9), partial(_import_usage, session, agreement_id, file, controller))
        )
    happenings += _closings(session, agreement_id, controller)
    happenings += Reconciling(session, agreement_id, document, controller, people["approver"], write).happenings()
    happenings += example_payments(session, agreement_id, controller)
    happenings += agreement_life(session, agreement_id, people["contract_manager"])
    happenings += example_budgets(session, controller)
    happenings += Foreseeing(session, agreement_id).happenings(people["contract_manager"], people["trust_requester"])
    happenings += catalogue_course(session, agreement_id, people)
    happenings += option_course(session, agreement_id, people, actor)
    for corrected in CORRECTED:
        happenings.append(
            (_instant(corrected.recorded_on, 10), partial(_correct, session, agreement_id, corrected, controller))
        )
    # In the order in which it all happened, so that the rows and the log tell the story that the instants tell.
    for happened_at, record in sorted(happenings, key=lambda happening: happening[0]):
        record(happened_at)
    session.flush()
    agreements.take_over_activations(session, agreement_id)
    content = vendor_invoice(
        basis.gather(session, agreement_id=agreement_id), document.option_holders, document.algorithms
    )
    invoice = invoices.import_invoice(
        session,
        agreement_id=agreement_id,
        filename=FILENAME,
        content=content,
        actor=controller,
        now=_instant(INVOICE_RECEIVED_ON, 8),
    )
    rows = sum(file.content.count(b"\n") - 1 for file in files)
    if invoice.document is None or invoice.status != "imported":
        raise AssertionError(f"{FILENAME} is {invoice.status}: {invoice.findings[:3]}")
    loaded = LoadedExample("loaded", document.code, len(PEOPLE), len(files), rows, invoice.document.number)
    audit.record(
        session,
        "example.load",
        f"agreement:{document.code}",
        {"usage_files": loaded.usage_files, "usage_rows": loaded.usage_rows},
        actor.id,
        now,
    )
    return loaded


def _invoice_setup(session: Session, agreement_id: int, manager: Actor, now: datetime) -> None:
    """Record what the parties want on an invoice, and the vendor's account as it was checked at signing."""
    agreement = agreements.agreement_summary(session, agreement_id)
    invoice_setup.add_account(
        session,
        agreement_id=agreement_id,
        vendor_number=agreement.vendor.organisation_number,
        account=ACCOUNT,
        checked="Ringt ved signering (eksempel)",
        actor=manager,
        now=now,
    )
    wanted = {
        agreement.buyer.code: References(REFERENCE, ORDER, TEN_DIGITS, None, None, "0484", "Oslo"),
        "akershus": References("Bildediagnostikk", "4500300127", TEN_DIGITS),
        "nord-norge": References("UNN-RAD"),
    }
    for code, references in wanted.items():
        invoice_setup.set_references(
            session, agreement_id=agreement_id, code=code, references=references, actor=manager, now=now
        )


def as_signed(document: Document) -> Document:
    """Give the document as it was signed: the first two years, the first prices, and only what ran already."""
    first = document["extensions"][0]
    return document | {
        "agreement": document["agreement"] | {"end": first["from"]},
        "extensions": [extension | {"taken_up_on": None} for extension in document["extensions"]],
        "option_holders": [
            holder | {"option": holder["option"] | {"states": _agreed_from_the_start(document, holder)}}
            for holder in document["option_holders"]
        ],
        "price_book": document["price_book"]
        | {"index_adjustments": [], "versions": document["price_book"]["versions"][:1]},
        "activations": [
            activation for activation in document["activations"] if activation["go_live"] < SIGNED_ON.isoformat()
        ],
    }


def _agreed_from_the_start(document: Document, holder: Document) -> list[Document]:
    return [state for state in holder["option"]["states"] if state["on"] <= document["agreement"]["start"]]


def usage_files(counts: list[DailyCount]) -> list[UsageFile]:
    """Cut counts into the files in which they came: all of 2023, then a file per quarter, from 2026 one per month."""
    cut: dict[Period, list[DailyCount]] = {}
    for count in counts:
        cut.setdefault(_delivery_period(count.on), []).append(count)
    return [
        UsageFile(_delivery_day(period), f"forbruk-{period.label()}.csv", usage_csv(counts))
        for period, counts in sorted(cut.items())
    ]


def _delivery_period(day: date) -> Period:
    if day.year < 2024:
        return Period.year(day)
    return Period.quarter(day) if day.year < 2026 else Period.month(day)


def _delivery_day(period: Period) -> date:
    """The first working day from the third of the following month on."""
    earliest = period.end + timedelta(days=2)
    return working_days(Period(earliest, earliest + timedelta(days=14)))[0]


def _closings(session: Session, agreement_id: int, actor: Actor) -> Iterator[Happening]:
    """Give the closing of each quarter up to the last one that is closed, on the second Monday or so after its end."""
    start = _FIRST_CLOSED
    while start <= _LAST_CLOSED:
        quarter = Period.quarter(start)
        earliest = quarter.end + timedelta(days=11)
        day = working_days(Period(earliest, earliest + timedelta(days=14)))[0]
        yield _instant(day, 13), partial(_close, session, agreement_id, quarter.label(), day, actor)
        start = quarter.end


def _close(session: Session, agreement_id: int, quarter: str, today: date, actor: Actor, now: datetime) -> None:
    quarters.close(session, agreement_id=agreement_id, quarter=quarter, actor=actor, now=now, today=today)


def _correct(session: Session, agreement_id: int, corrected: CorrectedDay, actor: Actor, now: datetime) -> None:
    corrections.record_correction(
        session,
        agreement_id=agreement_id,
        trust=corrected.trust,
        algorithm=corrected.algorithm,
        on=corrected.on,
        change=corrected.change,
        reason_code=corrected.reason_code,
        reason=corrected.reason,
        actor=actor,
        now=now,
        evidence=Evidence(corrected.title, corrected.filename, corrected.content),
    )


def _instant(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=_OSLO)


def _people(session: Session, actor: Actor) -> dict[str, Actor]:
    """Add the example's people, who have no password, and give the first of each role as an actor."""
    people = [
        access.add_person(
            session,
            email=email,
            name=name,
            password=None,
            grants=(grant,),
            actor=actor,
            now=_instant(SIGNED_ON, 14),
            example=True,
        )
        for email, name, grant in PEOPLE
    ]
    actors: dict[str, Actor] = {}
    for person, (_, _, grant) in zip(people, PEOPLE, strict=True):
        actors.setdefault(grant.role, access.actor_of_person(session, person))
    return actors


def _import_usage(session: Session, agreement_id: int, file: UsageFile, actor: Actor, now: datetime) -> None:
    result = metering.import_usage(
        session, agreement_id=agreement_id, filename=file.filename, content=file.content, actor=actor, now=now
    )
    if result.status != "imported":
        raise AssertionError(f"{file.filename} is {result.status}: {result.errors[:3]}")


class _Course:
    """What happened to the agreement after its signing, as rows with the instants at which each became known."""

    def __init__(self, session: Session, agreement_id: int, recorded_by: str) -> None:
        self.session = session
        self.agreement_id = agreement_id
        self.recorded_by = recorded_by

    def since_signing(self, signed: AgreementDocument, today: AgreementDocument) -> Iterator[Happening]:
        """Give what is in the document of today and was not in the signed one, each with its instant."""
        for extension in today.extensions:
            if extension.taken_up_on is not None:
                yield _instant(extension.taken_up_on, 11), partial(self._take_up, extension)
        for before, holder in zip(signed.option_holders, today.option_holders, strict=True):
            for step in holder.states[len(before.states) :]:
                yield _instant(step.on, 12), partial(self._option_step, holder.party.code, step.state, step.on)
        for number in range(len(signed.price_book.versions), len(today.price_book.versions)):
            yield _instant(_AMENDMENT_SIGNED_ON, 10), partial(self._amend_prices, today, number)
        for activation in today.activations:
            if activation not in signed.activations:
                ordered_on = (activation.validation_from or activation.go_live) - _ORDERED_BEFORE
                yield _instant(ordered_on, 12), partial(self._order, activation)
                if activation.end is not None:
                    yield _instant(_GIVEN_UP_ON, 12), partial(self._end, activation)

    def _add(self, row: type[Any], recorded_at: datetime, **values: Any) -> Any:
        added = row(agreement_id=self.agreement_id, **values, **self._stamp(recorded_at))
        self.session.add(added)
        self.session.flush()
        return added

    def _stamp(self, recorded_at: datetime) -> dict[str, Any]:
        return {"recorded_at": recorded_at, "recorded_by": self.recorded_by}

    def _take_up(self, extension: Extension, now: datetime) -> None:
        right = self.session.scalars(
            select(AgreementExtension).where(
                AgreementExtension.agreement_id == self.agreement_id,
                AgreementExtension.from_on == extension.start,
                known(AgreementExtension, None),
            )
        ).one()
        terms = self.session.scalars(
            select(AgreementTerms).where(AgreementTerms.agreement_id == self.agreement_id, known(AgreementTerms, None))
        ).one()
        self._add(AgreementExtension, now, **_renewed(right, taken_up_on=extension.taken_up_on))
        self._add(AgreementTerms, now, **_renewed(terms, end_on=extension.end))

    def _option_step(self, trust: str, state: str, on: date, now: datetime) -> None:
        option = self.session.scalars(
            select(Option)
            .join(Organisation, Organisation.id == Option.trust_id)
            .where(Option.agreement_id == self.agreement_id, Organisation.code == trust)
        ).one()
        self.session.add(OptionState(option_id=option.id, state=state, on=on, **self._stamp(now)))
        self.session.flush()

    def _amend_prices(self, document: AgreementDocument, number: int, now: datetime) -> None:
        agreed = document.price_book.versions[number]
        version = self._add(PriceBookVersion, now, valid_from=agreed.valid_from, clause=agreed.clause, void=False)
        for position, charge in enumerate(dump_version(agreed)["charges"]):
            self.session.add(
                PriceBookCharge(
                    version_id=version.id,
                    position=position,
                    code=charge["code"],
                    kind=charge["kind"],
                    clause=charge["clause"],
                    terms=charge,
                    **self._stamp(now),
                )
            )
        self.session.flush()

    def _order(self, activation: ActivationTerm, now: datetime) -> None:
        self._add(
            Activation,
            now,
            trust_id=self._id(Organisation, activation.trust),
            algorithm_id=self._id(Algorithm, activation.algorithm),
            validation_from=activation.validation_from,
            go_live_on=activation.go_live,
            end_on=None,
            void=False,
        )

    def _end(self, activation: ActivationTerm, now: datetime) -> None:
        running = self.session.scalars(
            select(Activation).where(
                Activation.agreement_id == self.agreement_id,
                Activation.trust_id == self._id(Organisation, activation.trust),
                Activation.algorithm_id == self._id(Algorithm, activation.algorithm),
                known(Activation, None),
            )
        ).one()
        self._add(Activation, now, **_renewed(running, end_on=activation.end))

    def _id(self, row: type[Organisation] | type[Algorithm], code: str) -> int:
        return self.session.scalars(select(row.id).where(row.code == code)).one()


def _renewed(row: Any, **changes: Any) -> dict[str, Any]:
    """Give the values of the row that supersedes ``row`` with some of them changed."""
    own = {"id", "agreement_id", "supersedes_id", "recorded_at", "recorded_by"}
    names = [attribute.key for attribute in row.__mapper__.column_attrs if attribute.key not in own]
    return {name: getattr(row, name) for name in names} | {"supersedes_id": row.id} | changes
