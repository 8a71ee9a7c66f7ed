"""Compare two checkouts of the project: do they load the same example and give the same answers, to the byte?

`python -m tests.same_answers OTHER_CHECKOUT` loads the example with each checkout's own code, in a process of its own and
on a clock that stands still, and holds against each other: every stored hash (closed quarters, reconciliations, protocols,
submissions, documents), the answer to every GET operation of the API's description with the example's own ids, as all
trusts and as one trust see it, and the pages, tables and papers that can be reached by links. It knows the two checkouts
by their commands and addresses alone, so their layout may differ. ``OTHER_CHECKOUT`` may also be a file that an earlier
run kept (`--keep FILE`). The addresses are those that the other checkout gives; the exit code is 1 where any differs.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import logging
import os
import random
import re
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

HERE = Path(__file__).resolve()
NOW = "2026-11-02T09:00:00+00:00"
TOKENS = {
    "controller": ["finance_controller"],
    "admin": ["admin"],
    "trust": ["trust_reader", "--trust", "vestre-viken"],
}
# What a listing needs to be asked at all, and words that one would not find among the answers.
NEEDED = {"quarter": ("2026-Q2",), "month": ("2026-08",), "from": ("2024-01-01",), "to": ("2026-01-01",)}
WORDS = {"suffix": ("csv", "xlsx"), "on": ("2026-09-01",)}
PEOPLE = ("ingrid.solbakken", "jonas.myrvold", "randi.haugerud", "eirik.nesheim", "solveig.brekke")
EACH, TRIES = 3, 15  # addresses kept and tried of one operation or page
LEFT_OUT = ("/assets/", "/static/", "/kalender/", "/logg-ut", "/api/")
UNSTEADY = (
    (re.compile(rb'(name="csrf_token"[^>]*value=|name="csrf-token"[^>]*content=|nonce=)"[^"]*"'), rb'\1""'),
    (re.compile(rb"/assets/[^\"' )]*"), b"/assets/"),
)


def ask(kept: Path, addresses: Path | None) -> None:
    """Load the example with the code of the working folder, ask it everything, and keep what it said in a file."""
    stand_still()
    logging.disable()
    sys.path.insert(0, os.getcwd())
    from app import create_app

    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "trinnvis.db"
        settings = {"DATABASE_URL": f"sqlite:///{database}", "INSTANCE": folder, "WTF_CSRF_ENABLED": False}
        app = create_app({"TESTING": True, **settings})
        run = app.test_cli_runner()
        for command in (["db", "upgrade"], ["demo", "load"]):
            done = run.invoke(args=command)
            if done.exit_code:
                raise SystemExit(f"{' '.join(command)}: {done.output}")
        said = {f"hash {name}": text for name, text in stored_hashes(database)}
        bearers = {}
        for name, (role, *narrowed) in TOKENS.items():
            made = run.invoke(args=["token", "create", "--name", name, "--role", role, *narrowed, "--json"])
            token = json.loads(made.stdout)
            bearers[name] = next(text for text in values_of(token) if re.fullmatch(r"[^. ]+\.[^. ]{20,}", text))
        known = None if addresses is None else json.loads(addresses.read_text())
        said |= api_answers(app, bearers, known)
        said |= page_answers(app, known)
    kept.write_text(json.dumps(said, indent=0, ensure_ascii=False))


def stand_still() -> None:
    """Make `NOW` the instant of every `datetime.now`, and chance the same; answers then depend on the example alone."""
    import datetime as module

    chance = random.Random(1)
    secrets.token_bytes = lambda nbytes=None: chance.randbytes(nbytes or 32)

    real = module.datetime

    class Meta(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, real)

    class Still(real, metaclass=Meta):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.fromisoformat(NOW).astimezone(tz)

    module.datetime = Still  # type: ignore[misc]


def stored_hashes(database: Path) -> Iterator[tuple[str, str]]:
    """Give every hash that the example's rows hold, by table, row and column; secrets are left out."""
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
        for table in sorted(tables):
            for number, row in enumerate(connection.execute(f'select * from "{table}" order by 1')):
                for column in row.keys():  # noqa: SIM118 - iterating over a row gives its values
                    if re.search(r"(sha256|hash)$", column) and not re.search("password|secret|token", column + table):
                        yield f"{table}/{number}/{column}", str(row[column])


