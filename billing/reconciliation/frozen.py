"""A reconciliation frozen: all it was computed from and what came out, as one document with one hash.

The document is canonical JSON as a frozen quarter is (`frozen_quarter`), and points at that quarter's own document by its
hash. It holds no clock time, no person and no row number: the same knowledge gives the same bytes on every machine, so a new
run with the old hash says that nothing changed. What came out is kept beside what went in, so a run says the same years
later, whatever the search for causes has learnt since; `run_again` asks today's search.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from billing.causes import (
    AgreedCredit,
    AgreementFacts,
    Code,
    Explanation,
    Finding,
    GroupExplanation,
    SetApart,
    Situation,
    Tolerance,
    Value,
    explain_quarter,
)
from billing.causes.billed import ZERO, BilledDocument, BilledLine, TaxPart
from billing.causes.header import header_findings
from billing.causes.matching import MatchGroup
from billing.causes.naming import NO_NAMES, Names
from billing.invoices.billed import part_of, quarters_of
from billing.quarters.frozen import FrozenQuarter, canonical
from billing.rating.lines import Line
from contracts.terms.period import Period
from contracts.terms.price_book import Usage

FORMAT: Final = "trinnvis-reconciliation-1"
USUAL: Final = Tolerance()


@dataclass(frozen=True, slots=True)
class Disputed:
    """A finding that an agreed credit settles: its code, its place and its amount, positive is billed too much."""

    code: Code
    amount: Decimal
    trust: str | None
    algorithm: str | None
    period: str | None
    clause: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """A document that the quarter is reconciled with, whole as it was read, and what it is held against.

    ``earlier`` tells how many of the inputs' earlier documents came before it: only these can it repeat.
    """

    sha256: str
    document: BilledDocument
    facts: AgreementFacts
    credits: tuple[AgreedCredit, ...] = ()
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a reconciliation of a quarter is computed from; ``run`` is the closed quarter's, None while it is open.

    ``settles`` are the disputed findings by the id of the credit that was agreed for them; ``decided`` are the lines
    (document hash, line id) that a person has placed.
    """

    charges: FrozenQuarter
    run: int | None
    documents: tuple[Held, ...]
    earlier: tuple[BilledDocument, ...] = ()
    names: Names = NO_NAMES
    set_apart: tuple[SetApart, ...] = ()
    late: tuple[Usage, ...] = ()
    statement: tuple[Usage, ...] | None = None
    tolerance: Tolerance = USUAL
    tolerance_from: date | None = None
    settles: tuple[tuple[str, tuple[Disputed, ...]], ...] = ()
    decided: tuple[tuple[str, str], ...] = ()

    @property
    def quarter(self) -> Period:
        """Give the quarter's days, those outside the agreement included."""
        return Period.parse(self.charges.quarter)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A document's part in the quarter and why it differs from what was due."""

    sha256: str
    part: BilledDocument
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class FrozenReconciliation:
    """What a quarter's documents bill, held against what was due, and why they differ.

    Σ differences of the documents + Σ ``not_invoiced`` = ``difference``, always. A document in another currency is never
    subtracted and stands outside the sums.
    """

    inputs: Inputs
    documents: tuple[Reconciled, ...]
    not_invoiced: tuple[Finding, ...]

    @property
    def invoiced(self) -> Decimal:
        """Give what the documents bill in the quarter, credits taken off, excluding VAT."""
        return sum((each.explanation.invoiced for each in self.documents), ZERO)

    @property
    def expected(self) -> Decimal:
        """Give what was due, on the documents or not: invoiced less the difference."""
        return self.invoiced - self.difference

    @property
    def difference(self) -> Decimal:
        """Give what was billed beyond what was due; negative is billed too little."""
        return sum((finding.amount for finding in self.findings), ZERO)

    @property
    def unexplained(self) -> Decimal:
        """Give the part of the difference that no cause was found for."""
        return sum((finding.amount for finding in self.findings if finding.code == "UNEXPLAINED"), ZERO)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Give the findings of all documents in their order, then what was not invoiced."""
        return (*(finding for each in self.documents for finding in each.explanation.findings), *self.not_invoiced)

    @property
    def tax_amount(self) -> Decimal:
        """Give what is billed too much in VAT alone."""
        return sum((each.explanation.tax_amount for each in self.documents), ZERO)

    @property
    def comparable(self) -> bool:
        """Tell whether every document is in the agreement's currency."""
        return all(each.explanation.comparable for each in self.documents)

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing but rounding was found and nothing due is missing."""
        return all(finding.code == "ROUNDING" for finding in self.findings)

    @property
    def sha256(self) -> str:
        """Give the hash of the document, 64 hex digits."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Write the document."""
        return canonical(
            {"format": FORMAT, "inputs": _dump_inputs(self.inputs)}
            | {
                "documents": [{"sha256": each.sha256} | _dump_explanation(each.explanation) for each in self.documents],
                "not_invoiced": [dump_finding(finding) for finding in self.not_invoiced],
            }
        )

    @classmethod
    def from_bytes(cls, content: bytes, charges: FrozenQuarter) -> FrozenReconciliation:
        """Read a document back, with the frozen quarter that it points at."""
        written = json.loads(content)
        if written["format"] != FORMAT:
            raise ValueError(f"unknown form of a frozen reconciliation: {written['format']}")
        inputs = _load_inputs(written["inputs"], charges)
        expected = {line.id: line for line in charges.lines}
        held = {each.sha256: each for each in inputs.documents}
        documents = []
        for each in written["documents"]:
            part = _part(held[each["sha256"]].document, inputs.quarter)
            documents.append(Reconciled(each["sha256"], part, _load_explanation(each, part, expected)))
        return cls(inputs, tuple(documents), tuple(load_finding(each) for each in written["not_invoiced"]))

    def run_again(self) -> FrozenReconciliation:
        """Compute it once more from what it was computed from."""
        return _reconcile(self.inputs)


