"""The usage import wizard: upload, reading, check, confirmation, receipt; and taking an import back.

Each step has its own address and survives closing the browser: the file waits with what was chosen for it, and the check and
the import are jobs. A file is never on its way without its reader having seen how it is read.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from billing.charges import import_effect
from billing.usage import files as usage_files
from billing.usage import receipts as usage_receipts
from billing.usage import reversals as usage_upkeep
from billing.usage import sources as usage_sources
from billing.usage import uploads as usage_uploads
from billing.usage.errors import SHOWN_ERRORS, RowError, errors_table, sentence
from billing.usage.readings import COLUMNS, STATUSES, Reading
from billing.usage.uploads import CHECK, IMPORT, Outcome, Upload
from billing.web import words
from billing.web.query import Query, read_query, refuse
from billing.web.usage import import_forms as forms
from billing.web.usage import words as usage_words
from contracts import agreements
from contracts.errors import Conflict, InvalidInput, NotFound
from contracts.extensions import db
from contracts.terms.job import JobView
from contracts.terms.period import Period
from contracts.web import formatting
from contracts.web.acts import acted, asked, done
from contracts.web.exports import table_answer
from contracts.web.guard import requires
from contracts.web.i18n import N_, current_language
from contracts.web.work import jobs as job_pages
from contracts.web.work.jobs import Presentation, present
from contracts.work import jobs

blueprint = Blueprint("usage_import", __name__)

WIZARD: Final = "/volum/import/ny"
_ONE: Final = f"{WIZARD}/<int:upload_id>"
# What another encoding or separator may put right; anything else is wrong with the file itself.
_UNDECIDED: Final = frozenset({"not_utf8", "not_text", "not_csv", "binary"})
_CODES: Final = ("trust", "algorithm", "status")


def register(app: Flask) -> None:
    """Give the app the wizard, its receipts and the words of its jobs."""
    # A small file is checked in a moment; its reader is spared a page that says "please wait".
    app.config.setdefault("USAGE_PATIENCE_SECONDS", 2.5)
    app.register_blueprint(blueprint)
    present(
        CHECK,
        Presentation(
            title=N_("Check of a usage file"),
            phases={"read": N_("Read"), "write": N_("Compare with what is known"), "rate": N_("Rate the effect")},
            unit=N_("Rows"),
            subject=lambda job: str(job.params.get("filename", "")),
            finding=_finding,
            links=lambda job: [(_("See what the check found"), _job_link("usage_import.check", job))],
        ),
    )
    present(
        IMPORT,
        Presentation(
            title=N_("Import of a usage file"),
            phases={"read": N_("Read"), "write": N_("Record")},
            unit=N_("Rows"),
            subject=lambda job: str(job.params.get("filename", "")),
            finding=_finding,
            links=_import_links,
        ),
    )


@blueprint.url_value_preprocessor
def allow_large_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Take files as large as an import may be, before anything reads the form."""
    if endpoint == "usage_import.upload":
        request.max_content_length = usage_uploads.LARGEST + 1024 * 1024


# --- upload ------------------------------------------------------------------------------------------------------------


@blueprint.get(WIZARD)
@requires("usage.import")
def new() -> Any:
    """Ask for the file, and show those that wait for something."""
    return _new(read_query("kilde", "etter", past=False))


def _new(query: Query, errors: forms.Mistakes | None = None) -> str:
    sources = usage_sources.list_sources(db.session, agreement_id=query.agreement.id)
    return _wizard(
        query,
        "new.html",
        sources=sources,
        source_choices=[(source.name, source.name) for source in sources],
        chosen=request.form.get("kilde", query.values.get("kilde", "")),
        after=_earlier(query),
        waiting=query.asked(usage_uploads.list_waiting),
        kinds=forms.KINDS,
        errors=errors,
        step_of=_step_of,
    )


