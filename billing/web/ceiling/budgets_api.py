"""API: budgets against what the year costs and is expected to cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, current_app

from billing.ceiling.budgets import BudgetCourse, budget_course
from billing.schemas import budget_course as shapes
from billing.web.ceiling.budgets import course_table
from contracts import clock
from contracts.agreements import find_agreement
from contracts.extensions import db
from contracts.web import api
from contracts.web.api import ApiBlueprint, answers, described, json_answer
from contracts.web.conditional import etagged
from contracts.web.guard import current_actor, requires
from contracts.web.table_files import ROWS_AS_FILE, table_answer

resource = ApiBlueprint(
    "budget_course", __name__, url_prefix=f"{api.PREFIX}/budgets", description="Budgets against what the year costs."
)


@resource.route("/course", methods=["GET"])
@requires("read")
@answers(shapes.BudgetCourseSchema, description="The year by cost centre, month and tertial.", problems=(404, 409, 422))
@etagged
@resource.arguments(shapes.BudgetCourseQuerySchema, location="query")
def show_course(query: dict[str, Any]) -> Response:
    """Hold a year's budgets against actual, forecast and committed costs"""
    return json_answer(shapes.BudgetCourseSchema().dump(_course(query)))


@resource.route("/course.<any(csv, xlsx):suffix>", methods=["GET"])
@requires("read")
@described(responses=ROWS_AS_FILE, problems=(401, 403, 404, 409, 422))
@resource.arguments(shapes.BudgetCourseQuerySchema, location="query")
def export_course(query: dict[str, Any], suffix: str) -> Response:
    """Give a year's budgets by cost centre and month as a file (csv, xlsx)"""
    return table_answer(suffix, "budsjett", *course_table(_course(query)))


def _course(query: dict[str, Any]) -> BudgetCourse:
    today = clock.today(db.session, example_mode=current_app.config["EXAMPLE_MODE"], now=datetime.now(UTC))
    return budget_course(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        year=query["year"] or today.year,
        actor=current_actor(),
        today=today,
        trust=query["trust"],
        known_at=query["known_at"],
    )
