"""Ask every resource of the API that can be read, as a reader: whole listings, and each thing that a listing names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.crawl.walking import Walk, place_of

ANSWERS_OF_RIGHTS: Final = (403, 404)
# What a listing calls the thing that the address after it asks for.
NAMES: Final = ("quarter", "number", "id", "code", "public_id")


def answers_of_the_api(met: Walk, app: Flask, api: FlaskClient, reader: str, headers: Mapping[str, str]) -> None:
    """Read the API: what a reader may not see is refused, and nothing else answers 4xx or 5xx."""
    for address, items in _listings(met, app, api, reader, headers):
        for item in items[:2]:
            name = next((item[key] for key in NAMES if isinstance(item, dict) and item.get(key) is not None), None)
            rule = _below(app, address)
            if name is not None and rule:
                there = f"{address}/{name}"
                answer = _asked(met, api, there, reader, headers)
                if answer is not None and answer.status_code not in ANSWERS_OF_RIGHTS:
                    met.met(reader, there, address, answer)


def _listings(
    met: Walk, app: Flask, api: FlaskClient, reader: str, headers: Mapping[str, str]
) -> Iterator[tuple[str, list[Any]]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        address = rule.rule
        if "GET" not in (rule.methods or ()) or not address.startswith("/api/v1/") or "<" in address:
            continue
        answer = _asked(met, api, address, reader, headers)
        if answer is None or answer.status_code in ANSWERS_OF_RIGHTS or answer.status_code == 422:
            continue  # not theirs to read, or it asks for a parameter
        met.met(reader, address, "the API", answer)
        listed = answer.json if answer.mimetype == "application/json" else None
        if isinstance(listed, dict) and isinstance(listed.get("items"), list):
            yield address, listed["items"]


def _asked(met: Walk, api: FlaskClient, address: str, reader: str, headers: Mapping[str, str]) -> TestResponse | None:
    try:
        return api.get(address, headers=headers)
    except Exception as error:
        met.broken.append(f"{reader}: the API at {address} fails: {place_of(error)}")
        return None


def _below(app: Flask, address: str) -> bool:
    """Tell whether there is an address of one thing below a listing."""
    return any(
        rule.rule.startswith(f"{address}/<")
        and rule.rule.count("/") == address.count("/") + 1
        and "GET" in (rule.methods or ())
        for rule in app.url_map.iter_rules()
    )
