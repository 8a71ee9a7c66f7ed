"""How invoices are addressed and read, as facts that a contract manager keeps: nothing is overwritten.

Three things: what an invoice to each organisation must carry (references, order number, address), which fields of a vendor's
documents say what its lines are about, and the bank accounts that somebody has checked to be the vendor's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.invoices.line_reading import DEFAULT, FieldMapping, KnownNames, LineReader, mapping_findings
from billing.models import InvoiceReference, VendorAccount, VendorMapping
from contracts import agreements, audit, price_books
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models import Organisation
from contracts.models.base import known
from contracts.people.access import Actor
from contracts.terms.national_numbers import is_organisation_number

ACT: Final = "mapping.draft"
LONGEST: Final = 120
DIGIT, LETTER = "#", "@"
TEN_DIGITS: Final = DIGIT * 10


@dataclass(frozen=True, slots=True)
class References:
    """What an invoice to an organisation must carry and where it goes; what is not known is None.

    ``order_pattern`` is written with ``#`` for a digit and ``@`` for a letter, every other character stands for itself:
    ten ``#`` are the ten digits that some trusts want. ``endpoint`` is an organisation number.
    """

    buyer_reference: str | None = None
    order_number: str | None = None
    order_pattern: str | None = None
    endpoint: str | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None


NO_REFERENCES: Final = References()


@dataclass(frozen=True, slots=True)
class Recipient:
    """An organisation of the agreement with its references; ``row`` and the time are None where none are recorded."""

    code: str
    name: str
    organisation_number: str
    references: References
    row: int | None = None
    recorded_at: datetime | None = None
    recorded_by: str | None = None


@dataclass(frozen=True, slots=True)
class MappingInForce:
    """A vendor's mapping; ``row`` is None where nobody has written one and the usual one counts."""

    vendor_number: str
    mapping: FieldMapping
    row: int | None = None
    recorded_at: datetime | None = None
    recorded_by: str | None = None


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """A bank account that was checked to be a vendor's, and how."""

    id: int
    vendor_number: str
    account: str
    checked: str
    recorded_at: datetime
    recorded_by: str


def fits(pattern: str, number: str) -> bool:
    """Tell whether an order number is written as a recipient wants it.

    >>> fits("##########", "4500218861"), fits("##########", "45-0021886"), fits("PO-####", "PO-1234")
    (True, False, True)
    """
    parts = {DIGIT: "[0-9]", LETTER: "[A-Za-zÆØÅæøå]"}
    return re.fullmatch("".join(parts.get(each) or re.escape(each) for each in pattern), number) is not None


# -- recipients ------------------------------------------------------------------


def recipients(session: Session, *, agreement_id: int, known_at: datetime | None = None) -> tuple[Recipient, ...]:
    """List the agreement's buyer, its option holders and its vendor with their references, as known."""
    agreement = agreements.agreement_summary(session, agreement_id, known_at)
    holders = agreements.option_holders(session, agreement_id, known_at)
    parties = [agreement.buyer, *(holder.party for holder in holders), agreement.vendor]
    rows = session.execute(
        select(InvoiceReference, Organisation.code)
        .join(Organisation, Organisation.id == InvoiceReference.organisation_id)
        .where(InvoiceReference.agreement_id == agreement_id, known(InvoiceReference, known_at))
    )
    recorded = {code: row for row, code in rows}
    return tuple(
        _recipient(party.code, party.name, party.organisation_number, recorded.get(party.code))
        for party in {party.code: party for party in parties}.values()
    )


def find_recipient(
    session: Session, *, agreement_id: int, code: str, actor: Actor, known_at: datetime | None = None
) -> Recipient:
    """Find one organisation of the agreement with its references."""
    _require_reader(actor)
    found = next(
        (each for each in recipients(session, agreement_id=agreement_id, known_at=known_at) if each.code == code), None
    )
    if found is None:
        raise NotFound(f"there is no organisation '{code}' in this agreement")
    return found


