"""Logs: one line per event, `event key=value …`, each with the id of the request it belongs to.

A line never carries an amount, a secret or what somebody typed: no query string, no form, no header but the request's id.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any, TextIO, cast

import structlog
from flask import Flask, Response, g, request
from flask.logging import wsgi_errors_stream
from structlog.typing import Processor

HEADER = "X-Request-ID"
QUIET = frozenset({"shell.static"})
_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)
_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    structlog.processors.format_exc_info,
)

log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("trinnvis")


def register(app: Flask) -> None:
    """Write the app's logs as key=value to its error stream, and one line for each request."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(cast(TextIO, wsgi_errors_stream))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.LogfmtRenderer(key_order=("at", "level", "event", "request_id")),
            ],
        )
    )
    # Replaced, not added to: a second app in the same process must not write each line twice.
    for logger in (logging.getLogger("trinnvis"), app.logger):
        logger.handlers = [handler]
        logger.propagate = False
    logging.getLogger("trinnvis").setLevel(logging.INFO)
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
    g.request_began = time.monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    request_id: str | None = g.get("request_id")
    if request_id is not None:
        response.headers[HEADER] = request_id
        if request.endpoint not in QUIET:
            facts: dict[str, Any] = {
                "method": request.method,
                "path": _shown_path(request.path),
                "status": response.status_code,
            }
            log.info("request", **facts, ms=round((time.monotonic() - g.request_began) * 1000))
    return response


def _shown_path(path: str) -> str:
    """Give a path as the log may hold it: a calendar's address is a secret."""
    return "/kalender/…" if path.startswith("/kalender/") and path.endswith(".ics") else path
