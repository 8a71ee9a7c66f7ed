"""The languages of the pages: bokmål, which is the default, and English.

Source strings are written in English, so English needs no catalogue; `translations/nb` holds the Norwegian. The reader
chooses by `?lang=en`, which sets a cookie and is removed by a redirect, so that one permalink serves both languages.

    python -m contracts.web.i18n extract    add new source strings to the catalogue, and say which lack Norwegian
    python -m contracts.web.i18n translate  take Norwegian from standard input, as JSON: {"Ceiling": "Ramme"}
    python -m contracts.web.i18n prune      extract, and drop strings that nothing uses any more
    python -m contracts.web.i18n compile    write the binary catalogues
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final, TextIO
from urllib.parse import urlencode

import click
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from flask import Flask, Response, abort, has_request_context, redirect, request
from flask_babel import Babel, get_locale

from contracts.terms.written import N_ as N_
from contracts.terms.written import Language

LANGUAGES: Final = {"nb": "Norsk bokmål", "en": "English"}
DEFAULT_LANGUAGE: Final = "nb"
COOKIE: Final = "lang"
TRANSLATIONS: Final = Path(__file__).parent / "translations"
ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ("app.py", "contracts/terms/price_models", "contracts/web", "billing/web")

_KEYWORDS: Final[dict[str, Any]] = {
    "_": None,
    "_l": None,
    "N_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
_HEADER: Final = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def current_language() -> Language:
    """Return the reader's language, `nb` or `en`; bokmål outside a request."""
    with contextlib.suppress(RuntimeError):
        locale = get_locale()
        if locale is not None and locale.language == "en":
            return "en"
    return "nb"


def register(app: Flask) -> None:
    """Wire the languages to the application: catalogues, the reader's choice and what the templates need of it."""
    compile_catalogues()
    Babel(
        app,
        default_locale=DEFAULT_LANGUAGE,
        default_timezone="Europe/Oslo",
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=_chosen_language,
    )
    app.before_request(_take_choice)

    @app.context_processor
    def languages() -> dict[str, Any]:
        return {"language": current_language(), "languages": LANGUAGES, "language_url": language_url}


def language_url(language: str) -> str:
    """Return the address of the present page that switches to `language`."""
    kept = [pair for pair in request.args.items(multi=True) if pair[0] != "lang" and pair[1]]
    return f"{_path()}?{urlencode([*kept, ('lang', language)])}"


def _chosen_language() -> str:
    chosen = request.cookies.get(COOKIE, "") if has_request_context() else ""
    return chosen if chosen in LANGUAGES else DEFAULT_LANGUAGE


def _take_choice() -> Response | None:
    if request.method != "GET" or "lang" not in request.args or request.path.startswith("/api/"):
        return None
    language = request.args["lang"]
    if language not in LANGUAGES:
        abort(400)
    kept = urlencode([pair for pair in request.args.items(multi=True) if pair[0] != "lang" and pair[1]])
    answer = redirect(_path() + (f"?{kept}" if kept else ""), 303)
    answer.set_cookie(COOKIE, language, max_age=31_536_000, secure=request.is_secure, httponly=True, samesite="Lax")
    assert isinstance(answer, Response), "redirect answers with the application's own class"
    return answer


def _path() -> str:
    # A path that begins with two slashes would be read by browsers as another host.
    return "/" + request.path.lstrip("/")


def catalogue_path(language: str) -> Path:
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


def read_catalogue(language: str) -> Catalog:
    """Read the language's catalogue; an absent one is empty."""
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def source_messages(root: Path = ROOT) -> Iterator[tuple[Any, str | None, str]]:
    """Yield each source string in code and templates as (message, context, file). An unreadable file is an error."""
    options = {"encoding": "utf-8", "silent": "false"}
    for source in SOURCES:
        top = root / source
        files = [top] if top.is_file() else sorted((*top.rglob("*.py"), *top.rglob("*.html"), *top.rglob("*.txt")))
        for file in files:
            method = "python" if file.suffix == ".py" else "jinja2"
            with contextlib.suppress(FileNotFoundError):
                for _line, message, _comments, context in extract_from_file(method, file, _KEYWORDS, (), options):
                    yield message, context, str(file.relative_to(root))


