"""What a broken rule means, in one sentence in the reader's language; the official id stands beside it.

The check's own sentence (English, with the numbers) is shown beneath it.
"""

from __future__ import annotations

from typing import Final

from contracts.web.i18n import N_

RULES: Final[dict[str, str]] = {
    "XSD": N_("The document is not built as UBL 2.1 wants it."),
    "TOO_LARGE": N_("An amount or a count is larger than anybody bills."),
    "BR-02": N_("The invoice number is missing."),
    "BR-04": N_("The type code is missing."),
    "BR-05": N_("The currency is missing."),
    "BR-06": N_("The seller's registered name is missing."),
    "BR-07": N_("The buyer's registered name is missing."),
    "BR-08": N_("The seller's address is missing."),
    "BR-09": N_("The seller's country is missing."),
    "BR-10": N_("The buyer's address is missing."),
    "BR-11": N_("The buyer's country is missing."),
    "BR-16": N_("The document has no lines."),
    "BR-21": N_("A line has no number."),
    "BR-22": N_("A line has no quantity."),
    "BR-23": N_("A line has no unit."),
    "BR-25": N_("A line does not say what it is for."),
    "BR-26": N_("A line has no price."),
    "BR-27": N_("A price is negative."),
    "BR-28": N_("A gross price is negative."),
    "BR-CO-04": N_("A line has no VAT category."),
    "BR-CO-10": N_("The sum of the lines does not add up."),
    "BR-CO-11": N_("The sum of the allowances does not add up."),
    "BR-CO-12": N_("The sum of the charges does not add up."),
    "BR-CO-13": N_("The total excluding VAT does not add up."),
    "BR-CO-14": N_("The VAT in all is not the sum of the VAT per rate."),
    "BR-CO-15": N_("The total including VAT does not add up."),
    "BR-CO-16": N_("The amount to pay does not add up."),
    "BR-CO-17": N_("The VAT is not the rate of what it is for."),
    "BR-CO-25": N_("Neither a due date nor payment terms are given."),
    "BR-S-08": N_("What the VAT is computed of is not the sum of the lines at that rate."),
    "PEPPOL-EN16931-R001": N_("The document does not name the business process it belongs to."),
    "PEPPOL-EN16931-R003": N_("Neither a buyer reference nor an order number is given."),
    "PEPPOL-EN16931-R010": N_("The buyer's electronic address is missing."),
    "PEPPOL-EN16931-R020": N_("The seller's electronic address is missing."),
    "PEPPOL-EN16931-R040": N_("An allowance is not the percentage of its basis."),
    "PEPPOL-EN16931-R041": N_("An allowance has a percentage without a basis."),
    "PEPPOL-EN16931-R042": N_("An allowance has a basis without a percentage."),
    "PEPPOL-EN16931-R043": N_("It is not said whether an amount is an allowance or a charge."),
    "PEPPOL-EN16931-R044": N_("A price has a charge on it, which is not allowed."),
    "PEPPOL-EN16931-R046": N_("A net price is not the gross price less its discount."),
    "PEPPOL-EN16931-R051": N_("The amounts are in several currencies."),
    "PEPPOL-EN16931-R053": N_("The VAT is broken down more or less than once."),
    "PEPPOL-EN16931-R054": N_("The VAT in the accounting currency is given wrongly."),
    "PEPPOL-EN16931-R055": N_("The VAT in the two currencies has different signs."),
    "PEPPOL-EN16931-R110": N_("A line begins before the document's period."),
    "PEPPOL-EN16931-R111": N_("A line ends after the document's period."),
    "PEPPOL-EN16931-R120": N_("A line's amount is not quantity times price less allowances."),
    "PEPPOL-EN16931-R121": N_("A price is for a number of units that is not above zero."),
    "PEPPOL-EN16931-R130": N_("A price is per another unit than the line's."),
    "PEPPOL-EN16931-P0100": N_("The type code is none of an invoice's."),
    "PEPPOL-EN16931-P0101": N_("The type code is none of a credit note's."),
    "PEPPOL-EN16931-F001": N_("A date is not written as it should be."),
    "PEPPOL-COMMON-R041": N_("An organisation number is wrong."),
    "NO-R-001": N_("The seller's VAT number is not NO, a right organisation number and MVA."),
    "NO-R-002": N_("The seller does not say that it is in the register of business enterprises (Foretaksregisteret)."),
    "INVOICE_DUP": N_("Another document of this seller has the same number."),
    "ACCOUNT_CHANGED": N_("The bank account is another one than known. Do not pay before it is checked."),
    "PERSON_ID": N_(
        "There is a person's identity number in the document. It is masked everywhere but in the original."
    ),
}

REFUSALS: Final[dict[str, str]] = {
    "too_large": N_("The file is larger than an EHF document may be."),
    "empty": N_("The file is empty."),
    "not_xml": N_("The file is not well-formed XML."),
    "truncated": N_("The document ends too early: it is not complete."),
    "doctype": N_("The document has a document type declaration (DOCTYPE), which we do not read."),
    "encoding": N_("The document's bytes do not fit the encoding it names."),
    "wrong_root": N_("The file is XML, but neither an EHF invoice nor a credit note."),
}

SEVERITIES: Final = {"fatal": (N_("Fatal"), "danger"), "warning": (N_("Warning"), "warning")}
