"""Walk what a reader is offered: every link from the front page on, and the figures, forms and faults found on the way.

Addresses of one view with the same parameters are alike: of each kind so many are walked, so that a list of a thousand lines
is no thousand pages. Links and forms are taken as they stand on the page; a page that asks is asked as it stands, and once with
the first of its boxes.
"""

from __future__ import annotations

import csv
import io
import json
import traceback
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pypdf
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from tests.crawl.offered import Form, Page

# What ends the session or is a file of the shell; a page in the other language is the same page.
LEFT_OUT: Final = ("/logg-ut", "/logg-inn", "/assets/")
OTHER_LANGUAGE: Final = "lang"


@dataclass(frozen=True, slots=True)
class Seen:
    """A figure as it stands at an address; ``known_at`` is the moment that the address is asked as of, empty for now."""

    reader: str
    known_at: str
    id: str
    value: str
    address: str


@dataclass
class Walk:
    """What readers met: how many pages, which figures where, which forms, and what answered other than it should."""

    pages: int = 0
    seen: list[Seen] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def met(self, reader: str, address: str, page: str, answer: TestResponse) -> Page | None:
        """Take an answer in: what is wrong with it, its figures, and its page where it is one."""
        self.pages += 1
        if answer.status_code >= 400:
            self.broken.append(f"{reader}: {page} offers {address}, which answers {answer.status_code}")
            return None
        known_at = dict(parse_qsl(urlsplit(address).query)).get("kjent", "")
        page_met, figures = None, []
        if answer.mimetype == "text/html":
            page_met = Page(address, answer.get_data(as_text=True))
            figures = page_met.figures
        elif answer.mimetype == "application/json":
            figures = list(figures_in(json.loads(answer.get_data())))
        elif answer.mimetype == "text/csv":
            figures = list(figures_of_rows(answer.get_data()))
        elif answer.mimetype == "application/pdf":
            figures = list(figures_of_paper(answer.get_data()))
        self.seen += [Seen(reader, known_at, id, value, address) for id, value in figures]
        return page_met


def walk(app: Flask, client: FlaskClient, reader: str, *, start: tuple[str, ...] = ("/",), alike: int = 2) -> Walk:
    """Follow every link from ``start`` on, ``alike`` addresses of each kind, and give what was met."""
    met = Walk()
    waiting = deque((address, "the start") for address in start)
    offered = set(start)
    while waiting:
        address, page = waiting.popleft()
        kind = kind_of(app, address)
        if kind is None:
            met.broken.append(f"{reader}: {page} offers {address}, which no view answers")
            continue
        if met.kinds[kind] >= alike:
            continue
        met.kinds[kind] += 1
        try:
            answer = client.get(address)
        except Exception as error:
            met.broken.append(f"{reader}: {page} offers {address}, which fails: {place_of(error)}")
            continue
        found = met.met(reader, address, page, answer)
        following = [answer.headers["Location"]] if 300 <= answer.status_code < 400 else []
        if found is not None:
            following += [*found.links, *_asked(found.forms)]
            met.forms += [form for form in found.forms if form.method == "post"]
        for link in following:
            there = urlsplit(urljoin(address, link))
            target = there.path + (f"?{there.query}" if there.query else "")
            if there.netloc in ("", "localhost") and there.scheme in ("", "http") and target not in offered:
                offered.add(target)
                if not target.startswith(LEFT_OUT) and OTHER_LANGUAGE not in dict(parse_qsl(there.query)):
                    waiting.append((target, address))
    return met


def place_of(error: Exception) -> str:
    """Say what went wrong and where in the project, innermost last."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/site-packages/" not in frame.filename]
    place = " > ".join(f"{Path(frame.filename).name}:{frame.name}" for frame in frames[-3:])
    return f"{type(error).__name__} {error} ({place})"


def kind_of(app: Flask, address: str, method: str = "GET") -> str | None:
    """Name the kind of an address: its view and the names of its parameters; None where no view answers it."""
    parts = urlsplit(address)
    try:
        endpoint, _values = app.url_map.bind("localhost").match(parts.path, method)
    except HTTPException:
        return None
    names = {name.partition("-")[0] for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    return " ".join([endpoint, *sorted(names)])


def figures_in(document: Any) -> Iterator[tuple[str, str]]:
    """Give the figures of an answer of the API: everything that has an id and a value under `figures`."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "figures" and isinstance(value, list):
                yield from ((each["id"], each["value"]) for each in value)
            else:
                yield from figures_in(value)
    elif isinstance(document, list):
        for each in document:
            yield from figures_in(each)


def figures_of_rows(content: bytes) -> Iterator[tuple[str, str]]:
    """Give the figures of an export: each column `figure` names the id of the value in the column `figure_value`."""
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";" if b";" in content[:200] else ",")
    for row in rows:
        if row.get("figure"):
            yield row["figure"], row["figure_value"]


def figures_of_paper(content: bytes) -> Iterator[tuple[str, str]]:
    """Give the figures of a paper, which lie in it as a table."""
    for name, files in pypdf.PdfReader(io.BytesIO(content)).attachments.items():
        if name.endswith("-tall.csv"):
            yield from figures_of_rows(files[0])


def _asked(forms: list[Form]) -> Iterator[str]:
    """Give the addresses that a page's questions (forms sent by GET) lead to, as they stand and with the first box."""
    for form in forms:
        if form.method != "get" or any(each.required and not each.value for each in form.fields if each.kind != "box"):
            continue
        standing = form.standing()
        boxes = [(each.name, each.choices[0]) for each in form.fields if each.kind == "box" and not each.value][:1]
        for name, value, action in form.buttons or [("", "", "")]:
            pressed = [(name, value)] if name else []
            for given in ([*standing, *pressed], [*standing, *boxes, *pressed])[: 1 + bool(boxes)]:
                yield f"{action or form.action}?{urlencode(given)}"