@blueprint.post(WIZARD)
@requires("usage.import")
def upload() -> Any:
    """Take the file's bytes in, unless it can be seen at once that they are not wanted."""
    db.only_read()
    query = read_query("kilde", "etter", past=False)
    file = request.files.get("fil")
    if file is None or not file.filename:
        return _new(query, [("fil", _("Choose the file."))]), 422
    try:
        with db.write() as session:
            made = usage_uploads.begin(
                session,
                agreement_id=query.agreement.id,
                filename=_plain_name(file.filename),
                stream=file.stream,
                actor=query.actor,
                now=datetime.now(UTC),
            )
            standing = usage_uploads.standing_import(session, agreement_id=query.agreement.id, sha256=made.sha256)
            with usage_uploads.file_of(session, made) as path:
                as_it_looks = forms.read_columns({}, None, usage_files.delimiters_of(path)).reading
                seen = usage_files.preview(path, made.filename, as_it_looks)
            refused = [error for error in seen.errors if error.code not in _UNDECIDED]
            if standing is not None or refused:
                usage_uploads.give_up(session, upload_id=made.id, actor=query.actor)
    except InvalidInput as error:
        return _new(query, forms.upload_mistakes(error.errors)), 422
    if standing is not None:
        flash(_("This very file is taken in already; here is its receipt. Nothing was counted again."))
        return redirect(query.link("usage_import.show", import_id=standing), 303)
    if refused:
        return _new(query, forms.refused(refused)), 422
    return redirect(
        query.link(
            "usage_import.columns",
            upload_id=made.id,
            kilde=request.form.get("kilde") or query.values.get("kilde"),
            etter=query.values.get("etter"),
        ),
        303,
    )


@blueprint.get(f"{WIZARD}/mal-<kind>.csv")
@requires("usage.import")
def template(kind: str) -> Response:
    """Give a file with the right header and one row to overwrite."""
    found = next((each for each in COLUMNS if each == kind), None)
    if found is None:
        raise NotFound("there is no such template")
    return table_answer("csv", f"volum-{kind}", forms.example_of(found))


@blueprint.post(f"{_ONE}/kast")
@requires("usage.import")
def discard(upload_id: int) -> Any:
    """Throw a waiting file away."""
    query = read_query(past=False)
    asked(usage_uploads.give_up, upload_id=upload_id)
    db.session.commit()
    flash(_("The file is thrown away. Nothing of it was counted."))
    return redirect(query.link("usage_import.new"), 303)


# --- reading -----------------------------------------------------------------------------------------------------------


@blueprint.get(f"{_ONE}/kolonner")
@requires("usage.import")
def columns(upload_id: int) -> Any:
    """Ask what the rows and columns of the file are."""
    query = read_query("kilde", "etter", "vis", *forms.column_parameters(), past=False)
    found, proposed = _upload(query, upload_id), _proposed(query)
    if not found.present:
        return redirect(query.link("usage_import.check", upload_id=upload_id), 303)
    choice, seen = _seen(query, found, proposed)
    if _holds_identities(seen):
        return _thrown_away(query, found, seen)
    asked = bool(query.values.get("type")) and query.values.get("vis") != "kolonner"
    if proposed is not None and not query.values.get("type") and not forms.column_mistakes(choice, seen):
        asked = True  # as the last time; the next page shows it, and leads back here
    mistakes = forms.column_mistakes(choice, seen) if asked else []
    if asked and not mistakes:
        return redirect(_formats_link(query, upload_id, choice), 303)
    if not choice.columns or not asked:
        choice = forms.with_headings(choice, seen)
    return _wizard(
        query,
        "columns.html",
        found=found,
        choice=choice,
        chosen=choice.parameters(),
        seen=seen,
        forms=forms,
        columns_of=COLUMNS,
        plain=usage_files.has_plain_header(seen) and not query.values.get("vis"),
        errors=mistakes or (forms.refused(seen.errors)),
        kept={name: query.values[name] for name in ("kilde", "etter") if query.values.get(name)},
    ), (422 if mistakes else 200)


@blueprint.get(f"{_ONE}/format")
@requires("usage.import")
def formats(upload_id: int) -> Any:
    """Ask how numbers, dates and times are to be read, with three values of each read back."""
    query = read_query("kilde", "etter", *forms.column_parameters(), past=False)
    return _formats(query, upload_id)


