"""How a resource of the API declares an operation: one decorator says its address, its act, its answer and its manners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response
from marshmallow import Schema

from contracts.web.api import ApiBlueprint, answers, described, json_answer
from contracts.web.conditional import ETAG_HEADER, etagged, needs_match
from contracts.web.exports import described_files
from contracts.web.guard import requires
from contracts.web.idempotency import once as done_once

READ_PROBLEMS = (404, 409)
WRITE_PROBLEMS = (400, 404, 409, 415, 422)
View = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing: its things, and where the next part begins (None at its end)."""

    items: Sequence[Any]
    next: str | None = None


class Resource(ApiBlueprint):
    """Addresses of one subject. What a view returns is written by the schema that its operation declares.

    A sequence is written as a whole listing and a `Page` as a part of one; a `Response` is answered as it is.
    """

    def reads(
        self,
        path: str,
        schema: type[Schema],
        told: str,
        *,
        act: str = "read",
        query: type[Schema] | None = None,
        problems: Iterable[int] = READ_PROBLEMS,
    ) -> Callable[[View], View]:
        """Declare a GET that answers in one shape, with an ETag."""
        outer = [
            self.route(path, methods=["GET"]),
            requires(act),
            answers(schema, description=told, problems=problems),
            etagged,
        ]
        return self._declare(outer, query, schema, 200)

    def reads_file(
        self,
        path: str,
        *,
        act: str = "read",
        query: type[Schema] | None = None,
        problems: Iterable[int] = (401, 403, *READ_PROBLEMS),
        told: str = "The rows as a file.",
        responses: Mapping[int, Mapping[str, Any]] | None = None,
        etag: bool = False,
    ) -> Callable[[View], View]:
        """Declare a GET that answers with a file: rows in any of the formats, or what ``responses`` says."""
        outer = [
            self.route(path, methods=["GET"]),
            requires(act),
            described(responses=responses or described_files(told), problems=problems),
            *([etagged] if etag else []),
        ]
        return self._declare(outer, query, None, 200)

    def writes(
        self,
        path: str,
        act: str,
        schema: type[Schema],
        told: str,
        *,
        method: str = "POST",
        status: int | None = None,
        also: Mapping[int, str] | None = None,
        body: Mapping[str, Any] | None = None,
        query: type[Schema] | None = None,
        problems: Iterable[int] = WRITE_PROBLEMS,
        etag: bool | None = None,
        match: bool = False,
        once: bool | None = None,
    ) -> Callable[[View], View]:
        """Declare an act.

        With ``once`` (a POST, if nothing else is said) it heeds an Idempotency-Key and is committed with its answer. With
        ``match`` it needs If-Match, with ``etag`` (with ``match``, if nothing else is said) its answer has the ETag of the
        new state. ``status`` is 201 of a POST and else 200, if nothing else is said.
        """
        posted = method == "POST"
        status = (201 if posted else 200) if status is None else status
        outer = [
            self.route(path, methods=[method]),
            requires(act),
            answers(schema, status=status, description=told, also=also, problems=problems),
            described(body=body, headers=ETAG_HEADER if (match if etag is None else etag) else None),
            *([done_once] if (posted if once is None else once) else []),
            *([needs_match] if match else []),
        ]
        return self._declare(outer, query, schema, status)

    def _declare(
        self, outer: Sequence[Any], query: type[Schema] | None, schema: type[Schema] | None, status: int
    ) -> Callable[[View], View]:
        """Put the decorators on a view, the first one outermost."""

        def declare(view: View) -> View:
            declared: View = _written(view, schema, status)
            if query is not None:
                declared = self.arguments(query, location="query")(declared)
            for decorate in reversed(outer):
                declared = decorate(declared)
            return declared

        return declare


def _written(view: View, schema: type[Schema] | None, status: int) -> View:
    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Response:
        given = view(*args, **kwargs)
        if isinstance(given, Response):
            return given
        assert schema is not None
        if isinstance(given, list | tuple) and {"items", "next"} <= schema().fields.keys():
            given = Page(given)
        if isinstance(given, Page):
            items = schema(only=("items",)).dump(given)
            return json_answer({**items, "next": given.next}, status)
        return json_answer(schema().dump(given), status)

    return answer