_KEPT: Final = 16
_reconciled: OrderedDict[str, FrozenReconciliation] = OrderedDict()


def reconcile(inputs: Inputs) -> FrozenReconciliation:
    """Hold a quarter's documents, in their order, against what was due, and split every difference into causes.

    The answer follows from the inputs alone, so the last few are kept by the inputs' hash: a page and the act after it ask for
    the same one.
    """
    digest = hashlib.sha256(canonical(_dump_inputs(inputs))).hexdigest()
    found = _reconciled.get(digest)
    if found is None:
        found = _reconciled[digest] = _reconcile(inputs)
        while len(_reconciled) > _KEPT:
            _reconciled.popitem(last=False)
    return found


def _reconcile(inputs: Inputs) -> FrozenReconciliation:
    parts = [_part(held.document, inputs.quarter) for held in inputs.documents]
    request = inputs.charges.request
    situations = [
        Situation(
            document=part,
            period=request.period,
            agreement=request.agreement,
            price_book=request.price_book,
            activations=request.activations,
            usage=request.usage,
            expected=inputs.charges.lines,
            names=inputs.names,
            set_apart=inputs.set_apart,
            late=inputs.late,
            statement=inputs.statement,
            earlier=inputs.earlier[: held.earlier],
            credits=held.credits,
            tolerance=inputs.tolerance,
            facts=held.facts,
        )
        for held, part in zip(inputs.documents, parts, strict=True)
    ]
    explanations, missing = explain_quarter(situations)
    if not any(_was_matched(each, part) for each, part in zip(explanations, parts, strict=True)):
        missing = _all_missing(inputs.charges.lines)
    settles = dict(inputs.settles)
    documents = tuple(
        Reconciled(held.sha256, part, _settled(_with_whole_header(explanation, held, situation, inputs), settles, part))
        for held, part, explanation, situation in zip(inputs.documents, parts, explanations, situations, strict=True)
    )
    return FrozenReconciliation(inputs, documents, missing)


def _part(document: BilledDocument, quarter: Period) -> BilledDocument:
    """Give what a document bills in a quarter; a credit note that names an invoice of the quarter belongs to it whole."""
    if document.kind == "credit_note" and document.credits:
        return document
    return part_of(document, quarter) or document


