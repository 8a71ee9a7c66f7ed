"""One charge under its agreement, ready to be rated again with one fact changed.

Charges never influence one another, so a changed fact is rated for the charges it is tried on and for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from billing.rating.compile import CompiledBook, compile_activations, compile_book, cuts_of
from billing.rating.lines import Line
from billing.rating.rate import rate_compiled
from contracts.terms.period import Period
from contracts.terms.price_book import (
    Activation,
    AgreementTerm,
    InvalidInput,
    PriceBook,
    PriceBookVersion,
    Usage,
    covers,
)
from contracts.terms.price_model import Charge


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold all that decides what one charge comes to in a period.

    `usage` is billable usage only; what fell in validation runs stands in `validation` and is not rated.
    """

    agreement: AgreementTerm
    book: PriceBook
    activations: tuple[Activation, ...]
    usage: tuple[Usage, ...]
    validation: tuple[Usage, ...]
    period: Period

    def versions(self, changed: Iterable[PriceBookVersion]) -> Facts:
        """Return these facts with other versions of the price book."""
        return replace(self, book=replace(self.book, versions=tuple(changed)))

    def charges(self) -> list[Charge]:
        """Return the charge as each version has it, in the order of the versions."""
        return [charge for version in self.book.versions for charge in version.charges]

    def charge_on(self, day: date) -> Charge | None:
        """Return the charge in force on a day."""
        version = self.book.version_on(day)
        return version.charges[0] if version is not None and version.charges else None


def facts_by_charge(
    agreement: AgreementTerm,
    book: PriceBook,
    activations: tuple[Activation, ...],
    usage: tuple[Usage, ...],
    period: Period,
) -> dict[str, Facts]:
    """Part an agreement into its charges, each with the usage it covers before the period's end."""
    billable, validation = _by_state(activations, usage, period.end)
    codes = sorted({charge.code for version in book.versions for charge in version.charges})
    parts = {}
    for code in codes:
        versions = tuple(
            replace(version, charges=tuple(charge for charge in version.charges if charge.code == code))
            for version in book.versions
        )
        own = [charge for version in versions for charge in version.charges]

        def covered(algorithm: str, own: list[Charge] = own) -> bool:
            return any(covers(charge, algorithm) for charge in own)

        parts[code] = Facts(
            agreement,
            replace(book, versions=versions),
            tuple(each for each in activations if covered(each.algorithm)),
            tuple(each for each in billable if covered(each.algorithm)),
            tuple(each for each in validation if covered(each.algorithm)),
            period,
        )
    return parts


def _by_state(
    activations: tuple[Activation, ...], usage: tuple[Usage, ...], end: date
) -> tuple[list[Usage], list[Usage]]:
    own: dict[tuple[str, str], list[Activation]] = {}
    for activation in activations:
        own.setdefault((activation.trust, activation.algorithm), []).append(activation)
    billable: list[Usage] = []
    validation: list[Usage] = []
    for entry in usage:
        if entry.on >= end:
            continue
        for activation in own.get((entry.trust, entry.algorithm), ()):
            if activation.begins <= entry.on and (activation.end is None or entry.on < activation.end):
                (billable if entry.on >= activation.go_live else validation).append(entry)
                break
    return billable, validation


Frames = dict[frozenset[date], CompiledBook]


def rated(facts: Facts, frames: Frames | None = None) -> tuple[Line, ...] | None:
    """Rate facts, None where they contradict themselves: a fact that cannot be is no cause.

    `frames` keeps books of one agreement by the days they are cut at, for the next rating to start from.
    """
    kept = {} if frames is None else frames
    try:
        cuts = cuts_of(facts.book)
        book = compile_book(facts.agreement, facts.book, kept.get(cuts))
        kept.setdefault(cuts, book)
        return rate_compiled(compile_activations(book, facts.activations), facts.usage, facts.period).lines
    except (InvalidInput, ValueError, IndexError):
        return None
