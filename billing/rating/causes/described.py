"""The numbers of a changed fact: what the vendor took for what was agreed."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal

from billing.rating.causes.changes import (
    AllInTier,
    Change,
    Counted,
    IndexFrom,
    NoIndex,
    NoRampAt,
    OtherFactor,
    OtherLimit,
    OtherModel,
    OtherPayer,
    OtherRate,
    OtherScope,
    OtherVersion,
    OtherWindow,
    VersionLate,
)
from billing.rating.causes.facts import Facts
from billing.rating.causes.findings import Value
from contracts.terms.price_model import FixedCharge, OneOffCharge, UsageCharge, model_of


def describe(change: Change, facts: Facts) -> dict[str, Value]:
    """Return what stands in the sentence of a changed fact: `change` names it, `billed` and `expected` are its two values."""
    found: dict[str, Value] = {"change": type(change).__name__}
    for each in fields(change):
        value = getattr(change, each.name)
        if value is None or isinstance(value, str | int | Decimal | date):
            found[each.name] = value
    found |= _two_values(change, facts)
    return found


def _two_values(change: Change, facts: Facts) -> dict[str, Value]:
    charge = facts.charge_on(facts.period.start) or next(iter(facts.charges()), None)
    usage = charge if isinstance(charge, UsageCharge) else None
    ramp = None if charge is None or isinstance(charge, OneOffCharge) else charge.ramp_up
    factors = {each.effective_from: each.factor for each in facts.book.index_adjustments}
    match change:
        case OtherModel() if usage is not None:
            agreed = model_of(usage)
            return {"expected": agreed, "billed": "volume" if agreed == "graduated" else "graduated"}
        case OtherScope(scope) if usage is not None:
            return {"expected": usage.counter.scope, "billed": scope}
        case OtherWindow(window) if usage is not None:
            return {"expected": usage.counter.window, "billed": window}
        case OtherRate(phase, rate) if ramp is not None and phase is not None and phase <= len(ramp.phases):
            return {"expected": ramp.phases[phase - 1].discount, "billed": rate}
        case OtherVersion(valid_from, _):
            version = facts.book.version_on(facts.period.start)
            return {"expected": None if version is None else version.valid_from, "billed": valid_from}
        case VersionLate(valid_from, used_from):
            return {"expected": valid_from, "billed": used_from}
        case IndexFrom(effective_from, used_from):
            return {"expected": effective_from, "billed": used_from, "factor": factors.get(effective_from)}
        case OtherFactor(effective_from, factor):
            return {"expected": factors.get(effective_from), "billed": factor}
        case NoIndex(effective_from) if effective_from is not None:
            return {"expected": factors.get(effective_from), "billed": None}
        case OtherPayer(per) if isinstance(charge, FixedCharge):
            return {"expected": charge.per, "billed": per}
        case OtherLimit(limit=limit):
            return {"limit": limit}
        case AllInTier(tier):
            return {"billed_tier": tier}
        case Counted(entries):
            return {"difference": sum(entry.quantity for entry in entries)}
        case NoRampAt(trust, algorithm):
            return {"trust": trust, "algorithm": algorithm}
    return {}
