"""Credits that were agreed, held against the lines that take something off."""

from __future__ import annotations

from decimal import Decimal

from billing.causes.billed import ZERO, BilledLine
from billing.causes.findings import Finding, GroupExplanation
from billing.causes.situation import AgreedCredit


def may_be(line: BilledLine, credit: AgreedCredit) -> bool:
    return line.trust in (None, credit.trust) or credit.trust is None


def names_credit(line: BilledLine, credit: AgreedCredit) -> bool:
    """Tell whether a line takes off an agreed credit: it names it, or takes off its amount at its trust."""
    if line.reference == credit.id or credit.id.casefold() in line.text.casefold().split():
        return True
    if credit.invoice is not None and line.reference == credit.invoice and line.net < 0:
        return True
    return line.net == -credit.amount and may_be(line, credit)


def credit_group(lines: list[BilledLine], due: Decimal, credits: list[AgreedCredit]) -> GroupExplanation:
    invoiced = sum((line.net for line in lines), ZERO)
    summed = [(line, line.net - line.own_net) for line in lines if line.own_net is not None]
    findings = [
        Finding(
            "ARITHMETIC",
            off,
            trust=line.trust,
            invoice_lines=(line.id,),
            params={"billed": line.net, "expected": line.own_net, "quantity": line.quantity, "price": line.unit_price},
        )
        for line, off in summed
        if off
    ]
    off = invoiced - due - sum((finding.amount for finding in findings), ZERO)
    if off:
        trusts = {credit.trust for credit in credits}
        findings.append(
            Finding(
                "CREDIT_WRONG" if lines else "CREDIT_PENDING",
                off,
                trust=trusts.pop() if len(trusts) == 1 else None,
                algorithm=credits[0].algorithm if len(credits) == 1 else None,
                invoice_lines=tuple(line.id for line in lines),
                params={"credit": ", ".join(credit.id for credit in credits), "agreed": -due, "billed": -invoiced},
            )
        )
    own = credits[0].id if len(credits) == 1 else None
    return GroupExplanation((), tuple(lines), (), invoiced, due, tuple(findings), own)
