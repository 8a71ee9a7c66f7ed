"""Coverage, corrections and quarters in words: labels, tones and what was wrong in a form."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _

from billing.quarters.closing import State
from billing.quarters.coverage import CoverageCell, Status
from billing.quarters.later import Cause
from billing.web import words
from contracts.errors import Finding
from contracts.web.i18n import N_

# The last text is that of a cell of the matrix: a letter and a word, which must not speak by their colour alone.
STATUSES: dict[Status, tuple[str, str, str]] = {
    "missing": (N_("Missing"), "danger", N_("M · Missing")),
    "partial": (N_("Partial"), "warning", N_("P · Partial")),
    "corrected_after_close": (N_("Changed after close"), "info", N_("C · Changed after close")),
    "complete": (N_("Complete"), "success", N_("F · Full")),
    "not_due": (N_("Not due yet"), "neutral", N_("N · Not due yet")),
    "not_live": (N_("Not live"), "neutral", N_("– · Not live")),
}
CAUSES: dict[Cause, str] = {
    "late_usage": N_("Late usage"),
    "correction": N_("Corrections"),
    "price": N_("Prices and index"),
    "activation": N_("Activations and term"),
}
STATES: dict[State, tuple[str, str]] = {
    "not_over": (N_("Running"), "neutral"),
    "open": (N_("Open"), "warning"),
    "closed": (N_("Closed"), "success"),
    "reopened": (N_("Opened again"), "warning"),
}
REASONS = {
    "counted_twice": N_("Counted twice"),
    "not_counted": N_("Not counted"),
    "wrong_trust": N_("Counted at the wrong trust"),
    "wrong_algorithm": N_("Counted for the wrong algorithm"),
    "wrong_day": N_("Counted on the wrong day"),
    "validation_run": N_("Validation run"),
    "not_billable": N_("Not billable otherwise"),
    "other": N_("Another reason"),
    "opening": N_("Opening entry"),
}
SOURCES = {
    "daily": N_("daily counts"),
    "monthly": N_("monthly counts"),
    "events": N_("single events"),
    "correction": N_("correction"),
    "reversal": N_("reversal"),
    "opening": N_("opening entry"),
}
EVENT_STATUSES = {
    "completed": N_("completed"),
    "failed": N_("failed"),
    "repeated": N_("repeated"),
    "validation": N_("validation"),
}
NOT_BILLABLE = {
    "failed": N_("Failed runs"),
    "repeated": N_("Repeated runs"),
    "validation": N_("Validation runs"),
    "repeat_of_examination": N_("Repeats of an examination that counts already"),
}
MISTAKES = {
    "no_change": N_("Enter how many examinations to add, or with a minus to take off."),
    "not_whole": N_("Enter a whole number, such as −3 or 12."),
    "out_of_range": N_("The number is larger than a day can have."),
    "below_zero": N_("The day has fewer examinations than that; no day is below zero."),
    "not_active": N_("The algorithm is not active at the trust on that day."),
    "unknown_reason": N_("Choose why the count is corrected."),
    "no_reason": N_("Say in a sentence why."),
    "too_long": N_("At most 200 characters."),
    "not_a_date": N_("Enter the day as a date."),
    "no_title": N_("Say what the evidence is called."),
    "no_file": N_("Choose the file that shows it."),
    "empty": N_("The file is empty."),
    "too_large": N_("The file is larger than 25 MB."),
    "unknown_kind": N_("Such files are not kept. Use PDF, text, CSV, XML, an image, Word, Excel or OpenDocument."),
    "no_cell": N_("Choose an algorithm that is active at the trust."),
}


def mistakes(findings: Iterable[Finding], fields: dict[str, str]) -> list[tuple[str | None, str]]:
    """Say what was wrong in a form, each at its field; ``fields`` leads from pointers to field names."""
    told = []
    for finding in findings:
        code = {("#/reason", "missing"): "no_reason", ("#/title", "missing"): "no_title"}.get(
            (finding.pointer, finding.code), finding.code
        )
        told.append((fields.get(finding.pointer), _(MISTAKES[code]) if code in MISTAKES else finding.detail))
    return told


def cell_words(cell: CoverageCell, names: words.Names) -> str:
    """Name a cell: algorithm and month."""
    return _(
        "%(what)s, %(when)s",
        what=names.product(cell.algorithm),
        when=words.period_text(cell.month.start, cell.month.end),
    )
