"""Payments, accruals, allocation and cost centres in words: labels, and what was wrong in a form or a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flask_babel import gettext as _

from billing.rating.sharing import Key
from contracts.errors import Finding
from contracts.terms.agreement import Payer
from contracts.web.i18n import N_

PAYERS: Final[dict[Payer, str]] = {
    "buyer_recharges": N_("The buyer pays and recharges the trusts"),
    "each_trust": N_("Each trust pays itself"),
}
KEYS: Final[dict[Key, str]] = {
    "own": N_("Stands on the trust"),
    "reference": N_("By the expected charges of the period"),
    "charge": N_("By what the trusts pay of the same charge"),
    "period": N_("By what the trusts pay in the same period"),
    "all": N_("By what the trusts pay in all"),
    "equal": N_("Equally"),
}
KINDS: Final = {"accrual": N_("Accrual"), "reversal": N_("Reversal")}
FIELDS: Final = {
    "voucher": N_("The voucher's number"),
    "date": N_("The last day of the month"),
    "month": N_("The month the amount is of"),
    "kind": N_("accrual or reversal"),
    "trust": N_("The trust's code"),
    "trust_name": N_("The trust's name"),
    "organisation_number": N_("The trust's organisation number"),
    "account": N_("The account"),
    "cost_centre": N_("The cost centre"),
    "project": N_("The project"),
    "vat_code": N_("The VAT code"),
    "amount": N_("The amount: debit positive, credit negative"),
    "debit": N_("The amount where it is debit"),
    "credit": N_("The amount where it is credit"),
    "text": N_("A text with the month and the trust"),
}
MISTAKES: Final = {
    "unknown_trust": N_("Choose a trust."),
    "unknown_algorithm": N_("There is no such algorithm in the agreement."),
    "blank": N_("Fill it in, without blanks before and after."),
    "too_long": N_("The text is too long, or holds signs that cannot be printed."),
    "entry_exists": N_("There is an entry of that day already: correct that one."),
    "outside": N_("The day lies outside the agreement."),
    "not_a_date": N_("Enter the day as a date, such as 2026-12-31 or 31.12.2026."),
    "not_an_amount": N_("Enter an amount with at most two decimals, not 0."),
    "out_of_range": N_("The value is out of range."),
    "too_many_decimals": N_("There are too many decimals."),
    "in_future": N_("The day is after today."),
    "missing": N_("Fill it in."),
    "no_invoice": N_("Choose an invoice."),
    "duplicate_payment": N_("The same payment is registered already."),
    "no_file": N_("Choose a file."),
    "unknown_header": N_("The header is neither invoice,date,amount,reference nor fakturanummer;dato;beløp;referanse."),
    "wrong_width": N_("The row does not have four cells."),
    "unknown_invoice": N_("No invoice with this number is recorded."),
    "ambiguous_invoice": N_("Several documents have this number. Register the payment by hand on one of them."),
    "not_utf8": N_("The file is not UTF-8 text."),
    "not_text": N_("The file is not text."),
    "not_csv": N_("The row is not CSV."),
    "empty": N_("The file holds no payment."),
    "too_large": N_("The file is too large."),
    "too_many": N_("There are too many rows or columns, or none."),
    "unknown_field": N_("There is no such field."),
    "no_amount": N_("A column for the amount is needed."),
    "invalid_choice": N_("Choose one of those offered."),
    "same_mark": N_("Columns and decimals must be parted by different marks."),
    "no_value": N_("Each row is a header, an equals sign and a field."),
}


def mistakes(findings: Iterable[Finding], fields: dict[str, str] | None = None) -> list[tuple[str | None, str]]:
    """Say what was wrong, each once at its field; ``fields`` leads from a pointer's first part to another field."""
    told: dict[tuple[str | None, str], None] = {}
    for finding in findings:
        _hash, *way = finding.pointer.split("/")
        text = _(MISTAKES[finding.code]) if finding.code in MISTAKES else finding.detail
        if way[:1] == ["line"]:
            where = {"line": way[1], "column": way[2] if len(way) > 2 else "", "text": text}
            text = (
                _("Line %(line)s, column %(column)s: %(text)s", **where)
                if len(way) > 2
                else _("Line %(line)s: %(text)s", **where)
            )
        name = way[0] if way else ""
        told[(fields or {}).get(name, name) or None, text] = None
    return list(told)
