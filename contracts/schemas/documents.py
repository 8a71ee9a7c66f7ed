"""JSON text as a document: UTF-8, no number that JSON does not know, nothing that a database could not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

from contracts.terms.price_book import Finding, InvalidInput


def parse_json(content: bytes, *, parse_float: Callable[[str], Any] | None = None) -> Any:
    """Read JSON text; `InvalidInput` names the line and column where it is none.

    A number with a point stays a number (or what ``parse_float`` makes of its text), so that the schema says at which
    place an amount must be a string. A member that stands twice in an object, NaN, infinities, NUL characters and lone
    surrogates are refused.
    """
    try:
        document = json.loads(
            content.decode("utf-8-sig"),
            parse_constant=_refuse_constant,
            parse_float=parse_float,
            object_pairs_hook=_object_of,
        )
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise _no_json("not_utf8", "the document is not UTF-8 text") from None
    except UnicodeEncodeError:
        raise _no_json("not_json", "the document holds half a surrogate pair, which is no character") from None
    except json.JSONDecodeError as error:
        detail = f"the document is no JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise _no_json("not_json", detail) from None
    except RecursionError:
        raise _no_json("too_deep", "the document is nested too deeply") from None
    except ValueError as error:
        raise _no_json("not_json", str(error)) from None
    if b"\\u0000" in content and _holds_nul(document):
        raise _no_json("not_text", "the document holds a NUL character")
    return document


def _no_json(code: str, detail: str) -> InvalidInput:
    return InvalidInput((Finding("#", code, detail),))


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the member {twice!r} stands twice in one object")
    return members


def _holds_nul(document: Any) -> bool:
    if isinstance(document, str):
        return "\0" in document
    if isinstance(document, dict):
        return any("\0" in name or _holds_nul(value) for name, value in document.items())
    return isinstance(document, list) and any(_holds_nul(value) for value in document)