def _was_matched(explanation: Explanation, part: BilledDocument) -> bool:
    """Tell whether a document was held against what is due: an invoice that can be compared and repeats no other."""
    repeats = any(finding.code == "INVOICE_DUP" for finding in explanation.findings)
    return explanation.comparable and part.kind == "invoice" and not repeats


def _all_missing(lines: Iterable[Line]) -> tuple[Finding, ...]:
    """Tell of what is due where no invoice came at all: by line, so that it says for whom and when."""
    return tuple(
        Finding(
            "MISSING_LINE",
            -line.net,
            line.trust,
            line.algorithm,
            line.period.label(),
            expected_lines=(line.id,),
            clause=line.clause or None,
            params={"amount": line.net},
        )
        for line in lines
        if line.net
    )


def _with_whole_header(explanation: Explanation, held: Held, situation: Situation, inputs: Inputs) -> Explanation:
    """Judge the header of a document that spans quarters as a whole, once, with the first of them."""
    quarters = quarters_of(held.document)
    if len(quarters) < 2 or not explanation.comparable or situation.document is held.document:
        return explanation
    header = header_findings(replace(situation, document=held.document)) if inputs.quarter == quarters[0] else []
    return replace(explanation, header=tuple(header))


def _settled(
    explanation: Explanation, settles: Mapping[str, tuple[Disputed, ...]], document: BilledDocument
) -> Explanation:
    """Put what a credit note takes off under the causes that it was agreed for, so that cause and credit cancel out."""
    if document.kind != "credit_note" or not any(group.credit in settles for group in explanation.groups):
        return explanation
    groups = tuple(
        group if group.credit is None or group.credit not in settles else _credited(group, settles[group.credit])
        for group in explanation.groups
    )
    return replace(
        explanation,
        expected=sum((group.expected_amount for group in groups), ZERO),
        groups=groups,
    )


def _credited(group: GroupExplanation, disputed: tuple[Disputed, ...]) -> GroupExplanation:
    if not group.billed:
        return replace(group, expected_amount=ZERO, findings=())
    left = -group.expected_amount
    findings = []
    for number, each in enumerate(disputed):
        amount = left if number == len(disputed) - 1 else min(max(each.amount, ZERO), left)
        if amount:
            findings.append(
                Finding(
                    each.code,
                    -amount,
                    each.trust,
                    each.algorithm,
                    each.period,
                    invoice_lines=tuple(line.id for line in group.billed),
                    clause=each.clause,
                    params={"credit": group.credit, "amount": amount},
                )
            )
        left -= amount
    return replace(group, expected_amount=ZERO, findings=(*findings, *group.findings))


# -- as JSON ---------------------------------------------------------------------


def _dump_inputs(inputs: Inputs) -> dict[str, Any]:
    return {
        "charges": inputs.charges.sha256,
        "quarter": inputs.charges.quarter,
        "run": inputs.run,
        "documents": [
            {
                "sha256": each.sha256,
                "read": _dump_document(each.document),
                "facts": _dump_facts(each.facts),
                "credits": [_dump_fields(credit, _CREDIT) for credit in each.credits],
                "earlier": each.earlier,
            }
            for each in inputs.documents
        ],
        "earlier": [_dump_document(each) for each in inputs.earlier],
        "names": {
            kind: [[name, code] for name, code in getattr(inputs.names, kind)]
            for kind in ("trusts", "algorithms", "charges")
        },
        "set_apart": [
            [each.trust, each.algorithm, each.on.isoformat(), each.quantity, each.reason] for each in inputs.set_apart
        ],
        "late": [_dump_usage(each) for each in inputs.late],
        "statement": None if inputs.statement is None else [_dump_usage(each) for each in inputs.statement],
        "tolerance": {
            "valid_from": _dump(inputs.tolerance_from),
            "line": format(inputs.tolerance.line, "f"),
            "invoice": format(inputs.tolerance.invoice, "f"),
            "tax": format(inputs.tolerance.tax, "f"),
        },
        "settles": [[credit, [_dump_fields(each, _DISPUTED) for each in listed]] for credit, listed in inputs.settles],
        "decided": [list(each) for each in inputs.decided],
    }


