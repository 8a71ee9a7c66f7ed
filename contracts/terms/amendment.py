"""Changes of an agreement in force: on what ground, how large against the original value, what has to be announced.

The grounds are those of the procurement regulations (forskrift om offentlige anskaffelser § 28-1 first paragraph): a an
agreed clause, b at most ten per cent, c necessary supplementary deliveries, d what could not be foreseen, e another
supplier in the place of the first, f what is not substantial. Percentages are of the original value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, get_args

from contracts.terms.national_numbers import is_organisation_number
from contracts.terms.period import add_months
from contracts.terms.price_book import Finding

Kind = Literal["extension", "change", "termination"]
Basis = Literal["clause", "minor", "supplementary", "unforeseen", "supplier_change", "not_substantial"]
State = Literal["drafted", "approved", "rejected", "withdrawn", "announced"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
BASES: Final[tuple[Basis, ...]] = get_args(Basis)
STATES: Final[tuple[State, ...]] = get_args(State)
IN_FORCE: Final = frozenset({"approved", "announced"})

# The letter of § 28-1 first paragraph.
LETTERS: Final[dict[Basis, str]] = dict(zip(BASES, "abcdef", strict=True))
# Net of all changes on this ground together.
MOST_MINOR: Final = Fraction(10, 100)
# Each change by itself.
MOST_EACH: Final = Fraction(50, 100)
LIMITED_EACH: Final[frozenset[Basis]] = frozenset({"supplementary", "unforeseen"})
# A change on one of these grounds is announced within so many days of its signing.
ANNOUNCED: Final[frozenset[Basis]] = frozenset({"supplementary", "unforeseen"})
DAYS_TO_ANNOUNCE: Final = 30


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of an agreement. Values are kroner excluding VAT; ``new_end`` is exclusive.

    ``signed_on`` is the day of its signing, of an extension or a termination the day of the notice. ``value_change`` and
    ``original_value`` are ``None`` where they are not known. ``options_until`` moves the last day of open options. The vendor
    is the one that takes the place of the first, with its organisation number.
    """

    number: int
    kind: Kind
    basis: Basis
    title: str
    reason: str
    clause: str
    signed_on: date
    value_change: Decimal | None = None
    original_value: Decimal | None = None
    new_maximum: Decimal | None = None
    new_end: date | None = None
    extension_from: date | None = None
    options_until: date | None = None
    vendor_name: str = ""
    vendor_number: str = ""
    approved_on: date | None = None
    announced_on: date | None = None

    @property
    def share(self) -> Fraction | None:
        """Give how large it is against the original value, with its sign; ``None`` where that cannot be said."""
        return share_of(self.value_change, self.original_value)

    @property
    def announce_by(self) -> date | None:
        """Give the last day of announcing it, or ``None`` where nothing is to be announced."""
        if self.kind != "change" or self.basis not in ANNOUNCED:
            return None
        return self.signed_on + timedelta(days=DAYS_TO_ANNOUNCE)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants changed. ``new_end`` is exclusive; what is ``None`` stays as it is.

    An extension's new end is the agreed one and its value none; a new maximum with a known former one says the value.
    """

    kind: Kind
    basis: Basis
    title: str
    reason: str
    clause: str
    signed_on: date
    value_change: Decimal | None = None
    new_maximum: Decimal | None = None
    new_end: date | None = None
    options_until: date | None = None
    vendor_name: str = ""
    vendor_number: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A state that an amendment came into, on a day, and who said so."""

    state: State
    on: date
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """An amendment with its course. ``minor`` and ``all_changes`` are net shares up to and with it; ``None``: unknown.

    ``notice_by`` is an extension's last day of notice; ``current`` tells whether the terms are still those it was drafted
    on.
    """

    amendment: Amendment
    course: tuple[Step, ...]
    minor: Fraction | None
    all_changes: Fraction | None
    notice_by: date | None
    current: bool

    @property
    def state(self) -> State:
        """Give the state it has come to."""
        return self.course[-1].state

    @property
    def drafted_by(self) -> str:
        """Give who drafted it."""
        return self.course[0].by

    @property
    def version(self) -> str:
        """Name this state of it."""
        return f"{self.amendment.number}-{len(self.course)}"


