"""What is refused before any use case sees it: text that no database holds, and numbers that no row can have.

A NUL ends a text on PostgreSQL with an error, and a number beyond 2⁶³ one on both; either would leave a transaction that answers
nothing any more. Text is looked at once, wherever it comes from; numbers in addresses by their converter, others by what the
database says of them, which is answered as "not found" with the transaction ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from flask import Flask, current_app, request
from werkzeug.exceptions import BadRequest
from werkzeug.routing import IntegerConverter, Map

from contracts.web.guard import API_PREFIX

NUL = "\x00"
LARGEST_IN_ADDRESS: Final = 10**18 - 1


class RowNumber(IntegerConverter):
    """A whole number of at most 18 digits in an address; a longer one, which no row can have, matches no address whatever the method."""

    regex = r"[0-9]{1,18}"

    def __init__(self, url_map: Map, *args: Any, **kwargs: Any) -> None:
        kwargs["max"] = kwargs.get("max") or LARGEST_IN_ADDRESS
        super().__init__(url_map, *args, **kwargs)


def register(app: Flask) -> None:
    """Look at every request first; call before any route is added."""
    app.url_map.converters["int"] = RowNumber
    app.before_request(refuse_other_hosts)
    app.before_request(refuse_unstorable_text)


def refuse_other_hosts() -> tuple[str, int] | None:
    """Answer 400, without a page that would link to it, where the service is asked under a name that is not its own."""
    hosts = current_app.config["HOSTS"]
    if hosts and request.host.partition(":")[0] not in hosts:
        return "unknown host\n", 400
    return None


def refuse_unstorable_text() -> None:
    """Answer 400 where a page's path, parameter or field holds a NUL (the API's schemas name the place); what no token can be called is nobody (`web.guard`)."""
    if not request.path.startswith(API_PREFIX) and any(NUL in text for text in _texts()):
        raise BadRequest("a character in the request cannot be stored")


def _texts() -> Iterator[str]:
    yield request.path
    for values in (request.args, request.cookies):
        for name, value in values.items(multi=True):
            yield name
            yield value
    if request.mimetype == "application/x-www-form-urlencoded":
        for name, value in request.form.items(multi=True):
            yield name
            yield value