def api_answers(app: Any, bearers: dict[str, str], known: list[str] | None) -> dict[str, str]:
    """Ask every GET operation of the API's description, as each token."""
    client, said = app.test_client(), {}

    def get(name: str, address: str) -> Any:
        answer = answered(client, address, {"Authorization": f"Bearer {bearers[name]}"})
        said[f"{name} {address}"] = written(answer)
        return answer

    if known is not None:
        for name, _, address in (entry.partition(" ") for entry in known):
            if name in bearers:
                get(name, address)
        return said
    described = json.loads(client.get("/api/v1/openapi.json").data)
    said["description"] = written(client.get("/api/v1/openapi.json"))
    operations = {path: item["get"] for path, item in described["paths"].items() if "get" in item}
    pool: dict[str, dict[str, None]] = defaultdict(dict)
    for path in sorted(operations, key=lambda path: (path.count("{"), path)):
        needed = [
            f"{one['name']}={NEEDED[one['name']][0]}"
            for one in operations[path].get("parameters", [])
            if one["in"] == "query" and (one.get("required") or one["name"] == "quarter")
        ]
        found = 0
        for filled in list(fill(path, pool))[:TRIES]:
            address = "&".join([filled + "?", *needed]).replace("?&", "?").rstrip("?")
            answers = [get(name, address) for name in bearers]
            for answer in answers:
                if answer.status_code == 200 and answer.is_json:
                    remember(answer.json, pool, filled)
            found += any(answer.status_code == 200 for answer in answers)
            if found == EACH:
                break
        if not found:
            print(f"no example of {path}", file=sys.stderr)
    return said


def fill(path: str, pool: dict[str, dict[str, None]]) -> Iterator[str]:
    """Fill an address's places with values that answers held under the place's name, best guesses first."""
    place = re.search(r"\{(\w+)\}", path)
    if place is None:
        yield path
        return
    name, listing = place[1], path[: place.start()].rstrip("/")
    short = name.removesuffix("_id")
    kinds = [f"{listing} {key}" for key in (name, short, "id", "code", "public_id", "line", "number")]
    guesses = dict.fromkeys([*WORDS.get(name, ()), *NEEDED.get(name, ())])
    for kind in (*kinds, name, short):
        guesses |= pool.get(kind, {})
    for guess in guesses:
        yield from fill(path[: place.start()] + quote(guess, safe="") + path[place.end() :], pool)


def remember(document: Any, pool: dict[str, dict[str, None]], listing: str) -> None:
    """Keep an answer's plain values by the name they stand under, and by the listing they came from."""
    for key, value in pairs_of(document):
        if isinstance(value, str | int) and not isinstance(value, bool) and re.fullmatch(r"[\w.:-]{1,80}", str(value)):
            for kind in (key, f"{listing} {key}"):
                if len(pool[kind]) < TRIES:
                    pool[kind][str(value)] = None


def pairs_of(document: Any) -> Iterator[tuple[str, Any]]:
    """Give every member of a document with its name, at any depth."""
    for key, value in document.items() if isinstance(document, dict) else ():
        yield key, value
        yield from pairs_of(value)
    for value in document if isinstance(document, list) else ():
        yield from pairs_of(value)


def values_of(document: Any) -> Iterator[str]:
    """Give every text in a document."""
    return (value for _, value in pairs_of(document) if isinstance(value, str))


