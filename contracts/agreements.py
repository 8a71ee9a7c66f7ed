"""Agreements: take one in whole, give it back whole as it was known on any day, and find what the other use cases need.

Parties and algorithms are shared between agreements: a second agreement may name an organisation or an algorithm that is
registered already, the same in every field, or it is refused. Imports queue, so that of two first ones at the same moment
the second sees what the first has registered. The list of option holders is closed when the agreement is
recorded; nothing here adds to it later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from contracts import audit, payers, price_books
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models import (
    Activation,
    Agreement,
    AgreementAlgorithm,
    AgreementExtension,
    AgreementTerms,
    Algorithm,
    AmendmentState,
    Option,
    OptionDeadline,
    OptionState,
    Organisation,
    WorkflowCase,
    WorkflowEvent,
)
from contracts.models import Amendment as AmendmentRow
from contracts.models.base import known, recorded_by_then
from contracts.people.access import Actor
from contracts.terms import agreement as terms
from contracts.terms.agreement import ActivationRow
from contracts.terms.amendment import Amendment, Basis, Kind
from contracts.terms.contradictions import terms_errors
from contracts.terms.price_book import AgreementTerm

# Which advisory lock of the database queues the imports.
_IMPORTS: Final = int.from_bytes(b"agreemen", "big")

# What an amendment says; its course stands by itself.
AMENDMENT_FIELDS: Final = (
    "number",
    "kind",
    "basis",
    "title",
    "reason",
    "clause",
    "signed_on",
    "value_change",
    "original_value",
    "new_maximum",
    "new_end",
    "extension_from",
    "options_until",
    "vendor_name",
    "vendor_number",
)

# Where each field of an algorithm stands in the document.
_ALGORITHM_FIELDS: Final = {
    "product": "product",
    "vendor_name": "vendor_name",
    "need_nb": "need/nb",
    "need_en": "need/en",
    "modality": "modality",
    "ce_class": "ce_class",
    "ce_year": "ce_year",
}


@dataclass(frozen=True, slots=True)
class ImportedAgreement:
    """What an import did: ``imported`` or ``already_imported`` (the very same document stands there)."""

    id: int
    code: str
    status: str


@dataclass(frozen=True, slots=True)
class AgreementSummary:
    """An agreement's identity and terms as known; amounts in kroner excluding VAT, ``term.end`` exclusive."""

    id: int
    code: str
    name: str
    reference: str
    example: bool
    buyer: terms.Party
    vendor: terms.Party
    term: AgreementTerm
    estimated_value: Decimal | None
    maximum_value: Decimal | None
    vat_rate: Decimal
    payment_days: int
    recorded_at: datetime


def import_agreement(
    session: Session, *, document: terms.AgreementDocument, actor: Actor, now: datetime
) -> ImportedAgreement:
    """Record an agreement whole, or nothing of it.

    Importing the same document again does nothing. Raises `InvalidInput` with every contradiction for which nothing could
    ever be rated under it (`terms_errors`), `Conflict` when the code is taken by another document, or a party or an
    algorithm is registered differently.
    """
    actor.require("agreement.import")
    if actor.scope("agreement.import") is not None:
        raise Denied("an agreement is for all its trusts: this needs a role that is not kept to one")
    _queue_imports(session)
    existing = session.scalar(select(Agreement).where(Agreement.code == document.code))
    if existing is not None:
        if export_agreement(session, agreement_id=existing.id) == document:
            return ImportedAgreement(existing.id, existing.code, "already_imported")
        raise Conflict(
            "agreement_exists", f"an agreement '{document.code}' is recorded already, with other content than this file"
        )
    invalid(
        [
            *terms_errors(document.term, document.price_book, document.activations),
            *_never_live(document),
        ]
    )
    recorder = _Recorder(session, actor.id, now)
    agreement_id = recorder.record(document)
    take_over_activations(session, agreement_id)
    audit.record(
        session,
        "agreement.import",
        f"agreement:{document.code}",
        {
            "option_holders": len(document.option_holders),
            "versions": len(document.price_book.versions),
            "activations": len(document.activations),
        },
        actor.id,
        now,
    )
    return ImportedAgreement(agreement_id, document.code, "imported")


