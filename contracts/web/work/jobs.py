"""Pages of long work: one per job, that tells how far it is and survives closing the browser; and the list of them.

Whoever registers a kind of job says with `present` how its pages speak. The panel of a running job asks for itself every two
seconds; when the job is over the server gives it without a trigger, and it stops. A reader without scripts gets a page that
loads itself again every ten seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from contracts.errors import Conflict
from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE
from contracts.terms.job import JobView, Phase, current_phase
from contracts.web import formatting, layout
from contracts.web.acts import acted, asked
from contracts.web.guard import signed_in
from contracts.web.i18n import N_, current_language
from contracts.work import jobs

PAGE: Final = 50

STATES: Final = {
    "queued": (N_("Waiting"), "neutral"),
    "running": (N_("Running"), "info"),
    "done": (N_("Done"), "success"),
    "failed": (N_("Failed"), "danger"),
    "cancelled": (N_("Cancelled"), "neutral"),
    "expired": (N_("Expired"), "warning"),
}

blueprint = Blueprint("jobs", __name__)
layout.add_nav(blueprint, 90, N_("Jobs"), "jobs.index", more=True)


def _plain_finding(finding: Mapping[str, Any]) -> str:
    """Tell a finding by its own sentence in the reader's language, else by its detail or code."""
    sentence = finding.get("sentence")
    if isinstance(sentence, Mapping) and current_language() in sentence:
        return str(sentence[current_language()])
    return str(finding.get("detail") or finding.get("code") or "")


@dataclass(frozen=True, slots=True)
class Presentation:
    """How the pages speak of a kind of job. Texts are source strings marked with `N_`, translated where they are shown.

    ``unit`` names what a phase counts ("Rows"), ``subject`` what tells one job from another (a file's name). ``result`` gives facts (label, text) of a finished job, ``links`` where to
    go from it (text, address); both are asked in a request and may translate.
    """

    title: str
    phases: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    subject: Callable[[JobView], str] = lambda _job: ""
    finding: Callable[[Mapping[str, Any]], str] = _plain_finding
    result: Callable[[JobView], Iterable[tuple[str, Any]]] = lambda _job: ()
    links: Callable[[JobView], Iterable[tuple[str, str]]] = lambda _job: ()


PRESENTATIONS: Final[dict[str, Presentation]] = {}


def present(kind: str, presentation: Presentation) -> None:
    """Say how the pages speak of a kind of job; without it they show its name."""
    PRESENTATIONS[kind] = presentation


def presentation_of(job: JobView) -> Presentation:
    """Give how the pages speak of a job."""
    return PRESENTATIONS.get(job.kind) or Presentation(title=job.kind)


def to_job(job: JobView) -> Any:
    """Send the reader who handed a job in to its page (303)."""
    return redirect(url_for("jobs.show", job_id=job.id), 303)


@blueprint.get("/jobber")
@signed_in
def index() -> Any:
    """List the jobs that the reader may see."""
    before = request.args.get("before", type=int)
    found = asked(jobs.list_jobs, before=before, limit=PAGE)
    return render_template(
        "contracts/work/index.html",
        jobs=found,
        before=before,
        older=found[-1].id if len(found) == PAGE else None,
        **page_words(found),
    )


@blueprint.get("/jobber/<int:job_id>")
@signed_in
def show(job_id: int) -> Any:
    """Show how far a job is, or how it ended."""
    job = asked(jobs.find, job_id=job_id)
    return render_template(
        "contracts/work/show.html", job=job, seen=status_key(job), announce=None, **page_words([job])
    )


@blueprint.get("/jobber/<int:job_id>/panel")
@signed_in
def panel(job_id: int) -> Any:
    """Give the part of the page that changes; the status line only where it says something that was not said yet."""
    job = asked(jobs.find, job_id=job_id)
    seen = status_key(job)
    announce = _status(job) if request.args.get("seen") != seen else None
    return render_template("contracts/work/panel.html", job=job, seen=seen, announce=announce, **page_words([job]))


