"""CSV as Excel in Norwegian opens it, each column for itself: semicolon, decimal comma."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Final

from contracts.terms.table import Table, csv_bytes
from contracts.web.exports.declared import Format
from contracts.web.i18n import N_


def norwegian_csv(table: Table) -> bytes:
    """Write a table in UTF-8 with the mark by which Excel knows it; days stay ISO, which Excel reads as days."""
    return BOM_UTF8 + csv_bytes(table, delimiter=";", decimal_mark=",")


FORMAT: Final = Format("nb.csv", "text/csv; charset=utf-8", N_("CSV (Norwegian)"), 3, norwegian_csv)