def export_agreement(
    session: Session, *, agreement_id: int, known_at: datetime | None = None
) -> terms.AgreementDocument:
    """Give the agreement as one document, as it was known at ``known_at`` (``None``: now)."""
    summary = agreement_summary(session, agreement_id, known_at)
    return terms.AgreementDocument(
        code=summary.code,
        name=summary.name,
        reference=summary.reference,
        example=summary.example,
        buyer=summary.buyer,
        vendor=summary.vendor,
        term=summary.term,
        extensions=extensions(session, agreement_id, known_at),
        estimated_value=summary.estimated_value,
        maximum_value=summary.maximum_value,
        vat_rate=summary.vat_rate,
        payment_days=summary.payment_days,
        option_holders=_as_agreed(session, agreement_id, known_at),
        algorithms=marketplace(session, agreement_id, known_at),
        price_book=price_books.price_book(session, agreement_id, known_at),
        activations=tuple(row.to_term() for row in activations(session, agreement_id, known_at)),
        payer=payers.payer_steps(session, agreement_id, known_at),
        amendments=tuple(one for one in amendments(session, agreement_id, known_at) if one.approved_on is not None),
    )


def several(session: Session) -> bool:
    """Tell whether more than one agreement is recorded, so that somebody has to say which is meant."""
    return len(session.scalars(select(Agreement.id).limit(2)).all()) > 1


def find_agreement(session: Session, code: str | None = None) -> AgreementSummary:
    """Find the agreement with ``code``, or the only one where no code is given.

    Raises `NotFound` when there is none such, `Conflict` when no code is given and there are several.
    """
    found = list(
        session.scalars(
            select(Agreement).order_by(Agreement.id)
            if code is None
            else select(Agreement).where(Agreement.code == code)
        )
    )
    if not found:
        raise NotFound("no agreement is recorded yet" if code is None else f"there is no agreement '{code}'")
    if len(found) > 1:
        codes = ", ".join(agreement.code for agreement in found)
        raise Conflict("several_agreements", f"there are several agreements, name one: {codes}")
    return agreement_summary(session, found[0].id)


def lock_agreement(session: Session, agreement_id: int) -> None:
    """Let one writer at a time act on an agreement until its transaction ends.

    PostgreSQL takes a row lock that others' foreign keys do not wait for; SQLite's write transactions queue anyway.
    """
    session.execute(select(Agreement.id).where(Agreement.id == agreement_id).with_for_update(key_share=True))


def list_agreements(session: Session) -> list[AgreementSummary]:
    """List all agreements, oldest record first."""
    return [agreement_summary(session, id_) for id_ in session.scalars(select(Agreement.id).order_by(Agreement.id))]


def readable(session: Session, actor: Actor) -> list[AgreementSummary]:
    """List the agreements that an actor may read: within one trust, those that name the trust as an option holder."""
    return [one for one in list_agreements(session) if may_read(session, one.id, actor)]


def may_read(session: Session, agreement_id: int, actor: Actor) -> bool:
    """Tell whether an actor may read an agreement at all: within one trust, only one that the trust is a party to."""
    scope = actor.scope("read") if actor.may("read") else None
    return scope is None or any(holder.party.code == scope for holder in option_holders(session, agreement_id))


def agreement_summary(session: Session, agreement_id: int, known_at: datetime | None = None) -> AgreementSummary:
    """Give an agreement's terms as known at ``known_at``; `NotFound` where it was not known yet."""
    row = session.execute(
        select(Agreement, AgreementTerms)
        .join(AgreementTerms, AgreementTerms.agreement_id == Agreement.id)
        .where(Agreement.id == agreement_id, known(AgreementTerms, known_at))
    ).first()
    if row is None:
        raise NotFound("the agreement was not recorded by then")
    agreement, standing = row
    return AgreementSummary(
        id=agreement.id,
        code=agreement.code,
        name=standing.name,
        reference=standing.reference,
        example=agreement.example,
        buyer=_party(agreement.buyer),
        vendor=_party(agreement.vendor),
        term=AgreementTerm(start=standing.start_on, end=standing.end_on, currency=standing.currency),
        estimated_value=standing.estimated_value,
        maximum_value=standing.maximum_value,
        vat_rate=standing.vat_rate,
        payment_days=standing.payment_days,
        recorded_at=standing.recorded_at,
    )


def extensions(session: Session, agreement_id: int, known_at: datetime | None = None) -> tuple[terms.Extension, ...]:
    """List the agreed extensions in time order."""
    rows = session.scalars(
        select(AgreementExtension)
        .where(AgreementExtension.agreement_id == agreement_id, known(AgreementExtension, known_at))
        .order_by(AgreementExtension.from_on)
    )
    return tuple(
        terms.Extension(row.from_on, row.to_on, row.clause, row.taken_up_on, row.notice_months) for row in rows
    )