def _formats(query: Query, upload_id: int, errors: forms.Mistakes | None = None) -> Any:
    found, proposed = _upload(query, upload_id), _proposed(query)
    if not found.present:
        return redirect(query.link("usage_import.check", upload_id=upload_id), 303)
    choice, seen = _seen(query, found, proposed)
    if _holds_identities(seen):
        return _thrown_away(query, found, seen)
    if forms.column_mistakes(choice, seen):
        return redirect(_columns_link(query, upload_id, choice), 303)
    return _wizard(
        query,
        "formats.html",
        found=found,
        choice=choice,
        seen=seen,
        forms=forms,
        asked=forms.questions(choice, seen, proposed),
        form=request.form,
        name=request.form.get("navn", query.values.get("kilde", "")),
        action=_formats_link(query, upload_id, choice),
        back=_columns_link(query, upload_id, choice),
        errors=errors,
    )


@blueprint.post(f"{_ONE}/format")
@requires("usage.import")
def choose(upload_id: int) -> Any:
    """Keep how the file is read, for its source too where it is named, and begin the check."""
    db.only_read()
    query = read_query("kilde", "etter", *forms.column_parameters(), past=False)
    found, proposed = _upload(query, upload_id), _proposed(query)
    choice, seen = _seen(query, found, proposed)
    if not found.present or forms.column_mistakes(choice, seen):
        return redirect(_columns_link(query, upload_id, choice), 303)
    reading, mistakes = forms.read_formats(choice, forms.questions(choice, seen, proposed), request.form, proposed)
    if mistakes:
        return _formats(query, upload_id, mistakes), 422
    return _choose(query, upload_id, reading, request.form.get("navn", "").strip() or None)


@blueprint.post(f"{_ONE}/rett-fram")
@requires("usage.import")
def choose_plain(upload_id: int) -> Any:
    """Read the file by its own plain header, which leaves nothing to ask, and begin the check."""
    db.only_read()
    query = read_query(past=False)
    return _choose(query, upload_id, None, None)


def _choose(query: Query, upload_id: int, reading: Reading | None, source: str | None) -> Any:
    with db.write() as session:
        usage_uploads.choose(
            session, upload_id=upload_id, reading=reading, source=source, actor=query.actor, now=datetime.now(UTC)
        )
        job = usage_uploads.check(session, upload_id=upload_id, actor=query.actor, now=datetime.now(UTC))
    _have_patience(query, job)
    return redirect(query.link("usage_import.check", upload_id=upload_id), 303)


# --- check -------------------------------------------------------------------------------------------------------------


@blueprint.get(f"{_ONE}/kontroll")
@requires("usage.import")
def check(upload_id: int) -> Any:
    """Show how far the check is, then what it found."""
    query = read_query(past=False)
    found = _upload(query, upload_id)
    job = usage_uploads.job_of(db.session, found, query.actor)
    if job is None:
        if found.present:
            return redirect(query.link("usage_import.columns", upload_id=upload_id), 303)
        return redirect(query.link("usage_import.new"), 303)
    if not job.over or found.outcome is None:
        return _wizard(
            query,
            "job.html",
            found=found,
            job=job,
            again=job.over and found.present,
            seen=job_pages.status_key(job),
            announce=None,
            **job_pages.page_words([job]),
        )
    if found.outcome.status in ("imported", "already_imported") and found.outcome.import_id is not None:
        return redirect(query.link("usage_import.show", import_id=found.outcome.import_id), 303)
    outcome = found.outcome
    return _wizard(
        query,
        "check.html",
        found=found,
        outcome=outcome,
        shown=[(error.row, error.column, _sentence(error)) for error in outcome.errors[:SHOWN_ERRORS]],
        unknown=[] if outcome.status != "refused" else list(_unknown(query, outcome)),
        findings=[_sentence(finding) for finding in outcome.findings],
        reading=forms.summary(found.reading, outcome.kind),
        month_of=_month_of,
        forms=forms,
        reasons=usage_words.NOT_BILLABLE,
        identities=[error for error in outcome.errors if error.code == "national_number"],
    )


@blueprint.get(f"{_ONE}/feil.<table:suffix>")
@requires("usage.import")
def errors(upload_id: int, suffix: str) -> Response:
    """Give all errors of a check as a file."""
    query = read_query(past=False)
    found = _upload(query, upload_id)
    if found.outcome is None:
        raise NotFound("there is no such file")
    return table_answer(suffix, f"feil-{upload_id}", errors_table(found.outcome.errors, current_language()))


