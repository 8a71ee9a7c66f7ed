"""Lists on their way out as files. A format is one module here that ends in its `FORMAT`; nobody else knows one by name.

Routes take a format by the converter of `<table:suffix>`, pages offer those with a label (`ui.file_buttons`), the API
describes all, and `table_answer` writes. A module that is put here is a format from then on; there is no list to keep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from flask import Flask, Response
from werkzeug.routing import BaseConverter

from contracts.terms.table import Table
from contracts.web.exports.declared import Format


def _declared() -> Iterator[Format]:
    for module in iter_modules(__path__, f"{__name__}."):
        found = getattr(import_module(module.name), "FORMAT", None)
        if isinstance(found, Format):
            yield found


# By their suffixes, in the order in which they are offered.
FORMATS: Final[dict[str, Format]] = {each.suffix: each for each in sorted(_declared(), key=lambda each: each.place)}


class TableFormat(BaseConverter):
    """The suffix of a format in an address; any other is an address that does not exist."""

    regex = "|".join(re.escape(suffix) for suffix in FORMATS)


def register(app: Flask) -> None:
    """Give the app the converter of its routes, and its templates what they offer; call before any route is added."""
    app.url_map.converters["table"] = TableFormat
    app.jinja_env.globals["table_formats"] = [each for each in FORMATS.values() if each.label is not None]


def table_answer(suffix: str, name: str, table: Table) -> Response:
    """Give a table as the file ``name`` in the format of ``suffix``."""
    form = FORMATS[suffix]
    answer = Response(form.write(table), content_type=form.content_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{form.named(name)}"'
    return answer


def described_files(told: str) -> dict[int, dict[str, Any]]:
    """Describe an answer of rows in any of the formats, for the API's description."""
    content = {each.media_type: {"schema": {"type": "string"}} for each in FORMATS.values()}
    return {200: {"description": told, "content": content}}