def option_holders(
    session: Session, agreement_id: int, known_at: datetime | None = None
) -> tuple[terms.OptionHolder, ...]:
    """List the named option holders as the agreement lists them, each with the course of its option and its last day."""
    holders = _as_agreed(session, agreement_id, known_at)
    if not holders:
        return ()
    last = last_day(session, agreement_id, known_at)
    return tuple(replace(one, deadline=terms.option_deadline(one.deadline, one.state, last)) for one in holders)


def last_day(session: Session, agreement_id: int, known_at: datetime | None = None) -> date:
    """Give the agreement's last day (inclusive) as its term stands; `NotFound` where it was not known yet."""
    end = session.scalar(
        select(AgreementTerms.end_on).where(
            AgreementTerms.agreement_id == agreement_id, known(AgreementTerms, known_at)
        )
    )
    if end is None:
        raise NotFound("the agreement was not recorded by then")
    return end - timedelta(days=1)


def _as_agreed(session: Session, agreement_id: int, known_at: datetime | None = None) -> tuple[terms.OptionHolder, ...]:
    """List the option holders with the options' own days, whatever became of the term: so a document tells them."""
    steps: dict[int, list[terms.OptionStep]] = {}
    course = (
        select(OptionState)
        .join(Option, Option.id == OptionState.option_id)
        .where(Option.agreement_id == agreement_id)
        .order_by(OptionState.id)
    )
    for state in session.scalars(recorded_by_then(course, OptionState, known_at)):
        steps.setdefault(state.option_id, []).append(terms.OptionStep(state.state, state.on))
    options = session.execute(
        select(Option, Organisation)
        .join(Organisation, Organisation.id == Option.trust_id)
        .where(Option.agreement_id == agreement_id)
        .order_by(Option.id)
    )
    own = option_deadlines(session, agreement_id, known_at)
    return tuple(
        terms.OptionHolder(_party(trust), own[option.id], option.clause, tuple(steps[option.id]))
        for option, trust in options
        if option.id in steps
    )


def option_deadlines(session: Session, agreement_id: int, known_at: datetime | None = None) -> dict[int, date]:
    """Give the options' own last days, as agreed at first or as an amendment moved them, by the option's id."""
    agreed = select(Option).where(Option.agreement_id == agreement_id)
    own = {row.id: row.deadline_on for row in session.scalars(agreed)}
    query = (
        select(OptionDeadline)
        .join(Option, Option.id == OptionDeadline.option_id)
        .where(Option.agreement_id == agreement_id)
        .order_by(OptionDeadline.id)
    )
    rows = session.scalars(recorded_by_then(query, OptionDeadline, known_at))
    return own | {row.option_id: row.deadline_on for row in rows}


def amendments(session: Session, agreement_id: int, known_at: datetime | None = None) -> tuple[Amendment, ...]:
    """List the amendments of an agreement by number, each as known; ``approved_on`` tells those that came into force."""
    query = select(AmendmentRow).where(AmendmentRow.agreement_id == agreement_id).order_by(AmendmentRow.number)
    return tuple(
        amendment_of(row, known_at) for row in session.scalars(recorded_by_then(query, AmendmentRow, known_at))
    )


def amendment_of(row: AmendmentRow, known_at: datetime | None = None) -> Amendment:
    """Give a recorded amendment as known."""
    days = {step.state: step.on for step in row.course if known_at is None or step.recorded_at <= known_at}
    return Amendment(
        number=row.number,
        kind=cast(Kind, row.kind),
        basis=cast(Basis, row.basis),
        title=row.title,
        reason=row.reason,
        clause=row.clause,
        signed_on=row.signed_on,
        value_change=row.value_change,
        original_value=row.original_value,
        new_maximum=row.new_maximum,
        new_end=row.new_end,
        extension_from=row.extension_from,
        options_until=row.options_until,
        vendor_name=row.vendor_name,
        vendor_number=row.vendor_number,
        approved_on=days.get("approved"),
        announced_on=days.get("announced"),
    )


def marketplace(
    session: Session, agreement_id: int, known_at: datetime | None = None
) -> tuple[terms.MarketplaceAlgorithm, ...]:
    """List the algorithms on the agreement's marketplace list as known, as it lists them."""
    listed = (
        select(Algorithm)
        .join(AgreementAlgorithm, AgreementAlgorithm.algorithm_id == Algorithm.id)
        .where(AgreementAlgorithm.agreement_id == agreement_id)
        .order_by(AgreementAlgorithm.id)
    )
    rows = session.scalars(recorded_by_then(listed, AgreementAlgorithm, known_at))
    return tuple(
        terms.MarketplaceAlgorithm(
            row.code, row.product, row.vendor_name, row.need_nb, row.need_en, row.modality, row.ce_class, row.ce_year
        )
        for row in rows
    )


