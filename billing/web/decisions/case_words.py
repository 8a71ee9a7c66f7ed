"""Cases of the workflow in words: states, steps, dossier items, and what each guard says, in the reader's language."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from billing.web.words import STATES as OPTION_STATES
from billing.web.words import Names
from contracts.cases import Case
from contracts.options.dossier import DossierItem
from contracts.terms.workflow import Refusal
from contracts.web import formatting
from contracts.web.i18n import N_, current_language

STATES: dict[str, dict[str, tuple[str, str]]] = {
    "option": OPTION_STATES,
    "activation": {
        "draft": (N_("Draft"), "neutral"),
        "submitted": (N_("For approval"), "warning"),
        "approved": (N_("Approved"), "info"),
        "ordered": (N_("Ordered"), "info"),
        "validating": (N_("Validating"), "info"),
        "live": (N_("Live"), "success"),
        "suspended": (N_("Suspended"), "warning"),
        "ended": (N_("Ended"), "neutral"),
        "rejected": (N_("Rejected"), "neutral"),
        "withdrawn": (N_("Withdrawn"), "neutral"),
    },
}
EVENTS: dict[str, str] = {
    "review": N_("Taken under review"),
    "submit": N_("Sent for approval"),
    "approve": N_("Approved"),
    "return": N_("Sent back"),
    "decline": N_("Declined"),
    "reject": N_("Rejected"),
    "exercise": N_("Exercised"),
    "order": N_("Ordered"),
    "start_validation": N_("Validation began"),
    "go_live": N_("Went live"),
    "suspend": N_("Suspended"),
    "resume": N_("Resumed"),
    "withdraw": N_("Withdrawn"),
    "lapse": N_("Lapsed"),
    "end": N_("Ended"),
}
ITEMS: dict[str, str] = {
    "decision_and_funding": N_("Decision and funding"),
    "dpia": N_("Data protection impact assessment (DPIA)"),
    "risk_analysis": N_("Risk analysis (ROS)"),
    "processor_agreement": N_("Data-processor agreement"),
    "mini_hta": N_("Mini-HTA"),
    "local_it": N_("Local IT sign-off"),
    "intended_use": N_("Intended use matches the use"),
    "ethics": N_("Ethics assessment"),
    "not_trained_on_images": N_("Statement: not trained on our images"),
    "call_off_form": N_("Signed call-off form"),
    "integration": N_("Integration in RIS/PACS tested"),
    "validation_report": N_("Validation report"),
    "training": N_("Training"),
}
ITEM_STATUSES: dict[str, tuple[str, str]] = {
    "missing": (N_("Missing"), "danger"),
    "offered": (N_("Filed, not accepted"), "warning"),
    "accepted": (N_("Accepted"), "success"),
    "refused": (N_("Refused"), "danger"),
}
# Before an approval, what a later step needs is not missing yet.
_BEFORE_APPROVAL = frozenset({"draft", "listed", "under_review", "submitted"})
# What a submission is about, part by part, as a change of it is told.
PARTS: dict[str, str] = {
    "start": N_("the planned first day"),
    "end": N_("the planned last day"),
    "quantity": N_("the planned volume"),
    "use": N_("the intended use"),
    "price_version": N_("the price list"),
}
_SENTENCES: dict[str, str] = {
    "option_not_exercised": N_("The trust's option is not exercised: it is “%(option_state)s”."),
    "not_an_option_holder": N_("The trust is none of the %(holders)s option holders that the agreement names."),
    "deadline_passed": N_("The option's last day was %(deadline)s."),
    "outside_term": N_("%(on)s is outside the framework's term, %(from)s to %(to)s."),
    "signed_in_future": N_("The day %(on)s is still to come."),
    "signed_too_late": N_("%(on)s is after the option's last day."),
    "call_off_outlives_term": N_("The call-off lasts to %(ends_on)s, longer than the framework (%(term_end)s)."),
    "deadline_not_passed": N_("The option can be exercised until %(deadline)s is over."),
    "figures_missing": N_("There are no cost figures to hold against the limits."),
    "maximum_unknown": N_("The agreement has no known maximum value to hold the request (%(request)s) against."),
    "above_ceiling": N_("The request is %(request)s at P90, and %(headroom)s is left of the maximum %(maximum)s."),
    "overridden": N_(
        "The request is %(request)s at P90 and %(headroom)s is left; going beyond the maximum was allowed for this request."
    ),
    "plan_above_ceiling": N_("What is planned is %(request)s at P90, and %(headroom)s is left."),
    "plan_missing": N_("No day is planned to start from."),
    "no_price": N_("No price version covers the algorithm on %(day)s."),
    "two_prices": N_("Two price versions are valid from %(day)s."),
    "not_on_marketplace": N_("The algorithm is not on the agreement's marketplace list."),
    "ce_class_too_low": N_("The CE class is %(ce_class)s; at least IIa is needed."),
    "certificate_missing": N_("No certificate is recorded for the algorithm."),
    "certificate_not_valid": N_("No certificate is valid on %(day)s: %(certificate)s expires %(expires_on)s."),
    "research_only": N_("The product is for research only."),
    "certificate_expires_soon": N_(
        "Certificate %(certificate)s expires %(expires_on)s, within the first twelve months."
    ),
    "item_not_accepted": N_("“%(item)s” has no accepted document: %(status)s."),
    "item_incomplete": N_("“%(item)s” does not say %(lacking)s."),
    "year_not_funded": N_("%(year)s costs %(cost)s and has no approved funding."),
    "funding_below_cost": N_(
        "%(year)s costs %(cost)s; of the budget of %(funded)s, %(bound)s is used or promised already: %(cover)s is left after it."
    ),
    "own_request": N_(
        "Whoever drafted, filed or submitted in this case does not decide on it, nor a deputy of theirs."
    ),
    "approved_already": N_("You have approved this already, in person or through a deputy; it takes somebody else."),
    "nothing_submitted": N_("Nothing was submitted that could be decided on."),
    "changed_since_submission": N_(
        "Changed since it was submitted: %(changed)s. Approvals of it are void; it has to be sent back and submitted anew."
    ),
    "approvals_missing": N_("%(approvals)s of %(needed)s approvals stand."),
    "before_approved_day": N_("%(on)s is before the approved day, %(approved)s."),
    "too_early": N_("%(on)s comes too early: the step before it is true from %(since)s."),
    "closed_past": N_("%(on)s lies in a closed quarter; the first day that may still change is %(first_open)s."),
    "held_already": N_("The algorithm at this trust is held by something else already."),
    "comment_missing": N_("Say in a sentence why."),
}
# Said to readers within one trust, who are told no amounts of the ceiling.
_WITHOUT_AMOUNTS: dict[str, str] = {
    "maximum_unknown": N_("The agreement has no known maximum value to hold the request against."),
    "above_ceiling": N_("The request is more at P90 than what is left of the maximum."),
    "overridden": N_(
        "The request is more at P90 than what is left; going beyond the maximum was allowed for this request."
    ),
    "plan_above_ceiling": N_("What is planned is more at P90 than what is left of the maximum."),
}
_MONEY = frozenset({"request", "headroom", "maximum", "cost", "funded", "bound", "cover", "used", "open", "short"})
_DAYS = frozenset({"deadline", "on", "from", "to", "day", "expires_on", "approved", "since", "first_open"})
# First days after: told as the last day before them.
_ENDS = frozenset({"ends_on", "term_end"})


def refusal_text(refusal: Refusal) -> str:
    """Say what a guard says, in a sentence with its numbers; a code without words stands as it was written."""
    sentence = _SENTENCES.get(refusal.code)
    if refusal.code in _WITHOUT_AMOUNTS and not refusal.numbers:
        sentence = _WITHOUT_AMOUNTS[refusal.code]
    if sentence is None:
        return refusal.detail
    return _(sentence, **{name: _written(name, text) for name, text in refusal.numbers.items()})


def item_status(case: Case, item: DossierItem) -> tuple[str, str]:
    """Say how a document of the case stands, with the tone of it; every page about the case says it so."""
    if item.status == "missing" and case.taken_over_id is not None:
        return _("Taken over without papers"), "neutral"
    if item.status == "missing" and item.due_by != "submit" and case.state in _BEFORE_APPROVAL:
        return _("Due later"), "neutral"
    if item.status == "accepted" and item.lacking:
        return _("Accepted, but says too little"), "danger"
    text, tone = ITEM_STATUSES[item.status]
    return _(text), tone


def standing(case: Case, today: date) -> tuple[str, str]:
    """Say in which state a case is today, with the tone of it; a state never runs ahead of its day."""
    text, tone = STATES[case.kind][case.standing(today)]
    return _(text), tone


def ahead(case: Case, today: date) -> str:
    """Say what is recorded to come true on a later day; empty where nothing is."""
    step = case.ahead(today)
    if step is None:
        return ""
    day = formatting.day(step.on, current_language())
    if step.event == "go_live":
        return _("Planned: in operation from %(day)s.", day=day)
    if step.event == "end":
        return _("Planned: ends, first day without it %(day)s.", day=day)
    return _("Planned: %(step)s, true from %(day)s.", step=_(STATES[case.kind][step.state][0]).lower(), day=day)


def case_title(case: Case, names: Names) -> str:
    """Name a case: the option of a trust, or an algorithm at a trust."""
    if case.kind == "option":
        return _("Option of %(trust)s", trust=case.trust_name)
    return _("%(product)s at %(trust)s", product=names.product(case.algorithm), trust=case.trust_name)


def _written(name: str, text: str) -> Any:
    locale = current_language()
    if name in _MONEY:
        return formatting.money(Decimal(text), locale)
    if name in _DAYS:
        return formatting.day(date.fromisoformat(text), locale)
    if name in _ENDS:
        return formatting.day(date.fromisoformat(text) - timedelta(days=1), locale)
    if name == "item":
        return _(ITEMS[text]) if text in ITEMS else text
    if name == "status":
        return _(ITEM_STATUSES[text][0]).lower() if text in ITEM_STATUSES else text
    if name == "option_state":
        return _(OPTION_STATES[text][0]).lower() if text in OPTION_STATES else text
    if name == "changed":
        return ", ".join(_part(one) for one in text.split(", "))
    return text


def _part(name: str) -> str:
    if name.startswith("document:"):
        code = name.removeprefix("document:")
        return _(ITEMS[code]) if code in ITEMS else code
    return _(PARTS[name]) if name in PARTS else name