def page_answers(app: Any, known: list[str] | None) -> dict[str, str]:
    """Follow the links of the pages as each person, in both languages; a few addresses of every kind of page."""
    said: dict[str, str] = {}
    addresses = app.url_map.bind("localhost")
    for number, person in enumerate(PEOPLE):
        client = app.test_client()
        client.post("/logg-inn", data={"person": f"{person}@eksempel.no"})
        waiting = ["/"] if known is None else [entry.split(" ", 1)[1] for entry in known if entry.startswith(person)]
        seen, kinds = set(waiting), Counter()
        for address in waiting:  # grows while it is walked
            answer = answered(client, address, {})
            said[f"{person} {address}"] = written(answer)
            if known is not None or not answer.mimetype.startswith("text/html"):
                continue
            for link in re.findall(r'href="([^"#]*)', answer.get_data(as_text=True)):
                target = urljoin(f"http://localhost{address}", link.replace("&amp;", "&"))
                parts = urlsplit(target)
                link = parts.path + ("?" + parts.query if parts.query else "")
                if parts.netloc != "localhost" or parts.path.startswith(LEFT_OUT) or link in seen:
                    continue
                try:
                    kind = addresses.match(parts.path, method="GET")[0]
                except Exception:
                    continue
                kind += " ".join(sorted(name.split("=")[0] for name in parts.query.split("&")))
                if kinds[kind] < (EACH if number == 0 else 1):
                    kinds[kind] += 1
                    seen.add(link)
                    waiting.append(link)
    return said


def answered(client: Any, address: str, headers: dict[str, str]) -> Any:
    """Ask for an address; what the app raises is an answer too."""
    from flask import Response

    try:
        return client.get(address, headers=headers)
    except Exception as error:
        return Response(f"{type(error).__name__}: {error}", status=500)


def written(answer: Any) -> str:
    """Write an answer so that equal answers are equal texts: status, kind, validators and the body without its noise."""
    body = answer.get_data()
    if body[:4] == b"PK\x03\x04":  # a workbook: its parts, without the clock of their writing
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            body = b"".join(name.encode() + parts.read(name) for name in sorted(parts.namelist()))
    for pattern, plain in UNSTEADY:
        body = pattern.sub(plain, body)
    head = f"{answer.status_code} {answer.content_type} {answer.headers.get('Location', '')}"
    steady = f"\nETag {answer.headers['ETag']}" if answer.is_json and "ETag" in answer.headers else ""
    try:
        return f"{head}\n{body.decode()}{steady}"
    except UnicodeDecodeError:
        return f"{head}\n{hashlib.sha256(body).hexdigest()}"


def answers_of(checkout: Path, kept: Path, known: Iterable[str] | None = None) -> dict[str, str]:
    """Have a checkout asked by its own interpreter, of the addresses in ``known`` where there are some."""
    command = [str(checkout / ".venv/bin/python"), str(HERE), "--ask", str(kept)]
    if known is not None:
        addresses = kept.with_suffix(".addresses")
        addresses.write_text(json.dumps([*known]))
        command += ["--addresses", str(addresses)]
    subprocess.run(command, cwd=checkout, check=True, stdout=subprocess.DEVNULL)
    said: dict[str, str] = json.loads(kept.read_text())
    return said


def first_difference(one: str, other: str) -> str:
    """Show where two answers part."""
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"  then {one[max(0, at - 60) : at + 60]!r}\n  now  {other[max(0, at - 60) : at + 60]!r}"


def compare(other: Path, keep: Path | None) -> int:
    """Ask both checkouts and tell what differs; 0 where nothing does."""
    with tempfile.TemporaryDirectory() as folder:
        kept = keep or Path(folder) / "then.json"
        then = json.loads(other.read_text()) if other.is_file() else answers_of(other, kept)
        now = answers_of(HERE.parents[1], Path(folder) / "now.json", then)
    names = [name for name in then if name != "description"]
    differing = [name for name in names if then[name] != now.get(name)]
    for name in differing:
        print(f"differs: {name}\n{first_difference(then[name], now.get(name, ''))}")
    hashes = sum(name.startswith("hash ") for name in names)
    calls = sum(name.split(" ")[0] in TOKENS for name in names)
    statuses = Counter(then[name][:3] for name in names if not name.startswith("hash "))
    print(f"{hashes} hashes, {calls} API answers, {len(names) - hashes - calls} pages and files; {dict(statuses)}")
    print(f"{len(differing)} differ")
    return 1 if differing else 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("other", type=Path, nargs="?", help="the other checkout, or answers that were kept of it")
    parser.add_argument("--keep", type=Path, help="where to keep the other checkout's answers")
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--addresses", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        ask(given.ask, given.addresses)
        return 0
    if given.other is None:
        parser.error("name the other checkout")
    return compare(given.other.resolve(), given.keep and given.keep.resolve())


if __name__ == "__main__":
    sys.exit(main())
