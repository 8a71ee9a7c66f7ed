"""Options and activations as `option list --json` and the API show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contracts.terms.agreement import ActivationRow, OptionHolder


def dump_options(holders: Iterable[OptionHolder], activations: Iterable[ActivationRow]) -> dict[str, Any]:
    """List options, then activations, each with its kind, trust, algorithm, state and deadline."""
    options = [
        {
            "id": f"option:{holder.party.code}",
            "kind": "option",
            "trust": holder.party.code,
            "algorithm": None,
            "state": holder.state,
            "deadline": holder.deadline.isoformat(),
        }
        for holder in holders
    ]
    switched_on = [
        {
            "id": f"activation:{row.id}",
            "kind": "activation",
            "trust": row.trust,
            "algorithm": row.algorithm,
            "state": "ended" if row.end is not None else "live",
            "deadline": None,
        }
        for row in activations
    ]
    return {"items": options + switched_on}