def _load_inputs(written: dict[str, Any], charges: FrozenQuarter) -> Inputs:
    tolerance = written["tolerance"]
    return Inputs(
        charges=charges,
        run=written["run"],
        documents=tuple(
            Held(
                each["sha256"],
                _load_document(each["read"]),
                _load_facts(each["facts"]),
                tuple(AgreedCredit(**_load_fields(credit)) for credit in each["credits"]),
                each["earlier"],
            )
            for each in written["documents"]
        ),
        earlier=tuple(_load_document(each) for each in written["earlier"]),
        names=Names(**{kind: tuple((name, code) for name, code in pairs) for kind, pairs in written["names"].items()}),
        set_apart=tuple(
            SetApart(trust, algorithm, date.fromisoformat(on), quantity, reason)
            for trust, algorithm, on, quantity, reason in written["set_apart"]
        ),
        late=tuple(_load_usage(each) for each in written["late"]),
        statement=None if written["statement"] is None else tuple(_load_usage(each) for each in written["statement"]),
        tolerance=Tolerance(Decimal(tolerance["line"]), Decimal(tolerance["invoice"]), Decimal(tolerance["tax"])),
        tolerance_from=_load(tolerance["valid_from"]),
        settles=tuple(
            (credit, tuple(Disputed(**_load_fields(each)) for each in listed)) for credit, listed in written["settles"]
        ),
        decided=tuple((sha256, line) for sha256, line in written["decided"]),
    )


_CREDIT = ("id", "amount", "trust", "algorithm", "invoice", "on_next_invoice")
_DISPUTED = ("code", "amount", "trust", "algorithm", "period", "clause")
_LINE = (
    "id", "net", "quantity", "price", "base_quantity", "allowance", "text", "item", "trust", "algorithm", "charge",
    "period", "tier", "phase", "why", "reference",
)  # fmt: skip
_DOCUMENT = (
    "number", "kind", "currency", "issued_on", "due_on", "period", "seller", "buyer", "buyer_reference",
    "order_reference", "contract_reference", "accounts", "credits", "line_sum", "tax_exclusive", "allowances", "tax",
    "rules",
)  # fmt: skip
_FACTS = (
    "buyers", "buyer_references", "order_references", "contract_references", "currency", "payment_days", "accounts",
    "vat_rate", "maximum_value", "accepted",
)  # fmt: skip


def _dump_document(document: BilledDocument) -> dict[str, Any]:
    return _dump_fields(document, _DOCUMENT) | {
        "lines": [_dump_fields(line, _LINE) for line in document.lines],
        "tax_parts": [
            [format(part.taxable, "f"), format(part.amount, "f"), format(part.rate, "f")] for part in document.tax_parts
        ],
    }


def _load_document(written: dict[str, Any]) -> BilledDocument:
    fields = {name: value for name, value in written.items() if name not in ("lines", "tax_parts")}
    return BilledDocument(
        lines=tuple(BilledLine(**_load_fields(line)) for line in written["lines"]),
        tax_parts=tuple(
            TaxPart(Decimal(taxable), Decimal(amount), Decimal(rate)) for taxable, amount, rate in written["tax_parts"]
        ),
        **_load_fields(fields),
    )


def _dump_facts(facts: AgreementFacts) -> dict[str, Any]:
    # What was frozen before sellers were compared says nothing of them, and keeps its bytes.
    sellers = {"sellers": list(facts.sellers)} if facts.sellers else {}
    return _dump_fields(facts, _FACTS) | sellers


def _load_facts(written: dict[str, Any]) -> AgreementFacts:
    return AgreementFacts(**_load_fields(written))


def _dump_fields(value: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: _dump(getattr(value, name)) for name in names}


def _load_fields(written: dict[str, Any]) -> dict[str, Any]:
    return {name: _load(value) for name, value in written.items()}