@blueprint.post("/jobber/<int:job_id>/avbryt")
@signed_in
def cancel(job_id: int) -> Any:
    """Take a job back."""
    try:
        acted(jobs.cancel, job_id=job_id)
    except Conflict:
        flash(_("The job was over already; nothing was cancelled."), "error")
    else:
        db.session.commit()
    return redirect(url_for("jobs.show", job_id=job_id), 303)


def page_words(shown: Sequence[JobView]) -> dict[str, Any]:
    """Give what the templates of jobs need to speak of these jobs."""
    now = datetime.now(UTC)
    names = access.names_of(db.session, [job.created_by for job in shown]) | {COMMAND_LINE.id: _("the command line")}
    return {
        "presentation_of": presentation_of,
        "state_of": state_of,
        "phase_rows": lambda job: phase_rows(job, now),
        "current_phase": current_phase,
        "elapsed": lambda job: _elapsed(job, now),
        "phase_text": phase_text,
        "trust_names": jobs.trust_names(db.session),
        "count_text": count_text,
        "who": lambda job: names.get(job.created_by, job.created_by),
    }


def state_of(job: JobView) -> tuple[str, str]:
    """Give a job's state in the reader's words, and its tone."""
    if job.state == "running" and job.cancel_requested:
        return _("Stopping"), "warning"
    text, tone = STATES["expired" if job.expired else job.state]
    return _(text), tone


def phase_text(job: JobView, phase: Phase) -> str:
    """Give a phase's name in the reader's words."""
    return _(presentation_of(job).phases.get(phase.name, phase.name))


def count_text(phase: Phase) -> str:
    """Write how much of a phase is done: `12 000 of 1 000 000`, or what there is where the total is not known."""
    done = formatting.quantity(phase.done, current_language())
    if phase.total is None:
        return done
    return _("%(done)s of %(total)s", done=done, total=formatting.quantity(phase.total, current_language()))


def phase_rows(job: JobView, now: datetime) -> list[dict[str, str]]:
    """Give the phases as a task list shows them."""
    present_one = current_phase(job.phases)
    rows = []
    for phase in job.phases:
        unit = presentation_of(job).unit
        hint = count_text(phase) if phase.done else ""
        if hint and unit:
            hint = f"{_(unit)}: {hint}"
        if phase.finished_at is not None:
            status, tone = _("Done"), "success"
        elif phase.started_at is None:
            status, tone = (_("Not needed"), "neutral") if job.state == "done" else (_("Not started"), "neutral")
        elif job.over:
            status, tone = _("Stopped here"), "warning"
        else:
            status, tone = _("In progress"), "info"
        if phase is present_one and job.state == "running" and (left := phase.remaining(now)) is not None:
            status = _("about %(time)s left", time=duration(left))
        rows.append({"title": phase_text(job, phase), "hint": hint, "status": status, "tone": tone})
    return rows


def duration(span: timedelta) -> str:
    """Write a span of time in the reader's words, in seconds below a minute, else in minutes."""
    seconds = int(span.total_seconds())
    if seconds < 60:
        return ngettext("%(num)d second", "%(num)d seconds", max(seconds, 1))
    return ngettext("%(num)d minute", "%(num)d minutes", round(span / timedelta(minutes=1)))


def _elapsed(job: JobView, now: datetime) -> str | None:
    if job.started_at is None:
        return None
    return duration((job.finished_at or now) - job.started_at)


def status_key(job: JobView) -> str:
    """Name what the status line says; it is said again only when this changes: a state, a phase, a quarter of it."""
    phase = current_phase(job.phases)
    if job.state != "running" or phase is None:
        return "expired" if job.expired else job.state
    asked = "-stopping" if job.cancel_requested else ""
    return f"{phase.name}-{(phase.percent or 0) // 25 * 25}{asked}"


def _status(job: JobView) -> str:
    phase = current_phase(job.phases)
    state = state_of(job)[0]
    if job.state != "running" or phase is None or job.cancel_requested:
        return state
    percent = (phase.percent or 0) // 25 * 25
    if not percent:
        return phase_text(job, phase)
    return _("%(phase)s: %(percent)s %%", phase=phase_text(job, phase), percent=percent)
