"""The numbers of a changed fact: what the vendor took for what was agreed."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal

from billing.causes.changes import (
    AllInTier,
    Change,
    Counted,
    IndexFrom,
    NoIndex,
    NoLimit,
    NoRampAt,
    OtherBoundary,
    OtherFactor,
    OtherLimit,
    OtherLimitBasis,
    OtherModel,
    OtherPayer,
    OtherPhaseOrder,
    OtherProration,
    OtherRampStart,
    OtherRate,
    OtherScope,
    OtherVersion,
    OtherWindow,
    VersionLate,
)
from billing.causes.facts import Facts
from billing.causes.findings import Value
from contracts.terms.price_model import FixedCharge, OneOffCharge, UsageCharge
from contracts.terms.price_models import misread


def describe(change: Change, facts: Facts) -> dict[str, Value]:
    """Return what stands in the sentence of a changed fact: `change` names it, the rest fills the places of its template."""
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
            misreading = misread(usage.model)
            return {} if misreading is None else {"expected": usage.model.NAME, "billed": misreading.NAME}
        case OtherScope(scope) if usage is not None:
            return {"expected": usage.counter.scope, "billed": scope}
        case OtherWindow(window) if usage is not None:
            return {"expected": usage.counter.window, "billed": window}
        case OtherRate(phase, rate) if ramp is not None and phase is not None and phase <= len(ramp.phases):
            return {"expected": ramp.phases[phase - 1].discount, "billed": rate}
        case OtherRampStart() if ramp is not None:
            start = {"go_live": "next_month", "next_month": "go_live"}[ramp.starts]
            return {"start": start, "agreed_start": ramp.starts}
        case OtherPhaseOrder():
            return {"turned": "yes"}
        case OtherBoundary() if charge is not None:
            bound = charge.conventions.over(facts.book.conventions).boundary
            return {"bound": "exclusive" if bound == "inclusive" else "inclusive", "agreed_bound": bound}
        case OtherVersion(valid_from, _):
            return {"expected": _version_instead_of(valid_from, facts), "billed": valid_from}
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
        case OtherProration() if isinstance(charge, FixedCharge):
            other = "days" if charge.proration == "none" else "none"
            return {"proration": other, "agreed_proration": charge.proration}
        case NoLimit():
            return {"left_out": "yes"}
        case OtherLimit(limit=limit) if usage is not None and (agreed_limit := getattr(usage, limit)) is not None:
            levels = ("unindexed", "indexed") if agreed_limit.indexed else ("indexed", "unindexed")
            return {
                "agreed_per": agreed_limit.per,
                "agreed_window": agreed_limit.window,
                "level": levels[0] if change.other_index else None,
                "agreed_level": levels[1],
            }
        case OtherLimitBasis() if charge is not None:
            agreed_basis = charge.conventions.over(facts.book.conventions).minimum_applies
            basis = "before_discount" if agreed_basis == "after_discount" else "after_discount"
            return {"basis": basis, "agreed_basis": agreed_basis}
        case AllInTier(tier):
            return {"billed_tier": tier}
        case Counted(entries):
            return {"difference": sum(entry.quantity for entry in entries)}
        case NoRampAt(trust, algorithm):
            return {"trust": trust, "algorithm": algorithm}
    return {}


def _version_instead_of(valid_from: date, facts: Facts) -> date | None:
    """Return the first day of the version that should have been used: the one in force, or the next one of the period."""
    in_force = facts.book.version_on(facts.period.start)
    if in_force is not None and in_force.valid_from != valid_from:
        return in_force.valid_from
    return min((v.valid_from for v in facts.book.versions if facts.period.contains(v.valid_from)), default=None)
