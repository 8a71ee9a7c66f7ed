"""CSV as programs read it: comma, point; the mark before it tells spreadsheets that it is UTF-8."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Final

from contracts.terms.table import csv_bytes
from contracts.web.exports.declared import Format
from contracts.web.i18n import N_

FORMAT: Final = Format("csv", "text/csv; charset=utf-8", N_("CSV"), 1, lambda table: BOM_UTF8 + csv_bytes(table))