@blueprint.post(f"{_ONE}/koder")
@requires("usage.import")
def codes(upload_id: int) -> Any:
    """Keep what the file's codes stand for, and check anew; a file that is gone must be sent again."""
    query = read_query(past=False)
    found = _upload(query, upload_id)
    values: dict[tuple[str, str], str] = {}
    if found.outcome is not None:
        for column, number, theirs, options in _unknown(query, found.outcome):
            ours = request.form.get(f"{column}-{number}", "")
            if ours in dict(options):
                values[column, theirs] = ours
    if not values:
        flash(_("No code was chosen; nothing has changed."), "error")
        return redirect(query.link("usage_import.check", upload_id=upload_id), 303)
    now = datetime.now(UTC)
    kept = acted(usage_uploads.map_values, upload_id=upload_id, values=values, now=now)
    if not kept.present:
        db.session.commit()
        flash(_("What the codes stand for is kept. Send the corrected file; it is read the same way."))
        return redirect(query.link("usage_import.new", **_same_way(kept)), 303)
    job = acted(usage_uploads.check, upload_id=upload_id, now=now)
    db.session.commit()
    _have_patience(query, job)
    return redirect(query.link("usage_import.check", upload_id=upload_id), 303)


@blueprint.post(f"{_ONE}/kontroll")
@requires("usage.import")
def check_again(upload_id: int) -> Any:
    """Begin the check once more."""
    query = read_query(past=False)
    job = done(usage_uploads.check, upload_id=upload_id)
    _have_patience(query, job)
    return redirect(query.link("usage_import.check", upload_id=upload_id), 303)


# --- confirmation ------------------------------------------------------------------------------------------------------


@blueprint.get(f"{_ONE}/bekreft")
@requires("usage.import")
def review(upload_id: int) -> Any:
    """Show what will be counted and what it costs, before anything is."""
    query = read_query(past=False)
    found = _upload(query, upload_id)
    if found.outcome is None or found.outcome.status != "checked" or not found.present:
        return redirect(query.link("usage_import.check", upload_id=upload_id), 303)
    effect = [(quarter, Decimal(amount)) for quarter, amount in found.outcome.effect]
    return _with_amounts(
        query,
        "confirm.html",
        found=found,
        outcome=found.outcome,
        effect=effect,
        closed=[_month_of(quarter) for quarter in found.outcome.closed],
        total=sum((amount for _quarter, amount in effect), Decimal("0.00")),
        reading=forms.summary(found.reading, found.outcome.kind),
        reasons=usage_words.NOT_BILLABLE,
        month_of=_month_of,
        quarter_of=_quarter_of,
        forms=forms,
        own=query.actor.scope("read") is not None,
    )


@blueprint.post(f"{_ONE}/bekreft")
@requires("usage.import")
def confirm(upload_id: int) -> Any:
    """Take the file in as it was shown."""
    query = read_query(past=False)
    attempt = request.form.get("kontroll", type=int)
    try:
        job = acted(usage_uploads.confirm, upload_id=upload_id, attempt=attempt or 0)
    except Conflict as conflict:
        if conflict.code not in ("not_checked", "job_running"):
            raise
        db.session.rollback()
        flash(_("The file has been checked anew in the meantime. Look at it once more."), "error")
        return redirect(query.link("usage_import.check", upload_id=upload_id), 303)
    db.session.commit()
    over = _have_patience(query, job)
    if over is not None and over.result and over.result.get("status") == "imported":
        flash(_("The file is taken in."))
    return redirect(query.link("usage_import.check", upload_id=upload_id), 303)


# --- receipt -----------------------------------------------------------------------------------------------------------


@blueprint.get("/volum/import/<int:import_id>")
@requires("read")
def show(import_id: int) -> Any:
    """Show an import's receipt."""
    query = read_query()
    receipt = query.asked(usage_receipts.find_receipt, import_id=import_id, known_at=query.known_at)
    return _with_amounts(
        query,
        "receipt.html",
        receipt=receipt,
        reasons=usage_words.NOT_BILLABLE,
        sources=usage_words.SOURCES,
        month_of=_month_of,
        day_after=lambda day: day + timedelta(days=1),
        may_take_back=receipt.taken_back is None and receipt.rows is not None and query.actor.may("usage.correct"),
    )


