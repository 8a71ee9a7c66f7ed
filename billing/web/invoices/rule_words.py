"""What a broken rule means, in one sentence in the reader's language; the official id stands beside it.

The published rules bring their own sentences. The check's own words (English, with the numbers) are shown beneath.
"""

from __future__ import annotations

from typing import Final

from flask_babel import get_locale, gettext

from billing.ehf.rules import RULES
from contracts.web.i18n import N_

OWN: Final[dict[str, str]] = {
    "XSD": N_("The document is not built as UBL 2.1 wants it."),
    "TOO_LARGE": N_("An amount or a count is larger than anybody bills."),
    "INVOICE_DUP": N_("Another document of this seller has the same number."),
    "ACCOUNT_CHANGED": N_("The bank account is another one than known. Do not pay before it is checked."),
    "PERSON_ID": N_(
        "There is a person's identity number in the document. It is masked everywhere but in the original."
    ),
}
"""What is found beside the published rules."""


def sentences() -> dict[str, str]:
    """Give each rule's sentence in the reader's language, by its identifier."""
    norwegian = get_locale().language != "en"
    return {
        **{rule.id: rule.nb if norwegian else rule.en for rule in RULES},
        **{rule: gettext(sentence) for rule, sentence in OWN.items()},
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

RESPONSES: Final = {
    "AB": (N_("Received"), "neutral"),
    "IP": (N_("Being checked"), "info"),
    "UQ": (N_("Information is wanted"), "warning"),
    "CA": (N_("Accepted but for what is disputed"), "warning"),
    "RE": (N_("Rejected"), "danger"),
    "AP": (N_("Accepted"), "success"),
    "PD": (N_("Paid"), "success"),
}
"""The statuses of a Peppol Invoice Response."""
