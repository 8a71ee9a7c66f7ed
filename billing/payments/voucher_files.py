"""Voucher files: accrual entries written for an accounting system, by a template that says which columns it wants.

Each entry is two rows, the expense and the liability, whose amounts sum to 0.00. A template names its columns, the mark
between them and the decimal mark; there is no accounting system it is made for.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from contracts.errors import Finding

FIELDS: Final = (
    "voucher", "date", "month", "kind", "trust", "trust_name", "organisation_number", "account", "cost_centre",
    "project", "vat_code", "amount", "debit", "credit", "text",
)  # fmt: skip
DELIMITERS: Final = (";", ",", "\t")
DECIMAL_MARKS: Final = (",", ".")
DATE_FORMS: Final = ("iso", "norwegian")
MOST_COLUMNS: Final = 40
LONGEST: Final = 60
FIXED: Final = "="


@dataclass(frozen=True, slots=True)
class TemplateColumn:
    """A column: its header and what stands in it, a field by its name or a fixed text written ``=TEXT``."""

    header: str
    value: str


@dataclass(frozen=True, slots=True)
class Template:
    """How a voucher file is written; ``header`` tells whether the headers stand in its first row."""

    columns: tuple[TemplateColumn, ...]
    delimiter: str = ";"
    decimal_mark: str = ","
    dates: str = "iso"
    header: bool = True

    def to_document(self) -> dict[str, Any]:
        """Give the template as plain JSON values."""
        return {
            "columns": [{"header": each.header, "value": each.value} for each in self.columns],
            "delimiter": self.delimiter,
            "decimal_mark": self.decimal_mark,
            "dates": self.dates,
            "header": self.header,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Template:
        """Read what `to_document` gave."""
        columns = tuple(TemplateColumn(each["header"], each["value"]) for each in document["columns"])
        return cls(
            columns, document["delimiter"], document["decimal_mark"], document["dates"], bool(document["header"])
        )


USUAL: Final = Template(
    tuple(
        TemplateColumn(name, name)
        for name in ("voucher", "date", "account", "cost_centre", "project", "vat_code", "amount", "text")
    )
)


@dataclass(frozen=True, slots=True)
class VoucherRow:
    """One row of a voucher; the amount is positive in debit, negative in credit."""

    voucher: int
    on: date
    month: str
    kind: Literal["accrual", "reversal"]
    trust: str
    trust_name: str
    organisation_number: str
    account: str
    cost_centre: str
    project: str | None
    vat_code: str | None
    amount: Decimal
    text: str


def template_findings(template: Template) -> list[Finding]:
    """Find what is wrong with a template, each at its place."""
    findings = []
    if not 0 < len(template.columns) <= MOST_COLUMNS:
        findings.append(Finding("#/columns", "too_many", f"1 to {MOST_COLUMNS} columns"))
    for i, column in enumerate(template.columns):
        if not column.value.startswith(FIXED) and column.value not in FIELDS:
            findings.append(Finding(f"#/columns/{i}/value", "unknown_field", f"'{column.value}' is no field"))
        if max(len(column.header), len(column.value)) > LONGEST or not (column.header + column.value).isprintable():
            findings.append(Finding(f"#/columns/{i}", "too_long", f"at most {LONGEST} printable characters"))
    if not any(column.value in ("amount", "debit", "credit") for column in template.columns):
        findings.append(Finding("#/columns", "no_amount", "a column for the amount is needed"))
    for name, value, choices in (
        ("delimiter", template.delimiter, DELIMITERS),
        ("decimal_mark", template.decimal_mark, DECIMAL_MARKS),
        ("dates", template.dates, DATE_FORMS),
    ):
        if value not in choices:
            findings.append(Finding(f"#/{name}", "invalid_choice", f"one of {', '.join(map(repr, choices))}"))
    if template.delimiter == template.decimal_mark:
        findings.append(Finding("#/delimiter", "same_mark", "columns and decimals are parted by different marks"))
    return findings


def write_voucher(rows: Iterable[VoucherRow], template: Template) -> bytes:
    """Write rows as CSV in UTF-8 with CRLF; the same rows and template give the same bytes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=template.delimiter, lineterminator="\r\n")
    if template.header:
        writer.writerow(column.header for column in template.columns)
    for row in rows:
        writer.writerow(_cell(row, column.value, template) for column in template.columns)
    return text.getvalue().encode()


def _cell(row: VoucherRow, value: str, template: Template) -> str:
    if value.startswith(FIXED):
        return value[len(FIXED) :]
    match value:
        case "date":
            return row.on.isoformat() if template.dates == "iso" else f"{row.on:%d.%m.%Y}"
        case "amount":
            return _amount(row.amount, template)
        case "debit":
            return _amount(row.amount, template) if row.amount > 0 else ""
        case "credit":
            return _amount(-row.amount, template) if row.amount < 0 else ""
        case _:
            found = getattr(row, value)
            return "" if found is None else str(found)


def _amount(amount: Decimal, template: Template) -> str:
    return format(amount, ".2f").replace(".", template.decimal_mark)
