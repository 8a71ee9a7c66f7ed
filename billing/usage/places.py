"""Where usage may lie: which trusts and algorithms an agreement knows, and on which days each activation runs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.usage.errors import RowError, shown
from contracts import agreements
from contracts.models import Algorithm, Organisation
from contracts.terms.period import Period


@dataclass(slots=True)
class Cell:
    """One (trust, algorithm, day) of a file: ``row`` is the first that named it, ``quantity`` the billable count."""

    number: int
    trust: str
    algorithm: str
    trust_id: int
    algorithm_id: int
    on: date
    row: int
    quantity: int = 0

    @property
    def place(self) -> tuple[str, str, date]:
        """Give what cells are told apart by."""
        return self.trust, self.algorithm, self.on


@dataclass(frozen=True, slots=True)
class Places:
    """Everything that decides where a row of usage belongs; equal places check every file alike.

    ``own`` is the one trust that the importing actor may name, ``None`` where all are.
    """

    holders: frozenset[str]
    products: frozenset[str]
    registered: frozenset[str]
    running: dict[tuple[str, str], tuple[Period, ...]]
    trust_ids: dict[str, int]
    algorithm_ids: dict[str, int]
    own: str | None

    def problems(self, row: int, trust: str, algorithm: str) -> list[RowError]:
        """Say what is wrong with the trust and with the algorithm of a row."""
        found = []
        if self.own is not None and trust != self.own:
            # One code for both, so that a program is not told which trusts there are; a person may map a code of their own.
            said = "other_trust" if trust in self.registered else "unknown_trust"
            found.append(RowError(row, "trust", "other_trust", {"own": self.own, "value": shown(trust)}, said))
        elif trust not in self.holders:
            code = "not_an_option_holder" if trust in self.registered else "unknown_trust"
            found.append(RowError(row, "trust", code, {"value": shown(trust)}))
        if algorithm not in self.products:
            found.append(RowError(row, "algorithm", "unknown_algorithm", {"value": shown(algorithm)}))
        return found

    def active(self, trust: str, algorithm: str, on: date) -> bool:
        """Tell whether the algorithm runs at the trust on a day, validation included."""
        return any(period.contains(on) for period in self.running.get((trust, algorithm), ()))


def places_of(session: Session, agreement_id: int, own: str | None) -> Places:
    """Gather where an agreement's usage may lie, as known now."""
    running: dict[tuple[str, str], list[Period]] = defaultdict(list)
    # Nothing runs after the agreement's end: usage of such a day would be counted and never rated.
    until_the_end = Period(date.min, agreements.agreement_summary(session, agreement_id).term.end)
    for activation in agreements.activations(session, agreement_id):
        if activation.end is None or activation.end > (activation.validation_from or activation.go_live):
            days = activation.running.overlap(until_the_end)
            if days is not None:
                running[activation.trust, activation.algorithm].append(days)
    trust_ids = dict(session.execute(select(Organisation.code, Organisation.id)).all())
    return Places(
        holders=frozenset(holder.party.code for holder in agreements.option_holders(session, agreement_id)),
        products=frozenset(product.code for product in agreements.marketplace(session, agreement_id)),
        registered=frozenset(trust_ids),
        running={pair: tuple(periods) for pair, periods in running.items()},
        trust_ids=trust_ids,
        algorithm_ids=dict(session.execute(select(Algorithm.code, Algorithm.id)).all()),
        own=own,
    )