def _dump(value: Value | bool) -> Any:
    """Write a value so that it is read back as what it was: a decimal is no text, a day no text either."""
    if isinstance(value, Decimal):
        return {"decimal": format(value, "f")}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Period):
        return {"from": value.start.isoformat(), "to": value.end.isoformat()}
    if isinstance(value, tuple):
        return list(value)
    return value


def _load(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, dict):
        return value
    if "decimal" in value:
        return Decimal(value["decimal"])
    if "date" in value:
        return date.fromisoformat(value["date"])
    return Period(date.fromisoformat(value["from"]), date.fromisoformat(value["to"]))


def _dump_usage(usage: Usage) -> list[Any]:
    return [usage.trust, usage.algorithm, usage.on.isoformat(), usage.quantity]


def _load_usage(written: list[Any]) -> Usage:
    trust, algorithm, on, quantity = written
    return Usage(trust, algorithm, date.fromisoformat(on), quantity)


_FINDING = ("code", "amount", "trust", "algorithm", "period", "invoice_lines", "expected_lines", "clause", "tax_amount")


def dump_finding(finding: Finding) -> dict[str, Any]:
    """Write a finding so that nothing of it is lost."""
    return _dump_fields(finding, _FINDING) | {
        "params": {name: _dump(value) for name, value in sorted(finding.params.items())}
    }


def load_finding(written: dict[str, Any]) -> Finding:
    """Read what `dump_finding` wrote."""
    fields = {name: value for name, value in written.items() if name != "params"}
    return Finding(**_load_fields(fields), params=_load_fields(written["params"]))


def _dump_explanation(explanation: Explanation) -> dict[str, Any]:
    return {
        "invoiced": format(explanation.invoiced, "f"),
        "expected": format(explanation.expected, "f"),
        "comparable": explanation.comparable,
        "header": [dump_finding(finding) for finding in explanation.header],
        "not_invoiced": [dump_finding(finding) for finding in explanation.not_invoiced],
        "groups": [
            {
                "billed": [line.id for line in group.billed],
                "expected": [line.id for line in group.expected],
                "invoiced_amount": format(group.invoiced_amount, "f"),
                "expected_amount": format(group.expected_amount, "f"),
                "credit": group.credit,
                "findings": [dump_finding(finding) for finding in group.findings],
                "matches": [
                    {
                        "billed": [line.id for line in match.billed],
                        "expected": [line.id for line in match.expected],
                        "stage": match.stage,
                        "reason": list(match.reason),
                        "confidence": str(match.confidence),
                        "duplicates": list(match.duplicates),
                    }
                    for match in group.matches
                ],
            }
            for group in explanation.groups
        ],
    }


def _load_explanation(written: dict[str, Any], part: BilledDocument, expected: Mapping[str, Line]) -> Explanation:
    billed = {line.id: line for line in part.lines}

    def lines(ids: Iterable[str]) -> tuple[BilledLine, ...]:
        return tuple(billed[each] for each in ids)

    def due(ids: Iterable[str]) -> tuple[Line, ...]:
        return tuple(expected[each] for each in ids)

    return Explanation(
        invoiced=Decimal(written["invoiced"]),
        expected=Decimal(written["expected"]),
        groups=tuple(
            GroupExplanation(
                matches=tuple(
                    MatchGroup(
                        lines(match["billed"]),
                        due(match["expected"]),
                        match["stage"],
                        tuple(match["reason"]),
                        float(match["confidence"]),
                        tuple(match["duplicates"]),
                    )
                    for match in group["matches"]
                ),
                billed=lines(group["billed"]),
                expected=due(group["expected"]),
                invoiced_amount=Decimal(group["invoiced_amount"]),
                expected_amount=Decimal(group["expected_amount"]),
                findings=tuple(load_finding(finding) for finding in group["findings"]),
                credit=group["credit"],
            )
            for group in written["groups"]
        ),
        header=tuple(load_finding(finding) for finding in written["header"]),
        not_invoiced=tuple(load_finding(finding) for finding in written["not_invoiced"]),
        comparable=written["comparable"],
    )
