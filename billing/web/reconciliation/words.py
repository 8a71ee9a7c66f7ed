"""A reconciliation in words: states, tasks, causes, matches, disputes; and a finding's sentence with the reader's numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from flask_babel import gettext as _

from billing.causes import CAUSES, Action, Code, Finding, ResponseStatus
from billing.causes.in_words import in_words
from billing.causes.matching import Stage
from billing.figures.course import CourseState, Task, TaskStatus
from billing.reconciliation.dispute_terms import DisputeState, Hold, Step, Wanted
from billing.reconciliation.lines import ReconciledLine
from billing.reconciliation.tolerances import ToleranceState
from billing.reconciliation.treatment import Treatment, TreatmentState
from billing.web import words
from contracts.web import formatting
from contracts.web.i18n import N_, current_language

STATES: Final[dict[CourseState, tuple[str, str]]] = {
    "not_started": (N_("Not started"), "neutral"),
    "waiting_for_usage": (N_("Waiting for usage"), "warning"),
    "ready": (N_("Ready for invoice"), "info"),
    "in_progress": (N_("Being reconciled"), "info"),
    "with_vendor": (N_("With the vendor"), "warning"),
    "waiting_for_credit": (N_("Waiting for credit note"), "warning"),
    "ready_to_attest": (N_("Ready to attest"), "info"),
    "attested": (N_("Attested"), "success"),
    "approved": (N_("Approved for payment"), "success"),
    "settled": (N_("Settled"), "success"),
}
NEXT: Final[dict[CourseState, str]] = {
    "not_started": N_("The quarter is still running. It is reconciled after its last day."),
    "waiting_for_usage": N_(
        "The quarter is over. Counts that are due lack: they must come before its charges are closed."
    ),
    "ready": N_("The counts are in. Close the charges, upload the vendor's invoice and run the reconciliation."),
    "in_progress": N_("Decide about each difference: accept it, note it, or dispute it. Check the sample."),
    "with_vendor": N_("The vendor has been asked and has not agreed yet. Record the reply when it comes."),
    "waiting_for_credit": N_("The vendor has agreed to a credit. Upload the credit note and accept it."),
    "ready_to_attest": N_("Everything is decided. A finance controller attests the quarter."),
    "attested": N_("Somebody else than the attester approves it for payment."),
    "approved": N_("Approved for payment. It is settled when nothing is left to pay."),
    "settled": N_("Nothing is left to do."),
}
TASKS: Final[dict[Task, str]] = {
    "usage_complete": N_("All counts are in"),
    "charges_closed": N_("The quarter's charges are closed"),
    "invoice_received": N_("The invoice is received"),
    "lines_matched": N_("The lines are matched"),
    "findings_decided": N_("Every difference is decided"),
    "sample_checked": N_("The sample of lines without differences is checked"),
    "attested": N_("Attested"),
    "approved": N_("Approved for payment by somebody else"),
    "settled": N_("Settled"),
}
STATUSES: Final[dict[TaskStatus, tuple[str, str]]] = {
    "done": (N_("Done"), "success"),
    "todo": (N_("To do"), "warning"),
    "waiting": (N_("Waiting for others"), "info"),
    "not_yet": (N_("Cannot start yet"), "neutral"),
}
REFUSALS: Final[dict[str, str]] = {
    "not_closed": N_("The quarter's charges are not closed."),
    "no_invoice": N_("No invoice is received."),
    "no_run": N_("The reconciliation has not been run."),
    "run_outdated": N_("Something new is known since the last run: run it again."),
    "unsure_matches": N_("There are uncertain matches that nobody has decided."),
    "undecided_findings": N_("There are differences that nobody has decided."),
    "sample_unchecked": N_("The sample is not checked."),
    "with_vendor": N_("The vendor has not answered a dispute."),
    "credit_awaited": N_("An agreed credit note has not come."),
    "already_attested": N_("The quarter is attested already."),
}
ACTIONS: Final[dict[Action, str]] = {
    "reject": N_("Usually rejected: dispute it and ask for the whole amount."),
    "query": N_("Usually put to the vendor as a question."),
    "credit": N_("Usually disputed: ask for a credit note."),
    "note": N_("Usually noted: it needs no answer from the vendor."),
    "wait": N_("Usually waited for: the credit note should come."),
    "accept": N_("Accepted by itself: it lies within the tolerance."),
    "person": N_("Nobody has found the cause. A person must look at it."),
}
TREATMENTS: Final[dict[TreatmentState, tuple[str, str]]] = {
    "automatic": (N_("Within the tolerance"), "neutral"),
    "open": (N_("To be decided"), "warning"),
    "accepted": (N_("Accepted as billed"), "success"),
    "noted": (N_("Noted"), "success"),
    "checked": (N_("Checked"), "success"),
    "disputed": (N_("Disputed"), "info"),
    "credited": (N_("Credited"), "success"),
}
STAGES: Final[dict[Stage, str]] = {
    "exact": N_("All fields equal"),
    "without_tier": N_("Equal but for the tier"),
    "other_price": N_("Equal but for the price"),
    "grain": N_("One line for several"),
    "joined": N_("Joined to what is matched already"),
    "amount": N_("By amount only"),
    "unmatched": N_("Matches nothing"),
}
FIELDS: Final = {
    "trust": N_("trust"),
    "algorithm": N_("algorithm"),
    "charge": N_("charge"),
    "tier": N_("tier"),
    "phase": N_("ramp-up phase"),
    "why": N_("kind of line"),
    "quantity": N_("quantity"),
    "price": N_("price"),
    "period": N_("period"),
    "month": N_("month"),
    "span": N_("days"),
    "named_tier": N_("tier"),
    "tiered": N_("some tier"),
    "bare": N_("the whole trust"),
}
DISPUTE_STATES: Final[dict[DisputeState, tuple[str, str]]] = {
    "drafted": (N_("Written, not sent"), "warning"),
    "sent": (N_("Sent, no answer yet"), "info"),
    "questioned": (N_("The vendor asks"), "warning"),
    "declined": (N_("Declined by the vendor"), "danger"),
    "agreed": (N_("Agreed, credit note awaited"), "info"),
    "partly_agreed": (N_("Partly agreed, credit note awaited"), "info"),
    "credited": (N_("Credited"), "success"),
    "withdrawn": (N_("Withdrawn"), "neutral"),
}
STEPS: Final[dict[Step, str]] = {
    "sent": N_("The letter is sent"),
    "questioned": N_("The vendor asks for something"),
    "declined": N_("The vendor declines"),
    "agreed": N_("The vendor agrees to the whole"),
    "partly_agreed": N_("The vendor agrees to a part"),
    "credit_accepted": N_("The credit is accepted"),
    "withdrawn": N_("We withdraw the dispute"),
}
WANTED: Final[dict[Wanted, str]] = {
    "credit_whole": N_("Credit note for the whole invoice, and a new invoice"),
    "credit_part": N_("Credit note for the disputed amount"),
    "new_invoice": N_("A new, corrected invoice"),
    "next_invoice": N_("Taken off the next invoice"),
    "information": N_("An explanation first"),
}
HOLDS: Final[dict[Hold, str]] = {
    "whole": N_("The whole invoice"),
    "part": N_("The disputed amount"),
    "none": N_("Nothing: the invoice is paid as it is"),
}
RESPONSES: Final[dict[ResponseStatus, str]] = {
    "AB": N_("Received"),
    "IP": N_("In process"),
    "UQ": N_("Under query"),
    "CA": N_("Conditionally accepted"),
    "RE": N_("Rejected"),
    "AP": N_("Accepted"),
    "PD": N_("Paid"),
}
CLARIFICATIONS: Final = {
    "NON": N_("No reason"),
    "REF": N_("References are wrong"),
    "LEG": N_("Legal requirements are not met"),
    "REC": N_("Receiver is unknown"),
    "QUA": N_("Quality is insufficient"),
    "DEL": N_("Delivery is wrong"),
    "PRI": N_("Prices are wrong"),
    "QTY": N_("Quantity is wrong"),
    "ITM": N_("Items are wrong"),
    "PAY": N_("Payment terms are wrong"),
    "UNR": N_("Not recognised"),
    "FIN": N_("Finance terms are wrong"),
    "PPD": N_("Partly paid"),
    "OTH": N_("Other"),
}
TOLERANCE_STATES: Final[dict[ToleranceState, tuple[str, str]]] = {
    "drafted": (N_("Draft, waits for approval"), "warning"),
    "approved": (N_("Approved"), "success"),
    "declined": (N_("Declined"), "neutral"),
}


def told(finding: Finding, names: words.Names) -> str:
    """Say a finding in one sentence, its numbers as the reader writes them."""
    language = current_language()
    trust = finding.params.get("counted_at")
    if isinstance(trust, str):
        finding = replace(finding, params=finding.params | {"counted_at": names.trust(trust)})
    return in_words(finding, language, formatting)


def cause(code: Code) -> str:
    """Name a cause; its code stands beside it wherever there is room."""
    return CAUSES[code].name[0 if current_language() == "nb" else 1]


def fields_text(match_reason: tuple[str, ...]) -> str:
    """Name the fields by which lines were matched."""
    return ", ".join(_(FIELDS[name]) if name in FIELDS else name.replace("_", " ") for name in match_reason)


def confidence_word(confidence: float | None) -> tuple[str, str]:
    """Say how sure a match is, with a tone."""
    if confidence is None or not confidence:
        return _("None"), "neutral"
    return (_("Sure"), "success") if confidence >= 0.75 else (_("Proposed"), "warning")


def treatment_of(row: ReconciledLine) -> Treatment | None:
    """Give how a row stands: as its first open finding, else as its first; None where nothing was found."""
    listed = [each.treatment for each in (*row.open, *row.found)]
    return listed[0] if listed else None


def about(row: ReconciledLine, names: words.Names) -> tuple[str, str, str]:
    """Name a row's trust, algorithm and period; several are counted, what is named by nothing is said to be none."""
    if row.kind == "document":
        return _("The whole document"), "", ""
    period = row.period
    return (
        _several([names.trust(each) for each in row.trusts], _("%(n)s trusts", n=len(row.trusts))),
        _several([names.product(each) for each in row.algorithms], _("%(n)s algorithms", n=len(row.algorithms))),
        "" if period is None else words.period_text(period.start, period.end),
    )


def title(row: ReconciledLine, names: words.Names) -> str:
    """Name a row in a heading."""
    trust, product, period = about(row, names)
    if row.kind == "document":
        return cause(row.codes[0])
    if not period:
        return _("%(what)s, %(trust)s", what=product, trust=trust)
    return _("%(what)s, %(trust)s, %(period)s", what=product, trust=trust, period=period)


def lines_text(row: ReconciledLine) -> str:
    """Name the invoice lines of a row: `30, 38`; many by the first and how many more."""
    ids = [line.id for line in row.billed]
    if len(ids) <= 3:
        return ", ".join(ids)
    return _("%(first)s and %(n)s more", first=ids[0], n=len(ids) - 1)


def _several(listed: list[str], many: str) -> str:
    return listed[0] if len(listed) == 1 else (", ".join(listed) if len(listed) == 2 else many)