def activations(session: Session, agreement_id: int, known_at: datetime | None = None) -> list[ActivationRow]:
    """List the activations that stand as known, in the order they were first recorded."""
    rows = session.execute(
        select(Activation, Organisation.code, Organisation.name, Algorithm.code, Algorithm.product)
        .join(Organisation, Organisation.id == Activation.trust_id)
        .join(Algorithm, Algorithm.id == Activation.algorithm_id)
        .where(Activation.agreement_id == agreement_id, known(Activation, known_at))
        .order_by(Activation.id)
    )
    return [
        ActivationRow(row.id, trust, trust_name, algorithm, product, row.validation_from, row.go_live_on, row.end_on)
        for row, trust, trust_name, algorithm, product in rows
    ]


def take_over_activations(session: Session, agreement_id: int) -> None:
    """Give each activation that was recorded without a case of the workflow one, so that the workflow can go on with it."""
    taken_over = select(WorkflowCase.id).where(WorkflowCase.taken_over_id == Activation.id)
    written = select(WorkflowEvent.id).where(WorkflowEvent.activation_id == Activation.id)
    rows = session.scalars(
        select(Activation)
        .where(
            Activation.agreement_id == agreement_id,
            Activation.supersedes_id.is_(None),
            ~taken_over.exists(),
            ~written.exists(),
        )
        .order_by(Activation.id)
    )
    for row in rows.all():
        session.add(
            WorkflowCase(
                kind="activation",
                agreement_id=agreement_id,
                trust_id=row.trust_id,
                algorithm_id=row.algorithm_id,
                taken_over_id=row.id,
                recorded_at=row.recorded_at,
                recorded_by=row.recorded_by,
            )
        )
        session.flush()


