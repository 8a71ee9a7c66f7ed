"""The lines and the findings of a reconciliation as files, for pages and API alike; amounts as plain numbers with a point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Response

from billing.causes.sentences import said
from billing.reconciliation.lines import lines_of
from billing.reconciliation.report import Report
from billing.web.query import read_query
from billing.web.reconciliation.quarter import RUN, read_report
from contracts.terms.money import format_unit_price
from contracts.terms.table import Cell, Table, columns
from contracts.web.exports import table_answer
from contracts.web.guard import requires

blueprint = Blueprint("reconciliation_files", __name__)

LINES: Final = (
    columns("text", "id", "kind", "document", "document_kind", "invoice_lines", "trust", "algorithm")
    | columns("day", "from", "to")
    | columns("number", "billed_quantity", "own_quantity")
    | columns("text", "billed_prices", "own_prices")
    | columns("number", "invoiced", "expected", "difference")
    | columns("text", "codes", "treatment", "stage", "confidence")
)
FINDINGS: Final = (
    columns("text", "id", "code")
    | columns("number", "amount", "tax_amount")
    | columns("text", "document", "invoice_lines", "expected_lines", "trust", "algorithm", "period", "clause")
    | columns("text", "sentence_nb", "sentence_en", "treatment", "by", "comment", "dispute")
)


@blueprint.get("/avstemming/<quarter>/linjer.<table:suffix>")
@requires("read")
def lines(quarter: str, suffix: str) -> Response:
    """Give every line of a quarter's reconciliation."""
    return lines_file(read_report(read_query(RUN), quarter), suffix)


@blueprint.get("/avstemming/<quarter>/funn.<table:suffix>")
@requires("read")
def findings(quarter: str, suffix: str) -> Response:
    """Give every finding of a quarter's reconciliation."""
    return findings_file(read_report(read_query(RUN), quarter), suffix)


def lines_file(report: Report, suffix: str) -> Response:
    """Write the lines of a reconciliation; their differences sum to that of the quarter."""
    return table_answer(suffix, f"avstemming-{report.quarter.label()}-linjer", Table(LINES, _lines(report)))


def findings_file(report: Report, suffix: str) -> Response:
    """Write the findings of a reconciliation; their amounts sum to its difference."""
    return table_answer(suffix, f"avstemming-{report.quarter.label()}-funn", Table(FINDINGS, _findings(report)))


def _lines(report: Report) -> Iterator[list[Cell]]:
    for row in lines_of(report):
        period = row.period
        yield [
            row.key,
            row.kind,
            row.number,
            row.document_kind,
            " ".join(line.id for line in row.billed),
            " ".join(each or "" for each in row.trusts),
            " ".join(each or "" for each in row.algorithms),
            None if period is None else period.start,
            None if period is None else period.end,
            row.billed_quantity,
            row.own_quantity,
            " ".join(format_unit_price(price) for price in row.billed_prices),
            " ".join(format_unit_price(price) for price in row.own_prices),
            row.invoiced,
            row.expected,
            row.difference,
            " ".join(row.codes),
            " ".join(dict.fromkeys(each.treatment.state for each in row.found)),
            row.stage,
            None if row.confidence is None else str(row.confidence),
        ]


def _findings(report: Report) -> Iterator[list[Cell]]:
    for each in report.found:
        finding, treatment = each.finding, each.treatment
        yield [
            each.key,
            finding.code,
            finding.amount,
            finding.tax_amount,
            each.number,
            " ".join(finding.invoice_lines),
            " ".join(finding.expected_lines),
            finding.trust,
            finding.algorithm,
            finding.period,
            finding.clause,
            said(finding, "nb"),
            said(finding, "en"),
            treatment.state,
            treatment.by,
            treatment.comment,
            treatment.dispute,
        ]