@blueprint.get("/volum/import/<int:import_id>/tilbake")
@requires("usage.correct")
def take_back_form(import_id: int) -> Any:
    """Show what taking an import back would change, and ask why."""
    return _take_back(read_query(past=False), import_id)


def _take_back(query: Query, import_id: int, errors: forms.Mistakes | None = None) -> Any:
    try:
        effect = query.asked(import_effect.reversal_effect, import_id=import_id)
    except Conflict as conflict:
        if conflict.code != "already_reversed":
            raise
        flash(_("The import is taken back already."), "error")
        return redirect(query.link("usage_import.show", import_id=import_id), 303)
    return _with_amounts(
        query,
        "take_back.html",
        effect=effect,
        months=usage_receipts.months_of(effect.taking.cells),
        month_of=_month_of,
        quarter_of=_quarter_of,
        reason=request.form.get("begrunnelse", ""),
        errors=errors,
        own=query.actor.scope("read") is not None,
    )


@blueprint.post("/volum/import/<int:import_id>/tilbake")
@requires("usage.correct")
def take_back(import_id: int) -> Any:
    """Take a whole import back by signed entries."""
    query = read_query(past=False)
    reason = request.form.get("begrunnelse", "")
    try:
        taking = query.acted(usage_upkeep.reverse_import, import_id=import_id, reason=reason)
    except InvalidInput as error:
        db.session.rollback()
        texts = {
            "missing": ("begrunnelse", _("Say in a sentence why.")),
            "below_zero": (
                None,
                _("A day that was corrected since would fall below zero. Take its correction back first."),
            ),
        }
        told = list(dict.fromkeys(texts[each.code] for each in error.errors))
        return _take_back(query, import_id, told), 422
    except Conflict as conflict:
        if conflict.code != "already_reversed":
            raise
        db.session.rollback()
        flash(_("The import is taken back already."), "error")
        return redirect(query.link("usage_import.show", import_id=import_id), 303)
    db.session.commit()
    flash(
        ngettext(
            "The import is taken back: %(n)s examination is no longer counted.",
            "The import is taken back: %(n)s examinations are no longer counted.",
            taking.quantity,
            n=formatting.quantity(taking.quantity, current_language()),
        )
    )
    return redirect(query.link("usage_import.show", import_id=import_id), 303)


# --- what the steps share ----------------------------------------------------------------------------------------------


def _wizard(query: Query, page: str, /, **values: Any) -> str:
    """Render a step that shows no amounts."""
    return render_template(f"billing/usage/import/{page}", query=query, link=query.link, **_words(query), **values)


def _with_amounts(query: Query, page: str, /, **values: Any) -> str:
    """Render a page that shows amounts, and so says what they rest on."""
    return query.page(f"billing/usage/import/{page}", as_of=None, version=None, **_words(query), **values)


def _words(query: Query) -> dict[str, Any]:
    names = query.names()
    return {"names": names, "words": words, "usage_words": usage_words}


def _upload(query: Query, upload_id: int) -> Upload:
    found = asked(usage_uploads.find, upload_id=upload_id)
    if found.agreement_id != query.agreement.id:
        raise NotFound(f"there is no upload {upload_id}")
    return found


def _earlier(query: Query) -> Upload | None:
    """Find the file after which another one is to be read the same way."""
    text = query.values.get("etter", "")
    if not text:
        return None
    if not text.isdecimal():
        refuse(_("The parameter “%(name)s” is unknown here.", name="etter"))
    return _upload(query, int(text))


def _proposed(query: Query) -> Reading | None:
    """Give the reading that is offered: the chosen source's, or that of an earlier file."""
    name = query.values.get("kilde")
    if name:
        return usage_sources.find_source(db.session, agreement_id=query.agreement.id, name=name).reading
    earlier = _earlier(query)
    return None if earlier is None else earlier.reading


def _same_way(upload: Upload) -> dict[str, Any]:
    return {"kilde": upload.source} if upload.source else {"etter": upload.id}