def _queue_imports(session: Session) -> None:
    """Let one import at a time look at what is registered and add to it, until its transaction ends.

    On PostgreSQL by a lock of the transaction, as there is no row yet to lock; SQLite's write transactions queue anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_IMPORTS)))


def _never_live(document: terms.AgreementDocument) -> Iterator[Finding]:
    """Find activations that end on the day they go live: a request may ask for their price, but no row keeps them."""
    for i, activation in enumerate(document.activations):
        if activation.end == activation.go_live:
            detail = "An activation that is live on no day is not recorded."
            yield Finding(f"#/activations/{i}/end", "never_live", detail)


class _Recorder:
    """Writes one document as rows that all carry the same recorder and instant."""

    def __init__(self, session: Session, actor: str, now: datetime) -> None:
        self.session = session
        self.stamp: dict[str, Any] = {"recorded_at": now, "recorded_by": actor}

    def record(self, document: terms.AgreementDocument) -> int:
        session, stamp = self.session, self.stamp
        agreement = Agreement(
            code=document.code,
            buyer_id=self._organisation(document.buyer, "#/buyer"),
            vendor_id=self._organisation(document.vendor, "#/vendor"),
            example=document.example,
            **stamp,
        )
        session.add(agreement)
        session.flush()
        session.add(
            AgreementTerms(
                agreement_id=agreement.id,
                name=document.name,
                reference=document.reference,
                start_on=document.term.start,
                end_on=document.term.end,
                currency=document.term.currency,
                estimated_value=document.estimated_value,
                maximum_value=document.maximum_value,
                vat_rate=document.vat_rate,
                payment_days=document.payment_days,
                void=False,
                **stamp,
            )
        )
        for extension in document.extensions:
            session.add(
                AgreementExtension(
                    agreement_id=agreement.id,
                    from_on=extension.start,
                    to_on=extension.end,
                    clause=extension.clause,
                    taken_up_on=extension.taken_up_on,
                    notice_months=extension.notice_months,
                    void=False,
                    **stamp,
                )
            )
            session.flush()
        trusts = self._options(agreement.id, document)
        algorithms = self._algorithms(agreement.id, document)
        self._amendments(agreement.id, document)
        price_books.record_price_book(session, agreement.id, document.price_book, **self.stamp)
        payers.record_payers(session, agreement.id, document.payer, **self.stamp)
        for activation in document.activations:
            session.add(
                Activation(
                    agreement_id=agreement.id,
                    trust_id=trusts[activation.trust],
                    algorithm_id=algorithms[activation.algorithm],
                    validation_from=activation.validation_from,
                    go_live_on=activation.go_live,
                    end_on=activation.end,
                    void=False,
                    **stamp,
                )
            )
            session.flush()
        return agreement.id

    def _options(self, agreement_id: int, document: terms.AgreementDocument) -> dict[str, int]:
        trusts = {}
        for number, holder in enumerate(document.option_holders):
            trust_id = self._organisation(holder.party, f"#/option_holders/{number}")
            option = Option(
                agreement_id=agreement_id,
                trust_id=trust_id,
                deadline_on=holder.deadline,
                clause=holder.clause,
                **self.stamp,
            )
            self.session.add(option)
            self.session.flush()
            for step in holder.states:
                self.session.add(OptionState(option_id=option.id, state=step.state, on=step.on, **self.stamp))
                self.session.flush()
            trusts[holder.party.code] = trust_id
        return trusts

    def _amendments(self, agreement_id: int, document: terms.AgreementDocument) -> None:
        """Keep what changed the agreement before it came here: its terms are what it made of them already."""
        standing = self.session.scalar(
            select(AgreementTerms.id).where(AgreementTerms.agreement_id == agreement_id, known(AgreementTerms, None))
        )
        for one in document.amendments:
            row = AmendmentRow(
                agreement_id=agreement_id,
                terms_id=standing,
                **{name: getattr(one, name) for name in AMENDMENT_FIELDS},
                **self.stamp,
            )
            self.session.add(row)
            self.session.flush()
            course = [("drafted", one.signed_on), ("approved", one.approved_on), ("announced", one.announced_on)]
            for position, (state, day) in enumerate(course):
                if day is not None:
                    self.session.add(
                        AmendmentState(
                            amendment_id=row.id, position=position, state=state, on=day, reason="", **self.stamp
                        )
                    )
            self.session.flush()

    def _algorithms(self, agreement_id: int, document: terms.AgreementDocument) -> dict[str, int]:
        ids = {}
        for number, algorithm in enumerate(document.algorithms):
            row = self.session.scalar(select(Algorithm).where(Algorithm.code == algorithm.code))
            if row is None:
                fields = {name: getattr(algorithm, name) for name in ("code", *_ALGORITHM_FIELDS)}
                row = Algorithm(**fields, **self.stamp)
                self.session.add(row)
                self.session.flush()
            differing = [
                f"#/algorithms/{number}/{place}: '{row.code}' is registered with {_shown(getattr(row, name))}"
                for name, place in _ALGORITHM_FIELDS.items()
                if getattr(row, name) != getattr(algorithm, name)
            ]
            if differing:
                raise Conflict("algorithm_differs", "; ".join(differing))
            self.session.add(AgreementAlgorithm(agreement_id=agreement_id, algorithm_id=row.id, **self.stamp))
            self.session.flush()
            ids[algorithm.code] = row.id
        return ids

    def _organisation(self, party: terms.Party, pointer: str) -> int:
        row = self.session.scalar(select(Organisation).where(Organisation.code == party.code))
        if row is None:
            namesake = self.session.scalar(
                select(Organisation).where(Organisation.organisation_number == party.organisation_number)
            )
            if namesake is not None:
                raise Conflict(
                    "organisation_differs",
                    f"{pointer}: {party.organisation_number} is registered under the code '{namesake.code}'",
                )
            row = Organisation(
                code=party.code,
                name=party.name,
                organisation_number=party.organisation_number,
                region=party.region,
                **self.stamp,
            )
            self.session.add(row)
            self.session.flush()
        elif _party(row) != party:
            raise Conflict(
                "organisation_differs",
                f"{pointer}: '{party.code}' is registered as {row.name}, {row.organisation_number}",
            )
        return row.id


def _shown(value: str | int | None) -> str:
    return "none" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


def _party(row: Organisation) -> terms.Party:
    return terms.Party(row.code, row.name, row.organisation_number, row.region)


def readable_trust(session: Session, agreement_id: int, actor: Actor, trust: str | None) -> str | None:
    """Give the trust whose figures a reader asks for, or must be kept to; ``None`` is the whole agreement.

    A trust outside the reader's scope is as unknown to them as one that does not exist.
    """
    actor.require("read")
    scope = actor.scope("read")
    if trust is not None:
        holders = {holder.party.code for holder in option_holders(session, agreement_id)}
        if trust not in holders or (scope is not None and trust != scope):
            raise NotFound(f"there is no trust '{trust}' in this agreement")
        return trust
    if not may_read(session, agreement_id, actor):
        raise NotFound("there is no such agreement")
    return scope