def set_references(
    session: Session, *, agreement_id: int, code: str, references: References, actor: Actor, now: datetime
) -> Recipient:
    """Record what an invoice to an organisation must carry; the same again changes nothing.

    Raises `InvalidInput` for an order number that does not follow its pattern and an endpoint that is no organisation number.
    """
    _require_writer(actor)
    agreements.lock_agreement(session, agreement_id)
    before = find_recipient(session, agreement_id=agreement_id, code=code, actor=actor)
    invalid(_reference_findings(references))
    if references == before.references:
        return before
    session.add(
        InvoiceReference(
            agreement_id=agreement_id,
            organisation_id=session.scalars(select(Organisation.id).where(Organisation.code == code)).one(),
            **asdict(references),
            void=False,
            supersedes_id=before.row,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    changed = [name for name, value in asdict(references).items() if getattr(before.references, name) != value]
    _log(session, agreement_id, "invoice_reference.set", code, {"changed": changed}, actor, now)
    return find_recipient(session, agreement_id=agreement_id, code=code, actor=actor)


def _reference_findings(references: References) -> Iterator[Finding]:
    for name, value in asdict(references).items():
        if value is not None and (not value.strip() or value != value.strip()):
            yield Finding(f"#/{name}", "blank", "a text without blanks around it, or nothing")
        elif value is not None and (len(value) > LONGEST or not value.isprintable()):
            yield Finding(f"#/{name}", "too_long", f"at most {LONGEST} printable characters")
    if (
        references.order_number
        and references.order_pattern
        and not fits(references.order_pattern, references.order_number)
    ):
        yield Finding(
            "#/order_number", "pattern", f"'{references.order_number}' is not written as '{references.order_pattern}'"
        )
    if references.endpoint is not None and not is_organisation_number(references.endpoint):
        yield Finding("#/endpoint", "not_an_organisation_number", "nine digits, the last a check digit")


# -- mappings --------------------------------------------------------------------


def mapping_in_force(
    session: Session, *, agreement_id: int, vendor_number: str, known_at: datetime | None = None
) -> MappingInForce:
    """Give the mapping by which a vendor's documents are read, the usual one where none is recorded."""
    row = session.scalar(
        select(VendorMapping).where(
            VendorMapping.agreement_id == agreement_id,
            VendorMapping.vendor_number == vendor_number,
            known(VendorMapping, known_at),
        )
    )
    if row is None:
        return MappingInForce(vendor_number, DEFAULT)
    return MappingInForce(
        vendor_number, FieldMapping.from_document(row.sources), row.id, row.recorded_at, row.recorded_by
    )


def list_mappings(
    session: Session, *, agreement_id: int, actor: Actor, known_at: datetime | None = None
) -> list[MappingInForce]:
    """List the mapping of the agreement's vendor and of every other vendor that has one."""
    _require_reader(actor)
    own = agreements.agreement_summary(session, agreement_id, known_at).vendor.organisation_number
    others = session.scalars(
        select(VendorMapping.vendor_number)
        .where(
            VendorMapping.agreement_id == agreement_id,
            VendorMapping.vendor_number != own,
            known(VendorMapping, known_at),
        )
        .order_by(VendorMapping.vendor_number)
    )
    return [
        mapping_in_force(session, agreement_id=agreement_id, vendor_number=number, known_at=known_at)
        for number in (own, *others)
    ]


def find_mapping(
    session: Session, *, agreement_id: int, vendor_number: str, actor: Actor, known_at: datetime | None = None
) -> MappingInForce:
    """Give a vendor's mapping to a reader of all trusts."""
    _require_reader(actor)
    return mapping_in_force(session, agreement_id=agreement_id, vendor_number=vendor_number, known_at=known_at)


def set_mapping(
    session: Session, *, agreement_id: int, vendor_number: str, mapping: FieldMapping, actor: Actor, now: datetime
) -> MappingInForce:
    """Record how a vendor's documents are read from now on; recorded documents stay what they are and are read anew.

    The same mapping again changes nothing. Raises `InvalidInput` for fields and codes that do not exist.
    """
    _require_writer(actor)
    agreements.lock_agreement(session, agreement_id)
    findings = mapping_findings(mapping, known_names(session, agreement_id))
    if not is_organisation_number(vendor_number):
        findings.append(Finding("#/vendor", "not_an_organisation_number", "nine digits, the last a check digit"))
    invalid(findings)
    before = mapping_in_force(session, agreement_id=agreement_id, vendor_number=vendor_number)
    if mapping == before.mapping:
        return before
    session.add(
        VendorMapping(
            agreement_id=agreement_id,
            vendor_number=vendor_number,
            sources=mapping.to_document(),
            void=False,
            supersedes_id=before.row,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    _log(session, agreement_id, "vendor_mapping.set", vendor_number, {"sources": mapping.to_document()}, actor, now)
    return mapping_in_force(session, agreement_id=agreement_id, vendor_number=vendor_number)


def known_names(session: Session, agreement_id: int) -> KnownNames:
    """Give every name by which the agreement's trusts and algorithms are known (code, name or product, number), and its charges."""
    holders = agreements.option_holders(session, agreement_id)
    algorithms = agreements.marketplace(session, agreement_id)
    book = price_books.price_book(session, agreement_id)
    return KnownNames(
        trusts=tuple(
            (name, holder.party.code)
            for holder in holders
            for name in (holder.party.code, holder.party.name, holder.party.organisation_number)
        ),
        algorithms=tuple((name, each.code) for each in algorithms for name in (each.code, each.product)),
        charges=tuple(sorted({charge.code for version in book.versions for charge in version.charges})),
    )


def line_reader(
    session: Session, *, agreement_id: int, vendor_number: str | None, known_at: datetime | None = None
) -> LineReader:
    """Give what reads a vendor's lines under the mapping that was in force at ``known_at`` (``None``: now)."""
    mapping = (
        DEFAULT
        if vendor_number is None
        else mapping_in_force(
            session, agreement_id=agreement_id, vendor_number=vendor_number, known_at=known_at
        ).mapping
    )
    return LineReader(mapping, known_names(session, agreement_id))


# -- accounts --------------------------------------------------------------------


def known_accounts(
    session: Session, *, agreement_id: int, vendor_number: str | None = None, known_at: datetime | None = None
) -> tuple[KnownAccount, ...]:
    """List the accounts that were checked, of one vendor or of all, oldest first."""
    query = select(VendorAccount).where(VendorAccount.agreement_id == agreement_id, known(VendorAccount, known_at))
    if vendor_number is not None:
        query = query.where(VendorAccount.vendor_number == vendor_number)
    return tuple(
        KnownAccount(row.id, row.vendor_number, row.account, row.checked, row.recorded_at, row.recorded_by)
        for row in session.scalars(query.order_by(VendorAccount.id))
    )


def list_accounts(
    session: Session, *, agreement_id: int, actor: Actor, known_at: datetime | None = None
) -> tuple[KnownAccount, ...]:
    """List the checked accounts for a reader of all trusts."""
    _require_reader(actor)
    return known_accounts(session, agreement_id=agreement_id, known_at=known_at)


def add_account(
    session: Session,
    *,
    agreement_id: int,
    vendor_number: str,
    account: str,
    checked: str,
    actor: Actor,
    now: datetime,
) -> KnownAccount:
    """Record that an account was checked to be the vendor's, and how (a call, a letter); the same again is the one there.

    Raises `InvalidInput` for what is no account, an eleven-digit one with a wrong check digit included.
    """
    _require_writer(actor)
    agreements.lock_agreement(session, agreement_id)
    plain = plain_account(account)
    findings = []
    if not is_organisation_number(vendor_number):
        findings.append(Finding("#/vendor", "not_an_organisation_number", "nine digits, the last a check digit"))
    if not is_account(plain):
        findings.append(Finding("#/account", "not_an_account", "eleven digits with a right check digit, or an IBAN"))
    if not 0 < len(checked.strip()) <= LONGEST:
        findings.append(Finding("#/checked", "missing", f"say how it was checked, in at most {LONGEST} characters"))
    invalid(findings)
    for each in known_accounts(session, agreement_id=agreement_id, vendor_number=vendor_number):
        if each.account == plain:
            return each
    row = VendorAccount(
        agreement_id=agreement_id,
        vendor_number=vendor_number,
        account=plain,
        checked=checked.strip(),
        void=False,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    _log(session, agreement_id, "vendor_account.add", vendor_number, {"account": plain}, actor, now)
    return KnownAccount(row.id, vendor_number, plain, row.checked, now, actor.id)


def remove_account(session: Session, *, agreement_id: int, account_id: int, actor: Actor, now: datetime) -> None:
    """Take an account off the list; documents that name it are told from then on."""
    _require_writer(actor)
    agreements.lock_agreement(session, agreement_id)
    row = session.get(VendorAccount, account_id)
    if row is None or row.agreement_id != agreement_id:
        raise NotFound("there is no such account")
    listed = known_accounts(session, agreement_id=agreement_id)
    if row.id not in {each.id for each in listed}:
        raise Conflict("removed_already", "the account was taken off the list already")
    session.add(
        VendorAccount(
            agreement_id=agreement_id,
            vendor_number=row.vendor_number,
            account=row.account,
            checked=row.checked,
            void=True,
            supersedes_id=row.id,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    _log(session, agreement_id, "vendor_account.remove", row.vendor_number, {"account": row.account}, actor, now)


def plain_account(text: str) -> str:
    """Give an account without blanks, dots and hyphens, in capitals.

    >>> plain_account("1234.56.70007"), plain_account("no93 8601 1117 947")
    ('12345670007', 'NO9386011117947')
    """
    return re.sub(r"[\s.\-]", "", text).upper()


def is_account(plain: str) -> bool:
    """Tell whether a text is a Norwegian account (eleven digits, mod 11) or an IBAN (mod 97).

    >>> is_account("12345670007"), is_account("12345670008"), is_account("NO9386011117947")
    (True, False, True)
    """
    if re.fullmatch(r"[0-9]{11}", plain):
        weights = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
        return sum(int(digit) * weight for digit, weight in zip(plain, weights, strict=True)) % 11 == 0
    if re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}", plain):
        return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1
    return False


def _recipient(code: str, name: str, number: str, row: InvoiceReference | None) -> Recipient:
    if row is None:
        return Recipient(code, name, number, NO_REFERENCES)
    references = References(
        row.buyer_reference, row.order_number, row.order_pattern, row.endpoint, row.street, row.postal_code, row.city
    )
    return Recipient(code, name, number, references, row.id, row.recorded_at, row.recorded_by)


def _require_reader(actor: Actor) -> None:
    actor.require("read")
    if actor.scope("read") is not None:
        raise NotFound("there is no such thing")


def _require_writer(actor: Actor) -> None:
    actor.require(ACT)
    if actor.scope(ACT) is not None:
        raise Denied("how invoices are read is for all trusts: this needs a role that is not kept to one")


def _log(
    session: Session,
    agreement_id: int,
    action: str,
    about: str,
    data: dict[str, object],
    actor: Actor,
    now: datetime,
) -> None:
    code = agreements.agreement_summary(session, agreement_id).code
    audit.record(session, action, f"agreement:{code}", {"of": about, **data}, actor.id, now)