def _seen(query: Query, upload: Upload, proposed: Reading | None) -> tuple[forms.ColumnChoice, usage_files.Preview]:
    """Look at the file under what was chosen so far."""
    with usage_uploads.file_of(db.session, upload) as path:
        delimiters = usage_files.delimiters_of(path)
        choice = forms.read_columns(query.values, proposed, delimiters)
        return choice, usage_files.preview(path, upload.filename, choice.reading)


def _holds_identities(seen: usage_files.Preview) -> bool:
    return any(error.code == "national_number" for error in seen.errors)


def _thrown_away(query: Query, found: Upload, seen: usage_files.Preview) -> Any:
    """Throw a file away whose identity numbers show under another separator only; it must not wait here."""
    with db.write() as session:
        usage_uploads.give_up(session, upload_id=found.id, actor=query.actor)
    return _new(query, forms.refused(seen.errors)), 422


def _formats_link(query: Query, upload_id: int, choice: forms.ColumnChoice) -> str:
    return query.link("usage_import.formats", upload_id=upload_id, **_kept(query), **choice.parameters())


def _columns_link(query: Query, upload_id: int, choice: forms.ColumnChoice) -> str:
    return query.link(
        "usage_import.columns", upload_id=upload_id, vis="kolonner", **_kept(query), **choice.parameters()
    )


def _kept(query: Query) -> dict[str, str]:
    return {name: query.values[name] for name in ("kilde", "etter") if query.values.get(name)}


def _unknown(query: Query, outcome: Outcome) -> Iterable[tuple[str, int, str, list[tuple[str, str]]]]:
    """List the codes that nobody knows, each with what it may stand for."""
    scope = query.actor.scope("usage.import")
    holders = query.holders()
    algorithms = agreements.marketplace(db.session, query.agreement.id)
    names = words.Names.of(holders, algorithms)
    options = {
        "trust": [(each.party.code, each.party.name) for each in holders if scope in (None, each.party.code)],
        "algorithm": [(each.code, names.full(each.code)) for each in algorithms],
        "status": [(status, _(usage_words.EVENT_STATUSES[status])) for status in STATUSES],
    }
    for column in _CODES:
        for number, theirs in enumerate(outcome.unknown(column)):
            yield column, number, theirs, options[column]


def _have_patience(query: Query, job: JobView) -> JobView | None:
    """Wait a moment for a job, and give it if it is over by then; a long one goes on by itself."""
    until = time.monotonic() + current_app.config["USAGE_PATIENCE_SECONDS"]
    while time.monotonic() < until:
        with db.read() as session:
            found = jobs.find(session, job_id=job.id, actor=query.actor)
        if found.over:
            return found
        time.sleep(0.1)
    return None


def _step_of(upload: Upload) -> tuple[str, str]:
    """Say what a waiting file waits for, and where that is done."""
    if upload.attempt == 0:
        return _("Waits for its reading"), "usage_import.columns"
    if upload.outcome is None:
        return _("Being checked"), "usage_import.check"
    if upload.outcome.status == "checked":
        return _("Waits for your confirmation"), "usage_import.review"
    return _("Refused"), "usage_import.check"


def _finding(finding: Any) -> str:
    """Tell an error that a job found, with its place."""
    text = finding.get("sentence", {}).get(current_language()) or finding.get("detail", "")
    row, column = finding.get("row"), finding.get("column")
    if column:
        return _("Row %(row)s, column “%(column)s”: %(what)s.", row=row, column=column, what=text)
    return _("Row %(row)s: %(what)s.", row=row, what=text)


def _job_link(endpoint: str, job: JobView) -> str:
    return url_for(endpoint, upload_id=job.params.get("upload", 0))


def _import_links(job: JobView) -> list[tuple[str, str]]:
    import_id = (job.result or {}).get("import")
    if import_id:
        return [(_("See the receipt"), url_for("usage_import.show", import_id=import_id))]
    return [(_("See what the check found"), _job_link("usage_import.check", job))]


def _sentence(error: RowError) -> str:
    return sentence(error, current_language())


def _month_of(label: str) -> str:
    first = Period.parse(label)
    return words.period_text(first.start, first.end)


_quarter_of = _month_of


def _plain_name(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(character for character in last if character.isprintable())[-200:]
