"""The changed facts that are tried for a charge, under the code that each would give, in the order of the codes.

Counts of examinations (`QTY_…`) are not here but for validation runs: the vendor's count stands on the invoice or in its
statement, so it is read and not guessed (`quantities`); every hypothesis is tried under our own count and under the vendor's.
"""

from __future__ import annotations

from billing.causes.changes import Change
from billing.causes.codes import CAUSES, order
from billing.causes.declared import Code, Hints
from billing.causes.facts import Facts


def candidates(facts: Facts, hints: Hints) -> list[tuple[Code, Change]]:
    """List every changed fact that is tried for a charge, each once, the catch-alls last: they take in what others explain."""
    found: dict[Change, Code] = {}
    for code in sorted(CAUSES, key=order):
        cause = CAUSES[code]
        if cause.changes is not None:
            for change in cause.changes(facts, hints):
                found.setdefault(change, code)
    return [(code, change) for change, code in found.items()]