def untranslated(language: str = DEFAULT_LANGUAGE, root: Path = ROOT) -> list[str]:
    """Return the source strings that have no finished translation, each once, in the catalogue's order."""
    catalogue = read_catalogue(language)
    found = {}
    for message, context, _file in source_messages(root):
        key = message[0] if isinstance(message, tuple) else message
        entry = catalogue.get(key, context)
        texts = () if entry is None else entry.string if isinstance(entry.string, tuple) else (entry.string,)
        if entry is None or entry.fuzzy or not texts or not all(texts):
            found[(context or "", key)] = key
    return [found[key] for key in sorted(found)]


def update_catalogue(
    language: str = DEFAULT_LANGUAGE,
    *,
    prune: bool = False,
    root: Path = ROOT,
    translations: Mapping[str, str | list[str]] | None = None,
) -> None:
    """Add the source strings that the catalogue lacks, with an empty translation, sorted and without line numbers.

    `translations` are filled in, a list for a string with a plural; one for a string that no source has is added all the
    same. Strings that nothing uses stay, unless `prune`, so that a page and its translations may arrive in either order.
    """
    with _one_writer():
        _update_catalogue(language, prune, root, translations or {})


def _update_catalogue(language: str, prune: bool, root: Path, translations: Mapping[str, str | list[str]]) -> None:
    sources = [(message, context) for message, context, _file in source_messages(root)]
    old = read_catalogue(language)
    new = Catalog(locale=language)
    used = {(message[0] if isinstance(message, tuple) else message, context) for message, context in sources}
    for entry in old:
        key = entry.id[0] if isinstance(entry.id, tuple) else entry.id
        if key and not (prune and (key, entry.context) not in used):
            new.add(entry.id, entry.string, flags=entry.flags - {"python-format"}, context=entry.context)
    for message, context in sources:
        # An entry with a plural also serves the places that use its singular alone.
        if new.get(message[0] if isinstance(message, tuple) else message, context) is None or isinstance(
            message, tuple
        ):
            new.add(message, context=context)
    for message, translation in translations.items():
        known = new.get(message)
        if known is None:
            new.add(message, translation if isinstance(translation, str) else tuple(translation))
        else:
            known.string = translation if isinstance(translation, str) else tuple(translation)
    text = BytesIO()
    write_po(text, new, width=0, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, _HEADER.format(language=language).encode() + text.getvalue().lstrip(b"\n"))


def compile_catalogues() -> list[Path]:
    """Write the binary catalogues that are older than their source; return those written."""
    written = []
    for source in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        binary = BytesIO()
        with source.open("rb") as file:
            write_mo(binary, read_po(file, locale=source.parts[-3]))
        _replace(target, binary.getvalue())
        written.append(target)
    return written


@contextlib.contextmanager
def _one_writer() -> Iterator[None]:
    """Let one process at a time rewrite the catalogues, where the system has file locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    TRANSLATIONS.mkdir(parents=True, exist_ok=True)
    handle = os.open(TRANSLATIONS, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(path: Path, content: bytes) -> None:
    # Several processes may start at once: each writes its own file, and the last rename wins whole.
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)


@click.group()
def cli() -> None:
    """Keep the catalogues of the pages."""


@cli.command()
def extract() -> None:
    """Add new source strings to the Norwegian catalogue and say which lack a translation."""
    update_catalogue()
    _report()


@cli.command()
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
def translate(file: TextIO) -> None:
    """Take Norwegian for source strings from a JSON object, and extract."""
    update_catalogue(translations=json.load(file))
    _report()


@cli.command()
def prune() -> None:
    """Extract, and drop the strings that nothing uses any more."""
    update_catalogue(prune=True)
    _report()


@cli.command("compile")
def compile_() -> None:
    """Write the binary catalogues."""
    for path in compile_catalogues():
        click.echo(f"wrote {path.relative_to(ROOT)}")


def _report() -> None:
    missing = untranslated()
    for message in missing:
        click.echo(f"no Norwegian for: {message}")
    if missing:
        sys.exit(1)
    click.echo("every source string has its Norwegian")


if __name__ == "__main__":
    cli()
