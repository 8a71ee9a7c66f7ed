"""Fetch a table from a statistics office's web service, for those who turn it on; nothing here runs by itself.

The service is asked as PxWeb is: a POST of a query to the table's address, answered by JSON-stat2. What comes back is only
bytes with an upper size; reading them is the business of the import, which trusts no file.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from email.message import Message
from typing import IO, Final
from urllib.parse import quote, urlsplit

from contracts.errors import TrinnvisError

TIMEOUT_SECONDS: Final = 20.0
LARGEST_ANSWER: Final = 5 * 1024 * 1024
TIME: Final = "Tid"


class FetchFailed(TrinnvisError):
    """The service did not give the table; the sentence says why."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Go nowhere else than asked."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Follow no redirect; it becomes an error of its own status."""


def table_query(selection: Mapping[str, Sequence[str]], months: int) -> dict[str, object]:
    """Give the query for some categories of each dimension and the last ``months`` months."""
    chosen = [
        {"code": code, "selection": {"filter": "item", "values": list(values)}} for code, values in selection.items()
    ]
    newest = {"code": TIME, "selection": {"filter": "top", "values": [str(months)]}}
    return {"query": [*chosen, newest], "response": {"format": "json-stat2"}}


def fetch_table(service: str, table: str, query: Mapping[str, object], *, timeout: float = TIMEOUT_SECONDS) -> bytes:
    """Ask ``service`` (an address of http or https) for a table and give the answer's bytes.

    Raises `FetchFailed` when it does not answer within ``timeout`` seconds, answers an error, redirects or answers more
    than 5 MiB.
    """
    if urlsplit(service).scheme not in ("http", "https"):
        raise FetchFailed(f"{service} is no address of http or https")
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        f"{service.rstrip('/')}/{quote(table, safe='')}",
        data=json.dumps(query).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        method="POST",
    )
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=timeout) as answer:
            content: bytes = answer.read(LARGEST_ANSWER + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise FetchFailed(f"the service answered {error.code} for table {table}") from None
    except (OSError, ValueError) as error:
        raise FetchFailed(f"the service did not give table {table}: {error}") from None
    if len(content) > LARGEST_ANSWER:
        raise FetchFailed(f"the service answered more than {LARGEST_ANSWER} bytes for table {table}")
    return content
