"""What each trust bears of a reconciled quarter: the billed lines by the trusts they stand for, the rest by what was due.

A line that names its trust stays there. A line that stands for several trusts is shared by what was due for the lines it was
matched with; what matches nothing, and allowances of whole documents, by what the trusts bear of the quarter. Shares are whole
øre by largest remainder, so they sum to what the documents bill.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from billing.causes import GroupExplanation
from billing.rating.sharing import Amount, Portion, allocate, share
from billing.reconciliation.frozen import FrozenReconciliation
from contracts.terms.money import kroner, ore
from contracts.terms.period import Period


def portions_of(frozen: FrozenReconciliation, trusts: Sequence[str]) -> tuple[Portion, ...]:
    """Give what each trust bears of a quarter's documents, credits taken off; other currencies are left out."""
    period = frozen.inputs.charges.request.period
    reference = allocate(
        [
            Amount(line.trust, line.algorithm, line.charge, line.period, line.net_ore)
            for line in frozen.inputs.charges.lines
        ],
        trusts,
    )
    amounts = [
        amount
        for document in frozen.documents
        if document.explanation.comparable
        for group in document.explanation.groups
        for amount in _amounts(group, period)
    ]
    return allocate(amounts, trusts, reference)


def by_trust(portions: Sequence[Portion]) -> dict[str, Decimal]:
    """Sum portions by trust, in kroner, the trusts in their order by code."""
    sums: dict[str, int] = defaultdict(int)
    for each in portions:
        sums[each.trust] += each.net_ore
    return {trust: kroner(sums[trust]) for trust in sorted(sums)}


def _amounts(group: GroupExplanation, period: Period) -> list[Amount]:
    due: dict[str, int] = defaultdict(int)
    for line in group.expected:
        if line.trust is not None:
            due[line.trust] += line.net_ore
    paying = {trust: due[trust] for trust in sorted(due) if due[trust] > 0}
    algorithms = {line.algorithm for line in group.expected} or {line.algorithm for line in group.billed}
    algorithm = algorithms.pop() if len(algorithms) == 1 else None
    amounts: list[Amount] = []
    spent = 0
    for billed in group.billed:
        net = ore(billed.net)
        spent += net
        about = billed.algorithm or algorithm, billed.charge, billed.period or period
        if billed.trust is not None or not paying:
            amounts.append(Amount(billed.trust, *about, net))
            continue
        shares = share(net, list(paying.values()))
        amounts += [Amount(trust, *about, part) for trust, part in zip(paying, shares, strict=True) if part]
    rest = ore(group.invoiced_amount) - spent
    if rest:
        # A document's own allowance or a total that does not add up stands on no line.
        amounts.append(Amount(None, None, None, period, rest))
    return amounts