def share_of(value: Decimal | None, original: Decimal | None) -> Fraction | None:
    """Give a value as an exact share of the original one; ``None`` where either is unknown or there is no original.

    >>> share_of(Decimal("1200000.00"), Decimal("12000000.00"))
    Fraction(1, 10)
    """
    if value is None or not original:
        return None
    return Fraction(value) / Fraction(original)


def cumulative(amendments: Iterable[Amendment], basis: Basis | None = None) -> Fraction | None:
    """Give the net of all changes (on one ground, or on all) as a share; ``None`` where one of them cannot be said."""
    total = Fraction(0)
    for one in amendments:
        if one.kind == "change" and basis in (None, one.basis):
            if one.share is None:
                return None
            total += one.share
    return total


def beyond_its_ground(new: Amendment, in_force: Iterable[Amendment], cost: Decimal | None = None) -> Iterator[Finding]:
    """Find what the ground of a change does not carry, held against those that stand.

    ``cost`` is what it costs to the agreement's end (None: not computed): where that is more than the value it says, it is what
    the limits in per cent are held against.
    """
    if new.kind != "change":
        return
    yield from _vendor_findings(new)
    if cost is not None and cost > max(new.value_change or 0, 0):
        new = replace(new, value_change=cost)
    if new.basis == "clause" and not new.clause:
        yield Finding("#/clause", "missing", "a change on the ground of a clause names the clause")
    if new.share is None:
        if new.basis == "minor" or new.basis in LIMITED_EACH:
            yield Finding(
                "#/value_change",
                "share_unknown",
                "this ground has a limit in per cent: the change's value and the agreement's original value are needed",
            )
        return
    if new.basis == "minor":
        total = cumulative([*in_force, new], "minor")
        if total is None or abs(total) > MOST_MINOR:
            shown = "unknown" if total is None else percent(total)
            detail = (
                f"with this the changes on this ground come to {shown} of the original value; at most 10 % is allowed"
            )
            yield Finding("#/value_change", "beyond_ten_percent", detail)
    if new.basis in LIMITED_EACH and abs(new.share) > MOST_EACH:
        detail = f"the change is {percent(new.share)} of the original value; at most 50 % is allowed"
        yield Finding("#/value_change", "beyond_fifty_percent", detail)


def _vendor_findings(new: Amendment) -> Iterator[Finding]:
    """Find what is said of another vendor: ground e names one, and any other ground makes it a substantial change (§ 28-2)."""
    if new.basis != "supplier_change":
        if new.vendor_name or new.vendor_number:
            detail = "another vendor in the place of the first is ground e; on another it is a substantial change"
            yield Finding("#/vendor_name", "vendor_not_here", detail)
        return
    if not new.vendor_name:
        yield Finding("#/vendor_name", "missing", "name the vendor that takes the place of the first")
    if not is_organisation_number(new.vendor_number):
        yield Finding("#/vendor_number", "organisation_number", "nine digits, the last of which checks the others")


def percent(share: Fraction) -> str:
    """Write a share in per cent with two decimals, rounded away from zero: what is over a limit never looks like it.

    >>> percent(Fraction(100001, 1000000))
    '10.01 %'
    """
    hundredths = abs(share) * 10000
    whole = -(-hundredths.numerator // hundredths.denominator)
    return f"{'-' if share < 0 else ''}{whole // 100}.{whole % 100:02d} %"


def notice_deadline(end: date, notice_months: int | None) -> date:
    """Give the last day of notice for taking up an extension of a term that ends before ``end`` (exclusive).

    The months are counted back from the term's last day, whatever end it has come to by then.

    >>> notice_deadline(date(2027, 1, 1), 3)
    datetime.date(2026, 9, 30)
    >>> notice_deadline(date(2028, 5, 30), 3)
    datetime.date(2028, 2, 29)
    """
    return add_months(end - timedelta(days=1), -(notice_months or 0))
