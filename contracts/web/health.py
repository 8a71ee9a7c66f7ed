"""What a watcher asks: whether the process is alive (`/healthz`), and whether it can work (`/readyz`).

Both are public and say nothing of what is stored: `/readyz` names the checks that hold and those that do not, without what
was found; that is `flask doctor`'s.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Flask, current_app

from contracts import installation
from contracts.extensions import db
from contracts.web.guard import public

blueprint = Blueprint("health", __name__)


def register(app: Flask) -> None:
    """Give the app the two addresses."""
    app.register_blueprint(blueprint)


@blueprint.route("/healthz")
@public
def alive() -> Any:
    """Answer as long as the process does; nothing else is asked."""
    return "alive\n", 200, {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


@blueprint.route("/readyz")
@public
def can_work() -> Any:
    """Answer 200 where database, schema, scheduler and disk are as they must be, else 503, with each check by name."""
    checks = installation.working(db.engine, current_app.config, datetime.now(UTC))
    ready = all(each.right for each in checks)
    answer = {"ready": ready, "checks": {each.name: each.right for each in checks}}
    return answer, 200 if ready else 503, {"Cache-Control": "no-store"}
