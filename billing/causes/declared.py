"""What is declared of a cause: its code, what to do first, its sentences, and the changed facts that would give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal, get_args

from billing.causes.changes import Change
from billing.causes.facts import Facts
from contracts.terms.price_model import OneOffCharge, RampUp, Scope

# In the order in which they win.
Code = Literal[
    "NOT_ACTIVE",
    "UNKNOWN_ITEM",
    "WRONG_BUYER", "REF_WRONG", "CURRENCY",
    "INVOICE_DUP", "LINE_DUP",
    "QTY_DIFF", "QTY_DUP", "QTY_PERIOD", "QTY_LATE", "QTY_NONBILLABLE",
    "TIER_MODE", "TIER_SCOPE", "TIER_RESET", "TIER_WRONG",
    "RAMP_MISSING", "RAMP_EXPIRED", "RAMP_RATE",
    "PRICE_VERSION", "PRICE_UNIT",
    "INDEX_EARLY", "INDEX_WRONG", "INDEX_MISSING",
    "FIXED_FEE", "MINIMUM_WRONG",
    "ARITHMETIC", "VAT",
    "CREDIT_PENDING", "CREDIT_WRONG",
    "MISSING_LINE",
    "TERMS", "ACCOUNT_CHANGED", "CEILING", "DOCUMENT",
    "ROUNDING",
    "UNEXPLAINED",
]  # fmt: skip
CODES: Final[tuple[Code, ...]] = get_args(Code)


Action = Literal["reject", "query", "credit", "note", "wait", "accept", "person"]

# Whether it stops the payment by itself, is about money, is about the document's form, or is nothing at all.
Severity = Literal["stops", "money", "formal", "none"]

# Statuses of Peppol Invoice Response 3.0 (UNCL4343) and its reasons (OPStatusReason); UQ, CA and RE say nothing without a reason.
ResponseStatus = Literal["AB", "IP", "UQ", "CA", "RE", "AP", "PD"]
RESPONSE_STATUSES: Final[tuple[ResponseStatus, ...]] = get_args(ResponseStatus)
NEEDS_REASON: Final[frozenset[ResponseStatus]] = frozenset({"UQ", "CA", "RE"})
REASONS: Final = ("NON", "REF", "LEG", "REC", "QUA", "DEL", "PRI", "QTY", "ITM", "PAY", "UNR", "FIN", "PPD", "OTH")

# Per trust is what a pool is most often taken for.
SCOPES: Final[tuple[Scope, ...]] = ("trust", "activation", "agreement")


@dataclass(frozen=True, slots=True)
class Hints:
    """Hold what the differing lines of a charge let one read off: numbers that no term of the agreement gives.

    `subjects` are (trust, algorithm) of lines that differ, `rates` discounts by phase, `prices` unit prices by tier, and
    `factors` what would have to stand for an agreed factor for an amount to come out, by the adjustment's day.
    """

    subjects: tuple[tuple[str, str], ...] = ()
    rates: tuple[tuple[int | None, Decimal], ...] = ()
    factors: tuple[tuple[date, Decimal], ...] = ()
    prices: tuple[tuple[int, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """Hold what an Invoice Response answers a finding with, before anybody has decided on it."""

    status: ResponseStatus
    reason: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Hold all that is known of a code.

    `name` is what it is called, in Norwegian and in English. `sentences` are templates as `templates` says, the one that needs most first. `changes` gives the changed facts that are tried
    for a charge; None where the cause is seen and not tried. A catch-all is tried last. `told_apart_by` is what a vendor would
    have to show for it to be told from others that give the same amounts, in Norwegian and in English.
    """

    code: Code
    name: tuple[str, str]
    action: Action
    severity: Severity
    response: Response
    sentences: tuple[tuple[str, ...], ...]
    changes: Callable[[Facts, Hints], Iterator[Change]] | None = None
    catch_all: bool = False
    of_header: bool = False
    told_apart_by: tuple[str, str] | None = None


def ramps_of(facts: Facts) -> list[RampUp]:
    """List the ramps a charge has, each once, in the order of the versions."""
    own = [c.ramp_up for c in facts.charges() if not isinstance(c, OneOffCharge) and c.ramp_up is not None]
    return list(dict.fromkeys(own))
