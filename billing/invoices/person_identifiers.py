"""Person identifiers in a vendor's document: told as a finding, and masked in everything that is made of the document.

A document is masked right after it was read, so nothing downstream (rows, pages, exports, letters) ever holds the digits.
The original keeps them, byte for byte. Account numbers and payment references are left alone: they are eleven digits too,
with a check digit of the same kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from billing.ehf.document import Attachment, Document, Identifier, ItemProperty, Line
from billing.ehf.rules import Finding
from contracts.terms.national_numbers import holds_national_number, without_national_numbers

RULE = "PERSON_ID"


def person_findings(document: Document) -> tuple[Finding, ...]:
    """Tell each place that holds an identity number, never the number itself."""
    findings = [
        Finding(RULE, "warning", f"line {masked_text(line.id)}: it holds a person's identity number", line.line or None)
        for line in document.lines
        if any(holds_national_number(text) for text in _texts(line))
    ]
    beside = (*document.notes, *(text for each in document.attachments for text in (each.id, each.description) if text))
    if any(holds_national_number(text) for text in beside):
        findings.append(Finding(RULE, "warning", "a note or an attachment's name holds a person's identity number"))
    return tuple(findings)


def masked(document: Document) -> Document:
    """Give the document with identity numbers masked in its lines, notes and the names of its attachments."""
    return replace(
        document,
        lines=tuple(_line(line) for line in document.lines),
        notes=tuple(without_national_numbers(note) for note in document.notes),
        attachments=tuple(_attachment(each) for each in document.attachments),
        faults=tuple(replace(fault, text=without_national_numbers(fault.text)) for fault in document.faults),
    )


def masked_finding(finding: Finding) -> Finding:
    """Give a finding whose sentence quotes no identity number."""
    return replace(finding, detail=without_national_numbers(finding.detail))


def masked_text(text: str | None) -> str | None:
    """Give a text, if there is one, with identity numbers masked."""
    return None if text is None else without_national_numbers(text)


def _texts(line: Line) -> Iterator[str]:
    said = (
        line.id,
        line.name,
        line.note,
        line.description,
        line.order_line,
        line.order,
        *(each.number for each in line.preceding),
        line.accounting_cost,
        line.seller_item,
        line.buyer_item,
        None if line.standard_item is None else line.standard_item.value,
        *(each.reason for each in line.allowances),
        *(text for each in line.properties for text in (each.name, each.value)),
    )
    yield from (text for text in said if text)


def _line(line: Line) -> Line:
    if not any(holds_national_number(text) for text in _texts(line)):
        return line
    standard = line.standard_item
    return replace(
        line,
        id=masked_text(line.id),
        name=masked_text(line.name),
        note=masked_text(line.note),
        description=masked_text(line.description),
        order_line=masked_text(line.order_line),
        order=masked_text(line.order),
        preceding=tuple(replace(each, number=without_national_numbers(each.number)) for each in line.preceding),
        accounting_cost=masked_text(line.accounting_cost),
        seller_item=masked_text(line.seller_item),
        buyer_item=masked_text(line.buyer_item),
        standard_item=None
        if standard is None
        else Identifier(without_national_numbers(standard.value), standard.scheme, standard.line),
        allowances=tuple(replace(each, reason=masked_text(each.reason)) for each in line.allowances),
        properties=tuple(
            ItemProperty(without_national_numbers(each.name), without_national_numbers(each.value))
            for each in line.properties
        ),
    )


def _attachment(each: Attachment) -> Attachment:
    return replace(
        each,
        id=masked_text(each.id),
        description=masked_text(each.description),
        filename=masked_text(each.filename),
        uri=masked_text(each.uri),
    )
