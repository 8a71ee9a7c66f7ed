"""The API's answer about an act on a whole agreement: what it costs to the end, and every guard that decides on it."""

from __future__ import annotations

from flask import Response

from contracts.effects import Weighed
from contracts.errors import NotFound
from contracts.schemas.effects import WeighedSchema
from contracts.web.api import json_answer
from contracts.web.guard import current_actor


def weighed_answer(weighed: Weighed) -> Response:
    """Answer readers of all trusts; within one the sums would tell what the others cost."""
    if current_actor().scope("read") is not None:
        raise NotFound("there is no such effect")
    return json_answer(WeighedSchema().dump(weighed))
