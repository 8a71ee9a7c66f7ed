"""The first thing that is recorded: an agreement, from its file, in the browser."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts import agreements
from contracts.errors import Conflict, InvalidInput
from contracts.extensions import db
from contracts.schemas.agreement import load_agreement
from contracts.schemas.documents import parse_json
from contracts.web.acts import acted
from contracts.web.guard import current_actor, requires

blueprint = Blueprint("agreement_file", __name__)


@blueprint.app_template_global("may_import_agreement")
def may_import() -> bool:
    """Tell whether the reader may record an agreement."""
    return current_actor().may("agreement.import")


@blueprint.post("/avtaler")
@requires("agreement.import")
def take_in() -> Any:
    """Record the agreement of a file, whole or not at all."""
    sent = request.files.get("file")
    content = b"" if sent is None else sent.read()
    try:
        if not content:
            return _page([("file", _("Choose a file."))]), 422
        made = acted(agreements.import_agreement, document=load_agreement(parse_json(content)))
    except InvalidInput as refused:
        db.session.rollback()
        return _page([("file", f"{one.pointer.removeprefix('#')}: {one.detail}") for one in refused.errors]), 422
    except Conflict as refused:
        db.session.rollback()
        return _page([("file", refused.detail)]), 409
    db.session.commit()
    flash(_("The agreement is recorded."))
    return redirect(url_for("deadlines.show", code=made.code), 303)


def _page(errors: list[tuple[str, str]]) -> str:
    return render_template("contracts/agreements/nothing_yet.html", errors=errors)
